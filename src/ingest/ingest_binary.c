/* Binary planes to batches.
 *
 * Invariants:
 *  1. All planes advance by the same number of rows; a plane that ends early is an error.
 *  2. Values are copied to the bit; only byte order changes.
 */
#include "ingest_binary.h"

#include "gch/time.h"
#include "ingest_sink.h"

#include <string.h>

#define SCRATCH_BYTES ((size_t)8 << 20)
#define CHUNK_ROWS_MAX ((size_t)65536)

typedef struct binary_run {
    gch__ingest_job *job;
    const gch__binary_layout *layout;
    gch__chosen chosen;
    gch__ingest_sink sink;
    size_t chunk_rows;
    uint8_t *scratch;   /* a chunk of one plane behind the other */
    size_t *plane_at;   /* of each plane in the scratch */
    uint64_t row_count; /* read */
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

/* Strided to dense, in native order. */
static void copy_values(const gch__binary_field *field, const uint8_t *from, size_t stride,
                        size_t count, uint8_t *to)
{
    const size_t bytes = gch_type_bytes(field->type);
    if (stride == bytes && !field->is_big_endian) {
        memcpy(to, from, count * bytes);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t value = load(from + i * stride, bytes, field->is_big_endian);
        memcpy(to + i * bytes, &value, bytes); /* little-endian */
    }
}

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

static gch_status check_order(binary_run *run, const int64_t *times, size_t count,
                              const gch__binary_field *field, gch_error *err)
{
    gch__ingest_sink *sink = &run->sink;
    if (run->job->desc->sort || count == 0)
        return GCH_OK;
    int64_t last = sink->has_last ? sink->last_time : times[0];
    for (size_t i = 0; i < count; last = times[i], i++) {
        if (times[i] >= last)
            continue;
        uint64_t row = run->row_count + i;
        const gch__binary_plane *plane = &run->layout->planes[field->plane];
        uint64_t byte = plane->offset + row * plane->stride_bytes + field->offset_bytes;
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

/* Up to `wanted` rows of a plane into the scratch. */
static gch_status read_plane(binary_run *run, uint32_t index, size_t wanted, size_t *out_rows,
                             gch_error *err)
{
    const gch__binary_plane *plane = &run->layout->planes[index];
    uint8_t *to = run->scratch + run->plane_at[index];
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
    GCH_TRY(decide_unit(run, &unit, err));
    if (desc->rate_hz != 0)
        GCH_TRY(gch__rate_set(&run->sink.rate, desc->rate_hz, unit, desc->start_ticks, err));
    const char *time_name = field != NULL ? field->name : unit == GCH_TIME_INDEX ? "index" : NULL;
    return gch__ingest_sink_open(&run->sink, unit, field != NULL && field->is_datetime, time_name,
                                 err);
}

static gch_status take_chunk(binary_run *run, size_t rows, gch_error *err)
{
    const gch__binary_layout *layout = run->layout;
    const gch__binary_field *time = time_field(run);
    gch__batch *batch = &run->sink.batch;
    const size_t at = batch->row_count;
    for (uint32_t i = 0; i < run->sink.column_count; i++) {
        const gch__binary_field *field = &layout->fields[run->chosen.values[i]];
        const uint8_t *from = run->scratch + run->plane_at[field->plane] + field->offset_bytes;
        copy_values(field, from, layout->planes[field->plane].stride_bytes, rows,
                    (uint8_t *)batch->columns[i].values + at * gch_type_bytes(field->type));
    }
    if (time != NULL) {
        const uint8_t *from = run->scratch + run->plane_at[time->plane] + time->offset_bytes;
        GCH_TRY(copy_times(run, time, from, layout->planes[time->plane].stride_bytes, rows,
                           batch->times + at, err));
        GCH_TRY(check_order(run, batch->times + at, rows, time, err));
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
    for (uint32_t i = 0; i < layout->plane_count; i++)
        row_bytes += layout->planes[i].stride_bytes;
    run->chunk_rows =
        GCH_MAX(GCH_MIN(SCRATCH_BYTES / GCH_MAX(row_bytes, (size_t)1), CHUNK_ROWS_MAX), (size_t)1);
    run->scratch = gch__alloc_array(allocator, run->chunk_rows, row_bytes, "ingest scratch");
    run->plane_at =
        gch__alloc_array(allocator, layout->plane_count, sizeof *run->plane_at, "ingest scratch");
    if (run->scratch == NULL || run->plane_at == NULL)
        return gch__no_memory(err, "ingest scratch");
    for (uint32_t i = 0; i < layout->plane_count; i++) {
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
        if (field->is_datetime && run->chosen.is_named) {
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
cleanup:
    gch__free(allocator, names, "columns");
    gch__free(allocator, descs, "columns");
    return status;
}

static gch_status read_all(binary_run *run, gch_error *err)
{
    gch__ingest_sink *sink = &run->sink;
    bool is_open = false;
    GCH_TRY(begin(run, err));
    GCH_TRY(make_scratch(run, err));
    for (;;) {
        size_t rows;
        GCH_TRY(read_chunk(run, sink->row_cap - sink->batch.row_count, &rows, err));
        if (rows > 0)
            GCH_TRY(take_chunk(run, rows, err));
        if (!is_open)
            GCH_TRY(open_sink(run, err));
        is_open = true;
        if (rows == 0)
            break;
        if (sink->batch.row_count == sink->row_cap)
            GCH_TRY(gch__ingest_sink_flush(sink, err));
        GCH_TRY(gch__ingest_tell(run->job, err));
    }
    return gch__ingest_sink_finish(sink, err);
}

gch_status gch__ingest_binary(gch__ingest_job *job, const gch__binary_layout *layout,
                              gch_error *err)
{
    binary_run run = {.job = job, .layout = layout};
    gch_status status = read_all(&run, err);
    gch__ingest_sink_reset(&run.sink);
    gch__chosen_reset(job, &run.chosen);
    gch__free(job->allocator, run.scratch, "ingest scratch");
    gch__free(job->allocator, run.plane_at, "ingest scratch");
    return status;
}
