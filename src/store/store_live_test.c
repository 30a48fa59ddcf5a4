/* Live series: what a file of one shows at every moment, against the rows that were appended. */
#include "store_live.h"
#include "store_test_data.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static gch_error err;

/* ---- memory that is charged, and that runs out ---- */

typedef struct account {
    _Atomic uint64_t charged, peak;
    uint64_t limit; /* 0: none */
    _Atomic uint32_t ended;
} account;

static gch_status charge(void *context, uint64_t bytes, gch_error *charge_err)
{
    account *a = context;
    if (a->limit > 0 && atomic_load(&a->charged) + bytes > a->limit)
        return gch_fail(charge_err, GCH_LIMIT, "no room for %llu bytes", (unsigned long long)bytes);
    uint64_t charged = atomic_fetch_add(&a->charged, bytes) + bytes;
    if (charged > atomic_load(&a->peak))
        atomic_store(&a->peak, charged);
    return GCH_OK;
}

static void discharge(void *context, uint64_t bytes)
{
    account *a = context;
    assert_true(atomic_fetch_sub(&a->charged, bytes) >= bytes);
}

static void end(void *context)
{
    account *a = context;
    atomic_fetch_add(&a->ended, 1);
}

static gch__live *make_live(const data *d, account *a, uint32_t segment_rows, const gch_file *base)
{
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(d, columns, NULL);
    gch__live *live = NULL;
    assert_ok(gch__live_make(&(gch__live_desc){.name = "live",
                                               .rows = &rows,
                                               .base = base,
                                               .segment_rows = segment_rows,
                                               .charge = charge,
                                               .discharge = discharge,
                                               .end = end,
                                               .context = a},
                             &live, &err));
    return live;
}

static gch_status append(gch__live *live, const data *d, size_t first, size_t count)
{
    gch_column_data columns[DATA_COLUMNS_CAP];
    data_columns(d, first, columns);
    return gch__live_append(live, d->times + first, columns, count, &err);
}

/* Rows of every kind that a column can have; `mood` makes them regular, jumpy, wide, full of gaps.
 */
static data make_rows(size_t count, uint64_t mood)
{
    uint64_t seed = mood * 77 + 1;
    data d = data_make(count);
    data_column *walk = data_add(&d, GCH_TYPE_I32);
    data_column *prices = data_add(&d, GCH_TYPE_F64);
    data_column *noise = data_add(&d, GCH_TYPE_F32);
    data_column *text = data_add(&d, GCH_TYPE_DECIMAL);
    data_column *wide = data_add(&d, GCH_TYPE_I64);
    uint32_t at = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t r = test_random(&seed);
        if (mood % 3 == 1 && i > 0)
            d.times[i] = d.times[i - 1] + (int64_t)(r % 5) * 20;
        if (mood % 3 == 2 && i > 0 && i / 3000 % 2 == 1)
            d.times[i] = d.times[i - 1] + (int64_t)(r % 1000000007);
        else if (mood % 3 == 2 && i > 0)
            d.times[i] = d.times[i - 1] + 1000;
        at += (uint32_t)(r >> 40 & 15) - 7u;
        if (mood % 2 == 1 && r % 5000 == 0)
            at += (uint32_t)(r >> 33) - (1u << 30);
        data_set_bits(walk, i, at);
        data_set_double(prices, i, (double)(r % (i < count / 2 ? 1000 : 1000000)) / 1000);
        data_set_float(noise, i, (float)(r % 100000) * 0.37f);
        data_set_bits(text, i, r % 3000);
        text->scales[i] = (int8_t)(i < count / 3 ? 1 : r % 4);
        data_set_bits(wide, i, mood % 2 == 1 || i > count / 2 ? r : r % 1000);
        if (r % 97 < mood % 4) {
            data_set_null(&d, prices, i);
            data_set_null(&d, walk, i);
        }
        if (mood > 3 && i / 700 % 3 == 1)
            data_set_null(&d, noise, i);
        if (mood % 4 == 2 && r % 61 == 0)
            data_set_double(prices, i, r % 2 == 0 ? -0.0 : (double)INFINITY);
        if (mood % 4 == 3 && r % 53 == 0)
            data_set_bits(prices, i, 0x7FF8000000000000u);
    }
    return d;
}

/* The tree over what the rows decode to: every node, also of a segment that grows. */
static void check_tree(const gch__segment *segment, const gch__value_column *column)
{
    for (uint32_t block = 0; block < segment->block_count; block++) {
        gch__pair64 pair = gch__tree_pair(column, 0, block), found = {UINT64_MAX, 0};
        uint32_t stop = GCH_MIN((block + 1) * GCH_BLOCK_ROWS, segment->row_count);
        for (uint32_t row = block * GCH_BLOCK_ROWS; row < stop; row++) {
            uint64_t key;
            bool is_drawn;
            assert_ok(gch__segment_key(segment, column, row, &key, &is_drawn, &err));
            found.min = is_drawn ? GCH_MIN(found.min, key) : found.min;
            found.max = is_drawn ? GCH_MAX(found.max, key) : found.max;
        }
        assert_true(pair.min == found.min && pair.max == found.max);
    }
    for (uint32_t level = 1; level < column->level_count; level++) {
        uint32_t below = column->level_counts[level - 1];
        assert_true(column->level_counts[level] == below / GCH_TREE_FANOUT ||
                    column->level_counts[level] == (below + GCH_TREE_FANOUT - 1) / GCH_TREE_FANOUT);
        for (uint32_t i = 0; i < column->level_counts[level]; i++) {
            gch__pair64 pair = gch__tree_pair(column, level, i), found = {UINT64_MAX, 0};
            uint32_t stop = GCH_MIN((i + 1) * GCH_TREE_FANOUT, below);
            for (uint32_t child = i * GCH_TREE_FANOUT; child < stop; child++) {
                gch__pair64 part = gch__tree_pair(column, level - 1, child);
                found.min = GCH_MIN(found.min, part.min);
                found.max = GCH_MAX(found.max, part.max);
            }
            assert_true(pair.min == found.min && pair.max == found.max);
        }
    }
}

static void check_trees(const gch_file *file)
{
    for (uint32_t s = 0; s < gch__file_segment_count(file); s++) {
        const gch__segment *segment = gch__file_segment(file, s);
        for (uint32_t c = 0; c < segment->column_count; c++)
            check_tree(segment, &segment->columns[c]);
    }
}

static void check_same_value(gch_value a, gch_value b)
{
    assert_int_equal(a.kind == GCH_VALUE_GAP, b.kind == GCH_VALUE_GAP);
    if (a.kind != GCH_VALUE_GAP)
        assert_true(gch_value_to_double(a) == gch_value_to_double(b));
}

/* What the info says, against a file of the same rows. */
static void check_info(const data *d, const gch_file *file)
{
    test_image image = data_write(d, d->row_count, NULL);
    const gch_file_info *live = gch_file_get_info(file), *whole = gch_file_get_info(image.file);
    for (uint32_t c = 0; c < d->column_count; c++) {
        const gch_column_info *a = &live->columns[c], *b = &whole->columns[c];
        assert_int_equal(a->gap_count, b->gap_count);
        check_same_value(a->min, b->min);
        check_same_value(a->max, b->max);
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->type, b->type);
    }
    image_free(&image);
}

/* ---- tests ---- */

static void appended_rows_are_there_at_every_moment(void **state)
{
    (void)state;
    for (uint64_t mood = 0; mood < 8; mood++) {
        data d = make_rows(24000, mood);
        account a = {0};
        gch__live *live = make_live(&d, &a, 8 * GCH_SUPER_ROWS, NULL);
        gch_file *file = NULL;
        assert_ok(gch__live_lend(live, &file, &err));
        assert_int_equal(gch_file_get_info(file)->row_count, 0);
        uint64_t seed = mood + 1;
        for (size_t row = 0; row < d.row_count;) {
            size_t part = 8 * (1 + (size_t)(test_random(&seed) % (mood < 4 ? 12 : 200)));
            part = GCH_MIN(part, d.row_count - row);
            assert_ok(append(live, &d, row, part));
            row += part;
            if (test_random(&seed) % 4 != 0 && row < d.row_count)
                continue;
            bool has_changed;
            assert_ok(gch__live_refresh(file, &has_changed, &err));
            assert_true(has_changed);
            assert_ok(gch__live_refresh(file, &has_changed, &err));
            assert_false(has_changed);
            assert_int_equal(gch_file_get_info(file)->row_count, row);
            assert_int_equal(gch_file_get_info(file)->last_time, d.times[row - 1]);
            size_t first = row - GCH_MIN(row, (size_t)1000);
            data_check_rows(&d, file, first, row - first);
        }
        data_check_all(&d, file);
        check_trees(file);
        check_info(&d, file);
        assert_true(gch__live_get_stats(live).byte_count <= atomic_load(&a.charged));
        /* Data does not make many segments. */
        assert_true(gch__live_get_stats(live).segment_count <= 3 + 40);
        gch__file_close(file);
        gch__live_release(live);
        assert_int_equal(atomic_load(&a.charged), 0);
        assert_int_equal(atomic_load(&a.ended), 1);
        data_free(&d);
    }
}

static void single_rows_and_rows_without_times_can_be_appended(void **state)
{
    (void)state;
    account a = {0};
    data d = data_make(3000);
    data_column *column = data_add(&d, GCH_TYPE_U16);
    d.unit = GCH_TIME_INDEX;
    for (size_t i = 0; i < d.row_count; i++) {
        d.times[i] = (int64_t)i;
        data_set_bits(column, i, i * 7 % 1000);
    }
    gch__live *live = make_live(&d, &a, GCH_SUPER_ROWS, NULL);
    for (size_t row = 0; row < d.row_count;) {
        size_t part = row < 1500 ? 1 : row < 1700 ? 100 : 1300;
        gch_column_data values = {.values = column->values + row * 2};
        assert_ok(gch__live_append(live, NULL, &values, part, &err));
        row += part;
    }
    assert_ok(gch__live_append(live, NULL, &(gch_column_data){.values = &d}, 0, &err));
    gch_file *file = NULL;
    assert_ok(gch__live_lend(live, &file, &err));
    data_check_all(&d, file);
    assert_int_equal(gch_file_get_info(file)->affine_run_count,
                     gch_file_get_info(file)->segment_count);
    gch__file_close(file);
    gch__live_release(live);
    data_free(&d);
}

static void cleared_series_is_as_one_made_anew(void **state)
{
    (void)state;
    account a = {0};
    data first = make_rows(5008, 3), next = make_rows(3008, 5);
    gch__live *live = make_live(&first, &a, GCH_SUPER_ROWS, NULL);
    gch_file *file = NULL;
    assert_ok(gch__live_lend(live, &file, &err));
    for (uint32_t round = 0; round < 3; round++) {
        const data *d = round == 1 ? &next : &first; /* those of the next end earlier */
        assert_ok(append(live, d, 0, 2000));
        if (round > 0)
            assert_ok(gch__live_refresh(file, NULL, &err));
        assert_ok(append(live, d, 2000, d->row_count - 2000));
        assert_ok(gch__live_refresh(file, NULL, &err));
        data_check_all(d, file);
        check_trees(file);
        check_info(d, file);
        assert_ok(gch__live_clear(live, &err));
        assert_int_equal(gch__live_get_stats(live).row_count, 0);
        data_check_all(d, file);
    }
    assert_ok(gch__live_refresh(file, NULL, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, 0);
    assert_int_equal(gch_file_get_info(file)->dropped_rows, 2 * first.row_count + next.row_count);
    assert_int_equal(atomic_load(&a.charged), 0);
    gch__file_close(file);
    gch__live_release(live);
    data_free(&first);
    data_free(&next);
}

static void refused_rows_change_nothing(void **state)
{
    (void)state;
    account a = {0};
    data d = make_rows(3000, 1);
    gch__live *live = make_live(&d, &a, GCH_SUPER_ROWS, NULL);
    assert_ok(append(live, &d, 0, 2000));
    int64_t late = d.times[1999] - 1;
    gch_column_data columns[DATA_COLUMNS_CAP];
    data_columns(&d, 0, columns);
    assert_status(gch__live_append(live, &late, columns, 1, &err), GCH_UNSORTED);
    assert_status(gch__live_append(live, NULL, columns, 1, &err), GCH_INVALID);
    columns[2].values = NULL;
    assert_status(gch__live_append(live, d.times + 2000, columns, 1, &err), GCH_INVALID);
    assert_ok(append(live, &d, 2000, 1000));
    gch_file *file = NULL;
    assert_ok(gch__live_lend(live, &file, &err));
    data_check_all(&d, file);
    gch__file_close(file);
    gch__live_release(live);
    data_free(&d);
}

static void append_that_runs_out_of_budget_is_taken_back_whole(void **state)
{
    (void)state;
    for (uint64_t mood = 0; mood < 6; mood++) {
        data d = make_rows(16000, mood);
        account a = {0};
        gch__live *live = make_live(&d, &a, 4 * GCH_SUPER_ROWS, NULL);
        gch_file *file = NULL;
        assert_ok(gch__live_lend(live, &file, &err));
        uint64_t seed = mood;
        uint32_t refusals = 0;
        for (size_t row = 0; row < d.row_count;) {
            size_t part = 8 * (size_t)(1 + test_random(&seed) % 600);
            part = GCH_MIN(part, d.row_count - row);
            a.limit = GCH_MAX(atomic_load(&a.charged), 1u) + test_random(&seed) % 2 * 65536;
            if (test_random(&seed) % 3 == 0)
                a.limit = 0;
            gch_status status = append(live, &d, row, part);
            if (status != GCH_OK) {
                assert_status(status, GCH_LIMIT);
                refusals++;
            } else {
                row += part;
            }
            assert_ok(gch__live_refresh(file, NULL, &err));
            assert_int_equal(gch_file_get_info(file)->row_count, row);
            size_t first = row - GCH_MIN(row, (size_t)600);
            data_check_rows(&d, file, first, row - first);
        }
        assert_true(refusals > 0);
        data_check_all(&d, file);
        check_trees(file);
        gch__file_close(file);
        gch__live_release(live);
        assert_int_equal(atomic_load(&a.charged), 0);
        data_free(&d);
    }
}

static void what_is_kept_follows_rows_age_or_bytes(void **state)
{
    (void)state;
    enum { ROWS = 40000, SEGMENT = 2 * GCH_SUPER_ROWS };
    data d = make_rows(ROWS, 0);
    for (int limit = 0; limit < 3; limit++) {
        account a = {0};
        gch_column_desc columns[DATA_COLUMNS_CAP];
        gch_writer_desc rows = data_desc(&d, columns, NULL);
        gch__live_desc desc = {.name = "live",
                               .rows = &rows,
                               .segment_rows = SEGMENT,
                               .keep_rows = limit == 0 ? 5000 : 0,
                               .keep_ticks = limit == 1 ? 5000 * 250 : 0,
                               .keep_bytes = limit == 2 ? 300000 : 0,
                               .charge = charge,
                               .discharge = discharge,
                               .context = &a};
        gch__live *live = NULL;
        gch_file *early = NULL, *file = NULL;
        assert_ok(gch__live_make(&desc, &live, &err));
        for (size_t row = 0; row < ROWS; row += 80) {
            assert_ok(append(live, &d, row, 80));
            if (row == 8000)
                assert_ok(gch__live_lend(live, &early, &err));
        }
        assert_ok(gch__live_lend(live, &file, &err));
        const gch_file_info *info = gch_file_get_info(file);
        assert_int_equal(info->dropped_rows + info->row_count, ROWS);
        assert_true(info->dropped_rows > ROWS / 4);
        if (limit < 2)
            assert_true(info->row_count >= 5000 && info->row_count <= 5000 + 2 * SEGMENT);
        else
            assert_true(atomic_load(&a.charged) < 1200000);
        data tail = d;
        tail.times += info->dropped_rows;
        tail.row_count -= info->dropped_rows;
        for (uint32_t c = 0; c < d.column_count; c++) {
            data_column *column = &tail.columns[c];
            column->values += info->dropped_rows * gch_type_bytes(column->type);
            if (column->scales != NULL)
                column->scales += info->dropped_rows;
            if (column->validity != NULL)
                column->validity += info->dropped_rows / 8;
        }
        data_check_all(&tail, file);
        /* A file that nobody refreshed still has what it had. */
        const gch_file_info *before = gch_file_get_info(early);
        data_check_rows(&d, early, before->dropped_rows, 0);
        data old = d;
        old.row_count = 8080;
        if (before->dropped_rows == 0)
            data_check_all(&old, early);
        assert_ok(gch__live_refresh(early, NULL, &err));
        data_check_all(&tail, early);
        gch__live_release(live);
        data_check_all(&tail, file);
        gch__file_close(early);
        gch__file_close(file);
        assert_int_equal(atomic_load(&a.charged), 0);
    }
    data_free(&d);
}

/* ---- sealed segments and files ---- */

static void sealed_segments_become_a_file_and_the_series_goes_on_behind_it(void **state)
{
    (void)state;
    for (uint64_t mood = 0; mood < 8; mood++) {
        data d = make_rows(20000, mood);
        account a = {0};
        gch_column_desc descs[DATA_COLUMNS_CAP];
        gch_writer_desc rows = data_desc(&d, descs, NULL);
        gch__live *live = make_live(&d, &a, 2 * GCH_SUPER_ROWS, NULL);
        gch_file *lent = NULL;
        assert_ok(append(live, &d, 0, 12000));
        assert_ok(gch__live_lend(live, &lent, &err));
        if (mood % 2 == 0)
            assert_ok(gch__live_seal(live, &err));
        assert_ok(gch__live_seal(live, &err)); /* nothing to do, or the rest too */
        gch__live_segment *sealed[64];
        uint32_t count = gch__live_hold_sealed(live, sealed, 64);
        assert_true(count >= 5 && count < 64);

        gch_writer *writer = NULL;
        void *bytes = NULL;
        size_t byte_count = 0;
        gch_file *base = NULL;
        assert_ok(gch_writer_create_memory(&rows, &writer, &err));
        for (uint32_t i = 0; i < count; i++)
            assert_ok(gch__live_give(live, sealed[i], writer, &err));
        assert_ok(gch_writer_finish_memory(writer, &bytes, &byte_count, &err));
        assert_ok(gch__file_open_memory(bytes, byte_count, "base", NULL, &base, &err));
        data part = d;
        part.row_count = 12000;
        data_check(&part, base);

        gch__live_rebase(live, base, count);
        gch__live_drop_held(live, sealed, count);
        data_check_all(&part, lent); /* its own segments still */
        assert_ok(gch__live_refresh(lent, NULL, &err));
        data_check_all(&part, lent);
        assert_ok(append(live, &d, 12000, 8000));
        assert_ok(gch__live_refresh(lent, NULL, &err));
        data_check_all(&d, lent);
        check_info(&d, lent);
        gch__file_close(lent);
        gch__live_release(live);

        /* A new series behind the same file. */
        live = make_live(&d, &a, GCH_SUPER_ROWS, base);
        assert_ok(append(live, &d, 12000, 8000));
        assert_ok(gch__live_lend(live, &lent, &err));
        data_check_all(&d, lent);
        gch__file_close(lent);
        gch__live_release(live);
        gch__file_close(base);
        gch_writer_free_memory(bytes, NULL);
        assert_int_equal(atomic_load(&a.charged), 0);
        data_free(&d);
    }
}

/* ---- memory ---- */

typedef struct counting {
    int64_t left; /* allocations until one fails; < 0: never */
    uint64_t calls;
    int64_t live_count;
} counting;

static void *count_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    counting *c = context;
    (void)purpose;
    if (bytes == 0) {
        c->live_count -= old != NULL;
        free(old);
        return NULL;
    }
    c->calls++;
    if (c->left == 0)
        return NULL;
    c->left -= c->left > 0;
    void *made = realloc(old, bytes);
    c->live_count += old == NULL && made != NULL;
    return made;
}

static gch_status run(const data *d, const gch_allocator *allocator)
{
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(d, columns, NULL);
    gch__live *live = NULL;
    gch_file *file = NULL;
    gch_status status = gch__live_make(
        &(gch__live_desc){
            .name = "live", .rows = &rows, .segment_rows = GCH_SUPER_ROWS, .allocator = allocator},
        &live, &err);
    GCH_TRY(status);
    GCH_TRY_GOTO(append(live, d, 0, 1600), cleanup);
    GCH_TRY_GOTO(gch__live_lend(live, &file, &err), cleanup);
    GCH_TRY_GOTO(append(live, d, 1600, 2400), cleanup);
    GCH_TRY_GOTO(gch__live_refresh(file, NULL, &err), cleanup);
    GCH_TRY_GOTO(gch__live_seal(live, &err), cleanup);
    GCH_TRY_GOTO(gch__live_refresh(file, NULL, &err), cleanup);
    data_check_all(d, file);
    GCH_TRY_GOTO(gch__live_clear(live, &err), cleanup);
    GCH_TRY_GOTO(append(live, d, 0, 1600), cleanup);
    status = gch__live_clear(live, &err); /* with rows that fill no block */
    if (status != GCH_OK)
        assert_int_equal(gch__live_get_stats(live).row_count, 1600);

cleanup:
    gch__file_close(file);
    gch__live_release(live);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    data d = make_rows(4000, 3);
    for (int64_t n = 0;; n++) {
        counting c = {.left = n};
        gch_allocator allocator = {.resize = count_resize, .context = &c};
        gch_status status = run(&d, &allocator);
        assert_int_equal(c.live_count, 0);
        if (status == GCH_OK)
            break;
        assert_int_equal(status, GCH_NO_MEMORY);
        assert_true(n < 400);
    }
    data_free(&d);
}

static void looking_again_allocates_nothing(void **state)
{
    (void)state;
    data d = make_rows(12000, 2);
    counting c = {.left = -1};
    gch_allocator allocator = {.resize = count_resize, .context = &c};
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(&d, columns, NULL);
    gch__live *live = NULL;
    gch_file *file = NULL;
    assert_ok(gch__live_make(&(gch__live_desc){.name = "live",
                                               .rows = &rows,
                                               .segment_rows = 64 * GCH_SUPER_ROWS,
                                               .allocator = &allocator},
                             &live, &err));
    assert_ok(append(live, &d, 0, 8000));
    assert_ok(gch__live_lend(live, &file, &err));
    assert_ok(append(live, &d, 8000, 40));
    assert_ok(gch__live_refresh(file, NULL, &err));
    uint64_t segments = gch__live_get_stats(live).segment_count, before;
    size_t row = 8040;
    for (; row < d.row_count && gch__live_get_stats(live).segment_count == segments; row += 40) {
        before = c.calls;
        assert_ok(append(live, &d, row, 40));
        assert_ok(gch__live_refresh(file, NULL, &err));
        if (gch__live_get_stats(live).segment_count == segments)
            assert_int_equal(c.calls, before);
    }
    assert_true(row > 9000);
    gch__file_close(file);
    gch__live_release(live);
    data_free(&d);
}

/* ---- threads ---- */

typedef struct reader_job {
    gch__live *live;
    const data *d;
    atomic_bool *is_over;
    uint64_t looks;
} reader_job;

static void *read_on(void *context)
{
    reader_job *job = context;
    const data *d = job->d;
    gch_error own = {0};
    gch_file *file = NULL;
    if (gch__live_lend(job->live, &file, &own) != GCH_OK)
        return (void *)1;
    uint64_t seen = 0, seed = 9;
    while (!atomic_load(job->is_over)) {
        int64_t times[600];
        gch_value values[600];
        if (gch__live_refresh(file, NULL, &own) != GCH_OK)
            return (void *)2;
        const gch_file_info *info = gch_file_get_info(file);
        uint64_t end_row = info->dropped_rows + info->row_count;
        if (end_row < seen)
            return (void *)3;
        seen = end_row;
        uint64_t count = GCH_MIN(info->row_count, (uint64_t)600);
        uint64_t first = test_random(&seed) % 2 == 0
                             ? info->row_count - count
                             : test_random(&seed) % (info->row_count - count + 1);
        if (gch_file_read_times(file, first, count, times, &own) != GCH_OK ||
            gch_file_read_values(file, 4, first, count, values, &own) != GCH_OK)
            return (void *)4;
        for (uint64_t i = 0; i < count; i++) {
            uint64_t row = info->dropped_rows + first + i;
            if (times[i] != d->times[row] || !data_is_same(&d->columns[4], row, values[i]))
                return (void *)5;
        }
        job->looks++;
    }
    gch__file_close(file);
    return NULL;
}

static void readers_see_whole_appends_while_one_writes(void **state)
{
    (void)state;
    data d = make_rows(300000, 2);
    account a = {0};
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(&d, columns, NULL);
    gch__live *live = NULL;
    assert_ok(gch__live_make(&(gch__live_desc){.name = "live",
                                               .rows = &rows,
                                               .segment_rows = 8 * GCH_SUPER_ROWS,
                                               .keep_rows = 30000,
                                               .charge = charge,
                                               .discharge = discharge,
                                               .context = &a},
                             &live, &err));
    atomic_bool is_over = false;
    pthread_t threads[4];
    reader_job jobs[4];
    for (size_t i = 0; i < GCH_COUNT_OF(threads); i++) {
        jobs[i] = (reader_job){.live = live, .d = &d, .is_over = &is_over};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &jobs[i]), 0);
    }
    uint64_t seed = 3;
    for (size_t row = 0; row < d.row_count;) {
        size_t part = 8 * (size_t)(1 + test_random(&seed) % 100);
        part = GCH_MIN(part, d.row_count - row);
        assert_ok(append(live, &d, row, part));
        row += part;
        if (row % 7 == 0)
            usleep(50);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < GCH_COUNT_OF(threads); i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, NULL);
        assert_true(jobs[i].looks > 0);
    }
    gch__live_release(live);
    assert_int_equal(atomic_load(&a.charged), 0);
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_rows_are_there_at_every_moment),
        cmocka_unit_test(single_rows_and_rows_without_times_can_be_appended),
        cmocka_unit_test(cleared_series_is_as_one_made_anew),
        cmocka_unit_test(refused_rows_change_nothing),
        cmocka_unit_test(append_that_runs_out_of_budget_is_taken_back_whole),
        cmocka_unit_test(what_is_kept_follows_rows_age_or_bytes),
        cmocka_unit_test(sealed_segments_become_a_file_and_the_series_goes_on_behind_it),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(looking_again_allocates_nothing),
        cmocka_unit_test(readers_see_whole_appends_while_one_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
