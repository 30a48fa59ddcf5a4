// Bundles the package and the viewer into dist/: node build.mjs [MODULE.wasm]
// The module is the one that `make wasm` built unless another is named.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const module = process.argv[2] ?? here('../build/wasm/src/web/gpucharts.wasm');

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
    entryPoints: { 'gpu-charts': here('src/index.ts'), 'gpu-charts-worker': here('src/worker.ts') },
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
execFileSync(process.execPath, [here('node_modules/typescript/bin/tsc'), '-p', here('tsconfig.json')], {
    stdio: 'inherit',
});
