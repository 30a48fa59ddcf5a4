// What threads gain: an engine of one thread and engines of several in node, packing rows and drawing frames.
// Prints JSON; the ratios are of times, one thread's over theirs.
//
//     node bench/web/threads.mjs [--points 10000000] [--frames 100] [--threads 2,4]
import os from 'node:os';
import { parseArgs } from 'node:util';

import { load, planThreads, readModule } from '../../web/test/node.mjs';
import { describeMachine, percentile, round } from './machine.mjs';

const { values: options } = parseArgs({
    options: {
        points: { type: 'string', default: '10000000' },
        frames: { type: 'string', default: '100' },
        threads: { type: 'string', default: String(Math.max(2, os.cpus().length)) },
    },
});
const points = Number(options.points);
const frames = Number(options.frames);
const START_MS = Date.UTC(2020, 0, 1);
const PIECE_ROWS = 1 << 20;
const SERIES = 4;

const times = Float64Array.from({ length: points }, (_, i) => START_MS + 1000 * i);
let value = 0;
const values = Float64Array.from(times, (_, i) => (value += Math.sin(i * i)));

async function measure(count) {
    const { Engine } = await load('engine.ts');
    const plan = count > 1 ? await planThreads(count) : undefined;
    const engine = await Engine.start(readModule(), () => undefined, plan);
    while ((await engine.stats()).threads < count) await new Promise((resolve) => setTimeout(resolve, 5));
    const { id } = await engine.openLive({
        name: 'walk',
        unit: 'ms',
        columns: [{ name: 'value', type: 'f64' }],
    });
    const start = performance.now();
    for (let first = 0; first < points; first += PIECE_ROWS) {
        const end = Math.min(points, first + PIECE_ROWS);
        await engine.append(id, {
            times: times.subarray(first, end),
            columns: [values.subarray(first, end)],
            count: end - first,
        });
    }
    const packMs = performance.now() - start;
    const chart = (await engine.makeChart()).id;
    const taken = [];
    const span = points * 1000;
    for (let i = 0; i < frames + 10; i++) {
        const width = span * 1000 ** -Math.abs(1 - (2 * i) / frames);
        const from = BigInt(Math.round(START_MS + (span - width) / 2));
        const series = { source: id, column: 0, mark: 'line', color: 0, width: 0 };
        const frame = await engine.frame(
            chart,
            {
                width: 1920,
                height: 1080,
                scale: 1,
                isBare: false,
                isLog: false,
                hasLegend: true,
                series: Array(SERIES).fill(series),
                range: { from, to: from + BigInt(Math.round(width)) },
            },
            false,
        );
        if (i >= 10) taken.push(frame.totalMs); /* compiled for speed by then */
    }
    await engine.stop();
    return {
        threads: count,
        pack_million_rows_per_s: round(points / packMs / 1000),
        frame_p50_ms: round(percentile(taken, 0.5)),
        frame_p99_ms: round(percentile(taken, 0.99)),
    };
}

const one = await measure(1);
const many = [];
for (const count of options.threads.split(',').map(Number)) {
    const figures = await measure(count);
    many.push({
        ...figures,
        faster: {
            pack: round(figures.pack_million_rows_per_s / one.pack_million_rows_per_s),
            frame_p50: round(one.frame_p50_ms / figures.frame_p50_ms),
            frame_p99: round(one.frame_p99_ms / figures.frame_p99_ms),
        },
    });
}
console.log(
    JSON.stringify(
        {
            benchmark: 'web threads',
            machine: describeMachine(),
            input: { points, series: SERIES, size: '1920x1080', frames },
            one,
            many,
        },
        null,
        2,
    ),
);
process.exit(0);
