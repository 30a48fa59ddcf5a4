/* Questions about a series that cost O(log n): what each pixel column of a view shows, price bars,
 * the value at the cursor.
 *
 * A gch_query holds the scratch memory of one asker: results stay valid until its next call, and
 * once warm no call allocates. Answers are exact: docs/pixel-rule.md defines them.
 *
 *     gch_query *query = NULL;
 *     gch_columns columns;
 *     status = gch_query_make(file, &(gch_query_desc){.workers = workers}, &query, &err);
 *     status = gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err);
 *     ... columns.pieces[columns.first[0]] ...
 *     gch_query_destroy(query);
 *
 * Errors: any of them gives GCH_INVALID for a column, view or width that cannot be, GCH_NO_MEMORY,
 * and, where pages are read, GCH_CORRUPT and what gch_page_acquire gives. With no_wait one that
 * cannot tell what it does not know, as columns, ranges, counts and sums can, gives GCH_PENDING.
 *
 * Ownership: file and workers are borrowed until gch_query_destroy; results are the query's own.
 * Thread rule: one thread at a time for a gch_query; any number of queries on one file.
 */
#ifndef GCH_QUERY_H
#define GCH_QUERY_H

#include "gch/decimal.h"
#include "gch/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GCH_VIEW_PX_MAX 16384u

typedef enum gch_value_axis {
    GCH_AXIS_LINEAR = 0,
    GCH_AXIS_LOG = 1, /* bottom and top positive; values <= 0 lie below the view */
} gch_value_axis;

/* A rectangle of time and value seen through width x height pixels: times [t0, t1), rows counted
 * from `top` downward. */
typedef struct gch_view {
    int64_t t0, t1; /* ticks, t0 < t1 */
    gch_decimal bottom, top;
    uint32_t width_px, height_px; /* 1 to GCH_VIEW_PX_MAX */
    gch_value_axis axis;
} gch_view;

/* How consecutive points are connected. */
typedef enum gch_join {
    GCH_JOIN_LINE = 0, /* straight segments */
    GCH_JOIN_STEP = 1, /* a value holds until the next point, then jumps vertically */
    GCH_JOIN_NONE = 2, /* points stand alone: each lights its own pixel */
} gch_join;

/* One run's part of one pixel column: the rows it lights, and its shape in real numbers. The y_*
 * are pixels downward from the top of the view (row r spans [r, r + 1)), clamped to +-1e6. */
typedef struct gch_piece {
    int32_t row_top, row_bottom; /* inclusive, within 0 .. height_px - 1; exact */
    float y_top, y_bottom;       /* extent of the run within the column, not clipped to the view */
    float y_left, y_right;       /* where it crosses the column's edges; NaN if it does not */
} gch_piece;

/* Column c shows pieces[first[c]] .. pieces[first[c + 1] - 1], in time order for GCH_JOIN_LINE and
 * _STEP unless the column holds more than 64 runs (then merged by row, y_left and y_right NaN).
 * A piece wholly above or below the view is left out unless the pieces are wanted for a wide stroke
 * (gch_query_desc.keep_outside), and then has row_top > row_bottom: 0 and -1, or height_px and
 * height_px - 1. */
typedef struct gch_columns {
    uint32_t width_px;
    const uint32_t *first; /* width_px + 1 entries */
    const gch_piece *pieces;
    uint64_t row_count; /* rows in [t0, t1) */
    /* Columns that await pages (gch_query_desc.no_wait): drawn from a coarser level of the tree or
     * as an earlier view showed them, or left empty. 0: the answer is exact. */
    uint32_t pending_count;
} gch_columns;

/* What the queries since gch_query_make touched. */
typedef struct gch_query_stats {
    uint64_t rows_visible; /* of a plane drawn by the GPU, of the boxes that meet the view */
    uint64_t blocks_decoded;
    uint64_t nodes_read;
    uint64_t bytes_read;                     /* of payload, headers, tree and directory */
    uint64_t columns_asked, columns_pending; /* as gch_columns.pending_count counts */
    uint64_t
        answers_pending; /* other answers that awaited pages: GCH_PENDING, or a covering range */
} gch_query_stats;

typedef struct gch_query gch_query;

typedef enum gch_bar_unit {
    GCH_BAR_TICKS = 0, /* `count` ticks of the file's unit, counted from tick 0 */
    GCH_BAR_DAY = 1,   /* calendar widths in `zone`: a day may have 23 or 25 hours */
    GCH_BAR_WEEK = 2,  /* from Monday */
    GCH_BAR_MONTH = 3,
    GCH_BAR_YEAR = 4,
} gch_bar_unit;

typedef struct gch_bar_width {
    gch_bar_unit unit;
    int64_t count; /* >= 1; days and weeks count from 1970, months and years from year 0 */
} gch_bar_width;

/* Open, high, low, close over [t0, t1): the same tuple as a pixel column. */
typedef struct gch_bar {
    int64_t t0, t1;                   /* nominal bounds in ticks */
    uint64_t row_count;               /* rows within, gaps included */
    gch_value open, high, low, close; /* of the drawn points */
} gch_bar;

/* A view whose columns somebody else may compute. */
typedef struct gch_answers_ask {
    uint32_t column;
    const gch_view *view; /* checked */
    gch_join join;
    bool keep_outside;
    uint64_t missing_bytes; /* about: of the pages that the same answer would need here */
    bool knows_rows; /* else not even which pages those are: to find out takes several of them, one
                      * after the other */
} gch_answers_ask;

/* Bars that somebody else may compute: those that overlap [t0, t1), as gch_query_bars gives them.
 */
typedef struct gch_bars_ask {
    uint32_t column;
    gch_bar_width width; /* checked */
    const char *zone;    /* of a calendar width; "": UTC, or no matter */
    int64_t t0, t1;
    uint32_t bar_cap;
    uint32_t looks_back; /* bars in front of what is shown, for a study: askers of one column that
                          * differ in it ask side by side */
} gch_bars_ask;

/* Finished answers from elsewhere, such as a server beside the data (gch/remote.h), for what a
 * query with no_wait has not got the pages for. All return at once: GCH_OK with the exact answer,
 * sound as gch_query_columns would give it and borrowed until the next call; GCH_PENDING: it is on
 * its way, and the pages are not asked for; anything else: not from here, and they are. Called on
 * the thread of the query. Of bars GCH_LIMIT is an answer too: there are more than bar_cap.
 *
 * With GCH_PENDING there may be an answer to an earlier question that has come since the last call,
 * to show meanwhile: columns of *out_view (width_px 0: none), from the query's next call on; a
 * range (GAP: none). */
typedef struct gch_answers {
    gch_status (*columns)(void *context, const gch_answers_ask *ask, gch_columns *out,
                          gch_view *out_view, gch_error *err);
    gch_status (*range)(void *context, uint32_t column, int64_t t0, int64_t t1, gch_join join,
                        gch_value *out_min, gch_value *out_max, gch_error *err);
    void *context;
    gch_status (*bars)(void *context, const gch_bars_ask *ask, const gch_bar **out_bars,
                       uint32_t *out_count, gch_error *err); /* NULL: only pages give bars */
} gch_answers;

typedef struct gch_query_desc {
    gch_workers *workers;
    const gch_allocator *allocator;
    bool keep_outside;
    /* Never wait for pages of the file: what is missing is asked for, columns are answered as far
     * as the pages reach, and ranges cover what is missing, and other queries give GCH_PENDING. */
    bool no_wait;
    const gch_answers *answers; /* with no_wait; borrowed as the file is; NULL: pages only */
} gch_query_desc;

/* desc NULL means all defaults. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_query_make(const gch_file *file, const gch_query_desc *desc,
                                      gch_query **out, gch_error *err);
void gch_query_destroy(gch_query *query); /* NULL is allowed */
gch_query_stats gch_query_get_stats(const gch_query *query);

/* The exact picture of a view, column by column. GCH_INVALID (view, column), GCH_CORRUPT,
 * GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_query_columns(gch_query *query, uint32_t column, const gch_view *view,
                                         gch_join join, gch_columns *out, gch_error *err);

/* How many points each pixel holds: counts[c * height_px + r] of column c and row r, by
 * docs/pixel-rule.md ("Density"). */
typedef struct gch_density {
    uint32_t width_px, height_px;
    const uint32_t *counts; /* until the query's next call */
    uint64_t row_count;     /* rows in [t0, t1), gaps included */
    /* Columns that await pages (gch_query_desc.no_wait): points of blocks that have not come are
     * not counted. 0: the answer is exact. */
    uint32_t pending_count;
} gch_density;

/* The exact density of a view. A part of the tree that lies in one pixel is counted without being
 * decoded; pages, not gch_answers, give the rest. GCH_INVALID (view, column), GCH_LIMIT (more than
 * 2^32 - 1 rows in a pixel column), GCH_CORRUPT, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_query_density(gch_query *query, uint32_t column, const gch_view *view,
                                         gch_density *out, gch_error *err);

#define GCH_BIN_COUNT_MAX 4096u

/* How many drawn values lie in each bin, from left to right. */
typedef struct gch_histogram {
    uint32_t bin_count;
    const uint64_t *counts; /* until the query's next call */
    uint64_t row_count;     /* rows in [t0, t1), gaps included */
    bool is_pending;        /* some await pages (gch_query_desc.no_wait) and are not counted */
} gch_histogram;

/* The drawn values of [t0, t1) in bin_count equal bins between left and right, 1 to
 * GCH_BIN_COUNT_MAX. Exact: bin k holds what is above its left edge, up to and with its right edge.
 * Costs what a density does. Statuses of gch_query_density. */
GCH_CHECKED gch_status gch_query_histogram(gch_query *query, uint32_t column, int64_t t0,
                                           int64_t t1, gch_decimal left, gch_decimal right,
                                           uint32_t bin_count, gch_histogram *out, gch_error *err);

/* A point in view coordinates: x, y in pixels from the top left corner, as float. */
typedef struct gch_point {
    float x, y;
    bool starts_run; /* not connected to the point before */
} gch_point;

/* The points of [t0, t1) and one neighbour on each side, decoded. Gives GCH_LIMIT without reading
 * anything if there are more than point_cap. */
GCH_CHECKED gch_status gch_query_points(gch_query *query, uint32_t column, const gch_view *view,
                                        uint32_t point_cap, const gch_point **out_points,
                                        uint32_t *out_count, gch_error *err);

/* The first row with time >= t; row_count if there is none. */
GCH_CHECKED gch_status gch_query_row_at(gch_query *query, int64_t t, uint64_t *out_row,
                                        gch_error *err);

typedef struct gch_sample {
    uint64_t row;
    int64_t time;
    gch_value value;
} gch_sample;

/* The drawn point whose time is nearest to t (the earlier of two, the first of equal times).
 * GCH_NOT_FOUND if the column has no drawn point. */
GCH_CHECKED gch_status gch_query_nearest(gch_query *query, uint32_t column, int64_t t,
                                         gch_sample *out, gch_error *err);

/* Smallest and largest drawn value in [t0, t1), and of what joins the points at t0 and t1 (then a
 * double; GCH_JOIN_NONE: of the points alone); both GAP if there is nothing. With no_wait, while
 * pages are missing, that of the view before if this is that view panned, widened by what is drawn
 * meanwhile, so that axes rest while it moves and cut nothing off; or else what the tree says of
 * where its rows should be. */
GCH_CHECKED gch_status gch_query_range(gch_query *query, uint32_t column, int64_t t0, int64_t t1,
                                       gch_join join, gch_value *out_min, gch_value *out_max,
                                       gch_error *err);

/* "1m", "15m", "4h", "1d", "1w", "1mo", "1y", "250ms", "100" (ticks). Lengths below a day become
 * ticks. GCH_PARSE; GCH_LIMIT if finer than the unit. */
GCH_CHECKED gch_status gch_bar_width_parse(const char *text, gch_time_unit unit, gch_bar_width *out,
                                           gch_error *err);

/* The bars that overlap [t0, t1), whole (their rows may lie outside), without those that hold no
 * drawn point. GCH_LIMIT if there would be more than bar_cap. While an answer of gch_answers is on
 * its way, what an earlier one has of these times, if it has anything. */
GCH_CHECKED gch_status gch_query_bars(gch_query *query, uint32_t column, gch_bar_width width,
                                      const gch_time_zone *zone, int64_t t0, int64_t t1,
                                      uint32_t bar_cap, const gch_bar **out_bars,
                                      uint32_t *out_count, gch_error *err);

/* What is computed from the bars of a series (docs/studies.md). Only bars with a drawn point count:
 * "the last n bars" are the bar at hand and the n - 1 before it that hold one, however long ago. */
typedef enum gch_study_kind {
    GCH_STUDY_NONE = 0,
    GCH_STUDY_SMA = 1,    /* simple moving average: the mean of the last n closes */
    GCH_STUDY_EMA = 2,    /* exponential moving average, weight 2 / (n + 1) for the newest close */
    GCH_STUDY_RANGE = 3,  /* Donchian channel: smallest low and largest high of the last n bars */
    GCH_STUDY_SPREAD = 4, /* close less that of another series, in bars where both have one */
} gch_study_kind;

#define GCH_STUDY_LENGTH_MAX 1000u

typedef struct gch_study_desc {
    gch_study_kind kind;
    uint32_t length; /* n, 1 to GCH_STUDY_LENGTH_MAX; not for SPREAD */
    gch_bar_width width;
    const gch_time_zone *zone; /* of calendar widths; NULL: UTC */
    /* SPREAD: the series that is taken away. NULL: a column of the same file. Its results are lost
     * as by a call of its own, and it is used on this thread. */
    gch_query *with;
    uint32_t with_column;
} gch_study_desc;

/* A study's value at one bar. A chart draws it at the middle of [t0, t1), and joins neighbours. */
typedef struct gch_study_point {
    int64_t t0, t1;   /* of the bar, ticks */
    double low, high; /* RANGE: the channel; else both are the value */
} gch_study_point;

/* The study at the bars that overlap [t0, t1), in their order, and at one neighbour on each side;
 * the first n - 1 bars of a series have no value, and where SPREAD finds no neighbour within 256
 * bars there is none. A bar's value is the same to the last bit whatever view asks for it. SMA and
 * SPREAD of decimals are summed exactly, of floats with compensation: a sum and a quotient are
 * rounded once each. EMA differs from that begun with the first bars of the series by at most 4e-17
 * of the range of all closes before, and the rounding of doubles.
 * Costs O(bars * log n), for EMA of up to 24 * length more bars before the view.
 * GCH_INVALID (column, width, kind, length, `with` of another time unit); GCH_LIMIT if more than
 * point_cap bars are in view; GCH_PENDING with no_wait; GCH_CORRUPT, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_query_study(gch_query *query, uint32_t column,
                                       const gch_study_desc *study, int64_t t0, int64_t t1,
                                       uint32_t point_cap, const gch_study_point **out_points,
                                       uint32_t *out_count, gch_error *err);

/* The drawn values of [t0, t1) added up. */
typedef struct gch_bar_sum {
    int64_t t0, t1;                /* nominal bounds in ticks */
    uint64_t first_row, row_count; /* rows within, gaps included */
    double sum; /* decimals: of the exact sum; floats: added in the order of rows, in pieces */
    gch_decimal decimal; /* the sum exactly, if is_decimal: all are decimals, and it has the room */
    bool is_decimal;
    bool is_pending; /* with no_wait: not known yet */
} gch_bar_sum;

/* Sums over the bars that gch_query_bars gives, without those that hold no drawn point. A sum is
 * not in the tree: every block of the bars is decoded, by all workers, some 10^9 rows a second and
 * processor where values are narrow. Bars that the query's last call of this kind had as well are
 * not added up again. With no_wait a call decodes 2^24 rows at most and leaves the other bars
 * pending. GCH_LIMIT if there would be more than bar_cap. */
GCH_CHECKED gch_status gch_query_sums(gch_query *query, uint32_t column, gch_bar_width width,
                                      const gch_time_zone *zone, int64_t t0, int64_t t1,
                                      uint32_t bar_cap, const gch_bar_sum **out_sums,
                                      uint32_t *out_count, gch_error *err);

#ifdef __cplusplus
}
#endif
#endif
