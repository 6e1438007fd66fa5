#include "base/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const struct {
    const char *variable;
    const char *standard; /* below $HOME */
} homes[] = {
    [OBS__HOME_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
    [OBS__HOME_STATE] = {"XDG_STATE_HOME", ".local/state"},
};

obs_status obs__home_folder(char out[PATH_MAX], obs__home home, obs_error *error)
{
    const char *base = getenv(homes[home].variable);
    const char *user = getenv("HOME");
    int size = 0;
    *out = '\0';
    if (base && *base == '/') /* the specification has relative ones ignored */
        size = snprintf(out, PATH_MAX, "%s/obs", base);
    else if (user && *user == '/')
        size = snprintf(out, PATH_MAX, "%s/%s/obs", user, homes[home].standard);
    if (size > 0 && size < PATH_MAX)
        return OBS_OK;
    *out = '\0';
    return obs__fail(error, OBS_FAILED_PRECONDITION, "neither %s nor HOME names a folder: set HOME to an absolute path",
                     homes[home].variable);
}

obs_status obs__home_of_workspace(char out[PATH_MAX], const char *id, obs_error *error)
{
    obs_status status = obs__home_folder(out, OBS__HOME_STATE, error);
    size_t size = strlen(out);
    if (status != OBS_OK)
        return status;
    if (!*id || strchr(id, '/') || *id == '.')
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' is no id of a workspace", id);
    if (snprintf(out + size, PATH_MAX - size, "/%s", id) < (int)(PATH_MAX - size))
        return OBS_OK;
    *out = '\0';
    return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the state folder is longer than %d bytes", PATH_MAX - 1);
}
