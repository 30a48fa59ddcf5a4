/* Wide blocks: 64-bit residuals as a low plane of up to 32 bits and a high plane of the rest.
 *
 * 1. Up to 32 bits there is no high plane, and a wide block is a narrow one read into 64 bits.
 * 2. Above, the low plane is 32 bits wide, which is the residuals' low words in row order: it is
 *    read in place.
 */
#include "codec.h"

#include <assert.h>

#define PLANE_WORDS (8u * 32u)

void gch__unpack64(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                   uint64_t out[GCH_BLOCK_ROWS])
{
    assert(bits <= 64);
    uint32_t plane[GCH_BLOCK_ROWS];
    if (bits <= 32) {
        kernels->unpack(packed, bits, plane);
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            out[i] = plane[i];
        return;
    }
    kernels->unpack(packed + PLANE_WORDS, bits - 32, plane);
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
        out[i] = packed[i] | (uint64_t)plane[i] << 32;
}

void gch__pack64(const gch__kernels *kernels, const uint64_t residuals[GCH_BLOCK_ROWS],
                 uint32_t bits, uint32_t *packed)
{
    uint32_t low[GCH_BLOCK_ROWS], high[GCH_BLOCK_ROWS];
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
        low[i] = (uint32_t)residuals[i];
    if (bits <= 32) {
        kernels->pack(low, bits, packed);
        return;
    }
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
        high[i] = (uint32_t)(residuals[i] >> 32);
    memcpy(packed, low, sizeof low);
    kernels->pack(high, bits - 32, packed + PLANE_WORDS);
}

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
    /* The planes are put together with the top bit flipped, so that the signed kernel serves. */
    const uint64_t top_bit = UINT64_C(1) << 63;
    uint32_t plane[GCH_BLOCK_ROWS];
    int64_t values[GCH_BLOCK_ROWS];
    kernels->unpack(packed + PLANE_WORDS, bits - 32, plane);
    for (uint32_t i = first; i < last; i++)
        values[i] = (int64_t)((packed[i] | (uint64_t)plane[i] << 32) ^ top_bit);
    int64_t min, max;
    kernels->min_max_i64(values + first, last - first, &min, &max);
    *out_min = (uint64_t)min ^ top_bit;
    *out_max = (uint64_t)max ^ top_bit;
}
