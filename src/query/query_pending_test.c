/* Queries over a file whose pages come and go. */
#include "gch/plane.h"
#include "query_paged.h"
#include "query_values.h"

static void assert_same_columns(const gch_columns *a, const gch_columns *b)
{
    assert_memory_equal(a->first, b->first, (a->width_px + 1) * sizeof *a->first);
    for (uint32_t i = 0; i < a->first[a->width_px]; i++) {
        assert_int_equal(a->pieces[i].row_top, b->pieces[i].row_top);
        assert_int_equal(a->pieces[i].row_bottom, b->pieces[i].row_bottom);
    }
}

static void frames_converge_without_waiting(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 10;
    for (int kind = 0; kind < 4; kind++) {
        paged_series series;
        make(&series, (kind & 1) != 0, (kind & 2) != 0);
        const gch_file_info *info = gch_file_get_info(series.file);
        gch_query *query = NULL, *exact = NULL;
        assert_ok(gch_query_make(series.file, &(gch_query_desc){.no_wait = true}, &query, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
        for (int join = GCH_JOIN_LINE; join <= GCH_JOIN_NONE; join++) {
            gch_view view = {.t0 = info->first_time + join * 1000,
                             .t1 = info->last_time / (join + 1),
                             .bottom = {-20000, 0},
                             .top = {20000, 0},
                             .width_px = 200,
                             .height_px = 100};
            gch_columns columns, expected;
            uint32_t rounds = 0, pending = 0;
            do {
                assert_ok(gch_query_columns(query, 0, &view, (gch_join)join, &columns, &err));
                pending += columns.pending_count;
                (void)load_some(&series.pager, 3, &seed);
                assert_true(++rounds < 500);
            } while (columns.pending_count > 0);
            if (join == GCH_JOIN_LINE)
                assert_true(pending > 0); /* or the test shows nothing */
            assert_ok(gch_query_columns(exact, 0, &view, (gch_join)join, &expected, &err));
            assert_same_columns(&columns, &expected);
        }
        gch_query_destroy(query);
        gch_query_destroy(exact);
        reset(&series);
    }
}

/* Both coordinates from one column: a diagonal, for want of another. */
static void grids_of_a_plane_converge_without_waiting(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 12;
    for (int kind = 0; kind < 2; kind++) {
        paged_series series;
        make(&series, true, kind == 1);
        gch_query *query = NULL, *exact = NULL;
        assert_ok(gch_query_make(series.file, &(gch_query_desc){.no_wait = true}, &query, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
        gch_plane plane = {.view = {.left = {-2000, 0},
                                    .right = {2000, 0},
                                    .bottom = {-2000, 0},
                                    .top = {2000, 0},
                                    .width_px = 90,
                                    .height_px = 70}};
        const gch_plane_point *points;
        uint32_t rounds = 0, pending = 0, count;
        gch_grid grid, expected;
        assert_status(gch_query_plane_points(query, &plane, 0, ROWS, &points, &count, &err),
                      GCH_PENDING);
        assert_ok(gch_query_grid(exact, &plane, GCH_GRID_COUNTS, &expected, &err));
        do {
            assert_ok(gch_query_grid(query, &plane, GCH_GRID_COUNTS, &grid, &err));
            pending += grid.pending_count;
            for (uint32_t i = 0; i < 90 * 70; i++)
                assert_true(grid.cells[i] <= expected.cells[i]);
            (void)load_some(&series.pager, 3, &seed);
            assert_true(++rounds < 500);
        } while (grid.pending_count > 0);
        assert_true(pending > 0); /* or the test shows nothing */
        assert_true(gch_query_get_stats(query).columns_pending > 0);
        assert_memory_equal(grid.cells, expected.cells, 90 * 70 * sizeof *grid.cells);
        gch_query_destroy(query);
        gch_query_destroy(exact);
        reset(&series);
    }
}

static void sums_become_known_bar_by_bar(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 21;
    paged_series s;
    make(&s, false, true);
    gch_query *paged = NULL, *whole = NULL;
    const gch_bar_sum *sums, *expected;
    uint32_t count, expected_count, rounds = 0, pending = 1;
    gch_bar_width width = {.count = 100000};
    assert_ok(gch_query_make(s.file, &(gch_query_desc){.no_wait = true}, &paged, &err));
    assert_ok(gch_query_make(s.whole.file, NULL, &whole, &err));
    assert_ok(gch_query_sums(whole, 0, width, NULL, 0, INT64_MAX, 1000, &expected, &expected_count,
                             &err));
    for (; pending > 0; rounds++) {
        assert_true(rounds < 200);
        gch_status status =
            gch_query_sums(paged, 0, width, NULL, 0, INT64_MAX, 1000, &sums, &count, &err);
        (void)load_some(&s.pager, 3, &seed);
        if (status == GCH_PENDING) /* where the bars begin and end is not known yet */
            continue;
        assert_ok(status);
        assert_int_equal(count, expected_count);
        pending = 0;
        for (uint32_t i = 0; i < count; i++) {
            pending += sums[i].is_pending ? 1 : 0;
            if (!sums[i].is_pending)
                assert_int_equal(sums[i].decimal.digits, expected[i].decimal.digits);
        }
        assert_int_equal(gch_query_get_stats(paged).answers_pending, rounds + (pending > 0));
    }
    assert_true(rounds > 3);
    gch_query_destroy(paged);
    gch_query_destroy(whole);
    reset(&s);
}

static void a_pending_column_covers_its_rows(void **state)
{
    (void)state;
    gch_error err;
    paged_series series;
    make(&series, true, false);
    const gch_file_info *info = gch_file_get_info(series.file);
    gch_query *query = NULL, *exact = NULL;
    assert_ok(gch_query_make(series.file, &(gch_query_desc){.no_wait = true}, &query, &err));
    assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
    gch_view view = {.t0 = info->first_time,
                     .t1 = info->last_time,
                     .bottom = {-20000, 0},
                     .top = {20000, 0},
                     .width_px = 50,
                     .height_px = 1000};
    gch_columns columns, expected;
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_NONE, &columns, &err));
    assert_true(columns.pending_count == 50);
    assert_ok(gch_query_columns(exact, 0, &view, GCH_JOIN_NONE, &expected, &err));
    for (uint32_t c = 0; c < 50; c++) {
        const gch_piece *coarse = &columns.pieces[columns.first[c]];
        assert_int_equal(columns.first[c + 1] - columns.first[c], 1);
        for (uint32_t i = expected.first[c]; i < expected.first[c + 1]; i++) {
            assert_true(coarse->row_top <= expected.pieces[i].row_top);
            assert_true(coarse->row_bottom >= expected.pieces[i].row_bottom);
        }
    }
    gch_value low, high, exact_low, exact_high;
    assert_ok(gch_query_range(query, 0, view.t0, view.t1, GCH_JOIN_NONE, &low, &high, &err));
    assert_ok(
        gch_query_range(exact, 0, view.t0, view.t1, GCH_JOIN_NONE, &exact_low, &exact_high, &err));
    assert_true(gch__compare_values(low, exact_low) <= 0);
    assert_true(gch__compare_values(high, exact_high) >= 0);
    /* Not exact, and said so: a picture drawn to that range is not complete. */
    assert_int_equal(gch_query_get_stats(query).answers_pending, 1);
    assert_int_equal(gch_query_get_stats(exact).answers_pending, 0);
    gch_sample sample;
    assert_status(gch_query_nearest(query, 0, info->last_time / 2, &sample, &err), GCH_PENDING);
    gch_query_destroy(query);
    gch_query_destroy(exact);
    reset(&series);
}

static void a_density_grows_to_the_exact_one_without_waiting(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 12;
    for (int kind = 0; kind < 2; kind++) {
        paged_series series;
        make(&series, kind == 1, kind == 0);
        const gch_file_info *info = gch_file_get_info(series.file);
        gch_query *query = NULL, *exact = NULL;
        assert_ok(gch_query_make(series.file, &(gch_query_desc){.no_wait = true}, &query, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
        gch_view view = {.t0 = info->first_time + 1000,
                         .t1 = info->last_time - 1000,
                         .bottom = {-2000, 0},
                         .top = {2000, 0},
                         .width_px = 200,
                         .height_px = 100};
        gch_density density, expected;
        uint32_t rounds = 0, pending = 0;
        assert_ok(gch_query_density(exact, 0, &view, &expected, &err));
        do {
            assert_ok(gch_query_density(query, 0, &view, &density, &err));
            for (uint32_t i = 0; i < 200 * 100; i++)
                assert_true(density.counts[i] <= expected.counts[i]);
            assert_true(density.pending_count <= 200);
            pending += density.pending_count;
            (void)load_some(&series.pager, 3, &seed);
            assert_true(++rounds < 500);
        } while (density.pending_count > 0);
        assert_true(pending > 0);
        assert_int_equal(gch_query_get_stats(query).columns_pending, pending);
        assert_memory_equal(density.counts, expected.counts, 200 * 100 * sizeof *density.counts);
        assert_int_equal(density.row_count, expected.row_count);
        gch_query_destroy(query);
        gch_query_destroy(exact);
        reset(&series);
    }
}

static void studies_ask_for_all_their_pages_and_converge(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 12;
    for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_SPREAD; kind++) {
        paged_series series;
        make(&series, kind % 2 == 0, kind > GCH_STUDY_EMA);
        const gch_file_info *info = gch_file_get_info(series.file);
        gch_query *query = NULL, *exact = NULL;
        assert_ok(gch_query_make(series.file, &(gch_query_desc){.no_wait = true}, &query, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
        gch_study_desc study = {
            .kind = (gch_study_kind)kind, .length = 9, .width = {GCH_BAR_TICKS, 7000}};
        const gch_study_point *points, *expected;
        uint32_t count, expected_count, rounds = 0;
        int64_t t0 = info->last_time / 3, t1 = info->last_time / 3 * 2;
        gch_status status;
        while ((status = gch_query_study(query, 0, &study, t0, t1, 1000, &points, &count, &err)) ==
               GCH_PENDING) {
            (void)load_some(&series.pager, 1, &seed);
            assert_true(++rounds < 12);
        }
        assert_int_equal(status, GCH_OK);
        assert_true(rounds > 0);
        assert_int_equal(gch_query_get_stats(query).answers_pending, rounds);
        assert_ok(
            gch_query_study(exact, 0, &study, t0, t1, 1000, &expected, &expected_count, &err));
        assert_int_equal(count, expected_count);
        assert_memory_equal(points, expected, count * sizeof *points);
        gch_query_destroy(query);
        gch_query_destroy(exact);
        reset(&series);
    }
}

/* Answers as a test says, from a query over all of the file. */
typedef struct helper {
    gch_answers answers;
    gch_query *exact;
    gch_status status;
    gch_view earlier;           /* given while the status is GCH_PENDING; width_px 0: none */
    int64_t earlier0, earlier1; /* the range of which is; equal: none */
    uint32_t column_count, range_count;
    uint64_t missing_bytes;
    bool knows_rows;
} helper;

static gch_status help_columns(void *context, const gch_answers_ask *ask, gch_columns *out,
                               gch_view *out_view, gch_error *err)
{
    helper *h = context;
    h->column_count++;
    h->missing_bytes = ask->missing_bytes;
    h->knows_rows = ask->knows_rows;
    assert_false(ask->keep_outside);
    if (h->status == GCH_PENDING && h->earlier.width_px > 0) {
        *out_view = h->earlier;
        h->earlier.width_px = 0;
        assert_int_equal(gch_query_columns(h->exact, ask->column, out_view, ask->join, out, err),
                         GCH_OK);
    }
    return h->status != GCH_OK
               ? h->status
               : gch_query_columns(h->exact, ask->column, ask->view, ask->join, out, err);
}

static gch_status help_range(void *context, uint32_t column, int64_t t0, int64_t t1, gch_join join,
                             gch_value *out_min, gch_value *out_max, gch_error *err)
{
    helper *h = context;
    h->range_count++;
    if (h->status == GCH_PENDING && h->earlier0 < h->earlier1) {
        assert_int_equal(gch_query_range(h->exact, column, h->earlier0, h->earlier1, join, out_min,
                                         out_max, err),
                         GCH_OK);
        h->earlier0 = h->earlier1;
    }
    return h->status != GCH_OK
               ? h->status
               : gch_query_range(h->exact, column, t0, t1, join, out_min, out_max, err);
}

static void finished_answers_stand_in_for_pages(void **state)
{
    (void)state;
    gch_error err;
    paged_series series;
    make(&series, false, true);
    const gch_file_info *info = gch_file_get_info(series.file);
    helper h = {.answers = {.columns = help_columns, .range = help_range, .context = &h},
                .status = GCH_PENDING};
    gch_query *query = NULL, *exact = NULL;
    gch_query_desc desc = {.no_wait = true, .answers = &h.answers};
    assert_ok(gch_query_make(series.file, &desc, &query, &err));
    assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
    assert_ok(gch_query_make(series.whole.file, NULL, &h.exact, &err));
    gch_view view = {.t0 = info->first_time + 7,
                     .t1 = info->last_time - 3,
                     .bottom = {-20000, 0},
                     .top = {20000, 0},
                     .width_px = 200,
                     .height_px = 100};
    gch_columns columns, expected;
    gch_value low, high, exact_low, exact_high;

    /* On its way: coarse, counted as pending, and no page is asked for. */
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_true(columns.pending_count > 0);
    assert_ok(gch_query_range(query, 0, view.t0, view.t1, GCH_JOIN_NONE, &low, &high, &err));
    assert_int_equal(gch_query_get_stats(query).answers_pending, 1);
    assert_false(is_any_asked(&series.pager));
    assert_int_equal(h.column_count, 1);
    assert_int_equal(h.range_count, 1);
    assert_true(h.missing_bytes > 0 && h.missing_bytes <= info->file_bytes);

    /* There: exact. */
    h.status = GCH_OK;
    gch_query_stats before = gch_query_get_stats(query);
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_ok(gch_query_columns(exact, 0, &view, GCH_JOIN_LINE, &expected, &err));
    assert_int_equal(columns.pending_count, 0);
    assert_int_equal(columns.row_count, expected.row_count);
    assert_same_columns(&columns, &expected);
    assert_ok(gch_query_range(query, 0, view.t0, view.t1, GCH_JOIN_NONE, &low, &high, &err));
    assert_ok(
        gch_query_range(exact, 0, view.t0, view.t1, GCH_JOIN_NONE, &exact_low, &exact_high, &err));
    assert_int_equal(gch__compare_values(low, exact_low), 0);
    assert_int_equal(gch__compare_values(high, exact_high), 0);
    gch_query_stats after = gch_query_get_stats(query);
    assert_int_equal(after.columns_asked - before.columns_asked, 200);
    assert_int_equal(after.columns_pending, before.columns_pending);
    assert_int_equal(after.answers_pending, before.answers_pending);
    assert_false(is_any_asked(&series.pager));
    /* The result is the query's own. */
    view.t0++;
    assert_ok(gch_query_columns(h.exact, 0, &view, GCH_JOIN_STEP, &expected, &err));
    view.t0--;
    assert_ok(gch_query_columns(exact, 0, &view, GCH_JOIN_LINE, &expected, &err));
    assert_same_columns(&columns, &expected);

    /* Not from there: by pages, and no more questions once they are in. */
    h.status = GCH_UNSUPPORTED;
    uint64_t seed = 3;
    do {
        assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
        assert_true(is_any_asked(&series.pager));
        (void)load_some(&series.pager, 1, &seed);
    } while (columns.pending_count > 0);
    assert_same_columns(&columns, &expected);
    uint32_t asked = h.column_count;
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_int_equal(h.column_count, asked);
    gch_query_destroy(query);
    gch_query_destroy(exact);
    gch_query_destroy(h.exact);
    reset(&series);
}

static bool is_near(const gch_piece *a, const gch_piece *b)
{
    return a->row_top == b->row_top && a->row_bottom == b->row_bottom && a->y_top == b->y_top &&
           a->y_bottom == b->y_bottom;
}

/* Rows are unknown in these files of uneven times, so that all of what is shown is what was. */
static void a_view_that_moves_shows_what_it_did(void **state)
{
    (void)state;
    for (int join = GCH_JOIN_LINE; join <= GCH_JOIN_NONE; join++) {
        gch_error err;
        paged_series series;
        make(&series, false, true);
        int64_t last = gch_file_get_info(series.file)->last_time;
        helper h = {.answers = {.columns = help_columns, .range = help_range, .context = &h},
                    .status = GCH_OK};
        gch_query *query = NULL, *exact = NULL;
        gch_query_desc desc = {.no_wait = true, .answers = &h.answers};
        assert_ok(gch_query_make(series.file, &desc, &query, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &h.exact, &err));
        gch_view view = {.t0 = last / 3,
                         .t1 = last / 3 + 200 * 500,
                         .bottom = {-20000, 0},
                         .top = {20000, 0},
                         .width_px = 200,
                         .height_px = 100};
        gch_columns columns, expected;
        gch_value low, high, kept_low, kept_high;
        assert_ok(gch_query_columns(query, 0, &view, (gch_join)join, &columns, &err));
        assert_ok(gch_query_range(query, 0, view.t0, view.t1, (gch_join)join, &kept_low, &kept_high,
                                  &err));
        assert_int_equal(columns.pending_count, 0);

        /* Moved by 30 whole columns: what was in view moves along, and the rest is to come. */
        h.status = GCH_PENDING;
        view.t0 += 30 * 500;
        view.t1 += 30 * 500;
        assert_ok(gch_query_columns(query, 0, &view, (gch_join)join, &columns, &err));
        assert_ok(gch_query_columns(exact, 0, &view, (gch_join)join, &expected, &err));
        assert_int_equal(columns.pending_count, 200);
        assert_false(h.knows_rows);
        for (uint32_t c = 0; c < 169; c++) {
            assert_int_equal(columns.first[c + 1] - columns.first[c],
                             expected.first[c + 1] - expected.first[c]);
            if (columns.first[c + 1] > columns.first[c])
                assert_true(is_near(&columns.pieces[columns.first[c]],
                                    &expected.pieces[expected.first[c]]));
        }
        assert_ok(gch_query_range(query, 0, view.t0, view.t1, (gch_join)join, &low, &high, &err));
        assert_int_equal(gch__compare_values(low, kept_low), 0);
        assert_int_equal(gch__compare_values(high, kept_high), 0);

        /* An answer to a question before is shown with the next frame: here of twice the values. */
        h.earlier = view;
        h.earlier.bottom.digits *= 2;
        h.earlier.top.digits *= 2;
        for (int frame = 0; frame < 2; frame++) {
            assert_ok(gch_query_columns(query, 0, &view, (gch_join)join, &columns, &err));
            assert_int_equal(columns.pending_count, 200);
            assert_int_equal(columns.first[200] > columns.first[171], frame == 1);
        }
        for (uint32_t c = 0; c < 200; c++) {
            if (columns.first[c + 1] == columns.first[c])
                continue;
            const gch_piece *shown = &columns.pieces[columns.first[c]];
            const gch_piece *wanted = &expected.pieces[expected.first[c]];
            assert_true(shown->row_top >= 0 && shown->row_bottom < 100);
            if (join == GCH_JOIN_NONE) /* merged by row, and the rows were others */
                continue;
            assert_true(fabsf(shown->y_top - wanted->y_top) < 0.01f);
            assert_true(fabsf(shown->y_bottom - wanted->y_bottom) < 0.01f);
        }

        /* Out of one column ten: each shows it. */
        h.status = GCH_OK;
        assert_ok(gch_query_columns(query, 0, &view, (gch_join)join, &expected, &err));
        gch_piece before = expected.pieces[expected.first[10]];
        h.status = GCH_PENDING;
        gch_view part = view;
        part.t0 = view.t0 + 10 * 500;
        part.t1 = part.t0 + 20 * 500;
        assert_ok(gch_query_columns(query, 0, &part, (gch_join)join, &columns, &err));
        for (uint32_t c = 0; c < 10; c++)
            assert_true(is_near(&columns.pieces[columns.first[c]], &before));

        /* Elsewhere there is nothing of it. */
        part.t0 = last / 2;
        part.t1 = last / 2 + 200;
        assert_ok(gch_query_columns(query, 0, &part, (gch_join)join, &columns, &err));
        assert_int_equal(columns.first[200], 0);
        gch_query_destroy(query);
        gch_query_destroy(exact);
        gch_query_destroy(h.exact);
        reset(&series);
    }
}

/* As a chart does: bounds that hold the range. */
static void fit(gch_query *query, gch_view *view, double *out_low, double *out_high)
{
    gch_error err;
    gch_value low, high;
    assert_ok(gch_query_range(query, 0, view->t0, view->t1, GCH_JOIN_LINE, &low, &high, &err));
    *out_low = gch_value_to_double(low);
    *out_high = gch_value_to_double(high);
    view->bottom = (gch_decimal){(int64_t)floor(*out_low), 0};
    view->top = (gch_decimal){(int64_t)ceil(*out_high), 0};
}

/* In files of even times the tree shows something of what is to come, in others nothing does. */
static void axes_of_a_view_that_moves_widen_and_cut_nothing_off(void **state)
{
    (void)state;
    enum { FRAMES = 400, SPAN = 600000, STEP = SPAN / 200 };
    for (int is_regular = 0; is_regular < 2; is_regular++) {
        gch_error err;
        uint64_t seed = 5;
        paged_series series;
        make(&series, is_regular != 0, true);
        helper h = {.answers = {.columns = help_columns, .range = help_range, .context = &h},
                    .status = GCH_OK};
        gch_query *query = NULL;
        gch_query_desc desc = {.no_wait = true, .answers = &h.answers};
        assert_ok(gch_query_make(series.file, &desc, &query, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &h.exact, &err));
        gch_view view = {.t0 = 300000, .width_px = 200, .height_px = 100};
        gch_view views[FRAMES];
        gch_columns columns;
        double low, high, exact_low, exact_high, last_low = INFINITY, last_high = -INFINITY;
        int64_t begun = view.t0;
        uint32_t widened = 0, fitted = 0, drawn = 0;
        for (uint32_t i = 0; i < FRAMES; i++) {
            view.t1 = view.t0 + SPAN;
            fit(query, &view, &low, &high);
            assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
            assert_int_equal(columns.pending_count > 0, i > 0);
            for (uint32_t k = 0; k < columns.first[200]; k++) {
                assert_true(columns.pieces[k].y_top > -0.1f);
                assert_true(columns.pieces[k].y_bottom < 100.1f);
            }
            drawn += columns.first[200] > 0;
            if (low > last_low || high < last_high) { /* all that it was fitted to is out of view */
                assert_true(view.t0 >= begun + SPAN);
                begun = view.t0;
                fitted++;
            } else if (i > 0) {
                widened += low < last_low || high > last_high;
            }
            last_low = low;
            last_high = high;
            views[i] = view;
            view.t0 += (int64_t)(test_random(&seed) % 3) * STEP;
            h.status = GCH_PENDING;
            if (i % 7 == 6)
                h.earlier = views[i - 2];
            if (i % 5 == 4) {
                h.earlier0 = views[i - 3].t0;
                h.earlier1 = views[i - 3].t1;
            }
        }
        assert_true(widened > 3 && fitted > 0 && drawn == FRAMES);
        h.status = GCH_OK;
        view.t1 = view.t0 + SPAN;
        fit(query, &view, &low, &high);
        fit(h.exact, &view, &exact_low, &exact_high);
        assert_true(low == exact_low && high == exact_high);
        gch_query_destroy(query);
        gch_query_destroy(h.exact);
        reset(&series);
    }
}

static void a_damaged_page_is_reported_when_it_is_loaded(void **state)
{
    (void)state;
    gch_error err;
    paged_series series;
    make(&series, true, false);
    const gch__segment *segment = gch__file_segment(series.file, 0);
    ((uint8_t *)series.whole.image)[segment->pages->offset + 5] ^= 4;
    gch_query *query = NULL;
    gch_columns columns;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = {
        .t0 = 0, .t1 = 100, .bottom = {-1, 0}, .top = {1, 0}, .width_px = 10, .height_px = 10};
    assert_status(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err), GCH_CORRUPT);
    assert_non_null(strstr(err.message, "paged"));
    gch_query_destroy(query);
    reset(&series);
}

/* Rows enough that the first level above the headers has more nodes than are read at open. Each
 * block is of one value, and so takes no payload. */
static void make_large(paged_series *series)
{
    const uint32_t chunk_rows = 1u << 20, chunk_count = 130;
    gch_error err = {0};
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_I8};
    gch_writer_desc desc = {.time_unit = GCH_TIME_INDEX, .columns = &column, .column_count = 1};
    int8_t *values = malloc(chunk_rows);
    assert_non_null(values);
    *series = (paged_series){0};
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
        for (uint32_t i = 0; i < chunk_rows; i++)
            values[i] = (int8_t)((i / GCH_BLOCK_ROWS * 7 + chunk * 5) % 100);
        assert_ok(gch_writer_append(writer, NULL, &(gch_column_data){.values = values}, chunk_rows,
                                    &err));
    }
    free(values);
    test_series *whole = &series->whole;
    assert_ok(gch_writer_finish_memory(writer, &whole->image, &whole->image_bytes, &err));
    assert_ok(
        gch__file_open_memory(whole->image, whole->image_bytes, "test", NULL, &whole->file, &err));
    open_paged(series);
}

static void a_large_level_of_the_tree_is_read_when_it_is_needed(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 11;
    paged_series series;
    make_large(&series);
    const gch__value_column *column = &gch__file_segment(series.file, 0)->columns[0];
    const uint8_t *level = column->levels[1];
    uint64_t first = (uint64_t)(level - series.pager.image) / GCH__PAGE_BYTES + 1;
    assert_true(column->level_counts[1] > 32768);
    for (uint64_t page = first; page < first + 15; page++)
        assert_false(series.pager.is_loaded[page]);
    gch_query *query = NULL, *exact = NULL;
    assert_ok(gch_query_make(series.file, &(gch_query_desc){.no_wait = true}, &query, &err));
    assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
    gch_view view = {.t0 = 1000,
                     .t1 = gch_file_get_info(series.file)->last_time,
                     .bottom = {0, 0},
                     .top = {100, 0},
                     .width_px = 300,
                     .height_px = 100};
    gch_columns columns, expected;
    /* Bars whose ends are there are not known before their insides are. */
    const gch_bar *bars, *exact_bars;
    uint32_t count, rounds_of_bars = 0;
    const gch_bar_width width = {.count = 8192};
    while (gch_query_bars(query, 0, width, NULL, 50000000, 50080000, 20, &bars, &count, &err) ==
           GCH_PENDING)
        assert_true(load_some(&series.pager, 1, &seed) > 0 && ++rounds_of_bars < 9);
    assert_ok(
        gch_query_bars(exact, 0, width, NULL, 50000000, 50080000, 20, &exact_bars, &count, &err));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(gch__compare_values(bars[i].high, exact_bars[i].high), 0);
        assert_int_equal(gch__compare_values(bars[i].low, exact_bars[i].low), 0);
    }
    assert_true(count > 9 && rounds_of_bars > 1);
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_int_equal(columns.first[300], 300); /* a picture there is, from the levels above */
    for (uint32_t rounds = 0; columns.pending_count > 0; rounds++) {
        assert_true(load_some(&series.pager, 1, &seed) > 0 && rounds < 100);
        assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    }
    assert_ok(gch_query_columns(exact, 0, &view, GCH_JOIN_LINE, &expected, &err));
    assert_same_columns(&columns, &expected);
    gch_query_destroy(query);
    gch_query_destroy(exact);

    /* Damage in it is no reason not to open the file, and is seen by who reads it. */
    ((uint8_t *)series.whole.image)[first * GCH__PAGE_BYTES + 5] ^= 4;
    gch__file_close(series.file);
    memset(series.pager.is_loaded, 0, sizeof series.pager.is_loaded);
    open_paged(&series);
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    view.width_px = 8000;
    assert_status(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err), GCH_CORRUPT);
    gch_query_destroy(query);
    reset(&series);
}

/* As doubles, today's nanoseconds are 256 apart. */
static void rows_are_guessed_among_times_that_doubles_do_not_tell_apart(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    const int64_t now = 1700000000000000001;
    int64_t times[COUNT];
    double values[COUNT];
    gch_error err;
    gch_query *query = NULL;
    for (int i = 0; i < COUNT; i++) {
        times[i] = now + i;
        values[i] = i;
    }
    test_series series = test_series_make(GCH_TIME_NS, times, values, GCH_TYPE_F64, NULL, COUNT);
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    for (int i = 0; i < COUNT; i++) { /* to within what a quotient rounds */
        uint64_t row = gch__guess_row_at(query, times[i]);
        assert_true(row == (uint64_t)i || row + 1 == (uint64_t)i);
    }
    assert_true(gch__guess_row_at(query, INT64_MIN) == 0);
    assert_true(gch__guess_row_at(query, INT64_MAX) == COUNT);
    gch_query_destroy(query);
    test_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_converge_without_waiting),
        cmocka_unit_test(rows_are_guessed_among_times_that_doubles_do_not_tell_apart),
        cmocka_unit_test(grids_of_a_plane_converge_without_waiting),
        cmocka_unit_test(sums_become_known_bar_by_bar),
        cmocka_unit_test(a_pending_column_covers_its_rows),
        cmocka_unit_test(a_density_grows_to_the_exact_one_without_waiting),
        cmocka_unit_test(studies_ask_for_all_their_pages_and_converge),
        cmocka_unit_test(finished_answers_stand_in_for_pages),
        cmocka_unit_test(a_view_that_moves_shows_what_it_did),
        cmocka_unit_test(axes_of_a_view_that_moves_widen_and_cut_nothing_off),
        cmocka_unit_test(a_damaged_page_is_reported_when_it_is_loaded),
        cmocka_unit_test(a_large_level_of_the_tree_is_read_when_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
