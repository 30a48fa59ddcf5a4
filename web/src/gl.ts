/* Pictures by WebGL2, from tables that the engine's C side makes (src/render/render_tables.h).
 *
 * One context draws for all charts of an engine, into a canvas that nobody sees; each picture is handed to
 * the canvas of its chart. So there is no limit to the number of charts (browsers allow some 16 contexts).
 * When the context is lost all charts are to be drawn again: the first frame makes another context, and
 * sends everything anew.
 *
 * Invariants:
 *  1. A picture is drawn and handed over within one task: the buffer is not kept.
 *  2. Nothing here outlives a context: what belongs to one hangs on its Context.
 */
import { ChartError } from './error.js';
import { PAINT_FRAGMENT, PAINT_VERTEX, STRIP_FRAGMENT, STRIP_VERTEX, TEXTURE_WIDTH } from './glsl.js';
import type { Canvas } from './protocol.js';
import { type Context2d, Images, type Picture, type Surface, fit, open2d } from './surface.js';

export const STRIPS = 1;
export const COMMANDS = 2;

/** Views of the module's memory: they hold for the call. */
export interface Tables {
    kind: typeof STRIPS | typeof COMMANDS;
    width: number;
    height: number;
    commands: Uint32Array;
    quads: Uint32Array;
    lists: Uint32Array;
    shapes: Uint32Array;
    /** Only grows as long as its chart lives. */
    atlas: Uint8Array;
}

const QUAD_WORDS = 4;
const STRIP_WORDS = 2;
const ROWS_MIN = 4;
/** Renderers that are the processor under another name. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

interface Format {
    internal: number;
    format: number;
    type: number;
    /** Array elements a texel. */
    step: number;
}

interface Texture {
    handle: WebGLTexture;
    kind: Format;
    rows: number;
    /** Texels that hold what they should, of a table that only grows. */
    kept: number;
}

interface Program {
    handle: WebGLProgram;
    places: Map<string, WebGLUniformLocation>;
}

/** What lives as long as a context. */
class Context {
    private readonly words: Format;
    private readonly pairs: Format;
    private readonly fours: Format;
    private readonly bytes: Format;
    private readonly commands: Texture;
    private readonly strips: Texture;
    private readonly quads: Texture;
    private readonly lists: Texture;
    private readonly shapes: Texture;
    private readonly atlases = new Map<number, Texture>();
    private readonly maxRows: number;
    private strip: Program | undefined;
    private paint: Program | undefined;
    hasEnded = false;

    constructor(readonly gl: WebGL2RenderingContext) {
        this.words = { internal: gl.R32UI, format: gl.RED_INTEGER, type: gl.UNSIGNED_INT, step: 1 };
        this.pairs = { internal: gl.RG32UI, format: gl.RG_INTEGER, type: gl.UNSIGNED_INT, step: 2 };
        this.fours = { internal: gl.RGBA32UI, format: gl.RGBA_INTEGER, type: gl.UNSIGNED_INT, step: 4 };
        this.bytes = { internal: gl.R8UI, format: gl.RED_INTEGER, type: gl.UNSIGNED_BYTE, step: 1 };
        this.maxRows = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
        gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
        gl.pixelStorei(gl.PACK_ALIGNMENT, 1);
        gl.disable(gl.BLEND);
        gl.disable(gl.DITHER);
        this.commands = this.makeTexture(this.fours);
        this.strips = this.makeTexture(this.pairs);
        this.quads = this.makeTexture(this.fours);
        this.lists = this.makeTexture(this.words);
        this.shapes = this.makeTexture(this.pairs);
    }

    private makeTexture(kind: Format): Texture {
        return { handle: this.gl.createTexture(), kind, rows: 0, kept: 0 };
    }

    private makeShader(type: number, source: string): WebGLShader {
        const { gl } = this;
        const shader = gl.createShader(type);
        if (shader === null) throw new ChartError('device-lost', 'the WebGL context is lost');
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        return shader;
    }

    private makeProgram(vertex: string, fragment: string, textures: string[]): Program {
        const { gl } = this;
        const handle = gl.createProgram();
        const shaders = [
            this.makeShader(gl.VERTEX_SHADER, vertex),
            this.makeShader(gl.FRAGMENT_SHADER, fragment),
        ];
        for (const shader of shaders) gl.attachShader(handle, shader);
        gl.linkProgram(handle);
        for (const shader of shaders) gl.deleteShader(shader);
        if (gl.getProgramParameter(handle, gl.LINK_STATUS) !== true && !gl.isContextLost()) {
            const log = shaders.map((shader) => gl.getShaderInfoLog(shader) ?? '').join('');
            gl.deleteProgram(handle);
            throw new ChartError('unsupported', `WebGL2 does not take the shaders: ${log}`);
        }
        gl.useProgram(handle);
        const places = new Map<string, WebGLUniformLocation>();
        for (const name of [...textures, 'size', 'ground']) {
            const place = gl.getUniformLocation(handle, name);
            if (place !== null) places.set(name, place);
        }
        textures.forEach((name, unit) => gl.uniform1i(places.get(name) ?? null, unit));
        return { handle, places };
    }

    /** Sends `data` from texel `from` on, which begins a row or is 0. */
    private send(unit: number, texture: Texture, data: Uint32Array | Uint8Array, from = 0): void {
        const { gl } = this;
        const { kind } = texture;
        const texels = Math.ceil(data.length / kind.step);
        const rows = Math.max(1, Math.ceil(texels / TEXTURE_WIDTH));
        if (rows > this.maxRows)
            throw new ChartError('limit', `a table of ${texels} texels is larger than WebGL2 takes`);
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, texture.handle);
        if (rows > texture.rows) {
            texture.rows = Math.min(this.maxRows, Math.max(ROWS_MIN, rows, 2 * texture.rows));
            gl.texImage2D(
                gl.TEXTURE_2D,
                0,
                kind.internal,
                TEXTURE_WIDTH,
                texture.rows,
                0,
                kind.format,
                kind.type,
                null,
            );
            gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
            gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
            from = 0;
        }
        const first = Math.floor(from / TEXTURE_WIDTH);
        const whole = Math.floor(texels / TEXTURE_WIDTH);
        const put = (row: number, width: number, height: number) => {
            const at = row * TEXTURE_WIDTH * kind.step;
            const piece = data.subarray(at, at + width * height * kind.step);
            gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row, width, height, kind.format, kind.type, piece);
        };
        if (whole > first) put(first, TEXTURE_WIDTH, whole - first);
        const rest = texels - whole * TEXTURE_WIDTH;
        if (rest > 0) put(whole, rest, 1);
    }

    private clear(pixel: number): void {
        const { gl } = this;
        gl.clearColor((pixel & 255) / 255, ((pixel >> 8) & 255) / 255, ((pixel >> 16) & 255) / 255, 1);
        gl.clear(gl.COLOR_BUFFER_BIT);
    }

    private drawStrips(tables: Tables): void {
        const { gl } = this;
        this.strip ??= this.makeProgram(STRIP_VERTEX, STRIP_FRAGMENT, ['commands']);
        this.send(0, this.strips, tables.commands);
        this.clear(0);
        gl.useProgram(this.strip.handle);
        gl.uniform2i(this.strip.places.get('size') ?? null, tables.width, tables.height);
        gl.drawArrays(gl.TRIANGLES, 0, (tables.commands.length / STRIP_WORDS) * 6);
    }

    private drawCommands(chart: number, tables: Tables): void {
        const { gl } = this;
        const names = ['commands', 'quads', 'lists', 'shapes', 'atlas'];
        const paint = (this.paint ??= this.makeProgram(PAINT_VERTEX, PAINT_FRAGMENT, names));
        let atlas = this.atlases.get(chart);
        if (atlas === undefined) {
            atlas = this.makeTexture(this.bytes);
            this.atlases.set(chart, atlas);
        }
        this.send(0, this.commands, tables.commands);
        this.send(1, this.quads, tables.quads);
        this.send(2, this.lists, tables.lists);
        this.send(3, this.shapes, tables.shapes);
        if (atlas.kept === tables.atlas.length) {
            gl.activeTexture(gl.TEXTURE4);
            gl.bindTexture(gl.TEXTURE_2D, atlas.handle);
        } else {
            this.send(4, atlas, tables.atlas, atlas.kept);
            atlas.kept = tables.atlas.length;
        }
        /* The first command is the ground; one that is not opaque is in the lists. */
        const first = tables.commands[1] ?? 0;
        const ground = first >>> 24 === 255 ? first : 0xff000000;
        this.clear(ground);
        gl.useProgram(paint.handle);
        gl.uniform2i(paint.places.get('size') ?? null, tables.width, tables.height);
        gl.uniform1ui(paint.places.get('ground') ?? null, ground);
        gl.drawArrays(gl.TRIANGLES, 0, (tables.quads.length / QUAD_WORDS) * 6);
    }

    draw(chart: number, tables: Tables): void {
        const { gl } = this;
        gl.viewport(0, 0, tables.width, tables.height);
        if (tables.kind === STRIPS) this.drawStrips(tables);
        else this.drawCommands(chart, tables);
    }

    forget(chart: number): void {
        this.gl.deleteTexture(this.atlases.get(chart)?.handle ?? null);
        this.atlases.delete(chart);
    }

    /** Gives the context back at once, and with it all that is in it. */
    end(): void {
        this.hasEnded = true;
        this.gl.getExtension('WEBGL_lose_context')?.loseContext();
    }
}

const ATTRIBUTES = { alpha: false, antialias: false, depth: false, stencil: false };

/* Not every browser that has OffscreenCanvas has WebGL2 on it. */
function makeContext(onLost: () => void): [Canvas, Context] {
    const tries: (() => Canvas)[] = [];
    if (typeof OffscreenCanvas !== 'undefined') tries.push(() => new OffscreenCanvas(1, 1));
    if (typeof document !== 'undefined') tries.push(() => document.createElement('canvas'));
    for (const make of tries) {
        const canvas = make();
        const gl = canvas.getContext('webgl2', ATTRIBUTES) as WebGL2RenderingContext | null;
        if (gl === null || gl.isContextLost()) continue;
        const context = new Context(gl);
        canvas.addEventListener('webglcontextlost', () => {
            if (!context.hasEnded) onLost();
        });
        return [canvas, context];
    }
    throw new ChartError('device-lost', 'there is no WebGL2 context to be had here');
}

function rendererOf(gl: WebGL2RenderingContext): string {
    const info = gl.getExtension('WEBGL_debug_renderer_info');
    return String(gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}

/** The context that the charts of an engine share, and the canvas behind it. */
class Painter {
    private image: ImageData | undefined;
    private rows = new Uint8Array();

    private constructor(
        private canvas: Canvas,
        private context: Context,
        private readonly onLost: () => void,
        /** As the browser names it. */
        readonly renderer: string,
    ) {}

    /** Throws if there is no WebGL2 in this thread. */
    static make(onLost: () => void): Painter {
        const [canvas, context] = makeContext(onLost);
        return new Painter(canvas, context, onLost, rendererOf(context.gl));
    }

    /** Whether pictures can be handed over, not only copied. */
    get canTransfer(): boolean {
        return 'transferToImageBitmap' in this.canvas;
    }

    /** Draws a picture; the canvas has its size, and its picture within this task. A context that is lost is
     * replaced, and all is sent again. Throws `device-lost` if there is none to be had. */
    draw(chart: number, tables: Tables): Canvas {
        const { width, height } = tables;
        for (let attempt = 0; attempt < 2; attempt++) {
            if (this.context.gl.isContextLost())
                [this.canvas, this.context] = makeContext(this.onLost);
            const { gl } = this.context;
            fit(this.canvas, width, height);
            const isWhole = gl.drawingBufferWidth === width && gl.drawingBufferHeight === height;
            if (!isWhole && !gl.isContextLost())
                throw new ChartError('limit', `WebGL2 gives no picture of ${width} x ${height}`);
            this.context.draw(chart, tables);
            if (!gl.isContextLost()) return this.canvas;
        }
        throw new ChartError('device-lost', 'WebGL2 loses its context again and again');
    }

    /** The same as pixels, until the next call. */
    read(chart: number, tables: Tables): ImageData {
        this.draw(chart, tables);
        const { gl } = this.context;
        const { width, height } = tables;
        const stride = 4 * width;
        if (this.image?.width !== width || this.image.height !== height) {
            this.image = new ImageData(width, height);
            this.rows = new Uint8Array(stride * height);
        }
        gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, this.rows);
        for (let y = 0; y < height; y++) {
            const above = (height - 1 - y) * stride; /* WebGL's first row is the lowest */
            this.image.data.set(this.rows.subarray(above, above + stride), y * stride);
        }
        return this.image;
    }

    forget(chart: number): void {
        this.context.forget(chart);
    }

    end(): void {
        this.context.end();
    }
}

/** What is on a chart's canvas: bitmaps that are handed to it, which costs nothing, or pixels where a page's
 * WebGL2 has no OffscreenCanvas. (drawImage would be quicker, but that is WebKitGTK, which draws an older
 * picture now and then.) */
type Screen = ImageBitmapRenderingContext | Context2d;

function handOver(screen: ImageBitmapRenderingContext, picture: Canvas): void {
    screen.transferFromImageBitmap((picture as OffscreenCanvas).transferToImageBitmap());
}

class GlSurface implements Surface {
    readonly backend = 'webgl2';
    isLost = false;
    lossReason = '';
    private readonly images = new Images();

    constructor(
        private readonly owner: GlSurfaces,
        private readonly number: number,
        readonly canvas: Canvas,
        private readonly screen: Screen,
    ) {}

    show(picture: Picture): void {
        const { width, height, pixels } = picture;
        fit(this.canvas, width, height);
        if (pixels !== undefined) {
            const image = this.images.of(pixels, width, height);
            this.paint((context) => context.putImageData(image, 0, 0));
            return;
        }
        try {
            const { screen, owner, number } = this;
            if ('transferFromImageBitmap' in screen) handOver(screen, owner.draw(number, picture));
            else screen.putImageData(owner.read(number, picture), 0, 0);
        } catch (cause) {
            const { code, message } = ChartError.from(cause);
            if (code === 'limit') throw cause;
            this.isLost = true;
            this.lossReason = message;
        }
    }

    clear(width: number, height: number, color: string): void {
        fit(this.canvas, width, height);
        this.paint((context) => {
            context.fillStyle = color;
            context.fillRect(0, 0, width, height);
        });
    }

    /* Without WebGL: what the processor has drawn. */
    private paint(draw: (context: Context2d) => void): void {
        const { width, height } = this.canvas;
        if ('transferFromImageBitmap' in this.screen) {
            const picture = new OffscreenCanvas(width, height);
            draw(open2d(picture));
            handOver(this.screen, picture);
        } else {
            draw(this.screen);
        }
    }

    release(): void {
        this.canvas.width = this.canvas.height = 0;
        this.owner.forget(this.number);
    }
}

/** The surfaces of an engine. The context is there as long as any of them is. */
export class GlSurfaces {
    private readonly numbers = new Set<number>();
    private lastNumber = 0;
    private painter: Painter | undefined;
    /** The renderer, if it is known to be one. */
    private software = '';

    /** `onLost`: pictures may be gone from their canvases, and are to be drawn again. */
    constructor(
        private readonly readTables: (picture: Picture) => Tables,
        private readonly onLost: () => void,
    ) {}

    async open(canvas: Canvas, isNamed: boolean): Promise<Surface> {
        if (!isNamed) this.refuseSoftware();
        const number = ++this.lastNumber;
        this.painter ??= Painter.make(this.onLost);
        this.numbers.add(number);
        try {
            if (SOFTWARE.test(this.painter.renderer)) this.software = this.painter.renderer;
            if (!isNamed) this.refuseSoftware();
            const screen = this.painter.canTransfer
                ? (canvas.getContext('bitmaprenderer', { alpha: false }) as Screen | null)
                : open2d(canvas);
            if (screen === null) throw new ChartError('unsupported', 'the canvas takes no bitmaps');
            return new GlSurface(this, number, canvas, screen);
        } catch (cause) {
            this.forget(number);
            throw cause;
        }
    }

    private refuseSoftware(): void {
        if (this.software !== '')
            throw new ChartError('unsupported', `${this.software} is the processor under another name`);
    }

    private get living(): Painter {
        if (this.painter === undefined) throw new ChartError('device-lost', 'WebGL2 has ended');
        return this.painter;
    }

    draw(number: number, picture: Picture): Canvas {
        return this.living.draw(number, this.readTables(picture));
    }

    read(number: number, picture: Picture): ImageData {
        return this.living.read(number, this.readTables(picture));
    }

    forget(number: number): void {
        this.numbers.delete(number);
        if (this.numbers.size > 0) {
            this.painter?.forget(number);
        } else {
            this.painter?.end();
            this.painter = undefined;
        }
    }
}
