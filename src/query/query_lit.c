/* Columns with gaps, and columns of points that stand alone.
 *
 * A column of few rows is decoded and gives one piece a run. Any other is gathered in a bitmap of
 * its rows, descending the tree only where a node could still light something:
 *  1. a node whose rows row(max) .. row(min) are all lit already adds nothing;
 *  2. a node without gaps is one run: its hull is lit as a whole (lines and steps);
 *  3. what connects neighbouring nodes is lit separately, unless both hulls are lit and touch: the
 *     connection lies within their union.
 * So dense columns cost a few blocks, not their rows, however many gaps they hold.
 */
#include "query_lit.h"

#include <math.h>

#define DECODED_ROWS_MAX 4096u
#define RUNS_MAX 64u

typedef struct lit_job {
    gch_query *query;
    uint32_t column;
    gch_join join;
    int32_t height;
    gch__column_task *task;
    gch_error *err;

    /* The unit (node or part of a block) before the one at hand, if its whole hull is lit. */
    bool last_is_lit;
    int32_t last_top, last_bottom;
} lit_job;

gch_status gch__column_task_add(const gch_allocator *allocator, gch__column_task *task,
                                gch_piece piece)
{
    void *pieces = task->pieces;
    gch_status status = gch__ensure(allocator, &pieces, &task->piece_cap, task->piece_count + 1,
                                    sizeof piece, "columns", &task->error);
    task->pieces = pieces;
    GCH_TRY(status);
    task->pieces[task->piece_count++] = piece;
    return GCH_OK;
}

gch__slice gch__slice_at(const gch_query *query, uint64_t row, uint64_t last)
{
    gch__slice slice;
    gch__locate_row(query, row, &slice.segment, &slice.first);
    const gch__segment *segment = gch__query_segment(query, slice.segment);
    uint64_t room = segment->row_count - slice.first;
    slice.last = slice.first + (uint32_t)GCH_MIN(room, last - row);
    return slice;
}

bool gch__rows_have_gaps(const gch_query *query, uint32_t column, uint64_t first, uint64_t last)
{
    gch__slice slice;
    for (uint64_t row = first; row < last; row += slice.last - slice.first) {
        slice = gch__slice_at(query, row, last);
        const gch__segment *segment = gch__query_segment(query, slice.segment);
        if (gch__slice_has_gaps(&segment->columns[column], slice.first, slice.last))
            return true;
    }
    return false;
}

/* ---- the bitmap ---- */

static void light(lit_job *job, int32_t top, int32_t bottom)
{
    top = GCH_MAX(top, 0);
    bottom = GCH_MIN(bottom, job->height - 1);
    uint64_t *lit = job->task->lit;
    for (int32_t word = top / 64; top <= bottom; word++) {
        int32_t end = GCH_MIN(word * 64 + 63, bottom);
        lit[word] |= (UINT64_MAX >> (63 - (end - top))) << (top & 63);
        top = end + 1;
    }
}

static bool is_lit(const lit_job *job, int32_t top, int32_t bottom)
{
    top = GCH_MAX(top, 0);
    bottom = GCH_MIN(bottom, job->height - 1);
    const uint64_t *lit = job->task->lit;
    for (int32_t word = top / 64; top <= bottom; word++) {
        int32_t end = GCH_MIN(word * 64 + 63, bottom);
        uint64_t mask = (UINT64_MAX >> (63 - (end - top))) << (top & 63);
        if ((lit[word] & mask) != mask)
            return false;
        top = end + 1;
    }
    return true;
}

/* Lights what connects rows row - 1 and row of the file, if they are connected. */
static gch_status connect_rows(lit_job *job, uint64_t row)
{
    uint32_t segment_a, segment_b;
    uint64_t key_a, key_b;
    bool is_drawn;
    GCH_TRY(gch__key_of_row(job->query, job->column, row, &segment_b, &key_b, &is_drawn, job->err));
    if (!is_drawn)
        return GCH_OK;
    GCH_TRY(
        gch__key_of_row(job->query, job->column, row - 1, &segment_a, &key_a, &is_drawn, job->err));
    if (!is_drawn)
        return GCH_OK;
    int32_t a = gch__row_of_key(&job->query->scales[segment_a], key_a);
    int32_t b = gch__row_of_key(&job->query->scales[segment_b], key_b);
    light(job, GCH_MIN(a, b), GCH_MAX(a, b));
    return GCH_OK;
}

/* Connects the unit that starts at file row `row` to the one before. The caller has lit the unit;
 * is_whole: its whole hull top .. bottom is lit. */
static gch_status follow(lit_job *job, uint64_t row, bool is_first, bool is_whole, int32_t top,
                         int32_t bottom)
{
    gch_status status = GCH_OK;
    bool touches =
        is_whole && job->last_is_lit && job->last_top <= bottom + 1 && top <= job->last_bottom + 1;
    if (!is_first && job->join != GCH_JOIN_NONE && !touches)
        status = connect_rows(job, row);
    job->last_is_lit = is_whole;
    job->last_top = top;
    job->last_bottom = bottom;
    return status;
}

static gch_status light_decoded(lit_job *job, const gch__slice *slice, uint32_t row, uint32_t end)
{
    gch_query *query = job->query;
    const gch__segment *segment = gch__query_segment(query, slice->segment);
    const gch__value_column *column = &segment->columns[job->column];
    const gch__row_scale *scale = &query->scales[slice->segment];
    uint64_t keys[GCH_BLOCK_ROWS], drawn[GCH_BLOCK_ROWS / 64];
    uint32_t block = row / GCH_BLOCK_ROWS;
    GCH_TRY(gch__unpack_keys(query, segment, column, block, keys, &job->task->touch, job->err));
    GCH_TRY(gch__drawn_bits(segment, column, block, drawn, job->err));
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t i = row % GCH_BLOCK_ROWS; i < end - block * GCH_BLOCK_ROWS; i++) {
        bool is_drawn = (drawn[i / 64] >> (i % 64) & 1) != 0;
        if (is_drawn && job->join == GCH_JOIN_NONE) {
            int32_t at = gch__row_of_key(scale, keys[i]);
            light(job, at, at);
        } else if (is_drawn) {
            min = GCH_MIN(min, keys[i]);
            max = GCH_MAX(max, keys[i]);
        } else if (min <= max) {
            light(job, gch__row_of_key(scale, max), gch__row_of_key(scale, min));
            min = UINT64_MAX;
            max = 0;
        }
    }
    if (min <= max)
        light(job, gch__row_of_key(scale, max), gch__row_of_key(scale, min));
    return GCH_OK;
}

/* Tries to settle the largest node that starts at `row` and lies within the slice without decoding.
 * *out_end is its end, or `row` if none could be settled. */
static gch_status settle_node(lit_job *job, const gch__slice *slice, uint32_t row,
                              uint32_t *out_end, bool *out_is_empty, int32_t *out_top,
                              int32_t *out_bottom)
{
    const gch__segment *segment = gch__query_segment(job->query, slice->segment);
    const gch__value_column *column = &segment->columns[job->column];
    const gch__row_scale *scale = &job->query->scales[slice->segment];
    uint32_t block = row / GCH_BLOCK_ROWS;
    *out_end = row;
    if (row % GCH_BLOCK_ROWS != 0)
        return GCH_OK;
    for (uint32_t level = gch__node_level(segment, column, row, slice->last);; level--) {
        uint32_t index = block >> (4 * level);
        uint64_t end = gch__node_end(segment, level, index);
        if (end > slice->last)
            return GCH_OK;
        uint64_t min, max;
        job->task->touch.nodes++;
        if (column->map.is_wide) {
            const gch__pair64 *pair = (const gch__pair64 *)column->levels[level] + index;
            GCH_TRY(gch__segment_check(segment, pair, sizeof *pair, job->err));
            min = pair->min;
            max = pair->max;
        } else {
            const gch__pair32 *pair = (const gch__pair32 *)column->levels[level] + index;
            GCH_TRY(gch__segment_check(segment, pair, sizeof *pair, job->err));
            min = pair->min;
            max = pair->max;
        }
        *out_is_empty = min > max;
        if (!*out_is_empty) {
            *out_top = gch__row_of_key(scale, max);
            *out_bottom = gch__row_of_key(scale, min);
            bool is_one_run = job->join == GCH_JOIN_NONE
                                  ? *out_top == *out_bottom
                                  : !gch__slice_has_gaps(column, row, (uint32_t)end);
            if (is_one_run)
                light(job, *out_top, *out_bottom);
        }
        if (*out_is_empty || is_lit(job, *out_top, *out_bottom)) {
            *out_end = (uint32_t)end;
            return GCH_OK;
        }
        if (level == 0)
            return GCH_OK;
    }
}

static gch_status light_slice(lit_job *job, const gch__slice *slice, bool is_first)
{
    const gch__segment *segment = gch__query_segment(job->query, slice->segment);
    for (uint32_t row = slice->first, end; row < slice->last; row = end) {
        bool is_empty = false;
        int32_t top = 0, bottom = 0;
        GCH_TRY(settle_node(job, slice, row, &end, &is_empty, &top, &bottom));
        bool is_settled = end > row;
        if (!is_settled) {
            end = GCH_MIN((row / GCH_BLOCK_ROWS + 1) * GCH_BLOCK_ROWS, slice->last);
            GCH_TRY(light_decoded(job, slice, row, end));
        }
        if (is_empty) {
            job->last_is_lit = false; /* a gap: nothing connects over it */
            continue;
        }
        GCH_TRY(follow(job, segment->first_row + row, is_first && row == slice->first, is_settled,
                       top, bottom));
    }
    return GCH_OK;
}

static gch_status emit_lit(lit_job *job)
{
    for (int32_t row = 0; row < job->height;) {
        if (!is_lit(job, row, row)) {
            row++;
            continue;
        }
        int32_t end = row;
        while (end + 1 < job->height && is_lit(job, end + 1, end + 1))
            end++;
        GCH_TRY(gch__column_task_add(job->query->allocator, job->task,
                                     (gch_piece){.row_top = row,
                                                 .row_bottom = end,
                                                 .y_top = (float)row + 0.5f,
                                                 .y_bottom = (float)end + 0.5f,
                                                 .y_left = NAN,
                                                 .y_right = NAN}));
        row = end + 1;
    }
    return GCH_OK;
}

static gch_status lit_bitmap(lit_job *job, uint64_t first, uint64_t last, const gch__lit_ends *ends)
{
    gch__column_task *task = job->task;
    size_t words = ((size_t)job->height + 63) / 64;
    void *lit = task->lit;
    gch_status status = gch__ensure(job->query->allocator, &lit, &task->lit_cap, words,
                                    sizeof *task->lit, "columns", job->err);
    task->lit = lit;
    GCH_TRY(status);
    memset(task->lit, 0, words * sizeof *task->lit);

    gch__slice slice;
    for (uint64_t row = first; row < last; row += slice.last - slice.first) {
        slice = gch__slice_at(job->query, row, last);
        GCH_TRY(light_slice(job, &slice, row == first));
    }
    const struct {
        bool is_crossed;
        int32_t cross_row;
        uint64_t row;
    } sides[] = {{ends->left_is_crossed, ends->left_row, first},
                 {ends->right_is_crossed, ends->right_row, last - 1}};
    for (size_t i = 0; i < GCH_COUNT_OF(sides); i++) {
        if (!sides[i].is_crossed)
            continue;
        uint32_t segment;
        uint64_t key;
        bool is_drawn;
        GCH_TRY(gch__key_of_row(job->query, job->column, sides[i].row, &segment, &key, &is_drawn,
                                job->err));
        int32_t at = gch__row_of_key(&job->query->scales[segment], key);
        light(job, GCH_MIN(at, sides[i].cross_row), GCH_MAX(at, sides[i].cross_row));
    }
    return emit_lit(job);
}

/* ---- few rows: one piece a run ---- */

typedef struct open_run {
    bool is_open;
    gch_piece piece; /* row_top and row_bottom not clipped yet */
} open_run;

static void run_extend(open_run *run, int32_t row, float y)
{
    gch_piece *piece = &run->piece;
    if (!run->is_open) {
        *piece = (gch_piece){row, row, y, y, NAN, NAN};
        run->is_open = true;
        return;
    }
    piece->row_top = GCH_MIN(piece->row_top, row);
    piece->row_bottom = GCH_MAX(piece->row_bottom, row);
    piece->y_top = y < piece->y_top ? y : piece->y_top;
    piece->y_bottom = y > piece->y_bottom ? y : piece->y_bottom;
}

static gch_status run_close(lit_job *job, open_run *run)
{
    if (!run->is_open)
        return GCH_OK;
    run->is_open = false;
    gch_piece piece = run->piece;
    piece.row_top = GCH_MAX(piece.row_top, 0);
    piece.row_bottom = GCH_MIN(piece.row_bottom, job->height - 1);
    if (piece.row_top > piece.row_bottom && !job->query->keep_outside)
        return GCH_OK;
    return gch__column_task_add(job->query->allocator, job->task, piece);
}

static gch_status extend_from_block(lit_job *job, const gch__slice *slice, uint32_t row,
                                    uint32_t end, open_run *run)
{
    gch_query *query = job->query;
    const gch__segment *segment = gch__query_segment(query, slice->segment);
    const gch__value_column *column = &segment->columns[job->column];
    const gch__row_scale *scale = &query->scales[slice->segment];
    uint64_t keys[GCH_BLOCK_ROWS], drawn[GCH_BLOCK_ROWS / 64];
    uint32_t block = row / GCH_BLOCK_ROWS;
    GCH_TRY(gch__unpack_keys(query, segment, column, block, keys, &job->task->touch, job->err));
    GCH_TRY(gch__drawn_bits(segment, column, block, drawn, job->err));
    for (uint32_t i = row % GCH_BLOCK_ROWS; i < end - block * GCH_BLOCK_ROWS; i++) {
        if ((drawn[i / 64] >> (i % 64) & 1) == 0)
            GCH_TRY(run_close(job, run));
        else
            run_extend(run, gch__row_of_key(scale, keys[i]),
                       gch__clamp_y(gch__y_of_key(scale, keys[i])));
    }
    return GCH_OK;
}

/* *out_is_done is false, and no piece was added, if there are too many runs. */
static gch_status lit_decoded(lit_job *job, uint64_t first, uint64_t last,
                              const gch__lit_ends *ends, bool *out_is_done)
{
    size_t before = job->task->piece_count;
    open_run run = {0};
    *out_is_done = true;
    if (ends->left_is_crossed) { /* then row `first` is drawn and goes on with it */
        run_extend(&run, ends->left_row, ends->left_y);
        run.piece.y_left = ends->left_y;
    }
    gch__slice slice;
    for (uint64_t at = first; at < last; at += slice.last - slice.first) {
        slice = gch__slice_at(job->query, at, last);
        for (uint32_t row = slice.first, end; row < slice.last; row = end) {
            end = GCH_MIN((row / GCH_BLOCK_ROWS + 1) * GCH_BLOCK_ROWS, slice.last);
            GCH_TRY(extend_from_block(job, &slice, row, end, &run));
            if (job->task->piece_count - before > RUNS_MAX) {
                job->task->piece_count = before;
                *out_is_done = false;
                return GCH_OK;
            }
        }
    }
    if (ends->right_is_crossed) { /* then row last - 1 is drawn: the run is open */
        run_extend(&run, ends->right_row, ends->right_y);
        run.piece.y_right = ends->right_y;
    }
    return run_close(job, &run);
}

gch_status gch__lit_column(gch_query *query, uint32_t column, const gch_view *view, gch_join join,
                           uint64_t first, uint64_t last, const gch__lit_ends *ends,
                           gch__column_task *task, gch_error *err)
{
    lit_job job = {.query = query,
                   .column = column,
                   .join = join,
                   .height = (int32_t)view->height_px,
                   .task = task,
                   .err = err};
    if (join != GCH_JOIN_NONE && last - first <= DECODED_ROWS_MAX) {
        bool is_done;
        GCH_TRY(lit_decoded(&job, first, last, ends, &is_done));
        if (is_done)
            return GCH_OK;
    }
    return lit_bitmap(&job, first, last, ends);
}
