/* Any bytes as CSV: no crash; parsing in bulk, record by record, and of pieces that are pushed
 * gives one result; and what is accepted comes back the same when it is exported and read again.
 * The first byte chooses options, the second the size of the read buffer. */
#include "gch/ingest.h"
#include "ingest_job.h"
#include "store_open.h"

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
    require(gch__file_open_memory(image, image_bytes, "image", NULL, &file, &err) == GCH_OK,
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
    gch__file_close(again);
    gch_writer_free_memory(image, NULL);
    free(again_text);
    free(text);
}

/* Rows behind the first in bulk, and one by one: the same image, or the same message. */
static void check_bulk(const gch_ingest_desc *desc, gch__span text, size_t buffer_bytes)
{
    void *images[2] = {NULL, NULL};
    size_t image_bytes[2] = {0, 0};
    gch_status statuses[2];
    gch_error errors[2];
    gch_ingest_report reports[2];
    for (int i = 0; i < 2; i++) {
        const gch__csv_sizes sizes = {.buffer_bytes = buffer_bytes,
                                      .chunk_bytes = buffer_bytes / 4 + 1,
                                      .probe_rows = 1,
                                      .is_serial = i > 0};
        statuses[i] = gch__ingest_csv_memory_sized(desc, text, &sizes, &images[i], &image_bytes[i],
                                                   &reports[i], &errors[i]);
    }
    require(statuses[0] == statuses[1], "bulk changes the status");
    require(reports[0].bad_count == reports[1].bad_count, "bulk changes the bad lines");
    if (statuses[0] != GCH_OK) {
        require(strcmp(errors[0].message, errors[1].message) == 0, "bulk changes the message");
        return;
    }
    require(image_bytes[0] == image_bytes[1] && memcmp(images[0], images[1], image_bytes[0]) == 0,
            "bulk changes the rows");
    gch_writer_free_memory(images[0], NULL);
    gch_writer_free_memory(images[1], NULL);
}

/* The text in pieces of up to 16 bytes. */
static void check_pushed(const gch_ingest_desc *desc, gch__span text, uint8_t seed,
                         gch_status expected, const gch_error *expected_err, const void *image,
                         size_t image_bytes)
{
    gch_error err = {0};
    gch_parser *parser = NULL;
    void *pushed = NULL;
    size_t pushed_bytes = 0, at = 0;
    uint32_t random = seed;
    require(gch_parser_make(&(gch_parser_desc){.ingest = *desc, .name = "memory"}, &parser, &err) ==
                GCH_OK,
            "no parser");
    gch_status status = GCH_OK;
    while (status == GCH_OK && at < text.count) {
        random = random * 1664525u + 1013904223u;
        const size_t piece = GCH_MIN((size_t)(random >> 28) + 1, text.count - at);
        uint8_t *copy = malloc(piece); /* so that a sanitizer sees what is read beside it */
        require(copy != NULL, "no memory");
        memcpy(copy, text.bytes + at, piece);
        size_t taken = 0;
        status = gch_parser_push(parser, copy, piece, &taken, &err);
        free(copy);
        require(status != GCH_OK || taken == piece, "bytes are left");
        at += piece;
    }
    if (status == GCH_OK)
        status = gch_parser_finish_memory(parser, &pushed, &pushed_bytes, NULL, &err);
    else
        gch_parser_abandon(parser);
    if (status == GCH_LIMIT && strstr(err.message, "give --time-unit ns") != NULL)
        return; /* only a text that lies there whole can be read twice */
    require(status == expected, "pushing changes the status");
    if (status != GCH_OK) {
        require(strcmp(err.message, expected_err->message) == 0, "pushing changes the message");
        return;
    }
    require(pushed_bytes == image_bytes && memcmp(pushed, image, image_bytes) == 0,
            "pushing changes the rows");
    gch_writer_free_memory(pushed, NULL);
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
    check_bulk(&desc, (gch__span){bytes + 2, count - 2}, (size_t)buffer + 1);
    gch_status status =
        gch__ingest_csv_memory(&desc, (gch__span){bytes + 2, count - 2}, (size_t)buffer + 1, &image,
                               &image_bytes, &report, &err);
    check_pushed(&desc, (gch__span){bytes + 2, count - 2}, buffer, status, &err, image,
                 image_bytes);
    if (status != GCH_OK)
        return 0;
    gch_file *file = open_image(image, image_bytes);
    require(gch_file_get_info(file)->row_count == report.row_count, "rows were lost");
    check_round_trip(file);
    gch__file_close(file);
    gch_writer_free_memory(image, NULL);
    return 0;
}
