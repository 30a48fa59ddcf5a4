// The package in a project of Vite (examples/vite), as npm packs it: what `vite build` makes in every browser, and the
// development server in Chromium, whose driver says what was asked for and what the console has.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { build, createServer, preview } from 'vite';

import { here, inBrowsers, sleep, until } from './harness.mjs';
import { FILES } from './node.mjs';
import { readPng } from './png.mjs';
import { ISOLATION } from './server.mjs';

const SITE = path.join(FILES, 'vite');
const PACKAGE = path.join(SITE, 'node_modules/gpu-charts');
const COMMON = { root: SITE, logLevel: 'warn' };
const ADDRESS = { host: '127.0.0.1', port: 0 };
/* What the page asks for beside its own script, threads aside. */
const BESIDE = [/gpu-charts-worker\b.*\.js/, /gpu-charts\b[^/]*\.wasm/, /gpu-charts-shaders\b.*\.json/];
const THREADS = [/gpu-charts-threads\b.*\.wasm/, /gpu-charts-thread\b.*\.js/];

const DRAWN = `/^Drawn by \\w+; the engine: worker, threads: \\d$/.test(document.getElementById('drawn')?.textContent)`;
const ends = [];
const urlOf = ({ httpServer }) => `http://127.0.0.1:${httpServer.address().port}/`;

async function serveBuilt(headers) {
    const server = await preview({ ...COMMON, preview: { ...ADDRESS, headers } });
    ends.push(() => server.close());
    return urlOf(server);
}

before(async () => {
    rmSync(SITE, { recursive: true, force: true });
    mkdirSync(SITE, { recursive: true });
    for (const name of ['index.html', 'main.js', 'package.json'])
        copyFileSync(here(`../../examples/vite/${name}`), path.join(SITE, name));
    mkdirSync(PACKAGE, { recursive: true });
    const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', SITE], {
        cwd: here('..'),
        encoding: 'utf8',
    });
    const [{ filename }] = JSON.parse(packed);
    execFileSync('tar', ['-xzf', path.join(SITE, filename), '-C', PACKAGE, '--strip-components=1']);
    await build(COMMON);
});
after(() => Promise.all(ends.map((end) => end())));

/** Opens a page: its chart becomes exact, it asks for what is wanted, and nothing fails, in the console either. */
async function open({ page, goto, evaluate }, url, wanted) {
    const asked = [];
    const faults = [];
    const heard = {
        response: (answer) => {
            asked.push(answer.url());
            if (answer.status() >= 400) faults.push(`${answer.status()} ${answer.url()}`);
        },
        requestfailed: (request) => faults.push(`failed ${request.url()}`),
        console: (message) => {
            if (['error', 'warning'].includes(message.type())) faults.push(message.text());
        },
        pageerror: (error) => faults.push(error.message),
    };
    for (const [type, listener] of Object.entries(heard)) page.on(type, listener);
    await goto(url);
    await until({ evaluate }, DRAWN);
    for (let tries = 0; !wanted.every((name) => asked.some((one) => name.test(one))); tries++) {
        assert.ok(tries < 400, `${wanted} of ${asked.join('\n')}`);
        await sleep(50);
    }
    for (const [type, listener] of Object.entries(heard)) page.off(type, listener);
    assert.deepEqual(faults, []);
}

inBrowsers((browser, name) => {
    test('what Vite has built shows an exact chart, with its engine in a worker', async () => {
        await browser.goto(await serveBuilt({}));
        await until(browser, DRAWN);
        const root = `document.querySelector('#chart > div').shadowRoot.querySelector('.root')`;
        assert.match(await browser.evaluate(`${root}.ariaLabel`), /^A million rows\. .* 1,000,000 rows, values from -1\.\d/);
        /* The line, and not only the page around it. */
        const file = path.join(FILES, `vite-${name}.png`);
        for (let tries = 0; ; tries++) {
            await browser.screenshot(file);
            const { channels, pixels } = readPng(file);
            let blue = 0;
            for (let i = 0; i < pixels.length; i += channels) if (pixels[i + 2] > pixels[i] + 80) blue++;
            if (blue > 5000) break;
            assert.ok(tries < 40, `${blue} pixels of the line`);
            await sleep(100);
        }
    });

    if (name !== 'chromium') return;

    test('what Vite has built asks for what it has brought along, threads too where they may be', async () => {
        await open(browser, await serveBuilt({}), BESIDE);
        const canShare = (await browser.evaluate('navigator.hardwareConcurrency')) > 1;
        await open(browser, await serveBuilt(ISOLATION), canShare ? [...BESIDE, ...THREADS] : BESIDE);
    });

    test("Vite's development server needs no configuration", async () => {
        const server = await createServer({ ...COMMON, server: ADDRESS });
        await server.listen();
        ends.push(() => server.close());
        await open(browser, urlOf(server), BESIDE);
    });
});
