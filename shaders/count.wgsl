// From slices to counts: how many rows of a segment each pixel of a column holds.
//
// A workgroup takes a part of a slice and a band of pixel rows, which it counts in its own memory.
// Eight threads take a super-block at a time, a thread one lane of its blocks: each packed word is
// loaded once, and the page table is read once for each array of the super-block. A block of a series
// tends to lie in few pixel rows: then its values are only compared with the edges between these,
// without a branch. Each thread keeps the row of the last block's smallest key and how many values it
// has met there.
//
// A block whose header lies in one row is counted without being decoded, unless BY_BLOCKS.
//
// Of a slice all super-blocks are counted, or only some strata of them: stratum s of K is every K-th
// super-block, at place bits(s) of each round of K, where bits() reverses the order of log2(K) bits, so
// that the first strata are evenly spread as well. Rounds begin where the number of the super-block
// is `phase` modulo K. src/render/render_gpu_strata.c counts their rows.

//!include common/layouts.wgsl
//!include common/wide.wgsl
//!include common/packed.wgsl
//!include common/segment.wgsl

@group(0) @binding(0) var<uniform> counting: Counting;
@group(0) @binding(2) var<storage, read> slices: array<Slice>;
@group(0) @binding(3) var<storage, read> edges: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;

override BY_BLOCKS: u32 = 0u; // decode every block, as the baseline of benchmarks

const GROUP: u32 = 256u;
const TEAMS: u32 = 32u; // of eight threads
const BAND: u32 = 2032u; // pixel rows; with their edges within the 16 KiB that every device grants
const SUPER_ROWS: u32 = 1024u;
const ALL: u32 = 0xFFFFFFFFu;

var<workgroup> tally: array<atomic<u32>, 2032>;

// ---- what a group counts ----

// The super-blocks of a slice that are counted: those of [begin, end), or strata [stratum, stratum +
// strata) of them.
struct Share {
    begin: u32,
    end: u32,
    round: u32, // where the round of `begin` starts; wraps below 0
    stratum: u32,
    strata: u32, // 0: all
}

fn share_of(slice: Slice) -> Share {
    var share: Share;
    share.begin = slice.first / SUPER_ROWS;
    share.end = (slice.last - 1u) / SUPER_ROWS + 1u;
    if (slice.lead != 0u) {
        let phase = slice.lead & 1023u;
        share.round = share.begin - (share.begin + counting.strata - phase) % counting.strata;
        share.stratum = (slice.lead >> 10u) & 1023u;
        share.strata = (slice.lead >> 20u) - share.stratum;
    }
    return share;
}

// How many numbers nth_super takes.
fn share_size(share: Share) -> u32 {
    if (share.strata == 0u) {
        return share.end - share.begin;
    }
    return (share.end - share.round + counting.strata - 1u) / counting.strata * share.strata;
}

// May lie before begin or behind end.
fn nth_super(share: Share, n: u32) -> u32 {
    if (share.strata == 0u) {
        return share.begin + n;
    }
    let place = reverseBits(share.stratum + n % share.strata) >>
        (countLeadingZeros(counting.strata) + 1u);
    return share.round + n / share.strata * counting.strata + place;
}

fn is_shared(share: Share, super_block: u32) -> bool {
    return super_block - share.begin < share.end - share.begin; // wraps before begin
}

struct Work {
    slice: Slice,
    share: Share,
    first: u32, // numbers of its super-blocks
    end: u32,
    band: u32, // its first row of cells
    height: u32,
}

fn find_work(group: vec3u) -> Work {
    var work: Work;
    let index = group.y * counting.groups_x + group.x;
    if (index >= counting.slice_count) {
        return work;
    }
    work.slice = slices[counting.first_slice + index];
    work.band = group.z / counting.parts * BAND;
    work.height = min(BAND, counting.height - work.band);
    work.share = share_of(work.slice);
    let size = share_size(work.share);
    let each = (size + counting.parts - 1u) / counting.parts;
    work.first = group.z % counting.parts * each;
    work.end = min(size, work.first + each);
    return work;
}

// Workgroup memory starts as zeros by the language, but not with every driver.
fn clear_tally(thread: u32) {
    for (var i = thread; i < height; i += GROUP) {
        atomicStore(&tally[i], 0u);
    }
}

// Adds the group's tally to the picture's. All threads have been waited for.
fn send_tally(work: Work, thread: u32) {
    let at = counting.grid + work.slice.column * counting.height + work.band;
    for (var i = thread; i < work.height; i += GROUP) {
        let n = atomicLoad(&tally[i]);
        if (n != 0u) {
            atomicAdd(&counts[at + i], n);
        }
    }
}

fn bits_below(n: u32) -> u32 {
    return select((1u << (n & 31u)) - 1u, ALL, n >= 32u);
}

// Which of a lane's 32 values are drawn and within rows [first, last) of the block; `bitmap` is the
// block's, or 0.
fn lane_drawn(lane: u32, first: u32, last: u32, bitmap: u32) -> u32 {
    var drawn = bits_below((last + 7u - lane) / 8u) & ~bits_below((first + 7u - lane) / 8u);
    if (bitmap != 0u) {
        var known = 0u;
        for (var i = 0u; i < 8u; i++) {
            let word = load(bitmap + i) >> lane;
            let four = (word & 1u) | ((word >> 7u) & 2u) | ((word >> 14u) & 4u) |
                ((word >> 21u) & 8u);
            known |= four << (i * 4u);
        }
        drawn &= known;
    }
    return drawn;
}

// ---- narrow keys ----

// Of each row edge of the band the largest key at or below it. The first open_count edges lie above
// all keys, those from edge_count on below all.
var<workgroup> tops: array<u32, 2033>;
var<workgroup> open_count: u32;
var<workgroup> edge_count: u32;

// The row at hand, + 1 and within the band, 0 above it and height + 1 below; its keys are low to
// low + span; `run` values of it are not in the tally yet.
var<private> slot: u32;
var<private> low: u32;
var<private> span: u32;
var<private> run: u32;
var<private> height: u32;
var<private> rows_per_key: f32;

// The first key above an edge of a row of cells.
fn edge_at(row: u32) -> vec2u {
    return edges[segment.edges + min(row * counting.step, counting.plot_height)];
}

fn is_unbounded(row: u32) -> bool {
    return min(row * counting.step, counting.plot_height) < segment.unbounded;
}

struct Top {
    is_key: bool, // else no key lies at or below the edge
    is_open: bool,
    key: u32,
}

fn top_of(row: u32) -> Top {
    if (is_unbounded(row)) {
        return Top(true, true, ALL);
    }
    let offset = vec2u(segment.offset_low, segment.offset_high);
    let above = edge_at(row);
    if (!is_less(offset, above)) {
        return Top(false, false, 0u);
    }
    let key = subtract_wide(above, add_wide(offset, vec2u(1u, 0u)));
    let is_open = key.y != 0u || key.x == ALL;
    return Top(true, is_open, select(key.x, ALL, is_open));
}

fn fill_tops(band: u32, thread: u32) {
    for (var i = thread; i <= height; i += GROUP) {
        let top = top_of(band + i);
        tops[i] = top.key;
        var next = Top(false, false, 0u);
        if (i < height) {
            next = top_of(band + i + 1u);
        }
        if (top.is_key && !next.is_key) {
            edge_count = i + 1u;
        }
        if (top.is_open && !next.is_open) {
            open_count = i + 1u;
        }
    }
}

// For the guess: rows are evenly high on a linear axis.
fn measure_rows() {
    rows_per_key = 0.0;
    if (edge_count > open_count + 1u) {
        let keys = tops[open_count] - tops[edge_count - 1u];
        rows_per_key = f32(edge_count - 1u - open_count) / max(f32(keys), 1.0);
    }
}

fn flush_run() {
    if (run != 0u && slot - 1u < height) {
        atomicAdd(&tally[slot - 1u], run);
    }
    run = 0u;
}

// To the row of a key: as many edges as lie above it. From a guess, its neighbour, then bisection.
fn seek(key: u32) {
    flush_run();
    var first = open_count;
    var end = edge_count;
    var at = first;
    if (first < end && key <= tops[first]) {
        at = first + u32(f32(tops[first] - key) * rows_per_key);
    }
    for (var tries = 0u; first < end; tries++) {
        at = clamp(at, first, end - 1u);
        if (key <= tops[at]) {
            first = at + 1u;
            at = select((first + end) / 2u, first, tries < 2u);
        } else {
            end = at;
            at = select((first + end) / 2u, at - 1u, tries < 2u);
        }
    }
    slot = first;
    low = 0u;
    if (slot < edge_count) {
        low = tops[slot] + 1u;
    }
    span = ALL - low;
    if (slot > 0u) {
        span = tops[slot - 1u] - low;
    }
}

// What is added to the number of a word on a page to get its address.
fn page_shift(page: u32) -> u32 {
    return address_of(page * PAGE_WORDS) - page * PAGE_WORDS;
}

// The two pages that a super-block's payload lies in.
struct Payload {
    border: u32,
    near: u32,
    far: u32,
}

fn payload_word(payload: Payload, word: u32) -> u32 {
    return load_at(word + select(payload.far, payload.near, word < payload.border));
}

// A lane's words from `at` on: the one being read, and the one behind it.
struct Stream {
    word: u32, // of `next`
    here: u32,
    next: u32,
    shift: u32,
}

fn start_stream(payload: Payload, at: u32) -> Stream {
    return Stream(at + 8u, payload_word(payload, at), payload_word(payload, at + 8u), 0u);
}

// The next 32 bits.
fn peek(stream: Stream) -> u32 {
    return (stream.here >> stream.shift) | ((stream.next << (31u - stream.shift)) << 1u);
}

fn skip(stream: ptr<function, Stream>, payload: Payload, bits: u32) {
    (*stream).shift += bits;
    if ((*stream).shift >= 32u) {
        (*stream).shift -= 32u;
        (*stream).word += 8u;
        (*stream).here = (*stream).next;
        (*stream).next = payload_word(payload, (*stream).word);
    }
}

fn mask_of(bits: u32) -> u32 {
    return select(ALL >> ((32u - bits) & 31u), 0u, bits == 0u);
}

// The largest key of the rows up to n above the one at hand.
fn top_above(n: u32) -> u32 {
    if (slot <= n) {
        return ALL;
    }
    return tops[slot - 1u - n];
}

fn add_above(n: u32, count: u32) {
    let at = slot - 1u - n; // wraps above the band
    if (count != 0u && at < height) {
        atomicAdd(&tally[at], count);
    }
}

// Values of a lane of up to 16 bits, four or two at a time, as many as surely are in 32 bits: the
// others are 0.
struct Cut {
    mask: vec4u,
    shift: vec4u,
    count: u32,
}

fn cut_of(bits: u32) -> Cut {
    let mask = mask_of(bits);
    if (bits <= 8u) {
        return Cut(vec4u(mask), vec4u(0u, bits, bits * 2u, bits * 3u), 4u);
    }
    return Cut(vec4u(mask, mask, 0u, 0u), vec4u(0u, bits, 0u, 0u), 2u);
}

fn next_values(stream: ptr<function, Stream>, payload: Payload, bits: u32, cut: Cut) -> vec4u {
    let values = (vec4u(peek(*stream)) >> cut.shift) & cut.mask;
    skip(stream, payload, bits * cut.count);
    return values;
}

fn count_above(values: vec4u, top: u32) -> u32 {
    let is_above = select(vec4u(0u), vec4u(1u), values > vec4u(top));
    return is_above.x + is_above.y + is_above.z + is_above.w;
}

// A whole lane whose values lie in the row at hand and the one above it.
fn count_two_rows(payload: Payload, at: u32, bits: u32, base: u32) {
    let cut = cut_of(bits);
    let first = top_above(0u) - base;
    var above = 0u;
    var stream = start_stream(payload, at);
    for (var i = 0u; i < 32u; i += cut.count * 2u) {
        above += count_above(next_values(&stream, payload, bits, cut), first);
        above += count_above(next_values(&stream, payload, bits, cut), first);
    }
    run += 32u - above;
    add_above(1u, above);
}

// Or in the three above it.
fn count_four_rows(payload: Payload, at: u32, bits: u32, base: u32) {
    let cut = cut_of(bits);
    let first = top_above(0u) - base;
    let second = top_above(1u) - base;
    let third = top_above(2u) - base;
    var above = vec3u(0u);
    var stream = start_stream(payload, at);
    for (var i = 0u; i < 32u; i += cut.count) {
        let values = next_values(&stream, payload, bits, cut);
        above += vec3u(count_above(values, first), count_above(values, second),
                       count_above(values, third));
    }
    run += 32u - above.x;
    add_above(1u, above.x - above.y);
    add_above(2u, above.y - above.z);
    add_above(3u, above.z);
}

// The row of a key as `slot` has it: from a guess that most often is right or one off.
fn row_of(key: u32) -> u32 {
    var row = open_count;
    if (row < edge_count && key <= tops[row]) {
        row = min(row + 1u + u32(f32(tops[row] - key) * rows_per_key), edge_count);
    }
    for (var tries = 0u; tries < 3u; tries++) {
        if (row < edge_count && key <= tops[row]) {
            row += 1u;
        } else if (row > open_count && key > tops[row - 1u]) {
            row -= 1u;
        } else {
            return row;
        }
    }
    seek(key);
    return slot;
}

// The values of a lane whose bit in `drawn` is set, whatever their rows.
fn count_lane(payload: Payload, at: u32, bits: u32, base: u32, drawn: u32) {
    let mask = mask_of(bits);
    var stream = start_stream(payload, at);
    for (var i = 0u; i < 32u; i++) {
        if (((drawn >> i) & 1u) != 0u) {
            let row = row_of(base + (peek(stream) & mask)) - 1u; // wraps above the band
            if (row < height) {
                atomicAdd(&tally[row], 1u);
            }
        }
        skip(&stream, payload, bits);
    }
}

// Rows [first, last) of a super-block.
fn count_super(super_block: u32, first: u32, last: u32, lane: u32) {
    var bitmap = 0u;
    if (gaps.x != gaps.y) {
        bitmap = find_bitmap(super_block * 4u);
    }
    var at = load(segment.directory + super_block) * 8u;
    let page = at / PAGE_WORDS;
    let payload = Payload((page + 1u) * PAGE_WORDS, page_shift(page), page_shift(page + 1u));
    var header = segment.levels[0] + super_block * 8u;
    header += page_shift(header / PAGE_WORDS);
    for (var start = 0u; start < last; start += 256u) {
        let smallest = load_at(header);
        let largest = load_at(header + 1u);
        header += 2u;
        if (smallest > largest) {
            continue; // a gap
        }
        let bits = 32u - countLeadingZeros(largest - smallest);
        if (start + 256u > first) {
            let drawn = lane_drawn(lane, max(first, start) - start, min(last - start, 256u),
                                   select(bitmap + start / 32u, 0u, bitmap == 0u));
            if (smallest - low > span) {
                seek(smallest);
            }
            if (BY_BLOCKS == 0u && largest - low <= span) {
                run += countOneBits(drawn);
            } else if (drawn != ALL || bits > 16u || largest > top_above(3u)) {
                count_lane(payload, at + lane, bits, smallest, drawn);
            } else if (largest > top_above(1u)) {
                count_four_rows(payload, at + lane, bits, smallest);
            } else {
                count_two_rows(payload, at + lane, bits, smallest);
            }
        }
        at += bits * 8u;
    }
}

@compute @workgroup_size(256)
fn count_rows(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let work = find_work(group);
    if (work.first >= work.end) {
        return;
    }
    segment = segments[work.slice.segment];
    gaps = vec2u(work.slice.gaps_first, work.slice.gaps_last);
    height = work.height;
    clear_tally(thread);
    if (thread == 0u) {
        open_count = 0u;
        edge_count = 0u;
    }
    workgroupBarrier();
    fill_tops(work.band, thread);
    workgroupBarrier();
    measure_rows();
    seek(0u);
    for (var n = work.first + thread / 8u; n < work.end; n += TEAMS) {
        let i = nth_super(work.share, n);
        if (!is_shared(work.share, i)) {
            continue;
        }
        let start = i * SUPER_ROWS;
        count_super(i, max(work.slice.first, start) - start,
                    min(work.slice.last - start, SUPER_ROWS), thread % 8u);
    }
    flush_run();
    workgroupBarrier();
    send_tally(work, thread);
}

// ---- wide keys ----

// The row at hand holds the counted keys from wide_low up to, but not, wide_high.
var<private> wide_low: vec2u;
var<private> wide_high: vec2u;
var<private> has_high: bool;

fn is_at_hand(counted: vec2u) -> bool {
    return !is_less(counted, wide_low) && (!has_high || is_less(counted, wide_high));
}

fn seek_wide(counted: vec2u, band: u32) {
    flush_run();
    var first = (segment.unbounded + counting.step - 1u) / counting.step;
    if (segment.unbounded > counting.plot_height) {
        first = counting.height + 1u;
    }
    let open = first;
    var end = counting.height + 1u;
    while (first < end) {
        let middle = (first + end) / 2u;
        if (is_less(counted, edge_at(middle))) {
            first = middle + 1u;
        } else {
            end = middle;
        }
    }
    wide_low = vec2u(0u);
    if (first <= counting.height) {
        wide_low = edge_at(first);
    }
    has_high = first > open;
    if (has_high) {
        wide_high = edge_at(first - 1u);
    }
    slot = first - band; // beyond the band it wraps, or is larger than height
}

fn count_wide_lane(block: Block, lane: u32, base: vec2u, drawn: u32, band: u32) {
    var lower = lane_start(block.at, min(block.bits, 32u), lane);
    var upper = lane_start(block.at + 256u, max(block.bits, 32u) - 32u, lane);
    for (var i = 0u; i < 32u; i++) {
        let residual = vec2u(lane_next(&lower), lane_next(&upper));
        if (((drawn >> i) & 1u) != 0u) {
            let counted = add_wide(base, residual);
            if (!is_at_hand(counted)) {
                seek_wide(counted, band);
            }
            run += 1u;
        }
    }
}

@compute @workgroup_size(256)
fn count_wide_rows(@builtin(workgroup_id) group: vec3u,
                   @builtin(local_invocation_index) thread: u32) {
    let work = find_work(group);
    if (work.first >= work.end) {
        return;
    }
    segment = segments[work.slice.segment];
    gaps = vec2u(work.slice.gaps_first, work.slice.gaps_last);
    height = work.height;
    clear_tally(thread);
    workgroupBarrier();
    let lane = thread % 8u;
    let offset = vec2u(segment.offset_low, segment.offset_high);
    seek_wide(offset, work.band);
    let first = work.slice.first;
    for (var n = work.first * 4u + thread / 8u; n < work.end * 4u; n += TEAMS) {
        let super_block = nth_super(work.share, n / 4u);
        let i = super_block * 4u + n % 4u;
        if (!is_shared(work.share, super_block) || (i + 1u) * 256u <= first ||
            i * 256u >= work.slice.last) {
            continue;
        }
        let block = find_block(i);
        if (is_nothing(block.pair)) {
            continue;
        }
        let start = i * 256u;
        let drawn = lane_drawn(lane, max(first, start) - start, min(work.slice.last - start, 256u),
                               find_bitmap(i));
        let base = add_wide(block.pair.min, offset);
        var is_one_row = false;
        if (BY_BLOCKS == 0u) {
            if (!is_at_hand(base)) {
                seek_wide(base, work.band);
            }
            is_one_row = is_at_hand(add_wide(block.pair.max, offset));
        }
        if (is_one_row) {
            run += countOneBits(drawn);
        } else {
            count_wide_lane(block, lane, base, drawn, work.band);
        }
    }
    flush_run();
    workgroupBarrier();
    send_tally(work, thread);
}
