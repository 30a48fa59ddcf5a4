// Finished columns of a data server: far views are exact after one round trip, whatever else happens the
// pages serve.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { countDifferent, makeCases, makeRandom, readPpm } from './cases.mjs';
import { COMMAND, FILES, bareFrame, drawComplete, load, makeEvents, readModule } from './node.mjs';

let Engine, server, proxy;
/* How the proxy answers what is computed: 'fine', a status, 'garbage', or 'slow', which is 200 ms later. */
let mode = 'fine';
let asked = [];

/** In front of the server, so that what is asked is seen, and answers go wrong. */
function startProxy(target) {
    const answer = (request, response) => {
        asked.push(request.url);
        const isComputed = request.url.startsWith('/v1/data/');
        if (isComputed && typeof mode === 'number') return response.writeHead(mode).end();
        const forward = http.request(target + request.url, { headers: request.headers }, (from) => {
            if (isComputed && mode === 'garbage') {
                from.resume();
                return response.end(Buffer.alloc(70_000, 7));
            }
            response.writeHead(from.statusCode, from.headers);
            from.pipe(response);
        });
        forward.on('error', () => response.destroy());
        setTimeout(() => forward.end(), isComputed && mode === 'slow' ? 200 : 0);
        return undefined;
    };
    const listening = http.createServer(answer);
    return new Promise((resolve) => {
        listening.listen(0, '127.0.0.1', () =>
            resolve({
                url: `http://127.0.0.1:${listening.address().port}`,
                close: () => {
                    listening.close();
                    listening.closeAllConnections();
                },
            }),
        );
    });
}

before(async () => {
    makeCases(COMMAND, FILES);
    ({ Engine } = await load('engine.ts'));
    server = spawn(COMMAND, ['serve', FILES, '--listen', '127.0.0.1:0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const address = await new Promise((resolve) => {
        let text = '';
        server.stdout.on('data', (piece) => {
            text += piece;
            const match = /serving on (http:\S+)\//.exec(text);
            if (match !== null) resolve(match[1]);
        });
    });
    proxy = await startProxy(address);
});

after(() => {
    proxy.close();
    server.kill();
});

async function open(name = 'walk') {
    const events = makeEvents();
    const engine = await Engine.start(readModule(), events.notify);
    const { id, info } = await engine.openUrl(`${proxy.url}/data/${name}.gch`, {});
    const chart = (await engine.makeChart()).id;
    asked = [];
    return { engine, id, info, chart, ...events };
}

function renderBare(view) {
    const picture = path.join(FILES, 'answers.ppm');
    const args = ['render', path.join(FILES, 'walk.gch'), '--bare', '--size', '700x300', '-o', picture];
    execFileSync(COMMAND, [...args, '--from', view.from, '--to', view.to], { stdio: 'ignore' });
    return readPpm(picture);
}

function makeView(info, from, to) {
    const first = BigInt(info.first);
    const at = (share) => String(first + BigInt(Math.floor(share * Number(BigInt(info.last) - first))));
    return { width: 700, height: 300, type: 'line', from: at(from), to: at(to) };
}

test('a far view is exact after one round trip', async () => {
    mode = 'fine';
    const { engine, id, info, chart, next } = await open();
    const view = { ...makeView(info, 0, 1), to: String(BigInt(info.last) + 1n) };
    const before = (await engine.stats()).loadedBytes;
    const frame = await drawComplete(engine, chart, bareFrame(view, id), next, 2);
    assert.equal(countDifferent(frame.pixels, renderBare(view)), 0);
    assert.deepEqual([frame.from, frame.to], [BigInt(view.from), BigInt(view.to)]);
    assert.deepEqual(asked.map((url) => /^\/v1\/data\/walk\/columns\?/.test(url)), [true]);
    assert.match(asked[0], /&v=[0-9a-f]{16}&/);
    const stats = await engine.stats();
    assert.equal(stats.answers, 1);
    assert.equal(stats.loadedBytes, before);
    await drawComplete(engine, chart, bareFrame(view, id), next, 1); /* it is kept */
    assert.equal(asked.length, 1);
    await engine.stop();
});

test('random views equal the pictures of the command, computed there or from pages', async () => {
    mode = 'fine';
    const { engine, id, info, chart, next } = await open();
    const random = makeRandom(9);
    for (let i = 0; i < 30; i++) {
        const width = 10 ** (-4 * random());
        const from = (1 - width) * random();
        const view = makeView(info, from, from + width);
        const desc = bareFrame(view, id);
        const frame = await drawComplete(engine, chart, desc, next);
        assert.equal(countDifferent(frame.pixels, renderBare(view)), 0, JSON.stringify(view));
    }
    const { answers, loadedBytes } = await engine.stats();
    assert.ok(answers > 3 && loadedBytes > 0, `${answers} answers, ${loadedBytes} bytes`);
    await engine.stop();
});

test('where the server cannot answer the pages do', async () => {
    for (const how of [404, 409, 503, 'garbage']) {
        mode = how;
        const { engine, id, info, chart, next } = await open();
        const view = makeView(info, 0, 0.9);
        const frame = await drawComplete(engine, chart, bareFrame(view, id), next);
        assert.equal(countDifferent(frame.pixels, renderBare(view)), 0, String(how));
        const tries = () => asked.filter((url) => url.startsWith('/v1/')).length;
        const once = tries();
        assert.ok(once >= 1, String(how));
        await drawComplete(engine, chart, bareFrame(makeView(info, 0.05, 0.95), id), next);
        if (how !== 503) assert.equal(tries(), once, `${how}: it is asked again`);
        await engine.stop();
    }
});

/** The chart's own look, with bars. */
function barsFrame(source, mark, from, to, barWidth) {
    return {
        ...bareFrame({ width: 700, height: 300, type: mark, from, to }, source),
        isBare: false,
        timeZone: 'Europe/Berlin',
        barWidth,
    };
}

test('candles and bars come in one answer, and equal those of the file at hand in every pixel', async () => {
    mode = 'fine';
    const { engine, id, info, chart, next } = await open();
    const local = await engine.openBlob('walk.gch', await openAsBlob(path.join(FILES, 'walk.gch')));
    const other = (await engine.makeChart()).id;
    const span = Number(BigInt(info.last) - BigInt(info.first));
    for (const [mark, from, to, width] of [
        ['candles', 0, 1, '1d'],
        ['ohlc', 0.2, 0.5, '4h'],
        ['bars', 0.4, 0.7, '12h'],
        ['candles', 0.31, 0.32, String(Math.floor(span / 9000))],
    ]) {
        const view = makeView(info, from, to);
        asked = [];
        const frame = await drawComplete(engine, chart, barsFrame(id, mark, view.from, view.to, width), next);
        const kinds = asked.map((url) => /\/(bars|range|columns|data\/walk\.gch)\b/.exec(url)?.[1]);
        assert.deepEqual([...new Set(kinds)].filter((kind) => kind !== 'range'), ['bars'], kinds.join());
        assert.ok(asked.length <= 2, asked.join(' '));
        const wanted = await drawComplete(engine, other, barsFrame(local.id, mark, view.from, view.to, width), next);
        assert.deepEqual([...frame.pixels], [...wanted.pixels], mark);
        assert.ok(new Set(new Uint32Array(frame.pixels.buffer)).size > 3);
    }
    /* What is around a view has come with it: a hand moves it for no more than its range. */
    for (const by of [-0.02, 0.03]) {
        const view = makeView(info, 0.31 + by / 10, 0.32 + by / 10);
        const desc = (source) => barsFrame(source, 'candles', view.from, view.to, String(Math.floor(span / 9000)));
        asked = [];
        const frame = await drawComplete(engine, chart, desc(id), next);
        assert.deepEqual(asked.filter((url) => !url.includes('/range?')), []);
        const wanted = await drawComplete(engine, other, desc(local.id), next);
        assert.deepEqual([...frame.pixels], [...wanted.pixels]);
    }
    assert.ok((await engine.stats()).answers >= 4);
    await engine.stop();
});

test('studies are made of bars that come in one answer, beside those of candles', async () => {
    mode = 'fine';
    const { engine, id, info, chart, next } = await open();
    const local = await engine.openBlob('walk.gch', await openAsBlob(path.join(FILES, 'walk.gch')));
    const other = (await engine.makeChart()).id;
    const view = makeView(info, 0.5, 0.7);
    const desc = (source) => {
        const frame = barsFrame(source, 'candles', view.from, view.to, '3h');
        const study = (kind, length) => ({ ...frame.series[0], mark: 'line', study: { kind, length, column: 0 } });
        return { ...frame, series: [...frame.series, study('sma', 20), study('ema', 10), study('range', 20)] };
    };
    const frame = await drawComplete(engine, chart, desc(id), next);
    const kinds = asked.map((url) => /\/(bars|range|columns|data\/walk\.gch)\b/.exec(url)?.[1]);
    assert.deepEqual(kinds.filter((kind) => kind !== 'range'), ['bars', 'bars', 'bars'], kinds.join());
    const wanted = await drawComplete(engine, other, desc(local.id), next);
    assert.deepEqual([...frame.pixels], [...wanted.pixels]);
    await engine.stop();
});

test('bars at the cursor come in one answer with those around them', async () => {
    mode = 'fine';
    const { engine, id, info, next } = await open();
    const local = await engine.openBlob('walk.gch', await openAsBlob(path.join(FILES, 'walk.gch')));
    const middle = BigInt(info.first) + 2_000_000n;
    const read = async (source, t, width) => {
        for (;;) {
            const arrival = next();
            const bar = await engine.bar(source, 0, width, 'UTC', t);
            if (bar !== undefined) return bar;
            await arrival;
        }
    };
    for (const width of ['1h', '15m', '1d']) {
        for (let i = -3n; i <= 3n; i++) {
            const t = middle + i * 1000n;
            assert.deepEqual(await read(id, t, width), await read(local.id, t, width));
        }
    }
    assert.deepEqual(asked.map((url) => /&bar=\d+[a-z]*/.exec(url)?.[0]), ['&bar=3600', '&bar=900', '&bar=1d']);
    await engine.stop();
});

test('where the server gives no bars the pages do, and bars that are too many are columns', async () => {
    const desc = (id, info) => {
        const view = makeView(info, 0.3, 0.6);
        return barsFrame(id, 'candles', view.from, view.to, '1d');
    };
    for (const how of [404, 'garbage']) {
        const { engine, id, info, chart, next } = await open();
        mode = 'fine';
        const wanted = await drawComplete(engine, chart, desc(id, info), next);
        await engine.stop();
        const second = await open();
        mode = how;
        const frame = await drawComplete(second.engine, second.chart, desc(second.id, info), second.next);
        assert.deepEqual([...frame.pixels], [...wanted.pixels], String(how));
        assert.ok(asked.some((url) => url.includes('/bars?')));
        await second.engine.stop();
    }
    mode = 'fine';
    const { engine, id, info, chart, next } = await open();
    const view = makeView(info, 0, 1);
    await drawComplete(engine, chart, barsFrame(id, 'candles', view.from, view.to, '1m'), next);
    assert.ok(asked.some((url) => url.includes('/bars?')) && asked.some((url) => url.includes('/columns?')));
    assert.ok(!asked.some((url) => url.startsWith('/data/')), asked.join(' '));
    await engine.stop();
});

test('a view that moves on is not awaited', async () => {
    mode = 'fine';
    const { engine, id, info, chart, next } = await open();
    for (let i = 0; i < 20; i++)
        await engine.frame(chart, bareFrame(makeView(info, i / 100, 0.9), id), false);
    const view = makeView(info, 0.2, 0.9);
    const frame = await drawComplete(engine, chart, bareFrame(view, id), next);
    assert.equal(countDifferent(frame.pixels, renderBare(view)), 0);
    const { answers } = await engine.stats();
    assert.ok(answers < 20, `${answers} answers were taken`);
    await engine.destroyChart(chart);
    await engine.close(id);
    await engine.stop();
});

test('a view that moves shows what it did, and answers on the way as they come', async () => {
    mode = 'fine';
    const { engine, id, info, chart, next } = await open();
    const span = (BigInt(info.last) - BigInt(info.first)) / 1400n; /* of a column */
    const at = (columns) => ({
        width: 700,
        height: 300,
        type: 'line',
        from: String(BigInt(info.first) + (span * BigInt(columns + 350))),
        to: String(BigInt(info.first) + (span * BigInt(columns + 1050))),
    });
    const still = await drawComplete(engine, chart, bareFrame(at(0), id), next);
    mode = 'slow';
    const moved = await engine.frame(chart, bareFrame(at(70), id), true);
    assert.ok(moved.complete < 1);
    const words = (frame) => new Uint32Array(frame.pixels.buffer, frame.pixels.byteOffset);
    let [same, count] = [0, 0];
    for (let y = 0; y < 300; y++)
        for (let x = 0; x < 628; x++, count++)
            same += words(moved)[700 * y + x] === words(still)[700 * y + x + 70] ? 1 : 0;
    assert.equal(same, count);
    const { answers } = await engine.stats();
    for (let i = 0; (await engine.stats()).answers < answers + 4; i++) {
        assert.ok(i < 1000, 'no answer comes while the view moves');
        await engine.frame(chart, bareFrame(at(71 + (i % 200)), id), false);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const view = at(300);
    const frame = await drawComplete(engine, chart, bareFrame(view, id), next);
    assert.equal(countDifferent(frame.pixels, renderBare(view)), 0);
    await engine.stop();
});

test('axes of a view that moves widen while it does, and cut nothing off', async () => {
    const [width, height, share] = [700, 300, 50];
    for (const name of ['walk', 'ticks']) {
        mode = 'fine';
        const { engine, id, info, chart, next } = await open(name);
        const span = (BigInt(info.last) - BigInt(info.first)) / BigInt(share);
        const at = (columns) => {
            const from = BigInt(info.first) + span * 20n + (span * BigInt(columns)) / BigInt(width);
            return { width, height, type: 'line', from: String(from), to: String(from + span) };
        };
        let before = await drawComplete(engine, chart, bareFrame(at(0), id), next);
        let [begun, widened, pending] = [0, 0, 0];
        mode = 'slow';
        for (let columns = 8; columns <= 2 * width; columns += 8) {
            const frame = await engine.frame(chart, bareFrame(at(columns), id), true);
            const where = `${name}, moved by ${columns}`;
            const words = new Uint32Array(frame.pixels.buffer, frame.pixels.byteOffset);
            const background = words[0];
            const rows = [...words.subarray(0, width), ...words.subarray(width * (height - 1))];
            assert.ok(rows.every((word) => word === background), `${where}: something is cut off`);
            assert.ok(words.some((word) => word !== background), `${where}: nothing is drawn`);
            const [low, high] = [Number(frame.bottom), Number(frame.top)];
            const [lastLow, lastHigh] = [Number(before.bottom), Number(before.top)];
            if (low > lastLow || high < lastHigh) {
                assert.ok(frame.complete === 1 || columns - begun >= width, `${where}: the axis narrows`);
                begun = columns;
            } else if (low < lastLow || high > lastHigh) widened++;
            if (frame.complete < 1) pending++;
            else begun = columns;
            before = frame;
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        assert.ok(widened > 0 && pending > 10, `${name}: ${widened} times wider, ${pending} pending`);
        await engine.stop();
    }
});
