/* Residency: pages of segments in device memory, as they lie in the file.
 *
 * A page of 16 KiB has a slot in one of up to two slabs; a table a segment says which, and
 * shaders read through it (shaders/common/segment.wgsl). The pool grows while the budget lets it,
 * then evicts what the tile at hand does not need. A tile is a stretch of work that is submitted
 * together: what it touches stays until the next one begins.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_RENDER_GPU_PAGES_H
#define GCH_RENDER_GPU_PAGES_H

#include "gch/data.h"
#include "gpu.h"
#include "render_gpu_layouts.h"

#define GCH__GPU_SLABS 2u
/* Enough for one slice of GCH__GPU_SLICE_BLOCKS blocks, whatever their widths and places. */
#define GCH__GPU_SLOTS_MIN 128u
#define GCH__GPU_SLICE_BLOCKS 64u

typedef struct gch__gpu_pages gch__gpu_pages;

typedef struct gch__gpu_pages_desc {
    const gch_allocator *allocator;
    gch__gpu *gpu;
    gch_data *data;        /* whose device budget is charged; NULL: none */
    uint64_t budget_bytes; /* of the slabs; 0: what two bindings hold */
    uint64_t slab_bytes;   /* 0: the largest binding, at most 1 GiB; else a power of two */
} gch__gpu_pages_desc;

/* Statuses of the gpu room, here and below. */
GCH_CHECKED gch_status gch__gpu_pages_make(const gch__gpu_pages_desc *desc, gch__gpu_pages **out,
                                           gch_error *err);
void gch__gpu_pages_destroy(gch__gpu_pages *pages); /* NULL is allowed */

uint64_t gch__gpu_pages_get_budget(const gch__gpu_pages *pages); /* bytes that slabs may take */

/* What shaders bind. They change when *version does. */
typedef struct gch__gpu_pages_buffers {
    gch__gpu_buffer table, slabs[GCH__GPU_SLABS]; /* slabs that are not there name the first */
    uint32_t slab_shift;                          /* words */
    uint64_t version;
} gch__gpu_pages_buffers;
gch__gpu_pages_buffers gch__gpu_pages_get_buffers(const gch__gpu_pages *pages);

/* Frames: sources of files that no call of a frame has named are dropped at its end. */
void gch__gpu_pages_begin_frame(gch__gpu_pages *pages);
void gch__gpu_pages_keep(gch__gpu_pages *pages, const gch_file *file); /* names a file */
void gch__gpu_pages_end_frame(gch__gpu_pages *pages);

/* The number of a sealed segment of a file, good for the frame; *out_table_at is where its page
 * table starts. GCH_UNSUPPORTED: the segment grows, or is larger than shaders can address. */
GCH_CHECKED gch_status gch__gpu_pages_find(gch__gpu_pages *pages, const gch_file *file,
                                           const gch__segment *segment, uint32_t *out_source,
                                           uint32_t *out_table_at, uint32_t *out_page_count,
                                           gch_error *err);

/* Begins a tile: nothing is held. Outside of passes; grows the pool if the last tile asked for it.
 */
GCH_CHECKED gch_status gch__gpu_pages_begin_tile(gch__gpu_pages *pages, gch_error *err);
/* Makes the pages under [bytes, bytes + count) of the segment resident and holds them.
 * *out_is_full: there is no room beside what the tile holds; what was touched is held all the same.
 * Statuses of gch__segment_check. */
GCH_CHECKED gch_status gch__gpu_pages_touch(gch__gpu_pages *pages, uint32_t source,
                                            const gch__segment *segment, const void *bytes,
                                            size_t count, bool *out_is_full, gch_error *err);
/* A stretch of blocks of a column that was touched whole, so that the next frame need not look at
 * each of them. gch__gpu_pages_has_run: all of it is resident still; the tile then holds everything
 * there is, and nothing is evicted until the next one. */
typedef struct gch__gpu_run {
    uint32_t column, first, last; /* blocks [first, last) */
} gch__gpu_run;
void gch__gpu_pages_note_run(gch__gpu_pages *pages, uint32_t source, gch__gpu_run run);
bool gch__gpu_pages_has_run(gch__gpu_pages *pages, uint32_t source, gch__gpu_run run);

/* True if what did not fit beside the tile may fit into the next one, were it alone there already:
 * the pool grows, or a run held everything, which the next tile does not let it. */
bool gch__gpu_pages_may_fit(const gch__gpu_pages *pages);
/* Sends what changed in the tables. */
GCH_CHECKED gch_status gch__gpu_pages_flush(gch__gpu_pages *pages, gch_error *err);

typedef struct gch__gpu_pages_stats {
    uint64_t slots, resident; /* pages there is room for; pages there are */
    uint64_t table_entries;   /* of all page tables */
    uint64_t loaded, evicted; /* since it was made */
} gch__gpu_pages_stats;
gch__gpu_pages_stats gch__gpu_pages_get_stats(const gch__gpu_pages *pages);

#endif
