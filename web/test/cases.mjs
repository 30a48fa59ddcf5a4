// The views that every executor on the web is held to: files made by the command, 50 random views with
// the command's own bare pictures. Used by the tests in node and in browsers.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const VIEWS = 50;
const BARS = ['candles', 'ohlc', 'bars'];
const BAR_PX = 8;
const TYPES = ['line', 'line', 'step', 'candles', 'ohlc', 'bars', 'scatter', 'area'];

/** A small generator of reproducible numbers (Marsaglia's xorshift32). */
export function makeRandom(seed) {
    let state = seed | 1;
    return () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) / 2 ** 32;
    };
}

/** Irregular times, gaps, equal times, a column of integers and one of small decimals. */
function writeCsv(file) {
    const random = makeRandom(7);
    const lines = ['time,price,count'];
    let time = 1_700_000_000_000;
    let price = 5000;
    for (let row = 0; row < 60_000; row++) {
        if (random() < 0.9) time += Math.floor(random() * 4000);
        if (random() < 0.001) time += 3_600_000;
        price += Math.floor(random() * 21) - 10;
        const isGap = random() < 0.02 || (row > 20_000 && row < 20_400);
        lines.push(`${time},${isGap ? '' : (price / 100).toFixed(2)},${Math.floor(random() * 9)}`);
    }
    writeFileSync(file, lines.join('\n') + '\n');
}

export function makeFiles(command, folder) {
    mkdirSync(folder, { recursive: true });
    const run = (...args) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const make = (name, ...args) => {
        const file = path.join(folder, name);
        if (!existsSync(file)) run(...args, '-o', file);
        return file;
    };
    writeCsv(path.join(folder, 'gaps.csv'));
    return {
        'walk.gch': make('walk.gch', 'gen', '--points', '5M', '-q'),
        'ticks.gch': make('ticks.gch', 'gen', '--kind', 'ticks', '--points', '1M', '-q'),
        'sine.gch': make('sine.gch', 'gen', '--kind', 'sine', '--points', '300k', '-q'),
        'gaps.gch': make('gaps.gch', 'ingest', path.join(folder, 'gaps.csv'), '-q'),
    };
}

function describe(command, file) {
    const info = JSON.parse(execFileSync(command, ['info', '--json', file]).toString());
    return { first: BigInt(info.time.first), last: BigInt(info.time.last) };
}

/** One random view; times are decimal digits so that they go through JSON. */
function makeView(random, name, range, number) {
    const span = Number(range.last - range.first);
    const zoom = 10 ** (-6 * random());
    const width = Math.max(1, Math.floor(span * zoom));
    const from = range.first + BigInt(Math.floor((span - width) * random()));
    const type = TYPES[number % TYPES.length];
    const px = 200 + Math.floor(random() * 700);
    return {
        file: name,
        type,
        /* Ticks; a chart chooses among the usual widths, the command in another way. */
        ...(BARS.includes(type) ? { bar: String(Math.max(1, Math.floor((width * BAR_PX) / px))) } : {}),
        from: String(from),
        to: String(from + BigInt(width) + 1n),
        width: px,
        height: 120 + Math.floor(random() * 400),
        picture: `view-${number}.ppm`,
    };
}

export function makeCases(command, folder) {
    const files = makeFiles(command, folder);
    const names = Object.keys(files);
    const random = makeRandom(20261123);
    const views = [];
    for (let number = 0; number < VIEWS; number++) {
        const name = names[number % names.length];
        const view = makeView(random, name, describe(command, files[name]), number);
        const args = ['render', files[name], '--bare', '--format', 'ppm', '--type', view.type];
        args.push('--column', '1', '--from', view.from, '--to', view.to);
        if (view.bar !== undefined) args.push('--bar', view.bar);
        args.push('--size', `${view.width}x${view.height}`, '-o', path.join(folder, view.picture));
        execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
        views.push(view);
    }
    writeFileSync(path.join(folder, 'views.json'), JSON.stringify(views));
    return { files, views };
}

export function readPpm(file) {
    return parsePpm(readFileSync(file));
}

/** P6 with a maximum of 255. */
export function parsePpm(bytes) {
    const head = /^P6\n(\d+) (\d+)\n255\n/.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 64)));
    return { width: +head[1], height: +head[2], rgb: bytes.subarray(head[0].length) };
}

/** Pixels of an RGBA picture that are not those of a PPM. */
export function countDifferent(rgba, ppm) {
    let different = 0;
    for (let i = 0; i < ppm.width * ppm.height; i++) {
        const isSame =
            rgba[4 * i] === ppm.rgb[3 * i] &&
            rgba[4 * i + 1] === ppm.rgb[3 * i + 1] &&
            rgba[4 * i + 2] === ppm.rgb[3 * i + 2];
        if (!isSame) different++;
    }
    return different;
}
