// Blocks of 256 keys or units in a workgroup of 64 threads, and how they are packed (docs/format.md,
// "Packed blocks").

const THREADS: u32 = 64u;

var<workgroup> low: array<u32, 256>;
var<workgroup> high: array<u32, 256>;

fn block_of(group: vec3u) -> u32 {
    return group.x + group.y * batch.groups_x;
}

fn count_rows(block: u32) -> u32 {
    return min(batch.row_count - block * 256u, 256u);
}

var<workgroup> width: u32;

// The width of a block that has been measured; all threads get it.
fn load_width(block: u32, thread: u32) -> u32 {
    if (thread == 0u) {
        width = arrays[batch.blocks + block] & BLOCK_BITS;
    }
    return workgroupUniformLoad(&width);
}

// Word w of a lane: the rows whose bits fall into [32w, 32w + 32).
fn pack_word(bits: u32, word: u32, lane: u32, is_high: bool) -> u32 {
    var row = word * 32u / bits;
    let skipped = word * 32u - row * bits;
    var packed = 0u;
    var at = 0u;
    loop {
        let i = row * 8u + lane;
        var value = low[i];
        if (is_high) {
            value = high[i];
        }
        if (at == 0u) {
            packed = value >> skipped;
            at = bits - skipped;
        } else {
            packed |= value << at;
            at += bits;
        }
        row += 1u;
        if (at >= 32u) {
            break;
        }
    }
    return packed;
}

// The residuals in low and high, of `bits` bits each, to the block's place.
fn pack_block(block: u32, bits: u32, thread: u32) {
    var at = arrays[batch.directory + block / 4u] * 8u;
    for (var before = block & ~3u; before < block; before++) {
        at += (arrays[batch.blocks + before] & BLOCK_BITS) * 8u;
    }
    if (bits <= 32u) {
        for (var j = thread; j < 8u * bits; j += THREADS) {
            payload[at + j] = pack_word(bits, j / 8u, j % 8u, false);
        }
        return;
    }
    for (var j = thread; j < 256u; j += THREADS) {
        payload[at + j] = low[j];
    }
    for (var j = thread; j < 8u * (bits - 32u); j += THREADS) {
        payload[at + 256u + j] = pack_word(bits - 32u, j / 8u, j % 8u, true);
    }
}
