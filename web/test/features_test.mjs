// Everything that a chart of the command can show, drawn by the engine in node: the same pictures.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, openAsBlob } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';

import { readPpm } from './cases.mjs';
import { COMMAND, FILES, drawComplete, load, makeEvents, readModule } from './node.mjs';

const WIDTH = 900;
const HEIGHT = 520;
const file = (name) => path.join(FILES, name);

let Engine;

before(async () => {
    mkdirSync(FILES, { recursive: true });
    const sets = { 'ticks.gch': ['ticks', '1M'], 'plane.gch': ['points', '50k'] };
    for (const [name, [kind, points]] of Object.entries(sets))
        if (!existsSync(file(name)))
            execFileSync(COMMAND, ['gen', '--kind', kind, '-n', points, '-o', file(name), '-q']);
    ({ Engine } = await load('engine.ts'));
});

const axis = { isLog: false };
const panel = (more = {}) => ({ height: 0, left: axis, right: axis, ...more });
const line = (more = {}) => ({ column: 0, mark: 'line', color: 0, width: 0, ...more });
const TIMES = ['--from', '2024-01-01T02:00', '--to', '2024-01-01T09:00'];
const T = Date.UTC(2024, 0, 1);
const range = { from: BigInt(T + 2 * 3_600_000), to: BigInt(T + 9 * 3_600_000) };

/* What the command is told, and the same for the engine. */
const CASES = {
    'candles with studies over volume, in two panels of the theme of high contrast': [
        ['ticks.gch', ...TIMES, '--column', 'price', '--column', 'volume', '--type', 'candles', '--type', 'volume',
            '--panel', '1', '--panel', '2', '--panel-height', '3,1', '--panel-title', 'Price', '--panel-title', 'Sold',
            '--study', 'sma:20', '--study', 'range:10', '--bar', '15m', '--theme', 'contrast'],
        {
            theme: 'contrast',
            barWidth: '15m',
            range,
            panels: [panel({ height: 3, title: 'Price' }), panel({ height: 1, title: 'Sold' })],
            series: [
                line({ mark: 'candles' }),
                line({ mark: 'volume', column: 1, panel: 1, priceBy: 0 }),
                line({ study: { kind: 'sma', length: 20, column: 0 } }),
                line({ study: { kind: 'range', length: 10, column: 0 } }),
            ],
        },
    ],
    'a dashed line, and a wide one against a logarithmic axis on the right': [
        ['ticks.gch', ...TIMES, '--column', 'price', '--column', 'volume', '--axis', 'left', '--axis', 'right-log',
            '--dash', 'dash-dot', '--dash', '8,3', '--line-width', '3', '--line-width', '2', '--color', '#ff0000'],
        {
            range,
            panels: [panel({ right: { isLog: true } })],
            series: [
                line({ width: 3, dash: [14, 8, 0, 8], color: 0xff0000ff }),
                line({ column: 1, side: 'right', width: 2, dash: [8, 3] }),
            ],
        },
    ],
    'a band between two columns, and values that are held': [
        ['ticks.gch', ...TIMES, '--column', 'price', '--type', 'band', '--high', 'volume', '--ymin', '-10.5',
            '--ymax', '120', '--theme', 'dark'],
        {
            theme: 'dark',
            range,
            panels: [panel({ left: { isLog: false, bottom: '-10.5', top: '120' } })],
            series: [line({ mark: 'band', columnHigh: 1 })],
        },
    ],
    'the spread of two columns': [
        ['ticks.gch', ...TIMES, '--column', 'price', '--study', 'spread:volume', '--panel', '1', '--panel', '2',
            '--bar', '5m'],
        {
            barWidth: '5m',
            range,
            panels: [panel(), panel()],
            series: [line(), line({ panel: 1, study: { kind: 'spread', length: 0, column: 1 } })],
        },
    ],
    'a density': [
        ['ticks.gch', '--column', 'price', '--type', 'density', '--density-scale', 'equal', '--palette', 'dusk'],
        { panels: [panel()], series: [line({ mark: 'density', densityScale: 'equal', palette: 'dusk' })] },
    ],
    'a histogram of what is visible': [
        ['ticks.gch', ...TIMES, '--column', 'price', '--type', 'histogram', '--bins', '40', '--xmin', '85'],
        { range, left: '85', panels: [panel()], series: [line({ mark: 'histogram', bins: 40 })] },
    ],
    'points of a plane, sized and coloured': [
        ['plane.gch', '--size-by', 'size', '--color-by', 'value', '--palette', 'ember', '--xmin', '-20',
            '--xmax', '-15', '--ymin', '20', '--ymax', '25'],
        {
            left: '-20',
            right: '-15',
            panels: [panel({ left: { isLog: false, bottom: '20', top: '25' } })],
            series: [line({ mark: 'points', sizeBy: 2, colorBy: 3, palette: 'ember' })],
        },
    ],
    'points of a plane by category': [
        ['plane.gch', '--category-by', 'category'],
        { panels: [panel()], series: [line({ mark: 'points', categoryBy: 4 })] },
    ],
};

for (const [name, [args, given]] of Object.entries(CASES))
    test(`${name}: within 1 of 255`, async () => {
        const events = makeEvents();
        const engine = await Engine.start(readModule(), events.notify);
        const chart = (await engine.makeChart()).id;
        const source = (await engine.openBlob(args[0], await openAsBlob(file(args[0])))).id;
        const desc = {
            width: WIDTH,
            height: HEIGHT,
            scale: 1,
            isBare: false,
            hasLegend: true,
            ...given,
            series: given.series.map((one) => ({ ...one, source })),
        };
        const picture = file('feature.ppm');
        execFileSync(COMMAND, ['render', file(args[0]), ...args.slice(1), '--size', `${WIDTH}x${HEIGHT}`,
            '--format', 'ppm', '-o', picture], { stdio: ['ignore', 'ignore', 'inherit'] });
        const frame = await drawComplete(engine, chart, desc, events.next);
        const { rgb } = readPpm(picture);
        let worst = 0;
        for (let i = 0; i < WIDTH * HEIGHT; i++)
            for (let c = 0; c < 3; c++)
                worst = Math.max(worst, Math.abs(frame.pixels[4 * i + c] - rgb[3 * i + c]));
        assert.ok(worst <= 1, `a channel differs by ${worst}`);
        assert.equal(frame.panels.length, given.panels.length);
        const below = frame.panels.every((one, i) => i === 0 || one.y >= frame.panels[i - 1].y + frame.panels[i - 1].height);
        assert.ok(below);
        await engine.stop();
    });

test('a bin under the cursor holds what is drawn there, counted one by one', async () => {
    const events = makeEvents();
    const engine = await Engine.start(readModule(), events.notify);
    /* Quarters, so that many values lie on edges of bins; some gaps. */
    const count = 20_000;
    const values = Float64Array.from({ length: count }, (_, r) => (r % 97 === 0 ? NaN : ((r * 7919) % 401) / 4 - 30));
    const columns = [{ name: 'v', type: 'f64', unit: '' }];
    const { id } = await engine.openLive({ name: 'v', unit: 'ms', columns });
    await engine.append(id, { count, times: BigInt64Array.from({ length: count }, (_, r) => BigInt(r)), columns: [values] });
    const chart = (await engine.makeChart()).id;
    const series = { source: id, column: 0, mark: 'histogram', color: 0, width: 0 };
    const base = { width: WIDTH, height: HEIGHT, scale: 1, isBare: false, hasLegend: true, panels: [panel()] };
    const views = [
        [{ bins: 7 }, { left: '-20', right: '50', range: { from: 100n, to: 15_000n } }],
        [{ bins: 4096 }, { left: '-0.25', right: '0.25' }],
        [{}, {}] /* 100 bins between what is fitted */,
    ];
    for (const [more, given] of views) {
        const one = { ...series, ...more };
        const { from, to, across } = await drawComplete(engine, chart, { ...base, ...given, series: [one] }, events.next);
        const bins = more.bins ?? 100;
        const span = across.max - across.min;
        assert.equal(Number(across.left), across.min);
        assert.equal(Number(across.right), across.max);
        /* In thousandths all of them are integers: bin k holds left < v <= right. */
        const [left, right] = [across.min, across.max].map((edge) => Math.round(1000 * edge));
        assert.deepEqual([left / 1000, right / 1000], [across.min, across.max]);
        const expected = new Array(bins).fill(0);
        for (let r = Number(from); r < Number(to) && r < count; r++) {
            const bin = Math.floor(((1000 * values[r] - left) * bins - 1) / (right - left));
            if (bin >= 0 && bin < bins) expected[bin]++;
        }
        const view = { from, to, left: across.left, right: across.right };
        const got = [];
        for (let bin = 0; bin < bins; bin++) {
            const found = await engine.bin(one, view, (bin + 0.5) / bins);
            assert.ok(Math.abs(found.min - (across.min + (span * bin) / bins)) < 1e-9);
            assert.ok(Math.abs(found.max - (across.min + (span * (bin + 1)) / bins)) < 1e-9);
            got.push(found.count);
        }
        assert.deepEqual(got, expected);
        assert.ok(got.some((n) => n > 0) && (bins > 100 || got.every((n) => n < count / 2)));
        /* The ends are part of the first and the last. */
        for (const [share, bin] of [[-1, 0], [0, 0], [1, bins - 1], [2, bins - 1], [Number.NaN, 0]])
            assert.equal((await engine.bin(one, view, share)).count, expected[bin]);
    }
    const view = { from: 0n, to: 10n, left: '1', right: '0' };
    await assert.rejects(engine.bin(series, view, 0), { code: 'invalid' });
    await assert.rejects(engine.bin(series, { ...view, left: 'x' }, 0), { code: 'invalid' });
    await assert.rejects(engine.bin({ ...series, bins: 4097 }, { ...view, right: '2' }, 0), { code: 'invalid' });
    await engine.stop();
});

test('values at the cursor are those of the bar, of its study, and of the nearest point', async () => {
    const events = makeEvents();
    const engine = await Engine.start(readModule(), events.notify);
    const { id } = await engine.openBlob('ticks.gch', await openAsBlob(file('ticks.gch')));
    const plane = await engine.openBlob('plane.gch', await openAsBlob(file('plane.gch')));
    const at = BigInt(T + 3 * 3_600_000 + 1);
    const settled = async (ask) => {
        for (let i = 0; i < 50; i++) {
            const arrival = events.next();
            const got = await ask();
            if (got !== undefined) return got;
            await arrival;
        }
        return undefined;
    };
    const close = Number((await settled(() => engine.bar(id, 0, '1h', 'UTC', at))).close);
    const series = { source: id, column: 0, mark: 'line', color: 0, width: 0 };
    const study = (kind, length, column = 0) =>
        settled(() => engine.study({ ...series, study: { kind, length, column } }, '1h', 'UTC', at));
    assert.equal((await study('sma', 1)).low, close);
    const channel = await study('range', 2);
    assert.ok(channel.low <= close && close <= channel.high && channel.low < channel.high);
    const volume = Number((await settled(() => engine.bar(id, 1, '1h', 'UTC', at))).close);
    assert.equal((await study('spread', 0, 1)).low, close - volume);
    const sum = await settled(() => engine.sum(id, 1, '1h', 'UTC', at));
    assert.match(sum.text, /^\d+$/);
    assert.equal(Number(sum.text), sum.value);
    assert.deepEqual([sum.from, sum.to], [3, 4].map((hour) => BigInt(T + hour * 3_600_000)));

    const names = plane.info.columns.map((column) => column.name);
    assert.deepEqual([names[plane.info.plane.x], names[plane.info.plane.y]], ['x', 'y']);
    const box = (x, y, half) => ({ left: String(x - half), right: String(x + half), bottom: String(y - half),
        top: String(y + half) });
    const found = await settled(() => engine.pointAt(plane.id, box(-22, 58, 0.2)));
    assert.ok(Math.hypot(found.x + 22, found.y - 58) <= 0.2);
    assert.equal(Number(found.values[0]), found.x);
    const again = await settled(() => engine.pointAt(plane.id, box(found.x, found.y, 1e-6)));
    assert.equal(again.row, found.row);
    await engine.stop();
});
