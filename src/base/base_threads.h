/* Threads that a host lends a WebAssembly module (base_threads_wasm.c); no other build has them. */
#ifndef GCH_BASE_THREADS_H
#define GCH_BASE_THREADS_H

#include <stdint.h>

#define GCH__THREADS_CAP 16u

/* Runs what is given to thread `number` < GCH__THREADS_CAP until gch__threads_end; each number
 * once. */
void gch__thread_run(uint32_t number);
/* How many wait for something to run. */
uint32_t gch__threads_parked(void);
/* Lets go of those. */
void gch__threads_end(void);
/* Says that a thread has trapped: the module ends, and whoever waits traps too within a second. */
void gch__threads_trapped(void);

#endif
