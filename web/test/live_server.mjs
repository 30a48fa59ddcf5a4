// The command's own server with live series, which can be killed and started again at its port.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';

import { COMMAND, FILES } from './node.mjs';

function startProcess(args) {
    const child = spawn(COMMAND, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (bytes) => (said += bytes));
    return new Promise((resolve, reject) => {
        child.stdout.on('data', (bytes) => {
            const match = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(String(bytes));
            if (match !== null) resolve({ child, port: +match[1] });
        });
        child.on('exit', (code) => reject(new Error(`gpucharts serve ended (${code}): ${said}`)));
    });
}

/** Rows as a frame for publishers (docs/protocol.md, "Frames"); columns are Float64Arrays. */
export function makeFrame(times, columns) {
    const n = times.length;
    const bytes = 56 + 8 * n + columns.length * (8 + 8 * n);
    const view = new DataView(new ArrayBuffer(bytes));
    [0x47, 0x43, 0x48, 0x4c].forEach((byte, i) => view.setUint8(i, byte));
    view.setUint16(4, 1, true);
    view.setUint16(6, 1, true);
    view.setUint32(8, bytes, true);
    view.setUint32(12, n, true);
    view.setUint32(48, columns.length, true);
    for (let i = 0; i < n; i++) view.setBigInt64(56 + 8 * i, BigInt(times[i]), true);
    let at = 56 + 8 * n;
    for (const column of columns) {
        view.setUint8(at, 9); /* f64 */
        for (let i = 0; i < n; i++) view.setFloat64(at + 8 + 8 * i, column[i], true);
        at += 8 + 8 * n;
    }
    return new Uint8Array(view.buffer);
}

/** `lasts`: with a folder for live series, so that they are there after a restart. */
export async function startLiveServer({ origin, lasts = false, more = [] }) {
    mkdirSync(FILES, { recursive: true });
    const folder = mkdtempSync(path.join(FILES, 'live-'));
    const served = path.join(folder, 'served');
    const live = path.join(folder, 'live');
    mkdirSync(served);
    mkdirSync(live);
    const argsAt = (port) => [
        'serve', served, '--listen', `127.0.0.1:${port}`, '--allow-origin', origin, ...more,
        ...(lasts ? ['--live', live] : []),
    ];
    let { child, port } = await startProcess(argsAt(0));
    const kill = () =>
        new Promise((resolve) => {
            child.removeAllListeners('exit');
            if (child.exitCode !== null || child.signalCode !== null) return resolve();
            child.on('exit', () => resolve());
            child.kill('SIGKILL');
        });
    const url = `http://127.0.0.1:${port}`;
    return {
        url,
        port,
        kill,
        async restart() {
            ({ child, port } = await startProcess(argsAt(port)));
        },
        async close() {
            await kill();
            rmSync(folder, { recursive: true, force: true });
        },
        async make(name, query = 'unit=ms&column=price:f64:EUR') {
            const answer = await fetch(`${url}/v1/live/${name}?${query}`, { method: 'PUT' });
            assert.ok(answer.ok, await answer.text());
        },
        async publish(name, times, ...columns) {
            const answer = await fetch(`${url}/v1/live/${name}`, {
                method: 'POST',
                headers: { 'Content-Type': 'application/vnd.gpucharts.rows' },
                body: makeFrame(times, columns),
            });
            const text = await answer.text();
            assert.ok(answer.ok, text);
            return JSON.parse(text);
        },
        /** A figure of /metrics. */
        async metric(name) {
            const text = await (await fetch(`${url}/metrics`)).text();
            const match = new RegExp(`^gpucharts_${name}(?:\\{[^}]*\\})? (\\d+)`, 'm').exec(text);
            assert.ok(match, `no ${name} in:\n${text}`);
            return +match[1];
        },
    };
}
