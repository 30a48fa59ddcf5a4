/* The quality controller against simulated devices, frame by frame. */
#include "render_quality.h"

#include "base.h"
#include "test.h"

#define POINTS 100000000u

/* A device that counts points at a cost, and a view of POINTS. */
typedef struct device {
    double unit_ms, rest_ms;
    uint64_t noise; /* 0: none; else +- 30 % */
    uint64_t counted;
    uint32_t step;
} device;

static gch__quality_plan draw(gch__quality *quality, const gch__quality_desc *desc, device *d,
                              gch__motion motion)
{
    gch__quality_plan plan = gch__quality_begin(quality, desc, motion);
    gch__quality_costs costs = {.rest_ms = d->rest_ms};
    if (motion == GCH__MOTION_JUMP || plan.step != d->step)
        d->counted = 0;
    d->step = plan.step;
    uint64_t whole = plan.step == 1 ? POINTS : POINTS / (GCH__STRATA * plan.step * plan.step);
    if (d->counted == 0)
        costs.least_units = POINTS / (GCH__STRATA * plan.step * plan.step);
    costs.units = GCH_MAX(plan.units, GCH_MAX(costs.least_units, POINTS / GCH__REST_PARTS));
    costs.units = GCH_MIN(costs.units, whole - d->counted);
    d->counted += costs.units;
    double factor =
        d->noise == 0 ? 1 : 0.7 + 0.6 * (double)(test_random(&d->noise) >> 11) * 0x1p-53;
    costs.work_ms = (double)costs.units * d->unit_ms * factor;
    gch__quality_end(quality, desc, &costs);
    return plan;
}

static const gch__quality_desc automatic = {.quality = GCH_QUALITY_AUTO};

static void a_frame_does_what_the_budget_lets_it_once_costs_are_known(void **state)
{
    (void)state;
    static const double budgets[] = {0, 4, 16, 40};
    for (size_t i = 0; i < GCH_COUNT_OF(budgets); i++) {
        gch__quality quality = {0};
        gch__quality_desc desc = {.quality = GCH_QUALITY_AUTO, .budget_ms = budgets[i]};
        device d = {.unit_ms = 4e-7, .rest_ms = 1};
        gch__quality_plan plan = draw(&quality, &desc, &d, GCH__MOTION_JUMP);
        assert_int_equal(plan.units, 0); /* nothing is known: the least share */
        for (int frame = 0; frame < 4; frame++)
            plan = draw(&quality, &desc, &d, frame == 0 ? GCH__MOTION_REST : GCH__MOTION_JUMP);
        double ms = (double)plan.units * d.unit_ms + d.rest_ms;
        double budget = budgets[i] > 0 ? budgets[i] : 16;
        assert_true(ms <= budget && ms >= budget * 0.75);
        assert_int_equal(plan.step, 1);
    }
}

/* As after frames that were exact. */
static void a_first_frame_may_be_of_a_view_that_was_there(void **state)
{
    (void)state;
    for (gch__motion motion = GCH__MOTION_REST; motion <= GCH__MOTION_JUMP; motion++) {
        gch__quality quality = {0};
        assert_int_equal(gch__quality_begin(&quality, &automatic, motion).step, 1);
    }
}

static void a_fast_device_is_exact_from_the_second_frame_on(void **state)
{
    (void)state;
    gch__quality quality = {0};
    device d = {.unit_ms = 1e-8, .rest_ms = 1};
    (void)draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
    assert_true(d.counted < POINTS);
    (void)draw(&quality, &automatic, &d, GCH__MOTION_REST);
    assert_int_equal(d.counted, POINTS);
    (void)draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
    assert_int_equal(d.counted, POINTS);
}

static void a_view_at_rest_is_exact_within_the_stated_frames_on_any_device(void **state)
{
    (void)state;
    for (double unit_ms = 1e-9; unit_ms < 1; unit_ms *= 7) {
        gch__quality quality = {0};
        device d = {.unit_ms = unit_ms, .rest_ms = 3, .noise = 5};
        for (int frame = 0; frame < 20; frame++)
            (void)draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
        uint32_t frames = 0;
        while (d.step > 1 || d.counted < POINTS) {
            (void)draw(&quality, &automatic, &d, GCH__MOTION_REST);
            assert_true(++frames < GCH__REST_PARTS + GCH__REST_FRAMES);
        }
    }
}

/* Load comes and goes: the budget is kept again after a few frames. */
static void the_share_follows_the_load(void **state)
{
    (void)state;
    gch__quality quality = {0};
    device d = {.unit_ms = 1e-7, .rest_ms = 1};
    gch__quality_plan plan;
    static const double loads[] = {2e-7, 8e-7, 1.5e-7, 3e-7};
    for (size_t i = 0; i < GCH_COUNT_OF(loads); i++) {
        d.unit_ms = loads[i];
        for (int frame = 0; frame < 8; frame++)
            plan = draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
        double ms = (double)plan.units * d.unit_ms;
        assert_true(ms > 15 * 0.9 * 0.8 && ms < 15 * 0.9 * 1.2);
    }
    /* A first frame that has loaded and compiled everything is soon forgotten. */
    quality = (gch__quality){0};
    d.unit_ms = 1e-5;
    (void)draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
    d.unit_ms = 1e-7;
    for (int frame = 0; frame < 8; frame++)
        plan = draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
    assert_true((double)plan.units * d.unit_ms > 15 * 0.9 * 0.8);
}

/* Whatever a device takes, its resolution settles, noise or not. */
static void resolution_falls_only_where_it_must_and_does_not_swing(void **state)
{
    (void)state;
    uint32_t seen = 0;
    for (double unit_ms = 1e-8; unit_ms < 1e-3; unit_ms *= 1.07) {
        gch__quality quality = {0};
        device d = {.unit_ms = unit_ms, .rest_ms = 2};
        uint32_t changes = 0, step = 1;
        for (int frame = 0; frame < 200; frame++) {
            gch__quality_plan plan = draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
            changes += plan.step != step ? 1 : 0;
            step = plan.step;
        }
        assert_true(changes <= 2); /* 1 to 2, 2 to 4 */
        double least_ms = POINTS / GCH__STRATA * unit_ms;
        assert_int_equal(step == 1, least_ms <= 14 * 0.9 * 1.25);
        seen |= step;
    }
    assert_int_equal(seen, 7);
    for (double unit_ms = 1e-7; unit_ms < 1e-4; unit_ms *= 1.3) {
        gch__quality quality = {0};
        device d = {.unit_ms = unit_ms, .rest_ms = 2, .noise = 9};
        uint32_t changes = 0, step = 1;
        for (int frame = 0; frame < 500; frame++) {
            gch__quality_plan plan = draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
            changes += plan.step != step ? 1 : 0;
            step = plan.step;
        }
        assert_true(changes <= 4);
    }
}

static void resolution_comes_back_when_the_load_goes_and_when_the_view_rests(void **state)
{
    (void)state;
    gch__quality quality = {0};
    device d = {.unit_ms = 3e-5, .rest_ms = 2};
    for (int frame = 0; frame < 10; frame++)
        (void)draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
    assert_int_equal(quality.step, 4);
    for (uint32_t frame = 1; frame < GCH__REST_FRAMES; frame++)
        assert_int_equal(draw(&quality, &automatic, &d, GCH__MOTION_REST).step, 4);
    assert_int_equal(draw(&quality, &automatic, &d, GCH__MOTION_REST).step, 1);
    /* A pan keeps what is there; another view has the resolution that fits again. */
    assert_int_equal(draw(&quality, &automatic, &d, GCH__MOTION_PAN).step, 1);
    assert_int_equal(draw(&quality, &automatic, &d, GCH__MOTION_JUMP).step, 4);
    d.unit_ms = 1e-7;
    for (int frame = 0; frame < 40; frame++)
        (void)draw(&quality, &automatic, &d, GCH__MOTION_JUMP);
    assert_int_equal(quality.step, 1);
}

static void exact_and_pinned_frames_ignore_the_budget(void **state)
{
    (void)state;
    gch__quality quality = {0};
    gch__quality_desc desc = {.quality = GCH_QUALITY_EXACT, .budget_ms = 1e-3};
    device d = {.unit_ms = 1, .rest_ms = 1};
    static const uint32_t steps[] = {4, 2, 1, 1, 1, 1, 1}, strata[] = {1, 1, 1, 2, 4, 8, 16};
    for (int frame = 0; frame < 10; frame++) {
        gch__quality_plan plan = draw(&quality, &desc, &d, GCH__MOTION_JUMP);
        assert_int_equal(plan.is_bounded, false);
        assert_int_equal(plan.step, 1);
        assert_int_equal(plan.strata, GCH__STRATA);
    }
    desc.quality = GCH_QUALITY_PINNED;
    for (desc.level = 1; desc.level <= GCH_QUALITY_LEVELS; desc.level++)
        for (int frame = 0; frame < 10; frame++) {
            gch__quality_plan plan = draw(&quality, &desc, &d, (gch__motion)(frame % 3));
            assert_int_equal(plan.is_bounded, false);
            assert_int_equal(plan.step, steps[desc.level - 1]);
            assert_int_equal(plan.strata, strata[desc.level - 1]);
            assert_int_equal(gch__quality_level(plan.step, plan.strata), desc.level);
        }
    assert_int_equal(gch__quality_level(1, 0), 0);
    assert_int_equal(gch__quality_level(1, 7), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_does_what_the_budget_lets_it_once_costs_are_known),
        cmocka_unit_test(a_first_frame_may_be_of_a_view_that_was_there),
        cmocka_unit_test(a_fast_device_is_exact_from_the_second_frame_on),
        cmocka_unit_test(a_view_at_rest_is_exact_within_the_stated_frames_on_any_device),
        cmocka_unit_test(the_share_follows_the_load),
        cmocka_unit_test(resolution_falls_only_where_it_must_and_does_not_swing),
        cmocka_unit_test(resolution_comes_back_when_the_load_goes_and_when_the_view_rests),
        cmocka_unit_test(exact_and_pinned_frames_ignore_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
