// WebGL2 in real browsers: its pictures, and what becomes of a chart whose context goes. BROWSERS names the
// browsers, separated by blanks.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { NAMES, launch } from './browsers.mjs';
import { makeCases } from './cases.mjs';
import { COMMAND, FILES } from './node.mjs';
import { serve } from './server.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const names = (process.env.BROWSERS ?? NAMES.join(' ')).split(' ').filter((name) => name !== '');

/* Charts in the default look: type and columns of the series, what the chart and the command are told. */
const LOOKS = [
    { types: ['line', 'line'], title: 'Ticks, ΔT ≥ 0 €', theme: 'light', zone: 'UTC' },
    { types: ['line'], theme: 'dark', zone: 'America/New_York', span: 500 },
    { types: ['area'], theme: 'dark', zone: 'UTC' },
    { types: ['area'], theme: 'light', zone: 'Asia/Kolkata', span: 90, ratio: 2 },
    { types: ['step', 'line'], theme: 'light', zone: 'UTC', span: 40, color: '#10803080' },
    { types: ['candles'], theme: 'light', zone: 'UTC', bar: '1h' },
    { types: ['candles'], theme: 'dark', zone: 'UTC', bar: '30s', span: 60_000, ratio: 1.5 },
    { types: ['ohlc'], theme: 'light', zone: 'UTC', bar: '1m', span: 60_000 },
    { types: ['bars'], theme: 'dark', zone: 'UTC', bar: '5s', span: 300, color: '#c04040a0' },
    { types: ['scatter'], theme: 'light', zone: 'UTC', span: 3000 },
    { types: ['scatter'], theme: 'light', zone: 'UTC' },
    { types: ['line', 'area'], theme: 'dark', zone: 'UTC', span: 20_000, isLog: true },
];
const [WIDTH, HEIGHT] = [430, 260];

/** The command's pictures of LOOKS, and what a page draws them from. */
function makeLooks(files) {
    const looks = LOOKS.map((look, i) => {
        const file = ['ticks.gch', 'gaps.gch'][i % 2];
        const info = JSON.parse(execFileSync(COMMAND, ['info', '--json', files[file]]).toString());
        const [first, last] = [BigInt(info.time.first), BigInt(info.time.last)];
        const from = look.span === undefined ? first : first + (last - first) / 3n;
        const to = look.span === undefined ? last + 1n : from + BigInt(look.span) * 1000n;
        const { types, theme, zone, title, bar, color, ratio = 1, isLog = false } = look;
        const picture = `look-${i}.ppm`;
        const args = ['render', files[file], '--format', 'ppm', '--no-legend', '--theme', theme];
        args.push('--tz', zone, '--from', String(from), '--to', String(to), '--scale', String(ratio));
        args.push('--size', `${WIDTH * ratio}x${HEIGHT * ratio}`, '-o', path.join(FILES, picture));
        types.forEach((type, k) => args.push('--column', String(k + 1), '--type', type));
        if (title !== undefined) args.push('--title', title);
        if (bar !== undefined) args.push('--bar', bar);
        if (isLog) args.push('--log');
        if (color !== undefined) for (const _ of types) args.push('--color', color);
        execFileSync(COMMAND, args, { stdio: ['ignore', 'ignore', 'inherit'] });
        return {
            file,
            picture,
            width: WIDTH,
            height: HEIGHT,
            from: String(from),
            to: String(to),
            series: types.map((type, column) => ({ type, column, ...(color && { color }) })),
            options: { theme, timeZone: zone, pixelRatio: ratio, ...(title && { title }) },
            ...(bar && { bar }),
            ...(isLog && { scale: 'log' }),
        };
    });
    writeFileSync(path.join(FILES, 'looks.json'), JSON.stringify(looks));
}

let server;

before(async () => {
    mkdirSync(FILES, { recursive: true });
    const { files, views } = makeCases(COMMAND, FILES);
    makeLooks(files);
    const bare = views.map(({ type, ...view }) => ({
        ...view,
        series: [{ type }],
        options: { bare: true },
    }));
    writeFileSync(path.join(FILES, 'bare.json'), JSON.stringify(bare));
    server = await serve({ test: here('pages'), dist: here('../dist'), files: FILES });
});
after(() => server.close());

for (const name of names) {
    /* WebKitGTK has no WebGL2 in workers. */
    const places = name === 'webkit' ? ['main'] : ['worker', 'main'];

    describe(name, { timeout: 580_000 }, () => {
        let browser;

        before(async () => {
            browser = await launch(name);
            console.log(`${name} ${browser.version}`);
        });
        after(() => browser.close());

        async function visit() {
            await browser.goto(`${server.url}/test/shown.html`);
            for (let i = 0; i < 300; i++) {
                if (await browser.evaluate('window.isReady === true')) return;
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
            throw new Error('the page does not get ready');
        }

        for (const engine of places) {
            test(`fifty random views equal the command's pictures, engine in ${engine}`, async () => {
                await visit();
                const results = await browser.evaluate(
                    `shown.judgeByCommand('/files/bare.json', { engine: '${engine}', backend: 'webgl2' }, 0)`,
                );
                assert.equal(results.length, 50);
                for (const { name: view, backend, reason, different } of results)
                    assert.deepEqual([view, backend, reason, different], [view, 'webgl2', '', 0]);
            });

            test(`the default look is the command's within 1 of 255, engine in ${engine}`, async () => {
                await visit();
                const results = await browser.evaluate(
                    `shown.judgeByCommand('/files/looks.json', { engine: '${engine}', backend: 'webgl2' }, 1)`,
                );
                assert.equal(results.length, LOOKS.length);
                for (const { name: look, backend, worst } of results)
                    assert.ok(backend === 'webgl2' && worst <= 1, `${look}: ${backend}, ${worst}`);
            });
        }

        const MAKE = `const chart = await shown.make(document.getElementById('chart'), 500, 300, {
            engine: 'main', backend: 'webgl2', series: [{ data: '/files/ticks.gch' }] });`;

        test('a context that is lost is replaced, and the picture is exact again', async () => {
            await visit();
            const { lost, found, made } = await browser.evaluate(`(async () => {
                ${MAKE}
                shown.contexts.at(-1).getExtension('WEBGL_lose_context').loseContext();
                const lost = await shown.judgeByProcessor(chart);
                const { from, to } = chart.getExtent();
                chart.setView({ from, to: from + (to - from) / 5n });
                await shown.completed(chart);
                const found = await shown.judgeByProcessor(chart);
                await chart.destroy();
                return { lost, found, made: shown.contexts.length };
            })()`);
            assert.ok(lost.worst <= 1, 'the chart draws again by itself');
            assert.ok(found.worst <= 1, `a channel differs by ${found.worst}`);
            assert.equal(found.backend, 'webgl2');
            assert.equal(made, 2);
        });

        test('without another context the processor draws, and the chart says why', async () => {
            await visit();
            const result = await browser.evaluate(`(async () => {
                ${MAKE}
                shown.allowWebGl(false);
                shown.contexts.at(-1).getExtension('WEBGL_lose_context').loseContext();
                const { from, to } = chart.getExtent();
                chart.setView({ from, to: from + (to - from) / 5n });
                await shown.completed(chart);
                const result = await shown.judgeByProcessor(chart, 0);
                await chart.destroy();
                shown.allowWebGl(true);
                return result;
            })()`);
            assert.equal(result.different, 0);
            assert.equal(result.backend, 'cpu');
            assert.match(result.reason, /^webgl2: .*no WebGL2 context/);
        });

        test('what is too much for WebGL2 the processor draws', async () => {
            await visit();
            const { small, large } = await browser.evaluate(`(async () => {
                shown.limitRows(1);
                ${MAKE}
                const large = await shown.judgeByProcessor(chart, 0);
                const { from } = chart.getExtent();
                chart.setView({ from, to: from + 20n });
                await shown.completed(chart);
                const small = await shown.judgeByProcessor(chart);
                await chart.destroy();
                shown.limitRows(undefined);
                return { small, large };
            })()`);
            assert.deepEqual([large.different, large.backend], [0, 'cpu']);
            assert.match(large.reason, /^webgl2: a table of/);
            assert.ok(small.worst <= 1);
        });

        for (const engine of places)
            test(`twenty charts on a page share a context, engine in ${engine}`, async () => {
                await visit();
                const { results, contexts, isLost } = await browser.evaluate(`(async () => {
                    const data = await shown.charts.openData('/files/gaps.gch', { engine: '${engine}' });
                    const types = ['line', 'area', 'candles', 'scatter'];
                    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => {
                        const element = document.body.appendChild(document.createElement('div'));
                        return shown.make(element, 200 + 10 * i, 100 + 5 * i, { engine: '${engine}',
                            backend: 'webgl2', title: 'Chart ' + i,
                            series: [{ data, type: types[i % 4] }] });
                    }));
                    const results = [];
                    for (const chart of all) results.push(await shown.judgeByProcessor(chart));
                    for (const chart of all) await chart.destroy();
                    await data.close();
                    return { results, contexts: shown.contexts.length,
                        isLost: shown.contexts.every((one) => one.isContextLost()) };
                })()`);
                for (const { worst, backend } of results) {
                    assert.equal(backend, 'webgl2');
                    assert.ok(worst <= 1, `a channel differs by ${worst}`);
                }
                assert.equal(contexts, engine === 'main' ? 1 : 0);
                assert.ok(isLost, 'the context is given back with the last chart');
            });

        test('a chart follows its size and the density of the screen', async () => {
            await visit();
            const results = await browser.evaluate(`(async () => {
                const element = document.getElementById('chart');
                const results = [];
                for (const pixelRatio of [1, 1.25, 3]) {
                    const chart = await shown.make(element, 301, 203, { engine: 'main', backend: 'webgl2',
                        pixelRatio, series: [{ data: '/files/ticks.gch', type: 'area' }] });
                    for (const size of [[301, 203], [640, 120], [77, 310]]) {
                        [element.style.width, element.style.height] = size.map((px) => px + 'px');
                        const wanted = Math.round(size[0] * pixelRatio);
                        for (let i = 0; i < 100 && shown.read(chart).width !== wanted; i++) await shown.sleep(30);
                        const { worst, backend } = await shown.judgeByProcessor(chart);
                        results.push([shown.read(chart).width === wanted, worst <= 1, backend]);
                    }
                    await chart.destroy();
                }
                return results;
            })()`);
            assert.equal(results.length, 9);
            for (const result of results) assert.deepEqual(result, [true, true, 'webgl2']);
        });

        test('forty charts one after the other draw, and leave no context', async () => {
            await visit();
            const { backends, alive } = await browser.evaluate(`(async () => {
                const backends = new Set();
                for (let i = 0; i < 40; i++) {
                    const chart = await shown.make(document.getElementById('chart'), 200, 100, {
                        engine: 'main', backend: 'webgl2', series: [{ data: '/files/ticks.gch' }] });
                    backends.add((await chart.stats()).backend);
                    await chart.destroy();
                }
                return { backends: [...backends],
                    alive: shown.contexts.filter((one) => !one.isContextLost()).length };
            })()`);
            assert.deepEqual(backends, ['webgl2']);
            assert.equal(alive, 0);
        });

        if (name === 'webkit')
            test('in a worker the processor draws, and the chart says why', async () => {
                await visit();
                const result = await browser.evaluate(`(async () => {
                    const chart = await shown.make(document.getElementById('chart'), 500, 300, {
                        engine: 'worker', backend: 'webgl2', series: [{ data: '/files/ticks.gch' }] });
                    return shown.judgeByProcessor(chart, 0);
                })()`);
                assert.deepEqual([result.different, result.backend], [0, 'cpu']);
                assert.match(result.reason, /^webgl2: there is no WebGL2 context/);
            });
        else
            test('by itself no chart is drawn by a WebGL2 in software', async () => {
                await visit();
                const { backend, reason } = await browser.evaluate(`(async () => {
                    const chart = await shown.make(document.getElementById('chart'), 500, 300, {
                        series: [{ data: '/files/ticks.gch' }] });
                    return shown.judgeByProcessor(chart, 0);
                })()`);
                assert.equal(backend, 'cpu');
                assert.match(reason, /webgl2: .* is the processor under another name/i);
            });
    });
}
