/* Sources of configuration: what obs.yaml says under `config:` and `schema:`, as tables of functions for the config module. */
#ifndef OBS_CLIENT_CONFIG_SOURCE_H
#define OBS_CLIENT_CONFIG_SOURCE_H

#include "client/workspace.h"
#include "config/config.h"

/* For obs__config_host: the sources of a workspace; `user` is its obs__workspace. */
obs_status obs__config_source_setup(obs__config_setup *out, void *user, obs__gate *gate, obs_error *error);

/* One source by its URL; `out` has nothing but its line of obs.yaml yet. `token`: what stands behind its `token:`, or NULL. */
obs_status obs__config_source_open(obs__config_source *out, const char *token, const obs__workspace *workspace, obs__gate *gate,
                                   obs_error *error);

/* `file:config.yaml`, relative to the workspace or absolute (config_file.c). */
obs_status obs__config_file_source(obs__config_source *out, const char *folder, const char *path, obs_error *error);
/* `env:OBSERVATORY_`: all variables with this prefix, but for those that hold a secret (config_file.c). */
obs_status obs__config_environment_source(obs__config_source *out, const char *prefix, char *const *secrets, obs_error *error);
/* An object of a store: `mem:conf/site.yaml`, `file:/srv/conf#site.yaml` (config_store.c). */
obs_status obs__config_store_source(obs__config_source *out, const char *store, const char *key, obs__gate *gate,
                                    obs_error *error);
/* A document of a web server, by the URL in `out`; `folder` is where a relative `?ca=` begins (config_http.c). */
obs_status obs__config_http_source(obs__config_source *out, const char *token, const char *folder, obs_error *error);

#endif
