/* Texts of a layout, cleaned, shortened to their room, and placed with shapes as primitives.
 *
 * Invariants:
 *  1. gch__scene_layout has made room for every text (GCH_TEXT_ROOM bytes each) and primitive:
 *     nothing here can fail or move what was placed before.
 *  2. A text in the scene is valid UTF-8 without control characters, whatever it was made of, and
 * is cut between characters only.
 */
#include "scene_layout.h"

#include <math.h>
#include <string.h>

static const char ellipsis[] = "\xE2\x80\xA6";

float gch__text_measure(gch__text t, float font_px, gch__font_weight weight)
{
    return gch__text_width(t.bytes, t.count, font_px, weight);
}

gch__text gch__text_of(const char *bytes)
{
    return (gch__text){.bytes = bytes, .count = (uint32_t)strlen(bytes)};
}

static void append_code_point(gch__buffer *buffer, uint32_t c)
{
    uint8_t *p = buffer->bytes + buffer->count; /* invariant 1 */
    if (c < 0x80) {
        p[0] = (uint8_t)c;
        buffer->count += 1;
    } else if (c < 0x800) {
        p[0] = (uint8_t)(0xC0u | c >> 6);
        p[1] = (uint8_t)(0x80u | (c & 0x3Fu));
        buffer->count += 2;
    } else if (c < 0x10000) {
        p[0] = (uint8_t)(0xE0u | c >> 12);
        p[1] = (uint8_t)(0x80u | (c >> 6 & 0x3Fu));
        p[2] = (uint8_t)(0x80u | (c & 0x3Fu));
        buffer->count += 3;
    } else {
        p[0] = (uint8_t)(0xF0u | c >> 18);
        p[1] = (uint8_t)(0x80u | (c >> 12 & 0x3Fu));
        p[2] = (uint8_t)(0x80u | (c >> 6 & 0x3Fu));
        p[3] = (uint8_t)(0x80u | (c & 0x3Fu));
        buffer->count += 4;
    }
}

/* Copies text into the scene, control characters as spaces and malformed bytes as U+FFFD. At most
 * `room` bytes are read: the rest would not fit any picture. */
static void copy_clean(gch__buffer *buffer, const char *bytes, size_t room)
{
    size_t count = strnlen(bytes, room + 1);
    bool is_cut = count > room;
    count = GCH_MIN(count, room);
    for (size_t at = 0; at < count;) {
        size_t before = at;
        uint32_t c = gch__utf8_next(bytes, count, &at);
        if (is_cut && c == 0xFFFD && count - before < 4)
            break; /* the last character was cut apart */
        append_code_point(buffer, c < 0x20 || (c >= 0x7F && c < 0xA0) ? ' ' : c);
    }
    if (is_cut)
        append_code_point(buffer, 0x2026);
}

gch__text gch__text_shorten(gch__layout *l, gch__text t, float font_px, gch__font_weight weight,
                            float room)
{
    t.width = gch__text_measure(t, font_px, weight);
    if (t.width <= room)
        return t;
    float rest = room - gch__text_measure(gch__text_of(ellipsis), font_px, weight);
    uint32_t fit = 0, beyond = t.count; /* `fit` bytes fit; `beyond` do not */
    while (rest > 0 && fit < beyond) {
        uint32_t middle = fit + (beyond - fit + 1) / 2;
        while (middle > fit && middle < t.count && ((uint8_t)t.bytes[middle] & 0xC0u) == 0x80)
            middle--;
        if (middle == fit)
            break;
        if (gch__text_measure((gch__text){.bytes = t.bytes, .count = middle}, font_px, weight) <=
            rest)
            fit = middle;
        else
            beyond = middle - 1;
    }
    while (fit > 0 && t.bytes[fit - 1] == ' ')
        fit--;
    gch__buffer *buffer = &l->scene->text;
    buffer->count = (size_t)(t.bytes - (const char *)buffer->bytes) + fit;
    if (rest > 0)
        append_code_point(buffer, 0x2026);
    t.count = (uint32_t)((const char *)buffer->bytes + buffer->count - t.bytes);
    t.width = gch__text_measure(t, font_px, weight);
    return t;
}

gch__text gch__text_make(gch__layout *l, const char *name, const char *unit)
{
    gch__buffer *buffer = &l->scene->text;
    gch__text t = {.bytes = (const char *)buffer->bytes + buffer->count};
    size_t before = buffer->count;
    size_t half = GCH_TEXT_BYTES_CAP / 2 - 4;
    copy_clean(buffer, name, unit[0] != '\0' ? half : GCH_TEXT_BYTES_CAP);
    if (unit[0] != '\0') {
        bool is_alone = buffer->count == before;
        if (!is_alone) {
            append_code_point(buffer, ' ');
            append_code_point(buffer, '(');
        }
        copy_clean(buffer, unit, half);
        if (!is_alone)
            append_code_point(buffer, ')');
    }
    t.count = (uint32_t)(buffer->count - before);
    return t;
}

float gch__measure_label(void *context, const char *label)
{
    const gch__layout *l = context;
    return gch__text_width(label, strlen(label), l->label_px, GCH__FONT_REGULAR);
}

gch__prim *gch__place(gch__prims *prims, gch__prim_kind kind, uint32_t color)
{
    gch__prim *prim = &prims->items[prims->count++]; /* invariant 1 */
    *prim = (gch__prim){.kind = kind, .color = color};
    return prim;
}

void gch__place_rect(gch__prims *prims, float x0, float y0, float x1, float y1, uint32_t color,
                     float radius)
{
    gch__prim *prim = gch__place(prims, GCH__PRIM_RECT, color);
    prim->box = (gch__rect){x0, y0, x1, y1};
    prim->radius = radius;
}

void gch__place_text(gch__prims *prims, gch__text t, float x, float baseline, float font_px,
                     gch__font_weight weight, uint32_t color)
{
    if (t.count == 0)
        return;
    gch__prim *prim = gch__place(prims, GCH__PRIM_TEXT, color);
    prim->box = (gch__rect){x, baseline, x, baseline};
    prim->text = t.bytes;
    prim->text_bytes = t.count;
    prim->font_px = font_px;
    prim->weight = weight;
}

float gch__baseline_in(float line_top, float line_height, float font_px, gch__font_weight weight)
{
    float cap = gch__font_get_metrics(font_px, weight).cap_height;
    return roundf(line_top + (line_height + cap) / 2);
}

float gch__hairline(const gch__layout *l)
{
    return fmaxf(1, floorf(l->scale + 0.25f));
}
