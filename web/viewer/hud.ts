/* Statistics over the picture: who draws, how fast, what is held where. */
import type { Chart, ChartStats } from 'gpu-charts';

import { COUNT, bytes, get, make, text } from './dom.js';

const EVERY_MS = 250;
const BARS = 64;
/** One frame of a screen at 60 Hz: the line across. */
const FRAME_MS = 1000 / 60;

/** What holds bytes, by the names of the engine's statistics. */
const PLACES: readonly (readonly [string, string])[] = [
    ['pages', 'pages'],
    ['live', 'live rows'],
    ['adopted', 'whole files'],
    ['tables', 'tables'],
    ['charged', 'pictures'],
];

function placesOf({ data }: ChartStats): [string, string][] {
    const held = (data['bytes'] ?? {}) as Record<string, number>;
    const rows = PLACES.map(([key, name]) => [name, held[key] ?? 0] as const);
    rows.push(['on the GPU', Number(data['device_used_bytes'] ?? 0)]);
    return rows.filter(([, count]) => count > 0).map(([name, count]) => [name, bytes(count)]);
}

function rowsOf(stats: ChartStats): [string, string][] {
    const hits = Number(stats.data['hits'] ?? Number.NaN);
    const rate = hits / (hits + Number(stats.data['misses'] ?? Number.NaN));
    const place = stats.place === 'worker' ? 'in a worker' : 'on the page';
    return [
        ['drawn by', `${stats.backend}, ${place}`],
        ...(stats.backendReason === '' ? [] : ([['because', stats.backendReason]] as [string, string][])),
        ['frame', `${stats.frameMs.toFixed(1)} ms, shown after ${stats.latencyMs.toFixed(1)}`],
        ['rate', `${stats.framesPerSecond.toFixed(0)} fps, ${COUNT.format(stats.frames)} frames`],
        ['picture', `${stats.width} × ${stats.height}`],
        ['points in view', COUNT.format(stats.rowsInView)],
        ['exact', stats.complete === 1 ? 'yes' : `${(100 * stats.complete).toFixed(0)} %`],
        ...placesOf(stats),
        ...(Number.isNaN(rate) ? [] : ([['found in cache', `${(100 * rate).toFixed(1)} %`]] as [string, string][])),
        ['engine memory', bytes(stats.memoryBytes)],
        ['network', `${bytes(stats.loadedBytes)}, ${COUNT.format(stats.requests)} requests`],
        ['awaited', bytes(stats.pendingBytes)],
    ];
}

export class Hud {
    private timer: ReturnType<typeof setInterval> | undefined;
    private readonly latencies: number[] = [];
    private lastFrame = -1;

    constructor(private readonly chart: () => Chart | undefined) {}

    toggle(): boolean {
        const isOn = get('hud').hidden;
        get('hud').hidden = !isOn;
        clearInterval(this.timer);
        if (isOn) {
            void this.show();
            this.timer = setInterval(() => void this.show(), EVERY_MS);
        }
        return isOn;
    }

    private async show(): Promise<void> {
        const stats = await this.chart()?.stats().catch(() => undefined);
        if (stats === undefined) return;
        if (stats.frames !== this.lastFrame) this.latencies.push(stats.latencyMs);
        this.lastFrame = stats.frames;
        if (this.latencies.length > BARS) this.latencies.shift();
        const list = get('hud').querySelector('dl') as HTMLElement;
        const rows = rowsOf(stats);
        while (list.children.length > rows.length * 2) list.lastChild?.remove();
        while (list.children.length < rows.length * 2) list.append(make('dt'), make('dd'));
        rows.forEach(([name, value], i) => {
            text(list.children[2 * i] as HTMLElement, name);
            text(list.children[2 * i + 1] as HTMLElement, value);
        });
        this.drawBars();
    }

    private drawBars(): void {
        const canvas = get('hud').querySelector('canvas') as HTMLCanvasElement;
        const context = canvas.getContext('2d');
        if (context === null) return;
        const { width, height } = canvas;
        const style = getComputedStyle(document.documentElement);
        const color = (name: string) => style.getPropertyValue(name).trim();
        const most = Math.max(2 * FRAME_MS, ...this.latencies);
        context.clearRect(0, 0, width, height);
        const step = width / BARS;
        this.latencies.forEach((ms, i) => {
            const high = Math.max(1, (ms / most) * height);
            context.fillStyle = color(ms > FRAME_MS ? '--wait' : '--accent');
            context.fillRect(i * step, height - high, step - 1, high);
        });
        const line = height - (FRAME_MS / most) * height;
        context.fillStyle = color('--line');
        context.fillRect(0, Math.round(line), width, 1);
    }
}
