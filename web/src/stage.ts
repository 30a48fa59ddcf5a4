/* Where the pictures of a chart appear: its canvas, painted by the engine where that can be, else here. */
import type { Lease } from './client.js';
import { ChartError } from './error.js';
import type { Overlay } from './overlay.js';
import type { BackendChoice, Frame, FrameDesc } from './protocol.js';
import { open2d } from './surface.js';

function paint(canvas: HTMLCanvasElement, frame: Frame): void {
    if (canvas.width !== frame.width) canvas.width = frame.width;
    if (canvas.height !== frame.height) canvas.height = frame.height;
    if (frame.pixels === undefined) return;
    open2d(canvas).putImageData(new ImageData(frame.pixels, frame.width, frame.height), 0, 0);
}

export class Stage {
    private constructor(
        private readonly lease: Lease,
        private readonly overlay: Overlay,
        private readonly chart: number,
        private paints: boolean,
    ) {}

    static async open(lease: Lease, overlay: Overlay, backend: BackendChoice): Promise<Stage> {
        const { api, place } = lease.engine;
        const canHand =
            place === 'main' ||
            ('transferControlToOffscreen' in overlay.canvas && (await api.canPaint()));
        let target: HTMLCanvasElement | OffscreenCanvas | undefined;
        if (canHand)
            target = place === 'main' ? overlay.canvas : overlay.canvas.transferControlToOffscreen();
        const { id, paints } = await api.makeChart(target, backend);
        if (canHand && !paints) overlay.replaceCanvas();
        return new Stage(lease, overlay, id, paints);
    }

    /** Another canvas in the place of one that shows nothing any more; the engine paints it if it can. */
    async renewCanvas(): Promise<void> {
        const { api, place } = this.lease.engine;
        const canvas = this.overlay.replaceCanvas();
        const target = place === 'main' ? canvas : canvas.transferControlToOffscreen();
        this.paints = await api.giveCanvas(this.chart, target);
        if (!this.paints) this.overlay.replaceCanvas();
    }

    /** With pixels it is not shown, but given. */
    async frame(desc: FrameDesc, wantsPixels: boolean): Promise<Frame> {
        const frame = await this.lease.engine.api.frame(this.chart, desc, wantsPixels);
        if (!wantsPixels && !this.paints) paint(this.overlay.canvas, frame);
        return frame;
    }

    async clear(width: number, height: number, color: string): Promise<void> {
        await this.lease.engine.api.clear(this.chart, width, height, color);
        if (this.paints) return;
        const { canvas } = this.overlay;
        canvas.width = width;
        canvas.height = height;
    }

    async close(): Promise<void> {
        await this.lease.engine.api.destroyChart(this.chart);
    }
}

export function toPng(frame: Frame): Promise<Blob> {
    const canvas = document.createElement('canvas');
    paint(canvas, frame);
    return new Promise((resolve, reject) =>
        canvas.toBlob(
            (blob) =>
                blob === null
                    ? reject(new ChartError('no-memory', 'the picture cannot be encoded'))
                    : resolve(blob),
            'image/png',
        ),
    );
}
