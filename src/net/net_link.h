/* What a line can do, as measured: the smallest latency and the largest rate of delivery of the
 * last 5 to 10 seconds (both filters as in BBR: Cardwell et al., "BBR: Congestion-Based Congestion
 * Control", 2016), and what follows from these for batches. Pure functions; the clock is given. */
#ifndef GCH_NET_LINK_H
#define GCH_NET_LINK_H

#include "base.h"

typedef struct gch__link {
    int64_t epoch_ns; /* when the newer half of the window began; 0: no sample yet */
    int64_t latency_ns[2];
    uint64_t rate[2]; /* bytes a second; [0] is the newer half; 0: no sample */
} gch__link;

void gch__link_add_latency(gch__link *link, int64_t now_ns, int64_t latency_ns);
/* `bytes` came from the origin, by all its streams together, within interval_ns. */
void gch__link_add_delivery(gch__link *link, int64_t now_ns, uint64_t bytes, int64_t interval_ns);

int64_t gch__link_latency_ns(const gch__link *link); /* 0: not known */
uint64_t gch__link_rate(const gch__link *link);      /* 0: not known */

/* Bytes that should be asked for and not here yet: two round trips' worth, so that the line is
 * never idle and what waits can still be put in a better order. */
uint64_t gch__link_window(const gch__link *link);
/* The longest batch. */
uint64_t gch__link_batch_cap(const gch__link *link);
/* The widest gap between two ranges that is cheaper to fetch than a second request. A request costs
 * its handling at both ends, and, where `lanes` requests at most can be under way (HTTP/1.1; 0: no
 * such bound), its share of a round trip. */
uint64_t gch__link_gap(const gch__link *link, uint32_t lanes);

#endif
