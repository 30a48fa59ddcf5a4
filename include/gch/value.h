/* One stored value, exactly as it was given: a decimal, a float, or a gap.
 *
 * Thread rule: pure functions.
 */
#ifndef GCH_VALUE_H
#define GCH_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gch_value_kind {
    GCH_VALUE_GAP = 0,     /* null; nothing is drawn and the line is broken */
    GCH_VALUE_DECIMAL = 1, /* digits / 10^scale */
    GCH_VALUE_F32 = 2,
    GCH_VALUE_F64 = 3,
} gch_value_kind;

typedef struct gch_value {
    union {
        int64_t digits; /* GCH_VALUE_DECIMAL */
        float f32;      /* may be -0, NaN with a payload, or infinite; NaN and */
        double f64;     /* infinities draw as gaps */
    } as;
    uint8_t kind;  /* gch_value_kind */
    uint8_t scale; /* GCH_VALUE_DECIMAL: 0-18 */
} gch_value;

/* True for a value that a chart draws: a decimal or a finite float. */
bool gch_value_is_drawn(gch_value value);
/* The nearest double; NaN for a gap. */
double gch_value_to_double(gch_value value);
/* The shortest text that reads back as the same value: "12.5", "-0", "inf", "nan"; "" for a gap.
 * min_decimals pads the fraction of a decimal with zeros. Returns the length without the NUL;
 * `text` holds at least 64. */
size_t gch_value_format(gch_value value, uint32_t min_decimals, char *text, size_t text_cap);

#ifdef __cplusplus
}
#endif
#endif
