/* What a window at rest has loaded for the views that may come next: the neighbours and the next
 * zoom levels of the times it shows, for each column. A hint to the data manager, behind everything
 * that is asked for, and cancelled when the view moves on.
 *
 * Thread rule: one thread.
 */
#ifndef VIEW_WARM_H
#define VIEW_WARM_H

#include "view.h"

#define VIEW_WARM_MS 120.0 /* of rest, before anything is loaded that nobody has asked for */

typedef struct view_warm {
    const view_desc *desc;
    gch_data *data;     /* NULL: nothing is warmed */
    gch_cancel *cancel; /* of the hints under way; NULL: there are none */
    double due_at;      /* 0: nothing is waiting */
} view_warm;

void view_warm_init(view_warm *warm, const view_desc *desc);
void view_warm_reset(view_warm *warm);
/* A frame was drawn: what was hinted at is out of date. is_at_rest: it was whole, of a view that
 * does not move. */
void view_warm_note(view_warm *warm, bool is_at_rest, double now_ms);
/* Gives the hints when they are due. */
void view_warm_run(view_warm *warm, const gch_chart_series *series, uint32_t series_count,
                   const gch_view *frame, double now_ms);

#endif
