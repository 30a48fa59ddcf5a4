/* Where ingested bytes come from: a file, standard input, or memory.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_INGEST_INPUT_H
#define GCH_INGEST_INPUT_H

#include "base.h"

#define GCH__INPUT_NAME_CAP 100

typedef struct gch__input {
    char name[GCH__INPUT_NAME_CAP]; /* for messages; a long path is cut at its front */
    int fd;                         /* -1: memory */
    bool owns_fd;
    bool can_rewind;      /* regular file or memory */
    uint64_t origin;      /* file offset of byte 0 of the input */
    uint64_t total_bytes; /* 0: not known */
    uint64_t done_bytes;  /* read so far */
    gch__span memory;
    gch_workers *workers; /* borrowed; share out large reads where the input allows it */
} gch__input;

/* "-" is standard input. GCH_NOT_FOUND, GCH_IO. */
GCH_CHECKED gch_status gch__input_open(const char *path, gch__input *out, gch_error *err);
/* `bytes` is borrowed until close. */
void gch__input_open_memory(const char *name, gch__span bytes, gch__input *out);
/* One whose bytes are pushed: it has a name and counts, and cannot be read. */
void gch__input_open_pushed(const char *name, gch__input *out);
void gch__input_close(gch__input *input);

/* Reads until `cap` bytes are there or the input ends: *out_count < cap only at the end. GCH_IO. */
GCH_CHECKED gch_status gch__input_read(gch__input *input, void *to, size_t cap, size_t *out_count,
                                       gch_error *err);
/* The same, but of an input that cannot rewind no more than has come by deadline_ns (of
 * gch__clock_ns; INT64_MAX: none). *out_is_end: nothing comes behind these bytes. */
GCH_CHECKED gch_status gch__input_read_until(gch__input *input, void *to, size_t cap,
                                             int64_t deadline_ns, size_t *out_count,
                                             bool *out_is_end, gch_error *err);
/* The same from a position, for inputs that can rewind; does not move the reading position. */
GCH_CHECKED gch_status gch__input_read_at(gch__input *input, uint64_t offset, void *to, size_t cap,
                                          size_t *out_count, gch_error *err);
/* Back to byte 0; only if can_rewind. */
void gch__input_rewind(gch__input *input);

#endif
