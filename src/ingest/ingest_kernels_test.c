/* Every level of the CSV kernels against the scalar one, and its numbers against the one parser. */
#include "ingest_kernels.h"

#include "test.h"

#include "gch/writer.h"

#define ROWS 3000u
#define COLUMNS 3u
#define TEXT_BYTES ((size_t)512 << 10)
#define FIELDS_MAX 300u

typedef struct table {
    int64_t times[ROWS], digits[COLUMNS][ROWS];
    int8_t scales[COLUMNS][ROWS];
    uint8_t validity[COLUMNS][ROWS / 8];
    bool has_gaps[COLUMNS];
    gch__csv_cursor cursor;
    gch__csv_stop why;
} table;

/* What a row looks like; fields behind the roles given are passed over. */
typedef struct shape {
    uint32_t field_count;
    uint32_t roles[5];
    bool has_time;
} shape;

static const shape shapes[] = {
    {5, {0, GCH__CSV_TIME, 1, GCH__CSV_SKIP, 2}, true},
    {5, {0, 2, 1, GCH__CSV_SKIP, GCH__CSV_SKIP}, false},
    {2, {GCH__CSV_TIME, 0}, true},
    {2, {1, GCH__CSV_TIME}, true},
    {1, {0}, false},
    {64, {0, GCH__CSV_TIME, 1, 2, GCH__CSV_SKIP}, true},
    {70, {2, 0, GCH__CSV_TIME, 1, GCH__CSV_SKIP}, true},
    {256, {2, 0, GCH__CSV_TIME, 1, GCH__CSV_SKIP}, true},
    {FIELDS_MAX, {0, 1, 2, GCH__CSV_TIME, GCH__CSV_SKIP}, true}, /* too many for the quick way */
};

static const gch__ingest_kernels *levels[GCH__CPU_LEVEL_COUNT];
static size_t level_count;

/* A level that the processor lacks is named and passed over: the others are tested all the same. */
static int find_levels(void **state)
{
    (void)state;
    for (int level = GCH__CPU_SCALAR; level < GCH__CPU_LEVEL_COUNT; level++) {
        const gch__ingest_kernels *kernels = gch__ingest_kernels_get_level(level);
        printf("%s: %s\n", gch__cpu_level_name((gch__cpu_level)level),
               kernels != NULL ? "tested" : "not on this processor");
        if (kernels != NULL)
            levels[level_count++] = kernels;
    }
    return level_count > 0 ? 0 : -1;
}

static uint8_t text_with_front[GCH__CSV_FRONT + TEXT_BYTES + GCH__CSV_PADDING];
static uint8_t *const text = text_with_front + GCH__CSV_FRONT;

static uint32_t role_of(const shape *rows, uint32_t field)
{
    return field < GCH_COUNT_OF(rows->roles) ? rows->roles[field] : GCH__CSV_SKIP;
}

static void take(const gch__ingest_kernels *kernels, const shape *rows, size_t count, size_t stop,
                 gch__time_mode mode, table *out)
{
    gch__csv_target targets[COLUMNS];
    uint32_t roles[FIELDS_MAX];
    memset(out, 0, sizeof *out);
    memset(out->validity, 0xFF, sizeof out->validity);
    for (uint32_t field = 0; field < rows->field_count; field++)
        roles[field] = role_of(rows, field);
    for (uint32_t i = 0; i < COLUMNS; i++)
        targets[i] = (gch__csv_target){.digits = out->digits[i],
                                       .scales = out->scales[i],
                                       .validity = out->validity[i],
                                       .has_gaps = &out->has_gaps[i]};
    const gch__csv_plan plan = {.delimiter = ',',
                                .field_count = rows->field_count,
                                .roles = roles,
                                .has_time = rows->has_time,
                                .checks_order = true,
                                .times = rows->has_time ? out->times : NULL,
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
static size_t fill(uint64_t *random, const shape *rows, uint32_t row_count, bool is_wild)
{
    size_t at = 0;
    bool has_returns = test_random(random) % 4 == 0;
    memset(text_with_front, '1', GCH__CSV_FRONT);
    text_with_front[GCH__CSV_FRONT - 1] = '\r';
    if (is_wild && test_random(random) % 8 == 0)
        text[at++] = '\n';
    for (uint32_t row = 0; row < row_count && at < TEXT_BYTES - 4096; row++) {
        const size_t start = at;
        uint64_t r = test_random(random);
        for (uint32_t field = 0; field < rows->field_count; field++) {
            const uint32_t role = role_of(rows, field);
            if (field > 0)
                text[at++] = ',';
            if (role < COLUMNS)
                at += put_field(text + at, random, is_wild && r % 32 == role);
            else if (role == GCH__CSV_TIME)
                at += (size_t)sprintf((char *)text + at, "%u", 1000000u + row);
            else
                at += (size_t)sprintf((char *)text + at, "%s", (r >> 8) % 8 == 0 ? "word" : "");
        }
        if (is_wild && (r >> 16) % 64 == 0)
            at += (size_t)sprintf((char *)text + at, ",\"");
        bool has_return = has_returns || (r >> 24) % 8 == 0;
        at += (size_t)sprintf((char *)text + at, has_return ? "\r\n" : "\n");
        if (is_wild && (r >> 32) % 32 == 0)
            at += (size_t)sprintf((char *)text + at, "\r\n\n");
        /* A line feed where a delimiter belongs, and the other way round. */
        if (is_wild && (r >> 40) % 64 == 0)
            text[start + (r >> 48) % (at - start)] = (r >> 40) % 128 == 0 ? '\n' : ',';
    }
    text[at] = '\n';
    memset(text + at + 1, ',', GCH__CSV_PADDING - 1); /* whatever lies there */
    return at;
}

static void levels_equal_scalar(void **state)
{
    (void)state;
    table *expected = malloc(sizeof *expected), *out = malloc(sizeof *out);
    uint64_t random = 3;
    for (size_t i = 0; i < GCH_COUNT_OF(shapes); i++) {
        size_t taken = 0;
        for (uint32_t round = 0; round < 200; round++) {
            size_t count = fill(&random, &shapes[i], 1 + round * 7 % 1200, round % 4 != 0);
            size_t stop = round % 3 == 0 ? count : test_random(&random) % (count + 1);
            size_t limit =
                round % 5 == 0 ? stop + test_random(&random) % (count - stop + 1) : count;
            take(levels[0], &shapes[i], limit, stop, GCH__TIME_TICKS, expected);
            taken += expected->cursor.row;
            for (size_t level = 1; level < level_count; level++) {
                take(levels[level], &shapes[i], limit, stop, GCH__TIME_TICKS, out);
                assert_same(out, expected);
            }
        }
        assert_true(taken > 5000); /* the texts are not all odd at once */
    }
    free(expected);
    free(out);
}

/* One field of every kind through each level, in the first column and in the last, in every lane
 * of a register. */
static void numbers_equal_the_one_parser(void **state)
{
    (void)state;
    const shape *rows = &shapes[0];
    table *out = malloc(sizeof *out);
    uint64_t random = 11;
    for (uint32_t round = 0; round < 20000; round++) {
        uint8_t field[32];
        size_t length = put_field(field, &random, true), count = 0;
        const char *line_end = test_random(&random) % 2 == 0 ? "\r\n" : "\n";
        const uint32_t odd = round % 11;
        int64_t digits = 0;
        int8_t scale = 0;
        gch__number_kind kind = gch__number_parse(field, length, &digits, &scale);
        for (uint32_t row = 0; row < 11; row++) {
            const char *number = row == odd ? (const char *)field : "-8.25";
            const int number_length = row == odd ? (int)length : 5;
            count += (size_t)sprintf((char *)text + count, "%.*s,7,1,,%.*s%s", number_length,
                                     number, number_length, number, line_end);
        }
        text[count] = '\n';
        for (size_t level = 0; level < level_count; level++) {
            take(levels[level], rows, count, count, GCH__TIME_TICKS, out);
            if (kind == GCH__NUMBER_BAD) {
                assert_int_equal(out->why, GCH__CSV_STOP_ODD);
                assert_int_equal(out->cursor.row, odd);
                continue;
            }
            assert_int_equal(out->cursor.row, 11);
            for (uint32_t column = 0; column < COLUMNS; column += 2) {
                bool is_valid = (out->validity[column][odd / 8] >> odd % 8 & 1) != 0;
                assert_int_equal(is_valid, kind == GCH__NUMBER_VALUE);
                if (is_valid &&
                    (out->digits[column][odd] != digits || out->scales[column][odd] != scale))
                    fail_msg("%.*s: %lld, %d", (int)length, (const char *)field,
                             (long long)out->digits[column][odd], out->scales[column][odd]);
                const uint32_t other = odd == 10 ? 0 : odd + 1;
                assert_int_equal(out->digits[column][other], -825);
                assert_int_equal(out->scales[column][other], 2);
            }
        }
    }
    free(out);
}

/* Rows before one with a line feed for a delimiter, or the other way round, are taken, and no
 * other. */
static void misplaced_line_feeds_are_odd(void **state)
{
    (void)state;
    table *out = malloc(sizeof *out);
    uint64_t random = 17;
    for (size_t i = 0; i < GCH_COUNT_OF(shapes); i++) {
        const uint32_t field_count = shapes[i].field_count;
        for (uint32_t round = 0; field_count > 1 && round < 400; round++) {
            const uint32_t row_count = 2 + (uint32_t)(test_random(&random) % 60);
            const uint32_t odd = (uint32_t)(test_random(&random) % (row_count - 1));
            const bool joins = round % 2 == 0;
            const size_t field = joins ? field_count - 1 : test_random(&random) % (field_count - 1);
            size_t count = fill(&random, &shapes[i], row_count, false);
            size_t left = odd * field_count + field, at = 0;
            while (left > 0 || (text[at] != ',' && text[at] != '\n')) {
                left -= text[at] == ',' || text[at] == '\n';
                at++;
            }
            assert_int_equal(text[at], joins ? '\n' : ',');
            text[at] = joins ? ',' : '\n';
            for (size_t level = 0; level < level_count; level++) {
                take(levels[level], &shapes[i], count, count, GCH__TIME_TICKS, out);
                assert_int_equal(out->why, GCH__CSV_STOP_ODD);
                assert_int_equal(out->cursor.row, odd);
            }
        }
    }
    free(out);
}

/* A text over two lines that looks like the middle of two rows. */
static void quotes_are_odd(void **state)
{
    (void)state;
    const shape rows = {3, {0, GCH__CSV_SKIP, 1}, false};
    table *out = malloc(sizeof *out);
    for (uint32_t odd = 0; odd < 200; odd++) {
        size_t count = 0;
        for (uint32_t row = 0; row < 200; row++)
            count += (size_t)sprintf((char *)text + count,
                                     row == odd ? "1,\"a,5\n2,b\",3\n" : "1.5,word,%u\n", row);
        text[count] = '\n';
        for (size_t level = 0; level < level_count; level++) {
            take(levels[level], &rows, count, count, GCH__TIME_TICKS, out);
            assert_int_equal(out->why, GCH__CSV_STOP_ODD);
            assert_int_equal(out->cursor.row, odd);
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
    take(levels[0], &shapes[0], at, at, GCH__TIME_TEXT, expected);
    assert_int_equal(expected->cursor.row, 1000);
    assert_int_equal(expected->times[999], 1707555609500);
    for (size_t level = 1; level < level_count; level++) {
        take(levels[level], &shapes[0], at, at, GCH__TIME_TEXT, out);
        assert_same(out, expected);
    }
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
    for (size_t level = 0; level < level_count; level++) {
        for (size_t first = 0; first < 70; first += 3) {
            for (size_t count = 0; count < 20000 - first; count += 1 + count / 2) {
                size_t lines = 0;
                for (size_t i = 0; i < count; i++)
                    lines += text[first + i] == '\n';
                assert_int_equal(levels[level]->count_lines(text + first, count), lines);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_equal_scalar),
        cmocka_unit_test(numbers_equal_the_one_parser),
        cmocka_unit_test(misplaced_line_feeds_are_odd),
        cmocka_unit_test(quotes_are_odd),
        cmocka_unit_test(times_in_text_equal_scalar),
        cmocka_unit_test(lines_are_counted),
    };
    return cmocka_run_group_tests(tests, find_levels, NULL);
}
