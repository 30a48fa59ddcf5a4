/* The embedded font: UTF-8, measuring, kerning and a cache of glyph coverage.
 *
 * Invariants:
 *  1. The two fonts are parsed once a process and read-only afterwards; measuring allocates
 * nothing.
 *  2. A cache entry never moves: the table holds pointers, each to one block with the glyph and its
 *     coverage, freed only with the cache.
 *  3. The table has a power of two of slots and is at most half full, so a probe always ends.
 *  4. While stb_truetype runs for a cache, what it allocated is on `memory.blocks`; when an
 *     allocation fails all of it is freed and control returns to gch__glyph_get.
 */
#include "scene.h"
#include "scene_stb.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>

#define WEIGHT_COUNT 2u
#define SUBPIXEL_COUNT 4u
#define FONT_PX_MAX 1024.0f
#define REPLACEMENT 0xFFFDu
/* Characters whose glyph numbers and advances are looked up once. */
#define DIRECT_COUNT 128u

/* Made by the build from the fonts' files (cmake/embed.cmake). */
extern const unsigned char gch__font_regular_start[], gch__font_regular_end[];
extern const unsigned char gch__font_medium_start[], gch__font_medium_end[];

typedef struct font {
    stbtt_fontinfo info;
    float em_scale; /* px a font unit at an em size of 1 px */
    float ascent, descent, cap_height;
    int glyphs[DIRECT_COUNT];
    int advances[DIRECT_COUNT];
} font;

static font fonts[WEIGHT_COUNT];
static pthread_once_t fonts_once = PTHREAD_ONCE_INIT;

static void font_init(font *f, const unsigned char *bytes)
{
    int is_font = stbtt_InitFont(&f->info, bytes, 0);
    assert(is_font != 0);
    (void)is_font;
    f->em_scale = stbtt_ScaleForMappingEmToPixels(&f->info, 1.0f);
    int ascent, descent, line_gap;
    stbtt_GetFontVMetrics(&f->info, &ascent, &descent, &line_gap);
    f->ascent = (float)ascent * f->em_scale;
    f->descent = (float)-descent * f->em_scale;
    /* The font does not say how high its capitals are; H has no overshoot. */
    int x0, y0, x1, y1 = 0;
    stbtt_GetCodepointBox(&f->info, 'H', &x0, &y0, &x1, &y1);
    f->cap_height = (float)y1 * f->em_scale;
    for (uint32_t c = 0; c < DIRECT_COUNT; c++) {
        int bearing;
        f->glyphs[c] = stbtt_FindGlyphIndex(&f->info, (int)c);
        stbtt_GetGlyphHMetrics(&f->info, f->glyphs[c], &f->advances[c], &bearing);
    }
}

static void fonts_init(void)
{
    font_init(&fonts[GCH__FONT_REGULAR], gch__font_regular_start);
    font_init(&fonts[GCH__FONT_MEDIUM], gch__font_medium_start);
}

static const font *font_get(gch__font_weight weight)
{
    pthread_once(&fonts_once, fonts_init);
    return &fonts[weight == GCH__FONT_MEDIUM ? GCH__FONT_MEDIUM : GCH__FONT_REGULAR];
}

static int glyph_index(const font *f, uint32_t code_point)
{
    if (code_point < DIRECT_COUNT)
        return f->glyphs[code_point];
    return stbtt_FindGlyphIndex(&f->info, (int)code_point);
}

static int glyph_advance(const font *f, uint32_t code_point, int glyph)
{
    if (code_point < DIRECT_COUNT)
        return f->advances[code_point];
    int advance, bearing;
    stbtt_GetGlyphHMetrics(&f->info, glyph, &advance, &bearing);
    return advance;
}

uint32_t gch__utf8_next(const char *text, size_t bytes, size_t *io_at)
{
    assert(*io_at < bytes);
    const uint8_t *p = (const uint8_t *)text + *io_at;
    size_t left = bytes - *io_at;
    uint32_t lead = p[0];
    *io_at += 1;
    if (lead < 0x80)
        return lead;
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || length > left)
        return REPLACEMENT;
    uint32_t code_point = lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0u) != 0x80)
            return REPLACEMENT;
        code_point = code_point << 6 | (p[i] & 0x3Fu);
    }
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (code_point < smallest[length] || code_point > 0x10FFFF ||
        (code_point >= 0xD800 && code_point <= 0xDFFF))
        return REPLACEMENT;
    *io_at += length - 1;
    return code_point;
}

float gch__text_width(const char *text, size_t bytes, float font_px, gch__font_weight weight)
{
    const font *f = font_get(weight);
    int64_t units = 0;
    int before = -1;
    for (size_t at = 0; at < bytes;) {
        uint32_t code_point = gch__utf8_next(text, bytes, &at);
        int glyph = glyph_index(f, code_point);
        if (before >= 0)
            units += stbtt_GetGlyphKernAdvance(&f->info, before, glyph);
        units += glyph_advance(f, code_point, glyph);
        before = glyph;
    }
    return (float)units * f->em_scale * font_px;
}

gch__font_metrics gch__font_get_metrics(float font_px, gch__font_weight weight)
{
    const font *f = font_get(weight);
    return (gch__font_metrics){.ascent = f->ascent * font_px,
                               .descent = f->descent * font_px,
                               .cap_height = f->cap_height * font_px};
}

float gch__font_kerning(uint32_t left, uint32_t right, float font_px, gch__font_weight weight)
{
    const font *f = font_get(weight);
    int units = stbtt_GetGlyphKernAdvance(&f->info, glyph_index(f, left), glyph_index(f, right));
    return (float)units * f->em_scale * font_px;
}

/* ---- memory for stb_truetype ---- */

typedef struct block block;
struct block {
    block *next, *previous;
    max_align_t bytes[];
};

typedef struct stb_memory {
    const gch_allocator *allocator;
    block *blocks;
    jmp_buf on_failure;
} stb_memory;

void *gch__stb_alloc(size_t bytes, void *userdata)
{
    stb_memory *memory = userdata;
    size_t total;
    block *b = NULL;
    if (gch__add_size(bytes, sizeof *b, &total))
        b = gch__alloc(memory->allocator, total, "glyph scratch");
    if (b == NULL)
        longjmp(memory->on_failure, 1);
    b->previous = NULL;
    b->next = memory->blocks;
    if (b->next != NULL)
        b->next->previous = b;
    memory->blocks = b;
    return b->bytes;
}

void gch__stb_free(void *bytes, void *userdata)
{
    if (bytes == NULL)
        return;
    stb_memory *memory = userdata;
    block *b = (block *)((char *)bytes - offsetof(block, bytes));
    if (b->previous != NULL)
        b->previous->next = b->next;
    else
        memory->blocks = b->next;
    if (b->next != NULL)
        b->next->previous = b->previous;
    gch__free(memory->allocator, b, "glyph scratch");
}

static void stb_memory_reset(stb_memory *memory)
{
    while (memory->blocks != NULL)
        gch__stb_free(memory->blocks->bytes, memory);
}

/* ---- the glyph cache ---- */

typedef struct entry {
    uint64_t key_low;  /* code point, weight, subpixel */
    uint32_t key_size; /* the bits of font_px */
    gch__glyph glyph;
    uint8_t coverage[];
} entry;

struct gch__glyph_cache {
    stb_memory memory;
    entry **slots;
    size_t slot_count, entry_count;
};

gch_status gch__glyph_cache_make(const gch_allocator *allocator, gch__glyph_cache **out,
                                 gch_error *err)
{
    gch__glyph_cache *cache = gch__alloc_zero(allocator, 1, sizeof *cache, "glyph cache");
    if (cache == NULL)
        return gch__no_memory(err, "glyph cache");
    cache->memory.allocator = allocator;
    *out = cache;
    return GCH_OK;
}

void gch__glyph_cache_destroy(gch__glyph_cache *cache)
{
    if (cache == NULL)
        return;
    const gch_allocator *allocator = cache->memory.allocator;
    for (size_t i = 0; i < cache->slot_count; i++)
        gch__free(allocator, cache->slots[i], "glyph");
    gch__free(allocator, cache->slots, "glyph cache");
    gch__free(allocator, cache, "glyph cache");
}

/* The slot of a key: its entry, or the empty slot where it belongs. */
static size_t find_slot(entry *const *slots, size_t slot_count, uint64_t key_low, uint32_t key_size)
{
    uint64_t hash = (key_low ^ (uint64_t)key_size << 32) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & (slot_count - 1);
    while (slots[at] != NULL && (slots[at]->key_low != key_low || slots[at]->key_size != key_size))
        at = (at + 1) & (slot_count - 1);
    return at;
}

static gch_status grow(gch__glyph_cache *cache, gch_error *err)
{
    const gch_allocator *allocator = cache->memory.allocator;
    size_t slot_count = cache->slot_count == 0 ? 512 : cache->slot_count * 2;
    entry **slots = gch__alloc_zero(allocator, slot_count, sizeof slots[0], "glyph cache");
    if (slots == NULL)
        return gch__no_memory(err, "glyph cache");
    for (size_t i = 0; i < cache->slot_count; i++) {
        entry *e = cache->slots[i];
        if (e != NULL)
            slots[find_slot(slots, slot_count, e->key_low, e->key_size)] = e;
    }
    gch__free(allocator, cache->slots, "glyph cache");
    cache->slots = slots;
    cache->slot_count = slot_count;
    return GCH_OK;
}

/* Draws one glyph into a new entry; NULL when there is no memory. */
static entry *rasterise(gch__glyph_cache *cache, const font *f, uint32_t code_point, float font_px,
                        uint32_t subpixel)
{
    stbtt_fontinfo info = f->info;
    info.userdata = &cache->memory;
    float scale = f->em_scale * font_px;
    float shift = (float)subpixel / (float)SUBPIXEL_COUNT;
    int glyph = glyph_index(f, code_point);
    int x0, y0, x1, y1;
    stbtt_GetGlyphBitmapBoxSubpixel(&info, glyph, scale, scale, shift, 0, &x0, &y0, &x1, &y1);
    size_t width = (size_t)GCH_MAX(x1 - x0, 0), height = (size_t)GCH_MAX(y1 - y0, 0);

    entry *e = gch__alloc_zero(cache->memory.allocator, 1, sizeof *e + width * height, "glyph");
    if (e == NULL)
        return NULL;
    e->glyph = (gch__glyph){.x = x0,
                            .y = y0,
                            .width = (uint32_t)width,
                            .height = (uint32_t)height,
                            .advance = (float)glyph_advance(f, code_point, glyph) * scale,
                            .coverage = e->coverage};
    if (width == 0 || height == 0)
        return e;
    if (setjmp(cache->memory.on_failure) != 0) {
        stb_memory_reset(&cache->memory);
        gch__free(cache->memory.allocator, e, "glyph"); /* not written since setjmp */
        return NULL;
    }
    stbtt_MakeGlyphBitmapSubpixel(&info, e->coverage, (int)width, (int)height, (int)width, scale,
                                  scale, shift, 0, glyph);
    stb_memory_reset(&cache->memory);
    return e;
}

gch_status gch__glyph_get(gch__glyph_cache *cache, uint32_t code_point, float font_px,
                          gch__font_weight weight, uint32_t subpixel, const gch__glyph **out,
                          gch_error *err)
{
    if (!(font_px > 0 && font_px <= FONT_PX_MAX))
        return gch_fail(err, GCH_INVALID, "font size %g px: above 0 and at most %g", font_px,
                        FONT_PX_MAX);
    if (code_point > 0x10FFFF)
        code_point = REPLACEMENT;
    subpixel = GCH_MIN(subpixel, SUBPIXEL_COUNT - 1);
    uint64_t key_low = code_point | (uint64_t)(weight == GCH__FONT_MEDIUM) << 21 | subpixel << 22;
    uint32_t key_size;
    memcpy(&key_size, &font_px, sizeof key_size);

    if (cache->slot_count == 0)
        GCH_TRY(grow(cache, err));
    size_t slot = find_slot(cache->slots, cache->slot_count, key_low, key_size);
    if (cache->slots[slot] == NULL) {
        if (cache->entry_count >= cache->slot_count / 2) {
            GCH_TRY(grow(cache, err));
            slot = find_slot(cache->slots, cache->slot_count, key_low, key_size);
        }
        entry *e = rasterise(cache, font_get(weight), code_point, font_px, subpixel);
        if (e == NULL)
            return gch__no_memory(err, "glyph");
        e->key_low = key_low;
        e->key_size = key_size;
        cache->slots[slot] = e;
        cache->entry_count++;
    }
    *out = &cache->slots[slot]->glyph;
    return GCH_OK;
}
