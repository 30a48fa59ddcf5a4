/* gpucharts serve as a process of its own, for benchmarks that talk to it. */
#ifndef GCH_BENCH_SERVER_H
#define GCH_BENCH_SERVER_H

#include <stdint.h>
#include <sys/types.h>

typedef struct bench_server {
    pid_t pid;
    uint16_t port; /* of 127.0.0.1 */
} bench_server;

/* `arguments` follow "serve ... --listen 127.0.0.1:0", up to a NULL. */
bench_server bench_server_start(const char *program, const char *const *arguments);
void bench_server_stop(const bench_server *server);
/* A line of its /proc/PID/status in bytes, such as "VmRSS:". */
double bench_server_bytes(const bench_server *server, const char *line);
double bench_server_cpu_s(const bench_server *server); /* used so far */

#endif
