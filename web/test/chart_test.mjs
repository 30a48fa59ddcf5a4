// What a page may ask of a chart at any moment: before there is data, several things at once, in the middle of opening.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { makeFiles } from './cases.mjs';
import { BACKENDS } from './browsers.mjs';
import { ROOTS, inBrowsers, until, visit } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';
import { ISOLATION, serve } from './server.mjs';

const HOUR = 3_600_000;
const START = Date.UTC(2024, 0, 1);

let server;
let isolated;

before(async () => {
    makeFiles(COMMAND, FILES);
    server = await serve(ROOTS);
    isolated = await serve(ROOTS, ISOLATION);
});
after(() => {
    server.close();
    isolated.close();
});

/* In the page: a chart in an element of its own, and rows a second apart. */
const HELPERS = `(() => {
    test.element = (height = 200) => {
        const element = document.createElement('div');
        element.style.cssText = 'width: 400px; height: ' + height + 'px';
        return document.body.appendChild(element);
    };
    test.rows = (count, unit = 'ms') => ({ unit,
        times: Float64Array.from({ length: count }, (_, i) => ${START} + 1000 * i),
        values: Float64Array.from({ length: count }, (_, i) => i) });
    test.rootOf = (element) => element.querySelector('div').shadowRoot.querySelector('.root');
})()`;

async function open(browser, { url } = server) {
    await visit(browser, `${url}/test/blank.html`);
    await browser.evaluate(HELPERS);
}

inBrowsers((browser, name) => {
    test('a view that is asked for before there is data is the first that is shown', async () => {
        await open(browser);
        const seen = await browser.evaluate(`(async () => {
            const views = [];
            for (const more of [{}, { min: 10, max: 20 }]) {
                const chart = test.charts.createChart(test.element(), { series: [{ data: test.rows(36000) }] });
                chart.setView({ from: ${START + HOUR}, ...more });
                chart.setView({ to: ${START + 2 * HOUR} });
                await chart.ready;
                views.push(chart.getView());
                await chart.destroy();
            }
            /* Values alone leave the times as they are. */
            const chart = test.charts.createChart(test.element(), { series: [{ data: test.rows(36000) }] });
            chart.setView({ min: 10, max: 20 });
            await chart.ready;
            views.push(chart.getView());
            await chart.destroy();
            return views.map(({ from, to, min, max }) => [from, to, min, max]);
        })()`);
        const [first, second, third] = seen;
        assert.deepEqual(first.slice(0, 2), [START + HOUR, START + 2 * HOUR]);
        assert.deepEqual(second, [START + HOUR, START + 2 * HOUR, 10, 20]);
        assert.deepEqual(third, [START, START + 35_999_001, 10, 20]);
    });

    test('a view of an empty source is that of its first rows; times that are none are an error', async () => {
        await open(browser);
        const got = await browser.evaluate(`(async () => {
            const data = { times: [], values: [] };
            const chart = test.charts.createChart(test.element(), { series: [{ data }] });
            await chart.ready;
            chart.setView({ from: ${START + HOUR}, to: ${START + 2 * HOUR} });
            const { times, values } = test.rows(36000);
            await chart.append({ times, values });
            await new Promise((resolve) => chart.on('complete', resolve));
            const { from, to } = chart.getView();
            await chart.destroy();
            const bad = test.charts.createChart(test.element(), { series: [{ data: test.rows(10) }] });
            bad.setView({ from: 'soon' });
            const message = await bad.ready.then(() => 'none', (error) => error.code + ' ' + error.message);
            await bad.destroy();
            return { from, to, message };
        })()`);
        assert.deepEqual([got.from, got.to], [START + HOUR, START + 2 * HOUR]);
        assert.match(got.message, /^invalid view: from: 'soon' is no time/);
    });

    test('series that are set at once end with the last, and leave no source of the others', async () => {
        await open(browser);
        const got = await browser.evaluate(`(async () => {
            await test.make({ series: [{ data: '/files/ticks.gch' }] });
            const { chart } = test;
            await Promise.all(['/slow/walk.gch', '/files/gaps.gch', '/files/sine.gch'].map((data) =>
                chart.setSeries([{ data }])));
            const names = chart.getSeries().map(({ source }) => source.info.name);
            const { sources } = await chart.stats();
            /* Its own source, in another way; it still is the chart's to close. */
            const { source } = chart.getSeries()[0];
            await chart.setSeries([{ data: source, type: 'area' }]);
            const isOpen = !source.closed;
            await chart.destroy();
            return { names, sources, isOpen, closed: source.closed };
        })()`);
        assert.match(got.names[0], /sine\.gch$/);
        assert.deepEqual([got.sources, got.isOpen, got.closed], [1, true, true]);
    });

    test('what is destroyed in the middle of opening leaves nothing, though the server never answers', async () => {
        await open(browser);
        server.state.holds = true;
        try {
            await browser.evaluate(`(async () => {
                const chart = test.charts.createChart(test.element(), { series: [{ data: '/hold/walk.gch' }] });
                const ready = chart.ready.catch((error) => error.code);
                const abort = new AbortController();
                const opening = test.charts.openData('/hold/sine.gch', { signal: abort.signal })
                    .catch((error) => error.code);
                await test.sleep(500);
                await chart.destroy();
                abort.abort();
                test.codes = [await ready, await opening];
            })()`);
            assert.deepEqual(await browser.evaluate('test.codes'), ['cancelled', 'cancelled']);
            await until(browser, 'test.workers.made > 0 && test.workers.alive === 0', 10_000);
        } finally {
            server.state.holds = false;
        }
    });

    test('a chart that is destroyed while another uses the engine is gone from it', async () => {
        await open(browser);
        const charts = await browser.evaluate(`(async () => {
            await test.make({ series: [{ data: '/files/ticks.gch' }] });
            for (let wait = 0; wait < 12; wait++) {
                const one = test.charts.createChart(test.element(), { series: [{ data: '/files/sine.gch' }] });
                one.ready.catch(() => undefined);
                for (let i = 0; i < 4 * wait; i++) await undefined;
                await one.destroy();
            }
            await test.sleep(300); /* what was under way is done */
            for (let i = 0; i < 100 && (await test.chart.stats()).charts > 1; i++) await test.sleep(20);
            return (await test.chart.stats()).charts;
        })()`);
        assert.equal(charts, 1);
    });

    test('two CSV files may be opened at once', async () => {
        await open(browser);
        const rows = await browser.evaluate(`(async () => {
            const file = (count) => new File(['time,level\\n', ...Array.from({ length: count }, (_, i) =>
                (${START} + 1000 * i) + ',' + i + '\\n')], count + '.csv');
            const all = await Promise.all([300000, 20, 200000].map((count) => test.charts.openData(file(count))));
            const bad = await test.charts.openData(new File(['time,level\\n1,2\\n0,1\\n'], 'bad.csv'))
                .catch((error) => error.code);
            const next = await test.charts.openData(file(7));
            const counts = [...all, next].map(({ info }) => info.rows);
            await Promise.all([...all, next].map((source) => source.close()));
            return [...counts, bad];
        })()`);
        assert.deepEqual(rows, [300000, 20, 200000, 7, 'unsorted']);
    });

    test('linked charts show the same moments whatever their units are, and whichever is there first', async () => {
        await open(browser);
        const got = await browser.evaluate(`(async () => {
            const make = (data) => test.charts.createChart(test.element(), { series: [{ data }] });
            const [ms, ns, rows] = [make(test.rows(36000)), make(test.rows(36000, 'ns')), make({ values: [1, 2, 3] })];
            await rows.ready;
            const unlink = test.charts.linkCharts(ms, ns, rows);
            const allRows = rows.getView();
            await Promise.all([ms.ready, ns.ready]);
            ms.setView({ from: ${START + HOUR}, to: ${START + 2 * HOUR} });
            const followed = ns.getView();
            ns.setView({ from: followed.fromTicks + 500n, to: followed.fromTicks + 1000n });
            const narrow = ms.getView();
            const hovers = [];
            ns.on('hover', (hover) => hovers.push(hover));
            let told = 0;
            ms.on('hover', () => told++);
            const box = test.rootOf(ms.overlay.host.parentElement).getBoundingClientRect();
            const label = () => test.rootOf(ns.overlay.host.parentElement).querySelector('.rule.x').hidden;
            ms.setView({ from: ${START} + 3600000, to: ${START} + 7200000 });
            await Promise.all([ms, ns].map((one) => new Promise((resolve) => one.on('complete', resolve))));
            test.rootOf(ms.overlay.host.parentElement).dispatchEvent(new PointerEvent('pointermove', { clientX:
                box.left + 200, clientY: box.top + 100, bubbles: true, pointerType: 'mouse', pointerId: 1 }));
            for (let i = 0; i < 100 && label(); i++) await test.sleep(20);
            /* A new picture under a linked crosshair is nobody's pointer. */
            ns.setTheme('dark');
            await new Promise((resolve) => ns.on('complete', resolve));
            await test.sleep(200);
            const stays = rows.getView().toTicks === allRows.toTicks;
            const isShown = !label();
            unlink();
            await Promise.all([ms, ns, rows].map((chart) => chart.destroy()));
            return { from: String(followed.fromTicks), to: String(followed.toTicks), narrow: narrow.from,
                stays, isShown, hovers: hovers.length, told };
        })()`);
        assert.deepEqual([got.from, got.to], [`${START + HOUR}000000`, `${START + 2 * HOUR}000000`]);
        assert.ok(Math.abs(got.narrow - (START + HOUR)) <= 8, String(got.narrow));
        assert.deepEqual([got.stays, got.isShown], [true, true]);
        assert.equal(got.hovers, 0);
        assert.ok(got.told > 0);
    });

    test('a listener that throws is the page\'s own matter', async () => {
        await open(browser);
        const got = await browser.evaluate(`(async () => {
            const heard = new Promise((resolve) => addEventListener('error', (event) => {
                event.preventDefault();
                event.stopImmediatePropagation();
                resolve(event.message);
            }, { once: true, capture: true }));
            const chart = test.charts.createChart(test.element(), { series: [{ data: test.rows(100) }] });
            const stop = chart.on('progress', () => { throw new Error('of the page'); });
            const drawn = new Promise((resolve) => chart.on('complete', resolve));
            const message = await heard;
            stop();
            await chart.ready;
            await drawn;
            const told = test.rootOf(chart.overlay.host.parentElement).querySelector('.message');
            const shown = told.hidden ? '' : told.textContent;
            await chart.destroy();
            return { message, shown };
        })()`);
        assert.match(got.message, /of the page/);
        assert.equal(got.shown, '');
    });

    test('an element without a height is told of, once, and drawn when it has one', async () => {
        await open(browser);
        const said = await browser.evaluate(`(async () => {
            const said = [];
            const { warn } = console;
            console.warn = (text) => said.push(text);
            const element = test.element(0);
            const data = test.rows(100);
            const chart = test.charts.createChart(element, { series: [{ data }, { data, panel: 1 }] });
            for (let i = 0; i < 100 && said.length === 0; i++) await test.sleep(20);
            chart.setTheme('dark');
            await test.sleep(100);
            element.style.height = '1px'; /* on its way, and too low for two panels */
            await test.sleep(100);
            element.style.height = '200px';
            await chart.ready;
            const { height } = await chart.stats();
            await chart.destroy();
            console.warn = warn;
            return [...said, height > 0];
        })()`);
        assert.deepEqual(said, ['gpu-charts: the element of a chart is 0 pixels high; give it a height', true]);
    });

    /* Such a picture is the processor's, in memory that is shared. */
    test('with threads every backend shows what the processor has to draw', async () => {
        await open(browser, isolated);
        for (const backend of BACKENDS[name]) {
            const got = await browser.evaluate(`(async () => {
                const series = [{ data: test.rows(50000), type: 'density' }];
                await test.make({ series, backend: '${backend}' });
                const png = await test.chart.toPNG();
                return { size: png.size, ...test.shown };
            })()`);
            assert.deepEqual([got.message, got.size > 1000], ['', true], backend);
            const drawn = backend === 'webgl2' ? 'cpu' : backend; /* which WebGPU takes over from, once it can */
            await until(browser, `test.chart.stats().then((s) => s.backend === '${drawn}')`, 60_000);
        }
    });

    test('a page that nobody sees takes rows, and draws them when it is seen', async () => {
        await open(browser);
        const got = await browser.evaluate(`(async () => {
            let isHidden = true;
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
            const data = test.rows(100);
            const chart = test.charts.createChart(test.element(), { series: [{ data }] });
            let isReady = false;
            chart.ready.then(() => (isReady = true));
            await chart.append({ times: [data.times[99] + 1000], values: [7] });
            await chart.setSeries([{ data: chart.getSeries()[0].source, type: 'area' }]);
            await test.sleep(200);
            const { rows } = chart.getSeries()[0].source.info;
            const wasReady = isReady;
            isHidden = false;
            document.dispatchEvent(new Event('visibilitychange'));
            await chart.ready;
            const { rowsInView } = await chart.stats();
            await chart.destroy();
            return { rows, wasReady, rowsInView };
        })()`);
        assert.deepEqual(got, { rows: 101, wasReady: false, rowsInView: 101 });
    });

    test('shift turns the wheel sideways, whoever does the turning', async () => {
        await open(browser);
        const views = await browser.evaluate(`(async () => {
            const element = test.element();
            const chart = test.charts.createChart(element, { series: [{ data: test.rows(36000) }] });
            await chart.ready;
            const views = [];
            for (const turned of [{ deltaY: 100 }, { deltaX: 100 }]) {
                chart.setView({ from: ${START + HOUR}, to: ${START + 2 * HOUR} });
                await new Promise((resolve) => chart.on('complete', resolve));
                const box = test.rootOf(element).getBoundingClientRect();
                test.rootOf(element).dispatchEvent(new WheelEvent('wheel', { clientX: box.left + 200,
                    clientY: box.top + 100, shiftKey: true, cancelable: true, ...turned }));
                const { from, to } = chart.getView();
                views.push([from, to - from]);
            }
            await chart.destroy();
            return views;
        })()`);
        assert.ok(views[0][0] > START + HOUR, String(views));
        assert.equal(views[0][1], HOUR);
        assert.deepEqual(views[1], views[0]);
    });

    test('keys that move the view have it said where it is; other moves are not said', async () => {
        await open(browser);
        const said = await browser.evaluate(`(async () => {
            const element = test.element();
            const chart = test.charts.createChart(element, { series: [{ data: test.rows(36000) }] });
            await chart.ready;
            const live = () => test.rootOf(element).querySelector('.live').textContent;
            chart.setView({ from: ${START + HOUR}, to: ${START + 2 * HOUR} });
            await test.sleep(1500);
            const before = live();
            test.rootOf(element).dispatchEvent(new KeyboardEvent('keydown', { key: 'Home' }));
            for (let i = 0; i < 200 && live() === ''; i++) await test.sleep(20);
            const after = live();
            await chart.destroy();
            return { before, after };
        })()`);
        assert.equal(said.before, '');
        assert.match(said.after, /^10 hours from 2024-01-01 00:00 to 2024-01-01 09:59, 36,000 rows, values from /);
    });

    test('an element whose attributes make no sense says so, and draws when they do', async () => {
        await open(browser);
        const got = await browser.evaluate(`(async () => {
            test.charts.defineElement();
            test.charts.defineElement('other-chart');
            const element = document.createElement('other-chart');
            element.style.height = '200px';
            const heard = (type) => new Promise((resolve) =>
                element.addEventListener(type, ({ detail }) => resolve(detail), { once: true }));
            const failed = heard('chart-error');
            element.setAttribute('src', '/files/ticks.gch');
            element.setAttribute('type', 'pie');
            document.body.append(element);
            const { code } = await failed;
            const text = element.textContent;
            const complete = heard('chart-complete');
            element.setAttribute('type', 'line');
            await complete;
            const left = element.textContent;
            element.remove();
            return { code, text, left };
        })()`);
        assert.equal(got.code, 'invalid');
        assert.match(got.text, /^series\[0\]\.type: pie; it is one of line,/);
        assert.equal(got.left, '');
    });

    test('what is set later is checked like the options', async () => {
        await open(browser);
        const messages = await browser.evaluate(`(async () => {
            const chart = test.charts.createChart(test.element(), { series: [{ data: test.rows(10) }] });
            await chart.ready;
            const messages = [() => chart.setTheme('pink'), () => chart.setType(0, 'pie'), () => chart.setScale('cubic'),
                () => chart.setType(3, 'line')].map((call) => {
                try { call(); return 'none'; } catch (error) { return error.code + ' ' + error.message; } });
            for (const data of [{ values: [1], unit: 'sec' }, { values: [1], keepRows: -1 }, 'http://[']) {
                const one = await test.charts.openData(data).then((s) => s.close(), (error) => error);
                messages.push(one === undefined ? 'none' : one.code + ' ' + one.message);
            }
            await chart.destroy();
            return messages;
        })()`);
        const expected = [/^invalid theme: pink; it is one of light,/, /^invalid type: pie;/, /^invalid scale: cubic;/,
            /^invalid series 3: there is none/, /^invalid unit: sec; it is one of index, s,/,
            /^invalid keepRows: -1/, /^invalid data: 'http:\/\/\[' is no address/];
        expected.forEach((pattern, i) => assert.match(messages[i], pattern));
    });
});
