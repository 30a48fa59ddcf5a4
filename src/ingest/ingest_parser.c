/* Pushed bytes into a feed.
 *
 * Invariants:
 *  1. Bytes counted as taken are in the feed; no other is looked at.
 *  2. `failure` is set by the first failure, after which nothing is fed any more.
 *  3. A refused batch stays where it is. The feed goes on filling its room behind it until that is
 *     full, so that memory is bounded by what it is without a refusal.
 */
#include "ingest_feed.h"

#include "gch/time.h"

#include <string.h>

#define PUSH_BUFFER_BYTES ((size_t)1 << 20)

struct gch_parser {
    gch_ingest_desc desc;
    gch_ingest_report report;
    gch__input input;
    gch__ingest_job job;
    gch__feed feed;
    bool is_at_end;
    gch_status failure;
};

static gch_status check(const gch_parser_desc *desc, gch_error *err)
{
    const gch_ingest_desc *ingest = &desc->ingest;
    if (ingest->input_count > 0)
        return gch_fail(err, GCH_INVALID, "a parser has no inputs: its bytes are pushed");
    if (ingest->format == GCH_FORMAT_NPY)
        return gch_fail(err, GCH_UNSUPPORTED, ".npy is read from files, not from a stream");
    if (desc->take != NULL && ingest->output != NULL)
        return gch_fail(err, GCH_INVALID, "rows go to an output or to a callback, not to both");
    if (desc->take != NULL && (ingest->sort || ingest->x_column != NULL))
        return gch_fail(err, GCH_INVALID, "rows for a callback come as they are, not sorted");
    if (ingest->output == NULL && ingest->append)
        return gch_fail(err, GCH_INVALID, "no output to append to");
    return gch__ingest_check(ingest, err);
}

static void destroy(gch_parser *parser)
{
    gch__feed_destroy(&parser->feed);
    gch__ingest_job_close(&parser->job);
    gch__free(parser->desc.allocator, parser, "parser");
}

gch_status gch_parser_make(const gch_parser_desc *desc, gch_parser **out, gch_error *err)
{
    GCH_TRY(check(desc, err));
    gch_parser *parser = gch__alloc_zero(desc->ingest.allocator, 1, sizeof *parser, "parser");
    if (parser == NULL)
        return gch__no_memory(err, "parser");
    parser->desc = desc->ingest;
    gch__input_open_pushed(desc->name != NULL ? desc->name : "stream", &parser->input);
    parser->job =
        (gch__ingest_job){.desc = &parser->desc,
                          .report = &parser->report,
                          .inputs = &parser->input,
                          .input_count = 1,
                          .csv = GCH__CSV_SIZES,
                          .take = desc->take,
                          .take_context = desc->take_context,
                          .into_memory = desc->take == NULL && desc->ingest.output == NULL};
    parser->job.csv.buffer_bytes = PUSH_BUFFER_BYTES;
    const bool is_raw = desc->ingest.format == GCH_FORMAT_RAW ||
                        (desc->ingest.format == GCH_FORMAT_DEFAULT && desc->ingest.layout != NULL);
    gch_status status = gch__ingest_job_open(&parser->job, err);
    if (status == GCH_OK)
        status = is_raw ? gch__feed_make_raw(&parser->job, &parser->feed, err)
                        : gch__feed_make_csv(&parser->job, &parser->feed, err);
    if (status == GCH_OK)
        status = parser->feed.class->begin_input(parser->feed.run, &parser->input, err);
    if (status != GCH_OK) {
        destroy(parser);
        return status;
    }
    *out = parser;
    return GCH_OK;
}

/* Remembers a failure; passes everything on. */
static gch_status note(gch_parser *parser, gch_status status)
{
    if (status != GCH_OK && status != GCH_PENDING)
        parser->failure = status;
    return status;
}

static gch_status check_failure(const gch_parser *parser, gch_error *err)
{
    if (parser->failure == GCH_OK)
        return GCH_OK;
    return gch_fail(err, parser->failure, "%s: an earlier push failed", parser->input.name);
}

/* Feeds until all bytes are taken or the feed has no room. */
static gch_status feed(gch_parser *parser, const uint8_t *bytes, size_t count, size_t *out_taken,
                       gch_error *err)
{
    const gch__feed *to = &parser->feed;
    gch_status status = to->class->take(to->run, 0, false, err); /* what was refused before */
    for (*out_taken = 0; *out_taken < count;) {
        uint8_t *place;
        size_t cap;
        if (status != GCH_OK && status != GCH_PENDING)
            return status;
        GCH_TRY(to->class->room(to->run, &place, &cap, err));
        const size_t part = GCH_MIN(cap, count - *out_taken);
        if (part == 0)
            break;
        memcpy(place, bytes + *out_taken, part);
        *out_taken += part;
        parser->input.done_bytes += part;
        status = to->class->take(to->run, part, false, err);
    }
    return status;
}

/* A callback gets rows as they come, once their types are known. */
static gch_status hand_on(gch_parser *parser, gch_error *err)
{
    const gch__feed *from = &parser->feed;
    if (parser->job.take != NULL && from->sink->time_name != NULL)
        return from->class->flush(from->run, err);
    return GCH_OK;
}

gch_status gch_parser_push(gch_parser *parser, const void *bytes, size_t count, size_t *out_taken,
                           gch_error *err)
{
    size_t taken = 0;
    GCH_TRY(check_failure(parser, err));
    gch_status status = feed(parser, bytes, count, &taken, err);
    if (out_taken != NULL)
        *out_taken = taken;
    if (status == GCH_OK)
        status = hand_on(parser, err);
    if (status == GCH_OK)
        status = gch__feed_commit_due(&parser->feed, &parser->job, err);
    if (status == GCH_OK || status == GCH_PENDING) {
        gch_status told = gch__ingest_tell(&parser->job, err);
        status = told != GCH_OK ? told : status;
    }
    return note(parser, status);
}

gch_status gch_parser_flush(gch_parser *parser, gch_error *err)
{
    GCH_TRY(check_failure(parser, err));
    gch_status status = parser->feed.class->take(parser->feed.run, 0, false, err);
    if (status == GCH_OK)
        status = gch__feed_commit(&parser->feed, err);
    return note(parser, status);
}

static gch_status finish(gch_parser *parser, gch_error *err)
{
    const gch__feed *from = &parser->feed;
    GCH_TRY(check_failure(parser, err));
    if (!parser->is_at_end)
        GCH_TRY(from->class->take(from->run, 0, false, err));
    parser->is_at_end = true;
    GCH_TRY(from->class->take(from->run, 0, true, err));
    GCH_TRY(from->class->settle(from->run, err));
    if (parser->job.take != NULL)
        GCH_TRY(from->class->flush(from->run, err));
    GCH_TRY(gch__ingest_sink_finish(from->sink, err));
    return gch__ingest_tell(&parser->job, err);
}

gch_status gch_parser_finish(gch_parser *parser, gch_ingest_report *report, gch_error *err)
{
    gch_status status = GCH_OK;
    if (parser->job.into_memory)
        status = gch_fail(err, GCH_INVALID, "a parser into memory ends with finish_memory");
    else
        status = finish(parser, err);
    if (report != NULL)
        *report = parser->report;
    if (status != GCH_PENDING)
        destroy(parser);
    return status;
}

gch_status gch_parser_finish_memory(gch_parser *parser, void **out_bytes, size_t *out_byte_count,
                                    gch_ingest_report *report, gch_error *err)
{
    gch_status status = GCH_OK;
    if (!parser->job.into_memory)
        status = gch_fail(err, GCH_INVALID, "%s: no parser into memory", parser->input.name);
    else
        status = finish(parser, err);
    if (report != NULL)
        *report = parser->report;
    if (status == GCH_OK) {
        *out_bytes = parser->job.image;
        *out_byte_count = parser->job.image_bytes;
    }
    destroy(parser);
    return status;
}

void gch_parser_abandon(gch_parser *parser)
{
    if (parser != NULL)
        destroy(parser);
}
