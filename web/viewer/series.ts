/* The series of the state as options of the chart, and the panel that edits them. */
import {
    type DataSource,
    MARKS,
    type Mark,
    type PanelOptions,
    type SeriesOptions,
    type ThemeName,
} from 'gpu-charts';

import { get, icon, make, options, renew } from './dom.js';
import type { SeriesState, State } from './state.js';

export const TYPE_NAMES: Record<Mark, string> = {
    line: 'Line',
    step: 'Steps',
    area: 'Area',
    candles: 'Candles',
    ohlc: 'OHLC bars',
    bars: 'Columns',
    scatter: 'Dots',
    band: 'Band',
    density: 'Density',
    histogram: 'Histogram',
    volume: 'Volume',
    points: 'Points',
};

const PANELS = 8;

export function isPointSet(source: DataSource | undefined): boolean {
    return source?.info.plane !== undefined;
}

/** What a series of this data can be drawn as. */
export function typesOf(source: DataSource): Mark[] {
    if (isPointSet(source)) return ['points'];
    return MARKS.filter(
        (mark) => mark !== 'points' && (mark !== 'band' || source.info.columns.length > 1),
    );
}

/** A data set's own name, without its folder. */
export function shortName(source: DataSource): string {
    const { name } = source.info;
    const last = name.split('/').at(-1)?.replace(/\.(gch|csv|tsv|txt)$/, '') || name;
    try {
        return decodeURIComponent(last); /* of an address; a file may have any name */
    } catch {
        return last;
    }
}

export function typeOf(series: SeriesState, source: DataSource | undefined): Mark {
    return series.type ?? (isPointSet(source) ? 'points' : 'line');
}

export type Find = (series: SeriesState) => DataSource | undefined;

/** The first series, and each type that stands in a chart of its own with others of its kind. */
function fitsWith(first: Mark, mark: Mark): boolean {
    const alone: Mark[] = ['points', 'histogram'];
    return alone.includes(first) || alone.includes(mark) ? first === mark : true;
}

export function toOptions(state: State, find: Find): { series: SeriesOptions[]; panels: PanelOptions[] } {
    const first = state.series[0];
    const lead = first === undefined ? 'line' : typeOf(first, find(first));
    const isMixed = new Set(state.series.map((one) => one.of)).size > 1;
    const series = state.series.flatMap((one): SeriesOptions[] => {
        const data = find(one);
        const mark = typeOf(one, data);
        if (data === undefined || !fitsWith(lead, one.study === undefined ? mark : 'line')) return [];
        const isDrawnInColor = mark === 'density' || mark === 'points';
        return [
            {
                data,
                column: one.column,
                panel: one.panel,
                axis: one.axis,
                visible: !one.isHidden,
                ...(isMixed && one.study === undefined && mark !== 'points'
                    ? { label: `${shortName(data)} ${one.column}` }
                    : {}),
                ...(one.study === undefined ? { type: mark } : { study: one.study }),
                ...(one.color === undefined ? {} : { color: one.color }),
                ...(one.high === undefined || mark !== 'band' ? {} : { high: one.high }),
                ...(one.colorBy === undefined ? {} : { colorBy: one.colorBy }),
                ...(one.sizeBy === undefined ? {} : { sizeBy: one.sizeBy }),
                ...(one.categoryBy === undefined ? {} : { categoryBy: one.categoryBy }),
                ...(mark === 'volume' && state.series.length > 1 ? priceOf(state, one) : {}),
                ...(isDrawnInColor && state.palette !== undefined
                    ? { palette: state.palette as NonNullable<SeriesOptions['palette']> }
                    : {}),
            },
        ];
    });
    const count = Math.max(1, ...series.map((one) => (one.panel ?? 0) + 1));
    const scale = state.log && lead !== 'points' ? ('log' as const) : ('linear' as const);
    const panels = Array.from({ length: count }, (_, i) => ({
        height: i === 0 ? Math.max(1, count) : 1,
        left: { scale: i === 0 ? scale : ('linear' as const) },
        right: { scale: i === 0 ? scale : ('linear' as const) },
    }));
    return { series, panels };
}

/** Volume is coloured by the candles that are shown with it. */
function priceOf(state: State, volume: SeriesState): { price?: string } {
    const price = state.series.find(
        (one) => (one.type === 'candles' || one.type === 'ohlc') && one.of === volume.of,
    );
    return price === undefined ? {} : { price: price.column };
}

/* ---- the panel ---- */

export interface SeriesPanelHost {
    state: State;
    find: Find;
    theme(): ThemeName;
    colorOf(index: number): string;
    /** The state has changed: what is drawn is to be made anew. */
    changed(): void;
    shown(index: number, isShown: boolean): void;
}

function select(
    name: string,
    all: readonly (readonly [string, string])[],
    value: string,
    chosen: (value: string) => void,
): HTMLLabelElement {
    const element = make('select', { on: () => chosen(element.value) });
    options(element, all);
    element.value = value;
    return make('label', {}, name, element);
}

function columnChoice(
    name: string,
    source: DataSource,
    value: string | undefined,
    chosen: (value: string | undefined) => void,
): HTMLLabelElement {
    const columns = source.info.columns.map((column) => [column.name, column.name] as const);
    return select(name, [['', 'none'], ...columns], value ?? '', (next) =>
        chosen(next === '' ? undefined : next),
    );
}

function fieldsOf(host: SeriesPanelHost, one: SeriesState, source: DataSource): HTMLElement[] {
    const { state, changed } = host;
    const fields: HTMLElement[] = [];
    const mark = typeOf(one, source);
    if (one.study === undefined && mark !== 'points')
        fields.push(
            select(
                'Type',
                typesOf(source).map((type) => [type, TYPE_NAMES[type]] as const),
                mark,
                (type) => {
                    one.type = type as Mark;
                    changed();
                },
            ),
        );
    if (one.study !== undefined && one.study.kind !== 'spread') {
        const { study } = one;
        const input = make('input', {
            type: 'number',
            min: '1',
            max: '1000',
            value: String(study.length),
            on: () => {
                study.length = Math.min(1000, Math.max(1, Math.round(Number(input.value)) || 1));
                changed();
            },
        });
        fields.push(make('label', {}, 'Bars', input));
    }
    if (mark === 'band' && one.study === undefined)
        fields.push(
            columnChoice('Up to', source, one.high, (high) => {
                if (high === undefined) delete one.high;
                else one.high = high;
                changed();
            }),
        );
    if (mark === 'points') {
        for (const [name, key] of [
            ['Colour by', 'colorBy'],
            ['Category', 'categoryBy'],
            ['Size by', 'sizeBy'],
        ] as const)
            fields.push(
                columnChoice(name, source, one[key], (column) => {
                    if (key === 'colorBy') delete one.categoryBy;
                    if (key === 'categoryBy') delete one.colorBy;
                    if (column === undefined) delete one[key];
                    else one[key] = column;
                    changed();
                }),
            );
        return fields;
    }
    const used = Math.max(...state.series.map((other) => other.panel));
    const places: [string, string][] = [];
    for (let panel = 0; panel <= Math.min(PANELS - 1, used + 1); panel++) {
        const name = panel > used ? 'New panel' : `Panel ${panel + 1}`;
        places.push([`${panel} left`, name], [`${panel} right`, `${name}, right axis`]);
    }
    fields.push(
        select('Drawn in', places, `${one.panel} ${one.axis}`, (place) => {
            const [panel = '0', axis] = place.split(' ');
            one.panel = Number(panel);
            one.axis = axis as SeriesState['axis'];
            closeGaps(state);
            changed();
        }),
    );
    return fields;
}

/** Leaves out what names columns that are not there; a chart would refuse all of it. */
export function dropMissing(state: State, find: Find): void {
    state.series = state.series.filter((one) => {
        const columns = find(one)?.info.columns ?? [];
        const isThere = (name: string | undefined) => columns.some((column) => column.name === name);
        for (const key of ['high', 'colorBy', 'sizeBy', 'categoryBy'] as const)
            if (!isThere(one[key])) delete one[key];
        const isBadSpread = one.study?.kind === 'spread' && !isThere(one.study.column);
        return isThere(one.column) && !isBadSpread;
    });
}

/** No panel stays without series. */
export function closeGaps(state: State): void {
    const used = [...new Set(state.series.map((one) => one.panel))].sort((a, b) => a - b);
    for (const one of state.series) one.panel = used.indexOf(one.panel);
}

export function nameOf(one: SeriesState, source: DataSource | undefined): string {
    const { study } = one;
    if (source !== undefined && isPointSet(source)) return shortName(source);
    if (study === undefined) return one.column;
    if (study.kind === 'spread') return `${one.column} − ${study.column ?? ''}`;
    const names = { sma: 'SMA', ema: 'EMA', range: 'Channel' } as const;
    return `${names[study.kind]} ${study.length}, ${one.column}`;
}

function itemOf(host: SeriesPanelHost, one: SeriesState, index: number): HTMLLIElement {
    const { state } = host;
    const source = host.find(one);
    const name = nameOf(one, source);
    const hasOwnColors = ['candles', 'ohlc'].includes(typeOf(one, source)) && one.color === undefined;
    const color = make('input', {
        className: hasOwnColors ? 'up-down' : '',
        type: 'color',
        value: host.colorOf(index),
        title: `Colour of ${name}`,
        aria: { label: `Colour of ${name}` },
        on: () => {
            one.color = color.value;
            host.changed();
        },
    });
    const eye = make(
        'button',
        {
            className: 'icon',
            title: one.isHidden ? 'Show' : 'Hide',
            aria: { label: `${one.isHidden ? 'Show' : 'Hide'} ${name}` },
            on: () => host.shown(index, one.isHidden),
        },
        icon(one.isHidden ? 'eye-off' : 'eye'),
    );
    const remove = make(
        'button',
        {
            className: 'icon',
            title: 'Remove',
            disabled: state.series.length === 1,
            aria: { label: `Remove ${name}` },
            on: () => {
                state.series.splice(index, 1);
                closeGaps(state);
                host.changed();
            },
        },
        icon('close'),
    );
    const top = make('div', { className: 'top' }, color, make('b', { title: name }, name), eye, remove);
    const item = make('li', { className: one.isHidden ? 'off' : '' }, top);
    if (one.of !== undefined) item.append(make('small', {}, one.of));
    if (source !== undefined)
        item.append(make('div', { className: 'fields' }, ...fieldsOf(host, one, source)));
    return item;
}

export function showSeriesPanel(host: SeriesPanelHost, primary: DataSource | undefined): void {
    const { state } = host;
    get('series-section').hidden = primary === undefined;
    renew(get('series'), ...state.series.map((one, i) => itemOf(host, one, i)));
    if (primary === undefined || isPointSet(primary)) {
        get('add').replaceChildren();
        return;
    }
    const columns = primary.info.columns.map(
        (column) => [column.name, column.unit === '' ? column.name : `${column.name} (${column.unit})`] as const,
    );
    const add = make('select', {
        aria: { label: 'Add a series' },
        on: () => {
            state.series.push({ column: add.value, panel: 0, axis: 'left', isHidden: false });
            host.changed();
        },
    });
    options(add, [['', '+ Add a series'], ...columns]);
    renew(get('add'), add);
}
