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
    var index = 0u;
    while (index + 1u < frame.panel_count && marks[(index + 1u) * PANEL_WORDS] <= row) {
        index += 1u;
    }
    return panel_at(index);
}

fn panel_at(index: u32) -> Panel {
    let at = index * PANEL_WORDS;
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

// ---- spans: what of a picture without counts is not black ----

// Of two draws the vertices, instances, 0 and 0; how many spans are listed; they themselves: column and
// first row in 16 bits each, and the row behind the last.
const SPANS_DRAW: u32 = 0u;
const COVER_DRAW: u32 = 4u;
const SPANS_LISTED: u32 = 8u;
const SPANS: u32 = 12u;
@group(0) @binding(3) var<storage, read> spans: array<u32>;
@group(0) @binding(3) var<storage, read_write> new_spans: array<atomic<u32>>;

// Bits [first, end) of a word.
fn bits_between(first: u32, end: u32) -> u32 {
    if (first >= end) {
        return 0u;
    }
    return (0xFFFFFFFFu >> (32u - (end - first))) << first;
}

// Which of the 32 rows from word * 32 of a panel on are lit.
fn lit_rows(panel: Panel, slot: u32, word: u32) -> u32 {
    let first = word * 32u;
    var lit = marks[panel.lit + slot * panel.lit_words + word];
    for (var i = 0u; i < panel.series_count; i++) {
        let at = panel.extents + (i * frame.width + slot) * 2u;
        let top = max(marks[at], 1u) - 1u;
        let end = min(marks[at + 1u], panel.height);
        if (marks[at] <= marks[at + 1u]) {
            lit |= bits_between(clamp(top, first, first + 32u) - first,
                                clamp(end, first, first + 32u) - first);
        }
    }
    return lit & bits_between(0u, min(panel.height - first, 32u));
}

// The runs of a column of a panel: only counted, or written from `to` on.
fn walk_runs(panel: Panel, column: u32, writes: bool, to: u32) -> u32 {
    let slot = (frame.origin + column) % frame.width;
    let room = (arrayLength(&new_spans) - SPANS) / 2u;
    var runs = 0u;
    var start = 0u;
    var is_in = false;
    for (var word = 0u; word < panel.lit_words; word++) {
        var left = lit_rows(panel, slot, word);
        var row = word * 32u;
        // Each round goes to where a run begins or ends; both are at most once a row.
        for (var round = 0u; round < 33u; round++) {
            let turns = select(left, ~left, is_in);
            let next = firstTrailingBit(turns);
            if (next == 0xFFFFFFFFu || row + next >= word * 32u + 32u) {
                break;
            }
            row += next;
            left >>= next;
            if (is_in && writes && to + runs < room) {
                atomicStore(&new_spans[SPANS + (to + runs) * 2u],
                            column | ((panel.first_row + start) << 16u));
                atomicStore(&new_spans[SPANS + (to + runs) * 2u + 1u], panel.first_row + row);
            }
            runs += select(0u, 1u, is_in);
            start = row;
            is_in = !is_in;
        }
    }
    if (is_in && writes && to + runs < room) {
        atomicStore(&new_spans[SPANS + (to + runs) * 2u], column | ((panel.first_row + start) << 16u));
        atomicStore(&new_spans[SPANS + (to + runs) * 2u + 1u], panel.first_row + panel.height);
    }
    return runs + select(0u, 1u, is_in);
}

var<workgroup> runs_here: atomic<u32>;
var<workgroup> runs_first: u32;

// A thread a column of a panel.
@compute @workgroup_size(64)
fn list_spans(@builtin(workgroup_id) group: vec3u, @builtin(global_invocation_id) at: vec3u,
              @builtin(local_invocation_index) thread: u32) {
    let panel = panel_at(group.y);
    let is_there = at.x < frame.width;
    var runs = 0u;
    if (is_there) {
        runs = walk_runs(panel, at.x, false, 0u);
    }
    if (thread == 0u) {
        atomicStore(&runs_here, 0u);
    }
    workgroupBarrier();
    let mine = atomicAdd(&runs_here, runs);
    workgroupBarrier();
    if (thread == 0u) {
        runs_first = atomicAdd(&new_spans[SPANS_LISTED], atomicLoad(&runs_here));
    }
    workgroupBarrier();
    if (is_there) {
        runs = walk_runs(panel, at.x, true, runs_first + mine);
    }
}

// Spans, or all pixels where they are too many or counts give pixels other colours than white.
@compute @workgroup_size(1)
fn plan_draws() {
    let listed = atomicLoad(&new_spans[SPANS_LISTED]);
    var covers = listed > (arrayLength(&new_spans) - SPANS) / 2u;
    for (var i = 0u; i < frame.panel_count; i++) {
        covers = covers || panel_at(i).grid_count > 0u;
    }
    atomicStore(&new_spans[SPANS_DRAW], select(listed * 6u, 0u, covers));
    atomicStore(&new_spans[SPANS_DRAW + 1u], 1u);
    atomicStore(&new_spans[COVER_DRAW], select(0u, 3u, covers));
    atomicStore(&new_spans[COVER_DRAW + 1u], 1u);
}

// Two triangles a span.
@vertex
fn span_corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
    let at = SPANS + i / 6u * 2u;
    let corner = i % 6u;
    let is_right = corner == 1u || corner == 2u || corner == 4u;
    let is_low = corner == 2u || corner >= 4u;
    let column = f32((spans[at] & 0xFFFFu) + select(0u, 1u, is_right)) - f32(frame.left);
    let row = f32(select(spans[at] >> 16u, spans[at + 1u], is_low)) - f32(frame.top);
    return vec4f(column / f32(frame.target_width) * 2.0 - 1.0,
                 1.0 - row / f32(frame.target_height) * 2.0, 0.0, 1.0);
}

@fragment
fn span_color() -> @location(0) vec4f {
    return vec4f(1.0);
}
