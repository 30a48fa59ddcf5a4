// ECharts: a typed array of pairs, no animation, no symbols, thinned to the smallest and largest value of
// each pixel ("minmax", the fastest sampling that keeps peaks), zoomed by dataZoom.
import { LineChart } from 'echarts/charts';
import { DataZoomInsideComponent, GridComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { readBack } from '../completion.mjs';

echarts.use([LineChart, GridComponent, DataZoomInsideComponent, CanvasRenderer]);
export const name = 'ECharts';

export async function open(element, { times, values, width, height }) {
    const pairs = new Float64Array(2 * times.length);
    for (let i = 0; i < times.length; i++) {
        pairs[2 * i] = times[i];
        pairs[2 * i + 1] = values[i];
    }
    const chart = echarts.init(element, null, { renderer: 'canvas', width, height });
    chart.setOption({
        animation: false,
        xAxis: { type: 'time' },
        yAxis: { type: 'value', scale: true },
        dataZoom: [{ type: 'inside' }],
        series: [
            {
                type: 'line',
                dimensions: ['time', 'value'],
                data: pairs,
                showSymbol: false,
                silent: true,
                sampling: 'minmax',
                lineStyle: { width: 1 },
            },
        ],
    });
    chart.getZr().flush();
    readBack(element);
    return {
        note: '2D canvas',
        zoom: async (from, to) => {
            chart.dispatchAction({ type: 'dataZoom', startValue: from, endValue: to });
            chart.getZr().flush();
            readBack(element);
        },
    };
}
