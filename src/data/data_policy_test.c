#include "data_test.h"

static gch_error err;

typedef struct slots {
    bool is_held[64], is_used[64];
} slots;

static gch__probe probe(void *context, uint32_t slot, bool spare_used)
{
    slots *s = context;
    if (s->is_held[slot])
        return GCH__PROBE_HELD;
    if (spare_used && s->is_used[slot]) {
        s->is_used[slot] = false;
        return GCH__PROBE_USED;
    }
    return GCH__PROBE_TAKEN;
}

static gch__policy *make_full(const gch__policy_ops *ops, uint32_t count)
{
    gch__policy *policy = NULL;
    assert_ok(ops->make(NULL, &policy, &err));
    assert_ok(ops->grow(policy, count / 2, &err));
    assert_ok(ops->grow(policy, count, &err));
    for (uint32_t i = 0; i < count; i++)
        ops->admitted(policy, i);
    return policy;
}

static void clock_passes_over_used_slots_once(void **state)
{
    (void)state;
    const gch__policy_ops *ops = gch__policy_get(GCH_POLICY_DEFAULT);
    slots s = {.is_used = {true, false, true, false}};
    gch__policy *policy = make_full(ops, 4);
    assert_string_equal(ops->name, "clock");
    assert_int_equal(ops->victim(policy, probe, &s), 1);
    assert_int_equal(ops->victim(policy, probe, &s), 3);
    assert_int_equal(ops->victim(policy, probe, &s), 0);
    assert_int_equal(ops->victim(policy, probe, &s), 2);
    assert_int_equal(ops->victim(policy, probe, &s), GCH__NO_SLOT);
    ops->destroy(policy);
}

static void lru_takes_what_was_touched_longest_ago(void **state)
{
    (void)state;
    const gch__policy_ops *ops = gch__policy_get(GCH_POLICY_LRU);
    slots s = {0};
    gch__policy *policy = make_full(ops, 5);
    ops->touch(policy, 0);
    ops->touch(policy, 2);
    ops->touch(policy, 2);
    ops->removed(policy, 3);
    static const uint32_t expected[] = {1, 4, 0, 2, GCH__NO_SLOT};
    for (size_t i = 0; i < GCH_COUNT_OF(expected); i++)
        assert_int_equal(ops->victim(policy, probe, &s), expected[i]);
    ops->admitted(policy, 3);
    assert_int_equal(ops->victim(policy, probe, &s), 3);
    ops->destroy(policy);
}

static void held_slots_are_never_taken(void **state)
{
    (void)state;
    for (int p = GCH_POLICY_CLOCK; p <= GCH_POLICY_LRU; p++) {
        const gch__policy_ops *ops = gch__policy_get((gch_policy)p);
        slots s = {.is_held = {true, true, true, false}};
        gch__policy *policy = make_full(ops, 4);
        assert_int_equal(ops->victim(policy, probe, &s), 3);
        assert_int_equal(ops->victim(policy, probe, &s), GCH__NO_SLOT);
        s.is_held[1] = false;
        assert_int_equal(ops->victim(policy, probe, &s), 1);
        ops->destroy(policy);
        assert_ok(ops->make(NULL, &policy, &err)); /* one without slots */
        assert_int_equal(ops->victim(policy, probe, &s), GCH__NO_SLOT);
        ops->destroy(policy);
        ops->destroy(NULL);
    }
    assert_null(gch__policy_get((gch_policy)3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_passes_over_used_slots_once),
        cmocka_unit_test(lru_takes_what_was_touched_longest_ago),
        cmocka_unit_test(held_slots_are_never_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
