/* The arithmetic of moving a view: pure functions on times in ticks.
 *
 * Invariants:
 *  1. A range is never empty, lies within int64, and shows some of the data.
 *  2. Moving to and fro from one start gives that start: every step is counted from where the gesture
 *     began, not from the last step.
 */

import type { Values } from './protocol.js';

export interface Range {
    from: bigint;
    to: bigint;
}

const SPAN_MIN = 8n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

export function spanOf(range: Range): bigint {
    return range.to - range.from;
}

/** share * span, to the tick; exact beyond 2^53. */
export function shareOf(span: bigint, share: number): bigint {
    const parts = 2 ** 52;
    const whole = Math.floor(share);
    return span * BigInt(whole) + (span * BigInt(Math.round((share - whole) * parts))) / BigInt(parts);
}

/** Keeps a range within reach of the data: at least a tenth of it stays in view. */
export function clampRange(range: Range, data: Range): Range {
    const dataSpan = spanOf(data) > SPAN_MIN ? spanOf(data) : SPAN_MIN;
    let span = spanOf(range);
    const most = dataSpan * 4n < INT64_MAX ? dataSpan * 4n : INT64_MAX;
    let from = range.from;
    if (span < SPAN_MIN) {
        from -= (SPAN_MIN - span) / 2n;
        span = SPAN_MIN;
    } else if (span > most) {
        from += (span - most) / 2n;
        span = most;
    }
    const least = span / 10n;
    if (from + span < data.from + least) from = data.from + least - span;
    if (from > data.to - least) from = data.to - least;
    if (from < INT64_MIN) from = INT64_MIN;
    if (from + span > INT64_MAX) from = INT64_MAX - span;
    return { from, to: from + span };
}

/** The extent of data when rows came to one of its sources, whose rows (a growing end, and where old
 * ones are dropped a moving start) are all of it or not. */
export function extend(data: Range, rows: Range, isAll: boolean): Range {
    if (isAll || spanOf(data) <= 1n) return rows;
    return { from: data.from, to: rows.to > data.to ? rows.to : data.to };
}

/** Where a view goes when the data has become another: with its end, if it shows that; to all of it, if it
 * showed all, or shows nothing of data that lie elsewhere altogether. Undefined: it stays. */
export function followRange(view: Range, before: Range, data: Range): Range | undefined {
    if (data.to === before.to && data.from === before.from) return undefined;
    if (view.to < before.to) {
        const isElsewhere = data.from >= before.to || data.to <= before.from;
        const shows = view.from < data.to && view.to > data.from;
        return isElsewhere && !shows ? data : undefined;
    }
    return { from: view.from <= before.from ? data.from : data.to - spanOf(view), to: data.to };
}

/** Moves by a share of the range; positive is later. */
export function panRange(range: Range, share: number): Range {
    const by = shareOf(spanOf(range), share);
    return { from: range.from + by, to: range.to + by };
}

/** Makes the span `factor` times as long; what lies at `share` of it stays where it is. */
export function zoomRange(range: Range, factor: number, share: number): Range {
    const span = spanOf(range);
    let wanted = factor >= 1e6 ? span * 1_000_000n : shareOf(span, factor);
    if (wanted < SPAN_MIN) wanted = SPAN_MIN;
    const from = range.from + shareOf(span, share) - shareOf(wanted, share);
    return { from, to: from + wanted };
}

/** The tick at a share of the range. */
export function tickAt(range: Range, share: number): bigint {
    return range.from + shareOf(spanOf(range), share);
}

/** Where a tick lies, as a share of the range. */
export function shareAt(range: Range, tick: bigint): number {
    return Number(tick - range.from) / Number(spanOf(range));
}

/* ---- values ---- */

/** Keeps what a horizontal axis of values shows within reach of the data, as clampRange does times. */
export function clampValues(values: Values, data: Values): Values {
    const dataSpan = data.max - data.min;
    if (!(dataSpan > 0) || !Number.isFinite(dataSpan)) return values;
    const span = Math.min(values.max - values.min, 4 * dataSpan);
    const least = span / 10;
    const middle = (values.min + values.max) / 2;
    const min = Math.min(Math.max(middle - span / 2, data.min + least - span), data.max - least);
    return { min, max: min + span };
}

/** On a logarithmic axis the arithmetic is that of the logarithms. */
function onAxis(values: Values, isLog: boolean, change: (values: Values) => Values): Values {
    if (!isLog) return change(values);
    const changed = change({ min: Math.log10(values.min), max: Math.log10(values.max) });
    return { min: 10 ** changed.min, max: 10 ** changed.max };
}

export function panValues(values: Values, share: number, isLog: boolean): Values {
    return onAxis(values, isLog, ({ min, max }) => {
        const by = (max - min) * share;
        return { min: min + by, max: max + by };
    });
}

export function zoomValues(values: Values, factor: number, share: number, isLog: boolean): Values {
    return onAxis(values, isLog, ({ min, max }) => {
        const at = min + (max - min) * share;
        const next = { min: at - (at - min) * factor, max: at + (max - at) * factor };
        const isUsable = next.max - next.min > Math.max(Math.abs(at), 1e-290) * 1e-13;
        return isUsable && Number.isFinite(next.max - next.min) ? next : { min, max };
    });
}

export function valueAt(values: Values, share: number, isLog: boolean): number {
    if (!isLog) return values.min + (values.max - values.min) * share;
    const low = Math.log10(values.min);
    return 10 ** (low + (Math.log10(values.max) - low) * share);
}

export function shareOfValue(values: Values, value: number, isLog: boolean): number {
    if (!isLog) return (value - values.min) / (values.max - values.min);
    const low = Math.log10(values.min);
    return (Math.log10(value) - low) / (Math.log10(values.max) - low);
}

/** The plot at a height, or the nearest to it. */
export function nearestPlot(plots: readonly { y: number; height: number }[], y: number): number {
    const distances = plots.map((plot) => Math.max(plot.y - y, y - plot.y - plot.height, 0));
    return Math.max(0, distances.indexOf(Math.min(...distances)));
}

/** As many digits as tell two pixels apart. */
export function formatValue(value: number, values: Values, heightPx: number): string {
    return formatDigits(value, values, heightPx).replace('-', '\u2212'); /* as the axis writes it */
}

function formatDigits(value: number, values: Values, heightPx: number): string {
    const step = Math.abs(values.max - values.min) / Math.max(1, heightPx);
    const digits = Math.ceil(-Math.log10(step));
    const size = Math.abs(value);
    if (!Number.isFinite(digits) || digits > 12 || (size >= 1e15 && size > 0))
        return value.toPrecision(6);
    return value.toFixed(Math.max(0, Math.min(12, digits)));
}
