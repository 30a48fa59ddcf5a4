// A chart under fingers: drag, flick, pinch, two fingers, taps, and in Chromium the page around it and the viewer on a
// phone. What fingers are in each browser stands in touch.mjs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { ROOTS, inBrowsers, until, visit } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';
import { serve } from './server.mjs';
import { makeHand, rest, way } from './touch.mjs';

const START = Date.UTC(2024, 0, 1);
const ROWS = 100_000;
/* Fingers are placed by whole pixels, and times by ticks: two pixels of a plot some 300 wide. */
const NEAR = 0.007;

let server;

before(async () => {
    for (const [kind, name] of [['ticks', 'touch.gch'], ['points', 'touch-points.gch']]) {
        const file = path.join(FILES, name);
        if (!existsSync(file)) execFileSync(COMMAND, ['gen', '--kind', kind, '-n', '20k', '-o', file, '-q']);
    }
    server = await serve(ROOTS);
});
after(() => server.close());

/** A chart of rows a second apart whose values stay as they are, in the middle fifth of its time. */
async function open(browser, options = 'axes: { y: { min: -2, max: 2 } }') {
    await visit(browser, `${server.url}/test/blank.html`);
    await browser.evaluate(`(async () => {
        const times = Float64Array.from({ length: ${ROWS} }, (_, i) => ${START} + 1000 * i);
        const values = Float64Array.from(times, (_, i) => Math.sin(i / 5000));
        await test.make({ series: [{ data: { times, columns: { values } } }], ${options} });
        test.chart.setView({ from: ${START + 400 * ROWS}, to: ${START + 600 * ROWS} });
        await test.completed();
        test.root = () => document.querySelector('#chart > div').shadowRoot.querySelector('.root');
        test.crosshair = () => test.root().querySelector('.rule.x').getBoundingClientRect();
        test.frames = async (count) => { while (count-- > 0) await new Promise(requestAnimationFrame); };
    })()`);
}

const viewOf = (browser) =>
    browser.evaluate(`(({ from, to, min, max, xMin, xMax }) => ({ from, to, min, max, xMin, xMax }))(
        test.chart.getView())`);

/** Where the plot is: what the crosshair's lines cover, as the page shows them. */
async function plotOf(browser) {
    return browser.evaluate(`(async () => {
        const box = test.root().getBoundingClientRect();
        const at = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true };
        test.root().dispatchEvent(new PointerEvent('pointermove', { ...at, pointerType: 'mouse', pointerId: 1 }));
        while (test.root().querySelector('.rule.y').hidden) await test.sleep(20);
        const [x, y] = ['.rule.y', '.rule.x'].map((one) => test.root().querySelector(one).getBoundingClientRect());
        test.root().dispatchEvent(new PointerEvent('pointerleave', { pointerType: 'mouse', pointerId: 1 }));
        return { left: x.left, width: x.width, top: y.top, height: y.height };
    })()`);
}

/** A place of the plot by shares of it, from its lower left corner, in whole pixels. */
const placeIn = (plot) => (x, y = 0.5) => [
    Math.round(plot.left + x * plot.width),
    Math.round(plot.top + (1 - y) * plot.height),
];

const timeAt = (view, plot, [x]) => view.from + ((x - plot.left) / plot.width) * (view.to - view.from);
const valueAt = (view, plot, [, y]) => view.max - ((y - plot.top) / plot.height) * (view.max - view.min);

/** What was at a place is at another one. */
function assertHeld(before, from, after, to, plot, name = '') {
    const off = (timeAt(after, plot, to) - timeAt(before, plot, from)) / (after.to - after.from);
    assert.ok(Math.abs(off) < NEAR, `${name}: off by ${off} of the width`);
}

function assertNear(got, expected, share, name) {
    assert.ok(Math.abs(got - expected) <= share * Math.abs(expected), `${name}: ${got}, not ${expected}`);
}

const spanOf = (view) => view.to - view.from;
const isCrosshairShown = '!test.root().querySelector(".rule.x").hidden';

/** A flick to the left, until one was quick: on a busy machine a real finger may come to rest before it is lifted.
 * `given`: before it. Returns what was shown as it was lifted. */
async function flick(browser, name, hand, place, given = async () => undefined) {
    for (let tries = 1; ; tries++) {
        await given();
        await browser.evaluate(`(() => {
            const abort = new AbortController();
            const times = {};
            test.flick = undefined;
            const hear = (type, listener) =>
                addEventListener(type, listener, { signal: abort.signal, capture: true });
            hear('pointerdown', (event) => (times.down = event.timeStamp));
            hear('pointermove', (event) => (times.move = event.timeStamp));
            hear('pointerup', (event) => {
                const { from, to } = test.chart.getView();
                test.flick = { from, to, at: performance.now(), took: event.timeStamp - times.down,
                    rested: event.timeStamp - times.move };
                abort.abort();
            });
        })()`);
        const from = { a: place(0.8) };
        await hand([from, ...way(from, { a: place(0.5) }), {}]);
        await until(browser, 'test.flick !== undefined');
        const { rested, took, ...lifted } = await browser.evaluate('test.flick');
        if (rested <= 50 && took <= 300) return lifted;
        assert.ok(name === 'firefox' && tries < 50, `it took ${took} ms, and the finger rested for ${rested}`);
    }
}

/** The view, once it stays as it is for a while. */
const restOf = (browser) =>
    browser.evaluate(`(async () => {
        for (let last; ; ) {
            const { from, to } = test.chart.getView();
            if (from === last) return { from, to };
            last = from;
            await test.frames(8);
            await test.sleep(250);
        }
    })()`);

inBrowsers(
    (browser, name) => {
        let hand;
        let plot;
        let place;
        const begin = async (options) => {
            hand ??= await makeHand(browser, name);
            await hand([{}]);
            await open(browser, options);
            plot = await plotOf(browser);
            place = placeIn(plot);
            return viewOf(browser);
        };

        test('a finger takes what it touches along', async () => {
            const all = await begin();
            assert.equal(await browser.evaluate('getComputedStyle(test.root()).touchAction'), 'none');
            const from = { a: place(0.7, 0.5) };
            const to = { a: place(0.3, 0.6) };
            await hand([from, ...way(from, to)]);
            const moved = await viewOf(browser);
            assertHeld(all, from.a, moved, to.a, plot);
            assertNear(spanOf(moved), spanOf(all), 1e-6, 'span');
            assertNear(valueAt(moved, plot, to.a), valueAt(all, plot, from.a), 1e-6, 'value');
            await hand([...way(to, from), ...rest(from), {}]);
            const back = await restOf(browser);
            assert.deepEqual([back.from, back.to], [all.from, all.to]);
        });

        test('a flick goes on, slower and slower, and comes to rest', async () => {
            const all = await begin();
            const lifted = await flick(browser, name, hand, place, async () => {
                await restOf(browser);
                await browser.evaluate(`(test.chart.setView({ from: ${all.from}, to: ${all.to} }), test.views = [],
                    test.stop?.(), test.stop = test.chart.on('view', ({ from }) =>
                        test.views.push([performance.now(), from])))`);
            });
            const end = await restOf(browser);
            const { views } = await browser.evaluate(`({ views: test.views.filter(([at]) => at > ${lifted.at}) })`);
            const gone = (end.from - lifted.from) / spanOf(all);
            assert.ok(gone > 0.05 && gone < 2, `${gone} of the width, ${views.length} frames`);
            assertNear(spanOf(end), spanOf(all), 1e-6, 'span');
            assert.ok(views.every(([, from], i) => i === 0 || from >= views[i - 1][1]));
            const [start] = views;
            const [last] = views.slice(-1);
            const half = views.findLast(([at]) => at <= (start[0] + last[0]) / 2);
            assert.ok(half[1] - lifted.from > last[1] - half[1], JSON.stringify(views));
        });

        test('a finger stops what glides, and so does a view that the page sets', async () => {
            const all = await begin();
            const before = async () => {
                await restOf(browser);
                await browser.evaluate(`test.chart.setView({ from: ${all.from}, to: ${all.to} })`);
            };
            const lifted = await flick(browser, name, hand, place, before);
            await hand([{ a: place(0.5) }]);
            const caught = await viewOf(browser);
            await browser.evaluate('test.frames(20)');
            assert.deepEqual(await viewOf(browser), caught);
            assert.ok(caught.from >= lifted.from);
            await hand([{}]);

            await before();
            /* From within the glide itself, so that it is under way. */
            await browser.evaluate(`void (test.set = new Promise((resolve) => {
                let isUp = false;
                for (const type of ['pointerdown', 'pointerup'])
                    addEventListener(type, () => (isUp = type === 'pointerup'), { capture: true });
                const stop = test.chart.on('view', () => {
                    if (!isUp) return;
                    stop();
                    setTimeout(() => { test.chart.reset(); resolve(true); });
                });
            }))`);
            await flick(browser, name, hand, place);
            await browser.evaluate('test.set');
            await browser.evaluate('test.frames(20)');
            const { from, to } = await viewOf(browser);
            assert.equal(from, START);
            assert.ok(to >= START + 1000 * (ROWS - 1));
        });

        test('two fingers zoom, and what is under each stays there', async () => {
            const all = await begin();
            const close = { a: place(0.4), b: place(0.5) };
            const wide = { a: place(0.25), b: place(0.65) };
            await hand([close, ...way(close, wide)]);
            const zoomed = await viewOf(browser);
            const ratio = (close.b[0] - close.a[0]) / (wide.b[0] - wide.a[0]);
            assertNear(spanOf(zoomed), spanOf(all) * ratio, 0.01, 'span');
            const middle = place(0.45);
            assertHeld(all, middle, zoomed, middle, plot, 'middle');
            for (const finger of ['a', 'b']) assertHeld(all, close[finger], zoomed, wide[finger], plot, finger);
            /* And the middle itself elsewhere. */
            const aside = { a: place(0.5), b: place(0.9) };
            await hand(way(wide, aside));
            const moved = await viewOf(browser);
            for (const finger of ['a', 'b']) assertHeld(all, close[finger], moved, aside[finger], plot, finger);
            await hand([...way(aside, close), {}]);
            const back = await restOf(browser);
            assertNear(spanOf(back), spanOf(all), 1e-6, 'span');
            assertHeld(all, middle, back, middle, plot, 'back');
        });

        test('two fingers side by side pan, the values too where they are held', async () => {
            const all = await begin();
            const from = { a: place(0.6, 0.4), b: place(0.8, 0.4) };
            const to = { a: place(0.3, 0.7), b: place(0.5, 0.7) };
            await hand([from, ...way(from, to)]);
            const moved = await viewOf(browser);
            assertNear(spanOf(moved), spanOf(all), 0.02, 'span');
            for (const finger of ['a', 'b']) {
                assertHeld(all, from[finger], moved, to[finger], plot, finger);
                const off = valueAt(moved, plot, to[finger]) - valueAt(all, plot, from[finger]);
                assert.ok(Math.abs(off) < NEAR * (all.max - all.min), `values are off by ${off}`);
            }
            await hand([{}]);
            assert.deepEqual(await restOf(browser), { from: moved.from, to: moved.to });
        });

        test('fingers may come and go: nothing jumps', async () => {
            await begin();
            const two = { a: place(0.3), b: place(0.5) };
            await hand([two, ...way(two, { a: place(0.2), b: place(0.6) })]);
            const zoomed = await viewOf(browser);
            const three = { a: place(0.2), b: place(0.6), c: place(0.8) };
            await hand([three, { ...three, c: place(0.85) }]);
            assertNear(spanOf(await viewOf(browser)), spanOf(zoomed), 1e-6, 'span with a third finger');
            /* Another pair stays, and zooms on from there. */
            const pair = { b: place(0.6), c: place(0.85) };
            await hand([pair]);
            assertNear(spanOf(await viewOf(browser)), spanOf(zoomed), 1e-6, 'span with the other pair');
            const apart = { b: place(0.45), c: place(0.95) };
            await hand(way(pair, apart));
            const on = await viewOf(browser);
            assertNear(spanOf(on), spanOf(zoomed) / 2, 0.03, 'span');
            for (const finger of ['b', 'c']) assertHeld(zoomed, pair[finger], on, apart[finger], plot, finger);
            /* One stays, and pans. */
            const one = { b: apart.b };
            const left = { b: place(0.25) };
            await hand([one, ...way(one, left), ...rest(left)]);
            const panned = await viewOf(browser);
            assertNear(spanOf(panned), spanOf(on), 1e-6, 'span with one finger');
            assertHeld(on, one.b, panned, left.b, plot, 'one finger');
            await hand([{}]);
        });

        test('a tap shows the crosshair with the exact value; moving the view takes it away', async () => {
            const all = await begin();
            await browser.evaluate(`void test.chart.on('hover', (detail) => (test.hover = detail && {
                ...detail.values[0], ticks: Number(detail.ticks), time: Number(detail.values[0].time) }))`);
            const at = place(0.3);
            await hand([{ a: at }, {}]);
            await until(browser, `${isCrosshairShown} && test.hover?.text && test.root().textContent.includes(test.hover.text)`);
            const { hover, line } = await browser.evaluate('({ hover: test.hover, line: test.crosshair().left })');
            assert.ok(Math.abs(line - at[0]) <= 1, `the line is at ${line}, the finger was at ${at[0]}`);
            assertNear(hover.value, Math.sin((hover.time - START) / 5_000_000), 1e-12, 'value');
            assert.ok(Math.abs(hover.ticks - timeAt(all, plot, at)) < NEAR * spanOf(all));
            assert.deepEqual(await viewOf(browser), all);
            const to = { a: place(0.25) };
            await hand([{ a: at }, ...way({ a: at }, to), ...rest(to), {}]);
            await until(browser, `!(${isCrosshairShown}) && test.hover === null`);
        });

        test('a finger that stays reads values on its way', async () => {
            const all = await begin();
            const from = { a: place(0.3) };
            const to = { a: place(0.6, 0.7) };
            await hand([from]);
            await until(browser, isCrosshairShown);
            await hand(way(from, to));
            await until(browser, `Math.abs(test.crosshair().left - ${to.a[0]}) <= 1`);
            assert.deepEqual(await viewOf(browser), all);
            await hand([{}]);
            assert.deepEqual(await viewOf(browser), all);
            assert.ok(await browser.evaluate(isCrosshairShown));
            /* The next one pans again. */
            await hand([from, ...way(from, to), ...rest(to), {}]);
            assert.notDeepEqual(await viewOf(browser), all);
        });

        test('two taps show everything; taps of two fingers do not', async () => {
            const all = await begin();
            const two = { a: place(0.4), b: place(0.6) };
            await hand([two, two, { b: two.b }, {}, two, two, { b: two.b }, {}]);
            assert.deepEqual(await viewOf(browser), all);
            /* Where the machine is busy, Firefox's may be too slow. */
            for (let tries = 0; tries < 20 && (await viewOf(browser)).from !== START; tries++)
                await hand([{ a: place(0.4) }, {}, { a: place(0.4) }, {}]);
            const { from, to } = await viewOf(browser);
            assert.deepEqual([from, to], [START, START + 1000 * (ROWS - 1) + 1]);
        });

        test('a finger on the value axis stretches the values', async () => {
            const all = await begin();
            const [, y] = place(0, 0.5);
            const side = plot.left > 20 ? plot.left / 2 : plot.left + plot.width + 8;
            const from = { a: [Math.round(side), y] };
            const to = { a: [Math.round(side), y + 100] };
            await hand([from, ...way(from, to), {}]);
            const stretched = await viewOf(browser);
            assertNear((stretched.max - stretched.min) / (all.max - all.min), Math.exp(200 / plot.height), 0.02, 'stretch');
            assert.deepEqual([stretched.from, stretched.to], [all.from, all.to]);
        });

        test('of points, which have no time, two fingers zoom and move both directions', async () => {
            await begin();
            await browser.evaluate(`test.make({ series: [{ data: '/files/touch-points.gch' }] })`);
            await browser.evaluate(`(async () => {
                const { xMin, xMax, min, max } = test.chart.getView();
                test.chart.setView({ xMin, xMax, min, max });
                await test.completed();
            })()`);
            plot = await plotOf(browser);
            place = placeIn(plot);
            const all = await viewOf(browser);
            const from = { a: place(0.4, 0.4), b: place(0.6, 0.4) };
            const to = { a: place(0.3, 0.6), b: place(0.7, 0.6) };
            await hand([from, ...way(from, to)]);
            const zoomed = await viewOf(browser);
            const asTime = ({ xMin, xMax }) => ({ from: xMin, to: xMax });
            for (const finger of ['a', 'b'])
                assertHeld(asTime(all), from[finger], asTime(zoomed), to[finger], plot, finger);
            assertNear((zoomed.max - zoomed.min) / (all.max - all.min), 0.5, 0.03, 'values');
            const off = valueAt(zoomed, plot, to.a) - valueAt(all, plot, from.a);
            assert.ok(Math.abs(off) < NEAR * (zoomed.max - zoomed.min), `values are off by ${off}`);
            await hand([{}]);
        });

        /* What the browser itself does with fingers: only Chromium's driver lets it. */
        if (name !== 'chromium') return;
        const pageOf = () => browser.evaluate('({ top: scrollY, scale: visualViewport.scale })');
        const still = { top: 0, scale: 1 };

        test('fingers on a chart neither scroll nor zoom its page; beside it they do', async () => {
            const all = await begin();
            await browser.evaluate(`(() => {
                document.getElementById('chart').style.height = '400px';
                document.body.style.height = '4000px';
            })()`);
            await until(browser, 'test.chart.stats().then((s) => s.height === 400)');
            const swipe = (y) => [{ a: [200, y] }, ...way({ a: [200, y] }, { a: [190, y - 200] }), {}];
            const spread = (y) => {
                const close = { a: [180, y], b: [220, y] };
                return [close, ...way(close, { a: [60, y], b: [330, y] }), {}];
            };
            await hand([...swipe(300), ...spread(200)]);
            assert.ok(spanOf(await restOf(browser)) < spanOf(all) / 2);
            assert.deepEqual(await pageOf(), still);
            await hand(swipe(700));
            await until(browser, 'scrollY > 50');
            await browser.evaluate('document.getElementById("chart").style.height = "40px"');
            await hand(spread(400));
            await until(browser, 'visualViewport.scale > 1.5');
        });

        test('the viewer on a phone is moved by fingers, and its page stays', async () => {
            await hand([{}]);
            await browser.goto(`${server.url}/dist/viewer/index.html`);
            await until(browser, `document.querySelectorAll('#sets li').length > 0`);
            await browser.evaluate(`(async () => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([await (await fetch('/files/touch.gch')).arrayBuffer()], 'touch.gch'));
                dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));
                window.root = () => document.querySelector('#chart > div')?.shadowRoot.querySelector('.root');
                window.spanOf = () => {
                    const hash = new URLSearchParams(location.hash.slice(1));
                    return hash.has('from') ? [Number(hash.get('from')), Number(hash.get('to'))] : null;
                };
                /* The address follows a moment later. */
                window.settled = async () => {
                    for (let last; ; ) {
                        const now = String(spanOf());
                        if (now === last) return spanOf();
                        last = now;
                        await new Promise((resolve) => setTimeout(resolve, 600));
                    }
                };
            })()`);
            await until(browser, `document.getElementById('exact').textContent === 'Exact'
                && root()?.ariaLabel.startsWith('Chart of')`);
            const centerOf = (element) =>
                browser.evaluate(`(({ left, top, width, height }) => [Math.round(left + width / 2),
                    Math.round(top + height / 2)])(${element}.getBoundingClientRect())`);
            const [x, y] = await centerOf('root()');
            const close = { a: [x - 30, y], b: [x + 30, y] };
            await hand([close, ...way(close, { a: [x - 120, y], b: [x + 120, y] }), {}]);
            await until(browser, 'spanOf() !== null');
            const [from, to] = await browser.evaluate('settled()');
            const start = { a: [x, y] };
            const end = { a: [x + 80, y - 200] };
            await hand([start, ...way(start, end), ...rest(end), {}]);
            await until(browser, `spanOf()?.[0] < ${from} && spanOf()[1] < ${to}`);
            await hand([start, {}]);
            await until(browser, `!root().querySelector('.rule.x').hidden
                && root().querySelector('.legend b').textContent !== ''`);
            const [before] = await browser.evaluate('settled()');
            const brush = { a: await centerOf(`document.getElementById('brush')`) };
            const aside = { a: [brush.a[0] + 60, brush.a[1] - 60] };
            await hand([brush, ...way(brush, aside), {}]);
            await until(browser, `spanOf()?.[0] > ${before}`);
            assert.deepEqual(await pageOf(), still);
            await hand([start, {}, start, {}]);
            await until(browser, 'spanOf() === null');
            assert.deepEqual(await pageOf(), still);
        });
    },
    { phone: true },
);

inBrowsers(
    (browser, name) => {
        test('with reduced motion a flick ends where it is lifted', async () => {
            await open(browser);
            const hand = await makeHand(browser, name);
            const lifted = await flick(browser, name, hand, placeIn(await plotOf(browser)));
            const { from, to } = await restOf(browser);
            assert.deepEqual({ from, to }, { from: lifted.from, to: lifted.to });
        });
    },
    { reducedMotion: true },
);
