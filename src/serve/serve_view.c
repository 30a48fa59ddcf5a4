/* Views (serve_view.h).
 *
 * Invariant: the layouts in memory of gch_value, gch_piece, gch_bar and gch_point are those on the
 * wire, on the little-endian machines this is compiled for; where they have padding, it is written
 * as zeros.
 */
#include "serve_view.h"

#include "gch/decimal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(gch_value) == 16 && offsetof(gch_value, kind) == 8 &&
                  offsetof(gch_value, scale) == 9,
              "a value's layout is the wire's");
static_assert(sizeof(gch_piece) == 24 && offsetof(gch_piece, y_top) == 8 &&
                  offsetof(gch_piece, y_right) == 20,
              "a piece's layout is the wire's");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers go out as they lie in memory");

#define HEADER_BYTES 64u
#define VIEW_BYTES 144u
#define VALUE_BYTES 16u
#define BARS_AT 80u
#define BAR_BYTES 88u
#define POINT_BYTES 12u
#define BARS_DEFAULT 4096u
#define POINTS_DEFAULT 16384u
#define CAP_MAX 65536u

const char *const *gch__view_keys(gch__view_kind kind, size_t *out_count)
{
#define COMMON "v", "token", "column"
#define VIEW COMMON, "from", "to", "width", "height", "ymin", "ymax", "axis"
    static const char *const columns[] = {VIEW, "join", "outside"};
    static const char *const bars[] = {COMMON, "from", "to", "bar", "tz", "cap"};
    static const char *const range[] = {COMMON, "from", "to", "join"};
    static const char *const points[] = {VIEW, "cap"};
    static const char *const nearest[] = {COMMON, "t"};
#undef COMMON
#undef VIEW
    static const struct {
        const char *const *keys;
        size_t count;
    } sets[] = {{columns, GCH_COUNT_OF(columns)},
                {bars, GCH_COUNT_OF(bars)},
                {range, GCH_COUNT_OF(range)},
                {points, GCH_COUNT_OF(points)},
                {nearest, GCH_COUNT_OF(nearest)}};
    *out_count = sets[kind].count;
    return sets[kind].keys;
}

/* ---- parameters ---- */

static gch_status parse_time(const char *key, const char *text, const gch_file_info *info,
                             int64_t *out, gch_error *err)
{
    const char *digits = text + (text[0] == '-');
    size_t length = strlen(digits);
    if (length > 0 && strspn(digits, "0123456789") == length) {
        errno = 0;
        *out = strtoll(text, NULL, 10);
        return errno == 0 ? GCH_OK
                          : gch_fail(err, GCH_PARSE, "%s: %.40s is beyond 64 bits", key, text);
    }
    if (info->time_unit == GCH_TIME_INDEX ||
        gch_time_parse(text, strlen(text), info->time_unit, NULL, out, NULL) != GCH_OK)
        return gch_fail(err, GCH_PARSE, "%s: '%.60s' is neither ticks nor ISO 8601", key, text);
    return GCH_OK;
}

static gch_status parse_span(const gch__parameters *parameters, const gch_file_info *info,
                             gch_view *view, gch_error *err)
{
    const char *from = gch__parameters_get(parameters, "from");
    const char *to = gch__parameters_get(parameters, "to");
    view->t0 = info->first_time;
    view->t1 = info->last_time < INT64_MAX ? info->last_time + 1 : INT64_MAX;
    if (from != NULL)
        GCH_TRY(parse_time("from", from, info, &view->t0, err));
    if (to != NULL)
        GCH_TRY(parse_time("to", to, info, &view->t1, err));
    if (view->t0 >= view->t1)
        return gch_fail(err, GCH_INVALID, "'from' is not before 'to'");
    return GCH_OK;
}

static gch_status parse_count(const gch__parameters *parameters, const char *key, uint64_t min,
                              uint64_t max, uint64_t default_value, uint32_t *out, gch_error *err)
{
    const char *text = gch__parameters_get(parameters, key);
    uint64_t value = default_value;
    if (text == NULL && default_value == 0)
        return gch_fail(err, GCH_INVALID, "'%s' is missing", key);
    if (text != NULL && !gch__text_count(text, min, max, &value))
        return gch_fail(err, GCH_PARSE, "%s: '%.40s' is no number from %llu to %llu", key, text,
                        (unsigned long long)min, (unsigned long long)max);
    *out = (uint32_t)value;
    return GCH_OK;
}

static gch_status parse_word(const gch__parameters *parameters, const char *key,
                             const char *const *words, uint32_t word_count, uint32_t *out,
                             gch_error *err)
{
    const char *text = gch__parameters_get(parameters, key);
    *out = 0;
    for (uint32_t i = 0; text != NULL && i < word_count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return GCH_OK;
        }
    }
    return text == NULL ? GCH_OK : gch_fail(err, GCH_PARSE, "%s: there is no '%.40s'", key, text);
}

static gch_status parse_view(const gch__parameters *parameters, gch__view_request *out,
                             gch_error *err)
{
    static const char *const axes[] = {"linear", "log"};
    const char *bottom = gch__parameters_get(parameters, "ymin");
    const char *top = gch__parameters_get(parameters, "ymax");
    uint32_t axis;
    GCH_TRY(parse_count(parameters, "width", 1, GCH_VIEW_PX_MAX, 0, &out->view.width_px, err));
    GCH_TRY(parse_count(parameters, "height", 1, GCH_VIEW_PX_MAX, 0, &out->view.height_px, err));
    GCH_TRY(parse_word(parameters, "axis", axes, GCH_COUNT_OF(axes), &axis, err));
    out->view.axis = (gch_value_axis)axis;
    if ((bottom == NULL) != (top == NULL))
        return gch_fail(err, GCH_INVALID, "'ymin' and 'ymax' go together");
    out->has_values = bottom != NULL;
    if (out->has_values && (!gch_decimal_parse(bottom, strlen(bottom), &out->view.bottom) ||
                            !gch_decimal_parse(top, strlen(top), &out->view.top)))
        return gch_fail(err, GCH_PARSE, "'ymin' or 'ymax' is no decimal of at most 18 digits");
    return GCH_OK;
}

static gch_status parse_bars(const gch__parameters *parameters, const gch_file_info *info,
                             gch__view_request *out, gch_error *err)
{
    const char *bar = gch__parameters_get(parameters, "bar");
    if (bar == NULL)
        return gch_fail(err, GCH_INVALID, "'bar' is missing");
    out->zone = gch__parameters_get(parameters, "tz");
    GCH_TRY(gch_bar_width_parse(bar, info->time_unit, &out->bar, err));
    return parse_count(parameters, "cap", 1, CAP_MAX, BARS_DEFAULT, &out->cap, err);
}

static gch_status parse_nearest(const gch__parameters *parameters, const gch_file_info *info,
                                gch__view_request *out, gch_error *err)
{
    const char *t = gch__parameters_get(parameters, "t");
    if (t == NULL)
        return gch_fail(err, GCH_INVALID, "'t' is missing");
    GCH_TRY(parse_time("t", t, info, &out->view.t0, err));
    out->view.t1 = out->view.t0;
    return GCH_OK;
}

gch_status gch__view_parse(gch__view_kind kind, const gch__parameters *parameters,
                           const gch_file_info *info, gch__view_request *out, gch_error *err)
{
    static const char *const joins[] = {"line", "step", "none"};
    const char *column = gch__parameters_get(parameters, "column");
    uint32_t join;
    *out = (gch__view_request){.kind = kind};
    for (uint32_t i = 0; column != NULL; i++) {
        if (i == info->column_count)
            return gch_fail(err, GCH_NOT_FOUND, "no column '%.60s'", column);
        if (strcmp(info->columns[i].name, column) == 0) {
            out->column = i;
            break;
        }
    }
    if (info->column_count == 0)
        return gch_fail(err, GCH_NOT_FOUND, "the file has no columns");
    if (kind != GCH__VIEW_NEAREST)
        GCH_TRY(parse_span(parameters, info, &out->view, err));
    switch (kind) {
    case GCH__VIEW_COLUMNS: {
        uint32_t outside;
        GCH_TRY(parse_word(parameters, "join", joins, GCH_COUNT_OF(joins), &join, err));
        out->join = (gch_join)join;
        GCH_TRY(parse_count(parameters, "outside", 1, 1, 2, &outside, err));
        out->keep_outside = outside == 1;
        return parse_view(parameters, out, err);
    }
    case GCH__VIEW_BARS:
        return parse_bars(parameters, info, out, err);
    case GCH__VIEW_RANGE:
        out->join = GCH_JOIN_NONE;
        if (gch__parameters_get(parameters, "join") == NULL)
            return GCH_OK;
        GCH_TRY(parse_word(parameters, "join", joins, GCH_COUNT_OF(joins), &join, err));
        out->join = (gch_join)join;
        return GCH_OK;
    case GCH__VIEW_POINTS:
        GCH_TRY(parse_count(parameters, "cap", 1, CAP_MAX, POINTS_DEFAULT, &out->cap, err));
        return parse_view(parameters, out, err);
    case GCH__VIEW_NEAREST:
        return parse_nearest(parameters, info, out, err);
    }
    return gch_fail(err, GCH_INVALID, "unknown kind of view");
}

/* ---- bytes ---- */

static void put_u32(uint8_t *to, uint32_t value)
{
    memcpy(to, &value, sizeof value);
}

static void put_u64(uint8_t *to, uint64_t value)
{
    memcpy(to, &value, sizeof value);
}

static void put_i64(uint8_t *to, int64_t value)
{
    memcpy(to, &value, sizeof value);
}

static void put_value(uint8_t *to, gch_value value)
{
    memset(to, 0, VALUE_BYTES);
    if (value.kind == GCH_VALUE_F32)
        memcpy(to, &value.as.f32, sizeof value.as.f32);
    else if (value.kind == GCH_VALUE_DECIMAL || value.kind == GCH_VALUE_F64)
        memcpy(to, &value.as.digits, sizeof value.as.digits);
    to[8] = value.kind;
    to[9] = value.kind == GCH_VALUE_DECIMAL ? value.scale : 0;
}

static void put_decimal(uint8_t *to, gch_decimal value)
{
    put_i64(to, value.digits);
    memcpy(to + 8, &value.exp10, sizeof value.exp10);
}

/* One answer under way. */
typedef struct making {
    gch__dataset *dataset;
    const gch__view_request *request;
    gch_query *query;
    gch__buffer *out;
    size_t start; /* of the answer in `out` */
    gch_view view;
    gch_value min, max;
} making;

/* Room for more of the answer, zeroed; *out stays good until the next call. */
static gch_status extend(making *m, size_t byte_count, uint8_t **out, gch_error *err)
{
    uint8_t *bytes = gch__buffer_reserve(m->out, byte_count);
    if (bytes == NULL)
        return gch__no_memory(err, "answer");
    memset(bytes, 0, byte_count);
    m->out->count += byte_count;
    *out = bytes;
    return GCH_OK;
}

/* The header's room, and what of it needs the query. */
static gch_status begin(making *m, size_t byte_count, gch_error *err)
{
    uint64_t first, end;
    uint8_t *bytes;
    GCH_TRY(gch_query_row_at(m->query, m->view.t0, &first, err));
    GCH_TRY(gch_query_row_at(m->query, m->view.t1, &end, err));
    m->start = m->out->count;
    GCH_TRY(extend(m, byte_count, &bytes, err));
    put_u64(bytes + 48, first);
    put_u64(bytes + 56, end);
    return GCH_OK;
}

/* The rest of the header, once the answer has its length. */
static uint8_t *finish(making *m)
{
    uint8_t *bytes = m->out->bytes + m->start;
    static const uint8_t magic[4] = {'G', 'C', 'H', 'A'};
    memcpy(bytes, magic, sizeof magic);
    bytes[4] = 1;
    bytes[6] = (uint8_t)(m->request->kind + 1);
    put_u64(bytes + 8, m->out->count - m->start);
    put_u64(bytes + 16, m->dataset->version);
    put_u64(bytes + 24, gch_file_get_info(m->dataset->file)->row_count);
    put_i64(bytes + 32, m->view.t0);
    put_i64(bytes + 40, m->view.t1);
    return bytes;
}

/* A decimal as exact as the value can be told in 18 digits. */
static gch_decimal decimal_of(gch_value value)
{
    if (value.kind == GCH_VALUE_DECIMAL)
        return (gch_decimal){value.as.digits, -(int32_t)value.scale};
    return gch_decimal_from_double(gch_value_to_double(value));
}

/* The range of values of the view: as asked for, or that of what is in it. */
static gch_status fit_values(making *m, gch_error *err)
{
    GCH_TRY(gch_query_range(m->query, m->request->column, m->view.t0, m->view.t1, GCH_JOIN_NONE,
                            &m->min, &m->max, err));
    if (m->request->has_values)
        return GCH_OK;
    if (m->min.kind == GCH_VALUE_GAP) {
        m->view.bottom = (gch_decimal){m->view.axis == GCH_AXIS_LOG, 0};
        m->view.top = (gch_decimal){m->view.axis == GCH_AXIS_LOG ? 10 : 1, 0};
        return GCH_OK;
    }
    m->view.bottom = decimal_of(m->min);
    m->view.top = decimal_of(m->max);
    if (gch_decimal_to_double(m->view.bottom) < gch_decimal_to_double(m->view.top))
        return GCH_OK;
    /* One value: a unit of its last digit on either side. */
    if (m->view.bottom.digits > INT64_MIN && m->view.bottom.digits < INT64_MAX) {
        m->view.bottom.digits--;
        m->view.top = m->view.bottom;
        m->view.top.digits += 2;
    }
    return GCH_OK;
}

static void put_view(const making *m, uint8_t *to, uint32_t count)
{
    const gch__view_request *request = m->request;
    put_u32(to + 64, m->view.width_px);
    put_u32(to + 68, m->view.height_px);
    to[72] = (uint8_t)m->view.axis;
    to[73] = (uint8_t)request->join;
    to[74] = request->keep_outside;
    put_u32(to + 76, count);
    put_decimal(to + 80, m->view.bottom);
    put_decimal(to + 96, m->view.top);
    put_value(to + 112, m->min);
    put_value(to + 128, m->max);
}

/* The smallest integer time at or after a column's edge, as docs/pixel-rule.md has it. */
static int64_t edge_time(const gch_view *view, uint32_t c)
{
    uint64_t span = (uint64_t)view->t1 - (uint64_t)view->t0;
    unsigned __int128 ahead = (unsigned __int128)span * c + (view->width_px - 1);
    return (int64_t)((uint64_t)view->t0 + (uint64_t)(ahead / view->width_px));
}

/* What needs the query is asked for first: its results are good until its next call. */
static gch_status answer_columns(making *m, gch_error *err)
{
    gch_columns columns;
    uint8_t *to;
    const size_t edges = (size_t)m->view.width_px + 1;
    GCH_TRY(fit_values(m, err));
    GCH_TRY(begin(m, VIEW_BYTES + 8 * edges, err));
    for (uint32_t c = 0; c < edges; c++) {
        uint64_t row;
        GCH_TRY(gch_query_row_at(m->query, edge_time(&m->view, c), &row, err));
        put_u64(m->out->bytes + m->start + VIEW_BYTES + (size_t)8 * c, row);
    }
    GCH_TRY(
        gch_query_columns(m->query, m->request->column, &m->view, m->request->join, &columns, err));
    const uint32_t piece_count = columns.first[columns.width_px];
    const size_t firsts_bytes = (size_t)gch__align_up(4 * edges, 8);
    GCH_TRY(extend(m, firsts_bytes + piece_count * sizeof(gch_piece), &to, err));
    memcpy(to, columns.first, 4 * edges);
    if (piece_count > 0)
        memcpy(to + firsts_bytes, columns.pieces, piece_count * sizeof(gch_piece));
    put_view(m, finish(m), piece_count);
    return GCH_OK;
}

static gch_status answer_points(making *m, gch_error *err)
{
    const gch_point *points;
    uint32_t count;
    uint8_t *to;
    GCH_TRY(fit_values(m, err));
    GCH_TRY(begin(m, VIEW_BYTES, err));
    GCH_TRY(gch_query_points(m->query, m->request->column, &m->view, m->request->cap, &points,
                             &count, err));
    GCH_TRY(extend(m, (size_t)count * POINT_BYTES, &to, err));
    for (uint32_t i = 0; i < count; i++, to += POINT_BYTES) {
        memcpy(to, &points[i].x, 4);
        memcpy(to + 4, &points[i].y, 4);
        put_u32(to + 8, points[i].starts_run);
    }
    put_view(m, finish(m), count);
    return GCH_OK;
}

static void put_bar(uint8_t *to, const gch_bar *bar)
{
    put_i64(to, bar->t0);
    put_i64(to + 8, bar->t1);
    put_u64(to + 16, bar->row_count);
    put_value(to + 24, bar->open);
    put_value(to + 40, bar->high);
    put_value(to + 56, bar->low);
    put_value(to + 72, bar->close);
}

static gch_status answer_bars(making *m, gch_error *err)
{
    const gch__view_request *request = m->request;
    const gch_bar *bars;
    uint32_t count;
    uint8_t *to;
    gch_time_zone *zone = NULL;
    GCH_TRY(begin(m, BARS_AT, err));
    GCH_TRY(gch_time_zone_open(request->zone, m->dataset->allocator, &zone, err));
    gch_status status = gch_query_bars(m->query, request->column, request->bar, zone, m->view.t0,
                                       m->view.t1, request->cap, &bars, &count, err);
    gch_time_zone_close(zone);
    GCH_TRY(status);
    GCH_TRY(extend(m, (size_t)count * BAR_BYTES, &to, err));
    for (uint32_t i = 0; i < count; i++)
        put_bar(to + (size_t)i * BAR_BYTES, &bars[i]);
    to = finish(m);
    put_u32(to + 64, count);
    put_u32(to + 68, (uint32_t)request->bar.unit);
    put_i64(to + 72, request->bar.count);
    return GCH_OK;
}

static gch_status answer_range(making *m, gch_error *err)
{
    gch_value min, max;
    GCH_TRY(begin(m, HEADER_BYTES + 2 * VALUE_BYTES, err));
    GCH_TRY(gch_query_range(m->query, m->request->column, m->view.t0, m->view.t1, m->request->join,
                            &min, &max, err));
    uint8_t *to = finish(m);
    put_value(to + 64, min);
    put_value(to + 80, max);
    return GCH_OK;
}

static gch_status answer_nearest(making *m, gch_error *err)
{
    gch_sample sample;
    GCH_TRY(begin(m, HEADER_BYTES + 32, err));
    GCH_TRY(gch_query_nearest(m->query, m->request->column, m->view.t0, &sample, err));
    uint8_t *to = finish(m);
    put_u64(to + 64, sample.row);
    put_i64(to + 72, sample.time);
    put_value(to + 80, sample.value);
    return GCH_OK;
}

gch_status gch__view_answer(gch__dataset *dataset, const gch__view_request *request,
                            gch__buffer *out, gch_error *err)
{
    static gch_status (*const answers[])(making *, gch_error *) = {
        answer_columns, answer_bars, answer_range, answer_points, answer_nearest};
    making m = {.dataset = dataset, .request = request, .out = out, .view = request->view};
    GCH_TRY(gch__dataset_borrow_query(dataset, request->keep_outside, &m.query, err));
    gch_status status = answers[request->kind](&m, err);
    gch__dataset_return_query(dataset, request->keep_outside, m.query);
    return status;
}
