/* Scripts of views (view_script.h). */
#include "view_script.h"

#include <math.h>

#define FRAME_MS (1000.0 / 60)
#define CLOSEST_ROWS 2000.0
#define SCENE_FRAMES 40u /* of MIXED: a zoom or a pan */
#define PAN_PX 23.0      /* a frame: 1,400 pixels a second */

void view_script_init(view_script *script, view_script_kind kind, uint64_t rows)
{
    double depth = log2(fmax((double)rows, 1) / CLOSEST_ROWS);
    *script = (view_script){.kind = kind, .depth = fmax(depth, 1)};
}

/* Shows 2^-steps of the data about a place from 0 to 1. */
static void show_part(view_state *state, double place, double steps)
{
    view_range data = state->data;
    __int128 all = (__int128)data.to - data.from;
    __int128 span = (__int128)((double)all * exp2(-steps));
    span = span < 2 ? 2 : span;
    span = span > all ? all : span;
    __int128 from = data.from + (__int128)((double)(all - span) * place);
    from = from + span > data.to ? data.to - span : from;
    if (span >= 1 && from >= INT64_MIN && from + span <= INT64_MAX)
        view_state_show(state, (int64_t)from, (int64_t)(from + span));
}

static void pan(view_script *script, view_state *state)
{
    /* There and back: 2 * 99 widths. */
    double width = state->frame.width_px;
    double way = fmod((double)script->frame * PAN_PX, 198 * width) / width;
    show_part(state, (way <= 99 ? way : 198 - way) / 99, log2(100));
}

static void zoom(view_script *script, view_state *state)
{
    /* Eight steps a second, and back. */
    double steps = fmod((double)script->frame * 8 / 60, 2 * script->depth);
    show_part(state, 0.381966, steps <= script->depth ? steps : 2 * script->depth - steps);
}

static void mixed(view_script *script, view_state *state)
{
    uint64_t scene = script->frame / SCENE_FRAMES, step = script->frame % SCENE_FRAMES;
    uint64_t round = scene / 4;
    double width = state->frame.width_px;
    if (scene % 4 == 0 && step == 0) { /* places spread as the golden ratio's multiples are */
        double place = fmod((double)round * 0.618034, 1);
        show_part(state, place, script->depth * (double)(round % 5) / 6);
    }
    switch (scene % 4) {
    case 0:
        view_state_zoom(state, width * 0.7, script->depth / 6 / SCENE_FRAMES);
        break;
    case 1:
        view_state_pan(state, -PAN_PX, 0);
        break;
    case 2:
        view_state_zoom(state, width * 0.3, -script->depth / 9 / SCENE_FRAMES);
        break;
    default:
        view_state_pan(state, PAN_PX * 2, 0);
        break;
    }
    (void)view_state_advance(state, FRAME_MS);
}

void view_script_next(view_script *script, view_state *state)
{
    switch (script->kind) {
    case VIEW_SCRIPT_PAN:
        pan(script, state);
        break;
    case VIEW_SCRIPT_ZOOM:
        zoom(script, state);
        break;
    default:
        mixed(script, state);
        break;
    }
    script->frame++;
}
