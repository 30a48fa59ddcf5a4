/* The inputs and the bodies of the kernel benchmarks.
 *
 * 1. One call of a body works on CACHE_BLOCKS blocks, on COUNT elements, or on all of memory.
 * 2. Results go to buffers in the first-level cache, or into job->sum, so that they are used.
 */
#include "bench_kernels_cases.h"
#include "base.h"

#define CACHE_BLOCKS 8u
#define CACHE_BYTES ((size_t)CACHE_BLOCKS * GCH_BLOCK_ROWS * sizeof(uint32_t))
#define COUNT 4096u /* elements of the kernels that take arrays */

struct kernel_job {
    const gch__kernels *kernels;
    uint32_t bits, block_count, pair_count;
    const uint32_t *packed;
    const uint64_t *units; /* a time block */
    uint64_t sum;

    _Alignas(64) uint32_t out[CACHE_BLOCKS * GCH_BLOCK_ROWS];
    uint32_t high[CACHE_BLOCKS * GCH_BLOCK_ROWS];
    uint32_t repacked[CACHE_BLOCKS * GCH_BLOCK_ROWS];
    uint64_t words[2 * COUNT];
    int64_t digits[COUNT];
    int64_t times[COUNT];  /* one second apart */
    double doubles[COUNT]; /* decimals of scale 2 */
    float floats[COUNT];
    uint32_t drawn[CACHE_BLOCKS][8], odd[8]; /* one row in 16 is a gap */
    uint64_t regular[GCH_BLOCK_ROWS], fractional[GCH_BLOCK_ROWS], irregular[GCH_BLOCK_ROWS];
};

void kernel_job_use(kernel_job *job, const gch__kernels *kernels)
{
    job->kernels = kernels;
}

/* ---- packed blocks ---- */

static uint32_t *cached_out(kernel_job *j, uint32_t block)
{
    return j->out + (size_t)(block % CACHE_BLOCKS) * GCH_BLOCK_ROWS;
}

static void run_unpack(void *context)
{
    kernel_job *j = context;
    size_t words = gch__block_words(j->bits);
    for (uint32_t b = 0; b < j->block_count; b++)
        j->kernels->unpack(j->packed + words * b, j->bits, cached_out(j, b));
}

static void run_pack(void *context)
{
    kernel_job *j = context;
    size_t words = gch__block_words(j->bits);
    for (uint32_t b = 0; b < j->block_count; b++)
        j->kernels->pack(cached_out(j, b), j->bits, j->repacked + words * b);
}

static void run_min_max(void *context)
{
    kernel_job *j = context;
    size_t words = gch__block_words(j->bits);
    for (uint32_t b = 0; b < j->block_count; b++) {
        uint32_t min, max;
        j->kernels->min_max(j->packed + words * b, j->bits, 0, GCH_BLOCK_ROWS, &min, &max);
        j->sum += min + max;
    }
}

/* The ends of a pixel column: a block cut in two at a place that nobody can predict. */
static void run_min_max_cut(void *context)
{
    kernel_job *j = context;
    size_t words = gch__block_words(j->bits);
    uint32_t cut = (uint32_t)j->sum;
    for (uint32_t b = 0; b < j->block_count; b++) {
        uint32_t min, max;
        cut = cut * 1664525u + 1013904223u;
        uint32_t at = 1 + (cut >> 24) % (GCH_BLOCK_ROWS - 1);
        j->kernels->min_max(j->packed + words * b, j->bits, 0, at, &min, &max);
        j->sum += min + max;
        j->kernels->min_max(j->packed + words * b, j->bits, at, GCH_BLOCK_ROWS, &min, &max);
        j->sum += min + max;
    }
}

static void run_min_max_drawn(void *context)
{
    kernel_job *j = context;
    size_t words = gch__block_words(j->bits);
    for (uint32_t b = 0; b < j->block_count; b++) {
        uint32_t min, max;
        j->kernels->min_max_drawn(j->packed + words * b, j->bits, j->drawn[b % CACHE_BLOCKS], &min,
                                  &max);
        j->sum += min + max;
    }
}

/* ---- pairs ---- */

static void run_reduce_pairs(void *context)
{
    kernel_job *j = context;
    const uint32_t *pairs = (const uint32_t *)j->words;
    for (uint32_t at = 0; at + j->pair_count <= COUNT; at += j->pair_count) {
        uint32_t min = UINT32_MAX, max = 0;
        j->kernels->reduce_pairs(pairs + (size_t)2 * at, j->pair_count, &min, &max);
        j->sum += min + max;
    }
}

static void run_reduce_pairs64(void *context)
{
    kernel_job *j = context;
    for (uint32_t at = 0; at + j->pair_count <= COUNT; at += j->pair_count) {
        uint64_t min = UINT64_MAX, max = 0;
        j->kernels->reduce_pairs64(j->words + (size_t)2 * at, j->pair_count, &min, &max);
        j->sum += min + max;
    }
}

/* ---- 64-bit values ---- */

static void run_min_max_i64(void *context)
{
    kernel_job *j = context;
    for (uint32_t at = 0; at < COUNT; at += GCH_BLOCK_ROWS) {
        int64_t min, max;
        j->kernels->min_max_i64((const int64_t *)j->words + at, GCH_BLOCK_ROWS, &min, &max);
        j->sum += (uint64_t)min + (uint64_t)max;
    }
}

static void run_min_max_i64_drawn(void *context)
{
    kernel_job *j = context;
    for (uint32_t at = 0; at < COUNT; at += GCH_BLOCK_ROWS) {
        int64_t min, max;
        j->kernels->min_max_i64_drawn((const int64_t *)j->words + at,
                                      j->drawn[at / GCH_BLOCK_ROWS % CACHE_BLOCKS], &min, &max);
        j->sum += (uint64_t)min + (uint64_t)max;
    }
}

static void run_subtract_narrow(void *context)
{
    kernel_job *j = context;
    for (uint32_t at = 0; at < COUNT; at += GCH_BLOCK_ROWS)
        j->kernels->subtract_narrow((const int64_t *)j->words + at, 12345, GCH_BLOCK_ROWS, j->out);
}

static void run_join_narrow(void *context)
{
    kernel_job *j = context;
    for (uint32_t b = 0; b < CACHE_BLOCKS; b++)
        j->kernels->join(j->out + (size_t)b * GCH_BLOCK_ROWS, NULL, 12345,
                         (uint64_t *)j->digits + (size_t)b * GCH_BLOCK_ROWS);
}

static void run_join(void *context)
{
    kernel_job *j = context;
    for (uint32_t b = 0; b < CACHE_BLOCKS; b++)
        j->kernels->join(j->out + (size_t)b * GCH_BLOCK_ROWS, j->high + (size_t)b * GCH_BLOCK_ROWS,
                         12345, (uint64_t *)j->digits + (size_t)b * GCH_BLOCK_ROWS);
}

static void run_split(void *context)
{
    kernel_job *j = context;
    for (uint32_t b = 0; b < CACHE_BLOCKS; b++)
        j->kernels->split((const int64_t *)j->words + (size_t)b * GCH_BLOCK_ROWS, 12345,
                          j->out + (size_t)b * GCH_BLOCK_ROWS,
                          j->high + (size_t)b * GCH_BLOCK_ROWS);
}

/* ---- times ---- */

static void run_line_subtract(void *context)
{
    kernel_job *j = context;
    int64_t min, max;
    j->kernels->line_subtract(j->irregular, UINT64_C(1000) << 16, j->digits, &min, &max);
    j->sum += (uint64_t)min + (uint64_t)max;
}

static void run_join_line(void *context)
{
    kernel_job *j = context;
    j->kernels->join_line(j->out, NULL, 12345, UINT64_C(1000) << 16, (uint64_t *)j->digits);
}

static void run_count_steps(void *context)
{
    kernel_job *j = context;
    j->sum += j->kernels->count_steps(j->times, COUNT, 1000);
}

static void run_time_line_fit(void *context)
{
    kernel_job *j = context;
    j->sum += gch__time_line_fit(j->kernels, j->units, j->repacked).bits;
}

/* ---- floats ---- */

static void run_keys_f32(void *context)
{
    kernel_job *j = context;
    j->sum += j->kernels->keys_from_f32(j->floats, COUNT, j->digits);
}

static void run_keys_f64(void *context)
{
    kernel_job *j = context;
    j->sum += j->kernels->keys_from_f64(j->doubles, COUNT, j->digits);
}

static void run_classify_f32(void *context)
{
    kernel_job *j = context;
    for (uint32_t at = 0; at < COUNT; at += GCH_BLOCK_ROWS) {
        j->kernels->classify_f32(j->floats + at, GCH_BLOCK_ROWS, j->repacked, j->odd);
        j->sum += j->repacked[0] + j->odd[7];
    }
}

static void run_classify_f64(void *context)
{
    kernel_job *j = context;
    for (uint32_t at = 0; at < COUNT; at += GCH_BLOCK_ROWS) {
        j->kernels->classify_f64(j->doubles + at, GCH_BLOCK_ROWS, j->repacked, j->odd);
        j->sum += j->repacked[0] + j->odd[7];
    }
}

static void run_decimals_f64(void *context)
{
    kernel_job *j = context;
    j->sum += j->kernels->decimals_from_f64(j->doubles, COUNT, 2, j->digits);
}

static void run_decimals_f32(void *context)
{
    kernel_job *j = context;
    j->sum += j->kernels->decimals_from_f32(j->floats, COUNT, 2, j->digits);
}

/* ---- the cases ---- */

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void fill(kernel_job *j)
{
    for (size_t i = 0; i < GCH_COUNT_OF(j->words); i++)
        j->words[i] = next_random();
    for (size_t i = 0; i < COUNT; i++) {
        j->digits[i] = (int64_t)(next_random() % 2000000) - 1000000;
        j->doubles[i] = (double)j->digits[i] / 100;
        j->floats[i] = (float)j->doubles[i];
        j->times[i] = (int64_t)i * 1000;
    }
    for (size_t i = 0; i < CACHE_BLOCKS * GCH_BLOCK_ROWS; i++)
        j->drawn[i / GCH_BLOCK_ROWS][i / 32 % 8] |= (uint32_t)(next_random() % 16 != 0) << i % 32;
    uint64_t time = 0;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        j->regular[i] = UINT64_C(1000) * i;
        j->fractional[i] = 20 * i + 5 * i / 6;
        j->irregular[i] = time;
        /* Steps as unequal as those between arrivals by chance: 0 to 16 times the least. */
        time += (next_random() % 500) << next_random() % 5;
    }
}

static void visit_blocks(kernel_job *j, size_t bytes, bool from_memory, kernel_visit *visit,
                         void *context)
{
    static const uint32_t widths[] = {1, 4, 8, 12, 16, 20, 24, 32};
    for (size_t w = 0; w < GCH_COUNT_OF(widths); w++) {
        uint32_t bits = widths[w];
        if (from_memory && bits < 4)
            continue; /* less than the other widths say, and it takes long */
        j->bits = bits;
        j->block_count = from_memory
                             ? (uint32_t)(bytes / (gch__block_words(bits) * sizeof *j->packed))
                             : CACHE_BLOCKS;
        kernel_case c = {.from_memory = from_memory,
                         .bits = bits,
                         .values = (double)j->block_count * GCH_BLOCK_ROWS};
        c.makes_words = true;
        c.kernel = "unpack";
        c.body = run_unpack;
        visit(context, &c, j);
        c.kernel = "min_max";
        c.body = run_min_max;
        visit(context, &c, j);
        if (from_memory)
            continue;
        c.makes_words = false;
        c.variant = "two parts of a block";
        c.body = run_min_max_cut;
        visit(context, &c, j);
        c.variant = NULL;
        c.kernel = "min_max_drawn";
        c.body = run_min_max_drawn;
        visit(context, &c, j);
        c.kernel = "pack"; /* of values of this width */
        c.body = run_pack;
        j->kernels = gch__kernels_get();
        run_unpack(j);
        visit(context, &c, j);
    }
}

static void visit_arrays(kernel_job *j, kernel_visit *visit, void *context)
{
    static const struct {
        uint32_t count;
        const char *name;
    } pair_counts[] = {{3, "3 pairs a call"}, {15, "15 pairs a call"}, {4096, "4096 pairs a call"}};
    for (size_t p = 0; p < GCH_COUNT_OF(pair_counts); p++) {
        j->pair_count = pair_counts[p].count;
        kernel_case c = {.kernel = "reduce_pairs",
                         .variant = pair_counts[p].name,
                         .values = COUNT - COUNT % j->pair_count,
                         .body = run_reduce_pairs};
        visit(context, &c, j);
        c.kernel = "reduce_pairs64";
        c.body = run_reduce_pairs64;
        visit(context, &c, j);
    }
    const double blocks = CACHE_BLOCKS * GCH_BLOCK_ROWS;
    const kernel_case cases[] = {
        {.kernel = "min_max_i64", .values = COUNT, .body = run_min_max_i64},
        {.kernel = "min_max_i64_drawn", .values = COUNT, .body = run_min_max_i64_drawn},
        {.kernel = "join", .variant = "one plane", .values = blocks, .body = run_join_narrow},
        {.kernel = "join", .variant = "two planes", .values = blocks, .body = run_join},
        {.kernel = "split", .values = blocks, .body = run_split},
        {.kernel = "subtract_narrow", .values = COUNT, .body = run_subtract_narrow},
        {.kernel = "line_subtract", .values = GCH_BLOCK_ROWS, .body = run_line_subtract},
        {.kernel = "join_line", .values = GCH_BLOCK_ROWS, .body = run_join_line},
        {.kernel = "count_steps", .values = COUNT, .body = run_count_steps},
        {.kernel = "keys_from_f32", .values = COUNT, .body = run_keys_f32},
        {.kernel = "keys_from_f64", .values = COUNT, .body = run_keys_f64},
        {.kernel = "classify_f32", .values = COUNT, .body = run_classify_f32},
        {.kernel = "classify_f64", .values = COUNT, .body = run_classify_f64},
        {.kernel = "decimals_from_f64", .values = COUNT, .body = run_decimals_f64},
        {.kernel = "decimals_from_f32", .values = COUNT, .body = run_decimals_f32},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++)
        visit(context, &cases[i], j);
}

static void visit_time_lines(kernel_job *j, kernel_visit *visit, void *context)
{
    const struct {
        const uint64_t *units;
        const char *name;
    } series[] = {{j->regular, "regular"},
                  {j->fractional, "a period of 20 5/6"},
                  {j->irregular, "irregular"}};
    for (size_t s = 0; s < GCH_COUNT_OF(series); s++) {
        j->units = series[s].units;
        kernel_case c = {.kernel = "time_line_fit",
                         .variant = series[s].name,
                         .values = GCH_BLOCK_ROWS,
                         .body = run_time_line_fit};
        visit(context, &c, j);
    }
}

bool kernel_cases_visit(size_t memory_bytes, kernel_visit *visit, void *context)
{
    size_t bytes = GCH_MAX(memory_bytes, CACHE_BYTES);
    uint32_t *packed = gch__alloc(NULL, bytes, "benchmark");
    static kernel_job the_job; /* static: what is measured hangs on the alignment of its arrays */
    kernel_job *job = &the_job;
    bool is_there = packed != NULL;
    if (is_there) {
        fill(job);
        for (size_t i = 0; i < bytes / sizeof *packed; i++)
            packed[i] = (uint32_t)i * 2654435761u ^ (uint32_t)(i >> 7);
        job->packed = packed;
        visit_blocks(job, bytes, false, visit, context);
        if (memory_bytes > 0)
            visit_blocks(job, bytes, true, visit, context);
        visit_arrays(job, visit, context);
        visit_time_lines(job, visit, context);
        is_there = job->sum != 1; /* the sum is used */
    }
    gch__free(NULL, packed, "benchmark");
    return is_there;
}
