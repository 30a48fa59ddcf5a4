/* The allocator interface: every object keeps the one it was made with.
 *
 * `resize` is the one entry point: it allocates (old == NULL), grows, shrinks, or frees
 * (bytes == 0, returns NULL). It returns NULL when it cannot serve a request with bytes > 0 and
 * then leaves `old` as it was. Memory is aligned for max_align_t. `purpose` is a static string that
 * names what the bytes are for ("tree", "frame"), for budgets and reports; the same purpose is
 * given when the block is resized or freed.
 *
 * Thread rule: `resize` may be called from several threads at once.
 */
#ifndef GCH_ALLOCATOR_H
#define GCH_ALLOCATOR_H

#include <stddef.h>

typedef struct gch_allocator {
    void *(*resize)(void *context, void *old, size_t bytes, const char *purpose);
    void *context; /* borrowed for the life of every object made with this allocator */
} gch_allocator;

#endif
