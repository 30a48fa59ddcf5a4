/* What a file is about, taken from a writer's description or from another file. */
#include "store_footer.h"

#include <stdio.h>
#include <string.h>

static gch_status copy_desc_text(gch__meta *meta, const char *name, const char *text,
                                 const char *fallback, const char *what, char **out, gch_error *err)
{
    const char *chosen = text != NULL ? text : fallback;
    size_t length = strlen(chosen);
    if (length > GCH__TEXT_BYTES_MAX || !gch__text_is_utf8(chosen, length))
        return gch_fail(err, GCH_INVALID, "%s: the %s is not UTF-8 of at most %u bytes", name, what,
                        GCH__TEXT_BYTES_MAX);
    *out = gch__copy_text(meta->allocator, chosen, length, "names");
    return *out != NULL ? GCH_OK : gch__no_memory(err, "names");
}

/* ---- point sets ---- */

static const char *const curve_names[] = {
    [GCH_CURVE_DEFAULT] = "none", [GCH_CURVE_MORTON] = "morton", [GCH_CURVE_HILBERT] = "hilbert"};

#define MARK_WORD "points="

const char *gch_curve_name(gch_curve curve)
{
    return (uint32_t)curve < GCH_COUNT_OF(curve_names) ? curve_names[curve] : curve_names[0];
}

bool gch_curve_parse(const char *name, gch_curve *out)
{
    for (uint32_t i = GCH_CURVE_MORTON; i < GCH_COUNT_OF(curve_names); i++) {
        if (strcmp(name, curve_names[i]) == 0) {
            *out = (gch_curve)i;
            return true;
        }
    }
    return false;
}

/* A column's number in up to four digits without zeros in front, and a comma. */
static bool take_number(const char **io_at, uint32_t *out)
{
    const char *at = *io_at;
    uint32_t number = 0;
    size_t count = 0;
    for (; count < 4 && at[count] >= '0' && at[count] <= '9'; count++)
        number = number * 10 + (uint32_t)(at[count] - '0');
    if (count == 0 || (count > 1 && at[0] == '0') || at[count] != ',')
        return false;
    *io_at = at + count + 1;
    *out = number;
    return true;
}

bool gch__point_mark_take(char *preset, gch__point_mark *out)
{
    *out = (gch__point_mark){0};
    for (char *word = preset; *word != '\0';) {
        size_t length = strcspn(word, " ");
        char *next = word + length + (word[length] == ' ' ? 1 : 0);
        if (strncmp(word, MARK_WORD, strlen(MARK_WORD)) != 0) {
            word = next;
            continue;
        }
        char last = word[length];
        word[length] = '\0';
        const char *at = word + strlen(MARK_WORD);
        bool is_sound = out->curve == GCH_CURVE_DEFAULT && take_number(&at, &out->x_column) &&
                        take_number(&at, &out->y_column) && gch_curve_parse(at, &out->curve);
        word[length] = last;
        if (!is_sound)
            return false;
        memmove(word, next, strlen(next) + 1);
        if (*word == '\0' && word > preset) /* the space before it */
            *--word = '\0';
    }
    return true;
}

size_t gch__point_mark_print(gch__point_mark mark, char *out, size_t cap)
{
    if (mark.curve == GCH_CURVE_DEFAULT) {
        out[0] = '\0';
        return 0;
    }
    return (size_t)snprintf(out, cap, " " MARK_WORD "%u,%u,%s", mark.x_column, mark.y_column,
                            gch_curve_name(mark.curve));
}

static gch_status check_points(const gch_writer_desc *desc, const char *name, gch_error *err)
{
    if (desc->curve == GCH_CURVE_DEFAULT)
        return GCH_OK;
    if ((uint32_t)desc->curve > GCH_CURVE_HILBERT)
        return gch_fail(err, GCH_INVALID, "%s: there is no curve %u", name, (uint32_t)desc->curve);
    if (desc->x_column >= desc->column_count || desc->y_column >= desc->column_count ||
        desc->x_column == desc->y_column)
        return gch_fail(err, GCH_INVALID,
                        "%s: a point set has two columns of coordinates among its %u, not %u and "
                        "%u",
                        name, desc->column_count, desc->x_column, desc->y_column);
    if (desc->time_unit != GCH_TIME_INDEX)
        return gch_fail(err, GCH_INVALID, "%s: the rows of a point set have no times", name);
    return GCH_OK;
}

/* ---- descriptions ---- */

gch_status gch__meta_check(const gch_writer_desc *desc, const char *name, gch_error *err)
{
    if (desc->column_count == 0 || desc->column_count > GCH_COLUMN_CAP || desc->columns == NULL)
        return gch_fail(err, GCH_INVALID, "%s: a file has 1 to %u columns, not %u", name,
                        GCH_COLUMN_CAP, desc->column_count);
    for (uint32_t c = 0; c < desc->column_count; c++) {
        const gch_column_desc *column = &desc->columns[c];
        size_t length = column->name != NULL ? strlen(column->name) : 0;
        if (length == 0 || length > GCH__NAME_BYTES_MAX || !gch__text_is_utf8(column->name, length))
            return gch_fail(err, GCH_INVALID,
                            "%s: the name of column %u is not UTF-8 of 1 to %u bytes", name, c + 1,
                            GCH__NAME_BYTES_MAX);
        if (gch_type_bytes(column->type) == 0)
            return gch_fail(err, GCH_INVALID, "%s: column \"%s\" has no type", name, column->name);
        for (uint32_t other = 0; other < c; other++) {
            if (strcmp(column->name, desc->columns[other].name) == 0)
                return gch_fail(err, GCH_INVALID, "%s: two columns are called \"%s\"", name,
                                column->name);
        }
    }
    if (desc->time_unit < GCH_TIME_INDEX || desc->time_unit > GCH_TIME_NS)
        return gch_fail(err, GCH_INVALID, "%s: no time unit", name);
    GCH_TRY(gch__preset_check(desc, name, err));
    return check_points(desc, name, err);
}

gch_status gch__meta_fill(gch__meta *meta, const gch_writer_desc *desc, const char *name,
                          gch_error *err)
{
    meta->time_unit = desc->time_unit;
    meta->time_is_text = desc->time_is_text;
    meta->points = (gch__point_mark){desc->curve, desc->x_column, desc->y_column};
    GCH_TRY(copy_desc_text(meta, name, desc->time_name, "time", "time column's name",
                           &meta->time_name, err));
    GCH_TRY(copy_desc_text(meta, name, desc->time_zone, "", "time zone", &meta->time_zone, err));
    GCH_TRY(copy_desc_text(meta, name, desc->source, "", "source", &meta->source, err));
    meta->columns =
        gch__alloc_zero(meta->allocator, desc->column_count, sizeof *meta->columns, "names");
    if (meta->columns == NULL)
        return gch__no_memory(err, "names");
    meta->column_count = desc->column_count;
    for (uint32_t c = 0; c < desc->column_count; c++) {
        meta->columns[c].type = desc->columns[c].type;
        GCH_TRY(copy_desc_text(meta, name, desc->columns[c].name, "", "column's name",
                               &meta->columns[c].name, err));
        GCH_TRY(copy_desc_text(meta, name, desc->columns[c].unit, "", "column's unit",
                               &meta->columns[c].unit, err));
    }
    return gch__preset_fill(meta, desc, err);
}

gch_status gch__meta_match(const gch__meta *meta, const gch_writer_desc *desc, const char *name,
                           gch_error *err)
{
    if (meta->time_unit != desc->time_unit)
        return gch_fail(err, GCH_INVALID, "%s: its times are in %s, the rows to append in %s", name,
                        gch_time_unit_name(meta->time_unit), gch_time_unit_name(desc->time_unit));
    if (meta->column_count != desc->column_count)
        return gch_fail(err, GCH_INVALID, "%s: it has %u columns, the rows to append have %u", name,
                        meta->column_count, desc->column_count);
    for (uint32_t c = 0; c < desc->column_count; c++) {
        const gch__meta_column *have = &meta->columns[c];
        const gch_column_desc *want = &desc->columns[c];
        if (strcmp(have->name, want->name) != 0 || have->type != want->type)
            return gch_fail(err, GCH_INVALID,
                            "%s: its column %u is \"%.60s\" (%s), the rows to append have "
                            "\"%.60s\" (%s)",
                            name, c + 1, have->name, gch_type_name(have->type), want->name,
                            gch_type_name(want->type));
    }
    const gch__point_mark *points = &meta->points;
    if (points->curve != desc->curve ||
        (points->curve != GCH_CURVE_DEFAULT &&
         (points->x_column != desc->x_column || points->y_column != desc->y_column)))
        return gch_fail(err, GCH_INVALID,
                        "%s: it is %s (curve: %s), the rows to append are not points of the same "
                        "coordinates and curve",
                        name, points->curve != GCH_CURVE_DEFAULT ? "a point set" : "no point set",
                        gch_curve_name(points->curve));
    return gch__preset_match(meta, desc, name, err);
}

static gch_status copy_text(gch__meta *meta, const char *text, char **out, gch_error *err)
{
    *out = gch__copy_text(meta->allocator, text, strlen(text), "names");
    return *out != NULL ? GCH_OK : gch__no_memory(err, "names");
}

gch_status gch__meta_copy(gch__meta *meta, const gch__meta *from, gch_error *err)
{
    meta->generation = from->generation;
    meta->row_count = from->row_count;
    meta->time_unit = from->time_unit;
    meta->time_is_text = from->time_is_text;
    meta->points = from->points;
    meta->preset_kind = from->preset_kind;
    meta->tolerance = from->tolerance;
    GCH_TRY(copy_text(meta, from->time_name, &meta->time_name, err));
    GCH_TRY(copy_text(meta, from->time_zone, &meta->time_zone, err));
    GCH_TRY(copy_text(meta, from->source, &meta->source, err));
    GCH_TRY(copy_text(meta, from->preset, &meta->preset, err));
    meta->columns =
        gch__alloc_zero(meta->allocator, from->column_count, sizeof *meta->columns, "names");
    if (meta->columns == NULL)
        return gch__no_memory(err, "names");
    meta->column_count = from->column_count;
    for (uint32_t c = 0; c < from->column_count; c++) {
        meta->columns[c].type = from->columns[c].type;
        meta->columns[c].decimals = from->columns[c].decimals;
        meta->columns[c].fixed_scale = from->columns[c].fixed_scale;
        meta->columns[c].tolerance = from->columns[c].tolerance;
        meta->columns[c].step = from->columns[c].step;
        GCH_TRY(copy_text(meta, from->columns[c].name, &meta->columns[c].name, err));
        GCH_TRY(copy_text(meta, from->columns[c].unit, &meta->columns[c].unit, err));
    }
    return GCH_OK;
}
