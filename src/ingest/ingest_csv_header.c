/* Header detection: a header has no number where values stand and no time where the time stands,
 * unless its names say by themselves that they are names. */
#include "ingest_csv_header.h"

#include "gch/time.h"
#include "ingest_field.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 255u

/* The name in a field: blanks around it dropped, unless it is quoted. */
static bool read_name(gch__csv_reader *reader, const gch__csv_record *record, size_t field,
                      gch__span *out)
{
    if (!gch__csv_reader_text(reader, record, field, out))
        return false;
    if (!record->fields[field].is_quoted)
        *out = gch__trim(out->bytes, out->count);
    return true;
}

static bool span_equals(gch__span span, const char *text)
{
    return strlen(text) == span.count && memcmp(span.bytes, text, span.count) == 0;
}

/* A field that is one of the names the caller gave (and no mere number) or that times go by. */
static bool is_expected_name(const gch_ingest_desc *desc, gch__span name)
{
    uint32_t number;
    if (desc->time_column != NULL && !gch__field_number(desc->time_column, &number) &&
        span_equals(name, desc->time_column))
        return true;
    for (uint32_t i = 0; desc->columns != NULL && i < desc->column_count; i++) {
        if (!gch__field_number(desc->columns[i], &number) && span_equals(name, desc->columns[i]))
            return true;
    }
    if (desc->time_column != NULL || desc->rate_hz != 0)
        return false;
    for (size_t i = 0; gch__time_names[i] != NULL; i++) {
        if (gch__equals_word(name, gch__time_names[i]))
            return true;
    }
    return false;
}

static uint32_t guess_time_field(const gch_ingest_desc *desc, size_t field_count)
{
    uint32_t number;
    if (desc->rate_hz != 0 || (desc->time_column != NULL && strcmp(desc->time_column, "none") == 0))
        return GCH__NO_FIELD;
    if (desc->time_column != NULL && gch__field_number(desc->time_column, &number))
        return number;
    return field_count > 1 ? 0 : GCH__NO_FIELD;
}

static gch_status detect(const gch__ingest_job *job, gch__csv_reader *reader,
                         const gch__csv_record *record, bool *out_is_header, gch_error *err)
{
    const uint32_t time_field = guess_time_field(job->desc, record->field_count);
    bool has_name = false, has_time = false, has_number = false, has_text = false;
    for (size_t i = 0; i < record->field_count; i++) {
        gch__span text;
        if (!read_name(reader, record, i, &text))
            return gch__no_memory(err, "csv text");
        has_name |= is_expected_name(job->desc, text);
        if (i == time_field) {
            gch__time_field field = {.zone = job->zone};
            gch__moment moment;
            gch__time_result result =
                gch__time_field_moment(&field, text.bytes, text.count, &moment);
            has_time = result == GCH__TIME_OK || result == GCH__TIME_RANGE;
            continue;
        }
        int64_t digits;
        int8_t scale;
        gch__number_kind kind = gch__number_parse(text.bytes, text.count, &digits, &scale);
        has_number |= kind == GCH__NUMBER_VALUE;
        has_text |= kind == GCH__NUMBER_BAD;
    }
    bool has_time_field = time_field < record->field_count;
    *out_is_header = has_name || (!has_time && !has_number && (has_text || has_time_field));
    return GCH_OK;
}

static char *number_name(const gch__ingest_job *job, uint32_t field)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%u", field + 1);
    return gch__copy_text(job->allocator, text, (size_t)length, "csv names");
}

gch_status gch__csv_header_read(gch__csv_header *header, const gch__ingest_job *job,
                                gch__csv_reader *reader, const gch__csv_record *record,
                                gch_error *err)
{
    *header = (gch__csv_header){.is_found = job->desc->header == GCH_HEADER_YES};
    if (job->desc->header == GCH_HEADER_DEFAULT)
        GCH_TRY(detect(job, reader, record, &header->is_found, err));
    header->names =
        gch__alloc_zero(job->allocator, record->field_count, sizeof *header->names, "csv names");
    if (header->names == NULL)
        return gch__no_memory(err, "csv names");
    for (uint32_t i = 0; i < record->field_count; i++) {
        gch__span name = {NULL, 0};
        if (header->is_found && !read_name(reader, record, i, &name))
            return gch__no_memory(err, "csv text");
        const char *fault = name.count > NAME_BYTES_MAX ? "is longer than 255 bytes"
                            : name.count > 0 && memchr(name.bytes, 0, name.count) != NULL
                                ? "holds a zero byte"
                                : NULL;
        if (fault != NULL) {
            char quoted[GCH__QUOTED_CAP];
            return gch__csv_fail(reader, record, gch__csv_field_start(&record->fields[i]), err,
                                 "the column name %s %s",
                                 gch__field_quote(name.bytes, name.count, quoted), fault);
        }
        header->names[i] = name.count > 0 ? gch__copy_text(job->allocator, (const char *)name.bytes,
                                                           name.count, "csv names")
                                          : number_name(job, i);
        if (header->names[i] == NULL)
            return gch__no_memory(err, "csv names");
        header->count++;
    }
    return GCH_OK;
}

gch_status gch__csv_header_match(const gch__csv_header *header, gch__csv_reader *reader,
                                 const gch__csv_record *record, gch_error *err)
{
    if (record->field_count != header->count)
        return gch__csv_fail(reader, record, 0, err,
                             "found %zu columns, expected %u as in the first input",
                             record->field_count, header->count);
    for (uint32_t i = 0; i < header->count; i++) {
        gch__span name;
        if (!read_name(reader, record, i, &name))
            return gch__no_memory(err, "csv text");
        char quoted[GCH__QUOTED_CAP];
        if (name.count > 0 && !span_equals(name, header->names[i]))
            return gch__csv_fail(reader, record, gch__csv_field_start(&record->fields[i]), err,
                                 "found column %s, expected \"%.60s\" as in the first input",
                                 gch__field_quote(name.bytes, name.count, quoted),
                                 header->names[i]);
    }
    return GCH_OK;
}

void gch__csv_header_reset(gch__csv_header *header, const gch__ingest_job *job)
{
    for (uint32_t i = 0; header->names != NULL && i < header->count; i++)
        gch__free(job->allocator, header->names[i], "csv names");
    gch__free(job->allocator, header->names, "csv names");
    *header = (gch__csv_header){0};
}
