/* The driver for browsers: calls go to the page's WebGPU, which keeps the objects by numbers
 * (gpu_web_host.h). All devices that are opened are the page's one, each with objects of its own.
 *
 * Invariants:
 *  1. Nothing is waited for. The browser runs writes and submissions in the order of their calls,
 *     and ends objects behind what uses them: whatever is submitted counts as passed.
 *  2. An upload buffer is memory of the module and a buffer of the device; what of it was copied
 * from is written across before the submission, and it is at once free to be filled again.
 *  3. A number is used only while its device is alive: makers, begin and submit ask. Within a call
 *     of the module a device is not lost, and no pipeline gets ready.
 */
#include "gpu_web_host.h"

#include <stdio.h>

#define PURPOSE "gpu web"

typedef struct web_buffer {
    uint32_t number;
    uint8_t *staging; /* of an upload buffer; else NULL */
    uint64_t staged;  /* bytes of it that the recording copies from */
} web_buffer;

struct gch__gpu_context {
    const gch_allocator *allocator;
    uint32_t device;
    uint32_t awaited; /* what the last submission lacked; 0: nothing */
    uint64_t submitted;
};

static uint32_t number_of(const void *native)
{
    return (uint32_t)(uintptr_t)native;
}

static uint32_t buffer_number(const void *native)
{
    return ((const web_buffer *)native)->number;
}

static gch_status check_alive(const gch__gpu_context *context, gch_error *err)
{
    if (gch__web_gpu_is_alive(context->device) == 0)
        return gch_fail(err, GCH_DEVICE_LOST, "the GPU device was lost");
    return GCH_OK;
}

static gch_status check_compiled(const gch__gpu_context *context, gch_error *err)
{
    if (context->awaited != 0 && gch__web_gpu_is_compiled(context->awaited) == 0)
        return gch_fail(err, GCH_PENDING, "its pipelines are not compiled yet");
    return GCH_OK;
}

static gch_status open_web(const gch__gpu_desc *desc, gch__gpu_context **out,
                           gch__gpu_info *out_info, gch_error *err)
{
    gch__web_gpu_info info = {0};
    uint32_t device = gch__web_gpu_open(&info);
    info.adapter[sizeof info.adapter - 1] = 0;
    if (device == 0)
        return gch_fail(err, GCH_UNSUPPORTED, "%s", info.adapter);
    gch__gpu_context *context = gch__alloc_zero(desc->allocator, 1, sizeof *context, PURPOSE);
    if (context == NULL)
        return gch__no_memory(err, PURPOSE);
    context->allocator = desc->allocator;
    context->device = device;
    *out_info = (gch__gpu_info){.driver = "WebGPU",
                                .kind = info.is_software != 0 ? GCH__GPU_SOFTWARE : GCH__GPU_OTHER,
                                .buffer_bytes_max = (uint64_t)info.buffer_bytes_max,
                                .binding_bytes_max = (uint64_t)info.binding_bytes_max,
                                .texture_px_max = info.texture_px_max,
                                .group_count_max = info.group_count_max,
                                .never_waits = true,
                                .is_shared = true};
    snprintf(out_info->adapter, sizeof out_info->adapter, "%s", info.adapter);
    *out = context;
    return GCH_OK;
}

static void close_web(gch__gpu_context *context)
{
    gch__free(context->allocator, context, PURPOSE);
}

/* ---- buffers ---- */

static void buffer_destroy(gch__gpu_context *context, void *native)
{
    web_buffer *buffer = native;
    if (buffer->number != 0)
        gch__web_gpu_end(buffer->number);
    gch__free(context->allocator, buffer->staging, PURPOSE);
    gch__free(context->allocator, buffer, PURPOSE);
}

static gch_status buffer_make(gch__gpu_context *context, uint64_t bytes, uint32_t usage,
                              gch__gpu_host host, const char *label, void **out, gch_error *err)
{
    GCH_TRY(check_alive(context, err));
    if (host == GCH__GPU_HOST_READS)
        return gch_fail(err, GCH_UNSUPPORTED, "a browser's GPU is not read back");
    web_buffer *buffer = gch__alloc_zero(context->allocator, 1, sizeof *buffer, PURPOSE);
    if (buffer == NULL)
        return gch__no_memory(err, PURPOSE);
    if (host == GCH__GPU_HOST_WRITES) {
        buffer->staging = gch__alloc(context->allocator, (size_t)bytes, PURPOSE);
        if (buffer->staging == NULL) {
            buffer_destroy(context, buffer);
            return gch__no_memory(err, PURPOSE);
        }
    }
    buffer->number = gch__web_gpu_make_buffer((double)bytes, usage, label);
    *out = buffer;
    return GCH_OK;
}

static gch_status buffer_map(gch__gpu_context *context, void *native, gch_error *err)
{
    ((web_buffer *)native)->staged = 0;
    return check_alive(context, err);
}

static void *buffer_mapped(gch__gpu_context *context, void *native)
{
    (void)context;
    return ((web_buffer *)native)->staging;
}

static void buffer_unmap(gch__gpu_context *context, void *native)
{
    (void)context;
    web_buffer *buffer = native;
    gch__web_gpu_write(buffer->number, buffer->staging, (uint32_t)buffer->staged);
}

/* ---- textures, shaders, pipelines, bindings: natives are their numbers ---- */

static gch_status take(uint32_t number, void **out)
{
    *out = (void *)(uintptr_t)number;
    return GCH_OK;
}

static void end(gch__gpu_context *context, void *native)
{
    (void)context;
    gch__web_gpu_end(number_of(native));
}

/* Shaders and pipelines are the device's, and end with it. */
static void leave(gch__gpu_context *context, void *native)
{
    (void)context;
    (void)native;
}

static gch_status texture_make(gch__gpu_context *context, uint32_t width_px, uint32_t height_px,
                               const char *label, void **out, gch_error *err)
{
    GCH_TRY(check_alive(context, err));
    return take(gch__web_gpu_make_texture(width_px, height_px, label), out);
}

static void *texture_shared(gch__gpu_context *context, void *texture)
{
    (void)context;
    return texture;
}

static gch_status shader_make(gch__gpu_context *context, const char *wgsl, size_t bytes,
                              const char *label, void **out, gch_error *err)
{
    GCH_TRY(check_alive(context, err));
    return take(gch__web_gpu_make_shader(wgsl, (uint32_t)bytes, label), out);
}

static gch_status pipeline_make(gch__gpu_context *context, const gch__gpu_pipeline_desc *desc,
                                void *shader, uint32_t kind_count, void **out, gch_error *err)
{
    GCH_TRY(check_alive(context, err));
    return take(gch__web_gpu_make_pipeline(desc, number_of(shader), kind_count), out);
}

static gch_status bindings_make(gch__gpu_context *context, void *pipeline, void *const *buffers,
                                const uint64_t *bytes, uint32_t count, const char *label,
                                void **out, gch_error *err)
{
    uint32_t numbers[GCH__GPU_BINDINGS_MAX];
    double sizes[GCH__GPU_BINDINGS_MAX];
    GCH_TRY(check_alive(context, err));
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = buffer_number(buffers[i]);
        sizes[i] = (double)bytes[i];
    }
    return take(gch__web_gpu_make_bindings(number_of(pipeline), numbers, sizes, count, label), out);
}

/* ---- recording ---- */

static gch_status begin(gch__gpu_context *context, const char *label, gch_error *err)
{
    (void)label;
    GCH_TRY(check_alive(context, err));
    gch__web_gpu_begin();
    return GCH_OK;
}

static void copy(gch__gpu_context *context, void *from, uint64_t from_offset, void *to,
                 uint64_t to_offset, uint64_t count)
{
    (void)context;
    web_buffer *source = from;
    source->staged = GCH_MAX(source->staged, from_offset + count);
    gch__web_gpu_copy(source->number, (double)from_offset, buffer_number(to), (double)to_offset,
                      (double)count);
}

/* Into a buffer that the host reads, of which there is none. */
static void copy_texture(gch__gpu_context *context, void *texture, uint32_t width_px,
                         uint32_t height_px, void *to)
{
    (void)context, (void)texture, (void)width_px, (void)height_px, (void)to;
}

static void clear(gch__gpu_context *context, void *buffer, uint64_t offset, uint64_t count)
{
    (void)context;
    gch__web_gpu_clear(buffer_number(buffer), (double)offset, (double)count);
}

static void compute_begin(gch__gpu_context *context, const char *label, int32_t timer)
{
    (void)context, (void)label, (void)timer;
    gch__web_gpu_begin_compute();
}

static void dispatch(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t x,
                     uint32_t y, uint32_t z)
{
    (void)context;
    gch__web_gpu_dispatch(number_of(pipeline), number_of(bindings), x, y, z);
}

static void dispatch_indirect(gch__gpu_context *context, void *pipeline, void *bindings, void *from,
                              uint64_t offset)
{
    (void)context;
    gch__web_gpu_dispatch_indirect(number_of(pipeline), number_of(bindings), buffer_number(from),
                                   (double)offset);
}

static void render_begin(gch__gpu_context *context, void *target, const char *label, int32_t timer)
{
    (void)context, (void)label, (void)timer;
    gch__web_gpu_begin_render(number_of(target));
}

static void draw(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t vertex_count,
                 uint32_t instance_count)
{
    (void)context;
    gch__web_gpu_draw(number_of(pipeline), number_of(bindings), vertex_count, instance_count);
}

static void draw_indirect(gch__gpu_context *context, void *pipeline, void *bindings, void *from,
                          uint64_t offset)
{
    (void)context;
    gch__web_gpu_draw_indirect(number_of(pipeline), number_of(bindings), buffer_number(from),
                               (double)offset);
}

static void run_bundle(gch__gpu_context *context, void *bundle)
{
    (void)context;
    gch__web_gpu_run_bundle(number_of(bundle));
}

static void pass_end(gch__gpu_context *context)
{
    (void)context;
    gch__web_gpu_end_pass();
}

static gch_status bundle_begin(gch__gpu_context *context, const char *label, gch_error *err)
{
    (void)label;
    GCH_TRY(check_alive(context, err));
    gch__web_gpu_begin_bundle();
    return GCH_OK;
}

static gch_status bundle_end(gch__gpu_context *context, void **out, gch_error *err)
{
    (void)context;
    (void)err;
    return take(gch__web_gpu_end_bundle(), out);
}

static void abandon(gch__gpu_context *context)
{
    (void)context;
    gch__web_gpu_abandon();
}

/* ---- the queue ---- */

static gch_status submit(gch__gpu_context *context, uint64_t serial, uint32_t timer_count,
                         gch_error *err)
{
    (void)timer_count;
    GCH_TRY(check_alive(context, err));
    context->awaited = gch__web_gpu_submit(context->awaited);
    context->submitted = serial;
    return check_compiled(context, err);
}

static gch_status poll_web(gch__gpu_context *context, uint64_t until, gch_error *err)
{
    GCH_TRY(check_alive(context, err));
    return until > 0 ? GCH_OK : check_compiled(context, err);
}

static uint64_t passed(gch__gpu_context *context)
{
    return context->submitted;
}

static gch_status timings(gch__gpu_context *context, uint32_t count, uint64_t *out_ns,
                          gch_error *err)
{
    (void)context, (void)count, (void)out_ns;
    return gch_fail(err, GCH_UNSUPPORTED, "a browser's GPU is not timed");
}

const gch__gpu_driver gch__gpu_native = {
    .name = "web",
    .open = open_web,
    .close = close_web,
    .buffer_make = buffer_make,
    .buffer_destroy = buffer_destroy,
    .buffer_map = buffer_map,
    .buffer_mapped = buffer_mapped,
    .buffer_unmap = buffer_unmap,
    .texture_make = texture_make,
    .texture_destroy = end,
    .texture_shared = texture_shared,
    .shader_make = shader_make,
    .shader_destroy = leave,
    .pipeline_make = pipeline_make,
    .pipeline_destroy = leave,
    .bindings_make = bindings_make,
    .bindings_destroy = end,
    .begin = begin,
    .copy = copy,
    .copy_texture = copy_texture,
    .clear = clear,
    .compute_begin = compute_begin,
    .dispatch = dispatch,
    .dispatch_indirect = dispatch_indirect,
    .render_begin = render_begin,
    .draw = draw,
    .draw_indirect = draw_indirect,
    .run_bundle = run_bundle,
    .pass_end = pass_end,
    .bundle_begin = bundle_begin,
    .bundle_end = bundle_end,
    .bundle_destroy = end,
    .abandon = abandon,
    .submit = submit,
    .poll = poll_web,
    .passed = passed,
    .timings = timings,
};
