/* Value ticks and fitted ranges: labels are the ticks' very values, at any scale. */
#include "test.h"

#include "scene_ticks.h"

#include <float.h>
#include <math.h>

static gch_decimal decimal(const char *text)
{
    gch_decimal value;
    if (!gch_decimal_parse(text, strlen(text), &value))
        fail_msg("'%s' is no decimal", text);
    return value;
}

/* The number that a label shows. */
static gch_decimal label_value(const char *label)
{
    char plain[64];
    size_t count = 0;
    for (const char *c = label; *c != '\0'; c++) {
        if (*c == ',')
            continue;
        if (strncmp(c, GCH__MINUS, 3) == 0) {
            plain[count++] = '-';
            c += 2;
            continue;
        }
        plain[count++] = *c;
    }
    plain[count] = '\0';
    return decimal(plain);
}

/* The labels from bottom to top, parted by blanks; a dot stands for a mark without one. */
static const char *labels(const char *bottom, const char *top, gch_value_axis axis, float height,
                          float gap)
{
    static char text[4096];
    gch__tick ticks[64];
    uint32_t count = gch__value_ticks(decimal(bottom), decimal(top), axis, height, gap, ticks, 64);
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(ticks[i].is_major, ticks[i].label[0] != '\0');
        assert_true(ticks[i].position >= 0 && ticks[i].position <= (double)height);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? " " : "",
                                   ticks[i].is_major ? ticks[i].label : ".");
    }
    return text;
}

static const char *linear(const char *bottom, const char *top)
{
    return labels(bottom, top, GCH_AXIS_LINEAR, 500, 64);
}

static void labels_share_their_decimals_and_are_exact(void **state)
{
    (void)state;
    assert_string_equal(linear("0", "1"), "0.0 0.2 0.4 0.6 0.8 1.0");
    assert_string_equal(linear("0.1", "0.7"), "0.1 0.2 0.3 0.4 0.5 0.6 0.7");
    assert_string_equal(linear("-3.2", "10.8"), "−2 0 2 4 6 8 10");
    assert_string_equal(linear("-0.00004", "0.00012"), "0.00000 0.00005 0.00010");
    assert_string_equal(linear("17.25", "17.75"), "17.3 17.4 17.5 17.6 17.7");
}

static void thousands_are_parted_on_an_axis_that_reaches_10000(void **state)
{
    (void)state;
    assert_string_equal(linear("0", "8000"), "0 2000 4000 6000 8000");
    assert_string_equal(linear("8000", "12000"), "8,000 9,000 10,000 11,000 12,000");
    assert_string_equal(linear("-50000", "0"), "−50,000 −40,000 −30,000 −20,000 −10,000 0");
    assert_string_equal(linear("950000", "1250000"),
                        "950,000 1,000,000 1,050,000 1,100,000 1,150,000 1,200,000 1,250,000");
}

static void far_from_one_labels_are_scientific_with_one_exponent(void **state)
{
    (void)state;
    assert_string_equal(linear("0", "1e9"), "0 0.2e9 0.4e9 0.6e9 0.8e9 1.0e9");
    assert_string_equal(linear("0", "2.2e-6"), "0 0.5e−6 1.0e−6 1.5e−6 2.0e−6");
    assert_string_equal(linear("-1e300", "1e300"), "−1.0e300 −0.5e300 0 0.5e300 1.0e300");
    assert_string_equal(linear("0", "3e-300"),
                        "0 0.5e−300 1.0e−300 1.5e−300 2.0e−300 2.5e−300 3.0e−300");
    assert_string_equal(linear("1e-300", "1e300"), "0.2e300 0.4e300 0.6e300 0.8e300 1.0e300");
}

static void a_small_span_on_a_large_offset_keeps_its_digits(void **state)
{
    (void)state;
    assert_string_equal(linear("123456789.0001", "123456789.0002"),
                        "123,456,789.00010 123,456,789.00012 123,456,789.00014 "
                        "123,456,789.00016 123,456,789.00018 123,456,789.00020");
    assert_string_equal(
        labels("999999999999999997", "999999999999999999", GCH_AXIS_LINEAR, 200, 80),
        "999,999,999,999,999,997 999,999,999,999,999,998 "
        "999,999,999,999,999,999");
    assert_string_equal(labels("1709294400000", "1709294404000", GCH_AXIS_LINEAR, 200, 80),
                        "1,709,294,400,000 1,709,294,402,000 1,709,294,404,000");
    assert_string_equal(labels("1e300", "1.00000001e300", GCH_AXIS_LINEAR, 500, 200),
                        "1.000000000e300 1.000000005e300 1.000000010e300");
}

static void log_axes_have_decades_then_2_and_5_then_steps(void **state)
{
    (void)state;
    assert_string_equal(labels("0.001", "1000000", GCH_AXIS_LOG, 500, 40),
                        "0.001 0.01 0.1 1 10 100 1,000 10,000 100,000 1,000,000");
    assert_string_equal(labels("3", "400", GCH_AXIS_LOG, 500, 40),
                        ". . 5 . . . . 10 20 . . 50 . . . . 100 200 . .");
    assert_string_equal(labels("20", "80", GCH_AXIS_LOG, 500, 40), "20 30 40 50 60 70 80");
    assert_string_equal(labels("1e-12", "1e12", GCH_AXIS_LOG, 250, 40),
                        ". . 1e−10 . . . . 1e−5 . . . . 1e0 . . . . 1e5 . . . . 1e10 . .");
    assert_string_equal(labels("1e-300", "1e300", GCH_AXIS_LOG, 500, 80),
                        "1e−300 1e−200 1e−100 1e0 1e100 1e200 1e300");
    assert_string_equal(labels("100.001", "100.002", GCH_AXIS_LOG, 500, 200),
                        "100.0010 100.0015 100.0020");
}

static void log_positions_are_logarithmic(void **state)
{
    (void)state;
    gch__tick ticks[64];
    uint32_t count =
        gch__value_ticks(decimal("1"), decimal("1000"), GCH_AXIS_LOG, 300, 40, ticks, 64);
    for (uint32_t i = 0; i < count; i++)
        if (ticks[i].is_major) {
            double value = gch_decimal_to_double(label_value(ticks[i].label));
            assert_true(fabs(ticks[i].position - 300 * (1 - log10(value) / 3)) < 1e-6);
        }
    /* And so within a decade. */
    count = gch__value_ticks(decimal("20"), decimal("80"), GCH_AXIS_LOG, 500, 40, ticks, 64);
    assert_int_equal(count, 7);
    for (uint32_t i = 0; i < count; i++) {
        double value = gch_decimal_to_double(label_value(ticks[i].label));
        assert_true(fabs(ticks[i].position - 500 * log(80 / value) / log(4)) < 1e-6);
    }
}

static void degenerate_views_have_no_ticks(void **state)
{
    (void)state;
    gch__tick ticks[4];
    gch_decimal one = decimal("1"), two = decimal("2");
    assert_int_equal(gch__value_ticks(one, one, GCH_AXIS_LINEAR, 100, 20, ticks, 4), 0);
    assert_int_equal(gch__value_ticks(two, one, GCH_AXIS_LINEAR, 100, 20, ticks, 4), 0);
    assert_int_equal(gch__value_ticks(one, two, GCH_AXIS_LINEAR, 0, 20, ticks, 4), 0);
    assert_int_equal(gch__value_ticks(one, two, GCH_AXIS_LINEAR, NAN, 20, ticks, 4), 0);
    assert_int_equal(gch__value_ticks(one, two, GCH_AXIS_LINEAR, 100, 20, ticks, 0), 0);
    assert_int_equal(gch__value_ticks(decimal("0"), one, GCH_AXIS_LOG, 100, 20, ticks, 4), 0);
    assert_int_equal(gch__value_ticks(decimal("-5"), one, GCH_AXIS_LOG, 100, 20, ticks, 4), 0);
    /* Few places for ticks: larger steps, not a row cut short. */
    assert_int_equal(gch__value_ticks(decimal("0"), one, GCH_AXIS_LINEAR, 1000, 20, ticks, 4), 3);
    assert_string_equal(ticks[2].label, "1.0");
    /* A low plot between two round values still says where it is. */
    assert_string_equal(labels("5.3", "5.7", GCH_AXIS_LINEAR, 20, 64), "5.5");
}

/* Exact comparison of the label with the tick's place: position = (top - v) / (top - bottom). */
static void any_linear_view_has_true_evenly_spaced_labels(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int i = 0; i < 5000; i++) {
        int32_t exp10 = (int32_t)(test_random(&seed) % 601) - 300;
        if (i % 2 == 0)
            exp10 = (int32_t)(test_random(&seed) % 13) - 6;
        /* 16 digits: a label needs two more, and decimals are read up to 18. */
        int64_t digits = (int64_t)test_random(&seed) >> (12 + test_random(&seed) % 50);
        int64_t span = 1 + (int64_t)(test_random(&seed) >> (12 + test_random(&seed) % 50));
        if (digits > INT64_MAX - span)
            continue;
        gch_decimal bottom = {.digits = digits, .exp10 = exp10};
        gch_decimal top = {.digits = digits + span, .exp10 = exp10};
        float height = (float)(50 + test_random(&seed) % 3000);
        float gap = height / (float)(5 + test_random(&seed) % 20);
        gap = gap < 4 ? 4 : gap;

        gch__tick ticks[64];
        uint32_t count = gch__value_ticks(bottom, top, GCH_AXIS_LINEAR, height, gap, ticks, 64);
        if (height >= 5 * gap && count < 2)
            fail_msg("%lld + %lld e %d: %u ticks", (long long)digits, (long long)span, exp10,
                     count);
        for (uint32_t k = 0; k < count; k++) {
            assert_true(ticks[k].position >= 0 && ticks[k].position <= (double)height);
            assert_true(strlen(ticks[k].label) < sizeof ticks[k].label - 1);
            if (k > 0) {
                assert_true(ticks[k - 1].position - ticks[k].position >= (double)gap * 0.999);
                assert_string_not_equal(ticks[k - 1].label, ticks[k].label);
            }
            gch_decimal value = label_value(ticks[k].label);
            /* value - bottom in units of bottom's exponent, in 128 bits while that fits. */
            int32_t shift = value.exp10 - exp10;
            if (shift < -12 || shift > 18)
                continue;
            __int128 above = value.digits, down = 1;
            for (int32_t s = 0; s < shift; s++)
                above *= 10;
            for (int32_t s = 0; s > shift; s--)
                down *= 10;
            double position =
                (double)((__int128)(digits + span) * down - above) / (double)(span * down);
            if (fabs(position * (double)height - ticks[k].position) > 1e-6 * (double)height)
                fail_msg("'%s' at %f, expected %f", ticks[k].label, ticks[k].position,
                         position * (double)height);
        }
    }
}

/* ---- fitting ---- */

static gch_value f64(double value)
{
    return (gch_value){.as.f64 = value, .kind = GCH_VALUE_F64};
}

static gch_value scaled(int64_t digits, uint8_t scale)
{
    return (gch_value){.as.digits = digits, .kind = GCH_VALUE_DECIMAL, .scale = scale};
}

static void assert_fit(gch_value min, gch_value max, gch_value_axis axis, bool is_zero_based,
                       const char *bottom, const char *top)
{
    gch_decimal got_bottom, got_top;
    gch__fit_range(min, max, axis, is_zero_based, &got_bottom, &got_top);
    char text[48];
    gch_decimal_format(got_bottom, text, sizeof text);
    assert_string_equal(text, bottom);
    gch_decimal_format(got_top, text, sizeof text);
    assert_string_equal(text, top);
}

static void fit_pads_to_short_decimals(void **state)
{
    (void)state;
    assert_fit(f64(0), f64(1), GCH_AXIS_LINEAR, false, "-0.05", "1.05");
    assert_fit(scaled(-320, 2), scaled(1080, 2), GCH_AXIS_LINEAR, false, "-3.9", "11.5");
    assert_fit(scaled(999999999999999990, 0), scaled(999999999999999999, 0), GCH_AXIS_LINEAR, false,
               "999999999999999989", "1000000000000000000");
    assert_fit(f64(-1e300), f64(1e300), GCH_AXIS_LINEAR, false, "-1.09e+300", "1.09e+300");
}

static void fit_of_a_constant_or_of_nothing_has_a_sensible_span(void **state)
{
    (void)state;
    assert_fit(f64(0), f64(0), GCH_AXIS_LINEAR, false, "-1", "1");
    assert_fit(f64(0), f64(0), GCH_AXIS_LINEAR, true, "0", "1");
    assert_fit(f64(5), f64(5), GCH_AXIS_LINEAR, false, "4.728", "5.272");
    assert_fit(f64(-5), f64(-5), GCH_AXIS_LINEAR, true, "-5.22", "0");
    assert_fit((gch_value){0}, (gch_value){0}, GCH_AXIS_LINEAR, false, "0", "1");
    assert_fit((gch_value){0}, f64(3), GCH_AXIS_LOG, false, "1", "10");
    assert_fit(f64((double)NAN), f64((double)INFINITY), GCH_AXIS_LINEAR, false, "0", "1");
}

static void fit_keeps_zero_at_the_edge_of_zero_based_marks(void **state)
{
    (void)state;
    assert_fit(f64(2), f64(10), GCH_AXIS_LINEAR, true, "0", "10.5");
    assert_fit(f64(0), f64(10), GCH_AXIS_LINEAR, true, "0", "10.5");
    assert_fit(f64(-10), f64(-2), GCH_AXIS_LINEAR, true, "-10.5", "0");
    assert_fit(f64(-10), f64(10), GCH_AXIS_LINEAR, true, "-10.9", "10.9");
}

static void fit_of_a_log_axis_stays_positive(void **state)
{
    (void)state;
    assert_fit(f64(1), f64(1000), GCH_AXIS_LOG, false, "0.732", "1370");
    assert_fit(f64(-5), f64(1000), GCH_AXIS_LOG, false, "0.732", "1370");
    assert_fit(f64(0), f64(1000), GCH_AXIS_LOG, true, "0.732", "1370");
    assert_fit(f64(-5), f64(0), GCH_AXIS_LOG, false, "1", "10");
    assert_fit(f64(100), f64(101), GCH_AXIS_LOG, false, "99.95", "101.05");
    gch_decimal bottom, top;
    gch__fit_range(f64(5e-324), f64(DBL_MAX), GCH_AXIS_LOG, false, &bottom, &top);
    assert_true(gch_decimal_to_double(bottom) > 0);
    assert_true(isfinite(gch_decimal_to_double(top)));
}

static void fit_surrounds_any_data_with_about_a_twentieth(void **state)
{
    (void)state;
    uint64_t seed = 12;
    for (int i = 0; i < 20000; i++) {
        int64_t a = (int64_t)test_random(&seed) >> (2 + test_random(&seed) % 61);
        int64_t span = 1 + (int64_t)(test_random(&seed) >> (2 + test_random(&seed) % 61));
        uint8_t scale = (uint8_t)(test_random(&seed) % 19);
        gch_decimal bottom, top;
        gch__fit_range(scaled(a, scale), scaled(a + span, scale), GCH_AXIS_LINEAR, false, &bottom,
                       &top);
        /* The padding on both sides in units of 10^-scale, exactly. */
        __int128 low = bottom.digits, high = top.digits, unit_low = 1, unit_high = 1;
        int32_t low_exp = bottom.exp10 + scale, high_exp = top.exp10 + scale;
        assert_true(low_exp > -12 && low_exp < 20 && high_exp > -12 && high_exp < 20);
        for (; low_exp > 0; low_exp--)
            low *= 10;
        for (; low_exp < 0; low_exp++)
            unit_low *= 10;
        for (; high_exp > 0; high_exp--)
            high *= 10;
        for (; high_exp < 0; high_exp++)
            unit_high *= 10;
        double below = (double)((__int128)a * unit_low - low) / (double)unit_low / (double)span;
        double above =
            (double)(high - (__int128)(a + span) * unit_high) / (double)unit_high / (double)span;
        /* Where 18 digits cannot show a twentieth of the span the next coarser step is taken. */
        bool is_coarse = (double)span < 1e-15 * fabs((double)a);
        if (below < 0.0429 || above < 0.0429 || (!is_coarse && (below > 0.0535 || above > 0.0535)))
            fail_msg("%lld + %lld: %f below, %f above", (long long)a, (long long)span, below,
                     above);
    }
}

static void fit_stays_within_the_doubles(void **state)
{
    (void)state;
    gch_decimal bottom, top;
    gch__fit_range(f64(-DBL_MAX), f64(DBL_MAX), GCH_AXIS_LINEAR, false, &bottom, &top);
    assert_true(gch_decimal_to_double(bottom) == -DBL_MAX);
    assert_true(gch_decimal_to_double(top) == DBL_MAX);
    gch__fit_range(f64(0), f64(5e-324), GCH_AXIS_LINEAR, false, &bottom, &top);
    assert_true(bottom.exp10 >= -GCH_DECIMAL_EXP10_MAX && top.exp10 >= -GCH_DECIMAL_EXP10_MAX);
    assert_true(bottom.digits < 0 && top.digits > 0);
}

static void labels_are_cut_to_their_room(void **state)
{
    (void)state;
    char text[6];
    gch__tick_text label = gch__tick_text_start(text, sizeof text);
    gch__tick_text_add_number(&label, 1234567, 0, true);
    assert_string_equal(text, "1,234");
    gch__tick_text_add(&label, "more");
    assert_string_equal(text, "1,234");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_share_their_decimals_and_are_exact),
        cmocka_unit_test(thousands_are_parted_on_an_axis_that_reaches_10000),
        cmocka_unit_test(far_from_one_labels_are_scientific_with_one_exponent),
        cmocka_unit_test(a_small_span_on_a_large_offset_keeps_its_digits),
        cmocka_unit_test(log_axes_have_decades_then_2_and_5_then_steps),
        cmocka_unit_test(log_positions_are_logarithmic),
        cmocka_unit_test(degenerate_views_have_no_ticks),
        cmocka_unit_test(any_linear_view_has_true_evenly_spaced_labels),
        cmocka_unit_test(fit_pads_to_short_decimals),
        cmocka_unit_test(fit_of_a_constant_or_of_nothing_has_a_sensible_span),
        cmocka_unit_test(fit_keeps_zero_at_the_edge_of_zero_based_marks),
        cmocka_unit_test(fit_of_a_log_axis_stays_positive),
        cmocka_unit_test(fit_surrounds_any_data_with_about_a_twentieth),
        cmocka_unit_test(fit_stays_within_the_doubles),
        cmocka_unit_test(labels_are_cut_to_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
