/* The opening handshake of a WebSocket connection (RFC 6455, section 4), the client's side. Pure
 * but for the key's random bytes. */
#ifndef GCH_NET_UPGRADE_H
#define GCH_NET_UPGRADE_H

#include "base.h"

#define GCH__UPGRADE_KEY_CAP 32u
#define GCH__UPGRADE_ANSWER_CAP 16384u

typedef struct gch__upgrade {
    const char *host;     /* with the port, as in a Host field */
    const char *target;   /* path and query */
    const char *protocol; /* "": none */
    const char *token;    /* "": none */
    bool is_awaited;      /* status 404 is not final */
    char key[GCH__UPGRADE_KEY_CAP];
} gch__upgrade;

/* Makes a new key. GCH_IO if there is no randomness. */
GCH_CHECKED gch_status gch__upgrade_make_key(gch__upgrade *upgrade, gch_error *err);
/* The request's text. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__upgrade_write(const gch__upgrade *upgrade, gch__buffer *out,
                                          gch_error *err);
/* What must stand in Sec-WebSocket-Accept for a key. */
void gch__upgrade_accept(const char *key, char out[GCH__UPGRADE_KEY_CAP]);

/* Reads an answer of `count` bytes so far. GCH_PENDING: it is not whole. GCH_OK: *out_used bytes of
 * it are the head. GCH_UNAVAILABLE, *out_is_final: the server refuses, or does not speak
 * WebSocket; another time it may, unless final. */
GCH_CHECKED gch_status gch__upgrade_read(const gch__upgrade *upgrade, const char *bytes,
                                         size_t count, size_t *out_used, bool *out_is_final,
                                         gch_error *err);

#endif
