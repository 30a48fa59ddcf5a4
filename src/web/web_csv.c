/* CSV that a page hands in piece by piece, parsed into a file image in memory. */
#include "gch/ingest.h"
#include "web_state.h"

#include <string.h>

static struct {
    gch_parser *parser; /* NULL: none */
    char name[256], zone[64];
} csv;

gch_status gch_web_csv_start(const char *name, const char *time_zone)
{
    if (csv.parser != NULL)
        return gch_fail(gch__web_err(), GCH_EXISTS, "%s is being read", csv.name);
    strncpy(csv.name, name, sizeof csv.name - 1);
    strncpy(csv.zone, time_zone != NULL ? time_zone : "", sizeof csv.zone - 1);
    gch_parser_desc desc = {.ingest = {.format = GCH_FORMAT_CSV,
                                       .allocator = gch__web_instance.allocator,
                                       .time_zone = csv.zone[0] != '\0' ? csv.zone : NULL},
                            .name = csv.name};
    return gch_parser_make(&desc, &csv.parser, gch__web_err());
}

void gch_web_csv_abandon(void)
{
    gch_parser_abandon(csv.parser);
    csv.parser = NULL;
}

gch_status gch_web_csv_push(const void *bytes, size_t count)
{
    if (csv.parser == NULL)
        return gch_fail(gch__web_err(), GCH_INVALID, "no text is being read");
    gch_status status = gch_parser_push(csv.parser, bytes, count, NULL, gch__web_err());
    if (status != GCH_OK)
        gch_web_csv_abandon();
    return status;
}

static void free_image(void *context, void *bytes, size_t count)
{
    (void)context, (void)count;
    gch_writer_free_memory(bytes, gch__web_instance.allocator);
}

gch_status gch_web_csv_finish(uint32_t *out_id)
{
    if (csv.parser == NULL)
        return gch_fail(gch__web_err(), GCH_INVALID, "no text is being read");
    void *image = NULL;
    size_t count = 0;
    gch_parser *parser = csv.parser;
    csv.parser = NULL;
    GCH_TRY(gch_parser_finish_memory(parser, &image, &count, NULL, gch__web_err()));
    gch_status status = gch__web_source_adopt(csv.name, image, count, free_image, out_id);
    if (status != GCH_OK)
        gch_writer_free_memory(image, gch__web_instance.allocator);
    return status;
}
