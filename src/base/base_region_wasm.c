/* Regions in linear memory, which grows and never shrinks.
 *
 * WebAssembly can neither map files nor reserve addresses without growing its memory. Browsers back
 * a grown memory lazily, as any process's: what is not touched costs addresses only, of which there
 * are 4 GiB. So a region is a block of the heap that nobody clears: the pages of a source are
 * touched as they are loaded, and the rest of a large file costs nothing.
 *
 * Invariants:
 *  1. What was touched stays with the instance; a discarded page is written again when it is loaded
 *     again, and a released region is used again by later ones.
 *  2. Nobody reads a page of a region before writing it: nothing is zero here but by chance.
 */
#include "base_region.h"

#define PURPOSE "region"
#define REGION_ALIGN 64u /* of a .gch file's arrays */

gch_status gch__region_reserve(size_t bytes, gch__region *out, gch_error *err)
{
    uint8_t *block = bytes <= SIZE_MAX - 2 * REGION_ALIGN
                         ? gch__alloc(NULL, bytes + 2 * REGION_ALIGN, PURPOSE)
                         : NULL;
    if (block == NULL)
        return gch_fail(err, GCH_NO_MEMORY,
                        "no address space for %zu bytes: an engine in a browser has 4 GiB in all",
                        bytes);
    /* The block's own address stands right before the region. */
    uintptr_t base =
        ((uintptr_t)block + sizeof block + REGION_ALIGN - 1) / REGION_ALIGN * REGION_ALIGN;
    ((uint8_t **)base)[-1] = block;
    *out = (gch__region){.base = (uint8_t *)base, .bytes = bytes};
    return GCH_OK;
}

gch_status gch__region_map_file(int fd, size_t bytes, const char *name, gch__region *out,
                                gch_error *err)
{
    (void)fd, (void)bytes, (void)out;
    return gch_fail(err, GCH_IO, "%s: cannot map: there are no files here", name);
}

gch_status gch__region_populate(const gch__region *region, size_t offset, size_t bytes,
                                const char *name, gch_error *err)
{
    (void)region, (void)offset, (void)bytes;
    return gch_fail(err, GCH_IO, "%s: cannot read: there are no files here", name);
}

void gch__region_discard(const gch__region *region, size_t offset, size_t bytes)
{
    (void)region, (void)offset, (void)bytes;
}

void gch__region_release(gch__region *region)
{
    if (region->base != NULL)
        gch__free(NULL, ((uint8_t **)region->base)[-1], PURPOSE);
    *region = (gch__region){0};
}

uint64_t gch__memory_physical_bytes(void)
{
    return 0;
}
