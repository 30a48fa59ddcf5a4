/* The file reader under fire: no input may crash it, hang it or give a status it does not declare.
 *
 * An input that starts with "GCHF" is a whole file image; it is tried as it is and with its
 * checksums repaired. Any other input is a script over an image that the writer makes here: byte 0
 * chooses the image, then each record of 12 bytes changes it:
 *     0  u8   what: 0 set a byte, 1 set 4 bytes, 2 set 8 bytes, 3 cut the image off there
 *     1  u24  place: the number of a 64-byte line that is not all zero (modulo their count)
 *             times 64, plus a byte in it
 *     4  u64  the new bytes
 * Then the checksums are repaired, so that the checks behind them are reached.
 * store_reader_corpus.py writes the scripts of the corpus.
 */
#include "gch/writer.h"
#include "store_open.h"
#include "store_test_repair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#define IMAGE_COUNT 4u
#define ROWS 3000u
#define ROWS_READ 2500u
#define RECORD_BYTES 12u

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

typedef struct image {
    void *bytes;
    size_t count;
    uint32_t *lines; /* the 64-byte lines that are not all zero */
    size_t line_count;
} image;

/* 0: regular times, decimals; 1: irregular times, gaps, -0.0; 2: wide keys, text; 3: no rows. */
static void make_image(uint32_t which, image *out)
{
    static int64_t times[ROWS];
    static double prices[ROWS];
    static int64_t numbers[ROWS];
    static int8_t scales[ROWS];
    static uint8_t validity[ROWS / 8];
    uint64_t seed = which + 1;
    for (uint32_t i = 0; i < ROWS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t noise = (uint32_t)(seed >> 40);
        times[i] = which == 0 ? 1000 + 10 * (int64_t)i : (int64_t)i * 1000 + noise % 900;
        prices[i] = which == 1 && noise % 400 == 0 ? -0.0 : (double)(noise % 5000) / 100;
        numbers[i] = which == 2 && noise % 3 == 0 ? (int64_t)(seed >> 1) : (int64_t)(noise % 99);
        scales[i] = (int8_t)(noise % 2);
    }
    memset(validity, which == 1 ? 0x7D : 0xFF, sizeof validity);
    gch_column_desc columns[2] = {
        {.name = "price", .type = GCH_TYPE_F64},
        {.name = "n", .type = which == 2 ? GCH_TYPE_I64 : GCH_TYPE_DECIMAL}};
    gch_column_data data[2] = {{.values = prices, .validity = validity},
                               {.values = numbers, .scales = which == 2 ? NULL : scales}};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2};
    gch_writer *writer = NULL;
    REQUIRE(gch_writer_create_memory(&desc, &writer, NULL) == GCH_OK);
    REQUIRE(which == 3 || gch_writer_append(writer, times, data, ROWS, NULL) == GCH_OK);
    REQUIRE(gch_writer_finish_memory(writer, &out->bytes, &out->count, NULL) == GCH_OK);
    static const uint8_t zeros[64];
    size_t lines = out->count / 64;
    out->lines = malloc(lines * sizeof *out->lines);
    REQUIRE(out->lines != NULL);
    for (size_t line = 0; line < lines; line++) {
        if (memcmp((uint8_t *)out->bytes + line * 64, zeros, 64) != 0)
            out->lines[out->line_count++] = (uint32_t)line;
    }
}

static bool is_declared(gch_status status)
{
    return status == GCH_OK || status == GCH_CORRUPT || status == GCH_UNSUPPORTED;
}

static void read_rows(const gch_file *file)
{
    static int64_t times[ROWS_READ];
    static gch_value values[ROWS_READ];
    const gch_file_info *info = gch_file_get_info(file);
    size_t rows = (size_t)GCH_MIN(info->row_count, (uint64_t)ROWS_READ);
    for (uint64_t first = 0; first <= info->row_count - rows;
         first += GCH_MAX(info->row_count - rows, (uint64_t)1)) {
        REQUIRE(is_declared(gch_file_read_times(file, first, rows, times, NULL)));
        for (uint32_t c = 0; c < GCH_MIN(info->column_count, 4u); c++)
            REQUIRE(is_declared(gch_file_read_values(file, c, first, rows, values, NULL)));
    }
}

static void exercise(const uint8_t *bytes, size_t count)
{
    gch_error err = {0};
    gch_file *file = NULL;
    gch_status status = gch__file_open_memory(bytes, count, "fuzz", NULL, &file, &err);
    REQUIRE(is_declared(status));
    REQUIRE(status == GCH_OK || strncmp(err.message, "fuzz: ", 6) == 0);
    if (status != GCH_OK)
        return;
    read_rows(file);
    REQUIRE(is_declared(gch_file_verify(file, NULL, NULL, &err)));
    gch__file_close(file);
}

/* Returns how much of the image is left. */
static size_t run_script(const image *base, uint8_t *bytes, const uint8_t *script, size_t count)
{
    size_t left = base->count;
    for (; count >= RECORD_BYTES; script += RECORD_BYTES, count -= RECORD_BYTES) {
        uint32_t place = gch__load_u32(script) >> 8;
        size_t at = (size_t)base->lines[place / 64 % base->line_count] * 64 + place % 64;
        static const size_t sizes[3] = {1, 4, 8};
        uint32_t what = script[0] % 4;
        if (what == 3)
            left = GCH_MIN(left, at);
        else
            memcpy(bytes + at, script + 4, GCH_MIN(sizes[what], base->count - at));
    }
    return left;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static image images[IMAGE_COUNT];
    if (count < 1 || count > 1u << 24)
        return 0;
    bool is_whole = count >= 4 && memcmp(bytes, "GCHF", 4) == 0;
    const image *base = NULL;
    if (!is_whole) {
        uint32_t which = bytes[0] % IMAGE_COUNT;
        if (images[which].bytes == NULL)
            make_image(which, &images[which]);
        base = &images[which];
    }
    size_t room = is_whole ? count : base->count;
    uint8_t *copy = aligned_alloc(64, (room + 63) / 64 * 64);
    REQUIRE(copy != NULL);
    memcpy(copy, is_whole ? bytes : base->bytes, room);
    size_t left = room;
    if (is_whole)
        exercise(copy, left);
    else
        left = run_script(base, copy, bytes + 1, count - 1);
    repair_image(copy, left);
    exercise(copy, left);
    free(copy);
    return 0;
}
