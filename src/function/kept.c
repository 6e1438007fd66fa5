/* Folders of calls: what is left of one that failed. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/client.h"
#include "function/lane.h"

#define KEPT_MOST 10

void obs__lane_sweep(obs__lane *lane)
{
    struct stat found;
    if (lane->folder && lstat(lane->folder, &found) == 0)
        obs__remove_folder(lane->folder);
}

static int is_visible(const struct dirent *entry)
{
    return *entry->d_name != '.';
}

/* The names begin with the time. */
static void prune(const char *folder)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    int count = scandir(folder, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        if (i < count - KEPT_MOST && snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path)
            obs__remove_folder(path);
        free(entries[i]);
    }
    free(entries);
}

static void write_text(const char *folder, const char *name, const char *data, size_t size)
{
    int fd = -1, above = -1;
    if (obs__open_at(&above, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, NULL) == OBS_OK &&
        obs__open_at(&fd, above, name, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0600, NULL) == OBS_OK)
        obs__write_all(fd, data, size, name, NULL);
    if (fd >= 0)
        close(fd);
    if (above >= 0)
        close(above);
}

void obs__lane_keep(obs__lane *lane, const obs_event *event, uint32_t attempt, const char *reason)
{
    char above[PATH_MAX], path[PATH_MAX], time[OBS__TIME_SIZE];
    obs_buffer *json = NULL;
    struct stat found;
    obs__time_format(time, obs__now_ns());
    snprintf(above, sizeof above, "%s/failed", lane->manifest->folder);
    if (!lane->folder || (lstat(lane->folder, &found) != 0 && mkdir(lane->folder, 0700) != 0) ||
        obs__folder_make(AT_FDCWD, above, 0700, NULL) != OBS_OK)
        return;
    if (obs_event_encode(&json, event, NULL) == OBS_OK)
        write_text(lane->folder, "event.json", obs_buffer_data(json), obs_buffer_size(json));
    write_text(lane->folder, "reason.txt", reason, strlen(reason));
    obs_buffer_free(json);
    int size = snprintf(path, sizeof path, "%s/%s-%u-%ld.%d", above, time, (unsigned)attempt, (long)getpid(), lane->number);
    if (size >= (int)sizeof path || rename(lane->folder, path) != 0)
        obs__remove_folder(lane->folder);
    prune(above);
}
