/* Live series: batches of rows that come in, and followers that get them.
 *
 * A series' rows are in a live source (gch/live.h), which answers views, and its newest batches in
 * memory besides, up to live_bytes_cap. With a folder, a batch is acknowledged once it is on the
 * disk (serve_journal.h), and the series is there again after any end of the server. A follower has
 * a place in the series and no queue of its own: when it can take more and its rate allows,
 * everything behind its place goes out as one frame. Followers at the same place share the bytes of
 * that frame, and due times lie on a grid of the rate, so that those of one rate are at the same
 * place.
 *
 * Thread rule: the network's thread.
 */
#ifndef GCH_SERVE_HUB_H
#define GCH_SERVE_HUB_H

#include "gch/serve.h"
#include "serve_dataset.h"
#include "serve_frame.h"

typedef struct gch__hub gch__hub;
typedef struct gch__hub_series gch__hub_series;

/* With the series of the desc's live_path, if there is one. As gch__hub_restore. */
gch_status gch__hub_make(gch_server *server, gch__hub **out, gch_error *err);
/* Nothing more is begun; what waits fails when the job at hand has ended. NULL is allowed. */
void gch__hub_end(gch__hub *live);
/* After gch__hub_end and the end of all jobs. NULL is allowed; no follower is left. */
void gch__hub_destroy(gch__hub *live);
/* When gch__hub_tick has something to do; INT64_MAX: nothing. */
int64_t gch__hub_due_ns(const gch__hub *live);
/* Wakes the followers that are due. */
void gch__hub_tick(gch__hub *live);
/* Lines for /metrics. */
bool gch__hub_metrics(const gch__hub *live, gch__buffer *out);

/* ---- series ---- */

/* What a series keeps; zeros: all of it in a folder, live_bytes_cap bytes in memory. */
typedef struct gch__retention {
    uint64_t rows, age_s;
} gch__retention;

/* Columns as "name:type" or "name:type:unit". *out_is_new is false if it exists with the same unit
 * and columns and `retention` says nothing else (zeros: the server's, or what there is).
 * GCH_INVALID, GCH_PARSE, GCH_EXISTS (with others), GCH_LIMIT (too many series), GCH_NO_MEMORY; in
 * a folder GCH_IO and what gch_live_open gives. */
gch_status gch__hub_create(gch__hub *live, const char *name, gch_time_unit unit,
                           const char *const *columns, size_t column_count,
                           const gch__retention *retention, bool *out_is_new, gch_error *err);
gch__hub_series *gch__hub_find(gch__hub *live, const char *name); /* NULL: there is none */
const gch__schema *gch__hub_schema(const gch__hub_series *series);
/* The description of docs/protocol.md, with `type` as its first member unless NULL. */
bool gch__hub_describe(const gch__hub_series *series, const char *type, gch__buffer *out);
/* {"live": [...]} */
bool gch__hub_list(const gch__hub *live, gch__buffer *out);

typedef struct gch__ack {
    uint64_t sequence; /* 0: known already, by its publisher sequence */
    uint64_t first_row, row_count;
    uint64_t publisher_sequence;
    size_t message_bytes;
} gch__ack;

/* What has become of a message: an acknowledgement, or `err`. */
typedef void gch__published_fn(void *who, const gch__ack *ack, const gch_error *err);

/* Takes one batch, a frame or NDJSON, and tells `done`, now or later, in the order of messages:
 * GCH_PARSE, GCH_INVALID, GCH_UNSORTED (also if it begins before the last time of the series),
 * GCH_UNAVAILABLE (too much waits, the disk is full), GCH_LIMIT (the budget is), GCH_UNSUPPORTED,
 * GCH_IO, GCH_NO_MEMORY: nothing of it is taken then. `frame` gives publisher and
 * publisher_sequence for NDJSON. */
void gch__hub_publish(gch__hub_series *series, gch__span message, bool is_text,
                      const gch__frame *frame, gch__published_fn *done, void *who);
/* `who` is told nothing more; what it has published is kept all the same. */
void gch__hub_forget(gch__hub_series *series, const void *who);

/* The rows as they are now, held. GCH_NO_MEMORY. */
gch_status gch__hub_dataset(gch__hub_series *series, gch__dataset **out, gch_error *err);

/* ---- following ---- */

/* A frame's bytes, shared by those who send it. */
typedef struct gch__shared {
    gch__hub *live;
    uint32_t hold_count;
    size_t byte_count;
    uint64_t key[3]; /* what it was made of: first batch, last batch, kind */
    uint8_t bytes[];
} gch__shared;

void gch__shared_release(gch__shared *shared);

typedef struct gch__follower {
    gch__hub_series *series; /* NULL: follows none */
    struct gch__follower *next, *previous;
    void (*wake)(struct gch__follower *follower); /* there is something to take */
    uint64_t next_sequence;                       /* of the first batch it has not got */
    uint64_t next_row;                            /* its first row, if has_row */
    bool has_row;
    bool is_summary;
    int64_t interval_ns;
    int64_t due_ns; /* not before; a multiple of the interval */
} gch__follower;

/* `after` UINT64_MAX: only what comes. The follower is the caller's. */
void gch__hub_follow(gch__hub_series *series, gch__follower *follower, uint64_t after);
void gch__hub_unfollow(gch__follower *follower); /* also if it follows none */
/* The next frame for it, held, or NULL if nothing is due. GCH_NO_MEMORY. */
gch_status gch__hub_next(gch__follower *follower, gch__shared **out, gch_error *err);

#endif
