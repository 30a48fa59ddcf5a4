/* The cost of a call in executed instructions, as counted by an emulator's plugin
 * (bench_qemu_count.c): a system call of a number that no kernel has asks it to write the count so
 * far, 8 bytes, to the file that the environment variable GCH_COUNT_FILE names. */
#include "bench_lean.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_CALL 0x67636800L

const char *bench_lean_unit(void)
{
    return "instructions";
}

static int64_t count_so_far(int file)
{
    int64_t count = -1;
    syscall(COUNT_CALL);
    return pread(file, &count, sizeof count, 0) == (ssize_t)sizeof count ? count : -1;
}

double bench_lean_cost(bench_lean_body *body, void *context)
{
    const char *path = getenv("GCH_COUNT_FILE");
    int file = path != NULL ? open(path, O_RDONLY) : -1;
    if (file < 0)
        return -1;
    body(context); /* a first call may bind symbols */
    int64_t start = count_so_far(file);
    int64_t nothing = count_so_far(file);
    body(context);
    int64_t end = count_so_far(file);
    close(file);
    if (start < 0 || end <= nothing)
        return -1;
    return (double)((end - nothing) - (nothing - start));
}
