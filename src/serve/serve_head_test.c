/* Request heads and chunks: what is taken, what is refused, however the bytes are cut. */
#include "serve_head.h"
#include "test.h"

static gch__head head;

/* The code that a request is refused with, 0 if it is taken, -1 if its head is not complete. */
static int parse(const char *text, size_t length)
{
    size_t scanned = 0;
    bool is_bad = false;
    const char *why;
    size_t end = gch__head_find_end((const uint8_t *)text, length, &scanned, &is_bad);
    if (is_bad)
        return 400;
    return end == 0 ? -1 : gch__head_parse((const uint8_t *)text, end, &head, &why);
}

static int parse_text(const char *text)
{
    return parse(text, strlen(text));
}

static void assert_span(gch__span span, const char *text)
{
    assert_int_equal(span.count, strlen(text));
    assert_memory_equal(span.bytes, text, span.count);
}

static void parse_takes_a_request_apart(void **state)
{
    (void)state;
    assert_int_equal(parse_text("GET /a?b=c HTTP/1.1\r\nHost: x\r\nRange:\t bytes=0-1 \r\n\r\n"),
                     0);
    assert_span(head.method, "GET");
    assert_span(head.target, "/a?b=c");
    assert_int_equal(head.field_count, 2);
    assert_span(head.fields[1].name, "Range");
    assert_span(head.fields[1].value, "bytes=0-1");
    assert_false(head.is_1_0 || head.has_length || head.is_chunked);
    assert_int_equal(parse_text("POST / HTTP/1.0\r\nContent-Length: 12\r\n\r\n"), 0);
    assert_true(head.is_1_0 && head.has_length);
    assert_int_equal(head.length, 12);
    assert_int_equal(parse_text("POST / HTTP/1.1\r\nhost:x\r\nTransfer-Encoding: Chunked\r\n\r\n"),
                     0);
    assert_true(head.is_chunked);
}

static void parse_takes_a_target_in_absolute_form(void **state)
{
    (void)state;
    assert_int_equal(parse_text("GET http://a.b:80/c?d HTTP/1.1\r\nHost: other\r\n\r\n"), 0);
    assert_span(head.target, "/c?d");
    assert_span(head.authority, "a.b:80");
    assert_int_equal(parse_text("GET http://a.b HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(parse_text("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    assert_int_equal(parse_text("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

/* Each of these is read differently by one server or another. */
static void parse_refuses_what_could_be_read_in_two_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"GET / HTTP/1.1\nHost: x\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n: x\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
        {"GET / a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / http/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         400},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", 400},
        {"GET /\x7F HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /\xC3\xA4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        int code = parse_text(cases[i].text);
        if (code != cases[i].code)
            fail_msg("case %zu gives %d, expected %d: %s", i, code, cases[i].code, cases[i].text);
    }
    static const char with_nul[] = "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n";
    assert_int_equal(parse(with_nul, sizeof with_nul - 1), 400);
}

static void parse_refuses_too_many_fields(void **state)
{
    (void)state;
    char text[4096] = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (uint32_t i = 1; i < GCH__HEAD_FIELDS_MAX; i++)
        strcat(text, "a: b\r\n");
    size_t length = strlen(text);
    strcat(text, "\r\n");
    assert_int_equal(parse_text(text), 0);
    strcpy(text + length, "a: b\r\n\r\n");
    assert_int_equal(parse_text(text), 431);
}

static void the_end_is_found_however_the_bytes_are_cut(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET";
    size_t scanned = 0;
    bool is_bad;
    for (size_t count = 1; count < sizeof text; count++) {
        size_t end = gch__head_find_end((const uint8_t *)text, count, &scanned, &is_bad);
        assert_false(is_bad);
        assert_int_equal(end, count >= 27 ? 27 : 0);
        if (end > 0)
            return;
    }
    fail();
}

/* Feeds a chunked body in pieces of `step` bytes; the payload goes to `out`. 1: done, 0: not yet,
 * -1: malformed. */
static int unchunk(const char *text, size_t step, char *out, size_t *out_used)
{
    gch__chunks chunks = {0};
    size_t length = strlen(text), used = 0;
    *out_used = 0;
    while (used < length) {
        gch__span payload;
        bool is_done, is_bad;
        size_t count = GCH_MIN(step, length - used);
        used += gch__chunks_next(&chunks, (const uint8_t *)text + used, count, &payload, &is_done,
                                 &is_bad);
        if (is_bad)
            return -1;
        if (payload.count > 0)
            memcpy(out + *out_used, payload.bytes, payload.count);
        *out_used += payload.count;
        if (is_done)
            return used == length ? 1 : 2;
    }
    return 0;
}

static void chunks_give_the_payload_however_they_are_cut(void **state)
{
    (void)state;
    char out[64];
    size_t used;
    for (size_t step = 1; step < 40; step++) {
        assert_int_equal(unchunk("4\r\nWiki\r\n0A\r\npedia in\nc\r\n0\r\n\r\n", step, out, &used),
                         1);
        assert_int_equal(used, 14);
        assert_memory_equal(out, "Wikipedia in\nc", 14);
    }
    assert_int_equal(unchunk("1\r\na\r\n0\r\n\r\nGET", 100, out, &used), 2);
}

static void chunks_refuse_what_could_be_read_in_two_ways(void **state)
{
    (void)state;
    static const char *const cases[] = {"4\nWiki\r\n0\r\n\r\n", "4\r\nWikipedia\r\n",
                                        "\r\nWiki\r\n",         "4;a=b\r\nWiki\r\n0\r\n\r\n",
                                        "4 \r\nWiki\r\n",       "-4\r\nWiki\r\n",
                                        "0x4\r\nWiki\r\n",      "0\r\nTrailer: x\r\n\r\n",
                                        "4\r\nWiki\n0\r\n\r\n", "1000000000000000\r\na\r\n"};
    char out[64];
    size_t used;
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        for (size_t step = 1; step < 8; step++)
            assert_int_equal(unchunk(cases[i], step, out, &used), -1);
    }
}

static bool has_token(const char *list, const char *token)
{
    return gch__has_token((gch__span){(const uint8_t *)list, strlen(list)}, token);
}

static void tokens_are_found_whole_and_in_any_case(void **state)
{
    (void)state;
    assert_true(has_token("keep-alive , Upgrade", "upgrade"));
    assert_true(has_token("close", "close"));
    assert_false(has_token("closed, xclose", "close"));
    assert_false(has_token("", "close"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_takes_a_request_apart),
        cmocka_unit_test(parse_takes_a_target_in_absolute_form),
        cmocka_unit_test(parse_refuses_what_could_be_read_in_two_ways),
        cmocka_unit_test(parse_refuses_too_many_fields),
        cmocka_unit_test(the_end_is_found_however_the_bytes_are_cut),
        cmocka_unit_test(chunks_give_the_payload_however_they_are_cut),
        cmocka_unit_test(chunks_refuse_what_could_be_read_in_two_ways),
        cmocka_unit_test(tokens_are_found_whole_and_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
