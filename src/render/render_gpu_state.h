/* What the files of the GPU executor share. */
#ifndef GCH_RENDER_GPU_STATE_H
#define GCH_RENDER_GPU_STATE_H

#include "query_edges.h"
#include "raster_bare_marks.h"
#include "render_gpu.h"
#include "render_gpu_pages.h"
#include "render_gpu_paint.h"
#include "render_gpu_picture.h"
#include "render_gpu_strata.h"

/* Entries that only grow within a frame, here and in a buffer of the device. */
typedef struct gch__gpu_stream {
    const char *label;
    size_t entry_bytes;
    uint8_t *entries;
    size_t count, cap, sent; /* entries */
    gch__gpu_buffer buffer;
    uint64_t buffer_bytes;
} gch__gpu_stream;

/* Room for `count` more; they are counted by the caller. */
GCH_CHECKED gch_status gch__gpu_stream_reserve(gch__gpu_executor *executor, gch__gpu_stream *stream,
                                               size_t count, void **out, gch_error *err);
/* Sends what was not sent yet; a new buffer counts executor->version up. */
GCH_CHECKED gch_status gch__gpu_stream_flush(gch__gpu_executor *executor, gch__gpu_stream *stream,
                                             gch_error *err);

/* Of the first of these kernels the GPU itself lists the slices that can show something. */
#define GCH__GPU_CULLED 2u
typedef enum gch__gpu_kernel {
    GCH__GPU_REDUCE,     /* reduce_tree or reduce_blocks */
    GCH__GPU_LIGHT_RUNS, /* columns with gaps, points alone */
    GCH__GPU_LIGHT_PIECES,
    /* Of bars and areas, in the order in which they follow each other within a tile. */
    GCH__GPU_REDUCE_DRAWN, /* what REDUCE does, of rows with gaps */
    GCH__GPU_READ_ENDS,    /* opening and closing values */
    GCH__GPU_DRAW_BARS,
    /* Of the default look: columns (render_gpu_heights.c), bars, bars of rows with gaps. */
    GCH__GPU_REDUCE_HEIGHTS,
    GCH__GPU_REDUCE_WHOLES,
    GCH__GPU_REDUCE_DRAWN_WHOLES,
    GCH__GPU_KERNEL_COUNT,
    /* Of shaders/count.wgsl (render_gpu_counts.c), by whether keys are wide. */
    GCH__GPU_COUNT = GCH__GPU_KERNEL_COUNT,
    GCH__GPU_COUNT_WIDE,
    GCH__GPU_LIST_COUNT
} gch__gpu_kernel;
#define GCH__GPU_SHADERS 3u /* that have them */
#define GCH__GPU_LINE_KERNELS                                                                      \
    (1u << GCH__GPU_REDUCE | 1u << GCH__GPU_LIGHT_RUNS | 1u << GCH__GPU_LIGHT_PIECES)
#define GCH__GPU_BAR_KERNELS                                                                       \
    (1u << GCH__GPU_REDUCE_DRAWN | 1u << GCH__GPU_READ_ENDS | 1u << GCH__GPU_DRAW_BARS)
#define GCH__GPU_HEIGHT_KERNELS                                                                    \
    (1u << GCH__GPU_REDUCE_HEIGHTS | 1u << GCH__GPU_REDUCE_WHOLES |                                \
     1u << GCH__GPU_REDUCE_DRAWN_WHOLES)
#define GCH__GPU_COUNTERS (GCH__GPU_LIST_COUNT - GCH__GPU_COUNT)

/* The slices of one kernel in the tile at hand. */
typedef struct gch__gpu_slices {
    gch__gpu_slice *items;
    size_t count, cap;
} gch__gpu_slices;

/* The tables of row edges of the series at hand that are in `edges`, and where. */
typedef struct gch__gpu_row_tables {
    const gch__row_table *tables[24]; /* more than there are kinds of keys */
    uint32_t at[24];
    uint32_t count;
} gch__gpu_row_tables;

/* A frame drawn, to be compared with the next. */
typedef struct gch__gpu_shown {
    bool is_valid;
    const uint32_t *pixels;
    bool is_bare;
    float scale;
    char zone[48];
    gch__plot plots[GCH__PLOT_CAP];
    uint32_t plot_count;
    uint32_t series_count;
    struct gch__gpu_shown_series {
        gch__plot_series its;
        uint64_t generation, with_generation; /* of its file; of what a spread takes away */
    } series[GCH_SERIES_CAP];
} gch__gpu_shown;

/* Shaders bind two slabs of pages. Data beyond that has further pools, by its rows: what a tile
 * reads is in one of them. */
#define GCH__GPU_POOLS 8u
typedef struct gch__gpu_pool {
    gch__gpu_pages *pages; /* NULL: not there yet, or after a frame that failed */
    gch__gpu_bindings kernels[GCH__GPU_KERNEL_COUNT], cull[GCH__GPU_CULLED];
    uint64_t bound_version, bound_pages_version;
    gch__gpu_bindings counters[GCH__GPU_COUNTERS];
    uint64_t counters_version, counters_pages_version; /* as they are bound */
} gch__gpu_pool;

/* Counts of the densities of a frame (render_gpu_counts.c). */
typedef struct gch__gpu_counts {
    gch__gpu_pipeline counters[GCH__GPU_COUNTERS], scan, sum_up;
    gch__gpu_buffer counter_frames[GCH__GPU_COUNTERS], tone_frame; /* uniforms */
    gch__gpu_bindings scan_bindings, sum_bindings;
    uint32_t bound_slab_shift;
    gch__gpu_buffer grids; /* a head and a grid a density */
    uint64_t grids_bytes;
    gch__gpu_counting frame; /* of the series at hand */
    gch__strata strata;      /* what of the grids is counted */
    gch__quality quality;
    gch__quality_desc quality_desc;
    gch__quality_costs costs; /* of the frame */
    bool is_streamed;         /* the view's pages do not fit into the device's memory together */
    uint32_t *cells;          /* of a density that the query room has counted */
    size_t cell_cap;
} gch__gpu_counts;

/* Columns and bars of a painted picture that the device reduces (render_gpu_heights.c). A series
 * has 4 words a column of the plot in marks: a ring of its columns, or of twice as many bars. The
 * second one is of a band's other edge. */
typedef struct gch__gpu_heights {
    struct gch__gpu_heights_ring {
        uint32_t at;           /* in marks */
        bool is_kept, is_made; /* of columns: left by the last frame; made by this one */
        struct gch__gpu_bars_ring {
            bool is_kept, is_made;
            uint32_t first;  /* slot of the first bar */
            uint64_t number; /* of the query's answer that has these */
            gch_view view;   /* whose heights they have; its times do not matter */
        } bars;
    } rings[2 * GCH_SERIES_CAP];
    uint32_t *words; /* of one series, as they start */
    size_t word_cap;
    gch_bar *bars; /* of one series, without high and low */
    size_t bar_cap;
    bool has_pages; /* the frame has begun with the pools */
    uint64_t loaded;
} gch__gpu_heights;

struct gch__gpu_executor {
    const gch_allocator *allocator;
    gch__gpu_executor_desc desc;
    gch__gpu *gpu;
    gch__gpu_pool pools[GCH__GPU_POOLS];
    uint32_t pool, pool_limit; /* the tile's; how many the memory has room for */
    gch__gpu_pages *pages;     /* of the tile's pool */

    gch__gpu_shader shaders[GCH__GPU_SHADERS];
    gch__gpu_pipeline kernels[GCH__GPU_KERNEL_COUNT], cull[GCH__GPU_CULLED];
    gch__gpu_buffer kernel_frames[GCH__GPU_KERNEL_COUNT]; /* uniforms */
    uint32_t kernels_used; /* a bit each: charts do not wait for others to be compiled */
    uint64_t version;      /* of the buffers */
    uint32_t bound_slab_shift;
    gch__gpu_brush light; /* of bare pictures */
    gch__gpu_picture picture;

    gch__gpu_stream segments, slices, edges;
    gch__gpu_buffer marks; /* gch__gpu_panel, GCH_PANEL_CAP of them; what they tell of */
    uint64_t marks_bytes;
    gch__gpu_panel panels[GCH_PANEL_CAP];
    uint32_t panel_count;
    uint32_t bars_at; /* in marks: what is known of the bars of the series at hand */
    /* The slices that cull has listed: gch__gpu_work, then their numbers. */
    gch__gpu_buffer work[GCH__GPU_CULLED];
    uint64_t work_bytes[GCH__GPU_CULLED];

    gch__gpu_frame frame;             /* what all dispatches of the frame have in common */
    uint32_t origin;                  /* its own, kept for the next */
    uint32_t plot_width;              /* columns of the ring */
    uint32_t fresh_first, fresh_last; /* columns that the last frame's ring does not have */
    bool is_like_last; /* the last frame was of the same series, whatever its views */
    gch__gpu_slices tile[GCH__GPU_LIST_COUNT];
    gch__gpu_counts counts;
    gch__gpu_heights heights;
    uint32_t groups_a_slice;             /* of reduce_blocks, in the tile at hand */
    uint32_t *extents; /* as in marks */ /* of one series: row + 1 of top and bottom a column */
    size_t extents_cap;
    uint32_t *segment_numbers; /* of the series at hand: entry of `segments` + 1 */
    uint32_t *segment_sources;
    size_t segment_number_cap, segment_source_cap;
    gch__gpu_row_tables row_tables;

    uint32_t *bar_marks; /* of one series, as they start: see render_gpu_bars.c */
    size_t bar_mark_cap;
    gch__bare_room bare; /* for marks that the query room reduces */

    struct gch__gpu_points *points; /* made by the first frame with points of a plane */
    struct gch__gpu_planes *planes; /* by the first one that draws them */
    bool shows_plane;               /* the frame at hand, or the last one */
    gch__gpu_painter *painter;      /* made by the first frame that is not bare */
    gch__gpu_shown shown;
    bool awaits_pipelines; /* the last frame has asked for all that it lacked */
    gch__gpu_frame_stats stats;
    int64_t query_ns, start_ns;
};

/* A column of a sealed segment, and how its keys become rows. */
typedef struct gch__gpu_column {
    const gch_file *file;
    const gch__segment *segment;
    uint32_t column;
    const gch__row_scale *scale;
    bool in_heights; /* for shaders/heights.wgsl: no row edges */
} gch__gpu_column;

/* render_gpu_tiles.c: one more entry of executor->segments, with its edges. Statuses of
 * gch__gpu_pages_find. */
GCH_CHECKED gch_status gch__gpu_add_segment(gch__gpu_executor *executor, const gch__gpu_column *its,
                                            uint32_t *out_source, gch_error *err);

/* render_gpu.c: between these two, outside of gch__gpu_executor_draw, pages may be touched and
 * kernels run. The second takes the status of all that; after a failure nothing is kept. */
GCH_CHECKED gch_status gch__gpu_begin_pages(gch__gpu_executor *executor, gch_error *err);
void gch__gpu_end_pages(gch__gpu_executor *executor, gch_status status);

/* One series being reduced. */
typedef struct gch__gpu_series {
    gch__gpu_executor *executor;
    gch_query *query;
    const gch_file *file;
    uint32_t column;
    gch_join join;
    const gch_view *view;
    const gch__plot_series *its;
    const gch_time_zone *zone;
    bool in_heights; /* what is reduced are heights, not rows */
} gch__gpu_series;

/* Marks and counts are rings of columns, so that a pan by whole columns moves nothing. */
static inline uint32_t gch__gpu_slot(const gch__gpu_executor *executor, uint32_t column)
{
    return (executor->frame.origin + column) % executor->plot_width;
}

/* Entries [out[0], out[0] + out[1]) and [0, out[2]) of the ring are the fresh columns'. */
void gch__gpu_fresh_slots(const gch__gpu_executor *executor, uint32_t out[3]);

/* render_gpu_tiles.c: the fresh columns of a series into marks. GCH_UNSUPPORTED, GCH_PENDING: the
 * query room has to do it; marks then hold rows that are lit in any case. */
GCH_CHECKED gch_status gch__gpu_reduce_series(const gch__gpu_series *series, const gch__edge *edges,
                                              gch_error *err);
/* Makes ready for slices of the series, in a tile of its own. */
GCH_CHECKED gch_status gch__gpu_begin_slices(const gch__gpu_series *series, gch_error *err);
/* A slice of segment `index`, all but its number in `slice`; in several parts if it must be, for
 * which the tile at hand is run. */
GCH_CHECKED gch_status gch__gpu_add_slice(const gch__gpu_series *series, gch__gpu_kernel kernel,
                                          uint32_t index, const gch__gpu_slice *slice,
                                          gch_error *err);
/* Slices for rows [first, last) of the file, to column or bar `slot`; of those in whose
 * super-blocks there are gaps the second kernel. */
GCH_CHECKED gch_status gch__gpu_add_rows(const gch__gpu_series *series, gch__gpu_kernel kernel,
                                         gch__gpu_kernel drawn_kernel, uint32_t slot,
                                         uint64_t first, uint64_t last, gch_error *err);
/* A slice that reads no pages. */
GCH_CHECKED gch_status gch__gpu_push_slice(gch__gpu_executor *executor, gch__gpu_kernel kernel,
                                           const gch__gpu_slice *slice, gch_error *err);
/* Widens extents by a pixel row. */
void gch__gpu_extents_add(uint32_t *extents, int32_t row);
/* Room in marks; a new buffer counts executor->version up and holds nothing. */
GCH_CHECKED gch_status gch__gpu_reserve_marks(gch__gpu_executor *executor, uint64_t bytes,
                                              gch_error *err);
/* Kernels of the mask are compiled, with the next tile at the latest. */
void gch__gpu_use_kernels(gch__gpu_executor *executor, uint32_t mask);
/* Sends executor->extents, what the series' columns start with. */
GCH_CHECKED gch_status gch__gpu_send_extents(const gch__gpu_series *series, gch_error *err);

/* render_gpu_bars.c: areas and bars, as gch__gpu_reduce_series; no slices are left over. */
GCH_CHECKED gch_status gch__gpu_reduce_filled(const gch__gpu_series *series, gch_error *err);

/* Words of marks for the extents and ends of as many bars as a series can have. */
static inline uint32_t gch__gpu_bar_words(uint32_t width_px)
{
    return (2 * width_px + 1) * 4;
}

/* Rows that the query room has found. */
GCH_CHECKED gch_status gch__gpu_light_columns(const gch__gpu_series *series,
                                              const gch_columns *columns, gch_error *err);

/* The pool for the tiles from here on, made if it is not there: `wanted`, or another one where
 * memory has no room for that many. Between tiles. */
GCH_CHECKED gch_status gch__gpu_use_pool(gch__gpu_executor *executor, uint64_t wanted,
                                         gch_error *err);

/* The pool at hand got no memory: it and those behind it are not used any more, and another has to
 * be chosen. False: it is the first, there is no other. */
bool gch__gpu_leave_pool(gch__gpu_executor *executor);

/* Frames of all pools; both give how many pages have been loaded so far. */
uint64_t gch__gpu_begin_pools(gch__gpu_executor *executor);
uint64_t gch__gpu_end_pools(gch__gpu_executor *executor);
/* What the file has there stays, though only some columns are drawn anew. */
void gch__gpu_keep_in_pools(gch__gpu_executor *executor, const gch_file *file);
void gch__gpu_drop_pools(gch__gpu_executor *executor);
/* Pages that had to go so far, in all pools. */
uint64_t gch__gpu_pools_evicted(const gch__gpu_executor *executor);

/* render_gpu_shown.c */
void gch__gpu_describe(const gch__scene *scene, const gch_image *image, gch__gpu_shown *out);
/* The picture that `shown` describes is this one. */
bool gch__gpu_is_shown(const gch__gpu_shown *shown, const gch__scene *scene,
                       const gch_image *image);
/* Sets the executor's fresh columns: those that are not in the marks and counts of the last frame,
 * which are all, or what a pan by whole columns has uncovered. */
void gch__gpu_find_fresh(gch__gpu_executor *executor, const gch__scene *scene);

/* render_gpu_heights.c. Within a recording: places for all series that may be reduced. */
GCH_CHECKED gch_status gch__gpu_heights_begin(gch__gpu_executor *executor, const gch__scene *scene,
                                              gch_error *err);
/* Reduces the columns of ring `index`, whose outline *out is (query_edges.h); ring i is series i's,
 * and i + GCH_SERIES_CAP that of its other edge. *out_is_reduced:
 * false where the query room has to do it: on a log axis, where a segment grows, pages have not
 * come or do not fit, or doubles do not hold the view. */
GCH_CHECKED gch_status gch__gpu_heights_add(gch__gpu_series *series, uint32_t index,
                                            gch_columns *out, bool *out_is_reduced, gch_error *err);
/* The same of the rows of each column's extremes: row + 1 of top and bottom, 2 words a column. */
GCH_CHECKED gch_status gch__gpu_heights_add_hulls(gch__gpu_series *series, uint32_t index,
                                                  bool *out_is_reduced, gch_error *err);
/* As gch__gpu_heights_add, of bars: *out_bars has no high and low, until the next call, and is NULL
 * if there are more than bar_cap, at most half of the plot's width. */
GCH_CHECKED gch_status gch__gpu_heights_add_bars(gch__gpu_series *series, uint32_t index,
                                                 uint32_t bar_cap, const gch_bar **out_bars,
                                                 uint32_t *out_count, bool *out_is_reduced,
                                                 gch_error *err);
/* Where bar `number` of them has its words, the row of its high value and that of its low one. */
uint32_t gch__gpu_heights_bar_at(const gch__gpu_executor *executor, uint32_t index,
                                 uint32_t number);
/* Both are made of this: a series begins, *out_frame is to be given back; and ends, so that a
 * status that the query room can do without is none. */
bool gch__gpu_heights_serve(const gch__gpu_series *series);
GCH_CHECKED gch_status gch__gpu_heights_open(gch__gpu_series *series, uint32_t extents,
                                             gch__gpu_frame *out_frame, gch_error *err);
GCH_CHECKED gch_status gch__gpu_heights_close(gch__gpu_series *series, const gch__gpu_frame *frame,
                                              gch_status status, const gch_error *detail,
                                              gch_error *err);
/* Sends words for slots [first, first + count) of a ring of `cap` slots of slot_words each. */
GCH_CHECKED gch_status gch__gpu_heights_send(const gch__gpu_series *series, uint32_t cap,
                                             uint32_t slot_words, uint32_t first, uint32_t count,
                                             gch_error *err);
/* The same of words that hold nothing, 2 a slot: a largest top and a smallest bottom. */
GCH_CHECKED gch_status gch__gpu_heights_send_empty(const gch__gpu_series *series, uint32_t cap,
                                                   uint32_t first, uint32_t count, gch_error *err);
/* Whether doubles tell heights, and by a product. The query's scales are those of the view. */
bool gch__gpu_heights_are_plain(const gch__gpu_series *series);

/* Pages in a painted frame: before the first call that touches some, and at the end of all, when
 * those of files that the scene does not have are dropped. */
GCH_CHECKED gch_status gch__gpu_heights_use_pages(gch__gpu_executor *executor, gch_error *err);
void gch__gpu_heights_end(gch__gpu_executor *executor, const gch__scene *scene);

/* render_gpu_counts.c. Made with the executor, before anything is bound. */
GCH_CHECKED gch_status gch__gpu_counts_make(gch__gpu_executor *executor, gch_error *err);
/* Within a recording: room for the densities of all panels, how many they are, zeros where nothing
 * stays. The executor's panels are those of the scene. GCH_LIMIT if the device does not bind so
 * much. */
GCH_CHECKED gch_status gch__gpu_counts_begin(gch__gpu_executor *executor, const gch__scene *scene,
                                             uint32_t *out_grids, gch_error *err);
/* Whether a series has a grid: a density, or points of a plane in the default look, which may use
 * it. */
bool gch__gpu_has_grid(const gch__scene *scene, uint32_t series);
/* Counts what the frame is to hold of density `index` of a panel. */
GCH_CHECKED gch_status gch__gpu_counts_add(const gch__gpu_series *series, uint32_t panel,
                                           uint32_t index, gch_error *err);
/* What the colours of density `index` of a panel depend on, once it is counted. */
GCH_CHECKED gch_status gch__gpu_counts_tone(gch__gpu_executor *executor, uint32_t panel,
                                            uint32_t index, gch_error *err);
/* Where the picture finds the counts, in executor->frame. */
void gch__gpu_counts_tell(gch__gpu_executor *executor);
/* Rows were counted since start_ns, some of them as the least that there has to be: waits for the
 * device, and tells the controller, if the quality is AUTO. */
GCH_CHECKED gch_status gch__gpu_counts_spent(gch__gpu_executor *executor, uint64_t rows,
                                             uint64_t least_rows, int64_t start_ns, gch_error *err);
/* Figures of what is counted, to executor->stats. */
void gch__gpu_counts_report(gch__gpu_executor *executor);
/* The frame is drawn: what is counted stays, and is reported. */
void gch__gpu_counts_end(gch__gpu_executor *executor, double frame_ms);
void gch__gpu_counts_drop(gch__gpu_executor *executor); /* nothing stays */
void gch__gpu_counts_free(gch__gpu_executor *executor);
/* Where the counts of density `index` of a panel start. */
uint32_t gch__gpu_counts_grid(const gch__gpu_executor *executor, uint32_t panel, uint32_t index);
/* The tile's slices: sent with its other tables, dispatched behind them. */
GCH_CHECKED gch_status gch__gpu_counts_send(gch__gpu_executor *executor,
                                            gch__gpu_counting frames[GCH__GPU_COUNTERS],
                                            gch_error *err);
GCH_CHECKED gch_status gch__gpu_counts_dispatch(gch__gpu_executor *executor,
                                                const gch__gpu_counting frames[GCH__GPU_COUNTERS],
                                                gch_error *err);

/* Submits the slices of the tile to their kernels and empties it. */
GCH_CHECKED gch_status gch__gpu_run_tile(gch__gpu_executor *executor, gch_error *err);

#endif
