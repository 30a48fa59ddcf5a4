/* Charts that move together. */
import type { ChartView } from './chart-types.js';
import type { Chart } from './chart.js';
import { convertTicks } from './time.js';

/** Shows the times of a view, whose ticks may be of another unit than the chart's. */
function follow(chart: Chart, { from, to, fromTicks, toTicks, unit }: ChartView): void {
    const own = chart.getView()?.unit;
    if (own === undefined) return chart.setView({ from, to }); /* its data is on the way */
    const first = convertTicks(fromTicks, unit, own);
    const last = convertTicks(toTicks, unit, own);
    if (first === undefined || last === undefined) return undefined;
    return chart.setView({ from: first, to: last > first ? last : first + 1n });
}

/** Charts that show one time range and one crosshair; one of rows goes with others of rows. Returns a function that
 * ends it. */
export function linkCharts(...charts: Chart[]): () => void {
    let isBusy = false;
    const quietly = (change: () => void) => {
        if (isBusy) return;
        isBusy = true;
        try {
            change();
        } finally {
            isBusy = false;
        }
    };
    const stops = charts.flatMap((chart) => {
        const others = charts.filter((other) => other !== chart);
        return [
            chart.on('view', (view) =>
                quietly(() => {
                    for (const other of others) follow(other, view);
                }),
            ),
            chart.on('hover', (hover) =>
                quietly(() => {
                    const { unit } = chart.getExtent();
                    for (const other of others)
                        other.setCrosshair(
                            hover === null ? undefined : convertTicks(hover.ticks, unit, other.getExtent().unit),
                        );
                }),
            ),
        ];
    });
    return () => {
        for (const stop of stops) stop();
    };
}
