// What the browser tests call in the page: functions of window.test.
import * as charts from '/dist/gpu-charts.js';

const element = document.getElementById('chart');
let chart;

function parsePpm(bytes) {
    const head = /^P6\n(\d+) (\d+)\n255\n/.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 64)));
    return { width: +head[1], height: +head[2], rgb: bytes.subarray(head[0].length) };
}

async function fetchBytes(url) {
    return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

function completed(of) {
    return new Promise((resolve, reject) => {
        const stops = [
            of.on('complete', () => settle(resolve)),
            of.on('error', (error) => settle(() => reject(error))),
        ];
        const settle = (how) => {
            for (const stop of stops) stop();
            how();
        };
    });
}

window.test = {
    charts,

    async make(options) {
        await chart?.destroy();
        chart = charts.createChart(element, options);
        const first = completed(chart);
        await first;
        return (await chart.stats()).place;
    },

    get chart() {
        return chart;
    },

    completed: () => completed(chart),

    /** Pixels that differ from the command's picture, view by view. */
    async countDifferent(root, options) {
        const views = await (await fetch(`${root}/views.json`)).json();
        const different = [];
        for (const view of views) {
            element.style.width = `${view.width}px`;
            element.style.height = `${view.height}px`;
            const one = charts.createChart(element, {
                ...options,
                bare: true,
                pixelRatio: 1,
                series: [{ data: `${root}/${view.file}`, type: view.type }],
                axes: { x: { from: BigInt(view.from), to: BigInt(view.to) } },
                ...(view.bar === undefined ? {} : { barWidth: view.bar }),
            });
            await completed(one);
            const { width, height, pixels } = await one.readPixels();
            const ppm = parsePpm(await fetchBytes(`${root}/${view.picture}`));
            let count = width === ppm.width && height === ppm.height ? 0 : Infinity;
            for (let i = 0; i < width * height; i++)
                for (let c = 0; c < 3; c++)
                    if (pixels[4 * i + c] !== ppm.rgb[3 * i + c]) {
                        count++;
                        break;
                    }
            different.push(count);
            await one.destroy();
        }
        element.style.width = element.style.height = '';
        return different;
    },

    /** The code and message that opening ends with. */
    async failure(url, options) {
        const one = charts.createChart(element, { ...options, series: [{ data: url }] });
        const error = await one.ready.then(
            () => ({ code: 'none', message: '' }),
            (cause) => ({ code: cause.code, message: cause.message }),
        );
        const shown = element.lastElementChild.shadowRoot.querySelector('.message');
        const text = shown.hidden ? '' : shown.textContent;
        await one.destroy();
        return { ...error, shown: text };
    },
};
window.isReady = true;
