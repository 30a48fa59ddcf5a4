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

static bool is_operation(const char *word)
{
    static const char *const words[] = {"columns", "bars", "range", "points", "nearest"};
    for (size_t i = 0; i < GCH_COUNT_OF(words); i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static gch_status visit_file(walk_state *state, int root_fd, size_t length, gch_error *err)
{
    struct stat info;
    char name[GCH__NAME_CAP];
    memcpy(name, state->path, length - 4);
    name[length - 4] = '\0';
    const char *slash = strrchr(name, '/');
    if (!gch__name_is_valid(name) || (slash != NULL && is_operation(slash + 1))) {
        state->walk->refuse(state->walk->context, state->path);
        return GCH_OK;
    }
    int fd = gch__folder_open(root_fd, state->path, &info);
    if (fd < 0) {
        if (errno == EXDEV || errno == EACCES)
            state->walk->refuse(state->walk->context, state->path);
        return GCH_OK;
    }
    close(fd);
    return state->walk->found(state->walk->context, name, &info, err);
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
        size_t entry_length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length + entry_length + 2 > GCH__NAME_CAP)
            continue;
        size_t end = length + entry_length;
        memcpy(state->path + length, entry->d_name, entry_length + 1);
        bool is_data = entry_length > 4 && strcmp(entry->d_name + entry_length - 4, ".gch") == 0;
        if (is_data && entry->d_type != DT_DIR) {
            status = visit_file(state, root_fd, end, err);
        } else if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) && depth < DEPTH_MAX) {
            /* Folders behind symbolic links are not walked: they may lead round in a circle. */
            int inner = open_beneath(folder_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            memcpy(state->path + end, "/", 2);
            if (inner >= 0)
                status = visit(state, root_fd, inner, end + 1, depth + 1, err);
        }
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
