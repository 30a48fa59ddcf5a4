/* Raw little-endian binary: records of fields, or one file a field.
 *
 * The layout text is "time:i64,price:f64,_:u32": name:type for each field in order; a field called
 * "_" is passed over.
 */
#include "ingest_binary.h"
#include "ingest_field.h"

#include <string.h>

#define FIELDS_MAX 4096u

typedef struct raw_layout {
    gch__binary_field *fields; /* those with a name */
    uint32_t field_count;
    uint32_t part_count; /* all of them */
    size_t *part_bytes;
    char *names; /* what the fields' names point into */
    gch__binary_plane *planes;
    gch__binary_layout layout; /* of records: of all of this */
    const gch_allocator *allocator;
} raw_layout;

static const char type_list[] = "i8, u8, i16, u16, i32, u32, i64, f32, f64";

static gch_status parse_type(gch__span text, const char *layout, gch_type *out, gch_error *err)
{
    char name[8] = "";
    if (text.count < sizeof name)
        memcpy(name, text.bytes, text.count);
    if (gch_type_parse(name, out) && *out != GCH_TYPE_DEFAULT && *out != GCH_TYPE_DECIMAL)
        return GCH_OK;
    char quoted[GCH__QUOTED_CAP];
    gch__field_quote(text.bytes, text.count, quoted);
    size_t at = (size_t)(text.bytes - (const uint8_t *)layout) + 1;
    if (gch__equals_word(text, "u64"))
        return gch_fail(err, GCH_INVALID,
                        "layout, character %zu: there is no type u64; i64 holds what is below 2^63",
                        at);
    return gch_fail(err, GCH_INVALID, "layout, character %zu: found %s, expected a type: %s", at,
                    quoted, type_list);
}

/* One "name:type" of [from, to) of the layout. */
static gch_status parse_part(raw_layout *raw, const char *layout, const char *from, const char *to,
                             uint32_t offset, gch_error *err)
{
    const char *colon = memchr(from, ':', (size_t)(to - from));
    size_t at = (size_t)(from - layout) + 1;
    char quoted[GCH__QUOTED_CAP];
    if (colon == NULL)
        return gch_fail(err, GCH_INVALID,
                        "layout, character %zu: found %s, expected name:type such as price:f64", at,
                        gch__field_quote((const uint8_t *)from, (size_t)(to - from), quoted));
    gch__span name = gch__trim((const uint8_t *)from, (size_t)(colon - from));
    gch__span type_text = gch__trim((const uint8_t *)colon + 1, (size_t)(to - colon - 1));
    if (name.count == 0 || name.count > 255)
        return gch_fail(err, GCH_INVALID,
                        "layout, character %zu: a name has 1 to 255 bytes, not %zu", at,
                        name.count);
    gch_type type;
    GCH_TRY(parse_type(type_text, layout, &type, err));
    raw->part_bytes[raw->part_count] = gch_type_bytes(type);
    if (!gch__equals_word(name, "_")) {
        char *copy = raw->names + (name.bytes - (const uint8_t *)layout);
        copy[name.count] = '\0'; /* over the colon or a blank before it */
        raw->fields[raw->field_count++] = (gch__binary_field){
            .name = copy, .type = type, .plane = raw->part_count, .offset_bytes = offset};
    }
    raw->part_count++;
    return GCH_OK;
}

static gch_status parse_layout(raw_layout *raw, const gch__ingest_job *job, gch_error *err)
{
    const char *layout = job->desc->layout;
    const size_t length = strlen(layout);
    size_t count = 1;
    for (const char *p = layout; *p != '\0'; p++)
        count += *p == ',';
    if (count > FIELDS_MAX)
        return gch_fail(err, GCH_INVALID, "layout: %zu fields, at most %u", count, FIELDS_MAX);
    raw->names = gch__copy_text(job->allocator, layout, length, "layout");
    raw->fields = gch__alloc_zero(job->allocator, count, sizeof *raw->fields, "layout");
    raw->part_bytes = gch__alloc_zero(job->allocator, count, sizeof *raw->part_bytes, "layout");
    if (raw->names == NULL || raw->fields == NULL || raw->part_bytes == NULL)
        return gch__no_memory(err, "layout");
    uint32_t offset = 0;
    for (const char *from = layout;;) {
        const char *comma = strchr(from, ',');
        const char *to = comma != NULL ? comma : layout + length;
        GCH_TRY(parse_part(raw, layout, from, to, offset, err));
        offset += (uint32_t)raw->part_bytes[raw->part_count - 1];
        if (comma == NULL)
            break;
        from = comma + 1;
    }
    if (raw->field_count == 0)
        return gch_fail(err, GCH_INVALID, "layout: every field is skipped");
    return GCH_OK;
}

static gch_status skip(gch__input *input, uint64_t bytes, gch_error *err)
{
    uint8_t scratch[4096];
    for (uint64_t left = bytes; left > 0;) {
        size_t count;
        size_t wanted = (size_t)GCH_MIN(left, (uint64_t)sizeof scratch);
        GCH_TRY(gch__input_read(input, scratch, wanted, &count, err));
        left -= count;
        if (count < wanted)
            return gch_fail(err, GCH_PARSE, "%s: has %llu bytes, fewer than the %llu to skip",
                            input->name, (unsigned long long)input->done_bytes,
                            (unsigned long long)bytes);
    }
    return GCH_OK;
}

/* One file a field. */
static gch_status ingest_columns(gch__ingest_job *job, raw_layout *raw, gch_error *err)
{
    GCH_TRY(parse_layout(raw, job, err));
    if (job->input_count != raw->part_count)
        return gch_fail(err, GCH_INVALID,
                        "%zu inputs for a layout of %u fields: give one input of records, or one "
                        "for each field",
                        job->input_count, raw->part_count);
    raw->planes = gch__alloc_zero(job->allocator, job->input_count, sizeof *raw->planes, "layout");
    if (raw->planes == NULL)
        return gch__no_memory(err, "layout");
    for (uint32_t i = 0; i < raw->part_count; i++) {
        raw->planes[i] = (gch__binary_plane){.input = &job->inputs[i],
                                             .offset = job->desc->skip_bytes,
                                             .stride_bytes = raw->part_bytes[i]};
        GCH_TRY(skip(&job->inputs[i], job->desc->skip_bytes, err));
    }
    for (uint32_t i = 0; i < raw->field_count; i++)
        raw->fields[i].offset_bytes = 0;
    return gch__ingest_binary(job,
                              &(gch__binary_layout){.planes = raw->planes,
                                                    .plane_count = raw->part_count,
                                                    .fields = raw->fields,
                                                    .field_count = raw->field_count,
                                                    .row_count = GCH__ROWS_UNKNOWN},
                              err);
}

static void layout_reset(raw_layout *raw)
{
    gch__free(raw->allocator, raw->planes, "layout");
    gch__free(raw->allocator, raw->names, "layout");
    gch__free(raw->allocator, raw->fields, "layout");
    gch__free(raw->allocator, raw->part_bytes, "layout");
}

static void destroy_layout(void *context)
{
    raw_layout *raw = context;
    layout_reset(raw);
    gch__free(raw->allocator, raw, "layout");
}

static gch_status check_layout(const gch__ingest_job *job, gch_error *err)
{
    if (job->desc->layout == NULL)
        return gch_fail(err, GCH_INVALID,
                        "raw input needs a layout such as --layout time:i64,price:f64");
    return GCH_OK;
}

/* The one plane that all records are. */
static gch_status plan_records(gch__ingest_job *job, raw_layout *raw, gch_error *err)
{
    GCH_TRY(parse_layout(raw, job, err));
    raw->planes = gch__alloc_zero(job->allocator, 1, sizeof *raw->planes, "layout");
    if (raw->planes == NULL)
        return gch__no_memory(err, "layout");
    *raw->planes = (gch__binary_plane){.input = &job->inputs[0], .offset = job->desc->skip_bytes};
    for (uint32_t i = 0; i < raw->part_count; i++)
        raw->planes[0].stride_bytes += raw->part_bytes[i];
    for (uint32_t i = 0; i < raw->field_count; i++)
        raw->fields[i].plane = 0;
    raw->layout = (gch__binary_layout){.planes = raw->planes,
                                       .plane_count = 1,
                                       .fields = raw->fields,
                                       .field_count = raw->field_count,
                                       .row_count = GCH__ROWS_UNKNOWN};
    return GCH_OK;
}

gch_status gch__feed_make_raw(gch__ingest_job *job, gch__feed *out, gch_error *err)
{
    GCH_TRY(check_layout(job, err));
    raw_layout *raw = gch__alloc_zero(job->allocator, 1, sizeof *raw, "layout");
    if (raw == NULL)
        return gch__no_memory(err, "layout");
    raw->allocator = job->allocator;
    gch_status status = plan_records(job, raw, err);
    if (status == GCH_OK)
        status = gch__feed_make_binary(job, &raw->layout, out, err);
    if (status != GCH_OK) {
        destroy_layout(raw);
        return status;
    }
    out->lent = raw;
    out->destroy_lent = destroy_layout;
    return GCH_OK;
}

gch_status gch__ingest_raw(gch__ingest_job *job, gch_error *err)
{
    if (job->input_count == 1) {
        gch__feed feed = {0};
        GCH_TRY(gch__feed_make_raw(job, &feed, err));
        gch_status status = gch__feed_inputs(&feed, job, err);
        gch__feed_destroy(&feed);
        return status;
    }
    GCH_TRY(check_layout(job, err));
    raw_layout raw = {.allocator = job->allocator};
    gch_status status = ingest_columns(job, &raw, err);
    layout_reset(&raw);
    return status;
}
