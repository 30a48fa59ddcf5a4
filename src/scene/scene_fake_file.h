/* For tests: a gch_file that is nothing but its description. A layout asks for no more, and so
 * every kind of file, absurd ones too, can be had without writing one. Include it in one file of a
 * program; it takes the place of the store's gch_file_get_info. */
#ifndef GCH_SCENE_FAKE_FILE_H
#define GCH_SCENE_FAKE_FILE_H

#include "gch/file.h"

struct gch_file {
    gch_file_info info;
    gch_column_info columns[4];
};

const gch_file_info *gch_file_get_info(const gch_file *file)
{
    return &file->info;
}

/* A day of rows, one a second, in four columns of one unit. */
static void fake_file_init(gch_file *file)
{
    static const char *const names[4] = {"pressure", "inlet", "outlet", "ambient"};
    *file = (gch_file){.info = {.path = "fake.gch",
                                .row_count = 86400,
                                .time_unit = GCH_TIME_S,
                                .time_name = "time",
                                .time_zone = "",
                                .source = "",
                                .preset = "lossless",
                                .first_time = 1709510400,
                                .last_time = 1709510400 + 86399,
                                .column_count = 4,
                                .columns = file->columns}};
    for (uint32_t i = 0; i < 4; i++)
        file->columns[i] = (gch_column_info){.name = names[i], .unit = "hPa"};
}

static inline gch_value fake_value(double value)
{
    return (gch_value){.as.f64 = value, .kind = GCH_VALUE_F64};
}

#endif
