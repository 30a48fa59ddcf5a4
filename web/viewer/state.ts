/* What a link restores: the part of an address behind '#'.
 *
 *     #data=ticks&series=price.candles,price.sma20,volume.volume.p2&from=…&to=…&theme=dark
 *
 * A series is its column, then words joined by dots: a type, "p2" (the second panel), "right",
 * "hidden", a study with its length, and pairs like "high=ask". Whatever is not understood is left
 * out.
 */
import { MARKS, type Mark, PALETTES, STUDIES, type Side, type StudyKind, THEME_NAMES, type ThemeName } from 'gpu-charts';

export interface SeriesState {
    /** Another data set than the one that is open. */
    of?: string;
    column: string;
    type?: Mark;
    /** From 0. */
    panel: number;
    axis: Side;
    isHidden: boolean;
    color?: string;
    study?: { kind: StudyKind; length: number; column?: string };
    high?: string;
    colorBy?: string;
    sizeBy?: string;
    categoryBy?: string;
}

export interface AxisState {
    panel: number;
    axis: Side;
    min: number;
    max: number;
}

export interface State {
    /** Name of a data set of the server; "live:NAME" of a live series. */
    data?: string;
    series: SeriesState[];
    /** Ticks. */
    from?: bigint;
    to?: bigint;
    x?: { min: number; max: number };
    /** Axes whose values are held. */
    values: AxisState[];
    bar?: string;
    zone?: string;
    log: boolean;
    theme: ThemeName | 'auto';
    palette?: string;
}

const PANELS = 8;
const SERIES_CAP = 64;

export function emptyState(): State {
    return { series: [], values: [], log: false, theme: 'auto' };
}

function ticks(given: string | null): bigint | undefined {
    return given !== null && /^-?\d{1,19}$/.test(given) ? BigInt(given) : undefined;
}

/* ---- series ---- */

/** Within a word: no separators of ours. */
function quote(value: string): string {
    return encodeURIComponent(String(value)).replaceAll('.', '%2E');
}

function unquote(value: string): string | undefined {
    try {
        return decodeURIComponent(value);
    } catch {
        return undefined;
    }
}

function readPair(series: SeriesState, key: string, value: string): void {
    const given = unquote(value);
    if (given === undefined) return;
    if (key === 'of') series.of = given;
    else if (key === 'high') series.high = given;
    else if (key === 'by') series.colorBy = given;
    else if (key === 'size') series.sizeBy = given;
    else if (key === 'category') series.categoryBy = given;
    else if (key === 'color' && /^[0-9a-f]{6}$/.test(given)) series.color = `#${given}`;
    else if (key === 'spread') series.study = { kind: 'spread', length: 0, column: given };
}

function readSeries(given: string): SeriesState | undefined {
    const [first = '', ...words] = given.split('.');
    const column = unquote(first);
    if (column === undefined || column === '') return undefined;
    const series: SeriesState = { column, panel: 0, axis: 'left', isHidden: false };
    for (const word of words) {
        const panel = /^p([1-8])$/.exec(word);
        const study = /^([a-z]+)(\d{1,4})$/.exec(word);
        const pair = /^([a-z]+)=(.*)$/.exec(word);
        if ((MARKS as readonly string[]).includes(word)) series.type = word as Mark;
        else if (panel !== null) series.panel = Number(panel[1]) - 1;
        else if (word === 'right') series.axis = 'right';
        else if (word === 'hidden') series.isHidden = true;
        else if (pair !== null) readPair(series, pair[1] ?? '', pair[2] ?? '');
        else if (study !== null && (STUDIES as readonly string[]).includes(study[1] ?? '')) {
            const length = Math.min(1000, Math.max(1, Number(study[2])));
            series.study = { kind: study[1] as StudyKind, length };
        }
    }
    return series;
}

function writeSeries(series: SeriesState): string {
    const words = [quote(series.column)];
    const pair = (key: string, value: string | undefined) => {
        if (value !== undefined) words.push(`${key}=${quote(value)}`);
    };
    if (series.type !== undefined) words.push(series.type);
    if (series.study?.kind === 'spread') pair('spread', series.study.column);
    else if (series.study !== undefined) words.push(`${series.study.kind}${series.study.length}`);
    if (series.panel > 0) words.push(`p${Math.min(PANELS, series.panel + 1)}`);
    if (series.axis === 'right') words.push('right');
    if (series.isHidden) words.push('hidden');
    pair('color', series.color?.slice(1));
    pair('of', series.of);
    pair('high', series.high);
    pair('by', series.colorBy);
    pair('size', series.sizeBy);
    pair('category', series.categoryBy);
    return words.join('.');
}

/* ---- values of axes: "1left:0.5:2" ---- */

function readAxis(given: string): AxisState | undefined {
    const match = /^([1-8])(left|right):([^:]+):([^:]+)$/.exec(given);
    const min = Number(match?.[3]);
    const max = Number(match?.[4]);
    if (match === null || !(min < max) || !Number.isFinite(max - min)) return undefined;
    return { panel: Number(match[1]) - 1, axis: match[2] as Side, min, max };
}

/* ---- the whole ---- */

function isZone(name: string): boolean {
    try {
        return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
    } catch {
        return false;
    }
}

export function readState(hash: string): State {
    const given = new URLSearchParams(hash.replace(/^#/, ''));
    const state = emptyState();
    const put = (key: 'data' | 'bar' | 'zone' | 'palette') => {
        const value = given.get(key);
        if (value !== null && value !== '') state[key] = value;
    };
    (['data', 'bar', 'zone', 'palette'] as const).forEach(put);
    const list = (key: string) => (given.get(key) ?? '').split(',').filter((one) => one !== '');
    if (state.zone !== undefined && !isZone(state.zone)) delete state.zone;
    if (!(PALETTES as readonly (string | undefined)[]).includes(state.palette)) delete state.palette;
    state.log = given.has('log');
    state.series = list('series').flatMap((one) => readSeries(one) ?? []).slice(0, SERIES_CAP);
    state.values = list('values').flatMap((one) => readAxis(one) ?? []);
    if (state.log) state.values = state.values.filter((one) => one.panel > 0 || one.min > 0);
    const from = ticks(given.get('from'));
    const to = ticks(given.get('to'));
    if (from !== undefined && to !== undefined && from < to) Object.assign(state, { from, to });
    const [min, max] = (given.get('x') ?? '').split(':').map(Number);
    if (min !== undefined && max !== undefined && min < max && Number.isFinite(max - min)) state.x = { min, max };
    const theme = given.get('theme');
    if ((THEME_NAMES as readonly (string | null)[]).includes(theme)) state.theme = theme as ThemeName;
    return state;
}

export function writeState(state: State): string {
    const out: string[] = [];
    const put = (key: string, value: string | bigint | undefined) => {
        if (value !== undefined && value !== '')
            out.push(`${key}=${encodeURIComponent(String(value)).replaceAll('%2C', ',').replaceAll('%3A', ':')}`);
    };
    put('data', state.data?.replaceAll('%2F', '/'));
    put('series', state.series.map(writeSeries).join(','));
    put('from', state.from);
    put('to', state.to);
    if (state.x !== undefined) put('x', `${state.x.min}:${state.x.max}`);
    put('values', state.values.map((v) => `${v.panel + 1}${v.axis}:${v.min}:${v.max}`).join(','));
    put('bar', state.bar);
    put('zone', state.zone);
    put('palette', state.palette);
    if (state.log) out.push('log');
    if (state.theme !== 'auto') put('theme', state.theme);
    return `#${out.join('&')}`;
}
