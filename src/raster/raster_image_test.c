/* Pictures: what is written reads back, foreign PNGs of every kind are read, and faults are told.
 */
#include "base.h"
#include "gch/image.h"
#include "test.h"

#include <png.h>

/* An allocator that counts what is alive and can run dry. */
typedef struct counted_heap {
    size_t alive, made, made_cap;
} counted_heap;

static void *purse_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    counted_heap *p = context;
    (void)purpose;
    if (bytes == 0) {
        p->alive -= old != NULL;
        free(old);
        return NULL;
    }
    if (p->made >= p->made_cap)
        return NULL;
    p->made++;
    p->alive += old == NULL;
    return realloc(old, bytes);
}

static gch_image make_image(uint32_t width, uint32_t height)
{
    gch_error err;
    gch_image image = {0};
    assert_ok(gch_image_make(width, height, NULL, &image, &err));
    return image;
}

static FILE *open_scratch(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    return file;
}

static long write_image(const gch_image *image, FILE *file)
{
    gch_error err;
    rewind(file);
    assert_ok(gch_image_write(image, GCH_IMAGE_DEFAULT, file, &err));
    return ftell(file);
}

static void assert_same_image(const gch_image *a, const gch_image *b)
{
    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    assert_memory_equal(a->pixels, b->pixels, (size_t)a->width_px * a->height_px * 4);
}

typedef enum picture_kind {
    BARE,
    FOUR,
    SIXTEEN,
    MANY,
    PALETTE_ALPHA,
    OPAQUE,
    ALPHA,
    KIND_COUNT
} picture_kind;

static uint32_t sample_pixel(picture_kind kind, uint64_t *random)
{
    uint32_t draw = (uint32_t)test_random(random);
    switch (kind) {
    case BARE:
        return (draw & 1) != 0 ? 0xFFFFFFFFu : 0xFF000000u;
    case FOUR:
        return 0xFF123456u + draw % 4;
    case SIXTEEN:
        return 0xFF123456u + (draw % 16) * 0x10101u;
    case MANY:
        return 0xFF000000u | (draw % 256) * 0x10203u;
    case PALETTE_ALPHA:
        return (draw % 200) << 24 | 0x00ABCDEFu;
    case OPAQUE:
        return draw | 0xFF000000u;
    case ALPHA:
    default:
        return draw;
    }
}

static void png_keeps_every_pixel_of_every_kind_of_picture(void **state)
{
    (void)state;
    static const uint32_t sides[][2] = {{1, 1}, {3, 2}, {7, 5}, {8, 8}, {33, 17}, {301, 120}};
    uint64_t random = 9;
    for (picture_kind k = BARE; k < KIND_COUNT; k++) {
        for (size_t s = 0; s < GCH_COUNT_OF(sides); s++) {
            gch_error err;
            gch_image image = make_image(sides[s][0], sides[s][1]), back = {0};
            for (size_t i = 0; i < (size_t)image.width_px * image.height_px; i++)
                image.pixels[i] = sample_pixel(k, &random);
            FILE *file = open_scratch();
            (void)write_image(&image, file);
            rewind(file);
            assert_ok(gch_image_read_png(file, NULL, &back, &err));
            assert_same_image(&image, &back);
            gch_image_destroy(&image, NULL);
            gch_image_destroy(&back, NULL);
            fclose(file);
        }
    }
}

static void a_bare_picture_takes_one_bit_a_pixel_at_most(void **state)
{
    (void)state;
    uint64_t random = 2;
    gch_image image = make_image(640, 480);
    for (size_t i = 0; i < 640 * 480; i++)
        image.pixels[i] = sample_pixel(BARE, &random);
    FILE *file = open_scratch();
    /* Noise does not compress: the bits, a byte a row, 5 bytes a deflate block, the chunks. */
    assert_in_range(write_image(&image, file), 640 * 480 / 8, 640 * 480 / 8 + 480 + 1000);
    fclose(file);
    gch_image_destroy(&image, NULL);
}

static void ppm_is_the_header_and_the_colours(void **state)
{
    (void)state;
    gch_error err;
    gch_image image = make_image(2, 1);
    image.pixels[0] = 0x80332211u;
    image.pixels[1] = 0xFF665544u;
    FILE *file = open_scratch();
    assert_ok(gch_image_write(&image, GCH_IMAGE_PPM, file, &err));
    rewind(file);
    char bytes[32];
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 17);
    assert_memory_equal(bytes, "P6\n2 1\n255\n\x11\x22\x33\x44\x55\x66", 17);
    fclose(file);
    gch_image_destroy(&image, NULL);
}

/* Writes one row or more with libpng's own hand. */
static void write_foreign(FILE *file, int type, int bits, int interlace, uint32_t side,
                          const uint8_t *row)
{
    static const png_color colors[] = {{1, 2, 3}, {40, 50, 60}};
    static const png_byte alphas[] = {255, 7};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_int_equal(setjmp(png_jmpbuf(png)), 0);
    png_init_io(png, file);
    png_set_IHDR(png, info, side, side, bits, type, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, colors, 2);
        png_set_tRNS(png, info, alphas, 2, NULL);
    }
    png_write_info(png, info);
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < side; y++)
            png_write_row(png, row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    rewind(file);
}

static void assert_foreign(int type, int bits, int interlace, const uint8_t *row, uint32_t side,
                           const uint32_t *expected)
{
    gch_error err;
    gch_image image = {0};
    FILE *file = open_scratch();
    write_foreign(file, type, bits, interlace, side, row);
    assert_ok(gch_image_read_png(file, NULL, &image, &err));
    for (uint32_t y = 0; y < side; y++)
        for (uint32_t x = 0; x < side; x++)
            assert_int_equal(image.pixels[y * side + x], expected[x]);
    gch_image_destroy(&image, NULL);
    fclose(file);
}

static void foreign_pngs_are_read_as_rgba(void **state)
{
    (void)state;
    static const uint8_t gray1[] = {0x80}, gray16[] = {0xFF, 0xFF, 0x00, 0x00};
    static const uint8_t gray_alpha[] = {9, 128, 200, 255}, indices[] = {0x40};
    static const uint8_t rgb16[] = {255, 255, 0, 0, 0, 0, 0, 0, 255, 255, 128, 128};
    assert_foreign(PNG_COLOR_TYPE_GRAY, 1, 0, gray1, 2, (uint32_t[]){0xFFFFFFFF, 0xFF000000});
    assert_foreign(PNG_COLOR_TYPE_GRAY, 16, 0, gray16, 2, (uint32_t[]){0xFFFFFFFF, 0xFF000000});
    assert_foreign(PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, gray_alpha, 2,
                   (uint32_t[]){0x80090909, 0xFFC8C8C8});
    assert_foreign(PNG_COLOR_TYPE_PALETTE, 1, 0, indices, 2, (uint32_t[]){0xFF030201, 0x073C3228});
    assert_foreign(PNG_COLOR_TYPE_RGB, 16, 0, rgb16, 2, (uint32_t[]){0xFF0000FF, 0xFF80FF00});
    uint8_t wide[9 * 3];
    uint32_t expected[9];
    for (uint32_t i = 0; i < 9; i++) {
        wide[3 * i] = (uint8_t)i;
        wide[3 * i + 1] = (uint8_t)(2 * i);
        wide[3 * i + 2] = (uint8_t)(3 * i);
        expected[i] = 0xFF000000u | i * 0x30201u;
    }
    assert_foreign(PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, wide, 9, expected);
}

static void a_png_cut_anywhere_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    gch_image image = make_image(40, 30);
    uint64_t random = 4;
    for (size_t i = 0; i < 40 * 30; i++)
        image.pixels[i] = sample_pixel(ALPHA, &random);
    FILE *file = open_scratch();
    long length = write_image(&image, file);
    uint8_t *bytes = malloc((size_t)length);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
    for (long cut = 0; cut < length; cut += cut < 100 || cut > length - 60 ? 1 : 97) {
        FILE *part = open_scratch();
        assert_int_equal(fwrite(bytes, 1, (size_t)cut, part), cut);
        rewind(part);
        gch_error err = {0};
        gch_image back = {0};
        counted_heap purse = {.made_cap = SIZE_MAX};
        gch_allocator allocator = {purse_resize, &purse};
        assert_status(gch_image_read_png(part, &allocator, &back, &err), GCH_CORRUPT);
        assert_int_equal(err.status, GCH_CORRUPT);
        assert_null(back.pixels);
        assert_int_equal(purse.alive, 0);
        fclose(part);
    }
    free(bytes);
    fclose(file);
    gch_image_destroy(&image, NULL);
}

static void what_is_no_png_is_refused(void **state)
{
    (void)state;
    gch_error err;
    gch_image image = {0};
    FILE *file = open_scratch();
    fputs("P6\n2 1\n255\nabcdef, and some more bytes to read", file);
    rewind(file);
    assert_status(gch_image_read_png(file, NULL, &image, &err), GCH_CORRUPT);
    fclose(file);
}

static void sides_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    gch_error err;
    gch_image image = {0};
    assert_status(gch_image_make(0, 5, NULL, &image, &err), GCH_INVALID);
    assert_status(gch_image_make(5, 0, NULL, &image, &err), GCH_INVALID);
    assert_status(gch_image_make(GCH_IMAGE_PX_MAX + 1, 1, NULL, &image, &err), GCH_INVALID);
    uint8_t *row = calloc(40000, 1);
    assert_non_null(row);
    FILE *file = open_scratch();
    write_foreign(file, PNG_COLOR_TYPE_GRAY, 1, 0, 40000, row);
    assert_status(gch_image_read_png(file, NULL, &image, &err), GCH_LIMIT);
    fclose(file);
    free(row);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    gch_error err;
    gch_image image = make_image(20, 20), back = {0};
    FILE *file = open_scratch();
    (void)write_image(&image, file);
    gch_status status = GCH_NO_MEMORY;
    size_t cap = 0;
    for (; status != GCH_OK; cap++) {
        counted_heap purse = {.made_cap = cap};
        gch_allocator allocator = {purse_resize, &purse};
        rewind(file);
        status = gch_image_read_png(file, &allocator, &back, &err);
        if (status != GCH_OK) {
            assert_int_equal(status, GCH_NO_MEMORY);
            assert_int_equal(purse.alive, 0);
            continue;
        }
        gch_image_destroy(&back, &allocator);
        assert_int_equal(purse.alive, 0);
    }
    assert_true(cap > 3);
    fclose(file);
    gch_image_destroy(&image, NULL);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    gch_error err;
    gch_image image = make_image(300, 200);
    uint64_t random = 8;
    for (size_t i = 0; i < 300 * 200; i++)
        image.pixels[i] = sample_pixel(ALPHA, &random);
    static const gch_image_format formats[] = {GCH_IMAGE_PNG, GCH_IMAGE_PPM};
    for (size_t i = 0; i < GCH_COUNT_OF(formats); i++) {
        FILE *file = fopen("/dev/full", "wb");
        assert_non_null(file);
        assert_status(gch_image_write(&image, formats[i], file, &err), GCH_IO);
        assert_non_null(strstr(err.message, "No space left"));
        fclose(file);
    }
    gch_image_destroy(&image, NULL);
    FILE *file = open_scratch();
    assert_status(gch_image_write(&image, GCH_IMAGE_PNG, file, &err), GCH_INVALID);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_keeps_every_pixel_of_every_kind_of_picture),
        cmocka_unit_test(a_bare_picture_takes_one_bit_a_pixel_at_most),
        cmocka_unit_test(ppm_is_the_header_and_the_colours),
        cmocka_unit_test(foreign_pngs_are_read_as_rgba),
        cmocka_unit_test(a_png_cut_anywhere_is_told_and_leaks_nothing),
        cmocka_unit_test(what_is_no_png_is_refused),
        cmocka_unit_test(sides_beyond_the_limit_are_refused),
        cmocka_unit_test(every_failed_allocation_is_told),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
