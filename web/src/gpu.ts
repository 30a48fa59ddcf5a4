/// <reference types="@webgpu/types" />
/* The browser's WebGPU for the module: the imports of src/gpu/gpu_web_host.h over one device.
 *
 * Objects are numbers in a table, so that a frame of a kind seen before makes no new ones but its
 * encoder and passes. Shaders, layouts and pipelines are made once a device, however many charts ask
 * for them.
 *
 * Invariants:
 *  1. The module asks whether its device is alive before it uses a number; numbers of a device that is
 *     gone stay taken until the module has ended them.
 *  2. Nothing is read back, and nothing is waited for but the device itself.
 *  3. What the browser refuses is told late and without a caller: the device is then given up for good,
 *     and charts are drawn by what comes next.
 *  4. Pipelines are compiled beside. A recording that uses some which are not there yet is not submitted
 *     and leaves word of all that it lacks; it is compiled when another picture is there in its place, and
 *     charts are then told to draw again.
 */
import type { Abi } from './abi.js';
import { ChartError } from './error.js';

/** A device that is lost as often within this time is not asked for again. */
const LOSSES_MAX = 3;
const LOSSES_MS = 60_000;
/** Until a device that is left is ended, and what was on its way to canvases is there: Firefox 153 draws
 * no more of a page whose canvas awaits a picture of a device that was destroyed. */
const RETIRE_MS = 2_000;
/** So long after it was drawn, a picture is on its way to the screen: Firefox 153 compiles, and shows nothing
 * meanwhile, where pictures are drawn. */
const COMPILE_AFTER_MS = 50;
/** A pipeline that is refused is taken for wrong, unless its device turns out to be lost within this time. */
const REFUSAL_MS = 500;
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

const BLACK = { r: 0, g: 0, b: 0, a: 1 };

/* GPUBufferUsage and GPUTextureUsage, which a browser without WebGPU does not name. */
const COPIES = 0x4 | 0x8;
const USES = [0x40, 0x80, 0x100]; /* of the bits of gch__gpu_usage: uniform, storage, indirect */
const TARGET = 0x1 | 0x10;
const COMPUTE_STAGE = 0x4;
const DRAW_STAGES = 0x1 | 0x2;

/** Of gch__gpu_binding_kind, from 1. */
const KINDS: GPUBufferBindingType[] = ['uniform', 'read-only-storage', 'storage'];

/* Offsets in gch__gpu_pipeline_desc and gch__web_gpu_info. */
const DESC_COMPUTE = 8;
const DESC_VERTEX = 12;
const DESC_FRAGMENT = 16;
const DESC_KINDS = 20;
const DESC_CONSTANTS = 56;
const CONSTANTS_MAX = 4;
const INFO_ADAPTER = 28;
const ADAPTER_CAP = 96;

type MadePipeline = GPUComputePipeline | GPURenderPipeline;

/** Compiled when it is used first: most of what the module describes a page never needs. */
class Pipeline {
    made: MadePipeline | undefined;

    /** `compile` settles with nothing where the browser refuses. */
    constructor(
        readonly layout: GPUBindGroupLayout,
        private readonly compile: () => Promise<MadePipeline | undefined>,
    ) {}

    readonly ask = lazily(async () => {
        this.made = await this.compile();
    });
}

/** A bundle with what it lacks: then it draws nothing, now and later. */
interface Bundle {
    drawing: GPURenderBundle;
    lacks: Set<Pipeline>;
}

function lazily<T>(make: () => T): () => T {
    let made: T | undefined;
    return () => (made ??= make());
}

/** What belongs to a device and ends with it. */
interface Held {
    number: number;
    device: GPUDevice;
    /** Of canvases, and so of pictures: what shows them copies. (Firefox 153 ends when a canvas of
     * another than its own format is shown.) */
    format: GPUTextureFormat;
    name: string;
    isSoftware: boolean;
    /** WGSL by name. */
    shaders: Record<string, string>;
    layouts: Map<string, GPUBindGroupLayout>;
    /** Shaders and pipelines: their numbers by what they are made of. */
    made: Map<string, number>;
}

async function loadShaders(url: string): Promise<Held['shaders']> {
    const response = await fetch(url);
    if (!response.ok)
        throw new ChartError(
            'unavailable',
            `${url} cannot be loaded (${response.status}); it has to lie beside the script`,
        );
    return (await response.json()) as Held['shaders'];
}

async function request(shadersUrl: string): Promise<Omit<Held, 'number'>> {
    const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
    if (gpu === undefined)
        throw new ChartError(
            'unsupported',
            'this browser has no WebGPU, or not for pages that come without https',
        );
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) throw new ChartError('unsupported', 'this browser has no GPU adapter');
    const { info, limits } = adapter;
    const shaders = await loadShaders(shadersUrl);
    const device = await adapter.requestDevice({
        label: 'gpu-charts',
        requiredLimits: {
            maxBufferSize: limits.maxBufferSize,
            maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
            maxTextureDimension2D: limits.maxTextureDimension2D,
        },
    });
    const words = [info.vendor, info.architecture, info.device, info.description];
    const name = words.filter((word) => word !== '').join(' ');
    return {
        device,
        format: gpu.getPreferredCanvasFormat(),
        name: name === '' ? 'an adapter without a name' : name,
        isSoftware: info.isFallbackAdapter || SOFTWARE.test(name),
        shaders,
        layouts: new Map(),
        made: new Map(),
    };
}

export class Gpu {
    /** Why there will be no device any more; '' as long as there may be one. */
    failure = '';
    private held: Held | undefined;
    private opening: Promise<void> | undefined;
    private losses: number[] = [];
    private lastNumber = 0;
    private isEnded = false;
    private abi: Abi | undefined;

    private readonly objects: unknown[] = [undefined]; /* no object is number 0 */
    private readonly free: number[] = [];
    private encoder: GPUCommandEncoder | undefined;
    private compute: GPUComputePassEncoder | undefined;
    private render: GPURenderPassEncoder | undefined;
    private bundle: GPURenderBundleEncoder | undefined;
    private lacks = new Set<Pipeline>(); /* of the recording */
    private bundleLacks = new Set<Pipeline>();
    /** What submissions lacked and is not there yet, by number: not asked for, and asked for. */
    private readonly wanted = new Map<number, Pipeline[]>();
    private readonly awaited = new Set<number>();
    private compileTimer: ReturnType<typeof setTimeout> | undefined;
    private lastWanted = 0;
    private pipeline = 0; /* as set in the pass at hand */
    private bindings = 0;

    /** `changed` is called when pictures that were drawn may be gone, and when what frames lacked is there. */
    constructor(
        private readonly shadersUrl: string,
        private readonly changed: () => void,
    ) {}

    /** Whose memory addresses are of; to be called before the module draws. */
    attach(abi: Abi): void {
        this.abi = abi;
    }

    /* ---- the device ---- */

    get device(): GPUDevice | undefined {
        return this.held?.device;
    }

    /** The device with what is to be known of it. */
    get at(): Pick<Held, 'device' | 'format' | 'name' | 'isSoftware'> | undefined {
        return this.held;
    }

    /** Until there is a device, or will be none: a ChartError says why. */
    async open(): Promise<void> {
        if (this.held === undefined && this.failure === '')
            await (this.opening ??= this.acquire().finally(() => (this.opening = undefined)));
        if (this.failure !== '') throw new ChartError('unsupported', this.failure);
    }

    private async acquire(): Promise<void> {
        try {
            const held = { ...(await request(this.shadersUrl)), number: ++this.lastNumber };
            if (this.isEnded) {
                held.device.destroy();
                return;
            }
            this.held = held;
            held.device.onuncapturederror = ({ error }) => this.giveUp(error.message);
            void held.device.lost.then(({ message }) => this.lost(held, message));
        } catch (cause) {
            this.failure = ChartError.from(cause).message;
        }
    }

    private lost(held: Held, message: string): void {
        if (this.held !== held) return;
        this.drop();
        const now = performance.now();
        this.losses = this.losses.filter((at) => now - at < LOSSES_MS);
        if (this.losses.push(now) >= LOSSES_MAX) {
            this.giveUp(`the device is lost again and again (${message})`);
            return;
        }
        void this.open().then(
            () => this.changed(),
            () => this.changed(),
        );
    }

    /** Until the device has been given up for it, or is another. */
    private async refused(held: Held, cause: unknown): Promise<void> {
        const patience = new Promise((resolve) => setTimeout(resolve, REFUSAL_MS));
        await Promise.race([held.device.lost, patience]);
        if (this.held === held) this.giveUp(ChartError.from(cause).message);
    }

    private giveUp(reason: string): void {
        if (this.failure !== '' || this.isEnded) return;
        this.failure = reason.split('\n', 1)[0] ?? reason;
        this.retire();
        this.changed();
    }

    private drop(): void {
        for (const number of this.held?.made.values() ?? []) this.end(number);
        this.held = undefined;
        this.wanted.clear();
        this.awaited.clear();
        this.abandon();
    }

    /** Ends the device with all that is on it. */
    stop(): void {
        this.isEnded = true;
        this.retire();
    }

    private retire(): void {
        const { device } = this;
        this.drop();
        if (device !== undefined) setTimeout(() => device.destroy(), RETIRE_MS);
    }

    /* ---- the table ---- */

    private add(object: unknown): number {
        const number = this.free.pop() ?? this.objects.length;
        this.objects[number] = object;
        return number;
    }

    private get<T>(number: number): T {
        return this.objects[number] as T;
    }

    private end(number: number): void {
        const object = this.objects[number] as { destroy?: () => void } | undefined;
        if (object === undefined) return;
        object.destroy?.();
        this.objects[number] = undefined;
        this.free.push(number);
    }

    /** The texture of a picture that the module has drawn. */
    texture(number: number): GPUTexture | undefined {
        return this.objects[number] as GPUTexture | undefined;
    }

    /* ---- making ---- */

    private text(at: number): string {
        return at === 0 || this.abi === undefined ? '' : this.abi.readText(at);
    }

    private bytes(at: number, count: number): Uint8Array<ArrayBuffer> {
        return new Uint8Array(this.abi?.call.memory.buffer as ArrayBuffer, at, count);
    }

    private words(at: number, count: number): number[] {
        const view = this.abi?.view();
        return Array.from({ length: count }, (_, i) => view?.getUint32(at + 4 * i, true) ?? 0);
    }

    private tell(out: number): number {
        const { abi, held } = this;
        if (abi === undefined) return 0;
        const name = held?.name ?? (this.failure === '' ? 'the device is not there yet' : this.failure);
        const text = new TextEncoder().encode(name).slice(0, ADAPTER_CAP - 1);
        abi.u8().set(text, out + INFO_ADAPTER);
        if (held === undefined) return 0;
        const { limits } = held.device;
        const view = abi.view();
        view.setFloat64(out, limits.maxBufferSize, true);
        view.setFloat64(out + 8, limits.maxStorageBufferBindingSize, true);
        view.setUint32(out + 16, limits.maxTextureDimension2D, true);
        view.setUint32(out + 20, limits.maxComputeWorkgroupsPerDimension, true);
        view.setUint32(out + 24, held.isSoftware ? 1 : 0, true);
        return held.number;
    }

    private makeBuffer(size: number, usage: number, label: number): number {
        const uses = USES.reduce((all, use, bit) => ((usage >> bit) & 1 ? all | use : all), COPIES);
        const made = this.device?.createBuffer({ size, usage: uses, label: this.text(label) });
        return made === undefined ? 0 : this.add(made);
    }

    private makeTexture(width: number, height: number, label: number): number {
        const { held } = this;
        if (held === undefined) return 0;
        const size = [width, height];
        const { device, format } = held;
        return this.add(device.createTexture({ size, format, usage: TARGET, label: this.text(label) }));
    }

    /** The number of a shader or pipeline, made if this is the first that asks. */
    private once(key: string, make: (held: Held) => unknown): number {
        const { held } = this;
        if (held === undefined) return 0;
        let number = held.made.get(key);
        if (number === undefined) {
            number = this.add(make(held));
            held.made.set(key, number);
        }
        return number;
    }

    /** The module has but the name of a shader: pages without WebGPU do not load its text. */
    private makeShader(at: number, count: number, label: number): number {
        const name = this.text(label);
        return this.once(`shader ${at}`, ({ device, shaders }) =>
            lazily(() => {
                const code = shaders[new TextDecoder().decode(this.bytes(at, count).slice())] ?? '';
                return device.createShaderModule({ code, label: name });
            }),
        );
    }

    private makeLayout(held: Held, kinds: number[], isCompute: boolean): GPUBindGroupLayout {
        const key = `${isCompute} ${kinds.join()}`;
        let layout = held.layouts.get(key);
        if (layout === undefined) {
            layout = held.device.createBindGroupLayout({
                entries: kinds.map((kind, binding) => ({
                    binding,
                    visibility: isCompute ? COMPUTE_STAGE : DRAW_STAGES,
                    buffer: { type: KINDS[kind - 1] },
                })),
            });
            held.layouts.set(key, layout);
        }
        return layout;
    }

    private makePipeline(desc: number, shader: number, kindCount: number): number {
        const kinds = this.words(desc + DESC_KINDS, kindCount);
        const [label, compute, vertex, fragment] = [0, DESC_COMPUTE, DESC_VERTEX, DESC_FRAGMENT].map(
            (at) => this.text(this.words(desc + at, 1)[0] ?? 0),
        ) as [string, string, string, string];
        const constants: Record<string, number> = {};
        const pairs = this.words(desc + DESC_CONSTANTS, 2 * CONSTANTS_MAX);
        for (let i = 0; i < pairs.length && pairs[i] !== 0; i += 2)
            constants[this.text(pairs[i] ?? 0)] = pairs[i + 1] ?? 0;
        const key = [shader, compute, vertex, fragment, kinds, JSON.stringify(constants)].join(' ');
        return this.once(key, (held): Pipeline => {
            const { device, format } = held;
            const bindGroup = this.makeLayout(held, kinds, compute !== '');
            const layout = device.createPipelineLayout({ bindGroupLayouts: [bindGroup] });
            const module = this.get<() => GPUShaderModule>(shader);
            const stage = (entryPoint: string) => ({ module: module(), entryPoint, constants });
            const compile = (): Promise<MadePipeline> =>
                compute !== ''
                    ? device.createComputePipelineAsync({ label, layout, compute: stage(compute) })
                    : device.createRenderPipelineAsync({
                          label,
                          layout,
                          vertex: stage(vertex),
                          fragment: { ...stage(fragment), targets: [{ format }] },
                      });
            return new Pipeline(bindGroup, () =>
                compile().catch((cause: unknown) => this.refused(held, cause).then(() => undefined)),
            );
        });
    }

    private makeBindings(
        pipeline: number,
        buffers: number,
        bytes: number,
        count: number,
        label: number,
    ): number {
        const { layout } = this.get<Pipeline>(pipeline);
        const view = this.abi?.view();
        const entries = this.words(buffers, count).map((number, binding) => ({
            binding,
            resource: {
                buffer: this.get<GPUBuffer>(number),
                size: view?.getFloat64(bytes + 8 * binding, true),
            },
        }));
        const made = this.device?.createBindGroup({ layout, entries, label: this.text(label) });
        return made === undefined ? 0 : this.add(made);
    }

    /* ---- recording ---- */

    private beginPass(): void {
        this.pipeline = this.bindings = 0;
    }

    /** If it is there; else the recording is not submitted. */
    private ready(number: number): MadePipeline | undefined {
        const pipeline = this.get<Pipeline>(number);
        if (pipeline.made !== undefined) return pipeline.made;
        (this.bundle === undefined ? this.lacks : this.bundleLacks).add(pipeline);
        return undefined;
    }

    private setCompute(pipeline: number, bindings: number): GPUComputePassEncoder | undefined {
        const { compute } = this;
        if (this.pipeline !== pipeline) {
            const made = this.ready(pipeline);
            if (made === undefined) return undefined;
            compute?.setPipeline(made as GPUComputePipeline);
        }
        if (this.bindings !== bindings) compute?.setBindGroup(0, this.get<GPUBindGroup>(bindings));
        this.pipeline = pipeline;
        this.bindings = bindings;
        return compute;
    }

    private setRender(pipeline: number, bindings: number): GPURenderCommandsMixin | undefined {
        const to = this.bundle ?? this.render;
        const made = this.ready(pipeline);
        if (made === undefined) return undefined;
        to?.setPipeline(made as GPURenderPipeline);
        to?.setBindGroup(0, this.get<GPUBindGroup>(bindings));
        return to;
    }

    private endPass(): void {
        this.compute?.end();
        this.render?.end();
        this.compute = this.render = undefined;
    }

    private beginRender(texture: number): void {
        this.render = this.encoder?.beginRenderPass({
            colorAttachments: [
                {
                    view: this.get<GPUTexture>(texture).createView(),
                    loadOp: 'clear',
                    storeOp: 'store',
                    clearValue: BLACK,
                },
            ],
        });
    }

    private beginBundle(): void {
        const { held } = this;
        this.bundle = held?.device.createRenderBundleEncoder({ colorFormats: [held.format] });
        this.bundleLacks = new Set();
    }

    private endBundle(): number {
        const drawing = this.bundle?.finish();
        this.bundle = undefined;
        const made: Bundle | undefined = drawing && { drawing, lacks: this.bundleLacks };
        return made === undefined ? 0 : this.add(made);
    }

    private runBundle(number: number): void {
        const { drawing, lacks } = this.get<Bundle>(number);
        for (const pipeline of lacks) this.lacks.add(pipeline);
        if (lacks.size === 0) this.render?.executeBundles([drawing]);
    }

    /* An encoder that is not finished is let go of with whatever it has recorded. */
    private abandon(): void {
        this.encoder = this.bundle = this.compute = this.render = undefined;
        this.lacks = new Set();
    }

    /** 0, or the number of what it lacks; `before` is what its recorder's last one lacked. */
    private submit(before: number): number {
        this.wanted.delete(before);
        this.awaited.delete(before);
        if (this.lacks.size > 0) {
            this.wanted.set(++this.lastWanted, [...this.lacks]);
            return this.lastWanted;
        }
        if (this.encoder !== undefined) this.device?.queue.submit([this.encoder.finish()]);
        this.encoder = undefined;
        return 0;
    }

    /** What pictures lacked; to be called when one in their place is complete. */
    compile(): void {
        if (this.wanted.size === 0) return;
        this.compileTimer ??= setTimeout(() => {
            this.compileTimer = undefined;
            for (const [number, pipelines] of this.wanted) void this.await(number, pipelines);
            this.wanted.clear();
        }, COMPILE_AFTER_MS);
    }

    private async await(number: number, pipelines: Pipeline[]): Promise<void> {
        this.awaited.add(number);
        await Promise.all(pipelines.map((pipeline) => pipeline.ask()));
        if (this.awaited.delete(number)) this.changed();
    }

    /** What the module imports from 'gpu'. */
    readonly imports: WebAssembly.ModuleImports = {
        open: (out: number) => this.tell(out),
        is_alive: (number: number) => (this.held?.number === number ? 1 : 0),
        end: (number: number) => this.end(number),
        make_buffer: (size: number, usage: number, label: number) =>
            this.makeBuffer(size, usage, label),
        write: (number: number, at: number, count: number) =>
            this.device?.queue.writeBuffer(this.get(number), 0, this.bytes(at, count)),
        make_texture: (width: number, height: number, label: number) =>
            this.makeTexture(width, height, label),
        make_shader: (at: number, count: number, label: number) => this.makeShader(at, count, label),
        make_pipeline: (desc: number, shader: number, kindCount: number) =>
            this.makePipeline(desc, shader, kindCount),
        make_bindings: (
            pipeline: number,
            buffers: number,
            bytes: number,
            count: number,
            label: number,
        ) => this.makeBindings(pipeline, buffers, bytes, count, label),
        begin: () => {
            this.encoder = this.device?.createCommandEncoder();
        },
        copy: (from: number, fromAt: number, to: number, toAt: number, count: number) =>
            this.encoder?.copyBufferToBuffer(this.get(from), fromAt, this.get(to), toAt, count),
        clear: (number: number, at: number, count: number) =>
            this.encoder?.clearBuffer(this.get(number), at, count),
        begin_compute: () => {
            this.compute = this.encoder?.beginComputePass();
            this.beginPass();
        },
        dispatch: (pipeline: number, bindings: number, x: number, y: number, z: number) =>
            this.setCompute(pipeline, bindings)?.dispatchWorkgroups(x, y, z),
        dispatch_indirect: (pipeline: number, bindings: number, from: number, at: number) =>
            this.setCompute(pipeline, bindings)?.dispatchWorkgroupsIndirect(this.get(from), at),
        begin_render: (texture: number) => this.beginRender(texture),
        draw: (pipeline: number, bindings: number, vertices: number, instances: number) =>
            this.setRender(pipeline, bindings)?.draw(vertices, instances),
        draw_indirect: (pipeline: number, bindings: number, from: number, at: number) =>
            this.setRender(pipeline, bindings)?.drawIndirect(this.get(from), at),
        run_bundle: (number: number) => this.runBundle(number),
        end_pass: () => this.endPass(),
        begin_bundle: () => this.beginBundle(),
        end_bundle: () => this.endBundle(),
        abandon: () => this.abandon(),
        submit: (before: number) => this.submit(before),
        is_compiled: (number: number) => (this.wanted.has(number) || this.awaited.has(number) ? 0 : 1),
    };
}
