/* Values within a tolerance: each finite one becomes a multiple of a power of ten, so that a column
 * of any floats turns into decimals of few digits.
 *
 * What is bounded, as real numbers: for the value v that was given and the decimal D that it is
 * rounded to, |D - v| <= tolerance; and for a column of floats |f - v| <= tolerance too, with f the
 * column's own float nearest to D, which is what a segment of plain floats stores. A float that is
 * not rounded is stored as without a tolerance: its bits come back, though a decimal that stands
 * for them may be half a unit in their last place away. So may the doubles that a column of text
 * falls back to be from their D.
 */
#ifndef GCH_STORE_TOLERANCE_H
#define GCH_STORE_TOLERANCE_H

#include "base.h"
#include "gch/file.h"

/* How one column is rounded. Zeros: not at all. */
typedef struct gch__step {
    bool is_set;
    uint32_t scale; /* multiples of 10^-scale */
    double most;    /* a double that is not above the tolerance */
} gch__step;

/* Columns of integers have none, nor has a tolerance under half of 10^-18. The step is the largest
 * power of ten that is at most twice the tolerance, but at most 1: keys are whole numbers of it, so
 * that a multiple of it would leave them as wide as they are. */
gch__step gch__step_choose(gch_decimal tolerance, gch_type type);

/* Rounds `count` values (any alignment) and their scales (DECIMAL; nullable) from one place to
 * another, or where they stand. A float takes the nearest multiple of the step; one for which that
 * is not proven to be within the tolerance takes the nearest of a tenth of it; one for which that
 * is not either stays as it is, as do infinities and NaN. -0.0 becomes 0. Numbers of text take the
 * nearest multiple, ties to even, or stay if they are one; doubles among them become decimals. To
 * be done once: what is rounded again may go farther than the tolerance. */
void gch__step_apply(const gch__step *step, gch_type type, const void *from,
                     const int8_t *from_scales, size_t count, void *to, int8_t *to_scales);

#endif
