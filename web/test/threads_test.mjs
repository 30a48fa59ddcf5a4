// The engine with threads, in node: the pictures of one thread, whatever happens at the same time, and
// an engine that goes on alone where threads do not come.
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { countDifferent, makeCases, makeRandom, readPpm } from './cases.mjs';
import { COMMAND, FILES, bareFrame, drawComplete, load, makeEvents } from './node.mjs';
import { planThreads, readModule } from './node.mjs';

let Engine, cases;
const plans = [];

before(async () => {
    cases = makeCases(COMMAND, FILES);
    ({ Engine } = await load('engine.ts'));
});

/* Threads of a test that has failed would keep the process. */
after(() => {
    for (const { live } of plans) for (const worker of live) void worker.terminate();
});

async function plan(count) {
    plans.push(await planThreads(count));
    return plans.at(-1);
}

async function until(holds) {
    for (let i = 0; i < 1000; i++) {
        if (await holds()) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.fail(`never: ${holds}`);
}

async function start(count) {
    const events = makeEvents();
    const threads = await plan(count);
    const engine = await Engine.start(readModule(), events.notify, threads);
    await until(async () => (await engine.stats()).threads === count);
    return { engine, live: threads.live, ...events };
}

test('fifty random views with threads equal the pictures of the command in every pixel', async () => {
    for (const count of [2, 8]) {
        const { engine, live, next } = await start(count);
        const chart = (await engine.makeChart()).id;
        const sources = {};
        for (const [name, file] of Object.entries(cases.files))
            sources[name] = (await engine.openBlob(name, await openAsBlob(file))).id;
        for (const view of cases.views) {
            const frame = await drawComplete(engine, chart, bareFrame(view, sources[view.file]), next);
            const ppm = readPpm(path.join(FILES, view.picture));
            assert.equal(countDifferent(frame.pixels, ppm), 0, JSON.stringify(view));
        }
        assert.equal((await engine.stats()).alone, '');
        await engine.stop();
        await until(() => live.size === 0);
    }
});

/* Five series with gaps, drawn with axes and at random while they grow: what one thread draws. */
test('three hundred frames of growing series equal those of an engine of one thread', async () => {
    const { engine: many, live } = await start(6);
    const one = await Engine.start(readModule(), () => undefined);
    const random = makeRandom(77);
    const columns = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, type: 'f64' }));
    const made = [];
    for (const engine of [many, one])
        made.push({
            engine,
            source: (await engine.openLive({ name: 'rows', unit: 'ms', columns })).id,
            chart: (await engine.makeChart()).id,
        });
    let count = 0;
    for (let frame = 0; frame < 300; frame++) {
        const more = Math.floor(10 ** (4 * random()));
        const times = Float64Array.from({ length: more }, (_, i) => count + i);
        const values = columns.map((_, c) =>
            Float64Array.from({ length: more }, (_, i) =>
                random() < 0.001 ? Number.NaN : Math.round(500 * Math.sin((count + i) / 9e3 + c)) / 4,
            ),
        );
        count += more;
        const marks = ['line', 'area', 'candles', 'scatter', 'step', 'bars'];
        const mark = marks[Math.floor(random() * marks.length)];
        const from = BigInt(Math.floor(count * random() * random()));
        const pictures = [];
        for (const { engine, source, chart } of made) {
            await engine.append(source, { times, columns: values, count: more });
            const desc = {
                ...bareFrame({ width: 400, height: 300, type: mark, from, to: BigInt(count) }, source),
                isBare: frame % 2 === 0,
            };
            desc.series = columns.map((_, column) => ({ ...desc.series[0], column }));
            if (frame % 2 === 0) desc.series.length = 1;
            const { pixels } = await engine.frame(chart, desc, true);
            pictures.push(new Uint8Array(pixels.buffer));
        }
        assert.ok(Buffer.compare(pictures[0], pictures[1]) === 0, `frame ${frame}: ${mark}`);
    }
    await many.stop();
    await one.stop();
    await until(() => live.size === 0);
});

test('an engine whose threads do not come goes on alone and says why', async () => {
    const good = await plan(3);
    const { live } = good;
    const broken = {
        'a module that is none': { ...good, wasm: new Uint8Array([1, 2, 3]) },
        'a script that cannot be started': {
            ...good,
            spawn: () => {
                throw new Error('refused by the policy');
            },
        },
        'a script that fails': {
            ...good,
            spawn: () => {
                const like = {
                    postMessage: () => setTimeout(() => like.onerror({ message: 'not found' }), 1),
                    terminate: () => undefined,
                };
                return like;
            },
        },
    };
    for (const [what, how] of Object.entries(broken)) {
        const engine = await Engine.start(readModule(), () => undefined, how);
        await until(async () => (await engine.stats()).alone !== '');
        assert.equal((await engine.stats()).threads, 1, what);
        const blob = await openAsBlob(cases.files['gaps.gch']);
        assert.equal((await engine.openBlob('gaps.gch', blob)).info.rows, 60_000, what);
        await engine.stop();
    }
    await until(() => live.size === 0);
});

test('threads that do come are used where others do not', async () => {
    const threads = await plan(4);
    const { live, spawn } = threads;
    let spawned = 0;
    threads.spawn = () => {
        if (++spawned !== 2) return spawn();
        const like = {
            postMessage: () => like.onmessage({ data: { kind: 'failed', message: 'no memory' } }),
            terminate: () => undefined,
        };
        return like;
    };
    const engine = await Engine.start(readModule(), () => undefined, threads);
    await until(async () => (await engine.stats()).threads === 3);
    assert.equal((await engine.stats()).alone, 'no memory');
    await engine.stop();
    await until(() => live.size === 0);
});

test('the memory of thirty engines with threads is given back', async () => {
    for (let i = 0; i < 30; i++) {
        const { engine, live } = await start(3);
        await engine.stop();
        await until(() => live.size === 0);
    }
});
