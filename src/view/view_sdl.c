/* Loading SDL2 (view_sdl.h). */
#include "view_sdl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static gch_status fail(gch_error *err, const char *what)
{
    err->status = GCH_UNSUPPORTED;
    snprintf(err->message, sizeof err->message, "no window: %s", what);
    return GCH_UNSUPPORTED;
}

gch_status view_sdl_load(view_sdl *out, gch_error *err)
{
    static const char *const names[] = {
#define X(name) "SDL_" #name,
        VIEW_SDL_FUNCTIONS(X)
#undef X
    };
    enum { COUNT = sizeof names / sizeof names[0] };
    void *functions[COUNT];
    _Static_assert(sizeof functions == sizeof *out, "one pointer a function");
    /* Never closed: what it loads in turn does not all come out again. */
    void *handle = dlopen("libSDL2-2.0.so.0", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return fail(err, dlerror());
    for (size_t i = 0; i < COUNT; i++) {
        functions[i] = dlsym(handle, names[i]);
        if (functions[i] == NULL)
            return fail(err, dlerror());
    }
    memcpy(out, functions, sizeof *out);
    return GCH_OK;
}
