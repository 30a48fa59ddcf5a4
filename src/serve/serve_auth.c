/* Tokens, origins and host names (serve_auth.h).
 *
 * Invariant: tokens are kept and compared as SHA-256 digests, all of them each time, so that
 * neither the order nor a common beginning shows in the time it takes.
 */
#include "serve_auth.h"

#include "serve_head.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PURPOSE "tokens"
#define TOKEN_MIN 16u
#define TOKEN_MAX 256u

typedef struct token {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    gch__right right;
} token;

struct gch__tokens {
    const gch_allocator *allocator;
    token *items;
    size_t count, cap;
};

static bool is_token_text(gch__span text)
{
    if (text.count < TOKEN_MIN || text.count > TOKEN_MAX)
        return false;
    for (size_t i = 0; i < text.count; i++) {
        uint8_t c = text.bytes[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && (c == 0 || strchr("-._~+/=", c) == NULL))
            return false;
    }
    return true;
}

static gch_status read_line(gch__tokens *tokens, gch__span line, const char *path, uint32_t number,
                            gch_error *err)
{
    line = gch__span_trim(line);
    if (line.count == 0 || line.bytes[0] == '#')
        return GCH_OK;
    size_t length = 0;
    while (length < line.count && line.bytes[length] != ' ' && line.bytes[length] != '\t')
        length++;
    gch__span right = gch__span_trim((gch__span){line.bytes + length, line.count - length});
    token item = {.right = GCH__RIGHT_READ};
    if (gch__span_is(right, "write"))
        item.right = GCH__RIGHT_WRITE;
    else if (right.count > 0 && !gch__span_is(right, "read"))
        return gch_fail(err, GCH_INVALID, "%s:%u: the right is neither read nor write", path,
                        number);
    line.count = length;
    if (!is_token_text(line))
        return gch_fail(err, GCH_INVALID,
                        "%s:%u: a token is 16 to 256 letters, digits or any of -._~+/=", path,
                        number);
    GCH_TRY(gch__ensure(tokens->allocator, (void **)&tokens->items, &tokens->cap, tokens->count + 1,
                        sizeof *tokens->items, PURPOSE, err));
    SHA256(line.bytes, line.count, item.digest);
    tokens->items[tokens->count++] = item;
    return GCH_OK;
}

gch_status gch__tokens_read(const char *path, const gch_allocator *allocator, gch__tokens **out,
                            gch_error *err)
{
    char *line = NULL;
    size_t line_cap = 0;
    struct stat info;
    gch__tokens *tokens = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return gch_fail(err, errno == ENOENT ? GCH_NOT_FOUND : GCH_IO, "%s: %s", path,
                        strerror(errno));
    gch_status status = GCH_OK;
    tokens = gch__alloc_zero(allocator, 1, sizeof *tokens, PURPOSE);
    if (tokens == NULL)
        status = gch__no_memory(err, PURPOSE);
    else
        tokens->allocator = allocator;
    if (status == GCH_OK && (fstat(fileno(file), &info) != 0 || (info.st_mode & S_IWOTH) != 0))
        status = gch_fail(err, GCH_INVALID, "%s: anybody may write to it", path);
    uint32_t number = 0;
    for (ssize_t length; status == GCH_OK && (length = getline(&line, &line_cap, file)) > 0;) {
        if (line[length - 1] == '\n')
            length--;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        status =
            read_line(tokens, (gch__span){(uint8_t *)line, (size_t)length}, path, ++number, err);
    }
    if (status == GCH_OK && ferror(file))
        status = gch_fail(err, GCH_IO, "%s: %s", path, strerror(errno));
    if (status == GCH_OK && tokens->count == 0)
        status = gch_fail(err, GCH_INVALID, "%s: holds no token", path);
    if (line != NULL)
        OPENSSL_cleanse(line, line_cap);
    free(line); /* getline's */
    fclose(file);
    if (status != GCH_OK) {
        gch__tokens_destroy(tokens);
        return status;
    }
    *out = tokens;
    return GCH_OK;
}

gch__right gch__tokens_check(const gch__tokens *tokens, gch__span text)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    gch__right right = GCH__RIGHT_NONE;
    SHA256(text.bytes, text.count, digest);
    for (size_t i = 0; i < tokens->count; i++) {
        bool is_equal = CRYPTO_memcmp(digest, tokens->items[i].digest, sizeof digest) == 0;
        gch__right given = (gch__right)(is_equal * (uint32_t)tokens->items[i].right);
        right = given > right ? given : right;
    }
    return right;
}

void gch__tokens_destroy(gch__tokens *tokens)
{
    if (tokens == NULL)
        return;
    gch__free(tokens->allocator, tokens->items, PURPOSE);
    gch__free(tokens->allocator, tokens, PURPOSE);
}

gch__span gch__bearer_token(gch__span authorization)
{
    static const char scheme[] = "bearer ";
    const size_t length = sizeof scheme - 1;
    if (authorization.count < length ||
        !gch__span_is((gch__span){authorization.bytes, length}, scheme))
        return (gch__span){NULL, 0};
    return gch__span_trim((gch__span){authorization.bytes + length, authorization.count - length});
}

gch__span gch__cookie_value(gch__span cookie, const char *name)
{
    size_t name_length = strlen(name);
    while (cookie.count > 0) {
        const uint8_t *end = memchr(cookie.bytes, ';', cookie.count);
        size_t length = end != NULL ? (size_t)(end - cookie.bytes) : cookie.count;
        gch__span pair = gch__span_trim((gch__span){cookie.bytes, length});
        if (pair.count > name_length && memcmp(pair.bytes, name, name_length) == 0 &&
            pair.bytes[name_length] == '=')
            return (gch__span){pair.bytes + name_length + 1, pair.count - name_length - 1};
        size_t step = length + (end != NULL);
        cookie = (gch__span){cookie.bytes + step, cookie.count - step};
    }
    return (gch__span){NULL, 0};
}

/* Takes a port off "host:port" or "[v6]:port"; the scheme's own if there is none. False if it is
 * malformed. */
static bool split_port(gch__span *host, uint64_t default_port, uint64_t *out_port)
{
    size_t from = 0;
    *out_port = default_port;
    if (host->count > 0 && host->bytes[0] == '[') {
        const uint8_t *close = memchr(host->bytes, ']', host->count);
        if (close == NULL)
            return false;
        from = (size_t)(close - host->bytes) + 1;
    }
    const uint8_t *colon =
        from < host->count ? memchr(host->bytes + from, ':', host->count - from) : NULL;
    if (colon == NULL)
        return from == 0 || from == host->count;
    size_t length = (size_t)(colon - host->bytes);
    if (from > 0 && length != from)
        return false;
    gch__span port = {colon + 1, host->count - length - 1};
    host->count = length;
    return gch__span_number(port, out_port) && *out_port <= UINT16_MAX;
}

bool gch__origin_is_same(gch__span origin, gch__span host, bool is_tls)
{
    gch__span rest = origin;
    uint64_t origin_default = 0, origin_port, host_port;
    if (origin.count > 8 && gch__span_is((gch__span){origin.bytes, 8}, "https://")) {
        rest = (gch__span){origin.bytes + 8, origin.count - 8};
        origin_default = 443;
    } else if (origin.count > 7 && gch__span_is((gch__span){origin.bytes, 7}, "http://")) {
        rest = (gch__span){origin.bytes + 7, origin.count - 7};
        origin_default = 80;
    }
    /* Behind a proxy that ends TLS a page is https while we speak cleartext: the page's scheme
     * tells what a Host without a port means. */
    uint64_t host_default = is_tls ? 443 : origin_default;
    if (origin_default == 0 || !split_port(&rest, origin_default, &origin_port) ||
        !split_port(&host, host_default, &host_port) || rest.count != host.count ||
        rest.count == 0 || origin_port != host_port)
        return false;
    for (size_t i = 0; i < rest.count; i++) {
        uint8_t a = rest.bytes[i], b = host.bytes[i];
        a = a >= 'A' && a <= 'Z' ? (uint8_t)(a + 32) : a;
        b = b >= 'A' && b <= 'Z' ? (uint8_t)(b + 32) : b;
        if (a != b)
            return false;
    }
    return true;
}

bool gch__host_is_allowed(gch__span host, const char *const *allowed, size_t allowed_count)
{
    uint64_t port;
    char text[256];
    struct in6_addr address;
    if (!split_port(&host, 0, &port) || host.count == 0 || host.count >= sizeof text)
        return false;
    for (size_t i = 0; i < allowed_count; i++) {
        if (gch__span_is(host, allowed[i]))
            return true;
    }
    if (host.bytes[0] == '[')
        host = (gch__span){host.bytes + 1, host.count - 2};
    memcpy(text, host.bytes, host.count);
    text[host.count] = '\0';
    static const char suffix[] = ".localhost";
    bool is_sub =
        host.count > sizeof suffix - 1 &&
        gch__span_is((gch__span){host.bytes + host.count - (sizeof suffix - 1), sizeof suffix - 1},
                     suffix);
    return gch__span_is(host, "localhost") || is_sub || inet_pton(AF_INET, text, &address) == 1 ||
           inet_pton(AF_INET6, text, &address) == 1;
}
