/* block_list for processors without instructions of the kind; see ingest_kernels_rows.h. */
#ifndef GCH_INGEST_KERNELS_LIST_H
#define GCH_INGEST_KERNELS_LIST_H

#include "ingest_kernels_strip.h"

static inline size_t block_list(uint64_t separators, uint64_t line_feeds, uint32_t first,
                                uint32_t *out, uint64_t *out_kinds)
{
    size_t count = 0;
    uint64_t kinds = 0;
    for (; separators != 0; separators &= separators - 1) {
        const uint32_t at = (uint32_t)__builtin_ctzll(separators);
        kinds |= (line_feeds >> at & 1) << count;
        out[count++] = first + at;
    }
    *out_kinds = kinds;
    return count;
}

#endif
