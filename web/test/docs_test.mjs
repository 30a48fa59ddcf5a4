// docs/browser.md is held to the package: its TypeScript compiles, and what is exported is in it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { FILES } from './node.mjs';

const web = fileURLToPath(new URL('..', import.meta.url));
const GUIDE = readFileSync(path.join(web, '../docs/browser.md'), 'utf8');

const blocks = (language) =>
    [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map((match) => match[1]);

test('the TypeScript of the guide compiles', () => {
    const folder = path.join(FILES, 'guide');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const snippets = blocks('ts');
    assert.ok(snippets.length >= 3);
    snippets.forEach((text, i) => writeFileSync(path.join(folder, `snippet${i}.ts`), text));
    const options = {
        extends: path.join(web, 'tsconfig.json'),
        compilerOptions: {
            noEmit: true,
            emitDeclarationOnly: false,
            declaration: false,
            rootDir: '/',
            paths: { 'gpu-charts': [path.join(web, 'src/index.ts')] },
        },
        include: ['.'],
    };
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(options));
    const tsc = path.join(web, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', folder], { stdio: 'inherit' });
});

test('the guide names every option, event, error code and function', () => {
    const source = (name) => readFileSync(path.join(web, 'src', name), 'utf8');
    const body = (text, head) => text.slice(text.indexOf(head)).split('\n}')[0];
    const names = [
        ...body(source('options.ts'), 'export interface SeriesOptions').matchAll(/^ {4}(\w+)\??:/gm),
        ...body(source('options.ts'), 'export interface ChartOptions').matchAll(/^ {4}(\w+)\??:/gm),
        ...['AxisOptions', 'PanelOptions', 'StudyOptions'].flatMap((name) => [
            ...body(source('options.ts'), `export interface ${name}`).matchAll(/^ {4}(\w+)\??:/gm),
        ]),
        ...body(source('chart-types.ts'), 'export interface ViewInput').matchAll(/^ {4}(\w+)\??:/gm),
        ...body(source('chart-types.ts'), 'export interface ChartEvents').matchAll(/^ {4}(\w+):/gm),
        ...source('chart.ts').matchAll(/^ {4}(?:async )?((?!constructor|private)\w+)(?:<[^>]*>)?\(.*\{$/gm),
        ...body(source('error.ts'), 'const STATUSES').matchAll(/'([a-z-]+)'/g),
        ...source('index.ts').matchAll(/\b(createChart|linkCharts|defineElement|openData|[A-Z]+S|to\w+|format\w+)\b/g),
    ].map((match) => match[1]);
    const isSaid = (name) => new RegExp(`[\`.'{ ]${name}\\b`).test(GUIDE);
    const unsaid = [...new Set(names)].filter((name) => !['ok', 'pending'].includes(name) && !isSaid(name));
    assert.ok(names.length > 60);
    assert.deepEqual(unsaid, []);
});
