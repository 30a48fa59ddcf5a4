/* Double-double arithmetic: a number as the sum of two doubles, some 106 bits of it.
 *
 * Dekker (1971), "A floating-point technique for extending the available precision"; Knuth's
 * TwoSum. Every operation is off by less than 2^-100 of its largest operand or its result,
 * whichever is larger, as long as nothing overflows and no low part is denormal: for magnitudes
 * between 2^-900 and 2^900. Products are not contracted (-ffp-contract=off).
 */
#ifndef GCH_QUERY_PAIR_H
#define GCH_QUERY_PAIR_H

typedef struct gch__pair {
    double high, low; /* |low| is at most half a unit in the last place of high */
} gch__pair;

static inline gch__pair gch__pair_of_sum(double a, double b)
{
    double sum = a + b, b_in_sum = sum - a;
    return (gch__pair){sum, (a - (sum - b_in_sum)) + (b - b_in_sum)};
}

static inline gch__pair gch__pair_of_product(double a, double b)
{
    const double splitter = 134217729; /* 2^27 + 1: halves of 26 bits, whose products are exact */
    double a_high = a * splitter - (a * splitter - a), b_high = b * splitter - (b * splitter - b);
    double a_low = a - a_high, b_low = b - b_high, product = a * b;
    double rest = a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low;
    return (gch__pair){product, rest};
}

static inline gch__pair gch__pair_minus(gch__pair a, gch__pair b)
{
    gch__pair sum = gch__pair_of_sum(a.high, -b.high);
    return gch__pair_of_sum(sum.high, sum.low + (a.low - b.low));
}

static inline gch__pair gch__pair_times(gch__pair a, double factor)
{
    gch__pair product = gch__pair_of_product(a.high, factor);
    return gch__pair_of_sum(product.high, product.low + a.low * factor);
}

static inline gch__pair gch__pair_over(gch__pair a, double divisor)
{
    double quotient = a.high / divisor;
    gch__pair back = gch__pair_of_product(quotient, divisor);
    return gch__pair_of_sum(quotient, (a.high - back.high - back.low + a.low) / divisor);
}

#endif
