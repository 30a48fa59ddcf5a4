/* stb_truetype as this room compiles it: every allocation goes to gch__stb_alloc.
 *
 * `userdata` of an stbtt_fontinfo names the memory that gch__stb_alloc takes from; functions
 * of stb_truetype that only measure allocate nothing and run with userdata NULL.
 */
#ifndef GCH_SCENE_STB_H
#define GCH_SCENE_STB_H

#include <stddef.h>

/* scene_text.c. Never returns NULL: stb_truetype does not check every allocation, so a failure
 * leaves it by longjmp. */
void *gch__stb_alloc(size_t bytes, void *userdata);
void gch__stb_free(void *memory, void *userdata);

#define STBTT_malloc(bytes, userdata) gch__stb_alloc(bytes, userdata)
#define STBTT_free(memory, userdata) gch__stb_free(memory, userdata)

#include <stb/stb_truetype.h>

#endif
