/* Asking a worker, and ending it. */
#include "function/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "function/spawn.h"

#define MS INT64_C(1000000)
#define GRACE_MS 2000 /* between SIGTERM and SIGKILL */
#define DRAIN_MOST ((size_t)4 << 20)

struct obs__worker {
    const obs__manifest *manifest; /* borrowed */
    obs__function_log *log;        /* borrowed */
    obs__spawned process;
    int is_gone; /* reaped */
    int status;
    long used_kib;
    obs__frame answer;
};

/* All that it printed until now. */
static void drain(obs__worker *self)
{
    char data[16384];
    size_t taken = 0;
    while (self->process.output >= 0 && taken < DRAIN_MOST) {
        ssize_t size = read(self->process.output, data, sizeof data);
        if (size < 0 && errno == EINTR)
            continue;
        if (size == 0) {
            close(self->process.output);
            self->process.output = -1;
        }
        if (size <= 0)
            return;
        taken += (size_t)size;
        obs__function_log_add(self->log, data, (size_t)size);
    }
}

/* 1 when it has ended. */
static int reap(obs__worker *self)
{
    struct rusage usage;
    pid_t found;
    if (self->is_gone)
        return 1;
    do
        found = wait4(self->process.pid, &self->status, WNOHANG, &usage);
    while (found < 0 && errno == EINTR);
    if (found == 0)
        return 0;
    self->is_gone = 1;
    if (found < 0)
        self->status = -1; /* somebody else waited for it */
    else
        self->used_kib = usage.ru_maxrss;
    return 1;
}

static int reap_within(obs__worker *self, int64_t ms)
{
    const struct timespec pause = {0, 1000000};
    int64_t end = obs__monotonic_ns() + ms * MS;
    while (!reap(self)) {
        if (obs__monotonic_ns() > end)
            return 0;
        drain(self);
        nanosleep(&pause, NULL);
    }
    return 1;
}

/* The group outlives its first process: whatever that started goes, too. */
static void kill_all(obs__worker *self, int grace)
{
    if (grace && !reap(self)) {
        kill(-self->process.pid, SIGTERM);
        reap_within(self, GRACE_MS);
    }
    kill(-self->process.pid, SIGKILL);
    reap_within(self, 10000);
}

void obs__worker_stop(obs__worker *worker)
{
    if (!worker)
        return;
    if (worker->process.socket >= 0)
        close(worker->process.socket); /* nothing more to do: a good program ends by itself */
    if (worker->process.pid > 0) {
        reap_within(worker, 100);
        kill_all(worker, 1);
    }
    drain(worker);
    if (worker->process.output >= 0)
        close(worker->process.output);
    obs__isolation_free(&worker->process.isolation);
    obs__frame_free(&worker->answer);
    obs__free(worker);
}

int obs__worker_is_alive(obs__worker *worker)
{
    struct pollfd poller = {.fd = worker->process.socket, .events = POLLIN};
    return !reap(worker) && poll(&poller, 1, 0) == 0 /* it has nothing to say unasked */ &&
           !obs__isolation_is_stale(&worker->process.isolation);
}

/* Why a program is no more, for people. */
static obs_status say_ended(obs__worker *self, obs_error *error)
{
    char memory[160] = "";
    if (self->used_kib * INT64_C(1024) > self->manifest->memory / 10 * 9)
        snprintf(memory, sizeof memory, "; it used %ld of %lld MiB of memory: perhaps it needs more (limits.memory)",
                 self->used_kib / 1024, (long long)(self->manifest->memory >> 20));
    if (self->status == -1)
        return obs__fail(error, OBS_ABORTED, "the program ended before it answered%s", memory);
    if (WIFSIGNALED(self->status))
        return obs__fail(error, OBS_ABORTED, "the program crashed: signal %d (%s)%s", WTERMSIG(self->status),
                         strsignal(WTERMSIG(self->status)), memory);
    return obs__fail(error, OBS_ABORTED, "the program ended with exit status %d before it answered%s",
                     WEXITSTATUS(self->status), memory);
}

static obs_status say_gone(obs__worker *self, obs_error *error)
{
    if (reap_within(self, 1000))
        return say_ended(self, error);
    kill_all(self, 0);
    return obs__fail(error, OBS_ABORTED, "the program closed the connection before it answered");
}

static obs_status too_late(obs__worker *self, int64_t timeout_ms, obs_error *error)
{
    kill_all(self, 1);
    return obs__fail(error, OBS_DEADLINE_EXCEEDED,
                     "the program did not answer within %lld.%03lld s and was ended (limits.time)",
                     (long long)(timeout_ms / 1000), (long long)(timeout_ms % 1000));
}

static obs_status send_some(obs__worker *self, const obs__builder *request, size_t *sent, obs_error *error)
{
    while (*sent < request->size) {
        ssize_t size = send(self->process.socket, request->data + *sent, request->size - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return OBS_OK;
        if (size < 0)
            return say_gone(self, error);
        *sent += (size_t)size;
    }
    return OBS_OK;
}

static obs_status receive_some(obs__worker *self, obs_error *error)
{
    while (!self->answer.is_complete) {
        size_t room;
        char *data = obs__frame_room(&self->answer, &room);
        if (!data)
            return obs__fail_memory(error);
        ssize_t size = recv(self->process.socket, data, room, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return OBS_OK;
        if (size <= 0)
            return say_gone(self, error);
        obs_status status = obs__frame_came(&self->answer, (size_t)size, error);
        if (status != OBS_OK)
            return status;
    }
    return OBS_OK;
}

/* One wait for whatever comes first. */
static void wait_some(obs__worker *self, int sending, int64_t end_ns, const obs__limit *limit)
{
    struct pollfd fds[2 + OBS__LIMIT_FDS];
    int cancels[OBS__LIMIT_FDS];
    nfds_t count = 0;
    int64_t left_ms = (end_ns - obs__monotonic_ns() + MS - 1) / MS;
    fds[count++] = (struct pollfd){.fd = self->process.socket, .events = (short)(POLLIN | (sending ? POLLOUT : 0))};
    fds[count++] = (struct pollfd){.fd = self->process.output, .events = POLLIN};
    size_t more = obs__limit_fds(cancels, limit);
    for (size_t i = 0; i < more; i++)
        fds[count++] = (struct pollfd){.fd = cancels[i], .events = POLLIN};
    poll(fds, count, left_ms < 0 ? 0 : left_ms > 60000 ? 60000 : (int)left_ms);
    if (fds[1].revents)
        drain(self);
}

obs_status obs__worker_ask(const obs__frame **out, obs__worker *worker, const obs__builder *request, int64_t timeout_ms,
                           const obs__limit *limit, obs_error *error)
{
    int64_t end_ns = obs__monotonic_ns() + timeout_ms * MS;
    size_t sent = 0;
    *out = NULL;
    obs__frame_clear(&worker->answer);
    obs_status status = OBS_OK;
    for (;;) {
        status = send_some(worker, request, &sent, error);
        if (status == OBS_OK)
            status = receive_some(worker, error);
        if (status != OBS_OK || worker->answer.is_complete)
            break;
        if (limit->cancel && obs_cancel_is_set(limit->cancel)) {
            status = obs__fail(error, OBS_CANCELLED, "the run was ended");
            break;
        }
        if (obs__monotonic_ns() >= end_ns) {
            status = too_late(worker, timeout_ms, error);
            break;
        }
        wait_some(worker, sent < request->size, end_ns, limit);
    }
    if (status == OBS_OK && sent < request->size)
        status = obs__fail(error, OBS_ABORTED, "the program answered before it was asked");
    drain(worker);
    if (status == OBS_OK)
        *out = &worker->answer;
    return status;
}

static obs_status make_ready(obs__worker *self, const obs__limit *limit, obs_error *error)
{
    const obs__frame *answer;
    obs__builder request;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs__builder_init(&request, 256);
    obs__add_text(&request, "GET /ready HTTP/1.1\r\nHost: function\r\nContent-Length: 0\r\n\r\n");
    obs_status status = obs__builder_status(&request, &why);
    if (status == OBS_OK)
        status = obs__worker_ask(&answer, self, &request, self->manifest->start_ms, limit, &why);
    obs__builder_free(&request);
    if (status == OBS_CANCELLED || obs__lacks_memory(&why))
        return obs__copy_error(error, &why);
    if (status == OBS_OK && obs__frame_status(answer) == 200)
        return OBS_OK;
    return obs__fail(error, OBS_UNAVAILABLE, "the function '%s' does not start: %s%s", self->manifest->name,
                     status == OBS_OK ? "its answer to GET /ready is not 200" : why.message,
                     self->process.isolation.ruleset < 0
                         ? ""
                         : "; 'obsctl function logs' shows what it printed; files outside of its folder "
                           "are seen when 'sees' of its function.yaml names them");
}

obs_status obs__worker_start(obs__worker **out, const obs__manifest *manifest, obs_client *client, const obs_secret *token,
                             obs__function_log *log, const obs__limit *limit, obs_error *error)
{
    *out = NULL;
    obs__worker *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    self->manifest = manifest;
    self->log = log;
    self->process = (obs__spawned){.pid = -1, .socket = -1, .output = -1, .isolation = {.ruleset = -1}};
    obs__frame_init(&self->answer, OBS__OUTPUTS_LIMIT);
    obs_status status = obs__spawn(&self->process, manifest, client, token, error);
    if (status == OBS_OK)
        status = make_ready(self, limit, error);
    if (status != OBS_OK) {
        obs__worker_stop(self);
        return status;
    }
    *out = self;
    return OBS_OK;
}
