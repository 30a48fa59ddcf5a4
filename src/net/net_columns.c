/* Columns computed by a server: how to ask for them, their checks, and when to ask.
 *
 * Invariants:
 *  1. The answer's length follows from its width and its number of pieces, both checked before any
 *     arithmetic with them; nothing outside of it is read.
 *  2. Nobody sees an answer in which a piece lies outside of its column's list, a row outside of
 *     the view or of the file, or a coordinate beyond what gch_piece allows.
 */
#include "net_columns.h"

#include "net_url.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define HEADER_BYTES 144u
#define RANGE_BYTES 96u
#define KIND_COLUMNS 1u
#define KIND_BARS 2u
#define KIND_RANGE 3u
#define BARS_AT 80u
#define PX_MAX 16384u
#define PIECES_MAX (PX_MAX * 64u) /* a column has 64 runs at most before they are merged by row */
#define Y_MAX 1e6f

static_assert(sizeof(gch_columns_piece) == 24, "a piece on the wire");
static_assert(sizeof(gch_bar) == 88 && offsetof(gch_bar, open) == 24 && sizeof(gch_value) == 16,
              "a bar on the wire");

/* ---- asking ---- */

static bool put_decimal(gch__buffer *out, const char *key, gch_decimal value)
{
    char text[64];
    (void)gch_decimal_format(value, text, sizeof text);
    return gch__url_put_value(out, key, text);
}

static bool is_decimal(gch_decimal value)
{
    return value.exp10 >= -GCH_DECIMAL_EXP10_MAX && value.exp10 <= GCH_DECIMAL_EXP10_MAX;
}

static gch_status check_ask(const gch_columns_ask *ask, gch_error *err)
{
    if (ask->url == NULL || strchr(ask->url, '?') != NULL || strchr(ask->url, '#') != NULL)
        return gch_fail(err, GCH_INVALID, "url: it is missing or has a query");
    if (ask->width_px == 0 || ask->width_px > PX_MAX || ask->height_px == 0 ||
        ask->height_px > PX_MAX)
        return gch_fail(err, GCH_INVALID, "width_px, height_px: %u x %u is not within 1 and %u",
                        ask->width_px, ask->height_px, PX_MAX);
    if (ask->has_times && ask->t0 >= ask->t1)
        return gch_fail(err, GCH_INVALID, "t0, t1: the span is empty");
    if (ask->has_bounds && (!is_decimal(ask->bottom) || !is_decimal(ask->top)))
        return gch_fail(err, GCH_INVALID, "bottom, top: not a number");
    if (ask->axis > 1 || ask->join > 2)
        return gch_fail(err, GCH_INVALID, "axis, join: %u, %u is none", ask->axis, ask->join);
    return GCH_OK;
}

/* What all questions share; each key begins with '&'. */
static bool put_common(gch__buffer *out, const gch_columns_ask *ask)
{
    bool is_put = true;
    if (ask->column != NULL)
        is_put = gch__url_put_value(out, "&column=", ask->column);
    if (ask->has_times)
        is_put = is_put && gch__url_put_number(out, "&from=%lld&to=%lld", (long long)ask->t0,
                                               (long long)ask->t1);
    if (ask->version != 0)
        is_put = is_put && gch__url_put_number(out, "&v=%016llx", (unsigned long long)ask->version);
    return is_put;
}

static bool put_join(gch__buffer *out, const gch_columns_ask *ask)
{
    static const char *const joins[] = {"line", "step", "none"};
    return gch__url_put(out, "&join=") && gch__url_put(out, joins[ask->join]);
}

gch_status gch__range_write_url(const gch_columns_ask *ask, gch__buffer *out, gch_error *err)
{
    bool is_put = gch__url_put(out, ask->url) && gch__url_put(out, "/range");
    size_t path_end = out->count;
    is_put = is_put && put_common(out, ask);
    if (ask->join != GCH_JOIN_NONE)
        is_put = is_put && put_join(out, ask);
    if (is_put && out->count > path_end)
        out->bytes[path_end] = '?';
    return is_put && gch__buffer_append(out, "", 1) ? GCH_OK : gch__no_memory(err, "columns");
}

gch_status gch__columns_write_url(const gch_columns_ask *ask, gch__buffer *out, gch_error *err)
{
    GCH_TRY(check_ask(ask, err));
    bool is_put =
        gch__url_put(out, ask->url) &&
        gch__url_put_number(out, "/columns?width=%u&height=%u", ask->width_px, ask->height_px);
    is_put = is_put && put_common(out, ask);
    if (ask->has_bounds)
        is_put = is_put && put_decimal(out, "&ymin=", ask->bottom) &&
                 put_decimal(out, "&ymax=", ask->top);
    if (ask->axis == 1)
        is_put = is_put && gch__url_put(out, "&axis=log");
    if (ask->join != GCH_JOIN_LINE)
        is_put = is_put && put_join(out, ask);
    if (ask->keep_outside)
        is_put = is_put && gch__url_put(out, "&outside=1");
    return is_put && gch__buffer_append(out, "", 1) ? GCH_OK : gch__no_memory(err, "columns");
}

gch_status gch__bars_write_url(const gch_columns_ask *ask, gch_bar_width width, const char *zone,
                               uint32_t cap, gch__buffer *out, gch_error *err)
{
    static const char *const units[] = {"", "d", "w", "mo", "y"};
    bool is_put = gch__url_put(out, ask->url) &&
                  gch__url_put_number(out, "/bars?cap=%u&bar=%lld", cap, (long long)width.count) &&
                  gch__url_put(out, units[width.unit]) && put_common(out, ask);
    if (zone[0] != '\0')
        is_put = is_put && gch__url_put_value(out, "&tz=", zone);
    return is_put && gch__buffer_append(out, "", 1) ? GCH_OK : gch__no_memory(err, "columns");
}

/* ---- checking ---- */

static gch_status fail(const char *what, gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "the columns that the server sent are unsound: %s", what);
}

static bool read_value(const uint8_t *bytes, gch_value *out)
{
    gch_value value = {.kind = bytes[8], .scale = bytes[9]};
    static const uint8_t zeros[6];
    value.as.digits = (int64_t)gch__load_u64(bytes);
    if (value.kind > GCH_VALUE_F64 || value.scale > 18 || memcmp(bytes + 10, zeros, 6) != 0 ||
        (value.kind != GCH_VALUE_DECIMAL && value.scale != 0) ||
        (value.kind == GCH_VALUE_F32 && gch__load_u32(bytes + 4) != 0) ||
        (value.kind == GCH_VALUE_GAP && value.as.digits != 0))
        return false;
    if (value.kind == GCH_VALUE_F32) {
        uint32_t bits = gch__load_u32(bytes);
        memcpy(&value.as.f32, &bits, sizeof bits);
    }
    *out = value;
    return value.kind == GCH_VALUE_GAP || gch_value_is_drawn(value);
}

/* The smallest and the largest value, one behind the other. */
static gch_status read_range(const uint8_t *bytes, gch_value *out_min, gch_value *out_max,
                             gch_error *err)
{
    if (!read_value(bytes, out_min) || !read_value(bytes + 16, out_max) ||
        (out_min->kind == GCH_VALUE_GAP) != (out_max->kind == GCH_VALUE_GAP) ||
        gch_value_to_double(*out_min) > gch_value_to_double(*out_max))
        return fail("the range is none", err);
    return GCH_OK;
}

static bool has_head(const uint8_t *bytes, size_t count, size_t least, uint32_t kind)
{
    return count >= least && memcmp(bytes, "GCHA", 4) == 0 && gch__load_u16(bytes + 4) == 1 &&
           gch__load_u16(bytes + 6) == kind && gch__load_u64(bytes + 8) == count;
}

static bool is_of_view(const uint8_t *bytes, const gch_columns_ask *ask)
{
    return (ask->version == 0 || gch__load_u64(bytes + 16) == ask->version) &&
           (!ask->has_times || ((int64_t)gch__load_u64(bytes + 32) == ask->t0 &&
                                (int64_t)gch__load_u64(bytes + 40) == ask->t1));
}

gch_status gch__range_parse(const uint8_t *bytes, size_t count, const gch_columns_ask *ask,
                            gch_value *out_min, gch_value *out_max, gch_error *err)
{
    if (!has_head(bytes, count, RANGE_BYTES, KIND_RANGE) || count != RANGE_BYTES)
        return fail("its head is none", err);
    if (!is_of_view(bytes, ask))
        return fail("they are of another view", err);
    return read_range(bytes + 64, out_min, out_max, err);
}

/* Open, high, low, close: drawn, and in order. */
static bool has_shape(const uint8_t *bar)
{
    double values[4];
    for (uint32_t i = 0; i < GCH_COUNT_OF(values); i++) {
        gch_value value;
        if (!read_value(bar + 24 + (size_t)16 * i, &value) || value.kind == GCH_VALUE_GAP)
            return false;
        values[i] = gch_value_to_double(value);
    }
    return values[1] >= fmax(values[0], values[3]) && values[2] <= fmin(values[0], values[3]);
}

gch_status gch__bars_parse(const uint8_t *bytes, size_t count, const gch_columns_ask *ask,
                           gch_bar_width width, uint32_t cap, const gch_bar **out,
                           uint32_t *out_count, gch_error *err)
{
    if (!has_head(bytes, count, BARS_AT, KIND_BARS))
        return fail("its head is none", err);
    if (!is_of_view(bytes, ask) || gch__load_u32(bytes + 68) != (uint32_t)width.unit ||
        (int64_t)gch__load_u64(bytes + 72) != width.count)
        return fail("they are of another view", err);
    const gch_bar *bars = (const gch_bar *)(const void *)(bytes + BARS_AT);
    uint64_t rows = gch__load_u64(bytes + 24);
    *out_count = gch__load_u32(bytes + 64);
    if (*out_count > cap || BARS_AT + (uint64_t)*out_count * sizeof *bars != count)
        return fail("the length is wrong", err);
    for (uint32_t i = 0; i < *out_count; i++) {
        const gch_bar *bar = &bars[i];
        bool is_in_place = bar->t0 < bar->t1 && bar->t0 < ask->t1 && bar->t1 > ask->t0 &&
                           (i == 0 || bar->t0 >= bars[i - 1].t1);
        if (!is_in_place || bar->row_count == 0 || bar->row_count > rows)
            return fail("a bar is out of place", err);
        rows -= bar->row_count;
        if (!has_shape(bytes + BARS_AT + i * sizeof *bars))
            return fail("a bar has no shape", err);
    }
    *out = bars;
    return GCH_OK;
}

static gch_status check_header(const uint8_t *bytes, size_t count, const gch_columns_ask *ask,
                               gch_columns_answer *out, gch_error *err)
{
    if (!has_head(bytes, count, HEADER_BYTES, KIND_COLUMNS))
        return fail("its head is none", err);
    *out = (gch_columns_answer){
        .version = gch__load_u64(bytes + 16),
        .file_rows = gch__load_u64(bytes + 24),
        .t0 = (int64_t)gch__load_u64(bytes + 32),
        .t1 = (int64_t)gch__load_u64(bytes + 40),
        .first_row = gch__load_u64(bytes + 48),
        .end_row = gch__load_u64(bytes + 56),
        .width_px = gch__load_u32(bytes + 64),
        .height_px = gch__load_u32(bytes + 68),
        .piece_count = gch__load_u32(bytes + 76),
        .bottom = {.digits = (int64_t)gch__load_u64(bytes + 80),
                   .exp10 = (int32_t)gch__load_u32(bytes + 88)},
        .top = {.digits = (int64_t)gch__load_u64(bytes + 96),
                .exp10 = (int32_t)gch__load_u32(bytes + 104)},
    };
    if (out->width_px != ask->width_px || out->height_px != ask->height_px ||
        bytes[72] != ask->axis || bytes[73] != ask->join || bytes[74] != ask->keep_outside ||
        (ask->version != 0 && out->version != ask->version) ||
        (ask->has_times && (out->t0 != ask->t0 || out->t1 != ask->t1)))
        return fail("they are of another view", err);
    if (bytes[75] != 0 || gch__load_u32(bytes + 92) != 0 || gch__load_u32(bytes + 108) != 0)
        return fail("a reserved field is not zero", err);
    if (out->t0 >= out->t1 || out->first_row > out->end_row || out->end_row > out->file_rows)
        return fail("rows or times do not add up", err);
    if (!is_decimal(out->bottom) || !is_decimal(out->top) ||
        !(gch_decimal_to_double(out->bottom) < gch_decimal_to_double(out->top)))
        return fail("the bounds are none", err);
    if (ask->has_bounds &&
        (gch_decimal_to_double(out->bottom) != gch_decimal_to_double(ask->bottom) ||
         gch_decimal_to_double(out->top) != gch_decimal_to_double(ask->top)))
        return fail("they are of another view", err);
    return read_range(bytes + 112, &out->min, &out->max, err);
}

static gch_status check_lists(const gch_columns_answer *answer, gch_error *err)
{
    uint32_t width = answer->width_px;
    if (answer->edge_rows[0] != answer->first_row || answer->edge_rows[width] != answer->end_row ||
        answer->first[0] != 0 || answer->first[width] != answer->piece_count)
        return fail("a list has wrong ends", err);
    for (uint32_t c = 0; c < width; c++) {
        if (answer->edge_rows[c] > answer->edge_rows[c + 1] ||
            answer->first[c] > answer->first[c + 1])
            return fail("a list is not in order", err);
    }
    return GCH_OK;
}

static bool is_within(float y)
{
    return y >= -Y_MAX && y <= Y_MAX;
}

static gch_status check_pieces(const gch_columns_answer *answer, bool keep_outside, gch_error *err)
{
    int32_t height = (int32_t)answer->height_px;
    for (uint32_t i = 0; i < answer->piece_count; i++) {
        const gch_columns_piece *piece = &answer->pieces[i];
        bool is_inside = piece->row_top >= 0 && piece->row_top <= piece->row_bottom &&
                         piece->row_bottom < height;
        bool is_outside = keep_outside && piece->row_top > piece->row_bottom &&
                          piece->row_top <= height && piece->row_bottom >= -1;
        if (!is_inside && !is_outside)
            return fail("a piece lies outside of the view", err);
        if (!is_within(piece->y_top) || !is_within(piece->y_bottom) ||
            !(piece->y_top <= piece->y_bottom) ||
            (!isnan(piece->y_left) && !is_within(piece->y_left)) ||
            (!isnan(piece->y_right) && !is_within(piece->y_right)))
            return fail("a piece has no shape", err);
    }
    return GCH_OK;
}

gch_status gch__columns_parse(const uint8_t *bytes, size_t count, const gch_columns_ask *ask,
                              gch_columns_answer *out, gch_error *err)
{
    GCH_TRY(check_header(bytes, count, ask, out, err));
    if (out->piece_count > PIECES_MAX)
        return fail("there are too many pieces", err);
    size_t edges = (size_t)out->width_px + 1;
    size_t first_at = HEADER_BYTES + edges * sizeof(uint64_t);
    size_t lists_end = first_at + edges * sizeof(uint32_t);
    size_t pieces_at = (size_t)gch__align_up(lists_end, 8);
    if (pieces_at + out->piece_count * sizeof(gch_columns_piece) != count)
        return fail("the length is wrong", err);
    static const uint8_t zeros[8];
    if (memcmp(bytes + lists_end, zeros, pieces_at - lists_end) != 0)
        return fail("the padding is not zero", err);
    out->edge_rows = (const uint64_t *)(const void *)(bytes + HEADER_BYTES);
    out->first = (const uint32_t *)(const void *)(bytes + first_at);
    out->pieces = (const gch_columns_piece *)(const void *)(bytes + pieces_at);
    GCH_TRY(check_lists(out, err));
    return check_pieces(out, ask->keep_outside, err);
}

/* ---- choosing ---- */

#define SERVER_NS 5000000 /* a view of a billion points */
#define COLUMN_BYTES 36u  /* a line without gaps */

bool gch_columns_are_quicker(const gch_http_stats *line, uint64_t missing_page_bytes,
                             uint32_t width_px)
{
    if (line->bytes_per_s == 0 || line->latency_ns == 0)
        return missing_page_bytes > 1u << 20;
    double rate = (double)line->bytes_per_s / 1e9;
    double pages = 2 * (double)line->latency_ns + (double)missing_page_bytes / rate;
    double columns = (double)line->latency_ns + SERVER_NS + (double)width_px * COLUMN_BYTES / rate;
    return pages > 2 * columns;
}
