/* Which floats are drawn, and which of them a key cannot bring back: the scalar definition. */
#ifndef GCH_CODEC_FLOAT_BITS_H
#define GCH_CODEC_FLOAT_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* All ones in the exponent: infinities and NaN. */
#define GCH__F32_EXPONENT 0x7F800000u
#define GCH__F64_EXPONENT UINT64_C(0x7FF0000000000000)
/* The NaN that a gap becomes when it is written as a float. */
#define GCH__F32_PLAIN_NAN 0x7FC00000u
#define GCH__F64_PLAIN_NAN UINT64_C(0x7FF8000000000000)
#define GCH__F32_MINUS_ZERO 0x80000000u
#define GCH__F64_MINUS_ZERO (UINT64_C(1) << 63)

static inline uint32_t gch__f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t gch__f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline bool gch__f32_is_finite(uint32_t bits)
{
    return (bits & GCH__F32_EXPONENT) != GCH__F32_EXPONENT;
}

static inline bool gch__f64_is_finite(uint64_t bits)
{
    return (bits & GCH__F64_EXPONENT) != GCH__F64_EXPONENT;
}

#endif
