/* Generated data sets: see bench_file.h. */
#include "bench_file.h"

#include "bench.h"

#include <stdio.h>
#include <unistd.h>

static bool report_progress(void *context, uint64_t done, uint64_t total)
{
    fprintf(stderr, "\rmaking %s: %3.0f %%", (const char *)context,
            100.0 * (double)done / (double)total);
    if (done == total)
        fputc('\n', stderr);
    return true;
}

void bench_file_make(char *path, size_t path_cap, const char *folder, const char *kind,
                     double points, gch_workers *workers)
{
    gch_error err;
    snprintf(path, path_cap, "%s/bench-%s-%.0f.gch", folder, kind, points);
    gch_generate_desc desc = {.row_count = (uint64_t)points,
                              .seed = 7,
                              .output = path,
                              .workers = workers,
                              .progress = &(gch_progress){report_progress, path}};
    if (!gch_generator_parse(kind, &desc.kind))
        bench_fail("unknown kind %s", kind);
    if (access(path, R_OK) != 0 && gch_generate(&desc, &err) != GCH_OK)
        bench_fail("%s", err.message);
}
