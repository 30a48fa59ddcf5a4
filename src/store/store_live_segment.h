/* A segment that grows in memory, a block at a time, while others read what it held before.
 *
 * Its arrays lie in one stretch of address space with room for all rows it may ever have, so
 * nothing moves. An entry that a view counts in is never written again: the one appender needs no
 * lock to add, only to say how far it has come (`shown`).
 *
 * Thread rule: one appender. `shown` and `refs` belong to the lock of whoever keeps the segments.
 */
#ifndef GCH_STORE_LIVE_SEGMENT_H
#define GCH_STORE_LIVE_SEGMENT_H

#include "base_region.h"
#include "store_file.h"
#include "store_rows.h"

/* What a segment held at one moment. Upper tree levels have their whole nodes only, until the
 * segment is sealed; `columns` and `values` have an entry a column. */
typedef struct gch__live_view {
    bool is_sealed;
    gch__segment segment; /* points to what follows */
    struct gch__segment_pages pages;
    gch__disk_descriptor disk; /* time_mode and time_payload_bytes */
    gch__value_column *columns;
    gch__disk_value *values; /* payload_bytes and gap_count */
} gch__live_view;

/* A view of zeros, to be copied to. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__live_view_make(const gch_allocator *allocator, uint32_t column_count,
                                           gch__live_view *out, gch_error *err);
void gch__live_view_reset(const gch_allocator *allocator, gch__live_view *view);
void gch__live_view_copy(gch__live_view *to, const gch__live_view *from);

/* How the rows to come are to be kept. Only ever widened, so that data cannot make many segments:
 * decimals of more digits, then the float; narrow keys, then wide; runs, then lines whose unit is a
 * divisor of the one before. */
typedef struct gch__live_plan {
    bool is_irregular;
    uint64_t unit_floor; /* 0: none yet */
    struct gch__live_plan_column {
        gch__key_kind kind;
        bool is_wide;
    } * columns;
} gch__live_plan;

/* Where a column's arrays lie. */
typedef struct gch__live_arrays {
    void *levels[GCH_TREE_LEVELS_CAP];
    uint32_t *directory, *gap_supers, *gap_bitmaps, *run_starts;
    gch__exception *exceptions;
    uint8_t *payload;
    uint32_t negative_zero_count;
} gch__live_arrays;

typedef struct gch__live_segment {
    const gch_allocator *allocator;
    const gch__kernels *kernels;
    gch__region region;
    uint32_t row_cap, column_count;
    gch__live_view grown; /* the appender's */
    gch__live_view shown;
    uint32_t refs;
    uint64_t charged_bytes; /* the keeper's */

    gch__live_arrays *columns;
    gch__affine_run *runs;
    uint32_t runs_cap;
    uint64_t *supers;
    gch__time_line *lines;
    uint32_t *time_directory;
    uint8_t *time_payload;
    uint64_t time_units; /* of payload */
} gch__live_segment;

/* Address space for `row_cap` rows, a multiple of GCH_BLOCK_ROWS; `name` is borrowed and stands in
 * messages. GCH_NO_MEMORY, GCH_LIMIT (more than 128 GiB). */
GCH_CHECKED gch_status gch__live_segment_make(const gch_allocator *allocator, const char *name,
                                              const gch__meta *meta, uint32_t row_cap,
                                              gch__live_segment **out, gch_error *err);
void gch__live_segment_destroy(gch__live_segment *segment); /* NULL is allowed */
/* Empties the segment. `before` are the columns of the segment ahead of it, of which it is asked
 * whether they end in a gap; they may be its own, or NULL if there is none. */
void gch__live_segment_start(gch__live_segment *segment, const gch__live_plan *plan,
                             const gch__value_column *before);
/* Adds 1 to 256 rows, whose times do not decrease; fewer than 256 only as the last ones before the
 * segment is sealed. `scratch` has an entry a column. False: nothing was added, because there is no
 * room (the plan is as it was) or because the plan had to be widened for these rows. */
bool gch__live_segment_add(gch__live_segment *segment, gch__live_plan *plan, const int64_t *times,
                           const gch__column_input *inputs, uint32_t count,
                           gch__block_keys *scratch);
/* Adds what is missing of the tree: no more rows are added. */
void gch__live_segment_seal(gch__live_segment *segment);
/* Takes the segment back to what is shown. */
void gch__live_segment_rollback(gch__live_segment *segment);
/* Memory that holds what a view shows. */
uint64_t gch__live_view_bytes(const gch__live_view *view);

#endif
