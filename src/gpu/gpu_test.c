/* The layer above the drivers, on the null driver: what is allowed when, lives, the pool, the ring,
 * and that a warm frame makes and allocates nothing. */
#include "gpu_null.h"
#include "gpu_state.h"
#include "test.h"
#include "test_memory.h"

static gch_error err;

static gch__gpu *make_gpu(const gch_allocator *allocator)
{
    gch__gpu *gpu = NULL;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){.driver = &gch__gpu_null, .allocator = allocator},
                            &gpu, &err));
    gch__gpu_set_timing(gpu, true);
    return gpu;
}

static void destroy_gpu(gch__gpu *gpu)
{
    gch__gpu_destroy(gpu);
}

/* A pipeline, buffers and bindings, as small as they come. */
typedef struct kit {
    gch__gpu_shader shader;
    gch__gpu_pipeline compute, render;
    gch__gpu_buffer uniform, table, counts;
    gch__gpu_bindings compute_bindings, render_bindings;
    gch__gpu_texture target;
} kit;

static gch__gpu_pipeline_desc compute_desc(gch__gpu_shader shader)
{
    return (gch__gpu_pipeline_desc){.label = "sum",
                                    .shader = shader,
                                    .compute = "sum",
                                    .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_WRITE},
                                    .constants = {{"SHIFT", 4}}};
}

static gch_status make_kit(gch__gpu *gpu, kit *out)
{
    GCH_TRY(gch__gpu_shader_make(gpu, "fn sum() {}", 11, "sums", &out->shader, &err));
    gch__gpu_pipeline_desc desc = compute_desc(out->shader);
    GCH_TRY(gch__gpu_pipeline_get(gpu, &desc, &out->compute, &err));
    desc = (gch__gpu_pipeline_desc){.label = "light",
                                    .shader = out->shader,
                                    .vertex = "corner",
                                    .fragment = "light",
                                    .kinds = {GCH__GPU_BIND_READ}};
    GCH_TRY(gch__gpu_pipeline_get(gpu, &desc, &out->render, &err));
    GCH_TRY(gch__gpu_buffer_make(gpu, 64, GCH__GPU_UNIFORM, "view", &out->uniform, &err));
    GCH_TRY(gch__gpu_buffer_make(gpu, 4096, GCH__GPU_STORAGE, "table", &out->table, &err));
    GCH_TRY(gch__gpu_buffer_make(gpu, 16, GCH__GPU_INDIRECT, "counts", &out->counts, &err));
    gch__gpu_buffer both[] = {out->uniform, out->table};
    GCH_TRY(
        gch__gpu_bindings_make(gpu, out->compute, both, 2, "sums", &out->compute_bindings, &err));
    GCH_TRY(gch__gpu_bindings_make(gpu, out->render, &out->table, 1, "lights",
                                   &out->render_bindings, &err));
    return gch__gpu_texture_make(gpu, 64, 32, "picture", &out->target, &err);
}

static gch_status run_frame(gch__gpu *gpu, const kit *k, gch__gpu_bundle bundle, uint64_t *out)
{
    uint32_t words[16] = {1, 2, 3}, back[4], pixels[64 * 32];
    GCH_TRY(gch__gpu_begin(gpu, "frame", &err));
    GCH_TRY(gch__gpu_upload(gpu, k->uniform, 0, words, sizeof words, &err));
    GCH_TRY(gch__gpu_clear(gpu, k->table, 0, 4096, &err));
    GCH_TRY(gch__gpu_compute_begin(gpu, "sums", &err));
    GCH_TRY(gch__gpu_dispatch(gpu, k->compute, k->compute_bindings, 3, 2, 1, &err));
    GCH_TRY(gch__gpu_dispatch_indirect(gpu, k->compute, k->compute_bindings, k->counts, 0, &err));
    GCH_TRY(gch__gpu_pass_end(gpu, &err));
    GCH_TRY(gch__gpu_render_begin(gpu, k->target, "picture", &err));
    GCH_TRY(gch__gpu_draw(gpu, k->render, k->render_bindings, 3, 1, &err));
    if (bundle.id != 0)
        GCH_TRY(gch__gpu_run_bundle(gpu, bundle, &err));
    GCH_TRY(gch__gpu_pass_end(gpu, &err));
    GCH_TRY(gch__gpu_download(gpu, k->uniform, 0, back, sizeof back, &err));
    if (memcmp(words, back, sizeof back) != 0)
        return GCH_CORRUPT;
    GCH_TRY(gch__gpu_begin(gpu, "readback", &err));
    GCH_TRY(gch__gpu_texture_download(gpu, k->target, 64, 32, pixels, 64, &err));
    GCH_TRY(gch__gpu_begin(gpu, "empty", &err));
    return gch__gpu_submit(gpu, out, &err);
}

static gch_status make_bundle(gch__gpu *gpu, const kit *k, gch__gpu_bundle *out)
{
    GCH_TRY(gch__gpu_bundle_begin(gpu, "lights", &err));
    GCH_TRY(gch__gpu_draw(gpu, k->render, k->render_bindings, 6, 1, &err));
    GCH_TRY(gch__gpu_draw_indirect(gpu, k->render, k->render_bindings, k->counts, 0, &err));
    return gch__gpu_bundle_end(gpu, out, &err);
}

static void a_frame_reaches_the_driver_in_order(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    kit k;
    gch__gpu_bundle bundle;
    uint64_t serial;
    assert_ok(make_kit(gpu, &k));
    assert_ok(make_bundle(gpu, &k, &bundle));
    assert_ok(run_frame(gpu, &k, bundle, &serial));
    gch__gpu_null_clear_log(gpu);
    assert_ok(run_frame(gpu, &k, bundle, &serial));
    assert_string_equal(gch__gpu_null_log(gpu), "begin frame\n"
                                                "copy upload ring 0 -> view 0, 64\n"
                                                "clear table 0, 4096\n"
                                                "compute sums timer 0\n"
                                                "dispatch sum sums 3 2 1\n"
                                                "dispatch sum sums from counts 0\n"
                                                "end\n"
                                                "render picture to picture timer 1\n"
                                                "draw light lights 3 1\n"
                                                "run bundle\n"
                                                "end\n"
                                                "copy view 0 -> download 0, 16\n"
                                                "submit 4, 2 timers\n"
                                                "begin readback\n"
                                                "copy picture -> download, 64 x 32\n"
                                                "submit 5, 0 timers\n"
                                                "begin empty\n"
                                                "submit 6, 0 timers\n");
    assert_int_equal(serial, 6);
    destroy_gpu(gpu);
}

static void passes_are_timed_under_their_labels(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    gch__gpu_timing timings[4];
    uint32_t count;
    uint64_t serial;
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_compute_begin(gpu, "first", &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_compute_begin(gpu, "second", &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_submit(gpu, &serial, &err));
    assert_ok(gch__gpu_get_timings(gpu, timings, 4, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(timings[1].label, "second");
    assert_int_equal(timings[1].ns, 2000);
    destroy_gpu(gpu);
}

static void a_warm_frame_makes_and_allocates_nothing(void **state)
{
    (void)state;
    test_memory memory = {.left = UINT64_MAX};
    gch_allocator allocator = {.resize = test_memory_resize, .context = &memory};
    gch__gpu *gpu = make_gpu(&allocator);
    kit k;
    gch__gpu_bundle bundle;
    uint64_t serial;
    assert_ok(make_kit(gpu, &k));
    assert_ok(make_bundle(gpu, &k, &bundle));
    assert_ok(run_frame(gpu, &k, bundle, &serial));
    uint64_t before = memory.served;
    assert_true(before > 0);
    gch__gpu_null_clear_log(gpu);
    for (int i = 0; i < 5; i++)
        assert_ok(run_frame(gpu, &k, bundle, &serial));
    assert_int_equal(memory.served, before);
    assert_null(strstr(gch__gpu_null_log(gpu), "make"));
    destroy_gpu(gpu);
}

static void mistakes_are_refused_by_name(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    kit k;
    uint64_t serial;
    uint32_t word = 0;
    assert_ok(make_kit(gpu, &k));
#define REFUSED(call, expected_status, words)                                                      \
    do {                                                                                           \
        assert_status(call, expected_status);                                                      \
        if (strstr(err.message, words) == NULL)                                                    \
            fail_msg("%s: \"%s\" lacks \"%s\"", #call, err.message, words);                        \
    } while (0)
    gch__gpu_null_clear_log(gpu);
    REFUSED(gch__gpu_submit(gpu, &serial, &err), GCH_INVALID, "nothing is recorded");
    REFUSED(gch__gpu_upload(gpu, k.table, 0, &word, 4, &err), GCH_INVALID, "outside of passes");
    REFUSED(gch__gpu_wait(gpu, 9, &err), GCH_INVALID, "submission 9");
    REFUSED(gch__gpu_draw(gpu, k.render, k.render_bindings, 3, 1, &err), GCH_INVALID, "nothing");
    assert_string_equal(gch__gpu_null_log(gpu), "");

    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    gch__gpu_null_clear_log(gpu);
    REFUSED(gch__gpu_begin(gpu, "again", &err), GCH_INVALID, "frame is being recorded");
    REFUSED(gch__gpu_upload(gpu, k.table, 4096, &word, 4, &err), GCH_INVALID, "it has 4096");
    REFUSED(gch__gpu_upload(gpu, k.table, UINT64_MAX - 3, &word, 8, &err), GCH_INVALID, "table");
    REFUSED(gch__gpu_upload(gpu, k.table, 2, &word, 4, &err), GCH_INVALID, "multiples of 4");
    REFUSED(gch__gpu_clear(gpu, k.table, 0, 4100, &err), GCH_INVALID, "clear of table");
    REFUSED(gch__gpu_copy(gpu, k.table, 0, k.table, 0, 4, &err), GCH_INVALID, "table to itself");
    REFUSED(gch__gpu_copy(gpu, k.table, 4096, k.counts, 0, 4, &err), GCH_INVALID,
            "copy from table");
    REFUSED(gch__gpu_copy(gpu, k.table, 0, k.counts, 1 << 20, 4, &err), GCH_INVALID,
            "copy to counts");
    REFUSED(gch__gpu_dispatch(gpu, k.compute, k.compute_bindings, 1, 1, 1, &err), GCH_INVALID,
            "no pass is open");
    REFUSED(gch__gpu_pass_end(gpu, &err), GCH_INVALID, "no pass is open");
    REFUSED(gch__gpu_texture_download(gpu, k.target, 65, 1, &word, 65, &err), GCH_INVALID, "65 x");
    REFUSED(gch__gpu_render_begin(gpu, (gch__gpu_texture){0}, "x", &err), GCH_INVALID, "is none");
    assert_string_equal(gch__gpu_null_log(gpu), "");

    assert_ok(gch__gpu_compute_begin(gpu, "sums", &err));
    gch__gpu_null_clear_log(gpu);
    REFUSED(gch__gpu_submit(gpu, &serial, &err), GCH_INVALID, "a compute pass is open");
    REFUSED(gch__gpu_upload(gpu, k.table, 0, &word, 4, &err), GCH_INVALID, "outside of passes");
    REFUSED(gch__gpu_dispatch(gpu, k.compute, k.compute_bindings, 65536, 1, 1, &err), GCH_LIMIT,
            "65535");
    REFUSED(gch__gpu_dispatch(gpu, k.render, k.render_bindings, 1, 1, 1, &err), GCH_INVALID,
            "light is not for it");
    REFUSED(gch__gpu_dispatch(gpu, k.compute, k.render_bindings, 1, 1, 1, &err), GCH_INVALID,
            "belong to pipeline light");
    REFUSED(gch__gpu_dispatch_indirect(gpu, k.compute, k.compute_bindings, k.table, 0, &err),
            GCH_INVALID, "not for indirect use");
    REFUSED(gch__gpu_dispatch_indirect(gpu, k.compute, k.compute_bindings, k.counts, 8, &err),
            GCH_INVALID, "byte 8 of counts");
    REFUSED(gch__gpu_draw(gpu, k.render, k.render_bindings, 3, 1, &err), GCH_INVALID,
            "a compute pass is open");
    REFUSED(gch__gpu_draw_indirect(gpu, k.render, k.render_bindings, k.counts, 0, &err),
            GCH_INVALID, "a compute pass is open");
    assert_ok(gch__gpu_dispatch(gpu, k.compute, k.compute_bindings, 0, 1, 1, &err));
    assert_string_equal(gch__gpu_null_log(gpu), "");
    gch__gpu_abandon(gpu);

    gch__gpu_buffer buffer = {0};
    gch__gpu_texture texture;
    gch__gpu_pipeline pipeline;
    gch__gpu_bindings bindings;
    gch__gpu_bundle bundle;
    REFUSED(gch__gpu_buffer_make(gpu, 0, 0, "none", &buffer, &err), GCH_INVALID, "none");
    REFUSED(gch__gpu_buffer_make(gpu, 6, 0, "six", &buffer, &err), GCH_INVALID, "six");
    REFUSED(gch__gpu_buffer_make(gpu, (uint64_t)2 << 30, 0, "big", &buffer, &err), GCH_LIMIT,
            "big");
    REFUSED(gch__gpu_texture_make(gpu, 8193, 1, "wide", &texture, &err), GCH_LIMIT, "8192");
    gch__gpu_pipeline_desc desc = compute_desc(k.shader);
    desc.vertex = "corner";
    REFUSED(gch__gpu_pipeline_get(gpu, &desc, &pipeline, &err), GCH_INVALID, "either");
    REFUSED(gch__gpu_bindings_make(gpu, k.compute, &k.table, 1, "few", &bindings, &err),
            GCH_INVALID, "takes 2");
    gch__gpu_buffer wrong[] = {k.table, k.table};
    REFUSED(gch__gpu_bindings_make(gpu, k.compute, wrong, 2, "wrong", &bindings, &err), GCH_INVALID,
            "not for uniform use");
    REFUSED(gch__gpu_bundle_end(gpu, &bundle, &err), GCH_INVALID, "none is being recorded");
    gch__gpu_null_limit(gpu, 1 << 30, 1024);
    gch__gpu_buffer right[] = {k.uniform, k.table};
    REFUSED(gch__gpu_bindings_make(gpu, k.compute, right, 2, "large", &bindings, &err), GCH_LIMIT,
            "the device binds 1024");
#undef REFUSED
    destroy_gpu(gpu);
}

static void a_stale_handle_is_refused_and_never_names_something_newer(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    gch__gpu_buffer old, newer;
    assert_ok(gch__gpu_buffer_make(gpu, 1024, GCH__GPU_STORAGE, "old", &old, &err));
    gch__gpu_buffer_release(gpu, old);
    gch__gpu_buffer_release(gpu, old); /* of no effect */
    assert_ok(gch__gpu_buffer_make(gpu, 1024, GCH__GPU_STORAGE, "newer", &newer, &err));
    assert_int_not_equal(old.id, newer.id);
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_status(gch__gpu_clear(gpu, old, 0, 4, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "stale"));
    assert_ok(gch__gpu_clear(gpu, newer, 0, 4, &err));
    destroy_gpu(gpu);
}

static void pipelines_come_from_the_cache(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    kit k;
    gch__gpu_pipeline again, other;
    assert_ok(make_kit(gpu, &k));
    char entry[] = "sum";
    gch__gpu_pipeline_desc desc = compute_desc(k.shader);
    desc.compute = entry; /* compared by its text, not by where it stands */
    assert_ok(gch__gpu_pipeline_get(gpu, &desc, &again, &err));
    assert_int_equal(again.id, k.compute.id);
    desc.constants[0].value = 5;
    assert_ok(gch__gpu_pipeline_get(gpu, &desc, &other, &err));
    assert_int_not_equal(other.id, k.compute.id);
    desc.constants[0] = (gch__gpu_constant){0};
    assert_ok(gch__gpu_pipeline_get(gpu, &desc, &again, &err));
    assert_int_not_equal(again.id, other.id);
    assert_int_not_equal(again.id, k.compute.id);
    destroy_gpu(gpu);
}

static void a_released_buffer_lives_until_the_queue_has_passed_its_last_use(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    gch__gpu_buffer large;
    uint64_t serial, bytes = (uint64_t)80 << 20; /* too large for the pool */
    assert_ok(gch__gpu_buffer_make(gpu, bytes, GCH__GPU_STORAGE, "large", &large, &err));
    assert_true(gch__gpu_get_stats(gpu).device_bytes >= bytes);
    gch__gpu_null_hold(gpu, true);
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_clear(gpu, large, 0, 16, &err));
    gch__gpu_buffer_release(gpu, large);
    assert_null(strstr(gch__gpu_null_log(gpu), "destroy")); /* being recorded */
    assert_ok(gch__gpu_submit(gpu, &serial, &err));
    assert_null(strstr(gch__gpu_null_log(gpu), "destroy")); /* under way */
    assert_ok(gch__gpu_wait(gpu, serial, &err));
    assert_non_null(strstr(gch__gpu_null_log(gpu), "destroy large"));
    assert_true(gch__gpu_get_stats(gpu).device_bytes < bytes);
    destroy_gpu(gpu);
}

static void bindings_hold_their_buffers_and_bundles_their_bindings(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    kit k;
    gch__gpu_bundle bundle;
    uint64_t serial;
    assert_ok(make_kit(gpu, &k));
    assert_ok(make_bundle(gpu, &k, &bundle));
    gch__gpu_null_clear_log(gpu);
    gch__gpu_buffer_release(gpu, k.table);
    gch__gpu_bindings_release(gpu, k.render_bindings);
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_render_begin(gpu, k.target, "picture", &err));
    assert_ok(gch__gpu_run_bundle(gpu, bundle, &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_submit(gpu, &serial, &err));
    assert_null(strstr(gch__gpu_null_log(gpu), "destroy"));
    gch__gpu_bundle_release(gpu, bundle);
    assert_non_null(strstr(gch__gpu_null_log(gpu), "destroy bundle\ndestroy lights\n"));
    uint64_t pooled = gch__gpu_get_stats(gpu).pooled_bytes;
    assert_int_equal(pooled, 0); /* the other bindings hold the table still */
    gch__gpu_bindings_release(gpu, k.compute_bindings);
    assert_int_equal(gch__gpu_get_stats(gpu).pooled_bytes, 4096);
    destroy_gpu(gpu);
}

static void the_pool_gives_a_buffer_of_the_class_again(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    gch__gpu_buffer a, b, c;
    assert_ok(gch__gpu_buffer_make(gpu, 1000, GCH__GPU_STORAGE, "a", &a, &err));
    uint64_t bytes = gch__gpu_get_stats(gpu).device_bytes;
    assert_int_equal(bytes, 1024);
    gch__gpu_buffer_release(gpu, a);
    gch__gpu_null_clear_log(gpu);
    assert_ok(gch__gpu_buffer_make(gpu, 900, GCH__GPU_STORAGE, "b", &b, &err));
    assert_string_equal(gch__gpu_null_log(gpu), "");
    assert_ok(gch__gpu_buffer_make(gpu, 900, GCH__GPU_UNIFORM, "c", &c, &err)); /* another use */
    assert_string_equal(gch__gpu_null_log(gpu), "make buffer c 1024\n");
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    uint32_t words[226];
    assert_status(gch__gpu_upload(gpu, b, 0, words, 904, &err), GCH_INVALID); /* it asked for 900 */
    destroy_gpu(gpu);
}

static void an_upload_beyond_the_ring_arrives_whole(void **state)
{
    (void)state;
    gch_workers *workers = NULL;
    gch__gpu *gpu = NULL;
    assert_ok(gch_workers_make(2, NULL, &workers, &err));
    assert_ok(
        gch__gpu_make(&(gch__gpu_desc){.driver = &gch__gpu_null, .workers = workers}, &gpu, &err));
    gch__gpu_buffer large;
    size_t count = (size_t)(GCH__GPU_RING_CHUNKS + 2) * GCH__GPU_RING_CHUNK_BYTES + 64;
    uint32_t *words = malloc(count), *back = malloc(count);
    assert_true(words != NULL && back != NULL);
    for (size_t i = 0; i < count / 4; i++)
        words[i] = (uint32_t)(i * 2654435761u);
    assert_ok(gch__gpu_buffer_make(gpu, count, GCH__GPU_STORAGE, "large", &large, &err));
    for (int held = 0; held < 2; held++) {
        gch__gpu_null_hold(gpu, held != 0);
        memset(back, 0, count);
        assert_ok(gch__gpu_begin(gpu, "load", &err));
        assert_ok(gch__gpu_upload(gpu, large, 0, words, count, &err));
        assert_ok(gch__gpu_download(gpu, large, 0, back, count, &err));
        assert_memory_equal(words, back, count);
    }
    free(words);
    free(back);
    destroy_gpu(gpu);
    gch_workers_destroy(workers);
}

/* Those of a frame that uses pipelines at its beginning and at its end, parts of which are
 * submitted meanwhile. */
static gch_status run_in_parts(gch__gpu *gpu, const kit *k, gch__gpu_buffer large,
                               const void *bytes, uint64_t count)
{
    uint64_t serial;
    GCH_TRY(gch__gpu_begin(gpu, "parts", &err));
    GCH_TRY(gch__gpu_compute_begin(gpu, "sums", &err));
    GCH_TRY(gch__gpu_dispatch(gpu, k->compute, k->compute_bindings, 1, 1, 1, &err));
    GCH_TRY(gch__gpu_pass_end(gpu, &err));
    GCH_TRY(gch__gpu_upload(gpu, large, 0, bytes, count, &err));
    GCH_TRY(gch__gpu_render_begin(gpu, k->target, "picture", &err));
    GCH_TRY(gch__gpu_draw(gpu, k->render, k->render_bindings, 3, 1, &err));
    GCH_TRY(gch__gpu_pass_end(gpu, &err));
    return gch__gpu_submit(gpu, &serial, &err);
}

static void what_uses_pipelines_that_are_not_there_is_recorded_whole_and_dropped(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    kit k;
    gch__gpu_buffer large;
    uint64_t serial, count = (GCH__GPU_RING_CHUNKS + 2) * GCH__GPU_RING_CHUNK_BYTES;
    uint8_t *bytes = calloc(1, (size_t)count);
    assert_non_null(bytes);
    assert_ok(make_kit(gpu, &k));
    assert_ok(gch__gpu_buffer_make(gpu, count, GCH__GPU_STORAGE, "large", &large, &err));
    gch__gpu_null_hold_pipelines(gpu, true);
    gch__gpu_null_clear_log(gpu);
    uint64_t submits = gch__gpu_get_stats(gpu).submits;
    assert_status(run_in_parts(gpu, &k, large, bytes, count), GCH_PENDING);
    assert_null(strstr(gch__gpu_null_log(gpu), "submit"));
    assert_non_null(strstr(gch__gpu_null_log(gpu), "draw light")); /* it was asked for as well */
    assert_non_null(strstr(gch__gpu_null_log(gpu), "end\nabandon\n"));
    assert_int_equal(gch__gpu_get_stats(gpu).submits, submits);
    assert_status(gch__gpu_check(gpu, &err), GCH_PENDING);
    gch__gpu_null_hold_pipelines(gpu, false);
    assert_ok(gch__gpu_check(gpu, &err));
    assert_ok(run_in_parts(gpu, &k, large, bytes, count));
    assert_true(gch__gpu_get_stats(gpu).submits > submits + 1);

    /* What uses none is not in the way of. */
    gch__gpu_null_hold_pipelines(gpu, true);
    assert_ok(gch__gpu_begin(gpu, "load", &err));
    assert_ok(gch__gpu_upload(gpu, large, 0, bytes, count, &err));
    assert_ok(gch__gpu_submit(gpu, &serial, &err));
    free(bytes);
    destroy_gpu(gpu);
}

static void after_a_loss_every_call_says_so_and_nothing_is_kept(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    kit k;
    uint64_t serial;
    uint32_t word;
    gch__gpu_buffer buffer;
    assert_ok(make_kit(gpu, &k));
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    gch__gpu_null_lose(gpu);
    assert_ok(gch__gpu_clear(gpu, k.table, 0, 4, &err)); /* recording does not tell */
    assert_status(gch__gpu_submit(gpu, &serial, &err), GCH_DEVICE_LOST);
    assert_status(gch__gpu_begin(gpu, "frame", &err), GCH_DEVICE_LOST);
    assert_status(gch__gpu_buffer_make(gpu, 64, 0, "more", &buffer, &err), GCH_DEVICE_LOST);
    assert_status(gch__gpu_download(gpu, k.table, 0, &word, 4, &err), GCH_DEVICE_LOST);
    gch__gpu_buffer_release(gpu, k.table);
    gch__gpu_abandon(gpu);
    destroy_gpu(gpu); /* the sanitizer sees what is left */
}

static void a_submission_that_fails_leaves_the_ring_usable(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu(NULL);
    kit k;
    uint32_t words[16] = {1, 2, 3}, back[16] = {0};
    uint64_t serial;
    assert_ok(make_kit(gpu, &k));
    for (uint32_t i = 0; i < 2 * GCH__GPU_RING_CHUNKS; i++) {
        assert_ok(gch__gpu_begin(gpu, "frame", &err));
        assert_ok(gch__gpu_upload(gpu, k.table, 0, words, sizeof words, &err));
        gch__gpu_null_fail_submit(gpu);
        assert_status(gch__gpu_submit(gpu, &serial, &err), GCH_NO_MEMORY);
        gch__gpu_abandon(gpu);
    }
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_upload(gpu, k.table, 0, words, sizeof words, &err));
    assert_ok(gch__gpu_download(gpu, k.table, 0, back, sizeof back, &err));
    assert_memory_equal(words, back, sizeof words);
    assert_null(strstr(gch__gpu_null_log(gpu), "not mapped"));
    destroy_gpu(gpu);
}

static gch_status run_once(const gch_allocator *allocator)
{
    gch__gpu *gpu = NULL;
    kit k;
    gch__gpu_bundle bundle;
    uint64_t serial;
    GCH_TRY(gch__gpu_make(&(gch__gpu_desc){.driver = &gch__gpu_null, .allocator = allocator}, &gpu,
                          &err));
    gch_status status = make_kit(gpu, &k);
    if (status == GCH_OK)
        status = make_bundle(gpu, &k, &bundle);
    if (status == GCH_OK)
        status = run_frame(gpu, &k, bundle, &serial);
    destroy_gpu(gpu);
    return status;
}

static void memory_that_runs_out_anywhere_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    gch_status status = GCH_NO_MEMORY;
    uint64_t n = 0;
    for (; status != GCH_OK && n < 200; n++) {
        test_memory memory = {.left = n};
        gch_allocator allocator = {.resize = test_memory_resize, .context = &memory};
        status = run_once(&allocator);
        if (status != GCH_OK)
            assert_status(status, GCH_NO_MEMORY);
        if (memory.live != 0)
            fail_msg("allocation %u: %d are left", (unsigned)n, (int)memory.live);
    }
    assert_ok(status);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_reaches_the_driver_in_order),
        cmocka_unit_test(passes_are_timed_under_their_labels),
        cmocka_unit_test(a_warm_frame_makes_and_allocates_nothing),
        cmocka_unit_test(mistakes_are_refused_by_name),
        cmocka_unit_test(a_stale_handle_is_refused_and_never_names_something_newer),
        cmocka_unit_test(pipelines_come_from_the_cache),
        cmocka_unit_test(a_released_buffer_lives_until_the_queue_has_passed_its_last_use),
        cmocka_unit_test(bindings_hold_their_buffers_and_bundles_their_bindings),
        cmocka_unit_test(the_pool_gives_a_buffer_of_the_class_again),
        cmocka_unit_test(an_upload_beyond_the_ring_arrives_whole),
        cmocka_unit_test(what_uses_pipelines_that_are_not_there_is_recorded_whole_and_dropped),
        cmocka_unit_test(after_a_loss_every_call_says_so_and_nothing_is_kept),
        cmocka_unit_test(a_submission_that_fails_leaves_the_ring_usable),
        cmocka_unit_test(memory_that_runs_out_anywhere_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
