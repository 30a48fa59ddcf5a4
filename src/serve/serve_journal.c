/* Journals (serve_journal.h).
 *
 * Invariants:
 *  1. `end` is behind the last whole group; nothing lies behind it but while a group is written.
 *  2. A file gets its name only when its head is on the disk.
 *  3. After a sync has failed nobody knows what the disk has: nothing more is written.
 */
#include "serve_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define PURPOSE "journal"
#define HEADER_BYTES 32u
#define BATCH_BYTES 48u
#define NAME_CAP 256u
#define HEAD_BYTES_MAX ((uint64_t)16 << 20)
#define NUMBER_MAX 99999999u

typedef struct journal_file {
    uint32_t number;
    uint64_t end_row; /* behind its last batch */
} journal_file;

struct gch__journal {
    const gch_allocator *allocator;
    int folder_fd;
    int fd; /* of the newest file; -1: none yet */
    char *stem;
    journal_file *files; /* ascending */
    size_t file_count, file_cap;
    uint64_t end, before; /* of the newest file; before: where its last group begins */
    bool is_broken;
    gch__buffer room;
};

static void put_u64(uint8_t *to, uint64_t value)
{
    memcpy(to, &value, sizeof value);
}

static void put_u32(uint8_t *to, uint32_t value)
{
    memcpy(to, &value, sizeof value);
}

static void name_of(const gch__journal *journal, uint32_t number, char out[NAME_CAP])
{
    snprintf(out, NAME_CAP, "%s.%08u.journal", journal->stem, number);
}

bool gch__journal_parse_name(const char *name, size_t *stem_length, uint32_t *number)
{
    static const char ending[] = ".journal";
    const size_t length = strlen(name), tail = 9 + sizeof ending - 1;
    if (length <= tail || strcmp(name + length - (sizeof ending - 1), ending) != 0 ||
        name[length - tail] != '.')
        return false;
    *number = 0;
    for (size_t i = length - tail + 1; i < length - tail + 9; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        *number = *number * 10 + (uint32_t)(name[i] - '0');
    }
    *stem_length = length - tail;
    return true;
}

static gch_status fail_io(const gch__journal *journal, gch_error *err)
{
    int code = errno;
    bool is_full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return gch_fail(err, is_full ? GCH_UNAVAILABLE : GCH_IO, "journal of %s: %s", journal->stem,
                    strerror(code));
}

static bool write_all(int fd, const uint8_t *bytes, size_t count, uint64_t at)
{
    while (count > 0) {
        ssize_t written = pwrite(fd, bytes, count, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        count -= (size_t)written;
        at += (uint64_t)written;
    }
    return true;
}

/* ---- writing ---- */

static gch__journal *journal_make(int folder_fd, const char *stem, const gch_allocator *allocator)
{
    gch__journal *journal = gch__alloc_zero(allocator, 1, sizeof *journal, PURPOSE);
    if (journal == NULL)
        return NULL;
    journal->allocator = allocator;
    journal->folder_fd = folder_fd;
    journal->fd = -1;
    journal->room = (gch__buffer){.allocator = allocator, .purpose = PURPOSE};
    journal->stem = gch__copy_text(allocator, stem, strlen(stem), PURPOSE);
    if (journal->stem == NULL) {
        gch__journal_close(journal);
        return NULL;
    }
    return journal;
}

void gch__journal_close(gch__journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    gch__buffer_reset(&journal->room);
    gch__free(journal->allocator, journal->files, PURPOSE);
    gch__free(journal->allocator, journal->stem, PURPOSE);
    gch__free(journal->allocator, journal, PURPOSE);
}

static bool append_header(gch__buffer *to, gch__span head, uint32_t number)
{
    static const uint8_t magic[8] = {'G', 'C', 'H', 'J', 1};
    size_t padded = (size_t)gch__align_up(head.count, 8);
    uint8_t *bytes = gch__buffer_reserve(to, HEADER_BYTES + padded);
    if (bytes == NULL)
        return false;
    memset(bytes, 0, HEADER_BYTES + padded);
    memcpy(bytes, magic, sizeof magic);
    put_u64(bytes + 8, head.count);
    put_u64(bytes + 16, number);
    memcpy(bytes + HEADER_BYTES, head.bytes, head.count);
    put_u64(bytes + 24, XXH3_64bits_withSeed(bytes + HEADER_BYTES, padded, XXH3_64bits(bytes, 24)));
    to->count += HEADER_BYTES + padded;
    return true;
}

static bool append_group(gch__buffer *to, const gch__journal_batch *batches, size_t count)
{
    static const uint8_t magic[4] = {'G', 'C', 'H', 'G'};
    size_t bytes = HEADER_BYTES;
    for (size_t i = 0; i < count; i++)
        bytes += BATCH_BYTES + batches[i].payload.count;
    uint8_t *group = gch__buffer_reserve(to, bytes);
    if (group == NULL)
        return false;
    uint8_t *at = group + HEADER_BYTES;
    for (size_t i = 0; i < count; i++) {
        const gch__journal_batch *batch = &batches[i];
        put_u64(at, batch->sequence);
        put_u64(at + 8, batch->first_row);
        put_u64(at + 16, batch->publisher);
        put_u64(at + 24, batch->publisher_sequence);
        put_u32(at + 32, batch->row_count);
        put_u32(at + 36, 0);
        put_u64(at + 40, batch->payload.count);
        memcpy(at + BATCH_BYTES, batch->payload.bytes, batch->payload.count);
        at += BATCH_BYTES + batch->payload.count;
    }
    memcpy(group, magic, sizeof magic);
    put_u32(group + 4, (uint32_t)count);
    put_u64(group + 8, bytes - HEADER_BYTES);
    put_u64(group + 16, XXH3_64bits(group + HEADER_BYTES, bytes - HEADER_BYTES));
    put_u64(group + 24, XXH3_64bits(group, 24));
    to->count += bytes;
    return true;
}

/* A file with what lies in `room`, under its name and on the disk. */
static gch_status make_file(gch__journal *journal, uint32_t number, int *out_fd, gch_error *err)
{
    char name[NAME_CAP], temporary[NAME_CAP + 4];
    name_of(journal, number, name);
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = openat(journal->folder_fd, temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail_io(journal, err);
    if (!write_all(fd, journal->room.bytes, journal->room.count, 0) || fdatasync(fd) != 0 ||
        renameat(journal->folder_fd, temporary, journal->folder_fd, name) != 0 ||
        fsync(journal->folder_fd) != 0) {
        gch_status status = fail_io(journal, err);
        (void)unlinkat(journal->folder_fd, temporary, 0);
        (void)unlinkat(journal->folder_fd, name, 0);
        close(fd);
        return status;
    }
    *out_fd = fd;
    return GCH_OK;
}

static gch_status add_file(gch__journal *journal, uint32_t number, gch_error *err)
{
    GCH_TRY(gch__ensure(journal->allocator, (void **)&journal->files, &journal->file_cap,
                        journal->file_count + 1, sizeof *journal->files, PURPOSE, err));
    journal->files[journal->file_count++] = (journal_file){.number = number};
    return GCH_OK;
}

gch_status gch__journal_create(int folder_fd, const char *stem, gch__span head,
                               const gch_allocator *allocator, gch__journal **out, gch_error *err)
{
    gch__journal *journal = journal_make(folder_fd, stem, allocator);
    if (journal == NULL)
        return gch__no_memory(err, PURPOSE);
    gch_status status = add_file(journal, 1, err);
    if (status == GCH_OK && !append_header(&journal->room, head, 1))
        status = gch__no_memory(err, PURPOSE);
    if (status == GCH_OK)
        status = make_file(journal, 1, &journal->fd, err);
    if (status != GCH_OK) {
        gch__journal_close(journal);
        return status;
    }
    journal->end = journal->before = journal->room.count;
    *out = journal;
    return GCH_OK;
}

gch_status gch__journal_write(gch__journal *journal, const gch__journal_batch *batches,
                              size_t count, gch_error *err)
{
    if (journal->is_broken)
        return gch_fail(err, GCH_IO, "journal of %s: the disk has failed", journal->stem);
    journal->room.count = 0;
    if (!append_group(&journal->room, batches, count))
        return gch__no_memory(err, PURPOSE);
    if (!write_all(journal->fd, journal->room.bytes, journal->room.count, journal->end)) {
        gch_status status = fail_io(journal, err);
        journal->is_broken = ftruncate(journal->fd, (off_t)journal->end) != 0;
        return status;
    }
    if (fdatasync(journal->fd) != 0) {
        journal->is_broken = true;
        return fail_io(journal, err);
    }
    journal->before = journal->end;
    journal->end += journal->room.count;
    const gch__journal_batch *last = &batches[count - 1];
    journal->files[journal->file_count - 1].end_row = last->first_row + last->row_count;
    return GCH_OK;
}

gch_status gch__journal_take_back(gch__journal *journal, gch_error *err)
{
    if (ftruncate(journal->fd, (off_t)journal->before) != 0 || fdatasync(journal->fd) != 0) {
        journal->is_broken = true;
        return fail_io(journal, err);
    }
    journal->end = journal->before;
    return GCH_OK;
}

bool gch__journal_is_broken(const gch__journal *journal)
{
    return journal->is_broken;
}

gch_status gch__journal_turn(gch__journal *journal, gch__span head,
                             const gch__journal_batch *newest, gch_error *err)
{
    uint32_t number = journal->files[journal->file_count - 1].number + 1;
    int fd;
    if (journal->is_broken || number > NUMBER_MAX)
        return gch_fail(err, GCH_IO, "journal of %s: no file can follow", journal->stem);
    journal->room.count = 0;
    if (!append_header(&journal->room, head, number))
        return gch__no_memory(err, PURPOSE);
    uint64_t begin = journal->room.count;
    if (!append_group(&journal->room, newest, 1))
        return gch__no_memory(err, PURPOSE);
    GCH_TRY(add_file(journal, number, err));
    gch_status status = make_file(journal, number, &fd, err);
    if (status != GCH_OK) {
        journal->file_count--;
        return status;
    }
    close(journal->fd);
    journal->fd = fd;
    journal->before = begin;
    journal->end = journal->room.count;
    journal->files[journal->file_count - 1].end_row = newest->first_row + newest->row_count;
    return GCH_OK;
}

void gch__journal_drop(gch__journal *journal, uint64_t row)
{
    char name[NAME_CAP];
    size_t count = 0;
    while (count + 1 < journal->file_count && journal->files[count].end_row <= row) {
        name_of(journal, journal->files[count].number, name);
        if (unlinkat(journal->folder_fd, name, 0) != 0 && errno != ENOENT)
            break;
        count++;
    }
    journal->file_count -= count;
    memmove(journal->files, journal->files + count, journal->file_count * sizeof *journal->files);
}

uint64_t gch__journal_bytes(const gch__journal *journal)
{
    return journal->end;
}

/* ---- replay ---- */

typedef struct replay {
    gch__journal *journal;
    const gch__journal_reader *reader;
    int fd;
    uint64_t byte_count, at;
    bool is_newest;
    char name[NAME_CAP];
} replay;

static gch_status damaged(const replay *r, const char *what, gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "%s: byte %llu: %s", r->name, (unsigned long long)r->at,
                    what);
}

/* `count` bytes from `at` into the journal's room. */
static gch_status read_at(replay *r, uint64_t at, uint64_t count, gch_error *err)
{
    gch__buffer *room = &r->journal->room;
    room->count = 0;
    uint8_t *to = gch__buffer_reserve(room, (size_t)count);
    if (to == NULL)
        return gch__no_memory(err, PURPOSE);
    for (uint64_t done = 0; done < count;) {
        ssize_t got = pread(r->fd, to + done, (size_t)(count - done), (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return gch_fail(err, GCH_IO, "%s: %s", r->name, got < 0 ? strerror(errno) : "shrank");
        done += (uint64_t)got;
    }
    room->count = (size_t)count;
    return GCH_OK;
}

static gch_status read_head(replay *r, uint32_t number, gch_error *err)
{
    if (r->byte_count < HEADER_BYTES)
        return damaged(r, "the header is cut short", err);
    GCH_TRY(read_at(r, 0, HEADER_BYTES, err));
    const uint8_t *header = r->journal->room.bytes;
    uint64_t count = gch__load_u64(header + 8), sum = gch__load_u64(header + 24);
    if (memcmp(header, "GCHJ", 4) != 0 || gch__load_u64(header + 16) != number ||
        count > HEAD_BYTES_MAX || gch__align_up(count, 8) > r->byte_count - HEADER_BYTES)
        return damaged(r, "this is no journal, or its header is damaged", err);
    if (gch__load_u16(header + 4) != 1)
        return gch_fail(err, GCH_UNSUPPORTED, "%s: a journal of another version", r->name);
    uint64_t seed = XXH3_64bits(header, 24);
    GCH_TRY(read_at(r, HEADER_BYTES, gch__align_up(count, 8), err));
    const gch__buffer *room = &r->journal->room;
    if (XXH3_64bits_withSeed(room->bytes, room->count, seed) != sum)
        return damaged(r, "the header's checksum is wrong", err);
    r->at = HEADER_BYTES + room->count;
    return r->reader->head(r->reader->context, (gch__span){room->bytes, (size_t)count}, err);
}

/* The batches of a group, whose checksum is right. */
static gch_status give_group(replay *r, uint32_t count, gch_error *err)
{
    const gch__buffer *room = &r->journal->room;
    gch__span rest = {room->bytes, room->count};
    for (uint32_t i = 0; i < count; i++) {
        if (rest.count < BATCH_BYTES)
            return damaged(r, "a group ends within a batch", err);
        const uint8_t *at = rest.bytes;
        uint64_t bytes = gch__load_u64(at + 40);
        if (bytes > rest.count - BATCH_BYTES || bytes % 8 != 0)
            return damaged(r, "a batch is longer than its group", err);
        const gch__journal_batch batch = {.sequence = gch__load_u64(at),
                                          .first_row = gch__load_u64(at + 8),
                                          .publisher = gch__load_u64(at + 16),
                                          .publisher_sequence = gch__load_u64(at + 24),
                                          .row_count = gch__load_u32(at + 32),
                                          .payload = {at + BATCH_BYTES, (size_t)bytes}};
        GCH_TRY(r->reader->batch(r->reader->context, &batch, err));
        r->journal->files[r->journal->file_count - 1].end_row = batch.first_row + batch.row_count;
        rest = (gch__span){at + BATCH_BYTES + bytes, rest.count - BATCH_BYTES - (size_t)bytes};
    }
    return rest.count == 0 ? GCH_OK : damaged(r, "bytes behind the batches of a group", err);
}

/* Whether a write that was cut short leaves nothing but zeros from r->at on. */
static gch_status is_blank(replay *r, bool *out, gch_error *err)
{
    *out = true;
    for (uint64_t at = r->at; at < r->byte_count && *out; at += 65536) {
        GCH_TRY(read_at(r, at, GCH_MIN(r->byte_count - at, (uint64_t)65536), err));
        for (size_t i = 0; i < r->journal->room.count; i++)
            *out = *out && r->journal->room.bytes[i] == 0;
    }
    return GCH_OK;
}

/* Reads one group; *out_is_torn: the write of it did not come to its end. */
static gch_status read_group(replay *r, bool *out_is_torn, gch_error *err)
{
    uint64_t left = r->byte_count - r->at;
    *out_is_torn = left < HEADER_BYTES;
    if (*out_is_torn)
        return GCH_OK;
    GCH_TRY(read_at(r, r->at, HEADER_BYTES, err));
    const uint8_t *header = r->journal->room.bytes;
    uint32_t count = gch__load_u32(header + 4);
    uint64_t bytes = gch__load_u64(header + 8), sum = gch__load_u64(header + 16);
    if (memcmp(header, "GCHG", 4) != 0 || gch__load_u64(header + 24) != XXH3_64bits(header, 24)) {
        GCH_TRY(is_blank(r, out_is_torn, err));
        return *out_is_torn ? GCH_OK : damaged(r, "a group's header is damaged", err);
    }
    if (bytes > left - HEADER_BYTES) {
        *out_is_torn = true;
        return GCH_OK;
    }
    GCH_TRY(read_at(r, r->at + HEADER_BYTES, bytes, err));
    if (XXH3_64bits(r->journal->room.bytes, (size_t)bytes) != sum) {
        *out_is_torn = bytes == left - HEADER_BYTES;
        return *out_is_torn ? GCH_OK : damaged(r, "a group's checksum is wrong", err);
    }
    GCH_TRY(give_group(r, count, err));
    r->journal->before = r->at;
    r->at += HEADER_BYTES + bytes;
    return GCH_OK;
}

static gch_status replay_file(replay *r, uint32_t number, gch_error *err)
{
    struct stat info;
    bool is_torn = false;
    r->at = 0;
    if (fstat(r->fd, &info) != 0)
        return gch_fail(err, GCH_IO, "%s: %s", r->name, strerror(errno));
    r->byte_count = (uint64_t)info.st_size;
    GCH_TRY(read_head(r, number, err));
    r->journal->before = r->at;
    while (r->at < r->byte_count && !is_torn)
        GCH_TRY(read_group(r, &is_torn, err));
    if (!is_torn)
        return GCH_OK;
    if (!r->is_newest)
        return damaged(r, "the file is cut short, and another one follows", err);
    if (ftruncate(r->fd, (off_t)r->at) != 0 || fdatasync(r->fd) != 0)
        return gch_fail(err, GCH_IO, "%s: %s", r->name, strerror(errno));
    return GCH_OK;
}

gch_status gch__journal_open(int folder_fd, const char *stem, const uint32_t *numbers, size_t count,
                             const gch__journal_reader *reader, const gch_allocator *allocator,
                             gch__journal **out, gch_error *err)
{
    gch__journal *journal = journal_make(folder_fd, stem, allocator);
    if (journal == NULL)
        return gch__no_memory(err, PURPOSE);
    gch_status status = GCH_OK;
    for (size_t i = 0; i < count && status == GCH_OK; i++) {
        replay r = {.journal = journal, .reader = reader, .is_newest = i + 1 == count};
        name_of(journal, numbers[i], r.name);
        r.fd = openat(folder_fd, r.name, O_RDWR | O_CLOEXEC);
        if (r.fd < 0) {
            status = gch_fail(err, GCH_IO, "%s: %s", r.name, strerror(errno));
            break;
        }
        status = add_file(journal, numbers[i], err);
        if (status == GCH_OK)
            status = replay_file(&r, numbers[i], err);
        journal->end = r.at;
        if (status == GCH_OK && r.is_newest)
            journal->fd = r.fd;
        else
            close(r.fd);
    }
    if (status != GCH_OK) {
        gch__journal_close(journal);
        return status;
    }
    *out = journal;
    return GCH_OK;
}
