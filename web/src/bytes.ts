/* Where the bytes of a .gch file come from: a URL that answers range requests, or a Blob.
 *
 * Invariants:
 *  1. All ranges of a file are of one version: those after the first carry its validator, and a file
 *     that has changed ends the source.
 *  2. A request is tried again after failures that pass by (network, 429, 5xx), three times at most.
 */
import type { Line } from './answers.js';
import { ChartError } from './error.js';

export interface Bytes {
    readonly name: string;
    readonly byteCount: number;
    /** What has been read to learn the size: the end of the file. */
    readonly tail: { offset: number; bytes: Uint8Array };
    /** Of a URL whose answers carry an entity tag. */
    readonly remote?: { url: string; validator: string; headers: Record<string, string> };
    read(offset: number, byteCount: number, signal: AbortSignal): Promise<Uint8Array>;
}

export const TAIL_BYTES = 128 * 1024;
const TRIES = 4;
const FIRST_PAUSE_MS = 200;
/** Of a server without ranges: what may be taken whole. */
const WHOLE_MAX = 1 << 29;

/* ---- files on the reader's machine ---- */

class BlobBytes implements Bytes {
    constructor(
        readonly name: string,
        private readonly blob: Blob,
        readonly tail: Bytes['tail'],
    ) {}

    get byteCount(): number {
        return this.blob.size;
    }

    async read(offset: number, byteCount: number): Promise<Uint8Array> {
        return new Uint8Array(await this.blob.slice(offset, offset + byteCount).arrayBuffer());
    }
}

export async function openBlob(name: string, blob: Blob): Promise<Bytes> {
    const offset = Math.max(0, blob.size - TAIL_BYTES);
    const bytes = new Uint8Array(await blob.slice(offset).arrayBuffer());
    return new BlobBytes(name, blob, { offset, bytes });
}

/* ---- URLs ---- */

export function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        const stop = () => {
            clearTimeout(timer);
            reject(new ChartError('cancelled', 'cancelled'));
        };
        const timer = setTimeout(() => {
            signal.removeEventListener('abort', stop);
            resolve();
        }, ms);
        signal.addEventListener('abort', stop, { once: true });
    });
}

function passes(status: number): boolean {
    return status === 429 || status >= 500;
}

/** What a person can do about an answer. */
export function explain(url: string, status: number): ChartError {
    if (status === 404 || status === 410)
        return new ChartError('not-found', `${url}: there is no such file (${status})`);
    if (status === 401 || status === 403)
        return new ChartError('invalid', `${url}: not allowed (${status}); a token may be needed`);
    return new ChartError('unavailable', `${url}: the server answered ${status}`);
}

async function request(url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
        let failure: ChartError;
        try {
            const response = await fetch(url, { ...init, signal });
            if (!passes(response.status)) return response;
            await response.body?.cancel();
            failure = explain(url, response.status);
        } catch (cause) {
            if (signal.aborted) throw new ChartError('cancelled', 'cancelled');
            failure = new ChartError(
                'unavailable',
                `${url}: cannot be reached (${cause instanceof Error ? cause.message : cause}); ` +
                    'the server may be down, or not allow this page to read it (CORS)',
            );
        }
        if (attempt === TRIES) throw failure;
        await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1), signal);
    }
}

/** A body of `most` bytes at most, whatever its header says: what is longer is given up, and throws. */
export async function takeBody(response: Response, most: number): Promise<Uint8Array> {
    const reader = response.body?.getReader();
    const pieces: Uint8Array[] = [];
    let count = 0;
    for (;;) {
        const piece = await reader?.read();
        if (piece?.value === undefined) break;
        count += piece.value.byteLength;
        if (count > most) {
            await reader?.cancel();
            throw new ChartError('limit', `the answer is longer than ${most} bytes`);
        }
        pieces.push(piece.value);
    }
    const [first] = pieces;
    if (first !== undefined && pieces.length === 1) return first;
    const whole = new Uint8Array(count);
    let at = 0;
    for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.byteLength;
    }
    return whole;
}

function reasonOf(cause: unknown): string {
    return cause instanceof ChartError ? cause.message : `the answer broke off (${String(cause)})`;
}

/** A body, which ends early if the connection breaks. */
async function bodyOf(
    url: string,
    response: Response,
    most: number,
    signal: AbortSignal,
): Promise<Uint8Array> {
    try {
        return await takeBody(response, most);
    } catch (cause) {
        if (signal.aborted) throw new ChartError('cancelled', 'cancelled');
        throw new ChartError('unavailable', `${url}: ${reasonOf(cause)}`);
    }
}

class UrlBytes implements Bytes {
    constructor(
        readonly name: string,
        readonly byteCount: number,
        readonly tail: Bytes['tail'],
        private readonly headers: Record<string, string>,
        private readonly validator: string | null,
        private readonly line: Line,
    ) {}

    get remote(): Bytes['remote'] {
        const { name: url, validator, headers } = this;
        return validator === null ? undefined : { url, validator, headers };
    }

    async read(offset: number, byteCount: number, signal: AbortSignal): Promise<Uint8Array> {
        const headers = { ...this.headers, Range: `bytes=${offset}-${offset + byteCount - 1}` };
        for (let attempt = 1; ; attempt++) {
            const start = performance.now();
            const response = await request(this.name, { headers }, signal);
            const headersAt = performance.now();
            const validator = response.headers.get('ETag');
            const isChanged =
                response.status === 200 ||
                response.status === 416 ||
                (this.validator !== null && validator !== null && validator !== this.validator);
            if (isChanged || response.status !== 206) {
                await response.body?.cancel();
                if (!isChanged) throw explain(this.name, response.status);
                throw new ChartError(
                    'io',
                    `${this.name}: it has been replaced since it was opened; open it again`,
                );
            }
            const bytes = await bodyOf(this.name, response, byteCount, signal).catch((cause: unknown) => {
                if (attempt === TRIES || signal.aborted) throw cause;
                return undefined;
            });
            if (bytes?.byteLength === byteCount) {
                this.line.note(start, headersAt, performance.now(), byteCount);
                return bytes;
            }
            if (attempt === TRIES)
                throw new ChartError(
                    'unavailable',
                    `${this.name}: ${bytes?.byteLength} bytes came where ${byteCount} were asked for`,
                );
        }
    }
}

class WholeBytes implements Bytes {
    constructor(
        readonly name: string,
        readonly tail: Bytes['tail'],
    ) {}

    get byteCount(): number {
        return this.tail.bytes.byteLength;
    }

    read(offset: number, byteCount: number): Promise<Uint8Array> {
        return Promise.resolve(this.tail.bytes.slice(offset, offset + byteCount));
    }
}

/** Asks for the end of the file, whose answer tells its size. */
export async function openUrl(
    url: string,
    headers: Record<string, string>,
    line: Line,
    signal: AbortSignal,
): Promise<Bytes> {
    const init = { headers: { ...headers, Range: `bytes=-${TAIL_BYTES}` } };
    for (let attempt = 1; ; attempt++) {
        const response = await request(url, init, signal);
        await checkOpening(url, response);
        let bytes: Uint8Array;
        let range: ReturnType<typeof rangeOf>;
        try {
            bytes = await bodyOf(url, response, response.status === 200 ? WHOLE_MAX : TAIL_BYTES, signal);
            range = rangeOf(url, response, bytes);
        } catch (cause) {
            if (attempt === TRIES || signal.aborted) throw cause;
            continue;
        }
        if (response.status === 200) return new WholeBytes(url, { offset: 0, bytes });
        if (range === undefined) return openBySize(url, headers, bytes, line, signal);
        const tail = { offset: range.offset, bytes };
        return new UrlBytes(url, range.byteCount, tail, headers, response.headers.get('ETag'), line);
    }
}

/** Throws what is wrong with the first answer, whose body has not been read. */
async function checkOpening(url: string, response: Response): Promise<void> {
    const type = response.headers.get('Content-Type') ?? '';
    if (response.status === 200 && Number(response.headers.get('Content-Length') ?? 0) > WHOLE_MAX) {
        await response.body?.cancel();
        throw new ChartError(
            'unsupported',
            `${url}: the server does not answer range requests, and the file is too large without`,
        );
    }
    if (response.status !== 200 && response.status !== 206) {
        await response.body?.cancel();
        if (response.status === 416) throw new ChartError('corrupt', `${url}: the file is empty`);
        throw explain(url, response.status);
    }
    if (type.startsWith('text/html')) {
        await response.body?.cancel();
        throw new ChartError('corrupt', `${url}: this is a web page, not a .gch file`);
    }
}

/** Where a tail lies, and the size of the file; undefined if the answer does not tell. */
function rangeOf(
    url: string,
    response: Response,
    bytes: Uint8Array,
): { offset: number; byteCount: number } | undefined {
    const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '');
    if (match === null) return undefined;
    const offset = Number(match[1]);
    const byteCount = Number(match[3]);
    if (offset + bytes.byteLength !== byteCount)
        throw new ChartError('unavailable', `${url}: the server's answer does not fit its header`);
    return { offset, byteCount };
}

/** Across origins Content-Range may be hidden from scripts: then HEAD tells the size. */
async function openBySize(
    url: string,
    headers: Record<string, string>,
    bytes: Uint8Array,
    line: Line,
    signal: AbortSignal,
): Promise<Bytes> {
    const response = await request(url, { method: 'HEAD', headers }, signal);
    const byteCount = Number(response.headers.get('Content-Length') ?? Number.NaN);
    if (!response.ok || !(byteCount >= bytes.byteLength))
        throw new ChartError(
            'unsupported',
            `${url}: its size cannot be told; the server has to expose Content-Range to this page`,
        );
    const offset = byteCount - bytes.byteLength;
    return new UrlBytes(url, byteCount, { offset, bytes }, headers, null, line);
}
