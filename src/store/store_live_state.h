/* What the appender and the lent files of a live series share. */
#ifndef GCH_STORE_LIVE_STATE_H
#define GCH_STORE_LIVE_STATE_H

#include "store_live.h"

#include <pthread.h>

/* A block of a column, rounded to its step. */
typedef struct gch__live_rounded {
    _Alignas(8) uint8_t values[GCH_BLOCK_ROWS * 8];
    int8_t scales[GCH_BLOCK_ROWS];
} gch__live_rounded;

struct gch__live {
    const gch_allocator *allocator;
    char *name;
    gch__live_desc desc;     /* limits and callbacks */
    gch__meta meta;          /* decimals change under the lock */
    gch_decimal *tolerances; /* of the meta's columns, for gch__live_describe */
    _Atomic uint32_t refs;

    /* The appender's. */
    gch__live_plan plan;
    gch__block_keys *scratch; /* an entry a column, as `inputs` */
    gch__column_input *inputs;
    gch__live_rounded *rounded;  /* likewise */
    int64_t *numbers;            /* times of a block without any */
    gch__live_segment *open;     /* the last one shown, if it is not sealed */
    gch__value_column *ahead;    /* of the last one shown, or of the base */
    gch__live_segment **touched; /* by the append under way; the last one is open */
    size_t touched_cap;
    uint32_t touched_count;
    uint32_t touched_old; /* the first so many of them were there before: 0 or 1 */
    uint64_t end_rows;    /* of all rows so far */
    int64_t end_time;

    /* Under the lock. */
    pthread_mutex_t lock;
    const gch_file *base;
    gch__live_segment **segments;
    size_t segments_cap;
    uint32_t segment_count;
    uint64_t first_number; /* segments dropped so far */
    uint64_t row_count;    /* in segments and rest */
    uint64_t dropped_rows;
    gch__row_buffer rest, next_rest; /* rows that fill no block; the second is the appender's */
    uint64_t generation;             /* changes with everything that files show */
};

/* Drops a hold of a segment, under the lock; true if it was the last one, and the caller is to end
 * it without the lock. */
bool gch__live_drop(gch__live_segment *segment);
void gch__live_end_segment(gch__live *live, gch__live_segment *segment);

#endif
