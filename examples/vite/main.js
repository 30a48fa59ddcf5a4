/* A page with one chart, of a million rows that are made here, and what has drawn it. */
import { createChart } from 'gpu-charts';

const times = Float64Array.from({ length: 1_000_000 }, (_, i) => Date.UTC(2024, 0, 1) + 1000 * i);
const volts = Float32Array.from(times, (_, i) => Math.sin(i / 20_000) + 0.2 * Math.sin(i / 900));

const drawn = document.getElementById('drawn');
const chart = createChart(document.getElementById('chart'), {
    title: 'A million rows',
    series: [{ data: { times, columns: { volts }, units: { volts: 'V' } } }],
});
chart.on('complete', async () => {
    const { backend, place, threads } = await chart.stats();
    drawn.textContent = `Drawn by ${backend}; the engine: ${place}, threads: ${threads}`;
});
chart.on('error', ({ code, message }) => (drawn.textContent = `${code}: ${message}`));
