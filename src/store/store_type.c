/* Names and sizes of the column types. */
#include "base.h"
#include "gch/file.h"

#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [GCH_TYPE_DEFAULT] = {"default", 0}, [GCH_TYPE_I8] = {"i8", 1},
    [GCH_TYPE_U8] = {"u8", 1},           [GCH_TYPE_I16] = {"i16", 2},
    [GCH_TYPE_U16] = {"u16", 2},         [GCH_TYPE_I32] = {"i32", 4},
    [GCH_TYPE_U32] = {"u32", 4},         [GCH_TYPE_I64] = {"i64", 8},
    [GCH_TYPE_F32] = {"f32", 4},         [GCH_TYPE_F64] = {"f64", 8},
    [GCH_TYPE_DECIMAL] = {"decimal", 8},
};

const char *gch_type_name(gch_type type)
{
    return (size_t)type < GCH_COUNT_OF(types) ? types[type].name : "?";
}

bool gch_type_parse(const char *name, gch_type *out)
{
    for (size_t i = GCH_TYPE_DEFAULT + 1; i < GCH_COUNT_OF(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            *out = (gch_type)i;
            return true;
        }
    }
    return false;
}

size_t gch_type_bytes(gch_type type)
{
    return (size_t)type < GCH_COUNT_OF(types) ? types[type].bytes : 0;
}
