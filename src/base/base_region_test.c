#include "test.h"

#include "base_region.h"

#include <sys/mman.h>
#include <unistd.h>

#define PAGE 65536u /* a multiple of every system's page */

static gch_error err;

static void discarded_anonymous_memory_reads_as_zero(void **state)
{
    (void)state;
    gch__region region = {0};
    assert_ok(gch__region_reserve(4 * PAGE, &region, &err));
    memset(region.base, 0x5A, 4 * PAGE);
    gch__region_discard(&region, PAGE, 2 * PAGE);
    assert_int_equal(region.base[PAGE - 1], 0x5A);
    assert_int_equal(region.base[PAGE], 0);
    assert_int_equal(region.base[3 * PAGE - 1], 0);
    assert_int_equal(region.base[3 * PAGE], 0x5A);
    gch__region_release(&region);
    assert_null(region.base);
    gch__region_release(&region);
}

static void discarding_keeps_pages_that_are_only_partly_in_the_range(void **state)
{
    (void)state;
    gch__region region = {0};
    assert_ok(gch__region_reserve(2 * PAGE, &region, &err));
    memset(region.base, 0x5A, 2 * PAGE);
    gch__region_discard(&region, 1, PAGE);
    assert_int_equal(region.base[0], 0x5A);
    assert_int_equal(region.base[1], 0x5A);
    assert_int_equal(region.base[PAGE], 0x5A);
    gch__region_release(&region);
}

static void reserving_takes_no_memory(void **state)
{
    (void)state;
    gch__region region = {0};
    size_t bytes = (size_t)1 << 40;
    assert_ok(gch__region_reserve(bytes, &region, &err));
    region.base[bytes - 1] = 1;
    assert_int_equal(region.base[bytes - 1], 1);
    gch__region_release(&region);
    assert_status(gch__region_reserve(SIZE_MAX / 2, &region, &err), GCH_NO_MEMORY);
}

static void file_region_shows_the_file_and_reports_missing_bytes(void **state)
{
    (void)state;
    char path[] = "base_region_test_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static char bytes[2 * PAGE];
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
    gch__region region = {0};
    assert_ok(gch__region_map_file(fd, sizeof bytes, path, &region, &err));
    assert_ok(gch__region_populate(&region, 100, PAGE, path, &err));
    assert_int_equal(region.base[2 * PAGE - 1], 7);
    gch__region_discard(&region, 0, sizeof bytes);
    assert_int_equal(region.base[0], 7);
    assert_int_equal(ftruncate(fd, PAGE), 0);
    gch_status status = gch__region_populate(&region, PAGE, PAGE, path, &err);
    if (status != GCH_OK) { /* systems that cannot populate say nothing */
        assert_int_equal(status, GCH_IO);
        assert_non_null(strstr(err.message, "shorter"));
    }
    gch__region_release(&region);
    assert_status(gch__region_map_file(-1, PAGE, "none", &region, &err), GCH_IO);
    close(fd);
    unlink(path);
}

static void physical_memory_is_known(void **state)
{
    (void)state;
    assert_true(gch__memory_physical_bytes() > (uint64_t)1 << 26);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discarded_anonymous_memory_reads_as_zero),
        cmocka_unit_test(discarding_keeps_pages_that_are_only_partly_in_the_range),
        cmocka_unit_test(reserving_takes_no_memory),
        cmocka_unit_test(file_region_shows_the_file_and_reports_missing_bytes),
        cmocka_unit_test(physical_memory_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
