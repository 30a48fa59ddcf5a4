/* What shows the pictures of a chart: a canvas with a context of one kind.
 *
 * A canvas keeps the kind of its first context for good. A surface that can show nothing any more, as
 * its device or context is gone, says so by `isLost`; the page then gives another canvas, on which the
 * next kind is tried.
 */
import { ChartError } from './error.js';
import { BACKENDS, type Backend, type BackendChoice, type Canvas } from './protocol.js';

/** A picture as the module hands it over: RGBA in its memory, until the next call, or `handle`, the
 * number of something that the backend that drew it knows. */
export interface Picture {
    width: number;
    height: number;
    backend: Backend;
    pixels: Uint8ClampedArray | undefined;
    handle: number;
}

export interface Surface {
    readonly backend: Backend;
    readonly canvas: Canvas;
    readonly isLost: boolean;
    /** Why it is lost. */
    readonly lossReason?: string;
    /** What is to be awaited before a picture is drawn for it. */
    settle?(): Promise<void>;
    /** Any picture in memory, and those that its own backend has drawn. Throws `limit` where a picture is
     * more than the backend can show: the CPU is to draw it. */
    show(picture: Picture): void;
    /** One colour; `color` is "#rrggbb". */
    clear(width: number, height: number, color: string): void;
    /** The canvas belongs to nobody afterwards. */
    release(): void;
}

/** Makes a surface, or throws the reason why there is none. By name, adapters in software will do. */
export type SurfaceOpener = (canvas: Canvas, isNamed: boolean) => Promise<Surface>;

export function fit(canvas: Canvas, width: number, height: number): void {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
}

export type Context2d = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Pixels as ImageData, which takes no memory that is shared: those are copied, and hold until the next call. */
export class Images {
    private copy: ImageData | undefined;

    of(pixels: Uint8ClampedArray, width: number, height: number): ImageData {
        if (pixels.buffer instanceof ArrayBuffer)
            return new ImageData(pixels as Uint8ClampedArray<ArrayBuffer>, width, height);
        if (this.copy?.width !== width || this.copy.height !== height)
            this.copy = new ImageData(width, height);
        this.copy.data.set(pixels);
        return this.copy;
    }
}

/** Pixels in memory, put into a 2D context. */
class PixelSurface implements Surface {
    readonly backend = 'cpu';
    readonly isLost = false; /* browsers restore 2D contexts by themselves */
    private readonly images = new Images();

    constructor(
        readonly canvas: Canvas,
        private readonly context: Context2d,
    ) {}

    show({ width, height, pixels }: Picture): void {
        if (pixels === undefined) return;
        fit(this.canvas, width, height);
        this.context.putImageData(this.images.of(pixels, width, height), 0, 0);
    }

    clear(width: number, height: number, color: string): void {
        fit(this.canvas, width, height);
        this.context.fillStyle = color;
        this.context.fillRect(0, 0, width, height);
    }

    release(): void {
        this.canvas.width = this.canvas.height = 0;
    }
}

export function open2d(canvas: Canvas): Context2d {
    const context = canvas.getContext('2d', { alpha: false }) as Context2d | null;
    if (context === null) throw new ChartError('unsupported', 'the canvas has no 2D context');
    return context;
}

export async function openPixelSurface(canvas: Canvas): Promise<Surface> {
    return new PixelSurface(canvas, open2d(canvas));
}

/** The surface of one chart, from the best backend that it is to try down to one that works. */
export class Showing {
    surface: Surface | undefined;
    private readonly left: Backend[];
    private readonly reasons: string[] = [];

    constructor(
        private readonly choice: BackendChoice,
        private readonly openers: Partial<Record<Backend, SurfaceOpener>>,
    ) {
        this.left = BACKENDS.slice(choice === 'auto' ? 0 : BACKENDS.indexOf(choice));
    }

    /** Why there is nothing better. */
    get reason(): string {
        return this.reasons.join('; ');
    }

    /** Whether the canvas shows nothing any more, and another one may. */
    get needsCanvas(): boolean {
        return this.surface?.isLost === true;
    }

    /** Tries what is left on a canvas. Returns whether anything worked. */
    async open(canvas: Canvas): Promise<boolean> {
        if (this.surface?.isLost === true)
            this.reasons.push(`${this.left.shift() ?? ''}: ${this.surface.lossReason ?? 'it is lost'}`);
        this.release();
        for (; this.left[0] !== undefined; this.left.shift()) {
            const kind = this.left[0];
            const opener = this.openers[kind];
            if (opener === undefined) continue;
            try {
                this.surface = await opener(canvas, kind === this.choice);
                return true;
            } catch (cause) {
                this.reasons.push(`${kind}: ${ChartError.from(cause).message}`);
            }
        }
        return false;
    }

    release(): void {
        this.surface?.release();
        this.surface = undefined;
    }
}
