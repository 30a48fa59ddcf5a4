#include "bench_server.h"
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32

bench_server bench_server_start(const char *program, const char *const *arguments)
{
    const char *all[ARGUMENTS_MAX] = {program, "serve", "--listen", "127.0.0.1:0"};
    char line[128];
    int out[2], count = 4;
    bench_server server = {0};
    for (; *arguments != NULL && count < ARGUMENTS_MAX - 1; arguments++)
        all[count++] = *arguments;
    if (pipe(out) != 0 || (server.pid = fork()) < 0)
        bench_fail("%s does not start: %s", program, strerror(errno));
    if (server.pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        execv(program, (char *const *)(uintptr_t)all);
        _exit(127);
    }
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    const char *colon =
        said != NULL && fgets(line, sizeof line, said) != NULL ? strrchr(line, ':') : NULL;
    if (colon == NULL)
        bench_fail("%s serve does not start", program);
    server.port = (uint16_t)strtoul(colon + 1, NULL, 10);
    fclose(said);
    return server;
}

void bench_server_stop(const bench_server *server)
{
    kill(server->pid, SIGTERM);
    waitpid(server->pid, NULL, 0);
}

double bench_server_bytes(const bench_server *server, const char *name)
{
    char path[64], line[256];
    double kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtod(line + strlen(name), NULL);
    }
    if (file != NULL)
        fclose(file);
    return kib * 1024;
}

double bench_server_cpu_s(const bench_server *server)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)server->pid);
    FILE *file = fopen(path, "r");
    size_t count = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[count] = '\0';
    const char *at = strrchr(text, ')');
    unsigned long long user = 0, kernel = 0;
    if (at == NULL ||
        sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
        return 0;
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}
