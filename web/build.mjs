// Bundles the package and the viewer into dist/: node build.mjs [MODULE.wasm THREADS.wasm]
// The modules are those that `make wasm` built unless others are named: of one thread, and of several.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/* WGSL by name, as the build of the module has put it together. */
async function readShaders() {
    const folder = path.join(path.dirname(module), '../render/shaders');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.wgsl')).sort();
    const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
    return Object.fromEntries(names.map((name, i) => [name.slice(0, -'.wgsl'.length), texts[i]]));
}

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const module = process.argv[2] ?? here('../build/wasm/src/web/gpucharts.wasm');
const threads = process.argv[3] ?? here('../build/wasm-threads/src/web/gpucharts.wasm');

/* What a page loads before it draws: docs/browser.md promises it. */
const MODULE_GZIP_MAX = 400_000;
const moduleGzip = gzipSync(await readFile(module), { level: 9 }).byteLength;
if (moduleGzip > MODULE_GZIP_MAX)
    throw new Error(`${module}: ${moduleGzip} bytes gzipped, the limit is ${MODULE_GZIP_MAX}`);
console.log(`gpu-charts.wasm: ${moduleGzip} bytes gzipped`);

await rm(here('dist'), { recursive: true, force: true });
await mkdir(here('dist/viewer'), { recursive: true });
const common = {
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
};
await build({
    ...common,
    entryPoints: {
        'gpu-charts': here('src/index.ts'),
        'gpu-charts-worker': here('src/worker.ts'),
        'gpu-charts-thread': here('src/thread.ts'),
    },
    outdir: here('dist'),
    sourcemap: true,
});
await build({
    ...common,
    entryPoints: { viewer: here('viewer/viewer.ts'), style: here('viewer/viewer.css') },
    outdir: here('dist/viewer'),
    external: ['../gpu-charts.js'],
    alias: { 'gpu-charts': '../gpu-charts.js' },
});
await copyFile(here('viewer/index.html'), here('dist/viewer/index.html'));
await copyFile(module, here('dist/gpu-charts.wasm'));
await copyFile(threads, here('dist/gpu-charts-threads.wasm'));
await writeFile(here('dist/gpu-charts-shaders.json'), JSON.stringify(await readShaders()));
execFileSync(process.execPath, [here('node_modules/typescript/bin/tsc'), '-p', here('tsconfig.json')], {
    stdio: 'inherit',
});
