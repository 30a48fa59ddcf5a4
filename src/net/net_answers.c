/* Finished answers of a data server for the queries of a chart (gch/remote.h).
 *
 * Each column has a slot for its range and one for each way of joining its points; a slot has at
 * most one request under way, and a new question cancels it. The client's thread hands bodies over;
 * checking and keeping them is done by the asker, who comes back for them with its next frame.
 *
 * Invariants:
 *  1. An answer is given out only after it has been checked whole against the question it is for,
 *     of the version of the file that the source has opened.
 *  2. What is borrowed out is pinned until the next question of its slot.
 *  3. `flight` of a slot is touched under the lock; a request that finds itself no more in its slot
 *     drops what it brings.
 *  4. A server that refuses is not asked again: the pages serve then.
 */
#include "gch/columns.h"
#include "gch/remote.h"
#include "net_columns.h"
#include "net_state.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(gch_columns_piece) == sizeof(gch_piece) &&
                  offsetof(gch_columns_piece, y_right) == offsetof(gch_piece, y_right),
              "a piece of an answer is one of a query");

#define SLOT_CAP 256u
#define KEY_LEVEL 63u /* of keyed pages: no level of a tree */

enum { KIND_RANGE, KIND_COLUMNS, KIND_COLUMNS_OUTSIDE };

/* What was asked, compared and hashed byte by byte. */
typedef struct question {
    int64_t t0, t1;
    int64_t bottom_digits, top_digits;
    int32_t bottom_exp10, top_exp10;
    uint32_t kind, column, join, axis;
    uint32_t width_px, height_px;
} question;
static_assert(sizeof(question) == 64, "no padding");

/* The buffer of a keyed page: an answer, and the body that it leads into. */
typedef struct kept {
    question of;
    gch_columns_answer columns;
    gch_value min, max; /* KIND_RANGE */
    size_t body_bytes;
    _Alignas(8) uint8_t body[];
} kept;

typedef struct slot slot;

typedef struct flight {
    gch_remote_answers *of;
    slot *to;
} flight;

struct slot {
    slot *next;
    question asked; /* last */
    flight *flight; /* NULL: none */
    gch_http_id id;
    kept *came;        /* not checked yet */
    gch_status status; /* of `asked`; GCH_OK: not failed */
    gch_page page;     /* held; id 0: none */
    const kept *held;
};

struct gch_remote_answers {
    gch_answers answers;
    gch_data *data;
    gch_http *http;
    const gch_file *file;
    uint32_t number; /* of the source in keys */
    uint64_t version;
    char *url, *token; /* of the data set */
    bool is_refused;   /* the server does not do it */
    slot *slots;
    uint32_t slot_count;

    pthread_mutex_t lock;
    pthread_cond_t landed;
    uint32_t flight_count;
};

/* ---- questions ---- */

static question question_of_columns(const gch_answers_ask *ask)
{
    const gch_view *view = ask->view;
    return (question){.kind = ask->keep_outside ? KIND_COLUMNS_OUTSIDE : KIND_COLUMNS,
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

static gch_columns_ask ask_of(const gch_remote_answers *a, const question *q)
{
    return (gch_columns_ask){
        .url = a->url,
        .token = a->token,
        .column = gch_file_get_info(a->file)->columns[q->column].name,
        .has_times = true,
        .has_bounds = q->kind != KIND_RANGE,
        .t0 = q->t0,
        .t1 = q->t1,
        .bottom = {q->bottom_digits, q->bottom_exp10},
        .top = {q->top_digits, q->top_exp10},
        .width_px = q->width_px,
        .height_px = q->height_px,
        .axis = q->axis,
        .join = q->join,
        .keep_outside = q->kind == KIND_COLUMNS_OUTSIDE,
        .version = a->version,
    };
}

static bool is_same(const question *a, const question *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* 86 bits of two FNV-1a hashes (Fowler, Noll, Vo); what is found is compared with the question. */
static gch_status key_of(const gch_remote_answers *a, const question *q, gch_key *out,
                         gch_error *err)
{
    uint64_t hashes[2] = {0xCBF29CE484222325u, 0x84222325CBF29CE4u};
    uint8_t bytes[sizeof *q];
    memcpy(bytes, q, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        hashes[0] = (hashes[0] ^ bytes[i]) * 0x100000001B3u;
        hashes[1] = (hashes[1] ^ bytes[sizeof bytes - 1 - i]) * 0x100000001B3u;
    }
    gch_key_desc desc = {.source = a->number,
                         .column = q->column,
                         .level = KEY_LEVEL,
                         .page = hashes[0] >> 18,
                         .version = hashes[1] >> 24};
    return gch_key_pack(&desc, out, err);
}

/* ---- slots ---- */

static bool has_place(const slot *s, const question *q)
{
    return s->asked.kind == q->kind && s->asked.column == q->column && s->asked.join == q->join;
}

static slot *find_slot(gch_remote_answers *a, const question *q)
{
    slot *s = a->slots;
    while (s != NULL && !has_place(s, q))
        s = s->next;
    if (s != NULL || a->slot_count == SLOT_CAP)
        return s;
    s = gch__alloc_zero(a->http->allocator, 1, sizeof *s, "answers");
    if (s == NULL)
        return NULL;
    s->asked = *q;
    s->status = GCH_OK;
    s->next = a->slots;
    a->slots = s;
    a->slot_count++;
    return s;
}

static void release_page(gch_remote_answers *a, slot *s)
{
    if (s->page.id != 0)
        (void)!gch_page_release(a->data, s->page, NULL); /* its own hold */
    s->page = (gch_page){0};
    s->held = NULL;
}

/* The request under way, if any, ends without a taker. */
static void supersede(gch_remote_answers *a, slot *s)
{
    pthread_mutex_lock(&a->lock);
    bool is_flying = s->flight != NULL;
    s->flight = NULL;
    kept *came = s->came;
    s->came = NULL;
    pthread_mutex_unlock(&a->lock);
    if (is_flying)
        gch_http_cancel(a->http, s->id);
    gch__free(a->http->allocator, came, "answers");
    s->status = GCH_OK;
}

/* ---- requests ---- */

/* On the client's thread. */
static void land(void *context, const gch_http_response *response)
{
    flight *f = context;
    gch_remote_answers *a = f->of;
    slot *s = f->to;
    pthread_mutex_lock(&a->lock);
    if (s->flight == f) {
        s->flight = NULL;
        s->status = response->status;
        if (response->status == GCH_OK) {
            s->came =
                gch__alloc(a->http->allocator, sizeof *s->came + response->body_bytes, "answers");
            if (s->came == NULL) {
                s->status = GCH_NO_MEMORY;
            } else {
                *s->came = (kept){.of = s->asked, .body_bytes = response->body_bytes};
                if (response->body_bytes > 0)
                    memcpy(s->came->body, response->body, response->body_bytes);
            }
        }
    }
    gch__free(a->http->allocator, f, "answers");
    if (--a->flight_count == 0)
        pthread_cond_signal(&a->landed);
    pthread_mutex_unlock(&a->lock);
}

static gch_status take_off(gch_remote_answers *a, slot *s, const question *q, gch_error *err)
{
    gch_columns_ask ask = ask_of(a, q);
    gch__buffer url = {.allocator = a->http->allocator, .purpose = "answers"};
    supersede(a, s);
    s->asked = *q;
    flight *f = gch__alloc_zero(a->http->allocator, 1, sizeof *f, "answers");
    gch_status status = f != NULL ? GCH_OK : gch__no_memory(err, "answers");
    if (status == GCH_OK)
        status = q->kind == KIND_RANGE ? gch__range_write_url(&ask, &url, err)
                                       : gch__columns_write_url(&ask, &url, err);
    if (status == GCH_OK) {
        *f = (flight){.of = a, .to = s};
        pthread_mutex_lock(&a->lock);
        s->flight = f;
        a->flight_count++;
        pthread_mutex_unlock(&a->lock);
        gch_http_request request = {.url = (const char *)url.bytes,
                                    .token = a->token,
                                    .body_cap = GCH__ANSWER_CAP,
                                    .on_done = land,
                                    .context = f};
        status = gch_http_start(a->http, &request, &s->id, err);
        if (status != GCH_OK) {
            pthread_mutex_lock(&a->lock);
            s->flight = NULL;
            a->flight_count--;
            pthread_mutex_unlock(&a->lock);
        }
    }
    if (status != GCH_OK) {
        gch__free(a->http->allocator, f, "answers");
        s->status = status;
    }
    gch__buffer_reset(&url);
    return status == GCH_OK ? GCH_PENDING : status;
}

/* ---- answers ---- */

static void free_kept(void *context, void *bytes, size_t byte_count)
{
    (void)byte_count;
    gch__free(context, bytes, "answers");
}

/* Checks what came and makes a keyed page of it, held by the slot. */
static gch_status keep(gch_remote_answers *a, slot *s, gch_key key, kept *came, gch_error *err)
{
    gch_columns_ask ask = ask_of(a, &came->of);
    gch_buffer_owned buffer = {.bytes = came,
                               .byte_count = sizeof *came + came->body_bytes,
                               .free_bytes = free_kept,
                               .context = (void *)(uintptr_t)a->http->allocator};
    gch_status status =
        came->of.kind == KIND_RANGE
            ? gch__range_parse(came->body, came->body_bytes, &ask, &came->min, &came->max, err)
            : gch__columns_parse(came->body, came->body_bytes, &ask, &came->columns, err);
    if (status == GCH_OK)
        status = gch_page_adopt(a->data, key, &buffer, 0, &s->page, err);
    if (status != GCH_OK) {
        gch__free(a->http->allocator, came, "answers");
        s->page = (gch_page){0};
        return status;
    }
    s->held = came;
    return GCH_OK;
}

/* The answer that the cache has, held by the slot. */
static bool find_kept(gch_remote_answers *a, slot *s, gch_key key, const question *q)
{
    gch_bytes bytes;
    if (gch_page_acquire_key(a->data, key, &s->page, NULL) != GCH_OK) {
        s->page = (gch_page){0};
        return false;
    }
    if (gch_page_get_bytes(a->data, s->page, &bytes, NULL) == GCH_OK) {
        s->held = (const kept *)(const void *)bytes.bytes;
        if (is_same(&s->held->of, q))
            return true;
    }
    release_page(a, s);
    return false;
}

/* Whether a failure says that there is nothing to hope for. */
static bool is_refusal(gch_status status)
{
    return status != GCH_UNAVAILABLE && status != GCH_NO_MEMORY && status != GCH_LIMIT &&
           status != GCH_EXISTS;
}

/* The answer to a question, held; or GCH_PENDING; or GCH_NOT_FOUND: it has not been asked for, and
 * may be. */
static gch_status look(gch_remote_answers *a, slot *s, const question *q, gch_error *err)
{
    gch_key key;
    if (a->is_refused)
        return gch_fail(err, GCH_UNSUPPORTED, "the server gave no answers");
    if (s->held != NULL && is_same(&s->held->of, q))
        return GCH_OK;
    release_page(a, s);
    GCH_TRY(key_of(a, q, &key, err));
    if (find_kept(a, s, key, q))
        return GCH_OK;
    if (!is_same(&s->asked, q))
        return GCH_NOT_FOUND;
    pthread_mutex_lock(&a->lock);
    bool is_flying = s->flight != NULL;
    kept *came = s->came;
    s->came = NULL;
    gch_status status = s->status;
    pthread_mutex_unlock(&a->lock);
    if (is_flying)
        return gch_fail(err, GCH_PENDING, "on its way");
    if (came != NULL)
        status = s->status = keep(a, s, key, came, err);
    a->is_refused = status != GCH_OK && is_refusal(status);
    if (status == GCH_OK)
        return s->held != NULL ? GCH_OK : GCH_NOT_FOUND;
    return gch_fail(err, status == GCH_NOT_FOUND ? GCH_UNSUPPORTED : status, "no answer came");
}

/* While the bounds of a view are on their way, its columns are not worth asking for. */
static bool awaits_range(gch_remote_answers *a)
{
    bool is_awaiting = false;
    pthread_mutex_lock(&a->lock);
    for (const slot *s = a->slots; s != NULL && !is_awaiting; s = s->next)
        is_awaiting = s->asked.kind == KIND_RANGE && s->flight != NULL;
    pthread_mutex_unlock(&a->lock);
    return is_awaiting;
}

static gch_status answer_columns(void *context, const gch_answers_ask *ask, gch_columns *out,
                                 gch_error *err)
{
    gch_remote_answers *a = context;
    question q = question_of_columns(ask);
    slot *s = find_slot(a, &q);
    if (s == NULL)
        return gch__no_memory(err, "answers");
    gch_status status = look(a, s, &q, err);
    if (status == GCH_NOT_FOUND) {
        gch_http_stats line;
        gch_http_get_stats(a->http, &line);
        if (!gch_columns_are_quicker(&line, ask->missing_bytes, ask->view->width_px)) {
            supersede(a, s);
            return gch_fail(err, GCH_UNSUPPORTED, "the pages are quicker");
        }
        return awaits_range(a) ? GCH_PENDING : take_off(a, s, &q, err);
    }
    if (status != GCH_OK)
        return status;
    const gch_columns_answer *answer = &s->held->columns;
    *out = (gch_columns){.width_px = answer->width_px,
                         .first = answer->first,
                         .pieces = (const gch_piece *)(const void *)answer->pieces,
                         .row_count = answer->end_row - answer->first_row};
    return GCH_OK;
}

static gch_status answer_range(void *context, uint32_t column, int64_t t0, int64_t t1,
                               gch_value *out_min, gch_value *out_max, gch_error *err)
{
    gch_remote_answers *a = context;
    question q = {.kind = KIND_RANGE, .column = column, .t0 = t0, .t1 = t1};
    slot *s = find_slot(a, &q);
    if (s == NULL)
        return gch__no_memory(err, "answers");
    gch_status status = look(a, s, &q, err);
    if (status == GCH_NOT_FOUND)
        return take_off(a, s, &q, err);
    if (status != GCH_OK)
        return status;
    *out_min = s->held->min;
    *out_max = s->held->max;
    return GCH_OK;
}

/* ---- making and ending ---- */

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

/* "http://host/data/NAME.gch" is the data set "http://host/v1/data/NAME". */
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

static gch_status set_url(gch_remote_answers *a, const char *file_url, gch_error *err)
{
    size_t path, end;
    if (!is_data_url(file_url, &path, &end))
        return gch_fail(err, GCH_UNSUPPORTED, "%.200s: not a file at a data server", file_url);
    gch__buffer url = {.allocator = a->http->allocator, .purpose = "remote"};
    if (!gch__buffer_append(&url, file_url, path) || !gch__buffer_append(&url, "/v1", 3) ||
        !gch__buffer_append(&url, file_url + path, end - path) ||
        !gch__buffer_append(&url, "", 1)) {
        gch__buffer_reset(&url);
        return gch__no_memory(err, "remote");
    }
    a->url = (char *)url.bytes;
    return GCH_OK;
}

gch_status gch_remote_answers_make(gch_data *data, gch_http *http, gch_source source,
                                   gch_remote_answers **out, gch_error *err)
{
    gch_source_info info;
    gch__remote_texts texts = {0};
    const gch_file *file;
    GCH_TRY(gch_source_get_info(data, source, &info, err));
    GCH_TRY(gch_source_get_file(data, source, &file, err));
    gch_remote_answers *a = gch__alloc_zero(http->allocator, 1, sizeof *a, "answers");
    if (a == NULL)
        return gch__no_memory(err, "answers");
    *a = (gch_remote_answers){.answers = {answer_columns, answer_range, a},
                              .data = data,
                              .http = http,
                              .file = file,
                              .number = info.number};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->landed, NULL);
    gch_status status = gch__remote_find(http, info.number, &texts, err);
    if (status == GCH_OK && !parse_version(texts.validator, &a->version))
        status = gch_fail(err, GCH_UNSUPPORTED, "%.200s: not a file at a data server", texts.url);
    if (status == GCH_OK)
        status = set_url(a, texts.url, err);
    a->token = texts.token;
    gch__free(http->allocator, texts.url, "remote");
    if (status != GCH_OK) {
        gch_remote_answers_destroy(a);
        return status;
    }
    *out = a;
    return GCH_OK;
}

void gch_remote_answers_destroy(gch_remote_answers *a)
{
    if (a == NULL)
        return;
    const gch_allocator *allocator = a->http->allocator;
    for (slot *s = a->slots; s != NULL; s = s->next) {
        supersede(a, s);
        release_page(a, s);
    }
    pthread_mutex_lock(&a->lock);
    while (a->flight_count > 0)
        pthread_cond_wait(&a->landed, &a->lock);
    pthread_mutex_unlock(&a->lock);
    while (a->slots != NULL) {
        slot *next = a->slots->next;
        gch__free(allocator, a->slots, "answers");
        a->slots = next;
    }
    pthread_cond_destroy(&a->landed);
    pthread_mutex_destroy(&a->lock);
    gch__free(allocator, a->url, "remote");
    gch__free(allocator, a->token, "remote");
    gch__free(allocator, a, "answers");
}

const gch_answers *gch_remote_answers_get(const gch_remote_answers *a)
{
    return &a->answers;
}
