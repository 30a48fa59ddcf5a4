/* Devices, and the objects that are made of them.
 *
 * Invariants:
 *  1. An object's native ends only after the queue has passed its last use, and a part only after
 *     everything that it is a part of.
 *  2. Pipelines are made once for each description; they and the shaders end with the device.
 */
#include "gpu_state.h"

#define PURPOSE "gpu"

void gch__gpu_set_label(char label[GCH__GPU_LABEL_CAP], const char *text)
{
    snprintf(label, GCH__GPU_LABEL_CAP, "%s", text != NULL ? text : "unnamed");
}

gch_status gch__gpu_note(gch__gpu *gpu, gch_status status)
{
    gpu->is_lost |= status == GCH_DEVICE_LOST;
    return status;
}

gch_status gch__gpu_check_alive(const gch__gpu *gpu, gch_error *err)
{
    if (gpu->is_lost)
        return gch_fail(err, GCH_DEVICE_LOST, "the GPU device was lost");
    return GCH_OK;
}

/* ---- objects ---- */

static const char *kind_name(gch__gpu_object_kind kind)
{
    static const char *const names[] = {
        [GCH__GPU_OBJECT_BUFFER] = "buffer",     [GCH__GPU_OBJECT_TEXTURE] = "texture",
        [GCH__GPU_OBJECT_SHADER] = "shader",     [GCH__GPU_OBJECT_PIPELINE] = "pipeline",
        [GCH__GPU_OBJECT_BINDINGS] = "bindings", [GCH__GPU_OBJECT_BUNDLE] = "bundle",
    };
    return names[kind];
}

gch_status gch__gpu_find(const gch__gpu *gpu, uint32_t id, gch__gpu_object_kind kind,
                         const char *wanted_for, gch__gpu_object **out, gch_error *err)
{
    gch__gpu_object *object = gch__pool_get(&gpu->handles, id, NULL);
    if (object == NULL)
        return gch_fail(err, GCH_INVALID, "%s: the %s's handle is %s", wanted_for, kind_name(kind),
                        id == 0 ? "none" : "stale");
    if (object->kind != kind)
        return gch_fail(err, GCH_INVALID, "%s: %s is a %s, not a %s", wanted_for, object->label,
                        kind_name(object->kind), kind_name(kind));
    *out = object;
    return GCH_OK;
}

gch_status gch__gpu_object_make(gch__gpu *gpu, gch__gpu_object_kind kind, const char *label,
                                gch__gpu_object **out, uint32_t *out_id, gch_error *err)
{
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    gch__gpu_object *object = gch__alloc_zero(gpu->allocator, 1, sizeof *object, PURPOSE);
    if (object == NULL)
        return gch__no_memory(err, PURPOSE);
    object->kind = kind;
    object->refs = 1;
    gch__gpu_set_label(object->label, label);
    gch_status status = gch__pool_add(&gpu->handles, object, 0, out_id, err);
    if (status != GCH_OK) {
        gch__free(gpu->allocator, object, PURPOSE);
        return status;
    }
    *out = object;
    return GCH_OK;
}

static void free_object(gch__gpu *gpu, gch__gpu_object *object)
{
    gch__free(gpu->allocator, object->parts, PURPOSE);
    gch__free(gpu->allocator, object, PURPOSE);
}

void gch__gpu_object_fail(gch__gpu *gpu, uint32_t id)
{
    free_object(gpu, gch__pool_remove(&gpu->handles, id, NULL));
}

static void end_object(gch__gpu *gpu, gch__gpu_object *object)
{
    const gch__gpu_driver *driver = gpu->driver;
    switch (object->kind) {
    case GCH__GPU_OBJECT_BUFFER:
        gch__gpu_buffer_end(gpu, object); /* goes to the pool, or is freed there */
        return;
    case GCH__GPU_OBJECT_TEXTURE:
        driver->texture_destroy(gpu->context, object->native);
        gpu->stats.device_bytes -= object->native_bytes;
        break;
    case GCH__GPU_OBJECT_SHADER:
        driver->shader_destroy(gpu->context, object->native);
        break;
    case GCH__GPU_OBJECT_BINDINGS:
        driver->bindings_destroy(gpu->context, object->native);
        break;
    case GCH__GPU_OBJECT_BUNDLE:
        driver->bundle_destroy(gpu->context, object->native);
        break;
    case GCH__GPU_OBJECT_PIPELINE:
        return; /* belongs to the cache */
    }
    for (size_t i = 0; i < object->part_count; i++)
        gch__gpu_object_release(gpu, object->parts[i]);
    free_object(gpu, object);
}

void gch__gpu_object_release(gch__gpu *gpu, gch__gpu_object *object)
{
    if (--object->refs > 0)
        return;
    object->next = gpu->dying;
    gpu->dying = object;
}

static void reap_until(gch__gpu *gpu, uint64_t passed)
{
    bool again = true;
    while (again) { /* an end may release parts */
        again = false;
        gch__gpu_object *list = gpu->dying;
        gpu->dying = NULL;
        while (list != NULL) {
            gch__gpu_object *object = list;
            list = object->next;
            if (object->last_use <= passed) {
                end_object(gpu, object);
                again = true;
            } else {
                object->next = gpu->dying;
                gpu->dying = object;
            }
        }
    }
}

void gch__gpu_reap(gch__gpu *gpu)
{
    reap_until(gpu, gpu->driver->passed(gpu->context));
}

static void release_handle(gch__gpu *gpu, uint32_t id)
{
    gch__gpu_object *object = gch__pool_remove(&gpu->handles, id, NULL);
    if (object == NULL)
        return;
    gch__gpu_object_release(gpu, object);
    gch__gpu_reap(gpu);
}

void gch__gpu_buffer_release(gch__gpu *gpu, gch__gpu_buffer buffer)
{
    release_handle(gpu, buffer.id);
}

void gch__gpu_texture_release(gch__gpu *gpu, gch__gpu_texture texture)
{
    release_handle(gpu, texture.id);
}

void gch__gpu_bindings_release(gch__gpu *gpu, gch__gpu_bindings bindings)
{
    release_handle(gpu, bindings.id);
}

void gch__gpu_bundle_release(gch__gpu *gpu, gch__gpu_bundle bundle)
{
    release_handle(gpu, bundle.id);
}

/* ---- making ---- */

gch_status gch__gpu_texture_make(gch__gpu *gpu, uint32_t width_px, uint32_t height_px,
                                 const char *label, gch__gpu_texture *out, gch_error *err)
{
    uint32_t limit = gpu->info.texture_px_max;
    if (width_px == 0 || height_px == 0)
        return gch_fail(err, GCH_INVALID, "texture %s: %u x %u px", label, width_px, height_px);
    if (width_px > limit || height_px > limit)
        return gch_fail(err, GCH_LIMIT, "texture %s: %u x %u px, the device takes %u", label,
                        width_px, height_px, limit);
    gch__gpu_object *object;
    uint32_t id;
    GCH_TRY(gch__gpu_object_make(gpu, GCH__GPU_OBJECT_TEXTURE, label, &object, &id, err));
    gch_status status =
        gch__gpu_note(gpu, gpu->driver->texture_make(gpu->context, width_px, height_px,
                                                     object->label, &object->native, err));
    if (status != GCH_OK) {
        gch__gpu_object_fail(gpu, id);
        return status;
    }
    object->width_px = width_px;
    object->height_px = height_px;
    object->bytes = object->native_bytes = (uint64_t)width_px * height_px * 4;
    gpu->stats.device_bytes += object->native_bytes;
    out->id = id;
    return GCH_OK;
}

void *gch__gpu_texture_get_shared(const gch__gpu *gpu, gch__gpu_texture texture)
{
    gch__gpu_object *object = gch__pool_get(&gpu->handles, texture.id, NULL);
    if (object == NULL || object->kind != GCH__GPU_OBJECT_TEXTURE)
        return NULL;
    return gpu->driver->texture_shared(gpu->context, object->native);
}

gch_status gch__gpu_shader_make(gch__gpu *gpu, const char *wgsl, size_t bytes, const char *label,
                                gch__gpu_shader *out, gch_error *err)
{
    if (wgsl == NULL || bytes == 0)
        return gch_fail(err, GCH_INVALID, "shader %s: no text", label);
    gch__gpu_object *object;
    uint32_t id;
    GCH_TRY(gch__gpu_object_make(gpu, GCH__GPU_OBJECT_SHADER, label, &object, &id, err));
    gch_status status =
        gch__gpu_note(gpu, gpu->driver->shader_make(gpu->context, wgsl, bytes, object->label,
                                                    &object->native, err));
    if (status != GCH_OK) {
        gch__gpu_object_fail(gpu, id);
        return status;
    }
    out->id = id;
    return GCH_OK;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_pipeline(const gch__gpu_pipeline_desc *a, const gch__gpu_pipeline_desc *b)
{
    if (a->shader.id != b->shader.id || !is_same_text(a->compute, b->compute) ||
        !is_same_text(a->vertex, b->vertex) || !is_same_text(a->fragment, b->fragment) ||
        memcmp(a->kinds, b->kinds, sizeof a->kinds) != 0)
        return false;
    for (uint32_t i = 0; i < GCH__GPU_CONSTANTS_MAX; i++) {
        if (!is_same_text(a->constants[i].name, b->constants[i].name))
            return false;
        if (a->constants[i].name == NULL)
            return true;
        if (a->constants[i].value != b->constants[i].value)
            return false;
    }
    return true;
}

/* The description with its texts in `state`, so that the caller's may go. */
static gch_status keep_pipeline(gch__gpu_pipeline_state *state, const gch__gpu_pipeline_desc *desc,
                                gch_error *err)
{
    const char **texts[3 + GCH__GPU_CONSTANTS_MAX] = {&state->desc.compute, &state->desc.vertex,
                                                      &state->desc.fragment};
    state->desc = *desc;
    state->desc.label = state->object.label;
    for (uint32_t i = 0; i < GCH__GPU_CONSTANTS_MAX; i++)
        texts[3 + i] = &state->desc.constants[i].name;
    for (size_t i = 0; i < GCH_COUNT_OF(texts); i++) {
        if (*texts[i] == NULL)
            continue;
        if (strlen(*texts[i]) >= GCH__GPU_LABEL_CAP)
            return gch_fail(err, GCH_INVALID, "pipeline %s: the name %s is too long",
                            state->object.label, *texts[i]);
        gch__gpu_set_label(state->texts[i], *texts[i]);
        *texts[i] = state->texts[i];
    }
    return GCH_OK;
}

gch_status gch__gpu_pipeline_get(gch__gpu *gpu, const gch__gpu_pipeline_desc *desc,
                                 gch__gpu_pipeline *out, gch_error *err)
{
    gch__gpu_object *shader;
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    GCH_TRY(gch__gpu_find(gpu, desc->shader.id, GCH__GPU_OBJECT_SHADER, desc->label, &shader, err));
    if (desc->compute != NULL ? desc->vertex != NULL || desc->fragment != NULL
                              : desc->vertex == NULL || desc->fragment == NULL)
        return gch_fail(err, GCH_INVALID,
                        "pipeline %s: wants either a compute or a vertex and a fragment function",
                        desc->label);
    for (const gch__gpu_pipeline_state *p = gpu->pipelines; p != NULL; p = p->next) {
        if (is_same_pipeline(&p->desc, desc)) {
            *out = p->handle;
            return GCH_OK;
        }
    }
    gch__gpu_pipeline_state *state = gch__alloc_zero(gpu->allocator, 1, sizeof *state, PURPOSE);
    if (state == NULL)
        return gch__no_memory(err, PURPOSE);
    state->object.kind = GCH__GPU_OBJECT_PIPELINE;
    state->object.refs = 1;
    state->object.pipeline = state;
    gch__gpu_set_label(state->object.label, desc->label);
    while (state->kind_count < GCH__GPU_BINDINGS_MAX && desc->kinds[state->kind_count] != 0)
        state->kind_count++;
    gch_status status = keep_pipeline(state, desc, err);
    if (status == GCH_OK)
        status = gch__pool_add(&gpu->handles, &state->object, 0, &state->handle.id, err);
    if (status == GCH_OK) {
        status = gch__gpu_note(gpu, gpu->driver->pipeline_make(gpu->context, &state->desc,
                                                               shader->native, state->kind_count,
                                                               &state->object.native, err));
        if (status != GCH_OK)
            gch__pool_remove(&gpu->handles, state->handle.id, NULL);
    }
    if (status != GCH_OK) {
        gch__free(gpu->allocator, state, PURPOSE);
        return status;
    }
    state->next = gpu->pipelines;
    gpu->pipelines = state;
    *out = state->handle;
    return GCH_OK;
}

static gch_status check_binding(const gch__gpu *gpu, const gch__gpu_object *pipeline, uint32_t at,
                                const gch__gpu_object *buffer, gch_error *err)
{
    bool is_uniform = pipeline->pipeline->desc.kinds[at] == GCH__GPU_BIND_UNIFORM;
    uint32_t usage = is_uniform ? GCH__GPU_UNIFORM : GCH__GPU_STORAGE;
    if ((buffer->usage & usage) == 0)
        return gch_fail(err, GCH_INVALID, "binding %u of %s: buffer %s is not for %s use", at,
                        pipeline->label, buffer->label, is_uniform ? "uniform" : "storage");
    if (buffer->bytes > gpu->info.binding_bytes_max)
        return gch_fail(err, GCH_LIMIT,
                        "binding %u of %s: buffer %s has %llu bytes, the device binds %llu", at,
                        pipeline->label, buffer->label, (unsigned long long)buffer->bytes,
                        (unsigned long long)gpu->info.binding_bytes_max);
    return GCH_OK;
}

gch_status gch__gpu_bindings_make(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                  const gch__gpu_buffer *buffers, uint32_t count, const char *label,
                                  gch__gpu_bindings *out, gch_error *err)
{
    gch__gpu_object *its_pipeline, *parts[GCH__GPU_BINDINGS_MAX], *object;
    void *natives[GCH__GPU_BINDINGS_MAX];
    uint64_t bytes[GCH__GPU_BINDINGS_MAX];
    GCH_TRY(gch__gpu_find(gpu, pipeline.id, GCH__GPU_OBJECT_PIPELINE, label, &its_pipeline, err));
    if (count != its_pipeline->pipeline->kind_count)
        return gch_fail(err, GCH_INVALID, "bindings %s: %u buffers, pipeline %s takes %u", label,
                        count, its_pipeline->label, its_pipeline->pipeline->kind_count);
    for (uint32_t i = 0; i < count; i++) {
        GCH_TRY(gch__gpu_find(gpu, buffers[i].id, GCH__GPU_OBJECT_BUFFER, label, &parts[i], err));
        GCH_TRY(check_binding(gpu, its_pipeline, i, parts[i], err));
        natives[i] = parts[i]->native;
        bytes[i] = parts[i]->bytes;
    }
    uint32_t id;
    GCH_TRY(gch__gpu_object_make(gpu, GCH__GPU_OBJECT_BINDINGS, label, &object, &id, err));
    gch_status status = gch__ensure(gpu->allocator, (void **)&object->parts, &object->part_cap,
                                    count, sizeof *object->parts, PURPOSE, err);
    if (status == GCH_OK)
        status = gch__gpu_note(gpu, gpu->driver->bindings_make(gpu->context, its_pipeline->native,
                                                               natives, bytes, count, object->label,
                                                               &object->native, err));
    if (status != GCH_OK) {
        gch__gpu_object_fail(gpu, id);
        return status;
    }
    object->pipeline = its_pipeline->pipeline;
    for (uint32_t i = 0; i < count; i++) {
        object->parts[i] = parts[i];
        parts[i]->refs++;
    }
    object->part_count = count;
    out->id = id;
    return GCH_OK;
}

/* ---- the device ---- */

gch_status gch__gpu_make(const gch__gpu_desc *desc, gch__gpu **out, gch_error *err)
{
    gch__gpu *gpu = gch__alloc_zero(desc->allocator, 1, sizeof *gpu, PURPOSE);
    if (gpu == NULL)
        return gch__no_memory(err, PURPOSE);
    gpu->allocator = desc->allocator;
    gpu->workers = desc->workers;
    gpu->handles = (gch__pool){.allocator = desc->allocator, .purpose = PURPOSE};
    gpu->driver = desc->driver != NULL ? desc->driver : &gch__gpu_native;
    gch_status status = gpu->driver->open(desc, &gpu->context, &gpu->info, err);
    if (status != GCH_OK) {
        gch__free(desc->allocator, gpu, PURPOSE);
        return status;
    }
    gpu->chunk_bytes =
        gpu->info.is_shared ? GCH__GPU_RING_CHUNK_BYTES_SHARED : GCH__GPU_RING_CHUNK_BYTES;
    *out = gpu;
    return GCH_OK;
}

void gch__gpu_destroy(gch__gpu *gpu)
{
    if (gpu == NULL)
        return;
    gch__gpu_abandon(gpu);
    (void)!gpu->driver->poll(gpu->context, gpu->submitted,
                             NULL); /* a lost device has nothing under way */
    for (uint32_t id = gch__pool_any(&gpu->handles); id != 0; id = gch__pool_any(&gpu->handles)) {
        gch__gpu_object *object = gch__pool_remove(&gpu->handles, id, NULL);
        if (object->kind != GCH__GPU_OBJECT_PIPELINE)
            gch__gpu_object_release(gpu, object);
    }
    reap_until(gpu, UINT64_MAX);
    while (gpu->pipelines != NULL) {
        gch__gpu_pipeline_state *state = gpu->pipelines;
        gpu->pipelines = state->next;
        gpu->driver->pipeline_destroy(gpu->context, state->object.native);
        gch__free(gpu->allocator, state, PURPOSE);
    }
    gch__gpu_buffers_reset(gpu);
    gch__pool_reset(&gpu->handles);
    gpu->driver->close(gpu->context);
    gch__free(gpu->allocator, gpu, PURPOSE);
}

const gch__gpu_info *gch__gpu_get_info(const gch__gpu *gpu)
{
    return &gpu->info;
}

gch__gpu_stats gch__gpu_get_stats(const gch__gpu *gpu)
{
    return gpu->stats;
}
