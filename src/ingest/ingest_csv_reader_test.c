/* Records and fields, at every size of the buffer and of the pieces that the text comes in. */
#include "ingest_csv_reader.h"

#include "test.h"

/* A text that comes in pieces. */
typedef struct feeder {
    gch__csv_reader reader;
    const uint8_t *text;
    size_t length, at, piece_bytes;
} feeder;

static void feeder_open(feeder *f, const void *text, size_t length, char delimiter,
                        size_t buffer_bytes, size_t piece_bytes)
{
    gch_error err;
    *f = (feeder){.text = text, .length = length, .piece_bytes = piece_bytes};
    assert_ok(gch__csv_reader_open(&f->reader, NULL, "text", delimiter, buffer_bytes, &err));
}

/* The next record; one without fields and fault at the end. */
static gch_status feeder_next(feeder *f, gch__csv_record *out, gch_error *err)
{
    for (;;) {
        GCH_TRY(gch__csv_reader_next(&f->reader, out, err));
        if (!f->reader.is_starved)
            return GCH_OK;
        uint8_t *to;
        size_t cap;
        GCH_TRY(gch__csv_reader_room(&f->reader, &to, &cap, err));
        assert_true(cap > 0);
        size_t count = GCH_MIN(GCH_MIN(cap, f->piece_bytes), f->length - f->at);
        memcpy(to, f->text + f->at, count);
        f->at += count;
        gch__csv_reader_fill(&f->reader, count, f->at == f->length);
    }
}

/* All records of a text as "field|field/field|field/", faults as "!N@LINE:COLUMN/". */
static void read_all(const char *text, size_t length, char delimiter, size_t buffer_bytes,
                     size_t piece_bytes, char *out, size_t cap)
{
    gch_error err;
    feeder f;
    size_t at = 0;
    feeder_open(&f, text, length, delimiter, buffer_bytes, piece_bytes);
    for (;;) {
        gch__csv_record record;
        assert_ok(feeder_next(&f, &record, &err));
        if (record.fault != GCH__CSV_SOUND) {
            uint64_t line, column;
            gch__csv_position(&record, record.fault_at, &line, &column);
            at += (size_t)snprintf(out + at, cap - at, "!%d@%d:%d/", (int)record.fault, (int)line,
                                   (int)column);
            if (record.fault == GCH__CSV_OPEN_QUOTE)
                gch__csv_reader_drop_line(&f.reader, &record);
            continue;
        }
        if (record.field_count == 0)
            break;
        at += (size_t)snprintf(out + at, cap - at, "%d:", (int)record.line);
        for (size_t i = 0; i < record.field_count; i++) {
            gch__span field;
            assert_true(gch__csv_reader_text(&f.reader, &record, i, &field));
            at += (size_t)snprintf(out + at, cap - at, "%s%.*s", i > 0 ? "|" : "", (int)field.count,
                                   (const char *)field.bytes);
        }
        at += (size_t)snprintf(out + at, cap - at, "/");
    }
    gch__csv_reader_close(&f.reader);
}

static const struct {
    const char *text, *expected;
} records[] = {
    {"", ""},
    {"\n", ""},
    {"\r\n\r\n \n", ""},
    {"a", "1:a/"},
    {"a\n", "1:a/"},
    {"a\r\n", "1:a/"},
    {"a\r", "1:a/"},
    {"a,b\nc,d", "1:a|b/2:c|d/"},
    {"a,b\r\nc,d\r\n", "1:a|b/2:c|d/"},
    {",\n", "1:|/"},
    {"a,,b\n", "1:a||b/"},
    {"\n\na\n\n\nb\n", "3:a/6:b/"},
    {"\"a\"\n", "1:a/"},
    {"\"\"\n", "1:/"},
    {"\"a,b\",c\n", "1:a,b|c/"},
    {"\"a\"\"b\"\n", "1:a\"b/"},
    {"\"\"\"\"\n", "1:\"/"},
    {"\"\"\"a\"\"\",\"\"\"\"\"\"", "1:\"a\"|\"\"/"},
    {"\"a\nb\",c\nd,e\n", "1:a\nb|c/3:d|e/"},
    {"\"a\r\nb\"\r\nd", "1:a\r\nb/3:d/"},
    {"x,\"a\n\n\nb\"\ny,z", "1:x|a\n\n\nb/5:y|z/"},
    {"\"a\"", "1:a/"},
    {"\"a\"\r", "1:a/"},
    {"\"a\",\"b\"\r\n\"c\",\"d\"", "1:a|b/2:c|d/"},
    {"a\"b,c\"\n", "1:a\"b|c\"/"},
    {" \"a\"\n", "1: \"a\"/"},
    {"\xEF\xBB\xBF"
     "a,b\n",
     "1:a|b/"},
    {"\xEF\xBB\xBF\"a\",b\n", "1:a|b/"},
    {"\"a\"x,b\nc,d\n", "!1@1:4/2:c|d/"},
    {"\"a\" ,b\n", "!1@1:4/"},
    {"p,\"a\nb\"x\nc,d\n", "!1@2:3/3:c|d/"},
    {"a,\"b\nc,d\ne,f", "!2@1:3/2:c|d/3:e|f/"},
    {"a\n\"", "1:a/!2@2:1/"},
    {"\"\"\"\n", "!2@1:1/"},
    {"x,\"p\nq\",\"open\nc\n", "!2@2:4/3:c/"},
    {"0123456789abcdef,0123456789abcdef,0123456789\n1,2,3\n",
     "1:0123456789abcdef|0123456789abcdef|0123456789/2:1|2|3/"},
};

static void records_are_the_same_in_all_pieces_and_buffers(void **state)
{
    (void)state;
    for (size_t i = 0; i < GCH_COUNT_OF(records); i++) {
        const char *text = records[i].text;
        for (size_t buffer_bytes = 1; buffer_bytes <= strlen(text) + 20; buffer_bytes++) {
            char out[512] = "";
            read_all(text, strlen(text), ',', buffer_bytes, SIZE_MAX, out, sizeof out);
            if (strcmp(out, records[i].expected) != 0)
                fail_msg("record test %zu, buffer of %zu: %s, expected %s", i, buffer_bytes, out,
                         records[i].expected);
            out[0] = '\0';
            read_all(text, strlen(text), ',', 1 + buffer_bytes % 7 * 16, buffer_bytes, out,
                     sizeof out);
            if (strcmp(out, records[i].expected) != 0)
                fail_msg("record test %zu, pieces of %zu: %s, expected %s", i, buffer_bytes, out,
                         records[i].expected);
        }
    }
}

/* The rules once more, byte by byte: a field is in one of four states. */
static void read_plainly(const char *text, size_t length, char *out, size_t cap)
{
    enum { START, BARE, QUOTED, CLOSED } field = START;
    char record[128] = "", fault[32] = "";
    size_t at = 0, count = 0, fields = 1, quote_at = 0, line_start = 0, quote_line_start = 0;
    int line = 1, record_line = 1, quote_line = 1;
    bool had_quote = false;
    for (size_t i = 0;; i++) {
        bool is_end = i >= length;
        char c = is_end ? '\n' : text[i];
        if (field == QUOTED) {
            if (is_end) { /* drop the line of the quote and go on behind it */
                at += (size_t)snprintf(out + at, cap - at, "!2@%d:%d/", quote_line,
                                       (int)(quote_at - quote_line_start) + 1);
                while (quote_at < length && text[quote_at] != '\n')
                    quote_at++;
                i = quote_at;
                line = quote_line + 1;
                if (i >= length)
                    return;
            } else if (c == '"' && i + 1 < length && text[i + 1] == '"') {
                record[count++] = '"';
                i++;
                continue;
            } else {
                field = c == '"' ? CLOSED : QUOTED;
                if (c != '"')
                    record[count++] = c;
                if (c == '\n') {
                    line++;
                    line_start = i + 1;
                }
                continue;
            }
        } else if (field == START && c == '"' && !is_end) {
            field = QUOTED;
            had_quote = true;
            quote_at = i;
            quote_line = line;
            quote_line_start = line_start;
            continue;
        } else if (c == ',') {
            record[count++] = '|';
            field = START;
            fields++;
            continue;
        } else if (c != '\n') {
            bool is_line_end = c == '\r' && (i + 1 == length || text[i + 1] == '\n');
            if (field == CLOSED && !is_line_end && fault[0] == '\0')
                snprintf(fault, sizeof fault, "!1@%d:%d/", line, (int)(i - line_start) + 1);
            field = field == CLOSED ? CLOSED : BARE;
            if (!is_line_end)
                record[count++] = c;
            continue;
        } else {
            bool has_record = count > 0 || fields > 1 || had_quote;
            if (fault[0] != '\0')
                at += (size_t)snprintf(out + at, cap - at, "%s", fault);
            else if (has_record)
                at += (size_t)snprintf(out + at, cap - at, "%d:%.*s/", record_line, (int)count,
                                       record);
            if (is_end)
                return;
            line++;
        }
        line_start = i + 1;
        record_line = line;
        count = 0;
        fields = 1;
        had_quote = false;
        fault[0] = '\0';
        field = START;
    }
}

/* All texts of six of these bytes. */
static void splitting_equals_a_plain_state_machine(void **state)
{
    (void)state;
    static const char alphabet[] = {'a', ',', '"', '\n', '\r'};
    for (uint32_t code = 0; code < 5 * 5 * 5 * 5 * 5 * 5; code++) {
        char text[8] = "", expected[256] = "", out[256];
        uint32_t rest = code;
        for (int i = 0; i < 6; i++, rest /= 5)
            text[i] = alphabet[rest % 5];
        read_plainly(text, 6, expected, sizeof expected);
        for (size_t buffer_bytes = 1; buffer_bytes < 10; buffer_bytes += 2) {
            out[0] = '\0';
            read_all(text, 6, ',', buffer_bytes, 1 + code % 3, out, sizeof out);
            if (strcmp(out, expected) != 0)
                fail_msg("code %u, buffer of %zu: %s, expected %s", code, buffer_bytes, out,
                         expected);
        }
    }
}

static void delimiters_are_found_by_count(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char delimiter;
    } table[] = {
        {"a,b\n1;2;3;4;5\n", ','},
        {"a;b;c\n", ';'},
        {"a\tb\n", '\t'},
        {"a|b|c,d\n", '|'},
        {"abc\n1,2\n", ','},
        {"", ','},
        {"time;value,x;y\n", ';'},
        {"\"a;b;c;d\",e\n", ','},
        {"\n\r\na;b\n", ';'},
        {"\"a\n;;;\",b", ','},
        {"\xEF\xBB\xBF"
         "a\tb",
         '\t'},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        for (size_t buffer_bytes = 1; buffer_bytes < 40; buffer_bytes += 13) {
            gch_error err;
            gch__csv_record record;
            feeder f;
            feeder_open(&f, table[i].text, strlen(table[i].text), 0, buffer_bytes,
                        1 + buffer_bytes / 2);
            assert_ok(feeder_next(&f, &record, &err));
            if (f.reader.delimiter != (uint8_t)table[i].delimiter)
                fail_msg("%s: found '%c'", table[i].text, f.reader.delimiter);
            gch__csv_reader_close(&f.reader);
        }
    }
}

static void other_encodings_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } table[] = {{"\xFF\xFE"
                  "a\0",
                  "UTF-16"},
                 {"\xFE\xFF\0a", "UTF-16"},
                 {"\x1F\x8B\x08", "gzip"}};
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        for (size_t piece_bytes = 1; piece_bytes < 4; piece_bytes++) {
            gch_error err = {0};
            gch__csv_record record;
            feeder f;
            feeder_open(&f, table[i].text, 3, ',', 16, piece_bytes);
            assert_status(feeder_next(&f, &record, &err), GCH_UNSUPPORTED);
            assert_non_null(strstr(err.message, table[i].part));
            gch__csv_reader_close(&f.reader);
        }
    }
}

static void too_many_fields_are_a_fault_of_one_record(void **state)
{
    (void)state;
    static char text[GCH__CSV_FIELDS_MAX + 8], out[64];
    memset(text, ',', GCH__CSV_FIELDS_MAX);
    memcpy(text + GCH__CSV_FIELDS_MAX, "\na\n", 3);
    read_all(text, GCH__CSV_FIELDS_MAX + 3, ',', 1 << 16, 1000, out, sizeof out);
    assert_string_equal(out, "!3@1:65537/2:a/");
}

static void a_record_beyond_64_MiB_is_a_fault(void **state)
{
    (void)state;
    size_t length = GCH__CSV_RECORD_BYTES_MAX * 2 + 1000;
    uint8_t *text = test_malloc(length);
    memset(text, 'a', length);
    gch_error err;
    gch__csv_record record;
    feeder f;
    feeder_open(&f, text, length, ',', 1 << 20, SIZE_MAX);
    assert_ok(feeder_next(&f, &record, &err));
    assert_int_equal(record.fault, GCH__CSV_TOO_LONG);
    assert_status(gch__csv_fail_fault(&f.reader, &record, &err), GCH_LIMIT);
    gch__csv_reader_close(&f.reader);
    text[0] = '"';
    feeder_open(&f, text, length, ',', 1 << 20, SIZE_MAX);
    assert_ok(feeder_next(&f, &record, &err));
    assert_int_equal(record.fault, GCH__CSV_OPEN_QUOTE);
    gch__csv_reader_close(&f.reader);
    test_free(text);
}

/* The work is linear in the bytes: in quadratic time these would take hours. */
static void long_fields_may_come_byte_by_byte(void **state)
{
    (void)state;
    enum { BYTES = 4000000 };
    static const char *const patterns[] = {"aaaa", "\"\"\"\"", "\n,\n,", "\"\"\n,"};
    char *text = test_malloc(BYTES);
    for (size_t i = 0; i < GCH_COUNT_OF(patterns); i++) {
        for (size_t at = 0; at < BYTES; at++)
            text[at] = patterns[i][at % 4];
        memcpy(text, i == 0 ? "xx" : "\"x", 2);
        memcpy(text + BYTES - 4, i == 0 ? "a,b\n" : "\",b\n", 4);
        gch_error err;
        gch__csv_record record;
        feeder f;
        feeder_open(&f, text, BYTES, ',', 64, 1);
        assert_ok(feeder_next(&f, &record, &err));
        assert_int_equal(record.fault, GCH__CSV_SOUND);
        assert_int_equal(record.field_count, 2);
        assert_int_equal(record.fields[0].length + (i == 0 ? 3 : 5), BYTES);
        gch__csv_reader_close(&f.reader);
    }
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_the_same_in_all_pieces_and_buffers),
        cmocka_unit_test(splitting_equals_a_plain_state_machine),
        cmocka_unit_test(delimiters_are_found_by_count),
        cmocka_unit_test(other_encodings_are_refused_by_name),
        cmocka_unit_test(too_many_fields_are_a_fault_of_one_record),
        cmocka_unit_test(a_record_beyond_64_MiB_is_a_fault),
        cmocka_unit_test(long_fields_may_come_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
