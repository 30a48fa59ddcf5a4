/* gpucharts bench frames: how long frames of the user's own data take on this machine. */
#include "cli_render.h"

#include "cli_json.h"
#include "cli_progress.h"
#include "cli_text.h"
#include "view_script.h"
#include "view_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#define FRAMES_DEFAULT 600u
#define FRAMES_MAX 1000000u

/* Milliseconds of every frame, and sums over them. */
typedef struct measured {
    double *total, *layout, *query, *raster;
    size_t count;
    double first_ms; /* the frame that everything is new for */
    gch_chart_stats last;
    uint64_t blocks, nodes, bytes, rows_max;
} measured;

typedef struct bench_options {
    uint64_t frames;
    int script;
    bool is_json;
} bench_options;

static const cli_choice scripts[] = {
    {"mixed", VIEW_SCRIPT_MIXED}, {"pan", VIEW_SCRIPT_PAN}, {"zoom", VIEW_SCRIPT_ZOOM}, {NULL, 0}};

static const char *script_name(int script)
{
    const cli_choice *choice = scripts;
    while (choice->value != script)
        choice++;
    return choice->name;
}

/* ---- the frames ---- */

static uint64_t row_count(const cli_render_job *job)
{
    uint64_t most = 0;
    for (size_t i = 0; i < job->file_count; i++) {
        uint64_t rows = gch_file_get_info(job->files[i])->row_count;
        most = most > rows ? most : rows;
    }
    return most;
}

/* Frames wait for what they need, as those of pictures do: each is whole. */
static int draw_frames(const cli_render_job *job, int script_kind, measured *m)
{
    gch_error err;
    gch_chart *chart = NULL;
    gch_chart_desc desc = job->desc;
    const gch_image *image;
    view_state state;
    view_script script;
    view_range range = {desc.from, desc.to};
    if (gch_chart_make(NULL, &chart, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    gch_status status = gch_chart_frame(chart, &desc, &image, &m->last, &err);
    m->first_ms = m->last.total_ms;
    if (!desc.has_time_range)
        range = (view_range){m->last.view.t0, m->last.view.t1};
    view_state_init(&state, range);
    state.axis = desc.axis;
    state.theme = desc.theme;
    view_script_init(&script, (view_script_kind)script_kind, row_count(job));
    for (size_t i = 0; status == GCH_OK && i < m->count; i++) {
        view_state_take_frame(&state, &m->last.view);
        view_script_next(&script, &state);
        view_state_describe(&state, &desc);
        status = gch_chart_frame(chart, &desc, &image, &m->last, &err);
        m->total[i] = m->last.total_ms;
        m->layout[i] = m->last.layout_ms;
        m->query[i] = m->last.query_ms;
        m->raster[i] = m->last.raster_ms;
        m->blocks += m->last.blocks_decoded;
        m->nodes += m->last.nodes_read;
        m->bytes += m->last.bytes_read;
        m->rows_max = m->rows_max > m->last.rows_visible ? m->rows_max : m->last.rows_visible;
    }
    gch_chart_destroy(chart);
    return status == GCH_OK ? CLI_OK : cli_fail("%s", err.message);
}

/* ---- the report ---- */

/* "model name" of /proc/cpuinfo (proc(5)); "unknown" where there is none. */
static const char *processor_name(char *text, size_t cap)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(text, cap, "unknown");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        snprintf(text, cap, "%s", colon + 1 + strspn(colon + 1, " "));
        text[strcspn(text, "\n")] = '\0';
        break;
    }
    if (file != NULL)
        fclose(file);
    return text;
}

static const char *backend_name(gch_backend backend)
{
    return backend == GCH_BACKEND_GPU ? "gpu" : "cpu";
}

static cJSON *machine_json(void)
{
    char name[128];
    struct sysinfo info;
    cJSON *object = cJSON_CreateObject();
    cli_json_add_text(object, "cpu", processor_name(name, sizeof name));
    cli_json_add_count(object, "processors", (uint64_t)get_nprocs());
    if (sysinfo(&info) == 0)
        cli_json_add_count(object, "memory_bytes", (uint64_t)info.totalram * info.mem_unit);
    return object;
}

/* Puts the samples in order. */
static cJSON *samples_json(double *samples, size_t count)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_real(object, "p50", view_percentile(samples, count, 0.5));
    cli_json_add_real(object, "p99", view_percentile(samples, count, 0.99));
    cli_json_add_real(object, "max", view_percentile(samples, count, 1));
    return object;
}

static int print_json(const cli_render_job *job, const bench_options *options, measured *m)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToObject(object, "machine", machine_json());
    cli_json_add_text(object, "version", GCH_VERSION_TEXT);
    cli_json_add_text(object, "backend", backend_name(m->last.backend));
    cli_json_add_text(object, "adapter", m->last.adapter);
    cli_json_add_text(object, "fallback", m->last.fallback);
    cli_json_add_count(object, "threads", gch_workers_count(job->desc.workers));
    cli_json_add_text(object, "script", script_name(options->script));
    cli_json_add_count(object, "frames", m->count);
    cli_json_add_count(object, "rows", row_count(job));
    cli_json_add_count(object, "series", job->series_count);
    cli_json_add_count(object, "columns", m->last.view.width_px);
    cli_json_add_count(object, "rows_visible_max", m->rows_max);
    cli_json_add_real(object, "first_frame_ms", m->first_ms);
    cJSON_AddItemToObject(object, "frame_ms", samples_json(m->total, m->count));
    cJSON_AddItemToObject(object, "layout_ms", samples_json(m->layout, m->count));
    cJSON_AddItemToObject(object, "query_ms", samples_json(m->query, m->count));
    cJSON_AddItemToObject(object, "raster_ms", samples_json(m->raster, m->count));
    double frames = (double)m->count;
    cli_json_add_real(object, "blocks_decoded_per_frame", (double)m->blocks / frames);
    cli_json_add_real(object, "nodes_read_per_frame", (double)m->nodes / frames);
    cli_json_add_real(object, "bytes_read_per_frame", (double)m->bytes / frames);
    gch_data_stats data;
    char text[8192];
    cli_data_get_stats(&data);
    (void)gch_data_stats_json(&data, text, sizeof text);
    cJSON_AddItemToObject(object, "data", cJSON_Parse(text));
    return cli_json_print(object, stdout);
}

static void print_line(const char *name, double *samples, size_t count)
{
    printf("%-8s %8.2f %8.2f %8.2f\n", name, view_percentile(samples, count, 0.5),
           view_percentile(samples, count, 0.99), view_percentile(samples, count, 1));
}

static int print_text(const cli_render_job *job, const bench_options *options, measured *m)
{
    char rows[CLI_NUMBER_CAP], most[CLI_NUMBER_CAP], processor[128];
    bool is_gpu = m->last.backend == GCH_BACKEND_GPU;
    printf("%s rows, %u series, %u columns of pixels; %zu frames, %s\n",
           cli_format_count(row_count(job), rows), job->series_count, m->last.view.width_px,
           m->count, script_name(options->script));
    printf("%s: %s, %u threads of %s\n", is_gpu ? "gpu" : "cpu",
           is_gpu ? m->last.adapter : "the processor draws", gch_workers_count(job->desc.workers),
           processor_name(processor, sizeof processor));
    printf("\n%-8s %8s %8s %8s\n", "ms", "p50", "p99", "max");
    print_line("frame", m->total, m->count);
    print_line("layout", m->layout, m->count);
    print_line("query", m->query, m->count);
    print_line("raster", m->raster, m->count);
    printf("\nthe first frame took %.2f ms; up to %s points in view\n", m->first_ms,
           cli_format_count(m->rows_max, most));
    double median = view_percentile(m->total, m->count, 0.5);
    printf("a frame reads %.0f tree nodes and decodes %.0f blocks; %.0f frames a second\n",
           (double)m->nodes / (double)m->count, (double)m->blocks / (double)m->count,
           median > 0 ? 1000 / median : 0);
    return CLI_OK;
}

static int bench(cli_render_job *job, const bench_options *options)
{
    gch_workers *workers = NULL;
    measured m = {.count = (size_t)options->frames};
    double **const arrays[] = {&m.total, &m.layout, &m.query, &m.raster};
    int code = CLI_OK;
    for (size_t i = 0; i < CLI_COUNT_OF(arrays); i++) {
        *arrays[i] = calloc(m.count, sizeof **arrays[i]);
        code = *arrays[i] != NULL ? code : cli_fail("no memory for %zu frames", m.count);
    }
    if (code == CLI_OK)
        code = cli_render_open(job);
    if (code == CLI_OK)
        code = cli_render_choose(job);
    if (code == CLI_OK)
        code = cli_render_need_times(job);
    if (code == CLI_OK)
        code = cli_render_frame_view(job);
    if (code == CLI_OK)
        code = cli_workers_make(job->options->threads, &workers);
    cli_render_flatten(job);
    job->desc.workers = workers;
    job->desc.data = cli_data_get();
    if (code == CLI_OK)
        code = draw_frames(job, options->script, &m);
    if (code == CLI_OK && m.last.fallback[0] != '\0')
        fprintf(stderr, "drawn on the processor: %s\n", m.last.fallback);
    if (code == CLI_OK)
        code = options->is_json ? print_json(job, options, &m) : print_text(job, options, &m);
    cli_render_close(job);
    gch_workers_destroy(workers);
    for (size_t i = 0; i < CLI_COUNT_OF(arrays); i++)
        free(*arrays[i]);
    return code;
}

static int bench_frames(int argc, char **argv)
{
    static const cli_choice backends[] = {
        {"auto", GCH_BACKEND_AUTO}, {"gpu", GCH_BACKEND_GPU}, {"cpu", GCH_BACKEND_CPU}, {NULL, 0}};
    static const char *const left_out[] = {
        "output",      "backend",      "format",   "stats",       "panel",
        "panel-title", "panel-height", "axis",     "bins",        "xmin",
        "xmax",        "size-by",      "color-by", "category-by", NULL};
    static int backend = GCH_BACKEND_AUTO;
    static cli_render_options o;
    static bench_options options = {.frames = FRAMES_DEFAULT, .script = VIEW_SCRIPT_MIXED};
    static const cli_option own[] = {
        {"backend", 0, "NAME", "gpu, cpu, or auto (default: gpu if there is one in hardware)",
         cli_read_choice, &backend, backends},
        {"frames", 0, "N", "how many frames (default: 600)", cli_read_count, &options.frames, NULL},
        {"script", 0, "NAME", "pan, zoom, or mixed (default)", cli_read_choice, &options.script,
         scripts},
        {"json", 0, NULL, "print JSON, with everything that was measured", cli_read_flag,
         &options.is_json, NULL},
    };
    static const cli_render_command command = {
        .name = "bench frames",
        .usage = "FILE... [options]",
        .description = "Draws frames of a chart of .gch files as somebody at a window would see "
                       "them, panning and zooming by a script that is the same every time, and "
                       "tells how long they took.",
        .examples = "  gpucharts bench frames ticks.gch\n"
                    "  gpucharts bench frames ticks.gch --backend cpu --script zoom --size "
                    "1920x1080 --json",
        .left_out = left_out,
        .own = own,
        .own_count = CLI_COUNT_OF(own),
    };
    static cli_render_job job = {.options = &o};
    int code;
    if (!cli_render_read(&command, argc, argv, &job, &code))
        return code;
    if (options.frames < 1 || options.frames > FRAMES_MAX)
        return cli_usage(command.name, "--frames goes from 1 to %u", FRAMES_MAX);
    o.backend = backend;
    code = cli_render_prepare(&job);
    return code == CLI_OK ? bench(&job, &options) : code;
}

int cli_bench(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "frames") == 0)
        return bench_frames(argc - 1, argv + 1);
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return bench_frames(argc, argv);
    if (argc >= 2)
        return cli_usage("bench", "no benchmark '%.60s'; there is 'frames'", argv[1]);
    return cli_usage("bench", "no benchmark given; there is 'frames'");
}
