/* Data: files, URLs, and rows as they come, each a source that any number of charts may show. */
import { type EngineHandle, type EnginePlace, type Lease, leaseEngine } from './client.js';
import { ChartError } from './error.js';
import { isLiveUrl } from './live.js';
import { TIME_UNITS } from './protocol.js';
import type { NumberArray, OpenResult, Room, Rows, SourceInfo, StreamOptions, TimeUnit } from './protocol.js';
import { checkStream } from './streams.js';
import { ticksPerSecond } from './time.js';

/** null and NaN are gaps. */
export type NumberList = NumberArray | readonly (number | null)[];

/** Rows in arrays of one length. */
export interface RowsInput {
    /** Not decreasing: milliseconds since 1970, or ticks of `unit` in a BigInt64Array. Left out: rows
     * are numbered. */
    times?: Float64Array | BigInt64Array | readonly number[];
    /** One column... */
    values?: NumberList;
    /** ...or several, by name. */
    columns?: Record<string, NumberList>;
}

/** A source of rows in memory, which may be appended to. The arrays are read until it is open. */
export interface ArraysInput extends RowsInput {
    name?: string;
    /** Unit that times are kept in. Default: 'ms'; 'index' without times. */
    unit?: TimeUnit;
    /** Units of measure, by column. */
    units?: Record<string, string>;
    timeZone?: string;
    /** Older rows are dropped. Default: all are kept. */
    keepRows?: number;
}

/** A .gch file, or a live series of a server (ws://host/v1/live/NAME, or with http). */
export interface UrlInput extends StreamOptions {
    url: string | URL;
    /** Sent with every request, such as Authorization. */
    headers?: Record<string, string>;
}

/** What a chart can show: the address of a .gch file or of a live series, a file (.gch or CSV), or arrays. */
export type DataInput = string | URL | UrlInput | Blob | ArraysInput | DataSource;

export interface OpenOptions {
    /** Ends the opening. */
    signal?: AbortSignal;
    engine?: EnginePlace;
    /** Of CSV text without an offset. */
    timeZone?: string;
}

export class DataSource {
    private isClosed = false;
    private readonly order: string[];

    /** Made by openData. */
    constructor(
        readonly id: number,
        private current: SourceInfo,
        private readonly lease: Lease,
        readonly kind: 'file' | 'arrays' | 'stream',
    ) {
        this.order = current.columns.map((column) => column.name);
    }

    get info(): SourceInfo {
        return this.current;
    }

    get engine(): EngineHandle {
        return this.lease.engine;
    }

    get closed(): boolean {
        return this.isClosed;
    }

    /** Whether rows come to it. */
    get grows(): boolean {
        return this.kind !== 'file';
    }

    /** What it holds now. */
    async refresh(): Promise<SourceInfo> {
        this.current = await this.engine.api.info(this.id);
        return this.current;
    }

    /** Adds rows behind the last one; charts of the source draw them with their next frame. */
    async append(rows: RowsInput): Promise<void> {
        if (this.kind !== 'arrays')
            throw new ChartError(
                'invalid',
                `${this.current.name}: no arrays; rows are appended to those only`,
            );
        const given = rows.columns ?? { [this.order[0] ?? 'value']: rows.values ?? [] };
        const columns = this.order.map((name, i) => {
            const list = given[name];
            if (list === undefined)
                throw new ChartError('invalid', `${this.current.name}: no values for '${name}'`);
            return toType(list, this.current.columns[i]?.type ?? 'f64', name);
        });
        const message = makeRows(rows.times, columns, this.current.unit);
        if (message.count === 0) return;
        const all = cut(message, 0, message.count, this.engine.place === 'worker');
        this.current = await this.engine.api.append(this.id, all);
    }

    /** Charts that still show it end with an error. May be called again. */
    async close(): Promise<void> {
        if (this.isClosed) return;
        this.isClosed = true;
        try {
            await this.engine.api.close(this.id);
        } finally {
            this.lease.release();
        }
    }
}

/* ---- arrays ---- */

const TYPED: [string, new (length: number) => NumberArray][] = [
    ['f64', Float64Array],
    ['f32', Float32Array],
    ['i8', Int8Array],
    ['u8', Uint8Array],
    ['i16', Int16Array],
    ['u16', Uint16Array],
    ['i32', Int32Array],
    ['u32', Uint32Array],
    ['i64', BigInt64Array as unknown as new (length: number) => NumberArray],
];

function typeOf(list: NumberList): string {
    return TYPED.find(([, make]) => list instanceof make)?.[0] ?? 'f64';
}

function toType(list: NumberList, type: string, name: string): NumberArray {
    if (typeOf(list) === type && ArrayBuffer.isView(list)) return list as NumberArray;
    if (type !== 'f64' || list instanceof BigInt64Array)
        throw new ChartError(
            'invalid',
            `column '${name}' holds ${type}: append an array of the same type`,
        );
    return Float64Array.from(list as Iterable<number | null>, (value) => value ?? Number.NaN);
}

function makeRows(times: RowsInput['times'], columns: NumberArray[], unit: TimeUnit): Rows {
    const count = times?.length ?? columns[0]?.length ?? 0;
    for (const column of columns)
        if (column.length !== count)
            throw new ChartError(
                'invalid',
                `arrays of different lengths: ${count} times, ${column.length} values`,
            );
    if (times === undefined) return { columns, count };
    if (times instanceof BigInt64Array) return { times, columns, count };
    return {
        times: times instanceof Float64Array ? times : Float64Array.from(times),
        timeFactor: unit === 'index' ? 1 : Number(ticksPerSecond(unit)) / 1000,
        columns,
        count,
    };
}

function isArrays(data: DataInput): data is ArraysInput {
    return 'values' in (data as ArraysInput) || 'columns' in (data as ArraysInput);
}

/** So many rows go to the engine at once: while it packs them the next are copied for it, and memory
 * never holds all of them twice. They fit into the processor's cache. */
const PIECE_ROWS = 1 << 16;
/** The first piece is small: until the browser has compiled the engine's loops a second time, for speed, they are
 * several times slower. */
const PIECE_ROWS_FIRST = 1 << 15;

function mapArrays(rows: Rows, first: number, end: number, map: (array: NumberArray) => NumberArray): Rows {
    return {
        ...rows,
        ...(rows.times === undefined ? {} : { times: map(rows.times) as NonNullable<Rows['times']> }),
        columns: rows.columns.map(map),
        count: end - first,
        firstRow: first,
    };
}

/** Rows [first, end), their arrays copied where they go to another thread. */
function cut(rows: Rows, first: number, end: number, isCopied: boolean): Rows {
    const map = (array: NumberArray) => (isCopied ? array.slice(first, end) : array.subarray(first, end));
    return { ...mapArrays(rows, first, end, map), isHandedOver: isCopied };
}

/** The same, copied to half a room of its own. */
function put(rows: Rows, first: number, end: number, { memory, at }: Room): Rows {
    let next = at;
    const map = (array: NumberArray) => {
        const piece = array.subarray(first, end);
        const make = piece.constructor as new (buffer: ArrayBufferLike, at: number, count: number) => NumberArray;
        const copy = new make(memory.buffer, next, piece.length);
        copy.set(piece as never);
        next += PIECE_ROWS * array.BYTES_PER_ELEMENT;
        return copy;
    };
    return { ...mapArrays(rows, first, end, map), isInRoom: true };
}

/** Two pieces are under way at a time. */
async function appendAll(engine: EngineHandle, id: number, rows: Rows): Promise<SourceInfo> {
    const rowBytes = [...(rows.times === undefined ? [] : [rows.times]), ...rows.columns].reduce(
        (sum, array) => sum + array.BYTES_PER_ELEMENT,
        0,
    );
    const half = rowBytes * PIECE_ROWS;
    const room = rows.count > PIECE_ROWS ? await engine.api.makeRoom(2 * half) : undefined;
    let last: Promise<SourceInfo> | undefined;
    let size = PIECE_ROWS_FIRST;
    try {
        for (let first = 0, i = 0; first < rows.count; size = PIECE_ROWS, i++) {
            const end = Math.min(rows.count, first + size);
            const piece =
                room === undefined
                    ? cut(rows, first, end, engine.place === 'worker')
                    : put(rows, first, end, { ...room, at: room.at + (i % 2) * half });
            const before = last;
            last = engine.api.append(id, piece);
            last.catch(() => undefined); /* awaited below, or after another that has failed */
            await before;
            first = end;
        }
        return await (last as Promise<SourceInfo>);
    } finally {
        await last?.catch(() => undefined);
        if (room !== undefined) await engine.api.freeRoom(room.at).catch(() => undefined);
    }
}

async function openArrays(engine: EngineHandle, data: ArraysInput): Promise<OpenResult> {
    const given: Record<string, NumberList> = data.columns ?? { value: data.values ?? [] };
    const names = Object.keys(given);
    if (names.length === 0) throw new ChartError('invalid', 'columns: none given');
    const unit = data.unit ?? (data.times === undefined ? 'index' : 'ms');
    if (!TIME_UNITS.includes(unit))
        throw new ChartError('invalid', `unit: ${String(unit)}; it is one of ${TIME_UNITS.join(', ')}`);
    checkStream({ keepRows: data.keepRows });
    const columns = names.map((name) => {
        const list = given[name] ?? [];
        return toType(list, typeOf(list), name);
    });
    const rows = makeRows(data.times, columns, unit);
    const opened = await engine.api.openLive({
        name: data.name ?? 'data',
        unit,
        ...(data.timeZone === undefined ? {} : { timeZone: data.timeZone }),
        ...(data.keepRows === undefined ? {} : { keepRows: data.keepRows }),
        columns: names.map((name, i) => ({
            name,
            type: typeOf(columns[i] ?? []),
            ...(data.units?.[name] === undefined ? {} : { unit: data.units[name] }),
        })),
    });
    if (rows.count === 0) return opened;
    try {
        return { id: opened.id, info: await appendAll(engine, opened.id, rows) };
    } catch (cause) {
        await engine.api.close(opened.id);
        throw cause;
    }
}

/* ---- opening ---- */

function open(
    engine: EngineHandle,
    data: Exclude<DataInput, DataSource>,
    options: OpenOptions,
    opening: number,
) {
    if (data instanceof Blob) {
        const name = data instanceof File ? data.name : 'file';
        return /\.(csv|tsv|txt)$/i.test(name) || data.type === 'text/csv'
            ? engine.api.openCsv(name, data, options.timeZone)
            : engine.api.openBlob(name, data);
    }
    if (typeof data === 'string' || data instanceof URL || 'url' in data) {
        const input: UrlInput = typeof data === 'object' && 'url' in data ? data : { url: data };
        const url = addressOf(input);
        if (isLiveUrl(url)) {
            const { rate, keepRows } = input;
            checkStream({ rate, keepRows });
            return engine.api.openStream(url, input.headers ?? {}, { rate, keepRows }, opening);
        }
        return engine.api.openUrl(url, input.headers ?? {}, opening);
    }
    if (isArrays(data)) return openArrays(engine, data);
    throw new ChartError('invalid', 'data: neither an address, a file nor arrays');
}

function addressOf({ url }: UrlInput): string {
    try {
        return new URL(url, document.baseURI).href;
    } catch {
        throw new ChartError('invalid', `data: '${String(url)}' is no address`);
    }
}

function kindOf(data: Exclude<DataInput, DataSource>): DataSource['kind'] {
    if (data instanceof Blob) return 'file';
    if (typeof data !== 'string' && !(data instanceof URL) && isArrays(data)) return 'arrays';
    const input = typeof data === 'object' && 'url' in data ? data : { url: data as string | URL };
    return isLiveUrl(addressOf(input)) ? 'stream' : 'file';
}

/** What is under way, unless the signal comes first: then it is told to `stop`. */
async function unlessAborted<T>(
    signal: AbortSignal | undefined,
    underWay: Promise<T>,
    stop: () => void,
): Promise<T> {
    if (signal === undefined) return underWay;
    let listener = () => undefined as void;
    const aborted = new Promise<never>((_, reject) => {
        listener = () => {
            stop();
            reject(new ChartError('cancelled', 'cancelled'));
        };
        if (signal.aborted) listener();
        else signal.addEventListener('abort', listener);
    });
    try {
        return await Promise.race([underWay, aborted]);
    } finally {
        signal.removeEventListener('abort', listener);
    }
}

let lastOpening = 0;

/** Opens data for any number of charts. The caller closes it. */
export async function openData(data: DataInput, options: OpenOptions = {}): Promise<DataSource> {
    if (data instanceof DataSource) return data;
    const lease = await leaseEngine(options.engine ?? 'auto');
    const { api } = lease.engine;
    const number = ++lastOpening;
    const opening = (async () => open(lease.engine, data, options, number))();
    const stop = () => void api.cancel(number).catch(() => undefined);
    try {
        const { id, info } = await unlessAborted(options.signal, opening, stop);
        return new DataSource(id, info, lease, kindOf(data));
    } catch (cause) {
        /* What is opened after all is closed again, before the engine may go. */
        void opening
            .then(({ id }) => api.close(id))
            .catch(() => undefined)
            .finally(() => lease.release());
        throw ChartError.from(cause);
    }
}
