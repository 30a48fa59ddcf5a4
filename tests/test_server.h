/* A data server on a thread of the test. */
#ifndef GCH_TEST_SERVER_H
#define GCH_TEST_SERVER_H

#include "test.h"

#include "gch/gch.h"

#include <pthread.h>

typedef struct test_server {
    gch_data *data;
    gch_server *server;
    pthread_t thread;
    uint16_t port;
} test_server;

static inline void *test_server_run(void *argument)
{
    test_server *s = argument;
    gch_error err = {0};
    if (gch_server_run(s->server, &err) != GCH_OK)
        fprintf(stderr, "%s\n", err.message);
    return NULL;
}

/* At the port it had, or at any (0). `desc` says the rest but the data manager and where to listen.
 */
static inline void test_server_start(test_server *s, gch_server_desc desc, uint64_t budget_bytes)
{
    gch_error err = {0};
    char listen[32];
    snprintf(listen, sizeof listen, "127.0.0.1:%u", s->port);
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = budget_bytes}, &s->data, &err));
    desc.data = s->data;
    desc.listen = listen;
    assert_ok(gch_server_make(&desc, &s->server, &err));
    s->port = gch_server_port(s->server);
    assert_int_equal(pthread_create(&s->thread, NULL, test_server_run, s), 0);
}

static inline void test_server_stop(test_server *s)
{
    gch_error err = {0};
    gch_server_stop(s->server);
    pthread_join(s->thread, NULL);
    gch_server_destroy(s->server);
    assert_ok(gch_data_destroy(s->data, &err));
}

#endif
