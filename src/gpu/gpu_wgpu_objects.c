/* The objects of the wgpu driver: buffers, textures, shaders, pipelines, bindings. */
#include "gpu_wgpu_state.h"

/* ---- buffers ---- */

gch_status gch__wgpu_buffer_make(gch__gpu_context *context, uint64_t bytes, uint32_t usage,
                                 gch__gpu_host host, const char *label, void **out, gch_error *err)
{
    WGPUBufferUsage its = WGPUBufferUsage_CopySrc | WGPUBufferUsage_CopyDst;
    if (host == GCH__GPU_HOST_WRITES)
        its = WGPUBufferUsage_MapWrite | WGPUBufferUsage_CopySrc;
    if (host == GCH__GPU_HOST_READS)
        its = WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst;
    its |= (usage & GCH__GPU_UNIFORM) != 0 ? WGPUBufferUsage_Uniform : 0;
    its |= (usage & GCH__GPU_STORAGE) != 0 ? WGPUBufferUsage_Storage : 0;
    its |= (usage & GCH__GPU_INDIRECT) != 0 ? WGPUBufferUsage_Indirect : 0;
    gch__wgpu_buffer *buffer =
        gch__alloc_zero(context->allocator, 1, sizeof *buffer, GCH__WGPU_PURPOSE);
    if (buffer == NULL)
        return gch__no_memory(err, GCH__WGPU_PURPOSE);
    buffer->bytes = bytes;
    buffer->host = host;
    buffer->is_mapped = host == GCH__GPU_HOST_WRITES;
    buffer->buffer = context->wgpu->DeviceCreateBuffer(
        context->device, &(WGPUBufferDescriptor){.label = gch__wgpu_view(label),
                                                 .usage = its,
                                                 .size = bytes,
                                                 .mappedAtCreation = buffer->is_mapped});
    gch_status status = gch__wgpu_tell(context, err);
    if (status == GCH_OK && buffer->buffer == NULL)
        status = gch_fail(err, GCH_NO_MEMORY, "GPU: no room for buffer %s", label);
    if (status != GCH_OK) {
        if (buffer->buffer != NULL)
            context->wgpu->BufferRelease(buffer->buffer);
        gch__free(context->allocator, buffer, GCH__WGPU_PURPOSE);
        return status;
    }
    *out = buffer;
    return GCH_OK;
}

void gch__wgpu_buffer_destroy(gch__gpu_context *context, void *native)
{
    gch__wgpu_buffer *buffer = native;
    context->wgpu->BufferDestroy(buffer->buffer);
    context->wgpu->BufferRelease(buffer->buffer);
    gch__free(context->allocator, buffer, GCH__WGPU_PURPOSE);
}

static void on_map(WGPUMapAsyncStatus status, WGPUStringView message, void *userdata1,
                   void *userdata2)
{
    (void)message;
    (void)userdata2;
    if (status == WGPUMapAsyncStatus_Success)
        ((gch__wgpu_buffer *)userdata1)->is_mapped = true;
}

gch_status gch__wgpu_buffer_map(gch__gpu_context *context, void *native, gch_error *err)
{
    gch__wgpu_buffer *buffer = native;
    WGPUMapMode mode = buffer->host == GCH__GPU_HOST_READS ? WGPUMapMode_Read : WGPUMapMode_Write;
    context->wgpu->BufferMapAsync(
        buffer->buffer, mode, 0, buffer->bytes,
        (WGPUBufferMapCallbackInfo){
            .mode = WGPUCallbackMode_AllowProcessEvents, .callback = on_map, .userdata1 = buffer});
    return gch__wgpu_tell(context, err);
}

void *gch__wgpu_buffer_mapped(gch__gpu_context *context, void *native)
{
    gch__wgpu_buffer *buffer = native;
    if (!buffer->is_mapped)
        return NULL;
    return context->wgpu->BufferGetMappedRange(buffer->buffer, 0, buffer->bytes);
}

void gch__wgpu_buffer_unmap(gch__gpu_context *context, void *native)
{
    gch__wgpu_buffer *buffer = native;
    buffer->is_mapped = false;
    context->wgpu->BufferUnmap(buffer->buffer);
}

/* ---- textures, shaders, pipelines, bindings ---- */

gch_status gch__wgpu_texture_make(gch__gpu_context *context, uint32_t width_px, uint32_t height_px,
                                  const char *label, void **out, gch_error *err)
{
    const gch__wgpu_library *wgpu = context->wgpu;
    gch__wgpu_texture *texture =
        gch__alloc_zero(context->allocator, 1, sizeof *texture, GCH__WGPU_PURPOSE);
    if (texture == NULL)
        return gch__no_memory(err, GCH__WGPU_PURPOSE);
    texture->texture = wgpu->DeviceCreateTexture(
        context->device, &(WGPUTextureDescriptor){.label = gch__wgpu_view(label),
                                                  .usage = WGPUTextureUsage_RenderAttachment |
                                                           WGPUTextureUsage_CopySrc,
                                                  .dimension = WGPUTextureDimension_2D,
                                                  .size = {width_px, height_px, 1},
                                                  .format = WGPUTextureFormat_RGBA8Unorm,
                                                  .mipLevelCount = 1,
                                                  .sampleCount = 1});
    gch_status status = gch__wgpu_tell(context, err);
    if (status == GCH_OK) {
        texture->view = wgpu->TextureCreateView(texture->texture, NULL);
        status = gch__wgpu_tell(context, err);
    }
    if (status != GCH_OK) {
        if (texture->view != NULL)
            wgpu->TextureViewRelease(texture->view);
        if (texture->texture != NULL)
            wgpu->TextureRelease(texture->texture);
        gch__free(context->allocator, texture, GCH__WGPU_PURPOSE);
        return status;
    }
    *out = texture;
    return GCH_OK;
}

void gch__wgpu_texture_destroy(gch__gpu_context *context, void *native)
{
    gch__wgpu_texture *texture = native;
    context->wgpu->TextureViewRelease(texture->view);
    context->wgpu->TextureDestroy(texture->texture);
    context->wgpu->TextureRelease(texture->texture);
    gch__free(context->allocator, texture, GCH__WGPU_PURPOSE);
}

void *gch__wgpu_texture_shared(gch__gpu_context *context, void *native)
{
    (void)context;
    return ((gch__wgpu_texture *)native)->texture;
}

gch_status gch__wgpu_shader_make(gch__gpu_context *context, const char *wgsl, size_t bytes,
                                 const char *label, void **out, gch_error *err)
{
    WGPUShaderSourceWGSL source = {.chain.sType = WGPUSType_ShaderSourceWGSL,
                                   .code = {wgsl, bytes}};
    /* Accesses are checked, loops are not counted: the shaders are the project's own and end. */
    WGPUShaderModule module = context->wgpu->DeviceCreateShaderModuleTrusted(
        context->device,
        &(WGPUShaderModuleDescriptor){.nextInChain = &source.chain, .label = gch__wgpu_view(label)},
        WGPUShaderRuntimeChecks_BoundsChecks);
    gch_status status = gch__wgpu_tell(context, err);
    if (status != GCH_OK) {
        if (module != NULL)
            context->wgpu->ShaderModuleRelease(module);
        return status;
    }
    *out = module;
    return GCH_OK;
}

void gch__wgpu_shader_destroy(gch__gpu_context *context, void *native)
{
    context->wgpu->ShaderModuleRelease(native);
}

static void fill_layout(const gch__gpu_pipeline_desc *desc, uint32_t count,
                        WGPUBindGroupLayoutEntry *entries)
{
    static const WGPUBufferBindingType types[] = {
        [GCH__GPU_BIND_UNIFORM] = WGPUBufferBindingType_Uniform,
        [GCH__GPU_BIND_READ] = WGPUBufferBindingType_ReadOnlyStorage,
        [GCH__GPU_BIND_WRITE] = WGPUBufferBindingType_Storage,
    };
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (WGPUBindGroupLayoutEntry){
            .binding = i,
            .visibility = desc->compute != NULL ? WGPUShaderStage_Compute
                                                : WGPUShaderStage_Vertex | WGPUShaderStage_Fragment,
            .buffer = {.type = types[desc->kinds[i]]},
        };
}

static void make_compute(gch__gpu_context *context, const gch__gpu_pipeline_desc *desc,
                         WGPUShaderModule module, WGPUPipelineLayout layout,
                         const WGPUConstantEntry *constants, size_t constant_count,
                         gch__wgpu_pipeline *out)
{
    out->compute = context->wgpu->DeviceCreateComputePipeline(
        context->device,
        &(WGPUComputePipelineDescriptor){.label = gch__wgpu_view(desc->label),
                                         .layout = layout,
                                         .compute = {.module = module,
                                                     .entryPoint = gch__wgpu_view(desc->compute),
                                                     .constants = constants,
                                                     .constantCount = constant_count}});
}

static void make_render(gch__gpu_context *context, const gch__gpu_pipeline_desc *desc,
                        WGPUShaderModule module, WGPUPipelineLayout layout,
                        const WGPUConstantEntry *constants, size_t constant_count,
                        gch__wgpu_pipeline *out)
{
    WGPUColorTargetState target = {.format = WGPUTextureFormat_RGBA8Unorm,
                                   .writeMask = WGPUColorWriteMask_All};
    WGPUFragmentState fragment = {.module = module,
                                  .entryPoint = gch__wgpu_view(desc->fragment),
                                  .constants = constants,
                                  .constantCount = constant_count,
                                  .targets = &target,
                                  .targetCount = 1};
    out->render = context->wgpu->DeviceCreateRenderPipeline(
        context->device, &(WGPURenderPipelineDescriptor){
                             .label = gch__wgpu_view(desc->label),
                             .layout = layout,
                             .vertex = {.module = module,
                                        .entryPoint = gch__wgpu_view(desc->vertex),
                                        .constants = constants,
                                        .constantCount = constant_count},
                             .primitive = {.topology = WGPUPrimitiveTopology_TriangleList},
                             .multisample = {.count = 1, .mask = UINT32_MAX},
                             .fragment = &fragment});
}

void gch__wgpu_pipeline_destroy(gch__gpu_context *context, void *native)
{
    gch__wgpu_pipeline *pipeline = native;
    if (pipeline->compute != NULL)
        context->wgpu->ComputePipelineRelease(pipeline->compute);
    if (pipeline->render != NULL)
        context->wgpu->RenderPipelineRelease(pipeline->render);
    if (pipeline->layout != NULL)
        context->wgpu->BindGroupLayoutRelease(pipeline->layout);
    gch__free(context->allocator, pipeline, GCH__WGPU_PURPOSE);
}

gch_status gch__wgpu_pipeline_make(gch__gpu_context *context, const gch__gpu_pipeline_desc *desc,
                                   void *shader, uint32_t kind_count, void **out, gch_error *err)
{
    const gch__wgpu_library *wgpu = context->wgpu;
    gch__wgpu_pipeline *pipeline =
        gch__alloc_zero(context->allocator, 1, sizeof *pipeline, GCH__WGPU_PURPOSE);
    if (pipeline == NULL)
        return gch__no_memory(err, GCH__WGPU_PURPOSE);
    WGPUBindGroupLayoutEntry entries[GCH__GPU_BINDINGS_MAX];
    fill_layout(desc, kind_count, entries);
    pipeline->layout = wgpu->DeviceCreateBindGroupLayout(
        context->device, &(WGPUBindGroupLayoutDescriptor){.label = gch__wgpu_view(desc->label),
                                                          .entries = entries,
                                                          .entryCount = kind_count});
    WGPUPipelineLayout layout = wgpu->DeviceCreatePipelineLayout(
        context->device, &(WGPUPipelineLayoutDescriptor){.label = gch__wgpu_view(desc->label),
                                                         .bindGroupLayouts = &pipeline->layout,
                                                         .bindGroupLayoutCount = 1});
    WGPUConstantEntry constants[GCH__GPU_CONSTANTS_MAX];
    size_t count = 0;
    for (; count < GCH__GPU_CONSTANTS_MAX && desc->constants[count].name != NULL; count++)
        constants[count] = (WGPUConstantEntry){.key = gch__wgpu_view(desc->constants[count].name),
                                               .value = (double)desc->constants[count].value};
    if (desc->compute != NULL)
        make_compute(context, desc, shader, layout, constants, count, pipeline);
    else
        make_render(context, desc, shader, layout, constants, count, pipeline);
    wgpu->PipelineLayoutRelease(layout);
    gch_status status = gch__wgpu_tell(context, err);
    if (status != GCH_OK) {
        gch__wgpu_pipeline_destroy(context, pipeline);
        return status;
    }
    *out = pipeline;
    return GCH_OK;
}

gch_status gch__wgpu_bindings_make(gch__gpu_context *context, void *pipeline, void *const *buffers,
                                   const uint64_t *bytes, uint32_t count, const char *label,
                                   void **out, gch_error *err)
{
    WGPUBindGroupEntry entries[GCH__GPU_BINDINGS_MAX];
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (WGPUBindGroupEntry){
            .binding = i, .buffer = ((gch__wgpu_buffer *)buffers[i])->buffer, .size = bytes[i]};
    WGPUBindGroup group = context->wgpu->DeviceCreateBindGroup(
        context->device,
        &(WGPUBindGroupDescriptor){.label = gch__wgpu_view(label),
                                   .layout = ((gch__wgpu_pipeline *)pipeline)->layout,
                                   .entries = entries,
                                   .entryCount = count});
    gch_status status = gch__wgpu_tell(context, err);
    if (status != GCH_OK) {
        if (group != NULL)
            context->wgpu->BindGroupRelease(group);
        return status;
    }
    *out = group;
    return GCH_OK;
}

void gch__wgpu_bindings_destroy(gch__gpu_context *context, void *native)
{
    context->wgpu->BindGroupRelease(native);
}
