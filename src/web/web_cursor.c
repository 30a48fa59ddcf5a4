/* Values at the cursor: of rows, of bars, of the bins of a histogram, and of the points of a point
 * set. */
#include "web_state.h"

#include <math.h>
#include <string.h>

#define SQUARE_PX 65u /* odd: its middle lies within a pixel */
#define POINT_CAP 4096u

static gch_web_value show(gch_value value)
{
    gch_web_value shown = {.value = gch_value_to_double(value)};
    gch_value_format(value, 0, shown.text, sizeof shown.text);
    return shown;
}

gch_status gch_web_nearest(uint32_t id, uint32_t column, int64_t t, gch_web_sample *out)
{
    gch__web_source *source;
    gch_query *query;
    gch_sample sample;
    GCH_TRY(gch__web_source_ready(id, &source));
    GCH_TRY(gch__web_source_query(source, &query));
    GCH_TRY(gch_query_nearest(query, column, t, &sample, gch__web_err()));
    *out = (gch_web_sample){
        .time = sample.time, .row = (double)sample.row, .value = show(sample.value)};
    return GCH_OK;
}

/* What the bar that covers a time is asked with. */
typedef struct bar_ask {
    gch_query *query;
    gch_bar_width width;
    gch_time_zone *zone; /* owned by the ask */
} bar_ask;

static gch_status ask_bars(uint32_t id, const char *width, const char *time_zone, int64_t t,
                           bar_ask *out)
{
    gch_error *err = gch__web_err();
    gch__web_source *source;
    GCH_TRY(gch__web_source_ready(id, &source));
    GCH_TRY(gch__web_source_query(source, &out->query));
    GCH_TRY(
        gch_bar_width_parse(width, gch_file_get_info(source->file)->time_unit, &out->width, err));
    if (t == INT64_MAX)
        return gch_fail(err, GCH_INVALID, "no bar covers the last of all times");
    return gch_time_zone_open(time_zone, gch__web_instance.allocator, &out->zone, err);
}

/* The bar if there is room for one, else its sum; until the query's next call. */
static gch_status find_bar(uint32_t id, uint32_t column, const char *width, const char *time_zone,
                           int64_t t, const gch_bar **out_bar, const gch_bar_sum **out_sum)
{
    gch_error *err = gch__web_err();
    bar_ask ask = {0};
    uint32_t count = 0;
    GCH_TRY(ask_bars(id, width, time_zone, t, &ask));
    uint64_t pending = gch_query_get_stats(ask.query).answers_pending;
    gch_status status = out_bar != NULL ? gch_query_bars(ask.query, column, ask.width, ask.zone, t,
                                                         t + 1, 1, out_bar, &count, err)
                                        : gch_query_sums(ask.query, column, ask.width, ask.zone, t,
                                                         t + 1, 1, out_sum, &count, err);
    gch_time_zone_close(ask.zone);
    if (status == GCH_OK && gch_query_get_stats(ask.query).answers_pending != pending)
        return gch_fail(err, GCH_PENDING, "the bar is not known yet"); /* or is an earlier one */
    if (status == GCH_OK && count == 0)
        return gch_fail(err, GCH_NOT_FOUND, "nothing is drawn there");
    return status;
}

gch_status gch_web_bar_at(uint32_t id, uint32_t column, const char *width, const char *time_zone,
                          int64_t t, gch_web_bar *out)
{
    const gch_bar *bar;
    GCH_TRY(find_bar(id, column, width, time_zone, t, &bar, NULL));
    *out = (gch_web_bar){.t0 = bar->t0,
                         .t1 = bar->t1,
                         .row_count = (double)bar->row_count,
                         .open = show(bar->open),
                         .high = show(bar->high),
                         .low = show(bar->low),
                         .close = show(bar->close)};
    return GCH_OK;
}

gch_status gch_web_sum_at(uint32_t id, uint32_t column, const char *width, const char *time_zone,
                          int64_t t, gch_web_sum *out)
{
    const gch_bar_sum *sum;
    GCH_TRY(find_bar(id, column, width, time_zone, t, NULL, &sum));
    gch_value exact = {.as.f64 = sum->sum, .kind = GCH_VALUE_F64};
    if (sum->is_decimal && sum->decimal.exp10 <= 0 && sum->decimal.exp10 >= -18)
        exact = (gch_value){.as.digits = sum->decimal.digits,
                            .kind = GCH_VALUE_DECIMAL,
                            .scale = (uint8_t)-sum->decimal.exp10};
    *out = (gch_web_sum){
        .t0 = sum->t0, .t1 = sum->t1, .row_count = (double)sum->row_count, .sum = show(exact)};
    out->sum.value = sum->sum;
    return GCH_OK;
}

gch_status gch_web_study_at(const gch_web_series *series, const char *width, const char *time_zone,
                            int64_t t, gch_web_study *out)
{
    gch_error *err = gch__web_err();
    bar_ask ask = {0};
    gch__web_source *with;
    const gch_study_point *points;
    uint32_t count = 0;
    gch_study_desc desc = {.kind = (gch_study_kind)series->study_kind,
                           .length = series->study_length,
                           .with_column = series->study_column};
    if (series->study_source != 0) {
        GCH_TRY(gch__web_source_ready(series->study_source, &with));
        GCH_TRY(gch__web_source_query(with, &desc.with));
    }
    GCH_TRY(ask_bars(series->source, width, time_zone, t, &ask));
    desc.width = ask.width;
    desc.zone = ask.zone;
    gch_status status =
        gch_query_study(ask.query, series->column, &desc, t, t + 1, 1, &points, &count, err);
    gch_time_zone_close(ask.zone);
    GCH_TRY(status);
    for (uint32_t i = 0; i < count; i++) {
        if (t < points[i].t0 || t >= points[i].t1)
            continue; /* a neighbour */
        *out = (gch_web_study){
            .t0 = points[i].t0, .t1 = points[i].t1, .low = points[i].low, .high = points[i].high};
        return GCH_OK;
    }
    return gch_fail(err, GCH_NOT_FOUND, "there is no value there");
}

/* ---- along a horizontal axis of values ---- */

static gch_status read_edge(const char *name, const char *text, gch_decimal *out)
{
    if (text == NULL || !gch_decimal_parse(text, strlen(text), out))
        return gch_fail(gch__web_err(), GCH_INVALID, "%s: '%.60s' is no exact decimal", name,
                        text != NULL ? text : "");
    return GCH_OK;
}

gch_status gch_web_bin_at(uint32_t id, uint32_t column, int64_t t0, int64_t t1, const char *left,
                          const char *right, uint32_t bin_count, double share, gch_web_bin *out)
{
    gch__web_source *source;
    gch_query *query;
    gch_decimal from, to;
    gch_histogram histogram;
    if (bin_count == 0)
        bin_count = GCH_BIN_COUNT_DEFAULT;
    GCH_TRY(gch__web_source_ready(id, &source));
    GCH_TRY(read_edge("left", left, &from));
    GCH_TRY(read_edge("right", right, &to));
    GCH_TRY(gch__web_source_query(source, &query));
    GCH_TRY(gch_query_histogram(query, column, t0, t1, from, to, bin_count, &histogram,
                                gch__web_err()));
    if (histogram.is_pending)
        return gch_fail(gch__web_err(), GCH_PENDING, "the count is not known yet");
    double number = floor(share * bin_count);
    uint32_t bin = !(number > 0) ? 0 : number < bin_count ? (uint32_t)number : bin_count - 1;
    double first = gch_decimal_to_double(from), span = gch_decimal_to_double(to) - first;
    *out = (gch_web_bin){.left = first + span * bin / bin_count,
                         .right = first + span * (bin + 1) / bin_count,
                         .count = (double)histogram.counts[bin]};
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
