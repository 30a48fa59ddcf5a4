/* The data that is open: one data set, and others that series of it were added from.
 *
 * Invariants:
 *  1. What is opened by name is opened once, and closed when nothing that is shown names it.
 */
import { ChartError, type DataSource, openData } from 'gpu-charts';

/** As GET /v1/data lists them. */
export interface ServedSet {
    name: string;
    url?: string;
    row_count?: number;
    file_bytes?: number;
    time?: { unit: string; zone: string; first: number; last: number };
    columns?: { name: string; unit: string }[];
    error?: { message: string };
}

export interface LiveSet {
    name: string;
    row_count: number;
}

export const LIVE = 'live:';
const TOKEN = 'gpu-charts-token';

const ANSWER_MS = 15_000;

const query = new URLSearchParams(location.search);

/** What a browser keeps for this tab; a reader may have it keep nothing. */
function kept(): Storage | undefined {
    try {
        return sessionStorage;
    } catch {
        return undefined;
    }
}

/** What a server lists: whatever has a name. */
function namedOf<T extends { name: string }>(answer: unknown, key: string): T[] {
    const list = (answer as Record<string, unknown> | null)?.[key];
    return Array.isArray(list) ? list.filter((one): one is T => typeof one?.name === 'string') : [];
}

export class Server {
    readonly url: URL;
    sets: ServedSet[] = [];
    live: LiveSet[] = [];
    /** '' while all is well; else what to tell. */
    trouble = '';
    needsToken = false;
    private readonly isBadUrl: boolean;
    private token: string | undefined;

    constructor() {
        const url = query.get('server') ?? '/';
        this.isBadUrl = !URL.canParse(url, location.href);
        this.url = new URL(this.isBadUrl ? '/' : url, location.href);
        const given = query.get('token');
        this.token = given ?? kept()?.getItem(TOKEN) ?? undefined;
        if (given === null) return;
        this.setToken(given);
        query.delete('token'); /* not to be seen, shared or kept in the history */
        const rest = query.toString();
        history.replaceState(null, '', `${location.pathname}${rest === '' ? '' : `?${rest}`}${location.hash}`);
    }

    setToken(token: string): void {
        this.token = token;
        kept()?.setItem(TOKEN, token);
    }

    get headers(): Record<string, string> {
        return this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` };
    }

    private async ask(path: string): Promise<Response> {
        return fetch(new URL(path, this.url), {
            headers: this.headers,
            signal: AbortSignal.timeout(ANSWER_MS),
        });
    }

    /** Asks what there is. A page on a static host has no server, which is no trouble. */
    async list(): Promise<void> {
        this.sets = [];
        this.live = [];
        this.trouble = '';
        this.needsToken = false;
        if (this.isBadUrl) {
            this.trouble = `“${query.get('server')}” is no address of a server (?server=https://host:port/).`;
            return;
        }
        try {
            const response = await this.ask('v1/data');
            const isJson = response.headers.get('Content-Type')?.includes('json') === true;
            this.needsToken = response.status === 401;
            if (response.ok && isJson)
                this.sets = namedOf<ServedSet>(await response.json(), 'data');
            else if (this.needsToken) this.trouble = 'This server asks for a token.';
            else if (isJson || response.status >= 500)
                this.trouble = `The server answered ${response.status}; its list is not there.`;
            if (!response.ok || !isJson) return;
            const live = await this.ask('v1/live');
            if (live.ok) this.live = namedOf<LiveSet>(await live.json(), 'live');
        } catch (cause) {
            const isLate = cause instanceof DOMException && cause.name === 'TimeoutError';
            if (isLate || query.has('server'))
                this.trouble =
                    `${this.url.host} cannot be reached. It may be down, or not allow this page ` +
                    `(gpucharts serve --allow-origin ${location.origin}).`;
        }
    }

    /** The address of a data set, or of a live series. */
    addressOf(name: string): URL {
        if (name.startsWith(LIVE)) {
            const parts = name.slice(LIVE.length).split('/').map(encodeURIComponent).join('/');
            return new URL(`v1/live/${parts}`, this.url);
        }
        const known = this.sets.find((set) => set.name === name)?.url;
        const parts = name.split('/').map(encodeURIComponent).join('/');
        return new URL((known ?? `/data/${parts}.gch`).replace(/^\//, ''), this.url);
    }
}

export class Session {
    private readonly open = new Map<string, DataSource>();
    /** By others of their names. */
    private replaced: DataSource[] = [];

    constructor(private readonly server: Server) {}

    get(name: string): DataSource | undefined {
        return this.open.get(name);
    }

    /** A file or arrays under a name of its own. */
    adopt(name: string, source: DataSource): void {
        const before = this.open.get(name);
        if (before !== undefined) this.replaced.push(before);
        this.open.set(name, source);
    }

    async load(name: string, signal: AbortSignal): Promise<DataSource> {
        const known = this.open.get(name);
        if (known !== undefined) return known;
        const url = this.server.addressOf(name);
        const source = await openData({ url, headers: this.server.headers }, { signal });
        if (signal.aborted) {
            await source.close();
            throw new ChartError('cancelled', 'cancelled');
        }
        this.open.set(name, source);
        return source;
    }

    /** Closes everything but these. */
    async keep(names: ReadonlySet<string>): Promise<void> {
        for (const source of this.replaced.splice(0)) await source.close();
        for (const [name, source] of this.open) {
            if (names.has(name)) continue;
            this.open.delete(name);
            await source.close();
        }
    }
}
