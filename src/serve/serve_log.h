/* The access log: JSON lines, written by a thread of its own.
 *
 * A reader of the log that stalls never stalls the server: lines that find no room are dropped and
 * counted, and the next line that is written says how many.
 *
 * Thread rule: gch__log_line from any thread; make and destroy from one.
 */
#ifndef GCH_SERVE_LOG_H
#define GCH_SERVE_LOG_H

#include "base.h"

typedef struct gch__log gch__log;

/* `fd` is borrowed. GCH_NO_MEMORY, GCH_LIMIT. */
gch_status gch__log_make(int fd, const gch_allocator *allocator, gch__log **out, gch_error *err);
/* Appends a line (with its line end); NULL is a log that goes nowhere. */
void gch__log_line(gch__log *log, const char *line, size_t length);
uint64_t gch__log_dropped(gch__log *log);
void gch__log_destroy(gch__log *log); /* writes what is left; NULL is allowed */

#endif
