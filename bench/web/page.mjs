// What peers.mjs calls in a page with one library in it ('peer').
import * as peer from 'peer';

const STEP_MS = 1000;
const START_MS = Date.UTC(2020, 0, 1);
const element = document.getElementById('chart');
let data;
let chart;

/** A walk of doubles with all their bits, one a second (Marsaglia's xorshift32). */
function makeData(count) {
    const times = new Float64Array(count);
    const values = new Float64Array(count);
    let state = 20261130;
    const random = () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) / 2 ** 32;
    };
    let value = 100;
    for (let i = 0; i < count; i++) {
        value += random() + random() - 1;
        times[i] = START_MS + i * STEP_MS;
        values[i] = value;
    }
    return { times, values };
}

window.bench = {
    prepare(count) {
        data = makeData(count);
    },

    /** Milliseconds from arrays to a picture that is done. */
    async open() {
        const { clientWidth: width, clientHeight: height } = element;
        const start = performance.now();
        chart = await peer.open(element, { ...data, width, height });
        return { ms: performance.now() - start, note: chart.note };
    },

    /** In on a moving place to a thousandth and out again; milliseconds of each frame, or what of them
     * the peer says that counts. */
    async zoom(frames) {
        const { times } = data;
        const first = times[0];
        const span = times[times.length - 1] - first;
        const taken = [];
        for (let i = 0; i < frames; i++) {
            const phase = 1 - Math.abs(1 - (2 * (i + 1)) / frames);
            const width = span * 1000 ** -phase;
            const from = first + (span - width) * (0.3 + 0.4 * phase);
            const start = performance.now();
            const counted = await chart.zoom(Math.round(from), Math.round(from + width));
            taken.push(counted ?? performance.now() - start);
            /* A page that lives, and asks for no frame sooner than a screen could show it. */
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return taken;
    },

    name: peer.name,
};
window.isReady = true;
