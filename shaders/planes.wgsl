// Points of a plane beside their counts (docs/pixel-rule.md): the largest level of their values in
// each pixel, and what nodes that are not counted yet are likely to add.

//!include common/layouts.wgsl
//!include common/wide.wgsl
//!include common/packed.wgsl
//!include common/segment.wgsl
//!include common/places.wgsl

@group(0) @binding(5) var<storage, read_write> marks: array<atomic<u32>>;

const NODES: u32 = 64u; // a slice
const VALUE_LEVELS: u32 = 1024u;

// ---- levels ----

fn level_of_place(place: u32) -> u32 {
    return VALUE_LEVELS + 1u - clamp(place, 1u, VALUE_LEVELS);
}

fn value_place(key: vec2u) -> u32 {
    return place_within(key, segment.unbounded, VALUE_LEVELS + 1u);
}

fn raise(x: u32, y: u32, level: u32) {
    if (level == 0u || x == 0u || x > frame.width || y == 0u || y > frame.height) {
        return;
    }
    let at = frame.cells + (x - 1u) * frame.stride + y - 1u;
    if (atomicLoad(&marks[at]) < level) {
        atomicMax(&marks[at], level);
    }
}

// The largest of a node, 0 if it has none.
fn node_level(slice: PointsSlice, node: u32) -> u32 {
    segment = segments[slice.segment + 2u];
    let pair = node_pair(node);
    return select(level_of_place(value_place(pair.max)), 0u, is_nothing(pair));
}

// Entry 3 * block + axis of these: x, y or the value of a block.
var<workgroup> side_at: array<u32, 48>; // its payload's first word
var<workgroup> side_bits: array<u32, 48>;
var<workgroup> side_min: array<vec2u, 48>;
var<workgroup> side_places: array<vec2u, 48>;
var<workgroup> side_bitmap: array<u32, 48>; // 0: no gaps
var<workgroup> side_rows: array<u32, 48>; // 0: nothing is drawn
var<workgroup> is_decoded: u32;

fn find_side(i: u32, slice: PointsSlice, block: u32) {
    let axis = i % 3u;
    segment = segments[slice.segment + axis];
    side_rows[i] = 0u;
    if (block * 256u >= segment.row_count) {
        return;
    }
    let found = find_block(block);
    if (is_nothing(found.pair)) {
        return;
    }
    side_rows[i] = min(segment.row_count - block * 256u, 256u);
    side_at[i] = found.at;
    side_bits[i] = found.bits;
    side_min[i] = add_wide(found.pair.min, vec2u(segment.offset_low, segment.offset_high));
    gaps = vec2u(slice.gaps_x_first, slice.gaps_x_last);
    side_places[i] = vec2u(0u);
    if (axis == 1u) {
        gaps = vec2u(slice.gaps_y_first, slice.gaps_y_last);
    }
    if (axis == 2u) {
        gaps = vec2u(slice.gaps_value_first, slice.gaps_value_last);
        side_places[i] = vec2u(value_place(found.pair.max), value_place(found.pair.min));
    } else {
        side_places[i] = places_of(found.pair);
    }
    side_bitmap[i] = find_bitmap(block);
}

fn side_place(slice: PointsSlice, i: u32, row: u32) -> u32 {
    let places = side_places[i];
    if (places.x == places.y) {
        return places.x;
    }
    let counted = add_wide(side_min[i], packed_get_wide(side_at[i], side_bits[i], row));
    return place_among(counted, segments[slice.segment + i % 3u].edges, i % 3u == 0u, places.x, places.y);
}

// Nothing of the node has to be decoded.
fn settle_node(slice: PointsSlice, node: u32) -> bool {
    segment = segments[slice.segment];
    let pair_x = node_pair(node);
    let x = places_of(pair_x);
    segment = segments[slice.segment + 1u];
    let pair_y = node_pair(node);
    let y = places_of(pair_y);
    if (is_nothing(pair_x) || is_nothing(pair_y) || is_outside(x, y)) {
        return true;
    }
    if (x.x != x.y || y.x != y.y || has_gaps(slice)) {
        return false;
    }
    raise(x.x, y.x, node_level(slice, node));
    return true;
}

// Neighbours in the same pixel together.
fn raise_rows(slice: PointsSlice, i: u32, lane: u32) {
    let rows = min(min(side_rows[i], side_rows[i + 1u]), side_rows[i + 2u]);
    if (rows == 0u || is_outside(side_places[i], side_places[i + 1u])) {
        return;
    }
    segment = segments[slice.segment]; // all three are read through its page table
    var known = vec2u(0u);
    var level = 0u;
    for (var row = lane; row < rows; row += 8u) {
        if (!is_drawn(side_bitmap[i], row) || !is_drawn(side_bitmap[i + 1u], row) ||
            !is_drawn(side_bitmap[i + 2u], row)) {
            continue;
        }
        let pixel = vec2u(side_place(slice, i, row), side_place(slice, i + 1u, row));
        if (any(pixel != known)) {
            raise(known.x, known.y, level);
            known = pixel;
            level = 0u;
        }
        level = max(level, level_of_place(side_place(slice, i + 2u, row)));
    }
    raise(known.x, known.y, level);
}

// A workgroup a node: 16 blocks of 8 threads.
@compute @workgroup_size(128)
fn raise_levels(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let number = group.y * frame.groups_x + group.x;
    if (number / NODES >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + number / NODES];
    let node = slice.first_node + number % NODES;
    if (number % NODES >= slice.node_count || !is_chosen(slice, node)) {
        return;
    }
    if (thread == 0u) {
        is_decoded = select(1u, 0u, settle_node(slice, node));
    }
    workgroupBarrier();
    if (is_decoded != 0u && thread < 3u * NODE_BLOCKS) {
        find_side(thread, slice, node * NODE_BLOCKS + thread / 3u);
    }
    workgroupBarrier();
    if (is_decoded != 0u) {
        raise_rows(slice, thread / 8u * 3u, thread % 8u);
    }
}

// ---- spreading ----

// Of a node's points, or of its largest level, one goes to each of so many pixels of its box at most.
const DOTS: u32 = 1024u;

var<workgroup> boxes: array<vec4u, 64>; // places: left, top, right, bottom
var<workgroup> amounts: array<u32, 64>; // points in view, as it seems; 0: none
var<workgroup> node_levels: array<u32, 64>;

fn to_float(wide: vec2u) -> f32 {
    return f32(wide.y) * 4294967296.0 + f32(wide.x);
}

// The share of a box's side that lies between the first and the last edge of the view.
fn share_in_view(pair: Pair, places: vec2u, size: u32) -> f32 {
    let is_across = (segment.flags & IS_ACROSS) != 0u;
    let offset = vec2u(segment.offset_low, segment.offset_high);
    let low = add_wide(pair.min, offset);
    let high = add_wide(pair.max, offset);
    var first = low;
    var last = high;
    let begins_outside = places.x == 0u;
    let ends_outside = places.y > size;
    if (begins_outside && is_across) {
        first = edges[segment.edges];
    } else if (begins_outside) {
        last = edges[segment.edges];
    }
    if (ends_outside && is_across) {
        last = edges[segment.edges + size];
    } else if (ends_outside) {
        first = edges[segment.edges + size];
    }
    if (!is_less(low, high)) {
        return 1.0;
    }
    return clamp(to_float(subtract_wide(last, first)) / to_float(subtract_wide(high, low)), 0.0, 1.0);
}

fn measure_node(slice: PointsSlice, thread: u32) {
    let node = slice.first_node + thread;
    amounts[thread] = 0u;
    segment = segments[slice.segment];
    let pair_x = node_pair(node);
    let x = places_of(pair_x);
    let share_x = share_in_view(pair_x, x, frame.width);
    let rows = min(segment.row_count - min(node * NODE_ROWS, segment.row_count), NODE_ROWS);
    segment = segments[slice.segment + 1u];
    let pair_y = node_pair(node);
    let y = places_of(pair_y);
    if (is_nothing(pair_x) || is_nothing(pair_y) || is_outside(x, y)) {
        return;
    }
    let share = share_x * share_in_view(pair_y, y, frame.height);
    boxes[thread] = vec4u(max(x.x, 1u), max(y.x, 1u), min(x.y, frame.width), min(y.y, frame.height));
    amounts[thread] = u32(f32(rows) * share + 0.5);
    if (frame.counts == 0u) {
        node_levels[thread] = node_level(slice, node);
    }
}

// A workgroup a slice.
@compute @workgroup_size(64)
fn spread(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let index = group.y * frame.groups_x + group.x;
    if (index >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + index];
    if (thread < slice.node_count && is_chosen(slice, slice.first_node + thread)) {
        measure_node(slice, thread);
    } else {
        amounts[thread] = 0u;
    }
    workgroupBarrier();
    for (var i = 0u; i < slice.node_count; i++) {
        let amount = amounts[i];
        let box = boxes[i];
        let height = box.w - box.y + 1u;
        let area = height * (box.z - box.x + 1u);
        let count = min(min(amount, area), DOTS);
        let dots = max(count, 1u); // drivers divide before they look whether there is anything to do
        for (var k = thread; k < count; k += 64u) {
            let at = k * (area / dots) + k * (area % dots) / dots + area / dots / 2u;
            let x = box.x + at / height;
            let y = box.y + at % height;
            if (frame.counts == 0u) {
                raise(x, y, node_levels[i]);
            } else {
                let rest = amount % dots;
                let mine = amount / dots + (k + 1u) * rest / dots - k * rest / dots;
                atomicAdd(&marks[frame.cells + (x - 1u) * frame.stride + y - 1u], mine);
            }
        }
    }
}
