/* One ingest under way: what every format's reader is given, and how columns are chosen.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_INGEST_JOB_H
#define GCH_INGEST_JOB_H

#include "gch/ingest.h"
#include "ingest_input.h"

#define GCH__NO_FIELD UINT32_MAX
#define GCH__PROBE_ROWS 1000u /* rows that decide a unit of time that was not given */

/* How a CSV is cut up. Results depend on probe_rows alone. */
typedef struct gch__csv_sizes {
    size_t buffer_bytes; /* at least 1; read at a time */
    size_t chunk_bytes;  /* at least 1; parsed by one worker at a time */
    uint32_t probe_rows; /* 1 to GCH__PROBE_ROWS */
    bool is_serial;      /* record by record, nothing in bulk */
} gch__csv_sizes;

#define GCH__CSV_SIZES                                                                             \
    ((gch__csv_sizes){.buffer_bytes = (size_t)4 << 20,                                             \
                      .chunk_bytes = (size_t)128 << 10,                                            \
                      .probe_rows = GCH__PROBE_ROWS})

typedef struct gch__ingest_job {
    const gch_ingest_desc *desc;
    const gch_allocator *allocator;
    gch_ingest_report *report; /* not NULL */
    gch_time_zone *zone;       /* of text without an offset; NULL: UTC */
    gch_file *existing_file;
    const gch_file_info *existing; /* what is appended to; NULL: a new file */
    gch__input *inputs;
    size_t input_count;
    gch__csv_sizes csv;
    /* Rows go to desc->output, or one of these. */
    gch_rows_fn *take;
    void *take_context;
    bool into_memory; /* the result is a file image */
    void *image;
    size_t image_bytes;
    int64_t commit_at_ns; /* when the output is to be committed next; INT64_MAX: at the end */
    int64_t reported_ns;  /* when progress was last reported */
} gch__ingest_job;

/* Tells the progress of all inputs. GCH_CANCELLED. */
GCH_CHECKED gch_status gch__ingest_tell(gch__ingest_job *job, gch_error *err);

/* Notes that a time, refused for its order, comes before what the file appended to ends with. */
static inline void gch__ingest_note_late(const gch__ingest_job *job, int64_t ticks)
{
    const gch_file_info *existing = job->existing;
    job->report->is_before_output =
        existing != NULL && existing->row_count > 0 && ticks < existing->last_time;
}

/* Whether the options that do not concern inputs go together. */
GCH_CHECKED gch_status gch__ingest_check(const gch_ingest_desc *desc, gch_error *err);
/* Opens the zone and the file appended to, and sets what else follows from job->desc. End it with
 * gch__ingest_job_close whatever is returned. */
GCH_CHECKED gch_status gch__ingest_job_open(gch__ingest_job *job, gch_error *err);
void gch__ingest_job_close(gch__ingest_job *job);

/* The next commit is commit_every_ms from now, if that is given. */
void gch__ingest_set_commit(gch__ingest_job *job);

/* The readers: from open inputs to a finished output. */
GCH_CHECKED gch_status gch__ingest_csv(gch__ingest_job *job, gch_error *err);
GCH_CHECKED gch_status gch__ingest_raw(gch__ingest_job *job, gch_error *err);
GCH_CHECKED gch_status gch__ingest_npy(gch__ingest_job *job, gch_error *err);

/* A CSV text in memory to a .gch image in memory (gch_writer_free_memory); inputs, output, append
 * and format of the desc are not looked at. buffer_bytes >= 1. For tests and fuzzing. */
GCH_CHECKED gch_status gch__ingest_csv_memory(const gch_ingest_desc *desc, gch__span text,
                                              size_t buffer_bytes, void **out_image,
                                              size_t *out_image_bytes, gch_ingest_report *report,
                                              gch_error *err);

/* The same with all sizes given. */
GCH_CHECKED gch_status gch__ingest_csv_memory_sized(const gch_ingest_desc *desc, gch__span text,
                                                    const gch__csv_sizes *sizes, void **out_image,
                                                    size_t *out_image_bytes,
                                                    gch_ingest_report *report, gch_error *err);

/* Which fields of the source become what. */
typedef struct gch__chosen {
    uint32_t time;    /* GCH__NO_FIELD: none */
    uint32_t x, y;    /* a point set's, among the values; GCH__NO_FIELD: no point set */
    uint32_t *values; /* owned */
    uint32_t value_count;
    bool is_named; /* the caller named the value columns, or the file appended to did */
} gch__chosen;

/* names[i] is the name of field i; datetime_field (or GCH__NO_FIELD) is one known to be a time.
 * GCH_INVALID with the list of what exists. */
GCH_CHECKED gch_status gch__choose_columns(const gch__ingest_job *job, const char *input_name,
                                           const char *const *names, uint32_t name_count,
                                           uint32_t datetime_field, gch__chosen *out,
                                           gch_error *err);
void gch__chosen_reset(const gch__ingest_job *job, gch__chosen *chosen);

/* The tolerances that the desc has for single columns, one a column of values, in an array of the
 * job's allocator; NULL if it has none. GCH_INVALID, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__make_tolerances(const gch__ingest_job *job, const char *input_name,
                                            const gch_column_desc *columns, uint32_t count,
                                            gch_decimal **out, gch_error *err);

/* The known names of time columns, best first; NULL behind the last. */
extern const char *const gch__time_names[];
/* The names of columns that number rows. */
bool gch__is_index_name(const char *name);
/* True and the 0-based field for a text such as "3". */
bool gch__field_number(const char *text, uint32_t *out_field);

/* Rows that are timed by a rate: row i is at start + floor(i * numerator / denominator). */
typedef struct gch__rate {
    bool is_set;
    unsigned __int128 numerator, denominator;
    int64_t start;
} gch__rate;

/* GCH_INVALID for a rate that is no positive number between 10^-9 and 10^12. */
GCH_CHECKED gch_status gch__rate_set(gch__rate *rate, double rate_hz, gch_time_unit unit,
                                     int64_t start, gch_error *err);
/* GCH_LIMIT when times pass int64. */
GCH_CHECKED gch_status gch__rate_fill(const gch__rate *rate, uint64_t first_row, size_t row_count,
                                      int64_t *out_times, gch_error *err);

#endif
