// What encode.wgsl and encode_time.wgsl share with C: render_gpu_encode.h has the same, and render_gpu_encode_test.c
// compares the two.

struct Batch {
    row_count: u32,
    block_count: u32,
    super_count: u32,
    groups_x: u32, // workgroups in a row of a dispatch over blocks
    power_low: u32, // 10^scale
    power_high: u32,
    blocks: u32, // where in arrays a word a block starts: BLOCK_*
    directory: u32, // a word a super-block: where its payload starts, in units of 8 words
    tree: u32, // pairs, level by level without gaps; wide ones are 4 words
    // Of times: a time's units are the bits of time - origin above `shift`, times `inverse`.
    origin_low: u32,
    origin_high: u32,
    inverse_low: u32,
    inverse_high: u32,
    shift: u32,
    reserved: u32,
    reserved_too: u32,
}

const BLOCK_BITS: u32 = 0x7Fu; // its width
const BLOCK_HAS_GAPS: u32 = 0x100u;
const BLOCK_IS_ODD: u32 = 0x200u; // a row's key does not give its bits back
const BLOCK_IS_MISFIT: u32 = 0x400u; // a value is no such decimal
const BLOCK_ZERO: u32 = 0x10000u; // for each -0.0 that is a decimal's 0

// The first words of arrays.
const SUMMARY_UNITS: u32 = 0u; // of payload
const SUMMARY_NOTES: u32 = 1u; // BLOCK_* of any block
const SUMMARY_IS_WIDE: u32 = 2u;
const SUMMARY_BASE: u32 = 4u; // the smallest key, two words
const SUMMARY_WORDS: u32 = 16u;

const TYPE_I8: u32 = 1u;
const TYPE_U8: u32 = 2u;
const TYPE_I16: u32 = 3u;
const TYPE_U16: u32 = 4u;
const TYPE_I32: u32 = 5u;
const TYPE_U32: u32 = 6u;
const TYPE_I64: u32 = 7u;
const TYPE_F32: u32 = 8u;
const TYPE_F64: u32 = 9u;
const KIND_DECIMAL: u32 = 1u;

// Pairs of a smallest and a largest key.
const EMPTY: vec4u = vec4u(0xFFFFFFFFu, 0xFFFFFFFFu, 0u, 0u);

fn include_pair(a: vec4u, b: vec4u) -> vec4u {
    return vec4u(smaller(a.xy, b.xy), larger(a.zw, b.zw));
}
