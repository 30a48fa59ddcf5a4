#include "net_questions.h"

#include "net_columns.h"

#include <assert.h>
#include <string.h>

#define PURPOSE "answers"
#define KEY_LEVEL 63u /* of keyed pages: no level of a tree */

static_assert(sizeof(gch_columns_piece) == sizeof(gch_piece) &&
                  offsetof(gch_columns_piece, y_right) == offsetof(gch_piece, y_right),
              "a piece of an answer is one of a query");
static_assert(sizeof(gch__question) == 112, "no padding");

/* ---- questions ---- */

gch__question gch__question_of_columns(const gch_answers_ask *ask)
{
    const gch_view *view = ask->view;
    return (gch__question){.kind =
                               ask->keep_outside ? GCH__ASKS_COLUMNS_OUTSIDE : GCH__ASKS_COLUMNS,
                           .column = ask->column,
                           .join = ask->join,
                           .axis = view->axis,
                           .width_px = view->width_px,
                           .height_px = view->height_px,
                           .t0 = view->t0,
                           .t1 = view->t1,
                           .bottom_digits = view->bottom.digits,
                           .bottom_exp10 = view->bottom.exp10,
                           .top_digits = view->top.digits,
                           .top_exp10 = view->top.exp10};
}

gch__question gch__question_of_range(uint32_t column, int64_t t0, int64_t t1, gch_join join)
{
    return (gch__question){
        .kind = GCH__ASKS_RANGE, .column = column, .join = join, .t0 = t0, .t1 = t1};
}

gch__question gch__question_of_bars(const gch_bars_ask *ask)
{
    gch__question q = {.kind = GCH__ASKS_BARS,
                       .column = ask->column,
                       .join = ask->looks_back,
                       .axis = ask->width.unit,
                       .bottom_digits = ask->width.count,
                       .width_px = ask->bar_cap,
                       .t0 = ask->t0,
                       .t1 = ask->t1};
    for (size_t i = 0; i + 1 < sizeof q.zone && ask->zone[i] != '\0'; i++)
        q.zone[i] = ask->zone[i];
    return q;
}

bool gch__question_is_same(const gch__question *a, const gch__question *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool gch__question_has_place(const gch__question *a, const gch__question *b)
{
    return a->kind == b->kind && a->column == b->column && a->join == b->join;
}

bool gch__question_is_near(const gch__question *a, const gch__question *b)
{
    return gch__question_has_place(a, b) && a->t0 < b->t1 && b->t0 < a->t1;
}

gch_view gch__question_view(const gch__question *q)
{
    return (gch_view){.t0 = q->t0,
                      .t1 = q->t1,
                      .bottom = {q->bottom_digits, q->bottom_exp10},
                      .top = {q->top_digits, q->top_exp10},
                      .width_px = q->width_px,
                      .height_px = q->height_px,
                      .axis = (gch_value_axis)q->axis};
}

static gch_columns_ask ask_of(const gch__answerer *of, const gch__question *q)
{
    return (gch_columns_ask){
        .url = of->url,
        .column = gch_file_get_info(of->file)->columns[q->column].name,
        .has_times = true,
        .has_bounds = q->kind == GCH__ASKS_COLUMNS || q->kind == GCH__ASKS_COLUMNS_OUTSIDE,
        .t0 = q->t0,
        .t1 = q->t1,
        .bottom = {q->bottom_digits, q->bottom_exp10},
        .top = {q->top_digits, q->top_exp10},
        .width_px = q->width_px,
        .height_px = q->height_px,
        .axis = q->axis,
        .join = q->join,
        .keep_outside = q->kind == GCH__ASKS_COLUMNS_OUTSIDE,
        .version = of->version,
    };
}

static gch_bar_width width_of(const gch__question *q)
{
    return (gch_bar_width){.unit = (gch_bar_unit)q->axis, .count = q->bottom_digits};
}

gch_status gch__question_write_url(const gch__answerer *of, const gch__question *q,
                                   gch__buffer *out, gch_error *err)
{
    gch_columns_ask ask = ask_of(of, q);
    if (q->kind == GCH__ASKS_BARS)
        return gch__bars_write_url(&ask, width_of(q), q->zone, q->width_px, out, err);
    return q->kind == GCH__ASKS_RANGE ? gch__range_write_url(&ask, out, err)
                                      : gch__columns_write_url(&ask, out, err);
}

/* 86 bits of two FNV-1a hashes (Fowler, Noll, Vo); what is found is compared with the question. */
static gch_status key_of(const gch__answerer *of, const gch__question *q, gch_key *out,
                         gch_error *err)
{
    uint64_t hashes[2] = {0xCBF29CE484222325u, 0x84222325CBF29CE4u};
    uint8_t bytes[sizeof *q];
    memcpy(bytes, q, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        hashes[0] = (hashes[0] ^ bytes[i]) * 0x100000001B3u;
        hashes[1] = (hashes[1] ^ bytes[sizeof bytes - 1 - i]) * 0x100000001B3u;
    }
    gch_key_desc desc = {.source = of->number,
                         .column = q->column,
                         .level = KEY_LEVEL,
                         .page = hashes[0] >> 18,
                         .version = hashes[1] >> 24};
    return gch_key_pack(&desc, out, err);
}

/* ---- answers ---- */

gch__kept *gch__kept_make(const gch__answerer *of, const gch__question *q, size_t body_bytes)
{
    size_t bytes;
    if (!gch__add_size(sizeof(gch__kept), body_bytes, &bytes))
        return NULL;
    gch__kept *kept = gch__alloc(of->allocator, bytes, PURPOSE);
    if (kept != NULL)
        *kept = (gch__kept){.of = *q, .body_bytes = body_bytes};
    return kept;
}

void gch__kept_free(const gch__answerer *of, gch__kept *kept)
{
    gch__free(of->allocator, kept, PURPOSE);
}

static void free_page(void *context, void *bytes, size_t byte_count)
{
    (void)byte_count;
    gch__free(context, bytes, PURPOSE);
}

gch_status gch__kept_keep(const gch__answerer *of, gch__kept *came, gch_page *out, gch_error *err)
{
    gch_columns_ask ask = ask_of(of, &came->of);
    gch_buffer_owned buffer = {.bytes = came,
                               .byte_count = sizeof *came + came->body_bytes,
                               .free_bytes = free_page,
                               .context = (void *)(uintptr_t)of->allocator};
    gch_key key;
    gch_status status = key_of(of, &came->of, &key, err);
    if (status == GCH_OK && came->of.kind == GCH__ASKS_BARS)
        status = gch__bars_parse(came->body, came->body_bytes, &ask, width_of(&came->of),
                                 came->of.width_px, &came->bars, &came->bar_count, err);
    else if (status == GCH_OK)
        status =
            came->of.kind == GCH__ASKS_RANGE
                ? gch__range_parse(came->body, came->body_bytes, &ask, &came->min, &came->max, err)
                : gch__columns_parse(came->body, came->body_bytes, &ask, &came->columns, err);
    if (status == GCH_OK)
        status = gch_page_adopt(of->data, key, &buffer, 0, out, err);
    if (status != GCH_OK) {
        gch__kept_free(of, came);
        *out = (gch_page){0};
    }
    return status;
}

const gch__kept *gch__kept_find(const gch__answerer *of, const gch__question *q, gch_page *out)
{
    gch_key key;
    gch_bytes bytes;
    if (key_of(of, q, &key, NULL) != GCH_OK ||
        gch_page_acquire_key(of->data, key, out, NULL) != GCH_OK) {
        *out = (gch_page){0};
        return NULL;
    }
    if (gch_page_get_bytes(of->data, *out, &bytes, NULL) == GCH_OK) {
        const gch__kept *kept = (const gch__kept *)(const void *)bytes.bytes;
        if (gch__question_is_same(&kept->of, q))
            return kept;
    }
    (void)!gch_page_release(of->data, *out, NULL); /* its own hold */
    *out = (gch_page){0};
    return NULL;
}

bool gch__is_refusal(gch_status status)
{
    return status != GCH_UNAVAILABLE && status != GCH_NO_MEMORY && status != GCH_LIMIT &&
           status != GCH_EXISTS;
}

void gch__kept_show(const gch__kept *kept, gch_columns *out)
{
    const gch_columns_answer *answer = &kept->columns;
    *out = (gch_columns){.width_px = answer->width_px,
                         .first = answer->first,
                         .pieces = (const gch_piece *)(const void *)answer->pieces,
                         .row_count = answer->end_row - answer->first_row};
}

/* ---- where they are asked ---- */

/* The version of a data set is its file's entity tag: 16 hexadecimal digits. */
static bool parse_version(const char *validator, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t version = 0;
    if (strlen(validator) != 18 || validator[0] != '"' || validator[17] != '"')
        return false;
    for (int i = 1; i <= 16; i++) {
        const char *digit = strchr(digits, validator[i]);
        if (digit == NULL || *digit == '\0')
            return false;
        version = version << 4 | (uint64_t)(digit - digits);
    }
    *out = version;
    return version != 0;
}

static bool is_data_url(const char *url, size_t *out_path, size_t *out_end)
{
    const char *authority = strstr(url, "://");
    size_t length = strlen(url);
    if (authority == NULL || strpbrk(url, "?#") != NULL)
        return false;
    const char *path = strchr(authority + 3, '/');
    path = path != NULL ? strstr(path, "/data/") : NULL;
    if (path == NULL || strlen(path) <= strlen("/data/.gch") ||
        strcmp(url + length - 4, ".gch") != 0)
        return false;
    *out_path = (size_t)(path - url);
    *out_end = length - 4;
    return true;
}

gch_status gch__dataset_find(const char *file_url, const char *validator,
                             const gch_allocator *allocator, char **out_url, uint64_t *out_version,
                             gch_error *err)
{
    size_t path, end;
    if (!parse_version(validator, out_version) || !is_data_url(file_url, &path, &end))
        return gch_fail(err, GCH_UNSUPPORTED, "%.200s: not a file at a data server", file_url);
    gch__buffer url = {.allocator = allocator, .purpose = "remote"};
    if (!gch__buffer_append(&url, file_url, path) || !gch__buffer_append(&url, "/v1", 3) ||
        !gch__buffer_append(&url, file_url + path, end - path) ||
        !gch__buffer_append(&url, "", 1)) {
        gch__buffer_reset(&url);
        return gch__no_memory(err, "remote");
    }
    *out_url = (char *)url.bytes;
    return GCH_OK;
}
