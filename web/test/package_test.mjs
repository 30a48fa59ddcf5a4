// The package as others use it: taken apart by a bundler, and in the React example, which runs in browsers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { build } from 'esbuild';

import { bundle } from '../../examples/react/build.mjs';
import { ROOTS, here, inBrowsers, until } from './harness.mjs';
import { COMMAND, FILES } from './node.mjs';
import { serve } from './server.mjs';

const SITE = path.join(FILES, 'react');
const STRICT = path.join(FILES, 'react-strict');

async function bundled(text) {
    const entry = path.join(FILES, 'bundle-entry.mjs');
    writeFileSync(entry, text);
    const { outputFiles } = await build({
        entryPoints: [entry],
        bundle: true,
        write: false,
        format: 'esm',
        minify: true,
        alias: { 'gpu-charts': here('../dist/gpu-charts.js') },
        logLevel: 'error',
    });
    return outputFiles[0].text;
}

test('what a page does not use is left out of its bundle', async () => {
    const whole = readFileSync(here('../dist/gpu-charts.js'), 'utf8').length;
    const small = await bundled("import { toTicks } from 'gpu-charts'; console.log(toTicks('2024-01-01', 'ms'));");
    assert.ok(small.length < whole / 8, `${small.length} of ${whole} bytes`);
    assert.doesNotMatch(small, /gpu-charts-worker/);
    const chart = await bundled("import { createChart } from 'gpu-charts'; createChart(document.body, {});");
    assert.match(chart, /gpu-charts-worker\.js/);
    assert.doesNotMatch(chart, /customElements/);
});

test('the package works without a bundler: one script, which imports nothing', () => {
    const text = readFileSync(here('../dist/gpu-charts.js'), 'utf8');
    assert.doesNotMatch(text, /^import\s|[;}]import\s*[{*'"]/m);
    const { dependencies, type, sideEffects } = JSON.parse(readFileSync(here('../package.json'), 'utf8'));
    assert.deepEqual([dependencies, type, sideEffects], [undefined, 'module', false]);
});

let server;

before(async () => {
    mkdirSync(FILES, { recursive: true });
    await bundle(SITE);
    await bundle(STRICT, here('pages/strict.mjs'));
    for (const site of [SITE, STRICT]) {
        const file = path.join(site, 'ticks.gch');
        if (!existsSync(file))
            execFileSync(COMMAND, ['gen', '--kind', 'ticks', '-n', '100k', '-o', file, '-q']);
    }
    server = await serve(ROOTS);
});
after(() => server.close());

inBrowsers((browser) => {
    test('the React component draws, and changes with its properties', async () => {
        await browser.goto(`${server.url}/files/react/index.html`);
        const root = `document.querySelector('#app div div')?.shadowRoot?.querySelector('.root')`;
        await until(browser, `${root}?.ariaLabel.startsWith('Chart of price, SMA 20 price, volume')`);
        const legends = () => browser.evaluate(`${root}.querySelectorAll('.legend').length`);
        assert.equal(await legends(), 2);
        const ground = `${root}.style.getPropertyValue('--ground')`;
        assert.equal(await browser.evaluate(ground), '#ffffff');
        const click = (i) => browser.evaluate(`document.querySelectorAll('#app button')[${i}].click()`);
        await click(1);
        await until(browser, `${ground} === '#0f1318'`);
        await click(0);
        await until(browser, `document.querySelector('#app button').textContent === 'line'`);
        await until(browser, `${root}.querySelector('.legend i').style.background.includes('rgb(')
            && !${root}.querySelector('.legend i').style.background.includes('gradient')`);
        await browser.evaluate(`${root}.dispatchEvent(new WheelEvent('wheel', { clientX: 400, clientY: 300,
            deltaY: -300, bubbles: true, cancelable: true }))`);
        await until(browser, `!${root}.ariaLabel.includes('300,000 rows')`);
        await click(2);
        await until(browser, `${root}.ariaLabel.includes('300,000 rows')`);
    });

    test('the React component leaves nothing, in strict mode too', async () => {
        await browser.goto(`${server.url}/files/react-strict/index.html`);
        await until(browser, 'window.strict !== undefined');
        await browser.evaluate('strict.drawn.then(() => undefined)');
        assert.equal(await browser.evaluate(`strict.app.querySelectorAll('canvas').length +
            strict.app.querySelector('div').childElementCount`), 1);
        await browser.evaluate('strict.leave()');
        assert.equal(await browser.evaluate('strict.app.childElementCount'), 0);
        await until(browser, 'strict.workers.made > 0 && strict.workers.alive === 0');
    });
});
