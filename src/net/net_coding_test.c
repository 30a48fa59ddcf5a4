/* Decoders: every coding in pieces of every size, cut short, damaged, too large. */
#include "net_coding.h"
#include "net_test.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#define PLAIN 300000u

static uint8_t plain[PLAIN];
static uint8_t coded[GCH__CODING_COUNT][2 * PLAIN];
static size_t coded_bytes[GCH__CODING_COUNT];
static gch_error err;

static int encode_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAIN; i++)
        plain[i] = (uint8_t)((i >> 3) * (i >> 11));
    z_stream stream = {.next_in = plain,
                       .avail_in = PLAIN,
                       .next_out = coded[GCH__CODING_GZIP],
                       .avail_out = sizeof coded[0]};
    if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&stream, Z_FINISH) != Z_STREAM_END)
        return -1;
    coded_bytes[GCH__CODING_GZIP] = sizeof coded[0] - stream.avail_out;
    deflateEnd(&stream);
    coded_bytes[GCH__CODING_BROTLI] = sizeof coded[0];
    if (!BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, PLAIN, plain,
                               &coded_bytes[GCH__CODING_BROTLI], coded[GCH__CODING_BROTLI]))
        return -1;
    coded_bytes[GCH__CODING_ZSTD] =
        ZSTD_compress(coded[GCH__CODING_ZSTD], sizeof coded[0], plain, PLAIN, 3);
    return ZSTD_isError(coded_bytes[GCH__CODING_ZSTD]) ? -1 : 0;
}

typedef struct sink {
    uint8_t bytes[PLAIN + 100];
    size_t count, cap, largest;
} sink;

static gch_status take(void *context, const uint8_t *bytes, size_t count, gch_error *take_err)
{
    sink *s = context;
    s->largest = count > s->largest ? count : s->largest;
    if (count > s->cap - s->count)
        return gch_fail(take_err, GCH_LIMIT, "full");
    memcpy(s->bytes + s->count, bytes, count);
    s->count += count;
    return GCH_OK;
}

static sink out;

static gch_status decode(gch__coding coding, const uint8_t *bytes, size_t count, size_t step,
                         bool *is_at_end)
{
    gch__decoder *decoder = NULL;
    out.count = out.largest = 0;
    out.cap = sizeof out.bytes;
    gch_status status = gch__decoder_make(NULL, coding, &decoder, &err);
    for (size_t i = 0; i < count && status == GCH_OK; i += step)
        status = gch__decoder_feed(decoder, bytes + i, count - i < step ? count - i : step, take,
                                   &out, &err);
    *is_at_end = status == GCH_OK && gch__decoder_is_at_end(decoder);
    gch__decoder_destroy(decoder);
    return status;
}

static void every_coding_comes_back_in_pieces_of_any_size(void **state)
{
    (void)state;
    const size_t steps[] = {1, 7, 1000, 1u << 20};
    bool is_at_end;
    for (int coding = GCH__CODING_GZIP; coding < GCH__CODING_COUNT; coding++) {
        for (size_t i = 0; i < 4; i++) {
            assert_ok(decode((gch__coding)coding, coded[coding], coded_bytes[coding], steps[i],
                             &is_at_end));
            assert_true(is_at_end);
            assert_int_equal(out.count, PLAIN);
            assert_memory_equal(out.bytes, plain, PLAIN);
            assert_true(out.largest <= 16384);
        }
    }
}

static void a_body_cut_short_is_not_at_its_end(void **state)
{
    (void)state;
    bool is_at_end;
    for (int coding = GCH__CODING_GZIP; coding < GCH__CODING_COUNT; coding++) {
        for (size_t cut = 1; cut < coded_bytes[coding]; cut += 97) {
            assert_ok(decode((gch__coding)coding, coded[coding], coded_bytes[coding] - cut, 4096,
                             &is_at_end));
            assert_false(is_at_end);
        }
    }
}

static void bytes_behind_the_end_are_refused(void **state)
{
    (void)state;
    bool is_at_end;
    for (int coding = GCH__CODING_GZIP; coding < GCH__CODING_COUNT; coding++) {
        coded[coding][coded_bytes[coding]] = 'x';
        for (size_t step = 1; step < 1u << 21; step <<= 20)
            assert_status(decode((gch__coding)coding, coded[coding], coded_bytes[coding] + 1, step,
                                 &is_at_end),
                          GCH_CORRUPT);
    }
}

static void damage_is_seen_or_harmless(void **state)
{
    (void)state;
    static uint8_t damaged[2 * PLAIN];
    uint64_t random = 7;
    bool is_at_end;
    for (int coding = GCH__CODING_GZIP; coding < GCH__CODING_COUNT; coding++) {
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            memcpy(damaged, coded[coding], coded_bytes[coding]);
            damaged[test_random(&random) % coded_bytes[coding]] ^=
                (uint8_t)(1 + test_random(&random) % 255);
            gch_status status =
                decode((gch__coding)coding, damaged, coded_bytes[coding], 5000, &is_at_end);
            assert_true(status == GCH_OK || status == GCH_CORRUPT || status == GCH_LIMIT);
            refused += status != GCH_OK || !is_at_end;
            /* Only gzip has a checksum here. */
            if (coding == GCH__CODING_GZIP && is_at_end)
                assert_true(out.count == PLAIN && memcmp(out.bytes, plain, PLAIN) == 0);
        }
        assert_true(refused > 0);
    }
}

static void a_bomb_ends_with_its_taker(void **state)
{
    (void)state;
    static uint8_t zeros[1u << 20], bomb[1u << 16];
    size_t count = ZSTD_compress(bomb, sizeof bomb, zeros, sizeof zeros, 3);
    bool is_at_end;
    assert_false(ZSTD_isError(count));
    assert_status(decode(GCH__CODING_ZSTD, bomb, count, count, &is_at_end), GCH_LIMIT);
    assert_true(out.count > PLAIN - 20000);
}

static void a_window_beyond_8_mib_is_refused(void **state)
{
    (void)state;
    static uint8_t large[100000];
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_inBuffer in = {.src = plain, .size = 1000};
    ZSTD_outBuffer to = {.dst = large, .size = sizeof large};
    assert_int_equal(ZSTD_compressStream2(context, &to, &in, ZSTD_e_flush), 0);
    assert_int_equal(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(context);
    bool is_at_end;
    assert_status(decode(GCH__CODING_ZSTD, large, to.pos, to.pos, &is_at_end), GCH_LIMIT);
}

static void names_of_codings_are_known(void **state)
{
    (void)state;
    gch__coding coding;
    assert_ok(gch__coding_parse("", &coding, &err));
    assert_int_equal(coding, GCH__CODING_IDENTITY);
    assert_ok(gch__coding_parse("GZIP", &coding, &err));
    assert_int_equal(coding, GCH__CODING_GZIP);
    assert_ok(gch__coding_parse("zstd", &coding, &err));
    assert_int_equal(coding, GCH__CODING_ZSTD);
    assert_status(gch__coding_parse("gzip, br", &coding, &err), GCH_CORRUPT);
    assert_status(gch__coding_parse("deflate", &coding, &err), GCH_CORRUPT);
}

static void a_fast_line_is_not_slowed_down_by_decoding(void **state)
{
    (void)state;
    const uint64_t rates[GCH__CODING_COUNT] = {0, 200000000, 150000000, 500000000};
    assert_string_equal(gch__coding_accept(0, rates), "zstd, br, gzip");
    assert_string_equal(gch__coding_accept(12500000, rates), "zstd, br, gzip");
    assert_string_equal(gch__coding_accept(100000000, rates), "zstd, gzip");
    assert_string_equal(gch__coding_accept(250000000, rates), "zstd");
    assert_string_equal(gch__coding_accept(1000000000, rates), "identity");
    assert_string_equal(gch__coding_accept(UINT64_MAX, rates), "identity");
}

static void a_decoder_without_memory_says_so_and_leaks_nothing(void **state)
{
    (void)state;
    for (int coding = GCH__CODING_GZIP; coding < GCH__CODING_COUNT; coding++) {
        bool is_through = false;
        for (int64_t n = 0; !is_through; n++) {
            test_failing f = {.left = n};
            gch_allocator allocator = {.resize = test_failing_resize, .context = &f};
            gch__decoder *decoder = NULL;
            out.count = 0;
            out.cap = sizeof out.bytes;
            gch_status status = gch__decoder_make(&allocator, (gch__coding)coding, &decoder, &err);
            if (status == GCH_OK)
                status = gch__decoder_feed(decoder, coded[coding], coded_bytes[coding], take, &out,
                                           &err);
            gch__decoder_destroy(decoder);
            is_through = !f.has_failed;
            assert_int_equal(status, is_through ? GCH_OK : GCH_NO_MEMORY);
            assert_int_equal(f.live, 0);
            assert_true(n < 100);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_coding_comes_back_in_pieces_of_any_size),
        cmocka_unit_test(a_body_cut_short_is_not_at_its_end),
        cmocka_unit_test(bytes_behind_the_end_are_refused),
        cmocka_unit_test(damage_is_seen_or_harmless),
        cmocka_unit_test(a_bomb_ends_with_its_taker),
        cmocka_unit_test(a_window_beyond_8_mib_is_refused),
        cmocka_unit_test(names_of_codings_are_known),
        cmocka_unit_test(a_fast_line_is_not_slowed_down_by_decoding),
        cmocka_unit_test(a_decoder_without_memory_says_so_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, encode_all, NULL);
}
