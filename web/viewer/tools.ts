/* The row of tools and the menus: chart types, bars, studies, presets, settings. */
import {
    type Chart,
    type DataSource,
    type Mark,
    PALETTES,
    type StudyKind,
    THEME_NAMES,
    formatRange,
    formatSpan,
} from 'gpu-charts';

import { choose, get, icon, make, options, text } from './dom.js';
import { TYPE_NAMES, typesOf } from './series.js';
import type { State } from './state.js';
import { PER_SECOND } from './times.js';

const BARS = [
    '1ms', '10ms', '100ms', '1s', '5s', '15s', '30s', '1m', '5m', '15m', '30m', '1h', '2h', '4h',
    '12h', '1d', '1w', '1mo', '3mo', '1y',
];

const PRESETS: readonly (readonly [string, number])[] = [
    ['1s', 1],
    ['10s', 10],
    ['1m', 60],
    ['5m', 300],
    ['15m', 900],
    ['1h', 3600],
    ['6h', 21_600],
    ['1d', 86_400],
    ['1w', 604_800],
    ['1mo', 2_629_746],
    ['3mo', 7_889_238],
    ['1y', 31_556_952],
    ['5y', 157_784_760],
];
const PRESETS_SHOWN = 5;

/* ---- menus ---- */

/** Opens a popover below the button that it belongs to. */
export function wireMenus(): void {
    for (const menu of document.querySelectorAll<HTMLElement>('.menu')) {
        const opener = document.querySelector<HTMLElement>(`[popovertarget="${menu.id}"]`);
        menu.addEventListener('beforetoggle', (event) => {
            if ((event as ToggleEvent).newState !== 'open' || opener === null) return;
            requestAnimationFrame(() => {
                const from = opener.getBoundingClientRect();
                const left = Math.min(from.left, innerWidth - menu.offsetWidth - 8);
                menu.style.left = `${Math.max(8, left)}px`;
                menu.style.top = `${from.bottom + 4}px`;
                menu.style.maxHeight = `${innerHeight - from.bottom - 12}px`;
                const first =
                    menu.querySelector<HTMLElement>('[aria-checked="true"]') ??
                    menu.querySelector<HTMLElement>('select, input, button');
                first?.focus();
            });
        });
        menu.addEventListener('keydown', (event) => moveFocus(menu, event));
    }
}

function moveFocus(menu: HTMLElement, event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const all = [...menu.querySelectorAll<HTMLElement>('button')];
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    all[(at + step + all.length) % all.length]?.focus();
}

export function showTypes(mark: Mark, source: DataSource | undefined, chosen: (mark: Mark) => void): void {
    const opener = get('type');
    if (opener.dataset['type'] !== mark) opener.replaceChildren(icon(mark), TYPE_NAMES[mark]);
    opener.dataset['type'] = mark;
    opener.setAttribute('aria-label', `Chart type: ${TYPE_NAMES[mark]}`);
    if (source === undefined) return;
    const menu = get('type-menu');
    const types = typesOf(source);
    if (menu.dataset['types'] !== types.join()) fillTypes(menu, types, chosen);
    for (const button of menu.children)
        button.setAttribute('aria-checked', String((button as HTMLElement).dataset['type'] === mark));
}

function fillTypes(menu: HTMLElement, types: Mark[], chosen: (mark: Mark) => void): void {
    menu.dataset['types'] = types.join();
    menu.replaceChildren(
        ...types.map((type) => {
            const button = make(
                'button',
                {
                    on: () => {
                        menu.hidePopover();
                        chosen(type);
                    },
                },
                icon(type),
                TYPE_NAMES[type],
            );
            button.dataset['type'] = type;
            button.setAttribute('role', 'menuitemradio');
            return button;
        }),
    );
}

/* ---- studies ---- */

const STUDY_NAMES: Record<StudyKind, string> = {
    sma: 'Simple moving average',
    ema: 'Exponential moving average',
    range: 'Channel of lows and highs',
    spread: 'Spread to another column',
};

export function makeStudyMenu(
    columns: readonly string[],
    add: (kind: StudyKind, length: number, column: string, other: string) => void,
): void {
    const kind = make('select', { on: () => show() });
    const length = make('input', { type: 'number', min: '1', max: '1000', value: '20' });
    const column = make('select');
    const other = make('select');
    const lengthLabel = make('label', {}, 'Bars', length);
    const otherLabel = make('label', {}, 'Less', other);
    const show = () => {
        const isSpread = kind.value === 'spread';
        lengthLabel.hidden = isSpread;
        otherLabel.hidden = !isSpread;
    };
    const kinds = Object.entries(STUDY_NAMES).filter(([name]) => name !== 'spread' || columns.length > 1);
    options(kind, kinds);
    const names = columns.map((name) => [name, name] as const);
    options(column, names);
    options(other, names);
    other.value = columns[1] ?? '';
    show();
    const button = make('button', {
        className: 'main',
        textContent: 'Add',
        on: () => {
            const bars = Math.min(1000, Math.max(1, Math.round(Number(length.value)) || 20));
            get('study-menu').hidePopover();
            add(kind.value as StudyKind, bars, column.value, other.value);
        },
    });
    get('study-menu').replaceChildren(
        make('label', {}, 'Study', kind),
        make('div', { className: 'fields' }, make('label', {}, 'Of', column), lengthLabel, otherLabel),
        button,
    );
}

/* ---- bars, presets, range ---- */

export function showBars(isNeeded: boolean, state: State, auto: string | undefined): void {
    const select = get<HTMLSelectElement>('bar');
    get('bar-label').hidden = !isNeeded;
    if (select.options.length === 0)
        options(select, [['', 'auto'], ...BARS.map((bar) => [bar, bar] as const)]);
    if (state.bar !== undefined && !BARS.includes(state.bar) && select.value !== state.bar)
        select.append(new Option(state.bar, state.bar));
    const first = select.options[0];
    if (first !== undefined) text(first, auto === undefined ? 'auto' : `auto (${auto})`);
    choose(select, state.bar ?? '');
}

/** Of which the presets are. */
let made: Chart | undefined;

export function makePresets(chart: Chart): void {
    const { from, to, unit } = chart.getExtent();
    const span = Number(to - from);
    const fitting = PRESETS.filter(([, seconds]) => {
        const ticks = seconds * PER_SECOND[unit];
        return ticks > 1 && ticks < span;
    }).slice(-PRESETS_SHOWN);
    const names = `${unit} ${fitting.map(([name]) => name).join()}`;
    if (get('presets').dataset['names'] === names && made === chart) return;
    get('presets').dataset['names'] = names;
    made = chart;
    const buttons = fitting.map(([name, seconds]) => {
        const length = BigInt(Math.round(seconds * PER_SECOND[unit]));
        const button = make('button', {
            textContent: name,
            title: `${name}, up to where the view ends`,
            on: () => {
                const view = chart.getView();
                const extent = chart.getExtent();
                const isInside = view !== undefined && view.toTicks < extent.to && view.toTicks > extent.from;
                const end = isInside ? view.toTicks : extent.to;
                chart.setView({ from: end - length, to: end, min: null });
            },
        });
        button.dataset['ticks'] = String(length);
        return button;
    });
    get('presets').replaceChildren(
        ...buttons,
        make('button', { textContent: 'All', title: 'Everything (Home)', on: () => chart.reset() }),
    );
    get('presets').hidden = unit === 'index' || buttons.length === 0;
}

export function rangeText(chart: Chart, zone: string): string {
    const view = chart.getView();
    return view === undefined ? '' : formatRange(view.fromTicks, view.toTicks, view.unit, zone);
}

export function showRange(chart: Chart, zone: string): void {
    text(get('range'), rangeText(chart, zone));
    const view = chart.getView();
    const extent = chart.getExtent();
    if (view === undefined) return;
    get('range').title = `${formatSpan(view.toTicks - view.fromTicks, view.unit)}; enter a time range (G)`;
    const span = view.toTicks - view.fromTicks;
    const isAll = view.fromTicks === extent.from && view.toTicks === extent.to;
    for (const button of get('presets').children) {
        const length = (button as HTMLElement).dataset['ticks'];
        const isIt = length === undefined ? isAll : BigInt(length) === span;
        button.setAttribute('aria-pressed', String(isIt));
    }
}

/* ---- settings ---- */

export function makeSettings(
    state: () => State,
    changed: { theme(): void; zone(): void; palette(): void },
): void {
    const themes = ['auto', ...THEME_NAMES] as const;
    const names = { auto: 'Auto', light: 'Light', dark: 'Dark', contrast: 'Contrast' };
    get('themes').replaceChildren(
        ...themes.map((theme) => {
            const button = make(
                'button',
                {
                    on: () => {
                        state().theme = theme;
                        changed.theme();
                    },
                },
                icon(theme),
                names[theme],
            );
            button.dataset['theme'] = theme;
            button.setAttribute('role', 'radio');
            return button;
        }),
    );
    const local = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    const zones = [...new Set(['UTC', local, ...(Intl.supportedValuesOf?.('timeZone') ?? [])])];
    const zone = get<HTMLSelectElement>('zone');
    options(zone, [
        ['', 'That of the data'],
        ...zones.map((name) => [name, name === local ? `${name} (here)` : name] as const),
    ]);
    zone.addEventListener('change', () => {
        if (zone.value === '') delete state().zone;
        else state().zone = zone.value;
        changed.zone();
    });
    const palette = get<HTMLSelectElement>('palette');
    options(palette, [['', 'moss'], ...PALETTES.slice(1).map((name) => [name, name] as const)]);
    palette.addEventListener('change', () => {
        if (palette.value === '') delete state().palette;
        else state().palette = palette.value;
        changed.palette();
    });
}

export function showSettings(state: State): void {
    for (const button of get('themes').children)
        button.setAttribute(
            'aria-checked',
            String((button as HTMLElement).dataset['theme'] === state.theme),
        );
    choose(get('zone'), state.zone ?? '');
    choose(get('palette'), state.palette ?? '');
}
