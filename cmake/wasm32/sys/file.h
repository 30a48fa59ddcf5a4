/* wasi-libc declares flock and has none. */
#ifndef GCH_WASM32_SYS_FILE_H
#define GCH_WASM32_SYS_FILE_H

#include_next <sys/file.h>

#include <errno.h>

static inline int gch_flock_missing(int fd, int operation)
{
    (void)fd, (void)operation;
    errno = ENOSYS;
    return -1;
}
#define flock gch_flock_missing

#endif
