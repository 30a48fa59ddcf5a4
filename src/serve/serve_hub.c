/* Live series: the set of them, making and describing one (serve_hub.h).
 *
 * Invariants:
 *  1. The set is sorted by name.
 *  2. A series in the set has its live source and, in a folder, its journal.
 */
#include "serve_series.h"

#include "gch/time.h"
#include "serve_json.h"
#include "serve_url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PURPOSE GCH__HUB_PURPOSE
/* Rows are dropped by whole segments: where only time says which, in steps of this many. */
#define AGED_SEGMENT_ROWS (1u << 18)

/* ---- the set ---- */

gch_status gch__hub_make(gch_server *server, gch__hub **out, gch_error *err)
{
    gch__hub *live = gch__alloc_zero(server->allocator, 1, sizeof *live, PURPOSE);
    if (live == NULL)
        return gch__no_memory(err, PURPOSE);
    *out = live; /* the server's from here on */
    live->server = server;
    live->folder_fd = -1;
    live->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (live->locale == (locale_t)0)
        return gch__no_memory(err, PURPOSE);
    return server->desc.live_path != NULL ? gch__hub_restore(live, server->desc.live_path, err)
                                          : GCH_OK;
}

gch_status gch__series_make(gch__hub *live, const char *name, gch__hub_series **out, gch_error *err)
{
    const gch_allocator *allocator = live->server->allocator;
    gch__hub_series *series = gch__alloc_zero(allocator, 1, sizeof *series, PURPOSE);
    if (series == NULL)
        return gch__no_memory(err, PURPOSE);
    series->live = live;
    series->number = ++live->made_count;
    series->id = (uint32_t)(live->server->start_number >> 32) + (uint32_t)series->number;
    series->id += series->id == 0;
    series->first_sequence = series->next_sequence = series->accepted_sequence = 1;
    series->last_time = series->accepted_time = INT64_MIN;
    series->turn_bytes = live->server->desc.live_bytes_cap;
    series->schema.locale = live->locale;
    series->commit.head = (gch__buffer){.allocator = allocator, .purpose = PURPOSE};
    series->ring_cap = 64;
    series->name = gch__copy_text(allocator, name, strlen(name), PURPOSE);
    series->schema.columns =
        gch__alloc_zero(allocator, GCH__HUB_COLUMNS_MAX, sizeof *series->schema.columns, PURPOSE);
    series->ring = gch__alloc_zero(allocator, series->ring_cap, sizeof *series->ring, PURPOSE);
    if (series->name == NULL || series->schema.columns == NULL || series->ring == NULL) {
        gch__series_free(series);
        return gch__no_memory(err, PURPOSE);
    }
    *out = series;
    return GCH_OK;
}

void gch__series_free(gch__hub_series *series)
{
    gch_server *server = series->live->server;
    const gch_allocator *allocator = server->allocator;
    gch_error err;
    if (series->dataset != NULL)
        gch__dataset_release(series->dataset);
    /* What cannot be written to the file now is in the journal. */
    if (series->has_source && gch_live_close(server->desc.data, series->source, &err) != GCH_OK)
        gch__server_report(server, "live", err.message);
    gch__journal_close(series->journal);
    for (uint64_t s = series->first_sequence; series->ring != NULL && s < series->next_sequence;
         s++)
        gch__free(allocator, gch__ring_at(series, s), PURPOSE);
    for (uint32_t c = 0; series->schema.columns != NULL && c < series->schema.column_count; c++) {
        gch__free(allocator, series->schema.columns[c].name, PURPOSE);
        gch__free(allocator, series->schema.columns[c].unit, PURPOSE);
    }
    if (series->latest != NULL)
        gch__shared_release(series->latest);
    gch__buffer_reset(&series->commit.head);
    gch__free(allocator, series->schema.columns, PURPOSE);
    gch__free(allocator, series->ring, PURPOSE);
    gch__free(allocator, series->name, PURPOSE);
    gch__free(allocator, series, PURPOSE);
}

void gch__hub_end(gch__hub *live)
{
    if (live != NULL)
        live->is_ending = true;
}

void gch__hub_destroy(gch__hub *live)
{
    if (live == NULL)
        return;
    for (size_t i = 0; i < live->count; i++)
        gch__series_free(live->series[i]);
    gch__free(live->server->allocator, live->series, PURPOSE);
    if (live->folder_fd >= 0)
        close(live->folder_fd);
    if (live->locale != (locale_t)0)
        freelocale(live->locale);
    gch__free(live->server->allocator, live, PURPOSE);
}

static size_t search(const gch__hub *live, const char *name, bool *is_there)
{
    size_t low = 0, high = live->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(live->series[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = low < live->count && strcmp(live->series[low]->name, name) == 0;
    return low;
}

gch__hub_series *gch__hub_find(gch__hub *live, const char *name)
{
    bool is_there;
    size_t at = search(live, name, &is_there);
    return is_there ? live->series[at] : NULL;
}

const gch__schema *gch__hub_schema(const gch__hub_series *series)
{
    return &series->schema;
}

/* ---- making a series ---- */

gch_status gch__series_add_column(gch__hub_series *series, gch__span name, gch__span unit,
                                  gch_type type, gch_error *err)
{
    const gch_allocator *allocator = series->live->server->allocator;
    gch__hub_column *column = &series->schema.columns[series->schema.column_count];
    column->type = type;
    column->name = gch__copy_text(allocator, (const char *)name.bytes, name.count, PURPOSE);
    column->unit = gch__copy_text(allocator, (const char *)unit.bytes, unit.count, PURPOSE);
    series->schema.column_count++;
    if (column->name == NULL || column->unit == NULL)
        return gch__no_memory(err, PURPOSE);
    for (uint32_t c = 0; c + 1 < series->schema.column_count; c++) {
        if (strcmp(series->schema.columns[c].name, column->name) == 0)
            return gch_fail(err, GCH_INVALID, "two columns are called '%s'", column->name);
    }
    if (strcmp(column->name, "time") == 0)
        return gch_fail(err, GCH_INVALID, "'time' is the time's own name");
    return GCH_OK;
}

static gch_status read_column(gch__hub_series *series, const char *text, gch_error *err)
{
    const char *type = strchr(text, ':');
    const char *unit = type != NULL ? strchr(type + 1, ':') : NULL;
    char type_text[16];
    gch_type parsed;
    size_t name_length = type != NULL ? (size_t)(type - text) : 0;
    size_t type_length = type == NULL   ? 0
                         : unit != NULL ? (size_t)(unit - type) - 1
                                        : strlen(type + 1);
    if (name_length == 0 || name_length > 255 || type_length >= sizeof type_text)
        return gch_fail(err, GCH_PARSE, "column '%.60s' is not name:type or name:type:unit", text);
    memcpy(type_text, type + 1, type_length);
    type_text[type_length] = '\0';
    if (!gch_type_parse(type_text, &parsed) || parsed < GCH_TYPE_I8 || parsed > GCH_TYPE_F64)
        return gch_fail(err, GCH_PARSE, "column '%.60s': there is no type '%s' here", text,
                        type_text);
    const char *unit_text = unit != NULL ? unit + 1 : "";
    return gch__series_add_column(series, (gch__span){(const uint8_t *)text, name_length},
                                  (gch__span){(const uint8_t *)unit_text, strlen(unit_text)},
                                  parsed, err);
}

static gch_status check_same(const gch__hub_series *there, const gch__hub_series *wanted,
                             gch_error *err)
{
    const gch__schema *a = &there->schema, *b = &wanted->schema;
    const gch__retention *keeps = &there->retention, *keep = &wanted->retention;
    bool is_same = a->time_unit == b->time_unit && a->column_count == b->column_count;
    for (uint32_t c = 0; is_same && c < a->column_count; c++)
        is_same = a->columns[c].type == b->columns[c].type &&
                  strcmp(a->columns[c].name, b->columns[c].name) == 0 &&
                  strcmp(a->columns[c].unit, b->columns[c].unit) == 0;
    if (!is_same)
        return gch_fail(err, GCH_EXISTS, "'%s' exists with other columns", there->name);
    if ((keep->rows | keep->age_s) != 0 &&
        (keep->rows != keeps->rows || keep->age_s != keeps->age_s))
        return gch_fail(err, GCH_EXISTS, "'%s' exists and keeps %llu rows and %llu s", there->name,
                        (unsigned long long)keeps->rows, (unsigned long long)keeps->age_s);
    return GCH_OK;
}

gch_status gch__hub_insert(gch__hub *live, gch__hub_series *series, gch_error *err)
{
    bool is_there;
    GCH_TRY(gch__ensure(live->server->allocator, (void **)&live->series, &live->cap,
                        live->count + 1, sizeof(gch__hub_series *), PURPOSE, err));
    size_t at = search(live, series->name, &is_there);
    memmove(live->series + at + 1, live->series + at,
            (live->count - at) * sizeof(gch__hub_series *));
    live->series[at] = series;
    live->count++;
    return GCH_OK;
}

/* Rows of a file that was there already are the series' first. */
static gch_status adopt_rows(gch__hub_series *series, gch_error *err)
{
    gch_data *data = series->live->server->desc.data;
    gch_file *file;
    GCH_TRY(gch_live_acquire_file(data, series->source, &file, err));
    const gch_file_info *info = gch_file_get_info(file);
    if (info->row_count > 0) {
        series->row_count = series->accepted_rows = info->row_count;
        series->last_time = series->accepted_time = info->last_time;
    }
    gch_live_release_file(data, file);
    return GCH_OK;
}

gch_status gch__series_open_source(gch__hub_series *series, gch_error *err)
{
    const gch__hub *live = series->live;
    const gch_server_desc *desc = &live->server->desc;
    const gch__schema *schema = &series->schema;
    const gch__retention *keep = &series->retention;
    gch_column_desc columns[GCH__HUB_COLUMNS_MAX];
    char stem[GCH__STEM_CAP], path[4096];
    for (uint32_t c = 0; c < schema->column_count; c++)
        columns[c] = (gch_column_desc){.name = schema->columns[c].name,
                                       .unit = schema->columns[c].unit,
                                       .type = schema->columns[c].type};
    const gch_writer_desc rows = {.time_unit = schema->time_unit,
                                  .columns = columns,
                                  .column_count = schema->column_count,
                                  .source = series->name,
                                  .allocator = desc->allocator};
    gch_live_desc wanted = {.rows = &rows, .name = series->name};
    series->has_file = live->folder_fd >= 0 && (keep->rows | keep->age_s) == 0;
    if (series->has_file) {
        GCH_TRY(gch__stem_of(series->name, stem, err));
        if (snprintf(path, sizeof path, "%s/%s.gch", desc->live_path, stem) >= (int)sizeof path)
            return gch_fail(err, GCH_INVALID, "%s: the path is too long", desc->live_path);
        wanted.path = path;
    } else {
        uint64_t ticks = (uint64_t)gch_time_unit_per_second(schema->time_unit);
        wanted.keep_rows = keep->rows;
        if (keep->age_s > 0 && (ticks == 0 || keep->age_s > INT64_MAX / ticks))
            return gch_fail(err, GCH_INVALID, "rows of this unit cannot be kept for %llu s",
                            (unsigned long long)keep->age_s);
        wanted.keep_ticks = keep->age_s * ticks;
        wanted.segment_rows = keep->age_s > 0 && keep->rows == 0 ? AGED_SEGMENT_ROWS : 0;
        if ((keep->rows | keep->age_s) == 0)
            wanted.keep_bytes = desc->live_bytes_cap;
    }
    GCH_TRY(gch_live_open(desc->data, &wanted, &series->source, err));
    series->has_source = true;
    return series->has_file ? adopt_rows(series, err) : GCH_OK;
}

static gch_status make_lasting(gch__hub_series *series, gch_error *err)
{
    const gch__hub *live = series->live;
    const gch_allocator *allocator = live->server->allocator;
    gch__buffer head = {.allocator = allocator, .purpose = PURPOSE};
    char stem[GCH__STEM_CAP];
    GCH_TRY(gch__stem_of(series->name, stem, err));
    gch_status status =
        gch__series_put_head(series, &head)
            ? gch__journal_create(live->folder_fd, stem, (gch__span){head.bytes, head.count},
                                  allocator, &series->journal, err)
            : gch__no_memory(err, PURPOSE);
    gch__buffer_reset(&head);
    return status;
}

static gch_status bring_up(gch__hub_series *series, gch_error *err)
{
    gch__hub *live = series->live;
    const gch_server_desc *desc = &live->server->desc;
    if (live->count >= desc->live_series_cap)
        return gch_fail(err, GCH_LIMIT, "there are too many live series");
    if ((series->retention.rows | series->retention.age_s) == 0) {
        series->retention.rows = desc->live_keep_rows;
        if (series->schema.time_unit != GCH_TIME_INDEX)
            series->retention.age_s = desc->live_keep_age_s;
    }
    GCH_TRY(gch__series_open_source(series, err));
    if (live->folder_fd >= 0)
        GCH_TRY(make_lasting(series, err));
    return gch__hub_insert(live, series, err);
}

gch_status gch__hub_create(gch__hub *live, const char *name, gch_time_unit unit,
                           const char *const *columns, size_t column_count,
                           const gch__retention *retention, bool *out_is_new, gch_error *err)
{
    gch__hub_series *series;
    *out_is_new = false;
    if (column_count == 0 || column_count > GCH__HUB_COLUMNS_MAX)
        return gch_fail(err, GCH_INVALID, "a live series has 1 to %u columns",
                        GCH__HUB_COLUMNS_MAX);
    GCH_TRY(gch__series_make(live, name, &series, err));
    series->schema.time_unit = unit;
    series->retention = *retention;
    gch_status status = GCH_OK;
    for (size_t i = 0; i < column_count && status == GCH_OK; i++)
        status = read_column(series, columns[i], err);
    const gch__hub_series *there = gch__hub_find(live, name);
    if (status == GCH_OK && there != NULL)
        status = check_same(there, series, err);
    else if (status == GCH_OK)
        status = bring_up(series, err);
    *out_is_new = status == GCH_OK && there == NULL;
    if (!*out_is_new)
        gch__series_free(series);
    return status;
}

/* ---- asking ---- */

gch_status gch__hub_dataset(gch__hub_series *series, gch__dataset **out, gch_error *err)
{
    gch_server *server = series->live->server;
    gch_data *data = server->desc.data;
    gch_live_info info;
    GCH_TRY(gch_live_get_info(data, series->source, &info, err));
    const gch__dataset *last = series->dataset;
    const gch_file_info *shown = last != NULL ? gch_file_get_info(last->file) : NULL;
    if (shown == NULL || shown->row_count != info.row_count ||
        shown->dropped_rows != info.dropped_rows) {
        gch_file *file;
        gch__dataset *fresh;
        GCH_TRY(gch_live_acquire_file(data, series->source, &file, err));
        GCH_TRY(gch__dataset_of_live(data, series->name, file,
                                     server->start_number + series->number, server->allocator,
                                     &fresh, err));
        if (series->dataset != NULL)
            gch__dataset_release(series->dataset);
        series->dataset = fresh;
    }
    gch__dataset_hold(series->dataset);
    *out = series->dataset;
    return GCH_OK;
}

bool gch__hub_describe(const gch__hub_series *series, const char *type, gch__buffer *out)
{
    bool has_room = gch__json_print(out, "{");
    if (type != NULL)
        has_room = has_room && gch__json_print(out, "\"type\": \"%s\", ", type);
    has_room = has_room && gch__json_print(out, "\"name\": ") &&
               gch__json_text(out, series->name) &&
               gch__json_print(out,
                               ", \"time_unit\": \"%s\", \"first_sequence\": %" PRIu64
                               ", \"next_sequence\": %" PRIu64 ", \"row_count\": %" PRIu64,
                               gch_time_unit_name(series->schema.time_unit), series->first_sequence,
                               series->next_sequence, series->row_count);
    if (series->id != 0)
        has_room = has_room && gch__json_print(out, ", \"id\": \"%08" PRIx32 "\"", series->id);
    has_room = has_room && gch__json_print(out, ", \"columns\": [");
    for (uint32_t c = 0; c < series->schema.column_count; c++) {
        const gch__hub_column *column = &series->schema.columns[c];
        has_room =
            has_room && gch__json_print(out, "%s{\"name\": ", c > 0 ? ", " : "") &&
            gch__json_text(out, column->name) &&
            gch__json_print(out, ", \"type\": \"%s\", \"unit\": ", gch_type_name(column->type)) &&
            gch__json_text(out, column->unit) && gch__json_print(out, "}");
    }
    return has_room && gch__json_print(out, "]}");
}

bool gch__hub_list(const gch__hub *live, gch__buffer *out)
{
    bool has_room = gch__json_print(out, "{\"live\": [");
    for (size_t i = 0; i < live->count; i++)
        has_room = has_room && (i == 0 || gch__json_print(out, ",\n")) &&
                   gch__hub_describe(live->series[i], NULL, out);
    return has_room && gch__json_print(out, "]}\n");
}

bool gch__hub_metrics(const gch__hub *live, gch__buffer *out)
{
    const struct {
        const char *name, *type;
        uint64_t value;
    } lines[] = {{"live_series", "gauge", live->count},
                 {"live_followers", "gauge", live->follower_count},
                 {"live_batches_total", "counter", live->batches},
                 {"live_rows_total", "counter", live->rows},
                 {"live_bytes_total", "counter", live->bytes},
                 {"live_frames_total", "counter", live->frames},
                 {"live_frames_made_total", "counter", live->made_frames},
                 {"live_frame_bytes", "gauge", live->held_bytes},
                 {"live_summaries_total", "counter", live->summaries},
                 {"live_failures_total", "counter", live->failures},
                 {"live_journal_turns_total", "counter", live->turns}};
    bool has_room = true;
    for (size_t i = 0; i < GCH_COUNT_OF(lines); i++)
        has_room = has_room &&
                   gch__json_print(out, "# TYPE gpucharts_%s %s\ngpucharts_%s %" PRIu64 "\n",
                                   lines[i].name, lines[i].type, lines[i].name, lines[i].value);
    return has_room;
}
