/* The front of the room: options, formats, inputs.
 *
 * Invariants:
 *  1. All options are checked before anything is opened.
 *  2. The report is complete on success and says what was found until then on failure.
 */
#include "gch/ingest.h"
#include "store_open.h"

#include "gch/time.h"
#include "ingest_field.h"
#include "ingest_job.h"
#include "ingest_npy_header.h"

#include <string.h>
#include <sys/stat.h>

#define INPUTS_MAX 4096u

gch_status gch__ingest_tell(gch__ingest_job *job, gch_error *err)
{
    uint64_t done = 0, total = 0;
    bool is_known = true;
    for (size_t i = 0; i < job->input_count; i++) {
        const gch__input *input = &job->inputs[i];
        done += input->done_bytes;
        total += input->total_bytes;
        is_known &= input->can_rewind;
    }
    job->report->input_bytes = done;
    return gch__report(job->desc->progress, &job->reported_ns, done, is_known ? total : 0, err);
}

void gch__ingest_set_commit(gch__ingest_job *job)
{
    const uint64_t every_ms = GCH_MIN(job->desc->commit_every_ms, (uint64_t)INT64_MAX / 4000000);
    if (every_ms > 0)
        job->commit_at_ns = gch__clock_ns() + (int64_t)every_ms * 1000000;
}

static gch_status check_delimiter(char delimiter, gch_error *err)
{
    uint8_t c = (uint8_t)delimiter;
    bool is_part_of_numbers = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (c == '"' || c == '\n' || c == '\r' || is_part_of_numbers || c >= 0x80) {
        char quoted[GCH__QUOTED_CAP];
        return gch_fail(err, GCH_INVALID, "%s cannot be the delimiter",
                        gch__field_quote(&c, 1, quoted));
    }
    return GCH_OK;
}

gch_status gch__ingest_check(const gch_ingest_desc *desc, gch_error *err)
{
    GCH_TRY(check_delimiter(desc->delimiter, err));
    if (desc->rate_hz != 0 && desc->time_unit == GCH_TIME_DEFAULT && desc->start_ticks != 0)
        return gch_fail(err, GCH_INVALID, "a start in ticks needs --time-unit");
    if (desc->rate_hz != 0 && desc->time_unit == GCH_TIME_INDEX)
        return gch_fail(err, GCH_INVALID, "a rate and --time-unit index contradict each other");
    if (desc->rate_hz == 0 && desc->start_ticks != 0)
        return gch_fail(err, GCH_INVALID, "a start of times needs --rate");
    if ((desc->x_column == NULL) != (desc->y_column == NULL))
        return gch_fail(err, GCH_INVALID, "a point set has two coordinates");
    if (desc->x_column == NULL && desc->curve != GCH_CURVE_DEFAULT)
        return gch_fail(err, GCH_INVALID, "a curve orders the rows of a point set (--points)");
    if ((uint32_t)desc->curve > GCH_CURVE_HILBERT)
        return gch_fail(err, GCH_INVALID, "there is no curve %u", (uint32_t)desc->curve);
    bool has_time = desc->time_column != NULL && strcmp(desc->time_column, "none") != 0;
    if (desc->x_column != NULL &&
        (has_time || desc->rate_hz != 0 || desc->sort ||
         (desc->time_unit != GCH_TIME_DEFAULT && desc->time_unit != GCH_TIME_INDEX)))
        return gch_fail(err, GCH_INVALID, "the rows of a point set have no times");
    if (desc->x_column != NULL && desc->commit_every_ms > 0)
        return gch_fail(err, GCH_INVALID,
                        "the rows of a point set are sorted: none is committed before the end");
    if (desc->sort && desc->commit_every_ms > 0)
        return gch_fail(err, GCH_INVALID,
                        "rows that are to be sorted cannot be committed before the end");
    return GCH_OK;
}

static gch_status check_paths(const gch_ingest_desc *desc, gch_error *err)
{
    if (desc->inputs == NULL || desc->input_count == 0)
        return gch_fail(err, GCH_INVALID, "no input");
    if (desc->input_count > INPUTS_MAX)
        return gch_fail(err, GCH_INVALID, "%u inputs, at most %u", desc->input_count, INPUTS_MAX);
    if (desc->output == NULL || desc->output[0] == '\0')
        return gch_fail(err, GCH_INVALID, "no output");
    struct stat output, input;
    bool has_output = stat(desc->output, &output) == 0;
    uint32_t stdin_count = 0;
    for (uint32_t i = 0; i < desc->input_count; i++) {
        bool is_stdin = strcmp(desc->inputs[i], "-") == 0;
        stdin_count += is_stdin;
        if (has_output && !is_stdin && stat(desc->inputs[i], &input) == 0 &&
            input.st_dev == output.st_dev && input.st_ino == output.st_ino)
            return gch_fail(err, GCH_INVALID, "%.160s: is both input and output", desc->output);
    }
    if (stdin_count > 1)
        return gch_fail(err, GCH_INVALID, "standard input can be read once");
    return GCH_OK;
}

static gch_status detect_format(gch__ingest_job *job, gch_format *out, gch_error *err)
{
    *out = job->desc->format;
    if (*out != GCH_FORMAT_DEFAULT)
        return GCH_OK;
    *out = job->desc->layout != NULL ? GCH_FORMAT_RAW : GCH_FORMAT_CSV;
    if (*out == GCH_FORMAT_CSV && job->inputs[0].can_rewind) {
        uint8_t magic[8];
        size_t count;
        GCH_TRY(gch__input_read_at(&job->inputs[0], 0, magic, sizeof magic, &count, err));
        if (gch__npy_is_magic(magic, count))
            *out = GCH_FORMAT_NPY;
    }
    return GCH_OK;
}

static gch_status open_zone(gch__ingest_job *job, gch_error *err)
{
    const char *name = job->desc->time_zone;
    if (name == NULL && job->existing != NULL)
        name = job->existing->time_zone;
    if (name == NULL || name[0] == '\0' || strcmp(name, "UTC") == 0)
        return GCH_OK;
    return gch_time_zone_open(name, job->allocator, &job->zone, err);
}

gch_status gch__ingest_job_open(gch__ingest_job *job, gch_error *err)
{
    const gch_ingest_desc *desc = job->desc;
    job->allocator = desc->allocator;
    job->commit_at_ns = INT64_MAX;
    if (desc->append) {
        GCH_TRY(gch__file_open(desc->output, &(gch__file_desc){.allocator = desc->allocator},
                               &job->existing_file, err));
        job->existing = gch_file_get_info(job->existing_file);
    }
    gch__ingest_set_commit(job);
    return open_zone(job, err);
}

void gch__ingest_job_close(gch__ingest_job *job)
{
    gch_time_zone_close(job->zone);
    gch__file_close(job->existing_file);
    job->zone = NULL;
    job->existing_file = NULL;
    job->existing = NULL;
}

static gch_status run_format(gch__ingest_job *job, gch_error *err)
{
    gch_format format;
    GCH_TRY(detect_format(job, &format, err));
    switch (format) {
    case GCH_FORMAT_RAW:
        return gch__ingest_raw(job, err);
    case GCH_FORMAT_NPY:
        return gch__ingest_npy(job, err);
    case GCH_FORMAT_CSV:
    case GCH_FORMAT_DEFAULT:
        break;
    }
    return gch__ingest_csv(job, err);
}

gch_status gch_ingest(const gch_ingest_desc *desc, gch_ingest_report *report, gch_error *err)
{
    gch_ingest_report own_report = {0};
    gch__ingest_job job = {.desc = desc, .allocator = desc->allocator, .csv = GCH__CSV_SIZES};
    gch_status status = GCH_OK;
    job.report = report != NULL ? report : &own_report;
    *job.report = (gch_ingest_report){0};
    GCH_TRY(gch__ingest_check(desc, err));
    GCH_TRY(check_paths(desc, err));
    job.inputs = gch__alloc_zero(job.allocator, desc->input_count, sizeof *job.inputs, "inputs");
    if (job.inputs == NULL)
        return gch__no_memory(err, "inputs");
    for (; job.input_count < desc->input_count; job.input_count++) {
        gch__input *input = &job.inputs[job.input_count];
        GCH_TRY_GOTO(gch__input_open(desc->inputs[job.input_count], input, err), cleanup);
        input->workers = desc->workers;
    }
    GCH_TRY_GOTO(gch__ingest_job_open(&job, err), cleanup);
    status = run_format(&job, err);
cleanup:
    for (size_t i = 0; i < job.input_count; i++)
        gch__input_close(&job.inputs[i]);
    gch__free(job.allocator, job.inputs, "inputs");
    gch__ingest_job_close(&job);
    return status;
}

gch_status gch__ingest_csv_memory_sized(const gch_ingest_desc *desc, gch__span text,
                                        const gch__csv_sizes *sizes, void **out_image,
                                        size_t *out_image_bytes, gch_ingest_report *report,
                                        gch_error *err)
{
    gch__input input;
    gch_ingest_desc csv_desc = *desc;
    csv_desc.append = false;
    csv_desc.format = GCH_FORMAT_CSV;
    gch__ingest_job job = {.desc = &csv_desc,
                           .report = report,
                           .inputs = &input,
                           .input_count = 1,
                           .csv = *sizes,
                           .into_memory = true};
    *report = (gch_ingest_report){0};
    GCH_TRY(gch__ingest_check(desc, err));
    gch__input_open_memory("memory", text, &input);
    gch_status status = gch__ingest_job_open(&job, err);
    if (status == GCH_OK)
        status = run_format(&job, err);
    gch__ingest_job_close(&job);
    if (status != GCH_OK)
        return status;
    *out_image = job.image;
    *out_image_bytes = job.image_bytes;
    return GCH_OK;
}

gch_status gch__ingest_csv_memory(const gch_ingest_desc *desc, gch__span text, size_t buffer_bytes,
                                  void **out_image, size_t *out_image_bytes,
                                  gch_ingest_report *report, gch_error *err)
{
    gch__csv_sizes sizes = GCH__CSV_SIZES;
    sizes.buffer_bytes = buffer_bytes;
    sizes.chunk_bytes = GCH_MAX(GCH_MIN(buffer_bytes / 4, sizes.chunk_bytes), (size_t)1);
    return gch__ingest_csv_memory_sized(desc, text, &sizes, out_image, out_image_bytes, report,
                                        err);
}
