/* Reading frames. Invariant: no count is multiplied before it is bounded by the frame's own length.
 */
#include "net_frame.h"

#include <math.h>
#include <string.h>

#define HEAD_BYTES 56u
#define KIND_ROWS 1u
#define KIND_SUMMARY 2u

static gch_status fail(const char *what, gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "a live frame is unsound: %s", what);
}

/* A cursor over what is left. */
typedef struct reader {
    const uint8_t *next;
    size_t left;
} reader;

static const uint8_t *take(reader *r, uint64_t count)
{
    if (count > r->left)
        return NULL;
    const uint8_t *bytes = r->next;
    r->next += count;
    r->left -= (size_t)count;
    return bytes;
}

/* `count` bytes and zeros up to a multiple of 8. */
static const uint8_t *take_padded(reader *r, uint64_t count)
{
    static const uint8_t zeros[8];
    const uint8_t *bytes = take(r, gch__align_up(count, 8));
    if (bytes == NULL ||
        memcmp(bytes + count, zeros, (size_t)(gch__align_up(count, 8) - count)) != 0)
        return NULL;
    return bytes;
}

static gch_status parse_column(reader *r, uint32_t rows, gch_follow_column *out, gch_error *err)
{
    static const uint8_t zeros[6];
    const uint8_t *head = take(r, 8);
    if (head == NULL || head[0] < GCH_TYPE_I8 || head[0] > GCH_TYPE_F64 || head[1] > 1 ||
        memcmp(head + 2, zeros, sizeof zeros) != 0)
        return fail("a column's head is none", err);
    out->type = (gch_type)head[0];
    out->first_bit = 0;
    out->values = take_padded(r, (uint64_t)rows * gch_type_bytes(out->type));
    if (out->values == NULL)
        return fail("a column is too short, or its padding is not zero", err);
    out->validity = NULL;
    if (head[1] == 0)
        return GCH_OK;
    out->validity = take_padded(r, ((uint64_t)rows + 7) / 8);
    if (out->validity == NULL)
        return fail("a bitmap is too short, or its padding is not zero", err);
    if (rows % 8 != 0 && out->validity[rows / 8] >> (rows % 8) != 0)
        return fail("a bitmap speaks of rows that are not there", err);
    return GCH_OK;
}

static gch_status parse_rows(reader *r, gch__live_frame *out, gch_error *err)
{
    const uint8_t *times = take(r, (uint64_t)out->row_count * sizeof(int64_t));
    if (out->row_count == 0 || times == NULL)
        return fail("it has no rows, or fewer than it says", err);
    if (out->stands_for != out->row_count)
        return fail("its rows are not those that it stands for", err);
    out->times = (const int64_t *)(const void *)times;
    for (uint32_t i = 1; i < out->row_count; i++) {
        if (out->times[i] < out->times[i - 1])
            return fail("times decrease", err);
    }
    for (uint32_t c = 0; c < out->column_count; c++)
        GCH_TRY(parse_column(r, out->row_count, &out->columns[c], err));
    return GCH_OK;
}

static bool is_sum(const gch_follow_sum *sum, uint64_t rows)
{
    if (sum->count == 0)
        return isnan(sum->first) && isnan(sum->min) && isnan(sum->max) && isnan(sum->last);
    return sum->count <= rows && sum->min <= sum->first && sum->first <= sum->max &&
           sum->min <= sum->last && sum->last <= sum->max;
}

static gch_status parse_summary(reader *r, gch__live_frame *out, gch_error *err)
{
    const uint8_t *span = take(r, 16);
    if (span == NULL || out->row_count != 0)
        return fail("its summary is none", err);
    out->first_time = (int64_t)gch__load_u64(span);
    out->last_time = (int64_t)gch__load_u64(span + 8);
    if (out->first_time > out->last_time)
        return fail("times decrease", err);
    for (uint32_t c = 0; c < out->column_count; c++) {
        const uint8_t *sum = take(r, sizeof out->sums[c]);
        if (sum == NULL)
            return fail("its summary is too short", err);
        memcpy(&out->sums[c], sum, sizeof out->sums[c]);
        if (!is_sum(&out->sums[c], out->stands_for))
            return fail("a column's summary contradicts itself", err);
    }
    return GCH_OK;
}

gch_status gch__live_frame_parse(const uint8_t *bytes, size_t count, gch__live_frame *out,
                                 gch_error *err)
{
    if (count < HEAD_BYTES || memcmp(bytes, "GCHL", 4) != 0 || gch__load_u16(bytes + 4) != 1 ||
        gch__load_u32(bytes + 8) != count || gch__load_u32(bytes + 52) != 0)
        return fail("its head is none", err);
    uint32_t kind = gch__load_u16(bytes + 6);
    out->is_summary = kind == KIND_SUMMARY;
    out->row_count = gch__load_u32(bytes + 12);
    out->last_sequence = gch__load_u64(bytes + 16);
    out->first_row = gch__load_u64(bytes + 24);
    out->first_sequence = gch__load_u64(bytes + 32);
    out->stands_for = gch__load_u64(bytes + 40);
    out->column_count = gch__load_u32(bytes + 48);
    if ((kind != KIND_ROWS && kind != KIND_SUMMARY) || out->column_count == 0 ||
        out->column_count > GCH__LIVE_FRAME_COLUMNS)
        return fail("its kind or its columns are none", err);
    if (out->first_sequence == 0 || out->first_sequence > out->last_sequence ||
        out->first_row > INT64_MAX || out->stands_for > INT64_MAX)
        return fail("its numbers are out of order", err);
    reader r = {.next = bytes + HEAD_BYTES, .left = count - HEAD_BYTES};
    GCH_TRY(out->is_summary ? parse_summary(&r, out, err) : parse_rows(&r, out, err));
    return r.left == 0 ? GCH_OK : fail("bytes follow its end", err);
}

void gch__live_frame_skip_rows(gch__live_frame *frame, uint32_t skip)
{
    frame->times += skip;
    frame->first_row += skip;
    frame->row_count -= skip;
    for (uint32_t c = 0; c < frame->column_count; c++) {
        gch_follow_column *column = &frame->columns[c];
        column->values = (const uint8_t *)column->values + skip * gch_type_bytes(column->type);
        if (column->validity != NULL) {
            column->first_bit = skip % 8;
            column->validity += skip / 8;
        }
    }
}
