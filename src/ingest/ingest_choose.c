/* The choice of columns by name or number, and times made from a rate. */
#include "gch/decimal.h"
#include "ingest_field.h"
#include "ingest_job.h"

#include <stdio.h>
#include <string.h>

const char *const gch__time_names[] = {"time", "timestamp", "date", "t", "ts", NULL};

static gch__span span_of(const char *text)
{
    return (gch__span){(const uint8_t *)text, strlen(text)};
}

bool gch__is_index_name(const char *name)
{
    return gch__equals_word(span_of(name), "index");
}

bool gch__field_number(const char *text, uint32_t *out_field)
{
    uint32_t number = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && i < 8; i++)
        number = number * 10 + (uint32_t)(text[i] - '0');
    if (i == 0 || text[i] != '\0' || number == 0)
        return false;
    *out_field = number - 1;
    return true;
}

/* "time, price, size", with "..." for what has no room. */
static void list_names(const char *const *names, uint32_t count, char *out, size_t cap)
{
    size_t length = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        const char *comma = i > 0 ? ", " : "";
        if (length + strlen(comma) + strlen(names[i]) + 6 > cap) {
            snprintf(out + length, cap - length, "%s...", comma);
            return;
        }
        length += (size_t)snprintf(out + length, cap - length, "%s%s", comma, names[i]);
    }
}

static gch_status find_field(const char *input_name, const char *const *names, uint32_t count,
                             const char *wanted, uint32_t *out, gch_error *err)
{
    uint32_t found = GCH__NO_FIELD;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(names[i], wanted) != 0)
            continue;
        if (found != GCH__NO_FIELD)
            return gch_fail(err, GCH_INVALID,
                            "%s: columns %u and %u are both called \"%.80s\"; choose one by number",
                            input_name, found + 1, i + 1, wanted);
        found = i;
    }
    if (found == GCH__NO_FIELD && gch__field_number(wanted, &found) && found >= count)
        found = GCH__NO_FIELD;
    if (found == GCH__NO_FIELD) {
        char list[120];
        list_names(names, count, list, sizeof list);
        return gch_fail(err, GCH_INVALID, "%s: there is no column \"%.60s\"; there are: %s",
                        input_name, wanted, list);
    }
    *out = found;
    return GCH_OK;
}

static gch_status choose_time(const gch__ingest_job *job, const char *input_name,
                              const char *const *names, uint32_t count, uint32_t datetime_field,
                              uint32_t *out, gch_error *err)
{
    const gch_ingest_desc *desc = job->desc;
    *out = GCH__NO_FIELD;
    if (desc->x_column != NULL) /* the rows of a point set have no times */
        return GCH_OK;
    if (desc->rate_hz != 0) {
        if (desc->time_column != NULL && strcmp(desc->time_column, "none") != 0)
            return gch_fail(err, GCH_INVALID,
                            "a rate and a time column (\"%.80s\") contradict each other",
                            desc->time_column);
        return GCH_OK;
    }
    if (desc->time_column != NULL) {
        if (strcmp(desc->time_column, "none") == 0)
            return GCH_OK;
        return find_field(input_name, names, count, desc->time_column, out, err);
    }
    for (uint32_t i = 0; job->existing != NULL && i < count; i++) {
        if (strcmp(names[i], job->existing->time_name) == 0) {
            *out = i;
            return GCH_OK;
        }
    }
    for (size_t k = 0; gch__time_names[k] != NULL; k++) {
        for (uint32_t i = 0; i < count; i++) {
            if (gch__equals_word(span_of(names[i]), gch__time_names[k])) {
                *out = i;
                return GCH_OK;
            }
        }
    }
    if (datetime_field != GCH__NO_FIELD)
        *out = datetime_field;
    else if (count > 1)
        *out = 0; /* a single column is values, and its rows are numbered */
    return GCH_OK;
}

static gch_status choose_named(const gch_ingest_desc *desc, const char *input_name,
                               const char *const *names, uint32_t count, gch__chosen *chosen,
                               gch_error *err)
{
    chosen->is_named = true;
    for (uint32_t k = 0; k < desc->column_count; k++) {
        uint32_t field;
        GCH_TRY(find_field(input_name, names, count, desc->columns[k], &field, err));
        if (field == chosen->time)
            return gch_fail(err, GCH_INVALID, "%s: column \"%.80s\" is the time column", input_name,
                            names[field]);
        for (uint32_t i = 0; i < chosen->value_count; i++) {
            if (chosen->values[i] == field)
                return gch_fail(err, GCH_INVALID, "%s: column \"%.80s\" is chosen twice",
                                input_name, names[field]);
        }
        chosen->values[chosen->value_count++] = field;
    }
    return GCH_OK;
}

/* The coordinates of a point set are among the values, asked for or not. */
static gch_status choose_points(const gch_ingest_desc *desc, const char *input_name,
                                const char *const *names, uint32_t count, gch__chosen *chosen,
                                gch_error *err)
{
    chosen->x = chosen->y = GCH__NO_FIELD;
    if (desc->x_column == NULL)
        return GCH_OK;
    GCH_TRY(find_field(input_name, names, count, desc->x_column, &chosen->x, err));
    GCH_TRY(find_field(input_name, names, count, desc->y_column, &chosen->y, err));
    if (chosen->x == chosen->y)
        return gch_fail(err, GCH_INVALID, "%s: column \"%.80s\" cannot be both x and y", input_name,
                        names[chosen->x]);
    const uint32_t both[] = {chosen->x, chosen->y};
    for (size_t k = 0; k < GCH_COUNT_OF(both); k++) {
        uint32_t i = 0;
        while (i < chosen->value_count && chosen->values[i] != both[k])
            i++;
        if (i == chosen->value_count)
            chosen->values[chosen->value_count++] = both[k];
    }
    return GCH_OK;
}

/* The columns of the file that is appended to, if all are here by name. */
static bool choose_existing(const gch_file_info *existing, const char *const *names, uint32_t count,
                            gch__chosen *chosen)
{
    for (uint32_t k = 0; k < existing->column_count; k++) {
        uint32_t i = 0;
        while (i < count && (i == chosen->time || strcmp(names[i], existing->columns[k].name) != 0))
            i++;
        if (i == count) {
            chosen->value_count = 0;
            return false;
        }
        chosen->values[chosen->value_count++] = i;
    }
    chosen->is_named = true;
    return existing->column_count > 0;
}

gch_status gch__choose_columns(const gch__ingest_job *job, const char *input_name,
                               const char *const *names, uint32_t name_count,
                               uint32_t datetime_field, gch__chosen *out, gch_error *err)
{
    const gch_ingest_desc *desc = job->desc;
    *out = (gch__chosen){0};
    GCH_TRY(choose_time(job, input_name, names, name_count, datetime_field, &out->time, err));
    size_t cap = (size_t)name_count + (job->existing != NULL ? job->existing->column_count : 0) +
                 desc->column_count + 2;
    out->values = gch__alloc_array(job->allocator, cap, sizeof *out->values, "columns");
    if (out->values == NULL)
        return gch__no_memory(err, "columns");
    gch_status status = GCH_OK;
    if (desc->columns != NULL && desc->column_count > 0) {
        GCH_TRY_GOTO(choose_named(desc, input_name, names, name_count, out, err), failed);
    } else if (job->existing == NULL || !choose_existing(job->existing, names, name_count, out)) {
        for (uint32_t i = 0; i < name_count; i++) {
            if (i != out->time)
                out->values[out->value_count++] = i;
        }
    }
    GCH_TRY_GOTO(choose_points(desc, input_name, names, name_count, out, err), failed);
    if (out->value_count == 0) {
        status = gch_fail(err, GCH_INVALID,
                          "%s: \"%.80s\" is the only column and holds the time; give --time none "
                          "or --rate if it holds values",
                          input_name, name_count > 0 ? names[0] : "");
        goto failed;
    }
    return GCH_OK;
failed:
    gch__chosen_reset(job, out);
    return status;
}

void gch__chosen_reset(const gch__ingest_job *job, gch__chosen *chosen)
{
    gch__free(job->allocator, chosen->values, "columns");
    *chosen = (gch__chosen){0};
}

static unsigned __int128 gcd(unsigned __int128 a, unsigned __int128 b)
{
    while (b != 0) {
        unsigned __int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

gch_status gch__rate_set(gch__rate *rate, double rate_hz, gch_time_unit unit, int64_t start,
                         gch_error *err)
{
    if (!(rate_hz >= 1e-9 && rate_hz <= 1e12))
        return gch_fail(err, GCH_INVALID, "a rate of %g rows a second: expected 1e-9 to 1e12",
                        rate_hz);
    int64_t per_second = gch_time_unit_per_second(unit);
    if (per_second == 0)
        return gch_fail(err, GCH_INVALID, "a rate needs --time-unit s, ms, us or ns, not %s",
                        gch_time_unit_name(unit));
    /* 0.1 means a tenth, not the binary fraction next to it. 17 digits at most: in range. */
    gch_decimal exact = gch_decimal_from_double(rate_hz);
    unsigned __int128 numerator = (unsigned __int128)per_second;
    unsigned __int128 denominator = (unsigned __int128)exact.digits;
    for (int32_t i = 0; i < exact.exp10; i++)
        denominator *= 10;
    for (int32_t i = exact.exp10; i < 0; i++)
        numerator *= 10;
    unsigned __int128 common = gcd(numerator, denominator);
    *rate = (gch__rate){.is_set = true,
                        .numerator = numerator / common,
                        .denominator = denominator / common,
                        .start = start};
    return GCH_OK;
}

gch_status gch__rate_fill(const gch__rate *rate, uint64_t first_row, size_t row_count,
                          int64_t *out_times, gch_error *err)
{
    const unsigned __int128 denominator = rate->denominator;
    unsigned __int128 last, at;
    int64_t last_time;
    if (row_count == 0)
        return GCH_OK;
    if (__builtin_mul_overflow((unsigned __int128)(first_row + row_count - 1), rate->numerator,
                               &last) ||
        last / denominator > INT64_MAX ||
        __builtin_add_overflow(rate->start, (int64_t)(last / denominator), &last_time))
        return gch_fail(err, GCH_LIMIT, "row %llu at this rate has a time beyond 64 bits",
                        (unsigned long long)(first_row + row_count));
    at = (unsigned __int128)first_row * rate->numerator;
    int64_t time = rate->start + (int64_t)(at / denominator);
    const int64_t step = (int64_t)(rate->numerator / denominator);
    const unsigned __int128 step_rest = rate->numerator % denominator;
    unsigned __int128 rest = at % denominator;
    for (size_t i = 0; i < row_count; i++) {
        out_times[i] = time;
        rest += step_rest;
        /* Unsigned, since the step behind the last row may pass int64. */
        time = (int64_t)((uint64_t)time + (uint64_t)step + (rest >= denominator));
        if (rest >= denominator)
            rest -= denominator;
    }
    return GCH_OK;
}

static gch_status set_tolerance(const gch_column_tolerance *wanted, const char *input_name,
                                const gch_column_desc *columns, uint32_t count,
                                gch_decimal *tolerances, gch_error *err)
{
    uint32_t c = 0;
    while (c < count && strcmp(columns[c].name, wanted->column) != 0)
        c++;
    if (c == count) {
        const char *names[GCH_COLUMN_CAP];
        char list[120];
        for (uint32_t k = 0; k < count; k++)
            names[k] = columns[k].name;
        list_names(names, count, list, sizeof list);
        return gch_fail(err, GCH_INVALID,
                        "%s: there is no column of values \"%.60s\" to take a tolerance; there "
                        "are: %s",
                        input_name, wanted->column, list);
    }
    if (wanted->tolerance.digits <= 0)
        return gch_fail(err, GCH_INVALID,
                        "%s: the tolerance of column \"%.60s\" is not a number above 0", input_name,
                        wanted->column);
    if (tolerances[c].digits != 0)
        return gch_fail(err, GCH_INVALID, "%s: column \"%.60s\" has two tolerances", input_name,
                        wanted->column);
    tolerances[c] = wanted->tolerance;
    return GCH_OK;
}

gch_status gch__make_tolerances(const gch__ingest_job *job, const char *input_name,
                                const gch_column_desc *columns, uint32_t count, gch_decimal **out,
                                gch_error *err)
{
    const gch_ingest_desc *desc = job->desc;
    *out = NULL;
    if (desc->tolerance_count == 0)
        return GCH_OK;
    gch_decimal *tolerances =
        gch__alloc_zero(job->allocator, GCH_MAX(count, 1u), sizeof *tolerances, "columns");
    if (tolerances == NULL)
        return gch__no_memory(err, "columns");
    gch_status status = GCH_OK;
    for (uint32_t i = 0; status == GCH_OK && i < desc->tolerance_count; i++)
        status = set_tolerance(&desc->tolerances[i], input_name, columns, count, tolerances, err);
    if (status == GCH_OK)
        *out = tolerances;
    else
        gch__free(job->allocator, tolerances, "columns");
    return status;
}
