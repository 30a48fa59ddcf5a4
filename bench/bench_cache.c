/* Which pages should go when room is needed, and how fast is a page that is there?
 *
 * Records the pages that four scripted views read of a real file (pan: 600 frames over a fifth of a
 * span each; zoom: in and out about wandering centres; sweep: once through the whole file, deep;
 * live: a window over the newest rows of a file that grows), replays them through the policies at
 * several cache sizes, and compares misses with Belady's optimum, which knows what comes. A frame
 * holds its pages until its end, as in the manager.
 *
 * Then times, each beside a baseline of the same run: lookups of 16-byte keys (against a copy of 16
 * bytes from a random place of a table as large), pins of resident pages, and loads of 16 KiB pages
 * from the system's cache by mapping and by reading (against memcpy).
 *
 *     bench_cache --folder build [--kind ticks] [--points 20000000]
 */
#include "bench.h"
#include "data_state.h"
#include "gch/gch.h"
#include "store_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 600
#define WIDTH 1920u
#define NEVER UINT32_MAX

static gch_error err;

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s", err.message);
}

/* ---- traces ---- */

typedef struct trace {
    const char *name;
    uint32_t *pages; /* of all frames, each page once a frame */
    size_t count, cap;
    size_t ends[FRAMES];
    uint32_t page_count; /* of the file */
    uint32_t distinct, frame_max;
    uint32_t *last_frame; /* a page's, while recording */
    uint32_t frame;
} trace;

static bool record_range(void *context, uint64_t first_page, uint64_t page_count)
{
    trace *t = context;
    for (uint64_t page = first_page; page < first_page + page_count; page++) {
        if (t->last_frame[page] == t->frame)
            continue;
        t->distinct += t->last_frame[page] == NEVER;
        t->last_frame[page] = t->frame;
        if (t->count == t->cap) {
            size_t cap = t->cap * 2 + 4096;
            uint32_t *pages = bench_alloc(cap * sizeof *pages);
            if (t->count > 0)
                memcpy(pages, t->pages, t->count * sizeof *pages);
            bench_free(t->pages);
            t->pages = pages;
            t->cap = cap;
        }
        t->pages[t->count++] = (uint32_t)page;
    }
    return true;
}

/* Frame i's view, as parts of the data's time: [from, to). */
static void place_view(const char *name, int i, double *from, double *to)
{
    double phase = (double)i / FRAMES, span = 0.002, centre;
    if (strcmp(name, "pan") == 0) { /* there and back, and there again */
        centre = 0.5 + 0.12 * sin(phase * 12);
    } else if (strcmp(name, "zoom") == 0) {
        double depth = 0.5 - 0.5 * cos(phase * 6 * 3.14159265358979);
        span = pow(2e-5, depth);
        centre = 0.5 + 0.49 * sin(phase * 22) * depth;
    } else if (strcmp(name, "sweep") == 0) {
        centre = phase;
    } else { /* live: the last hundredth of what is there so far */
        span = 0.01 * (0.5 + 0.5 * phase);
        centre = 0.5 + 0.5 * phase - span / 2;
    }
    *from = centre - span / 2;
    *to = centre + span / 2;
}

static trace record(const char *name, gch__source *source)
{
    trace t = {.name = name, .page_count = (uint32_t)source->page_count};
    t.last_frame = bench_alloc(t.page_count * sizeof *t.last_frame);
    memset(t.last_frame, 0xFF, t.page_count * sizeof *t.last_frame);
    const gch_file_info *info = gch_file_get_info(source->file);
    double first = (double)info->first_time, whole = (double)info->last_time - first;
    gch__reader *reader = NULL;
    check(gch__reader_make_inside(source, &reader, &err));
    gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    for (int i = 0; i < FRAMES; i++) {
        double from, to;
        size_t before = t.count;
        place_view(name, i, &from, &to);
        t.frame = (uint32_t)i;
        check(gch__view_pages(source, reader, 0, (int64_t)(first + from * whole),
                              (int64_t)(first + to * whole) + 1, WIDTH, record_range, &t, NULL));
        t.ends[i] = t.count;
        t.frame_max = GCH_MAX(t.frame_max, (uint32_t)(t.count - before));
    }
    gch__reader_destroy(reader);
    bench_free(t.last_frame);
    return t;
}

/* ---- replay ---- */

typedef struct replay {
    uint32_t *page_of;    /* a slot's page */
    uint32_t *held_until; /* a slot's last frame + 1 */
    bool *is_used;
    uint32_t frame;
} replay;

static gch__probe probe(void *context, uint32_t slot, bool spare_used)
{
    replay *r = context;
    if (r->held_until[slot] > r->frame)
        return GCH__PROBE_HELD;
    if (spare_used && r->is_used[slot]) {
        r->is_used[slot] = false;
        return GCH__PROBE_USED;
    }
    return GCH__PROBE_TAKEN;
}

static void *alloc_zero(size_t count, size_t size)
{
    void *memory = bench_alloc(count * size);
    memset(memory, 0, count * size);
    return memory;
}

/* Misses of a policy with room for `slots` pages (at least a frame's). */
static uint64_t replay_policy(const trace *t, gch_policy which, bool is_used_when_new,
                              uint32_t slots)
{
    const gch__policy_ops *ops = gch__policy_get(which);
    gch__policy *policy = NULL;
    check(ops->make(NULL, &policy, &err));
    check(ops->grow(policy, slots, &err));
    replay r = {.page_of = alloc_zero(slots, sizeof(uint32_t)),
                .held_until = alloc_zero(slots, sizeof(uint32_t)),
                .is_used = alloc_zero(slots, sizeof(bool))};
    uint32_t *slot_of = bench_alloc(t->page_count * sizeof *slot_of);
    memset(slot_of, 0xFF, t->page_count * sizeof *slot_of);
    uint32_t in = 0;
    uint64_t misses = 0;
    size_t at = 0;
    for (r.frame = 0; r.frame < FRAMES; r.frame++) {
        for (; at < t->ends[r.frame]; at++) {
            uint32_t page = t->pages[at], slot = slot_of[page];
            if (slot != NEVER) {
                r.is_used[slot] = true;
                if (ops->touch != NULL)
                    ops->touch(policy, slot);
            } else {
                misses++;
                slot = in < slots ? in++ : ops->victim(policy, probe, &r);
                if (slot == GCH__NO_SLOT)
                    bench_fail("%s: no page can go", ops->name);
                if (in == slots && slot_of[r.page_of[slot]] == slot)
                    slot_of[r.page_of[slot]] = NEVER;
                r.page_of[slot] = page;
                slot_of[page] = slot;
                r.is_used[slot] = is_used_when_new;
                ops->admitted(policy, slot);
            }
            r.held_until[slot] = r.frame + 1;
        }
    }
    ops->destroy(policy);
    bench_free(r.page_of);
    bench_free(r.held_until);
    bench_free(r.is_used);
    bench_free(slot_of);
    return misses;
}

/* The fewest misses there can be: what is needed again last goes first (Belady, "A study of
 * replacement algorithms for a virtual-storage computer", 1966). */
static uint64_t replay_optimum(const trace *t, uint32_t slots)
{
    uint32_t *next_use = bench_alloc((t->count + 1) * sizeof *next_use);
    uint32_t *seen = bench_alloc(t->page_count * sizeof *seen);
    memset(seen, 0xFF, t->page_count * sizeof *seen);
    for (size_t i = t->count; i-- > 0;) {
        next_use[i] = seen[t->pages[i]];
        seen[t->pages[i]] = (uint32_t)i;
    }
    uint32_t *page_of = alloc_zero(slots, sizeof *page_of);
    uint32_t *next_of = alloc_zero(slots, sizeof *next_of);
    uint32_t *frame_of = alloc_zero(slots, sizeof *frame_of);
    memset(seen, 0xFF, t->page_count * sizeof *seen); /* now a page's slot */
    uint32_t in = 0;
    uint64_t misses = 0;
    size_t at = 0;
    for (uint32_t frame = 0; frame < FRAMES; frame++) {
        for (; at < t->ends[frame]; at++) {
            uint32_t page = t->pages[at], slot = seen[page];
            if (slot == NEVER) {
                misses++;
                if (in < slots) {
                    slot = in++;
                } else {
                    slot = NEVER;
                    for (uint32_t s = 0; s < slots; s++) {
                        if (frame_of[s] != frame && (slot == NEVER || next_of[s] > next_of[slot]))
                            slot = s;
                    }
                    if (slot == NEVER)
                        bench_fail("optimum: no page can go");
                    seen[page_of[slot]] = NEVER;
                }
                page_of[slot] = page;
                seen[page] = slot;
            }
            next_of[slot] = next_use[at];
            frame_of[slot] = frame;
        }
    }
    bench_free(next_use);
    bench_free(seen);
    bench_free(page_of);
    bench_free(next_of);
    bench_free(frame_of);
    return misses;
}

static cJSON *compare_policies(const trace *t)
{
    static const double shares[] = {0.1, 0.25, 0.5};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "trace", t->name);
    cJSON_AddNumberToObject(json, "accesses", (double)t->count);
    cJSON_AddNumberToObject(json, "distinct_pages", t->distinct);
    cJSON_AddNumberToObject(json, "largest_frame_pages", t->frame_max);
    cJSON *sizes = cJSON_AddArrayToObject(json, "cache_sizes");
    for (size_t i = 0; i < GCH_COUNT_OF(shares); i++) {
        uint32_t slots = GCH_MAX((uint32_t)(shares[i] * t->distinct), t->frame_max + 1);
        double optimum = (double)replay_optimum(t, slots);
        double clock = (double)replay_policy(t, GCH_POLICY_CLOCK, false, slots);
        double clock_used = (double)replay_policy(t, GCH_POLICY_CLOCK, true, slots);
        double lru = (double)replay_policy(t, GCH_POLICY_LRU, false, slots);
        cJSON *size = cJSON_CreateObject();
        cJSON_AddNumberToObject(size, "pages", slots);
        cJSON_AddNumberToObject(size, "misses_optimum", optimum);
        cJSON_AddNumberToObject(size, "misses_clock", clock);
        cJSON_AddNumberToObject(size, "misses_clock_used_when_new", clock_used);
        cJSON_AddNumberToObject(size, "misses_lru", lru);
        cJSON_AddNumberToObject(size, "clock_over_optimum", clock / optimum);
        cJSON_AddNumberToObject(size, "lru_over_optimum", lru / optimum);
        cJSON_AddNumberToObject(size, "clock_over_lru", clock / lru);
        cJSON_AddItemToArray(sizes, size);
    }
    return json;
}

/* ---- lookups ---- */

#define LOOKUPS 1000000u

typedef struct lookups {
    gch__keys *keys;
    gch_key *asked; /* LOOKUPS keys that are in, in random order */
    gch_key *table; /* the baseline's, `count` entries */
    uint32_t *places;
    uint64_t sum;
} lookups;

static gch_key key_of(uint32_t number)
{
    gch_key key;
    check(gch_key_pack(&(gch_key_desc){.source = 1 + number % 3,
                                       .column = number / 3 % 4,
                                       .level = number / 12 % 5,
                                       .page = number / 60,
                                       .version = 1},
                       &key, &err));
    return key;
}

static void look_up(void *context)
{
    lookups *l = context;
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        uint32_t number;
        if (gch__keys_find(l->keys, l->asked[i], &number))
            l->sum += number;
    }
}

static void copy_random(void *context)
{
    lookups *l = context;
    for (uint32_t i = 0; i < LOOKUPS; i++)
        l->sum += l->table[l->places[i]].low;
}

static cJSON *time_lookups(uint32_t count)
{
    lookups l = {.asked = bench_alloc(LOOKUPS * sizeof *l.asked),
                 .table = bench_alloc(count * sizeof *l.table),
                 .places = bench_alloc(LOOKUPS * sizeof *l.places)};
    check(gch__keys_make(NULL, &l.keys, &err));
    for (uint32_t i = 0; i < count; i++) {
        l.table[i] = key_of(i);
        check(gch__keys_insert(l.keys, l.table[i], i, &err));
    }
    uint64_t state = 1;
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        l.places[i] = (uint32_t)((state >> 33) % count);
        l.asked[i] = l.table[l.places[i]];
    }
    bench_stats found = bench_time(look_up, &l, 9, 1000000);
    bench_stats copied = bench_time(copy_random, &l, 9, 1000000);
    __asm__ volatile("" : : "r"(l.sum) : "memory");
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "keys", count);
    cJSON_AddNumberToObject(json, "lookups_per_s", LOOKUPS * 1e9 / found.median);
    cJSON_AddNumberToObject(json, "random_reads_per_s", LOOKUPS * 1e9 / copied.median);
    cJSON_AddNumberToObject(json, "time_over_random_read", found.median / copied.median);
    gch__keys_destroy(l.keys);
    bench_free(l.asked);
    bench_free(l.table);
    bench_free(l.places);
    return json;
}

/* ---- pages ---- */

typedef struct pages {
    gch_data *data;
    gch_source source;
    gch__reader *reader;
    uint64_t count;
} pages;

static void pin_all(void *context)
{
    pages *p = context;
    gch__reader_begin(p->reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    for (uint64_t page = 0; page < p->count; page++)
        check(gch__reader_ensure(p->reader, page, 1, &err));
    gch__reader_end(p->reader);
}

/* Loads every other page, one by one, as a view far out does. */
static void load_sparse(void *context)
{
    pages *p = context;
    check(gch_source_invalidate(p->data, p->source, &err));
    gch__reader_begin(p->reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    for (uint64_t page = 0; page < p->count; page += 2)
        check(gch__reader_ensure(p->reader, page, 1, &err));
    gch__reader_end(p->reader);
}

static void load_runs(void *context)
{
    pages *p = context;
    check(gch_source_invalidate(p->data, p->source, &err));
    gch__reader_begin(p->reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    check(gch__reader_ensure(p->reader, 0, p->count, &err));
    gch__reader_end(p->reader);
}

static cJSON *time_pages(const char *path, gch_io io)
{
    pages p = {0};
    gch_source_info info;
    check(gch_data_make(NULL, &p.data, &err));
    check(gch_source_open_file(p.data, path, &(gch_source_desc){.io = io}, &p.source, &err));
    check(gch__reader_make(p.data, p.source, &p.reader, &err));
    check(gch_source_get_info(p.data, p.source, &info, &err));
    p.count = GCH_MIN(info.page_count, (uint64_t)2000);
    bench_stats sparse = bench_time(load_sparse, &p, 5, 1000000);
    bench_stats runs = bench_time(load_runs, &p, 5, 1000000);
    bench_stats pins = bench_time(pin_all, &p, 9, 1000000);
    double bytes = (double)p.count * GCH_PAGE_BYTES;
    double memcpy_rate = bench_memcpy_bytes_per_s((size_t)bytes);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "io", io == GCH_IO_MAP ? "map" : "read");
    cJSON_AddNumberToObject(json, "pages", (double)p.count);
    cJSON_AddNumberToObject(json, "load_one_us", sparse.median / ((double)p.count / 2) / 1e3);
    cJSON_AddNumberToObject(json, "load_in_runs_us", runs.median / (double)p.count / 1e3);
    cJSON_AddNumberToObject(json, "load_in_runs_bytes_per_s", bytes * 1e9 / runs.median);
    cJSON_AddNumberToObject(json, "over_memcpy", runs.median * 1e-9 * memcpy_rate / bytes);
    cJSON_AddNumberToObject(json, "pin_and_unpin_ns", pins.median / (double)p.count);
    gch__reader_destroy(p.reader);
    check(gch_data_destroy(p.data, &err));
    return json;
}

int main(int argument_count, char **arguments)
{
    static const char *const names[] = {"pan", "zoom", "sweep", "live"};
    const char *folder = "build", *kind = "ticks";
    double points = 2e7;
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--folder") == 0)
            folder = arguments[i + 1];
        else if (strcmp(arguments[i], "--kind") == 0)
            kind = arguments[i + 1];
        else if (strcmp(arguments[i], "--points") == 0)
            points = strtod(arguments[i + 1], NULL);
        else
            bench_fail("unknown option %s", arguments[i]);
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/bench-%s-%.0f.gch", folder, kind, points);
    gch_generate_desc desc = {.row_count = (uint64_t)points, .seed = 7, .output = path};
    if (!gch_generator_parse(kind, &desc.kind))
        bench_fail("unknown kind %s", kind);
    if (access(path, R_OK) != 0)
        check(gch_generate(&desc, &err));

    cJSON *report =
        bench_report_make("which pages should go, and how fast is a page that is there?");
    cJSON_AddStringToObject(report, "kind", kind);
    cJSON_AddNumberToObject(report, "points", points);
    gch_data *data = NULL;
    gch_source handle;
    gch__source *source;
    check(gch_data_make(NULL, &data, &err));
    check(gch_source_open_file(data, path, NULL, &handle, &err));
    check(gch__source_hold(data, handle, &source, &err));
    cJSON *policies = cJSON_AddArrayToObject(report, "policies");
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        trace t = record(names[i], source);
        cJSON_AddItemToArray(policies, compare_policies(&t));
        bench_free(t.pages);
    }
    gch__source_drop(source);
    check(gch_data_destroy(data, &err));
    cJSON *keys = cJSON_AddArrayToObject(report, "keys");
    for (uint32_t count = 4096; count <= 1u << 20; count *= 16)
        cJSON_AddItemToArray(keys, time_lookups(count));
    cJSON *loads = cJSON_AddArrayToObject(report, "loads");
    cJSON_AddItemToArray(loads, time_pages(path, GCH_IO_MAP));
    cJSON_AddItemToArray(loads, time_pages(path, GCH_IO_READ));
    return bench_report_print(report);
}
