// A segment's arrays through its page table: what query_reduce.c and store_segment.c read, in words.

@group(0) @binding(1) var<storage, read> segments: array<Segment>;
@group(0) @binding(4) var<storage, read> pages: array<u32>;
@group(0) @binding(6) var<storage, read> slab0: array<u32>;
@group(0) @binding(7) var<storage, read> slab1: array<u32>;

override SLAB_SHIFT: u32 = 22u; // a slab has 2^SLAB_SHIFT words

var<private> segment: Segment;
var<private> gaps: vec2u; // Slice.gaps_first and gaps_last

// Where a word of the segment lies in the slabs laid end to end. A page that is not resident reads as
// zeros: its entry names page 0 of slab 0, which is kept so.
fn address_of(word: u32) -> u32 {
    let page = word / PAGE_WORDS;
    if (page >= segment.page_count) {
        return 0u;
    }
    return pages[segment.pages + page] + word % PAGE_WORDS;
}

fn load_at(address: u32) -> u32 {
    let at = address & ((1u << SLAB_SHIFT) - 1u);
    if (address >> SLAB_SHIFT == 0u) {
        return slab0[at];
    }
    return slab1[at];
}

// A word of the segment.
fn load(word: u32) -> u32 {
    return load_at(address_of(word));
}

struct Pair {
    min: vec2u,
    max: vec2u,
}

// What no key changes: min > max.
fn nothing() -> Pair {
    return Pair(vec2u(0xFFFFFFFFu, 0xFFFFFFFFu), vec2u(0u, 0u));
}

fn is_nothing(pair: Pair) -> bool {
    return is_less(pair.max, pair.min);
}

fn include_pair(a: Pair, b: Pair) -> Pair {
    if (is_nothing(b)) {
        return a;
    }
    return Pair(smaller(a.min, b.min), larger(a.max, b.max));
}

fn include_key(a: Pair, key: vec2u) -> Pair {
    return Pair(smaller(a.min, key), larger(a.max, key));
}

// A node of the tree; level 0 is the block headers.
fn tree_pair(level: u32, index: u32) -> Pair {
    if ((segment.flags & IS_WIDE) != 0u) {
        let at = segment.levels[level] + index * 4u;
        return Pair(vec2u(load(at), load(at + 1u)), vec2u(load(at + 2u), load(at + 3u)));
    }
    let at = segment.levels[level] + index * 2u;
    return Pair(vec2u(load(at), 0u), vec2u(load(at + 1u), 0u));
}

fn pair_bits(pair: Pair) -> u32 {
    return select(bits_of(subtract_wide(pair.max, pair.min)), 0u, is_nothing(pair));
}

struct Block {
    at: u32, // its payload's first word
    bits: u32,
    pair: Pair,
}

fn find_block(block: u32) -> Block {
    var at = load(segment.directory + block / 4u) * 8u;
    for (var before = block & ~3u; before < block; before++) {
        at += pair_bits(tree_pair(0u, before)) * 8u;
    }
    let pair = tree_pair(0u, block);
    return Block(at, pair_bits(pair), pair);
}

fn block_key(block: Block, i: u32) -> vec2u {
    return add_wide(block.pair.min, packed_get_wide(block.at, block.bits, i));
}

// Where the bitmap of a block's drawn rows starts; 0 if its super-block has no gaps.
fn find_bitmap(block: u32) -> u32 {
    let super_block = block / 4u;
    var low = gaps.x;
    var high = gaps.y;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (load(segment.gap_supers + middle) < super_block) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    if (low == gaps.y || load(segment.gap_supers + low) != super_block) {
        return 0u;
    }
    return segment.gap_bitmaps + low * 32u + (block & 3u) * 8u;
}

fn is_drawn(bitmap: u32, i: u32) -> bool {
    return bitmap == 0u || ((load(bitmap + i / 32u) >> (i % 32u)) & 1u) != 0u;
}
