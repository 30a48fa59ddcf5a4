// What the browser tests call in the page: functions of window.test.
import * as charts from '/dist/gpu-charts.js';

const element = document.getElementById('chart');
const kept = new Map();
let chart;

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

    /** Sources that stay open, and so the engine and its device. */
    async keep(urls, engine) {
        for (const url of urls) kept.set(url, await charts.openData(url, { engine }));
    },

    async drop() {
        await chart?.destroy();
        chart = undefined;
        for (const source of kept.values()) await source.close();
        kept.clear();
    },

    /** Shows a view of cases.mjs, complete, in the page's corner. Returns what it was drawn by. */
    async show(view, options) {
        await chart?.destroy();
        element.style.width = `${view.width}px`;
        element.style.height = `${view.height}px`;
        chart = charts.createChart(element, {
            bare: true,
            pixelRatio: 1,
            legend: false,
            series: [{ data: kept.get(`/files/${view.file}`), type: view.type }],
            axes: { x: { from: BigInt(view.from), to: BigInt(view.to) } },
            ...(view.bar === undefined ? {} : { barWidth: view.bar }),
            ...options,
        });
        element.lastElementChild.shadowRoot.querySelector('.progress').style.visibility = 'hidden';
        await completed(chart);
        const { backend, backendReason } = await chart.stats();
        return { backend, backendReason };
    },

    /** Pixels of the chart's canvas, where a page can read it, that are not those of a PPM. */
    async countOff(url) {
        const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
        const head = /^P6\n(\d+) (\d+)\n255\n/.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 64)));
        const [width, height] = [+head[1], +head[2]];
        const canvas = element.lastElementChild.shadowRoot.querySelector('canvas');
        if (canvas.width !== width || canvas.height !== height) return Infinity;
        const copy = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, width, height);
        let count = 0;
        for (let i = 0, at = head[0].length; i < data.length; i += 4, at += 3)
            if (data[i] !== bytes[at] || data[i + 1] !== bytes[at + 1] || data[i + 2] !== bytes[at + 2])
                count++;
        return count;
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
