/* gpucharts view: a chart in a window, of files that may grow and of live series. */
#include "cli_render.h"

#include "cli_output.h"
#include "cli_remote.h"
#include "cli_text.h"
#include "view.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIVE_MS 33u  /* between two looks at a live series */
#define FILE_MS 500u /* at files */
#define SNAPSHOT_MAX 9999u

/* Where the data of a file may grow. */
typedef struct watched {
    const char *path;
    const gch_file *file;
    struct stat seen;      /* of a file here */
    bool is_here;          /* a file that stat can look at */
    gch_remote_live *live; /* NULL: none */
    gch_file *live_file;
} watched;

typedef struct viewing {
    cli_render_job *job;
    watched sources[GCH_SERIES_CAP];
    const gch_file *retired[GCH_SERIES_CAP]; /* drawn for the last time */
    size_t retired_count;
    char name[NAME_MAX]; /* of pictures, without number and ending */
} viewing;

/* ---- sources ---- */

/* http(s)://host/v1/live/NAME (docs/protocol.md) */
static bool is_live_url(const char *path)
{
    const char *host = strstr(path, "://");
    const char *slash = host != NULL ? strchr(host + 3, '/') : NULL;
    return gch_url_is_url(path) && slash != NULL && strncmp(slash, "/v1/live/", 9) == 0;
}

static int open_live(watched *source)
{
    gch_error err;
    int code = cli_data_need(true);
    if (code != CLI_OK)
        return code;
    if (cli_remote_open_live(cli_data_get(), source->path, &source->live, &err) != GCH_OK ||
        gch_live_acquire_file(cli_data_get(), gch_remote_live_get_source(source->live),
                              &source->live_file, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    source->file = source->live_file;
    return CLI_OK;
}

static int open_sources(viewing *v)
{
    cli_render_job *job = v->job;
    int code = CLI_OK;
    cli_data_set_budget(job->options->memory_bytes);
    for (size_t i = 0; code == CLI_OK && i < job->file_count; i++) {
        watched *source = &v->sources[i];
        source->path = job->paths[i];
        if (is_live_url(source->path)) {
            code = open_live(source);
        } else {
            /* Before it is opened: what is written meanwhile is seen as a change later. */
            source->is_here =
                !gch_url_is_url(source->path) && stat(source->path, &source->seen) == 0;
            code = cli_file_open(source->path, &source->file);
        }
        job->files[i] = source->file;
    }
    return code;
}

static void close_retired(viewing *v)
{
    for (size_t i = 0; i < v->retired_count; i++)
        cli_file_close(v->retired[i]);
    v->retired_count = 0;
}

static void close_sources(viewing *v)
{
    close_retired(v);
    for (size_t i = 0; i < v->job->file_count; i++) {
        watched *source = &v->sources[i];
        if (source->live_file != NULL)
            gch_live_release_file(cli_data_get(), source->live_file);
        else
            cli_file_close(source->file);
        gch_remote_live_close(source->live);
    }
}

static bool has_changed(const struct stat *a, const struct stat *b)
{
    return a->st_size != b->st_size || a->st_ino != b->st_ino || a->st_dev != b->st_dev ||
           a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

/* A file that was written to is opened anew, and what is drawn of the old one changes over. */
static bool reopen(viewing *v, watched *source, gch_chart_series *series, uint32_t series_count)
{
    struct stat now;
    const gch_file *file = NULL;
    if (!source->is_here || stat(source->path, &now) != 0 || !has_changed(&now, &source->seen))
        return false;
    source->seen = now;
    if (cli_file_open(source->path, &file) != CLI_OK)
        return false;
    const gch_file_info *old = gch_file_get_info(source->file), *new = gch_file_get_info(file);
    if (new->column_count != old->column_count || new->time_unit != old->time_unit) {
        cli_fail("%s: is another series now; what it was is shown on", source->path);
        cli_file_close(file);
        return false;
    }
    for (uint32_t i = 0; i < series_count; i++) {
        if (series[i].file == source->file)
            series[i].file = file;
        if (series[i].study.with == source->file)
            series[i].study.with = file;
    }
    v->retired[v->retired_count++] = source->file;
    source->file = file;
    return true;
}

static bool refresh(void *context, gch_chart_series *series, uint32_t series_count)
{
    viewing *v = context;
    bool is_new = false;
    close_retired(v);
    for (size_t i = 0; i < v->job->file_count; i++) {
        watched *source = &v->sources[i];
        bool has_more = false;
        if (source->live == NULL)
            has_more = reopen(v, source, series, series_count);
        else if (gch_live_refresh_file(source->live_file, &has_more, NULL) != GCH_OK)
            has_more = false; /* no memory now; the next look may find some */
        is_new = is_new || has_more;
    }
    return is_new;
}

/* ---- pictures ---- */

/* NAME-1.png, or the first number that is free, in the current folder. */
static bool save(void *context, const gch_image *image, char *out_text, size_t text_cap)
{
    const viewing *v = context;
    char path[NAME_MAX + 16];
    uint32_t number = 1;
    do
        snprintf(path, sizeof path, "%s-%u.png", v->name, number);
    while (access(path, F_OK) == 0 && number++ < SNAPSHOT_MAX);
    snprintf(out_text, text_cap, "%s could not be written", path);
    cli_output output;
    if (cli_output_open(path, &output) != CLI_OK)
        return false;
    gch_error err;
    if (gch_image_write(image, GCH_IMAGE_PNG, output.stream, &err) != GCH_OK) {
        snprintf(out_text, text_cap, "%s: %s", path, err.message);
        (void)cli_output_abandon(&output);
        return false;
    }
    if (cli_output_commit(&output) != CLI_OK)
        return false;
    cli_clean_text(path, out_text, text_cap);
    return true;
}

/* The last part of a path or URL, without ".gch". */
static void name_of(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, cap, "%s", slash != NULL && slash[1] != '\0' ? slash + 1 : path);
    size_t length = strlen(out);
    if (length > 4 && strcmp(out + length - 4, ".gch") == 0)
        out[length - 4] = '\0';
}

/* ---- the command ---- */

static bool find_source(void *context, const gch_file *file, gch_source *out)
{
    (void)context;
    return cli_file_find_source(file, out);
}

/* One panel with a left axis and nothing said of it: the chart describes it by itself. */
static bool is_plain(const cli_render_job *job)
{
    bool is_plain = job->panel_count <= 1 && job->panels[0].title == NULL;
    for (uint32_t i = 0; i < job->series_count; i++)
        is_plain = is_plain && job->series[i].axis == GCH_AXIS_LEFT;
    return is_plain;
}

static int view(viewing *v)
{
    cli_render_job *job = v->job;
    gch_workers *workers = NULL;
    char title[CLI_LABEL_CAP];
    bool has_live = false;
    int code = open_sources(v);
    if (code == CLI_OK)
        code = cli_render_choose(job);
    if (code == CLI_OK)
        code = cli_render_need_times(job);
    if (code == CLI_OK)
        code = cli_render_frame_view(job);
    if (code == CLI_OK)
        code = cli_workers_make(job->options->threads, &workers);
    if (code != CLI_OK)
        goto cleanup;
    if (is_plain(job))
        cli_render_flatten(job);
    job->desc.workers = workers;
    job->desc.data = cli_data_get();
    for (uint32_t i = 0; i < job->series_count; i++)
        job->series[i].answers = cli_remote_answers(job->series[i].file);
    for (size_t i = 0; i < job->file_count; i++)
        has_live = has_live || v->sources[i].live != NULL;

    name_of(job->paths[0], v->name, sizeof v->name - 16);
    bool has_more = job->file_count > 1;
    snprintf(title, sizeof title, "%s%s - GPU Charts", v->name, has_more ? " and more" : "");
    gch_error err;
    view_desc desc = {.chart = &job->desc,
                      .zone = job->zone,
                      .title = title,
                      .context = v,
                      .refresh = refresh,
                      .refresh_ms = has_live ? LIVE_MS : FILE_MS,
                      .save = save,
                      .find_source = find_source};
    if (view_run(&desc, &err) != GCH_OK)
        code = cli_fail("%s", err.message);

cleanup:
    gch_workers_destroy(workers);
    gch_time_zone_close(job->zone);
    close_sources(v);
    return code;
}

int cli_view(int argc, char **argv)
{
    static const cli_choice backends[] = {
        {"auto", GCH_BACKEND_AUTO}, {"gpu", GCH_BACKEND_GPU}, {"cpu", GCH_BACKEND_CPU}, {NULL, 0}};
    static const char *const left_out[] = {"output",  "bare",     "backend",     "format",
                                           "stats",   "bins",     "xmin",        "xmax",
                                           "size-by", "color-by", "category-by", NULL};
    static int backend = GCH_BACKEND_AUTO;
    static cli_render_options o;
    static const cli_option own[] = {
        {"backend", 0, "NAME", "gpu, cpu, or auto (default: gpu if there is one in hardware)",
         cli_read_choice, &backend, backends},
    };
    static const cli_render_command command = {
        .name = "view",
        .usage = "FILE... [options]",
        .description = "Shows a chart of .gch files, or of live series (http://HOST/v1/live/NAME), "
                       "in a window. The mouse pans and zooms, ? lists the keys, S saves what is "
                       "shown as FILE-1.png in the current folder. What files gain while they are "
                       "shown is shown too.",
        .examples =
            "  gpucharts view ticks.gch\n"
            "  gpucharts view ticks.gch --column price --type candles --theme dark\n"
            "  gpucharts view ticks.gch --column price --column volume --panel 1 --panel 2\n"
            "  gpucharts view https://data.example/v1/live/btc",
        .left_out = left_out,
        .own = own,
        .own_count = CLI_COUNT_OF(own),
    };
    static cli_render_job job = {.options = &o};
    static viewing v = {.job = &job};
    int code;
    if (!cli_render_read(&command, argc, argv, &job, &code))
        return code;
    o.backend = backend;
    code = cli_render_prepare(&job);
    return code == CLI_OK ? view(&v) : code;
}
