/* Images in files: PNG through libpng, PPM.
 *
 * A PNG is written with the fewest bits that lose nothing: a palette up to 256 colours (a bare
 * picture then takes one bit a pixel), RGB when every pixel is opaque, else RGBA. Less to compress
 * is worth more time than any setting of the compressor.
 *
 * Invariants:
 *  1. libpng's memory comes from the allocator at hand, its errors become a gch_error; longjmp
 *     never crosses a frame that owns something only it could release.
 *  2. Sizes read from a file are checked before memory is asked for.
 */
#include "base.h"
#include "gch/image.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <string.h>

#define PURPOSE "image"
#define PNG_LEVEL 2 /* above, time grows much faster than files shrink */

/* ---- what a PNG of this image needs ---- */

#define PALETTE_CAP 256u
#define HASH_CAP 1024u

typedef struct palette {
    uint32_t colors[PALETTE_CAP];
    uint32_t count; /* PALETTE_CAP + 1: too many */
    bool is_opaque; /* all pixels, counted or not */
    uint32_t hash_colors[HASH_CAP];
    uint16_t hash_slots[HASH_CAP]; /* index + 1, or 0 */
} palette;

/* Index of a colour; a new one is added while there is room (PALETTE_CAP if not). */
static uint32_t palette_index(palette *p, uint32_t color)
{
    uint32_t slot = (color * 2654435761u) >> 22;
    while (p->hash_slots[slot] != 0) {
        if (p->hash_colors[slot] == color)
            return p->hash_slots[slot] - 1u;
        slot = (slot + 1) % HASH_CAP;
    }
    if (p->count >= PALETTE_CAP)
        return PALETTE_CAP;
    p->hash_colors[slot] = color;
    p->hash_slots[slot] = (uint16_t)(p->count + 1);
    p->colors[p->count] = color;
    return p->count++;
}

static void palette_scan(const gch_image *image, palette *p)
{
    *p = (palette){0};
    size_t count = (size_t)image->width_px * image->height_px;
    uint32_t all = UINT32_MAX, last = image->pixels[0];
    (void)palette_index(p, last);
    for (size_t i = 0; i < count; i++) {
        uint32_t color = image->pixels[i];
        all &= color;
        if (color == last || p->count > PALETTE_CAP)
            continue;
        if (palette_index(p, color) == PALETTE_CAP)
            p->count = PALETTE_CAP + 1;
        last = color;
    }
    p->is_opaque = all >> 24 == 255;
}

/* ---- libpng's callbacks ---- */

typedef struct png_io {
    FILE *file;
    const gch_allocator *allocator;
    bool is_file_fault, is_memory_fault, is_at_end;
    int error_number;
    char message[128];
} png_io;

static png_voidp png_take(png_structp png, png_alloc_size_t bytes)
{
    png_io *io = png_get_mem_ptr(png);
    void *memory = gch__alloc(io->allocator, bytes, PURPOSE);
    io->is_memory_fault |= memory == NULL;
    return memory;
}

static void png_give(png_structp png, png_voidp memory)
{
    png_io *io = png_get_mem_ptr(png);
    gch__free(io->allocator, memory, PURPOSE);
}

static void png_on_error(png_structp png, png_const_charp message)
{
    png_io *io = png_get_error_ptr(png);
    snprintf(io->message, sizeof io->message, "%s", message);
    png_longjmp(png, 1);
}

static void png_on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void png_put(png_structp png, png_bytep bytes, size_t count)
{
    png_io *io = png_get_io_ptr(png);
    if (fwrite(bytes, 1, count, io->file) != count) {
        io->is_file_fault = true;
        io->error_number = errno;
        png_error(png, "write failed");
    }
}

static void png_put_flush(png_structp png)
{
    (void)png;
}

static void png_get(png_structp png, png_bytep bytes, size_t count)
{
    png_io *io = png_get_io_ptr(png);
    if (fread(bytes, 1, count, io->file) != count) {
        io->is_file_fault = ferror(io->file) != 0;
        io->is_at_end = !io->is_file_fault;
        io->error_number = errno;
        png_error(png, "the file ends too early");
    }
}

static gch_status png_failure(const png_io *io, bool is_reading, gch_error *err)
{
    if (io->is_memory_fault)
        return gch__no_memory(err, PURPOSE);
    if (io->is_file_fault)
        return gch_fail(err, GCH_IO, "cannot %s the picture: %s", is_reading ? "read" : "write",
                        strerror(io->error_number));
    return gch_fail(err, is_reading ? GCH_CORRUPT : GCH_IO, "PNG: %s", io->message);
}

/* ---- writing ---- */

static void set_palette(png_structp png, png_infop info, const palette *p)
{
    png_color colors[PALETTE_CAP];
    png_byte alphas[PALETTE_CAP];
    for (uint32_t i = 0; i < p->count; i++) {
        colors[i] = (png_color){.red = (png_byte)p->colors[i],
                                .green = (png_byte)(p->colors[i] >> 8),
                                .blue = (png_byte)(p->colors[i] >> 16)};
        alphas[i] = (png_byte)(p->colors[i] >> 24);
    }
    png_set_PLTE(png, info, colors, (int)p->count);
    if (!p->is_opaque)
        png_set_tRNS(png, info, alphas, (int)p->count, NULL);
}

/* One row of indices, `bits` each, most significant first. */
static void pack_indices(palette *p, const uint32_t *pixels, uint32_t width, uint32_t bits,
                         uint8_t *out)
{
    uint32_t last = pixels[0], index = palette_index(p, last), filled = 0, byte = 0;
    for (uint32_t x = 0; x < width; x++) {
        if (pixels[x] != last) {
            last = pixels[x];
            index = palette_index(p, last);
        }
        byte = byte << bits | index;
        filled += bits;
        if (filled == 8) {
            *out++ = (uint8_t)byte;
            filled = byte = 0;
        }
    }
    if (filled > 0)
        *out = (uint8_t)(byte << (8 - filled));
}

static void pack_rgb(const uint32_t *pixels, uint32_t width, uint8_t *out)
{
    for (uint32_t x = 0; x < width; x++) {
        out[3 * x] = (uint8_t)pixels[x];
        out[3 * x + 1] = (uint8_t)(pixels[x] >> 8);
        out[3 * x + 2] = (uint8_t)(pixels[x] >> 16);
    }
}

static void pack_rgba(const uint32_t *pixels, uint32_t width, uint8_t *out)
{
    for (uint32_t x = 0; x < width; x++)
        for (uint32_t channel = 0; channel < 4; channel++)
            out[4 * x + channel] = (uint8_t)(pixels[x] >> 8 * channel);
}

/* Everything between the making and the destruction of the png structs; false after an error. */
static bool write_png_body(png_structp png, png_infop info, const gch_image *image, palette *p,
                           uint8_t *row)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return false;
    bool is_indexed = p->count <= PALETTE_CAP;
    uint32_t bits = !is_indexed      ? 8
                    : p->count <= 2  ? 1
                    : p->count <= 4  ? 2
                    : p->count <= 16 ? 4
                                     : 8;
    int type = is_indexed     ? PNG_COLOR_TYPE_PALETTE
               : p->is_opaque ? PNG_COLOR_TYPE_RGB
                              : PNG_COLOR_TYPE_RGBA;
    png_set_IHDR(png, info, image->width_px, image->height_px, (int)bits, type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (is_indexed)
        set_palette(png, info, p);
    png_set_compression_level(png, PNG_LEVEL);
    png_set_compression_buffer_size(png, 65536);
    /* Charts are flat areas and upright edges: the row above predicts best. */
    png_set_filter(png, 0, is_indexed ? PNG_FILTER_NONE : PNG_FILTER_UP);
    png_write_info(png, info);
    for (uint32_t y = 0; y < image->height_px; y++) {
        const uint32_t *pixels = image->pixels + (size_t)y * image->width_px;
        if (is_indexed)
            pack_indices(p, pixels, image->width_px, bits, row);
        else if (p->is_opaque)
            pack_rgb(pixels, image->width_px, row);
        else
            pack_rgba(pixels, image->width_px, row);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    return true;
}

static gch_status write_png(const gch_image *image, FILE *out, gch_error *err)
{
    gch_status status = GCH_OK;
    png_io io = {.file = out};
    png_structp png = NULL;
    png_infop info = NULL;
    uint8_t *row = gch__alloc_array(NULL, image->width_px, 4, PURPOSE);
    palette *p = gch__alloc(NULL, sizeof *p, PURPOSE);
    if (row == NULL || p == NULL) {
        status = gch__no_memory(err, PURPOSE);
        goto cleanup;
    }
    palette_scan(image, p);
    png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &io, png_on_error, png_on_warning, &io,
                                    png_take, png_give);
    info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL) {
        status = gch__no_memory(err, PURPOSE);
        goto cleanup;
    }
    png_set_write_fn(png, &io, png_put, png_put_flush);
    if (!write_png_body(png, info, image, p, row))
        status = png_failure(&io, false, err);
cleanup:
    png_destroy_write_struct(&png, &info);
    gch__free(NULL, p, PURPOSE);
    gch__free(NULL, row, PURPOSE);
    return status;
}

static gch_status write_failed(gch_error *err)
{
    return gch_fail(err, GCH_IO, "cannot write the picture: %s", strerror(errno));
}

static gch_status write_ppm(const gch_image *image, FILE *out, gch_error *err)
{
    uint8_t *row = gch__alloc_array(NULL, image->width_px, 3, PURPOSE);
    if (row == NULL)
        return gch__no_memory(err, PURPOSE);
    bool is_written = fprintf(out, "P6\n%u %u\n255\n", image->width_px, image->height_px) > 0;
    for (uint32_t y = 0; y < image->height_px && is_written; y++) {
        pack_rgb(image->pixels + (size_t)y * image->width_px, image->width_px, row);
        is_written = fwrite(row, 3, image->width_px, out) == image->width_px;
    }
    gch__free(NULL, row, PURPOSE);
    return is_written ? GCH_OK : write_failed(err);
}

gch_status gch_image_write(const gch_image *image, gch_image_format format, FILE *out,
                           gch_error *err)
{
    if (image->pixels == NULL || image->width_px == 0 || image->height_px == 0)
        return gch_fail(err, GCH_INVALID, "the image is empty");
    if (format == GCH_IMAGE_PPM)
        GCH_TRY(write_ppm(image, out, err));
    else
        GCH_TRY(write_png(image, out, err));
    return fflush(out) == 0 ? GCH_OK : write_failed(err);
}

/* ---- reading ---- */

/* What is known after the header; the pixels are asked for outside of libpng's reach. */
static bool read_png_head(png_structp png, png_infop info, uint32_t *out_width,
                          uint32_t *out_height)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return false;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* judged by the caller */
    png_set_chunk_malloc_max(png, 1u << 20);
    png_set_chunk_cache_max(png, 16);
    png_read_info(png, info);
    *out_width = png_get_image_width(png, info);
    *out_height = png_get_image_height(png, info);
    return true;
}

static bool read_png_body(png_structp png, png_infop info, const gch_image *image)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return false;
    png_set_expand(png); /* palettes, few bits and tRNS to 8 bits a channel */
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != (size_t)image->width_px * 4)
        png_error(png, "unexpected pixel layout");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < image->height_px; y++)
            png_read_row(png, (png_bytep)(image->pixels + (size_t)y * image->width_px), NULL);
    png_read_end(png, NULL);
    return true;
}

gch_status gch_image_read_png(FILE *in, const gch_allocator *allocator, gch_image *out,
                              gch_error *err)
{
    gch_status status = GCH_OK;
    png_io io = {.file = in, .allocator = allocator};
    gch_image image = {0};
    uint32_t width = 0, height = 0;
    png_infop info = NULL;
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &io, png_on_error,
                                               png_on_warning, &io, png_take, png_give);
    if (png != NULL)
        info = png_create_info_struct(png);
    if (info == NULL) {
        status = gch__no_memory(err, PURPOSE);
        goto cleanup;
    }
    png_set_read_fn(png, &io, png_get);
    if (!read_png_head(png, info, &width, &height)) {
        status = png_failure(&io, true, err);
        goto cleanup;
    }
    if (width > GCH_IMAGE_PX_MAX || height > GCH_IMAGE_PX_MAX) {
        status = gch_fail(err, GCH_LIMIT, "PNG: %u x %u pixels, a side may have %u", width, height,
                          GCH_IMAGE_PX_MAX);
        goto cleanup;
    }
    GCH_TRY_GOTO(gch_image_make(width, height, allocator, &image, err), cleanup);
    if (!read_png_body(png, info, &image)) {
        status = png_failure(&io, true, err);
        goto cleanup;
    }
    *out = image;
    image = (gch_image){0};
cleanup:
    gch_image_destroy(&image, allocator);
    png_destroy_read_struct(&png, &info, NULL);
    return status;
}
