/* Header fields, sound and hostile. */
#include "net_header.h"
#include "test.h"

static gch__head head_of(const char *const *lines, size_t count)
{
    gch__head head;
    gch__head_reset(&head);
    for (size_t i = 0; i < count; i++)
        gch__head_take(&head, lines[i], strlen(lines[i]), 1000000000);
    return head;
}

static void content_range_is_read_exactly(void **state)
{
    (void)state;
    uint64_t first, end, total;
    assert_true(gch__parse_content_range("bytes 0-99/1000", &first, &end, &total));
    assert_true(first == 0 && end == 100 && total == 1000);
    assert_true(gch__parse_content_range("BYTES 5-5/*", &first, &end, &total));
    assert_true(first == 5 && end == 6 && total == 0);
    const char *const bad[] = {"",
                               "bytes",
                               "bytes ",
                               "bytes 0-99",
                               "bytes 0-99/",
                               "bytes 0-99/99",
                               "bytes 9-8/100",
                               "bytes -5/100",
                               "bytes 0-99/1000 ",
                               "bytes 0-99/1000x",
                               "bytes */1000",
                               "bytes=0-99/1000",
                               "pages 0-99/1000",
                               "bytes 0-99999999999999999999/*",
                               "bytes +1-2/3",
                               "bytes 0x1-2/3",
                               "bytes 0-1/**"};
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++)
        assert_false(gch__parse_content_range(bad[i], &first, &end, &total));
}

static void retry_after_takes_seconds_and_dates(void **state)
{
    (void)state;
    assert_int_equal(gch__parse_retry_after("0", 5), 0);
    assert_int_equal(gch__parse_retry_after("120", 5), 120000000000);
    assert_int_equal(gch__parse_retry_after("99999999", 5), 86400000000000);
    assert_int_equal(gch__parse_retry_after("Sun, 09 Sep 2001 01:46:45 GMT", 1000000000),
                     5000000000);
    assert_int_equal(gch__parse_retry_after("Sun, 09 Sep 2001 01:46:35 GMT", 1000000000), 0);
    assert_int_equal(gch__parse_retry_after("soon", 5), -1);
    assert_int_equal(gch__parse_retry_after("", 5), -1);
    assert_int_equal(gch__parse_retry_after("-1 banana", 5), -1);
}

static void the_last_of_several_heads_counts(void **state)
{
    (void)state;
    const char *const lines[] = {"HTTP/1.1 103 Early Hints\r\n",
                                 "ETag: \"early\"\r\n",
                                 "Content-Length: 7\r\n",
                                 "\r\n",
                                 "HTTP/2 206 \r\n",
                                 "etag:\"late\" \r\n",
                                 "Content-Range: bytes 1-2/3\r\n"};
    gch__head head = head_of(lines, GCH_COUNT_OF(lines));
    assert_int_equal(head.status, 206);
    assert_false(head.is_complete);
    assert_false(head.has_length);
    assert_true(head.has_range && head.first == 1 && head.end == 3);
    assert_string_equal(gch__head_validator(&head), "\"late\"");
    gch__head_take(&head, "\r\n", 2, 0);
    assert_true(head.is_complete);
}

static void a_weak_etag_validates_no_bytes(void **state)
{
    (void)state;
    const char *const lines[] = {"HTTP/1.1 200 OK\r\n", "ETag: W/\"x\"\r\n",
                                 "Last-Modified: Sun, 09 Sep 2001 01:46:35 GMT\r\n"};
    gch__head head = head_of(lines, GCH_COUNT_OF(lines));
    assert_string_equal(gch__head_validator(&head), "Sun, 09 Sep 2001 01:46:35 GMT");
    head = head_of(lines, 2);
    assert_string_equal(gch__head_validator(&head), "");
}

static void fields_that_do_not_fit_count_as_absent(void **state)
{
    (void)state;
    char line[2000];
    gch__head head;
    gch__head_reset(&head);
    memset(line, 'x', sizeof line);
    memcpy(line, "ETag: \"", 7);
    gch__head_take(&head, line, sizeof line, 0);
    assert_string_equal(head.etag, "");
    memcpy(line, "Content-Encoding: ", 18);
    gch__head_take(&head, line, sizeof line, 0);
    assert_string_equal(head.coding, "unknown"); /* not identity */
    memcpy(line, "Content-Type:     ", 18);
    gch__head_take(&head, line, sizeof line, 0);
    assert_int_equal(strlen(head.content_type), sizeof head.content_type - 1);
    gch__head_take(&head, "Content-Length: 12x", 19, 0);
    assert_false(head.has_length);
    gch__head_take(&head, "Content-Length: 99999999999999999999", 36, 0);
    assert_false(head.has_length);
    gch__head_take(&head, "HTTP/1.1 2", 10, 0);
    assert_int_equal(head.status, 0);
    gch__head_take(&head, "HTTP/1.1", 8, 0);
    assert_int_equal(head.status, 0);
    gch__head_take(&head, "no colon", 8, 0);
    gch__head_take(&head, ":", 1, 0);
    gch__head_take(&head, "", 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_range_is_read_exactly),
        cmocka_unit_test(retry_after_takes_seconds_and_dates),
        cmocka_unit_test(the_last_of_several_heads_counts),
        cmocka_unit_test(a_weak_etag_validates_no_bytes),
        cmocka_unit_test(fields_that_do_not_fit_count_as_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
