/* What the files of AVX2 kernels share. */
#ifndef GCH_CODEC_KERNELS_AVX2_H
#define GCH_CODEC_KERNELS_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

INLINE void store(void *to, __m256i value)
{
    _mm256_storeu_si256((__m256i *)to, value);
}

/* AVX2 compares 64-bit lanes as signed numbers only. */
INLINE __m256i min_i64(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

INLINE __m256i max_i64(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(b, a));
}

INLINE int64_t least_i64(__m256i v)
{
    v = min_i64(v, _mm256_permute4x64_epi64(v, 0x4E));
    v = min_i64(v, _mm256_shuffle_epi32(v, 0x4E));
    return _mm_cvtsi128_si64(_mm256_castsi256_si128(v));
}

INLINE int64_t greatest_i64(__m256i v)
{
    v = max_i64(v, _mm256_permute4x64_epi64(v, 0x4E));
    v = max_i64(v, _mm256_shuffle_epi32(v, 0x4E));
    return _mm_cvtsi128_si64(_mm256_castsi256_si128(v));
}

#endif
