/* What the files of painted pictures on a device share. */
#ifndef GCH_RENDER_GPU_PAINT_STATE_H
#define GCH_RENDER_GPU_PAINT_STATE_H

#include "render_gpu_paint.h"
#include "render_gpu_state.h"
#include "render_gpu_studies.h"
#include "render_paint.h"

#define GCH__GPU_PAINT_TABLES 4u

struct gch__gpu_painter {
    gch__gpu_executor *executor;
    gch__raster *raster; /* whose glyphs and scratch are used */
    gch__paint paint;
    gch__paint_hooks hooks;
    gch__gpu_stream sent[GCH__GPU_PAINT_TABLES]; /* the paint's tables; their entries are its */
    gch__gpu_studies studies;
    gch__gpu_brush brush;
};

#endif
