/* The series of a chart: their options made into what the engine draws.
 *
 * Invariants:
 *  1. A data input that several series name is opened once.
 *  2. If one cannot be opened, what has been opened for the others is closed.
 */
import { ChartError } from './error.js';
import type { ColumnChoice, Dash, SeriesOptions, StudyOptions } from './options.js';
import type { ColumnInfo, FrameSeries, Mark, Side, ThemeName } from './protocol.js';
import { DataSource } from './source.js';
import { parseColor, seriesColor } from './theme.js';
import type { ViewState } from './view-state.js';

export interface Hover {
    text: string;
    value: number;
    time: bigint;
    /** Of a point of a plane, and of the middle of a bin. */
    x?: number;
    /** The bar that it is of, for what is drawn a bar at a time. */
    bar?: { from: bigint; to: bigint };
    /** Of the bar. */
    rows?: number;
}

interface Study {
    options: StudyOptions;
    /** Undefined: the series' own. */
    with: DataSource | undefined;
    column: number;
}

export interface Shown {
    options: SeriesOptions;
    source: DataSource;
    column: number;
    study: Study | undefined;
    /** 0xRRGGBBAA */
    color: number;
    label: string;
    isVisible: boolean;
    hover: Hover | undefined;
}

export interface OpenedSeries {
    shown: Shown[];
    /** To be closed with the series. */
    owned: Set<DataSource>;
}

type Open = (data: SeriesOptions['data']) => Promise<DataSource>;

const DASHES: Record<string, readonly number[]> = {
    solid: [],
    dashed: [6, 4],
    dotted: [0, 4],
    'dash-dot': [7, 4, 0, 4],
};
const LINE_PX = 1.5;

function findColumn(source: DataSource, wanted: ColumnChoice): number {
    const { info } = source;
    const column =
        typeof wanted === 'number' ? wanted : info.columns.findIndex((one) => one.name === wanted);
    if (info.columns[column] === undefined)
        throw new ChartError(
            'not-found',
            `${info.name}: no column '${wanted}'; it has ${info.columns.map((c) => c.name).join(', ')}`,
        );
    return column;
}

export function markOf(one: Shown): Mark {
    return one.options.type ?? (one.source.info.plane === undefined ? 'line' : 'points');
}

/** Drawn in the colours of rising and falling, with four values each. */
export function isBar(one: Shown): boolean {
    return one.study === undefined && (markOf(one) === 'candles' || markOf(one) === 'ohlc');
}

/** Drawn a bar at a time. */
export function needsBars(one: Shown): boolean {
    return isBar(one) || one.study !== undefined || ['bars', 'volume'].includes(markOf(one));
}

export function panelOf(one: Shown): number {
    return one.options.panel ?? 0;
}

export function sideOf(one: Shown): Side {
    return one.options.axis ?? 'left';
}

/** 0: its marks have colours of their own. */
export function swatchOf(one: Shown): number {
    const mark = markOf(one);
    const isColored = isBar(one) || (mark === 'volume' && one.options.price !== undefined);
    return isColored && one.options.color === undefined ? 0 : one.color;
}

function nameOf(column: ColumnInfo | undefined): string {
    if (column === undefined) return '';
    return column.unit === '' ? column.name : `${column.name} (${column.unit})`;
}

function labelOf(
    options: SeriesOptions,
    source: DataSource,
    column: number,
    against: DataSource | undefined,
): string {
    const { columns, plane, name } = source.info;
    if (options.label !== undefined) return options.label;
    if (plane !== undefined && (options.type ?? 'points') === 'points')
        return name.split('/').at(-1)?.replace(/\.gch$/, '') ?? name;
    const of = nameOf(columns[column]);
    const { study } = options;
    if (study === undefined) return of;
    if (study.kind === 'spread') {
        const { info } = against ?? source;
        return `${of} − ${info.columns[findColumn(against ?? source, study.column ?? 0)]?.name ?? ''}`;
    }
    const kind = study.kind === 'range' ? 'Channel' : study.kind.toUpperCase();
    return `${kind} ${study.length} ${columns[column]?.name ?? ''}`;
}

function makeShown(options: SeriesOptions, source: DataSource, against: DataSource | undefined): Shown {
    const column = findColumn(source, options.column ?? 0);
    for (const name of [options.high, options.price, options.sizeBy, options.colorBy, options.categoryBy])
        if (name !== undefined) findColumn(source, name);
    const { study } = options;
    return {
        options,
        source,
        column,
        study: study && {
            options: study,
            with: against,
            column: findColumn(against ?? source, study.column ?? 0),
        },
        color: 0,
        label: labelOf(options, source, column, against),
        isVisible: options.visible !== false,
        hover: undefined,
    };
}

/** `isGone` tells whether nobody wants them any more once they are open. */
export async function openSeries(
    all: readonly SeriesOptions[],
    open: Open,
    isGone: () => boolean,
): Promise<OpenedSeries> {
    const sources = new Map<unknown, Promise<DataSource>>();
    const openOnce = (data: SeriesOptions['data']) => {
        const source = sources.get(data) ?? open(data);
        sources.set(data, source);
        return source;
    };
    const inputs = all.flatMap(({ data, study }) => [data, ...(study?.with === undefined ? [] : [study.with])]);
    const settled = await Promise.allSettled(inputs.map(openOnce));
    const owned = new Set<DataSource>();
    settled.forEach((one, i) => {
        if (one.status === 'fulfilled' && !(inputs[i] instanceof DataSource)) owned.add(one.value);
    });
    try {
        const bad = settled.find((one) => one.status === 'rejected');
        if (bad !== undefined) throw ChartError.from(bad.reason);
        if (isGone()) throw new ChartError('cancelled', 'the chart has been destroyed');
        const shown: Shown[] = [];
        for (const options of all) {
            const against = options.study?.with;
            shown.push(
                makeShown(
                    options,
                    await openOnce(options.data),
                    against === undefined ? undefined : await openOnce(against),
                ),
            );
        }
        const units = new Set(shown.map((one) => one.source.info.unit));
        if (units.size > 1)
            throw new ChartError('invalid', `series of different time units: ${[...units].join(', ')}`);
        return { shown, owned };
    } catch (cause) {
        for (const source of owned) void source.close();
        throw cause;
    }
}

export function colorSeries(all: readonly Shown[], theme: ThemeName): void {
    all.forEach((one, i) => {
        const given = one.options.color === undefined ? undefined : parseColor(one.options.color);
        one.color = given ?? seriesColor(theme, i);
    });
}

/** Dashes named in words are in proportion to the stroke. */
function dashOf(dash: Dash | undefined, width: number): readonly number[] {
    if (dash === undefined) return [];
    if (typeof dash !== 'string') return dash;
    const scale = Math.max(1, (width > 0 ? width : LINE_PX) / LINE_PX);
    return (DASHES[dash] ?? []).map((length) => length * scale);
}

export function describeSeries(one: Shown): FrameSeries {
    const { options, source, study } = one;
    const mark = study === undefined ? markOf(one) : 'line';
    const width = options.width ?? 0;
    const dash = dashOf(options.dash, width);
    const find = (name: ColumnChoice | undefined) =>
        name === undefined ? undefined : findColumn(source, name);
    const last = source.info.columns.length - 1;
    const isPlane = mark === 'points';
    const given: Partial<FrameSeries> = {
        panel: panelOf(one),
        side: sideOf(one),
        ...(dash.length > 0 ? { dash } : {}),
        ...(mark === 'band' ? { columnHigh: find(options.high) ?? Math.min(last, one.column + 1) } : {}),
        ...(options.bins !== undefined && mark === 'histogram' ? { bins: options.bins } : {}),
        ...(options.densityScale === undefined ? {} : { densityScale: options.densityScale }),
        ...(options.palette === undefined ? {} : { palette: options.palette }),
    };
    const optional: [keyof FrameSeries, number | undefined][] = [
        ['priceBy', mark === 'volume' ? find(options.price) : undefined],
        ['sizeBy', isPlane ? find(options.sizeBy) : undefined],
        ['colorBy', isPlane ? find(options.colorBy) : undefined],
        ['categoryBy', isPlane ? find(options.categoryBy) : undefined],
    ];
    for (const [key, value] of optional) if (value !== undefined) Object.assign(given, { [key]: value });
    if (study !== undefined)
        given.study = {
            kind: study.options.kind,
            length: study.options.length ?? 0,
            column: study.column,
            ...(study.with === undefined ? {} : { source: study.with.id }),
        };
    return {
        source: source.id,
        column: one.column,
        mark,
        color: swatchOf(one),
        width,
        label: one.label,
        ...given,
    };
}

/** What the data of all series is, for the view of it. */
export function readExtent(state: ViewState, all: readonly Shown[]): void {
    const first = all[0];
    const infos = all.map((one) => one.source.info).filter((info) => info.rows > 0);
    const mark = first === undefined ? 'line' : markOf(first);
    state.kind = mark === 'points' || mark === 'histogram' ? mark : 'time';
    state.setUnit(first?.source.info.unit ?? 'ms');
    if (infos.length === 0) return;
    const firsts = infos.map((info) => BigInt(info.first));
    const lasts = infos.map((info) => BigInt(info.last));
    state.data = {
        from: firsts.reduce((a, b) => (a < b ? a : b)),
        to: lasts.reduce((a, b) => (a > b ? a : b)) + 1n,
    };
    const columns = all.map(({ source: { info }, column }) => info.columns[info.plane?.x ?? column]);
    const min = Math.min(...columns.map((column) => Number(column?.min)));
    const max = Math.max(...columns.map((column) => Number(column?.max)));
    state.dataAcross = state.kind !== 'time' && max > min ? { min, max } : undefined;
}
