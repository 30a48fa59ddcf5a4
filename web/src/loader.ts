/* What the engine wants is fetched here: neighbouring ranges together, what is on screen first.
 *
 * Invariants:
 *  1. A byte is asked for once at a time: ranges under way are left out of what is wanted anew.
 *  2. The newest wish comes first. What a chart wants is what its last picture lacked: of earlier ones
 *     only what is under way still comes.
 *  3. Prefetch comes after every wish, and ends with the next one: a hand has moved on by then.
 *  4. Reads begin once the call at hand has been answered: what shows a picture does not wait for
 *     what asks for more of it.
 *  5. A source that is dropped has nothing under way afterwards.
 */
import type { Bytes } from './bytes.js';
import { ChartError } from './error.js';

export interface Want {
    source: number;
    /** Whose picture it is for; left out for values at a cursor and the like. */
    chart?: number;
    isPrefetch: boolean;
    offset: number;
    byteCount: number;
}

export interface LoaderHost {
    /** `isPrefetch`: no picture waits for it. */
    deliver(source: number, offset: number, bytes: Uint8Array, isPrefetch: boolean): void;
    failed(source: number, error: ChartError): void;
    /** Nothing is under way any more. */
    idle(): void;
}

const AT_ONCE = 6;
const PAGE_BYTES = 16384;
/** Two ranges so near are one request: the bytes between cost less than another round trip. */
const GAP_MAX = 4 * PAGE_BYTES;
const RUN_MAX = 1 << 20;
const QUEUE_MAX = 1024;

interface Entry {
    bytes: Bytes;
    abort: AbortController;
    /** Under way, with what they are read for. */
    pages: Map<number, Want>;
}

export class Loader {
    private readonly sources = new Map<number, Entry>();
    private queue: Want[] = [];
    private running = 0;
    private isPumpDue = false;
    requests = 0;
    loadedBytes = 0;

    constructor(private readonly host: LoaderHost) {}

    add(source: number, bytes: Bytes): void {
        this.sources.set(source, { bytes, abort: new AbortController(), pages: new Map() });
    }

    drop(source: number): void {
        this.sources.get(source)?.abort.abort();
        this.sources.delete(source);
        this.queue = this.queue.filter((want) => want.source !== source);
    }

    /** Bytes asked for and not there yet. */
    pendingBytes(): number {
        let pages = 0;
        for (const entry of this.sources.values()) pages += entry.pages.size;
        return pages * PAGE_BYTES + this.queue.reduce((sum, want) => sum + want.byteCount, 0);
    }

    /** All that the last picture of a chart lacks, or without one what is wanted besides. */
    want(wants: Want[], chart?: number): void {
        const fresh = this.notYet(wants.filter((want) => !want.isPrefetch));
        const hints = this.notYet(wants.filter((want) => want.isPrefetch));
        if (chart !== undefined) for (const want of fresh) want.chart = chart;
        const others = this.queue.filter(
            (want) => !want.isPrefetch && (chart === undefined || want.chart !== chart),
        );
        const older = without(others, fresh);
        const keepsHints = hints.length === 0 && fresh.length === 0;
        const olderHints = keepsHints ? this.queue.filter((want) => want.isPrefetch) : [];
        this.queue = [...merge(fresh), ...older, ...merge(hints), ...olderHints].slice(0, QUEUE_MAX);
        this.pumpSoon();
    }

    private pumpSoon(): void {
        if (this.isPumpDue || this.queue.length === 0) return;
        this.isPumpDue = true;
        setTimeout(() => {
            this.isPumpDue = false;
            this.pump();
        });
    }

    /** Without what is under way: by the time its turn came it would be there. */
    private notYet(wants: Want[]): Want[] {
        return wants.flatMap((want) => {
            const pages = this.sources.get(want.source)?.pages;
            if (pages === undefined) return [];
            const left = withoutPages(want, pages);
            if (!want.isPrefetch && pages.size > 0 && left?.byteCount !== want.byteCount)
                for (const page of pagesOf(want)) {
                    const read = pages.get(page);
                    if (read !== undefined) read.isPrefetch = false;
                }
            return left ?? [];
        });
    }

    private pump(): void {
        while (this.running < AT_ONCE) {
            const want = this.queue.shift();
            if (want === undefined) break;
            const entry = this.sources.get(want.source);
            if (entry === undefined) continue;
            const left = withoutPages(want, entry.pages);
            if (left === undefined) continue;
            void this.load(entry, left);
        }
    }

    private async load(entry: Entry, want: Want): Promise<void> {
        for (const page of pagesOf(want)) entry.pages.set(page, want);
        this.running++;
        this.requests++;
        let failure: ChartError | undefined;
        let bytes: Uint8Array | undefined;
        try {
            bytes = await entry.bytes.read(want.offset, want.byteCount, entry.abort.signal);
        } catch (cause) {
            failure = ChartError.from(cause);
        }
        this.running--;
        for (const page of pagesOf(want)) entry.pages.delete(page);
        if (!entry.abort.signal.aborted) {
            try {
                if (bytes !== undefined) {
                    this.loadedBytes += bytes.byteLength;
                    this.host.deliver(want.source, want.offset, bytes, want.isPrefetch);
                }
            } catch (cause) {
                failure = ChartError.from(cause);
            }
            if (failure !== undefined) this.host.failed(want.source, failure);
        }
        this.pump();
        if (this.running === 0 && this.queue.length === 0) this.host.idle();
    }
}

/** Neighbours of one source together, in the order of the first of each. */
export function merge(wants: Want[]): Want[] {
    const order = new Map(wants.map((want, i) => [want, i]));
    const sorted = [...wants].sort((a, b) => a.source - b.source || a.offset - b.offset);
    const merged: { want: Want; rank: number }[] = [];
    for (const want of sorted) {
        const last = merged.at(-1);
        const rank = order.get(want) ?? 0;
        const end = want.offset + want.byteCount;
        if (
            last !== undefined &&
            last.want.source === want.source &&
            want.offset - (last.want.offset + last.want.byteCount) <= GAP_MAX &&
            end - last.want.offset <= RUN_MAX
        ) {
            const lastEnd = last.want.offset + last.want.byteCount;
            last.want.byteCount = Math.max(lastEnd, end) - last.want.offset;
            last.rank = Math.min(last.rank, rank);
        } else {
            merged.push({ want: { ...want }, rank });
        }
    }
    return merged.sort((a, b) => a.rank - b.rank).map((entry) => entry.want);
}

/** The wants without the pages of others at their ends. */
function without(wants: Want[], others: Want[]): Want[] {
    const pages = new Map<number, Set<number>>();
    for (const other of others) {
        const set = pages.get(other.source) ?? new Set();
        pages.set(other.source, set);
        for (const page of pagesOf(other)) set.add(page);
    }
    return wants.flatMap((want) => withoutPages(want, pages.get(want.source) ?? new Set()) ?? []);
}

/** That it has a part of. */
function* pagesOf({ offset, byteCount }: Want): Generator<number> {
    const end = Math.ceil((offset + byteCount) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page < end; page++) yield page;
}

/** The want without these pages at its ends; undefined if nothing is left. */
export function withoutPages(
    want: Want,
    pages: { has(page: number): boolean },
): Want | undefined {
    const limit = want.offset + want.byteCount;
    let first = Math.floor(want.offset / PAGE_BYTES);
    let end = Math.ceil(limit / PAGE_BYTES);
    while (first < end && pages.has(first)) first++;
    while (end > first && pages.has(end - 1)) end--;
    if (first === end) return undefined;
    const offset = Math.max(want.offset, first * PAGE_BYTES);
    return { ...want, offset, byteCount: Math.min(limit, end * PAGE_BYTES) - offset };
}
