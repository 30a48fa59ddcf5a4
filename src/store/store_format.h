/* The bytes of a .gch file, as structs (specified in docs/format.md).
 *
 * Invariants:
 *  1. Everything is little-endian and naturally aligned; a file image starts on a 64-byte border.
 *  2. Reserved fields and padding are zero.
 *  3. A checksum is XXH3-64 with seed 0 over the bytes named beside it.
 */
#ifndef GCH_STORE_FORMAT_H
#define GCH_STORE_FORMAT_H

#include "store_segment.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are read in place");

#define GCH__FORMAT_VERSION 1u
#define GCH__PAGE_BYTES 16384u
#define GCH__ALIGN 64u /* of every array, descriptor and footer */

/* The two commit slots lie in different 4 KiB sectors: a torn write harms one at most. */
#define GCH__SLOT_COUNT 2u
#define GCH__SLOT_OFFSET(slot) (4096u * ((slot) + 1u))

#define GCH__PAYLOAD_UNIT 32u /* bytes a directory step */

#define GCH__MAGIC_HEADER 0x46484347u     /* "GCHF" */
#define GCH__MAGIC_COMMIT 0x43484347u     /* "GCHC" */
#define GCH__MAGIC_FOOTER 0x4D484347u     /* "GCHM" */
#define GCH__MAGIC_DESCRIPTOR 0x53484347u /* "GCHS" */

/* Byte 0 of the file. The first 32 bytes keep this shape in every version to come. */
typedef struct gch__disk_header {
    uint32_t magic;
    uint32_t version;
    uint32_t page_bytes;
    uint32_t reserved;
    uint64_t reserved_too;
    uint64_t checksum; /* of the 24 bytes before */
} gch__disk_header;
static_assert(sizeof(gch__disk_header) == 32, "file format");

/* A slot of page 0 that was never used is all zero; the last 64 committed bytes are one too (the
 * trailer). */
typedef struct gch__disk_commit {
    uint32_t magic;
    uint32_t version;
    uint64_t generation;      /* 1 for a new file, one more with each append */
    uint64_t committed_bytes; /* footer_offset + footer_bytes + 64 */
    uint64_t footer_offset;
    uint64_t footer_bytes;
    uint64_t reserved[2];
    uint64_t checksum; /* of the 56 bytes before */
} gch__disk_commit;
static_assert(sizeof(gch__disk_commit) == 64, "file format");

typedef struct gch__disk_text {
    uint32_t offset; /* from the start of the footer's text */
    uint32_t bytes;
} gch__disk_text;

#define GCH__FOOTER_TIME_IS_TEXT 1u

/* Followed by columns, segments, text, zeros up to the last 8 bytes, and the checksum of all before
 * it; footer_bytes is a multiple of 64. */
typedef struct gch__disk_footer {
    uint32_t magic;
    uint32_t column_count;
    uint64_t generation;
    uint64_t row_count;
    uint64_t previous_offset; /* the footer that this one replaced; 0: none */
    uint64_t previous_bytes;
    uint32_t segment_count;
    uint32_t time_unit;
    uint32_t flags;
    uint32_t text_bytes;
    gch__disk_text time_name, time_zone, source, preset;
    uint64_t reserved;
} gch__disk_footer;
static_assert(sizeof(gch__disk_footer) == 96, "file format");

/* How many decimals the numbers of a text column were written with. */
typedef enum gch__decimals {
    GCH__DECIMALS_NONE = 0,  /* no number yet, or no text column */
    GCH__DECIMALS_FIXED = 1, /* all with fixed_scale */
    GCH__DECIMALS_MIXED = 2,
} gch__decimals;

typedef struct gch__disk_column {
    uint32_t type;
    uint32_t decimals;
    uint32_t fixed_scale;
    uint32_t reserved;
    gch__disk_text name, unit;
} gch__disk_column;
static_assert(sizeof(gch__disk_column) == 32, "file format");

typedef struct gch__disk_segment {
    uint64_t offset; /* of the file, on a page border */
    uint64_t descriptor_offset;
    uint64_t descriptor_bytes;
    uint64_t descriptor_checksum;
    uint64_t first_row;
    uint32_t row_count;
    uint32_t reserved;
    int64_t first_time;
    int64_t last_time;
} gch__disk_segment;
static_assert(sizeof(gch__disk_segment) == 64, "file format");

typedef enum gch__time_mode { GCH__TIME_AFFINE = 1, GCH__TIME_LINES = 2 } gch__time_mode;

/* Followed by one gch__disk_value a column, the table of page checksums (one a page of the body),
 * and zeros to a multiple of 64. Offsets count from the segment's start. */
typedef struct gch__disk_descriptor {
    uint32_t magic;
    uint32_t column_count;
    uint64_t first_row;
    uint32_t row_count;
    uint32_t time_mode;
    int64_t first_time;
    int64_t last_time;
    uint64_t payload_bytes; /* from the segment's start */
    uint64_t body_bytes;    /* payload and arrays: a multiple of the page size */
    uint32_t run_count;     /* affine mode, else 0 */
    uint32_t reserved;
    int64_t origin; /* lines mode, else 0 */
    uint64_t unit;
    uint64_t runs_offset; /* affine mode, else 0 */
    uint64_t supers_offset;
    uint64_t lines_offset;
    uint64_t directory_offset;
    uint64_t time_payload_bytes;
    uint64_t reserved_too;
} gch__disk_descriptor;
static_assert(sizeof(gch__disk_descriptor) == 128, "file format");

#define GCH__VALUE_IS_WIDE 1u
#define GCH__VALUE_FIRST_DRAWN 2u
#define GCH__VALUE_LAST_DRAWN 4u

typedef struct gch__disk_value {
    uint32_t kind;
    uint32_t scale;
    uint64_t base;
    uint32_t flags;
    uint32_t level_count;
    uint64_t headers_offset; /* tree level 0 */
    uint64_t tree_offset;    /* level 1, and each further level on the next 64-byte border; or 0 */
    uint64_t directory_offset;
    uint64_t gap_supers_offset;
    uint64_t bitmaps_offset;
    uint64_t run_starts_offset;
    uint64_t exceptions_offset;
    uint32_t gap_super_count;
    uint32_t run_start_count;
    uint32_t exception_count;
    uint32_t gap_count;
    uint64_t payload_bytes;
    uint64_t reserved[3];
} gch__disk_value;
static_assert(sizeof(gch__disk_value) == 128, "file format");

static_assert(sizeof(gch__affine_run) == 24, "file format");
static_assert(sizeof(gch__exception) == 16, "file format");
static_assert(sizeof(gch__pair32) == 8 && sizeof(gch__pair64) == 16, "file format");

#define GCH__BITMAP_WORDS 32u /* a super-block's drawn rows */

/* Pairs of each tree level over `block_count` >= 1 blocks; returns the number of levels. */
static inline uint32_t gch__tree_shape(uint32_t block_count, uint32_t counts[GCH_TREE_LEVELS_CAP])
{
    uint32_t level = 0;
    counts[0] = block_count;
    while (counts[level] > 1) {
        counts[level + 1] = (counts[level] + GCH_TREE_FANOUT - 1) / GCH_TREE_FANOUT;
        level++;
    }
    return level + 1;
}

static inline uint32_t gch__block_count(uint32_t row_count)
{
    return row_count / GCH_BLOCK_ROWS + (row_count % GCH_BLOCK_ROWS != 0);
}

static inline uint32_t gch__super_count(uint32_t row_count)
{
    return row_count / GCH_SUPER_ROWS + (row_count % GCH_SUPER_ROWS != 0);
}

uint64_t gch__checksum(const void *bytes, size_t count);

#endif
