// What the benchmarks of bench/web share: the machine, the browser, its memory, percentiles.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { chromium } from 'playwright-core';

import { countBytes, descendants } from '../../web/test/processes.mjs';

/* As in web/test/browsers.mjs, and frames as fast as they are made. */
const ARGS = [
    '--no-sandbox',
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--use-angle=swiftshader',
    '--enable-features=Vulkan',
    '--use-vulkan=swiftshader',
    '--enable-unsafe-swiftshader',
    '--ignore-gpu-blocklist',
];
export const UNTHROTTLED = ['--disable-frame-rate-limit', '--disable-gpu-vsync'];

export function describeMachine() {
    return {
        cpu: os.cpus()[0]?.model ?? '',
        cores: os.cpus().length,
        memory_bytes: os.totalmem(),
        system: `${os.type()} ${os.release()}`,
        load_average: os.loadavg()[0],
        node: process.version,
    };
}

export function versionOf(name, root) {
    return JSON.parse(readFileSync(`${root}/node_modules/${name}/package.json`, 'utf8')).version;
}

/** A browser of its own with one page: { page, version, bytes(), close() }. */
export async function launch(args) {
    const before = new Set(descendants());
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        headless: true,
        args: [...ARGS, ...args],
    });
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    return {
        page,
        version: browser.version(),
        bytes: () => countBytes(descendants().filter((pid) => !before.has(pid))),
        close: () => browser.close(),
    };
}

export function percentile(values, share) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export const round = (value) => Math.round(value * 100) / 100;
