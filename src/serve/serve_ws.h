/* WebSocket connections: publishing to and following a live series (RFC 6455, by libwslay).
 *
 * Thread rule: the network's thread.
 */
#ifndef GCH_SERVE_WS_H
#define GCH_SERVE_WS_H

#include "serve_hub.h"

typedef struct gch__ws gch__ws;

typedef struct gch__ws_desc {
    gch__hub_series *series;
    bool may_publish, follows, is_summary;
    uint32_t rate;  /* frames a second */
    uint64_t after; /* UINT64_MAX: only what comes */
} gch__ws_desc;

/* Sec-WebSocket-Accept for a key, 28 characters and a NUL; false if the key is malformed. */
bool gch__ws_accept(gch__span key, char out[29]);
/* Takes over a connection once its 101 is sent; until then it may be destroyed. NULL: no memory. */
gch__ws *gch__ws_make(gch_server *server, const gch__ws_desc *desc);
void gch__ws_destroy(gch__ws *ws);

#endif
