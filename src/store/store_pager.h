/* How the store asks for pages: the contract between a file's reader and whoever owns its bytes.
 *
 * A file's bytes have fixed addresses; a page of them (16 KiB) is there or not. Whoever opened the
 * file gives it a pager; before any byte of a page is read, the page must have been ensured for the
 * asker's reader, and it may be read until that reader ends. A page that is given out has passed
 * its check: the store lends the pager a gch__page_check, which is called once each time a page is
 * loaded.
 *
 * Thread rule: `ensure` and `verify` may be called from several threads at once, for one reader
 * too. Beginning, ending and destroying a reader belongs to one thread.
 */
#ifndef GCH_STORE_PAGER_H
#define GCH_STORE_PAGER_H

#include "base.h"

#include <stdatomic.h>

struct gch_cancel;

/* Says whether a page (counted from the file's first byte) is what the file's tables say; pages
 * that no checksum covers are fine. `bytes` is the page, the file's last one may be cut short.
 * GCH_CORRUPT. */
typedef struct gch__page_check {
    gch_status (*verify)(void *context, uint64_t page, const uint8_t *bytes, gch_error *err);
    void *context;
} gch__page_check;

typedef enum gch__read_mode {
    GCH__READ_BLOCK = 0,   /* load what is missing and wait for it */
    GCH__READ_NO_WAIT = 1, /* have it loaded; GCH_PENDING at once if anything is missing */
    GCH__READ_PEEK = 2,    /* the same, but nothing is loaded */
} gch__read_mode;

typedef enum gch__priority {
    GCH__PRIORITY_VISIBLE = 0,
    GCH__PRIORITY_REFINE = 1,
    GCH__PRIORITY_PREFETCH = 2,
    GCH__PRIORITY_COUNT
} gch__priority;

/* One asker's view of one source for one frame or request: what it has pinned, and what it met. */
typedef struct gch__reader {
    gch__read_mode mode;
    gch__priority priority;
    struct gch_cancel *cancel; /* nullable */
    void *source;              /* the pager's own */
    bool is_own;               /* the file's, which lives and dies with its source */
    uint64_t page_count;       /* of the source */
    uint64_t epoch;            /* invalidations of the source before the reader began */

    _Atomic uint64_t *pinned;  /* a bit a page; set after the page's bytes are there */
    _Atomic uint64_t *touched; /* a bit for each word of `pinned` that is not 0 */

    /* Since the reader began. */
    _Atomic uint64_t pinned_count;  /* pages held */
    _Atomic uint64_t missing_count; /* asks that met a page which was not there */
} gch__reader;

typedef struct gch__pager {
    /* Pages [first, first + count) are there, checked, and stay until the reader ends; they exist.
     * GCH_PENDING (not there yet; NO_WAIT: and asked for; never if BLOCK), GCH_CORRUPT, GCH_IO,
     * GCH_CANCELLED, GCH_LIMIT (they do not fit into the budget beside what is in use),
     * GCH_NO_MEMORY. */
    gch_status (*ensure)(void *context, uint64_t first_page, uint64_t page_count,
                         gch__reader *reader, gch_error *err);
    /* A reader of the bytes that this pager was given for; begin, end and destroy are one thread's.
     * GCH_NO_MEMORY. */
    gch_status (*make_reader)(void *context, gch__reader **out, gch_error *err);
    void (*begin_reader)(gch__reader *reader, gch__read_mode mode, gch__priority priority);
    void (*end_reader)(gch__reader *reader); /* unpins; may be begun again */
    void (*destroy_reader)(gch__reader *reader);
    void *context; /* of the source */
} gch__pager;

/* The quick answer for a page that the reader holds already. */
static inline bool gch__reader_holds(const gch__reader *reader, uint64_t page)
{
    uint64_t word = atomic_load_explicit(&reader->pinned[page / 64], memory_order_acquire);
    return (word >> (page % 64) & 1u) != 0;
}

#endif
