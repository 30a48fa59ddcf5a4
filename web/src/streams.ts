/* The live series that an engine follows: sockets on one side, the module on the other. */
import { type Abi, PLACE_BYTES } from './abi.js';
import { ChartError } from './error.js';
import { type LiveDescription, type LiveHost, LiveStream, describeLive } from './live.js';
import type { EngineEvent, StreamOptions, StreamStats } from './protocol.js';

const RATE = 60;
const OTHER_COLUMNS = 1;
const OTHER_SERIES = 2;

export class Streams {
    private readonly all = new Map<number, LiveStream>();

    constructor(
        private readonly abi: Abi,
        private readonly notify: (event: EngineEvent) => void,
    ) {}

    /** `open` makes the live source of a description; its id is what this resolves to, once the rows that
     * the server keeps are in it. */
    async open(
        url: string,
        headers: Record<string, string>,
        options: StreamOptions,
        open: (description: LiveDescription) => Promise<number>,
        signal: AbortSignal,
    ): Promise<number> {
        const description = await describeLive(url, headers, signal).catch((cause: unknown) => {
            throw signal.aborted ? new ChartError('cancelled', 'cancelled') : cause;
        });
        const id = await open(description);
        this.abi.check(this.abi.call.gch_web_stream_start(id, description.firstSequence - 1));
        const stream = new LiveStream(url, headers, options.rate ?? RATE, this.hostOf(id, description));
        this.all.set(id, stream);
        const stop = () => stream.close();
        signal.addEventListener('abort', stop);
        try {
            if (signal.aborted) stop();
            await stream.ready;
        } catch (cause) {
            this.close(id);
            throw cause;
        } finally {
            signal.removeEventListener('abort', stop);
        }
        return id;
    }

    private hostOf(id: number, opened: LiveDescription): LiveHost {
        const { abi, notify } = this;
        return {
            greet: (now) => {
                const { firstSequence, nextSequence } = now;
                const flags =
                    (shapeOf(now) === shapeOf(opened) ? 0 : OTHER_COLUMNS) |
                    (now.id === opened.id ? 0 : OTHER_SERIES);
                const status = abi.call.gch_web_stream_greet(id, firstSequence, nextSequence, flags);
                if (abi.check(status, 'cancelled') === 'ok') return false;
                opened = now;
                notify({ kind: 'data', source: id }); /* which is gone */
                return true;
            },
            take: (frame) => {
                const at = abi.copyIn(frame);
                const status = abi.call.gch_web_stream_take(id, at, frame.byteLength);
                abi.call.gch_web_free(at);
                abi.check(status);
                notify({ kind: 'data', source: id });
            },
            place: () => this.place(id),
            changed: () => notify({ kind: 'link', source: id, lost: this.lost(id) ?? '' }),
            ended: ({ code, message }) => notify({ kind: 'failed', source: id, code, message }),
        };
    }

    private place(id: number): StreamStats {
        const { abi } = this;
        abi.begin();
        const out = abi.take(PLACE_BYTES);
        abi.check(abi.call.gch_web_stream_get_place(id, out));
        const view = abi.view();
        const stream = this.all.get(id);
        return {
            source: id,
            isConnected: stream?.lost === '' && stream.connections > 0,
            connections: stream?.connections ?? 0,
            lastSequence: view.getFloat64(out, true),
            rows: view.getFloat64(out + 8, true),
            missedRows: view.getFloat64(out + 16, true),
            repeatedRows: view.getFloat64(out + 24, true),
            gaps: view.getFloat64(out + 32, true),
            isFinal: view.getUint32(out + 40, true) !== 0,
            restarts: view.getUint32(out + 44, true),
        };
    }

    /** Why a source has no connection; '' if it has one, undefined if it needs none. */
    lost(id: number): string | undefined {
        return this.all.get(id)?.lost;
    }

    stats(): StreamStats[] {
        return [...this.all.keys()].map((id) => this.place(id));
    }

    close(id: number): void {
        this.all.get(id)?.close();
        this.all.delete(id);
    }

    closeAll(): void {
        for (const id of [...this.all.keys()]) this.close(id);
    }
}

/** What of a series its source is made of. */
function shapeOf({ unit, columns }: LiveDescription): string {
    return JSON.stringify([unit, columns]);
}

/** What the options of a stream say wrong. */
export function checkStream({ rate, keepRows }: StreamOptions): void {
    if (rate !== undefined && !(Number.isInteger(rate) && rate >= 1 && rate <= 240))
        throw new ChartError('invalid', `rate: ${rate}; updates a second, from 1 to 240`);
    if (keepRows !== undefined && !(Number.isSafeInteger(keepRows) && keepRows >= 1))
        throw new ChartError('invalid', `keepRows: ${keepRows}; a number of rows`);
}
