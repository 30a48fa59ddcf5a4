/* What the C library and the compiler ask of a system, for a module that has none but its host.
 *
 * wasi-libc calls a system through functions that a module imports; defining them here keeps the
 * module free of imports but for two that the host has to give (base_time_zone_wasm.c has one of
 * them). There are no files, so that opening one fails as it does where it is missing.
 */
#include "base.h"

/* Monotonic, from any instant. */
__attribute__((import_module("gch"), import_name("clock_ns"))) double gch__host_clock_ns(void);

/* WASI's error numbers (witx, snapshot_preview1). */
enum { WASI_SUCCESS = 0, WASI_BADF = 8, WASI_NOSYS = 52 };

#define SYSTEM(name) __imported_wasi_snapshot_preview1_##name

/* Every call that works on a file descriptor, of which none is open. */
#define NO_FILE(name, ...)                                                                         \
    int32_t SYSTEM(name)(__VA_ARGS__);                                                             \
    int32_t SYSTEM(name)(__VA_ARGS__)                                                              \
    {                                                                                              \
        return WASI_BADF;                                                                          \
    }

/* The arguments are not used. */
#pragma clang diagnostic ignored "-Wunused-parameter"

NO_FILE(fd_close, int32_t fd)
NO_FILE(fd_datasync, int32_t fd)
NO_FILE(fd_fdstat_get, int32_t fd, int32_t out)
NO_FILE(fd_filestat_get, int32_t fd, int32_t out)
NO_FILE(fd_filestat_set_size, int32_t fd, int64_t bytes)
NO_FILE(fd_pread, int32_t fd, int32_t list, int32_t count, int64_t offset, int32_t out)
NO_FILE(fd_prestat_dir_name, int32_t fd, int32_t path, int32_t cap)
NO_FILE(fd_prestat_get, int32_t fd, int32_t out)
NO_FILE(fd_pwrite, int32_t fd, int32_t list, int32_t count, int64_t offset, int32_t out)
NO_FILE(fd_read, int32_t fd, int32_t list, int32_t count, int32_t out)
NO_FILE(fd_seek, int32_t fd, int64_t offset, int32_t whence, int32_t out)
NO_FILE(fd_sync, int32_t fd)
NO_FILE(fd_write, int32_t fd, int32_t list, int32_t count, int32_t out)
NO_FILE(path_filestat_get, int32_t fd, int32_t flags, int32_t path, int32_t length, int32_t out)
NO_FILE(path_open, int32_t fd, int32_t flags, int32_t path, int32_t length, int32_t open_flags,
        int64_t rights, int64_t inherited, int32_t fd_flags, int32_t out)
NO_FILE(path_rename, int32_t from, int32_t path, int32_t length, int32_t to, int32_t to_path,
        int32_t to_length)
NO_FILE(path_unlink_file, int32_t fd, int32_t path, int32_t length)

int32_t SYSTEM(environ_sizes_get)(uint32_t *out_count, uint32_t *out_bytes);
int32_t SYSTEM(environ_sizes_get)(uint32_t *out_count, uint32_t *out_bytes)
{
    *out_count = *out_bytes = 0;
    return WASI_SUCCESS;
}

int32_t SYSTEM(environ_get)(int32_t list, int32_t bytes);
int32_t SYSTEM(environ_get)(int32_t list, int32_t bytes)
{
    return WASI_SUCCESS;
}

int32_t SYSTEM(clock_time_get)(int32_t clock, int64_t precision, int64_t *out_ns);
int32_t SYSTEM(clock_time_get)(int32_t clock, int64_t precision, int64_t *out_ns)
{
    *out_ns = (int64_t)gch__host_clock_ns();
    return WASI_SUCCESS;
}

int32_t SYSTEM(random_get)(int32_t out, int32_t bytes);
int32_t SYSTEM(random_get)(int32_t out, int32_t bytes)
{
    return WASI_NOSYS; /* names of temporary files; no secret is made here */
}

int32_t SYSTEM(sched_yield)(void);
int32_t SYSTEM(sched_yield)(void)
{
    return WASI_SUCCESS;
}

_Noreturn void SYSTEM(proc_exit)(int32_t code);
_Noreturn void SYSTEM(proc_exit)(int32_t code)
{
    __builtin_trap();
}

/* The compiler's 128-bit division was built with stack protectors. The stack lies first in memory,
 * so that running over it traps anyway. */
uintptr_t __stack_chk_guard = 0x6763685F;

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    __builtin_trap();
}
