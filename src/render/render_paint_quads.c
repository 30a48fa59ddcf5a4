/* A painted picture as rectangles, for executors whose fragments are dear: render_paint.h.
 *
 * Most pixels of a chart have the ground's colour or that of one box with whole edges. Boxes that
 * are opaque are rectangles of one colour; where anything else is drawn, rectangles go through the
 * commands that meet there, each pixel from the ground up. So nothing is left to an executor's
 * blending, whose rounding is its own.
 *
 * Invariants:
 *  1. Every pixel that a command other than an opaque box may change lies in a rectangle with a
 * list; its list has all commands that meet the rectangle, in the order of drawing.
 *  2. Plain rectangles come first, in the order of drawing.
 */
#include "render_paint.h"

#include <math.h>

#define PURPOSE "heights"
#define WASTE_PX 64.0f /* more than another rectangle costs */
#define WIDE_PX 8u
#define PART_PX 64u

/* ---- heights ---- */

bool gch__paint_heights_begin(gch__paint *paint)
{
    gch_error err = {0};
    uint32_t width = paint->plot->view.width_px;
    if (paint->status == GCH_OK) {
        paint->status = gch__ensure(paint->allocator, (void **)&paint->heights, &paint->height_cap,
                                    width, sizeof *paint->heights, PURPOSE, &err);
        paint->failure = err;
    }
    if (paint->status != GCH_OK)
        return false;
    for (uint32_t c = 0; c < width; c++)
        paint->heights[c] = (gch__paint_height){INFINITY, -INFINITY};
    return true;
}

void gch__paint_heights_include(gch__paint *paint, double x0, double y0, double x1, double y1,
                                double reach)
{
    uint32_t width = paint->plot->view.width_px;
    double slope = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0, margin = reach + 1;
    if (!(x1 + reach >= 0) || !(x0 - reach < width))
        return;
    uint32_t c = (uint32_t)fmax(x0 - reach, 0);
    uint32_t last = (uint32_t)fmin(x1 + reach, width - 1.0);
    for (; c <= last; c++) {
        double left = fmax(c - reach, x0), right = fmin(c + 1 + reach, x1);
        double a = y0 + slope * (left - x0), b = right < x1 ? y0 + slope * (right - x0) : y1;
        gch__paint_height *height = &paint->heights[c];
        height->top = fminf(height->top, (float)(fmin(a, b) - margin));
        height->bottom = fmaxf(height->bottom, (float)(fmax(a, b) + margin));
    }
}

gch__paint_height gch__paint_heights_of(const gch__paint *paint, uint32_t first, uint32_t end)
{
    gch__paint_height all = {INFINITY, -INFINITY};
    for (uint32_t c = first; c < end; c++) {
        all.top = fminf(all.top, paint->heights[c].top);
        all.bottom = fmaxf(all.bottom, paint->heights[c].bottom);
    }
    all.top = fmaxf(floorf(all.top), 0);
    all.bottom = fminf(ceilf(all.bottom), (float)paint->plot->view.height_px);
    return all;
}

static void mark_columns(gch__paint *paint, uint32_t first, uint32_t end, gch__paint_height height)
{
    const gch__plot *plot = paint->plot;
    if (height.top < height.bottom)
        gch__paint_add_marked(paint, plot->x_px + first, plot->y_px + (uint32_t)height.top,
                              plot->x_px + end, plot->y_px + (uint32_t)height.bottom);
}

/* Neighbours become one rectangle unless that would be much larger. */
static void mark_within(gch__paint *paint, uint32_t first, uint32_t end, float top, float bottom)
{
    gch__paint_height all = {INFINITY, -INFINITY};
    float used = 0;
    for (uint32_t c = first; c < end; c++) {
        gch__paint_height one = gch__paint_heights_of(paint, c, c + 1);
        one = (gch__paint_height){fmaxf(one.top, top), fminf(one.bottom, bottom)};
        if (!(one.top < one.bottom))
            one = (gch__paint_height){INFINITY, -INFINITY};
        float own = fmaxf(one.bottom - one.top, 0);
        gch__paint_height both = {fminf(all.top, one.top), fmaxf(all.bottom, one.bottom)};
        float area = (both.bottom - both.top) * (float)(c + 1 - first);
        if (area - used - own > WASTE_PX) {
            mark_columns(paint, first, c, all);
            first = c;
            both = one;
            used = 0;
        }
        all = both;
        used += own;
    }
    mark_columns(paint, first, end, all);
}

/* What all columns of a strip have is one rectangle, if it is large. */
void gch__paint_heights_mark(gch__paint *paint)
{
    const gch__plot *plot = paint->plot;
    float height = (float)plot->view.height_px;
    for (uint32_t first = 0, end; first < plot->view.width_px; first = end) {
        gch__paint_height common = {0, height};
        end = GCH__GPU_TILE_PX - (plot->x_px + first) % GCH__GPU_TILE_PX;
        end = GCH_MIN(first + end, plot->view.width_px);
        for (uint32_t c = first; c < end; c++) {
            gch__paint_height one = gch__paint_heights_of(paint, c, c + 1);
            common.top = fmaxf(common.top, one.top);
            common.bottom = fminf(common.bottom, one.bottom);
        }
        if (end - first >= WIDE_PX && common.bottom - common.top >= (float)PART_PX) {
            mark_columns(paint, first, end, common);
            mark_within(paint, first, end, 0, common.top);
            mark_within(paint, first, end, common.bottom, height);
        } else {
            mark_within(paint, first, end, 0, height);
        }
    }
}

/* ---- lists ---- */

/* What meets each tile across, in the order of drawing: places in `lists`, which is scratch then.
 */
typedef struct strips {
    uint32_t *firsts; /* one more than there are tiles across */
    uint32_t *items;
} strips;

static const gch__gpu_command *commands_of(const gch__paint *paint)
{
    return (const gch__gpu_command *)(const void *)paint->commands.entries;
}

static bool is_whole(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value == floorf(value);
}

/* Gives all of its pixels one colour. */
static bool is_plain(const gch__gpu_command *c)
{
    bool is_box = c->kind == GCH__GPU_PAINT_BOX && is_whole(c->a) && is_whole(c->b) &&
                  is_whole(c->c) && is_whole(c->d);
    return c->color >> 24 == 255 && (is_box || c->kind == GCH__GPU_PAINT_FILL);
}

/* Where a mark says itself what it touches. */
static bool is_marked(const gch__gpu_command *c)
{
    return c->kind == GCH__GPU_PAINT_STROKE || c->kind == GCH__GPU_PAINT_DISCS ||
           c->kind == GCH__GPU_PAINT_AREA || c->kind == GCH__GPU_PAINT_BETWEEN;
}

/* The k-th command in the order of drawing, in which marks come between `under` and `over`. */
static uint32_t command_at(const gch__paint *paint, size_t k)
{
    size_t marks = paint->commands.count - paint->fixed_count;
    if (k < paint->under_count)
        return (uint32_t)k;
    k -= paint->under_count;
    return (uint32_t)(k < marks ? paint->fixed_count + k : paint->under_count + k - marks);
}

/* From the first command that is not the ground, if that is opaque: the executor begins with it. */
static size_t first_of(const gch__paint *paint)
{
    return paint->commands.count > 0 && is_plain(commands_of(paint)) ? 1 : 0;
}

static gch_status make_strips(gch__paint *paint, strips *out, gch_error *err)
{
    const gch__gpu_command *commands = commands_of(paint);
    uint32_t across = gch__paint_tiles_of(paint->width);
    uint64_t total = across + 1;
    for (size_t k = first_of(paint); k < paint->commands.count; k++)
        total += commands[k].right / GCH__GPU_TILE_PX - commands[k].left / GCH__GPU_TILE_PX + 1;
    if (total > UINT32_MAX / 8)
        return gch_fail(err, GCH_LIMIT, "%zu commands", paint->commands.count);
    void *room;
    GCH_TRY(gch__paint_reserve(paint, &paint->tiles, (size_t)total, &room, err));
    *out = (strips){.firsts = room, .items = room};
    memset(out->firsts, 0, (across + 1) * sizeof *out->firsts);
    for (size_t k = first_of(paint); k < paint->commands.count; k++)
        for (uint32_t x = commands[k].left / GCH__GPU_TILE_PX;
             x <= (commands[k].right - 1) / GCH__GPU_TILE_PX; x++)
            out->firsts[x + 1]++;
    gch__paint_start_lists(out->firsts, across, across + 1);
    for (size_t k = first_of(paint); k < paint->commands.count; k++) {
        uint32_t i = command_at(paint, k);
        for (uint32_t x = commands[i].left / GCH__GPU_TILE_PX;
             x <= (commands[i].right - 1) / GCH__GPU_TILE_PX; x++)
            out->items[out->firsts[x]++] = i;
    }
    gch__paint_restore_lists(out->firsts, across, across + 1);
    return GCH_OK;
}

static gch_status add_quad(gch__paint *paint, gch__paint_rect rect, uint32_t first, uint32_t end,
                           gch_error *err)
{
    void *room;
    GCH_TRY(gch__paint_reserve(paint, &paint->quads, 1, &room, err));
    *(gch__paint_quad *)room = (gch__paint_quad){rect, first, end};
    paint->quads.count++;
    return GCH_OK;
}

static bool meets(const gch__gpu_command *c, gch__paint_rect r)
{
    return c->left < r.right && c->right > r.left && c->top < r.bottom && c->bottom > r.top;
}

static bool covers(const gch__gpu_command *c, gch__paint_rect r)
{
    return c->left <= r.left && c->right >= r.right && c->top <= r.top && c->bottom >= r.bottom;
}

/* A rectangle within one strip, with its list: the one before it has often the same. */
static gch_status add_listed(gch__paint *paint, const strips *all, gch__paint_rect rect,
                             gch_error *err)
{
    const gch__gpu_command *commands = commands_of(paint);
    uint32_t strip = rect.left / GCH__GPU_TILE_PX;
    uint32_t from = all->firsts[strip], to = all->firsts[strip + 1];
    void *room;
    GCH_TRY(gch__paint_reserve(paint, &paint->lists, to - from, &room, err));
    uint32_t *list = room, count = 0;
    for (uint32_t i = from; i < to; i++) {
        const gch__gpu_command *c = &commands[all->items[i]];
        if (!meets(c, rect))
            continue;
        if (is_plain(c) && covers(c, rect))
            count = 0; /* nothing below it shows */
        list[count++] = all->items[i];
    }
    uint32_t first = (uint32_t)paint->lists.count;
    const gch__paint_quad *quads = (const gch__paint_quad *)(const void *)paint->quads.entries;
    const gch__paint_quad *last =
        paint->quads.count > 0 ? &quads[paint->quads.count - 1] : &(gch__paint_quad){.end = 0};
    if (last->end == first && last->end - last->first == count &&
        memcmp(list - count, list, count * sizeof *list) == 0)
        first -= count;
    else
        paint->lists.count += count;
    return add_quad(paint, rect, first, first + count, err);
}

/* A rectangle in parts: one for each strip, and less high ones where it is wide, for shorter lists.
 */
static gch_status add_rect(gch__paint *paint, const strips *all, gch__paint_rect rect,
                           gch_error *err)
{
    gch__paint_rect part;
    for (part.left = rect.left; part.left < rect.right; part.left = part.right) {
        uint32_t next = part.left / GCH__GPU_TILE_PX * GCH__GPU_TILE_PX + GCH__GPU_TILE_PX;
        part.right = (uint16_t)GCH_MIN(next, (uint32_t)rect.right);
        uint32_t step = (uint32_t)(part.right - part.left) >= WIDE_PX ? PART_PX : rect.bottom;
        for (part.top = rect.top; part.top < rect.bottom; part.top = part.bottom) {
            part.bottom = (uint16_t)GCH_MIN(part.top + step, (uint32_t)rect.bottom);
            GCH_TRY(add_listed(paint, all, part, err));
        }
    }
    return GCH_OK;
}

static gch__paint_rect rect_of(const gch__gpu_command *c)
{
    return (gch__paint_rect){(uint16_t)c->left, (uint16_t)c->top, (uint16_t)c->right,
                             (uint16_t)c->bottom};
}

gch_status gch__paint_list_quads(gch__paint *paint, gch_error *err)
{
    const gch__gpu_command *commands = commands_of(paint);
    const gch__paint_rect *marked = (const gch__paint_rect *)(const void *)paint->marked.entries;
    size_t count = paint->commands.count;
    strips all;
    GCH_TRY(make_strips(paint, &all, err));
    for (size_t k = first_of(paint); k < count; k++) {
        const gch__gpu_command *c = &commands[command_at(paint, k)];
        if (is_plain(c))
            GCH_TRY(add_quad(paint, rect_of(c), c->color, GCH__PAINT_PLAIN, err));
    }
    for (size_t i = 0; i < paint->marked.count; i++)
        GCH_TRY(add_rect(paint, &all, marked[i], err));
    for (size_t k = first_of(paint); k < count; k++)
        if (!is_plain(&commands[k]) && !is_marked(&commands[k]))
            GCH_TRY(add_rect(paint, &all, rect_of(&commands[k]), err));
    return GCH_OK;
}
