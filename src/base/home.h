/* Where the files of a user lie: the XDG Base Directory Specification. */
#ifndef OBS_BASE_HOME_H
#define OBS_BASE_HOME_H

#include <limits.h>

#include <obs/error.h>

typedef enum obs__home {
    OBS__HOME_CONFIG, /* $XDG_CONFIG_HOME/obs, or ~/.config/obs: what the user writes */
    OBS__HOME_STATE   /* $XDG_STATE_HOME/obs, or ~/.local/state/obs: what belongs in no archive of a workspace */
} obs__home;

/* The absolute path of the folder, which may not exist. OBS_FAILED_PRECONDITION when the environment names none. */
obs_status obs__home_folder(char out[PATH_MAX], obs__home home, obs_error *error);
/* The folder of a workspace's state: `<state>/<workspace id>`. */
obs_status obs__home_of_workspace(char out[PATH_MAX], const char *id, obs_error *error);

#endif
