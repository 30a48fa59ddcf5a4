/* Memory that is counted and runs out: an allocator for tests of what is allocated, and of what
 * happens when nothing is left.
 *
 *     test_memory memory = {.left = UINT64_MAX};
 *     gch_allocator allocator = {.resize = test_memory_resize, .context = &memory};
 */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

#include <stdint.h>
#include <stdlib.h>

typedef struct test_memory {
    uint64_t served, left; /* fails once `left` allocations have been served */
    int64_t live;
} test_memory;

static void *test_memory_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    test_memory *memory = context;
    (void)purpose;
    if (bytes == 0) {
        memory->live -= old != NULL;
        free(old);
        return NULL;
    }
    if (memory->served == memory->left)
        return NULL;
    memory->served++;
    memory->live += old == NULL;
    return realloc(old, bytes);
}

#endif
