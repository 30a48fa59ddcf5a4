/* The chart of a window: frames that do not wait, the values at the pointer, and the picture with
 * everything on top. Which window shows it is no matter here.
 *
 * A frame is drawn when the view, the size or the data have changed, or pages are still missing;
 * the picture is composed anew when that or the pointer has; else nothing happens. Thread rule: one
 * thread.
 */
#ifndef VIEW_SESSION_H
#define VIEW_SESSION_H

#include "view.h"
#include "view_paint.h"
#include "view_panels.h"
#include "view_state.h"
#include "view_warm.h"

#define VIEW_SAMPLE_CAP 240u
#define VIEW_NOTE_CAP 200u

typedef struct view_session {
    const view_desc *desc;
    view_state state;
    view_state good; /* that the last frame was drawn of: to go back to */
    gch_chart_series series[GCH_SERIES_CAP];
    gch_chart_desc chart_desc;
    view_panels panels;
    view_warm warm;
    gch_chart *chart;
    gch_chart_stats stats; /* of the last frame */
    const gch_image *frame;
    gch_image picture; /* the frame and what lies over it */
    gch_overlay *overlay;
    view_paint paint;
    view_cursor cursor;
    struct {
        gch_query *query; /* NULL: none yet */
        const gch_file *file;
    } asks[GCH_SERIES_CAP]; /* for the values at the pointer */

    bool has_pointer; /* within the window */
    float pointer_x, pointer_y;
    bool has_box; /* of a zoom, in the picture */
    view_rect box;

    double frame_ms[VIEW_SAMPLE_CAP]; /* the last ones, in a ring */
    double frame_at[VIEW_SAMPLE_CAP]; /* when they were done */
    uint64_t frame_count;
    char note[VIEW_NOTE_CAP];
    double note_until; /* 0: there is none */
    double retry_at;   /* a frame that failed; 0: none did */
    bool wants_frame, wants_picture, has_told_fallback;
} view_session;

/* A session is large: not for the stack. */
GCH_CHECKED gch_status view_session_init(view_session *session, const view_desc *desc,
                                         gch_error *err);
void view_session_reset(view_session *session); /* also of one that could not be made */

/* The size of the window in pixels, and layout pixels to these. */
void view_session_resize(view_session *session, uint32_t width_px, uint32_t height_px, float scale);
/* The pointer in the picture; leaving it. */
void view_session_point(view_session *session, float x, float y);
void view_session_leave(view_session *session);
/* The pointer in the panel that gestures are about, as view_state.h counts. */
double view_session_plot_x(const view_session *session, float x);
double view_session_plot_y(const view_session *session, float y);

void view_session_act(view_session *session, view_action action);
/* Says something for a few seconds from `now_ms`. */
void view_session_note(view_session *session, double now_ms, const char *text);
/* Brings the data up to date. */
void view_session_refresh(view_session *session);
/* Saves the picture as it is shown, but for notes. There has been a frame. */
void view_session_save(view_session *session, double now_ms);

/* Draws what has to be drawn; *out_has_changed: session->picture is a new one. A chart that cannot
 * be drawn as asked for goes back to how it was, with a note, and is tried again later if even that
 * fails; only a chart that never was returns its failure. */
GCH_CHECKED gch_status view_session_draw(view_session *session, double now_ms,
                                         bool *out_has_changed, gch_error *err);
/* Milliseconds until something has to be drawn although nothing happens: 0 at once, < 0 never. */
double view_session_wait_ms(const view_session *session, double now_ms);

/* The nearest rank's percentile of samples, which are put in order; count >= 1. */
double view_percentile(double *samples, size_t count, double share);

#endif
