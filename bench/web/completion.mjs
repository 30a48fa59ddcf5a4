// What makes a picture finish, and what of that counts.

/** A 2D canvas finishes when it is read. */
export function readBack(element) {
    for (const canvas of element.querySelectorAll('canvas'))
        if (canvas.width > 0 && canvas.height > 0)
            canvas.getContext('2d').getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1);
}

/** Of a library that draws in the screen's next frame: the milliseconds that `change` takes, and that frame
 * until `finish` has returned, without the wait in between. */
export async function drawOnScreen(change, finish) {
    let frameAt = 0;
    requestAnimationFrame(() => {
        frameAt = performance.now(); /* before the library's callback */
    });
    const start = performance.now();
    change();
    const changed = performance.now() - start;
    await new Promise((resolve) => requestAnimationFrame(resolve)); /* after it */
    finish();
    return changed + performance.now() - frameAt;
}
