/* Writing .gch files: rows in, compressed segments out, never a half-written file.
 *
 * A new file is written under a temporary name beside its destination and renamed into place by
 * gch_writer_finish after it has reached the disk; until then a file of that name stays as it was.
 * Appending writes a new sealed segment behind the existing bytes and then commits it with one
 * 64-byte header slot, so that a crash at any point leaves the old rows readable.
 *
 *     gch_writer *writer = NULL;
 *     GCH_CHECK(gch_writer_create("out.gch", &(gch_writer_desc){
 *         .time_unit = GCH_TIME_MS,
 *         .columns = &(gch_column_desc){.name = "price", .type = GCH_TYPE_F64},
 *         .column_count = 1 }, &writer, &err));
 *     status = gch_writer_append(writer, times, &(gch_column_data){.values = prices}, n, &err);
 *     status = gch_writer_finish(writer, &err);
 *
 * Values are kept to the bit, unless a tolerance is given. Encoding tries decimals first, then the
 * float's own bits.
 * Thread rule: one thread at a time for a writer; it spreads its work over `workers` itself.
 */
#ifndef GCH_WRITER_H
#define GCH_WRITER_H

#include "gch/file.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_writer gch_writer;
typedef struct gch_encoder gch_encoder; /* gch/encoder.h */

typedef struct gch_column_desc {
    const char *name; /* UTF-8, 1-255 bytes, unique in the file */
    const char *unit; /* NULL: none */
    gch_type type;    /* not DEFAULT */
} gch_column_desc;

typedef struct gch_writer_desc {
    gch_time_unit time_unit; /* not DEFAULT */
    bool time_is_text;
    const char *time_name; /* NULL: "time" */
    const char *time_zone; /* NULL: UTC; kept as text, not checked */
    const char *source;    /* NULL: "" */
    const gch_column_desc *columns;
    uint32_t column_count; /* 1 to GCH_COLUMN_CAP */
    /* Not DEFAULT: rows are points of a plane, and come (of each writer, if it appends) in the
     * curve's order of their places; time_unit is INDEX. It is not checked: an order that does not
     * hold costs speed, nothing else. */
    gch_curve curve;
    uint32_t x_column, y_column; /* of a point set; different ones */
    /* TOLERANCE: each finite value of the columns of floats and of text is stored as a multiple of
     * a power of ten, and that number, and the column's own float nearest to it, are at most
     * `tolerance` away from the value given, as real numbers. The step is at most 1 and at least
     * 10^-18; a float for which that cannot be had (of more than 2^51 steps, say) is kept to the
     * bit, as are integers, NaN, infinities and all times. 0: columns with a tolerance of their own
     * only, of which there is one then.
     * FAST: the same values as LOSSLESS in less time: the order of times is checked chunk by chunk
     * while they are at hand, rows of calls of 2^14 on are not copied together first, and fewer of
     * them decide what keys mean. So rows out of order end the writer (gch_writer_append), the file
     * depends on how rows were divided into calls, and it may be somewhat larger.
     * Rows to append: DEFAULT, or what the file was made with (GCH_INVALID). */
    gch_preset preset;
    gch_decimal tolerance;
    /* TOLERANCE: NULL, or column_count of them: of each column, in place of `tolerance`. 0: none of
     * its own. Not of integers. */
    const gch_decimal *column_tolerances;
    gch_workers *workers; /* borrowed until the writer is gone */
    gch_encoder *encoder; /* packs values instead, as far as it can; borrowed likewise; or NULL */
    const gch_allocator *allocator;
} gch_writer_desc;

/* Values of one column for one append. */
typedef struct gch_column_data {
    const void *values;   /* `row_count` values of the column's type, little-endian, dense */
    const int8_t *scales; /* DECIMAL only: value = digits / 10^scale, scale -18..18, or
                             GCH_SCALE_F64: `digits` holds the bits of a double instead */
    const uint8_t
        *validity; /* NULL: all valid; else 1 bit a row, least significant first (Arrow) */
} gch_column_data;

#define GCH_SCALE_F64 ((int8_t)127)

/* GCH_INVALID (bad desc), GCH_IO, GCH_NO_MEMORY. The file appears at gch_writer_finish, replacing
 * one of that name. */
GCH_CHECKED gch_status gch_writer_create(const char *path, const gch_writer_desc *desc,
                                         gch_writer **out, gch_error *err);
/* Opens an existing file to append to. The desc's columns must match the file's by name and type,
 * its unit and what it says of a point set or a preset too (GCH_INVALID); other fields of the
 * file's metadata stay as they are. Two writers at once are refused (GCH_EXISTS: the file is
 * locked). As gch_source_open_file besides. */
GCH_CHECKED gch_status gch_writer_open_append(const char *path, const gch_writer_desc *desc,
                                              gch_writer **out, gch_error *err);
/* Writes into memory; end with gch_writer_finish_memory. */
GCH_CHECKED gch_status gch_writer_create_memory(const gch_writer_desc *desc, gch_writer **out,
                                                gch_error *err);

/* Adds rows. `times` may be NULL for GCH_TIME_INDEX (rows are numbered on). `columns` has
 * column_count entries. The arrays are read before the call returns.
 * GCH_UNSORTED names the first row (counted over the whole file) that is earlier than the one
 * before it; nothing of this call is added then (GCH_PRESET_FAST: the writer only fails from then
 * on). GCH_IO, GCH_NO_MEMORY, GCH_LIMIT. */
GCH_CHECKED gch_status gch_writer_append(gch_writer *writer, const int64_t *times,
                                         const gch_column_data *columns, size_t row_count,
                                         gch_error *err);
uint64_t gch_writer_row_count(const gch_writer *writer); /* rows of an appended-to file included */

/* Seals, syncs and commits; the writer is gone afterwards whatever is returned, and on failure so
 * is its temporary file. A file of 0 rows is valid. */
GCH_CHECKED gch_status gch_writer_finish(gch_writer *writer, gch_error *err);
/* The same of a writer into memory (else GCH_INVALID): the image as one block of the desc's
 * allocator, 64-byte aligned; end with gch_writer_free_memory (the same allocator). */
GCH_CHECKED gch_status gch_writer_finish_memory(gch_writer *writer, void **out_bytes,
                                                size_t *out_byte_count, gch_error *err);
void gch_writer_free_memory(void *bytes, const gch_allocator *allocator);
/* Makes the rows so far part of the file, durably, as an append does, and goes on: whoever opens
 * the file afterwards sees them, and a failure later does not take them back. A new file appears
 * with its first commit. Nothing happens if there is nothing new. Rows that do not fill a chunk are
 * written again with those that follow, and the file is rewritten once more of it is dead than
 * alive. Not into memory (GCH_INVALID). GCH_IO, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_writer_commit(gch_writer *writer, gch_error *err);
/* Gives up: the destination is as it was. NULL is allowed. */
void gch_writer_abandon(gch_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
