/* The engine's host: one instance of the module, its sources, charts and requests.
 *
 * Lives in a worker or on the page's own thread; nothing in it touches the DOM but the canvases it
 * is given.
 *
 * Invariants:
 *  1. Every call of the module is synchronous: between two awaits no other call comes in between.
 *  2. After a trap the instance is dead and every later call says so.
 */
import { Abi, BAR_BYTES, BIN_BYTES, COLUMN_BYTES, FRAME_BYTES, QUESTION_BYTES } from './abi.js';
import { SAMPLE_BYTES, SERIES_BYTES, STUDY_BYTES, SUM_BYTES, WANT_BYTES } from './abi.js';
import { Answers, Line, type Question } from './answers.js';
import { type Bytes, openBlob, openUrl } from './bytes.js';
import { ChartError, type ErrorCode, statusNumber } from './error.js';
import { COMMANDS, GlSurfaces, STRIPS, type Tables } from './gl.js';
import { Gpu } from './gpu.js';
import { readFrame, writeDesc, writeSeries } from './layout.js';
import type { LiveDescription } from './live.js';
import { Loader, type Want } from './loader.js';
import { TIME_UNITS } from './protocol.js';
import type { Backend, BackendChoice, Bar, Bin, BinView, Canvas } from './protocol.js';
import type { EngineApi, EngineEvent, EngineStats, Frame, FrameDesc, FrameSeries, Room } from './protocol.js';
import type { LiveDesc, OpenResult, PlaneBox, PlanePoint, Rows, Sample } from './protocol.js';
import type { SourceInfo, StreamOptions, StudyValue, Sum } from './protocol.js';
import { Streams } from './streams.js';
import { type Picture, Showing, type Surface, type SurfaceOpener, openPixelSurface } from './surface.js';
import { gpuSurfaces } from './surface_gpu.js';
import { type ModuleSource, type ThreadPlan, Threads, makeSharedMemory } from './threads.js';
import { zoneBytes } from './zones.js';

const BUDGET_MIB = 256;
const WANTS_CAP = 256;
/** Of an index, read in front of the place that opening asked for (as the native client does). */
const LEAD_SHARE = 400;
const LEAD_MIN = 64 * 1024;
const LEAD_MAX = 8 << 20;
const RANGE_MAX = 16 << 20;
const OPEN_ROUNDS = 64;
const CSV_PIECE = 1 << 20;
const STREAM_ROWS = 1_000_000;

const TYPES = ['', 'i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'f32', 'f64'];

const PREFETCH = 1;
const LOADED = 2;

export class Engine implements EngineApi {
    private readonly loader: Loader;
    private readonly streams: Streams;
    private readonly showings = new Map<number, Showing>();
    /** What this build can draw with. */
    private readonly openers: Partial<Record<Backend, SurfaceOpener>>;
    private readonly wants: number;
    private readonly question: number;
    private readonly line = new Line();
    private readonly answers: Answers;
    /** Under way, by their numbers. */
    private readonly openings = new Map<number, AbortController>();
    /** The module reads one text at a time. */
    private texts: Promise<unknown> = Promise.resolve();

    private constructor(
        private readonly abi: Abi,
        private readonly gpu: Gpu,
        private readonly notify: (event: EngineEvent) => void,
        private readonly threads: Threads | undefined,
        private readonly alone: string,
    ) {
        this.abi.check(this.abi.call.gch_web_start(BUDGET_MIB));
        this.wants = abi.alloc(WANTS_CAP * WANT_BYTES);
        this.streams = new Streams(abi, notify);
        const gl = new GlSurfaces(
            (picture) => this.readTables(picture),
            () => notify({ kind: 'redraw' }),
        );
        this.openers = {
            webgpu: gpuSurfaces(gpu),
            webgl2: (canvas, isNamed) => gl.open(canvas, isNamed),
            cpu: openPixelSurface,
        };
        this.question = abi.alloc(QUESTION_BYTES);
        this.loader = new Loader({
            deliver: (source, offset, bytes, isPrefetch) => {
                this.stage(source, offset, bytes);
                if (!isPrefetch) notify({ kind: 'data', source });
            },
            failed: (source, error) =>
                notify({ kind: 'failed', source, code: error.code, message: error.message }),
            idle: () => notify({ kind: 'idle' }),
        });
        this.answers = new Answers(
            {
                answered: (question, body) => this.answered(question, body),
                refused: (question, code) => this.settle(question, code),
            },
            this.line,
        );
    }

    /** With threads if there is a plan and it succeeds; `alone` is why there is none. */
    static async start(
        wasm: ModuleSource,
        notify: (event: EngineEvent) => void,
        plan?: ThreadPlan,
        alone = '',
        shaders = '',
    ): Promise<Engine> {
        let abi: Abi | undefined;
        const gpu = new Gpu(shaders, () => notify({ kind: 'redraw' }));
        const imports = {
            gpu: gpu.imports,
            gch: {
                clock_ns: () => performance.now() * 1e6,
                time_zone: (name: number, length: number, out: number, cap: number) => {
                    if (abi === undefined) return 0;
                    const text = new TextDecoder().decode(abi.u8().slice(name, name + length));
                    const bytes = zoneBytes(text);
                    if (bytes === undefined || bytes.length > cap) return 0;
                    abi.u8().set(bytes, out);
                    return bytes.length;
                },
            },
        };
        if (plan !== undefined) {
            const threads = new Threads(plan);
            try {
                const module = await compile(plan.wasm);
                const memory = makeSharedMemory();
                abi = new Abi(await WebAssembly.instantiate(module, { ...imports, env: { memory } }));
                gpu.attach(abi);
                const engine = new Engine(abi, gpu, notify, threads, '');
                threads.start(abi, module, memory);
                return engine;
            } catch (cause) {
                threads.end();
                alone = ChartError.from(cause).message;
            }
        }
        abi = new Abi(await WebAssembly.instantiate(await compile(wasm), imports));
        gpu.attach(abi);
        return new Engine(abi, gpu, notify, undefined, alone);
    }

    /* ---- sources ---- */

    private stage(source: number, offset: number, bytes: Uint8Array): void {
        const { abi } = this;
        const at = abi.copyIn(bytes);
        abi.check(abi.call.gch_web_source_stage(source, offset, at, bytes.byteLength));
    }

    private makeSource(name: string, byteCount: number): number {
        const { abi } = this;
        abi.begin();
        const out = abi.take(4);
        abi.check(abi.call.gch_web_source_make(abi.text(name), byteCount, out));
        return abi.view().getUint32(out, true);
    }

    private tryOpen(source: number): Want | undefined {
        const { abi } = this;
        abi.begin();
        const out = abi.take(WANT_BYTES);
        const status = abi.check(abi.call.gch_web_source_open(source, out), 'pending');
        return status === 'ok' ? undefined : this.readWant(out);
    }

    private readWant(at: number): Want {
        const view = this.abi.view();
        return {
            source: view.getUint32(at, true),
            isPrefetch: (view.getUint32(at + 4, true) & PREFETCH) !== 0,
            offset: view.getFloat64(at + 8, true),
            byteCount: view.getFloat64(at + 16, true),
        };
    }

    private async openBytes(bytes: Bytes, signal: AbortSignal): Promise<OpenResult> {
        const id = this.makeSource(bytes.name, bytes.byteCount);
        try {
            this.stage(id, bytes.tail.offset, bytes.tail.bytes);
            let hasIndex = false;
            for (let round = 0; ; round++) {
                const want = this.tryOpen(id);
                if (want === undefined) break;
                if (round === OPEN_ROUNDS)
                    throw new ChartError('corrupt', `${bytes.name}: its index has no end`);
                const range = hasIndex ? want : widen(want, bytes);
                hasIndex ||= want.offset > 0;
                this.stage(id, range.offset, await bytes.read(range.offset, range.byteCount, signal));
            }
        } catch (cause) {
            this.abi.call.gch_web_source_close(id);
            throw cause;
        }
        this.loader.add(id, bytes);
        this.serve(id, bytes);
        return { id, info: this.readInfo(id) };
    }

    /** Has a data server asked, if the file is one's. */
    private serve(source: number, { remote }: Bytes): void {
        if (remote === undefined) return;
        const { abi } = this;
        abi.begin();
        const url = abi.text(remote.url);
        const status = abi.call.gch_web_source_serve(source, url, abi.text(remote.validator));
        if (abi.check(status, 'unsupported') === 'ok') this.answers.add(source, remote.headers);
    }

    private async cancellably<T>(
        opening: number | undefined,
        open: (signal: AbortSignal) => Promise<T>,
    ): Promise<T> {
        const abort = new AbortController();
        if (opening !== undefined) this.openings.set(opening, abort);
        try {
            return await open(abort.signal);
        } finally {
            if (opening !== undefined) this.openings.delete(opening);
        }
    }

    async cancel(opening: number): Promise<void> {
        this.openings.get(opening)?.abort();
    }

    async openUrl(
        url: string,
        headers: Record<string, string>,
        opening?: number,
    ): Promise<OpenResult> {
        return this.cancellably(opening, async (signal) =>
            this.openBytes(await openUrl(url, headers, this.line, signal), signal),
        );
    }

    async openBlob(name: string, blob: Blob): Promise<OpenResult> {
        if (blob.size === 0) throw new ChartError('corrupt', `${name}: the file is empty`);
        return this.openBytes(await openBlob(name, blob), new AbortController().signal);
    }

    async openCsv(name: string, blob: Blob, timeZone?: string): Promise<OpenResult> {
        const read = this.texts.then(() => this.readCsv(name, blob, timeZone));
        this.texts = read.catch(() => undefined);
        return read;
    }

    private async readCsv(name: string, blob: Blob, timeZone?: string): Promise<OpenResult> {
        const { abi } = this;
        abi.begin();
        abi.check(abi.call.gch_web_csv_start(abi.text(name), abi.text(timeZone)));
        try {
            for (let at = 0; at < blob.size; at += CSV_PIECE) {
                const piece = new Uint8Array(await blob.slice(at, at + CSV_PIECE).arrayBuffer());
                const copy = abi.copyIn(piece);
                const status = abi.call.gch_web_csv_push(copy, piece.byteLength);
                abi.call.gch_web_free(copy);
                abi.check(status);
            }
        } catch (cause) {
            abi.call.gch_web_csv_abandon();
            throw ChartError.from(cause);
        }
        abi.begin();
        const out = abi.take(4);
        abi.check(abi.call.gch_web_csv_finish(out));
        const id = abi.view().getUint32(out, true);
        return { id, info: this.readInfo(id) };
    }

    async openLive(desc: LiveDesc): Promise<OpenResult> {
        const { abi } = this;
        abi.begin();
        const out = abi.take(4);
        const name = abi.text(desc.name);
        const zone = abi.text(desc.timeZone);
        const columns = abi.take(desc.columns.length * COLUMN_BYTES);
        desc.columns.forEach((column, i) => {
            const type = TYPES.indexOf(column.type);
            const at = columns + i * COLUMN_BYTES;
            const columnName = abi.text(column.name);
            const unit = abi.text(column.unit);
            const view = abi.view();
            view.setUint32(at, columnName, true);
            view.setUint32(at + 4, unit, true);
            view.setUint32(at + 8, Math.max(0, type), true);
        });
        abi.check(
            abi.call.gch_web_source_open_live(
                name,
                TIME_UNITS.indexOf(desc.unit) + 1,
                zone,
                columns,
                desc.columns.length,
                desc.keepRows ?? 0,
                out,
            ),
        );
        const id = abi.view().getUint32(out, true);
        return { id, info: this.readInfo(id) };
    }

    async openStream(
        url: string,
        headers: Record<string, string>,
        options: StreamOptions,
        opening?: number,
    ): Promise<OpenResult> {
        const keepRows = options.keepRows ?? STREAM_ROWS;
        let id = 0;
        const make = async ({ name, unit, columns }: LiveDescription) => {
            ({ id } = await this.openLive({ name, unit, columns, keepRows }));
            return id;
        };
        try {
            await this.cancellably(opening, (signal) =>
                this.streams.open(url, headers, options, make, signal),
            );
        } catch (cause) {
            if (id !== 0) await this.close(id);
            throw cause;
        }
        return { id, info: this.readInfo(id) };
    }

    async makeRoom(byteCount: number): Promise<Room | undefined> {
        const { abi } = this;
        return abi.isShared ? { memory: abi.call.memory, at: abi.alloc(byteCount) } : undefined;
    }

    async freeRoom(at: number): Promise<void> {
        this.abi.call.gch_web_free(at);
    }

    async append(source: number, rows: Rows): Promise<SourceInfo> {
        const { abi } = this;
        const held: number[] = [];
        const hold = (array: ArrayBufferView): number => {
            if (rows.isInRoom === true) return array.byteOffset;
            const at = abi.copyIn(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
            held.push(at);
            return at;
        };
        try {
            abi.begin();
            const data = abi.take(rows.columns.length * COLUMN_BYTES);
            let times = 0;
            if (rows.times !== undefined) {
                times = hold(rows.times);
                if (rows.times instanceof Float64Array)
                    abi.check(
                        abi.call.gch_web_times_from_doubles(
                            times,
                            rows.count,
                            rows.timeFactor ?? 1,
                            rows.firstRow ?? 0,
                        ),
                    );
            }
            rows.columns.forEach((column, i) => {
                const at = hold(column);
                abi.view().setUint32(data + i * COLUMN_BYTES, at, true);
            });
            abi.check(abi.call.gch_web_source_append(source, times, data, rows.count));
        } finally {
            for (const at of held) abi.call.gch_web_free(at);
        }
        this.notify({ kind: 'data', source });
        return this.readInfo(source);
    }

    private readInfo(source: number): SourceInfo {
        const info = this.abi.readJson(this.abi.call.gch_web_source_info(source)) as SourceInfo;
        const lost = this.streams.lost(source);
        return lost === undefined ? info : { ...info, lost };
    }

    async info(source: number): Promise<SourceInfo> {
        return this.readInfo(source);
    }

    async close(source: number): Promise<void> {
        this.loader.drop(source);
        this.streams.close(source);
        this.answers.drop(source);
        this.abi.check(this.abi.call.gch_web_source_close(source));
    }

    /* ---- charts ---- */

    async canPaint(): Promise<boolean> {
        if (typeof document !== 'undefined') return true;
        return (
            typeof OffscreenCanvas !== 'undefined' &&
            new OffscreenCanvas(1, 1).getContext('2d') !== null
        );
    }

    async makeChart(
        canvas?: Canvas,
        backend: BackendChoice = 'auto',
    ): Promise<{ id: number; paints: boolean }> {
        const { abi } = this;
        const showing = new Showing(backend, this.openers);
        const paints = canvas !== undefined && (await showing.open(canvas));
        abi.begin();
        const out = abi.take(4);
        const status = abi.call.gch_web_chart_make(out);
        if (status !== 0) showing.release();
        abi.check(status);
        const id = abi.view().getUint32(out, true);
        this.showings.set(id, showing);
        return { id, paints };
    }

    async giveCanvas(chart: number, canvas: Canvas): Promise<boolean> {
        const showing = this.showings.get(chart);
        const paints = (await showing?.open(canvas)) ?? false;
        if (!this.showings.has(chart)) showing?.release(); /* destroyed meanwhile */
        return paints;
    }

    async destroyChart(chart: number): Promise<void> {
        this.showings.get(chart)?.release();
        this.showings.delete(chart);
        this.abi.check(this.abi.call.gch_web_chart_destroy(chart));
    }

    /** `fallback`: why the module did not draw with what the canvas is for. */
    private reasonOf(showing: Showing | undefined, fallback: string): string {
        const failed = fallback === '' ? '' : `${showing?.surface?.backend ?? ''}: ${fallback}`;
        return [showing?.reason ?? '', failed].filter((text) => text !== '').join('; ');
    }

    async frame(chart: number, desc: FrameDesc, wantsPixels: boolean): Promise<Frame> {
        const surface = wantsPixels ? undefined : this.showings.get(chart)?.surface;
        if (surface?.settle !== undefined) await surface.settle();
        try {
            return this.drawFrame(chart, desc, surface, surface?.backend ?? 'cpu');
        } catch (cause) {
            const { code, message } = ChartError.from(cause);
            if (code !== 'limit' || surface === undefined || surface.backend === 'cpu') throw cause;
            const frame = this.drawFrame(chart, desc, surface, 'cpu');
            return { ...frame, backendReason: `${surface.backend}: ${message}` };
        }
    }

    /** Draws with a backend, and shows that if there is a surface. */
    private drawFrame(
        chart: number,
        desc: FrameDesc,
        surface: Surface | undefined,
        backend: Backend,
    ): Frame {
        const { abi } = this;
        const showing = this.showings.get(chart);
        abi.begin();
        const out = abi.take(FRAME_BYTES);
        const at = writeDesc(abi, desc, backend);
        abi.call.gch_web_line(this.line.latencyMs * 1e6, this.line.bytesPerS);
        const status = abi.call.gch_web_chart_frame(chart, at, out);
        this.fetchWants(chart);
        this.askQuestions();
        abi.check(status);
        const view = abi.view();
        const frame = readFrame(abi, out);
        frame.backendReason = this.reasonOf(showing, frame.backendReason);
        const pixelsAt = view.getUint32(out + 112, true);
        const { width, height } = frame;
        const pixels =
            pixelsAt === 0
                ? undefined
                : new Uint8ClampedArray(abi.call.memory.buffer, pixelsAt, width * height * 4);
        const handle = view.getUint32(out + 120, true);
        const picture: Picture = { width, height, backend: frame.backend, pixels, handle };
        surface?.show(picture);
        if (frame.complete === 1) this.gpu.compile();
        if (surface !== undefined && showing?.needsCanvas === true) frame.needsCanvas = true;
        if (surface === undefined && pixels !== undefined)
            frame.pixels = pixels.slice() as Uint8ClampedArray<ArrayBuffer>;
        return frame;
    }

    /** What a picture of WebGL2 is drawn from. */
    private readTables({ width, height, handle }: Picture): Tables {
        const { abi } = this;
        const at = abi.call.gch_web_chart_tables();
        const view = abi.view();
        const { buffer } = abi.call.memory;
        const words = (index: number) => {
            const place = view.getUint32(at + 8 * index, true);
            return new Uint32Array(buffer, place, view.getUint32(at + 8 * index + 4, true));
        };
        const atlas = words(4);
        return {
            kind: handle === STRIPS ? STRIPS : COMMANDS,
            width,
            height,
            commands: words(0),
            quads: words(1),
            lists: words(2),
            shapes: words(3),
            atlas: new Uint8Array(buffer, atlas.byteOffset, atlas.byteLength),
        };
    }

    async clear(chart: number, width: number, height: number, color: string): Promise<void> {
        this.showings.get(chart)?.surface?.clear(width, height, color);
    }

    private fetchWants(chart?: number): void {
        const wants: Want[] = [];
        const loaded = new Set<number>();
        let count: number;
        do {
            count = this.abi.call.gch_web_take_wants(this.wants, WANTS_CAP);
            for (let i = 0; i < count; i++) {
                const at = this.wants + i * WANT_BYTES;
                const want = this.readWant(at);
                if ((this.abi.view().getUint32(at + 4, true) & LOADED) === 0) wants.push(want);
                else if (!want.isPrefetch) loaded.add(want.source);
            }
        } while (count === WANTS_CAP);
        if (wants.length > 0 || chart !== undefined) this.loader.want(wants, chart);
        if (loaded.size > 0) /* once the frame at hand has been answered */
            setTimeout(() => loaded.forEach((source) => this.notify({ kind: 'data', source })));
    }

    private askQuestions(): void {
        const { abi } = this;
        for (;;) {
            const out = this.question;
            const status = abi.call.gch_web_take_question(out);
            if (status === statusNumber('not-found')) return;
            if (status !== 0) continue; /* the next frame is told */
            const view = abi.view();
            const [source, ticket, cancelled, url] = [0, 4, 8, 12].map((at) =>
                view.getUint32(out + at, true),
            ) as [number, number, number, number];
            if (cancelled !== 0) this.answers.cancel(cancelled);
            if (ticket !== 0) void this.answers.ask({ source, ticket, url: abi.readText(url) });
        }
    }

    private answered(question: Question, body: Uint8Array): void {
        const { abi } = this;
        try {
            const at = abi.copyIn(body);
            /* What is unsound is not taken, and pages serve then. */
            abi.call.gch_web_answer(question.source, question.ticket, 0, at, body.byteLength);
            abi.call.gch_web_free(at);
        } catch {
            this.settle(question, 'no-memory');
            return;
        }
        this.notify({ kind: 'data', source: question.source });
    }

    private settle({ source, ticket }: Question, code: ErrorCode): void {
        this.abi.call.gch_web_answer(source, ticket, statusNumber(code), 0, 0);
        this.notify({ kind: 'data', source });
    }

    async warm(source: number, column: number, from: bigint, to: bigint, width: number): Promise<void> {
        this.abi.check(this.abi.call.gch_web_source_warm(source, column, from, to, width));
        this.fetchWants();
    }

    /* ---- values at the cursor ---- */

    /** Asks for what the module then has in `byteCount` bytes at `out`; undefined after a status of `none`. */
    private ask<T>(
        byteCount: number,
        none: string[],
        call: (out: number) => number,
        read: (out: number, view: DataView) => T,
    ): T | undefined {
        const { abi } = this;
        abi.begin();
        const out = abi.take(byteCount);
        const status = abi.check(call(out), ...none);
        const value = status === 'ok' ? read(out, abi.view()) : undefined;
        this.fetchWants();
        this.askQuestions();
        return value;
    }

    async nearest(source: number, column: number, t: bigint): Promise<Sample | undefined> {
        return this.ask(
            SAMPLE_BYTES,
            ['pending', 'not-found'],
            (out) => this.abi.call.gch_web_nearest(source, column, t, out),
            (out, view) => ({
                time: view.getBigInt64(out, true),
                row: view.getFloat64(out + 8, true),
                value: view.getFloat64(out + 16, true),
                text: this.abi.readText(out + 24),
            }),
        );
    }

    async bar(
        source: number,
        column: number,
        width: string,
        timeZone: string | undefined,
        t: bigint,
    ): Promise<Bar | undefined> {
        const { abi } = this;
        return this.ask(
            BAR_BYTES,
            ['pending', 'not-found'],
            (out) =>
                abi.call.gch_web_bar_at(source, column, abi.text(width), abi.text(timeZone), t, out),
            (out, view) => ({
                from: view.getBigInt64(out, true),
                to: view.getBigInt64(out + 8, true),
                rows: view.getFloat64(out + 16, true),
                open: abi.readText(out + 32),
                high: abi.readText(out + 104),
                low: abi.readText(out + 176),
                close: abi.readText(out + 248),
                closeValue: view.getFloat64(out + 240, true),
            }),
        );
    }

    async sum(
        source: number,
        column: number,
        width: string,
        timeZone: string | undefined,
        t: bigint,
    ): Promise<Sum | undefined> {
        const { abi } = this;
        return this.ask(
            SUM_BYTES,
            ['pending', 'not-found'],
            (out) =>
                abi.call.gch_web_sum_at(source, column, abi.text(width), abi.text(timeZone), t, out),
            (out, view) => ({
                from: view.getBigInt64(out, true),
                to: view.getBigInt64(out + 8, true),
                rows: view.getFloat64(out + 16, true),
                value: view.getFloat64(out + 24, true),
                text: abi.readText(out + 32),
            }),
        );
    }

    async study(
        series: FrameSeries,
        width: string,
        timeZone: string | undefined,
        t: bigint,
    ): Promise<StudyValue | undefined> {
        const { abi } = this;
        return this.ask(
            STUDY_BYTES,
            ['pending', 'not-found', 'limit'],
            (out) => {
                const at = abi.take(SERIES_BYTES);
                writeSeries(abi, at, series);
                return abi.call.gch_web_study_at(at, abi.text(width), abi.text(timeZone), t, out);
            },
            (out, view) => ({
                from: view.getBigInt64(out, true),
                to: view.getBigInt64(out + 8, true),
                low: view.getFloat64(out + 16, true),
                high: view.getFloat64(out + 24, true),
            }),
        );
    }

    async bin(series: FrameSeries, shown: BinView, share: number): Promise<Bin | undefined> {
        const { abi } = this;
        const { source, column, bins = 0 } = series;
        const { from, to } = shown;
        return this.ask(
            BIN_BYTES,
            ['pending'],
            (out) => {
                const [left, right] = [abi.text(shown.left), abi.text(shown.right)];
                return abi.call.gch_web_bin_at(source, column, from, to, left, right, bins, share, out);
            },
            (out, view) => ({
                min: view.getFloat64(out, true),
                max: view.getFloat64(out + 8, true),
                count: view.getFloat64(out + 16, true),
            }),
        );
    }

    async pointAt(source: number, box: PlaneBox): Promise<PlanePoint | undefined> {
        const { abi } = this;
        return this.ask(
            4,
            ['pending', 'not-found', 'limit'],
            (out) => {
                const { left, right, bottom, top } = box;
                const [l, r, b, t] = [abi.text(left), abi.text(right), abi.text(bottom), abi.text(top)];
                return abi.call.gch_web_point_at(source, l, r, b, t, out);
            },
            (out, view) => abi.readJson(view.getUint32(out, true)) as PlanePoint,
        );
    }

    /* ---- the whole ---- */

    async stats(): Promise<EngineStats> {
        const json = this.abi.readJson(this.abi.call.gch_web_stats()) as EngineStats;
        return {
            ...json,
            streams: this.streams.stats(),
            alone: this.threads?.failure ?? this.alone,
            memoryBytes: this.abi.call.memory.buffer.byteLength,
            requests: this.loader.requests,
            loadedBytes: this.loader.loadedBytes,
            pendingBytes: this.loader.pendingBytes(),
            answers: this.answers.count,
        };
    }

    async stop(): Promise<void> {
        for (const opening of this.openings.values()) opening.abort();
        this.streams.closeAll();
        this.answers.stop();
        try {
            this.abi.check(this.abi.call.gch_web_stop());
        } finally {
            this.gpu.stop();
            this.threads?.end();
        }
    }
}

/** The first wish into the index, with what lies before it and up to the tail. */
function widen(want: Want, bytes: Bytes): Want {
    if (want.offset === 0) return want;
    const lead = Math.min(Math.max(bytes.byteCount / LEAD_SHARE, LEAD_MIN), LEAD_MAX);
    const offset = Math.max(0, Math.floor(want.offset - lead));
    const byteCount = Math.max(bytes.tail.offset, want.offset + want.byteCount) - offset;
    return byteCount > RANGE_MAX ? want : { ...want, offset, byteCount };
}

export async function compile(wasm: ModuleSource): Promise<WebAssembly.Module> {
    if (wasm instanceof WebAssembly.Module) return wasm;
    if (wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm))
        return WebAssembly.compile(wasm as BufferSource);
    const response = wasm instanceof Response ? wasm : await fetch(wasm as string | URL);
    if (!response.ok)
        throw new ChartError(
            'not-found',
            `${response.url}: the engine cannot be loaded (${response.status}); ` +
                'it has to lie beside the script',
        );
    const type = response.headers.get('Content-Type') ?? '';
    if (type.startsWith('application/wasm')) return WebAssembly.compileStreaming(response);
    return WebAssembly.compile(await response.arrayBuffer());
}
