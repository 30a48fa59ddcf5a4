/* What an Arrow format string means to this room. */
#ifndef GCH_INGEST_ARROW_TYPE_H
#define GCH_INGEST_ARROW_TYPE_H

#include "gch/file.h"

typedef enum gch__arrow_kind {
    GCH__ARROW_OTHER, /* a type that no column of a file has */
    GCH__ARROW_PLAIN, /* the writer's own layout */
    GCH__ARROW_U64,   /* the layout of I64, if every value fits */
    GCH__ARROW_BOOL,  /* a bit a row */
    GCH__ARROW_DECIMAL128,
    GCH__ARROW_TIMESTAMP,
    GCH__ARROW_DATE32, /* days */
    GCH__ARROW_DATE64, /* milliseconds */
} gch__arrow_kind;

typedef struct gch__arrow_type {
    gch__arrow_kind kind;
    gch_type type;      /* of a column of the file; DEFAULT: it cannot be a value column */
    uint32_t row_bytes; /* in Arrow's buffer; 0 for BOOL and OTHER */
    gch_time_unit unit; /* TIMESTAMP, DATE64 */
    const char *zone;   /* TIMESTAMP: in the format string, "" for none */
    int8_t scale;       /* DECIMAL128: -18 to 18 */
    bool can_be_time;
} gch__arrow_type;

/* `format` may be NULL; what is not understood is OTHER. */
gch__arrow_type gch__arrow_type_parse(const char *format);

#endif
