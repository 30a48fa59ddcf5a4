/* Frames of live rows (serve_frame.h).
 *
 * Invariant: what has passed gch__payload_check is whole: every later reader of a payload goes
 * without checks.
 */
#include "serve_frame.h"

#include <math.h>
#include <string.h>

static const uint8_t magic[4] = {'G', 'C', 'H', 'L'};

static uint64_t values_bytes(gch_type type, uint64_t row_count)
{
    return gch__align_up(row_count * gch_type_bytes(type), 8);
}

static uint64_t validity_bytes(uint64_t row_count)
{
    return gch__align_up((row_count + 7) / 8, 8);
}

uint64_t gch__payload_bytes_max(const gch__schema *schema, uint32_t row_count)
{
    uint64_t bytes = (uint64_t)row_count * 8;
    for (uint32_t c = 0; c < schema->column_count; c++)
        bytes += 8 + values_bytes(schema->columns[c].type, row_count) + validity_bytes(row_count);
    return bytes;
}

void gch__frame_put_header(uint8_t out[GCH__FRAME_HEADER_BYTES], gch__frame_kind kind,
                           const gch__frame *frame, uint32_t column_count, uint64_t byte_count)
{
    const uint32_t size = (uint32_t)byte_count;
    memset(out, 0, GCH__FRAME_HEADER_BYTES);
    memcpy(out, magic, sizeof magic);
    out[4] = 1;
    out[6] = (uint8_t)kind;
    memcpy(out + 8, &size, 4);
    memcpy(out + 12, &frame->row_count, 4);
    memcpy(out + 16, &frame->sequence, 8);
    memcpy(out + 24, &frame->first_row, 8);
    memcpy(out + 32, &frame->publisher, 8);
    memcpy(out + 40, &frame->publisher_sequence, 8);
    memcpy(out + 48, &column_count, 4);
}

/* ---- checking ---- */

static bool is_zero(const uint8_t *bytes, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static int64_t time_at(const uint8_t *times, uint32_t row)
{
    return (int64_t)gch__load_u64(times + (size_t)8 * row);
}

static gch_status check_times(gch__span *rest, uint32_t row_count, gch_error *err)
{
    if ((uint64_t)row_count * 8 > rest->count)
        return gch_fail(err, GCH_PARSE, "the frame is too short for its %u times", row_count);
    for (uint32_t r = 1; r < row_count; r++) {
        if (time_at(rest->bytes, r) < time_at(rest->bytes, r - 1))
            return gch_fail(err, GCH_UNSORTED, "row %u of the batch is earlier than the one before",
                            r);
    }
    *rest = (gch__span){rest->bytes + (size_t)8 * row_count, rest->count - (size_t)8 * row_count};
    return GCH_OK;
}

static gch_status check_column(const gch__hub_column *column, uint32_t row_count, gch__span *rest,
                               gch_error *err)
{
    if (rest->count < 8)
        return gch_fail(err, GCH_PARSE, "the frame ends before column '%s'", column->name);
    const uint8_t *head = rest->bytes;
    if (head[0] != (uint8_t)column->type)
        return gch_fail(err, GCH_INVALID, "column '%s' is %s in this series", column->name,
                        gch_type_name(column->type));
    uint64_t dense = row_count * gch_type_bytes(column->type);
    uint64_t values = values_bytes(column->type, row_count);
    uint64_t validity = head[1] == 1 ? validity_bytes(row_count) : 0;
    if (head[1] > 1 || !is_zero(head + 2, 6))
        return gch_fail(err, GCH_PARSE, "the head of column '%s' is malformed", column->name);
    if (values + validity > rest->count - 8)
        return gch_fail(err, GCH_PARSE, "the frame ends within column '%s'", column->name);
    const uint8_t *bitmap = head + 8 + values;
    bool is_padded = is_zero(head + 8 + dense, values - dense);
    if (validity > 0) {
        uint32_t used = row_count / 8, tail = row_count % 8;
        is_padded = is_padded && (tail == 0 || bitmap[used] >> tail == 0) &&
                    is_zero(bitmap + used + (tail > 0), validity - used - (tail > 0));
    }
    if (!is_padded)
        return gch_fail(err, GCH_PARSE, "the padding of column '%s' is not zero", column->name);
    uint64_t step = 8 + values + validity;
    *rest = (gch__span){rest->bytes + step, rest->count - step};
    return GCH_OK;
}

gch_status gch__payload_check(const gch__schema *schema, gch__span payload, uint32_t row_count,
                              gch_error *err)
{
    if (row_count == 0)
        return gch_fail(err, GCH_INVALID, "the batch has no rows");
    GCH_TRY(check_times(&payload, row_count, err));
    for (uint32_t c = 0; c < schema->column_count; c++)
        GCH_TRY(check_column(&schema->columns[c], row_count, &payload, err));
    if (payload.count != 0)
        return gch_fail(err, GCH_PARSE, "%zu bytes behind the last column", payload.count);
    return GCH_OK;
}

gch_status gch__frame_parse(const gch__schema *schema, gch__span bytes, gch__frame *out,
                            gch__span *out_payload, gch_error *err)
{
    if (bytes.count < GCH__FRAME_HEADER_BYTES || memcmp(bytes.bytes, magic, sizeof magic) != 0)
        return gch_fail(err, GCH_PARSE, "this is no frame");
    if (gch__load_u16(bytes.bytes + 4) != 1 || gch__load_u16(bytes.bytes + 6) != GCH__FRAME_ROWS)
        return gch_fail(err, GCH_UNSUPPORTED, "only rows frames of version 1 are taken");
    if (gch__load_u32(bytes.bytes + 8) != bytes.count)
        return gch_fail(err, GCH_PARSE, "the frame's size is not that of the message");
    if (gch__load_u32(bytes.bytes + 48) != schema->column_count)
        return gch_fail(err, GCH_INVALID, "the series has %u columns", schema->column_count);
    if (gch__load_u32(bytes.bytes + 52) != 0)
        return gch_fail(err, GCH_PARSE, "the frame's header is malformed");
    *out = (gch__frame){.row_count = gch__load_u32(bytes.bytes + 12),
                        .sequence = gch__load_u64(bytes.bytes + 16),
                        .first_row = gch__load_u64(bytes.bytes + 24),
                        .publisher = gch__load_u64(bytes.bytes + 32),
                        .publisher_sequence = gch__load_u64(bytes.bytes + 40)};
    *out_payload =
        (gch__span){bytes.bytes + GCH__FRAME_HEADER_BYTES, bytes.count - GCH__FRAME_HEADER_BYTES};
    return gch__payload_check(schema, *out_payload, out->row_count, err);
}

void gch__rows_split(const gch__schema *schema, gch__span payload, uint32_t row_count,
                     gch__rows *out)
{
    const uint8_t *at = payload.bytes + (size_t)8 * row_count;
    out->row_count = row_count;
    out->times = payload.bytes;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        bool has_validity = at[1] != 0;
        out->values[c] = at + 8;
        at += 8 + values_bytes(schema->columns[c].type, row_count);
        out->validity[c] = has_validity ? at : NULL;
        at += has_validity ? validity_bytes(row_count) : 0;
    }
}

/* ---- summaries ---- */

static double value_at(gch_type type, const uint8_t *values, uint32_t row)
{
    const uint8_t *at = values + row * gch_type_bytes(type);
    float f32;
    double f64;
    switch (type) {
    case GCH_TYPE_I8:
        return (int8_t)at[0];
    case GCH_TYPE_U8:
        return at[0];
    case GCH_TYPE_I16:
        return (int16_t)gch__load_u16(at);
    case GCH_TYPE_U16:
        return gch__load_u16(at);
    case GCH_TYPE_I32:
        return (int32_t)gch__load_u32(at);
    case GCH_TYPE_U32:
        return gch__load_u32(at);
    case GCH_TYPE_I64:
        return (double)(int64_t)gch__load_u64(at);
    case GCH_TYPE_F32:
        memcpy(&f32, at, sizeof f32);
        return f32;
    case GCH_TYPE_F64:
        memcpy(&f64, at, sizeof f64);
        return f64;
    case GCH_TYPE_DECIMAL:
    case GCH_TYPE_DEFAULT:
        break;
    }
    return NAN;
}

static void add_value(gch__summary *sum, double value)
{
    if (isnan(value))
        return;
    if (sum->count == 0)
        sum->first = sum->min = sum->max = value;
    sum->min = value < sum->min ? value : sum->min;
    sum->max = value > sum->max ? value : sum->max;
    sum->last = value;
    sum->count++;
}

void gch__rows_summarize(const gch__schema *schema, const gch__rows *rows, gch__summary *out)
{
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const uint8_t *validity = rows->validity[c];
        out[c] = (gch__summary){NAN, NAN, NAN, NAN, 0};
        for (uint32_t r = 0; r < rows->row_count; r++) {
            if (validity == NULL || (validity[r / 8] >> (r % 8) & 1) != 0)
                add_value(&out[c], value_at(schema->columns[c].type, rows->values[c], r));
        }
    }
}

void gch__summary_add(gch__summary *sum, const gch__summary *more)
{
    if (more->count == 0)
        return;
    if (sum->count == 0) {
        *sum = *more;
        return;
    }
    sum->min = more->min < sum->min ? more->min : sum->min;
    sum->max = more->max > sum->max ? more->max : sum->max;
    sum->last = more->last;
    sum->count += more->count;
}
