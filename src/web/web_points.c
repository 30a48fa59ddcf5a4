/* The point of a point set under the cursor. */
#include "web_state.h"

#include <math.h>
#include <string.h>

#define SQUARE_PX 65u
#define POINT_CAP 4096u

static gch_status read_edge(const char *name, const char *text, gch_decimal *out)
{
    if (text == NULL || !gch_decimal_parse(text, strlen(text), out))
        return gch_fail(gch__web_err(), GCH_INVALID, "%s: '%.60s' is no exact decimal", name,
                        text != NULL ? text : "");
    return GCH_OK;
}

/* GCH_NOT_FOUND if none lies within the inner circle of the square. */
static gch_status find_nearest(gch_query *query, const gch_plane *plane, gch_plane_point *out)
{
    const gch_plane_point *points;
    uint32_t count;
    GCH_TRY(gch_query_plane_points(query, plane, 0, POINT_CAP, &points, &count, gch__web_err()));
    const float middle = SQUARE_PX / 2.0f;
    float least = middle * middle;
    bool is_found = false;
    for (uint32_t i = 0; i < count; i++) {
        float x = points[i].x - middle, y = points[i].y - middle;
        float distance = x * x + y * y;
        if (distance > least)
            continue;
        least = distance;
        *out = points[i];
        is_found = true;
    }
    return is_found ? GCH_OK : gch_fail(gch__web_err(), GCH_NOT_FOUND, "there is no point there");
}

static gch_status put_point(gch_query *query, const gch_file_info *info,
                            const gch_plane_point *point)
{
    gch_error *err = gch__web_err();
    gch_value x, y;
    GCH_TRY(gch_query_plane_values(query, info->x_column, point, 1, &x, err));
    GCH_TRY(gch_query_plane_values(query, info->y_column, point, 1, &y, err));
    gch__web_text_start();
    gch__web_put("{\"row\":%llu,\"x\":%.17g,\"y\":%.17g,\"values\":[",
                 (unsigned long long)point->row, gch_value_to_double(x), gch_value_to_double(y));
    for (uint32_t c = 0; c < info->column_count; c++) {
        gch_value value;
        char text[64];
        GCH_TRY(gch_query_plane_values(query, c, point, 1, &value, err));
        gch_value_format(value, 0, text, sizeof text);
        if (c > 0)
            gch__web_put(",");
        gch__web_put_text(text);
    }
    gch__web_put("]}");
    return GCH_OK;
}

gch_status gch_web_point_at(uint32_t id, const char *left, const char *right, const char *bottom,
                            const char *top, const char **out_json)
{
    gch__web_source *source;
    gch_query *query;
    gch_plane_point nearest;
    gch_plane plane = {.view = {.width_px = SQUARE_PX, .height_px = SQUARE_PX}};
    GCH_TRY(gch__web_source_ready(id, &source));
    const gch_file_info *info = gch_file_get_info(source->file);
    if (!info->is_point_set)
        return gch_fail(gch__web_err(), GCH_INVALID, "%s is no point set", source->name);
    plane.x_column = info->x_column;
    plane.y_column = info->y_column;
    GCH_TRY(read_edge("left", left, &plane.view.left));
    GCH_TRY(read_edge("right", right, &plane.view.right));
    GCH_TRY(read_edge("bottom", bottom, &plane.view.bottom));
    GCH_TRY(read_edge("top", top, &plane.view.top));
    GCH_TRY(gch__web_source_query(source, &query));
    GCH_TRY(find_nearest(query, &plane, &nearest));
    GCH_TRY(put_point(query, info, &nearest));
    *out_json = gch__web_text_finish();
    return *out_json != NULL ? GCH_OK : GCH_NO_MEMORY;
}
