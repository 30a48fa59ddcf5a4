/* Frames for an executor outside of this library, which draws from tables that the processor made:
 * web/src/gl.ts, for WebGL2.
 */
#ifndef GCH_RENDER_TABLES_H
#define GCH_RENDER_TABLES_H

#include "gch/chart.h"

#include <stddef.h>

typedef struct gch__words {
    const uint32_t *words; /* NULL if there are none */
    size_t count;
} gch__words;

typedef enum gch__tables_kind {
    GCH__TABLES_NONE = 0,     /* the chart has what only the processor draws: see the image */
    GCH__TABLES_STRIPS = 1,   /* a bare chart: commands are gch__strip, white on black */
    GCH__TABLES_COMMANDS = 2, /* any other: gch__paint_quad, and what their lists name */
} gch__tables_kind;

typedef struct gch__chart_tables {
    gch__tables_kind kind;
    gch__words commands, quads, lists, shapes;
    gch__words atlas; /* grows from frame to frame; what is there stays */
} gch__chart_tables;

/* As gch_chart_frame with the processor as the backend, but that *out_image has no pixels unless
 * out->kind is NONE. Tables are the chart's, until its next frame. */
GCH_CHECKED gch_status gch__chart_frame_tables(gch_chart *chart, const gch_chart_desc *desc,
                                               gch__chart_tables *out, const gch_image **out_image,
                                               gch_chart_stats *stats, gch_error *err);

#endif
