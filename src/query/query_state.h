/* What the files of the query room share: the asker's scratch, row search, ranges of rows. */
#ifndef GCH_QUERY_STATE_H
#define GCH_QUERY_STATE_H

#include "query_scale.h"

/* A row range within one segment. */
typedef struct gch__slice {
    uint32_t segment;
    uint32_t first, last; /* [first, last) */
} gch__slice;

/* Counters of one task; summed into the query's when the task is over. */
typedef struct gch__touch {
    uint64_t blocks, nodes, bytes;
    uint64_t rows;    /* points of a plane that are in view */
    uint64_t covered; /* slices answered by nodes that cover them, for want of pages */
    uint64_t far;     /* of these, by nodes that are large beside the slice */
} gch__touch;

#define GCH__TASK_COLUMNS 32u /* of a columns query */
#define GCH__EARLIER_COUNT 2u /* a band has two columns */

/* Scratch of one task of a columns query (a run of neighbouring pixel columns). */
typedef struct gch__column_task {
    gch_piece *pieces;
    size_t piece_count, piece_cap;
    uint32_t pending_count;
    uint32_t pending, blind; /* columns drawn from coarse nodes; of those whose rows are guessed */
    uint64_t *lit;           /* bitmap of one column's rows */
    size_t lit_cap;          /* words */
    gch__touch touch;
    gch_status status;
    gch_error error;
} gch__column_task;

struct gch_query {
    const gch_allocator *allocator;
    gch_workers *workers;
    const gch_file *file;
    const gch__kernels *kernels;
    bool keep_outside;
    gch__read_mode mode;
    const gch_answers *answers;       /* NULL unless mode is NO_WAIT */
    gch__reader *reader;              /* NULL: the file's image is there whole */
    uint64_t generation, base_number; /* of the file, when it was looked at */
    gch__segment *segments;           /* as `reader` sees them */
    uint32_t segment_count;
    size_t segment_cap;
    gch_query_stats stats;

    /* For the column and view of the call under way: a table a kind of keys, a scale a segment. */
    gch__row_tables tables;
    gch__row_scale *scales;
    size_t scale_cap;

    gch__column_task *tasks;
    size_t task_cap;
    struct gch__edge *edges; /* query_edges.h */
    size_t edge_cap;
    struct gch__edges_of { /* what they are the edges of; width_px 0: nothing that can be kept */
        gch_view view;
        gch_join join;
        uint32_t column;
        uint64_t generation;
    } edges_of;
    struct gch__rows_of { /* how many rows finished columns had; generation UINT64_MAX: none */
        int64_t t0, t1;
        uint64_t count, generation;
    } rows_of;
    struct gch__earlier { /* columns of a view before (query_earlier.h); width_px 0: none */
        gch_view view;
        uint32_t column;
        gch_join join;
        uint32_t *first;
        size_t first_cap;
        gch_piece *pieces;
        size_t piece_cap;
    } earlier[GCH__EARLIER_COUNT];
    uint32_t earlier_next;
    uint32_t *filled_first; /* columns with earlier ones among them */
    size_t filled_first_cap;
    gch_piece *filled_pieces;
    size_t filled_piece_cap;
    struct gch__earlier_range { /* t0 = t1: none */
        uint32_t column;
        gch_join join;
        int64_t t0, t1;         /* of the view that was given it last */
        int64_t begun0, begun1; /* of the one it was fitted to */
        gch_value min, max;
    } earlier_ranges[GCH__EARLIER_COUNT];
    uint32_t earlier_range_next;
    uint32_t *first; /* of gch_columns */
    size_t first_cap;
    gch_piece *pieces;
    size_t piece_cap;

    uint32_t *counts; /* of gch_density */
    size_t count_cap;

    gch_point *points;
    size_t point_cap;
    uint32_t awaited_points; /* room for those that were pending last; 0: none were */
    uint64_t *bins;          /* of gch_histogram */
    size_t bin_cap;
    struct gch__bins_of { /* what they count; histogram.bin_count 0: nothing that can be kept */
        gch_histogram histogram;
        uint32_t column;
        int64_t t0, t1;
        gch_decimal left, right;
        uint64_t generation;
    } bins_of;
    gch_bar *bars;
    size_t bar_cap;
    struct gch__bars_of { /* width.count 0: of nothing */
        gch_bar_width width;
        char zone[48]; /* of a calendar width */
        uint32_t column;
        uint64_t generation;
        int64_t t0, t1;
    } far_of, far_asked; /* bars that came from gch_answers; that are on their way */
    gch_bar *far;
    size_t far_cap;
    uint32_t far_count;
    bool awaits_bars; /* the last call has, and columns would stand in: they ask for nothing */
    struct gch__bar_ends *ends, *old_ends; /* query_ends.h: being found; of the last call */
    size_t end_cap, old_end_cap;
    uint32_t old_end_count;
    uint64_t end_number;
    struct gch__ends_of { /* what old_ends are of */
        gch_bar_width width;
        char zone[48];
        uint32_t column;
        uint64_t generation;
    } ends_of;
    struct gch__bar_span *spans; /* query_spans.h */
    size_t span_cap;
    struct gch__hull *hulls;
    size_t hull_cap;
    struct gch__study_bar *study_bars; /* query_study.h */
    size_t study_bar_cap;
    struct gch__study_of { /* what study_bars are of; is_valid false: nothing that can be kept */
        bool is_valid;
        gch_study_kind kind;
        uint32_t length, column, with_column;
        gch_bar_width width;
        char zone[48];
        const gch_query *with;
        const gch_file *with_file;
        uint64_t generation, with_generation;
        int64_t t0, t1;
        uint32_t count, from, in_view;
    } study_of;
    gch_study_point *study_points;
    size_t study_point_cap;
    struct gch__plane *plane; /* query_plane.h; NULL: nothing of a plane was asked */

    gch_bar_sum *sums, *old_sums; /* of this call and of the last */
    size_t sum_cap, old_sum_cap;
    uint32_t old_sum_count;
    struct gch__sum_piece *sum_pieces; /* query_sums.c */
    size_t sum_piece_cap;
    struct gch__sums_of { /* what old_sums are of */
        gch_bar_width width;
        char zone[48];
        uint32_t column;
        uint64_t base_number;
    } sums_of;
};

static inline const gch__segment *gch__query_segment(const gch_query *query, uint32_t index)
{
    return &query->segments[index];
}

/* Every public call reads between these two: pages it touched are held until the end. The first
 * looks at what the file shows now. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__query_begin(gch_query *query, gch_error *err);
gch_status gch__query_end(gch_query *query, gch_status status); /* hands `status` on */

/* The same, but nothing that is missing is asked for, so that somebody else may answer. */
GCH_CHECKED gch_status gch__query_begin_peek(gch_query *query, gch_error *err);

uint64_t gch__query_row_count(const gch_query *query);
/* Which segment holds a row of the file (row < row count), and its row there. */
void gch__locate_row(const gch_query *query, uint64_t row, uint32_t *out_segment,
                     uint32_t *out_row);

/* First row of the file with time >= t; the row count if there is none. */
GCH_CHECKED gch_status gch__row_at(const gch_query *query, int64_t t, uint64_t *out_row,
                                   gch__touch *touch, gch_error *err);

/* Where that row would be if the times of its segment passed evenly; needs no pages. */
uint64_t gch__guess_row_at(const gch_query *query, int64_t t);

/* Has the points of a view loaded that were pending for want of knowing how many there are, now
 * that this is known: if they are few they are what is to be drawn, with the next frame. */
GCH_CHECKED gch_status gch__query_await_points(gch_query *query, uint32_t column,
                                               const gch_view *view, uint64_t row_count,
                                               gch_error *err);

/* Of the file with a time in [t0, t1). GCH_PENDING: not known, and nobody has answered for them. */
GCH_CHECKED gch_status gch__query_rows_between(gch_query *query, int64_t t0, int64_t t1,
                                               uint64_t *out, gch_error *err);

GCH_CHECKED gch_status gch__time_of_row(const gch_query *query, uint64_t row, int64_t *out_time,
                                        gch_error *err);
GCH_CHECKED gch_status gch__key_of_row(const gch_query *query, uint32_t column, uint64_t row,
                                       uint32_t *out_segment, uint64_t *out_key, bool *out_is_drawn,
                                       gch_error *err);
/* Of a row that is drawn. */
GCH_CHECKED gch_status gch__value_of_row(const gch_query *query, uint32_t column, uint64_t row,
                                         gch_value *out, gch_error *err);

/* The place in the list of super-blocks with gaps of the first that is `super` or behind it. */
uint32_t gch__gap_at(const gch__value_column *column, uint32_t super);
/* True if some row of the segment's [first, last), first < last, may not be drawn (a super-block of
 * the range has a gap). */
bool gch__slice_has_gaps(const gch__value_column *column, uint32_t first, uint32_t last);

/* First row of the segment behind node `index` of a level; level 0 has the blocks. */
uint64_t gch__node_end(const gch__segment *segment, uint32_t level, uint32_t index);
/* The level of the largest node of the tree that starts at `row`, the first of a block, and ends by
 * `last`; 0 if there is none. The upper levels of a segment that grows have whole nodes only. */
uint32_t gch__node_level(const gch__segment *segment, const gch__value_column *column, uint32_t row,
                         uint32_t last);

/* Smallest and largest key of the drawn rows [first, last), first < last, of a segment; min > max
 * if there are none. */
GCH_CHECKED gch_status gch__reduce_rows(const gch_query *query, const gch__segment *segment,
                                        const gch__value_column *column, uint32_t first,
                                        uint32_t last, uint64_t *out_min, uint64_t *out_max,
                                        gch__touch *touch, gch_error *err);

/* The same for at least these rows, from the finest of the tree's levels before `level_end` that is
 * there; never waits. GCH_PENDING: none is. */
GCH_CHECKED gch_status gch__reduce_covering(const gch_query *query, const gch__segment *segment,
                                            const gch__value_column *column, uint32_t first,
                                            uint32_t last, uint32_t level_end, uint64_t *out_min,
                                            uint64_t *out_max, gch__touch *touch, gch_error *err);

/* All 256 keys of a block, gaps' fill included. */
GCH_CHECKED gch_status gch__unpack_keys(const gch_query *query, const gch__segment *segment,
                                        const gch__value_column *column, uint32_t block,
                                        uint64_t out[GCH_BLOCK_ROWS], gch__touch *touch,
                                        gch_error *err);
/* Bit i of words[i >> 6] tells whether row block * 256 + i is drawn (bits past the segment's end
 * are 0). */
GCH_CHECKED gch_status gch__drawn_bits(const gch__segment *segment, const gch__value_column *column,
                                       uint32_t block, uint64_t words[GCH_BLOCK_ROWS / 64],
                                       gch_error *err);
/* The same of the block's rows [first, last), counted from its first; 0 for the others. */
GCH_CHECKED gch_status gch__drawn_bits_between(const gch__segment *segment,
                                               const gch__value_column *column, uint32_t block,
                                               uint32_t first, uint32_t last,
                                               uint64_t words[GCH_BLOCK_ROWS / 64], gch_error *err);

/* First drawn row in [first, last), or last; the last drawn row in [first, last), or last. */
GCH_CHECKED gch_status gch__find_drawn(const gch_query *query, uint32_t column, uint64_t first,
                                       uint64_t last, bool is_from_end, uint64_t *out_row,
                                       gch_error *err);

/* Room for `count` tasks, all of them without pieces, counts and errors. */
GCH_CHECKED gch_status gch__query_reserve_tasks(gch_query *query, size_t count, gch_error *err);

/* Exact order of two decimals: negative, 0, positive. */
int gch__compare_decimals(gch_decimal a, gch_decimal b);

/* Sets query->scales for a column and a view. */
GCH_CHECKED gch_status gch__query_prepare(gch_query *query, uint32_t column, const gch_view *view,
                                          gch_error *err);

#endif
