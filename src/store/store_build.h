/* The segment under construction: rows come in chunks, leave as packed payload, and what the
 * segment's arrays need stays in memory until it is sealed.
 *
 * store_time.c decides how a chunk's times are kept, store_encode.c packs a chunk, store_body.c
 * hashes and writes pages, store_seal.c builds the tree and the descriptor.
 */
#ifndef GCH_STORE_BUILD_H
#define GCH_STORE_BUILD_H

#include "store_keys.h"
#include "store_sink.h"

/* One task's share of a chunk. */
#define GCH__GROUP_SUPERS 8u
#define GCH__GROUP_ROWS (GCH__GROUP_SUPERS * GCH_SUPER_ROWS)
#define GCH__GROUP_BYTES (GCH__GROUP_ROWS * 8u) /* no packed group is larger */
#define GCH__CHUNK_ROWS_MAX (1u << 20)

/* What the tasks leave of one column, or of the times, of a chunk. */
typedef struct gch__chunk_stream {
    uint8_t *packed;          /* group g's words from g * GCH__GROUP_BYTES on, dense */
    const uint8_t *dense;     /* or, if not NULL: the whole chunk's words, of an encoder's */
    bool is_encoded;          /* an encoder has done the chunk */
    uint32_t *super_units;    /* payload of each super-block, in GCH__PAYLOAD_UNIT bytes */
    int64_t *bounds;          /* (min, max) a block; columns only, as are the next four */
    uint32_t *bitmaps;        /* 32 words a super-block, set where super_flags says so */
    uint8_t *super_flags;     /* GCH__SUPER_* */
    uint8_t *group_misfits;   /* 1: a value did not fit the kind */
    uint32_t *negative_zeros; /* a group */
    gch__time_line *lines;    /* a block; times only, as is the next */
    uint64_t *supers;
} gch__chunk_stream;

#define GCH__SUPER_HAS_GAPS 1u
#define GCH__SUPER_HAS_EXCEPTIONS 2u

typedef struct gch__column_build {
    gch_type type;
    gch__key_kind kind;      /* of the open segment */
    gch__key_kind next_kind; /* of the next one, if it is wider; else the same */
    gch__chunk_stream stream;

    int64_t *bounds; /* (min, max) a block, ordered keys */
    uint32_t *directory;
    uint32_t *gap_supers;
    uint32_t *gap_bitmaps;
    uint32_t *run_starts;
    gch__exception *exceptions;
    size_t bounds_cap, directory_cap, gap_supers_cap, gap_bitmaps_cap, run_starts_cap,
        exceptions_cap;
    uint32_t gap_super_count, run_start_count, exception_count, gap_count;
    uint64_t payload_units;
    bool first_is_drawn;
    bool last_is_drawn; /* of the last row so far, in whatever segment */
} gch__column_build;

typedef struct gch__time_build {
    gch__time_mode mode; /* 0 before the first chunk of a segment */
    bool is_irregular;   /* lines from now on */
    uint64_t unit_floor; /* divides every later unit; 0: none yet */
    int64_t last_time;   /* of the last row so far, in whatever segment */
    gch__chunk_stream stream;

    int64_t first_time; /* of the segment */
    gch__affine_run *runs;
    size_t runs_cap;
    uint32_t run_count, run_rows; /* run_rows: rows of the last run */
    gch__affine_run saved_run;    /* as before the chunk, for gch__time_rollback */
    uint32_t saved_count, saved_rows;
    gch__time_mode saved_mode;

    int64_t origin;
    uint64_t unit;
    uint64_t *supers;
    gch__time_line *lines;
    uint32_t *directory;
    size_t supers_cap, lines_cap, directory_cap;
    uint64_t payload_units;
} gch__time_build;

/* Bytes on their way to the file, page by page. */
typedef struct gch__body {
    uint8_t *bytes; /* starts at a page border of the segment */
    size_t cap, count;
    uint64_t flushed; /* bytes of whole pages written */
    uint64_t *checksums;
    size_t checksums_cap;
} gch__body;

typedef struct gch__builder {
    const gch_allocator *allocator;
    gch_workers *workers;
    const gch__kernels *kernels;
    gch__sink *sink;
    gch_encoder *encoder; /* or NULL */
    uint64_t rows_there;  /* of the chunk to be added, or 0 (gch__encoder_chunk) */
    uint64_t times_there; /* likewise; 0: the times are the writer's own numbers */
    bool is_fast;         /* fewer rows say what keys mean */
    int64_t own_ns;       /* spent on packing own_values */
    uint64_t own_values;
    uint32_t rows_max;   /* of a segment; a multiple of chunk_rows unless a test says otherwise */
    uint32_t chunk_rows; /* at most so many rows a gch__builder_add */
    uint32_t column_count;
    gch__column_build *columns;
    gch__time_build time;
    gch__body body;

    uint64_t offset;    /* of the open segment in the file */
    uint64_t first_row; /* of the open segment */
    uint32_t row_count;
    bool is_guessed; /* kinds are chosen for the open segment */

    gch__disk_segment *segments; /* sealed; starts with those of an appended-to file */
    size_t segments_cap;
    uint32_t segment_count;
    uint64_t end; /* behind the last sealed segment, or what was there before */
} gch__builder;

/* `builder` is zeros but for allocator, workers, encoder, is_fast, sink, column_count and end. */
gch_status gch__builder_init(gch__builder *builder, const gch_type *types, gch_error *err);
void gch__builder_reset(gch__builder *builder);
/* Adds 1 to chunk_rows rows, whose times do not decrease: a multiple of GCH_SUPER_ROWS unless they
 * are the last. GCH_IO, GCH_NO_MEMORY, GCH_LIMIT. */
gch_status gch__builder_add(gch__builder *builder, const int64_t *times,
                            const gch__column_input *inputs, uint32_t row_count, gch_error *err);
/* Writes the open segment's arrays and descriptor, if it has rows. */
gch_status gch__builder_seal(gch__builder *builder, gch_error *err);

struct gch__live_view;
/* Adds a sealed live segment's rows as a segment of their own. Statuses as gch__builder_add. */
gch_status gch__builder_adopt(gch__builder *builder, const struct gch__live_view *view,
                              gch_error *err);

/* Decides how the chunk's times are kept, and for affine runs keeps them. False in *out_fits: the
 * open segment has to be sealed first. */
gch_status gch__time_plan(gch__builder *builder, const int64_t *times, uint32_t row_count,
                          bool *out_fits, gch_error *err);
void gch__time_rollback(gch__time_build *time);
/* Packs the lines of one group of the chunk. */
void gch__time_encode_group(const gch__kernels *kernels, gch__time_build *time,
                            const int64_t *times, uint32_t row_count, uint32_t group);

/* Packs `count` times of a block: units relative to super_first, which `unit` divides, as it does
 * all of them. `packed` as for gch__time_line_fit. */
gch__time_line gch__time_encode_block(const gch__kernels *kernels, const int64_t *times,
                                      uint32_t count, uint64_t super_first, uint64_t unit,
                                      uint32_t *packed);

/* Writes the block's words, at most 8 * 64; returns its width. */
uint32_t gch__block_pack(const gch__kernels *kernels, const gch__block_keys *block, uint32_t *out);
/* Bit i of the GCH_BLOCK_ROWS / 32 words: whether row i < count is drawn; 0 behind them. */
void gch__block_drawn(const gch__block_keys *block, uint32_t count, uint32_t *words);

/* Room for `count` more bytes of the body; NULL if there is no memory. */
uint8_t *gch__body_reserve(gch__builder *builder, size_t count);
/* Counts `count` reserved bytes in; writes whole pages. */
gch_status gch__body_commit(gch__builder *builder, size_t count, gch_error *err);
gch_status gch__body_put(gch__builder *builder, const void *bytes, size_t count, gch_error *err);
/* Zeros up to a multiple of `align` of the segment. */
gch_status gch__body_align(gch__builder *builder, size_t align, gch_error *err);
static inline uint64_t gch__body_position(const gch__body *body)
{
    return body->flushed + body->count;
}

#endif
