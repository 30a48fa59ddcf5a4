/* Loading wgpu-native: first the copy that the build found, then any that the system's loader
 * finds. */
#include "gpu_wgpu_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static gch__wgpu_library library;
static WGPUInstance instance; /* one for all devices: making it loads the machine's drivers */
static char reason[160];      /* empty: it is loaded */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    static const char *const names[] = {
#define X(name) "wgpu" #name,
        GCH__WGPU_FUNCTIONS(X)
#undef X
    };
    /* Never closed: it has threads of its own. */
    void *handle = dlopen(GCH__WGPU_PATH, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        handle = dlopen("libwgpu_native.so", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        snprintf(reason, sizeof reason, "%s", dlerror());
        return;
    }
    void *functions[GCH_COUNT_OF(names)];
    _Static_assert(sizeof functions == sizeof library, "one pointer a function");
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        functions[i] = dlsym(handle, names[i]);
        if (functions[i] == NULL) {
            snprintf(reason, sizeof reason, "libwgpu_native.so has no %s", names[i]);
            return;
        }
    }
    memcpy(&library, functions, sizeof library);
    WGPUInstanceExtras extras = {.chain.sType = (WGPUSType)WGPUSType_InstanceExtras,
                                 .backends = WGPUInstanceBackend_Primary};
    instance = library.CreateInstance(
        &(WGPUInstanceDescriptor){.nextInChain = (WGPUChainedStruct *)&extras});
    if (instance == NULL)
        snprintf(reason, sizeof reason, "wgpu-native does not start");
}

gch_status gch__wgpu_load(const gch__wgpu_library **out, WGPUInstance *out_instance, gch_error *err)
{
    pthread_once(&once, load);
    if (reason[0] != 0)
        return gch_fail(err, GCH_UNSUPPORTED, "no GPU driver: %s", reason);
    *out = &library;
    *out_instance = instance;
    return GCH_OK;
}
