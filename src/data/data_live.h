/* The live side of a source, as data_source.c ends it. */
#ifndef GCH_DATA_LIVE_H
#define GCH_DATA_LIVE_H

#include "store_live.h"

typedef struct gch__live_source gch__live_source;

/* Ends the thread that writes to the file; what is not written yet is lost to it. */
void gch__live_source_stop(gch__live_source *live);
void gch__live_source_destroy(gch__live_source *live);

#endif
