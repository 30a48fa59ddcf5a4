/* The loop over plain records, compiled once an instruction set: the including file defines before
 *
 *     block_masks block_find(const uint8_t *bytes, uint8_t delimiter);
 *     size_t block_list(uint64_t separators, uint64_t line_feeds, uint32_t first, uint32_t *out,
 *                       uint64_t *out_kinds);
 *     void decimals_read(const uint8_t *bytes, const field_ends *ends, int64_t *out_digits,
 *                        int8_t *out_scales, uint8_t *io_declined);
 *
 * block_find tells where delimiters, line feeds and quotes stand in 64 bytes. block_list writes the
 * places of the separators' bits, counted from `first`, and may write up to 64 entries whatever it
 * returns; bit i of *out_kinds tells whether the i-th is a line feed. decimals_read is decimal_read
 * for one field of many rows, and sets the byte of a row that it declines, as it may with any; 16
 * bytes before the text can be read.
 *
 * Two ways lead over the text. The quick one lists the separators of a strip of rows and then goes
 * through it field by field, without branches that depend on the data. The careful one takes record
 * by record, and is what remains for blank lines, the end of the text and irregular rows.
 *
 * Invariants:
 *  1. Careful: `separators` holds what is not yet consumed of the block at `block`.
 *  2. Careful: no quote lies between the first byte parsed and `quote`, the first one met; a record
 *     that ends behind it is odd. Quick: a strip ends in front of the first quote.
 *  3. Only a complete row moves the cursor; the gaps of an incomplete one are taken back.
 */
#ifndef GCH_INGEST_KERNELS_ROWS_H
#define GCH_INGEST_KERNELS_ROWS_H

#include "ingest_kernels.h"

#include <string.h>

#define BLOCK_BYTES 64
#define STRIP_FIELDS_MAX 256u /* a row; wider ones are taken carefully */
#define CAREFUL_RECORDS 64u

static inline bool value_read(const gch__csv_plan *plan, uint32_t column, const uint8_t *text,
                              size_t length, size_t row, bool *io_has_gap)
{
    const gch__csv_target *target = &plan->columns[column];
    if (decimal_read(text, length, &target->digits[row], &target->scales[row]))
        return true;
    gch__number_kind kind =
        gch__number_parse(text, length, &target->digits[row], &target->scales[row]);
    if (kind == GCH__NUMBER_VALUE)
        return true;
    if (kind == GCH__NUMBER_BAD || plan->field_count == 1)
        return false; /* the only field empty may be a blank line */
    target->digits[row] = 0;
    target->scales[row] = 0;
    gch__csv_set_gap(target, row);
    *io_has_gap = true;
    return true;
}

static inline bool time_read(gch__time_field *time, const uint8_t *text, size_t length,
                             int64_t *out_ticks)
{
    int8_t scale;
    if (time->mode == GCH__TIME_TICKS && decimal_read(text, length, out_ticks, &scale) &&
        scale == 0)
        return true;
    return gch__time_field_read(time, text, length, out_ticks) == GCH__TIME_OK;
}

static __attribute__((noinline)) void drop_gaps(const gch__csv_plan *plan, size_t row)
{
    for (uint32_t field = 0; field < plan->field_count; field++) {
        if (plan->roles[field] < GCH__CSV_TIME)
            gch__csv_unset_gap(&plan->columns[plan->roles[field]], row);
    }
}

/* The separators of a strip of rows. */
typedef struct strip {
    uint32_t places[1 + STRIP_SEPARATORS + BLOCK_BYTES]; /* the first: before the first row */
    uint64_t kinds[STRIP_SEPARATORS / 64 + 2];           /* bit i: places[i + 1] is a line feed */
} strip;

/* Lists separators from `text` on, a little before `stop` at most. */
static size_t strip_list(const gch__csv_plan *plan, const uint8_t *text, const uint8_t *stop,
                         strip *out)
{
    size_t count = 0;
    uint32_t *ends = out->places + 1;
    out->places[0] = UINT32_MAX;
    out->kinds[0] = 0;
    for (const uint8_t *block = text; block < stop && count < STRIP_SEPARATORS;
         block += BLOCK_BYTES) {
        block_masks masks = block_find(block, plan->delimiter);
        uint64_t separators = masks.separators;
        if (masks.quotes != 0)
            separators &= (masks.quotes & (0 - masks.quotes)) - 1;
        uint64_t kinds;
        const size_t found = block_list(separators, masks.line_feeds, (uint32_t)(block - text),
                                        ends + count, &kinds);
        out->kinds[count / 64] |= kinds << count % 64;
        out->kinds[count / 64 + 1] = kinds >> 1 >> (63 - count % 64);
        count += found;
        if (masks.quotes != 0)
            break;
    }
    return GCH_MIN(count, (size_t)STRIP_SEPARATORS);
}

/* How many of `row_count` rows have their line end behind the last field and nowhere before. */
static size_t strip_check(const uint64_t *kinds, uint32_t field_count, size_t row_count)
{
    const size_t count = row_count * field_count;
    uint64_t pattern = 0; /* every field_count-th bit */
    for (uint32_t bit = 0; bit < 64; bit += field_count)
        pattern |= UINT64_C(1) << bit;
    size_t next = field_count - 1; /* where a line end belongs */
    for (size_t first = 0; first < count; first += 64) {
        uint64_t wanted = next - first < 64 ? pattern << (next - first) : 0;
        uint64_t wrong = kinds[first / 64] ^ wanted;
        if (wrong != 0)
            return GCH_MIN((first + (uint32_t)__builtin_ctzll(wrong)) / field_count, row_count);
        if (wanted != 0)
            next += (first + 64 - next + field_count - 1) / field_count * field_count;
    }
    return row_count;
}

static inline gch__span strip_field(const uint8_t *text, const uint32_t *ends, uint32_t field_count,
                                    size_t row, uint32_t field)
{
    const uint32_t *end = ends + row * field_count + field;
    const uint32_t first = end[-1] + 1;
    size_t length = *end - first;
    if (field + 1 == field_count)
        length -= length > 0 && text[*end - 1] == '\r';
    return (gch__span){text + first, length};
}

/* What the quick way declined in a row, once more; false if it is not for this loop at all. */
static bool strip_mend(const gch__csv_plan *plan, gch__csv_cursor *cursor, const uint8_t *text,
                       const uint32_t *ends, size_t row, bool *io_has_gap)
{
    for (uint32_t field = 0; field < plan->field_count; field++) {
        const uint32_t role = plan->roles[field];
        gch__span part = strip_field(text, ends, plan->field_count, row, field);
        bool is_good = true;
        if (role < GCH__CSV_TIME)
            is_good = value_read(plan, role, part.bytes, part.count, cursor->row + row, io_has_gap);
        else if (role == GCH__CSV_TIME)
            is_good =
                time_read(&cursor->time, part.bytes, part.count, &plan->times[cursor->row + row]);
        if (!is_good) {
            drop_gaps(plan, cursor->row + row);
            return false;
        }
    }
    return true;
}

static size_t strip_count_ordered(const int64_t *times, int64_t last_time, size_t row_count)
{
    int64_t is_early = row_count > 0 && times[0] < last_time;
    for (size_t row = 1; row < row_count; row++)
        is_early |= times[row] < times[row - 1];
    if (is_early == 0)
        return row_count;
    size_t row = 0;
    for (; times[row] >= last_time; row++)
        last_time = times[row];
    return row;
}

/* Takes rows the quick way; the number taken, which is smaller than *out_seen if some row is not
 * for it. */
static size_t strip_take(const gch__csv_plan *plan, gch__csv_cursor *cursor, const uint8_t *stop,
                         const uint8_t *limit, size_t *out_seen)
{
    strip list;
    const uint32_t *const ends = list.places + 1;
    _Alignas(8) uint8_t declined[STRIP_SEPARATORS];
    int8_t time_scales[STRIP_SEPARATORS];
    const uint32_t field_count = plan->field_count;
    const uint8_t *const text = cursor->at;
    size_t count = strip_list(plan, text, stop, &list) / field_count;
    while (count > 0 && (text + ends[count * field_count - 1] >= limit ||
                         text + (uint32_t)(list.places[(count - 1) * field_count] + 1) >= stop))
        count--;
    count = GCH_MIN(count, cursor->row_end - cursor->row);
    *out_seen = count;
    count = strip_check(list.kinds, field_count, count);
    if (count == 0)
        return 0;
    memset(declined, 0, (count + 7) / 8 * 8);
    for (uint32_t field = 0; field < field_count; field++) {
        const uint32_t role = plan->roles[field];
        const field_ends column = {.ends = ends + field,
                                   .stride = field_count,
                                   .count = count,
                                   .is_last = field + 1 == field_count};
        if (role < GCH__CSV_TIME) {
            decimals_read(text, &column, plan->columns[role].digits + cursor->row,
                          plan->columns[role].scales + cursor->row, declined);
        } else if (role == GCH__CSV_TIME && cursor->time.mode == GCH__TIME_TICKS) {
            decimals_read(text, &column, plan->times + cursor->row, time_scales, declined);
            for (size_t row = 0; row < count; row++)
                declined[row] |= time_scales[row] != 0;
        } else if (role == GCH__CSV_TIME) {
            for (size_t row = 0; row < count; row++) {
                gch__span part = strip_field(text, ends, field_count, row, field);
                declined[row] |=
                    gch__time_field_read(&cursor->time, part.bytes, part.count,
                                         &plan->times[cursor->row + row]) != GCH__TIME_OK;
            }
        }
    }
    bool has_gap = false;
    for (size_t row = 0; row < count; row++) {
        if (row % 8 == 0 && gch__load_u64(declined + row) == 0)
            row += 7;
        else if (declined[row] != 0 && !strip_mend(plan, cursor, text, ends, row, &has_gap))
            count = row;
    }
    if (plan->has_time && plan->checks_order) {
        size_t ordered = strip_count_ordered(plan->times + cursor->row, cursor->last_time, count);
        for (size_t row = ordered; has_gap && row < count; row++)
            drop_gaps(plan, cursor->row + row);
        count = ordered;
    }
    if (count == 0)
        return 0;
    if (plan->has_time) {
        if (cursor->row == cursor->row_begin)
            cursor->first_time = plan->times[cursor->row];
        cursor->last_time = plan->times[cursor->row + count - 1];
    }
    cursor->at = text + ends[count * field_count - 1] + 1;
    cursor->row += count;
    cursor->line_count += count;
    return count;
}

/* Takes at most `records_max` records and blank lines, one by one. */
static gch__csv_stop rows_take_carefully(const gch__csv_plan *plan, gch__csv_cursor *cursor,
                                         const uint8_t *stop, const uint8_t *limit,
                                         uint32_t records_max, bool *out_is_stopped)
{
    const uint8_t delimiter = plan->delimiter;
    const uint32_t field_count = plan->field_count;
    const uint32_t *const roles = plan->roles;
    const uint8_t *record = cursor->at, *block = record, *quote = limit;
    block_masks masks = block_find(block, delimiter);
    uint64_t separators = masks.separators;
    if (masks.quotes != 0)
        quote = GCH_MIN(limit, block + __builtin_ctzll(masks.quotes));
    size_t row = cursor->row;
    gch__csv_stop why = GCH__CSV_STOP_DONE;
    *out_is_stopped = true;
    for (uint32_t taken = 0;; taken++) {
        if (taken == records_max) {
            *out_is_stopped = false;
            break;
        }
        if (record >= stop) {
            why = GCH__CSV_STOP_DONE;
            break;
        }
        if (row == cursor->row_end) {
            why = GCH__CSV_STOP_FULL;
            break;
        }
        const uint8_t *text = record, *end = record;
        int64_t ticks = INT64_MIN;
        bool has_gap = false;
        uint32_t field = 0;
        for (; field < field_count; field++) {
            while (separators == 0) {
                block += BLOCK_BYTES;
                if (block >= limit)
                    goto odd;
                masks = block_find(block, delimiter);
                separators = masks.separators;
                if (masks.quotes != 0 && quote == limit)
                    quote = GCH_MIN(limit, block + __builtin_ctzll(masks.quotes));
            }
            end = block + __builtin_ctzll(separators);
            separators &= separators - 1;
            size_t length = (size_t)(end - text);
            if (*end == '\n') {
                length -= length > 0 && end[-1] == '\r';
                if (field + 1 != field_count || end >= quote || (field == 0 && length == 0))
                    break;
            } else if (field + 1 == field_count) {
                break;
            }
            const uint32_t role = roles[field];
            if (role < GCH__CSV_TIME) {
                if (!value_read(plan, role, text, length, row, &has_gap))
                    break;
            } else if (role == GCH__CSV_TIME) {
                if (!time_read(&cursor->time, text, length, &ticks))
                    break;
            }
            text = end + 1;
        }
        if (field < field_count) {
            bool is_blank = field == 0 && *end == '\n' && end < quote &&
                            (end == record || (end == record + 1 && *record == '\r'));
            if (is_blank) {
                cursor->line_count++;
                record = end + 1;
                continue;
            }
            goto odd;
        }
        if (plan->has_time) {
            if (plan->checks_order && ticks < cursor->last_time)
                goto odd;
            plan->times[row] = ticks;
            cursor->last_time = ticks;
            if (row == cursor->row_begin)
                cursor->first_time = ticks;
        }
        row++;
        cursor->line_count++;
        record = end + 1;
        continue;
    odd:
        if (has_gap)
            drop_gaps(plan, row);
        why = GCH__CSV_STOP_ODD;
        break;
    }
    cursor->at = record;
    cursor->row = row;
    return why;
}

static gch__csv_stop rows_take(const gch__csv_plan *plan, gch__csv_cursor *cursor,
                               const uint8_t *stop, const uint8_t *limit)
{
    for (;;) {
        size_t taken = 1, seen = 1;
        while (plan->field_count <= STRIP_FIELDS_MAX && taken > 0 && taken == seen)
            taken = strip_take(plan, cursor, stop, limit, &seen);
        bool is_stopped;
        gch__csv_stop why =
            rows_take_carefully(plan, cursor, stop, limit, CAREFUL_RECORDS, &is_stopped);
        if (is_stopped)
            return why;
    }
}

#endif
