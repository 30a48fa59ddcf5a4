/* Inputs into a feed, and commits on the way. */
#include "ingest_feed.h"

void gch__feed_destroy(gch__feed *feed)
{
    if (feed->run != NULL)
        feed->class->destroy(feed->run);
    if (feed->lent != NULL)
        feed->destroy_lent(feed->lent);
    *feed = (gch__feed){0};
}

gch_status gch__feed_commit(gch__feed *feed, gch_error *err)
{
    if (feed->sink->row_count == 0 && feed->sink->batch.row_count == 0)
        return GCH_OK; /* nothing to show, and nothing to decide by */
    GCH_TRY(feed->class->settle(feed->run, err));
    GCH_TRY(feed->class->flush(feed->run, err));
    return gch__ingest_sink_commit(feed->sink, err);
}

gch_status gch__feed_commit_due(gch__feed *feed, gch__ingest_job *job, gch_error *err)
{
    if (job->commit_at_ns == INT64_MAX || gch__clock_ns() < job->commit_at_ns)
        return GCH_OK;
    GCH_TRY(gch__feed_commit(feed, err));
    gch__ingest_set_commit(job);
    return GCH_OK;
}

static gch_status feed_input(gch__feed *feed, gch__ingest_job *job, gch__input *input,
                             gch_error *err)
{
    GCH_TRY(feed->class->begin_input(feed->run, input, err));
    for (bool is_end = false; !is_end;) {
        uint8_t *to;
        size_t cap, count;
        GCH_TRY(feed->class->room(feed->run, &to, &cap, err));
        GCH_TRY(gch__input_read_until(input, to, cap, job->commit_at_ns, &count, &is_end, err));
        GCH_TRY(feed->class->take(feed->run, count, is_end, err));
        GCH_TRY(gch__ingest_tell(job, err));
        GCH_TRY(gch__feed_commit_due(feed, job, err));
    }
    return GCH_OK;
}

gch_status gch__feed_inputs(gch__feed *feed, gch__ingest_job *job, gch_error *err)
{
    for (size_t i = 0; i < job->input_count; i++)
        GCH_TRY(feed_input(feed, job, &job->inputs[i], err));
    GCH_TRY(feed->class->settle(feed->run, err));
    GCH_TRY(gch__ingest_sink_finish(feed->sink, err));
    return gch__ingest_tell(job, err);
}
