/* Records and fields, at every size of the buffer. */
#include "ingest_csv_reader.h"

#include "test.h"

/* All records of a text as "field|field/field|field/", faults as "!N@LINE:COLUMN/". */
static void read_all(const char *text, size_t length, char delimiter, size_t buffer_bytes,
                     char *out, size_t cap)
{
    gch_error err;
    gch__input input;
    gch__csv_reader reader;
    size_t at = 0;
    gch__input_open_memory("text", (gch__span){(const uint8_t *)text, length}, &input);
    assert_ok(gch__csv_reader_open(&reader, NULL, &input, delimiter, buffer_bytes, &err));
    for (;;) {
        gch__csv_record record;
        assert_ok(gch__csv_reader_next(&reader, &record, &err));
        if (record.fault != GCH__CSV_SOUND) {
            uint64_t line, column;
            gch__csv_position(&record, record.fault_at, &line, &column);
            at += (size_t)snprintf(out + at, cap - at, "!%d@%d:%d/", (int)record.fault, (int)line,
                                   (int)column);
            if (record.fault == GCH__CSV_OPEN_QUOTE)
                gch__csv_reader_drop_line(&reader, &record);
            continue;
        }
        if (record.field_count == 0)
            break;
        at += (size_t)snprintf(out + at, cap - at, "%d:", (int)record.line);
        for (size_t i = 0; i < record.field_count; i++) {
            gch__span field;
            assert_true(gch__csv_reader_text(&reader, &record, i, &field));
            at += (size_t)snprintf(out + at, cap - at, "%s%.*s", i > 0 ? "|" : "", (int)field.count,
                                   (const char *)field.bytes);
        }
        at += (size_t)snprintf(out + at, cap - at, "/");
    }
    gch__csv_reader_close(&reader);
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

static void records_are_the_same_at_every_buffer_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < GCH_COUNT_OF(records); i++) {
        const char *text = records[i].text;
        for (size_t buffer_bytes = 1; buffer_bytes <= strlen(text) + 20; buffer_bytes++) {
            char out[512] = "";
            read_all(text, strlen(text), ',', buffer_bytes, out, sizeof out);
            if (strcmp(out, records[i].expected) != 0)
                fail_msg("record test %zu, buffer of %zu: %s, expected %s", i, buffer_bytes, out,
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
            read_all(text, 6, ',', buffer_bytes, out, sizeof out);
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
            gch__input input;
            gch__csv_reader reader;
            gch__span span = {(const uint8_t *)table[i].text, strlen(table[i].text)};
            gch__input_open_memory("text", span, &input);
            assert_ok(gch__csv_reader_open(&reader, NULL, &input, 0, buffer_bytes, &err));
            if (reader.delimiter != (uint8_t)table[i].delimiter)
                fail_msg("%s: found '%c'", table[i].text, reader.delimiter);
            gch__csv_reader_close(&reader);
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
        gch_error err = {0};
        gch__input input;
        gch__csv_reader reader;
        gch__input_open_memory("text", (gch__span){(const uint8_t *)table[i].text, 3}, &input);
        assert_status(gch__csv_reader_open(&reader, NULL, &input, ',', 16, &err), GCH_UNSUPPORTED);
        assert_non_null(strstr(err.message, table[i].part));
    }
}

static void too_many_fields_are_a_fault_of_one_record(void **state)
{
    (void)state;
    static char text[GCH__CSV_FIELDS_MAX + 8], out[64];
    memset(text, ',', GCH__CSV_FIELDS_MAX);
    memcpy(text + GCH__CSV_FIELDS_MAX, "\na\n", 3);
    read_all(text, GCH__CSV_FIELDS_MAX + 3, ',', 1 << 16, out, sizeof out);
    assert_string_equal(out, "!3@1:65537/2:a/");
}

static void a_record_beyond_64_MiB_is_a_fault(void **state)
{
    (void)state;
    size_t length = GCH__CSV_RECORD_BYTES_MAX * 2 + 1000;
    uint8_t *text = test_malloc(length);
    memset(text, 'a', length);
    gch_error err;
    gch__input input;
    gch__csv_reader reader;
    gch__csv_record record;
    gch__input_open_memory("text", (gch__span){text, length}, &input);
    assert_ok(gch__csv_reader_open(&reader, NULL, &input, ',', 1 << 20, &err));
    assert_ok(gch__csv_reader_next(&reader, &record, &err));
    assert_int_equal(record.fault, GCH__CSV_TOO_LONG);
    gch__csv_reader_close(&reader);
    text[0] = '"';
    gch__input_open_memory("text", (gch__span){text, length}, &input);
    assert_ok(gch__csv_reader_open(&reader, NULL, &input, ',', 1 << 20, &err));
    assert_ok(gch__csv_reader_next(&reader, &record, &err));
    assert_int_equal(record.fault, GCH__CSV_OPEN_QUOTE);
    gch__csv_reader_close(&reader);
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_the_same_at_every_buffer_size),
        cmocka_unit_test(splitting_equals_a_plain_state_machine),
        cmocka_unit_test(delimiters_are_found_by_count),
        cmocka_unit_test(other_encodings_are_refused_by_name),
        cmocka_unit_test(too_many_fields_are_a_fault_of_one_record),
        cmocka_unit_test(a_record_beyond_64_MiB_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
