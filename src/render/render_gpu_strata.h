/* Which strata of which columns of a density's grid are counted, and which are next: a grid fills
 * over several frames, the lowest strata first, and stays where a pan still shows it.
 *
 * A stratum of a column is every K-th of its super-blocks (shaders/count.wgsl); K = GCH__STRATA at
 * full resolution. A cell of the grid is a pixel, or a square of pixels. A grid is a ring of
 * columns of cells; a slot is a column's place in it.
 *
 * Thread rule: none of its own.
 */
#ifndef GCH_RENDER_GPU_STRATA_H
#define GCH_RENDER_GPU_STRATA_H

#include "query_edges.h"
#include "render_quality.h"

/* A column of cells, by slot. */
typedef struct gch__stratum_slot {
    uint64_t rows, counted; /* known once one stratum is */
    uint16_t done, wanted;  /* strata: counted, and counted after this frame */
} gch__stratum_slot;

/* A density of a frame. All of a frame have one width and one range of time. */
typedef struct gch__strata_item {
    const gch_file *file;
    uint32_t column;
    gch_view view;
    uint64_t at; /* where its grid lies: the counts stay if this does */
} gch__strata_item;

typedef struct gch__strata_grid {
    gch__strata_item its; /* file NULL: it holds nothing that may stay */
    uint64_t generation;
    bool is_kept; /* in this frame: only fresh columns were emptied */
    bool is_finished;
    uint32_t strata; /* counted in every column */
    uint64_t rows, counted;
} gch__strata_grid;

typedef struct gch__strata {
    const gch_allocator *allocator;
    bool is_valid;                    /* plan and grids are those of the last frame */
    gch__quality_plan plan;           /* of the frame at hand, or the last one */
    uint32_t width_px, width, count;  /* columns of pixels, of cells; K */
    uint32_t origin;                  /* the slot of column 0 */
    uint32_t fresh_first, fresh_last; /* columns that grids which stay do not have */
    uint32_t grid_count;
    gch__strata_grid grids[GCH_SERIES_CAP];
    gch__stratum_slot *slots; /* grid by grid */
    size_t slot_cap;
    uint32_t *scales; /* of one grid, as shaders/common/tone.wgsl takes them */
    size_t scale_cap;
} gch__strata;

/* How the densities of the next frame relate to what is there. */
gch__motion gch__strata_motion(const gch__strata *strata, const gch__strata_item *items,
                               uint32_t count);
/* Everything that the plan asks for is there: a frame would change nothing. */
bool gch__strata_is_settled(const gch__strata *strata, const gch__quality_desc *desc);

/* Begins a frame of up to GCH_SERIES_CAP densities: what stays is kept, the rest is to be emptied.
 * After a frame that failed, is_valid has to be false. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__strata_begin(gch__strata *strata, const gch__strata_item *items,
                                         uint32_t count, const gch__quality_plan *plan,
                                         gch_error *err);
void gch__strata_reset(gch__strata *strata);

/* Columns of one grid in a frame. */
typedef struct gch__strata_job {
    const gch_query *query;
    const gch__edge *edges; /* of pixel columns, all known */
    uint32_t grid;
} gch__strata_job;

typedef struct gch__strata_spent {
    uint64_t rows, least_rows; /* counted by this frame; by the first strata of columns */
} gch__strata_spent;

/* Chooses what is counted now (`wanted` of its slots), and makes ready `scales` for what will then
 * be counted. by_columns: all of a column before the next one's, so that its pages are read once.
 * GCH_LIMIT: more points in a column than a count holds. */
GCH_CHECKED gch_status gch__strata_choose(gch__strata *strata, const gch__strata_job *job,
                                          bool by_columns, gch__strata_spent *out, gch_error *err);
/* The strata of a column that are to be counted now. */
typedef struct gch__strata_range {
    bool is_all; /* all of its rows */
    uint32_t first, last;
} gch__strata_range;
bool gch__strata_find(const gch__strata *strata, uint32_t grid, uint32_t column,
                      gch__strata_range *out);
/* What was wanted is counted. */
void gch__strata_finish(gch__strata *strata, uint32_t grid);
/* The grid was counted whole by other means, and is not kept. */
void gch__strata_finish_all(gch__strata *strata, uint32_t grid);

/* Where a column of cells is in the ring. */
static inline uint32_t gch__strata_slot(const gch__strata *strata, uint32_t column)
{
    return (strata->origin + column) % strata->width;
}

/* gch__gpu_slice.lead for strata [first, last) of rows [begin, end) of a segment. */
uint32_t gch__strata_code(const gch__strata *strata, uint32_t begin, uint32_t end, uint32_t first,
                          uint32_t last);
/* How many of rows [begin, end) are of stratum s of `count`. */
uint64_t gch__stratum_rows(uint32_t begin, uint32_t end, uint32_t count, uint32_t s);

/* Share of the rows that is counted, below 1 if one is not or the resolution is not full; the
 * level that the picture has. */
double gch__strata_complete(const gch__strata *strata);
uint32_t gch__strata_level(const gch__strata *strata);

#endif
