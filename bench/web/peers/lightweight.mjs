// lightweight-charts: objects are the only input; bars as narrow as the data asks, and conflation on.
import { LineSeries, createChart } from 'lightweight-charts';
import { drawOnScreen, readBack } from '../completion.mjs';

export const name = 'lightweight-charts';

export async function open(element, { times, values, width, height }) {
    const rows = new Array(times.length);
    for (let i = 0; i < rows.length; i++) rows[i] = { time: times[i] / 1000, value: values[i] };
    const chart = createChart(element, {
        width,
        height,
        timeScale: {
            minBarSpacing: width / times.length / 2,
            enableConflation: true,
            precomputeConflationOnInit: true,
            timeVisible: true,
        },
    });
    const series = chart.addSeries(LineSeries, {
        lineWidth: 1,
        priceLineVisible: false,
        lastValueVisible: false,
        crosshairMarkerVisible: false,
    });
    await drawOnScreen(
        () => {
            series.setData(rows);
            chart.timeScale().fitContent();
        },
        () => readBack(element),
    );
    return {
        note: '2D canvas',
        zoom: (from, to) =>
            drawOnScreen(
                () => chart.timeScale().setVisibleRange({ from: from / 1000, to: to / 1000 }),
                () => readBack(element),
            ),
    };
}
