/* The overview strip: where in all of the data the view lies, and a way to move it. */

export interface Brush {
    /** Shares of the strip. */
    show(from: number, to: number): void;
}

const STEP = 0.02;

export function makeBrush(
    strip: HTMLElement,
    brush: HTMLElement,
    moved: (from: number, to: number) => void,
): Brush {
    let from = 0;
    let to = 1;
    let drag: { kind: 'move' | 'left' | 'right' | 'new'; at: number; from: number; to: number } | undefined;

    const shareOf = (event: PointerEvent) => {
        const box = strip.getBoundingClientRect();
        return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };

    const apply = (nextFrom: number, nextTo: number) => moved(Math.min(nextFrom, nextTo), Math.max(nextFrom, nextTo));

    strip.addEventListener('pointerdown', (event) => {
        const at = shareOf(event);
        strip.setPointerCapture(event.pointerId);
        const target = event.target as HTMLElement;
        if (target === brush.firstElementChild) drag = { kind: 'left', at, from, to };
        else if (target === brush.lastElementChild) drag = { kind: 'right', at, from, to };
        else if (target === brush) drag = { kind: 'move', at, from, to };
        else drag = { kind: 'new', at, from: at, to: at };
    });
    strip.addEventListener('pointermove', (event) => {
        if (drag === undefined) return;
        const at = shareOf(event);
        const by = at - drag.at;
        if (drag.kind === 'left') apply(drag.from + by, drag.to);
        else if (drag.kind === 'right') apply(drag.from, drag.to + by);
        else if (drag.kind === 'move') apply(drag.from + by, drag.to + by);
        else if (Math.abs(by) > 0.002) apply(drag.at, at);
    });
    strip.addEventListener('pointerup', (event) => {
        if (drag?.kind === 'new' && Math.abs(shareOf(event) - drag.at) <= 0.002) {
            const half = (to - from) / 2; /* a click brings the view there */
            apply(drag.at - half, drag.at + half);
        }
        drag = undefined;
    });
    strip.addEventListener('pointercancel', () => (drag = undefined));
    brush.addEventListener('keydown', (event) => {
        const span = to - from;
        if (event.key === 'ArrowLeft') apply(from - span * STEP * 5, to - span * STEP * 5);
        else if (event.key === 'ArrowRight') apply(from + span * STEP * 5, to + span * STEP * 5);
        else if (event.key === 'Home') apply(0, 1);
        else return;
        event.preventDefault();
    });

    return {
        show(nextFrom, nextTo) {
            from = nextFrom;
            to = nextTo;
            const left = Math.min(1, Math.max(0, from));
            const right = Math.min(1, Math.max(0, to));
            brush.style.left = `${left * 100}%`;
            brush.style.width = `${Math.max(0, right - left) * 100}%`;
            brush.setAttribute('aria-valuenow', String(Math.round((50 * (left + right)) * 10) / 10));
            brush.setAttribute(
                'aria-valuetext',
                `${(left * 100).toFixed(1)} to ${(right * 100).toFixed(1)} percent of the data`,
            );
        },
    };
}
