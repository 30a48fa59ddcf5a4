/* What a command draws: the picture's shape, the series and the view (cli_render.h). */
#include "cli_render.h"

#include "cli_text.h"

#include <stdio.h>
#include <string.h>

#define LINE_WIDTH_MAX 1000.0

/* "1920x1080" */
static bool parse_size(const char *text, uint32_t *width, uint32_t *height)
{
    const char *cross = strpbrk(text, "xX");
    char first[16];
    if (cross == NULL || (size_t)(cross - text) >= sizeof first)
        return false;
    memcpy(first, text, (size_t)(cross - text));
    first[cross - text] = '\0';
    uint64_t w, h;
    if (!cli_parse_count(first, &w) || !cli_parse_count(cross + 1, &h) || w < 1 || h < 1 ||
        w > GCH_IMAGE_PX_MAX || h > GCH_IMAGE_PX_MAX)
        return false;
    *width = (uint32_t)w;
    *height = (uint32_t)h;
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcasecmp(text + length - end_length, end) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* With several files the legend says which one: "a: price (EUR)". */
static void write_label(const cli_render_job *job, size_t file, uint32_t column, char *label)
{
    const gch_column_info *info = &gch_file_get_info(job->files[file])->columns[column];
    const char *name = base_name(job->paths[file]);
    size_t length = strlen(name);
    if (ends_with(name, ".gch"))
        length -= 4;
    bool has_unit = info->unit[0] != '\0';
    snprintf(label, CLI_LABEL_CAP, "%.*s: %s%s%s%s", (int)length, name, info->name,
             has_unit ? " (" : "", info->unit, has_unit ? ")" : "");
}

static int add_series(cli_render_job *job, size_t file, uint32_t column)
{
    if (job->series_count == GCH_SERIES_CAP)
        return cli_fail("a chart holds %u series; choose with --column", GCH_SERIES_CAP);
    uint32_t i = job->series_count++;
    job->series[i] =
        (gch_chart_series){.file = job->files[file],
                           .column = column,
                           .density_scale = (gch_density_scale)job->options->density_scale,
                           .palette = (gch_palette)job->options->palette};
    if (job->file_count > 1) {
        write_label(job, file, column, job->labels[i]);
        job->series[i].label = job->labels[i];
    }
    return CLI_OK;
}

/* The part after "FILE:" if the text begins with the file's path or its last part, else NULL. */
static const char *after_file(const char *text, const char *path)
{
    const char *names[] = {path, base_name(path)};
    for (size_t i = 0; i < CLI_COUNT_OF(names); i++) {
        size_t length = strlen(names[i]);
        if (strncmp(text, names[i], length) == 0 && text[length] == ':')
            return text + length + 1;
    }
    return NULL;
}

/* A column by its plain name in the first file that has it, before any reading as FILE:COL, since
 * names may hold colons; numbers come last, since names may be numbers. */
static int find_column(const cli_render_job *job, const char *text, size_t *file, uint32_t *column)
{
    for (*file = 0; *file < job->file_count; ++*file) {
        *column = gch_file_find_column(job->files[*file], text);
        if (*column != GCH_COLUMN_NOT_FOUND)
            return CLI_OK;
    }
    for (*file = 0; *file < job->file_count; ++*file) {
        const char *name = after_file(text, job->paths[*file]);
        if (name == NULL)
            continue;
        *column = cli_column_find(job->files[*file], name);
        return *column == GCH_COLUMN_NOT_FOUND ? cli_column_missing(job->files[*file], name)
                                               : CLI_OK;
    }
    if (job->file_count > 1)
        return cli_fail("no column '%.60s' in any of the files; FILE:COL names one", text);
    *file = 0;
    *column = cli_column_find(job->files[0], text);
    return *column == GCH_COLUMN_NOT_FOUND ? cli_column_missing(job->files[0], text) : CLI_OK;
}

/* One --column: a plain name stands for the columns of that name in all files. */
static int add_column(cli_render_job *job, const char *text)
{
    size_t first;
    uint32_t column;
    int code = find_column(job, text, &first, &column);
    if (code == CLI_OK)
        code = add_series(job, first, column);
    bool is_plain =
        code == CLI_OK && gch_file_find_column(job->files[first], text) != GCH_COLUMN_NOT_FOUND;
    for (size_t i = first + 1; is_plain && code == CLI_OK && i < job->file_count; i++) {
        column = gch_file_find_column(job->files[i], text);
        if (column != GCH_COLUMN_NOT_FOUND)
            code = add_series(job, i, column);
    }
    return code;
}

/* ---- studies ---- */

static int refuse_study(const char *command, const char *text)
{
    return cli_usage(
        command,
        "--study: '%.60s' is not sma:N, ema:N or range:N, N from 1 to %u, each perhaps "
        "with :COL, nor spread:COL",
        text, GCH_STUDY_LENGTH_MAX);
}

/* *column: what follows, or NULL. */
static int parse_study(const char *command, const char *text, gch_series_study *out,
                       const char **column)
{
    char kind[16], length[16];
    const char *rest = strchr(text, ':');
    *out = (gch_series_study){.kind = GCH_STUDY_NONE};
    if (rest == NULL || (size_t)(rest - text) >= sizeof kind)
        return refuse_study(command, text);
    snprintf(kind, sizeof kind, "%.*s", (int)(rest - text), text);
    rest++;
    if (!gch_study_parse(kind, &out->kind))
        return refuse_study(command, text);
    *column = rest;
    if (out->kind == GCH_STUDY_SPREAD)
        return rest[0] != '\0' ? CLI_OK : refuse_study(command, text);
    const char *colon = strchr(rest, ':');
    size_t bytes = colon != NULL ? (size_t)(colon - rest) : strlen(rest);
    uint64_t count = 0;
    if (bytes >= sizeof length)
        return refuse_study(command, text);
    snprintf(length, sizeof length, "%.*s", (int)bytes, rest);
    if (!cli_parse_count(length, &count) || count < 1 || count > GCH_STUDY_LENGTH_MAX)
        return refuse_study(command, text);
    out->length = (uint32_t)count;
    *column = colon != NULL ? colon + 1 : NULL;
    return CLI_OK;
}

/* "SMA 20 of a: price (EUR)", "a: price - b: price", from the label of what is studied. */
static void label_study(const cli_render_job *job, const gch_series_study *study, char *label)
{
    static const char *const kinds[] = {
        [GCH_STUDY_SMA] = "SMA", [GCH_STUDY_EMA] = "EMA", [GCH_STUDY_RANGE] = "Range"};
    char of[CLI_LABEL_CAP], other[CLI_LABEL_CAP];
    memcpy(of, label, sizeof of);
    if (study->kind != GCH_STUDY_SPREAD) {
        snprintf(label, CLI_LABEL_CAP, "%s %u of %.700s", kinds[study->kind], study->length, of);
        return;
    }
    size_t file = 0;
    while (job->files[file] != study->with)
        file++;
    write_label(job, file, study->with_column, other);
    snprintf(label, CLI_LABEL_CAP, "%.390s \u2212 %.390s", of, other);
}

/* One --study; the first series is there. */
static int add_study(cli_render_job *job, const char *text)
{
    gch_series_study study;
    const char *name = NULL;
    size_t file = 0;
    uint32_t column = job->series[0].column;
    int code = parse_study(job->command->name, text, &study, &name);
    while (file < job->file_count && job->files[file] != job->series[0].file)
        file++;
    if (code == CLI_OK && study.kind == GCH_STUDY_SPREAD) {
        size_t with = 0;
        code = find_column(job, name, &with, &study.with_column);
        study.with = code == CLI_OK ? job->files[with] : NULL;
    } else if (code == CLI_OK && name != NULL) {
        code = find_column(job, name, &file, &column);
    }
    if (code == CLI_OK)
        code = add_series(job, file, column);
    if (code != CLI_OK)
        return code;
    gch_chart_series *series = &job->series[job->series_count - 1];
    series->study = study;
    if (series->label != NULL) /* there are several files */
        label_study(job, &study, job->labels[job->series_count - 1]);
    return CLI_OK;
}

/* "#rgb", "#rrggbb", "#rrggbbaa", with or without the '#'. */
static bool parse_color(const char *text, uint32_t *rgba)
{
    if (text[0] == '#')
        text++;
    size_t length = strlen(text);
    uint32_t value = 0;
    for (size_t i = 0; i < length && i < 9; i++) {
        char c = text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        else
            return false;
        value = value << 4 | digit;
        if (length == 3)
            value = value << 4 | digit;
    }
    if (length == 3 || length == 6)
        value = value << 8 | 0xFF;
    else if (length != 8)
        return false;
    *rgba = value;
    return value != 0; /* all zero means "the theme's colour", and would show nothing */
}

static int parse_type(const char *command, const char *text, gch_mark *out)
{
    static const char *const names[] = {"line", "step", "area",   "candles", "ohlc",   "scatter",
                                        "bars", "band", "volume", "density", "points", "histogram"};
    if (gch_mark_parse(text, out))
        return CLI_OK;
    cli_guess guess = {.word = text};
    for (size_t i = 0; i < CLI_COUNT_OF(names); i++)
        cli_guess_offer(&guess, names[i]);
    if (guess.best != NULL)
        return cli_usage(command, "--type: no '%.60s'; did you mean '%s'?", text, guess.best);
    return cli_usage(
        command,
        "--type: '%.60s' is not one of line, step, area, candles, ohlc, scatter, bars, "
        "band, volume, density, points, histogram",
        text);
}

#define LINE_PX 1.5 /* of a series without a width of its own */
#define DASH_PX_MAX 1000.0

/* A named pattern, in proportion to the stroke, or "4,2". */
static bool parse_dash(const char *text, double width_px, gch_chart_series *series)
{
    static const struct {
        const char *name, *lengths; /* for a stroke of LINE_PX */
    } presets[] = {{"dashed", "6,4"}, {"dotted", "0,4"}, {"dash-dot", "7,4,0,4"}};
    double scale = 1;
    series->dash_count = 0;
    if (strcmp(text, "solid") == 0)
        return true;
    for (size_t i = 0; i < CLI_COUNT_OF(presets); i++) {
        if (strcmp(text, presets[i].name) == 0) {
            text = presets[i].lengths;
            scale = width_px > LINE_PX ? width_px / LINE_PX : 1;
            break;
        }
    }
    double lengths[GCH_DASH_CAP], together = 0;
    size_t count = cli_parse_reals(text, lengths, GCH_DASH_CAP);
    for (size_t i = 0; i < count; i++) {
        double length = lengths[i] * scale;
        if (length < 0 || length > DASH_PX_MAX)
            return false;
        series->dash_px[i] = (float)length;
        together += length;
    }
    series->dash_count = (uint32_t)count;
    return count > 0 && together >= 2;
}

/* Type, colour, width and dashes of series i; a study has no type. */
static int read_style(const cli_render_job *job, size_t i, gch_chart_series *series)
{
    const cli_render_options *o = job->options;
    const char *command = job->command->name;
    const char *type = cli_list_item(&o->types, i), *width = cli_list_item(&o->widths, i);
    const char *dash = cli_list_item(&o->dashes, i);
    bool is_study = series->study.kind != GCH_STUDY_NONE;
    int code = type != NULL && !is_study ? parse_type(command, type, &series->mark) : CLI_OK;
    if (code != CLI_OK)
        return code;
    if (i < o->colors.count && !parse_color(o->colors.items[i], &series->color_rgba))
        return cli_usage(command, "--color: '%.60s' is not #rgb, #rrggbb or #rrggbbaa",
                         o->colors.items[i]);
    double px = 0;
    if (width != NULL && (!cli_parse_real(width, &px) || px <= 0 || px > LINE_WIDTH_MAX))
        return cli_usage(command, "--line-width: '%.60s' is not a width above 0, at most %.0f",
                         width, LINE_WIDTH_MAX);
    series->width_px = (float)px;
    if (o->bins > GCH_BIN_COUNT_MAX)
        return cli_usage(command, "--bins: a histogram has up to %u", GCH_BIN_COUNT_MAX);
    series->bin_count = (uint32_t)o->bins;
    if (dash != NULL && !parse_dash(dash, px, series))
        return cli_usage(job->command->name,
                         "--dash: '%.60s' is not solid, dashed, dotted, dash-dot or at most %u "
                         "lengths that make 2 or more, such as 4,2",
                         dash, GCH_DASH_CAP);
    return CLI_OK;
}

int cli_render_prepare(cli_render_job *job)
{
    const cli_render_options *o = job->options;
    gch_chart_desc *desc = &job->desc;
    *desc = (gch_chart_desc){
        .is_bare = o->is_bare,
        .backend = (gch_backend)o->backend,
        .theme = (gch_theme)o->theme,
        .title = o->title,
        .hide_legend = o->hide_legend,
        .scale = (float)o->scale,
        .has_left = o->left.is_given,
        .left = o->left.value,
        .has_right = o->right.is_given,
        .right = o->right.value,
    };
    if (o->size != NULL && !parse_size(o->size, &desc->width_px, &desc->height_px))
        return cli_usage(job->command->name, "--size: '%.60s' is not WIDTHxHEIGHT, each 1 to %u",
                         o->size, GCH_IMAGE_PX_MAX);
    if (o->scale > 0 && (o->scale < 0.5 || o->scale > 8))
        return cli_usage(job->command->name, "--scale goes from 0.5 to 8");
    /* Doubles can only tell bounds that are clearly swapped; the library compares exactly. */
    if (o->left.is_given && o->right.is_given &&
        gch_decimal_to_double(o->left.value) > gch_decimal_to_double(o->right.value))
        return cli_usage(job->command->name, "--xmin is above --xmax");
    int code = CLI_OK;
    gch_chart_series unused = {0};
    for (size_t i = 0; code == CLI_OK && i < GCH_SERIES_CAP; i++)
        code = read_style(job, i, &unused);
    for (size_t i = 0; code == CLI_OK && i < GCH_SERIES_CAP; i++)
        code = cli_render_read_place(job, i, &unused);
    if (code == CLI_OK)
        code = cli_render_read_panels(job);
    if (o->is_bare && o->studies.count > 0)
        return cli_usage(job->command->name,
                         "--study is not for --bare, which draws the series alone");
    for (size_t i = 0; code == CLI_OK && i < o->studies.count; i++) {
        gch_series_study study;
        const char *column;
        code = parse_study(job->command->name, o->studies.items[i], &study, &column);
    }
    if (code != CLI_OK)
        return code;

    job->format = (gch_image_format)o->format;
    if (job->format != GCH_IMAGE_DEFAULT || o->output == NULL)
        return CLI_OK;
    if (strcmp(o->output, "-") == 0 || ends_with(o->output, ".png"))
        job->format = GCH_IMAGE_PNG;
    else if (ends_with(o->output, ".ppm"))
        job->format = GCH_IMAGE_PPM;
    else
        return cli_usage(job->command->name,
                         "-o: '%s' ends neither in .png nor in .ppm; give --format to choose",
                         o->output);
    return CLI_OK;
}

/* The upper edges of bands: the columns that --high names, one for each, or the columns after. */
static int choose_highs(cli_render_job *job)
{
    const cli_list *highs = &job->options->highs;
    size_t band = 0;
    for (uint32_t i = 0; i < job->series_count; i++) {
        gch_chart_series *series = &job->series[i];
        if (series->mark != GCH_MARK_BAND)
            continue;
        const char *name = cli_list_item(highs, band++);
        series->column_high = series->column + 1;
        if (name != NULL) {
            series->column_high = cli_column_find(series->file, name);
            if (series->column_high == GCH_COLUMN_NOT_FOUND)
                return cli_column_missing(series->file, name);
        } else if (series->column_high >= gch_file_get_info(series->file)->column_count) {
            return cli_usage(job->command->name,
                             "a band lies between two columns: --column and --high");
        }
    }
    if (highs->count > band)
        return cli_usage(job->command->name, "--high is given %zu times for %zu band%s",
                         highs->count, band, band == 1 ? "" : "s");
    return CLI_OK;
}

/* Volume has the colours of the candles that are drawn of the same file. */
static void choose_prices(cli_render_job *job)
{
    for (uint32_t i = 0; i < job->series_count; i++) {
        gch_chart_series *series = &job->series[i];
        for (uint32_t k = 0; k < job->series_count && series->mark == GCH_MARK_VOLUME; k++) {
            const gch_chart_series *other = &job->series[k];
            if (other->file != series->file ||
                (other->mark != GCH_MARK_CANDLES && other->mark != GCH_MARK_OHLC))
                continue;
            series->has_price = true;
            series->column_price = other->column;
            break;
        }
    }
}

/* A study stands beside what it is of, unless --panel or --axis says where. */
static int place_series(cli_render_job *job, uint32_t i)
{
    const cli_render_options *o = job->options;
    gch_chart_series *series = &job->series[i];
    if (series->study.kind == GCH_STUDY_NONE || i < o->panels.count || i < o->axes.count)
        return cli_render_read_place(job, i, series);
    uint32_t studied = 0;
    for (uint32_t k = i; k-- > 0;)
        if (job->series[k].file == series->file && job->series[k].column == series->column &&
            job->series[k].study.kind == GCH_STUDY_NONE)
            studied = k;
    series->panel = job->series[studied].panel;
    series->axis = job->series[studied].axis;
    return CLI_OK;
}

static int check_list(const cli_render_job *job, const char *option, const cli_list *list)
{
    if (list->count <= job->series_count)
        return CLI_OK;
    return cli_usage(job->command->name, "%s is given %zu times for %u series", option, list->count,
                     job->series_count);
}

/* A point set is one series, whatever its columns, unless another type is asked for. */
static bool is_plane(const cli_render_job *job, size_t file)
{
    gch_mark mark = GCH_MARK_DEFAULT;
    const cli_list *types = &job->options->types;
    if (types->count > 0 && !gch_mark_parse(types->items[0], &mark))
        return false; /* refused already */
    return mark == GCH_MARK_POINTS ||
           (mark == GCH_MARK_DEFAULT && gch_file_get_info(job->files[file])->is_point_set);
}

/* One of --size-by, --color-by, --category-by: 1 + a column of the series' file. */
static int read_by(const gch_chart_series *series, const char *name, uint32_t *out)
{
    if (name == NULL)
        return CLI_OK;
    uint32_t column = cli_column_find(series->file, name);
    if (column == GCH_COLUMN_NOT_FOUND)
        return cli_column_missing(series->file, name);
    *out = column + 1;
    return CLI_OK;
}

static int read_points_style(const cli_render_options *o, gch_chart_series *series)
{
    int code = read_by(series, o->size_by, &series->size_by);
    if (code == CLI_OK)
        code = read_by(series, o->color_by, &series->color_by);
    return code == CLI_OK ? read_by(series, o->category_by, &series->category_by) : code;
}

int cli_render_choose(cli_render_job *job)
{
    const cli_render_options *o = job->options;
    gch_mark mark = GCH_MARK_LINE;
    int code =
        o->types.count > 0 ? parse_type(job->command->name, o->types.items[0], &mark) : CLI_OK;
    if (code != CLI_OK)
        return code;
    /* Candles of one column hide those of another, and a volume beside a price is the usual
     * second column; a band has two. */
    bool is_first_only = mark == GCH_MARK_CANDLES || mark == GCH_MARK_OHLC ||
                         mark == GCH_MARK_BAND || mark == GCH_MARK_HISTOGRAM;
    for (size_t i = 0; code == CLI_OK && i < o->columns.count; i++)
        code = add_column(job, o->columns.items[i]);
    for (size_t i = 0; o->columns.count == 0 && i < job->file_count; i++) {
        const gch_file_info *info = gch_file_get_info(job->files[i]);
        bool is_points = is_plane(job, i);
        uint32_t count = info->column_count;
        count = (is_first_only || is_points) && count > 1 ? 1 : count;
        for (uint32_t column = 0; code == CLI_OK && column < count; column++)
            code = add_series(job, i, is_points ? info->y_column : column);
    }
    if (code == CLI_OK)
        code = check_list(job, "--type", &o->types);
    if (code == CLI_OK && job->series_count == 0 && o->studies.count > 0)
        code = cli_fail("there is no series for --study");
    for (size_t i = 0; code == CLI_OK && i < o->studies.count; i++)
        code = add_study(job, o->studies.items[i]);
    if (code == CLI_OK)
        code = check_list(job, "--color", &o->colors);
    if (code == CLI_OK)
        code = check_list(job, "--line-width", &o->widths);
    if (code == CLI_OK)
        code = check_list(job, "--dash", &o->dashes);
    if (code == CLI_OK)
        code = check_list(job, "--panel", &o->panels);
    if (code == CLI_OK)
        code = check_list(job, "--axis", &o->axes);
    for (uint32_t i = 0; code == CLI_OK && i < job->series_count; i++) {
        code = read_style(job, i, &job->series[i]);
        if (code == CLI_OK)
            code = read_points_style(o, &job->series[i]);
        if (code == CLI_OK)
            code = place_series(job, i);
    }
    if (code == CLI_OK)
        code = choose_highs(job);
    choose_prices(job);
    job->desc.series = job->series;
    job->desc.series_count = job->series_count;
    return code;
}

int cli_render_need_times(const cli_render_job *job)
{
    for (uint32_t i = 0; i < job->series_count; i++) {
        const gch_chart_series *series = &job->series[i];
        const gch_file_info *info = gch_file_get_info(series->file);
        bool is_as_stored = series->mark == GCH_MARK_DEFAULT && info->is_point_set &&
                            series->study.kind == GCH_STUDY_NONE;
        if (series->mark == GCH_MARK_HISTOGRAM)
            return cli_fail("a histogram has no times for %s to move along; render draws it",
                            job->command->name);
        if (series->mark == GCH_MARK_POINTS || is_as_stored)
            return cli_fail(
                "%s: points of a plane have no times for %s to move along; render draws "
                "them, --type line their columns",
                info->path, job->command->name);
    }
    return CLI_OK;
}

int cli_render_frame_view(cli_render_job *job)
{
    const cli_render_options *o = job->options;
    const gch_file_info *info = gch_file_get_info(job->files[0]);
    cli_range_desc range = {
        .command = job->command->name, .from = o->from, .to = o->to, .unit = info->time_unit};
    for (size_t i = 0; i < job->file_count; i++) {
        const gch_file_info *other = gch_file_get_info(job->files[i]);
        if (other->time_unit != info->time_unit)
            return cli_fail("%s counts in %s and %s in %s; a chart has one time unit", info->path,
                            gch_time_unit_name(info->time_unit), other->path,
                            gch_time_unit_name(other->time_unit));
        if (other->row_count == 0)
            continue;
        if (!range.has_rows || other->first_time < range.first_time)
            range.first_time = other->first_time;
        if (!range.has_rows || other->last_time > range.last_time)
            range.last_time = other->last_time;
        range.has_rows = true;
    }
    gch_error err;
    const char *zone = o->zone != NULL ? o->zone : info->time_zone;
    if (gch_time_zone_open(zone, NULL, &job->zone, &err) != GCH_OK) {
        if (o->zone != NULL)
            return cli_usage(job->command->name, "--tz: %s", err.message);
        return cli_fail("%s: %s (--tz chooses another)", info->path, err.message);
    }
    job->desc.time_zone = zone;
    range.zone = job->zone;
    int code = cli_range_read(&range, &job->desc.has_time_range, &job->desc.from, &job->desc.to);
    if (code != CLI_OK || o->bar == NULL)
        return code;
    if (gch_bar_width_parse(o->bar, info->time_unit, &job->desc.bar_width, &err) != GCH_OK)
        return cli_usage(job->command->name, "--bar: %s", err.message);
    return CLI_OK;
}
