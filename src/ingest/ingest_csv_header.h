/* The first record of a CSV: the names of its columns, or already data. */
#ifndef GCH_INGEST_CSV_HEADER_H
#define GCH_INGEST_CSV_HEADER_H

#include "ingest_csv_reader.h"
#include "ingest_job.h"

typedef struct gch__csv_header {
    char **names; /* owned; unnamed columns are called by their 1-based number */
    uint32_t count;
    bool is_found; /* the record is a header and no data */
} gch__csv_header;

/* Takes names from `record`, the first of the input. GCH_PARSE for a name that cannot be one. */
GCH_CHECKED gch_status gch__csv_header_read(gch__csv_header *header, const gch__ingest_job *job,
                                            gch__csv_reader *reader, const gch__csv_record *record,
                                            gch_error *err);
/* GCH_PARSE unless `record`, the first of a further input, repeats the header. */
GCH_CHECKED gch_status gch__csv_header_match(const gch__csv_header *header, gch__csv_reader *reader,
                                             const gch__csv_record *record, gch_error *err);
void gch__csv_header_reset(gch__csv_header *header, const gch__ingest_job *job);

#endif
