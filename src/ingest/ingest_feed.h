/* A format's parser as something that takes bytes in pieces of any size and gives rows to a sink.
 *
 * Two drivers stand on it: gch__feed_inputs reads inputs into it (gch_ingest), and ingest_parser.c
 * copies what is pushed. A call that returns GCH_PENDING has kept everything and can be made again.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_INGEST_FEED_H
#define GCH_INGEST_FEED_H

#include "ingest_sink.h"

typedef struct gch__feed gch__feed;

typedef struct gch__feed_class {
    /* The next bytes are the first of `input` (borrowed), which has a name and counts. */
    gch_status (*begin_input)(void *run, const gch__input *input, gch_error *err);
    /* Where they go; *out_cap is 0 if rows have to be flushed first. */
    gch_status (*room)(void *run, uint8_t **out_to, size_t *out_cap, gch_error *err);
    /* `count` bytes lie there now, the input's last if is_end; takes all rows that are complete,
     * and flushes full batches. After GCH_PENDING: again with 0 and the same is_end. */
    gch_status (*take)(void *run, size_t count, bool is_end, gch_error *err);
    /* Decides what was open by the rows there are, and opens the sink. Done once, at the end of the
     * inputs at the latest; more calls do nothing. */
    gch_status (*settle)(void *run, gch_error *err);
    /* Hands the rows on that are complete. Settled before. */
    gch_status (*flush)(void *run, gch_error *err);
    void (*destroy)(void *run);
} gch__feed_class;

struct gch__feed {
    const gch__feed_class *class;
    void *run;              /* owned by the class */
    gch__ingest_sink *sink; /* of the run */
    void *lent;             /* what the run borrows, destroyed behind it; NULL: nothing */
    void (*destroy_lent)(void *lent);
};

/* CSV of any number of inputs, one after the other. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__feed_make_csv(gch__ingest_job *job, gch__feed *out, gch_error *err);
/* Raw records of one input. GCH_NO_MEMORY; GCH_INVALID for the layout. */
GCH_CHECKED gch_status gch__feed_make_raw(gch__ingest_job *job, gch__feed *out, gch_error *err);
void gch__feed_destroy(gch__feed *feed); /* zeros are allowed */

/* Reads the job's inputs to their end and finishes the output. */
GCH_CHECKED gch_status gch__feed_inputs(gch__feed *feed, gch__ingest_job *job, gch_error *err);
/* Hands on the rows there are, and commits them to an output that is a file. */
GCH_CHECKED gch_status gch__feed_commit(gch__feed *feed, gch_error *err);
/* The same if the job's time for it has come. */
GCH_CHECKED gch_status gch__feed_commit_due(gch__feed *feed, gch__ingest_job *job, gch_error *err);

#endif
