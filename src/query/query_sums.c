/* Sums over bars: every value is read, for no node of the tree holds a sum.
 *
 * Bars are cut into pieces within a segment, added up by all workers, and the pieces are joined in
 * their order, so that the result does not depend on how many workers there are. What a piece reads
 * is held for a batch of pieces only, so that a bar may be larger than the memory for pages.
 *
 * Invariants:
 *  1. A piece of decimals is exact: at most 2^18 values of 64 bits fit 128. Joined sums are exact
 *     too, unless scales far apart leave no room; then, and for floats, doubles are added.
 *  2. old_sums are what the last call knew; a bar of the same rows is taken over.
 */
#include "query_bars.h"
#include "query_values.h"

#include <stdio.h>
#include <string.h>

#define PIECE_ROWS ((uint64_t)1 << 18)
#define BATCH_ROWS ((uint64_t)1 << 22)
#define NO_WAIT_ROWS ((uint64_t)1 << 24)

struct gch__sum_piece {
    uint32_t bar, segment;
    uint32_t first, last; /* rows of the segment */
    __int128 digits;      /* of decimals */
    double real;
};

/* A sum under way. */
typedef struct total {
    __int128 digits;
    uint32_t scale;
    bool is_exact;
    double real;
} total;

/* ---- pieces ---- */

static uint32_t count_bits(const uint64_t words[GCH_BLOCK_ROWS / 64])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS / 64; i++)
        count += (uint32_t)__builtin_popcountll(words[i]);
    return count;
}

/* Residuals of a narrow block without gaps. */
static uint64_t sum_narrow(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                           uint32_t first, uint32_t last)
{
    _Alignas(64) uint32_t residuals[GCH_BLOCK_ROWS];
    uint64_t sum = 0;
    kernels->unpack(packed, bits, residuals);
    for (uint32_t i = first; i < last; i++)
        sum += residuals[i];
    return sum;
}

/* Rows [first, last) of a block into a piece. */
static gch_status add_block(const gch_query *query, struct gch__sum_piece *piece, uint32_t column,
                            uint32_t block, uint32_t first, uint32_t last, gch__touch *touch,
                            gch_error *err)
{
    const gch__segment *segment = gch__query_segment(query, piece->segment);
    const gch__value_column *values = &segment->columns[column];
    const uint32_t *packed;
    uint32_t bits, row = block * GCH_BLOCK_ROWS + first;
    uint64_t min, words[GCH_BLOCK_ROWS / 64];
    GCH_TRY(gch__column_block(segment, values, block, &packed, &bits, &min, err));
    touch->blocks++;
    touch->bytes += (uint64_t)gch__block_words(bits) * 4 + 8;
    bool is_decimal = values->map.kind == GCH_VALUE_DECIMAL;
    int64_t least = (int64_t)(values->map.base + min);
    if (is_decimal && bits <= 32 && !gch__slice_has_gaps(values, row, row + 1)) {
        piece->digits += (__int128)least * (last - first);
        if (bits > 0)
            piece->digits += sum_narrow(query->kernels, packed, bits, first, last);
        return GCH_OK;
    }
    GCH_TRY(gch__drawn_bits_between(segment, values, block, first, last, words, err));
    uint32_t count = count_bits(words);
    if (count == 0)
        return GCH_OK;
    uint64_t keys[GCH_BLOCK_ROWS];
    gch__unpack64_from(query->kernels, packed, bits, min, keys);
    for (uint32_t i = first; i < last; i++) {
        if ((words[i / 64] >> (i % 64) & 1) == 0)
            continue;
        if (is_decimal)
            piece->digits += (int64_t)(values->map.base + keys[i]);
        else
            piece->real += gch_value_to_double(gch__value_from_key(&values->map, keys[i]));
    }
    return GCH_OK;
}

typedef struct sums_job {
    gch_query *query;
    uint32_t column;
    struct gch__sum_piece *pieces; /* of the batch; task i of the query is for piece i */
} sums_job;

static void run_piece(void *context, size_t index, uint32_t worker)
{
    const sums_job *job = context;
    struct gch__sum_piece *piece = &job->pieces[index];
    gch__column_task *task = &job->query->tasks[index];
    (void)worker;
    for (uint32_t row = piece->first; row < piece->last && task->status == GCH_OK;) {
        uint32_t block = row / GCH_BLOCK_ROWS, start = block * GCH_BLOCK_ROWS;
        uint32_t end = GCH_MIN(piece->last - start, GCH_BLOCK_ROWS);
        task->status = add_block(job->query, piece, job->column, block, row - start, end,
                                 &task->touch, &task->error);
        row = start + end;
    }
}

/* Pieces [0, count), batch by batch. A bar with missing pages becomes pending. */
static gch_status run_pieces(gch_query *query, uint32_t column, size_t count, gch_error *err)
{
    for (size_t first = 0; first < count;) {
        size_t last = first;
        for (uint64_t rows = 0; last < count && rows < BATCH_ROWS; last++)
            rows += query->sum_pieces[last].last - query->sum_pieces[last].first;
        sums_job job = {query, column, query->sum_pieces + first};
        GCH_TRY(gch__query_reserve_tasks(query, last - first, err));
        gch__parallel_for(query->workers, last - first, run_piece, &job);
        for (size_t i = first; i < last; i++) {
            const gch__column_task *task = &query->tasks[i - first];
            query->stats.blocks_decoded += task->touch.blocks;
            query->stats.bytes_read += task->touch.bytes;
            if (task->status == GCH_PENDING)
                query->sums[query->sum_pieces[i].bar].is_pending = true;
            else if (task->status != GCH_OK)
                return gch_fail(err, task->status, "%s", task->error.message);
        }
        first = last;
        /* What these have read may go. */
        gch__file_end_reader(query->file, query->reader);
        gch__file_begin_reader(query->file, query->reader, query->mode, GCH__PRIORITY_VISIBLE);
    }
    return GCH_OK;
}

/* ---- bars ---- */

static bool is_same_kind(const gch_query *query, const struct gch__sums_of *of)
{
    return query->old_sum_count > 0 && query->sums_of.column == of->column &&
           query->sums_of.base_number == of->base_number &&
           query->sums_of.width.unit == of->width.unit &&
           query->sums_of.width.count == of->width.count &&
           strcmp(query->sums_of.zone, of->zone) == 0;
}

/* Lists the bars, with the sums that are known; those that are not are pending. */
static gch_status list_bars(gch_query *query, const struct gch__sums_of *of,
                            const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                            uint32_t *out_count, gch__touch *touch, gch_error *err)
{
    gch__bar_walk walk;
    uint32_t count = 0, old = 0;
    GCH_TRY(gch__bar_walk_start(&walk, query, of->column, of->width, zone, t0, t1, touch, err));
    for (;;) {
        gch_bar bar;
        uint64_t row, drawn_row;
        GCH_TRY(gch__bar_walk_next(&walk, &bar, &row, touch, err));
        if (bar.row_count == 0)
            break;
        GCH_TRY(
            gch__find_drawn(query, of->column, row, row + bar.row_count, false, &drawn_row, err));
        if (drawn_row == UINT64_MAX)
            continue;
        if (count == bar_cap)
            return gch_fail(err, GCH_LIMIT, "more than %u bars", bar_cap);
        GCH_TRY(gch__ensure(query->allocator, (void **)&query->sums, &query->sum_cap,
                            (size_t)count + 1, sizeof *query->sums, "sums", err));
        while (old < query->old_sum_count && query->old_sums[old].t0 < bar.t0)
            old++;
        gch_bar_sum *sum = &query->sums[count++];
        *sum = (gch_bar_sum){.t0 = bar.t0,
                             .t1 = bar.t1,
                             .first_row = row,
                             .row_count = bar.row_count,
                             .is_pending = true};
        if (old < query->old_sum_count && query->old_sums[old].t0 == bar.t0 &&
            query->old_sums[old].first_row == row &&
            query->old_sums[old].row_count == bar.row_count)
            *sum = query->old_sums[old];
        query->stats.rows_visible += bar.row_count;
    }
    *out_count = count;
    return GCH_OK;
}

/* Cuts pending bars into pieces, as many bars as a call may add up; they are pending no more. */
static gch_status cut_bars(gch_query *query, uint32_t count, size_t *out_pieces, gch_error *err)
{
    size_t pieces = 0;
    uint64_t rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        gch_bar_sum *sum = &query->sums[i];
        if (!sum->is_pending ||
            (rows > 0 && query->mode == GCH__READ_NO_WAIT && rows + sum->row_count > NO_WAIT_ROWS))
            continue;
        sum->is_pending = false;
        rows += sum->row_count;
        uint64_t row = sum->first_row, end = row + sum->row_count;
        while (row < end) {
            gch__slice slice = gch__slice_at(query, row, GCH_MIN(end, row + PIECE_ROWS));
            GCH_TRY(gch__ensure(query->allocator, (void **)&query->sum_pieces,
                                &query->sum_piece_cap, pieces + 1, sizeof *query->sum_pieces,
                                "sums", err));
            query->sum_pieces[pieces++] = (struct gch__sum_piece){
                .bar = i, .segment = slice.segment, .first = slice.first, .last = slice.last};
            row += slice.last - slice.first;
        }
    }
    *out_pieces = pieces;
    return GCH_OK;
}

static bool scale_up(__int128 *digits, uint32_t steps)
{
    bool fits = true;
    for (; steps > 0 && fits; steps--)
        fits = !__builtin_mul_overflow(*digits, 10, digits);
    return fits;
}

static double real_of(__int128 digits, uint32_t scale)
{
    double power = 1;
    for (; scale > 0; scale--)
        power *= 10; /* exact up to 10^22 */
    return (double)digits / power;
}

static void add_piece(total *t, const struct gch__sum_piece *piece, const gch__key_map *map)
{
    __int128 digits = piece->digits;
    bool is_decimal = map->kind == GCH_VALUE_DECIMAL;
    t->real += is_decimal ? real_of(digits, map->scale) : piece->real;
    t->is_exact = t->is_exact && is_decimal;
    if (!t->is_exact)
        return;
    uint32_t scale = GCH_MAX(t->scale, map->scale);
    t->is_exact = scale_up(&t->digits, scale - t->scale) && scale_up(&digits, scale - map->scale) &&
                  !__builtin_add_overflow(t->digits, digits, &t->digits);
    t->scale = scale;
}

static void finish_bar(gch_bar_sum *sum, const total *t)
{
    sum->sum = t->is_exact ? real_of(t->digits, t->scale) : t->real;
    sum->is_decimal = t->is_exact && t->digits <= INT64_MAX && t->digits >= INT64_MIN;
    if (sum->is_decimal)
        sum->decimal = (gch_decimal){(int64_t)t->digits, -(int32_t)t->scale};
    if (sum->is_decimal)
        sum->sum = gch_decimal_to_double(sum->decimal);
}

/* Pieces of a bar lie next to each other. */
static void join_pieces(gch_query *query, uint32_t column, size_t count)
{
    for (size_t i = 0; i < count;) {
        gch_bar_sum *sum = &query->sums[query->sum_pieces[i].bar];
        total t = {.is_exact = true};
        uint32_t bar = query->sum_pieces[i].bar;
        for (; i < count && query->sum_pieces[i].bar == bar; i++) {
            const gch__segment *segment = gch__query_segment(query, query->sum_pieces[i].segment);
            add_piece(&t, &query->sum_pieces[i], &segment->columns[column].map);
        }
        if (!sum->is_pending)
            finish_bar(sum, &t);
    }
}

/* This call's sums are the next one's old ones. */
static gch_status keep_sums(gch_query *query, const struct gch__sums_of *of, uint32_t count,
                            gch_error *err)
{
    query->old_sum_count = 0;
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->old_sums, &query->old_sum_cap, count,
                        sizeof *query->old_sums, "sums", err));
    if (count > 0)
        memcpy(query->old_sums, query->sums, count * sizeof *query->sums);
    query->old_sum_count = count;
    query->sums_of = *of;
    return GCH_OK;
}

static gch_status find_sums(gch_query *query, uint32_t column, gch_bar_width width,
                            const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                            const gch_bar_sum **out_sums, uint32_t *out_count, gch_error *err)
{
    struct gch__sums_of of = {.width = width, .column = column, .base_number = query->base_number};
    if (zone != NULL)
        snprintf(of.zone, sizeof of.zone, "%s", gch_time_zone_name(zone));
    if (!is_same_kind(query, &of))
        query->old_sum_count = 0;
    gch__touch touch = {0};
    size_t piece_count;
    uint32_t count;
    GCH_TRY(list_bars(query, &of, zone, t0, t1, bar_cap, &count, &touch, err));
    query->stats.nodes_read += touch.nodes;
    query->stats.bytes_read += touch.bytes;
    GCH_TRY(cut_bars(query, count, &piece_count, err));
    GCH_TRY(run_pieces(query, column, piece_count, err));
    join_pieces(query, column, piece_count);
    bool is_pending = false;
    for (uint32_t i = 0; i < count; i++)
        is_pending = is_pending || query->sums[i].is_pending;
    query->stats.answers_pending += is_pending ? 1 : 0;
    GCH_TRY(keep_sums(query, &of, count, err));
    *out_sums = query->sums;
    *out_count = count;
    return GCH_OK;
}

gch_status gch_query_sums(gch_query *query, uint32_t column, gch_bar_width width,
                          const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                          const gch_bar_sum **out_sums, uint32_t *out_count, gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(
        query, find_sums(query, column, width, zone, t0, t1, bar_cap, out_sums, out_count, err));
}
