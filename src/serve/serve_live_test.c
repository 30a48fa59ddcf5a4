/* Live series that last: what a server acknowledged is there after it was killed, once. */
#include "serve_test.h"

#include "gch/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PUBLISHERS 4u
#define ROWS_A_BATCH 50u
#define NDJSON "Content-Type: application/x-ndjson\r\n"

static char folder[64], live[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "serve_live_test_%d", (int)getpid());
    snprintf(live, sizeof live, "%s/live", folder);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(mkdir(live, 0755), 0);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* ---- a server that can be killed: this program again ---- */

static gch_server *running;

static void on_stop(int number)
{
    (void)number;
    gch_server_stop(running);
}

/* argv: "serve" DATA LIVE FILE-BYTES; writes its port to standard output. */
static int serve(char **argv)
{
    gch_error err = {0};
    gch_data *data;
    const char *path = argv[2];
    rlim_t cap = strtoul(argv[4], NULL, 10);
    signal(SIGXFSZ, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
    if (cap > 0 && setrlimit(RLIMIT_FSIZE, &(struct rlimit){cap, cap}) != 0)
        return 2;
    if (gch_data_make(&(gch_data_desc){.host_budget_bytes = 256u << 20}, &data, &err) != GCH_OK)
        return 2;
    const gch_server_desc desc = {.data = data,
                                  .paths = &path,
                                  .path_count = 1,
                                  .listen = "127.0.0.1:0",
                                  .live_path = argv[3],
                                  .live_bytes_cap = 200000}; /* so that journals turn often */
    if (gch_server_make(&desc, &running, &err) != GCH_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 3;
    }
    signal(SIGTERM, on_stop);
    printf("%u\n", gch_server_port(running));
    fflush(stdout);
    gch_status status = gch_server_run(running, &err);
    gch_server_destroy(running);
    return status == GCH_OK && gch_data_destroy(data, &err) == GCH_OK ? 0 : 4;
}

typedef struct child {
    pid_t pid;
    test_server at; /* its port */
} child;

static child start_child(const char *file_bytes)
{
    int ends[2];
    char port[16] = "";
    assert_int_equal(pipe(ends), 0);
    child c = {.pid = fork()};
    if (c.pid == 0) {
        char *const argv[] = {
            "serve_live_test", "serve", folder, live, (char *)(uintptr_t)file_bytes, NULL};
        dup2(ends[1], STDOUT_FILENO);
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    close(ends[1]);
    if (read(ends[0], port, sizeof port - 1) <= 0)
        fail_msg("the server did not start");
    close(ends[0]);
    c.at.port = (uint16_t)atoi(port);
    return c;
}

static void end_child(const child *c, int number)
{
    int status;
    assert_int_equal(kill(c->pid, number), 0);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    if (number == SIGTERM)
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- publishers ---- */

typedef struct publisher {
    uint32_t number;
    uint64_t acknowledged; /* its last publisher sequence that was */
    bool was_refused;
    atomic_uint *port;
    atomic_bool *is_over;
    pthread_t thread;
} publisher;

/* Rows of one batch: the time is one for all, the value tells publisher, batch and row. */
static int post_batch(const test_server *at, const char *name, uint32_t number, uint64_t sequence)
{
    char body[ROWS_A_BATCH * 40], target[128], head[256];
    size_t used = 0;
    for (uint32_t r = 0; r < ROWS_A_BATCH; r++)
        used += (size_t)snprintf(body + used, sizeof body - used, "[5, %llu]\n",
                                 (unsigned long long)((number * 1000000 + sequence) * 100 + r));
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(at->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), code = 0;
    snprintf(target, sizeof target, "/v1/live/%s?publisher=%u&publisher_sequence=%llu", name,
             number, (unsigned long long)sequence);
    int length = snprintf(head, sizeof head,
                          "POST %s HTTP/1.1\r\nHost: localhost\r\n" NDJSON
                          "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                          target, used);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        test_send(fd, head, (size_t)length) && test_send(fd, body, used)) {
        test_answer a = test_read_answer(fd, false);
        code = a.code;
        test_answer_free(&a);
    }
    close(fd);
    return code;
}

static void *publish(void *context)
{
    publisher *p = context;
    while (!atomic_load(p->is_over)) {
        const test_server at = {.port = (uint16_t)atomic_load(p->port)};
        int code = at.port != 0 ? post_batch(&at, "walk", p->number, p->acknowledged + 1) : 0;
        if (code == 200)
            p->acknowledged++;
        else
            test_sleep_ms(2);
    }
    return NULL;
}

static void make_series(const test_server *at, const char *name, int code)
{
    char target[128];
    snprintf(target, sizeof target, "/v1/live/%s?unit=ms&column=v:i64", name);
    assert_int_equal(test_code(at, "PUT", target, "", NULL), code);
}

/* Every row of every batch up to the last acknowledged one is in the file once, in order within its
 * batch, and at most one batch of each publisher besides: the one it got no answer for. */
static void check_file(const char *name, const publisher *publishers, uint32_t count)
{
    gch_error err;
    gch_data *data;
    gch_source source;
    const gch_file *file;
    char path[160];
    snprintf(path, sizeof path, "%s/%s.gch", live, name);
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(gch_source_open_file(data, path, NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &file, &err));
    uint64_t row_count = gch_file_get_info(file)->row_count, next[PUBLISHERS + 1] = {0};
    assert_int_equal(row_count % ROWS_A_BATCH, 0);
    gch_value values[ROWS_A_BATCH];
    for (uint64_t row = 0; row < row_count; row += ROWS_A_BATCH) {
        assert_ok(gch_file_read_values(file, 0, row, ROWS_A_BATCH, values, &err));
        uint64_t first = (uint64_t)gch_value_to_double(values[0]);
        uint64_t number = first / 100 / 1000000, sequence = first / 100 % 1000000;
        assert_true(number >= 1 && number <= count);
        for (uint32_t r = 0; r < ROWS_A_BATCH; r++)
            assert_true(gch_value_to_double(values[r]) == (double)(first + r));
        assert_int_equal(sequence, ++next[number]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (next[i + 1] < publishers[i].acknowledged ||
            next[i + 1] > publishers[i].acknowledged + 1)
            fail_msg("publisher %u: %llu of %llu acknowledged batches", i + 1,
                     (unsigned long long)next[i + 1],
                     (unsigned long long)publishers[i].acknowledged);
    }
    assert_ok(gch_source_close(data, source, &err));
    assert_ok(gch_data_destroy(data, &err));
}

/* ---- tests ---- */

static void acknowledged_rows_survive_kill_9_under_load(void **state)
{
    (void)state;
    atomic_uint port;
    atomic_bool is_over;
    publisher publishers[PUBLISHERS] = {{0}};
    atomic_init(&port, 0);
    atomic_init(&is_over, false);
    child c = start_child("0");
    make_series(&c.at, "walk", 201);
    atomic_store(&port, c.at.port);
    for (uint32_t i = 0; i < PUBLISHERS; i++) {
        publishers[i] = (publisher){.number = i + 1, .port = &port, .is_over = &is_over};
        assert_int_equal(pthread_create(&publishers[i].thread, NULL, publish, &publishers[i]), 0);
    }
    for (int round = 0; round < 10; round++) {
        test_sleep_ms(150 + round * 37 % 90);
        atomic_store(&port, 0);
        end_child(&c, SIGKILL);
        c = start_child("0");
        make_series(&c.at, "walk", 200);
        atomic_store(&port, c.at.port);
    }
    test_sleep_ms(100);
    atomic_store(&is_over, true);
    uint64_t acknowledged = 0;
    for (uint32_t i = 0; i < PUBLISHERS; i++) {
        pthread_join(publishers[i].thread, NULL);
        acknowledged += publishers[i].acknowledged;
    }
    assert_true(acknowledged > 100);
    end_child(&c, SIGTERM); /* writes all to the file */
    check_file("walk", publishers, PUBLISHERS);
}

static void a_full_disk_is_an_error_and_loses_nothing(void **state)
{
    (void)state;
    publisher p = {.number = 1};
    child c = start_child("150000"); /* no file may grow beyond it */
    make_series(&c.at, "full", 201);
    int code;
    while ((code = post_batch(&c.at, "full", 1, p.acknowledged + 1)) == 200)
        p.acknowledged++;
    assert_int_equal(code, 503);
    assert_true(p.acknowledged > 10);
    assert_int_equal(post_batch(&c.at, "full", 1, p.acknowledged + 1), 503);
    /* Smaller series go on: it is this one's file that is full. */
    make_series(&c.at, "small", 201);
    assert_int_equal(post_batch(&c.at, "small", 1, 1), 200);
    end_child(&c, SIGKILL);
    c = start_child("0");
    /* It may be in the journal or not; the publisher says it again, and it is there once. */
    assert_int_equal(post_batch(&c.at, "full", 1, p.acknowledged + 1), 200);
    p.acknowledged++;
    end_child(&c, SIGTERM);
    check_file("full", &p, 1);
}

static gch_status start_here(gch_server **out, gch_data **data, gch_error *out_err)
{
    gch_error err;
    const char *path = folder;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 64u << 20}, data, &err));
    const gch_server_desc desc = {
        .data = *data, .paths = &path, .path_count = 1, .listen = "127.0.0.1:0", .live_path = live};
    return gch_server_make(&desc, out, out_err);
}

static void a_folder_belongs_to_one_server_and_damage_is_named(void **state)
{
    (void)state;
    gch_error err;
    gch_data *data;
    gch_server *server;
    child c = start_child("0");
    make_series(&c.at, "damaged/series", 201);
    for (uint64_t s = 1; s < 4; s++)
        assert_int_equal(post_batch(&c.at, "damaged/series", 1, s), 200);
    assert_int_equal(start_here(&server, &data, &err), GCH_EXISTS);
    assert_ok(gch_data_destroy(data, &err));
    end_child(&c, SIGKILL);
    char path[160];
    snprintf(path, sizeof path, "%s/damaged%%2Fseries.00000001.journal", live);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, 400), 1);
    assert_int_equal(start_here(&server, &data, &err), GCH_CORRUPT);
    assert_non_null(strstr(err.message, "damaged%2Fseries.00000001.journal: byte "));
    assert_ok(gch_data_destroy(data, &err));
    close(fd);
    unlink(path);
}

/* What tells a series from others by its name. */
static void read_id(const test_server *at, const char *name, char out[9])
{
    char target[64];
    snprintf(target, sizeof target, "/v1/live/%s", name);
    test_answer a = test_get(at, target, "");
    const char *id = strstr(a.body, "\"id\": \"");
    assert_non_null(id);
    snprintf(out, 9, "%s", id + 7);
    assert_int_equal(strspn(out, "0123456789abcdef"), 8);
    test_answer_free(&a);
}

static void followers_resume_and_rows_are_asked_for_after_a_restart(void **state)
{
    (void)state;
    child c = start_child("0");
    make_series(&c.at, "kept", 201);
    make_series(&c.at, "other", 201);
    char id[9], same[9];
    read_id(&c.at, "other", same);
    read_id(&c.at, "kept", id);
    assert_string_not_equal(id, same);
    for (uint64_t s = 1; s < 4; s++)
        assert_int_equal(post_batch(&c.at, "kept", 1, s), 200);
    end_child(&c, SIGKILL);
    c = start_child("0");
    read_id(&c.at, "kept", same);
    assert_string_equal(id, same);
    test_answer a = test_get(&c.at, "/v1/live/kept", "");
    assert_non_null(strstr(a.body, "\"first_sequence\": 1, \"next_sequence\": 4, "
                                   "\"row_count\": 150"));
    test_answer_free(&a);
    a = test_get(&c.at, "/v1/data/kept", "");
    assert_int_equal(a.code, 200);
    assert_non_null(strstr(a.body, "\"is_live\": true"));
    assert_non_null(strstr(a.body, "\"row_count\": 150"));
    test_answer_free(&a);
    char version[20] = "";
    static const char *const views[] = {"columns?width=10&height=10", "bars?bar=1s", "range?",
                                        "points?width=10&height=10", "nearest?t=5"};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/v1/data/kept/%s", views[i]);
        a = test_get(&c.at, target, "");
        assert_int_equal(a.code, 200);
        uint64_t rows;
        memcpy(&rows, a.body + 24, sizeof rows);
        assert_int_equal(rows, 150);
        if (i == 0)
            assert_true(test_field(&a, "etag", version, sizeof version));
        test_answer_free(&a);
    }
    /* The version changes with the rows. */
    assert_int_equal(post_batch(&c.at, "kept", 1, 4), 200);
    a = test_get(&c.at, "/v1/data/kept/columns?width=10&height=10", "");
    char later[20];
    assert_true(test_field(&a, "etag", later, sizeof later));
    assert_string_not_equal(version, later);
    test_answer_free(&a);
    assert_int_equal(test_code(&c.at, "GET", "/data/kept.gch", "", NULL), 404);
    end_child(&c, SIGTERM);
}

/* Batches of 5000 rows at times that go on. */
static void publish_many(const test_server *at, const char *name, int from, int to)
{
    static char body[5000 * 24];
    char target[64];
    snprintf(target, sizeof target, "/v1/live/%s", name);
    for (int batch = from; batch < to; batch++) {
        size_t used = 0;
        for (int r = 0; r < 5000; r++)
            used += (size_t)snprintf(body + used, sizeof body - used, "[%d, %d]\n",
                                     batch * 5000 + r, r);
        assert_int_equal(test_code(at, "POST", target, NDJSON, body), 200);
    }
}

static uint64_t rows_of(const test_server *at, const char *name)
{
    char target[64];
    snprintf(target, sizeof target, "/v1/data/%s", name);
    test_answer a = test_get(at, target, "");
    assert_int_equal(a.code, 200);
    uint64_t rows = strtoull(strstr(a.body, "\"row_count\": ") + 13, NULL, 10);
    test_answer_free(&a);
    return rows;
}

static void old_rows_go_where_only_new_ones_are_kept(void **state)
{
    (void)state;
    child c = start_child("0");
    assert_int_equal(
        test_code(&c.at, "PUT", "/v1/live/few?unit=ms&column=v:i64&keep_rows=20000", "", NULL),
        201);
    assert_int_equal(test_code(&c.at, "PUT", "/v1/live/few?unit=ms&column=v:i64", "", NULL), 200);
    assert_int_equal(
        test_code(&c.at, "PUT", "/v1/live/few?unit=ms&column=v:i64&keep_rows=30000", "", NULL),
        409);
    assert_int_equal(
        test_code(&c.at, "PUT", "/v1/live/odd?unit=index&column=v:i64&keep_age=1", "", NULL), 400);
    assert_int_equal(
        test_code(&c.at, "PUT", "/v1/live/odd?unit=ms&column=v:i64&keep_rows=0", "", NULL), 400);
    /* Its rows could not be asked for. */
    assert_int_equal(test_code(&c.at, "PUT", "/v1/live/a/points?unit=ms&column=v:i64", "", NULL),
                     400);
    assert_int_equal(
        test_code(&c.at, "PUT", "/v1/live/young?unit=ms&column=v:i64&keep_age=20", "", NULL), 201);
    publish_many(&c.at, "few", 0, 20);
    publish_many(&c.at, "young", 0, 80);
    uint64_t few = rows_of(&c.at, "few"), young = rows_of(&c.at, "young");
    assert_true(few >= 20000 && few < 60000);
    assert_true(young >= 20000 && young < 200000);
    end_child(&c, SIGKILL);
    c = start_child("0");
    assert_true(rows_of(&c.at, "few") >= 20000);
    assert_true(rows_of(&c.at, "young") >= 20000);
    test_answer a = test_get(&c.at, "/v1/live/few", "");
    assert_non_null(strstr(a.body, "\"next_sequence\": 21, \"row_count\": 100000"));
    test_answer_free(&a);
    publish_many(&c.at, "few", 20, 40);
    assert_true(rows_of(&c.at, "few") < 60000);
    end_child(&c, SIGTERM);
    /* What nobody keeps any more takes no place in the journal either. */
    char path[160];
    snprintf(path, sizeof path, "%s/few.00000001.journal", live);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return serve(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_rows_survive_kill_9_under_load),
        cmocka_unit_test(a_full_disk_is_an_error_and_loses_nothing),
        cmocka_unit_test(a_folder_belongs_to_one_server_and_damage_is_named),
        cmocka_unit_test(followers_resume_and_rows_are_asked_for_after_a_restart),
        cmocka_unit_test(old_rows_go_where_only_new_ones_are_kept),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
