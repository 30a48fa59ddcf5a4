/* CSV to rows: header, columns, units, and every error with its line and column.
 *
 * While probing (the first GCH__PROBE_ROWS rows) times are kept as moments, since the unit that
 * holds them all is not known yet, and columns that turn out to be text are dropped unless they
 * were asked for. Then the writer is opened and rows stream through: in bulk, and one by one where
 * a record is odd.
 *
 * Invariants:
 *  1. A row counts (batch.row_count) only once all its fields are good; the row behind it holds
 *     leftovers, but its validity bits are ones.
 *  2. probes[r] belongs to row r of the batch while is_probing, and no batch is flushed before.
 *  3. A run is repeated at most once: with unit_forced a finer unit cannot be asked for.
 */
#include "gch/time.h"
#include "ingest_csv_bulk.h"
#include "ingest_csv_header.h"
#include "ingest_feed.h"
#include "ingest_field.h"

#include <stdio.h>
#include <string.h>

#define TELL_ROWS 8192u

typedef struct csv_probe {
    gch__moment moment;
    const char *input_name; /* where it stands */
    uint64_t line, column;
} csv_probe;

typedef struct csv_column {
    uint32_t field;
    bool is_kept; /* asked for, or it has shown a number */
} csv_column;

typedef struct csv_run {
    gch__ingest_job *job;
    gch__csv_reader reader;
    bool is_first;  /* the next record is the input's first */
    uint32_t taken; /* records, one by one */
    gch__csv_header header;
    gch__chosen chosen;
    csv_column *columns; /* as sink.columns */
    gch__ingest_sink sink;
    gch__time_field time;
    gch_time_unit unit_given; /* by the caller or the file appended to; DEFAULT: not */
    bool unit_forced;         /* the second run, in nanoseconds */
    bool seconds_forced;      /* the second run of integers that were seconds */
    bool wants_restart;
    bool is_probing;
    csv_probe *probes;
    gch__csv_bulk bulk; /* once the probe is over */
} csv_run;

static size_t field_at(const gch__csv_record *record, uint32_t field)
{
    return gch__csv_field_start(&record->fields[field]);
}

static bool field_text(csv_run *run, const gch__csv_record *record, uint32_t field, gch__span *out)
{
    const gch__csv_field *f = &record->fields[field];
    if (f->has_doubled)
        return gch__csv_reader_text(&run->reader, record, field, out);
    *out = (gch__span){record->bytes + f->start, f->length};
    return true;
}

/* ---- times ---- */

static bool can_restart(const csv_run *run)
{
    for (size_t i = 0; i < run->job->input_count; i++) {
        if (!run->job->inputs[i].can_rewind)
            return false;
    }
    return true;
}

/* A later row needs a finer unit than the first rows did. */
static bool is_finer_later(const csv_run *run)
{
    return run->unit_given == GCH_TIME_DEFAULT && !run->unit_forced &&
           (run->time.mode != GCH__TIME_TICKS || run->time.unit == GCH_TIME_S);
}

static const char *describe_time(const csv_run *run, gch__time_result result, char *out, size_t cap)
{
    const char *unit = gch_time_unit_name(run->time.unit);
    if (result == GCH__TIME_FINER && run->time.mode == GCH__TIME_TICKS)
        snprintf(out, cap, "expected an integer time in %s", unit);
    else if (result == GCH__TIME_FINER)
        snprintf(out, cap, "finer than the unit %s; give --time-unit for a finer one", unit);
    else if (result == GCH__TIME_RANGE && run->time.unit != GCH_TIME_DEFAULT)
        snprintf(out, cap, "not a time that 64 bits of %s can hold", unit);
    else if (result == GCH__TIME_RANGE)
        snprintf(out, cap, "not a time that 64 bits can hold");
    else if (run->time.mode == GCH__TIME_TICKS || run->time.mode == GCH__TIME_SECONDS)
        snprintf(out, cap, "expected a number, as in the rows before");
    else
        snprintf(out, cap, "expected a time such as 2024-03-01T12:30:00Z%s",
                 run->time.mode == GCH__TIME_TEXT ? "" : " or an integer");
    return out;
}

static gch_status fail_time(csv_run *run, const gch__csv_record *record, gch__span text,
                            gch__time_result result, gch_error *err)
{
    size_t at = field_at(record, run->chosen.time);
    char quoted[GCH__QUOTED_CAP], expected[100];
    gch__field_quote(text.bytes, text.count, quoted);
    if (result == GCH__TIME_MISSING)
        return gch__csv_fail(&run->reader, record, at, err, "found %s, expected a time", quoted);
    if (result == GCH__TIME_FINER && is_finer_later(run)) {
        if (can_restart(run)) {
            run->wants_restart = true;
            return GCH_LIMIT; /* not seen by the caller */
        }
        gch__csv_fail(&run->reader, record, at, err,
                      "time %s is finer than the unit %s of the rows before, and a stream cannot "
                      "be read again; give --time-unit ns",
                      quoted, gch_time_unit_name(run->time.unit));
        return GCH_LIMIT; /* not a bad line, to be dropped */
    }
    return gch__csv_fail(&run->reader, record, at, err, "time %s: %s", quoted,
                         describe_time(run, result, expected, sizeof expected));
}

static gch_status fail_order(csv_run *run, const char *input_name, uint64_t line, uint64_t column,
                             int64_t ticks, gch_error *err)
{
    const gch__ingest_sink *sink = &run->sink;
    bool is_text = run->time.mode == GCH__TIME_TEXT;
    gch_time_unit shown = is_text ? run->time.unit : GCH_TIME_INDEX; /* integers as such */
    char time[64], last[64];
    gch_time_format(ticks, shown, run->job->zone, time, sizeof time);
    gch_time_format(sink->last_time, shown, run->job->zone, last, sizeof last);
    bool is_first = sink->row_count == 0 && sink->batch.row_count == 0;
    gch__ingest_note_late(run->job, ticks);
    return gch_fail(err, GCH_UNSORTED, "%s:%llu:%llu: time %s is earlier than %s %s", input_name,
                    (unsigned long long)line, (unsigned long long)column, time, last,
                    is_first ? "at the end of the file appended to" : "before it");
}

static gch_status accept_time(csv_run *run, size_t row, int64_t ticks, const char *input_name,
                              uint64_t line, uint64_t column, gch_error *err)
{
    gch__ingest_sink *sink = &run->sink;
    if (!run->job->desc->sort) {
        if (sink->has_last && ticks < sink->last_time)
            return fail_order(run, input_name, line, column, ticks, err);
        sink->has_last = true;
        sink->last_time = ticks;
    }
    sink->batch.times[row] = ticks;
    return GCH_OK;
}

static gch_time_unit guess_unit(const csv_run *run)
{
    if (run->header.is_found && gch__is_index_name(run->header.names[run->chosen.time]))
        return GCH_TIME_INDEX;
    int64_t largest = 0;
    for (size_t i = 0; i < run->sink.batch.row_count; i++) {
        int64_t whole = run->probes[i].moment.whole;
        whole = whole < 0 ? -(whole + 1) : whole;
        largest = GCH_MAX(largest, whole);
    }
    return gch_time_unit_guess(largest);
}

/* The mode and the unit that the probed rows ask for. */
static gch_status decide_time(csv_run *run, gch_error *err)
{
    const size_t count = run->sink.batch.row_count;
    gch_time_unit needed = GCH_TIME_S, given = run->unit_given;
    bool has_fraction = false;
    if (run->unit_forced)
        given = GCH_TIME_NS;
    for (size_t i = 0; i < count; i++) {
        needed = GCH_MAX(needed, run->probes[i].moment.unit_needed);
        has_fraction |= run->probes[i].moment.ns != 0;
    }
    gch_time_unit unit = given != GCH_TIME_DEFAULT ? given : needed;
    if (count == 0) {
        gch__time_field_set(&run->time, GCH__TIME_TICKS, unit);
    } else if (run->probes[0].moment.is_text) {
        if (unit == GCH_TIME_INDEX)
            return gch_fail(err, GCH_INVALID,
                            "%s: times are dates, which --time-unit index does not take",
                            run->job->inputs[0].name);
        gch__time_field_set(&run->time, GCH__TIME_TEXT, unit);
    } else if ((has_fraction && unit != GCH_TIME_INDEX) || run->seconds_forced) {
        gch__time_field_set(&run->time, GCH__TIME_SECONDS, unit);
    } else {
        bool is_guessed = given == GCH_TIME_DEFAULT;
        unit = is_guessed ? guess_unit(run) : given;
        run->job->report->time_unit_guessed = is_guessed;
        gch__time_field_set(&run->time, GCH__TIME_TICKS, unit);
    }
    return GCH_OK;
}

static gch_status convert_probes(csv_run *run, gch_error *err)
{
    gch__batch *batch = &run->sink.batch;
    const size_t count = batch->row_count;
    for (size_t i = 0; i < count; i++) {
        const csv_probe *probe = &run->probes[i];
        int64_t ticks = 0;
        gch__time_result result = gch__time_field_ticks(&run->time, &probe->moment, &ticks);
        if (result != GCH__TIME_OK) {
            char expected[100];
            return gch_fail(err, GCH_PARSE, "%s:%llu:%llu: time: %s", probe->input_name,
                            (unsigned long long)probe->line, (unsigned long long)probe->column,
                            describe_time(run, result, expected, sizeof expected));
        }
        batch->row_count = i; /* for the message about order */
        GCH_TRY(accept_time(run, i, ticks, probe->input_name, probe->line, probe->column, err));
    }
    batch->row_count = count;
    return GCH_OK;
}

static gch_status begin_bulk(csv_run *run, gch_error *err)
{
    const gch_allocator *allocator = run->job->allocator;
    const uint32_t count = run->sink.column_count;
    if (run->job->csv.is_serial)
        return GCH_OK;
    uint32_t *fields = gch__alloc_array(allocator, count, sizeof *fields, "csv bulk");
    if (fields == NULL)
        return gch__no_memory(err, "csv bulk");
    for (uint32_t i = 0; i < count; i++)
        fields[i] = run->columns[i].field;
    gch_status status = gch__csv_bulk_init(&run->bulk, run->job, run->header.count,
                                           run->chosen.time, fields, count, &run->time, err);
    gch__free(allocator, fields, "csv bulk");
    return status;
}

/* Enough is known: opens the writer. */
static gch_status end_probe(csv_run *run, gch_error *err)
{
    const gch_ingest_desc *desc = run->job->desc;
    gch__ingest_sink *sink = &run->sink;
    const char *time_name = NULL;
    run->is_probing = false;
    if (run->chosen.time != GCH__NO_FIELD) {
        if (run->time.mode == GCH__TIME_UNDECIDED)
            GCH_TRY(decide_time(run, err));
        GCH_TRY(convert_probes(run, err));
        if (run->header.is_found)
            time_name = run->header.names[run->chosen.time];
    } else if (desc->rate_hz != 0) {
        gch_time_unit unit = run->unit_given != GCH_TIME_DEFAULT ? run->unit_given : GCH_TIME_NS;
        gch__time_field_set(&run->time, GCH__TIME_TICKS, unit);
        GCH_TRY(gch__rate_set(&sink->rate, desc->rate_hz, unit, desc->start_ticks, err));
    } else {
        gch__time_field_set(&run->time, GCH__TIME_TICKS, GCH_TIME_INDEX);
        time_name = "index";
    }
    GCH_TRY(gch__ingest_sink_open(sink, run->time.unit, run->time.mode == GCH__TIME_TEXT, time_name,
                                  err));
    return begin_bulk(run, err);
}

/* Text with a given unit needs no probe, and its misfits can then be dropped as bad lines. */
static void decide_early(csv_run *run, const gch__moment *moment)
{
    gch_time_unit unit = run->unit_forced ? GCH_TIME_NS : run->unit_given;
    if (moment->is_text && unit >= GCH_TIME_S)
        gch__time_field_set(&run->time, GCH__TIME_TEXT, unit);
}

static gch_status probe_time(csv_run *run, const gch__csv_record *record, gch__span text,
                             gch_error *err)
{
    const size_t row = run->sink.batch.row_count;
    csv_probe *probe = &run->probes[row];
    int64_t ticks;
    gch__time_result result =
        gch__time_field_moment(&run->time, text.bytes, text.count, &probe->moment);
    if (result == GCH__TIME_OK && row > 0 && probe->moment.is_text != run->probes[0].moment.is_text)
        result = GCH__TIME_BAD;
    if (result == GCH__TIME_OK && row == 0)
        decide_early(run, &probe->moment);
    if (result == GCH__TIME_OK && run->time.mode == GCH__TIME_TEXT)
        result = gch__time_field_ticks(&run->time, &probe->moment, &ticks);
    if (result != GCH__TIME_OK)
        return fail_time(run, record, text, result, err);
    probe->input_name = run->reader.name;
    gch__csv_position(record, field_at(record, run->chosen.time), &probe->line, &probe->column);
    return GCH_OK;
}

/* ---- values ---- */

static gch_status drop_column(csv_run *run, uint32_t column, gch_error *err)
{
    if (run->sink.column_count == 1)
        return gch_fail(err, GCH_INVALID, "%s: no column besides the time holds numbers",
                        run->job->inputs[0].name);
    gch__ingest_sink_drop_column(&run->sink, column);
    memmove(&run->columns[column], &run->columns[column + 1],
            (run->sink.column_count - column) * sizeof *run->columns);
    run->job->report->skipped_column_count++;
    return GCH_OK;
}

static gch_status take_values(csv_run *run, const gch__csv_record *record, size_t row,
                              gch_error *err)
{
    for (uint32_t i = 0; i < run->sink.column_count; i++) {
        gch__batch_column *to = &run->sink.batch.columns[i];
        csv_column *column = &run->columns[i];
        int64_t *digits = (int64_t *)to->values + row;
        gch__span text;
        if (!field_text(run, record, column->field, &text))
            return gch__no_memory(err, "csv text");
        gch__number_kind kind = gch__number_parse(text.bytes, text.count, digits, &to->scales[row]);
        if (kind == GCH__NUMBER_VALUE) {
            column->is_kept = true;
        } else if (kind == GCH__NUMBER_GAP) {
            *digits = 0;
            to->scales[row] = 0;
            gch__batch_set_gap(to, row);
        } else if (run->is_probing && !column->is_kept) {
            GCH_TRY(drop_column(run, i, err));
            i--;
        } else {
            char quoted[GCH__QUOTED_CAP];
            return gch__csv_fail(&run->reader, record, field_at(record, column->field), err,
                                 "found %s, expected a number in column \"%.40s\"",
                                 gch__field_quote(text.bytes, text.count, quoted),
                                 run->header.names[column->field]);
        }
    }
    return GCH_OK;
}

/* ---- records ---- */

static gch_status fail_field_count(csv_run *run, const gch__csv_record *record, gch_error *err)
{
    bool has_more = record->field_count > run->header.count;
    size_t at = has_more ? field_at(record, run->header.count) : record->length;
    if (!has_more && at > 0 && record->bytes[at - 1] == '\r')
        at--;
    return gch__csv_fail(&run->reader, record, at, err, "found %zu field%s, expected %u",
                         record->field_count, record->field_count == 1 ? "" : "s",
                         run->header.count);
}

static gch_status take_record(csv_run *run, const gch__csv_record *record, gch_error *err)
{
    gch__batch *batch = &run->sink.batch;
    const size_t row = batch->row_count;
    const uint32_t time_field = run->chosen.time;
    if (record->fault != GCH__CSV_SOUND)
        return gch__csv_fail_fault(&run->reader, record, err);
    if (record->field_count != run->header.count)
        return fail_field_count(run, record, err);
    int64_t ticks = 0;
    if (time_field != GCH__NO_FIELD) {
        gch__span text;
        if (!field_text(run, record, time_field, &text))
            return gch__no_memory(err, "csv text");
        if (run->is_probing) {
            GCH_TRY(probe_time(run, record, text, err));
        } else {
            gch__time_result result =
                gch__time_field_read(&run->time, text.bytes, text.count, &ticks);
            if (result != GCH__TIME_OK)
                return fail_time(run, record, text, result, err);
        }
    }
    GCH_TRY(take_values(run, record, row, err));
    if (time_field != GCH__NO_FIELD && !run->is_probing) {
        bool is_late = run->sink.has_last && ticks < run->sink.last_time;
        uint64_t line = 0, column = 0;
        if (is_late)
            gch__csv_position(record, field_at(record, time_field), &line, &column);
        GCH_TRY(accept_time(run, row, ticks, run->reader.name, line, column, err));
    }
    batch->row_count++;
    return GCH_OK;
}

/* Forgets a line that could not be taken, if the caller allows. */
static bool drop_record(csv_run *run, const gch__csv_record *record, const gch_error *detail)
{
    gch_ingest_report *report = run->job->report;
    if (record->fault == GCH__CSV_TOO_LONG || report->bad_count >= run->job->desc->skip_bad)
        return false;
    if (report->bad_count++ == 0)
        memcpy(report->first_bad, detail->message, sizeof report->first_bad);
    for (uint32_t i = 0; i < run->sink.column_count; i++)
        gch__batch_unset_gap(&run->sink.batch.columns[i], run->sink.batch.row_count);
    if (record->fault == GCH__CSV_OPEN_QUOTE)
        gch__csv_reader_drop_line(&run->reader, record);
    return true;
}

static gch_status take_or_drop(csv_run *run, const gch__csv_record *record, gch_error *err)
{
    gch_error detail;
    gch_status status = take_record(run, record, &detail);
    if (status == GCH_OK || run->wants_restart)
        return status;
    if (status == GCH_PARSE && drop_record(run, record, &detail))
        return GCH_OK;
    if (status == GCH_PARSE && run->job->report->bad_count > 0)
        return gch_fail(err, status, "%s (after %llu bad lines were dropped)", detail.message,
                        (unsigned long long)run->job->report->bad_count);
    return gch_fail(err, status, "%s", detail.message);
}

/* ---- the first record ---- */

/* The columns by the first record of the first input. */
static gch_status begin(csv_run *run, const gch__csv_record *record, gch_error *err)
{
    gch__ingest_job *job = run->job;
    const gch_allocator *allocator = job->allocator;
    if (record->fault != GCH__CSV_SOUND)
        return gch__csv_fail_fault(&run->reader, record, err);
    GCH_TRY(gch__csv_header_read(&run->header, job, &run->reader, record, err));
    job->report->header_found = run->header.is_found;
    GCH_TRY(gch__choose_columns(job, run->reader.name, (const char *const *)run->header.names,
                                run->header.count, GCH__NO_FIELD, &run->chosen, err));
    const uint32_t count = run->chosen.value_count;
    /* Columns without names continue those of the file they are added to. */
    bool takes_names =
        !run->header.is_found && job->existing != NULL && job->existing->column_count == count;
    gch_column_desc *descs = gch__alloc_zero(allocator, count, sizeof *descs, "columns");
    run->columns = gch__alloc_zero(allocator, count, sizeof *run->columns, "columns");
    run->probes = gch__alloc_array(allocator, GCH__PROBE_ROWS, sizeof *run->probes, "ingest times");
    gch_status status = GCH_OK;
    if (descs == NULL || run->columns == NULL || run->probes == NULL) {
        status = gch__no_memory(err, "columns");
        goto cleanup;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t field = run->chosen.values[i];
        bool is_place = field == run->chosen.x || field == run->chosen.y;
        run->columns[i] = (csv_column){.field = field, .is_kept = run->chosen.is_named || is_place};
        descs[i] = (gch_column_desc){.name = takes_names ? job->existing->columns[i].name
                                                         : run->header.names[field],
                                     .type = GCH_TYPE_DECIMAL};
    }
    bool has_times = run->chosen.time != GCH__NO_FIELD || job->desc->rate_hz != 0;
    status = gch__ingest_sink_init(&run->sink, job, descs, count, has_times, err);
    gch__ingest_sink_set_points(&run->sink, &run->chosen);
    run->is_probing = true;
cleanup:
    gch__free(allocator, descs, "columns");
    return status;
}

/* Whether the record is a header, which is consumed by this. */
static gch_status take_first(csv_run *run, const gch__csv_record *record, bool *out_is_header,
                             gch_error *err)
{
    if (run->header.names == NULL) {
        GCH_TRY(begin(run, record, err));
        *out_is_header = run->header.is_found;
        return GCH_OK;
    }
    *out_is_header = run->header.is_found;
    if (!run->header.is_found)
        return GCH_OK;
    if (record->fault != GCH__CSV_SOUND)
        return gch__csv_fail_fault(&run->reader, record, err);
    return gch__csv_header_match(&run->header, &run->reader, record, err);
}

/* ---- bytes in ---- */

static gch_status begin_input(void *context, const gch__input *input, gch_error *err)
{
    csv_run *run = context;
    gch__csv_reader_close(&run->reader);
    run->is_first = true;
    return gch__csv_reader_open(&run->reader, run->job->allocator, input->name,
                                run->job->desc->delimiter, run->job->csv.buffer_bytes, err);
}

static gch_status room(void *context, uint8_t **out_to, size_t *out_cap, gch_error *err)
{
    csv_run *run = context;
    return gch__csv_reader_room(&run->reader, out_to, out_cap, err);
}

static gch_status flush(void *context, gch_error *err)
{
    csv_run *run = context;
    gch__csv_bulk_forget(&run->bulk, &run->sink);
    return gch__ingest_sink_flush(&run->sink, err);
}

static gch_status take(void *context, size_t count, bool is_end, gch_error *err)
{
    csv_run *run = context;
    gch__ingest_sink *sink = &run->sink;
    if (count > 0 || is_end != run->reader.is_at_end)
        gch__csv_reader_fill(&run->reader, count, is_end);
    for (;;) {
        if (sink->row_cap > 0 && sink->batch.row_count == sink->row_cap) {
            GCH_TRY(flush(run, err));
            GCH_TRY(gch__ingest_tell(run->job, err));
        }
        if (run->bulk.job != NULL && !run->is_first && !run->reader.is_starved) {
            gch__csv_bulk_take(&run->bulk, &run->reader, sink);
            if (sink->batch.row_count == sink->row_cap)
                continue;
        }
        gch__csv_record record;
        GCH_TRY(gch__csv_reader_next(&run->reader, &record, err));
        if (record.field_count == 0 && record.fault == GCH__CSV_SOUND)
            return GCH_OK;
        if (run->is_first) {
            run->is_first = false;
            bool is_header;
            GCH_TRY(take_first(run, &record, &is_header, err));
            if (is_header)
                continue;
        }
        GCH_TRY(take_or_drop(run, &record, err));
        if (run->is_probing && sink->batch.row_count == run->job->csv.probe_rows)
            GCH_TRY(end_probe(run, err));
        if (run->taken++ % TELL_ROWS == 0)
            GCH_TRY(gch__ingest_tell(run->job, err));
    }
}

static gch_status settle(void *context, gch_error *err)
{
    csv_run *run = context;
    if (run->header.names == NULL)
        return gch_fail(err, GCH_PARSE, "%s: is empty", run->job->inputs[0].name);
    return run->is_probing ? end_probe(run, err) : GCH_OK;
}

static void destroy(void *context)
{
    csv_run *run = context;
    const gch_allocator *allocator = run->job->allocator;
    gch__csv_reader_close(&run->reader);
    gch__csv_bulk_reset(&run->bulk);
    gch__ingest_sink_reset(&run->sink);
    gch__csv_header_reset(&run->header, run->job);
    gch__chosen_reset(run->job, &run->chosen);
    gch__free(allocator, run->columns, "columns");
    gch__free(allocator, run->probes, "ingest times");
    gch__free(allocator, run, "csv");
}

static const gch__feed_class csv_class = {.begin_input = begin_input,
                                          .room = room,
                                          .take = take,
                                          .settle = settle,
                                          .flush = flush,
                                          .destroy = destroy};

gch_status gch__feed_make_csv(gch__ingest_job *job, gch__feed *out, gch_error *err)
{
    csv_run *run = gch__alloc_zero(job->allocator, 1, sizeof *run, "csv");
    if (run == NULL)
        return gch__no_memory(err, "csv");
    run->job = job;
    run->time.zone = job->zone;
    run->unit_given = job->desc->time_unit;
    if (run->unit_given == GCH_TIME_DEFAULT && job->existing != NULL)
        run->unit_given = job->existing->time_unit;
    *out = (gch__feed){.class = &csv_class, .run = run, .sink = &run->sink};
    return GCH_OK;
}

gch_status gch__ingest_csv(gch__ingest_job *job, gch_error *err)
{
    const gch_ingest_report blank = *job->report;
    gch__feed feed = {0};
    GCH_TRY(gch__feed_make_csv(job, &feed, err));
    gch_status status = gch__feed_inputs(&feed, job, err);
    const csv_run *first = feed.run;
    if (first->wants_restart) {
        bool are_seconds = first->time.mode != GCH__TIME_TEXT;
        gch__feed_destroy(&feed);
        *job->report = blank;
        for (size_t i = 0; i < job->input_count; i++)
            gch__input_rewind(&job->inputs[i]);
        GCH_TRY(gch__feed_make_csv(job, &feed, err));
        csv_run *second = feed.run;
        second->unit_forced = true;
        second->seconds_forced = are_seconds;
        status = gch__feed_inputs(&feed, job, err);
    }
    gch__feed_destroy(&feed);
    return status;
}
