#include "client/site.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#define LABEL_SIZE 512

/* The token and the certificates as they are now: both may be exchanged at any time. */
obs_status obs__site_call(obs__http_response *out, const obs__site *site, obs__http_request *request, const obs__limit *limit,
                          obs_error *error)
{
    obs_secret *token = NULL;
    *out = (obs__http_response){0};
    obs_status status = site->ca ? obs__trust_check(site->ca, error) : OBS_OK;
    if (status == OBS_OK && site->token)
        status = obs__secret_find(&token, site->token, error);
    request->url = site->url;
    request->ca = site->ca;
    request->bearer = token;
    if (status == OBS_OK)
        status = obs__http_call(out, request, limit, error);
    obs_secret_free(token);
    return status;
}

void obs__site_free(obs__site *site)
{
    if (!site)
        return;
    obs__free(site->url);
    obs__free(site->label);
    obs__free(site->ca);
    obs__free(site->token);
    obs__free(site);
}

/* Without its `ca=` and its fragment; the rest of the query is the server's. */
static void remove_ours(char *url)
{
    url[strcspn(url, "#")] = '\0';
    char *query = strchr(url, '?'), *out = query;
    for (char *at = query; at && *at;) {
        size_t size = 1 + strcspn(at + 1, "&");
        if (strncmp(at + 1, "ca=", 3) != 0) {
            memmove(out, at, size);
            *out = out == query ? '?' : '&';
            out += size;
        }
        at += size;
    }
    if (out)
        *out = '\0';
}

/* Out of the environment before anything else reads it: `env:OBSERVATORY_` as a layer must not take it for a value. When it is
 * not there, each request says so. */
static void take_token_away(const char *token)
{
    obs_secret *secret = NULL;
    if (token && strncmp(token, "env:", 4) == 0 && obs__secret_take_variable(&secret, token + 4, NULL) == OBS_OK)
        obs_secret_free(secret);
}

static char *join(const char *folder, const char *path)
{
    size_t size = strlen(folder) + strlen(path) + 2;
    char *whole = *path == '/' ? obs__strdup(path) : obs__alloc(size);
    if (whole && *path != '/')
        snprintf(whole, size, "%s/%s", folder, path);
    return whole;
}

static obs_status fill(obs__site *site, const obs__url *url, const char *text, const char *token, const char *folder,
                       obs_error *error)
{
    char label[LABEL_SIZE];
    const char *ca = obs__url_setting(url, "ca");
    obs__url_print(label, sizeof label, url);
    site->url = obs__strdup(text);
    site->label = obs__strdup(label);
    site->token = obs__strdup(token);
    site->ca = ca ? join(folder, ca) : NULL;
    if (!site->url || !site->label || (token && !site->token) || (ca && !site->ca))
        return obs__fail_memory(error);
    remove_ours(site->url);
    take_token_away(token);
    return OBS_OK;
}

obs_status obs__site_new(obs__site **out, const char *url, const char *token, const char *folder, obs_error *error)
{
    obs__url *parsed = NULL;
    *out = NULL;
    obs_status status = obs__url_parse(&parsed, url, OBS_TEXT, error);
    if (status == OBS_OK)
        status = obs__http_check(parsed, error);
    if (status == OBS_OK && !(*out = obs__calloc(1, sizeof **out)))
        status = obs__fail_memory(error);
    if (status == OBS_OK)
        status = fill(*out, parsed, url, token, folder, error);
    obs__url_free(parsed);
    if (status == OBS_OK)
        return OBS_OK;
    obs__site_free(*out);
    *out = NULL;
    return status;
}
