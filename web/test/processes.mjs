// What the system knows of the processes that this one has started: browsers, with all that they start.
import { readFileSync, readdirSync } from 'node:fs';

function read(file) {
    try {
        return readFileSync(file, 'utf8');
    } catch {
        return ''; /* it has ended */
    }
}

/** Of this process, itself not included: the processes below it. */
export function descendants(root = process.pid) {
    const children = new Map();
    for (const name of readdirSync('/proc')) {
        if (!/^\d+$/.test(name)) continue;
        const stat = read(`/proc/${name}/stat`);
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    }
    const below = (pid) => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
    return below(root);
}

/** Threads by that name, as browsers call those of workers ("DedicatedWorker", "DOM Worker"). */
export function countThreads(names) {
    let count = 0;
    for (const pid of descendants()) {
        let tasks = [];
        try {
            tasks = readdirSync(`/proc/${pid}/task`);
        } catch {
            continue;
        }
        for (const task of tasks)
            if (names.includes(read(`/proc/${pid}/task/${task}/comm`).trim())) count++;
    }
    return count;
}

/** Memory of the processes, what they share counted in parts (PSS). */
export function countBytes(pids) {
    let kib = 0;
    for (const pid of pids)
        kib += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
    return kib * 1024;
}
