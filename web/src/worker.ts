/* The engine in a worker: calls come in as messages, answers and events go out. */
import { Engine } from './engine.js';
import { ChartError } from './error.js';
import type { EngineEvent } from './protocol.js';
import type { FromThread, ToThread } from './thread.js';
import { type ThreadPlan, type ThreadWorker, threadCount } from './threads.js';

export type ToWorker =
    | {
          kind: 'start';
          wasm: string | WebAssembly.Module;
          /** If there may be some; else why not. */
          threads?: { wasm: string | WebAssembly.Module };
          alone: string;
          /** Where the WGSL is. */
          shaders: string;
      }
    | { kind: 'end' }
    /* What one of the threads says; they are the page's workers. */
    | { kind: 'thread'; number: number; data: FromThread }
    | { kind: 'call'; id: number; method: string; args: unknown[] };

export type FromWorker =
    | { kind: 'started' }
    | { kind: 'answer'; id: number; value: unknown }
    | { kind: 'refusal'; id: number; code: string; message: string }
    | { kind: 'event'; event: EngineEvent }
    | ({ kind: 'thread'; number: number } & ThreadOrder);

/** What the page does with one of its threads. */
export type ThreadOrder = { do: 'spawn' } | { do: 'post'; message: ToThread } | { do: 'terminate' };

const scope = self as unknown as {
    postMessage(message: FromWorker, transfer?: Transferable[]): void;
    onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
    close(): void;
};

let engine: Engine | undefined;

function refuse(id: number, cause: unknown): void {
    const { code, message } = ChartError.from(cause);
    scope.postMessage({ kind: 'refusal', id, code, message });
}

type Start = Extract<ToWorker, { kind: 'start' }>;

/** A thread that the page has started: Firefox hangs now and then in a worker that starts workers. */
class PageThread implements ThreadWorker {
    onmessage: ThreadWorker['onmessage'] = null;
    onerror: ThreadWorker['onerror'] = null;
    private failure: string | undefined;

    constructor(private readonly number: number) {
        this.order({ do: 'spawn' });
    }

    private order(order: ThreadOrder): void {
        scope.postMessage({ kind: 'thread', number: this.number, ...order });
    }

    postMessage(message: ToThread): void {
        this.order({ do: 'post', message });
        if (this.failure !== undefined) this.said({ kind: 'failed', message: this.failure });
    }

    terminate(): void {
        this.order({ do: 'terminate' });
    }

    said(data: FromThread): void {
        if (data.kind === 'failed') this.failure = data.message;
        this.onmessage?.({ data });
    }
}

const threadsOfPage: PageThread[] = [];

function planThreads({ wasm }: NonNullable<Start['threads']>): ThreadPlan {
    return {
        wasm,
        count: threadCount(),
        spawn: () => {
            const thread = new PageThread(threadsOfPage.length);
            threadsOfPage.push(thread);
            return thread;
        },
    };
}

async function start({ wasm, threads, alone, shaders }: Start): Promise<void> {
    try {
        const plan = threads === undefined ? undefined : planThreads(threads);
        const notify = (event: EngineEvent) => scope.postMessage({ kind: 'event', event });
        engine = await Engine.start(wasm, notify, plan, alone, shaders);
        scope.postMessage({ kind: 'started' });
    } catch (cause) {
        refuse(0, cause);
    }
}

/** Pixels are handed over, not copied. */
function transferOf(value: unknown): Transferable[] {
    const pixels = (value as { pixels?: Uint8ClampedArray<ArrayBuffer> } | undefined)?.pixels;
    return pixels === undefined ? [] : [pixels.buffer];
}

async function answer(id: number, method: string, args: unknown[]): Promise<void> {
    try {
        if (engine === undefined) throw new ChartError('invalid', 'the engine has not been started');
        const call = (engine as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[
            method
        ];
        const value = await call?.apply(engine, args);
        scope.postMessage({ kind: 'answer', id, value }, transferOf(value));
    } catch (cause) {
        refuse(id, cause);
    }
}

async function end(): Promise<void> {
    await engine?.stop().catch(() => undefined); /* a dead one leaves nothing that the worker does not */
    scope.close();
}

scope.onmessage = ({ data }) => {
    if (data.kind === 'start') void start(data);
    else if (data.kind === 'end') void end();
    else if (data.kind === 'thread') threadsOfPage[data.number]?.said(data.data);
    else void answer(data.id, data.method, data.args);
};
