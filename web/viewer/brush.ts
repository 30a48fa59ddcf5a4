/* The overview strip: where in all of the data the view lies, and a way to move it. */

export interface Brush {
    /** Shares of the strip; `spoken` says it in words. */
    show(from: number, to: number, spoken: string): void;
}

const STEP = 0.1;
const CLICK = 0.002;
/** The handles stay apart, and on the strip. */
const WIDTH_MIN_PX = 14;

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
    const apply = (a: number, b: number) => moved(Math.min(a, b), Math.max(a, b));

    strip.addEventListener('pointerdown', (event) => {
        const at = shareOf(event);
        strip.setPointerCapture(event.pointerId);
        const target = event.target as HTMLElement;
        if (target === brush.firstElementChild) drag = { kind: 'left', at, from, to };
        else if (target === brush.lastElementChild) drag = { kind: 'right', at, from, to };
        else if (target === brush && to - from < 0.999) drag = { kind: 'move', at, from, to };
        else drag = { kind: 'new', at, from: at, to: at };
    });
    strip.addEventListener('pointermove', (event) => {
        if (drag === undefined) return;
        const at = shareOf(event);
        const by = at - drag.at;
        if (drag.kind === 'left') apply(drag.from + by, drag.to);
        else if (drag.kind === 'right') apply(drag.from, drag.to + by);
        else if (drag.kind === 'move') apply(drag.from + by, drag.to + by);
        else if (Math.abs(by) > CLICK) apply(drag.at, at);
    });
    strip.addEventListener('pointerup', (event) => {
        if (drag?.kind === 'new' && Math.abs(shareOf(event) - drag.at) <= CLICK) {
            const half = (to - from) / 2; /* a click brings the view there */
            apply(drag.at - half, drag.at + half);
        }
        drag = undefined;
    });
    strip.addEventListener('pointercancel', () => (drag = undefined));
    strip.addEventListener('dblclick', () => apply(0, 1));
    brush.addEventListener('keydown', (event) => {
        const by = (to - from) * STEP * (event.shiftKey ? 5 : 1);
        const moves: Record<string, [number, number]> = {
            ArrowLeft: [from - by, to - by],
            ArrowRight: [from + by, to + by],
            ArrowUp: [from + by, to - by],
            ArrowDown: [from - by, to + by],
            Home: [0, 1],
            End: [1 - (to - from), 1],
        };
        const move = moves[event.key];
        if (move === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        apply(...move);
    });

    return {
        show(nextFrom, nextTo, spoken) {
            from = nextFrom;
            to = nextTo;
            const width = strip.clientWidth;
            let left = Math.min(1, Math.max(0, from)) * width;
            let right = Math.min(1, Math.max(0, to)) * width;
            const lack = WIDTH_MIN_PX - (right - left);
            if (lack > 0) {
                left = Math.min(width - WIDTH_MIN_PX, Math.max(0, left - lack / 2));
                right = left + WIDTH_MIN_PX;
            }
            brush.style.left = `${left}px`;
            brush.style.width = `${right - left}px`;
            brush.setAttribute('aria-valuenow', (50 * (left + right) / Math.max(1, width)).toFixed(1));
            brush.setAttribute('aria-valuetext', spoken);
        },
    };
}
