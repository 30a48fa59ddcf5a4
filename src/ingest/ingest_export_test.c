/* CSV out: exact text, ranges, and what comes back when it is read in again. */
#include "gch/ingest.h"
#include "ingest_test.h"

#include <math.h>

/* The CSV of a file; the caller frees it. */
static char *export_text(const gch_file *file, const gch_export_desc *desc, size_t *out_length)
{
    gch_error err;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    assert_ok(gch_export_csv(file, desc, out, &err));
    assert_int_equal(fclose(out), 0);
    if (out_length != NULL)
        *out_length = length;
    return text;
}

static void assert_export(const gch_ingest_desc *ingest, const gch_export_desc *desc,
                          const char *text, const char *expected)
{
    gch_error err;
    test_table t;
    assert_ok(test_ingest(ingest != NULL ? ingest : &(gch_ingest_desc){0}, text, 64, &t, &err));
    char *out = export_text(t.file, desc, NULL);
    assert_string_equal(out, expected);
    free(out);
    test_table_reset(&t);
}

static void text_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "time,price\n1,12.50\n2,-0.25\n3,100.00\n",
        "time,a,b\n1700000000000,1,\n1700000000001,,2\n1700000000002,,\n",
        "time,v\n2024-01-01T00:00:00Z,1\n2024-01-01T23:59:59Z,2\n2024-01-02T00:00:00Z,3\n",
        "when,v\n1969-12-31T23:59:59.999Z,1\n1970-01-01T00:00:00.000Z,2\n",
        "t,v\n2024-02-29T12:30:15.123456Z,1\n2024-02-29T12:30:15.123457Z,2\n",
        "t,v\n1677-09-21T00:12:43.145224192Z,1\n2262-04-11T23:47:16.854775807Z,2\n",
        "t,v\n0000-01-01T00:00:00Z,1\n9999-12-31T23:59:59Z,2\n",
        "time,v\n-5,1\n0,2\n9223372036854775807,3\n",
        "time,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\" padded \"\n1,2,3,4,5\n",
        "index,v\n0,1\n1,2\n",
        "t,v\n1,inf\n2,-inf\n3,-0\n4,1\n",
        "t,v\n1,9223372036854775807\n2,-9223372036854775808\n",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(texts); i++)
        assert_export(NULL, NULL, texts[i], texts[i]);
    assert_export(NULL, NULL, "time,v\n1,1.50\n2,1.5\n3,2e3\n", "time,v\n1,1.5\n2,1.5\n3,2000\n");
    assert_export(NULL, NULL, "5\n6\n", "index,1\n0,5\n1,6\n");
}

static void the_zone_of_display_is_written_as_an_offset(void **state)
{
    (void)state;
    gch_error err;
    gch_time_zone *zone;
    if (gch_time_zone_open("Europe/Berlin", NULL, &zone, &err) != GCH_OK)
        fail_msg("the zone files of tzdata are missing");
    gch_time_zone_close(zone);
    const gch_ingest_desc berlin = {.time_zone = "Europe/Berlin"};
    assert_export(&berlin, NULL, "t,v\n2024-01-01T00:00:00,1\n2024-07-01T00:00:00,2\n",
                  "t,v\n2024-01-01T00:00:00+01:00,1\n2024-07-01T00:00:00+02:00,2\n");
    assert_export(&berlin, &(gch_export_desc){.integer_times = true}, "t,v\n2024-01-01,1\n",
                  "t,v\n1704063600,1\n");
}

static void ranges_and_columns_are_chosen(void **state)
{
    (void)state;
    const char *text = "t,a,b\n1,10,100\n2,20,200\n2,21,201\n5,50,500\n";
    const uint32_t b_a[] = {1, 0};
    assert_export(NULL, &(gch_export_desc){.columns = b_a, .column_count = 2}, text,
                  "t,b,a\n1,100,10\n2,200,20\n2,201,21\n5,500,50\n");
    assert_export(NULL, &(gch_export_desc){.from = 2, .to = 5, .no_header = true}, text,
                  "2,20,200\n2,21,201\n");
    assert_export(NULL, &(gch_export_desc){.from = 3, .to = 4, .no_header = true}, text, "");
    assert_export(NULL, &(gch_export_desc){.from = -9, .to = 2, .no_header = true}, text,
                  "1,10,100\n");
    assert_export(NULL, &(gch_export_desc){.from = 5, .to = 100, .no_header = true}, text,
                  "5,50,500\n");
    gch_error err = {0};
    test_table t;
    const uint32_t two[] = {2};
    assert_ok(test_ingest(&(gch_ingest_desc){0}, text, 64, &t, &err));
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_status(
        gch_export_csv(t.file, &(gch_export_desc){.columns = two, .column_count = 1}, out, &err),
        GCH_INVALID);
    assert_status(gch_export_csv(t.file, &(gch_export_desc){.from = 5, .to = 1}, out, &err),
                  GCH_INVALID);
    fclose(out);
    test_table_reset(&t);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    gch_error err = {0};
    test_table t;
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    assert_ok(test_ingest(&(gch_ingest_desc){0}, "t,v\n1,2\n", 64, &t, &err));
    assert_status(gch_export_csv(t.file, NULL, out, &err), GCH_IO);
    fclose(out);
    test_table_reset(&t);
}

/* All rows of two files: times and the bits that the type of the first one has. */
static void assert_same_values(const gch_file *a, const gch_file *b, gch_type type)
{
    gch_error err;
    const gch_file_info *info = gch_file_get_info(a);
    assert_int_equal(gch_file_get_info(b)->row_count, info->row_count);
    for (uint64_t row = 0; row < info->row_count; row++) {
        int64_t ta, tb;
        gch_value va, vb;
        assert_ok(gch_file_read_times(a, row, 1, &ta, &err));
        assert_ok(gch_file_read_times(b, row, 1, &tb, &err));
        assert_ok(gch_file_read_values(a, 0, row, 1, &va, &err));
        assert_ok(gch_file_read_values(b, 0, row, 1, &vb, &err));
        assert_int_equal(ta, tb);
        double da = gch_value_to_double(va), db = gch_value_to_double(vb);
        if (isnan(da)) {
            assert_int_equal(vb.kind, GCH_VALUE_GAP); /* text carries no payload */
        } else if (type == GCH_TYPE_F32) {
            float fa = (float)da, fb = (float)db;
            assert_memory_equal(&fa, &fb, sizeof fa);
        } else if (type == GCH_TYPE_F64) {
            assert_memory_equal(&da, &db, sizeof da);
        } else {
            assert_int_equal(va.as.digits, vb.as.digits);
            assert_int_equal(va.scale, vb.scale);
        }
    }
}

/* A memory file of one column of this type and these bytes. */
static gch_file *make_file(gch_type type, const void *values, size_t count, void **out_image)
{
    gch_error err;
    gch_writer *writer;
    gch_file *file;
    size_t image_bytes;
    int64_t *times = malloc(count * sizeof *times);
    for (size_t i = 0; i < count; i++)
        times[i] = (int64_t)i * 7 - 1000;
    assert_ok(gch_writer_create_memory(
        &(gch_writer_desc){.time_unit = GCH_TIME_US,
                           .time_is_text = true,
                           .columns = &(gch_column_desc){.name = "v", .type = type},
                           .column_count = 1},
        &writer, &err));
    assert_ok(gch_writer_append(writer, times, &(gch_column_data){.values = values}, count, &err));
    assert_ok(gch_writer_finish_memory(writer, out_image, &image_bytes, &err));
    assert_ok(gch__file_open_memory(*out_image, image_bytes, "made", NULL, &file, &err));
    free(times);
    return file;
}

static void every_type_comes_back_bit_for_bit(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    static const gch_type types[] = {GCH_TYPE_I8,  GCH_TYPE_U8,  GCH_TYPE_I16,
                                     GCH_TYPE_U16, GCH_TYPE_I32, GCH_TYPE_U32,
                                     GCH_TYPE_I64, GCH_TYPE_F32, GCH_TYPE_F64};
    uint64_t random = 17;
    for (size_t k = 0; k < GCH_COUNT_OF(types); k++) {
        /* Plain random bits: for floats all exponents, subnormals, infinities, NaN payloads. */
        static uint64_t bits[ROWS];
        static uint32_t narrow[ROWS];
        for (int i = 0; i < ROWS; i++) {
            bits[i] = test_random(&random);
            narrow[i] = (uint32_t)bits[i];
        }
        static const uint64_t odd64[] = {0,
                                         0x8000000000000000u,
                                         0x7FF0000000000000u,
                                         0xFFF0000000000000u,
                                         0x7FF8000000000001u,
                                         0x0000000000000001u,
                                         0x7FEFFFFFFFFFFFFFu};
        static const uint32_t odd32[] = {0,           0x80000000u, 0x7F800000u, 0xFF800000u,
                                         0x7FC00001u, 0x00000001u, 0x7F7FFFFFu};
        memcpy(bits + 700, odd64, sizeof odd64);
        memcpy(narrow + 700, odd32, sizeof odd32);
        const void *values = types[k] == GCH_TYPE_F32 ? (const void *)narrow : (const void *)bits;
        void *image;
        gch_file *file = make_file(types[k], values, ROWS, &image);
        char *text = export_text(file, NULL, NULL);
        gch_error err;
        test_table t;
        assert_ok(test_ingest(&(gch_ingest_desc){0}, text, 1000, &t, &err));
        assert_same_values(file, t.file, types[k]);
        test_table_reset(&t);
        free(text);
        gch__file_close(file);
        gch_writer_free_memory(image, NULL);
    }
}

static void the_fast_formats_equal_the_public_ones(void **state)
{
    (void)state;
    gch_error err;
    test_table t;
    char text[64 * 1024];
    size_t at = (size_t)snprintf(text, sizeof text, "t,v\n");
    uint64_t random = 23;
    int64_t time = -400000000000000000;
    for (int i = 0; i < 500; i++) {
        time += (int64_t)(test_random(&random) % 1600000000000000u);
        at += (size_t)snprintf(text + at, sizeof text - at, "%lld,%lld.%03d\n", (long long)time,
                               (long long)test_random(&random) >> (20 + i % 40), i);
    }
    assert_ok(test_ingest(&(gch_ingest_desc){.time_unit = GCH_TIME_NS}, text, 4096, &t, &err));
    test_table dates; /* the same instants as dates */
    char *iso = malloc(1 << 20);
    size_t iso_at = (size_t)sprintf(iso, "t,v\n");
    for (uint64_t row = 0; row < t.info->row_count; row++) {
        int64_t ticks;
        gch_value value;
        char a[64], b[64];
        assert_ok(gch_file_read_times(t.file, row, 1, &ticks, &err));
        assert_ok(gch_file_read_values(t.file, 0, row, 1, &value, &err));
        gch_time_format(ticks, GCH_TIME_NS, NULL, a, sizeof a);
        gch_value_format(value, 3, b, sizeof b);
        iso_at += (size_t)sprintf(iso + iso_at, "%s,%s\n", a, b);
    }
    assert_ok(test_ingest(&(gch_ingest_desc){0}, iso, 4096, &dates, &err));
    char *out = export_text(dates.file, NULL, NULL);
    assert_string_equal(out, iso);
    free(out);
    free(iso);
    test_table_reset(&dates);
    test_table_reset(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_out_as_it_went_in),
        cmocka_unit_test(the_zone_of_display_is_written_as_an_offset),
        cmocka_unit_test(ranges_and_columns_are_chosen),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(every_type_comes_back_bit_for_bit),
        cmocka_unit_test(the_fast_formats_equal_the_public_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
