/* The preset of a file: words in the footer's text, and what each column's values are rounded to.
 */
#include "store_footer.h"

#include <stdio.h>
#include <string.h>

#define TOLERANCE_WORD "tolerance="

static const char *const preset_names[] = {[GCH_PRESET_DEFAULT] = "default",
                                           [GCH_PRESET_LOSSLESS] = "lossless",
                                           [GCH_PRESET_TOLERANCE] = "tolerance",
                                           [GCH_PRESET_FAST] = "fast"};

const char *gch_preset_name(gch_preset preset)
{
    return (size_t)preset < GCH_COUNT_OF(preset_names) ? preset_names[preset] : "?";
}

static bool is_whole(gch_type type)
{
    return type >= GCH_TYPE_I8 && type <= GCH_TYPE_I64;
}

static bool is_tolerance(gch_decimal tolerance)
{
    return tolerance.digits >= 0 && tolerance.exp10 >= -GCH_DECIMAL_EXP10_MAX &&
           tolerance.exp10 <= GCH_DECIMAL_EXP10_MAX;
}

/* Of its own; 0: none. */
static gch_decimal own_tolerance(const gch_writer_desc *desc, uint32_t column)
{
    return desc->column_tolerances != NULL ? desc->column_tolerances[column] : (gch_decimal){0};
}

/* ---- checks ---- */

gch_status gch__preset_check(const gch_writer_desc *desc, const char *name, gch_error *err)
{
    bool has_tolerance = desc->tolerance.digits != 0;
    if ((uint32_t)desc->preset > GCH_PRESET_FAST)
        return gch_fail(err, GCH_INVALID, "%s: there is no preset %u", name,
                        (uint32_t)desc->preset);
    if (!is_tolerance(desc->tolerance))
        return gch_fail(err, GCH_INVALID, "%s: a tolerance is a number above 0", name);
    for (uint32_t c = 0; c < desc->column_count; c++) {
        const gch_column_desc *column = &desc->columns[c];
        const gch_decimal own = own_tolerance(desc, c);
        if (!is_tolerance(own))
            return gch_fail(err, GCH_INVALID,
                            "%s: the tolerance of column \"%s\" is not a number above 0", name,
                            column->name);
        if (own.digits == 0)
            continue;
        if (is_whole(column->type))
            return gch_fail(err, GCH_INVALID,
                            "%s: column \"%s\" holds integers (%s), which are kept as they are; it "
                            "takes no tolerance",
                            name, column->name, gch_type_name(column->type));
        has_tolerance = true;
    }
    if (has_tolerance && desc->preset != GCH_PRESET_TOLERANCE)
        return gch_fail(err, GCH_INVALID, "%s: the preset %s has no tolerance", name,
                        gch_preset_name(desc->preset));
    if (!has_tolerance && desc->preset == GCH_PRESET_TOLERANCE)
        return gch_fail(err, GCH_INVALID,
                        "%s: a tolerance is above 0; with 0 the preset is lossless", name);
    return GCH_OK;
}

/* ---- the text ---- */

static bool put(gch__buffer *text, const char *word)
{
    return (text->count == 0 || gch__buffer_append(text, " ", 1)) &&
           gch__buffer_append(text, word, strlen(word));
}

static bool put_tolerances(gch__buffer *text, const gch_writer_desc *desc)
{
    char number[48], word[80];
    bool is_done = true;
    if (desc->tolerance.digits != 0) {
        gch_decimal_format(desc->tolerance, number, sizeof number);
        snprintf(word, sizeof word, TOLERANCE_WORD "%s", number);
        is_done = put(text, word);
    }
    for (uint32_t c = 0; is_done && c < desc->column_count; c++) {
        if (own_tolerance(desc, c).digits == 0)
            continue;
        gch_decimal_format(own_tolerance(desc, c), number, sizeof number);
        snprintf(word, sizeof word, TOLERANCE_WORD "%u:%s", c, number);
        is_done = put(text, word);
    }
    return is_done;
}

/* The words for a checked desc, ended with a NUL. */
static gch_status print_words(gch__buffer *text, const gch_writer_desc *desc, gch_error *err)
{
    gch_preset preset = desc->preset != GCH_PRESET_DEFAULT ? desc->preset : GCH_PRESET_LOSSLESS;
    bool is_done = preset == GCH_PRESET_TOLERANCE ? put_tolerances(text, desc)
                                                  : put(text, gch_preset_name(preset));
    return is_done && gch__buffer_append(text, "", 1) ? GCH_OK : gch__no_memory(err, "preset");
}

/* ---- what it says ---- */

gch_decimal gch__preset_tolerance(const gch__meta *meta, uint32_t column)
{
    if (meta->columns[column].tolerance.digits != 0)
        return meta->columns[column].tolerance;
    return is_whole(meta->columns[column].type) ? (gch_decimal){0} : meta->tolerance;
}

static void choose_steps(gch__meta *meta)
{
    for (uint32_t c = 0; c < meta->column_count; c++)
        meta->columns[c].step =
            gch__step_choose(gch__preset_tolerance(meta, c), meta->columns[c].type);
}

gch_status gch__preset_fill(gch__meta *meta, const gch_writer_desc *desc, gch_error *err)
{
    gch__buffer text = {.allocator = meta->allocator, .purpose = "preset"};
    gch_status status = print_words(&text, desc, err);
    if (status == GCH_OK) {
        meta->preset =
            gch__copy_text(meta->allocator, (const char *)text.bytes, text.count - 1, "names");
        if (meta->preset == NULL)
            status = gch__no_memory(err, "names");
    }
    gch__buffer_reset(&text);
    meta->preset_kind = desc->preset != GCH_PRESET_DEFAULT ? desc->preset : GCH_PRESET_LOSSLESS;
    meta->tolerance = desc->tolerance;
    for (uint32_t c = 0; c < desc->column_count; c++)
        meta->columns[c].tolerance = own_tolerance(desc, c);
    choose_steps(meta);
    return status;
}

/* What stands behind "tolerance=": false if that is not well formed. */
static bool read_tolerance(gch__meta *meta, const char *text, size_t length)
{
    uint32_t column = 0;
    size_t at = 0;
    const char *colon = memchr(text, ':', length);
    gch_decimal *target = &meta->tolerance;
    if (colon != NULL) {
        for (; at < 4 && text[at] >= '0' && text[at] <= '9'; at++)
            column = column * 10 + (uint32_t)(text[at] - '0');
        if (at == 0 || text + at != colon || column >= meta->column_count ||
            is_whole(meta->columns[column].type))
            return false;
        target = &meta->columns[column].tolerance;
        at++;
    }
    gch_decimal value;
    if (!gch_decimal_parse(text + at, length - at, &value) || value.digits <= 0)
        return false;
    *target = value;
    return true;
}

void gch__preset_read(gch__meta *meta)
{
    const size_t prefix = strlen(TOLERANCE_WORD);
    bool is_known = true;
    meta->preset_kind = GCH_PRESET_DEFAULT;
    for (const char *word = meta->preset; *word != '\0';) {
        size_t length = strcspn(word, " ");
        gch_preset found = GCH_PRESET_DEFAULT;
        if (length >= prefix && strncmp(word, TOLERANCE_WORD, prefix) == 0) {
            is_known &= read_tolerance(meta, word + prefix, length - prefix);
            found = GCH_PRESET_TOLERANCE;
        } else if (length == 8 && strncmp(word, "lossless", 8) == 0) {
            found = GCH_PRESET_LOSSLESS;
        } else if (length == 4 && strncmp(word, "fast", 4) == 0) {
            found = GCH_PRESET_FAST;
        }
        is_known &= found == GCH_PRESET_DEFAULT || meta->preset_kind == GCH_PRESET_DEFAULT ||
                    meta->preset_kind == found;
        if (found != GCH_PRESET_DEFAULT)
            meta->preset_kind = found;
        word += length + (word[length] == ' ' ? 1 : 0);
    }
    if (!is_known)
        meta->preset_kind = GCH_PRESET_DEFAULT;
    for (uint32_t c = 0; c < meta->column_count && !is_known; c++)
        meta->columns[c].tolerance = (gch_decimal){0};
    if (!is_known)
        meta->tolerance = (gch_decimal){0};
    choose_steps(meta);
}

static bool is_same(gch_decimal a, gch_decimal b)
{
    char texts[2][48];
    gch_decimal_format(a, texts[0], sizeof texts[0]);
    gch_decimal_format(b, texts[1], sizeof texts[1]);
    return strcmp(texts[0], texts[1]) == 0;
}

gch_status gch__preset_match(const gch__meta *meta, const gch_writer_desc *desc, const char *name,
                             gch_error *err)
{
    if (meta->preset_kind == GCH_PRESET_DEFAULT)
        return gch_fail(err, GCH_UNSUPPORTED,
                        "%s: its preset, \"%.100s\", is not one that this program can go on with",
                        name, meta->preset);
    if (desc->preset == GCH_PRESET_DEFAULT)
        return GCH_OK;
    bool is_one = desc->preset == meta->preset_kind && is_same(desc->tolerance, meta->tolerance);
    for (uint32_t c = 0; is_one && c < desc->column_count; c++)
        is_one = is_same(own_tolerance(desc, c), meta->columns[c].tolerance);
    if (is_one)
        return GCH_OK;
    gch__buffer text = {.allocator = meta->allocator, .purpose = "preset"};
    gch_status status = print_words(&text, desc, err);
    if (status == GCH_OK)
        status = gch_fail(err, GCH_INVALID,
                          "%s: its preset is %.80s, the rows to append are to be packed as %.80s; "
                          "leave that away to go on as the file does",
                          name, meta->preset, (const char *)text.bytes);
    gch__buffer_reset(&text);
    return status;
}
