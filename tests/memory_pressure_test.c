/* Memory runs out at allocation n, for n = 0, 1, 2, ...: from CSV to a file, appending to it,
 * opening it through the data manager and drawing it, and through a live series. Always a status,
 * never a crash, and nothing is left. */
#include "test.h"

#include "gch/gch.h"

#include <unistd.h>

typedef struct failing_heap {
    size_t until_failure; /* allocations that still succeed */
    size_t live;
    bool has_failed;
} failing_heap;

/* One thread at a time uses it: the scenarios run without workers, and loaders share the lock. */
static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    static int lock = 0;
    failing_heap *heap = context;
    (void)purpose;
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {
    }
    void *memory = NULL;
    if (bytes == 0) {
        free(old);
        heap->live--;
    } else if (heap->until_failure == 0) {
        heap->has_failed = true;
    } else {
        heap->until_failure--;
        memory = realloc(old, bytes);
        heap->live += old == NULL && memory != NULL;
    }
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    return memory;
}

#define CSV "memory_pressure.csv"
#define FILE_PATH "memory_pressure.gch"

static gch_status ingest(const gch_allocator *allocator, bool append, gch_error *err)
{
    gch_ingest_report report;
    const char *input = CSV;
    return gch_ingest(&(gch_ingest_desc){.inputs = &input,
                                         .input_count = 1,
                                         .output = FILE_PATH,
                                         .append = append,
                                         .allocator = allocator},
                      &report, err);
}

static gch_status create(const gch_allocator *allocator, gch_error *err)
{
    return ingest(allocator, false, err);
}

static gch_status append(const gch_allocator *allocator, gch_error *err)
{
    return ingest(allocator, true, err);
}

static gch_status draw(const gch_allocator *allocator, gch_error *err)
{
    static const gch_mark marks[] = {GCH_MARK_LINE, GCH_MARK_CANDLES, GCH_MARK_SCATTER};
    gch_data *data = NULL;
    gch_chart *chart = NULL;
    gch_source source = {0};
    gch_chart_series series = {0};
    gch_status status = gch_data_make(
        &(gch_data_desc){.host_budget_bytes = 64u << 20, .loader_count = 1, .allocator = allocator},
        &data, err);
    if (status == GCH_OK)
        status = gch_source_open_file(data, FILE_PATH, &(gch_source_desc){.io = GCH_IO_READ},
                                      &source, err);
    if (status == GCH_OK)
        status = gch_source_get_file(data, source, &series.file, err);
    if (status == GCH_OK)
        status = gch_chart_make(allocator, &chart, err);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && status == GCH_OK; i++) {
        const gch_image *image;
        series.mark = marks[i];
        status = gch_chart_frame(chart,
                                 &(gch_chart_desc){.series = &series,
                                                   .series_count = 1,
                                                   .width_px = 320,
                                                   .height_px = 200,
                                                   .allocator = allocator},
                                 &image, NULL, err);
    }
    gch_chart_destroy(chart);
    gch_error ignored;
    if (data != NULL && source.id != 0)
        assert_int_equal(gch_source_close(data, source, &ignored), GCH_OK);
    assert_int_equal(gch_data_destroy(data, &ignored), GCH_OK);
    return status;
}

/* Rows into a series that goes on in a file, frames of it in between. */
static gch_status follow(const gch_allocator *allocator, gch_error *err)
{
    enum { ROWS = 700 };
    static int64_t times[ROWS];
    static double values[ROWS];
    const gch_column_desc column = {.name = "value", .type = GCH_TYPE_F64};
    const gch_writer_desc rows = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    gch_data *data = NULL;
    gch_chart *chart = NULL;
    gch_source source = {0};
    gch_file *file = NULL;
    unlink(FILE_PATH);
    gch_status status = gch_data_make(
        &(gch_data_desc){.host_budget_bytes = 64u << 20, .loader_count = 1, .allocator = allocator},
        &data, err);
    if (status == GCH_OK)
        status = gch_live_open(
            data, &(gch_live_desc){.rows = &rows, .path = FILE_PATH, .segment_rows = 1024}, &source,
            err);
    if (status == GCH_OK)
        status = gch_live_acquire_file(data, source, &file, err);
    if (status == GCH_OK)
        status = gch_chart_make(allocator, &chart, err);
    for (int part = 0; part < 4 && status == GCH_OK; part++) {
        for (int i = 0; i < ROWS; i++) {
            times[i] = (part * ROWS + i) * 10;
            values[i] = i % 50 / 4.0;
        }
        const gch_image *image;
        gch_chart_series series = {.file = file};
        status =
            gch_live_append(data, source, times, &(gch_column_data){.values = values}, ROWS, err);
        if (status == GCH_OK && part == 2)
            status = gch_live_flush(data, source, err);
        if (status == GCH_OK)
            status = gch_live_refresh_file(file, NULL, err);
        if (status == GCH_OK)
            status = gch_chart_frame(chart,
                                     &(gch_chart_desc){.series = &series,
                                                       .series_count = 1,
                                                       .width_px = 320,
                                                       .height_px = 200,
                                                       .allocator = allocator},
                                     &image, NULL, err);
    }
    gch_chart_destroy(chart);
    if (file != NULL)
        gch_live_release_file(data, file);
    gch_error ignored;
    if (source.id != 0) {
        gch_status closed = gch_live_close(data, source, status == GCH_OK ? err : &ignored);
        status = status != GCH_OK ? status : closed;
    }
    assert_int_equal(gch_data_destroy(data, &ignored), GCH_OK);
    return status;
}

/* Lets the scenario fail at every allocation in turn; the first failures one by one, later ones at
 * growing distances. */
static void fail_everywhere(gch_status (*scenario)(const gch_allocator *allocator, gch_error *err))
{
    size_t failures = 0;
    for (size_t n = 0;; n += 1 + n / 64) {
        gch_error err = {0};
        failing_heap heap = {.until_failure = n};
        gch_allocator allocator = {.resize = failing_resize, .context = &heap};
        gch_status status = scenario(&allocator, &err);
        assert_int_equal(heap.live, 0);
        if (!heap.has_failed) {
            assert_int_equal(status, GCH_OK);
            break;
        }
        if (status == GCH_OK)
            continue; /* something optional went without */
        assert_int_equal(status, GCH_NO_MEMORY);
        assert_non_null(strstr(err.message, "memory"));
        failures++;
    }
    assert_true(failures > 10);
}

static void write_csv(void)
{
    FILE *file = fopen(CSV, "w");
    assert_non_null(file);
    fputs("time,price\n", file);
    uint64_t seed = 4;
    int64_t t = 1700000000000;
    for (int i = 0; i < 3000; i++) {
        t += (int64_t)(test_random(&seed) % 900);
        fprintf(file, i % 100 == 7 ? "%lld,\n" : "%lld,%d.%02d\n", (long long)t, 100 + i % 37,
                i % 100);
    }
    assert_int_equal(fclose(file), 0);
}

static int64_t size_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    int64_t size = ftell(file);
    fclose(file);
    return size;
}

static void ingest_fails_clean_at_every_allocation(void **state)
{
    (void)state;
    write_csv();
    unlink(FILE_PATH);
    fail_everywhere(create);
    assert_true(size_of(FILE_PATH) > 0);
}

static void append_fails_clean_at_every_allocation(void **state)
{
    (void)state;
    gch_error err;
    /* All times of the input are one, so that it may follow itself. */
    FILE *file = fopen(CSV, "w");
    assert_non_null(file);
    fputs("time,price\n", file);
    for (int i = 0; i < 300; i++)
        fprintf(file, "1700000000000,%d.5\n", i);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(create(NULL, &err), GCH_OK);
    fail_everywhere(append);
}

static void drawing_fails_clean_at_every_allocation(void **state)
{
    (void)state;
    gch_error err;
    write_csv();
    assert_int_equal(create(NULL, &err), GCH_OK);
    fail_everywhere(draw);
    unlink(CSV);
    unlink(FILE_PATH);
}

static void live_series_fails_clean_at_every_allocation(void **state)
{
    (void)state;
    fail_everywhere(follow);
    unlink(FILE_PATH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ingest_fails_clean_at_every_allocation),
        cmocka_unit_test(append_fails_clean_at_every_allocation),
        cmocka_unit_test(drawing_fails_clean_at_every_allocation),
        cmocka_unit_test(live_series_fails_clean_at_every_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
