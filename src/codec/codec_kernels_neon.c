/* The NEON kernels (AArch64): codec_kernels_v128.h with these operations. */
#include "codec_kernels_isa.h"
#include "codec_v128.h"

#include <arm_neon.h>
#include <stdbool.h>

INLINE u32x4 v_min_u32(u32x4 a, u32x4 b)
{
    return (u32x4)vminq_u32((uint32x4_t)a, (uint32x4_t)b);
}

INLINE u32x4 v_max_u32(u32x4 a, u32x4 b)
{
    return (u32x4)vmaxq_u32((uint32x4_t)a, (uint32x4_t)b);
}

INLINE uint32_t v_least_u32(u32x4 a)
{
    return vminvq_u32((uint32x4_t)a);
}

INLINE uint32_t v_greatest_u32(u32x4 a)
{
    return vmaxvq_u32((uint32x4_t)a);
}

INLINE u64x2 v_select64(u64x2 mask, u64x2 a, u64x2 b)
{
    return (u64x2)vbslq_u64((uint64x2_t)mask, (uint64x2_t)a, (uint64x2_t)b);
}

#define V_ORDER64 UINT64_C(0)

INLINE u64x2 v_more64(u64x2 a, u64x2 b)
{
    return (u64x2)(a > b);
}

INLINE bool v_any(u32x4 a)
{
    return vmaxvq_u32((uint32x4_t)a) != 0;
}

INLINE void v_load_pairs32(const uint32_t *from, u32x4 *first, u32x4 *second)
{
    uint32x4x2_t pairs = vld2q_u32(from);
    *first = (u32x4)pairs.val[0];
    *second = (u32x4)pairs.val[1];
}

INLINE void v_load_pairs64(const uint64_t *from, u64x2 *first, u64x2 *second)
{
    uint64x2x2_t pairs = vld2q_u64(from);
    *first = (u64x2)pairs.val[0];
    *second = (u64x2)pairs.val[1];
}

/* Bytes of 0 or 255 keep one bit of eight each; adding neighbours three times gathers them. */
INLINE uint32_t v_bitmask16(u32x4 a, u32x4 b, u32x4 c, u32x4 d)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint16x8_t low = vuzp1q_u16((uint16x8_t)a, (uint16x8_t)b);
    uint16x8_t high = vuzp1q_u16((uint16x8_t)c, (uint16x8_t)d);
    uint8x16_t bytes = vuzp1q_u8((uint8x16_t)low, (uint8x16_t)high);
    uint8x16_t bits = vandq_u8(bytes, vld1q_u8(weights));
    bits = vpaddq_u8(bits, bits);
    bits = vpaddq_u8(bits, bits);
    bits = vpaddq_u8(bits, bits);
    return vgetq_lane_u16((uint16x8_t)bits, 0);
}

INLINE f64x2 v_promote_low(f32x4 a)
{
    return (f64x2)vcvt_f64_f32(vget_low_f32((float32x4_t)a));
}

INLINE f64x2 v_promote_high(f32x4 a)
{
    return (f64x2)vcvt_high_f64_f32((float32x4_t)a);
}

INLINE f32x4 v_demote(f64x2 low, f64x2 high)
{
    return (f32x4)vcvt_high_f32_f64(vcvt_f32_f64((float64x2_t)low), (float64x2_t)high);
}

#include "codec_kernels_v128.h"

void gch__kernels_fill_neon(gch__kernels *table)
{
    fill_v128(table);
}
