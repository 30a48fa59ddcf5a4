/* What does a study cost, and how much of it is finding its bars?
 *
 * Views of 240 bars of a minute in the middle of a file of ticks; the time of gch_query_study for
 * each kind, beside that of gch_query_bars of the same view, which also finds opens, highs and
 * lows.
 *
 *     bench_studies --folder build --points 10000000
 */
#include "bench_file.h"
#include "bench_view.h"

#include <stdio.h>
#include <string.h>

#define BARS 240
#define REPEATS 25

typedef struct ask {
    gch_query *query;
    gch_study_desc study;
    int64_t from, to;
    uint32_t count; /* of points, or bars */
} ask;

static void ask_bars(void *context)
{
    ask *a = context;
    const gch_bar *bars;
    gch_error err;
    bench_check(gch_query_bars(a->query, 0, a->study.width, NULL, a->from, a->to, 2 * BARS, &bars,
                               &a->count, &err),
                &err);
}

static void ask_study(void *context)
{
    ask *a = context;
    const gch_study_point *points;
    gch_error err;
    bench_check(
        gch_query_study(a->query, 0, &a->study, a->from, a->to, 2 * BARS, &points, &a->count, &err),
        &err);
}

static void add_study(cJSON *report, ask *a, const char *name, double bars_ns)
{
    bench_stats stats = bench_time(ask_study, a, REPEATS, 2000000);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "points", a->count);
    cJSON_AddItemToObject(json, "ns", bench_stats_json(&stats));
    cJSON_AddNumberToObject(json, "over_bars", stats.median / bars_ns);
    cJSON_AddItemToObject(report, name, json);
}

int main(int argument_count, char **arguments)
{
    static const struct {
        const char *name;
        gch_study_kind kind;
        uint32_t length;
    } studies[] = {{"sma_20", GCH_STUDY_SMA, 20},       {"sma_200", GCH_STUDY_SMA, 200},
                   {"ema_20", GCH_STUDY_EMA, 20},       {"ema_50", GCH_STUDY_EMA, 50},
                   {"ema_200", GCH_STUDY_EMA, 200},     {"range_20", GCH_STUDY_RANGE, 20},
                   {"range_200", GCH_STUDY_RANGE, 200}, {"spread", GCH_STUDY_SPREAD, 0}};
    bench_options options = bench_options_parse(argument_count, arguments);
    gch_error err = {0};
    gch_workers *workers = NULL;
    gch_data *data = NULL;
    gch_source source;
    const gch_file *file;
    char path[4096];
    bench_check(gch_workers_make(options.threads, NULL, &workers, &err), &err);
    bench_file_make(path, sizeof path, options.folder, "ticks", options.points, workers);
    bench_check(gch_data_make(NULL, &data, &err), &err);
    bench_check(gch_source_open_file(data, path, NULL, &source, &err), &err);
    bench_check(gch_source_get_file(data, source, &file, &err), &err);
    const gch_file_info *info = gch_file_get_info(file);

    ask a = {.study = {.width = {GCH_BAR_TICKS, 60 * gch_time_unit_per_second(info->time_unit)},
                       .with_column = 1}};
    a.from = info->first_time + (info->last_time - info->first_time) / 2;
    a.to = a.from + BARS * a.study.width.count;
    bench_check(gch_query_make(file, NULL, &a.query, &err), &err);
    cJSON *report = bench_report_make("what does a study cost?");
    cJSON_AddNumberToObject(report, "points", (double)info->row_count);
    bench_stats bars = bench_time(ask_bars, &a, REPEATS, 2000000);
    cJSON_AddNumberToObject(report, "bars", a.count);
    cJSON_AddItemToObject(report, "bars_ns", bench_stats_json(&bars));
    for (size_t i = 0; i < sizeof studies / sizeof *studies; i++) {
        a.study.kind = studies[i].kind;
        a.study.length = studies[i].length;
        add_study(report, &a, studies[i].name, bars.median);
    }
    gch_query_destroy(a.query);
    bench_check(gch_source_close(data, source, &err), &err);
    bench_check(gch_data_destroy(data, &err), &err);
    gch_workers_destroy(workers);
    return bench_report_print(report);
}
