/* A chart in a window: pan, zoom, the value at the pointer (docs/view.md).
 *
 * A program room: it includes public headers and its own only. The command opens files and reads
 * options; this room turns events into views (view_state.c), draws frames that do not wait
 * (view_session.c) with what moves on top of them (view_paint.c), and shows them
 * (view_window_sdl.c).
 */
#ifndef VIEW_H
#define VIEW_H

#include "gch/gch.h"

typedef struct view_desc {
    /* Series, look, and the range and bounds to begin with; everything in it is borrowed. */
    const gch_chart_desc *chart;
    const gch_time_zone *zone; /* of times at the pointer; NULL: UTC */
    const char *title;         /* of the window */
    void *context;             /* of the functions */
    /* Brings the series up to date, in place, and says whether there was anything to do; called
     * every refresh_ms. Files that are no longer in them are used until the next frame, and no
     * more when this is called again. NULL: nothing ever changes. */
    bool (*refresh)(void *context, gch_chart_series *series, uint32_t series_count);
    uint32_t refresh_ms;
    /* Writes a picture somewhere and tells where; false, with what is wrong in out_text. */
    bool (*save)(void *context, const gch_image *image, char *out_text, size_t text_cap);
    /* The source of a file in chart->data; false if it has none, as live rows. NULL: nothing is
     * loaded ahead. */
    bool (*find_source)(void *context, const gch_file *file, gch_source *out);
} view_desc;

/* Shows the window until it is closed. GCH_UNSUPPORTED: the build has no windows, or there is no
 * display; else what gch_chart_frame fails with. */
GCH_CHECKED gch_status view_run(const view_desc *desc, gch_error *err);

#endif
