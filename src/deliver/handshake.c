/* Does the server want these events? The abuse protection of the CloudEvents rules for webhooks: OPTIONS with our origin, and
 * an answer that names exactly this origin, or all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "deliver/courier.h"
#include "net/http.h"

#define GRANT_NS (INT64_C(86400) * 1000000000) /* asked anew each day */
#define ANSWER_MAX ((size_t)16384)

static void origin_of(char out[OBS__ORIGIN_SIZE], const obs__destination *to)
{
    const char *given = obs__to_text(to, OBS__TO_ORIGIN);
    if (given)
        snprintf(out, OBS__ORIGIN_SIZE, "%s", given);
    else if (gethostname(out, OBS__ORIGIN_SIZE) != 0 || !memchr(out, '\0', OBS__ORIGIN_SIZE) || !*out)
        strcpy(out, "localhost");
}

/* What was granted counts for this origin and this address. */
static void grant_of(char out[OBS__ORIGIN_SIZE], const obs__destination *to, const char *origin)
{
    char text[OBS__ORIGIN_SIZE];
    snprintf(text, sizeof text, "%.100s %.140s", origin, to->label);
    memcpy(out, text, sizeof text);
}

static int64_t rate_of(const char *text)
{
    char *end;
    long rate = strtol(text, &end, 10);
    return end == text || *end || rate < 1 ? 0 : rate;
}

static obs_status ask(obs__http_response *response, const obs__courier *courier, const char *origin, obs_error *error)
{
    obs_pair header = {"WebHook-Request-Origin", origin};
    obs__http_request request = {.method = "OPTIONS",
                                 .headers = &header,
                                 .header_count = 1,
                                 .limit = ANSWER_MAX,
                                 .wanted = {"WebHook-Allowed-Origin", "WebHook-Allowed-Rate"}};
    return obs__webhook_call(response, courier, &request, error);
}

static void judge(obs__answered *out, obs__courier *courier, const obs__http_response *response, const char *origin)
{
    const char *allowed = response->found[0];
    out->came = OBS__CAME_FAILED;
    if (response->status == 410)
        out->came = OBS__CAME_GONE;
    if (response->status == 410 || response->status == 429 || response->status >= 500) {
        snprintf(out->reason, sizeof out->reason, "'%.200s' answers the question for permission with HTTP %d",
                 courier->to->label, response->status);
        out->retry_ns = response->retry_ns;
        return;
    }
    if (response->status >= 200 && response->status < 300 && (strcasecmp(allowed, origin) == 0 || strcmp(allowed, "*") == 0)) {
        out->came = OBS__CAME_DONE;
        return;
    }
    snprintf(out->reason, sizeof out->reason,
             "'%.120s' gives no permission to send events to it: WebHook-Allowed-Origin must be '%.80s' (HTTP %d%s%.60s): ask "
             "who runs it, or write 'handshake: off' where it knows nothing of this",
             courier->to->label, origin, response->status, *allowed ? ", it is " : "", allowed);
}

void obs__webhook_ask(obs__answered *out, obs__courier *courier)
{
    char origin[OBS__ORIGIN_SIZE], grant[OBS__ORIGIN_SIZE];
    obs__deliver_state *state = &courier->state;
    obs__http_response response = {0};
    obs_error why;
    *out = (obs__answered){.came = OBS__CAME_DONE};
    origin_of(origin, courier->to);
    grant_of(grant, courier->to, origin);
    int64_t age_ns = obs__now_ns() - state->granted_ns;
    if (state->granted_ns && age_ns >= 0 && age_ns < GRANT_NS && strcmp(state->granted, grant) == 0)
        return;
    obs_error_init(&why, sizeof why);
    obs_status status = ask(&response, courier, origin, &why);
    if (status == OBS_OK)
        judge(out, courier, &response, origin);
    else
        obs__answered_fail(out, courier, status, &why);
    obs_buffer_free(response.body);
    if (out->came != OBS__CAME_DONE)
        return;
    state->granted_ns = obs__now_ns();
    state->rate = rate_of(response.found[1]);
    memcpy(state->granted, grant, sizeof grant);
    status = obs__deliver_save(courier, NULL, 0, &why);
    if (status != OBS_OK)
        obs__answered_fail(out, courier, status, &why);
}
