// What billion.mjs calls in the page.
import { createChart } from '/dist/gpu-charts.js';

const longTasks = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longTasks.push(entry.duration);
}).observe({ entryTypes: ['longtask'] });

const once = (chart, type) =>
    new Promise((resolve) => {
        const stop = chart.on(type, (detail) => {
            stop();
            resolve(detail);
        });
    });

let chart;

window.billion = {
    async open({ url, engine, backend }) {
        longTasks.length = 0;
        const start = performance.now();
        chart = createChart(document.getElementById('chart'), {
            series: [{ data: url }],
            interactive: false,
            engine,
            backend,
        });
        const failed = once(chart, 'error').then((error) => {
            throw error;
        });
        const first = once(chart, 'progress').then(() => performance.now() - start);
        const exact = once(chart, 'complete').then(() => performance.now() - start);
        const [firstMs, exactMs] = await Promise.race([Promise.all([first, exact]), failed]);
        return { firstMs, exactMs, stats: await chart.stats() };
    },

    /** Zooms in, pans, zooms out and so on, each frame asked for when the one before has been drawn. */
    async move(frames) {
        const extent = chart.getExtent();
        const first = BigInt(extent.from);
        const whole = Number(BigInt(extent.to) - first);
        const latencies = [];
        const drawn = [];
        let exactFrames = 0;
        let width = 1;
        let center = 0.5;
        for (let i = 0; i < frames; i++) {
            const phase = (i % 100) / 100;
            if (phase < 0.4) width = 10 ** (-5 * (phase / 0.4));
            else if (phase < 0.6) center += width * 0.05;
            else width = 10 ** (-5 * (1 - (phase - 0.6) / 0.4));
            if (phase === 0) center = 0.2 + (0.6 * ((i / 100) % 7)) / 7;
            const low = Math.min(Math.max(0, center - width / 2), 1 - width);
            const from = first + BigInt(Math.round(low * whole));
            const start = performance.now();
            const isBusy = chart.isDrawing; /* with a frame of the view before */
            chart.setView({ from, to: from + BigInt(Math.max(10, Math.round(width * whole))) });
            if (isBusy) await once(chart, 'progress');
            const { complete } = await once(chart, 'progress');
            latencies.push(performance.now() - start);
            exactFrames += complete === 1 ? 1 : 0;
            drawn.push((await chart.stats()).frameMs);
            await new Promise((resolve) => requestAnimationFrame(resolve));
        }
        const start = performance.now();
        while ((await chart.stats()).complete < 1) await once(chart, 'progress');
        const stats = await chart.stats();
        return { latencies, drawn, exactFrames, longTasks, stats, settledMs: performance.now() - start };
    },
};
window.isReady = true;
