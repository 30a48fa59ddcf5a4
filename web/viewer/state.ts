/* What a link restores: the part of an address behind '#'. */
import type { Mark } from 'gpu-charts';

export interface State {
    /** Name of a data set of the server. */
    data?: string;
    columns?: string[];
    type?: Mark;
    /** Ticks. */
    from?: bigint;
    to?: bigint;
    min?: number;
    max?: number;
    bar?: string;
    zone?: string;
    log?: boolean;
    theme?: 'light' | 'dark';
}

const MARKS: readonly string[] = ['line', 'step', 'area', 'candles', 'ohlc', 'scatter', 'bars'];

function ticks(text: string | null): bigint | undefined {
    return text !== null && /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

function finite(text: string | null): number | undefined {
    const value = text === null || text === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
}

/** Whatever is not understood is left out. */
export function readState(hash: string): State {
    const given = new URLSearchParams(hash.replace(/^#/, ''));
    const state: State = {};
    const text = (key: string) => given.get(key) ?? undefined;
    const type = text('type');
    const theme = text('theme');
    state.data = text('data');
    state.columns = text('columns')?.split(',').map(decodeURIComponent);
    if (type !== undefined && MARKS.includes(type)) state.type = type as Mark;
    const from = ticks(given.get('from'));
    const to = ticks(given.get('to'));
    if (from !== undefined && to !== undefined && from < to) Object.assign(state, { from, to });
    const min = finite(given.get('min'));
    const max = finite(given.get('max'));
    if (min !== undefined && max !== undefined && min < max) Object.assign(state, { min, max });
    state.bar = text('bar');
    state.zone = text('zone');
    state.log = given.has('log');
    if (theme === 'light' || theme === 'dark') state.theme = theme;
    return state;
}

export function writeState(state: State): string {
    const out = new URLSearchParams();
    const put = (key: string, value: unknown) => {
        if (value !== undefined) out.set(key, String(value));
    };
    put('data', state.data);
    put('columns', state.columns?.map(encodeURIComponent).join(','));
    put('type', state.type);
    put('from', state.from);
    put('to', state.to);
    put('min', state.min);
    put('max', state.max);
    put('bar', state.bar);
    put('zone', state.zone);
    if (state.log === true) out.set('log', '');
    put('theme', state.theme);
    return `#${out.toString()}`;
}
