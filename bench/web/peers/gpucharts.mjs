// This repository's package. `engine` and `backend` come from the address of the page.
import { createChart } from '/dist/gpu-charts.js';

export const name = 'gpu-charts';
const options = Object.fromEntries(new URLSearchParams(location.search));

function completed(chart) {
    return new Promise((resolve, reject) => {
        const stops = [
            chart.on('complete', () => settle(resolve)),
            chart.on('error', (error) => settle(() => reject(error))),
        ];
        const settle = (how) => {
            for (const stop of stops) stop();
            how();
        };
    });
}

export async function open(element, { times, values, unit }) {
    const chart = createChart(element, {
        series: [{ data: { times, values } }],
        interactive: false,
        ...(options.engine === undefined ? {} : { engine: options.engine }),
        ...(options.backend === undefined ? {} : { backend: options.backend }),
    });
    await completed(chart);
    const stats = await chart.stats();
    return {
        note: `${stats.place}, ${stats.threads} threads, drawn by ${stats.backend}`,
        /* The event comes when the picture is in the canvas. */
        zoom: async (from, to) => {
            const done = completed(chart);
            chart.setView({ from, to });
            await done;
        },
    };
}
