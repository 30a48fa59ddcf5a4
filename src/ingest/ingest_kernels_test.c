/* Every level of the CSV kernels against the scalar one, and its numbers against the one parser. */
#include "ingest_kernels.h"

#include "test.h"

#include "gch/writer.h"

#define ROWS 3000u
#define COLUMNS 3u
#define TEXT_BYTES ((size_t)256 << 10)

typedef struct table {
    int64_t times[ROWS], digits[COLUMNS][ROWS];
    int8_t scales[COLUMNS][ROWS];
    uint8_t validity[COLUMNS][ROWS / 8];
    bool has_gaps[COLUMNS];
    gch__csv_cursor cursor;
    gch__csv_stop why;
} table;

static uint8_t text_with_front[GCH__CSV_FRONT + TEXT_BYTES + GCH__CSV_PADDING];
static uint8_t *const text = text_with_front + GCH__CSV_FRONT;

static void take(const gch__ingest_kernels *kernels, size_t count, size_t stop, bool has_time,
                 gch__time_mode mode, table *out)
{
    static const uint32_t timed[] = {0, GCH__CSV_TIME, 1, GCH__CSV_SKIP, 2};
    static const uint32_t untimed[] = {0, 2, 1, GCH__CSV_SKIP, GCH__CSV_SKIP};
    gch__csv_target targets[COLUMNS];
    memset(out, 0, sizeof *out);
    memset(out->validity, 0xFF, sizeof out->validity);
    for (uint32_t i = 0; i < COLUMNS; i++)
        targets[i] = (gch__csv_target){.digits = out->digits[i],
                                       .scales = out->scales[i],
                                       .validity = out->validity[i],
                                       .has_gaps = &out->has_gaps[i]};
    const gch__csv_plan plan = {.delimiter = ',',
                                .field_count = 5,
                                .roles = has_time ? timed : untimed,
                                .has_time = has_time,
                                .checks_order = true,
                                .times = has_time ? out->times : NULL,
                                .columns = targets};
    out->cursor = (gch__csv_cursor){.at = text, .row_end = ROWS, .last_time = INT64_MIN};
    gch__time_field_set(&out->cursor.time, mode, GCH_TIME_MS);
    out->why = kernels->csv_rows(&plan, &out->cursor, text + stop, text + count);
}

/* Rows taken, and nothing of those behind: what lies there is nobody's. */
static void assert_same(const table *a, const table *b)
{
    assert_int_equal(a->why, b->why);
    assert_ptr_equal(a->cursor.at, b->cursor.at);
    assert_int_equal(a->cursor.row, b->cursor.row);
    assert_int_equal(a->cursor.line_count, b->cursor.line_count);
    assert_int_equal(a->cursor.first_time, b->cursor.first_time);
    assert_int_equal(a->cursor.last_time, b->cursor.last_time);
    const size_t rows = a->cursor.row;
    assert_memory_equal(a->times, b->times, rows * sizeof *a->times);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        assert_memory_equal(a->digits[i], b->digits[i], rows * sizeof *a->digits[i]);
        assert_memory_equal(a->scales[i], b->scales[i], rows);
        assert_memory_equal(a->validity[i], b->validity[i], sizeof a->validity[i]);
    }
}

static size_t put_field(uint8_t *to, uint64_t *random, bool is_wild)
{
    static const char letters[] = "00123456789.-";
    static const char *const words[] = {"",
                                        "nan",
                                        "-0",
                                        "-0.0",
                                        "-",
                                        ".",
                                        "5.",
                                        ".5",
                                        "+1.5",
                                        "1e3",
                                        "1.2.3",
                                        "1-2",
                                        "0.0",
                                        "-.5",
                                        "--",
                                        "00.1",
                                        "1234567890123456",
                                        "12345678901234567",
                                        "99999999.99999999"};
    uint64_t r = test_random(random);
    if (is_wild && r % 8 == 0) {
        const char *word = words[(r >> 8) % GCH_COUNT_OF(words)];
        memcpy(to, word, strlen(word));
        return strlen(word);
    }
    size_t length = 1 + (r >> 8) % (is_wild ? 20 : 7), point = (r >> 16) % 20;
    for (size_t i = 0; i < length; i++) {
        uint64_t pick = test_random(random);
        to[i] = (uint8_t)letters[pick % (is_wild && pick >> 8 & 1 ? 13 : 11)];
        if (!is_wild && i > 0 && i + 1 < length && i == point)
            to[i] = '.';
    }
    if ((r >> 40) % 4 == 0 && length > 1)
        to[0] = '-';
    return length;
}

/* Rows as the plan has them; wild ones now and then, so that much is taken all the same. */
static size_t fill(uint64_t *random, uint32_t row_count, bool is_wild)
{
    size_t at = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        uint64_t r = test_random(random);
        at += put_field(text + at, random, is_wild && r % 64 == 0);
        at += (size_t)sprintf((char *)text + at, ",%u,", 1000000u + row);
        at += put_field(text + at, random, is_wild && r % 32 == 1);
        at += (size_t)sprintf((char *)text + at, ",%s,", (r >> 8) % 8 == 0 ? "word" : "");
        at += put_field(text + at, random, is_wild && r % 32 == 2);
        if (is_wild && (r >> 16) % 64 == 0)
            at += (size_t)sprintf((char *)text + at, ",\"");
        at += (size_t)sprintf((char *)text + at, (r >> 24) % 8 == 0 ? "\r\n" : "\n");
        if (is_wild && (r >> 32) % 32 == 0)
            at += (size_t)sprintf((char *)text + at, "\r\n\n");
        assert_true(at < TEXT_BYTES - 200);
    }
    text[at] = '\n';
    memset(text + at + 1, ',', GCH__CSV_PADDING - 1); /* whatever lies there */
    return at;
}

static void levels_equal_scalar(void **state)
{
    (void)state;
    const gch__ingest_kernels *scalar = gch__ingest_kernels_get_level(GCH__CPU_SCALAR);
    table *expected = malloc(sizeof *expected), *out = malloc(sizeof *out);
    uint64_t random = 3;
    size_t taken = 0;
    for (uint32_t round = 0; round < 400; round++) {
        size_t count = fill(&random, 1 + round * 3 % 1200, round % 4 != 0);
        size_t stop = round % 3 == 0 ? count : test_random(&random) % (count + 1);
        size_t limit = round % 5 == 0 ? stop + test_random(&random) % (count - stop + 1) : count;
        take(scalar, limit, stop, round % 2 == 0, GCH__TIME_TICKS, expected);
        taken += expected->cursor.row;
        for (int level = GCH__CPU_SCALAR + 1; level < GCH__CPU_LEVEL_COUNT; level++) {
            const gch__ingest_kernels *kernels = gch__ingest_kernels_get_level(level);
            if (kernels == NULL)
                continue;
            take(kernels, limit, stop, round % 2 == 0, GCH__TIME_TICKS, out);
            assert_same(out, expected);
        }
    }
    assert_true(taken > 20000); /* the texts are not all odd at once */
    free(expected);
    free(out);
}

/* One field of every kind through each level, in the first column and in the last. */
static void numbers_equal_the_one_parser(void **state)
{
    (void)state;
    table *out = malloc(sizeof *out);
    uint64_t random = 11;
    for (uint32_t round = 0; round < 20000; round++) {
        uint8_t field[32];
        size_t length = put_field(field, &random, true);
        int64_t digits = 0;
        int8_t scale = 0;
        gch__number_kind kind = gch__number_parse(field, length, &digits, &scale);
        size_t count = (size_t)sprintf((char *)text, "%.*s,7,1,,%.*s\n8,7,6,,5\n", (int)length,
                                       (const char *)field, (int)length, (const char *)field);
        text[count] = '\n';
        for (int level = GCH__CPU_SCALAR; level < GCH__CPU_LEVEL_COUNT; level++) {
            const gch__ingest_kernels *kernels = gch__ingest_kernels_get_level(level);
            if (kernels == NULL)
                continue;
            take(kernels, count, count, true, GCH__TIME_TICKS, out);
            if (kind == GCH__NUMBER_BAD) {
                assert_int_equal(out->why, GCH__CSV_STOP_ODD);
                assert_int_equal(out->cursor.row, 0);
                continue;
            }
            assert_int_equal(out->cursor.row, 2);
            for (uint32_t column = 0; column < COLUMNS; column += 2) {
                bool is_valid = (out->validity[column][0] & 1) != 0;
                assert_int_equal(is_valid, kind == GCH__NUMBER_VALUE);
                if (is_valid &&
                    (out->digits[column][0] != digits || out->scales[column][0] != scale))
                    fail_msg("%.*s: %lld, %d", (int)length, (const char *)field,
                             (long long)out->digits[column][0], out->scales[column][0]);
            }
        }
    }
    free(out);
}

static void times_in_text_equal_scalar(void **state)
{
    (void)state;
    table *expected = malloc(sizeof *expected), *out = malloc(sizeof *out);
    size_t at = 0;
    for (int row = 0; row < 1000; row++)
        at += (size_t)sprintf((char *)text + at, "1,2024-02-%02dT%02d:00:%02d.%dZ,2,,3\n",
                              1 + row / 100, row / 10 % 10, row % 10, row % 7);
    text[at] = '\n';
    take(gch__ingest_kernels_get_level(GCH__CPU_SCALAR), at, at, true, GCH__TIME_TEXT, expected);
    assert_int_equal(expected->cursor.row, 1000);
    assert_int_equal(expected->times[999], 1707555609500);
    take(gch__ingest_kernels_get(), at, at, true, GCH__TIME_TEXT, out);
    assert_same(out, expected);
    free(expected);
    free(out);
}

static void lines_are_counted(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (size_t i = 0; i < 20000; i++)
        text[i] = test_random(&random) % 3 == 0 ? '\n' : 'a';
    memset(text, '\n', 9000); /* more than a byte counts */
    for (int level = GCH__CPU_SCALAR; level < GCH__CPU_LEVEL_COUNT; level++) {
        const gch__ingest_kernels *kernels = gch__ingest_kernels_get_level(level);
        if (kernels == NULL)
            continue;
        for (size_t first = 0; first < 70; first += 3) {
            for (size_t count = 0; count < 20000 - first; count += 1 + count / 2) {
                size_t lines = 0;
                for (size_t i = 0; i < count; i++)
                    lines += text[first + i] == '\n';
                assert_int_equal(kernels->count_lines(text + first, count), lines);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_equal_scalar),
        cmocka_unit_test(numbers_equal_the_one_parser),
        cmocka_unit_test(times_in_text_equal_scalar),
        cmocka_unit_test(lines_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
