/* Smallest and largest key of a range of rows: two partial blocks and O(log n) tree nodes.
 *
 * Level k of the tree has one pair for 16 of level k - 1. A range of whole blocks climbs: the
 * ragged ends at a level (at most 15 pairs each) are reduced there, what is left are whole parents.
 */
#include "query_state.h"

uint32_t gch__gap_at(const gch__value_column *column, uint32_t super)
{
    uint32_t low = 0, high = column->gap_super_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (column->gap_supers[middle] < super)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool gch__slice_has_gaps(const gch__value_column *column, uint32_t first, uint32_t last)
{
    uint32_t at = gch__gap_at(column, first / GCH_SUPER_ROWS);
    return at < column->gap_super_count && column->gap_supers[at] <= (last - 1) / GCH_SUPER_ROWS;
}

uint64_t gch__node_end(const gch__segment *segment, uint32_t level, uint32_t index)
{
    uint64_t end = ((uint64_t)index + 1) * GCH_BLOCK_ROWS << (4 * level);
    return GCH_MIN(end, segment->row_count);
}

uint32_t gch__node_level(const gch__segment *segment, const gch__value_column *column, uint32_t row,
                         uint32_t last)
{
    uint32_t index = row / GCH_BLOCK_ROWS, level = 0;
    while (level + 1 < column->level_count && index % GCH_TREE_FANOUT == 0 &&
           index / GCH_TREE_FANOUT < column->level_counts[level + 1] &&
           gch__node_end(segment, level + 1, index / GCH_TREE_FANOUT) <= last) {
        index /= GCH_TREE_FANOUT;
        level++;
    }
    return level;
}

static gch_status reduce_pairs(const gch_query *query, const gch__segment *segment,
                               const gch__value_column *column, uint32_t level, uint32_t first,
                               uint32_t last, uint64_t *io_min, uint64_t *io_max, gch__touch *touch,
                               gch_error *err)
{
    touch->nodes += last - first;
    if (column->map.is_wide) {
        const gch__pair64 *pairs = (const gch__pair64 *)column->levels[level] + first;
        touch->bytes += (last - first) * sizeof *pairs;
        GCH_TRY(gch__segment_check(segment, pairs, (last - first) * sizeof *pairs, err));
        query->kernels->reduce_pairs64(&pairs->min, last - first, io_min, io_max);
        return GCH_OK;
    }
    const gch__pair32 *pairs = (const gch__pair32 *)column->levels[level] + first;
    touch->bytes += (last - first) * sizeof *pairs;
    GCH_TRY(gch__segment_check(segment, pairs, (last - first) * sizeof *pairs, err));
    uint32_t min = UINT32_MAX, max = 0;
    query->kernels->reduce_pairs(&pairs->min, last - first, &min, &max);
    if (min <= max) {
        *io_min = GCH_MIN(*io_min, min);
        *io_max = GCH_MAX(*io_max, max);
    }
    return GCH_OK;
}

/* Nodes [first, last) of a level. */
static gch_status reduce_nodes(const gch_query *query, const gch__segment *segment,
                               const gch__value_column *column, uint32_t level, uint32_t first,
                               uint32_t last, uint64_t *io_min, uint64_t *io_max, gch__touch *touch,
                               gch_error *err)
{
    for (; first < last; level++) {
        uint32_t up_first = (first + GCH_TREE_FANOUT - 1) / GCH_TREE_FANOUT;
        uint32_t up_last = last / GCH_TREE_FANOUT;
        /* A ragged last node covers just these; a segment that grows has none. */
        if (last == column->level_counts[level] && level + 1 < column->level_count)
            up_last = column->level_counts[level + 1];
        if (level + 1 >= column->level_count || up_first >= up_last)
            return reduce_pairs(query, segment, column, level, first, last, io_min, io_max, touch,
                                err);
        if (first < up_first * GCH_TREE_FANOUT)
            GCH_TRY(reduce_pairs(query, segment, column, level, first, up_first * GCH_TREE_FANOUT,
                                 io_min, io_max, touch, err));
        if (up_last * GCH_TREE_FANOUT < last)
            GCH_TRY(reduce_pairs(query, segment, column, level, up_last * GCH_TREE_FANOUT, last,
                                 io_min, io_max, touch, err));
        first = up_first;
        last = up_last;
    }
    return GCH_OK;
}

gch_status gch__unpack_keys(const gch_query *query, const gch__segment *segment,
                            const gch__value_column *column, uint32_t block,
                            uint64_t out[GCH_BLOCK_ROWS], gch__touch *touch, gch_error *err)
{
    const uint32_t *packed;
    uint32_t bits;
    uint64_t min;
    GCH_TRY(gch__column_block(segment, column, block, &packed, &bits, &min, err));
    touch->blocks++;
    touch->bytes += (uint64_t)gch__block_words(bits) * 4 + 8;
    gch__unpack64_from(query->kernels, packed, bits, min, out);
    return GCH_OK;
}

gch_status gch__drawn_bits(const gch__segment *segment, const gch__value_column *column,
                           uint32_t block, uint64_t words[GCH_BLOCK_ROWS / 64], gch_error *err)
{
    const uint32_t *bitmap;
    GCH_TRY(gch__column_bitmap(segment, column, block / GCH_SUPER_BLOCKS, &bitmap, err));
    uint32_t room = segment->row_count - block * GCH_BLOCK_ROWS;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS / 64; i++) {
        words[i] = UINT64_MAX;
        if (bitmap != NULL) {
            const uint32_t *pair = bitmap + (size_t)(block % GCH_SUPER_BLOCKS) * 8 + i * 2;
            words[i] = (uint64_t)pair[1] << 32 | pair[0];
        }
        if (room < i * 64)
            words[i] = 0;
        else if (room - i * 64 < 64)
            words[i] &= ((uint64_t)1 << (room - i * 64)) - 1;
    }
    return GCH_OK;
}

gch_status gch__drawn_bits_between(const gch__segment *segment, const gch__value_column *column,
                                   uint32_t block, uint32_t first, uint32_t last,
                                   uint64_t words[GCH_BLOCK_ROWS / 64], gch_error *err)
{
    GCH_TRY(gch__drawn_bits(segment, column, block, words, err));
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS / 64; i++) {
        uint32_t start = i * 64;
        if (last <= start || first >= start + 64)
            words[i] = 0;
        else if (first > start)
            words[i] &= UINT64_MAX << (first - start);
        if (last > start && last - start < 64)
            words[i] &= ((uint64_t)1 << (last - start)) - 1;
    }
    return GCH_OK;
}

/* As below, in a block with gaps: a gap's slot repeats a value that may lie outside the range. */
static gch_status reduce_drawn(const gch_query *query, const gch__segment *segment,
                               const gch__value_column *column, uint32_t block, uint32_t first,
                               uint32_t last, uint64_t *io_min, uint64_t *io_max, gch__touch *touch,
                               gch_error *err)
{
    uint64_t words[GCH_BLOCK_ROWS / 64], base, min, max;
    uint32_t drawn[GCH_BLOCK_ROWS / 32], bits;
    const uint32_t *packed;
    GCH_TRY(gch__drawn_bits(segment, column, block, words, err));
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS / 32; i++) {
        uint32_t start = i * 32, word = (uint32_t)(words[i / 2] >> (i % 2 * 32));
        if (last <= start || first >= start + 32)
            word = 0;
        else if (first > start)
            word &= UINT32_MAX << (first - start);
        if (last > start && last - start < 32)
            word &= (1u << (last - start)) - 1u;
        drawn[i] = word;
    }
    GCH_TRY(gch__column_block(segment, column, block, &packed, &bits, &base, err));
    touch->blocks++;
    touch->bytes += (uint64_t)gch__block_words(bits) * 4 + 8;
    if (gch__min_max64_drawn(query->kernels, packed, bits, drawn, &min, &max)) {
        *io_min = GCH_MIN(*io_min, base + min);
        *io_max = GCH_MAX(*io_max, base + max);
    }
    return GCH_OK;
}

/* Rows [first, last) of one block, first and last counted from the block's start. */
static gch_status reduce_partial(const gch_query *query, const gch__segment *segment,
                                 const gch__value_column *column, uint32_t block, uint32_t first,
                                 uint32_t last, uint64_t *io_min, uint64_t *io_max,
                                 gch__touch *touch, gch_error *err)
{
    uint32_t row = block * GCH_BLOCK_ROWS + first;
    if (gch__slice_has_gaps(column, row, row + 1))
        return reduce_drawn(query, segment, column, block, first, last, io_min, io_max, touch, err);
    const uint32_t *packed;
    uint32_t bits;
    uint64_t base;
    GCH_TRY(gch__column_block(segment, column, block, &packed, &bits, &base, err));
    touch->blocks++;
    touch->bytes += (uint64_t)(last - first) * bits / 8 + 8;
    uint64_t min, max;
    if (bits <= 32) {
        uint32_t narrow_min, narrow_max;
        query->kernels->min_max(packed, bits, first, last, &narrow_min, &narrow_max);
        min = narrow_min;
        max = narrow_max;
    } else {
        gch__min_max64(query->kernels, packed, bits, first, last, &min, &max);
    }
    *io_min = GCH_MIN(*io_min, base + min);
    *io_max = GCH_MAX(*io_max, base + max);
    return GCH_OK;
}

gch_status gch__reduce_rows(const gch_query *query, const gch__segment *segment,
                            const gch__value_column *column, uint32_t first, uint32_t last,
                            uint64_t *out_min, uint64_t *out_max, gch__touch *touch, gch_error *err)
{
    *out_min = UINT64_MAX;
    *out_max = 0;
    uint32_t first_block = first / GCH_BLOCK_ROWS, last_block = last / GCH_BLOCK_ROWS;
    uint32_t head = first % GCH_BLOCK_ROWS, tail = last % GCH_BLOCK_ROWS;
    if (last == segment->row_count && tail != 0) { /* the last block's pair covers just these */
        last_block++;
        tail = 0;
    }
    if (first_block == last_block)
        return reduce_partial(query, segment, column, first_block, head, tail, out_min, out_max,
                              touch, err);
    if (head != 0) {
        GCH_TRY(reduce_partial(
            query, segment, column, first_block, head,
            GCH_MIN(GCH_BLOCK_ROWS, segment->row_count - first_block * GCH_BLOCK_ROWS), out_min,
            out_max, touch, err));
        first_block++;
    }
    if (tail != 0)
        GCH_TRY(reduce_partial(query, segment, column, last_block, 0, tail, out_min, out_max, touch,
                               err));
    return reduce_nodes(query, segment, column, 0, first_block, last_block, out_min, out_max, touch,
                        err);
}

gch_status gch__reduce_covering(const gch_query *query, const gch__segment *segment,
                                const gch__value_column *column, uint32_t first, uint32_t last,
                                uint32_t level_end, uint64_t *out_min, uint64_t *out_max,
                                gch__touch *touch, gch_error *err)
{
    gch_status status = GCH_PENDING;
    uint32_t levels = GCH_MIN(level_end, column->level_count);
    for (uint32_t level = 0; level < levels && status == GCH_PENDING; level++) {
        *out_min = UINT64_MAX;
        *out_max = 0;
        status = reduce_nodes(query, segment, column, level, first / GCH_BLOCK_ROWS >> (4 * level),
                              ((last - 1) / GCH_BLOCK_ROWS >> (4 * level)) + 1, out_min, out_max,
                              touch, err);
    }
    return status;
}
