/* The viewer page: data sets of a server or files of this machine, in one chart.
 *
 * Everything that decides what is seen stands in `state`, and in the address; controls change the
 * state, and are set from it.
 *
 * Invariants:
 *  1. The address restores what is seen: whatever changes the state writes it, a while later.
 *  2. One opening is under way at a time; a newer one ends it.
 */
import {
    type BackendChoice,
    type Chart,
    ChartError,
    type DataSource,
    type Mark,
    type ThemeName,
    createChart,
    formatSpan,
    openData,
} from 'gpu-charts';

import { makeBrush } from './brush.js';
import { COUNT, brief, bytes, get, icon, make, text, toast } from './dom.js';
import { makeHelp, wireKeys } from './help.js';
import { Hud } from './hud.js';
import { type Find, dropMissing, isPointSet, shortName, showSeriesPanel, toOptions, typeOf, typesOf } from './series.js';
import { LIVE, Server, Session } from './session.js';
import { type SetsHost, showSets } from './sets.js';
import { type SeriesState, type State, emptyState, readState, writeState } from './state.js';
import { lengthOf, parseTime, showTime } from './times.js';
import { makePresets, makeSettings, makeStudyMenu } from './tools.js';
import { rangeText, showBars, showRange, showSettings, showTypes, wireMenus } from './tools.js';

const query = new URLSearchParams(location.search);
const backend = (query.get('backend') ?? 'auto') as BackendChoice;
const WIDE = matchMedia('(min-width: 1100px)');
const FINE = matchMedia('(pointer: fine)'); /* else a keyboard on the screen would open */
const DARK = matchMedia('(prefers-color-scheme: dark)');
const CONTRAST = matchMedia('(prefers-contrast: more)');
const STATUS_MS = 100;
/** A view that follows changes all the time, and Safari takes a hundred addresses in half a minute. */
const REMEMBER_MS = 400;

const server = new Server();
const session = new Session(server);
let state: State = readState(location.hash);
let chart: Chart | undefined;
let overview: Chart | undefined;
let opening = new AbortController();
let tryAgain: () => void = () => undefined;
let stateTimer: ReturnType<typeof setTimeout> | undefined;
let isFollowing = true;
let statusTimer: ReturnType<typeof setTimeout> | undefined;

const hud = new Hud(() => chart);

function primary(): DataSource | undefined {
    return state.data === undefined ? undefined : session.get(state.data);
}

const find: Find = (series) => (series.of === undefined ? primary() : session.get(series.of));

function tell(cause: unknown): void {
    const error = ChartError.from(cause);
    if (error.code !== 'cancelled') toast(error.message, true);
}

function remember(): void {
    stateTimer ??= setTimeout(() => {
        stateTimer = undefined;
        history.replaceState(null, '', writeState(state));
    }, REMEMBER_MS);
}

/* ---- theme and zone ---- */

function themeNow(): ThemeName {
    if (state.theme !== 'auto') return state.theme;
    return CONTRAST.matches ? 'contrast' : DARK.matches ? 'dark' : 'light';
}

function applyTheme(): void {
    document.documentElement.dataset['theme'] = themeNow();
    chart?.setTheme(themeNow());
    showSettings(state);
    if (chart !== undefined) showSeries();
}

function nextTheme(): void {
    const all = ['auto', 'light', 'dark', 'contrast'] as const;
    state.theme = all[(all.indexOf(state.theme) + 1) % all.length] ?? 'auto';
    applyTheme();
    remember();
    toast(`Theme: ${state.theme}`);
}

function zoneNow(): string {
    const zone = state.zone ?? primary()?.info.timeZone ?? '';
    return zone === '' ? 'UTC' : zone;
}

/* ---- what is drawn ---- */

/** The series that the type menu is about: those of the first panel but studies. */
function leading(): SeriesState[] {
    return state.series.filter((one) => one.panel === 0 && one.study === undefined);
}

function leadingType(): Mark {
    const first = leading()[0] ?? state.series[0];
    return first === undefined ? 'line' : typeOf(first, find(first));
}

function setType(type: Mark): void {
    for (const one of leading()) one.type = type;
    state.values = [];
    delete state.x;
    chart?.setView({ min: null, xMin: null });
    redraw();
}

function nextType(): void {
    const first = leading()[0];
    const source = first === undefined ? undefined : find(first);
    if (source === undefined) return;
    const all = typesOf(source);
    setType(all[(all.indexOf(leadingType()) + 1) % all.length] ?? 'line');
}

/** The state's series into the chart; the view stays. */
function redraw(): void {
    const { series, panels } = toOptions(state, find);
    if (chart !== undefined && series.length > 0) chart.setSeries(series, panels).then(showControls, tell);
    showControls();
    showSeries();
    remember();
}

function showSeries(): void {
    const colors = chart?.getSeries() ?? [];
    showSeriesPanel(
        {
            state,
            find,
            theme: themeNow,
            colorOf: (index) => state.series[index]?.color ?? (colors[index]?.color ?? '#888888').slice(0, 7),
            changed: redraw,
            shown: (index, isShown) => showOrHide(index, isShown),
        },
        primary(),
    );
}

function showOrHide(index: number, isShown: boolean): void {
    const one = state.series[index];
    if (one === undefined) return;
    one.isHidden = !isShown;
    if (index < (chart?.getSeries().length ?? 0)) chart?.setVisible(index, isShown);
    showSeries();
    remember();
}

function showControls(): void {
    const view = chart?.getView();
    const first = leading()[0];
    const source = first === undefined ? primary() : find(first);
    const bars: Mark[] = ['candles', 'ohlc', 'bars', 'volume'];
    const hasBars = state.series.some(
        (one) => one.study !== undefined || bars.includes(typeOf(one, find(one))),
    );
    showTypes(leadingType(), source, setType);
    showBars(hasBars, state, chart?.getBarWidth());
    get('log').setAttribute('aria-pressed', String(state.log));
    get('fit').toggleAttribute('disabled', view === undefined || view.axes.every((axis) => axis.fitsValues));
    document.body.classList.toggle('points', isPointSet(primary()));
    const follow = get('follow');
    follow.hidden = primary()?.grows !== true;
    if (follow.childElementCount === 0) follow.append(icon('live'), make('span'));
    text(follow.lastElementChild as HTMLElement, isFollowing ? 'Live' : 'Held');
    follow.setAttribute('aria-pressed', String(isFollowing));
    if (chart !== undefined) showRange(chart, zoneNow());
    showSettings(state);
    text(get('zone-now'), zoneNow());
}

/* ---- opening ---- */

function describeSource(source: DataSource): void {
    const { info } = source;
    text(get('name'), shortName(source));
    text(document.querySelector('title') as HTMLElement, `${get('name').textContent} – GPU Charts`);
    const facts = [`${COUNT.format(info.rows)} rows`];
    if (info.bytes > 0) facts.push(bytes(info.bytes));
    if (info.unit !== 'index' && info.rows > 1)
        facts.push(formatSpan(BigInt(info.last) - BigInt(info.first), info.unit));
    text(get('facts'), facts.join('  ·  '));
}

function showChart(source: DataSource): void {
    get('empty').hidden = true;
    get('failed').hidden = true;
    document.body.classList.remove('empty');
    describeSource(source);
    const names = source.info.columns.map((column) => column.name);
    dropMissing(state, find);
    if (state.series.length === 0)
        state.series = [{ column: names[0] ?? '', panel: 0, axis: 'left', isHidden: false }];
    const { series, panels } = toOptions(state, find);
    isFollowing = true;
    chart = createChart(get('chart'), {
        series,
        panels,
        backend,
        theme: themeNow(),
        ...(state.zone === undefined ? {} : { timeZone: state.zone }),
        ...(state.bar === undefined ? {} : { barWidth: state.bar }),
        axes: {
            x: {
                ...(state.from === undefined ? {} : { from: state.from, to: state.to }),
                ...(state.x ?? {}),
            },
        },
    });
    for (const { panel, axis, min, max } of state.values)
        if (panel < panels.length) chart.setView({ panel, axis, min, max });
    chart.setBoxMode(get('box').getAttribute('aria-pressed') === 'true');
    chart.on('error', (error) => toast(error.message, true));
    chart.on('view', viewChanged);
    chart.on('progress', ({ complete }) => showProgress(complete));
    chart.on('connection', ({ connected, message }) => showLink(connected, message));
    chart.on('series', ({ index, visible }) => {
        const one = state.series[index];
        if (one === undefined || one.isHidden === !visible) return;
        one.isHidden = !visible;
        showSeries();
        remember();
    });
    const mine = chart;
    chart.ready.then(
        () => {
            if (mine !== chart) return;
            makePresets(mine);
            showControls();
            showSeries();
            mine.focus();
        },
        () => undefined,
    );
    makeStudyMenu(names, (kind, length, column, other) => {
        const study = kind === 'spread' ? { kind, length: 0, column: other } : { kind, length };
        const panel = kind === 'spread' ? 1 + Math.max(...state.series.map((one) => one.panel)) : 0;
        state.series.push({ column, panel: Math.min(7, panel), axis: 'left', isHidden: false, study });
        redraw();
    });
    showOverview(source);
    showSeries();
    showControls();
    showSets(setsHost);
}

function showOverview(source: DataSource): void {
    get('strip').hidden = source.info.rows < 2 || isPointSet(source);
    if (get('strip').hidden) return;
    overview = createChart(get('overview'), {
        series: [{ data: source, column: state.series[0]?.of === undefined ? (state.series[0]?.column ?? 0) : 0 }],
        backend,
        bare: true,
        interactive: false,
    });
    overview.ready.catch(() => undefined);
}

async function destroyCharts(): Promise<void> {
    const old = [chart, overview];
    chart = overview = undefined;
    await Promise.all(old.map((one) => one?.destroy()));
}

/** As the page is before anything is opened. */
async function showNothing(): Promise<void> {
    opening.abort();
    opening = new AbortController();
    const { signal } = opening;
    delete state.data;
    document.body.classList.add('empty');
    for (const id of ['loading', 'failed', 'strip']) get(id).hidden = true;
    get('empty').hidden = false;
    text(get('name'), 'GPU Charts');
    text(get('facts'), '');
    text(document.querySelector('title') as HTMLElement, 'GPU Charts');
    await destroyCharts();
    if (signal.aborted) return;
    await session.keep(new Set());
    showControls();
    showSeries();
    showSets(setsHost);
}

/** `load` brings a data set, and makes the state be of it. What is shown stays until then. */
async function open(what: string, load: (signal: AbortSignal) => Promise<void>): Promise<void> {
    opening.abort();
    opening = new AbortController();
    const { signal } = opening;
    tryAgain = () => void open(what, load);
    text(get('loading').lastElementChild as HTMLElement, `Opening ${what}…`);
    const timer = setTimeout(() => (get('loading').hidden = false), 120);
    get('failed').hidden = true;
    try {
        await load(signal);
        const source = primary();
        if (signal.aborted || source === undefined) return;
        await destroyCharts();
        if (signal.aborted) return;
        await session.keep(new Set([state.data ?? '', ...state.series.map((one) => one.of ?? '')]));
        if (signal.aborted) return;
        showChart(source);
        remember();
    } catch (cause) {
        if (!signal.aborted) showFailure(ChartError.from(cause));
    } finally {
        clearTimeout(timer);
        if (!signal.aborted) get('loading').hidden = true;
    }
}

function showFailure(error: ChartError): void {
    const isToken = / \(40[13]\)/.test(error.message);
    text(get('failed-why'), error.message);
    get('failed').hidden = false;
    get('retry').focus();
    if (isToken) askToken();
}

/** What stays when other data comes: how it is looked at. */
function fresh(data: string): State {
    const next = emptyState();
    next.data = data;
    next.theme = state.theme;
    if (state.zone !== undefined) next.zone = state.zone;
    if (state.palette !== undefined) next.palette = state.palette;
    return next;
}

async function loadState(wanted: State, signal: AbortSignal): Promise<void> {
    if (wanted.data !== undefined) await session.load(wanted.data, signal);
    for (const { of } of wanted.series) if (of !== undefined) await session.load(of, signal);
    if (!signal.aborted) state = wanted;
}

async function openServed(name: string): Promise<void> {
    if (!WIDE.matches) showPanel(false);
    const wanted = name === state.data && primary() !== undefined ? state : fresh(name);
    await open(name.replace(LIVE, ''), (signal) => loadState(wanted, signal));
}

async function addServed(name: string): Promise<void> {
    try {
        const source = await session.load(name, opening.signal);
        const column = source.info.columns[0]?.name ?? '';
        if (source.info.unit !== primary()?.info.unit || isPointSet(source) !== isPointSet(primary()))
            throw new ChartError('invalid', `${name}: its times have another unit; it needs a chart of its own`);
        state.series.push({ of: name, column, panel: 0, axis: 'right', isHidden: false });
        redraw();
    } catch (cause) {
        tell(cause);
    }
}

/** Data of this machine are what is shown from now on. */
async function adopt(name: string, source: DataSource, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return source.close();
    state = fresh(name);
    session.adopt(name, source);
}

async function openFile(file: File): Promise<void> {
    const name = `file:${file.name}`;
    await open(file.name, async (signal) => {
        await adopt(name, await openData(file, { signal }), signal);
    });
}

/** A random walk, to try things out with. */
async function openDemo(): Promise<void> {
    const count = 10_000_000;
    await open('ten million points', async (signal) => {
        await new Promise((resolve) => setTimeout(resolve, 150)); /* what is said is to be seen first */
        const times = new Float64Array(count);
        const price = new Float64Array(count);
        let at = 100;
        for (let i = 0; i < count; i++) {
            at += (Math.random() - 0.5) * 0.1;
            times[i] = Date.UTC(2024, 0, 1) + i * 1000;
            price[i] = Math.round(at * 100) / 100;
        }
        const data = { name: 'random walk', times, columns: { price } };
        await adopt('file:random walk', await openData(data, { signal }), signal);
    });
}

/* ---- the view ---- */

const brush = makeBrush(get('strip'), get('brush'), (from, to) => {
    const extent = chart?.getExtent();
    if (extent === undefined) return;
    const span = Number(extent.to - extent.from);
    const a = extent.from + BigInt(Math.round(from * span));
    const b = extent.from + BigInt(Math.round(to * span));
    if (b > a) chart?.setView({ from: a, to: b });
});

function showBrush(shown: Chart): void {
    const view = shown.getView();
    const extent = shown.getExtent();
    if (view === undefined) return;
    const span = Number(extent.to - extent.from);
    brush.show(
        Number(view.fromTicks - extent.from) / span,
        Number(view.toTicks - extent.from) / span,
        rangeText(shown, zoneNow()),
    );
}

function viewChanged(): void {
    const view = chart?.getView();
    const extent = chart?.getExtent();
    if (chart === undefined || view === undefined || extent === undefined) return;
    showBrush(chart);
    const isAll = view.fromTicks === extent.from && view.toTicks === extent.to;
    if (isAll) {
        delete state.from;
        delete state.to;
    } else {
        state.from = view.fromTicks;
        state.to = view.toTicks;
    }
    if (view.fitsX === false && view.xMin !== undefined && view.xMax !== undefined)
        state.x = { min: view.xMin, max: view.xMax };
    else delete state.x;
    /* Which axes there are is known from the first picture on. */
    if (view.axes.length > 0) state.values = view.axes.filter((axis) => !axis.fitsValues);
    showControls();
    remember();
}

function showProgress(complete: number): void {
    const exact = get('exact');
    text(exact, complete === 1 ? 'Exact' : `Refining, ${Math.floor(100 * complete)} %`);
    exact.classList.toggle('waits', complete < 1);
    statusTimer ??= setTimeout(() => {
        statusTimer = undefined;
        void showStatus();
    }, STATUS_MS);
}

async function showStatus(): Promise<void> {
    const source = primary();
    if (chart !== undefined && source?.grows === true) {
        describeSource(source);
        makePresets(chart); /* longer ones fit now */
        showBrush(chart); /* a view that is held is a smaller part of it */
    }
    showControls();
    const stats = await chart?.stats().catch(() => undefined);
    if (stats === undefined) return;
    const { width, height } = stats;
    text(get('shown'), `${brief(stats.rowsInView)} points in view`);
    text(get('drawn-by'), `${stats.backend}, ${stats.frameMs.toFixed(1)} ms, ${width} × ${height}`);
}

function showLink(isConnected: boolean, message: string): void {
    get('exact').classList.toggle('lost', !isConnected);
    toast(isConnected ? 'The live series is connected again.' : message, !isConnected);
}

function setFollow(follows: boolean): void {
    isFollowing = follows;
    chart?.setFollow(follows);
    if (follows) toEnd();
    showControls();
}

/** The newest rows, in a view as long as this one. */
function toEnd(): void {
    const view = chart?.getView();
    const extent = chart?.getExtent();
    if (view === undefined || extent === undefined) return;
    const span = view.toTicks - view.fromTicks;
    chart?.setView({ from: extent.to - span, to: extent.to });
}

function toggleLog(): void {
    state.log = !state.log;
    state.values = [];
    chart?.setView({ min: null });
    redraw();
}

function toggleBox(): void {
    const isOn = get('box').getAttribute('aria-pressed') !== 'true';
    get('box').setAttribute('aria-pressed', String(isOn));
    chart?.setBoxMode(isOn);
}

/* ---- a view to share, a picture to keep, a range to enter ---- */

async function share(): Promise<void> {
    history.replaceState(null, '', writeState(state));
    if (state.data === undefined || state.data.startsWith('file:')) {
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
        const link = make('a', { href: URL.createObjectURL(blob), download: `${get('name').textContent}.png` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
        toast(`Saved ${link.download}`);
    } catch (cause) {
        tell(cause);
    }
}

function askRange(): void {
    const view = chart?.getView();
    if (view === undefined || isPointSet(primary())) return;
    const { unit } = view;
    const zone = zoneNow();
    const dialog = get<HTMLDialogElement>('range-dialog');
    const from = get<HTMLInputElement>('from');
    const to = get<HTMLInputElement>('to');
    const hint = get('range-hint');
    const step = Number(view.toTicks - view.fromTicks) / 2000;
    from.value = showTime(view.fromTicks, unit, zone, step);
    to.value = showTime(view.toTicks, unit, zone, step);
    text(
        hint,
        unit === 'index'
            ? 'Numbers of rows.'
            : `Times of ${zone}, such as 2024-03-01 12:30:00.125; with Z or +01:00 of another. ` +
                  'A length such as 2h or 3d in “From” counts back from “To”.',
    );
    hint.classList.remove('bad');
    dialog.returnValue = '';
    dialog.showModal();
    from.select();
    dialog.onclose = () => {
        if (dialog.returnValue !== 'ok') return;
        const end = parseTime(to.value, unit, zone);
        const length = lengthOf(from.value, unit);
        const start =
            length === undefined || end === undefined ? parseTime(from.value, unit, zone) : end - length;
        if (start !== undefined && end !== undefined && start < end) {
            chart?.setView({ from: start, to: end });
            return;
        }
        const bad = start === undefined ? from : to;
        text(hint, start !== undefined && end !== undefined ? '“From” has to lie before “To”.' : `“${bad.value}” is no time.`);
        hint.classList.add('bad');
        dialog.returnValue = '';
        dialog.showModal();
        bad.select();
    };
}

function askToken(): void {
    const dialog = get<HTMLDialogElement>('token-dialog');
    const input = get<HTMLInputElement>('token');
    if (dialog.open) return;
    input.value = '';
    dialog.returnValue = '';
    dialog.showModal();
    dialog.onclose = () => {
        if (dialog.returnValue !== 'ok' || input.value.trim() === '') return;
        server.setToken(input.value.trim());
        void boot();
    };
}

/* ---- the panel ---- */

const setsHost: SetsHost = {
    server,
    current: () => state.data,
    open: (name) => void openServed(name),
    add: (name) => void addServed(name),
    askToken,
    again: () => void listSets(),
};

function showPanel(isShown: boolean, takesFocus = false): void {
    get('panel').hidden = !isShown;
    get('open-panel').setAttribute('aria-expanded', String(isShown));
    if (!takesFocus) return;
    if (!isShown) get('open-panel').focus();
    else get(get('search').hidden || !FINE.matches ? 'close-panel' : 'search').focus();
}

async function listSets(): Promise<void> {
    await server.list();
    showSets(setsHost);
}

/* ---- wiring ---- */

function wireControls(): void {
    const click = (id: string, action: () => void) => get(id).addEventListener('click', action);
    const bar = get<HTMLSelectElement>('bar');
    bar.addEventListener('change', () => {
        if (bar.value === '') delete state.bar;
        else state.bar = bar.value;
        chart?.setBarWidth(state.bar);
        showControls();
        remember();
    });
    makeSettings(() => state, {
        theme: () => {
            applyTheme();
            remember();
        },
        zone: () => {
            chart?.setTimeZone(state.zone ?? (zoneNow() === 'UTC' ? undefined : zoneNow()));
            showControls();
            remember();
        },
        palette: redraw,
    });
    click('log', toggleLog);
    click('box', toggleBox);
    click('fit', () => chart?.setView({ min: null }));
    click('reset', () => chart?.reset());
    click('follow', () => setFollow(!isFollowing));
    click('share', () => void share());
    click('save', () => void save());
    click('stats', () => toggleHud());
    click('help', () => get<HTMLDialogElement>('help-dialog').showModal());
    click('range', askRange);
    click('open-panel', () => showPanel(get('panel').hidden, true));
    click('close-panel', () => showPanel(false, true));
    for (const button of document.querySelectorAll<HTMLElement>('dialog .cancel'))
        button.addEventListener('click', () => button.closest('dialog')?.close());
    click('retry', () => tryAgain());
    click('other', () => {
        /* Unless the address has named what failed, there is the chart of before, or the page's beginning. */
        get('failed').hidden = chart === undefined || primary() !== undefined;
        get('empty').hidden = chart !== undefined;
        showPanel(true, true);
    });
    for (const id of ['pick', 'pick-too']) click(id, () => get('file').click());
    click('demo', () => void openDemo());
    get('search').addEventListener('input', () => showSets(setsHost));
    get('panel').addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && !WIDE.matches) showPanel(false, true);
    });
    get('file').addEventListener('change', (event) => {
        const input = event.target as HTMLInputElement;
        const [file] = input.files ?? [];
        if (file !== undefined) void openFile(file);
        input.value = ''; /* the same one may be chosen again */
    });
    for (const media of [DARK, CONTRAST]) media.addEventListener('change', applyTheme);
    addEventListener('resize', viewChanged);
    addEventListener('hashchange', () => {
        state = readState(location.hash);
        void restore();
    });
}

function toggleHud(): void {
    get('stats').setAttribute('aria-pressed', String(hud.toggle()));
}

function wireHands(): void {
    const actions: Record<string, () => void> = {
        '?': () => get<HTMLDialogElement>('help-dialog').showModal(),
        '/': () => {
            showPanel(true, true);
        },
        a: () => chart?.reset(),
        b: toggleBox,
        c: nextType,
        d: () => showPanel(get('panel').hidden, true),
        e: () => setFollow(true),
        End: () => setFollow(true),
        f: () => chart?.setView({ min: null }),
        g: askRange,
        h: toggleHud,
        l: toggleLog,
        o: () => get('file').click(),
        s: () => void save(),
        t: nextTheme,
        u: () => void share(),
    };
    for (let i = 1; i <= 9; i++)
        actions[String(i)] = () => showOrHide(i - 1, state.series[i - 1]?.isHidden === true);
    wireKeys(actions, (event) => {
        if (chart === undefined) return;
        event.preventDefault();
        chart.focus();
        get('chart').firstElementChild?.shadowRoot?.activeElement?.dispatchEvent(
            new KeyboardEvent('keydown', { key: event.key, shiftKey: event.shiftKey, bubbles: true }),
        );
    });
}

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
    const { data } = state;
    const isHere = data?.startsWith('file:') === true;
    if (data !== undefined && (!isHere || primary() !== undefined)) {
        const wanted = state;
        await open(data.replace(isHere ? 'file:' : LIVE, ''), (signal) => loadState(wanted, signal));
        return;
    }
    await showNothing();
    if (isHere) toast(`“${data?.slice('file:'.length)}” was a file of this machine: open it again.`);
}

async function boot(): Promise<void> {
    const before = opening;
    await listSets();
    if (opening === before) await restore(); /* else something has been opened by hand meanwhile */
}

wireMenus();
makeHelp();
wireControls();
wireHands();
wireDrop();
applyTheme();
get('empty').hidden = state.data !== undefined; /* it is on its way */
showPanel(WIDE.matches && state.data !== undefined);
await boot();
showPanel(WIDE.matches && server.sets.length > 0 && chart !== undefined);
