// Points of a plane: which pixels they lie in, or how many in each (docs/pixel-rule.md).
//
// A node is 16 blocks of a segment in its trees of x and of y: a box.
// cull_points lists the nodes that may have points in view and are not settled by their boxes;
// points_blocks decodes a node's blocks, or with BY_BLOCKS those of all nodes, listed or not.
// A block's headers say which edges of pixels it may cross, mostly one or two, so that points are
// compared with those alone, and counted a thread in bytes of registers; the counts of a node are
// gathered before they go to marks, since neighbours share pixels.

//!include common/layouts.wgsl
//!include common/wide.wgsl
//!include common/packed.wgsl
//!include common/segment.wgsl
//!include common/places.wgsl

override BY_BLOCKS: u32 = 0u;

@group(0) @binding(5) var<storage, read_write> marks: array<atomic<u32>>;

// x, y and z of an indirect dispatch, how many nodes are listed, and their numbers: NODES a slice.
const LISTED: u32 = 3u;
const LIST: u32 = 4u;
const GROUPS_X: u32 = 65535u; // what every device grants
const NODES: u32 = 64u;
@group(0) @binding(8) var<storage, read> work: array<u32>;
@group(0) @binding(8) var<storage, read_write> new_work: array<atomic<u32>>;

// ---- marks ----

fn is_lit(x: u32, y: u32) -> bool {
    let row = y - 1u;
    let at = frame.cells + (x - 1u) * frame.stride + row / 32u;
    return ((atomicLoad(&marks[at]) >> (row % 32u)) & 1u) != 0u;
}

// `count` points at a place; nothing if that is not in view.
fn add_points(x: u32, y: u32, count: u32) {
    if (count == 0u || x == 0u || x > frame.width || y == 0u || y > frame.height) {
        return;
    }
    if (frame.counts != 0u) {
        atomicAdd(&marks[frame.cells + (x - 1u) * frame.stride + y - 1u], count);
    } else if (!is_lit(x, y)) {
        let row = y - 1u;
        atomicOr(&marks[frame.cells + (x - 1u) * frame.stride + row / 32u], 1u << (row % 32u));
    }
}

// ---- nodes ----

// Whether nothing of the node has to be decoded; what its box alone tells is added.
fn settle_node(slice: PointsSlice, node: u32) -> bool {
    segment = segments[slice.segment];
    let pair_x = node_pair(node);
    if (is_nothing(pair_x)) {
        return true;
    }
    let x = places_of(pair_x);
    let rows = min(segment.row_count - node * NODE_ROWS, NODE_ROWS);
    segment = segments[slice.segment + 1u];
    let pair_y = node_pair(node);
    if (is_nothing(pair_y)) {
        return true;
    }
    let y = places_of(pair_y);
    if (is_outside(x, y)) {
        return true;
    }
    if (x.x != x.y || y.x != y.y || has_gaps(slice)) {
        return false;
    }
    add_points(x.x, y.x, rows);
    return true;
}

var<workgroup> listed_here: atomic<u32>;
var<workgroup> list_first: u32;

// A workgroup a slice, a thread a node.
@compute @workgroup_size(64)
fn cull_points(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let index = group.y * frame.groups_x + group.x;
    if (index >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + index];
    if (thread == 0u) {
        atomicStore(&listed_here, 0u);
    }
    workgroupBarrier();
    let node = slice.first_node + thread;
    let is_listed = thread < slice.node_count && is_chosen(slice, node) && !settle_node(slice, node);
    var mine = 0u;
    if (is_listed) {
        mine = atomicAdd(&listed_here, 1u);
    }
    workgroupBarrier();
    if (thread == 0u) {
        let count = atomicLoad(&listed_here);
        list_first = atomicAdd(&new_work[LISTED], count);
        let end = list_first + count;
        if (count > 0u) {
            atomicMax(&new_work[0], min(end, GROUPS_X)); // rows of GROUPS_X, the last not full
            atomicMax(&new_work[1], (end - 1u) / GROUPS_X + 1u);
        }
    }
    workgroupBarrier();
    if (is_listed) {
        atomicStore(&new_work[LIST + list_first + mine], index * NODES + thread);
    }
}

// ---- blocks ----

// Entry 2 * block + axis of these: a side of a block.
var<workgroup> side_at: array<u32, 32>; // its payload's first word
var<workgroup> side_bits: array<u32, 32>; // of wide keys up to 64
// Word w of the payload is at `near + w` of the slabs if w < split, else at `far + w`: it lies on one
// page or two.
var<workgroup> side_near: array<u32, 32>;
var<workgroup> side_far: array<u32, 32>;
var<workgroup> side_split: array<u32, 32>;
var<workgroup> side_min: array<vec2u, 32>;
var<workgroup> side_places: array<vec2u, 32>;
const EDGES: u32 = 7u;
var<workgroup> side_edges: array<u32, 224>; // residuals above these have passed its first EDGES edges
var<workgroup> side_bitmap: array<u32, 32>; // 0: no gaps
var<workgroup> side_rows: array<u32, 32>; // 0: nothing is drawn

const SKIPPED: u32 = 0u;
const BY_ONE: u32 = 1u; // at most one edge of each side
const BY_THREE: u32 = 2u; // at most three
const BY_FEW: u32 = 3u; // at most EDGES
const BY_GUESS: u32 = 4u; // more
const BY_POINT: u32 = 5u; // with gaps, cut short, or wide
var<workgroup> block_way: array<u32, 16>;
// The blocks in the order of their ways, so that threads that run together do the same.
var<workgroup> block_order: array<u32, 16>;

// The counts of the node, if it touches few pixels: from place (box_left, box_top) on.
const GRID: u32 = 512u;
var<workgroup> grid: array<atomic<u32>, GRID>;
var<workgroup> box_left: atomic<u32>;
var<workgroup> box_top: atomic<u32>;
var<workgroup> box_right: atomic<u32>;
var<workgroup> box_bottom: atomic<u32>;

fn find_side(i: u32, slice: PointsSlice, block: u32) {
    segment = segments[slice.segment + (i & 1u)];
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
    side_min[i] = found.pair.min;
    // A block of no bits has no words, and reads the page of zeros.
    side_near[i] = 0u;
    side_far[i] = 0u;
    side_split[i] = PAGE_WORDS;
    if (found.bits > 0u) {
        side_near[i] = address_of(found.at);
        side_split[i] = PAGE_WORDS - found.at % PAGE_WORDS;
        side_far[i] = address_of(found.at + side_split[i]) - side_split[i];
    }
    let places = places_of(found.pair);
    side_places[i] = places;
    // Edges places.x to places.y - 1 lie within (min, max], so that differences to min fit 32 bits
    // if residuals do.
    let base = found.pair.min.x + segment.offset_low;
    for (var k = 0u; k < EDGES; k++) {
        var above = 0xFFFFFFFFu;
        if (k < places.y - places.x) {
            above = edges[segment.edges + places.x + k].x - base - 1u;
        }
        side_edges[i * EDGES + k] = above;
    }
    gaps = vec2u(slice.gaps_x_first, slice.gaps_x_last);
    if ((i & 1u) == 1u) {
        gaps = vec2u(slice.gaps_y_first, slice.gaps_y_last);
    }
    side_bitmap[i] = find_bitmap(block);
}

// Whether all pixels that a block may touch are lit; asked for few.
fn is_full(x: vec2u, y: vec2u) -> bool {
    for (var column = max(x.x, 1u); column <= min(x.y, frame.width); column++) {
        for (var row = max(y.x, 1u); row <= min(y.y, frame.height); row++) {
            if (!is_lit(column, row)) {
                return false;
            }
        }
    }
    return true;
}

fn choose_way(block: u32) -> u32 {
    let i = 2u * block;
    if (side_rows[i] == 0u || side_rows[i + 1u] == 0u) {
        return SKIPPED;
    }
    let x = side_places[i];
    let y = side_places[i + 1u];
    let has_bitmap = (side_bitmap[i] | side_bitmap[i + 1u]) != 0u;
    let crossed = max(x.y - x.x, y.y - y.x);
    if (BY_BLOCKS == 0u) {
        if (is_outside(x, y)) {
            return SKIPPED;
        }
        if (crossed == 0u && !has_bitmap) {
            add_points(x.x, y.x, side_rows[i]);
            return SKIPPED;
        }
        if (frame.counts == 0u && crossed <= 2u && is_full(x, y)) {
            return SKIPPED;
        }
    }
    atomicMin(&box_left, x.x);
    atomicMin(&box_top, y.x);
    atomicMax(&box_right, x.y);
    atomicMax(&box_bottom, y.y);
    if (has_bitmap || side_rows[i] < 256u || max(side_bits[i], side_bits[i + 1u]) > 32u) {
        return BY_POINT;
    }
    if (crossed > 3u) {
        return select(BY_GUESS, BY_FEW, crossed <= EDGES);
    }
    return select(BY_THREE, BY_ONE, crossed <= 1u);
}

// Where a block comes among the others: behind those of lesser ways, and those before it of its own.
fn rank_of(block: u32) -> u32 {
    let way = block_way[block];
    var rank = 0u;
    for (var other = 0u; other < NODE_BLOCKS; other++) {
        let its = block_way[other];
        rank += select(0u, 1u, its < way || (its == way && other < block));
    }
    return rank;
}

// What threads have found, gathered in the grid if the node has one.
fn collect(has_grid: bool, corner: vec2u, width: u32, x: u32, y: u32, count: u32) {
    if (count == 0u) {
        return;
    }
    if (has_grid) {
        atomicAdd(&grid[(y - corner.y) * width + x - corner.x], count);
    } else {
        add_points(x, y, count);
    }
}

// A lane of a side, 32 bits at a time; each word is loaded once.
struct Window {
    near: u32,
    far: u32,
    split: u32,
    bits: u32,
    mask: u32,
    here: u32,
    ahead: u32,
    shift: u32,
    next: u32, // word of the payload
    last: u32, // of the lane
}

fn window_load(window: ptr<function, Window>) -> u32 {
    let w = min((*window).next, (*window).last);
    (*window).next += 8u;
    return load_at(w + select((*window).far, (*window).near, w < (*window).split));
}

// Of 0 to 32 bits.
fn window_start(i: u32, lane: u32) -> Window {
    let bits = side_bits[i];
    let mask = select(0xFFFFFFFFu >> ((32u - bits) & 31u), 0u, bits == 0u);
    var window = Window(side_near[i], side_far[i], side_split[i], bits, mask, 0u, 0u, 0u, lane,
                        lane + (max(bits, 1u) - 1u) * 8u);
    window.here = window_load(&window);
    window.ahead = window_load(&window);
    return window;
}

// The next 32 bits of the lane, of which `count` values are taken.
fn window_take(window: ptr<function, Window>, count: u32) -> u32 {
    let shift = (*window).shift;
    let taken = ((*window).here >> shift) | (((*window).ahead << (31u - shift)) << 1u);
    (*window).shift += (*window).bits * count;
    if ((*window).shift >= 32u) {
        (*window).shift -= 32u;
        (*window).here = (*window).ahead;
        (*window).ahead = window_load(window);
    }
    return taken;
}

fn take_four(window: ptr<function, Window>) -> vec4u {
    let bits = (*window).bits;
    let taken = vec4u(window_take(window, 4u));
    return (taken >> vec4u(0u, bits, bits * 2u, bits * 3u)) & vec4u((*window).mask);
}

fn take_two(window: ptr<function, Window>) -> vec2u {
    let bits = (*window).bits;
    let taken = vec2u(window_take(window, 2u));
    return (taken >> vec2u(0u, bits)) & vec2u((*window).mask);
}

fn take_one(window: ptr<function, Window>) -> u32 {
    return window_take(window, 1u) & (*window).mask;
}

// A lane of a block with at most one edge of each side: the counts of its four places in the bytes
// of a word. Rows go up as keys go down.
fn count_by_one(i: u32, lane: u32) -> u32 {
    var x = window_start(i, lane);
    var y = window_start(i + 1u, lane);
    let x_edge = side_edges[i * EDGES];
    let y_edge = side_edges[(i + 1u) * EDGES];
    let bits = max(x.bits, y.bits);
    var counts = 0u;
    if (bits <= 8u) {
        for (var k = 0u; k < 8u; k++) {
            let right = select(vec4u(0u), vec4u(8u), take_four(&x) > vec4u(x_edge));
            let up = select(vec4u(0u), vec4u(16u), take_four(&y) > vec4u(y_edge));
            let ones = vec4u(1u) << (right + up);
            counts += ones.x + ones.y + ones.z + ones.w;
        }
    } else if (bits <= 16u) {
        for (var k = 0u; k < 16u; k++) {
            let right = select(vec2u(0u), vec2u(8u), take_two(&x) > vec2u(x_edge));
            let up = select(vec2u(0u), vec2u(16u), take_two(&y) > vec2u(y_edge));
            let ones = vec2u(1u) << (right + up);
            counts += ones.x + ones.y;
        }
    } else {
        for (var k = 0u; k < 32u; k++) {
            let right = select(0u, 8u, take_one(&x) > x_edge);
            let up = select(0u, 16u, take_one(&y) > y_edge);
            counts += 1u << (right + up);
        }
    }
    return counts;
}

// At most three edges of each side: a word a row. Edges of rows come from the top; keys pass them
// from the bottom, in whatever order they are compared.
fn count_in_rows(counts: vec4u, x: u32, y: u32, x_edges: vec3u, y_edges: vec3u) -> vec4u {
    let right = select(vec3u(0u), vec3u(8u), vec3u(x) > x_edges);
    let up = select(vec3u(0u), vec3u(1u), vec3u(y) > y_edges);
    let row = vec4u(up.x + up.y + up.z);
    let one = 1u << (right.x + right.y + right.z);
    return counts + select(vec4u(0u), vec4u(one), row == vec4u(0u, 1u, 2u, 3u));
}

fn first_edges(i: u32) -> vec3u {
    return vec3u(side_edges[i * EDGES], side_edges[i * EDGES + 1u], side_edges[i * EDGES + 2u]);
}

fn count_by_three(i: u32, lane: u32) -> vec4u {
    var x = window_start(i, lane);
    var y = window_start(i + 1u, lane);
    let x_edges = first_edges(i);
    let y_edges = first_edges(i + 1u);
    var counts = vec4u(0u);
    if (max(x.bits, y.bits) <= 16u) {
        for (var k = 0u; k < 16u; k++) {
            let xs = take_two(&x);
            let ys = take_two(&y);
            counts = count_in_rows(counts, xs.x, ys.x, x_edges, y_edges);
            counts = count_in_rows(counts, xs.y, ys.y, x_edges, y_edges);
        }
    } else {
        for (var k = 0u; k < 32u; k++) {
            counts = count_in_rows(counts, take_one(&x), take_one(&y), x_edges, y_edges);
        }
    }
    return counts;
}

fn sum_of(v: vec4u) -> u32 {
    return v.x + v.y + v.z + v.w;
}

// How many of a side's edges a residual has passed.
fn passed(residual: u32, first: vec4u, second: vec4u) -> u32 {
    return sum_of(select(vec4u(0u), vec4u(1u), vec4u(residual) > first)) +
        sum_of(select(vec4u(0u), vec4u(1u), vec4u(residual) > second));
}

fn half_edges(i: u32, half: u32) -> vec4u {
    let at = i * EDGES + half * 4u;
    let last = select(side_edges[at + 3u], 0xFFFFFFFFu, half == 1u);
    return vec4u(side_edges[at], side_edges[at + 1u], side_edges[at + 2u], last);
}

// At most EDGES edges of each side: the pixels go to the grid point by point.
fn count_by_few(i: u32, lane: u32, has_grid: bool, corner: vec2u, width: u32) {
    var x = window_start(i, lane);
    var y = window_start(i + 1u, lane);
    let left = side_places[i].x;
    let bottom = side_places[i + 1u].y;
    let x_edges = half_edges(i, 0u);
    let more_x = half_edges(i, 1u);
    let y_edges = half_edges(i + 1u, 0u);
    let more_y = half_edges(i + 1u, 1u);
    for (var k = 0u; k < 32u; k++) {
        let column = left + passed(take_one(&x), x_edges, more_x);
        let row = bottom - passed(take_one(&y), y_edges, more_y);
        collect(has_grid, corner, width, column, row, 1u);
    }
}

// The edges of a side in the order in which residuals pass them, evenly far from each other or so.
struct Ruler {
    at: u32, // the first, in edges; the next is in front of it unless it is_across
    is_across: bool,
    base: u32,
    count: u32,
    first: u32, // residuals above it have passed the first edge
    scale: f32, // edges a residual
}

fn ruler_edge(ruler: Ruler, k: u32) -> u32 {
    return edges[select(ruler.at - k, ruler.at + k, ruler.is_across)].x - ruler.base;
}

fn ruler_of(slice: PointsSlice, i: u32) -> Ruler {
    let number = slice.segment + (i & 1u);
    let places = side_places[i];
    let is_across = (i & 1u) == 0u;
    var ruler = Ruler(segments[number].edges + select(places.y - 1u, places.x, is_across), is_across,
                      side_min[i].x + segments[number].offset_low + 1u, places.y - places.x, 0u, 0.0);
    if (ruler.count > 0u) {
        ruler.first = ruler_edge(ruler, 0u);
        let last = ruler_edge(ruler, ruler.count - 1u);
        ruler.scale = f32(ruler.count - 1u) / max(f32(last - ruler.first), 1.0);
    }
    return ruler;
}

// How many edges a residual has passed: a guess, most often right or one off.
fn ruler_passed(ruler: Ruler, residual: u32) -> u32 {
    if (ruler.count == 0u || residual <= ruler.first) {
        return 0u;
    }
    var passed = min(1u + u32(f32(residual - ruler.first) * ruler.scale), ruler.count);
    while (passed < ruler.count && residual > ruler_edge(ruler, passed)) {
        passed += 1u;
    }
    while (passed > 1u && residual <= ruler_edge(ruler, passed - 1u)) {
        passed -= 1u;
    }
    return passed;
}

fn count_by_guess(slice: PointsSlice, i: u32, lane: u32, has_grid: bool, corner: vec2u,
                  width: u32) {
    var x = window_start(i, lane);
    var y = window_start(i + 1u, lane);
    let left = side_places[i].x;
    let bottom = side_places[i + 1u].y;
    let across = ruler_of(slice, i);
    let up = ruler_of(slice, i + 1u);
    for (var k = 0u; k < 32u; k++) {
        let column = left + ruler_passed(across, take_one(&x));
        let row = bottom - ruler_passed(up, take_one(&y));
        collect(has_grid, corner, width, column, row, 1u);
    }
}

fn side_key(i: u32, row: u32) -> vec2u {
    return add_wide(side_min[i], packed_get_wide(side_at[i], side_bits[i], row));
}

// Point by point, neighbours in the same place together.
fn count_by_point(slice: PointsSlice, i: u32, lane: u32, has_grid: bool, corner: vec2u,
                  width: u32) {
    var known = vec2u(0u);
    var count = 0u;
    let x_places = side_places[i];
    let y_places = side_places[i + 1u];
    for (var row = lane; row < side_rows[i]; row += 8u) {
        // Both columns are read through the same page table.
        segment = segments[slice.segment];
        if (!is_drawn(side_bitmap[i], row) || !is_drawn(side_bitmap[i + 1u], row)) {
            continue;
        }
        let x = place_within(side_key(i, row), x_places.x, x_places.y);
        segment = segments[slice.segment + 1u];
        let y = place_within(side_key(i + 1u, row), y_places.x, y_places.y);
        if (any(known != vec2u(x, y))) {
            collect(has_grid, corner, width, known.x, known.y, count);
            known = vec2u(x, y);
            count = 0u;
        }
        count += 1u;
    }
    collect(has_grid, corner, width, known.x, known.y, count);
}

// What the lanes of a block with few edges have counted: row by row, up to four columns in bytes.
const TALLY_STRIDE: u32 = 132u; // of a row of all threads; not a multiple of the memory's banks
var<workgroup> tally: array<u32, 528>;

fn store_tally(thread: u32, counts: vec4u) {
    for (var row = 0u; row < 4u; row++) {
        tally[row * TALLY_STRIDE + thread] = counts[row];
    }
}

// The eight threads of a block take two pixels of its sixteen each.
fn collect_tally(i: u32, thread: u32, has_grid: bool, corner: vec2u, width: u32) {
    let row = (thread % 8u) / 2u;
    let column = thread % 2u * 2u;
    var sums = vec2u(0u);
    for (var lane = 0u; lane < 8u; lane++) {
        let word = tally[row * TALLY_STRIDE + thread / 8u * 8u + lane] >> (column * 8u);
        sums += vec2u(word & 255u, (word >> 8u) & 255u);
    }
    let x = side_places[i].x + column;
    let y = side_places[i + 1u].y - row;
    collect(has_grid, corner, width, x, y, sums.x);
    collect(has_grid, corner, width, x + 1u, y, sums.y);
}

// A workgroup a node: 16 blocks of 8 threads.
@compute @workgroup_size(128)
fn points_blocks(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    var number = group.y * frame.groups_x + group.x;
    if (BY_BLOCKS == 0u) {
        let listed = group.y * GROUPS_X + group.x;
        if (listed >= work[LISTED]) {
            return;
        }
        number = work[LIST + listed];
    }
    if (number / NODES >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + number / NODES];
    if (number % NODES >= slice.node_count) {
        return;
    }
    let first_block = (slice.first_node + number % NODES) * NODE_BLOCKS;
    if (thread < 2u * NODE_BLOCKS) {
        find_side(thread, slice, first_block + thread / 2u);
    }
    if (thread == 0u) {
        atomicStore(&box_left, 0xFFFFFFFFu);
        atomicStore(&box_top, 0xFFFFFFFFu);
        atomicStore(&box_right, 0u);
        atomicStore(&box_bottom, 0u);
    }
    for (var i = thread; i < GRID; i += 128u) {
        atomicStore(&grid[i], 0u);
    }
    workgroupBarrier();
    if (thread < NODE_BLOCKS) {
        block_way[thread] = choose_way(thread);
    }
    workgroupBarrier();
    if (thread < NODE_BLOCKS) {
        block_order[rank_of(thread)] = thread;
    }
    workgroupBarrier();
    let corner = vec2u(atomicLoad(&box_left), atomicLoad(&box_top));
    let width = atomicLoad(&box_right) - corner.x + 1u;
    let height = atomicLoad(&box_bottom) - corner.y + 1u;
    let has_grid = width <= GRID && height <= GRID && width * height <= GRID;

    let block = block_order[thread / 8u];
    let i = block * 2u;
    let lane = thread % 8u;
    let way = block_way[block];
    var counts = vec4u(0u);
    if (way == BY_ONE) {
        let both = count_by_one(i, lane);
        counts = vec4u(both & 0xFFFFu, both >> 16u, 0u, 0u);
    } else if (way == BY_THREE) {
        counts = count_by_three(i, lane);
    } else if (way == BY_FEW) {
        count_by_few(i, lane, has_grid, corner, width);
    } else if (way == BY_GUESS) {
        count_by_guess(slice, i, lane, has_grid, corner, width);
    } else if (way == BY_POINT) {
        count_by_point(slice, i, lane, has_grid, corner, width);
    }
    store_tally(thread, counts);
    workgroupBarrier();
    if (way == BY_ONE || way == BY_THREE) {
        collect_tally(i, thread, has_grid, corner, width);
    }
    workgroupBarrier();
    if (has_grid) {
        for (var cell = thread; cell < width * height; cell += 128u) {
            add_points(corner.x + cell % width, corner.y + cell / width, atomicLoad(&grid[cell]));
        }
    }
}
