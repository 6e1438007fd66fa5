#include "client/config_source.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/home.h"
#include "base/memory.h"
#include "base/url.h"

/* The object behind a URL: what follows `#`, else the last part of its path. */
static obs_status open_store(obs__config_source *out, obs__gate *gate, obs_error *error)
{
    const char *mark = strrchr(out->url, '#');
    const char *end = mark ? mark : strrchr(out->url, '/');
    if (!end || !end[1] || end == out->url)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'%.200s' names no document: write the store, '#' and the key, as in mem:conf#site.yaml", out->url);
    char *store = obs__memdup(out->url, (size_t)(end - out->url));
    if (!store)
        return obs__fail_memory(error);
    obs_status status = obs__config_store_source(out, store, end + 1, gate, error);
    obs__free(store);
    return status;
}

static int is_web(const obs__url *url)
{
    return strcmp(url->scheme, "http") == 0 || strcmp(url->scheme, "https") == 0;
}

obs_status obs__config_source_open(obs__config_source *out, const char *token, const obs__workspace *workspace, obs__gate *gate,
                                   obs_error *error)
{
    obs__url *url = NULL;
    char label[512];
    obs_status status = obs__url_parse(&url, out->url, strlen(out->url), error);
    if (status != OBS_OK)
        return status;
    int is_file = strcmp(url->scheme, "file") == 0 && !*url->fragment;
    obs__url_print(label, sizeof label, url);
    if (!(out->label = obs__strdup(is_file ? url->path : label)))
        status = obs__fail_memory(error);
    else if (token && !is_web(url))
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "'%.200s': only a web server takes a token", label);
    else if (is_file)
        status = obs__config_file_source(out, workspace->folder, url->path, error);
    else if (strcmp(url->scheme, "env") == 0)
        status = obs__config_environment_source(out, url->path, workspace->config.secrets, error);
    else if (is_web(url))
        status = obs__config_http_source(out, token, workspace->folder, error);
    else
        status = open_store(out, gate, error);
    obs__url_free(url);
    return status;
}

static char **copy_list(char *const *list, obs_error *error)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    char **copy = obs__calloc(count + 1, sizeof *copy);
    int fine = copy != NULL;
    for (size_t i = 0; i < count && fine; i++)
        fine = (copy[i] = obs__strdup(list[i])) != NULL;
    if (!fine)
        obs__fail_memory(error);
    return copy; /* what is in it is freed with the setup */
}

static obs_status open_line(obs__config_source *out, const obs__config_line *line, const obs__workspace *workspace,
                            obs__gate *gate, obs_error *error)
{
    out->url = obs__strdup(line->url);
    out->key = obs__strdup(line->key);
    out->keep_ns = line->keep_ns;
    if (!out->url || (line->key && !out->key))
        return obs__fail_memory(error);
    return obs__config_source_open(out, line->token, workspace, gate, error);
}

static obs_status set_up(obs__config_setup *out, const obs__workspace *workspace, obs__gate *gate, obs_error *error)
{
    char folder[PATH_MAX];
    const obs__config *config = &workspace->config;
    obs_status status = OBS_OK;
    for (size_t i = 0; i < config->layer_count && status == OBS_OK; i++) {
        status = open_line(&out->layers[i], &config->layers[i], workspace, gate, error);
        out->layer_count++; /* also of a failed one, whose texts are to be freed */
    }
    if (status == OBS_OK && config->schema.url)
        status = open_line(&out->schema, &config->schema, workspace, gate, error);
    if (status != OBS_OK)
        return status;
    out->secrets = copy_list(config->secrets, error);
    out->locked = copy_list(config->locked, error);
    /* A user without a home keeps nothing. */
    if (obs__home_of_workspace(folder, workspace->format.id, NULL) == OBS_OK)
        out->state = obs__strdup(folder);
    return out->secrets && out->locked ? OBS_OK : obs__fail_memory(error);
}

obs_status obs__config_source_setup(obs__config_setup *out, void *user, obs__gate *gate, obs_error *error)
{
    *out = (obs__config_setup){0};
    obs_status status = set_up(out, user, gate, error);
    if (status != OBS_OK)
        obs__config_setup_free(out);
    return status;
}
