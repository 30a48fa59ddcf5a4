// A whole chart in one draw: a fragment goes through the commands of its tile, in the order in which
// the processor would draw them, and blends as it does (src/raster/raster_blend.h), in integers.

//!include common/layouts.wgsl
//!include common/tone.wgsl
//!include common/grid.wgsl

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> commands: array<Command>;
@group(0) @binding(2) var<storage, read> tiles: array<u32>; // firsts, one more than tiles; commands
@group(0) @binding(3) var<storage, read> data: array<u32>;
@group(0) @binding(4) var<storage, read> atlas: array<u32>; // bytes: 8 curves, then glyphs
@group(0) @binding(5) var<storage, read> counts: array<u32>;

const STROKE_WORDS: u32 = 6u; // x0 y0, direction, length, reach

fn number(at: u32) -> f32 {
    return bitcast<f32>(data[at]);
}

fn place(at: u32) -> vec2f {
    return vec2f(number(at), number(at + 1u));
}

// ---- blending ----

// a * b / 255, rounded; a, b <= 255.
fn mul_255(a: u32, b: u32) -> u32 {
    let t = a * b + 128u;
    return (t + (t >> 8u)) >> 8u;
}

fn blend(under: u32, over: u32, alpha: u32) -> u32 {
    let rest = 255u - alpha;
    var rb = (over & 0x00FF00FFu) * alpha + (under & 0x00FF00FFu) * rest + 0x00800080u;
    var g = ((over >> 8u) & 0xFFu) * alpha + ((under >> 8u) & 0xFFu) * rest + 0x80u;
    rb = ((rb + ((rb >> 8u) & 0x00FF00FFu)) >> 8u) & 0x00FF00FFu;
    g = (g + (g >> 8u)) & 0x0000FF00u;
    return 0xFF000000u | rb | g;
}

fn byte_of(cover: f32) -> u32 {
    return u32(clamp(cover, 0.0, 1.0) * 255.0 + 0.5);
}

fn soft_alpha(color: u32, cover: f32) -> u32 {
    return u32(f32(color >> 24u) * clamp(cover, 0.0, 1.0) + 0.5);
}

// ---- primitives ----

fn box_of(c: Command) -> vec4f {
    return vec4f(bitcast<f32>(c.a), bitcast<f32>(c.b), bitcast<f32>(c.c), bitcast<f32>(c.d));
}

fn box_cover(box: vec4f, centre: vec2f) -> f32 {
    let shared_part = min(box.zw, centre + 0.5) - max(box.xy, centre - 0.5);
    return max(shared_part.x, 0.0) * max(shared_part.y, 0.0);
}

fn round_cover(box: vec4f, radius: f32, centre: vec2f) -> f32 {
    let half = (box.zw - box.xy) * 0.5;
    let r = min(radius, min(half.x, half.y));
    let q = abs(centre - (box.xy + box.zw) * 0.5) - half + r;
    let distance = length(max(q, vec2f(0.0))) + min(max(q.x, q.y), 0.0) - r;
    return 0.5 - distance;
}

fn slanted_cover(ends: vec4f, width: f32, centre: vec2f) -> f32 {
    let way = ends.zw - ends.xy;
    let whole = length(way);
    let u = way / whole;
    let p = centre - ends.xy;
    let along = dot(p, u);
    let side = min(width * 0.5 + 0.5 - abs(p.y * u.x - p.x * u.y), 1.0);
    let end = min(min(along, whole - along) + 0.5, 1.0);
    return max(side, 0.0) * max(end, 0.0);
}

fn atlas_byte(at: u32) -> u32 {
    return (atlas[at / 4u] >> (at % 4u * 8u)) & 255u;
}

// Glyphs lie in the atlas unturned.
fn glyph_cover(c: Command, pixel: vec2u) -> u32 {
    let d = vec2u(vec2i(pixel) - vec2i(bitcast<i32>(c.a), bitcast<i32>(c.b)));
    let turns = c.f & 3u;
    var at = d;
    if (turns == 1u) {
        at = vec2u(c.c - 1u - d.y, d.x);
    } else if (turns == 2u) {
        at = vec2u(c.c - 1u - d.x, c.d - 1u - d.y);
    } else if (turns == 3u) {
        at = vec2u(d.y, c.d - 1u - d.x);
    }
    return atlas_byte((c.f >> 2u) * 256u + atlas_byte(c.e + at.y * c.c + at.x));
}

// ---- marks ----

// Capsules; see raster_stroke.c, whose bodies and discs they join.
fn stroke_cover(c: Command, centre: vec2f) -> u32 {
    let table = c.a + u32(centre.x) * 2u;
    var cover = 0.0;
    for (var i = data[table]; i < data[table + 1u]; i++) {
        let at = c.b + i * STROKE_WORDS;
        let d = centre - place(at);
        let u = place(at + 2u);
        let along = dot(d, u);
        let nearest = clamp(along, 0.0, number(at + 4u));
        var distance = abs(d.y * u.x - d.x * u.y);
        if (along != nearest) {
            distance = length(d - u * nearest);
        }
        cover = max(cover, number(at + 5u) - distance);
        if (cover >= 1.0) {
            break;
        }
    }
    return byte_of(cover);
}

fn disc_distance(c: Command, i: u32, centre: vec2f) -> f32 {
    return length(centre - place(c.b + i * 2u));
}

// A translucent disc over what the ones before have covered.
fn disc_over(cover: u32, c: Command, i: u32, centre: vec2f) -> u32 {
    let one = clamp(bitcast<f32>(c.c) - disc_distance(c, i, centre), 0.0, 1.0);
    return cover + mul_255(255u - cover, u32(one * bitcast<f32>(c.d) * 255.0 + 0.5));
}

fn discs_cover(c: Command, centre: vec2f) -> u32 {
    let tile = vec2u(centre) / TILE_PX;
    let table = c.a + tile.y * c.e + tile.x;
    let reach = bitcast<f32>(c.c);
    let opacity = bitcast<f32>(c.d);
    let end = data[table + 1u];
    if (opacity >= 1.0) { // the nearest counts; four at a time, as some drivers end long loops
        var nearest = reach;
        for (var i = data[table]; i < end; i += 4u) {
            let last = end - 1u;
            nearest = min(nearest, min(
                min(disc_distance(c, i, centre), disc_distance(c, min(i + 1u, last), centre)),
                min(disc_distance(c, min(i + 2u, last), centre),
                    disc_distance(c, min(i + 3u, last), centre))));
        }
        return byte_of(reach - nearest);
    }
    var cover = 0u;
    var i = data[table];
    for (; i + 4u <= end; i += 4u) {
        cover = disc_over(cover, c, i, centre);
        cover = disc_over(cover, c, i + 1u, centre);
        cover = disc_over(cover, c, i + 2u, centre);
        cover = disc_over(cover, c, i + 3u, centre);
    }
    for (; i < end; i++) {
        cover = disc_over(cover, c, i, centre);
    }
    return cover;
}

// What a line from `low` to `high`, as it runs over its columns evenly, leaves below itself of the
// pixel that starts at row.
fn share_below(row: f32, low: f32, high: f32) -> f32 {
    let start = clamp(low, row, row + 1.0);
    let to = clamp(high, row, row + 1.0);
    var share = row + 1.0 - to;
    if (to > start) {
        share += (to - start) * ((start + to) * 0.5 - low) / (high - low);
    }
    return share;
}

// Shapes are straight parts of the upper edge; see raster_area.c.
fn area_cover(c: Command, centre: vec2f) -> u32 {
    let row = centre.y - 0.5;
    let left = centre.x - 0.5;
    let table = c.a + u32(centre.x) * 2u;
    var sum = 0.0;
    var width = 0.0;
    for (var i = data[table]; i < data[table + 1u]; i++) {
        let a = place(c.b + i * 4u);
        let b = place(c.b + i * 4u + 2u);
        let start = max(a.x, left);
        let to = min(b.x, left + 1.0);
        if (to > start) {
            let slope = (b.y - a.y) / (b.x - a.x);
            let y0 = a.y + slope * (start - a.x);
            let y1 = a.y + slope * (to - a.x);
            sum += (to - start) * share_below(row, min(y0, y1), max(y0, y1));
            width += to - start;
        }
    }
    let below = clamp(row + 1.0 - bitcast<f32>(c.c), 0.0, 1.0);
    return byte_of(abs(sum - width * below));
}

// The colour of a pixel of a density, or 0 if it holds no point.
fn grid_color(c: Command, pixel: vec2u) -> u32 {
    let n = grid_count(c.a, vec2u(c.e, c.d), pixel);
    if (n == 0u) {
        return 0u;
    }
    let head = c.a - TONE_HEAD;
    let largest = counts[head];
    var level = 0u;
    switch (c.b) {
        case SCALE_LINEAR: {
            level = tone_share(n, largest);
        }
        case SCALE_EQUAL: {
            level = tone_share(counts[head + 1u + tone_bin(n)],
                               counts[head + 1u + tone_bin(largest)]);
        }
        default: {
            level = tone_share(tone_log(n), tone_log(largest));
        }
    }
    return data[c.c + level];
}

// Shapes are straight parts of both edges: x0 x1, upper y0 y1, lower y0 y1.
fn between_cover(c: Command, centre: vec2f) -> u32 {
    let row = centre.y - 0.5;
    let left = centre.x - 0.5;
    let table = c.a + u32(centre.x) * 2u;
    var sum = 0.0;
    for (var i = data[table]; i < data[table + 1u]; i++) {
        let at = c.b + i * 6u;
        let x = place(at);
        let start = max(x.x, left);
        let to = min(x.y, left + 1.0);
        if (to > start) {
            let shares = (vec2f(start, to) - x.x) / (x.y - x.x);
            let upper = mix(vec2f(number(at + 2u)), vec2f(number(at + 3u)), shares);
            let lower = mix(vec2f(number(at + 4u)), vec2f(number(at + 5u)), shares);
            sum += (to - start) *
                   (share_below(row, min(upper.x, upper.y), max(upper.x, upper.y)) -
                    share_below(row, min(lower.x, lower.y), max(lower.x, lower.y)));
        }
    }
    return byte_of(sum);
}

// ---- the picture ----

fn paint_command(c: Command, pixel: vec2u, under: u32) -> u32 {
    let centre = vec2f(pixel) + 0.5;
    let corner = vec2u(c.f & 0xFFFFu, c.f >> 16u);
    var color = c.color;
    var alpha = color >> 24u;
    switch (c.kind) {
        case PAINT_BOX: {
            alpha = soft_alpha(color, box_cover(box_of(c), centre));
        }
        case PAINT_ROUND: {
            alpha = soft_alpha(color, round_cover(box_of(c), bitcast<f32>(c.e), centre));
        }
        case PAINT_SLANTED: {
            alpha = soft_alpha(color, slanted_cover(box_of(c), bitcast<f32>(c.e), centre));
        }
        case PAINT_GLYPH: {
            alpha = mul_255(glyph_cover(c, pixel), alpha);
        }
        case PAINT_STROKE: {
            alpha = mul_255(stroke_cover(c, centre - vec2f(corner)), alpha);
        }
        case PAINT_DISCS: {
            alpha = mul_255(discs_cover(c, centre - vec2f(corner)), alpha);
        }
        case PAINT_BETWEEN: {
            alpha = mul_255(between_cover(c, centre - vec2f(corner)), alpha);
        }
        case PAINT_AREA: {
            color = data[c.d + pixel.y - corner.y];
            alpha = mul_255(area_cover(c, centre - vec2f(corner)), color >> 24u);
        }
        case PAINT_GRID: {
            color = grid_color(c, pixel - corner);
            alpha = color >> 24u;
        }
        default: {}
    }
    return blend(under, color, alpha);
}

fn color_at(pixel: vec2u) -> u32 {
    let tile = pixel.y / TILE_PX * ((frame.width + TILE_PX - 1u) / TILE_PX) + pixel.x / TILE_PX;
    var color = 0xFF000000u;
    for (var i = tiles[tile]; i < tiles[tile + 1u]; i++) {
        let index = tiles[i];
        let kept = commands[index];
        if (pixel.x >= kept.left && pixel.x < kept.right && pixel.y >= kept.top &&
            pixel.y < kept.bottom) {
            color = paint_command(kept, pixel, color);
        }
    }
    return color;
}

// One triangle that covers the target.
@vertex
fn cover(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
    return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn paint(@builtin(position) at: vec4f) -> @location(0) vec4f {
    let pixel = vec2u(at.xy) + vec2u(frame.left, frame.top);
    if (any(pixel >= vec2u(frame.width, frame.height))) {
        return vec4f(0.0, 0.0, 0.0, 1.0);
    }
    return unpack4x8unorm(color_at(pixel));
}

@group(0) @binding(6) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(32, 8)
fn paint_pixels(@builtin(global_invocation_id) at: vec3u) {
    if (at.x < frame.width && frame.top + at.y < frame.height) {
        pixels[at.y * frame.width + at.x] = color_at(vec2u(at.x, frame.top + at.y));
    }
}
