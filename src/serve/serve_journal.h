/* The journal of a live series: what was accepted, on the disk before anybody is told.
 *
 * It is one file or several, STEM.NNNNNNNN.journal, each with a head (what the series is at its
 * beginning, as bytes of the user's) and groups of batches. A group is written and synced as one,
 * so that all batches that wait share one wait for the disk. Replay ends quietly at a group that
 * was cut short at the end of the newest file; any other damage is an error.
 *
 * A file, little-endian, everything a multiple of 8 bytes:
 *   0  u8[4] "GCHJ", u16 version 1, u16 0
 *   8  u64   bytes of the head, without padding
 *  16  u64   number of the file
 *  24  u64   XXH3-64 of the head with its padding, seeded with that of bytes 0-23
 *  32        the head, padded with zeros
 *  then groups:
 *   0  u8[4] "GCHG", u32 number of batches
 *   8  u64   bytes of the batches
 *  16  u64   XXH3-64 of the batches
 *  24  u64   XXH3-64 of bytes 0-23
 *  32        batches: u64 sequence, u64 first row, u64 publisher, u64 publisher sequence, u32 rows,
 *            u32 0, u64 bytes of the payload (docs/protocol.md), then the payload
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_SERVE_JOURNAL_H
#define GCH_SERVE_JOURNAL_H

#include "base.h"

typedef struct gch__journal gch__journal;

typedef struct gch__journal_batch {
    uint64_t sequence, first_row, publisher, publisher_sequence;
    uint32_t row_count;
    gch__span payload; /* a multiple of 8 bytes; aligned to 8 in replay */
} gch__journal_batch;

typedef struct gch__journal_reader {
    /* Heads come in the order of files, each before its file's batches. What they return other than
     * GCH_OK ends the replay. */
    gch_status (*head)(void *context, gch__span head, gch_error *err);
    gch_status (*batch)(void *context, const gch__journal_batch *batch, gch_error *err);
    void *context;
} gch__journal_reader;

/* The first file of a new journal, on the disk when this returns. `folder_fd` is borrowed. GCH_IO,
 * GCH_UNAVAILABLE (the disk is full), GCH_NO_MEMORY. */
gch_status gch__journal_create(int folder_fd, const char *stem, gch__span head,
                               const gch_allocator *allocator, gch__journal **out, gch_error *err);
/* Replays the files with `numbers[0, count)`, ascending, and goes on with the last one. GCH_CORRUPT
 * names file and byte; GCH_IO, GCH_NO_MEMORY, and what the reader returns. */
gch_status gch__journal_open(int folder_fd, const char *stem, const uint32_t *numbers, size_t count,
                             const gch__journal_reader *reader, const gch_allocator *allocator,
                             gch__journal **out, gch_error *err);
void gch__journal_close(gch__journal *journal); /* NULL is allowed */

/* Writes a group and waits until it is on the disk. On failure it is not in the journal: GCH_LIMIT
 * (the disk is full), GCH_IO, GCH_NO_MEMORY. If that cannot be made sure, or a sync has failed, the
 * journal takes no more (gch__journal_is_broken). */
gch_status gch__journal_write(gch__journal *journal, const gch__journal_batch *batches,
                              size_t count, gch_error *err);
/* Takes the group written last back, once. GCH_IO: the journal is broken. */
gch_status gch__journal_take_back(gch__journal *journal, gch_error *err);
bool gch__journal_is_broken(const gch__journal *journal);
/* Goes on in a new file, which begins with `head` and one batch. On failure it goes on in the old
 * one. As gch__journal_write. */
gch_status gch__journal_turn(gch__journal *journal, gch__span head,
                             const gch__journal_batch *newest, gch_error *err);
/* Deletes the files, but for the newest, whose rows all lie before `row`. */
void gch__journal_drop(gch__journal *journal, uint64_t row);
uint64_t gch__journal_bytes(const gch__journal *journal); /* of the newest file */

/* "STEM.NNNNNNNN.journal": false if it is none; `stem_length` is that of STEM. */
bool gch__journal_parse_name(const char *name, size_t *stem_length, uint32_t *number);

#endif
