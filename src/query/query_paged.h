/* A file whose pages come and go, for tests: a pager of our own loads a page only when it was asked
 * for and the test says so. */
#ifndef GCH_QUERY_PAGED_H
#define GCH_QUERY_PAGED_H

#include "store_file.h"
#include "test_series.h"

#include <math.h>

#define PAGE_CAP 4096u

typedef struct fake_pager {
    bool is_loaded[PAGE_CAP], is_asked[PAGE_CAP];
    uint64_t page_count;
    uint32_t reader_count;
    gch__page_check check;
    const uint8_t *image;
} fake_pager;

static inline gch_status ensure(void *context, uint64_t first, uint64_t count, gch__reader *reader,
                                gch_error *err)
{
    fake_pager *pager = context;
    bool is_missing = false;
    for (uint64_t page = first; page < first + count; page++) {
        assert_true(page < pager->page_count);
        if (reader->mode == GCH__READ_BLOCK && !pager->is_loaded[page]) {
            gch_status status = pager->check.verify(pager->check.context, page,
                                                    pager->image + page * GCH__PAGE_BYTES, err);
            if (status != GCH_OK)
                return status;
            pager->is_loaded[page] = true;
        }
        if (!pager->is_loaded[page]) {
            pager->is_asked[page] |= reader->mode == GCH__READ_NO_WAIT;
            atomic_fetch_add(&reader->missing_count, 1);
            is_missing = true;
            continue;
        }
        atomic_fetch_or(&reader->pinned[page / 64], (uint64_t)1 << (page % 64));
    }
    return is_missing ? gch_fail(err, GCH_PENDING, "not loaded yet") : GCH_OK;
}

static inline gch_status make_reader(void *context, gch__reader **out, gch_error *err)
{
    (void)err;
    fake_pager *pager = context;
    gch__reader *reader = calloc(1, sizeof *reader);
    assert_non_null(reader);
    reader->pinned = calloc(PAGE_CAP / 64, sizeof *reader->pinned);
    assert_non_null(reader->pinned);
    pager->reader_count++;
    reader->source = pager;
    *out = reader;
    return GCH_OK;
}

static inline void end_reader(gch__reader *reader)
{
    memset((void *)reader->pinned, 0, PAGE_CAP / 8);
}

static inline void begin_reader(gch__reader *reader, gch__read_mode mode, gch__priority priority)
{
    end_reader(reader);
    reader->mode = mode;
    reader->priority = priority;
}

static inline void destroy_reader(gch__reader *reader)
{
    ((fake_pager *)reader->source)->reader_count--;
    free((void *)reader->pinned);
    free(reader);
}

typedef struct paged_series {
    test_series whole;
    fake_pager pager;
    gch_file *file;
} paged_series;

enum { ROWS = 300000 };

static inline void open_paged(paged_series *series)
{
    gch_error err = {0};
    series->pager.image = series->whole.image;
    series->pager.page_count = (series->whole.image_bytes + GCH__PAGE_BYTES - 1) / GCH__PAGE_BYTES;
    assert_true(series->pager.page_count <= PAGE_CAP);
    gch__paged_image image = {.name = "paged",
                              .bytes = series->whole.image,
                              .byte_count = series->whole.image_bytes,
                              .pager = {.ensure = ensure,
                                        .make_reader = make_reader,
                                        .begin_reader = begin_reader,
                                        .end_reader = end_reader,
                                        .destroy_reader = destroy_reader,
                                        .context = &series->pager}};
    assert_ok(gch__file_open_paged(&image, NULL, &series->pager.check, &series->file, &err));
}

static inline void make(paged_series *series, bool is_regular, bool has_gaps)
{
    uint64_t seed = 9;
    int64_t *t = malloc(ROWS * sizeof *t), now = 0;
    double *v = malloc(ROWS * sizeof *v), walk = 0;
    assert_true(t != NULL && v != NULL);
    for (int i = 0; i < ROWS; i++) {
        now += is_regular ? 10 : (int64_t)(test_random(&seed) % 20);
        walk += (double)(test_random(&seed) % 2001) - 1000;
        t[i] = now;
        v[i] = has_gaps && test_random(&seed) % 5000 < 3 ? (double)NAN : walk / 100;
    }
    *series = (paged_series){0};
    series->whole = test_series_make(GCH_TIME_MS, t, v, GCH_TYPE_F64, NULL, ROWS);
    free(t);
    free(v);
    open_paged(series);
}

static inline void reset(paged_series *series)
{
    gch__file_close(series->file);
    assert_int_equal(series->pager.reader_count, 0);
    test_series_free(&series->whole);
}

/* Loads one in `share` of the pages that were asked for; returns how many. */
static inline uint32_t load_some(fake_pager *pager, uint32_t share, uint64_t *seed)
{
    uint32_t count = 0;
    for (uint64_t page = 0; page < pager->page_count; page++) {
        if (!pager->is_asked[page] || pager->is_loaded[page] || test_random(seed) % share != 0)
            continue;
        pager->is_loaded[page] = true;
        count++;
    }
    return count;
}

static inline bool is_any_asked(const fake_pager *pager)
{
    return memchr(pager->is_asked, true, sizeof pager->is_asked) != NULL;
}

#endif
