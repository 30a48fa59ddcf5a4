/* Vectors of 128 bits as the compiler's own types: + - & | ^ ~ << >> and comparisons (all ones
 * where true) are operators and mean the same on every processor. What they have no operator for,
 * an ISA file defines before it includes codec_kernels_v128.h:
 *
 *     u32x4 v_min_u32(u32x4 a, u32x4 b), v_max_u32(u32x4 a, u32x4 b)
 *     uint32_t v_least_u32(u32x4 a), v_greatest_u32(u32x4 a)     of the four lanes
 *     u64x2 v_select64(u64x2 mask, u64x2 a, u64x2 b)             a where mask is all ones, else b
 *     u64x2 v_more64(u64x2 a, u64x2 b)                           a > b, both ^ V_ORDER64
 *     V_ORDER64                                                  turns unsigned order into the one
 *                                                                that v_more64 compares by
 *     bool v_any(u32x4 a)                                        a bit is set
 *     void v_load_pairs32(const uint32_t *from, u32x4 *first, u32x4 *second)    deinterleaves 4
 *     void v_load_pairs64(const uint64_t *from, u64x2 *first, u64x2 *second)    and 2 pairs
 *     uint32_t v_bitmask16(u32x4 a, u32x4 b, u32x4 c, u32x4 d)   a bit for each of 16 lanes of 0 or
 *                                                                all ones, a's first lowest
 *     f64x2 v_promote_low(f32x4 a), v_promote_high(f32x4 a)      two floats as doubles
 *     f32x4 v_demote(f64x2 low, f64x2 high)                      rounds to nearest
 */
#ifndef GCH_CODEC_V128_H
#define GCH_CODEC_V128_H

#include <stdint.h>
#include <string.h>

typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

INLINE u32x4 load32(const void *from)
{
    u32x4 value;
    memcpy(&value, from, sizeof value);
    return value;
}

INLINE u64x2 load64(const void *from)
{
    u64x2 value;
    memcpy(&value, from, sizeof value);
    return value;
}

INLINE void store32(void *to, u32x4 value)
{
    memcpy(to, &value, sizeof value);
}

INLINE void store64(void *to, u64x2 value)
{
    memcpy(to, &value, sizeof value);
}

INLINE u32x4 all32(uint32_t value)
{
    return (u32x4){value, value, value, value};
}

INLINE u64x2 all64(uint64_t value)
{
    return (u64x2){value, value};
}

/* Two lanes of `low` with those of `high` as their upper halves. */
INLINE u64x2 zip_first(u32x4 low, u32x4 high)
{
    return (u64x2)__builtin_shufflevector(low, high, 0, 4, 1, 5);
}

INLINE u64x2 zip_second(u32x4 low, u32x4 high)
{
    return (u64x2)__builtin_shufflevector(low, high, 2, 6, 3, 7);
}

/* The lower or the upper halves of four 64-bit lanes. */
INLINE u32x4 low_halves(u64x2 a, u64x2 b)
{
    return __builtin_shufflevector((u32x4)a, (u32x4)b, 0, 2, 4, 6);
}

INLINE u32x4 high_halves(u64x2 a, u64x2 b)
{
    return __builtin_shufflevector((u32x4)a, (u32x4)b, 1, 3, 5, 7);
}

#endif
