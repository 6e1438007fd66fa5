#include "audit/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "audit/history.h"
#include "audit/note.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define LINE_MAX_SIZE (OBS__NOTE_MAX / 3 * 4 + 64)
#define HISTORY_MAX ((size_t)1 << 30)

struct folder_anchor {
    obs__anchor base;
    char *path;
};

void obs__anchor_free(obs__anchor *anchor)
{
    if (anchor)
        anchor->ops->free(anchor);
}

static obs_status open_folder(int *out, const obs__anchor *anchor, obs_error *error)
{
    return obs__open_at(out, AT_FDCWD, ((const struct folder_anchor *)anchor)->path, O_RDONLY | O_DIRECTORY, 0, error);
}

/* ---- Writing. ---- */

/* A line that a power cut tore is closed with a newline: it stays as what it is, unreadable. */
static obs_status begin_line(obs__builder *line, int fd, const char *name, obs_error *error)
{
    struct stat found;
    char last = '\n';
    if (fstat(fd, &found) != 0 || (found.st_size > 0 && pread(fd, &last, 1, found.st_size - 1) != 1))
        return obs__fail_system(error, errno, "cannot read the anchor '%s'", name);
    if (last != '\n')
        obs__add_char(line, '\n');
    return OBS_OK;
}

static obs_status append_history(int folder, const char *name, obs__view checkpoint, obs_error *error)
{
    obs__builder line;
    int fd;
    obs_status status = obs__open_at(&fd, folder, "history", O_RDWR | O_APPEND | O_CREAT, 0600, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&line, LINE_MAX_SIZE);
    status = begin_line(&line, fd, name, error);
    if (status == OBS_OK)
        obs__history_add(&line, checkpoint, obs__now_ns());
    if (status == OBS_OK)
        status = obs__builder_status(&line, error);
    if (status == OBS_OK)
        status = obs__write_all(fd, line.data, line.size, name, error);
    if (status == OBS_OK && fsync(fd) != 0)
        status = obs__fail_system(error, errno, "cannot write the anchor '%s'", name);
    close(fd);
    obs__builder_free(&line);
    return status;
}

static int is_long(int folder)
{
    struct stat found;
    char beginning[64];
    int fd;
    if (obs__open_at(&fd, folder, "history", O_RDONLY, 0, NULL) != OBS_OK)
        return 0;
    ssize_t got = pread(fd, beginning, sizeof beginning, 0);
    int is_long =
        got > 0 && fstat(fd, &found) == 0 && obs__history_is_long((uint64_t)found.st_size, (obs__view){beginning, (size_t)got});
    close(fd);
    return is_long;
}

/* All or nothing. That it could not be done is no failure of the checkpoint: the next one tries again. */
static void thin_history(int folder)
{
    obs_buffer *history = NULL;
    obs__builder thinned;
    if (!is_long(folder) || obs__file_read(&history, folder, "history", HISTORY_MAX, NULL) != OBS_OK)
        return;
    obs__view bytes = {obs_buffer_data(history), obs_buffer_size(history)};
    obs__builder_init(&thinned, HISTORY_MAX);
    if (obs__history_thin(&thinned, bytes, obs__now_ns(), NULL) == OBS_OK)
        obs__file_write(folder, "history", thinned.data, thinned.size, 0600, NULL);
    obs__builder_free(&thinned);
    obs_buffer_free(history);
}

static obs_status write_folder(obs__anchor *anchor, obs__view checkpoint, obs_error *error)
{
    int folder;
    obs_status status = obs__folder_make(AT_FDCWD, ((struct folder_anchor *)anchor)->path, 0700, error);
    if (status == OBS_OK)
        status = open_folder(&folder, anchor, error);
    if (status != OBS_OK)
        return status;
    /* The history first: `last` is never newer than what was kept. */
    status = append_history(folder, anchor->name, checkpoint, error);
    if (status == OBS_OK)
        status = obs__file_write(folder, "last", checkpoint.data, checkpoint.size, 0600, error);
    if (status == OBS_OK)
        thin_history(folder);
    close(folder);
    return status;
}

/* ---- Reading. ---- */

static obs_status each_line(obs_buffer *history, obs_status (*visit)(void *user, obs__view checkpoint, obs_error *error),
                            void *user, obs_error *error)
{
    size_t size = obs_buffer_size(history);
    char *lines = obs__memdup(obs_buffer_data(history), size);
    obs_status status = lines ? OBS_OK : obs__fail_memory(error);
    for (char *at = lines, *end; status == OBS_OK && (end = memchr(at, '\n', size - (size_t)(at - lines))) != NULL;
         at = end + 1) {
        obs__view checkpoint;
        int64_t time;
        if (obs__history_read(&checkpoint, &time, at, (obs__view){at, (size_t)(end - at)}))
            status = visit(user, checkpoint, error);
    }
    obs__free(lines);
    return status;
}

static obs_status read_part(obs_buffer **out, const obs__anchor *anchor, const char *name, size_t limit, obs_error *error)
{
    int folder;
    *out = NULL;
    obs_status status = open_folder(&folder, anchor, error);
    if (status == OBS_OK) {
        status = obs__file_read(out, folder, name, limit, error);
        close(folder);
    }
    return status == OBS_NOT_FOUND ? OBS_OK : status;
}

static obs_status each_of_folder(obs__anchor *anchor, obs_status (*visit)(void *user, obs__view checkpoint, obs_error *error),
                                 void *user, obs_error *error)
{
    obs_buffer *part;
    obs_status status = read_part(&part, anchor, "history", HISTORY_MAX, error);
    if (status == OBS_OK && part)
        status = each_line(part, visit, user, error);
    obs_buffer_free(part);
    if (status == OBS_OK)
        status = read_part(&part, anchor, "last", OBS__NOTE_MAX, error);
    if (status == OBS_OK && part)
        status = visit(user, (obs__view){obs_buffer_data(part), obs_buffer_size(part)}, error);
    obs_buffer_free(part);
    return status;
}

static obs_status read_folder(obs_buffer **out, obs__anchor *anchor, obs_error *error)
{
    return read_part(out, anchor, "last", OBS__NOTE_MAX, error);
}

static void free_folder(obs__anchor *anchor)
{
    obs__free(((struct folder_anchor *)anchor)->path);
    obs__free(anchor);
}

static const obs__anchor_ops folder_ops = {
    .write = write_folder, .read_last = read_folder, .each = each_of_folder, .free = free_folder};

obs_status obs__anchor_folder(obs__anchor **out, const char *path, obs_error *error)
{
    *out = NULL;
    struct folder_anchor *anchor = obs__calloc(1, sizeof *anchor);
    if (anchor)
        anchor->path = obs__strdup(path);
    if (!anchor || !anchor->path) {
        obs__free(anchor);
        return obs__fail_memory(error);
    }
    anchor->base = (obs__anchor){&folder_ops, anchor->path};
    *out = &anchor->base;
    return OBS_OK;
}
