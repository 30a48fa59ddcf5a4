// Bars, candles, OHLC and areas (docs/pixel-rule.md): what reduce.wgsl does for columns, with "column"
// the number of a bar and "extents" the bars' own, at frame.extents. reduce_drawn does it for rows
// with gaps, read_ends finds the rows of opening and closing values, and when all that is known
// draw_bars lights the bars in the bitmap.

//!include reduce.wgsl

// Of Slice.segment for draw_bars: what a bar looks like (gch_mark).
const CANDLES: u32 = 4u;
const OHLC: u32 = 5u;

// Where the bitmap of a block's drawn rows starts, given its super-block's place in the list of
// those with gaps, or NO_ROW.
fn bitmap_at(place: u32, block: u32) -> u32 {
    return select(segment.gap_bitmaps + place * 32u + (block & 3u) * 8u, 0u, place == NO_ROW);
}

// As reduce_part, of the drawn rows.
fn reduce_drawn_part(index: u32, first: u32, last: u32, thread: u32, known: Pair,
                     place: u32) -> Pair {
    var pair = nothing();
    let header = tree_pair(0u, index);
    if (first >= last || (!is_less(header.min, known.min) && !is_less(known.max, header.max))) {
        return pair;
    }
    let block = find_block(index);
    let bitmap = bitmap_at(place, index);
    for (var i = first + thread; i < last; i += GROUP) {
        if (is_drawn(bitmap, i)) {
            pair = include_key(pair, block_key(block, i));
        }
    }
    return pair;
}

// As reduce_slice. The tree's nodes are of drawn rows only; of the blocks at its ends, gaps_first and
// gaps_last say where their bitmaps are.
fn reduce_drawn_slice(slice: Slice, thread: u32) -> Pair {
    let head_block = slice.first / 256u;
    let tail_block = slice.last / 256u;
    var first_node = head_block;
    var last_node = tail_block;
    var head_end = 0u;
    var tail_end = slice.last % 256u;
    if (slice.last == segment.row_count && tail_end != 0u) { // the last block's pair covers these
        last_node += 1u;
        tail_end = 0u;
    }
    if (head_block == last_node) {
        head_end = tail_end;
        tail_end = 0u;
    } else if (slice.first % 256u != 0u) {
        head_end = min(256u, segment.row_count - head_block * 256u);
        first_node += 1u;
    }
    let nodes = gather(thread, GROUP, reduce_nodes(first_node, last_node, thread, nothing()));
    var pair = reduce_drawn_part(head_block, slice.first % 256u, head_end, thread, nodes,
                                 slice.gaps_first);
    pair = include_pair(pair, reduce_drawn_part(tail_block, 0u, tail_end, thread, nodes,
                                                slice.gaps_last));
    return include_pair(nodes, gather(thread, GROUP, pair));
}

// A group a slice.
@compute @workgroup_size(64)
fn reduce_drawn(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    if (slice_index(group) >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + slice_index(group)];
    segment = segments[slice.segment];
    widen(slice, thread, reduce_drawn_slice(slice, thread));
}

// A thread a slice of one row, which is drawn: its pixel row + 1 goes to word `column` behind the
// extents.
@compute @workgroup_size(64)
fn read_ends(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let index = slice_index(group) * GROUP + thread;
    if (index < frame.slice_count) {
        let slice = slices[frame.first_slice + index];
        segment = segments[slice.segment];
        let key = block_key(find_block(slice.first / 256u), slice.first % 256u);
        atomicStore(&marks[frame.extents + slice.column], row_of(key));
    }
}

// Lights the pixel rows top to bottom, both + 1, of columns [first, last): a word a thread.
fn light_box(first: u32, last: u32, top: u32, bottom: u32, thread: u32) {
    if (first >= last || top > bottom || bottom == 0u || top > frame.height) {
        return;
    }
    let rows = vec2u(max(top, 1u) - 1u, min(bottom, frame.height) - 1u);
    let words = rows.y / 32u - rows.x / 32u + 1u;
    for (var i = thread; i < (last - first) * words; i += GROUP) {
        let slot = (frame.origin + first + i / words) % frame.width;
        light_word(slot, rows.x / 32u + i % words, rows);
    }
}

// A group a bar, whose body are the columns [first, last) and whose wick is in column lead - 1;
// gaps_first is where the rows of its ends are, behind the extents.
@compute @workgroup_size(64)
fn draw_bars(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    if (slice_index(group) >= frame.slice_count) {
        return;
    }
    let bar = slices[frame.first_slice + slice_index(group)];
    let extents = frame.extents + bar.column * 2u;
    var top = atomicLoad(&marks[extents]);
    var bottom = atomicLoad(&marks[extents + 1u]);
    if (top > bottom) {
        return;
    }
    if (bar.segment != CANDLES && bar.segment != OHLC) { // down or up to the baseline
        light_box(bar.first, bar.last, min(top, bar.tail), max(bottom, bar.tail), thread);
        return;
    }
    let open = atomicLoad(&marks[frame.extents + bar.gaps_first]);
    let close = atomicLoad(&marks[frame.extents + bar.gaps_first + 1u]);
    let wick = vec2u(max(bar.lead, bar.first + 1u) - 1u, min(bar.lead, bar.last));
    if (bar.segment == CANDLES) {
        light_box(bar.first, bar.last, min(open, close), max(open, close), thread);
    } else {
        light_box(bar.first, min(bar.lead, bar.last), open, open, thread);
        light_box(wick.x, bar.last, close, close, thread);
    }
    light_box(wick.x, wick.y, top, bottom, thread);
}
