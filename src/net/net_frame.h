/* Frames of a live series as a server sends them (docs/protocol.md, "Frames"). */
#ifndef GCH_NET_FRAME_H
#define GCH_NET_FRAME_H

#include "base.h"
#include "gch/follow.h"

#define GCH__LIVE_FRAME_COLUMNS 1024u

typedef struct gch__live_frame {
    bool is_summary;
    uint64_t first_sequence, last_sequence, first_row, stands_for;
    uint32_t row_count, column_count;
    const int64_t *times;
    int64_t first_time, last_time; /* is_summary */
    gch_follow_column columns[GCH__LIVE_FRAME_COLUMNS];
    gch_follow_sum sums[GCH__LIVE_FRAME_COLUMNS];
} gch__live_frame;

/* Checks a frame of `count` bytes, 8-byte aligned, whole; *out leads into it. GCH_CORRUPT. */
GCH_CHECKED gch_status gch__live_frame_parse(const uint8_t *bytes, size_t count,
                                             gch__live_frame *out, gch_error *err);
/* Leaves out the first rows of a frame of rows; skip <= row_count. */
void gch__live_frame_skip_rows(gch__live_frame *frame, uint32_t skip);

#endif
