// What makes a 2D canvas finish: reading of it.

export function readBack(element) {
    for (const canvas of element.querySelectorAll('canvas'))
        if (canvas.width > 0 && canvas.height > 0)
            canvas.getContext('2d').getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1);
}
