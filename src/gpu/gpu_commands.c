/* Recording: what may come when, checked here once for all drivers.
 *
 *   idle -> begin -> recording -> compute_begin or render_begin -> pass -> pass_end -> recording
 *                              -> submit or a download -> idle
 * A bundle is recorded outside of passes; draws go to it until it ends.
 *
 * Invariant: an object's last_use is set before the driver sees it in a recording.
 */
#include "gpu_state.h"

gch_status gch__gpu_begin(gch__gpu *gpu, const char *label, gch_error *err)
{
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    if (gpu->recording != GCH__GPU_IDLE)
        return gch_fail(err, GCH_INVALID, "begin of %s: %s is being recorded", label, gpu->label);
    gch__gpu_reap(gpu);
    gch__gpu_set_label(gpu->label, label);
    GCH_TRY(gch__gpu_note(gpu, gpu->driver->begin(gpu->context, gpu->label, err)));
    gpu->recording = GCH__GPU_RECORDING;
    gpu->timer_count = 0;
    return GCH_OK;
}

static gch_status check_recording(const gch__gpu *gpu, gch__gpu_recording wanted, const char *what,
                                  gch_error *err)
{
    static const char *const names[] = {"nothing is recorded", "no pass is open",
                                        "a compute pass is open", "a render pass is open"};
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    if (gpu->recording == wanted && gpu->bundle == NULL)
        return GCH_OK;
    return gch_fail(err, GCH_INVALID, "%s: %s", what,
                    gpu->bundle != NULL ? "a bundle is being recorded" : names[gpu->recording]);
}

/* The number of a pass among the timed ones, or -1. */
static int32_t start_timer(gch__gpu *gpu, const char *label)
{
    if (!gpu->times_passes || gpu->timer_count == GCH__GPU_TIMERS_MAX)
        return -1;
    gch__gpu_set_label(gpu->timer_labels[gpu->timer_count], label);
    return (int32_t)gpu->timer_count++;
}

gch_status gch__gpu_compute_begin(gch__gpu *gpu, const char *label, gch_error *err)
{
    GCH_TRY(check_recording(gpu, GCH__GPU_RECORDING, "compute pass", err));
    gpu->driver->compute_begin(gpu->context, label, start_timer(gpu, label));
    gpu->recording = GCH__GPU_COMPUTE_PASS;
    return GCH_OK;
}

gch_status gch__gpu_render_begin(gch__gpu *gpu, gch__gpu_texture target, const char *label,
                                 gch_error *err)
{
    gch__gpu_object *texture;
    GCH_TRY(check_recording(gpu, GCH__GPU_RECORDING, "render pass", err));
    GCH_TRY(gch__gpu_find(gpu, target.id, GCH__GPU_OBJECT_TEXTURE, label, &texture, err));
    texture->last_use = gpu->submitted + 1;
    gpu->driver->render_begin(gpu->context, texture->native, label, start_timer(gpu, label));
    gpu->recording = GCH__GPU_RENDER_PASS;
    return GCH_OK;
}

gch_status gch__gpu_pass_end(gch__gpu *gpu, gch_error *err)
{
    if (gpu->recording != GCH__GPU_RENDER_PASS)
        GCH_TRY(check_recording(gpu, GCH__GPU_COMPUTE_PASS, "end of a pass", err));
    gpu->driver->pass_end(gpu->context);
    gpu->recording = GCH__GPU_RECORDING;
    return GCH_OK;
}

static gch_status find_pair(const gch__gpu *gpu, const char *what, gch__gpu_pipeline pipeline,
                            gch__gpu_bindings bindings, bool is_compute,
                            gch__gpu_object **out_pipeline, gch__gpu_object **out_bindings,
                            gch_error *err)
{
    GCH_TRY(gch__gpu_find(gpu, pipeline.id, GCH__GPU_OBJECT_PIPELINE, what, out_pipeline, err));
    GCH_TRY(gch__gpu_find(gpu, bindings.id, GCH__GPU_OBJECT_BINDINGS, what, out_bindings, err));
    if (((*out_pipeline)->pipeline->desc.compute != NULL) != is_compute)
        return gch_fail(err, GCH_INVALID, "%s: pipeline %s is not for it", what,
                        (*out_pipeline)->label);
    if ((*out_bindings)->pipeline != (*out_pipeline)->pipeline)
        return gch_fail(err, GCH_INVALID, "%s: bindings %s belong to pipeline %s, not to %s", what,
                        (*out_bindings)->label, (*out_bindings)->pipeline->object.label,
                        (*out_pipeline)->label);
    return GCH_OK;
}

gch_status gch__gpu_dispatch(gch__gpu *gpu, gch__gpu_pipeline pipeline, gch__gpu_bindings bindings,
                             uint32_t x, uint32_t y, uint32_t z, gch_error *err)
{
    gch__gpu_object *its_pipeline, *its_bindings;
    uint32_t limit = gpu->info.group_count_max;
    GCH_TRY(check_recording(gpu, GCH__GPU_COMPUTE_PASS, "dispatch", err));
    GCH_TRY(
        find_pair(gpu, "dispatch", pipeline, bindings, true, &its_pipeline, &its_bindings, err));
    if (x > limit || y > limit || z > limit)
        return gch_fail(err, GCH_LIMIT, "dispatch of %s: %u x %u x %u groups, the device takes %u",
                        its_pipeline->label, x, y, z, limit);
    if (x == 0 || y == 0 || z == 0)
        return GCH_OK;
    its_bindings->last_use = gpu->submitted + 1;
    gpu->driver->dispatch(gpu->context, its_pipeline->native, its_bindings->native, x, y, z);
    gpu->stats.dispatches++;
    return GCH_OK;
}

/* The buffer that the GPU is to read `bytes` of counts from. */
static gch_status find_counts(gch__gpu *gpu, const char *what, const char *label,
                              gch__gpu_buffer from, uint64_t offset, uint64_t bytes,
                              gch__gpu_object **out, gch_error *err)
{
    GCH_TRY(gch__gpu_find(gpu, from.id, GCH__GPU_OBJECT_BUFFER, what, out, err));
    const gch__gpu_object *counts = *out;
    if ((counts->usage & GCH__GPU_INDIRECT) == 0)
        return gch_fail(err, GCH_INVALID, "%s of %s: buffer %s is not for indirect use", what,
                        label, counts->label);
    if (offset % 4 != 0 || offset > counts->bytes || counts->bytes - offset < bytes)
        return gch_fail(err, GCH_INVALID, "%s of %s: counts at byte %llu of %s, it has %llu", what,
                        label, (unsigned long long)offset, counts->label,
                        (unsigned long long)counts->bytes);
    return GCH_OK;
}

gch_status gch__gpu_dispatch_indirect(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                      gch__gpu_bindings bindings, gch__gpu_buffer from,
                                      uint64_t offset, gch_error *err)
{
    gch__gpu_object *its_pipeline, *its_bindings, *counts;
    GCH_TRY(check_recording(gpu, GCH__GPU_COMPUTE_PASS, "dispatch", err));
    GCH_TRY(
        find_pair(gpu, "dispatch", pipeline, bindings, true, &its_pipeline, &its_bindings, err));
    GCH_TRY(find_counts(gpu, "dispatch", its_pipeline->label, from, offset, 3 * sizeof(uint32_t),
                        &counts, err));
    its_bindings->last_use = counts->last_use = gpu->submitted + 1;
    gpu->driver->dispatch_indirect(gpu->context, its_pipeline->native, its_bindings->native,
                                   counts->native, offset);
    gpu->stats.dispatches++;
    return GCH_OK;
}

/* ---- draws and bundles ---- */

/* Bundles hold what they draw with. */
static gch_status keep_in_bundle(gch__gpu *gpu, gch__gpu_object *part, gch_error *err)
{
    gch__gpu_object *bundle = gpu->bundle;
    GCH_TRY(gch__ensure(gpu->allocator, (void **)&bundle->parts, &bundle->part_cap,
                        bundle->part_count + 1, sizeof *bundle->parts, "gpu", err));
    bundle->parts[bundle->part_count++] = part;
    part->refs++;
    return GCH_OK;
}

static gch_status find_drawn(gch__gpu *gpu, gch__gpu_pipeline pipeline, gch__gpu_bindings bindings,
                             gch__gpu_object **out_pipeline, gch__gpu_object **out_bindings,
                             gch_error *err)
{
    if (gpu->bundle == NULL)
        GCH_TRY(check_recording(gpu, GCH__GPU_RENDER_PASS, "draw", err));
    return find_pair(gpu, "draw", pipeline, bindings, false, out_pipeline, out_bindings, err);
}

gch_status gch__gpu_draw_indirect(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                  gch__gpu_bindings bindings, gch__gpu_buffer from, uint64_t offset,
                                  gch_error *err)
{
    gch__gpu_object *its_pipeline, *its_bindings, *counts;
    GCH_TRY(find_drawn(gpu, pipeline, bindings, &its_pipeline, &its_bindings, err));
    GCH_TRY(find_counts(gpu, "draw", its_pipeline->label, from, offset, 4 * sizeof(uint32_t),
                        &counts, err));
    if (gpu->bundle != NULL) {
        GCH_TRY(keep_in_bundle(gpu, its_bindings, err));
        GCH_TRY(keep_in_bundle(gpu, counts, err));
    }
    its_bindings->last_use = counts->last_use = gpu->submitted + 1;
    gpu->driver->draw_indirect(gpu->context, its_pipeline->native, its_bindings->native,
                               counts->native, offset);
    gpu->stats.draws++;
    return GCH_OK;
}

gch_status gch__gpu_draw(gch__gpu *gpu, gch__gpu_pipeline pipeline, gch__gpu_bindings bindings,
                         uint32_t vertex_count, uint32_t instance_count, gch_error *err)
{
    gch__gpu_object *its_pipeline, *its_bindings;
    GCH_TRY(find_drawn(gpu, pipeline, bindings, &its_pipeline, &its_bindings, err));
    if (vertex_count == 0 || instance_count == 0)
        return GCH_OK;
    if (gpu->bundle != NULL)
        GCH_TRY(keep_in_bundle(gpu, its_bindings, err));
    its_bindings->last_use = gpu->submitted + 1;
    gpu->driver->draw(gpu->context, its_pipeline->native, its_bindings->native, vertex_count,
                      instance_count);
    gpu->stats.draws++;
    return GCH_OK;
}

gch_status gch__gpu_bundle_begin(gch__gpu *gpu, const char *label, gch_error *err)
{
    if (gpu->recording != GCH__GPU_IDLE)
        GCH_TRY(check_recording(gpu, GCH__GPU_RECORDING, "bundle", err));
    if (gpu->bundle != NULL)
        return gch_fail(err, GCH_INVALID, "bundle %s: bundle %s is being recorded", label,
                        gpu->bundle->label);
    gch__gpu_object *bundle;
    uint32_t id;
    GCH_TRY(gch__gpu_object_make(gpu, GCH__GPU_OBJECT_BUNDLE, label, &bundle, &id, err));
    gch_status status =
        gch__gpu_note(gpu, gpu->driver->bundle_begin(gpu->context, bundle->label, err));
    if (status != GCH_OK) {
        gch__gpu_object_fail(gpu, id);
        return status;
    }
    bundle->usage = id; /* its handle, until it is told */
    gpu->bundle = bundle;
    return GCH_OK;
}

/* A bundle that came to nothing. */
static void drop_bundle(gch__gpu *gpu)
{
    gch__gpu_object *bundle = gpu->bundle;
    gpu->bundle = NULL;
    for (size_t i = 0; i < bundle->part_count; i++)
        gch__gpu_object_release(gpu, bundle->parts[i]);
    gch__gpu_object_fail(gpu, bundle->usage);
}

gch_status gch__gpu_bundle_end(gch__gpu *gpu, gch__gpu_bundle *out, gch_error *err)
{
    if (gpu->bundle == NULL)
        return gch_fail(err, GCH_INVALID, "end of a bundle: none is being recorded");
    gch_status status =
        gch__gpu_note(gpu, gpu->driver->bundle_end(gpu->context, &gpu->bundle->native, err));
    if (status != GCH_OK) {
        drop_bundle(gpu);
        return status;
    }
    out->id = gpu->bundle->usage;
    gpu->bundle = NULL;
    return GCH_OK;
}

gch_status gch__gpu_run_bundle(gch__gpu *gpu, gch__gpu_bundle bundle, gch_error *err)
{
    gch__gpu_object *its;
    GCH_TRY(check_recording(gpu, GCH__GPU_RENDER_PASS, "bundle", err));
    GCH_TRY(gch__gpu_find(gpu, bundle.id, GCH__GPU_OBJECT_BUNDLE, "bundle", &its, err));
    its->last_use = gpu->submitted + 1;
    gpu->driver->run_bundle(gpu->context, its->native);
    gpu->stats.bundles_run++;
    return GCH_OK;
}

/* ---- the queue ---- */

gch_status gch__gpu_flush(gch__gpu *gpu, bool goes_on, gch_error *err)
{
    gch__gpu_ring_close(gpu);
    gpu->recording = GCH__GPU_IDLE;
    gpu->timed_count = gpu->timer_count;
    gpu->timer_count = 0;
    gch_status status = gch__gpu_note(
        gpu, gpu->driver->submit(gpu->context, gpu->submitted + 1, gpu->timed_count, err));
    if (status != GCH_OK && status != GCH_PENDING) {
        gpu->timed_count = 0;
        (void)!gch__gpu_ring_submitted(gpu, NULL); /* nothing reads it; what is told is why */
        return status;
    }
    gpu->submitted++;
    gpu->stats.submits += status == GCH_OK ? 1 : 0;
    GCH_TRY(gch__gpu_ring_submitted(gpu, err));
    if (!goes_on) {
        if (status == GCH_PENDING)
            gpu->driver->abandon(gpu->context);
        return status;
    }
    if (status == GCH_OK) /* else it asks for what it lacks up to its end */
        GCH_TRY(gch__gpu_note(gpu, gpu->driver->begin(gpu->context, gpu->label, err)));
    gpu->recording = GCH__GPU_RECORDING;
    return GCH_OK;
}

gch_status gch__gpu_submit(gch__gpu *gpu, uint64_t *out_serial, gch_error *err)
{
    GCH_TRY(check_recording(gpu, GCH__GPU_RECORDING, "submit", err));
    GCH_TRY(gch__gpu_flush(gpu, false, err));
    *out_serial = gpu->submitted;
    return gch__gpu_poll(gpu, 0, err);
}

void gch__gpu_abandon(gch__gpu *gpu)
{
    if (gpu->recording == GCH__GPU_IDLE && gpu->bundle == NULL)
        return;
    gpu->driver->abandon(gpu->context);
    if (gpu->bundle != NULL)
        drop_bundle(gpu);
    gpu->recording = GCH__GPU_IDLE;
    gch__gpu_ring_rewind(gpu);
}

gch_status gch__gpu_poll(gch__gpu *gpu, uint64_t until, gch_error *err)
{
    GCH_TRY(gch__gpu_note(gpu, gpu->driver->poll(gpu->context, until, err)));
    gch__gpu_reap(gpu);
    return GCH_OK;
}

gch_status gch__gpu_check(gch__gpu *gpu, gch_error *err)
{
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    return gch__gpu_poll(gpu, 0, err);
}

gch_status gch__gpu_wait(gch__gpu *gpu, uint64_t serial, gch_error *err)
{
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    if (serial > gpu->submitted)
        return gch_fail(err, GCH_INVALID, "wait for submission %llu: the last is %llu",
                        (unsigned long long)serial, (unsigned long long)gpu->submitted);
    if (gpu->info.never_waits)
        return gch_fail(err, GCH_UNSUPPORTED, "wait for submission %llu: this device never waits",
                        (unsigned long long)serial);
    if (gpu->driver->passed(gpu->context) >= serial)
        return GCH_OK;
    return gch__gpu_poll(gpu, serial, err);
}

void gch__gpu_set_timing(gch__gpu *gpu, bool is_on)
{
    gpu->times_passes = is_on && gpu->info.has_timestamps;
}

gch_status gch__gpu_get_timings(gch__gpu *gpu, gch__gpu_timing *out, uint32_t cap,
                                uint32_t *out_count, gch_error *err)
{
    uint64_t ns[GCH__GPU_TIMERS_MAX];
    *out_count = 0;
    GCH_TRY(gch__gpu_wait(gpu, gpu->submitted, err));
    if (gpu->timed_count == 0)
        return GCH_OK;
    GCH_TRY(gch__gpu_note(gpu, gpu->driver->timings(gpu->context, gpu->timed_count, ns, err)));
    *out_count = GCH_MIN(gpu->timed_count, cap);
    for (uint32_t i = 0; i < *out_count; i++) {
        memcpy(out[i].label, gpu->timer_labels[i], sizeof out[i].label);
        out[i].ns = ns[i];
    }
    return GCH_OK;
}
