// Options that make no sense are refused by name, and views move as the hands say, panel by panel.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { load } from './node.mjs';

let checkOptions, ViewState;

before(async () => {
    ({ checkOptions } = await load('options.ts'));
    ({ ViewState } = await load('view-state.ts'));
});

const series = (more) => ({ series: [{ data: 'x', ...more }] });

test('each wrong option is named, with what is right', () => {
    const cases = [
        [{ series: [] }, /^series: a chart needs at least one$/],
        [{ series: Array(65).fill({ data: 'x' }) }, /^series: 65; at most 64$/],
        [{ ...series(), colour: 1 }, /^colour: no such option$/],
        [series({ typ: 'line' }), /^series\[0\]\.typ: no such option$/],
        [series({ type: 'pie' }), /^series\[0\]\.type: pie; it is one of line, .*, volume$/],
        [series({ axis: 'top' }), /^series\[0\]\.axis: top; it is one of left, right$/],
        [series({ panel: 8 }), /^series\[0\]\.panel: 8; a whole number from 0 to 7$/],
        [{ ...series({ panel: 1 }), panels: [{}] }, /^series\[0\]\.panel: 1; a whole number from 0 to 0$/],
        [series({ bins: 0 }), /^series\[0\]\.bins: 0; /],
        [series({ dash: 'wavy' }), /^series\[0\]\.dash: wavy; it is one of solid, /],
        [series({ dash: [0, 1] }), /^series\[0\]\.dash: 0, 1; at most eight lengths/],
        [series({ dash: Array(9).fill(3) }), /^series\[0\]\.dash: /],
        [series({ dash: [3, -1] }), /^series\[0\]\.dash: /],
        [series({ color: 'red' }), /^series\[0\]\.color: 'red' is no #rrggbb$/],
        [series({ width: 0 }), /^series\[0\]\.width: 0; more than 0, at most 64$/],
        [series({ palette: 'neon' }), /^series\[0\]\.palette: neon; /],
        [series({ densityScale: 'sqrt' }), /^series\[0\]\.densityScale: sqrt; /],
        [series({ colorBy: 'a', categoryBy: 'b' }), /^series\[0\]\.colorBy: a point has its colour from one/],
        [series({ study: { kind: 'rsi' } }), /^series\[0\]\.study\.kind: rsi; it is one of sma, /],
        [series({ study: { kind: 'sma' } }), /^series\[0\]\.study\.length: 0; a whole number from 1 to 1000$/],
        [series({ study: { kind: 'ema', length: 1.5 } }), /^series\[0\]\.study\.length: 1\.5; /],
        [series({ study: { kind: 'sma', length: 2 }, type: 'area' }), /^series\[0\]\.type: area; a study is/],
        [{ ...series(), panels: Array(9).fill({}) }, /^panels: 9; at most 8$/],
        [{ ...series(), panels: [{ height: 0 }] }, /^panels\[0\]\.height: 0; from 0\.001 to 1000$/],
        [{ ...series(), panels: [{ right: { scale: 'sqrt' } }] }, /^panels\[0\]\.right\.scale: sqrt; /],
        [{ ...series(), panels: [{ left: { min: 0, scale: 'log' } }] }, /^panels\[0\]\.left\.min: 0; a number above 0$/],
        [{ ...series(), panels: [{ left: { min: 2, max: 1 } }] }, /^panels\[0\]\.left\.min: 2 is not below max, 1$/],
        [{ ...series(), axes: { z: {} } }, /^axes\.z: no such option$/],
        [{ ...series(), axes: { y: { max: Infinity } } }, /^axes\.y\.max: Infinity; a number$/],
        [{ ...series(), theme: 'sepia' }, /^theme: sepia; it is one of light, dark, contrast, auto$/],
        [{ ...series(), timeZone: 'Moon' }, /^timeZone: 'Moon' is not known/],
    ];
    for (const [options, message] of cases)
        assert.throws(() => checkOptions(options), { code: 'invalid', message }, JSON.stringify(options));
    checkOptions({
        series: [{ data: 'x', type: 'band', high: 2, dash: [4, 2], panel: 1, axis: 'right' },
            { data: 'y', study: { kind: 'spread', column: 1, with: 'z' } }],
        panels: [{ height: 3 }, { title: 'T', right: { scale: 'log', min: 1 } }],
        axes: { x: { from: 0, max: 3 } },
    });
});

/** Two panels as drawn: values 0 to 10 above; 100 to 200 and 1 to 100 below. */
function drawn() {
    const state = new ViewState();
    state.data = { from: 0n, to: 1000n };
    state.time = { from: 200n, to: 600n };
    state.setPanels([{}, { right: { scale: 'log' } }], undefined);
    const place = { x: 0, y: 0, width: 100, height: 100 };
    state.frame = {
        panels: [{ ...place, left: { min: 0, max: 10 } },
            { ...place, left: { min: 100, max: 200 }, right: { min: 1, max: 100 } }],
    };
    return state;
}

test('a drag pans times, and the values of a panel once they are held', () => {
    const state = drawn();
    state.begin(1);
    state.pan(0.25, 0.5);
    assert.deepEqual(state.time, { from: 300n, to: 700n });
    assert.equal(state.fits(1, 'left'), true);
    state.stretch(2, 0, 'left');
    assert.deepEqual(state.values(1, 'left'), { min: 100, max: 300 });
    assert.equal(state.fits(1, 'right'), true);
    state.begin(1);
    state.pan(0, 0.5);
    assert.deepEqual(state.values(1, 'left'), { min: 200, max: 400 });
    state.pan(0, 0);
    state.pan(-1e-9, -0.25); /* from the same beginning */
    assert.deepEqual(state.values(1, 'left'), { min: 50, max: 250 });
    assert.equal(state.fits(0, 'left'), true);
    state.fit(1);
    assert.deepEqual(state.values(1, 'left'), { min: 100, max: 200 });
});

test('a box sets times, and the values of both axes of its panel', () => {
    const state = drawn();
    state.begin(1);
    state.zoomTo([0.75, 0.25], [0.5, 1]);
    assert.deepEqual(state.time, { from: 300n, to: 500n });
    assert.deepEqual(state.values(1, 'left'), { min: 150, max: 200 });
    const right = state.values(1, 'right');
    assert.ok(Math.abs(right.min - 10) < 1e-9 && Math.abs(right.max - 100) < 1e-9);
    assert.equal(state.fits(0, 'left'), true);
    const desc = state.describe();
    assert.deepEqual(desc.panels[1].left, { isLog: false, bottom: '150', top: '200' });
    assert.equal(desc.panels[1].right.isLog, true);
    assert.equal(desc.panels[0].left.bottom, undefined);
    state.reset();
    assert.deepEqual(state.time, state.data);
    assert.equal(state.describe().panels[1].left.top, undefined);
});

test('points move and zoom in both directions, and stay within reach of the data', () => {
    const state = drawn();
    state.kind = 'points';
    state.dataAcross = { min: -50, max: 50 };
    state.frame.across = { min: -50, max: 50 };
    state.begin(0);
    state.zoom(0.5, 0.5, 0.5, 0);
    assert.deepEqual(state.across, { min: -25, max: 25 });
    assert.deepEqual(state.values(0, 'left'), { min: 2.5, max: 7.5 });
    state.begin(0);
    state.pan(100, 0.2);
    state.clamp();
    assert.deepEqual(state.across, { min: 45, max: 95 });
    assert.deepEqual(state.values(0, 'left'), { min: 3.5, max: 8.5 });
    const desc = state.describe();
    assert.deepEqual([desc.left, desc.right, desc.range], ['45', '95', undefined]);
});

test('a view stays where it is when ticks become those of another unit', () => {
    const state = drawn();
    state.unit = 'ms';
    state.time = { from: 1500n, to: 4000n };
    state.setUnit('us');
    assert.deepEqual([state.unit, state.time], ['us', { from: 1_500_000n, to: 4_000_000n }]);
    state.setUnit('us');
    assert.deepEqual(state.time, { from: 1_500_000n, to: 4_000_000n });
    state.setUnit('index'); /* which has no moments */
    assert.equal(state.time, undefined);
});

test('a view is told and taken axis by axis', () => {
    const state = drawn();
    state.apply({ panel: 1, axis: 'right', min: 2, max: 50 });
    assert.throws(() => state.apply({ panel: 1, axis: 'right', min: -1 }), { code: 'invalid' });
    assert.throws(() => state.apply({ from: 10n, to: 10n }), { code: 'invalid', message: /from is not before to/ });
    assert.throws(() => state.apply({ from: 'soon' }), { code: 'invalid', message: /from: 'soon' is no time/ });
    const view = state.toView();
    assert.deepEqual([view.fromTicks, view.toTicks, view.min, view.max], [200n, 600n, 0, 10]);
    assert.deepEqual(
        view.axes.map(({ panel, axis, scale, fitsValues }) => [panel, axis, scale, fitsValues]),
        [[0, 'left', 'linear', true], [1, 'left', 'linear', true], [1, 'right', 'log', false]],
    );
    state.apply({ min: null });
    assert.equal(state.toView().axes[2].fitsValues, true);
    /* What is not described stays when there are other panels. */
    state.apply({ min: 1, max: 2 });
    state.setPanels([{ height: 2 }], undefined);
    assert.deepEqual(state.values(0, 'left'), { min: 1, max: 2 });
    assert.equal(state.describe().panels.length, 1);
});
