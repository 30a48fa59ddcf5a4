/* The inner loops of CSV ingest, one table a CPU level, as codec_kernels.h has it for the codec.
 *
 * ingest_kernels_scalar.c fills every entry and is the specification; an ISA file overwrites what
 * it improves and equals the scalar entry in every result. Texts may hold any bytes. Where an entry
 * takes `limit`, GCH__CSV_PADDING bytes behind it can be read, whatever they hold, and
 * GCH__CSV_FRONT bytes before the text.
 */
#ifndef GCH_INGEST_KERNELS_H
#define GCH_INGEST_KERNELS_H

#include "ingest_field.h"

#define GCH__CSV_FRONT 16u
#define GCH__CSV_PADDING 128u

/* What becomes of a field. */
#define GCH__CSV_SKIP UINT32_MAX
#define GCH__CSV_TIME (UINT32_MAX - 1)

/* One value column's arrays, shared by all threads. */
typedef struct gch__csv_target {
    int64_t *digits;
    int8_t *scales;
    uint8_t *validity; /* all ones; bits are cleared atomically */
    bool *has_gaps;
} gch__csv_target;

/* What rows look like and where they go; constant while they are parsed. */
typedef struct gch__csv_plan {
    uint8_t delimiter;
    uint32_t field_count;  /* at least 1 */
    const uint32_t *roles; /* a field: GCH__CSV_SKIP, GCH__CSV_TIME or a column */
    bool has_time;
    bool checks_order; /* times must not decrease */
    int64_t *times;    /* if has_time */
    const gch__csv_target *columns;
} gch__csv_plan;

/* Where one thread is. */
typedef struct gch__csv_cursor {
    const uint8_t *at;              /* the first byte of a record, or of a blank line */
    size_t row_begin, row, row_end; /* of the rows to be taken; `row` is the next one's */
    uint64_t line_count;            /* lines passed, blank ones included */
    int64_t first_time;             /* of row_begin, once it is taken */
    int64_t last_time;              /* of the row before, INT64_MIN if there is none */
    gch__time_field time;           /* its mode and unit are decided */
} gch__csv_cursor;

typedef enum gch__csv_stop {
    GCH__CSV_STOP_DONE = 0, /* at >= stop */
    GCH__CSV_STOP_FULL = 1, /* row == row_end */
    GCH__CSV_STOP_ODD = 2,  /* the record at `at` is not plain, not good, or not whole */
} gch__csv_stop;

typedef struct gch__ingest_kernels {
    /* Takes rows from plain records: no quotes, as many fields as planned, a good time that is not
     * early, numbers or gaps, and a line end before `limit`. Blank lines are passed over. Begins no
     * record at or behind `stop`. A record that is not plain leaves no trace. */
    gch__csv_stop (*csv_rows)(const gch__csv_plan *plan, gch__csv_cursor *cursor,
                              const uint8_t *stop, const uint8_t *limit);
    /* Line feeds among `count` bytes. */
    size_t (*count_lines)(const uint8_t *bytes, size_t count);
} gch__ingest_kernels;

/* The table for this processor; the same pointer at every call, from any thread. */
const gch__ingest_kernels *gch__ingest_kernels_get(void);
/* The table of a gch__cpu_level, for tests; NULL if this build or processor lacks it. */
const gch__ingest_kernels *gch__ingest_kernels_get_level(int cpu_level);

void gch__ingest_kernels_fill_scalar(gch__ingest_kernels *table);
/* Overwrites in a scalar table what `cpu_level` improves; false if this build has no such level.
 * The caller has checked that the processor has it. */
bool gch__ingest_kernels_fill_isa(gch__ingest_kernels *table, int cpu_level);
/* Each is there only in a build for its family. */
void gch__ingest_kernels_fill_avx2(gch__ingest_kernels *table);
void gch__ingest_kernels_fill_avx512(gch__ingest_kernels *table);
void gch__ingest_kernels_fill_neon(gch__ingest_kernels *table);
void gch__ingest_kernels_fill_wasm(gch__ingest_kernels *table);

/* Marks a gap while other threads mark theirs. */
static inline void gch__csv_set_gap(const gch__csv_target *column, size_t row)
{
    (void)__atomic_fetch_and(&column->validity[row >> 3], (uint8_t) ~(1u << (row & 7)),
                             __ATOMIC_RELAXED);
    if (!__atomic_load_n(column->has_gaps, __ATOMIC_RELAXED))
        __atomic_store_n(column->has_gaps, true, __ATOMIC_RELAXED);
}

static inline void gch__csv_unset_gap(const gch__csv_target *column, size_t row)
{
    (void)__atomic_fetch_or(&column->validity[row >> 3], (uint8_t)(1u << (row & 7)),
                            __ATOMIC_RELAXED);
}

#endif
