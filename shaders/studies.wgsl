// From the bars of a study to the shapes of its line or band, in the tables that paint.wgsl reads.
//
// A bar's values are distances below the middle of the plot, in units of 2^-20 px, as 64-bit integers:
// means commute with that mapping, so a sum of closes is exact, and a float is made of it only once
// what is far away has cancelled. combine and averages leave a study's values at its points in
// `values`, shape_lines makes shapes of them; x, and which shapes a column needs, are known to the
// processor, which leaves room for them.

//!include common/layouts.wgsl
//!include common/wide.wgsl

const STUDIES: u32 = 64u;

@group(0) @binding(0) var<uniform> studies: array<Study, STUDIES>;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> values: array<u32>; // 4 words a point
@group(0) @binding(3) var<storage, read_write> data: array<u32>; // of paint.wgsl

const BAR_WORDS: u32 = 4u; // of RANGE low and high, of SPREAD both closes, else a close
const CHUNK_WORDS: u32 = 3u; // start, chunk, end
const PLACE_WORDS: u32 = 6u; // point, x0, x1, shares of the way to the next point at both, reach
const UNIT_PX: f32 = 1.0 / 1048576.0;

fn wide_at(at: u32) -> vec2u {
    return vec2u(words[at], words[at + 1u]);
}

fn is_less_signed(a: vec2u, b: vec2u) -> bool {
    return is_less(vec2u(a.x, a.y ^ 0x80000000u), vec2u(b.x, b.y ^ 0x80000000u));
}

fn real_of(number: vec2u) -> f32 {
    let is_negative = number.y >> 31u != 0u;
    let size = select(number, subtract_wide(vec2u(0u, 0u), number), is_negative);
    let real = f32(size.y) * 4294967296.0 + f32(size.x);
    return select(real, -real, is_negative);
}

fn put_wide(at: u32, number: vec2u) {
    values[at] = number.x;
    values[at + 1u] = number.y;
}

// ---- sums and extremes: a thread a point ----

fn sum_of(bars: u32, count: u32) -> vec2u {
    var sum = vec2u(0u, 0u);
    for (var i = 0u; i < count; i++) {
        sum = add_wide(sum, wide_at(bars + i * BAR_WORDS));
    }
    return sum;
}

@compute @workgroup_size(64)
fn combine(@builtin(global_invocation_id) id: vec3u) {
    let study = studies[id.z];
    if (id.x >= study.point_count || study.kind == STUDY_EMA) {
        return;
    }
    let last = study.bars + (study.first_bar + id.x) * BAR_WORDS;
    let at = study.values + id.x * 4u;
    if (study.kind == STUDY_SPREAD) {
        // What they are counted from differs by what the first value holds.
        let spread = subtract_wide(wide_at(last), wide_at(last + 2u));
        put_wide(at, add_wide(spread, vec2u(study.offset_low, study.offset_high)));
        return;
    }
    let first = last - (study.length - 1u) * BAR_WORDS;
    if (study.kind == STUDY_SMA) {
        put_wide(at, sum_of(first, study.length));
        return;
    }
    var lowest = wide_at(first); // the farthest down
    var highest = wide_at(first + 2u);
    for (var bar = first; bar <= last; bar += BAR_WORDS) {
        let low = wide_at(bar);
        let high = wide_at(bar + 2u);
        lowest = select(lowest, low, is_less_signed(lowest, low));
        highest = select(highest, high, is_less_signed(high, highest));
    }
    put_wide(at, lowest);
    put_wide(at + 2u, highest);
}

// ---- exponential averages: a workgroup a chunk ----

const GROUP: u32 = 256u;

// A stretch of bars takes e to e + (y - x * e); x is 1 - (1 - weight)^bars, so that it keeps its
// digits where the weight is small.
var<workgroup> steps: array<vec2f, GROUP>;
var<workgroup> sums: array<vec2u, GROUP>;

fn close_px(study: Study, bar: u32) -> f32 {
    return real_of(wide_at(study.bars + bar * BAR_WORDS)) * UNIT_PX;
}

// The mean of `length` closes from `start` on, for all threads.
fn seed_of(study: Study, start: u32, thread: u32) -> f32 {
    var sum = vec2u(0u, 0u);
    for (var i = thread; i < study.length; i += GROUP) {
        sum = add_wide(sum, wide_at(study.bars + (start + i) * BAR_WORDS));
    }
    sums[thread] = sum;
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (thread < half) {
            sums[thread] = add_wide(sums[thread], sums[thread + half]);
        }
    }
    workgroupBarrier();
    return real_of(sums[0]) * UNIT_PX / f32(study.length);
}

fn put_average(study: Study, bar: u32, chunk: u32, average: f32) {
    if (bar >= max(chunk, study.first_bar)) {
        values[study.values + (bar - study.first_bar) * 4u] = bitcast<u32>(average);
    }
}

// Each thread has a stretch of bars: their steps as one, the steps before them by a scan (Hillis,
// Steele: "Data parallel algorithms", 1986), then the bars one by one.
@compute @workgroup_size(256)
fn averages(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let study = studies[group.z];
    if (study.kind != STUDY_EMA || group.x >= study.chunk_count) {
        return;
    }
    let at = study.chunks + group.x * CHUNK_WORDS;
    let start = words[at];
    let chunk = words[at + 1u];
    let end = words[at + 2u];
    if (end - start < study.length) {
        return;
    }
    let seed = seed_of(study, start, thread);
    let weight = 2.0 / f32(study.length + 1u);
    let seeded = start + study.length - 1u;
    let each = (end - seeded + GROUP - 2u) / GROUP; // of end - seeded - 1, rounded up
    let first = seeded + 1u + thread * each;
    let last = min(first + each, end);
    var mine = vec2f(0.0, 0.0);
    for (var bar = first; bar < last; bar++) {
        mine += weight * (vec2f(1.0, close_px(study, bar)) - mine);
    }
    steps[thread] = mine;
    for (var reach = 1u; reach < GROUP; reach *= 2u) {
        workgroupBarrier();
        var before = vec2f(0.0, 0.0);
        if (thread >= reach) {
            before = steps[thread - reach];
        }
        workgroupBarrier();
        mine = before + (mine - before * mine.x);
        steps[thread] = mine;
    }
    workgroupBarrier();
    var average = seed;
    if (thread == 0u) {
        put_average(study, seeded, chunk, seed);
    } else {
        let before = steps[thread - 1u];
        average += before.y - before.x * seed;
    }
    for (var bar = first; bar < last; bar++) {
        average += weight * (close_px(study, bar) - average);
        put_average(study, bar, chunk, average);
    }
}

// ---- shapes: a thread a straight part between two points ----

// y of a point in plot pixels; edge 1 is RANGE's upper one.
fn y_of(study: Study, point: u32, edge: u32) -> f32 {
    let at = study.values + point * 4u + edge * 2u;
    let middle = f32(study.height) * 0.5;
    var below = 0.0;
    if (study.kind == STUDY_EMA) {
        below = bitcast<f32>(values[at]);
    } else {
        below = real_of(vec2u(values[at], values[at + 1u])) * UNIT_PX;
        if (study.kind == STUDY_SMA) {
            below /= f32(study.length);
        }
    }
    return middle + clamp(below, -1000000.0, 1000000.0);
}

// What [start, start + way] of an axis, cut to [low, high], leaves of the shares [x, y] of the way.
fn cut(shares: vec2f, start: f32, way: f32, low: f32, high: f32) -> vec2f {
    if (way == 0.0) {
        return select(vec2f(1.0, 0.0), shares, start >= low && start <= high);
    }
    let a = (low - start) / way;
    let b = (high - start) / way;
    return vec2f(max(shares.x, min(a, b)), min(shares.y, max(a, b)));
}

// As add_capsule of render_paint_marks.c.
fn put_capsule(study: Study, at: u32, a: vec2f, b: vec2f, reach: f32) {
    let margin = reach + 2.0;
    let way = b - a;
    var shares = cut(vec2f(0.0, 1.0), a.x, way.x, -margin, f32(study.width) + margin);
    shares = cut(shares, a.y, way.y, -margin, f32(study.height) + margin);
    if (shares.x > shares.y) { // nowhere near the plot
        put_shape(at, vec2f(-1000000.0, -1000000.0), vec2f(1.0, 0.0), 0.0, 0.0);
        return;
    }
    let begin = select(a, a + way * shares.x, shares.x > 0.0);
    let to = select(b, a + way * shares.y, shares.y < 1.0);
    let whole = length(to - begin);
    put_shape(at, begin, select(vec2f(1.0, 0.0), (to - begin) / max(whole, 1e-30), whole > 0.0), whole, reach);
}

fn put_shape(at: u32, begin: vec2f, direction: vec2f, whole: f32, reach: f32) {
    data[at] = bitcast<u32>(begin.x);
    data[at + 1u] = bitcast<u32>(begin.y);
    data[at + 2u] = bitcast<u32>(direction.x);
    data[at + 3u] = bitcast<u32>(direction.y);
    data[at + 4u] = bitcast<u32>(whole);
    data[at + 5u] = bitcast<u32>(reach);
}

// Where the line from y.x to y.y over [0, 1] stands at `at`; 0 if it does not get there.
fn share_at(y: vec2f, at: f32) -> f32 {
    let share = (at - y.x) / (y.y - y.x);
    return select(0.0, share, share > 0.0 && share < 1.0);
}

// As add_between_part: five parts, some of no width.
fn put_parts(study: Study, at: u32, x: vec2f, upper: vec2f, lower: vec2f) {
    let low = -1.0;
    let high = f32(study.height) + 1.0;
    let width = x.y - x.x;
    let last = min((f32(study.width) - x.x) / width, 1.0);
    let a = vec2f(share_at(upper, low), share_at(upper, high));
    let b = vec2f(share_at(lower, low), share_at(lower, high));
    let early = vec2f(min(a.x, a.y), min(b.x, b.y)); // in order: both pairs, then across
    let late = vec2f(max(a.x, a.y), max(b.x, b.y));
    let first_late = min(late.x, late.y);
    let last_early = max(early.x, early.y);
    var ends = array<f32, 6>(max(-x.x / width, 0.0), min(early.x, early.y),
                             min(first_late, last_early), max(first_late, last_early),
                             max(late.x, late.y), last);
    for (var i = 0u; i < 5u; i++) {
        ends[i + 1u] = max(ends[i], min(ends[i + 1u], last));
        let part = at + i * 6u;
        let shares = vec2f(ends[i], ends[i + 1u]);
        let xs = x.x + width * shares;
        let uppers = clamp(upper.x + (upper.y - upper.x) * shares, vec2f(low), vec2f(high));
        let lowers = clamp(lower.x + (lower.y - lower.x) * shares, vec2f(low), vec2f(high));
        data[part] = bitcast<u32>(xs.x);
        data[part + 1u] = bitcast<u32>(xs.y);
        data[part + 2u] = bitcast<u32>(uppers.x);
        data[part + 3u] = bitcast<u32>(uppers.y);
        data[part + 4u] = bitcast<u32>(lowers.x);
        data[part + 5u] = bitcast<u32>(lowers.y);
    }
}

@compute @workgroup_size(64)
fn shape_lines(@builtin(global_invocation_id) id: vec3u) {
    let study = studies[id.z];
    if (id.x >= study.place_count) {
        return;
    }
    let at = study.places + id.x * PLACE_WORDS;
    let point = words[at];
    let x = vec2f(bitcast<f32>(words[at + 1u]), bitcast<f32>(words[at + 2u]));
    let shares = vec2f(bitcast<f32>(words[at + 3u]), bitcast<f32>(words[at + 4u]));
    let reach = bitcast<f32>(words[at + 5u]);
    let next = min(point + 1u, study.point_count - 1u);
    let y = vec2f(y_of(study, point, 0u), y_of(study, next, 0u));
    let ys = y.x + (y.y - y.x) * shares;
    put_capsule(study, study.lines + id.x * 6u, vec2f(x.x, ys.x), vec2f(x.y, ys.y), reach);
    if (study.kind != STUDY_RANGE) {
        return;
    }
    let upper = vec2f(y_of(study, point, 1u), y_of(study, next, 1u));
    let uppers = upper.x + (upper.y - upper.x) * shares;
    put_capsule(study, study.upper_lines + id.x * 6u, vec2f(x.x, uppers.x), vec2f(x.y, uppers.y),
                reach);
    if (x.y > x.x) {
        put_parts(study, study.parts + id.x * 30u, x, uppers, ys);
    }
}
