/* Painted pictures: see render_gpu_paint.h. Here what is not data is added, and the tables are
 * sent; render_gpu_paint_marks.c adds the marks.
 *
 * Invariants:
 *  1. commands = what is not data (ground, `under`, `over`), then the marks; tiles list them in the
 *     order of drawing, in which marks come between `under` and `over`.
 *  2. A sink of the raster room cannot fail; the first failure is kept in `failure` and told by the
 *     call that the sinks belong to.
 */
#include "render_gpu_paint_state.h"

#include <math.h>

#define PURPOSE "gpu painter"
#define PAINT_BINDINGS 7u
#define CURVE_WORDS (GCH__TEXT_CURVES * 256u / 4u)

extern const char gch__shader_paint_start[], gch__shader_paint_end[];

/* ---- life ---- */

static gch_status fill_atlas(gch__gpu_painter *painter, gch_error *err)
{
    void *room;
    GCH_TRY(gch__gpu_stream_reserve(painter->executor, &painter->atlas, CURVE_WORDS, &room, err));
    memcpy(room, painter->raster->curves.curves, sizeof painter->raster->curves.curves);
    painter->atlas.count += CURVE_WORDS;
    return GCH_OK;
}

static gch_status make_brush(gch__gpu_painter *painter, gch_error *err)
{
    static const gch__gpu_brush_desc desc = {
        .label = "paint",
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ},
        .count = PAINT_BINDINGS};
    return gch__gpu_brush_make(painter->executor, gch__shader_paint_start,
                               (size_t)(gch__shader_paint_end - gch__shader_paint_start), &desc,
                               &painter->brush, err);
}

gch_status gch__gpu_painter_make(gch__gpu_executor *executor, gch__gpu_painter **out,
                                 gch_error *err)
{
    gch__gpu_painter *painter = gch__alloc_zero(executor->allocator, 1, sizeof *painter, PURPOSE);
    if (painter == NULL)
        return gch__no_memory(err, PURPOSE);
    painter->executor = executor;
    painter->commands =
        (gch__gpu_stream){.label = "gpu commands", .entry_bytes = sizeof(gch__gpu_command)};
    painter->tiles = (gch__gpu_stream){.label = "gpu tiles", .entry_bytes = sizeof(uint32_t)};
    painter->data = (gch__gpu_stream){.label = "gpu shapes", .entry_bytes = sizeof(uint32_t)};
    painter->atlas = (gch__gpu_stream){.label = "gpu atlas", .entry_bytes = sizeof(uint32_t)};
    gch_status status = gch__raster_make(executor->allocator, &painter->raster, err);
    if (status == GCH_OK)
        status = fill_atlas(painter, err);
    if (status == GCH_OK)
        status = make_brush(painter, err);
    if (status == GCH_OK)
        status = gch__gpu_studies_init(&painter->studies, executor, err);
    if (status != GCH_OK) {
        gch__gpu_painter_destroy(painter);
        return status;
    }
    *out = painter;
    return GCH_OK;
}

void gch__gpu_painter_drop(gch__gpu_painter *painter)
{
    if (painter == NULL)
        return;
    gch__gpu_brush_drop(painter->executor, &painter->brush);
    if (painter->studies.executor != NULL)
        gch__gpu_studies_drop(&painter->studies);
    painter->atlas.sent = 0;
}

void gch__gpu_painter_destroy(gch__gpu_painter *painter)
{
    if (painter == NULL)
        return;
    gch__gpu *gpu = painter->executor->gpu;
    const gch_allocator *allocator = painter->executor->allocator;
    gch__gpu_stream *streams[] = {&painter->commands, &painter->tiles, &painter->data,
                                  &painter->atlas};
    gch__gpu_painter_drop(painter);
    for (size_t i = 0; i < GCH_COUNT_OF(streams); i++) {
        gch__gpu_buffer_release(gpu, streams[i]->buffer);
        gch__free(allocator, streams[i]->entries, streams[i]->label);
    }
    gch__gpu_studies_reset(&painter->studies);
    gch__raster_destroy(painter->raster);
    gch__free(allocator, painter->known, PURPOSE);
    gch__free(allocator, painter->last_fixed, PURPOSE);
    gch__free(allocator, painter, PURPOSE);
}

/* ---- commands ---- */

/* The first failure stays. */
static bool keep_failure(gch__gpu_painter *painter, gch_status status, const gch_error *err)
{
    if (status != GCH_OK && painter->status == GCH_OK) {
        painter->status = status;
        painter->failure = *err;
    }
    return painter->status == GCH_OK;
}

uint32_t *gch__gpu_painter_add_words(gch__gpu_painter *painter, size_t count, uint32_t *out_at)
{
    gch_error err = {0};
    void *room = NULL;
    gch_status status =
        painter->data.count > UINT32_MAX / 8 || count > UINT32_MAX / 8
            ? gch_fail(&err, GCH_LIMIT, "%zu words of shapes", count)
            : gch__gpu_stream_reserve(painter->executor, &painter->data, count, &room, &err);
    if (!keep_failure(painter, status, &err))
        return NULL;
    *out_at = (uint32_t)painter->data.count;
    painter->data.count += count;
    return room;
}

void gch__gpu_painter_add_command(gch__gpu_painter *painter, gch__gpu_command command, double left,
                                  double top, double right, double bottom)
{
    if (painter->status != GCH_OK || !(left < right) || !(top < bottom))
        return;
    left = fmax(left, 0);
    top = fmax(top, 0);
    right = fmin(right, painter->width);
    bottom = fmin(bottom, painter->height);
    if (!(left < right) || !(top < bottom))
        return;
    gch_error err = {0};
    void *room = NULL;
    gch_status status =
        gch__gpu_stream_reserve(painter->executor, &painter->commands, 1, &room, &err);
    if (!keep_failure(painter, status, &err))
        return;
    command.left = (uint32_t)left;
    command.top = (uint32_t)top;
    command.right = (uint32_t)ceil(right);
    command.bottom = (uint32_t)ceil(bottom);
    memcpy(room, &command, sizeof command);
    painter->commands.count++;
}

/* ---- what is not data ---- */

static gch__known_glyph *find_known(gch__gpu_painter *painter, const gch__glyph *glyph)
{
    size_t slot = (size_t)(((uintptr_t)glyph >> 4) * 0x9E3779B97F4A7C15u >> 20);
    for (;; slot++) {
        gch__known_glyph *known = &painter->known[slot & (painter->known_cap - 1)];
        if (known->glyph == NULL || known->glyph == glyph)
            return known;
    }
}

static gch_status grow_known(gch__gpu_painter *painter, gch_error *err)
{
    size_t old_cap = painter->known_cap, cap = GCH_MAX(old_cap * 2, (size_t)64);
    gch__known_glyph *old = painter->known;
    gch__known_glyph *larger =
        gch__alloc_zero(painter->executor->allocator, cap, sizeof *larger, PURPOSE);
    if (larger == NULL)
        return gch__no_memory(err, PURPOSE);
    painter->known = larger;
    painter->known_cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].glyph != NULL)
            *find_known(painter, old[i].glyph) = old[i];
    gch__free(painter->executor->allocator, old, PURPOSE);
    return GCH_OK;
}

/* The byte of the atlas where the glyph's coverage starts. */
static gch_status find_glyph(gch__gpu_painter *painter, const gch__glyph *glyph, uint32_t *out_at,
                             gch_error *err)
{
    if (painter->known_count * 2 >= painter->known_cap)
        GCH_TRY(grow_known(painter, err));
    gch__known_glyph *known = find_known(painter, glyph);
    if (known->glyph == NULL) {
        size_t bytes = (size_t)glyph->width * glyph->height, words = (bytes + 3) / 4;
        if (painter->atlas.count + words > UINT32_MAX / 4)
            return gch_fail(err, GCH_LIMIT, "%zu words of glyphs", painter->atlas.count);
        void *room;
        GCH_TRY(gch__gpu_stream_reserve(painter->executor, &painter->atlas, words, &room, err));
        memset(room, 0, words * sizeof(uint32_t));
        memcpy(room, glyph->coverage, bytes);
        *known = (gch__known_glyph){glyph, (uint32_t)painter->atlas.count * 4};
        painter->atlas.count += words;
        painter->known_count++;
    }
    *out_at = known->at;
    return GCH_OK;
}

typedef struct text_context {
    gch__gpu_painter *painter;
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
    GCH_TRY(find_glyph(text->painter, glyph, &command.e, err));
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
    gch__gpu_painter_add_command(text->painter, command, (double)x, (double)y,
                                 (double)(x + (is_turned ? height : width)),
                                 (double)(y + (is_turned ? width : height)));
    return GCH_OK;
}

/* A shape of four numbers, and one more, within `bounds`. */
static void add_shape(gch__gpu_painter *painter, gch__gpu_paint kind, uint32_t rgba, gch__rect box,
                      float extra, gch__rect bounds)
{
    gch__gpu_command command = gch__paint_command_of(kind, rgba);
    command.a = gch__paint_bits_of(box.x0);
    command.b = gch__paint_bits_of(box.y0);
    command.c = gch__paint_bits_of(box.x1);
    command.d = gch__paint_bits_of(box.y1);
    command.e = gch__paint_bits_of(extra);
    gch__gpu_painter_add_command(painter, command, (double)bounds.x0, (double)bounds.y0,
                                 (double)bounds.x1, (double)bounds.y1);
}

static void add_round(gch__gpu_painter *painter, gch__rect box, float radius, uint32_t rgba)
{
    gch__rect bounds = {box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1};
    add_shape(painter, GCH__GPU_PAINT_ROUND, rgba, box, radius, bounds);
}

static void add_slanted(gch__gpu_painter *painter, const gch__prim *prim)
{
    gch__rect ends = prim->box;
    float reach = prim->width * 0.5f + 0.5f;
    gch__rect bounds = {GCH_MIN(ends.x0, ends.x1) - reach, GCH_MIN(ends.y0, ends.y1) - reach,
                        GCH_MAX(ends.x0, ends.x1) + reach, GCH_MAX(ends.y0, ends.y1) + reach};
    add_shape(painter, GCH__GPU_PAINT_SLANTED, prim->color, ends, prim->width, bounds);
}

static gch_status add_prims(gch__gpu_painter *painter, const gch__prims *prims, gch_error *err)
{
    for (size_t i = 0; i < prims->count; i++) {
        const gch__prim *prim = &prims->items[i];
        gch__rect box;
        if (gch__prim_box(prim, &box)) {
            add_shape(painter, GCH__GPU_PAINT_BOX, prim->color, box, 0, box);
            continue;
        }
        text_context text = {painter, prim->color};
        switch (prim->kind) {
        case GCH__PRIM_RECT:
            add_round(painter, box, prim->radius, prim->color);
            break;
        case GCH__PRIM_LINE:
            add_slanted(painter, prim);
            break;
        case GCH__PRIM_CIRCLE:
            add_round(painter,
                      (gch__rect){box.x0 - prim->radius, box.y0 - prim->radius,
                                  box.x0 + prim->radius, box.y0 + prim->radius},
                      prim->radius, prim->color);
            break;
        case GCH__PRIM_TEXT:
            GCH_TRY(gch__text_visit(prim, painter->raster->glyphs, add_glyph, &text, err));
            break;
        }
    }
    return GCH_OK;
}

static gch_status keep_fixed(gch__gpu_painter *painter, bool *out_is_same, gch_error *err)
{
    size_t count = painter->commands.count;
    *out_is_same =
        count == painter->last_fixed_count && memcmp(painter->last_fixed, painter->commands.entries,
                                                     count * sizeof(gch__gpu_command)) == 0;
    painter->last_fixed_count = 0;
    GCH_TRY(gch__ensure(painter->executor->allocator, (void **)&painter->last_fixed,
                        &painter->last_fixed_cap, count, sizeof(gch__gpu_command), PURPOSE, err));
    memcpy(painter->last_fixed, painter->commands.entries, count * sizeof(gch__gpu_command));
    painter->last_fixed_count = count;
    return GCH_OK;
}

gch_status gch__gpu_painter_tell(const gch__gpu_painter *painter, gch_error *err)
{
    if (painter->status != GCH_OK && err != NULL)
        *err = painter->failure;
    return painter->status;
}

gch_status gch__gpu_painter_begin(gch__gpu_painter *painter, const gch__scene *scene,
                                  bool *out_is_same, gch_error *err)
{
    painter->status = GCH_OK;
    painter->width = scene->width_px;
    painter->height = scene->height_px;
    painter->commands.count = painter->commands.sent = 0;
    painter->tiles.count = painter->tiles.sent = 0;
    painter->data.count = painter->data.sent = 0;
    gch__gpu_studies_begin(&painter->studies);
    gch__gpu_painter_add_command(painter,
                                 gch__paint_command_of(GCH__GPU_PAINT_FILL, scene->background), 0,
                                 0, scene->width_px, scene->height_px);
    GCH_TRY(add_prims(painter, &scene->under, err));
    painter->under_count = painter->commands.count;
    GCH_TRY(add_prims(painter, &scene->over, err));
    GCH_TRY(gch__gpu_painter_tell(painter, err));
    painter->fixed_count = painter->commands.count;
    return keep_fixed(painter, out_is_same, err);
}

/* ---- the picture ---- */

static gch__tile_range command_tiles(const gch__gpu_command *c)
{
    return (gch__tile_range){c->left / GCH__GPU_TILE_PX, c->top / GCH__GPU_TILE_PX,
                             (c->right - 1) / GCH__GPU_TILE_PX, (c->bottom - 1) / GCH__GPU_TILE_PX};
}

/* Which commands each tile of the picture has, in the order of drawing. */
static gch_status list_commands(gch__gpu_painter *painter, gch_error *err)
{
    const gch__gpu_command *commands = (const gch__gpu_command *)painter->commands.entries;
    uint32_t across = gch__paint_tiles_of(painter->width),
             tiles = across * gch__paint_tiles_of(painter->height);
    uint32_t count = (uint32_t)painter->commands.count;
    uint32_t base = tiles + 1;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        gch__tile_range r = command_tiles(&commands[i]);
        total += (uint64_t)(r.x1 - r.x0 + 1) * (r.y1 - r.y0 + 1);
    }
    if (total > UINT32_MAX / 8)
        return gch_fail(err, GCH_LIMIT, "%u commands in %u tiles", count, tiles);
    void *room;
    GCH_TRY(gch__gpu_stream_reserve(painter->executor, &painter->tiles, base + total, &room, err));
    uint32_t *firsts = room;
    memset(firsts, 0, base * sizeof *firsts);
    for (uint32_t i = 0; i < count; i++) {
        gch__tile_range r = command_tiles(&commands[i]);
        for (uint32_t y = r.y0; y <= r.y1; y++)
            for (uint32_t x = r.x0; x <= r.x1; x++)
                firsts[y * across + x + 1]++;
    }
    gch__paint_start_lists(firsts, tiles, base);
    const uint32_t parts[3][2] = {{0, (uint32_t)painter->under_count},
                                  {(uint32_t)painter->fixed_count, count},
                                  {(uint32_t)painter->under_count, (uint32_t)painter->fixed_count}};
    for (uint32_t part = 0; part < 3; part++) {
        for (uint32_t i = parts[part][0]; i < parts[part][1]; i++) {
            gch__tile_range r = command_tiles(&commands[i]);
            for (uint32_t y = r.y0; y <= r.y1; y++)
                for (uint32_t x = r.x0; x <= r.x1; x++)
                    firsts[firsts[y * across + x]++] = i;
        }
    }
    gch__paint_restore_lists(firsts, tiles, base);
    painter->tiles.count = base + total;
    return GCH_OK;
}

gch_status gch__gpu_painter_send(gch__gpu_painter *painter, gch__gpu_brush **out, gch_error *err)
{
    gch__gpu_stream *streams[] = {&painter->commands, &painter->tiles, &painter->data,
                                  &painter->atlas};
    GCH_TRY(list_commands(painter, err));
    for (size_t i = 0; i < GCH_COUNT_OF(streams); i++) {
        GCH_TRY(gch__gpu_stream_flush(painter->executor, streams[i], err));
        painter->brush.buffers[i + 1] = streams[i]->buffer;
    }
    painter->brush.buffers[PAINT_BINDINGS - 2] = painter->executor->counts.grids;
    painter->brush.buffers[PAINT_BINDINGS - 1] = painter->executor->marks;
    GCH_TRY(gch__gpu_studies_run(&painter->studies, painter->data.buffer, err));
    painter->executor->stats.studies = painter->studies.count;
    *out = &painter->brush;
    return GCH_OK;
}
