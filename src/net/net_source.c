/* A file at a URL as a source of the data manager: its reads become ranges.
 *
 * Opening takes two round trips after the connection stands: the first page and the end of the file
 * together, then what the index needs of the rest with one range. Over a slow line a large file's
 * is guessed lean, and a file of several columns may need some more ranges, each twice the last.
 * What came with these but was not asked for yet (a "piece") is kept until the file is open. Where
 * there are many segments, the manager's loaders ask for what each of them needs at once.
 *
 * Invariants:
 *  1. Every range is asked for under the validator that the first answers gave.
 *  2. Pieces and what goes with them are read and written under the lock, but for the bytes of one
 *     that is on its way; once the source is open there are none.
 */
#include "gch/remote.h"
#include "net_state.h"

#include <string.h>
#include <strings.h>

#define TAIL_BYTES (128u << 10)
/* Before the first place that the index is read at, a segment's descriptor, lie the upper levels of
 * its trees: 1 byte in 400 of the file. Of a large file only the last 1 in 5,000 is needed. */
#define LEAD_SHARE 400u
#define LEAN_LEAD_SHARE 5000u
#define LEAD_MIN (64u << 10)
#define LEAD_MAX (8u << 20)
#define DESCRIPTOR_SHARE 1000u /* a descriptor is 1 byte in 2,000 of a segment */

typedef struct piece {
    uint64_t first;
    size_t count;
    uint8_t *bytes;
} piece;

#define PIECE_CAP 12u
enum { PIECE_HEAD, PIECE_TAIL, PIECE_INDEX };

typedef struct gch__remote {
    gch_http *http;
    struct gch__remote *next; /* in http->remotes, under its lock, once it is open */
    uint32_t number;          /* gch_source_info.number */
    char *url, *token;
    char validator[GCH_HTTP_VALIDATOR_CAP];
    uint64_t byte_count;
    _Atomic bool is_changed;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t fetched;
    bool is_open, is_fetching; /* the last piece */
    uint64_t lead;             /* of the next piece of the index; 0: not chosen yet */
    uint32_t piece_count;
    piece pieces[PIECE_CAP];
} gch__remote;

static void drop_pieces(gch__remote *r)
{
    for (uint32_t i = 0; i < PIECE_CAP; i++) {
        gch__free(r->http->allocator, r->pieces[i].bytes, "index");
        r->pieces[i] = (piece){0};
    }
}

static void destroy(void *context)
{
    gch__remote *r = context;
    const gch_allocator *allocator = r->http->allocator;
    pthread_mutex_lock(&r->http->lock);
    gch__remote **place = &r->http->remotes;
    while (*place != NULL && *place != r)
        place = &(*place)->next;
    if (*place == r)
        *place = r->next;
    pthread_mutex_unlock(&r->http->lock);
    drop_pieces(r);
    pthread_cond_destroy(&r->fetched);
    pthread_mutex_destroy(&r->lock);
    gch__free(allocator, r->url, "remote");
    gch__free(allocator, r->token, "remote");
    gch__free(allocator, r, "remote");
}

/* ---- reading ---- */

static gch_status fail_changed(const gch__remote *r, gch_error *err)
{
    return gch_fail(err, GCH_IO, "%s: it has been replaced since it was opened; open it again",
                    r->url);
}

static gch_status fetch(gch__remote *r, uint64_t offset, size_t count, gch_priority priority,
                        void *out, const gch_cancel *cancel, gch_error *err)
{
    if (atomic_load(&r->is_changed))
        return fail_changed(r, err);
    gch_http_response response;
    gch_http_request request = {.url = r->url,
                                .token = r->token,
                                .priority = priority,
                                .offset = offset,
                                .byte_count = count,
                                .out_bytes = out,
                                .validator = r->validator};
    gch_status status = gch_http_fetch(r->http, &request, cancel, &response, err);
    if (!response.is_changed)
        return status;
    atomic_store(&r->is_changed, true);
    return fail_changed(r, err);
}

/* The piece that holds a byte, or NULL; *out_next is where the next one begins. Under the lock. */
static const piece *find_piece(const gch__remote *r, uint64_t offset, uint64_t *out_next)
{
    const piece *found = NULL;
    *out_next = UINT64_MAX;
    for (uint32_t i = 0; i < r->piece_count; i++) {
        const piece *p = &r->pieces[i];
        if (offset >= p->first && offset - p->first < p->count)
            found = p;
        else if (p->count > 0 && p->first > offset)
            *out_next = GCH_MIN(*out_next, p->first);
    }
    return found;
}

/* How much is fetched before the descriptor: all upper levels, unless the bytes of the first of
 * them take longer than a round trip. */
static uint64_t choose_lead(const gch__remote *r)
{
    gch_http_stats line;
    uint64_t lead =
        GCH_MIN(GCH_MAX(r->byte_count / LEAD_SHARE, (uint64_t)LEAD_MIN), (uint64_t)LEAD_MAX);
    uint64_t lean = GCH_MAX(r->byte_count / LEAN_LEAD_SHARE, (uint64_t)LEAD_MIN);
    gch_http_get_stats(r->http, &line);
    double trip_bytes = (double)line.bytes_per_s * (double)line.latency_ns / 1e9;
    return (double)lead > (double)lean + trip_bytes ? lean : lead;
}

/* The index is being read, at `offset`, which no piece holds: fetches it up to the next piece, and
 * what lies before it, where the next place is likely to be. Who needs a part of that meanwhile
 * waits. False if the next piece is too far for all between to be index. Under the lock, which it
 * leaves while it fetches. */
static bool fetch_index(gch__remote *r, uint64_t offset, uint64_t next, gch_status *status,
                        gch_error *err)
{
    const piece *head = &r->pieces[PIECE_HEAD], *tail = &r->pieces[PIECE_TAIL];
    uint64_t floor = head->first + head->count;
    if (r->is_fetching) {
        if (offset < r->pieces[r->piece_count - 1].first || offset >= tail->first)
            return false;
        while (r->is_fetching)
            pthread_cond_wait(&r->fetched, &r->lock);
        return true;
    }
    if (r->piece_count == PIECE_CAP || tail->count == 0 || offset < floor ||
        offset >= tail->first ||
        next - offset > GCH_MAX(r->byte_count / DESCRIPTOR_SHARE, (uint64_t)LEAD_MIN))
        return false;
    r->lead = r->lead == 0 ? choose_lead(r) : GCH_MIN(2 * r->lead, (uint64_t)LEAD_MAX);
    uint64_t first = offset - floor > r->lead ? offset - r->lead : floor;
    size_t count = (size_t)(next - first);
    uint8_t *bytes = gch__alloc(r->http->allocator, count, "index");
    if (bytes == NULL) {
        *status = gch__no_memory(err, "index");
        return true;
    }
    piece *index = &r->pieces[r->piece_count++];
    *index = (piece){.first = first, .bytes = bytes};
    r->is_fetching = true;
    pthread_mutex_unlock(&r->lock);
    *status = fetch(r, first, count, GCH_PRIORITY_VISIBLE, bytes, NULL, err);
    pthread_mutex_lock(&r->lock);
    index->count = *status == GCH_OK ? count : 0;
    r->is_fetching = false;
    pthread_cond_broadcast(&r->fetched);
    return true;
}

/* A part of what is read from the pieces, or how much of it has to be fetched by itself. */
static gch_status read_piece(gch__remote *r, uint64_t offset, size_t count, void *out,
                             size_t *out_count, bool *out_is_there, gch_error *err)
{
    gch_status status = GCH_OK;
    const piece *p;
    uint64_t next;
    pthread_mutex_lock(&r->lock);
    do {
        p = find_piece(r, offset, &next);
    } while (p == NULL && !r->is_open && fetch_index(r, offset, next, &status, err) &&
             status == GCH_OK);
    *out_is_there = p != NULL;
    *out_count = (size_t)GCH_MIN((uint64_t)count, next - offset);
    if (p != NULL) {
        size_t at = (size_t)(offset - p->first);
        *out_count = GCH_MIN(count, p->count - at);
        memcpy(out, p->bytes + at, *out_count);
    }
    pthread_mutex_unlock(&r->lock);
    return status;
}

static gch_status read_bytes(void *context, uint64_t offset, size_t count, gch_priority priority,
                             void *out_bytes, const gch_cancel *cancel, gch_error *err)
{
    gch__remote *r = context;
    uint8_t *out = out_bytes;
    while (count > 0) {
        size_t part;
        bool is_there;
        GCH_TRY(read_piece(r, offset, count, out, &part, &is_there, err));
        if (!is_there)
            GCH_TRY(fetch(r, offset, part, priority, out, cancel, err));
        offset += part;
        count -= part;
        out += part;
    }
    return GCH_OK;
}

/* ---- versions ---- */

/* FNV-1a (Fowler, Noll, Vo), 64 bits, over the validator; never 0. */
static uint64_t version_of(const char *validator)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (const char *p = validator; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001B3u;
    return hash | 1u;
}

static gch_status get_version(void *context, uint64_t *out_version, gch_error *err)
{
    gch__remote *r = context;
    gch_http_response response = {0};
    pthread_mutex_lock(&r->lock);
    bool is_open = r->is_open;
    pthread_mutex_unlock(&r->lock);
    if (is_open) {
        gch_http_request request = {.url = r->url, .token = r->token, .method = GCH_HTTP_HEAD};
        GCH_TRY(gch_http_fetch(r->http, &request, NULL, &response, err));
        if (strcmp(response.validator, r->validator) != 0)
            atomic_store(&r->is_changed, true);
    }
    *out_version = version_of(is_open ? response.validator : r->validator);
    return GCH_OK;
}

/* ---- opening ---- */

typedef struct both {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int left;
    gch_http_response responses[2];
} both;

typedef struct half {
    both *of;
    int number;
} half;

static void note_half(void *context, const gch_http_response *response)
{
    const half *h = context;
    pthread_mutex_lock(&h->of->lock);
    h->of->responses[h->number] = *response;
    if (--h->of->left == 0)
        pthread_cond_signal(&h->of->done);
    pthread_mutex_unlock(&h->of->lock);
}

/* The head and the tail at once: one round trip. */
static void fetch_ends(gch__remote *r, both *b)
{
    half halves[2] = {{b, 0}, {b, 1}};
    gch_http_request request = {.url = r->url, .token = r->token, .on_done = note_half};
    b->left = 2;
    for (int i = 0; i < 2; i++) {
        piece *p = &r->pieces[i == 0 ? PIECE_HEAD : PIECE_TAIL];
        request.byte_count = i == 0 ? GCH_PAGE_BYTES : TAIL_BYTES;
        request.is_suffix = i == 1;
        request.out_bytes = p->bytes;
        request.context = &halves[i];
        gch_http_response *response = &b->responses[i];
        gch_status status = gch_http_start(r->http, &request, NULL, &response->error);
        if (status != GCH_OK) {
            pthread_mutex_lock(&b->lock);
            response->status = status;
            b->left--;
            pthread_mutex_unlock(&b->lock);
        }
    }
    pthread_mutex_lock(&b->lock);
    while (b->left > 0)
        pthread_cond_wait(&b->done, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

/* Takes the two ends as pieces. *again: they are of two versions. */
static gch_status take_ends(gch__remote *r, const both *b, bool *again, gch_error *err)
{
    const gch_http_response *head = &b->responses[0], *tail = &b->responses[1];
    *again = false;
    if (tail->status != GCH_OK) {
        if (err != NULL)
            *err = tail->error;
        return tail->status;
    }
    r->byte_count = tail->total_bytes;
    r->pieces[PIECE_TAIL].first = tail->offset;
    r->pieces[PIECE_TAIL].count = tail->body_bytes;
    memcpy(r->validator, tail->validator, sizeof r->validator);
    if (tail->body_bytes == tail->total_bytes)
        return GCH_OK; /* all of it; a smaller file has no whole first page */
    if (head->status != GCH_OK) {
        if (err != NULL)
            *err = head->error;
        return head->status;
    }
    r->pieces[PIECE_HEAD].count = head->body_bytes;
    *again =
        head->total_bytes != tail->total_bytes || strcmp(head->validator, tail->validator) != 0;
    return GCH_OK;
}

static gch_status open_ends(gch__remote *r, gch_error *err)
{
    both b = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    gch_status status = GCH_OK;
    bool again = true;
    r->pieces[PIECE_HEAD].bytes = gch__alloc(r->http->allocator, GCH_PAGE_BYTES, "index");
    r->pieces[PIECE_TAIL].bytes = gch__alloc(r->http->allocator, TAIL_BYTES, "index");
    if (r->pieces[PIECE_HEAD].bytes == NULL || r->pieces[PIECE_TAIL].bytes == NULL)
        return gch__no_memory(err, "index");
    for (int i = 0; i < 2 && again && status == GCH_OK; i++) {
        fetch_ends(r, &b);
        status = take_ends(r, &b, &again, err);
    }
    pthread_cond_destroy(&b.done);
    pthread_mutex_destroy(&b.lock);
    if (status == GCH_OK && again)
        status = gch_fail(err, GCH_UNAVAILABLE, "%s: it is being replaced all the time", r->url);
    if (status == GCH_OK && r->byte_count == 0)
        status = gch_fail(err, GCH_CORRUPT, "%s: the file is empty, or nothing says how long it is",
                          r->url);
    return status;
}

static gch_status open_http(gch_data *data, gch_http *http, const char *url,
                            const gch_url_desc *desc, gch_source *out, gch_error *err)
{
    const char *token = desc->token != NULL ? desc->token : "";
    gch_source_ops ops = {.read = read_bytes, .get_version = get_version, .close = destroy};
    gch_source_desc source = {.is_raw = desc->is_raw,
                              .lifetime_ns = desc->lifetime_ns,
                              .name = desc->name != NULL ? desc->name : url};
    gch__remote *r = gch__alloc_zero(http->allocator, 1, sizeof *r, "remote");
    if (r == NULL)
        return gch__no_memory(err, "remote");
    r->http = http;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->fetched, NULL);
    r->piece_count = PIECE_INDEX;
    r->url = gch__copy_text(http->allocator, url, strlen(url), "remote");
    r->token = gch__copy_text(http->allocator, token, strlen(token), "remote");
    ops.context = r;
    gch_status status =
        r->url != NULL && r->token != NULL ? open_ends(r, err) : gch__no_memory(err, "remote");
    if (status == GCH_OK)
        status = gch_source_open_ops(data, &ops, r->byte_count, &source, out, err);
    if (status != GCH_OK) {
        destroy(r);
        return status;
    }
    pthread_mutex_lock(&r->lock);
    r->is_open = true;
    while (r->is_fetching) /* what was asked for ahead and turned out not to be needed */
        pthread_cond_wait(&r->fetched, &r->lock);
    drop_pieces(r);
    pthread_mutex_unlock(&r->lock);
    gch_source_info info;
    GCH_TRY(gch_source_get_info(data, *out, &info, err));
    r->number = info.number;
    pthread_mutex_lock(&http->lock);
    r->next = http->remotes;
    http->remotes = r;
    pthread_mutex_unlock(&http->lock);
    return GCH_OK;
}

gch_status gch__remote_find(gch_http *http, uint32_t number, gch__remote_texts *out, gch_error *err)
{
    gch__remote_texts texts = {0};
    pthread_mutex_lock(&http->lock);
    const gch__remote *r = http->remotes;
    while (r != NULL && r->number != number)
        r = r->next;
    if (r != NULL) {
        texts.url = gch__copy_text(http->allocator, r->url, strlen(r->url), "remote");
        texts.token = gch__copy_text(http->allocator, r->token, strlen(r->token), "remote");
        memcpy(texts.validator, r->validator, sizeof texts.validator);
    }
    pthread_mutex_unlock(&http->lock);
    if (r == NULL)
        return gch_fail(err, GCH_UNSUPPORTED, "the source was not opened with this client");
    if (texts.url == NULL || texts.token == NULL) {
        gch__free(http->allocator, texts.url, "remote");
        gch__free(http->allocator, texts.token, "remote");
        return gch__no_memory(err, "remote");
    }
    *out = texts;
    return GCH_OK;
}

/* ---- URLs ---- */

static bool has_scheme(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

bool gch_url_is_url(const char *text)
{
    return has_scheme(text, "https://") || has_scheme(text, "http://") ||
           has_scheme(text, "file://");
}

/* file:///path and file://localhost/path. */
static gch_status open_local(gch_data *data, const char *url, const gch_url_desc *desc,
                             gch_source *out, gch_error *err)
{
    gch_source_desc source = {
        .is_raw = desc->is_raw, .lifetime_ns = desc->lifetime_ns, .name = desc->name};
    char *path = NULL;
    CURLU *parts = curl_url();
    if (parts == NULL)
        return gch__no_memory(err, "url");
    gch_status status;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PATH, &path, CURLU_URLDECODE) == CURLUE_OK)
        status = gch_source_open_file(data, path, &source, out, err);
    else
        status = gch_fail(err, GCH_INVALID, "%.200s: not the URL of a file on this machine", url);
    curl_free(path);
    curl_url_cleanup(parts);
    return status;
}

gch_status gch_source_open_url(gch_data *data, gch_http *http, const char *url,
                               const gch_url_desc *desc, gch_source *out, gch_error *err)
{
    static const gch_url_desc defaults;
    if (desc == NULL)
        desc = &defaults;
    if (has_scheme(url, "file://"))
        return open_local(data, url, desc, out, err);
    if (!gch_url_is_url(url))
        return gch_fail(err, GCH_INVALID, "%.200s: neither http, https nor file", url);
    return open_http(data, http, url, desc, out, err);
}
