/* wgpu-native as a table of functions, loaded when the first device is made: programs that never
 * ask for a GPU do not pay for its nine megabytes, and run where it is missing. */
#ifndef GCH_GPU_WGPU_LIBRARY_H
#define GCH_GPU_WGPU_LIBRARY_H

#include "base.h"

#include <webgpu.h>
#include <wgpu.h>

#define GCH__WGPU_FUNCTIONS(X)                                                                     \
    X(AdapterGetInfo)                                                                              \
    X(AdapterGetLimits)                                                                            \
    X(AdapterHasFeature)                                                                           \
    X(AdapterInfoFreeMembers)                                                                      \
    X(AdapterRelease)                                                                              \
    X(AdapterRequestDevice)                                                                        \
    X(BindGroupLayoutRelease)                                                                      \
    X(BindGroupRelease)                                                                            \
    X(BufferDestroy)                                                                               \
    X(BufferGetMappedRange)                                                                        \
    X(BufferMapAsync)                                                                              \
    X(BufferRelease)                                                                               \
    X(BufferUnmap)                                                                                 \
    X(CommandBufferRelease)                                                                        \
    X(CommandEncoderBeginComputePass)                                                              \
    X(CommandEncoderBeginRenderPass)                                                               \
    X(CommandEncoderClearBuffer)                                                                   \
    X(CommandEncoderCopyBufferToBuffer)                                                            \
    X(CommandEncoderCopyTextureToBuffer)                                                           \
    X(CommandEncoderFinish)                                                                        \
    X(CommandEncoderRelease)                                                                       \
    X(CommandEncoderResolveQuerySet)                                                               \
    X(ComputePassEncoderDispatchWorkgroups)                                                        \
    X(ComputePassEncoderDispatchWorkgroupsIndirect)                                                \
    X(ComputePassEncoderEnd)                                                                       \
    X(ComputePassEncoderRelease)                                                                   \
    X(ComputePassEncoderSetBindGroup)                                                              \
    X(ComputePassEncoderSetPipeline)                                                               \
    X(ComputePipelineRelease)                                                                      \
    X(CreateInstance)                                                                              \
    X(DeviceCreateBindGroup)                                                                       \
    X(DeviceCreateBindGroupLayout)                                                                 \
    X(DeviceCreateBuffer)                                                                          \
    X(DeviceCreateCommandEncoder)                                                                  \
    X(DeviceCreateComputePipeline)                                                                 \
    X(DeviceCreatePipelineLayout)                                                                  \
    X(DeviceCreateQuerySet)                                                                        \
    X(DeviceCreateRenderBundleEncoder)                                                             \
    X(DeviceCreateRenderPipeline)                                                                  \
    X(DeviceCreateShaderModuleTrusted)                                                             \
    X(DeviceCreateTexture)                                                                         \
    X(DeviceGetQueue)                                                                              \
    X(DevicePoll)                                                                                  \
    X(DeviceRelease)                                                                               \
    X(GetVersion)                                                                                  \
    X(InstanceProcessEvents)                                                                       \
    X(InstanceRequestAdapter)                                                                      \
    X(PipelineLayoutRelease)                                                                       \
    X(QuerySetRelease)                                                                             \
    X(QueueGetTimestampPeriod)                                                                     \
    X(QueueOnSubmittedWorkDone)                                                                    \
    X(QueueRelease)                                                                                \
    X(QueueSubmitForIndex)                                                                         \
    X(RenderBundleEncoderDraw)                                                                     \
    X(RenderBundleEncoderDrawIndirect)                                                             \
    X(RenderBundleEncoderFinish)                                                                   \
    X(RenderBundleEncoderRelease)                                                                  \
    X(RenderBundleEncoderSetBindGroup)                                                             \
    X(RenderBundleEncoderSetPipeline)                                                              \
    X(RenderBundleRelease)                                                                         \
    X(RenderPassEncoderDraw)                                                                       \
    X(RenderPassEncoderDrawIndirect)                                                               \
    X(RenderPassEncoderEnd)                                                                        \
    X(RenderPassEncoderExecuteBundles)                                                             \
    X(RenderPassEncoderRelease)                                                                    \
    X(RenderPassEncoderSetBindGroup)                                                               \
    X(RenderPassEncoderSetPipeline)                                                                \
    X(RenderPipelineRelease)                                                                       \
    X(ShaderModuleRelease)                                                                         \
    X(TextureCreateView)                                                                           \
    X(TextureDestroy)                                                                              \
    X(TextureRelease)                                                                              \
    X(TextureViewRelease)

typedef struct gch__wgpu_library {
#define X(name) __typeof__(wgpu##name) *name;
    GCH__WGPU_FUNCTIONS(X)
#undef X
} gch__wgpu_library;

/* The same table and instance at every call, from any thread; they stay until the process ends.
 * GCH_UNSUPPORTED: there is no such library, or one without a function that is wanted. */
GCH_CHECKED gch_status gch__wgpu_load(const gch__wgpu_library **out, WGPUInstance *out_instance,
                                      gch_error *err);

#endif
