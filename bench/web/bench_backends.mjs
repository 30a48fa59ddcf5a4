// What does a frame cost by WebGL2, and what by the processor, in one browser on one machine? And how long after a
// page has its data is the first picture there, and the first one of the backend that was asked for?
//
//     node bench/web/bench_backends.mjs [--only first|frames] [chromium|firefox|webkit]... > out.json
//
// First pictures: each in a browser that has just been started, so that nothing is compiled or cached; the clock starts
// when the chart is made and stops when a pixel of its canvas has been read. Without WebGPU's compilers
// there is one picture only. Medians of a few starts.
//
// Frames: pans and zooms over 5 M points at 1920 x 1080, the engine on the page's thread. Frames come in batches, at whose
// end a pixel of the chart's canvas is read, so that all of them are drawn when the clock stops; a figure
// is of a batch, for one frame of it. `make build web` makes what it needs; Firefox and WebKit want a display.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { BACKENDS, launch } from '../../web/test/browsers.mjs';
import { serve } from '../../web/test/server.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = path.join(root, 'build/web-files');
const [WARM, BATCHES, BATCH] = [2, 12, 4];
const STARTS = 3;

mkdirSync(files, { recursive: true });
const walk = path.join(files, 'walk.gch');
if (!existsSync(walk))
    execFileSync(path.join(root, 'build/release/gpucharts'), ['gen', '--points', '5M', '-q', '-o', walk]);
const server = await serve({
    test: path.join(root, 'web/test/pages'),
    dist: path.join(root, 'web/dist'),
    files,
});

/* In the page: the frames of one chart by one backend. */
async function measure({ type, isBare, backend, warm, batches, batch }) {
    const { shown } = window;
    const chart = await shown.make(document.getElementById('chart'), 1920, 1080, {
        engine: 'main',
        backend,
        bare: isBare,
        series: [{ data: '/files/walk.gch', type }],
    });
    const { api } = chart.lease.engine;
    const desc = chart.describeFrame();
    const { from, to } = desc.range;
    const span = to - from;
    const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    probe.canvas.width = probe.canvas.height = 1;
    const run = async (script, number) => {
        let engine = 0;
        for (let i = 0; i < batch; i++) {
            const step = BigInt(number * batch + i);
            const width = script === 'pan' ? span / 4n : (span * (400n - step)) / 800n;
            const start = from + span / 8n + (script === 'pan' ? (span * step) / 400n : 0n);
            const frame = await api.frame(
                chart.engineChart,
                { ...desc, range: { from: start, to: start + width } },
                false,
            );
            engine += frame.totalMs;
        }
        probe.drawImage(chart.overlay.root.querySelector('canvas'), 0, 0);
        probe.getImageData(0, 0, 1, 1);
        return engine / batch;
    };
    const results = [];
    for (const script of ['pan', 'zoom']) {
        for (let i = 0; i < warm; i++) await run(script, i);
        await shown.sleep(200); /* what had not come has come */
        const [frames, engines] = [[], []];
        for (let i = 0; i < batches; i++) {
            const start = performance.now();
            engines.push(await run(script, i));
            frames.push((performance.now() - start) / batch);
        }
        const at = (list, share) =>
            +list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(share * list.length))].toFixed(2);
        results.push({
            type,
            bare: isBare,
            script,
            backend: (await chart.stats()).backend,
            frame_ms_p50: at(frames, 0.5),
            frame_ms_p99: at(frames, 0.99),
            engine_ms_p50: at(engines, 0.5),
        });
    }
    await chart.destroy();
    return results;
}

/* In the page: ms until the first picture, and until the first one by the backend. */
async function measureFirst({ isBare, backend }) {
    const { shown } = window;
    const data = await shown.charts.openData('/files/walk.gch', { engine: 'main' });
    const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const start = performance.now();
    const since = (chart) => {
        probe.drawImage(chart.overlay.root.querySelector('canvas'), 0, 0);
        probe.getImageData(0, 0, 1, 1);
        return performance.now() - start;
    };
    const options = { engine: 'main', backend, bare: isBare, series: [{ data }] };
    const chart = await shown.make(document.getElementById('chart'), 1920, 1080, options);
    const first = { ms: since(chart), by: chart.state.frame.backend };
    while (chart.state.frame.backend !== backend) await shown.sleep(1);
    const own = since(chart);
    await chart.destroy();
    await data.close();
    return { first, own };
}

/* In the page: who draws by WebGL2. */
function rendererName() {
    const gl = document.createElement('canvas').getContext('webgl2');
    const info = gl?.getExtension('WEBGL_debug_renderer_info');
    const name = gl?.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER) ?? 'none';
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
    return name;
}

async function open(name) {
    const browser = await launch(name);
    await browser.goto(`${server.url}/test/shown.html`);
    for (let i = 0; i < 200 && !(await browser.evaluate('window.isReady === true')); i++)
        await new Promise((resolve) => setTimeout(resolve, 50));
    return browser;
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

async function startAll(name) {
    const results = [];
    for (const isBare of [true, false])
        for (const backend of BACKENDS[name]) {
            const all = [];
            for (let i = 0; i < STARTS; i++) {
                const browser = await open(name);
                all.push(await browser.evaluate(`(${measureFirst})(${JSON.stringify({ isBare, backend })})`));
                await browser.close();
            }
            results.push({
                bare: isBare,
                backend,
                first_picture_ms: +median(all.map((one) => one.first.ms)).toFixed(1),
                first_picture_by: [...new Set(all.map((one) => one.first.by))].join(),
                own_picture_ms: +median(all.map((one) => one.own)).toFixed(1),
            });
        }
    return results;
}

async function drawAll(browser) {
    const results = [];
    for (const isBare of [true, false])
        for (const type of ['line', 'candles', 'area'])
            for (const backend of ['cpu', 'webgl2']) {
                const job = { type, isBare, backend, warm: WARM, batches: BATCHES, batch: BATCH };
                results.push(...(await browser.evaluate(`(${measure})(${JSON.stringify(job)})`)));
            }
    for (const one of results) {
        const cpu = results.find(
            (other) =>
                other.backend === 'cpu' &&
                other.type === one.type &&
                other.bare === one.bare &&
                other.script === one.script,
        );
        one.times_as_fast_as_cpu = +(cpu.frame_ms_p50 / one.frame_ms_p50).toFixed(2);
    }
    return results;
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const report = {
    machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, load: os.loadavg()[0] },
    input: '5 M points, a random walk; 1920 x 1080; engine on the page',
    frames: BATCHES * BATCH,
    browsers: [],
};
for (const name of positionals.length > 0 ? positionals : ['chromium']) {
    const first = values.only === 'frames' ? [] : await startAll(name);
    const browser = await open(name);
    report.browsers.push({
        name,
        version: browser.version,
        renderer: await browser.evaluate(`(${rendererName})()`),
        first,
        results: values.only === 'first' ? [] : await drawAll(browser),
    });
    await browser.close();
}
server.close();
console.log(JSON.stringify(report, null, 1));
