// What goes wrong in browsers, or is missing there: each ends in a message or a recovery, never in a blank
// canvas.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { makeFiles } from './cases.mjs';
import { ROOTS, countColors, here, inBrowsers, sleep, until, visit } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';
import { serve } from './server.mjs';

let plain, other;

/** The package in a folder of its own, without one of its files. */
function copyWithout(folder, name) {
    const to = path.join(FILES, folder);
    mkdirSync(to, { recursive: true });
    cpSync(here('../dist'), to, { recursive: true });
    rmSync(path.join(to, name));
}

before(async () => {
    makeFiles(COMMAND, FILES);
    copyWithout('no-wasm', 'gpu-charts.wasm');
    copyWithout('no-worker', 'gpu-charts-worker.js');
    plain = await serve(ROOTS);
    other = await serve(ROOTS);
});

after(() => {
    plain.close();
    other.close();
});

/** A quick drag to the left that is let go. Gives how far the view went on by itself, in spans. */
const GLIDE = `(async () => {
    await test.make({ series: [{ data: '/files/ticks.gch' }] });
    test.chart.setView({ from: '2023-11-15', to: '2023-11-16' });
    await test.completed();
    const root = document.querySelector('#chart > div').shadowRoot.querySelector('.root');
    const box = root.getBoundingClientRect();
    root.setPointerCapture = () => undefined; /* made-up pointers cannot be captured */
    const pointer = (type, share) => root.dispatchEvent(new PointerEvent(type, {
        clientX: box.left + box.width * share, clientY: box.top + box.height / 2, bubbles: true,
        composed: true, pointerId: 1, pointerType: 'mouse', button: 0 }));
    const spin = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
    pointer('pointerdown', 0.7);
    for (const share of [0.65, 0.6, 0.55, 0.5, 0.45]) { spin(8); pointer('pointermove', share); }
    spin(4);
    pointer('pointerup', 0.45);
    const before = test.chart.getView();
    await test.sleep(500);
    return (test.chart.getView().from - before.from) / (before.to - before.from);
})()`;

inBrowsers((browser) => {
    test('bad data ends in an error that is shown', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const cases = {
            '/files/none.gch': 'not-found',
            '/fail/404/x.gch': 'not-found',
            '/fail/403/x.gch': 'invalid',
            '/fail/500/x.gch': 'unavailable',
            '/fail/type/x.gch': 'corrupt',
            '/fail/cut/walk.gch': 'corrupt',
            '/files/gaps.csv': 'corrupt',
            'http://127.0.0.1:9/x.gch': 'unavailable',
            'ws://127.0.0.1:9/v1/live/x': 'unavailable',
            '/v1/live/none': 'not-found',
        };
        for (const [url, code] of Object.entries(cases)) {
            const failure = await browser.evaluate(`test.failure('${url}')`);
            assert.equal(failure.code, code, `${url}: ${failure.message}`);
            assert.equal(failure.shown, failure.message, url);
            assert.ok(failure.message.length > 20, failure.message);
        }
        assert.ok((await countColors(browser)) > 2, 'the message is on the screen');
    });

    test('a page of another origin is told what the server has to allow', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const failure = await browser.evaluate(`test.failure('${other.url}/files/ticks.gch')`);
        assert.equal(failure.code, 'unavailable');
        assert.match(failure.message, /\(CORS\)/);
        assert.equal(failure.shown, failure.message);
    });

    test('a server that is killed in the middle of a range leaves the picture, says so, and may come back', async () => {
        let dying = await serve(ROOTS);
        try {
            await visit(browser, `${dying.url}/test/blank.html`);
            await browser.evaluate(`(async () => {
                const data = await test.charts.openData('/hold/walk.gch');
                const from = BigInt(data.info.first);
                await test.make({ series: [{ data }], axes: { x: { from, to: from + 2000n } } });
            })()`);
            const frames = await browser.evaluate('test.chart.stats().then((s) => s.frames)');
            dying.state.holds = true;
            await browser.evaluate(`(() => {
                window.errors = [];
                test.chart.on('error', (error) => errors.push(error.code));
                const { from, to } = test.chart.getExtent();
                const at = from + (to - from) / 7n;
                test.chart.setView({ from: at, to: at + 2000n });
            })()`);
            for (let i = 0; i < 200 && dying.counts.held === 0; i++) await sleep(20);
            assert.ok(dying.counts.held > 0);
            dying.close();
            await until(browser, 'errors.length > 0');
            assert.deepEqual(await browser.evaluate('errors'), ['unavailable']);
            assert.match(await browser.evaluate('test.shown.message'), /cannot be reached|broke off/);
            const drawn = await browser.evaluate('test.chart.stats()');
            assert.ok(drawn.frames > frames && drawn.complete < 1);
            assert.ok((await countColors(browser)) > 2);
            dying = await serve(ROOTS, {}, dying.port);
            await until(browser, `test.shown.message === ''`);
            const { complete } = await browser.evaluate('test.chart.stats()');
            assert.equal(complete, 1);
        } finally {
            dying.close();
        }
    });

    test('without shared memory everything is drawn all the same', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        assert.equal(await browser.evaluate('typeof SharedArrayBuffer'), 'undefined');
        assert.equal(await browser.evaluate(`test.make({ series: [{ data: '/files/gaps.gch' }] })`), 'worker');
        assert.equal(await browser.evaluate('test.chart.stats().then((s) => s.complete)'), 1);
    });

    test('a canvas that cannot be handed to the worker is painted by the page', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        await browser.evaluate('void delete HTMLCanvasElement.prototype.transferControlToOffscreen');
        assert.equal(await browser.evaluate(`test.make({ series: [{ data: '/files/gaps.gch' }] })`), 'worker');
        assert.ok((await countColors(browser)) > 2);
    });

    test('a package without its module says what has to lie where', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const failure = await browser.evaluate(`import('/files/no-wasm/gpu-charts.js').then((charts) =>
            test.failure('/files/ticks.gch', {}, charts))`);
        assert.equal(failure.code, 'not-found');
        assert.match(failure.message, /gpu-charts\.wasm: .*has to lie beside the script/);
        assert.equal(failure.shown, failure.message);
    });

    test('a package without its worker draws on the thread of the page, and says why', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        const failure = await browser.evaluate(`import('/files/no-worker/gpu-charts.js').then((charts) =>
            test.failure('/files/ticks.gch', {}, charts))`);
        assert.equal(failure.code, 'none', failure.message);
        const { place, fallback } = await browser.evaluate('test.chart.stats()');
        assert.equal(place, 'main');
        assert.notEqual(fallback, '');
    });

    test('a drag that is let go glides on', async () => {
        await visit(browser, `${plain.url}/test/blank.html`);
        assert.equal(await browser.evaluate(`matchMedia('(prefers-reduced-motion: reduce)').matches`), false);
        assert.ok((await browser.evaluate(GLIDE)) > 0.02);
    });
});

inBrowsers(
    (browser) => {
        test('with reduced motion nothing moves by itself', async () => {
            await visit(browser, `${plain.url}/test/blank.html`);
            assert.equal(await browser.evaluate(`matchMedia('(prefers-reduced-motion: reduce)').matches`), true);
            assert.equal(await browser.evaluate(GLIDE), 0);
            assert.match(
                await browser.evaluate(`getComputedStyle(document.querySelector('#chart > div').shadowRoot
                    .querySelector('.progress')).transitionProperty + ' ' +
                    getComputedStyle(document.querySelector('#chart > div').shadowRoot
                    .querySelector('.progress')).transitionDuration`),
                /^none|0s$/,
            );
        });

        test('without WebGPU something else draws, asked for by name too', async () => {
            await visit(browser, `${plain.url}/test/blank.html`);
            const hasAdapter = await browser.evaluate(
                `navigator.gpu === undefined ? false : navigator.gpu.requestAdapter().then((one) => one !== null)`,
            );
            assert.equal(hasAdapter, false);
            for (const backend of ['auto', 'webgpu']) {
                await browser.evaluate(
                    `test.make({ series: [{ data: '/files/gaps.gch' }], backend: '${backend}' })`,
                );
                const stats = await browser.evaluate('test.chart.stats()');
                assert.notEqual(stats.backend, 'webgpu');
                assert.equal(stats.complete, 1);
            }
            assert.ok((await countColors(browser)) > 2);
        });
    },
    { reducedMotion: true, webgpu: false },
);
