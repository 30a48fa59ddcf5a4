/* Live frames, sound and not; and following a series over a connection that breaks. */
#include "net_frame.h"
#include "net_test.h"

#include <pthread.h>

#define ROWS 1000u /* of ws_peer.py's series */

static test_peer peer;
static gch_error err;
static gch__live_frame frame;

static int start_peer(void **state)
{
    (void)state;
    const char *const arguments[] = {PYTHON, NET_WS_PEER, "net_follow_test.tmp", NULL};
    test_peer_start(&peer, arguments);
    return 0;
}

static int stop_peer(void **state)
{
    (void)state;
    test_peer_stop(&peer);
    return 0;
}

/* ---- frames ---- */

#define FRAME_ROWS 11u
#define TIMES_AT 56u
#define INTS_AT (TIMES_AT + 8 * FRAME_ROWS)
#define BITS_AT (INTS_AT + 8 + 48)
#define FLOATS_AT (BITS_AT + 8)
#define FRAME_BYTES (FLOATS_AT + 8 + 8 * FRAME_ROWS)
#define SUMMARY_BYTES (TIMES_AT + 16 + 40)

static void store(uint8_t *bytes, size_t at, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void write_head(uint8_t *bytes, uint32_t kind, uint32_t count, uint32_t rows,
                       uint32_t columns, uint64_t stands_for)
{
    memset(bytes, 0, count);
    memcpy(bytes, "GCHL", 4);
    store(bytes, 4, 1, 2);
    store(bytes, 6, kind, 2);
    store(bytes, 8, count, 4);
    store(bytes, 12, rows, 4);
    store(bytes, 16, 9, 8);
    store(bytes, 24, 70, 8);
    store(bytes, 32, 8, 8);
    store(bytes, 40, stands_for, 8);
    store(bytes, 48, columns, 4);
}

/* An i32 column with gaps and an f64 one. */
static void write_rows(uint8_t bytes[FRAME_BYTES])
{
    write_head(bytes, 1, FRAME_BYTES, FRAME_ROWS, 2, FRAME_ROWS);
    bytes[INTS_AT] = GCH_TYPE_I32;
    bytes[INTS_AT + 1] = 1;
    store(bytes, BITS_AT, 0x7FD, 8);
    bytes[FLOATS_AT] = GCH_TYPE_F64;
    for (size_t i = 0; i < FRAME_ROWS; i++) {
        double value = (double)i / 4;
        store(bytes, TIMES_AT + 8 * i, 1000 + i / 2, 8);
        store(bytes, INTS_AT + 8 + 4 * i, i, 4);
        memcpy(bytes + FLOATS_AT + 8 + 8 * i, &value, 8);
    }
}

static void write_summary(uint8_t bytes[SUMMARY_BYTES])
{
    const double values[4] = {2, 1, 5, 3};
    write_head(bytes, 2, SUMMARY_BYTES, 0, 1, 1000);
    store(bytes, 56, 5, 8);
    store(bytes, 64, 6, 8);
    memcpy(bytes + 72, values, sizeof values);
    store(bytes, 104, 999, 8);
}

static void a_frame_of_rows_is_read(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[FRAME_BYTES];
    write_rows(bytes);
    assert_ok(gch__live_frame_parse(bytes, FRAME_BYTES, &frame, &err));
    assert_false(frame.is_summary);
    assert_int_equal(frame.row_count, FRAME_ROWS);
    assert_int_equal(frame.first_row, 70);
    assert_int_equal(frame.first_sequence, 8);
    assert_int_equal(frame.last_sequence, 9);
    assert_int_equal(frame.times[10], 1005);
    assert_int_equal(((const int32_t *)frame.columns[0].values)[7], 7);
    assert_int_equal(frame.columns[0].validity[0], 0xFD);
    assert_null(frame.columns[1].validity);
    gch__live_frame_skip_rows(&frame, 9);
    assert_int_equal(frame.first_row, 79);
    assert_int_equal(frame.row_count, 2);
    assert_int_equal(frame.times[1], 1005);
    assert_int_equal(((const int32_t *)frame.columns[0].values)[0], 9);
    assert_int_equal(frame.columns[0].first_bit, 1);
    assert_int_equal(frame.columns[0].validity[0] >> 1 & 3, 3);
    assert_true(((const double *)frame.columns[1].values)[1] == 2.5);
}

static void a_summary_is_read(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[SUMMARY_BYTES];
    write_summary(bytes);
    assert_ok(gch__live_frame_parse(bytes, SUMMARY_BYTES, &frame, &err));
    assert_true(frame.is_summary);
    assert_int_equal(frame.stands_for, 1000);
    assert_true(frame.sums[0].min == 1 && frame.sums[0].last == 3 && frame.sums[0].count == 999);
}

static void expect_fault(bool of_summary, size_t at, uint64_t value, size_t count)
{
    static _Alignas(8) uint8_t bytes[FRAME_BYTES];
    if (of_summary)
        write_summary(bytes);
    else
        write_rows(bytes);
    store(bytes, at, value, count);
    gch_status status =
        gch__live_frame_parse(bytes, of_summary ? SUMMARY_BYTES : FRAME_BYTES, &frame, &err);
    if (status != GCH_CORRUPT)
        fail_msg("%s: the fault at byte %zu is not seen", of_summary ? "summary" : "rows", at);
}

static void every_fault_of_a_frame_is_seen(void **state)
{
    (void)state;
    const struct {
        size_t at;
        uint64_t value;
        size_t count;
    } rows[] = {{0, 'X', 1},         {4, 2, 2},
                {6, 3, 2},           {8, FRAME_BYTES - 8, 4},
                {12, 0, 4},          {12, FRAME_ROWS + 1, 4},
                {12, UINT32_MAX, 4}, {16, 7, 8},
                {24, UINT64_MAX, 8}, {32, 0, 8},
                {40, 12, 8},         {48, 0, 4},
                {48, 3, 4},          {48, UINT32_MAX, 4},
                {52, 1, 4},          {TIMES_AT + 8, 999, 8},
                {INTS_AT, 0, 1},     {INTS_AT, GCH_TYPE_DECIMAL, 1},
                {INTS_AT + 1, 2, 1}, {INTS_AT + 7, 1, 1},
                {BITS_AT - 1, 1, 1}, {BITS_AT + 1, 8, 1},
                {BITS_AT + 7, 1, 1}, {FLOATS_AT, GCH_TYPE_F32, 1}},
      sums[] = {{12, 1, 4},      {40, 998, 8}, {56, 7, 8},    {78, 0x7FF8, 2},
                {86, 0x4020, 2}, {104, 0, 8},  {104, 1001, 8}};
    for (size_t i = 0; i < GCH_COUNT_OF(rows); i++)
        expect_fault(false, rows[i].at, rows[i].value, rows[i].count);
    for (size_t i = 0; i < GCH_COUNT_OF(sums); i++)
        expect_fault(true, sums[i].at, sums[i].value, sums[i].count);
}

static void a_frame_of_any_other_length_is_refused(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[FRAME_BYTES + 16];
    for (uint32_t count = 0; count < FRAME_BYTES + 16; count++) {
        write_rows(bytes);
        memset(bytes + FRAME_BYTES, 0, 16);
        store(bytes, 8, count, 4);
        if (count != FRAME_BYTES)
            assert_status(gch__live_frame_parse(bytes, count, &frame, &err), GCH_CORRUPT);
    }
}

static void damage_never_leads_outside(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (int i = 0; i < 20000; i++) {
        uint8_t *bytes = aligned_alloc(8, FRAME_BYTES); /* so that a sanitizer sees its end */
        assert_non_null(bytes);
        write_rows(bytes);
        for (uint64_t n = 1 + test_random(&random) % 3; n > 0; n--)
            bytes[test_random(&random) % FRAME_BYTES] = (uint8_t)test_random(&random);
        gch_status status = gch__live_frame_parse(bytes, FRAME_BYTES, &frame, &err);
        assert_true(status == GCH_OK || status == GCH_CORRUPT);
        free(bytes);
    }
}

/* ---- following ---- */

typedef struct seen {
    const char *series_id; /* of the one to follow */
    pthread_mutex_t lock;
    uint64_t next_row, rows;
    bool is_wrong;
    int hellos, losses, summaries, unsound, restarts;
    uint64_t summed_rows;
} seen;

static void note_hello(void *context, const char *text, size_t count)
{
    seen *s = context;
    pthread_mutex_lock(&s->lock);
    s->hellos += count > 8 && memmem(text, count, "hello", 5) != NULL;
    pthread_mutex_unlock(&s->lock);
}

static void note_rows(void *context, const gch_follow_rows *rows)
{
    seen *s = context;
    pthread_mutex_lock(&s->lock);
    s->is_wrong |= rows->first_row != s->next_row || rows->column_count != 2;
    for (uint32_t i = 0; i < rows->row_count; i++) {
        uint64_t row = rows->first_row + i;
        const gch_follow_column *ints = &rows->columns[0];
        uint32_t bit = ints->first_bit + i;
        bool is_valid = (ints->validity[bit / 8] >> (bit % 8) & 1) != 0;
        s->is_wrong |= rows->times[i] != (int64_t)(5 * row) ||
                       ((const int32_t *)ints->values)[i] != (int32_t)row ||
                       is_valid != (row % 3 != 0) ||
                       ((const double *)rows->columns[1].values)[i] * 2 != (double)row;
    }
    s->rows += rows->row_count;
    s->next_row = rows->first_row + rows->row_count;
    pthread_mutex_unlock(&s->lock);
}

static void note_summary(void *context, const gch_follow_summary *summary)
{
    seen *s = context;
    pthread_mutex_lock(&s->lock);
    s->summaries++;
    s->summed_rows += summary->row_count;
    s->is_wrong |= summary->first_row != s->next_row ||
                   summary->columns[1].last * 2 != (double)(s->next_row + summary->row_count - 1);
    s->next_row = summary->first_row + summary->row_count;
    pthread_mutex_unlock(&s->lock);
}

static void note_restart(void *context, const char *text, size_t count)
{
    static const char key[] = "\"first_sequence\": ";
    seen *s = context;
    const char *first = memmem(text, count, key, sizeof key - 1);
    assert_non_null(first);
    pthread_mutex_lock(&s->lock);
    s->restarts++;
    s->next_row = (strtoull(first + sizeof key - 1, NULL, 10) - 1) * 10;
    pthread_mutex_unlock(&s->lock);
}

static void note_lost(void *context, const gch_error *lost, bool is_final)
{
    seen *s = context;
    pthread_mutex_lock(&s->lock);
    s->losses++;
    s->unsound += lost->status == GCH_CORRUPT;
    s->is_wrong |= is_final;
    pthread_mutex_unlock(&s->lock);
}

static gch_follow_stats follow_all(const char *path, seen *s, uint64_t after)
{
    char url[128];
    gch_follow *follow = NULL;
    gch_follow_stats stats;
    snprintf(url, sizeof url, "ws://localhost:%d%s", test_peer_port(&peer, "ws"), path);
    pthread_mutex_init(&s->lock, NULL);
    s->next_row = after * 10;
    gch_follow_desc desc = {.url = url,
                            .has_after = true,
                            .after = after,
                            .series_id = s->series_id,
                            .backoff_ms = 2,
                            .backoff_cap_ms = 5,
                            .on_hello = note_hello,
                            .on_rows = note_rows,
                            .on_summary = note_summary,
                            .on_restart = note_restart,
                            .on_lost = note_lost,
                            .context = s};
    assert_ok(gch_follow_open(&desc, &follow, &err));
    for (int i = 0; i < 8000; i++) {
        pthread_mutex_lock(&s->lock);
        bool is_done = s->next_row >= ROWS;
        pthread_mutex_unlock(&s->lock);
        if (is_done)
            break;
        usleep(1000);
    }
    gch_follow_get_stats(follow, &stats);
    gch_follow_close(follow);
    assert_false(s->is_wrong);
    assert_int_equal(s->next_row, ROWS);
    return stats;
}

static void rows_come_once_and_in_order(void **state)
{
    (void)state;
    seen s = {0};
    gch_follow_stats stats = follow_all("/live", &s, 7);
    assert_int_equal(s.rows, ROWS - 70);
    assert_int_equal(s.losses, 0);
    assert_int_equal(s.hellos, 1);
    assert_int_equal(stats.rows, ROWS - 70);
    assert_int_equal(stats.last_sequence, 100);
    assert_int_equal(stats.repeated_rows, 0);
}

static void what_is_repeated_after_a_loss_is_given_out_once(void **state)
{
    (void)state;
    seen s = {0};
    gch_follow_stats stats = follow_all("/live-drop", &s, 0);
    assert_int_equal(s.rows, ROWS);
    assert_true(s.losses >= 10);
    assert_true(stats.repeated_rows >= 10 * 10);
}

static void what_is_no_longer_there_is_summed_up(void **state)
{
    (void)state;
    seen s = {0};
    gch_follow_stats stats = follow_all("/live-late", &s, 10);
    assert_int_equal(s.summaries, 1);
    assert_int_equal(s.summed_rows, 400);
    assert_int_equal(s.rows, 500);
    assert_int_equal(stats.missed_rows, 400);
}

static void an_unsound_frame_is_asked_for_again(void **state)
{
    (void)state;
    seen s = {0};
    gch_follow_stats stats = follow_all("/live-unsound", &s, 0);
    assert_int_equal(s.rows, ROWS);
    assert_int_equal(stats.unsound_frames, 1);
    assert_int_equal(s.unsound, 1);
    assert_int_equal(s.hellos, 2);
}

static void a_series_made_anew_is_followed_from_its_beginning(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t rows; /* that the new one keeps */
    } cases[] = {{"/live-anew", ROWS}, {"/live-other", ROWS - 100}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        seen s = {0};
        gch_follow_stats stats = follow_all(cases[i].path, &s, 0);
        assert_int_equal(s.restarts, 1);
        assert_int_equal(stats.restarts, 1);
        assert_int_equal(s.rows, 60 + cases[i].rows);
        assert_int_equal(stats.rows, cases[i].rows);
        assert_int_equal(s.hellos, 2);        /* the third was given up for a fourth */
        assert_int_equal(stats.ws.losses, 3); /* and the second found no series */
    }
}

static void a_series_is_another_one_than_that_of_its_description(void **state)
{
    (void)state;
    seen s = {.series_id = "none"};
    gch_follow_stats stats = follow_all("/live", &s, 7);
    assert_int_equal(stats.restarts, 1);
    assert_int_equal(s.rows, ROWS);
    assert_int_equal(s.hellos, 1);
    s = (seen){.series_id = "one"};
    stats = follow_all("/live", &s, 7);
    assert_int_equal(stats.restarts, 0);
    assert_int_equal(s.rows, ROWS - 70);
}

static void every_failed_allocation_leaks_nothing(void **state)
{
    (void)state;
    bool is_through = false;
    char url[128];
    snprintf(url, sizeof url, "ws://localhost:%d/live", test_peer_port(&peer, "ws"));
    for (int64_t n = 0; !is_through; n++) {
        test_failing memory = {.left = n};
        gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
        gch_follow *follow = NULL;
        gch_follow_desc desc = {.url = url, .allocator = &allocator};
        gch_status status = gch_follow_open(&desc, &follow, &err);
        gch_follow_close(follow);
        is_through = status == GCH_OK;
        assert_true(is_through || status == GCH_NO_MEMORY);
        assert_int_equal(memory.live, 0);
        assert_true(n < 50);
    }
    gch_follow *follow = NULL;
    assert_status(gch_follow_open(&(gch_follow_desc){.url = url, .rate = 241}, &follow, &err),
                  GCH_INVALID);
    assert_null(follow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_of_rows_is_read),
        cmocka_unit_test(a_summary_is_read),
        cmocka_unit_test(every_fault_of_a_frame_is_seen),
        cmocka_unit_test(a_frame_of_any_other_length_is_refused),
        cmocka_unit_test(damage_never_leads_outside),
        cmocka_unit_test(rows_come_once_and_in_order),
        cmocka_unit_test(what_is_repeated_after_a_loss_is_given_out_once),
        cmocka_unit_test(what_is_no_longer_there_is_summed_up),
        cmocka_unit_test(an_unsound_frame_is_asked_for_again),
        cmocka_unit_test(a_series_made_anew_is_followed_from_its_beginning),
        cmocka_unit_test(a_series_is_another_one_than_that_of_its_description),
        cmocka_unit_test(every_failed_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, start_peer, stop_peer);
}
