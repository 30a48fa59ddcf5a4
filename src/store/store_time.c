/* How times are kept: affine runs while the series is regular, lines with residuals once it is not.
 *
 * Invariants:
 *  1. Within a writer the mode goes from affine to lines and never back, and a unit only ever
 *     becomes a divisor of the one before: data cannot make many segments.
 *  2. A run is extended greedily: its step is that of its first two rows, and it ends where the
 *     step changes. A step fits int64.
 */
#include "store_encoder.h"

#include <string.h>

/* Affine runs must not cost more than half a byte a row, unless there are few of them. */
#define RUN_COUNT_ALWAYS 16u
#define RUN_COUNT_MIN_TO_LEAVE 65536u

/* More runs never make a chunk worth what it was not with fewer. */
static bool is_worth(const gch__time_build *time, uint64_t row_count, bool is_first_chunk)
{
    uint32_t tolerated = is_first_chunk ? RUN_COUNT_ALWAYS : RUN_COUNT_MIN_TO_LEAVE;
    return time->run_count <= tolerated ||
           (uint64_t)time->run_count * sizeof(gch__affine_run) <= row_count / 2;
}

/* ---- affine runs ---- */

typedef struct regular_job {
    const gch__kernels *kernels;
    const int64_t *times;
    uint32_t row_count;
    uint64_t steps[GCH__CHUNK_ROWS_MAX / GCH__GROUP_ROWS];
    uint8_t is_regular[GCH__CHUNK_ROWS_MAX / GCH__GROUP_ROWS];
} regular_job;

/* Rows from `first` >= 1 on, below `end`, each `step` after its predecessor. */
static uint32_t count_regular(const gch__kernels *kernels, const int64_t *times, uint32_t first,
                              uint32_t end, uint64_t step)
{
    return kernels->count_steps(times + first - 1, end - first + 1, step);
}

static void measure_group(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    regular_job *job = context;
    uint32_t first = (uint32_t)task * GCH__GROUP_ROWS;
    uint32_t end = GCH_MIN(first + GCH__GROUP_ROWS, job->row_count);
    if (end - first < 2)
        return;
    uint64_t step = (uint64_t)job->times[first + 1] - (uint64_t)job->times[first];
    job->steps[task] = step;
    job->is_regular[task] =
        count_regular(job->kernels, job->times, first + 1, end, step) == end - first - 1;
}

/* Whether an encoder has measured all groups. */
static bool ask_encoder(gch__builder *builder, regular_job *job)
{
    if (builder->times_there == 0 || !gch__builder_wants_encoder(builder))
        return false;
    const gch__encoder_times chunk = {.times = job->times,
                                      .column_count = builder->column_count,
                                      .row_count = job->row_count,
                                      .rows_there = builder->times_there};
    return builder->encoder->measure_times(builder->encoder, &chunk, job->steps, job->is_regular,
                                           NULL) == GCH_OK;
}

static gch_status start_run(gch__builder *builder, uint32_t row, int64_t t0, gch_error *err)
{
    gch__time_build *time = &builder->time;
    GCH_TRY(gch__ensure(builder->allocator, (void **)&time->runs, &time->runs_cap,
                        (size_t)time->run_count + 1, sizeof *time->runs, "affine runs", err));
    time->runs[time->run_count++] = (gch__affine_run){.row = row, .t0 = t0};
    time->run_rows = 1;
    return GCH_OK;
}

/* Stops where it is clear that runs are not worth it. */
static gch_status add_runs(gch__builder *builder, const int64_t *times, uint32_t row_count,
                           gch_error *err)
{
    gch__time_build *time = &builder->time;
    regular_job job = {.kernels = builder->kernels, .times = times, .row_count = row_count};
    if (!ask_encoder(builder, &job))
        gch__parallel_for(builder->workers, (row_count + GCH__GROUP_ROWS - 1) / GCH__GROUP_ROWS,
                          measure_group, &job);
    const uint64_t row_count_after = (uint64_t)builder->row_count + row_count;
    uint32_t row = 0;
    int64_t previous = time->last_time;
    while (row < row_count) {
        gch__affine_run *run = time->run_count > 0 ? &time->runs[time->run_count - 1] : NULL;
        uint64_t step = (uint64_t)times[row] - (uint64_t)previous;
        bool joins = run != NULL && step <= INT64_MAX &&
                     (time->run_rows == 1 || step == (uint64_t)run->step);
        if (!joins) {
            GCH_TRY(start_run(builder, builder->row_count + row, times[row], err));
            if (!is_worth(time, row_count_after, builder->row_count == 0))
                return GCH_OK;
            previous = times[row++];
            continue;
        }
        run->step = (int64_t)step;
        uint32_t group = row / GCH__GROUP_ROWS, taken = 1;
        uint32_t group_end = GCH_MIN((group + 1) * GCH__GROUP_ROWS, row_count);
        if (row % GCH__GROUP_ROWS == 0 && job.is_regular[group] && job.steps[group] == step)
            taken = group_end - row;
        else
            taken += count_regular(builder->kernels, times, row + 1, group_end, step);
        time->run_rows += taken;
        row += taken;
        previous = times[row - 1];
    }
    return GCH_OK;
}

void gch__time_rollback(gch__time_build *time)
{
    time->mode = time->saved_mode;
    time->run_count = time->saved_count;
    time->run_rows = time->saved_rows;
    if (time->run_count > 0)
        time->runs[time->run_count - 1] = time->saved_run;
}

static void save(gch__time_build *time)
{
    time->saved_mode = time->mode;
    time->saved_count = time->run_count;
    time->saved_rows = time->run_rows;
    if (time->run_count > 0)
        time->saved_run = time->runs[time->run_count - 1];
}

/* ---- lines ---- */

typedef struct gcd_job {
    const int64_t *times;
    uint32_t row_count;
    uint64_t start;
    uint64_t gcds[GCH__CHUNK_ROWS_MAX / GCH__GROUP_ROWS];
} gcd_job;

static void fold_group(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    gcd_job *job = context;
    uint32_t first = (uint32_t)task * GCH__GROUP_ROWS;
    uint32_t end = GCH_MIN(first + GCH__GROUP_ROWS, job->row_count);
    uint32_t before = first > 0 ? first - 1 : 0; /* the step into the group is the group's */
    job->gcds[task] = job->start;
    gch__time_gcd(job->times + before, end - before, &job->gcds[task]);
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* gcd of `start` and all steps of the chunk, the one into it included. */
static uint64_t fold_chunk(gch__builder *builder, const int64_t *times, uint32_t row_count,
                           uint64_t start)
{
    gcd_job job = {.times = times, .row_count = row_count, .start = start};
    uint32_t groups = (row_count + GCH__GROUP_ROWS - 1) / GCH__GROUP_ROWS;
    gch__parallel_for(builder->workers, groups, fold_group, &job);
    uint64_t unit = start;
    if (builder->row_count > 0)
        unit = gcd(unit, (uint64_t)times[0] - (uint64_t)builder->time.last_time);
    for (uint32_t group = 0; group < groups; group++)
        unit = gcd(unit, job.gcds[group]);
    return unit;
}

gch_status gch__time_plan(gch__builder *builder, const int64_t *times, uint32_t row_count,
                          bool *out_fits, gch_error *err)
{
    gch__time_build *time = &builder->time;
    bool is_first = builder->row_count == 0;
    *out_fits = true;
    save(time);
    if (is_first)
        time->first_time = times[0];
    if (time->mode != GCH__TIME_LINES && !time->is_irregular) {
        GCH_TRY(add_runs(builder, times, row_count, err));
        if (is_worth(time, (uint64_t)builder->row_count + row_count, is_first)) {
            time->mode = GCH__TIME_AFFINE;
            return GCH_OK;
        }
        gch__time_rollback(time);
        time->is_irregular = true;
    }
    if (!is_first && time->mode == GCH__TIME_AFFINE) {
        *out_fits = false;
        return GCH_OK;
    }
    uint64_t start = is_first ? time->unit_floor : time->unit;
    uint64_t unit = GCH_MAX(fold_chunk(builder, times, row_count, start), (uint64_t)1);
    if (is_first) {
        time->mode = GCH__TIME_LINES;
        time->origin = times[0];
        time->unit = unit;
    } else if (unit != time->unit) {
        *out_fits = false;
    }
    time->unit_floor = unit;
    return GCH_OK;
}

/* x with x * odd == 1 mod 2^64 (Newton's iteration doubles the right bits: 3, 6, 12, ...). */
static uint64_t invert_odd(uint64_t odd)
{
    uint64_t x = odd; /* right in 3 bits */
    for (int i = 0; i < 5; i++)
        x *= 2 - odd * x;
    return x;
}

gch__time_line gch__time_encode_block(const gch__kernels *kernels, const int64_t *times,
                                      uint32_t count, uint64_t super_first, uint64_t unit,
                                      uint32_t *packed)
{
    /* Division without remainder by shift and multiplication. */
    uint32_t shift = (uint32_t)__builtin_ctzll(unit);
    uint64_t inverse = invert_odd(unit >> shift);
    uint64_t last = (((uint64_t)times[count - 1] - super_first) >> shift) * inverse;
    uint64_t units[GCH_BLOCK_ROWS];
    for (uint32_t i = 0; i < count && unit == 1; i++) /* vectorizes; 64-bit products do not */
        units[i] = (uint64_t)times[i] - super_first;
    for (uint32_t i = 0; i < count && unit != 1; i++)
        units[i] = (((uint64_t)times[i] - super_first) >> shift) * inverse;
    for (uint32_t i = count; i < GCH_BLOCK_ROWS; i++)
        units[i] = last;
    return gch__time_line_fit(kernels, units, packed);
}

void gch__time_encode_group(const gch__kernels *kernels, gch__time_build *time,
                            const int64_t *times, uint32_t row_count, uint32_t group)
{
    gch__chunk_stream *stream = &time->stream;
    uint8_t *packed = stream->packed + (size_t)group * GCH__GROUP_BYTES;
    uint32_t first = group * GCH__GROUP_ROWS;
    uint32_t end = GCH_MIN(first + GCH__GROUP_ROWS, row_count);
    uint64_t super_first = 0;
    for (uint32_t row = first; row < end; row += GCH_BLOCK_ROWS) {
        uint32_t super = row / GCH_SUPER_ROWS;
        if (row % GCH_SUPER_ROWS == 0) {
            super_first = (uint64_t)times[row];
            stream->supers[super] = (super_first - (uint64_t)time->origin) / time->unit;
            stream->super_units[super] = 0;
        }
        gch__time_line line =
            gch__time_encode_block(kernels, times + row, GCH_MIN(end - row, GCH_BLOCK_ROWS),
                                   super_first, time->unit, (uint32_t *)(void *)packed);
        stream->lines[row / GCH_BLOCK_ROWS] = line;
        stream->super_units[super] += line.bits;
        packed += (size_t)line.bits * GCH__PAYLOAD_UNIT;
    }
}
