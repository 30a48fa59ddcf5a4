// Finished columns of a data server: far views are exact after one round trip, whatever else happens the
// pages serve.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
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
