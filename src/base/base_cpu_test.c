/* The choice of an instruction set, on whatever processor runs this. */
#include "base.h"
#include "test.h"

static gch__cpu_level best_level(void)
{
    gch__cpu_level best = GCH__CPU_SCALAR;
    for (int level = 0; level < GCH__CPU_LEVEL_COUNT; level++)
        if (gch__cpu_has((gch__cpu_level)level))
            best = (gch__cpu_level)level;
    return best;
}

static void every_processor_runs_scalar_code(void **state)
{
    (void)state;
    assert_true(gch__cpu_has(GCH__CPU_SCALAR));
    assert_false(gch__cpu_has(GCH__CPU_LEVEL_COUNT));
}

static void the_best_level_is_used_unless_told_otherwise(void **state)
{
    (void)state;
    unsetenv("GCH_CPU");
    assert_int_equal(gch__cpu_get_level(), best_level());
    setenv("GCH_CPU", "fastest", 1);
    assert_int_equal(gch__cpu_get_level(), best_level());
    setenv("GCH_CPU", "", 1);
    assert_int_equal(gch__cpu_get_level(), best_level());
}

static void gch_cpu_names_any_level_that_the_processor_has(void **state)
{
    (void)state;
    for (int i = 0; i < GCH__CPU_LEVEL_COUNT; i++) {
        gch__cpu_level level = (gch__cpu_level)i;
        setenv("GCH_CPU", gch__cpu_level_name(level), 1);
        assert_int_equal(gch__cpu_get_level(), gch__cpu_has(level) ? level : best_level());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_processor_runs_scalar_code),
        cmocka_unit_test(the_best_level_is_used_unless_told_otherwise),
        cmocka_unit_test(gch_cpu_names_any_level_that_the_processor_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
