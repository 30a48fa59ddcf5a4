/* A .gch file on a static host opens and reads like the file itself; and what happens when the host
 * or the file goes. */
#include "base.h"
#include "net_test.h"

#include "gch/remote.h"
#include "gch/writer.h"

#include <math.h>
#include <sys/stat.h>

#define FOLDER "net_source_test.tmp"
#define ROWS 3000000u

static test_peer host, peer;
static gch_http *http;
static gch_error err;
static char base[2][64]; /* URLs of the host: http, https */

static void write_file(const char *path, size_t rows, double scale)
{
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "a", .type = GCH_TYPE_F64};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    int64_t *times = calloc(rows, sizeof *times);
    double *values = calloc(rows, sizeof *values);
    assert_true(times != NULL && values != NULL);
    uint64_t random = 1;
    for (size_t i = 0; i < rows; i++) {
        times[i] = (i == 0 ? 0 : times[i - 1]) + (int64_t)(test_random(&random) % 100);
        values[i] = (double)(test_random(&random) % 100000) * scale;
    }
    gch_column_data data = {.values = values};
    assert_ok(gch_writer_append(writer, times, &data, rows, &err));
    assert_ok(gch_writer_finish(writer, &err));
    free(times);
    free(values);
}

static void start_host(void)
{
    char ports[2][16] = {{0}, {0}};
    const char *arguments[] = {PYTHON, NET_STATIC_HOST, FOLDER, FOLDER "/host", NULL, NULL, NULL};
    if (base[0][0] != '\0') { /* once more, on the same ports */
        for (int i = 0; i < 2; i++)
            arguments[4 + i] = strcpy(ports[i], strrchr(base[i], ':') + 1);
    }
    test_peer_start(&host, arguments);
    snprintf(base[0], sizeof base[0], "http://localhost:%d", test_peer_port(&host, "http"));
    snprintf(base[1], sizeof base[1], "https://localhost:%d", test_peer_port(&host, "https"));
}

static int start_all(void **state)
{
    (void)state;
    mkdir(FOLDER, 0777);
    write_file(FOLDER "/a.gch", ROWS, 0.01);
    write_file(FOLDER "/small.gch", 100, 0.01);
    start_host();
    const char *const arguments[] = {PYTHON, NET_PEER, FOLDER "/peer", NULL};
    test_peer_start(&peer, arguments);
    gch_http_desc desc = test_http_desc(FOLDER "/host/ca.pem");
    return gch_http_make(&desc, &http, &err) == GCH_OK ? 0 : -1;
}

static int stop_all(void **state)
{
    (void)state;
    gch_http_destroy(http);
    test_peer_stop(&host);
    test_peer_stop(&peer);
    return 0;
}

static gch_data *make_data(void)
{
    gch_data *data = NULL;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 64u << 20}, &data, &err));
    return data;
}

static const gch_file *open_url(gch_data *data, const char *url, gch_source *source)
{
    const gch_file *file = NULL;
    assert_ok(gch_source_open_url(data, http, url, NULL, source, &err));
    assert_ok(gch_source_get_file(data, *source, &file, &err));
    return file;
}

static const char *url_of(int server, const char *name)
{
    static char url[256];
    snprintf(url, sizeof url, "%s/%s", base[server], name);
    return url;
}

static void every_value_is_that_of_the_file(void **state)
{
    (void)state;
    enum { STEP = 100000 };
    static int64_t times[2][STEP];
    static gch_value values[2][STEP];
    for (int server = 0; server < 2; server++) {
        gch_data *data = make_data();
        gch_source sources[2];
        const gch_file *files[2];
        files[0] = open_url(data, url_of(server, "a.gch"), &sources[0]);
        assert_ok(gch_source_open_file(data, FOLDER "/a.gch", NULL, &sources[1], &err));
        assert_ok(gch_source_get_file(data, sources[1], &files[1], &err));
        assert_int_equal(gch_file_get_info(files[0])->row_count, ROWS);
        for (uint64_t row = 0; row < ROWS; row += STEP) {
            for (int i = 0; i < 2; i++) {
                assert_ok(gch_file_read_times(files[i], row, STEP, times[i], &err));
                assert_ok(gch_file_read_values(files[i], 0, row, STEP, values[i], &err));
            }
            assert_memory_equal(times[0], times[1], sizeof times[0]);
            for (int i = 0; i < STEP; i++)
                assert_true(values[0][i].kind == values[1][i].kind &&
                            values[0][i].as.digits == values[1][i].as.digits);
        }
        assert_ok(gch_data_destroy(data, &err));
    }
}

static void opening_takes_two_round_trips_at_most(void **state)
{
    (void)state;
    gch_http_stats before, after;
    gch_source source;
    gch_data *data = make_data();
    gch_http_get_stats(http, &before);
    open_url(data, url_of(1, "a.gch"), &source);
    gch_http_get_stats(http, &after);
    assert_in_range(after.exchanges - before.exchanges, 2, 3); /* two of them at once */
    gch_http_get_stats(http, &before);
    open_url(data, url_of(1, "small.gch"), &source);
    gch_http_get_stats(http, &after);
    assert_int_equal(after.exchanges - before.exchanges, 2);
    assert_ok(gch_data_destroy(data, &err));
}

/* Blocks of one value each, which take no payload: what there is is index. */
static void append_wide(const char *path, bool is_new)
{
    enum { COLUMNS = 100, WIDE_ROWS = 1100000 };
    static gch_column_desc columns[COLUMNS];
    static char names[COLUMNS][8];
    static gch_column_data data[COLUMNS];
    gch_writer *writer = NULL;
    int8_t *values = malloc(WIDE_ROWS);
    assert_non_null(values);
    for (int i = 0; i < WIDE_ROWS; i++)
        values[i] = (int8_t)(i / 256 % 100);
    for (int c = 0; c < COLUMNS; c++) {
        snprintf(names[c], sizeof names[c], "c%d", c);
        columns[c] = (gch_column_desc){.name = names[c], .type = GCH_TYPE_I8};
        data[c] = (gch_column_data){.values = values};
    }
    gch_writer_desc desc = {
        .time_unit = GCH_TIME_INDEX, .columns = columns, .column_count = COLUMNS};
    assert_ok(is_new ? gch_writer_create(path, &desc, &writer, &err)
                     : gch_writer_open_append(path, &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, data, WIDE_ROWS, &err));
    assert_ok(gch_writer_finish(writer, &err));
    free(values);
}

static void a_large_index_comes_in_a_few_ranges(void **state)
{
    (void)state;
    for (int segments = 1; segments <= 2; segments++) {
        gch_http_stats before, after;
        gch_source source;
        gch_data *data = make_data();
        append_wide(FOLDER "/wide.gch", segments == 1);
        gch_http_get_stats(http, &before);
        const gch_file *file = open_url(data, url_of(1, "wide.gch"), &source);
        gch_http_get_stats(http, &after);
        const gch_file_info *info = gch_file_get_info(file);
        assert_int_equal(info->segment_count, segments);
        /* Loaders that ask at once may take a run in parts, how many is a matter of time: but not
         * page by page. */
        uint64_t pages = info->file_bytes / GCH_PAGE_BYTES;
        assert_in_range(after.exchanges - before.exchanges, 3, pages / 16);
        assert_true(after.body_bytes - before.body_bytes < info->file_bytes);
        for (uint64_t row = 0; row < info->row_count; row += 99991) {
            gch_value value;
            assert_ok(gch_file_read_values(file, (uint32_t)(row % info->column_count), row, 1,
                                           &value, &err));
            assert_int_equal(value.as.digits,
                             row % (info->row_count / (uint64_t)segments) / 256 % 100);
        }
        assert_ok(gch_data_destroy(data, &err));
    }
}

/* One after the other they would take a round trip each, or two: 3 s at least. */
static void many_segments_are_opened_at_once(void **state)
{
    (void)state;
    enum { SEGMENTS = 30, PART = 40000 };
    test_peer line;
    char port[16], url[128];
    static int64_t times[PART];
    static double values[PART];
    uint64_t random = 8;
    snprintf(port, sizeof port, "%s", strrchr(base[0], ':') + 1);
    for (int segment = 0; segment < SEGMENTS; segment++) {
        gch_writer *writer = NULL;
        gch_column_desc column = {.name = "a", .type = GCH_TYPE_F64};
        gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
        for (int i = 0; i < PART; i++) {
            times[i] = segment * PART + i + (int64_t)(test_random(&random) % 2);
            times[i] = i > 0 && times[i] < times[i - 1] ? times[i - 1] : times[i];
            values[i] = (double)test_random(&random);
        }
        assert_ok(segment == 0 ? gch_writer_create(FOLDER "/many.gch", &desc, &writer, &err)
                               : gch_writer_open_append(FOLDER "/many.gch", &desc, &writer, &err));
        gch_column_data data = {.values = values};
        assert_ok(gch_writer_append(writer, times, &data, PART, &err));
        assert_ok(gch_writer_finish(writer, &err));
    }
    const char *const arguments[] = {PYTHON, NET_DELAY_PROXY, port, "100", "1000", NULL};
    test_peer_start(&line, arguments);
    snprintf(url, sizeof url, "http://localhost:%d/many.gch", test_peer_port(&line, "proxy"));
    gch_data *data = NULL;
    gch_source source;
    assert_ok(gch_data_make(&(gch_data_desc){.loader_count = 64}, &data, &err));
    int64_t start = gch__clock_ns();
    const gch_file *file = open_url(data, url, &source);
    double seconds = (double)(gch__clock_ns() - start) / 1e9;
    assert_int_equal(gch_file_get_info(file)->segment_count, SEGMENTS);
    assert_int_equal(gch_file_get_info(file)->row_count, SEGMENTS * PART);
    if (seconds > 2)
        fail_msg("it took %.1f s", seconds);
    assert_ok(gch_data_destroy(data, &err));
    test_peer_stop(&line);
}

static void a_file_that_was_replaced_is_noticed(void **state)
{
    (void)state;
    gch_data *data = make_data();
    gch_source source;
    gch_page page;
    bool has_changed;
    write_file(FOLDER "/b.gch", ROWS, 0.01);
    open_url(data, url_of(0, "b.gch"), &source);
    assert_ok(gch_source_refresh(data, source, &has_changed, &err));
    assert_false(has_changed);
    assert_ok(gch_page_acquire(data, source, 5, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    write_file(FOLDER "/b.gch", ROWS + 1000, 0.1);
    assert_status(gch_page_acquire(data, source, 100, &page, &err), GCH_IO);
    assert_non_null(strstr(err.message, "replaced"));
    assert_ok(gch_page_acquire(data, source, 5, &page, &err)); /* what is here is here */
    assert_ok(gch_page_release(data, page, &err));
    assert_ok(gch_source_refresh(data, source, &has_changed, &err));
    assert_true(has_changed);
    assert_ok(gch_source_close(data, source, &err));
    const gch_file *file = open_url(data, url_of(0, "b.gch"), &source);
    assert_int_equal(gch_file_get_info(file)->row_count, ROWS + 1000);
    assert_ok(gch_data_destroy(data, &err));
}

static void pages_come_again_when_the_host_does(void **state)
{
    (void)state;
    gch_data *data = make_data();
    gch_source source, other;
    gch_page page;
    open_url(data, url_of(1, "a.gch"), &source);
    test_peer_stop(&host);
    assert_status(gch_page_acquire(data, source, 7, &page, &err), GCH_UNAVAILABLE);
    assert_status(gch_source_open_url(data, http, url_of(1, "a.gch"), NULL, &other, &err),
                  GCH_UNAVAILABLE);
    start_host();
    assert_ok(gch_page_acquire(data, source, 7, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    assert_ok(gch_data_destroy(data, &err));
}

typedef struct burst {
    _Atomic uint32_t ends, failures;
} burst;

static void note_end(void *context, const gch_http_response *response)
{
    burst *b = context;
    if (response->status != GCH_OK && response->status != GCH_CANCELLED)
        atomic_fetch_add(&b->failures, 1);
    atomic_fetch_add(&b->ends, 1);
}

static void await_ends(burst *b, uint32_t count)
{
    for (int i = 0; i < 20000 && atomic_load(&b->ends) < count; i++)
        usleep(500);
    assert_int_equal(atomic_load(&b->ends), count);
}

static gch_http_id start_range(burst *b, uint64_t offset, size_t count, uint8_t *bytes)
{
    gch_http_id id;
    gch_http_request request = {.url = url_of(1, "a.gch"),
                                .offset = offset,
                                .byte_count = count,
                                .out_bytes = bytes,
                                .on_done = note_end,
                                .context = b};
    assert_ok(gch_http_start(http, &request, &id, &err));
    return id;
}

/* The host says GOAWAY every 1000 requests, on which libcurl fails those that it had sent already.
 */
static void thousands_of_requests_outlive_goaway(void **state)
{
    (void)state;
    enum { COUNT = 3500 };
    static uint8_t bytes[COUNT][16];
    burst b = {0};
    gch_http_stats before, after;
    gch_http_get_stats(http, &before);
    for (uint32_t i = 0; i < COUNT; i++) /* each as far as can be from the one before */
        start_range(&b, (uint64_t)(i % 2) * 5000000 + i * 16, 16, bytes[i]);
    await_ends(&b, COUNT);
    assert_int_equal(b.failures, 0);
    for (uint32_t i = 0; i < 1200; i++) {
        burst one = {0};
        start_range(&one, i * 16, 16, bytes[i]);
        await_ends(&one, 1);
        assert_int_equal(one.failures, 0);
    }
    gch_http_get_stats(http, &after);
    assert_true(after.exchanges - before.exchanges >= 1200);
    FILE *file = fopen(FOLDER "/a.gch", "rb");
    assert_non_null(file);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t wanted[16];
        fseek(file, i < 1200 ? (long)i * 16 : (long)(i % 2) * 5000000 + (long)i * 16, SEEK_SET);
        assert_int_equal(fread(wanted, 1, 16, file), 16);
        assert_memory_equal(bytes[i], wanted, 16);
    }
    fclose(file);
}

static void cancelling_over_and_over_keeps_the_connection(void **state)
{
    (void)state;
    static uint8_t bytes[2][2000000];
    gch_http_stats before, after;
    gch_http_get_stats(http, &before);
    for (int i = 0; i < 300; i++) {
        burst b = {0};
        gch_http_id ids[2];
        for (uint64_t n = 0; n < 2; n++)
            ids[n] = start_range(&b, n * 3000000, sizeof bytes[n], bytes[n]);
        usleep((useconds_t)(i * 37 % 1500));
        for (int n = 0; n < 2; n++)
            gch_http_cancel(http, ids[n]);
        await_ends(&b, 2);
    }
    gch_http_get_stats(http, &after);
    assert_true(after.cancelled - before.cancelled > 100);
    assert_true(after.connections - before.connections <= 10);
}

static void a_damaged_page_is_not_believed(void **state)
{
    (void)state;
    gch_data *data = make_data();
    gch_source source;
    gch_page page;
    write_file(FOLDER "/c.gch", ROWS, 0.01);
    FILE *file = fopen(FOLDER "/c.gch", "r+b");
    assert_non_null(file);
    fseek(file, 20 * GCH_PAGE_BYTES + 77, SEEK_SET);
    fputc('x', file);
    fputc('y', file);
    fclose(file);
    open_url(data, url_of(0, "c.gch"), &source);
    assert_status(gch_page_acquire(data, source, 20, &page, &err), GCH_CORRUPT);
    assert_ok(gch_page_acquire(data, source, 21, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    assert_ok(gch_data_destroy(data, &err));
}

static void what_is_no_such_file_is_refused(void **state)
{
    (void)state;
    gch_data *data = make_data();
    gch_source source;
    char url[256];
    assert_status(gch_source_open_url(data, http, url_of(0, "none.gch"), NULL, &source, &err),
                  GCH_NOT_FOUND);
    assert_status(gch_source_open_url(data, http, "ftp://localhost/a.gch", NULL, &source, &err),
                  GCH_INVALID);
    int port = test_peer_port(&peer, "http");
    snprintf(url, sizeof url, "http://localhost:%d/x?do=no-range&size=2000000", port);
    assert_status(gch_source_open_url(data, http, url, NULL, &source, &err), GCH_UNSUPPORTED);
    snprintf(url, sizeof url, "http://localhost:%d/x?size=2000000", port);
    assert_status(gch_source_open_url(data, http, url, NULL, &source, &err), GCH_CORRUPT);
    snprintf(url, sizeof url, "http://localhost:%d/x?size=0&do=no-range", port);
    assert_status(gch_source_open_url(data, http, url, NULL, &source, &err), GCH_CORRUPT);
    assert_ok(gch_data_destroy(data, &err));
}

static void a_raw_resource_is_read_page_by_page(void **state)
{
    (void)state;
    gch_data *data = make_data();
    gch_source source;
    char url[256];
    const uint64_t sizes[] = {1, 700, GCH_PAGE_BYTES, 1000000};
    for (int i = 0; i < 4; i++) {
        snprintf(url, sizeof url, "http://localhost:%d/x?size=%llu", test_peer_port(&peer, "http"),
                 (unsigned long long)sizes[i]);
        assert_ok(
            gch_source_open_url(data, http, url, &(gch_url_desc){.is_raw = true}, &source, &err));
        for (uint64_t number = 0; number * GCH_PAGE_BYTES < sizes[i]; number++) {
            gch_page page;
            gch_bytes bytes;
            assert_ok(gch_page_acquire(data, source, number, &page, &err));
            assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
            assert_true(test_content_is(bytes.bytes, number * GCH_PAGE_BYTES, bytes.count, 1));
            assert_ok(gch_page_release(data, page, &err));
        }
        assert_ok(gch_source_close(data, source, &err));
    }
    assert_ok(gch_data_destroy(data, &err));
}

static void a_file_url_names_a_local_file(void **state)
{
    (void)state;
    gch_data *data = make_data();
    gch_source source;
    char folder[512], url[1024];
    assert_non_null(getcwd(folder, sizeof folder));
    write_file(FOLDER "/with space.gch", 10, 1);
    snprintf(url, sizeof url, "file://%s/%s/with%%20space.gch", folder, FOLDER);
    open_url(data, url, &source);
    snprintf(url, sizeof url, "file://localhost%s/%s/a.gch", folder, FOLDER);
    open_url(data, url, &source);
    assert_status(gch_source_open_url(data, http, "file:///none.gch", NULL, &source, &err),
                  GCH_NOT_FOUND);
    assert_status(gch_source_open_url(data, http, "file:///a%00b", NULL, &source, &err),
                  GCH_INVALID);
    assert_status(gch_source_open_url(data, http, "file://elsewhere/a.gch", NULL, &source, &err),
                  GCH_INVALID);
    assert_true(gch_url_is_url("HTTPS://x"));
    assert_false(gch_url_is_url("httpx.gch") || gch_url_is_url("https:/x") || gch_url_is_url(""));
    assert_ok(gch_data_destroy(data, &err));
}

static void opening_without_memory_is_a_status_and_leaks_nothing(void **state)
{
    (void)state;
    bool is_through = false;
    int refusal_count = 0;
    for (int64_t n = 0; !is_through; n++) {
        test_failing memory = {.left = -1};
        gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
        gch_http_desc desc = test_http_desc(FOLDER "/host/ca.pem");
        desc.allocator = &allocator;
        gch_http *client = NULL;
        gch_data *data = make_data();
        gch_source source;
        assert_ok(gch_http_make(&desc, &client, &err));
        memory.left = n;
        gch_status status =
            gch_source_open_url(data, client, url_of(0, "a.gch"), NULL, &source, &err);
        assert_ok(gch_data_destroy(data, &err));
        gch_http_destroy(client);
        is_through = !memory.has_failed;
        assert_int_equal(status, is_through ? GCH_OK : GCH_NO_MEMORY);
        refusal_count += status == GCH_NO_MEMORY;
        assert_int_equal(memory.live, 0);
        assert_true(n < 100);
    }
    assert_true(refusal_count > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_that_of_the_file),
        cmocka_unit_test(opening_takes_two_round_trips_at_most),
        cmocka_unit_test(a_large_index_comes_in_a_few_ranges),
        cmocka_unit_test(many_segments_are_opened_at_once),
        cmocka_unit_test(a_file_that_was_replaced_is_noticed),
        cmocka_unit_test(pages_come_again_when_the_host_does),
        cmocka_unit_test(thousands_of_requests_outlive_goaway),
        cmocka_unit_test(cancelling_over_and_over_keeps_the_connection),
        cmocka_unit_test(a_damaged_page_is_not_believed),
        cmocka_unit_test(what_is_no_such_file_is_refused),
        cmocka_unit_test(a_raw_resource_is_read_page_by_page),
        cmocka_unit_test(a_file_url_names_a_local_file),
        cmocka_unit_test(opening_without_memory_is_a_status_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
