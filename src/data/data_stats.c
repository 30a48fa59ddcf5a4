/* What the manager has done, as figures and as JSON. */
#include "data_state.h"

#include <stdarg.h>
#include <stdio.h>

void gch_data_get_stats(gch_data *data, gch_data_stats *out)
{
    gch__counters *c = &data->counters;
    *out = (gch_data_stats){
        .host_budget_bytes = data->host_budget,
        .host_used_bytes = gch__peek(&data->host_used),
        .host_peak_bytes = gch__peek(&data->host_peak),
        .device_budget_bytes = data->device_budget,
        .device_used_bytes = gch__peek(&data->device_used),
        .resident_pages = gch__peek(&data->resident_count),
        .hits = gch__peek(&c->hits),
        .misses = gch__peek(&c->misses),
        .pending = gch__peek(&c->pending),
        .key_hits = gch__peek(&c->key_hits),
        .key_misses = gch__peek(&c->key_misses),
        .queued = gch__peek(&c->queued),
        .queue_dropped = gch__peek(&c->queue_dropped),
        .queue_cancelled = gch__peek(&c->queue_cancelled),
        .queue_refused = gch__peek(&c->queue_refused),
        .loads = gch__peek(&c->loads),
        .loaded_pages = gch__peek(&c->loaded_pages),
        .loaded_bytes = gch__peek(&c->loaded_bytes),
        .failed_pages = gch__peek(&c->failed_pages),
        .load_refusals = gch__peek(&c->load_refusals),
        .allocations = gch__peek(&c->allocations),
    };
    for (int i = 0; i < GCH_BYTES_KIND_COUNT; i++)
        out->bytes[i] = gch__peek(&data->bytes[i]);
    for (int i = 0; i < GCH_EVICT_CAUSE_COUNT; i++)
        out->evictions[i] = gch__peek(&c->evictions[i]);
    for (uint32_t i = 0; i < GCH_LATENCY_BUCKETS; i++)
        out->load_latency[i] = gch__peek(&c->load_latency[i]);
    pthread_mutex_lock(&data->queue_lock);
    for (int i = 0; i < GCH__PRIORITY_COUNT; i++)
        out->queue_depth[i] = data->queues[i].count;
    pthread_mutex_unlock(&data->queue_lock);
}

/* ---- JSON ---- */

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

static void put_number(text *t, const char *name, uint64_t value)
{
    put(t, "\"%s\":%llu,", name, (unsigned long long)value);
}

/* "name":{"a":1,"b":2} from parallel arrays. */
static void put_group(text *t, const char *name, const char *const *names, const uint64_t *values,
                      size_t count)
{
    put(t, "\"%s\":{", name);
    for (size_t i = 0; i < count; i++)
        put(t, "%s\"%s\":%llu", i > 0 ? "," : "", names[i], (unsigned long long)values[i]);
    put(t, "},");
}

size_t gch_data_stats_json(const gch_data_stats *stats, char *out, size_t text_cap)
{
    static const char *const kinds[GCH_BYTES_KIND_COUNT] = {
        [GCH_BYTES_PAGES] = "pages",     [GCH_BYTES_KEYED] = "keyed",
        [GCH_BYTES_ADOPTED] = "adopted", [GCH_BYTES_MAPPED] = "mapped",
        [GCH_BYTES_TABLES] = "tables",   [GCH_BYTES_CHARGED] = "charged",
        [GCH_BYTES_LIVE] = "live",
    };
    static const char *const causes[GCH_EVICT_CAUSE_COUNT] = {
        [GCH_EVICT_BUDGET] = "budget",
        [GCH_EVICT_INVALIDATED] = "invalidated",
        [GCH_EVICT_EXPIRED] = "expired",
        [GCH_EVICT_CLOSED] = "closed",
    };
    static const char *const priorities[GCH__PRIORITY_COUNT] = {"visible", "refine", "prefetch"};
    text t = {.out = out, .cap = text_cap};
    put(&t, "{");
    put_number(&t, "host_budget_bytes", stats->host_budget_bytes);
    put_number(&t, "host_used_bytes", stats->host_used_bytes);
    put_number(&t, "host_peak_bytes", stats->host_peak_bytes);
    put_number(&t, "device_budget_bytes", stats->device_budget_bytes);
    put_number(&t, "device_used_bytes", stats->device_used_bytes);
    put_group(&t, "bytes", kinds, stats->bytes, GCH_BYTES_KIND_COUNT);
    put_number(&t, "resident_pages", stats->resident_pages);
    put_number(&t, "hits", stats->hits);
    put_number(&t, "misses", stats->misses);
    put_number(&t, "pending", stats->pending);
    put_number(&t, "key_hits", stats->key_hits);
    put_number(&t, "key_misses", stats->key_misses);
    put_group(&t, "evictions", causes, stats->evictions, GCH_EVICT_CAUSE_COUNT);
    put_group(&t, "queue_depth", priorities, stats->queue_depth, GCH__PRIORITY_COUNT);
    put_number(&t, "queued", stats->queued);
    put_number(&t, "queue_dropped", stats->queue_dropped);
    put_number(&t, "queue_cancelled", stats->queue_cancelled);
    put_number(&t, "queue_refused", stats->queue_refused);
    put_number(&t, "loads", stats->loads);
    put_number(&t, "loaded_pages", stats->loaded_pages);
    put_number(&t, "loaded_bytes", stats->loaded_bytes);
    put_number(&t, "failed_pages", stats->failed_pages);
    put_number(&t, "load_refusals", stats->load_refusals);
    put(&t, "\"load_latency_us\":[");
    for (uint32_t i = 0; i < GCH_LATENCY_BUCKETS; i++)
        put(&t, "%s%llu", i > 0 ? "," : "", (unsigned long long)stats->load_latency[i]);
    put(&t, "],\"allocations\":%llu}", (unsigned long long)stats->allocations);
    return t.length;
}
