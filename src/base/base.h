/* What every room stands on: errors, checked memory, spans, byte buffers, parallel loops.
 *
 * Only this room calls malloc. NULL is a valid `const gch_allocator *` everywhere: the process
 * heap.
 */
#ifndef GCH_BASE_H
#define GCH_BASE_H

#include "gch/allocator.h"
#include "gch/progress.h"
#include "gch/status.h"
#include "gch/workers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills *err (nullable) and gives `status`, so that a failure is one line:
 *     return gch_fail(err, GCH_CORRUPT, "%s: page %u is damaged", path, page);
 * A macro, so that compilers and analysers see which status it is. */
#define gch_fail(err, status, ...) (gch__set_error(err, status, __VA_ARGS__), (gch_status)(status))
GCH_PRINTF(3, 4)
void gch__set_error(gch_error *err, gch_status status, const char *format, ...);

/* Hands a failure on. */
#define GCH_TRY(expression)                                                                        \
    do {                                                                                           \
        gch_status gch_try_status_ = (expression);                                                 \
        if (gch_try_status_ != GCH_OK)                                                             \
            return gch_try_status_;                                                                \
    } while (0)

/* The same in a function that releases at a label: sets `status` and goes there. */
#define GCH_TRY_GOTO(expression, label)                                                            \
    do {                                                                                           \
        status = (expression);                                                                     \
        if (status != GCH_OK)                                                                      \
            goto label;                                                                            \
    } while (0)

#define GCH_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define GCH_MIN(a, b) ((a) < (b) ? (a) : (b))
#define GCH_MAX(a, b) ((a) > (b) ? (a) : (b))

/* A borrowed range of bytes. */
typedef struct gch__span {
    const uint8_t *bytes;
    size_t count;
} gch__span;

/* Memory. All return NULL when there is none, or when count * size overflows. */
void *gch__alloc(const gch_allocator *allocator, size_t bytes, const char *purpose);
void *gch__alloc_zero(const gch_allocator *allocator, size_t count, size_t size,
                      const char *purpose);
void *gch__alloc_array(const gch_allocator *allocator, size_t count, size_t size,
                       const char *purpose);
void *gch__resize_array(const gch_allocator *allocator, void *old, size_t count, size_t size,
                        const char *purpose);
void gch__free(const gch_allocator *allocator, void *memory, const char *purpose);
char *gch__copy_text(const gch_allocator *allocator, const char *text, size_t length,
                     const char *purpose); /* NUL-terminated */

/* The one text for running out of memory. */
static inline gch_status gch__no_memory(gch_error *err, const char *purpose)
{
    return gch_fail(err, GCH_NO_MEMORY, "out of memory (%s)", purpose);
}

/* A growable array of bytes; all zero is an empty one (allocator and purpose set by the user). */
typedef struct gch__buffer {
    const gch_allocator *allocator;
    const char *purpose;
    uint8_t *bytes;
    size_t count, cap;
} gch__buffer;

/* Room for `extra` more bytes: a pointer to them (not counted yet), or NULL. Doubles the room. */
void *gch__buffer_reserve(gch__buffer *buffer, size_t extra);
bool gch__buffer_append(gch__buffer *buffer, const void *bytes, size_t count);
void gch__buffer_reset(gch__buffer *buffer); /* frees; the buffer is empty and usable again */

/* Makes sure that *array has room for `count` entries; keeps the entries and never shrinks. */
gch_status gch__ensure(const gch_allocator *allocator, void **array, size_t *cap, size_t count,
                       size_t size, const char *purpose, gch_error *err);

/* Runs body(context, task, worker) once for each task in [0, task_count), in any order, worker in
 * [0, gch_workers_count(workers)). Returns when all are done. The body must not call
 * gch__parallel_for on the same set. */
typedef void gch__task_fn(void *context, size_t task, uint32_t worker);
void gch__parallel_for(gch_workers *workers, size_t task_count, gch__task_fn *body, void *context);

/* Monotonic nanoseconds, for durations. */
int64_t gch__clock_ns(void);

/* Calls progress->report if there is one and at least 50 ms have passed since *last_ns, or done ==
 * total. Returns GCH_CANCELLED when it says stop. */
gch_status gch__report(const gch_progress *progress, int64_t *last_ns, uint64_t done,
                       uint64_t total, gch_error *err);

/* Instruction sets that kernels may be written for. A processor has those of its own family; of
 * these the larger number is the better one. */
typedef enum gch__cpu_level {
    GCH__CPU_SCALAR,
    GCH__CPU_AVX2,   /* AVX2, BMI2 */
    GCH__CPU_AVX512, /* AVX-512 F, BW, DQ, VL, VBMI2: since Ice Lake and Zen 4 */
    GCH__CPU_NEON,   /* AArch64 */
    GCH__CPU_WASM,   /* WebAssembly's 128-bit SIMD */
    GCH__CPU_LEVEL_COUNT
} gch__cpu_level;
/* Whether this processor, and a build for it, has the level. */
bool gch__cpu_has(gch__cpu_level level);
/* The level to use: the best there is, or the one that GCH_CPU in the environment names
 * (scalar|avx2|avx512|neon|wasm), if there is that one. */
gch__cpu_level gch__cpu_get_level(void);
const char *gch__cpu_level_name(gch__cpu_level level);

/* Little-endian loads from unaligned bytes, and stores. */
static inline uint16_t gch__load_u16(const void *p)
{
    const uint8_t *b = p;
    return (uint16_t)(b[0] | (b[1] << 8));
}

static inline uint32_t gch__load_u32(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] | ((uint32_t)b[1] << 8) | ((uint32_t)b[2] << 16) | ((uint32_t)b[3] << 24);
}

static inline uint64_t gch__load_u64(const void *p)
{
    const uint8_t *b = p;
    return (uint64_t)gch__load_u32(b) | ((uint64_t)gch__load_u32(b + 4) << 32);
}

/* a + b and a * b for sizes from outside; false on overflow. */
static inline bool gch__add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool gch__mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline uint64_t gch__align_up(uint64_t value, uint64_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

#endif
