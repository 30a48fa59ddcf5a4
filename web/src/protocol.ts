/* What page and engine tell each other; all of it can be cloned from thread to thread. */
import type { ErrorCode } from './error.js';

export type TimeUnit = 'index' | 's' | 'ms' | 'us' | 'ns';

export const TIME_UNITS: readonly TimeUnit[] = ['index', 's', 'ms', 'us', 'ns'];

/** In the order of the engine's numbers (include/gch/chart.h), as all lists here. */
export const MARKS = [
    'line',
    'step',
    'area',
    'candles',
    'ohlc',
    'scatter',
    'bars',
    'band',
    'density',
    'points',
    'histogram',
    'volume',
] as const;
export type Mark = (typeof MARKS)[number];

export const STUDIES = ['sma', 'ema', 'range', 'spread'] as const;
export type StudyKind = (typeof STUDIES)[number];

export const DENSITY_SCALES = ['log', 'linear', 'equal'] as const;
export type DensityScale = (typeof DENSITY_SCALES)[number];

export const PALETTES = ['moss', 'ember', 'dusk'] as const;
export type Palette = (typeof PALETTES)[number];

export const THEME_NAMES = ['light', 'dark', 'contrast'] as const;
export type ThemeName = (typeof THEME_NAMES)[number];

export type Side = 'left' | 'right';

/** From the smallest to the largest value that an axis shows. */
export interface Values {
    min: number;
    max: number;
}

/** What draws the pictures of a chart. */
export type Backend = 'webgpu' | 'webgl2' | 'cpu';
export type BackendChoice = 'auto' | Backend;

/** The best first. */
export const BACKENDS: readonly Backend[] = ['webgpu', 'webgl2', 'cpu'];

export type Canvas = HTMLCanvasElement | OffscreenCanvas;

export interface ColumnInfo {
    name: string;
    unit: string;
    type: string;
    gaps: number;
    /** Exact; '' if nothing is drawn. */
    min: string;
    max: string;
}

export interface SourceInfo {
    name: string;
    rows: number;
    bytes: number;
    unit: TimeUnit;
    /** Ticks of `unit`, decimal digits. */
    first: string;
    last: string;
    timeZone: string;
    source: string;
    /** Of a point set: its columns of x and y. */
    plane?: { x: number; y: number };
    columns: ColumnInfo[];
    /** Of a live series of a server: why there is no connection; '' while there is one. */
    lost?: string;
}

export type NumberArray =
    | Float64Array
    | Float32Array
    | Int8Array
    | Uint8Array
    | Int16Array
    | Uint16Array
    | Int32Array
    | Uint32Array
    | BigInt64Array;

export interface LiveColumn {
    name: string;
    unit?: string;
    /** As in the file format: 'f64', 'f32', 'i16', ... */
    type: string;
}

export interface LiveDesc {
    name: string;
    unit: TimeUnit;
    timeZone?: string;
    columns: LiveColumn[];
    keepRows?: number;
}

/** How a live series of a server is followed. */
export interface StreamOptions {
    /** The newest rows that are kept, and somewhat more. Default: 1,000,000. */
    keepRows?: number;
    /** Updates a second, 1 to 240. Default: 60. */
    rate?: number;
}

export interface StreamStats {
    source: number;
    isConnected: boolean;
    /** Made so far. */
    connections: number;
    /** Number of the batch that was taken last. */
    lastSequence: number;
    rows: number;
    /** That the server could only sum up, and in how many gaps. */
    missedRows: number;
    gaps: number;
    /** That came again, and were left out. */
    repeatedRows: number;
    isFinal: boolean;
    /** How often the series was made anew on its server: the counts above, but of connections, are since then. */
    restarts: number;
}

/** Rows to append. Float64Array times are multiplied by `timeFactor` and rounded to ticks. */
export interface Rows {
    times?: BigInt64Array | Float64Array;
    timeFactor?: number;
    columns: NumberArray[];
    count: number;
    /** The first one's number, for messages. Default: 0. */
    firstRow?: number;
    /** The arrays are nobody else's, whole, and may go to the engine's thread as they are. */
    isHandedOver?: boolean;
    /** The arrays lie in a Room, where the engine may write over them. */
    isInRoom?: boolean;
}

/** Bytes of the engine's own memory, aligned to 8, for others to write to. */
export interface Room {
    memory: WebAssembly.Memory;
    at: number;
}

export interface FrameSeries {
    source: number;
    column: number;
    mark: Mark;
    /** 0xRRGGBBAA; 0: the theme's next. */
    color: number;
    width: number;
    label?: string;
    /** Columns by number. */
    columnHigh?: number;
    priceBy?: number;
    sizeBy?: number;
    colorBy?: number;
    categoryBy?: number;
    panel?: number;
    side?: Side;
    dash?: readonly number[];
    bins?: number;
    densityScale?: DensityScale;
    palette?: Palette;
    /** `source`: left out, the series' own. */
    study?: { kind: StudyKind; length: number; source?: number; column: number };
}

/** Bounds are exact decimals; left out, fitted to what is visible. */
export interface FrameAxis {
    title?: string;
    bottom?: string;
    top?: string;
    isLog: boolean;
}

export interface FramePanel {
    title?: string;
    /** In proportion to the others'; 0: 1. */
    height: number;
    left: FrameAxis;
    right: FrameAxis;
}

export interface FrameDesc {
    width: number;
    height: number;
    scale: number;
    isBare: boolean;
    /** Default: light. */
    theme?: ThemeName;
    /** Of the left axis of a chart without `panels`, as are `bottom` and `top`. */
    isLog?: boolean;
    hasLegend: boolean;
    series: FrameSeries[];
    panels?: FramePanel[];
    range?: { from: bigint; to: bigint };
    bottom?: string;
    top?: string;
    /** The horizontal axis of points and histograms, exact decimals. */
    left?: string;
    right?: string;
    title?: string;
    timeZone?: string;
    barWidth?: string;
}

/** A panel's plot, and what its axes show; an axis without series is left out. */
export interface PanelFrame {
    x: number;
    y: number;
    width: number;
    height: number;
    left?: Values;
    right?: Values;
}

export interface Across extends Values {
    left: string;
    right: string;
}

export interface Frame {
    from: bigint;
    to: bigint;
    bottom: number;
    top: number;
    complete: number;
    rows: number;
    bytesRead: number;
    layoutMs: number;
    queryMs: number;
    rasterMs: number;
    totalMs: number;
    width: number;
    height: number;
    /** Of the first panel. */
    plot: { x: number; y: number; width: number; height: number };
    panels: PanelFrame[];
    /** The horizontal axis of points and histograms; `left` and `right` are exact decimals. */
    across?: Across;
    /** What drew this picture. */
    backend: Backend;
    /** Why not a better one, of those that the chart was to try; '' if there is none. */
    backendReason: string;
    /** The chart's canvas can show nothing any more, not even this: it is to be given another one
     * (giveCanvas), and drawn again. */
    needsCanvas?: true;
    /** RGBA, if the chart has no canvas of its own in the engine's thread, or on request. */
    pixels?: Uint8ClampedArray<ArrayBuffer>;
}

export interface Sample {
    time: bigint;
    row: number;
    value: number;
    text: string;
}

/** Over [from, to), with `rows` rows, gaps included. */
export interface Bar {
    from: bigint;
    to: bigint;
    rows: number;
    open: string;
    high: string;
    low: string;
    close: string;
    closeValue: number;
}

/** The values of a bar added up. */
export interface Sum {
    from: bigint;
    to: bigint;
    rows: number;
    value: number;
    text: string;
}

/** At a bar; low and high differ for 'range' only. */
export interface StudyValue {
    from: bigint;
    to: bigint;
    low: number;
    high: number;
}

/** What a frame of histograms shows. */
export interface BinView {
    from: bigint;
    to: bigint;
    /** Exact decimals. */
    left: string;
    right: string;
}

/** A bin of a histogram: values above `min`, up to and with `max`. */
export interface Bin {
    min: number;
    max: number;
    count: number;
}

/** A square of the plane; edges are exact decimals. */
export interface PlaneBox {
    left: string;
    right: string;
    bottom: string;
    top: string;
}

export interface PlanePoint {
    row: number;
    x: number;
    y: number;
    /** Of all columns, exact. */
    values: string[];
}

export interface EngineStats {
    /** As docs/data-manager.md has it. */
    data: Record<string, unknown>;
    sources: number;
    streams: StreamStats[];
    charts: number;
    /** That draw and encode, the engine's own included. */
    threads: number;
    /** Why there are no more; '' if there is no reason. */
    alone: string;
    /** Linear memory of the module, addresses included that were never touched. */
    memoryBytes: number;
    requests: number;
    loadedBytes: number;
    pendingBytes: number;
    /** Views that a data server computed. */
    answers: number;
}

export type EngineEvent =
    | { kind: 'data'; source: number }
    | { kind: 'link'; source: number; lost: string }
    | { kind: 'idle' }
    /** What drew or showed the pictures is gone: all charts are to be drawn again. */
    | { kind: 'redraw' }
    | { kind: 'failed'; source: number; code: ErrorCode; message: string };

/** The engine, whichever thread it lives on. */
export interface EngineApi {
    /** Whether a canvas that is handed over can be painted from the engine's thread. */
    canPaint(): Promise<boolean>;
    /** `opening`: a number of the caller's, by which it may end the opening. */
    openUrl(url: string, headers: Record<string, string>, opening?: number): Promise<OpenResult>;
    openBlob(name: string, blob: Blob): Promise<OpenResult>;
    openCsv(name: string, blob: Blob, timeZone?: string): Promise<OpenResult>;
    openLive(desc: LiveDesc): Promise<OpenResult>;
    openStream(
        url: string,
        headers: Record<string, string>,
        options: StreamOptions,
        opening?: number,
    ): Promise<OpenResult>;
    /** An opening under way is refused as 'cancelled'. */
    cancel(opening: number): Promise<void>;
    append(source: number, rows: Rows): Promise<SourceInfo>;
    /** undefined: the engine's memory is not shared. The room is the caller's until it is freed. */
    makeRoom(byteCount: number): Promise<Room | undefined>;
    freeRoom(at: number): Promise<void>;
    info(source: number): Promise<SourceInfo>;
    close(source: number): Promise<void>;
    /** Tries what can draw on the canvas, from the chosen backend on down ('auto': the best for this
     * machine). `paints`: frames appear on it; else they come with their pixels. */
    makeChart(canvas?: Canvas, backend?: BackendChoice): Promise<{ id: number; paints: boolean }>;
    /** Another canvas for a chart whose own can show nothing any more. Returns `paints`. */
    giveCanvas(chart: number, canvas: Canvas): Promise<boolean>;
    destroyChart(chart: number): Promise<void>;
    frame(chart: number, desc: FrameDesc, wantsPixels: boolean): Promise<Frame>;
    clear(chart: number, width: number, height: number, color: string): Promise<void>;
    warm(source: number, column: number, from: bigint, to: bigint, width: number): Promise<void>;
    nearest(source: number, column: number, t: bigint): Promise<Sample | undefined>;
    bar(
        source: number,
        column: number,
        width: string,
        timeZone: string | undefined,
        t: bigint,
    ): Promise<Bar | undefined>;
    sum(
        source: number,
        column: number,
        width: string,
        timeZone: string | undefined,
        t: bigint,
    ): Promise<Sum | undefined>;
    study(
        series: FrameSeries,
        width: string,
        timeZone: string | undefined,
        t: bigint,
    ): Promise<StudyValue | undefined>;
    /** At a share of the width, from the left. */
    bin(series: FrameSeries, view: BinView, share: number): Promise<Bin | undefined>;
    /** The point nearest to the middle of a square, if there is one within its inner circle. */
    pointAt(source: number, box: PlaneBox): Promise<PlanePoint | undefined>;
    stats(): Promise<EngineStats>;
    stop(): Promise<void>;
}

export interface OpenResult {
    id: number;
    info: SourceInfo;
}
