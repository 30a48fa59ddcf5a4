/* The loaders where there are no threads: nobody takes from the queues but gch_data_take_queued. */
#include "data_state.h"

gch_status gch__loaders_start(gch_data *data, uint32_t count, gch_error *err)
{
    (void)data, (void)count, (void)err;
    return GCH_OK;
}

void gch__loaders_stop(gch_data *data)
{
    atomic_store(&data->is_stopping, true);
    gch__queue_cancel(data, NULL);
}
