/* Times as people enter them: in the zone that is shown, or relative to the end. */
import { type TimeUnit, formatTicks, toTicks } from 'gpu-charts';

const SECONDS: Record<string, number> = {
    ms: 1e-3,
    s: 1,
    m: 60,
    h: 3600,
    d: 86_400,
    w: 604_800,
    mo: 2_629_746,
    y: 31_556_952,
};
export const PER_SECOND: Record<TimeUnit, number> = { index: 0, s: 1, ms: 1e3, us: 1e6, ns: 1e9 };

/** "3d" as ticks; undefined if it is no length of time. */
export function lengthOf(given: string, unit: TimeUnit): bigint | undefined {
    const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|mo|y)$/.exec(given.trim());
    if (match === null || unit === 'index') return undefined;
    const ticks = Number(match[1]) * (SECONDS[match[2] ?? ''] ?? 0) * PER_SECOND[unit];
    return ticks >= 1 && ticks < 2 ** 62 ? BigInt(Math.round(ticks)) : undefined;
}

/** ISO 8601; without an offset it is meant in the zone. Ticks as they are. */
export function parseTime(given: string, unit: TimeUnit, zone: string): bigint | undefined {
    const plain = toTicks(given, unit);
    const hasClock = /^\s*\d{4}-\d\d/.test(given);
    if (plain === undefined || unit === 'index' || !hasClock || /(Z|[+-]\d\d:?\d\d)\s*$/.test(given.slice(10)))
        return plain;
    /* The offset at the instant; twice, as the first guess may lie beyond a change of it. */
    let at = plain;
    for (let i = 0; i < 2; i++) {
        const shown = toTicks(formatTicks(at, unit, zone, 1e-9), unit);
        if (shown === undefined) return plain;
        at += plain - shown;
    }
    return at;
}

/** As entered and shown in the dialog: to the digit that tells `step` ticks apart. */
export function showTime(ticks: bigint, unit: TimeUnit, zone: string, step: number): string {
    return formatTicks(ticks, unit, zone, step);
}
