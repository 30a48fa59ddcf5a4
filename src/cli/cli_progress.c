/* The progress bar and the signals that stop long work (cli_progress.h).
 *
 * 1. A bar never exceeds one line of the terminal and is wiped before anything else is printed.
 * 2. The signal handler stores a number and, where asked, swaps standard input for a descriptor
 * that cannot be read; all else happens in the reporting thread.
 */
#include "cli_progress.h"

#include "cli_text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SHOW_AFTER_NS 150000000  /* short work shows no bar that only flickers */
#define REDRAW_AFTER_NS 80000000 /* the eye reads no faster */
#define LINE_CAP 512u
#define BAR_MAX 40u

static volatile sig_atomic_t caught;

static volatile sig_atomic_t write_only_fd = -1;

static void on_signal(int number)
{
    int saved_errno = errno;
    caught = number;
    if (write_only_fd >= 0)
        (void)dup2(write_only_fd, STDIN_FILENO);
    errno = saved_errno;
}

void cli_signal_fail_stdin(void)
{
    if (write_only_fd < 0)
        write_only_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
}

void cli_signal_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction old;
        if (sigaction(numbers[i], NULL, &old) != 0 || old.sa_handler == SIG_IGN)
            continue; /* nohup and background jobs keep what they set */
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_signal;
        action.sa_flags = (int)SA_RESETHAND;
        sigemptyset(&action.sa_mask);
        (void)sigaction(numbers[i], &action, NULL);
    }
}

int cli_signal_caught(void)
{
    return caught;
}

int64_t cli_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The locale's character set by the usual variables, without setlocale. */
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* "  42 %  123 MB/s  0:12 left" */
static void format_figures(const cli_progress *p, uint64_t done, uint64_t total, double seconds,
                           char *out, size_t cap)
{
    char a[CLI_NUMBER_CAP], rate_text[CLI_NUMBER_CAP + 8] = "", b[CLI_NUMBER_CAP];
    double rate = seconds > 0 ? (double)done / seconds : 0;
    if (p->unit == CLI_PROGRESS_BYTES)
        snprintf(rate_text, sizeof rate_text, "  %s/s", cli_format_bytes((uint64_t)rate, a));
    else if (p->unit == CLI_PROGRESS_ROWS)
        snprintf(rate_text, sizeof rate_text, "  %srows/s", cli_format_short(rate, a));
    if (total == 0) {
        snprintf(out, cap, "%s%s  %s",
                 p->unit == CLI_PROGRESS_ROWS ? cli_format_count(done, b)
                                              : cli_format_bytes(done, b),
                 rate_text, cli_format_duration(seconds, a));
        return;
    }
    double share = done >= total ? 1 : (double)done / (double)total;
    int used = snprintf(out, cap, "%3u %%%s", (unsigned)(share * 100), rate_text);
    if (used < 0 || (size_t)used >= cap)
        return;
    if (done >= total)
        snprintf(out + used, cap - (size_t)used, "  finishing");
    else if (share > 0.001)
        snprintf(out + used, cap - (size_t)used, "  %s left",
                 cli_format_duration(seconds * (1 - share) / share, a));
}

static void draw(cli_progress *p, uint64_t done, uint64_t total, int64_t now_ns)
{
    char figures[160], line[LINE_CAP];
    format_figures(p, done, total, (double)(now_ns - p->start_ns) / 1e9, figures, sizeof figures);
    size_t width = terminal_width();
    size_t fixed = strlen(p->label) + strlen(figures) + 5;
    size_t bar = width > fixed + 8 && total > 0 ? width - fixed : 0;
    bar = bar > BAR_MAX ? BAR_MAX : bar;
    size_t filled = bar;
    if (total > 0 && done < total)
        filled = (size_t)((double)done / (double)total * (double)bar);

    size_t used = (size_t)snprintf(line, sizeof line, "\r%s  ", p->label);
    for (size_t i = 0; i < bar && used + 4 < sizeof line; i++) {
        /* U+2501 heavy line, over U+2500 light line */
        const char *cell =
            p->is_utf8 ? (i < filled ? "\xE2\x94\x81" : "\xE2\x94\x80") : (i < filled ? "#" : ".");
        size_t length = strlen(cell);
        memcpy(line + used, cell, length);
        used += length;
    }
    line[used] = '\0';
    if (fixed < width)
        fprintf(stderr, "%s%s%s\033[K", line, bar > 0 ? "  " : "", figures);
    else
        fprintf(stderr, "\r%.*s\033[K", (int)(width > 0 ? width - 1 : 0), figures);
    fflush(stderr);
    p->is_drawn = true;
    p->drawn_ns = now_ns;
}

static bool report(void *context, uint64_t done, uint64_t total)
{
    cli_progress *p = context;
    if (caught != 0)
        return false;
    if (!p->is_shown)
        return true;
    int64_t now = cli_clock_ns();
    bool is_due = p->is_drawn ? now - p->drawn_ns >= REDRAW_AFTER_NS || (total > 0 && done >= total)
                              : now - p->start_ns >= SHOW_AFTER_NS;
    if (is_due)
        draw(p, done, total, now);
    return true;
}

void cli_progress_begin(cli_progress *progress, const char *label, cli_progress_unit unit,
                        bool is_quiet)
{
    const char *terminal = getenv("TERM");
    bool is_dumb = terminal == NULL || terminal[0] == '\0' || strcmp(terminal, "dumb") == 0;
    *progress = (cli_progress){
        .report = {.report = report, .context = progress},
        .label = label,
        .unit = unit,
        .is_shown = !is_quiet && !is_dumb && isatty(STDERR_FILENO),
        .is_utf8 = locale_is_utf8(),
        .start_ns = cli_clock_ns(),
    };
    cli_signal_catch();
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->is_drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->is_drawn = false;
    }
}
