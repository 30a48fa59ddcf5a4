/* The NEON kernels (AArch64): ingest_kernels_v128.h with these operations. */
#include "ingest_v128.h"

#include <arm_neon.h>

static inline u8x16 v_look_up(u8x16 table, u8x16 places)
{
    return (u8x16)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)places);
}

/* Every byte keeps one bit of eight; adding neighbours three times gathers them. */
static inline uint64_t v_bitmask64(const u8x16 masks[4])
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const u8x16 weight = (u8x16)vld1q_u8(weights);
    uint8x16_t low = vpaddq_u8((uint8x16_t)(masks[0] & weight), (uint8x16_t)(masks[1] & weight));
    uint8x16_t high = vpaddq_u8((uint8x16_t)(masks[2] & weight), (uint8x16_t)(masks[3] & weight));
    low = vpaddq_u8(low, high);
    return vgetq_lane_u64((uint64x2_t)vpaddq_u8(low, low), 0);
}

/* Four bits a byte. */
static inline uint32_t v_first(u8x16 mask)
{
    const uint64_t nibbles = vget_lane_u64((uint64x1_t)vshrn_n_u16((uint16x8_t)mask, 4), 0);
    return nibbles != 0 ? (uint32_t)__builtin_ctzll(nibbles) / 4 : 16;
}

static inline bool v_any(u8x16 mask)
{
    return vmaxvq_u32((uint32x4_t)mask) != 0;
}

static inline u8x16 v_even_bytes(u16x8 a, u16x8 b)
{
    return (u8x16)vuzp1q_u8((uint8x16_t)a, (uint8x16_t)b);
}

#include "ingest_kernels_v128.h"

void gch__ingest_kernels_fill_neon(gch__ingest_kernels *table)
{
    fill_v128(table);
}
