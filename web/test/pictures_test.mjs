// What each backend puts on the screen of each browser, read from screenshots: BROWSERS names them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { BACKENDS } from './browsers.mjs';
import { makeCases } from './cases.mjs';
import { ROOTS, inBrowsers, sleep, until, visit } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';
import { NOTE_DEVICES, PATIENCE_MS, countOnScreen, expected, lookFor, readChart } from './screen.mjs';
import { ISOLATION, serve } from './server.mjs';

const LINES = { file: 'walk.gch', type: 'line', from: '946684800', to: '951684799', width: 400, height: 200 };

/* Where the engine is, and whether the page is isolated: then it has threads. */
const PLACES = { worker: {}, main: {}, threads: { isIsolated: true } };

let server;
let isolated;
let cases;

before(async () => {
    cases = makeCases(COMMAND, FILES);
    server = await serve(ROOTS);
    isolated = await serve(ROOTS, ISOLATION);
});

after(() => {
    server.close();
    isolated.close();
});

inBrowsers((browser, name) => {
    async function enter(place) {
        const { isIsolated = false } = PLACES[place];
        await visit(browser, `${(isIsolated ? isolated : server).url}/test/blank.html`);
        const urls = Object.keys(cases.files).map((file) => `/files/${file}`);
        const engine = place === 'main' ? 'main' : 'worker';
        await browser.evaluate(`test.keep(${JSON.stringify(urls)}, '${engine}')`);
        return engine;
    }

    const show = (view, options) =>
        browser.evaluate(`test.show(${JSON.stringify(view)}, ${JSON.stringify(options)})`);

        /** Pages can read canvases with a 2D context, which is faster than a screenshot. */
        const count = (view, backend) =>
            backend === 'cpu'
                ? lookFor(() => browser.evaluate(`test.countOff('/files/${view.picture}')`), PATIENCE_MS)
                : countOnScreen(browser, expected(view), 0);

    for (const backend of BACKENDS[name])
        for (const place of Object.keys(PLACES)) {
            if (place === 'threads' && (backend === 'webgpu' || name === 'webkit')) continue;
            test(`${backend}, engine in ${place}: fifty random views equal the command's pictures`, async () => {
                const engine = await enter(place);
                if (place === 'threads') {
                    await show(cases.views[0], { engine, backend });
                    await until(browser, 'test.chart.stats().then((s) => s.threads > 1)');
                }
                for (const view of cases.views) {
                    const drawn = await show(view, { engine, backend });
                    assert.deepEqual(drawn, { backend, backendReason: '' }, JSON.stringify(view));
                        assert.equal(await count(view, backend), 0, JSON.stringify(view));
                }
                await browser.evaluate('test.drop()');
            });
        }

    test('the default look on the screen is that of the processor within 1 of 255', async () => {
        await enter('worker');
        for (const backend of BACKENDS[name])
                for (const [type, theme] of [['line', 'light'], ['area', 'dark'], ['candles', 'light']]) {
                    const look = { bare: false, barWidth: '12h', title: 'ΔT ≥ 0 €' };
                    const drawn = await show(
                        { ...LINES, type },
                        { engine: 'worker', backend, theme, ...look },
                    );
                    assert.equal(drawn.backend, backend, drawn.backendReason);
                    const picture = await readChart(browser, LINES.width, LINES.height);
                    assert.equal(await countOnScreen(browser, picture, 1), 0, `${backend}, ${theme}, ${type}`);
                }
        await browser.evaluate('test.drop()');
    });

    test('a backend that is not there falls through to the processor, which says why', async () => {
        await enter('main');
        const [view] = cases.views;
        await browser.evaluate(`void Object.defineProperty(navigator, 'gpu', { value: undefined })`);
        const drawn = await show(view, { engine: 'main', backend: 'webgpu' });
        assert.notEqual(drawn.backend, 'webgpu');
        assert.match(drawn.backendReason, /^webgpu: this browser has no WebGPU/);
        assert.equal(await countOnScreen(browser, expected(view), 0), 0);
        const asked = await show(view, { engine: 'main', backend: 'cpu' });
        assert.deepEqual(asked, { backend: 'cpu', backendReason: '' });
        await browser.evaluate('test.drop()');
    });

    if (!BACKENDS[name].includes('webgpu')) return;

    test('by itself a chart prefers the processor to an adapter in software', async () => {
        await enter('worker');
        const drawn = await show(cases.views[0], { engine: 'worker' });
        assert.notEqual(drawn.backend, 'webgpu');
        assert.match(drawn.backendReason, /^webgpu: .* is an adapter in software/);
        await browser.evaluate('test.drop()');
    });

        test('a picture too large for a texture comes from the processor, through the same canvas', async () => {
            await enter('main');
            const wide = { ...LINES, width: 4160, height: 90 };
            const drawn = await show(wide, { engine: 'main', backend: 'webgpu', bare: false });
            assert.equal(drawn.backend, 'cpu');
            assert.match(drawn.backendReason, /^webgpu: .*4160 x 90 px does not stay on the device/);
            assert.equal(await countOnScreen(browser, await readChart(browser, 900, 90), 0), 0);
            const again = await show(cases.views[0], { engine: 'main', backend: 'webgpu' });
            assert.deepEqual(again, { backend: 'webgpu', backendReason: '' });
            await browser.evaluate('test.drop()');
        });

    test('a lost device is made anew with the right picture; one that is lost on and on is left', async () => {
        await enter('main');
        await browser.evaluate(NOTE_DEVICES);
        const view = cases.views[0];
        await show(view, { engine: 'main', backend: 'webgpu' });
        assert.equal(await countOnScreen(browser, expected(view), 0), 0);
        const lose = async () => {
                /* No picture is on its way to a canvas then: see RETIRE_MS of gpu.ts. */
                await sleep(1000);
            const count = await browser.evaluate('(devices.at(-1).destroy(), devices.length)');
            await lookFor(async () => ((await browser.evaluate('devices.length')) > count ? 0 : 1), 3000);
        };
        for (const next of cases.views.slice(1, 3)) {
            await lose();
            const off = await countOnScreen(browser, expected(view), 0);
            assert.equal(off, 0, `the picture comes back, ${next.type}`);
            await until(browser, `test.chart.stats().then(({ backend }) => backend === 'webgpu')`);
            const drawn = await show(next, { engine: 'main', backend: 'webgpu' });
            assert.deepEqual(drawn, { backend: 'webgpu', backendReason: '' });
            assert.equal(await countOnScreen(browser, expected(next), 0), 0);
            await show(view, { engine: 'main', backend: 'webgpu' });
                assert.equal(await countOnScreen(browser, expected(view), 0), 0);
        }
        assert.equal(await browser.evaluate('devices.length'), 3);
        await lose();
        assert.equal(await countOnScreen(browser, expected(view), 0), 0, 'the processor draws it');
        const { backend, backendReason } = await browser.evaluate(
            'test.chart.stats().then(({ backend, backendReason }) => ({ backend, backendReason }))',
        );
        assert.notEqual(backend, 'webgpu');
        assert.match(backendReason, /^webgpu: the device is lost again and again/);
        await browser.evaluate('test.drop()');
    });

    test('a call that the browser refuses ends in the same picture by other means', async () => {
        await enter('main');
        await browser.evaluate(NOTE_DEVICES);
        const view = cases.views[1];
        await show(view, { engine: 'main', backend: 'webgpu' });
            await browser.evaluate('void breakDevice()');
        const changed = () =>
            browser.evaluate(`test.chart.stats().then(({ backend }) => backend === 'webgpu' ? 1 : 0)`);
        assert.equal(await lookFor(changed, PATIENCE_MS), 0);
        assert.equal(await countOnScreen(browser, expected(view), 0), 0);
        await browser.evaluate('test.drop()');
    });

    test('twenty charts share one device, and leave nothing on it', async () => {
        await enter('main');
        await browser.evaluate(NOTE_DEVICES);
        const result = await browser.evaluate(`(async () => {
            const live = new Set();
            const old = GPUDevice.prototype.createBuffer;
            GPUDevice.prototype.createBuffer = function (desc) {
                const buffer = old.call(this, desc);
                live.add(buffer);
                const end = buffer.destroy;
                buffer.destroy = () => { live.delete(buffer); end.call(buffer); };
                return buffer;
            };
            const data = await test.charts.openData('/files/sine.gch', { engine: 'main' });
            const all = Array.from({ length: 20 }, () => {
                const element = document.body.appendChild(document.createElement('div'));
                element.style.cssText = 'width: 120px; height: 60px';
                return test.charts.createChart(element,
                    { engine: 'main', backend: 'webgpu', bare: true, series: [{ data }] });
            });
            await Promise.all(all.map((chart) => chart.ready));
            await Promise.all(all.map(test.settled));
            const drawn = await Promise.all(all.map((chart) => chart.stats()));
            const bytes = [...live].reduce((sum, buffer) => sum + buffer.size, 0);
            await Promise.all(all.map((chart) => chart.destroy()));
            await data.close();
            return { backends: [...new Set(drawn.map((one) => one.backend))], bytes,
                devices: devices.length, left: live.size };
        })()`);
        assert.deepEqual(result.backends, ['webgpu']);
        assert.equal(result.devices, 1);
        assert.ok(result.bytes < 20 * (8 << 20), `${result.bytes} bytes`);
        assert.equal(result.left, 0);
        await browser.evaluate('test.drop()');
    });
});
