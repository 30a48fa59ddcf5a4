/* The files of exactness cases. */
#include "exactness_cases.h"
#include "store_open.h"
#include "test.h"

#include <inttypes.h>
#include <unistd.h>

static gch_error err;

static void append_part(gch_writer *writer, const exactness_case *c, exactness_part part)
{
    const uint8_t *values = c->values;
    gch_column_data data = {
        .values = values + part.first * gch_type_bytes(c->type),
        .scales = c->scales != NULL ? c->scales + part.first : NULL,
        .validity = c->validity != NULL ? c->validity + part.first / 8 : NULL,
    };
    assert_ok(gch_writer_append(writer, c->times + part.first, &data, part.count, &err));
}

exactness_file exactness_case_open(const exactness_case *c, const char *folder)
{
    exactness_file out = {0};
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = c->type};
    gch_writer_desc desc = {.time_unit = GCH_TIME_NS, .columns = &column, .column_count = 1};
    if (c->part_count == 1) {
        size_t byte_count;
        assert_ok(gch_writer_create_memory(&desc, &writer, &err));
        append_part(writer, c, c->parts[0]);
        assert_ok(gch_writer_finish_memory(writer, &out.bytes, &byte_count, &err));
        assert_ok(gch__file_open_memory(out.bytes, byte_count, "case", NULL, &out.file, &err));
        return out;
    }
    char path[1024];
    snprintf(path, sizeof path, "%s/exactness-%ld-%" PRIu64 ".gch", folder, (long)getpid(),
             c->number);
    for (uint32_t i = 0; i < c->part_count; i++) {
        assert_ok(i == 0 ? gch_writer_create(path, &desc, &writer, &err)
                         : gch_writer_open_append(path, &desc, &writer, &err));
        append_part(writer, c, c->parts[i]);
        assert_ok(gch_writer_finish(writer, &err));
    }
    gch_status status = gch__file_open(path, NULL, &out.file, &err);
    unlink(path); /* stays readable while it is open */
    assert_ok(status);
    return out;
}

void exactness_file_close(exactness_file *o)
{
    gch__file_close(o->file);
    gch_writer_free_memory(o->bytes, NULL);
}
