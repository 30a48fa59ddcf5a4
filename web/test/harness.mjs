// What the tests in browsers share: servers, pages, and waiting for what is true in them.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe } from 'node:test';
import { fileURLToPath } from 'node:url';

import { NAMES, launch } from './browsers.mjs';
import { FILES } from './node.mjs';

export const here = (name) => fileURLToPath(new URL(name, import.meta.url));
export const ROOTS = { test: here('pages'), dist: here('../dist'), files: FILES };
mkdirSync(FILES, { recursive: true });

/** The browsers to test: BROWSERS names them, separated by blanks. */
const names = (process.env.BROWSERS ?? NAMES.join(' ')).split(' ').filter((name) => name !== '');

/** `tests(browser, name)` registers the tests of one browser, whose members are there when they run; options as
 * launch() has them. */
export function inBrowsers(tests, options = {}, wanted = NAMES) {
    for (const name of names.filter((one) => wanted.includes(one)))
        describe(name, { timeout: 1_200_000 }, () => {
            const browser = {};
            before(async () => {
                Object.assign(browser, await launch(name, options));
                console.log(`${name} ${browser.version}`);
            });
            after(() => browser.close?.());
            tests(browser, name);
        });
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Until an expression is true in the page. */
export async function until(browser, expression, limitMs = 20_000) {
    const end = Date.now() + limitMs;
    while (Date.now() < end) {
        if (await browser.evaluate(expression)) return;
        await sleep(50);
    }
    assert.fail(`never true: ${expression}`);
}

/** Opens a page and awaits its scripts. */
export async function visit(browser, url) {
    await browser.goto(url);
    await until(browser, 'window.isReady === true');
}

/** How many colours are on the screen: 1 is a blank canvas. A screenshot may be of a moment ago, so that few are
 * looked at again for a while. */
export async function countColors(browser) {
    const file = path.join(FILES, `screen-${process.pid}.png`);
    for (let tries = 1; ; tries++) {
        await browser.screenshot(file);
        const png = (await readFile(file)).toString('base64');
        const count = await browser.evaluate(`test.countColors('${png}')`);
        if (count > 2 || tries === 20) return count;
        await sleep(200);
    }
}
