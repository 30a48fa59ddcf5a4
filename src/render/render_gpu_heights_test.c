/* Columns of charts in the default look that the device reduces: their heights are the floats of
 * the query room, bit for bit, and the pictures are the CPU executor's but for 1 a channel, for all
 * kinds of keys, at gaps and at the ends of the data, in every frame of a pan. Also what is not
 * reduced there, budgets that hold little, and what warm frames allocate.
 *
 * 40 random cases (GCH_HEIGHT_CASES for more, GCH_HEIGHT_FIRST to begin with another). */
#include "query_edges.h"
#include "raster.h"
#include "render_gpu_state.h"
#include "store_writer.h"
#include "test_memory.h"
#include "test_series.h"

#include <inttypes.h>
#include <math.h>

#define WIDTH 500u
#define HEIGHT 300u
#define ROWS 600000u
#define SERIES_CAP 3u
#define DEFAULT_CASE_COUNT 40u

static gch_error err;

typedef enum file_kind {
    TENTHS,  /* decimals that often repeat, in three segments */
    WHOLE,   /* integers */
    FLOATS,  /* 32 bits */
    DOUBLES, /* no decimals, beyond 32 bits, of all sizes */
    LARGE,   /* decimals beyond 32 bits */
    GAPS,    /* tenths, with gaps of all lengths */
    FILE_COUNT
} file_kind;
static test_series files[FILE_COUNT];

static double value_of(file_kind kind, double walk, uint64_t *seed)
{
    double random = (double)(test_random(seed) % 1000000) / 1e6;
    switch (kind) {
    case FLOATS:
        return (double)(float)(walk * 0.7 + random);
    case DOUBLES:
        return (walk + random) * exp2((double)(test_random(seed) % 12) - 8);
    case LARGE:
        return rint(walk * 1e9) / 100;
    case WHOLE:
        return rint(walk / 8);
    default:
        return walk / 10;
    }
}

/* Runs of gaps of 1 to 2000 rows. */
static bool is_gap(file_kind kind, uint32_t *io_left, uint64_t *seed)
{
    if (kind != GAPS)
        return false;
    if (*io_left == 0 && test_random(seed) % 4000 == 0)
        *io_left = 1u << test_random(seed) % 12;
    if (*io_left == 0)
        return false;
    --*io_left;
    return true;
}

/* Two columns, whose gaps are the same but for one stretch of the large ones. */
static void make_file(file_kind kind)
{
    uint64_t seed = 17 + (uint64_t)kind;
    int64_t *times = calloc(ROWS, sizeof *times), time = 0;
    double *values = calloc(2 * ROWS, sizeof *values), walks[2] = {0, 40};
    float *floats = calloc(2 * ROWS, sizeof *floats);
    assert_true(times != NULL && values != NULL && floats != NULL);
    uint32_t left = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        time += kind == GAPS ? (int64_t)(test_random(&seed) % 200) : 100;
        times[i] = time;
        bool is_missing = is_gap(kind, &left, &seed);
        for (uint32_t c = 0; c < 2; c++) {
            double *value = &values[c * ROWS + i];
            walks[c] += (double)(test_random(&seed) % 3) - 1;
            *value = value_of(kind, walks[c], &seed);
            if (is_missing || (kind == LARGE && c == 1 && i / 1000 == 300))
                *value = (double)NAN;
            floats[c * ROWS + i] = (float)*value;
        }
    }
    const gch_type type = kind == FLOATS ? GCH_TYPE_F32 : GCH_TYPE_F64;
    const gch_column_desc columns[] = {{.name = "low", .type = type},
                                       {.name = "high", .type = type}};
    const gch_writer_desc desc = {
        .time_unit = GCH_TIME_MS, .columns = columns, .column_count = GCH_COUNT_OF(columns)};
    gch_column_data data[] = {{.values = values}, {.values = values + ROWS}};
    for (uint32_t c = 0; kind == FLOATS && c < 2; c++)
        data[c].values = floats + c * ROWS;
    gch_writer *writer = NULL;
    test_series *out = &files[kind];
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    gch__writer_limit_segment_rows(writer, 1); /* a chunk each */
    assert_ok(gch_writer_append(writer, times, data, ROWS, &err));
    assert_ok(gch_writer_finish_memory(writer, &out->image, &out->image_bytes, &err));
    assert_ok(gch__file_open_memory(out->image, out->image_bytes, "test", NULL, &out->file, &err));
    free(times);
    free(values);
    free(floats);
}

static int make_files(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < FILE_COUNT; kind++)
        make_file((file_kind)kind);
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < FILE_COUNT; kind++)
        test_series_free(&files[kind]);
    return 0;
}

static uint32_t below(uint64_t *seed, uint32_t bound)
{
    return (uint32_t)(test_random(seed) % bound);
}

/* Both executors, with a query a series each. */
typedef struct stage {
    gch__gpu_executor *executor;
    gch__raster *raster;
    gch__scene scene;
    gch_chart_series series[SERIES_CAP];
    uint32_t series_count;
    gch_query *queries[SERIES_CAP], *others[SERIES_CAP];
    gch_image drawn, expected;
    gch_decimal bottom, top;
    int64_t bar_ticks;
} stage;

static gch_status make_stage(const gch__gpu_executor_desc *desc, stage *out)
{
    *out = (stage){.scene.allocator = desc->allocator};
    GCH_TRY(gch_image_make(WIDTH, HEIGHT, NULL, &out->drawn, &err));
    GCH_TRY(gch_image_make(WIDTH, HEIGHT, NULL, &out->expected, &err));
    GCH_TRY(gch__raster_make(NULL, &out->raster, &err));
    return gch__gpu_executor_make(desc, &out->executor, &err);
}

static void drop_series(stage *s)
{
    for (uint32_t i = 0; i < s->series_count; i++) {
        gch_query_destroy(s->queries[i]);
        gch_query_destroy(s->others[i]);
    }
    s->series_count = 0;
}

static gch_status set_series(stage *s, const gch_chart_series *series, uint32_t count)
{
    const gch_query_desc query = {.allocator = s->scene.allocator, .keep_outside = true};
    drop_series(s);
    memcpy(s->series, series, count * sizeof *series);
    for (; s->series_count < count; s->series_count++) {
        gch_query **its = &s->queries[s->series_count], **other = &s->others[s->series_count];
        *its = *other = NULL;
        GCH_TRY(gch_query_make(series[s->series_count].file, &query, its, &err));
        gch_status status = gch_query_make(series[s->series_count].file, &query, other, &err);
        if (status != GCH_OK)
            gch_query_destroy(*its);
        GCH_TRY(status);
    }
    return GCH_OK;
}

static void free_stage(stage *s)
{
    gch__gpu_executor_destroy(s->executor);
    gch__raster_destroy(s->raster);
    drop_series(s);
    gch__scene_reset(&s->scene);
    gch_image_destroy(&s->drawn, NULL);
    gch_image_destroy(&s->expected, NULL);
}

static gch_status draw(stage *s, int64_t from, int64_t span, gch__gpu_frame_stats *stats)
{
    int64_t query_ns;
    gch__extent extents[SERIES_CAP] = {0};
    gch_chart_desc desc = {.series = s->series,
                           .series_count = s->series_count,
                           .width_px = WIDTH,
                           .height_px = HEIGHT,
                           .allocator = s->scene.allocator,
                           .has_bottom = true,
                           .has_top = true,
                           .bottom = s->bottom,
                           .top = s->top,
                           .bar_width = {.count = s->bar_ticks}};
    GCH_TRY(gch__scene_layout(&s->scene, &desc, from, from + span, extents, &err));
    return gch__gpu_executor_draw(s->executor, &s->scene, s->queries, &s->drawn, stats, &query_ns,
                                  &err);
}

static uint32_t plot_width(const stage *s)
{
    return s->scene.plots[0].view.width_px;
}

/* By the executor in `raster`; returns the largest difference of a channel. */
static uint32_t compare_pictures(stage *s, size_t *out_at)
{
    int64_t query_ns;
    uint32_t largest = 0;
    assert_ok(
        gch__raster_draw(s->raster, &s->scene, s->others, NULL, &s->expected, &query_ns, &err));
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        for (uint32_t shift = 0; shift < 32; shift += 8) {
            uint32_t a = s->drawn.pixels[i] >> shift & 255,
                     b = s->expected.pixels[i] >> shift & 255;
            uint32_t difference = a > b ? a - b : b - a;
            if (difference > largest) {
                largest = difference;
                *out_at = i;
            }
        }
    }
    return largest;
}

static float from_order(uint32_t order)
{
    uint32_t bits = order >> 31 != 0 ? order & 0x7FFFFFFFu : ~order;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

/* The ring of a series against the query room's columns; returns how many are the device's. */
static uint32_t compare_heights(stage *s, uint32_t series)
{
    static uint32_t words[WIDTH * 4];
    gch__gpu_executor *executor = s->executor;
    uint32_t width = plot_width(s), found = 0;
    gch_join join = s->series[series].mark == GCH_MARK_STEP ? GCH_JOIN_STEP : GCH_JOIN_LINE;
    gch_columns columns;
    assert_ok(gch__gpu_begin(executor->gpu, "test", &err));
    assert_ok(gch__gpu_download(executor->gpu, executor->marks,
                                (uint64_t)executor->heights.rings[series].at * 4, words,
                                (uint64_t)width * 16, &err));
    assert_ok(
        gch_query_columns(s->others[series], 0, &s->scene.plots[0].view, join, &columns, &err));
    for (uint32_t c = 0; c < width; c++) {
        const uint32_t *word = &words[(executor->origin + c) % width * 4];
        if (word[0] > word[1])
            continue;
        assert_int_equal(columns.first[c + 1] - columns.first[c], 1);
        const gch_piece *piece = &columns.pieces[columns.first[c]];
        float sides[2];
        memcpy(sides, word + 2, sizeof sides);
        if (from_order(word[0]) != piece->y_top || from_order(word[1]) != piece->y_bottom ||
            sides[0] != piece->y_left || sides[1] != piece->y_right)
            fail_msg("column %u: %.9g to %.9g, not %.9g to %.9g", c, (double)from_order(word[0]),
                     (double)from_order(word[1]), (double)piece->y_top, (double)piece->y_bottom);
        found++;
    }
    return found;
}

static void choose_series(gch_chart_series *out, uint64_t *seed)
{
    static const gch_mark marks[] = {GCH_MARK_LINE,    GCH_MARK_LINE, GCH_MARK_STEP, GCH_MARK_AREA,
                                     GCH_MARK_CANDLES, GCH_MARK_OHLC, GCH_MARK_BARS, GCH_MARK_BAND};
    static const float widths[] = {0, 0.4f, 1, 2.5f, 9};
    *out = (gch_chart_series){.file = files[below(seed, FILE_COUNT)].file,
                              .column_high = 1,
                              .mark = marks[below(seed, GCH_COUNT_OF(marks))],
                              .width_px = widths[below(seed, GCH_COUNT_OF(widths))]};
    if (below(seed, 3) == 0)
        out->color_rgba = (uint32_t)test_random(seed) | 0x20;
}

static void choose_range(stage *s, uint64_t *seed)
{
    static const int64_t halves[] = {20, 70, 131, 900};
    int64_t middle = (int64_t)below(seed, 200) - 100, half = halves[below(seed, 4)];
    s->bottom = (gch_decimal){(middle - half) * 10 + 3 * (int64_t)below(seed, 2), -1};
    s->top = (gch_decimal){(middle + half) * 10, -1};
}

/* A view of at least 8 points a column; `step` ticks are one. */
static void choose_view(uint64_t *seed, int64_t *out_step, int64_t *out_from)
{
    const int64_t length = (int64_t)ROWS * 100;
    *out_step = 800 << below(seed, 7);
    *out_from = (int64_t)below(seed, (uint32_t)length) - *out_step * 100;
}

static void heights_and_pictures_are_the_processors_in_every_frame_of_a_pan(void **state)
{
    (void)state;
    const char *text = getenv("GCH_HEIGHT_CASES"), *first_text = getenv("GCH_HEIGHT_FIRST");
    uint64_t count = text != NULL ? strtoull(text, NULL, 10) : DEFAULT_CASE_COUNT;
    uint64_t first = first_text != NULL ? strtoull(first_text, NULL, 10) : 0;
    uint64_t reduced = 0, kept = 0, kept_bars = 0, columns = 0, equal = 0, frames = 0;
    stage s;
    assert_ok(make_stage(&(gch__gpu_executor_desc){0}, &s));
    for (uint64_t number = first; number < first + count; number++) {
        uint64_t seed = number * 0xD1342543DE82EF95u + 5;
        gch_chart_series series[SERIES_CAP];
        uint32_t series_count = 1 + below(&seed, SERIES_CAP);
        for (uint32_t i = 0; i < series_count; i++)
            choose_series(&series[i], &seed);
        assert_ok(set_series(&s, series, series_count));
        choose_range(&s, &seed);
        int64_t step, from;
        choose_view(&seed, &step, &from);
        static const int64_t bar_columns[] = {1, 1, 5, 9, 23, 70}; /* 1: too many for bodies */
        s.bar_ticks = step * bar_columns[below(&seed, GCH_COUNT_OF(bar_columns))];
        gch__gpu_frame_stats stats;
        assert_ok(draw(&s, from, step * WIDTH, &stats)); /* until the plot's width is known */
        int64_t span = step * plot_width(&s);
        for (uint32_t frame = 0; frame < 4; frame++) {
            size_t at = 0;
            int64_t pan = 1 + (int64_t)below(&seed, 45);
            from += step * (below(&seed, 2) == 0 ? pan : -pan) + below(&seed, 5) / 4;
            assert_ok(draw(&s, from, span, &stats));
            uint32_t difference = compare_pictures(&s, &at);
            if (difference > 1)
                fail_msg("case %" PRIu64 ", frame %u, %u series, mark %d: x %zu, y %zu is %08x, "
                         "not %08x",
                         number, frame, series_count, series[0].mark, at % WIDTH, at / WIDTH,
                         s.drawn.pixels[at], s.expected.pixels[at]);
            for (uint32_t i = 0; i < series_count; i++)
                if (s.executor->heights.rings[i].is_made && series[i].mark != GCH_MARK_BARS)
                    columns += compare_heights(&s, i);
            assert_int_equal(stats.series_reduced + stats.series_by_query, series_count);
            reduced += stats.series_reduced;
            kept += stats.columns_kept;
            kept_bars += stats.bars_kept;
            equal += difference == 0;
            frames++;
        }
    }
    free_stage(&s);
    print_message("%" PRIu64 " of %" PRIu64 " pictures are the same; %" PRIu64 " series, %" PRIu64
                  " columns reduced, %" PRIu64 " kept; %" PRIu64 " bars kept\n",
                  equal, frames, reduced, columns, kept, kept_bars);
    if (count >= DEFAULT_CASE_COUNT) {
        assert_true(reduced > frames);
        assert_true(columns > reduced * 50);
        assert_true(kept > reduced * 50);
        assert_true(kept_bars > 1000);
    }
}

/* An area, candles and bars with bodies. */
static void set_three(stage *s)
{
    const gch_chart_series three[] = {{.file = files[TENTHS].file, .mark = GCH_MARK_AREA},
                                      {.file = files[GAPS].file, .mark = GCH_MARK_CANDLES},
                                      {.file = files[FLOATS].file, .mark = GCH_MARK_BARS}};
    assert_ok(set_series(s, three, GCH_COUNT_OF(three)));
    s->bottom = (gch_decimal){-80, 0};
    s->top = (gch_decimal){90, 0};
    s->bar_ticks = 400000;
}

static void a_small_budget_draws_the_same_pictures_in_several_tiles(void **state)
{
    (void)state;
    stage s;
    gch__gpu_frame_stats stats;
    uint32_t tiles = 0;
    assert_ok(make_stage(
        &(gch__gpu_executor_desc){.budget_bytes = 2u << 20, .slab_bytes = 1u << 20}, &s));
    set_three(&s);
    for (int64_t from = 0; from < 6000000; from += 1000000) {
        size_t at = 0;
        assert_ok(draw(&s, from, 40000000, &stats));
        assert_int_equal(stats.series_reduced, 3);
        assert_true(compare_pictures(&s, &at) <= 1);
        tiles = GCH_MAX(tiles, stats.tiles);
    }
    assert_true(tiles > 3); /* one a series would do */
    free_stage(&s);
}

static void what_the_device_cannot_reduce_comes_from_the_query_room(void **state)
{
    (void)state;
    static const gch_chart_series cases[] = {
        {.mark = GCH_MARK_LINE, .dash_count = 2, .dash_px = {9, 4}}, /* measured along the path */
        {.mark = GCH_MARK_LINE},                                     /* few points: as they are */
        {.mark = GCH_MARK_CANDLES},                                  /* a baseline of benchmarks */
        {.mark = GCH_MARK_LINE}};                                    /* nothing of the sort */
    stage usual, by_queries;
    gch__gpu_frame_stats stats;
    assert_ok(make_stage(&(gch__gpu_executor_desc){0}, &usual));
    assert_ok(make_stage(&(gch__gpu_executor_desc){.by_queries = true}, &by_queries));
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        stage *s = i == 2 ? &by_queries : &usual;
        size_t at = 0;
        gch_chart_series its = cases[i];
        its.file = files[WHOLE].file;
        assert_ok(set_series(s, &its, 1));
        s->bottom = (gch_decimal){-100, 0};
        s->top = (gch_decimal){100, 0};
        s->bar_ticks = 1000000;
        assert_ok(draw(s, 1000000, i == 1 ? 50000 : 30000000, &stats));
        assert_int_equal(stats.series_reduced, i == 3);
        assert_int_equal(stats.series_by_query, i != 3);
        assert_true(compare_pictures(s, &at) <= 1);
    }
    free_stage(&usual);
    free_stage(&by_queries);
}

static void a_view_of_few_points_leaves_the_pages_where_they_are(void **state)
{
    (void)state;
    stage s;
    gch__gpu_frame_stats stats;
    assert_ok(make_stage(&(gch__gpu_executor_desc){0}, &s));
    set_three(&s);
    assert_ok(draw(&s, 0, 40000000, &stats));
    assert_true(stats.pages_loaded > 20);
    s.bar_ticks = 1000; /* and fewer bars than that */
    assert_ok(draw(&s, 20000000, 20000, &stats));
    assert_int_equal(stats.pages_loaded, 0);
    s.bar_ticks = 400000;
    assert_ok(draw(&s, 0, 40000000, &stats));
    assert_int_equal(stats.series_reduced, 3);
    assert_int_equal(stats.pages_loaded, 0);
    free_stage(&s);
}

static void warm_pans_allocate_nothing_and_what_is_unchanged_submits_nothing(void **state)
{
    (void)state;
    test_memory memory = {.left = UINT64_MAX};
    gch_allocator allocator = {.resize = test_memory_resize, .context = &memory};
    stage s;
    gch__gpu_frame_stats stats;
    assert_ok(make_stage(&(gch__gpu_executor_desc){.allocator = &allocator}, &s));
    set_three(&s);
    assert_ok(draw(&s, 0, 30000000, &stats));
    int64_t step = 60000, span = step * plot_width(&s);
    uint64_t before = 0;
    for (int round = 0; round < 3; round++) {
        before = memory.served;
        for (int64_t pan = 0; pan < 6; pan++) {
            assert_ok(draw(&s, pan * 30 * step, span, &stats));
            assert_int_equal(stats.series_reduced, 3);
            if (pan > 0) {
                assert_int_equal(stats.columns_kept, plot_width(&s) - 30);
                assert_true(stats.bars_kept > 40);
            }
        }
    }
    assert_int_equal(memory.served, before);
    gch__gpu_stats device = gch__gpu_get_stats(s.executor->gpu);
    assert_ok(draw(&s, 5 * 30 * step, span, &stats));
    assert_true(stats.is_unchanged);
    assert_int_equal(gch__gpu_get_stats(s.executor->gpu).submits, device.submits);
    free_stage(&s);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heights_and_pictures_are_the_processors_in_every_frame_of_a_pan),
        cmocka_unit_test(a_small_budget_draws_the_same_pictures_in_several_tiles),
        cmocka_unit_test(what_the_device_cannot_reduce_comes_from_the_query_room),
        cmocka_unit_test(a_view_of_few_points_leaves_the_pages_where_they_are),
        cmocka_unit_test(warm_pans_allocate_nothing_and_what_is_unchanged_submits_nothing),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
