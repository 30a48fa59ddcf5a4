/* Checked allocation over a gch_allocator; NULL stands for the process heap. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

static void *resize(const gch_allocator *allocator, void *old, size_t bytes, const char *purpose)
{
    if (allocator != NULL)
        return allocator->resize(allocator->context, old, bytes, purpose);
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, bytes);
}

void *gch__alloc(const gch_allocator *allocator, size_t bytes, const char *purpose)
{
    /* A request for nothing still gets a pointer, so that NULL always means failure. */
    return resize(allocator, NULL, GCH_MAX(bytes, (size_t)1), purpose);
}

void *gch__alloc_array(const gch_allocator *allocator, size_t count, size_t size,
                       const char *purpose)
{
    return gch__resize_array(allocator, NULL, count, size, purpose);
}

void *gch__alloc_zero(const gch_allocator *allocator, size_t count, size_t size,
                      const char *purpose)
{
    size_t bytes;
    if (!gch__mul_size(count, size, &bytes))
        return NULL;
    void *memory = NULL;
    if (allocator == NULL) {
        memory =
            calloc(GCH_MAX(bytes, (size_t)1), 1); /* large blocks come zeroed from the kernel */
    } else {
        memory = gch__alloc(allocator, bytes, purpose);
        if (memory != NULL)
            memset(memory, 0, bytes);
    }
    return memory;
}

void *gch__resize_array(const gch_allocator *allocator, void *old, size_t count, size_t size,
                        const char *purpose)
{
    size_t bytes;
    if (!gch__mul_size(count, size, &bytes))
        return NULL;
    return resize(allocator, old, GCH_MAX(bytes, (size_t)1), purpose);
}

void gch__free(const gch_allocator *allocator, void *memory, const char *purpose)
{
    if (memory != NULL)
        (void)resize(allocator, memory, 0, purpose);
}

char *gch__copy_text(const gch_allocator *allocator, const char *text, size_t length,
                     const char *purpose)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = gch__alloc(allocator, length + 1, purpose);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *gch__buffer_reserve(gch__buffer *buffer, size_t extra)
{
    size_t needed;
    if (!gch__add_size(buffer->count, extra, &needed))
        return NULL;
    if (needed > buffer->cap) {
        size_t cap = buffer->cap < SIZE_MAX / 2 ? buffer->cap * 2 : needed;
        cap = GCH_MAX(GCH_MAX(cap, needed), (size_t)256);
        uint8_t *bytes = resize(buffer->allocator, buffer->bytes, cap, buffer->purpose);
        if (bytes == NULL)
            return NULL;
        buffer->bytes = bytes;
        buffer->cap = cap;
    }
    return buffer->bytes + buffer->count;
}

bool gch__buffer_append(gch__buffer *buffer, const void *bytes, size_t count)
{
    void *room = gch__buffer_reserve(buffer, count);
    if (room == NULL)
        return false;
    if (count > 0)
        memcpy(room, bytes, count);
    buffer->count += count;
    return true;
}

void gch__buffer_reset(gch__buffer *buffer)
{
    gch__free(buffer->allocator, buffer->bytes, buffer->purpose);
    buffer->bytes = NULL;
    buffer->count = 0;
    buffer->cap = 0;
}

gch_status gch__ensure(const gch_allocator *allocator, void **array, size_t *cap, size_t count,
                       size_t size, const char *purpose, gch_error *err)
{
    if (count <= *cap)
        return GCH_OK;
    size_t wanted = *cap < SIZE_MAX / 2 ? GCH_MAX(count, *cap * 2) : count;
    void *grown = gch__resize_array(allocator, *array, wanted, size, purpose);
    if (grown == NULL)
        return gch__no_memory(err, purpose);
    *array = grown;
    *cap = wanted;
    return GCH_OK;
}
