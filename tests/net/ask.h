/* Asking the server of a test itself. */
#ifndef OBS_TESTS_NET_ASK_H
#define OBS_TESTS_NET_ASK_H

#include "net/http.h"
#include "net/server.h"

/* What it answers, valid until the next call. */
static inline char *web(const char *method, const char *path, const char *body, size_t size)
{
    static char text[4096];
    static obs_error error = {.size = sizeof error};
    char url[128];
    obs__http_response response;
    obs__limit limit = obs__limit_in(60000, NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.plain, path);
    obs__http_request request = {.method = method, .url = url, .body = {body, size}, .limit = sizeof text - 1};
    ck_assert_ok(obs__http_call(&response, &request, &limit, &error));
    snprintf(text, sizeof text, "%.*s", (int)obs_buffer_size(response.body), (const char *)obs_buffer_data(response.body));
    obs_buffer_free(response.body);
    return text;
}

static inline void change(const char *field, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/change/%s", field);
    web("POST", path, text, strlen(text));
}

/* How often it answered so, as in `GET 304`. */
static inline int count(const char *what)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\": ", what);
    const char *found = strstr(web("GET", "/counts", NULL, 0), key);
    return found ? atoi(found + strlen(key)) : 0;
}

#endif
