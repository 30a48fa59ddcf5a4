/* Views as somebody at a window makes them, frame after frame, the same every time: what `gpucharts
 * bench frames` draws. */
#ifndef VIEW_SCRIPT_H
#define VIEW_SCRIPT_H

#include "view_state.h"

typedef enum view_script_kind {
    VIEW_SCRIPT_MIXED = 0, /* both, and jumps to other places, closer every time */
    VIEW_SCRIPT_PAN = 1,   /* a hundredth of the data wide, from end to end and back */
    VIEW_SCRIPT_ZOOM = 2,  /* from everything to a few hundred pixels' worth of rows, and back */
} view_script_kind;

typedef struct view_script {
    view_script_kind kind;
    double depth;   /* steps from everything to the closest view */
    uint64_t frame; /* the next one */
} view_script;

/* `rows` in the data's range decide how close the closest view is. */
void view_script_init(view_script *script, view_script_kind kind, uint64_t rows);
/* Moves the state on by a sixtieth of a second. */
void view_script_next(view_script *script, view_state *state);

#endif
