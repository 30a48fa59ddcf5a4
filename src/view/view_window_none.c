/* The window of a build without SDL2. */
#include "view.h"

#include <stdio.h>

gch_status view_run(const view_desc *desc, gch_error *err)
{
    (void)desc;
    if (err != NULL) {
        err->status = GCH_UNSUPPORTED;
        snprintf(err->message, sizeof err->message,
                 "this build has no window: it was made without SDL2 (libsdl2-dev)");
    }
    return GCH_UNSUPPORTED;
}
