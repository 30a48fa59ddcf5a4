/* What a chart is asked to be: options with their defaults, checked when they are given. */
import type { EnginePlace } from './client.js';
import { ChartError } from './error.js';
import type { BackendChoice, DensityScale, Mark, Palette, Side, StudyKind, ThemeName } from './protocol.js';
import { BACKENDS, DENSITY_SCALES, MARKS, PALETTES, STUDIES, THEME_NAMES } from './protocol.js';
import type { DataInput } from './source.js';
import { parseColor } from './theme.js';
import type { TimeInput } from './time.js';

/** Name or number of a value column. */
export type ColumnChoice = string | number;

/** 'dotted' and the like in proportion to the stroke, or lengths of dashes and gaps in turn, in CSS
 * pixels, up to eight. */
export type Dash = 'solid' | 'dashed' | 'dotted' | 'dash-dot' | readonly number[];

/** Computed from the series' bars and drawn in place of them. */
export interface StudyOptions {
    /** Simple and exponential moving average, lowest low to highest high, difference to another series. */
    kind: StudyKind;
    /** Bars that it runs over, 1 to 1000; not for 'spread'. */
    length?: number;
    /** 'spread': the data that is taken away. Default: the series' own. */
    with?: DataInput;
    /** 'spread': the column that is taken away. */
    column?: ColumnChoice;
}

export interface SeriesOptions {
    data: DataInput;
    /** Default: the first. */
    column?: ColumnChoice;
    /** Default: 'line'; of a point set 'points'. */
    type?: Mark;
    /** "#rgb", "#rrggbb" or "#rrggbbaa". Default: the theme's next. */
    color?: string;
    /** Stroke width, or the diameter of points, in CSS pixels. */
    width?: number;
    /** Of 'line', 'step', 'area' and 'band'. Default: 'solid'. */
    dash?: Dash;
    /** Default: the column's name and unit. */
    label?: string;
    /** Default: true. */
    visible?: boolean;
    /** Number of the panel that it is drawn in, from the top. Default: 0. */
    panel?: number;
    /** The panel's value axis that it is read against. Default: 'left'. */
    axis?: Side;
    /** 'band': the column of its other edge. Default: the one after `column`. */
    high?: ColumnChoice;
    /** 'volume': bars are coloured as candles of this column would be. */
    price?: ColumnChoice;
    /** 'histogram': bins, 1 to 4096. Default: 100. */
    bins?: number;
    /** 'points': the columns that say how large a point is, how high on the colour ramp, and of which
     * of the palette's colours. */
    sizeBy?: ColumnChoice;
    colorBy?: ColumnChoice;
    categoryBy?: ColumnChoice;
    /** 'density' and 'points': how counts become colours. Default: 'log'. */
    densityScale?: DensityScale;
    /** Default: 'moss'. */
    palette?: Palette;
    study?: StudyOptions;
}

export interface AxisOptions {
    /** Default: fitted to what is visible. */
    min?: number;
    max?: number;
    /** Default: 'linear'. */
    scale?: 'linear' | 'log';
    /** Default: the unit that its series share. */
    title?: string;
}

/** A plot with value axes of its own; panels stand one above the other over one time axis. */
export interface PanelOptions {
    title?: string;
    /** In proportion to the other panels. Default: 1. */
    height?: number;
    left?: AxisOptions;
    right?: AxisOptions;
}

export interface AxesOptions {
    x?: {
        /** Left and right edge. Default: all of the data. */
        from?: TimeInput;
        to?: TimeInput;
        /** Of points and histograms, whose horizontal axis shows values. */
        min?: number;
        max?: number;
    };
    /** The left axis of the first panel. */
    y?: AxisOptions;
}

export interface ChartOptions {
    series: SeriesOptions[];
    axes?: AxesOptions;
    /** Default: as many as the series name. */
    panels?: PanelOptions[];
    title?: string;
    /** 'auto' follows the reader's system, its wish for high contrast too. Default: 'auto'. */
    theme?: ThemeName | 'auto';
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

export const PANEL_CAP = 8;
export const SCALES = ['linear', 'log'];
export const THEME_CHOICES = [...THEME_NAMES, 'auto'];
const SERIES_CAP = 64;
const DASH_CAP = 8;
const STUDY_LENGTH_MAX = 1000;
const BINS_MAX = 4096;

/* Every option by name: an unknown one is a mistake that is told. */
const CHART_KEYS = [
    'series',
    'axes',
    'panels',
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
const SERIES_KEYS = [
    'data',
    'column',
    'type',
    'color',
    'width',
    'dash',
    'label',
    'visible',
    'panel',
    'axis',
    'high',
    'price',
    'bins',
    'sizeBy',
    'colorBy',
    'categoryBy',
    'densityScale',
    'palette',
    'study',
] satisfies (keyof SeriesOptions)[];
const STUDY_KEYS = ['kind', 'length', 'with', 'column'] satisfies (keyof StudyOptions)[];
const AXIS_KEYS = ['min', 'max', 'scale', 'title'] satisfies (keyof AxisOptions)[];
const PANEL_KEYS = ['title', 'height', 'left', 'right'] satisfies (keyof PanelOptions)[];
const X_KEYS = ['from', 'to', 'min', 'max'] satisfies (keyof NonNullable<AxesOptions['x']>)[];

function refuse(message: string): never {
    throw new ChartError('invalid', message);
}

function knownKeys(of: string, given: object, keys: readonly string[]): void {
    for (const key of Object.keys(given))
        if (!keys.includes(key)) refuse(`${of}${key}: no such option`);
}

export function oneOf(name: string, value: unknown, values: readonly string[]): void {
    if (value !== undefined && !values.includes(value as string))
        refuse(`${name}: ${String(value)}; it is one of ${values.join(', ')}`);
}

function whole(name: string, value: number | undefined, least: number, most: number): void {
    if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most))
        refuse(`${name}: ${value}; a whole number from ${least} to ${most}`);
}

function checkDash(name: string, dash: Dash | undefined): void {
    if (dash === undefined || typeof dash === 'string') {
        oneOf(name, dash, ['solid', 'dashed', 'dotted', 'dash-dot']);
        return;
    }
    const isGood = dash.every((length) => length >= 0 && length <= 1000);
    const period = dash.reduce((sum, length) => sum + length, 0);
    if (dash.length > DASH_CAP || !isGood || (dash.length > 0 && period < 2))
        refuse(`${name}: ${dash.join(', ')}; at most eight lengths from 0 to 1000, 2 or more together`);
}

function checkStudy(of: string, study: StudyOptions): void {
    knownKeys(`${of}.`, study, STUDY_KEYS);
    oneOf(`${of}.kind`, study.kind ?? 'none', STUDIES);
    if (study.kind !== 'spread') whole(`${of}.length`, study.length ?? 0, 1, STUDY_LENGTH_MAX);
}

function checkSeries(series: SeriesOptions, index: number, panelCount: number): void {
    const of = `series[${index}]`;
    knownKeys(`${of}.`, series, SERIES_KEYS);
    if (series.data === undefined) refuse(`${of}.data: none given`);
    oneOf(`${of}.type`, series.type, MARKS);
    oneOf(`${of}.axis`, series.axis, ['left', 'right']);
    oneOf(`${of}.densityScale`, series.densityScale, DENSITY_SCALES);
    oneOf(`${of}.palette`, series.palette, PALETTES);
    whole(`${of}.panel`, series.panel, 0, panelCount - 1);
    whole(`${of}.bins`, series.bins, 1, BINS_MAX);
    checkDash(`${of}.dash`, series.dash);
    if (series.color !== undefined && parseColor(series.color) === undefined)
        refuse(`${of}.color: '${series.color}' is no #rrggbb`);
    if (series.width !== undefined && !(series.width > 0 && series.width <= 64))
        refuse(`${of}.width: ${series.width}; more than 0, at most 64`);
    if (series.colorBy !== undefined && series.categoryBy !== undefined)
        refuse(`${of}.colorBy: a point has its colour from one column, colorBy or categoryBy`);
    if (series.study === undefined) return;
    checkStudy(`${of}.study`, series.study);
    if (series.type !== undefined && series.type !== 'line')
        refuse(`${of}.type: ${series.type}; a study is drawn as a line`);
}

function checkAxis(of: string, axis: AxisOptions | undefined): void {
    if (axis === undefined) return;
    knownKeys(`${of}.`, axis, AXIS_KEYS);
    oneOf(`${of}.scale`, axis.scale, SCALES);
    const { min, max } = axis;
    for (const [name, value] of [['min', min], ['max', max]] as const)
        if (value !== undefined && !(Number.isFinite(value) && (axis.scale !== 'log' || value > 0)))
            refuse(`${of}.${name}: ${value}; a number${axis.scale === 'log' ? ' above 0' : ''}`);
    if (min !== undefined && max !== undefined && min >= max)
        refuse(`${of}.min: ${min} is not below max, ${max}`);
}

function checkPanels(panels: PanelOptions[]): void {
    if (panels.length > PANEL_CAP) refuse(`panels: ${panels.length}; at most ${PANEL_CAP}`);
    panels.forEach((panel, i) => {
        knownKeys(`panels[${i}].`, panel, PANEL_KEYS);
        if (panel.height !== undefined && !(panel.height >= 0.001 && panel.height <= 1000))
            refuse(`panels[${i}].height: ${panel.height}; from 0.001 to 1000`);
        checkAxis(`panels[${i}].left`, panel.left);
        checkAxis(`panels[${i}].right`, panel.right);
    });
}

/** Names the option at fault. */
export function checkOptions(options: ChartOptions): void {
    knownKeys('', options, CHART_KEYS);
    if (!Array.isArray(options.series) || options.series.length === 0)
        refuse('series: a chart needs at least one');
    if (options.series.length > SERIES_CAP)
        refuse(`series: ${options.series.length}; at most ${SERIES_CAP}`);
    const { panels = [], axes = {} } = options;
    checkPanels(panels);
    options.series.forEach((series, i) =>
        checkSeries(series, i, panels.length > 0 ? panels.length : PANEL_CAP),
    );
    oneOf('theme', options.theme, THEME_CHOICES);
    oneOf('engine', options.engine, ['auto', 'worker', 'main', 'single']);
    oneOf('backend', options.backend, ['auto', ...BACKENDS]);
    knownKeys('axes.', axes, ['x', 'y']);
    knownKeys('axes.x.', axes.x ?? {}, X_KEYS);
    checkAxis('axes.y', axes.y);
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
