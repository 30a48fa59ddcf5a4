/* What the last frame leaves to the next: its whole picture if nothing has changed, its columns if
 * it was only panned by whole ones.
 */
#include "render_gpu_state.h"

#include <stdio.h>
#include <string.h>

static bool is_same_plane(const gch_plane_view *a, const gch_plane_view *b)
{
    return gch__is_same_decimal(a->left, b->left) && gch__is_same_decimal(a->right, b->right);
}

static bool is_same_view(const gch_view *a, const gch_view *b)
{
    return a->t0 == b->t0 && a->t1 == b->t1 && gch__is_same_decimal(a->bottom, b->bottom) &&
           gch__is_same_decimal(a->top, b->top) && a->width_px == b->width_px &&
           a->height_px == b->height_px && a->axis == b->axis;
}

/* All but the view. */
static bool is_same_place(const gch__plot *a, const gch__plot *b)
{
    return a->panel == b->panel && a->x_px == b->x_px && a->y_px == b->y_px &&
           a->baseline_y == b->baseline_y;
}

static bool is_same_series(const gch__plot_series *a, const gch__plot_series *b)
{
    return a->plot == b->plot && a->file == b->file && a->column == b->column &&
           a->column_high == b->column_high && a->has_price == b->has_price &&
           a->column_price == b->column_price && a->mark == b->mark && a->color == b->color &&
           a->up_color == b->up_color && a->down_color == b->down_color &&
           a->fill_color == b->fill_color && a->fill_base_color == b->fill_base_color &&
           a->bin_count == b->bin_count && a->size_by == b->size_by && a->color_by == b->color_by &&
           a->category_by == b->category_by && a->width == b->width &&
           a->bar_width.unit == b->bar_width.unit && a->bar_width.count == b->bar_width.count &&
           a->dash_count == b->dash_count &&
           memcmp(a->dash, b->dash, a->dash_count * sizeof *a->dash) == 0 &&
           a->density_scale == b->density_scale && a->palette == b->palette &&
           a->is_palette_reversed == b->is_palette_reversed && a->study.kind == b->study.kind &&
           a->study.length == b->study.length && a->study.with_file == b->study.with_file &&
           a->study.with_column == b->study.with_column;
}

static const char *zone_name(const gch__scene *scene)
{
    return scene->zone != NULL ? gch_time_zone_name(scene->zone) : "";
}

static uint64_t with_generation(const gch__plot_series *series)
{
    return series->study.kind == GCH_STUDY_SPREAD ? gch__file_generation(series->study.with_file)
                                                  : 0;
}

void gch__gpu_describe(const gch__scene *scene, const gch_image *image, gch__gpu_shown *out)
{
    out->is_valid = false;
    out->pixels = image != NULL ? image->pixels : NULL;
    out->is_bare = scene->is_bare;
    out->scale = scene->scale;
    snprintf(out->zone, sizeof out->zone, "%s", zone_name(scene));
    out->plot_count = scene->plot_count;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        out->plots[i] = scene->plots[i];
    out->series_count = scene->series_count;
    for (uint32_t i = 0; i < scene->series_count; i++)
        out->series[i] = (struct gch__gpu_shown_series){
            .its = scene->series[i],
            .generation = gch__file_generation(scene->series[i].file),
            .with_generation = with_generation(&scene->series[i])};
}

/* All but the views and where it was drawn. */
static bool has_shown(const gch__gpu_shown *shown, const gch__scene *scene)
{
    if (!shown->is_valid || shown->is_bare != scene->is_bare || shown->scale != scene->scale ||
        strcmp(shown->zone, zone_name(scene)) != 0 || shown->plot_count != scene->plot_count ||
        shown->series_count != scene->series_count)
        return false;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        if (!is_same_place(&shown->plots[i], &scene->plots[i]))
            return false;
    for (uint32_t i = 0; i < scene->series_count; i++)
        if (!is_same_series(&shown->series[i].its, &scene->series[i]) ||
            shown->series[i].generation != gch__file_generation(scene->series[i].file) ||
            shown->series[i].with_generation != with_generation(&scene->series[i]))
            return false;
    return true;
}

bool gch__gpu_is_shown(const gch__gpu_shown *shown, const gch__scene *scene, const gch_image *image)
{
    const uint32_t *pixels = image != NULL ? image->pixels : NULL;
    if (!has_shown(shown, scene) || shown->pixels != pixels)
        return false;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        if (!is_same_view(&shown->plots[i].view, &scene->plots[i].view) ||
            !is_same_plane(&shown->plots[i].plane, &scene->plots[i].plane))
            return false;
    return true;
}

void gch__gpu_find_fresh(gch__gpu_executor *executor, const gch__scene *scene)
{
    const gch_view *view = &scene->plots[0].view;
    int64_t shift = 0;
    executor->is_like_last = has_shown(&executor->shown, scene);
    bool is_panned = !scene->is_plane && executor->is_like_last;
    for (uint32_t i = 0; is_panned && i < scene->plot_count; i++) /* all by as much */
        is_panned = gch__view_shift(&executor->shown.plots[i].view, &scene->plots[i].view, &shift);
    executor->plot_width = view->width_px;
    executor->fresh_first = 0;
    executor->fresh_last = view->width_px;
    if (!is_panned) {
        executor->origin = 0;
        return;
    }
    executor->origin = (uint32_t)((executor->origin + view->width_px + shift) % view->width_px);
    if (shift >= 0)
        executor->fresh_first = view->width_px - (uint32_t)shift;
    else
        executor->fresh_last = (uint32_t)-shift;
}

void gch__gpu_fresh_slots(const gch__gpu_executor *executor, uint32_t out[3])
{
    uint32_t width = executor->plot_width;
    uint32_t count = executor->fresh_last - executor->fresh_first;
    out[0] = gch__gpu_slot(executor, executor->fresh_first % width);
    out[1] = GCH_MIN(count, width - out[0]);
    out[2] = count - out[1];
}
