/* What a chart takes and tells. */
import type { ChartError } from './error.js';
import type { Backend, EngineStats, Side, TimeUnit } from './protocol.js';
import type { TimeInput } from './time.js';

export interface ViewInput {
    from?: TimeInput;
    to?: TimeInput;
    /** Values of an axis; null fits them to what is visible. */
    min?: number | null;
    max?: number | null;
    /** Whose values `min` and `max` are. Default: those of the first panel's left axis. */
    panel?: number;
    axis?: Side;
    /** The horizontal axis of points and histograms; null fits it to the data. */
    xMin?: number | null;
    xMax?: number | null;
}

export interface AxisView {
    panel: number;
    axis: Side;
    min: number;
    max: number;
    scale: 'linear' | 'log';
    /** Whether the values are fitted to what is visible. */
    fitsValues: boolean;
}

export interface ChartView {
    /** Milliseconds since 1970 (rows, where there are no dates). */
    from: number;
    to: number;
    /** The same exactly, in ticks of `unit`. */
    fromTicks: bigint;
    toTicks: bigint;
    unit: TimeUnit;
    /** Of the first axis. */
    min: number;
    max: number;
    fitsValues: boolean;
    /** Every value axis that is shown. */
    axes: AxisView[];
    /** The horizontal axis of points and histograms. */
    xMin?: number;
    xMax?: number;
    fitsX?: boolean;
}

export interface HoverValue {
    label: string;
    /** Exact; '' where there is none. */
    text: string;
    /** NaN where `text` tells a range. */
    value: number;
    time: bigint;
    /** Of what is drawn a bar at a time: the bar, [from, to) in ticks. */
    bar?: { from: bigint; to: bigint };
    /** How many rows the bar holds, gaps included. */
    rows?: number;
}

export interface ChartEvents {
    view: ChartView;
    hover: { time: number; ticks: bigint; values: HoverValue[] } | null;
    progress: { complete: number; pendingBytes: number };
    complete: ChartView;
    error: ChartError;
    /** The connection of a live series was lost (and why), or is there again. */
    connection: { connected: boolean; message: string };
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
