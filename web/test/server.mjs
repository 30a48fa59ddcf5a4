// A static server for the tests: ranges, headers that are asked for, and answers that go wrong.
//
//     GET /fail/404/x.gch /fail/500/x.gch      these statuses
//     GET /fail/type/x.gch                     a web page
//     GET /fail/cut/x.gch                      the first half of a file as if it were whole
//     GET /fail/drop/NAME                      the connection ends in the middle of a range, now and then
//     GET /slow/NAME                           each answer waits 30 ms
//     GET /hold/NAME                           half of each range, then nothing, while `state.holds`
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';

const TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript',
    '.mjs': 'text/javascript',
    '.css': 'text/css',
    '.json': 'application/json',
    '.wasm': 'application/wasm',
};

function rangeOf(header, length) {
    const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
    if (match === null) return undefined;
    const [, first, last] = match;
    if (first === '') return [Math.max(0, length - +last), length];
    return [+first, last === '' ? length : Math.min(length, +last + 1)];
}

/** These isolate a page, which may share memory with its workers then. */
export const ISOLATION = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** `roots` are folders by the first part of a path. Resolves to { url, port, close, counts, state }. */
export async function serve(roots, more = {}, port = 0) {
    let drops = 0;
    const counts = { requests: 0, held: 0 };
    const state = { holds: false };

    async function answer(request, response) {
        counts.requests++;
        const url = new URL(request.url, 'http://localhost');
        let parts = url.pathname.slice(1).split('/').map(decodeURIComponent);
        const headers = { 'Cache-Control': 'no-store', ETag: '"1"', ...more };
        let kind = '';
        if (parts[0] === 'fail') {
            kind = parts[1];
            if (/^\d+$/.test(kind)) return response.writeHead(+kind).end();
            if (kind === 'type')
                return response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>hello</p>');
            parts = ['files', ...parts.slice(2)];
        } else if (parts[0] === 'slow') {
            parts = ['files', ...parts.slice(1)];
            await new Promise((resolve) => setTimeout(resolve, 30));
        }
        const isHeld = parts[0] === 'hold';
        if (isHeld) parts = ['files', ...parts.slice(1)];
        const root = roots[parts[0]];
        if (root === undefined) return response.writeHead(404).end('not found');
        const file = path.join(root, path.normalize(`/${parts.slice(1).join('/')}`));
        let bytes = await readFile(file);
        if (kind === 'cut') bytes = bytes.subarray(0, bytes.length / 2);
        headers['Content-Type'] = TYPES[path.extname(file)] ?? 'application/octet-stream';
        headers['Accept-Ranges'] = 'bytes';
        const range = rangeOf(request.headers.range, bytes.length);
        if (range === undefined) return response.writeHead(200, headers).end(bytes);
        const [first, end] = range;
        headers['Content-Range'] = `bytes ${first}-${end - 1}/${bytes.length}`;
        headers['Content-Length'] = end - first;
        response.writeHead(206, headers);
        if (kind === 'drop' && ++drops % 3 === 2) {
            response.write(bytes.subarray(first, first + (end - first) / 2));
            setTimeout(() => response.destroy(), 20);
            return undefined;
        }
        if (isHeld && state.holds) {
            response.write(bytes.subarray(first, first + (end - first) / 2));
            counts.held++;
            return undefined;
        }
        return response.end(bytes.subarray(first, end));
    }

    const server = http.createServer((request, response) => {
        answer(request, response).catch((error) =>
            response.writeHead(error.code === 'ENOENT' || error.code === 'EISDIR' ? 404 : 500).end(),
        );
    });
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        port: server.address().port,
        counts,
        state,
        close: () => {
            server.close();
            server.closeAllConnections();
        },
    };
}
