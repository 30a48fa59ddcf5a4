// From marks to pixels: white where some series' extents or the bitmap say so (docs/pixel-rule.md).

//!include common/layouts.wgsl

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> marks: array<u32>;

fn is_white(column: u32, row: u32) -> bool {
    let slot = (frame.origin + column) % frame.width;
    let word = marks[frame.lit + slot * frame.lit_words + row / 32u];
    var is_lit = (word >> (row % 32u) & 1u) != 0u;
    for (var i = 0u; i < frame.series_count && !is_lit; i++) {
        let extents = (i * frame.width + slot) * 2u;
        is_lit = marks[extents] <= row + 1u && row + 1u <= marks[extents + 1u];
    }
    return is_lit;
}

// One triangle that covers the target.
@vertex
fn cover(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
    return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn paint(@builtin(position) at: vec4f) -> @location(0) vec4f {
    let white = select(0.0, 1.0, is_white(frame.left + u32(at.x), frame.top + u32(at.y)));
    return vec4f(white, white, white, 1.0);
}

@group(0) @binding(2) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(32, 8)
fn paint_pixels(@builtin(global_invocation_id) at: vec3u) {
    if (at.x < frame.width && frame.top + at.y < frame.height) {
        let is_lit = is_white(at.x, frame.top + at.y);
        pixels[at.y * frame.width + at.x] = select(0xFF000000u, 0xFFFFFFFFu, is_lit);
    }
}
