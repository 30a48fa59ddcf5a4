// What the tests in node share: the package's sources bundled for node, and where things lie.
//
// COMMAND, MODULE and FILES in the environment name the command, gpucharts.wasm and a folder to write to;
// their defaults are those of `make test-web`.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const COMMAND = process.env.COMMAND ?? path.join(root, 'build/release/gpucharts');
export const MODULE = process.env.MODULE ?? path.join(root, 'build/wasm/src/web/gpucharts.wasm');
export const FILES = process.env.FILES ?? path.join(root, 'build/web-files');

/** The exports of a source file of the package. */
export async function load(source) {
    const outfile = path.join(FILES, 'bundles', `${path.basename(source, '.ts')}.mjs`);
    await build({
        entryPoints: [path.join(root, 'web/src', source)],
        outfile,
        bundle: true,
        format: 'esm',
        target: 'es2022',
        logLevel: 'warning',
    });
    return import(pathToFileURL(outfile).href);
}

export function readModule() {
    return readFileSync(MODULE);
}

/** The description of a bare picture of one series. */
export function bareFrame(view, source) {
    return {
        width: view.width,
        height: view.height,
        scale: 1,
        isBare: true,
        isDark: false,
        isLog: false,
        hasLegend: true,
        series: [{ source, column: 0, mark: view.type, color: 0, width: 0 }],
        range: { from: BigInt(view.from), to: BigInt(view.to) },
        ...(view.bar === undefined ? {} : { barWidth: view.bar }),
    };
}

/** Frames until one is complete; `next` resolves when something has arrived. */
export async function drawComplete(engine, chart, desc, next, limit = 200) {
    for (let i = 0; i < limit; i++) {
        const arrival = next();
        const frame = await engine.frame(chart, desc, true);
        if (frame.complete === 1) return frame;
        await arrival;
    }
    throw new Error('the picture does not become complete');
}

/** Events of an engine, and a promise of the next one. */
export function makeEvents() {
    const waiting = [];
    const events = [];
    return {
        events,
        notify: (event) => {
            events.push(event);
            for (const resolve of waiting.splice(0)) resolve(event);
        },
        next: () => new Promise((resolve) => waiting.push(resolve)),
    };
}
