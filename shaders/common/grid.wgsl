// The counts of a picture's pixels; frame and counts are the shader's own.

// Of a pixel of a plot of `size` pixels, whose counts start at `grid`.
fn grid_count(grid: u32, size: vec2u, pixel: vec2u) -> u32 {
    let step = frame.grid_step;
    let cells = (size + step - 1u) / step;
    let cell = pixel / step;
    let slot = (frame.grid_origin + cell.x) % cells.x;
    let area = min(size - cell * step, vec2u(step));
    return tone_count(counts[grid + slot * cells.y + cell.y], counts[grid + cells.x * cells.y + slot],
                      area.x * area.y);
}
