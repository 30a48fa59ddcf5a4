/* Strata: every row is of one, the first is never empty, and what is chosen adds up. */
#include "render_gpu_strata.h"

#include "test_series.h"

static gch_error err;

/* As shaders/count.wgsl numbers super-blocks. */
static bool is_in(uint32_t super, uint32_t phase, uint32_t count, uint32_t s)
{
    uint32_t place = 0;
    for (uint32_t c = count, bits = s; c > 1; c /= 2, bits /= 2)
        place = place * 2 + bits % 2;
    return (super + count - phase) % count == place;
}

static void every_row_is_of_one_stratum_and_the_first_has_some(void **state)
{
    (void)state;
    uint64_t seed = 11;
    static const uint32_t counts[] = {16, 64, 256};
    for (int i = 0; i < 2000; i++) {
        uint32_t count = counts[i % 3];
        uint32_t begin = (uint32_t)(test_random(&seed) % (i % 2 ? 5000 : UINT32_MAX - 2000000));
        uint32_t end = begin + 1 + (uint32_t)(test_random(&seed) % (i % 5 ? 3000 : 1000000));
        gch__strata strata = {.count = count};
        uint32_t phase = gch__strata_code(&strata, begin, end, 0, 1) % 1024;
        uint64_t sum = 0, expected[256] = {0};
        for (uint32_t super = begin / 1024; super <= (end - 1) / 1024; super++)
            for (uint32_t s = 0; s < count; s++)
                if (is_in(super, phase, count, s))
                    expected[s] += GCH_MIN((uint64_t)super * 1024 + 1024, end) -
                                   GCH_MAX((uint64_t)super * 1024, begin);
        for (uint32_t s = 0; s < count; s++) {
            uint64_t rows = gch__stratum_rows(begin, end, count, s);
            assert_int_equal(rows, expected[s]);
            sum += rows;
        }
        assert_int_equal(sum, end - begin);
        assert_true(gch__stratum_rows(begin, end, count, 0) > 0);
    }
}

/* ---- frames ---- */

enum { ROWS = 400000, WIDTH = 10, HEIGHT = 16 };

typedef struct stage {
    test_series series;
    gch_query *query;
    gch__strata_item items[2];
    uint32_t count;
    gch__strata strata;
} stage;

static void make_stage(stage *s)
{
    int64_t *times = malloc(ROWS * sizeof *times);
    int32_t *values = calloc(ROWS, sizeof *values);
    assert_true(times != NULL && values != NULL);
    for (int i = 0; i < ROWS; i++)
        times[i] = i;
    *s = (stage){.series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_I32, NULL, ROWS)};
    assert_ok(
        gch_query_make(s->series.file, &(gch_query_desc){.keep_outside = true}, &s->query, &err));
    s->count = 2;
    for (uint64_t i = 0; i < 2; i++)
        s->items[i] = (gch__strata_item){.file = s->series.file,
                                         .at = i * 1000,
                                         .view = {.t0 = 0,
                                                  .t1 = ROWS,
                                                  .bottom = {-1, 0},
                                                  .top = {1, 0},
                                                  .width_px = WIDTH,
                                                  .height_px = HEIGHT}};
    free(times);
    free(values);
}

static void free_stage(stage *s)
{
    gch__strata_reset(&s->strata);
    gch_query_destroy(s->query);
    test_series_free(&s->series);
}

/* One frame of both grids; the rows it counts. */
static uint64_t draw(stage *s, const gch__quality_plan *plan, bool by_columns)
{
    uint64_t rows = 0;
    assert_ok(gch__strata_begin(&s->strata, s->items, s->count, plan, &err));
    for (uint32_t grid = 0; grid < s->count; grid++) {
        gch__strata_job job = {.query = s->query, .grid = grid};
        gch__strata_spent spent;
        assert_ok(gch__query_begin(s->query, &err));
        assert_ok(
            gch__query_edges(s->query, 0, &s->items[grid].view, GCH_JOIN_NONE, &job.edges, &err));
        assert_ok(gch__strata_choose(&s->strata, &job, by_columns, &spent, &err));
        assert_ok(gch__query_end(s->query, GCH_OK));
        gch__strata_finish(&s->strata, grid);
        rows += spent.rows;
    }
    s->strata.is_valid = true;
    return rows;
}

static void show(stage *s, int64_t from, int64_t span)
{
    for (uint32_t i = 0; i < 2; i++) {
        s->items[i].view.t0 = from;
        s->items[i].view.t1 = from + span;
    }
}

static const gch__quality_desc automatic = {.quality = GCH_QUALITY_AUTO};

static void a_frame_spends_its_units_and_all_rows_are_counted_once(void **state)
{
    (void)state;
    for (int by_columns = 0; by_columns < 2; by_columns++) {
        stage s;
        make_stage(&s);
        gch__quality_plan plan = {.step = 1, .strata = GCH__STRATA, .is_bounded = true};
        uint64_t sum = draw(&s, &plan, by_columns != 0);
        assert_int_equal(gch__strata_level(&s.strata), 3);
        assert_true(sum >= 2 * ROWS / 32 && sum <= 2 * ROWS / 10);
        plan.units = 100000;
        int frames = 1;
        for (; !gch__strata_is_settled(&s.strata, &automatic); frames++) {
            double before = gch__strata_complete(&s.strata);
            assert_int_equal(gch__strata_motion(&s.strata, s.items, s.count), GCH__MOTION_REST);
            uint64_t rows = draw(&s, &plan, by_columns != 0);
            /* No more than an item too much: a stratum of a column, or a column, for each grid. */
            assert_true(rows <= plan.units + 2 * (by_columns ? ROWS / WIDTH : 4096u));
            assert_true(rows > 0 && gch__strata_complete(&s.strata) > before);
            sum += rows;
        }
        assert_int_equal(sum, 2 * ROWS);
        assert_true(frames <= 9);
        assert_true(gch__strata_complete(&s.strata) == 1);
        assert_int_equal(gch__strata_level(&s.strata), GCH_QUALITY_LEVELS);
        assert_int_equal(draw(&s, &plan, by_columns != 0), 0);
        free_stage(&s);
    }
}

static void a_pan_loses_the_columns_that_leave_and_another_grid_is_begun_anew(void **state)
{
    (void)state;
    stage s;
    make_stage(&s);
    gch__quality_plan plan = {.step = 1, .strata = GCH__STRATA, .is_bounded = true};
    show(&s, 0, ROWS / 2);
    for (int i = 0; i < 20; i++)
        (void)draw(&s, &plan, false);
    double before = gch__strata_complete(&s.strata);
    show(&s, 3 * ROWS / 2 / WIDTH, ROWS / 2);
    assert_int_equal(gch__strata_motion(&s.strata, s.items, s.count), GCH__MOTION_PAN);
    (void)draw(&s, &plan, false);
    assert_int_equal(s.strata.fresh_first, WIDTH - 3);
    assert_true(gch__strata_complete(&s.strata) > before * 0.65);
    before = gch__strata_complete(&s.strata);
    show(&s, 2 * ROWS / 2 / WIDTH, ROWS / 2);
    (void)draw(&s, &plan, false);
    assert_int_equal(s.strata.fresh_last, 1);
    assert_true(gch__strata_complete(&s.strata) > before * 0.85);
    before = gch__strata_complete(&s.strata);
    /* Other values in one panel: the grid of the other one stays. */
    s.items[1].view.top.digits = 2;
    assert_int_equal(gch__strata_motion(&s.strata, s.items, s.count), GCH__MOTION_PAN);
    (void)draw(&s, &plan, false);
    assert_true(s.strata.grids[0].is_kept && !s.strata.grids[1].is_kept);
    assert_true(gch__strata_complete(&s.strata) < before);
    /* One that lies elsewhere now does not. */
    s.items[0].at = 1000;
    s.count = 1;
    assert_int_equal(gch__strata_motion(&s.strata, s.items, s.count), GCH__MOTION_JUMP);
    (void)draw(&s, &plan, false);
    assert_int_equal(s.strata.grids[0].is_kept, false);
    show(&s, 12345, ROWS / 2);
    assert_int_equal(gch__strata_motion(&s.strata, s.items, s.count), GCH__MOTION_JUMP);
    free_stage(&s);
}

static void coarse_cells_are_never_complete_and_columns_of_few_rows_are_counted_whole(void **state)
{
    (void)state;
    stage s;
    make_stage(&s);
    gch__quality_plan coarse = {.step = 4, .strata = 1, .is_bounded = true};
    gch__quality_plan full = {.step = 1, .strata = GCH__STRATA, .is_bounded = true};
    show(&s, 0, 2000 * WIDTH);
    assert_int_equal(draw(&s, &coarse, false), 2 * 3 * 1024); /* 8000, 8000 and 4000 rows */
    assert_true(gch__strata_complete(&s.strata) <= 1.0 / 32);
    assert_int_equal(gch__strata_level(&s.strata), 1);
    assert_int_equal(gch__strata_is_settled(&s.strata, &automatic), false);
    assert_int_equal(draw(&s, &full, false), 2 * 2000 * WIDTH);
    assert_true(gch__strata_complete(&s.strata) == 1);
    assert_int_equal(gch__strata_is_settled(&s.strata, &automatic), true);
    free_stage(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_of_one_stratum_and_the_first_has_some),
        cmocka_unit_test(a_frame_spends_its_units_and_all_rows_are_counted_once),
        cmocka_unit_test(a_pan_loses_the_columns_that_leave_and_another_grid_is_begun_anew),
        cmocka_unit_test(coarse_cells_are_never_complete_and_columns_of_few_rows_are_counted_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
