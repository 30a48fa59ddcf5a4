/* Folders that nothing outside of can be reached from.
 *
 * Every file is opened relative to the folder with RESOLVE_BENEATH (openat2, Linux 5.6): neither
 * "..", nor an absolute path, nor a symbolic link leads out of it, and no race between a check and
 * its use is left.
 */
#ifndef GCH_SERVE_FOLDER_H
#define GCH_SERVE_FOLDER_H

#include "base.h"

#include <sys/stat.h>

/* Opens `path`, relative to folder_fd, for reading: a regular file whose status goes to *out_info.
 * -1 if there is none, errno set (EXDEV: it leads out). */
int gch__folder_open(int folder_fd, const char *path, struct stat *out_info);
/* The same for a file that the operator named, which may be a symbolic link to anywhere. */
int gch__folder_open_named(int folder_fd, const char *path, struct stat *out_info);

/* Calls found for each regular file NAME.gch below the folder, with names as in docs/protocol.md,
 * at most 32 folders deep. Other files *.gch, and folders (with a '/' at their end) that cannot be
 * gone into, are told to refuse: their path, cut to what a name may have, and why, in static text.
 * Folders whose names begin with a dot are looked into only for files right there, all of which
 * are refused. GCH_IO, GCH_NO_MEMORY, or what found or refuse give other than GCH_OK. */
typedef struct gch__folder_walk {
    gch_status (*found)(void *context, const char *name, const struct stat *info, gch_error *err);
    gch_status (*refuse)(void *context, const char *path, gch_status status, const char *why,
                         gch_error *err);
    void *context;
    const gch_allocator *allocator;
} gch__folder_walk;

gch_status gch__folder_visit(int folder_fd, const gch__folder_walk *walk, gch_error *err);

#endif
