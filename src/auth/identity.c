#include "auth/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#define MOST_ROW (1024 * 1024)

/* 0 when the row was too small. */
static int look_up(char *out, uid_t user, char *row, size_t size)
{
    struct passwd entry, *found = NULL;
    int number = getpwuid_r(user, &entry, row, size, &found);
    if (number == 0 && found && *found->pw_name && strlen(found->pw_name) < OBS__SUBJECT_SIZE - 8)
        snprintf(out, OBS__SUBJECT_SIZE, "user:%s", found->pw_name);
    return number != ERANGE;
}

obs_status obs__auth_user(char out[OBS__SUBJECT_SIZE], uid_t user, obs_error *error)
{
    int done = 0;
    snprintf(out, OBS__SUBJECT_SIZE, "user:%lu", (unsigned long)user);
    for (size_t size = 1024; !done && size <= MOST_ROW; size *= 4) {
        char *row = obs__alloc(size);
        if (!row)
            return obs__fail_memory(error);
        done = look_up(out, user, row, size);
        obs__free(row);
    }
    return OBS_OK;
}

/* 1 when the text is a decimal number that can be an id; (id)-1 means "none" to the system. */
static int read_number(unsigned long *out, const char *text)
{
    char *end;
    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
        return 0;
    *out = strtoul(text, &end, 10);
    return *end == '\0' && *out < UINT32_MAX;
}

/* The lookups of the system want room of a size that they only tell by failing. */
static int look_for_user(uid_t *out, gid_t *group, const char *name, char *row, size_t size)
{
    struct passwd entry, *found = NULL;
    unsigned long number = 0;
    int by_number = read_number(&number, name);
    int code = by_number ? getpwuid_r((uid_t)number, &entry, row, size, &found) : getpwnam_r(name, &entry, row, size, &found);
    if (code == ERANGE)
        return 0;
    *out = found ? found->pw_uid : by_number ? (uid_t)number : (uid_t)-1;
    *group = found ? found->pw_gid : by_number ? (gid_t)number : (gid_t)-1;
    return 1;
}

static int look_for_group(gid_t *out, const char *name, char *row, size_t size)
{
    struct group entry, *found = NULL;
    unsigned long number = 0;
    int by_number = read_number(&number, name);
    if (!by_number && getgrnam_r(name, &entry, row, size, &found) == ERANGE)
        return 0;
    *out = found ? found->gr_gid : by_number ? (gid_t)number : (gid_t)-1;
    return 1;
}

/* `group` is looked for instead of a user when `user` is NULL. */
static obs_status look_for(uid_t *user, gid_t *group, const char *name, obs_error *error)
{
    int done = 0;
    for (size_t size = 1024; !done && size <= MOST_ROW; size *= 4) {
        char *row = obs__alloc(size);
        if (!row)
            return obs__fail_memory(error);
        done = user ? look_for_user(user, group, name, row, size) : look_for_group(group, name, row, size);
        obs__free(row);
    }
    return OBS_OK;
}

obs_status obs__auth_find_user(uid_t *out, gid_t *group, const char *name, obs_error *error)
{
    *out = (uid_t)-1;
    *group = (gid_t)-1;
    obs_status status = look_for(out, group, name, error);
    if (status == OBS_OK && *out == (uid_t)-1)
        return obs__fail(error, OBS_NOT_FOUND, "this system has no user '%.64s'", name);
    return status;
}

obs_status obs__auth_find_group(gid_t *out, const char *name, obs_error *error)
{
    *out = (gid_t)-1;
    obs_status status = look_for(NULL, out, name, error);
    if (status == OBS_OK && *out == (gid_t)-1)
        return obs__fail(error, OBS_NOT_FOUND, "this system has no group '%.64s': make it with 'groupadd'", name);
    return status;
}

int obs__auth_is_plain(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t character;
        size_t length = obs__utf8_decode(&character, text + at, size - at);
        if (!length || character < 0x20 || (character >= 0x7F && character < 0xA0))
            return 0;
        at += length;
    }
    return 1;
}

obs_status obs__auth_check_subject(const char *subject, obs_error *error)
{
    size_t size = strlen(subject);
    const char *colon = memchr(subject, ':', size);
    if (size >= OBS__SUBJECT_SIZE || !colon || colon == subject || !colon[1] || !obs__auth_is_plain(subject, size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' is no subject: write it as user:ada, with up to %d bytes",
                         subject, OBS__SUBJECT_SIZE - 1);
    return OBS_OK;
}
