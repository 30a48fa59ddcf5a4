/* What every test file needs: cmocka in the order it wants its headers, and exactness helpers. */
#ifndef GCH_TEST_H
#define GCH_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fails with the error's own message. */
#define assert_ok(expression)                                                                      \
    do {                                                                                           \
        gch_status test_status_ = (expression);                                                    \
        if (test_status_ != GCH_OK)                                                                \
            fail_msg("%s: %s (%s)", #expression, gch_status_name(test_status_), err.message);      \
    } while (0)

#define assert_status(expression, expected)                                                        \
    do {                                                                                           \
        gch_status test_status_ = (expression);                                                    \
        if (test_status_ != (expected))                                                            \
            fail_msg("%s: %s, expected %s", #expression, gch_status_name(test_status_),            \
                     gch_status_name(expected));                                                   \
    } while (0)

/* SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

#endif
