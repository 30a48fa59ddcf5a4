/* Overlays of a window (view_paint.h). */
#include "view_paint.h"

#include "view_state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Layout pixels. */
#define FONT_PX 12.0f
#define LINE_PX 18.0f
#define PAD_PX 10.0f
#define GAP_PX 12.0f /* between columns */
#define RADIUS_PX 6.0f
#define MARGIN_PX 10.0f /* to the edges of the plot */
#define POINTER_PX 16.0f
#define SWATCH_PX 8.0f
#define LABEL_MAX_PX 220.0f

typedef struct colors {
    uint32_t panel, edge, text, muted, cross, box;
} colors;

static const colors light = {.panel = 0xFFFFFFFF,
                             .edge = 0xC3C9D0FF,
                             .text = 0x1F2328FF,
                             .muted = 0x5B6570FF,
                             .cross = 0x5B6570B0,
                             .box = 0x3F55DC30};
static const colors dark = {.panel = 0x161B22FF,
                            .edge = 0x3A424DFF,
                            .text = 0xE6E9EEFF,
                            .muted = 0x98A2B0FF,
                            .cross = 0x98A2B0B0,
                            .box = 0x6690FE38};

static const colors contrast = {.panel = 0x000000FF,
                                .edge = 0xB4B4B4FF,
                                .text = 0xFFFFFFFF,
                                .muted = 0xDCDCDCFF,
                                .cross = 0xDCDCDCC0,
                                .box = 0x6690FE60};

static const colors *colors_of(const view_paint *paint)
{
    static const colors *const all[] = {&light, &dark, &contrast};
    return all[paint->theme];
}

static view_rect rect_of(const gch_chart_stats *stats, uint32_t panel)
{
    const gch_panel_stats *its = &stats->panels[panel];
    const gch_view *view = its->has_left || !its->has_right ? &its->left : &its->right;
    return (view_rect){(float)its->x_px, (float)its->y_px, (float)its->x_px + (float)view->width_px,
                       (float)its->y_px + (float)view->height_px};
}

void view_paint_begin(view_paint *paint, const gch_chart_stats *stats, uint32_t panel, float scale,
                      gch_theme theme)
{
    paint->item_count = 0;
    paint->text_used = 0;
    paint->scale = scale;
    paint->theme = theme;
    paint->plot = rect_of(stats, panel);
    paint->all = rect_of(stats, 0);
    if (stats->panel_count > 0)
        paint->all.y1 = rect_of(stats, stats->panel_count - 1).y1;
}

/* ---- items ---- */

static void add(view_paint *paint, gch_overlay_item item)
{
    if (paint->item_count < VIEW_ITEM_CAP)
        paint->items[paint->item_count++] = item;
}

static void add_rect(view_paint *paint, view_rect at, float radius, uint32_t color)
{
    add(paint, (gch_overlay_item){.kind = GCH_OVERLAY_RECT,
                                  .x0 = at.x0,
                                  .y0 = at.y0,
                                  .x1 = at.x1,
                                  .y1 = at.y1,
                                  .radius_px = radius,
                                  .color_rgba = color});
}

static void add_dot(view_paint *paint, float x, float y, float radius, uint32_t color)
{
    add(paint, (gch_overlay_item){.kind = GCH_OVERLAY_CIRCLE,
                                  .x0 = x,
                                  .y0 = y,
                                  .radius_px = radius,
                                  .color_rgba = color});
}

/* Keeps a text for the time of the painting, without control characters. */
GCH_PRINTF(2, 3) static const char *keep(view_paint *paint, const char *format, ...)
{
    char *at = paint->text + paint->text_used;
    size_t room = VIEW_TEXT_CAP - paint->text_used;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room)
        return "";
    for (char *c = at; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = ' ';
    }
    paint->text_used += (size_t)length + 1;
    return at;
}

static float width_of(const view_paint *paint, const char *text, bool is_medium)
{
    return gch_overlay_text_width(text, FONT_PX * paint->scale, is_medium);
}

static void add_text(view_paint *paint, float x, float middle, const char *text, bool is_medium,
                     uint32_t color)
{
    if (text[0] != '\0')
        add(paint, (gch_overlay_item){.kind = GCH_OVERLAY_TEXT,
                                      .x0 = x,
                                      .y0 = middle,
                                      .text = text,
                                      .font_px = FONT_PX * paint->scale,
                                      .is_medium = is_medium,
                                      .color_rgba = color});
}

/* The text, or its beginning and an ellipsis. */
static const char *shorten(view_paint *paint, const char *text, float room)
{
    if (width_of(paint, text, false) <= room)
        return keep(paint, "%s", text);
    size_t length = strlen(text);
    while (length > 0) {
        length--;
        while (length > 0 && ((unsigned char)text[length] & 0xC0u) == 0x80)
            length--; /* between characters only */
        size_t before = paint->text_used;
        const char *cut = keep(paint, "%.*s\xE2\x80\xA6", (int)length, text);
        if (width_of(paint, cut, false) <= room)
            return cut;
        paint->text_used = before;
    }
    return "";
}

static void add_panel(view_paint *paint, view_rect at)
{
    const colors *c = colors_of(paint);
    float edge = fmaxf(1, floorf(paint->scale));
    view_rect inner = {at.x0 + edge, at.y0 + edge, at.x1 - edge, at.y1 - edge};
    add_rect(paint, at, RADIUS_PX * paint->scale, c->edge);
    add_rect(paint, inner, RADIUS_PX * paint->scale - edge, c->panel);
}

/* ---- tables: two columns of text ---- */

typedef struct table_row {
    const char *left, *right;
} table_row;

static view_rect table_size(const view_paint *paint, const table_row *rows, size_t count,
                            float *left_width)
{
    const float s = paint->scale;
    float right_width = 0;
    *left_width = 0;
    for (size_t i = 0; i < count; i++) {
        *left_width = fmaxf(*left_width, width_of(paint, rows[i].left, false));
        right_width = fmaxf(right_width, width_of(paint, rows[i].right, false));
    }
    return (view_rect){0, 0, ceilf(*left_width + right_width + (GAP_PX + 2 * PAD_PX) * s),
                       ceilf(((float)count * LINE_PX + 2 * PAD_PX - 4) * s)};
}

static void add_table(view_paint *paint, float x, float y, const table_row *rows, size_t count,
                      bool is_left_strong)
{
    const float s = paint->scale;
    const colors *c = colors_of(paint);
    float left_width;
    view_rect size = table_size(paint, rows, count, &left_width);
    add_panel(paint, (view_rect){x, y, x + size.x1, y + size.y1});
    for (size_t i = 0; i < count; i++) {
        float middle = y + (PAD_PX - 2 + ((float)i + 0.5f) * LINE_PX) * s;
        add_text(paint, x + PAD_PX * s, middle, rows[i].left, false,
                 is_left_strong ? c->text : c->muted);
        add_text(paint, x + PAD_PX * s + left_width + GAP_PX * s, middle, rows[i].right, false,
                 is_left_strong ? c->muted : c->text);
    }
}

/* ---- figures ---- */

void view_format_count(uint64_t count, char text[VIEW_NUMBER_CAP])
{
    char digits[VIEW_NUMBER_CAP];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

void view_format_bytes(uint64_t bytes, char text[VIEW_NUMBER_CAP])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5) {
        value /= 1000;
        unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, VIEW_NUMBER_CAP, "%.*f %s", decimals, value, units[unit]);
}

/* "mapped 861 MB, tables 1 MB, GPU 34 MB": the kinds that hold anything. */
static const char *bytes_text(view_paint *paint, const gch_data_stats *data)
{
    static const struct {
        gch_bytes_kind kind;
        const char *name;
    } kinds[] = {{GCH_BYTES_MAPPED, "mapped"},   {GCH_BYTES_PAGES, "pages"},
                 {GCH_BYTES_LIVE, "live"},       {GCH_BYTES_KEYED, "answers"},
                 {GCH_BYTES_ADOPTED, "adopted"}, {GCH_BYTES_CHARGED, "other"}};
    char line[200] = "", number[VIEW_NUMBER_CAP];
    size_t used = 0;
    for (size_t i = 0; i <= sizeof kinds / sizeof kinds[0]; i++) {
        bool is_device = i == sizeof kinds / sizeof kinds[0];
        uint64_t bytes = is_device ? data->device_used_bytes : data->bytes[kinds[i].kind];
        if (bytes == 0 || used >= sizeof line)
            continue;
        view_format_bytes(bytes, number);
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s %s", used > 0 ? ", " : "",
                                 is_device ? "GPU" : kinds[i].name, number);
    }
    return used > 0 ? keep(paint, "%s", line) : "none";
}

static const char *cache_text(view_paint *paint, const gch_data_stats *data)
{
    uint64_t asks = data->hits + data->misses;
    if (asks == 0)
        return "not needed";
    return keep(paint, "%.1f %% hits", 100.0 * (double)data->hits / (double)asks);
}

void view_paint_figures(view_paint *paint, const view_figures *figures)
{
    const float s = paint->scale;
    char points[VIEW_NUMBER_CAP];
    view_format_count(figures->points, points);
    /* A percentage is 100 only if nothing is missing. */
    double percent = figures->complete >= 1 ? 100 : fmin(floor(figures->complete * 100), 99);
    bool has_adapter = figures->adapter[0] != '\0';
    const table_row rows[] = {
        {figures->backend, has_adapter ? shorten(paint, figures->adapter, LABEL_MAX_PX * s)
                                       : keep(paint, "%u threads", figures->threads)},
        {"frame", keep(paint, "%.1f ms median, %.1f ms p99", figures->median_ms, figures->p99_ms)},
        {"rate", figures->fps > 0 ? keep(paint, "%.0f fps", figures->fps) : "at rest"},
        {"in view", keep(paint, "%s points, %.0f %% exact", points, percent)},
        {"quality", figures->quality_level < GCH_QUALITY_LEVELS
                        ? keep(paint, "level %u of %u", figures->quality_level, GCH_QUALITY_LEVELS)
                        : "all points"},
        {"memory", bytes_text(paint, &figures->data)},
        {"pages", cache_text(paint, &figures->data)},
        {"type",
         keep(paint, "%s, values %s", figures->mark, figures->is_fixed ? "held" : "fitted")},
    };
    size_t count = sizeof rows / sizeof rows[0];
    float left_width;
    view_rect size = table_size(paint, rows, count, &left_width);
    /* Not where it would hide the whole plot. */
    if (size.x1 + 2 * MARGIN_PX * s > paint->all.x1 - paint->all.x0 ||
        size.y1 + 2 * MARGIN_PX * s > paint->all.y1 - paint->all.y0)
        return;
    add_table(paint, floorf(paint->all.x1 - MARGIN_PX * s - size.x1),
              paint->all.y0 + floorf(MARGIN_PX * s), rows, count, false);
}

/* ---- help, box, note ---- */

void view_paint_help(view_paint *paint)
{
    table_row rows[32];
    size_t count = 0;
    for (; count < 32 && view_help_get(count) != NULL; count++)
        rows[count] = (table_row){view_help_get(count)->keys, view_help_get(count)->text};
    float left_width;
    view_rect size = table_size(paint, rows, count, &left_width);
    float x = (paint->all.x0 + paint->all.x1 - size.x1) / 2;
    float y = (paint->all.y0 + paint->all.y1 - size.y1) / 2;
    add_table(paint, floorf(fmaxf(x, 0)), floorf(fmaxf(y, 0)), rows, count, true);
}

static float within(float value, float low, float high)
{
    return fmaxf(fminf(value, high), low);
}

void view_paint_box(view_paint *paint, view_rect box, bool is_flat)
{
    const colors *c = colors_of(paint);
    const view_rect *plot = &paint->plot;
    float line = fmaxf(1, floorf(paint->scale));
    view_rect at = {fminf(box.x0, box.x1), fminf(box.y0, box.y1), fmaxf(box.x0, box.x1),
                    fmaxf(box.y0, box.y1)};
    if (is_flat) {
        plot = &paint->all;
        at.y0 = plot->y0;
        at.y1 = plot->y1;
    }
    at = (view_rect){
        roundf(within(at.x0, plot->x0, plot->x1)), roundf(within(at.y0, plot->y0, plot->y1)),
        roundf(within(at.x1, plot->x0, plot->x1)), roundf(within(at.y1, plot->y0, plot->y1))};
    uint32_t edge = c->box | 0xC0;
    add_rect(paint, at, 0, c->box);
    add_rect(paint, (view_rect){at.x0, at.y0, at.x0 + line, at.y1}, 0, edge);
    add_rect(paint, (view_rect){at.x1 - line, at.y0, at.x1, at.y1}, 0, edge);
    if (!is_flat) {
        add_rect(paint, (view_rect){at.x0, at.y0, at.x1, at.y0 + line}, 0, edge);
        add_rect(paint, (view_rect){at.x0, at.y1 - line, at.x1, at.y1}, 0, edge);
    }
}

void view_paint_note(view_paint *paint, const char *text)
{
    const float s = paint->scale;
    const char *shown = shorten(paint, text, paint->all.x1 - paint->all.x0 - 4 * PAD_PX * s);
    float width = width_of(paint, shown, false) + 2 * PAD_PX * s, height = (LINE_PX + PAD_PX) * s;
    float x = floorf((paint->all.x0 + paint->all.x1 - width) / 2);
    float y = floorf(paint->all.y1 - MARGIN_PX * s - height);
    add_panel(paint, (view_rect){x, y, ceilf(x + width), ceilf(y + height)});
    add_text(paint, x + PAD_PX * s, y + height / 2, shown, false, colors_of(paint)->text);
}

/* ---- the pointer ---- */

static void add_cross(view_paint *paint, const view_cursor *cursor)
{
    const colors *c = colors_of(paint);
    const view_rect *plot = &paint->plot;
    float line = fmaxf(1, floorf(paint->scale));
    float x = floorf(cursor->x), y = floorf(cursor->y);
    add_rect(paint, (view_rect){x, paint->all.y0, x + line, paint->all.y1}, 0, c->cross);
    add_rect(paint, (view_rect){plot->x0, y, plot->x1, y + line}, 0, c->cross);
}

static void add_dots(view_paint *paint, const view_cursor *cursor)
{
    const float s = paint->scale;
    static const uint32_t rings[] = {0xFFFFFFFF, 0x0F1318FF, 0x000000FF};
    const uint32_t ring = rings[paint->theme];
    for (uint32_t i = 0; i < cursor->row_count; i++) {
        const view_row *row = &cursor->rows[i];
        if (!row->has_dot)
            continue;
        add_dot(paint, row->dot_x, row->dot_y, 5.5f * s, ring);
        add_dot(paint, row->dot_x, row->dot_y, 4 * s, row->color_rgba);
    }
}

/* Swatch, label, value and perhaps a time in each row, under the time that they share. */
static void add_values(view_paint *paint, const view_cursor *cursor)
{
    const float s = paint->scale;
    const colors *c = colors_of(paint);
    const char *labels[VIEW_ROW_CAP], *values[VIEW_ROW_CAP], *times[VIEW_ROW_CAP];
    const char *heading = keep(paint, "%s", cursor->time);
    const char *more = cursor->more_count > 0 ? keep(paint, "and %u more", cursor->more_count) : "";
    float label_width = 0, value_width = 0, time_width = 0;
    for (uint32_t i = 0; i < cursor->row_count; i++) {
        labels[i] = shorten(paint, cursor->rows[i].label, LABEL_MAX_PX * s);
        values[i] = keep(paint, "%s", cursor->rows[i].value);
        times[i] = keep(paint, "%s", cursor->rows[i].time);
        label_width = fmaxf(label_width, width_of(paint, labels[i], false));
        value_width = fmaxf(value_width, width_of(paint, values[i], true));
        time_width = fmaxf(time_width, width_of(paint, times[i], false));
    }
    float label_x = (PAD_PX + SWATCH_PX + 6) * s, value_x = label_x + label_width + GAP_PX * s;
    float time_x = value_x + value_width + GAP_PX * s;
    float end = time_width > 0 ? time_x + time_width : value_x + value_width;
    float width = fmaxf(end, PAD_PX * s + width_of(paint, heading, true)) + PAD_PX * s;
    float lines = (float)(cursor->row_count + 1 + (cursor->more_count > 0));
    float height = (lines * LINE_PX + 2 * PAD_PX - 4) * s;

    /* Beside the pointer, on the side that has room. */
    float x = cursor->x + POINTER_PX * s, y = cursor->y + POINTER_PX * s;
    if (x + width > paint->all.x1)
        x = cursor->x - POINTER_PX * s - width;
    if (y + height > paint->all.y1)
        y = cursor->y - POINTER_PX * s - height;
    x = floorf(fmaxf(x, 2));
    y = floorf(fmaxf(y, 2));
    add_panel(paint, (view_rect){x, y, ceilf(x + width), ceilf(y + height)});
    float middle = y + (PAD_PX - 2 + LINE_PX / 2) * s;
    add_text(paint, x + PAD_PX * s, middle, heading, true, c->text);
    for (uint32_t i = 0; i < cursor->row_count; i++) {
        middle += LINE_PX * s;
        view_rect swatch = {x + PAD_PX * s, middle - SWATCH_PX / 2 * s,
                            x + (PAD_PX + SWATCH_PX) * s, middle + SWATCH_PX / 2 * s};
        add_rect(paint, swatch, 2 * s, cursor->rows[i].color_rgba);
        add_text(paint, x + label_x, middle, labels[i], false, c->muted);
        add_text(paint, x + value_x + value_width - width_of(paint, values[i], true), middle,
                 values[i], true, c->text);
        add_text(paint, x + time_x, middle, times[i], false, c->muted);
    }
    add_text(paint, x + label_x, middle + LINE_PX * s, more, false, c->muted);
}

void view_paint_cursor(view_paint *paint, const view_cursor *cursor)
{
    add_cross(paint, cursor);
    add_dots(paint, cursor);
    add_values(paint, cursor);
}
