/* Any bytes as CSV: no crash, and what is accepted comes back the same when it is exported and read
 * again. The first byte chooses options, the second the size of the read buffer. */
#include "gch/ingest.h"
#include "ingest_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static gch_file *open_image(void *image, size_t image_bytes)
{
    gch_error err;
    gch_file *file = NULL;
    require(gch_file_open_memory(image, image_bytes, "image", NULL, &file, &err) == GCH_OK,
            "the written image does not open");
    require(gch_file_verify(file, NULL, NULL, &err) == GCH_OK, "the written image is not sound");
    return file;
}

static char *export_file(const gch_file *file, size_t *out_length)
{
    gch_error err;
    char *text = NULL;
    FILE *out = open_memstream(&text, out_length);
    require(out != NULL, "no stream");
    require(gch_export_csv(file, NULL, out, &err) == GCH_OK, "the image does not export");
    fclose(out);
    return text;
}

/* The exported text once more; it must give the same text again. */
static void check_round_trip(const gch_file *file)
{
    const gch_file_info *info = gch_file_get_info(file);
    gch_error err;
    gch_ingest_report report;
    void *image = NULL;
    size_t image_bytes, length = 0, again_length = 0;
    char *text = export_file(file, &length);
    gch_ingest_desc desc = {.header = GCH_HEADER_YES, .delimiter = ','};
    if (!info->time_is_text)
        desc.time_unit = info->time_unit; /* integers do not tell */
    gch_status status = gch__ingest_csv_memory(&desc, (gch__span){(const uint8_t *)text, length},
                                               4096, &image, &image_bytes, &report, &err);
    if (status != GCH_OK)
        fprintf(stderr, "%s\n%.*s\n", err.message, (int)length, text);
    require(status == GCH_OK, "the exported text is refused");
    gch_file *again = open_image(image, image_bytes);
    char *again_text = export_file(again, &again_length);
    if (length != again_length || memcmp(text, again_text, length) != 0)
        fprintf(stderr, "%.*s\n--\n%.*s\n", (int)length, text, (int)again_length, again_text);
    require(length == again_length && memcmp(text, again_text, length) == 0,
            "the second export differs");
    require(gch_file_get_info(again)->time_unit == info->time_unit || info->row_count == 0,
            "the unit of time differs");
    gch_file_close(again);
    gch_writer_free_memory(image, NULL);
    free(again_text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count < 2)
        return 0;
    const uint8_t options = bytes[0], buffer = bytes[1];
    static const char delimiters[] = {0, ',', ';', '\t'};
    const gch_ingest_desc desc = {
        .sort = (options & 1) != 0,
        .skip_bad = (options & 2) != 0 ? 3 : 0,
        .header = (gch_header)((options >> 2 & 3) % 3),
        .delimiter = delimiters[options >> 4 & 3],
    };
    gch_error err;
    gch_ingest_report report;
    void *image = NULL;
    size_t image_bytes;
    gch_status status =
        gch__ingest_csv_memory(&desc, (gch__span){bytes + 2, count - 2}, (size_t)buffer + 1, &image,
                               &image_bytes, &report, &err);
    if (status != GCH_OK)
        return 0;
    gch_file *file = open_image(image, image_bytes);
    require(gch_file_get_info(file)->row_count == report.row_count, "rows were lost");
    check_round_trip(file);
    gch_file_close(file);
    gch_writer_free_memory(image, NULL);
    return 0;
}
