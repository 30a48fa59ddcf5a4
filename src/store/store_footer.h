/* The first page and the footer: which state of the file holds, and what the file is about. */
#ifndef GCH_STORE_FOOTER_H
#define GCH_STORE_FOOTER_H

#include "store_format.h"
#include "store_tolerance.h"

#include "gch/writer.h"

typedef struct gch__meta_column {
    char *name, *unit;
    gch_type type;
    gch__decimals decimals;
    uint32_t fixed_scale;
    gch_decimal tolerance; /* of its own; 0: the file's */
    gch__step step;        /* what its values are rounded to on their way in */
} gch__meta_column;

/* What makes a file a point set; curve DEFAULT: it is none. */
typedef struct gch__point_mark {
    gch_curve curve;
    uint32_t x_column, y_column;
} gch__point_mark;

/* A footer in memory. Texts and columns are owned; segments are owned by whoever set them. */
typedef struct gch__meta {
    const gch_allocator *allocator;
    uint64_t generation, row_count;
    uint64_t previous_offset, previous_bytes;
    gch_time_unit time_unit;
    bool time_is_text;
    char *time_name, *time_zone, *source, *preset;
    gch_preset preset_kind; /* as the text has it; DEFAULT: as this program cannot make it */
    gch_decimal tolerance;
    gch__point_mark points; /* on disk: a word of the preset */
    uint32_t column_count;
    gch__meta_column *columns;
    uint32_t segment_count;
    const gch__disk_segment *segments; /* parsed: borrowed from the file image */
} gch__meta;

void gch__meta_reset(gch__meta *meta);

/* Whether a file can be described so; `name` stands in messages. GCH_INVALID. */
GCH_CHECKED gch_status gch__meta_check(const gch_writer_desc *desc, const char *name,
                                       gch_error *err);
/* What a checked desc says of a new file. `meta` is zeros but for the allocator; reset it also
 * after a failure. GCH_INVALID (texts), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__meta_fill(gch__meta *meta, const gch_writer_desc *desc,
                                      const char *name, gch_error *err);
/* Whether rows of the desc can be appended to the file. GCH_INVALID. */
GCH_CHECKED gch_status gch__meta_match(const gch__meta *meta, const gch_writer_desc *desc,
                                       const char *name, gch_error *err);
/* All but segments and previous footer. `meta` as in gch__meta_fill. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__meta_copy(gch__meta *meta, const gch__meta *from, gch_error *err);

/* ---- the preset (store_preset.c): its text, and what follows from it ---- */

/* Whether the desc's preset and tolerances can be. GCH_INVALID. */
GCH_CHECKED gch_status gch__preset_check(const gch_writer_desc *desc, const char *name,
                                         gch_error *err);
/* What a checked desc says, to the meta of its columns. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__preset_fill(gch__meta *meta, const gch_writer_desc *desc,
                                        gch_error *err);
/* What the meta's text says; words that are not known, or not well formed, say nothing. */
void gch__preset_read(gch__meta *meta);
/* Whether rows of the desc are packed as the file's. GCH_INVALID, GCH_UNSUPPORTED. */
GCH_CHECKED gch_status gch__preset_match(const gch__meta *meta, const gch_writer_desc *desc,
                                         const char *name, gch_error *err);
/* That holds for a column; 0: none. */
gch_decimal gch__preset_tolerance(const gch__meta *meta, uint32_t column);

/* Takes the word that marks a point set out of a preset's text, if there is one; texts of other
 * words stay. False: it is not well formed, or there are two. Columns are not compared with those
 * of the file. */
bool gch__point_mark_take(char *preset, gch__point_mark *out);
/* The word with a space before it, "" for none; `out` holds at least 48 bytes. Its length. */
size_t gch__point_mark_print(gch__point_mark mark, char *out, size_t cap);

#define GCH__TEXT_BYTES_MAX 65536u /* of a text in the footer; names of columns: 255 */
#define GCH__NAME_BYTES_MAX 255u

/* Whether text[0, length) is well-formed UTF-8 without NUL. */
bool gch__text_is_utf8(const char *text, size_t length);

/* Appends the footer and the trailer that follows it at file position `offset` (a multiple of
 * GCH__ALIGN). *out_commit is the trailer, which is what the slot gets too. */
gch_status gch__footer_write(const gch__meta *meta, uint64_t offset, gch__buffer *out,
                             gch__disk_commit *out_commit, gch_error *err);
/* The footer of `commit`, which lies within the image; every field is checked. */
gch_status gch__footer_parse(const char *name, const uint8_t *image, const gch__disk_commit *commit,
                             gch__meta *out, gch_error *err);

gch__disk_header gch__header_make(void);
/* Magic, version, checksum of the first page's header. GCH_CORRUPT, GCH_UNSUPPORTED. */
gch_status gch__header_check(const char *name, const uint8_t *image, uint64_t size, gch_error *err);

typedef enum gch__commit_state {
    GCH__COMMIT_UNUSED = 0, /* all zero */
    GCH__COMMIT_DAMAGED = 1,
    GCH__COMMIT_SOUND = 2,
} gch__commit_state;
gch__commit_state gch__commit_get(const uint8_t *bytes, gch__disk_commit *out);

/* The current state: the sound one of slots and trailer with the highest generation. GCH_CORRUPT if
 * there is none or the file is shorter than it says. */
gch_status gch__commit_find(const char *name, const uint8_t *image, uint64_t size,
                            gch__disk_commit *out, gch_error *err);

#endif
