/* The monotonic clock, and progress reports paced by it. */
#include "base.h"

#include <time.h>

#define REPORT_INTERVAL_NS 50000000

int64_t gch__clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

gch_status gch__report(const gch_progress *progress, int64_t *last_ns, uint64_t done,
                       uint64_t total, gch_error *err)
{
    if (progress == NULL)
        return GCH_OK;
    int64_t now = gch__clock_ns();
    if (now - *last_ns < REPORT_INTERVAL_NS && done != total)
        return GCH_OK;
    *last_ns = now;
    if (!progress->report(progress->context, done, total))
        return gch_fail(err, GCH_CANCELLED, "cancelled");
    return GCH_OK;
}
