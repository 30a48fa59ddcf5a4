/* The loaders as threads, which take what comes first and sleep while there is nothing. */
#include "data_state.h"

static void *loader_main(void *argument)
{
    gch_data *data = argument;
    for (;;) {
        gch__work work;
        bool is_any = false;
        pthread_mutex_lock(&data->queue_lock);
        while (!atomic_load(&data->is_stopping) && !(is_any = gch__queue_take(data, &work))) {
            data->idle_count++;
            pthread_cond_wait(&data->work, &data->queue_lock);
            data->idle_count--;
        }
        pthread_mutex_unlock(&data->queue_lock);
        if (!is_any)
            return NULL;
        gch__queue_work_off(data, &work);
    }
}

gch_status gch__loaders_start(gch_data *data, uint32_t count, gch_error *err)
{
    data->loaders = gch__alloc_array(&data->allocator, count, sizeof *data->loaders, "loaders");
    if (data->loaders == NULL)
        return gch__no_memory(err, "loaders");
    for (uint32_t i = 0; i < count; i++) {
        if (pthread_create(&data->loaders[i], NULL, loader_main, data) != 0)
            return gch_fail(err, GCH_LIMIT, "cannot start loader %u of %u", i + 1, count);
        data->loader_count++;
    }
    return GCH_OK;
}

void gch__loaders_stop(gch_data *data)
{
    pthread_mutex_lock(&data->queue_lock);
    atomic_store(&data->is_stopping, true);
    pthread_cond_broadcast(&data->work);
    pthread_mutex_unlock(&data->queue_lock);
    for (uint32_t i = 0; i < data->loader_count; i++)
        pthread_join(data->loaders[i], NULL);
    data->loader_count = 0;
    gch__queue_cancel(data, NULL);
}
