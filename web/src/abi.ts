/* The module's memory: calls, texts and structs at the offsets that src/web/web.h asserts.
 *
 * Invariants:
 *  1. Views of the memory are made anew when it has grown: a call that allocates may move them.
 *     Memory may be shared, views of which TextDecoder and ImageData refuse: those get copies.
 *  2. A struct lives in the scratch block of this file for one call.
 */
import { ChartError, statusName } from './error.js';

export const ABI = 5;

/** What a module of `gpucharts.wasm` exports; numbers are uint32 unless their names say otherwise. */
interface Exports {
    memory: WebAssembly.Memory;
    _initialize(): void;
    gch_web_abi(): number;
    gch_web_alloc(bytes: number): number;
    gch_web_free(memory: number): void;
    gch_web_error(): number;
    gch_web_start(budgetMib: number): number;
    gch_web_stop(): number;
    gch_web_stats(): number;
    gch_web_source_make(name: number, byteCount: number, outId: number): number;
    gch_web_source_stage(id: number, offset: number, bytes: number, count: number): number;
    gch_web_source_open(id: number, outWant: number): number;
    gch_web_source_open_memory(name: number, bytes: number, count: number, outId: number): number;
    gch_web_source_open_live(
        name: number,
        timeUnit: number,
        timeZone: number,
        columns: number,
        columnCount: number,
        keepRows: number,
        outId: number,
    ): number;
    gch_web_source_append(id: number, times: number, columns: number, rowCount: number): number;
    gch_web_times_from_doubles(
        values: number,
        count: number,
        factor: number,
        firstRow: number,
    ): number;
    gch_web_source_close(id: number): number;
    gch_web_source_info(id: number): number;
    gch_web_stream_start(id: number, after: number): number;
    gch_web_stream_greet(
        id: number,
        firstSequence: number,
        nextSequence: number,
        flags: number,
    ): number;
    gch_web_stream_take(id: number, bytes: number, count: number): number;
    gch_web_stream_get_place(id: number, out: number): number;
    gch_web_take_wants(out: number, cap: number): number;
    gch_web_source_warm(id: number, column: number, t0: bigint, t1: bigint, widthPx: number): number;
    gch_web_source_serve(id: number, url: number, validator: number): number;
    gch_web_take_question(out: number): number;
    gch_web_answer(id: number, ticket: number, failure: number, body: number, count: number): number;
    gch_web_line(latencyNs: number, bytesPerS: number): void;
    gch_web_csv_start(name: number, timeZone: number): number;
    gch_web_csv_push(bytes: number, count: number): number;
    gch_web_csv_finish(outId: number): number;
    gch_web_csv_abandon(): void;
    gch_web_chart_make(outId: number): number;
    gch_web_chart_destroy(id: number): number;
    gch_web_chart_frame(id: number, desc: number, out: number): number;
    gch_web_chart_tables(): number;
    gch_web_nearest(source: number, column: number, t: bigint, out: number): number;
    gch_web_bar_at(
        source: number,
        column: number,
        width: number,
        timeZone: number,
        t: bigint,
        out: number,
    ): number;
    gch_web_sum_at(
        source: number,
        column: number,
        width: number,
        timeZone: number,
        t: bigint,
        out: number,
    ): number;
    gch_web_study_at(series: number, width: number, timeZone: number, t: bigint, out: number): number;
    gch_web_bin_at(
        source: number,
        column: number,
        t0: bigint,
        t1: bigint,
        left: number,
        right: number,
        binCount: number,
        share: number,
        out: number,
    ): number;
    gch_web_point_at(
        source: number,
        left: number,
        right: number,
        bottom: number,
        top: number,
        outJson: number,
    ): number;
    /* Of a module with threads. */
    __tls_size?: WebAssembly.Global;
    gch_web_threads_parked?(): number;
    gch_web_threads_use?(): number;
    gch_web_threads_end?(): void;
}

export const WANT_BYTES = 24;
export const SERIES_BYTES = 116;
export const AXIS_BYTES = 16;
export const PANEL_BYTES = 40;
export const CHART_BYTES = 88;
export const PANEL_FRAME_BYTES = 56;
export const FRAME_BYTES = 632;
export const QUESTION_BYTES = 16;
export const SAMPLE_BYTES = 88;
export const BAR_BYTES = 312;
export const SUM_BYTES = 96;
export const STUDY_BYTES = 32;
export const BIN_BYTES = 24;
export const COLUMN_BYTES = 12;
export const PLACE_BYTES = 48;

const SCRATCH_BYTES = 32768;

export class Abi {
    readonly call: Exports;
    private scratch: number;
    private scratchAt = 0;
    private bytes = new Uint8Array(0);
    private numbers = new DataView(new ArrayBuffer(0));
    private readonly encoder = new TextEncoder();
    private readonly decoder = new TextDecoder();

    constructor(instance: WebAssembly.Instance) {
        this.call = instance.exports as unknown as Exports;
        this.call._initialize();
        if (this.call.gch_web_abi() !== ABI)
            throw new ChartError(
                'unsupported',
                `gpu-charts.wasm is of version ${this.call.gch_web_abi()} and the script of ${ABI}: ` +
                    'both have to come from one release',
            );
        this.scratch = this.alloc(SCRATCH_BYTES);
    }

    /** The memory as it is now. */
    u8(): Uint8Array {
        if (this.bytes.buffer !== this.call.memory.buffer) {
            this.bytes = new Uint8Array(this.call.memory.buffer);
            this.numbers = new DataView(this.call.memory.buffer);
        }
        return this.bytes;
    }

    get isShared(): boolean {
        return !(this.call.memory.buffer instanceof ArrayBuffer);
    }

    /** What a thread needs for its own variables. */
    tlsBytes(): number {
        return Number(this.call.__tls_size?.value ?? 0);
    }

    view(): DataView {
        this.u8();
        return this.numbers;
    }

    /** Room for structs and texts of the next call. */
    begin(): void {
        this.scratchAt = this.scratch;
    }

    /** Zeroed, 8-byte aligned. */
    take(byteCount: number): number {
        const at = this.scratchAt;
        this.scratchAt = (at + byteCount + 7) & ~7;
        if (this.scratchAt > this.scratch + SCRATCH_BYTES)
            throw new ChartError('invalid', 'the texts of the chart are too long');
        this.u8().fill(0, at, at + byteCount);
        return at;
    }

    /** A NUL-terminated text; 0 for undefined. */
    text(value: string | undefined): number {
        if (value === undefined) return 0;
        const encoded = this.encoder.encode(value);
        const at = this.take(encoded.length + 1);
        this.u8().set(encoded, at);
        return at;
    }

    readText(at: number): string {
        const bytes = this.u8();
        return this.decoder.decode(bytes.slice(at, bytes.indexOf(0, at)));
    }

    alloc(byteCount: number): number {
        const at = this.call.gch_web_alloc(byteCount) >>> 0;
        if (at === 0)
            throw new ChartError('no-memory', `out of memory: ${byteCount} bytes more were needed`);
        return at;
    }

    /** The bytes of a buffer in memory of the module's own. */
    copyIn(data: Uint8Array): number {
        const at = this.alloc(data.byteLength);
        this.u8().set(data, at);
        return at;
    }

    /** Throws what a status says; `pending` is a value of `allowed` like any other. */
    check(status: number, ...allowed: string[]): string {
        const name = statusName(status);
        if (name === 'ok' || allowed.includes(name)) return name;
        throw new ChartError(name, this.readText(this.call.gch_web_error()));
    }

    readJson(at: number): unknown {
        if (at === 0) throw new ChartError('invalid', this.readText(this.call.gch_web_error()));
        return JSON.parse(this.readText(at));
    }
}
