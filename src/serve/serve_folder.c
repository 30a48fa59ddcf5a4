/* Folders (serve_folder.h). */
#include "serve_folder.h"

#include "serve_url.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 32u

static int open_beneath(int folder_fd, const char *path, uint64_t flags)
{
    const struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, folder_fd, path, &how, sizeof how);
}

static int check_regular(int fd, struct stat *out_info)
{
    if (fd < 0)
        return -1;
    if (fstat(fd, out_info) == 0 && S_ISREG(out_info->st_mode))
        return fd;
    close(fd);
    errno = ENOENT;
    return -1;
}

int gch__folder_open(int folder_fd, const char *path, struct stat *out_info)
{
    return check_regular(open_beneath(folder_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY), out_info);
}

int gch__folder_open_named(int folder_fd, const char *path, struct stat *out_info)
{
    int fd = openat(folder_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return check_regular(fd, out_info);
}

typedef struct walk_state {
    const gch__folder_walk *walk;
    char path[GCH__NAME_CAP + 8];
} walk_state;

static gch_status refuse(const walk_state *state, gch_status status, const char *why,
                         gch_error *err)
{
    return state->walk->refuse(state->walk->context, state->path, status, why, err);
}

/* For what the system does not let be opened: GCH_OK if it is gone, or is of another kind. */
static gch_status refuse_unopened(const walk_state *state, gch_error *err)
{
    if (errno == EXDEV)
        return refuse(state, GCH_INVALID, "it leads out of the folder; put the file itself there",
                      err);
    if (errno == EACCES)
        return refuse(state, GCH_IO, "the server may not read it; change its permissions", err);
    return GCH_OK;
}

static gch_status visit_file(const walk_state *state, int root_fd, size_t length, gch_error *err)
{
    struct stat info;
    char name[GCH__NAME_CAP];
    memcpy(name, state->path, length - 4);
    name[length - 4] = '\0';
    if (name[0] == '.' || strstr(name, "/.") != NULL)
        return refuse(state, GCH_INVALID, "names that begin with a dot are hidden; rename it", err);
    if (!gch__name_is_valid(name))
        return refuse(state, GCH_INVALID,
                      "a name is UTF-8 without control characters and backslashes; rename it", err);
    if (gch__path_view((gch__span){(const uint8_t *)name, length - 4}) >= 0)
        return refuse(state, GCH_INVALID,
                      "'columns', 'bars', 'range', 'points' and 'nearest' name views in URLs; "
                      "rename it",
                      err);
    int fd = gch__folder_open(root_fd, state->path, &info);
    if (fd < 0)
        return refuse_unopened(state, err);
    close(fd);
    return state->walk->found(state->walk->context, name, &info, err);
}

static gch_status visit(walk_state *state, int root_fd, int folder_fd, size_t length,
                        uint32_t depth, gch_error *err);

/* Of the folder state->path, which is `end` long with its '/'. */
static gch_status visit_folder(walk_state *state, int root_fd, int outer_fd, const char *entry,
                               size_t end, uint32_t depth, gch_error *err)
{
    /* Folders behind symbolic links are not walked: they may lead round in a circle. */
    int fd = open_beneath(outer_fd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0)
        return refuse_unopened(state, err);
    if (depth > DEPTH_MAX) {
        close(fd);
        return refuse(state, GCH_LIMIT, "it lies more than 32 folders deep; move it up", err);
    }
    return visit(state, root_fd, fd, end, depth, err);
}

static bool is_data(const char *entry, size_t length)
{
    return length > 4 && strcmp(entry + length - 4, ".gch") == 0;
}

static gch_status visit_entry(walk_state *state, int root_fd, int folder_fd,
                              const struct dirent *entry, size_t length, uint32_t depth,
                              gch_error *err)
{
    const char *name = entry->d_name;
    size_t end = length + strlen(name);
    bool is_file = is_data(name, end - length) && entry->d_type != DT_DIR;
    bool may_be_folder = !is_file && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
    bool is_hidden = length > 0 && (state->path[0] == '.' || strstr(state->path, "/.") != NULL);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (may_be_folder && is_hidden) ||
        !(is_file || may_be_folder))
        return GCH_OK;
    if (end + 2 > GCH__NAME_CAP) {
        snprintf(state->path + length, sizeof state->path - length, "%.*s...",
                 (int)(GCH__NAME_CAP - 1 - length), name);
        return refuse(state, GCH_LIMIT, "its path is longer than 1,022 bytes; rename it", err);
    }
    memcpy(state->path + length, name, end - length + 1);
    if (is_file)
        return visit_file(state, root_fd, end, err);
    memcpy(state->path + end, "/", 2);
    return visit_folder(state, root_fd, folder_fd, name, end + 1, depth + 1, err);
}

static gch_status visit(walk_state *state, int root_fd, int folder_fd, size_t length,
                        uint32_t depth, gch_error *err)
{
    DIR *folder = fdopendir(folder_fd);
    if (folder == NULL) {
        close(folder_fd);
        return gch__no_memory(err, "folder");
    }
    gch_status status = GCH_OK;
    for (struct dirent *entry; status == GCH_OK && (entry = readdir(folder)) != NULL;) {
        status = visit_entry(state, root_fd, folder_fd, entry, length, depth, err);
        state->path[length] = '\0';
    }
    closedir(folder);
    return status;
}

gch_status gch__folder_visit(int folder_fd, const gch__folder_walk *walk, gch_error *err)
{
    walk_state *state = gch__alloc_zero(walk->allocator, 1, sizeof *state, "folder");
    if (state == NULL)
        return gch__no_memory(err, "folder");
    state->walk = walk;
    int again = open_beneath(folder_fd, ".", O_RDONLY | O_DIRECTORY);
    gch_status status = GCH_OK;
    if (again < 0)
        status = gch_fail(err, GCH_IO, "the folder cannot be read: %s", strerror(errno));
    else
        status = visit(state, folder_fd, again, 0, 0, err);
    gch__free(walk->allocator, state, "folder");
    return status;
}
