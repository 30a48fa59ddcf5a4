#include "points_cases.h"

#include "base.h"
#include "gch/writer.h"
#include "store_open.h"

#include "test.h"

#include <math.h>
#include <unistd.h>

#define ROWS_MAX 9000u

enum { X, Y, VALUE, COLUMNS };

typedef enum kind { INTEGER, SHORT, WIDE, DECIMAL, SINGLE, DOUBLE, CENTS, KINDS } kind;

static const gch_type types[KINDS] = {GCH_TYPE_I32, GCH_TYPE_U16, GCH_TYPE_I64, GCH_TYPE_DECIMAL,
                                      GCH_TYPE_F32, GCH_TYPE_F64, GCH_TYPE_F64};

typedef struct source_column {
    kind kind;
    int64_t range;      /* steps */
    uint32_t gap_share; /* of 1000 */
    _Alignas(8) uint8_t values[ROWS_MAX * 8];
    int8_t scales[ROWS_MAX];
    uint8_t validity[ROWS_MAX / 8 + 1];
} source_column;

static void put_value(source_column *c, uint32_t row, int64_t step, uint64_t *random)
{
    switch (c->kind) {
    case INTEGER:
        ((int32_t *)(void *)c->values)[row] = (int32_t)step;
        break;
    case SHORT:
        ((uint16_t *)(void *)c->values)[row] = (uint16_t)(step & 0x3FF);
        break;
    case WIDE:
        ((int64_t *)(void *)c->values)[row] = step * ((int64_t)1 << 40) + step % 3;
        break;
    case DECIMAL:
        ((int64_t *)(void *)c->values)[row] = step;
        c->scales[row] = (int8_t)(test_random(random) % 3);
        break;
    case SINGLE:
        ((float *)(void *)c->values)[row] = (float)step * 0.37f;
        break;
    case DOUBLE:
        ((double *)(void *)c->values)[row] = (double)step * 0.123456789123 + 1e-9 * (double)row;
        break;
    default:
        ((double *)(void *)c->values)[row] = (double)step / 100;
        break;
    }
    c->validity[row / 8] |= (uint8_t)(1u << row % 8);
    if (test_random(random) % 1000 >= c->gap_share)
        return;
    uint64_t how = test_random(random) % 4;
    if (how == 0 && c->kind == SINGLE)
        ((float *)(void *)c->values)[row] = NAN;
    else if (how == 1 && c->kind == SINGLE)
        ((float *)(void *)c->values)[row] = -0.0f;
    else if (how == 0 && c->kind >= DOUBLE)
        ((double *)(void *)c->values)[row] = INFINITY;
    else if (how == 1 && c->kind >= DOUBLE)
        ((double *)(void *)c->values)[row] = -0.0;
    else
        c->validity[row / 8] &= (uint8_t) ~(1u << row % 8);
}

/* A walk, so that blocks are small boxes, or points all over. */
static void fill_column(source_column *c, uint32_t rows, bool is_walk, uint64_t *random)
{
    int64_t at = 0;
    memset(c->validity, 0, sizeof c->validity);
    for (uint32_t row = 0; row < rows; row++) {
        int64_t anywhere = (int64_t)(test_random(random) % (uint64_t)(2 * c->range + 1)) - c->range;
        at = is_walk ? at + (int64_t)(test_random(random) % 5) - 2 : anywhere;
        at = at > c->range ? c->range : at < -c->range ? -c->range : at;
        put_value(c, row, at, random);
    }
}

void points_case_open(points_case *c, uint64_t number, const char *folder)
{
    static const int64_t ranges[] = {3, 40, 700, 30000};
    static const char *const names[] = {"x", "y", "value"};
    static source_column columns[COLUMNS];
    gch_error err;
    *c = (points_case){.number = number, .random = number * 7919 + 5};
    snprintf(c->path, sizeof c->path, "%s/points_%d_%llu.gch", folder, (int)getpid(),
             (unsigned long long)number);
    bool is_walk = test_random(&c->random) % 3 != 0;
    gch_column_desc descs[COLUMNS];
    for (uint32_t i = 0; i < COLUMNS; i++) {
        columns[i].kind = (kind)(test_random(&c->random) % KINDS);
        columns[i].range = ranges[test_random(&c->random) % GCH_COUNT_OF(ranges)];
        columns[i].gap_share =
            test_random(&c->random) % 3 == 0 ? (uint32_t)(test_random(&c->random) % 1000) : 0;
        descs[i] = (gch_column_desc){.name = names[i], .type = types[columns[i].kind]};
    }
    gch_writer_desc desc = {.time_unit = GCH_TIME_INDEX,
                            .columns = descs,
                            .column_count = COLUMNS,
                            .curve = GCH_CURVE_MORTON,
                            .x_column = X,
                            .y_column = Y};
    uint32_t parts = 1 + (uint32_t)(test_random(&c->random) % 2);
    for (uint32_t part = 0; part < parts; part++) {
        uint32_t rows = (uint32_t)(test_random(&c->random) % (number % 3 == 0 ? 300 : ROWS_MAX));
        gch_column_data data[COLUMNS];
        for (uint32_t i = 0; i < COLUMNS; i++) {
            fill_column(&columns[i], rows, is_walk, &c->random);
            data[i] =
                (gch_column_data){.values = columns[i].values,
                                  .scales = columns[i].kind == DECIMAL ? columns[i].scales : NULL,
                                  .validity = columns[i].validity};
        }
        gch_writer *writer;
        assert_ok(part == 0 ? gch_writer_create(c->path, &desc, &writer, &err)
                            : gch_writer_open_append(c->path, &desc, &writer, &err));
        assert_ok(gch_writer_append(writer, NULL, data, rows, &err));
        assert_ok(gch_writer_finish(writer, &err));
    }
    assert_ok(gch__file_open(c->path, NULL, &c->file, &err));
    assert_int_equal(unlink(c->path), 0); /* the mapping keeps it */
}

void points_case_close(points_case *c)
{
    gch__file_close(c->file);
    c->file = NULL;
}

/* One end of a side at a value, or near the data; the other some way off, often so that edges of
 * pixels lie on values. */
static void choose_side(points_case *c, uint32_t column, uint32_t px, gch_decimal *out_low,
                        gch_decimal *out_high)
{
    const gch_column_info *info = &gch_file_get_info(c->file)->columns[column];
    double min = gch_value_to_double(info->min), max = gch_value_to_double(info->max);
    if (info->min.kind == GCH_VALUE_GAP)
        min = 0, max = 1;
    double span = max > min ? max - min : 1;
    uint64_t how = test_random(&c->random) % 4;
    if (info->kind == GCH_VALUE_DECIMAL && info->min.kind == GCH_VALUE_DECIMAL && how < 2) {
        int64_t step = (int64_t)(span * pow(10, info->min.scale) / px) + 1;
        int64_t each = how == 0 ? step : 1 + (int64_t)(test_random(&c->random) % (uint64_t)step);
        int64_t low = info->min.as.digits -
                      (int64_t)(test_random(&c->random) % 3) * each; /* none of them overflows */
        *out_low = (gch_decimal){low, -(int32_t)info->min.scale};
        *out_high = (gch_decimal){low + each * (int64_t)px, -(int32_t)info->min.scale};
        return;
    }
    double share = (double)(test_random(&c->random) % 1000 + 1) / 1000;
    double low = min - span * 0.2 + span * (double)(test_random(&c->random) % 1000) / 1000;
    share = how == 3 ? share * share * share : 1.5 * share;
    *out_low = gch_decimal_from_double(low);
    *out_high = gch_decimal_from_double(low + span * share);
}

gch_plane points_case_plane(points_case *c, uint32_t width_px, uint32_t height_px)
{
    gch_plane plane = {.x_column = X,
                       .y_column = Y,
                       .view = {.width_px = width_px, .height_px = height_px},
                       .value_column = VALUE};
    choose_side(c, X, width_px, &plane.view.left, &plane.view.right);
    choose_side(c, Y, height_px, &plane.view.bottom, &plane.view.top);
    choose_side(c, VALUE, GCH_LEVELS, &plane.low, &plane.high);
    return plane;
}
