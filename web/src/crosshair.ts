/* The crosshair: where the pointer is, and what the series' exact values are there.
 *
 * Invariants:
 *  1. One reading is under way at a time; the newest place, in the newest frame, is read next.
 *  2. What is read belongs to the frame that was drawn last: labels and dots are placed by it.
 */
import type { HoverValue } from './chart-types.js';
import { ChartError } from './error.js';
import type { Crosshair as Drawn, Dot, PlotRect } from './overlay.js';
import type { Frame, FrameDesc, Values } from './protocol.js';
import { type Hover, type Shown, describeSeries, isBar, markOf, needsBars, panelOf, sideOf } from './series.js';
import { formatBar, formatTicks } from './time.js';
import type { ViewState } from './view-state.js';
import * as math from './view.js';

/** A point of a plane is found within this distance, in CSS pixels. */
const REACH_PX = 32.5;
const STEPS = 100;

export interface CrosshairHost {
    readonly state: ViewState;
    visible(): Shown[];
    describe(): FrameDesc | undefined;
    zone(): string;
    plots(): PlotRect[];
    show(crosshair: Drawn): void;
    hide(): void;
    /** Values of the series have changed. */
    changed(): void;
    hovered(ticks: bigint, values: HoverValue[]): void;
    left(): void;
    fail(error: ChartError): void;
    announce(text: string): void;
}

interface Place {
    x: number;
    y: number;
    /** As another chart's pointer: those who listen are not told, or two charts would tell each other for ever. */
    isLinked: boolean;
}

export class Crosshair {
    private pointer: Place | undefined;
    private isReading = false;
    /** What is read next is said. */
    private isToBeSaid = false;
    private isEnded = false;

    constructor(private readonly host: CrosshairHost) {}

    end(): void {
        this.isEnded = true;
        this.pointer = undefined;
    }

    move(x: number, y: number): void {
        this.pointer = { x, y, isLinked: false };
        void this.read();
    }

    /** A new frame: the values under the pointer are others now. */
    refresh(): void {
        if (this.pointer !== undefined) void this.read();
    }

    leave(): void {
        if (this.pointer === undefined) return;
        this.pointer = undefined;
        this.isToBeSaid = false;
        for (const one of this.host.visible()) one.hover = undefined;
        this.host.hide();
        this.host.changed();
        this.host.left();
    }

    /** At a time, as a linked chart's pointer; undefined hides it. */
    set(ticks: bigint | undefined): void {
        const { frame, kind } = this.host.state;
        const plot = this.host.plots()[0];
        if (ticks === undefined || frame === undefined || plot === undefined || kind !== 'time')
            return this.leave();
        const share = math.shareAt({ from: frame.from, to: frame.to }, ticks);
        if (share < 0 || share > 1) return this.leave();
        const y = this.pointer?.y ?? plot.y + plot.height / 2;
        this.pointer = { x: plot.x + share * plot.width, y, isLinked: true };
        void this.read();
    }

    /** By hundredths of the width; what is there is said. */
    step(by: number): void {
        const plot = this.host.plots()[0];
        if (plot === undefined) return;
        const x = (this.pointer?.x ?? plot.x + plot.width / 2) + (by * plot.width) / STEPS;
        this.pointer = {
            x: Math.min(plot.x + plot.width, Math.max(plot.x, x)),
            y: this.pointer?.y ?? plot.y + plot.height / 2,
            isLinked: false,
        };
        this.isToBeSaid = true;
        void this.read();
    }

    private say(at: Place, frame: Frame): void {
        const plot = this.host.plots()[0];
        if (!this.isToBeSaid || plot === undefined) return;
        this.isToBeSaid = false;
        const values = this.host
            .visible()
            .filter((one) => one.hover !== undefined)
            .map((one) => `${one.label} ${one.hover?.text ?? ''}`);
        this.host.announce(`${this.label(frame, at.x, plot)}: ${values.join(', ')}`);
    }

    private async read(): Promise<void> {
        if (this.isReading || this.isEnded) return;
        this.isReading = true;
        try {
            for (;;) {
                const { pointer } = this;
                const { frame } = this.host.state;
                const desc = this.host.describe();
                if (pointer === undefined || frame === undefined || desc === undefined) return;
                await this.readAt(pointer, frame, desc);
                if (this.isEnded || this.pointer === undefined) return;
                if (this.pointer === pointer && this.host.state.frame === frame)
                    return this.say(pointer, frame);
            }
        } catch (cause) {
            const error = ChartError.from(cause);
            if (error.code !== 'cancelled' && error.code !== 'invalid') this.host.fail(error);
        } finally {
            this.isReading = false;
        }
    }

    private async readAt(at: Place, frame: Frame, desc: FrameDesc): Promise<void> {
        const plot = this.host.plots()[0];
        if (plot === undefined) return;
        const share = Math.min(1, Math.max(0, (at.x - plot.x) / plot.width));
        const tick = math.tickAt({ from: frame.from, to: frame.to }, share);
        const visible = this.host.visible();
        const read = await Promise.all(visible.map((one) => this.readSeries(one, at, tick, frame, desc)));
        if (this.isEnded || this.pointer === undefined) return;
        visible.forEach((one, i) => (one.hover = read[i]));
        this.draw(at, frame, visible);
        this.host.changed();
        if (at.isLinked) return;
        this.host.hovered(
            tick,
            visible.map((one) => ({
                label: one.label,
                text: one.hover?.text ?? '',
                value: one.hover?.value ?? Number.NaN,
                time: one.hover?.time ?? tick,
                ...(one.hover?.bar === undefined ? {} : { bar: one.hover.bar }),
                ...(one.hover?.rows === undefined ? {} : { rows: one.hover.rows }),
            })),
        );
    }

    private async readSeries(
        one: Shown,
        at: Place,
        tick: bigint,
        frame: Frame,
        desc: FrameDesc,
    ): Promise<Hover | undefined> {
        const { api } = one.source.engine;
        const { id } = one.source;
        const { barWidth } = desc;
        const mark = markOf(one);
        if (mark === 'histogram') return this.readBin(one, at, frame);
        if (mark === 'points') return this.readPoint(one, at, frame);
        if (needsBars(one) && barWidth !== undefined) return this.readBar(one, tick, barWidth);
        const sample = await api.nearest(id, one.column, tick);
        if (sample === undefined) return undefined;
        const { value, time } = sample;
        if (mark !== 'band') return { text: sample.text, value, time };
        const high = describeSeries(one).columnHigh ?? one.column;
        const other = await api.nearest(id, high, tick);
        return { text: `${sample.text} – ${other?.text ?? ''}`, value, time };
    }

    /** What is drawn a bar at a time is read so: the bar's own figures, not those of a row near by. */
    private async readBar(one: Shown, tick: bigint, barWidth: string): Promise<Hover | undefined> {
        const { api } = one.source.engine;
        const { id } = one.source;
        const zone = this.host.zone();
        if (one.study !== undefined) return this.readStudy(one, tick, barWidth);
        if (markOf(one) === 'volume') {
            const sum = await api.sum(id, one.column, barWidth, zone, tick);
            if (sum === undefined) return undefined;
            const { text, value, from, to, rows } = sum;
            return { text, value, time: from, bar: { from, to }, rows };
        }
        const found = await api.bar(id, one.column, barWidth, zone, tick);
        if (found === undefined) return undefined;
        const { open, high, low, close, closeValue, from, to, rows } = found;
        const bar = { time: from, bar: { from, to }, rows };
        const count = `  ${rows.toLocaleString('en-US')} row${rows === 1 ? '' : 's'}`;
        if (isBar(one))
            return { text: `O ${open}  H ${high}  L ${low}  C ${close}${count}`, value: closeValue, ...bar };
        return low === high
            ? { text: `${high}${count}`, value: closeValue, ...bar }
            : { text: `${low} – ${high}${count}`, value: Number.NaN, ...bar };
    }

    private async readStudy(one: Shown, tick: bigint, barWidth: string): Promise<Hover | undefined> {
        const { api } = one.source.engine;
        const value = await api.study(describeSeries(one), barWidth, this.host.zone(), tick);
        if (value === undefined) return undefined;
        const shown = this.host.state.frame?.panels[panelOf(one)];
        const values = shown?.[sideOf(one)] ?? { min: value.low, max: value.high };
        const text = (number: number) => math.formatValue(number, values, 10 * (shown?.height ?? 100));
        return {
            text: value.low === value.high ? text(value.low) : `${text(value.low)} – ${text(value.high)}`,
            value: value.low === value.high ? value.low : Number.NaN,
            time: value.from + (value.to - value.from) / 2n,
            bar: { from: value.from, to: value.to },
        };
    }

    private async readBin(one: Shown, at: Place, frame: Frame): Promise<Hover | undefined> {
        const plot = this.host.plots()[0];
        const { across, from, to } = frame;
        if (plot === undefined || across === undefined) return undefined;
        const view = { from, to, left: across.left, right: across.right };
        const share = (at.x - plot.x) / plot.width;
        const bin = await one.source.engine.api.bin(describeSeries(one), view, share);
        if (bin === undefined) return undefined;
        const { min, max, count } = bin;
        const edges = [min, max].map((value) => math.formatValue(value, across, 10 * plot.width));
        const text = `${edges.join(' – ')}: ${count.toLocaleString('en-US')}`;
        return { text, value: count, time: from, x: (min + max) / 2 };
    }

    private async readPoint(one: Shown, at: Place, frame: Frame): Promise<Hover | undefined> {
        const panel = panelOf(one);
        const plot = this.host.plots()[panel];
        const down = frame.panels[panel]?.[sideOf(one)];
        if (plot === undefined || down === undefined || frame.across === undefined) return undefined;
        const { across } = frame;
        const x = (px: number) => String(math.valueAt(across, (at.x + px - plot.x) / plot.width, false));
        const y = (px: number) => String(math.valueAt(down, 1 - (at.y + px - plot.y) / plot.height, false));
        const point = await one.source.engine.api.pointAt(one.source.id, {
            left: x(-REACH_PX),
            right: x(REACH_PX),
            bottom: y(REACH_PX),
            top: y(-REACH_PX),
        });
        if (point === undefined) return undefined;
        const names = one.source.info.columns.map((column) => column.name);
        const text = point.values.map((value, i) => `${names[i] ?? ''} ${value}`).join('  ');
        return { text, value: point.y, time: BigInt(point.row), x: point.x };
    }

    private label(frame: Frame, x: number, plot: PlotRect): string {
        const share = (x - plot.x) / plot.width;
        const { state } = this.host;
        if (frame.across !== undefined)
            return math.formatValue(math.valueAt(frame.across, share, false), frame.across, plot.width);
        const zone = this.host.zone();
        const bar = this.host.visible().find((one) => one.hover?.bar !== undefined)?.hover?.bar;
        if (bar !== undefined) return formatBar(bar.from, bar.to, state.unit, zone);
        const tick = math.tickAt({ from: frame.from, to: frame.to }, share);
        const step = Number(frame.to - frame.from) / plot.width;
        return formatTicks(tick, state.unit, zone, step);
    }

    private dotOf(one: Shown, frame: Frame): Dot | undefined {
        const panel = panelOf(one);
        const plot = this.host.plots()[panel];
        const side = sideOf(one);
        const values: Values | undefined = frame.panels[panel]?.[side];
        const { hover } = one;
        if (plot === undefined || values === undefined || hover === undefined) return undefined;
        if ((needsBars(one) && one.study === undefined) || !Number.isFinite(hover.value)) return undefined;
        const shareX =
            hover.x === undefined || frame.across === undefined
                ? math.shareAt({ from: frame.from, to: frame.to }, hover.time)
                : math.shareOfValue(frame.across, hover.x, false);
        const shareY = math.shareOfValue(values, hover.value, this.host.state.isLog(panel, side));
        const isInside = shareX >= 0 && shareX <= 1 && shareY >= 0 && shareY <= 1;
        if (!isInside) return undefined;
        const x = plot.x + shareX * plot.width;
        return { x, y: plot.y + (1 - shareY) * plot.height, color: one.color };
    }

    private draw(at: Place, frame: Frame, visible: Shown[]): void {
        const plots = this.host.plots();
        const panel = math.nearestPlot(plots, at.y);
        const plot = plots[panel];
        if (plot === undefined) return;
        const x = Math.min(plot.x + plot.width, Math.max(plot.x, at.x));
        const y = Math.min(plot.y + plot.height, Math.max(plot.y, at.y));
        const shareY = 1 - (y - plot.y) / plot.height;
        const values = this.host.state.sides(panel).flatMap((side) => {
            const shown = frame.panels[panel]?.[side];
            if (shown === undefined) return [];
            const value = math.valueAt(shown, shareY, this.host.state.isLog(panel, side));
            return [{ side, text: math.formatValue(value, shown, plot.height) }];
        });
        const dots = visible.flatMap((one) => this.dotOf(one, frame) ?? []);
        this.host.show({ x, y, panel, label: this.label(frame, x, plot), values, dots });
    }
}
