/* Exact decimal numbers: digits * 10^exp10.
 *
 * The bounds of a view are decimals, so that "10.8" means 10.8 and not the binary fraction next to
 * it; CSV text is read into decimals without going through a double.
 *
 * Thread rule: pure functions.
 */
#ifndef GCH_DECIMAL_H
#define GCH_DECIMAL_H

#include "gch/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GCH_DECIMAL_EXP10_MAX 400 /* |exp10| of a valid gch_decimal */

typedef struct gch_decimal {
    int64_t digits;
    int32_t exp10;
} gch_decimal;

/* Reads the whole of text[0, length): optional sign, digits with an optional point, optional
 * exponent ("-12.50", ".5", "1e-3"). Trailing zeros of the fraction are kept (12.50 is 1250e-2).
 * Returns false if the text is anything else, or is not exactly a gch_decimal (more than 18
 * significant digits, an exponent out of range). */
bool gch_decimal_parse(const char *text, size_t length, gch_decimal *out);

/* The shortest decimal that reads back as `value`. `value` must be finite. */
gch_decimal gch_decimal_from_double(double value);

/* The double nearest to the decimal (ties to even); +-infinity beyond the range. */
double gch_decimal_to_double(gch_decimal value);

/* Plain notation when that is short ("-12.5"), else scientific ("1e+300"); trailing zeros of the
 * fraction are dropped. Returns the length written without the NUL; `text` holds at least 48. */
size_t gch_decimal_format(gch_decimal value, char *text, size_t text_cap);

#ifdef __cplusplus
}
#endif
#endif
