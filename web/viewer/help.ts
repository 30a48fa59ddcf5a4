/* The sheet of keys, and the keys themselves. */
import { get, make } from './dom.js';

type Entry = readonly [keys: readonly string[], meaning: string];

const SHEET: readonly (readonly [string, readonly Entry[]])[] = [
    [
        'Move',
        [
            [['drag', '← →'], 'pan; shift: farther'],
            [['wheel', '+', '−'], 'zoom'],
            [['PgUp', 'PgDn'], 'a screenful back and on'],
            [['shift + drag'], 'zoom to a box; a flat one keeps the values'],
            [['double click', 'Home', 'A'], 'everything'],
            [['End', 'E'], 'the newest rows, and follow them'],
            [['two fingers'], 'zoom and pan'],
        ],
    ],
    [
        'Values',
        [
            [['F'], 'fit to what is visible'],
            [['drag the axis'], 'stretch; double click fits again'],
            [['L'], 'logarithmic'],
            [['[', ']'], 'move the crosshair, and hear the values'],
            [['tap', 'hold'], 'the crosshair, at a finger'],
            [['Esc'], 'put the crosshair away'],
        ],
    ],
    [
        'Chart',
        [
            [['C'], 'the next type'],
            [['G'], 'go to a time or a range'],
            [['B'], 'drag marks a box'],
            [['1', '…', '9'], 'show or hide a series'],
            [['T'], 'the next theme'],
        ],
    ],
    [
        'Page',
        [
            [['D'], 'data and series'],
            [['/'], 'search data sets'],
            [['O'], 'open a file'],
            [['U'], 'copy a link to this view'],
            [['S'], 'save the picture'],
            [['H'], 'statistics'],
            [['?'], 'this list'],
        ],
    ],
];

export function makeHelp(): void {
    get('keys').replaceChildren(
        ...SHEET.map(([title, entries]) =>
            make(
                'section',
                {},
                make('h3', { textContent: title }),
                make(
                    'dl',
                    {},
                    ...entries.flatMap(([keys, meaning]) => [
                        make(
                            'dt',
                            {},
                            ...keys.flatMap((key, i) => [i > 0 ? ' ' : '', make('kbd', { textContent: key })]),
                        ),
                        make('dd', { textContent: meaning }),
                    ]),
                ),
            ),
        ),
    );
}

/** Of the chart: handed on to it whatever has the keyboard, but for what scrolls or has such keys itself. */
const CHART_KEYS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', '+', '=', '-', '0',
    'Home', '[', ']', 'Escape'];

function isTyping(target: EventTarget | null): boolean {
    return target instanceof Element && target.closest('input, select, textarea, dialog, [popover]') !== null;
}

/** `actions` by key, in lower case. `toChart` gives the chart the keyboard and a key. */
export function wireKeys(
    actions: Record<string, () => void>,
    toChart: (event: KeyboardEvent) => void,
): void {
    addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
        if (isTyping(event.target)) return;
        const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (action !== undefined) {
            event.preventDefault();
            action();
            return;
        }
        const hasOwnKeys = event.target instanceof Element && event.target.closest('#chart, #brush, #panel') !== null;
        if (CHART_KEYS.includes(event.key) && !hasOwnKeys) toChart(event);
    });
}
