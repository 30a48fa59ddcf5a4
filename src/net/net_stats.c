/* What the client has done, as figures and as JSON. */
#include "net_state.h"

#include <stdarg.h>
#include <stdio.h>

static uint64_t peek(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void gch_http_get_stats(gch_http *http, gch_http_stats *out)
{
    const gch__http_counters *c = &http->counters;
    *out = (gch_http_stats){
        .started = peek(&c->started),
        .succeeded = peek(&c->succeeded),
        .failed = peek(&c->failed),
        .cancelled = peek(&c->cancelled),
        .in_flight = peek(&c->in_flight),
        .queued = peek(&c->queued),
        .exchanges = peek(&c->exchanges),
        .retries = peek(&c->retries),
        .resumes = peek(&c->resumes),
        .coalesced = peek(&c->coalesced),
        .joined = peek(&c->joined),
        .connections = peek(&c->connections),
        .reused = peek(&c->reused),
        .wire_bytes = peek(&c->wire_bytes),
        .body_bytes = peek(&c->body_bytes),
        .gap_bytes = peek(&c->gap_bytes),
        .sent_bytes = peek(&c->sent_bytes),
        .latency_ns = peek(&c->latency_ns),
        .bytes_per_s = peek(&c->bytes_per_s),
    };
    for (uint32_t i = 0; i < GCH_LATENCY_BUCKETS; i++)
        out->ttfb[i] = peek(&c->ttfb[i]);
}

typedef struct text {
    char *out;
    size_t cap, length; /* length counts what would not fit, too */
} text;

GCH_PRINTF(2, 3)
static void put(text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = t->length < t->cap ? t->cap - t->length : 0;
    int count = vsnprintf(room > 0 ? t->out + t->length : NULL, room, format, arguments);
    va_end(arguments);
    t->length += count > 0 ? (size_t)count : 0;
}

size_t gch_http_stats_json(const gch_http_stats *stats, char *out, size_t text_cap)
{
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"started", stats->started},         {"succeeded", stats->succeeded},
        {"failed", stats->failed},           {"cancelled", stats->cancelled},
        {"in_flight", stats->in_flight},     {"queued", stats->queued},
        {"exchanges", stats->exchanges},     {"retries", stats->retries},
        {"resumes", stats->resumes},         {"coalesced", stats->coalesced},
        {"joined", stats->joined},           {"connections", stats->connections},
        {"reused", stats->reused},           {"wire_bytes", stats->wire_bytes},
        {"body_bytes", stats->body_bytes},   {"gap_bytes", stats->gap_bytes},
        {"sent_bytes", stats->sent_bytes},   {"latency_ns", stats->latency_ns},
        {"bytes_per_s", stats->bytes_per_s},
    };
    text t = {.out = out, .cap = text_cap};
    put(&t, "{");
    for (size_t i = 0; i < GCH_COUNT_OF(fields); i++)
        put(&t, "\"%s\":%llu,", fields[i].name, (unsigned long long)fields[i].value);
    put(&t, "\"ttfb_us\":[");
    for (uint32_t i = 0; i < GCH_LATENCY_BUCKETS; i++)
        put(&t, "%s%llu", i > 0 ? "," : "", (unsigned long long)stats->ttfb[i]);
    put(&t, "]}");
    return t.length;
}
