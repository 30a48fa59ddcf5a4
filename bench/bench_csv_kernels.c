/* How much less do the SIMD kernels of CSV cost than the scalar ones?
 *
 *     bench_csv_kernels [LEAST]
 *
 * Rows that lie in the second-level cache are parsed by every level that this processor has, in
 * time, or in instructions where the processor is emulated (bench_lean.h). Prints JSON; a ratio is
 * the scalar level's cost over the level's. The exit code is 1 if the geometric mean of the best
 * level's ratios is below LEAST.
 */
#include "bench_lean.h"
#include "ingest_kernels.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES ((size_t)128 << 10)
#define ROW_BYTES_MAX ((size_t)128)
#define ROWS_MAX (TEXT_BYTES / 8)
#define COLUMNS_MAX 8u

typedef struct csv_case {
    const char *name;
    uint32_t column_count;
    bool is_mixed; /* signs and lengths that nobody can predict */
    bool counts_lines;
} csv_case;

typedef struct csv_job {
    const gch__ingest_kernels *kernels;
    const csv_case *c;
    size_t bytes, rows, found;
    uint8_t memory[GCH__CSV_FRONT + TEXT_BYTES + GCH__CSV_PADDING];
    int64_t times[ROWS_MAX], digits[COLUMNS_MAX][ROWS_MAX];
    int8_t scales[COLUMNS_MAX][ROWS_MAX];
    uint8_t validity[ROWS_MAX / 8];
    bool has_gaps;
} csv_job;

static csv_job job;

static uint32_t next_random(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static void fill(const csv_case *c)
{
    char *text = (char *)job.memory + GCH__CSV_FRONT;
    int64_t time = 1700000000000, price = 5000000;
    job.c = c;
    job.bytes = 0;
    job.rows = 0;
    while (job.bytes + ROW_BYTES_MAX < TEXT_BYTES) {
        time += next_random() % 200;
        job.bytes += (size_t)sprintf(text + job.bytes, "%" PRId64, time);
        for (uint32_t i = 0; i < c->column_count; i++) {
            price += (int64_t)(next_random() % 5) - 2;
            int64_t whole = price / 100;
            if (c->is_mixed)
                whole = ((int64_t)(next_random() % 2) * 2 - 1) * (whole >> next_random() % 16);
            job.bytes += (size_t)sprintf(text + job.bytes, ",%" PRId64 ".%02u", whole,
                                         (unsigned)(price % 100));
        }
        text[job.bytes++] = '\n';
        job.rows++;
    }
}

static void run(void *context)
{
    (void)context;
    static const uint32_t roles[1 + COLUMNS_MAX] = {GCH__CSV_TIME, 0, 1, 2, 3, 4, 5, 6, 7};
    const uint8_t *text = job.memory + GCH__CSV_FRONT, *end = text + job.bytes;
    if (job.c->counts_lines) {
        job.found = job.kernels->count_lines(text, job.bytes);
        return;
    }
    gch__csv_target targets[COLUMNS_MAX];
    for (uint32_t i = 0; i < job.c->column_count; i++)
        targets[i] = (gch__csv_target){.digits = job.digits[i],
                                       .scales = job.scales[i],
                                       .validity = job.validity,
                                       .has_gaps = &job.has_gaps};
    const gch__csv_plan plan = {.delimiter = ',',
                                .field_count = 1 + job.c->column_count,
                                .roles = roles,
                                .has_time = true,
                                .checks_order = true,
                                .times = job.times,
                                .columns = targets};
    gch__csv_cursor cursor = {.at = text, .row_end = ROWS_MAX, .last_time = INT64_MIN};
    gch__time_field_set(&cursor.time, GCH__TIME_TICKS, GCH_TIME_MS);
    (void)job.kernels->csv_rows(&plan, &cursor, end, end);
    job.found = cursor.row;
}

int main(int argument_count, char **arguments)
{
    static const csv_case cases[] = {
        {.name = "csv_rows, a time and a price", .column_count = 1},
        {.name = "csv_rows, a time and 8 prices", .column_count = 8},
        {.name = "csv_rows, signs and lengths mixed", .column_count = 8, .is_mixed = true},
        {.name = "count_lines", .column_count = 1, .counts_lines = true},
    };
    const size_t case_count = GCH_COUNT_OF(cases);
    bool is_sound = true;
    double best_mean = 1;
    memset(job.validity, 0xFF, sizeof job.validity);
    printf("{\n  \"question\": \"how much less do the SIMD kernels of CSV cost than the scalar "
           "ones?\",\n  \"unit\": \"%s a byte\",\n  \"levels\": {",
           bench_lean_unit());
    for (int level = GCH__CPU_SCALAR + 1; level < GCH__CPU_LEVEL_COUNT; level++) {
        const gch__ingest_kernels *simd = gch__ingest_kernels_get_level(level);
        double sum_of_logs = 0;
        if (simd == NULL)
            continue;
        printf("%s\n    \"%s\": {", best_mean == 1 ? "" : ",",
               gch__cpu_level_name((gch__cpu_level)level));
        for (size_t i = 0; i < case_count; i++) {
            double costs[2];
            fill(&cases[i]);
            for (int is_simd = 0; is_simd < 2; is_simd++) {
                job.kernels = is_simd ? simd : gch__ingest_kernels_get_level(GCH__CPU_SCALAR);
                costs[is_simd] = bench_lean_cost(run, NULL) / (double)job.bytes;
                is_sound &= costs[is_simd] > 0 && job.found == job.rows;
            }
            sum_of_logs += log(costs[0] / costs[1]);
            printf("\n      \"%s\": {\"scalar\": %.3f, \"simd\": %.3f, \"ratio\": %.2f},",
                   cases[i].name, costs[0], costs[1], costs[0] / costs[1]);
        }
        best_mean = exp(sum_of_logs / (double)case_count);
        printf("\n      \"geometric_mean_ratio\": %.2f\n    }", best_mean);
    }
    printf("\n  }\n}\n");
    if (!is_sound) {
        fputs("bench_csv_kernels: rows were lost, or the cost could not be measured\n", stderr);
        return 1;
    }
    return argument_count > 1 && best_mean < strtod(arguments[1], NULL) ? 1 : 0;
}
