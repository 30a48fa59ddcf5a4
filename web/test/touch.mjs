// Fingers on a page, as near to real ones as each browser's driver can do:
//
//   Chromium   touch input of the browser (DevTools' Input.dispatchTouchEvent), which scrolls and zooms pages too;
//              its events have the times that are given with them
//   Firefox    touch pointers of WebDriver (BiDi's input.performActions): the page's events are real, in time as
//              the machine allows; the browser itself neither scrolls nor zooms by them
//   WebKit     WebKitGTK's driver makes a mouse of a touch pointer: the page's own PointerEvents, with times
//              that are given
//
// A moment is where the fingers are, by name: { a: [x, y], b: [x, y] }, in CSS pixels. Moments follow each other after
// STEP_MS. A finger that is not in the next one is lifted where it was; one that is new is put down.
export const STEP_MS = 16;

const isIn = (moment, name) => Object.hasOwn(moment, name);

async function handOfChromium({ page }) {
    const session = await page.context().newCDPSession(page);
    const ids = new Map();
    let now = {};
    let clock = 0;
    const send = (type, moment, names) =>
        session.send('Input.dispatchTouchEvent', {
            type,
            touchPoints: names.map((name) => {
                if (!ids.has(name)) ids.set(name, ids.size);
                return { id: ids.get(name), x: moment[name][0], y: moment[name][1] };
            }),
            timestamp: clock / 1000,
        });
    return async (moments) => {
        clock = Math.max(clock, Date.now());
        for (const next of moments) {
            clock += STEP_MS;
            const names = Object.keys(next);
            const lifted = Object.keys(now).filter((name) => !isIn(next, name));
            const kept = names.filter((name) => isIn(now, name));
            if (lifted.length > 0) await send('touchEnd', now, kept.length > 0 ? lifted : []);
            if (kept.length > 0) await send('touchMove', next, kept);
            if (names.length > kept.length) await send('touchStart', next, names);
            now = next;
            /* Pages get moves with their frames, and the driver does not wait for that. */
            await page.evaluate(() => new Promise(requestAnimationFrame));
        }
    };
}

function handOfFirefox({ page }) {
    let now = {};
    return async (moments) => {
        const names = new Set([now, ...moments].flatMap((moment) => Object.keys(moment)));
        const sources = [...names].map((name) => {
            let before = now;
            const actions = moments.flatMap((next) => {
                const at = next[name];
                const was = isIn(before, name);
                before = next;
                const pause = { type: 'pause', duration: 0 };
                const change = at === undefined ? 'pointerUp' : 'pointerDown';
                return [
                    at === undefined ? pause : { type: 'pointerMove', x: at[0], y: at[1], duration: 0 },
                    was === (at !== undefined) ? pause : { type: change, button: 0 },
                    { type: 'pause', duration: STEP_MS },
                ];
            });
            return { type: 'pointer', id: `finger-${name}`, parameters: { pointerType: 'touch' }, actions };
        });
        now = moments.at(-1);
        await page.mainFrame().browsingContext.performActions(sources);
    };
}

/* What a page does with moments, as text for it. */
async function playInPage(before, moments, stepMs) {
    const hand = (window.hand ??= { targets: {}, clock: 0 });
    const targetAt = ([x, y]) => {
        let at = document.elementFromPoint(x, y);
        for (let inner; (inner = at.shadowRoot?.elementFromPoint(x, y)) && inner !== at; ) at = inner;
        return at;
    };
    const say = (type, name, [clientX, clientY]) => {
        const event = new PointerEvent(type, { pointerId: 10 + name.charCodeAt(0), pointerType: 'touch', clientX,
            clientY, button: type === 'pointermove' ? -1 : 0, bubbles: true, composed: true, cancelable: true });
        Object.defineProperty(event, 'timeStamp', { value: hand.clock });
        hand.targets[name].dispatchEvent(event);
    };
    hand.clock = Math.max(hand.clock, performance.now());
    for (const next of moments) {
        hand.clock += stepMs;
        for (const name of Object.keys(before)) if (!(name in next)) say('pointerup', name, before[name]);
        for (const [name, at] of Object.entries(next)) {
            if (name in before) {
                say('pointermove', name, at);
            } else {
                hand.targets[name] = targetAt(at);
                say('pointerdown', name, at);
            }
        }
        before = next;
        await new Promise(requestAnimationFrame);
    }
}

function handOfWebkit({ evaluate }) {
    let now = {};
    return async (moments) => {
        const args = [now, moments, STEP_MS].map((arg) => JSON.stringify(arg)).join(', ');
        now = moments.at(-1);
        /* Pointers that are made up cannot be captured. */
        await evaluate(`(Element.prototype.setPointerCapture = () => undefined, (${playInPage})(${args}))`);
    };
}

/** Resolves to play(moments), which resolves when the page has had them. */
export async function makeHand(browser, name) {
    return { chromium: handOfChromium, firefox: handOfFirefox, webkit: handOfWebkit }[name](browser);
}

/** `count` moments on the way from one to another, the other included; both of the same fingers. */
export function way(from, to, count = 7) {
    return Array.from({ length: count }, (_, i) => {
        const share = (i + 1) / count;
        return Object.fromEntries(
            Object.entries(to).map(([name, [x, y]]) => {
                const [x0, y0] = from[name];
                return [name, [x0 + (x - x0) * share, y0 + (y - y0) * share]];
            }),
        );
    });
}

/** Fingers that come to rest, so that nothing goes on when they are lifted. */
export function rest(moment) {
    return Array.from({ length: 6 }, () => moment);
}
