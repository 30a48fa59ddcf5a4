// From slices (rows of a segment in a pixel column) to marks: the rows that each column lights.
//
// Columns without gaps are hulls: reduce_tree and reduce_blocks find the smallest and largest key of
// a slice, from the tree or from every block, and widen the column's extents. Before reduce_tree, cull
// lists the slices that can widen anything and counts the workgroups by which it is dispatched.
// Columns with gaps, and points that stand alone, light their runs in the bitmap: light_runs, for the
// slices that cull_runs has listed.
// light_pieces takes rows that the processor has found.

//!include common/layouts.wgsl
//!include common/wide.wgsl
//!include common/packed.wgsl
//!include common/segment.wgsl
//!include common/chunk.wgsl
//!include common/rows.wgsl

@group(0) @binding(2) var<storage, read> slices: array<Slice>;

// x, y and z of an indirect dispatch, how many slices are listed, and their numbers.
const LISTED: u32 = 3u;
const LIST: u32 = 4u;
const GROUPS_X: u32 = 65535u; // what every device grants
@group(0) @binding(8) var<storage, read> work: array<u32>;
@group(0) @binding(8) var<storage, read_write> new_work: array<atomic<u32>>;

fn slice_index(group: vec3u) -> u32 {
    return group.y * frame.groups_x + group.x;
}

const GROUP: u32 = 64u;

// What the threads of a group have found; of reduce_tree the first half.
var<workgroup> found: array<Pair, 128>;

// What the first `count` threads (a power of two) have found together, for all of them.
fn gather(thread: u32, count: u32, mine: Pair) -> Pair {
    workgroupBarrier(); // the last gather has been read
    found[thread] = mine;
    for (var half = count / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (thread < half) {
            found[thread] = include_pair(found[thread], found[thread + half]);
        }
    }
    workgroupBarrier();
    return found[0];
}

// Thread 0 widens the column's extents.
fn widen(slice: Slice, thread: u32, pair: Pair) {
    if (thread == 0u && !is_nothing(pair)) {
        let at = frame.extents + slice.column * 2u;
        atomicMin(&marks[at], row_of(pair.max));
        atomicMax(&marks[at + 1u], row_of(pair.min));
    }
}

// Rows [first, last) of a block, unless its header says that they cannot widen `known`.
fn reduce_part(index: u32, first: u32, last: u32, thread: u32, known: Pair) -> Pair {
    var pair = nothing();
    let header = tree_pair(0u, index);
    if (first >= last || (!is_less(header.min, known.min) && !is_less(known.max, header.max))) {
        return pair;
    }
    let block = find_block(index);
    for (var i = first + thread; i < last; i += GROUP) {
        pair = include_key(pair, block_key(block, i));
    }
    return pair;
}

fn reduce_level(level: u32, first: u32, last: u32, thread: u32, so_far: Pair) -> Pair {
    var pair = so_far;
    for (var i = first + thread; i < last; i += GROUP) {
        pair = include_pair(pair, tree_pair(level, i));
    }
    return pair;
}

// Blocks [begin, end): nodes at the ragged ends of each level, whole parents between.
fn reduce_nodes(begin: u32, end: u32, thread: u32, so_far: Pair) -> Pair {
    var pair = so_far;
    var first = begin;
    var last = end;
    var count = (segment.row_count + 255u) / 256u; // of the level
    for (var level = 0u; first < last; level++) {
        let up_first = (first + 15u) / 16u;
        let up_count = (count + 15u) / 16u;
        let up_last = select(last / 16u, up_count, last == count);
        if (level + 1u >= segment.level_count || up_first >= up_last) {
            return reduce_level(level, first, last, thread, pair);
        }
        pair = reduce_level(level, first, up_first * 16u, thread, pair);
        pair = reduce_level(level, up_last * 16u, last, thread, pair);
        first = up_first;
        last = up_last;
        count = up_count;
    }
    return pair;
}

// Whether earlier series of the panel have lit its pixel rows top to bottom, both + 1, of a column, as
// far as it has them: one of them by its extents, or all together in the bitmap.
fn is_hidden(column: u32, top: u32, bottom: u32) -> bool {
    for (var i = 0u; i < frame.series_count; i++) {
        let at = frame.first_extents + (i * frame.width + column) * 2u;
        if (atomicLoad(&marks[at]) <= max(top, 1u) &&
            atomicLoad(&marks[at + 1u]) >= min(bottom, frame.height)) {
            return true;
        }
    }
    return frame.series_count > 0u && is_lit(column, top, bottom);
}

// The one or two nodes of the finest level that cover the slice's rows from first_row on.
fn covering_pair(slice: Slice, first_row: u32) -> Pair {
    var first = first_row / 256u;
    var last = (slice.last - 1u) / 256u;
    var level = 0u;
    while (last - first > 1u) {
        first /= 16u;
        last /= 16u;
        level += 1u;
    }
    return include_pair(tree_pair(level, first), tree_pair(level, last));
}

fn list(index: u32) {
    let listed = atomicAdd(&new_work[LISTED], 1u);
    atomicStore(&new_work[LIST + listed], index);
    atomicMax(&new_work[0], min(listed + 1u, GROUPS_X)); // rows of GROUPS_X, the last not full
    atomicMax(&new_work[1], listed / GROUPS_X + 1u);
}

// A thread a slice: those that may show something that the column's extents do not yet.
@compute @workgroup_size(64)
fn cull(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let index = group.x * GROUP + thread;
    if (index >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + index];
    segment = segments[slice.segment];
    let pair = covering_pair(slice, slice.first);
    let at = frame.extents + slice.column * 2u;
    let known = vec2u(atomicLoad(&marks[at]), atomicLoad(&marks[at + 1u]));
    let rows = vec2u(row_of(pair.max), row_of(pair.min));
    // What is lit between the known rows and these counts as well; if none are known, others may
    // come, and that between them.
    let reach = select(vec2u(1u, frame.height),
                       vec2u(min(known.x, rows.x), max(known.y, rows.y)), known.x <= known.y);
    if ((rows.x < known.x || rows.y > known.y) && !is_hidden(slice.column, reach.x, reach.y)) {
        list(index);
    }
}

// A thread a slice: those that may light a pixel that is not lit yet.
@compute @workgroup_size(64)
fn cull_runs(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let index = group.x * GROUP + thread;
    if (index >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + index];
    segment = segments[slice.segment];
    let is_joined_before = slice.lead == ROW_BEFORE;
    var run = no_run();
    run.keys = covering_pair(slice, select(slice.first, slice.first - 1u, is_joined_before));
    run_include_row(&run, select(slice.lead, NO_ROW, is_joined_before));
    run_include_row(&run, slice.tail);
    let rows = run_rows(run);
    if (!is_hidden(slice.column, rows.x, rows.y) && !is_lit(slice.column, rows.x, rows.y)) {
        list(index);
    }
}

// The keys of a slice of `segment`, all of which are drawn, by a group of 64 threads; for all of them.
fn reduce_slice(slice: Slice, thread: u32) -> Pair {
    var first_block = slice.first / 256u;
    var last_block = slice.last / 256u;
    let head = slice.first % 256u;
    var tail = slice.last % 256u;
    if (slice.last == segment.row_count && tail != 0u) { // the last block's pair covers just these
        last_block += 1u;
        tail = 0u;
    }
    var head_end = 0u;
    let head_block = first_block;
    if (first_block == last_block) {
        head_end = tail;
        tail = 0u;
    } else if (head != 0u) {
        head_end = min(256u, segment.row_count - first_block * 256u);
        first_block += 1u;
    }
    let nodes = gather(thread, GROUP, reduce_nodes(first_block, last_block, thread, nothing()));
    var pair = reduce_part(head_block, head, head_end, thread, nodes);
    pair = include_pair(pair, reduce_part(last_block, 0u, tail, thread, nodes));
    return include_pair(nodes, gather(thread, GROUP, pair));
}

@compute @workgroup_size(64)
fn reduce_tree(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let i = group.y * GROUPS_X + group.x;
    if (i >= work[LISTED]) {
        return;
    }
    let slice = slices[frame.first_slice + work[LIST + i]];
    segment = segments[slice.segment];
    widen(slice, thread, reduce_slice(slice, thread));
}

// Rows [first, last) of one lane of a block.
fn reduce_lane(block: Block, lane: u32, first: u32, last: u32, so_far: Pair) -> Pair {
    var pair = so_far;
    var low = lane_start(block.at, min(block.bits, 32u), lane);
    var high = lane_start(block.at + 256u, max(block.bits, 32u) - 32u, lane);
    for (var i = lane; i < last; i += 8u) {
        let residual = vec2u(lane_next(&low), lane_next(&high));
        if (i >= first) {
            pair = include_key(pair, add_wide(block.pair.min, residual));
        }
    }
    return pair;
}

// The smallest and largest residual of a lane in rows [first, last) of block i of the chunk.
fn reduce_stream(i: u32, lane: u32, first: u32, last: u32) -> vec2u {
    var stream = stream_start(i, lane);
    var low = 0xFFFFFFFFu;
    var high = 0u;
    if (first == 0u && last == 256u) {
        for (var k = 0u; k < 32u; k++) {
            let residual = stream_next(&stream);
            low = min(low, residual);
            high = max(high, residual);
        }
        return vec2u(low, high);
    }
    for (var row = lane; row < last; row += 8u) {
        let residual = stream_next(&stream);
        low = select(low, min(low, residual), row >= first);
        high = select(high, max(high, residual), row >= first);
    }
    return vec2u(low, high);
}

// Sixteen blocks at a time, eight threads each.
fn reduce_chunk(slice: Slice, chunk: u32, thread: u32, so_far: vec2u) -> vec2u {
    var keys = so_far;
    for (var i = thread / 8u; i < CHUNK; i += GROUP_BLOCKS / 8u) {
        let start = (chunk + i) * 256u;
        if (start + 256u <= slice.first || start >= slice.last) {
            continue;
        }
        let first = max(slice.first, start) - start;
        let last = min(slice.last - start, 256u);
        let least = chunk_mins[i];
        var found = vec2u(0u, 0u);
        if (chunk_bits[i] > 0u) {
            found = reduce_stream(i, thread % 8u, first, last);
        }
        if (found.x <= found.y) {
            keys = vec2u(min(keys.x, least + found.x), max(keys.y, least + found.y));
        }
    }
    return keys;
}

const GROUP_BLOCKS: u32 = 128u;

// No tree but the headers, which give the widths. The groups of a slice (z) share its chunks.
@compute @workgroup_size(128)
fn reduce_blocks(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
                 @builtin(local_invocation_index) thread: u32) {
    if (slice_index(group) >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + slice_index(group)];
    segment = segments[slice.segment];
    let begin = slice.first / 1024u * 4u;
    let end = (slice.last + 255u) / 256u;
    var pair = nothing();
    if ((segments[slice.segment].flags & IS_WIDE) == 0u) {
        var keys = vec2u(0xFFFFFFFFu, 0u);
        for (var chunk = begin + group.z * CHUNK; chunk < end; chunk += groups.z * CHUNK) {
            chunk_find(chunk, end, thread);
            keys = reduce_chunk(slice, chunk, thread, keys);
        }
        if (keys.x <= keys.y) {
            pair = Pair(vec2u(keys.x, 0u), vec2u(keys.y, 0u));
        }
    } else {
        for (var block = slice.first / 256u + group.z * 16u + thread / 8u; block < end;
             block += groups.z * 16u) {
            let start = block * 256u;
            let first = max(slice.first, start) - start;
            let last = min(slice.last - start, 256u);
            pair = reduce_lane(find_block(block), thread % 8u, first, last, pair);
        }
    }
    widen(slice, thread, gather(thread, 128u, pair));
}

// ---- runs ----

// A stretch of connected points under way: its keys, and rows + 1 that are not of this segment.
struct Run {
    is_open: bool,
    keys: Pair,
    top: u32,
    bottom: u32,
}

fn no_run() -> Run {
    return Run(false, nothing(), NO_ROW, 0u);
}

fn run_include_row(run: ptr<function, Run>, row: u32) {
    if (row != NO_ROW) {
        (*run).top = min((*run).top, row);
        (*run).bottom = max((*run).bottom, row);
    }
}

// top and bottom, both + 1
fn run_rows(run: Run) -> vec2u {
    if (is_nothing(run.keys)) {
        return vec2u(run.top, run.bottom);
    }
    return vec2u(min(run.top, row_of(run.keys.max)), max(run.bottom, row_of(run.keys.min)));
}

fn run_light(run: Run, column: u32) {
    let rows = run_rows(run);
    light(column, rows.x, rows.y);
}

// Whether all that a run could light is lit already.
fn run_is_lit(run: Run, column: u32) -> bool {
    let rows = run_rows(run);
    return is_lit(column, rows.x, rows.y);
}

// row + 1 of the row before a block's, or NO_ROW if that is not drawn.
fn row_before(row: u32) -> u32 {
    let before = row - 1u;
    let block_index = before / 256u;
    if (!is_drawn(find_bitmap(block_index), before % 256u)) {
        return NO_ROW;
    }
    return row_of(block_key(find_block(block_index), before % 256u));
}

// Rows [first, last) of a block, points alone.
fn light_points(block: Block, bitmap: u32, first: u32, last: u32, column: u32) {
    for (var i = first; i < last; i++) {
        if (is_drawn(bitmap, i)) {
            let row = row_of(block_key(block, i));
            light(column, row, row);
        }
    }
}

fn light_joined(block: Block, bitmap: u32, first: u32, last: u32, lead: u32, tail: u32,
                column: u32) {
    var run = no_run();
    for (var i = first; i < last; i++) {
        if (is_drawn(bitmap, i)) {
            if (!run.is_open && i == first) {
                run_include_row(&run, lead);
            }
            run.is_open = true;
            run.keys = include_key(run.keys, block_key(block, i));
        } else if (run.is_open) {
            run_light(run, column);
            run = no_run();
        }
    }
    if (run.is_open) {
        run_include_row(&run, tail);
        run_light(run, column);
    }
}

// A thread a block; blocks that could only light what is lit are not decoded.
@compute @workgroup_size(64)
fn light_runs(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let listed = group.y * GROUPS_X + group.x;
    if (listed >= work[LISTED]) {
        return;
    }
    let slice = slices[frame.first_slice + work[LIST + listed]];
    segment = segments[slice.segment];
    gaps = vec2u(slice.gaps_first, slice.gaps_last);
    for (var index = slice.first / 256u + thread; index * 256u < slice.last; index += GROUP) {
        let start = index * 256u;
        let first = max(slice.first, start) - start;
        let last = min(slice.last - start, 256u);
        let is_whole = first == 0u && (last == 256u || start + last == segment.row_count);
        let block = find_block(index);
        if (is_nothing(block.pair)) {
            continue; // a gap: nothing connects over it
        }
        let bitmap = find_bitmap(index);
        var run = no_run();
        run.keys = block.pair;
        if (frame.join == JOIN_NONE) {
            let rows = run_rows(run);
            if (is_whole && rows.x == rows.y) {
                light(slice.column, rows.x, rows.x);
            } else if (!is_lit(slice.column, rows.x, rows.y)) {
                light_points(block, bitmap, first, last, slice.column);
            }
            continue;
        }
        var lead = slice.lead;
        if (start + first > slice.first || lead == ROW_BEFORE) {
            lead = row_before(start + first);
        }
        let tail = select(NO_ROW, slice.tail, start + last == slice.last);
        run_include_row(&run, lead);
        run_include_row(&run, tail);
        if (is_whole && bitmap == 0u) {
            run_light(run, slice.column);
        } else if (!run_is_lit(run, slice.column)) {
            light_joined(block, bitmap, first, last, lead, tail, slice.column);
        }
    }
}

// A thread a piece.
@compute @workgroup_size(64)
fn light_pieces(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let index = slice_index(group) * GROUP + thread;
    if (index < frame.slice_count) {
        let slice = slices[frame.first_slice + index];
        light(slice.column, slice.first, slice.last);
    }
}
