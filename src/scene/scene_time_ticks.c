/* Time ticks: exact instants at round civil times of a zone, from nanoseconds to eons.
 *
 * A ladder of steps runs from one tick of the unit to 5 * 10^11 years; the smallest whose labels
 * keep their distance is taken. The width asked for is that of a model label of the step and not of
 * the labels in view, so that panning does not change the step.
 *
 * Invariants:
 *  1. Ticks come out in strictly ascending order, each within [from, to].
 *  2. Steps up to an hour walk through the stretches of one offset: a repeated hour has its ticks
 *     twice, a skipped one has none. Longer steps count civil time from midnight, Monday, January:
 *     of a repeated time the first is taken; a skipped time has no tick, but a day, month or year
 *     that begins with one starts at the change.
 *  3. Instants are formed in 128 bits and dropped if they leave int64.
 */
#include "base_time_zone.h"
#include "scene_ticks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400
#define MINOR_PX_MIN 5.0
#define YEAR_PLACES 12 /* 10^11 years and a bit are all that int64 seconds hold */

typedef enum step_kind {
    STEP_NONE,
    STEP_TICKS,   /* ticks of the unit, below a second; rows for GCH_TIME_INDEX */
    STEP_SECONDS, /* up to an hour */
    STEP_HOURS,   /* divides 24 */
    STEP_DAYS,    /* counted from 1970 */
    STEP_WEEKS,   /* from Mondays */
    STEP_MONTHS,  /* divides 12 */
    STEP_YEARS,
} step_kind;

typedef struct step {
    step_kind kind;
    int64_t count;
    step_kind minor_kind;
    int64_t minor_count;
} step;

/* Between the 1-2-5 steps of fractions below and the 1-2-5 steps of years above. */
static const step middle_steps[] = {
    {STEP_SECONDS, 1, STEP_NONE, 0},         {STEP_SECONDS, 2, STEP_SECONDS, 1},
    {STEP_SECONDS, 5, STEP_SECONDS, 1},      {STEP_SECONDS, 10, STEP_SECONDS, 2},
    {STEP_SECONDS, 15, STEP_SECONDS, 5},     {STEP_SECONDS, 30, STEP_SECONDS, 10},
    {STEP_SECONDS, 60, STEP_SECONDS, 15},    {STEP_SECONDS, 120, STEP_SECONDS, 30},
    {STEP_SECONDS, 300, STEP_SECONDS, 60},   {STEP_SECONDS, 600, STEP_SECONDS, 120},
    {STEP_SECONDS, 900, STEP_SECONDS, 300},  {STEP_SECONDS, 1800, STEP_SECONDS, 600},
    {STEP_SECONDS, 3600, STEP_SECONDS, 900}, {STEP_HOURS, 2, STEP_SECONDS, 1800},
    {STEP_HOURS, 3, STEP_SECONDS, 3600},     {STEP_HOURS, 4, STEP_SECONDS, 3600},
    {STEP_HOURS, 6, STEP_HOURS, 2},          {STEP_HOURS, 12, STEP_HOURS, 3},
    {STEP_DAYS, 1, STEP_HOURS, 6},           {STEP_DAYS, 2, STEP_DAYS, 1},
    {STEP_WEEKS, 1, STEP_DAYS, 1},           {STEP_WEEKS, 2, STEP_WEEKS, 1},
    {STEP_MONTHS, 1, STEP_NONE, 0},          {STEP_MONTHS, 2, STEP_MONTHS, 1},
    {STEP_MONTHS, 3, STEP_MONTHS, 1},        {STEP_MONTHS, 6, STEP_MONTHS, 1},
};

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

typedef struct axis {
    int64_t from, to;
    gch_time_unit unit;
    int64_t per_second; /* 1 for INDEX */
    const gch_time_zone *zone;
    double width, span, gap;
    bool is_grouped; /* row numbers and years stand with thousands separators */
    gch__measure_fn *measure;
    void *context;
} axis;

static double width_of(const axis *a, const char *text)
{
    return (double)a->measure(a->context, text);
}

/* ---- the ladder ---- */

/* 1, 2, 5, 10, 20, 50, ... */
static int64_t round_number(uint32_t index)
{
    static const int64_t factors[] = {1, 2, 5};
    int64_t number = factors[index % 3];
    for (uint32_t i = 0; i < index / 3; i++)
        number *= 10;
    return number;
}

/* What divides round_number(index) well: by 5, or 2 * 10^k by 4. */
static int64_t round_part(uint32_t index)
{
    int64_t number = round_number(index);
    if (number == 2)
        return 1;
    return number / (index % 3 == 1 ? 4 : 5); /* 0 for 1 */
}

static uint32_t count_fractions(const axis *a)
{
    if (a->unit == GCH_TIME_INDEX)
        return 19 * 3; /* 5 * 10^18 still fits */
    uint32_t count = 0;
    while (round_number(count) < a->per_second)
        count++;
    return count;
}

static uint32_t count_steps(const axis *a)
{
    uint32_t fractions = count_fractions(a);
    if (a->unit == GCH_TIME_INDEX)
        return fractions;
    return fractions + (uint32_t)GCH_COUNT_OF(middle_steps) + YEAR_PLACES * 3;
}

static step get_step(const axis *a, uint32_t index)
{
    uint32_t fractions = count_fractions(a);
    if (index < fractions) {
        int64_t part = round_part(index);
        return (step){STEP_TICKS, round_number(index), part > 0 ? STEP_TICKS : STEP_NONE, part};
    }
    index -= fractions;
    if (index < GCH_COUNT_OF(middle_steps)) {
        step s = middle_steps[index];
        if (s.minor_kind == STEP_NONE && s.kind == STEP_SECONDS && a->per_second >= 5) {
            s.minor_kind = STEP_TICKS;
            s.minor_count = a->per_second / 5;
        }
        return s;
    }
    index -= (uint32_t)GCH_COUNT_OF(middle_steps);
    int64_t part = round_part(index);
    if (part == 0)
        return (step){STEP_YEARS, 1, STEP_MONTHS, 3};
    return (step){STEP_YEARS, round_number(index), STEP_YEARS, part};
}

/* The least distance of two neighbours. */
static double step_px(const axis *a, step_kind kind, int64_t count)
{
    static const double seconds[] = {
        [STEP_SECONDS] = 1,       [STEP_HOURS] = 3600,        [STEP_DAYS] = DAY_S,
        [STEP_WEEKS] = 7 * DAY_S, [STEP_MONTHS] = 28 * DAY_S, [STEP_YEARS] = 365 * DAY_S,
    };
    double ticks = (double)count;
    if (kind != STEP_TICKS)
        ticks *= seconds[kind] * (double)a->per_second;
    return ticks / a->span * a->width;
}

/* ---- walking over the instants of a step ---- */

typedef struct walk {
    const axis *axis;
    step_kind kind;
    int64_t count;
    __int128 index; /* next multiple of count (not SECONDS); may step past int64 */
    int64_t last;   /* the instant given out last */
    bool has_last, is_over;
    /* SECONDS: the next candidate, and the stretch of one offset that it lies in. */
    int64_t next_s, end_s;
} walk;

static int64_t utc_of(const axis *a, int64_t ticks)
{
    return gch__floor_div(ticks, a->per_second);
}

/* Starts the stretch at utc_s: the first multiple of the step in its local time. */
static void enter_stretch(walk *w, int64_t utc_s)
{
    int64_t offset = gch_time_zone_offset(w->axis->zone, utc_s, NULL);
    if (!gch__time_zone_next_change(w->axis->zone, utc_s, &w->end_s))
        w->end_s = INT64_MAX;
    /* utc_s + offset may leave int64, its remainder does not. */
    int64_t rest = (gch__floor_mod(utc_s, w->count) + gch__floor_mod(offset, w->count)) % w->count;
    if (__builtin_add_overflow(utc_s, rest == 0 ? 0 : w->count - rest, &w->next_s))
        w->is_over = true;
}

static walk walk_start(const axis *a, step_kind kind, int64_t count)
{
    walk w = {.axis = a, .kind = kind, .count = count};
    if (kind == STEP_TICKS) {
        w.index = gch__floor_div(a->from, count);
        return w;
    }
    if (kind == STEP_SECONDS) {
        enter_stretch(&w, utc_of(a, a->from));
        return w;
    }
    gch_civil civil = gch_civil_from_ticks(a->from, a->unit, a->zone, NULL);
    int64_t days = gch_days_from_civil(civil.year, civil.month, civil.day);
    switch (kind) {
    case STEP_HOURS:
        w.index = days * (24 / count);
        break;
    case STEP_DAYS:
        w.index = gch__floor_div(days, count);
        break;
    case STEP_WEEKS:
        w.index = gch__floor_div(days + 3, 7 * count); /* day -3 is a Monday */
        break;
    case STEP_MONTHS:
        w.index = gch__floor_div(civil.year * 12 + (int64_t)civil.month - 1, count);
        break;
    default:
        w.index = gch__floor_div(civil.year, count);
        break;
    }
    return w;
}

/* The local second, as if it were UTC, of the walk's next multiple. */
static __int128 local_of(const walk *w)
{
    __int128 number = w->index * w->count;
    int64_t days;
    switch (w->kind) {
    case STEP_HOURS:
        return number * 3600;
    case STEP_DAYS:
        return number * DAY_S;
    case STEP_WEEKS:
        return (number * 7 - 3) * DAY_S;
    case STEP_MONTHS:
        days = gch_days_from_civil(gch__floor_div((int64_t)number, 12),
                                   (uint32_t)gch__floor_mod((int64_t)number, 12) + 1, 1);
        return (__int128)days * DAY_S;
    default:
        return (__int128)gch_days_from_civil((int64_t)number, 1, 1) * DAY_S;
    }
}

/* Whether a tick stands at the instant that a local time was mapped to (invariant 2). */
static bool has_tick(const walk *w, int64_t local_s, int64_t utc_s)
{
    __int128 skipped = (__int128)utc_s + gch_time_zone_offset(w->axis->zone, utc_s, NULL) - local_s;
    if (skipped == 0)
        return true;
    int64_t second_of_day = gch__floor_mod(local_s, DAY_S);
    if (w->kind == STEP_HOURS && second_of_day != 0)
        return false;
    /* Where a whole day was skipped, the next day has the instant for its own. */
    return w->kind == STEP_MONTHS || w->kind == STEP_YEARS || second_of_day + skipped < DAY_S;
}

/* The instant of the next multiple; false if it has none. Sets is_over past the end of int64. */
static bool next_instant(walk *w, int64_t *out_ticks)
{
    const axis *a = w->axis;
    __int128 ticks;
    if (w->kind == STEP_TICKS) {
        ticks = w->index++ * w->count;
    } else if (w->kind == STEP_SECONDS) {
        if (w->next_s >= w->end_s && w->end_s != INT64_MAX) {
            enter_stretch(w, w->end_s);
            return false;
        }
        ticks = (__int128)w->next_s * a->per_second;
        /* Right after a change the last tick may be near: an offset of odd minutes came or went. */
        bool is_close = w->has_last && ticks - w->last < (__int128)w->count * a->per_second / 2;
        if (__builtin_add_overflow(w->next_s, w->count, &w->next_s))
            w->is_over = true;
        if (is_close)
            return false;
    } else {
        __int128 local_s = local_of(w);
        w->index++;
        if (local_s > INT64_MAX)
            w->is_over = true;
        if (local_s < INT64_MIN || local_s > INT64_MAX)
            return false;
        int64_t utc_s = gch_time_zone_to_utc(a->zone, (int64_t)local_s);
        if (!has_tick(w, (int64_t)local_s, utc_s))
            return false;
        ticks = (__int128)utc_s * a->per_second;
    }
    if (ticks > a->to)
        w->is_over = true;
    if (ticks < a->from || ticks > a->to)
        return false;
    *out_ticks = (int64_t)ticks;
    return true;
}

static bool walk_next(walk *w, int64_t *out_ticks)
{
    while (!w->is_over) {
        int64_t ticks;
        if (!next_instant(w, &ticks) || (w->has_last && ticks <= w->last))
            continue;
        w->has_last = true;
        w->last = ticks;
        *out_ticks = ticks;
        return true;
    }
    return false;
}

/* ---- text ---- */

/* Digits after the point that tell multiples of a step below a second apart. */
static uint32_t fraction_digits(const axis *a, int64_t count)
{
    int64_t nanoseconds = count * (1000000000 / a->per_second);
    uint32_t digits = 9;
    for (; nanoseconds % 10 == 0 && digits > 1; digits--)
        nanoseconds /= 10;
    return digits;
}

static void add_year(gch__tick_text *label, int64_t year)
{
    gch__tick_text_add_number(label, year, 0, year >= 10000 || year <= -10000);
}

/* The second pass of a repeated hour is told from the first by the zone's abbreviation, or by its
 * offset where both have the same name. */
static void add_second_pass(const axis *a, gch__tick_text *label, int64_t ticks)
{
    int64_t utc_s = utc_of(a, ticks), local_s;
    const char *abbreviation, *first_abbreviation;
    int32_t offset = gch_time_zone_offset(a->zone, utc_s, &abbreviation);
    if (__builtin_add_overflow(utc_s, (int64_t)offset, &local_s))
        return;
    int64_t first_s = gch_time_zone_to_utc(a->zone, local_s);
    if (first_s == utc_s)
        return;
    (void)gch_time_zone_offset(a->zone, first_s, &first_abbreviation);
    gch__tick_text_add(label, " ");
    if (strcmp(abbreviation, first_abbreviation) != 0) {
        gch__tick_text_add(label, abbreviation);
        return;
    }
    char text[16];
    uint32_t minutes = (uint32_t)(offset < 0 ? -offset : offset) / 60;
    snprintf(text, sizeof text, "%s%02u:%02u", offset < 0 ? GCH__MINUS : "+", minutes / 60,
             minutes % 60);
    gch__tick_text_add(label, text);
}

static void write_label(const axis *a, const step *s, int64_t ticks, char *text, size_t cap)
{
    gch__tick_text label = gch__tick_text_start(text, cap);
    if (a->unit == GCH_TIME_INDEX) {
        gch__tick_text_add_number(&label, ticks, 0, a->is_grouped);
        return;
    }
    gch_civil civil = gch_civil_from_ticks(ticks, a->unit, a->zone, NULL);
    char part[32];
    switch (s->kind) {
    case STEP_TICKS: {
        uint32_t digits = fraction_digits(a, s->count);
        snprintf(part, sizeof part, "%02u.%09u", civil.second, civil.nanosecond);
        part[3 + digits] = '\0';
        gch__tick_text_add(&label, part);
        break;
    }
    case STEP_SECONDS:
    case STEP_HOURS:
        snprintf(part, sizeof part, "%02u:%02u", civil.hour, civil.minute);
        gch__tick_text_add(&label, part);
        if (s->kind == STEP_SECONDS && s->count < 60) {
            snprintf(part, sizeof part, ":%02u", civil.second);
            gch__tick_text_add(&label, part);
        }
        add_second_pass(a, &label, ticks);
        break;
    case STEP_DAYS:
    case STEP_WEEKS:
        snprintf(part, sizeof part, "%s %u", month_names[civil.month - 1], civil.day);
        gch__tick_text_add(&label, part);
        break;
    case STEP_MONTHS:
        gch__tick_text_add(&label, month_names[civil.month - 1]);
        break;
    default:
        gch__tick_text_add_number(&label, civil.year, 0, a->is_grouped);
        break;
    }
}

/* A label as wide as any of the step's in this view. */
static double label_width(const axis *a, const step *s)
{
    if (s->kind == STEP_YEARS || a->unit == GCH_TIME_INDEX) {
        char first[48], last[48];
        write_label(a, s, a->from, first, sizeof first);
        write_label(a, s, a->to, last, sizeof last);
        return GCH_MAX(width_of(a, first), width_of(a, last));
    }
    switch (s->kind) {
    case STEP_TICKS: {
        char text[16] = "00.000000000";
        text[3 + fraction_digits(a, s->count)] = '\0';
        return width_of(a, text);
    }
    case STEP_SECONDS:
        return width_of(a, s->count < 60 ? "00:00:00" : "00:00");
    case STEP_HOURS:
        return width_of(a, "00:00");
    case STEP_DAYS:
    case STEP_WEEKS:
        return width_of(a, "Mar 30");
    default:
        return width_of(a, "May");
    }
}

/* What lies above the labels: equal for ticks that share a context. */
typedef struct period {
    int64_t day, year;
    int64_t local_s; /* STEP_TICKS */
} period;

static period period_of(const axis *a, const step *s, int64_t ticks)
{
    int32_t offset;
    gch_civil civil = gch_civil_from_ticks(ticks, a->unit, a->zone, &offset);
    period p = {.year = civil.year};
    if (s->kind <= STEP_HOURS)
        p.day = gch_days_from_civil(civil.year, civil.month, civil.day);
    if (s->kind == STEP_TICKS)
        p.local_s = utc_of(a, ticks); /* the offset is in the text, if it matters */
    return p;
}

static bool is_same(const period *a, const period *b)
{
    return a->year == b->year && a->day == b->day && a->local_s == b->local_s;
}

/* `before`, if given, is the period of the tick before: what it shares is left out. */
static void write_context(const axis *a, const step *s, int64_t ticks, const period *before,
                          char *text, size_t cap)
{
    gch__tick_text label = gch__tick_text_start(text, cap);
    period now = period_of(a, s, ticks);
    gch_civil civil = gch_civil_from_ticks(ticks, a->unit, a->zone, NULL);
    bool with_year = before == NULL || before->year != now.year || s->kind > STEP_HOURS;
    bool with_day = s->kind <= STEP_HOURS && (before == NULL || before->day != now.day);
    if (with_year)
        add_year(&label, civil.year);
    char part[32];
    if (with_day) {
        snprintf(part, sizeof part, "%s%s %u", with_year ? " " : "", month_names[civil.month - 1],
                 civil.day);
        gch__tick_text_add(&label, part);
    }
    if (s->kind == STEP_TICKS) {
        snprintf(part, sizeof part, "%s%02u:%02u:%02u", with_day ? " " : "", civil.hour,
                 civil.minute, civil.second);
        gch__tick_text_add(&label, part);
        add_second_pass(a, &label, ticks);
    }
}

/* ---- choosing and placing ---- */

static double position_of(const axis *a, int64_t ticks)
{
    return (double)((uint64_t)ticks - (uint64_t)a->from) / a->span * a->width;
}

/* The labelled ticks of a step. Contexts are written in full if all fit, else (`is_short`) each
 * says only what is new; returns false if is_short is needed. */
static bool place_majors(const axis *a, const step *s, bool is_short, gch__tick *out, uint32_t cap,
                         uint32_t *out_count, uint32_t *out_labelled)
{
    bool has_context = a->unit != GCH_TIME_INDEX && s->kind != STEP_YEARS;
    double label_end = -INFINITY, context_end = -INFINITY;
    gch__tick *first_context = NULL;
    uint32_t context_count = 0;
    bool has_before = false;
    period before = {0};
    uint32_t count = 0, labelled = 0;

    walk w = walk_start(a, s->kind, s->count);
    int64_t ticks;
    while (count < cap && walk_next(&w, &ticks)) {
        gch__tick *tick = &out[count++];
        *tick = (gch__tick){.position = position_of(a, ticks), .is_major = true};
        write_label(a, s, ticks, tick->label, sizeof tick->label);
        /* The step keeps the distance but where clocks change: there a label may have to go. */
        double half = width_of(a, tick->label) / 2;
        if (tick->position - half < label_end + a->gap * 0.3) {
            tick->label[0] = '\0';
            tick->is_major = false;
            continue;
        }
        label_end = tick->position + half;
        labelled++;
        if (!has_context)
            continue;

        period now = period_of(a, s, ticks);
        bool is_new = !has_before || !is_same(&now, &before);
        if (is_new) {
            write_context(a, s, ticks, is_short && has_before ? &before : NULL, tick->context,
                          sizeof tick->context);
            half = width_of(a, tick->context) / 2;
            if (tick->position - half < context_end + a->gap * 0.3) {
                if (!is_short)
                    return false;
                /* Of the first and a change right after it, the change says more. */
                if (context_count == 1) {
                    first_context->context[0] = '\0';
                    write_context(a, s, ticks, NULL, tick->context, sizeof tick->context);
                    half = width_of(a, tick->context) / 2;
                } else {
                    tick->context[0] = '\0';
                }
            }
            if (tick->context[0] != '\0') {
                context_end = tick->position + half;
                first_context = tick;
                context_count++;
            }
        }
        before = now;
        has_before = true;
    }
    *out_count = count;
    *out_labelled = labelled;
    return true;
}

/* Adds the marks between the labels, in order; `count` ticks are there. */
static uint32_t place_minors(const axis *a, const step *s, gch__tick *out, uint32_t count,
                             uint32_t cap)
{
    if (s->minor_kind == STEP_NONE)
        return count;
    double distance = step_px(a, s->minor_kind, s->minor_count);
    if (distance < GCH_MAX(MINOR_PX_MIN, a->gap / 5) || a->width / distance + count + 2 > cap)
        return count;
    walk w = walk_start(a, s->minor_kind, s->minor_count);
    int64_t ticks;
    uint32_t at = 0;
    while (count < cap && walk_next(&w, &ticks)) {
        double position = position_of(a, ticks);
        while (at < count && out[at].position < position - 0.5)
            at++;
        if (at < count && out[at].position <= position + 0.5)
            continue;
        memmove(&out[at + 1], &out[at], (count - at) * sizeof *out);
        out[at] = (gch__tick){.position = position};
        count++;
    }
    return count;
}

/* The smallest step whose labels keep their distance and fit into cap ticks; the largest if none
 * does. */
static uint32_t choose_step(const axis *a, uint32_t cap)
{
    uint32_t last = count_steps(a) - 1;
    for (uint32_t index = 0; index < last; index++) {
        step s = get_step(a, index);
        double distance = step_px(a, s.kind, s.count);
        if (distance > a->gap && a->width / distance + 2 <= cap &&
            distance >= label_width(a, &s) + a->gap)
            return index;
    }
    return last;
}

uint32_t gch__time_ticks(int64_t from, int64_t to, gch_time_unit unit, const gch_time_zone *zone,
                         float width_px, float label_gap_px, gch__measure_fn *measure,
                         void *context, gch__tick *out, uint32_t cap)
{
    if (from >= to || cap == 0 || !(width_px >= 1) || !isfinite(width_px) ||
        unit == GCH_TIME_DEFAULT)
        return 0;
    axis a = {
        .from = from,
        .to = to,
        .unit = unit,
        .per_second = GCH_MAX(gch_time_unit_per_second(unit), 1),
        .zone = unit == GCH_TIME_INDEX ? NULL : zone,
        .width = (double)width_px,
        .span = (double)((uint64_t)to - (uint64_t)from),
        .gap = GCH_MAX((double)label_gap_px, 1.0),
        .measure = measure,
        .context = context,
    };
    int64_t first = from, last = to;
    if (unit != GCH_TIME_INDEX) {
        first = gch_civil_from_ticks(from, unit, zone, NULL).year;
        last = gch_civil_from_ticks(to, unit, zone, NULL).year;
    }
    a.is_grouped = first <= -10000 || last >= 10000;
    uint32_t count = 0, labelled = 0;
    for (uint32_t index = choose_step(&a, cap);; index--) {
        step s = get_step(&a, index);
        if (!place_majors(&a, &s, false, out, cap, &count, &labelled))
            (void)place_majors(&a, &s, true, out, cap, &count, &labelled);
        /* A narrow plot may lie between two ticks: then a smaller step shows what is there. */
        if (labelled > 0 || index == 0)
            return place_minors(&a, &s, out, count, cap);
    }
}
