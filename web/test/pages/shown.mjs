// What the tests of backends call in a page: functions of window.shown. Contexts of WebGL2 that are made on the
// page's thread are kept in window.shown.contexts; this module comes before the package.
const contexts = [];
let hasWebGl = true;
let maxRows;
for (const type of [HTMLCanvasElement, globalThis.OffscreenCanvas]) {
    if (type === undefined) continue;
    const { getContext } = type.prototype;
    type.prototype.getContext = function (kind, ...rest) {
        if (kind === 'webgl2' && !hasWebGl) return null;
        const context = getContext.call(this, kind, ...rest);
        if (kind === 'webgl2' && context !== null) contexts.push(context);
        return context;
    };
}
const { getParameter } = WebGL2RenderingContext.prototype;
WebGL2RenderingContext.prototype.getParameter = function (name) {
    return name === this.MAX_TEXTURE_SIZE && maxRows !== undefined ? maxRows : getParameter.call(this, name);
};

const charts = await import('/dist/gpu-charts.js');
const place = document.getElementById('chart');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A chart in an element of a size, whose picture is exact. */
async function make(element, width, height, options) {
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
    const chart = charts.createChart(element, { pixelRatio: 1, legend: false, ...options });
    await completed(chart);
    return chart;
}

function completed(chart) {
    return new Promise((resolve, reject) => {
        chart.on('complete', resolve);
        chart.on('error', reject);
    });
}

/** RGBA of the canvas that is on the page. */
function read(chart) {
    const canvas = chart.overlay.root.querySelector('canvas');
    const copy = document.createElement('canvas');
    copy.width = canvas.width;
    copy.height = canvas.height;
    const context = copy.getContext('2d', { alpha: false, willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    return context.getImageData(0, 0, copy.width, copy.height);
}

function parsePpm(bytes) {
    const head = /^P6\n(\d+) (\d+)\n255\n/.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 64)));
    const [width, height] = [+head[1], +head[2]];
    const data = new Uint8Array(width * height * 4);
    const rgb = bytes.subarray(head[0].length);
    for (let i = 0; i < width * height; i++) data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    return { width, height, data };
}

/** The largest difference of a channel, and the pixels that have any. */
function compare(shown, expected) {
    if (shown.width !== expected.width || shown.height !== expected.height)
        return { worst: 256, different: Infinity };
    let [worst, different] = [0, 0];
    for (let i = 0; i < shown.width * shown.height; i++) {
        let most = 0;
        for (let c = 0; c < 3; c++)
            most = Math.max(most, Math.abs(shown.data[4 * i + c] - expected.data[4 * i + c]));
        worst = Math.max(worst, most);
        if (most > 0) different++;
    }
    return { worst, different };
}

/** Of what a chart shows and what `take` expects of it, until they agree: what a worker draws comes on
 * the page a little later, and a chart that is not at rest shows, and is expected to show, more and more. */
async function judge(chart, take, allowed) {
    let result;
    for (let i = 0; i < 200; i++) {
        result = compare(read(chart), await take());
        if (result.worst <= allowed) break;
        await sleep(20);
    }
    const { backend, backendReason } = await chart.stats();
    return { ...result, backend, reason: backendReason };
}

/** The processor's picture of what a chart shows. */
async function expectedOf(chart) {
    const { width, height, pixels } = await chart.readPixels();
    return { width, height, data: pixels };
}

window.shown = {
    charts,
    contexts,
    make,
    completed,
    read,
    sleep,

    /** Whether there are contexts to be had. */
    allowWebGl(isAllowed) {
        hasWebGl = isAllowed;
    },

    /** As if textures had no more rows. */
    limitRows(rows) {
        maxRows = rows;
    },

    judgeByProcessor: async (chart, allowed = 1) => judge(chart, () => expectedOf(chart), allowed),

    /** Each picture of a list against the command's. */
    async judgeByCommand(list, options, allowed) {
        const results = [];
        for (const one of await (await fetch(list)).json()) {
            const chart = await make(place, one.width, one.height, {
                ...options,
                ...one.options,
                series: one.series.map((series) => ({ ...series, data: `/files/${one.file}` })),
                axes: {
                    x: { from: BigInt(one.from), to: BigInt(one.to) },
                    ...(one.scale === undefined ? {} : { y: { scale: one.scale } }),
                },
                ...(one.bar === undefined ? {} : { barWidth: one.bar }),
            });
            const bytes = new Uint8Array(await (await fetch(`/files/${one.picture}`)).arrayBuffer());
            const expected = parsePpm(bytes);
            results.push({ name: one.picture, ...(await judge(chart, () => expected, allowed)) });
            await chart.destroy();
        }
        return results;
    },
};
window.isReady = true;
