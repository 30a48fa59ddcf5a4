/// <reference types="@webgpu/types" />
/* A canvas with a WebGPU context: pictures go from the device to it without leaving the device.
 *
 * Pictures that the processor has drawn, as those larger than a texture, are written to it. After a
 * loss the next picture finds the new device.
 */
import { ChartError } from './error.js';
import type { Gpu } from './gpu.js';
import type { Canvas } from './protocol.js';
import { type Picture, type Surface, type SurfaceOpener, fit } from './surface.js';

/* GPUTextureUsage: copied to, drawn to; copied to and from. */
const CANVAS_USAGE = 0x2 | 0x10;
const UPLOAD_USAGE = 0x1 | 0x2;

class GpuSurface implements Surface {
    readonly backend = 'webgpu';
    private configured: GPUDevice | undefined;

    constructor(
        readonly canvas: Canvas,
        private readonly context: GPUCanvasContext,
        private readonly gpu: Gpu,
    ) {}

    get isLost(): boolean {
        return this.gpu.failure !== '';
    }

    get lossReason(): string {
        return this.gpu.failure;
    }

    /** A device after a loss, or the end of hope for one. */
    async settle(): Promise<void> {
        if (this.gpu.device === undefined) await this.gpu.open().catch(() => undefined);
    }

    private target(width: number, height: number): { device: GPUDevice; texture: GPUTexture } | undefined {
        const { at } = this.gpu;
        if (at === undefined) return undefined;
        const { device, format } = at;
        fit(this.canvas, width, height);
        if (this.configured !== device)
            this.context.configure({ device, format, usage: CANVAS_USAGE, alphaMode: 'opaque' });
        this.configured = device;
        return { device, texture: this.context.getCurrentTexture() };
    }

    /** A texture with a picture of the processor. (Firefox 153 does not show what is written to a
     * canvas itself.) */
    private upload(device: GPUDevice, { width, height, pixels }: Picture): GPUTexture | undefined {
        if (pixels === undefined) return undefined;
        const format = this.gpu.at?.format ?? 'bgra8unorm';
        const texture = device.createTexture({ size: [width, height], format, usage: UPLOAD_USAGE });
        const bytes = format === 'bgra8unorm' ? swapped(pixels) : pixels.slice();
        device.queue.writeTexture({ texture }, bytes, { bytesPerRow: 4 * width }, [width, height]);
        return texture;
    }

    show(picture: Picture): void {
        const { width, height, handle } = picture;
        const target = this.target(width, height);
        if (target === undefined) return;
        const { device, texture } = target;
        const uploaded = this.upload(device, picture);
        const source = uploaded ?? this.gpu.texture(handle);
        if (source === undefined) return;
        const encoder = device.createCommandEncoder();
        encoder.copyTextureToTexture({ texture: source }, { texture }, [width, height]);
        device.queue.submit([encoder.finish()]);
        uploaded?.destroy();
    }

    clear(width: number, height: number, color: string): void {
        const target = this.target(width, height);
        if (target === undefined) return;
        const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
        const encoder = target.device.createCommandEncoder();
        const view = target.texture.createView();
        const clearValue = { r: r ?? 0, g: g ?? 0, b: b ?? 0, a: 1 };
        encoder
            .beginRenderPass({
                colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store', clearValue }],
            })
            .end();
        target.device.queue.submit([encoder.finish()]);
    }

    release(): void {
        this.context.unconfigure();
        this.canvas.width = this.canvas.height = 0;
    }
}

/** Red and blue have changed places. */
function swapped(pixels: Uint8ClampedArray): Uint32Array<ArrayBuffer> {
    const words = new Uint32Array(pixels.slice().buffer);
    for (let i = 0; i < words.length; i++) {
        const word = words[i] ?? 0;
        words[i] = (word & 0xff00ff00) | ((word >>> 16) & 0xff) | ((word & 0xff) << 16);
    }
    return words;
}

export function gpuSurfaces(gpu: Gpu): SurfaceOpener {
    return async (canvas, isNamed) => {
        await gpu.open();
        if (!isNamed && gpu.at?.isSoftware === true)
            throw new ChartError('unsupported', `${gpu.at.name} is an adapter in software`);
        const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
        if (context === null) throw new ChartError('unsupported', 'the canvas has no WebGPU context');
        return new GpuSurface(canvas, context, gpu);
    };
}
