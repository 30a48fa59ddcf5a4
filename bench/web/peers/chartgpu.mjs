// ChartGPU: columns of typed arrays, its own sampling, frames asked for by the page so that their end
// can be awaited on the device that it is given.
import { ChartGPU } from 'chartgpu';

export const name = 'ChartGPU';

export async function open(element, { times, values }) {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) throw new Error('no WebGPU adapter');
    const device = await adapter.requestDevice({
        requiredLimits: {
            maxBufferSize: adapter.limits.maxBufferSize,
            maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
        },
    });
    const chart = await ChartGPU.create(
        element,
        {
            animation: false,
            renderMode: 'external',
            xAxis: { type: 'time' },
            tooltip: { show: false },
            dataZoom: [{ type: 'inside' }],
            series: [{ type: 'line', data: { x: times, y: values }, lineStyle: { width: 1 } }],
        },
        { adapter, device },
    );
    /* Some changes take it a second frame; a third would be of its own making. */
    const draw = async () => {
        for (let i = 0; i < 2 && (i === 0 || chart.needsRender()); i++) {
            chart.renderFrame();
            await device.queue.onSubmittedWorkDone();
        }
    };
    await draw();
    const first = times[0];
    const span = times[times.length - 1] - first;
    return {
        note: `WebGPU: ${adapter.info?.description || adapter.info?.vendor || 'an adapter'}`,
        zoom: async (from, to) => {
            chart.setZoomRange((100 * (from - first)) / span, (100 * (to - first)) / span);
            await draw();
        },
    };
}
