/* Studies over bars: what the walk over the bars finds, and what is computed from it. */
#ifndef GCH_QUERY_STUDY_H
#define GCH_QUERY_STUDY_H

#include "query_state.h"

/* The number of the bar that holds t on the grid of all bars of the width, whatever data there is;
 * t as for gch__bar_around (query_spans.h). */
int64_t gch__bar_index(gch_bar_width width, gch_time_unit unit, const gch_time_zone *zone,
                       int64_t t);
/* A bar that holds a drawn point, in a list of such bars without one left out. */
typedef struct gch__study_bar {
    int64_t t0, t1;
    gch_value close, other; /* other: SPREAD, of the series taken away */
    double low, high;       /* RANGE */
    double tail_low, tail_high;
    bool starts_chunk; /* EMA: the bar before lies in another stretch of the grid */
} gch__study_bar;

/* The list for gch_query_study of the same arguments: its points are the bars from *out_from on
 * that have a value, those with length - 1 bars in front of them in the list. Borrowed until the
 * query's next call. *out_count: 0 if there is nothing to see. Statuses of gch_query_study. */
GCH_CHECKED gch_status gch__query_study_bars(gch_query *query, uint32_t column,
                                             const gch_study_desc *study, int64_t t0, int64_t t1,
                                             uint32_t point_cap, const gch__study_bar **out_bars,
                                             uint32_t *out_count, uint32_t *out_from,
                                             gch_error *err);

/* Where the pieces of an EMA's list lie: bars [chunk, end) are computed from the mean of `length`
 * closes on at `start`. False: there is none behind `chunk`. */
typedef struct gch__ema_chunk {
    uint32_t start, chunk, end;
} gch__ema_chunk;
bool gch__ema_next_chunk(const gch__study_bar *bars, uint32_t count, uint32_t length,
                         uint32_t chunk, gch__ema_chunk *out);
/* The first bar of the chunk that holds bar `from`. */
uint32_t gch__ema_chunk_of(const gch__study_bar *bars, uint32_t from);

/* Bars of warm-up in front of a stretch of the grid, and the stretch itself, in lengths. */
#define GCH__EMA_WARM_LENGTHS 20u
#define GCH__EMA_CHUNK_LENGTHS 4u

/* Each computes points for bars [from, count) of the list, from all that are in front of them, and
 * returns how many: bars too near to the list's start have none. The list begins with the series,
 * or with as many bars in front of `from` as the study looks back: length - 1 or, for EMA,
 * GCH__EMA_WARM_LENGTHS * length in front of from's chunk. May use the bars' tails. */
uint32_t gch__study_sma(const gch__study_bar *bars, uint32_t count, uint32_t length, uint32_t from,
                        gch_study_point *out);
uint32_t gch__study_ema(const gch__study_bar *bars, uint32_t count, uint32_t length, uint32_t from,
                        gch_study_point *out);
uint32_t gch__study_range(gch__study_bar *bars, uint32_t count, uint32_t length, uint32_t from,
                          gch_study_point *out);
uint32_t gch__study_spread(const gch__study_bar *bars, uint32_t count, uint32_t from,
                           gch_study_point *out);

#endif
