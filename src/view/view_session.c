/* The chart of a window (view_session.h). */
#include "view_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MS 4000.0
#define RETRY_MS 1000.0

/* ---- life ---- */

static view_range data_range(const view_session *session)
{
    view_range range = {0, 0};
    bool has_rows = false;
    for (uint32_t i = 0; i < session->chart_desc.series_count; i++) {
        const gch_file_info *info = gch_file_get_info(session->series[i].file);
        if (info->row_count == 0)
            continue;
        int64_t end = info->last_time < INT64_MAX ? info->last_time + 1 : INT64_MAX;
        range.from = has_rows && range.from < info->first_time ? range.from : info->first_time;
        range.to = has_rows && range.to > end ? range.to : end;
        has_rows = true;
    }
    return range;
}

gch_status view_session_init(view_session *session, const view_desc *desc, gch_error *err)
{
    const gch_chart_desc *chart = desc->chart;
    *session = (view_session){.desc = desc, .chart_desc = *chart, .wants_frame = true};
    memcpy(session->series, chart->series, chart->series_count * sizeof *chart->series);
    session->chart_desc.series = session->series;
    session->chart_desc.no_wait = true;
    session->chart_desc.quality = GCH_QUALITY_AUTO;
    view_state_init(&session->state, data_range(session));
    if (chart->has_time_range)
        view_state_show(&session->state, chart->from, chart->to);
    view_panels_init(&session->panels, chart, &session->state);
    if (chart->has_bottom && chart->has_top)
        session->chart_desc.has_bottom = session->chart_desc.has_top = false;
    view_warm_init(&session->warm, desc);
    session->state.theme = chart->theme;
    gch_status status = gch_overlay_make(NULL, &session->overlay, err);
    if (status == GCH_OK)
        status = gch_chart_make(NULL, &session->chart, err);
    return status;
}

void view_session_reset(view_session *session)
{
    view_warm_reset(&session->warm);
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++)
        gch_query_destroy(session->asks[i].query);
    gch_chart_destroy(session->chart);
    gch_overlay_destroy(session->overlay);
    gch_image_destroy(&session->picture, NULL);
    *session = (view_session){0};
}

/* ---- events ---- */

void view_session_resize(view_session *session, uint32_t width_px, uint32_t height_px, float scale)
{
    gch_chart_desc *desc = &session->chart_desc;
    width_px = width_px < 1 ? 1 : width_px > GCH_IMAGE_PX_MAX ? GCH_IMAGE_PX_MAX : width_px;
    height_px = height_px < 1 ? 1 : height_px > GCH_IMAGE_PX_MAX ? GCH_IMAGE_PX_MAX : height_px;
    if (desc->width_px == width_px && desc->height_px == height_px && desc->scale == scale)
        return;
    desc->width_px = width_px;
    desc->height_px = height_px;
    desc->scale = scale;
    session->wants_frame = true;
}

void view_session_point(view_session *session, float x, float y)
{
    uint32_t panel = view_panels_at(&session->stats, y);
    if (panel < GCH_PANEL_CAP)
        (void)view_state_focus(&session->state, panel, view_panels_frame(&session->stats, panel));
    session->has_pointer = true;
    session->pointer_x = x;
    session->pointer_y = y;
    session->wants_picture = true;
}

void view_session_leave(view_session *session)
{
    session->wants_picture = session->wants_picture || session->has_pointer;
    session->has_pointer = false;
}

double view_session_plot_x(const view_session *session, float x)
{
    return (double)x - session->stats.plot_x_px;
}

double view_session_plot_y(const view_session *session, float y)
{
    return (double)y - session->stats.panels[session->state.panel].y_px;
}

void view_session_act(view_session *session, view_action action)
{
    if (action == VIEW_ACTION_PANELS && !view_panels_can_split(&session->panels))
        return;
    view_state_act(&session->state, action, session->desc->chart->series[0].mark);
    if (action == VIEW_ACTION_PANELS)
        view_panels_place(&session->panels, &session->state, session->series);
    session->wants_frame = true;
}

void view_session_note(view_session *session, double now_ms, const char *text)
{
    snprintf(session->note, sizeof session->note, "%.*s", (int)sizeof session->note - 1, text);
    session->note_until = now_ms + NOTE_MS;
    session->wants_picture = true;
}

void view_session_refresh(view_session *session)
{
    const view_desc *desc = session->desc;
    if (desc->refresh == NULL || session->wants_frame ||
        !desc->refresh(desc->context, session->series, session->chart_desc.series_count))
        return;
    for (uint32_t i = 0; i < session->chart_desc.series_count; i++) {
        if (session->asks[i].file == session->series[i].file)
            continue;
        gch_query_destroy(session->asks[i].query);
        session->asks[i].query = NULL;
    }
    view_state_take_data(&session->state, data_range(session));
    session->wants_frame = true;
}

/* ---- the values at the pointer ---- */

static const char *label_of(const view_session *session, uint32_t i)
{
    const gch_chart_series *series = &session->series[i];
    if (series->label != NULL)
        return series->label;
    return gch_file_get_info(series->file)->columns[series->column].name;
}

static uint32_t color_of(const view_session *session, uint32_t i)
{
    uint32_t given = session->series[i].color_rgba;
    return given != 0 ? given : gch_theme_series_color(session->state.theme, i);
}

/* GCH_PENDING while it lies in pages that are on their way. */
static gch_status ask_nearest(view_session *session, uint32_t i, int64_t time, gch_sample *out,
                              gch_error *err)
{
    const gch_chart_series *series = &session->series[i];
    if (session->asks[i].query == NULL) {
        gch_query_desc desc = {.no_wait = true, .answers = series->answers};
        gch_status status = gch_query_make(series->file, &desc, &session->asks[i].query, err);
        if (status != GCH_OK)
            return status;
        session->asks[i].file = series->file;
    }
    return gch_query_nearest(session->asks[i].query, series->column, time, out, err);
}

static void fill_row(view_session *session, uint32_t i, const gch_sample *sample, view_row *row)
{
    const view_state *state = &session->state;
    const gch_chart_series *series = &session->series[i];
    const gch_column_info *column = &gch_file_get_info(series->file)->columns[series->column];
    gch_value_format(sample->value, column->fixed_decimals ? column->scale : 0, row->value,
                     sizeof row->value);
    double x = view_state_x_of(state, sample->time);
    const gch_view *frame = view_panels_frame_of(&session->stats, series);
    double y = view_frame_y_of(frame, gch_value_to_double(sample->value));
    row->has_dot = x >= 0 && x <= frame->width_px && y >= 0 && y <= frame->height_px;
    row->dot_x = (float)(x + session->stats.plot_x_px);
    row->dot_y = (float)(y + session->stats.panels[series->panel].y_px);
}

static bool is_in_plot(const view_session *session)
{
    double x = view_session_plot_x(session, session->pointer_x);
    double y = view_session_plot_y(session, session->pointer_y);
    return session->has_pointer && x >= 0 && y >= 0 && x < session->state.frame.width_px &&
           y < session->state.frame.height_px;
}

/* Each series' stored point nearest in time; the heading is the time of the nearest of all. Studies
 * are computed and have none. False if some of it is still to come. */
static bool fill_cursor(view_session *session)
{
    view_cursor *cursor = &session->cursor;
    int64_t times[VIEW_ROW_CAP] = {0};
    bool has_value[VIEW_ROW_CAP] = {false};
    double x = view_session_plot_x(session, session->pointer_x), nearest = INFINITY;
    int64_t at = view_state_time_at(&session->state, x), heading = at;
    bool is_whole = true;
    cursor->x = session->pointer_x;
    cursor->y = session->pointer_y;
    cursor->row_count = cursor->more_count = 0;
    for (uint32_t i = 0; i < session->chart_desc.series_count; i++) {
        gch_error err;
        gch_sample sample;
        if (session->series[i].study.kind != GCH_STUDY_NONE)
            continue;
        if (cursor->row_count == VIEW_ROW_CAP) {
            cursor->more_count++;
            continue;
        }
        uint32_t r = cursor->row_count++;
        view_row *row = &cursor->rows[r];
        *row = (view_row){.label = label_of(session, i), .color_rgba = color_of(session, i)};
        gch_status status = ask_nearest(session, i, at, &sample, &err);
        if (status == GCH_OK) {
            fill_row(session, i, &sample, row);
            has_value[r] = true;
            times[r] = sample.time;
            double apart = fabs(view_state_x_of(&session->state, sample.time) - x);
            if (apart < nearest) {
                nearest = apart;
                heading = sample.time;
            }
        } else {
            bool is_pending = status == GCH_PENDING;
            snprintf(row->value, sizeof row->value, "%s", is_pending ? "\xE2\x80\xA6" : "none");
            is_whole = is_whole && !is_pending;
        }
    }
    gch_time_unit unit = gch_file_get_info(session->series[0].file)->time_unit;
    gch_time_format(heading, unit, session->desc->zone, cursor->time, sizeof cursor->time);
    for (uint32_t r = 0; r < cursor->row_count; r++) {
        view_row *row = &cursor->rows[r];
        if (has_value[r] && times[r] != heading)
            gch_time_format(times[r], unit, session->desc->zone, row->time, sizeof row->time);
    }
    return is_whole;
}

/* ---- pictures ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double view_percentile(double *samples, size_t count, double share)
{
    qsort(samples, count, sizeof *samples, compare_doubles);
    size_t rank = (size_t)ceil(share * (double)count);
    return samples[rank > 0 ? rank - 1 : 0];
}

static void fill_figures(const view_session *session, view_figures *out)
{
    const gch_chart_stats *stats = &session->stats;
    *out = (view_figures){.backend = stats->backend == GCH_BACKEND_GPU         ? "GPU"
                                     : stats->backend == GCH_BACKEND_REFERENCE ? "Reference"
                                                                               : "CPU",
                          .adapter = stats->adapter,
                          .threads = gch_workers_count(session->chart_desc.workers),
                          .points = stats->rows_visible,
                          .complete = stats->complete,
                          .quality_level = stats->quality_level,
                          .is_fixed = session->state.is_fixed};
    gch_mark mark = session->state.mark;
    out->mark = view_mark_name(mark == GCH_MARK_DEFAULT ? session->series[0].mark : mark);
    if (session->chart_desc.data != NULL)
        gch_data_get_stats(session->chart_desc.data, &out->data);
    size_t count = session->frame_count < VIEW_SAMPLE_CAP ? session->frame_count : VIEW_SAMPLE_CAP;
    if (count == 0)
        return;
    double samples[VIEW_SAMPLE_CAP];
    memcpy(samples, session->frame_ms, count * sizeof *samples);
    out->median_ms = view_percentile(samples, count, 0.5);
    out->p99_ms = view_percentile(samples, count, 0.99);
    /* The rate of the frames that came without a pause up to the last one. */
    uint64_t last = session->frame_count - 1, first = last;
    while (first > 0 && last - first + 1 < count &&
           session->frame_at[first % VIEW_SAMPLE_CAP] -
                   session->frame_at[(first - 1) % VIEW_SAMPLE_CAP] <
               250)
        first--;
    double way =
        session->frame_at[last % VIEW_SAMPLE_CAP] - session->frame_at[first % VIEW_SAMPLE_CAP];
    if (last > first && way > 0)
        out->fps = 1000.0 * (double)(last - first) / way;
}

static gch_status draw_frame(view_session *session, double now_ms, gch_error *err)
{
    gch_chart_desc desc = session->chart_desc;
    view_state_describe(&session->state, &desc);
    view_panels_describe(&session->panels, &session->state, session->series, &desc);
    gch_mark mark = session->state.mark;
    for (uint32_t i = 0; i < desc.series_count; i++)
        if (desc.series[i].study.kind == GCH_STUDY_NONE)
            session->series[i].mark =
                mark != GCH_MARK_DEFAULT ? mark : session->desc->chart->series[i].mark;
    gch_status status =
        gch_chart_frame(session->chart, &desc, &session->frame, &session->stats, err);
    if (status != GCH_OK)
        return status;
    view_state_take_frame(&session->state,
                          view_panels_frame(&session->stats, session->state.panel));
    session->frame_ms[session->frame_count % VIEW_SAMPLE_CAP] = session->stats.total_ms;
    session->frame_at[session->frame_count % VIEW_SAMPLE_CAP] = now_ms;
    session->frame_count++;
    session->good = session->state;
    session->wants_picture = true;
    session->wants_frame = session->stats.complete < 1;
    view_warm_note(&session->warm, !session->wants_frame, now_ms);
    if (session->stats.fallback[0] != '\0' && !session->has_told_fallback) {
        session->has_told_fallback = true;
        fprintf(stderr, "drawn on the processor: %s\n", session->stats.fallback);
    }
    return GCH_OK;
}

/* Back to what could be drawn; if that cannot be either, to wait for better times. */
static gch_status go_back(view_session *session, double now_ms, gch_status status, gch_error *err)
{
    if (session->frame_count == 0)
        return status;
    view_session_note(session, now_ms, err->message);
    bool was_split = session->state.is_split;
    session->state = session->good;
    if (was_split != session->state.is_split) {
        view_panels_place(&session->panels, &session->state, session->series);
        session->state = session->good;
    }
    if (draw_frame(session, now_ms, err) != GCH_OK) {
        session->wants_frame = false;
        session->retry_at = now_ms + RETRY_MS;
    }
    return GCH_OK;
}

static void paint_all(view_session *session, double now_ms)
{
    view_paint *paint = &session->paint;
    const view_state *state = &session->state;
    float scale = session->chart_desc.scale > 0 ? session->chart_desc.scale : 1;
    view_paint_begin(paint, &session->stats, state->panel, scale, state->theme);
    if (!state->hides_hud) {
        view_figures figures;
        fill_figures(session, &figures);
        view_paint_figures(paint, &figures);
    }
    if (session->has_box)
        view_paint_box(paint, session->box,
                       view_state_box_is_flat(session->box.y0, session->box.y1));
    if (is_in_plot(session) && !state->shows_help) {
        if (!fill_cursor(session))
            session->wants_picture = true;
        view_paint_cursor(paint, &session->cursor);
    }
    if (state->shows_help)
        view_paint_help(paint);
    if (now_ms < session->note_until)
        view_paint_note(paint, session->note);
}

static gch_status compose(view_session *session, double now_ms, gch_error *err)
{
    const gch_image *frame = session->frame;
    gch_image *picture = &session->picture;
    if (picture->width_px != frame->width_px || picture->height_px != frame->height_px) {
        gch_image_destroy(picture, NULL);
        gch_status status = gch_image_make(frame->width_px, frame->height_px, NULL, picture, err);
        if (status != GCH_OK)
            return status;
    }
    memcpy(picture->pixels, frame->pixels,
           (size_t)frame->width_px * frame->height_px * sizeof *frame->pixels);
    session->wants_picture = false;
    paint_all(session, now_ms);
    return gch_overlay_draw(session->overlay, session->paint.items, session->paint.item_count,
                            picture, err);
}

void view_session_save(view_session *session, double now_ms)
{
    char text[VIEW_NOTE_CAP] = "", note[VIEW_NOTE_CAP + 16];
    gch_error err;
    session->note_until = 0;
    bool is_saved = false;
    if (compose(session, now_ms, &err) == GCH_OK)
        is_saved =
            session->desc->save(session->desc->context, &session->picture, text, sizeof text);
    else
        snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, err.message);
    snprintf(note, sizeof note, "%s%s", is_saved ? "saved " : "", text);
    view_session_note(session, now_ms, note);
}

gch_status view_session_draw(view_session *session, double now_ms, bool *out_has_changed,
                             gch_error *err)
{
    *out_has_changed = false;
    if (session->note_until > 0 && now_ms >= session->note_until) {
        session->note_until = 0;
        session->wants_picture = true;
    }
    if (session->retry_at > 0 && now_ms >= session->retry_at)
        session->wants_frame = true;
    if (session->wants_frame) {
        session->retry_at = 0;
        gch_status status = draw_frame(session, now_ms, err);
        if (status != GCH_OK)
            status = go_back(session, now_ms, status, err);
        if (status != GCH_OK)
            return status;
    }
    view_warm_run(&session->warm, session->series, session->chart_desc.series_count,
                  &session->state.frame, now_ms);
    if (!session->wants_picture)
        return GCH_OK;
    *out_has_changed = true;
    return compose(session, now_ms, err);
}

double view_session_wait_ms(const view_session *session, double now_ms)
{
    if (session->wants_frame || session->wants_picture)
        return 0;
    double wait = -1;
    if (session->note_until > 0)
        wait = fmax(session->note_until - now_ms, 0);
    if (session->warm.due_at > 0 && (wait < 0 || wait > session->warm.due_at - now_ms))
        wait = fmax(session->warm.due_at - now_ms, 0);
    if (session->retry_at > 0 && (wait < 0 || wait > session->retry_at - now_ms))
        wait = fmax(session->retry_at - now_ms, 0);
    if (session->desc->refresh != NULL && (wait < 0 || wait > (double)session->desc->refresh_ms))
        wait = (double)session->desc->refresh_ms;
    return wait;
}
