/* Charts that move together. */
import type { Chart } from './chart.js';

/** Charts that show one time range and one crosshair. Returns a function that ends it. */
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
                    for (const other of others) other.setView({ from: view.fromTicks, to: view.toTicks });
                }),
            ),
            chart.on('hover', (hover) =>
                quietly(() => {
                    for (const other of others) other.setCrosshair(hover?.ticks);
                }),
            ),
        ];
    });
    return () => {
        for (const stop of stops) stop();
    };
}
