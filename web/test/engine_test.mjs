// The engine in node: pictures equal the command's, bad bytes end in a message, nothing is left.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openAsBlob, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { countDifferent, makeCases, makeRandom, readPpm } from './cases.mjs';
import { COMMAND, FILES, bareFrame, drawComplete, load, makeEvents, readModule } from './node.mjs';

let Engine, cases;

before(async () => {
    cases = makeCases(COMMAND, FILES);
    ({ Engine } = await load('engine.ts'));
});

async function start() {
    const events = makeEvents();
    const engine = await Engine.start(readModule(), events.notify);
    return { engine, ...events };
}

async function openFile(engine, name) {
    return engine.openBlob(name, await openAsBlob(cases.files[name]));
}

test('fifty random views equal the pictures of the command in every pixel', async () => {
    const { engine, next } = await start();
    const chart = (await engine.makeChart()).id;
    const sources = {};
    for (const name of Object.keys(cases.files)) sources[name] = (await openFile(engine, name)).id;
    let incomplete = 0;
    for (const view of cases.views) {
        const desc = bareFrame(view, sources[view.file]);
        if ((await engine.frame(chart, desc, false)).complete < 1) incomplete++;
        const frame = await drawComplete(engine, chart, desc, next);
        const ppm = readPpm(path.join(FILES, view.picture));
        assert.equal(countDifferent(frame.pixels, ppm), 0, JSON.stringify(view));
    }
    assert.ok(incomplete > 10, 'most views have to await pages, or nothing was tested of that');
    await engine.stop();
});

test('the default look equals that of the command within 1 of 255', async () => {
    const { engine, next } = await start();
    const chart = (await engine.makeChart()).id;
    const source = (await openFile(engine, 'ticks.gch')).id;
    const picture = path.join(FILES, 'look.ppm');
    for (const [theme, zone] of [['light', 'UTC'], ['dark', 'America/New_York']]) {
        const args = ['render', cases.files['ticks.gch'], '--format', 'ppm', '-o', picture];
        args.push('--column', '1', '--column', '2', '--theme', theme, '--tz', zone, '--size', '900x500');
        execFileSync(COMMAND, [...args, '--title', 'Ticks, ΔT ≥ 0 €'], { stdio: 'ignore' });
        const desc = {
            ...bareFrame({ width: 900, height: 500, type: 'line', from: 0, to: 1 }, source),
            isBare: false,
            theme: theme === 'dark' ? 'dark' : 'light',
            title: 'Ticks, ΔT ≥ 0 €',
            timeZone: zone,
            range: undefined,
        };
        desc.series.push({ ...desc.series[0], column: 1 });
        const { pixels } = await drawComplete(engine, chart, desc, next);
        const { rgb } = readPpm(picture);
        let worst = 0;
        for (let i = 0; i < 900 * 500; i++)
            for (let c = 0; c < 3; c++)
                worst = Math.max(worst, Math.abs(pixels[4 * i + c] - rgb[3 * i + c]));
        assert.ok(worst <= 1, `${theme}: a channel differs by ${worst}`);
    }
    await engine.stop();
});

test('rows that are appended are drawn as the same rows of a file are', async () => {
    const { engine, next } = await start();
    const chart = (await engine.makeChart()).id;
    const random = makeRandom(3);
    const count = 20_000;
    const times = Float64Array.from({ length: count }, (_, i) => 1.7e12 + i * 250);
    const values = Float64Array.from({ length: count }, (_, i) =>
        i % 997 === 0 ? Number.NaN : Math.round(1e4 * (Math.sin(i / 700) + random())) / 1e4,
    );
    const lines = Array.from(times, (t, i) => `${t},${Number.isNaN(values[i]) ? '' : values[i]}`);
    const csv = path.join(FILES, 'rows.csv');
    writeFileSync(csv, ['time,value', ...lines].join('\n') + '\n');
    execFileSync(COMMAND, ['ingest', csv, '-o', path.join(FILES, 'rows.gch'), '-q']);
    const desc = { name: 'rows', unit: 'ms', columns: [{ name: 'value', type: 'f64' }] };
    const source = (await engine.openLive(desc)).id;
    for (let first = 0; first < count; first += 3001) {
        const end = Math.min(count, first + 3001);
        const info = await engine.append(source, {
            times: times.slice(first, end),
            columns: [values.slice(first, end)],
            count: end - first,
        });
        assert.equal(info.rows, end);
    }
    const picture = path.join(FILES, 'rows.ppm');
    for (const [from, to] of [[0, 1], [0.25, 0.3], [0.5, 0.501]]) {
        const at = (share) => String(1_700_000_000_000 + Math.floor(share * count * 250));
        const view = { width: 640, height: 300, type: 'line', from: at(from), to: at(to) };
        const args = ['render', path.join(FILES, 'rows.gch'), '--bare', '--size', '640x300', '-o', picture];
        execFileSync(COMMAND, [...args, '--from', view.from, '--to', view.to], { stdio: 'ignore' });
        const frame = await drawComplete(engine, chart, bareFrame(view, source), next);
        assert.equal(countDifferent(frame.pixels, readPpm(picture)), 0);
    }
    await assert.rejects(
        engine.append(source, { times: times.slice(0, 1), columns: [values.slice(0, 1)], count: 1 }),
        { code: 'unsorted' },
    );
    await assert.rejects(
        engine.append(source, { times: Float64Array.of(Number.NaN), columns: [values], count: 1 }),
        { code: 'invalid', message: 'the time of row 0 is not a number' },
    );
    await engine.stop();
});

test('CSV gives the source that ingesting it gives, and says where it is malformed', async () => {
    const { engine } = await start();
    const csv = await openAsBlob(path.join(FILES, 'gaps.csv'));
    const { info } = await engine.openCsv('gaps.csv', csv);
    const file = (await openFile(engine, 'gaps.gch')).info;
    assert.deepEqual(info.columns, file.columns);
    assert.deepEqual([info.rows, info.first, info.last], [60_000, file.first, file.last]);
    const bad = new Blob(['time,v\n1000000000,1\n1000000001,x7\n']);
    await assert.rejects(engine.openCsv('bad.csv', bad), {
        code: 'parse',
        message: /^bad\.csv:3:12: /,
    });
    await engine.openCsv('again.csv', new Blob(['time,v\n1,2\n'])); /* nothing is left of the other */
    await engine.stop();
});

test('the value at the cursor is exact', async () => {
    const { engine, next } = await start();
    const { id } = await openFile(engine, 'gaps.gch');
    const rows = readFileSync(path.join(FILES, 'gaps.csv'), 'latin1').trim().split('\n').slice(1);
    const random = makeRandom(5);
    for (let i = 0; i < 30; i++) {
        const [time, price] = rows[Math.floor(random() * rows.length)].split(',');
        if (price === '') continue;
        let sample;
        while ((sample = await engine.nearest(id, 0, BigInt(time))) === undefined) await next();
        assert.equal(sample.time, BigInt(time));
        const same = rows.filter((row) => row.startsWith(`${time},`)).map((row) => +row.split(',')[1]);
        assert.ok(same.includes(sample.value), `${sample.text} at ${time}`);
    }
    let bar;
    const first = BigInt(rows[0].split(',')[0]);
    while ((bar = await engine.bar(id, 0, '1m', undefined, first)) === undefined) await next();
    assert.deepEqual([bar.from, bar.to], [first - (first % 60_000n), first - (first % 60_000n) + 60_000n]);
    const within = rows.map((row) => row.split(',')).filter(([t]) => BigInt(t) >= bar.from && BigInt(t) < bar.to);
    const values = within.flatMap(([, price]) => (price === '' ? [] : [+price]));
    assert.ok(values.length > 10);
    assert.deepEqual(
        [+bar.open, +bar.high, +bar.low, +bar.close, bar.rows],
        [values[0], Math.max(...values), Math.min(...values), values.at(-1), within.length],
    );
    let sum;
    while ((sum = await engine.sum(id, 1, '1m', undefined, first)) === undefined) await next();
    const total = within.reduce((so, [, , count]) => so + +count, 0);
    assert.deepEqual(sum, { from: bar.from, to: bar.to, rows: within.length, value: total, text: String(total) });
    await engine.stop();
});

/* ---- over HTTP ---- */

function serve(answer) {
    const server = http.createServer(answer);
    after(() => server.close());
    return new Promise((resolve) => {
        server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
    });
}

function sendRange(request, response, bytes, headers = {}) {
    const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range);
    const start = first === '' ? Math.max(0, bytes.length - +last) : +first;
    const end = first === '' || last === '' ? bytes.length : Math.min(bytes.length, +last + 1);
    response.writeHead(206, {
        'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}`,
        ETag: '"1"',
        ...headers,
    });
    response.end(bytes.subarray(start, end));
}

test('answers without an end are given up', async () => {
    const { engine } = await start();
    const bytes = readFileSync(cases.files['walk.gch']);
    let isEndless = false;
    let open = 0;
    let sent = 0;
    const flood = (response, headers) => {
        open++;
        response.on('close', () => open--);
        response.writeHead(200, headers);
        const more = () => {
            while (!response.destroyed && response.write(Buffer.alloc(1 << 16))) sent += 1 << 16;
            if (!response.destroyed) response.once('drain', more);
        };
        more();
    };
    const url = await serve((request, response) => {
        if (request.url.startsWith('/v1/live/')) return flood(response, { 'Content-Type': 'application/json' });
        if (!isEndless) return sendRange(request, response, bytes);
        response.writeHead = ((write) => (status, headers) => write.call(response, 206, headers))(response.writeHead);
        return flood(response, { 'Content-Range': `bytes 0-16383/${bytes.length}` });
    });
    isEndless = true;
    await assert.rejects(engine.openUrl(`${url}/walk.gch`, {}), {
        code: 'unavailable',
        message: /walk\.gch: the answer is longer than 131072 bytes$/,
    });
    await assert.rejects(engine.openStream(`${url}/v1/live/x`, {}, {}), { code: 'unavailable' });
    for (let i = 0; i < 100 && open > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(open, 0);
    assert.ok(sent < 64 << 20, `${sent} bytes were sent`);
    await engine.stop();
});

test('a file over HTTP is read by few ranges, after failures that pass by too', async () => {
    const { engine, next } = await start();
    const bytes = readFileSync(cases.files['walk.gch']);
    let requests = 0;
    let failures = 0;
    const url = await serve((request, response) => {
        requests++;
        if (requests % 5 === 2) {
            failures++;
            response.writeHead(503).end();
        } else {
            sendRange(request, response, bytes);
        }
    });
    const { id } = await engine.openUrl(`${url}/walk.gch`, {});
    const opening = requests - failures;
    assert.ok(opening <= 3, `${opening} requests to open`);
    const chart = (await engine.makeChart()).id;
    const view = cases.views.find((one) => one.file === 'walk.gch' && one.type === 'line');
    const frame = await drawComplete(engine, chart, bareFrame(view, id), next);
    assert.equal(countDifferent(frame.pixels, readPpm(path.join(FILES, view.picture))), 0);
    const { loadedBytes, data } = await engine.stats();
    assert.ok(loadedBytes > 0 && loadedBytes < bytes.length);
    assert.equal(data.pages_failed ?? 0, 0);
    assert.ok(failures > 0);
    await engine.stop();
});

test('a server without ranges is taken whole', async () => {
    const { engine } = await start();
    const bytes = readFileSync(cases.files['gaps.gch']);
    const url = await serve((request, response) => response.writeHead(200).end(bytes));
    const { info } = await engine.openUrl(`${url}/gaps.gch`, {});
    assert.equal(info.rows, 60_000);
    await engine.stop();
});

test('bad answers end in an error that says what is wrong', async () => {
    const { engine } = await start();
    const whole = readFileSync(cases.files['gaps.gch']);
    const damaged = Buffer.from(whole);
    damaged.fill(0x55, whole.length - 4096, whole.length - 64);
    const url = await serve((request, response) => {
        const name = request.url.slice(1);
        if (name === 'missing') response.writeHead(404).end();
        else if (name === 'secret') response.writeHead(401).end();
        else if (name === 'broken') response.writeHead(500).end();
        else if (name === 'page') response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>hi');
        else if (name === 'empty') response.writeHead(416).end();
        else if (name === 'short') sendRange(request, response, whole.subarray(0, 40_000));
        else if (name === 'text') sendRange(request, response, Buffer.from('time,value\n1,2\n'.repeat(9)));
        else sendRange(request, response, damaged);
    });
    const expected = {
        missing: { code: 'not-found', message: /no such file \(404\)/ },
        secret: { code: 'invalid', message: /not allowed \(401\)/ },
        broken: { code: 'unavailable', message: /answered 500/ },
        page: { code: 'corrupt', message: /a web page, not a \.gch file/ },
        empty: { code: 'corrupt', message: /the file is empty/ },
        short: { code: 'corrupt' },
        text: { code: 'corrupt' },
        damaged: { code: 'corrupt' },
    };
    for (const [name, error] of Object.entries(expected))
        await assert.rejects(engine.openUrl(`${url}/${name}`, {}), error, name);
    await assert.rejects(engine.openUrl('http://127.0.0.1:9/x.gch', {}), { code: 'unavailable' });
    assert.equal((await engine.stats()).sources, 0);
    await engine.stop();
});

test('a page that is damaged fails the frame that shows it and no other', async () => {
    const { engine, next } = await start();
    const bytes = Buffer.from(readFileSync(cases.files['walk.gch']));
    const middle = Math.floor(bytes.length * 0.4);
    bytes.fill(0x5a, middle, middle + 20_000);
    const { id, info } = await engine.openBlob('walk.gch', new Blob([bytes]));
    const chart = (await engine.makeChart()).id;
    const at = (share) => String(BigInt(info.first) + BigInt(Math.floor(share * 5e6)));
    const view = { width: 300, height: 200, type: 'line', from: at(0.9), to: at(0.90001) };
    await drawComplete(engine, chart, bareFrame(view, id), next);
    const bad = (async () => {
        for (let share = 0.35; share < 0.5; share += 0.002) {
            const hurt = { ...view, from: at(share), to: at(share + 0.0005) };
            await drawComplete(engine, chart, bareFrame(hurt, id), next);
        }
    })();
    await assert.rejects(bad, { code: 'corrupt', message: /is damaged/ });
    await drawComplete(engine, chart, bareFrame(view, id), next);
    await engine.stop();
});

test('a file that changes while it is read ends in an error, never in a mixed picture', async () => {
    const { engine, events, next } = await start();
    const bytes = readFileSync(cases.files['walk.gch']);
    let version = 1;
    const url = await serve((request, response) =>
        sendRange(request, response, bytes, { ETag: `"${version}"` }),
    );
    const { id, info } = await engine.openUrl(`${url}/walk.gch`, {});
    version = 2;
    const chart = (await engine.makeChart()).id;
    const first = BigInt(info.first) + 2_000_000n;
    const view = { width: 300, height: 200, type: 'line', from: first, to: first + 500n };
    const arrival = next();
    assert.ok((await engine.frame(chart, bareFrame(view, id), false)).complete < 1);
    await arrival;
    const failure = events.find((event) => event.kind === 'failed');
    assert.equal(failure.code, 'io');
    assert.match(failure.message, /has been replaced/);
    await engine.stop();
});

/* ---- ends ---- */

test('four hundred charts and sources leave the memory as it was', async () => {
    const { engine, next } = await start();
    const view = { ...cases.views[3], file: 'gaps.gch', type: 'line', from: 1_700_000_000_000 };
    view.to = view.from + 10_000_000;
    const blob = await openAsBlob(cases.files['gaps.gch']);
    let settled = 0;
    for (let i = 0; i < 400; i++) {
        const { id } = await engine.openBlob('gaps.gch', blob);
        const chart = (await engine.makeChart()).id;
        await drawComplete(engine, chart, bareFrame(view, id), next);
        await engine.destroyChart(chart);
        await engine.close(id);
        if (i === 200) settled = (await engine.stats()).memoryBytes;
    }
    const stats = await engine.stats();
    assert.equal(stats.memoryBytes, settled);
    assert.deepEqual([stats.sources, stats.charts], [0, 0]);
    await engine.stop();
});

test('numbers that name nothing any more are refused', async () => {
    const { engine } = await start();
    const { id } = await openFile(engine, 'gaps.gch');
    const chart = (await engine.makeChart()).id;
    await engine.close(id);
    await assert.rejects(engine.info(id), { code: 'invalid', message: /has been closed/ });
    await assert.rejects(engine.close(id), { code: 'invalid' });
    const view = { width: 10, height: 10, type: 'line', from: 0, to: 1 };
    await assert.rejects(engine.frame(chart, bareFrame(view, id), false), {
        code: 'invalid',
    });
    await engine.destroyChart(chart);
    await assert.rejects(engine.destroyChart(chart), { code: 'invalid' });
    await engine.stop();
});
