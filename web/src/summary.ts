/* What a picture shows, for people who do not see it. */
import type { Frame } from './protocol.js';
import type { Shown } from './series.js';
import { formatSpan, formatTicks } from './time.js';
import type { ViewState } from './view-state.js';

const HINT = 'Arrow keys pan and zoom, Home shows everything, bracket keys read values.';

function short(value: number): string {
    return String(Number(value.toPrecision(6)));
}

/** "2 hours from 2024-03-01 09:30 to …, 7,200 rows, values from 1 to 2." */
export function describeView(frame: Frame, state: ViewState, zone: string): string {
    const rows = `${frame.rows.toLocaleString('en-US')} rows`;
    const values = frame.panels.flatMap((panel, i) => {
        const shown = panel.left ?? panel.right;
        if (shown === undefined) return [];
        const of = frame.panels.length > 1 ? `panel ${i + 1}: ` : '';
        return [`${of}values from ${short(shown.min)} to ${short(shown.max)}`];
    });
    if (frame.across !== undefined) {
        const across = `x from ${short(frame.across.min)} to ${short(frame.across.max)}`;
        return `${[across, rows, ...values].join(', ')}.`;
    }
    const step = Number(frame.to - frame.from) / 100;
    const from = formatTicks(frame.from, state.unit, zone, step);
    const to = formatTicks(frame.to - 1n, state.unit, zone, step);
    const span = `${formatSpan(frame.to - frame.from, state.unit)} from ${from} to ${to}`;
    return `${[span, rows, ...values].join(', ')}.`;
}

/** With what describeView said of it. */
export function summarize(title: string | undefined, visible: readonly Shown[], view: string): string {
    const names = visible.map((one) => one.label).join(', ');
    return `${title === undefined ? '' : `${title}. `}Chart of ${names}: ${view} ${HINT}`;
}
