/* Rows from binary planes: what raw and NPY inputs come down to.
 *
 * A plane is a stretch of one input that holds `stride_bytes` for each row; a field is a number at
 * a fixed offset in each row of one plane.
 */
#ifndef GCH_INGEST_BINARY_H
#define GCH_INGEST_BINARY_H

#include "ingest_feed.h"

#define GCH__ROWS_UNKNOWN UINT64_MAX
#define GCH__STRIDE_MAX ((size_t)1 << 20)

typedef struct gch__binary_plane {
    gch__input *input;
    /* Where row 0 is. Several planes of one input are read by position; a lone one as a stream. */
    uint64_t offset;
    bool is_positioned;
    size_t stride_bytes; /* 1 to GCH__STRIDE_MAX */
} gch__binary_plane;

typedef struct gch__binary_field {
    const char *name; /* borrowed */
    gch_type type;    /* not DECIMAL */
    uint32_t plane;
    uint32_t offset_bytes; /* in the plane's row */
    bool is_big_endian;
    /* NumPy datetime64: int64 multiples of `multiple` ticks of `datetime_unit`. */
    bool is_datetime;
    gch_time_unit datetime_unit;
    int64_t multiple;
} gch__binary_field;

typedef struct gch__binary_layout {
    const gch__binary_plane *planes;
    uint32_t plane_count;
    const gch__binary_field *fields;
    uint32_t field_count;
    uint64_t row_count; /* GCH__ROWS_UNKNOWN: to the end of the inputs */
} gch__binary_layout;

/* A lone plane of records, row_count unknown, as a feed; the layout is borrowed until it is
 * destroyed. Statuses of the choice of columns. */
GCH_CHECKED gch_status gch__feed_make_binary(gch__ingest_job *job, const gch__binary_layout *layout,
                                             gch__feed *out, gch_error *err);
/* From the layout to a finished output, by reading its inputs. */
GCH_CHECKED gch_status gch__ingest_binary(gch__ingest_job *job, const gch__binary_layout *layout,
                                          gch_error *err);

#endif
