/* What the files of the room share: the one instance. */
#ifndef GCH_WEB_STATE_H
#define GCH_WEB_STATE_H

#include "base_pool.h"
#include "gch/http.h"
#include "web.h"

/* Bytes that were handed in and are not in the cache yet. */
typedef struct gch__web_piece {
    uint64_t offset;
    size_t count;
    uint8_t *bytes; /* of gch_web_alloc */
} gch__web_piece;

typedef struct gch__web_stream gch__web_stream;
typedef struct gch__web_answers gch__web_answers; /* web_answers.c */

typedef struct gch__web_source {
    uint32_t id;
    char *name;
    uint64_t byte_count;
    gch_source handle;         /* 0: not open */
    const gch_file *file;      /* borrowed from the manager; of a live source the one acquired */
    gch_file *live_file;       /* NULL: not live */
    bool is_image;             /* all of its bytes are in memory */
    gch__web_stream *stream;   /* NULL: its rows come from the host */
    gch__web_answers *answers; /* NULL: none are to be had */
    gch_query *query;          /* for values at the cursor; made when first asked */
    gch__web_piece *pieces;
    size_t piece_count, piece_cap;
    uint64_t want_offset, want_count; /* what the last read lacked */
} gch__web_source;

typedef struct gch__web {
    const gch_allocator *allocator; /* NULL but in tests of memory that runs out */
    gch_data *data;                 /* NULL: not started */
    gch_workers *workers;           /* NULL: the calling thread does everything */
    gch__pool sources, charts;
    uint32_t drawing;    /* the chart whose frame is under way; 0: values at a cursor */
    gch_http_stats line; /* to servers; latency_ns and bytes_per_s alone */
    gch__buffer text;    /* the last JSON, or address */
    char fallback[96];   /* of the last frame: gch_chart_stats */
    gch_error err;
} gch__web;

extern gch__web gch__web_instance;

/* The instance's error, for calls that report to it. */
gch_error *gch__web_err(void);
/* NULL, with the error set: there is none of that number. */
gch__web_source *gch__web_source_get(uint32_t id);
/* The same for one that is open, brought up to date if it is live. */
gch_status gch__web_source_ready(uint32_t id, gch__web_source **out);
/* A query that does not wait. */
gch_status gch__web_source_query(gch__web_source *source, gch_query **out);
/* Takes over an image of gch_writer_finish_memory, unless it fails. */
gch_status gch__web_source_adopt(const char *name, void *image, size_t count,
                                 void (*free_bytes)(void *context, void *bytes, size_t count),
                                 uint32_t *out_id);

/* NULL is allowed. */
void gch__web_stream_destroy(gch__web_stream *stream);
/* ---- web_answers.c ---- */

/* NULL: none are to be had. */
const gch_answers *gch__web_answers_get(const gch__web_source *source);
void gch__web_answers_destroy(gch__web_answers *answers); /* NULL is allowed */
/* Drops what a chart has asked for. NULL is allowed. */
void gch__web_answers_forget(gch__web_answers *answers, uint32_t chart);

/* ---- web_json.c: appends to the instance's text ---- */

void gch__web_text_start(void);
/* NULL, with the error set, if memory ran out on the way. */
const char *gch__web_text_finish(void);
GCH_PRINTF(1, 2) void gch__web_put(const char *format, ...);
void gch__web_put_text(const char *text); /* quoted, escaped */

#endif
