/* Random charts in the default look: marks, series, panels, widths, colours, themes, scales. For
 * tests that hold an executor to the processor's pictures. */
#ifndef PAINT_CASES_H
#define PAINT_CASES_H

#include "gch/chart.h"
#include "gch/image.h"

/* What one case is made of; a desc points into it. */
typedef struct paint_case {
    gch_chart_series series[4];
    gch_panel_desc panels[3];
    gch_chart_desc desc;
} paint_case;

#define PAINT_FILES 4u
extern gch_file *paint_files[PAINT_FILES];

/* Set-up and tear-down of a group of tests: the files that cases show. */
int paint_cases_open(void **state);
int paint_cases_close(void **state);

/* Of cases that are drawn only some are drawn without an error: a view may be empty. */
void paint_case_make(paint_case *out, uint64_t number);

/* Of any channel of two images of one size; *out_at is where, if it is not 0. */
uint32_t paint_largest_difference(const gch_image *a, const gch_image *b, size_t *out_at);

#endif
