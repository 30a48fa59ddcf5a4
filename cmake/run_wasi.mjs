// Runs a WASI program: node run_wasi.mjs PROGRAM.wasm [ARGUMENT...]. Its exit code is the program's.
// No such program asks for a time zone; that takes a page (web/src/zones.ts).
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [path, ...args] = process.argv.slice(2);
const wasi = new WASI({
    version: 'preview1',
    args: [path, ...args],
    env: process.env,
    returnOnExit: true,
});
const { instance } = await WebAssembly.instantiate(await readFile(path), {
    wasi_snapshot_preview1: wasi.wasiImport,
    gch: { time_zone: () => 0 },
});
process.exitCode = wasi.start(instance);
