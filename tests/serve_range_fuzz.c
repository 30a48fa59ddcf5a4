/* Any text as a Range field: ranges within the size, none overlapping another. The first two bytes
 * are the size. */
#include "serve_range.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    gch__range ranges[GCH__RANGES_MAX];
    size_t found = 0;
    if (count < 2)
        return 0;
    uint64_t size = gch__load_u16(bytes);
    gch__ranges_result result =
        gch__ranges_parse((gch__span){bytes + 2, count - 2}, size, ranges, &found);
    if (found > GCH__RANGES_MAX || (result == GCH__RANGES_SOME && found == 0))
        abort();
    for (size_t i = 0; result == GCH__RANGES_SOME && i < found; i++) {
        if (ranges[i].count == 0 || ranges[i].first >= size ||
            ranges[i].count > size - ranges[i].first)
            abort();
        for (size_t k = 0; k < i; k++) {
            if (ranges[k].first < ranges[i].first + ranges[i].count &&
                ranges[i].first < ranges[k].first + ranges[k].count)
                abort();
        }
    }
    return 0;
}
