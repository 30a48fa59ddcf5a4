/* Rows and summaries of a live series into a live source (net_place.h). */
#include "net_place.h"

#include <string.h>

gch_status gch__live_appender_init(gch__live_appender *appender, gch_data *data, gch_source source,
                                   const gch_column_desc *columns, uint32_t column_count,
                                   const gch_allocator *allocator, gch_error *err)
{
    if (column_count == 0 || column_count > GCH__LIVE_FRAME_COLUMNS)
        return gch_fail(err, GCH_CORRUPT, "the live series has %u columns", column_count);
    *appender = (gch__live_appender){.data = data,
                                     .source = source,
                                     .columns = columns,
                                     .column_count = column_count,
                                     .validity = {.allocator = allocator, .purpose = "live rows"}};
    appender->values = gch__alloc_zero(allocator, column_count, sizeof *appender->values, "live");
    return appender->values != NULL ? GCH_OK : gch__no_memory(err, "live");
}

void gch__live_appender_reset(gch__live_appender *appender)
{
    gch__free(appender->validity.allocator, appender->values, "live");
    gch__buffer_reset(&appender->validity);
    *appender = (gch__live_appender){0};
}

/* The validity of a column, from its bit 0 on. */
static gch_status move_bits(gch__live_appender *appender, const gch_follow_column *column,
                            uint32_t row_count, size_t *out_at, gch_error *err)
{
    size_t count = ((size_t)row_count + 7) / 8;
    uint8_t *bits = gch__buffer_reserve(&appender->validity, count);
    if (bits == NULL)
        return gch__no_memory(err, "live rows");
    memset(bits, 0, count);
    for (uint32_t row = 0; row < row_count; row++) {
        uint64_t bit = (uint64_t)column->first_bit + row;
        if ((column->validity[bit / 8] >> (bit % 8) & 1) != 0)
            bits[row / 8] |= (uint8_t)(1u << (row % 8));
    }
    *out_at = appender->validity.count;
    appender->validity.count += count;
    return GCH_OK;
}

gch_status gch__live_append_rows(gch__live_appender *appender, const gch_follow_rows *rows,
                                 gch_error *err)
{
    size_t at[GCH__LIVE_FRAME_COLUMNS];
    if (rows->column_count != appender->column_count)
        return gch_fail(err, GCH_CORRUPT, "live rows have %u columns, the series %u",
                        rows->column_count, appender->column_count);
    appender->validity.count = 0;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        const gch_follow_column *column = &rows->columns[c];
        gch_column_data *value = &appender->values[c];
        if (column->type != appender->columns[c].type)
            return gch_fail(err, GCH_CORRUPT, "live rows: column %u is %s, the series has %s",
                            c + 1, gch_type_name(column->type),
                            gch_type_name(appender->columns[c].type));
        *value = (gch_column_data){.values = column->values, .validity = column->validity};
        if (column->validity != NULL && column->first_bit != 0)
            GCH_TRY(move_bits(appender, column, rows->row_count, &at[c], err));
    }
    for (uint32_t c = 0; c < rows->column_count; c++) { /* the buffer moves no more */
        if (rows->columns[c].validity != NULL && rows->columns[c].first_bit != 0)
            appender->values[c].validity = appender->validity.bytes + at[c];
    }
    return gch_live_append(appender->data, appender->source, rows->times, appender->values,
                           rows->row_count, err);
}

/* A number as a column has it; false if it has no such number. */
static bool put_number(gch_type type, double number, void *out)
{
#define PUT(TYPE, c_type, low, high)                                                               \
    case TYPE:                                                                                     \
        if (!(number >= (low) && number < (high)))                                                 \
            return false;                                                                          \
        *(c_type *)out = (c_type)number;                                                           \
        return true;
    switch (type) {
        PUT(GCH_TYPE_I8, int8_t, -0x1p7, 0x1p7)
        PUT(GCH_TYPE_U8, uint8_t, 0, 0x1p8)
        PUT(GCH_TYPE_I16, int16_t, -0x1p15, 0x1p15)
        PUT(GCH_TYPE_U16, uint16_t, 0, 0x1p16)
        PUT(GCH_TYPE_I32, int32_t, -0x1p31, 0x1p31)
        PUT(GCH_TYPE_U32, uint32_t, 0, 0x1p32)
        PUT(GCH_TYPE_I64, int64_t, -0x1p63, 0x1p63)
    case GCH_TYPE_F32:
        *(float *)out = (float)number;
        return true;
    case GCH_TYPE_F64:
        *(double *)out = number;
        return true;
    default:
        return false;
    }
#undef PUT
}

gch_status gch__live_append_summary(gch__live_appender *appender, const gch_follow_summary *summary,
                                    gch_error *err)
{
    int64_t times[2] = {summary->first_time, summary->last_time};
    if (summary->column_count != appender->column_count)
        return gch_fail(err, GCH_CORRUPT, "a live summary has %u columns, the series %u",
                        summary->column_count, appender->column_count);
    /* A column takes 16 bytes for two values, and 8 for their validity. */
    appender->validity.count = 0;
    uint64_t *room = gch__buffer_reserve(&appender->validity, (size_t)appender->column_count * 24);
    if (room == NULL)
        return gch__no_memory(err, "live rows");
    memset(room, 0, (size_t)appender->column_count * 24);
    for (uint32_t c = 0; c < appender->column_count; c++, room += 3) {
        const gch_follow_sum *sum = &summary->columns[c];
        gch_type type = appender->columns[c].type;
        uint8_t *last = (uint8_t *)room + gch_type_bytes(type);
        uint8_t *bits = (uint8_t *)(room + 2);
        if (sum->count > 0 && put_number(type, sum->last, last))
            *bits = 2;
        appender->values[c] = (gch_column_data){.values = room, .validity = bits};
    }
    return gch_live_append(appender->data, appender->source, times, appender->values, 2, err);
}
