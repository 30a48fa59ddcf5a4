// Points of a plane: which pixels they lie in, or how many in each (docs/pixel-rule.md).
//
// A node is 16 blocks of a segment in its trees of x and of y: a box.
//  - cull_points lists the nodes that may have points in view and are not settled by their boxes;
//  - sort_blocks finds out which edges of pixels the blocks of listed nodes cross, or with BY_BLOCKS those of
//    all nodes, and lists them by the way they are counted, so that threads that run together
//    do the same: most blocks cross one edge or two;
//  - plan_counts turns the lengths of these lists into workgroups;
//  - count_near_edges and count_far_edges decode the blocks, eight threads each, compare their points
//    with those edges alone, and count them in bytes of registers or in memory of the workgroup.

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

// The blocks as they are sorted: the dispatches of count_near_edges and count_far_edges, the lengths
// of four lists, these lists, and the records that they name. A list, and word i of all records, are
// frame.capacity words: neighbours write and read neighbouring words.
const NEAR_GROUPS: u32 = 0u;
const FAR_GROUPS: u32 = 4u;
const COUNTS: u32 = 8u;
const LISTS: u32 = 12u;
@group(0) @binding(8) var<storage, read> blocks: array<u32>;
@group(0) @binding(5) var<storage, read_write> new_blocks: array<atomic<u32>>;

const BY_ONE: u32 = 0u; // at most one edge of each side
const BY_THREE: u32 = 1u; // at most three
const BY_FEW: u32 = 2u; // at most FEW
const BY_POINT: u32 = 3u; // more, or with gaps, cut short, or wide
const WAYS: u32 = 4u;
const SKIPPED: u32 = 4u;
const FEW: u32 = 7u;
const RECORDS: u32 = 4u; // behind the lists, in capacities

const GROUP_NODES: u32 = 4u; // of a workgroup of sort_blocks

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
            let groups = (end - 1u) / GROUP_NODES + 1u;
            atomicMax(&new_work[0], min(groups, GROUPS_X)); // rows of GROUPS_X, the last not full
            atomicMax(&new_work[1], (groups - 1u) / GROUPS_X + 1u);
        }
    }
    workgroupBarrier();
    if (is_listed) {
        atomicStore(&new_work[LIST + list_first + mine], index * NODES + thread);
    }
}

// ---- sorting ----

// A block's x or y.
struct Side {
    rows: u32, // 0: nothing is drawn
    at: u32, // its payload's first word
    bits: u32, // of wide keys up to 64
    // Word w of the payload is at `near + w` of the slabs if w < split, else at `far + w`: it lies on
    // one page or two.
    near: u32,
    far: u32,
    split: u32,
    min: vec2u,
    places: vec2u,
    bitmap: u32, // 0: no gaps
    // Edges of places.x to places.y - 1 lie within (min, max], so that differences to min fit 32 bits
    // if residuals do: one is passed by residuals above edges[edge].x - base.
    edge: u32, // the first
    base: u32,
}

// Leaves `segment` at that of the side.
fn find_side(slice: PointsSlice, axis: u32, block: u32) -> Side {
    var side = Side(0u, 0u, 0u, 0u, 0u, PAGE_WORDS, vec2u(0u), vec2u(0u), 0u, 0u, 0u);
    segment = segments[slice.segment + axis];
    if (block * 256u >= segment.row_count) {
        return side;
    }
    let found = find_block(block);
    if (is_nothing(found.pair)) {
        return side;
    }
    side.rows = min(segment.row_count - block * 256u, 256u);
    side.at = found.at;
    side.bits = found.bits;
    side.min = found.pair.min;
    // A block of no bits has no words, and reads the page of zeros.
    if (found.bits > 0u) {
        side.near = address_of(found.at);
        side.split = PAGE_WORDS - found.at % PAGE_WORDS;
        side.far = address_of(found.at + side.split) - side.split;
    }
    side.places = places_of(found.pair);
    side.edge = segment.edges + side.places.x;
    side.base = found.pair.min.x + segment.offset_low + 1u;
    gaps = vec2u(slice.gaps_x_first, slice.gaps_x_last);
    if (axis == 1u) {
        gaps = vec2u(slice.gaps_y_first, slice.gaps_y_last);
    }
    side.bitmap = find_bitmap(block);
    return side;
}

fn crossed(side: Side) -> u32 {
    return side.places.y - side.places.x;
}

fn is_whole(x: Side, y: Side) -> bool {
    return (x.bitmap | y.bitmap) == 0u && x.rows == 256u && max(x.bits, y.bits) <= 32u;
}

fn choose_way(x: Side, y: Side) -> u32 {
    if (x.rows == 0u || y.rows == 0u || (BY_BLOCKS == 0u && is_outside(x.places, y.places))) {
        return SKIPPED;
    }
    let most = max(crossed(x), crossed(y));
    if (!is_whole(x, y) || most > FEW) {
        return BY_POINT;
    }
    if (most > 3u) {
        return BY_FEW;
    }
    return select(BY_ONE, BY_THREE, most > 1u);
}

// The residual above which edge k of a side has been passed; of one that it does not cross, none is.
fn edge_above(edge: u32, base: u32, is_there: bool) -> u32 {
    if (is_there) {
        return edges[edge].x - base;
    }
    return 0xFFFFFFFFu;
}

fn write_record(record: u32, word: u32, value: u32) {
    atomicStore(&new_blocks[LISTS + (RECORDS + word) * frame.capacity + record], value);
}

fn read_record(record: u32, word: u32) -> u32 {
    return blocks[LISTS + (RECORDS + word) * frame.capacity + record];
}

// The words of a record.
const NEAR: u32 = 0u; // of x; + 2: of y
const FAR: u32 = 1u;
const SPLITS: u32 = 4u; // in 16 bits each
const BITS: u32 = 5u; // in 8 bits each, and whether the block is_whole
const WHOLE: u32 = 0x10000u;
const CORNER: u32 = 6u; // left and bottom: the place of the smallest keys
const CROSSED: u32 = 7u;
const EDGES: u32 = 8u; // BY_ONE, BY_THREE: three residuals of x, three of y, as they are passed
// Otherwise: the first edge of x, its base; the last of y, which is passed first, its base; the block
// in its segment, and the slice.
const BLOCK: u32 = 12u;
const SLICE: u32 = 13u;

fn put_record(record: u32, way: u32, x: Side, y: Side, block: u32, slice: u32) {
    write_record(record, NEAR, x.near);
    write_record(record, FAR, x.far);
    write_record(record, NEAR + 2u, y.near);
    write_record(record, FAR + 2u, y.far);
    write_record(record, SPLITS, x.split | (y.split << 16u));
    write_record(record, BITS, x.bits | (y.bits << 8u) | select(0u, WHOLE, is_whole(x, y)));
    write_record(record, CORNER, x.places.x | (y.places.y << 16u));
    write_record(record, CROSSED, crossed(x) | (crossed(y) << 16u));
    let y_last = y.edge + crossed(y) - 1u;
    if (way > BY_THREE) {
        write_record(record, EDGES, x.edge);
        write_record(record, EDGES + 1u, x.base);
        write_record(record, EDGES + 2u, y_last);
        write_record(record, EDGES + 3u, y.base);
        write_record(record, BLOCK, block);
        write_record(record, SLICE, slice);
        return;
    }
    let edge_count = select(1u, 3u, way == BY_THREE);
    for (var k = 0u; k < edge_count; k++) {
        write_record(record, EDGES + k, edge_above(x.edge + k, x.base, k < crossed(x)));
        write_record(record, EDGES + 3u + k, edge_above(y_last - k, y.base, k < crossed(y)));
    }
}

var<workgroup> sorted_here: array<atomic<u32>, 4>;
var<workgroup> sorted_first: array<u32, 4>;

// A thread a block.
@compute @workgroup_size(64)
fn sort_blocks(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    if (thread < WAYS) {
        atomicStore(&sorted_here[thread], 0u);
    }
    workgroupBarrier();
    let index = group.y * select(GROUPS_X, frame.groups_x, BY_BLOCKS != 0u) + group.x;
    let record = index * GROUP_NODES * NODE_BLOCKS + thread;
    var number = record / NODE_BLOCKS;
    var is_there = true;
    if (BY_BLOCKS == 0u) {
        is_there = number < work[LISTED];
        number = work[LIST + select(0u, number, is_there)];
    }
    is_there = is_there && number / NODES < frame.slice_count;
    var way = SKIPPED;
    var x: Side;
    var y: Side;
    var block = 0u;
    if (is_there) {
        let slice = slices[frame.first_slice + number / NODES];
        if (number % NODES < slice.node_count && is_chosen(slice, slice.first_node + number % NODES)) {
            block = (slice.first_node + number % NODES) * NODE_BLOCKS + thread % NODE_BLOCKS;
            x = find_side(slice, 0u, block);
            y = find_side(slice, 1u, block);
            way = choose_way(x, y);
        }
    }
    var mine = 0u;
    if (way != SKIPPED) {
        mine = atomicAdd(&sorted_here[way], 1u);
    }
    workgroupBarrier();
    if (thread < WAYS) {
        sorted_first[thread] = atomicAdd(&new_blocks[COUNTS + thread], atomicLoad(&sorted_here[thread]));
    }
    workgroupBarrier();
    if (way != SKIPPED) {
        put_record(record, way, x, y, block, number / NODES);
        let at = LISTS + way * frame.capacity + sorted_first[way] + mine;
        atomicStore(&new_blocks[at], record);
    }
}

const GROUP_BLOCKS: u32 = 16u; // of a workgroup that counts: eight threads each

fn groups_of(first_way: u32) -> u32 {
    let first = atomicLoad(&new_blocks[COUNTS + first_way]);
    let second = atomicLoad(&new_blocks[COUNTS + first_way + 1u]);
    return (first + GROUP_BLOCKS - 1u) / GROUP_BLOCKS + (second + GROUP_BLOCKS - 1u) / GROUP_BLOCKS;
}

fn put_groups(at: u32, groups: u32) {
    atomicStore(&new_blocks[at], min(groups, GROUPS_X)); // rows of GROUPS_X, the last not full
    atomicStore(&new_blocks[at + 1u], (groups + GROUPS_X - 1u) / GROUPS_X);
    atomicStore(&new_blocks[at + 2u], 1u);
}

@compute @workgroup_size(1)
fn plan_counts() {
    put_groups(NEAR_GROUPS, groups_of(BY_ONE));
    put_groups(FAR_GROUPS, groups_of(BY_FEW));
}

// ---- counting ----

struct Listed {
    way: u32, // SKIPPED: none
    record: u32,
}

// The block of eight threads, in two lists laid end to end by whole workgroups.
fn find_listed(first_way: u32, group: vec3u, thread: u32) -> Listed {
    var index = group.y * GROUPS_X + group.x;
    var way = first_way;
    let groups = (blocks[COUNTS + way] + GROUP_BLOCKS - 1u) / GROUP_BLOCKS;
    if (index >= groups) {
        index -= groups;
        way += 1u;
    }
    let at = index * GROUP_BLOCKS + thread / 8u;
    if (at >= blocks[COUNTS + way]) {
        return Listed(SKIPPED, 0u);
    }
    return Listed(way, blocks[LISTS + way * frame.capacity + at]);
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
fn window_start(record: u32, axis: u32, lane: u32) -> Window {
    let bits = (read_record(record, BITS) >> (8u * axis)) & 0xFFu;
    let split = (read_record(record, SPLITS) >> (16u * axis)) & 0xFFFFu;
    let mask = select(0xFFFFFFFFu >> ((32u - bits) & 31u), 0u, bits == 0u);
    var window = Window(read_record(record, NEAR + 2u * axis), read_record(record, FAR + 2u * axis), split, bits, mask,
                        0u, 0u, 0u, lane, lane + (max(bits, 1u) - 1u) * 8u);
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
    var taken: vec4u;
    if (bits <= 8u) {
        taken = vec4u(window_take(window, 4u)) >> vec4u(0u, bits, bits * 2u, bits * 3u);
    } else if (bits <= 16u) {
        let first = window_take(window, 2u);
        let second = window_take(window, 2u);
        taken = vec4u(first, first >> bits, second, second >> bits);
    } else {
        taken.x = window_take(window, 1u);
        taken.y = window_take(window, 1u);
        taken.z = window_take(window, 1u);
        taken.w = window_take(window, 1u);
    }
    return taken & vec4u((*window).mask);
}

fn sum_of(v: vec4u) -> u32 {
    return v.x + v.y + v.z + v.w;
}

// Whether all pixels that a block may touch are lit.
fn is_full(corner: u32, over: u32) -> bool {
    let x = corner & 0xFFFFu;
    let y = corner >> 16u;
    for (var column = max(x, 1u); column <= min(x + (over & 0xFFFFu), frame.width); column++) {
        for (var row = max(y - (over >> 16u), 1u); row <= min(y, frame.height); row++) {
            if (!is_lit(column, row)) {
                return false;
            }
        }
    }
    return true;
}

// How many points of a lane have passed at least k edges of x, in byte k, a word for each number of
// edges of y that they have at least passed.
fn count_one(record: u32, lane: u32) -> vec2u {
    var x = window_start(record, 0u, lane);
    var y = window_start(record, 1u, lane);
    let right = vec4u(read_record(record, EDGES));
    let up = vec4u(read_record(record, EDGES + 3u));
    var sums = vec2u(0u);
    for (var k = 0u; k < 8u; k++) {
        let ones = select(vec4u(1u), vec4u(0x101u), take_four(&x) > right);
        sums.x += sum_of(ones);
        sums.y += sum_of(select(vec4u(0u), ones, take_four(&y) > up));
    }
    return sums;
}

fn count_three(record: u32, lane: u32) -> vec4u {
    var x = window_start(record, 0u, lane);
    var y = window_start(record, 1u, lane);
    let right = vec3u(read_record(record, EDGES), read_record(record, EDGES + 1u), read_record(record, EDGES + 2u));
    let up = vec3u(read_record(record, EDGES + 3u), read_record(record, EDGES + 4u), read_record(record, EDGES + 5u));
    let is_flat = (read_record(record, CROSSED) >> 16u) <= 1u;
    var sums = vec4u(0u);
    for (var k = 0u; k < 8u; k++) {
        let xs = take_four(&x);
        let ys = take_four(&y);
        let ones = select(vec4u(1u), vec4u(0x101u), xs > vec4u(right.x)) +
            select(vec4u(0u), vec4u(0x10000u), xs > vec4u(right.y)) +
            select(vec4u(0u), vec4u(0x1000000u), xs > vec4u(right.z));
        sums.x += sum_of(ones);
        sums.y += sum_of(select(vec4u(0u), ones, ys > vec4u(up.x)));
        if (!is_flat) {
            sums.z += sum_of(select(vec4u(0u), ones, ys > vec4u(up.y)));
            sums.w += sum_of(select(vec4u(0u), ones, ys > vec4u(up.z)));
        }
    }
    return sums;
}

// What the lanes of a block have counted: a row of pixels a word, four columns in its bytes.
const TALLY_STRIDE: u32 = 132u; // of a row of all threads; not a multiple of the memory's banks
var<workgroup> tally: array<u32, 528>;

// From sums that only grow: what is in a row and not in the next, and so for columns.
fn store_tally(thread: u32, sums: vec4u) {
    let rows = sums - vec4u(sums.yzw, 0u);
    let cells = rows - (rows >> vec4u(8u));
    for (var row = 0u; row < 4u; row++) {
        tally[row * TALLY_STRIDE + thread] = cells[row];
    }
}

// The eight threads of a block take two pixels of its sixteen each.
fn collect_tally(record: u32, thread: u32) {
    let row = (thread % 8u) / 2u;
    let column = thread % 2u * 2u;
    var sums = vec2u(0u);
    for (var lane = 0u; lane < 8u; lane++) {
        let word = tally[row * TALLY_STRIDE + thread / 8u * 8u + lane] >> (column * 8u);
        sums += vec2u(word & 255u, (word >> 8u) & 255u);
    }
    let corner = read_record(record, CORNER);
    let x = (corner & 0xFFFFu) + column;
    let y = (corner >> 16u) - row;
    add_points(x, y, sums.x);
    add_points(x + 1u, y, sums.y);
}

@compute @workgroup_size(128)
fn count_near_edges(@builtin(workgroup_id) group: vec3u,
                    @builtin(local_invocation_index) thread: u32) {
    let listed = find_listed(BY_ONE, group, thread);
    let record = listed.record;
    let lane = thread % 8u;
    var sums = vec4u(0u);
    var is_counted = listed.way != SKIPPED;
    if (BY_BLOCKS == 0u && is_counted) {
        let corner = read_record(record, CORNER);
        let over = read_record(record, CROSSED);
        is_counted = over != 0u && (frame.counts != 0u || !is_full(corner, over));
        if (over == 0u && lane == 0u) {
            add_points(corner & 0xFFFFu, corner >> 16u, 256u);
        }
    }
    if (is_counted && listed.way == BY_ONE) {
        sums = vec4u(count_one(record, lane), 0u, 0u);
    } else if (is_counted) {
        sums = count_three(record, lane);
    }
    store_tally(thread, sums);
    workgroupBarrier();
    if (is_counted) {
        collect_tally(record, thread);
    }
}

// Of each block's points, up to FEW + 1 columns of as many rows.
var<workgroup> cells: array<atomic<u32>, 1024>;

// How many of a side's edges a residual has passed.
fn passed(residual: u32, first: vec4u, second: vec4u) -> u32 {
    return sum_of(select(vec4u(0u), vec4u(1u), vec4u(residual) > first)) +
        sum_of(select(vec4u(0u), vec4u(1u), vec4u(residual) > second));
}

fn few_edges(edge: u32, step: u32, base: u32, over: u32, first: u32) -> vec4u {
    return vec4u(edge_above(edge + step * first, base, first < over),
                 edge_above(edge + step * (first + 1u), base, first + 1u < over),
                 edge_above(edge + step * (first + 2u), base, first + 2u < over),
                 edge_above(edge + step * (first + 3u), base, first + 3u < over));
}

fn count_few(record: u32, thread: u32) {
    var x = window_start(record, 0u, thread % 8u);
    var y = window_start(record, 1u, thread % 8u);
    let over = read_record(record, CROSSED);
    let x_edge = read_record(record, EDGES);
    let x_base = read_record(record, EDGES + 1u);
    let y_edge = read_record(record, EDGES + 2u);
    let y_base = read_record(record, EDGES + 3u);
    let right = few_edges(x_edge, 1u, x_base, over & 0xFFFFu, 0u);
    let more_right = few_edges(x_edge, 1u, x_base, over & 0xFFFFu, 4u);
    let up = few_edges(y_edge, 0xFFFFFFFFu, y_base, over >> 16u, 0u);
    let more_up = few_edges(y_edge, 0xFFFFFFFFu, y_base, over >> 16u, 4u);
    for (var k = 0u; k < 8u; k++) {
        let xs = take_four(&x);
        let ys = take_four(&y);
        for (var i = 0u; i < 4u; i++) {
            let at = passed(ys[i], up, more_up) * 8u + passed(xs[i], right, more_right);
            atomicAdd(&cells[thread / 8u * 64u + at], 1u);
        }
    }
}

// The edges of a side in the order in which residuals pass them, evenly far from each other or so.
struct Ruler {
    edge: u32,
    step: u32, // to the next
    base: u32,
    count: u32,
    first: u32, // residuals above it have passed the first edge
    scale: f32, // edges a residual
}

fn ruler_edge(ruler: Ruler, k: u32) -> u32 {
    return edges[ruler.edge + ruler.step * k].x - ruler.base;
}

fn ruler_of(record: u32, axis: u32) -> Ruler {
    let over = (read_record(record, CROSSED) >> (16u * axis)) & 0xFFFFu;
    var ruler = Ruler(read_record(record, EDGES + 2u * axis), select(1u, 0xFFFFFFFFu, axis == 1u),
                      read_record(record, EDGES + 1u + 2u * axis), over, 0u, 0.0);
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

// Neighbours in the same place together.
struct Neighbours {
    place: vec2u,
    count: u32,
}

fn add_neighbour(neighbours: ptr<function, Neighbours>, x: u32, y: u32) {
    if (any((*neighbours).place != vec2u(x, y))) {
        add_points((*neighbours).place.x, (*neighbours).place.y, (*neighbours).count);
        *neighbours = Neighbours(vec2u(x, y), 0u);
    }
    (*neighbours).count += 1u;
}

fn count_by_guess(record: u32, lane: u32) {
    var x = window_start(record, 0u, lane);
    var y = window_start(record, 1u, lane);
    let corner = read_record(record, CORNER);
    let across = ruler_of(record, 0u);
    let up = ruler_of(record, 1u);
    var neighbours = Neighbours(vec2u(0u), 0u);
    for (var k = 0u; k < 8u; k++) {
        let xs = take_four(&x);
        let ys = take_four(&y);
        for (var i = 0u; i < 4u; i++) {
            add_neighbour(&neighbours, (corner & 0xFFFFu) + ruler_passed(across, xs[i]),
                          (corner >> 16u) - ruler_passed(up, ys[i]));
        }
    }
    add_points(neighbours.place.x, neighbours.place.y, neighbours.count);
}

fn side_key(side: Side, row: u32) -> vec2u {
    return add_wide(side.min, packed_get_wide(side.at, side.bits, row));
}

fn count_by_key(record: u32, lane: u32) {
    let slice = slices[frame.first_slice + read_record(record, SLICE)];
    let x = find_side(slice, 0u, read_record(record, BLOCK));
    let y = find_side(slice, 1u, read_record(record, BLOCK));
    var neighbours = Neighbours(vec2u(0u), 0u);
    for (var row = lane; row < x.rows; row += 8u) {
        // Both columns are read through the same page table.
        segment = segments[slice.segment];
        if (!is_drawn(x.bitmap, row) || !is_drawn(y.bitmap, row)) {
            continue;
        }
        let column = place_within(side_key(x, row), x.places.x, x.places.y);
        segment = segments[slice.segment + 1u];
        add_neighbour(&neighbours, column, place_within(side_key(y, row), y.places.x, y.places.y));
    }
    add_points(neighbours.place.x, neighbours.place.y, neighbours.count);
}

@compute @workgroup_size(128)
fn count_far_edges(@builtin(workgroup_id) group: vec3u,
                   @builtin(local_invocation_index) thread: u32) {
    let listed = find_listed(BY_FEW, group, thread);
    let record = listed.record;
    for (var i = thread; i < 1024u; i += 128u) {
        atomicStore(&cells[i], 0u);
    }
    workgroupBarrier();
    if (listed.way == BY_FEW) {
        count_few(record, thread);
    } else if (listed.way == BY_POINT) {
        if ((read_record(record, BITS) & WHOLE) != 0u) {
            count_by_guess(record, thread % 8u);
        } else {
            count_by_key(record, thread % 8u);
        }
    }
    workgroupBarrier();
    if (listed.way == BY_FEW) {
        let corner = read_record(record, CORNER);
        for (var at = thread % 8u; at < 64u; at += 8u) {
            let count = atomicLoad(&cells[thread / 8u * 64u + at]);
            add_points((corner & 0xFFFFu) + at % 8u, (corner >> 16u) - at / 8u, count);
        }
    }
}
