/* Who may do what: tokens, and the origins and names that browsers tell.
 *
 * Thread rule: pure functions over an immutable set.
 */
#ifndef GCH_SERVE_AUTH_H
#define GCH_SERVE_AUTH_H

#include "base.h"

typedef enum gch__right {
    GCH__RIGHT_NONE = 0,
    GCH__RIGHT_READ = 1,
    GCH__RIGHT_WRITE = 2, /* and read */
} gch__right;

typedef struct gch__tokens gch__tokens;

/* Reads a token file. GCH_NOT_FOUND, GCH_IO, GCH_NO_MEMORY; GCH_INVALID names the line: a token of
 * fewer than 16 or more than 256 characters, or of others than letters, digits and -._~+/=, an
 * unknown right, or a file that others than its owner may write. */
gch_status gch__tokens_read(const char *path, const gch_allocator *allocator, gch__tokens **out,
                            gch_error *err);
/* What a token allows. Takes the same time whichever token is compared with and wherever it
 * differs. */
gch__right gch__tokens_check(const gch__tokens *tokens, gch__span token);
void gch__tokens_destroy(gch__tokens *tokens); /* NULL is allowed */

/* "Bearer TOKEN" gives the token; empty if it is something else. */
gch__span gch__bearer_token(gch__span authorization);
/* The value of a cookie; empty if it is absent. */
gch__span gch__cookie_value(gch__span cookie, const char *name);

/* Whether an Origin field ("https://host:port") names the same host and port as a Host field. */
bool gch__origin_is_same(gch__span origin, gch__span host, bool is_tls);
/* Whether a Host field is a literal address or a localhost name, or one of the list; a port in it
 * does not count. */
bool gch__host_is_allowed(gch__span host, const char *const *allowed, size_t allowed_count);

#endif
