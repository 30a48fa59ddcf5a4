/* The catalog (serve_catalog.h).
 *
 * Invariants:
 *  1. The table is sorted by name, without duplicates, and swapped as a whole under the lock; each
 *     entry holds its data set.
 *  2. Of two roots with a file of one name the first wins.
 *  3. What is not served is kept with the table, sorted by name: it is told when it is new.
 */
#include "serve_catalog.h"

#include "serve_folder.h"
#include "serve_json.h"
#include "serve_url.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PURPOSE "catalog"

typedef struct root {
    int folder_fd; /* of a single file the folder it is in */
    char *file;    /* of a single file its base name; NULL: a whole folder */
} root;

typedef struct table {
    gch__dataset **items;
    size_t count, cap;
} table;

/* What is not served: by the name that it would have, or by its path if that cannot be a name. */
typedef struct refusal {
    char *name;
    gch_status status;
    const char *why; /* static */
    bool is_name;    /* else it is only told */
} refusal;

typedef struct refusals {
    refusal *items;
    size_t count, cap;
} refusals;

struct gch__catalog {
    gch__catalog_desc desc;
    root *roots;
    size_t root_count;
    pthread_mutex_t lock; /* of the tables and of is_ending */
    pthread_cond_t is_over;
    table now;
    refusals refused;
    uint64_t version;
    bool is_ending, has_thread, is_full_told, is_failure_told;
    pthread_t scanner;
};

/* One look at everything. */
typedef struct scan {
    gch__catalog *catalog;
    const root *root;
    table found;
    refusals refused;
} scan;

GCH_PRINTF(2, 3) static void report(gch__catalog *catalog, const char *format, ...)
{
    char message[GCH__NAME_CAP + 256];
    va_list arguments;
    if (catalog->desc.report == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    catalog->desc.report(catalog->desc.context, message);
}

/* Where the name is or would be. */
static size_t table_search(const table *t, const char *name, bool *is_there)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(t->items[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = low < t->count && strcmp(t->items[low]->name, name) == 0;
    return low;
}

static void table_reset(gch__catalog *catalog, table *t)
{
    for (size_t i = 0; i < t->count; i++)
        gch__dataset_release(t->items[i]);
    gch__free(catalog->desc.allocator, t->items, PURPOSE);
    *t = (table){0};
}

/* As table_search. */
static size_t refusals_search(const refusals *r, const char *name, bool *is_there)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(r->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = low < r->count && strcmp(r->items[low].name, name) == 0;
    return low;
}

static bool are_same_refusals(const refusals *a, const refusals *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; i < a->count && is_same; i++)
        is_same =
            a->items[i].why == b->items[i].why && strcmp(a->items[i].name, b->items[i].name) == 0;
    return is_same;
}

static void refusals_reset(gch__catalog *catalog, refusals *r)
{
    for (size_t i = 0; i < r->count; i++)
        gch__free(catalog->desc.allocator, r->items[i].name, PURPOSE);
    gch__free(catalog->desc.allocator, r->items, PURPOSE);
    *r = (refusals){0};
}

/* The present data set of that name, held, if it is still what the file is. */
static gch__dataset *find_current(gch__catalog *catalog, const char *name, const struct stat *info)
{
    bool is_there;
    pthread_mutex_lock(&catalog->lock);
    size_t at = table_search(&catalog->now, name, &is_there);
    gch__dataset *dataset = is_there ? catalog->now.items[at] : NULL;
    if (dataset != NULL && gch__dataset_is_current(dataset, info))
        gch__dataset_hold(dataset);
    else
        dataset = NULL;
    pthread_mutex_unlock(&catalog->lock);
    return dataset;
}

static gch_status open_dataset(gch__catalog *catalog, const root *from, const char *name,
                               gch__dataset **out, gch_error *err)
{
    struct stat info;
    char path[GCH__NAME_CAP + 8];
    snprintf(path, sizeof path, "%s.gch", name);
    int fd = from->file != NULL ? gch__folder_open_named(from->folder_fd, from->file, &info)
                                : gch__folder_open(from->folder_fd, path, &info);
    if (fd < 0)
        return gch_fail(err, GCH_NOT_FOUND, "%s: %s", name, strerror(errno));
    return gch__dataset_open(catalog->desc.data, name, fd, catalog->desc.allocator, out, err);
}

/* As many as there may be data sets; those beyond are not told. */
static gch_status scan_refuse(void *context, const char *path, gch_status status, const char *why,
                              gch_error *err)
{
    scan *s = context;
    gch__catalog *catalog = s->catalog;
    const gch_allocator *allocator = catalog->desc.allocator;
    bool is_there;
    size_t length = strlen(path);
    bool is_file = length > 4 && strcmp(path + length - 4, ".gch") == 0;
    char *name = gch__copy_text(allocator, path, is_file ? length - 4 : length, PURPOSE);
    if (name == NULL)
        return gch__no_memory(err, PURPOSE);
    const refusal one = {name, status, why, is_file && gch__name_is_valid(name)};
    size_t at = refusals_search(&s->refused, name, &is_there);
    gch_status result = GCH_OK;
    if (!is_there && s->refused.count < catalog->desc.data_cap)
        result = gch__ensure(allocator, (void **)&s->refused.items, &s->refused.cap,
                             s->refused.count + 1, sizeof *s->refused.items, PURPOSE, err);
    if (is_there || s->refused.count == catalog->desc.data_cap || result != GCH_OK) {
        gch__free(allocator, name, PURPOSE);
        return result;
    }
    memmove(s->refused.items + at + 1, s->refused.items + at,
            (s->refused.count - at) * sizeof *s->refused.items);
    s->refused.items[at] = one;
    s->refused.count++;
    /* Only this thread writes the table of before. */
    size_t before = refusals_search(&catalog->refused, name, &is_there);
    if (!is_there || catalog->refused.items[before].why != why)
        report(catalog, "%s: not served: %s", path, why);
    return GCH_OK;
}

static gch_status scan_found(void *context, const char *name, const struct stat *info,
                             gch_error *err)
{
    scan *s = context;
    gch__catalog *catalog = s->catalog;
    bool is_there;
    size_t at = table_search(&s->found, name, &is_there);
    if (is_there) {
        char path[GCH__NAME_CAP + 8];
        snprintf(path, sizeof path, "%s.gch", name);
        return scan_refuse(s, path, GCH_EXISTS,
                           "another file of this name is, given before it; rename one of them",
                           err);
    }
    if (s->found.count == catalog->desc.data_cap) {
        if (!catalog->is_full_told)
            report(catalog, "%s: not served, there are too many data sets", name);
        catalog->is_full_told = true;
        return GCH_OK;
    }
    GCH_TRY(gch__ensure(catalog->desc.allocator, (void **)&s->found.items, &s->found.cap,
                        s->found.count + 1, sizeof *s->found.items, PURPOSE, err));
    gch__dataset *dataset = find_current(catalog, name, info);
    if (dataset == NULL) {
        gch_status status = open_dataset(catalog, s->root, name, &dataset, err);
        if (status == GCH_NOT_FOUND || status == GCH_IO)
            return GCH_OK; /* gone meanwhile */
        GCH_TRY(status);
        if (dataset->file == NULL)
            report(catalog, "%s", dataset->error.message);
    }
    memmove(s->found.items + at + 1, s->found.items + at,
            (s->found.count - at) * sizeof *s->found.items);
    s->found.items[at] = dataset;
    s->found.count++;
    return GCH_OK;
}

static gch_status scan_root(scan *s, gch_error *err)
{
    if (s->root->file == NULL) {
        const gch__folder_walk walk = {.found = scan_found,
                                       .refuse = scan_refuse,
                                       .context = s,
                                       .allocator = s->catalog->desc.allocator};
        return gch__folder_visit(s->root->folder_fd, &walk, err);
    }
    struct stat info;
    char name[GCH__NAME_CAP];
    int fd = gch__folder_open_named(s->root->folder_fd, s->root->file, &info);
    if (fd < 0)
        return GCH_OK; /* it may come back */
    close(fd);
    snprintf(name, sizeof name, "%.*s", (int)(strlen(s->root->file) - 4), s->root->file);
    return scan_found(s, name, &info, err);
}

static gch_status look(gch__catalog *catalog, gch_error *err)
{
    scan s = {.catalog = catalog};
    for (size_t i = 0; i < catalog->root_count; i++) {
        s.root = &catalog->roots[i];
        gch_status status = scan_root(&s, err);
        if (status != GCH_OK) {
            table_reset(catalog, &s.found);
            refusals_reset(catalog, &s.refused);
            return status;
        }
    }
    pthread_mutex_lock(&catalog->lock);
    bool is_same =
        catalog->now.count == s.found.count && are_same_refusals(&catalog->refused, &s.refused);
    for (size_t i = 0; i < s.found.count && is_same; i++)
        is_same = catalog->now.items[i] == s.found.items[i];
    table before = catalog->now;
    refusals refused_before = catalog->refused;
    catalog->now = s.found;
    catalog->refused = s.refused;
    catalog->version += !is_same;
    pthread_mutex_unlock(&catalog->lock);
    table_reset(catalog, &before);
    refusals_reset(catalog, &refused_before);
    return GCH_OK;
}

static void *scan_again(void *context)
{
    gch__catalog *catalog = context;
    gch_error err;
    uint32_t interval_ms = catalog->desc.scan_interval_ms;
    pthread_mutex_lock(&catalog->lock);
    while (!catalog->is_ending) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += interval_ms / 1000;
        until.tv_nsec += (long)(interval_ms % 1000) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_cond_timedwait(&catalog->is_over, &catalog->lock, &until) != ETIMEDOUT)
            continue;
        pthread_mutex_unlock(&catalog->lock);
        bool has_failed = look(catalog, &err) != GCH_OK;
        if (has_failed && !catalog->is_failure_told)
            report(catalog, "looking for files: %s", err.message);
        catalog->is_failure_told = has_failed;
        pthread_mutex_lock(&catalog->lock);
    }
    pthread_mutex_unlock(&catalog->lock);
    return NULL;
}

/* A folder, or a file by its folder and base name. */
static gch_status open_root(gch__catalog *catalog, const char *path, gch_error *err)
{
    struct stat info;
    root *out = &catalog->roots[catalog->root_count];
    if (stat(path, &info) != 0)
        return gch_fail(err, errno == ENOENT ? GCH_NOT_FOUND : GCH_IO, "%s: %s", path,
                        strerror(errno));
    if (S_ISDIR(info.st_mode)) {
        out->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (out->folder_fd < 0)
            return gch_fail(err, GCH_IO, "%s: %s", path, strerror(errno));
        catalog->root_count++;
        return GCH_OK;
    }
    const gch_allocator *allocator = catalog->desc.allocator;
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t length = strlen(base);
    char name[GCH__NAME_CAP];
    if (!S_ISREG(info.st_mode) || length <= 4 || strcmp(base + length - 4, ".gch") != 0)
        return gch_fail(err, GCH_INVALID, "%s: is neither a folder nor a .gch file", path);
    snprintf(name, sizeof name, "%.*s", (int)length - 4, base);
    if (!gch__name_is_valid(name))
        return gch_fail(err, GCH_INVALID,
                        "%s: a data set's name is UTF-8 that begins with no dot, without control "
                        "characters and backslashes; rename it",
                        path);
    char *folder = slash != NULL
                       ? gch__copy_text(allocator, path, (size_t)(slash - path) + 1, PURPOSE)
                       : gch__copy_text(allocator, ".", 1, PURPOSE);
    out->file = gch__copy_text(allocator, base, length, PURPOSE);
    gch_status status = GCH_OK;
    if (folder == NULL || out->file == NULL)
        status = gch__no_memory(err, PURPOSE);
    else if ((out->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        status = gch_fail(err, GCH_IO, "%s: %s", folder, strerror(errno));
    gch__free(allocator, folder, PURPOSE);
    if (status != GCH_OK)
        gch__free(allocator, out->file, PURPOSE);
    else
        catalog->root_count++;
    return status;
}

gch_status gch__catalog_make(const gch__catalog_desc *desc, gch__catalog **out, gch_error *err)
{
    gch__catalog *catalog = gch__alloc_zero(desc->allocator, 1, sizeof *catalog, PURPOSE);
    if (catalog == NULL)
        return gch__no_memory(err, PURPOSE);
    catalog->desc = *desc;
    pthread_mutex_init(&catalog->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&catalog->is_over, &clock);
    pthread_condattr_destroy(&clock);
    gch_status status = GCH_OK;
    catalog->roots =
        gch__alloc_zero(desc->allocator, desc->path_count, sizeof *catalog->roots, PURPOSE);
    if (catalog->roots == NULL)
        status = gch__no_memory(err, PURPOSE);
    for (size_t i = 0; i < desc->path_count && status == GCH_OK; i++)
        status = open_root(catalog, desc->paths[i], err);
    if (status == GCH_OK)
        status = look(catalog, err);
    if (status == GCH_OK) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        catalog->has_thread = pthread_create(&catalog->scanner, NULL, scan_again, catalog) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!catalog->has_thread)
            status = gch_fail(err, GCH_LIMIT, "a thread cannot be started");
    }
    if (status != GCH_OK) {
        gch__catalog_destroy(catalog);
        return status;
    }
    *out = catalog;
    return GCH_OK;
}

void gch__catalog_destroy(gch__catalog *catalog)
{
    if (catalog == NULL)
        return;
    pthread_mutex_lock(&catalog->lock);
    catalog->is_ending = true;
    pthread_cond_signal(&catalog->is_over);
    pthread_mutex_unlock(&catalog->lock);
    if (catalog->has_thread)
        pthread_join(catalog->scanner, NULL);
    table_reset(catalog, &catalog->now);
    refusals_reset(catalog, &catalog->refused);
    for (size_t i = 0; i < catalog->root_count; i++) {
        close(catalog->roots[i].folder_fd);
        gch__free(catalog->desc.allocator, catalog->roots[i].file, PURPOSE);
    }
    gch__free(catalog->desc.allocator, catalog->roots, PURPOSE);
    pthread_cond_destroy(&catalog->is_over);
    pthread_mutex_destroy(&catalog->lock);
    gch__free(catalog->desc.allocator, catalog, PURPOSE);
}

/* Puts a newer version of a data set into the table; the hold passes to the table. */
static void replace(gch__catalog *catalog, gch__dataset *old, gch__dataset *fresh)
{
    bool is_there;
    pthread_mutex_lock(&catalog->lock);
    size_t at = table_search(&catalog->now, fresh->name, &is_there);
    if (is_there && catalog->now.items[at] == old) {
        catalog->now.items[at] = fresh;
        catalog->version++;
        fresh = old;
    }
    pthread_mutex_unlock(&catalog->lock);
    gch__dataset_release(fresh);
}

gch__dataset *gch__catalog_find(gch__catalog *catalog, const char *name)
{
    bool is_there;
    struct stat info;
    pthread_mutex_lock(&catalog->lock);
    size_t at = table_search(&catalog->now, name, &is_there);
    gch__dataset *dataset = is_there ? catalog->now.items[at] : NULL;
    if (dataset != NULL)
        gch__dataset_hold(dataset);
    pthread_mutex_unlock(&catalog->lock);
    if (dataset == NULL || fstat(dataset->fd, &info) != 0 ||
        gch__dataset_is_current(dataset, &info) || info.st_nlink == 0)
        return dataset;
    /* Grown or overwritten in place: its header may speak of bytes that the old version does not
     * have, so the next reader gets the new one at once. */
    gch__dataset *fresh = NULL;
    gch_error ignored;
    for (size_t i = 0; i < catalog->root_count && fresh == NULL; i++) {
        const root *from = &catalog->roots[i];
        size_t length = strlen(name);
        if (from->file != NULL &&
            (strncmp(from->file, name, length) != 0 || strcmp(from->file + length, ".gch") != 0))
            continue;
        if (open_dataset(catalog, from, name, &fresh, &ignored) != GCH_OK)
            fresh = NULL;
    }
    if (fresh == NULL)
        return dataset;
    gch__dataset_hold(fresh);
    replace(catalog, dataset, fresh);
    gch__dataset_release(dataset);
    return fresh;
}

/* With the lock held. */
static void visit_all(gch__catalog *catalog,
                      bool (*visit)(void *context, const gch__catalog_entry *entry), void *context)
{
    const table *now = &catalog->now;
    const refusals *refused = &catalog->refused;
    bool goes_on = true;
    for (size_t i = 0, k = 0; goes_on && (i < now->count || k < refused->count);) {
        int order = i == now->count       ? 1
                    : k == refused->count ? -1
                                          : strcmp(now->items[i]->name, refused->items[k].name);
        if (order <= 0) { /* a data set goes before a file of its name that is not served */
            const gch__dataset *dataset = now->items[i++];
            k += order == 0;
            goes_on = visit(context, &(gch__catalog_entry){dataset->name, dataset, GCH_OK, NULL});
        } else {
            const refusal *r = &refused->items[k++];
            const gch__catalog_entry entry = {r->name, NULL, r->status, r->why};
            goes_on = !r->is_name || visit(context, &entry);
        }
    }
}

typedef struct list {
    gch__buffer *out;
    bool has_room, has_any;
} list;

static bool add_to_list(void *context, const gch__catalog_entry *entry)
{
    list *l = context;
    const gch__dataset *dataset = entry->dataset;
    l->has_room = l->has_room && (!l->has_any || gch__json_print(l->out, ",\n"));
    l->has_any = true;
    if (dataset != NULL)
        l->has_room =
            l->has_room && gch__buffer_append(l->out, dataset->json, dataset->json_length);
    else
        l->has_room =
            l->has_room && gch__json_print(l->out, "{\"name\": ") &&
            gch__json_text(l->out, entry->name) &&
            gch__json_print(l->out,
                            ", \"error\": {\"status\": \"%s\", \"message\": \"not served: "
                            "%s\"}}",
                            gch_status_name(entry->status), entry->why);
    return l->has_room;
}

gch_status gch__catalog_json(gch__catalog *catalog, gch__buffer *out, uint64_t *out_version,
                             gch_error *err)
{
    list l = {.out = out, .has_room = gch__json_print(out, "{\"data\": [")};
    pthread_mutex_lock(&catalog->lock);
    *out_version = catalog->version;
    visit_all(catalog, add_to_list, &l);
    pthread_mutex_unlock(&catalog->lock);
    return l.has_room && gch__json_print(out, "]}\n") ? GCH_OK : gch__no_memory(err, PURPOSE);
}

void gch__catalog_visit(gch__catalog *catalog,
                        bool (*visit)(void *context, const gch__catalog_entry *entry),
                        void *context)
{
    pthread_mutex_lock(&catalog->lock);
    visit_all(catalog, visit, context);
    pthread_mutex_unlock(&catalog->lock);
}

size_t gch__catalog_count(gch__catalog *catalog)
{
    pthread_mutex_lock(&catalog->lock);
    size_t count = catalog->now.count;
    pthread_mutex_unlock(&catalog->lock);
    return count;
}
