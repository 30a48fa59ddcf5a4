/* Clusters of points in Morton order: see ingest_cloud.h.
 *
 * Invariants:
 *  1. Mass is counted in whole numbers: cell c has weights[c] for each of its places, cells in
 *     front of it have mass_before[c], and a place of mass m begins at row N * m / total, rounded
 *     down. So parts meet without a gap, and their rows add up to N.
 *  2. No function of libm is called and nothing is contracted (-ffp-contract=off), so that clouds
 *     are the same everywhere.
 */
#include "ingest_cloud.h"
#include "ingest_curve.h"
#include "ingest_random.h"

#define CELL_BITS 9u  /* a side: 2^9 cells */
#define PLACE_BITS 8u /* a side of a cell: 2^8 places */
#define CELLS ((size_t)1 << 2 * CELL_BITS)
#define PLACES ((uint64_t)1 << 2 * PLACE_BITS) /* in a cell */
#define HALF_SIDE (INT64_C(1) << (CELL_BITS + PLACE_BITS - 1))
#define PART_ROWS 256u
#define CLUSTERS 24u
#define CATEGORIES 8u
#define VALUE_TOP 1000

struct gch__cloud {
    uint64_t key, row_count;
    uint64_t mass_before[CELLS + 1];
    uint32_t weights[CELLS];
    uint8_t categories[CELLS];
};

typedef struct cluster {
    double x, y, radius, peak; /* in sides of the square; rows a place, relative */
} cluster;

static double unit_of(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

static void choose_clusters(uint64_t key, cluster out[CLUSTERS])
{
    for (uint32_t i = 0; i < CLUSTERS; i++) {
        double x = unit_of(gch__draw64(~key, 4 * i)), y = unit_of(gch__draw64(~key, 4 * i + 1));
        double size = unit_of(gch__draw64(~key, 4 * i + 2));
        double share = unit_of(gch__draw64(~key, 4 * i + 3));
        double radius = 0.008 + 0.08 * size * size;
        /* What a cluster holds is about pi r^2 of its peak. */
        out[i] = (cluster){.x = 0.04 + 0.92 * x,
                           .y = 0.04 + 0.92 * y,
                           .radius = radius,
                           .peak = (0.2 + share) * 0.01 / (radius * radius)};
    }
}

/* Peak over the square of 1 + (distance / radius)^2: wide skirts. */
static double density_of(const cluster *c, double x, double y)
{
    double dx = (x - c->x) / c->radius, dy = (y - c->y) / c->radius;
    double fall = 1 + dx * dx + dy * dy;
    return c->peak / (fall * fall);
}

gch_status gch__cloud_make(const gch_allocator *allocator, uint64_t key, uint64_t row_count,
                           gch__cloud **out, gch_error *err)
{
    gch__cloud *cloud = gch__alloc(allocator, sizeof *cloud, "generate");
    cluster clusters[CLUSTERS];
    if (cloud == NULL)
        return gch__no_memory(err, "generate");
    cloud->key = key;
    cloud->row_count = row_count;
    choose_clusters(key, clusters);
    uint64_t mass = 0;
    for (size_t c = 0; c < CELLS; c++) {
        double x = ((double)gch__gather_bits(c) + 0.5) / (1u << CELL_BITS);
        double y = ((double)gch__gather_bits(c >> 1) + 0.5) / (1u << CELL_BITS);
        double density = 0.05, most = 0;
        for (uint32_t i = 0; i < CLUSTERS; i++) {
            double part = density_of(&clusters[i], x, y);
            density += part;
            if (part > most) {
                most = part;
                cloud->categories[c] = (uint8_t)(i % CATEGORIES);
            }
        }
        cloud->weights[c] = (uint32_t)(density * 1024) + 1;
        cloud->mass_before[c] = mass;
        mass += cloud->weights[c] * PLACES;
    }
    cloud->mass_before[CELLS] = mass;
    *out = cloud;
    return GCH_OK;
}

void gch__cloud_destroy(gch__cloud *cloud, const gch_allocator *allocator)
{
    gch__free(allocator, cloud, "generate");
}

/* The first row of place `place` of a cell, or of what follows it. */
static uint64_t row_at(const gch__cloud *cloud, size_t cell, uint64_t place)
{
    uint64_t mass = cloud->mass_before[cell];
    mass += place > 0 ? cloud->weights[cell] * place : 0; /* the last cell + 1 has no weight */
    return (uint64_t)((unsigned __int128)mass * cloud->row_count / cloud->mass_before[CELLS]);
}

/* The cell that holds a row. */
static size_t find_cell(const gch__cloud *cloud, uint64_t row)
{
    size_t low = 0, high = CELLS;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (row_at(cloud, middle, 0) <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A part of a cell: 4^(PLACE_BITS - level) places. */
typedef struct part {
    size_t cell;
    uint32_t place_bits;  /* of a place within the part: twice PLACE_BITS - level */
    uint64_t index;       /* of the part in the cell */
    uint64_t first, last; /* rows [first, last) */
} part;

static void set_rows(const gch__cloud *cloud, part *p)
{
    p->first = row_at(cloud, p->cell, p->index << p->place_bits);
    p->last = row_at(cloud, p->cell, (p->index + 1) << p->place_bits);
}

static void enter_cell(const gch__cloud *cloud, size_t cell, part *out)
{
    uint64_t rows = row_at(cloud, cell, PLACES) - row_at(cloud, cell, 0);
    *out = (part){.cell = cell, .place_bits = 2 * PLACE_BITS};
    for (; out->place_bits > 0 && rows > PART_ROWS; rows >>= 2)
        out->place_bits -= 2;
    set_rows(cloud, out);
}

static part find_part(const gch__cloud *cloud, uint64_t row)
{
    part p;
    enter_cell(cloud, find_cell(cloud, row), &p);
    uint64_t low = 0, high = PLACES >> p.place_bits;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (row_at(cloud, p.cell, middle << p.place_bits) <= row)
            low = middle;
        else
            high = middle;
    }
    p.index = low;
    set_rows(cloud, &p);
    return p;
}

static void next_part(const gch__cloud *cloud, part *p)
{
    if (++p->index << p->place_bits < PLACES)
        set_rows(cloud, p);
    else
        enter_cell(cloud, p->cell + 1, p);
}

#define PART_CAP (PART_ROWS + 8u)

/* One pass of a sort by 8 bits. */
static void sort_pass(const uint16_t *from, uint32_t count, uint32_t shift, uint16_t *to)
{
    uint16_t at[257] = {0};
    for (uint32_t i = 0; i < count; i++)
        at[(from[i] >> shift & 255u) + 1]++;
    for (uint32_t i = 0; i < 256; i++)
        at[i + 1] = (uint16_t)(at[i + 1] + at[i]);
    for (uint32_t i = 0; i < count; i++)
        to[at[from[i] >> shift & 255u]++] = from[i];
}

/* Places of a part's rows, in order. A part of one place may have any number of rows, and they are
 * all there. */
static void draw_places(const gch__cloud *cloud, const part *p, uint16_t places[PART_CAP])
{
    uint16_t scratch[PART_CAP];
    uint32_t count = (uint32_t)(p->last - p->first), mask = (1u << p->place_bits) - 1u;
    for (uint32_t i = 0; i < count; i++)
        places[i] = (uint16_t)(gch__draw64(cloud->key, 2 * (p->first + i)) & mask);
    sort_pass(places, count, 0, scratch);
    sort_pass(scratch, count, 8, places);
}

static void fill_row(const gch__cloud *cloud, const part *p, uint64_t row, uint32_t place,
                     const gch__cloud_rows *to, size_t at)
{
    uint64_t along = (uint64_t)p->cell << 2 * PLACE_BITS | p->index << p->place_bits | place;
    int64_t x = gch__gather_bits(along), y = gch__gather_bits(along >> 1);
    uint64_t bits = gch__draw64(cloud->key, 2 * row + 1);
    to->x[at] = x - HALF_SIDE;
    to->y[at] = y - HALF_SIDE;
    to->size[at] = (uint8_t)(1 + __builtin_ctzll(bits | (uint64_t)1 << 11));
    int64_t noise = __builtin_popcountll(bits >> 32) - 16;
    int64_t value = gch__fold((x + 2 * y) >> 6, VALUE_TOP) + noise;
    to->value[at] = value < 0 ? 0 : value > VALUE_TOP ? VALUE_TOP : value;
    bool strays = (bits >> 16 & 15) == 0;
    to->category[at] =
        strays ? (uint8_t)(bits >> 20 & (CATEGORIES - 1)) : cloud->categories[p->cell];
}

void gch__cloud_fill(const gch__cloud *cloud, uint64_t first, size_t count,
                     const gch__cloud_rows *to)
{
    if (count == 0)
        return;
    uint16_t places[PART_CAP];
    uint64_t end = first + count;
    part p = find_part(cloud, first);
    for (uint64_t row = first; row < end;) {
        if (p.last <= row) {
            next_part(cloud, &p);
            continue;
        }
        bool is_one_place = p.place_bits == 0;
        if (!is_one_place)
            draw_places(cloud, &p, places);
        for (; row < p.last && row < end; row++)
            fill_row(cloud, &p, row, is_one_place ? 0 : places[row - p.first], to,
                     (size_t)(row - first));
    }
}
