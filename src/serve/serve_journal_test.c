/* Journals: what was written comes back, wherever the last write was cut short. */
#include "serve_journal.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEM "a"
#define FILE_1 STEM ".00000001.journal"

static char folder[64];
static int folder_fd;

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "serve_journal_test_%d", (int)getpid());
    assert_int_equal(mkdir(folder, 0755), 0);
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder_fd >= 0);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    close(folder_fd);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* What a replay has shown. */
typedef struct seen {
    uint32_t head_count, batch_count;
    uint64_t last_sequence;
    char head[16];
} seen;

static gch_status on_head(void *context, gch__span head, gch_error *err)
{
    seen *s = context;
    (void)err;
    assert_true(head.count < sizeof s->head);
    memcpy(s->head, head.bytes, head.count);
    s->head[head.count] = '\0';
    s->head_count++;
    return GCH_OK;
}

static gch_status on_batch(void *context, const gch__journal_batch *batch, gch_error *err)
{
    seen *s = context;
    (void)err;
    assert_int_equal(batch->payload.count, 16);
    assert_int_equal(gch__load_u64(batch->payload.bytes), batch->sequence);
    assert_int_equal(batch->first_row, batch->sequence * 2);
    assert_int_equal(batch->publisher, 7);
    assert_int_equal((uintptr_t)batch->payload.bytes % 8, 0);
    s->batch_count++;
    s->last_sequence = batch->sequence;
    return GCH_OK;
}

static gch_status replay(const uint32_t *numbers, size_t count, seen *out, gch__journal **journal,
                         gch_error *err)
{
    *out = (seen){0};
    const gch__journal_reader reader = {.head = on_head, .batch = on_batch, .context = out};
    return gch__journal_open(folder_fd, STEM, numbers, count, &reader, NULL, journal, err);
}

static uint64_t payloads[8][2];

static gch__journal_batch batch_of(uint64_t sequence)
{
    uint64_t *payload = payloads[sequence % 8];
    payload[0] = sequence;
    return (gch__journal_batch){.sequence = sequence,
                                .first_row = sequence * 2,
                                .publisher = 7,
                                .row_count = 2,
                                .payload = {(const uint8_t *)payload, 16}};
}

static void write_groups(gch__journal *journal, uint64_t from, uint64_t to)
{
    gch_error err;
    for (uint64_t s = from; s < to; s += 2) {
        const gch__journal_batch batches[] = {batch_of(s), batch_of(s + 1)};
        assert_ok(gch__journal_write(journal, batches, 2, &err));
    }
}

static const gch__span first_head = {(const uint8_t *)"first", 5},
                       second_head = {(const uint8_t *)"second", 6};

static void a_last_group_cut_short_anywhere_is_dropped(void **state)
{
    (void)state;
    gch_error err;
    gch__journal *journal;
    seen s;
    const uint32_t numbers[] = {1};
    assert_ok(gch__journal_create(folder_fd, STEM, first_head, NULL, &journal, &err));
    write_groups(journal, 1, 5);
    const uint64_t whole = gch__journal_bytes(journal);
    write_groups(journal, 5, 7);
    const uint64_t end = gch__journal_bytes(journal);
    gch__journal_close(journal);
    assert_ok(replay(numbers, 1, &s, &journal, &err));
    assert_int_equal(s.batch_count, 6);
    assert_string_equal(s.head, "first");
    gch__journal_close(journal);
    int fd = openat(folder_fd, FILE_1, O_RDWR);
    uint8_t bytes[1024];
    assert_true(end < sizeof bytes && pread(fd, bytes, end, 0) == (ssize_t)end);
    for (uint64_t cut = whole; cut < end; cut++) {
        /* As much of the group as was written, once with and once without a tail of zeros. */
        for (int has_tail = 0; has_tail < 2; has_tail++) {
            assert_int_equal(ftruncate(fd, (off_t)cut), 0);
            if (has_tail)
                assert_int_equal(ftruncate(fd, (off_t)end), 0);
            bool is_header_cut = has_tail && cut > whole && cut < whole + 32 &&
                                 memcmp(bytes + cut, (uint8_t[32]){0}, whole + 32 - cut) != 0;
            gch_status status = replay(numbers, 1, &s, &journal, &err);
            if (is_header_cut) { /* a page is written whole or not at all: this is damage */
                assert_int_equal(status, GCH_CORRUPT);
            } else {
                assert_ok(status);
                bool is_all = has_tail && memcmp(bytes + cut, (uint8_t[1024]){0}, end - cut) == 0;
                assert_int_equal(s.batch_count, is_all ? 6 : 4);
                assert_int_equal(gch__journal_bytes(journal), is_all ? end : whole);
                gch__journal_close(journal);
            }
            assert_int_equal(pwrite(fd, bytes, end, 0), (ssize_t)end);
        }
    }
    close(fd);
    /* Writing goes on behind what is whole. */
    assert_int_equal(truncate((sprintf((char *)bytes, "%s/%s", folder, FILE_1), (char *)bytes),
                              (off_t)(whole + 40)),
                     0);
    assert_ok(replay(numbers, 1, &s, &journal, &err));
    write_groups(journal, 5, 7);
    gch__journal_close(journal);
    assert_ok(replay(numbers, 1, &s, &journal, &err));
    assert_int_equal(s.last_sequence, 6);
    gch__journal_close(journal);
}

static void damage_before_the_last_group_is_reported(void **state)
{
    (void)state;
    gch_error err;
    gch__journal *journal;
    seen s;
    const uint32_t numbers[] = {1};
    assert_ok(gch__journal_create(folder_fd, STEM, first_head, NULL, &journal, &err));
    write_groups(journal, 1, 3);
    const uint64_t whole = gch__journal_bytes(journal);
    write_groups(journal, 3, 5);
    gch__journal_close(journal);
    int fd = openat(folder_fd, FILE_1, O_RDWR);
    for (uint64_t at = 0; at < whole; at++) {
        uint8_t byte, changed;
        assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
        changed = byte ^ 0x10;
        assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
        gch_status status = replay(numbers, 1, &s, &journal, &err);
        if (status != GCH_CORRUPT && status != GCH_UNSUPPORTED)
            fail_msg("byte %d: %d", (int)at, (int)status);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    }
    close(fd);
    assert_ok(replay(numbers, 1, &s, &journal, &err));
    gch__journal_close(journal);
}

static void a_turned_journal_begins_with_the_newest_batch(void **state)
{
    (void)state;
    gch_error err;
    gch__journal *journal;
    seen s;
    const uint32_t numbers[] = {1, 2};
    assert_ok(gch__journal_create(folder_fd, STEM, first_head, NULL, &journal, &err));
    write_groups(journal, 1, 5);
    const gch__journal_batch newest = batch_of(4);
    assert_ok(gch__journal_turn(journal, second_head, &newest, &err));
    write_groups(journal, 5, 7);
    gch__journal_drop(journal, 9); /* rows 2 to 9 are in the first: it ends behind row 9 */
    gch__journal_close(journal);
    assert_ok(replay(numbers, 2, &s, &journal, &err));
    assert_int_equal(s.head_count, 2);
    assert_int_equal(s.batch_count, 7);
    assert_string_equal(s.head, "second");
    gch__journal_drop(journal, 10);
    assert_int_not_equal(faccessat(folder_fd, FILE_1, F_OK, 0), 0);
    gch__journal_close(journal);
    assert_ok(replay(numbers + 1, 1, &s, &journal, &err));
    assert_int_equal(s.batch_count, 3);
    /* The last group is taken back as if it had never been. */
    write_groups(journal, 7, 9);
    assert_ok(gch__journal_take_back(journal, &err));
    gch__journal_close(journal);
    assert_ok(replay(numbers + 1, 1, &s, &journal, &err));
    assert_int_equal(s.last_sequence, 6);
    gch__journal_close(journal);
}

static void names_of_other_files_are_not_journals(void **state)
{
    (void)state;
    size_t length;
    uint32_t number;
    assert_true(gch__journal_parse_name("x%2Fy.00000012.journal", &length, &number));
    assert_int_equal(length, 5);
    assert_int_equal(number, 12);
    static const char *const others[] = {".00000012.journal",      "x.0000001a.journal", "x.gch",
                                         "x.00000012.journal.tmp", "x.0000012.journal",  ""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(gch__journal_parse_name(others[i], &length, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_last_group_cut_short_anywhere_is_dropped),
        cmocka_unit_test(damage_before_the_last_group_is_reported),
        cmocka_unit_test(a_turned_journal_begins_with_the_newest_batch),
        cmocka_unit_test(names_of_other_files_are_not_journals),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
