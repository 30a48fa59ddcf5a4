/* A bare 1920 x 1080 chart over one file, for the benchmarks of frames, and the options these take.
 */
#ifndef GCH_BENCH_VIEW_H
#define GCH_BENCH_VIEW_H

#include "bench.h"
#include "gch/gch.h"

#define BENCH_WIDTH 1920u
#define BENCH_HEIGHT 1080u
#define BENCH_POINTS_MIN 2000.0 /* in the closest view */

/* --folder build --kind walk --points 1000000000 --threads 2 and, where a program has use for them,
 * --small 10000000 --budget 268435456 --rate 1000000 --seconds 60: these are the defaults. */
typedef struct bench_options {
    const char *folder, *kind;
    double points, small, budget, rate, seconds;
    uint32_t threads;
} bench_options;

/* Ends the program at an unknown option. */
bench_options bench_options_parse(int argument_count, char **arguments);

/* Ends the program unless `status` is GCH_OK. */
void bench_check(gch_status status, const gch_error *err);
double bench_now_ms(void); /* monotonic */
/* SplitMix64, as in the tests; and the same as a number in [0, 1). */
uint64_t bench_random(uint64_t *state);
double bench_random_part(uint64_t *state);

typedef struct bench_viewer {
    gch_data *data;
    gch_source source;
    gch_chart *chart;
    gch_chart_series series;
    gch_chart_desc desc; /* is_bare, with a time range; `series` is set by bench_viewer_draw */
} bench_viewer;

/* Under a budget of bytes; 0: the default. */
void bench_viewer_open(bench_viewer *viewer, const char *path, uint64_t budget, gch_io io,
                       gch_workers *workers);
void bench_viewer_close(bench_viewer *viewer);
/* The picture is the chart's until the next one. */
const gch_image *bench_viewer_draw(bench_viewer *viewer, gch_chart_stats *stats);

/* Views that pan, zoom, and every 7th time jump to anywhere. */
typedef struct bench_walk {
    uint64_t state;
    double centre, depth;
    int step;
} bench_walk;

void bench_walk_next(bench_walk *walk, const gch_file_info *info, gch_chart_desc *desc);

#endif
