// From counts to the 256 levels of a palette (src/raster/raster_tone.h).

const SCALE_LINEAR: u32 = 2u; // gch_density_scale; others are by the logarithm
const SCALE_EQUAL: u32 = 3u;
const TONE_BINS: u32 = 464u;
const TONE_HEAD: u32 = 480u; // words in front of a grid: the largest count, then the bins

// How many points a pixel holds, of a cell of `area` pixels in which n were counted. The scale of its
// column, in 1/256, makes up for those that are not counted yet; 0: all are.
fn tone_count(n: u32, scale: u32, area: u32) -> u32 {
    if (n == 0u) {
        return 0u;
    }
    var all = n;
    if (scale != 0u) {
        all = ((((n >> 16u) * scale) << 8u) + (((n & 0xFFFFu) * scale) >> 8u));
    }
    return max(all / area, 1u);
}

// log2(n) in units of 1/256, n >= 1.
fn tone_log(n: u32) -> u32 {
    let whole = firstLeadingBit(n);
    var x = (n << (31u - whole)) >> 16u;
    var bits = whole;
    for (var i = 0u; i < 8u; i++) {
        x = (x * x) >> 15u;
        bits = (bits << 1u) | (x >> 16u);
        x >>= x >> 16u;
    }
    return bits;
}

fn tone_bin(n: u32) -> u32 {
    let whole = firstLeadingBit(n);
    if (whole < 4u) {
        return n;
    }
    return (whole - 3u) * 16u + ((n >> (whole - 4u)) & 15u);
}

// floor(256 * part / whole), at most 255: long division, as the product may not fit.
fn tone_share(part: u32, whole: u32) -> u32 {
    if (part >= whole) {
        return 255u;
    }
    var rest = part;
    var bits = 0u;
    for (var i = 0u; i < 8u; i++) {
        let lacks = whole - rest; // to the next digit: 2 * rest >= whole if rest >= lacks
        let digit = select(0u, 1u, rest >= lacks);
        rest = select(rest + rest, rest - lacks, digit != 0u);
        bits = (bits << 1u) | digit;
    }
    return bits;
}
