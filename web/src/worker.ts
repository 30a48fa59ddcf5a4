/* The engine in a worker: calls come in as messages, answers and events go out. */
import { Engine } from './engine.js';
import { ChartError } from './error.js';
import type { EngineEvent } from './protocol.js';
import { type ThreadPlan, type ThreadWorker, threadCount, whyAlone } from './threads.js';

export type ToWorker =
    | { kind: 'start'; wasm: string; threads?: { wasm: string; script: string } }
    | { kind: 'end' }
    | { kind: 'call'; id: number; method: string; args: unknown[] };

export type FromWorker =
    | { kind: 'started' }
    | { kind: 'answer'; id: number; value: unknown }
    | { kind: 'refusal'; id: number; code: string; message: string }
    | { kind: 'event'; event: EngineEvent };

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

function planThreads(threads: { wasm: string; script: string }): ThreadPlan {
    return {
        wasm: threads.wasm,
        count: threadCount(),
        spawn: () => new Worker(threads.script, { type: 'module' }) as unknown as ThreadWorker,
    };
}

async function start({ wasm, threads }: Extract<ToWorker, { kind: 'start' }>): Promise<void> {
    try {
        const alone = threads === undefined ? 'one thread was asked for' : whyAlone();
        engine = await Engine.start(
            wasm,
            (event) => scope.postMessage({ kind: 'event', event }),
            threads !== undefined && alone === '' ? planThreads(threads) : undefined,
            alone,
        );
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
    else void answer(data.id, data.method, data.args);
};
