/* wasi-libc has getentropy only. */
#ifndef GCH_WASM32_SYS_RANDOM_H
#define GCH_WASM32_SYS_RANDOM_H

#include_next <sys/random.h>

#include <sys/types.h>
#include <unistd.h>

static inline ssize_t getrandom(void *out, size_t bytes, unsigned flags)
{
    (void)flags;
    return getentropy(out, bytes) == 0 ? (ssize_t)bytes : -1;
}

#endif
