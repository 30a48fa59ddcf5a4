/* One thread of the engine: an instance over its memory, which waits in the module for work. */
export interface ToThread {
    module: WebAssembly.Module;
    memory: WebAssembly.Memory;
    number: number;
    stackTop: number;
    tls: number;
    /** The engine's clock begins there. */
    timeOrigin: number;
}

export type FromThread = { kind: 'ready' } | { kind: 'failed'; message: string };

interface Exports {
    __stack_pointer: WebAssembly.Global;
    __wasm_init_tls(block: number): void;
    gch_web_thread_run(number: number): void;
    gch_web_thread_trapped(): void;
}

const scope = self as unknown as {
    postMessage(message: FromThread): void;
    onmessage: ((event: { data: ToThread }) => void) | null;
    close(): void;
};

/** Work has no use of the host but for its clock. */
function importsOf(start: ToThread): WebAssembly.Imports {
    const shift = performance.timeOrigin - start.timeOrigin;
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module, name, kind } of WebAssembly.Module.imports(start.module))
        if (kind === 'function')
            (imports[module] ??= {})[name] = () => {
                throw new Error(`${name}: a call for the engine's own thread`);
            };
    imports.gch = { ...imports.gch, clock_ns: () => (performance.now() + shift) * 1e6 };
    imports.env = { ...imports.env, memory: start.memory };
    return imports;
}

async function run(start: ToThread): Promise<void> {
    let exports: Exports | undefined;
    try {
        const instance = await WebAssembly.instantiate(start.module, importsOf(start));
        exports = instance.exports as unknown as Exports;
        exports.__stack_pointer.value = start.stackTop;
        exports.__wasm_init_tls(start.tls);
        scope.postMessage({ kind: 'ready' });
        exports.gch_web_thread_run(start.number);
        scope.close();
    } catch (cause) {
        exports?.gch_web_thread_trapped();
        scope.postMessage({ kind: 'failed', message: String(cause) });
    }
}

scope.onmessage = ({ data }) => void run(data);
