/* A generated data set for benchmarks over files. */
#ifndef GCH_BENCH_FILE_H
#define GCH_BENCH_FILE_H

#include "gch/ingest.h"

/* Writes the path of FOLDER/bench-KIND-POINTS.gch to `path` and makes the file if it does not
 * exist, with progress on stderr. */
void bench_file_make(char *path, size_t path_cap, const char *folder, const char *kind,
                     double points, gch_workers *workers);

#endif
