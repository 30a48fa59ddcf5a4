/* The driver for wgpu-native, the C library of wgpu (Vulkan, Metal, Direct3D 12).
 *
 * wgpu tells its errors through a callback, on the thread that made the call: the first one is kept
 * and told by the next function here that has a status. Callbacks run inside the driver's
 * own calls only, so nothing here needs a lock.
 *
 * Invariant: a pass's pipeline and bindings are set when they change, and not otherwise.
 */
#include "gpu_wgpu_state.h"

#include <stdio.h>

#define QUERY_BYTES (GCH__GPU_TIMERS_MAX * 2u * sizeof(uint64_t))

static void on_error(const WGPUDevice *device, WGPUErrorType type, WGPUStringView message,
                     void *userdata1, void *userdata2)
{
    (void)device;
    (void)userdata2;
    gch__gpu_context *context = userdata1;
    if (context->error.status != GCH_OK)
        return;
    gch_status status = type == WGPUErrorType_OutOfMemory  ? GCH_NO_MEMORY
                        : type == WGPUErrorType_Validation ? GCH_INVALID
                                                           : GCH_DEVICE_LOST;
    (void)!gch_fail(&context->error, status, "GPU: %.*s", (int)GCH_MIN(message.length, 240),
                    message.data);
}

static void on_lost(const WGPUDevice *device, WGPUDeviceLostReason reason, WGPUStringView message,
                    void *userdata1, void *userdata2)
{
    (void)device;
    (void)message;
    (void)userdata2;
    gch__gpu_context *context = userdata1;
    context->is_lost = reason != WGPUDeviceLostReason_Destroyed;
}

gch_status gch__wgpu_tell(gch__gpu_context *context, gch_error *err)
{
    if (context->is_lost)
        return gch_fail(err, GCH_DEVICE_LOST, "the GPU device was lost");
    gch_error error = context->error;
    context->error.status = GCH_OK;
    if (error.status == GCH_OK)
        return GCH_OK;
    return gch_fail(err, error.status, "%s", error.message);
}

/* ---- the device ---- */

static void on_adapter(WGPURequestAdapterStatus status, WGPUAdapter adapter, WGPUStringView message,
                       void *userdata1, void *userdata2)
{
    (void)message;
    (void)userdata2;
    if (status == WGPURequestAdapterStatus_Success)
        ((gch__gpu_context *)userdata1)->adapter = adapter;
}

static void on_device(WGPURequestDeviceStatus status, WGPUDevice device, WGPUStringView message,
                      void *userdata1, void *userdata2)
{
    gch__gpu_context *context = userdata1;
    if (status == WGPURequestDeviceStatus_Success)
        context->device = device;
    else
        (void)!gch_fail((gch_error *)userdata2, GCH_UNSUPPORTED, "the GPU gives no device: %.*s",
                        (int)GCH_MIN(message.length, 200), message.data);
}

static void copy_text(char *out, size_t cap, WGPUStringView text)
{
    snprintf(out, cap, "%.*s", (int)GCH_MIN(text.length, cap), text.data != NULL ? text.data : "");
}

static void fill_info(gch__gpu_context *context, const WGPULimits *limits, gch__gpu_info *out)
{
    WGPUAdapterInfo info = {0};
    context->wgpu->AdapterGetInfo(context->adapter, &info);
    copy_text(out->adapter, sizeof out->adapter, info.device);
    copy_text(out->driver, sizeof out->driver, info.description);
    out->kind = info.adapterType == WGPUAdapterType_DiscreteGPU     ? GCH__GPU_DISCRETE
                : info.adapterType == WGPUAdapterType_IntegratedGPU ? GCH__GPU_INTEGRATED
                : info.adapterType == WGPUAdapterType_CPU           ? GCH__GPU_SOFTWARE
                                                                    : GCH__GPU_OTHER;
    context->wgpu->AdapterInfoFreeMembers(info);
    out->buffer_bytes_max = limits->maxBufferSize;
    out->binding_bytes_max = limits->maxStorageBufferBindingSize;
    out->texture_px_max = limits->maxTextureDimension2D;
    out->group_count_max = limits->maxComputeWorkgroupsPerDimension;
    out->has_timestamps =
        context->wgpu->AdapterHasFeature(context->adapter, WGPUFeatureName_TimestampQuery);
}

static gch_status request(gch__gpu_context *context, gch__gpu_info *out_info, gch_error *err)
{
    const gch__wgpu_library *wgpu = context->wgpu;
    wgpu->InstanceRequestAdapter(
        context->instance,
        &(WGPURequestAdapterOptions){.powerPreference = WGPUPowerPreference_HighPerformance},
        (WGPURequestAdapterCallbackInfo){.mode = WGPUCallbackMode_AllowProcessEvents,
                                         .callback = on_adapter,
                                         .userdata1 = context});
    wgpu->InstanceProcessEvents(context->instance);
    if (context->adapter == NULL)
        return gch_fail(err, GCH_UNSUPPORTED, "this machine has no GPU adapter");
    WGPULimits limits = WGPU_LIMITS_INIT;
    wgpu->AdapterGetLimits(context->adapter, &limits);
    fill_info(context, &limits, out_info);
    WGPUFeatureName features[] = {WGPUFeatureName_TimestampQuery};
    WGPUDeviceDescriptor desc = {
        .label = gch__wgpu_view("gpucharts"),
        .requiredFeatures = features,
        .requiredFeatureCount = out_info->has_timestamps ? 1 : 0,
        .requiredLimits = &limits,
        .deviceLostCallbackInfo = {.mode = WGPUCallbackMode_AllowSpontaneous,
                                   .callback = on_lost,
                                   .userdata1 = context},
        .uncapturedErrorCallbackInfo = {.callback = on_error, .userdata1 = context},
    };
    gch_error refused = {.status = GCH_UNSUPPORTED, .message = "the GPU gives no device"};
    wgpu->AdapterRequestDevice(
        context->adapter, &desc,
        (WGPURequestDeviceCallbackInfo){.mode = WGPUCallbackMode_AllowProcessEvents,
                                        .callback = on_device,
                                        .userdata1 = context,
                                        .userdata2 = &refused});
    wgpu->InstanceProcessEvents(context->instance);
    if (context->device == NULL)
        return gch_fail(err, GCH_UNSUPPORTED, "%s", refused.message);
    context->queue = wgpu->DeviceGetQueue(context->device);
    return GCH_OK;
}

static gch_status make_timers(gch__gpu_context *context, gch_error *err)
{
    const gch__wgpu_library *wgpu = context->wgpu;
    context->queries = wgpu->DeviceCreateQuerySet(
        context->device, &(WGPUQuerySetDescriptor){.label = gch__wgpu_view("pass times"),
                                                   .type = WGPUQueryType_Timestamp,
                                                   .count = GCH__GPU_TIMERS_MAX * 2});
    context->resolved = wgpu->DeviceCreateBuffer(
        context->device,
        &(WGPUBufferDescriptor){.label = gch__wgpu_view("pass times"),
                                .usage = WGPUBufferUsage_QueryResolve | WGPUBufferUsage_CopySrc,
                                .size = QUERY_BYTES});
    context->ticks = (gch__wgpu_buffer){
        .buffer = wgpu->DeviceCreateBuffer(
            context->device,
            &(WGPUBufferDescriptor){.label = gch__wgpu_view("pass times, read"),
                                    .usage = WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst,
                                    .size = QUERY_BYTES}),
        .bytes = QUERY_BYTES,
        .host = GCH__GPU_HOST_READS};
    context->ns_per_tick = (double)wgpu->QueueGetTimestampPeriod(context->queue);
    return gch__wgpu_tell(context, err);
}

static void close_wgpu(gch__gpu_context *context)
{
    const gch__wgpu_library *wgpu = context->wgpu;
    if (context->queries != NULL) {
        wgpu->QuerySetRelease(context->queries);
        wgpu->BufferRelease(context->resolved);
        wgpu->BufferRelease(context->ticks.buffer);
    }
    if (context->queue != NULL)
        wgpu->QueueRelease(context->queue);
    if (context->device != NULL)
        wgpu->DeviceRelease(context->device);
    if (context->adapter != NULL)
        wgpu->AdapterRelease(context->adapter);
    gch__free(context->allocator, context, GCH__WGPU_PURPOSE);
}

static gch_status open_wgpu(const gch__gpu_desc *desc, gch__gpu_context **out,
                            gch__gpu_info *out_info, gch_error *err)
{
    const gch__wgpu_library *wgpu;
    WGPUInstance instance;
    GCH_TRY(gch__wgpu_load(&wgpu, &instance, err));
    gch__gpu_context *context =
        gch__alloc_zero(desc->allocator, 1, sizeof *context, GCH__WGPU_PURPOSE);
    if (context == NULL)
        return gch__no_memory(err, GCH__WGPU_PURPOSE);
    context->allocator = desc->allocator;
    context->wgpu = wgpu;
    context->instance = instance;
    gch_status status = request(context, out_info, err);
    if (status == GCH_OK && out_info->has_timestamps)
        status = make_timers(context, err);
    if (status != GCH_OK) {
        close_wgpu(context);
        return status;
    }
    *out = context;
    return GCH_OK;
}

/* ---- recording ---- */

static gch_status begin(gch__gpu_context *context, const char *label, gch_error *err)
{
    context->encoder = context->wgpu->DeviceCreateCommandEncoder(
        context->device, &(WGPUCommandEncoderDescriptor){.label = gch__wgpu_view(label)});
    return gch__wgpu_tell(context, err);
}

static void copy(gch__gpu_context *context, void *from, uint64_t from_offset, void *to,
                 uint64_t to_offset, uint64_t count)
{
    context->wgpu->CommandEncoderCopyBufferToBuffer(
        context->encoder, ((gch__wgpu_buffer *)from)->buffer, from_offset,
        ((gch__wgpu_buffer *)to)->buffer, to_offset, count);
}

static void copy_texture(gch__gpu_context *context, void *texture, uint32_t width_px,
                         uint32_t height_px, void *to)
{
    WGPUTexelCopyTextureInfo source = {.texture = ((gch__wgpu_texture *)texture)->texture,
                                       .aspect = WGPUTextureAspect_All};
    WGPUTexelCopyBufferInfo target = {.layout = {.bytesPerRow = (uint32_t)gch__align_up(
                                                     (uint64_t)width_px * 4, GCH__GPU_ROW_BYTES),
                                                 .rowsPerImage = height_px},
                                      .buffer = ((gch__wgpu_buffer *)to)->buffer};
    context->wgpu->CommandEncoderCopyTextureToBuffer(context->encoder, &source, &target,
                                                     &(WGPUExtent3D){width_px, height_px, 1});
}

static void clear(gch__gpu_context *context, void *buffer, uint64_t offset, uint64_t count)
{
    context->wgpu->CommandEncoderClearBuffer(context->encoder, ((gch__wgpu_buffer *)buffer)->buffer,
                                             offset, count);
}

static const WGPUPassTimestampWrites *fill_timer(const gch__gpu_context *context, int32_t timer,
                                                 WGPUPassTimestampWrites *out)
{
    if (timer < 0)
        return NULL;
    *out = (WGPUPassTimestampWrites){.querySet = context->queries,
                                     .beginningOfPassWriteIndex = 2 * (uint32_t)timer,
                                     .endOfPassWriteIndex = 2 * (uint32_t)timer + 1};
    return out;
}

static void compute_begin(gch__gpu_context *context, const char *label, int32_t timer)
{
    WGPUPassTimestampWrites writes;
    context->compute = context->wgpu->CommandEncoderBeginComputePass(
        context->encoder,
        &(WGPUComputePassDescriptor){.label = gch__wgpu_view(label),
                                     .timestampWrites = fill_timer(context, timer, &writes)});
    context->pipeline = context->bindings = NULL;
}

static void render_begin(gch__gpu_context *context, void *target, const char *label, int32_t timer)
{
    WGPUPassTimestampWrites writes;
    WGPURenderPassColorAttachment color = {.view = ((gch__wgpu_texture *)target)->view,
                                           .depthSlice = WGPU_DEPTH_SLICE_UNDEFINED,
                                           .loadOp = WGPULoadOp_Clear,
                                           .storeOp = WGPUStoreOp_Store,
                                           .clearValue = {0, 0, 0, 1}};
    context->render = context->wgpu->CommandEncoderBeginRenderPass(
        context->encoder,
        &(WGPURenderPassDescriptor){.label = gch__wgpu_view(label),
                                    .colorAttachments = &color,
                                    .colorAttachmentCount = 1,
                                    .timestampWrites = fill_timer(context, timer, &writes)});
    context->pipeline = context->bindings = NULL;
}

static void pass_end(gch__gpu_context *context)
{
    if (context->compute != NULL) {
        context->wgpu->ComputePassEncoderEnd(context->compute);
        context->wgpu->ComputePassEncoderRelease(context->compute);
    }
    if (context->render != NULL) {
        context->wgpu->RenderPassEncoderEnd(context->render);
        context->wgpu->RenderPassEncoderRelease(context->render);
    }
    context->compute = NULL;
    context->render = NULL;
}

static void set_compute(gch__gpu_context *context, void *pipeline, void *bindings)
{
    if (context->pipeline != pipeline)
        context->wgpu->ComputePassEncoderSetPipeline(context->compute,
                                                     ((gch__wgpu_pipeline *)pipeline)->compute);
    if (context->bindings != bindings)
        context->wgpu->ComputePassEncoderSetBindGroup(context->compute, 0, bindings, 0, NULL);
    context->pipeline = pipeline;
    context->bindings = bindings;
}

static void dispatch(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t x,
                     uint32_t y, uint32_t z)
{
    set_compute(context, pipeline, bindings);
    context->wgpu->ComputePassEncoderDispatchWorkgroups(context->compute, x, y, z);
}

static void dispatch_indirect(gch__gpu_context *context, void *pipeline, void *bindings, void *from,
                              uint64_t offset)
{
    set_compute(context, pipeline, bindings);
    context->wgpu->ComputePassEncoderDispatchWorkgroupsIndirect(
        context->compute, ((gch__wgpu_buffer *)from)->buffer, offset);
}

static void draw(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t vertex_count,
                 uint32_t instance_count)
{
    const gch__wgpu_library *wgpu = context->wgpu;
    WGPURenderPipeline render = ((gch__wgpu_pipeline *)pipeline)->render;
    if (context->bundle != NULL) {
        wgpu->RenderBundleEncoderSetPipeline(context->bundle, render);
        wgpu->RenderBundleEncoderSetBindGroup(context->bundle, 0, bindings, 0, NULL);
        wgpu->RenderBundleEncoderDraw(context->bundle, vertex_count, instance_count, 0, 0);
        return;
    }
    if (context->pipeline != pipeline)
        wgpu->RenderPassEncoderSetPipeline(context->render, render);
    if (context->bindings != bindings)
        wgpu->RenderPassEncoderSetBindGroup(context->render, 0, bindings, 0, NULL);
    context->pipeline = pipeline;
    context->bindings = bindings;
    wgpu->RenderPassEncoderDraw(context->render, vertex_count, instance_count, 0, 0);
}

static void run_bundle(gch__gpu_context *context, void *bundle)
{
    WGPURenderBundle its = bundle;
    context->wgpu->RenderPassEncoderExecuteBundles(context->render, 1, &its);
    context->pipeline = context->bindings = NULL; /* a bundle leaves nothing set */
}

static gch_status bundle_begin(gch__gpu_context *context, const char *label, gch_error *err)
{
    WGPUTextureFormat format = WGPUTextureFormat_RGBA8Unorm;
    context->bundle = context->wgpu->DeviceCreateRenderBundleEncoder(
        context->device, &(WGPURenderBundleEncoderDescriptor){.label = gch__wgpu_view(label),
                                                              .colorFormats = &format,
                                                              .colorFormatCount = 1,
                                                              .sampleCount = 1});
    return gch__wgpu_tell(context, err);
}

/* Finishing is how wgpu lets go of a bundle's encoder, too. */
static WGPURenderBundle finish_bundle(gch__gpu_context *context)
{
    WGPURenderBundle bundle = context->wgpu->RenderBundleEncoderFinish(context->bundle, NULL);
    context->wgpu->RenderBundleEncoderRelease(context->bundle);
    context->bundle = NULL;
    return bundle;
}

static gch_status bundle_end(gch__gpu_context *context, void **out, gch_error *err)
{
    WGPURenderBundle bundle = finish_bundle(context);
    gch_status status = gch__wgpu_tell(context, err);
    if (status != GCH_OK) {
        if (bundle != NULL)
            context->wgpu->RenderBundleRelease(bundle);
        return status;
    }
    *out = bundle;
    return GCH_OK;
}

static void bundle_destroy(gch__gpu_context *context, void *native)
{
    context->wgpu->RenderBundleRelease(native);
}

static void abandon(gch__gpu_context *context)
{
    pass_end(context);
    if (context->bundle != NULL) {
        WGPURenderBundle bundle = finish_bundle(context);
        if (bundle != NULL)
            context->wgpu->RenderBundleRelease(bundle);
    }
    if (context->encoder != NULL)
        context->wgpu->CommandEncoderRelease(context->encoder);
    context->encoder = NULL;
    context->error.status = GCH_OK;
}

/* ---- the queue ---- */

static void on_done(WGPUQueueWorkDoneStatus status, WGPUStringView message, void *userdata1,
                    void *userdata2)
{
    (void)message;
    gch__gpu_context *context = userdata1;
    uint64_t serial = (uint64_t)(uintptr_t)userdata2;
    if (status == WGPUQueueWorkDoneStatus_Success && serial > context->passed)
        context->passed = serial;
}

static gch_status submit(gch__gpu_context *context, uint64_t serial, uint32_t timer_count,
                         gch_error *err)
{
    const gch__wgpu_library *wgpu = context->wgpu;
    if (timer_count > 0) {
        wgpu->CommandEncoderResolveQuerySet(context->encoder, context->queries, 0, timer_count * 2,
                                            context->resolved, 0);
        wgpu->CommandEncoderCopyBufferToBuffer(context->encoder, context->resolved, 0,
                                               context->ticks.buffer, 0,
                                               timer_count * 2 * sizeof(uint64_t));
    }
    WGPUCommandBuffer commands = wgpu->CommandEncoderFinish(context->encoder, NULL);
    wgpu->CommandEncoderRelease(context->encoder);
    context->encoder = NULL;
    gch_status status = gch__wgpu_tell(context, err);
    if (status == GCH_OK) {
        context->indices[serial % GCH__WGPU_INDICES] =
            wgpu->QueueSubmitForIndex(context->queue, 1, &commands);
        status = gch__wgpu_tell(context, err);
    }
    if (commands != NULL)
        wgpu->CommandBufferRelease(commands);
    GCH_TRY(status);
    context->submitted = serial;
    wgpu->QueueOnSubmittedWorkDone(
        context->queue, (WGPUQueueWorkDoneCallbackInfo){.mode = WGPUCallbackMode_AllowProcessEvents,
                                                        .callback = on_done,
                                                        .userdata1 = context,
                                                        .userdata2 = (void *)(uintptr_t)serial});
    return gch__wgpu_tell(context, err);
}

static gch_status poll_wgpu(gch__gpu_context *context, uint64_t until, gch_error *err)
{
    bool is_known = until > 0 && until + GCH__WGPU_INDICES > context->submitted;
    context->wgpu->DevicePoll(context->device, until > 0,
                              is_known ? &context->indices[until % GCH__WGPU_INDICES] : NULL);
    GCH_TRY(gch__wgpu_tell(context, err));
    if (context->passed < until)
        return gch_fail(err, GCH_DEVICE_LOST, "the GPU did not finish its work");
    return GCH_OK;
}

static uint64_t passed(gch__gpu_context *context)
{
    return context->passed;
}

static gch_status timings(gch__gpu_context *context, uint32_t count, uint64_t *out_ns,
                          gch_error *err)
{
    GCH_TRY(gch__wgpu_buffer_map(context, &context->ticks, err));
    GCH_TRY(poll_wgpu(context, context->submitted, err));
    const uint64_t *ticks = gch__wgpu_buffer_mapped(context, &context->ticks);
    if (ticks == NULL)
        return gch_fail(err, GCH_DEVICE_LOST, "the pass times did not arrive");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t from = ticks[2 * i], to = ticks[2 * i + 1];
        out_ns[i] = to > from ? (uint64_t)((double)(to - from) * context->ns_per_tick) : 0;
    }
    gch__wgpu_buffer_unmap(context, &context->ticks);
    return GCH_OK;
}

const gch__gpu_driver gch__gpu_native = {
    .name = "wgpu",
    .open = open_wgpu,
    .close = close_wgpu,
    .buffer_make = gch__wgpu_buffer_make,
    .buffer_destroy = gch__wgpu_buffer_destroy,
    .buffer_map = gch__wgpu_buffer_map,
    .buffer_mapped = gch__wgpu_buffer_mapped,
    .buffer_unmap = gch__wgpu_buffer_unmap,
    .texture_make = gch__wgpu_texture_make,
    .texture_destroy = gch__wgpu_texture_destroy,
    .texture_shared = gch__wgpu_texture_shared,
    .shader_make = gch__wgpu_shader_make,
    .shader_destroy = gch__wgpu_shader_destroy,
    .pipeline_make = gch__wgpu_pipeline_make,
    .pipeline_destroy = gch__wgpu_pipeline_destroy,
    .bindings_make = gch__wgpu_bindings_make,
    .bindings_destroy = gch__wgpu_bindings_destroy,
    .begin = begin,
    .copy = copy,
    .copy_texture = copy_texture,
    .clear = clear,
    .compute_begin = compute_begin,
    .dispatch = dispatch,
    .dispatch_indirect = dispatch_indirect,
    .render_begin = render_begin,
    .draw = draw,
    .run_bundle = run_bundle,
    .pass_end = pass_end,
    .bundle_begin = bundle_begin,
    .bundle_end = bundle_end,
    .bundle_destroy = bundle_destroy,
    .abandon = abandon,
    .submit = submit,
    .poll = poll_wgpu,
    .passed = passed,
    .timings = timings,
};
