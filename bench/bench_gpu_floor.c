#include "bench_gpu_floor.h"

#include "bench.h"
#include "gpu.h"

#define REPEATS 7u
#define FLOOR_GROUPS 4096u

extern const char gch__shader_read_start[], gch__shader_read_end[];

static gch_error err;

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s: %s", gch_status_name(status), err.message);
}

static double read_ms(gch__gpu *gpu)
{
    gch__gpu_timing timing;
    uint32_t count;
    check(gch__gpu_get_timings(gpu, &timing, 1, &count, &err));
    return count > 0 ? (double)timing.ns * 1e-6 : 0;
}

double bench_gpu_floor_ms(uint64_t all_bytes)
{
    gch__gpu *gpu = NULL;
    check(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    gch__gpu_set_timing(gpu, true);
    uint64_t bytes = GCH_MIN(all_bytes, gch__gpu_get_info(gpu)->binding_bytes_max) & ~(uint64_t)15;
    gch__gpu_shader shader;
    gch__gpu_pipeline pipeline;
    gch__gpu_buffer buffers[2];
    gch__gpu_bindings bindings;
    check(gch__gpu_shader_make(gpu, gch__shader_read_start,
                               (size_t)(gch__shader_read_end - gch__shader_read_start), "read",
                               &shader, &err));
    gch__gpu_pipeline_desc desc = {
        .label = "read",
        .shader = shader,
        .compute = "add_up",
        .kinds = {GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE},
        .constants = {{"COUNT", (uint32_t)(bytes / 16)}, {"STRIDE", FLOOR_GROUPS * 256}}};
    check(gch__gpu_pipeline_get(gpu, &desc, &pipeline, &err));
    check(gch__gpu_buffer_make(gpu, bytes, GCH__GPU_STORAGE, "words", &buffers[0], &err));
    check(gch__gpu_buffer_make(gpu, 4, GCH__GPU_STORAGE, "sum", &buffers[1], &err));
    check(gch__gpu_bindings_make(gpu, pipeline, buffers, 2, "read", &bindings, &err));
    double samples[REPEATS];
    for (int i = -1; i < (int)REPEATS; i++) {
        uint64_t serial;
        check(gch__gpu_begin(gpu, "floor", &err));
        check(gch__gpu_compute_begin(gpu, "read", &err));
        check(gch__gpu_dispatch(gpu, pipeline, bindings, FLOOR_GROUPS, 1, 1, &err));
        check(gch__gpu_pass_end(gpu, &err));
        check(gch__gpu_submit(gpu, &serial, &err));
        samples[i < 0 ? 0 : i] = read_ms(gpu);
    }
    gch__gpu_destroy(gpu);
    return bench_stats_from(samples, REPEATS).median * (double)all_bytes / (double)bytes;
}
