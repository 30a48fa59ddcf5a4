// uPlot: typed arrays as they are; its paths thin what falls on one pixel column.
import uPlot from 'uplot';
import { readBack } from '../completion.mjs';

export const name = 'uPlot';

export async function open(element, { times, values, width, height }) {
    const seconds = times.map((ms) => ms / 1000);
    const chart = new uPlot(
        {
            width,
            height,
            legend: { show: false },
            cursor: { show: false },
            scales: { x: { time: true } },
            series: [{}, { stroke: '#3f55dc', width: 1, points: { show: false }, spanGaps: false }],
        },
        [seconds, values],
        element,
    );
    await Promise.resolve(); /* it draws in a microtask */
    readBack(element);
    return {
        note: '2D canvas',
        zoom: async (from, to) => {
            chart.setScale('x', { min: from / 1000, max: to / 1000 });
            await Promise.resolve();
            readBack(element);
        },
    };
}
