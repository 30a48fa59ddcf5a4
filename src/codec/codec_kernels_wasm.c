/* The WebAssembly SIMD kernels: codec_kernels_v128.h with these operations. Compiled with
 * -msimd128; nothing of relaxed SIMD, which is not in every engine and not the same in all. */
#include "codec_kernels_isa.h"
#include "codec_v128.h"

#include <stdbool.h>
#include <wasm_simd128.h>

INLINE u32x4 v_min_u32(u32x4 a, u32x4 b)
{
    return (u32x4)wasm_u32x4_min((v128_t)a, (v128_t)b);
}

INLINE u32x4 v_max_u32(u32x4 a, u32x4 b)
{
    return (u32x4)wasm_u32x4_max((v128_t)a, (v128_t)b);
}

INLINE uint32_t v_least_u32(u32x4 a)
{
    u32x4 b = v_min_u32(a, __builtin_shufflevector(a, a, 2, 3, 0, 1));
    return b[0] < b[1] ? b[0] : b[1];
}

INLINE uint32_t v_greatest_u32(u32x4 a)
{
    u32x4 b = v_max_u32(a, __builtin_shufflevector(a, a, 2, 3, 0, 1));
    return b[0] > b[1] ? b[0] : b[1];
}

INLINE u64x2 v_select64(u64x2 mask, u64x2 a, u64x2 b)
{
    return (u64x2)wasm_v128_bitselect((v128_t)a, (v128_t)b, (v128_t)mask);
}

/* There is no unsigned comparison of 64-bit lanes: the compiler would go lane by lane. */
#define V_ORDER64 (UINT64_C(1) << 63)

INLINE u64x2 v_more64(u64x2 a, u64x2 b)
{
    return (u64x2)wasm_i64x2_gt((v128_t)a, (v128_t)b);
}

INLINE bool v_any(u32x4 a)
{
    return wasm_v128_any_true((v128_t)a);
}

INLINE void v_load_pairs32(const uint32_t *from, u32x4 *first, u32x4 *second)
{
    u32x4 a = load32(from), b = load32(from + 4);
    *first = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    *second = __builtin_shufflevector(a, b, 1, 3, 5, 7);
}

INLINE void v_load_pairs64(const uint64_t *from, u64x2 *first, u64x2 *second)
{
    u64x2 a = load64(from), b = load64(from + 2);
    *first = __builtin_shufflevector(a, b, 0, 2);
    *second = __builtin_shufflevector(a, b, 1, 3);
}

/* Lanes of 0 or -1 keep their value when they saturate. */
INLINE uint32_t v_bitmask16(u32x4 a, u32x4 b, u32x4 c, u32x4 d)
{
    v128_t low = wasm_i16x8_narrow_i32x4((v128_t)a, (v128_t)b);
    v128_t high = wasm_i16x8_narrow_i32x4((v128_t)c, (v128_t)d);
    return (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(low, high));
}

INLINE f64x2 v_promote_low(f32x4 a)
{
    return (f64x2)wasm_f64x2_promote_low_f32x4((v128_t)a);
}

INLINE f64x2 v_promote_high(f32x4 a)
{
    return v_promote_low(__builtin_shufflevector(a, a, 2, 3, 2, 3));
}

INLINE f32x4 v_demote(f64x2 low, f64x2 high)
{
    f32x4 a = (f32x4)wasm_f32x4_demote_f64x2_zero((v128_t)low);
    f32x4 b = (f32x4)wasm_f32x4_demote_f64x2_zero((v128_t)high);
    return __builtin_shufflevector(a, b, 0, 1, 4, 5);
}

#include "codec_kernels_v128.h"

void gch__kernels_fill_wasm(gch__kernels *table)
{
    fill_v128(table);
}
