/* Random series and views for the exactness test: a seed gives one case, always the same.
 *
 * Kinds of values and of views are crossed by the case's number so that every pair comes up; times,
 * gaps and lengths are drawn at random.
 */
#ifndef EXACTNESS_CASES_H
#define EXACTNESS_CASES_H

#include "gch/query.h"
#include "gch/writer.h"

#define EXACTNESS_PART_CAP 4u

/* Rows [first, first + count) of a case are appended by a writer of their own. */
typedef struct exactness_part {
    size_t first, count;
} exactness_part;

typedef struct exactness_case {
    uint64_t number;
    uint64_t random; /* state of the generator */
    const char *value_kind, *time_kind, *gap_kind, *view_kind, *bounds_kind;

    size_t row_count;
    int64_t *times;
    gch_type type;
    void *values;
    int8_t *scales;    /* DECIMAL, else NULL */
    uint8_t *validity; /* NULL: all valid */
    exactness_part parts[EXACTNESS_PART_CAP];
    uint32_t part_count;

    /* The same rows as a chart sees them. */
    double *approx; /* NaN: not drawn */
    double low, high;
    bool has_values;
} exactness_case;

void exactness_case_make(exactness_case *out, uint64_t number);
void exactness_case_free(exactness_case *c);

/* A view of the case for a picture of this size; draws on the case's random numbers. */
gch_view exactness_case_view(exactness_case *c, uint32_t width_px, uint32_t height_px);

/* A width of bars for a view, from far below a pixel to wider than the view, in ticks or by the
 * calendar of *out_zone; the names of zones are constants. */
gch_bar_width exactness_case_bars(exactness_case *c, const gch_view *view, const char **out_zone);

/* The case as a file (exactness_files.c). One part is written to memory; several to a file in
 * `folder`, each appended as a segment of its own. Fails the test at hand if that fails. */
typedef struct exactness_file {
    gch_file *file;
    void *bytes; /* image in memory; NULL: the file is on disk, without a name */
} exactness_file;

exactness_file exactness_case_open(const exactness_case *c, const char *folder);
void exactness_file_close(exactness_file *o);

#endif
