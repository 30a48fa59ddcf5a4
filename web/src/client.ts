/* The page's side of the engine: in a worker where there can be one, else on this thread.
 *
 * One engine serves all charts of a page. It starts with the first that needs it and ends with the
 * last (Lease.release): worker, memory and requests are gone then.
 *
 * Invariants:
 *  1. An answer settles the promise of its call; when the engine ends, all that are open are refused.
 */
import { Engine, compile } from './engine.js';
import { ChartError } from './error.js';
import type { EngineApi, EngineEvent, Rows } from './protocol.js';
import { whyAlone } from './threads.js';
import type { FromThread } from './thread.js';
import type { FromWorker, ThreadOrder, ToWorker } from './worker.js';

/** 'single': in a worker, of one thread. */
export type EnginePlace = 'auto' | 'worker' | 'main' | 'single';

/** Of an engine that is to end: then it is ended, whatever it does. */
const END_MS = 2000;

type Listener = (event: EngineEvent) => void;

export interface EngineHandle {
    readonly api: EngineApi;
    readonly place: 'worker' | 'main';
    /** Why it is not in a worker; '' if it is, or was not asked to be. */
    readonly fallback: string;
    listen(listener: Listener): () => void;
    end(): void;
}

/* What lies beside this script. Bundlers (Vite, webpack) find these files, and bring them along, by exactly this
 * form: `new URL('literal', import.meta.url)`, of a script inside `new Worker(…)`. */
const ASSETS = {
    get wasm() {
        return new URL('./gpu-charts.wasm', import.meta.url).href;
    },
    get threadsWasm() {
        return new URL('./gpu-charts-threads.wasm', import.meta.url).href;
    },
    get shaders() {
        return new URL('./gpu-charts-shaders.json', import.meta.url).href;
    },
};

class Listeners {
    private readonly all = new Set<Listener>();

    listen(listener: Listener): () => void {
        this.all.add(listener);
        return () => this.all.delete(listener);
    }

    tell(event: EngineEvent): void {
        for (const listener of [...this.all]) listener(event);
    }
}

async function startHere(fallback: string): Promise<EngineHandle> {
    const listeners = new Listeners();
    const api = await Engine.start(
        ASSETS.wasm,
        (event) => listeners.tell(event),
        undefined,
        "the engine is on the page's thread, which may not wait for others",
        ASSETS.shaders,
    );
    return {
        api,
        place: 'main',
        fallback,
        listen: (listener) => listeners.listen(listener),
        end: () => void api.stop().catch(() => undefined),
    };
}

/** What an argument hands over. */
function transferOf(arg: unknown): Transferable[] {
    if (typeof OffscreenCanvas !== 'undefined' && arg instanceof OffscreenCanvas) return [arg];
    const rows = arg as Partial<Rows> | undefined;
    if (rows?.isHandedOver !== true) return [];
    const arrays = [...(rows.times === undefined ? [] : [rows.times]), ...(rows.columns ?? [])];
    return arrays.map((array) => array.buffer as ArrayBuffer);
}

interface Call {
    resolve: (value: unknown) => void;
    reject: (cause: ChartError) => void;
}

/** The calls of the API as messages; `post` sends one. */
function makeProxy(post: (message: ToWorker, transfer: Transferable[]) => void, calls: Map<number, Call>) {
    let lastId = 0;
    return new Proxy({} as EngineApi, {
        get: (_, method: string) => {
            if (method === 'then') return undefined;
            return (...args: unknown[]) =>
                new Promise((resolve, reject) => {
                    const id = ++lastId;
                    calls.set(id, { resolve, reject });
                    post({ kind: 'call', id, method, args }, args.flatMap(transferOf));
                });
        },
    });
}

/** The module is compiled here, while the worker starts; what cannot be is left to the worker, which says why. */
async function describeStart(place: EnginePlace): Promise<ToWorker> {
    const alone = place === 'single' ? 'one thread was asked for' : whyAlone();
    const { wasm, threadsWasm, shaders } = ASSETS;
    const url = alone === '' ? threadsWasm : wasm;
    const module = await compile(url).catch(() => url);
    return alone === ''
        ? { kind: 'start', wasm, alone, shaders, threads: { wasm: module } }
        : { kind: 'start', wasm: module, alone, shaders };
}

/** The threads of an engine, which are workers of the page. */
class PageThreads {
    private readonly workers = new Map<number, Worker>();

    constructor(private readonly tell: (message: ToWorker) => void) {}

    obey(number: number, order: ThreadOrder): void {
        if (order.do === 'spawn') this.spawn(number);
        else if (order.do === 'post') this.workers.get(number)?.postMessage(order.message);
        else this.workers.get(number)?.terminate();
    }

    private spawn(number: number): void {
        const failed = (message: string) =>
            this.tell({ kind: 'thread', number, data: { kind: 'failed', message } });
        try {
            const worker = new Worker(new URL('./gpu-charts-thread.js', import.meta.url), {
                type: 'module',
            });
            worker.onmessage = ({ data }: MessageEvent<FromThread>) =>
                this.tell({ kind: 'thread', number, data });
            worker.onerror = (event) => {
                event.preventDefault();
                failed(event.message || 'the script of a thread cannot be loaded');
            };
            this.workers.set(number, worker);
        } catch (cause) {
            failed(ChartError.from(cause).message);
        }
    }

    end(): void {
        for (const worker of this.workers.values()) worker.terminate();
        this.workers.clear();
    }
}

function startWorker(place: EnginePlace): Promise<EngineHandle> {
    return new Promise((resolve, reject) => {
        const worker = new Worker(new URL('./gpu-charts-worker.js', import.meta.url), {
            type: 'module',
        });
        const threads = new PageThreads((message) => worker.postMessage(message));
        const listeners = new Listeners();
        const calls = new Map<number, Call>();
        let isEnded = false;
        const refuseAll = (cause: ChartError) => {
            for (const call of calls.values()) call.reject(cause);
            calls.clear();
        };
        const handle: EngineHandle = {
            api: makeProxy((message, transfer) => {
                if (isEnded) refuseAll(new ChartError('cancelled', 'the engine has ended'));
                else worker.postMessage(message, transfer);
            }, calls),
            place: 'worker',
            fallback: '',
            listen: (listener) => listeners.listen(listener),
            end: () => {
                isEnded = true;
                worker.postMessage({ kind: 'end' } satisfies ToWorker);
                setTimeout(() => {
                    worker.terminate();
                    threads.end();
                }, END_MS);
                refuseAll(new ChartError('cancelled', 'the engine has ended'));
            },
        };
        worker.onerror = (event) => {
            event.preventDefault();
            const cause = new ChartError('unavailable', event.message || 'the worker cannot be loaded');
            reject(cause);
            refuseAll(cause);
        };
        worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
            if (data.kind === 'started') {
                resolve(handle);
            } else if (data.kind === 'thread') {
                threads.obey(data.number, data);
            } else if (data.kind === 'event') {
                listeners.tell(data.event);
            } else if (data.kind === 'answer') {
                calls.get(data.id)?.resolve(data.value);
                calls.delete(data.id);
            } else {
                const cause = new ChartError(data.code, data.message);
                if (data.id === 0) {
                    worker.terminate();
                    threads.end();
                    reject(cause);
                }
                calls.get(data.id)?.reject(cause);
                calls.delete(data.id);
            }
        };
        void describeStart(place).then((start) => {
            if (!isEnded) worker.postMessage(start);
        });
    });
}

/** Falls through to this thread where a worker is refused (another origin, a policy). */
export async function startEngine(place: EnginePlace): Promise<EngineHandle> {
    if (place === 'main') return startHere('');
    try {
        return await startWorker(place);
    } catch (cause) {
        if (place !== 'auto') throw ChartError.from(cause);
        return startHere(ChartError.from(cause).message);
    }
}

/* ---- one engine a page ---- */

interface Shared {
    handle: Promise<EngineHandle>;
    leases: number;
}

const shared = new Map<EnginePlace, Shared>();

export interface Lease {
    engine: EngineHandle;
    /** The last one ends the engine. May be called again. */
    release(): void;
}

export async function leaseEngine(place: EnginePlace): Promise<Lease> {
    let entry = shared.get(place);
    if (entry === undefined) {
        entry = { handle: startEngine(place), leases: 0 };
        shared.set(place, entry);
    }
    const mine = entry;
    mine.leases++;
    let isHeld = true;
    const drop = () => {
        if (!isHeld) return false;
        isHeld = false;
        if (--mine.leases > 0) return false;
        if (shared.get(place) === mine) shared.delete(place);
        return true;
    };
    try {
        const engine = await mine.handle;
        return {
            engine,
            release: () => {
                if (drop()) engine.end();
            },
        };
    } catch (cause) {
        drop();
        throw cause;
    }
}
