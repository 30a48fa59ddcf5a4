/* Ticks, milliseconds and text.
 *
 * A tick is the unit of a source's times; ticks are bigint, because nanoseconds since 1970 do not
 * fit a double.
 */
import type { TimeUnit } from './protocol.js';

/** A moment as callers may give it: milliseconds since 1970, a Date, ISO 8601, or ticks. */
export type TimeInput = number | bigint | Date | string;

const PER_SECOND: Record<TimeUnit, bigint> = {
    index: 1n,
    s: 1n,
    ms: 1_000n,
    us: 1_000_000n,
    ns: 1_000_000_000n,
};

export function ticksPerSecond(unit: TimeUnit): bigint {
    return PER_SECOND[unit];
}

/** The tick that a moment lies in; a bigint is ticks already, and a number too where there is no date. */
export function toTicks(time: TimeInput, unit: TimeUnit): bigint | undefined {
    if (typeof time === 'bigint') return time;
    if (typeof time === 'string') return parseTicks(time, unit);
    const value = typeof time === 'number' ? time : time.getTime();
    if (!Number.isFinite(value)) return undefined;
    if (unit === 'index') return BigInt(Math.round(value));
    const ms = Math.floor(value);
    const rest = BigInt(Math.round((value - ms) * 1e6));
    return floorDivide(BigInt(ms) * 1_000_000n + rest, 1_000_000_000n / PER_SECOND[unit]);
}

function floorDivide(a: bigint, b: bigint): bigint {
    const quotient = a / b;
    return quotient * b > a ? quotient - 1n : quotient;
}

/** Ticks of one unit as those of another, the earlier where none is the same; undefined between rows and moments. */
export function convertTicks(ticks: bigint, from: TimeUnit, to: TimeUnit): bigint | undefined {
    if (from === to) return ticks;
    if (from === 'index' || to === 'index') return undefined;
    return floorDivide(ticks * PER_SECOND[to], PER_SECOND[from]);
}

/** ISO 8601 with any fraction of a second, or ticks. */
function parseTicks(text: string, unit: TimeUnit): bigint | undefined {
    const trimmed = text.trim();
    if (/^[+-]?\d{5,}$/.test(trimmed) || (unit === 'index' && /^[+-]?\d+$/.test(trimmed)))
        return BigInt(trimmed);
    if (unit === 'index') return undefined;
    const match =
        /^(\d{4}-\d\d(?:-\d\d)?)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?$/.exec(
            trimmed,
        );
    if (match === null) return undefined;
    const [, date = '', clock = '00:00', fraction = '', zone = 'Z'] = match;
    const day = date.length === 7 ? `${date}-01` : date;
    const ms = Date.parse(`${day}T${clock.length === 5 ? `${clock}:00` : clock}${zone}`);
    if (Number.isNaN(ms)) return undefined;
    const ns = BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
    return floorDivide(ns, 1_000_000_000n / PER_SECOND[unit]);
}

/** To the nearest double. */
export function toMs(ticks: bigint, unit: TimeUnit): number {
    if (unit === 'index') return Number(ticks);
    const per = PER_SECOND[unit];
    const seconds = ticks / per;
    return Number(seconds) * 1000 + (Number(ticks - seconds * per) * 1000) / Number(per);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
    let format = formats.get(timeZone);
    if (format === undefined) {
        format = new Intl.DateTimeFormat('en-CA', {
            timeZone,
            hourCycle: 'h23',
            year: 'numeric',
            month: '2-digit',
            day: '2-digit',
            hour: '2-digit',
            minute: '2-digit',
            second: '2-digit',
        });
        formats.set(timeZone, format);
    }
    return format;
}

/** "2024-03-01 12:30:05.250": as many digits of the second as tell `step` ticks apart. */
export function formatTicks(ticks: bigint, unit: TimeUnit, timeZone: string, step: number): string {
    if (unit === 'index') return String(ticks);
    const per = PER_SECOND[unit];
    let seconds = ticks / per;
    let rest = ticks - seconds * per;
    if (rest < 0n) {
        rest += per;
        seconds -= 1n;
    }
    const ms = Number(seconds) * 1000;
    if (!(Math.abs(ms) <= 8.64e15)) return String(ticks);
    const field: Record<string, string> = {};
    for (const part of formatOf(timeZone).formatToParts(ms)) field[part.type] = part.value;
    const day = `${field['year']}-${field['month']}-${field['day']}`;
    const stepS = step / Number(per);
    if (stepS >= 86400) return day;
    const minute = `${day} ${field['hour']}:${field['minute']}`;
    if (stepS >= 60) return minute;
    const digits = Math.min(String(per).length - 1, Math.max(0, Math.ceil(-Math.log10(stepS))));
    const fraction = String(rest).padStart(String(per).length - 1, '0');
    const shown = digits > 0 ? `.${fraction.slice(0, digits)}` : '';
    return `${minute}:${field['second']}${shown}`;
}

/** What comes after the group, where it ends all of them. */
function dropIfAll(texts: string[], ending: RegExp): string[] {
    return texts.every((text) => ending.test(text)) ? texts.map((text) => text.replace(ending, '$1')) : texts;
}

/** "2024-03-01 09:30 – 16:00": what both ends share is said once. */
export function formatRange(from: bigint, to: bigint, unit: TimeUnit, timeZone: string): string {
    if (unit === 'index') return `${from.toLocaleString('en-US')} – ${to.toLocaleString('en-US')}`;
    const ends = [from, to].map((ticks) => formatTicks(ticks, unit, timeZone, Number(to - from) / 500));
    const [first = '', last = ''] = dropIfAll(dropIfAll(ends, /(:\d\d)\.0+$/), /(:\d\d):00$/);
    const isOneDay = first.slice(0, 10) === last.slice(0, 10) && first.length > 10;
    return `${first} – ${isOneDay ? last.slice(11) : last}`;
}

/** Of a bar, [from, to): as a range, but whole days, and rows, are told by the first and the last. */
export function formatBar(from: bigint, to: bigint, unit: TimeUnit, timeZone: string): string {
    const day = 86_400n * PER_SECOND[unit];
    const ends = [from, to].map((ticks) => formatTicks(ticks, unit, timeZone, 1));
    const isDays = 2n * (to - from) > day && ends.every((end) => / 00:00:00(\.0+)?$/.test(end));
    if (!isDays) return formatRange(from, unit === 'index' ? to - 1n : to, unit, timeZone);
    const [first = '', last = ''] = [from, to - 1n].map((ticks) =>
        formatTicks(ticks, unit, timeZone, Number(day)),
    );
    return first === last ? first : `${first} – ${last}`;
}

/** "3 years", "12.5 days", "250 ms". */
export function formatSpan(ticks: bigint, unit: TimeUnit): string {
    if (unit === 'index') return `${ticks.toLocaleString('en-US')} ${ticks === 1n ? 'row' : 'rows'}`;
    const seconds = Number(ticks) / Number(PER_SECOND[unit]);
    const scales: [number, string][] = [
        [31_556_952, 'year'],
        [2_629_746, 'month'],
        [86_400, 'day'],
        [3600, 'hour'],
        [60, 'minute'],
        [1, 'second'],
    ];
    for (const [size, name] of scales) {
        if (seconds < size * 1.5 && size > 1) continue;
        if (seconds < 1) break;
        const count = Number((seconds / size).toPrecision(3));
        return `${count} ${name}${count === 1 ? '' : 's'}`;
    }
    const small: [number, string][] = [
        [1e-3, 'ms'],
        [1e-6, 'µs'],
        [1e-9, 'ns'],
    ];
    for (const [size, name] of small)
        if (seconds >= size) return `${Number((seconds / size).toPrecision(3))} ${name}`;
    return '0 s';
}

/* ---- widths of bars ---- */

const WIDTHS: [string, number][] = [
    ['1ms', 1e-3],
    ['5ms', 5e-3],
    ['10ms', 0.01],
    ['50ms', 0.05],
    ['100ms', 0.1],
    ['500ms', 0.5],
    ['1s', 1],
    ['5s', 5],
    ['15s', 15],
    ['30s', 30],
    ['1m', 60],
    ['5m', 300],
    ['15m', 900],
    ['30m', 1800],
    ['1h', 3600],
    ['2h', 7200],
    ['4h', 14_400],
    ['12h', 43_200],
    ['1d', 86_400],
    ['1w', 604_800],
    ['1mo', 2_629_746],
    ['3mo', 7_889_238],
    ['1y', 31_556_952],
    ['5y', 157_784_760],
];

/** The narrowest of the usual widths that gives a bar `leastPx` pixels. */
export function chooseBarWidth(
    spanTicks: bigint,
    unit: TimeUnit,
    plotPx: number,
    leastPx: number,
): string {
    const ticks = (Number(spanTicks) * leastPx) / Math.max(1, plotPx);
    if (unit === 'index') {
        const scale = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, ticks))));
        const steps = [1, 2, 5, 10].map((step) => step * scale);
        return String(steps.find((step) => step >= ticks) ?? 10 * scale);
    }
    const per = Number(PER_SECOND[unit]);
    const fits = WIDTHS.find(([, seconds]) => seconds * per >= Math.max(1, ticks));
    return fits?.[0] ?? '5y';
}
