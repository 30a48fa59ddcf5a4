/* Files of a live series: what one asker saw of it when he last looked.
 *
 * The file's segments are the base's, the series' own, and one of a single block, made here of the
 * rows that do not fill a block yet.
 *
 * Invariants:
 *  1. A refresh takes all the memory it may need before it changes anything.
 *  2. Each segment that the file shows is held; the base is kept by a reader of its bytes.
 */
#include "store_live_state.h"

#include <string.h>

/* A segment that is shown, and its copy of the counts. Cells do not move: segments point there. */
typedef struct cell {
    gch__live_segment *from;
    gch__live_view view;
} cell;

struct gch__live_file {
    gch__live *live;
    uint64_t generation; /* of the series, when it was looked at */
    uint64_t number;     /* of the first cell's segment */
    const gch_file *base;
    cell **cells;
    size_t cells_cap;
    uint32_t cell_count, made_count; /* made: with room for a view, beyond cell_count too */
    gch__live_segment **dropped;     /* room for all cells */
    size_t dropped_cap;
    size_t segments_cap;

    gch__row_buffer rest;
    gch__live_segment *rest_segment;
    gch__live_plan plan; /* of the rest */
    gch__block_keys *scratch;
    gch__column_input *inputs;
};

/* ---- the rest ---- */

/* Makes the segment of the rows that fill no block. */
static void build_rest(gch_file *file)
{
    struct gch__live_file *own = file->live;
    const gch__row_buffer *rest = &own->rest;
    gch__live_segment *segment = own->rest_segment;
    uint32_t ahead = file->meta.segment_count; /* so far */
    const gch__value_column *before = ahead > 0 ? file->segments[ahead - 1].columns : NULL;
    own->plan.is_irregular = false;
    own->plan.unit_floor = 0;
    for (uint32_t c = 0; c < file->meta.column_count; c++) {
        own->inputs[c] = gch__row_buffer_input(rest, &file->meta, c);
        own->plan.columns[c].is_wide = false;
        own->plan.columns[c].kind = gch__kind_guess(segment->kernels, &own->inputs[c],
                                                    (gch__key_kind){0}, rest->row_count, 1);
    }
    do { /* each turn widens the plan */
        gch__live_segment_start(segment, &own->plan, before);
    } while (!gch__live_segment_add(segment, &own->plan, rest->times, own->inputs, rest->row_count,
                                    own->scratch));
    gch__live_segment_seal(segment);
}

/* ---- looking ---- */

static gch_status make_cells(gch_file *file, uint32_t count, gch_error *err)
{
    struct gch__live_file *own = file->live;
    const gch_allocator *allocator = file->allocator;
    GCH_TRY(gch__ensure(allocator, (void **)&own->cells, &own->cells_cap, count, sizeof *own->cells,
                        "live file", err));
    GCH_TRY(gch__ensure(allocator, (void **)&own->dropped, &own->dropped_cap, count,
                        sizeof *own->dropped, "live file", err));
    while (own->made_count < count) {
        cell *made = gch__alloc_zero(allocator, 1, sizeof *made, "live file");
        if (made == NULL)
            return gch__no_memory(err, "live file");
        gch_status status =
            gch__live_view_make(allocator, file->meta.column_count, &made->view, err);
        if (status != GCH_OK) {
            gch__free(allocator, made, "live file");
            return status;
        }
        own->cells[own->made_count++] = made;
    }
    return GCH_OK;
}

/* All the memory a look may need, under the series' lock. A new base gets a reader, *out_reader. */
static gch_status prepare(gch_file *file, gch__reader **out_reader, gch_error *err)
{
    struct gch__live_file *own = file->live;
    const gch__live *live = own->live;
    uint32_t base_count = live->base != NULL ? live->base->meta.segment_count : 0;
    *out_reader = NULL;
    GCH_TRY(make_cells(file, live->segment_count, err));
    GCH_TRY(gch__ensure(file->allocator, (void **)&file->segments, &own->segments_cap,
                        (size_t)base_count + live->segment_count + 1, sizeof *file->segments,
                        "live file", err));
    if (live->base != NULL && live->base != own->base)
        GCH_TRY(gch__file_make_reader(live->base, out_reader, err));
    return GCH_OK;
}

/* Lets go of cells whose segments have been dropped; returns how many of own->dropped are to end.
 */
static uint32_t drop_cells(struct gch__live_file *own, uint64_t first_number)
{
    uint32_t gone = (uint32_t)GCH_MIN(first_number - own->number, (uint64_t)own->cell_count);
    uint32_t ended = 0;
    for (uint32_t i = 0; i < gone; i++) { /* to the end of the list, for new ones */
        cell *free_cell = own->cells[0];
        if (gch__live_drop(free_cell->from))
            own->dropped[ended++] = free_cell->from;
        free_cell->from = NULL;
        memmove(own->cells, own->cells + 1, (own->made_count - 1) * sizeof(cell *));
        own->cells[own->made_count - 1] = free_cell;
    }
    own->cell_count -= gone;
    own->number = first_number;
    return ended;
}

static void look(gch_file *file, uint32_t *out_ended)
{
    struct gch__live_file *own = file->live;
    gch__live *live = own->live;
    *out_ended = drop_cells(own, live->first_number);
    /* Of the segments that were there only the last one can have changed. */
    uint32_t same = own->cell_count > 0 ? own->cell_count - 1 : 0;
    for (uint32_t i = same; i < live->segment_count; i++) {
        cell *shown = own->cells[i];
        if (i >= own->cell_count)
            live->segments[i]->refs++;
        shown->from = live->segments[i];
        gch__live_view_copy(&shown->view, &shown->from->shown);
    }
    own->cell_count = live->segment_count;
    gch__row_buffer_copy(&own->rest, &live->meta, &live->rest);
    for (uint32_t c = 0; c < file->meta.column_count; c++) {
        file->meta.columns[c].decimals = live->meta.columns[c].decimals;
        file->meta.columns[c].fixed_scale = live->meta.columns[c].fixed_scale;
    }
    file->dropped_rows = live->dropped_rows;
    own->generation = live->generation;
}

/* The base that is looked at from now on, and a reader that keeps it. */
static void set_base(gch_file *file, const gch_file *base, gch__reader *reader)
{
    struct gch__live_file *own = file->live;
    if (base == own->base)
        return;
    gch__file_destroy_reader(file, file->reader);
    file->reader = reader;
    file->pager = base->pager;
    file->size = base->size;
    file->base_number++;
    own->base = base;
}

static void list_segments(gch_file *file)
{
    struct gch__live_file *own = file->live;
    uint32_t count = 0;
    uint64_t rows = 0;
    if (own->base != NULL) {
        count = own->base->meta.segment_count;
        rows = own->base->info.row_count;
        memcpy(file->segments, own->base->segments, count * sizeof *file->segments);
    }
    for (uint32_t i = 0; i < own->cell_count; i++) {
        file->segments[count] = own->cells[i]->view.segment;
        file->segments[count++].first_row = rows;
        rows += own->cells[i]->view.segment.row_count;
    }
    file->meta.segment_count = count;
    if (own->rest.row_count > 0) {
        build_rest(file);
        file->segments[count] = own->rest_segment->grown.segment;
        file->segments[count++].first_row = rows;
        rows += own->rest.row_count;
    }
    file->meta.segment_count = count;
    file->meta.row_count = rows;
    gch__file_fill_info(file);
    file->generation++;
}

gch_status gch__live_refresh(gch_file *file, bool *out_has_changed, gch_error *err)
{
    struct gch__live_file *own = file->live;
    gch__live *live = own->live;
    gch__reader *reader = NULL;
    gch_status status = GCH_OK;
    uint32_t ended = 0;
    pthread_mutex_lock(&live->lock);
    bool has_changed = own->generation != live->generation;
    const gch_file *base = live->base;
    if (has_changed)
        status = prepare(file, &reader, err);
    if (has_changed && status == GCH_OK)
        look(file, &ended);
    pthread_mutex_unlock(&live->lock);
    GCH_TRY(status);
    for (uint32_t i = 0; i < ended; i++)
        gch__live_end_segment(live, own->dropped[i]);
    if (has_changed) {
        set_base(file, base, reader);
        list_segments(file);
    }
    if (out_has_changed != NULL)
        *out_has_changed = has_changed;
    return GCH_OK;
}

/* ---- life ---- */

static gch_status init(gch_file *file, gch__live *live, gch_error *err)
{
    const gch_allocator *allocator = file->allocator;
    struct gch__live_file *own = gch__alloc_zero(allocator, 1, sizeof *own, "live file");
    if (own == NULL)
        return gch__no_memory(err, "live file");
    file->live = own;
    own->live = live;
    atomic_fetch_add_explicit(&live->refs, 1, memory_order_relaxed);
    own->generation = UINT64_MAX;
    file->name = gch__copy_text(allocator, live->name, strlen(live->name), "live file");
    if (file->name == NULL)
        return gch__no_memory(err, "live file");
    file->meta.allocator = allocator;
    GCH_TRY(gch__meta_copy(&file->meta, &live->meta, err));
    uint32_t columns = file->meta.column_count;
    file->columns = gch__alloc_zero(allocator, columns, sizeof *file->columns, "live file");
    own->plan.columns = gch__alloc_zero(allocator, columns, sizeof *own->plan.columns, "live file");
    own->scratch = gch__alloc_array(allocator, columns, sizeof *own->scratch, "live file");
    own->inputs = gch__alloc_array(allocator, columns, sizeof *own->inputs, "live file");
    if (file->columns == NULL || own->plan.columns == NULL || own->scratch == NULL ||
        own->inputs == NULL)
        return gch__no_memory(err, "live file");
    own->rest.allocator = allocator;
    GCH_TRY(gch__row_buffer_init(&own->rest, &file->meta, GCH_BLOCK_ROWS, err));
    return gch__live_segment_make(allocator, file->name, &file->meta, GCH_BLOCK_ROWS,
                                  &own->rest_segment, err);
}

gch_status gch__live_lend(gch__live *live, gch_file **out, gch_error *err)
{
    gch_file *file = gch__alloc_zero(live->allocator, 1, sizeof *file, "live file");
    if (file == NULL)
        return gch__no_memory(err, "live file");
    file->allocator = live->allocator;
    /* The copy of the decimals is refreshed; texts and columns never change. */
    pthread_mutex_lock(&live->lock);
    gch_status status = init(file, live, err);
    pthread_mutex_unlock(&live->lock);
    if (status == GCH_OK)
        status = gch__live_refresh(file, NULL, err);
    if (status != GCH_OK) {
        gch__file_close(file);
        return status;
    }
    *out = file;
    return GCH_OK;
}

void gch__live_file_reset(gch_file *file)
{
    struct gch__live_file *own = file->live;
    if (own == NULL)
        return;
    const gch_allocator *allocator = file->allocator;
    gch__live *live = own->live;
    for (uint32_t i = 0; i < own->cell_count; i++)
        gch__live_drop_held(live, &own->cells[i]->from, 1);
    for (uint32_t i = 0; i < own->made_count; i++) {
        gch__live_view_reset(allocator, &own->cells[i]->view);
        gch__free(allocator, own->cells[i], "live file");
    }
    gch__row_buffer_reset(&own->rest);
    gch__live_segment_destroy(own->rest_segment);
    gch__free(allocator, own->plan.columns, "live file");
    gch__free(allocator, own->scratch, "live file");
    gch__free(allocator, own->inputs, "live file");
    gch__free(allocator, own->cells, "live file");
    gch__free(allocator, own->dropped, "live file");
    gch__free(allocator, own, "live file");
    file->live = NULL;
    gch__live_release(live);
}
