/* A sealed segment as its readers see it: arrays in a mapped file image, checked page by page.
 *
 * This is what the query room stands on. All pointers point into the file image and may be read
 * only after gch__segment_check has said that their pages are sound (upper tree levels, run lists
 * and affine runs are checked at open and need no further check). Offsets are validated at open: a
 * directory entry read from a sound page and passed to gch__column_block or gch__time_block is
 * checked against the payload's bounds before use.
 *
 * Thread rule: immutable but for the atomic bitmap of checked pages; any number of readers.
 */
#ifndef GCH_STORE_SEGMENT_H
#define GCH_STORE_SEGMENT_H

#include "base.h"
#include "codec.h"
#include "gch/file.h"
#include "store_pager.h"

#define GCH_TREE_LEVELS_CAP 9u /* 16^8 blocks is more than 2^32 rows need */
#define GCH_SEGMENT_ROWS_MAX 0xFFFFFC00u

typedef struct gch__segment gch__segment;

/* (min, max) over a block; min > max: no drawn value. */
typedef struct gch__pair32 {
    uint32_t min, max;
} gch__pair32;
typedef struct gch__pair64 {
    uint64_t min, max;
} gch__pair64;

typedef struct gch__exception {
    uint32_t row;
    uint32_t is_drawn; /* 1 for -0.0, 0 for NaN payloads and infinities */
    uint64_t bits;     /* of the column's float type */
} gch__exception;

/* What the keys of a column mean. value(key):
 *   DECIMAL: (base + key) / 10^scale, base int64 (two's complement in `base`)
 *   F32:     gch__f32_from_key((uint32_t)(base + key))
 *   F64:     gch__f64_from_key(base + key) */
typedef struct gch__key_map {
    gch_value_kind kind;
    uint32_t scale;
    uint64_t base;
    bool is_wide;
} gch__key_map;

typedef struct gch__value_column {
    gch__key_map map;
    gch_type type;

    /* levels[0] is the block headers, levels[k] one pair for 16 of levels[k - 1]; pairs are
     * gch__pair32, or gch__pair64 if map.is_wide. The top level has one pair, and the last pair of
     * a level may stand for fewer than 16; but while a segment grows (store_live_segment.h) there
     * are only pairs for whole sixteens, and up to 16 at the top. */
    uint32_t level_count;
    const void *levels[GCH_TREE_LEVELS_CAP];
    uint32_t level_counts[GCH_TREE_LEVELS_CAP];

    const uint32_t *directory; /* per super-block: payload offset in 32-byte units */

    /* Gaps. A super-block with any is in gap_supers (ascending) and has 32 words in gap_bitmaps:
     * bit (row & 1023) is 1 if the row is drawn. */
    uint32_t gap_super_count;
    const uint32_t *gap_supers;
    const uint32_t *gap_bitmaps;
    /* Rows (ascending) that are drawn and whose predecessor is not; row 0 of the segment is listed
     * only if it is drawn and `starts_broken` (the segment before ended in a gap, or there is
     * none). */
    uint32_t run_start_count;
    const uint32_t *run_starts;
    bool first_is_drawn, last_is_drawn;

    uint32_t exception_count;
    const gch__exception *exceptions; /* ascending rows */
} gch__value_column;

/* time(row) = t0 + (row - first row of the run) * step, ticks. */
typedef struct gch__affine_run {
    uint32_t row; /* its first row; the first run starts at row 0 */
    uint32_t reserved;
    int64_t t0;
    int64_t step; /* >= 0 */
} gch__affine_run;

typedef struct gch__time_column {
    /* Affine mode if run_count > 0, else lines. */
    uint32_t run_count;
    const gch__affine_run *runs;

    /* Lines: ticks = unit * units; a row's units = supers[row >> 10] + its line's value. */
    int64_t origin;              /* ticks of unit 0 */
    uint64_t unit;               /* ticks a unit, >= 1 */
    const uint64_t *supers;      /* units of the first row of each super-block, ascending */
    const gch__time_line *lines; /* per block */
    const uint32_t *directory;   /* per super-block, as for values */
} gch__time_column;

struct gch__segment {
    uint64_t first_row; /* of the file */
    uint32_t row_count; /* >= 1 */
    uint32_t block_count, super_count;
    int64_t first_time, last_time;
    gch__time_column time;
    const gch__value_column *columns;
    uint32_t column_count;
    /* The store's own: page bounds, checksums, the bitmap of checked pages. */
    const struct gch__segment_pages *pages;
    /* Whose pins keep the pages that this view of the segment reads; NULL if the whole image is
     * there (store_pager.h). A room that reads for itself copies the struct and puts its own. */
    gch__reader *reader;
};

uint32_t gch__file_segment_count(const gch_file *file);
/* Ascending first_row; times do not decrease from one to the next. */
const gch__segment *gch__file_segment(const gch_file *file, uint32_t index);
const gch_allocator *gch__file_allocator(const gch_file *file);
/* A reader of the file's bytes, to be begun before use, or NULL in *out if the image is there
 * whole. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__file_make_reader(const gch_file *file, gch__reader **out,
                                             gch_error *err);
void gch__file_begin_reader(const gch_file *file, gch__reader *reader, gch__read_mode mode,
                            gch__priority priority);
void gch__file_end_reader(const gch_file *file, gch__reader *reader);
void gch__file_destroy_reader(const gch_file *file, gch__reader *reader); /* NULL is allowed */
/* gch_file_read_values for rows and a column that exist, between begin and end of a reader. */
GCH_CHECKED gch_status gch__read_values(const gch_file *file, gch__reader *reader,
                                        uint32_t column_index, uint64_t first_row, size_t row_count,
                                        gch_value *out_values, gch_error *err);

/* Who sees a segment through `reader`: that, or NULL for one that does not lie in the file's pages
 * but in memory. */
gch__reader *gch__segment_reader(const gch__segment *segment, gch__reader *reader);
/* Changes when the file shows something else (a live series'), and when readers of its bytes have
 * to be made anew. */
uint64_t gch__file_generation(const gch_file *file);
uint64_t gch__file_base_number(const gch_file *file);

/* The stretch that all arrays and the payload of a sealed segment of a file lie in, a whole number
 * of pages, and its bytes; it stays as it is. NULL for a segment that was built in memory. A page
 * of it may be read after gch__segment_check. */
const uint8_t *gch__segment_body(const gch__segment *segment, uint64_t *out_bytes);

/* Makes sure that the pages under [bytes, bytes + count) are there, have passed their checksums and
 * stay until the segment's reader ends. The range lies within the segment. Cheap when done before:
 * a bit test a page. GCH_CORRUPT; with a reader also what gch__pager.ensure returns. */
GCH_CHECKED gch_status gch__segment_check(const gch__segment *segment, const void *bytes,
                                          size_t count, gch_error *err);

/* The packed payload of a block, checked; *out_bits its width (0-64), *out_min its header's min key
 * (wide or narrow), an empty block has bits 0 and min > max in its header. Checks the headers and
 * the directory entry it reads. */
GCH_CHECKED gch_status gch__column_block(const gch__segment *segment,
                                         const gch__value_column *column, uint32_t block,
                                         const uint32_t **out_packed, uint32_t *out_bits,
                                         uint64_t *out_min, gch_error *err);
/* The same for time (lines mode). *out_line is checked and borrowed. */
GCH_CHECKED gch_status gch__time_block(const gch__segment *segment, uint32_t block,
                                       const gch__time_line **out_line, const uint32_t **out_packed,
                                       gch_error *err);

/* The first row with time >= t; row_count if there is none. *io_nodes counts the super-blocks
 * looked at. */
GCH_CHECKED gch_status gch__segment_find_row(const gch__segment *segment, int64_t t,
                                             uint32_t *out_row, uint64_t *io_nodes, gch_error *err);
/* The super-block of the last row with time < t, or the first super-block; no payload is read. */
GCH_CHECKED gch_status gch__segment_find_super(const gch__segment *segment, int64_t t,
                                               uint32_t *out_super, gch_error *err);
/* Ticks of a row (row < row_count), O(1). */
GCH_CHECKED gch_status gch__segment_time(const gch__segment *segment, uint32_t row,
                                         int64_t *out_ticks, gch_error *err);
/* Key of a row; false in *out_is_drawn for a gap (the key is then meaningless). O(1) + the gap
 * search. */
GCH_CHECKED gch_status gch__segment_key(const gch__segment *segment,
                                        const gch__value_column *column, uint32_t row,
                                        uint64_t *out_key, bool *out_is_drawn, gch_error *err);
/* The 32-word bitmap of a super-block's drawn rows, checked, or NULL if all its rows are drawn. */
GCH_CHECKED gch_status gch__column_bitmap(const gch__segment *segment,
                                          const gch__value_column *column, uint32_t super,
                                          const uint32_t **out_bitmap, gch_error *err);

/* A pair of the tree, which is there; an empty one is (UINT64_MAX, 0). */
static inline gch__pair64 gch__tree_pair(const gch__value_column *column, uint32_t level,
                                         uint32_t index)
{
    if (column->map.is_wide)
        return ((const gch__pair64 *)column->levels[level])[index];
    gch__pair32 pair = ((const gch__pair32 *)column->levels[level])[index];
    if (pair.min == UINT32_MAX && pair.max == 0)
        return (gch__pair64){UINT64_MAX, 0};
    return (gch__pair64){pair.min, pair.max};
}

/* The value of a key. */
gch_value gch__value_from_key(const gch__key_map *map, uint64_t key);

#endif
