/* A chunk of rows becomes packed payload and the stuff of the segment's arrays.
 *
 * Each task converts, measures and packs one group of super-blocks of one column (or of the times)
 * into a slab of its own; when all are done, the sizes give every super-block its place, and the
 * slabs are copied there. So values are read once, and the file does not depend on the number of
 * workers.
 *
 * Invariants:
 *  1. Nothing of a chunk enters the segment before every value of it is known to fit.
 *  2. Payload of a chunk: times first, then column by column, super-blocks in order.
 */
#include "store_encoder.h"

#include <string.h>

#define PAYLOAD_UNITS_MAX UINT32_MAX
#define FAST_SAMPLE_BLOCKS 4u

typedef struct chunk_job {
    gch__builder *builder;
    const int64_t *times;
    const gch__column_input *inputs;
    uint32_t row_count;
    uint32_t group_count;
    uint32_t stream_first;   /* 0: times are packed too; 1: columns only */
    uint8_t *out;            /* for the copy */
    uint64_t *group_offsets; /* a stream and group, bytes in `out` */
} chunk_job;

/* ---- measuring and packing ---- */

uint32_t gch__block_pack(const gch__kernels *kernels, const gch__block_keys *block, uint32_t *out)
{
    if (block->min > block->max)
        return 0;
    uint64_t range = (uint64_t)block->max - (uint64_t)block->min;
    uint32_t bits = gch__bits_u64(range);
    if (bits == 0)
        return 0;
    gch__pack64_from(kernels, block->keys, block->min, bits, out);
    return bits;
}

void gch__block_drawn(const gch__block_keys *block, uint32_t count, uint32_t *words)
{
    if (block->has_gaps) {
        memcpy(words, block->drawn, sizeof block->drawn);
        return;
    }
    memset(words, 0, GCH_BLOCK_ROWS / 8);
    for (uint32_t i = 0; i < count; i += 32)
        words[i / 32] = count - i >= 32 ? UINT32_MAX : (1u << (count - i)) - 1u;
}

static void encode_column_group(chunk_job *job, uint32_t index, uint32_t group)
{
    gch__builder *builder = job->builder;
    gch__column_build *column = &builder->columns[index];
    gch__chunk_stream *stream = &column->stream;
    uint8_t *packed = stream->packed + (size_t)group * GCH__GROUP_BYTES;
    uint32_t first = group * GCH__GROUP_ROWS;
    uint32_t end = GCH_MIN(first + GCH__GROUP_ROWS, job->row_count);
    gch__block_keys block;
    stream->negative_zeros[group] = 0;
    stream->group_misfits[group] = 0;
    for (uint32_t row = first; row < end; row += GCH_BLOCK_ROWS) {
        uint32_t count = GCH_MIN(end - row, GCH_BLOCK_ROWS);
        uint32_t super = row / GCH_SUPER_ROWS;
        uint32_t *bitmap = stream->bitmaps + (size_t)super * GCH__BITMAP_WORDS;
        if (row % GCH_SUPER_ROWS == 0) {
            stream->super_flags[super] = 0;
            stream->super_units[super] = 0;
            memset(bitmap, 0, GCH__BITMAP_WORDS * sizeof *bitmap);
        }
        if (!gch__block_keys_make(builder->kernels, &job->inputs[index], column->kind, row, count,
                                  &block)) {
            stream->group_misfits[group] = 1;
            return;
        }
        stream->negative_zeros[group] += block.negative_zero_count;
        stream->super_flags[super] |=
            (uint8_t)((block.has_gaps ? GCH__SUPER_HAS_GAPS : 0) |
                      (block.has_exceptions ? GCH__SUPER_HAS_EXCEPTIONS : 0));
        gch__block_drawn(&block, count, bitmap + row % GCH_SUPER_ROWS / 32);
        size_t number = row / GCH_BLOCK_ROWS;
        stream->bounds[2 * number] = block.min;
        stream->bounds[2 * number + 1] = block.max;
        uint32_t bits = gch__block_pack(builder->kernels, &block, (uint32_t *)(void *)packed);
        stream->super_units[super] += bits;
        packed += (size_t)bits * GCH__PAYLOAD_UNIT;
    }
}

static void encode_task(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    chunk_job *job = context;
    uint32_t stream = (uint32_t)(task / job->group_count) + job->stream_first;
    uint32_t group = (uint32_t)(task % job->group_count);
    if (stream == 0 && !job->builder->time.stream.is_encoded)
        gch__time_encode_group(job->builder->kernels, &job->builder->time, job->times,
                               job->row_count, group);
    else if (stream > 0 && !job->builder->columns[stream - 1].stream.is_encoded)
        encode_column_group(job, stream - 1, group);
}

/* ---- an encoder's share ---- */

/* One on trial comes second, and goes on if it is the quicker one. */
bool gch__builder_wants_encoder(const gch__builder *builder)
{
    const gch_encoder *encoder = builder->encoder;
    if (encoder == NULL || !encoder->is_on_trial)
        return encoder != NULL;
    if (builder->own_values == 0)
        return false;
    return encoder->ns_per_value * (double)builder->own_values <= (double)builder->own_ns;
}

/* Returns how many columns are left to the builder. */
static uint32_t ask_encoder(chunk_job *job)
{
    gch__builder *builder = job->builder;
    uint32_t left = builder->column_count;
    bool is_wanted = gch__builder_wants_encoder(builder);
    for (uint32_t c = 0; c < builder->column_count; c++) {
        gch__chunk_stream *stream = &builder->columns[c].stream;
        stream->is_encoded = false;
        stream->dense = NULL;
        if (!is_wanted)
            continue;
        const gch__encoder_chunk chunk = {.column = c,
                                          .column_count = builder->column_count,
                                          .input = &job->inputs[c],
                                          .kind = builder->columns[c].kind,
                                          .row_count = job->row_count,
                                          .rows_there =
                                              GCH_MAX(builder->rows_there, job->row_count)};
        stream->is_encoded =
            builder->encoder->encode(builder->encoder, &chunk, stream, NULL) == GCH_OK;
        left -= stream->is_encoded;
    }
    return left;
}

/* Lines of times. */
static void ask_encoder_times(chunk_job *job)
{
    gch__builder *builder = job->builder;
    gch__chunk_stream *stream = &builder->time.stream;
    stream->is_encoded = false;
    stream->dense = NULL;
    if (builder->times_there == 0 || !gch__builder_wants_encoder(builder))
        return;
    const gch__encoder_times chunk = {.times = job->times,
                                      .column_count = builder->column_count,
                                      .row_count = job->row_count,
                                      .rows_there = builder->times_there,
                                      .origin = builder->time.origin,
                                      .unit = builder->time.unit};
    stream->is_encoded =
        builder->encoder->encode_times(builder->encoder, &chunk, stream, NULL) == GCH_OK;
}

static void encode_streams(chunk_job *job)
{
    gch__builder *builder = job->builder;
    size_t streams = builder->column_count + 1u - job->stream_first;
    if (job->stream_first == 0)
        ask_encoder_times(job);
    uint32_t left = ask_encoder(job);
    if (left == 0 && (job->stream_first > 0 || builder->time.stream.is_encoded))
        return;
    int64_t start = gch__clock_ns();
    gch__parallel_for(builder->workers, streams * job->group_count, encode_task, job);
    if (builder->encoder != NULL && left == builder->column_count) {
        builder->own_ns += gch__clock_ns() - start;
        builder->own_values += (uint64_t)left * job->row_count;
    }
}

/* Whether every column took the chunk; gives those that did not a wider next_kind. */
static bool check_kinds(chunk_job *job)
{
    gch__builder *builder = job->builder;
    bool fits = true;
    for (uint32_t c = 0; c < builder->column_count; c++) {
        gch__column_build *column = &builder->columns[c];
        const gch__chunk_stream *stream = &column->stream;
        bool is_misfit = false;
        uint64_t negative_zeros = 0;
        for (uint32_t group = 0; group < job->group_count; group++) {
            is_misfit |= stream->group_misfits[group] != 0;
            negative_zeros += stream->negative_zeros[group];
        }
        if (is_misfit)
            column->next_kind =
                gch__kind_widen(builder->kernels, &job->inputs[c], column->kind, job->row_count);
        else if (negative_zeros > job->row_count / 256u)
            column->next_kind = gch__kind_float(column->type);
        else
            continue;
        fits = false;
    }
    return fits;
}

static void guess_kinds(chunk_job *job)
{
    gch__builder *builder = job->builder;
    for (uint32_t c = 0; c < builder->column_count; c++) {
        gch__column_build *column = &builder->columns[c];
        column->kind =
            gch__kind_guess(builder->kernels, &job->inputs[c], column->next_kind, job->row_count,
                            builder->is_fast ? FAST_SAMPLE_BLOCKS : GCH__SAMPLE_BLOCKS);
        column->next_kind = column->kind;
    }
    builder->is_guessed = true;
}

static void apply_next_kinds(gch__builder *builder)
{
    for (uint32_t c = 0; c < builder->column_count; c++)
        builder->columns[c].kind = builder->columns[c].next_kind;
}

/* ---- placing ---- */

static void copy_task(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    chunk_job *job = context;
    uint32_t stream = (uint32_t)(task / job->group_count) + job->stream_first;
    uint32_t group = (uint32_t)(task % job->group_count);
    const gch__chunk_stream *from =
        stream == 0 ? &job->builder->time.stream : &job->builder->columns[stream - 1].stream;
    size_t bytes = (size_t)(job->group_offsets[task + 1] - job->group_offsets[task]);
    const uint8_t *packed = from->packed + (size_t)group * GCH__GROUP_BYTES;
    if (from->dense != NULL)
        packed = from->dense + (job->group_offsets[task] - job->group_offsets[task - group]);
    if (bytes > 0)
        memcpy(job->out + job->group_offsets[task], packed, bytes);
}

/* Directory entries of one stream; *io_units is the place of its first super-block. */
static gch_status place_stream(gch__builder *builder, const gch__chunk_stream *stream,
                               uint32_t row_count, uint32_t **directory, size_t *directory_cap,
                               uint64_t *io_units, uint64_t *group_bytes, gch_error *err)
{
    uint32_t before = gch__super_count(builder->row_count), supers = gch__super_count(row_count);
    GCH_TRY(gch__ensure(builder->allocator, (void **)directory, directory_cap,
                        (size_t)before + supers, sizeof **directory, "directory", err));
    for (uint32_t super = 0; super < supers; super++) {
        (*directory)[before + super] = (uint32_t)*io_units;
        *io_units += stream->super_units[super];
        group_bytes[super / GCH__GROUP_SUPERS] +=
            (uint64_t)stream->super_units[super] * GCH__PAYLOAD_UNIT;
    }
    return GCH_OK;
}

/* Gives every super-block its place and writes the payload. */
static gch_status write_payload(chunk_job *job, gch_error *err)
{
    gch__builder *builder = job->builder;
    size_t streams = builder->column_count + 1u - job->stream_first;
    size_t tasks = streams * job->group_count;
    uint64_t first_units = gch__body_position(&builder->body) / GCH__PAYLOAD_UNIT;
    uint64_t units = first_units;
    job->group_offsets =
        gch__alloc_zero(builder->allocator, tasks + 1, sizeof *job->group_offsets, "chunk");
    if (job->group_offsets == NULL)
        return gch__no_memory(err, "chunk");
    gch_status status = GCH_OK;
    uint64_t *group_bytes = job->group_offsets + 1;
    if (job->stream_first == 0) {
        gch__time_build *time = &builder->time;
        GCH_TRY_GOTO(place_stream(builder, &time->stream, job->row_count, &time->directory,
                                  &time->directory_cap, &units, group_bytes, err),
                     cleanup);
        time->payload_units += units - first_units;
        group_bytes += job->group_count;
    }
    for (uint32_t c = 0; c < builder->column_count; c++) {
        gch__column_build *column = &builder->columns[c];
        uint64_t before = units;
        GCH_TRY_GOTO(place_stream(builder, &column->stream, job->row_count, &column->directory,
                                  &column->directory_cap, &units, group_bytes, err),
                     cleanup);
        column->payload_units += units - before;
        group_bytes += job->group_count;
    }
    for (size_t task = 0; task < tasks; task++)
        job->group_offsets[task + 1] += job->group_offsets[task];
    size_t bytes = (size_t)job->group_offsets[tasks];
    job->out = gch__body_reserve(builder, bytes);
    if (job->out == NULL) {
        status = gch__no_memory(err, "pages");
        goto cleanup;
    }
    gch__parallel_for(builder->workers, tasks, copy_task, job);
    status = gch__body_commit(builder, bytes, err);

cleanup:
    gch__free(builder->allocator, job->group_offsets, "chunk");
    return status;
}

/* ---- gaps, exceptions, bounds ---- */

static gch_status add_run_start(gch__builder *builder, gch__column_build *column, uint32_t row,
                                gch_error *err)
{
    GCH_TRY(gch__ensure(builder->allocator, (void **)&column->run_starts, &column->run_starts_cap,
                        (size_t)column->run_start_count + 1, sizeof *column->run_starts,
                        "run starts", err));
    column->run_starts[column->run_start_count++] = row;
    return GCH_OK;
}

static gch_status add_gaps(gch__builder *builder, gch__column_build *column, uint32_t super,
                           const uint32_t *bitmap, uint32_t rows, gch_error *err)
{
    size_t count = (size_t)column->gap_super_count + 1;
    GCH_TRY(gch__ensure(builder->allocator, (void **)&column->gap_supers, &column->gap_supers_cap,
                        count, sizeof *column->gap_supers, "gaps", err));
    GCH_TRY(gch__ensure(builder->allocator, (void **)&column->gap_bitmaps, &column->gap_bitmaps_cap,
                        count * GCH__BITMAP_WORDS, sizeof *column->gap_bitmaps, "gaps", err));
    column->gap_supers[count - 1] = super;
    memcpy(column->gap_bitmaps + (count - 1) * GCH__BITMAP_WORDS, bitmap,
           GCH__BITMAP_WORDS * sizeof *bitmap);
    column->gap_super_count = (uint32_t)count;
    uint32_t drawn = 0, carry = column->last_is_drawn;
    for (uint32_t word = 0; word < GCH__BITMAP_WORDS; word++) {
        uint32_t starts = bitmap[word] & ~(bitmap[word] << 1 | carry);
        carry = bitmap[word] >> 31;
        drawn += (uint32_t)__builtin_popcount(bitmap[word]);
        for (; starts != 0; starts &= starts - 1)
            GCH_TRY(add_run_start(
                builder, column,
                super * GCH_SUPER_ROWS + word * 32 + (uint32_t)__builtin_ctz(starts), err));
    }
    column->gap_count += rows - drawn;
    column->last_is_drawn = (bitmap[(rows - 1) / 32] >> ((rows - 1) & 31) & 1u) != 0;
    return GCH_OK;
}

static gch_status add_exceptions(gch__builder *builder, gch__column_build *column,
                                 const gch__column_input *input, uint32_t row, uint32_t rows,
                                 gch_error *err)
{
    for (uint32_t i = row; i < row + rows; i++) {
        gch__exception exception;
        if (!gch__exception_get(input, column->kind, i, &exception))
            continue;
        GCH_TRY(gch__ensure(builder->allocator, (void **)&column->exceptions,
                            &column->exceptions_cap, (size_t)column->exception_count + 1,
                            sizeof *column->exceptions, "exceptions", err));
        exception.row = builder->row_count + i;
        column->exceptions[column->exception_count++] = exception;
    }
    return GCH_OK;
}

static gch_status add_column(chunk_job *job, uint32_t index, gch_error *err)
{
    gch__builder *builder = job->builder;
    gch__column_build *column = &builder->columns[index];
    const gch__chunk_stream *stream = &column->stream;
    size_t before = gch__block_count(builder->row_count), blocks = gch__block_count(job->row_count);
    GCH_TRY(gch__ensure(builder->allocator, (void **)&column->bounds, &column->bounds_cap,
                        2 * (before + blocks), sizeof *column->bounds, "tree", err));
    memcpy(column->bounds + 2 * before, stream->bounds, 2 * blocks * sizeof *column->bounds);
    if (builder->row_count == 0)
        column->first_is_drawn =
            (stream->super_flags[0] & GCH__SUPER_HAS_GAPS) == 0 || (stream->bitmaps[0] & 1u) != 0;
    uint32_t first_super = builder->row_count / GCH_SUPER_ROWS;
    for (uint32_t super = 0; super < gch__super_count(job->row_count); super++) {
        uint32_t row = super * GCH_SUPER_ROWS;
        uint32_t rows = GCH_MIN(job->row_count - row, GCH_SUPER_ROWS);
        if (stream->super_flags[super] & GCH__SUPER_HAS_GAPS) {
            GCH_TRY(add_gaps(builder, column, first_super + super,
                             stream->bitmaps + (size_t)super * GCH__BITMAP_WORDS, rows, err));
        } else {
            if (!column->last_is_drawn)
                GCH_TRY(add_run_start(builder, column, builder->row_count + row, err));
            column->last_is_drawn = true;
        }
        if (stream->super_flags[super] & GCH__SUPER_HAS_EXCEPTIONS)
            GCH_TRY(add_exceptions(builder, column, &job->inputs[index], row, rows, err));
    }
    return GCH_OK;
}

static gch_status add_lines(chunk_job *job, gch_error *err)
{
    gch__builder *builder = job->builder;
    gch__time_build *time = &builder->time;
    size_t blocks_before = gch__block_count(builder->row_count);
    size_t supers_before = gch__super_count(builder->row_count);
    size_t blocks = gch__block_count(job->row_count), supers = gch__super_count(job->row_count);
    GCH_TRY(gch__ensure(builder->allocator, (void **)&time->lines, &time->lines_cap,
                        blocks_before + blocks, sizeof *time->lines, "time lines", err));
    GCH_TRY(gch__ensure(builder->allocator, (void **)&time->supers, &time->supers_cap,
                        supers_before + supers, sizeof *time->supers, "time lines", err));
    memcpy(time->lines + blocks_before, time->stream.lines, blocks * sizeof *time->lines);
    memcpy(time->supers + supers_before, time->stream.supers, supers * sizeof *time->supers);
    return GCH_OK;
}

/* ---- a chunk ---- */

/* Plans and packs until times and values fit the open segment, sealing it and widening as needed.
 * Each turn on an empty segment widens a kind or turns to lines, so there is an end. */
static gch_status encode_chunk(chunk_job *job, gch_error *err)
{
    gch__builder *builder = job->builder;
    for (;;) {
        bool fits;
        if (!builder->is_guessed)
            guess_kinds(job);
        GCH_TRY(gch__time_plan(builder, job->times, job->row_count, &fits, err));
        if (fits) {
            job->stream_first = builder->time.mode == GCH__TIME_LINES ? 0 : 1;
            encode_streams(job);
            fits = check_kinds(job);
            /* The payload might outgrow what a directory entry can point to. */
            uint64_t most = gch__body_position(&builder->body) / GCH__PAYLOAD_UNIT +
                            (uint64_t)(builder->column_count + 1) * job->group_count *
                                (GCH__GROUP_BYTES / GCH__PAYLOAD_UNIT);
            if (fits && (builder->row_count == 0 || most <= PAYLOAD_UNITS_MAX))
                return GCH_OK;
        }
        gch__time_rollback(&builder->time);
        GCH_TRY(gch__builder_seal(builder, err));
        apply_next_kinds(builder);
    }
}

gch_status gch__builder_add(gch__builder *builder, const int64_t *times,
                            const gch__column_input *inputs, uint32_t row_count, gch_error *err)
{
    if (row_count > builder->rows_max - builder->row_count)
        GCH_TRY(gch__builder_seal(builder, err));
    chunk_job job = {
        .builder = builder,
        .times = times,
        .inputs = inputs,
        .row_count = row_count,
        .group_count = (row_count + GCH__GROUP_ROWS - 1) / GCH__GROUP_ROWS,
    };
    GCH_TRY(encode_chunk(&job, err));
    GCH_TRY(write_payload(&job, err));
    for (uint32_t c = 0; c < builder->column_count; c++)
        GCH_TRY(add_column(&job, c, err));
    if (job.stream_first == 0)
        GCH_TRY(add_lines(&job, err));
    builder->time.last_time = times[row_count - 1];
    builder->row_count += row_count;
    return GCH_OK;
}

/* ---- life ---- */

static gch_status init_stream(const gch_allocator *allocator, gch__chunk_stream *stream,
                              uint32_t chunk_rows, bool is_time, gch_error *err)
{
    size_t groups = chunk_rows / GCH__GROUP_ROWS, supers = chunk_rows / GCH_SUPER_ROWS;
    size_t blocks = chunk_rows / GCH_BLOCK_ROWS;
    stream->packed = gch__alloc_array(allocator, groups, GCH__GROUP_BYTES, "chunk");
    stream->super_units = gch__alloc_zero(allocator, supers, sizeof(uint32_t), "chunk");
    bool is_whole = stream->packed != NULL && stream->super_units != NULL;
    if (is_time) {
        stream->lines = gch__alloc_zero(allocator, blocks, sizeof *stream->lines, "chunk");
        stream->supers = gch__alloc_zero(allocator, supers, sizeof *stream->supers, "chunk");
        is_whole = is_whole && stream->lines != NULL && stream->supers != NULL;
    } else {
        stream->bounds = gch__alloc_zero(allocator, 2 * blocks, sizeof *stream->bounds, "chunk");
        stream->bitmaps = gch__alloc_zero(allocator, supers * GCH__BITMAP_WORDS,
                                          sizeof *stream->bitmaps, "chunk");
        stream->super_flags = gch__alloc_zero(allocator, supers, 1, "chunk");
        stream->group_misfits = gch__alloc_zero(allocator, groups, 1, "chunk");
        stream->negative_zeros = gch__alloc_zero(allocator, groups, sizeof(uint32_t), "chunk");
        is_whole = is_whole && stream->bounds != NULL && stream->bitmaps != NULL &&
                   stream->super_flags != NULL && stream->group_misfits != NULL &&
                   stream->negative_zeros != NULL;
    }
    return is_whole ? GCH_OK : gch__no_memory(err, "chunk");
}

static void reset_stream(const gch_allocator *allocator, gch__chunk_stream *stream)
{
    gch__free(allocator, stream->packed, "chunk");
    gch__free(allocator, stream->super_units, "chunk");
    gch__free(allocator, stream->bounds, "chunk");
    gch__free(allocator, stream->bitmaps, "chunk");
    gch__free(allocator, stream->super_flags, "chunk");
    gch__free(allocator, stream->group_misfits, "chunk");
    gch__free(allocator, stream->negative_zeros, "chunk");
    gch__free(allocator, stream->lines, "chunk");
    gch__free(allocator, stream->supers, "chunk");
}

/* So many columns of 8 bytes share a chunk of the one size that a group still fits in. */
static uint32_t choose_chunk_rows(uint32_t column_count)
{
    uint32_t rows = GCH__CHUNK_ROWS_MAX;
    while (rows > GCH__GROUP_ROWS && (uint64_t)rows * column_count > 4u * GCH__CHUNK_ROWS_MAX)
        rows /= 2;
    return rows;
}

gch_status gch__builder_init(gch__builder *builder, const gch_type *types, gch_error *err)
{
    builder->kernels = gch__kernels_get();
    builder->chunk_rows = choose_chunk_rows(builder->column_count);
    builder->rows_max = GCH_SEGMENT_ROWS_MAX;
    builder->columns = gch__alloc_zero(builder->allocator, builder->column_count,
                                       sizeof *builder->columns, "columns");
    if (builder->columns == NULL)
        return gch__no_memory(err, "columns");
    builder->offset = gch__align_up(builder->end, GCH__PAGE_BYTES);
    for (uint32_t c = 0; c < builder->column_count; c++) {
        builder->columns[c].type = types[c];
        GCH_TRY(init_stream(builder->allocator, &builder->columns[c].stream, builder->chunk_rows,
                            false, err));
    }
    return init_stream(builder->allocator, &builder->time.stream, builder->chunk_rows, true, err);
}

void gch__builder_reset(gch__builder *builder)
{
    const gch_allocator *allocator = builder->allocator;
    for (uint32_t c = 0; builder->columns != NULL && c < builder->column_count; c++) {
        gch__column_build *column = &builder->columns[c];
        reset_stream(allocator, &column->stream);
        gch__free(allocator, column->bounds, "tree");
        gch__free(allocator, column->directory, "directory");
        gch__free(allocator, column->gap_supers, "gaps");
        gch__free(allocator, column->gap_bitmaps, "gaps");
        gch__free(allocator, column->run_starts, "run starts");
        gch__free(allocator, column->exceptions, "exceptions");
    }
    gch__free(allocator, builder->columns, "columns");
    reset_stream(allocator, &builder->time.stream);
    gch__free(allocator, builder->time.runs, "affine runs");
    gch__free(allocator, builder->time.supers, "time lines");
    gch__free(allocator, builder->time.lines, "time lines");
    gch__free(allocator, builder->time.directory, "directory");
    gch__free(allocator, builder->body.bytes, "pages");
    gch__free(allocator, builder->body.checksums, "checksums");
    gch__free(allocator, builder->segments, "segments");
    *builder = (gch__builder){0};
}
