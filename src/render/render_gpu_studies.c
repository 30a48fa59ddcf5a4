/* Studies on the device: see render_gpu_studies.h. Here the bars' values become integers, and room
 * is made for what the shader finds: x is known, and with it which shapes a column needs.
 *
 * Invariants:
 *  1. A value is within 2^52 units, so that a sum of GCH_STUDY_LENGTH_MAX of them fits in 64 bits.
 *  2. Nothing is left in the words of a study that was not added.
 */
#include "render_gpu_studies.h"

#include "query_study.h"
#include "raster_view.h"
#include "render_gpu_paint_state.h"

#include <math.h>

#define UNITS_PER_PX 1048576.0
#define PX_MAX 4294967296.0
#define BAR_WORDS 4u
#define CHUNK_WORDS 3u
#define PLACE_WORDS 6u
#define VALUE_WORDS 4u
#define LINE_WORDS 6u
#define PARTS 5u /* of a straight one, as it is cut where its edges leave the plot */
#define PART_WORDS (PARTS * 6u)

extern const char gch__shader_studies_start[], gch__shader_studies_end[];

/* ---- life ---- */

gch_status gch__gpu_studies_init(gch__gpu_studies *studies, gch__gpu_executor *executor,
                                 gch_error *err)
{
    static const char *const names[] = {[GCH__GPU_STUDY_COMBINE] = "combine",
                                        [GCH__GPU_STUDY_AVERAGES] = "averages",
                                        [GCH__GPU_STUDY_SHAPES] = "shape_lines"};
    *studies = (gch__gpu_studies){
        .executor = executor, .words = {.label = "gpu studies", .entry_bytes = sizeof(uint32_t)}};
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_studies_start,
                                 (size_t)(gch__shader_studies_end - gch__shader_studies_start),
                                 "studies", &shader, err));
    gch__gpu_pipeline_desc desc = {.shader = shader,
                                   .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ,
                                             GCH__GPU_BIND_WRITE, GCH__GPU_BIND_WRITE}};
    for (uint32_t i = 0; i < GCH__GPU_STUDY_KERNEL_COUNT; i++) {
        desc.label = desc.compute = names[i];
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &studies->kernels[i], err));
    }
    return gch__gpu_buffer_make(executor->gpu, sizeof studies->items, GCH__GPU_UNIFORM, "studies",
                                &studies->uniform, err);
}

void gch__gpu_studies_drop(gch__gpu_studies *studies)
{
    for (uint32_t i = 0; i < GCH__GPU_STUDY_KERNEL_COUNT; i++) {
        gch__gpu_bindings_release(studies->executor->gpu, studies->bindings[i]);
        studies->bindings[i] = (gch__gpu_bindings){0};
    }
    studies->bound_version = 0;
}

void gch__gpu_studies_reset(gch__gpu_studies *studies)
{
    if (studies->executor == NULL)
        return;
    gch__gpu *gpu = studies->executor->gpu;
    gch__gpu_studies_drop(studies);
    gch__gpu_buffer_release(gpu, studies->uniform);
    gch__gpu_buffer_release(gpu, studies->values);
    gch__gpu_buffer_release(gpu, studies->words.buffer);
    gch__free(studies->executor->allocator, studies->words.entries, studies->words.label);
}

void gch__gpu_studies_begin(gch__gpu_studies *studies)
{
    studies->count = studies->value_words = 0;
    studies->points_max = studies->chunks_max = studies->places_max = 0;
    studies->words.count = studies->words.sent = 0;
}

/* ---- values ---- */

static gch_status add_words(gch__gpu_studies *studies, size_t count, uint32_t **out,
                            uint32_t *out_at, gch_error *err)
{
    void *room;
    if (studies->words.count > UINT32_MAX / 8)
        return gch_fail(err, GCH_LIMIT, "%zu words of studies", studies->words.count);
    GCH_TRY(gch__gpu_stream_reserve(studies->executor, &studies->words, count, &room, err));
    *out_at = (uint32_t)studies->words.count;
    *out = room;
    studies->words.count += count;
    return GCH_OK;
}

/* False if it is too far away. */
static bool put_px(double px, uint32_t out[2])
{
    if (!(fabs(px) <= PX_MAX))
        return false;
    uint64_t units = (uint64_t)llrint(px * UNITS_PER_PX);
    out[0] = (uint32_t)units;
    out[1] = (uint32_t)(units >> 32);
    return true;
}

/* Values as distances below the plot's middle; a spread's sides from their first values on. */
typedef struct origin {
    gch__value_map map;
    double middle, close, other;
} origin;

static double below_middle(const origin *o, double value)
{
    return (o->map.top - value) * o->map.rows_per_unit - o->middle;
}

static bool put_bar(const origin *o, gch_study_kind kind, const gch__study_bar *bar,
                    uint32_t out[BAR_WORDS])
{
    memset(out, 0, BAR_WORDS * sizeof *out);
    if (kind == GCH_STUDY_RANGE)
        return put_px(below_middle(o, bar->low), out) &&
               put_px(below_middle(o, bar->high), out + 2);
    double close = gch_value_to_double(bar->close);
    if (kind != GCH_STUDY_SPREAD)
        return put_px(below_middle(o, close), out);
    double other = gch_value_to_double(bar->other);
    return put_px((o->close - close) * o->map.rows_per_unit, out) &&
           put_px((o->other - other) * o->map.rows_per_unit, out + 2);
}

static gch_status add_bars(gch__gpu_studies *studies, const gch_view *view,
                           const gch__study_bar *bars, uint32_t count, gch__gpu_study *study,
                           bool *out_is_added, gch_error *err)
{
    origin o = {.map = gch__value_map_make(view), .middle = view->height_px * 0.5};
    uint32_t *words, offset[2] = {0, 0};
    *out_is_added = true;
    if (study->kind == GCH_STUDY_SPREAD) {
        o.close = gch_value_to_double(bars[0].close);
        o.other = gch_value_to_double(bars[0].other);
        *out_is_added = put_px(below_middle(&o, o.close - o.other), offset);
        study->offset_low = offset[0];
        study->offset_high = offset[1];
    }
    GCH_TRY(add_words(studies, (size_t)count * BAR_WORDS, &words, &study->bars, err));
    for (uint32_t i = 0; i < count && *out_is_added; i++)
        *out_is_added =
            put_bar(&o, (gch_study_kind)study->kind, &bars[i], words + (size_t)i * BAR_WORDS);
    return GCH_OK;
}

static gch_status add_chunks(gch__gpu_studies *studies, const gch__study_bar *bars, uint32_t count,
                             uint32_t from, gch__gpu_study *study, gch_error *err)
{
    uint32_t next = gch__ema_chunk_of(bars, from), *words, unused;
    study->chunks = (uint32_t)studies->words.count;
    for (gch__ema_chunk c; gch__ema_next_chunk(bars, count, study->length, next, &c);
         next = c.end) {
        GCH_TRY(add_words(studies, CHUNK_WORDS, &words, &unused, err));
        words[0] = c.start;
        words[1] = c.chunk;
        words[2] = c.end;
        study->chunk_count++;
    }
    return GCH_OK;
}

/* ---- places ---- */

typedef struct places {
    gch__gpu_studies *studies;
    gch__paint *paint;
    gch__gpu_study *study;
    uint32_t line_table, part_table;
} places;

static gch_status add_place(places *p, uint32_t point, double x0, double x1, const double shares[2],
                            double reach, gch_error *err)
{
    uint32_t *words, unused, index = p->study->place_count++;
    const float reals[] = {(float)x0, (float)x1, (float)shares[0], (float)shares[1], (float)reach};
    GCH_TRY(add_words(p->studies, PLACE_WORDS, &words, &unused, err));
    words[0] = point;
    memcpy(words + 1, reals, sizeof reals);
    gch__paint_include_in_table(p->paint, p->line_table, index, x0 - reach, x1 + reach);
    for (uint32_t i = 0; i < PARTS && p->study->kind == GCH_STUDY_RANGE; i++)
        gch__paint_include_in_table(p->paint, p->part_table, index * PARTS + i, x0, x1);
    return GCH_OK;
}

/* Where the points' straight parts lie; bars[0] is the first point's. */
static gch_status add_places(places *p, const gch__mark_job *job, const gch__study_bar *bars,
                             gch_error *err)
{
    double from = 0, width = (double)job->series->width, reach = width * 0.5 + 0.5;
    p->study->places = (uint32_t)p->studies->words.count;
    for (uint32_t i = 0; i < p->study->point_count; i++) {
        double to = gch__bar_x(job->view, bars[i].t0, bars[i].t1), shares[2] = {0, 0};
        if (p->study->point_count == 1) { /* a dot */
            to = fmin(fmax(to, -1e6), 1e6);
            GCH_TRY(add_place(p, 0, to, to, shares, fmax(width, 2) * 0.5 + 0.5, err));
        }
        if (i > 0 && gch__study_stretch(job->view, from, to, shares)) {
            double way = to - from;
            GCH_TRY(add_place(p, i - 1, from + way * shares[0],
                              shares[1] < 1 ? from + way * shares[1] : to, shares, reach, err));
        }
        from = to;
    }
    return GCH_OK;
}

/* Room in the picture's data for the shapes of one edge, and the command that paints its line. */
static void add_line(places *p, uint32_t rgba, uint32_t *out_lines)
{
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_STROKE, rgba);
    size_t count = (size_t)p->study->place_count * LINE_WORDS;
    uint32_t *room = gch__paint_add_words(p->paint, count, out_lines);
    if (room == NULL)
        return;
    memset(room, 0, count * sizeof *room);
    command.a = p->line_table;
    command.b = *out_lines;
    gch__paint_add_plot_command(p->paint, command, 0, p->paint->plot->view.height_px);
}

static void add_band(places *p, uint32_t rgba)
{
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_BETWEEN, rgba);
    size_t count = (size_t)p->study->place_count * PART_WORDS;
    uint32_t *room = gch__paint_add_words(p->paint, count, &p->study->parts);
    if (room == NULL)
        return;
    memset(room, 0, count * sizeof *room);
    command.a = p->part_table;
    command.b = p->study->parts;
    gch__paint_add_plot_command(p->paint, command, 0, p->paint->plot->view.height_px);
}

static gch_status add_shapes(gch__gpu_studies *studies, gch__paint *paint, const gch__mark_job *job,
                             const gch__study_bar *bars, gch__gpu_study *study, gch_error *err)
{
    places p = {.studies = studies, .paint = paint, .study = study};
    bool is_range = study->kind == GCH_STUDY_RANGE;
    if (!gch__paint_add_table(paint, &p.line_table) ||
        (is_range && !gch__paint_add_table(paint, &p.part_table)))
        return gch__paint_tell(paint, err);
    GCH_TRY(add_places(&p, job, bars, err));
    if (is_range)
        add_band(&p, job->series->fill_color);
    add_line(&p, job->series->color, &study->lines);
    if (is_range)
        add_line(&p, job->series->color, &study->upper_lines);
    return gch__paint_tell(paint, err);
}

/* ---- studies ---- */

static gch_status add(gch__gpu_studies *studies, gch__paint *paint, const gch__mark_job *job,
                      const gch__study_bar *bars, uint32_t count, uint32_t from, bool *out_is_added,
                      gch_error *err)
{
    const gch__plot_study *its = &job->series->study;
    gch__gpu_study study = {.kind = its->kind,
                            .length = its->length,
                            .width = job->view->width_px,
                            .height = job->view->height_px,
                            .first_bar = from,
                            .values = studies->value_words};
    if (its->kind != GCH_STUDY_SPREAD)
        study.first_bar = GCH_MAX(from, its->length - 1);
    *out_is_added = true;
    if (study.first_bar >= count)
        return GCH_OK;
    study.point_count = count - study.first_bar;
    GCH_TRY(add_bars(studies, job->view, bars, count, &study, out_is_added, err));
    if (!*out_is_added)
        return GCH_OK;
    if (its->kind == GCH_STUDY_EMA)
        GCH_TRY(add_chunks(studies, bars, count, from, &study, err));
    GCH_TRY(add_shapes(studies, paint, job, bars + study.first_bar, &study, err));
    studies->value_words += study.point_count * VALUE_WORDS;
    studies->points_max = GCH_MAX(studies->points_max, study.point_count);
    studies->chunks_max = GCH_MAX(studies->chunks_max, study.chunk_count);
    studies->places_max = GCH_MAX(studies->places_max, study.place_count);
    studies->items[studies->count++] = study;
    return GCH_OK;
}

gch_status gch__gpu_studies_add(gch__gpu_studies *studies, gch__paint *paint,
                                const gch__mark_job *job, bool *out_is_added, gch_error *err)
{
    const gch_study_desc desc = gch__mark_study_desc(job);
    const gch__study_bar *bars;
    uint32_t count, from;
    *out_is_added = false;
    if (job->view->axis != GCH_AXIS_LINEAR || studies->count == GCH_COUNT_OF(studies->items))
        return GCH_OK;
    int64_t start_ns = gch__clock_ns();
    gch_error detail;
    gch_status status = gch__query_study_bars(
        job->query, job->series->column, &desc, job->view->t0, job->view->t1,
        GCH__STUDY_POINTS_PER_COLUMN * job->view->width_px, &bars, &count, &from, &detail);
    job->raster->query_ns += gch__clock_ns() - start_ns;
    if (status == GCH_LIMIT || status == GCH_PENDING)
        return GCH_OK;
    if (status != GCH_OK)
        return gch_fail(err, status, "%s", detail.message);
    size_t before = studies->words.count;
    status = add(studies, paint, job, bars, count, from, out_is_added, err);
    if (!*out_is_added)
        studies->words.count = before;
    return status;
}

/* ---- the device's part ---- */

static gch_status bind(gch__gpu_studies *studies, gch__gpu_buffer data, gch_error *err)
{
    gch__gpu_executor *executor = studies->executor;
    uint64_t bytes = (uint64_t)studies->value_words * sizeof(uint32_t);
    if (bytes > studies->values_bytes) {
        uint64_t cap = GCH_MAX(bytes, studies->values_bytes * 2);
        gch__gpu_buffer larger;
        GCH_TRY(gch__gpu_buffer_make(executor->gpu, cap, GCH__GPU_STORAGE, "study values", &larger,
                                     err));
        gch__gpu_buffer_release(executor->gpu, studies->values);
        studies->values = larger;
        studies->values_bytes = cap;
        executor->version++;
    }
    if (studies->bound_version == executor->version)
        return GCH_OK;
    gch__gpu_studies_drop(studies);
    const gch__gpu_buffer buffers[] = {studies->uniform, studies->words.buffer, studies->values,
                                       data};
    for (uint32_t i = 0; i < GCH__GPU_STUDY_KERNEL_COUNT; i++)
        GCH_TRY(gch__gpu_bindings_make(executor->gpu, studies->kernels[i], buffers,
                                       GCH_COUNT_OF(buffers), "studies", &studies->bindings[i],
                                       err));
    studies->bound_version = executor->version;
    return GCH_OK;
}

gch_status gch__gpu_studies_run(gch__gpu_studies *studies, gch__gpu_buffer data, gch_error *err)
{
    gch__gpu *gpu = studies->executor->gpu;
    if (studies->count == 0)
        return GCH_OK;
    GCH_TRY(gch__gpu_upload(gpu, studies->uniform, 0, studies->items,
                            studies->count * sizeof *studies->items, err));
    GCH_TRY(gch__gpu_stream_flush(studies->executor, &studies->words, err));
    GCH_TRY(bind(studies, data, err));
    const uint32_t groups[] = {[GCH__GPU_STUDY_COMBINE] = (studies->points_max + 63) / 64,
                               [GCH__GPU_STUDY_AVERAGES] = studies->chunks_max,
                               [GCH__GPU_STUDY_SHAPES] = (studies->places_max + 63) / 64};
    GCH_TRY(gch__gpu_compute_begin(gpu, "studies", err));
    for (uint32_t i = 0; i < GCH__GPU_STUDY_KERNEL_COUNT; i++)
        GCH_TRY(gch__gpu_dispatch(gpu, studies->kernels[i], studies->bindings[i], groups[i], 1,
                                  studies->count, err));
    return gch__gpu_pass_end(gpu, err);
}
