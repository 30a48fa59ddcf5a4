/* The instance: starting, stopping, memory, errors, statistics. */
#include "web_state.h"

#include <string.h>

#define ALIGN 64u
#define STATS_CAP 4096u
#define DEVICE_BUDGET_BYTES ((uint64_t)192 << 20) /* of pages, for all charts of a page */

gch__web gch__web_instance = {
    .sources = {.purpose = "source numbers"},
    .charts = {.purpose = "chart numbers"},
};

uint32_t gch_web_abi(void)
{
    return GCH__WEB_ABI;
}

/* The block's own address stands right before what is handed out. */
void *gch_web_alloc(size_t bytes)
{
    size_t room;
    if (!gch__add_size(bytes, 2 * ALIGN, &room))
        return NULL;
    uint8_t *block = gch__alloc(gch__web_instance.allocator, room, "staging");
    if (block == NULL)
        return NULL;
    uintptr_t aligned = ((uintptr_t)block + sizeof block + ALIGN - 1) / ALIGN * ALIGN;
    ((uint8_t **)aligned)[-1] = block;
    return (void *)aligned;
}

void gch_web_free(void *memory)
{
    if (memory != NULL)
        gch__free(gch__web_instance.allocator, ((uint8_t **)memory)[-1], "staging");
}

gch_error *gch__web_err(void)
{
    return &gch__web_instance.err;
}

const char *gch_web_error(void)
{
    return gch__web_instance.err.message;
}

gch_status gch_web_start(uint32_t budget_mib)
{
    gch__web *web = &gch__web_instance;
    if (web->data != NULL)
        return gch_fail(&web->err, GCH_EXISTS, "the engine has been started before");
    /* Nobody else could make room while a call waits for it. */
    web->sources.allocator = web->charts.allocator = web->allocator;
    gch_data_desc desc = {.host_budget_bytes = (uint64_t)budget_mib << 20,
                          .device_budget_bytes = DEVICE_BUDGET_BYTES,
                          .allocator = web->allocator,
                          .loader_count = 1,
                          .stall_ms = 1};
    return gch_data_make(&desc, &web->data, &web->err);
}

gch_status gch_web_stop(void)
{
    gch__web *web = &gch__web_instance;
    for (uint32_t id; (id = gch__pool_any(&web->charts)) != 0;)
        GCH_TRY(gch_web_chart_destroy(id));
    for (uint32_t id; (id = gch__pool_any(&web->sources)) != 0;)
        GCH_TRY(gch_web_source_close(id));
    gch_web_csv_abandon();
    gch__pool_reset(&web->charts);
    gch__pool_reset(&web->sources);
    gch__buffer_reset(&web->text);
    GCH_TRY(gch_data_destroy(web->data, &web->err));
    web->data = NULL;
    return GCH_OK;
}

const char *gch_web_stats(void)
{
    gch__web *web = &gch__web_instance;
    if (web->data == NULL) {
        (void)!gch_fail(&web->err, GCH_INVALID, "the engine has not been started");
        return NULL;
    }
    gch_data_stats stats;
    gch_data_get_stats(web->data, &stats);
    char json[STATS_CAP];
    size_t length = gch_data_stats_json(&stats, json, sizeof json);
    gch__web_text_start();
    gch__web_put("{\"sources\":%u,\"charts\":%u,\"data\":", web->sources.live_count,
                 web->charts.live_count);
    for (size_t at = 0; at < length && at < sizeof json - 1; at += 256)
        gch__web_put("%.256s", json + at);
    gch__web_put("}");
    return gch__web_text_finish();
}
