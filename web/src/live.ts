/* A live series of a data server (docs/protocol.md): the connection, kept up.
 *
 * The series is described by one request, then its batches come over a WebSocket. A connection that is
 * lost is made again with the number of the last batch that was taken, so that what was missed
 * comes first. Reading frames, and knowing what is new in them, is the engine's (src/net/net_place.h).
 *
 * Invariants:
 *  1. One connection, or one attempt at one, at a time; none after close() or an end.
 *  2. A frame is taken when it comes: nothing queues up here. What the server may send is bounded by
 *     the rate, and what it cannot send any more it sums up.
 *  3. `lost` says why there is no connection, and is '' while there is one.
 *  4. A series that was made anew is followed from its beginning, over another connection: what comes over
 *     the one that told it leaves rows out.
 */
import { explain, pause, takeBody } from './bytes.js';
import { ChartError } from './error.js';
import type { LiveColumn, TimeUnit } from './protocol.js';
import { TIME_UNITS } from './protocol.js';

export interface LiveTimes {
    /** Until the first attempt after a loss, doubled with each, up to the second; some of it random. */
    firstPauseMs: number;
    lastPauseMs: number;
    /** After so long without a message the server is asked whether there is anything new. */
    silenceMs: number;
    /** What an answer, or the first connection, may take. */
    answerMs: number;
    /** What a later connection may take. Firefox waits up to a minute by itself before it connects to where a
     * connection has failed. */
    againMs: number;
}

const TIMES: LiveTimes = {
    firstPauseMs: 250,
    lastPauseMs: 15_000,
    silenceMs: 15_000,
    answerMs: 10_000,
    againMs: 70_000,
};
/** Attempts at a first connection; later ones have no end. */
const FIRST_TRIES = 3;
const FRAME_MAX = 64 << 20;
const DESCRIPTION_MAX = 4 << 20;
const PROTOCOL = 'gch.live.1';
/** The server closes so what it does not want to be tried again. */
const REFUSED = 1008;

export interface LiveDescription {
    name: string;
    /** Another one tells of another series by the name; '' of servers that give none. */
    id: string;
    unit: TimeUnit;
    firstSequence: number;
    nextSequence: number;
    columns: LiveColumn[];
}

/** What becomes of messages. */
export interface LiveHost {
    /** A connection stands. True: the series was made anew, what was known of it is forgotten, and it is
     * to be asked for from its beginning. Throws if that cannot be followed. */
    greet(now: LiveDescription): boolean;
    /** Takes a frame. Throws what is wrong with it. */
    take(frame: Uint8Array): void;
    /** isFinal: what was thrown last cannot be helped by another connection. */
    place(): { lastSequence: number; isFinal: boolean };
    /** `lost` says something else. */
    changed(): void;
    ended(error: ChartError): void;
}

/** Whether an address is that of a live series. */
export function isLiveUrl(url: string): boolean {
    const { protocol, pathname } = new URL(url);
    return protocol === 'ws:' || protocol === 'wss:' || /\/v1\/live\/./.test(pathname);
}

/** The address with another scheme: http or https to ask, ws or wss to listen. */
function withScheme(url: string, isSocket: boolean): URL {
    const out = new URL(url);
    const isSecure = out.protocol === 'https:' || out.protocol === 'wss:';
    out.protocol = (isSocket ? 'ws' : 'http') + (isSecure ? 's:' : ':');
    out.hash = '';
    return out;
}

/** Without the part that may hold a token: for messages. */
function shortName(url: string): string {
    const { host, pathname } = new URL(url);
    return host + pathname;
}

/** A WebSocket has no headers: the token of one goes into its address. */
function bearerOf(headers: Record<string, string>): string | undefined {
    const value = Object.entries(headers).find(([key]) => key.toLowerCase() === 'authorization')?.[1];
    return /^Bearer +(.+)$/i.exec(value ?? '')?.[1];
}

function readDescription(name: string, json: unknown): LiveDescription {
    const given = json as Record<string, unknown> | null;
    const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;
    const columns = given?.columns;
    if (
        !TIME_UNITS.includes(given?.time_unit as TimeUnit) ||
        !isCount(given?.first_sequence) ||
        !isCount(given?.next_sequence) ||
        !Array.isArray(columns) ||
        columns.some((one) => typeof one?.name !== 'string' || typeof one?.type !== 'string')
    )
        throw new ChartError('corrupt', `${name}: this is not the description of a live series`);
    return {
        name,
        id: typeof given?.id === 'string' ? given.id : '',
        unit: given?.time_unit as TimeUnit,
        firstSequence: given?.first_sequence as number,
        nextSequence: given?.next_sequence as number,
        columns: columns.map((one) => ({ name: one.name, type: one.type, unit: String(one.unit ?? '') })),
    };
}

/** Asks the server for the series. 'not-found', 'invalid' (not allowed), 'unavailable', 'corrupt'. */
export async function describeLive(
    url: string,
    headers: Record<string, string>,
    signal: AbortSignal,
): Promise<LiveDescription> {
    const name = shortName(url);
    let response: Response;
    let text: string;
    try {
        response = await fetch(withScheme(url, false), { headers, signal, cache: 'no-store' });
        text = new TextDecoder().decode(await takeBody(response, DESCRIPTION_MAX));
    } catch (cause) {
        throw new ChartError(
            'unavailable',
            `${name}: cannot be reached (${cause instanceof Error ? cause.message : String(cause)}); ` +
                'the server may be down, or not allow this page to read it (CORS)',
        );
    }
    if (response.status === 404)
        throw new ChartError('not-found', `${name}: the server has no live series of this name (404)`);
    if (!response.ok) throw explain(name, response.status);
    try {
        return readDescription(name, JSON.parse(text));
    } catch {
        throw new ChartError('corrupt', `${name}: this is not the description of a live series`);
    }
}

export class LiveStream {
    /** Settles when the batches that were there have been taken; rejects if the first connection
     * cannot be made. */
    readonly ready: Promise<void>;
    /** Why there is no connection; '' while there is one. */
    lost = '';
    connections = 0;

    private socket: WebSocket | undefined;
    private attempts = 0;
    private heardAt = 0;
    private wanted = 1;
    private isProbing = false;
    private readonly end = new AbortController();
    private timer: ReturnType<typeof setTimeout> | undefined;
    private readonly watch: ReturnType<typeof setInterval>;
    private settle: { resolve: () => void; reject: (cause: ChartError) => void } | undefined;

    constructor(
        private readonly url: string,
        private readonly headers: Record<string, string>,
        private readonly rate: number,
        private readonly host: LiveHost,
        private readonly times: LiveTimes = TIMES,
    ) {
        this.ready = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
        this.watch = setInterval(() => void this.checkSilence(), times.silenceMs / 3);
        if (typeof self !== 'undefined' && 'addEventListener' in self)
            self.addEventListener('online', () => this.retryNow(), { signal: this.end.signal });
        this.connect();
    }

    close(): void {
        if (this.end.signal.aborted) return;
        this.end.abort();
        clearInterval(this.watch);
        clearTimeout(this.timer);
        this.dropSocket();
        this.settle?.reject(new ChartError('cancelled', 'cancelled'));
    }

    private get name(): string {
        return shortName(this.url);
    }

    private dropSocket(): void {
        const { socket } = this;
        if (socket === undefined) return;
        this.socket = undefined;
        socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
        socket.close();
    }

    /* ---- connecting ---- */

    private connect(): void {
        const url = withScheme(this.url, true);
        url.searchParams.set('after', String(this.host.place().lastSequence));
        url.searchParams.set('rate', String(this.rate));
        const token = bearerOf(this.headers);
        if (token !== undefined && !url.searchParams.has('token')) url.searchParams.set('token', token);
        let socket: WebSocket;
        try {
            socket = new WebSocket(url, PROTOCOL);
        } catch (cause) {
            this.lose(`the browser refuses the connection: ${(cause as Error).message}`);
            return;
        }
        this.socket = socket;
        socket.binaryType = 'arraybuffer';
        socket.onmessage = ({ data }) => {
            this.heardAt = performance.now();
            if (typeof data === 'string') this.hear(data);
            else if ((data as ArrayBuffer).byteLength > FRAME_MAX) this.lose('a frame is too large');
            else this.take(new Uint8Array(data as ArrayBuffer));
        };
        socket.onclose = ({ code, reason }) => {
            const why = reason === '' ? `code ${code}` : reason;
            if (code === REFUSED) this.finish(new ChartError('invalid', `${this.name}: refused: ${why}`));
            else this.lose(`the connection was closed (${why})`);
        };
        this.timer = setTimeout(
            () => this.lose('the server does not answer'),
            this.connections === 0 ? this.times.answerMs : this.times.againMs,
        );
    }

    private hear(text: string): void {
        let message: { type?: unknown } | null;
        try {
            message = JSON.parse(text) as typeof message;
        } catch {
            return this.lose('the server sent what is no message');
        }
        if (message?.type !== 'hello') return undefined;
        clearTimeout(this.timer);
        let isAnew: boolean;
        try {
            const now = readDescription(this.name, message);
            this.wanted = now.nextSequence;
            isAnew = this.host.greet(now);
        } catch (cause) {
            return this.fail(cause);
        }
        if (isAnew) {
            if (this.connections > 0) this.attempts = 0; /* the server is there */
            return this.lose('the series was made anew');
        }
        this.connections++;
        if (this.lost !== '') {
            this.lost = '';
            this.host.changed();
        }
        return this.noteProgress();
    }

    private take(frame: Uint8Array): void {
        try {
            this.host.take(frame);
        } catch (cause) {
            return this.fail(cause);
        }
        return this.noteProgress();
    }

    private noteProgress(): void {
        if (this.attempts === 0 && this.settle === undefined) return;
        if (this.connections === 0 || this.host.place().lastSequence < this.wanted - 1) return;
        this.attempts = 0;
        this.settle?.resolve();
        this.settle = undefined;
    }

    /** The host threw. */
    private fail(cause: unknown): void {
        const error = ChartError.from(cause);
        if (this.host.place().isFinal) this.finish(error);
        else this.lose(error.message);
    }

    private finish(error: ChartError): void {
        if (this.end.signal.aborted) return;
        const isFirst = this.settle !== undefined;
        this.settle?.reject(error);
        this.settle = undefined;
        this.close();
        this.lost = error.message;
        if (isFirst) return;
        this.host.changed();
        this.host.ended(error);
    }

    /* ---- losing, and trying again ---- */

    private lose(why: string): void {
        if (this.end.signal.aborted) return;
        this.dropSocket();
        clearTimeout(this.timer);
        this.attempts++;
        if (this.connections === 0 && this.attempts >= FIRST_TRIES) {
            this.finish(
                new ChartError(
                    'unavailable',
                    `${this.name}: a WebSocket cannot be opened (${why}); the server has to allow this ` +
                        "page's origin, the page's policy (connect-src) the server, and proxies in between " +
                        'the upgrade',
                ),
            );
            return;
        }
        const before = this.lost;
        this.lost = `${this.name}: no connection (${why}); connecting again`;
        if (this.lost !== before) this.host.changed();
        if (this.connections > 0) {
            this.settle?.resolve(); /* with what there is */
            this.settle = undefined;
        }
        const { firstPauseMs, lastPauseMs } = this.times;
        const most = Math.min(lastPauseMs, firstPauseMs * 2 ** (this.attempts - 1));
        this.timer = setTimeout(() => void this.retry(), most * (0.5 + Math.random() / 2));
    }

    private retryNow(): void {
        if (this.socket !== undefined || this.isProbing || this.end.signal.aborted) return;
        clearTimeout(this.timer);
        void this.retry();
    }

    /** A WebSocket does not tell why it fails: a request before it does. */
    private async retry(): Promise<void> {
        const answer = await this.probe();
        if (this.end.signal.aborted || this.socket !== undefined) return;
        if (!(answer instanceof ChartError)) this.connect();
        else if (answer.code === 'invalid') this.finish(answer);
        else this.lose(this.reasonOf(answer));
    }

    /** In words for a series that was there: what an opening would say of origins is beside the point. */
    private reasonOf({ message }: ChartError): string {
        const text = message.slice(this.name.length + 2);
        return text.startsWith('cannot be reached') ? 'the server cannot be reached' : text;
    }

    private async probe(): Promise<LiveDescription | ChartError> {
        const limit = new AbortController();
        const stop = () => limit.abort();
        const timer = setTimeout(stop, this.times.answerMs);
        this.end.signal.addEventListener('abort', stop);
        this.isProbing = true;
        try {
            return await describeLive(this.url, this.headers, limit.signal);
        } catch (cause) {
            return ChartError.from(cause);
        } finally {
            this.isProbing = false;
            clearTimeout(timer);
            this.end.signal.removeEventListener('abort', stop);
        }
    }

    /** A connection may be dead without anybody being told: then the series goes on, but not here. */
    private async checkSilence(): Promise<void> {
        const { socket, times } = this;
        if (socket === undefined || this.isProbing || this.connections === 0 || this.lost !== '') return;
        if (performance.now() - this.heardAt < times.silenceMs) return;
        const asked = performance.now();
        const answer = await this.probe();
        if (this.socket !== socket || this.heardAt > asked) return;
        if (answer instanceof ChartError) {
            this.lose(this.reasonOf(answer));
            return;
        }
        if (answer.nextSequence - 1 > this.host.place().lastSequence) {
            await pause(Math.min(2000, times.silenceMs), this.end.signal).catch(() => undefined);
            if (this.socket !== socket || this.heardAt > asked) return;
            this.lose('the connection has died');
            return;
        }
        this.heardAt = performance.now();
    }
}
