/* A chart: what is shown, in which view, drawn by the engine as often as the screen can show it.
 *
 * One frame is under way at a time. Whatever changes meanwhile asks for another, and the newest view
 * is drawn next: nothing queues up behind a slow frame.
 *
 * Invariants:
 *  1. `view` is what is asked for; `frame` is what was drawn last, and what positions on the screen
 *     are read from.
 *  2. After destroy() nothing is left: sources it opened, the engine if it was the last, listeners,
 *     elements.
 */
import { type Lease, leaseEngine } from './client.js';
import { ChartError } from './error.js';
import { type GestureTarget, Gestures, type Zone } from './gestures.js';
import { type ChartOptions, type SeriesOptions, checkOptions, zoneName } from './options.js';
import { type Crosshair, type Dot, Overlay } from './overlay.js';
import type { Backend, EngineEvent, EngineStats, Frame, FrameDesc, TimeUnit } from './protocol.js';
import { DataSource, openData } from './source.js';
import { THEMES, type ThemeName, cssColor, parseColor, seriesColor } from './theme.js';
import { type TimeInput, chooseBarWidth, formatSpan, formatTicks, toMs, toTicks } from './time.js';
import * as math from './view.js';

export interface ViewInput {
    from?: TimeInput;
    to?: TimeInput;
    /** Values; null fits them to what is visible. */
    min?: number | null;
    max?: number | null;
}

export interface ChartView {
    /** Milliseconds since 1970 (rows, where there are no dates). */
    from: number;
    to: number;
    /** The same exactly, in ticks of `unit`. */
    fromTicks: bigint;
    toTicks: bigint;
    unit: TimeUnit;
    min: number;
    max: number;
    /** Whether the values are fitted to what is visible. */
    fitsValues: boolean;
}

export interface HoverValue {
    label: string;
    /** Exact; '' where there is none. */
    text: string;
    value: number;
    time: bigint;
}

export interface ChartEvents {
    view: ChartView;
    hover: { time: number; ticks: bigint; values: HoverValue[] } | null;
    progress: { complete: number; pendingBytes: number };
    complete: ChartView;
    error: ChartError;
    /** A series was shown or hidden. */
    series: { index: number; visible: boolean };
}

export interface ChartStats extends EngineStats {
    place: 'worker' | 'main';
    fallback: string;
    /** That drew the last frame. */
    backend: Backend;
    /** Why it was no better one; '' if there is none, or none was to be tried. */
    backendReason: string;
    frames: number;
    /** Of the last frame, drawing in the engine. */
    frameMs: number;
    /** Between asking for the last frame and its arrival. */
    latencyMs: number;
    framesPerSecond: number;
    rowsInView: number;
    complete: number;
    width: number;
    height: number;
}

type Listener<T> = (detail: T) => void;

interface Shown {
    options: SeriesOptions;
    source: DataSource;
    isOwn: boolean;
    column: number;
    color: number;
    label: string;
    isVisible: boolean;
    hover: { text: string; value: number; time: bigint } | undefined;
}

const FOCUS: Record<ThemeName, string> = { light: '#3f55dc', dark: '#6690fe' };
const CANDLE_PX = 8;
const WARM_MS = 120;
const FRAME_MS_MIN = 4;
/** A frame that no callback of the screen will begin. */
const AT_ONCE = -1;

export class Chart {
    /** Settles when the first picture is there. */
    readonly ready: Promise<void>;

    private readonly overlay: Overlay;
    private readonly gestures: Gestures | undefined;
    private readonly abort = new AbortController();
    private readonly listeners = new Map<keyof ChartEvents, Set<Listener<never>>>();
    private lease: Lease | undefined;
    private stopListening: (() => void) | undefined;
    private engineChart: number | undefined;
    private paints = false;
    private shown: Shown[] = [];
    private data: math.Range = { from: 0n, to: 1n };
    private unit: TimeUnit = 'ms';
    private view: math.Range | undefined;
    private values: math.Values | undefined;
    private frame: Frame | undefined;
    private remembered: { view: math.Range; values: math.Values; fits: boolean } | undefined;
    private pointer: { x: number; y: number } | undefined;
    private isHovering = false;
    private isDrawing = false;
    private isDirty = false;
    private request = 0;
    private drawnAt = Number.NEGATIVE_INFINITY;
    private size = { width: 0, height: 0, ratio: 1 };
    private warmTimer: ReturnType<typeof setTimeout> | undefined;
    private frames = 0;
    private latencyMs = 0;
    private frameTimes: number[] = [];
    private failure = '';
    private isDestroyed = false;
    private isBoxMode = false;
    private wantedTheme: 'light' | 'dark' | 'auto';
    private theme: ThemeName = 'light';
    private zone: string | undefined;
    private isLog: boolean;
    private barWidth: string | undefined;

    constructor(
        element: HTMLElement,
        private readonly options: ChartOptions,
    ) {
        checkOptions(options);
        this.wantedTheme = options.theme ?? 'auto';
        this.zone = options.timeZone === undefined ? undefined : zoneName(options.timeZone);
        this.isLog = options.axes?.y?.scale === 'log';
        this.barWidth = options.barWidth;
        this.overlay = new Overlay(element);
        this.overlay.onToggle = (index) => this.setVisible(index, !this.shown[index]?.isVisible);
        this.overlay.describe(options.title ?? 'Chart, loading');
        this.applyTheme();
        if (options.interactive !== false && options.bare !== true)
            this.gestures = new Gestures(this.overlay.root, this.makeTarget());
        this.watch(element);
        options.signal?.addEventListener('abort', () => void this.destroy(), {
            signal: this.abort.signal,
        });
        this.ready = this.start();
        this.ready.catch((cause: unknown) => this.fail(ChartError.from(cause)));
        if (options.signal?.aborted === true) void this.destroy();
    }

    /* ---- events ---- */

    /** Returns a function that ends it. */
    on<K extends keyof ChartEvents>(type: K, listener: Listener<ChartEvents[K]>): () => void {
        const all = this.listeners.get(type) ?? new Set();
        this.listeners.set(type, all);
        all.add(listener as Listener<never>);
        return () => all.delete(listener as Listener<never>);
    }

    private emit<K extends keyof ChartEvents>(type: K, detail: ChartEvents[K]): void {
        for (const listener of [...(this.listeners.get(type) ?? [])])
            (listener as Listener<ChartEvents[K]>)(detail);
    }

    private fail(error: ChartError): void {
        if (this.isDestroyed || error.code === 'cancelled') return;
        this.overlay.showProgress(1);
        this.overlay.showMessage(error.message, true);
        if (this.failure === error.message) return;
        this.failure = error.message;
        this.emit('error', error);
    }

    private recover(): void {
        if (this.failure === '') return;
        this.failure = '';
        this.overlay.showMessage('', false);
    }

    /* ---- starting ---- */

    private watch(element: HTMLElement): void {
        const { signal } = this.abort;
        const observer = new ResizeObserver(() => this.measure(element));
        observer.observe(element);
        signal.addEventListener('abort', () => observer.disconnect());
        for (const query of ['(prefers-color-scheme: dark)'])
            matchMedia(query).addEventListener('change', () => this.applyTheme(), { signal });
        const watchRatio = () => {
            const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
            const changed = () => {
                this.measure(element);
                watchRatio();
            };
            query.addEventListener('change', changed, { signal, once: true });
        };
        watchRatio();
        document.addEventListener('visibilitychange', () => this.schedule(), { signal });
        this.measure(element);
    }

    private measure(element: HTMLElement): void {
        const ratio = this.options.pixelRatio ?? Math.min(8, Math.max(0.5, devicePixelRatio));
        const width = Math.round(element.clientWidth * ratio);
        const height = Math.round(element.clientHeight * ratio);
        const { size } = this;
        if (size.width === width && size.height === height && size.ratio === ratio) return;
        this.size = { width, height, ratio };
        this.schedule();
    }

    private async start(): Promise<void> {
        const place = this.options.engine ?? 'auto';
        const lease = await leaseEngine(place);
        if (this.isDestroyed) {
            lease.release();
            throw new ChartError('cancelled', 'the chart has been destroyed');
        }
        this.lease = lease;
        this.stopListening = lease.engine.listen((event) => this.heard(event));
        await this.makeEngineChart(lease);
        this.overlay.showProgress(0.1);
        await this.open(this.options.series);
        this.applyAxes();
        await new Promise<void>((resolve, reject) => {
            const stops = [
                this.on('progress', () => done(resolve)),
                this.on('error', (error) => done(() => reject(error))),
            ];
            const done = (settle: () => void) => {
                for (const stop of stops) stop();
                settle();
            };
            this.abort.signal.addEventListener('abort', () =>
                done(() => reject(new ChartError('cancelled', 'the chart has been destroyed'))),
            );
            this.schedule();
        });
    }

    private async makeEngineChart(lease: Lease): Promise<void> {
        const { api, place } = lease.engine;
        const canHand =
            place === 'main' ||
            ('transferControlToOffscreen' in this.overlay.canvas && (await api.canPaint()));
        let target: HTMLCanvasElement | OffscreenCanvas | undefined;
        if (canHand)
            target =
                place === 'main'
                    ? this.overlay.canvas
                    : this.overlay.canvas.transferControlToOffscreen();
        const { id, paints } = await api.makeChart(target, this.options.backend ?? 'auto');
        if (canHand && !paints) this.overlay.replaceCanvas();
        this.engineChart = id;
        this.paints = paints;
    }

    /** Another canvas in the place of one that shows nothing any more; the engine paints it if it can. */
    private async renewCanvas(lease: Lease, engineChart: number): Promise<void> {
        const { api, place } = lease.engine;
        const canvas = this.overlay.replaceCanvas();
        const target = place === 'main' ? canvas : canvas.transferControlToOffscreen();
        this.paints = await api.giveCanvas(engineChart, target);
        if (!this.paints) this.overlay.replaceCanvas();
        this.isDirty = true;
    }

    private async open(all: SeriesOptions[]): Promise<void> {
        const sources = new Map<unknown, Promise<DataSource>>();
        const openOnce = (data: SeriesOptions['data']) => {
            let source = sources.get(data);
            if (source === undefined) {
                source = openData(data, {
                    signal: this.abort.signal,
                    engine: this.options.engine ?? 'auto',
                    ...(this.zone === undefined ? {} : { timeZone: this.zone }),
                });
                sources.set(data, source);
            }
            return source;
        };
        const opened = await Promise.allSettled(all.map((series) => openOnce(series.data)));
        const bad = opened.find((one) => one.status === 'rejected');
        const own = new Set<DataSource>();
        opened.forEach((one, i) => {
            if (one.status === 'fulfilled' && !(all[i]?.data instanceof DataSource)) own.add(one.value);
        });
        if (bad !== undefined || this.isDestroyed) {
            for (const source of own) void source.close();
            throw bad?.status === 'rejected'
                ? ChartError.from(bad.reason)
                : new ChartError('cancelled', 'the chart has been destroyed');
        }
        const shown = opened.map((one, i) => {
            const { value } = one as PromiseFulfilledResult<DataSource>;
            return this.makeShown(all[i] as SeriesOptions, value, own.has(value));
        });
        const units = new Set(shown.map((one) => one.source.info.unit));
        if (units.size > 1)
            throw new ChartError('invalid', `series of different time units: ${[...units].join(', ')}`);
        this.shown = shown;
        this.recolor();
        this.readExtent();
    }

    private makeShown(options: SeriesOptions, source: DataSource, isOwn: boolean): Shown {
        const { info } = source;
        const wanted = options.column ?? 0;
        const column =
            typeof wanted === 'number' ? wanted : info.columns.findIndex((one) => one.name === wanted);
        const found = info.columns[column];
        if (found === undefined)
            throw new ChartError(
                'not-found',
                `${info.name}: no column '${wanted}'; it has ${info.columns.map((c) => c.name).join(', ')}`,
            );
        return {
            options,
            source,
            isOwn,
            column,
            color: 0,
            label: options.label ?? (found.unit === '' ? found.name : `${found.name} (${found.unit})`),
            isVisible: options.visible !== false,
            hover: undefined,
        };
    }

    private recolor(): void {
        this.shown.forEach((one, i) => {
            const given = one.options.color === undefined ? undefined : parseColor(one.options.color);
            one.color = given ?? seriesColor(this.theme, i);
        });
    }

    private readExtent(): void {
        const infos = this.shown.map((one) => one.source.info).filter((info) => info.rows > 0);
        this.unit = this.shown[0]?.source.info.unit ?? 'ms';
        if (infos.length === 0) return;
        const firsts = infos.map((info) => BigInt(info.first));
        const lasts = infos.map((info) => BigInt(info.last));
        const from = firsts.reduce((a, b) => (a < b ? a : b));
        const to = lasts.reduce((a, b) => (a > b ? a : b)) + 1n;
        this.data = { from, to };
    }

    private applyAxes(): void {
        const { x, y } = this.options.axes ?? {};
        this.setView({
            ...(x?.from === undefined ? {} : { from: x.from }),
            ...(x?.to === undefined ? {} : { to: x.to }),
            ...(y?.min === undefined ? {} : { min: y.min }),
            ...(y?.max === undefined ? {} : { max: y.max }),
        });
    }

    private applyTheme(): void {
        const isDark =
            this.wantedTheme === 'dark' ||
            (this.wantedTheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
        this.theme = isDark ? 'dark' : 'light';
        this.overlay.setTheme(THEMES[this.theme], FOCUS[this.theme]);
        this.recolor();
        this.schedule();
    }

    /* ---- what callers ask for ---- */

    /** The view that is asked for; undefined before there is data. */
    getView(): ChartView | undefined {
        const range = this.view;
        if (range === undefined) return undefined;
        return {
            from: toMs(range.from, this.unit),
            to: toMs(range.to, this.unit),
            fromTicks: range.from,
            toTicks: range.to,
            unit: this.unit,
            min: this.values?.min ?? this.frame?.bottom ?? Number.NaN,
            max: this.values?.max ?? this.frame?.top ?? Number.NaN,
            fitsValues: this.values === undefined,
        };
    }

    /** What is left out stays as it is; from or to without the other keeps that other. */
    setView(view: ViewInput): void {
        const now = this.view ?? this.data;
        const from = view.from === undefined ? now.from : this.ticksOf('from', view.from);
        const to = view.to === undefined ? now.to : this.ticksOf('to', view.to);
        if (to <= from) throw new ChartError('invalid', 'view: from is not before to');
        if (view.min === null || view.max === null) {
            this.values = undefined;
        } else if (view.min !== undefined || view.max !== undefined) {
            const min = view.min ?? this.values?.min ?? this.frame?.bottom ?? 0;
            const max = view.max ?? this.values?.max ?? this.frame?.top ?? 1;
            if (!(min < max) || !Number.isFinite(max - min) || (this.isLog && min <= 0))
                throw new ChartError('invalid', `view: values from ${min} to ${max}`);
            this.values = { min, max };
        }
        this.moveTo({ from, to });
    }

    private ticksOf(name: string, time: TimeInput): bigint {
        const ticks = toTicks(time, this.unit);
        if (ticks === undefined)
            throw new ChartError('invalid', `view: ${name}: '${String(time)}' is no time`);
        return ticks;
    }

    /** Shows all of the data, values fitted. */
    reset(): void {
        this.values = undefined;
        this.moveTo(this.data);
    }

    private moveTo(range: math.Range): void {
        const next = math.clampRange(range, this.data);
        this.view = next;
        this.recover();
        this.schedule();
        const view = this.getView();
        if (view !== undefined && this.shown.length > 0) this.emit('view', view);
    }

    /** First and last time of the data, in ticks; the end is exclusive. */
    getExtent(): { from: bigint; to: bigint; unit: TimeUnit } {
        return { ...this.data, unit: this.unit };
    }

    getSeries(): { label: string; color: string; visible: boolean; source: DataSource }[] {
        return this.shown.map((one) => ({
            label: one.label,
            color: cssColor(one.color),
            visible: one.isVisible,
            source: one.source,
        }));
    }

    setVisible(index: number, visible: boolean): void {
        const one = this.shown[index];
        if (one === undefined) throw new ChartError('invalid', `series ${index}: there is none`);
        one.isVisible = visible;
        this.schedule();
        this.emit('series', { index, visible });
    }

    setTheme(theme: 'light' | 'dark' | 'auto'): void {
        this.wantedTheme = theme;
        this.applyTheme();
    }

    setTimeZone(zone: string | undefined): void {
        this.zone = zone === undefined ? undefined : zoneName(zone);
        this.schedule();
    }

    setScale(scale: 'linear' | 'log'): void {
        this.isLog = scale === 'log';
        if (this.isLog && this.values !== undefined && this.values.min <= 0) this.values = undefined;
        this.schedule();
    }

    setType(index: number, type: NonNullable<SeriesOptions['type']>): void {
        const one = this.shown[index];
        if (one === undefined) throw new ChartError('invalid', `series ${index}: there is none`);
        one.options = { ...one.options, type };
        this.schedule();
    }

    setBarWidth(width: string | undefined): void {
        this.barWidth = width;
        this.recover();
        this.schedule();
    }

    /** Dragging marks a box to zoom to, instead of panning. */
    setBoxMode(isOn: boolean): void {
        this.isBoxMode = isOn;
    }

    /** Other series in the place of these; the view stays. */
    async setSeries(series: SeriesOptions[]): Promise<void> {
        checkOptions({ ...this.options, series });
        await this.ready.catch(() => undefined);
        const before = this.shown;
        await this.open(series);
        const kept = new Set(this.shown.map((one) => one.source));
        for (const one of before) if (one.isOwn && !kept.has(one.source)) await one.source.close();
        this.recover();
        this.moveTo(this.view ?? this.data);
    }

    /** Adds rows to the source of a series (arrays only). */
    async append(rows: Parameters<DataSource['append']>[0], index = 0): Promise<void> {
        await this.ready;
        const one = this.shown[index];
        if (one === undefined) throw new ChartError('invalid', `series ${index}: there is none`);
        await one.source.append(rows);
    }

    /** The picture as it is, with title and legend. */
    async toPNG(): Promise<Blob> {
        const desc = this.describeFrame();
        const { lease, engineChart } = this;
        if (desc === undefined || lease === undefined || engineChart === undefined)
            throw new ChartError('invalid', 'there is no picture yet');
        const withLegend = { ...desc, hasLegend: this.options.legend !== false };
        const frame = await lease.engine.api.frame(engineChart, withLegend, true);
        const canvas = document.createElement('canvas');
        canvas.width = frame.width;
        canvas.height = frame.height;
        paint(canvas, frame);
        return new Promise((resolve, reject) =>
            canvas.toBlob(
                (blob) =>
                    blob === null
                        ? reject(new ChartError('no-memory', 'the picture cannot be encoded'))
                        : resolve(blob),
                'image/png',
            ),
        );
    }

    /** The pixels of the last view, drawn anew: RGBA, rows from the top. */
    async readPixels(): Promise<{ width: number; height: number; pixels: Uint8ClampedArray }> {
        const desc = this.describeFrame();
        const { lease, engineChart } = this;
        if (desc === undefined || lease === undefined || engineChart === undefined)
            throw new ChartError('invalid', 'there is no picture yet');
        const { width, height, pixels } = await lease.engine.api.frame(engineChart, desc, true);
        return { width, height, pixels: pixels ?? new Uint8ClampedArray() };
    }

    async stats(): Promise<ChartStats> {
        const { lease, frame } = this;
        if (lease === undefined) throw new ChartError('invalid', 'the engine has not been started');
        const engine = await lease.engine.api.stats();
        const times = this.frameTimes;
        const passed = (times.at(-1) ?? 0) - (times[0] ?? 0);
        return {
            ...engine,
            place: lease.engine.place,
            fallback: lease.engine.fallback,
            backend: frame?.backend ?? 'cpu',
            backendReason: frame?.backendReason ?? '',
            frames: this.frames,
            frameMs: frame?.totalMs ?? 0,
            latencyMs: this.latencyMs,
            framesPerSecond: passed > 0 ? ((times.length - 1) * 1000) / passed : 0,
            rowsInView: frame?.rows ?? 0,
            complete: frame?.complete ?? 0,
            width: this.size.width,
            height: this.size.height,
        };
    }

    /** Nothing of the chart is left afterwards. May be called again. */
    async destroy(): Promise<void> {
        if (this.isDestroyed) return;
        this.isDestroyed = true;
        this.abort.abort();
        this.gestures?.detach();
        cancelAnimationFrame(this.request);
        clearTimeout(this.warmTimer);
        this.stopListening?.();
        this.overlay.remove();
        this.listeners.clear();
        const { lease, engineChart } = this;
        try {
            if (lease !== undefined && engineChart !== undefined)
                await lease.engine.api.destroyChart(engineChart);
            for (const source of new Set(this.shown.filter((one) => one.isOwn).map((one) => one.source)))
                await source.close();
        } catch (cause) {
            if (ChartError.from(cause).code !== 'cancelled') throw cause;
        } finally {
            lease?.release();
        }
    }

    /* ---- frames ---- */

    private schedule(): void {
        this.isDirty = true;
        if (this.isDrawing || this.isDestroyed || this.request !== 0 || document.hidden) return;
        /* The engine draws elsewhere: to wait for the screen first would only make a hand wait longer.
         * Those who ask more often than any screen shows do wait. */
        if (performance.now() - this.drawnAt >= FRAME_MS_MIN) {
            this.request = AT_ONCE;
            queueMicrotask(() => this.begin());
        } else {
            this.request = requestAnimationFrame(() => this.begin());
        }
    }

    private begin(): void {
        this.request = 0;
        this.drawnAt = performance.now();
        void this.draw();
    }

    private heard(event: EngineEvent): void {
        if (event.kind === 'idle') {
            if ((this.frame?.complete ?? 1) < 1 && this.failure === '') this.schedule();
            return;
        }
        if (event.kind === 'redraw') {
            this.schedule();
            return;
        }
        const mine = this.shown.filter((one) => one.source.id === event.source);
        if (mine.length === 0) return;
        if (event.kind === 'failed') {
            this.fail(new ChartError(event.code, event.message));
        } else {
            if (mine.some((one) => one.source.canAppend)) void this.grow(mine);
            this.schedule();
        }
    }

    /* Rows were appended: the data is longer now, and a view of its end moves on. */
    private async grow(mine: Shown[]): Promise<void> {
        await Promise.resolve(); /* the source takes its new info over first */
        const source = mine[0]?.source;
        if (source === undefined || this.isDestroyed || source.closed) return;
        const info = await source.engine.api.info(source.id);
        const before = this.data;
        if (info.rows > 0) {
            const last = BigInt(info.last) + 1n;
            const first = BigInt(info.first);
            const isFirst = before.to - before.from <= 1n;
            this.data = {
                from: isFirst || this.shown.length === 1 ? first : before.from,
                to: isFirst || last > before.to ? last : before.to,
            };
        }
        const { view } = this;
        const isAtEnd = view !== undefined && view.to >= before.to;
        if (view === undefined || this.options.follow === false || !isAtEnd) return;
        if (this.data.to === before.to && this.data.from === before.from) return;
        const showedAll = view.from <= before.from;
        const span = math.spanOf(view);
        const from = showedAll ? this.data.from : this.data.to - span;
        this.moveTo({ from, to: this.data.to });
    }

    private describeFrame(): FrameDesc | undefined {
        const { size, view, options } = this;
        const visible = this.shown.filter((one) => one.isVisible);
        const hasRows = visible.some((one) => one.source.info.rows > 0);
        if (view === undefined || size.width === 0 || size.height === 0 || !hasRows) return undefined;
        const plotPx = (this.frame?.plot.width ?? size.width) / size.ratio;
        const barWidth =
            this.barWidth ?? chooseBarWidth(math.spanOf(view), this.unit, plotPx, CANDLE_PX);
        const hasBars = visible.some((one) => isBar(one.options) || one.options.type === 'bars');
        return {
            width: size.width,
            height: size.height,
            scale: size.ratio,
            isBare: options.bare === true,
            isDark: this.theme === 'dark',
            isLog: this.isLog,
            hasLegend: false,
            series: visible.map((one) => ({
                source: one.source.id,
                column: one.column,
                mark: one.options.type ?? 'line',
                color: isBar(one.options) && one.options.color === undefined ? 0 : one.color,
                width: one.options.width ?? 0,
                label: one.label,
            })),
            range: view,
            ...(this.values === undefined
                ? {}
                : { bottom: String(this.values.min), top: String(this.values.max) }),
            ...(options.title === undefined ? {} : { title: options.title }),
            ...(this.zone === undefined ? {} : { timeZone: this.zone }),
            ...(hasBars ? { barWidth } : {}),
        };
    }

    private async draw(): Promise<void> {
        const { lease, engineChart } = this;
        if (lease === undefined || engineChart === undefined || this.isDestroyed) return;
        this.isDirty = false;
        const desc = this.describeFrame();
        this.isDrawing = true;
        try {
            if (desc === undefined) await this.drawNothing(lease, engineChart);
            else await this.drawFrame(lease, engineChart, desc);
        } catch (cause) {
            this.fail(ChartError.from(cause));
        } finally {
            this.isDrawing = false;
        }
        if (this.isDirty) this.schedule();
    }

    private async drawFrame(lease: Lease, engineChart: number, desc: FrameDesc): Promise<void> {
        const asked = performance.now();
        const frame = await lease.engine.api.frame(engineChart, desc, false);
        if (frame.needsCanvas === true) await this.renewCanvas(lease, engineChart);
        else this.arrived(frame, asked);
    }

    private async drawNothing(lease: Lease, engineChart: number): Promise<void> {
        const { width, height } = this.size;
        if (this.shown.length === 0 || width === 0 || height === 0) return;
        const isHidden = this.shown.every((one) => !one.isVisible);
        const { ground } = THEMES[this.theme];
        await lease.engine.api.clear(engineChart, width, height, ground);
        if (!this.paints) {
            const { canvas } = this.overlay;
            canvas.width = width;
            canvas.height = height;
        }
        this.overlay.showMessage(isHidden ? 'All series are hidden.' : 'No rows yet.', false);
        this.drawLegend();
        this.overlay.showProgress(1);
        this.emit('progress', { complete: 1, pendingBytes: 0 });
    }

    private arrived(frame: Frame, asked: number): void {
        if (this.isDestroyed) return;
        const now = performance.now();
        this.frame = frame;
        this.frames++;
        this.latencyMs = now - asked;
        this.frameTimes.push(now);
        if (this.frameTimes.length > 60) this.frameTimes.shift();
        if (!this.paints) {
            const { canvas } = this.overlay;
            if (canvas.width !== frame.width) canvas.width = frame.width;
            if (canvas.height !== frame.height) canvas.height = frame.height;
            paint(canvas, frame);
        }
        this.recover();
        this.overlay.showMessage('', false);
        this.drawLegend();
        this.overlay.showProgress(frame.complete);
        this.overlay.describe(this.summarize(frame));
        if (this.pointer !== undefined) void this.followPointer();
        this.emit('progress', { complete: frame.complete, pendingBytes: 0 });
        const view = this.getView();
        if (frame.complete === 1 && view !== undefined && !this.isDirty) {
            this.emit('complete', view);
            this.warmLater();
        }
    }

    private warmLater(): void {
        clearTimeout(this.warmTimer);
        this.warmTimer = setTimeout(() => {
            const { view, frame, lease } = this;
            if (view === undefined || frame === undefined || lease === undefined) return;
            for (const one of this.shown)
                if (one.isVisible && !one.source.canAppend && !one.source.closed)
                    lease.engine.api
                        .warm(one.source.id, one.column, view.from, view.to, frame.plot.width)
                        .catch(() => undefined); /* a hint */
        }, WARM_MS);
    }

    /** For people who do not see the picture. */
    private summarize(frame: Frame): string {
        const zone = this.displayZone();
        const step = Number(frame.to - frame.from) / 100;
        const from = formatTicks(frame.from, this.unit, zone, step);
        const to = formatTicks(frame.to - 1n, this.unit, zone, step);
        const names = this.shown.filter((one) => one.isVisible).map((one) => one.label);
        const rows = `${frame.rows.toLocaleString('en-US')} rows`;
        const values = `values from ${Number(frame.bottom.toPrecision(6))} to ${Number(frame.top.toPrecision(6))}`;
        const title = this.options.title === undefined ? '' : `${this.options.title}. `;
        return (
            `${title}Chart of ${names.join(', ')}: ${formatSpan(frame.to - frame.from, this.unit)} ` +
            `from ${from} to ${to}, ${rows}, ${values}. Arrow keys pan and zoom, Home shows everything, ` +
            'bracket keys read values.'
        );
    }

    private displayZone(): string {
        const zone = this.zone ?? this.shown[0]?.source.info.timeZone ?? '';
        return zone === '' ? 'UTC' : zone;
    }

    private drawLegend(): void {
        if (this.options.legend === false || this.options.bare === true) return;
        const items = this.shown.map((one) => ({
            label: one.label,
            color: isBar(one.options) && one.options.color === undefined ? 0 : one.color,
            isVisible: one.isVisible,
            value: one.isVisible ? (one.hover?.text ?? '') : '',
        }));
        this.overlay.setLegend(items, this.plotRect());
    }

    /* ---- positions ---- */

    /** The plot in CSS pixels. */
    private plotRect(): { x: number; y: number; width: number; height: number } {
        const { ratio, width, height } = this.size;
        const plot = this.frame?.plot;
        if (plot === undefined)
            return { x: 0, y: 0, width: Math.max(1, width / ratio), height: Math.max(1, height / ratio) };
        return {
            x: plot.x / ratio,
            y: plot.y / ratio,
            width: Math.max(1, plot.width / ratio),
            height: Math.max(1, plot.height / ratio),
        };
    }

    private zoneAt(x: number, y: number): Zone {
        const plot = this.plotRect();
        const isAcross = x >= plot.x && x <= plot.x + plot.width;
        const isBeside = y >= plot.y && y <= plot.y + plot.height;
        if (isAcross && isBeside) return 'plot';
        if (isAcross && y > plot.y) return 'time';
        if (isBeside) return 'value';
        return 'out';
    }

    private drawnValues(): math.Values {
        return this.values ?? { min: this.frame?.bottom ?? 0, max: this.frame?.top ?? 1 };
    }

    private makeTarget(): GestureTarget {
        const from = () =>
            this.remembered ?? {
                view: this.view ?? this.data,
                values: this.drawnValues(),
                fits: this.values === undefined,
            };
        return {
            plot: () => this.plotRect(),
            zoneAt: (x, y) => this.zoneAt(x, y),
            begin: () => {
                this.remembered = undefined;
                this.remembered = from();
            },
            pan: (shareX, shareY) => {
                const start = from();
                if (!start.fits) this.values = math.panValues(start.values, shareY, this.isLog);
                this.moveTo(math.panRange(start.view, shareX));
            },
            zoom: (factor, shareX, panX) => {
                const zoomed = math.zoomRange(from().view, factor, shareX);
                this.moveTo(panX === 0 ? zoomed : math.panRange(zoomed, panX));
            },
            stretchValues: (factor, shareY) => {
                const start = from();
                const next = math.zoomValues(start.values, factor, shareY, this.isLog);
                if (Number.isFinite(next.max - next.min)) this.values = next;
                this.moveTo(start.view);
            },
            zoomTo: (share0, share1) => {
                const { view } = from();
                const low = Math.max(0, Math.min(share0, share1));
                const high = Math.min(1, Math.max(share0, share1));
                const range = { from: math.tickAt(view, low), to: math.tickAt(view, high) };
                if (range.to > range.from) this.moveTo(range);
            },
            reset: () => this.reset(),
            fitValues: () => {
                this.values = undefined;
                this.moveTo(this.view ?? this.data);
            },
            hover: (x, y) => {
                this.pointer = { x, y };
                void this.followPointer();
            },
            leave: () => this.leave(),
            stepCrosshair: (by) => void this.stepCrosshair(by),
            showBox: (x0, x1) => this.overlay.showBox(x0, x1, this.plotRect()),
            hideBox: () => this.overlay.hideBox(),
            cursor: (name) => this.overlay.setCursor(name),
            isBoxMode: () => this.isBoxMode,
        };
    }

    /* ---- crosshair ---- */

    private leave(): void {
        if (this.pointer === undefined) return;
        this.pointer = undefined;
        for (const one of this.shown) one.hover = undefined;
        this.overlay.hideCrosshair();
        this.drawLegend();
        this.emit('hover', null);
    }

    /** Shows the crosshair at a time, as a linked chart's pointer does; undefined hides it. */
    setCrosshair(ticks: bigint | undefined): void {
        const { frame } = this;
        if (ticks === undefined || frame === undefined) {
            this.leave();
            return;
        }
        const share = math.shareAt({ from: frame.from, to: frame.to }, ticks);
        const plot = this.plotRect();
        if (share < 0 || share > 1) {
            this.leave();
            return;
        }
        this.pointer = { x: plot.x + share * plot.width, y: this.pointer?.y ?? plot.y + plot.height / 2 };
        void this.followPointer(true);
    }

    private async readSeries(one: Shown, tick: bigint, desc: FrameDesc): Promise<Shown['hover']> {
        const { api } = one.source.engine;
        if (isBar(one.options) && desc.barWidth !== undefined) {
            const zone = this.displayZone();
            const bar = await api.bar(one.source.id, one.column, desc.barWidth, zone, tick);
            if (bar === undefined) return undefined;
            const text = `O ${bar.open}  H ${bar.high}  L ${bar.low}  C ${bar.close}`;
            return { text, value: bar.closeValue, time: bar.from };
        }
        const sample = await api.nearest(one.source.id, one.column, tick);
        return sample && { text: sample.text, value: sample.value, time: sample.time };
    }

    private async followPointer(isLinked = false): Promise<void> {
        if (this.options.crosshair === false || this.isHovering || this.isDestroyed) return;
        this.isHovering = true;
        try {
            for (;;) {
                const { pointer, frame } = this;
                const desc = this.describeFrame();
                if (pointer === undefined || frame === undefined || desc === undefined) return;
                await this.readAt(pointer, frame, desc, isLinked);
                if (this.pointer === pointer || this.pointer === undefined) return;
            }
        } catch (cause) {
            const error = ChartError.from(cause);
            if (error.code !== 'cancelled' && error.code !== 'invalid') this.fail(error);
        } finally {
            this.isHovering = false;
        }
    }

    private async readAt(
        pointer: { x: number; y: number },
        frame: Frame,
        desc: FrameDesc,
        isLinked: boolean,
    ): Promise<void> {
        const range = { from: frame.from, to: frame.to };
        const plot = this.plotRect();
        const share = Math.min(1, Math.max(0, (pointer.x - plot.x) / plot.width));
        const tick = math.tickAt(range, share);
        const visible = this.shown.filter((one) => one.isVisible);
        const read = await Promise.all(visible.map((one) => this.readSeries(one, tick, desc)));
        if (this.isDestroyed || this.pointer === undefined) return;
        visible.forEach((one, i) => (one.hover = read[i]));
        this.drawCrosshair(pointer, tick, frame, visible);
        this.drawLegend();
        const values = visible.map((one) => ({
            label: one.label,
            text: one.hover?.text ?? '',
            value: one.hover?.value ?? Number.NaN,
            time: one.hover?.time ?? tick,
        }));
        if (!isLinked) this.emit('hover', { time: toMs(tick, this.unit), ticks: tick, values });
    }

    private drawCrosshair(
        pointer: { x: number; y: number },
        tick: bigint,
        frame: Frame,
        visible: Shown[],
    ): void {
        const plot = this.plotRect();
        const range = { from: frame.from, to: frame.to };
        const values = { min: frame.bottom, max: frame.top };
        const y = Math.min(plot.y + plot.height, Math.max(plot.y, pointer.y));
        const step = Number(frame.to - frame.from) / plot.width;
        const dots: Dot[] = [];
        for (const one of visible) {
            const { hover } = one;
            if (hover === undefined || isBar(one.options)) continue;
            const at = {
                x: plot.x + math.shareAt(range, hover.time) * plot.width,
                y: plot.y + (1 - math.shareOfValue(values, hover.value, this.isLog)) * plot.height,
            };
            const isInside =
                at.x >= plot.x && at.x <= plot.x + plot.width && at.y >= plot.y && at.y <= plot.y + plot.height;
            if (isInside) dots.push({ ...at, color: one.color });
        }
        const shareY = 1 - (y - plot.y) / plot.height;
        const crosshair: Crosshair = {
            x: Math.min(plot.x + plot.width, Math.max(plot.x, pointer.x)),
            y,
            timeLabel: formatTicks(tick, this.unit, this.displayZone(), step),
            valueLabel: math.formatValue(math.valueAt(values, shareY, this.isLog), values, plot.height),
            dots,
        };
        this.overlay.showCrosshair(crosshair, plot, this.size.width / this.size.ratio);
    }

    private async stepCrosshair(by: number): Promise<void> {
        const plot = this.plotRect();
        const x = (this.pointer?.x ?? plot.x + plot.width / 2) + by * Math.max(1, plot.width / 100);
        const at = Math.min(plot.x + plot.width, Math.max(plot.x, x));
        this.pointer = { x: at, y: this.pointer?.y ?? plot.y + plot.height / 2 };
        await this.followPointer();
        const { frame } = this;
        if (frame === undefined) return;
        const tick = math.tickAt({ from: frame.from, to: frame.to }, (at - plot.x) / plot.width);
        const step = Number(frame.to - frame.from) / plot.width;
        const values = this.shown
            .filter((one) => one.isVisible && one.hover !== undefined)
            .map((one) => `${one.label} ${one.hover?.text ?? ''}`);
        const time = formatTicks(tick, this.unit, this.displayZone(), step);
        this.overlay.announce(`${time}: ${values.join(', ')}`);
    }
}

/** Drawn in the colours of rising and falling, with four values each. */
function isBar(options: SeriesOptions): boolean {
    return options.type === 'candles' || options.type === 'ohlc';
}

function paint(canvas: HTMLCanvasElement, frame: Frame): void {
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null || frame.pixels === undefined) return;
    context.putImageData(new ImageData(frame.pixels, frame.width, frame.height), 0, 0);
}

/** Draws a chart into an element, whose size it takes. Options are checked before this returns. */
export function createChart(element: HTMLElement, options: ChartOptions): Chart {
    return new Chart(element, options);
}

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
