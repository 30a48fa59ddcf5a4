// Live series of the command's own server, drawn as they come: followed and held, across servers that are
// killed, and with nothing left afterwards.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ROOTS, countColors, inBrowsers, sleep, until, visit } from './harness.mjs';
import { startLiveServer } from './live_server.mjs';
import { serve } from './server.mjs';

const START = 1_700_000_000_000;
const BATCH = 200;

let plain, other, live;

before(async () => {
    plain = await serve(ROOTS);
    other = await serve(ROOTS);
    live = await startLiveServer({ origin: plain.url, lasts: true });
});

after(async () => {
    plain.close();
    other.close();
    await live.close();
});

/** Row r of every series here: a row each 10 ms. */
const timeOf = (row) => START + 10 * row;
const valueOf = (row) => Math.round(1000 * Math.sin(row / 70) + ((row * 7919) % 100)) / 100;

function rowsOf(first, count) {
    const rows = Array.from({ length: count }, (_, i) => first + i);
    return [rows.map(timeOf), Float64Array.from(rows, valueOf)];
}

const publish = (server, name, batch) => server.publish(name, ...rowsOf(batch * BATCH, BATCH));

/** In the page: pixels that differ between the chart and one of the same rows from arrays. */
const COUNT_DIFFERENT = (rows) => `(async () => {
    const n = ${rows}, start = ${START};
    const times = Float64Array.from({ length: n }, (_, r) => start + 10 * r);
    const values = Float64Array.from({ length: n }, (_, r) =>
        Math.round(1000 * Math.sin(r / 70) + ((r * 7919) % 100)) / 100);
    const element = document.createElement('div');
    element.style.cssText = 'position:absolute;top:0;visibility:hidden;width:100%;height:100%';
    document.body.appendChild(element);
    const options = { bare: true, axes: { x: { from: start, to: start + 10 * n } } };
    const drawn = [];
    for (const data of [{ times, columns: { price: values } }, window.stream]) {
        const one = test.charts.createChart(element, { ...options, series: [{ data }] });
        await one.ready;
        drawn.push(await one.readPixels());
        await one.destroy();
    }
    element.remove();
    const [a, b] = drawn.map(({ pixels }) => new Uint32Array(pixels.buffer));
    return { different: a.length === b.length ? a.filter((pixel, i) => pixel !== b[i]).length : -1,
        lit: a.filter((pixel) => pixel === 0xffffffff).length };
})()`;

/** Opens a series in the page, as window.stream, and draws it. */
const open = (name, more = '') => `(async () => {
    await window.stream?.close();
    window.stream = await test.charts.openData('${name}');
    window.links = [];
    window.errors = [];
    await test.make({ series: [{ data: window.stream }]${more} });
    test.chart.on('connection', ({ connected }) => links.push(connected));
    test.chart.on('error', ({ code }) => errors.push(code));
})()`;
const statsOf = (browser) => browser.evaluate('test.chart.stats().then((s) => s.streams[0])');
const hasRows = (rows) => `test.chart.stats().then((s) => s.streams[0].rows === ${rows})`;

inBrowsers((browser, name) => {
    let count = 0;
    const fresh = async (server = live) => {
        const series = `${name}-${process.pid}-${count++}`;
        await server.make(series);
        await visit(browser, `${plain.url}/test/blank.html`);
        return series;
    };
    const address = (series, server = live) => `${server.url.replace('http', 'ws')}/v1/live/${series}`;

    test('rows that are kept come first, then those that are published; the view follows, or is held', async () => {
        const series = await fresh();
        for (let batch = 0; batch < 5; batch++) await publish(live, series, batch);
        await browser.evaluate(open(address(series)));
        const { info, all } = await browser.evaluate(
            '({ info: stream.info, all: test.chart.getView() && { to: test.chart.getView().to } })',
        );
        assert.equal(info.rows, 5 * BATCH);
        assert.deepEqual([info.columns[0].name, info.columns[0].unit, info.unit], ['price', 'EUR', 'ms']);
        assert.equal(all.to, timeOf(5 * BATCH - 1) + 1);

        for (let batch = 5; batch < 8; batch++) await publish(live, series, batch);
        await until(browser, `test.chart.getView().to === ${timeOf(8 * BATCH - 1) + 1}`);
        assert.deepEqual(await browser.evaluate('test.shown'), { message: '', notice: '' });

        /* A part of it, with the newest row: its span stays. */
        await browser.evaluate(`test.chart.setView({ from: ${timeOf(8 * BATCH - 101)}, to: ${timeOf(8 * BATCH - 1) + 1} })`);
        await publish(live, series, 8);
        await until(browser, `test.chart.getView().to === ${timeOf(9 * BATCH - 1) + 1}`);
        assert.equal(await browser.evaluate('test.chart.getView().to - test.chart.getView().from'), 1001);

        /* Without the newest row it stays where it is. */
        await browser.evaluate(`test.chart.setView({ from: ${timeOf(100)}, to: ${timeOf(300)} })`);
        await publish(live, series, 9);
        await until(browser, hasRows(10 * BATCH));
        await sleep(200);
        assert.equal(await browser.evaluate('test.chart.getView().from'), timeOf(100));
        const { different, lit } = await browser.evaluate(COUNT_DIFFERENT(10 * BATCH));
        assert.equal(different, 0);
        assert.ok(lit > 500);

        /* Rows that came while no chart showed the stream are there for the next one. */
        await browser.evaluate('test.chart.destroy()');
        await publish(live, series, 10);
        await until(browser, `stream.engine.api.stats().then((s) => s.streams[0].rows === ${11 * BATCH})`);
        await browser.evaluate('test.make({ series: [{ data: stream }] })');
        assert.equal(await browser.evaluate('test.chart.getView().to'), timeOf(11 * BATCH - 1) + 1);
    });

    test('frames are drawn as fast as rows come', async () => {
        const series = await fresh();
        await publish(live, series, 0);
        await browser.evaluate(open(address(series)));
        const drawn = browser.evaluate(`(async () => {
            let frames = 0;
            const stop = test.chart.on('progress', () => frames++);
            const begin = performance.now();
            while (performance.now() - begin < 60_000) {
                const { rows } = (await test.chart.stats()).streams[0];
                if (rows === ${101 * BATCH}) break;
                await test.sleep(20);
            }
            stop();
            return { frames, ms: performance.now() - begin };
        })()`);
        for (let batch = 1; batch <= 100; batch++) await publish(live, series, batch).then(() => sleep(16));
        const { frames, ms } = await drawn;
        console.log(`${name}: ${frames} frames while 100 batches came in ${Math.round(ms)} ms`);
        assert.ok(frames > 5, `${frames}`);
    });

    test('zooming and panning go on while rows come', async () => {
        const series = await fresh();
        await publish(live, series, 0);
        await browser.evaluate(open(address(series)));
        const publishing = (async () => {
            for (let batch = 1; batch <= 40; batch++) await publish(live, series, batch).then(() => sleep(10));
        })();
        const spans = await browser.evaluate(`(async () => {
            const root = document.querySelector('#chart > div').shadowRoot.querySelector('.root');
            const box = root.getBoundingClientRect();
            const at = { clientX: box.left + box.width / 3, clientY: box.top + box.height / 2, bubbles: true };
            const spans = [];
            for (let i = 0; i < 20; i++) {
                root.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: -60, cancelable: true }));
                await test.sleep(20);
                spans.push(test.chart.getView().to - test.chart.getView().from);
            }
            return spans;
        })()`);
        await publishing;
        assert.ok(spans.at(-1) < spans[0] / 2, `${spans}`);
        await until(browser, hasRows(41 * BATCH));
        assert.equal((await browser.evaluate(COUNT_DIFFERENT(41 * BATCH))).different, 0);
    });

    test('a server that is killed is missed and found again: the gap is filled, and no row comes twice', async () => {
        const series = await fresh();
        await publish(live, series, 0);
        await browser.evaluate(open(address(series)));
        for (let batch = 1; batch < 4; batch++) await publish(live, series, batch);
        await until(browser, hasRows(4 * BATCH));
        for (let round = 0; round < 2; round++) {
            await live.kill();
            await until(browser, `test.shown.notice.includes('connecting again')`);
            assert.equal(await browser.evaluate('test.shown.message'), '');
            assert.ok((await countColors(browser)) > 2, 'the picture stays');
            assert.equal((await statsOf(browser)).isConnected, false);
            await live.restart();
            /* What is published before the page is back is what it missed. */
            await publish(live, series, 4 + 2 * round);
            await publish(live, series, 5 + 2 * round);
            /* Firefox takes its time to connect to where a connection failed. */
            await until(browser, hasRows((6 + 2 * round) * BATCH), 60_000);
            await until(browser, `test.shown.notice === ''`);
        }
        await publish(live, series, 8);
        await until(browser, hasRows(9 * BATCH));
        const stats = await statsOf(browser);
        assert.equal(stats.connections, 3);
        assert.deepEqual([stats.lastSequence, stats.missedRows, stats.gaps], [9, 0, 0]);
        assert.deepEqual(await browser.evaluate('links'), [false, true, false, true]);
        assert.deepEqual(await browser.evaluate('errors'), []);
        assert.equal(await browser.evaluate('stream.refresh().then((info) => info.rows)'), 9 * BATCH);
        assert.equal((await browser.evaluate(COUNT_DIFFERENT(9 * BATCH))).different, 0);
    });

    test('a series that its server has made anew is followed from its beginning; the old rows go', async () => {
        const mortal = await startLiveServer({ origin: plain.url });
        try {
            const series = await fresh(mortal);
            for (let batch = 40; batch < 43; batch++) await publish(mortal, series, batch);
            await browser.evaluate(open(address(series, mortal)));
            /* A second chart shows what is in the middle. */
            await browser.evaluate(`(async () => {
                const element = document.createElement('div');
                element.style.cssText = 'width:400px;height:200px';
                document.body.append(element);
                window.second = test.charts.createChart(element, { series: [{ data: stream }],
                    axes: { x: { from: ${timeOf(41 * BATCH)}, to: ${timeOf(41 * BATCH + 50)} } } });
                await second.ready;
            })()`);
            for (let round = 1; round <= 2; round++) {
                await mortal.kill();
                await mortal.restart();
                /* There is no such series now: it is waited for. */
                await until(browser, `test.shown.notice.includes('404')`);
                await mortal.make(series);
                /* Times and numbers begin before those that were there. */
                for (let batch = 0; batch < 2; batch++) await publish(mortal, series, batch);
                await until(browser, hasRows(2 * BATCH), 60_000);
                await until(browser, `test.shown.notice === ''`);
                await until(browser, `test.chart.getView().to === ${timeOf(2 * BATCH - 1) + 1}`);
                assert.equal(await browser.evaluate('test.chart.getView().from'), timeOf(0));
                assert.equal(await browser.evaluate('second.getView().from'), timeOf(0));
                const stats = await statsOf(browser);
                assert.deepEqual([stats.restarts, stats.lastSequence, stats.gaps, stats.isFinal], [round, 2, 0, false]);
                assert.equal(await browser.evaluate('stream.refresh().then((info) => info.rows)'), 2 * BATCH);
                assert.equal((await browser.evaluate(COUNT_DIFFERENT(2 * BATCH))).different, 0);
            }
            await publish(mortal, series, 2);
            await until(browser, `test.chart.getView().to === ${timeOf(3 * BATCH - 1) + 1}`);
            assert.deepEqual(await browser.evaluate('errors'), []);
            await browser.evaluate('second.destroy()');
        } finally {
            await mortal.close();
        }
    });

    test('a series that its server has made anew with other columns ends with a message, beside its picture', async () => {
        const mortal = await startLiveServer({ origin: plain.url });
        try {
            const series = await fresh(mortal);
            for (let batch = 0; batch < 3; batch++) await publish(mortal, series, batch);
            await browser.evaluate(open(address(series, mortal)));
            await mortal.kill();
            await mortal.restart();
            await mortal.make(series, 'unit=ms&column=price:f64:USD');
            await until(browser, 'errors.length > 0', 60_000);
            assert.deepEqual(await browser.evaluate('errors'), ['io']);
            assert.match(await browser.evaluate('test.shown.notice'), /made anew.*other columns; open it again/);
            assert.equal((await statsOf(browser)).isFinal, true);
            await browser.evaluate('test.chart.reset()');
            await until(browser, `test.shown.message === ''`);
            assert.match(await browser.evaluate('test.shown.notice'), /made anew/);
            assert.ok((await countColors(browser)) > 2);
        } finally {
            await mortal.close();
        }
    });

    test('an empty series says so, and shows its first rows', async () => {
        const series = await fresh();
        await browser.evaluate(`(async () => {
            const element = document.getElementById('chart');
            window.early = test.charts.createChart(element, { series: [{ data: '${address(series)}' }] });
            await early.ready;
        })()`);
        assert.equal(await browser.evaluate('test.shown.message'), 'No rows yet.');
        await publish(live, series, 0);
        await until(browser, `test.shown.message === ''`);
        await until(browser, `early.stats().then((s) => s.rowsInView === ${BATCH} && s.complete === 1)`);
    });

    test('what cannot be followed ends in a message that is shown', async () => {
        const series = await fresh();
        const cases = {
            [`${address('none')}`]: ['not-found', /no live series of this name/],
            [`${live.url}/v1/live/none`]: ['not-found', /no live series/],
            [`ws://127.0.0.1:${plain.port}/dist/gpu-charts.js`]: ['corrupt', /not the description/],
        };
        for (const [url, [code, message]] of Object.entries(cases)) {
            const failure = await browser.evaluate(`test.failure('${url}')`);
            assert.equal(failure.code, code, failure.message);
            assert.match(failure.message, message);
            assert.equal(failure.shown, failure.message);
        }
        for (const options of ['{ rate: 0 }', '{ rate: 999 }', '{ keepRows: 1.5 }']) {
            const data = `{ url: '${address(series)}', ...${options} }`;
            const code = await browser.evaluate(`test.charts.openData(${data}).then(() => 'none', (e) => e.code)`);
            assert.equal(code, 'invalid', options);
        }
        await visit(browser, `${other.url}/test/blank.html`); /* an origin that the server does not allow */
        const failure = await browser.evaluate(`test.failure('${address(series)}')`);
        assert.equal(failure.code, 'unavailable');
        assert.match(failure.message, /\(CORS\)/);
    });

    test('an AbortSignal, and destroy, close the socket', async () => {
        const series = await fresh();
        await publish(live, series, 0);
        const followers = async (wanted) => {
            let found;
            for (let i = 0; i < 100 && found !== wanted; i++) {
                found = await live.metric('live_followers');
                if (found !== wanted) await sleep(30);
            }
            assert.equal(found, wanted);
        };
        await followers(0);
        for (const engine of ['worker', 'main']) {
            await browser.evaluate(`(async () => {
                window.abort = new AbortController();
                const element = document.getElementById('chart');
                for (const signal of [undefined, abort.signal]) {
                    window.last = test.charts.createChart(element, { engine: '${engine}', signal,
                        series: [{ data: { url: '${address(series)}', rate: 10 } }] });
                    if (signal === undefined) window.first = last;
                    await last.ready;
                }
            })()`);
            await followers(2);
            await browser.evaluate('first.destroy()');
            await followers(1);
            await browser.evaluate('abort.abort()');
            await followers(0);
            const soon = `(async () => {
                const abort = new AbortController();
                const opening = test.charts.openData('${address(series)}', { engine: '${engine}', signal: abort.signal });
                setTimeout(() => abort.abort(), 3);
                return opening.then((data) => data.close().then(() => 'opened'), (error) => error.code);
            })()`;
            assert.match(await browser.evaluate(soon), /^(opened|cancelled)$/);
            await sleep(500); /* what was begun comes to its end, and is closed then */
            await followers(0);
        }
    });
});
