/* Negotiation of codings, and that they decode to what went in. */
#include "serve_coding.h"
#include "test.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#define COUNT 70000u

static gch__coding choose(const char *accept)
{
    return gch__coding_choose((gch__span){(const uint8_t *)accept, strlen(accept)});
}

static void the_coding_with_the_highest_weight_is_chosen(void **state)
{
    (void)state;
    assert_int_equal(choose("gzip, deflate, br, zstd"), GCH__CODING_ZSTD);
    assert_int_equal(choose("gzip, deflate, br"), GCH__CODING_BROTLI);
    assert_int_equal(choose("GZIP"), GCH__CODING_GZIP);
    assert_int_equal(choose("zstd;q=0.5, gzip;q=0.8"), GCH__CODING_GZIP);
    assert_int_equal(choose("zstd;q=0, br ; q=1.000"), GCH__CODING_BROTLI);
    assert_int_equal(choose("*"), GCH__CODING_ZSTD);
    assert_int_equal(choose("zstd;q=0, *;q=0.1"), GCH__CODING_BROTLI);
}

static void nothing_or_nonsense_means_identity(void **state)
{
    (void)state;
    static const char *const cases[] = {"",         "identity", "deflate", "gzip;q=0", "gzip;q=a",
                                        "gzip;q=2", "gzip;x=1", ",,,",     "*;q=0"};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        if (choose(cases[i]) != GCH__CODING_IDENTITY)
            fail_msg("chosen for: %s", cases[i]);
    }
}

static size_t decode(gch__coding coding, const gch__buffer *coded, uint8_t *out, size_t cap)
{
    if (coding == GCH__CODING_ZSTD)
        return ZSTD_decompress(out, cap, coded->bytes, coded->count);
    if (coding == GCH__CODING_BROTLI) {
        assert_int_equal(BrotliDecoderDecompress(coded->count, coded->bytes, &cap, out),
                         BROTLI_DECODER_RESULT_SUCCESS);
        return cap;
    }
    z_stream stream = {.next_in = coded->bytes,
                       .avail_in = (uInt)coded->count,
                       .next_out = out,
                       .avail_out = (uInt)cap};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    return stream.total_out;
}

static void codings_decode_to_what_went_in(void **state)
{
    (void)state;
    static uint8_t bytes[COUNT], back[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        bytes[i] = (uint8_t)(i / 100);
    for (int c = GCH__CODING_ZSTD; c < GCH__CODING_COUNT; c++) {
        gch__buffer coded = {.purpose = "test"};
        assert_true(gch__coding_encode((gch__coding)c, bytes, COUNT, 1.15, &coded));
        assert_true(coded.count < COUNT / 2);
        assert_int_equal(decode((gch__coding)c, &coded, back, COUNT), COUNT);
        assert_memory_equal(bytes, back, COUNT);
        gch__buffer_reset(&coded);
    }
}

static void noise_is_left_as_it_is(void **state)
{
    (void)state;
    static uint8_t bytes[COUNT];
    uint64_t seed = 1;
    for (size_t i = 0; i < COUNT; i++)
        bytes[i] = (uint8_t)test_random(&seed);
    for (int c = GCH__CODING_ZSTD; c < GCH__CODING_COUNT; c++) {
        gch__buffer coded = {.purpose = "test"};
        assert_false(gch__coding_encode((gch__coding)c, bytes, COUNT, 1.15, &coded));
        assert_int_equal(coded.count, 0);
        gch__buffer_reset(&coded);
    }
}

static void coding_pays_on_slow_links_only(void **state)
{
    (void)state;
    assert_true(gch__coding_pays(GCH__CODING_ZSTD, 0, 0, 0));
    assert_true(gch__coding_pays(GCH__CODING_ZSTD, 3, 2, 12.5e6));
    assert_false(gch__coding_pays(GCH__CODING_ZSTD, 3, 2, 1.25e9));
    assert_false(gch__coding_pays(GCH__CODING_ZSTD, 3, 1.0, 12.5e6));
    assert_false(gch__coding_pays(GCH__CODING_IDENTITY, 3, 2, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_coding_with_the_highest_weight_is_chosen),
        cmocka_unit_test(nothing_or_nonsense_means_identity),
        cmocka_unit_test(codings_decode_to_what_went_in),
        cmocka_unit_test(noise_is_left_as_it_is),
        cmocka_unit_test(coding_pays_on_slow_links_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
