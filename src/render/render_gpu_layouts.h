/* The structs that C fills and shaders read: those of shaders/common/layouts.wgsl, where the fields
 * are explained. render_gpu_shaders_test.c compares the two. */
#ifndef GCH_RENDER_GPU_LAYOUTS_H
#define GCH_RENDER_GPU_LAYOUTS_H

#include "gch/chart.h"
#include "store_segment.h"

#include <assert.h>

#define GCH__GPU_PAGE_BYTES 16384u /* PAGE_WORDS */
#define GCH__GPU_NO_ROW UINT32_MAX
#define GCH__GPU_ROW_BEFORE (UINT32_MAX - 1)
#define GCH__GPU_IS_WIDE 1u
#define GCH__GPU_IS_ACROSS 2u
#define GCH__GPU_IS_F32 4u
#define GCH__GPU_IS_F64 8u

typedef struct gch__gpu_frame {
    uint32_t width, height;
    uint32_t join; /* gch_join */
    uint32_t first_slice, slice_count;
    uint32_t groups_x;
    uint32_t first_extents, extents;
    uint32_t series_count;
    uint32_t lit, lit_words;
    uint32_t left, top;
    uint32_t target_width, target_height;
    uint32_t origin;
    uint32_t panel_count;
    uint32_t grid_origin, grid_step;
} gch__gpu_frame;
static_assert(sizeof(gch__gpu_frame) == 76, "shaders/common/layouts.wgsl");

typedef struct gch__gpu_panel {
    uint32_t first_row, height;
    uint32_t extents, series_count;
    uint32_t lit, lit_words;
    uint32_t grid, grid_count, grid_words;
} gch__gpu_panel;
static_assert(sizeof(gch__gpu_panel) == 36, "shaders/common/layouts.wgsl");

/* Words of marks before the panels' own. */
#define GCH__GPU_PANELS_WORDS (GCH_PANEL_CAP * (uint32_t)sizeof(gch__gpu_panel) / 4)

typedef struct gch__gpu_counting {
    uint32_t height;
    uint32_t first_slice, slice_count;
    uint32_t groups_x;
    uint32_t parts;
    uint32_t grid, pixels;
    uint32_t step;
    uint32_t plot_width, plot_height;
    uint32_t strata;
} gch__gpu_counting;
static_assert(sizeof(gch__gpu_counting) == 44, "shaders/common/layouts.wgsl");

#define GCH__GPU_TONE_HEAD 480u /* shaders/common/tone.wgsl */
#define GCH__GPU_BAND 2032u     /* shaders/count.wgsl */

typedef struct gch__gpu_segment {
    uint32_t pages, page_count;
    uint32_t row_count;
    uint32_t flags;
    uint32_t level_count;
    uint32_t directory;
    uint32_t gap_supers, gap_bitmaps;
    uint32_t edges, unbounded;
    uint32_t offset_low, offset_high;
    uint32_t levels[GCH_TREE_LEVELS_CAP];
} gch__gpu_segment;
static_assert(sizeof(gch__gpu_segment) == 84, "shaders/common/layouts.wgsl");

typedef struct gch__gpu_slice {
    uint32_t column, segment;
    uint32_t first, last;
    uint32_t lead, tail;
    uint32_t gaps_first, gaps_last;
} gch__gpu_slice;
static_assert(sizeof(gch__gpu_slice) == 32, "shaders/common/layouts.wgsl");

typedef struct gch__gpu_points_frame {
    uint32_t width, height;
    uint32_t first_slice, slice_count;
    uint32_t groups_x;
    uint32_t counts;
    uint32_t cells, stride;
    uint32_t capacity;
} gch__gpu_points_frame;
static_assert(sizeof(gch__gpu_points_frame) == 36, "shaders/common/layouts.wgsl");

typedef struct gch__gpu_points_slice {
    uint32_t segment;
    uint32_t first_node, node_count;
    uint32_t gaps_x_first, gaps_x_last;
    uint32_t gaps_y_first, gaps_y_last;
    uint32_t gaps_value_first, gaps_value_last;
    uint32_t strata;
} gch__gpu_points_slice;
static_assert(sizeof(gch__gpu_points_slice) == 40, "shaders/common/layouts.wgsl");

/* From one grid of pixels to another (shaders/paste.wgsl). */
typedef struct gch__gpu_paste {
    uint32_t first, width, height, stride;
    uint32_t to, to_width, to_height, to_stride;
    int32_t x, y;
    uint32_t pad_a, pad_b;
} gch__gpu_paste;
static_assert(sizeof(gch__gpu_paste) == 48, "shaders/common/layouts.wgsl");

typedef enum gch__gpu_paint {
    GCH__GPU_PAINT_FILL = 1,
    GCH__GPU_PAINT_BOX = 2,
    GCH__GPU_PAINT_ROUND = 3,
    GCH__GPU_PAINT_SLANTED = 4,
    GCH__GPU_PAINT_GLYPH = 5,
    GCH__GPU_PAINT_STROKE = 6,
    GCH__GPU_PAINT_DISCS = 7,
    GCH__GPU_PAINT_AREA = 8,
    GCH__GPU_PAINT_GRID = 9,
    GCH__GPU_PAINT_BETWEEN = 13,
    GCH__GPU_PAINT_REDUCED = 14,
    GCH__GPU_PAINT_BARS = 15,
    GCH__GPU_PAINT_REDUCED_BETWEEN = 16,
} gch__gpu_paint;

typedef struct gch__gpu_command {
    uint32_t kind, color;
    uint32_t left, top, right, bottom;
    uint32_t a, b, c, d, e, f;
} gch__gpu_command;
static_assert(sizeof(gch__gpu_command) == 48, "shaders/common/layouts.wgsl");

#define GCH__GPU_TILE_PX 32u

typedef struct gch__gpu_study {
    uint32_t kind, length; /* gch_study_kind */
    uint32_t bars, first_bar, point_count, values;
    uint32_t chunks, chunk_count, places, place_count;
    uint32_t lines, upper_lines, parts;
    uint32_t width, height;
    uint32_t offset_low, offset_high;
    uint32_t pad_a, pad_b, pad_c;
} gch__gpu_study;
static_assert(sizeof(gch__gpu_study) == 80, "shaders/common/layouts.wgsl");
static_assert(sizeof(gch__gpu_study) % 16 == 0, "an array of them is a uniform");

/* What a list of work starts with (shaders/reduce.wgsl): the counts of an indirect dispatch, and
 * how many slices are listed. */
typedef struct gch__gpu_work {
    uint32_t groups[3];
    uint32_t listed;
} gch__gpu_work;
static_assert(sizeof(gch__gpu_work) == 16, "shaders/reduce.wgsl");

/* In front of the spans of a picture: of the draw of spans and of that of all pixels, how many
 * vertices and instances, 0 and 0; how many spans there are, which may be more than there is room
 * for. */
typedef struct gch__gpu_span_counts {
    uint32_t spans[4], cover[4];
    uint32_t listed, reserved[3];
} gch__gpu_span_counts;
static_assert(sizeof(gch__gpu_span_counts) == 48, "shaders/light.wgsl");

/* In front of the lists of a tile's blocks, by the way they are counted, and of their records. */
typedef struct gch__gpu_blocks {
    uint32_t near_groups[3], reserved;
    uint32_t far_groups[3], reserved_too;
    uint32_t counts[4];
} gch__gpu_blocks;
static_assert(sizeof(gch__gpu_blocks) == 48, "shaders/points.wgsl");
/* Words a block behind that: of 4 lists and of a record. */
#define GCH__GPU_BLOCK_WORDS 18u

#endif
