// Three browsers by one interface: launch(name) gives { goto, evaluate, screenshot, resize, close }, and
// Chromium also metrics(), { heapBytes, nodes, listeners } after a garbage collection. `page` is the driver's own, of
// Chromium and Firefox, for what is not common to all.
//
// launch(name, options): `reducedMotion`: as a reader who wants none; `webgpu: false`: a browser without it; `phone`: as
// wide as one, and in Chromium with its viewport, touch input and no mouse.
// evaluate runs the text of an expression in the page and awaits the promise it gives. Chromium runs
// headless; Firefox and WebKit need a display (scripts/test_web.sh starts Xvfb).
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const PROGRAMS = {
    chromium: '/usr/bin/chromium',
    firefox: '/usr/bin/firefox-esr',
    webkit: '/usr/bin/WebKitWebDriver',
};
const MINI_BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
/* Mesa's adapter in software, where there may be others. */
const LAVAPIPE = '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json';
const TIMEOUT_MS = 120_000;

export const NAMES = Object.keys(PROGRAMS);
/** What can draw in each of them, in workers too, and is to. (WebKitGTK has WebGL2 on the page's thread.) */
export const BACKENDS = {
    chromium: ['webgpu', 'webgl2', 'cpu'],
    firefox: ['webgpu', 'webgl2', 'cpu'],
    webkit: ['cpu'],
};

export function isInstalled(name) {
    return existsSync(PROGRAMS[name]) && (name !== 'webkit' || existsSync(MINI_BROWSER));
}

/* These present WebGL and WebGPU canvases through SwiftShader where there is no GPU. */
const CHROMIUM_ARGS = [
    '--no-sandbox',
    '--use-angle=swiftshader',
    '--enable-features=Vulkan',
    '--use-vulkan=swiftshader',
    '--enable-unsafe-swiftshader',
    '--ignore-gpu-blocklist',
];
const WEBGPU_ARGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
const NO_WEBGPU_ARGS = ['--disable-features=WebGPU', '--disable-blink-features=WebGPU'];

const sizeOf = (phone) => (phone ? { width: 390, height: 780 } : { width: 1000, height: 700 });

async function launchChromium({ reducedMotion = false, webgpu = true, phone = false }) {
    const { chromium } = await import('playwright-core');
    const browser = await chromium.launch({
        executablePath: PROGRAMS.chromium,
        headless: true,
        args: [...CHROMIUM_ARGS, ...(webgpu ? WEBGPU_ARGS : NO_WEBGPU_ARGS)],
    });
    const context = await browser.newContext({
        reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
        viewport: sizeOf(phone),
        hasTouch: phone,
        isMobile: phone,
    });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    page.on('pageerror', (error) => console.error('[chromium]', error.message));
    return {
        version: browser.version(),
        page,
        goto: (url) => page.goto(url),
        evaluate: (expression) => page.evaluate(expression),
        screenshot: (path) => page.screenshot({ path }),
        resize: (width, height) => page.setViewportSize({ width, height }),
        metrics: async () => {
            await session.send('HeapProfiler.collectGarbage');
            const { metrics } = await session.send('Performance.getMetrics');
            const valueOf = (wanted) => metrics.find((one) => one.name === wanted).value;
            return {
                heapBytes: valueOf('JSHeapUsedSize'),
                nodes: valueOf('Nodes'),
                listeners: valueOf('JSEventListeners'),
            };
        },
        close: () => browser.close(),
    };
}

async function launchFirefox({ reducedMotion = false, webgpu = true, phone = false }) {
    const { default: puppeteer } = await import('puppeteer-core');
    const browser = await puppeteer.launch({
        browser: 'firefox',
        executablePath: PROGRAMS.firefox,
        headless: false,
        protocolTimeout: TIMEOUT_MS,
        env: { ...process.env, VK_DRIVER_FILES: LAVAPIPE },
        extraPrefsFirefox: {
            'dom.webgpu.enabled': webgpu,
            'gfx.webgpu.ignore-blocklist': webgpu,
            'ui.prefersReducedMotion': reducedMotion ? 1 : 0,
        },
    });
    const page = await browser.newPage();
    await page.setViewport(sizeOf(phone));
    page.on('pageerror', (error) => console.error('[firefox]', error.message));
    return {
        version: await browser.version(),
        page,
        goto: (url) => page.goto(url),
        evaluate: (expression) => page.evaluate(expression),
        screenshot: (path) => page.screenshot({ path }),
        resize: (width, height) => page.setViewport({ width, height }),
        close: () => browser.close(),
    };
}

function freePort() {
    return new Promise((resolve) => {
        const server = net.createServer().listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

async function awaitPort(port) {
    for (let i = 0; i < 100; i++) {
        const isOpen = await new Promise((resolve) => {
            const socket = net.connect(port, '127.0.0.1', () => resolve(true));
            socket.on('error', () => resolve(false));
            socket.on('close', () => socket.destroy());
            setTimeout(() => socket.destroy(), 500);
        });
        if (isOpen) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('WebKitWebDriver does not listen');
}

/** A folder of settings by which GTK, and so WebKit, animates nothing. */
function makeStillSettings() {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gtk-'));
    mkdirSync(path.join(folder, 'gtk-3.0'));
    writeFileSync(path.join(folder, 'gtk-3.0/settings.ini'), '[Settings]\ngtk-enable-animations=0\n');
    return folder;
}

/* It has no WebGPU in any case. Canvases are painted by the processor: on the GPU in software that test machines
 * have, WebKitGTK 2.50 loses what is painted on a young canvas now and then, or shows it at another's size. */
async function launchWebkit({ reducedMotion = false, phone = false }) {
    const { Builder, Capabilities } = await import('selenium-webdriver');
    const port = await freePort();
    const settings = reducedMotion ? makeStillSettings() : undefined;
    const driver = spawn(PROGRAMS.webkit, ['--host=127.0.0.1', `--port=${port}`], {
        stdio: 'ignore',
        env: {
            ...process.env,
            WEBKIT_SKIA_ENABLE_CPU_RENDERING: '1',
            ...(settings === undefined ? {} : { XDG_CONFIG_HOME: settings }),
        },
    });
    await awaitPort(port);
    const capabilities = new Capabilities();
    capabilities.set('browserName', 'MiniBrowser');
    capabilities.set('webkitgtk:browserOptions', { binary: MINI_BROWSER, args: ['--automation'] });
    const session = await new Builder()
        .usingServer(`http://127.0.0.1:${port}`)
        .withCapabilities(capabilities)
        .build();
    await session.manage().setTimeouts({ script: TIMEOUT_MS, pageLoad: TIMEOUT_MS });
    await session.manage().window().setRect(sizeOf(phone));
    const evaluate = async (expression) => {
        const answer = await session.executeAsyncScript(
            `const done = arguments[arguments.length - 1];
            Promise.resolve(${expression}).then((value) => done({ value }),
                (error) => done({ error: String(error?.message ?? error) }));`,
        );
        if (answer.error !== undefined) throw new Error(answer.error);
        return answer.value;
    };
    return {
        version: (await session.getCapabilities()).get('browserVersion'),
        goto: (url) => session.get(url),
        evaluate,
        screenshot: async (path) =>
            writeFileSync(path, Buffer.from(await session.takeScreenshot(), 'base64')),
        resize: (width, height) => session.manage().window().setRect({ width, height }),
        close: async () => {
            await session.quit().catch(() => undefined);
            driver.kill();
            if (settings !== undefined) rmSync(settings, { recursive: true, force: true });
        },
    };
}

export function launch(name, options = {}) {
    return { chromium: launchChromium, firefox: launchFirefox, webkit: launchWebkit }[name](options);
}
