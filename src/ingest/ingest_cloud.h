/* A synthetic point set: clusters in a square, its rows in Morton order without a sort.
 *
 * The square is a lattice of 2^17 x 2^17 places, in cells of 2^8 x 2^8. A cell has its share of the
 * rows, which lie in it evenly; it is halved in both directions, in thought, until a part has some
 * 256 rows, and these are drawn at random and put in order. So any stretch of rows can be made by
 * itself, in any order and on any thread, from the seed and the number of rows alone.
 *
 * Thread rule: immutable once made.
 */
#ifndef GCH_INGEST_CLOUD_H
#define GCH_INGEST_CLOUD_H

#include "base.h"

typedef struct gch__cloud gch__cloud;

/* GCH_NO_MEMORY. row_count < 2^41. */
GCH_CHECKED gch_status gch__cloud_make(const gch_allocator *allocator, uint64_t key,
                                       uint64_t row_count, gch__cloud **out, gch_error *err);
void gch__cloud_destroy(gch__cloud *cloud, const gch_allocator *allocator); /* NULL is allowed */

/* Where rows go. */
typedef struct gch__cloud_rows {
    int64_t *x, *y;    /* lattice places: -65536 to 65535 */
    uint8_t *size;     /* 1 to 12, small ones more often */
    int64_t *value;    /* 0 to 1000, a wave over the square with noise */
    uint8_t *category; /* 0 to 7: which cluster it belongs to, mostly */
} gch__cloud_rows;

void gch__cloud_fill(const gch__cloud *cloud, uint64_t first, size_t count,
                     const gch__cloud_rows *to);

#endif
