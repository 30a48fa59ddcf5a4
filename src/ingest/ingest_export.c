/* CSV out: the text that gch_ingest reads back to the same times and values.
 *
 * Text cannot carry a NaN's payload: every NaN is written as "nan" and comes back as a gap, as
 * does a null, which is written as nothing. All else comes back bit for bit: decimals as their
 * digits, floats as the shortest text that rounds to them, -0 and infinities by name. Names of
 * columns come back too, their units do not.
 *
 * Invariant: what the fast paths here write is, byte for byte, what gch_value_format and
 * gch_time_format write.
 */
#include "ingest_export.h"
#include "base.h"
#include "codec.h"
#include "gch/ingest.h"
#include "store_segment.h"

#include <errno.h>
#include <string.h>

#define VALUES_A_CHUNK ((size_t)65536)
#define ROWS_MIN ((size_t)1024)
#define OUT_BYTES ((size_t)1 << 20)
#define FIELD_BYTES_MAX 96u /* of a formatted time or value, and its comma */

typedef struct exporter {
    const gch_file *file;
    const gch_file_info *info;
    const gch_export_desc *desc;
    const gch_allocator *allocator;
    uint32_t *columns;
    uint32_t column_count;
    bool writes_text_times;
    gch_time_zone *zone;
    size_t chunk_rows;
    int64_t *times;
    gch_value *values; /* chunk_rows of each column */
    FILE *out;
    uint8_t *bytes;
    size_t count;
    /* the date last written */
    bool has_day;
    int64_t day;
    char day_text[11];
} exporter;

static gch_status write_out(exporter *x, gch_error *err)
{
    if (fwrite(x->bytes, 1, x->count, x->out) != x->count)
        return gch_fail(err, GCH_IO, "writing CSV: %s", strerror(errno));
    x->count = 0;
    return GCH_OK;
}

static gch_status make_room(exporter *x, size_t bytes, gch_error *err)
{
    return OUT_BYTES - x->count < bytes ? write_out(x, err) : GCH_OK;
}

/* ---- numbers ---- */

static size_t put_digits(uint64_t value, char *text)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char reversed[24];
    size_t at = sizeof reversed;
    while (value >= 100) {
        at -= 2;
        memcpy(reversed + at, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(reversed + at, pairs + value * 2, 2);
    } else {
        reversed[--at] = (char)('0' + value);
    }
    memcpy(text, reversed + at, sizeof reversed - at);
    return sizeof reversed - at;
}

static size_t put_integer(int64_t value, char *text)
{
    size_t length = 0;
    if (value < 0)
        text[length++] = '-';
    return length + put_digits(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, text + length);
}

/* The last `count` digits of value, zeros in front included. */
static void put_padded(uint64_t value, size_t count, char *text)
{
    while (count > 0) {
        text[--count] = (char)('0' + value % 10);
        value /= 10;
    }
}

static size_t put_decimal(gch_value value, uint32_t min_decimals, char *text)
{
    uint32_t scale = value.scale;
    bool is_negative = value.as.digits < 0;
    uint64_t magnitude = is_negative ? 0 - (uint64_t)value.as.digits : (uint64_t)value.as.digits;
    size_t length = 0;
    while (scale > min_decimals && magnitude % 10 == 0) {
        magnitude /= 10;
        scale--;
    }
    uint64_t power = (uint64_t)gch__pow10_i64[scale];
    if (is_negative)
        text[length++] = '-';
    length += put_digits(magnitude / power, text + length);
    if (scale > 0) {
        text[length++] = '.';
        put_padded(magnitude % power, scale, text + length);
        length += scale;
    }
    return length;
}

static size_t put_value(gch_value value, uint32_t min_decimals, char *text)
{
    if (value.kind == GCH_VALUE_GAP)
        return 0;
    if (value.kind == GCH_VALUE_DECIMAL && value.scale <= 18 && value.scale >= min_decimals)
        return put_decimal(value, min_decimals, text);
    return gch_value_format(value, min_decimals, text, FIELD_BYTES_MAX);
}

/* ---- times ---- */

static size_t put_utc(exporter *x, int64_t ticks, char *text)
{
    int64_t per_second = gch_time_unit_per_second(x->info->time_unit);
    int64_t per_day = per_second * 86400;
    int64_t day = ticks / per_day, rest = ticks % per_day;
    if (rest < 0) {
        day--;
        rest += per_day;
    }
    if (!x->has_day || day != x->day) {
        int64_t year;
        uint32_t month, day_of_month;
        gch_civil_from_days(day, &year, &month, &day_of_month);
        if (year < 0 || year > 9999)
            return gch_time_format(ticks, x->info->time_unit, NULL, text, FIELD_BYTES_MAX);
        memcpy(x->day_text, "0000-00-00T", 11);
        put_padded((uint64_t)year, 4, x->day_text);
        put_padded(month, 2, x->day_text + 5);
        put_padded(day_of_month, 2, x->day_text + 8);
        x->has_day = true;
        x->day = day;
    }
    uint32_t second = (uint32_t)(rest / per_second);
    memcpy(text, x->day_text, 11);
    text[13] = text[16] = ':';
    put_padded(second / 3600, 2, text + 11);
    put_padded(second / 60 % 60, 2, text + 14);
    put_padded(second % 60, 2, text + 17);
    size_t length = 19;
    size_t decimals = ((size_t)x->info->time_unit - GCH_TIME_S) * 3;
    if (decimals > 0) {
        text[length++] = '.';
        put_padded((uint64_t)(rest % per_second), decimals, text + length);
        length += decimals;
    }
    text[length++] = 'Z';
    return length;
}

static size_t put_time(exporter *x, int64_t ticks, char *text)
{
    if (!x->writes_text_times)
        return put_integer(ticks, text);
    if (x->zone == NULL)
        return put_utc(x, ticks, text);
    return gch_time_format(ticks, x->info->time_unit, x->zone, text, FIELD_BYTES_MAX);
}

/* ---- records ---- */

static gch_status put_name(exporter *x, const char *name, char end, gch_error *err)
{
    size_t length = strlen(name);
    GCH_TRY(make_room(x, 2 * length + 3, err));
    bool is_quoted = length == 0 || strpbrk(name, ",;|\t\"\r\n") != NULL || name[0] == ' ' ||
                     name[length - 1] == ' ';
    if (is_quoted)
        x->bytes[x->count++] = '"';
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '"')
            x->bytes[x->count++] = '"';
        x->bytes[x->count++] = (uint8_t)name[i];
    }
    if (is_quoted)
        x->bytes[x->count++] = '"';
    x->bytes[x->count++] = (uint8_t)end;
    return GCH_OK;
}

static gch_status put_header(exporter *x, gch_error *err)
{
    GCH_TRY(put_name(x, x->info->time_name, x->column_count > 0 ? ',' : '\n', err));
    for (uint32_t i = 0; i < x->column_count; i++)
        GCH_TRY(put_name(x, x->info->columns[x->columns[i]].name,
                         i + 1 < x->column_count ? ',' : '\n', err));
    return GCH_OK;
}

static gch_status put_chunk(exporter *x, uint64_t first_row, size_t row_count, gch_error *err)
{
    GCH_TRY(gch_file_read_times(x->file, first_row, row_count, x->times, err));
    for (uint32_t i = 0; i < x->column_count; i++)
        GCH_TRY(gch_file_read_values(x->file, x->columns[i], first_row, row_count,
                                     x->values + i * x->chunk_rows, err));
    const size_t row_bytes = ((size_t)x->column_count + 1) * FIELD_BYTES_MAX;
    for (size_t row = 0; row < row_count; row++) {
        GCH_TRY(make_room(x, row_bytes, err));
        char *at = (char *)x->bytes + x->count;
        at += put_time(x, x->times[row], at);
        for (uint32_t i = 0; i < x->column_count; i++) {
            const gch_column_info *column = &x->info->columns[x->columns[i]];
            *at++ = ',';
            at += put_value(x->values[i * x->chunk_rows + row],
                            column->fixed_decimals ? column->scale : 0, at);
        }
        *at++ = '\n';
        x->count = (size_t)(at - (char *)x->bytes);
    }
    return GCH_OK;
}

/* The first row whose time is at or behind `time`. */
static gch_status find_row(const gch_file *file, int64_t time, uint64_t *out_row, gch_error *err)
{
    uint64_t low = 0, high = gch_file_get_info(file)->row_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int64_t at;
        GCH_TRY(gch_file_read_times(file, middle, 1, &at, err));
        if (at < time)
            low = middle + 1;
        else
            high = middle;
    }
    *out_row = low;
    return GCH_OK;
}

gch_status gch__export_find_rows(const gch_file *file, const gch_export_desc *desc,
                                 uint64_t *out_first, uint64_t *out_last, gch_error *err)
{
    *out_first = 0;
    *out_last = gch_file_get_info(file)->row_count;
    if (desc->from == desc->to)
        return GCH_OK;
    GCH_TRY(find_row(file, desc->from, out_first, err));
    GCH_TRY(find_row(file, desc->to, out_last, err));
    *out_last = GCH_MAX(*out_first, *out_last);
    return GCH_OK;
}

gch_status gch__export_check(const gch_file *file, const gch_export_desc *desc, gch_error *err)
{
    const gch_file_info *info = gch_file_get_info(file);
    if (desc->columns != NULL && desc->column_count > GCH_COLUMN_CAP)
        return gch_fail(err, GCH_INVALID, "%u columns to export, at most %u", desc->column_count,
                        GCH_COLUMN_CAP);
    for (uint32_t i = 0; desc->columns != NULL && i < desc->column_count; i++) {
        if (desc->columns[i] >= info->column_count)
            return gch_fail(err, GCH_INVALID, "%s: there is no column %u, only 0 to %u", info->path,
                            desc->columns[i], info->column_count - 1);
    }
    if (desc->from > desc->to)
        return gch_fail(err, GCH_INVALID, "the range ends (%lld) before it begins (%lld)",
                        (long long)desc->to, (long long)desc->from);
    return GCH_OK;
}

static gch_status put_rows(exporter *x, gch_error *err)
{
    const gch_export_desc *desc = x->desc;
    uint64_t first, last;
    GCH_TRY(gch__export_find_rows(x->file, desc, &first, &last, err));
    int64_t reported_ns = 0;
    for (uint64_t row = first; row < last;) {
        /* Chunks end where blocks end. */
        uint64_t room = x->chunk_rows - row % x->chunk_rows;
        size_t count = (size_t)GCH_MIN(room, last - row);
        GCH_TRY(put_chunk(x, row, count, err));
        row += count;
        GCH_TRY(gch__report(desc->progress, &reported_ns, row - first, last - first, err));
    }
    return GCH_OK;
}

static gch_status prepare(exporter *x, gch_error *err)
{
    const gch_export_desc *desc = x->desc;
    GCH_TRY(gch__export_check(x->file, desc, err));
    x->column_count = desc->columns != NULL ? desc->column_count : x->info->column_count;
    x->chunk_rows = VALUES_A_CHUNK;
    while (x->chunk_rows > ROWS_MIN && x->chunk_rows * x->column_count > VALUES_A_CHUNK)
        x->chunk_rows /= 2;
    x->columns = gch__alloc_array(x->allocator, x->column_count, sizeof *x->columns, "export");
    x->times = gch__alloc_array(x->allocator, x->chunk_rows, sizeof *x->times, "export");
    x->values = gch__alloc_array(x->allocator, x->chunk_rows * x->column_count, sizeof *x->values,
                                 "export");
    x->bytes = gch__alloc(x->allocator, OUT_BYTES, "export");
    if (x->columns == NULL || x->times == NULL || x->values == NULL || x->bytes == NULL)
        return gch__no_memory(err, "export");
    for (uint32_t i = 0; i < x->column_count; i++)
        x->columns[i] = desc->columns != NULL ? desc->columns[i] : i;
    x->writes_text_times =
        x->info->time_is_text && !desc->integer_times && x->info->time_unit >= GCH_TIME_S;
    const char *zone = x->info->time_zone;
    if (x->writes_text_times && zone[0] != '\0' && strcmp(zone, "UTC") != 0) {
        gch_status status = gch_time_zone_open(zone, x->allocator, &x->zone, err);
        if (status == GCH_NO_MEMORY)
            return status;
        /* A zone this machine does not know: UTC, the same instants. */
    }
    return GCH_OK;
}

gch_status gch_export_csv(const gch_file *file, const gch_export_desc *desc, FILE *out,
                          gch_error *err)
{
    exporter x = {.file = file,
                  .info = gch_file_get_info(file),
                  .allocator = gch__file_allocator(file),
                  .desc = desc != NULL ? desc : &(gch_export_desc){0},
                  .out = out};
    gch_status status = GCH_OK;
    GCH_TRY_GOTO(prepare(&x, err), cleanup);
    if (!x.desc->no_header)
        GCH_TRY_GOTO(put_header(&x, err), cleanup);
    GCH_TRY_GOTO(put_rows(&x, err), cleanup);
    GCH_TRY_GOTO(write_out(&x, err), cleanup);
    if (fflush(out) != 0)
        status = gch_fail(err, GCH_IO, "writing CSV: %s", strerror(errno));
cleanup:
    gch_time_zone_close(x.zone);
    gch__free(x.allocator, x.columns, "export");
    gch__free(x.allocator, x.times, "export");
    gch__free(x.allocator, x.values, "export");
    gch__free(x.allocator, x.bytes, "export");
    return status;
}
