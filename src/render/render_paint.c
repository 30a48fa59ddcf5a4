/* Painted pictures as tables: see render_paint.h. Here is what is not data; render_paint_marks.c
 * adds the marks.
 *
 * Invariants:
 *  1. commands = what is not data (ground, `under`, `over`), then the marks; tiles list them in the
 *     order of drawing, in which marks come between `under` and `over`.
 *  2. A sink of the raster room cannot fail; the first failure is kept in `failure` and told by the
 *     call that the sinks belong to.
 *  3. Shapes begin on an even word of `data`, so that an executor may read words in pairs.
 */
#include "render_paint.h"

#include <math.h>

#define PURPOSE "painter"
#define CURVE_WORDS (GCH__TEXT_CURVES * 256u / 4u)

gch_status gch__paint_reserve(const gch__paint *paint, gch__paint_table *table, size_t count,
                              void **out, gch_error *err)
{
    GCH_TRY(gch__ensure(paint->allocator, (void **)&table->entries, &table->cap,
                        table->count + count, table->entry_bytes, table->label, err));
    *out = table->entries + table->count * table->entry_bytes;
    return GCH_OK;
}

/* ---- life ---- */

gch_status gch__paint_init(gch__paint *paint, const gch_allocator *allocator, gch__raster *raster,
                           const gch__paint_hooks *hooks, gch_error *err)
{
    *paint = (gch__paint){
        .allocator = allocator,
        .raster = raster,
        .hooks = hooks,
        .commands = {.label = "commands", .entry_bytes = sizeof(gch__gpu_command)},
        .tiles = {.label = "tiles", .entry_bytes = sizeof(uint32_t)},
        .data = {.label = "shapes", .entry_bytes = sizeof(uint32_t)},
        .atlas = {.label = "atlas", .entry_bytes = sizeof(uint32_t)},
        .quads = {.label = "quads", .entry_bytes = sizeof(gch__paint_quad)},
        .lists = {.label = "lists", .entry_bytes = sizeof(uint32_t)},
        .marked = {.label = "marked", .entry_bytes = sizeof(gch__paint_rect)},
    };
    void *room;
    GCH_TRY(gch__paint_reserve(paint, &paint->atlas, CURVE_WORDS, &room, err));
    memcpy(room, raster->curves.curves, sizeof raster->curves.curves);
    paint->atlas.count += CURVE_WORDS;
    return GCH_OK;
}

void gch__paint_reset(gch__paint *paint)
{
    gch__paint_table *tables[] = {&paint->commands, &paint->tiles, &paint->data,  &paint->atlas,
                                  &paint->quads,    &paint->lists, &paint->marked};
    for (size_t i = 0; i < GCH_COUNT_OF(tables); i++)
        gch__free(paint->allocator, tables[i]->entries, tables[i]->label);
    gch__free(paint->allocator, paint->heights, PURPOSE);
    gch__free(paint->allocator, paint->known, PURPOSE);
    gch__free(paint->allocator, paint->last_fixed, PURPOSE);
    *paint = (gch__paint){0};
}

/* ---- commands ---- */

/* The first failure stays. */
static bool keep_failure(gch__paint *paint, gch_status status, const gch_error *err)
{
    if (status != GCH_OK && paint->status == GCH_OK) {
        paint->status = status;
        paint->failure = *err;
    }
    return paint->status == GCH_OK;
}

uint32_t *gch__paint_add_words(gch__paint *paint, size_t count, uint32_t *out_at)
{
    gch_error err = {0};
    void *room = NULL;
    gch_status status = paint->data.count > UINT32_MAX / 8 || count > UINT32_MAX / 8
                            ? gch_fail(&err, GCH_LIMIT, "%zu words of shapes", count)
                            : gch__paint_reserve(paint, &paint->data, count + 1, &room, &err);
    if (!keep_failure(paint, status, &err))
        return NULL;
    if (paint->data.count % 2 != 0) {
        *(uint32_t *)room = 0;
        room = (uint32_t *)room + 1;
        paint->data.count++;
    }
    *out_at = (uint32_t)paint->data.count;
    paint->data.count += count;
    return room;
}

void gch__paint_add_command(gch__paint *paint, gch__gpu_command command, double left, double top,
                            double right, double bottom)
{
    if (paint->status != GCH_OK || !(left < right) || !(top < bottom))
        return;
    left = fmax(left, 0);
    top = fmax(top, 0);
    right = fmin(right, paint->width);
    bottom = fmin(bottom, paint->height);
    if (!(left < right) || !(top < bottom))
        return;
    gch_error err = {0};
    void *room = NULL;
    gch_status status = gch__paint_reserve(paint, &paint->commands, 1, &room, &err);
    if (!keep_failure(paint, status, &err))
        return;
    command.left = (uint32_t)left;
    command.top = (uint32_t)top;
    command.right = (uint32_t)ceil(right);
    command.bottom = (uint32_t)ceil(bottom);
    memcpy(room, &command, sizeof command);
    paint->commands.count++;
}

void gch__paint_add_marked(gch__paint *paint, uint32_t left, uint32_t top, uint32_t right,
                           uint32_t bottom)
{
    gch_error err = {0};
    void *room = NULL;
    if (paint->status != GCH_OK || left >= right || top >= bottom)
        return;
    if (!keep_failure(paint, gch__paint_reserve(paint, &paint->marked, 1, &room, &err), &err))
        return;
    *(gch__paint_rect *)room =
        (gch__paint_rect){(uint16_t)left, (uint16_t)top, (uint16_t)right, (uint16_t)bottom};
    paint->marked.count++;
}

/* ---- what is not data ---- */

static gch__known_glyph *find_known(gch__paint *paint, const gch__glyph *glyph)
{
    size_t slot = (size_t)(((uintptr_t)glyph >> 4) * 0x9E3779B97F4A7C15u >> 20);
    for (;; slot++) {
        gch__known_glyph *known = &paint->known[slot & (paint->known_cap - 1)];
        if (known->glyph == NULL || known->glyph == glyph)
            return known;
    }
}

static gch_status grow_known(gch__paint *paint, gch_error *err)
{
    size_t old_cap = paint->known_cap, cap = GCH_MAX(old_cap * 2, (size_t)64);
    gch__known_glyph *old = paint->known;
    gch__known_glyph *larger = gch__alloc_zero(paint->allocator, cap, sizeof *larger, PURPOSE);
    if (larger == NULL)
        return gch__no_memory(err, PURPOSE);
    paint->known = larger;
    paint->known_cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].glyph != NULL)
            *find_known(paint, old[i].glyph) = old[i];
    gch__free(paint->allocator, old, PURPOSE);
    return GCH_OK;
}

/* The byte of the atlas where the glyph's coverage starts. */
static gch_status find_glyph(gch__paint *paint, const gch__glyph *glyph, uint32_t *out_at,
                             gch_error *err)
{
    if (paint->known_count * 2 >= paint->known_cap)
        GCH_TRY(grow_known(paint, err));
    gch__known_glyph *known = find_known(paint, glyph);
    if (known->glyph == NULL) {
        size_t bytes = (size_t)glyph->width * glyph->height, words = (bytes + 3) / 4;
        if (paint->atlas.count + words > UINT32_MAX / 4)
            return gch_fail(err, GCH_LIMIT, "%zu words of glyphs", paint->atlas.count);
        void *room;
        GCH_TRY(gch__paint_reserve(paint, &paint->atlas, words, &room, err));
        memset(room, 0, words * sizeof(uint32_t));
        memcpy(room, glyph->coverage, bytes);
        *known = (gch__known_glyph){glyph, (uint32_t)paint->atlas.count * 4};
        paint->atlas.count += words;
        paint->known_count++;
    }
    *out_at = known->at;
    return GCH_OK;
}

typedef struct text_context {
    gch__paint *paint;
    uint32_t rgba;
} text_context;

static gch_status add_glyph(void *context, const gch__text_glyph *placed, gch_error *err)
{
    const text_context *text = context;
    const gch__glyph *glyph = placed->glyph;
    if (glyph->width == 0 || glyph->height == 0)
        return GCH_OK;
    int64_t along = placed->pen + glyph->x, across = glyph->y; /* of the unturned corner */
    int64_t width = glyph->width, height = glyph->height, x = placed->x, y = placed->y;
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_GLYPH, text->rgba);
    GCH_TRY(find_glyph(text->paint, glyph, &command.e, err));
    switch (placed->turns) {
    case 1:
        x += across;
        y -= along + width;
        break;
    case 2:
        x -= along + width;
        y -= across + height;
        break;
    case 3:
        x -= across + height;
        y += along;
        break;
    default:
        x += along;
        y += across;
        break;
    }
    bool is_turned = (placed->turns & 1) != 0;
    command.a = (uint32_t)(int32_t)x;
    command.b = (uint32_t)(int32_t)y;
    command.c = glyph->width;
    command.d = glyph->height;
    command.f = placed->turns | gch__text_curve(text->rgba) << 2;
    gch__paint_add_command(text->paint, command, (double)x, (double)y,
                           (double)(x + (is_turned ? height : width)),
                           (double)(y + (is_turned ? width : height)));
    return GCH_OK;
}

/* A shape of four numbers, and one more, within `bounds`. */
static void add_shape(gch__paint *paint, gch__gpu_paint kind, uint32_t rgba, gch__rect box,
                      float extra, gch__rect bounds)
{
    gch__gpu_command command = gch__paint_command_of(kind, rgba);
    command.a = gch__paint_bits_of(box.x0);
    command.b = gch__paint_bits_of(box.y0);
    command.c = gch__paint_bits_of(box.x1);
    command.d = gch__paint_bits_of(box.y1);
    command.e = gch__paint_bits_of(extra);
    gch__paint_add_command(paint, command, (double)bounds.x0, (double)bounds.y0, (double)bounds.x1,
                           (double)bounds.y1);
}

static void add_round(gch__paint *paint, gch__rect box, float radius, uint32_t rgba)
{
    gch__rect bounds = {box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1};
    add_shape(paint, GCH__GPU_PAINT_ROUND, rgba, box, radius, bounds);
}

static void add_slanted(gch__paint *paint, const gch__prim *prim)
{
    gch__rect ends = prim->box;
    float reach = prim->width * 0.5f + 0.5f;
    gch__rect bounds = {GCH_MIN(ends.x0, ends.x1) - reach, GCH_MIN(ends.y0, ends.y1) - reach,
                        GCH_MAX(ends.x0, ends.x1) + reach, GCH_MAX(ends.y0, ends.y1) + reach};
    add_shape(paint, GCH__GPU_PAINT_SLANTED, prim->color, ends, prim->width, bounds);
}

static gch_status add_prims(gch__paint *paint, const gch__prims *prims, gch_error *err)
{
    for (size_t i = 0; i < prims->count; i++) {
        const gch__prim *prim = &prims->items[i];
        gch__rect box;
        if (gch__prim_box(prim, &box)) {
            add_shape(paint, GCH__GPU_PAINT_BOX, prim->color, box, 0, box);
            continue;
        }
        text_context text = {paint, prim->color};
        switch (prim->kind) {
        case GCH__PRIM_RECT:
            add_round(paint, box, prim->radius, prim->color);
            break;
        case GCH__PRIM_LINE:
            add_slanted(paint, prim);
            break;
        case GCH__PRIM_CIRCLE:
            add_round(paint,
                      (gch__rect){box.x0 - prim->radius, box.y0 - prim->radius,
                                  box.x0 + prim->radius, box.y0 + prim->radius},
                      prim->radius, prim->color);
            break;
        case GCH__PRIM_TEXT:
            GCH_TRY(gch__text_visit(prim, paint->raster->glyphs, add_glyph, &text, err));
            break;
        }
    }
    return GCH_OK;
}

static gch_status keep_fixed(gch__paint *paint, bool *out_is_same, gch_error *err)
{
    size_t count = paint->commands.count;
    *out_is_same =
        count == paint->last_fixed_count &&
        memcmp(paint->last_fixed, paint->commands.entries, count * sizeof(gch__gpu_command)) == 0;
    paint->last_fixed_count = 0;
    GCH_TRY(gch__ensure(paint->allocator, (void **)&paint->last_fixed, &paint->last_fixed_cap,
                        count, sizeof(gch__gpu_command), PURPOSE, err));
    memcpy(paint->last_fixed, paint->commands.entries, count * sizeof(gch__gpu_command));
    paint->last_fixed_count = count;
    return GCH_OK;
}

gch_status gch__paint_tell(const gch__paint *paint, gch_error *err)
{
    if (paint->status != GCH_OK && err != NULL)
        *err = paint->failure;
    return paint->status;
}

gch_status gch__paint_begin(gch__paint *paint, const gch__scene *scene, bool *out_is_same,
                            gch_error *err)
{
    paint->status = GCH_OK;
    paint->width = scene->width_px;
    paint->height = scene->height_px;
    paint->commands.count = paint->tiles.count = paint->data.count = 0;
    paint->quads.count = paint->lists.count = paint->marked.count = 0;
    gch__paint_add_command(paint, gch__paint_command_of(GCH__GPU_PAINT_FILL, scene->background), 0,
                           0, scene->width_px, scene->height_px);
    GCH_TRY(add_prims(paint, &scene->under, err));
    paint->under_count = paint->commands.count;
    GCH_TRY(add_prims(paint, &scene->over, err));
    GCH_TRY(gch__paint_tell(paint, err));
    paint->fixed_count = paint->commands.count;
    return keep_fixed(paint, out_is_same, err);
}

/* ---- the picture ---- */

static gch__tile_range command_tiles(const gch__gpu_command *c)
{
    return (gch__tile_range){c->left / GCH__GPU_TILE_PX, c->top / GCH__GPU_TILE_PX,
                             (c->right - 1) / GCH__GPU_TILE_PX, (c->bottom - 1) / GCH__GPU_TILE_PX};
}

gch_status gch__paint_list(gch__paint *paint, gch_error *err)
{
    const gch__gpu_command *commands = (const gch__gpu_command *)paint->commands.entries;
    uint32_t across = gch__paint_tiles_of(paint->width),
             tiles = across * gch__paint_tiles_of(paint->height);
    uint32_t count = (uint32_t)paint->commands.count;
    uint32_t base = tiles + 1;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        gch__tile_range r = command_tiles(&commands[i]);
        total += (uint64_t)(r.x1 - r.x0 + 1) * (r.y1 - r.y0 + 1);
    }
    if (total > UINT32_MAX / 8)
        return gch_fail(err, GCH_LIMIT, "%u commands in %u tiles", count, tiles);
    void *room;
    GCH_TRY(gch__paint_reserve(paint, &paint->tiles, base + (size_t)total, &room, err));
    uint32_t *firsts = room;
    memset(firsts, 0, base * sizeof *firsts);
    for (uint32_t i = 0; i < count; i++) {
        gch__tile_range r = command_tiles(&commands[i]);
        for (uint32_t y = r.y0; y <= r.y1; y++)
            for (uint32_t x = r.x0; x <= r.x1; x++)
                firsts[y * across + x + 1]++;
    }
    gch__paint_start_lists(firsts, tiles, base);
    const uint32_t parts[3][2] = {{0, (uint32_t)paint->under_count},
                                  {(uint32_t)paint->fixed_count, count},
                                  {(uint32_t)paint->under_count, (uint32_t)paint->fixed_count}};
    for (uint32_t part = 0; part < 3; part++) {
        for (uint32_t i = parts[part][0]; i < parts[part][1]; i++) {
            gch__tile_range r = command_tiles(&commands[i]);
            for (uint32_t y = r.y0; y <= r.y1; y++)
                for (uint32_t x = r.x0; x <= r.x1; x++)
                    firsts[firsts[y * across + x]++] = i;
        }
    }
    gch__paint_restore_lists(firsts, tiles, base);
    paint->tiles.count = base + (size_t)total;
    return GCH_OK;
}
