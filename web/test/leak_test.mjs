// What is left of charts and of time: memory of the module, nodes, workers, sockets and, in Chromium, the heap
// of the page's scripts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { makeFiles } from './cases.mjs';
import { ROOTS, inBrowsers, until, visit } from './harness.mjs';
import { startLiveServer } from './live_server.mjs';
import { COMMAND, FILES } from './node.mjs';
import { serve } from './server.mjs';

/* What comes in another order may lie in another way in a module's memory, which is a step and no slope: of so
 * many hundreds of charts one has to add nothing. What 700 bytes of each chart were left of would show in all. */
const HUNDREDS = 4;
/* Compiled code and caches of the browser's own come and go; a hundred charts that stayed would bring 3 MB of
 * overlays and listeners. */
const HEAP_SLACK = 300_000;

/* Of a live source with one column of f64, for 262,144 rows: what its memory grows by. A leak of 5 bytes a row, or of
 * 10 KB a frame, takes more in half an hour. */
const SEGMENT_BYTES = 10 << 20;

let plain, live;

before(async () => {
    makeFiles(COMMAND, FILES);
    plain = await serve(ROOTS);
    live = await startLiveServer({ origin: plain.url });
});

after(async () => {
    plain.close();
    await live.close();
});

/** Charts that are made, drawn and destroyed, `count` of them; the module's memory with the last. */
const CYCLES = (count, engine) => `(async () => {
    const element = document.getElementById('chart');
    let memory = 0;
    for (let i = 0; i < ${count}; i++) {
        const chart = test.charts.createChart(element,
            { engine: '${engine}', series: [{ data: '/files/gaps.gch' }] });
        await chart.ready;
        if (i === ${count} - 1) memory = (await chart.stats()).memoryBytes;
        await chart.destroy();
    }
    return memory;
})()`;

inBrowsers((browser, name) => {
    /* In the page's thread its heap has the engine's side too. */
    for (const engine of name === 'chromium' ? ['worker', 'main'] : ['worker'])
        test(`two hundred charts leave neither memory nor nodes, engine in ${engine}`, async () => {
            await visit(browser, `${plain.url}/test/blank.html`);
            const nodes = await browser.evaluate('test.countNodes()');
            await browser.evaluate(`test.charts.openData('/files/ticks.gch', { engine: '${engine}' })
                .then((data) => { window.keeper = data; })`);
            const memory = [await browser.evaluate(CYCLES(100, engine))];
            const before = await browser.metrics?.();
            memory.push(await browser.evaluate(CYCLES(100, engine)));
            const after = await browser.metrics?.();
            while (memory.at(-1) > memory.at(-2) && memory.length <= HUNDREDS)
                memory.push(await browser.evaluate(CYCLES(100, engine)));
            assert.ok(memory.at(-1) <= memory.at(-2), `it grows with every hundred charts: ${memory}`);
            const stats = await browser.evaluate('keeper.engine.api.stats()');
            assert.deepEqual([stats.sources, stats.charts, stats.streams.length], [1, 0, 0]);
            assert.equal(await browser.evaluate('test.countNodes()'), nodes);
            if (before !== undefined) {
                const grown = after.heapBytes - before.heapBytes;
                console.log(`${name}: a hundred charts in ${engine}: heap ${grown} bytes, nodes ` +
                    `${after.nodes - before.nodes}, listeners ${after.listeners - before.listeners}`);
                assert.ok(grown < HEAP_SLACK, `${before.heapBytes} ${after.heapBytes}`);
                assert.ok(after.nodes - before.nodes < 50 && after.listeners - before.listeners < 20);
            }
            const isWorker = engine === 'worker';
            assert.deepEqual(await browser.evaluate('test.workers'), { made: +isWorker, alive: +isWorker });
            const ended = await browser.evaluate(`(async () => {
                const { api } = keeper.engine;
                await keeper.close();
                return api.stats().then(() => 'alive', (error) => error.code);
            })()`);
            assert.notEqual(ended, 'alive');
            await until(browser, 'test.workers.alive === 0');
        });

    test('twenty charts share one engine in one worker', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const got = await browser.evaluate(`(async () => {
            const all = [];
            for (let i = 0; i < 20; i++) {
                const element = document.createElement('div');
                element.style.cssText = 'width:240px;height:120px;float:left';
                document.body.appendChild(element);
                const data = ['/files/gaps.gch', '/files/ticks.gch', '/files/sine.gch',
                    { values: Float64Array.from({ length: 1000 }, (_, r) => r % (i + 2)) }][i % 4];
                all.push(test.charts.createChart(element, { series: [{ data }] }));
            }
            await Promise.all(all.map((chart) => chart.ready));
            const stats = await all[19].stats();
            for (let tries = 0; tries < 200; tries++) {
                const complete = await Promise.all(all.map((chart) => chart.stats().then((s) => s.complete)));
                if (complete.every((share) => share === 1)) break;
                await test.sleep(50);
            }
            const complete = await Promise.all(all.map((chart) => chart.stats().then((s) => s.complete)));
            const { made } = test.workers;
            await Promise.all(all.map((chart) => chart.destroy()));
            return { charts: stats.charts, made, complete };
        })()`);
        assert.deepEqual(got, { charts: 20, made: 1, complete: Array(20).fill(1) });
        await until(browser, 'test.workers.alive === 0');
    });

    /* 1000 rows a second for an hour, in batches of two seconds, as fast as they go. */
    for (const engine of name === 'chromium' ? ['worker', 'main'] : ['worker'])
        test(`an hour of streaming leaves memory flat, engine in ${engine}`, async () => {
            const MINUTES = 60;
            const ROWS = 1000;
            const series = `hour-${name}-${engine}-${process.pid}`;
            await live.make(series, 'unit=ms&column=price:f64&keep_rows=100000');
            await visit(browser, `${plain.url}/test/blank.html`);
            let second = 0;
            const publishMinute = async () => {
                for (const end = second + 60; second < end; second += 2) {
                    const times = Array.from({ length: 2 * ROWS }, (_, i) => 1000 * second + i);
                    const values = Float64Array.from(times, (t) => Math.round(500 * Math.sin(t / 9000)) + (t % 7));
                    await live.publish(series, times, values);
                }
            };
            const caughtUp = () =>
                until(browser, `test.chart.stats().then((s) => s.streams[0].lastSequence === ${second / 2})`);
            await publishMinute();
            await browser.evaluate(`test.make({ engine: '${engine}', series: [{ data: {
                url: '${live.url.replace('http', 'ws')}/v1/live/${series}', keepRows: 300000 } }] })`);
            const nodes = await browser.evaluate('test.countNodes()');
            const memory = [];
            const heaps = [];
            for (let minute = 1; minute < MINUTES; minute++) {
                await publishMinute();
                await caughtUp();
                memory.push(await browser.evaluate('test.chart.stats().then((s) => s.memoryBytes)'));
                if (minute % 10 === 9) heaps.push((await browser.metrics?.())?.heapBytes);
            }
            const stats = await browser.evaluate('test.chart.stats()');
            const held = await browser.evaluate('test.chart.getSeries()[0].source.refresh().then((i) => i.rows)');
            console.log(`${name}: an hour in ${engine}: ${stats.streams[0].rows} rows, ${held} kept; module after ` +
                `30 and 59 minutes: ${memory[29]} ${memory[58]} bytes; heap each 10 minutes: ${heaps}`);
            assert.equal(stats.streams[0].rows + stats.streams[0].missedRows, MINUTES * 60 * ROWS);
            assert.ok(held >= 300_000 && held < 600_000 + 2 * 262_144);
            /* Two segments and a part are kept; one more may wait for a frame that still shows it. */
            assert.ok(memory[58] <= 5 * SEGMENT_BYTES, `${memory}`);
            assert.ok(memory[58] - memory[29] <= SEGMENT_BYTES, `${memory}`);
            assert.equal(await browser.evaluate('test.countNodes()'), nodes);
            if (heaps[0] !== undefined) assert.ok(heaps.at(-1) - heaps[1] < HEAP_SLACK, `${heaps}`);
            await browser.evaluate('test.chart.destroy()');
            await until(browser, 'test.workers.alive === 0');
            let followers = 1;
            for (let i = 0; i < 100 && followers > 0; i++) followers = await live.metric('live_followers');
            assert.equal(followers, 0);
        });
});
