#include "client/anchor.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/note.h"
#include "client/site.h"

#define LIMIT_MS 3000
#define PAUSE_NS INT64_C(30000000000)
#define ANSWER_MAX ((size_t)65536)

struct site_anchor {
    obs__anchor base;
    obs__site *site;
    _Atomic int64_t away_ns; /* monotonic: until then it is not asked; 0: it answered */
};

/* Whatever is wrong with a witness, the log goes on without it, and says so. */
static obs_status fail_away(struct site_anchor *anchor, const obs_error *why, obs_error *error)
{
    if (obs__lacks_memory(why))
        return obs__copy_error(error, why);
    if (!atomic_exchange(&anchor->away_ns, obs__monotonic_ns() + PAUSE_NS))
        obs__log(OBS_LOG_WARNING, "audit", NULL, "the anchor %s is away: %s", anchor->base.name, why->message);
    obs__copy_error(error, why);
    return obs__fail(error, OBS_UNAVAILABLE, "the anchor is away: %.400s", why->message);
}

static obs_status call(obs__http_response *out, struct site_anchor *anchor, obs__http_request *request, obs_error *error)
{
    obs_error why;
    obs__limit limit = obs__limit_in(LIMIT_MS, NULL);
    *out = (obs__http_response){0};
    if (atomic_load(&anchor->away_ns) > obs__monotonic_ns())
        return obs__fail(error, OBS_UNAVAILABLE, "the anchor was away a moment ago");
    obs_error_init(&why, sizeof why);
    obs_status status = obs__site_call(out, anchor->site, request, &limit, &why);
    int is_question = !request->method;
    int is_none = is_question && (out->status == 404 || out->status == 410);
    if (status == OBS_OK && !is_none && (out->status < 200 || out->status > 299))
        status = obs__http_fail(out, anchor->site->label, &why);
    if (status != OBS_OK) {
        obs_buffer_free(out->body);
        out->body = NULL;
        return fail_away(anchor, &why, error);
    }
    if (atomic_exchange(&anchor->away_ns, 0))
        obs__log(OBS_LOG_INFO, "audit", NULL, "the anchor %s answers again", anchor->base.name);
    return OBS_OK;
}

static obs_status site_write(obs__anchor *base, obs__view checkpoint, obs_error *error)
{
    obs__http_response response;
    obs_pair type = {"Content-Type", "text/plain; charset=utf-8"};
    obs__http_request request = {.method = "PUT", .headers = &type, .header_count = 1, .body = checkpoint, .limit = ANSWER_MAX};
    obs_status status = call(&response, (struct site_anchor *)base, &request, error);
    obs_buffer_free(response.body);
    return status;
}

static obs_status site_read_last(obs_buffer **out, obs__anchor *base, obs_error *error)
{
    obs__http_response response;
    obs__http_request request = {.limit = OBS__NOTE_MAX};
    *out = NULL;
    obs_status status = call(&response, (struct site_anchor *)base, &request, error);
    if (status == OBS_OK && response.status == 200)
        *out = response.body;
    else
        obs_buffer_free(response.body);
    return status;
}

static void site_free(obs__anchor *base)
{
    struct site_anchor *anchor = (struct site_anchor *)base;
    obs__site_free(anchor->site);
    obs__free(anchor);
}

obs_status obs__anchor_site(obs__anchor **out, const obs__config_line *line, const char *folder, obs_error *error)
{
    static const obs__anchor_ops ops = {.write = site_write, .read_last = site_read_last, .free = site_free};
    struct site_anchor *anchor = obs__calloc(1, sizeof *anchor);
    *out = NULL;
    if (!anchor)
        return obs__fail_memory(error);
    obs_status status = obs__site_new(&anchor->site, line->url, line->token, folder, error);
    if (status != OBS_OK) {
        obs__free(anchor);
        return status;
    }
    anchor->base.ops = &ops;
    anchor->base.name = anchor->site->label;
    *out = &anchor->base;
    return OBS_OK;
}
