/* Small helpers of the page: elements, icons, numbers for people. */

export function get<T extends HTMLElement = HTMLElement>(id: string): T {
    const element = document.getElementById(id);
    if (element === null) throw new Error(`#${id} is missing`);
    return element as T;
}

export function text(element: HTMLElement, value: string): void {
    if (element.textContent !== value) element.textContent = value;
}

type Given<K extends keyof HTMLElementTagNameMap> = Partial<HTMLElementTagNameMap[K]> & {
    aria?: Record<string, string>;
    on?: (event: Event) => void;
};

/** `on` hears clicks, of inputs and selects changes. */
export function make<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    given: Given<K> = {},
    ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    const { aria, on, ...properties } = given;
    Object.assign(element, properties);
    for (const [name, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${name}`, value);
    if (on !== undefined)
        element.addEventListener(tag === 'input' || tag === 'select' ? 'change' : 'click', on);
    element.append(...children);
    return element;
}

export function options(select: HTMLSelectElement, all: readonly (readonly [string, string])[]): void {
    select.replaceChildren(...all.map(([value, name]) => new Option(name, value)));
}

/** Puts other children into an element. What stands where the keyboard was has it again. */
export function renew(element: HTMLElement, ...children: Node[]): void {
    const controls = () => [...element.querySelectorAll<HTMLElement>('button, select, input')];
    const at = controls().indexOf(document.activeElement as HTMLElement);
    element.replaceChildren(...children);
    if (at >= 0) controls()[Math.min(at, controls().length - 1)]?.focus();
}

/** Sets what has changed alone: what is open, or being pressed, would be closed. */
export function choose(select: HTMLSelectElement, value: string): void {
    if (select.value !== value) select.value = value;
}

/* ---- icons: paths on a grid of 20, drawn with a stroke ---- */

const ICONS: Record<string, string> = {
    line: 'M2 14l4-5 4 3 4-7 4 4',
    step: 'M2 14h4V9h4v3h4V5h4',
    area: 'M2 14l4-5 4 3 4-7 4 4v8H2z',
    candles: 'M6 3v3m0 7v4M4 6h4v7H4zM14 2v4m0 6v5M12 6h4v6h-4z',
    ohlc: 'M6 3v14M3 7h3M6 13h3M14 3v13M11 12h3M14 6h3',
    bars: 'M4 17v-6M8 17V6M12 17v-9M16 17V3',
    scatter: 'M5 13h.01M8 8h.01M11 12h.01M13 6h.01M16 10h.01M6 5h.01M15 15h.01',
    band: 'M2 8l5-3 5 3 6-4M2 15l5-2 5 3 6-4M7 5v8M12 8v8',
    density: 'M3 5h2M8 5h4M15 5h2M3 10h5M11 10h6M5 15h9M16 15h1',
    points: 'M4 14h.01M6 12h.01M7 14h.01M6 8h.01M12 7h.01M14 5h.01M15 8h.01M11 14h.01',
    histogram: 'M3 17v-4h3v4M6 17V8h4v9M10 17V5h3v12M13 17v-6h4v6M2 17h16',
    volume: 'M3 17v-5h3v5zM8.5 17V9h3v8zM14 17V5h3v12z',
    close: 'M5 5l10 10M15 5L5 15',
    plus: 'M10 4v12M4 10h12',
    eye: 'M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 12a2 2 0 100-4 2 2 0 000 4z',
    'eye-off': 'M3 3l14 14M8 5.3A8 8 0 0110 5c5 0 8 5 8 5a15 15 0 01-2.5 2.8M5 6.6A14 14 0 002 10s3 5 8 5a8 8 0 003-.6',
    live: 'M10 12a2 2 0 100-4 2 2 0 000 4zM5.8 14.2a6 6 0 010-8.4M14.2 5.8a6 6 0 010 8.4',
    auto: 'M3 4h14v9H3zM10 13v4M7 17h6',
    light: 'M10 3v2M10 15v2M3 10h2M15 10h2M5 5l1.5 1.5M13.5 13.5L15 15M15 5l-1.5 1.5M6.5 13.5L5 15M10 13a3 3 0 100-6 3 3 0 000 6z',
    dark: 'M16 11.5A6.5 6.5 0 118.5 4a5 5 0 007.5 7.5z',
    contrast: 'M10 3.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM10 3.5v13',
};

export function icon(name: string): SVGSVGElement {
    const space = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(space, 'svg');
    const path = document.createElementNS(space, 'path');
    svg.setAttribute('viewBox', '0 0 20 20');
    svg.setAttribute('aria-hidden', 'true');
    path.setAttribute('d', ICONS[name] ?? '');
    svg.append(path);
    return svg;
}

/* ---- numbers for people ---- */

export const COUNT = new Intl.NumberFormat('en-US');

export function bytes(count: number): string {
    const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
    let unit = 0;
    let value = count;
    while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit++;
    }
    return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** "20 M", "1.25 G": where there is no room for all digits. */
export function brief(count: number): string {
    if (count < 10_000) return COUNT.format(count);
    const units = [' K', ' M', ' G', ' T'];
    let unit = 0;
    let value = count / 1000;
    while (value >= 999.5 && unit < units.length - 1) {
        value /= 1000;
        unit++;
    }
    return `${Number(value.toPrecision(3))}${units[unit]}`;
}

/* ---- messages ---- */

const FADE_MS = 300;
let toastTimer: ReturnType<typeof setTimeout> | undefined;

/** Said below the chart, for a while. */
export function toast(message: string, isError = false): void {
    const element = get('toast');
    text(element, message);
    element.classList.add('shown');
    element.classList.toggle('error', isError);
    clearTimeout(toastTimer);
    toastTimer = setTimeout(
        () => {
            element.classList.remove('shown');
            toastTimer = setTimeout(() => text(element, ''), FADE_MS); /* to be said again the next time */
        },
        isError ? 7000 : 3000,
    );
}
