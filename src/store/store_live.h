/* A series that grows while it is read: sealed segments, one that is open, and the rows that do not
 * fill a block yet; in front of them, perhaps, a file that is there already.
 *
 * Readers see it as a gch_file of their own, which stays as it was until they refresh it. What
 * such a file holds stays in memory, also what has been dropped meanwhile.
 *
 * Thread rule: one appender, any number of others; a file that was lent belongs to its asker, who
 * refreshes and closes it while nobody uses it.
 */
#ifndef GCH_STORE_LIVE_H
#define GCH_STORE_LIVE_H

#include "store_live_segment.h"

typedef struct gch__live gch__live;

typedef struct gch__live_desc {
    const char *name;            /* in messages; copied */
    const gch_writer_desc *rows; /* columns, unit and texts; ignored but for the match if there is a
                                    base */
    const gch_file *base;        /* nullable; see gch__live_rebase */
    uint32_t segment_rows;       /* sealed at; a multiple of GCH_SUPER_ROWS */
    /* What is kept, 0: everything. Whole segments are dropped, so that somewhat more remains. */
    uint64_t keep_rows;
    uint64_t keep_ticks; /* before the last row's time */
    uint64_t keep_bytes;
    /* Asked for before memory is used, and told when it is free again, on any thread. Nullable. */
    gch_status (*charge)(void *context, uint64_t bytes, gch_error *err);
    void (*discharge)(void *context, uint64_t bytes);
    void (*end)(void *context); /* nobody will be told anything more */
    void *context;
    const gch_allocator *allocator;
} gch__live_desc;

/* GCH_INVALID, GCH_NO_MEMORY. On failure `end` is not called. */
GCH_CHECKED gch_status gch__live_make(const gch__live_desc *desc, gch__live **out, gch_error *err);
/* The maker's hold ends; files that were lent keep what they need. NULL is allowed. */
void gch__live_release(gch__live *live);

/* As gch_writer_append; besides what `charge` fails with. All rows are added, or none. */
GCH_CHECKED gch_status gch__live_append(gch__live *live, const int64_t *times,
                                        const gch_column_data *columns, size_t row_count,
                                        gch_error *err);
/* Seals the open segment, rows that do not fill a block included. Statuses as above. */
GCH_CHECKED gch_status gch__live_seal(gch__live *live, gch_error *err);

/* Drops all rows of a series without a base; the next row may have any time. Statuses as above, and
 * then all rows are still there. */
GCH_CHECKED gch_status gch__live_clear(gch__live *live, gch_error *err);

typedef struct gch__live_stats {
    uint64_t base_rows;
    uint64_t row_count; /* appended and not dropped or written to the base */
    uint64_t dropped_rows;
    uint64_t segment_count, byte_count;
} gch__live_stats;
gch__live_stats gch__live_get_stats(gch__live *live);

/* What a file of the series is to be written with; `columns` has room for all of them, and texts
 * live as long as the series. */
void gch__live_describe(const gch__live *live, gch_column_desc *columns, gch_writer_desc *out);
bool gch__live_has_sealed(gch__live *live);
/* The oldest segments, if they are sealed: at most `cap`, held. Their views do not change. */
uint32_t gch__live_hold_sealed(gch__live *live, gch__live_segment **out, uint32_t cap);
/* Adds a held segment to a file. As gch_writer_append. */
GCH_CHECKED gch_status gch__live_give(gch__live *live, const gch__live_segment *segment,
                                      gch_writer *writer, gch_error *err);
void gch__live_drop_held(gch__live *live, gch__live_segment **segments, uint32_t count);
/* A new base, which holds the old one's rows and those of the oldest `segment_count` segments,
 * which the caller holds and which are dropped. The old base is needed until its last reader is
 * gone. */
void gch__live_rebase(gch__live *live, const gch_file *base, uint32_t segment_count);

/* A file of the series as it is now. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__live_lend(gch__live *live, gch_file **out, gch_error *err);
/* Brings a file that was lent up to date; *out_has_changed (nullable) tells whether there was
 * anything to do. After a failure the file is as it was. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__live_refresh(gch_file *file, bool *out_has_changed, gch_error *err);

#endif
