/* What tests of the network room need: a peer that misbehaves (tests/net/net_peer.py), its content,
 * and URLs. */
#ifndef GCH_NET_TEST_H
#define GCH_NET_TEST_H

#include "test.h"

#include "gch/http.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child process that prints a line when it is ready and ends with its standard input. */
typedef struct test_peer {
    pid_t pid;
    int input;       /* its standard input */
    char line[1024]; /* its first line, without the end */
} test_peer;

static inline void test_peer_start(test_peer *peer, const char *const *arguments)
{
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    fflush(NULL);
    peer->pid = fork();
    assert_true(peer->pid >= 0);
    if (peer->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]), close(in[1]), close(out[0]), close(out[1]);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    peer->input = in[1];
    size_t count = 0;
    while (count < sizeof peer->line - 1 && read(out[0], peer->line + count, 1) == 1 &&
           peer->line[count] != '\n')
        count++;
    peer->line[count] = '\0';
    close(out[0]);
    assert_true(count > 0);
}

static inline void test_peer_stop(test_peer *peer)
{
    close(peer->input);
    kill(peer->pid, SIGTERM);
    waitpid(peer->pid, NULL, 0);
}

/* The number behind "name=" in the peer's line. */
static inline int test_peer_port(const test_peer *peer, const char *name)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, " %s=", name);
    char padded[sizeof peer->line + 1] = " ";
    memcpy(padded + 1, peer->line, sizeof peer->line);
    const char *place = strstr(padded, wanted);
    assert_non_null(place);
    return (int)strtol(place + strlen(wanted), NULL, 10);
}

/* net_peer.py's content. */
static inline uint8_t test_content(uint64_t i, uint64_t version)
{
    return (uint8_t)(i * 7 + (i >> 8) * 13 + version * 31);
}

static inline bool test_content_is(const uint8_t *bytes, uint64_t first, size_t count,
                                   uint64_t version)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != test_content(first + i, version))
            return false;
    }
    return true;
}

/* A client for tests: trusts the peer's authority, and is quick to repeat and to give up. */
static inline gch_http_desc test_http_desc(const char *ca_file)
{
    return (gch_http_desc){.ca_file = ca_file,
                           .attempt_cap = 4,
                           .connect_timeout_ms = 3000,
                           .stall_timeout_ms = 1000,
                           .timeout_ms = 20000,
                           .backoff_ms = 5,
                           .backoff_cap_ms = 20};
}

/* Memory whose n-th allocation fails, and which counts what is alive. */
typedef struct test_failing {
    _Atomic int64_t left; /* allocations until one fails; negative: none does */
    _Atomic int64_t live;
    _Atomic bool has_failed;
} test_failing;

static inline void *test_failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    test_failing *f = context;
    (void)purpose;
    if (bytes == 0) {
        if (old != NULL)
            atomic_fetch_sub(&f->live, 1);
        free(old);
        return NULL;
    }
    if (atomic_fetch_sub(&f->left, 1) == 0) {
        atomic_store(&f->has_failed, true);
        return NULL;
    }
    void *memory = realloc(old, bytes);
    if (old == NULL && memory != NULL)
        atomic_fetch_add(&f->live, 1);
    return memory;
}

#endif
