// The viewer page as `gpucharts serve` has it: each control in Chromium, the main ones in every browser.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { here, inBrowsers, sleep, until } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';

const FOLDER = path.join(FILES, 'viewer');
const HOUR = 3_600_000;
const START = Date.UTC(2024, 0, 1);
const TOKEN = 'a-token-of-the-viewer-test';

/** A server with the viewer that has been built; resolves to its address and process. */
async function startServer(...more) {
    const args = ['serve', FOLDER, '--listen', '127.0.0.1:0', '--viewer', here('../dist'), ...more];
    const process = spawn(COMMAND, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = await new Promise((resolve, reject) => {
        process.stdout.once('data', (data) => resolve(String(data)));
        process.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
    return { process, url: `http://127.0.0.1:${/:(\d+)\//.exec(said)[1]}/` };
}

let server;
let locked;

before(async () => {
    mkdirSync(path.join(FOLDER, 'lab'), { recursive: true });
    const sets = { 'ticks.gch': ['ticks', '200k'], 'other.gch': ['ticks', '200k', '--seed', '5'] };
    Object.assign(sets, { 'lab/clusters.gch': ['points', '20k'], 'lab/sine.gch': ['sine', '50k'] });
    for (const [name, [kind, points, ...more]] of Object.entries(sets)) {
        const file = path.join(FOLDER, name);
        if (!existsSync(file))
            execFileSync(COMMAND, ['gen', '--kind', kind, '-n', points, '-o', file, '-q', ...more]);
    }
    const whole = readFileSync(path.join(FOLDER, 'ticks.gch'));
    writeFileSync(path.join(FOLDER, 'damaged.gch'), whole.subarray(0, whole.length / 2));
    copyFileSync(path.join(FOLDER, 'lab/sine.gch'), path.join(FOLDER, '100% odd & name.gch'));
    const tokens = path.join(FILES, 'viewer-tokens.txt');
    writeFileSync(tokens, `${TOKEN}\n`, { mode: 0o600 });
    server = await startServer();
    locked = await startServer('--token', tokens);
});

after(() => {
    server.process.kill();
    locked.process.kill();
});

/** Helpers that live in the page for one visit. */
const HELPERS = `(() => {
    window.v = {
        id: (name) => document.getElementById(name),
        text: (name) => document.getElementById(name).textContent.trim(),
        root: () => document.querySelector('#chart > div')?.shadowRoot.querySelector('.root'),
        hash: () => new URLSearchParams(location.hash.slice(1)),
        legend: () => [...v.root().querySelectorAll('.legend button')],
        press: (key, more = {}) => {
            const at = document.activeElement ?? document.body;
            (at.shadowRoot?.activeElement ?? at).dispatchEvent(
                new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, composed: true, ...more }));
        },
        pick: (select, value) => { select.value = value; select.dispatchEvent(new Event('change')); },
        series: () => [...document.querySelectorAll('#series li')],
        field: (item, name) => [...v.series()[item].querySelectorAll('label')]
            .find((label) => label.firstChild.textContent === name).querySelector('select, input'),
        summary: () => v.root()?.ariaLabel ?? '',
        exact: () => v.text('exact') === 'Exact',
    };
})()`;

async function visit(browser, hash, url = server.url) {
    await browser.goto('about:blank');
    await browser.goto(`${url}${hash}`);
    await browser.evaluate(HELPERS);
    if (hash.includes('data=')) await until(browser, `v.exact() && v.summary().startsWith('Chart of')`);
}

const spanOf = (browser) =>
    browser.evaluate(`(() => { const h = v.hash();
        return h.has('from') ? Number(h.get('to')) - Number(h.get('from')) : null; })()`);

/* ---- the main ones, in every browser ---- */

inBrowsers((browser, name) => {
    test('data sets are listed with sizes and ranges, and open', async () => {
        await visit(browser, '');
        await until(browser, `document.querySelectorAll('#cards button').length === 5`);
        const cards = await browser.evaluate(
            `[...document.querySelectorAll('#cards button')].map((one) => one.textContent)`,
        );
        assert.match(cards.find((card) => card.startsWith('ticks')), /200 K rows, \d+ KB.*hours from 2024-01-01/);
        assert.match(cards.find((card) => card.startsWith('100% odd & name')), /50 K rows/);
        assert.match(await browser.evaluate(`v.text('sets')`), /damaged.*truncated/);
        await browser.evaluate(
            `void [...document.querySelectorAll('#cards button')].find((b) => b.textContent.startsWith('100%')).click()`,
        );
        await until(browser, `v.text('name') === '100% odd & name' && v.exact()`);
        assert.match(await browser.evaluate(`v.text('facts')`), /^50,000 rows/);
    });

    test('an address restores series, panels, studies, view and theme', async () => {
        const view = `from=${START + HOUR}&to=${START + 4 * HOUR}`;
        await visit(browser, `#data=ticks&series=price.candles,price.sma20,volume.volume.p2&${view}&bar=5m&theme=dark`);
        const seen = await browser.evaluate(`({ legend: v.legend().map((b) => b.textContent), summary: v.summary(),
            theme: document.documentElement.dataset.theme, bar: v.id('bar').value, range: v.text('range'),
            panels: v.root().querySelectorAll('.legend').length })`);
        assert.deepEqual(seen.legend.map((item) => item.split(' ')[0]), ['price', 'SMA', 'volume']);
        assert.equal(seen.panels, 2);
        assert.equal(seen.theme, 'dark');
        assert.equal(seen.bar, '5m');
        assert.equal(seen.range, '2024-01-01 01:00 – 04:00');
        assert.match(seen.summary, /panel 1: values from .*, panel 2: values from /);
    });

    test('wheel, drag, keys and the overview move the view, and the address follows', async () => {
        await visit(browser, '#data=ticks');
        assert.equal(await spanOf(browser), null);
        await browser.evaluate(`(() => {
            const box = v.root().getBoundingClientRect();
            v.root().dispatchEvent(new WheelEvent('wheel', { clientX: box.left + box.width / 2,
                clientY: box.top + box.height / 2, deltaY: -400, bubbles: true, cancelable: true }));
        })()`);
        await until(browser, `v.hash().has('from')`);
        const zoomed = await spanOf(browser);
        await browser.evaluate(`v.press('ArrowRight')`);
        await browser.evaluate(`v.press('+')`);
        await until(browser, `Number(v.hash().get('to')) - Number(v.hash().get('from')) < ${zoomed * 0.9}`);
        await browser.evaluate(`(() => { v.id('brush').focus(); v.press('ArrowLeft'); })()`);
        const spoken = await browser.evaluate(`v.id('brush').getAttribute('aria-valuetext')`);
        assert.match(spoken, /^2024-01-01 \d\d:\d\d/);
        await browser.evaluate(`v.id('reset').click()`);
        await until(browser, `!v.hash().has('from')`);
    });

    test('the crosshair shows exact stored values in every panel, and says them', async () => {
        await visit(browser, `#data=ticks&series=price,volume.p2&from=${START + HOUR}&to=${START + 2 * HOUR}`);
        const read = await browser.evaluate(`(async () => {
            const box = v.root().getBoundingClientRect();
            for (const y of [0.3, 0.9]) v.root().dispatchEvent(new PointerEvent('pointermove', {
                clientX: box.left + box.width * 0.5, clientY: box.top + box.height * y, bubbles: true }));
            for (let i = 0; i < 100 && v.legend().some((b) => b.querySelector('b').hidden); i++)
                await new Promise((resolve) => setTimeout(resolve, 50));
            v.root().focus(); v.press(']');
            for (let i = 0; i < 100 && v.root().querySelector('.live').textContent === ''; i++)
                await new Promise((resolve) => setTimeout(resolve, 50));
            return { values: v.legend().map((b) => b.querySelector('b').textContent),
                dots: v.root().querySelectorAll('.dot').length, said: v.root().querySelector('.live').textContent };
        })()`);
        assert.match(read.values[0], /^\d+(\.\d\d?)?$/);
        assert.match(read.values[1], /^\d+$/);
        assert.equal(read.dots, 2);
        assert.match(read.said, /^2024-01-01 \d\d:\d\d:\d\d: price \d.*, volume \d/);
    });

    test('over bars of many rows the crosshair tells the figures of the bar, its span and its rows', async () => {
        const series = 'price.candles,price.bars.p2,volume.volume.p3,price.sma1';
        await visit(browser, `#data=ticks&series=${series}&from=${START + HOUR}&to=${START + 2 * HOUR}&bar=5m`);
        const read = await browser.evaluate(`(async () => {
            const box = v.root().getBoundingClientRect();
            v.root().dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width * 0.5,
                clientY: box.top + box.height * 0.3, bubbles: true }));
            for (let i = 0; i < 100 && v.legend().some((b) => b.querySelector('b').hidden); i++)
                await new Promise((resolve) => setTimeout(resolve, 50));
            v.root().focus(); v.press(']');
            for (let i = 0; i < 100 && v.root().querySelector('.live').textContent === ''; i++)
                await new Promise((resolve) => setTimeout(resolve, 50));
            return { values: v.legend().map((b) => b.querySelector('b').textContent),
                label: v.root().querySelector('.over > .label').textContent,
                dots: v.root().querySelectorAll('.dot').length, said: v.root().querySelector('.live').textContent };
        })()`);
        const candle = /^O ([\d.]+)  H ([\d.]+)  L ([\d.]+)  C ([\d.]+)  ([\d,]+) rows$/;
        const [, open, high, low, close, rows] = candle.exec(read.values[0]) ?? assert.fail(read.values[0]);
        assert.ok(Number(low) <= Math.min(open, close) && Number(high) >= Math.max(open, close) && low !== high);
        assert.ok(Number(rows.replace(',', '')) > 100);
        assert.ok(read.values.includes(`${low} – ${high}  ${rows} rows`), read.values.join(' | '));
        assert.match(read.values.find((text) => /^\d+$/.test(text)) ?? '', /^\d{3,}$/);
        assert.match(read.label, /^2024-01-01 01:\d[05] – 01:\d[05]$/);
        assert.equal(read.dots, 1); /* of the study: bars have none */
        assert.match(read.said, /^2024-01-01 01:\d[05] – 01:\d[05]: price O \d.*C \d.* rows, price \d.* – /);
    });

    test('what cannot be opened is told, with a way on', async () => {
        await browser.goto('about:blank');
        await browser.goto(`${server.url}#data=nothing`);
        await browser.evaluate(HELPERS);
        await until(browser, `!v.id('failed').hidden`);
        assert.match(await browser.evaluate(`v.text('failed-why')`), /nothing\.gch: there is no such file \(404\)/);
        await browser.evaluate(`v.id('other').click()`);
        await until(browser, `!v.id('panel').hidden`);
    });
});

/* ---- each control, in Chromium ---- */

inBrowsers(
    (browser) => {
        test('every chart type is drawn', async () => {
            await visit(browser, '#data=ticks');
            const types = await browser.evaluate(
                `[...document.querySelectorAll('#type-menu button')].map((one) => one.dataset.type)`,
            );
            assert.deepEqual(types, ['line', 'step', 'area', 'candles', 'ohlc', 'scatter', 'bars', 'band',
                'density', 'histogram', 'volume']);
            for (const type of types) {
                await browser.evaluate(`document.querySelector('#type-menu [data-type="${type}"]').click()`);
                await until(browser, `v.hash().get('series')?.includes('price.${type}') && v.exact()
                    && v.text('toast') === ''`);
                assert.equal(await browser.evaluate(`v.root().querySelector('.message').hidden`), true, type);
            }
        });

        test('series are added, placed, coloured, hidden and removed', async () => {
            await visit(browser, '#data=ticks');
            await browser.evaluate(`v.id('panel').hidden && v.id('open-panel').click()`);
            await browser.evaluate(`v.pick(document.querySelector('#add select'), 'volume')`);
            await until(browser, `v.legend().length === 2`);
            await browser.evaluate(`v.pick(v.field(1, 'Drawn in'), '1 right')`);
            await until(browser, `v.hash().get('series') === 'price,volume.p2.right'`);
            await until(browser, `v.root().querySelectorAll('.legend').length === 2`);
            await browser.evaluate(`v.pick(v.field(1, 'Type'), 'area')`);
            await browser.evaluate(`v.pick(v.series()[1].querySelector('input[type=color]'), '#ff0000')`);
            await until(browser, `v.hash().get('series') === 'price,volume.area.p2.right.color=ff0000'`);
            await until(browser, `v.legend()[1].querySelector('i').style.background.includes('255, 0, 0')`);
            await browser.evaluate(`document.activeElement.blur()`);
            await browser.evaluate(`v.press('2')`);
            await until(browser, `(v.hash().get('series') ?? '').includes('hidden')`);
            await until(browser, `v.legend()[1].getAttribute('aria-pressed') === 'false'`);
            await browser.evaluate(`v.legend()[1].click()`);
            await until(browser, `!(v.hash().get('series') ?? '').includes('hidden')`);
            await browser.evaluate(`v.series()[1].querySelector('[title=Remove]').click()`);
            await until(browser, `v.hash().get('series') === 'price' && v.legend().length === 1`);
        });

        test('studies are added and their length changes', async () => {
            await visit(browser, '#data=ticks&series=price.candles');
            for (const kind of ['sma', 'ema', 'range', 'spread']) {
                await browser.evaluate(`v.id('studies').click()`);
                await browser.evaluate(`v.pick(document.querySelector('#study-menu select'), '${kind}')`);
                if (kind === 'spread')
                    await browser.evaluate(`[...document.querySelectorAll('#study-menu select')].at(-1).value = 'volume'`);
                await browser.evaluate(`document.querySelector('#study-menu .main').click()`);
            }
            await until(browser, `v.hash().get('series') ===
                'price.candles,price.sma20,price.ema20,price.range20,price.spread=volume.p2'`);
            await until(browser, `v.legend().length === 5 && v.exact()`);
            await browser.evaluate(`v.pick(v.field(1, 'Bars'), '7')`);
            await until(browser, `(v.hash().get('series') ?? '').includes('price.sma7')`);
            await until(browser, `v.legend()[1].textContent.startsWith('SMA 7')`);
        });

        test('another data set is drawn in the same chart', async () => {
            await visit(browser, '#data=ticks');
            await browser.evaluate(`v.id('panel').hidden && v.id('open-panel').click()`);
            await browser.evaluate(`document.querySelector('[aria-label="Add other to the chart"]').click()`);
            await until(browser, `v.hash().get('series') === 'price,price.right.of=other'`);
            await until(browser, `v.legend().map((b) => b.querySelector('span').textContent).join() ===
                'ticks price,other price'`);
            await browser.evaluate(`document.querySelector('[aria-label="Add lab/clusters to the chart"]').click()`);
            await until(browser, `v.text('toast').includes('chart of its own')`);
        });

        test('points are drawn, coloured and read', async () => {
            await visit(browser, '#data=lab/clusters');
            await browser.evaluate(`v.id('panel').hidden && v.id('open-panel').click()`);
            await browser.evaluate(`v.pick(v.field(0, 'Colour by'), 'value')`);
            await until(browser, `(v.hash().get('series') ?? '').includes('by=value') && v.exact()`);
            await browser.evaluate(`v.pick(v.id('palette'), 'ember')`);
            await until(browser, `v.hash().get('palette') === 'ember'`);
            await browser.evaluate(`(async () => {
                const box = v.root().getBoundingClientRect();
                const at = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true,
                    cancelable: true };
                for (let i = 0; i < 6; i++) {
                    v.root().dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: -400 }));
                    await new Promise((resolve) => setTimeout(resolve, 200));
                }
            })()`);
            await until(browser, `/^-?[\\d.e-]+:-?[\\d.e-]+$/.test(v.hash().get('x') ?? '')
                && /^1left:/.test(v.hash().get('values') ?? '') && v.exact()`);
            /* Somewhere there is one: the pointer looks for it. */
            await browser.evaluate(`void (v.look = setInterval(() => {
                const box = v.root().getBoundingClientRect();
                v.found = v.legend()[0].querySelector('b').textContent;
                if (v.found !== '') return clearInterval(v.look);
                v.root().dispatchEvent(new PointerEvent('pointermove', { bubbles: true,
                    clientX: box.left + box.width * (0.2 + 0.6 * Math.random()),
                    clientY: box.top + box.height * (0.2 + 0.6 * Math.random()) }));
            }, 100))`);
            await until(browser, `(v.found ?? '') !== ''`);
            const text = await browser.evaluate(`v.found`);
            assert.match(text, /^x -?\d.*y -?\d.*value -?\d/);
        });

        test('presets, a range that is entered, and lengths of time', async () => {
            await visit(browser, '#data=ticks');
            await browser.evaluate(`[...v.id('presets').children].find((b) => b.textContent === '1h').click()`);
            await until(browser, `Number(v.hash().get('to')) - Number(v.hash().get('from')) === ${HOUR}`);
            assert.equal(
                await browser.evaluate(`[...v.id('presets').children].find((b) => b.ariaPressed === 'true').textContent`),
                '1h',
            );
            const enter = (from, to) =>
                browser.evaluate(`(() => { document.activeElement.blur(); v.press('g'); v.id('from').value = '${from}';
                    v.id('to').value = '${to}'; document.querySelector('#range-dialog .main').click(); })()`);
            await enter('2024-01-01 01:00', '2024-01-01 02:30:00.5');
            await until(browser, `v.hash().get('from') === '${START + HOUR}'
                && v.hash().get('to') === '${START + 2.5 * HOUR + 500}'`);
            await enter('30m', '2024-01-01T04:00:00+01:00');
            await until(browser, `v.hash().get('from') === '${START + 2.5 * HOUR}'`);
            await enter('2024-01-01 05:00', 'tomorrow');
            await until(browser, `v.id('range-dialog').open && v.id('range-hint').className === 'bad'`);
            assert.equal(await browser.evaluate(`v.text('range-hint')`), '“tomorrow” is no time.');
        });

        test('a zone is shown, and times are entered in it', async () => {
            await visit(browser, `#data=ticks&from=${START + HOUR}&to=${START + 3 * HOUR}`);
            await browser.evaluate(`v.pick(v.id('zone'), 'America/New_York')`);
            await until(browser, `v.text('range') === '2023-12-31 20:00 – 22:00'`);
            await browser.evaluate(`(() => { v.id('range').click(); v.id('from').value = '2023-12-31 20:30';
                document.querySelector('#range-dialog .main').click(); })()`);
            await until(browser, `v.hash().get('from') === '${START + 1.5 * HOUR}'`);
            assert.equal(await browser.evaluate(`v.text('zone-now')`), 'America/New_York');
        });

        test('a box marks times and values; fit lets the values go again', async () => {
            await visit(browser, '#data=ticks');
            const drag = (y0, y1) =>
                browser.evaluate(`(() => {
                    const root = v.root(), box = root.getBoundingClientRect();
                    root.setPointerCapture = () => undefined;
                    const send = (type, x, y) => root.dispatchEvent(new PointerEvent(type, { pointerId: 1,
                        pointerType: 'mouse', button: 0, clientX: box.left + box.width * x,
                        clientY: box.top + box.height * y, bubbles: true, composed: true }));
                    send('pointerdown', 0.3, ${y0}); send('pointermove', 0.5, ${y1}); send('pointerup', 0.5, ${y1});
                })()`);
            await browser.evaluate(`v.id('box').click()`);
            await drag(0.5, 0.5);
            await until(browser, `v.hash().has('from')`);
            assert.equal(await browser.evaluate(`v.hash().has('values')`), false);
            await drag(0.3, 0.6);
            await until(browser, `/^1left:/.test(v.hash().get('values') ?? '')`);
            await browser.evaluate(`v.id('fit').click()`);
            await until(browser, `!v.hash().has('values')`);
        });

        test('keys do what the sheet says', async () => {
            await visit(browser, '#data=ticks');
            await browser.evaluate(`v.press('?')`);
            await until(browser, `v.id('help-dialog').open`);
            assert.match(await browser.evaluate(`v.text('keys')`), /go to a time or a range/);
            await browser.evaluate(`v.id('help-dialog').close()`);
            await browser.evaluate(`v.press('l')`);
            await until(browser, `v.hash().has('log') && v.id('log').ariaPressed === 'true'`);
            await browser.evaluate(`v.press('c')`);
            await until(browser, `v.hash().get('series') === 'price.step'`);
            const themes = [];
            for (let i = 0; i < 4; i++) {
                await browser.evaluate(`v.press('t')`);
                await sleep(50);
                themes.push(await browser.evaluate(`document.documentElement.dataset.theme`));
            }
            assert.deepEqual(themes, ['light', 'dark', 'contrast', 'light']);
            await browser.evaluate(`v.press('h')`);
            await until(browser, `!v.id('hud').hidden && v.text('hud').includes('drawn by')`);
            assert.match(await browser.evaluate(`v.text('hud')`), /points in view200,000.*network/);
            const open = await browser.evaluate(`!v.id('panel').hidden`);
            await browser.evaluate(`v.press('d')`);
            await until(browser, `v.id('panel').hidden === ${open}`);
            await browser.evaluate(`document.activeElement.blur()`);
            await browser.evaluate(`v.press('ArrowUp')`);
            await until(browser, `v.hash().has('from')`);
            await browser.evaluate(`v.press('a')`);
            await until(browser, `!v.hash().has('from')`);
        });

        test('a picture is saved, a link copied', async () => {
            await visit(browser, `#data=ticks&from=${START + HOUR}&to=${START + 2 * HOUR}`);
            const saved = await browser.evaluate(`(async () => {
                let name = '';
                HTMLAnchorElement.prototype.click = function () { name = this.download; };
                v.press('s');
                for (let i = 0; i < 100 && name === ''; i++) await new Promise((resolve) => setTimeout(resolve, 50));
                return name;
            })()`);
            assert.equal(saved, 'ticks.png');
            await browser.evaluate(`v.id('share').click()`);
            await until(browser, `/^Link copied|^The link/.test(v.text('toast'))`);
        });

        test('a live series is followed, held, and followed again', async () => {
            const api = (method, query, body) =>
                fetch(`${server.url}v1/live/feed${query}`, { method, body,
                    headers: body === undefined ? {} : { 'Content-Type': 'application/x-ndjson' } });
            assert.equal((await api('PUT', '?unit=ms&column=level:f64')).status, 201);
            const rows = (from) => Array.from({ length: 50 }, (_, i) =>
                JSON.stringify({ time: START + (from + i) * 1000, level: i % 7 })).join('\n') + '\n';
            const sent = await api('POST', '', rows(0));
            assert.equal(sent.status, 200, await sent.text());
            await visit(browser, '');
            await until(browser, `v.text('cards').includes('feed')`);
            await browser.evaluate(`[...document.querySelectorAll('#cards button')]
                .find((one) => one.textContent.startsWith('feed')).click()`);
            await until(browser, `v.text('facts').startsWith('50 rows') && !v.id('follow').hidden`);
            await api('POST', '', rows(50));
            await until(browser, `v.text('facts').startsWith('100 rows')`);
            await until(browser, `v.text('range').includes('– 00:01:39')`);
            await browser.evaluate(`v.id('follow').click()`);
            await until(browser, `v.text('follow') === 'Held'`);
            await api('POST', '', rows(100));
            await until(browser, `v.text('facts').startsWith('150 rows')`);
            assert.match(await browser.evaluate(`v.text('range')`), /– 00:01:39/);
            /* What is shown is two thirds of the data now, which a minute is a part of. */
            await until(browser, `(() => { const [brush, strip] = ['brush', 'strip'].map((id) => v.id(id).getBoundingClientRect());
                return Math.abs((brush.right - strip.left) / strip.width - 2 / 3) < 0.02; })()`);
            assert.equal(await browser.evaluate(`v.text('presets')`), '1s10s1mAll');
            await browser.evaluate(`document.activeElement.blur()`);
            await browser.evaluate(`v.press('e')`);
            await until(browser, `v.text('range').includes('– 00:02:29')`);
        });

        test('a server with tokens is asked with one, which leaves the address', async () => {
            await visit(browser, '', locked.url);
            await until(browser, `v.text('sets').includes('asks for a token')`);
            await browser.goto('about:blank');
            await browser.goto(`${locked.url}?token=${TOKEN}#data=ticks`);
            await browser.evaluate(HELPERS);
            await until(browser, `v.exact()`);
            assert.equal(await browser.evaluate(`location.href.includes('token')`), false);
            await browser.evaluate(`sessionStorage.clear()`);
        });

        test('it fits a phone: nothing is wider than the screen, the panel is a drawer', async () => {
            await browser.resize(390, 844);
            await visit(browser, '#data=ticks&series=price.candles,volume.p2');
            const seen = await browser.evaluate(`({ wide: document.documentElement.scrollWidth,
                chart: v.root().getBoundingClientRect().height, hidden: v.id('panel').hidden })`);
            assert.ok(seen.wide <= 390 && seen.chart > 500, JSON.stringify(seen));
            assert.equal(seen.hidden, true);
            const small = await browser.evaluate(`[...document.querySelectorAll('header button, .tools button')]
                .filter((one) => one.offsetParent !== null && one.getBoundingClientRect().height < 34).length`);
            assert.equal(small, 0);
            await browser.evaluate(`v.id('open-panel').click()`);
            await until(browser, `v.id('panel').getBoundingClientRect().left === 0`);
            await browser.evaluate(`v.press('Escape')`);
            await until(browser, `v.id('panel').hidden`);
            await browser.resize(1280, 800);
        });

        test('everything that can be pressed has a name', async () => {
            await visit(browser, '#data=ticks&series=price.candles,price.sma20');
            const nameless = await browser.evaluate(`[...document.querySelectorAll('button, select, input, [role=slider]')]
                .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.title || one.labels?.length
                    || one.getAttribute('aria-hidden')))
                .map((one) => one.outerHTML.slice(0, 80))`);
            assert.deepEqual(nameless, []);
        });

        test('Enter takes what has been entered into a dialog, Cancel and Escape do not', async () => {
            await visit(browser, '#data=ticks');
            const { keyboard } = browser.page;
            for (const [end, isTaken] of [['Escape', false], ['Cancel', false], ['Enter', true]]) {
                await browser.evaluate(`v.press('g')`);
                await until(browser, `v.id('range-dialog').open`);
                await keyboard.type('6h');
                if (end === 'Cancel') await browser.page.click('#range-dialog .cancel');
                else await keyboard.press(end);
                await until(browser, `!v.id('range-dialog').open`);
                await sleep(700);
                assert.equal(await spanOf(browser), isTaken ? 6 * HOUR : null, end);
            }
        });

        test('values alone in an address leave the times as they are; what makes no sense is left out', async () => {
            await visit(browser, '#data=ticks&values=1left:80:90');
            await sleep(700);
            const hash = async () => browser.evaluate('location.hash');
            assert.equal(await hash(), '#data=ticks&series=price&values=1left:80:90');
            const wrong = 'palette=pink&zone=Moon/Base&log&values=1left:-1:5&x=-Infinity:Infinity';
            await visit(browser, `#data=ticks&series=price.band.high=none,price.spread=none,none&${wrong}`);
            await sleep(700);
            assert.equal(await browser.evaluate(`v.id('failed').hidden`), true);
            assert.equal(await hash(), '#data=ticks&series=price.band&log');
        });

        test('what is changed in the panel keeps the keyboard', async () => {
            await visit(browser, '#data=ticks&series=price,volume,price.sma5');
            await browser.evaluate(`v.id('panel').hidden && v.id('open-panel').click()`);
            const focused = () => browser.evaluate(`document.activeElement.closest('li')?.querySelector('b').textContent
                + ' ' + (document.activeElement.ariaLabel ?? document.activeElement.parentElement.firstChild.textContent)`);
            await browser.evaluate(`v.field(1, 'Type').focus()`);
            await browser.page.keyboard.press('ArrowDown');
            await until(browser, `v.hash().get('series')?.startsWith('price,volume.step')`);
            assert.equal(await focused(), 'volume Type');
            await browser.evaluate(`v.series()[1].querySelector('[title=Hide]').focus()`);
            await browser.page.keyboard.press('Enter');
            await until(browser, `v.hash().get('series')?.includes('hidden')`);
            assert.equal(await focused(), 'volume Show volume');
            await browser.evaluate(`v.series()[1].querySelector('[title=Remove]').focus()`);
            await browser.page.keyboard.press('PageDown');
            assert.equal(await focused(), 'volume Remove volume');
            await browser.page.keyboard.press('Enter');
            await until(browser, `v.series().length === 2`);
            assert.equal(await focused(), 'SMA 5, price Remove SMA 5, price');
        });

        test('menus stay as they are while pictures come', async () => {
            await visit(browser, '#data=ticks');
            const isSame = await browser.evaluate(`(async () => {
                v.id('type').click();
                await new Promise(requestAnimationFrame);
                await new Promise(requestAnimationFrame);
                const before = [...document.querySelectorAll('#type-menu button, #type svg, #follow svg')];
                const focused = document.activeElement;
                v.root().dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp' }));
                for (let i = 0; i < 100 && !v.hash().has('from'); i++) await new Promise((r) => setTimeout(r, 50));
                await new Promise((resolve) => setTimeout(resolve, 300));
                const after = [...document.querySelectorAll('#type-menu button, #type svg, #follow svg')];
                return [before.length, after.length === before.length && after.every((one, i) => one === before[i]),
                    focused === document.activeElement && focused.getAttribute('role') === 'menuitemradio'];
            })()`);
            assert.ok(isSame[0] > 8);
            assert.deepEqual(isSame.slice(1), [true, true]);
        });

        test('what cannot be opened leaves what was there, and an address without data ends it', async () => {
            await visit(browser, `#data=ticks&from=${START + HOUR}&to=${START + 2 * HOUR}`);
            await until(browser, `v.hash().has('series')`);
            const hash = await browser.evaluate('location.hash');
            await browser.evaluate(`v.id('panel').hidden && v.id('open-panel').click()`);
            /* It has gone since it was listed. */
            await browser.page.context().route('**/data/other.gch', (route) => route.abort());
            await browser.evaluate(`void [...document.querySelectorAll('#sets li > button:first-child')]
                .find((b) => b.firstChild.textContent === 'other').click()`);
            await until(browser, `!v.id('failed').hidden`);
            await browser.page.context().unroute('**/data/other.gch');
            await browser.evaluate(`v.id('other').click()`);
            assert.equal(await browser.evaluate(`v.id('failed').hidden && v.id('empty').hidden`), true);
            await browser.evaluate(`v.root().focus()`);
            assert.equal(await browser.evaluate('location.hash'), hash);
            assert.equal(await browser.evaluate(`v.text('name')`), 'ticks');
            await browser.evaluate(`void (location.hash = '')`);
            await until(browser, `!v.id('empty').hidden && document.querySelector('#chart').childElementCount === 0`);
            assert.equal(await browser.evaluate('document.title'), 'GPU Charts');
            await browser.evaluate(`void (location.hash = '#data=file:gone.gch')`);
            await until(browser, `v.text('toast').includes('gone.gch')`);
        });

        test('an address of a server that is none is told, and files can be opened all the same', async () => {
            await visit(browser, '?server=http://[');
            await until(browser, `v.text('sets').includes('is no address of a server')`);
            await browser.evaluate(`v.id('help').click()`);
            assert.equal(await browser.evaluate(`v.id('help-dialog').open`), true);
        });

        test('a list of a server that is none is taken for an empty one', async () => {
            const { page } = browser;
            for (const data of [null, { data: null }, { data: [null, 7, { name: 8 }, { name: 'x', time: { unit: 'ms',
                first: 'a', last: {} }, columns: 5 }] }]) {
                await page.route('**/v1/data', (route) => route.fulfill({ json: data }));
                await visit(browser, '');
                await until(browser, `document.querySelectorAll('#sets li').length > 0`);
                await page.unroute('**/v1/data');
                const names = await browser.evaluate(`[...document.querySelectorAll('#sets li > button:first-child')]
                    .map((one) => one.firstChild.textContent)`);
                assert.deepEqual(names.filter((one) => one !== 'feed'), Array.isArray(data?.data) ? ['x'] : []);
            }
        });

        test('data sets that are chosen quickly end with the last, alone', async () => {
            await visit(browser, '');
            await until(browser, `document.querySelectorAll('#cards button').length >= 5`);
            await browser.evaluate(`(async () => {
                const choose = (name) => [...document.querySelectorAll('#cards button')]
                    .find((b) => b.textContent.startsWith(name)).click();
                for (const name of ['ticks', 'lab/sine', 'other', 'ticks', 'other', 'lab/sine']) {
                    choose(name);
                    await new Promise((resolve) => setTimeout(resolve, 20));
                }
            })()`);
            await until(browser, `v.text('name') === 'sine' && v.exact()`);
            await sleep(500);
            assert.deepEqual(
                await browser.evaluate(`['chart', 'overview'].map((id) => v.id(id).childElementCount)`),
                [1, 1],
            );
            assert.equal(await browser.evaluate(`v.hash().get('data')`), 'lab/sine');
        });

        test('a CSV file that is dropped is drawn whole, before the list of the server is there too', async () => {
            await browser.page.route('**/v1/data', async (route) => {
                await sleep(1500);
                await route.continue();
            });
            await visit(browser, '');
            await browser.evaluate(`(() => {
                const lines = ['time,level'];
                for (let i = 0; i < 400000; i++) lines.push((${START} + i * 1000) + ',' + (i % 1000) / 10);
                const transfer = new DataTransfer();
                transfer.items.add(new File([lines.join('\\n') + '\\n'], '50% level.csv'));
                dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));
            })()`);
            await until(browser, `v.text('facts').startsWith('400,000 rows') && v.exact()`);
            await until(browser, `v.text('sets').includes('ticks')`);
            await browser.page.unroute('**/v1/data');
            await sleep(300);
            assert.equal(await browser.evaluate(`v.text('name')`), '50% level');
            assert.equal(await browser.evaluate(`v.id('chart').childElementCount`), 1);
        });
    },
    {},
    ['chromium'],
);
