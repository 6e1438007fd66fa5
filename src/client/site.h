/* One document of a web server, as obs.yaml names it: with the token that opens the door, and whom we believe. */
#ifndef OBS_CLIENT_SITE_H
#define OBS_CLIENT_SITE_H

#include "net/http.h"

typedef struct obs__site {
    char *url;   /* as it is asked: without what is meant for us */
    char *label; /* as it is shown */
    char *ca;    /* the file of the certificates that are believed, or NULL */
    char *token; /* `env:NAME`, `file:/path`, or NULL */
} obs__site;

/* `https://host/path?ca=file.pem`, where a relative file lies in `folder`; `token` may be NULL. */
obs_status obs__site_new(obs__site **out, const char *url, const char *token, const char *folder, obs_error *error);
void obs__site_free(obs__site *site);
/* Fills in what the site knows, and asks, as obs__http_call() does. */
obs_status obs__site_call(obs__http_response *out, const obs__site *site, obs__http_request *request, const obs__limit *limit,
                          obs_error *error);

#endif
