/* How far something is: one line on a terminal, nothing in a pipe. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "obsctl/ctl.h"

#define EVERY_MS 200
#define BAR 24

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void ctl_progress_begin(ctl_progress *progress, const ctl *ctl, const char *what, unsigned long long total)
{
    const char *term = getenv("TERM");
    *progress = (ctl_progress){.what = what, .total = total, .started_ms = now_ms()};
    progress->active = !ctl->quiet && !ctl->json && isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    progress->last_ms = progress->started_ms;
}

/* A count of bytes with at most four digits. */
static void add_size(char *out, size_t size, double bytes)
{
    static const char units[] = "BkMGTPE";
    int unit = 0;
    for (; bytes >= 9999.5 && units[unit + 1]; unit++)
        bytes /= 1000;
    size_t used = strlen(out);
    snprintf(out + used, size - used, unit ? " %.0f %cB" : " %.0f B", bytes, units[unit]);
}

static void add_bar(char *out, size_t size, const ctl_progress *progress, unsigned long long done, double rate)
{
    static const char filled[] = "########################";
    static const char empty[] = "........................";
    size_t used = strlen(out);
    int part = (int)((double)done / (double)progress->total * BAR);
    used += (size_t)snprintf(out + used, size - used, " [%.*s%.*s]", part, filled, BAR - part, empty);
    if (rate > 0 && used < size)
        snprintf(out + used, size - used, " %.0f s left", (double)(progress->total - done) / rate);
}

/* The figures, and of the name what still fits, so that the line never wraps. */
static void show(const ctl_progress *progress, unsigned long long done, long long now)
{
    char figures[256] = "";
    char name[256];
    double seconds = (double)(now - progress->started_ms) / 1000;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    int width = ctl_width(stderr) - 1;
    add_size(figures, sizeof figures, (double)done);
    if (progress->total && width >= 60)
        add_bar(figures, sizeof figures, progress, done, rate);
    else if (progress->total)
        snprintf(figures, sizeof figures, " %3.0f %%", 100 * (double)done / (double)progress->total);
    obs_text_escape(name, sizeof name, progress->what, OBS_TEXT);
    int room = width - (int)strlen(figures);
    size_t cut = room < 0 ? 0 : strlen(name) < (size_t)room ? strlen(name) : (size_t)room;
    while (cut && ((unsigned char)name[cut] & 0xC0) == 0x80)
        cut--;
    fprintf(stderr, "\r\033[K%.*s%.*s", (int)cut, name, width, figures);
    fflush(stderr);
}

void ctl_progress_set(ctl_progress *progress, unsigned long long done)
{
    if (!progress->active)
        return;
    long long now = now_ms();
    if (now - progress->last_ms < EVERY_MS)
        return;
    progress->last_ms = now;
    progress->shown = 1;
    show(progress, progress->total && done > progress->total ? progress->total : done, now);
}

void ctl_progress_end(ctl_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = 0;
}
