/* Finished answers of a data server for the queries of a chart (gch/remote.h).
 *
 * Each column has a slot for its range and one for each way of joining its points. A slot has at
 * most two requests under way: the newest, and an earlier one of nearly the same view, whose answer
 * is shown meanwhile. Those between are cancelled. The client's thread hands bodies over;
 * checking and keeping them is done by the asker, who comes back for them with its next frame.
 *
 * Invariants:
 *  1. What is borrowed out is pinned until the next question of its slot.
 *  2. `flight`, `earlier` and `came` of a slot are touched under the lock; a request that finds
 * itself no more in its slot drops what it brings.
 *  3. A server that refuses is not asked again: the pages serve then.
 */
#include "gch/columns.h"
#include "gch/remote.h"
#include "net_columns.h"
#include "net_questions.h"
#include "net_state.h"

#include <string.h>

#define SLOT_CAP 256u

typedef struct slot slot;

typedef struct flight {
    gch_remote_answers *of;
    slot *to;
    gch__question asked;
} flight;

struct slot {
    slot *next;
    gch__question asked; /* last */
    flight *flight;      /* of it; NULL: none */
    flight *earlier;     /* of an earlier question; NULL: none */
    gch_http_id id, earlier_id;
    gch__kept *came;   /* not checked yet */
    gch_status status; /* of `asked`; GCH_OK: not failed */
    gch_page page;     /* held; id 0: none */
    const gch__kept *held;
    bool is_news;      /* `held` has come since the last call */
    bool was_answered; /* ever */
    bool is_refused;   /* bars, of whose zone the server may know nothing */
};

struct gch_remote_answers {
    gch_answers answers;
    gch_data *data;
    gch_http *http;
    gch__answerer of;
    char *url, *token; /* of the data set */
    bool is_refused;   /* the server does not do it */
    slot *slots;
    uint32_t slot_count;

    pthread_mutex_t lock;
    pthread_cond_t landed;
    uint32_t flight_count;
};

/* ---- slots ---- */

static slot *find_slot(gch_remote_answers *a, const gch__question *q)
{
    slot *s = a->slots;
    while (s != NULL && !gch__question_has_place(&s->asked, q))
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

static void hold(gch_remote_answers *a, slot *s, const gch__kept *kept, gch_page page)
{
    release_page(a, s);
    s->held = kept;
    s->page = page;
    s->is_news = true;
}

/* Requests under way end without a taker. */
static void drop_flights(gch_remote_answers *a, slot *s)
{
    pthread_mutex_lock(&a->lock);
    bool is_flying = s->flight != NULL, is_earlier_flying = s->earlier != NULL;
    s->flight = s->earlier = NULL;
    gch__kept *came = s->came;
    s->came = NULL;
    pthread_mutex_unlock(&a->lock);
    if (is_flying)
        gch_http_cancel(a->http, s->id);
    if (is_earlier_flying)
        gch_http_cancel(a->http, s->earlier_id);
    gch__kept_free(&a->of, came);
    s->status = GCH_OK;
}

/* Makes room for the flight of a newer question. */
static void supersede(gch_remote_answers *a, slot *s, const gch__question *by)
{
    bool is_near = gch__question_is_near(&s->asked, by);
    pthread_mutex_lock(&a->lock);
    bool is_flying = s->flight != NULL;
    if (is_flying && is_near && s->earlier == NULL) {
        s->earlier = s->flight;
        s->earlier_id = s->id;
        is_flying = false;
    }
    s->flight = NULL;
    pthread_mutex_unlock(&a->lock);
    if (is_flying)
        gch_http_cancel(a->http, s->id);
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
    gch_status status = response->status;
    /* After the newest answer an earlier one is no news. */
    bool is_newest = s->flight == f,
         is_wanted = is_newest || (s->earlier == f && s->flight != NULL);
    if (is_wanted && status == GCH_OK) {
        gch__kept_free(&a->of, s->came);
        s->came = gch__kept_make(&a->of, &f->asked, response->body_bytes);
        if (s->came == NULL)
            status = GCH_NO_MEMORY;
        else if (response->body_bytes > 0)
            memcpy(s->came->body, response->body, response->body_bytes);
    }
    if (s->earlier == f)
        s->earlier = NULL;
    if (is_newest) {
        s->flight = NULL;
        s->status = status;
    }
    gch__free(a->http->allocator, f, "answers");
    if (--a->flight_count == 0)
        pthread_cond_signal(&a->landed);
    pthread_mutex_unlock(&a->lock);
}

static gch_status take_off(gch_remote_answers *a, slot *s, const gch__question *q, gch_error *err)
{
    gch__buffer url = {.allocator = a->http->allocator, .purpose = "answers"};
    supersede(a, s, q);
    s->asked = *q;
    flight *f = gch__alloc_zero(a->http->allocator, 1, sizeof *f, "answers");
    gch_status status = f != NULL ? GCH_OK : gch__no_memory(err, "answers");
    if (status == GCH_OK)
        status = gch__question_write_url(&a->of, q, &url, err);
    if (status == GCH_OK) {
        *f = (flight){.of = a, .to = s, .asked = *q};
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

/* The answer to a question, held; or GCH_PENDING; or GCH_NOT_FOUND: it has not been asked for, and
 * may be. */
static gch_status look(gch_remote_answers *a, slot *s, const gch__question *q, gch_error *err)
{
    if (a->is_refused || s->is_refused)
        return gch_fail(err, GCH_UNSUPPORTED, "the server gave no answers");
    pthread_mutex_lock(&a->lock);
    bool is_flying = s->flight != NULL;
    gch__kept *came = s->came;
    s->came = NULL;
    gch_status status = s->status;
    pthread_mutex_unlock(&a->lock);
    if (came != NULL) {
        bool is_newest = gch__question_is_same(&came->of, &s->asked);
        gch_page page;
        gch_status kept = gch__kept_keep(&a->of, came, &page, err);
        if (kept == GCH_OK) {
            hold(a, s, came, page);
            s->was_answered = true;
        }
        if (is_newest)
            status = s->status = kept;
    }
    if (s->held != NULL && gch__question_is_same(&s->held->of, q))
        return GCH_OK;
    gch_page page;
    const gch__kept *known = gch__kept_find(&a->of, q, &page);
    if (known != NULL) {
        hold(a, s, known, page);
        return GCH_OK;
    }
    if (!gch__question_is_same(&s->asked, q))
        return GCH_NOT_FOUND;
    if (is_flying)
        return gch_fail(err, GCH_PENDING, "on its way");
    bool is_refused = status != GCH_OK && gch__is_refusal(status);
    *(q->kind == GCH__ASKS_BARS ? &s->is_refused : &a->is_refused) = is_refused;
    if (status == GCH_OK)
        return GCH_NOT_FOUND;
    return gch_fail(err, status == GCH_NOT_FOUND ? GCH_UNSUPPORTED : status, "no answer came");
}

/* While the bounds of a view are on their way, its columns are worth asking for only to be shown
 * meanwhile. */
static bool awaits_range(gch_remote_answers *a)
{
    bool is_awaiting = false;
    pthread_mutex_lock(&a->lock);
    for (const slot *s = a->slots; s != NULL && !is_awaiting; s = s->next)
        is_awaiting = s->asked.kind == GCH__ASKS_RANGE && s->flight != NULL;
    pthread_mutex_unlock(&a->lock);
    return is_awaiting;
}

/* What has come for an earlier question since the last call. */
static const gch__kept *take_news(slot *s)
{
    const gch__kept *news = s->is_news ? s->held : NULL;
    s->is_news = false;
    return news;
}

static bool is_busy(gch_remote_answers *a, const slot *s)
{
    pthread_mutex_lock(&a->lock);
    bool is_flying = s->flight != NULL;
    pthread_mutex_unlock(&a->lock);
    return is_flying || !s->was_answered;
}

static gch_status answer_columns(void *context, const gch_answers_ask *ask, gch_columns *out,
                                 gch_view *out_view, gch_error *err)
{
    gch_remote_answers *a = context;
    gch__question q = gch__question_of_columns(ask);
    slot *s = find_slot(a, &q);
    if (s == NULL)
        return gch__no_memory(err, "answers");
    gch_status status = look(a, s, &q, err);
    if (status == GCH_NOT_FOUND) {
        gch_http_stats line;
        gch_http_get_stats(a->http, &line);
        if (ask->knows_rows &&
            !gch_columns_are_quicker(&line, ask->missing_bytes, ask->view->width_px)) {
            drop_flights(a, s);
            return gch_fail(err, GCH_UNSUPPORTED, "the pages are quicker");
        }
        status = is_busy(a, s) && awaits_range(a) ? GCH_PENDING : take_off(a, s, &q, err);
    }
    const gch__kept *news = take_news(s);
    if (status == GCH_OK)
        gch__kept_show(s->held, out);
    if (status == GCH_PENDING && news != NULL) {
        gch__kept_show(news, out);
        *out_view = gch__question_view(&news->of);
    }
    return status;
}

/* The slot of a question and what is known of it, which is asked for if that is nothing. *out NULL:
 * GCH_NO_MEMORY. */
static gch_status seek(gch_remote_answers *a, const gch__question *q, slot **out, gch_error *err)
{
    slot *s = *out = find_slot(a, q);
    if (s == NULL)
        return gch__no_memory(err, "answers");
    gch_status status = look(a, s, q, err);
    return status == GCH_NOT_FOUND ? take_off(a, s, q, err) : status;
}

static gch_status answer_range(void *context, uint32_t column, int64_t t0, int64_t t1,
                               gch_join join, gch_value *out_min, gch_value *out_max,
                               gch_error *err)
{
    gch_remote_answers *a = context;
    gch__question q = gch__question_of_range(column, t0, t1, join);
    slot *s;
    gch_status status = seek(a, &q, &s, err);
    if (s == NULL)
        return status;
    const gch__kept *news = take_news(s);
    if (status == GCH_OK ||
        (status == GCH_PENDING && news != NULL && gch__question_is_near(&news->of, &q))) {
        *out_min = s->held->min;
        *out_max = s->held->max;
    }
    return status;
}

static gch_status answer_bars(void *context, const gch_bars_ask *ask, const gch_bar **out_bars,
                              uint32_t *out_count, gch_error *err)
{
    gch_remote_answers *a = context;
    gch__question q = gch__question_of_bars(ask);
    slot *s;
    gch_status status = seek(a, &q, &s, err);
    if (s == NULL)
        return status;
    if (status == GCH_OK) {
        *out_bars = s->held->bars;
        *out_count = s->held->bar_count;
    }
    return status;
}

/* ---- making and ending ---- */

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
    *a = (gch_remote_answers){
        .answers = {answer_columns, answer_range, a, answer_bars},
        .data = data,
        .http = http,
        .of = {.data = data, .allocator = http->allocator, .file = file, .number = info.number}};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->landed, NULL);
    gch_status status = gch__remote_find(http, info.number, &texts, err);
    if (status == GCH_OK)
        status = gch__dataset_find(texts.url, texts.validator, http->allocator, &a->url,
                                   &a->of.version, err);
    a->of.url = a->url;
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
        drop_flights(a, s);
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
