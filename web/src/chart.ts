/* A chart: what is shown, in which view, drawn by the engine as often as the screen can show it.
 *
 * One frame is under way at a time. Whatever changes meanwhile asks for another, and the newest view
 * is drawn next: nothing queues up behind a slow frame.
 *
 * Invariants:
 *  1. `state` holds what is asked for and, in `frame`, what was drawn last, which positions on the
 *     screen are read from.
 *  2. After destroy() nothing is left: sources it opened, the engine if it was the last, listeners,
 *     elements.
 */
import type { ChartEvents, ChartStats, ChartView, ViewInput } from './chart-types.js';
import { type Lease, leaseEngine } from './client.js';
import { Crosshair } from './crosshair.js';
import { ChartError } from './error.js';
import { Events } from './events.js';
import { Gestures } from './gestures.js';
import { makeTarget } from './moves.js';
import { PANEL_CAP, type PanelOptions, SCALES, THEME_CHOICES, checkOptions, oneOf } from './options.js';
import { zoneName } from './options.js';
import type { AxisOptions, ChartOptions, SeriesOptions } from './options.js';
import { Overlay, type PlotRect } from './overlay.js';
import { MARKS } from './protocol.js';
import type { EngineEvent, Frame, FrameDesc, SourceInfo, ThemeName, TimeUnit } from './protocol.js';
import { type Shown, colorSeries, describeSeries, needsBars, openSeries } from './series.js';
import { panelOf, readExtent, swatchOf } from './series.js';
import { DataSource, openData } from './source.js';
import { describeView, summarize } from './summary.js';
import { THEMES, cssColor } from './theme.js';
import { Stage, toPng } from './stage.js';
import { chooseBarWidth, toMs } from './time.js';
import { ViewState } from './view-state.js';
import * as math from './view.js';

const CANDLE_PX = 8;
const WARM_MS = 120;
/** After a failure that passes by, what a picture lacks is wanted again. */
const RETRY_MS = 3000;
const FRAME_MS_MIN = 4;
/** A screen reader may say a name that changes: not with every frame. */
const DESCRIBE_MS = 1000;
/** So long after a move another is awaited, whose frame shows what has been loaded too: a little more than a
 * frame of a screen. */
const MOVING_MS = 25;
/** A frame that no callback of the screen will begin. */
const AT_ONCE = -1;

export class Chart {
    /** Settles when the first picture is there, which a page that nobody sees does not draw. */
    readonly ready: Promise<void>;

    /** Settles when there is data. */
    private readonly opened: Promise<void>;
    private readonly overlay: Overlay;
    private readonly gestures: Gestures | undefined;
    private readonly crosshair: Crosshair;
    private readonly state = new ViewState();
    private readonly abort = new AbortController();
    private readonly events = new Events<ChartEvents>();
    private lease: Lease | undefined;
    private stopListening: (() => void) | undefined;
    private stage: Stage | undefined;
    private staging: Promise<void> | undefined;
    private shown: Shown[] = [];
    private owned = new Set<DataSource>();
    private isDrawing = false;
    private isDirty = false;
    private request = 0;
    private drawnAt = Number.NEGATIVE_INFINITY;
    private movedAt = Number.NEGATIVE_INFINITY;
    private loadedTimer: ReturnType<typeof setTimeout> | undefined;
    private describeTimer: ReturnType<typeof setTimeout> | undefined;
    /** What is said of the picture is that of an earlier one. */
    private isDescribedLater = false;
    /** The view was moved by keys: where it is now is to be heard. */
    private isToBeHeard = false;
    private size = { width: 0, height: 0, ratio: 1 };
    private retryTimer: ReturnType<typeof setTimeout> | undefined;
    private warmTimer: ReturnType<typeof setTimeout> | undefined;
    private frames = 0;
    private latencyMs = 0;
    private frameTimes: number[] = [];
    private failure = '';
    /** Sources without the connection that they need. */
    private readonly lost = new Set<number>();
    private isDestroyed = false;
    /** Nothing is to be seen, which has been said. */
    private isFlat = false;
    private isBoxMode = false;
    private isFollowing: boolean;
    /** Of the horizontal axis, until there is a picture: what it is of may not be known yet. */
    private early: ViewInput;
    /** Of setSeries, one after the other. */
    private turn: Promise<unknown>;
    private wantedTheme: ThemeName | 'auto';
    private theme: ThemeName = 'light';
    private zone: string | undefined;
    private barWidth: string | undefined;
    private panels: PanelOptions[] | undefined;

    constructor(
        element: HTMLElement,
        private readonly options: ChartOptions,
    ) {
        checkOptions(options);
        this.wantedTheme = options.theme ?? 'auto';
        this.zone = options.timeZone === undefined ? undefined : zoneName(options.timeZone);
        this.barWidth = options.barWidth;
        this.isFollowing = options.follow !== false;
        this.panels = options.panels;
        const { from, to, min, max } = options.axes?.x ?? {};
        this.early = { from, to, xMin: min, xMax: max };
        this.setPanels(options.series, options.axes?.y);
        const takesKeys = options.interactive !== false && options.bare !== true;
        this.overlay = new Overlay(element, takesKeys);
        this.overlay.onToggle = (index) => this.setVisible(index, !this.shown[index]?.isVisible);
        this.overlay.describe(options.title ?? 'Chart, loading');
        this.crosshair = this.makeCrosshair();
        this.applyTheme();
        if (takesKeys)
            this.gestures = new Gestures(
                this.overlay.root,
                makeTarget({
                    state: this.state,
                    overlay: this.overlay,
                    crosshair: options.crosshair === false ? undefined : this.crosshair,
                    plots: () => this.plots(),
                    moved: (isByKey) => {
                        this.isToBeHeard ||= isByKey;
                        this.moved();
                    },
                    isBoxMode: () => this.isBoxMode,
                }),
            );
        this.watch(element);
        const end = () => void this.destroy().catch(() => undefined); /* nobody is there to be told */
        options.signal?.addEventListener('abort', end, { signal: this.abort.signal });
        this.opened = this.start();
        this.turn = this.opened.catch(() => undefined);
        this.ready = this.opened.then(() => this.drawFirst());
        this.ready.catch((cause: unknown) => this.fail(ChartError.from(cause)));
        if (options.signal?.aborted === true) end();
    }

    /** As many as were given, or as the series name. */
    private setPanels(series: readonly SeriesOptions[], first?: AxisOptions): void {
        const last = Math.min(PANEL_CAP - 1, Math.max(0, ...series.map((one) => one.panel ?? 0)));
        const panels = this.panels ?? Array.from({ length: last + 1 }, () => ({}));
        this.state.setPanels(panels, first);
    }

    /* ---- events ---- */

    /** Returns a function that ends it. */
    on<K extends keyof ChartEvents>(type: K, listener: (detail: ChartEvents[K]) => void): () => void {
        return this.events.on(type, listener);
    }

    private emit<K extends keyof ChartEvents>(type: K, detail: ChartEvents[K]): void {
        this.events.tell(type, detail);
    }

    private fail(error: ChartError): void {
        if (this.isDestroyed || error.code === 'cancelled') return;
        if (error.code === 'unavailable' && this.state.frame !== undefined) {
            clearTimeout(this.retryTimer);
            this.retryTimer = setTimeout(() => this.schedule(), RETRY_MS);
        }
        this.showProgress(1);
        this.overlay.showMessage(error.message, true);
        if (this.failure === error.message) return;
        this.failure = error.message;
        this.emit('error', error);
    }

    private recover(): void {
        if (this.failure === '') return;
        clearTimeout(this.retryTimer);
        this.retryTimer = undefined;
        this.failure = '';
        this.overlay.showMessage('', false);
    }

    /* ---- starting ---- */

    private watch(element: HTMLElement): void {
        const { signal } = this.abort;
        const observer = new ResizeObserver(() => this.measure(element));
        observer.observe(element);
        signal.addEventListener('abort', () => observer.disconnect());
        for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'])
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
        this.showProgress(0.1);
        this.staging = this.openStage(lease);
        await Promise.all([this.staging, this.open(this.options.series)]);
        this.applyEarly();
    }

    private drawFirst(): Promise<void> {
        return new Promise<void>((resolve, reject) => {
            const stops = [
                this.on('progress', () => done(resolve)),
                this.on('error', (error) => done(() => reject(error))),
            ];
            const done = (settle: () => void) => {
                for (const stop of stops) stop();
                settle();
            };
            const cancel = () =>
                done(() => reject(new ChartError('cancelled', 'the chart has been destroyed')));
            if (this.isDestroyed) return cancel();
            this.abort.signal.addEventListener('abort', cancel);
            return this.schedule();
        });
    }

    private async openStage(lease: Lease): Promise<void> {
        this.stage = await Stage.open(lease, this.overlay, this.options.backend ?? 'auto');
    }

    private async open(all: SeriesOptions[]): Promise<void> {
        const open = async (data: SeriesOptions['data']) => {
            /* A stream has gone on since it was opened. */
            if (data instanceof DataSource && data.kind === 'stream') await data.refresh();
            return openData(data, {
                signal: this.abort.signal,
                engine: this.options.engine ?? 'auto',
                ...(this.zone === undefined ? {} : { timeZone: this.zone }),
            });
        };
        const { shown, owned } = await openSeries(all, open, () => this.isDestroyed);
        this.shown = shown;
        this.owned = owned;
        colorSeries(shown, this.theme);
        readExtent(this.state, this.shown);
        this.noteLinks();
    }

    /** What live series lack: said beside the picture, which stays. */
    private noteLinks(): void {
        if (this.options.bare === true) return;
        const all = this.shown.map((one) => one.source.info.lost ?? '').filter((lost) => lost !== '');
        this.overlay.showNotice([...new Set(all)].join('\n'));
    }

    /** The first view of what there is, if there is anything. */
    private applyEarly(): void {
        if (this.shown.some((one) => one.source.info.rows > 0)) {
            this.state.time = this.state.across = undefined;
            this.state.apply(this.early);
        }
        this.moved();
    }

    private applyTheme(): void {
        const asked = this.wantedTheme;
        const auto = matchMedia('(prefers-contrast: more)').matches
            ? 'contrast'
            : matchMedia('(prefers-color-scheme: dark)').matches
              ? 'dark'
              : 'light';
        this.theme = asked === 'auto' ? auto : asked;
        this.overlay.setTheme(THEMES[this.theme]);
        colorSeries(this.shown, this.theme);
        this.schedule();
    }

    /* ---- what callers ask for ---- */

    /** The view that is asked for; undefined before there is data. */
    getView(): ChartView | undefined {
        return this.state.toView();
    }

    /** What is left out stays as it is; from or to without the other keeps that other. Before there is data it is
     * kept for then, and what is wrong with its times is an error of that moment. */
    setView(view: ViewInput): void {
        this.gestures?.stop();
        if (this.state.frame !== undefined) {
            this.state.apply(view);
            return this.moved();
        }
        const before = this.early;
        const { from = before.from, to = before.to, xMin = before.xMin, xMax = before.xMax } = view;
        this.early = { from, to, xMin, xMax };
        try {
            this.state.applyValues(view);
            this.applyEarly();
        } catch (cause) {
            this.early = before;
            throw cause;
        }
    }

    /** Shows all of the data, values fitted. */
    reset(): void {
        this.gestures?.stop();
        this.early = {};
        this.state.reset();
        this.moved();
    }

    private moveTo(range: math.Range): void {
        this.state.time = range;
        this.moved();
    }

    private moved(): void {
        this.movedAt = performance.now();
        clearTimeout(this.warmTimer);
        this.state.clamp();
        this.recover();
        this.schedule();
        const view = this.getView();
        if (view !== undefined && this.shown.length > 0) this.emit('view', view);
    }

    /** First and last time of the data, in ticks; the end is exclusive. */
    getExtent(): { from: bigint; to: bigint; unit: TimeUnit } {
        return { ...this.state.data, unit: this.state.unit };
    }

    getSeries(): { label: string; color: string; visible: boolean; source: DataSource }[] {
        return this.shown.map((one) => ({
            label: one.label,
            color: cssColor(one.color),
            visible: one.isVisible,
            source: one.source,
        }));
    }

    private seriesAt(index: number): Shown {
        const one = this.shown[index];
        if (one === undefined) throw new ChartError('invalid', `series ${index}: there is none`);
        return one;
    }

    setVisible(index: number, visible: boolean): void {
        const one = this.seriesAt(index);
        one.isVisible = visible;
        one.hover = undefined; /* of where the crosshair was then */
        this.schedule();
        this.emit('series', { index, visible });
    }

    setTheme(theme: ThemeName | 'auto'): void {
        oneOf('theme', theme, THEME_CHOICES);
        this.wantedTheme = theme;
        this.applyTheme();
    }

    setTimeZone(zone: string | undefined): void {
        this.zone = zone === undefined ? undefined : zoneName(zone);
        this.schedule();
    }

    /** Of all value axes. */
    setScale(scale: 'linear' | 'log'): void {
        oneOf('scale', scale, SCALES);
        this.state.setLog(scale === 'log');
        this.recover();
        this.schedule();
    }

    setType(index: number, type: NonNullable<SeriesOptions['type']>): void {
        const one = this.seriesAt(index);
        oneOf('type', type, MARKS);
        one.options = { ...one.options, type };
        readExtent(this.state, this.shown);
        this.recover();
        this.schedule();
    }

    setBarWidth(width: string | undefined): void {
        this.barWidth = width;
        this.recover();
        this.schedule();
    }

    /** That bars and studies are drawn with now. */
    getBarWidth(): string {
        return this.barWidth ?? this.fittingBarWidth();
    }

    /** Whether a view of the newest rows moves on with those that come. */
    setFollow(follows: boolean): void {
        this.isFollowing = follows;
    }

    /** Gives it the keyboard. */
    focus(): void {
        this.overlay.root.focus({ preventScroll: true });
    }

    /** Dragging marks a box to zoom to, instead of panning. */
    setBoxMode(isOn: boolean): void {
        this.isBoxMode = isOn;
    }

    /** Other series in the place of these, and other panels if they are given; the view stays. Calls are done one
     * after the other. */
    async setSeries(series: SeriesOptions[], panels?: PanelOptions[]): Promise<void> {
        checkOptions({ ...this.options, series, panels: panels ?? this.panels ?? [] });
        const turn = this.turn.then(() => this.replaceSeries(series, panels));
        this.turn = turn.catch(() => undefined);
        return turn;
    }

    private async replaceSeries(series: SeriesOptions[], panels?: PanelOptions[]): Promise<void> {
        if (this.isDestroyed) throw new ChartError('cancelled', 'the chart has been destroyed');
        const before = this.owned;
        await this.open(series);
        if (panels !== undefined) this.panels = panels;
        if (panels !== undefined || this.panels === undefined) this.setPanels(series);
        const used = new Set(this.shown.flatMap((one) => [one.source, one.study?.with]));
        for (const source of before)
            if (used.has(source)) this.owned.add(source);
            else await source.close();
        this.recover();
        if (this.state.time === undefined) this.applyEarly();
        else this.moved();
    }

    /** Adds rows to the source of a series (arrays only). */
    async append(rows: Parameters<DataSource['append']>[0], index = 0): Promise<void> {
        await this.opened;
        await this.seriesAt(index).source.append(rows);
    }

    private async takePicture(hasLegend: boolean): Promise<Frame> {
        const desc = this.describeFrame();
        if (desc === undefined || this.stage === undefined)
            throw new ChartError('invalid', 'there is no picture yet');
        return this.stage.frame({ ...desc, hasLegend }, true);
    }

    /** The picture as it is, with title and legend. */
    async toPNG(): Promise<Blob> {
        return toPng(await this.takePicture(this.options.legend !== false));
    }

    /** The pixels of the last view, drawn anew: RGBA, rows from the top. */
    async readPixels(): Promise<{ width: number; height: number; pixels: Uint8ClampedArray }> {
        const { width, height, pixels } = await this.takePicture(false);
        return { width, height, pixels: pixels ?? new Uint8ClampedArray() };
    }

    async stats(): Promise<ChartStats> {
        const { lease } = this;
        const { frame } = this.state;
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
        clearTimeout(this.retryTimer);
        clearTimeout(this.loadedTimer);
        clearTimeout(this.describeTimer);
        this.stopListening?.();
        this.crosshair.end();
        this.overlay.remove();
        this.events.clear();
        const { lease } = this;
        try {
            await this.staging?.catch(() => undefined);
            await this.stage?.close();
            for (const source of this.owned) await source.close();
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

    /* For what has been loaded: not in the way of a hand. */
    private scheduleLoaded(): void {
        const wait = this.movedAt + MOVING_MS - performance.now();
        if (wait <= 0) this.schedule();
        else this.loadedTimer ??= setTimeout(() => this.schedule(), wait);
    }

    private begin(): void {
        clearTimeout(this.loadedTimer);
        this.loadedTimer = undefined;
        this.request = 0;
        this.drawnAt = performance.now();
        void this.draw();
    }

    private heard(event: EngineEvent): void {
        if (event.kind === 'idle') {
            if ((this.state.frame?.complete ?? 1) < 1 && this.failure === '') this.scheduleLoaded();
            return;
        }
        if (event.kind === 'redraw') {
            this.schedule();
            return;
        }
        const mine = this.shown.filter((one) => one.source.id === event.source);
        if (mine.length === 0) return;
        if (event.kind === 'link') {
            void this.noteLink(mine, event.source, event.lost);
        } else if (event.kind === 'failed') {
            this.fail(new ChartError(event.code, event.message));
        } else {
            if (mine.some((one) => one.source.grows))
                this.grow(mine).catch((cause: unknown) => this.fail(ChartError.from(cause)));
            this.scheduleLoaded();
        }
    }

    /** What a source holds now; undefined if it, or the chart, is there no more. */
    private async refresh(mine: Shown[]): Promise<SourceInfo | undefined> {
        const source = mine[0]?.source;
        if (source === undefined || this.isDestroyed || source.closed) return undefined;
        const info = await source.refresh().catch((cause: unknown) => {
            if (!source.closed) this.fail(ChartError.from(cause));
            return undefined;
        });
        return this.isDestroyed ? undefined : info;
    }

    private async noteLink(mine: Shown[], source: number, lost: string): Promise<void> {
        if ((await this.refresh(mine)) === undefined) return;
        this.noteLinks();
        const wasLost = this.lost.has(source);
        if (lost === '') this.lost.delete(source);
        else this.lost.add(source);
        if (wasLost !== (lost !== '')) this.emit('connection', { connected: wasLost, message: lost });
    }

    /* Rows were appended: the data is longer now, and a view of its end moves on. */
    private async grow(mine: Shown[]): Promise<void> {
        const info = await this.refresh(mine);
        if (info === undefined) return;
        this.schedule();
        if (info.rows === 0) return;
        const { state } = this;
        const before = state.data;
        const rows = { from: BigInt(info.first), to: BigInt(info.last) + 1n };
        state.data = math.extend(before, rows, this.shown.length === 1);
        if (state.frame === undefined) return this.applyEarly(); /* nothing was to be seen of it */
        if (state.time === undefined || !this.isFollowing) return;
        const next = math.followRange(state.time, before, state.data);
        if (next !== undefined) this.moveTo(next);
    }

    private visible(): Shown[] {
        return this.shown.filter((one) => one.isVisible);
    }

    /* For the whole width: that of the plot is known after a frame only, and the first frame's bars are to be
     * the next one's too. */
    private fittingBarWidth(): string {
        const { state, size } = this;
        const px = size.width / size.ratio;
        return chooseBarWidth(math.spanOf(state.time ?? state.data), state.unit, px, CANDLE_PX);
    }

    /** A row of pixels for each panel: an element that opens or closes may have fewer for a while. */
    private hasRoom(): boolean {
        return this.size.width > 0 && this.size.height >= this.state.panels.length;
    }

    private describeFrame(): FrameDesc | undefined {
        const { size, state, options } = this;
        const visible = this.visible();
        const hasRows = visible.some((one) => one.source.info.rows > 0);
        if (state.time === undefined || !this.hasRoom() || !hasRows) return undefined;
        return {
            width: size.width,
            height: size.height,
            scale: size.ratio,
            isBare: options.bare === true,
            theme: this.theme,
            hasLegend: false,
            series: visible.map(describeSeries),
            ...state.describe(),
            ...(options.title === undefined ? {} : { title: options.title }),
            ...(this.zone === undefined ? {} : { timeZone: this.zone }),
            ...(visible.some(needsBars) ? { barWidth: this.getBarWidth() } : {}),
        };
    }

    private async draw(): Promise<void> {
        const { stage } = this;
        if (stage === undefined || this.isDestroyed) return;
        this.isDirty = false;
        const desc = this.describeFrame();
        this.isDrawing = true;
        try {
            if (desc === undefined) await this.drawNothing(stage);
            else await this.drawFrame(stage, desc);
        } catch (cause) {
            this.fail(ChartError.from(cause));
        } finally {
            this.isDrawing = false;
        }
        if (this.isDirty) this.schedule();
    }

    private async drawFrame(stage: Stage, desc: FrameDesc): Promise<void> {
        const asked = performance.now();
        const frame = await stage.frame(desc, false);
        if (frame.needsCanvas !== true) return this.arrived(frame, asked);
        await stage.renewCanvas();
        this.isDirty = true;
    }

    private async drawNothing(stage: Stage): Promise<void> {
        const { width, height } = this.size;
        if (width > 0 && height === 0 && !this.isFlat)
            console.warn('gpu-charts: the element of a chart is 0 pixels high; give it a height');
        this.isFlat = width > 0 && height === 0;
        if (this.shown.length === 0 || !this.hasRoom()) return;
        const isHidden = this.shown.every((one) => !one.isVisible);
        const text = isHidden ? 'All series are hidden.' : 'No rows yet.';
        await stage.clear(width, height, THEMES[this.theme].ground);
        this.overlay.showMessage(text, false);
        this.overlay.describe(`${this.options.title ?? 'Chart'}. ${text}`);
        this.drawLegend();
        this.showProgress(1);
        this.emit('progress', { complete: 1, pendingBytes: 0 });
    }

    private arrived(frame: Frame, asked: number): void {
        if (this.isDestroyed) return;
        const now = performance.now();
        this.state.frame = frame;
        this.frames++;
        this.latencyMs = now - asked;
        this.frameTimes.push(now);
        if (this.frameTimes.length > 60) this.frameTimes.shift();
        /* What is drawn while loads fail lacks something: the message stays. */
        if (frame.complete === 1 || this.retryTimer === undefined) {
            this.recover();
            this.overlay.showMessage('', false);
        }
        this.drawLegend();
        this.showProgress(frame.complete);
        this.crosshair.refresh();
        this.emit('progress', { complete: frame.complete, pendingBytes: 0 });
        const view = this.getView();
        if (frame.complete === 1 && view !== undefined && !this.isDirty) {
            this.emit('complete', view);
            this.warmLater();
        }
        this.describeSoon();
    }

    private describeSoon(): void {
        const { frame } = this.state;
        this.isDescribedLater = this.describeTimer !== undefined;
        if (this.isDescribedLater || frame === undefined || this.describeFrame() === undefined) return;
        const view = describeView(frame, this.state, this.displayZone());
        this.overlay.describe(summarize(this.options.title, this.visible(), view));
        if (this.isToBeHeard) this.overlay.announce(view);
        this.isToBeHeard = false;
        this.describeTimer = setTimeout(() => {
            this.describeTimer = undefined;
            if (this.isDescribedLater) this.describeSoon();
        }, DESCRIBE_MS);
    }

    private warmLater(): void {
        clearTimeout(this.warmTimer);
        this.warmTimer = setTimeout(() => {
            const { lease } = this;
            const { time, frame } = this.state;
            if (time === undefined || frame === undefined || lease === undefined) return;
            for (const one of this.shown)
                if (one.isVisible && !one.source.grows && !one.source.closed)
                    lease.engine.api
                        .warm(one.source.id, one.column, time.from, time.to, frame.plot.width)
                        .catch(() => undefined); /* a hint */
        }, WARM_MS);
    }

    private displayZone(): string {
        const zone = this.zone ?? this.shown[0]?.source.info.timeZone ?? '';
        return zone === '' ? 'UTC' : zone;
    }

    private showProgress(complete: number): void {
        if (this.options.bare !== true) this.overlay.showProgress(complete);
    }

    private drawLegend(): void {
        if (this.options.legend === false || this.options.bare === true) return;
        const items = this.shown.map((one) => ({
            panel: panelOf(one),
            label: one.label,
            color: swatchOf(one),
            isVisible: one.isVisible,
            value: one.isVisible ? (one.hover?.text ?? '') : '',
        }));
        this.overlay.setLegend(items, this.plots());
    }

    /* ---- positions ---- */

    /** The panels' plots in CSS pixels. */
    private plots(): PlotRect[] {
        const { ratio, width, height } = this.size;
        const panels = this.state.frame?.panels ?? [];
        if (panels.length === 0)
            return [{ x: 0, y: 0, width: Math.max(1, width / ratio), height: Math.max(1, height / ratio) }];
        return panels.map((plot) => ({
            x: plot.x / ratio,
            y: plot.y / ratio,
            width: Math.max(1, plot.width / ratio),
            height: Math.max(1, plot.height / ratio),
        }));
    }

    /* ---- crosshair ---- */

    private makeCrosshair(): Crosshair {
        return new Crosshair({
            state: this.state,
            visible: () => this.visible(),
            describe: () => this.describeFrame(),
            zone: () => this.displayZone(),
            plots: () => this.plots(),
            show: (at) => this.overlay.showCrosshair(at, this.plots(), this.size.width / this.size.ratio),
            hide: () => this.overlay.hideCrosshair(),
            changed: () => this.drawLegend(),
            hovered: (ticks, values) =>
                this.emit('hover', { time: toMs(ticks, this.state.unit), ticks, values }),
            left: () => this.emit('hover', null),
            fail: (error) => this.fail(error),
            announce: (text) => {
                this.isToBeHeard = false; /* not after it */
                this.overlay.announce(text);
            },
        });
    }

    /** Shows the crosshair at a time, as a linked chart's pointer does; undefined hides it. */
    setCrosshair(ticks: bigint | undefined): void {
        this.crosshair.set(ticks);
    }
}

/** Draws a chart into an element, whose size it takes. Options are checked before this returns. */
export function createChart(element: HTMLElement, options: ChartOptions): Chart {
    return new Chart(element, options);
}
