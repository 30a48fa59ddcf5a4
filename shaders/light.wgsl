// From marks and counts to pixels: white where some series' extents or the bitmap say so, else the
// sum of the counts (docs/pixel-rule.md).

//!include common/layouts.wgsl
//!include common/tone.wgsl
//!include common/grid.wgsl

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> marks: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;

const WHITE: u32 = 0xFFFFFFu;

fn panel_of(row: u32) -> Panel {
    var at = 0u;
    for (var next = PANEL_WORDS; next < frame.panel_count * PANEL_WORDS && marks[next] <= row;
         next += PANEL_WORDS) {
        at = next;
    }
    return Panel(marks[at], marks[at + 1u], marks[at + 2u], marks[at + 3u], marks[at + 4u],
                 marks[at + 5u], marks[at + 6u], marks[at + 7u], marks[at + 8u]);
}

fn color_at(column: u32, picture_row: u32) -> u32 {
    let panel = panel_of(picture_row);
    let row = picture_row - panel.first_row;
    let slot = (frame.origin + column) % frame.width;
    let word = marks[panel.lit + slot * panel.lit_words + row / 32u];
    var is_lit = ((word >> (row % 32u)) & 1u) != 0u;
    for (var i = 0u; i < panel.series_count && !is_lit; i++) {
        let extents = panel.extents + (i * frame.width + slot) * 2u;
        is_lit = marks[extents] <= row + 1u && row + 1u <= marks[extents + 1u];
    }
    var color = select(0u, WHITE, is_lit);
    for (var i = 0u; i < panel.grid_count && color < WHITE; i++) {
        let count = grid_count(panel.grid + i * panel.grid_words + TONE_HEAD,
                               vec2u(frame.width, panel.height), vec2u(column, row));
        color = min(color + min(count, WHITE), WHITE);
    }
    return 0xFF000000u | color;
}

// One triangle that covers the target.
@vertex
fn cover(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
    return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn paint(@builtin(position) at: vec4f) -> @location(0) vec4f {
    return unpack4x8unorm(color_at(frame.left + u32(at.x), frame.top + u32(at.y)));
}

@group(0) @binding(3) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(32, 8)
fn paint_pixels(@builtin(global_invocation_id) at: vec3u) {
    if (at.x < frame.width && frame.top + at.y < frame.height) {
        pixels[at.y * frame.width + at.x] = color_at(at.x, frame.top + at.y);
    }
}
