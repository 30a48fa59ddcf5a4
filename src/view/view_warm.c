/* Hints of a window at rest (view_warm.h). */
#include "view_warm.h"

void view_warm_init(view_warm *warm, const view_desc *desc)
{
    *warm = (view_warm){.desc = desc};
    if (desc->find_source != NULL)
        warm->data = desc->chart->data;
}

static void cancel(view_warm *warm)
{
    if (warm->cancel == NULL)
        return;
    gch_cancel_set(warm->data, warm->cancel);
    gch_cancel_release(warm->data, warm->cancel);
    warm->cancel = NULL;
}

void view_warm_reset(view_warm *warm)
{
    cancel(warm);
    *warm = (view_warm){0};
}

void view_warm_note(view_warm *warm, bool is_at_rest, double now_ms)
{
    if (warm->data == NULL)
        return;
    cancel(warm);
    warm->due_at = is_at_rest ? now_ms + VIEW_WARM_MS : 0;
}

/* Hints need not succeed: what they lack is loaded when it is asked for. */
static void hint(view_warm *warm, const gch_file *file, uint32_t column, const gch_view *frame)
{
    gch_source source;
    gch_series series;
    if (!warm->desc->find_source(warm->desc->context, file, &source) ||
        gch_series_open(warm->data, source, column, &series, NULL) != GCH_OK)
        return;
    (void)!gch_data_warm(warm->data, series, frame->t0, frame->t1, frame->width_px,
                         GCH_DIRECTION_AROUND, warm->cancel, NULL);
    (void)!gch_series_close(warm->data, series, NULL);
}

void view_warm_run(view_warm *warm, const gch_chart_series *series, uint32_t series_count,
                   const gch_view *frame, double now_ms)
{
    if (warm->due_at == 0 || now_ms < warm->due_at)
        return;
    warm->due_at = 0;
    if (gch_cancel_make(warm->data, &warm->cancel, NULL) != GCH_OK)
        return;
    for (uint32_t i = 0; i < series_count; i++) {
        bool is_there = false;
        for (uint32_t k = 0; k < i; k++)
            is_there = is_there ||
                       (series[k].file == series[i].file && series[k].column == series[i].column);
        if (!is_there)
            hint(warm, series[i].file, series[i].column, frame);
    }
}
