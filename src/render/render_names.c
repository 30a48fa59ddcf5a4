/* Names of marks and executors, as options and files spell them. */
#include "base.h"
#include "gch/chart.h"

#include <string.h>

bool gch_mark_parse(const char *name, gch_mark *out)
{
    static const char *const names[] = {
        [GCH_MARK_LINE] = "line",     [GCH_MARK_STEP] = "step",
        [GCH_MARK_AREA] = "area",     [GCH_MARK_CANDLES] = "candles",
        [GCH_MARK_OHLC] = "ohlc",     [GCH_MARK_SCATTER] = "scatter",
        [GCH_MARK_BARS] = "bars",     [GCH_MARK_DENSITY] = "density",
        [GCH_MARK_BAND] = "band",     [GCH_MARK_HISTOGRAM] = "histogram",
        [GCH_MARK_VOLUME] = "volume", [GCH_MARK_POINTS] = "points",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        if (names[i] != NULL && strcmp(name, names[i]) == 0) {
            *out = (gch_mark)i;
            return true;
        }
    }
    return false;
}

bool gch_density_scale_parse(const char *name, gch_density_scale *out)
{
    static const char *const names[] = {
        [GCH_DENSITY_LOG] = "log",
        [GCH_DENSITY_LINEAR] = "linear",
        [GCH_DENSITY_EQUAL] = "equal",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        if (names[i] != NULL && strcmp(name, names[i]) == 0) {
            *out = (gch_density_scale)i;
            return true;
        }
    }
    return false;
}

bool gch_palette_parse(const char *name, gch_palette *out)
{
    static const char *const names[] = {
        [GCH_PALETTE_MOSS] = "moss",
        [GCH_PALETTE_EMBER] = "ember",
        [GCH_PALETTE_DUSK] = "dusk",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        if (names[i] != NULL && strcmp(name, names[i]) == 0) {
            *out = (gch_palette)i;
            return true;
        }
    }
    return false;
}

bool gch_study_parse(const char *name, gch_study_kind *out)
{
    static const char *const names[] = {
        [GCH_STUDY_SMA] = "sma",
        [GCH_STUDY_EMA] = "ema",
        [GCH_STUDY_RANGE] = "range",
        [GCH_STUDY_SPREAD] = "spread",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        if (names[i] != NULL && strcmp(name, names[i]) == 0) {
            *out = (gch_study_kind)i;
            return true;
        }
    }
    return false;
}

bool gch_backend_parse(const char *name, gch_backend *out)
{
    static const char *const names[] = {
        [GCH_BACKEND_CPU] = "cpu",
        [GCH_BACKEND_REFERENCE] = "reference",
        [GCH_BACKEND_GPU] = "gpu",
        [GCH_BACKEND_AUTO] = "auto",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        if (names[i] != NULL && strcmp(name, names[i]) == 0) {
            *out = (gch_backend)i;
            return true;
        }
    }
    return false;
}
