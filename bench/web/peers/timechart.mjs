// TimeChart: points as objects, times relative to the first (32-bit floats), no plugins that read the pointer.
import TimeChart from 'timechart';

export const name = 'TimeChart';
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

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
    /* It draws in the next frame's callback, which was asked for before this one; reading waits for that. */
    const done = async () => {
        await nextFrame();
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    };
    await done();
    return {
        note: 'WebGL',
        zoom: async (from, to) => {
            chart.options.xRange = { min: from - baseTime, max: to - baseTime };
            chart.update();
            await done();
        },
    };
}
