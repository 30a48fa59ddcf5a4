// What is fetched, and in which order.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { load } from './node.mjs';

const PAGE = 16384;
let loader;

before(async () => {
    loader = await load('loader.ts');
});

const want = (page, count = 1, source = 1, isPrefetch = false) => ({
    source,
    isPrefetch,
    offset: page * PAGE,
    byteCount: count * PAGE,
});
const shape = (wants) => wants.map((w) => [w.source, w.offset / PAGE, w.byteCount / PAGE]);

test('neighbours become one range, in the order of the first wish', () => {
    const merged = loader.merge([want(50), want(3), want(1), want(2), want(1, 1, 2), want(55)]);
    assert.deepEqual(shape(merged), [
        [1, 50, 6],
        [1, 1, 3],
        [2, 1, 1],
    ]);
    assert.equal(loader.merge([want(0), want(70)]).length, 2);
    assert.ok(loader.merge([want(0, 60), want(60, 60)]).every((w) => w.byteCount <= 1 << 20));
});

test('pages under way are left out at the ends', () => {
    const pages = new Set([4, 5, 9]);
    assert.deepEqual(shape([loader.withoutPages(want(4, 4), pages)]), [[1, 6, 2]]);
    assert.deepEqual(shape([loader.withoutPages(want(6, 4), pages)]), [[1, 6, 3]]);
    assert.equal(loader.withoutPages(want(4, 2), pages), undefined);
});

/** A source whose reads are answered by hand. */
function makeSource() {
    const reads = [];
    return {
        reads,
        bytes: {
            name: 'x',
            byteCount: 1 << 30,
            tail: { offset: 0, bytes: new Uint8Array() },
            read: (offset, byteCount, signal) =>
                new Promise((resolve, reject) => {
                    const answer = () => resolve(new Uint8Array(byteCount));
                    reads.push({ page: offset / PAGE, answer, reject });
                    signal.addEventListener('abort', () => reject(new Error('aborted')));
                }),
        },
    };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

test('the newest wish is read first, prefetch last, and no byte twice at a time', async () => {
    const delivered = [];
    let idle = 0;
    const it = new loader.Loader({
        deliver: (_, offset) => delivered.push(offset / PAGE),
        failed: (_, error) => assert.fail(error.message),
        idle: () => idle++,
    });
    const source = makeSource();
    it.add(1, source.bytes);
    it.want([0, 10, 20, 30, 40, 50].map((page) => want(page))); /* as many as at once */
    assert.equal(source.reads.length, 0, 'not before the call is answered');
    await settle();
    it.want([want(100, 1, 1, true), want(200)]);
    it.want([want(300), want(0)]);
    it.want([want(400, 1, 1, true)]);
    assert.deepEqual(source.reads.map((read) => read.page), [0, 10, 20, 30, 40, 50]);
    for (let i = 0; i < 9; i++) {
        source.reads[i].answer();
        await settle();
    }
    assert.deepEqual(source.reads.slice(6).map((read) => read.page), [300, 200, 400]);
    assert.equal(delivered.length, 9);
    assert.equal(idle, 1);
    assert.equal(it.pendingBytes(), 0);
});

test('what a chart wanted before is dropped, what others want is not, and hints end with a wish', async () => {
    const delivered = [];
    const it = new loader.Loader({
        deliver: (_, offset, __, isPrefetch) => delivered.push([offset / PAGE, isPrefetch]),
        failed: (_, error) => assert.fail(error.message),
        idle: () => undefined,
    });
    const source = makeSource();
    it.add(1, source.bytes);
    it.want([want(0, 1, 1, true), want(10), want(20), want(30), want(40), want(50)], 7);
    await settle();
    it.want([want(100)], 7);
    it.want([want(200), want(900, 1, 1, true)], 8);
    it.want([want(300), want(0)], 7); /* 100 is of an earlier picture, 0 is under way */
    it.want([], 8); /* it has all that it needs */
    for (let i = 0; i < 7; i++) {
        source.reads[i].answer();
        await settle();
    }
    assert.deepEqual(source.reads.slice(6).map((read) => read.page), [300]);
    assert.deepEqual(delivered.find(([page]) => page === 0), [0, false], 'a picture waits for it now');
});

test('a source that is dropped has nothing under way, and tells nobody', async () => {
    const told = [];
    const it = new loader.Loader({
        deliver: () => told.push('deliver'),
        failed: () => told.push('failed'),
        idle: () => undefined,
    });
    const source = makeSource();
    it.add(1, source.bytes);
    it.want([want(0), want(100), want(200)]);
    await settle();
    it.want([want(300)]);
    it.drop(1);
    await settle();
    assert.deepEqual(told, []);
    assert.equal(it.pendingBytes(), 0);
});

test('a failure is told once, and the page may be wanted again', async () => {
    const told = [];
    const it = new loader.Loader({
        deliver: () => told.push('deliver'),
        failed: (_, error) => told.push(error.message),
        idle: () => undefined,
    });
    const source = makeSource();
    it.add(1, source.bytes);
    it.want([want(5)]);
    await settle();
    source.reads[0].reject(new Error('no'));
    await settle();
    it.want([want(5)]);
    await settle();
    source.reads[1].answer();
    await settle();
    assert.deepEqual(told, ['no', 'deliver']);
});
