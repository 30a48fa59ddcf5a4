/* Regions by mmap and madvise.
 *
 * Invariants:
 *  1. Discarding never reaches beyond the range asked for: borders are rounded inward to the
 *     system's pages, which may be larger than ours.
 */
#include "base_region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

gch_status gch__region_reserve(size_t bytes, gch__region *out, gch_error *err)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return gch_fail(err, GCH_NO_MEMORY, "no address space for %zu bytes: %s", bytes,
                        strerror(errno));
    *out = (gch__region){.base = base, .bytes = bytes};
    return GCH_OK;
}

gch_status gch__region_map_file(int fd, size_t bytes, const char *name, gch__region *out,
                                gch_error *err)
{
    void *base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        return gch_fail(err, GCH_IO, "%s: cannot map: %s", name, strerror(errno));
    *out = (gch__region){.base = base, .bytes = bytes, .is_file = true};
    return GCH_OK;
}

static size_t system_page_bytes(void)
{
    long bytes = sysconf(_SC_PAGESIZE);
    return bytes > 0 ? (size_t)bytes : 4096;
}

gch_status gch__region_populate(const gch__region *region, size_t offset, size_t bytes,
                                const char *name, gch_error *err)
{
    size_t page = system_page_bytes();
    size_t first = offset / page * page;
    while (madvise(region->base + first, offset + bytes - first, MADV_POPULATE_READ) != 0) {
        if (errno == EINTR || errno == EAGAIN)
            continue;
        if (errno == EINVAL) /* an older system reads the pages as they are touched */
            return GCH_OK;
        return gch_fail(err, GCH_IO, "%s: cannot read %zu bytes at %zu: %s", name, bytes, offset,
                        errno == EFAULT ? "the file has become shorter" : strerror(errno));
    }
    return GCH_OK;
}

void gch__region_discard(const gch__region *region, size_t offset, size_t bytes)
{
    size_t page = system_page_bytes();
    size_t first = (size_t)gch__align_up(offset, page);
    size_t end = offset + bytes == region->bytes ? (size_t)gch__align_up(region->bytes, page)
                                                 : (offset + bytes) / page * page;
    if (first < end)
        (void)madvise(region->base + first, end - first, MADV_DONTNEED);
}

void gch__region_release(gch__region *region)
{
    if (region->base != NULL)
        (void)munmap(region->base, region->bytes);
    *region = (gch__region){0};
}

uint64_t gch__memory_physical_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    return pages > 0 ? (uint64_t)pages * system_page_bytes() : 0;
}
