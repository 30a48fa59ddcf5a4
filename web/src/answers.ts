/* Questions of the engine to a data server (docs/protocol.md), and the measure of the line that tells it
 * when to ask.
 *
 * Invariants:
 *  1. A question that is cancelled, or whose source is dropped, has no request under way afterwards.
 *  2. A question is asked once: a frame that still wants the answer asks again.
 *  3. Requests begin once the call at hand has been answered, as the loader's do.
 */
import { takeBody } from './bytes.js';
import { ChartError } from './error.js';

/** Of columns for the widest pictures, and far beyond (as the native client has it). */
const ANSWER_MAX = 64 << 20;

export interface Question {
    source: number;
    ticket: number;
    url: string;
}

export interface AnswersHost {
    answered(question: Question, body: Uint8Array): void;
    /** 'unavailable': it may end otherwise another time; 'limit': it would be more than was asked for. */
    refused(question: Question, code: 'unsupported' | 'unavailable' | 'limit'): void;
}

export class Answers {
    private readonly headers = new Map<number, Record<string, string>>();
    private readonly flights = new Map<number, { source: number; abort: AbortController }>();
    /** Answers that came. */
    count = 0;

    constructor(
        private readonly host: AnswersHost,
        private readonly line: Line,
    ) {}

    add(source: number, headers: Record<string, string>): void {
        this.headers.set(source, headers);
    }

    drop(source: number): void {
        for (const [ticket, flight] of this.flights) if (flight.source === source) this.cancel(ticket);
        this.headers.delete(source);
    }

    cancel(ticket: number): void {
        this.flights.get(ticket)?.abort.abort();
        this.flights.delete(ticket);
    }

    async ask(question: Question): Promise<void> {
        const abort = new AbortController();
        this.flights.set(question.ticket, { source: question.source, abort });
        let body: Uint8Array | undefined;
        let code: 'unsupported' | 'unavailable' | 'limit' = 'unavailable';
        await new Promise((resolve) => setTimeout(resolve));
        try {
            const start = performance.now();
            const response = await fetch(question.url, {
                headers: this.headers.get(question.source) ?? {},
                signal: abort.signal,
            });
            const headersAt = performance.now();
            if (response.ok) {
                body = await takeBody(response, ANSWER_MAX);
                this.line.note(start, headersAt, performance.now(), body.byteLength);
            } else {
                if (response.status === 422) code = 'limit';
                else if (response.status < 500 && response.status !== 429) code = 'unsupported';
                await response.body?.cancel();
            }
        } catch (cause) {
            if (ChartError.from(cause).code === 'cancelled') return;
        }
        if (!this.flights.delete(question.ticket)) return;
        this.count += body === undefined ? 0 : 1;
        if (body !== undefined) this.host.answered(question, body);
        else this.host.refused(question, code);
    }

    stop(): void {
        for (const ticket of [...this.flights.keys()]) this.cancel(ticket);
    }
}

/** Of bodies shorter than this the time is mostly that of the round trip. */
const RATE_BYTES = 1 << 16;

/** The smallest latency and the largest rate seen, as the native client measures them. */
export class Line {
    latencyMs = 0;
    bytesPerS = 0;

    note(startMs: number, headersMs: number, endMs: number, byteCount: number): void {
        const latency = Math.max(headersMs - startMs, 0.05);
        if (this.latencyMs === 0 || latency < this.latencyMs) this.latencyMs = latency;
        if (byteCount < RATE_BYTES) return;
        const rate = (1000 * byteCount) / Math.max(endMs - headersMs, 0.1);
        this.bytesPerS = Math.max(this.bytesPerS, rate);
    }
}
