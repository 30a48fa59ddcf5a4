/* Binary planes to batches: a lone plane as a feed, piece by piece; several by reading all of them
 * row for row.
 *
 * Invariants:
 *  1. All planes advance by the same number of rows; a plane that ends early is an error.
 *  2. Values are copied to the bit; only byte order changes.
 *  3. Feed: partial_bytes of an incomplete row lie where the next row belongs, in the scratch or in
 *     the batch.
 */
#include "ingest_binary.h"

#include "gch/time.h"

#include <string.h>

#define SCRATCH_BYTES ((size_t)8 << 20)
#define PIECE_ROWS ((size_t)16384) /* copied by one worker at a time */

#define IN_PLACE SIZE_MAX

typedef struct binary_run {
    gch__ingest_job *job;
    const gch__binary_layout *layout;
    gch__chosen chosen;
    gch__ingest_sink sink;
    size_t chunk_rows;
    uint8_t *scratch;   /* a chunk of one plane behind the other */
    size_t *plane_at;   /* of each plane in the scratch; IN_PLACE: read into the batch itself */
    uint64_t row_count; /* read */
    bool is_open;       /* the unit is decided and the sink open */
    /* Of a feed: */
    size_t partial_bytes;
    uint64_t skip_left;
} binary_run;

static uint64_t load(const uint8_t *from, size_t bytes, bool is_big_endian)
{
    switch (bytes) {
    case 1:
        return from[0];
    case 2: {
        uint16_t value = gch__load_u16(from);
        return is_big_endian ? __builtin_bswap16(value) : value;
    }
    case 4: {
        uint32_t value = gch__load_u32(from);
        return is_big_endian ? __builtin_bswap32(value) : value;
    }
    default: {
        uint64_t value = gch__load_u64(from);
        return is_big_endian ? __builtin_bswap64(value) : value;
    }
    }
}

#define COPY_LOOP(bits, convert)                                                                   \
    for (size_t i = 0; i < count; i++) {                                                           \
        uint##bits##_t value;                                                                      \
        memcpy(&value, from + i * stride, sizeof value);                                           \
        value = convert(value);                                                                    \
        memcpy(to + i * sizeof value, &value, sizeof value);                                       \
    }                                                                                              \
    break

/* Strided to dense, in native order, which is little-endian. */
static void copy_values(const gch__binary_field *field, const uint8_t *from, size_t stride,
                        size_t count, uint8_t *to)
{
    const size_t bytes = gch_type_bytes(field->type);
    if (stride == bytes && (!field->is_big_endian || bytes == 1)) {
        memcpy(to, from, count * bytes);
        return;
    }
    switch (bytes * 2 + field->is_big_endian) {
    case 2:
    case 3:
        COPY_LOOP(8, );
    case 4:
        COPY_LOOP(16, );
    case 5:
        COPY_LOOP(16, __builtin_bswap16);
    case 8:
        COPY_LOOP(32, );
    case 9:
        COPY_LOOP(32, __builtin_bswap32);
    case 16:
        COPY_LOOP(64, );
    default:
        COPY_LOOP(64, __builtin_bswap64);
    }
}
#undef COPY_LOOP

#define WIDEN_LOOP(type)                                                                           \
    for (size_t i = 0; i < count; i++) {                                                           \
        type value;                                                                                \
        memcpy(&value, from + i * stride, sizeof value);                                           \
        to[i] = (int64_t)value;                                                                    \
    }                                                                                              \
    return true

/* Times that are plain little-endian integers; false if they are not. */
static bool copy_plain_times(const gch__binary_field *field, const uint8_t *from, size_t stride,
                             size_t count, int64_t *to)
{
    if (field->is_datetime || field->is_big_endian)
        return false;
    switch (field->type) {
    case GCH_TYPE_I16:
        WIDEN_LOOP(int16_t);
    case GCH_TYPE_U16:
        WIDEN_LOOP(uint16_t);
    case GCH_TYPE_I32:
        WIDEN_LOOP(int32_t);
    case GCH_TYPE_U32:
        WIDEN_LOOP(uint32_t);
    case GCH_TYPE_I64:
        WIDEN_LOOP(int64_t);
    default:
        return false;
    }
}
#undef WIDEN_LOOP

static int64_t to_int64(uint64_t bits, gch_type type)
{
    switch (type) {
    case GCH_TYPE_I8:
        return (int8_t)bits;
    case GCH_TYPE_I16:
        return (int16_t)bits;
    case GCH_TYPE_I32:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}

static gch_status copy_times(const binary_run *run, const gch__binary_field *field,
                             const uint8_t *from, size_t stride, size_t count, int64_t *to,
                             gch_error *err)
{
    const gch__binary_plane *plane = &run->layout->planes[field->plane];
    const size_t bytes = gch_type_bytes(field->type);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = load(from + i * stride, bytes, field->is_big_endian);
        int64_t time = to_int64(bits, field->type);
        uint64_t row = run->row_count + i;
        if (field->is_datetime && time == INT64_MIN)
            return gch_fail(err, GCH_PARSE, "%s: row %llu (byte %llu): the time is NaT (missing)",
                            plane->input->name, (unsigned long long)(row + 1),
                            (unsigned long long)(plane->offset + row * stride));
        if (field->is_datetime && __builtin_mul_overflow(time, field->multiple, &time))
            return gch_fail(err, GCH_PARSE, "%s: row %llu: the time is beyond 64 bits of %s",
                            plane->input->name, (unsigned long long)(row + 1),
                            gch_time_unit_name(field->datetime_unit));
        to[i] = time;
    }
    return GCH_OK;
}

static bool is_ordered(const int64_t *times, size_t count)
{
    int64_t is_early = 0;
    for (size_t i = 1; i < count; i++)
        is_early |= times[i] < times[i - 1];
    return is_early == 0;
}

static gch_status check_order(binary_run *run, const int64_t *times, size_t count,
                              bool pieces_are_ordered, const gch__binary_field *field,
                              gch_error *err)
{
    gch__ingest_sink *sink = &run->sink;
    if (run->job->desc->sort || count == 0)
        return GCH_OK;
    int64_t last = sink->has_last ? sink->last_time : times[0];
    if (times[0] >= last && pieces_are_ordered) {
        sink->has_last = true;
        sink->last_time = times[count - 1];
        return GCH_OK;
    }
    for (size_t i = 0; i < count; last = times[i], i++) {
        if (times[i] >= last)
            continue;
        uint64_t row = run->row_count + i;
        const gch__binary_plane *plane = &run->layout->planes[field->plane];
        uint64_t byte = plane->offset + row * plane->stride_bytes + field->offset_bytes;
        gch__ingest_note_late(run->job, times[i]);
        return gch_fail(err, GCH_UNSORTED,
                        "%s: row %llu (byte %llu): time %lld is earlier than %lld %s",
                        plane->input->name, (unsigned long long)(row + 1), (unsigned long long)byte,
                        (long long)times[i], (long long)last,
                        row == 0 ? "at the end of the file appended to" : "before it");
    }
    sink->has_last = true;
    sink->last_time = last;
    return GCH_OK;
}

/* The column of the batch that holds what the plane holds, byte for byte; NULL if there is none. */
static uint8_t *place_of(const binary_run *run, uint32_t plane)
{
    const gch__binary_layout *layout = run->layout;
    const gch__batch *batch = &run->sink.batch;
    uint8_t *place = NULL;
    uint32_t use_count = 0;
    for (uint32_t i = 0; i <= run->sink.column_count; i++) {
        bool is_time = i == run->sink.column_count;
        uint32_t index = is_time ? run->chosen.time : run->chosen.values[i];
        if (index == GCH__NO_FIELD || layout->fields[index].plane != plane)
            continue;
        const gch__binary_field *field = &layout->fields[index];
        const size_t bytes = gch_type_bytes(field->type);
        use_count++;
        if (bytes != layout->planes[plane].stride_bytes || field->is_big_endian)
            continue;
        if (!is_time)
            place = (uint8_t *)batch->columns[i].values + batch->row_count * bytes;
        else if (field->type == GCH_TYPE_I64 && !field->is_datetime)
            place = (uint8_t *)(batch->times + batch->row_count);
    }
    return use_count == 1 ? place : NULL;
}

/* Up to `wanted` rows of a plane into the scratch, or where they belong. */
static gch_status read_plane(binary_run *run, uint32_t index, size_t wanted, size_t *out_rows,
                             gch_error *err)
{
    const gch__binary_plane *plane = &run->layout->planes[index];
    uint8_t *to = run->plane_at[index] != IN_PLACE ? run->scratch + run->plane_at[index]
                                                   : place_of(run, index);
    const size_t stride = plane->stride_bytes;
    uint64_t at = plane->offset + run->row_count * stride;
    size_t count;
    if (plane->is_positioned)
        GCH_TRY(gch__input_read_at(plane->input, at, to, wanted * stride, &count, err));
    else
        GCH_TRY(gch__input_read(plane->input, to, wanted * stride, &count, err));
    if (plane->is_positioned)
        plane->input->done_bytes += count; /* for the progress */
    *out_rows = count / stride;
    if (run->layout->row_count == GCH__ROWS_UNKNOWN && count % stride != 0)
        return gch_fail(err, GCH_PARSE,
                        "%s: %zu bytes left over at byte %llu, where records are %zu bytes",
                        plane->input->name, count % stride,
                        (unsigned long long)(at + *out_rows * stride), stride);
    if (run->layout->row_count != GCH__ROWS_UNKNOWN && *out_rows < wanted)
        return gch_fail(err, GCH_PARSE, "%s: ends at byte %llu after %llu of %llu rows",
                        plane->input->name, (unsigned long long)(at + count),
                        (unsigned long long)(run->row_count + *out_rows),
                        (unsigned long long)run->layout->row_count);
    return GCH_OK;
}

/* A chunk of all planes; *out_rows 0 at the end. */
static gch_status read_chunk(binary_run *run, size_t room, size_t *out_rows, gch_error *err)
{
    const gch__binary_layout *layout = run->layout;
    size_t wanted = GCH_MIN(run->chunk_rows, room);
    if (layout->row_count != GCH__ROWS_UNKNOWN)
        wanted = (size_t)GCH_MIN((uint64_t)wanted, layout->row_count - run->row_count);
    *out_rows = 0;
    if (wanted == 0)
        return GCH_OK;
    for (uint32_t i = 0; i < layout->plane_count; i++) {
        size_t rows;
        GCH_TRY(read_plane(run, i, wanted, &rows, err));
        if (i > 0 && rows != *out_rows) {
            bool is_short = rows < *out_rows;
            uint64_t row_count = run->row_count + (is_short ? rows : *out_rows);
            return gch_fail(
                err, GCH_PARSE, "%s: holds %llu rows, fewer than %s; columns must have one length",
                layout->planes[is_short ? i : 0].input->name, (unsigned long long)row_count,
                layout->planes[is_short ? 0 : i].input->name);
        }
        *out_rows = rows;
    }
    return GCH_OK;
}

static const gch__binary_field *time_field(const binary_run *run)
{
    return run->chosen.time != GCH__NO_FIELD ? &run->layout->fields[run->chosen.time] : NULL;
}

static gch_status decide_unit(binary_run *run, gch_time_unit *out, gch_error *err)
{
    const gch_ingest_desc *desc = run->job->desc;
    const gch__binary_field *field = time_field(run);
    gch_time_unit given = desc->time_unit;
    if (given == GCH_TIME_DEFAULT && run->job->existing != NULL)
        given = run->job->existing->time_unit;
    if (field == NULL) {
        *out = desc->rate_hz == 0          ? GCH_TIME_INDEX
               : given != GCH_TIME_DEFAULT ? given
                                           : GCH_TIME_NS;
    } else if (field->is_datetime) {
        if (given != GCH_TIME_DEFAULT && given != field->datetime_unit)
            return gch_fail(err, GCH_INVALID, "%s: times are datetime64 in %s, asked for in %s",
                            run->layout->planes[field->plane].input->name,
                            gch_time_unit_name(field->datetime_unit), gch_time_unit_name(given));
        *out = field->datetime_unit;
    } else if (given != GCH_TIME_DEFAULT) {
        *out = given;
    } else if (gch__is_index_name(field->name)) {
        *out = GCH_TIME_INDEX;
    } else {
        int64_t largest = 0;
        size_t count = GCH_MIN(run->sink.batch.row_count, (size_t)GCH__PROBE_ROWS);
        for (size_t i = 0; i < count; i++) {
            int64_t time = run->sink.batch.times[i];
            largest = GCH_MAX(largest, time < 0 ? -(time + 1) : time);
        }
        *out = gch_time_unit_guess(largest);
        run->job->report->time_unit_guessed = true;
    }
    return GCH_OK;
}

static gch_status open_sink(binary_run *run, gch_error *err)
{
    const gch_ingest_desc *desc = run->job->desc;
    const gch__binary_field *field = time_field(run);
    gch_time_unit unit = GCH_TIME_DEFAULT;
    if (run->is_open)
        return GCH_OK;
    run->is_open = true;
    GCH_TRY(decide_unit(run, &unit, err));
    if (desc->rate_hz != 0)
        GCH_TRY(gch__rate_set(&run->sink.rate, desc->rate_hz, unit, desc->start_ticks, err));
    const char *time_name = field != NULL ? field->name : unit == GCH_TIME_INDEX ? "index" : NULL;
    return gch__ingest_sink_open(&run->sink, unit, field != NULL && field->is_datetime, time_name,
                                 err);
}

typedef struct copy_job {
    const binary_run *run;
    size_t rows;
    bool is_disordered; /* within a piece; set atomically */
} copy_job;

/* A piece of the chunk from the scratch to the batch. */
static void copy_piece(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    copy_job *job = context;
    const binary_run *run = job->run;
    const gch__binary_layout *layout = run->layout;
    const gch__batch *batch = &run->sink.batch;
    const size_t first = task * PIECE_ROWS, count = GCH_MIN(PIECE_ROWS, job->rows - first);
    const size_t at = batch->row_count + first;
    for (uint32_t i = 0; i < run->sink.column_count; i++) {
        const gch__binary_field *field = &layout->fields[run->chosen.values[i]];
        const size_t stride = layout->planes[field->plane].stride_bytes;
        if (run->plane_at[field->plane] == IN_PLACE)
            continue;
        copy_values(
            field,
            run->scratch + run->plane_at[field->plane] + field->offset_bytes + first * stride,
            stride, count, (uint8_t *)batch->columns[i].values + at * gch_type_bytes(field->type));
    }
    const gch__binary_field *time = time_field(run);
    if (time == NULL)
        return;
    const size_t stride = layout->planes[time->plane].stride_bytes;
    bool is_copied = run->plane_at[time->plane] == IN_PLACE ||
                     copy_plain_times(time,
                                      run->scratch + run->plane_at[time->plane] +
                                          time->offset_bytes + first * stride,
                                      stride, count, batch->times + at);
    /* The step into a piece is looked at once all of them are there. */
    if (!is_copied || !is_ordered(batch->times + at, count))
        __atomic_store_n(&job->is_disordered, true, __ATOMIC_RELAXED);
}

static gch_status take_chunk(binary_run *run, size_t rows, gch_error *err)
{
    const gch__binary_field *time = time_field(run);
    gch__batch *batch = &run->sink.batch;
    const size_t at = batch->row_count, pieces = (rows + PIECE_ROWS - 1) / PIECE_ROWS;
    copy_job job = {.run = run, .rows = rows};
    gch__parallel_for(run->job->desc->workers, pieces, copy_piece, &job);
    if (time != NULL) {
        const bool is_plain = !time->is_datetime && !time->is_big_endian &&
                              time->type != GCH_TYPE_I8 && time->type != GCH_TYPE_U8;
        if (!is_plain)
            GCH_TRY(copy_times(
                run, time, run->scratch + run->plane_at[time->plane] + time->offset_bytes,
                run->layout->planes[time->plane].stride_bytes, rows, batch->times + at, err));
        bool are_ordered = !job.is_disordered;
        for (size_t i = PIECE_ROWS; i < rows; i += PIECE_ROWS)
            are_ordered &= batch->times[at + i] >= batch->times[at + i - 1];
        GCH_TRY(check_order(run, batch->times + at, rows, are_ordered, time, err));
    }
    batch->row_count += rows;
    run->row_count += rows;
    return GCH_OK;
}

static gch_status make_scratch(binary_run *run, gch_error *err)
{
    const gch__binary_layout *layout = run->layout;
    const gch_allocator *allocator = run->job->allocator;
    size_t row_bytes = 0, at = 0;
    run->plane_at =
        gch__alloc_array(allocator, layout->plane_count, sizeof *run->plane_at, "ingest scratch");
    if (run->plane_at == NULL)
        return gch__no_memory(err, "ingest scratch");
    for (uint32_t i = 0; i < layout->plane_count; i++) {
        run->plane_at[i] = place_of(run, i) != NULL ? IN_PLACE : 0;
        row_bytes += run->plane_at[i] != IN_PLACE ? layout->planes[i].stride_bytes : 0;
    }
    run->chunk_rows = row_bytes > 0 ? GCH_MAX(SCRATCH_BYTES / row_bytes, (size_t)1) : SIZE_MAX;
    if (row_bytes == 0)
        return GCH_OK;
    run->chunk_rows = GCH_MIN(run->chunk_rows, run->sink.row_cap);
    run->scratch = gch__alloc_array(allocator, run->chunk_rows, row_bytes, "ingest scratch");
    if (run->scratch == NULL)
        return gch__no_memory(err, "ingest scratch");
    for (uint32_t i = 0; i < layout->plane_count; i++) {
        if (run->plane_at[i] == IN_PLACE)
            continue;
        run->plane_at[i] = at;
        at += run->chunk_rows * layout->planes[i].stride_bytes;
    }
    return GCH_OK;
}

/* Chooses columns and makes room for them. */
static gch_status begin(binary_run *run, gch_error *err)
{
    const gch__binary_layout *layout = run->layout;
    const gch_allocator *allocator = run->job->allocator;
    const char *input_name = layout->planes[0].input->name;
    gch_status status = GCH_OK;
    gch_column_desc *descs = NULL;
    uint32_t datetime_field = GCH__NO_FIELD, kept = 0;
    const char **names = gch__alloc_array(allocator, layout->field_count, sizeof *names, "columns");
    if (names == NULL)
        return gch__no_memory(err, "columns");
    for (uint32_t i = layout->field_count; i-- > 0;) {
        names[i] = layout->fields[i].name;
        if (layout->fields[i].is_datetime)
            datetime_field = i;
    }
    GCH_TRY_GOTO(gch__choose_columns(run->job, input_name, names, layout->field_count,
                                     datetime_field, &run->chosen, err),
                 cleanup);
    const gch__binary_field *time = time_field(run);
    if (time != NULL && (time->type == GCH_TYPE_F32 || time->type == GCH_TYPE_F64)) {
        status = gch_fail(err, GCH_INVALID,
                          "%s: time column \"%.60s\" is %s, times are integers; convert it, choose "
                          "another with --time, or give --time none or --rate",
                          input_name, time->name, gch_type_name(time->type));
        goto cleanup;
    }
    descs = gch__alloc_zero(allocator, run->chosen.value_count, sizeof *descs, "columns");
    if (descs == NULL) {
        status = gch__no_memory(err, "columns");
        goto cleanup;
    }
    for (uint32_t i = 0; i < run->chosen.value_count; i++) {
        const gch__binary_field *field = &layout->fields[run->chosen.values[i]];
        uint32_t index = run->chosen.values[i];
        bool is_place = index == run->chosen.x || index == run->chosen.y;
        if (field->is_datetime && (run->chosen.is_named || is_place)) {
            status = gch_fail(err, GCH_UNSUPPORTED,
                              "%s: column \"%.80s\" is datetime64, which only the time may be",
                              input_name, field->name);
            goto cleanup;
        }
        if (field->is_datetime) {
            run->job->report->skipped_column_count++;
            continue;
        }
        run->chosen.values[kept] = run->chosen.values[i];
        descs[kept++] = (gch_column_desc){.name = field->name, .type = field->type};
    }
    if (kept == 0) {
        status =
            gch_fail(err, GCH_INVALID, "%s: no column besides the time holds numbers", input_name);
        goto cleanup;
    }
    status = gch__ingest_sink_init(&run->sink, run->job, descs, kept,
                                   time != NULL || run->job->desc->rate_hz != 0, err);
    gch__ingest_sink_set_points(&run->sink, &run->chosen);
cleanup:
    gch__free(allocator, names, "columns");
    gch__free(allocator, descs, "columns");
    return status;
}

/* ---- a lone plane, piece by piece ---- */

/* Where the plane's next row belongs. */
static uint8_t *next_row(const binary_run *run)
{
    return run->plane_at[0] == IN_PLACE ? place_of(run, 0) : run->scratch;
}

static gch_status begin_input(void *context, const gch__input *input, gch_error *err)
{
    (void)context;
    (void)input;
    (void)err;
    return GCH_OK; /* the layout names it */
}

static gch_status room(void *context, uint8_t **out_to, size_t *out_cap, gch_error *err)
{
    (void)err;
    const binary_run *run = context;
    const gch__ingest_sink *sink = &run->sink;
    const size_t rows = GCH_MIN(run->chunk_rows, sink->row_cap - sink->batch.row_count);
    *out_to = rows > 0 ? next_row(run) + run->partial_bytes : NULL;
    *out_cap = rows * run->layout->planes[0].stride_bytes;
    *out_cap -= rows > 0 ? run->partial_bytes : 0;
    return GCH_OK;
}

static gch_status flush(void *context, gch_error *err)
{
    binary_run *run = context;
    const uint8_t *partial = next_row(run);
    GCH_TRY(gch__ingest_sink_flush(&run->sink, err));
    if (run->partial_bytes > 0)
        memmove(next_row(run), partial, run->partial_bytes);
    return GCH_OK;
}

/* Drops what is to be skipped from `count` new bytes; returns those that are left. */
static size_t skip_bytes(binary_run *run, size_t count)
{
    const size_t skipped = (size_t)GCH_MIN((uint64_t)count, run->skip_left);
    if (skipped > 0)
        memmove(next_row(run), next_row(run) + skipped, count - skipped);
    run->skip_left -= skipped;
    return count - skipped;
}

static gch_status check_end(const binary_run *run, gch_error *err)
{
    const gch__binary_plane *plane = &run->layout->planes[0];
    if (run->skip_left > 0)
        return gch_fail(err, GCH_PARSE, "%s: has %llu bytes, fewer than the %llu to skip",
                        plane->input->name, (unsigned long long)plane->input->done_bytes,
                        (unsigned long long)plane->offset);
    if (run->partial_bytes > 0)
        return gch_fail(err, GCH_PARSE,
                        "%s: %zu bytes left over at byte %llu, where records are %zu bytes",
                        plane->input->name, run->partial_bytes,
                        (unsigned long long)(plane->offset + run->row_count * plane->stride_bytes),
                        plane->stride_bytes);
    return GCH_OK;
}

static gch_status take(void *context, size_t count, bool is_end, gch_error *err)
{
    binary_run *run = context;
    gch__ingest_sink *sink = &run->sink;
    const size_t stride = run->layout->planes[0].stride_bytes;
    run->partial_bytes += skip_bytes(run, count);
    const size_t rows = run->partial_bytes / stride;
    if (rows > 0) {
        const uint8_t *behind = next_row(run) + rows * stride;
        run->partial_bytes -= rows * stride;
        GCH_TRY(take_chunk(run, rows, err));
        if (run->partial_bytes > 0)
            memmove(next_row(run), behind, run->partial_bytes);
    }
    if (run->row_count >= GCH__PROBE_ROWS)
        GCH_TRY(open_sink(run, err));
    if (sink->batch.row_count == sink->row_cap)
        GCH_TRY(flush(run, err));
    return is_end ? check_end(run, err) : GCH_OK;
}

static gch_status settle(void *context, gch_error *err)
{
    return open_sink(context, err);
}

static void run_reset(binary_run *run)
{
    gch__ingest_sink_reset(&run->sink);
    gch__chosen_reset(run->job, &run->chosen);
    gch__free(run->job->allocator, run->scratch, "ingest scratch");
    gch__free(run->job->allocator, run->plane_at, "ingest scratch");
}

static void destroy(void *context)
{
    binary_run *run = context;
    run_reset(run);
    gch__free(run->job->allocator, run, "ingest scratch");
}

static const gch__feed_class feed_class = {.begin_input = begin_input,
                                           .room = room,
                                           .take = take,
                                           .settle = settle,
                                           .flush = flush,
                                           .destroy = destroy};

/* ---- several planes, read row for row ---- */

static gch_status read_all(binary_run *run, gch_error *err)
{
    gch__ingest_sink *sink = &run->sink;
    GCH_TRY(begin(run, err));
    GCH_TRY(make_scratch(run, err));
    for (;;) {
        size_t rows;
        GCH_TRY(read_chunk(run, sink->row_cap - sink->batch.row_count, &rows, err));
        if (rows > 0)
            GCH_TRY(take_chunk(run, rows, err));
        GCH_TRY(open_sink(run, err));
        if (rows == 0)
            break;
        if (sink->batch.row_count == sink->row_cap)
            GCH_TRY(gch__ingest_sink_flush(sink, err));
        GCH_TRY(gch__ingest_tell(run->job, err));
        GCH_TRY(gch__feed_commit_due(&(gch__feed){.class = &feed_class, .run = run, .sink = sink},
                                     run->job, err));
    }
    return gch__ingest_sink_finish(sink, err);
}

gch_status gch__ingest_binary(gch__ingest_job *job, const gch__binary_layout *layout,
                              gch_error *err)
{
    binary_run run = {.job = job, .layout = layout};
    gch_status status = read_all(&run, err);
    run_reset(&run);
    return status;
}

gch_status gch__feed_make_binary(gch__ingest_job *job, const gch__binary_layout *layout,
                                 gch__feed *out, gch_error *err)
{
    binary_run *run = gch__alloc_zero(job->allocator, 1, sizeof *run, "ingest scratch");
    if (run == NULL)
        return gch__no_memory(err, "ingest scratch");
    run->job = job;
    run->layout = layout;
    run->skip_left = layout->planes[0].offset;
    gch_status status = begin(run, err);
    if (status == GCH_OK)
        status = make_scratch(run, err);
    if (status != GCH_OK) {
        destroy(run);
        return status;
    }
    *out = (gch__feed){.class = &feed_class, .run = run, .sink = &run->sink};
    return GCH_OK;
}
