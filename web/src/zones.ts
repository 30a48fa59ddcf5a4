/* Time zones for the engine: TZif bytes (RFC 8536) made of what Intl knows.
 *
 * The offset of a zone at an instant is asked of Intl.DateTimeFormat; changes are found by probing
 * every MONTH_S and halving what lies between two different answers. From LAST_YEAR on the last
 * offset stays, as it does before FIRST_YEAR.
 */

const FIRST_YEAR = 1900;
const LAST_YEAR = 2060;
const STEP_S = 30 * 86400;
const HEADER_BYTES = 44;

const known = new Map<string, Uint8Array | undefined>();

function makeFormat(name: string): Intl.DateTimeFormat | undefined {
    try {
        return new Intl.DateTimeFormat('en-US', {
            timeZone: name,
            calendar: 'gregory',
            numberingSystem: 'latn',
            hourCycle: 'h23',
            era: 'short',
            year: 'numeric',
            month: 'numeric',
            day: 'numeric',
            hour: 'numeric',
            minute: 'numeric',
            second: 'numeric',
        });
    } catch {
        return undefined;
    }
}

/** Seconds east of UTC. */
function offsetAt(format: Intl.DateTimeFormat, utcS: number): number {
    const field: Record<string, number> = {};
    for (const part of format.formatToParts(utcS * 1000)) field[part.type] = Number(part.value);
    const local = Date.UTC(
        field['year'] ?? 0,
        (field['month'] ?? 1) - 1,
        field['day'],
        field['hour'],
        field['minute'],
        field['second'],
    );
    return local / 1000 - utcS;
}

interface Change {
    at: number;
    offset: number;
}

function findChanges(format: Intl.DateTimeFormat): { first: number; changes: Change[] } {
    const start = Date.UTC(FIRST_YEAR, 0) / 1000;
    const end = Date.UTC(LAST_YEAR, 0) / 1000;
    const first = offsetAt(format, start);
    const changes: Change[] = [];
    let before = first;
    for (let at = start; at < end; at += STEP_S) {
        const after = offsetAt(format, at + STEP_S);
        if (after === before) continue;
        let low = at;
        let high = at + STEP_S;
        while (high - low > 1) {
            const middle = Math.floor((low + high) / 2);
            if (offsetAt(format, middle) === before) low = middle;
            else high = middle;
        }
        changes.push({ at: high, offset: after });
        before = after;
    }
    return { first, changes };
}

function abbreviation(offset: number): string {
    const minutes = Math.round(Math.abs(offset) / 60);
    const hours = String(Math.floor(minutes / 60)).padStart(2, '0');
    const rest = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0');
    return offset === 0 ? 'UTC' : `${offset < 0 ? '-' : '+'}${hours}${rest}`;
}

/** A version 2 file: an empty block of version 1, one with 64-bit times, an empty footer. */
function writeTzif(first: number, changes: Change[]): Uint8Array {
    const offsets = [...new Set([first, ...changes.map((change) => change.offset)])];
    const names = offsets.map((offset) => `${abbreviation(offset)}\0`);
    const text = names.join('');
    const bytes = new Uint8Array(
        2 * HEADER_BYTES + 7 + changes.length * 9 + offsets.length * 6 + text.length + 2,
    );
    const view = new DataView(bytes.buffer);
    let at = 0;
    const header = (times: number, types: number, characters: number) => {
        bytes.set([0x54, 0x5a, 0x69, 0x66, 0x32], at);
        view.setUint32(at + 32, times);
        view.setUint32(at + 36, types);
        view.setUint32(at + 40, characters);
        at += HEADER_BYTES;
    };
    header(0, 1, 1); /* a block of version 1 has a type too */
    at += 7;
    header(changes.length, offsets.length, text.length);
    for (const change of changes) {
        view.setBigInt64(at, BigInt(change.at));
        at += 8;
    }
    for (const change of changes) bytes[at++] = offsets.indexOf(change.offset);
    let nameAt = 0;
    offsets.forEach((offset, i) => {
        view.setInt32(at, offset);
        bytes[at + 5] = nameAt;
        nameAt += (names[i] ?? '').length;
        at += 6;
    });
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    bytes[at++] = 10;
    bytes[at] = 10;
    return bytes;
}

/** The zone's TZif bytes, or undefined if this browser knows no zone of that name. */
export function zoneBytes(name: string): Uint8Array | undefined {
    if (!known.has(name)) {
        const format = makeFormat(name);
        let bytes: Uint8Array | undefined;
        if (format !== undefined) {
            const { first, changes } = findChanges(format);
            bytes = writeTzif(first, changes);
        }
        known.set(name, bytes);
    }
    return known.get(name);
}
