/* The place of one who follows a live series: what of the frames that come is new to him.
 *
 * A frame is taken, what is new in it used, and then the place moves on:
 *
 *     GCH_TRY(gch__live_place_take(place, bytes, count, &news, err));
 *     ... news.rows, or news.summary ...
 *     gch__live_place_advance(place);
 *
 * Has no connection and waits for nothing, so that a browser's socket can use it too. Frames are
 * taken by one thread; figures may be read by others.
 */
#ifndef GCH_NET_PLACE_H
#define GCH_NET_PLACE_H

#include "gch/live.h"
#include "net_frame.h"

typedef struct gch__live_place gch__live_place;

/* Begins after the batch `after`, or (has_after is false) with the first one that comes. */
gch__live_place *gch__live_place_make(const gch_allocator *allocator, bool has_after,
                                      uint64_t after, gch_error *err);
void gch__live_place_destroy(gch__live_place *place); /* NULL is allowed */

typedef struct gch__live_news {
    bool has_rows, has_summary; /* neither: all of it was known */
    gch_follow_rows rows;       /* that were not given out before; they lead into the frame */
    gch_follow_summary summary;
} gch__live_news;

/* Checks a frame, whose bytes are borrowed until the next one. GCH_CORRUPT; GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__live_place_take(gch__live_place *place, const uint8_t *bytes,
                                            size_t count, gch__live_news *out, gch_error *err);
/* The frame that was taken last is done with. */
void gch__live_place_advance(gch__live_place *place);

/* What a server tells of a series when a connection stands. */
typedef struct gch__live_greeting {
    uint64_t first_sequence; /* of the oldest batch that it keeps; 0: not known */
    uint64_t next_sequence;  /* 0: not known */
    bool is_other;           /* its id is not that of the series that was followed */
} gch__live_greeting;

/* Whether the series was made anew, by its id or its numbers: then all is forgotten, and it is to
 * be asked for from its beginning, which is where the place is now. */
bool gch__live_place_greet(gch__live_place *place, const gch__live_greeting *greeting);

typedef struct gch__live_place_stats {
    bool has_sequence;
    uint64_t last_sequence, restarts;
    uint64_t rows, summaries, missed_rows, repeated_rows; /* since the last restart */
} gch__live_place_stats;

void gch__live_place_get_stats(const gch__live_place *place, gch__live_place_stats *out);

/* ---- net_append.c: news into a live source ---- */

typedef struct gch__live_appender {
    gch_data *data;
    gch_source source;
    const gch_column_desc *columns; /* of the source; borrowed */
    uint32_t column_count;
    gch_column_data *values; /* of one append: column_count of them */
    gch__buffer validity;    /* moved to bit 0 */
} gch__live_appender;

/* `columns` remain the caller's, longer than the appender; only their types are read.
 * GCH_NO_MEMORY.
 */
GCH_CHECKED gch_status gch__live_appender_init(gch__live_appender *appender, gch_data *data,
                                               gch_source source, const gch_column_desc *columns,
                                               uint32_t column_count,
                                               const gch_allocator *allocator, gch_error *err);
void gch__live_appender_reset(gch__live_appender *appender); /* zeros are allowed */
/* Appends the rows; a summary becomes a gap at its first time and the last values at its last.
 * GCH_CORRUPT (other columns), and what gch_live_append gives. */
GCH_CHECKED gch_status gch__live_append_rows(gch__live_appender *appender,
                                             const gch_follow_rows *rows, gch_error *err);
GCH_CHECKED gch_status gch__live_append_summary(gch__live_appender *appender,
                                                const gch_follow_summary *summary, gch_error *err);

#endif
