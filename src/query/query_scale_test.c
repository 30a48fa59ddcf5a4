/* Rows of keys and crossings against the exact predicate, for every kind of key. */
#include "query_scale.h"
#include "test.h"

#include <float.h>
#include <math.h>

static gch__key_map random_map(uint64_t *seed)
{
    uint64_t kind = test_random(seed) % 3;
    if (kind == 0)
        return (gch__key_map){.kind = GCH_VALUE_DECIMAL,
                              .scale = (uint32_t)(test_random(seed) % 6),
                              .base = (uint64_t)((int64_t)(test_random(seed) % 100000) - 50000)};
    if (kind == 1)
        return (gch__key_map){.kind = GCH_VALUE_F32, .base = gch__key_from_f32(-1000.0f)};
    return (gch__key_map){
        .kind = GCH_VALUE_F64, .base = gch__key_from_f64(-1e300), .is_wide = true};
}

static uint64_t random_key(const gch__key_map *map, uint64_t *seed)
{
    if (map->kind == GCH_VALUE_DECIMAL)
        return test_random(seed) % 100000;
    double value = ((double)(test_random(seed) % 2000001) - 1e6) / 1024;
    if (map->kind == GCH_VALUE_F32)
        return gch__key_from_f32((float)GCH_MAX(value, -999.0)) - map->base;
    if (test_random(seed) % 8 == 0)
        value = test_random(seed) % 2 == 0 ? 1e300 : -1e300;
    return gch__key_from_f64(value) - map->base;
}

static gch_view random_view(uint64_t *seed)
{
    static const uint32_t heights[] = {1, 2, 7, 64, 1080};
    int32_t exp10 = -(int32_t)(test_random(seed) % 7);
    int64_t bottom = (int64_t)(test_random(seed) % 200001) - 100000;
    gch_view view = {.t0 = 0,
                     .t1 = 1,
                     .width_px = 1,
                     .height_px = heights[test_random(seed) % GCH_COUNT_OF(heights)],
                     .bottom = {bottom, exp10},
                     .top = {bottom + 1 + (int64_t)(test_random(seed) % 200000), exp10}};
    if (test_random(seed) % 10 == 0) {
        view.bottom = (gch_decimal){-2, 300};
        view.top = (gch_decimal){2, 300};
    }
    return view;
}

static int32_t exact_row(const gch__exact_line *line, const gch_view *view)
{
    int32_t row = -1;
    for (uint32_t r = 0; r <= view->height_px; r++)
        if (gch__exact_compare_edge(line, r, view->height_px, gch__exact_from_decimal(view->top),
                                    gch__exact_from_decimal(view->bottom)) <= 0)
            row = (int32_t)r;
    return row;
}

static void row_of_key_is_exact(void **state)
{
    (void)state;
    gch_error err;
    gch__row_table table = {0};
    uint64_t seed = 2;
    for (int i = 0; i < 400; i++) {
        gch__key_map map = random_map(&seed);
        gch_view view = random_view(&seed);
        gch__side side = gch__side_of_rows(&view);
        assert_ok(gch__row_table_set(&table, &map, &side, NULL, &err));
        gch__row_scale scale = gch__row_scale_make(&table, &map);
        for (int k = 0; k < 12; k++) {
            uint64_t key = random_key(&map, &seed);
            /* Thresholds themselves and their neighbours are the hard cases. */
            if (k % 3 != 0) {
                uint64_t at =
                    table.thresholds[test_random(&seed) % (view.height_px + 1)] - scale.offset;
                if (at > 0 && at < UINT64_MAX / 2 && map.kind == GCH_VALUE_DECIMAL)
                    key = at - (uint64_t)(k % 2);
            }
            gch__exact exact = gch__exact_from_key(&map, key);
            gch__exact_line line = {.a = exact, .b = exact, .part = 0, .whole = 1};
            assert_int_equal(gch__row_of_key(&scale, key), exact_row(&line, &view));
        }
    }
    gch__row_table_reset(&table, NULL);
}

/* Columns of a plane: the largest c with X(c) <= value. */
static int32_t exact_column(const gch__exact_line *line, const gch__side *side)
{
    int32_t column = -1;
    for (uint32_t c = 0; c <= side->height_px; c++)
        if (gch__exact_compare_edge(line, c, side->height_px, gch__exact_from_decimal(side->top),
                                    gch__exact_from_decimal(side->bottom)) >= 0)
            column = (int32_t)c;
    return column;
}

static void column_of_key_is_exact(void **state)
{
    (void)state;
    gch_error err;
    gch__row_table table = {0};
    uint64_t seed = 8;
    for (int i = 0; i < 600; i++) {
        gch__key_map map = random_map(&seed);
        gch_view view = random_view(&seed);
        gch__side side = {view.bottom, view.top, view.height_px, GCH_AXIS_LINEAR, true};
        assert_ok(gch__row_table_set(&table, &map, &side, NULL, &err));
        gch__row_scale scale = gch__row_scale_make(&table, &map);
        for (int k = 0; k < 12; k++) {
            uint64_t key = random_key(&map, &seed);
            if (k % 3 != 0) {
                uint64_t at =
                    table.thresholds[test_random(&seed) % (view.height_px + 1)] - scale.offset;
                if (at > 0 && at < UINT64_MAX / 2 && map.kind == GCH_VALUE_DECIMAL)
                    key = at - (uint64_t)(k % 2);
            }
            gch__exact exact = gch__exact_from_key(&map, key);
            gch__exact_line line = {.a = exact, .b = exact, .part = 0, .whole = 1};
            assert_int_equal(gch__row_of_key(&scale, key), exact_column(&line, &side));
        }
    }
    gch__row_table_reset(&table, NULL);
}

static void float_thresholds_are_the_smallest_keys_above_their_edges(void **state)
{
    (void)state;
    gch_error err;
    gch__row_table table = {0};
    uint64_t seed = 3;
    for (int i = 0; i < 60; i++) {
        gch__key_map map = random_map(&seed);
        if (map.kind == GCH_VALUE_DECIMAL)
            continue;
        gch_view view = random_view(&seed);
        gch__side side = gch__side_of_rows(&view);
        assert_ok(gch__row_table_set(&table, &map, &side, NULL, &err));
        for (uint32_t r = table.unbounded_count; r <= view.height_px; r += 1 + r / 16) {
            uint64_t key = table.thresholds[r];
            if (key == 0)
                continue;
            gch__exact above = gch__exact_from_key(&table.map, key);
            gch__exact below = gch__exact_from_key(&table.map, key - 1);
            gch__exact_line line = {.a = above, .b = above, .part = 0, .whole = 1};
            gch__exact top = gch__exact_from_decimal(view.top);
            gch__exact bottom = gch__exact_from_decimal(view.bottom);
            assert_int_equal(gch__exact_compare_edge(&line, r, view.height_px, top, bottom), 1);
            line.a = line.b = below;
            assert_true(gch__exact_compare_edge(&line, r, view.height_px, top, bottom) <= 0);
        }
    }
    gch__row_table_reset(&table, NULL);
}

static void crossing_rows_are_exact(void **state)
{
    (void)state;
    gch_error err;
    gch__row_table table_a = {0}, table_b = {0};
    uint64_t seed = 4;
    for (int i = 0; i < 2000; i++) {
        gch_view view = random_view(&seed);
        gch__side side = gch__side_of_rows(&view);
        gch__key_map map_a = random_map(&seed), map_b = random_map(&seed);
        assert_ok(gch__row_table_set(&table_a, &map_a, &side, NULL, &err));
        assert_ok(gch__row_table_set(&table_b, &map_b, &side, NULL, &err));
        gch__line_end a = {.scale = gch__row_scale_make(&table_a, &map_a),
                           .key = random_key(&map_a, &seed)};
        gch__line_end b = {.scale = gch__row_scale_make(&table_b, &map_b),
                           .key = random_key(&map_b, &seed)};
        uint64_t whole = 1 + test_random(&seed) % 64, part = 1 + test_random(&seed) % whole;
        int32_t row;
        float y;
        gch__crossing(&a, &b, part, whole, &row, &y);
        gch__exact_line line = {.a = gch__exact_from_key(&map_a, a.key),
                                .b = gch__exact_from_key(&map_b, b.key),
                                .part = part,
                                .whole = whole};
        assert_int_equal(row, exact_row(&line, &view));
        if (row > 0 && row < (int32_t)view.height_px - 1)
            assert_true(fabsf(y - ((float)row + 0.5f)) <= 0.5f + 1e-3f * (float)row);
    }
    gch__row_table_reset(&table_a, NULL);
    gch__row_table_reset(&table_b, NULL);
}

static void log_rows_follow_the_logarithm(void **state)
{
    (void)state;
    gch_error err;
    gch__row_table table = {0};
    gch__key_map map = {.kind = GCH_VALUE_DECIMAL, .scale = 0, .base = (uint64_t)-5};
    gch_view view = {.t0 = 0,
                     .t1 = 1,
                     .width_px = 1,
                     .height_px = 300,
                     .bottom = {1, 0},
                     .top = {1, 3},
                     .axis = GCH_AXIS_LOG};
    gch__side side = gch__side_of_rows(&view);
    assert_ok(gch__row_table_set(&table, &map, &side, NULL, &err));
    gch__row_scale scale = gch__row_scale_make(&table, &map);
    assert_int_equal(gch__row_of_key(&scale, 5 + 999), 0);
    assert_int_equal(gch__row_of_key(&scale, 5 + 101), 99);
    assert_int_equal(gch__row_of_key(&scale, 5 + 99), 100);
    assert_int_equal(gch__row_of_key(&scale, 5 + 11), 195);
    assert_int_equal(gch__row_of_key(&scale, 5), 300); /* 0 lies below */
    assert_int_equal(gch__row_of_key(&scale, 0), 300); /* -5 too */
    assert_int_equal(gch__row_of_key(&scale, 5 + 5000), -1);
    gch__row_table_reset(&table, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_of_key_is_exact),
        cmocka_unit_test(column_of_key_is_exact),
        cmocka_unit_test(float_thresholds_are_the_smallest_keys_above_their_edges),
        cmocka_unit_test(crossing_rows_are_exact),
        cmocka_unit_test(log_rows_follow_the_logarithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
