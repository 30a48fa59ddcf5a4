/* Finished columns from a data server (docs/protocol.md): what each pixel column of a view shows,
 * computed next to the data, for views whose pages would be too much to fetch.
 *
 *     gch_columns_answer answer;
 *     gch_columns_ask ask = {.url = "https://data.example/v1/data/ticks",
 *                            .width_px = 1920, .height_px = 1080};
 *     if (gch_columns_fetch(http, &ask, NULL, &answer, &err) == GCH_OK)
 *         ... answer.pieces[answer.first[c]] to answer.pieces[answer.first[c + 1] - 1] ...
 *     gch_columns_answer_reset(http, &answer);
 *
 * An answer is checked whole, against its own layout and against what was asked, before it is given
 * out. The server is trusted for the values, as the author of a file is.
 * Thread rule: as gch_http_fetch.
 */
#ifndef GCH_COLUMNS_H
#define GCH_COLUMNS_H

#include "gch/decimal.h"
#include "gch/http.h"
#include "gch/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As gch_piece (gch/query.h), byte for byte. */
typedef struct gch_columns_piece {
    int32_t row_top, row_bottom;
    float y_top, y_bottom;
    float y_left, y_right;
} gch_columns_piece;

typedef struct gch_columns_ask {
    const char *url;    /* of the data set, up to its name: ".../v1/data/NAME" */
    const char *token;  /* NULL: none */
    const char *column; /* NULL: the first */
    bool has_times, has_bounds;
    int64_t t0, t1;               /* has_times: ticks, t0 < t1; else all of the file */
    gch_decimal bottom, top;      /* has_bounds; else those of the values in view */
    uint32_t width_px, height_px; /* 1 to 16384 */
    uint32_t axis, join;          /* gch_value_axis, gch_join */
    bool keep_outside;            /* also pieces wholly above or below the view */
    uint64_t version;             /* of the data set, or nothing; 0: any */
} gch_columns_ask;

typedef struct gch_columns_answer {
    uint64_t version;
    uint64_t file_rows;
    int64_t t0, t1;
    uint64_t first_row, end_row; /* of the rows in [t0, t1) */
    uint32_t width_px, height_px;
    gch_decimal bottom, top;
    gch_value min, max;        /* of the drawn values in [t0, t1); GAP if there are none */
    const uint64_t *edge_rows; /* width_px + 1: the first row at or after each column's edge */
    const uint32_t *first;     /* width_px + 1: as gch_columns.first */
    const gch_columns_piece *pieces;
    uint32_t piece_count;
    uint8_t *bytes; /* owned: what the pointers lead into */
} gch_columns_answer;

/* GCH_INVALID (naming the field), GCH_NOT_FOUND; GCH_CANCELLED also when the server no longer has
 * the version; GCH_CORRUPT for an answer that contradicts itself or the question; and as
 * gch_http_fetch. */
GCH_CHECKED gch_status gch_columns_fetch(gch_http *http, const gch_columns_ask *ask,
                                         const gch_cancel *cancel, gch_columns_answer *out,
                                         gch_error *err);
void gch_columns_answer_reset(gch_http *http, gch_columns_answer *answer);

/* Whether columns come sooner than the pages that a view lacks, over a line as measured
 * (latency_ns, bytes_per_s; 0: not known): two round trips and the pages' bytes, against one round
 * trip, the answer's bytes and the server's work. Pages are worth more, as what is drawn next may
 * use them, so columns must be twice as quick. */
bool gch_columns_are_quicker(const gch_http_stats *line, uint64_t missing_page_bytes,
                             uint32_t width_px);

#ifdef __cplusplus
}
#endif
#endif
