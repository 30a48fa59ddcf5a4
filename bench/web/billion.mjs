// A file of a billion points at a local data server, opened in Chromium: how long until a picture and until
// the exact one, how long the frames of a script of zooms and pans take, whether the page's own thread was
// ever held up, and what memory that takes. Prints JSON.
//
//     node bench/web/billion.mjs [--points 1000000000] [--frames 300] [--engine auto|single|main] [--gpu]
//
// The file is made once, in build/. The engine draws with the processor (--backend cpu) unless told otherwise.
// With --gpu the browser has a GPU, in software, which `--backend webgl2` and `webgpu` need.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { ISOLATION, serve } from '../../web/test/server.mjs';
import { describeMachine, launch, percentile, round } from './machine.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const { values: options } = parseArgs({
    options: {
        points: { type: 'string', default: '1000000000' },
        frames: { type: 'string', default: '300' },
        engine: { type: 'string', default: 'auto' },
        backend: { type: 'string', default: 'cpu' },
        gpu: { type: 'boolean', default: false },
        command: { type: 'string', default: path.join(root, 'build/release/gpucharts') },
    },
});
const GOALS = {
    first_picture_ms: 300,
    exact_picture_ms: 1000,
    frame_p99_ms: 16.6,
    longest_task_ms: 50,
    module_bytes: 500e6,
};

function startServer(file, origin) {
    const server = spawn(
        options.command,
        ['serve', file, '--listen', '127.0.0.1:0', '--allow-origin', origin],
        { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    return new Promise((resolve, reject) => {
        let text = '';
        server.on('exit', () => reject(new Error('the server has ended')));
        server.stdout.on('data', (piece) => {
            text += piece;
            const match = /serving on (http:\S+)\//.exec(text);
            if (match !== null) resolve({ url: match[1], stop: () => server.kill() });
        });
    });
}

const file = path.join(root, `build/bench-web-${options.points}.gch`);
if (!existsSync(file))
    execFileSync(options.command, ['gen', '--points', options.points, '-o', file, '-q'], {
        stdio: 'inherit',
    });
const folder = mkdtempSync(path.join(os.tmpdir(), 'billion-'));
for (const name of ['page.html', 'billion_page.mjs'])
    cpSync(path.join(here, name), path.join(folder, name === 'page.html' ? name : 'page.js'));
const pages = await serve({ page: folder, dist: path.join(root, 'web/dist') }, ISOLATION);
const data = await startServer(file, pages.url);
const browser = await launch(options);
try {
    const { page } = browser;
    await page.goto(`${pages.url}/page/page.html`);
    await page.waitForFunction('window.isReady === true');
    const bare = browser.bytes();
    const url = `${data.url}/data/${path.basename(file)}`;
    const { engine, backend } = options;
    const opened = await page.evaluate((desc) => window.billion.open(desc), { url, engine, backend });
    const moved = await page.evaluate((count) => window.billion.move(count), Number(options.frames));
    const bytes = browser.bytes();
    const { stats } = moved;
    const figures = {
        first_picture_ms: round(opened.firstMs),
        exact_picture_ms: round(opened.exactMs),
        frame_p50_ms: round(percentile(moved.latencies, 0.5)),
        frame_p99_ms: round(percentile(moved.latencies, 0.99)),
        drawing_p50_ms: round(percentile(moved.drawn, 0.5)),
        drawing_p99_ms: round(percentile(moved.drawn, 0.99)),
        longest_task_ms: round(Math.max(0, ...moved.longTasks)),
        module_bytes: browser.touched(), // drawn by the processor, there are none of a GPU
    };
    const report = {
        benchmark: 'web billion',
        machine: describeMachine(),
        versions: { chromium: browser.version },
        gpu: options.gpu ? 'in software' : 'none',
        input: { points: Number(options.points), size: '1920x1080' },
        engine: { place: stats.place, threads: stats.threads, alone: stats.alone, backend: stats.backend },
        ...figures,
        exact_share_of_frames: round(moved.exactFrames / moved.latencies.length),
        settled_ms: round(moved.settledMs),
        opened: { requests: opened.stats.requests, bytes: opened.stats.loadedBytes, answers: opened.stats.answers },
        in_all: { requests: stats.requests, bytes: stats.loadedBytes, answers: stats.answers },
        cache_bytes: stats.data.bytes,
        wasm_addresses_bytes: stats.memoryBytes,
        browser_bytes: { blank_page: bare, in_the_end: bytes },
        goals: GOALS,
        missed: Object.keys(GOALS).filter((name) => figures[name] > GOALS[name]),
    };
    console.log(JSON.stringify(report, null, 2));
} finally {
    await browser.close();
    data.stop();
    pages.close();
    rmSync(folder, { recursive: true, force: true });
}
