/* Configuration from a web server: asked with If-None-Match, written with If-Match.
 *
 *     config: [{url: 'https://conf.example.org/site.yaml?ca=site-ca.pem', token: '${secret:env:CONF_TOKEN}'}]
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "client/config_source.h"
#include "client/site.h"

#define ANSWER_MAX ((size_t)65536) /* to a write: only its headers count */
#define LOOK_MS 5000               /* at what became of a write */

static obs__counter unchanged = {"obs_config_not_modified", "Answers that a document has not changed (HTTP 304).", 0, 0, NULL};

/* One for a document whose server gives none: it is no entity tag of HTTP, so that it is never sent. */
static obs_status make_etag(char etag[OBS__CONFIG_ETAG_SIZE], obs_buffer *bytes, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs_status status = obs__sha256(hash, obs_buffer_data(bytes), obs_buffer_size(bytes), error);
    if (status != OBS_OK)
        return status;
    strcpy(etag, "sha256:");
    obs__hex(etag + 7, hash, 16);
    return OBS_OK;
}

static int is_sent(const char *etag)
{
    return *etag == '"' || strncmp(etag, "W/\"", 3) == 0;
}

static obs_status take_document(obs__config_answer *out, obs__http_response *response, const char *known, obs_error *error)
{
    obs_status status = OBS_OK;
    if (is_sent(response->etag) && strlen(response->etag) < sizeof out->etag)
        strcpy(out->etag, response->etag);
    else
        status = make_etag(out->etag, response->body, error);
    if (status != OBS_OK || strcmp(out->etag, known) == 0) {
        out->found = OBS__CONFIG_SAME;
        return status;
    }
    out->found = OBS__CONFIG_DOCUMENT;
    out->bytes = response->body;
    out->changed_ns = response->modified_ns;
    response->body = NULL;
    return OBS_OK;
}

static obs_status site_fetch(void *user, const char *known, obs__config_answer *out, const obs__limit *limit, obs_error *error)
{
    obs__site *site = user;
    obs__http_response response;
    obs_pair headers[] = {{"Accept", "application/yaml, application/json, text/plain, */*"}, {"If-None-Match", known}};
    obs__http_request request = {.headers = headers, .header_count = is_sent(known) ? 2 : 1, .limit = OBS__CONFIG_DOCUMENT_MAX};
    *out = (obs__config_answer){.found = OBS__CONFIG_SAME};
    obs_status status = obs__site_call(&response, site, &request, limit, error);
    if (status == OBS_OK && response.status == 200)
        status = take_document(out, &response, known, error);
    else if (status == OBS_OK && response.status == 304 && is_sent(known))
        obs__counter_add(&unchanged, 1);
    else if (status == OBS_OK && (response.status == 404 || response.status == 410))
        out->found = OBS__CONFIG_ABSENT;
    else if (status == OBS_OK)
        status = obs__http_fail(&response, site->label, error);
    out->retry_ns = status == OBS_OK ? 0 : response.retry_ns;
    obs_buffer_free(response.body);
    return status;
}

static obs_status fail_lost(const obs__site *site, obs_error *error)
{
    return obs__fail(error, OBS_ABORTED, "'%.200s' was changed by somebody else in the meantime: look at it and try again",
                     site->label);
}

/* What is there after a write: these very bytes, or not; with its entity tag in either case. */
static obs_status look(obs__site *site, obs__view bytes, char etag[OBS__CONFIG_ETAG_SIZE], const obs__limit *limit,
                       obs_error *error)
{
    obs__config_answer now;
    obs_status status = site_fetch(site, "", &now, limit, error);
    if (status != OBS_OK)
        return status;
    if (!obs__view_equal(bytes, obs__view_of(obs_buffer_data(now.bytes), obs_buffer_size(now.bytes))))
        status = fail_lost(site, error);
    memcpy(etag, now.etag, sizeof now.etag);
    obs_buffer_free(now.bytes);
    return status;
}

/* There was no answer, and the server may have done it or not. Where the document is as it was, the write may still be on its
 * way, and come after the look; where it is another one, If-Match keeps the write out for good. */
static obs_status find_out(obs__site *site, const char *if_match, obs__view bytes, char etag[OBS__CONFIG_ETAG_SIZE],
                           obs_status failed, obs_error *error)
{
    obs__limit limit = obs__limit_in(LOOK_MS, NULL);
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = look(site, bytes, etag, &limit, &inner);
    if (status == OBS_OK)
        return OBS_OK;
    if (status == OBS_ABORTED && strcmp(etag, if_match) != 0)
        return failed; /* it was not done: the first error stays */
    return obs__fail(error, failed,
                     "'%.200s': the connection broke, and whether the document was changed is not known: look at it later",
                     site->label);
}

static obs_status site_put(void *user, const char *if_match, obs__view bytes, char etag[OBS__CONFIG_ETAG_SIZE],
                           const obs__limit *limit, obs_error *error)
{
    obs__site *site = user;
    obs__http_response response;
    obs_pair headers[] = {{"Content-Type", "application/yaml"},
                          *if_match ? (obs_pair){"If-Match", if_match} : (obs_pair){"If-None-Match", "*"}};
    obs__http_request request = {.method = "PUT", .headers = headers, .header_count = 2, .body = bytes, .limit = ANSWER_MAX};
    if (*if_match && *if_match != '"')
        return obs__fail(
            error, OBS_FAILED_PRECONDITION,
            "'%.200s' has no strong ETag, without which two changes at the same time are not told apart: change the "
            "document where it is made",
            site->label);
    obs_status status = obs__site_call(&response, site, &request, limit, error);
    if (status != OBS_OK)
        return response.sent ? find_out(site, if_match, bytes, etag, status, error) : status;
    if (response.status == 412)
        status = fail_lost(site, error);
    else if (response.status < 200 || response.status > 299)
        status = obs__http_fail(&response, site->label, error);
    else if (*response.etag == '"' && strlen(response.etag) < OBS__CONFIG_ETAG_SIZE)
        strcpy(etag, response.etag);
    else
        status = look(site, bytes, etag, limit, error);
    obs_buffer_free(response.body);
    return status;
}

static void site_free(void *user)
{
    obs__site_free(user);
}

obs_status obs__config_http_source(obs__config_source *out, const char *token, const char *folder, obs_error *error)
{
    static const obs__config_source_ops ops = {site_fetch, site_put, site_free};
    obs__site *site;
    obs_status status = obs__site_new(&site, out->url, token, folder, error);
    if (status != OBS_OK)
        return status;
    out->ops = &ops;
    out->user = site;
    out->kind = OBS__CONFIG_REMOTE;
    return OBS_OK;
}
