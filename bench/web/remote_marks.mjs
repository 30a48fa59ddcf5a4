// What a cold view of a remote file costs by mark and zoom: a file at a data server, seen through a link with a
// delay and a rate by the engine in node. For each view: requests, bytes over the link, and how long until
// the first picture that shows something and until the exact one. Prints JSON.
//
//     node bench/web/remote_marks.mjs [--points 200000000 | --file FILE] [--rtt-ms 40] [--mbit-s 20] [--runs 1]
//         [--marks line,candles,...] [--shares 1,0.1,...] [--pages]
//
// --pages: nothing is asked but ranges of bytes, as of any server.
// The file is made once, in build/: ticks, whose times are uneven, so that even the rows of a bar must be searched.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.env.FILES ??= path.join(os.tmpdir(), `remote-marks-${process.pid}`);
const { load, makeEvents, readModule } = await import('../../web/test/node.mjs');
const { describeMachine } = await import('./machine.mjs');

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
    options: {
        points: { type: 'string', default: '200000000' },
        file: { type: 'string' },
        'rtt-ms': { type: 'string', default: '40' },
        'mbit-s': { type: 'string', default: '20' },
        runs: { type: 'string', default: '1' },
        marks: { type: 'string', default: 'line,candles,ohlc,bars,volume,sma' },
        shares: { type: 'string', default: '1,0.1,0.01,0.001,0.0001' },
        pages: { type: 'boolean', default: false },
        command: { type: 'string', default: path.join(root, 'build/release/gpucharts') },
    },
});
const RTT_MS = Number(options['rtt-ms']);
const BYTES_PER_MS = (Number(options['mbit-s']) * 1e6) / 8 / 1000;
const SIZE = { width: 1280, height: 720 };
const BAR_PX = 8;
const GIVE_UP_MS = 60_000;

/** A link: what goes either way arrives half a round trip later, and what comes shares the rate. */
async function makeLink(port) {
    const link = { bytes: 0, connections: 0, freeAt: 0 };
    const late = (socket, at, what) => setTimeout(() => !socket.destroyed && what(), Math.max(0, at - performance.now()));
    const server = net.createServer((near) => {
        link.connections++;
        const far = net.connect(port, '127.0.0.1');
        near.setNoDelay(true);
        far.setNoDelay(true);
        const handshake = performance.now() + RTT_MS;
        near.on('data', (piece) => late(far, Math.max(handshake, performance.now()) + RTT_MS / 2, () => far.write(piece)));
        far.on('data', (piece) => {
            link.bytes += piece.length;
            link.freeAt = Math.max(link.freeAt, performance.now()) + piece.length / BYTES_PER_MS;
            late(near, link.freeAt + RTT_MS / 2, () => near.write(piece));
        });
        const end = (socket) => () => setTimeout(() => socket.destroy(), RTT_MS);
        near.on('close', end(far)).on('error', () => undefined);
        far.on('close', end(near)).on('error', () => undefined);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return Object.assign(link, { port: server.address().port, close: () => server.close() });
}

function startServer(file) {
    const server = spawn(options.command, ['serve', file, '--listen', '127.0.0.1:0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    return new Promise((resolve, reject) => {
        let text = '';
        server.on('exit', () => reject(new Error('the server has ended')));
        server.stdout.on('data', (piece) => {
            text += piece;
            const match = /serving on http:\S+:(\d+)\//.exec(text);
            if (match !== null) resolve({ port: Number(match[1]), stop: () => server.kill() });
        });
    });
}

/** The series of a chart, and what the bars of the view are as wide as. */
function describe(mark, source, info, from, to) {
    const ticks = Math.max(1, Math.round((Number(to - from) * BAR_PX) / SIZE.width));
    const series = { source, column: 0, mark, color: 0, width: 0 };
    const last = info.columns.length - 1;
    if (mark === 'sma') Object.assign(series, { mark: 'line', study: { kind: 'sma', length: 20, column: 0 } });
    if (mark === 'volume') Object.assign(series, { column: last, priceBy: 0 });
    return {
        ...SIZE,
        scale: 1,
        isBare: false,
        isLog: false,
        hasLegend: true,
        series: [series],
        range: { from, to },
        ...(mark === 'line' ? {} : { barWidth: String(ticks) }),
    };
}

/** A cold engine until the view is exact. */
async function measure(Engine, url, mark, share) {
    const { notify, next } = makeEvents();
    const engine = await Engine.start(readModule(), notify);
    const { id, info } = await engine.openUrl(url, {});
    const chart = (await engine.makeChart()).id;
    const [first, last] = [BigInt(info.first), BigInt(info.last)];
    const span = Number(last - first) + 1;
    const from = first + BigInt(Math.floor(((1 - share) / 3) * span));
    const to = from + BigInt(Math.floor(share * span));
    const before = { ...(await engine.stats()), link: link.bytes };
    const start = performance.now();
    let [exactMs, shownMs, frames] = [null, null, 0];
    while (exactMs === null && performance.now() - start < GIVE_UP_MS) {
        const arrival = next();
        const frame = await engine.frame(chart, describe(mark, id, info, from, to), true);
        frames++;
        const ms = performance.now() - start;
        if (frame.complete > 0) shownMs ??= ms;
        if (frame.complete === 1) exactMs = ms;
        else await Promise.race([arrival, new Promise((resolve) => setTimeout(resolve, 1000))]);
    }
    const stats = await engine.stats();
    const bytes = link.bytes - before.link;
    await engine.stop();
    return {
        exact_ms: exactMs === null ? null : Math.round(exactMs),
        shown_ms: shownMs === null ? null : Math.round(shownMs),
        requests: stats.requests - before.requests + stats.answers - before.answers,
        of_them_answers: stats.answers - before.answers,
        kilobytes: Math.round(bytes / 1000),
        frames,
    };
}

const file = options.file ?? path.join(root, `build/bench-remote-${options.points}.gch`);
if (!existsSync(file))
    execFileSync(options.command, ['gen', '--kind', 'ticks', '--points', options.points, '-o', file, '-q'], {
        stdio: 'inherit',
    });
const { Engine } = await load('engine.ts');
const server = await startServer(file);
const link = await makeLink(server.port);
try {
    /* What has a query may be anything, and is not asked for more than ranges. */
    const query = options.pages ? '?token=x' : '';
    const url = `http://127.0.0.1:${link.port}/data/${path.basename(file)}${query}`;
    const views = [];
    for (const share of options.shares.split(',').map(Number))
        for (const mark of options.marks.split(',')) {
            const runs = [];
            for (let i = 0; i < Number(options.runs); i++) runs.push(await measure(Engine, url, mark, share));
            runs.sort((a, b) => (a.exact_ms ?? Infinity) - (b.exact_ms ?? Infinity));
            const view = { mark, share, ...runs[Math.floor(runs.length / 2)] };
            views.push(view);
            console.error(JSON.stringify(view));
        }
    const link_is = { rtt_ms: RTT_MS, mbit_s: Number(options['mbit-s']), by_pages: options.pages };
    const input = { file: path.basename(file), size: `${SIZE.width}x${SIZE.height}`, bar_px: BAR_PX };
    console.log(JSON.stringify({ benchmark: 'web remote marks', machine: describeMachine(), link: link_is, input, views }, null, 2));
} finally {
    link.close();
    server.stop();
    rmSync(process.env.FILES, { recursive: true, force: true });
}
