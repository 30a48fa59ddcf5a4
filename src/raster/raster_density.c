/* Density heat maps: counts of the query room into palette colours, or into bare pixels.
 *
 * Invariant: levels depend on all pixels of the plot, so they are settled by one pass over the
 * counts before the first pixel is drawn by another.
 */
#include "raster_state.h"
#include "raster_tone.h"
#include "scene_palette.h"

#include <string.h>

#define BAND_PX 32u
#define KNOWN_COUNTS 1024u /* whose colours are kept in a table */
#define BARE_COUNT_MAX 0xFFFFFFu

static gch_status ask(gch__raster *raster, gch_query *query, uint32_t column, const gch_view *view,
                      gch_density *out, gch_error *err)
{
    int64_t start = gch__clock_ns();
    gch_status status = gch_query_density(query, column, view, out, err);
    raster->query_ns += gch__clock_ns() - start;
    return status;
}

/* ---- the default look ---- */

typedef struct density_context {
    const gch__mark_job *job;
    const gch_density *density;
    const uint32_t *colors; /* pixels of the levels */
    const uint32_t *known;  /* pixels of the counts below KNOWN_COUNTS */
} density_context;

/* Counts of `below` are not summed up yet. */
static void scan_band(void *context, size_t task, uint32_t worker)
{
    const density_context *c = context;
    const gch_density *density = c->density;
    gch__tone *tone = &c->job->raster->tones[worker];
    size_t height = density->height_px, first = task * BAND_PX * height;
    size_t end = GCH_MIN((task + 1) * BAND_PX, density->width_px) * height;
    for (size_t i = first; i < end; i++) {
        uint32_t n = density->counts[i];
        if (n == 0)
            continue;
        tone->max = GCH_MAX(tone->max, n);
        tone->below[gch__tone_bin(n)]++;
    }
}

static void draw_band(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    const density_context *c = context;
    const gch_density *density = c->density;
    const gch__tone *tone = c->job->raster->tones;
    gch_density_scale scale = c->job->series->density_scale;
    gch__target plot = c->job->plot;
    size_t height = density->height_px;
    uint32_t first = (uint32_t)task * BAND_PX, end = GCH_MIN(first + BAND_PX, density->width_px);
    for (uint32_t y = 0; y < height; y++) {
        uint32_t *pixels = plot.pixels + y * plot.stride_px;
        for (uint32_t x = first; x < end; x++) {
            uint32_t n = density->counts[x * height + y];
            if (n != 0)
                pixels[x] =
                    n < KNOWN_COUNTS ? c->known[n] : c->colors[gch__tone_level(tone, scale, n)];
        }
    }
}

gch_status gch__mark_draw_density(const gch__mark_job *job, gch_error *err)
{
    gch_density density;
    GCH_TRY(ask(job->raster, job->query, job->series->column, job->view, &density, err));
    return gch__mark_draw_counts(job, &density, err);
}

gch_status gch__mark_draw_counts(const gch__mark_job *job, const gch_density *density,
                                 gch_error *err)
{
    gch__raster *raster = job->raster;
    const gch__plot_series *series = job->series;
    uint32_t workers = gch_workers_count(job->workers);
    uint32_t colors[256], known[KNOWN_COUNTS];
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->tones, &raster->tone_cap, workers,
                        sizeof *raster->tones, "tones", err));
    memset(raster->tones, 0, workers * sizeof *raster->tones);
    density_context context = {job, density, colors, known};
    size_t bands = (density->width_px + (size_t)BAND_PX - 1) / BAND_PX;
    gch__parallel_for(job->workers, bands, scan_band, &context);
    gch__tone *tone = raster->tones;
    for (uint32_t w = 1; w < workers; w++) {
        tone->max = GCH_MAX(tone->max, raster->tones[w].max);
        for (uint32_t i = 0; i < GCH__TONE_BINS; i++)
            tone->below[i] += raster->tones[w].below[i];
    }
    for (uint32_t i = 0, sum = 0, next; i < GCH__TONE_BINS; i++, sum = next) {
        next = sum + tone->below[i];
        tone->below[i] = sum;
    }
    for (uint32_t i = 0; i < 256; i++)
        colors[i] = gch__pixel_from_rgba(
            gch__palette_color(series->palette, series->is_palette_reversed, i));
    for (uint32_t n = 1; n < KNOWN_COUNTS && n <= tone->max; n++)
        known[n] = colors[gch__tone_level(tone, series->density_scale, n)];
    gch__parallel_for(job->workers, bands, draw_band, &context);
    return GCH_OK;
}

/* ---- bare pictures ---- */

gch_status gch__bare_add_density(gch__raster *raster, gch__target target,
                                 const gch__plot_series *series, const gch_view *view,
                                 gch_query *query, gch_error *err)
{
    gch_density density;
    GCH_TRY(ask(raster, query, series->column, view, &density, err));
    for (uint32_t y = 0; y < density.height_px; y++) {
        uint32_t *pixels = target.pixels + y * target.stride_px;
        for (uint32_t x = 0; x < density.width_px; x++) {
            uint32_t n = density.counts[(size_t)x * density.height_px + y];
            uint32_t room = BARE_COUNT_MAX - (pixels[x] & BARE_COUNT_MAX);
            pixels[x] += GCH_MIN(n, room);
        }
    }
    return GCH_OK;
}
