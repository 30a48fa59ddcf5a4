/* Files that grow by commits: readers see whole, verified rows at any time, and so does whoever
 * comes after a crash. */
#include "store_test_data.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gch-commit-XXXXXX");
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

/* Gaps, exceptions, a kind that widens, times that turn irregular. */
static data make_rows(size_t count)
{
    uint64_t seed = 31;
    data d = data_make(count);
    data_column *prices = data_add(&d, GCH_TYPE_F64);
    data_column *wide = data_add(&d, GCH_TYPE_I64);
    for (size_t i = 0; i < count; i++) {
        data_set_double(prices, i, (double)(test_random(&seed) % 1000) / (i < 700 ? 10 : 1000));
        data_set_bits(wide, i, i < 900 ? i : test_random(&seed));
        if (i % 50 < 3 || i % 64 == 63)
            data_set_null(&d, prices, i);
        if (i % 500 == 7)
            data_set_bits(prices, i, 0x8000000000000000u);
        if (i > 300)
            d.times[i] = d.times[i - 1] + (int64_t)(test_random(&seed) % 300);
    }
    return d;
}

static gch_writer *create(const data *d, const char *path, bool append)
{
    gch_error err;
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(d, columns, NULL);
    gch_writer *writer = NULL;
    if (append)
        assert_ok(gch_writer_open_append(path, &desc, &writer, &err));
    else
        assert_ok(gch_writer_create(path, &desc, &writer, &err));
    return writer;
}

static gch_file *open_file(const char *path)
{
    gch_error err;
    gch_file *file = NULL;
    assert_ok(gch__file_open(path, NULL, &file, &err));
    return file;
}

/* The first rows of the data, all of them sound. */
static void check_rows(const data *d, size_t row_count, const gch_file *file)
{
    data seen = *d;
    seen.row_count = row_count;
    data_check(&seen, file);
}

static void check_file(const data *d, size_t row_count, const char *path)
{
    gch_file *file = open_file(path);
    check_rows(d, row_count, file);
    gch__file_close(file);
}

static void readers_see_growing_rows(void **state)
{
    (void)state;
    gch_error err;
    data d = make_rows(4000);
    for (size_t step = 8; step < 1500; step = step * 3 + 16) {
        const char *path = path_of("grows.gch");
        (void)unlink(path);
        gch_writer *writer = create(&d, path, false);
        gch_file *early = NULL;
        size_t early_count = 0;
        assert_ok(gch_writer_commit(writer, &err));
        assert_int_not_equal(access(path, F_OK), 0); /* nothing to show */
        for (size_t at = 0; at < d.row_count; at += step) {
            size_t count = GCH_MIN(step, d.row_count - at);
            assert_ok(data_append(&d, writer, at, count, &err));
            assert_ok(gch_writer_commit(writer, &err));
            if (at % 5 == 0 || at + step >= d.row_count)
                check_file(&d, at + count, path);
            if (early == NULL) {
                early = open_file(path);
                early_count = at + count;
            }
        }
        /* Who came early still reads what was there. */
        check_rows(&d, early_count, early);
        gch__file_close(early);
        assert_ok(gch_writer_commit(writer, &err));
        assert_ok(gch_writer_finish(writer, &err));
        check_file(&d, d.row_count, path);
        gch_file *file = open_file(path);
        assert_in_range(gch_file_get_info(file)->segment_count, 1, 6);
        gch__file_close(file);
    }
    data_free(&d);
}

static void commits_of_an_append_keep_what_was_there(void **state)
{
    (void)state;
    gch_error err;
    const char *path = path_of("appended.gch");
    data d = make_rows(3000);
    gch_writer *writer = create(&d, path, false);
    assert_ok(data_append(&d, writer, 0, 1000, &err));
    assert_ok(gch_writer_finish(writer, &err));
    writer = create(&d, path, true);
    for (size_t at = 1000; at < 2000; at += 200) {
        assert_ok(data_append(&d, writer, at, 200, &err));
        assert_ok(gch_writer_commit(writer, &err));
        check_file(&d, at + 200, path);
    }
    /* Rows behind the last commit are given up with the writer, the others are not. */
    assert_ok(data_append(&d, writer, 2000, 800, &err));
    gch_writer_abandon(writer);
    check_file(&d, 2000, path);
    writer = create(&d, path, true);
    assert_ok(data_append(&d, writer, 2000, 1000, &err));
    assert_ok(gch_writer_finish(writer, &err));
    check_file(&d, 3000, path);
    data_free(&d);
}

static void a_committed_file_is_locked_until_its_writer_ends(void **state)
{
    (void)state;
    gch_error err;
    const char *path = path_of("locked.gch");
    data d = make_rows(100);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_writer *writer = create(&d, path, false), *second = NULL;
    assert_ok(data_append(&d, writer, 0, 56, &err));
    assert_ok(gch_writer_commit(writer, &err));
    assert_status(gch_writer_open_append(path, &desc, &second, &err), GCH_EXISTS);
    assert_ok(gch_writer_finish(writer, &err));
    second = create(&d, path, true);
    assert_ok(data_append(&d, second, 56, 44, &err));
    assert_ok(gch_writer_finish(second, &err));
    check_file(&d, 100, path);
    data_free(&d);
}

/* More rows than a chunk, so that commits fall into open segments as well. */
static void commits_between_chunks_keep_every_row(void **state)
{
    (void)state;
    gch_error err;
    const char *path = path_of("chunks.gch");
    enum { ROWS = 700000 };
    data d = data_make(ROWS);
    data_column *column = data_add(&d, GCH_TYPE_I32);
    uint64_t seed = 4;
    for (size_t i = 0; i < ROWS; i++)
        data_set_bits(column, i, test_random(&seed) % 1000);
    gch_writer *writer = create(&d, path, false);
    size_t at = 0;
    for (size_t step = 1000; at < ROWS; step = step * 2 % 300000 + 1) {
        size_t count = GCH_MIN(step, ROWS - at);
        assert_ok(data_append(&d, writer, at, count, &err));
        assert_ok(gch_writer_commit(writer, &err));
        at += count;
    }
    check_file(&d, ROWS, path);
    assert_ok(gch_writer_finish(writer, &err));
    check_file(&d, ROWS, path);
    data_free(&d);
}

static void a_file_that_is_mostly_dead_is_written_anew(void **state)
{
    (void)state;
    gch_error err;
    const char *path = path_of("anew.gch");
    data d = make_rows(4000);
    gch_writer *writer = create(&d, path, false);
    gch__writer_limit_dead_bytes(writer, 100000);
    struct stat before = {0}, now;
    size_t rewrites = 0;
    gch_file *early = NULL;
    for (size_t at = 0; at < d.row_count; at += 8) {
        assert_ok(data_append(&d, writer, at, 8, &err));
        assert_ok(gch_writer_commit(writer, &err));
        if (at == 800)
            early = open_file(path);
        assert_int_equal(stat(path, &now), 0);
        assert_true(now.st_size < 2000000); /* 500 commits, 32 KiB or more each */
        rewrites += at > 0 && now.st_ino != before.st_ino;
        before = now;
        if (at % 512 == 0)
            check_file(&d, at + 8, path);
    }
    assert_true(rewrites > 5);
    check_rows(&d, 808, early);
    gch__file_close(early);
    assert_ok(gch_writer_finish(writer, &err));
    check_file(&d, d.row_count, path);
    data_free(&d);
}

static void damage_to_a_dead_segment_is_found(void **state)
{
    (void)state;
    gch_error err;
    const char *path = path_of("dead.gch");
    data d = make_rows(64);
    gch_writer *writer = create(&d, path, false);
    assert_ok(data_append(&d, writer, 0, 32, &err));
    assert_ok(gch_writer_commit(writer, &err));
    assert_ok(data_append(&d, writer, 32, 32, &err));
    assert_ok(gch_writer_commit(writer, &err));
    assert_ok(gch_writer_finish(writer, &err));
    /* The first segment, on the second page, is dead: its rows are in the one behind. */
    static const long places[] = {16384 + 40, 16384 + 16000, 2 * 16384 + 4, 2 * 16384 + 500};
    for (size_t i = 0; i < GCH_COUNT_OF(places); i++) {
        for (int round = 0; round < 2; round++) {
            FILE *file = fopen(path, "r+b");
            assert_non_null(file);
            assert_int_equal(fseek(file, places[i], SEEK_SET), 0);
            int byte = fgetc(file);
            assert_int_equal(fseek(file, places[i], SEEK_SET), 0);
            assert_int_not_equal(fputc(byte ^ 1, file), EOF);
            assert_int_equal(fclose(file), 0);
            gch_file *damaged = open_file(path);
            data_check_rows(&d, damaged, 0, 64);
            assert_status(gch_file_verify(damaged, NULL, NULL, &err),
                          round == 0 ? GCH_CORRUPT : GCH_OK);
            gch__file_close(damaged);
        }
    }
    data_free(&d);
}

static void a_memory_writer_has_no_commits(void **state)
{
    (void)state;
    gch_error err;
    data d = make_rows(8);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_writer *writer = NULL;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_status(gch_writer_commit(writer, &err), GCH_INVALID);
    gch_writer_abandon(writer);
    data_free(&d);
}

/* ---- crashes ---- */

typedef struct image {
    uint8_t *bytes; /* 64-byte aligned */
    size_t count;
} image;

static image read_image(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    image i = {.count = (size_t)ftell(file)};
    rewind(file);
    i.bytes = aligned_alloc(64, (i.count + 64) / 64 * 64);
    assert_non_null(i.bytes);
    assert_int_equal(fread(i.bytes, 1, i.count, file), i.count);
    fclose(file);
    return i;
}

/* A commit cut off at any byte, its slot not written: the state before, or with the whole trailer
 * there the one after. */
static void a_commit_cut_anywhere_leaves_the_rows_before(void **state)
{
    (void)state;
    gch_error err;
    const char *path = path_of("cut.gch");
    data d = make_rows(1000);
    gch_writer *writer = create(&d, path, false);
    image before = {0};
    for (size_t at = 0; at < d.row_count; at += 200) {
        assert_ok(data_append(&d, writer, at, 200, &err));
        assert_ok(gch_writer_commit(writer, &err));
        image after = read_image(path);
        for (size_t count = before.count; before.count > 0 && count <= after.count;
             count +=
             count + 997 > after.count && count < after.count ? after.count - count : 997) {
            image torn = {.count = count};
            torn.bytes = aligned_alloc(64, (count + 64) / 64 * 64);
            memcpy(torn.bytes, after.bytes, count);
            memcpy(torn.bytes, before.bytes, 16384);
            gch_file *file = NULL;
            assert_ok(gch__file_open_memory(torn.bytes, count, "image", NULL, &file, &err));
            check_rows(&d, count == after.count ? at + 200 : at, file);
            gch__file_close(file);
            free(torn.bytes);
        }
        free(before.bytes);
        before = after;
    }
    free(before.bytes);
    assert_ok(gch_writer_finish(writer, &err));
    data_free(&d);
}

static void a_kill_between_commits_leaves_whole_commits(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 79;
    enum { PART = 40, PARTS = 100 };
    char path[128];
    snprintf(path, sizeof path, "%s", path_of("killed.gch"));
    data d = make_rows(PART * PARTS);
    for (int i = 0; i < 20; i++) {
        (void)unlink(path);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            gch_writer *writer = create(&d, path, false);
            gch__writer_limit_dead_bytes(writer, 300000);
            for (size_t at = 0; at < d.row_count; at += PART) {
                if (data_append(&d, writer, at, PART, &err) != GCH_OK ||
                    gch_writer_commit(writer, &err) != GCH_OK)
                    _exit(1);
            }
            _exit(0);
        }
        int code;
        usleep((useconds_t)(test_random(&seed) % 60000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &code, 0), child);
        assert_true(!WIFEXITED(code) || WEXITSTATUS(code) == 0);
        if (access(path, F_OK) != 0)
            continue; /* before the first commit */
        gch_file *file = open_file(path);
        size_t rows = (size_t)gch_file_get_info(file)->row_count;
        gch__file_close(file);
        assert_true(rows > 0 && rows % PART == 0);
        check_file(&d, rows, path);
        if (rows + 8 <= d.row_count) {
            gch_writer *writer = create(&d, path, true);
            assert_ok(data_append(&d, writer, rows, 8, &err));
            assert_ok(gch_writer_finish(writer, &err));
            check_file(&d, rows + 8, path);
        }
    }
    data_free(&d);
}

/* An allocator that fails from the nth call on. */
static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    int *left = context;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    if (*left == 0)
        return NULL;
    (*left)--;
    return realloc(old, bytes);
}

static void running_out_of_memory_keeps_what_was_committed(void **state)
{
    (void)state;
    const char *path = path_of("memory.gch");
    data d = make_rows(160);
    bool has_succeeded = false;
    for (int n = 0; !has_succeeded; n++) {
        int left = n;
        gch_allocator allocator = {.resize = failing_resize, .context = &left};
        gch_error err;
        gch_column_desc columns[DATA_COLUMNS_CAP];
        gch_writer_desc desc = data_desc(&d, columns, NULL);
        gch_writer *writer = NULL;
        size_t committed = 0;
        (void)unlink(path);
        desc.allocator = &allocator;
        gch_status status = gch_writer_create(path, &desc, &writer, &err);
        if (status == GCH_OK)
            gch__writer_limit_dead_bytes(writer, 100000);
        for (size_t at = 0; status == GCH_OK && at < d.row_count; at += 8) {
            status = data_append(&d, writer, at, 8, &err);
            if (status == GCH_OK)
                status = gch_writer_commit(writer, &err);
            if (status == GCH_OK)
                committed = at + 8;
        }
        has_succeeded = status == GCH_OK;
        if (!has_succeeded)
            assert_status(status, GCH_NO_MEMORY);
        gch_writer_abandon(writer);
        /* A commit may fail once its rows are in place: when its folder cannot be synced. */
        assert_true(committed == 0 || access(path, F_OK) == 0);
        if (access(path, F_OK) == 0) {
            gch_file *file = open_file(path);
            size_t rows = (size_t)gch_file_get_info(file)->row_count;
            gch__file_close(file);
            assert_true(rows == committed || rows == committed + 8);
            check_file(&d, rows, path);
        }
        assert_in_range(n, 0, 3000);
    }
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_growing_rows),
        cmocka_unit_test(commits_of_an_append_keep_what_was_there),
        cmocka_unit_test(a_committed_file_is_locked_until_its_writer_ends),
        cmocka_unit_test(commits_between_chunks_keep_every_row),
        cmocka_unit_test(a_file_that_is_mostly_dead_is_written_anew),
        cmocka_unit_test(damage_to_a_dead_segment_is_found),
        cmocka_unit_test(a_memory_writer_has_no_commits),
        cmocka_unit_test(a_commit_cut_anywhere_leaves_the_rows_before),
        cmocka_unit_test(a_kill_between_commits_leaves_whole_commits),
        cmocka_unit_test(running_out_of_memory_keeps_what_was_committed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
