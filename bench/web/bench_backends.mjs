// What does a frame cost by WebGL2, and what by the processor, in one browser on one machine?
//
//     node bench/web/bench_backends.mjs [chromium|firefox|webkit]... > out.json
//
// Pans and zooms over 5 M points at 1920 x 1080, the engine on the page's thread. Frames come in batches, at whose
// end a pixel of the chart's canvas is read, so that all of them are drawn when the clock stops; a figure
// is of a batch, for one frame of it. `make build web` makes what it needs; Firefox and WebKit want a display.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { launch } from '../../web/test/browsers.mjs';
import { serve } from '../../web/test/server.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = path.join(root, 'build/web-files');
const [WARM, BATCHES, BATCH] = [2, 12, 4];

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

/* In the page: who draws by WebGL2. */
function rendererName() {
    const gl = document.createElement('canvas').getContext('webgl2');
    const info = gl?.getExtension('WEBGL_debug_renderer_info');
    const name = gl?.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER) ?? 'none';
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
    return name;
}

const report = {
    machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, load: os.loadavg()[0] },
    input: '5 M points, a random walk; 1920 x 1080; engine on the page',
    frames: BATCHES * BATCH,
    browsers: [],
};
for (const name of process.argv.length > 2 ? process.argv.slice(2) : ['chromium']) {
    const browser = await launch(name);
    await browser.goto(`${server.url}/test/shown.html`);
    for (let i = 0; i < 200 && !(await browser.evaluate('window.isReady === true')); i++)
        await new Promise((resolve) => setTimeout(resolve, 50));
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
    report.browsers.push({
        name,
        version: browser.version,
        renderer: await browser.evaluate(`(${rendererName})()`),
        results,
    });
    await browser.close();
}
server.close();
console.log(JSON.stringify(report, null, 1));
