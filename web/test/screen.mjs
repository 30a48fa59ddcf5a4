// What tests see of the charts of blank.html: the screen in pixels, and what it is to show.
import path from 'node:path';

import { readPpm } from './cases.mjs';
import { sleep } from './harness.mjs';
import { FILES } from './node.mjs';
import { countOff, readPng } from './png.mjs';

/* A device in software may take its time until what was drawn is on the screen. */
export const PATIENCE_MS = 20_000;

/** The command's picture of a view of cases.mjs. */
export function expected(view) {
    const { width, height, rgb } = readPpm(path.join(FILES, view.picture));
    return { width, height, channels: 3, pixels: rgb };
}

/** The top left corner of the chart's picture, as the processor draws it. */
export async function readChart(browser, width, height) {
    const text = await browser.evaluate(
        `test.chart.readPixels().then(({ width, pixels }) => {
            let text = '';
            for (let y = 0; y < ${height}; y++)
                for (let at = 4 * y * width; at < 4 * (y * width + ${width}); at++)
                    text += String.fromCharCode(pixels[at]);
            return text; })`,
    );
    return { width, height, channels: 4, pixels: Buffer.from(text, 'latin1') };
}

/** Looks until it sees 0, or for the last time. */
export async function lookFor(look, limit) {
    for (const start = Date.now(); ; ) {
        const got = await look();
        if (got === 0 || Date.now() - start > limit) return got;
        await sleep(100);
    }
}

/** Pixels that are on the screen at this moment and differ from a picture. */
export async function countAtOnce(browser, picture, within) {
    const shot = path.join(FILES, `shot-${process.pid}.png`);
    await browser.screenshot(shot);
    return countOff(readPng(shot), picture, within);
}

/** The same, once they have had time to get there. */
export function countOnScreen(browser, picture, within) {
    return lookFor(() => countAtOnce(browser, picture, within), PATIENCE_MS);
}

/** Run in the page, it keeps the devices that the page is given, for tests to break. */
export const NOTE_DEVICES = `(() => {
    const old = GPUAdapter.prototype.requestDevice;
    window.devices = [];
    GPUAdapter.prototype.requestDevice = async function (desc) {
        const device = await old.call(this, desc);
        window.devices.push(device);
        return device;
    };
    /* Copies a buffer to itself. */
    window.breakDevice = () => {
        const device = devices.at(-1);
        const buffer = device.createBuffer({ size: 8, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer, 0, buffer, 4, 4);
        device.queue.submit([encoder.finish()]);
    };
})()`;
