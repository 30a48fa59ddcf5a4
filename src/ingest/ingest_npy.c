/* NumPy arrays: 1-D, 2-D in C or Fortran order, structured; one or several files.
 *
 * Each array becomes planes and fields of one binary layout. A C-ordered or structured array is one
 * plane of records; a Fortran-ordered one is a plane for each column, read by position. Columns are
 * called by a structured array's field names, else by the file's stem if there are several files or
 * one column ("price.npy" is "price"; "price_1", "price_2" in 2-D), else by their numbers.
 */
#include "ingest_binary.h"
#include "ingest_npy_header.h"

#include <stdio.h>
#include <string.h>

#define NAME_CAP 280u /* a stem cut to 255 bytes, "_", a number */

typedef struct npy_run {
    gch__ingest_job *job;
    gch__binary_plane *planes;
    size_t plane_count, plane_cap;
    gch__binary_field *fields; /* names are set at the end, when the names no longer move */
    size_t field_count, field_cap;
    char (*names)[NAME_CAP]; /* one for each field */
    size_t name_cap;
    uint64_t row_count;
} npy_run;

/* "price" of "/data/price.npy". */
static void take_stem(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    const char *stem = slash != NULL ? slash + 1 : path;
    size_t length = strlen(stem);
    if (length > 4 && strcmp(stem + length - 4, ".npy") == 0)
        length -= 4;
    length = GCH_MIN(length, cap - 1);
    memcpy(out, stem, length);
    out[length] = '\0';
}

static gch_status add_column(npy_run *run, const char *name, const gch__npy_field *type,
                             uint32_t offset, gch_error *err)
{
    const gch_allocator *allocator = run->job->allocator;
    GCH_TRY(gch__ensure(allocator, (void **)&run->fields, &run->field_cap, run->field_count + 1,
                        sizeof *run->fields, "npy columns", err));
    GCH_TRY(gch__ensure(allocator, (void **)&run->names, &run->name_cap, run->field_count + 1,
                        sizeof *run->names, "npy columns", err));
    run->fields[run->field_count] = (gch__binary_field){
        .type = type->type,
        .plane = (uint32_t)run->plane_count - 1,
        .offset_bytes = offset,
        .is_big_endian = type->is_big_endian,
        .is_datetime = type->is_datetime,
        .datetime_unit = type->datetime_unit,
        .multiple = type->multiple,
    };
    snprintf(run->names[run->field_count], NAME_CAP, "%s", name);
    run->field_count++;
    return GCH_OK;
}

static gch_status add_plane(npy_run *run, gch__input *input, uint64_t offset, size_t stride,
                            gch_error *err)
{
    GCH_TRY(gch__ensure(run->job->allocator, (void **)&run->planes, &run->plane_cap,
                        run->plane_count + 1, sizeof *run->planes, "npy columns", err));
    run->planes[run->plane_count++] = (gch__binary_plane){
        .input = input, .offset = offset, .is_positioned = true, .stride_bytes = stride};
    return GCH_OK;
}

static gch_status add_array(npy_run *run, gch__input *input, const char *stem,
                            const gch__npy_header *header, uint64_t data_start, gch_error *err)
{
    const uint32_t item = header->item_bytes;
    if (header->is_structured) {
        GCH_TRY(add_plane(run, input, data_start, item, err));
        for (uint32_t i = 0; i < header->field_count; i++)
            GCH_TRY(add_column(run, header->fields[i].name, &header->fields[i],
                               header->fields[i].offset_bytes, err));
        return GCH_OK;
    }
    const uint32_t columns = header->dimension_count == 2 ? (uint32_t)header->shape[1] : 1;
    for (uint32_t i = 0; i < columns; i++) {
        char name[NAME_CAP];
        if (columns == 1)
            snprintf(name, sizeof name, "%s", stem);
        else if (run->job->input_count > 1)
            snprintf(name, sizeof name, "%.240s_%u", stem, i + 1);
        else
            snprintf(name, sizeof name, "%u", i + 1);
        /* shape[0] * item * columns is known to lie within the file. */
        if (header->is_fortran)
            GCH_TRY(add_plane(run, input, data_start + i * (header->shape[0] * item), item, err));
        else if (i == 0)
            GCH_TRY(add_plane(run, input, data_start, (size_t)item * columns, err));
        GCH_TRY(add_column(run, name, &header->fields[0], header->is_fortran ? 0 : i * item, err));
    }
    return GCH_OK;
}

/* The data must be all there and the last thing in the file. */
static gch_status check_extent(const gch__input *input, const gch__npy_header *header,
                               uint64_t data_start, gch_error *err)
{
    uint64_t columns = header->dimension_count == 2 ? header->shape[1] : 1;
    uint64_t bytes;
    bool fits = !__builtin_mul_overflow(header->shape[0], columns * header->item_bytes, &bytes) &&
                !__builtin_add_overflow(bytes, data_start, &bytes);
    if (fits && bytes == input->total_bytes)
        return GCH_OK;
    return gch_fail(err, GCH_PARSE,
                    "%s: the header tells of %llu rows of %llu bytes from byte %llu, the file has "
                    "%llu bytes",
                    input->name, (unsigned long long)header->shape[0],
                    (unsigned long long)(columns * header->item_bytes),
                    (unsigned long long)data_start, (unsigned long long)input->total_bytes);
}

static gch_status read_header(npy_run *run, gch__input *input, gch__npy_header *header,
                              uint64_t *out_data_start, gch_error *err)
{
    const gch_allocator *allocator = run->job->allocator;
    uint8_t prefix[GCH__NPY_PREFIX_BYTES];
    size_t count;
    uint32_t start, length;
    if (!input->can_rewind)
        return gch_fail(err, GCH_UNSUPPORTED, "%s: .npy is read from files, not from pipes",
                        input->name);
    GCH_TRY(gch__input_read_at(input, 0, prefix, sizeof prefix, &count, err));
    GCH_TRY(gch__npy_prefix(input->name, prefix, count, &start, &length, err));
    uint8_t *text = gch__alloc(allocator, length, "npy header");
    if (text == NULL)
        return gch__no_memory(err, "npy header");
    gch_status status = gch__input_read_at(input, start, text, length, &count, err);
    if (status == GCH_OK && count < length)
        status = gch_fail(err, GCH_PARSE, "%s: ends at byte %llu, inside the header", input->name,
                          (unsigned long long)(start + count));
    if (status == GCH_OK)
        status = gch__npy_header_parse(input->name, text, length, start, allocator, header, err);
    gch__free(allocator, text, "npy header");
    *out_data_start = (uint64_t)start + length;
    return status;
}

static gch_status add_input(npy_run *run, size_t index, gch_error *err)
{
    gch__input *input = &run->job->inputs[index];
    gch__npy_header header = {0};
    uint64_t data_start = 0;
    char stem[256];
    take_stem(run->job->desc->inputs[index], stem, sizeof stem);
    gch_status status = read_header(run, input, &header, &data_start, err);
    if (status == GCH_OK)
        status = check_extent(input, &header, data_start, err);
    if (status == GCH_OK && index > 0 && header.shape[0] != run->row_count)
        status = gch_fail(err, GCH_PARSE,
                          "%s: %llu rows, but %s has %llu; columns must have one "
                          "length",
                          input->name, (unsigned long long)header.shape[0],
                          run->job->inputs[0].name, (unsigned long long)run->row_count);
    run->row_count = header.shape[0];
    if (status == GCH_OK)
        status = add_array(run, input, stem, &header, data_start, err);
    gch__npy_header_reset(&header, run->job->allocator);
    return status;
}

static gch_status ingest_arrays(npy_run *run, gch_error *err)
{
    for (size_t i = 0; i < run->job->input_count; i++)
        GCH_TRY(add_input(run, i, err));
    for (size_t i = 0; i < run->field_count; i++)
        run->fields[i].name = run->names[i];
    return gch__ingest_binary(run->job,
                              &(gch__binary_layout){.planes = run->planes,
                                                    .plane_count = (uint32_t)run->plane_count,
                                                    .fields = run->fields,
                                                    .field_count = (uint32_t)run->field_count,
                                                    .row_count = run->row_count},
                              err);
}

gch_status gch__ingest_npy(gch__ingest_job *job, gch_error *err)
{
    npy_run run = {.job = job};
    gch_status status = ingest_arrays(&run, err);
    gch__free(job->allocator, run.planes, "npy columns");
    gch__free(job->allocator, run.fields, "npy columns");
    gch__free(job->allocator, run.names, "npy columns");
    return status;
}
