/* Vectors of 128 bits as the compiler's own types, for ingest_kernels_v128.h. */
#ifndef GCH_INGEST_V128_H
#define GCH_INGEST_V128_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));

#endif
