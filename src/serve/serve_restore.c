/* Live series across restarts: what a journal's head says, and bringing a folder's series back.
 *
 * A head: u64 next sequence, u64 rows, u64 kept rows, u64 kept seconds, u32 time unit, u32 columns,
 * u32 publishers, u32 0, the name, for each column u32 type, name and unit, for each publisher u64
 * name, sequence and use. A text is its u32 length and its bytes.
 *
 * Invariant: after the replay the live source has every row of the journal once: those that its
 * file has already are passed over, and one that is missing between the two is an error.
 */
#include "serve_series.h"
#include "serve_url.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PURPOSE GCH__HUB_PURPOSE

gch_status gch__stem_of(const char *name, char out[GCH__STEM_CAP], gch_error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;
    for (const char *at = name; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        if (used + 4 > GCH__STEM_CAP)
            return gch_fail(err, GCH_INVALID, "'%.60s...' is too long for a lasting series", name);
        if (!is_plain)
            out[used++] = '%';
        if (!is_plain)
            out[used++] = digits[c >> 4];
        out[used++] = is_plain ? (char)c : digits[c & 15];
    }
    out[used] = '\0';
    return GCH_OK;
}

/* ---- heads ---- */

static bool put_u32(gch__buffer *out, uint32_t value)
{
    return gch__buffer_append(out, &value, sizeof value);
}

static bool put_u64(gch__buffer *out, uint64_t value)
{
    return gch__buffer_append(out, &value, sizeof value);
}

static bool put_text(gch__buffer *out, const char *text)
{
    size_t length = strlen(text);
    return put_u32(out, (uint32_t)length) && gch__buffer_append(out, text, length);
}

bool gch__series_put_head(const gch__hub_series *series, gch__buffer *out)
{
    const gch__schema *schema = &series->schema;
    /* A file that is turned to begins with the newest batch. */
    const gch__batch *newest = series->next_sequence > series->first_sequence
                                   ? gch__ring_at(series, series->next_sequence - 1)
                                   : NULL;
    uint64_t sequence = series->next_sequence - (newest != NULL ? 1 : 0);
    uint64_t row_count = newest != NULL ? newest->first_row : series->row_count;
    uint32_t publisher_count = 0;
    for (size_t i = 0; i < GCH__PUBLISHERS_KEPT; i++)
        publisher_count += series->publishers[i].sequence != 0;
    bool has_room = put_u64(out, sequence) && put_u64(out, row_count) &&
                    put_u64(out, series->retention.rows) && put_u64(out, series->retention.age_s) &&
                    put_u32(out, schema->time_unit) && put_u32(out, schema->column_count) &&
                    put_u32(out, publisher_count) && put_u32(out, series->id) &&
                    put_text(out, series->name);
    for (uint32_t c = 0; c < schema->column_count; c++)
        has_room = has_room && put_u32(out, schema->columns[c].type) &&
                   put_text(out, schema->columns[c].name) && put_text(out, schema->columns[c].unit);
    for (size_t i = 0; i < GCH__PUBLISHERS_KEPT; i++) {
        const gch__publisher *p = &series->publishers[i];
        has_room = has_room &&
                   (p->sequence == 0 ||
                    (put_u64(out, p->name) && put_u64(out, p->sequence) && put_u64(out, p->used)));
    }
    return has_room;
}

/* A head under way; what is beyond its end reads as zeros, and is told at the end. */
typedef struct head_reader {
    gch__span rest;
    bool is_short;
} head_reader;

static gch__span take(head_reader *r, size_t count)
{
    if (count > r->rest.count) {
        r->is_short = true;
        return (gch__span){NULL, 0};
    }
    gch__span taken = {r->rest.bytes, count};
    r->rest = (gch__span){r->rest.bytes + count, r->rest.count - count};
    return taken;
}

static uint32_t take_u32(head_reader *r)
{
    gch__span bytes = take(r, 4);
    return bytes.count == 4 ? gch__load_u32(bytes.bytes) : 0;
}

static uint64_t take_u64(head_reader *r)
{
    gch__span bytes = take(r, 8);
    return bytes.count == 8 ? gch__load_u64(bytes.bytes) : 0;
}

static gch__span take_text(head_reader *r)
{
    return take(r, take_u32(r));
}

/* ---- replay ---- */

typedef struct restoring {
    gch__hub *live;
    const char *stem;
    gch__hub_series *series; /* NULL before the first head */
    uint64_t file_rows;
} restoring;

static gch_status bad_head(const restoring *r, gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "journal of %s: its head is damaged", r->stem);
}

static void read_publishers(gch__hub_series *series, head_reader *head, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        gch__publisher p = {.name = take_u64(head)};
        p.sequence = p.accepted_sequence = take_u64(head);
        p.used = take_u64(head);
        series->publishers[i] = p;
    }
}

/* The first head makes the series; of those that follow the publishers count. */
static gch_status on_head(void *context, gch__span bytes, gch_error *err)
{
    restoring *r = context;
    head_reader head = {.rest = bytes};
    char name[GCH__NAME_CAP], stem[GCH__STEM_CAP];
    uint64_t sequence = take_u64(&head), row_count = take_u64(&head);
    gch__retention retention = {.rows = take_u64(&head)};
    retention.age_s = take_u64(&head);
    uint32_t unit = take_u32(&head), column_count = take_u32(&head);
    uint32_t publisher_count = take_u32(&head), id = take_u32(&head);
    gch__span text = take_text(&head);
    if (head.is_short || sequence == 0 || unit < GCH_TIME_INDEX || unit > GCH_TIME_NS ||
        column_count == 0 || column_count > GCH__HUB_COLUMNS_MAX ||
        publisher_count > GCH__PUBLISHERS_KEPT || text.count >= sizeof name)
        return bad_head(r, err);
    memcpy(name, text.bytes, text.count);
    name[text.count] = '\0';
    if (gch__stem_of(name, stem, NULL) != GCH_OK || strcmp(stem, r->stem) != 0 ||
        !gch__name_is_valid(name))
        return bad_head(r, err);
    bool is_first = r->series == NULL;
    if (is_first) {
        GCH_TRY(gch__series_make(r->live, name, &r->series, err));
        r->series->schema.time_unit = (gch_time_unit)unit;
        r->series->retention = retention;
        r->series->id = id;
    }
    for (uint32_t c = 0; c < column_count; c++) {
        uint32_t type = take_u32(&head);
        gch__span column = take_text(&head), column_unit = take_text(&head);
        if (head.is_short || type < GCH_TYPE_I8 || type > GCH_TYPE_F64)
            return bad_head(r, err);
        if (is_first)
            GCH_TRY(gch__series_add_column(r->series, column, column_unit, (gch_type)type, err));
    }
    read_publishers(r->series, &head, publisher_count);
    if (head.is_short || head.rest.count > 0)
        return bad_head(r, err);
    if (!is_first)
        return GCH_OK;
    gch__hub_series *series = r->series;
    GCH_TRY(gch__series_open_source(series, err));
    r->file_rows = series->row_count;
    series->row_count = row_count;
    if (r->file_rows > row_count) /* its last time is that of a batch that follows */
        series->last_time = INT64_MIN;
    series->first_sequence = series->next_sequence = series->accepted_sequence = sequence;
    if (series->has_file && r->file_rows < row_count)
        return gch_fail(err, GCH_CORRUPT, "%s.gch: %llu rows, its journal begins behind row %llu",
                        r->stem, (unsigned long long)r->file_rows, (unsigned long long)row_count);
    return GCH_OK;
}

static gch_status on_batch(void *context, const gch__journal_batch *from, gch_error *err)
{
    restoring *r = context;
    gch__hub_series *series = r->series;
    if (from->sequence + 1 == series->next_sequence &&
        from->first_row + from->row_count == series->row_count)
        return GCH_OK; /* the one that a file begins with, which the file before it has too */
    if (from->sequence != series->next_sequence || from->first_row != series->row_count ||
        from->first_row > UINT64_MAX - from->row_count)
        return gch_fail(err, GCH_CORRUPT, "journal of %s: batch %llu does not follow", r->stem,
                        (unsigned long long)from->sequence);
    if (gch__payload_check(&series->schema, from->payload, from->row_count, NULL) != GCH_OK ||
        (int64_t)gch__load_u64(from->payload.bytes) < series->last_time)
        return gch_fail(err, GCH_CORRUPT, "journal of %s: batch %llu is damaged", r->stem,
                        (unsigned long long)from->sequence);
    GCH_TRY(gch__ring_make_room(series, 1, err));
    gch__batch *batch = gch__batch_make(series, from->payload, from->row_count);
    if (batch == NULL)
        return gch__no_memory(err, PURPOSE);
    batch->first_row = from->first_row;
    batch->publisher = from->publisher;
    batch->publisher_sequence = from->publisher_sequence;
    uint64_t skipped = 0;
    if (r->file_rows > from->first_row)
        skipped = GCH_MIN(r->file_rows - from->first_row, (uint64_t)from->row_count);
    gch_status status = GCH_OK;
    if (skipped < from->row_count)
        status = gch__series_append(series, batch, (uint32_t)skipped, err);
    if (status != GCH_OK) {
        gch__free(r->live->server->allocator, batch, PURPOSE);
        return status;
    }
    gch__ring_push(series, batch);
    series->accepted_sequence = series->next_sequence;
    if (from->publisher_sequence != 0) {
        gch__publisher *p = gch__find_publisher(series, from->publisher);
        p->sequence = GCH_MAX(p->sequence, from->publisher_sequence);
        p->accepted_sequence = p->sequence;
        p->used = from->sequence;
    }
    return GCH_OK;
}

static gch_status restore(gch__hub *live, const char *stem, const uint32_t *numbers, size_t count,
                          gch_error *err)
{
    restoring r = {.live = live, .stem = stem};
    const gch__journal_reader reader = {.head = on_head, .batch = on_batch, .context = &r};
    gch__journal *journal = NULL;
    gch_status status = gch__journal_open(live->folder_fd, stem, numbers, count, &reader,
                                          live->server->allocator, &journal, err);
    if (status == GCH_OK && r.series->has_file && r.file_rows > r.series->row_count)
        status = gch_fail(err, GCH_CORRUPT, "%s.gch: %llu rows, its journal ends at row %llu", stem,
                          (unsigned long long)r.file_rows, (unsigned long long)r.series->row_count);
    if (r.series != NULL)
        r.series->journal = journal;
    if (status == GCH_OK) {
        r.series->accepted_rows = r.series->row_count;
        r.series->accepted_time = r.series->last_time;
        status = gch__hub_insert(live, r.series, err);
    }
    if (status != GCH_OK && r.series != NULL)
        gch__series_free(r.series);
    return status;
}

/* ---- the folder ---- */

typedef struct found_file {
    char stem[GCH__STEM_CAP];
    uint32_t number;
} found_file;

static int compare(const void *a, const void *b)
{
    const found_file *x = a, *y = b;
    int order = strcmp(x->stem, y->stem);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

typedef struct found_files {
    found_file *items;
    size_t count, cap;
} found_files;

static gch_status list_journals(gch__hub *live, DIR *folder, found_files *out, gch_error *err)
{
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        size_t length = strlen(entry->d_name), stem_length;
        uint32_t number;
        if (length > 12 && strcmp(entry->d_name + length - 12, ".journal.tmp") == 0)
            (void)unlinkat(live->folder_fd, entry->d_name, 0); /* never came into use */
        if (!gch__journal_parse_name(entry->d_name, &stem_length, &number) ||
            stem_length >= GCH__STEM_CAP)
            continue;
        GCH_TRY(gch__ensure(live->server->allocator, (void **)&out->items, &out->cap,
                            out->count + 1, sizeof *out->items, PURPOSE, err));
        found_file *file = &out->items[out->count++];
        memcpy(file->stem, entry->d_name, stem_length);
        file->stem[stem_length] = '\0';
        file->number = number;
    }
    return GCH_OK;
}

static gch_status restore_all(gch__hub *live, const found_files *files, gch_error *err)
{
    const gch_allocator *allocator = live->server->allocator;
    if (files->count == 0)
        return GCH_OK;
    uint32_t *numbers = gch__alloc_array(allocator, files->count, sizeof *numbers, PURPOSE);
    if (numbers == NULL)
        return gch__no_memory(err, PURPOSE);
    gch_status status = GCH_OK;
    for (size_t i = 0, end; i < files->count && status == GCH_OK; i = end) {
        for (end = i; end < files->count; end++) {
            if (strcmp(files->items[end].stem, files->items[i].stem) != 0)
                break;
            numbers[end] = files->items[end].number;
        }
        status = restore(live, files->items[i].stem, numbers + i, end - i, err);
    }
    gch__free(allocator, numbers, PURPOSE);
    return status;
}

gch_status gch__hub_restore(gch__hub *live, const char *folder, gch_error *err)
{
    found_files files = {0};
    live->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (live->folder_fd < 0)
        return gch_fail(err, errno == ENOENT ? GCH_NOT_FOUND : GCH_IO, "%s: %s", folder,
                        strerror(errno));
    if (flock(live->folder_fd, LOCK_EX | LOCK_NB) != 0)
        return gch_fail(err, GCH_EXISTS, "%s: another server has its live series here", folder);
    DIR *listing = opendir(folder);
    if (listing == NULL)
        return gch_fail(err, GCH_IO, "%s: %s", folder, strerror(errno));
    gch_status status = list_journals(live, listing, &files, err);
    closedir(listing);
    if (status == GCH_OK && files.count > 0) {
        qsort(files.items, files.count, sizeof *files.items, compare);
        status = restore_all(live, &files, err);
    }
    gch__free(live->server->allocator, files.items, PURPOSE);
    return status;
}
