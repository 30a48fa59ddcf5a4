/* What a chart is asked to be: options with their defaults, checked when they are given. */
import type { EnginePlace } from './client.js';
import { ChartError } from './error.js';
import type { BackendChoice, Mark } from './protocol.js';
import { BACKENDS, MARKS } from './protocol.js';
import type { DataInput } from './source.js';
import { parseColor } from './theme.js';
import type { TimeInput } from './time.js';

export interface SeriesOptions {
    data: DataInput;
    /** Name or number of the value column. Default: the first. */
    column?: string | number;
    /** Default: 'line'. */
    type?: Mark;
    /** "#rgb", "#rrggbb" or "#rrggbbaa". Default: the theme's next. */
    color?: string;
    /** Stroke width, or the diameter of points, in CSS pixels. */
    width?: number;
    /** Default: the column's name and unit. */
    label?: string;
    /** Default: true. */
    visible?: boolean;
}

export interface AxesOptions {
    x?: {
        /** Left and right edge. Default: all of the data. */
        from?: TimeInput;
        to?: TimeInput;
    };
    y?: {
        /** Default: fitted to what is visible. */
        min?: number;
        max?: number;
        /** Default: 'linear'. */
        scale?: 'linear' | 'log';
    };
}

export interface ChartOptions {
    series: SeriesOptions[];
    axes?: AxesOptions;
    title?: string;
    /** 'auto' follows the reader's system. Default: 'auto'. */
    theme?: 'light' | 'dark' | 'auto';
    /** IANA name, 'UTC' or 'local'. Default: the data's. */
    timeZone?: string;
    /** Width of candles and bars: "1m", "4h", "1d", "1mo". Default: fits the view. */
    barWidth?: string;
    /** Pan, zoom and keys. Default: true. */
    interactive?: boolean;
    /** Default: true. */
    crosshair?: boolean;
    /** Default: true. */
    legend?: boolean;
    /** The view moves with rows that are appended while it shows the newest. Default: true. */
    follow?: boolean;
    /** White lines of one pixel on black, without axes: exactly the pixel rule. */
    bare?: boolean;
    /** Device pixels per CSS pixel. Default: the screen's. */
    pixelRatio?: number;
    /** Where the engine runs. Default: 'auto', a worker if there can be one. */
    engine?: EnginePlace;
    /** What draws, or what is tried first: a backend that this machine does not have falls through to
     * the next of webgpu, webgl2, cpu. Default: 'auto', the best that is not emulated. */
    backend?: BackendChoice;
    /** Destroys the chart. */
    signal?: AbortSignal;
}

const KEYS: readonly string[] = [
    'series',
    'axes',
    'title',
    'theme',
    'timeZone',
    'barWidth',
    'interactive',
    'crosshair',
    'legend',
    'follow',
    'bare',
    'pixelRatio',
    'engine',
    'backend',
    'signal',
] satisfies (keyof ChartOptions)[];

function refuse(message: string): never {
    throw new ChartError('invalid', message);
}

function oneOf(name: string, value: unknown, values: readonly string[]): void {
    if (value !== undefined && !values.includes(value as string))
        refuse(`${name}: ${String(value)}; it is one of ${values.join(', ')}`);
}

/** Names the option at fault. */
export function checkOptions(options: ChartOptions): void {
    for (const key of Object.keys(options)) if (!KEYS.includes(key)) refuse(`${key}: no such option`);
    if (!Array.isArray(options.series) || options.series.length === 0)
        refuse('series: a chart needs at least one');
    if (options.series.length > 64) refuse(`series: ${options.series.length}; at most 64`);
    options.series.forEach((series, i) => {
        oneOf(`series[${i}].type`, series.type, MARKS);
        if (series.data === undefined) refuse(`series[${i}].data: none given`);
        if (series.color !== undefined && parseColor(series.color) === undefined)
            refuse(`series[${i}].color: '${series.color}' is no #rrggbb`);
        if (series.width !== undefined && !(series.width > 0 && series.width <= 64))
            refuse(`series[${i}].width: ${series.width}; more than 0, at most 64`);
    });
    oneOf('theme', options.theme, ['light', 'dark', 'auto']);
    oneOf('engine', options.engine, ['auto', 'worker', 'main']);
    oneOf('backend', options.backend, ['auto', ...BACKENDS]);
    oneOf('axes.y.scale', options.axes?.y?.scale, ['linear', 'log']);
    const ratio = options.pixelRatio;
    if (ratio !== undefined && !(ratio >= 0.5 && ratio <= 8))
        refuse(`pixelRatio: ${ratio}; from 0.5 to 8`);
    if (options.timeZone !== undefined) zoneName(options.timeZone);
}

/** 'local' as the name of the reader's zone. */
export function zoneName(zone: string): string {
    if (zone === 'local') return new Intl.DateTimeFormat().resolvedOptions().timeZone;
    try {
        new Intl.DateTimeFormat('en', { timeZone: zone });
    } catch {
        refuse(`timeZone: '${zone}' is not known to this browser`);
    }
    return zone;
}
