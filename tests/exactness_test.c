/* The CPU executor and the reference executor draw the same bare pictures, pixel for pixel.
 *
 * 300 random cases (GCH_EXACTNESS_CASES for more, GCH_EXACTNESS_FIRST to begin with another) at
 * four sizes each, as lines and again as every other mark that the reference draws. A case that
 * differs leaves three pictures in the build folder (EXACTNESS_FOLDER). The last tests alter the
 * tree of a file and must see it: a comparison that cannot fail would prove nothing.
 */
#include "exactness_cases.h"
#include "gch/chart.h"
#include "store_format.h"
#include "store_open.h"
#include "test.h"

#include <errno.h>
#include <inttypes.h>

#define DEFAULT_CASE_COUNT 300u
#define REPORT_CAP 10u
#define RED 0xFF4040FFu
#define BLUE 0xFFFF8040u

static gch_error err;

/* ---- pictures ---- */

static gch_chart_desc chart_desc(const gch_chart_series *series, const gch_view *view,
                                 gch_backend backend)
{
    return (gch_chart_desc){
        .series = series,
        .series_count = 1,
        .width_px = view->width_px,
        .height_px = view->height_px,
        .is_bare = true,
        .backend = backend,
        .has_time_range = true,
        .from = view->t0,
        .to = view->t1,
        .has_bottom = true,
        .has_top = true,
        .bottom = view->bottom,
        .top = view->top,
    };
}

static size_t count_differences(const gch_image *a, const gch_image *b, size_t *out_first)
{
    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    size_t pixel_count = (size_t)a->width_px * a->height_px;
    if (memcmp(a->pixels, b->pixels, pixel_count * sizeof *a->pixels) == 0)
        return 0;
    size_t count = 0;
    for (size_t i = pixel_count; i-- > 0;) {
        if (a->pixels[i] != b->pixels[i]) {
            count++;
            *out_first = i;
        }
    }
    return count;
}

static void write_picture(const char *stem, const char *suffix, const gch_image *image)
{
    char name[1024];
    snprintf(name, sizeof name, EXACTNESS_FOLDER "/%s_%s.png", stem, suffix);
    FILE *out = fopen(name, "wb");
    if (out == NULL) {
        print_error("%s: %s\n", name, strerror(errno));
        return;
    }
    if (gch_image_write(image, GCH_IMAGE_PNG, out, &err) != GCH_OK)
        print_error("%s: %s\n", name, err.message);
    fclose(out);
    print_error("  wrote %s\n", name);
}

/* Red: only the CPU executor lit it; blue: only the reference. */
static void write_pictures(const char *stem, const gch_image *cpu, const gch_image *reference)
{
    gch_image diff = {0};
    assert_ok(gch_image_make(cpu->width_px, cpu->height_px, NULL, &diff, &err));
    size_t pixel_count = (size_t)cpu->width_px * cpu->height_px;
    for (size_t i = 0; i < pixel_count; i++) {
        uint32_t a = cpu->pixels[i];
        uint32_t b = reference->pixels[i];
        uint32_t dimmed = (a >> 1 & 0x7F7F7Fu) | 0xFF000000u;
        diff.pixels[i] = a == b ? dimmed : a > b ? RED : BLUE;
    }
    write_picture(stem, "cpu", cpu);
    write_picture(stem, "reference", reference);
    write_picture(stem, "diff", &diff);
    gch_image_destroy(&diff, NULL);
}

static void describe(const exactness_case *c, const gch_chart_desc *desc)
{
    static const char *const marks[] = {
        [GCH_MARK_LINE] = "line", [GCH_MARK_AREA] = "area", [GCH_MARK_CANDLES] = "candles",
        [GCH_MARK_OHLC] = "OHLC", [GCH_MARK_BARS] = "bars", [GCH_MARK_DENSITY] = "density"};
    const gch_view its = {.t0 = desc->from,
                          .t1 = desc->to,
                          .bottom = desc->bottom,
                          .top = desc->top,
                          .width_px = desc->width_px,
                          .height_px = desc->height_px};
    const gch_view *view = &its;
    print_error("%s, bars of %" PRId64 " x unit %d in %s: ", marks[desc->series->mark],
                desc->bar_width.count, (int)desc->bar_width.unit,
                desc->time_zone != NULL ? desc->time_zone : "UTC");
    char bottom[64];
    char top[64];
    gch_decimal_format(view->bottom, bottom, sizeof bottom);
    gch_decimal_format(view->top, top, sizeof top);
    print_error("case %" PRIu64 ": %zu rows in %u parts, %s, times %s, %s gaps; view %s "
                "[%" PRId64 ", %" PRId64 "), %s [%s, %s], %u x %u px\n",
                c->number, c->row_count, c->part_count, c->value_kind, c->time_kind, c->gap_kind,
                c->view_kind, view->t0, view->t1, c->bounds_kind, bottom, top, view->width_px,
                view->height_px);
}

/* ---- random cases ---- */

typedef struct totals {
    uint64_t pictures, lit_pictures, differing_pictures;
} totals;

static void compare_mark(exactness_case *c, gch_chart *chart, gch_chart_desc *desc, totals *sums)
{
    uint32_t width = desc->width_px, height = desc->height_px;
    gch_workers *workers = desc->workers;
    const gch_image *cpu = NULL;
    gch_image reference = {0};
    gch_status status = gch_chart_frame(chart, desc, &cpu, NULL, &err);
    if (status == GCH_OK) {
        desc->backend = GCH_BACKEND_REFERENCE;
        desc->workers = NULL;
        status = gch_chart_render(desc, &reference, NULL, &err);
        desc->backend = GCH_BACKEND_CPU;
        desc->workers = workers;
    }
    if (status != GCH_OK) {
        describe(c, desc);
        fail_msg("%s: %s", gch_status_name(status), err.message);
    }
    size_t pixel_count = (size_t)width * height;
    bool is_lit = false;
    for (size_t i = 0; i < pixel_count && !is_lit; i++)
        is_lit = reference.pixels[i] != 0xFF000000u;
    size_t first = 0;
    size_t count = count_differences(cpu, &reference, &first);
    sums->pictures++;
    sums->lit_pictures += is_lit;
    if (count > 0) {
        sums->differing_pictures++;
        describe(c, desc);
        print_error("  %zu px differ, the first at x %zu, y %zu: cpu %08" PRIx32
                    ", reference %08" PRIx32 "\n",
                    count, first % width, first / width, cpu->pixels[first],
                    reference.pixels[first]);
        char stem[64];
        snprintf(stem, sizeof stem, "exactness-%" PRIu64 "-%ux%u-%d", c->number, width, height,
                 (int)desc->series->mark);
        if (sums->differing_pictures <= REPORT_CAP)
            write_pictures(stem, cpu, &reference);
    }
    gch_image_destroy(&reference, NULL);
}

static void compare(exactness_case *c, const gch_file *file, gch_chart *chart, gch_workers *workers,
                    uint32_t width, uint32_t height, totals *sums)
{
    gch_view view = exactness_case_view(c, width, height);
    gch_chart_series series = {.file = file, .mark = GCH_MARK_LINE};
    gch_chart_desc desc = chart_desc(&series, &view, GCH_BACKEND_CPU);
    desc.workers = workers;
    compare_mark(c, chart, &desc, sums);
    series.mark = GCH_MARK_DENSITY; /* and how many points each pixel holds */
    if (width < 1920)
        compare_mark(c, chart, &desc, sums);
}

/* Areas, bars a point, and bars, candles and OHLC of a random width. */
static void compare_filled(exactness_case *c, const gch_file *file, gch_chart *chart,
                           gch_workers *workers, uint32_t width, uint32_t height, totals *sums)
{
    static const gch_mark marks[] = {GCH_MARK_AREA, GCH_MARK_BARS, GCH_MARK_BARS, GCH_MARK_CANDLES,
                                     GCH_MARK_OHLC};
    gch_view view = exactness_case_view(c, width, height);
    gch_chart_series series = {.file = file};
    gch_chart_desc desc = chart_desc(&series, &view, GCH_BACKEND_CPU);
    desc.workers = workers;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        series.mark = marks[i];
        if (i >= 2)
            desc.bar_width = exactness_case_bars(c, &view, &desc.time_zone);
        compare_mark(c, chart, &desc, sums);
    }
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

typedef void compare_fn(exactness_case *c, const gch_file *file, gch_chart *chart,
                        gch_workers *workers, uint32_t width, uint32_t height, totals *sums);

/* At least one picture in `black_share` shows something. */
static void compare_cases(compare_fn *compare_at, uint64_t black_share, bool is_large_too)
{
    uint64_t first = number_from_environment("GCH_EXACTNESS_FIRST", 0);
    uint64_t count = number_from_environment("GCH_EXACTNESS_CASES", DEFAULT_CASE_COUNT);
    totals sums = {0};
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(2, NULL, &workers, &err));
    for (uint64_t number = first; number < first + count; number++) {
        exactness_case c;
        exactness_case_make(&c, number);
        exactness_file o = exactness_case_open(&c, EXACTNESS_FOLDER);
        gch_chart *chart = NULL;
        assert_ok(gch_chart_make(NULL, &chart, &err));
        gch_workers *its_workers = number % 2 == 0 ? workers : NULL;
        compare_at(&c, o.file, chart, its_workers, 64, 48, &sums);
        compare_at(&c, o.file, chart, its_workers, 400, 200, &sums);
        if (is_large_too)
            compare_at(&c, o.file, chart, its_workers, 1920, 1080, &sums);
        /* An odd size; now and then the widest there is. */
        uint32_t width = 1 + (uint32_t)(test_random(&c.random) % 700);
        uint32_t height = 1 + (uint32_t)(test_random(&c.random) % 300);
        if (number % 50 == 7)
            width = GCH_VIEW_PX_MAX;
        compare_at(&c, o.file, chart, its_workers, width, height, &sums);
        gch_chart_destroy(chart);
        exactness_file_close(&o);
        exactness_case_free(&c);
        if (sums.differing_pictures >= REPORT_CAP)
            break;
    }
    gch_workers_destroy(workers);
    print_message("%" PRIu64 " pictures, %" PRIu64 " not black, %" PRIu64 " differ\n",
                  sums.pictures, sums.lit_pictures, sums.differing_pictures);
    assert_int_equal(sums.differing_pictures, 0);
    assert_true(sums.lit_pictures * black_share > sums.pictures || count < 50);
}

static void lines_of_cpu_and_reference_differ_in_no_pixel(void **state)
{
    (void)state;
    compare_cases(compare, 2, true);
}

static void areas_and_bars_of_cpu_and_reference_differ_in_no_pixel(void **state)
{
    (void)state;
    compare_cases(compare_filled, 3, false); /* fewer: between points there are no bars */
}

/* ---- planted faults ---- */

#define FAULT_ROWS 131072u
#define FAULT_PERIOD 41 /* values 0 to 40 in every block: 6 bits, as 0 to 63 would be */

static void *make_fault_file(size_t *out_byte_count)
{
    int64_t *times = malloc(FAULT_ROWS * sizeof *times);
    int32_t *values = malloc(FAULT_ROWS * sizeof *values);
    assert_true(times != NULL && values != NULL);
    for (uint32_t i = 0; i < FAULT_ROWS; i++) {
        times[i] = i;
        values[i] = (int32_t)(i % FAULT_PERIOD);
    }
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_I32};
    gch_writer_desc desc = {.time_unit = GCH_TIME_NS, .columns = &column, .column_count = 1};
    gch_writer *writer = NULL;
    void *bytes = NULL;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    gch_column_data data = {.values = values};
    assert_ok(gch_writer_append(writer, times, &data, FAULT_ROWS, &err));
    assert_ok(gch_writer_finish_memory(writer, &bytes, out_byte_count, &err));
    free(times);
    free(values);
    return bytes;
}

/* Puts all checksums right again after a change in the body of the one segment. */
static void fix_checksums(uint8_t *bytes, size_t byte_count, size_t changed_offset)
{
    gch__disk_commit trailer;
    memcpy(&trailer, bytes + byte_count - sizeof trailer, sizeof trailer);
    assert_int_equal(trailer.magic, GCH__MAGIC_COMMIT);
    gch__disk_footer *footer = (gch__disk_footer *)(void *)(bytes + trailer.footer_offset);
    assert_int_equal(footer->magic, GCH__MAGIC_FOOTER);
    assert_int_equal(footer->segment_count, 1);
    uint8_t *after_columns = bytes + trailer.footer_offset + sizeof *footer +
                             footer->column_count * sizeof(gch__disk_column);
    gch__disk_segment *segment = (gch__disk_segment *)(void *)after_columns;
    uint8_t *descriptor = bytes + segment->descriptor_offset;
    uint64_t *page_checksums = (uint64_t *)(void *)(descriptor + sizeof(gch__disk_descriptor) +
                                                    footer->column_count * sizeof(gch__disk_value));

    size_t page = (changed_offset - segment->offset) / GCH__PAGE_BYTES;
    page_checksums[page] =
        gch__checksum(bytes + segment->offset + page * GCH__PAGE_BYTES, GCH__PAGE_BYTES);
    segment->descriptor_checksum = gch__checksum(descriptor, segment->descriptor_bytes);
    uint64_t checksum = gch__checksum(footer, trailer.footer_bytes - sizeof checksum);
    memcpy(bytes + trailer.footer_offset + trailer.footer_bytes - sizeof checksum, &checksum,
           sizeof checksum);
}

static void render(const gch_file *file, const gch_view *view, gch_backend backend, gch_image *out)
{
    gch_chart_series series = {.file = file};
    gch_chart_desc desc = chart_desc(&series, view, backend);
    assert_ok(gch_chart_render(&desc, out, NULL, &err));
}

/* Raises one maximum at a level of the tree, in a file that is sound by every checksum. The columns
 * of the view are as wide as four nodes of the level, so that it is read. */
static void fault_is_seen(uint32_t level, uint32_t node, uint32_t rows_per_node)
{
    size_t byte_count;
    uint8_t *bytes = make_fault_file(&byte_count);
    gch_file *file = NULL;
    assert_ok(gch__file_open_memory(bytes, byte_count, "sound", NULL, &file, &err));
    assert_ok(gch_file_verify(file, NULL, NULL, &err));
    const gch__value_column *column = &gch__file_segment(file, 0)->columns[0];
    assert_true(level < column->level_count && node < column->level_counts[level]);
    assert_false(column->map.is_wide);
    const gch__pair32 *pair = (const gch__pair32 *)column->levels[level] + node;
    size_t offset = (size_t)((const uint8_t *)pair - bytes);
    assert_int_equal(pair->min, 0);
    assert_int_equal(pair->max, FAULT_PERIOD - 1);

    uint8_t *altered = aligned_alloc(64, (byte_count + 63) / 64 * 64);
    assert_non_null(altered);
    memcpy(altered, bytes, byte_count);
    gch__pair32 fault = {.min = 0, .max = 63};
    memcpy(altered + offset, &fault, sizeof fault);
    fix_checksums(altered, byte_count, offset);
    gch_file *faulty = NULL;
    assert_ok(gch__file_open_memory(altered, byte_count, "altered", NULL, &faulty, &err));
    assert_status(gch_file_verify(faulty, NULL, NULL, &err), GCH_CORRUPT);

    gch_view view = {.t0 = 0,
                     .t1 = FAULT_ROWS,
                     .bottom = {-10, 0},
                     .top = {90, 0},
                     .width_px = FAULT_ROWS / rows_per_node / 4,
                     .height_px = 100};
    gch_image sound_cpu = {0};
    gch_image sound_reference = {0};
    gch_image faulty_cpu = {0};
    gch_image faulty_reference = {0};
    render(file, &view, GCH_BACKEND_CPU, &sound_cpu);
    render(file, &view, GCH_BACKEND_REFERENCE, &sound_reference);
    render(faulty, &view, GCH_BACKEND_CPU, &faulty_cpu);
    render(faulty, &view, GCH_BACKEND_REFERENCE, &faulty_reference);
    size_t first = 0;
    assert_int_equal(count_differences(&sound_cpu, &sound_reference, &first), 0);
    assert_int_equal(count_differences(&faulty_reference, &sound_reference, &first), 0);
    /* One column, the rows of the values 41 to 63. */
    assert_int_equal(count_differences(&faulty_cpu, &faulty_reference, &first), 63 - 40);
    assert_int_equal(first % view.width_px, node / 4);
    assert_int_equal(first / view.width_px, 90 - 63);

    gch_image_destroy(&sound_cpu, NULL);
    gch_image_destroy(&sound_reference, NULL);
    gch_image_destroy(&faulty_cpu, NULL);
    gch_image_destroy(&faulty_reference, NULL);
    gch__file_close(faulty);
    gch__file_close(file);
    free(altered);
    gch_writer_free_memory(bytes, NULL);
}

static void a_fault_in_a_block_header_is_seen(void **state)
{
    (void)state;
    fault_is_seen(0, 201, 256);
}

static void a_fault_in_an_upper_level_is_seen(void **state)
{
    (void)state;
    fault_is_seen(1, 9, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_cpu_and_reference_differ_in_no_pixel),
        cmocka_unit_test(areas_and_bars_of_cpu_and_reference_differ_in_no_pixel),
        cmocka_unit_test(a_fault_in_a_block_header_is_seen),
        cmocka_unit_test(a_fault_in_an_upper_level_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
