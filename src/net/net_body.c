/* An answer as it comes in: its head is judged once, its body goes straight to where it is wanted.
 *
 * Invariants:
 *  1. No byte is delivered before the head was judged: status, range, version and coding.
 *  2. Bytes are delivered in order, each once, whatever number of tries they come from; `position`
 *     is the next one.
 *  3. A callback of the caller may start and cancel requests, but nothing here frees an exchange.
 */
#include "net_state.h"

#include <string.h>
#include <time.h>

#define REFUSED_CAP 65536u /* of an error's text; then the stream is given up */

static void fail(gch__exchange *exchange, gch_status status)
{
    exchange->failure = status;
}

void gch__http_body_reset(gch__exchange *exchange)
{
    gch__head_reset(&exchange->head);
    exchange->has_body = false;
    exchange->is_refused = false;
    exchange->is_paused = false;
    exchange->refused_bytes = 0;
    exchange->skip = 0;
    exchange->first_byte_ns = 0;
    gch__decoder_destroy(exchange->decoder);
    exchange->decoder = NULL;
    exchange->coding = GCH__CODING_IDENTITY;
}

size_t gch__http_body_take_head(char *line, size_t size, size_t count, void *context)
{
    gch__exchange *exchange = context;
    int64_t now = gch__clock_ns();
    exchange->progress_ns = now;
    if (exchange->first_byte_ns == 0) {
        exchange->first_byte_ns = now;
        exchange->delivered_before = exchange->origin->delivered_bytes;
    }
    gch__head_take(&exchange->head, line, size * count, (int64_t)time(NULL));
    return size * count;
}

/* ---- judging the head ---- */

static const char *url_of(const gch__exchange *exchange)
{
    return exchange->resource->url; /* there is one as long as there are requests */
}

static void fail_changed(gch__exchange *exchange)
{
    exchange->is_changed = true;
    fail(exchange,
         gch_fail(&exchange->error, GCH_IO, "%s: it has changed meanwhile", url_of(exchange)));
}

/* The version that the answer must be of; "" if any will do. */
static const char *wanted_version(const gch__exchange *exchange)
{
    return exchange->version[0] != '\0' ? exchange->version : exchange->resource->version;
}

static bool is_other_version(const gch__exchange *exchange)
{
    const char *wanted = wanted_version(exchange);
    const char *given = gch__head_validator(&exchange->head);
    /* Only two validators of a kind can be compared. */
    return wanted[0] != '\0' && given[0] != '\0' && (wanted[0] == '"') == (given[0] == '"') &&
           strcmp(wanted, given) != 0;
}

static void note_version(gch__exchange *exchange)
{
    const char *given = gch__head_validator(&exchange->head);
    if (exchange->version[0] == '\0' && given[0] != '\0')
        memcpy(exchange->version, given, strlen(given) + 1);
}

/* Now that it is known where it lies, a suffix is a range as others are. */
static void settle_suffix(gch__exchange *exchange)
{
    gch__request *request = exchange->requests;
    if (!request->is_suffix)
        return;
    request->offset = exchange->first;
    request->byte_count =
        (size_t)GCH_MIN((uint64_t)request->byte_count, exchange->end - exchange->first);
}

static void judge_range(gch__exchange *exchange)
{
    const gch__head *head = &exchange->head;
    if (head->status == 200) {
        /* The whole resource, if that is what the range is, or no bigger than a suffix. */
        bool is_all = head->has_length && exchange->position == exchange->first &&
                      (exchange->is_suffix ? head->length <= exchange->requests->byte_count
                                           : exchange->first == 0 && head->length == exchange->end);
        if (is_other_version(exchange)) {
            fail_changed(exchange);
        } else if (!is_all) {
            if (wanted_version(exchange)[0] != '\0' && gch__head_validator(head)[0] == '\0')
                fail_changed(exchange); /* what If-Range asks for, though it does not say */
            else
                fail(exchange, gch_fail(&exchange->error, GCH_UNSUPPORTED,
                                        "%s: the server does not answer ranges", url_of(exchange)));
        } else {
            exchange->first = exchange->position = 0;
            exchange->end = exchange->total_bytes = head->length;
            settle_suffix(exchange);
        }
        return;
    }
    if (is_other_version(exchange)) {
        fail_changed(exchange);
        return;
    }
    bool is_sound = head->status == 206 && head->has_range;
    if (is_sound && exchange->is_suffix && exchange->end == 0) {
        uint64_t count = head->end - head->first;
        is_sound = head->total == head->end &&
                   count == GCH_MIN((uint64_t)exchange->requests->byte_count, head->total);
        exchange->first = exchange->position = head->first;
        exchange->end = head->end;
        settle_suffix(exchange);
    } else if (is_sound) {
        /* A server may send less of a range than was asked for, but not if there is no more. */
        is_sound =
            head->first == exchange->position &&
            (head->end == exchange->end || (head->end < exchange->end && head->end != head->total));
    }
    if (!is_sound)
        fail(exchange, gch_fail(&exchange->error, GCH_CORRUPT,
                                "%s: the answer is not the range asked for", url_of(exchange)));
    exchange->total_bytes = head->total;
}

/* Of a body that is resumed, under the version that its first part was of. */
static void judge_rest(gch__exchange *exchange)
{
    const gch__head *head = &exchange->head;
    if (head->status != 206) { /* all of it, of this version or, as If-Range has it, of another */
        if (strcmp(exchange->version, gch__head_validator(head)) != 0)
            fail_changed(exchange);
        exchange->skip = exchange->position;
        return;
    }
    if (is_other_version(exchange))
        fail_changed(exchange);
    else if (!head->has_range || head->first != exchange->position)
        fail(exchange, gch_fail(&exchange->error, GCH_CORRUPT,
                                "%s: the answer is not the range asked for", url_of(exchange)));
    else if (head->total != 0) /* of which this may be a part */
        exchange->total_bytes = head->total;
}

static void judge_whole(gch__exchange *exchange)
{
    const gch__head *head = &exchange->head;
    if (exchange->position > 0) {
        judge_rest(exchange);
        return;
    }
    if (head->status == 206) {
        fail(exchange,
             gch_fail(&exchange->error, GCH_CORRUPT,
                      "%s: the answer is a part of what was asked for", url_of(exchange)));
        return;
    }
    if (head->has_length)
        exchange->total_bytes = head->length;
    if (head->has_length && exchange->coding == GCH__CODING_IDENTITY && !exchange->is_stream &&
        head->length > exchange->requests->body_cap)
        fail(exchange, gch_fail(&exchange->error, GCH_LIMIT,
                                "%s: %llu bytes, at most %zu are taken", url_of(exchange),
                                (unsigned long long)head->length, exchange->requests->body_cap));
}

static gch_status judge_coding(gch__exchange *exchange)
{
    gch_error *err = &exchange->error;
    gch__coding coding;
    GCH_TRY(gch__coding_parse(exchange->head.coding, &coding, err));
    if (coding == GCH__CODING_IDENTITY)
        return GCH_OK;
    if (exchange->is_range || exchange->is_stream || exchange->position > 0)
        return gch_fail(err, GCH_CORRUPT, "%s: the answer is coded as %s, which was not asked for",
                        url_of(exchange), exchange->head.coding);
    exchange->coding = coding;
    return gch__decoder_make(exchange->http->allocator, coding, &exchange->decoder, err);
}

bool gch__http_body_begin(gch__exchange *exchange)
{
    if (exchange->has_body)
        return exchange->failure == GCH_OK;
    exchange->has_body = true;
    const gch__head *head = &exchange->head;
    if (exchange->is_range && head->status == 416) {
        fail_changed(exchange); /* it has become shorter */
        exchange->is_refused = true;
    } else if (head->status < 200 || head->status > 299) {
        exchange->is_refused = true;
    } else {
        gch_status status = exchange->method == GCH_HTTP_HEAD ? GCH_OK : judge_coding(exchange);
        if (status != GCH_OK)
            fail(exchange, status);
        else if (exchange->is_range)
            judge_range(exchange);
        else if (exchange->method != GCH_HTTP_HEAD)
            judge_whole(exchange);
        else if (head->has_length)
            exchange->total_bytes = head->length;
        note_version(exchange);
    }
    return exchange->failure == GCH_OK;
}

/* ---- delivering ---- */

static void deliver_ranges(gch__exchange *exchange, const uint8_t *bytes, size_t count)
{
    uint64_t from = exchange->position, to = from + count;
    uint64_t seen_to = from, useful = 0; /* ranges may overlap */
    exchange->position = to;
    for (gch__request *request = exchange->requests, *next; request != NULL; request = next) {
        next = request->next;
        if (request->offset >= to)
            break;
        uint64_t end = request->offset + request->byte_count;
        uint64_t low = GCH_MAX(from, request->offset), high = GCH_MIN(to, end);
        if (low < high)
            memcpy(request->out + (low - request->offset), bytes + (low - from),
                   (size_t)(high - low));
        if (high > seen_to) {
            useful += high - GCH_MAX(seen_to, low);
            seen_to = high;
        }
        if (high == end)
            gch__http_exchange_complete(exchange, request);
    }
    gch__http_count(&exchange->http->counters.body_bytes, useful);
    gch__http_count(&exchange->http->counters.gap_bytes, count - useful);
}

static gch_status deliver_body(void *context, const uint8_t *bytes, size_t count, gch_error *err)
{
    gch__exchange *exchange = context;
    size_t cap = exchange->requests->body_cap;
    if (count > cap - GCH_MIN(exchange->body.count, cap))
        return gch_fail(err, GCH_LIMIT, "%s: its body is larger than %zu bytes", url_of(exchange),
                        cap);
    if (!gch__buffer_append(&exchange->body, bytes, count))
        return gch__no_memory(err, "body");
    gch__http_count(&exchange->http->counters.body_bytes, count);
    return GCH_OK;
}

static void decode(gch__exchange *exchange, const uint8_t *bytes, size_t count)
{
    gch_http *http = exchange->http;
    size_t before = exchange->body.count;
    int64_t start = gch__clock_ns();
    gch_status status = gch__decoder_feed(exchange->decoder, bytes, count, deliver_body, exchange,
                                          &exchange->error);
    int64_t taken = gch__clock_ns() - start;
    uint64_t made = exchange->body.count - before;
    if (made >= 16384 && taken > 0) { /* long enough to measure */
        uint64_t rate = made * 1000000000u / (uint64_t)taken;
        uint64_t *known = &http->decode_rates[exchange->coding];
        *known = *known - *known / 8 + rate / 8;
    }
    exchange->position += count;
    if (status != GCH_OK)
        fail(exchange, status);
}

/* A taker that cancels its own request is not called again. */
static bool is_cancelled(gch__exchange *exchange)
{
    gch_http *http = exchange->http;
    pthread_mutex_lock(&http->lock);
    bool cancelled = exchange->requests->is_cancelled;
    pthread_mutex_unlock(&http->lock);
    return cancelled;
}

/* False: the caller of curl is to keep the bytes. */
static bool deliver_stream(gch__exchange *exchange, const uint8_t *bytes, size_t count)
{
    gch__request *request = exchange->requests;
    gch_status status = request->on_bytes(request->context, bytes, count, &exchange->error);
    if (status == GCH_PENDING) {
        gch__http_exchange_pause(exchange);
        return false;
    }
    if (status == GCH_OK && is_cancelled(exchange))
        status = gch_fail(&exchange->error, GCH_CANCELLED, "cancelled");
    if (status != GCH_OK) {
        fail(exchange, status);
        return true;
    }
    exchange->position += count;
    gch__http_count(&exchange->http->counters.body_bytes, count);
    return true;
}

/* Bytes of a repeated body that were delivered before. */
static size_t skip(gch__exchange *exchange, size_t count)
{
    size_t skipped = (size_t)GCH_MIN(exchange->skip, (uint64_t)count);
    exchange->skip -= skipped;
    return skipped;
}

size_t gch__http_body_take_bytes(char *data, size_t size, size_t count, void *context)
{
    gch__exchange *exchange = context;
    const uint8_t *bytes = (const uint8_t *)data;
    size_t total = size * count;
    exchange->progress_ns = gch__clock_ns();
    if (exchange->state == GCH__EXCHANGE_DRAINING) {
        gch__http_count(&exchange->http->counters.wire_bytes, total);
        exchange->position += GCH_MIN((uint64_t)total, exchange->end - exchange->position);
        return total;
    }
    if (!gch__http_body_begin(exchange))
        return 0;
    if (exchange->is_refused) {
        gch__http_count(&exchange->http->counters.wire_bytes, total);
        exchange->refused_bytes += total;
        return exchange->refused_bytes <= REFUSED_CAP ? total : 0;
    }
    size_t skipped = skip(exchange, total);
    if (exchange->is_range) {
        if (total > exchange->end - exchange->position) {
            fail(exchange,
                 gch_fail(&exchange->error, GCH_CORRUPT,
                          "%s: the answer is longer than the range asked for", url_of(exchange)));
            return 0;
        }
        deliver_ranges(exchange, bytes, total);
    } else if (exchange->is_stream) {
        if (total > skipped && !deliver_stream(exchange, bytes + skipped, total - skipped)) {
            exchange->skip += skipped; /* they come again */
            return CURL_WRITEFUNC_PAUSE;
        }
    } else if (exchange->decoder != NULL) {
        decode(exchange, bytes, total);
    } else {
        gch_status status =
            deliver_body(exchange, bytes + skipped, total - skipped, &exchange->error);
        if (status != GCH_OK)
            fail(exchange, status);
        exchange->position += total - skipped;
    }
    gch__http_count(&exchange->http->counters.wire_bytes, total);
    exchange->origin->delivered_bytes += total;
    uint64_t arrived = GCH_MIN((uint64_t)total, exchange->charged_bytes);
    exchange->charged_bytes -= arrived;
    exchange->origin->active_bytes -= arrived;
    return exchange->failure == GCH_OK ? total : 0;
}
