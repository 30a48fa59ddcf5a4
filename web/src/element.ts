/* <gpu-chart src="ticks.gch" type="line" theme="dark" time-zone="UTC" column="price"></gpu-chart> */
import { Chart } from './chart.js';
import { ChartError } from './error.js';
import type { SeriesOptions } from './options.js';
import type { Mark } from './protocol.js';

/* Importing the package outside of a browser, as a server that renders pages does, must not fail. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

const EVENTS = ['view', 'hover', 'progress', 'complete', 'error', 'connection', 'series'] as const;

/** A chart of one file, for pages without scripts of their own. Events of the chart are dispatched as
 * CustomEvents whose names begin with "chart-"; attributes that make no sense end in a message and "chart-error". */
export class GpuChartElement extends Base {
    static readonly observedAttributes = [
        'src',
        'type',
        'theme',
        'time-zone',
        'column',
        'title-text',
        'bar-width',
        'backend',
    ];
    chart: Chart | undefined;
    private isQueued = false;
    /** Why there is no chart. */
    private note: HTMLElement | undefined;

    connectedCallback(): void {
        if (this.style.display === '') this.style.display = 'block';
        this.remake();
    }

    disconnectedCallback(): void {
        this.remake();
    }

    attributeChangedCallback(): void {
        this.remake();
    }

    /* Several attributes that change together make one chart. */
    private remake(): void {
        if (this.isQueued) return;
        this.isQueued = true;
        queueMicrotask(() => {
            this.isQueued = false;
            void this.chart?.destroy().catch(() => undefined); /* nobody is there to be told */
            this.chart = undefined;
            this.note?.remove();
            const src = this.getAttribute('src');
            if (!this.isConnected || src === null) return;
            try {
                this.make(src);
            } catch (cause) {
                const detail = ChartError.from(cause);
                this.note = this.appendChild(document.createElement('p'));
                this.note.setAttribute('role', 'alert');
                this.note.textContent = detail.message;
                this.dispatchEvent(new CustomEvent('chart-error', { detail }));
            }
        });
    }

    private make(src: string): void {
        const series: SeriesOptions = { data: src };
        const type = this.getAttribute('type');
        const column = this.getAttribute('column');
        if (type !== null) series.type = type as Mark;
        if (column !== null) series.column = column;
        const optional: Record<string, string> = {};
        for (const [name, key] of [
            ['theme', 'theme'],
            ['time-zone', 'timeZone'],
            ['title-text', 'title'],
            ['bar-width', 'barWidth'],
            ['backend', 'backend'],
        ] as const) {
            const value = this.getAttribute(name);
            if (value !== null) optional[key] = value;
        }
        this.chart = new Chart(this, { series: [series], ...optional });
        for (const name of EVENTS)
            this.chart.on(name, (detail) =>
                this.dispatchEvent(new CustomEvent(`chart-${name}`, { detail })),
            );
    }
}

/* A class has one name. */
let isDefined = false;

/** Registers <gpu-chart>, under other names too. */
export function defineElement(name = 'gpu-chart'): void {
    if (customElements.get(name) !== undefined) return;
    customElements.define(name, isDefined ? class extends GpuChartElement {} : GpuChartElement);
    isDefined = true;
}
