/* The viewer page: data sets of a server or files of this machine, in one chart.
 *
 * Everything that decides what is seen stands in `state`, and in the address; controls change the
 * state and the chart, and are set from them.
 */
import {
    type BackendChoice,
    type Chart,
    ChartError,
    type DataSource,
    type Mark,
    createChart,
    formatSpan,
    formatTicks,
    openData,
    toTicks,
} from 'gpu-charts';

import { makeBrush } from './brush.js';
import { type State, readState, writeState } from './state.js';

function get<T extends HTMLElement = HTMLElement>(id: string): T {
    const element = document.getElementById(id);
    if (element === null) throw new Error(`#${id} is missing`);
    return element as T;
}

function text(element: HTMLElement, value: string): void {
    if (element.textContent !== value) element.textContent = value;
}

/* ---- numbers for people ---- */

const COUNT = new Intl.NumberFormat('en-US');

function bytes(count: number): string {
    const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
    let unit = 0;
    let value = count;
    while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit++;
    }
    return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/* ---- the page's state ---- */

interface ServedSet {
    name: string;
    url?: string;
    row_count?: number;
    file_bytes?: number;
    error?: { message: string };
}

const query = new URLSearchParams(location.search);
const backend = (query.get('backend') ?? 'auto') as BackendChoice;
const serverUrl = new URL(query.get('server') ?? '/', location.href);
let state: State = readState(location.hash);
let sets: ServedSet[] = [];
let source: DataSource | undefined;
let chart: Chart | undefined;
let overview: Chart | undefined;
let opening = new AbortController();
let hudTimer: ReturnType<typeof setInterval> | undefined;
let stateTimer: ReturnType<typeof setTimeout> | undefined;

function remember(): void {
    clearTimeout(stateTimer);
    stateTimer = setTimeout(() => history.replaceState(null, '', writeState(state)), 200);
}

let toastTimer: ReturnType<typeof setTimeout> | undefined;

function toast(message: string): void {
    const element = get('toast');
    text(element, message);
    element.classList.add('shown');
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => element.classList.remove('shown'), 3500);
}

/* ---- theme ---- */

const prefersDark = matchMedia('(prefers-color-scheme: dark)');

function themeNow(): 'light' | 'dark' {
    return state.theme ?? (prefersDark.matches ? 'dark' : 'light');
}

function applyTheme(): void {
    document.documentElement.dataset['theme'] = themeNow();
    chart?.setTheme(themeNow());
}

/* ---- controls ---- */

const TYPES: [Mark, string][] = [
    ['line', 'Line'],
    ['area', 'Area'],
    ['step', 'Step'],
    ['candles', 'Candles'],
    ['ohlc', 'OHLC'],
    ['bars', 'Bars'],
    ['scatter', 'Points'],
];

const BARS = ['', '1s', '10s', '1m', '5m', '15m', '30m', '1h', '4h', '12h', '1d', '1w', '1mo', '1y'];

const PRESETS: [string, number][] = [
    ['1m', 60],
    ['15m', 900],
    ['1h', 3600],
    ['6h', 21_600],
    ['1d', 86_400],
    ['1w', 604_800],
    ['1mo', 2_629_746],
    ['6mo', 15_778_476],
    ['1y', 31_556_952],
    ['5y', 157_784_760],
];

function makeTypes(): void {
    for (const [type, name] of TYPES) {
        const button = document.createElement('button');
        button.textContent = name;
        button.addEventListener('click', () => {
            state.type = type;
            source?.info.columns.forEach((_, i) => {
                if (i < (chart?.getSeries().length ?? 0)) chart?.setType(i, type);
            });
            showControls();
            remember();
        });
        get('types').append(button);
    }
    for (const bar of BARS) get('bar').append(new Option(bar === '' ? 'auto' : bar, bar));
}

function makeZones(): void {
    const local = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    const all = [...new Set(['', 'UTC', local, ...(Intl.supportedValuesOf?.('timeZone') ?? [])])];
    for (const zone of all) get('zone').append(new Option(zone === '' ? 'of the data' : zone, zone));
}

function makePresets(): void {
    const group = get('presets');
    group.replaceChildren();
    const extent = chart?.getExtent();
    if (extent === undefined) return;
    const perSecond = { index: 0, s: 1, ms: 1e3, us: 1e6, ns: 1e9 }[extent.unit];
    const span = Number(extent.to - extent.from);
    const fitting = PRESETS.filter(([, seconds]) => {
        const ticks = seconds * perSecond;
        return ticks > 0 && ticks < span && ticks > span / 5e6;
    }).slice(-5);
    for (const [name, seconds] of fitting) {
        const button = document.createElement('button');
        button.textContent = name;
        button.title = `The last ${name} of the data, or of what is in view`;
        button.addEventListener('click', () => {
            const view = chart?.getView();
            const length = BigInt(Math.round(seconds * perSecond));
            const isInside = view !== undefined && view.toTicks < extent.to && view.toTicks > extent.from;
            const to = isInside ? view.toTicks : extent.to;
            chart?.setView({ from: to - length, to, min: null });
        });
        group.append(button);
    }
    const all = document.createElement('button');
    all.textContent = 'All';
    all.addEventListener('click', () => chart?.reset());
    group.append(all);
}

function zoneShown(): string {
    const zone = state.zone ?? source?.info.timeZone ?? '';
    return zone === '' ? 'UTC' : zone;
}

function showControls(): void {
    const type = state.type ?? 'line';
    [...get('types').children].forEach((button, i) =>
        button.setAttribute('aria-pressed', String(TYPES[i]?.[0] === type)),
    );
    get('bar-label').hidden = !['candles', 'ohlc', 'bars'].includes(type);
    get<HTMLSelectElement>('bar').value = state.bar ?? '';
    get<HTMLSelectElement>('zone').value = state.zone ?? '';
    get('log').setAttribute('aria-pressed', String(state.log === true));
    const view = chart?.getView();
    if (view === undefined) return;
    const step = Number(view.toTicks - view.fromTicks) / 200;
    const from = formatTicks(view.fromTicks, view.unit, zoneShown(), step);
    const to = formatTicks(view.toTicks, view.unit, zoneShown(), step);
    text(get('range'), `${from} – ${to}  ·  ${formatSpan(view.toTicks - view.fromTicks, view.unit)}`);
    get('fit').toggleAttribute('disabled', view.fitsValues);
}

function wireControls(): void {
    get('bar').addEventListener('change', (event) => {
        const { value } = event.target as HTMLSelectElement;
        state.bar = value === '' ? undefined : value;
        chart?.setBarWidth(state.bar);
        remember();
    });
    get('zone').addEventListener('change', (event) => {
        const { value } = event.target as HTMLSelectElement;
        state.zone = value === '' ? undefined : value;
        chart?.setTimeZone(state.zone);
        showControls();
        remember();
    });
    get('log').addEventListener('click', () => {
        state.log = state.log !== true;
        chart?.setScale(state.log ? 'log' : 'linear');
        showControls();
        remember();
    });
    get('box').addEventListener('click', (event) => {
        const button = event.currentTarget as HTMLElement;
        const isOn = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(isOn));
        chart?.setBoxMode(isOn);
    });
    get('fit').addEventListener('click', () => chart?.setView({ min: null }));
    get('theme').addEventListener('click', () => {
        state.theme = themeNow() === 'dark' ? 'light' : 'dark';
        applyTheme();
        remember();
    });
    prefersDark.addEventListener('change', applyTheme);
    get('share').addEventListener('click', () => void share());
    get('save').addEventListener('click', () => void save());
    get('stats').addEventListener('click', toggleStats);
    get('range').addEventListener('click', askRange);
    get('open-list').addEventListener('click', () => showList(get('list').hidden));
    get('close-list').addEventListener('click', () => showList(false));
    get('search').addEventListener('input', showSets);
    for (const id of ['pick', 'pick-too']) get(id).addEventListener('click', () => get('file').click());
    get('file').addEventListener('change', (event) => {
        const [file] = (event.target as HTMLInputElement).files ?? [];
        if (file !== undefined) void openFile(file);
    });
    get('demo').addEventListener('click', () => void openDemo());
    addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && !get('list').hidden) showList(false);
    });
    addEventListener('hashchange', () => {
        state = readState(location.hash);
        void restore();
    });
}

/* ---- a view to share, a picture to keep ---- */

async function share(): Promise<void> {
    history.replaceState(null, '', writeState(state));
    if (state.data === undefined) {
        toast('This data is only on your machine: a link cannot show it to others.');
        return;
    }
    try {
        await navigator.clipboard.writeText(location.href);
        toast('Link copied. It shows this very view.');
    } catch {
        toast('The link to this view stands in the address bar.');
    }
}

async function save(): Promise<void> {
    if (chart === undefined) return;
    try {
        const blob = await chart.toPNG();
        const link = document.createElement('a');
        link.href = URL.createObjectURL(blob);
        link.download = `${source?.info.name.split('/').at(-1)?.replace(/\.\w+$/, '') ?? 'chart'}.png`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (cause) {
        toast(ChartError.from(cause).message);
    }
}

function askRange(): void {
    const view = chart?.getView();
    if (view === undefined) return;
    const dialog = get<HTMLDialogElement>('range-dialog');
    const from = get<HTMLInputElement>('from');
    const to = get<HTMLInputElement>('to');
    const hint = get('range-hint');
    const show = (ticks: bigint) =>
        formatTicks(ticks, view.unit, 'UTC', 1).replace(' ', 'T');
    from.value = show(view.fromTicks);
    to.value = show(view.toTicks);
    hint.classList.remove('bad');
    dialog.showModal();
    from.select();
    dialog.onclose = () => {
        if (dialog.returnValue !== 'ok') return;
        const a = toTicks(from.value, view.unit);
        const b = toTicks(to.value, view.unit);
        if (a !== undefined && b !== undefined && a < b) {
            chart?.setView({ from: a, to: b });
        } else {
            hint.classList.add('bad');
            dialog.showModal();
        }
    };
}

/* ---- statistics ---- */

async function showStats(): Promise<void> {
    if (chart === undefined) return;
    const stats = await chart.stats().catch(() => undefined);
    if (stats === undefined) return;
    const used = Number(stats.data['host_used_bytes'] ?? 0);
    const rows: [string, string][] = [
        ['drawn by', `${stats.backend}, ${stats.place === 'worker' ? 'worker' : 'this thread'}`],
        ...(stats.backendReason === '' ? [] : [['because', stats.backendReason] as [string, string]]),
        ['frame', `${stats.frameMs.toFixed(1)} ms`],
        ['on screen after', `${stats.latencyMs.toFixed(1)} ms`],
        ['frames', `${COUNT.format(stats.frames)} (${stats.framesPerSecond.toFixed(0)} fps)`],
        ['points in view', COUNT.format(stats.rowsInView)],
        ['exact', stats.complete === 1 ? 'yes' : `${(100 * stats.complete).toFixed(0)} %`],
        ['picture', `${stats.width} × ${stats.height}`],
        ['cache', bytes(used)],
        ['engine memory', bytes(stats.memoryBytes)],
        ['network', `${bytes(stats.loadedBytes)} in ${stats.requests} requests`],
    ];
    const hud = get('hud');
    if (hud.children.length !== rows.length * 2) {
        hud.replaceChildren(
            ...rows.flatMap(() => [document.createElement('dt'), document.createElement('dd')]),
        );
    }
    rows.forEach(([name, value], i) => {
        text(hud.children[2 * i] as HTMLElement, name);
        text(hud.children[2 * i + 1] as HTMLElement, value);
    });
}

function toggleStats(): void {
    const isOn = get('hud').hidden;
    get('hud').hidden = !isOn;
    get('stats').setAttribute('aria-pressed', String(isOn));
    clearInterval(hudTimer);
    if (isOn) {
        void showStats();
        hudTimer = setInterval(() => void showStats(), 250);
    }
}

/* ---- data sets ---- */

function showList(isShown: boolean): void {
    get('list').hidden = !isShown;
    get('open-list').setAttribute('aria-expanded', String(isShown));
    if (isShown) get(sets.length > 0 ? 'search' : 'close-list').focus();
    else get('open-list').focus();
}

function showSets(): void {
    const wanted = get<HTMLInputElement>('search').value.toLowerCase();
    get('search').hidden = sets.length < 8;
    const items = sets
        .filter((set) => set.name.toLowerCase().includes(wanted))
        .map((set) => {
            const item = document.createElement('li');
            const button = document.createElement('button');
            const small = document.createElement('small');
            button.textContent = set.name;
            button.setAttribute('aria-pressed', String(set.name === state.data));
            if (set.error !== undefined) {
                small.textContent = set.error.message;
                small.className = 'bad';
                button.disabled = true;
            } else {
                small.textContent = `${COUNT.format(set.row_count ?? 0)} rows, ${bytes(set.file_bytes ?? 0)}`;
            }
            button.append(small);
            button.addEventListener('click', () => {
                showList(false);
                state = { theme: state.theme, zone: state.zone, type: state.type, data: set.name };
                void openServed(set.name);
            });
            item.append(button);
            return item;
        });
    if (sets.length === 0) {
        const item = document.createElement('li');
        item.textContent = 'No server lists data sets here; open a file.';
        items.push(item);
    }
    get('sets').replaceChildren(...items);
}

function showColumns(): void {
    const shown = shownColumns();
    const items = (source?.info.columns ?? []).map((column) => {
        const item = document.createElement('li');
        const label = document.createElement('label');
        const box = document.createElement('input');
        const small = document.createElement('small');
        box.type = 'checkbox';
        box.checked = shown.includes(column.name);
        box.addEventListener('change', () => {
            const next = new Set(shownColumns());
            if (box.checked) next.add(column.name);
            else next.delete(column.name);
            if (next.size === 0) {
                box.checked = true;
                return;
            }
            state.columns = source?.info.columns.map((one) => one.name).filter((name) => next.has(name));
            void chart?.setSeries(seriesNow()).catch((cause: unknown) => toast(ChartError.from(cause).message));
            remember();
        });
        small.textContent = column.unit === '' ? `${column.min} – ${column.max}` : `${column.min} – ${column.max} ${column.unit}`;
        label.append(box, column.name, small);
        item.append(label);
        return item;
    });
    get('columns').replaceChildren(...items);
}

function shownColumns(): string[] {
    const names = source?.info.columns.map((column) => column.name) ?? [];
    const wanted = (state.columns ?? []).filter((name) => names.includes(name));
    return wanted.length > 0 ? wanted : names.slice(0, 1);
}

async function listSets(): Promise<void> {
    try {
        const response = await fetch(new URL('v1/data', serverUrl));
        if (response.ok) sets = ((await response.json()) as { data: ServedSet[] }).data;
    } catch {
        sets = []; /* a page on a static host has no server */
    }
    showSets();
}

/* ---- opening ---- */

function seriesNow() {
    const shown = source;
    if (shown === undefined) return [];
    return shownColumns().map((column) => ({ data: shown, column, type: state.type ?? 'line' }) as const);
}

function showChart(): void {
    const opened = source;
    if (opened === undefined) return;
    const { info } = opened;
    get('empty').hidden = true;
    document.body.classList.remove('empty');
    text(get('name'), info.name.split('/').at(-1)?.replace(/\.gch$/, '') ?? info.name);
    document.title = `${get('name').textContent} – GPU Charts`;
    text(get('facts'), `${COUNT.format(info.rows)} rows${info.bytes > 0 ? `, ${bytes(info.bytes)}` : ''}`);
    chart = createChart(get('chart'), {
        series: seriesNow(),
        backend,
        theme: themeNow(),
        ...(state.zone === undefined ? {} : { timeZone: state.zone }),
        ...(state.bar === undefined ? {} : { barWidth: state.bar }),
        axes: {
            x: state.from === undefined ? {} : { from: state.from, to: state.to },
            y: {
                scale: state.log === true ? 'log' : 'linear',
                ...(state.min === undefined ? {} : { min: state.min, max: state.max }),
            },
        },
    });
    chart.setBoxMode(get('box').getAttribute('aria-pressed') === 'true');
    chart.on('error', (error) => toast(error.message));
    chart.on('view', () => viewChanged());
    chart.on('progress', () => showControls());
    chart.ready.then(makePresets, () => undefined);
    showOverview(opened);
    showColumns();
    showControls();
    showSets();
}

function showOverview(opened: DataSource): void {
    get('strip').hidden = opened.info.rows < 2;
    overview = createChart(get('overview'), {
        series: [{ data: opened, column: shownColumns()[0] ?? 0 }],
        backend,
        bare: true,
        interactive: false,
    });
    overview.ready.catch(() => undefined);
}

const brush = makeBrush(get('strip'), get('brush'), (from, to) => {
    const extent = chart?.getExtent();
    if (extent === undefined) return;
    const span = Number(extent.to - extent.from);
    const a = extent.from + BigInt(Math.round(from * span));
    const b = extent.from + BigInt(Math.round(to * span));
    if (b > a) chart?.setView({ from: a, to: b });
});

function viewChanged(): void {
    const view = chart?.getView();
    const extent = chart?.getExtent();
    if (view === undefined || extent === undefined) return;
    const span = Number(extent.to - extent.from);
    brush.show(Number(view.fromTicks - extent.from) / span, Number(view.toTicks - extent.from) / span);
    const isAll = view.fromTicks === extent.from && view.toTicks === extent.to;
    state.from = isAll ? undefined : view.fromTicks;
    state.to = isAll ? undefined : view.toTicks;
    state.min = view.fitsValues ? undefined : view.min;
    state.max = view.fitsValues ? undefined : view.max;
    showControls();
    remember();
}

async function open(what: string, load: (signal: AbortSignal) => Promise<DataSource>): Promise<void> {
    opening.abort();
    opening = new AbortController();
    const { signal } = opening;
    const busy = get('busy');
    text(busy, `Opening ${what}…`);
    const timer = setTimeout(() => (busy.hidden = false), 150);
    try {
        const next = await load(signal);
        if (signal.aborted) {
            await next.close();
            return;
        }
        await Promise.all([chart?.destroy(), overview?.destroy()]);
        await source?.close();
        source = next;
        showChart();
        remember();
    } catch (cause) {
        if (!signal.aborted) toast(ChartError.from(cause).message);
    } finally {
        clearTimeout(timer);
        busy.hidden = true;
    }
}

async function openServed(name: string): Promise<void> {
    const url = sets.find((set) => set.name === name)?.url ?? `/data/${encodeURI(name)}.gch`;
    await open(name, (signal) => openData(new URL(url.replace(/^\//, ''), serverUrl), { signal }));
}

async function openFile(file: File): Promise<void> {
    state = { theme: state.theme, zone: state.zone, type: state.type };
    await open(file.name, (signal) => openData(file, { signal }));
}

/** A random walk, to try things out with. */
async function openDemo(): Promise<void> {
    const count = 10_000_000;
    state = { theme: state.theme, zone: state.zone, type: state.type };
    await open('ten million points', async (signal) => {
        const times = new Float64Array(count);
        const price = new Float64Array(count);
        let at = 100;
        for (let i = 0; i < count; i++) {
            at += (Math.random() - 0.5) * 0.1;
            times[i] = Date.UTC(2024, 0, 1) + i * 1000;
            price[i] = Math.round(at * 100) / 100;
        }
        return openData({ name: 'random walk', times, columns: { price } }, { signal });
    });
}

/* ---- dropped files ---- */

function wireDrop(): void {
    let depth = 0;
    const show = (isShown: boolean) => (get('drop').hidden = !isShown);
    addEventListener('dragenter', (event) => {
        if (!(event.dataTransfer?.types.includes('Files') ?? false)) return;
        depth++;
        show(true);
    });
    addEventListener('dragleave', () => {
        depth = Math.max(0, depth - 1);
        show(depth > 0);
    });
    addEventListener('dragover', (event) => event.preventDefault());
    addEventListener('drop', (event) => {
        event.preventDefault();
        depth = 0;
        show(false);
        const file = event.dataTransfer?.files[0];
        if (file !== undefined) void openFile(file);
    });
}

async function restore(): Promise<void> {
    applyTheme();
    showControls();
    if (state.data !== undefined) await openServed(state.data);
    else if (sets.length > 0 && source === undefined) showList(true);
}

makeTypes();
makeZones();
wireControls();
wireDrop();
applyTheme();
showControls();
await listSets();
await restore();
