/* Residency on the null driver, whose buffers are host memory: what lies where, growth, eviction,
 * files that come and go. */
#include "gpu_null.h"
#include "render_gpu_pages.h"
#include "test_series.h"

static gch_error err;

#define KIB16 ((uint64_t)GCH__GPU_PAGE_BYTES)

/* A series of incompressible floats: 4 bytes a row, so some `pages` pages of payload. */
static test_series make_series(size_t pages, uint64_t seed)
{
    size_t rows = pages * 4096;
    int64_t *times = malloc(rows * sizeof *times);
    uint32_t *values = malloc(rows * sizeof *values);
    assert_true(times != NULL && values != NULL);
    for (size_t i = 0; i < rows; i++) {
        times[i] = (int64_t)i;
        values[i] = (uint32_t)test_random(&seed);
    }
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_U32, NULL, rows);
    free(times);
    free(values);
    return series;
}

typedef struct rig {
    gch__gpu *gpu;
    gch__gpu_pages *pages;
} rig;

static rig make_rig(uint64_t budget_bytes, uint64_t slab_bytes)
{
    rig r;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){.driver = &gch__gpu_null}, &r.gpu, &err));
    assert_ok(gch__gpu_pages_make(&(gch__gpu_pages_desc){.gpu = r.gpu,
                                                         .budget_bytes = budget_bytes,
                                                         .slab_bytes = slab_bytes},
                                  &r.pages, &err));
    gch__gpu_pages_begin_frame(r.pages);
    assert_ok(gch__gpu_begin(r.gpu, "frame", &err));
    return r;
}

static void free_rig(rig *r)
{
    gch__gpu_abandon(r->gpu);
    gch__gpu_pages_destroy(r->pages);
    gch__gpu_destroy(r->gpu);
}

static void begin_tile(rig *r)
{
    assert_ok(gch__gpu_pages_begin_tile(r->pages, &err));
}

static uint32_t find(rig *r, const test_series *series, uint32_t *out_table_at)
{
    uint32_t source, page_count;
    assert_ok(gch__gpu_pages_find(r->pages, series->file, gch__file_segment(series->file, 0),
                                  &source, out_table_at, &page_count, &err));
    assert_true(page_count > 0);
    return source;
}

/* Touches page `page` of the series' segment; false: full. */
static bool touch(rig *r, const test_series *series, uint32_t source, uint32_t page)
{
    uint64_t body_bytes;
    const gch__segment *segment = gch__file_segment(series->file, 0);
    const uint8_t *body = gch__segment_body(segment, &body_bytes);
    bool is_full;
    assert_true((page + 1) * KIB16 <= body_bytes);
    assert_ok(gch__gpu_pages_touch(r->pages, source, segment, body + page * KIB16 + 5, 100,
                                   &is_full, &err));
    return !is_full;
}

/* What the table says of a page, as a shader reads it: the page's bytes, or zeros. */
static void assert_resident(rig *r, const test_series *series, uint32_t table_at, uint32_t page,
                            bool is_expected)
{
    static uint8_t bytes[GCH__GPU_PAGE_BYTES];
    static const uint8_t zeros[GCH__GPU_PAGE_BYTES];
    uint32_t address;
    uint64_t body_bytes;
    const uint8_t *body = gch__segment_body(gch__file_segment(series->file, 0), &body_bytes);
    assert_ok(gch__gpu_pages_flush(r->pages, &err));
    gch__gpu_pages_buffers buffers = gch__gpu_pages_get_buffers(r->pages);
    assert_ok(gch__gpu_download(r->gpu, buffers.table, (uint64_t)(table_at + page) * 4, &address, 4,
                                &err));
    assert_ok(gch__gpu_begin(r->gpu, "slab", &err));
    uint32_t slab = address >> buffers.slab_shift;
    assert_true(slab < GCH__GPU_SLABS);
    uint64_t offset = (uint64_t)(address & ((1u << buffers.slab_shift) - 1)) * 4;
    assert_ok(gch__gpu_download(r->gpu, buffers.slabs[slab], offset, bytes, sizeof bytes, &err));
    assert_ok(gch__gpu_begin(r->gpu, "frame", &err));
    assert_int_equal(address != 0, is_expected);
    assert_memory_equal(bytes, is_expected ? body + page * KIB16 : zeros, sizeof bytes);
}

static void a_touched_page_lies_where_the_table_says(void **state)
{
    (void)state;
    test_series series = make_series(12, 1);
    rig r = make_rig(0, 0);
    uint32_t table_at;
    begin_tile(&r);
    uint32_t source = find(&r, &series, &table_at);
    assert_true(touch(&r, &series, source, 3) && touch(&r, &series, source, 7));
    assert_resident(&r, &series, table_at, 3, true);
    assert_resident(&r, &series, table_at, 7, true);
    assert_resident(&r, &series, table_at, 4, false);
    assert_true(touch(&r, &series, source, 3)); /* again: nothing is loaded */
    assert_int_equal(gch__gpu_pages_get_stats(r.pages).loaded, 2);
    free_rig(&r);
    test_series_free(&series);
}

static void what_the_tile_holds_is_not_evicted_and_what_it_does_not_is(void **state)
{
    (void)state;
    uint64_t budget = GCH__GPU_SLOTS_MIN * KIB16;
    test_series series = make_series(GCH__GPU_SLOTS_MIN + 20, 1);
    rig r = make_rig(budget, budget / 2); /* two slabs */
    uint32_t table_at, page = 0;
    begin_tile(&r);
    uint32_t source = find(&r, &series, &table_at);
    while (touch(&r, &series, source, page))
        page++;
    assert_true(gch__gpu_pages_may_fit(r.pages));       /* to the second slab */
    assert_int_equal(page, GCH__GPU_SLOTS_MIN / 2 - 1); /* one slot holds zeros */
    begin_tile(&r);                                     /* all that was there still is */
    assert_resident(&r, &series, table_at, 0, true);
    for (page = 0; touch(&r, &series, source, page);)
        page++;
    assert_false(gch__gpu_pages_may_fit(r.pages));
    assert_int_equal(page, GCH__GPU_SLOTS_MIN - 1);
    assert_int_equal(gch__gpu_pages_get_stats(r.pages).evicted, 0);

    begin_tile(&r);
    assert_true(touch(&r, &series, source, 1));
    for (uint32_t i = 0; i < 10; i++)
        assert_true(touch(&r, &series, source, GCH__GPU_SLOTS_MIN + i));
    gch__gpu_pages_stats stats = gch__gpu_pages_get_stats(r.pages);
    assert_int_equal(stats.evicted, 10);
    assert_int_equal(stats.resident, GCH__GPU_SLOTS_MIN - 1);
    assert_int_equal(stats.slots, GCH__GPU_SLOTS_MIN - 1);
    assert_resident(&r, &series, table_at, 1, true);
    for (uint32_t i = 0; i < 10; i++)
        assert_resident(&r, &series, table_at, GCH__GPU_SLOTS_MIN + i, true);
    free_rig(&r);
    test_series_free(&series);
}

static void a_run_that_is_resident_holds_everything_for_a_tile(void **state)
{
    (void)state;
    uint64_t budget = GCH__GPU_SLOTS_MIN * KIB16;
    test_series series = make_series(GCH__GPU_SLOTS_MIN + 20, 1);
    rig r = make_rig(budget, budget);
    uint32_t table_at, page = 0;
    gch__gpu_run run = {.column = 0, .first = 10, .last = 50};
    begin_tile(&r);
    uint32_t source = find(&r, &series, &table_at);
    while (touch(&r, &series, source, page))
        page++;
    gch__gpu_pages_note_run(r.pages, source, run);
    gch__gpu_pages_note_run(r.pages, source, (gch__gpu_run){.first = 50, .last = 70});
    assert_true(gch__gpu_pages_has_run(r.pages, source, (gch__gpu_run){.first = 12, .last = 70}));
    assert_false(gch__gpu_pages_has_run(r.pages, source, (gch__gpu_run){.first = 12, .last = 71}));
    assert_false(gch__gpu_pages_has_run(r.pages, source, (gch__gpu_run){1, 12, 13}));

    begin_tile(&r);
    assert_true(gch__gpu_pages_has_run(r.pages, source, run));
    assert_false(touch(&r, &series, source, page)); /* nothing may go for it */
    assert_true(gch__gpu_pages_may_fit(r.pages));
    begin_tile(&r);
    assert_false(gch__gpu_pages_has_run(r.pages, source, run));
    assert_true(touch(&r, &series, source, page));
    begin_tile(&r);
    assert_false(gch__gpu_pages_has_run(r.pages, source, run)); /* something of it may be gone */
    free_rig(&r);
    test_series_free(&series);
}

static void growing_the_first_slab_moves_nothing(void **state)
{
    (void)state;
    test_series series = make_series(1100, 1); /* more than the first 16 MiB */
    rig r = make_rig(0, 0);
    uint32_t table_at, page = 0;
    begin_tile(&r);
    uint32_t source = find(&r, &series, &table_at);
    while (touch(&r, &series, source, page))
        page++;
    begin_tile(&r);
    assert_int_equal(gch__gpu_pages_get_stats(r.pages).resident, page);
    assert_resident(&r, &series, table_at, 3, true);
    for (page = 0; page < 1100; page++)
        assert_true(touch(&r, &series, source, page));
    assert_int_equal(gch__gpu_pages_get_stats(r.pages).loaded, 1100);
    assert_resident(&r, &series, table_at, 1050, true);
    free_rig(&r);
    test_series_free(&series);
}

static void files_come_and_go_without_the_table_growing(void **state)
{
    (void)state;
    test_series stays = make_series(8, 1), a = make_series(6, 2), b = make_series(5, 3);
    rig r = make_rig(0, 0);
    begin_tile(&r);
    uint64_t entries = 0;
    for (int i = 0; i < 12; i++) {
        const test_series *other = i % 2 == 0 ? &a : &b;
        uint32_t table_at, other_at;
        gch__gpu_pages_begin_frame(r.pages);
        uint32_t source = find(&r, &stays, &table_at), its = find(&r, other, &other_at);
        assert_true(touch(&r, &stays, source, 2) && touch(&r, other, its, 1));
        gch__gpu_pages_end_frame(r.pages);
        assert_resident(&r, other, other_at, 1, true);
        assert_resident(&r, other, other_at, 2, false);
        assert_resident(&r, &stays, table_at, 2, true);
        assert_int_equal(gch__gpu_pages_get_stats(r.pages).resident, 2);
        gch__gpu_pages_stats stats = gch__gpu_pages_get_stats(r.pages);
        if (i == 3)
            entries = stats.table_entries;
        if (i > 3)
            assert_int_equal(stats.table_entries, entries);
    }
    free_rig(&r);
    test_series_free(&stays);
    test_series_free(&a);
    test_series_free(&b);
}

static void a_first_slab_is_no_larger_than_the_managers_budget(void **state)
{
    (void)state;
    static const struct {
        uint64_t budget_bytes, slab_bytes; /* 0: refused */
    } cases[] = {{64u << 20, 16u << 20},
                 {16u << 20, 16u << 20},
                 {(16u << 20) - 1, 8u << 20},
                 {3u << 20, 2u << 20},
                 {(2u << 20) - 1, 0}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_data *data = NULL;
        gch__gpu *gpu = NULL;
        gch__gpu_pages *pages = NULL;
        assert_ok(gch_data_make(&(gch_data_desc){.device_budget_bytes = cases[i].budget_bytes},
                                &data, &err));
        assert_ok(gch__gpu_make(&(gch__gpu_desc){.driver = &gch__gpu_null}, &gpu, &err));
        assert_ok(
            gch__gpu_pages_make(&(gch__gpu_pages_desc){.gpu = gpu, .data = data}, &pages, &err));
        gch__gpu_pages_begin_frame(pages);
        assert_ok(gch__gpu_begin(gpu, "frame", &err));
        assert_status(gch__gpu_pages_begin_tile(pages, &err),
                      cases[i].slab_bytes > 0 ? GCH_OK : GCH_LIMIT);
        gch_data_stats stats;
        gch_data_get_stats(data, &stats);
        assert_int_equal(stats.device_used_bytes, cases[i].slab_bytes);
        gch__gpu_abandon(gpu);
        gch__gpu_pages_destroy(pages);
        gch__gpu_destroy(gpu);
        assert_ok(gch_data_destroy(data, &err));
    }
}

static void too_small_a_budget_is_refused(void **state)
{
    (void)state;
    gch__gpu *gpu = NULL;
    gch__gpu_pages *pages = NULL;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){.driver = &gch__gpu_null}, &gpu, &err));
    gch__gpu_pages_desc desc = {.gpu = gpu, .budget_bytes = GCH__GPU_SLOTS_MIN * KIB16 - 1};
    assert_status(gch__gpu_pages_make(&desc, &pages, &err), GCH_LIMIT);
    gch__gpu_destroy(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_touched_page_lies_where_the_table_says),
        cmocka_unit_test(what_the_tile_holds_is_not_evicted_and_what_it_does_not_is),
        cmocka_unit_test(a_run_that_is_resident_holds_everything_for_a_tile),
        cmocka_unit_test(growing_the_first_slab_moves_nothing),
        cmocka_unit_test(files_come_and_go_without_the_table_growing),
        cmocka_unit_test(a_first_slab_is_no_larger_than_the_managers_budget),
        cmocka_unit_test(too_small_a_budget_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
