// Charts of the web side by side, in one Chromium, on the same data, each set up as its documentation asks
// for speed: how long until the first picture is done, how long a frame of a zoom takes, how much memory the
// browser's processes have. Prints JSON.
//
//     node bench/web/peers.mjs [--points 1000000,10000000] [--frames 120] [--only gpu-charts,uPlot] [--gpu]
//
// In a browser as it comes, which without a GPU has no WebGPU; with --gpu in one that has a GPU in software.
//
// A frame counts when it is complete: 2D canvases and WebGL are read back, WebGPU queues are awaited, and our
// own chart says that its picture is exact and in its canvas. Of libraries that draw when the screen asks,
// waiting for the screen does not count. Each figure is of a browser started for it. What a library cannot
// do is printed in its place.
import { build } from 'esbuild';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { ISOLATION, serve } from '../../web/test/server.mjs';
import { describeMachine, launch, percentile, round, versionOf } from './machine.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const PEERS = {
    'gpu-charts': { file: 'gpucharts' },
    uPlot: { file: 'uplot', package: 'uplot' },
    ECharts: { file: 'echarts', package: 'echarts' },
    ChartGPU: { file: 'chartgpu', package: 'chartgpu' },
    'lightweight-charts': { file: 'lightweight', package: 'lightweight-charts' },
    TimeChart: { file: 'timechart', package: 'timechart' },
};
const STEP_TIMEOUT_MS = 180_000;
const { values: options } = parseArgs({
    options: {
        points: { type: 'string', default: '1000000,10000000' },
        frames: { type: 'string', default: '120' },
        gpu: { type: 'boolean', default: false },
        only: { type: 'string', default: Object.keys(PEERS).join(',') },
        query: { type: 'string', default: '' }, // of our page: engine=single&backend=cpu
    },
});

async function bundle(folder, { file }) {
    await build({
        entryPoints: { page: path.join(here, 'page.mjs') },
        outdir: path.join(folder, file),
        bundle: true,
        format: 'esm',
        target: 'es2022',
        minify: true,
        logLevel: 'error',
        alias: { peer: path.join(here, 'peers', `${file}.mjs`) },
        external: ['/dist/gpu-charts.js'],
    });
    cpSync(path.join(here, 'page.html'), path.join(folder, file, 'page.html'));
}

function within(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(
            () => reject(new Error(`${what}: not within ${STEP_TIMEOUT_MS / 1000} s`)),
            STEP_TIMEOUT_MS,
        );
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** With `opens` false only of the arrays, which every figure of memory holds too. */
async function measure(url, points, frames, opens) {
    const browser = await launch(options);
    const { page } = browser;
    const died = new Promise((_, reject) => page.on('crash', () => reject(new Error('the tab crashed'))));
    died.catch(() => undefined);
    const step = (what, call, argument) =>
        within(Promise.race([page.evaluate(call, argument), died]), what);
    try {
        await page.goto(url);
        await page.waitForFunction('window.isReady === true');
        await step('making the data', (count) => window.bench.prepare(count), points);
        if (!opens) return { bytes: browser.bytes(), version: browser.version };
        const { ms, note } = await step('the first picture', () => window.bench.open());
        const taken = await step('zooming', (count) => window.bench.zoom(count), frames);
        const bytes = browser.bytes();
        return {
            first_picture_ms: round(ms),
            zoom_p50_ms: round(percentile(taken, 0.5)),
            zoom_p99_ms: round(percentile(taken, 0.99)),
            memory_bytes: bytes,
            note,
        };
    } catch (cause) {
        return { cannot: String(cause.message ?? cause).split('\n')[0] };
    } finally {
        await browser.close();
    }
}

const COLUMNS = ['first_picture_ms', 'zoom_p50_ms', 'zoom_p99_ms', 'memory_bytes'];

/** How many times ours each peer takes; which columns we are first in. */
function compare(results) {
    const ours = results['gpu-charts'];
    const others = Object.entries(results).filter(([name]) => name !== 'gpu-charts');
    if (ours === undefined || ours.cannot !== undefined) return {};
    const ratios = Object.fromEntries(
        others
            .filter(([, one]) => one.cannot === undefined)
            .map(([name, one]) => [
                name,
                Object.fromEntries(COLUMNS.map((column) => [column, round(one[column] / ours[column])])),
            ]),
    );
    const least = Object.fromEntries(
        COLUMNS.map((column) => [column, Math.min(...Object.values(ratios).map((one) => one[column]))]),
    );
    return { ratios, least_ratio: least, first_in: COLUMNS.filter((column) => least[column] >= 1) };
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'peers-'));
const server = await serve({ page: folder, dist: path.join(here, '../../web/dist') }, ISOLATION);
try {
    const names = options.only.split(',');
    for (const name of names) await bundle(folder, PEERS[name]);
    const report = {
        benchmark: 'web peers',
        machine: describeMachine(),
        gpu: options.gpu ? 'in software' : 'none',
        versions: Object.fromEntries(
            names
                .filter((name) => PEERS[name].package !== undefined)
                .map((name) => [name, versionOf(PEERS[name].package, here)]),
        ),
        input: 'a walk of doubles, one a second; 1920x1080',
        frames: Number(options.frames),
        sizes: {},
    };
    for (const points of options.points.split(',').map(Number)) {
        const address = (name) =>
            `${server.url}/page/${PEERS[name].file}/page.html` +
            (name === 'gpu-charts' && options.query !== '' ? `?${options.query}` : '');
        const bare = await measure(address(names[0]), points, 0, false);
        report.versions.chromium = bare.version;
        const results = {};
        for (const name of names) {
            results[name] = await measure(address(name), points, report.frames, true);
            console.error(points, name, JSON.stringify(results[name]));
        }
        report.sizes[points] = { arrays_only_bytes: bare.bytes, results, ...compare(results) };
    }
    console.log(JSON.stringify(report, null, 2));
} finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
}
