/* What a module with threads exports besides web.h; one without has none of it.
 *
 * The host's order: give a worker the compiled module, the memory, a stack and a block of
 * __tls_size bytes, both of gch_web_alloc; the worker makes its instance, sets __stack_pointer to
 * the stack's end, calls __wasm_init_tls with the block, says so to the host and calls
 * gch_web_thread_run. Once as many wait as are to come, the host calls gch_web_threads_use.
 *
 * Every line that begins with GCH__EXPORT declares one export; the build reads them from here.
 */
#ifndef GCH_WEB_THREADS_H
#define GCH_WEB_THREADS_H

#include "web.h"

/* Of a worker's instance: returns after gch_web_threads_end. `number` < GCH__THREADS_CAP, each
 * once. */
GCH__EXPORT void gch_web_thread_run(uint32_t number);
/* Of a worker's instance after gch_web_thread_run has trapped: every other thread traps too. */
GCH__EXPORT void gch_web_thread_trapped(void);
/* How many workers wait in gch_web_thread_run. */
GCH__EXPORT uint32_t gch_web_threads_parked(void);
/* Has charts drawn and rows encoded with the caller and all workers that wait. To be called between
 * gch_web_start and gch_web_stop, once. GCH_NO_MEMORY, GCH_EXISTS. */
GCH__EXPORT gch_status gch_web_threads_use(void);
/* After gch_web_stop: lets the workers go. */
GCH__EXPORT void gch_web_threads_end(void);

#endif
