/* The engine as JavaScript sees it: plain C functions over one instance of the module.
 *
 * An instance is one engine: one data manager, any number of sources and charts, one thread. The
 * host (web/src/engine.ts) fetches bytes and hands them in; nothing here waits. A function that
 * fails returns a gch_status, and gch_web_error() says in one sentence what was wrong.
 *
 * Layouts: structs that cross the border have no padding that matters and are read by JavaScript at
 * the offsets asserted below; GCH__WEB_ABI changes whenever one of them does. Counts that
 * JavaScript adds up are doubles (exact to 2^53); times are int64. Texts are UTF-8, NUL-terminated,
 * and borrowed: what comes in for the call, what goes out until the next call.
 *
 * Every line that begins with GCH__EXPORT declares one export; the build reads them from here.
 */
#ifndef GCH_WEB_H
#define GCH_WEB_H

#include "base.h"
#include "gch/chart.h"
#include "gch/live.h"

#include <assert.h>
#include <stddef.h>

#define GCH__WEB_ABI 5u
#define GCH__EXPORT __attribute__((visibility("default")))

/* ---- the instance ---- */

/* GCH__WEB_ABI, for the host to compare with its own. */
GCH__EXPORT uint32_t gch_web_abi(void);
/* 64-byte aligned memory for what is handed in; NULL if there is none. */
GCH__EXPORT void *gch_web_alloc(size_t bytes);
GCH__EXPORT void gch_web_free(void *memory); /* NULL is allowed */
/* Of the last call that failed. */
GCH__EXPORT const char *gch_web_error(void);
/* To be called once, first. GCH_NO_MEMORY, GCH_EXISTS. */
GCH__EXPORT gch_status gch_web_start(uint32_t budget_mib);
/* Closes everything; the instance may be started again. */
GCH__EXPORT gch_status gch_web_stop(void);
/* Statistics as one JSON object: "data" as in docs/data-manager.md, and what is open. */
GCH__EXPORT const char *gch_web_stats(void);

/* ---- sources ---- */

#define GCH__WEB_WANT_PREFETCH 1u
#define GCH__WEB_WANT_LOADED                                                                       \
    2u /* of an image in memory: it has been read, nothing is to be done                           \
        */

/* A range of bytes that the engine wants of a source. */
typedef struct gch_web_want {
    uint32_t source;
    uint32_t flags;
    double offset, byte_count;
} gch_web_want;

/* A .gch file whose bytes the host fetches, not open yet. GCH_INVALID (size), GCH_NO_MEMORY. */
GCH__EXPORT gch_status gch_web_source_make(const char *name, double byte_count, uint32_t *out_id);
/* Hands bytes in, which lie in memory of gch_web_alloc that is the engine's from now on, whatever
 * is returned. Before the source is open they are kept; afterwards every whole page of them is
 * checked and goes to the cache. GCH_INVALID (id, range), GCH_CORRUPT, GCH_LIMIT, GCH_NO_MEMORY. */
GCH__EXPORT gch_status gch_web_source_stage(uint32_t id, double offset, void *bytes, size_t count);
/* Opens the source from what has been handed in. GCH_PENDING: *out is to be fetched and handed in
 * before the next try. Otherwise as gch_source_open_ops. */
GCH__EXPORT gch_status gch_web_source_open(uint32_t id, gch_web_want *out);
/* A whole file image in memory of gch_web_alloc, which is the engine's if this succeeds. */
GCH__EXPORT gch_status gch_web_source_open_memory(const char *name, void *bytes, size_t count,
                                                  uint32_t *out_id);
/* A source that rows are appended to. */
GCH__EXPORT gch_status gch_web_source_open_live(const char *name, uint32_t time_unit,
                                                const char *time_zone,
                                                const gch_column_desc *columns,
                                                uint32_t column_count, double keep_rows,
                                                uint32_t *out_id);
/* As gch_live_append. */
GCH__EXPORT gch_status gch_web_source_append(uint32_t id, const int64_t *times,
                                             const gch_column_data *columns, size_t row_count);
/* Turns doubles into int64 in their place: the nearest integer to value * factor. GCH_INVALID names
 * the first row that is no number or out of range, rows being counted from first_row on. */
GCH__EXPORT gch_status gch_web_times_from_doubles(void *values, size_t count, double factor,
                                                  double first_row);
GCH__EXPORT gch_status gch_web_source_close(uint32_t id);
/* What the file holds, as JSON; int64 and values are strings. NULL on failure. */
GCH__EXPORT const char *gch_web_source_info(uint32_t id);
/* Ranges that charts drawn so far await, what is on screen first. Returns their number. */
GCH__EXPORT uint32_t gch_web_take_wants(gch_web_want *out, uint32_t cap);
/* Has the pages around a view wanted, behind everything else. */
GCH__EXPORT gch_status gch_web_source_warm(uint32_t id, uint32_t column, int64_t t0, int64_t t1,
                                           uint32_t width_px);

/* ---- live series of a server (docs/protocol.md) ---- */

/* The rows of a source of gch_web_source_open_live come from frames from now on, which begin after
 * the batch of that number. GCH_INVALID, GCH_EXISTS, GCH_NO_MEMORY. */
GCH__EXPORT gch_status gch_web_stream_start(uint32_t id, double after);
#define GCH__WEB_OTHER_COLUMNS 1u /* than the source's */
#define GCH__WEB_OTHER_SERIES 2u  /* by its id; else its numbers tell */

/* A connection stands; the server keeps the series' batches from the first of these numbers on, and
 * the next one gets the second. GCH_CORRUPT (no numbers). GCH_CANCELLED: the series was made anew,
 * its old rows are gone, and it is to be asked for after the place's batch. GCH_IO: it was made
 * anew with other columns than the source's, which ends the stream, as do what gch_live_clear gives
 * and GCH_NO_MEMORY. */
GCH__EXPORT gch_status gch_web_stream_greet(uint32_t id, double first_sequence,
                                            double next_sequence, uint32_t flags);
/* Takes a frame: rows that were not there before are appended, a summary becomes a gap and the last
 * values. The bytes remain the caller's. GCH_CORRUPT: the frame is unsound, and to be asked for
 * again; what gch_live_append gives, which ends the stream. */
GCH__EXPORT gch_status gch_web_stream_take(uint32_t id, const void *bytes, size_t count);

typedef struct gch_web_stream_place {
    double last_sequence; /* of the batch that was taken last */
    double rows, missed_rows, repeated_rows, gap_count;
    uint32_t is_final; /* it has ended: every call gives the failure */
    uint32_t
        restart_count; /* how often the series was made anew; the counts above are since then */
} gch_web_stream_place;

GCH__EXPORT gch_status gch_web_stream_get_place(uint32_t id, gch_web_stream_place *out);

/* ---- finished answers ---- */

/* Something for the host to fetch from a data server (docs/protocol.md), or to let be. */
typedef struct gch_web_question {
    uint32_t source;
    uint32_t ticket;    /* 0: there is nothing to fetch */
    uint32_t cancelled; /* a ticket whose answer is not awaited any more; 0: none */
    const char *url;    /* with a ticket; until the next call */
} gch_web_question;

/* Says that the open file at `url` with this entity tag may be one of a data server, which is asked
 * from now on for what would take too many pages. GCH_UNSUPPORTED: it is not; GCH_INVALID,
 * GCH_NO_MEMORY. */
GCH__EXPORT gch_status gch_web_source_serve(uint32_t id, const char *url, const char *validator);
/* What frames drawn so far ask. GCH_NOT_FOUND: nothing more. Otherwise the question has failed. */
GCH__EXPORT gch_status gch_web_take_question(gch_web_question *out);
/* The body that came, borrowed, or the status that the request ended with: GCH_UNAVAILABLE if it
 * may end otherwise another time, GCH_LIMIT if the answer would be more than was asked for.
 * GCH_NOT_FOUND: nobody awaits it; GCH_CORRUPT, GCH_NO_MEMORY. */
GCH__EXPORT gch_status gch_web_answer(uint32_t id, uint32_t ticket, gch_status failure,
                                      const void *body, size_t byte_count);
/* How the line to servers was measured; 0: not known. */
GCH__EXPORT void gch_web_line(double latency_ns, double bytes_per_s);

/* ---- CSV ---- */

/* Text that is parsed as it comes into a file image in memory; one at a time. GCH_EXISTS. */
GCH__EXPORT gch_status gch_web_csv_start(const char *name, const char *time_zone);
GCH__EXPORT gch_status gch_web_csv_push(const void *bytes, size_t count);
/* The source of it. After a failure, of this or of a push, nothing is left to finish. */
GCH__EXPORT gch_status gch_web_csv_finish(uint32_t *out_id);
GCH__EXPORT void gch_web_csv_abandon(void); /* without one nothing happens */

/* ---- charts ---- */

/* As gch_chart_series; numbers that may be left out are 1 + a column, 0: none. */
typedef struct gch_web_series {
    uint32_t source, column;
    uint32_t mark;
    uint32_t color_rgba;
    float width_px;
    const char *label; /* nullable */
    uint32_t column_high;
    uint32_t price_by;
    uint32_t panel, axis;
    uint32_t dash_count;
    float dash_px[GCH_DASH_CAP];
    uint32_t bin_count;
    uint32_t size_by, color_by, category_by;
    uint32_t density_scale, palette;
    uint32_t study_kind, study_length;
    uint32_t study_source, study_column; /* SPREAD; source 0: the series' own */
} gch_web_series;

typedef struct gch_web_axis {
    const char *title;        /* nullable: the unit that its series share */
    const char *bottom, *top; /* exact decimals; nullable: fitted to what is visible */
    uint32_t scale;           /* gch_value_axis */
} gch_web_axis;

typedef struct gch_web_panel {
    const char *title; /* nullable */
    float height;
    gch_web_axis left, right;
} gch_web_panel;

#define GCH__WEB_BARE 1u
#define GCH__WEB_NO_LEGEND 2u
#define GCH__WEB_WAIT 4u /* every byte is at hand: fail rather than draw an unfinished picture */
#define GCH__WEB_HAS_TIME_RANGE 8u

/* What draws. The host has chosen it for the canvas that it has: nothing is chosen here. */
typedef enum gch_web_backend {
    GCH__WEB_CPU = 0,
    GCH__WEB_WEBGPU = 1,
    GCH__WEB_WEBGL2 = 2,
} gch_web_backend;

typedef struct gch_web_chart_desc {
    int64_t from, to; /* with HAS_TIME_RANGE */
    uint32_t width_px, height_px;
    float scale;
    uint32_t flags;
    uint32_t theme, axis;
    uint32_t series_count;
    const gch_web_series *series;
    const char *title, *time_zone; /* nullable */
    const char *bar_width;         /* nullable: chosen for the width */
    const char *bottom, *top;      /* exact decimals; nullable: fitted to what is visible */
    uint32_t backend;              /* gch_web_backend; the CPU draws what another one cannot */
    uint32_t panel_count;          /* 0: one, with `axis`, `bottom` and `top`; zero with panels */
    const gch_web_panel *panels;
    const char *left, *right; /* of points and histograms: exact decimals; nullable: all */
} gch_web_chart_desc;

#define GCH__WEB_HAS_LEFT 1u
#define GCH__WEB_HAS_RIGHT 2u

/* As gch_panel_stats. */
typedef struct gch_web_panel_frame {
    uint32_t x_px, y_px, width_px, height_px;
    uint32_t sides; /* GCH__WEB_HAS_LEFT, _RIGHT */
    uint32_t reserved;
    double left_bottom, left_top, right_bottom, right_top;
} gch_web_panel_frame;

typedef struct gch_web_frame {
    int64_t t0, t1; /* of the view, as resolved */
    double bottom, top;
    double complete, rows_visible, bytes_read;
    double layout_ms, query_ms, raster_ms, total_ms;
    uint32_t width_px, height_px;
    uint32_t plot_x_px, plot_y_px, plot_width_px, plot_height_px;
    const uint32_t *pixels; /* RGBA, until the chart's next frame; NULL: `picture` */
    uint32_t backend;       /* gch_web_backend that drew */
    uint32_t picture;       /* without pixels: the host's number of what it is to show */
    const char *fallback;   /* why another backend than asked for has drawn; "" if none has */
    uint32_t panel_count;
    double left, right; /* of points and histograms; equal for series in time */
    gch_web_panel_frame panels[GCH_PANEL_CAP];
    gch_decimal left_exact, right_exact; /* which `left` and `right` are rounded from */
} gch_web_frame;

GCH__EXPORT gch_status gch_web_chart_make(uint32_t *out_id);
GCH__EXPORT gch_status gch_web_chart_destroy(uint32_t id);
/* As gch_chart_frame, without waiting unless GCH__WEB_WAIT says so. */
GCH__EXPORT gch_status gch_web_chart_frame(uint32_t id, const gch_web_chart_desc *desc,
                                           gch_web_frame *out);

/* What a host with WebGL2 draws from (web/src/gl.ts), as render_tables.h has it: words. */
typedef struct gch__web_words {
    const uint32_t *words;
    uint32_t count;
} gch__web_words;

typedef struct gch__web_tables {
    gch__web_words commands, quads, lists, shapes, atlas;
} gch__web_tables;

/* Of the last frame, if it is a picture of WEBGL2: `picture` is a gch__tables_kind. They live as
 * long as pixels would. */
GCH__EXPORT const gch__web_tables *gch_web_chart_tables(void);

/* ---- values at the cursor ---- */

typedef struct gch_web_value {
    double value;
    char text[64]; /* exact */
} gch_web_value;

typedef struct gch_web_sample {
    int64_t time;
    double row;
    gch_web_value value;
} gch_web_sample;

/* As gch_query_nearest. GCH_PENDING: what it needs is wanted now. */
GCH__EXPORT gch_status gch_web_nearest(uint32_t source, uint32_t column, int64_t t,
                                       gch_web_sample *out);

typedef struct gch_web_bar {
    int64_t t0, t1;
    double row_count;
    gch_web_value open, high, low, close;
} gch_web_bar;

/* The bar that covers t. GCH_NOT_FOUND if nothing is drawn in it; GCH_PENDING as above. */
GCH__EXPORT gch_status gch_web_bar_at(uint32_t source, uint32_t column, const char *width,
                                      const char *time_zone, int64_t t, gch_web_bar *out);

typedef struct gch_web_sum {
    int64_t t0, t1;
    double row_count;
    gch_web_value sum;
} gch_web_sum;

/* The values of the bar that covers t, added up. As gch_web_bar_at. */
GCH__EXPORT gch_status gch_web_sum_at(uint32_t source, uint32_t column, const char *width,
                                      const char *time_zone, int64_t t, gch_web_sum *out);

typedef struct gch_web_study {
    int64_t t0, t1;   /* of the bar */
    double low, high; /* RANGE: the channel; else both are the value */
} gch_web_study;

/* A series' study at the bar that covers t. As gch_web_bar_at. */
GCH__EXPORT gch_status gch_web_study_at(const gch_web_series *series, const char *width,
                                        const char *time_zone, int64_t t, gch_web_study *out);

typedef struct gch_web_bin {
    double left, right;
    double count; /* of drawn values above `left`, up to and with `right` */
} gch_web_bin;

/* The bin of a histogram of [t0, t1) that holds a share of its width, 0 to 1, from the left: as it
 * is drawn between exact decimals; bin_count 0: the default. As gch_query_histogram; GCH_PENDING as
 * above. */
GCH__EXPORT gch_status gch_web_bin_at(uint32_t source, uint32_t column, int64_t t0, int64_t t1,
                                      const char *left, const char *right, uint32_t bin_count,
                                      double share, gch_web_bin *out);

/* The point of a point set that is nearest to the middle of a square of the plane, within its inner
 * circle, as JSON: {"row":5,"x":1.5,"y":2,"values":["1.5","2",...]}, the values of all columns
 * exactly. Edges are exact decimals. GCH_NOT_FOUND: there is none; GCH_LIMIT: there are thousands;
 * GCH_PENDING as above. */
GCH__EXPORT gch_status gch_web_point_at(uint32_t source, const char *left, const char *right,
                                        const char *bottom, const char *top, const char **out_json);

/* What JavaScript reads and writes, where pointers have 32 bits. */
#define GCH__WEB_LAYOUT(expression, bytes)                                                         \
    static_assert(sizeof(void *) != 4 || (expression) == (bytes), "web/src/abi.ts reads it there")
GCH__WEB_LAYOUT(sizeof(gch_web_want), 24);
GCH__WEB_LAYOUT(offsetof(gch_web_stream_place, is_final), 40);
GCH__WEB_LAYOUT(sizeof(gch_web_question), 16);
GCH__WEB_LAYOUT(sizeof(gch_column_desc), 12);
GCH__WEB_LAYOUT(sizeof(gch_column_data), 12);
GCH__WEB_LAYOUT(offsetof(gch_web_series, bin_count), 76);
GCH__WEB_LAYOUT(sizeof(gch_web_series), 116);
GCH__WEB_LAYOUT(sizeof(gch_web_axis), 16);
GCH__WEB_LAYOUT(sizeof(gch_web_panel), 40);
GCH__WEB_LAYOUT(offsetof(gch_web_chart_desc, series), 44);
GCH__WEB_LAYOUT(offsetof(gch_web_chart_desc, panel_count), 72);
GCH__WEB_LAYOUT(sizeof(gch_web_chart_desc), 88);
GCH__WEB_LAYOUT(sizeof(gch_web_panel_frame), 56);
GCH__WEB_LAYOUT(offsetof(gch_web_frame, width_px), 88);
GCH__WEB_LAYOUT(offsetof(gch_web_chart_desc, backend), 68);
GCH__WEB_LAYOUT(offsetof(gch_web_frame, pixels), 112);
GCH__WEB_LAYOUT(offsetof(gch_web_frame, left), 136);
GCH__WEB_LAYOUT(offsetof(gch_web_frame, panels), 152);
GCH__WEB_LAYOUT(offsetof(gch_web_frame, left_exact), 600);
GCH__WEB_LAYOUT(sizeof(gch_decimal), 16);
GCH__WEB_LAYOUT(sizeof(gch_web_frame), 632);
GCH__WEB_LAYOUT(sizeof(gch__web_tables), 40);
GCH__WEB_LAYOUT(offsetof(gch_web_sample, value), 16);
GCH__WEB_LAYOUT(sizeof(gch_web_value), 72);
GCH__WEB_LAYOUT(offsetof(gch_web_bar, open), 24);
GCH__WEB_LAYOUT(offsetof(gch_web_sum, sum), 24);
GCH__WEB_LAYOUT(sizeof(gch_web_study), 32);
GCH__WEB_LAYOUT(sizeof(gch_web_bin), 24);

#endif
