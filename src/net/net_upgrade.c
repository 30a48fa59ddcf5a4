/* The opening handshake: see net_upgrade.h. */
#include "net_upgrade.h"

#include "net_header.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define KEY_BYTES 16
#define SHA1_BYTES 20

gch_status gch__upgrade_make_key(gch__upgrade *upgrade, gch_error *err)
{
    unsigned char random[KEY_BYTES];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return gch_fail(err, GCH_IO, "no random bytes");
    static_assert(GCH__UPGRADE_KEY_CAP > (KEY_BYTES + 2) / 3 * 4, "base64 fits");
    (void)EVP_EncodeBlock((unsigned char *)upgrade->key, random, KEY_BYTES);
    return GCH_OK;
}

static bool put(gch__buffer *out, const char *a, const char *b, const char *c)
{
    return gch__buffer_append(out, a, strlen(a)) && gch__buffer_append(out, b, strlen(b)) &&
           gch__buffer_append(out, c, strlen(c));
}

gch_status gch__upgrade_write(const gch__upgrade *u, gch__buffer *out, gch_error *err)
{
    bool is_written =
        put(out, "GET ", u->target, " HTTP/1.1\r\n") && put(out, "Host: ", u->host, "\r\n") &&
        put(out, "User-Agent: ", GCH__USER_AGENT, "\r\n") &&
        put(out, "Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
            "Sec-WebSocket-Version: 13\r\n") &&
        put(out, "Sec-WebSocket-Key: ", u->key, "\r\n") &&
        (u->protocol[0] == '\0' || put(out, "Sec-WebSocket-Protocol: ", u->protocol, "\r\n")) &&
        (u->token[0] == '\0' || put(out, "Authorization: Bearer ", u->token, "\r\n")) &&
        put(out, "\r\n", "", "");
    return is_written ? GCH_OK : gch__no_memory(err, "websocket");
}

void gch__upgrade_accept(const char *key, char out[GCH__UPGRADE_KEY_CAP])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[GCH__UPGRADE_KEY_CAP + sizeof guid];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    size_t length = strnlen(key, GCH__UPGRADE_KEY_CAP - 1);
    memcpy(text, key, length);
    memcpy(text + length, guid, sizeof guid);
    out[0] = '\0';
    static_assert(GCH__UPGRADE_KEY_CAP > (SHA1_BYTES + 2) / 3 * 4, "base64 fits");
    if (EVP_Digest(text, strlen(text), hash, &count, EVP_sha1(), NULL) == 1 && count == SHA1_BYTES)
        (void)EVP_EncodeBlock((unsigned char *)out, hash, SHA1_BYTES);
}

/* ---- the answer ---- */

typedef struct answer {
    uint32_t status;
    bool is_websocket, is_upgrade, has_extension;
    char accept[64], protocol[64];
} answer;

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

/* Whether a list of tokens, as in Connection, has one. */
static bool has_token(const char *list, size_t count, const char *token)
{
    size_t length = strlen(token);
    for (size_t i = 0; i < count;) {
        size_t start = i;
        while (i < count && !is_separator(list[i]))
            i++;
        if (i - start == length && strncasecmp(list + start, token, length) == 0)
            return true;
        i++;
    }
    return false;
}

static void take_field(answer *a, const char *line, size_t count)
{
    const char *colon = memchr(line, ':', count);
    if (colon == NULL)
        return;
    size_t name = (size_t)(colon - line);
    const char *value = colon + 1, *end = line + count;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t length = (size_t)(end - value);
#define NAME_IS(text) (name == sizeof(text) - 1 && strncasecmp(line, text, name) == 0)
    if (NAME_IS("upgrade"))
        a->is_websocket = has_token(value, length, "websocket");
    else if (NAME_IS("connection"))
        a->is_upgrade |= has_token(value, length, "upgrade");
    else if (NAME_IS("sec-websocket-extensions"))
        a->has_extension = true;
    else if (NAME_IS("sec-websocket-accept") && length < sizeof a->accept)
        memcpy(a->accept, value, length);
    else if (NAME_IS("sec-websocket-protocol") && length < sizeof a->protocol)
        memcpy(a->protocol, value, length);
#undef NAME_IS
}

static gch_status judge(const gch__upgrade *upgrade, const answer *a, bool *out_is_final,
                        gch_error *err)
{
    char wanted[GCH__UPGRADE_KEY_CAP];
    gch__upgrade_accept(upgrade->key, wanted);
    if (a->status != 101) {
        bool may_pass =
            a->status == 408 || a->status == 429 || (a->status == 404 && upgrade->is_awaited);
        *out_is_final = a->status >= 300 && a->status < 500 && !may_pass;
        return gch_fail(err, GCH_UNAVAILABLE, "%s: the upgrade is refused with status %u",
                        upgrade->host, a->status);
    }
    *out_is_final = true;
    if (!a->is_websocket || !a->is_upgrade || strcmp(a->accept, wanted) != 0)
        return gch_fail(err, GCH_UNAVAILABLE, "%s: the upgrade's answer is none", upgrade->host);
    if (a->has_extension)
        return gch_fail(err, GCH_UNAVAILABLE,
                        "%s: the server uses an extension that was not asked for", upgrade->host);
    if (strcmp(a->protocol, upgrade->protocol) != 0)
        return gch_fail(err, GCH_UNAVAILABLE, "%s: the server does not agree to the protocol '%s'",
                        upgrade->host, upgrade->protocol);
    *out_is_final = false;
    return GCH_OK;
}

gch_status gch__upgrade_read(const gch__upgrade *upgrade, const char *bytes, size_t count,
                             size_t *out_used, bool *out_is_final, gch_error *err)
{
    answer a = {0};
    *out_is_final = false;
    for (size_t at = 0;;) {
        const char *line = bytes + at, *end = memchr(line, '\n', count - at);
        if (end == NULL)
            break;
        size_t length = (size_t)(end - line);
        bool is_first = at == 0;
        at += length + 1;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        if (is_first) {
            if (length < 12 || memcmp(line, "HTTP/1.1 ", 9) != 0)
                return gch_fail(err, GCH_UNAVAILABLE, "%s: the answer is no HTTP", upgrade->host);
            for (int i = 9; i < 12 && line[i] >= '0' && line[i] <= '9'; i++)
                a.status = a.status * 10 + (uint32_t)(line[i] - '0');
        } else if (length == 0) {
            *out_used = at;
            return judge(upgrade, &a, out_is_final, err);
        } else if (memchr(line, '\0', length) == NULL) {
            take_field(&a, line, length);
        }
    }
    if (count >= GCH__UPGRADE_ANSWER_CAP)
        return gch_fail(err, GCH_UNAVAILABLE, "%s: the answer's head does not end", upgrade->host);
    return gch_fail(err, GCH_PENDING, "more is to come");
}
