/* Data sets to choose from: in the panel, and as cards while nothing is open. */
import { type TimeUnit, formatSpan } from 'gpu-charts';

import { COUNT, brief, bytes, get, icon, make, renew } from './dom.js';
import { LIVE, type LiveSet, type ServedSet, type Server } from './session.js';

const SEARCH_FROM = 6;

export interface SetsHost {
    server: Server;
    current(): string | undefined;
    open(name: string): void;
    /** As a series of what is open. */
    add(name: string): void;
    askToken(): void;
    again(): void;
}

function spanOf({ time }: ServedSet): string {
    if (time === undefined || !Number.isFinite(time.last - time.first)) return '';
    const msOf: Record<string, number> = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };
    const scale = msOf[time.unit];
    if (scale === undefined) return '';
    const span = formatSpan(BigInt(Math.max(0, Math.round(time.last - time.first))), time.unit as TimeUnit);
    const ms = time.first * scale;
    return Math.abs(ms) < 8.64e15 ? `${span} from ${new Date(ms).toISOString().slice(0, 10)}` : span;
}

function columnsOf({ columns }: ServedSet): string {
    if (!Array.isArray(columns)) return '';
    const names = columns.map((column) => column.name);
    return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}

function sizeOf(set: ServedSet): string {
    return `${brief(set.row_count ?? 0)} rows, ${bytes(set.file_bytes ?? 0)}`;
}

function itemOf(host: SetsHost, set: ServedSet): HTMLLIElement {
    const isCurrent = set.name === host.current();
    const button = make(
        'button',
        { on: () => host.open(set.name), aria: { pressed: String(isCurrent) } },
        set.name,
    );
    if (set.error !== undefined) {
        button.disabled = true;
        button.append(make('small', { className: 'bad', textContent: set.error.message }));
        return make('li', {}, button);
    }
    button.append(make('small', { textContent: sizeOf(set) }), make('small', { textContent: spanOf(set) }));
    button.title = columnsOf(set);
    if (isCurrent || host.current() === undefined) return make('li', {}, button);
    const more = make(
        'button',
        {
            className: 'icon more',
            title: 'Add to the chart',
            aria: { label: `Add ${set.name} to the chart` },
            on: () => host.add(set.name),
        },
        icon('plus'),
    );
    return make('li', {}, button, more);
}

function liveItemOf(host: SetsHost, { name, row_count }: LiveSet): HTMLLIElement {
    const id = `${LIVE}${name}`;
    const button = make(
        'button',
        { on: () => host.open(id), aria: { pressed: String(id === host.current()) } },
        name,
        make('small', { textContent: `live, ${COUNT.format(row_count)} rows so far` }),
    );
    return make('li', {}, button);
}

function noteOf(host: SetsHost): HTMLLIElement {
    const { server } = host;
    const item = make('li', {}, make('small', { textContent: server.trouble, className: 'bad' }));
    item.append(
        make('p', { className: 'row' }, make('button', {
            textContent: server.needsToken ? 'Enter a token…' : 'Ask again',
            on: () => (server.needsToken ? host.askToken() : host.again()),
        })),
    );
    return item;
}

export function showSets(host: SetsHost): void {
    const { server } = host;
    const search = get<HTMLInputElement>('search');
    const wanted = search.value.trim().toLowerCase();
    const fits = ({ name }: { name: string }) => name.toLowerCase().includes(wanted);
    search.hidden = server.sets.length < SEARCH_FROM;
    const items = [
        ...server.live.filter(fits).map((set) => liveItemOf(host, set)),
        ...server.sets.filter(fits).map((set) => itemOf(host, set)),
    ];
    if (server.trouble !== '') items.push(noteOf(host));
    else if (server.sets.length + server.live.length === 0)
        items.push(make('li', {}, make('small', { textContent: 'No server lists data sets here.' })));
    else if (items.length === 0)
        items.push(make('li', {}, make('small', { textContent: `Nothing is named “${search.value}”.` })));
    renew(get('sets'), ...items);
    get('sets').querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: 'nearest' });
    showCards(host);
}

function showCards(host: SetsHost): void {
    const { server } = host;
    const good = server.sets.filter((set) => set.error === undefined);
    const hasAny = good.length + server.live.length > 0;
    get('welcome-title').textContent = hasAny ? 'Choose a data set' : 'Open a time series';
    const cards = good.slice(0, 24).map((set) =>
        make(
            'li',
            {},
            make(
                'button',
                { on: () => host.open(set.name) },
                make('b', { textContent: set.name }),
                make('small', { textContent: sizeOf(set) }),
                make('small', { textContent: spanOf(set) || columnsOf(set) }),
            ),
        ),
    );
    const live = server.live.map((set) =>
        make(
            'li',
            {},
            make(
                'button',
                { on: () => host.open(`${LIVE}${set.name}`) },
                make('b', { textContent: set.name }),
                make('small', { textContent: `live, ${COUNT.format(set.row_count)} rows so far` }),
            ),
        ),
    );
    const trouble = server.trouble === '' ? [] : [noteOf(host)];
    renew(get('cards'), ...live, ...cards, ...trouble);
}
