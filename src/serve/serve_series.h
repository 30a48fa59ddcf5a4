/* A live series from the inside: what the files of the hub share.
 *
 * Batches go through three hands. gch__hub_publish checks one and puts it into the queue; a job
 * writes all that wait to the journal, waits for the disk, and appends them to the live source;
 * back on the network's thread they enter the ring, their publishers are told, and followers get
 * them. Then the next job begins, with all that came meanwhile.
 *
 * Invariants:
 *  1. Batches of a series are numbered without gaps; the ring holds the newest, at least one once
 *     there was one, of at most live_bytes_cap bytes.
 *  2. A batch is taken whole or not at all.
 *  3. While `is_busy` the journal and the writing side of the live source are the job's; the queue
 *     is empty when it is not.
 *  4. Fields named accepted_ count what waits, the others what is kept. When a write fails, all
 *     that waits fails with it, and the two are the same again.
 *
 * Thread rule: the network's thread, but for what invariant 3 says.
 */
#ifndef GCH_SERVE_SERIES_H
#define GCH_SERVE_SERIES_H

#include "gch/live.h"
#include "serve_hub.h"
#include "serve_journal.h"
#include "serve_state.h"

#define GCH__HUB_PURPOSE "live series"
#define GCH__PUBLISHERS_KEPT 64u

typedef struct gch__batch {
    uint64_t first_row;
    uint64_t publisher, publisher_sequence;
    uint32_t row_count;
    size_t payload_bytes;
    gch__summary *summary; /* column_count of them, behind the payload */
    _Alignas(8) uint8_t payload[];
} gch__batch;

/* What one message waits for. */
typedef struct gch__entry {
    struct gch__entry *next;
    gch__batch *batch; /* NULL: nothing is to be kept */
    gch__ack ack;
    gch_status status;
    gch_error error;
    gch__published_fn *done; /* NULL: nobody wants to know any more */
    void *who;
} gch__entry;

typedef struct gch__entry_list {
    gch__entry *first, *last;
} gch__entry_list;

typedef struct gch__publisher {
    uint64_t name, sequence, accepted_sequence;
    uint64_t used; /* the series' next sequence when it was last seen: the oldest makes room */
} gch__publisher;

/* The job of a series, one at a time. */
typedef struct gch__commit {
    gch__job job; /* first: it is cast back */
    struct gch__hub_series *series;
    gch__entry_list group; /* what is written */
    bool is_turn;          /* instead: the journal goes on in a new file, */
    gch__buffer head;      /* with this head */
    gch_status status;
    gch_error error;
    size_t kept_count; /* entries of the group that were kept */
} gch__commit;

struct gch__hub_series {
    gch__hub *live;
    char *name;
    uint64_t number; /* differs from series to series of one run of the server */
    uint32_t id; /* goes on with the journal; differs from other series by this name; 0: older */
    gch__schema schema;
    gch__retention retention;
    gch__batch **ring; /* of sequence s at s % ring_cap; a power of two */
    size_t ring_cap;
    uint64_t first_sequence, next_sequence, row_count, bytes;
    uint64_t accepted_sequence, accepted_rows, accepted_bytes; /* bytes: of what waits alone */
    int64_t last_time, accepted_time;
    gch__publisher publishers[GCH__PUBLISHERS_KEPT];
    gch__follower *followers;
    gch__shared *latest; /* the frame made last, for those at the same place */

    gch_source source;
    bool has_source, has_file;
    gch__journal *journal; /* NULL: in memory only */
    uint64_t turn_bytes;   /* the journal is to go on in a new file beyond this size */
    bool is_busy;
    gch__entry_list queue;
    gch__commit commit;
    gch__dataset *dataset; /* as it was asked for last; NULL: never */
};

struct gch__hub {
    gch_server *server;
    gch__hub_series **series; /* sorted by name */
    size_t count, cap;
    locale_t locale;
    int folder_fd; /* -1: in memory only */
    bool is_ending;
    uint64_t made_count;
    uint32_t follower_count;
    uint64_t held_bytes; /* of frames in memory */
    uint64_t batches, rows, bytes, frames, made_frames, summaries, failures, turns;
};

static inline gch__batch *gch__ring_at(const gch__hub_series *series, uint64_t sequence)
{
    return series->ring[sequence & (series->ring_cap - 1)];
}

/* serve_hub.c */
gch_status gch__series_make(gch__hub *live, const char *name, gch__hub_series **out,
                            gch_error *err);
void gch__series_free(gch__hub_series *series);
/* Copies a column's texts to the end of the schema, which has room. GCH_NO_MEMORY. */
gch_status gch__series_add_column(gch__hub_series *series, gch__span name, gch__span unit,
                                  gch_type type, gch_error *err);
/* Opens the live source, whose file is in the folder if the series lasts. */
gch_status gch__series_open_source(gch__hub_series *series, gch_error *err);
gch_status gch__hub_insert(gch__hub *live, gch__hub_series *series, gch_error *err);

/* serve_commit.c */
/* Room in the ring for `count` more batches. GCH_NO_MEMORY. */
gch_status gch__ring_make_room(gch__hub_series *series, uint64_t count, gch_error *err);
/* A batch with its summaries; NULL: no memory. */
gch__batch *gch__batch_make(const gch__hub_series *series, gch__span payload, uint32_t row_count);
/* Puts it behind the newest, as the next sequence number. There is room. */
void gch__ring_push(gch__hub_series *series, gch__batch *batch);
/* The publisher's entry, or the one it takes the place of. */
gch__publisher *gch__find_publisher(gch__hub_series *series, uint64_t name);
/* Appends rows of a batch to the live source, but for the first `skipped`. As gch_live_append. */
gch_status gch__series_append(gch__hub_series *series, const gch__batch *batch, uint32_t skipped,
                              gch_error *err);

/* serve_restore.c */
#define GCH__STEM_CAP 208u
/* The name as part of file names. GCH_INVALID: it is too long for one. */
gch_status gch__stem_of(const char *name, char out[GCH__STEM_CAP], gch_error *err);
/* What a journal's head says of the series. False: no memory. */
bool gch__series_put_head(const gch__hub_series *series, gch__buffer *out);
/* All series of the folder, as they were. GCH_NOT_FOUND, GCH_EXISTS (another server has it),
 * GCH_CORRUPT, GCH_IO, GCH_NO_MEMORY, and as gch_live_open. */
gch_status gch__hub_restore(gch__hub *live, const char *folder, gch_error *err);

#endif
