/* Raw and NPY inputs: round trips to the bit, and every refusal. Bytes are made by hand. */
#include "gch/ingest.h"
#include "ingest_npy_header.h"
#include "ingest_test.h"

#include <math.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gch_binary_XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"a.raw", "b.raw", "a.npy", "b.npy", "out.gch"};
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static int next = 0;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *bytes, size_t count)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* Raw records pushed in pieces give the bytes of the file. */
static void assert_pushed(const gch_ingest_desc *desc, const char *input, const char *output,
                          gch_status status, const gch_error *err, const gch_ingest_report *report)
{
    uint8_t *texts[2] = {NULL, NULL};
    size_t counts[2] = {0, 0};
    const char *paths[2] = {input, output};
    for (int i = 0; i < (status == GCH_OK ? 2 : 1); i++) {
        FILE *file = fopen(paths[i], "rb");
        if (file == NULL) {
            assert_status(status, GCH_NOT_FOUND); /* nothing to push */
            return;
        }
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        counts[i] = (size_t)ftell(file);
        rewind(file);
        texts[i] = malloc(counts[i] + 1);
        assert_int_equal(fread(texts[i], 1, counts[i], file), counts[i]);
        fclose(file);
    }
    gch_ingest_desc pushed = *desc;
    pushed.inputs = NULL;
    pushed.input_count = 0;
    pushed.output = NULL;
    test_assert_pushed_all(&pushed, input, (gch__span){texts[0], counts[0]}, status, err, report,
                           texts[1], counts[1]);
    free(texts[0]);
    free(texts[1]);
}

/* Ingests the named files of the folder into out.gch; file NULL: only the status counts. */
static gch_status ingest(gch_ingest_desc desc, const char *a, const char *b, gch_file **file,
                         gch_ingest_report *report, gch_error *err)
{
    char paths[3][128];
    const char *inputs[2] = {paths[0], paths[1]};
    snprintf(paths[0], sizeof paths[0], "%s", path_of(a));
    if (b != NULL)
        snprintf(paths[1], sizeof paths[1], "%s", path_of(b));
    snprintf(paths[2], sizeof paths[2], "%s", path_of("out.gch"));
    desc.inputs = inputs;
    desc.input_count = b != NULL ? 2 : 1;
    desc.output = paths[2];
    gch_ingest_report own_report;
    gch_error detail = {0};
    gch_status status = gch_ingest(&desc, &own_report, &detail);
    if (b == NULL && desc.layout != NULL && !desc.append)
        assert_pushed(&desc, paths[0], paths[2], status, &detail, &own_report);
    if (report != NULL)
        *report = own_report;
    if (status != GCH_OK)
        *err = detail;
    GCH_TRY(status);
    return file != NULL ? gch__file_open(paths[2], NULL, file, err) : GCH_OK;
}

static void assert_file_rows(gch_file *file, const char *expected)
{
    char rows[2048];
    test_print_rows(file, rows, sizeof rows);
    assert_string_equal(rows, expected);
    gch__file_close(file);
}

/* The failure's message, from behind the folder's name. */
static void assert_refused(gch_ingest_desc desc, const char *a, const char *b, gch_status expected,
                           const char *message)
{
    gch_error err = {0};
    gch_status status = ingest(desc, a, b, NULL, NULL, &err);
    const char *text = err.message;
    if (strncmp(text, folder, strlen(folder)) == 0)
        text += strlen(folder) + 1;
    if (status != expected || strncmp(text, message, strlen(message)) != 0)
        fail_msg("%s: %s, expected %s: %s", gch_status_name(status), text,
                 gch_status_name(expected), message);
    assert_int_not_equal(access(path_of("out.gch"), F_OK), 0); /* nothing is left */
}

/* ---- raw ---- */

static void raw_records_keep_every_bit(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    enum { ROWS = 3000 };
    static struct __attribute__((packed)) record {
        uint16_t skipped;
        int64_t time;
        uint32_t f32, padding;
        uint64_t f64;
        int8_t i8;
        uint16_t u16;
        int64_t i64;
    } rows[ROWS];
    uint64_t random = 3;
    for (int i = 0; i < ROWS; i++)
        rows[i] = (struct record){.time = 1700000000000 + i,
                                  .f32 = (uint32_t)test_random(&random),
                                  .f64 = test_random(&random),
                                  .i8 = (int8_t)test_random(&random),
                                  .u16 = (uint16_t)test_random(&random),
                                  .i64 = (int64_t)test_random(&random)};
    rows[5].f64 = 0x7FF8DEADBEEF0001u; /* a NaN with a payload */
    rows[6].f64 = 0x8000000000000000u; /* -0 */
    rows[7].f32 = 0xFF800000u;         /* -inf */
    rows[8].i64 = INT64_MIN;
    rows[9].i64 = INT64_MAX;
    write_bytes("a.raw", rows, sizeof rows);
    gch_ingest_report report;
    assert_ok(ingest((gch_ingest_desc){.layout = "_:u16, time:i64,f:f32,_:u32,d:f64,a:i8,b:u16,c:"
                                                 "i64"},
                     "a.raw", NULL, &file, &report, &err));
    assert_int_equal(report.row_count, ROWS);
    assert_int_equal(report.input_bytes, sizeof rows);
    assert_int_equal(report.time_unit, GCH_TIME_MS);
    assert_true(report.time_unit_guessed);
    for (uint64_t row = 0; row < ROWS; row++) {
        gch_value v[5];
        int64_t time;
        assert_ok(gch_file_read_times(file, row, 1, &time, &err));
        for (uint32_t i = 0; i < 5; i++)
            assert_ok(gch_file_read_values(file, i, row, 1, &v[i], &err));
        assert_int_equal(time, rows[row].time);
        assert_int_equal(v[2].as.digits, rows[row].i8);
        assert_int_equal(v[3].as.digits, rows[row].u16);
        assert_int_equal(v[4].as.digits, rows[row].i64);
        if (v[0].kind == GCH_VALUE_F32)
            assert_memory_equal(&v[0].as.f32, &rows[row].f32, 4);
        if (v[1].kind == GCH_VALUE_F64)
            assert_memory_equal(&v[1].as.f64, &rows[row].f64, 8);
        assert_true(v[0].kind == GCH_VALUE_F32 && v[1].kind == GCH_VALUE_F64);
    }
    gch__file_close(file);
    (void)unlink(path_of("out.gch"));
}

static void raw_fields_come_from_a_file_each(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    const int64_t times[] = {99, 1, 2, 3};
    const int16_t values[] = {0, 0, 0, 0, -7, 8, 9};
    write_bytes("a.raw", times, sizeof times);
    write_bytes("b.raw", values, sizeof values);
    assert_ok(ingest((gch_ingest_desc){.layout = "t:i64,v:i16", .skip_bytes = 8}, "a.raw", "b.raw",
                     &file, NULL, &err));
    assert_file_rows(file, "1:-7 2:8 3:9");
    (void)unlink(path_of("out.gch"));
    assert_refused((gch_ingest_desc){.layout = "t:i64,v:i16"}, "a.raw", "b.raw", GCH_PARSE,
                   "a.raw: holds 4 rows, fewer than ");
    assert_refused((gch_ingest_desc){.layout = "t:i64,v:i16,w:i16"}, "a.raw", "b.raw", GCH_INVALID,
                   "2 inputs for a layout of 3 fields");
}

static void raw_samples_are_timed_by_a_rate(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    const int16_t samples[] = {1, -2, 3, -4};
    write_bytes("a.raw", samples, sizeof samples);
    assert_ok(ingest((gch_ingest_desc){.layout = "left:i16,right:i16", .rate_hz = 48000}, "a.raw",
                     NULL, &file, NULL, &err));
    assert_int_equal(gch_file_get_info(file)->time_unit, GCH_TIME_NS);
    assert_file_rows(file, "0:1,-2 20833:3,-4");
    assert_ok(ingest((gch_ingest_desc){.layout = "v:i16"}, "a.raw", NULL, &file, NULL, &err));
    assert_file_rows(file, "0:1 1:-2 2:3 3:-4");
    (void)unlink(path_of("out.gch"));
}

static void raw_layouts_and_leftovers_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *layout;
        gch_status status;
        const char *message;
    } table[] = {
        {"t:i64,v:u64", GCH_INVALID, "layout, character 9: there is no type u64"},
        {"t:i64,v:float", GCH_INVALID, "layout, character 9: found \"float\", expected a type"},
        {"t:i64,v", GCH_INVALID, "layout, character 7: found \"v\", expected name:type"},
        {"t:i64,", GCH_INVALID, "layout, character 7: found \"\", expected name:type"},
        {":i64", GCH_INVALID, "layout, character 1: a name has 1 to 255 bytes, not 0"},
        {"_:i64", GCH_INVALID, "layout: every field is skipped"},
        {"t:decimal", GCH_INVALID, "layout, character 3: found \"decimal\", expected a type"},
        {"t:f64,v:i64", GCH_INVALID, "a.raw: time column \"t\" is f64, times are integers"},
        {"t:i64,v:i16", GCH_PARSE,
         "a.raw: 5 bytes left over at byte 20, where records are 10 bytes"},
        {"t:i64,v:i64,w:i64,x:i64", GCH_PARSE, "a.raw: 25 bytes left over at byte 0"},
        {"t:i8,t:i8,v:i8", GCH_PARSE, "a.raw: 1 bytes left over at byte 24"},
    };
    const uint8_t bytes[25] = {0};
    write_bytes("a.raw", bytes, sizeof bytes);
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++)
        assert_refused((gch_ingest_desc){.layout = table[i].layout}, "a.raw", NULL, table[i].status,
                       table[i].message);
    assert_refused((gch_ingest_desc){.layout = "t:i8,v:i8", .skip_bytes = 26}, "a.raw", NULL,
                   GCH_PARSE, "a.raw: has 25 bytes, fewer than the 26 to skip");
    assert_refused((gch_ingest_desc){.format = GCH_FORMAT_RAW}, "a.raw", NULL, GCH_INVALID,
                   "raw input needs a layout");
    assert_refused((gch_ingest_desc){.layout = "t:i64,v:i8"}, "none.raw", NULL, GCH_NOT_FOUND,
                   "none.raw: ");
}

static void raw_rows_out_of_order_are_named_or_sorted(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    const uint8_t bytes[] = {5, 1, 7, 2, 6, 3, 5, 4};
    write_bytes("a.raw", bytes, sizeof bytes);
    assert_refused((gch_ingest_desc){.layout = "t:u8,v:u8"}, "a.raw", NULL, GCH_UNSORTED,
                   "a.raw: row 3 (byte 4): time 6 is earlier than 7 before it");
    assert_ok(ingest((gch_ingest_desc){.layout = "t:u8,v:u8", .sort = true}, "a.raw", NULL, &file,
                     NULL, &err));
    assert_file_rows(file, "5:1 5:4 6:3 7:2");
    (void)unlink(path_of("out.gch"));
}

static void appending_goes_on_where_the_file_ends(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    const char *first = "time,a,b\n1,2,3\n5,6,\n", *more = "b,time,a\n9,5,8\n,6,7\n",
               *early = "time,a,b\n4,2,3\n", *bare = "7,1,2\n";
    write_bytes("a.raw", first, strlen(first));
    assert_ok(ingest((gch_ingest_desc){.time_unit = GCH_TIME_MS}, "a.raw", NULL, NULL, NULL, &err));
    write_bytes("a.raw", more, strlen(more));
    assert_ok(ingest((gch_ingest_desc){.append = true}, "a.raw", NULL, &file, NULL, &err));
    assert_int_equal(gch_file_get_info(file)->time_unit, GCH_TIME_MS);
    assert_file_rows(file, "1:2,3 5:6, 5:8,9 6:7,");
    write_bytes("a.raw", bare, strlen(bare));
    assert_ok(ingest((gch_ingest_desc){.append = true}, "a.raw", NULL, &file, NULL, &err));
    assert_file_rows(file, "1:2,3 5:6, 5:8,9 6:7, 7:1,2");
    write_bytes("a.raw", early, strlen(early));
    assert_status(ingest((gch_ingest_desc){.append = true}, "a.raw", NULL, NULL, NULL, &err),
                  GCH_UNSORTED);
    assert_non_null(
        strstr(err.message, "a.raw:2:1: time 4 is earlier than 7 at the end of the file appended"));
    assert_status(
        ingest((gch_ingest_desc){.append = true, .sort = true}, "a.raw", NULL, NULL, NULL, &err),
        GCH_UNSORTED);
    assert_ok(gch__file_open(path_of("out.gch"), NULL, &file, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, 5); /* as it was */
    gch__file_close(file);
    (void)unlink(path_of("out.gch"));
}

static void several_csv_files_are_one_table(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    const char *first = "time,a\n1,2\n", *second = "time,a\r\n3,4", *other = "time,b\n3,4\n",
               *late = "time,a\n0,4\n";
    write_bytes("a.raw", first, strlen(first));
    write_bytes("b.raw", second, strlen(second));
    assert_ok(ingest((gch_ingest_desc){0}, "a.raw", "b.raw", &file, NULL, &err));
    assert_file_rows(file, "1:2 3:4");
    (void)unlink(path_of("out.gch"));
    write_bytes("b.raw", other, strlen(other));
    assert_refused((gch_ingest_desc){0}, "a.raw", "b.raw", GCH_PARSE,
                   "b.raw:1:6: found column \"b\", expected \"a\" as in the first input");
    write_bytes("b.raw", late, strlen(late));
    assert_refused((gch_ingest_desc){0}, "a.raw", "b.raw", GCH_UNSORTED,
                   "b.raw:2:1: time 0 is earlier than 1 before it");
}

/* Runs an ingest of "-" with this text (short of a pipe's room) coming in by a pipe. */
static gch_status ingest_piped(gch_ingest_desc desc, const char *text, gch_ingest_report *report,
                               gch_error *err)
{
    int ends[2], kept = dup(STDIN_FILENO);
    const size_t length = strlen(text);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, length), length);
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    close(ends[0]);
    const char *input = "-";
    desc.inputs = &input;
    desc.input_count = 1;
    desc.output = path_of("out.gch");
    gch_status status = gch_ingest(&desc, report, err);
    if (kept >= 0) {
        assert_true(dup2(kept, STDIN_FILENO) >= 0);
        close(kept);
    } else {
        close(STDIN_FILENO);
    }
    return status;
}

static void a_pipe_is_read_once(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_file *file;
    gch_ingest_report report;
    assert_ok(ingest_piped((gch_ingest_desc){0}, "t,v\n1,2\n2,3\n", &report, &err));
    assert_int_equal(report.input_bytes, 12);
    assert_ok(gch__file_open(path_of("out.gch"), NULL, &file, &err));
    assert_file_rows(file, "1:2 2:3");
    (void)unlink(path_of("out.gch"));
    /* What a file would be read again for. */
    static char text[60000];
    size_t at = (size_t)sprintf(text, "t,v\n");
    for (int i = 0; i < 1500; i++)
        at += (size_t)sprintf(text + at, "2024-01-01T00:%02d:%02dZ,1\n", i / 60, i % 60);
    sprintf(text + at, "2024-01-01T00:30:00.5Z,1\n");
    assert_status(ingest_piped((gch_ingest_desc){.skip_bad = 9}, text, &report, &err), GCH_LIMIT);
    assert_non_null(strstr(err.message, "stdin:1502:1: time \"2024-01-01T00:30:00.5Z\" is finer"));
    assert_non_null(strstr(err.message, "--time-unit"));
    assert_int_not_equal(access(path_of("out.gch"), F_OK), 0);
    assert_ok(ingest_piped((gch_ingest_desc){.time_unit = GCH_TIME_MS}, text, &report, &err));
    assert_int_equal(report.row_count, 1501);
    (void)unlink(path_of("out.gch"));
}

static void the_input_is_not_overwritten(void **state)
{
    (void)state;
    gch_error err;
    write_bytes("a.raw", "t,v\n1,2\n", 8);
    const char *path = path_of("a.raw");
    assert_status(gch_ingest(&(gch_ingest_desc){.inputs = &path, .input_count = 1, .output = path},
                             NULL, &err),
                  GCH_INVALID);
    assert_non_null(strstr(err.message, "is both input and output"));
}

/* ---- npy ---- */

/* A version 1 or 2 file with this header text and data. */
static void write_npy(const char *name, uint8_t version, const char *header, const void *data,
                      size_t data_bytes)
{
    uint8_t bytes[4096] = "\x93NUMPY";
    size_t length = strlen(header), at = 8;
    bytes[6] = version;
    bytes[at++] = (uint8_t)length;
    bytes[at++] = (uint8_t)(length >> 8);
    if (version > 1)
        at += 2;
    memcpy(bytes + at, header, length);
    memcpy(bytes + at + length, data, data_bytes);
    write_bytes(name, bytes, at + length + data_bytes);
}

static void assert_npy(const char *header, const void *data, size_t data_bytes,
                       gch_ingest_desc desc, const char *expected)
{
    for (uint8_t version = 1; version <= 3; version++) {
        gch_error err = {0};
        gch_file *file;
        write_npy("a.npy", version, header, data, data_bytes);
        assert_ok(ingest(desc, "a.npy", NULL, &file, NULL, &err));
        assert_file_rows(file, expected);
        (void)unlink(path_of("out.gch"));
    }
}

static void npy_arrays_of_every_shape_are_read(void **state)
{
    (void)state;
    const double doubles[] = {1.5, -0.0, 3};
    const int16_t matrix[] = {1, 10, 100, 2, 20, 200};
    const int32_t big_endian[] = {0x01000000, 0x02000000, (int32_t)0xFFFFFFFF};
    const uint8_t bools[] = {1, 0, 1};
    static const struct __attribute__((packed)) {
        int64_t t;
        float v;
    } records[] = {{1704067200000, 0.5f}, {1704067200001, -2}};
    assert_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }   \n", doubles, 24,
               (gch_ingest_desc){0}, "0:1.5 1:-0 2:3");
    assert_npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n", matrix, 12,
               (gch_ingest_desc){0}, "1:10,100 2:20,200");
    assert_npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n", matrix, 12,
               (gch_ingest_desc){0}, "1:100,20 10:2,200");
    assert_npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3)}", matrix, 12,
               (gch_ingest_desc){.time_column = "none"}, "0:1,10,100 1:2,20,200");
    assert_npy("{\"shape\":(3,),\"fortran_order\":True,\"descr\":\">i4\"}", big_endian, 12,
               (gch_ingest_desc){0}, "0:1 1:2 2:-1");
    assert_npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", bools, 3,
               (gch_ingest_desc){0}, "0:1 1:0 2:1");
    assert_npy("{'descr': '<i8', 'fortran_order': False, 'shape': (0,)}", "", 0,
               (gch_ingest_desc){0}, "");
    assert_npy("{'descr': [('when', '<M8[ms]'), ('v', '<f4')], 'fortran_order': False, "
               "'shape': (2,), }\n",
               records, sizeof records, (gch_ingest_desc){0}, "1704067200000:0.5 1704067200001:-2");
}

static void npy_datetimes_bring_their_unit(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    const struct {
        int64_t v, t;
    } rows[] = {{7, 19723}, {8, 19724}};
    const char *header =
        "{'descr': [('v', '<i8'), ('day', '<M8[D]')], 'fortran_order': False, 'shape': (2,)}";
    write_npy("a.npy", 1, header, rows, sizeof rows);
    assert_ok(ingest((gch_ingest_desc){0}, "a.npy", NULL, &file, NULL, &err));
    assert_int_equal(gch_file_get_info(file)->time_unit, GCH_TIME_S);
    assert_true(gch_file_get_info(file)->time_is_text);
    assert_string_equal(gch_file_get_info(file)->time_name, "day");
    assert_file_rows(file, "1704067200:7 1704153600:8");
    (void)unlink(path_of("out.gch"));
    assert_refused((gch_ingest_desc){.time_unit = GCH_TIME_MS}, "a.npy", NULL, GCH_INVALID,
                   "a.npy: times are datetime64 in s, asked for in ms");
    const struct {
        int64_t v, t;
    } missing[] = {{7, 19723}, {8, INT64_MIN}};
    write_npy("a.npy", 1, header, missing, sizeof missing);
    assert_refused((gch_ingest_desc){0}, "a.npy", NULL, GCH_PARSE, "a.npy: row 2 (byte ");
}

static void npy_files_side_by_side_are_columns_by_their_stems(void **state)
{
    (void)state;
    gch_error err;
    gch_file *file;
    const int64_t times[] = {10, 20};
    const float values[] = {1.5f, 2.5f, 3.5f, 4.5f};
    write_npy("a.npy", 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}", times, 16);
    write_npy("b.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", values, 16);
    assert_ok(ingest((gch_ingest_desc){.time_column = "a"}, "a.npy", "b.npy", &file, NULL, &err));
    const gch_file_info *info = gch_file_get_info(file);
    assert_string_equal(info->time_name, "a");
    assert_string_equal(info->columns[0].name, "b_1");
    assert_string_equal(info->columns[1].name, "b_2");
    assert_file_rows(file, "10:1.5,2.5 20:3.5,4.5");
    (void)unlink(path_of("out.gch"));
    write_npy("b.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", values, 16);
    assert_refused((gch_ingest_desc){.time_column = "a"}, "a.npy", "b.npy", GCH_PARSE,
                   "b.npy: 4 rows, but ");
}

static void npy_headers_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        gch_status status;
        const char *message;
    } table[] = {
        {"", GCH_PARSE, "a.npy: header, byte 10: found \"\", expected a dict"},
        {"{", GCH_PARSE, "a.npy: header, byte 11: found \"\", expected a string"},
        {"{}", GCH_PARSE, "a.npy: the header lacks"},
        {"{'descr': '<f8', 'fortran_order': False}", GCH_PARSE, "a.npy: the header lacks"},
        {"{'descr': '<f8', 'descr': '<f8'}", GCH_PARSE, "a.npy: header, byte 27: found"},
        {"{'evil': '<f8'}", GCH_PARSE, "a.npy: header, byte 11: found"},
        {"{'descr': '<f8', 'fortran_order': 1, 'shape': (3,)}", GCH_PARSE, "a.npy: header, byte"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x", GCH_PARSE,
         "a.npy: header, byte"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}", GCH_PARSE,
         "a.npy: header, byte"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", GCH_PARSE,
         "a.npy: header, byte"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': ()}", GCH_UNSUPPORTED,
         "a.npy: an array of 0 dimensions"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,3)}", GCH_UNSUPPORTED,
         "a.npy: an array of 3 dimensions"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,0)}", GCH_UNSUPPORTED,
         "a.npy: 0 columns"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}", GCH_PARSE,
         "a.npy: the header tells of 4 rows of 8 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", GCH_PARSE,
         "a.npy: the header tells of 2 rows of 8 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,)}", GCH_PARSE,
         "a.npy: the header tells of"},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (9223372036854775807, 4)}", GCH_PARSE,
         "a.npy: the header tells of"},
        {"{'descr': '<u8', 'fortran_order': False, 'shape': (3,)}", GCH_UNSUPPORTED,
         "a.npy: type \"<u8\" is not supported"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", GCH_UNSUPPORTED,
         "a.npy: type \"|O\" is not supported"},
        {"{'descr': '<M8[25s]', 'fortran_order': False, 'shape': (3,)}", GCH_UNSUPPORTED,
         "a.npy: type \"<M8[25s]\" is not supported"},
        {"{'descr': [], 'fortran_order': False, 'shape': (3,)}", GCH_UNSUPPORTED,
         "a.npy: a record without fields"},
        {"{'descr': [('a', [('b', '<f8')])], 'fortran_order': False, 'shape': (3,)}",
         GCH_UNSUPPORTED, "a.npy: fields within fields"},
        {"{'descr': [('a', '<f8', (3,))], 'fortran_order': False, 'shape': (1,)}", GCH_UNSUPPORTED,
         "a.npy: fields that are arrays"},
        {"{'descr': [('a', '<f4'), ('a', '<f4')], 'fortran_order': False, 'shape': (3,)}",
         GCH_INVALID, "a.npy: time column \"a\" is f32"},
        {"{'descr': '<f8", GCH_PARSE, "a.npy: header, byte"},
        {"{'descr': '<f8\\'', 'fortran_order': False, 'shape': (3,)}", GCH_PARSE,
         "a.npy: header, byte"},
    };
    const double data[] = {1, 2, 3};
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        write_npy("a.npy", 1, table[i].header, data, sizeof data);
        assert_refused((gch_ingest_desc){0}, "a.npy", NULL, table[i].status, table[i].message);
    }
    write_npy("a.npy", 9, "{}", data, 0);
    assert_refused((gch_ingest_desc){0}, "a.npy", NULL, GCH_UNSUPPORTED, "a.npy: .npy version 9");
    write_bytes("a.npy", "\x93NUMPY\1\0\xFF\xFF{}", 12);
    assert_refused((gch_ingest_desc){0}, "a.npy", NULL, GCH_PARSE,
                   "a.npy: ends at byte 12, inside the header");
    write_bytes("a.npy", "\x93NUMPY\2\0\xFF\xFF\xFF\xFF", 12);
    assert_refused((gch_ingest_desc){0}, "a.npy", NULL, GCH_PARSE, "a.npy: byte 8: a header of");
    write_bytes("a.npy", "not numpy", 9);
    assert_refused((gch_ingest_desc){.format = GCH_FORMAT_NPY}, "a.npy", NULL, GCH_PARSE,
                   "a.npy: is no .npy file");
}

/* Every header cut short and with every byte changed: an error or rows, never a crash. */
static void npy_headers_damaged_anywhere_are_survived(void **state)
{
    (void)state;
    const char *sound = "{'descr': [('t', '<i4'), ('v', '>f4')], 'fortran_order': False, "
                        "'shape': (3,), }";
    static const char bytes[] = "'\"[](){},:<>|=0123456789FTfiu\0\\\xFF";
    const size_t length = strlen(sound);
    uint64_t random = 11;
    gch__npy_header header;
    for (size_t cut = 0; cut < length; cut++) {
        gch_error err;
        assert_int_not_equal(
            gch__npy_header_parse("x", (const uint8_t *)sound, cut, 10, NULL, &header, &err),
            GCH_OK);
        gch__npy_header_reset(&header, NULL);
    }
    for (int i = 0; i < 50000; i++) {
        uint8_t text[128];
        memcpy(text, sound, length);
        for (uint64_t k = test_random(&random) % 3; k < 3; k++)
            text[test_random(&random) % length] =
                (uint8_t)bytes[test_random(&random) % (sizeof bytes - 1)];
        gch_error err;
        gch_status status = gch__npy_header_parse("x", text, length, 10, NULL, &header, &err);
        if (status == GCH_OK)
            assert_in_range(header.field_count, 1, 2);
        gch__npy_header_reset(&header, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_records_keep_every_bit),
        cmocka_unit_test(raw_fields_come_from_a_file_each),
        cmocka_unit_test(raw_samples_are_timed_by_a_rate),
        cmocka_unit_test(raw_layouts_and_leftovers_are_refused_with_their_place),
        cmocka_unit_test(raw_rows_out_of_order_are_named_or_sorted),
        cmocka_unit_test(appending_goes_on_where_the_file_ends),
        cmocka_unit_test(several_csv_files_are_one_table),
        cmocka_unit_test(a_pipe_is_read_once),
        cmocka_unit_test(the_input_is_not_overwritten),
        cmocka_unit_test(npy_arrays_of_every_shape_are_read),
        cmocka_unit_test(npy_datetimes_bring_their_unit),
        cmocka_unit_test(npy_files_side_by_side_are_columns_by_their_stems),
        cmocka_unit_test(npy_headers_that_lie_are_refused),
        cmocka_unit_test(npy_headers_damaged_anywhere_are_survived),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
