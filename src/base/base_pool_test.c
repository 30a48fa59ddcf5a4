#include "test.h"

#include "base_pool.h"

static gch_error err;

static void handle_names_its_object_and_number(void **state)
{
    (void)state;
    gch__pool pool = {.purpose = "test"};
    int a, b;
    uint32_t id_a, id_b;
    uint64_t number;
    assert_ok(gch__pool_add(&pool, &a, 7, &id_a, &err));
    assert_ok(gch__pool_add(&pool, &b, 8, &id_b, &err));
    assert_int_not_equal(id_a, 0);
    assert_int_not_equal(id_a, id_b);
    assert_ptr_equal(gch__pool_get(&pool, id_a, &number), &a);
    assert_int_equal(number, 7);
    assert_ptr_equal(gch__pool_get(&pool, id_b, &number), &b);
    assert_int_equal(number, 8);
    assert_int_equal(pool.live_count, 2);
    gch__pool_reset(&pool);
    assert_null(gch__pool_get(&pool, id_a, NULL));
}

static void stale_and_foreign_handles_name_nothing(void **state)
{
    (void)state;
    gch__pool pool = {.purpose = "test"};
    int a, b;
    uint32_t first, second;
    assert_null(gch__pool_get(&pool, 0, NULL));
    assert_null(gch__pool_get(&pool, 1, NULL));
    assert_ok(gch__pool_add(&pool, &a, 0, &first, &err));
    assert_ptr_equal(gch__pool_remove(&pool, first, NULL), &a);
    assert_null(gch__pool_get(&pool, first, NULL));
    assert_null(gch__pool_remove(&pool, first, NULL));
    assert_ok(gch__pool_add(&pool, &b, 0, &second, &err));
    assert_int_not_equal(first, second);
    assert_null(gch__pool_get(&pool, first, NULL));
    assert_ptr_equal(gch__pool_get(&pool, second, NULL), &b);
    assert_null(gch__pool_get(&pool, UINT32_MAX, NULL));
    gch__pool_reset(&pool);
}

static void no_handle_is_given_twice_when_generations_run_out(void **state)
{
    (void)state;
    gch__pool pool = {.purpose = "test"};
    int object;
    uint32_t rounds = 3 * (GCH__POOL_GENERATION_MAX + 1);
    uint32_t *ids = calloc(rounds, sizeof *ids);
    assert_non_null(ids);
    for (uint32_t i = 0; i < rounds; i++) {
        assert_ok(gch__pool_add(&pool, &object, i, &ids[i], &err));
        assert_non_null(gch__pool_remove(&pool, ids[i], NULL));
    }
    assert_int_equal(pool.used, 3); /* each slot served all its generations and was retired */
    uint32_t last;
    assert_ok(gch__pool_add(&pool, &object, 0, &last, &err));
    for (uint32_t i = 0; i < rounds; i++) {
        assert_int_not_equal(ids[i], last);
        assert_null(gch__pool_get(&pool, ids[i], NULL));
    }
    free(ids);
    gch__pool_reset(&pool);
}

static void any_finds_each_live_object(void **state)
{
    (void)state;
    gch__pool pool = {.purpose = "test"};
    int object;
    uint32_t ids[5];
    assert_int_equal(gch__pool_any(&pool), 0);
    for (int i = 0; i < 5; i++)
        assert_ok(gch__pool_add(&pool, &object, 0, &ids[i], &err));
    for (int i = 0; i < 5; i++) {
        uint32_t id = gch__pool_any(&pool);
        assert_int_not_equal(id, 0);
        assert_non_null(gch__pool_remove(&pool, id, NULL));
    }
    assert_int_equal(gch__pool_any(&pool), 0);
    gch__pool_reset(&pool);
}

static void *no_memory(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)context, (void)old, (void)bytes, (void)purpose;
    return NULL;
}

static void adding_without_memory_leaves_the_pool_as_it_was(void **state)
{
    (void)state;
    gch_allocator none = {.resize = no_memory};
    gch__pool pool = {.allocator = &none, .purpose = "test"};
    int object;
    uint32_t id;
    assert_status(gch__pool_add(&pool, &object, 0, &id, &err), GCH_NO_MEMORY);
    assert_int_equal(pool.used, 0);
    assert_int_equal(pool.live_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handle_names_its_object_and_number),
        cmocka_unit_test(stale_and_foreign_handles_name_nothing),
        cmocka_unit_test(no_handle_is_given_twice_when_generations_run_out),
        cmocka_unit_test(any_finds_each_live_object),
        cmocka_unit_test(adding_without_memory_leaves_the_pool_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
