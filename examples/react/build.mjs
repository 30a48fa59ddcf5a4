// Bundles the example into a folder, with the package beside it: node build.mjs FOLDER, in web/.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { build } = createRequire(here('../../web/package.json'))('esbuild');

export async function bundle(folder, entry = here('main.tsx')) {
    mkdirSync(folder, { recursive: true });
    await build({
        entryPoints: { main: entry },
        outdir: folder,
        bundle: true,
        format: 'esm',
        target: 'es2022',
        jsx: 'automatic',
        define: { 'process.env.NODE_ENV': '"production"' },
        minify: true,
        legalComments: 'none',
        logLevel: 'warning',
        /* The package stays as it is: it finds its worker and its module beside itself. */
        external: ['./gpu-charts.js'],
        alias: { 'gpu-charts': './gpu-charts.js' },
        nodePaths: [here('../../web/node_modules')],
    });
    copyFileSync(here('index.html'), path.join(folder, 'index.html'));
    const dist = here('../../web/dist');
    for (const name of readdirSync(dist).filter((one) => /\.(js|wasm)$/.test(one)))
        copyFileSync(path.join(dist, name), path.join(folder, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle(process.argv[2] ?? 'site');
