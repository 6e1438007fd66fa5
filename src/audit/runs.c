#include "audit/runs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/leaf.h"
#include "audit/tiles.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define RUN_SIZE 24

static uint64_t get_number(const unsigned char *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void put_number(unsigned char *out, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(number >> (56 - 8 * i));
}

static obs_status fail(obs_error *error, const char *tenant)
{
    return obs__fail_system(error, errno, "cannot use 'audit/runs/%s'", tenant);
}

/* ---- One file. ---- */

/* A tenant's file and how many whole runs it holds; *fd -1 and 0 when there is none. */
static obs_status open_runs(int *fd, uint64_t *count, int folder, const char *tenant, int flags, obs_error *error)
{
    struct stat found;
    *count = 0;
    obs_status status = obs__open_at(fd, folder, tenant, flags, 0644, error);
    if (status == OBS_NOT_FOUND)
        return OBS_OK;
    if (status != OBS_OK)
        return status;
    if (fstat(*fd, &found) != 0) {
        status = fail(error, tenant);
        close(*fd);
        *fd = -1;
        return status;
    }
    *count = (uint64_t)found.st_size / RUN_SIZE;
    return OBS_OK;
}

static obs_status read_run(obs__run *out, int fd, uint64_t at, const char *tenant, obs_error *error)
{
    unsigned char bytes[RUN_SIZE];
    ssize_t got = pread(fd, bytes, sizeof bytes, (off_t)(at * RUN_SIZE));
    if (got < 0)
        return fail(error, tenant);
    if (got != sizeof bytes)
        return obs__fail(error, OBS_DATA_LOSS, "'audit/runs/%s' is damaged", tenant);
    *out = (obs__run){get_number(bytes), get_number(bytes + 8), get_number(bytes + 16)};
    return OBS_OK;
}

obs_status obs__runs_last(obs__run *out, int folder, const char *tenant, obs_error *error)
{
    uint64_t count;
    int fd;
    *out = (obs__run){0};
    obs_status status = open_runs(&fd, &count, folder, tenant, O_RDONLY, error);
    if (status == OBS_OK && count)
        status = read_run(out, fd, count - 1, tenant, error);
    if (fd >= 0)
        close(fd);
    return status;
}

obs_status obs__runs_add(int folder, const char *tenant, const obs__run *run, obs_error *error)
{
    unsigned char bytes[RUN_SIZE];
    uint64_t count;
    int fd;
    put_number(bytes, run->seq);
    put_number(bytes + 8, run->index);
    put_number(bytes + 16, run->count);
    obs_status status = open_runs(&fd, &count, folder, tenant, O_RDWR | O_CREAT, error);
    if (status != OBS_OK)
        return status;
    if (pwrite(fd, bytes, sizeof bytes, (off_t)(count * RUN_SIZE)) != sizeof bytes)
        status = fail(error, tenant);
    close(fd);
    return status;
}

static int holds(const obs__run *run, uint64_t seq)
{
    return seq >= run->seq && seq - run->seq < run->count;
}

/* Reads a run, and keeps it. */
static obs_status look_at(obs__runs *runs, uint64_t at, obs_error *error)
{
    runs->next = at + 1;
    return read_run(&runs->last, runs->fd, at, runs->tenant, error);
}

static obs_status search(obs__runs *runs, uint64_t seq, obs_error *error)
{
    obs_status status = OBS_OK;
    for (uint64_t low = 0, high = runs->count; low < high && status == OBS_OK;) {
        uint64_t middle = low + (high - low) / 2;
        status = look_at(runs, middle, error);
        if (status == OBS_OK && holds(&runs->last, seq))
            return OBS_OK;
        if (seq < runs->last.seq)
            high = middle;
        else
            low = middle + 1;
    }
    return status != OBS_OK ? status
                            : obs__fail(error, OBS_NOT_FOUND, "record %llu of '%s' is in no checkpoint yet",
                                        (unsigned long long)seq, runs->tenant);
}

obs_status obs__runs_open(obs__runs *out, int folder, const char *tenant, obs_error *error)
{
    *out = (obs__runs){.fd = -1};
    snprintf(out->tenant, sizeof out->tenant, "%s", tenant);
    return open_runs(&out->fd, &out->count, folder, tenant, O_RDONLY, error);
}

void obs__runs_close(obs__runs *runs)
{
    if (runs->fd >= 0)
        close(runs->fd);
    runs->fd = -1;
}

/* Records are mostly asked for in their order: the same run holds the next one, or the next run does. */
obs_status obs__runs_place(uint64_t *out_index, obs__runs *runs, uint64_t seq, obs_error *error)
{
    obs_status status = OBS_OK;
    *out_index = 0;
    if (!holds(&runs->last, seq) && runs->next && runs->next < runs->count)
        status = look_at(runs, runs->next, error);
    if (status == OBS_OK && !holds(&runs->last, seq))
        status = search(runs, seq, error);
    if (status == OBS_OK)
        *out_index = runs->last.index + (seq - runs->last.seq);
    return status;
}

obs_status obs__runs_find(uint64_t *out_index, int folder, const char *tenant, uint64_t seq, obs_error *error)
{
    obs__runs runs;
    *out_index = 0;
    obs_status status = obs__runs_open(&runs, folder, tenant, error);
    if (status == OBS_OK)
        status = obs__runs_place(out_index, &runs, seq, error);
    obs__runs_close(&runs);
    return status;
}

/* The last run that begins before a place; zeros when there is none. */
static obs_status search_before(obs__run *out, int fd, uint64_t count, const char *tenant, uint64_t index, obs_error *error)
{
    obs_status status = OBS_OK;
    for (uint64_t low = 0, high = count; low < high && status == OBS_OK;) {
        uint64_t middle = low + (high - low) / 2;
        obs__run run;
        status = read_run(&run, fd, middle, tenant, error);
        if (status == OBS_OK && run.index < index) {
            *out = run;
            low = middle + 1;
        } else
            high = middle;
    }
    return status;
}

obs_status obs__runs_before(uint64_t *out_seq, uint64_t *out_index, int folder, const char *tenant, uint64_t index,
                            obs_error *error)
{
    obs__run run = {0};
    uint64_t count;
    int fd;
    *out_seq = *out_index = 0;
    obs_status status = open_runs(&fd, &count, folder, tenant, O_RDONLY, error);
    if (status == OBS_OK)
        status = search_before(&run, fd, count, tenant, index, error);
    if (fd >= 0)
        close(fd);
    if (status != OBS_OK || !run.count)
        return status;
    uint64_t before = run.count < index - run.index ? run.count : index - run.index;
    *out_seq = run.seq + before - 1;
    *out_index = run.index + before - 1;
    return OBS_OK;
}

/* ---- All of them. ---- */

/* Calls visit with the name of each file, which it may remove. */
static obs_status each_file(int folder, obs_status (*visit)(void *user, int folder, const char *name, obs_error *error),
                            void *user, obs_error *error)
{
    int fd;
    obs_status status = obs__open_at(&fd, folder, ".", O_RDONLY | O_DIRECTORY, 0, error);
    if (status != OBS_OK)
        return status;
    DIR *entries = fdopendir(fd);
    if (!entries) {
        close(fd);
        return obs__fail_memory(error);
    }
    for (struct dirent *entry; status == OBS_OK && (entry = readdir(entries)) != NULL;)
        if (*entry->d_name != '.')
            status = visit(user, folder, entry->d_name, error);
    closedir(entries);
    return status;
}

/* What the last runs say together. */
struct sum {
    uint64_t records; /* of all tenants */
    uint64_t end;     /* behind the last one */
    int damaged;
};

static obs_status add_last(void *user, int folder, const char *name, obs_error *error)
{
    struct sum *sum = user;
    obs__run run;
    obs_status status = obs__runs_last(&run, folder, name, error);
    if (status != OBS_OK)
        return status;
    sum->damaged |= !run.count || !run.seq || run.seq + run.count < run.seq || run.index + run.count < run.index;
    sum->records += run.seq + run.count - 1;
    if (run.index + run.count > sum->end)
        sum->end = run.index + run.count;
    return OBS_OK;
}

static obs_status remove_file(void *user, int folder, const char *name, obs_error *error)
{
    (void)user;
    return unlinkat(folder, name, 0) == 0 || errno == ENOENT ? OBS_OK : fail(error, name);
}

/* The run that leaves are being counted into. */
struct counting {
    int folder;
    char tenant[OBS__RUN_TENANT_SIZE];
    obs__run run;
};

static obs_status end_run(struct counting *counting, obs_error *error)
{
    obs_status status = OBS_OK;
    if (counting->run.count)
        status = obs__runs_add(counting->folder, counting->tenant, &counting->run, error);
    counting->run = (obs__run){0};
    return status;
}

static obs_status count_leaf(struct counting *counting, uint64_t index, obs__view leaf, obs_error *error)
{
    obs__view id, tenant;
    if (!obs__audit_leaf_peek(&id, &tenant, leaf) || !tenant.size || tenant.size >= sizeof counting->tenant ||
        tenant.data[0] == '.' || memchr(tenant.data, '/', tenant.size))
        return obs__fail(error, OBS_DATA_LOSS, "record %llu of the audit log is no record: run 'obsctl audit verify'",
                         (unsigned long long)index);
    if (counting->run.count && obs__view_is(tenant, counting->tenant)) {
        counting->run.count++;
        return OBS_OK;
    }
    obs_status status = end_run(counting, error);
    memcpy(counting->tenant, tenant.data, tenant.size);
    counting->tenant[tenant.size] = '\0';
    obs__run last;
    if (status == OBS_OK)
        status = obs__runs_last(&last, counting->folder, counting->tenant, error);
    if (status == OBS_OK)
        counting->run = (obs__run){last.count ? last.seq + last.count : 1, index, 1};
    return status;
}

static obs_status count_from(int folder, int log, uint64_t start, uint64_t size, obs_error *error)
{
    struct counting counting = {.folder = folder};
    obs_status status = OBS_OK;
    for (uint64_t at = start; at < size && status == OBS_OK;) {
        obs__bundle bundle;
        obs__tile_name name = obs__tile_in(size, OBS__TILE_ENTRIES, at / OBS__TILE_WIDTH);
        status = obs__bundle_read(&bundle, log, name.index, name.width, error);
        if (status != OBS_OK)
            return status;
        for (; at < size && at / OBS__TILE_WIDTH == name.index && status == OBS_OK; at++)
            status = count_leaf(&counting, at, bundle.entries[at % OBS__TILE_WIDTH], error);
        obs__bundle_free(&bundle);
    }
    return status == OBS_OK ? end_run(&counting, error) : status;
}

obs_status obs__runs_mend(int folder, int log, uint64_t size, obs_error *error)
{
    struct sum sum = {0};
    obs_status status = each_file(folder, add_last, &sum, error);
    if (status != OBS_OK || (!sum.damaged && sum.end == size && sum.records == size))
        return status;
    /* A crash of this process leaves the beginning; after a power cut anything may be missing. */
    int whole = !sum.damaged && sum.records == sum.end && sum.end < size;
    if (!whole)
        status = each_file(folder, remove_file, NULL, error);
    return status == OBS_OK ? count_from(folder, log, whole ? sum.end : 0, size, error) : status;
}
