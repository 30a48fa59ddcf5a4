/* Failures: one class with a code to branch on and a sentence that says what is wrong. */

/** The engine's statuses, in the order of their numbers (include/gch/status.h). */
const STATUSES = [
    'ok',
    'invalid',
    'not-found',
    'exists',
    'io',
    'corrupt',
    'unsupported',
    'no-memory',
    'parse',
    'unsorted',
    'limit',
    'cancelled',
    'pending',
    'unavailable',
    'device-lost',
] as const;

export type ErrorCode = Exclude<(typeof STATUSES)[number], 'ok' | 'pending'>;

export function statusNumber(name: ErrorCode | 'ok'): number {
    return STATUSES.indexOf(name);
}

export function statusName(status: number): (typeof STATUSES)[number] {
    return STATUSES[status] ?? 'invalid';
}

/** What every promise of the package rejects with and every 'error' event carries. */
export class ChartError extends Error {
    readonly code: ErrorCode;

    constructor(code: string, message: string) {
        super(message);
        this.name = 'ChartError';
        this.code = code as ErrorCode;
    }

    /** Any failure as one of these. */
    static from(cause: unknown): ChartError {
        if (cause instanceof ChartError) return cause;
        if (cause instanceof DOMException && cause.name === 'AbortError')
            return new ChartError('cancelled', 'cancelled');
        if (cause instanceof WebAssembly.RuntimeError)
            return new ChartError('no-memory', `the engine has stopped: ${cause.message}`);
        return new ChartError('io', cause instanceof Error ? cause.message : String(cause));
    }
}
