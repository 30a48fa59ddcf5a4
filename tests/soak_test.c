/* Many requests of our client to our server, half of them cancelled at a random moment: memory
 * stays as it is, and every answer that comes is right.
 *
 * GCH_SOAK_REQUESTS says how many (default 3,000); scripts/soak.sh runs 100,000 under the
 * sanitizers.
 */
#include "net_test.h"
#include "test_server.h"

#include <sys/stat.h>

#define FOLDER "soak_test.tmp"
#define SLOTS 64u
#define RANGE_MAX 40000u
#define ROWS 200000u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false /* whose own memory grows */
#endif

static gch_error err;
static uint8_t *file_bytes;
static uint64_t file_size;
static char urls[2][128]; /* over HTTP/1.1, and over HTTP/2 and TLS */
static gch_http *http;

typedef enum kind { RANGE, METADATA, VIEW, STREAM } kind;

typedef struct slot {
    kind kind;
    gch_http_id id;
    uint64_t offset;
    size_t count;
    uint8_t bytes[RANGE_MAX];
    uint64_t streamed;
    uint64_t random;
    _Atomic bool is_busy;
    gch_status status; /* once it is not busy */
} slot;

static slot slots[SLOTS];
static _Atomic uint64_t wrong_count, ok_count, cancelled_count;

/* ---- requests ---- */

static gch_status take_bytes(void *context, const uint8_t *bytes, size_t count, gch_error *take_err)
{
    slot *s = context;
    (void)take_err;
    switch (test_random(&s->random) % 16) {
    case 0: /* comes back later: the main loop resumes */
        return GCH_PENDING;
    case 1:
        gch_http_cancel(http, s->id);
        break;
    default:
        break;
    }
    if (s->streamed + count > file_size || memcmp(bytes, file_bytes + s->streamed, count) != 0)
        atomic_fetch_add(&wrong_count, 1);
    s->streamed += count;
    return GCH_OK;
}

static bool is_right(const slot *s, const gch_http_response *response)
{
    switch (s->kind) {
    case RANGE:
        return memcmp(s->bytes, file_bytes + s->offset, s->count) == 0;
    case STREAM:
        return s->streamed == file_size;
    case METADATA:
        return response->body_bytes > 100 && response->body[0] == '{';
    default:
        return response->body_bytes > 144 && memcmp(response->body, "GCHA", 4) == 0;
    }
}

static void note_done(void *context, const gch_http_response *response)
{
    slot *s = context;
    if (response->status == GCH_OK && !is_right(s, response))
        atomic_fetch_add(&wrong_count, 1);
    atomic_fetch_add(response->status == GCH_OK ? &ok_count : &cancelled_count, 1);
    s->status = response->status;
    if (response->status != GCH_OK && response->status != GCH_CANCELLED)
        fprintf(stderr, "%s\n", response->error.message);
    atomic_store(&s->is_busy, false);
}

static void start_request(slot *s, uint64_t *random)
{
    char url[256];
    uint64_t dice = test_random(random) % 10;
    s->kind = dice < 7 ? RANGE : (kind)(dice - 6);
    s->random = test_random(random);
    s->streamed = 0;
    static const char *const paths[] = {"/data/a.gch", "/v1/data/a",
                                        "/v1/data/a/columns?height=99&width=", "/data/a.gch"};
    int length = snprintf(url, sizeof url, "%s%s", urls[test_random(random) % 2], paths[s->kind]);
    if (s->kind == VIEW)
        snprintf(url + length, sizeof url - (size_t)length, "%u",
                 1 + (unsigned)(test_random(random) % 1000));
    gch_http_request request = {.url = url,
                                .priority = (gch_priority)(test_random(random) % 3),
                                .on_done = note_done,
                                .context = s};
    if (s->kind == RANGE) {
        s->count = request.byte_count = 1 + test_random(random) % RANGE_MAX;
        s->offset = request.offset = test_random(random) % (file_size - RANGE_MAX);
        request.out_bytes = s->bytes;
    } else if (s->kind == STREAM) {
        request.on_bytes = take_bytes;
    }
    atomic_store(&s->is_busy, true);
    assert_ok(gch_http_start(http, &request, &s->id, &err));
}

static void await_all(void)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        for (int waited = 0; atomic_load(&slots[i].is_busy); waited++) {
            if (slots[i].kind == STREAM)
                gch_http_resume(http, slots[i].id);
            usleep(1000);
            assert_true(waited < 60000);
        }
    }
}

static void run_requests(uint64_t count, uint64_t *random)
{
    for (uint64_t started = 0; started < count;) {
        slot *s = &slots[test_random(random) % SLOTS];
        if (!atomic_load(&s->is_busy)) {
            assert_true(s->status == GCH_OK || s->status == GCH_CANCELLED);
            start_request(s, random);
            started++;
        } else if (s->kind == STREAM) {
            gch_http_resume(http, s->id);
        }
        if (test_random(random) % 3 == 0)
            gch_http_cancel(http, slots[test_random(random) % SLOTS].id);
        if (test_random(random) % 8 == 0)
            usleep((useconds_t)(test_random(random) % 400));
    }
    await_all();
}

/* ---- memory ---- */

static uint64_t resident_bytes(void)
{
    unsigned long long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu %llu", &pages, &resident), 2);
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- the server ---- */

static uint16_t start_server(test_server *s, bool is_tls, const gch_allocator *allocator)
{
    static const char *const folder = FOLDER "/data";
    gch_server_desc desc = {.paths = &folder,
                            .path_count = 1,
                            .tls_certificate = is_tls ? FOLDER "/good.pem" : NULL,
                            .tls_key = is_tls ? FOLDER "/good.key" : NULL,
                            .allocator = allocator};
    test_server_start(s, desc, 64u << 20);
    return s->port;
}

static void write_file(void)
{
    static double values[ROWS];
    uint64_t random = 3;
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_writer_desc desc = {.time_unit = GCH_TIME_INDEX, .columns = &column, .column_count = 1};
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = (double)(test_random(&random) % 100000) / 100;
    mkdir(FOLDER "/data", 0777);
    assert_ok(gch_writer_create(FOLDER "/data/a.gch", &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, &(gch_column_data){.values = values}, ROWS, &err));
    assert_ok(gch_writer_finish(writer, &err));
    FILE *file = fopen(FOLDER "/data/a.gch", "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    file_size = (uint64_t)ftell(file);
    rewind(file);
    file_bytes = malloc(file_size);
    assert_non_null(file_bytes);
    assert_int_equal(fread(file_bytes, 1, file_size, file), file_size);
    fclose(file);
}

/* ---- the test ---- */

static void memory_stays_as_it_is_and_answers_are_right(void **state)
{
    (void)state;
    const char *wanted = getenv("GCH_SOAK_REQUESTS");
    const uint64_t total = wanted != NULL ? strtoull(wanted, NULL, 10) : 3000;
    const char *const arguments[] = {PYTHON, NET_PEER, FOLDER, NULL};
    test_peer certificates; /* it makes them */
    test_peer_start(&certificates, arguments);
    test_peer_stop(&certificates);
    write_file();
    test_failing memory[3] = {{.left = -1}, {.left = -1}, {.left = -1}};
    gch_allocator allocators[3];
    for (int i = 0; i < 3; i++)
        allocators[i] = (gch_allocator){.resize = test_failing_resize, .context = &memory[i]};
    test_server servers[2] = {0};
    for (int i = 0; i < 2; i++)
        snprintf(urls[i], sizeof urls[i], "%s://localhost:%u", i == 0 ? "http" : "https",
                 start_server(&servers[i], i == 1, &allocators[i]));
    gch_http_desc desc = test_http_desc(FOLDER "/ca.pem");
    desc.allocator = &allocators[2];
    desc.attempt_cap = 20;
    desc.stall_timeout_ms = 20000;
    desc.timeout_ms = 60000;
    assert_ok(gch_http_make(&desc, &http, &err));

    uint64_t random = 77, resident[2];
    int64_t live[2];
    gch_http_stats stats;
    run_requests(total / 4, &random); /* buffers and tables reach their sizes */
    live[0] = atomic_load(&memory[2].live);
    resident[0] = resident_bytes();
    run_requests(total - total / 4, &random);
    live[1] = atomic_load(&memory[2].live);
    resident[1] = resident_bytes();
    gch_http_get_stats(http, &stats);
    printf("%llu right, %llu cancelled; live allocations of the client %lld, then %lld; resident "
           "%.1f MB, then %.1f MB; %llu connections, %llu retries\n",
           (unsigned long long)ok_count, (unsigned long long)cancelled_count, (long long)live[0],
           (long long)live[1], (double)resident[0] / 1e6, (double)resident[1] / 1e6,
           (unsigned long long)stats.connections, (unsigned long long)stats.retries);
    assert_int_equal(wrong_count, 0);
    assert_true(ok_count > total / 10 && cancelled_count > total / 10);
    assert_int_equal(ok_count + cancelled_count, total);
    assert_true(stats.in_flight == 0 && stats.queued == 0);
    assert_true(live[1] <= live[0] + 16); /* exchanges that drain */
    if (!IS_SANITIZED)
        assert_true(resident[1] < resident[0] + (8u << 20));
    gch_http_destroy(http);
    for (int i = 0; i < 2; i++)
        test_server_stop(&servers[i]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(memory[i].live, 0);
    free(file_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_stays_as_it_is_and_answers_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
