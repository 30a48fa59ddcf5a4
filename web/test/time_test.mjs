// Times, zones and the arithmetic of views.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';

import { makeRandom } from './cases.mjs';
import { load } from './node.mjs';

let time, zones, view;

before(async () => {
    time = await load('time.ts');
    zones = await load('zones.ts');
    view = await load('view.ts');
});

test('moments become ticks to the nanosecond', () => {
    assert.equal(time.toTicks('2024-03-01T12:30:00.123456789Z', 'ns'), 1709296200123456789n);
    assert.equal(time.toTicks('2024-03-01T12:30:00.123456789+01:00', 'us'), 1709292600123456n);
    assert.equal(time.toTicks('2024-03', 's'), 1709251200n);
    assert.equal(time.toTicks(new Date(1500), 'ns'), 1500000000n);
    assert.equal(time.toTicks(-0.5, 'us'), -500n);
    /* The tick that they lie in, before 1970 too. */
    for (const [ms, ticks] of [[1999, 1n], [0, 0n], [-1, -1n], [-1000, -1n], [-1001, -2n]]) {
        assert.equal(time.toTicks(ms, 's'), ticks);
        assert.equal(time.toTicks(new Date(ms).toISOString(), 's'), ticks);
    }
    assert.equal(time.toTicks('1709296200123456789', 'ns'), 1709296200123456789n);
    assert.equal(time.toTicks('17', 'index'), 17n);
    for (const bad of ['yesterday', '2024-13-01', '', '2024-03-01T25:00', Number.NaN, Infinity])
        assert.equal(time.toTicks(bad, 'ms'), undefined, String(bad));
    assert.equal(time.toMs(-1n, 's'), -1000);
    assert.equal(time.toMs(1709296200123456789n, 'ns'), 1709296200123.4568);
});

test('ticks of one unit are those of another', () => {
    assert.equal(time.convertTicks(1709296200123456789n, 'ns', 'ms'), 1709296200123n);
    assert.equal(time.convertTicks(-1n, 'ns', 'ms'), -1n);
    assert.equal(time.convertTicks(-2000n, 'ms', 's'), -2n);
    assert.equal(time.convertTicks(3n, 's', 'ns'), 3_000_000_000n);
    assert.equal(time.convertTicks(2n ** 62n, 'us', 'us'), 2n ** 62n);
    assert.equal(time.convertTicks(5n, 'index', 'ms'), undefined);
    assert.equal(time.convertTicks(5n, 'ms', 'index'), undefined);
});

test('a moment is shown with as many digits as the step needs', () => {
    const ticks = 1709296200123456789n;
    const shown = (step) => time.formatTicks(ticks, 'ns', 'UTC', step);
    assert.equal(shown(86400e9), '2024-03-01');
    assert.equal(shown(60e9), '2024-03-01 12:30');
    assert.equal(shown(1e9), '2024-03-01 12:30:00');
    assert.equal(shown(1e6), '2024-03-01 12:30:00.123');
    assert.equal(shown(1), '2024-03-01 12:30:00.123456789');
    assert.equal(time.formatTicks(-1n, 'ms', 'UTC', 1), '1969-12-31 23:59:59.999');
    assert.equal(time.formatTicks(0n, 's', 'Asia/Kolkata', 1), '1970-01-01 05:30:00');
    assert.equal(time.formatTicks(2n ** 62n, 's', 'UTC', 1), String(2n ** 62n));
});

test('what both ends of a range share is said once', () => {
    const at = (text) => time.toTicks(text, 'ms');
    const range = (from, to) => time.formatRange(at(from), at(to), 'ms', 'UTC');
    assert.equal(range('2024-03-01T09:30Z', '2024-03-01T16:00Z'), '2024-03-01 09:30 – 16:00');
    assert.equal(range('2024-03-01T09:30Z', '2024-03-02T16:00Z'), '2024-03-01 09:30 – 2024-03-02 16:00');
    assert.equal(range('2024-03-01T09:30:01Z', '2024-03-01T09:30:31Z'), '2024-03-01 09:30:01 – 09:30:31');
    assert.equal(time.formatRange(1000n, 25_000n, 'index', 'UTC'), '1,000 – 25,000');
});

test('a bar is told by its ends, of whole days by the first and the last', () => {
    const bar = (from, to, zone = 'UTC', unit = 'ms') =>
        time.formatBar(time.toTicks(from, unit), time.toTicks(to, unit), unit, zone);
    assert.equal(bar('2024-03-01T09:30Z', '2024-03-01T09:35Z'), '2024-03-01 09:30 – 09:35');
    assert.equal(bar('2024-03-01T00:00Z', '2024-03-01T00:00:00.010Z'), '2024-03-01 00:00:00.000 – 00:00:00.010');
    assert.equal(bar('2024-03-01T00:00Z', '2024-03-02T00:00Z'), '2024-03-01');
    assert.equal(bar('2024-03-04T00:00Z', '2024-03-11T00:00Z'), '2024-03-04 – 2024-03-10');
    assert.equal(bar('2020-01-01T00:00Z', '2025-01-01T00:00Z', 'UTC', 'ns'), '2020-01-01 – 2024-12-31');
    /* Days of 23 hours, and of another zone. */
    assert.equal(bar('2024-03-10T05:00Z', '2024-03-11T04:00Z', 'America/New_York'), '2024-03-10');
    assert.equal(bar('2024-03-01T00:00Z', '2024-03-02T00:00Z', 'Asia/Tokyo'),
        '2024-03-01 09:00 – 2024-03-02 09:00');
    assert.equal(time.formatBar(1000n, 2000n, 'index', 'UTC'), '1,000 – 1,999');
});

test('bars are wide enough to be seen', () => {
    assert.equal(time.chooseBarWidth(86_400_000n, 'ms', 800, 8), '15m');
    assert.equal(time.chooseBarWidth(1n, 's', 800, 8), '1s');
    assert.equal(time.chooseBarWidth(10n ** 15n, 's', 800, 8), '5y');
    assert.equal(time.chooseBarWidth(100_000n, 'index', 800, 8), '1000');
});

/* What a TZif reader makes of the bytes: the offset at an instant. */
function offsetIn(bytes, utcS) {
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const counts = (at) => [...Array(6).keys()].map((i) => data.getUint32(at + 20 + 4 * i));
    const [utc, wall, leap, times, types, chars] = counts(0);
    const second = 44 + times * 5 + types * 6 + chars + leap * 8 + wall + utc;
    const [, , , n] = counts(second);
    let type = 0;
    let last = -Infinity;
    for (let i = 0; i < n; i++) {
        const at = Number(data.getBigInt64(second + 44 + 8 * i));
        assert.ok(at > last);
        last = at;
        if (at <= utcS) type = bytes[second + 44 + 8 * n + i];
    }
    return data.getInt32(second + 44 + 9 * n + 6 * type);
}

test('zones made from Intl agree with the system wherever both know the time', () => {
    const random = makeRandom(11);
    for (const name of ['Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC']) {
        const bytes = zones.zoneBytes(name);
        const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
        for (let i = 0; i < 100; i++) {
            const utcS = Math.floor((random() * 140 - 60) * 31556952);
            if (utcS > Date.UTC(2059, 0) / 1000) continue;
            const text = format.formatToParts(utcS * 1000).find((p) => p.type === 'timeZoneName').value;
            const [, sign, h, m, s] = /GMT([+-])?(\d+)?:?(\d+)?:?(\d+)?/.exec(text);
            const offset = (sign === '-' ? -1 : 1) * (3600 * (h ?? 0) + 60 * (m ?? 0) + +(s ?? 0));
            assert.equal(offsetIn(bytes, utcS), offset, `${name} at ${utcS}: ${text}`);
        }
    }
    assert.equal(zones.zoneBytes('Moon/Base'), undefined);
    const berlin = '/usr/share/zoneinfo/Europe/Berlin';
    if (existsSync(berlin)) {
        const system = new Uint8Array(readFileSync(berlin));
        const instant = Date.UTC(2024, 6, 1) / 1000;
        assert.equal(offsetIn(zones.zoneBytes('Europe/Berlin'), instant), offsetIn(system, instant));
    }
});

test('zooming keeps what is under the cursor, and back gives the same view', () => {
    const random = makeRandom(2);
    for (let i = 0; i < 500; i++) {
        const from = BigInt(Math.floor(random() * 1e15)) * 1000n;
        const range = { from, to: from + BigInt(Math.floor(10 ** (4 + 14 * random()))) };
        const share = random();
        const factor = 10 ** (random() * 4 - 2);
        const zoomed = view.zoomRange(range, factor, share);
        const before = view.tickAt(range, share);
        const after = view.tickAt(zoomed, share);
        const unit = view.spanOf(range) + view.spanOf(zoomed);
        const drift = Number(after - before) / Number(unit);
        assert.ok(Math.abs(drift) < 1e-3 || unit < 100n, `${drift}`);
        assert.ok(zoomed.to > zoomed.from);
    }
    const range = { from: 0n, to: 1_000_000n };
    assert.deepEqual(view.panRange(view.panRange(range, 0.25), -0.25), range);
});

test('a view never leaves the data behind, nor int64', () => {
    const data = { from: 1000n, to: 2000n };
    const reach = (range) => view.clampRange(range, data);
    assert.deepEqual(reach({ from: 5000n, to: 6000n }), { from: 1900n, to: 2900n });
    assert.deepEqual(reach({ from: -5000n, to: -4000n }), { from: 100n, to: 1100n });
    assert.equal(view.spanOf(reach({ from: 0n, to: 10n ** 9n })), 4000n);
    assert.equal(view.spanOf(reach({ from: 1500n, to: 1501n })), 8n);
    const end = 2n ** 63n - 1n;
    const last = view.clampRange({ from: end - 5n, to: end + 50n }, { from: end - 20n, to: end });
    assert.ok(last.to <= end && last.from < last.to);
    const all = { from: -(2n ** 63n), to: end };
    const widest = view.clampRange({ from: -(2n ** 65n), to: 2n ** 65n }, all);
    assert.ok(widest.from >= all.from && widest.to <= all.to && widest.from < widest.to);
});

test('a view follows data that grow, lose their start, or are others altogether', () => {
    const range = (from, to) => ({ from: BigInt(from), to: BigInt(to) });
    const before = range(100, 200);
    const cases = [
        /* view, data: where it goes; undefined: it stays */
        [range(100, 200), range(100, 250), range(100, 250)] /* all, and goes on showing all */,
        [range(180, 200), range(100, 250), range(230, 250)] /* the end */,
        [range(120, 150), range(100, 250), undefined],
        [range(120, 150), range(140, 250), undefined] /* old rows are dropped */,
        [range(120, 150), range(180, 250), undefined],
        [range(120, 200), range(100, 200), undefined] /* nothing is new */,
        [range(100, 200), range(0, 50), range(0, 50)] /* another series, before */,
        [range(180, 200), range(0, 50), range(30, 50)],
        [range(120, 150), range(0, 50), range(0, 50)] /* nothing of it is shown */,
        [range(120, 150), range(300, 350), range(300, 350)] /* or behind */,
        [range(120, 150), range(0, 140), undefined] /* some of it is there */,
    ];
    for (const [at, data, wanted] of cases)
        assert.deepEqual(view.followRange(at, before, data), wanted, `${at.from} ${data.from} ${data.to}`);
});

test('values are stretched on their axis', () => {
    const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9 * Math.abs(b), `${a} ${b}`);
    const log = view.zoomValues({ min: 1, max: 100 }, 2, 0.5, true);
    close(log.min, 0.1);
    close(log.max, 1000);
    close(view.valueAt({ min: 1, max: 100 }, 0.5, true), 10);
    close(view.shareOfValue({ min: 1, max: 100 }, 10, true), 0.5);
    assert.deepEqual(view.panValues({ min: 0, max: 10 }, 0.5, false), { min: 5, max: 15 });
    const tiny = { min: 1, max: 1 + 1e-12 };
    assert.deepEqual(view.zoomValues(tiny, 1e-9, 0.5, false), tiny);
    assert.equal(view.formatValue(1.23456, { min: 0, max: 10 }, 500), '1.23');
    assert.equal(view.formatValue(123456.7, { min: 0, max: 1e6 }, 500), '123457');
});
