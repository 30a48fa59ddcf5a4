/* The code of docs/data-manager.md, compiled and run; and the check that the two are the same text.
 */
#include "test.h"

#include "gch/gch.h"

#include <unistd.h>

#define PATH "data_guide_test.gch"
#define LIVE_PATH "data_guide_test_live.gch"

static gch_error err;

/* A page of a file, held and let go. */
static gch_status show_page(const char *path)
{
    gch_data *data = NULL;
    gch_source source;
    gch_page page;
    gch_bytes bytes;
    gch_data_desc desc = {.host_budget_bytes = 256u << 20};
    gch_status status = gch_data_make(&desc, &data, &err);
    if (status == GCH_OK)
        status = gch_source_open_file(data, path, NULL, &source, &err);
    if (status == GCH_OK)
        status = gch_page_acquire(data, source, 0, &page, &err);
    if (status == GCH_OK)
        status = gch_page_get_bytes(data, page, &bytes, &err);
    if (status == GCH_OK) {
        printf("%zu bytes at a fixed address\n", bytes.count);
        status = gch_page_release(data, page, &err);
    }
    gch_status ended = gch_data_destroy(data, &err); /* closes the source, too */
    return status != GCH_OK ? status : ended;
}

/* What a frame loop does: take what is there, draw without the rest, ask again. */
static bool try_page(gch_data *data, gch_source source, uint64_t number, gch_cancel *view)
{
    gch_page page;
    gch_status status = gch_page_try_acquire(data, source, number, view, &page, &err);
    if (status == GCH_PENDING)
        return false; /* it is being loaded; this frame goes without it */
    if (status != GCH_OK) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    return gch_page_release(data, page, &err) == GCH_OK;
}

static gch_status follow_view(gch_data *data, gch_series series, gch_cancel **view, int64_t t0,
                              int64_t t1)
{
    if (*view != NULL) { /* the view has moved on: what was under way for the old one ends */
        gch_cancel_set(data, *view);
        gch_cancel_release(data, *view);
        *view = NULL;
    }
    gch_status status = gch_cancel_make(data, view, &err);
    if (status == GCH_OK)
        status = gch_data_warm(data, series, t0, t1, 1920, GCH_DIRECTION_LATER, *view, &err);
    return status == GCH_LIMIT ? GCH_OK : status; /* a hint too many is no failure */
}

typedef struct ramp {
    uint64_t version;
} ramp;

static gch_status read_ramp(void *context, uint64_t offset, size_t byte_count,
                            gch_priority priority, void *out_bytes, const gch_cancel *cancel,
                            gch_error *read_err)
{
    const ramp *r = context;
    uint8_t *out = out_bytes;
    (void)priority, (void)cancel, (void)read_err;
    for (size_t i = 0; i < byte_count; i++)
        out[i] = (uint8_t)(offset + i + r->version);
    return GCH_OK;
}

static gch_status get_ramp_version(void *context, uint64_t *out_version, gch_error *version_err)
{
    const ramp *r = context;
    (void)version_err;
    *out_version = r->version;
    return GCH_OK;
}

static gch_status open_ramp(gch_data *data, ramp *r, gch_source *out)
{
    gch_source_ops ops = {.read = read_ramp, .get_version = get_ramp_version, .context = r};
    gch_source_desc desc = {.name = "ramp", .is_raw = true, .lifetime_ns = 60000000000u};
    return gch_source_open_ops(data, &ops, 1u << 20, &desc, out, &err);
}

static void free_column(void *context, void *bytes, size_t byte_count)
{
    (void)context, (void)byte_count;
    free(bytes);
}

static gch_status keep_column(gch_data *data, uint32_t source_number, void *bytes, size_t count)
{
    gch_key key;
    gch_key_desc desc = {.source = source_number, .column = 2, .level = 4, .page = 17};
    gch_status status = gch_key_pack(&desc, &key, &err);
    gch_buffer_owned buffer = {.bytes = bytes, .byte_count = count, .free_bytes = free_column};
    if (status == GCH_OK)
        status = gch_page_adopt(data, key, &buffer, 0, NULL, &err);
    if (status != GCH_OK)
        free(bytes); /* it stayed ours */
    return status;
}

static gch_status follow_sensor(gch_data *data, const char *path, const int64_t *times,
                                const double *values, size_t count)
{
    gch_column_desc column = {.name = "pressure", .unit = "hPa", .type = GCH_TYPE_F64};
    gch_writer_desc rows = {.time_unit = GCH_TIME_US, .columns = &column, .column_count = 1};
    gch_source source;
    gch_file *file = NULL;
    gch_status status =
        gch_live_open(data, &(gch_live_desc){.rows = &rows, .path = path}, &source, &err);
    if (status != GCH_OK)
        return status;
    status = gch_live_acquire_file(data, source, &file, &err);
    /* The thread that has the rows, as they come: */
    gch_column_data pressure = {.values = values};
    if (status == GCH_OK)
        status = gch_live_append(data, source, times, &pressure, count, &err);
    /* The thread that draws, at each frame: */
    if (status == GCH_OK)
        status = gch_live_refresh_file(file, NULL, &err);
    if (status == GCH_OK)
        printf("%llu rows to draw\n", (unsigned long long)gch_file_get_info(file)->row_count);
    gch_live_release_file(data, file);
    gch_status closed = gch_live_close(data, source, &err); /* what was left is in the file now */
    return status != GCH_OK ? status : closed;
}

static void print_stats(gch_data *data)
{
    gch_data_stats stats;
    char text[4096];
    gch_data_get_stats(data, &stats);
    if (gch_data_stats_json(&stats, text, sizeof text) < sizeof text)
        puts(text);
}

/* ---- running them ---- */

static void write_file(void)
{
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_I32};
    gch_writer_desc desc = {.time_unit = GCH_TIME_INDEX, .columns = &column, .column_count = 1};
    assert_ok(gch_writer_create(PATH, &desc, &writer, &err));
    static int32_t values[100000];
    for (int32_t i = 0; i < 100000; i++)
        values[i] = i * 31 % 1000;
    assert_ok(gch_writer_append(writer, NULL, &(gch_column_data){.values = values}, 100000, &err));
    assert_ok(gch_writer_finish(writer, &err));
}

static void snippets_do_what_the_guide_says(void **state)
{
    (void)state;
    write_file();
    assert_ok(show_page(PATH));
    gch_data *data = NULL;
    gch_source source, ramp_source;
    gch_series series;
    gch_cancel *view = NULL;
    ramp r = {.version = 1};
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(
        gch_source_open_file(data, PATH, &(gch_source_desc){.io = GCH_IO_READ}, &source, &err));
    assert_ok(gch_series_open(data, source, 0, &series, &err));
    assert_ok(follow_view(data, series, &view, 0, 1000));
    assert_ok(follow_view(data, series, &view, 1000, 2000));
    int asks = 0;
    while (!try_page(data, source, 2, view) && asks++ < 20000)
        usleep(100);
    assert_true(asks < 20000);
    assert_ok(open_ramp(data, &r, &ramp_source));
    gch_page page;
    gch_bytes bytes;
    assert_ok(gch_page_acquire(data, ramp_source, 1, &page, &err));
    assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
    assert_int_equal(bytes.bytes[5], 6);
    assert_ok(gch_page_release(data, page, &err));
    assert_ok(keep_column(data, 1, malloc(100), 100));
    assert_status(keep_column(data, 1, malloc(100), 100), GCH_EXISTS);
    unlink(LIVE_PATH);
    static const int64_t times[] = {10, 20, 30};
    static const double values[] = {1013.25, 1013.5, 1012.75};
    assert_ok(follow_sensor(data, LIVE_PATH, times, values, 3));
    assert_status(follow_sensor(data, LIVE_PATH, times, values, 3), GCH_UNSORTED);
    print_stats(data);
    gch_cancel_release(data, view);
    assert_ok(gch_data_destroy(data, &err));
    unlink(PATH);
    unlink(LIVE_PATH);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    char *text = calloc(1, 1 << 18);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    fclose(file);
    return text;
}

static void guide_shows_the_code_of_this_file(void **state)
{
    (void)state;
    char *guide = read_text(GUIDE), *code = read_text(__FILE__);
    int blocks = 0;
    for (char *at = guide; (at = strstr(at, "```c\n")) != NULL; blocks++) {
        at += strlen("```c\n");
        char *end = strstr(at, "```");
        assert_non_null(end);
        *end = '\0';
        if (strstr(code, at) == NULL)
            fail_msg("this code of the guide is not compiled:\n%s", at);
        at = end + 1;
    }
    assert_int_equal(blocks, 7);
    free(guide);
    free(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snippets_do_what_the_guide_says),
        cmocka_unit_test(guide_shows_the_code_of_this_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
