/* The header of a .npy file (NumPy's format, versions 1 to 3).
 *
 * Bytes 0-5 "\x93NUMPY", 6 major, 7 minor version, then the header's length (2 bytes in version 1,
 * 4 in 2 and 3, little-endian), then the header: a Python dict literal with exactly the keys
 * descr, fortran_order and shape; the data follow.
 */
#ifndef GCH_INGEST_NPY_HEADER_H
#define GCH_INGEST_NPY_HEADER_H

#include "gch/file.h"

#define GCH__NPY_PREFIX_BYTES 12u /* of the longest version */
#define GCH__NPY_FIELDS_MAX 4096u
#define GCH__NPY_HEADER_BYTES_MAX ((uint32_t)1 << 20)

typedef struct gch__npy_field {
    char name[256]; /* "" if the array is not structured */
    gch_type type;
    bool is_big_endian;
    uint32_t offset_bytes; /* in a row of a structured array; else 0 */
    bool is_datetime;
    gch_time_unit datetime_unit;
    int64_t multiple; /* of the unit */
} gch__npy_field;

typedef struct gch__npy_header {
    gch__npy_field *fields; /* owned; one if not structured */
    uint32_t field_count;
    bool is_structured;
    bool is_fortran;
    uint32_t item_bytes;
    uint32_t dimension_count; /* 1 or 2 */
    uint64_t shape[2];
} gch__npy_header;

bool gch__npy_is_magic(const uint8_t *bytes, size_t count);
/* The header's position and length from the file's first bytes; `name` stands in messages.
 * GCH_PARSE, GCH_UNSUPPORTED. */
GCH_CHECKED gch_status gch__npy_prefix(const char *name, const uint8_t *bytes, size_t count,
                                       uint32_t *out_start, uint32_t *out_length, gch_error *err);
/* Reads the dict. GCH_PARSE with the byte of the file (text stands at `start`), GCH_UNSUPPORTED for
 * types and shapes that are none of ours, GCH_NO_MEMORY. Reset the header whatever is returned. */
GCH_CHECKED gch_status gch__npy_header_parse(const char *name, const uint8_t *text, size_t length,
                                             uint32_t start, const gch_allocator *allocator,
                                             gch__npy_header *out, gch_error *err);
void gch__npy_header_reset(gch__npy_header *header, const gch_allocator *allocator);

#endif
