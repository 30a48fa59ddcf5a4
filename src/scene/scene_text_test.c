/* Tests of the embedded font: decoding, measuring, glyph bitmaps, and running out of memory. */
#include "scene.h"
#include "test.h"

#include <math.h>

static uint32_t decode_one(const char *text, size_t bytes, size_t *out_used)
{
    *out_used = 0;
    return gch__utf8_next(text, bytes, out_used);
}

static void utf8_decodes_each_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        uint32_t code_point;
    } cases[] = {
        {"A", 1, 'A'},
        {"\xC2\xB0", 2, 0xB0},
        {"\xDF\xBF", 2, 0x7FF},
        {"\xE0\xA0\x80", 3, 0x800},
        {"\xE2\x80\xA6", 3, 0x2026},
        {"\xEF\xBF\xBF", 3, 0xFFFF},
        {"\xF0\x90\x80\x80", 4, 0x10000},
        {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        size_t used;
        assert_int_equal(decode_one(cases[i].text, cases[i].bytes, &used), cases[i].code_point);
        assert_int_equal(used, cases[i].bytes);
    }
}

static void utf8_replaces_malformed_bytes_one_at_a_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } cases[] = {
        {"\x80", 1},             /* a continuation alone */
        {"\xC0\xAF", 2},         /* overlong */
        {"\xC1\xBF", 2},         /* overlong */
        {"\xE0\x9F\xBF", 3},     /* overlong */
        {"\xF0\x8F\xBF\xBF", 4}, /* overlong */
        {"\xED\xA0\x80", 3},     /* a surrogate */
        {"\xF4\x90\x80\x80", 4}, /* above U+10FFFF */
        {"\xF5\x80\x80\x80", 4}, /* no such lead */
        {"\xFF", 1},
        {"\xC2", 1},         /* cut */
        {"\xE2\x80", 2},     /* cut */
        {"\xF0\x9F\x98", 3}, /* cut */
        {"\xC2"
         "A",
         2}, /* no continuation */
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        size_t used;
        assert_int_equal(decode_one(cases[i].text, cases[i].bytes, &used), 0xFFFD);
        assert_int_equal(used, 1);
    }
}

static void utf8_reads_nothing_beyond_its_bytes(void **state)
{
    (void)state;
    for (uint32_t lead = 0; lead < 256; lead++) {
        char *text =
            malloc(1); /* a heap block of its own, so that the sanitizer sees a read past */
        assert_non_null(text);
        text[0] = (char)lead;
        size_t used;
        uint32_t code_point = decode_one(text, 1, &used);
        assert_int_equal(code_point, lead < 0x80 ? lead : 0xFFFD);
        assert_int_equal(used, 1);
        free(text);
    }
}

static void width_grows_with_size_and_weight(void **state)
{
    (void)state;
    const char text[] = "Pressure (hPa)";
    float at_12 = gch__text_width(text, strlen(text), 12, GCH__FONT_REGULAR);
    float at_24 = gch__text_width(text, strlen(text), 24, GCH__FONT_REGULAR);
    float medium = gch__text_width(text, strlen(text), 12, GCH__FONT_MEDIUM);
    assert_true(at_12 > 60 && at_12 < 110);
    assert_true(fabsf(at_24 - 2 * at_12) < 0.01f);
    assert_true(medium > at_12);
    assert_true(gch__text_width("", 0, 12, GCH__FONT_REGULAR) == 0);
}

static void digits_share_one_width(void **state)
{
    (void)state;
    for (int weight = GCH__FONT_REGULAR; weight <= GCH__FONT_MEDIUM; weight++) {
        float zero = gch__text_width("0", 1, 12, (gch__font_weight)weight);
        for (char digit = '1'; digit <= '9'; digit++)
            assert_true(gch__text_width(&digit, 1, 12, (gch__font_weight)weight) == zero);
        float row = gch__text_width("0123456789", 10, 12, (gch__font_weight)weight);
        assert_true(fabsf(row - 10 * zero) < 0.001f); /* and no kerning among them */
    }
}

static void kerning_draws_pairs_together_and_counts_in_the_width(void **state)
{
    (void)state;
    float kerning = gch__font_kerning('A', 'V', 100, GCH__FONT_REGULAR);
    assert_true(kerning < -1);
    float both = gch__text_width("AV", 2, 100, GCH__FONT_REGULAR);
    float a = gch__text_width("A", 1, 100, GCH__FONT_REGULAR);
    float v = gch__text_width("V", 1, 100, GCH__FONT_REGULAR);
    assert_true(fabsf(both - (a + v + kerning)) < 0.01f);
}

static void metrics_scale_with_the_size(void **state)
{
    (void)state;
    gch__font_metrics metrics = gch__font_get_metrics(16, GCH__FONT_MEDIUM);
    assert_true(metrics.ascent > metrics.cap_height);
    assert_true(metrics.cap_height > 10 && metrics.cap_height < 13);
    assert_true(metrics.descent > 2 && metrics.descent < 6);
}

/* Sum of coverage in px. */
static double ink(const gch__glyph *glyph)
{
    double sum = 0;
    for (size_t i = 0; i < (size_t)glyph->width * glyph->height; i++)
        sum += glyph->coverage[i];
    return sum / 255;
}

static void glyph_bitmap_sits_on_the_baseline(void **state)
{
    (void)state;
    gch_error err;
    gch__glyph_cache *cache = NULL;
    assert_ok(gch__glyph_cache_make(NULL, &cache, &err));
    const gch__glyph *glyph = NULL;
    assert_ok(gch__glyph_get(cache, 'H', 100, GCH__FONT_REGULAR, 0, &glyph, &err));
    gch__font_metrics metrics = gch__font_get_metrics(100, GCH__FONT_REGULAR);
    assert_int_equal(glyph->y + (int32_t)glyph->height, 0);
    assert_true(fabs((double)glyph->height - (double)metrics.cap_height) <= 1);
    assert_true(glyph->width > 40 && glyph->width < 80);
    double area = ink(glyph);
    assert_true(area > 1000 && area < 4000);
    assert_true(fabsf(glyph->advance - gch__text_width("H", 1, 100, GCH__FONT_REGULAR)) < 0.001f);
    gch__glyph_cache_destroy(cache);
}

static void subpixel_position_moves_ink_to_the_right(void **state)
{
    (void)state;
    gch_error err;
    gch__glyph_cache *cache = NULL;
    assert_ok(gch__glyph_cache_make(NULL, &cache, &err));
    double before = -1;
    for (uint32_t subpixel = 0; subpixel < 4; subpixel++) {
        const gch__glyph *glyph = NULL;
        assert_ok(gch__glyph_get(cache, 'l', 12, GCH__FONT_REGULAR, subpixel, &glyph, &err));
        double centre = 0;
        for (uint32_t y = 0; y < glyph->height; y++)
            for (uint32_t x = 0; x < glyph->width; x++)
                centre += (glyph->x + (double)x + 0.5) * glyph->coverage[y * glyph->width + x];
        centre /= ink(glyph) * 255;
        /* A quarter, give or take: a pixel's coverage counts at its centre wherever the ink is. */
        if (subpixel > 0)
            assert_true(centre - before > 0.1 && centre - before < 0.4);
        before = centre;
    }
    gch__glyph_cache_destroy(cache);
}

static void blank_and_missing_glyphs_are_served(void **state)
{
    (void)state;
    gch_error err;
    gch__glyph_cache *cache = NULL;
    assert_ok(gch__glyph_cache_make(NULL, &cache, &err));
    const gch__glyph *glyph = NULL;
    assert_ok(gch__glyph_get(cache, ' ', 12, GCH__FONT_REGULAR, 0, &glyph, &err));
    assert_int_equal(glyph->width * glyph->height, 0);
    assert_true(glyph->advance > 2);
    assert_ok(gch__glyph_get(cache, 0x1F600, 12, GCH__FONT_REGULAR, 0, &glyph, &err));
    assert_true(glyph->advance > 0);
    assert_ok(gch__glyph_get(cache, 0xFFFFFFFF, 12, GCH__FONT_REGULAR, 9, &glyph, &err));
    gch__glyph_cache_destroy(cache);
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    gch_error err;
    gch__glyph_cache *cache = NULL;
    assert_ok(gch__glyph_cache_make(NULL, &cache, &err));
    const gch__glyph *glyph = NULL;
    const float sizes[] = {0, -1, NAN, INFINITY, 1e9f};
    for (size_t i = 0; i < GCH_COUNT_OF(sizes); i++)
        assert_status(gch__glyph_get(cache, 'A', sizes[i], GCH__FONT_REGULAR, 0, &glyph, &err),
                      GCH_INVALID);
    gch__glyph_cache_destroy(cache);
}

/* Allocation number `fail_at` (counted from 0) fails, and all after it. */
typedef struct counting {
    size_t calls, fail_at, live;
} counting;

static void *counting_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    counting *count = context;
    if (bytes == 0) {
        count->live -= old != NULL;
        free(old);
        return NULL;
    }
    if (count->calls++ >= count->fail_at)
        return NULL;
    void *memory = realloc(old, bytes);
    count->live += old == NULL;
    return memory;
}

static void cached_glyphs_allocate_nothing_and_stay_where_they_are(void **state)
{
    (void)state;
    gch_error err;
    counting count = {.fail_at = SIZE_MAX};
    gch_allocator allocator = {counting_resize, &count};
    gch__glyph_cache *cache = NULL;
    assert_ok(gch__glyph_cache_make(&allocator, &cache, &err));
    const gch__glyph *first[1024];
    for (uint32_t pass = 0; pass < 2; pass++) {
        size_t calls = count.calls;
        for (uint32_t i = 0; i < 1024; i++) { /* enough to grow the table */
            const gch__glyph *glyph = NULL;
            assert_ok(gch__glyph_get(cache, 32 + i % 64, i < 512 ? 12 : 13,
                                     (gch__font_weight)(i / 256 % 2), i / 64 % 4, &glyph, &err));
            if (pass == 0)
                first[i] = glyph;
            assert_ptr_equal(glyph, first[i]);
        }
        if (pass == 1)
            assert_int_equal(count.calls, calls);
    }
    assert_ptr_not_equal(first[0], first[512]);
    assert_ptr_not_equal(first[0], first[256]);
    assert_ptr_not_equal(first[0], first[64]);
    gch__glyph_cache_destroy(cache);
    assert_int_equal(count.live, 0);
}

static void each_failing_allocation_gives_no_memory_and_leaks_nothing(void **state)
{
    (void)state;
    gch_error err;
    size_t fail_at = 0;
    for (bool is_done = false; !is_done; fail_at++) {
        assert_true(fail_at < 1000);
        counting count = {.fail_at = fail_at};
        gch_allocator allocator = {counting_resize, &count};
        gch__glyph_cache *cache = NULL;
        gch_status status = gch__glyph_cache_make(&allocator, &cache, &err);
        const gch__glyph *glyph = NULL;
        if (status == GCH_OK) /* wide enough that the scan line comes from the heap */
            status = gch__glyph_get(cache, '@', 200, GCH__FONT_MEDIUM, 1, &glyph, &err);
        is_done = status == GCH_OK;
        if (!is_done)
            assert_int_equal(status, GCH_NO_MEMORY);
        gch__glyph_cache_destroy(cache);
        assert_int_equal(count.live, 0);
    }
    assert_true(fail_at > 5); /* stb_truetype's own allocations were reached */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_decodes_each_length),
        cmocka_unit_test(utf8_replaces_malformed_bytes_one_at_a_time),
        cmocka_unit_test(utf8_reads_nothing_beyond_its_bytes),
        cmocka_unit_test(width_grows_with_size_and_weight),
        cmocka_unit_test(digits_share_one_width),
        cmocka_unit_test(kerning_draws_pairs_together_and_counts_in_the_width),
        cmocka_unit_test(metrics_scale_with_the_size),
        cmocka_unit_test(glyph_bitmap_sits_on_the_baseline),
        cmocka_unit_test(subpixel_position_moves_ink_to_the_right),
        cmocka_unit_test(blank_and_missing_glyphs_are_served),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(cached_glyphs_allocate_nothing_and_stay_where_they_are),
        cmocka_unit_test(each_failing_allocation_gives_no_memory_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
