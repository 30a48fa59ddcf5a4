/* Measuring a line: see net_link.h. */
#include "net_link.h"

#define HALF_NS 5000000000
#define WINDOW_MIN (256u << 10)
#define WINDOW_MAX (64u << 20)
#define WINDOW_UNKNOWN (1u << 20)
#define BATCH_MIN (256u << 10)
#define BATCH_MAX (4u << 20)
#define GAP_MAX (1u << 20)
#define GAP_UNKNOWN (32u << 10)
/* Of a request on one connection, client and server together: 12,000-15,000 a second and core. */
#define REQUEST_NS 80000
#define REQUEST_BYTES 300 /* its header fields, both ways */

static void turn(gch__link *link, int64_t now_ns)
{
    int64_t age = now_ns - link->epoch_ns;
    if (link->epoch_ns != 0 && age < HALF_NS)
        return;
    /* Of a line that was idle for long, the last that is known is better than nothing. */
    bool is_idle = link->latency_ns[0] == 0 && link->rate[0] == 0;
    if (link->epoch_ns != 0 && !is_idle) {
        link->latency_ns[1] = link->latency_ns[0];
        link->rate[1] = link->rate[0];
    }
    link->latency_ns[0] = 0;
    link->rate[0] = 0;
    link->epoch_ns = now_ns;
}

void gch__link_add_latency(gch__link *link, int64_t now_ns, int64_t latency_ns)
{
    turn(link, now_ns);
    latency_ns = GCH_MAX(latency_ns, (int64_t)1);
    if (link->latency_ns[0] == 0 || latency_ns < link->latency_ns[0])
        link->latency_ns[0] = latency_ns;
}

void gch__link_add_delivery(gch__link *link, int64_t now_ns, uint64_t bytes, int64_t interval_ns)
{
    turn(link, now_ns);
    if (interval_ns <= 0)
        return;
    uint64_t rate = (uint64_t)((unsigned __int128)bytes * 1000000000u / (uint64_t)interval_ns);
    link->rate[0] = GCH_MAX(link->rate[0], rate);
}

int64_t gch__link_latency_ns(const gch__link *link)
{
    if (link->latency_ns[0] == 0 || link->latency_ns[1] == 0)
        return GCH_MAX(link->latency_ns[0], link->latency_ns[1]);
    return GCH_MIN(link->latency_ns[0], link->latency_ns[1]);
}

uint64_t gch__link_rate(const gch__link *link)
{
    return GCH_MAX(link->rate[0], link->rate[1]);
}

/* Bytes that the line delivers within a time; saturates. */
static uint64_t bytes_within(const gch__link *link, int64_t ns)
{
    unsigned __int128 bytes = (unsigned __int128)gch__link_rate(link) * (uint64_t)ns / 1000000000u;
    return bytes > UINT64_MAX ? UINT64_MAX : (uint64_t)bytes;
}

static bool is_unknown(const gch__link *link)
{
    return gch__link_rate(link) == 0 || gch__link_latency_ns(link) == 0;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return GCH_MIN(GCH_MAX(value, low), high);
}

uint64_t gch__link_window(const gch__link *link)
{
    if (is_unknown(link))
        return WINDOW_UNKNOWN;
    return clamp(bytes_within(link, 2 * gch__link_latency_ns(link)), WINDOW_MIN, WINDOW_MAX);
}

uint64_t gch__link_batch_cap(const gch__link *link)
{
    if (is_unknown(link))
        return WINDOW_UNKNOWN / 2;
    return clamp(bytes_within(link, gch__link_latency_ns(link) / 2), BATCH_MIN, BATCH_MAX);
}

uint64_t gch__link_gap(const gch__link *link, uint32_t lanes)
{
    if (is_unknown(link))
        return GAP_UNKNOWN;
    int64_t cost_ns = REQUEST_NS;
    if (lanes > 0)
        cost_ns += gch__link_latency_ns(link) / lanes;
    return clamp(bytes_within(link, cost_ns) + REQUEST_BYTES, 0, GAP_MAX);
}
