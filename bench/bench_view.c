/* Charts for benchmarks: see bench_view.h. */
#include "bench_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_check(gch_status status, const gch_error *err)
{
    if (status != GCH_OK)
        bench_fail("%s", err->message);
}

double bench_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

uint64_t bench_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double bench_random_part(uint64_t *state)
{
    return (double)(bench_random(state) >> 11) * 0x1p-53;
}

bench_options bench_options_parse(int argument_count, char **arguments)
{
    bench_options options = {.folder = "build",
                             .kind = "walk",
                             .points = 1e9,
                             .small = 1e7,
                             .budget = 256 << 20,
                             .rate = 1e6,
                             .seconds = 60,
                             .threads = 2};
    double threads = 2;
    const struct {
        const char *name;
        double *number;
        const char **text;
    } known[] = {
        {"--folder", NULL, &options.folder},   {"--kind", NULL, &options.kind},
        {"--points", &options.points, NULL},   {"--small", &options.small, NULL},
        {"--budget", &options.budget, NULL},   {"--rate", &options.rate, NULL},
        {"--seconds", &options.seconds, NULL}, {"--threads", &threads, NULL},
    };
    for (int i = 1; i < argument_count; i += 2) {
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(arguments[i], known[k].name) != 0)
            k++;
        if (k == sizeof known / sizeof known[0] || i + 1 == argument_count)
            bench_fail("unknown option %s, or one without a value", arguments[i]);
        if (known[k].text != NULL)
            *known[k].text = arguments[i + 1];
        else
            *known[k].number = strtod(arguments[i + 1], NULL);
    }
    options.threads = (uint32_t)threads;
    return options;
}

void bench_viewer_open(bench_viewer *viewer, const char *path, uint64_t budget, gch_io io,
                       gch_workers *workers)
{
    gch_error err = {0};
    *viewer = (bench_viewer){0};
    bench_check(gch_data_make(&(gch_data_desc){.host_budget_bytes = budget}, &viewer->data, &err),
                &err);
    bench_check(gch_source_open_file(viewer->data, path, &(gch_source_desc){.io = io},
                                     &viewer->source, &err),
                &err);
    bench_check(gch_source_get_file(viewer->data, viewer->source, &viewer->series.file, &err),
                &err);
    bench_check(gch_chart_make(NULL, &viewer->chart, &err), &err);
    viewer->desc = (gch_chart_desc){.series_count = 1,
                                    .width_px = BENCH_WIDTH,
                                    .height_px = BENCH_HEIGHT,
                                    .is_bare = true,
                                    .has_time_range = true,
                                    .workers = workers};
}

void bench_viewer_close(bench_viewer *viewer)
{
    gch_error err = {0};
    gch_chart_destroy(viewer->chart);
    bench_check(gch_source_close(viewer->data, viewer->source, &err), &err);
    bench_check(gch_data_destroy(viewer->data, &err), &err);
}

const gch_image *bench_viewer_draw(bench_viewer *viewer, gch_chart_stats *stats)
{
    gch_error err = {0};
    const gch_image *image;
    viewer->desc.series = &viewer->series;
    bench_check(gch_chart_frame(viewer->chart, &viewer->desc, &image, stats, &err), &err);
    return image;
}

void bench_walk_next(bench_walk *walk, const gch_file_info *info, gch_chart_desc *desc)
{
    double whole = (double)(info->last_time - info->first_time) + 1;
    double least = whole * BENCH_POINTS_MIN / (double)info->row_count;
    double random = bench_random_part(&walk->state);
    bool is_jump = walk->step % 7 == 0, is_zoom = !is_jump && walk->step % 3 == 0;
    walk->step++;
    if (is_jump) {
        walk->centre = random;
        walk->depth = bench_random_part(&walk->state);
    } else if (is_zoom) {
        walk->depth = fmin(1, fmax(0, walk->depth + (random - 0.5) * 0.2));
    }
    double span = whole * pow(least / whole, walk->depth);
    if (!is_jump && !is_zoom)
        walk->centre = fmin(1, fmax(0, walk->centre + (random - 0.5) * 0.5 * span / whole));
    desc->from = info->first_time + (int64_t)(walk->centre * whole - span / 2);
    desc->to = desc->from + (int64_t)span + 1;
}
