/* The implementation of stb_truetype. The build silences warnings and the undefined-behaviour
 * sanitizer for this file alone: it is not ours, and the fonts that it reads are embedded ones. */
#define STB_TRUETYPE_IMPLEMENTATION
#include "scene_stb.h"
