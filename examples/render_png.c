/* Draws all of a .gch file's first column: render_png FILE.gch >chart.png */
#include "gch/gch.h"

#include <stdio.h>

int main(int argument_count, char **arguments)
{
    gch_error err;
    gch_file *file = NULL;
    gch_image image = {0};
    if (argument_count != 2)
        return 2;
    gch_status status = gch_file_open(arguments[1], NULL, &file, &err);
    if (status == GCH_OK) {
        gch_chart_series series = {.file = file};
        gch_chart_desc chart = {.series = &series, .series_count = 1};
        status = gch_chart_render(&chart, &image, NULL, &err);
    }
    if (status == GCH_OK)
        status = gch_image_write(&image, GCH_IMAGE_PNG, stdout, &err);
    if (status != GCH_OK)
        fprintf(stderr, "%s\n", err.message);
    gch_image_destroy(&image, NULL);
    gch_file_close(file);
    return status == GCH_OK ? 0 : 1;
}
