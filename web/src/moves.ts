/* What the hands ask for, done to the view of a chart. */
import type { Crosshair } from './crosshair.js';
import type { GestureTarget, Place, Zone } from './gestures.js';
import type { Overlay, PlotRect } from './overlay.js';
import type { Side } from './protocol.js';
import type { ViewState } from './view-state.js';
import * as math from './view.js';

interface Moved {
    state: ViewState;
    overlay: Overlay;
    /** Undefined: there is none. */
    crosshair: Crosshair | undefined;
    plots(): PlotRect[];
    moved(isByKey: boolean): void;
    isBoxMode(): boolean;
}

function zoneAt(plots: readonly PlotRect[], x: number, y: number): Zone {
    const first = plots[0];
    const last = plots.at(-1);
    if (first === undefined || last === undefined) return 'out';
    const isAcross = x >= first.x && x <= first.x + first.width;
    const isBeside = plots.some((plot) => y >= plot.y && y <= plot.y + plot.height);
    if (isAcross && isBeside) return 'plot';
    if (isAcross && y > last.y + last.height) return 'time';
    return isBeside ? 'value' : 'out';
}

export function makeTarget(chart: Moved): GestureTarget {
    const { state, overlay, crosshair } = chart;
    let panel = 0;
    let isByKey = false;
    let side: Side | undefined; /* of the axis that the gesture began at */
    const plot = () => chart.plots()[panel] ?? (chart.plots()[0] as PlotRect);
    const moving = (move: () => void) => {
        move();
        chart.moved(isByKey);
    };
    return {
        plot,
        zoneAt: (x, y) => zoneAt(chart.plots(), x, y),
        begin: (at?: Place) => {
            isByKey = at === undefined;
            panel = at === undefined ? 0 : math.nearestPlot(chart.plots(), at.y);
            const middle = plot().x + plot().width / 2;
            side = at === undefined ? undefined : at.x < middle ? 'left' : 'right';
            if (side !== undefined && !state.sides(panel).includes(side)) side = undefined;
            state.begin(panel);
        },
        pan: (shareX, shareY) => moving(() => state.pan(shareX, shareY)),
        zoom: (factor, shareX, shareY, panX, panY) =>
            moving(() => state.zoom(factor, shareX, shareY, panX, panY)),
        stretchValues: (factor, shareY) => moving(() => state.stretch(factor, shareY, side)),
        zoomTo: (x, y) => moving(() => state.zoomTo(x, y)),
        reset: () => moving(() => state.reset()),
        fitValues: () => moving(() => state.fit(panel)),
        hover: (x, y) => crosshair?.move(x, y),
        leave: () => crosshair?.leave(),
        stepCrosshair: (by) => crosshair?.step(by),
        showBox: (from, to, isFlat) => overlay.showBox(from, to, isFlat, plot()),
        hideBox: () => overlay.hideBox(),
        cursor: (name) => overlay.setCursor(name),
        isBoxMode: () => chart.isBoxMode(),
    };
}
