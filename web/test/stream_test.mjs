// The connection of a live series (src/live.ts) against a peer that misbehaves, in node: what is sent, when it
// is tried again, and what is said.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, afterEach, before, test } from 'node:test';

import { load } from './node.mjs';
import { sleep } from './harness.mjs';

const TIMES = { firstPauseMs: 20, lastPauseMs: 80, silenceMs: 90, answerMs: 300, againMs: 600 };

let live, server, url;
let answer; /* of the HTTP server: a status, or undefined: no answer */
let nextSequence;
let asked = [];
let streams = [];

const describe = (next) => ({ time_unit: 'ms', first_sequence: 1, next_sequence: next,
    columns: [{ name: 'v', type: 'f64', unit: 'V' }] });

/** Sockets as the tests play them. */
class FakeSocket {
    static all = [];
    static refuses = false;
    isClosed = false;

    constructor(url, protocol) {
        this.url = new URL(url);
        this.protocol = protocol;
        FakeSocket.all.push(this);
        if (FakeSocket.refuses) setTimeout(() => this.break(), 2);
    }

    close() {
        this.isClosed = true;
    }

    text(message) {
        this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
    }

    hello(next, more = {}) {
        this.text({ ...describe(next), type: 'hello', ...more });
    }

    frame(sequence) {
        this.onmessage?.({ data: Uint8Array.of(sequence).buffer });
    }

    break(code = 1006, reason = '') {
        this.onclose?.({ code, reason });
    }
}

before(async () => {
    live = await load('live.ts');
    globalThis.WebSocket = FakeSocket;
    server = http.createServer((request, response) => {
        asked.push(request);
        if (answer === undefined) return;
        response.writeHead(answer, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(describe(nextSequence)));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `ws://127.0.0.1:${server.address().port}/v1/live/a`;
});

after(() => {
    server.close();
    server.closeAllConnections();
});

afterEach(() => {
    for (const stream of streams) stream.close();
    streams = [];
    FakeSocket.all = [];
    FakeSocket.refuses = false;
});

/** A host whose frames are single bytes: their sequence number; 0 is unsound, 255 cannot be appended. A series
 * that was made anew is followed if its unit is the same. */
function follow(address = url, headers = {}, times = TIMES) {
    answer = 200;
    nextSequence = 1;
    asked = [];
    const host = { taken: [], changes: 0, restarts: 0, error: undefined, last: 0, isFinal: false };
    const stream = new live.LiveStream(address, headers, 60, {
        greet({ firstSequence, nextSequence, unit }) {
            if (nextSequence > host.last) return false;
            host.isFinal = unit !== 'ms';
            if (host.isFinal) throw new Error('the series was made anew');
            host.last = firstSequence - 1;
            host.restarts++;
            return true;
        },
        take([sequence]) {
            if (sequence === 255) host.isFinal = true;
            if (sequence === 255 || sequence === 0) throw new Error(`frame ${sequence}`);
            host.taken.push(sequence);
            host.last = sequence;
        },
        place: () => ({ lastSequence: host.last, isFinal: host.isFinal }),
        changed: () => host.changes++,
        ended: (error) => (host.error = error),
    }, times);
    stream.ready.catch(() => undefined);
    streams.push(stream);
    return { stream, host, sockets: FakeSocket.all };
}

async function eventually(isTrue, what) {
    for (let i = 0; i < 300; i++) {
        if (isTrue()) return;
        await sleep(10);
    }
    assert.fail(`never: ${what}`);
}

test('addresses of live series are told from files', () => {
    for (const yes of ['ws://a/x', 'wss://a/v1/live/b', 'http://a:8/v1/live/b/c?token=1'])
        assert.ok(live.isLiveUrl(yes), yes);
    for (const no of ['http://a/v1/live/', 'http://a/live/b.gch', 'https://a/data/v1.gch'])
        assert.ok(!live.isLiveUrl(no), no);
});

test('a description is asked for and checked', async () => {
    const none = new AbortController().signal;
    answer = 200;
    nextSequence = 7;
    const got = await live.describeLive(`${url}?token=t`, { Authorization: 'Bearer t' }, none);
    assert.equal(got.nextSequence, 7);
    assert.deepEqual(got.columns, [{ name: 'v', type: 'f64', unit: 'V' }]);
    assert.equal(asked.at(-1).headers.authorization, 'Bearer t');
    const codeOf = (address) => live.describeLive(address, {}, none).then(() => 'none', (e) => e.code);
    for (const [status, code] of [[404, 'not-found'], [401, 'invalid'], [500, 'unavailable']]) {
        answer = status;
        assert.equal(await codeOf(url), code);
    }
    answer = 200;
    nextSequence = -1;
    assert.equal(await codeOf(url), 'corrupt');
    assert.equal(await codeOf('ws://127.0.0.1:9/v1/live/a'), 'unavailable');
});

test('it is ready when the batches that were there have been taken', async () => {
    const { stream, host, sockets } = follow();
    let isReady = false;
    void stream.ready.then(() => (isReady = true));
    assert.equal(sockets[0].protocol, 'gch.live.1');
    assert.equal(sockets[0].url.search, '?after=0&rate=60');
    sockets[0].hello(3);
    sockets[0].frame(1);
    await sleep(5);
    assert.ok(!isReady);
    sockets[0].frame(2);
    await stream.ready;
    assert.deepEqual(host.taken, [1, 2]);
    assert.equal(stream.lost, '');
});

test('after a loss it says so and begins after the last batch it has', async () => {
    const { stream, host, sockets } = follow();
    sockets[0].hello(1);
    await stream.ready;
    sockets[0].frame(1);
    sockets[0].frame(2);
    sockets[0].break(1001, 'shutting down');
    assert.match(stream.lost, /127\.0\.0\.1.*no connection.*shutting down.*connecting again/);
    assert.equal(host.changes, 1);
    await eventually(() => sockets.length === 2, 'another connection');
    assert.equal(sockets[1].url.searchParams.get('after'), '2');
    sockets[1].hello(5);
    assert.equal(stream.lost, '');
    assert.equal(host.changes, 2);
    sockets[0].frame(9); /* what comes late over the old one is not heard */
    assert.deepEqual(host.taken, [1, 2]);
});

test('it goes on trying while the server is away, and stops when it is not allowed', async () => {
    const { stream, host, sockets } = follow();
    sockets[0].hello(1);
    await stream.ready;
    answer = 503;
    sockets[0].break();
    await eventually(() => asked.length >= 4, 'four requests');
    assert.equal(sockets.length, 1);
    assert.match(stream.lost, /503/);
    answer = 404;
    await eventually(() => /404/.test(stream.lost), 'a message of 404');
    answer = 401;
    await eventually(() => host.error !== undefined, 'the end');
    assert.equal(host.error.code, 'invalid');
    assert.equal(stream.lost, host.error.message);
    const { length } = asked;
    await sleep(200);
    assert.equal(asked.length, length);
});

test('pauses between attempts grow to their most', async () => {
    const { stream, sockets } = follow();
    sockets[0].hello(1);
    await stream.ready;
    FakeSocket.refuses = true;
    sockets[0].break();
    const begin = performance.now();
    await eventually(() => sockets.length >= 6, 'five attempts');
    /* 20, 40, 80, 80, 80 ms, each at least half */
    assert.ok(performance.now() - begin > 140);
});

test('a first connection that cannot be made is given up with what to do', async () => {
    FakeSocket.refuses = true;
    const { stream, sockets } = follow();
    const error = await stream.ready.then(() => undefined, (cause) => cause);
    assert.equal(error.code, 'unavailable');
    assert.match(error.message, /connect-src/);
    assert.equal(sockets.length, 3);
});

test('an unsound frame is asked for again, with growing pauses', async () => {
    const { stream, host, sockets } = follow();
    sockets[0].hello(1);
    await stream.ready;
    sockets[0].frame(1);
    for (let i = 0; i < 3; i++) {
        sockets[i].frame(0);
        assert.ok(sockets[i].isClosed);
        await eventually(() => sockets.length === i + 2, 'another connection');
        assert.equal(sockets[i + 1].url.searchParams.get('after'), '1');
        sockets[i + 1].hello(3);
    }
    sockets[3].frame(2);
    assert.deepEqual(host.taken, [1, 2]);
    assert.equal(host.error, undefined);
});

test('a series that was made anew is asked for from its beginning', async () => {
    const { stream, host, sockets } = follow(url, {}, { ...TIMES, lastPauseMs: 10_000 });
    sockets[0].hello(6);
    sockets[0].frame(5);
    await stream.ready;
    const losses = 5;
    for (let i = 0; i < losses; i++) { /* the server was away: the next pause would be 320 ms at least */
        sockets.at(-1).break();
        await eventually(() => sockets.length === i + 2, 'another connection');
    }
    const old = sockets.at(-1);
    old.hello(5, { first_sequence: 3 });
    const begin = performance.now();
    assert.ok(old.isClosed);
    assert.equal(host.restarts, 1);
    assert.match(stream.lost, /made anew.*connecting again/);
    old.frame(9); /* leaves rows out, and is not heard */
    await eventually(() => sockets.length === losses + 2, 'another connection');
    assert.ok(performance.now() - begin < 300, 'soon, whatever the pauses had become');
    const next = sockets.at(-1);
    assert.equal(next.url.searchParams.get('after'), '2');
    next.hello(5, { first_sequence: 3 });
    assert.equal(stream.lost, '');
    next.frame(3);
    next.frame(4);
    assert.deepEqual(host.taken, [5, 3, 4]);
    assert.equal(host.error, undefined);
});

test('a hello that does not describe the series is no greeting', async () => {
    const { stream, host, sockets } = follow();
    sockets[0].hello(3);
    sockets[0].frame(2);
    await stream.ready;
    sockets[0].break();
    for (const [i, more] of [{ columns: 'v' }, { first_sequence: 0 }, { time_unit: 'weeks' }].entries()) {
        await eventually(() => sockets.length === i + 2, 'another connection');
        sockets[i + 1].hello(1, more);
        assert.match(stream.lost, /not the description/);
    }
    assert.deepEqual([host.restarts, host.error], [0, undefined]);
});

test('rows that cannot be appended, a series made anew with other columns and a refusal are ends', async () => {
    const ends = [
        ({ sockets }) => sockets[0].frame(255),
        ({ sockets }) => sockets[0].break(1008, 'no right'),
        async ({ sockets }) => {
            sockets[0].frame(3);
            sockets[0].break();
            await eventually(() => sockets.length === 2, 'another connection');
            sockets[1].hello(2, { time_unit: 's' });
        },
    ];
    for (const end of ends) {
        FakeSocket.all = [];
        const made = follow();
        made.sockets[0].hello(1);
        await made.stream.ready;
        await end(made);
        assert.ok(made.host.error !== undefined, String(end));
        const { length } = made.sockets;
        await sleep(150);
        assert.equal(made.sockets.length, length);
        assert.ok(made.sockets.at(-1).isClosed);
    }
});

test('a connection that has died without a word is noticed; a quiet series is left alone', async () => {
    const { stream, host, sockets } = follow();
    sockets[0].hello(1);
    await stream.ready;
    sockets[0].frame(1);
    nextSequence = 2;
    await eventually(() => asked.length >= 2, 'two questions');
    assert.equal(sockets.length, 1);
    assert.equal(stream.lost, '');
    nextSequence = 4; /* the series has gone on, and nothing came */
    await eventually(() => sockets.length === 2, 'another connection');
    assert.equal(sockets[1].url.searchParams.get('after'), '1');
    assert.equal(host.changes, 1);
    sockets[1].hello(4);
    sockets[1].frame(3);
    answer = undefined; /* nobody answers at all */
    await eventually(() => stream.lost !== '', 'a loss');
});

test('a server that does not say hello is left', async () => {
    const { stream, sockets } = follow();
    await eventually(() => sockets.length === 2, 'another connection');
    assert.ok(sockets[0].isClosed);
    assert.match(stream.lost, /does not answer/);
});

test('the token of a header goes into the address of the socket', () => {
    const { sockets } = follow(url, { authorization: 'Bearer s e' });
    assert.equal(sockets[0].url.searchParams.get('token'), 's e');
});

test('what is closed says, asks and opens nothing more', async () => {
    const { stream, host, sockets } = follow();
    sockets[0].hello(1);
    await stream.ready;
    sockets[0].break();
    stream.close();
    stream.close();
    const { length } = asked;
    await sleep(200);
    assert.equal(sockets.length, 1);
    assert.equal(asked.length, length);
    assert.equal(host.error, undefined);
});
