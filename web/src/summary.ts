/* What a picture shows, for people who do not see it. */
import type { Frame } from './protocol.js';
import type { Shown } from './series.js';
import { formatSpan, formatTicks } from './time.js';
import type { ViewState } from './view-state.js';

const HINT = 'Arrow keys pan and zoom, Home shows everything, bracket keys read values.';

function short(value: number): string {
    return String(Number(value.toPrecision(6)));
}

export function summarize(
    title: string | undefined,
    visible: readonly Shown[],
    frame: Frame,
    state: ViewState,
    zone: string,
): string {
    const names = visible.map((one) => one.label).join(', ');
    const rows = `${frame.rows.toLocaleString('en-US')} rows`;
    const values = frame.panels.flatMap((panel, i) => {
        const shown = panel.left ?? panel.right;
        if (shown === undefined) return [];
        const of = frame.panels.length > 1 ? `panel ${i + 1}: ` : '';
        return [`${of}values from ${short(shown.min)} to ${short(shown.max)}`];
    });
    const head = `${title === undefined ? '' : `${title}. `}Chart of ${names}: `;
    if (frame.across !== undefined) {
        const across = `x from ${short(frame.across.min)} to ${short(frame.across.max)}`;
        return `${head}${across}, ${rows}, ${values.join(', ')}. ${HINT}`;
    }
    const step = Number(frame.to - frame.from) / 100;
    const from = formatTicks(frame.from, state.unit, zone, step);
    const to = formatTicks(frame.to - 1n, state.unit, zone, step);
    const span = formatSpan(frame.to - frame.from, state.unit);
    return `${head}${span} from ${from} to ${to}, ${rows}, ${values.join(', ')}. ${HINT}`;
}
