/* Mapping for a platform that has none (wasi-libc's header refuses to be included): it fails. */
#ifndef GCH_WASM32_SYS_MMAN_H
#define GCH_WASM32_SYS_MMAN_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#define PROT_READ 1
#define MAP_SHARED 1
#define MAP_FAILED ((void *)-1)

static inline void *mmap(void *address, size_t bytes, int protection, int flags, int fd,
                         off_t offset)
{
    (void)address, (void)bytes, (void)protection, (void)flags, (void)fd, (void)offset;
    errno = ENOSYS;
    return MAP_FAILED;
}

static inline int munmap(void *address, size_t bytes)
{
    (void)address, (void)bytes;
    errno = ENOSYS;
    return -1;
}

#endif
