/* Finished answers of a data server: asked for here, fetched and handed in by the host.
 *
 * Each chart has, of each source, a slot for the range of a column and one for each way of joining
 * its points. A slot has two questions under way at most: the newest, and an earlier one of nearly
 * the same view, whose answer is shown meanwhile, so that a view that moves faster than answers
 * come is not without any. Those between are superseded.
 *
 * Invariants:
 *  1. A question has a ticket as long as the host may bring its answer: what comes for another
 *     number is dropped.
 *  2. What is borrowed out is pinned until the next question of its slot.
 *  3. A server that refuses is not asked again: the pages serve then. One that refuses bars may not
 *     know their zone, and is not asked for bars of that column again.
 */
#include "net_questions.h"
#include "web_state.h"

#include <string.h>

#define PURPOSE "answers"
#define SLOT_CAP 256u /* of a source */

typedef struct slot slot;
struct slot {
    slot *next;
    uint32_t chart;
    gch__question asked; /* last */
    uint32_t ticket;     /* 0: nothing is under way */
    gch__question earlier;
    uint32_t earlier_ticket; /* 0: none is under way */
    uint32_t cancelled; /* a ticket whose answer nobody awaits any more; the host is to be told */
    bool is_told;       /* the host has the question */
    bool was_answered;  /* ever */
    gch_status status;  /* of `asked`; GCH_OK: not failed */
    gch_page page;      /* held; id 0: none */
    const gch__kept *held;
    bool is_news;    /* `held` has come since the last call */
    bool is_refused; /* bars */
};

struct gch__web_answers {
    gch_answers answers;
    gch__answerer of;
    char *url;
    uint32_t source;
    bool is_refused;
    slot *slots;
    uint32_t slot_count;
};

static uint32_t last_ticket;

/* ---- slots ---- */

static slot *find_slot(gch__web_answers *a, const gch__question *q)
{
    uint32_t chart = gch__web_instance.drawing;
    slot *s = a->slots;
    while (s != NULL && !(s->chart == chart && gch__question_has_place(&s->asked, q)))
        s = s->next;
    if (s != NULL || a->slot_count == SLOT_CAP)
        return s;
    s = gch__alloc_zero(gch__web_instance.allocator, 1, sizeof *s, PURPOSE);
    if (s == NULL)
        return NULL;
    *s = (slot){.next = a->slots, .chart = chart, .asked = *q};
    a->slots = s;
    a->slot_count++;
    return s;
}

static void release_page(slot *s)
{
    if (s->page.id != 0)
        (void)!gch_page_release(gch__web_instance.data, s->page, NULL); /* its own hold */
    s->page = (gch_page){0};
    s->held = NULL;
}

static void hold(slot *s, const gch__kept *kept, gch_page page)
{
    release_page(s);
    s->held = kept;
    s->page = page;
    s->is_news = kept != NULL;
}

static void supersede(slot *s)
{
    if (s->ticket != 0 && s->is_told)
        s->cancelled = s->ticket;
    s->ticket = 0;
    s->status = GCH_OK;
}

/* The answer to a question, held; or GCH_PENDING; or GCH_NOT_FOUND: it has not been asked for, and
 * may be; or why there is none. */
static gch_status look(gch__web_answers *a, slot *s, const gch__question *q)
{
    if (a->is_refused || s->is_refused)
        return GCH_UNSUPPORTED;
    if (s->held != NULL && gch__question_is_same(&s->held->of, q))
        return GCH_OK;
    gch_page page;
    const gch__kept *kept = gch__kept_find(&a->of, q, &page);
    if (kept != NULL) {
        hold(s, kept, page);
        return GCH_OK;
    }
    if (!gch__question_is_same(&s->asked, q))
        return GCH_NOT_FOUND;
    if (s->ticket != 0)
        return GCH_PENDING;
    if (s->status == GCH_OK) /* it came, and had to make room */
        return GCH_NOT_FOUND;
    return s->status == GCH_NOT_FOUND ? GCH_UNSUPPORTED : s->status;
}

static gch_status ask(slot *s, const gch__question *q)
{
    if (s->ticket != 0 && s->is_told && s->earlier_ticket == 0 &&
        gch__question_is_near(&s->asked, q)) {
        s->earlier = s->asked;
        s->earlier_ticket = s->ticket;
        s->ticket = 0;
        s->status = GCH_OK;
    }
    supersede(s);
    s->asked = *q;
    s->is_told = false;
    last_ticket = last_ticket == UINT32_MAX ? 1 : last_ticket + 1;
    s->ticket = last_ticket;
    return GCH_PENDING;
}

/* While the bounds of a view are on their way, its columns are worth asking for only to be shown
 * meanwhile. */
static bool awaits_range(const gch__web_answers *a, uint32_t chart)
{
    for (const slot *s = a->slots; s != NULL; s = s->next) {
        if (s->chart == chart && s->asked.kind == GCH__ASKS_RANGE && s->ticket != 0)
            return true;
    }
    return false;
}

/* What has come for an earlier question since the last call. */
static const gch__kept *take_news(slot *s)
{
    const gch__kept *news = s->is_news ? s->held : NULL;
    s->is_news = false;
    return news;
}

static gch_status answer_columns(void *context, const gch_answers_ask *wanted, gch_columns *out,
                                 gch_view *out_view, gch_error *err)
{
    gch__web_answers *a = context;
    gch__question q = gch__question_of_columns(wanted);
    slot *s = find_slot(a, &q);
    if (s == NULL)
        return gch__no_memory(err, PURPOSE);
    gch_status status = look(a, s, &q);
    if (status == GCH_NOT_FOUND) {
        if (wanted->knows_rows &&
            !gch_columns_are_quicker(&gch__web_instance.line, wanted->missing_bytes,
                                     wanted->view->width_px)) {
            supersede(s);
            return gch_fail(err, GCH_UNSUPPORTED, "the pages are quicker");
        }
        bool is_busy = s->ticket != 0 || !s->was_answered;
        if (!is_busy || !awaits_range(a, s->chart))
            (void)!ask(s, &q);
        status = GCH_PENDING;
    }
    const gch__kept *news = take_news(s);
    if (status == GCH_OK)
        gch__kept_show(s->held, out);
    if (status == GCH_PENDING && news != NULL) {
        gch__kept_show(news, out);
        *out_view = gch__question_view(&news->of);
    }
    return status == GCH_OK ? GCH_OK : gch_fail(err, status, "no answer is here");
}

/* As in net_answers.c. */
static gch_status seek(gch__web_answers *a, const gch__question *q, slot **out, gch_error *err)
{
    slot *s = *out = find_slot(a, q);
    if (s == NULL)
        return gch__no_memory(err, PURPOSE);
    gch_status status = look(a, s, q);
    return status == GCH_NOT_FOUND ? ask(s, q) : status;
}

static gch_status answer_range(void *context, uint32_t column, int64_t t0, int64_t t1,
                               gch_join join, gch_value *out_min, gch_value *out_max,
                               gch_error *err)
{
    gch__web_answers *a = context;
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
    return status == GCH_OK ? GCH_OK : gch_fail(err, status, "no answer is here");
}

static gch_status answer_bars(void *context, const gch_bars_ask *wanted, const gch_bar **out_bars,
                              uint32_t *out_count, gch_error *err)
{
    gch__question q = gch__question_of_bars(wanted);
    slot *s;
    gch_status status = seek(context, &q, &s, err);
    if (s == NULL)
        return status;
    if (status != GCH_OK)
        return gch_fail(err, status, "no answer is here");
    *out_bars = s->held->bars;
    *out_count = s->held->bar_count;
    return GCH_OK;
}

/* ---- beginning and end ---- */

gch_status gch_web_source_serve(uint32_t id, const char *url, const char *validator)
{
    gch__web *web = &gch__web_instance;
    gch__web_source *source = gch__web_source_get(id);
    gch_source_info info;
    if (source == NULL)
        return GCH_INVALID;
    if (source->file == NULL || source->live_file != NULL || source->answers != NULL)
        return gch_fail(&web->err, GCH_INVALID, "%s: not an open file, or asked about before",
                        source->name);
    GCH_TRY(gch_source_get_info(web->data, source->handle, &info, &web->err));
    gch__web_answers *a = gch__alloc_zero(web->allocator, 1, sizeof *a, PURPOSE);
    if (a == NULL)
        return gch__no_memory(&web->err, PURPOSE);
    *a = (gch__web_answers){.answers = {answer_columns, answer_range, a, answer_bars},
                            .of = {.data = web->data,
                                   .allocator = web->allocator,
                                   .file = source->file,
                                   .number = info.number},
                            .source = id};
    gch_status status =
        gch__dataset_find(url, validator, web->allocator, &a->url, &a->of.version, &web->err);
    if (status != GCH_OK) {
        gch__free(web->allocator, a, PURPOSE);
        return status;
    }
    a->of.url = a->url;
    source->answers = a;
    return GCH_OK;
}

const gch_answers *gch__web_answers_get(const gch__web_source *source)
{
    return source->answers != NULL ? &source->answers->answers : NULL;
}

void gch__web_answers_destroy(gch__web_answers *a)
{
    if (a == NULL)
        return;
    while (a->slots != NULL) {
        slot *next = a->slots->next;
        release_page(a->slots);
        gch__free(gch__web_instance.allocator, a->slots, PURPOSE);
        a->slots = next;
    }
    gch__free(gch__web_instance.allocator, a->url, "remote");
    gch__free(gch__web_instance.allocator, a, PURPOSE);
}

void gch__web_answers_forget(gch__web_answers *a, uint32_t chart)
{
    slot **link = a != NULL ? &a->slots : NULL;
    while (link != NULL && *link != NULL) {
        slot *s = *link;
        if (s->chart != chart) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        release_page(s);
        gch__free(gch__web_instance.allocator, s, PURPOSE);
        a->slot_count--;
    }
}

/* ---- the host ---- */

static gch_status tell(gch__web_answers *a, slot *s, gch_web_question *out)
{
    gch__web *web = &gch__web_instance;
    *out = (gch_web_question){.source = a->source, .cancelled = s->cancelled};
    s->cancelled = 0;
    if (s->ticket == 0 || s->is_told)
        return GCH_OK;
    web->text.allocator = web->allocator;
    web->text.purpose = "text";
    web->text.count = 0;
    s->is_told = true;
    gch_status status = gch__question_write_url(&a->of, &s->asked, &web->text, &web->err);
    if (status != GCH_OK) {
        s->ticket = 0;
        s->status = status;
        return status;
    }
    out->ticket = s->ticket;
    out->url = (const char *)web->text.bytes;
    return GCH_OK;
}

gch_status gch_web_take_question(gch_web_question *out)
{
    const gch__pool *pool = &gch__web_instance.sources;
    for (uint32_t i = 0; i < pool->used; i++) {
        const gch__web_source *source = pool->slots[i].object;
        gch__web_answers *a = source != NULL ? source->answers : NULL;
        for (slot *s = a != NULL ? a->slots : NULL; s != NULL; s = s->next) {
            if (s->cancelled != 0 || (s->ticket != 0 && !s->is_told))
                return tell(a, s, out);
        }
    }
    return GCH_NOT_FOUND; /* as it should be: the last failure stays to be told */
}

static slot *find_ticket(const gch__web_answers *a, uint32_t ticket)
{
    slot *s = a != NULL ? a->slots : NULL;
    while (s != NULL && (ticket == 0 || (s->ticket != ticket && s->earlier_ticket != ticket)))
        s = s->next;
    return s;
}

gch_status gch_web_answer(uint32_t id, uint32_t ticket, gch_status failure, const void *body,
                          size_t byte_count)
{
    gch__web_source *source = gch__web_source_get(id);
    if (source == NULL)
        return GCH_INVALID;
    gch__web_answers *a = source->answers;
    slot *s = find_ticket(a, ticket);
    if (s == NULL)
        return gch_fail(gch__web_err(), GCH_NOT_FOUND, "nobody awaits answer %u", ticket);
    bool is_earlier = s->ticket != ticket;
    gch_status status = failure;
    if (failure == GCH_OK) {
        gch__kept *came = gch__kept_make(&a->of, is_earlier ? &s->earlier : &s->asked, byte_count);
        if (came != NULL && byte_count > 0)
            memcpy(came->body, body, byte_count);
        gch_page page = {0};
        status = came != NULL ? gch__kept_keep(&a->of, came, &page, gch__web_err())
                              : gch__no_memory(gch__web_err(), PURPOSE);
        /* After the newest answer an earlier one is no news, but may be asked for again. */
        if (status == GCH_OK && is_earlier && s->ticket == 0)
            (void)!gch_page_release(gch__web_instance.data, page, NULL); /* its own hold */
        else if (status == GCH_OK)
            hold(s, came, page);
        s->was_answered = s->was_answered || status == GCH_OK;
    }
    if (is_earlier) {
        s->earlier_ticket = 0;
    } else {
        s->ticket = 0;
        s->status = status;
    }
    bool is_refused = status != GCH_OK && gch__is_refusal(status);
    *(s->asked.kind == GCH__ASKS_BARS ? &s->is_refused : &a->is_refused) = is_refused;
    return failure == GCH_OK ? status : GCH_OK;
}

void gch_web_line(double latency_ns, double bytes_per_s)
{
    gch__web_instance.line = (gch_http_stats){
        .latency_ns = latency_ns > 0 && latency_ns < 0x1p62 ? (uint64_t)latency_ns : 0,
        .bytes_per_s = bytes_per_s > 0 && bytes_per_s < 0x1p62 ? (uint64_t)bytes_per_s : 0};
}
