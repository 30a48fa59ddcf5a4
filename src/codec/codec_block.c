/* Wide blocks: 64-bit residuals as a low plane of up to 32 bits and a high plane of the rest.
 *
 * 1. Up to 32 bits there is no high plane, and a wide block is a narrow one read into 64 bits.
 * 2. Above, the low plane is 32 bits wide, which is the residuals' low words in row order: it is
 *    read in place.
 */
#include "codec.h"

#include <assert.h>

#define PLANE_WORDS (8u * 32u)

const uint32_t *gch__unpack_planes(const gch__kernels *kernels, const uint32_t *packed,
                                   uint32_t bits, uint32_t plane[GCH_BLOCK_ROWS],
                                   const uint32_t **out_high)
{
    assert(bits <= 64);
    bool is_wide = bits > 32;
    kernels->unpack(is_wide ? packed + PLANE_WORDS : packed, is_wide ? bits - 32 : bits, plane);
    *out_high = is_wide ? plane : NULL;
    return is_wide ? packed : plane;
}

void gch__unpack64_from(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                        uint64_t base, uint64_t out[GCH_BLOCK_ROWS])
{
    _Alignas(64) uint32_t plane[GCH_BLOCK_ROWS];
    const uint32_t *high, *low = gch__unpack_planes(kernels, packed, bits, plane, &high);
    kernels->join(low, high, base, out);
}

void gch__unpack64(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                   uint64_t out[GCH_BLOCK_ROWS])
{
    gch__unpack64_from(kernels, packed, bits, 0, out);
}

void gch__pack64_from(const gch__kernels *kernels, const int64_t values[GCH_BLOCK_ROWS],
                      int64_t base, uint32_t bits, uint32_t *packed)
{
    assert(bits <= 64);
    _Alignas(64) uint32_t low[GCH_BLOCK_ROWS], high[GCH_BLOCK_ROWS];
    if (bits <= 32) {
        kernels->subtract_narrow(values, base, GCH_BLOCK_ROWS, low);
        kernels->pack(low, bits, packed);
        return;
    }
    kernels->split(values, base, packed, high);
    kernels->pack(high, bits - 32, packed + PLANE_WORDS);
}

void gch__pack64(const gch__kernels *kernels, const uint64_t residuals[GCH_BLOCK_ROWS],
                 uint32_t bits, uint32_t *packed)
{
    gch__pack64_from(kernels, (const int64_t *)residuals, 0, bits, packed);
}

/* With the top bit flipped, so that the signed kernels serve. */
#define TOP_BIT (UINT64_C(1) << 63)

void gch__min_max64(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                    uint32_t first, uint32_t last, uint64_t *out_min, uint64_t *out_max)
{
    assert(bits <= 64 && first < last && last <= GCH_BLOCK_ROWS);
    if (bits <= 32) {
        uint32_t min, max;
        kernels->min_max(packed, bits, first, last, &min, &max);
        *out_min = min;
        *out_max = max;
        return;
    }
    _Alignas(64) uint64_t values[GCH_BLOCK_ROWS];
    gch__unpack64_from(kernels, packed, bits, TOP_BIT, values);
    int64_t min, max;
    kernels->min_max_i64((const int64_t *)values + first, last - first, &min, &max);
    *out_min = (uint64_t)min ^ TOP_BIT;
    *out_max = (uint64_t)max ^ TOP_BIT;
}

bool gch__min_max64_drawn(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                          const uint32_t drawn[8], uint64_t *out_min, uint64_t *out_max)
{
    assert(bits <= 64);
    if (bits <= 32) {
        uint32_t min, max;
        kernels->min_max_drawn(packed, bits, drawn, &min, &max);
        *out_min = min;
        *out_max = max;
        return min <= max;
    }
    _Alignas(64) uint64_t values[GCH_BLOCK_ROWS];
    gch__unpack64_from(kernels, packed, bits, TOP_BIT, values);
    int64_t min, max;
    kernels->min_max_i64_drawn((const int64_t *)values, drawn, &min, &max);
    *out_min = (uint64_t)min ^ TOP_BIT;
    *out_max = (uint64_t)max ^ TOP_BIT;
    return min <= max;
}
