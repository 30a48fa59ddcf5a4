/* Range (serve_range.h).
 *
 * Invariant: however a request asks, the answer holds no byte of the file twice, so that its size
 * is bounded by that of the file (the attack of CVE-2011-3192 needs overlapping ranges).
 */
#include "serve_range.h"

#include "serve_head.h"

#include <string.h>

/* "first-last", "first-" or "-suffix"; *is_within is false if no byte of it exists. */
static bool parse_one(gch__span text, uint64_t size, gch__range *out, bool *is_within)
{
    const uint8_t *dash = text.count > 0 ? memchr(text.bytes, '-', text.count) : NULL;
    if (dash == NULL)
        return false;
    gch__span left = {text.bytes, (size_t)(dash - text.bytes)};
    gch__span right = {dash + 1, text.count - left.count - 1};
    uint64_t first = 0, last = UINT64_MAX, suffix = 0;
    if (left.count == 0) {
        if (!gch__span_number(right, &suffix))
            return false;
        suffix = GCH_MIN(suffix, size);
        *out = (gch__range){size - suffix, suffix};
        *is_within = suffix > 0;
        return true;
    }
    if (!gch__span_number(left, &first) ||
        (right.count > 0 && (!gch__span_number(right, &last) || last < first)))
        return false;
    *is_within = first < size;
    if (*is_within)
        *out = (gch__range){first, GCH_MIN(last, size - 1) - first + 1};
    return true;
}

/* Joins ranges[at] with those it overlaps or touches. */
static void join_at(gch__range *ranges, size_t *count, size_t at)
{
    for (size_t i = 0; i < *count; i++) {
        gch__range *a = &ranges[at], b = ranges[i];
        if (i == at || b.first > a->first + a->count || a->first > b.first + b.count)
            continue;
        uint64_t end = GCH_MAX(a->first + a->count, b.first + b.count);
        a->first = GCH_MIN(a->first, b.first);
        a->count = end - a->first;
        /* It stands where the earlier of the two stood, and may now touch others. */
        size_t keep = GCH_MIN(i, at), drop = GCH_MAX(i, at);
        ranges[keep] = *a;
        memmove(ranges + drop, ranges + drop + 1, (*count - drop - 1) * sizeof *ranges);
        --*count;
        at = keep;
        i = SIZE_MAX;
    }
}

gch__ranges_result gch__ranges_parse(gch__span text, uint64_t size, gch__range *out,
                                     size_t *out_count)
{
    static const char unit[] = "bytes=";
    *out_count = 0;
    if (text.count < sizeof unit - 1 ||
        !gch__span_is((gch__span){text.bytes, sizeof unit - 1}, unit))
        return GCH__RANGES_NONE;
    gch__span rest = {text.bytes + sizeof unit - 1, text.count - (sizeof unit - 1)};
    size_t asked = 0, count = 0;
    while (rest.count > 0) {
        const uint8_t *comma = memchr(rest.bytes, ',', rest.count);
        size_t length = comma != NULL ? (size_t)(comma - rest.bytes) : rest.count;
        gch__span part = gch__span_trim((gch__span){rest.bytes, length});
        size_t step = length + (comma != NULL);
        rest = (gch__span){rest.bytes + step, rest.count - step};
        if (part.count == 0)
            continue; /* lists may have empty members */
        gch__range range;
        bool is_within;
        if (!parse_one(part, size, &range, &is_within))
            return GCH__RANGES_NONE;
        if (++asked > GCH__RANGES_MAX)
            return GCH__RANGES_UNSATISFIABLE;
        if (!is_within)
            continue;
        out[count++] = range;
        join_at(out, &count, count - 1);
    }
    *out_count = count;
    if (asked == 0)
        return GCH__RANGES_NONE;
    return count > 0 ? GCH__RANGES_SOME : GCH__RANGES_UNSATISFIABLE;
}
