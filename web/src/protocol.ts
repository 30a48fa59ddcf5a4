/* What page and engine tell each other; all of it can be cloned from thread to thread. */
import type { ErrorCode } from './error.js';

export type TimeUnit = 'index' | 's' | 'ms' | 'us' | 'ns';
export type Mark = 'line' | 'step' | 'area' | 'candles' | 'ohlc' | 'scatter' | 'bars';

export const TIME_UNITS: readonly TimeUnit[] = ['index', 's', 'ms', 'us', 'ns'];
export const MARKS: readonly Mark[] = ['line', 'step', 'area', 'candles', 'ohlc', 'scatter', 'bars'];

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
    columns: ColumnInfo[];
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
}

export interface FrameSeries {
    source: number;
    column: number;
    mark: Mark;
    /** 0xRRGGBBAA; 0: the theme's next. */
    color: number;
    width: number;
    label?: string;
}

export interface FrameDesc {
    width: number;
    height: number;
    scale: number;
    isBare: boolean;
    isDark: boolean;
    isLog: boolean;
    hasLegend: boolean;
    series: FrameSeries[];
    range?: { from: bigint; to: bigint };
    bottom?: string;
    top?: string;
    title?: string;
    timeZone?: string;
    barWidth?: string;
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
    plot: { x: number; y: number; width: number; height: number };
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

export interface EngineStats {
    /** As docs/data-manager.md has it. */
    data: Record<string, unknown>;
    sources: number;
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
    | { kind: 'idle' }
    /** What drew or showed the pictures is gone: all charts are to be drawn again. */
    | { kind: 'redraw' }
    | { kind: 'failed'; source: number; code: ErrorCode; message: string };

/** The engine, whichever thread it lives on. */
export interface EngineApi {
    /** Whether a canvas that is handed over can be painted from the engine's thread. */
    canPaint(): Promise<boolean>;
    openUrl(url: string, headers: Record<string, string>): Promise<OpenResult>;
    openBlob(name: string, blob: Blob): Promise<OpenResult>;
    openCsv(name: string, blob: Blob, timeZone?: string): Promise<OpenResult>;
    openLive(desc: LiveDesc): Promise<OpenResult>;
    append(source: number, rows: Rows): Promise<SourceInfo>;
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
    stats(): Promise<EngineStats>;
    stop(): Promise<void>;
}

export interface OpenResult {
    id: number;
    info: SourceInfo;
}
