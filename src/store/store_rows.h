/* Rows on their way in: what must hold before one is taken, and a buffer for those that wait until
 * there are enough of them. */
#ifndef GCH_STORE_ROWS_H
#define GCH_STORE_ROWS_H

#include "store_footer.h"
#include "store_keys.h"

/* Where rows are to be added, for checks and messages. */
typedef struct gch__rows_end {
    const char *name;   /* of the file */
    uint64_t row_count; /* so far */
    int64_t last_time;  /* if there are rows */
} gch__rows_end;

/* Whether `row_count` rows may follow: times (NULL: numbered) that do not decrease, values and
 * scales that exist. GCH_INVALID, GCH_UNSORTED, GCH_LIMIT. */
GCH_CHECKED gch_status gch__rows_check(const gch__meta *meta, const gch__rows_end *end,
                                       gch_workers *workers, const int64_t *times,
                                       const gch_column_data *columns, size_t row_count,
                                       gch_error *err);
/* The two halves of that, for at least one row. */
GCH_CHECKED gch_status gch__rows_check_times(const gch__meta *meta, const gch__rows_end *end,
                                             gch_workers *workers, const int64_t *times,
                                             size_t row_count, gch_error *err);
GCH_CHECKED gch_status gch__rows_check_values(const gch__meta *meta, const gch__rows_end *end,
                                              const gch_column_data *columns, size_t row_count,
                                              gch_error *err);
/* Notes in `meta` how many decimals the numbers of text columns were written with, or have left
 * once they are rounded. */
void gch__rows_scan(gch__meta *meta, const gch_column_data *columns, size_t row_count);
/* A column's values from row `from` on. */
gch__column_input gch__rows_input(gch_type type, const gch_column_data *data, size_t from);
/* Rounds rows [from, from + count) of a column to a step, into arrays of their own or where they
 * stand; `scales` is NULL if the input's are. Rows are rounded once, on their way in. */
void gch__rows_round(const gch__step *step, const gch__column_input *input, size_t from,
                     uint32_t count, uint8_t *values, int8_t *scales);
/* Times of rows without any: `count` numbers that follow the end. */
void gch__rows_number(const gch__rows_end *end, uint32_t count, int64_t *out_times);

typedef struct gch__row_column {
    uint8_t *values;
    int8_t *scales;    /* DECIMAL only */
    uint8_t *validity; /* all ones but for nulls; used if has_nulls */
    bool has_nulls;
} gch__row_column;

typedef struct gch__row_buffer {
    const gch_allocator *allocator;
    uint32_t row_cap; /* a multiple of 8 */
    uint32_t row_count;
    uint32_t column_count;
    int64_t *times;
    gch__row_column *columns;
} gch__row_buffer;

/* `buffer` is zeros but for the allocator; reset it also after a failure. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__row_buffer_init(gch__row_buffer *buffer, const gch__meta *meta,
                                            uint32_t row_cap, gch_error *err);
void gch__row_buffer_reset(gch__row_buffer *buffer);
/* Adds rows [from, from + count) of the columns, rounded to their steps; there is room. The caller
 * has put their times at times[row_count]. */
void gch__row_buffer_add(gch__row_buffer *buffer, const gch__meta *meta,
                         const gch_column_data *columns, size_t from, uint32_t count);
/* The rows of a buffer of the same meta and size, as they are. */
void gch__row_buffer_copy(gch__row_buffer *buffer, const gch__meta *meta,
                          const gch__row_buffer *from);
void gch__row_buffer_clear(gch__row_buffer *buffer);
gch__column_input gch__row_buffer_input(const gch__row_buffer *buffer, const gch__meta *meta,
                                        uint32_t column);

#endif
