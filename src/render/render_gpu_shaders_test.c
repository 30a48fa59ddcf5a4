/* What C and the shaders share: the structs, field by field, and the packed blocks, bit by bit. */
#include "codec.h"
#include "gch/plane.h"
#include "gch/query.h"
#include "gpu.h"
#include "raster_state.h"
#include "raster_tone.h"
#include "render_gpu_layouts.h"
#include "render_gpu_reach.h"
#include "test.h"

static gch_error err;

/* ---- layouts ---- */

typedef struct field {
    const char *name;
    size_t offset, words;
} field;

#define FIELD(type, member)                                                                        \
    {                                                                                              \
#member, offsetof(type, member), sizeof(((type *)0)->member) / 4                           \
    }

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

/* The fields of `struct name` in the WGSL, in order: u32, or an array of them. */
static void compare_struct(const char *text, const char *name, size_t bytes, const field *fields,
                           size_t count)
{
    char opening[64];
    snprintf(opening, sizeof opening, "struct %s {\n", name);
    const char *at = strstr(text, opening);
    assert_non_null(at);
    at += strlen(opening);
    size_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        char field_name[40], type[40];
        while (strncmp(at, "    //", 6) == 0)
            at = strchr(at, '\n') + 1;
        assert_int_equal(sscanf(at, " %39[a-z_]: %39[a-z0-9<>, ],", field_name, type), 2);
        unsigned words = 1;
        if (strncmp(type, "u32", 3) != 0)
            assert_int_equal(sscanf(type, "array<u32, %u>", &words), 1);
        assert_string_equal(field_name, fields[i].name);
        assert_int_equal(offset, fields[i].offset);
        assert_int_equal(words, fields[i].words);
        offset += words * sizeof(uint32_t);
        at = strchr(at, '\n') + 1;
    }
    assert_int_equal(*at, '}');
    assert_int_equal(offset, bytes);
}

static void structs_have_the_fields_of_the_shaders(void **state)
{
    (void)state;
    char *text = read_text(LAYOUTS);
    static const field frame[] = {
        FIELD(gch__gpu_frame, width),         FIELD(gch__gpu_frame, height),
        FIELD(gch__gpu_frame, join),          FIELD(gch__gpu_frame, first_slice),
        FIELD(gch__gpu_frame, slice_count),   FIELD(gch__gpu_frame, groups_x),
        FIELD(gch__gpu_frame, first_extents), FIELD(gch__gpu_frame, extents),
        FIELD(gch__gpu_frame, series_count),  FIELD(gch__gpu_frame, lit),
        FIELD(gch__gpu_frame, lit_words),     FIELD(gch__gpu_frame, left),
        FIELD(gch__gpu_frame, top),           FIELD(gch__gpu_frame, target_width),
        FIELD(gch__gpu_frame, target_height), FIELD(gch__gpu_frame, origin),
        FIELD(gch__gpu_frame, panel_count),   FIELD(gch__gpu_frame, grid_origin),
        FIELD(gch__gpu_frame, grid_step)};
    static const field panel[] = {
        FIELD(gch__gpu_panel, first_row), FIELD(gch__gpu_panel, height),
        FIELD(gch__gpu_panel, extents),   FIELD(gch__gpu_panel, series_count),
        FIELD(gch__gpu_panel, lit),       FIELD(gch__gpu_panel, lit_words),
        FIELD(gch__gpu_panel, grid),      FIELD(gch__gpu_panel, grid_count),
        FIELD(gch__gpu_panel, grid_words)};
    static const field counting[] = {
        FIELD(gch__gpu_counting, height),      FIELD(gch__gpu_counting, first_slice),
        FIELD(gch__gpu_counting, slice_count), FIELD(gch__gpu_counting, groups_x),
        FIELD(gch__gpu_counting, parts),       FIELD(gch__gpu_counting, grid),
        FIELD(gch__gpu_counting, pixels),      FIELD(gch__gpu_counting, step),
        FIELD(gch__gpu_counting, plot_width),  FIELD(gch__gpu_counting, plot_height),
        FIELD(gch__gpu_counting, strata)};
    static const field segment[] = {
        FIELD(gch__gpu_segment, pages),       FIELD(gch__gpu_segment, page_count),
        FIELD(gch__gpu_segment, row_count),   FIELD(gch__gpu_segment, flags),
        FIELD(gch__gpu_segment, level_count), FIELD(gch__gpu_segment, directory),
        FIELD(gch__gpu_segment, gap_supers),  FIELD(gch__gpu_segment, gap_bitmaps),
        FIELD(gch__gpu_segment, edges),       FIELD(gch__gpu_segment, unbounded),
        FIELD(gch__gpu_segment, offset_low),  FIELD(gch__gpu_segment, offset_high),
        FIELD(gch__gpu_segment, levels)};
    static const field slice[] = {
        FIELD(gch__gpu_slice, column),     FIELD(gch__gpu_slice, segment),
        FIELD(gch__gpu_slice, first),      FIELD(gch__gpu_slice, last),
        FIELD(gch__gpu_slice, lead),       FIELD(gch__gpu_slice, tail),
        FIELD(gch__gpu_slice, gaps_first), FIELD(gch__gpu_slice, gaps_last)};
    static const field command[] = {FIELD(gch__gpu_command, kind),  FIELD(gch__gpu_command, color),
                                    FIELD(gch__gpu_command, left),  FIELD(gch__gpu_command, top),
                                    FIELD(gch__gpu_command, right), FIELD(gch__gpu_command, bottom),
                                    FIELD(gch__gpu_command, a),     FIELD(gch__gpu_command, b),
                                    FIELD(gch__gpu_command, c),     FIELD(gch__gpu_command, d),
                                    FIELD(gch__gpu_command, e),     FIELD(gch__gpu_command, f)};
    static const field study[] = {
        FIELD(gch__gpu_study, kind),        FIELD(gch__gpu_study, length),
        FIELD(gch__gpu_study, bars),        FIELD(gch__gpu_study, first_bar),
        FIELD(gch__gpu_study, point_count), FIELD(gch__gpu_study, values),
        FIELD(gch__gpu_study, chunks),      FIELD(gch__gpu_study, chunk_count),
        FIELD(gch__gpu_study, places),      FIELD(gch__gpu_study, place_count),
        FIELD(gch__gpu_study, lines),       FIELD(gch__gpu_study, upper_lines),
        FIELD(gch__gpu_study, parts),       FIELD(gch__gpu_study, width),
        FIELD(gch__gpu_study, height),      FIELD(gch__gpu_study, offset_low),
        FIELD(gch__gpu_study, offset_high), FIELD(gch__gpu_study, pad_a),
        FIELD(gch__gpu_study, pad_b),       FIELD(gch__gpu_study, pad_c)};
    compare_struct(text, "Study", sizeof(gch__gpu_study), study, GCH_COUNT_OF(study));
    compare_struct(text, "Command", sizeof(gch__gpu_command), command, GCH_COUNT_OF(command));
    compare_struct(text, "Frame", sizeof(gch__gpu_frame), frame, GCH_COUNT_OF(frame));
    compare_struct(text, "Counting", sizeof(gch__gpu_counting), counting, GCH_COUNT_OF(counting));
    compare_struct(text, "Panel", sizeof(gch__gpu_panel), panel, GCH_COUNT_OF(panel));
    compare_struct(text, "Segment", sizeof(gch__gpu_segment), segment, GCH_COUNT_OF(segment));
    compare_struct(text, "Slice", sizeof(gch__gpu_slice), slice, GCH_COUNT_OF(slice));
    static const field points_frame[] = {
        FIELD(gch__gpu_points_frame, width),       FIELD(gch__gpu_points_frame, height),
        FIELD(gch__gpu_points_frame, first_slice), FIELD(gch__gpu_points_frame, slice_count),
        FIELD(gch__gpu_points_frame, groups_x),    FIELD(gch__gpu_points_frame, counts),
        FIELD(gch__gpu_points_frame, cells),       FIELD(gch__gpu_points_frame, stride),
        FIELD(gch__gpu_points_frame, capacity)};
    static const field points_slice[] = {FIELD(gch__gpu_points_slice, segment),
                                         FIELD(gch__gpu_points_slice, first_node),
                                         FIELD(gch__gpu_points_slice, node_count),
                                         FIELD(gch__gpu_points_slice, gaps_x_first),
                                         FIELD(gch__gpu_points_slice, gaps_x_last),
                                         FIELD(gch__gpu_points_slice, gaps_y_first),
                                         FIELD(gch__gpu_points_slice, gaps_y_last),
                                         FIELD(gch__gpu_points_slice, gaps_value_first),
                                         FIELD(gch__gpu_points_slice, gaps_value_last),
                                         FIELD(gch__gpu_points_slice, strata)};
    static const field paste[] = {
        FIELD(gch__gpu_paste, first),     FIELD(gch__gpu_paste, width),
        FIELD(gch__gpu_paste, height),    FIELD(gch__gpu_paste, stride),
        FIELD(gch__gpu_paste, to),        FIELD(gch__gpu_paste, to_width),
        FIELD(gch__gpu_paste, to_height), FIELD(gch__gpu_paste, to_stride),
        FIELD(gch__gpu_paste, x),         FIELD(gch__gpu_paste, y),
        FIELD(gch__gpu_paste, pad_a),     FIELD(gch__gpu_paste, pad_b)};
    compare_struct(text, "Paste", sizeof(gch__gpu_paste), paste, GCH_COUNT_OF(paste));
    compare_struct(text, "PointsFrame", sizeof(gch__gpu_points_frame), points_frame,
                   GCH_COUNT_OF(points_frame));
    compare_struct(text, "PointsSlice", sizeof(gch__gpu_points_slice), points_slice,
                   GCH_COUNT_OF(points_slice));
    free(text);
}

static void constants_have_the_values_of_the_shaders(void **state)
{
    (void)state;
    char *texts[] = {read_text(LAYOUTS), read_text(REDUCE), read_text(COUNT),  read_text(TONE),
                     read_text(POINTS),  read_text(LIGHT),  read_text(PLACES), read_text(PLANES)};
    char line[80];
    static const struct {
        const char *name;
        uint32_t value;
        const char *format;
    } constants[] = {
        {"LEVELS", GCH_TREE_LEVELS_CAP, "%s: u32 = %uu;"},
        {"PAGE_WORDS", GCH__GPU_PAGE_BYTES / 4, "%s: u32 = %uu;"},
        {"NO_ROW", GCH__GPU_NO_ROW, "%s: u32 = 0x%Xu;"},
        {"ROW_BEFORE", GCH__GPU_ROW_BEFORE, "%s: u32 = 0x%Xu;"},
        {"IS_WIDE", GCH__GPU_IS_WIDE, "%s: u32 = %uu;"},
        {"IS_ACROSS", GCH__GPU_IS_ACROSS, "%s: u32 = %uu;"},
        {"IS_F32", GCH__GPU_IS_F32, "%s: u32 = %uu;"},
        {"IS_F64", GCH__GPU_IS_F64, "%s: u32 = %uu;"},
        {"JOIN_NONE", GCH_JOIN_NONE, "%s: u32 = %uu;"},
        {"PANEL_WORDS", sizeof(gch__gpu_panel) / 4, "%s: u32 = %uu;"},
        {"PAINT_FILL", GCH__GPU_PAINT_FILL, "%s: u32 = %uu;"},
        {"PAINT_BOX", GCH__GPU_PAINT_BOX, "%s: u32 = %uu;"},
        {"PAINT_ROUND", GCH__GPU_PAINT_ROUND, "%s: u32 = %uu;"},
        {"PAINT_SLANTED", GCH__GPU_PAINT_SLANTED, "%s: u32 = %uu;"},
        {"PAINT_GLYPH", GCH__GPU_PAINT_GLYPH, "%s: u32 = %uu;"},
        {"PAINT_STROKE", GCH__GPU_PAINT_STROKE, "%s: u32 = %uu;"},
        {"PAINT_DISCS", GCH__GPU_PAINT_DISCS, "%s: u32 = %uu;"},
        {"PAINT_AREA", GCH__GPU_PAINT_AREA, "%s: u32 = %uu;"},
        {"PAINT_GRID", GCH__GPU_PAINT_GRID, "%s: u32 = %uu;"},
        {"BAND", GCH__GPU_BAND, "%s: u32 = %uu;"},
        {"TONE_HEAD", GCH__GPU_TONE_HEAD, "%s: u32 = %uu;"},
        {"TONE_BINS", GCH__TONE_BINS, "%s: u32 = %uu;"},
        {"SCALE_LINEAR", GCH_DENSITY_LINEAR, "%s: u32 = %uu;"},
        {"SCALE_EQUAL", GCH_DENSITY_EQUAL, "%s: u32 = %uu;"},
        {"PAINT_BETWEEN", GCH__GPU_PAINT_BETWEEN, "%s: u32 = %uu;"},
        {"PAINT_REDUCED", GCH__GPU_PAINT_REDUCED, "%s: u32 = %uu;"},
        {"PAINT_REDUCED_BETWEEN", GCH__GPU_PAINT_REDUCED_BETWEEN, "%s: u32 = %uu;"},
        {"PAINT_BARS", GCH__GPU_PAINT_BARS, "%s: u32 = %uu;"},
        {"REDUCED_LINE", GCH__REDUCED_LINE, "%s: u32 = %uu;"},
        {"REDUCED_STEP", GCH__REDUCED_STEP, "%s: u32 = %uu;"},
        {"REDUCED_RISING", GCH__REDUCED_RISING, "%s: u32 = %uu;"},
        {"REDUCED_HULLS", GCH__REDUCED_HULLS, "%s: u32 = %uu;"},
        {"REDUCED_FALLING", GCH__REDUCED_FALLING, "%s: u32 = %uu;"},
        {"STUDY_SMA", GCH_STUDY_SMA, "%s: u32 = %uu;"},
        {"STUDY_EMA", GCH_STUDY_EMA, "%s: u32 = %uu;"},
        {"STUDY_RANGE", GCH_STUDY_RANGE, "%s: u32 = %uu;"},
        {"STUDY_SPREAD", GCH_STUDY_SPREAD, "%s: u32 = %uu;"},
        {"TILE_PX", GCH__GPU_TILE_PX, "%s: u32 = %uu;"},
        {"COVER_DRAW", offsetof(gch__gpu_span_counts, cover) / 4, "%s: u32 = %uu;"},
        {"SPANS_LISTED", offsetof(gch__gpu_span_counts, listed) / 4, "%s: u32 = %uu;"},
        {"SPANS", sizeof(gch__gpu_span_counts) / 4, "%s: u32 = %uu;"},
        {"PLANE_STRATA", GCH__PLANE_STRATA, "%s: u32 = %uu;"},
        {"NODE_ROWS", GCH__PLANE_NODE_ROWS, "%s: u32 = %uu;"},
        {"VALUE_LEVELS", GCH_LEVELS, "%s: u32 = %uu;"},
        {"LISTED", offsetof(gch__gpu_work, listed) / 4, "%s: u32 = %uu;"},
        {"LIST", sizeof(gch__gpu_work) / 4, "%s: u32 = %uu;"},
        {"FAR_GROUPS", offsetof(gch__gpu_blocks, far_groups) / 4, "%s: u32 = %uu;"},
        {"COUNTS", offsetof(gch__gpu_blocks, counts) / 4, "%s: u32 = %uu;"},
        {"LISTS", sizeof(gch__gpu_blocks) / 4, "%s: u32 = %uu;"},
        {"RECORDS", GCH_COUNT_OF(((gch__gpu_blocks *)NULL)->counts), "%s: u32 = %uu;"},
        {"SLICE", GCH__GPU_BLOCK_WORDS - GCH_COUNT_OF(((gch__gpu_blocks *)NULL)->counts) - 1,
         "%s: u32 = %uu;"}, /* a record's last word */
    };
    for (size_t i = 0; i < GCH_COUNT_OF(constants); i++) {
        int length = snprintf(line, sizeof line, "const ");
        snprintf(line + length, sizeof line - (size_t)length, constants[i].format,
                 constants[i].name, constants[i].value);
        bool is_found = false;
        for (size_t t = 0; t < GCH_COUNT_OF(texts); t++)
            is_found = is_found || strstr(texts[t], line) != NULL;
        if (!is_found)
            fail_msg("no shader has \"%s\"", line);
    }
    for (size_t t = 0; t < GCH_COUNT_OF(texts); t++)
        free(texts[t]);
}

/* ---- blocks ---- */

extern const char gch__shader_unpack_start[], gch__shader_unpack_end[];

#define WIDTHS 65u
#define SHAPES 3u
#define BLOCKS (WIDTHS * SHAPES)
#define WORD_CAP (BLOCKS * 512u)

/* Random values of `bits` bits, all at the top, or alternating between the ends. */
static uint64_t make_value(uint32_t bits, uint32_t shape, uint32_t i, uint64_t *seed)
{
    uint64_t random = test_random(seed);
    uint64_t value = shape == 0 ? random : shape == 1 ? UINT64_MAX : (i & 1) - (uint64_t)1;
    return bits == 0 ? 0 : value & UINT64_MAX >> (64 - bits);
}

static void unpack_on_gpu(const uint32_t *blocks, const uint32_t *words, size_t word_count,
                          uint64_t *out)
{
    gch__gpu *gpu = NULL;
    gch__gpu_shader shader;
    gch__gpu_pipeline pipeline;
    gch__gpu_buffer buffers[3];
    gch__gpu_bindings bindings;
    uint64_t out_bytes = (uint64_t)BLOCKS * 512 * 8;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    assert_ok(gch__gpu_shader_make(gpu, gch__shader_unpack_start,
                                   (size_t)(gch__shader_unpack_end - gch__shader_unpack_start),
                                   "unpack", &shader, &err));
    gch__gpu_pipeline_desc desc = {
        .label = "unpack",
        .shader = shader,
        .compute = "unpack",
        .kinds = {GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE}};
    assert_ok(gch__gpu_pipeline_get(gpu, &desc, &pipeline, &err));
    assert_ok(gch__gpu_buffer_make(gpu, BLOCKS * 8, GCH__GPU_STORAGE, "blocks", &buffers[0], &err));
    assert_ok(
        gch__gpu_buffer_make(gpu, word_count * 4, GCH__GPU_STORAGE, "words", &buffers[1], &err));
    assert_ok(gch__gpu_buffer_make(gpu, out_bytes, GCH__GPU_STORAGE, "out", &buffers[2], &err));
    assert_ok(gch__gpu_bindings_make(gpu, pipeline, buffers, 3, "unpack", &bindings, &err));
    assert_ok(gch__gpu_begin(gpu, "unpack", &err));
    assert_ok(gch__gpu_upload(gpu, buffers[0], 0, blocks, BLOCKS * 8, &err));
    assert_ok(gch__gpu_upload(gpu, buffers[1], 0, words, word_count * 4, &err));
    assert_ok(gch__gpu_compute_begin(gpu, "unpack", &err));
    assert_ok(gch__gpu_dispatch(gpu, pipeline, bindings, BLOCKS, 1, 1, &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_download(gpu, buffers[2], 0, out, out_bytes, &err));
    gch__gpu_destroy(gpu);
}

static void every_bit_width_decodes_as_the_scalar_kernel_does(void **state)
{
    (void)state;
    gch__kernels scalar;
    gch__kernels_fill_scalar(&scalar);
    static uint32_t words[WORD_CAP], blocks[BLOCKS * 2];
    static uint64_t out[BLOCKS * 512];
    uint32_t used = 0;
    uint64_t seed = 5;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        uint64_t values[GCH_BLOCK_ROWS];
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            values[i] = make_value(b / SHAPES, b % SHAPES, i, &seed);
        blocks[2 * b] = used;
        blocks[2 * b + 1] = b / SHAPES;
        gch__pack64(&scalar, values, b / SHAPES, words + used);
        used += gch__block_words(b / SHAPES);
    }
    unpack_on_gpu(blocks, words, used, out);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        uint64_t expected[GCH_BLOCK_ROWS];
        gch__unpack64(&scalar, words + blocks[2 * b], b / SHAPES, expected);
        assert_memory_equal(out + 512 * b, expected, sizeof expected);
        assert_memory_equal(out + 512 * b + 256, expected, sizeof expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structs_have_the_fields_of_the_shaders),
        cmocka_unit_test(constants_have_the_values_of_the_shaders),
        cmocka_unit_test(every_bit_width_decodes_as_the_scalar_kernel_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
