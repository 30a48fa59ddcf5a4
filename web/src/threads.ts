/* Threads of the engine: workers that run instances of one module over one memory.
 *
 * The engine begins alone; workers join it once all of them wait in the module, so that nothing of the
 * first picture waits for them. A worker that does not come is left out.
 *
 * Invariants:
 *  1. A worker's stack and its thread-local block belong to it as long as the memory lives.
 *  2. Only an engine in a worker has threads: it waits for them, which a page's own thread may not.
 */
import type { Abi } from './abi.js';
import { ChartError } from './error.js';
import type { FromThread, ToThread } from './thread.js';

/** What the engine needs of a Worker. */
export interface ThreadWorker {
    onmessage: ((event: { data: FromThread }) => void) | null;
    onerror: ((event: { message: string; preventDefault?(): void }) => void) | null;
    postMessage(message: ToThread): void;
    terminate(): void;
}

/** A module, its bytes, or where they are. */
export type ModuleSource = WebAssembly.Module | string | URL | Response | BufferSource;

export interface ThreadPlan {
    /** Of the module with threads. */
    wasm: ModuleSource;
    /** The engine's own included. */
    count: number;
    spawn(): ThreadWorker;
}

/** As many as the module has places for, and its own. */
const COUNT_MAX = 8;
const STACK_BYTES = 1 << 20;
const PARK_TRIES = 1000;
/** Pages of 64 KiB: as many as the module may have, or what a small device reserves. */
const MEMORY_MAXIMA = [65536, 32768, 8192];
const MEMORY_INITIAL = 64;

/** Why there can be no threads here; '' if there can. */
export function whyAlone(): string {
    if (typeof SharedArrayBuffer === 'undefined') return 'the browser does not share memory';
    if (!self.crossOriginIsolated) return 'the page is not cross-origin isolated';
    if (!(navigator.hardwareConcurrency > 1)) return 'the machine has one processor';
    return '';
}

export function threadCount(): number {
    return Math.min(COUNT_MAX, navigator.hardwareConcurrency);
}

export function makeSharedMemory(): WebAssembly.Memory {
    for (const maximum of MEMORY_MAXIMA) {
        try {
            return new WebAssembly.Memory({ initial: MEMORY_INITIAL, maximum, shared: true });
        } catch (cause) {
            if (!(cause instanceof RangeError)) throw cause;
        }
    }
    throw new ChartError('no-memory', 'the browser reserves no memory to share');
}

export class Threads {
    private workers: ThreadWorker[] = [];
    private ready = 0;
    private settled = 0;
    private isEnded = false;
    private abi: Abi | undefined;
    /** Why there are fewer than planned; '' if there are not. */
    failure = '';

    constructor(plan: ThreadPlan) {
        try {
            for (let i = 1; i < plan.count; i++) this.workers.push(plan.spawn());
        } catch (cause) {
            this.failure = ChartError.from(cause).message;
        }
    }

    /** Has them join the engine of `abi` when they are there. */
    start(abi: Abi, module: WebAssembly.Module, memory: WebAssembly.Memory): void {
        this.abi = abi;
        this.workers.forEach((worker, number) => {
            const settle = (failure: string) => {
                worker.onmessage = worker.onerror = null;
                if (failure === '') this.ready++;
                else this.failure = failure;
                if (++this.settled === this.workers.length) this.join(abi, 0);
            };
            worker.onmessage = ({ data }) => settle(data.kind === 'ready' ? '' : data.message);
            worker.onerror = (event) => {
                event.preventDefault?.();
                settle(event.message || 'the script of a thread cannot be loaded');
            };
            worker.postMessage({
                module,
                memory,
                number,
                stackTop: abi.alloc(STACK_BYTES) + STACK_BYTES,
                tls: abi.alloc(Math.max(1, abi.tlsBytes())),
                timeOrigin: performance.timeOrigin,
            });
        });
    }

    /** They say that they are ready just before they wait in the module. */
    private join(abi: Abi, tries: number): void {
        if (this.isEnded || this.ready === 0) return;
        const { call } = abi;
        if ((call.gch_web_threads_parked?.() ?? 0) < this.ready && tries < PARK_TRIES) {
            setTimeout(() => this.join(abi, tries + 1), 1);
            return;
        }
        try {
            abi.check(call.gch_web_threads_use?.() ?? 0);
        } catch (cause) {
            this.failure = ChartError.from(cause).message;
        }
    }

    /** After the engine has stopped. Browsers take seconds to end a worker that waits in a module. */
    end(): void {
        this.isEnded = true;
        this.abi?.call.gch_web_threads_end?.();
        for (const worker of this.workers) worker.terminate();
        this.workers = [];
    }
}
