/* Pools of pages: what shaders cannot bind together lies in several, by its rows.
 *
 * Invariants: pools are made in the order of their numbers, as rows ask for them, until memory has
 * no room for another; pool_limit is then how many there are, and rows are shared out among those.
 * Nothing is bound to pages that are gone, so that others may take their buffers.
 */
#include "render_gpu_planes.h"
#include "render_gpu_state.h"

static void release(gch__gpu_executor *executor, gch__gpu_bindings *bindings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bindings[i].id != 0) /* there may be no device either */
            gch__gpu_bindings_release(executor->gpu, bindings[i]);
        bindings[i] = (gch__gpu_bindings){0};
    }
}

static void drop_pool(gch__gpu_executor *executor, uint32_t index)
{
    gch__gpu_pool *pool = &executor->pools[index];
    release(executor, pool->kernels, GCH_COUNT_OF(pool->kernels));
    release(executor, pool->cull, GCH_COUNT_OF(pool->cull));
    release(executor, pool->counters, GCH_COUNT_OF(pool->counters));
    gch__gpu_points_unbind(executor->points, index);
    gch__gpu_planes_unbind(executor->planes, index);
    pool->bound_version = pool->counters_version = 0;
    gch__gpu_pages_destroy(pool->pages);
    pool->pages = NULL;
}

static gch_status make_pool(gch__gpu_executor *executor, gch__gpu_pool *pool, gch_error *err)
{
    const gch__gpu_executor_desc *desc = &executor->desc;
    uint64_t taken = 0;
    for (uint32_t i = 0; i < executor->pool_limit; i++)
        if (executor->pools[i].pages != NULL)
            taken += gch__gpu_pages_get_budget(executor->pools[i].pages);
    if (desc->budget_bytes != 0 && taken >= desc->budget_bytes)
        return gch_fail(err, GCH_LIMIT, "the budget has no room for another pool");
    GCH_TRY(gch__gpu_pages_make(
        &(gch__gpu_pages_desc){.allocator = executor->allocator,
                               .gpu = executor->gpu,
                               .data = desc->data,
                               .budget_bytes =
                                   desc->budget_bytes > 0 ? desc->budget_bytes - taken : 0,
                               .slab_bytes = desc->slab_bytes},
        &pool->pages, err));
    executor->version++; /* all that was bound to other pages is bound anew */
    gch__gpu_pages_begin_frame(pool->pages);
    return GCH_OK;
}

gch_status gch__gpu_use_pool(gch__gpu_executor *executor, uint64_t wanted, gch_error *err)
{
    uint32_t index = (uint32_t)(wanted % executor->pool_limit);
    if (executor->pools[index].pages == NULL) {
        gch_status status = make_pool(executor, &executor->pools[index], err);
        if ((status == GCH_LIMIT || status == GCH_NO_MEMORY) && index > 0) {
            executor->pool_limit = index;
            return gch__gpu_use_pool(executor, wanted, err);
        }
        GCH_TRY(status);
    }
    executor->pool = index;
    executor->pages = executor->pools[index].pages;
    return GCH_OK;
}

bool gch__gpu_leave_pool(gch__gpu_executor *executor)
{
    if (executor->pool == 0)
        return false;
    executor->pool_limit = executor->pool;
    for (uint32_t i = executor->pool; i < GCH__GPU_POOLS; i++)
        drop_pool(executor, i);
    return true;
}

uint64_t gch__gpu_begin_pools(gch__gpu_executor *executor)
{
    uint64_t loaded = 0;
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++) {
        if (executor->pools[i].pages == NULL)
            continue;
        gch__gpu_pages_begin_frame(executor->pools[i].pages);
        loaded += gch__gpu_pages_get_stats(executor->pools[i].pages).loaded;
    }
    return loaded;
}

void gch__gpu_keep_in_pools(gch__gpu_executor *executor, const gch_file *file)
{
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++)
        if (executor->pools[i].pages != NULL)
            gch__gpu_pages_keep(executor->pools[i].pages, file);
}

uint64_t gch__gpu_end_pools(gch__gpu_executor *executor)
{
    uint64_t loaded = 0;
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++) {
        if (executor->pools[i].pages == NULL)
            continue;
        gch__gpu_pages_end_frame(executor->pools[i].pages);
        loaded += gch__gpu_pages_get_stats(executor->pools[i].pages).loaded;
    }
    return loaded;
}

void gch__gpu_drop_pools(gch__gpu_executor *executor)
{
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++)
        drop_pool(executor, i);
    executor->pages = NULL;
    executor->pool = 0;
    executor->pool_limit = GCH__GPU_POOLS;
}

uint64_t gch__gpu_pools_evicted(const gch__gpu_executor *executor)
{
    uint64_t evicted = 0;
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++)
        if (executor->pools[i].pages != NULL)
            evicted += gch__gpu_pages_get_stats(executor->pools[i].pages).evicted;
    return evicted;
}
