/* The WebAssembly SIMD kernels: ingest_kernels_v128.h with these operations. Compiled with
 * -msimd128; nothing of relaxed SIMD. */
#include "ingest_v128.h"

#include <wasm_simd128.h>

static inline u8x16 v_look_up(u8x16 table, u8x16 places)
{
    return (u8x16)wasm_i8x16_swizzle((v128_t)table, (v128_t)places);
}

static inline uint64_t v_bitmask64(const u8x16 masks[4])
{
    const uint32_t low = (uint32_t)wasm_i8x16_bitmask((v128_t)masks[0]) |
                         (uint32_t)wasm_i8x16_bitmask((v128_t)masks[1]) << 16;
    const uint32_t high = (uint32_t)wasm_i8x16_bitmask((v128_t)masks[2]) |
                          (uint32_t)wasm_i8x16_bitmask((v128_t)masks[3]) << 16;
    return low | (uint64_t)high << 32;
}

static inline uint32_t v_first(u8x16 mask)
{
    return (uint32_t)__builtin_ctz((uint32_t)wasm_i8x16_bitmask((v128_t)mask) | 1u << 16);
}

static inline bool v_any(u8x16 mask)
{
    return wasm_v128_any_true((v128_t)mask);
}

static inline u8x16 v_even_bytes(u16x8 a, u16x8 b)
{
    return (u8x16)wasm_i8x16_shuffle((v128_t)a, (v128_t)b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20,
                                     22, 24, 26, 28, 30);
}

#include "ingest_kernels_v128.h"

void gch__ingest_kernels_fill_wasm(gch__ingest_kernels *table)
{
    fill_v128(table);
}
