/* Damage of every kind: a clear error that names the file, or the right values; never a crash,
 * never wrong values. And power cuts and kills: the old rows or the new, whole. */
#include "store_test_data.h"
#include "store_test_repair.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- images to damage ---- */

typedef struct bytes {
    uint8_t *at; /* 64-byte aligned */
    size_t count;
} bytes;

static bytes bytes_copy(const void *from, size_t count)
{
    bytes b = {.count = count};
    b.at = aligned_alloc(64, (count + 64) / 64 * 64);
    assert_non_null(b.at);
    memcpy(b.at, from, count);
    return b;
}

static bytes bytes_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    bytes b = {.count = (size_t)ftell(file)};
    rewind(file);
    b.at = aligned_alloc(64, (b.count + 64) / 64 * 64);
    assert_non_null(b.at);
    assert_int_equal(fread(b.at, 1, b.count, file), b.count);
    fclose(file);
    return b;
}

static void bytes_write(bytes b, const char *path)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(b.at, 1, b.count, file), b.count);
    fclose(file);
}

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gch-faults-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static data make_small(size_t count)
{
    uint64_t seed = 12;
    data d = data_make(count);
    data_column *prices = data_add(&d, GCH_TYPE_F64);
    data_column *wide = data_add(&d, GCH_TYPE_I64);
    data_column *floats = data_add(&d, GCH_TYPE_F32);
    for (size_t i = 0; i < count; i++) {
        data_set_double(prices, i, (double)(test_random(&seed) % 1000) / 100);
        data_set_bits(wide, i, test_random(&seed));
        data_set_bits(floats, i, 0x3F000000u + (uint32_t)(test_random(&seed) % 0x800000u));
        if (i % 70 < 3)
            data_set_null(&d, prices, i);
        if (i % 500 == 7)
            data_set_bits(prices, i, 0x8000000000000000u);
        if (i > 0)
            d.times[i] = d.times[i - 1] + (int64_t)(test_random(&seed) % 300);
    }
    return d;
}

static void write_rows(const data *d, const char *path, size_t first, size_t count, bool append)
{
    gch_error err = {0};
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(d, columns, NULL);
    gch_writer *writer = NULL;
    if (append)
        assert_ok(gch_writer_open_append(path, &desc, &writer, &err));
    else
        assert_ok(gch_writer_create(path, &desc, &writer, &err));
    assert_ok(data_append(d, writer, first, count, &err));
    assert_ok(gch_writer_finish(writer, &err));
}

/* A file of two generations, so that both slots, a dead footer and padding are in it. */
static bytes make_image(const data *d)
{
    const char *path = path_of("image.gch");
    size_t half = d->row_count / 16 * 8;
    write_rows(d, path, 0, half, false);
    write_rows(d, path, half, d->row_count - half, true);
    return bytes_read(path);
}

static bool names_image(const gch_error *err)
{
    return strncmp(err->message, "image:", 6) == 0;
}

/* Reads every row; each must be right or refused. Returns false if any was refused. */
static bool read_all(const data *d, const gch_file *file)
{
    gch_error err = {0};
    int64_t *times = malloc(d->row_count * sizeof *times);
    gch_value *values = malloc(d->row_count * sizeof *values);
    assert_non_null(times);
    assert_non_null(values);
    gch_status status = gch_file_read_times(file, 0, d->row_count, times, &err);
    bool is_whole = status == GCH_OK;
    if (is_whole)
        assert_memory_equal(times, d->times, d->row_count * sizeof *times);
    for (uint32_t c = 0; c < d->column_count; c++) {
        status = gch_file_read_values(file, c, 0, d->row_count, values, &err);
        if (status != GCH_OK) {
            assert_int_equal(status, GCH_CORRUPT);
            assert_true(names_image(&err));
            is_whole = false;
            continue;
        }
        for (size_t i = 0; i < d->row_count; i++)
            assert_true(data_is_same(&d->columns[c], i, values[i]));
    }
    free(times);
    free(values);
    return is_whole;
}

/* ---- truncation ---- */

static void every_truncation_is_refused_with_the_file_named(void **state)
{
    (void)state;
    data d = make_small(20000);
    bytes whole = make_image(&d);
    uint64_t seed = 1;
    for (size_t at = 0; at < whole.count; at += at % 16384 == 0 ? 1 : 16384 - at % 16384) {
        const size_t counts[] = {at, at + 1 + test_random(&seed) % 16000, whole.count - 1,
                                 whole.count - 64};
        for (size_t k = 0; k < GCH_COUNT_OF(counts); k++) {
            gch_error err = {0};
            gch_file *file = NULL;
            size_t count = GCH_MIN(counts[k], whole.count - 1);
            bytes part = bytes_copy(whole.at, count);
            assert_status(gch__file_open_memory(part.at, count, "image", NULL, &file, &err),
                          GCH_CORRUPT);
            assert_true(names_image(&err));
            if (count >= 16384)
                assert_non_null(strstr(err.message, "truncated"));
            free(part.at);
        }
    }
    free(whole.at);
    data_free(&d);
}

static void truncation_of_a_file_says_what_is_missing(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_file *file = NULL;
    data d = make_small(5000);
    const char *path = path_of("cut.gch");
    write_rows(&d, path, 0, 5000, false);
    bytes whole = bytes_read(path);
    assert_int_equal(truncate(path, 16384 * 2), 0);
    assert_status(gch__file_open(path, NULL, &file, &err), GCH_CORRUPT);
    char expected[200];
    snprintf(expected, sizeof expected, "%s: truncated: %zu bytes committed, 32768 present", path,
             whole.count);
    assert_string_equal(err.message, expected);
    assert_int_equal(truncate(path, 0), 0);
    assert_status(gch__file_open(path, NULL, &file, &err), GCH_CORRUPT);
    assert_non_null(strstr(err.message, path));
    assert_status(gch__file_open(path_of("none.gch"), NULL, &file, &err), GCH_NOT_FOUND);
    assert_non_null(strstr(err.message, "none.gch"));
    assert_status(gch__file_open(folder, NULL, &file, &err), GCH_IO);
    free(whole.at);
    data_free(&d);
}

/* ---- flipped bits ---- */

static void check_flip(const data *d, bytes image, size_t at, uint32_t bit)
{
    gch_error err = {0};
    gch_file *file = NULL;
    image.at[at] ^= (uint8_t)(1u << bit);
    gch_status status = gch__file_open_memory(image.at, image.count, "image", NULL, &file, &err);
    if (status == GCH_OK) {
        (void)read_all(d, file);
        status = gch_file_verify(file, NULL, NULL, &err);
        gch__file_close(file);
    }
    if (status != GCH_CORRUPT)
        fail_msg("bit %u of byte %zu: %s", bit, at, gch_status_name(status));
    assert_true(names_image(&err));
    image.at[at] ^= (uint8_t)(1u << bit);
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    uint64_t seed = 4;
    data d = make_small(700);
    bytes image = make_image(&d);
    for (size_t at = 0; at < image.count; at++) {
        /* All bits where there is structure, one of every second byte elsewhere. */
        bool is_field = at < 64 || (at >= 4096 && at < 4224) || (at >= 8192 && at < 8320);
        if (is_field || at + 1024 > image.count) {
            for (uint32_t bit = 0; bit < 8; bit++)
                check_flip(&d, image, at, bit);
        } else if (at % 2 == 0) {
            check_flip(&d, image, at, (uint32_t)(test_random(&seed) % 8));
        }
    }
    free(image.at);
    data_free(&d);
}

static void random_damage_in_a_larger_file_is_found(void **state)
{
    (void)state;
    uint64_t seed = 5;
    data d = make_small(60000);
    bytes image = make_image(&d);
    for (int i = 0; i < 60; i++)
        check_flip(&d, image, test_random(&seed) % image.count, (uint32_t)(test_random(&seed) % 8));
    free(image.at);
    data_free(&d);
}

static void a_damaged_slot_is_survived_and_repaired_by_an_append(void **state)
{
    (void)state;
    gch_error err = {0};
    data d = make_small(3000);
    const char *path = path_of("slot.gch");
    for (uint32_t slot = 0; slot < 2; slot++) {
        write_rows(&d, path, 0, 1000, false);
        write_rows(&d, path, 1000, 1000, true);
        bytes image = bytes_read(path);
        image.at[GCH__SLOT_OFFSET(slot) + 20] ^= 1;
        bytes_write(image, path);
        gch_file *file = NULL;
        assert_ok(gch__file_open(path, NULL, &file, &err));
        assert_int_equal(gch_file_get_info(file)->row_count, 2000);
        assert_status(gch_file_verify(file, NULL, NULL, &err), GCH_CORRUPT);
        assert_non_null(strstr(err.message, "slot"));
        gch__file_close(file);
        write_rows(&d, path, 2000, 496, true);
        write_rows(&d, path, 2496, 504, true);
        assert_ok(gch__file_open(path, NULL, &file, &err));
        data_check(&d, file);
        gch__file_close(file);
        free(image.at);
    }
    data_free(&d);
}

/* ---- the first page ---- */

static void another_kind_of_file_is_refused(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_file *file = NULL;
    bytes image = {.count = 70000};
    image.at = aligned_alloc(64, 70016);
    assert_non_null(image.at);
    memset(image.at, 'x', image.count);
    const size_t counts[] = {1, 3, 4, 100, 16384, 70000};
    for (size_t i = 0; i < GCH_COUNT_OF(counts); i++) {
        assert_status(gch__file_open_memory(image.at, counts[i], "image", NULL, &file, &err),
                      GCH_CORRUPT);
        assert_non_null(strstr(err.message, "image: not a .gch file"));
    }
    assert_status(gch__file_open_memory(image.at + 8, 60000, "image", NULL, &file, &err),
                  GCH_INVALID);
    assert_status(gch__file_open_memory(image.at, 0, "image", NULL, &file, &err), GCH_CORRUPT);
    free(image.at);
}

static void a_version_from_the_future_is_refused_as_such(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_file *file = NULL;
    data d = make_small(100);
    bytes image = make_image(&d);
    image.at[4] = 7;
    repair_image(image.at, image.count);
    assert_status(gch__file_open_memory(image.at, image.count, "image", NULL, &file, &err),
                  GCH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "image: format version 7"));
    free(image.at);
    data_free(&d);
}

/* ---- absurd numbers behind right checksums ---- */

/* Opens, reads and verifies; only crashes and strange statuses are wrong. Returns the first status
 * that is not GCH_OK. */
static gch_status exercise(bytes image)
{
    gch_error err = {0};
    gch_file *file = NULL;
    gch_status status = gch__file_open_memory(image.at, image.count, "image", NULL, &file, &err);
    if (status != GCH_OK)
        return status;
    const gch_file_info *info = gch_file_get_info(file);
    size_t rows = (size_t)GCH_MIN(info->row_count, (uint64_t)3000);
    int64_t *times = malloc((rows + 1) * sizeof *times);
    gch_value *values = malloc((rows + 1) * sizeof *values);
    assert_non_null(times);
    assert_non_null(values);
    for (int end = 0; end < 2; end++) {
        uint64_t first = end ? info->row_count - rows : 0;
        status = gch_file_read_times(file, first, rows, times, &err);
        assert_true(status == GCH_OK || status == GCH_CORRUPT);
        for (uint32_t c = 0; c < info->column_count; c++) {
            status = gch_file_read_values(file, c, first, rows, values, &err);
            assert_true(status == GCH_OK || status == GCH_CORRUPT);
        }
    }
    status = gch_file_verify(file, NULL, NULL, &err);
    gch__file_close(file);
    free(times);
    free(values);
    return status;
}

/* Puts strange numbers into each field of [from, to) in turn. Returns how many were refused. */
static size_t strain(bytes image, size_t from, size_t to, size_t *out_tried)
{
    const uint64_t strange[] = {0,          1,          2,          0x7FFFFFFF,
                                0x80000000, 0xFFFFFFFF, 0xFFFFFC00, 0x100000000,
                                INT64_MAX,  UINT64_MAX, 16384,      0x4000000000000000};
    size_t refused = 0;
    for (size_t at = from; at < to; at += 4) {
        for (size_t bytes_wide = 4; bytes_wide <= 8 && at + bytes_wide <= to; bytes_wide += 4) {
            if (at % bytes_wide != 0)
                continue;
            for (size_t k = 0; k < GCH_COUNT_OF(strange) + 2; k++) {
                uint64_t old = 0, new;
                memcpy(&old, image.at + at, bytes_wide);
                new = k < GCH_COUNT_OF(strange)    ? strange[k]
                      : k == GCH_COUNT_OF(strange) ? old + 1
                                                   : old - 1;
                if (memcmp(&old, &new, bytes_wide) == 0)
                    continue;
                bytes copy = bytes_copy(image.at, image.count);
                memcpy(copy.at + at, &new, bytes_wide);
                repair_image(copy.at, copy.count);
                gch_status status = exercise(copy);
                assert_true(status == GCH_OK || status == GCH_CORRUPT || status == GCH_UNSUPPORTED);
                refused += status != GCH_OK;
                ++*out_tried;
                free(copy.at);
            }
        }
    }
    return refused;
}

static void absurd_numbers_behind_right_checksums_are_refused(void **state)
{
    (void)state;
    gch_error err = {0};
    for (int is_regular = 0; is_regular < 2; is_regular++) {
        data d = make_small(1500);
        for (size_t i = 0; is_regular && i < d.row_count; i++)
            d.times[i] = (int64_t)i * 7;
        test_image made = data_write(&d, d.row_count, NULL);
        bytes image = bytes_copy(made.bytes, made.count);
        const gch__disk_segment *entry = made.file->meta.segments;
        gch__disk_commit commit = made.file->commit;
        size_t tried = 0, refused = 0, footer = (size_t)commit.footer_offset;
        refused += strain(image, 0, 24, &tried);
        refused += strain(image, GCH__SLOT_OFFSET(0u), GCH__SLOT_OFFSET(0u) + 56, &tried);
        refused += strain(image, footer, footer + sizeof(gch__disk_footer), &tried);
        size_t columns = footer + sizeof(gch__disk_footer);
        size_t segments = columns + 3 * sizeof(gch__disk_column);
        refused += strain(image, segments, segments + sizeof *entry, &tried);
        size_t descriptor = (size_t)entry->descriptor_offset;
        refused += strain(image, descriptor, descriptor + sizeof(gch__disk_descriptor), &tried);
        refused +=
            strain(image, descriptor + sizeof(gch__disk_descriptor),
                   descriptor + sizeof(gch__disk_descriptor) + 3 * sizeof(gch__disk_value), &tried);
        /* Nearly all of it: a changed generation, source text or the like is a valid file. */
        assert_true(refused > tried * 9 / 10);
        assert_true(tried > 3000);
        assert_ok(gch_file_verify(made.file, NULL, NULL, &err));
        free(image.at);
        image_free(&made);
        data_free(&d);
    }
}

static void tampered_arrays_are_survived_and_found(void **state)
{
    (void)state;
    uint64_t seed = 6;
    data d = make_small(2000);
    test_image made = data_write(&d, d.row_count, NULL);
    bytes image = bytes_copy(made.bytes, made.count);
    const gch__disk_segment *entry = made.file->meta.segments;
    size_t from = (size_t)entry->offset, to = (size_t)entry->descriptor_offset;
    size_t tried = 0, refused = 0;
    for (size_t at = from; at < to; at += 16) {
        bytes copy = bytes_copy(image.at, image.count);
        uint8_t value = (uint8_t)(1 + test_random(&seed) % 255);
        copy.at[at + test_random(&seed) % 16] ^= value;
        repair_image(copy.at, copy.count);
        gch_status status = exercise(copy);
        assert_true(status == GCH_OK || status == GCH_CORRUPT);
        refused += status != GCH_OK;
        tried++;
        free(copy.at);
    }
    /* A changed payload bit may be another valid file; a changed array or padding is not. */
    assert_true(refused > 0 && refused < tried);
    free(image.at);
    image_free(&made);
    data_free(&d);
}

/* ---- power cuts ---- */

/* An append cut off at any byte, with the old slots: the old rows. */
static void an_append_cut_anywhere_leaves_the_old_rows(void **state)
{
    (void)state;
    gch_error err = {0};
    const char *path = path_of("power.gch");
    data d = make_small(3000);
    write_rows(&d, path, 0, 1000, false);
    bytes old = bytes_read(path);
    write_rows(&d, path, 1000, 2000, true);
    bytes new = bytes_read(path);
    data before = d;
    before.row_count = 1000;
    for (size_t count = old.count; count < new.count; count += 1 + count % 997) {
        bytes torn = bytes_copy(new.at, count);
        memcpy(torn.at, old.at, 16384);
        gch_file *file = NULL;
        assert_ok(gch__file_open_memory(torn.at, count, "image", NULL, &file, &err));
        data_check(&before, file);
        gch__file_close(file);
        free(torn.at);
    }
    /* The trailer is whole, the slot is not written or torn: the new rows. */
    for (size_t part = 0; part <= 64; part += 8) {
        bytes torn = bytes_copy(new.at, new.count);
        memcpy(torn.at, old.at, 16384);
        memcpy(torn.at + GCH__SLOT_OFFSET(1u), new.at + GCH__SLOT_OFFSET(1u), part);
        gch_file *file = NULL;
        assert_ok(gch__file_open_memory(torn.at, torn.count, "image", NULL, &file, &err));
        assert_int_equal(gch_file_get_info(file)->row_count, 3000);
        data_check_rows(&d, file, 0, 3000);
        gch__file_close(file);
        free(torn.at);
    }
    /* The next append goes on from what a cut has left. */
    bytes torn = bytes_copy(new.at, old.count + 20000);
    memcpy(torn.at, old.at, 16384);
    bytes_write(torn, path);
    write_rows(&d, path, 1000, 2000, true);
    bytes again = bytes_read(path);
    assert_int_equal(again.count, new.count);
    assert_memory_equal(again.at, new.at, new.count);
    free(torn.at);
    free(again.at);
    free(old.at);
    free(new.at);
    data_free(&d);
}

static void kill_after(pid_t child, uint64_t *seed, uint64_t most_us)
{
    int status;
    usleep((useconds_t)(test_random(seed) % most_us));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void a_kill_while_creating_leaves_one_whole_file(void **state)
{
    (void)state;
    gch_error err = {0};
    uint64_t seed = 77;
    char path[128];
    snprintf(path, sizeof path, "%s", path_of("created.gch"));
    data small = make_small(500), large = make_small(100000);
    write_rows(&small, path, 0, 500, false);
    for (int i = 0; i < 25; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (;;)
                write_rows(&large, path, 0, 100000, false);
        }
        kill_after(child, &seed, 40000);
        gch_file *file = NULL;
        assert_ok(gch__file_open(path, NULL, &file, &err));
        data_check(gch_file_get_info(file)->row_count == 500 ? &small : &large, file);
        gch__file_close(file);
    }
    data_free(&small);
    data_free(&large);
}

static void a_kill_while_appending_leaves_whole_appends(void **state)
{
    (void)state;
    gch_error err = {0};
    uint64_t seed = 78;
    enum { PART = 2000, PARTS = 100 };
    char path[128];
    snprintf(path, sizeof path, "%s", path_of("appended.gch"));
    data d = make_small(PART * PARTS);
    size_t rows = PART;
    write_rows(&d, path, 0, PART, false);
    for (int i = 0; i < 25 && rows + PART < d.row_count; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (size_t next = rows; next + PART < d.row_count; next += PART)
                write_rows(&d, path, next, PART, true);
            _exit(0);
        }
        kill_after(child, &seed, 20000);
        gch_file *file = NULL;
        assert_ok(gch__file_open(path, NULL, &file, &err));
        size_t now = (size_t)gch_file_get_info(file)->row_count;
        assert_true(now >= rows && now % PART == 0);
        data seen = d;
        seen.row_count = now;
        data_check(&seen, file);
        gch__file_close(file);
        write_rows(&d, path, now, PART, true);
        rows = now + PART;
    }
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_refused_with_the_file_named),
        cmocka_unit_test(truncation_of_a_file_says_what_is_missing),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(random_damage_in_a_larger_file_is_found),
        cmocka_unit_test(a_damaged_slot_is_survived_and_repaired_by_an_append),
        cmocka_unit_test(another_kind_of_file_is_refused),
        cmocka_unit_test(a_version_from_the_future_is_refused_as_such),
        cmocka_unit_test(absurd_numbers_behind_right_checksums_are_refused),
        cmocka_unit_test(tampered_arrays_are_survived_and_found),
        cmocka_unit_test(an_append_cut_anywhere_leaves_the_old_rows),
        cmocka_unit_test(a_kill_while_creating_leaves_one_whole_file),
        cmocka_unit_test(a_kill_while_appending_leaves_whole_appends),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
