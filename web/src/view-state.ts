/* What a chart is asked to show: times, or values along the horizontal axis of points and histograms,
 * and the values of each panel's axes.
 *
 * Invariants:
 *  1. What is asked for stands here; what positions on the screen are read from is the frame that was
 *     drawn last.
 *  2. A gesture is counted from the snapshot that begin() took: moving to and fro gives the start.
 */
import type { ChartView, ViewInput } from './chart-types.js';
import { ChartError } from './error.js';
import type { AxisOptions, PanelOptions } from './options.js';
import type { Frame, FrameDesc, FramePanel, Side, TimeUnit, Values } from './protocol.js';
import { type TimeInput, convertTicks, toMs, toTicks } from './time.js';
import * as math from './view.js';

export type Kind = 'time' | 'points' | 'histogram';

const SIDES: readonly Side[] = ['left', 'right'];
const NO_VALUES: Values = { min: 0, max: 1 };

interface Snapshot {
    panel: number;
    time: math.Range;
    across: Values;
    values: Map<Side, Values>;
}

/** Asked for and logarithmic or not, by panel and side. */
interface Axis {
    values: Values | undefined;
    isLog: boolean;
    title: string | undefined;
}

export class ViewState {
    kind: Kind = 'time';
    unit: TimeUnit = 'ms';
    /** First and last time of the data; the end is exclusive. */
    data: math.Range = { from: 0n, to: 1n };
    /** What points and histograms hold along the horizontal axis, if it is known. */
    dataAcross: Values | undefined;
    time: math.Range | undefined;
    across: Values | undefined;
    frame: Frame | undefined;
    panels: PanelOptions[] = [{}];
    private readonly axes = new Map<string, Axis>();
    private start: Snapshot | undefined;

    /** The first panel's left axis may be described by `first` as well. What is not described stays. */
    setPanels(panels: readonly PanelOptions[], first: AxisOptions | undefined): void {
        this.panels = panels.length > 0 ? [...panels] : [{}];
        for (const key of this.axes.keys())
            if (Number.parseInt(key, 10) >= this.panels.length) this.axes.delete(key);
        this.panels.forEach((panel, i) => {
            this.readAxis(i, 'left', { ...(i === 0 ? first : {}), ...panel.left });
            this.readAxis(i, 'right', panel.right ?? {});
        });
    }

    private readAxis(panel: number, side: Side, options: AxisOptions): void {
        const axis = this.axis(panel, side);
        if (options.scale !== undefined) axis.isLog = options.scale === 'log';
        axis.title = options.title;
        const { min, max } = options;
        if (min !== undefined && max !== undefined) axis.values = { min, max };
        else if (min !== undefined || max !== undefined)
            axis.values = { min: min ?? Number.NEGATIVE_INFINITY, max: max ?? Number.POSITIVE_INFINITY };
    }

    private axis(panel: number, side: Side): Axis {
        const key = `${panel}.${side}`;
        let axis = this.axes.get(key);
        if (axis === undefined) {
            axis = { values: undefined, isLog: false, title: undefined };
            this.axes.set(key, axis);
        }
        return axis;
    }

    /** Ticks are of another unit from now on: what is shown stays where it can, as of moments. */
    setUnit(unit: TimeUnit): void {
        const { time } = this;
        if (time !== undefined && unit !== this.unit) {
            const from = convertTicks(time.from, this.unit, unit);
            const to = convertTicks(time.to, this.unit, unit);
            this.time = from === undefined || to === undefined ? undefined : { from, to };
        }
        this.unit = unit;
    }

    /* ---- axes ---- */

    isLog(panel = 0, side: Side = 'left'): boolean {
        return this.axis(panel, side).isLog;
    }

    /** Of all axes; bounds that a logarithmic one cannot have are forgotten. */
    setLog(isLog: boolean): void {
        for (const axis of this.axes.values()) {
            axis.isLog = isLog;
            if (isLog && axis.values !== undefined && !(axis.values.min > 0)) axis.values = undefined;
        }
    }

    fits(panel = 0, side: Side = 'left'): boolean {
        return this.axis(panel, side).values === undefined;
    }

    /** The sides of a panel that were drawn. */
    sides(panel: number): Side[] {
        const drawn = this.frame?.panels[panel];
        return SIDES.filter((side) => drawn?.[side] !== undefined);
    }

    /** As asked for, or as drawn where that was left open. */
    values(panel: number, side: Side): Values | undefined {
        const asked = this.axis(panel, side).values;
        const drawn = this.frame?.panels[panel]?.[side];
        if (asked !== undefined && Number.isFinite(asked.max - asked.min)) return asked;
        if (asked === undefined || drawn === undefined) return drawn;
        return {
            min: Number.isFinite(asked.min) ? asked.min : drawn.min,
            max: Number.isFinite(asked.max) ? asked.max : drawn.max,
        };
    }

    setValues(panel: number, side: Side, min: number | undefined, max: number | undefined): void {
        const now = this.values(panel, side) ?? NO_VALUES;
        const next = { min: min ?? now.min, max: max ?? now.max };
        const isGood = next.min < next.max && Number.isFinite(next.max - next.min);
        if (!isGood || (this.isLog(panel, side) && next.min <= 0))
            throw new ChartError('invalid', `view: values from ${next.min} to ${next.max}`);
        this.axis(panel, side).values = next;
    }

    /** All axes of a panel; of all panels without a number. */
    fit(panel?: number): void {
        for (const [key, axis] of this.axes)
            if (panel === undefined || key.startsWith(`${panel}.`)) axis.values = undefined;
    }

    /* ---- moving ---- */

    /** The next moves start from what is shown now, in one panel. */
    begin(panel: number): void {
        this.start = {
            panel,
            time: this.time ?? this.data,
            across: this.across ?? this.frame?.across ?? NO_VALUES,
            values: this.shownValues(panel),
        };
    }

    /** Of the axes of a panel. */
    private shownValues(panel: number): Map<Side, Values> {
        const all = new Map<Side, Values>();
        for (const side of this.sides(panel)) {
            const shown = this.values(panel, side);
            if (shown !== undefined) all.set(side, shown);
        }
        return all;
    }

    private from(): Snapshot {
        if (this.start === undefined) this.begin(0);
        return this.start as Snapshot;
    }

    /** By shares of the plot. In time the values move only if they are held. */
    pan(shareX: number, shareY: number): void {
        const start = this.from();
        if (this.kind === 'time') this.time = math.panRange(start.time, shareX);
        else this.across = math.panValues(start.across, shareX, false);
        this.raise(start.values, shareY);
    }

    private raise(values: Map<Side, Values>, share: number): void {
        if (share === 0) return;
        const { panel } = this.from();
        for (const [side, from] of values)
            if (this.kind === 'points' || !this.fits(panel, side))
                this.hold(side, math.panValues(from, share, this.isLog(panel, side)));
    }

    private hold(side: Side, values: Values): void {
        if (Number.isFinite(values.max - values.min)) this.axis(this.from().panel, side).values = values;
    }

    /** About a place of the plot; points zoom in both directions. Then moved by shares of the plot, as by pan(). */
    zoom(factor: number, shareX: number, shareY: number, panX = 0, panY = 0): void {
        const start = this.from();
        if (this.kind === 'time') {
            this.time = math.panRange(math.zoomRange(start.time, factor, shareX), panX);
            this.raise(start.values, panY);
            return;
        }
        this.across = math.panValues(math.zoomValues(start.across, factor, shareX, false), panX, false);
        if (this.kind !== 'points') return;
        this.stretch(factor, shareY);
        this.raise(this.shownValues(start.panel), panY);
    }

    /** The values of a panel, about a share of its height. */
    stretch(factor: number, shareY: number, only?: Side): void {
        const start = this.from();
        for (const [side, values] of start.values)
            if (only === undefined || only === side)
                this.hold(side, math.zoomValues(values, factor, shareY, this.isLog(start.panel, side)));
    }

    /** To what lies between shares of the plot; without a height the values stay as they are. */
    zoomTo(x: readonly [number, number], y: readonly [number, number] | undefined): void {
        const start = this.from();
        const [left, right] = ordered(x);
        if (!(right > left)) return;
        if (this.kind === 'time') {
            const range = { from: math.tickAt(start.time, left), to: math.tickAt(start.time, right) };
            if (range.to > range.from) this.time = range;
        } else {
            this.across = {
                min: math.valueAt(start.across, left, false),
                max: math.valueAt(start.across, right, false),
            };
        }
        if (y === undefined) return;
        const [low, high] = ordered(y);
        for (const [side, values] of start.values) {
            const isLog = this.isLog(start.panel, side);
            const next = {
                min: math.valueAt(values, low, isLog),
                max: math.valueAt(values, high, isLog),
            };
            if (next.max > next.min) this.hold(side, next);
        }
    }

    reset(): void {
        this.fit();
        if (this.time !== undefined) this.time = this.data;
        this.across = undefined;
    }

    /** Brings what is asked for within reach of the data. */
    clamp(): void {
        if (this.time !== undefined) this.time = math.clampRange(this.time, this.data);
        if (this.across !== undefined && this.dataAcross !== undefined)
            this.across = math.clampValues(this.across, this.dataAcross);
    }

    /* ---- as callers see it ---- */

    /** Undefined before there is data. */
    toView(): ChartView | undefined {
        const { time, unit } = this;
        if (time === undefined) return undefined;
        const axes = this.panels.flatMap((_, panel) =>
            this.sides(panel).map((axis) => ({
                panel,
                axis,
                ...(this.values(panel, axis) ?? { min: Number.NaN, max: Number.NaN }),
                scale: this.isLog(panel, axis) ? ('log' as const) : ('linear' as const),
                fitsValues: this.fits(panel, axis),
            })),
        );
        const first = this.values(0, 'left') ?? axes[0];
        const across = this.across ?? this.frame?.across;
        return {
            from: toMs(time.from, unit),
            to: toMs(time.to, unit),
            fromTicks: time.from,
            toTicks: time.to,
            unit,
            min: first?.min ?? Number.NaN,
            max: first?.max ?? Number.NaN,
            fitsValues: axes[0]?.fitsValues ?? this.fits(),
            axes,
            ...(this.kind === 'time' || across === undefined
                ? {}
                : { xMin: across.min, xMax: across.max, fitsX: this.across === undefined }),
        };
    }

    apply(view: ViewInput): void {
        const now = this.time ?? this.data;
        const from = view.from === undefined ? now.from : this.ticksOf('from', view.from);
        const to = view.to === undefined ? now.to : this.ticksOf('to', view.to);
        if (to <= from) throw new ChartError('invalid', 'view: from is not before to');
        this.applyValues(view);
        if (view.xMin === null || view.xMax === null) this.across = undefined;
        else if (view.xMin !== undefined || view.xMax !== undefined)
            this.setAcross(view.xMin, view.xMax);
        this.time = { from, to };
    }

    /** Of the value axes alone. */
    applyValues({ min, max, panel, axis }: ViewInput): void {
        if (min === null || max === null) this.fit(panel);
        else if (min !== undefined || max !== undefined)
            this.setValues(panel ?? 0, axis ?? 'left', min, max);
    }

    private setAcross(xMin: number | undefined, xMax: number | undefined): void {
        const now = this.across ?? this.frame?.across ?? this.dataAcross ?? NO_VALUES;
        const next = { min: xMin ?? now.min, max: xMax ?? now.max };
        if (!(next.min < next.max) || !Number.isFinite(next.max - next.min))
            throw new ChartError('invalid', `view: x from ${next.min} to ${next.max}`);
        this.across = next;
    }

    private ticksOf(name: string, time: TimeInput): bigint {
        const ticks = toTicks(time, this.unit);
        if (ticks === undefined)
            throw new ChartError('invalid', `view: ${name}: '${String(time)}' is no time`);
        return ticks;
    }

    /* ---- for the engine ---- */

    describe(): Pick<FrameDesc, 'range' | 'left' | 'right' | 'panels'> {
        const across =
            this.kind === 'time' || this.across === undefined
                ? {}
                : { left: String(this.across.min), right: String(this.across.max) };
        return {
            ...(this.kind === 'points' ? {} : { range: this.time ?? this.data }),
            ...across,
            panels: this.panels.map((panel, i) => this.describePanel(panel, i)),
        };
    }

    private describePanel(panel: PanelOptions, index: number): FramePanel {
        const describe = (side: Side) => {
            const { values, isLog, title } = this.axis(index, side);
            return { isLog, ...boundsOf(values), ...(title === undefined ? {} : { title }) };
        };
        return {
            height: panel.height ?? 0,
            left: describe('left'),
            right: describe('right'),
            ...(panel.title === undefined ? {} : { title: panel.title }),
        };
    }
}

function ordered([a, b]: readonly [number, number]): [number, number] {
    const low = Math.max(0, Math.min(a, b));
    return [low, Math.min(1, Math.max(a, b))];
}

function boundsOf(values: Values | undefined): { bottom?: string; top?: string } {
    if (values === undefined) return {};
    return {
        ...(Number.isFinite(values.min) ? { bottom: String(values.min) } : {}),
        ...(Number.isFinite(values.max) ? { top: String(values.max) } : {}),
    };
}
