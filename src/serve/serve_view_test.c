/* Answers against what gch/query.h gives of the same file. */
#include "serve_test.h"
#include "serve_view.h"

#include <fcntl.h>

static test_server folder; /* only its files */
static gch_data *data;
static gch__dataset *dataset;
static gch_query *query;
static gch__buffer out = {.purpose = "test"};
static gch_error err;

static int start(void **state)
{
    (void)state;
    char path[128];
    test_server_folder(&folder, "serve_view_test");
    snprintf(path, sizeof path, "%s/a.gch", folder.folder);
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 64u << 20}, &data, &err));
    assert_ok(gch__dataset_open(data, "a", open(path, O_RDONLY | O_CLOEXEC), NULL, &dataset, &err));
    assert_non_null(dataset->file);
    assert_ok(gch_query_make(dataset->file, NULL, &query, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    char command[128];
    gch_query_destroy(query);
    gch__dataset_release(dataset);
    gch__buffer_reset(&out);
    assert_ok(gch_data_destroy(data, &err));
    snprintf(command, sizeof command, "rm -rf '%s'", folder.folder);
    return system(command);
}

static gch__view_request request;

static void answer(gch__view_kind kind, const char *text)
{
    static char room[512];
    static gch__parameters parameters;
    assert_true(gch__parameters_parse((gch__span){(const uint8_t *)text, strlen(text)}, room,
                                      sizeof room, &parameters));
    assert_ok(gch__view_parse(kind, &parameters, gch_file_get_info(dataset->file), &request, &err));
    out.count = 0;
    assert_ok(gch__view_answer(dataset, &request, &out, &err));
    assert_memory_equal(out.bytes, "GCHA\1\0", 6);
    assert_int_equal(gch__load_u16(out.bytes + 6), kind + 1);
    assert_int_equal(gch__load_u64(out.bytes + 8), out.count);
    assert_true(gch__load_u64(out.bytes + 16) == dataset->version);
    assert_int_equal(gch__load_u64(out.bytes + 24), TEST_ROWS);
}

static void assert_value(size_t at, gch_value value)
{
    const uint8_t *bytes = out.bytes + at;
    assert_int_equal(bytes[8], value.kind);
    assert_int_equal(bytes[9], value.kind == GCH_VALUE_DECIMAL ? value.scale : 0);
    assert_int_equal(gch__load_u32(bytes + 10) | gch__load_u16(bytes + 14), 0);
    assert_true(gch__load_u64(bytes) == (uint64_t)value.as.digits);
}

static void check_columns(const char *text, bool keep_outside)
{
    gch_columns columns;
    gch_value min, max;
    answer(GCH__VIEW_COLUMNS, text);
    gch_query *own = NULL;
    const gch_query_desc desc = {.keep_outside = keep_outside};
    assert_ok(gch_query_make(dataset->file, &desc, &own, &err));
    gch_view view = request.view;
    view.bottom = (gch_decimal){(int64_t)gch__load_u64(out.bytes + 80),
                                (int32_t)gch__load_u32(out.bytes + 88)};
    view.top = (gch_decimal){(int64_t)gch__load_u64(out.bytes + 96),
                             (int32_t)gch__load_u32(out.bytes + 104)};
    assert_ok(
        gch_query_range(own, request.column, view.t0, view.t1, GCH_JOIN_NONE, &min, &max, &err));
    assert_value(112, min);
    assert_value(128, max);
    assert_ok(gch_query_columns(own, request.column, &view, request.join, &columns, &err));
    const size_t edges = view.width_px + (size_t)1, firsts = 144 + 8 * edges;
    const uint32_t pieces = columns.first[view.width_px];
    assert_int_equal(gch__load_u32(out.bytes + 64), view.width_px);
    assert_int_equal(gch__load_u32(out.bytes + 68), view.height_px);
    assert_int_equal(gch__load_u32(out.bytes + 76), pieces);
    assert_int_equal(out.count, gch__align_up(firsts + 4 * edges, 8) + pieces * 24u);
    assert_memory_equal(out.bytes + firsts, columns.first, 4 * edges);
    assert_memory_equal(out.bytes + gch__align_up(firsts + 4 * edges, 8), columns.pieces,
                        pieces * 24u);
    uint64_t before = 0;
    for (size_t c = 0; c < edges; c++) {
        /* The edge as a fraction, without the server's own arithmetic: times are multiples of 10
         * from 1000. */
        uint64_t row = gch__load_u64(out.bytes + 144 + 8 * c);
        int64_t span = view.t1 - view.t0, w = view.width_px;
        assert_true(row >= before);
        if (row < TEST_ROWS)
            assert_true((1000 + 10 * (int64_t)row - view.t0) * w >= span * (int64_t)c);
        if (row > 0)
            assert_true((990 + 10 * (int64_t)row - view.t0) * w < span * (int64_t)c);
        before = row;
    }
    assert_int_equal(gch__load_u64(out.bytes + 48), gch__load_u64(out.bytes + 144));
    assert_int_equal(gch__load_u64(out.bytes + 56), before);
    gch_query_destroy(own);
}

static void columns_are_those_of_the_query(void **state)
{
    (void)state;
    check_columns("width=1920&height=1080", false);
    check_columns("column=volume&width=333&height=77&from=1234&to=98765", false);
    check_columns("column=volume&width=500&height=50&join=step&ymin=10&ymax=12.5", false);
    check_columns("column=volume&width=500&height=50&ymin=10&ymax=12.5&outside=1", true);
    check_columns("width=100&height=100&from=-5000&to=500", false);       /* nothing in view */
    check_columns("width=7&height=9&from=1000&to=1001&join=none", false); /* one value */
    check_columns("width=64&height=64&axis=log", false);
}

static void bars_are_those_of_the_query(void **state)
{
    (void)state;
    const gch_bar *bars;
    uint32_t count;
    answer(GCH__VIEW_BARS, "bar=10s&column=volume&from=5000&to=95000");
    assert_ok(gch_query_bars(query, 1, request.bar, NULL, 5000, 95000, 4096, &bars, &count, &err));
    assert_true(count > 5);
    assert_int_equal(gch__load_u32(out.bytes + 64), count);
    assert_int_equal(gch__load_u64(out.bytes + 72), 10000);
    assert_int_equal(out.count, 80 + 88 * count);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = 80 + 88 * (size_t)i;
        assert_int_equal(gch__load_u64(out.bytes + at), bars[i].t0);
        assert_int_equal(gch__load_u64(out.bytes + at + 8), bars[i].t1);
        assert_int_equal(gch__load_u64(out.bytes + at + 16), bars[i].row_count);
        assert_value(at + 24, bars[i].open);
        assert_value(at + 40, bars[i].high);
        assert_value(at + 56, bars[i].low);
        assert_value(at + 72, bars[i].close);
    }
}

static void range_points_and_nearest_are_those_of_the_query(void **state)
{
    (void)state;
    gch_value min, max;
    gch_sample sample;
    const gch_point *points;
    uint32_t count;
    answer(GCH__VIEW_RANGE, "column=volume&from=2000&to=2500");
    assert_ok(gch_query_range(query, 1, 2000, 2500, GCH_JOIN_NONE, &min, &max, &err));
    assert_value(64, min);
    assert_value(80, max);
    answer(GCH__VIEW_RANGE, "column=volume&from=2001&to=2009&join=line");
    assert_ok(gch_query_range(query, 1, 2001, 2009, GCH_JOIN_LINE, &min, &max, &err));
    assert_int_equal(min.kind, GCH_VALUE_F64);
    assert_value(64, min);
    assert_value(80, max);
    answer(GCH__VIEW_NEAREST, "t=2004");
    assert_ok(gch_query_nearest(query, 0, 2004, &sample, &err));
    assert_int_equal(gch__load_u64(out.bytes + 64), sample.row);
    assert_int_equal(gch__load_u64(out.bytes + 72), sample.time);
    assert_value(80, sample.value);
    answer(GCH__VIEW_POINTS, "column=volume&width=300&height=100&from=5900&to=6300&ymin=0&ymax=80");
    assert_ok(gch_query_points(query, 1, &request.view, 1000, &points, &count, &err));
    assert_int_equal(gch__load_u32(out.bytes + 76), count);
    assert_int_equal(out.count, 144 + 12 * count);
    for (uint32_t i = 0; i < count; i++) {
        assert_memory_equal(out.bytes + 144 + 12 * i, &points[i].x, 4);
        assert_memory_equal(out.bytes + 148 + 12 * i, &points[i].y, 4);
        assert_int_equal(gch__load_u32(out.bytes + 152 + 12 * i), points[i].starts_run);
    }
}

static void a_frame_of_1920_columns_is_about_64_kb(void **state)
{
    (void)state;
    answer(GCH__VIEW_COLUMNS, "width=1920&height=1080");
    assert_int_equal(out.count, 69280);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_the_query),
        cmocka_unit_test(bars_are_those_of_the_query),
        cmocka_unit_test(range_points_and_nearest_are_those_of_the_query),
        cmocka_unit_test(a_frame_of_1920_columns_is_about_64_kb),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
