/* Mouse, touch, wheel and keys, turned into moves of a view.
 *
 *   drag                    pans, and goes on a little when let go (not with reduced motion)
 *   shift + drag            zooms to the box; so does a drag in box mode
 *   wheel                   zooms at the cursor; sideways, or with shift, pans
 *   pinch                   zooms between the fingers and pans with them; fingers may come and go
 *   tap                     shows the crosshair; so does a finger that stays, which then reads on its way
 *   on the value axis       drag and wheel stretch the values; double click fits them again
 *   double click            shows everything
 *   keys                    arrows pan (shift: more), + and - zoom, Home everything,
 *                           [ and ] move the crosshair, Escape gives up
 *
 * Invariants:
 *  1. A gesture is counted from where it began (view.ts), and begins anew whenever a finger comes or goes.
 *  2. What a caller asks of the view ends a glide (stop()).
 *  3. Nothing is held after detach().
 */

export type Zone = 'plot' | 'value' | 'time' | 'out';

export interface Place {
    x: number;
    y: number;
}

export interface GestureTarget {
    /** Of the plot that the gesture is about, in CSS pixels. */
    plot(): { x: number; y: number; width: number; height: number };
    zoneAt(x: number, y: number): Zone;
    /** A gesture begins, in the panel at a place (the first one for keys): the view is remembered. */
    begin(at?: Place): void;
    /** From the remembered view: moved by shares of the plot. */
    pan(shareX: number, shareY: number): void;
    /** From the remembered view: the span times `factor`, about shares of the plot; what has been zoomed is
     * then moved by shares of the plot, as pan() does. */
    zoom(factor: number, shareX: number, shareY: number, panX?: number, panY?: number): void;
    /** The values of the axis where the gesture began. */
    stretchValues(factor: number, shareY: number): void;
    /** To a box between shares of the plot; one without `y` leaves the values as they are. */
    zoomTo(x: readonly [number, number], y?: readonly [number, number]): void;
    reset(): void;
    fitValues(): void;
    hover(x: number, y: number): void;
    leave(): void;
    stepCrosshair(by: number): void;
    /** A flat one is as high as the plot. */
    showBox(from: Place, to: Place, isFlat: boolean): void;
    hideBox(): void;
    cursor(name: '' | 'pan' | 'grabbing' | 'cross' | 'value' | 'time'): void;
    isBoxMode(): boolean;
}

const WHEEL_STEP = 0.0016;
const LINE_PX = 18;
const DRAG_PX = 3;
const BOX_PX = 6;
/** A box lower than this holds the values. */
const FLAT_PX = 20;
const FRICTION_MS = 220;
const SPEED_LEAST = 0.02; /* pixels a millisecond */
const DOUBLE_MS = 320;
/** A finger that has not moved for so long reads values. */
const LONG_MS = 450;

export class Gestures {
    private readonly abort = new AbortController();
    private readonly pointers = new Map<number, Place>();
    private zone: Zone = 'out';
    private start: Place = { x: 0, y: 0 };
    private isBox = false;
    private hasMoved = false;
    /** A finger has stayed: it moves the crosshair. */
    private isReading = false;
    private longPress: ReturnType<typeof setTimeout> | undefined;
    private pinch: { distance: number; middle: Place } | undefined;
    private trail: { x: number; at: number }[] = [];
    private glide = 0;
    private lastTap = { at: 0, x: 0, y: 0 };

    constructor(
        private readonly element: HTMLElement,
        private readonly target: GestureTarget,
    ) {
        const { signal } = this.abort;
        const on = <K extends keyof HTMLElementEventMap>(
            type: K,
            listener: (event: HTMLElementEventMap[K]) => void,
        ) => element.addEventListener(type, listener, { signal, passive: false });
        on('pointerdown', (event) => this.down(event));
        on('pointermove', (event) => this.move(event));
        on('pointerup', (event) => this.up(event));
        on('pointercancel', (event) => this.up(event));
        on('pointerleave', (event) => {
            if (this.pointers.size === 0 && event.pointerType !== 'touch') target.leave();
        });
        on('wheel', (event) => this.wheel(event));
        on('keydown', (event) => this.key(event));
        on('contextmenu', (event) => {
            if (this.pointers.size > 0) event.preventDefault();
        });
    }

    detach(): void {
        this.abort.abort();
        this.stop();
        clearTimeout(this.longPress);
    }

    /** What goes on by itself ends where it is. */
    stop(): void {
        cancelAnimationFrame(this.glide);
    }

    private at(event: MouseEvent): Place {
        const box = this.element.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
    }

    private shareX(x: number): number {
        const plot = this.target.plot();
        return (x - plot.x) / plot.width;
    }

    private shareY(y: number): number {
        const plot = this.target.plot();
        return 1 - (y - plot.y) / plot.height;
    }

    /* ---- pointers ---- */

    private down(event: PointerEvent): void {
        if (event.target instanceof Element && event.target.closest('button, .message') !== null) return;
        if (event.button !== 0) return;
        this.stop();
        const point = this.at(event);
        this.element.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, point);
        this.element.focus({ preventScroll: true });
        clearTimeout(this.longPress);
        this.isReading = false;
        if (this.pointers.size > 1) {
            this.isBox = false;
            this.target.hideBox();
            this.beginPinch();
            return;
        }
        this.target.begin(point);
        this.zone = this.target.zoneAt(point.x, point.y);
        this.start = point;
        this.hasMoved = false;
        this.isBox = this.zone === 'plot' && (event.shiftKey || this.target.isBoxMode());
        this.trail = [{ x: point.x, at: event.timeStamp }];
        if (event.pointerType === 'touch' && this.zone === 'plot' && !this.isBox)
            this.longPress = setTimeout(() => this.read(), LONG_MS);
    }

    private read(): void {
        this.isReading = true;
        this.target.hover(this.start.x, this.start.y);
    }

    /** A busy page has its timers before the finger's events, which may have come in time. */
    private doubtReading(event: PointerEvent): void {
        const [pressed] = this.trail;
        if (!this.hasMoved && pressed !== undefined && event.timeStamp - pressed.at < LONG_MS) this.isReading = false;
    }

    /** Of the two fingers that have been there longest. */
    private beginPinch(): void {
        this.hasMoved = true; /* whatever they do, it is no tap */
        this.target.leave();
        this.target.begin(this.start);
        this.pinch = this.measure();
    }

    private measure(): { distance: number; middle: Place } {
        const [a, b] = [...this.pointers.values()];
        if (a === undefined || b === undefined) return { distance: 1, middle: this.start };
        return {
            distance: Math.max(10, Math.hypot(a.x - b.x, a.y - b.y)),
            middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
        };
    }

    private move(event: PointerEvent): void {
        const point = this.at(event);
        if (!this.pointers.has(event.pointerId)) {
            this.rest(point);
            return;
        }
        this.pointers.set(event.pointerId, point);
        const plot = this.target.plot();
        if (this.pinch !== undefined) {
            const now = this.measure();
            const shift = (this.pinch.middle.x - now.middle.x) / plot.width;
            const rise = (now.middle.y - this.pinch.middle.y) / plot.height;
            const factor = this.pinch.distance / now.distance;
            const { x, y } = this.pinch.middle;
            this.target.zoom(factor, this.shareX(x), this.shareY(y), shift, rise);
            return;
        }
        const dx = point.x - this.start.x;
        const dy = point.y - this.start.y;
        if (!this.hasMoved && Math.hypot(dx, dy) < DRAG_PX) return;
        clearTimeout(this.longPress);
        this.doubtReading(event);
        this.hasMoved = true;
        if (this.isReading) {
            this.target.hover(point.x, point.y);
        } else if (this.isBox) {
            this.target.showBox(this.start, point, this.isFlat(point));
        } else if (this.zone === 'value') {
            this.target.stretchValues(Math.exp((dy / plot.height) * 2), 0.5);
        } else if (this.zone === 'time') {
            this.target.zoom(Math.exp((-dx / plot.width) * 2), 0.5, 0.5);
        } else {
            this.target.cursor('grabbing');
            this.target.pan(-dx / plot.width, dy / plot.height);
            this.trail.push({ x: point.x, at: event.timeStamp });
            if (this.trail.length > 6) this.trail.shift();
            /* Under a finger nobody sees it, and it would stay behind. */
            if (event.pointerType === 'touch') this.target.leave();
            else this.target.hover(point.x, point.y);
        }
    }

    private isFlat(point: Place): boolean {
        return Math.abs(point.y - this.start.y) < FLAT_PX;
    }

    private rest(point: Place): void {
        const zone = this.target.zoneAt(point.x, point.y);
        const names = { plot: 'cross', value: 'value', time: 'time', out: '' } as const;
        this.target.cursor(names[zone]);
        if (zone === 'plot') this.target.hover(point.x, point.y);
        else this.target.leave();
    }

    private up(event: PointerEvent): void {
        if (!this.pointers.delete(event.pointerId)) return;
        clearTimeout(this.longPress);
        const point = this.at(event);
        if (this.pointers.size > 1) {
            this.beginPinch();
            return;
        }
        if (this.pinch !== undefined) {
            this.pinch = undefined;
            this.start = [...this.pointers.values()][0] ?? point;
            this.target.begin(this.start); /* the finger that stays goes on panning from here */
            this.zone = 'plot';
            this.trail = [];
            return;
        }
        this.doubtReading(event);
        if (this.isBox) {
            this.target.hideBox();
            if (Math.abs(point.x - this.start.x) >= BOX_PX && event.type === 'pointerup')
                this.target.zoomTo(
                    [this.shareX(this.start.x), this.shareX(point.x)],
                    this.isFlat(point)
                        ? undefined
                        : [this.shareY(this.start.y), this.shareY(point.y)],
                );
        } else if (event.type === 'pointerup' && !this.isReading) {
            if (!this.hasMoved) this.tap(event, point);
            else if (this.zone === 'plot') this.letGlide(event.timeStamp);
        }
        if (event.pointerType !== 'touch') this.rest(point);
    }

    private tap(event: PointerEvent, point: Place): void {
        const isDouble =
            event.timeStamp - this.lastTap.at < DOUBLE_MS &&
            Math.hypot(point.x - this.lastTap.x, point.y - this.lastTap.y) < 24;
        this.lastTap = { at: isDouble ? 0 : event.timeStamp, x: point.x, y: point.y };
        if (isDouble && this.zone === 'value') this.target.fitValues();
        else if (isDouble) this.target.reset();
        else if (event.pointerType === 'touch') this.rest(point);
    }

    /* Goes on with the speed of the last moves, slower and slower. */
    private letGlide(now: number): void {
        const first = this.trail[0];
        const last = this.trail.at(-1);
        const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
        if (first === undefined || last === undefined || isStill || now - last.at > 60) return;
        const speed = (last.x - first.x) / Math.max(1, last.at - first.at);
        if (Math.abs(speed) < SPEED_LEAST * 8) return;
        this.target.begin(this.start);
        const startedAt = performance.now();
        const step = () => {
            const passed = performance.now() - startedAt;
            const left = Math.exp(-passed / FRICTION_MS);
            const moved = speed * FRICTION_MS * (1 - left);
            this.target.pan(-moved / this.target.plot().width, 0);
            if (Math.abs(speed) * left > SPEED_LEAST) this.glide = requestAnimationFrame(step);
        };
        this.glide = requestAnimationFrame(step);
    }

    /* ---- wheel and keys ---- */

    private wheel(event: WheelEvent): void {
        event.preventDefault();
        this.stop();
        const point = this.at(event);
        const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
        /* With shift some browsers turn the wheel sideways themselves. */
        const dx = (event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX) * scale;
        const dy = event.shiftKey ? 0 : event.deltaY * scale;
        this.target.begin(point);
        if (this.target.zoneAt(point.x, point.y) === 'value') {
            this.target.stretchValues(Math.exp(dy * WHEEL_STEP), this.shareY(point.y));
        } else if (Math.abs(dx) > Math.abs(dy)) {
            this.target.pan(dx / this.target.plot().width, 0);
        } else {
            /* A pinch on a touchpad comes as a wheel with ctrl and small steps. */
            const speed = event.ctrlKey ? WHEEL_STEP * 6 : WHEEL_STEP;
            const share = Math.min(1, Math.max(0, this.shareX(point.x)));
            const factor = Math.exp(Math.max(-400, Math.min(400, dy)) * speed);
            this.target.zoom(factor, share, this.shareY(point.y));
        }
        this.target.hover(point.x, point.y);
    }

    private key(event: KeyboardEvent): void {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.target instanceof Element && event.target.closest('button') !== null) return;
        const far = event.shiftKey ? 0.5 : 0.1;
        const actions: Record<string, () => void> = {
            ArrowLeft: () => this.target.pan(-far, 0),
            ArrowRight: () => this.target.pan(far, 0),
            PageUp: () => this.target.pan(-1, 0),
            PageDown: () => this.target.pan(1, 0),
            ArrowUp: () => this.target.zoom(0.8, 0.5, 0.5),
            ArrowDown: () => this.target.zoom(1.25, 0.5, 0.5),
            '+': () => this.target.zoom(0.8, 0.5, 0.5),
            '=': () => this.target.zoom(0.8, 0.5, 0.5),
            '-': () => this.target.zoom(1.25, 0.5, 0.5),
            Home: () => this.target.reset(),
            0: () => this.target.reset(),
            '[': () => this.target.stepCrosshair(-1),
            ']': () => this.target.stepCrosshair(1),
            Escape: () => {
                this.isBox = false;
                this.target.hideBox();
                this.target.leave();
            },
        };
        const action = actions[event.key];
        if (action === undefined) return;
        event.preventDefault();
        this.stop();
        this.target.begin();
        action();
    }
}
