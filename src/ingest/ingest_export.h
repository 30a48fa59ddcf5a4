/* What the ways out have in common. */
#ifndef GCH_INGEST_EXPORT_H
#define GCH_INGEST_EXPORT_H

#include "gch/ingest.h"

/* GCH_INVALID for columns that do not exist and ranges that end before they begin. */
GCH_CHECKED gch_status gch__export_check(const gch_file *file, const gch_export_desc *desc,
                                         gch_error *err);
/* The rows [*out_first, *out_last) that the desc asks for. As gch_file_read_times. */
GCH_CHECKED gch_status gch__export_find_rows(const gch_file *file, const gch_export_desc *desc,
                                             uint64_t *out_first, uint64_t *out_last,
                                             gch_error *err);

#endif
