// The WGSL of shaders/, as the build puts it together, in the compilers of browsers: Tint in Chromium, Naga in
// Firefox. What the desktop's compiler takes is tested by the programs that use it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { ROOTS, here, inBrowsers, visit } from './harness.mjs';
import { serve } from './server.mjs';

const BUILT = here('../../build');
/** Where builds put them: the first has all that programs use, the others what else there is. */
const FOLDERS = ['release/src/render/shaders', 'release/bench/shaders', 'wasm/src/render/shaders'];
const SOURCES = here('../../shaders');

const list = (folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? list(path.join(folder, entry.name)) : [path.join(folder, entry.name)],
    );

let server;

before(async () => (server = await serve(ROOTS)));
after(() => server.close());

/** What a compiler says of a module. */
const COMPILE = `async (device, code) => {
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    const problems = messages.filter((one) => one.type !== 'info')
        .map((one) => one.type + ' ' + one.lineNum + ': ' + one.message);
    const error = await device.popErrorScope();
    return error === null ? problems : [...problems, error.message];
}`;

inBrowsers(
    (browser) => {
        test('every shader compiles', async () => {
            const folders = FOLDERS.map((name) => path.join(BUILT, name)).filter(existsSync);
            const files = folders.flatMap(list).filter((file) => file.endsWith('.wgsl'));
            const names = files.map((file) => path.basename(file));
            const wanted = readdirSync(SOURCES).filter((name) => name.endsWith('.wgsl'));
            assert.deepEqual(wanted.filter((name) => !names.includes(name)), [], 'build them first');
            await visit(browser, `${server.url}/test/blank.html`);
            await browser.evaluate(`(async () => {
                window.device = await (await navigator.gpu.requestAdapter()).requestDevice();
            })()`);
            for (const file of files) {
                const code = JSON.stringify(readFileSync(file, 'utf8'));
                const problems = await browser.evaluate(`(${COMPILE})(device, ${code})`);
                assert.deepEqual(problems, [], path.relative(BUILT, file));
            }
        });

        test('a shader that is wrong is seen', async () => {
            await visit(browser, `${server.url}/test/blank.html`);
            const problems = await browser.evaluate(`(async () => {
                const device = await (await navigator.gpu.requestAdapter()).requestDevice();
                return (${COMPILE})(device, 'fn f() -> u32 { return 1.5; }');
            })()`);
            assert.ok(problems.length > 0);
        });
    },
    {},
    ['chromium', 'firefox'],
);
