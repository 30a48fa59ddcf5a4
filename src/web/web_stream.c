/* Live series of a server: the host has the socket, frames are read and appended here.
 *
 * Invariants:
 *  1. Rows are appended in the order of the series and each once. The first that cannot be ends the
 *     stream, so that the source never has a hole nobody knows of.
 *  2. All rows that a source has are of one series: when that was made anew, the old ones go first.
 */
#include "net_place.h"
#include "web_state.h"

#define PURPOSE "web stream"

struct gch__web_stream {
    gch__live_place *place;
    gch_column_desc *columns; /* types only */
    gch__live_appender appender;
    uint64_t gap_count; /* since the last restart */
    gch_error failure;  /* the first; GCH_OK: none */
};

void gch__web_stream_destroy(gch__web_stream *stream)
{
    if (stream == NULL)
        return;
    gch__live_place_destroy(stream->place);
    gch__live_appender_reset(&stream->appender);
    gch__free(gch__web_instance.allocator, stream->columns, PURPOSE);
    gch__free(gch__web_instance.allocator, stream, PURPOSE);
}

static bool is_integer(double number)
{
    return number >= 0 && number < 0x1p53 && number == (double)(uint64_t)number;
}

gch_status gch_web_stream_start(uint32_t id, double after)
{
    gch__web *web = &gch__web_instance;
    gch__web_source *source;
    GCH_TRY(gch__web_source_ready(id, &source));
    if (source->live_file == NULL || !is_integer(after))
        return gch_fail(&web->err, GCH_INVALID, "%s: no live series, or no batch number",
                        source->name);
    if (source->stream != NULL)
        return gch_fail(&web->err, GCH_EXISTS, "%s is streamed already", source->name);
    const gch_file_info *info = gch_file_get_info(source->file);
    gch__web_stream *stream = gch__alloc_zero(web->allocator, 1, sizeof *stream, PURPOSE);
    if (stream == NULL)
        return gch__no_memory(&web->err, PURPOSE);
    gch_status status = GCH_OK;
    stream->columns =
        gch__alloc_zero(web->allocator, info->column_count, sizeof *stream->columns, PURPOSE);
    if (stream->columns == NULL)
        status = gch__no_memory(&web->err, PURPOSE);
    for (uint32_t c = 0; status == GCH_OK && c < info->column_count; c++)
        stream->columns[c].type = info->columns[c].type;
    if (status == GCH_OK)
        status =
            gch__live_appender_init(&stream->appender, web->data, source->handle, stream->columns,
                                    info->column_count, web->allocator, &web->err);
    if (status == GCH_OK) {
        stream->place = gch__live_place_make(web->allocator, true, (uint64_t)after, &web->err);
        status = stream->place != NULL ? GCH_OK : GCH_NO_MEMORY;
    }
    if (status != GCH_OK) {
        gch__web_stream_destroy(stream);
        return status;
    }
    source->stream = stream;
    return GCH_OK;
}

static gch_status get(uint32_t id, gch__web_source **out)
{
    *out = gch__web_source_get(id);
    if (*out == NULL)
        return GCH_INVALID;
    if ((*out)->stream == NULL)
        return gch_fail(gch__web_err(), GCH_INVALID, "%s is no stream", (*out)->name);
    if ((*out)->stream->failure.status == GCH_OK)
        return GCH_OK;
    *gch__web_err() = (*out)->stream->failure;
    return (*out)->stream->failure.status;
}

static gch_status end(gch__web_stream *stream)
{
    stream->failure = *gch__web_err();
    return stream->failure.status;
}

gch_status gch_web_stream_greet(uint32_t id, double first_sequence, double next_sequence,
                                uint32_t flags)
{
    gch_error *err = gch__web_err();
    gch__web_source *source;
    GCH_TRY(get(id, &source));
    bool are_numbers = is_integer(first_sequence) && is_integer(next_sequence);
    if (!are_numbers || first_sequence < 1 || next_sequence < first_sequence)
        return gch_fail(err, GCH_CORRUPT, "%s: no batch numbers", source->name);
    if ((flags & GCH__WEB_OTHER_COLUMNS) != 0) {
        (void)!gch_fail(err, GCH_IO,
                        "%s: the series was made anew on its server, with other columns; open it "
                        "again",
                        source->name);
        return end(source->stream);
    }
    gch__live_greeting greeting = {.first_sequence = (uint64_t)first_sequence,
                                   .next_sequence = (uint64_t)next_sequence,
                                   .is_other = (flags & GCH__WEB_OTHER_SERIES) != 0};
    if (!gch__live_place_greet(source->stream->place, &greeting))
        return GCH_OK;
    source->stream->gap_count = 0;
    if (gch_live_clear(gch__web_instance.data, source->handle, err) != GCH_OK)
        return end(source->stream);
    return gch_fail(err, GCH_CANCELLED, "%s: the series was made anew", source->name);
}

gch_status gch_web_stream_take(uint32_t id, const void *bytes, size_t count)
{
    gch_error *err = gch__web_err();
    gch__web_source *source;
    gch__live_news news;
    GCH_TRY(get(id, &source));
    gch__web_stream *stream = source->stream;
    GCH_TRY(gch__live_place_take(stream->place, bytes, count, &news, err));
    gch_status status = GCH_OK;
    if (news.has_rows)
        status = gch__live_append_rows(&stream->appender, &news.rows, err);
    else if (news.has_summary)
        status = gch__live_append_summary(&stream->appender, &news.summary, err);
    if (status != GCH_OK)
        return end(stream);
    stream->gap_count += news.has_summary;
    gch__live_place_advance(stream->place);
    return GCH_OK;
}

gch_status gch_web_stream_get_place(uint32_t id, gch_web_stream_place *out)
{
    gch__live_place_stats stats;
    gch__web_source *source = gch__web_source_get(id);
    if (source == NULL)
        return GCH_INVALID;
    if (source->stream == NULL)
        return gch_fail(gch__web_err(), GCH_INVALID, "%s is no stream", source->name);
    gch__live_place_get_stats(source->stream->place, &stats);
    *out = (gch_web_stream_place){.last_sequence = (double)stats.last_sequence,
                                  .rows = (double)stats.rows,
                                  .missed_rows = (double)stats.missed_rows,
                                  .repeated_rows = (double)stats.repeated_rows,
                                  .gap_count = (double)source->stream->gap_count,
                                  .is_final = source->stream->failure.status != GCH_OK,
                                  .restart_count = (uint32_t)stats.restarts};
    return GCH_OK;
}
