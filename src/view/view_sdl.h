/* SDL2 as a table of functions, loaded when the first window opens: the command's other work does
 * not pay for a library that loads most of a desktop, and runs where it is missing. */
#ifndef VIEW_SDL_H
#define VIEW_SDL_H

#include "gch/status.h"

#include <SDL.h>

#define VIEW_SDL_FUNCTIONS(X)                                                                      \
    X(CreateRenderer)                                                                              \
    X(CreateTexture)                                                                               \
    X(CreateWindow)                                                                                \
    X(Delay)                                                                                       \
    X(DestroyRenderer)                                                                             \
    X(DestroyTexture)                                                                              \
    X(DestroyWindow)                                                                               \
    X(EnableScreenSaver)                                                                           \
    X(GetError)                                                                                    \
    X(GetModState)                                                                                 \
    X(GetMouseState)                                                                               \
    X(GetPerformanceCounter)                                                                       \
    X(GetPerformanceFrequency)                                                                     \
    X(GetRendererInfo)                                                                             \
    X(GetRendererOutputSize)                                                                       \
    X(GetWindowSize)                                                                               \
    X(HideWindow)                                                                                  \
    X(InitSubSystem)                                                                               \
    X(PollEvent)                                                                                   \
    X(Quit)                                                                                        \
    X(QuitSubSystem)                                                                               \
    X(RenderClear)                                                                                 \
    X(RenderCopy)                                                                                  \
    X(RenderPresent)                                                                               \
    X(SetHint)                                                                                     \
    X(SetTextureBlendMode)                                                                         \
    X(SetWindowMinimumSize)                                                                        \
    X(SetWindowTitle)                                                                              \
    X(StartTextInput)                                                                              \
    X(UpdateTexture)                                                                               \
    X(WaitEvent)                                                                                   \
    X(WaitEventTimeout)

typedef struct view_sdl {
#define X(name) __typeof__(SDL_##name) *name;
    VIEW_SDL_FUNCTIONS(X)
#undef X
} view_sdl;

/* GCH_UNSUPPORTED: there is no such library, or one that is too old. */
GCH_CHECKED gch_status view_sdl_load(view_sdl *out, gch_error *err);

#endif
