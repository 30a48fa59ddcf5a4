/* Live series: rows are appended while charts draw them.
 *
 * A live source takes rows from one writer. Blocks are compressed as they fill, the tree grows with
 * them, and rows that do not fill a block yet are seen too, exactly. Each asker sees the source as
 * a gch_file of his own, which stays as it was until he refreshes it: so a frame, with all of its
 * queries, is of one moment.
 *
 *     gch_column_desc column = {.name = "price", .type = GCH_TYPE_F64};
 *     gch_writer_desc rows = {.time_unit = GCH_TIME_US, .columns = &column, .column_count = 1};
 *     gch_source source;
 *     gch_file *file;
 *     status = gch_live_open(data, &(gch_live_desc){.rows = &rows}, &source, &err);
 *     status = gch_live_acquire_file(data, source, &file, &err);
 *     status = gch_live_append(data, source, times, &(gch_column_data){.values = prices}, n, &err);
 *     status = gch_live_refresh_file(file, NULL, &err);
 *     ... gch_chart_frame() with .file = file ...
 *     gch_live_release_file(data, file);
 *     status = gch_live_close(data, source, &err);
 *
 * With a path, rows go on in that file: segments that are full are written to it in the background,
 * read through the cache from then on, and their memory is free again. Without one, everything
 * stays in memory, or the newest rows only.
 *
 * Memory counts against the manager's host budget (GCH_BYTES_LIVE).
 * Thread rule: append, clear, flush and close belong to one writer at a time; everything else to
 * any thread. A gch_file that was acquired is refreshed and released while nobody uses it.
 */
#ifndef GCH_LIVE_H
#define GCH_LIVE_H

#include "gch/data.h"
#include "gch/writer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_live_desc {
    /* Columns, unit, texts and preset; copied. Within a tolerance rows are rounded as they come, so
     * that what is seen stays as it is. `workers` is not used. */
    const gch_writer_desc *rows;
    const char *path;      /* nullable; a file that is there must have the same columns, and
                              is made with the first full segment if it is not */
    const char *name;      /* in messages; NULL: the path, or "live" */
    uint32_t segment_rows; /* a segment is full; 2^10 to 2^24, a multiple of 2^10; 0: chosen for the
                              budget, the limits below and the columns */
    /* Without a path, what is kept; 0: everything. Whole segments are dropped: somewhat more
     * remains, and row 0 is the first that does (gch_file_info.dropped_rows). */
    uint64_t keep_rows;
    uint64_t keep_ticks; /* before the last row's time */
    uint64_t keep_bytes; /* compressed */
} gch_live_desc;

/* GCH_INVALID (desc, or a file with other columns), GCH_NO_MEMORY, GCH_LIMIT; for a file that is
 * there what gch_source_open_file gives. */
GCH_CHECKED gch_status gch_live_open(gch_data *data, const gch_live_desc *desc, gch_source *out,
                                     gch_error *err);

/* Adds rows as gch_writer_append does: all of them, or none. GCH_UNSORTED, GCH_INVALID,
 * GCH_NO_MEMORY; GCH_LIMIT if the budget has no room, also not after waiting for segments on their
 * way to the file (gch_data_desc.stall_ms). If the file cannot be written, rows are taken as long
 * as there is room, and then that failure is returned. */
GCH_CHECKED gch_status gch_live_append(gch_data *data, gch_source source, const int64_t *times,
                                       const gch_column_data *columns, size_t row_count,
                                       gch_error *err);
/* Drops all rows of a source without a path, whose next row may have any time: for a series that
 * begins anew. Files that were acquired lose them when they are refreshed. GCH_INVALID (stale, or
 * it has a path); GCH_NO_MEMORY, GCH_LIMIT (the budget, which rows that fill no block need a little
 * of): nothing is dropped. */
GCH_CHECKED gch_status gch_live_clear(gch_data *data, gch_source source, gch_error *err);
/* Has all rows written to the file, and waits until they are on the disk. Each flush ends a
 * segment, so that many of them make a large file. GCH_INVALID (stale, or no path), and what
 * gch_writer_open_append and gch_writer_finish give; the rows remain in memory then, and the next
 * flush tries again. */
GCH_CHECKED gch_status gch_live_flush(gch_data *data, gch_source source, gch_error *err);
/* Flushes, if there is a path, and closes the source whatever that gives. Files that were acquired
 * go on showing what they show. */
GCH_CHECKED gch_status gch_live_close(gch_data *data, gch_source source, gch_error *err);

typedef struct gch_live_info {
    uint64_t row_count;     /* that files show: in memory, and in the file */
    uint64_t memory_rows;   /* of these, in memory */
    uint64_t dropped_rows;  /* kept no longer */
    uint64_t segment_count; /* in memory */
    uint64_t memory_bytes;
    uint64_t spill_count;    /* writes to the file that succeeded */
    gch_status spill_status; /* of the last one */
} gch_live_info;

/* GCH_INVALID (stale, or not live). */
GCH_CHECKED gch_status gch_live_get_info(gch_data *data, gch_source source, gch_live_info *out,
                                         gch_error *err);

/* The source as it is now. What the file shows is kept, also when the source is closed or drops
 * rows, until it is refreshed or released. GCH_INVALID (stale, or not live), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_live_acquire_file(gch_data *data, gch_source source, gch_file **out,
                                             gch_error *err);
/* Brings the file up to date; *out_has_changed (nullable) tells whether there was anything to do.
 * Queries and charts of the file notice by themselves. GCH_NO_MEMORY: the file is as it was. */
GCH_CHECKED gch_status gch_live_refresh_file(gch_file *file, bool *out_has_changed, gch_error *err);
void gch_live_release_file(gch_data *data, gch_file *file); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
