// The package in real browsers: BROWSERS names them, separated by blanks.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { makeCases } from './cases.mjs';
import { ROOTS, here, inBrowsers, until, visit } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';
import { countThreads } from './processes.mjs';
import { ISOLATION, serve } from './server.mjs';

/* What docs/browser.md asks of a policy. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
    "connect-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'";

let plain;
let strict;
let isolated;

before(async () => {
    makeCases(COMMAND, FILES);
    plain = await serve(ROOTS);
    strict = await serve(ROOTS, { 'Content-Security-Policy': POLICY });
    isolated = await serve(ROOTS, ISOLATION);
});

after(() => {
    plain.close();
    strict.close();
    isolated.close();
});

/** A number once it is what is expected, or what it is after five seconds. */
async function settled(count, expected) {
    for (let i = 0; i < 100 && count() !== expected; i++)
        await new Promise((resolve) => setTimeout(resolve, 50));
    return count();
}

/* What a browser calls the threads of its workers. */
const WORKERS = { chromium: ['DedicatedWorker'], firefox: ['DOM Worker'], webkit: ['WebCore: Worker'] };

const TICKS = "{ series: [{ data: '/files/ticks.gch' }] }";

inBrowsers((browser, name) => {
    test('the engine is in a worker, isolated or not, and under a strict policy', async () => {
        for (const server of [plain, isolated, strict]) {
            await visit(browser, `${server.url}/test/blank.html`);
            assert.equal(await browser.evaluate('crossOriginIsolated'), server === isolated);
            assert.equal(await browser.evaluate(`test.make(${TICKS})`), 'worker');
        }
    });

    test('an isolated page has threads, which draw the same pictures and end with the engine', async () => {
        await visit(browser, `${isolated.url}/test/blank.html`);
        const canShare = await browser.evaluate("typeof SharedArrayBuffer !== 'undefined'");
        assert.equal(canShare, name !== 'webkit'); /* WebKitGTK has none, isolated or not */
        const stats = () => browser.evaluate('test.chart.stats()');
        const countWorkers = () => countThreads(WORKERS[name]);
        const before = countWorkers();
        for (const place of ['worker', 'single', 'main']) {
            await browser.evaluate(`test.make({ ...${TICKS}, engine: '${place}' })`);
            if (place === 'worker' && canShare) {
                await until(browser, 'test.chart.stats().then((s) => s.threads > 1)');
                const { threads } = await stats();
                assert.equal(await settled(() => countWorkers() - before, threads), threads);
            } else {
                const { threads, alone } = await stats();
                assert.equal(threads, 1, place);
                assert.notEqual(alone, '');
            }
            await browser.evaluate('test.chart.destroy()');
            assert.equal(await settled(countWorkers, before), before, `${place}: a worker is left`);
        }
        await browser.evaluate(`(async () => {
            for (let i = 0; i < 20; i++) {
                const data = await test.charts.openData({ values: [1, 2] });
                await data.close();
            }
        })()`);
        assert.equal(await settled(countWorkers, before), before, 'workers of short lives are left');
    });

    test('a slow connection that breaks off ends in the exact picture all the same', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        for (const root of ['/slow', '/fail/drop']) {
            await browser.evaluate(`test.make({ series: [{ data: '${root}/walk.gch' }] })`);
            const { complete } = await browser.evaluate(
                'test.chart.stats().then(({ complete }) => ({ complete }))',
            );
            assert.equal(complete, 1);
        }
    });

    test('options that make no sense are refused by name', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const cases = {
            "{ series: [] }": /^series: a chart needs at least one/,
            "{ series: [{ data: 'x', type: 'pie' }] }": /^series\[0\]\.type: pie; it is one of line,/,
            "{ series: [{ data: 'x', color: 'red' }] }": /^series\[0\]\.color: 'red'/,
            "{ series: [{ data: 'x' }], colour: 1 }": /^colour: no such option/,
            "{ series: [{ data: 'x' }], timeZone: 'Moon' }": /^timeZone: 'Moon' is not known/,
        };
        for (const [options, message] of Object.entries(cases)) {
            const got = await browser.evaluate(`(async () => {
                try { test.charts.createChart(document.body, ${options}); return 'none'; }
                catch (error) { return error.code + ' ' + error.message; } })()`);
            assert.match(got.replace('invalid ', ''), message);
        }
        const failure = await browser.evaluate(`(async () => {
            try { await test.make({ series: [{ data: '/files/ticks.gch', column: 'x' }] }); }
            catch (error) { return error.message; } })()`);
        assert.match(failure, /no column 'x'; it has price, volume/);
    });

    test('arrays are drawn, appended to and followed', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const result = await browser.evaluate(`(async () => {
            const n = 100000, start = Date.UTC(2024, 0, 1);
            const times = Float64Array.from({ length: n }, (_, i) => start + 1000 * i);
            const values = Float64Array.from(times, (_, i) => Math.sin(i / 5000));
            await test.make({ series: [{ data: { times, values } }] });
            const before = test.chart.getView();
            test.chart.setView({ from: start + 1000 * (n - 100), to: start + 1000 * n });
            const seen = new Promise((resolve) => test.chart.on('view', resolve));
            await test.chart.append({ times: [start + 1000 * n + 5000], values: [null] });
            const after = await seen;
            await test.completed();
            const { rowsInView } = await test.chart.stats();
            return { first: before.from - start, last: before.to - start,
                moved: after.to - start, rowsInView,
                kept: [times.length, values.length] };
        })()`);
        assert.deepEqual([result.first, result.last], [0, 99_999_001]);
        assert.equal(result.moved, 100_005_001);
        assert.ok(result.rowsInView > 90 && result.rowsInView < 100);
        assert.deepEqual(result.kept, [100_000, 100_000]);
    });

    test('arrays are the same data however they reach the engine', async () => {
        await visit(browser, `${isolated.url}/test/blank.html`);
        const pictures = await browser.evaluate(`(async () => {
            const count = 200_003; /* some pieces, the last one not whole */
            const times = Float64Array.from({ length: count }, (_, i) => 1.7e12 + 250 * i + (i % 7));
            const columns = {
                a: Float64Array.from(times, (_, i) => Math.sin(i / 999) * 1e3),
                b: Uint8Array.from(times, (_, i) => i % 251),
                c: Float32Array.from(times, (_, i) => Math.cos(i / 77)),
                d: BigInt64Array.from({ length: count }, (_, i) => BigInt(i * i)),
                e: Int16Array.from(times, (_, i) => (i * 31) % 20000),
            };
            const pictures = [];
            for (const engine of ['worker', 'single', 'main']) {
                const data = await test.charts.openData({ times, columns }, { engine });
                await test.make({ engine, bare: true, series: Object.keys(columns).map((column, panel) =>
                    ({ data, column, panel: Math.min(panel, 3) })) });
                for (const [from, to] of [[0, 1], [0.32, 0.34], [0.9998, 1]]) {
                    const at = (share) => 1.7e12 + 250 * Math.round(share * count);
                    const done = test.completed();
                    test.chart.setView({ from: at(from), to: at(to) });
                    await done;
                    const { pixels } = await test.chart.readPixels();
                    const hash = await crypto.subtle.digest('SHA-256', pixels);
                    pictures.push([...new Uint8Array(hash)].join(' '));
                }
                await test.chart.destroy();
                await data.close();
            }
            return pictures;
        })()`);
        assert.equal(new Set(pictures.slice(0, 3)).size, 3);
        for (let i = 3; i < 9; i++) assert.equal(pictures[i], pictures[i % 3], `picture ${i}`);
    });

    test('the crosshair reads exact values; wheel, drag and keys move the view', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        await browser.evaluate(`test.make({ series: [{ data: '/files/gaps.gch' }] })`);
        const moves = await browser.evaluate(`(async () => {
            const root = document.querySelector('#chart > div').shadowRoot.querySelector('.root');
            const box = root.getBoundingClientRect();
            const at = (share) => ({ clientX: box.left + box.width * share,
                clientY: box.top + box.height / 2, bubbles: true, composed: true });
            root.setPointerCapture = () => undefined; /* made-up pointers cannot be captured */
            const pointer = (type, share) => root.dispatchEvent(new PointerEvent(type,
                { ...at(share), pointerId: 1, pointerType: 'mouse', button: 0 }));
            const spans = [];
            const note = () => { const v = test.chart.getView();
                spans.push([v.from, v.to - v.from]); };
            note();
            root.dispatchEvent(new WheelEvent('wheel', { ...at(0.5), deltaY: -400, cancelable: true }));
            note();
            pointer('pointerdown', 0.5); pointer('pointermove', 0.4); pointer('pointermove', 0.3);
            note();
            await new Promise((resolve) => setTimeout(resolve, 100));
            pointer('pointerup', 0.3);
            root.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home' }));
            note();
            const hover = new Promise((resolve) => test.chart.on('hover', (detail) => {
                const shown = root.querySelector('.legend b')?.textContent;
                if (detail?.values[0]?.text) resolve({ ...detail.values[0], shown }); }));
            await test.completed();
            pointer('pointermove', 0.6); pointer('pointermove', 0.61);
            const { text, value, time, shown } = await hover;
            root.dispatchEvent(new KeyboardEvent('keydown', { key: ']' }));
            for (let i = 0; i < 100 && !root.querySelector('.live').textContent.includes('price'); i++)
                await test.sleep(50);
            for (let i = 0; i < 100 && !root.getAttribute('aria-label').includes('60,000 rows'); i++)
                await test.sleep(50);
            return { spans, text, value, time: String(time), shown,
                label: root.getAttribute('aria-label'),
                said: root.querySelector('.live').textContent };
        })()`);
        const [all, zoomed, dragged, home] = moves.spans;
        assert.ok(zoomed[1] < all[1] * 0.6 && zoomed[0] > all[0]);
        assert.ok(Math.abs(dragged[1] - zoomed[1]) <= 1 && dragged[0] > zoomed[0]);
        assert.deepEqual(home, all);
        assert.match(moves.text, /^\d+(\.\d+)?$/);
        assert.equal(moves.value, Number(moves.text));
        assert.equal(moves.shown, moves.text);
        assert.match(moves.label, /^Chart of price: .* 60,000 rows, values from /);
        assert.match(moves.said, /^2023-11-\d\d \d\d:\d\d: price \d/);
    });

    test('over a histogram the crosshair tells the range of values of a bin, and how many points it holds', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const read = await browser.evaluate(`(async () => {
            const times = Float64Array.from({ length: 1100 }, (_, r) => r);
            const columns = { price: times.map((r) => r % 11) };
            await test.make({ series: [{ data: { times, columns }, type: 'histogram', bins: 5 }],
                axes: { x: { min: -0.5, max: 9.5 } } });
            const root = document.querySelector('#chart > div').shadowRoot.querySelector('.root');
            const box = root.getBoundingClientRect();
            const hover = new Promise((resolve) => test.chart.on('hover', (detail) => {
                const shown = root.querySelector('.legend b')?.textContent;
                if (detail?.values[0]?.text) resolve({ ...detail.values[0], time: '', shown }); }));
            root.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width * 0.5,
                clientY: box.top + box.height / 2, bubbles: true, composed: true, pointerType: 'mouse' }));
            return hover;
        })()`);
        const [, min, max] = /^(\d\.5)0* – (\d\.5)0*: 200$/.exec(read.text) ?? assert.fail(read.text);
        assert.equal(Number(max) - Number(min), 2);
        assert.equal(read.value, 200);
        assert.equal(read.shown, read.text);
    });

    test('a picture can be saved as PNG', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        await browser.evaluate(`test.make(${TICKS})`);
        const png = await browser.evaluate(`(async () => {
            const blob = await test.chart.toPNG();
            const head = new Uint8Array(await blob.slice(0, 8).arrayBuffer());
            const image = await createImageBitmap(blob);
            return { head: [...head], width: image.width, type: blob.type };
        })()`);
        assert.deepEqual(png.head, [137, 80, 78, 71, 13, 10, 26, 10]);
        assert.equal(png.type, 'image/png');
        assert.ok(png.width >= 900);
    });

    test('a chart takes the size of its element and follows it', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        await browser.evaluate(`test.make(${TICKS})`);
        await browser.evaluate(`void (document.getElementById('chart').style.width = '444px')`);
        await until(browser, `test.chart.stats().then((s) => s.width === Math.round(444 * devicePixelRatio))`);
    });

    test('an AbortSignal destroys the chart, in the middle of opening too', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const codes = await browser.evaluate(`(async () => {
            const element = document.getElementById('chart');
            const codes = [];
            for (const wait of [0, 5, 400]) {
                const abort = new AbortController();
                const chart = test.charts.createChart(element,
                    { series: [{ data: '/slow/walk.gch' }], signal: abort.signal });
                const ready = chart.ready.then(() => 'ready', (error) => error.code);
                await new Promise((resolve) => setTimeout(resolve, wait));
                abort.abort();
                await ready;
                codes.push(element.childElementCount);
            }
            return codes;
        })()`);
        assert.deepEqual(codes, [0, 0, 0]);
    });

    test('linked charts show one time range', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const same = await browser.evaluate(`(async () => {
            const data = await test.charts.openData('/files/ticks.gch');
            const make = () => { const e = document.createElement('div');
                e.style.cssText = 'width:300px;height:200px'; document.body.append(e);
                return test.charts.createChart(e, { series: [{ data }] }); };
            const [a, b] = [make(), make()];
            await Promise.all([a.ready, b.ready]);
            const unlink = test.charts.linkCharts(a, b);
            const { from, to } = a.getExtent();
            a.setView({ from, to: from + (to - from) / 3n });
            const linked = b.getView().toTicks === a.getView().toTicks;
            unlink();
            a.reset();
            const alone = b.getView().toTicks !== a.getView().toTicks;
            await Promise.all([a.destroy(), b.destroy()]);
            await data.close();
            return { linked, alone };
        })()`);
        assert.deepEqual(same, { linked: true, alone: true });
    });

    test('the element <gpu-chart> draws its file and tells of errors', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const got = await browser.evaluate(`(async () => {
            test.charts.defineElement();
            const element = document.createElement('gpu-chart');
            element.style.height = '200px';
            const heard = (type) => new Promise((resolve) =>
                element.addEventListener(type, ({ detail }) => resolve(detail), { once: true }));
            const complete = heard('chart-complete');
            element.setAttribute('src', '/files/ticks.gch');
            element.setAttribute('type', 'candles');
            document.body.append(element);
            const { unit } = await complete;
            const failed = heard('chart-error');
            element.setAttribute('src', '/files/none.gch');
            const { code } = await failed;
            element.remove();
            await new Promise((resolve) => setTimeout(resolve, 50));
            return { unit, code, left: element.childElementCount };
        })()`);
        assert.deepEqual(got, { unit: 'ms', code: 'not-found', left: 0 });
    });

    test('the page of the quick start works as it stands', async () => {
        const site = path.join(FILES, 'site');
        mkdirSync(site, { recursive: true });
        const guide = readFileSync(here('../../docs/browser.md'), 'utf8');
        writeFileSync(path.join(site, 'index.html'), /```html\n(.*?)```/s.exec(guide)[1]);
        cpSync(here('../dist'), path.join(site, 'gpu-charts'), { recursive: true });
        copyFileSync(path.join(FILES, 'ticks.gch'), path.join(site, 'ticks.gch'));
        await browser.goto(`${plain.url}/files/site/index.html`);
        await until(browser, `document.querySelector('#chart > div')?.shadowRoot
            .querySelector('.root').ariaLabel.startsWith('Ticks. Chart of price: ')`);
    });

    test('the viewer on a static host opens a file that is dropped', async () => {
        await browser.goto(`${plain.url}/dist/viewer/index.html`);
        await until(browser, `document.querySelectorAll('#sets li').length > 0`);
        await browser.evaluate(`(async () => {
            const bytes = await (await fetch('/files/gaps.gch')).arrayBuffer();
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], 'gaps.gch'));
            dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));
        })()`);
        await until(browser, `document.getElementById('facts').textContent.startsWith('60,000 rows')`);
        await until(browser, `document.getElementById('range').textContent.includes('2023-11-14')`);
        await browser.evaluate(`document.querySelector('#type-menu [data-type=candles]').click()`);
        await until(browser, `location.hash.includes('price.candles')`);
        await browser.screenshot(path.join(FILES, `viewer-${name}.png`));
    });
});
