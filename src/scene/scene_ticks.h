/* Text of tick labels, shared by the value and the time axes. */
#ifndef GCH_SCENE_TICKS_H
#define GCH_SCENE_TICKS_H

#include "scene.h"

#define GCH__MINUS "\xE2\x88\x92" /* U+2212 */

/* A label under construction: always NUL-terminated, cut to its room. */
typedef struct gch__tick_text {
    char *text;
    size_t cap, length;
} gch__tick_text;

/* Starts an empty label in text[0, cap). */
gch__tick_text gch__tick_text_start(char *text, size_t cap);
void gch__tick_text_add(gch__tick_text *label, const char *text);
/* value / 10^decimals with all its decimals; thousands parted by commas if is_grouped. */
void gch__tick_text_add_number(gch__tick_text *label, __int128 value, uint32_t decimals,
                               bool is_grouped);

#endif
