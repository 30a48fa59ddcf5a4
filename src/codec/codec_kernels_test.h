/* What the tests of the kernels share: the levels under test, and inputs. Inputs lie on the heap in
 * blocks of their exact size, so that a sanitizer sees a read beyond them, and one element off any
 * larger alignment. */
#ifndef GCH_CODEC_KERNELS_TEST_H
#define GCH_CODEC_KERNELS_TEST_H

#include "base.h"
#include "codec.h"
#include "test.h"

#define GUARD 0xA5C3E1F7u

static const gch__kernels *levels[GCH__CPU_LEVEL_COUNT];
static size_t level_count;

/* A level that the processor lacks is named and passed over: the others are tested all the same. */
static int find_levels(void **state)
{
    (void)state;
    for (int level = GCH__CPU_SCALAR; level < GCH__CPU_LEVEL_COUNT; level++) {
        bool is_there = gch__kernels_get_level(level) != NULL;
        printf("%s: %s\n", gch__cpu_level_name((gch__cpu_level)level),
               is_there ? "tested" : "not on this processor");
        if (is_there)
            levels[level_count++] = gch__kernels_get_level(level);
    }
    return level_count > 0 ? 0 : -1;
}

/* count elements that start `size` bytes into an allocation and end with it. */
static inline void *make_array(size_t count, size_t size)
{
    char *memory = malloc((count + 1) * size);
    assert_non_null(memory);
    memset(memory, 0xEE, size);
    return memory + size;
}

static inline void destroy_array(void *array, size_t size)
{
    free((char *)array - size);
}

/* None, one, all but one, all, or random bits, many or few. */
static inline void fill_bitmap(uint32_t bitmap[8], int shape, uint64_t *seed)
{
    uint32_t one = (uint32_t)(test_random(seed) % GCH_BLOCK_ROWS);
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t random = (uint32_t)test_random(seed);
        uint32_t single = i == one / 32 ? 1u << one % 32 : 0;
        uint32_t words[] = {0,          single, ~single,
                            UINT32_MAX, random, random & (uint32_t)test_random(seed)};
        bitmap[i] = words[(size_t)shape % GCH_COUNT_OF(words)];
    }
}

static inline int64_t any_i64(uint64_t *seed)
{
    switch (test_random(seed) % 8) {
    case 0:
        return INT64_MIN;
    case 1:
        return INT64_MAX;
    case 2:
        return (int64_t)(test_random(seed) % 5) - 2;
    default:
        return (int64_t)(test_random(seed)) >> (test_random(seed) % 64);
    }
}

static inline double f64_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float f32_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
