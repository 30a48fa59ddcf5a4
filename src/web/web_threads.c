/* The threads of a module that has some. */
#include "web_threads.h"

#include "base_threads.h"
#include "web_state.h"

void gch_web_thread_run(uint32_t number)
{
    if (number >= GCH__THREADS_CAP)
        __builtin_trap();
    gch__thread_run(number);
}

void gch_web_thread_trapped(void)
{
    gch__threads_trapped();
}

uint32_t gch_web_threads_parked(void)
{
    return gch__threads_parked();
}

void gch_web_threads_end(void)
{
    gch__threads_end();
}

gch_status gch_web_threads_use(void)
{
    gch__web *web = &gch__web_instance;
    if (web->workers != NULL)
        return gch_fail(&web->err, GCH_EXISTS, "the threads are in use");
    return gch_workers_make(0, web->allocator, &web->workers, &web->err);
}
