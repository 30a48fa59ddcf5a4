// What the browser tests call in the page: functions of window.test.

import { workers } from './workers.mjs';

let charts = await import('/dist/gpu-charts.js');

const element = document.getElementById('chart');
const kept = new Map();
let chart;
let frames = []; /* of the chart that is shown */

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether a frame was drawn while the backend that it was to be drawn by got ready. */
const isEarly = ({ backendReason }) => backendReason.includes('not compiled yet');

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

/** Until a chart is drawn by what draws it from then on. */
async function settled(of) {
    while (isEarly(await of.stats())) await sleep(20);
}

window.test = {
    get charts() {
        return charts;
    },
    workers,

    /** Charts are those of another copy of the package from here on. */
    async use(url) {
        charts = await import(url);
    },

    /** What a person is told, and that something is on the canvas, at this moment. */
    get shown() {
        const root = element.querySelector('div')?.shadowRoot;
        const textOf = (name) => {
            const one = root?.querySelector(name);
            return one === null || one === undefined || one.hidden ? '' : one.textContent;
        };
        return { message: textOf('.message'), notice: textOf('.notice') };
    },

    /** Nodes of the document, those of charts among them. */
    countNodes() {
        const count = (root) =>
            [...root.querySelectorAll('*')].reduce(
                (sum, one) => sum + 1 + (one.shadowRoot === null ? 0 : count(one.shadowRoot)),
                0,
            );
        return count(document);
    },

    /** Colours of a screenshot, in base64, over the middle of the page. */
    async countColors(png) {
        const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
        const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        const canvas = document.createElement('canvas');
        canvas.width = image.width;
        canvas.height = image.height;
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context.drawImage(image, 0, 0);
        const { data } = context.getImageData(0, 0, image.width, image.height);
        return new Set(new Uint32Array(data.buffer)).size;
    },

    sleep,
    settled,

    /** Whether what drew the last frame will not draw the next ones. */
    isCompiling: () => isEarly(chart.state.frame),

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

    /** Shows a view of cases.mjs, complete, in the page's corner, in a chart whose frames have all been drawn by
     * what was ready for it. Returns what that was. */
    async show(view, options) {
        for (;;) {
            const drawn = await window.test.showFirst(view, options);
            if (!frames.some(isEarly)) return drawn;
            await settled(chart);
            /* In workers Firefox 153 waits ten seconds for another canvas where one was removed whose picture was on
             * its way to the screen. */
            await sleep(500);
        }
    },

    /** As show, but for what drew the first pictures. */
    async showFirst(view, options) {
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
        frames = [];
        chart.on('progress', () => frames.push(chart.state.frame));
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
        const copy = Object.assign(document.createElement('canvas'), { width, height });
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        let count = 0;
        for (let i = 0, at = head[0].length; i < data.length; i += 4, at += 3)
            if (data[i] !== bytes[at] || data[i + 1] !== bytes[at + 1] || data[i + 2] !== bytes[at + 2])
                count++;
        return count;
    },

    /** The code and message that opening ends with, and what is shown then. The chart stays. */
    async failure(data, options = {}, package_ = charts) {
        await chart?.destroy();
        chart = package_.createChart(element, { ...options, series: [{ data }] });
        const error = await chart.ready.then(
            () => ({ code: 'none', message: '' }),
            (cause) => ({ code: cause.code, message: cause.message }),
        );
        return { ...error, shown: window.test.shown.message };
    },
};
window.isReady = true;
