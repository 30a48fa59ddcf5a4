/* The window, through SDL2: events become calls of the session, its pictures go to the screen.
 *
 * While something moves, or pages are missing, a picture is shown at each refresh of the screen;
 * else the loop sleeps until an event comes or the data may have grown.
 */
#include "view_sdl.h"
#include "view_session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FRAME_MS 16.0
#define SPEED_MS 80.0 /* of a drag before it is let go, that its speed is taken from */
#define TRAIL_CAP 32u
#define WHEEL_STEPS 0.35 /* a notch */
#define WHEEL_PX 60.0    /* a notch sideways */
#define CLOSE_MS 30
#define CLICK_PX 3.0 /* a press that moves less is a click */
#define WIDTH_MIN 240
#define HEIGHT_MIN 160

typedef enum drag_kind { DRAG_NONE = 0, DRAG_PAN = 1, DRAG_BOX = 2 } drag_kind;

typedef struct window {
    view_session *session;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    int texture_width, texture_height;
    bool has_vsync, is_hidden, is_done, is_exposed;
    bool wants_save; /* when there is a picture */
    double density;  /* pixels of the picture to the window's units */
    float scale;     /* as asked for; 0: the density */
    char title[256];

    drag_kind drag;
    uint8_t drag_button;
    double press_x, press_y; /* in the picture */
    struct {
        double at_ms, x;
    } trail[TRAIL_CAP]; /* the last moves of a drag, in a ring */
    uint32_t trail_count;
} window;

static view_sdl sdl;

static gch_status fail_sdl(gch_error *err, gch_status status, const char *what)
{
    err->status = status;
    snprintf(err->message, sizeof err->message, "%s: %s", what, sdl.GetError());
    return status;
}

static double now_ms(void)
{
    return 1000.0 * (double)sdl.GetPerformanceCounter() / (double)sdl.GetPerformanceFrequency();
}

/* ---- life ---- */

static void take_size(window *w)
{
    int width, height, width_px, height_px;
    sdl.GetWindowSize(w->window, &width, &height);
    if (sdl.GetRendererOutputSize(w->renderer, &width_px, &height_px) != 0) {
        width_px = width;
        height_px = height;
    }
    w->density = width > 0 ? (double)width_px / width : 1;
    float scale = w->scale > 0 ? w->scale : fmaxf(0.5f, fminf((float)w->density, 8));
    view_session_resize(w->session, (uint32_t)width_px, (uint32_t)height_px, scale);
}

static gch_status open_window(window *w, const view_desc *desc, gch_error *err)
{
    int width = desc->chart->width_px > 0 ? (int)desc->chart->width_px : 1280;
    int height = desc->chart->height_px > 0 ? (int)desc->chart->height_px : 720;
    snprintf(w->title, sizeof w->title, "%.200s", desc->title);
    sdl.SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    sdl.SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    if (sdl.InitSubSystem(SDL_INIT_VIDEO) != 0)
        return fail_sdl(err, GCH_UNSUPPORTED, "there is no window to draw in");
    sdl.EnableScreenSaver();
    w->window = sdl.CreateWindow(w->title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, width,
                                 height, SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (w->window == NULL)
        return fail_sdl(err, GCH_UNSUPPORTED, "cannot open a window");
    sdl.SetWindowMinimumSize(w->window, WIDTH_MIN, HEIGHT_MIN);
    w->renderer = sdl.CreateRenderer(w->window, -1, SDL_RENDERER_PRESENTVSYNC);
    if (w->renderer == NULL)
        return fail_sdl(err, GCH_UNSUPPORTED, "cannot draw in a window");
    SDL_RendererInfo info;
    w->has_vsync = sdl.GetRendererInfo(w->renderer, &info) == 0 &&
                   (info.flags & SDL_RENDERER_PRESENTVSYNC) != 0;
    sdl.StartTextInput();
    take_size(w);
    return GCH_OK;
}

/* SDL 2.26 on X11 sends itself a message over a second connection whenever an event ends a wait
 * (X11_SendWakeupEvent). If the first connection destroys the window before the server has read
 * that message, it is answered with BadWindow, which ends the process. Hiding waits for the
 * server's answer; after that and a moment more the message has been read. */
static void let_messages_arrive(window *w)
{
    sdl.HideWindow(w->window);
    sdl.Delay(CLOSE_MS);
}

static void close_window(window *w)
{
    if (w->window != NULL)
        let_messages_arrive(w);
    if (w->texture != NULL)
        sdl.DestroyTexture(w->texture);
    if (w->renderer != NULL)
        sdl.DestroyRenderer(w->renderer);
    if (w->window != NULL)
        sdl.DestroyWindow(w->window);
    sdl.QuitSubSystem(SDL_INIT_VIDEO);
    sdl.Quit();
}

/* ---- the picture ---- */

static gch_status show_picture(window *w, gch_error *err)
{
    const gch_image *picture = &w->session->picture;
    int width = (int)picture->width_px, height = (int)picture->height_px;
    if (w->texture == NULL || w->texture_width != width || w->texture_height != height) {
        if (w->texture != NULL)
            sdl.DestroyTexture(w->texture);
        w->texture = sdl.CreateTexture(w->renderer, SDL_PIXELFORMAT_RGBA32,
                                       SDL_TEXTUREACCESS_STREAMING, width, height);
        if (w->texture == NULL)
            return fail_sdl(err, GCH_NO_MEMORY, "cannot make the window's picture");
        sdl.SetTextureBlendMode(w->texture, SDL_BLENDMODE_NONE);
        w->texture_width = width;
        w->texture_height = height;
    }
    if (sdl.UpdateTexture(w->texture, NULL, picture->pixels, width * 4) != 0)
        return fail_sdl(err, GCH_NO_MEMORY, "cannot fill the window's picture");
    return GCH_OK;
}

static void present(window *w)
{
    if (w->texture == NULL)
        return;
    sdl.RenderClear(w->renderer);
    sdl.RenderCopy(w->renderer, w->texture, NULL, NULL);
    sdl.RenderPresent(w->renderer);
    w->is_exposed = false;
}

/* How much of a picture has come stands in the title while it is not all. */
static void tell_progress(window *w)
{
    char title[sizeof w->title];
    double complete = w->session->stats.complete;
    if (complete < 1)
        snprintf(title, sizeof title, "%.200s (%.0f %%)", w->session->desc->title,
                 floor(complete * 100));
    else
        snprintf(title, sizeof title, "%.200s", w->session->desc->title);
    if (strcmp(title, w->title) == 0)
        return;
    memcpy(w->title, title, sizeof title);
    sdl.SetWindowTitle(w->window, w->title);
}

/* ---- the mouse ---- */

static void note_move(window *w, double x)
{
    w->trail[w->trail_count % TRAIL_CAP].at_ms = now_ms();
    w->trail[w->trail_count % TRAIL_CAP].x = x;
    w->trail_count++;
}

/* Pixels a second at the end of a drag. */
static double end_speed(const window *w)
{
    double now = now_ms();
    uint32_t count = w->trail_count < TRAIL_CAP ? w->trail_count : TRAIL_CAP;
    double first_x = 0, first_ms = 0, last_x = 0, last_ms = 0;
    bool has_any = false;
    for (uint32_t back = count; back > 0; back--) {
        uint32_t i = (w->trail_count - back) % TRAIL_CAP;
        if (now - w->trail[i].at_ms > SPEED_MS)
            continue;
        if (!has_any) {
            first_x = w->trail[i].x;
            first_ms = w->trail[i].at_ms;
        }
        has_any = true;
        last_x = w->trail[i].x;
        last_ms = w->trail[i].at_ms;
    }
    return has_any && last_ms - first_ms > 1 ? 1000 * (last_x - first_x) / (last_ms - first_ms) : 0;
}

static void press(window *w, const SDL_MouseButtonEvent *event)
{
    view_session *session = w->session;
    bool is_left = event->button == SDL_BUTTON_LEFT;
    if (w->drag != DRAG_NONE || (!is_left && event->button != SDL_BUTTON_RIGHT))
        return;
    if (session->state.shows_help) {
        view_session_act(session, VIEW_ACTION_HELP);
        return;
    }
    if (is_left && event->clicks == 2) {
        view_session_act(session, VIEW_ACTION_ALL);
        return;
    }
    w->press_x = event->x * w->density;
    w->press_y = event->y * w->density;
    w->drag_button = event->button;
    w->trail_count = 0;
    if (is_left && (sdl.GetModState() & KMOD_SHIFT) == 0) {
        w->drag = DRAG_PAN;
        view_state_drag_begin(&session->state);
        note_move(w, w->press_x);
    } else {
        w->drag = DRAG_BOX;
    }
}

static void move(window *w, const SDL_MouseMotionEvent *event)
{
    view_session *session = w->session;
    double x = event->x * w->density, y = event->y * w->density;
    if (w->drag == DRAG_PAN) {
        view_session_leave(session);
        view_state_drag_to(&session->state, x - w->press_x, y - w->press_y);
        session->wants_frame = true;
        note_move(w, x);
    } else if (w->drag == DRAG_BOX) {
        view_session_leave(session);
        session->has_box = true;
        session->box = (view_rect){(float)w->press_x, (float)w->press_y, (float)x, (float)y};
        session->wants_picture = true;
    } else {
        view_session_point(session, (float)x, (float)y);
    }
}

static void let_go(window *w, const SDL_MouseButtonEvent *event)
{
    view_session *session = w->session;
    double x = event->x * w->density, y = event->y * w->density;
    if (w->drag == DRAG_NONE || event->button != w->drag_button)
        return;
    if (w->drag == DRAG_PAN) {
        bool has_moved = fabs(x - w->press_x) > CLICK_PX;
        view_state_drag_end(&session->state, has_moved ? end_speed(w) : 0);
    } else if (session->has_box) {
        session->has_box = false;
        (void)view_state_box(&session->state, view_session_plot_x(session, (float)w->press_x),
                             view_session_plot_y(session, (float)w->press_y),
                             view_session_plot_x(session, (float)x),
                             view_session_plot_y(session, (float)y));
    }
    w->drag = DRAG_NONE;
    session->wants_frame = true;
    view_session_point(session, (float)x, (float)y);
}

static void wheel(window *w, const SDL_MouseWheelEvent *event)
{
    view_session *session = w->session;
    if (w->drag != DRAG_NONE)
        return;
    double up = (double)event->preciseY, right = (double)event->preciseX;
    if (event->direction == SDL_MOUSEWHEEL_FLIPPED) {
        up = -up;
        right = -right;
    }
    int x, y;
    sdl.GetMouseState(&x, &y);
    if (up != 0)
        view_state_zoom(&session->state, view_session_plot_x(session, (float)(x * w->density)),
                        up * WHEEL_STEPS);
    if (right != 0)
        view_state_pan(&session->state, -right * WHEEL_PX * w->density, 0);
    session->wants_frame = true;
}

/* ---- keys ---- */

static void act(window *w, view_action action)
{
    view_session *session = w->session;
    switch (action) {
    case VIEW_ACTION_NONE:
        return;
    case VIEW_ACTION_QUIT:
        w->is_done = true;
        return;
    case VIEW_ACTION_SAVE:
        w->wants_save = true;
        return;
    default:
        if (w->drag == DRAG_NONE) /* the mouse is moving it */
            view_session_act(session, action);
        return;
    }
}

/* Keys that type nothing; the others come as text, whatever the layout of the keyboard. */
static uint32_t key_of(SDL_Keycode code)
{
    switch (code) {
    case SDLK_ESCAPE:
        return VIEW_KEY_ESCAPE;
    case SDLK_HOME:
        return VIEW_KEY_HOME;
    case SDLK_LEFT:
        return VIEW_KEY_LEFT;
    case SDLK_RIGHT:
        return VIEW_KEY_RIGHT;
    case SDLK_UP:
        return VIEW_KEY_UP;
    case SDLK_DOWN:
        return VIEW_KEY_DOWN;
    case SDLK_PAGEUP:
        return VIEW_KEY_PAGE_UP;
    case SDLK_PAGEDOWN:
        return VIEW_KEY_PAGE_DOWN;
    default:
        return 0;
    }
}

static void key(window *w, SDL_Keycode code)
{
    view_session *session = w->session;
    uint32_t pressed = key_of(code);
    if (pressed == VIEW_KEY_ESCAPE && w->drag == DRAG_BOX) {
        w->drag = DRAG_NONE;
        session->has_box = false;
        session->wants_picture = true;
    } else if (pressed == VIEW_KEY_ESCAPE && session->state.shows_help) {
        act(w, VIEW_ACTION_HELP);
    } else {
        act(w, view_key_action(pressed));
    }
}

static void typed(window *w, const char *text)
{
    uint32_t character = (unsigned char)text[0];
    if (character >= 'A' && character <= 'Z')
        character += 'a' - 'A';
    if (character != 0 && text[1] == '\0')
        act(w, view_key_action(character));
}

/* ---- the loop ---- */

static void window_event(window *w, const SDL_WindowEvent *event)
{
    switch (event->event) {
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        take_size(w);
        break;
    case SDL_WINDOWEVENT_MINIMIZED:
    case SDL_WINDOWEVENT_HIDDEN:
        w->is_hidden = true;
        break;
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_EXPOSED:
        w->is_hidden = false;
        w->is_exposed = true;
        break;
    case SDL_WINDOWEVENT_LEAVE:
        view_session_leave(w->session);
        break;
    case SDL_WINDOWEVENT_CLOSE:
        w->is_done = true;
        break;
    default:
        break;
    }
}

static void handle(window *w, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_QUIT:
        w->is_done = true;
        break;
    case SDL_WINDOWEVENT:
        window_event(w, &event->window);
        break;
    case SDL_MOUSEBUTTONDOWN:
        press(w, &event->button);
        break;
    case SDL_MOUSEBUTTONUP:
        let_go(w, &event->button);
        break;
    case SDL_MOUSEMOTION:
        move(w, &event->motion);
        break;
    case SDL_MOUSEWHEEL:
        wheel(w, &event->wheel);
        break;
    case SDL_KEYDOWN:
        key(w, event->key.keysym.sym);
        break;
    case SDL_TEXTINPUT:
        typed(w, event->text.text);
        break;
    default:
        break;
    }
}

/* Waits for an event for so long, < 0 without end, and takes all that are there. */
static void take_events(window *w, double wait_ms)
{
    SDL_Event event;
    int found;
    if (wait_ms == 0)
        found = sdl.PollEvent(&event);
    else if (wait_ms < 0)
        found = sdl.WaitEvent(&event);
    else
        found = sdl.WaitEventTimeout(&event, (int)fmin(ceil(wait_ms), 1e6));
    while (found != 0 && !w->is_done) {
        handle(w, &event);
        found = sdl.PollEvent(&event);
    }
}

static gch_status draw(window *w, gch_error *err)
{
    bool has_changed;
    gch_status status = view_session_draw(w->session, now_ms(), &has_changed, err);
    if (status == GCH_OK && has_changed)
        status = show_picture(w, err);
    if (status == GCH_OK && (has_changed || w->is_exposed)) {
        tell_progress(w);
        present(w);
    }
    if (status == GCH_OK && w->wants_save) {
        w->wants_save = false;
        view_session_save(w->session, now_ms());
    }
    return status;
}

static gch_status run(window *w, gch_error *err)
{
    view_session *session = w->session;
    double last_ms = now_ms(), refreshed_ms = last_ms;
    bool is_moving = false;
    while (!w->is_done) {
        double wait = is_moving ? 0 : view_session_wait_ms(session, now_ms());
        if (w->is_hidden)
            wait = 200;
        else if (wait == 0 && !w->has_vsync)
            sdl.Delay((uint32_t)fmax(FRAME_MS - (now_ms() - last_ms), 0));
        take_events(w, wait);
        double now = now_ms();
        /* What begins to move does so with this frame, however long nothing moved. */
        double elapsed = is_moving ? fmin(now - last_ms, 100) : FRAME_MS;
        last_ms = now;
        if (w->drag == DRAG_NONE && session->state.gesture != VIEW_REST) {
            bool was_moving = is_moving;
            is_moving = view_state_advance(&session->state, elapsed);
            session->wants_frame = session->wants_frame || is_moving || was_moving;
        } else {
            is_moving = false;
        }
        if (now - refreshed_ms >= (double)session->desc->refresh_ms) {
            view_session_refresh(session);
            refreshed_ms = now;
        }
        if (w->is_hidden)
            continue;
        gch_status status = draw(w, err);
        if (status != GCH_OK)
            return status;
    }
    return GCH_OK;
}

gch_status view_run(const view_desc *desc, gch_error *err)
{
    gch_error local;
    err = err != NULL ? err : &local;
    static view_session session; /* large for a stack */
    window w = {.session = &session, .scale = desc->chart->scale};
    gch_status status = view_sdl_load(&sdl, err);
    if (status != GCH_OK)
        return status;
    status = view_session_init(w.session, desc, err);
    if (status == GCH_OK)
        status = open_window(&w, desc, err);
    if (status == GCH_OK)
        status = run(&w, err);
    view_session_reset(w.session);
    close_window(&w);
    return status;
}
