/* What a .gch file holds: time series in compressed, checksummed pages (docs/format.md).
 *
 * A file is opened through the data manager (gch/data.h), which lends it as a `const gch_file *`.
 * Opening reads the footer and the index only; pages are loaded and checked against their checksums
 * when they are first asked for.
 *
 *     const gch_file *file;
 *     if (gch_source_open_file(data, "ticks.gch", NULL, &source, &err) == GCH_OK &&
 *         gch_source_get_file(data, source, &file, &err) == GCH_OK) {
 *         const gch_file_info *info = gch_file_get_info(file);
 *         printf("%llu rows\n", (unsigned long long)info->row_count);
 *     }
 *
 * Ownership: the info and everything it points to live as long as the file, that is until its
 * source is closed. Thread rule: any number of threads may read one file at once.
 */
#ifndef GCH_FILE_H
#define GCH_FILE_H

#include "gch/allocator.h"
#include "gch/decimal.h"
#include "gch/progress.h"
#include "gch/status.h"
#include "gch/time.h"
#include "gch/value.h"
#include "gch/workers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GCH_COLUMN_CAP 1024u /* value columns in a file */
#define GCH_COLUMN_NOT_FOUND UINT32_MAX

typedef struct gch_file gch_file;

/* The type a column had in its source. */
typedef enum gch_type {
    GCH_TYPE_DEFAULT = 0, /* not chosen */
    GCH_TYPE_I8 = 1,
    GCH_TYPE_U8 = 2,
    GCH_TYPE_I16 = 3,
    GCH_TYPE_U16 = 4,
    GCH_TYPE_I32 = 5,
    GCH_TYPE_U32 = 6,
    GCH_TYPE_I64 = 7,
    GCH_TYPE_F32 = 8,
    GCH_TYPE_F64 = 9,
    GCH_TYPE_DECIMAL = 10, /* numbers read from text */
} gch_type;

/* "i16", "f64", "decimal"; "default". */
const char *gch_type_name(gch_type type);
bool gch_type_parse(const char *name, gch_type *out);
/* Bytes a value: 1-8; 8 for DECIMAL (int64 digits), 0 for DEFAULT. */
size_t gch_type_bytes(gch_type type);

/* The curve through the plane along which the rows of a point set lie, so that neighbouring rows
 * are neighbours in the plane, and a block of rows a small box of it. */
typedef enum gch_curve {
    GCH_CURVE_DEFAULT = 0, /* not a point set */
    GCH_CURVE_MORTON = 1,
    GCH_CURVE_HILBERT = 2,
} gch_curve;

/* "morton", "hilbert"; "none". */
const char *gch_curve_name(gch_curve curve);
bool gch_curve_parse(const char *name, gch_curve *out); /* of the two curves */

/* How values were packed. Only a tolerance changes any. */
typedef enum gch_preset {
    GCH_PRESET_DEFAULT = 0,   /* LOSSLESS; of rows to append: that of the file */
    GCH_PRESET_LOSSLESS = 1,  /* to the bit, in few bytes */
    GCH_PRESET_TOLERANCE = 2, /* within a distance of what was given (gch_writer_desc.tolerance) */
    GCH_PRESET_FAST = 3,      /* to the bit, in less time */
} gch_preset;

/* "lossless", "tolerance", "fast"; "default". */
const char *gch_preset_name(gch_preset preset);

/* Where a column's bytes go; sums over all segments. */
typedef struct gch_column_bytes {
    uint64_t payload;    /* packed keys or packed time residuals */
    uint64_t headers;    /* level 0 of the tree, or the time blocks' lines, or the affine runs */
    uint64_t tree;       /* levels above 0 */
    uint64_t directory;  /* payload offsets; for time the first ticks of the super-blocks too */
    uint64_t validity;   /* gap bitmaps and run starts */
    uint64_t exceptions; /* -0, infinities, NaN payloads */
} gch_column_bytes;

typedef struct gch_column_info {
    const char *name;
    const char *unit; /* "" if none */
    gch_type type;
    gch_value_kind kind; /* how the newest segment stores it */
    uint32_t scale;      /* DECIMAL: the largest scale over all segments */
    bool fixed_decimals; /* every text value had `scale` decimals: export pads with zeros */
    bool is_wide;        /* any segment holds 64-bit keys */
    uint64_t gap_count;  /* rows that are not drawn */
    uint64_t exception_count;
    gch_value min, max; /* over the drawn values; GAP if there are none */
    gch_column_bytes bytes;
    gch_decimal tolerance; /* no value is farther from what was given; 0: none is, at all */
} gch_column_info;

typedef struct gch_file_info {
    const char *path;
    uint32_t format_version;
    uint64_t file_bytes;
    uint64_t row_count;
    uint64_t dropped_rows; /* that a live series had in front of row 0, and kept no longer */
    uint32_t segment_count;
    uint32_t tree_levels; /* of the largest segment, level 0 included */
    uint32_t page_bytes;

    gch_time_unit time_unit;
    bool time_is_text;     /* times were ISO 8601 text: export writes them so */
    const char *time_name; /* name of the time column, "time" by default */
    const char *time_zone; /* zone of display, "" for UTC */
    const char *source;    /* where the data came from, free text */
    /* "lossless", "fast", or the words "tolerance=0.01" (of all columns that are not whole numbers)
     * and "tolerance=2:0.5" (of column 2) with spaces between; others may follow. */
    const char *preset;
    int64_t first_time, last_time; /* ticks; both 0 if there are no rows */
    /* A point set: rows are points of a plane and have no order in time. */
    bool is_point_set;
    gch_curve curve;
    uint32_t x_column, y_column; /* different ones */
    uint64_t affine_run_count;   /* over segments in affine mode */
    gch_column_bytes time_bytes;

    uint32_t column_count;
    const gch_column_info *columns;
} gch_file_info;

const gch_file_info *gch_file_get_info(const gch_file *file);
/* Index of the column with this name, or GCH_COLUMN_NOT_FOUND. */
uint32_t gch_file_find_column(const gch_file *file, const char *name);

/* Decodes rows [first_row, first_row + row_count) in order. GCH_INVALID if the rows or the column
 * do not exist, GCH_CORRUPT if a page is damaged; as gch_page_acquire besides. */
GCH_CHECKED gch_status gch_file_read_times(const gch_file *file, uint64_t first_row,
                                           size_t row_count, int64_t *out_times, gch_error *err);
GCH_CHECKED gch_status gch_file_read_values(const gch_file *file, uint32_t column,
                                            uint64_t first_row, size_t row_count,
                                            gch_value *out_values, gch_error *err);

/* Checks every checksum, every padding byte and every invariant of docs/format.md (headers against
 * decoded payload, tree against headers, order of times, run starts against bitmaps). GCH_CORRUPT
 * names the first fault in file order; GCH_CANCELLED. The file's source must be mapped whole
 * (GCH_IO_MAP) or in memory: GCH_INVALID. */
GCH_CHECKED gch_status gch_file_verify(const gch_file *file, gch_workers *workers,
                                       const gch_progress *progress, gch_error *err);

#ifdef __cplusplus
}
#endif
#endif
