// TimeChart: points as objects, times relative to the first (32-bit floats), no plugins that read the pointer.
import TimeChart from 'timechart';
import { drawOnScreen } from '../completion.mjs';

export const name = 'TimeChart';

export async function open(element, { times, values }) {
    const baseTime = times[0];
    const data = new Array(times.length);
    let low = Infinity;
    let high = -Infinity;
    for (let i = 0; i < data.length; i++) {
        data[i] = { x: times[i] - baseTime, y: values[i] };
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
    }
    const chart = new TimeChart(element, {
        baseTime,
        series: [{ data, name: 'value', color: '#3f55dc' }],
        xRange: { min: 0, max: times[times.length - 1] - baseTime },
        yRange: { min: low, max: high },
        legend: false,
    });
    const gl = element.shadowRoot.querySelector('canvas').getContext('webgl2');
    const pixel = new Uint8Array(4);
    const read = () => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    await drawOnScreen(() => chart.update(), read);
    return {
        note: 'WebGL',
        zoom: (from, to) =>
            drawOnScreen(() => {
                chart.options.xRange = { min: from - baseTime, max: to - baseTime };
                chart.update();
            }, read),
    };
}
