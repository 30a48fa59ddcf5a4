/* WASI's files have no rights. */
#ifndef GCH_WASM32_SYS_STAT_H
#define GCH_WASM32_SYS_STAT_H

#include_next <sys/stat.h>

#include <errno.h>

static inline int fchmod(int fd, mode_t mode)
{
    (void)fd, (void)mode;
    errno = ENOSYS;
    return -1;
}

#endif
