/* Token files, and the comparisons of tokens, origins and hosts. */
#include "serve_auth.h"
#include "test.h"

#include <sys/stat.h>

#define PATH "serve_auth_test.tokens"

static gch__span span(const char *text)
{
    return (gch__span){(const uint8_t *)text, strlen(text)};
}

static gch_status read_tokens(const char *text, gch__tokens **out, gch_error *err)
{
    FILE *file = fopen(PATH, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(PATH, 0600);
    return gch__tokens_read(PATH, NULL, out, err);
}

static void tokens_give_the_right_that_stands_behind_them(void **state)
{
    (void)state;
    gch_error err = {0};
    gch__tokens *tokens = NULL;
    assert_ok(read_tokens("# who\r\n\n  0123456789abcdef  \nwrite-0123456789== write\r\n"
                          "read-0123456789./_~+ read",
                          &tokens, &err));
    assert_int_equal(gch__tokens_check(tokens, span("0123456789abcdef")), GCH__RIGHT_READ);
    assert_int_equal(gch__tokens_check(tokens, span("write-0123456789==")), GCH__RIGHT_WRITE);
    assert_int_equal(gch__tokens_check(tokens, span("read-0123456789./_~+")), GCH__RIGHT_READ);
    assert_int_equal(gch__tokens_check(tokens, span("0123456789abcdeF")), GCH__RIGHT_NONE);
    assert_int_equal(gch__tokens_check(tokens, span("0123456789abcde")), GCH__RIGHT_NONE);
    assert_int_equal(gch__tokens_check(tokens, (gch__span){NULL, 0}), GCH__RIGHT_NONE);
    gch__tokens_destroy(tokens);
    remove(PATH);
}

static void malformed_token_files_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {{"\nshort", ":2:"},
                 {"0123456789abcdef delete", ":1:"},
                 {"0123456789abcdef\"", ":1:"},
                 {"# nothing", PATH}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_error err = {0};
        gch__tokens *tokens = NULL;
        assert_status(read_tokens(cases[i].text, &tokens, &err), GCH_INVALID);
        assert_non_null(strstr(err.message, cases[i].place));
    }
    gch_error err = {0};
    gch__tokens *tokens = NULL;
    assert_ok(read_tokens("0123456789abcdef", &tokens, &err));
    gch__tokens_destroy(tokens);
    chmod(PATH, 0666);
    assert_status(gch__tokens_read(PATH, NULL, &tokens, &err), GCH_INVALID);
    remove(PATH);
    assert_status(gch__tokens_read(PATH, NULL, &tokens, &err), GCH_NOT_FOUND);
}

static void tokens_are_found_in_fields(void **state)
{
    (void)state;
    gch__span token = gch__bearer_token(span("bearer  abc "));
    assert_int_equal(token.count, 3);
    assert_memory_equal(token.bytes, "abc", 3);
    assert_int_equal(gch__bearer_token(span("Basic abc")).count, 0);
    assert_int_equal(gch__bearer_token(span("Bearer")).count, 0);
    token = gch__cookie_value(span("a=b; gch_token=xyz;c=d"), "gch_token");
    assert_int_equal(token.count, 3);
    assert_memory_equal(token.bytes, "xyz", 3);
    assert_int_equal(gch__cookie_value(span("xgch_token=xyz"), "gch_token").count, 0);
    assert_int_equal(gch__cookie_value(span("gch_token"), "gch_token").count, 0);
}

static void origins_are_the_same_only_with_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host;
        bool is_tls, is_same;
    } cases[] = {{"http://a:8080", "a:8080", false, true},
                 {"http://A", "a", false, true},
                 {"http://a", "a:80", false, true},
                 {"https://a", "a", true, true},
                 {"https://a", "a", false, true}, /* behind a proxy that ends TLS */
                 {"https://a:443", "a", true, true},
                 {"http://[::1]:8080", "[::1]:8080", false, true},
                 {"http://a:8081", "a:8080", false, false},
                 {"http://a.evil", "a", false, false},
                 {"http://evil/a", "a", false, false},
                 {"http://a", "a", true, false},
                 {"null", "a", false, false},
                 {"http://", "", false, false},
                 {"http://[::1", "[::1", false, false},
                 {"http://a:x", "a:x", false, false},
                 {"ftp://a", "a", false, false}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        if (gch__origin_is_same(span(cases[i].origin), span(cases[i].host), cases[i].is_tls) !=
            cases[i].is_same)
            fail_msg("%s at %s", cases[i].origin, cases[i].host);
    }
}

static void hosts_are_literal_or_listed(void **state)
{
    (void)state;
    static const char *const allowed[] = {"charts.example"};
    static const char *const good[] = {"localhost",   "localhost:80",       "LOCALHOST",
                                       "a.localhost", "127.0.0.1:8",        "[::1]:80",
                                       "[::1]",       "charts.example:443", "192.168.0.1"};
    static const char *const bad[] = {
        "",       "evil.example", "localhost.evil",      "127.0.0.1.evil", "[::1",
        "[::1]x", "xlocalhost",   "charts.example.evil", "localhost:99999"};
    for (size_t i = 0; i < GCH_COUNT_OF(good); i++) {
        if (!gch__host_is_allowed(span(good[i]), allowed, 1))
            fail_msg("refused: %s", good[i]);
    }
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++) {
        if (gch__host_is_allowed(span(bad[i]), allowed, 1))
            fail_msg("allowed: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_give_the_right_that_stands_behind_them),
        cmocka_unit_test(malformed_token_files_name_the_line),
        cmocka_unit_test(tokens_are_found_in_fields),
        cmocka_unit_test(origins_are_the_same_only_with_host_and_port),
        cmocka_unit_test(hosts_are_literal_or_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
