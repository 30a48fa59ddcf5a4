/* Synthetic series, made in parallel and the same for a seed whatever the number of workers.
 *
 * Random numbers are counter-based (ingest_random.h). Steps of walks are binomial, the number of
 * ones in some bits. Sums run in two passes: each chunk sums from zero, then gets what the chunks
 * before it came to.
 *
 * Invariants:
 *  1. A row depends on the seed, its number, and the exact integer sum of the rows before it.
 *  2. No function of libm is called and nothing is contracted (-ffp-contract=off), so that the
 *     floats are the same everywhere.
 */
#include "base.h"
#include "gch/ingest.h"
#include "gch/time.h"
#include "ingest_cloud.h"
#include "ingest_random.h"

#include <string.h>

#define BATCH_ROWS ((size_t)1 << 20)
#define CHUNK_ROWS ((size_t)1 << 14)
#define CHUNKS (BATCH_ROWS / CHUNK_ROWS)
#define ROWS_MAX ((uint64_t)1 << 40)
#define COLUMNS_MAX 5u
#define YEAR_2000_S INT64_C(946684800)
#define YEAR_2024_S INT64_C(1704067200)

#define SENSOR_TOP 4095
#define TICK_MEAN_MS                                                                               \
    133 /* between ticks of different times; a quarter come with their neighbour                   \
         */
#define TICK_PRICE_TOP ((int64_t)1 << 20)
#define SINE_PERIOD_ROWS 200u
#define ECG_BEAT_ROWS 400
#define ECG_SHAPE_POINTS 1024

typedef struct generation generation;

/* Rows [first, first + count) of the series into the batch at `at`; *_sums start at 0 here and are
 * what the rows came to. */
typedef void first_pass(generation *g, uint64_t first, size_t at, size_t count, int64_t sums[2]);
/* Adds what came before; NULL for series without memory. */
typedef void second_pass(generation *g, uint64_t first, size_t at, size_t count,
                         const int64_t before[2]);

typedef struct generator_kind {
    const char *name;
    gch_time_unit unit;
    int64_t start, step; /* ticks; step 0: the passes write the times */
    gch_column_desc columns[COLUMNS_MAX];
    uint32_t column_count;
    uint8_t scale;
    int64_t sums[2]; /* at row 0 */
    gch_curve curve; /* of a point set, whose coordinates are the first two columns */
    first_pass *first;
    second_pass *second;
} generator_kind;

struct generation {
    const generator_kind *kind;
    uint64_t key;
    uint64_t first_row; /* of the batch */
    size_t row_count;   /* in the batch */
    int64_t *times;
    int64_t *sums;             /* a running sum for each row, before it becomes a value */
    void *values[COLUMNS_MAX]; /* as the columns' types */
    int8_t *scales;
    int64_t chunk_sums[CHUNKS][2];
    int64_t before[2]; /* sums of all earlier batches */
    uint32_t log2_table[257];
    int32_t ecg_shape[ECG_SHAPE_POINTS + 1];
    gch__cloud *cloud; /* of POINTS */
};

static inline uint64_t draw(const generation *g, uint64_t counter)
{
    return gch__draw64(g->key, counter);
}

/* ---- walk: 32 coin tosses a step ---- */

static void walk_first(generation *g, uint64_t first, size_t at, size_t count, int64_t sums[2])
{
    int64_t *digits = (int64_t *)g->values[0] + at;
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t row = first + i;
        uint32_t bits = (uint32_t)(draw(g, row >> 1) >> (row & 1) * 32);
        sum += __builtin_popcount(bits) - 16;
        digits[i] = sum;
    }
    sums[0] = sum;
}

static void walk_second(generation *g, uint64_t first, size_t at, size_t count,
                        const int64_t before[2])
{
    (void)first;
    int64_t *digits = (int64_t *)g->values[0] + at;
    for (size_t i = 0; i < count; i++)
        digits[i] += before[0];
}

/* ---- sensor: a walk folded into 12 bits ---- */

static void sensor_first(generation *g, uint64_t first, size_t at, size_t count, int64_t sums[2])
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t row = first + i;
        uint32_t bits = (uint32_t)(draw(g, row >> 2) >> (row & 3) * 16) & 0xFFFF;
        sum += __builtin_popcount(bits) - 8;
        g->sums[at + i] = sum;
    }
    sums[0] = sum;
}

static void sensor_second(generation *g, uint64_t first, size_t at, size_t count,
                          const int64_t before[2])
{
    (void)first;
    uint16_t *values = (uint16_t *)g->values[0] + at;
    for (size_t i = 0; i < count; i++)
        values[i] = (uint16_t)gch__fold(g->sums[at + i] + before[0], SENSOR_TOP);
}

/* ---- ticks: a Poisson process of trades ---- */

/* log2(1 + i / 256) in 1/65536, by squaring. */
static void fill_log2_table(uint32_t table[257])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint64_t x = (uint64_t)(256 + i) << 22; /* 1.0 is 2^30 */
        uint32_t log2 = 0;
        for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
            x = x * x >> 30;
            if (x >> 31 != 0) {
                x >>= 1;
                log2 |= bit;
            }
        }
        table[i] = log2;
    }
    table[256] = 65536;
}

/* An exponential variate of mean 1 in 1/65536, from 32 random bits. */
static inline uint64_t exponential(const generation *g, uint32_t bits)
{
    uint64_t x = (uint64_t)bits + 1; /* 1 to 2^32: -ln(x / 2^32) */
    uint32_t exponent = 63u - (uint32_t)__builtin_clzll(x);
    uint64_t fraction = (x << (32 - exponent)) & 0xFFFFFFFFu;
    uint32_t i = (uint32_t)(fraction >> 24);
    uint64_t log2 = g->log2_table[i];
    log2 += (g->log2_table[i + 1] - log2) * (fraction >> 16 & 0xFF) >> 8;
    uint64_t bits_left = ((uint64_t)32 << 16) - ((uint64_t)exponent << 16) - log2;
    return bits_left * 45426 >> 16; /* times ln 2 */
}

static void ticks_first(generation *g, uint64_t first, size_t at, size_t count, int64_t sums[2])
{
    int64_t *digits = (int64_t *)g->values[0] + at;
    uint32_t *volumes = (uint32_t *)g->values[1] + at;
    int64_t time = 0, price = 0; /* time in 1/65536 ms */
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = draw(g, 2 * (first + i));
        if ((bits >> 62) != 0)
            time += (int64_t)(exponential(g, (uint32_t)bits) * TICK_MEAN_MS);
        price += __builtin_popcount((uint32_t)(bits >> 32) & 0xFF) - 4;
        uint32_t size_bits = (uint32_t)draw(g, 2 * (first + i) + 1);
        volumes[i] = 1 + (uint32_t)(exponential(g, size_bits) * 120 >> 16);
        g->sums[at + i] = time;
        digits[i] = price;
    }
    sums[0] = price;
    sums[1] = time;
}

static void ticks_second(generation *g, uint64_t first, size_t at, size_t count,
                         const int64_t before[2])
{
    (void)first;
    int64_t *digits = (int64_t *)g->values[0] + at;
    for (size_t i = 0; i < count; i++) {
        digits[i] = 1 + gch__fold(digits[i] + before[0], TICK_PRICE_TOP);
        g->times[at + i] = g->kind->start + ((g->sums[at + i] + before[1]) >> 16);
    }
}

/* ---- sine ---- */

/* sin(2 pi turns) to 10^-7, from multiplications and additions alone. */
static double sine_of_turns(double turns)
{
    double t = turns - (double)(int64_t)turns; /* turns >= 0 */
    t = t > 0.75 ? t - 1.0 : t > 0.25 ? 0.5 - t : t;
    double y = t * 6.283185307179586, s = y * y;
    double tail = 1.0 / 362880.0 - s / 39916800.0;
    return y * (1.0 - s * (1.0 / 6.0 - s * (1.0 / 120.0 - s * (1.0 / 5040.0 - s * tail))));
}

static void sine_first(generation *g, uint64_t first, size_t at, size_t count, int64_t sums[2])
{
    float *values = (float *)g->values[0] + at;
    for (size_t i = 0; i < count; i++) {
        uint64_t row = first + i;
        double fast = sine_of_turns((double)(row % SINE_PERIOD_ROWS) / SINE_PERIOD_ROWS);
        double slow = sine_of_turns((double)(row % 1000000) / 1000000.0);
        double noise = __builtin_popcountll(draw(g, row)) - 32;
        values[i] = (float)(fast * (1.0 + 0.25 * slow) + 0.005 * noise);
    }
    sums[0] = 0;
}

/* ---- ecg: one beat's shape, stretched between beats that come a little early or late ---- */

static double bump(double phase, double center, double width)
{
    double x = (phase - center) / width;
    double rest = 1.0 - x * x;
    return rest > 0 ? rest * rest : 0;
}

/* The waves P, Q, R, S, T in microvolts. */
static void fill_ecg_shape(int32_t shape[ECG_SHAPE_POINTS + 1])
{
    for (int i = 0; i <= ECG_SHAPE_POINTS; i++) {
        double phase = (double)i / ECG_SHAPE_POINTS;
        double value = 140.0 * bump(phase, 0.17, 0.07) - 110.0 * bump(phase, 0.282, 0.022) +
                       1150.0 * bump(phase, 0.31, 0.026) - 260.0 * bump(phase, 0.34, 0.026) +
                       310.0 * bump(phase, 0.55, 0.13);
        shape[i] = (int32_t)(value + (value < 0 ? -0.5 : 0.5));
    }
}

static int64_t beat_start(const generation *g, int64_t beat)
{
    return beat * ECG_BEAT_ROWS + (int64_t)(gch__draw64(~g->key, (uint64_t)beat) & 63);
}

static void ecg_first(generation *g, uint64_t first, size_t at, size_t count, int64_t sums[2])
{
    int64_t *digits = (int64_t *)g->values[0] + at;
    int64_t beat = (int64_t)(first / ECG_BEAT_ROWS) - 1;
    int64_t start = beat_start(g, beat), next = beat_start(g, beat + 1);
    for (size_t i = 0; i < count; i++) {
        int64_t row = (int64_t)(first + i);
        while (row >= next) {
            beat++;
            start = next;
            next = beat_start(g, beat + 1);
        }
        int64_t place = (row - start) * ECG_SHAPE_POINTS * 256 / (next - start);
        const int32_t *shape = &g->ecg_shape[place >> 8];
        int64_t value = shape[0] + (shape[1] - shape[0]) * (place & 255) / 256;
        int64_t drift = (int64_t)(60.0 * sine_of_turns((double)(row % 2600) / 2600.0));
        int64_t noise = 2 * (__builtin_popcount((uint32_t)draw(g, first + i) & 0xFFFF) - 8);
        digits[i] = value + drift + noise;
    }
    sums[0] = 0;
}

/* ---- points ---- */

static void points_first(generation *g, uint64_t first, size_t at, size_t count, int64_t sums[2])
{
    gch__cloud_fill(g->cloud, first, count,
                    &(gch__cloud_rows){.x = (int64_t *)g->values[0] + at,
                                       .y = (int64_t *)g->values[1] + at,
                                       .size = (uint8_t *)g->values[2] + at,
                                       .value = (int64_t *)g->values[3] + at,
                                       .category = (uint8_t *)g->values[4] + at});
    sums[0] = 0;
}

/* ---- batches ---- */

static const generator_kind kinds[] = {
    {.name = "walk",
     .unit = GCH_TIME_S,
     .start = YEAR_2000_S,
     .step = 1,
     .columns = {{.name = "value", .type = GCH_TYPE_DECIMAL}},
     .column_count = 1,
     .scale = 2,
     .sums = {10000, 0},
     .first = walk_first,
     .second = walk_second},
    {.name = "sensor",
     .unit = GCH_TIME_MS,
     .start = YEAR_2024_S * 1000,
     .step = 1,
     .columns = {{.name = "value", .type = GCH_TYPE_U16}},
     .column_count = 1,
     .sums = {2048, 0},
     .first = sensor_first,
     .second = sensor_second},
    {.name = "ticks",
     .unit = GCH_TIME_MS,
     .start = YEAR_2024_S * 1000,
     .columns = {{.name = "price", .type = GCH_TYPE_DECIMAL},
                 {.name = "volume", .type = GCH_TYPE_U32}},
     .column_count = 2,
     .scale = 2,
     .sums = {10000, 0},
     .first = ticks_first,
     .second = ticks_second},
    {.name = "sine",
     .unit = GCH_TIME_US,
     .start = YEAR_2024_S * 1000000,
     .step = 100,
     .columns = {{.name = "value", .type = GCH_TYPE_F32}},
     .column_count = 1,
     .first = sine_first},
    {.name = "ecg",
     .unit = GCH_TIME_MS,
     .start = YEAR_2024_S * 1000,
     .step = 2,
     .columns = {{.name = "ecg", .unit = "mV", .type = GCH_TYPE_DECIMAL}},
     .column_count = 1,
     .scale = 3,
     .first = ecg_first},
    {.name = "points",
     .unit = GCH_TIME_INDEX,
     .step = 1,
     .columns = {{.name = "x", .type = GCH_TYPE_DECIMAL},
                 {.name = "y", .type = GCH_TYPE_DECIMAL},
                 {.name = "size", .type = GCH_TYPE_U8},
                 {.name = "value", .type = GCH_TYPE_DECIMAL},
                 {.name = "category", .type = GCH_TYPE_U8}},
     .column_count = 5,
     .scale = 3,
     .curve = GCH_CURVE_MORTON,
     .first = points_first},
};

bool gch_generator_parse(const char *name, gch_generator *out)
{
    for (size_t i = 0; i < GCH_COUNT_OF(kinds); i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            *out = (gch_generator)(i + GCH_GENERATOR_WALK);
            return true;
        }
    }
    return false;
}

static size_t chunk_rows(const generation *g, size_t chunk)
{
    return GCH_MIN(CHUNK_ROWS, g->row_count - chunk * CHUNK_ROWS);
}

static void run_first(void *context, size_t chunk, uint32_t worker)
{
    (void)worker;
    generation *g = context;
    size_t at = chunk * CHUNK_ROWS, count = chunk_rows(g, chunk);
    int64_t sums[2] = {0, 0};
    g->kind->first(g, g->first_row + at, at, count, sums);
    memcpy(g->chunk_sums[chunk], sums, sizeof sums);
    if (g->kind->step == 0)
        return;
    int64_t time = g->kind->start + (int64_t)(g->first_row + at) * g->kind->step;
    for (size_t i = 0; i < count; i++, time += g->kind->step)
        g->times[at + i] = time;
}

static void run_second(void *context, size_t chunk, uint32_t worker)
{
    (void)worker;
    generation *g = context;
    size_t at = chunk * CHUNK_ROWS;
    g->kind->second(g, g->first_row + at, at, chunk_rows(g, chunk), g->chunk_sums[chunk]);
}

static void make_batch(generation *g, gch_workers *workers)
{
    size_t chunks = (g->row_count + CHUNK_ROWS - 1) / CHUNK_ROWS;
    gch__parallel_for(workers, chunks, run_first, g);
    if (g->kind->second == NULL)
        return;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        for (int k = 0; k < 2; k++) {
            int64_t sum = g->chunk_sums[chunk][k];
            g->chunk_sums[chunk][k] = g->before[k];
            g->before[k] += sum;
        }
    }
    gch__parallel_for(workers, chunks, run_second, g);
}

static gch_status make_room(generation *g, const gch_allocator *allocator, size_t rows,
                            gch_error *err)
{
    bool is_complete = true;
    g->times = gch__alloc_array(allocator, rows, sizeof(int64_t), "generate");
    g->sums = gch__alloc_array(allocator, rows, sizeof(int64_t), "generate");
    g->scales = gch__alloc(allocator, rows, "generate");
    for (uint32_t i = 0; i < g->kind->column_count; i++) {
        g->values[i] =
            gch__alloc_array(allocator, rows, gch_type_bytes(g->kind->columns[i].type), "generate");
        is_complete &= g->values[i] != NULL;
    }
    if (!is_complete || g->times == NULL || g->sums == NULL || g->scales == NULL)
        return gch__no_memory(err, "generate");
    memset(g->scales, g->kind->scale, rows);
    return GCH_OK;
}

static gch_status write_batches(generation *g, const gch_generate_desc *desc, gch_writer *writer,
                                gch_error *err)
{
    int64_t reported_ns = 0;
    gch_column_data data[COLUMNS_MAX];
    for (uint32_t i = 0; i < g->kind->column_count; i++) {
        bool is_decimal = g->kind->columns[i].type == GCH_TYPE_DECIMAL;
        data[i] =
            (gch_column_data){.values = g->values[i], .scales = is_decimal ? g->scales : NULL};
    }
    while (g->first_row < desc->row_count) {
        g->row_count = (size_t)GCH_MIN((uint64_t)BATCH_ROWS, desc->row_count - g->first_row);
        make_batch(g, desc->workers);
        GCH_TRY(gch_writer_append(writer, g->times, data, g->row_count, err));
        g->first_row += g->row_count;
        GCH_TRY(gch__report(desc->progress, &reported_ns, g->first_row, desc->row_count, err));
    }
    return GCH_OK;
}

static gch_status generate(generation *g, const gch_generate_desc *desc, gch_error *err)
{
    const generator_kind *kind = g->kind;
    size_t rows = (size_t)GCH_MIN((uint64_t)BATCH_ROWS, desc->row_count);
    char source[64];
    snprintf(source, sizeof source, "generated: %s, seed %llu", kind->name,
             (unsigned long long)desc->seed);
    GCH_TRY(make_room(g, desc->allocator, rows, err));
    gch_writer *writer = NULL;
    GCH_TRY(gch_writer_create(
        desc->output,
        &(gch_writer_desc){.time_unit = kind->unit,
                           .time_is_text = kind->unit != GCH_TIME_INDEX,
                           .time_name = kind->unit == GCH_TIME_INDEX ? "index" : NULL,
                           .source = source,
                           .columns = kind->columns,
                           .column_count = kind->column_count,
                           .curve = kind->curve,
                           .x_column = 0,
                           .y_column = kind->curve != GCH_CURVE_DEFAULT ? 1 : 0,
                           .preset = desc->preset,
                           .tolerance = desc->tolerance,
                           .workers = desc->workers,
                           .allocator = desc->allocator},
        &writer, err));
    gch_status status = write_batches(g, desc, writer, err);
    if (status != GCH_OK) {
        gch_writer_abandon(writer);
        return status;
    }
    return gch_writer_finish(writer, err);
}

gch_status gch_generate(const gch_generate_desc *desc, gch_error *err)
{
    gch_generator kind = desc->kind != GCH_GENERATOR_DEFAULT ? desc->kind : GCH_GENERATOR_WALK;
    if (kind < GCH_GENERATOR_WALK || kind > GCH_GENERATOR_POINTS)
        return gch_fail(err, GCH_INVALID, "there is no generator %d", (int)kind);
    if (desc->output == NULL || desc->output[0] == '\0')
        return gch_fail(err, GCH_INVALID, "no output");
    if (desc->row_count > ROWS_MAX)
        return gch_fail(err, GCH_LIMIT, "%llu rows, at most %llu",
                        (unsigned long long)desc->row_count, (unsigned long long)ROWS_MAX);
    generation *g = gch__alloc_zero(desc->allocator, 1, sizeof *g, "generate");
    if (g == NULL)
        return gch__no_memory(err, "generate");
    g->kind = &kinds[kind - GCH_GENERATOR_WALK];
    g->key = gch__draw64(gch__mix64(desc->seed + GCH__GOLDEN), (uint64_t)kind);
    memcpy(g->before, g->kind->sums, sizeof g->before);
    fill_log2_table(g->log2_table);
    fill_ecg_shape(g->ecg_shape);
    gch_status status = GCH_OK;
    if (kind == GCH_GENERATOR_POINTS)
        status = gch__cloud_make(desc->allocator, g->key, desc->row_count, &g->cloud, err);
    if (status == GCH_OK)
        status = generate(g, desc, err);
    gch__cloud_destroy(g->cloud, desc->allocator);
    gch__free(desc->allocator, g->times, "generate");
    gch__free(desc->allocator, g->sums, "generate");
    gch__free(desc->allocator, g->scales, "generate");
    for (uint32_t i = 0; i < COLUMNS_MAX; i++)
        gch__free(desc->allocator, g->values[i], "generate");
    gch__free(desc->allocator, g, "generate");
    return status;
}
