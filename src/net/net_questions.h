/* Questions to a data server about one source, and the answers to them that the manager keeps: what
 * is the same for every client, whatever brings the bytes.
 *
 * Invariants:
 *  1. An answer is given out only after it has been checked whole against the question it is for,
 *     of the version of the file that the source has opened.
 *  2. Answers are keyed pages of the manager, under its budget, shared by all askers of a source.
 */
#ifndef GCH_NET_QUESTIONS_H
#define GCH_NET_QUESTIONS_H

#include "base.h"
#include "gch/columns.h"
#include "gch/data.h"
#include "gch/query.h"

typedef enum gch__question_kind {
    GCH__ASKS_RANGE,
    GCH__ASKS_COLUMNS,
    GCH__ASKS_COLUMNS_OUTSIDE,
    GCH__ASKS_BARS /* bottom_digits: the count of the width; axis: its unit; width_px: bar_cap;
                    * join: looks_back */
} gch__question_kind;

/* What is asked, compared and hashed byte by byte. */
typedef struct gch__question {
    int64_t t0, t1;
    int64_t bottom_digits, top_digits;
    int32_t bottom_exp10, top_exp10;
    uint32_t kind, column, join, axis;
    uint32_t width_px, height_px;
    char zone[48]; /* BARS; zeros behind the name */
} gch__question;

/* The buffer of a keyed page: an answer, and the body that it leads into. */
typedef struct gch__kept {
    gch__question of;
    gch_columns_answer columns;
    gch_value min, max;  /* GCH__ASKS_RANGE */
    const gch_bar *bars; /* GCH__ASKS_BARS */
    uint32_t bar_count;
    size_t body_bytes;
    _Alignas(8) uint8_t body[];
} gch__kept;

/* Whom the questions are about. */
typedef struct gch__answerer {
    gch_data *data;
    const gch_allocator *allocator; /* of answers */
    const gch_file *file;
    uint32_t number; /* of the source in keys */
    uint64_t version;
    const char *url; /* of the data set */
} gch__answerer;

gch__question gch__question_of_columns(const gch_answers_ask *ask);
gch__question gch__question_of_range(uint32_t column, int64_t t0, int64_t t1, gch_join join);
gch__question gch__question_of_bars(const gch_bars_ask *ask);
bool gch__question_is_same(const gch__question *a, const gch__question *b);
/* Whether both may not be under way at once for one asker: the newer one supersedes the other. */
bool gch__question_has_place(const gch__question *a, const gch__question *b);
/* Whether both are of one view that has been moved a little: the answer to the one is worth showing
 * until that to the other comes. */
bool gch__question_is_near(const gch__question *a, const gch__question *b);
/* The view whose columns are asked for. */
gch_view gch__question_view(const gch__question *q);
/* GCH_INVALID, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__question_write_url(const gch__answerer *of, const gch__question *q,
                                               gch__buffer *out, gch_error *err);

/* Room for an answer's body. NULL: no memory. */
gch__kept *gch__kept_make(const gch__answerer *of, const gch__question *q, size_t body_bytes);
void gch__kept_free(const gch__answerer *of, gch__kept *kept); /* NULL is allowed */
/* Checks a body that came and makes a keyed page of it, held; takes it over whatever is returned.
 * GCH_CORRUPT, GCH_NO_MEMORY, GCH_EXISTS, GCH_LIMIT. */
GCH_CHECKED gch_status gch__kept_keep(const gch__answerer *of, gch__kept *came, gch_page *out,
                                      gch_error *err);
/* The answer that the manager has, its page held; NULL: none. */
const gch__kept *gch__kept_find(const gch__answerer *of, const gch__question *q, gch_page *out);

/* Whether a failure says that there is nothing to hope for: the server is not asked again. */
bool gch__is_refusal(gch_status status);
void gch__kept_show(const gch__kept *kept, gch_columns *out);

/* The data set of "http://host/data/NAME.gch", whose file has an entity tag of 16 hexadecimal
 * digits: "http://host/v1/data/NAME", owned by the caller. GCH_UNSUPPORTED: not a file at a data
 * server; GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__dataset_find(const char *file_url, const char *validator,
                                         const gch_allocator *allocator, char **out_url,
                                         uint64_t *out_version, gch_error *err);

#endif
