/* The null driver: see gpu_null.h.
 *
 * Invariant: copies and clears are carried out when they are recorded. A recording that is
 * abandoned has therefore left its traces, as no real device would; tests compare the log.
 */
#include "gpu_null.h"
#include "gpu_state.h"

#include <stdarg.h>

#define PURPOSE "gpu null"

typedef struct null_object {
    uint64_t bytes;
    bool is_mapped, wants_map;
    struct null_object *next_wanting;
    char label[GCH__GPU_LABEL_CAP];
    uint8_t data[];
} null_object;

struct gch__gpu_context {
    const gch_allocator *allocator;
    gch__buffer log;
    uint32_t live;
    uint64_t submitted, passed;
    bool is_held, is_lost, fails_submit, holds_pipelines;
    bool uses_pipelines;  /* the recording does */
    null_object *wanting; /* to be mapped when the queue has passed */
};

GCH_PRINTF(2, 3) static void note(gch__gpu_context *context, const char *format, ...)
{
    char line[160];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    size_t count = GCH_MIN((size_t)length, sizeof line - 2);
    line[count] = '\n';
    (void)gch__buffer_append(&context->log, line, count + 1); /* a cut log fails its test */
}

static gch_status check_lost(const gch__gpu_context *context, gch_error *err)
{
    if (context->is_lost)
        return gch_fail(err, GCH_DEVICE_LOST, "the null device was lost");
    return GCH_OK;
}

/* What was used is awaited until the hold ends. */
static gch_status check_pipelines(gch__gpu_context *context, gch_error *err)
{
    context->uses_pipelines = context->uses_pipelines && context->holds_pipelines;
    if (context->uses_pipelines)
        return gch_fail(err, GCH_PENDING, "pipelines are still being made");
    return GCH_OK;
}

static gch_status open_null(const gch__gpu_desc *desc, gch__gpu_context **out,
                            gch__gpu_info *out_info, gch_error *err)
{
    gch__gpu_context *context = gch__alloc_zero(desc->allocator, 1, sizeof *context, PURPOSE);
    if (context == NULL)
        return gch__no_memory(err, PURPOSE);
    context->allocator = desc->allocator;
    context->log = (gch__buffer){.purpose = PURPOSE};
    *out_info = (gch__gpu_info){
        .adapter = "null",
        .driver = "null",
        .kind = GCH__GPU_OTHER,
        .buffer_bytes_max = (uint64_t)1 << 30,
        .binding_bytes_max = (uint64_t)128 << 20,
        .texture_px_max = 8192,
        .group_count_max = 65535,
        .has_timestamps = true,
    };
    *out = context;
    return GCH_OK;
}

static void close_null(gch__gpu_context *context)
{
    gch__buffer_reset(&context->log);
    gch__free(context->allocator, context, PURPOSE);
}

/* ---- natives ---- */

static gch_status make_object(gch__gpu_context *context, const char *kind, uint64_t bytes,
                              const char *label, void **out, gch_error *err)
{
    GCH_TRY(check_lost(context, err));
    null_object *object =
        gch__alloc_zero(context->allocator, 1, sizeof *object + (size_t)bytes, PURPOSE);
    if (object == NULL)
        return gch__no_memory(err, PURPOSE);
    object->bytes = bytes;
    gch__gpu_set_label(object->label, label);
    note(context, "make %s %s %llu", kind, label, (unsigned long long)bytes);
    context->live++;
    *out = object;
    return GCH_OK;
}

static void destroy_object(gch__gpu_context *context, void *native)
{
    null_object *object = native;
    note(context, "destroy %s", object->label);
    for (null_object **at = &context->wanting; *at != NULL; at = &(*at)->next_wanting) {
        if (*at == object) {
            *at = object->next_wanting;
            break;
        }
    }
    context->live--;
    gch__free(context->allocator, object, PURPOSE);
}

static gch_status buffer_make(gch__gpu_context *context, uint64_t bytes, uint32_t usage,
                              gch__gpu_host host, const char *label, void **out, gch_error *err)
{
    (void)usage;
    GCH_TRY(make_object(context, "buffer", bytes, label, out, err));
    ((null_object *)*out)->is_mapped = host == GCH__GPU_HOST_WRITES;
    return GCH_OK;
}

static gch_status buffer_map(gch__gpu_context *context, void *buffer, gch_error *err)
{
    null_object *object = buffer;
    GCH_TRY(check_lost(context, err));
    object->wants_map = true;
    object->next_wanting = context->wanting;
    context->wanting = object;
    return GCH_OK;
}

static void *buffer_mapped(gch__gpu_context *context, void *buffer)
{
    (void)context;
    null_object *object = buffer;
    return object->is_mapped ? object->data : NULL;
}

static void buffer_unmap(gch__gpu_context *context, void *buffer)
{
    null_object *object = buffer;
    if (!object->is_mapped)
        note(context, "unmap of %s, which is not mapped", object->label);
    object->is_mapped = false;
}

static gch_status texture_make(gch__gpu_context *context, uint32_t width_px, uint32_t height_px,
                               const char *label, void **out, gch_error *err)
{
    (void)width_px;
    (void)height_px;
    return make_object(context, "texture", 0, label, out, err);
}

static void *texture_shared(gch__gpu_context *context, void *texture)
{
    (void)context;
    return texture;
}

static gch_status shader_make(gch__gpu_context *context, const char *wgsl, size_t bytes,
                              const char *label, void **out, gch_error *err)
{
    (void)wgsl;
    (void)bytes;
    return make_object(context, "shader", 0, label, out, err);
}

static gch_status pipeline_make(gch__gpu_context *context, const gch__gpu_pipeline_desc *desc,
                                void *shader, uint32_t kind_count, void **out, gch_error *err)
{
    (void)shader;
    (void)kind_count;
    return make_object(context, "pipeline", 0, desc->label, out, err);
}

static gch_status bindings_make(gch__gpu_context *context, void *pipeline, void *const *buffers,
                                const uint64_t *bytes, uint32_t count, const char *label,
                                void **out, gch_error *err)
{
    (void)pipeline;
    (void)buffers;
    (void)bytes;
    (void)count;
    return make_object(context, "bindings", 0, label, out, err);
}

/* ---- recording ---- */

static gch_status begin(gch__gpu_context *context, const char *label, gch_error *err)
{
    GCH_TRY(check_lost(context, err));
    note(context, "begin %s", label);
    return GCH_OK;
}

static void copy(gch__gpu_context *context, void *from, uint64_t from_offset, void *to,
                 uint64_t to_offset, uint64_t count)
{
    null_object *source = from, *target = to;
    note(context, "copy %s %llu -> %s %llu, %llu", source->label, (unsigned long long)from_offset,
         target->label, (unsigned long long)to_offset, (unsigned long long)count);
    memcpy(target->data + to_offset, source->data + from_offset, (size_t)count);
}

static void copy_texture(gch__gpu_context *context, void *texture, uint32_t width_px,
                         uint32_t height_px, void *to)
{
    note(context, "copy %s -> %s, %u x %u", ((null_object *)texture)->label,
         ((null_object *)to)->label, width_px, height_px);
}

static void clear(gch__gpu_context *context, void *buffer, uint64_t offset, uint64_t count)
{
    null_object *object = buffer;
    note(context, "clear %s %llu, %llu", object->label, (unsigned long long)offset,
         (unsigned long long)count);
    memset(object->data + offset, 0, (size_t)count);
}

static void compute_begin(gch__gpu_context *context, const char *label, int32_t timer)
{
    note(context, "compute %s timer %d", label, timer);
}

static void dispatch(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t x,
                     uint32_t y, uint32_t z)
{
    note(context, "dispatch %s %s %u %u %u", ((null_object *)pipeline)->label,
         ((null_object *)bindings)->label, x, y, z);
    context->uses_pipelines = true;
}

static void dispatch_indirect(gch__gpu_context *context, void *pipeline, void *bindings, void *from,
                              uint64_t offset)
{
    note(context, "dispatch %s %s from %s %llu", ((null_object *)pipeline)->label,
         ((null_object *)bindings)->label, ((null_object *)from)->label,
         (unsigned long long)offset);
    context->uses_pipelines = true;
}

static void render_begin(gch__gpu_context *context, void *target, const char *label, int32_t timer)
{
    note(context, "render %s to %s timer %d", label, ((null_object *)target)->label, timer);
}

static void draw(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t vertex_count,
                 uint32_t instance_count)
{
    note(context, "draw %s %s %u %u", ((null_object *)pipeline)->label,
         ((null_object *)bindings)->label, vertex_count, instance_count);
    context->uses_pipelines = true;
}

static void draw_indirect(gch__gpu_context *context, void *pipeline, void *bindings, void *from,
                          uint64_t offset)
{
    note(context, "draw %s %s from %s %llu", ((null_object *)pipeline)->label,
         ((null_object *)bindings)->label, ((null_object *)from)->label,
         (unsigned long long)offset);
    context->uses_pipelines = true;
}

static void run_bundle(gch__gpu_context *context, void *bundle)
{
    note(context, "run %s", ((null_object *)bundle)->label);
    context->uses_pipelines = true;
}

static void pass_end(gch__gpu_context *context)
{
    note(context, "end");
}

static gch_status bundle_begin(gch__gpu_context *context, const char *label, gch_error *err)
{
    GCH_TRY(check_lost(context, err));
    note(context, "bundle %s", label);
    return GCH_OK;
}

static gch_status bundle_end(gch__gpu_context *context, void **out, gch_error *err)
{
    return make_object(context, "bundle", 0, "bundle", out, err);
}

static void abandon(gch__gpu_context *context)
{
    note(context, "abandon");
}

/* ---- the queue ---- */

static void pass_all(gch__gpu_context *context)
{
    context->passed = context->submitted;
    while (context->wanting != NULL) {
        null_object *object = context->wanting;
        context->wanting = object->next_wanting;
        object->wants_map = false;
        object->is_mapped = true;
    }
}

static gch_status submit(gch__gpu_context *context, uint64_t serial, uint32_t timer_count,
                         gch_error *err)
{
    GCH_TRY(check_lost(context, err));
    if (context->fails_submit) {
        context->fails_submit = false;
        return gch_fail(err, GCH_NO_MEMORY, "the null device had no memory");
    }
    gch_status status = check_pipelines(context, err);
    if (status != GCH_OK) {
        context->submitted = serial;
        return status;
    }
    note(context, "submit %llu, %u timers", (unsigned long long)serial, timer_count);
    context->submitted = serial;
    return GCH_OK;
}

static gch_status poll_null(gch__gpu_context *context, uint64_t until, gch_error *err)
{
    GCH_TRY(check_lost(context, err));
    if (until > 0 || !context->is_held)
        pass_all(context);
    return until > 0 ? GCH_OK : check_pipelines(context, err);
}

static uint64_t passed(gch__gpu_context *context)
{
    return context->passed;
}

static gch_status timings(gch__gpu_context *context, uint32_t count, uint64_t *out_ns,
                          gch_error *err)
{
    GCH_TRY(check_lost(context, err));
    for (uint32_t i = 0; i < count; i++)
        out_ns[i] = 1000u * (i + 1);
    return GCH_OK;
}

const gch__gpu_driver gch__gpu_null = {
    .name = "null",
    .open = open_null,
    .close = close_null,
    .buffer_make = buffer_make,
    .buffer_destroy = destroy_object,
    .buffer_map = buffer_map,
    .buffer_mapped = buffer_mapped,
    .buffer_unmap = buffer_unmap,
    .texture_make = texture_make,
    .texture_destroy = destroy_object,
    .texture_shared = texture_shared,
    .shader_make = shader_make,
    .shader_destroy = destroy_object,
    .pipeline_make = pipeline_make,
    .pipeline_destroy = destroy_object,
    .bindings_make = bindings_make,
    .bindings_destroy = destroy_object,
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
    .bundle_destroy = destroy_object,
    .abandon = abandon,
    .submit = submit,
    .poll = poll_null,
    .passed = passed,
    .timings = timings,
};

/* ---- what tests ask ---- */

const char *gch__gpu_null_log(gch__gpu *gpu)
{
    gch__buffer *log = &gpu->context->log;
    uint8_t *end = gch__buffer_reserve(log, 1);
    if (end == NULL)
        return "";
    *end = 0;
    return (const char *)log->bytes;
}

void gch__gpu_null_clear_log(gch__gpu *gpu)
{
    gpu->context->log.count = 0;
}

void gch__gpu_null_hold(gch__gpu *gpu, bool is_held)
{
    gpu->context->is_held = is_held;
}

void gch__gpu_null_hold_pipelines(gch__gpu *gpu, bool is_held)
{
    gpu->context->holds_pipelines = is_held;
}

void gch__gpu_null_lose(gch__gpu *gpu)
{
    gpu->context->is_lost = true;
}

void gch__gpu_null_fail_submit(gch__gpu *gpu)
{
    gpu->context->fails_submit = true;
}

void gch__gpu_null_limit(gch__gpu *gpu, uint64_t buffer_bytes_max, uint64_t binding_bytes_max)
{
    gpu->info.buffer_bytes_max = buffer_bytes_max;
    gpu->info.binding_bytes_max = binding_bytes_max;
}

uint32_t gch__gpu_null_live(gch__gpu *gpu)
{
    return gpu->context->live;
}
