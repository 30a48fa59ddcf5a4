/* What the page draws over the engine's picture: legend, crosshair, labels, the box, messages.
 *
 * Elements of a shadow root, so that a page's styles and these leave each other alone. Positions are
 * in CSS pixels from the chart's top left corner.
 */
import type { Side } from './protocol.js';
import { type Theme, cssColor } from './theme.js';

export interface LegendItem {
    panel: number;
    label: string;
    /** 0: those of rising and falling bars. */
    color: number;
    isVisible: boolean;
    value: string;
}

export interface Dot {
    x: number;
    y: number;
    color: number;
}

export interface Crosshair {
    x: number;
    y: number;
    /** Of the panel that the pointer is in. */
    panel: number;
    /** What the horizontal axis says there. */
    label: string;
    values: { side: Side; text: string }[];
    dots: Dot[];
}

export interface PlotRect {
    x: number;
    y: number;
    width: number;
    height: number;
}

const STYLE = `
:host { display: block; position: relative; }
.root { position: absolute; inset: 0; overflow: hidden; touch-action: none; user-select: none;
    -webkit-user-select: none; outline: none; font: 12px/1.35 Roboto, system-ui, sans-serif;
    font-variant-numeric: tabular-nums; color: var(--text); background: var(--ground);
    -webkit-tap-highlight-color: transparent; }
.root:focus-visible { box-shadow: inset 0 0 0 2px var(--focus); }
.root.pan { cursor: grab; } .root.grabbing { cursor: grabbing; } .root.cross { cursor: crosshair; }
.root.value { cursor: ns-resize; } .root.time { cursor: ew-resize; }
canvas { position: absolute; left: 0; top: 0; width: 100%; height: 100%; }
.over { position: absolute; inset: 0; pointer-events: none; }
.over > * { position: absolute; }
.legends { inset: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 4px; }
.legend button { pointer-events: auto; display: flex; align-items: center; gap: 6px; border: 0;
    min-height: 24px; max-width: 100%; padding: 1px 7px; border-radius: 6px; font: inherit;
    color: var(--text); background: var(--veil); cursor: pointer; text-align: left; }
.legend span, .legend b { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.legend b { min-width: 0; }
@media (pointer: coarse) { .legend button { min-height: 30px; } }
.legend button:hover { background: color-mix(in srgb, var(--text) 12%, var(--ground)); }
.legend button:focus-visible { outline: 2px solid var(--focus); }
.legend button[aria-pressed="false"] { color: var(--muted); text-decoration: line-through; }
.legend i { width: 10px; height: 10px; border-radius: 3px; flex: none; }
.legend button[aria-pressed="false"] i { opacity: .3; }
.legend b { font-weight: 500; white-space: pre; }
.rule { background: transparent; opacity: .85; }
.rule.x { border-left: 1px dashed var(--line); width: 0; }
.rule.y { border-top: 1px dashed var(--line); height: 0; }
.label { background: var(--label); color: var(--label-text); padding: 1px 6px; border-radius: 4px;
    white-space: nowrap; font-size: 11px; font-weight: 500; }
.dot { width: 7px; height: 7px; margin: -4.5px 0 0 -4.5px; border-radius: 50%;
    border: 1.5px solid var(--ground); box-sizing: content-box; }
.box { background: color-mix(in srgb, var(--focus) 16%, transparent);
    border: 1px solid var(--focus); border-radius: 2px; }
.message { left: 50%; top: 50%; transform: translate(-50%, -50%); max-width: min(420px, 84%);
    padding: 12px 16px; border-radius: 8px; background: var(--veil); text-align: center;
    color: var(--text); pointer-events: auto; user-select: text; -webkit-user-select: text;
    overflow-wrap: anywhere; }
.notice { left: 50%; top: 8px; transform: translateX(-50%); max-width: 84%; padding: 4px 10px;
    border-radius: 6px; background: var(--veil); border: 1px solid var(--down); color: var(--text);
    font-size: 11px; text-align: center; white-space: pre-line; overflow-wrap: anywhere; }
.message.error { border: 1px solid var(--down); }
.progress { left: 0; top: 0; height: 2px; background: var(--focus); transition: width .15s; }
.live { width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
@media (prefers-reduced-motion: reduce) { .progress { transition: none; } }
@media (forced-colors: active) {
    .label { border: 1px solid CanvasText; }
    .legend i, .dot, .box, .progress { forced-color-adjust: none; }
}
`;

const UP_AND_DOWN = 'linear-gradient(135deg, var(--up) 50%, var(--down) 50%)';

function make<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    className: string,
    parent: Node,
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    element.className = className;
    parent.appendChild(element);
    return element;
}

function place(element: HTMLElement, x: number, y: number): void {
    element.style.left = `${x}px`;
    element.style.top = `${y}px`;
}

export class Overlay {
    readonly host: HTMLElement;
    readonly root: HTMLElement;
    canvas: HTMLCanvasElement;
    private readonly over: HTMLElement;
    private readonly legends: HTMLElement;
    private readonly ruleX: HTMLElement;
    private readonly ruleY: HTMLElement;
    private readonly timeLabel: HTMLElement;
    private readonly valueLabels: Record<Side, HTMLElement>;
    private readonly dots: HTMLElement;
    private readonly box: HTMLElement;
    private readonly message: HTMLElement;
    private readonly notice: HTMLElement;
    private readonly progress: HTMLElement;
    private readonly live: HTMLElement;
    private hideProgress: ReturnType<typeof setTimeout> | undefined;
    onToggle: (index: number) => void = () => undefined;

    /** `takesKeys`: it can have the keyboard. */
    constructor(parent: HTMLElement, takesKeys = true) {
        this.host = document.createElement('div');
        this.host.style.cssText = 'width:100%;height:100%';
        const shadow = this.host.attachShadow({ mode: 'open' });
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(STYLE);
        shadow.adoptedStyleSheets = [sheet];
        this.root = make('div', 'root', shadow);
        if (takesKeys) this.root.tabIndex = 0;
        this.root.setAttribute('role', takesKeys ? 'application' : 'group');
        this.root.setAttribute('aria-roledescription', 'chart');
        this.canvas = make('canvas', '', this.root);
        this.canvas.setAttribute('aria-hidden', 'true');
        this.over = make('div', 'over', this.root);
        this.ruleX = make('div', 'rule x', this.over);
        this.ruleY = make('div', 'rule y', this.over);
        this.dots = make('div', 'dots', this.over);
        this.legends = make('div', 'legends', this.over);
        this.timeLabel = make('div', 'label', this.over);
        this.valueLabels = {
            left: make('div', 'label', this.over),
            right: make('div', 'label', this.over),
        };
        this.box = make('div', 'box', this.over);
        this.message = make('div', 'message', this.over);
        this.notice = make('div', 'notice', this.over);
        this.notice.setAttribute('role', 'status');
        this.progress = make('div', 'progress', this.over);
        this.live = make('div', 'live', this.over);
        this.live.setAttribute('role', 'status');
        this.message.hidden = this.box.hidden = this.notice.hidden = this.progress.hidden = true;
        this.hideCrosshair();
        parent.appendChild(this.host);
    }

    /** A new canvas in the place of one that has been handed over, or has lost its context. */
    replaceCanvas(): HTMLCanvasElement {
        const canvas = document.createElement('canvas');
        canvas.setAttribute('aria-hidden', 'true');
        this.canvas.replaceWith(canvas);
        this.canvas = canvas;
        return canvas;
    }

    setTheme(theme: Theme): void {
        const { style } = this.root;
        const names = ['ground', 'text', 'muted', 'line', 'label', 'veil', 'up', 'down', 'focus'] as const;
        for (const name of names) style.setProperty(`--${name}`, theme[name]);
        style.setProperty('--label-text', theme.labelText);
    }

    /** One legend a panel, in the corner of its plot. */
    setLegend(items: LegendItem[], plots: PlotRect[]): void {
        while (this.legends.children.length > plots.length) this.legends.lastChild?.remove();
        plots.forEach((plot, panel) => {
            const legend =
                (this.legends.children[panel] as HTMLElement | undefined) ??
                make('div', 'legend', this.legends);
            legend.style.position = 'absolute';
            legend.style.maxWidth = `${Math.max(60, plot.width - 8)}px`;
            place(legend, plot.x + 4, plot.y + 4);
            const mine = items.flatMap((item, i) => (item.panel === panel ? [{ item, i }] : []));
            while (legend.children.length > mine.length) legend.lastChild?.remove();
            mine.forEach(({ item, i }, k) => this.setItem(legend, k, item, i));
        });
    }

    private setItem(legend: HTMLElement, at: number, item: LegendItem, index: number): void {
        let button = legend.children[at] as HTMLButtonElement | undefined;
        if (button === undefined) {
            button = make('button', '', legend);
            button.type = 'button';
            make('i', '', button);
            make('span', '', button);
            make('b', '', button);
        }
        button.onclick = () => this.onToggle(index);
        const [swatch, label, value] = button.children as unknown as HTMLElement[];
        if (swatch === undefined || label === undefined || value === undefined) return;
        swatch.style.background = item.color === 0 ? UP_AND_DOWN : cssColor(item.color);
        if (label.textContent !== item.label) label.textContent = item.label;
        if (value.textContent !== item.value) value.textContent = item.value;
        value.hidden = item.value === '';
        button.setAttribute('aria-pressed', String(item.isVisible));
        button.title = item.isVisible ? `Hide ${item.label}` : `Show ${item.label}`;
    }

    private crosshairParts(): HTMLElement[] {
        const { left, right } = this.valueLabels;
        return [this.ruleX, this.ruleY, this.timeLabel, left, right, this.dots];
    }

    /** `width` is the chart's. */
    showCrosshair(at: Crosshair, plots: PlotRect[], width: number): void {
        const plot = plots[at.panel] ?? plots[0];
        const last = plots.at(-1);
        if (plot === undefined || last === undefined) return;
        for (const element of this.crosshairParts()) element.hidden = false;
        const top = plots[0]?.y ?? plot.y;
        const end = last.y + last.height;
        place(this.ruleX, at.x, top);
        this.ruleX.style.height = `${end - top}px`;
        place(this.ruleY, plot.x, at.y);
        this.ruleY.style.width = `${plot.width}px`;
        this.timeLabel.textContent = at.label;
        const labelWidth = this.timeLabel.offsetWidth;
        const left = Math.max(0, Math.min(width - labelWidth, at.x - labelWidth / 2));
        place(this.timeLabel, left, end + 3);
        for (const side of ['left', 'right'] as const) {
            const label = this.valueLabels[side];
            const value = at.values.find((one) => one.side === side);
            label.hidden = value === undefined;
            if (value === undefined) continue;
            label.textContent = value.text;
            const x =
                side === 'right'
                    ? Math.min(width - label.offsetWidth, plot.x + plot.width + 3)
                    : Math.max(0, plot.x - label.offsetWidth - 3);
            place(label, x, at.y - label.offsetHeight / 2);
        }
        this.showDots(at.dots);
    }

    showDots(dots: Dot[]): void {
        while (this.dots.children.length > dots.length) this.dots.lastChild?.remove();
        dots.forEach((dot, i) => {
            const element = (this.dots.children[i] as HTMLElement | undefined) ?? make('div', 'dot', this.dots);
            element.style.position = 'absolute';
            element.style.background = cssColor(dot.color);
            place(element, dot.x, dot.y);
        });
    }

    hideCrosshair(): void {
        for (const element of this.crosshairParts()) element.hidden = true;
    }

    /** Between two corners; a flat box is as high as the plot. */
    showBox(from: { x: number; y: number }, to: { x: number; y: number }, isFlat: boolean, plot: PlotRect): void {
        this.box.hidden = false;
        const left = Math.max(plot.x, Math.min(from.x, to.x));
        const right = Math.min(plot.x + plot.width, Math.max(from.x, to.x));
        const top = isFlat ? plot.y : Math.max(plot.y, Math.min(from.y, to.y));
        const bottom = isFlat
            ? plot.y + plot.height
            : Math.min(plot.y + plot.height, Math.max(from.y, to.y));
        place(this.box, left, top);
        this.box.style.width = `${Math.max(0, right - left)}px`;
        this.box.style.height = `${Math.max(0, bottom - top)}px`;
    }

    hideBox(): void {
        this.box.hidden = true;
    }

    showMessage(text: string, isError: boolean): void {
        if (text === '' && this.message.hidden) return;
        this.message.hidden = text === '';
        this.message.classList.toggle('error', isError);
        this.message.textContent = text;
        if (isError) this.message.setAttribute('role', 'alert');
        else this.message.removeAttribute('role');
    }

    /** Said while the picture stays; '' ends it. */
    showNotice(text: string): void {
        this.notice.hidden = text === '';
        if (this.notice.textContent !== text) this.notice.textContent = text;
    }

    showProgress(complete: number): void {
        clearTimeout(this.hideProgress);
        this.progress.style.width = `${Math.round(100 * complete)}%`;
        if (complete < 1) this.progress.hidden = false;
        else this.hideProgress = setTimeout(() => (this.progress.hidden = true), 250);
    }

    setCursor(name: '' | 'pan' | 'grabbing' | 'cross' | 'value' | 'time'): void {
        this.root.className = name === '' ? 'root' : `root ${name}`;
    }

    describe(summary: string): void {
        this.root.setAttribute('aria-label', summary);
    }

    /** For people who hear the chart. */
    announce(text: string): void {
        if (this.live.textContent !== text) this.live.textContent = text;
    }

    remove(): void {
        clearTimeout(this.hideProgress);
        this.host.remove();
    }
}
