// What the benchmarks of bench/web share: the machine, the browser, its memory, percentiles.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { chromium } from 'playwright-core';

import { countBytes, descendants } from '../../web/test/processes.mjs';

/* A GPU in software, as in web/test/browsers.mjs. */
const GPU_ARGS = [
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--use-angle=swiftshader',
    '--enable-features=Vulkan',
    '--use-vulkan=swiftshader',
    '--enable-unsafe-swiftshader',
    '--ignore-gpu-blocklist',
];

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

/** Of the largest piece of memory in one of the processes, as a module's is: bytes that were touched. */
function touchedBytes(pids) {
    let largest = { size: 0, rss: 0 };
    for (const pid of pids) {
        let maps = '';
        try {
            maps = readFileSync(`/proc/${pid}/smaps`, 'utf8');
        } catch {
            continue; /* it has ended */
        }
        for (const match of maps.matchAll(/^[0-9a-f]+-[0-9a-f]+ rw-p 00000000 00:00 0 *\nSize: +(\d+) kB(?:\n(?![0-9a-f]+-).*)*?\nRss: +(\d+) kB/gm))
            if (Number(match[1]) > largest.size)
                largest = { size: Number(match[1]), rss: Number(match[2]) };
    }
    return largest.rss * 1024;
}

/** A browser of its own with one page: { page, version, bytes(), touched(), close() }. As it comes, it puts pages
 * together with the processor where there is no GPU, and has no WebGPU then; with `gpu` it has a GPU in software,
 * which takes over the putting together as well, and most of the processor for it. */
export async function launch({ gpu }) {
    const before = new Set(descendants());
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        headless: true,
        args: ['--no-sandbox', ...(gpu ? GPU_ARGS : [])],
    });
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    const pids = () => descendants().filter((pid) => !before.has(pid));
    return {
        page,
        version: browser.version(),
        bytes: () => countBytes(pids()),
        touched: () => touchedBytes(pids()),
        close: () => browser.close(),
    };
}

export function percentile(values, share) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export const round = (value) => Math.round(value * 100) / 100;
