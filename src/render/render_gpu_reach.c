/* How far points are counted: see render_gpu_reach.h. */
#include "render_gpu_reach.h"

static uint32_t reversed(uint32_t bits)
{
    bits = (bits & 0x55) << 1 | (bits >> 1 & 0x55);
    bits = (bits & 0x33) << 2 | (bits >> 2 & 0x33);
    return (bits & 0x0F) << 4 | (bits >> 4 & 0x0F);
}

static uint64_t node_rows(const gch__points_stretch *stretch, uint32_t node)
{
    uint64_t first = (uint64_t)node * GCH__PLANE_NODE_ROWS;
    return first < stretch->segment_rows
               ? GCH_MIN(stretch->segment_rows - first, (uint64_t)GCH__PLANE_NODE_ROWS)
               : 0;
}

/* Of one stratum a stretch of up to 256 nodes has one node at most. */
static uint64_t stratum_rows(const gch__points_stretch *stretch, uint32_t stratum)
{
    uint64_t rows = 0;
    uint32_t to_it = (reversed(stratum) - stretch->first_node) % GCH__PLANE_STRATA;
    for (uint64_t node = (uint64_t)stretch->first_node + to_it; node < stretch->last_node;
         node += GCH__PLANE_STRATA)
        rows += node_rows(stretch, (uint32_t)node);
    return rows;
}

uint64_t gch__points_rows(const gch__points_stretch *stretch, uint32_t first, uint32_t last)
{
    uint64_t rows = 0;
    if (first == 0 && last == GCH__PLANE_STRATA) {
        uint64_t begin = (uint64_t)stretch->first_node * GCH__PLANE_NODE_ROWS;
        uint64_t end = (uint64_t)stretch->last_node * GCH__PLANE_NODE_ROWS;
        end = GCH_MIN(end, (uint64_t)stretch->segment_rows);
        return end > begin ? end - begin : 0;
    }
    for (uint32_t node = stretch->first_node; node < stretch->last_node; node++) {
        uint32_t stratum = reversed(node % GCH__PLANE_STRATA);
        rows += first <= stratum && stratum < last ? node_rows(stretch, node) : 0;
    }
    return rows;
}

typedef struct choice {
    const gch__points_stretch *stretches;
    size_t count;
    gch__points_reach reach;
    uint64_t now; /* rows of this frame */
} choice;

/* Stretches [first, result) have the position of the first. */
static size_t end_of_position(const choice *c, size_t first)
{
    size_t end = first + 1;
    while (end < c->count && c->stretches[end].position == c->stretches[first].position)
        end++;
    return end;
}

/* The next stratum, over as many positions as there are rows for. */
static void take_stratum(choice *c, uint64_t rows)
{
    const uint64_t begun = GCH_MAX(c->reach.whole, c->reach.next);
    for (size_t i = 0, end; i < c->count; i = end) {
        end = end_of_position(c, i);
        if (c->stretches[i].position < begun)
            continue;
        if (c->now >= rows)
            return;
        for (size_t k = i; k < end; k++)
            c->now += stratum_rows(&c->stretches[k], c->reach.strata);
        c->reach.next = c->stretches[i].position + 1;
    }
    c->reach.strata++;
    c->reach.next = 0;
}

static void take_positions(choice *c, uint64_t rows)
{
    for (size_t i = 0, end; i < c->count; i = end) {
        end = end_of_position(c, i);
        if (c->stretches[i].position < c->reach.whole)
            continue;
        if (c->now >= rows)
            return;
        uint32_t first = gch__points_reached(&c->reach, c->stretches[i].position);
        for (size_t k = i; k < end; k++)
            c->now += gch__points_rows(&c->stretches[k], first, GCH__PLANE_STRATA);
        c->reach.whole = c->stretches[i].position + 1;
    }
    c->reach = (gch__points_reach){.strata = GCH__PLANE_STRATA};
}

static void take_least(choice *c, uint32_t least)
{
    if (c->reach.strata >= least)
        return;
    for (size_t i = 0; i < c->count; i++) {
        uint32_t first = gch__points_reached(&c->reach, c->stretches[i].position);
        if (first < least)
            c->now += gch__points_rows(&c->stretches[i], first, least);
    }
    c->reach.strata = least;
    c->reach.next = 0;
}

void gch__points_choose(const gch__points_stretch *stretches, size_t count,
                        const gch__points_aim *aim, gch__points_reach *io, gch__points_spent *out)
{
    choice c = {.stretches = stretches, .count = count, .reach = *io};
    *out = (gch__points_spent){0};
    for (size_t i = 0; i < count; i++) {
        uint32_t reached = gch__points_reached(io, stretches[i].position);
        out->rows += gch__points_rows(&stretches[i], 0, GCH__PLANE_STRATA);
        out->counted += gch__points_rows(&stretches[i], 0, reached);
    }
    uint64_t left = out->rows - out->counted;
    take_least(&c, aim->rows == UINT64_MAX ? aim->strata : GCH_MIN(aim->least, aim->strata));
    out->least = c.now;
    if (left <= aim->rows && aim->strata == GCH__PLANE_STRATA) {
        c.now = left;
        c.reach = (gch__points_reach){.strata = GCH__PLANE_STRATA};
    }
    if (aim->by_position && aim->strata == GCH__PLANE_STRATA && c.now < aim->rows)
        take_positions(&c, aim->rows);
    while (c.reach.strata < aim->strata && c.now < aim->rows)
        take_stratum(&c, aim->rows);
    out->now = c.now;
    out->counted += c.now;
    if (out->counted == out->rows) /* the others are empty */
        c.reach = (gch__points_reach){.strata = GCH__PLANE_STRATA};
    *io = c.reach;
}
