/* Following a live series of a data server (docs/protocol.md): rows as they are published, each
 * once and in order, across lost connections.
 *
 *     gch_follow *follow = NULL;
 *     gch_follow_desc desc = {.url = "wss://data.example/v1/live/btc", .on_rows = take};
 *     status = gch_follow_open(&desc, &follow, &err);
 *     ...
 *     gch_follow_close(follow);
 *
 * After a lost connection the follower asks for what came after the last batch it has. What the
 * server can no longer send, because this end was away or slow for too long, it sums up: on_summary
 * says which rows were missed and how they ended, so that no final state is missed. A series that
 * the server has not got any more is waited for; one that was made anew by the name is followed
 * from its beginning.
 *
 * Ownership and thread rule: as gch/websocket.h, of which this is one user.
 */
#ifndef GCH_FOLLOW_H
#define GCH_FOLLOW_H

#include "gch/file.h"
#include "gch/websocket.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_follow gch_follow;

typedef struct gch_follow_column {
    gch_type type;           /* I8 to F64 */
    const void *values;      /* row_count of the type */
    const uint8_t *validity; /* bit r % 8 of byte r / 8: row r has a value; NULL: all have */
    uint32_t first_bit;      /* row 0's bit in `validity` */
} gch_follow_column;

typedef struct gch_follow_rows {
    uint64_t last_sequence; /* of the last batch in it */
    uint64_t first_row;     /* row number in the series */
    uint32_t row_count, column_count;
    const int64_t *times; /* ticks, not decreasing */
    const gch_follow_column *columns;
} gch_follow_rows;

/* Of the values that are no gaps; NaN if there are none. */
typedef struct gch_follow_sum {
    double first, min, max, last;
    uint64_t count;
} gch_follow_sum;

typedef struct gch_follow_summary {
    uint64_t last_sequence;
    uint64_t first_row, row_count; /* the rows that it stands for */
    int64_t first_time, last_time;
    uint32_t column_count;
    const gch_follow_sum *columns;
} gch_follow_summary;

typedef struct gch_follow_desc {
    const char *url;             /* wss://host/v1/live/NAME */
    const char *token, *ca_file; /* as gch_ws_desc */
    bool has_after;              /* begin with the batches after `after`; else with what comes */
    uint64_t after;
    const char *series_id; /* "id" of the description that `after` is of; NULL: whatever comes */
    bool wants_summaries;  /* of every update, instead of its rows */
    uint32_t rate;         /* updates a second, 1-240; 0: 60 */
    uint32_t ping_ms, pong_ms, backoff_ms, backoff_cap_ms; /* as gch_ws_desc */

    /* All nullable; what they are given is borrowed. on_hello: a connection stands; the text is the
     * server's description of the series (JSON). on_lost: as gch_ws_desc; a frame that is unsound
     * ends the connection with GCH_CORRUPT. */
    void (*on_hello)(void *context, const char *text, size_t count);
    void (*on_rows)(void *context, const gch_follow_rows *rows);
    void (*on_summary)(void *context, const gch_follow_summary *summary);
    /* The series was made anew since: its rows come from the oldest one on that the server keeps.
     * The text is its description; on_hello comes with the connection that brings them. */
    void (*on_restart)(void *context, const char *text, size_t count);
    void (*on_lost)(void *context, const gch_error *err, bool is_final);
    void *context;
    const gch_allocator *allocator;
} gch_follow_desc;

/* As gch_ws_open. */
GCH_CHECKED gch_status gch_follow_open(const gch_follow_desc *desc, gch_follow **out,
                                       gch_error *err);
void gch_follow_close(gch_follow *follow); /* NULL is allowed */

typedef struct gch_follow_stats {
    gch_ws_stats ws;
    uint64_t last_sequence; /* 0: none yet */
    uint64_t unsound_frames, restarts;
    /* Since the last restart: */
    uint64_t rows, summaries; /* given out; rows without those of summaries */
    uint64_t missed_rows;     /* that summaries stand for */
    uint64_t repeated_rows;   /* came twice, and were given out once */
} gch_follow_stats;

void gch_follow_get_stats(gch_follow *follow, gch_follow_stats *out);

#ifdef __cplusplus
}
#endif
#endif
