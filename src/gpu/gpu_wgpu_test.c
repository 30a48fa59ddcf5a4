/* The wgpu driver on the machine's adapter: the same calls as the null driver's, with results. */
#include "gpu.h"
#include "test.h"

static gch_error err;

static const char text[] =
    "override SCALE: u32 = 1u;\n"
    "struct View { add: u32, count: u32 }\n"
    "@group(0) @binding(0) var<uniform> view: View;\n"
    "@group(0) @binding(1) var<storage, read_write> words: array<u32>;\n"
    "@compute @workgroup_size(64) fn scale(@builtin(global_invocation_id) id: vec3u) {\n"
    "    if (id.x < view.count) { words[id.x] = words[id.x] * SCALE + view.add; }\n"
    "}\n"
    "@group(0) @binding(0) var<storage, read> colors: array<u32>;\n"
    "@vertex fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {\n"
    "    return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);\n"
    "}\n"
    "@fragment fn paint(@builtin(position) at: vec4f) -> @location(0) vec4f {\n"
    "    return unpack4x8unorm(colors[u32(at.x) + u32(at.y) * 70u]);\n"
    "}\n";

static gch__gpu *make_gpu(void)
{
    gch__gpu *gpu = NULL;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    gch__gpu_set_timing(gpu, true);
    return gpu;
}

static void the_adapter_grants_what_browsers_grant(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu();
    const gch__gpu_info *info = gch__gpu_get_info(gpu);
    print_message("%s, %s\n", info->adapter, info->driver);
    assert_true(info->adapter[0] != 0);
    assert_true(info->binding_bytes_max >= (uint64_t)128 << 20);
    assert_true(info->buffer_bytes_max >= (uint64_t)256 << 20);
    assert_true(info->texture_px_max >= 8192 && info->group_count_max >= 65535);
    gch__gpu_destroy(gpu);
}

typedef struct scaler {
    gch__gpu_buffer view, words, counts;
    gch__gpu_pipeline pipeline;
    gch__gpu_bindings bindings;
} scaler;

static scaler make_scaler(gch__gpu *gpu, uint64_t bytes)
{
    scaler s;
    gch__gpu_shader shader;
    assert_ok(gch__gpu_shader_make(gpu, text, sizeof text - 1, "test", &shader, &err));
    gch__gpu_pipeline_desc desc = {.label = "scale",
                                   .shader = shader,
                                   .compute = "scale",
                                   .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_WRITE},
                                   .constants = {{"SCALE", 3}}};
    assert_ok(gch__gpu_pipeline_get(gpu, &desc, &s.pipeline, &err));
    assert_ok(gch__gpu_buffer_make(gpu, 16, GCH__GPU_UNIFORM, "view", &s.view, &err));
    assert_ok(gch__gpu_buffer_make(gpu, bytes, GCH__GPU_STORAGE, "words", &s.words, &err));
    assert_ok(gch__gpu_buffer_make(gpu, 16, GCH__GPU_INDIRECT, "counts", &s.counts, &err));
    gch__gpu_buffer buffers[] = {s.view, s.words};
    assert_ok(gch__gpu_bindings_make(gpu, s.pipeline, buffers, 2, "scale", &s.bindings, &err));
    return s;
}

static void compute_over_many_uploads_gives_every_word(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu();
    uint32_t count = 5u << 20; /* 20 MiB: more than the ring */
    scaler s = make_scaler(gpu, (uint64_t)count * 4);
    uint32_t *words = malloc((size_t)count * 4);
    assert_non_null(words);
    uint32_t view[4] = {7, count}, counts[4] = {9, 1000, 1, 1};
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < count; i++)
            words[i] = i ^ (uint32_t)round;
        assert_ok(gch__gpu_begin(gpu, "frame", &err));
        assert_ok(gch__gpu_upload(gpu, s.view, 0, view, sizeof view, &err));
        assert_ok(gch__gpu_upload(gpu, s.counts, 0, counts, sizeof counts, &err));
        assert_ok(gch__gpu_upload(gpu, s.words, 0, words, (uint64_t)count * 4, &err));
        assert_ok(gch__gpu_clear(gpu, s.words, 40, 8, &err));
        assert_ok(gch__gpu_compute_begin(gpu, "direct", &err));
        assert_ok(gch__gpu_dispatch(gpu, s.pipeline, s.bindings, count / 64 / 2, 1, 1, &err));
        assert_ok(gch__gpu_pass_end(gpu, &err));
        assert_ok(gch__gpu_compute_begin(gpu, "indirect", &err));
        assert_ok(gch__gpu_dispatch_indirect(gpu, s.pipeline, s.bindings, s.counts, 4, &err));
        assert_ok(gch__gpu_pass_end(gpu, &err));
        assert_ok(gch__gpu_download(gpu, s.words, 0, words, (uint64_t)count * 4, &err));
        for (uint32_t i = 0; i < count; i++) {
            uint32_t expected = i == 10 || i == 11 ? 0 : i ^ (uint32_t)round;
            expected = i < count / 2 ? expected * 3 + 7 : expected;
            expected = i < 64000 ? expected * 3 + 7 : expected;
            if (words[i] != expected)
                fail_msg("word %u: %u, expected %u", i, words[i], expected);
        }
    }
    gch__gpu_timing timings[4];
    uint32_t timed;
    assert_ok(gch__gpu_get_timings(gpu, timings, 4, &timed, &err));
    if (gch__gpu_get_info(gpu)->has_timestamps) {
        assert_int_equal(timed, 2);
        assert_string_equal(timings[1].label, "indirect");
        assert_true(timings[0].ns > 0 && timings[0].ns < 60000000000u);
    }
    free(words);
    gch__gpu_destroy(gpu);
}

static void a_bundle_paints_what_the_draw_paints(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu();
    enum { W = 70, H = 33 };
    static uint32_t colors[W * H], direct[W * H], bundled[W * H];
    uint64_t seed = 1;
    for (size_t i = 0; i < W * H; i++)
        colors[i] = (uint32_t)test_random(&seed);
    gch__gpu_shader shader;
    gch__gpu_pipeline pipeline;
    gch__gpu_buffer buffer;
    gch__gpu_bindings bindings;
    gch__gpu_texture target;
    gch__gpu_bundle bundle;
    assert_ok(gch__gpu_shader_make(gpu, text, sizeof text - 1, "test", &shader, &err));
    gch__gpu_pipeline_desc desc = {.label = "paint",
                                   .shader = shader,
                                   .vertex = "corner",
                                   .fragment = "paint",
                                   .kinds = {GCH__GPU_BIND_READ}};
    assert_ok(gch__gpu_pipeline_get(gpu, &desc, &pipeline, &err));
    assert_ok(gch__gpu_buffer_make(gpu, sizeof colors, GCH__GPU_STORAGE, "colors", &buffer, &err));
    assert_ok(gch__gpu_bindings_make(gpu, pipeline, &buffer, 1, "paint", &bindings, &err));
    assert_ok(gch__gpu_texture_make(gpu, W, H, "picture", &target, &err));
    assert_ok(gch__gpu_bundle_begin(gpu, "picture", &err));
    assert_ok(gch__gpu_draw(gpu, pipeline, bindings, 3, 1, &err));
    assert_ok(gch__gpu_bundle_end(gpu, &bundle, &err));
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_upload(gpu, buffer, 0, colors, sizeof colors, &err));
    assert_ok(gch__gpu_render_begin(gpu, target, "direct", &err));
    assert_ok(gch__gpu_draw(gpu, pipeline, bindings, 3, 1, &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_texture_download(gpu, target, W, H, direct, W, &err));
    assert_memory_equal(direct, colors, sizeof colors);
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_render_begin(gpu, target, "bundled", &err));
    assert_ok(gch__gpu_run_bundle(gpu, bundle, &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_texture_download(gpu, target, W, H, bundled, W, &err));
    assert_memory_equal(bundled, colors, sizeof colors);
    /* The same from a buffer, in whose first counts there are no vertices. */
    const uint32_t counts[] = {0, 1, 0, 0, 3, 1, 0, 0};
    gch__gpu_buffer from;
    gch__gpu_bundle indirect[2];
    assert_ok(gch__gpu_buffer_make(gpu, sizeof counts, GCH__GPU_INDIRECT, "counts", &from, &err));
    for (uint32_t i = 0; i < 2; i++) {
        assert_ok(gch__gpu_bundle_begin(gpu, "indirect", &err));
        assert_ok(gch__gpu_draw_indirect(gpu, pipeline, bindings, from, i * 16, &err));
        assert_ok(gch__gpu_bundle_end(gpu, &indirect[i], &err));
        assert_ok(gch__gpu_begin(gpu, "frame", &err));
        assert_ok(gch__gpu_upload(gpu, from, 0, counts, sizeof counts, &err));
        assert_ok(gch__gpu_render_begin(gpu, target, "indirect", &err));
        assert_ok(gch__gpu_run_bundle(gpu, indirect[i], &err));
        assert_ok(gch__gpu_pass_end(gpu, &err));
        assert_ok(gch__gpu_texture_download(gpu, target, W, H, bundled, W, &err));
        assert_int_equal(memcmp(bundled, colors, sizeof colors) == 0, i == 1);
    }
    assert_int_equal(bundled[0], colors[0]);
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_render_begin(gpu, target, "nothing", &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_texture_download(gpu, target, 1, 1, direct, 1, &err));
    assert_int_equal(direct[0], 0xFF000000u);
    gch__gpu_destroy(gpu);
}

static void a_shader_with_a_mistake_is_refused_with_the_compilers_words(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu();
    gch__gpu_shader shader;
    const char wrong[] = "fn f() -> u32 { return nothing_of_this_name; }";
    assert_status(gch__gpu_shader_make(gpu, wrong, sizeof wrong - 1, "wrong", &shader, &err),
                  GCH_INVALID);
    assert_non_null(strstr(err.message, "nothing_of_this_name"));
    scaler s = make_scaler(gpu, 64); /* the device goes on */
    gch__gpu_buffer_release(gpu, s.words);
    gch__gpu_destroy(gpu);
}

static void abandoned_recordings_leave_a_usable_device(void **state)
{
    (void)state;
    gch__gpu *gpu = make_gpu();
    scaler s = make_scaler(gpu, 256);
    uint32_t view[4] = {7, 64}, words[64] = {0};
    assert_ok(gch__gpu_begin(gpu, "dropped", &err));
    assert_ok(gch__gpu_upload(gpu, s.view, 0, view, sizeof view, &err));
    assert_ok(gch__gpu_compute_begin(gpu, "dropped", &err));
    assert_ok(gch__gpu_dispatch(gpu, s.pipeline, s.bindings, 1, 1, 1, &err));
    gch__gpu_abandon(gpu);
    assert_ok(gch__gpu_bundle_begin(gpu, "dropped", &err));
    gch__gpu_abandon(gpu);
    assert_ok(gch__gpu_begin(gpu, "frame", &err));
    assert_ok(gch__gpu_upload(gpu, s.view, 0, view, sizeof view, &err));
    assert_ok(gch__gpu_upload(gpu, s.words, 0, words, sizeof words, &err));
    assert_ok(gch__gpu_compute_begin(gpu, "once", &err));
    assert_ok(gch__gpu_dispatch(gpu, s.pipeline, s.bindings, 1, 1, 1, &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_download(gpu, s.words, 0, words, sizeof words, &err));
    assert_int_equal(words[63], 7);
    gch__gpu_destroy(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_adapter_grants_what_browsers_grant),
        cmocka_unit_test(compute_over_many_uploads_gives_every_word),
        cmocka_unit_test(a_bundle_paints_what_the_draw_paints),
        cmocka_unit_test(a_shader_with_a_mistake_is_refused_with_the_compilers_words),
        cmocka_unit_test(abandoned_recordings_leave_a_usable_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
