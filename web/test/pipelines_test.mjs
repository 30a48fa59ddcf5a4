// What is on the screen while the pipelines of WebGPU are compiled, and what becomes of a chart whose are not to be
// had. BROWSERS names the browsers.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { makeCases } from './cases.mjs';
import { ROOTS, here, inBrowsers, sleep, until, visit } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';
import { NOTE_DEVICES, countAtOnce, countOnScreen, expected, readChart } from './screen.mjs';
import { serve } from './server.mjs';

const COMPILING = { backend: 'cpu', backendReason: 'webgpu: its pipelines are not compiled yet' };
const IS_GPU = `test.chart.stats().then(({ backend }) => backend === 'webgpu')`;
/** Whatever is drawn last has had the time to come on the screen. */
const AFTER_MS = 1000;

/* Run where the engine is: pipelines come only after the word has been given, and nobody waits for one. */
const HOLD = `{
    const word = new Promise((resolve) => {
        new BroadcastChannel('pipelines').onmessage = resolve;
    });
    for (const kind of ['Compute', 'Render']) {
        const make = GPUDevice.prototype['create' + kind + 'PipelineAsync'];
        GPUDevice.prototype['create' + kind + 'PipelineAsync'] = async function (desc) {
            await word;
            return make.call(this, desc);
        };
        GPUDevice.prototype['create' + kind + 'Pipeline'] = () => {
            throw new Error('the caller waits for a pipeline');
        };
    }
}`;
const GIVE_WORD = `void new BroadcastChannel('pipelines').postMessage('go')`;

/* Run where the engine is: the browser refuses pipelines, as their functions are not in the shader. */
const SPOIL = `{
    const make = GPUDevice.prototype.createComputePipelineAsync;
    GPUDevice.prototype.createComputePipelineAsync = function (desc) {
        return make.call(this, { ...desc, compute: { ...desc.compute, entryPoint: 'nowhere' } });
    };
}`;

let server;
let cases;

/** A copy of the package whose worker starts with a script. */
function copyWith(folder, script) {
    const to = path.join(FILES, folder);
    const worker = path.join(to, 'gpu-charts-worker.js');
    mkdirSync(to, { recursive: true });
    cpSync(here('../dist'), to, { recursive: true });
    writeFileSync(worker, `${script}\n${readFileSync(worker)}`);
}

before(async () => {
    cases = makeCases(COMMAND, FILES);
    copyWith('held', HOLD);
    copyWith('spoiled', SPOIL);
    server = await serve(ROOTS);
});

after(() => server.close());

inBrowsers(
    (browser) => {
        /** A page whose engine, in either place, a script of the copy has come before. */
        async function enter(engine, script, folder) {
            await visit(browser, `${server.url}/test/blank.html`);
            if (engine === 'main') await browser.evaluate(`(() => ${script})()`);
            else await browser.evaluate(`test.use('/files/${folder}/gpu-charts.js')`);
            const urls = Object.keys(cases.files).map((file) => `/files/${file}`);
            await browser.evaluate(`test.keep(${JSON.stringify(urls)}, '${engine}')`);
        }

        const show = (view, options) =>
            browser.evaluate(
                `test.showFirst(${JSON.stringify(view)}, ${JSON.stringify({ backend: 'webgpu', ...options })})`,
            );

        const lastDrawn = () =>
            browser.evaluate(
                'test.chart.stats().then(({ backend, backendReason }) => ({ backend, backendReason }))',
            );

        for (const engine of ['main', 'worker'])
            for (const bare of [true, false])
                test(`engine in ${engine}, ${bare ? 'bare' : 'default look'}: the processor draws until the GPU can, which changes nothing on the screen`, async () => {
                    await enter(engine, HOLD, 'held');
                    const [view] = cases.views;
                    assert.deepEqual(await show(view, { engine, bare }), COMPILING);
                    const picture = bare
                        ? expected(view)
                        : await readChart(browser, view.width, view.height);
                    const within = bare ? 0 : 1;
                    assert.equal(await countOnScreen(browser, picture, within), 0);

                    const { complete, frames } = await browser.evaluate('test.chart.stats()');
                    assert.equal(complete, 1);
                    const [from, to] = [view.from, view.to].map(BigInt);
                    await browser.evaluate(`(async () => {
                        for (const share of [3n, 2n, 1n]) {
                            const left = ${from}n + share * ${to - from}n / 7n;
                            test.chart.setView({ from: left, to: left + ${to - from}n });
                            await test.completed();
                        }
                        test.chart.setView({ from: ${from}n, to: ${to}n });
                        await test.completed();
                    })()`);
                    assert.deepEqual(await lastDrawn(), COMPILING);
                    assert.ok((await browser.evaluate('test.chart.stats()')).frames >= frames + 4);
                    assert.equal(await countOnScreen(browser, picture, within), 0);

                    await browser.evaluate(GIVE_WORD);
                    for (let end = Infinity; Date.now() < end; ) {
                        assert.equal(await countAtOnce(browser, picture, within), 0);
                        if (end === Infinity && (await browser.evaluate(IS_GPU))) end = Date.now() + AFTER_MS;
                    }
                    assert.deepEqual(await lastDrawn(), { backend: 'webgpu', backendReason: '' });
                    await browser.evaluate('test.drop()');
                });

        test('what is there is drawn by the GPU while what is not is compiled', async () => {
            await enter('main', HOLD, 'held');
            const of = (type) => cases.views.find((view) => view.type === type);
            await browser.evaluate(GIVE_WORD);
            await show(of('line'), { engine: 'main' });
            await until(browser, IS_GPU);
            await browser.evaluate(`(() => ${HOLD})()`);
            assert.deepEqual(await show(of('candles'), { engine: 'main' }), COMPILING);
            const line = await show(of('line'), { engine: 'main' });
            assert.deepEqual(line, { backend: 'webgpu', backendReason: '' });
            await browser.evaluate('test.drop()');
        });

        for (const engine of ['main', 'worker'])
            test(`engine in ${engine}: pipelines that the browser refuses end in the same picture by other means, which says why`, async () => {
                await enter(engine, SPOIL, 'spoiled');
                const [view, next] = cases.views;
                assert.deepEqual(await show(view, { engine }), COMPILING);
                await until(browser, `${IS_GPU}.then((is) => !is && !test.isCompiling())`);
                for (const one of [view, next]) {
                    const { backend, backendReason } =
                        one === view ? await lastDrawn() : await show(next, { engine });
                    assert.notEqual(backend, 'webgpu');
                    assert.match(backendReason, /^webgpu: .*nowhere/);
                    assert.equal(await countOnScreen(browser, expected(one), 0), 0);
                }
                await browser.evaluate('test.drop()');
            });

        test('a device that is lost while it compiles is made anew, and draws', async () => {
            await enter('main', HOLD, 'held');
            await browser.evaluate('test.drop()');
            await browser.evaluate(NOTE_DEVICES);
            await browser.evaluate(`test.keep(['/files/${cases.views[0].file}'], 'main')`);
            const [view] = cases.views;
            assert.deepEqual(await show(view, { engine: 'main' }), COMPILING);
            await sleep(AFTER_MS); /* no picture is on its way to a canvas then: see RETIRE_MS of gpu.ts */
            await browser.evaluate('void devices.at(-1).destroy()');
            await until(browser, 'devices.length === 2');
            assert.equal(await countOnScreen(browser, expected(view), 0), 0);
            assert.deepEqual(await lastDrawn(), COMPILING);
            await browser.evaluate(GIVE_WORD);
            await until(browser, IS_GPU);
            await sleep(AFTER_MS);
            assert.equal(await countAtOnce(browser, expected(view), 0), 0);
            assert.equal(await browser.evaluate('devices.length'), 2);
            await browser.evaluate('test.drop()');
        });
    },
    {},
    ['chromium', 'firefox'],
);
