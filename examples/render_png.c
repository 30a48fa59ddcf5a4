/* Draws all of a .gch file's first column: render_png FILE.gch >chart.png */
#include "gch/gch.h"

#include <stdio.h>

int main(int argument_count, char **arguments)
{
    gch_error err;
    gch_data *data = NULL;
    gch_image image = {0};
    if (argument_count != 2)
        return 2;
    gch_status status = gch_data_make(NULL, &data, &err);
    gch_source source;
    gch_chart_series series = {0};
    if (status == GCH_OK)
        status = gch_source_open_file(data, arguments[1], NULL, &source, &err);
    if (status == GCH_OK)
        status = gch_source_get_file(data, source, &series.file, &err);
    if (status == GCH_OK) {
        gch_chart_desc chart = {.series = &series, .series_count = 1};
        status = gch_chart_render(&chart, &image, NULL, &err);
    }
    if (status == GCH_OK)
        status = gch_image_write(&image, GCH_IMAGE_PNG, stdout, &err);
    if (status != GCH_OK)
        fprintf(stderr, "%s\n", err.message);
    gch_image_destroy(&image, NULL);
    return gch_data_destroy(data, NULL) == GCH_OK && status == GCH_OK ? 0 : 1;
}
