/* What the page's side of the web driver does (web/src/gpu.ts), by the names of its imports.
 *
 * Objects are numbers, never 0, of one device; 0 from a function that makes one: the device is
 * lost. Sizes and offsets are doubles, exact to 2^53. Texts are NUL-terminated and read during the
 * call. Nothing here waits, and nothing fails but by loss: whatever the browser refuses, it tells
 * later, and the page then gives the device up. Pipelines are compiled beside, when another
 * picture is there in the place of the one that lacks them; the page is told to draw when they are.
 */
#ifndef GCH_GPU_WEB_HOST_H
#define GCH_GPU_WEB_HOST_H

#include "gpu_driver.h"

#include <assert.h>
#include <stddef.h>

typedef struct gch__web_gpu_info {
    double buffer_bytes_max, binding_bytes_max;
    uint32_t texture_px_max, group_count_max;
    uint32_t is_software;
    char adapter[96]; /* without a device: why there is none */
} gch__web_gpu_info;
static_assert(offsetof(gch__web_gpu_info, adapter) == 28, "web/src/gpu.ts");

/* The layout of gch__gpu_pipeline_desc, as web/src/gpu.ts reads it. */
static_assert(offsetof(gch__gpu_pipeline_desc, compute) == 8, "web/src/gpu.ts");
static_assert(offsetof(gch__gpu_pipeline_desc, kinds) == 20, "web/src/gpu.ts");
static_assert(offsetof(gch__gpu_pipeline_desc, constants) == 20 + 4 * GCH__GPU_BINDINGS_MAX,
              "web/src/gpu.ts");
static_assert(sizeof(gch__gpu_constant) == 8 && GCH__GPU_CONSTANTS_MAX == 4, "web/src/gpu.ts");

#define GCH__WEB_GPU(name) __attribute__((import_module("gpu"), import_name(#name)))

/* The device's number, which another one after a loss does not have; 0: there is none. */
GCH__WEB_GPU(open) uint32_t gch__web_gpu_open(gch__web_gpu_info *out);
/* Whether the device of that number is there still. */
GCH__WEB_GPU(is_alive) uint32_t gch__web_gpu_is_alive(uint32_t device);
/* Ends an object of any kind; what the device has been told to do with it is still done. */
GCH__WEB_GPU(end) void gch__web_gpu_end(uint32_t object);

/* usage: gch__gpu_usage, ored. */
GCH__WEB_GPU(make_buffer)
uint32_t gch__web_gpu_make_buffer(double bytes, uint32_t usage, const char *label);
/* Behind everything that was submitted before, in front of what is submitted after. */
GCH__WEB_GPU(write) void gch__web_gpu_write(uint32_t buffer, const void *bytes, uint32_t count);
GCH__WEB_GPU(make_texture)
uint32_t gch__web_gpu_make_texture(uint32_t width_px, uint32_t height_px, const char *label);
/* Shaders and pipelines are the device's: the same text and the same description give the same
 * number, and they end with it. `wgsl` stays where it is. */
GCH__WEB_GPU(make_shader)
uint32_t gch__web_gpu_make_shader(const char *wgsl, uint32_t bytes, const char *label);
GCH__WEB_GPU(make_pipeline)
uint32_t gch__web_gpu_make_pipeline(const gch__gpu_pipeline_desc *desc, uint32_t shader,
                                    uint32_t kind_count);
GCH__WEB_GPU(make_bindings)
uint32_t gch__web_gpu_make_bindings(uint32_t pipeline, const uint32_t *buffers, const double *bytes,
                                    uint32_t count, const char *label);

GCH__WEB_GPU(begin) void gch__web_gpu_begin(void);
GCH__WEB_GPU(copy)
void gch__web_gpu_copy(uint32_t from, double from_offset, uint32_t to, double to_offset,
                       double count);
GCH__WEB_GPU(clear) void gch__web_gpu_clear(uint32_t buffer, double offset, double count);
GCH__WEB_GPU(begin_compute) void gch__web_gpu_begin_compute(void);
GCH__WEB_GPU(dispatch)
void gch__web_gpu_dispatch(uint32_t pipeline, uint32_t bindings, uint32_t x, uint32_t y,
                           uint32_t z);
GCH__WEB_GPU(dispatch_indirect)
void gch__web_gpu_dispatch_indirect(uint32_t pipeline, uint32_t bindings, uint32_t from,
                                    double offset);
GCH__WEB_GPU(begin_render) void gch__web_gpu_begin_render(uint32_t texture);
GCH__WEB_GPU(draw)
void gch__web_gpu_draw(uint32_t pipeline, uint32_t bindings, uint32_t vertex_count,
                       uint32_t instance_count);
GCH__WEB_GPU(draw_indirect)
void gch__web_gpu_draw_indirect(uint32_t pipeline, uint32_t bindings, uint32_t from, double offset);
GCH__WEB_GPU(run_bundle) void gch__web_gpu_run_bundle(uint32_t bundle);
GCH__WEB_GPU(end_pass) void gch__web_gpu_end_pass(void);
GCH__WEB_GPU(begin_bundle) void gch__web_gpu_begin_bundle(void);
GCH__WEB_GPU(end_bundle) uint32_t gch__web_gpu_end_bundle(void);
GCH__WEB_GPU(abandon) void gch__web_gpu_abandon(void);
/* 0: submitted. Else pipelines that it uses are not compiled yet: nothing was, and it is recorded
 * on or abandoned. The number is theirs, for as long as the device is there and until the caller
 * gives it back as `before`. */
GCH__WEB_GPU(submit) uint32_t gch__web_gpu_submit(uint32_t before);
GCH__WEB_GPU(is_compiled) uint32_t gch__web_gpu_is_compiled(uint32_t awaited);

#endif
