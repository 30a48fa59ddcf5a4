/* CSV in bulk gives what CSV record by record gives: the same file, report and message, at every
 * size of buffers and chunks and with any number of workers. */
#include "ingest_test.h"

#define WORKERS 3u

static gch_workers *workers;

typedef struct outcome {
    gch_status status;
    gch_error err;
    gch_ingest_report report;
    void *image;
    size_t image_bytes;
} outcome;

static outcome ingest(const gch_ingest_desc *desc, gch__span text, const gch__csv_sizes *sizes)
{
    outcome out = {0};
    out.status = gch__ingest_csv_memory_sized(desc, text, sizes, &out.image, &out.image_bytes,
                                              &out.report, &out.err);
    return out;
}

static void outcome_reset(outcome *out)
{
    if (out->image != NULL)
        gch_writer_free_memory(out->image, NULL);
}

static bool outcomes_equal(const outcome *a, const outcome *b)
{
    if (a->status != b->status || a->report.row_count != b->report.row_count ||
        a->report.bad_count != b->report.bad_count ||
        strcmp(a->report.first_bad, b->report.first_bad) != 0)
        return false;
    if (a->status != GCH_OK)
        return strcmp(a->err.message, b->err.message) == 0;
    return a->image_bytes == b->image_bytes && memcmp(a->image, b->image, a->image_bytes) == 0;
}

/* One size of everything against the serial way. */
static void compare(gch_ingest_desc desc, gch__span text, size_t buffer_bytes, size_t chunk_bytes,
                    uint32_t probe_rows, uint32_t worker_count, const outcome *expected)
{
    const gch__csv_sizes sizes = {
        .buffer_bytes = buffer_bytes, .chunk_bytes = chunk_bytes, .probe_rows = probe_rows};
    desc.workers = worker_count > 1 ? workers : NULL;
    outcome out = ingest(&desc, text, &sizes);
    if (!outcomes_equal(&out, expected)) {
        char head[200];
        snprintf(head, sizeof head, "%.*s", (int)GCH_MIN(text.count, (size_t)150),
                 (const char *)text.bytes);
        fail_msg("%s\nbuffer %zu, chunks %zu, workers %u: %s, %llu rows, %llu bad, \"%s\"\n"
                 "expected %s, %llu rows, %llu bad, \"%s\"",
                 head, buffer_bytes, chunk_bytes, worker_count, gch_status_name(out.status),
                 (unsigned long long)out.report.row_count, (unsigned long long)out.report.bad_count,
                 out.status != GCH_OK ? out.err.message : "", gch_status_name(expected->status),
                 (unsigned long long)expected->report.row_count,
                 (unsigned long long)expected->report.bad_count,
                 expected->status != GCH_OK ? expected->err.message : "");
    }
    outcome_reset(&out);
}

static outcome ingest_serially(const gch_ingest_desc *desc, gch__span text, uint32_t probe_rows)
{
    const gch__csv_sizes sizes = {
        .buffer_bytes = 1 << 16, .chunk_bytes = 1, .probe_rows = probe_rows, .is_serial = true};
    return ingest(desc, text, &sizes);
}

/* All texts of six of these bytes, five at a time with good rows between. */
static void every_short_text_gives_the_same_in_bulk(void **state)
{
    (void)state;
    static const char alphabet[] = {'1', ',', '"', '\n', '\r'};
    static const char *const between[] = {"\n2,3\n", "2\n12,3\r\n", "\n"};
    for (uint32_t code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
        char text[128] = "0,1\n";
        size_t at = 4;
        for (uint32_t first = 0; first < 5; first++) {
            text[at++] = alphabet[first];
            uint32_t rest = code;
            for (int i = 0; i < 5; i++, rest /= 5)
                text[at++] = alphabet[rest % 5];
            at += (size_t)sprintf(text + at, "%s", between[(code + first) % 3]);
        }
        const gch_ingest_desc desc = {.header = GCH_HEADER_NO,
                                      .delimiter = ',',
                                      .time_unit = GCH_TIME_S,
                                      .sort = true,
                                      .skip_bad = code % 4 > 0 ? 99 : 0};
        gch__span span = {(const uint8_t *)text, at};
        outcome expected = ingest_serially(&desc, span, 1);
        compare(desc, span, 1 + code % 23, 1 + code % 5, 1, 1, &expected);
        compare(desc, span, 100, 1 + code % 7, 1, code % 5 == 0 ? WORKERS : 1, &expected);
        outcome_reset(&expected);
    }
}

/* ---- long texts ---- */

typedef struct writer {
    char *text;
    size_t count, cap;
    uint64_t random;
    bool is_iso, has_bad, has_odd;
} writer;

GCH_PRINTF(2, 3)
static void put(writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(w->text + w->count, w->cap - w->count, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < w->cap - w->count);
    w->count += (size_t)length;
}

static void put_number(writer *w)
{
    uint64_t r = test_random(&w->random);
    switch (r % (w->has_odd ? 14 : 6)) {
    case 0:
        put(w, "%d", (int)(r >> 8 & 0xFFF) - 0x800);
        break;
    case 6:
        break; /* a gap */
    case 7:
        put(w, "nan");
        break;
    case 8:
        put(w, "\"%d.5\"", (int)(r >> 8 & 0xFF));
        break;
    case 9:
        put(w, "%se-3", r & 256 ? "12345678901234567.25" : "-12.5");
        break;
    case 10:
        put(w, r & 256 ? "-0" : "-0.00");
        break;
    case 11:
        put(w, " %d ", (int)(r >> 8 & 0xFF));
        break;
    case 12:
        put(w, r & 256 ? "123456789012345678901.5" : ".5");
        break;
    case 13:
        put(w, "\"%d\"", (int)(r >> 8 & 0xFF));
        break;
    default:
        put(w, "%s%d.%0*d", r & 256 ? "-" : "", (int)(r >> 16 & 0xFFFFF), 1 + (int)(r >> 40 & 3),
            (int)(r >> 48 & 7));
        break;
    }
}

static void put_text(writer *w)
{
    uint64_t r = test_random(&w->random);
    if (!w->has_odd || r % 4 != 0)
        put(w, "abc");
    else
        put(w, r & 256 ? "\"x\ny,1\r\n2,\"\"z\"" : "\"a,b\nc\"");
}

static void put_bad(writer *w)
{
    static const char *const bad[] = {"1,2",       "5,x,1,y",      "\"a\"b,1,2,3", "1,2,3,4,5",
                                      "what,1,2,", ",1,2,3",       "1,\"2",        "\"",
                                      "2,3,,1e",   "9,9,9,\"9\"9", "-,1,1,1"};
    put(w, "%s", bad[test_random(&w->random) % GCH_COUNT_OF(bad)]);
}

/* time, value, text, value */
static void fill(writer *w, size_t row_count)
{
    int64_t time = 1700000000000;
    w->count = 0;
    put(w, "time,a,note,b\n");
    for (size_t row = 0; row < row_count; row++) {
        uint64_t r = test_random(&w->random);
        time += (int64_t)(r % 1000);
        if (w->has_bad && r >> 16 & 1 && (r >> 20) % 40 == 0) {
            put_bad(w);
        } else {
            if (w->is_iso)
                put(w, "2024-01-%02dT%02d:%02d:%02d.%03dZ", 1 + (int)(row / 86400 % 28),
                    (int)(row / 3600 % 24), (int)(row / 60 % 60), (int)(row % 60), (int)(r % 1000));
            else
                put(w, "%lld", (long long)time);
            put(w, ",");
            put_number(w);
            put(w, ",");
            put_text(w);
            put(w, ",");
            put_number(w);
        }
        if (w->has_odd && (r >> 30) % 16 == 0)
            put(w, "\r\n \n\n");
        else
            put(w, (r >> 40) % 16 == 0 ? "\r\n" : "\n");
    }
    if (test_random(&w->random) % 2 == 0)
        w->count--; /* without the last line end */
}

static void long_texts_give_the_same_in_bulk(void **state)
{
    (void)state;
    writer w = {.cap = (size_t)1 << 20, .random = 7};
    w.text = malloc(w.cap);
    for (uint32_t round = 0; round < 60; round++) {
        w.is_iso = round % 2 != 0;
        w.has_odd = round / 2 % 2 != 0;
        w.has_bad = round / 4 % 2 != 0;
        fill(&w, 200 + 13 * round);
        const char *columns[] = {"a", "b"};
        const gch_ingest_desc desc = {.columns = columns,
                                      .column_count = 2,
                                      .skip_bad = round % 3 == 0 ? 5 : 100000,
                                      .sort = round % 7 == 0};
        gch__span span = {(const uint8_t *)w.text, w.count};
        outcome expected = ingest_serially(&desc, span, 20);
        compare(desc, span, (size_t)1 << 20, 200, 20, 1, &expected);
        compare(desc, span, (size_t)1 << 20, 1 + round * 17, 20, WORKERS, &expected);
        compare(desc, span, 1 + round * 31, 1 + round * 5, 20, WORKERS, &expected);
        compare(desc, span, 5000, 777, 20, WORKERS, &expected);
        outcome_reset(&expected);
    }
    free(w.text);
}

/* A late row, somewhere: its line is named, and nothing of it depends on chunks. */
static void a_late_row_is_named_wherever_chunks_begin(void **state)
{
    (void)state;
    writer w = {.cap = (size_t)1 << 16};
    w.text = malloc(w.cap);
    for (uint32_t late = 30; late < 300; late += 7) {
        w.count = 0;
        put(&w, "time,v\n");
        for (uint32_t row = 0; row < 300; row++)
            put(&w, "%u,%u.5\n", row == late ? row - 2 : row, row);
        gch__span span = {(const uint8_t *)w.text, w.count};
        const gch_ingest_desc desc = {.time_unit = GCH_TIME_S};
        outcome expected = ingest_serially(&desc, span, 20);
        char line[32];
        snprintf(line, sizeof line, "memory:%u:1: ", late + 2);
        assert_int_equal(expected.status, GCH_UNSORTED);
        assert_memory_equal(expected.err.message, line, strlen(line));
        compare(desc, span, (size_t)1 << 16, 64, 20, WORKERS, &expected);
        compare(desc, span, 300, 10 + late, 20, 1, &expected);
    }
    free(w.text);
}

/* More rows than a batch holds (small inputs have batches of 4096). */
static void rows_go_on_over_full_batches(void **state)
{
    (void)state;
    writer w = {.cap = (size_t)1 << 20};
    w.text = malloc(w.cap);
    put(&w, "v\n");
    for (uint32_t row = 0; row < 20000; row++)
        put(&w, row % 5 == 0 ? "\n%u\n" : "%u\n", row);
    gch__span span = {(const uint8_t *)w.text, w.count};
    const gch_ingest_desc desc = {0};
    outcome expected = ingest_serially(&desc, span, 1000);
    assert_int_equal(expected.status, GCH_OK);
    assert_int_equal(expected.report.row_count, 20000);
    for (size_t chunk_bytes = 300; chunk_bytes < 100000; chunk_bytes *= 3) {
        compare(desc, span, (size_t)1 << 20, chunk_bytes, 1000, WORKERS, &expected);
        compare(desc, span, 40000, chunk_bytes, 1000, 1, &expected);
    }
    outcome_reset(&expected);
    free(w.text);
}

static void a_finer_time_in_bulk_starts_over(void **state)
{
    (void)state;
    writer w = {.cap = (size_t)1 << 20};
    w.text = malloc(w.cap);
    put(&w, "time,v\n");
    for (int row = 0; row < 3000; row++)
        put(&w, "2024-01-01T%02d:%02d:%02d%sZ,1\n", row / 3600, row / 60 % 60, row % 60,
            row == 2500 ? ".25" : "");
    gch__span span = {(const uint8_t *)w.text, w.count};
    outcome expected = ingest_serially(&(gch_ingest_desc){0}, span, 1000);
    assert_int_equal(expected.report.time_unit, GCH_TIME_NS);
    compare((gch_ingest_desc){0}, span, (size_t)1 << 20, 1000, 1000, WORKERS, &expected);
    outcome_reset(&expected);
    free(w.text);
}

static int make_workers(void **state)
{
    (void)state;
    gch_error err;
    return gch_workers_make(WORKERS, NULL, &workers, &err) == GCH_OK ? 0 : -1;
}

static int destroy_workers(void **state)
{
    (void)state;
    gch_workers_destroy(workers);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_text_gives_the_same_in_bulk),
        cmocka_unit_test(long_texts_give_the_same_in_bulk),
        cmocka_unit_test(a_late_row_is_named_wherever_chunks_begin),
        cmocka_unit_test(rows_go_on_over_full_batches),
        cmocka_unit_test(a_finer_time_in_bulk_starts_over),
    };
    return cmocka_run_group_tests(tests, make_workers, destroy_workers);
}
