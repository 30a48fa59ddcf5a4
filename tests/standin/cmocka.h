/* The part of cmocka that the tests of base and codec use, for targets that have no cmocka: cross
 * builds whose programs run in an emulator or in a WebAssembly engine. No mocks and no jumps: the
 * first failed assertion says where it is and ends the program. What is asserted is the same. */
#ifndef GCH_TESTS_STANDIN_CMOCKA_H
#define GCH_TESTS_STANDIN_CMOCKA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
};

#define cmocka_unit_test(function)                                                                 \
    {                                                                                              \
#function, function                                                                        \
    }
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    standin_run(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

static inline int standin_run(const struct CMUnitTest *tests, size_t count, int (*setup)(void **),
                              int (*teardown)(void **))
{
    void *state = NULL;
    if (setup != NULL && setup(&state) != 0) {
        puts("the setup failed");
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        printf("%s\n", tests[i].name);
        fflush(stdout);
        tests[i].test(&state);
    }
    printf("%zu tests passed\n", count);
    return teardown != NULL ? teardown(&state) : 0;
}

#define fail_msg(...)                                                                              \
    do {                                                                                           \
        printf("%s:%d: ", __FILE__, __LINE__);                                                     \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        exit(1);                                                                                   \
    } while (0)

#define assert_true(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s", #condition);                                                            \
    } while (0)
#define assert_false(condition) assert_true(!(condition))
#define assert_null(pointer) assert_true((pointer) == NULL)
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)
#define assert_memory_equal(a, b, size) assert_true(memcmp(a, b, size) == 0)

#define assert_string_not_equal(a, b) assert_true(strcmp(a, b) != 0)
#define assert_memory_not_equal(a, b, size) assert_true(memcmp(a, b, size) != 0)
#define assert_ptr_not_equal(a, b) assert_true((const void *)(a) != (const void *)(b))

/* cmocka compares integers of any kind as the widest unsigned ones. */
#define STANDIN_COMPARE(a, relation, b)                                                            \
    do {                                                                                           \
        unsigned long long standin_a_ = (unsigned long long)(a);                                   \
        unsigned long long standin_b_ = (unsigned long long)(b);                                   \
        if (!(standin_a_ relation standin_b_))                                                     \
            fail_msg("%s: %#llx, expected " #relation " %s: %#llx", #a, standin_a_, #b,            \
                     standin_b_);                                                                  \
    } while (0)
#define assert_int_equal(a, b) STANDIN_COMPARE(a, ==, b)
#define assert_int_not_equal(a, b) STANDIN_COMPARE(a, !=, b)
#define assert_in_range(value, low, high)                                                          \
    do {                                                                                           \
        STANDIN_COMPARE(value, >=, low);                                                           \
        STANDIN_COMPARE(value, <=, high);                                                          \
    } while (0)

#endif
