#include "net/lane.h"

#include "base/brief.h"
#include "base/error.h"
#include "base/memory.h"

#define IDLE_MAX 8
#define WAIT_MS 60000      /* whatever there is to wait for wakes it */
#define CONNECTIONS_MAX 4L /* of one lane */

static obs__brief lock;
static obs__lane *idle;
static obs__lane *left; /* by parents of this process: for ever */
static unsigned idle_count;

static obs__lane *take_idle(unsigned generation)
{
    obs__lane *lane;
    obs__brief_take(&lock);
    while ((lane = idle) && lane->generation != generation) {
        idle = lane->next;
        lane->next = left;
        left = lane;
        idle_count = 0; /* all behind it are the parent's, too */
    }
    if (lane) {
        idle = lane->next;
        idle_count -= idle_count > 0;
    }
    obs__brief_release(&lock);
    return lane;
}

static void free_lane(const obs__curl *curl, obs__lane *lane)
{
    if (lane->multi)
        curl->multi_cleanup(lane->multi);
    obs__free(lane);
}

static obs__lane *new_lane(const obs__curl *curl, unsigned generation)
{
    obs__lane *lane = obs__calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->generation = generation;
    lane->multi = curl->multi_init();
    if (lane->multi && curl->multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX) == CURLM_OK)
        return lane;
    free_lane(curl, lane);
    return NULL;
}

obs__lane *obs__lane_take(const obs__curl *curl)
{
    unsigned generation = obs__generation();
    obs__lane *lane = take_idle(generation);
    if (!lane)
        lane = new_lane(curl, generation);
    if (lane && !(lane->easy = curl->easy_init())) {
        obs__lane_give(curl, lane);
        lane = NULL;
    }
    return lane;
}

static obs_status drive(obs__lane *lane, const obs__curl *curl, CURLcode *code, const obs__limit *limit, obs_error *error)
{
    struct curl_waitfd also[OBS__LIMIT_FDS];
    int fds[OBS__LIMIT_FDS], running = 1, left;
    size_t count = obs__limit_fds(fds, limit);
    for (size_t i = 0; i < count; i++)
        also[i] = (struct curl_waitfd){fds[i], CURL_WAIT_POLLIN, 0};
    for (;;) {
        if (curl->multi_perform(lane->multi, &running) != CURLM_OK)
            return obs__fail_memory(error);
        if (!running)
            break;
        obs_status status = obs__limit_check(limit, error);
        if (status != OBS_OK)
            return status;
        if (curl->multi_poll(lane->multi, also, (unsigned)count, obs__limit_left_ms(limit, WAIT_MS), NULL) != CURLM_OK)
            return obs__fail_memory(error);
    }
    const CURLMsg *done = curl->multi_info_read(lane->multi, &left);
    *code = done ? done->data.result : CURLE_OUT_OF_MEMORY;
    return OBS_OK;
}

obs_status obs__lane_run(obs__lane *lane, const obs__curl *curl, CURLcode *code, const obs__limit *limit, obs_error *error)
{
    if (curl->multi_add_handle(lane->multi, lane->easy) != CURLM_OK)
        return obs__fail_memory(error);
    obs_status status = drive(lane, curl, code, limit, error);
    curl->multi_remove_handle(lane->multi, lane->easy);
    return status;
}

/* The handle is not kept for the next one: curl_easy_reset() does not say when it finds no memory, and leaves a handle behind
 * whose buffer is too small for an answer. */
static void end_handle(const obs__curl *curl, obs__lane *lane)
{
    if (lane->easy)
        curl->easy_cleanup(lane->easy);
    lane->easy = NULL;
}

void obs__lane_give(const obs__curl *curl, obs__lane *lane)
{
    end_handle(curl, lane);
    obs__brief_take(&lock);
    int kept = idle_count < IDLE_MAX;
    if (kept) {
        lane->next = idle;
        idle = lane;
        idle_count++;
    }
    obs__brief_release(&lock);
    if (!kept)
        free_lane(curl, lane);
}
