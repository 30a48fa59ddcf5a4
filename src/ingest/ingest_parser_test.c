/* Parsers that bytes are pushed into: rows to callbacks, refusals, flushes, growing files, faults.
 * That the pieces do not matter is held for every text of the other tests (ingest_test.h). */
#include "ingest_test.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- a consumer of rows ---- */

typedef struct consumer {
    char rows[1 << 16]; /* as test_print_rows */
    size_t length;
    uint64_t row_count, call_count, refusal_count;
    uint64_t refuses_every; /* of the calls; 0: none, 1: all */
    gch_status failure;     /* from call_count 2 on */
    gch_time_unit unit;
    char time_name[32];
} consumer;

static void print(consumer *c, const char *text)
{
    int length = snprintf(c->rows + c->length, sizeof c->rows - c->length, "%s", text);
    assert_in_range(length, 0, sizeof c->rows - c->length - 1);
    c->length += (size_t)length;
}

static gch_value value_of(const gch_rows *rows, uint32_t column, size_t row)
{
    const gch_column_data *data = &rows->data[column];
    if (data->validity != NULL && (data->validity[row / 8] >> (row % 8) & 1) == 0)
        return (gch_value){0};
    int64_t bits = 0;
    if (rows->columns[column].type == GCH_TYPE_I16)
        bits = ((const int16_t *)data->values)[row];
    else
        bits = ((const int64_t *)data->values)[row];
    if (data->scales == NULL)
        return (gch_value){.kind = GCH_VALUE_DECIMAL, .as.digits = bits};
    gch_value value = {.kind = GCH_VALUE_DECIMAL, .as.digits = bits};
    value.scale = (uint8_t)data->scales[row];
    if (data->scales[row] == GCH_SCALE_F64) {
        value = (gch_value){.kind = GCH_VALUE_F64};
        memcpy(&value.as.f64, &bits, sizeof bits);
    }
    return value;
}

static gch_status take_rows(void *context, const gch_rows *rows, gch_error *err)
{
    consumer *c = context;
    c->call_count++;
    if (c->refuses_every > 0 && c->call_count % c->refuses_every == 0) {
        c->refusal_count++;
        return GCH_PENDING;
    }
    if (c->failure != GCH_OK && c->call_count > 1)
        return gch_fail(err, c->failure, "the consumer is broken");
    assert_int_equal(rows->first_row, c->row_count);
    assert_true(rows->row_count > 0);
    for (size_t row = 0; row < rows->row_count; row++) {
        char text[80];
        int64_t time = rows->times != NULL ? rows->times[row] : (int64_t)(rows->first_row + row);
        snprintf(text, sizeof text, "%s%lld:", c->row_count + row > 0 ? " " : "", (long long)time);
        print(c, text);
        for (uint32_t i = 0; i < rows->column_count; i++) {
            gch_value_format(value_of(rows, i, row), 0, text, sizeof text);
            print(c, i > 0 ? "," : "");
            print(c, text);
        }
    }
    c->row_count += rows->row_count;
    c->unit = rows->time_unit;
    snprintf(c->time_name, sizeof c->time_name, "%s", rows->time_name);
    return GCH_OK;
}

static gch_parser *make(const gch_ingest_desc *desc, consumer *c)
{
    gch_error err;
    gch_parser *parser = NULL;
    assert_ok(gch_parser_make(
        &(gch_parser_desc){.ingest = *desc, .take = take_rows, .take_context = c}, &parser, &err));
    return parser;
}

/* Pushes all of it, again and again where it is refused. */
static void push_all(gch_parser *parser, const void *bytes, size_t count, size_t piece_bytes)
{
    gch_error err;
    for (size_t at = 0; at < count;) {
        size_t taken;
        gch_status status = gch_parser_push(parser, (const uint8_t *)bytes + at,
                                            GCH_MIN(piece_bytes, count - at), &taken, &err);
        if (status != GCH_PENDING)
            assert_ok(status);
        at += taken;
    }
}

static void finish(gch_parser *parser, gch_ingest_report *report)
{
    gch_error err;
    gch_status status = GCH_PENDING;
    while (status == GCH_PENDING)
        status = gch_parser_finish(parser, report, &err);
    assert_ok(status);
}

static const char csv[] =
    "\xEF\xBB\xBFtime,\"a\"\"b\",note,c\r\n1000,2.5,x,\r\n\r\n2000,\"-3\",\"y\n"
    "z\",4e-3\r\n3000,,,12345678901234567890\r\n4000,7,,8";
static const char csv_rows[] = "1000:2.5, 2000:-3,0.004 3000:,12345678901234567000 4000:7,8";

static void a_callback_gets_the_same_rows_in_all_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof csv; piece++) {
        consumer c = {.refuses_every = piece % 4};
        gch_ingest_report report;
        if (c.refuses_every == 1)
            c.refuses_every = 0;
        gch_parser *parser = make(&(gch_ingest_desc){0}, &c);
        push_all(parser, csv, sizeof csv - 1, piece);
        finish(parser, &report);
        assert_string_equal(c.rows, csv_rows);
        assert_string_equal(c.time_name, "time");
        assert_int_equal(c.unit, GCH_TIME_S);
        assert_int_equal(report.row_count, 4);
        assert_int_equal(report.skipped_column_count, 1);
        assert_int_equal(report.input_bytes, sizeof csv - 1);
    }
}

static void raw_records_reach_a_callback_in_all_pieces(void **state)
{
    (void)state;
    enum { ROWS = 3000 };
    static int16_t rows[2 * ROWS + 3];
    static consumer whole, pieces;
    for (int i = 0; i < 2 * ROWS + 3; i++)
        rows[i] = (int16_t)(i * 7919);
    const gch_ingest_desc desc = {
        .layout = "left:i16,right:i16", .skip_bytes = 6, .rate_hz = 1000, .time_unit = GCH_TIME_MS};
    whole = (consumer){0};
    gch_parser *parser = make(&desc, &whole);
    push_all(parser, rows, sizeof rows, SIZE_MAX);
    finish(parser, NULL);
    assert_int_equal(whole.row_count, ROWS);
    for (size_t piece = 1; piece < 6000; piece = piece * 3 + 1) {
        pieces = (consumer){.refuses_every = piece % 3 == 0 ? 3 : 0};
        parser = make(&desc, &pieces);
        push_all(parser, rows, sizeof rows, piece);
        finish(parser, NULL);
        assert_string_equal(pieces.rows, whole.rows);
    }
}

/* One column of its own type is read into place, and stays there over flushes within a record. */
static void a_record_cut_by_a_flush_is_kept(void **state)
{
    (void)state;
    gch_error err;
    consumer c = {0};
    const uint8_t bytes[] = {1, 0, 2, 0, 3, 0, 4, 0};
    gch_parser *parser = make(&(gch_ingest_desc){.layout = "v:i16"}, &c);
    for (size_t i = 0; i < sizeof bytes; i++) {
        push_all(parser, bytes + i, 1, 1);
        assert_ok(gch_parser_flush(parser, &err));
        assert_int_equal(c.row_count, (i + 1) / 2);
    }
    finish(parser, NULL);
    assert_string_equal(c.rows, "0:1 1:2 2:3 3:4");
}

static void a_flush_shows_the_rows_that_are_complete(void **state)
{
    (void)state;
    gch_error err;
    consumer c = {0};
    gch_parser *parser = make(&(gch_ingest_desc){0}, &c);
    assert_ok(gch_parser_flush(parser, &err));
    push_all(parser, "time,v\n1000,1\n2000,2\n30", 23, 5);
    assert_int_equal(c.row_count, 0); /* their types could still change */
    assert_ok(gch_parser_flush(parser, &err));
    assert_string_equal(c.rows, "1000:1 2000:2");
    push_all(parser, "00,3\n", 5, 1);
    assert_string_equal(c.rows, "1000:1 2000:2 3000:3"); /* from now on as they come */
    finish(parser, NULL);
    assert_int_equal(c.row_count, 3);
}

/* ---- refusals ---- */

typedef struct meter {
    size_t now, most;
    int64_t left; /* calls until there is no memory; -1: never */
} meter;

static void *metered_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    meter *m = context;
    size_t *block = old != NULL ? (size_t *)old - 2 : NULL;
    size_t before = block != NULL ? *block : 0;
    if (bytes == 0) {
        m->now -= before;
        free(block);
        return NULL;
    }
    if (m->left == 0)
        return NULL;
    m->left -= m->left > 0;
    block = realloc(block, bytes + 2 * sizeof *block);
    assert_non_null(block);
    *block = bytes;
    m->now = m->now - before + bytes;
    m->most = GCH_MAX(m->most, m->now);
    return block + 2;
}

static void a_refusing_callback_bounds_what_is_taken(void **state)
{
    (void)state;
    gch_error err;
    meter m = {.left = -1};
    const gch_allocator allocator = {.resize = metered_resize, .context = &m};
    static consumer c;
    enum { LINES = 4000, BYTES = 8 * LINES };
    char *text = malloc(BYTES + 1);
    for (int i = 0; i < LINES; i++)
        snprintf(text + 8 * (size_t)i, 9, "%03d,%03d\n", i / 4, i % 1000);
    c = (consumer){.refuses_every = 1};
    gch_parser *parser = make(&(gch_ingest_desc){.header = GCH_HEADER_NO,
                                                 .delimiter = ',',
                                                 .time_unit = GCH_TIME_S,
                                                 .allocator = &allocator},
                              &c);
    size_t taken;
    assert_status(gch_parser_push(parser, text, BYTES, &taken, &err), GCH_PENDING);
    assert_int_equal(taken, BYTES); /* there was room */
    assert_int_equal(c.row_count, 0);
    for (int i = 0; i < 3; i++) {
        assert_status(gch_parser_push(parser, NULL, 0, &taken, &err), GCH_PENDING);
        assert_status(gch_parser_flush(parser, &err), GCH_PENDING);
        assert_status(gch_parser_finish(parser, NULL, &err), GCH_PENDING);
    }
    c.refuses_every = 0;
    finish(parser, NULL);
    assert_int_equal(c.row_count, LINES);
    assert_int_equal(m.now, 0);
    free(text);
}

/* However much is pushed, memory ends where a batch and a buffer are full. */
static void memory_is_bounded_while_the_callback_refuses(void **state)
{
    (void)state;
    gch_error err;
    meter m = {.left = -1};
    const gch_allocator allocator = {.resize = metered_resize, .context = &m};
    static consumer c;
    enum { BYTES = 1 << 16 };
    char *text = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        text[i] = "5,1\n"[i % 4];
    c = (consumer){.refuses_every = 1};
    const gch_ingest_desc desc = {
        .header = GCH_HEADER_NO, .delimiter = ',', .allocator = &allocator};
    gch_parser *parser = make(&desc, &c);
    uint64_t pushed = 0;
    size_t taken = BYTES;
    gch_status status = GCH_OK;
    while (taken > 0) {
        status = gch_parser_push(parser, text, BYTES, &taken, &err);
        if (status != GCH_PENDING)
            assert_ok(status);
        pushed += taken;
        assert_true(pushed < (uint64_t)16 << 20);
    }
    assert_status(status, GCH_PENDING);
    assert_int_equal(c.row_count, 0);
    assert_true(pushed > (uint64_t)1 << 20);
    assert_true(m.most < (size_t)8 << 20);
    gch_parser_abandon(parser);
    assert_int_equal(m.now, 0);
    free(text);
}

static void a_record_beyond_64_MiB_is_a_limit(void **state)
{
    (void)state;
    gch_error err;
    consumer c = {0};
    enum { BYTES = 1 << 20 };
    char *text = malloc(BYTES);
    memset(text, '7', BYTES);
    gch_parser *parser = make(&(gch_ingest_desc){.skip_bad = 5}, &c);
    gch_status status = GCH_OK;
    int pushes = 0;
    for (; status == GCH_OK && pushes < 100; pushes++)
        status = gch_parser_push(parser, text, BYTES, NULL, &err);
    assert_status(status, GCH_LIMIT);
    assert_string_equal(err.message, "stream:1:1: the line that begins here is longer than 64 MiB");
    assert_in_range(pushes, 64, 66);
    gch_parser_abandon(parser);
    free(text);
}

/* ---- what a stream cannot do ---- */

static void a_finer_time_later_names_the_option_to_give(void **state)
{
    (void)state;
    gch_error err;
    consumer c = {0};
    gch_parser *parser = make(&(gch_ingest_desc){0}, &c);
    push_all(parser, "time,v\n2024-01-01T00:00:00Z,1\n", 30, 9);
    assert_ok(gch_parser_flush(parser, &err));
    const char later[] = "2024-01-01T00:00:00.25Z,2\n";
    assert_status(gch_parser_push(parser, later, sizeof later - 1, NULL, &err), GCH_LIMIT);
    assert_string_equal(err.message,
                        "stream:3:1: time \"2024-01-01T00:00:00.25Z\" is finer than the unit s of "
                        "the rows before, and a stream cannot be read again; give --time-unit ns");
    assert_status(gch_parser_flush(parser, &err), GCH_LIMIT);
    assert_string_equal(err.message, "stream: an earlier push failed");
    assert_status(gch_parser_finish(parser, NULL, &err), GCH_LIMIT);
    assert_int_equal(c.row_count, 1);
}

static void the_callback_can_end_a_parser(void **state)
{
    (void)state;
    gch_error err;
    consumer c = {.failure = GCH_IO};
    gch_parser *parser = make(&(gch_ingest_desc){0}, &c);
    push_all(parser, "t,v\n1,1\n", 8, 8);
    assert_ok(gch_parser_flush(parser, &err));
    assert_status(gch_parser_push(parser, "2,2\n", 4, NULL, &err), GCH_IO);
    assert_string_equal(err.message, "the consumer is broken");
    gch_parser_abandon(parser);
}

static void options_that_contradict_a_stream_are_refused(void **state)
{
    (void)state;
    static consumer c;
    const char *input = "a.csv";
    const struct {
        gch_parser_desc desc;
        gch_status status;
    } table[] = {
        {{.ingest = {.inputs = &input, .input_count = 1}}, GCH_INVALID},
        {{.ingest = {.format = GCH_FORMAT_NPY}}, GCH_UNSUPPORTED},
        {{.ingest = {.output = "/tmp/x.gch"}, .take = take_rows, .take_context = &c}, GCH_INVALID},
        {{.ingest = {.sort = true}, .take = take_rows, .take_context = &c}, GCH_INVALID},
        {{.ingest = {.append = true}}, GCH_INVALID},
        {{.ingest = {.sort = true, .commit_every_ms = 5}}, GCH_INVALID},
        {{.ingest = {.format = GCH_FORMAT_RAW}}, GCH_INVALID},
        {{.ingest = {.layout = "a:i8,b"}}, GCH_INVALID},
        {{.ingest = {.delimiter = '"'}}, GCH_INVALID},
        {{.ingest = {.time_zone = "Nowhere/Atall"}}, GCH_NOT_FOUND},
        {{.ingest = {.output = "/nowhere/x.gch", .append = true}}, GCH_NOT_FOUND},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        gch_error err = {0};
        gch_parser *parser = NULL;
        assert_int_equal(gch_parser_make(&table[i].desc, &parser, &err), table[i].status);
        assert_null(parser);
        assert_int_equal(err.status, table[i].status);
    }
    gch_error err;
    gch_parser *parser = NULL;
    void *image;
    size_t image_bytes;
    assert_ok(gch_parser_make(&(gch_parser_desc){0}, &parser, &err));
    assert_status(gch_parser_finish(parser, NULL, &err), GCH_INVALID);
    parser = make(&(gch_ingest_desc){0}, &c);
    assert_status(gch_parser_finish_memory(parser, &image, &image_bytes, NULL, &err), GCH_INVALID);
    gch_parser_abandon(NULL);
}

/* ---- faults ---- */

static void abandoning_at_any_byte_leaks_nothing(void **state)
{
    (void)state;
    for (size_t count = 0; count < sizeof csv; count++) {
        meter m = {.left = -1};
        const gch_allocator allocator = {.resize = metered_resize, .context = &m};
        consumer c = {0};
        gch_error err;
        gch_parser *parser = make(&(gch_ingest_desc){.allocator = &allocator}, &c);
        push_all(parser, csv, count, 3);
        if (count % 2 == 0)
            assert_ok(gch_parser_flush(parser, &err));
        gch_parser_abandon(parser);
        assert_int_equal(m.now, 0);
    }
}

static void running_out_of_memory_at_any_point_is_an_error(void **state)
{
    (void)state;
    const char records[] = "\1\0\2\0\3\0";
    for (int is_raw = 0; is_raw < 2; is_raw++) {
        bool has_succeeded = false;
        for (int64_t n = 0; !has_succeeded; n++) {
            meter m = {.left = n};
            const gch_allocator allocator = {.resize = metered_resize, .context = &m};
            gch_error err = {0};
            gch_parser *parser = NULL;
            void *image = NULL;
            size_t image_bytes;
            const gch_parser_desc desc = {
                .ingest = {.allocator = &allocator, .layout = is_raw ? "v:i16" : NULL}};
            gch_status status = gch_parser_make(&desc, &parser, &err);
            if (status == GCH_OK) {
                status = is_raw ? gch_parser_push(parser, records, 6, NULL, &err)
                                : gch_parser_push(parser, csv, sizeof csv - 1, NULL, &err);
                if (status == GCH_OK)
                    status = gch_parser_finish_memory(parser, &image, &image_bytes, NULL, &err);
                else
                    gch_parser_abandon(parser);
            }
            has_succeeded = status == GCH_OK;
            if (has_succeeded)
                gch_writer_free_memory(image, &allocator);
            else
                assert_status(status, GCH_NO_MEMORY);
            assert_int_equal(m.now, 0);
            assert_in_range(n, 0, 500);
        }
    }
}

/* ---- files that grow ---- */

static char path[128];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/gch_parser_XXXXXX.gch");
    int fd = mkstemps(path, 4);
    return fd >= 0 && close(fd) == 0 && unlink(path) == 0 ? 0 : -1;
}

static int remove_path(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void assert_file(const char *expected)
{
    gch_error err;
    gch_file *file;
    char rows[512];
    assert_ok(gch__file_open(path, NULL, &file, &err));
    assert_ok(gch_file_verify(file, NULL, NULL, &err));
    test_print_rows(file, rows, sizeof rows);
    assert_string_equal(rows, expected);
    gch__file_close(file);
}

static void flushes_show_rows_in_the_file(void **state)
{
    (void)state;
    gch_error err;
    gch_parser *parser = NULL;
    assert_ok(gch_parser_make(&(gch_parser_desc){.ingest = {.output = path}}, &parser, &err));
    push_all(parser, "time,v\n1000,1\n2000", 18, 4);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_ok(gch_parser_flush(parser, &err));
    assert_file("1000:1");
    push_all(parser, ",2\n3000,3\n", 10, 4);
    assert_file("1000:1");
    assert_ok(gch_parser_flush(parser, &err));
    assert_file("1000:1 2000:2 3000:3");
    push_all(parser, "2500,4\n", 2, 2);
    gch_parser_abandon(parser);
    assert_file("1000:1 2000:2 3000:3");
    assert_ok(gch_parser_make(&(gch_parser_desc){.ingest = {.output = path, .append = true}},
                              &parser, &err));
    push_all(parser, "time,v\n4000,4\n", 14, 3);
    finish(parser, NULL);
    assert_file("1000:1 2000:2 3000:3 4000:4");
}

/* A pipe that stays open: what has come is committed when its time has come. */
static void a_pipe_is_committed_while_it_is_open(void **state)
{
    (void)state;
    (void)unlink(path);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char input[32];
    snprintf(input, sizeof input, "/dev/fd/%d", ends[0]);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[1]);
        gch_error err;
        const char *inputs = input;
        gch_status status = gch_ingest(
            &(gch_ingest_desc){
                .inputs = &inputs, .input_count = 1, .output = path, .commit_every_ms = 5},
            NULL, &err);
        _exit(status == GCH_OK ? 0 : 1);
    }
    close(ends[0]);
    assert_int_equal(write(ends[1], "time,v\n1000,1\n20", 16), 16);
    for (int i = 0; i < 2000 && access(path, F_OK) != 0; i++)
        usleep(5000);
    assert_file("1000:1");
    assert_int_equal(write(ends[1], "00,2\n", 5), 5);
    close(ends[1]);
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_file("1000:1 2000:2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_callback_gets_the_same_rows_in_all_pieces),
        cmocka_unit_test(raw_records_reach_a_callback_in_all_pieces),
        cmocka_unit_test(a_record_cut_by_a_flush_is_kept),
        cmocka_unit_test(a_flush_shows_the_rows_that_are_complete),
        cmocka_unit_test(a_refusing_callback_bounds_what_is_taken),
        cmocka_unit_test(memory_is_bounded_while_the_callback_refuses),
        cmocka_unit_test(a_record_beyond_64_MiB_is_a_limit),
        cmocka_unit_test(a_finer_time_later_names_the_option_to_give),
        cmocka_unit_test(the_callback_can_end_a_parser),
        cmocka_unit_test(options_that_contradict_a_stream_are_refused),
        cmocka_unit_test(abandoning_at_any_byte_leaks_nothing),
        cmocka_unit_test(running_out_of_memory_at_any_point_is_an_error),
        cmocka_unit_test(flushes_show_rows_in_the_file),
        cmocka_unit_test(a_pipe_is_committed_while_it_is_open),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
