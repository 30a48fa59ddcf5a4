/* Places along curves that fill a square of 2^32 x 2^32: near on the curve is near in the plane.
 *
 * Morton: the bits of x and y by turns, x the lower. Hilbert: the curve that turns so that it never
 * jumps (D. Hilbert 1891; the loop is that of H. S. Warren, "Hacker's Delight", ch. 16, and of
 * others).
 */
#ifndef GCH_INGEST_CURVE_H
#define GCH_INGEST_CURVE_H

#include "gch/file.h"

/* The bits of x at even places. */
static inline uint64_t gch__spread_bits(uint32_t x)
{
    uint64_t z = x;
    z = (z | z << 16) & 0x0000FFFF0000FFFFu;
    z = (z | z << 8) & 0x00FF00FF00FF00FFu;
    z = (z | z << 4) & 0x0F0F0F0F0F0F0F0Fu;
    z = (z | z << 2) & 0x3333333333333333u;
    return (z | z << 1) & 0x5555555555555555u;
}

static inline uint32_t gch__gather_bits(uint64_t z)
{
    z &= 0x5555555555555555u;
    z = (z | z >> 1) & 0x3333333333333333u;
    z = (z | z >> 2) & 0x0F0F0F0F0F0F0F0Fu;
    z = (z | z >> 4) & 0x00FF00FF00FF00FFu;
    z = (z | z >> 8) & 0x0000FFFF0000FFFFu;
    return (uint32_t)(z | z >> 16);
}

static inline uint64_t gch__morton_of(uint32_t x, uint32_t y)
{
    return gch__spread_bits(x) | gch__spread_bits(y) << 1;
}

static inline uint64_t gch__hilbert_of(uint32_t x, uint32_t y)
{
    uint64_t along = 0;
    for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
        uint32_t right = (x & bit) != 0, up = (y & bit) != 0;
        along = along << 2 | ((3 * right) ^ up);
        if (up == 0) {
            uint32_t turned = right != 0 ? ~x : x;
            x = right != 0 ? ~y : y;
            y = turned;
        }
    }
    return along;
}

static inline uint64_t gch__curve_of(gch_curve curve, uint32_t x, uint32_t y)
{
    return curve == GCH_CURVE_HILBERT ? gch__hilbert_of(x, y) : gch__morton_of(x, y);
}

#endif
