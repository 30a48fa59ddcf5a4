// Screenshots as pixels.
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

const SIGNATURE = '89504e470d0a1a0a';

/* Of the three neighbours the one that is nearest to left + up - corner (PNG, "Paeth"). */
function paeth(left, up, corner) {
    const guess = left + up - corner;
    const [a, b, c] = [left, up, corner].map((one) => Math.abs(guess - one));
    if (a <= b && a <= c) return left;
    return b <= c ? up : corner;
}

function unfilter(raw, rowBytes, height, pixelBytes) {
    const out = Buffer.alloc(rowBytes * height);
    for (let y = 0; y < height; y++) {
        const filter = raw[y * (rowBytes + 1)];
        for (let x = 0; x < rowBytes; x++) {
            const at = y * rowBytes + x;
            const left = x >= pixelBytes ? out[at - pixelBytes] : 0;
            const up = y > 0 ? out[at - rowBytes] : 0;
            const corner = x >= pixelBytes && y > 0 ? out[at - rowBytes - pixelBytes] : 0;
            const guesses = [0, left, up, (left + up) >> 1, paeth(left, up, corner)];
            out[at] = raw[y * (rowBytes + 1) + 1 + x] + guesses[filter];
        }
    }
    return out;
}

/** 8 bits a channel, RGB or RGBA, not interlaced: what browsers write. */
export function readPng(file) {
    const bytes = readFileSync(file);
    if (bytes.subarray(0, 8).toString('hex') !== SIGNATURE) throw new Error(`${file} is no PNG`);
    const parts = [];
    let width, height, channels;
    for (let at = 8; at < bytes.length; ) {
        const count = bytes.readUInt32BE(at);
        const type = bytes.toString('latin1', at + 4, at + 8);
        const data = bytes.subarray(at + 8, at + 8 + count);
        if (type === 'IHDR') {
            width = data.readUInt32BE(0);
            height = data.readUInt32BE(4);
            channels = { 2: 3, 6: 4 }[data[9]];
            if (data[8] !== 8 || channels === undefined || data[12] !== 0)
                throw new Error(`${file}: a PNG of another kind`);
        }
        if (type === 'IDAT') parts.push(data);
        at += 12 + count;
    }
    const pixels = unfilter(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
    return { width, height, channels, pixels };
}

/** Pixels of the top left corner of a screenshot that differ by more than `within` from RGB or RGBA. */
export function countOff(shot, { width, height, channels, pixels }, within) {
    let count = 0;
    if (shot.width < width || shot.height < height) return Infinity;
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
            const at = (y * shot.width + x) * shot.channels;
            const wanted = (y * width + x) * channels;
            for (let c = 0; c < 3; c++)
                if (Math.abs(shot.pixels[at + c] - pixels[wanted + c]) > within) {
                    count++;
                    break;
                }
        }
    return count;
}
