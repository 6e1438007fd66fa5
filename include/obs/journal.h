/**
 * @file journal.h
 * Destinations: where events go outside, and what happens while nobody answers there.
 *
 * A destination is a line of obs.yaml, and a consumer `to.NAME` of the bus: what it could not deliver is tried again, in the
 * order of each key, or becomes a dead letter, as the bus does it. After so many failures in a row a destination is suspended,
 * tried once after a set time, and goes on when that succeeds; administrators are told once when it is suspended and once when
 * it recovers.
 *
 *     destinations:
 *       - name: alerts
 *         url: https://example.org/hook            # or mailto:night@example.org
 *         filter: "type LIKE 'org.example.%'"      # CloudEvents SQL; also type: and subject:
 *         sign: ${secret:file:/run/secrets/hook}   # Standard Webhooks; two while the secret is rotated
 *     administrators: ['mailto:night@example.org', 'https://example.org/on-call']
 *     smtp: {url: 'smtps://mail.example.org', from: obs@example.org, user: obs, password: '${secret:env:SMTP_PASSWORD}'}
 *
 * @code
 * obs_journal_options options;
 * obs_journal_options_init(&options, sizeof options);
 * options.once = 1;
 * obs_journal_run(NULL, client, &options, &error);
 * @endcode
 *
 * @defgroup journal Destinations
 * @{
 */
#ifndef OBS_JOURNAL_H
#define OBS_JOURNAL_H

#include <obs/buffer.h>
#include <obs/call.h>
#include <obs/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How events are delivered to destinations. */
typedef struct obs_journal_options {
    size_t size;             /**< sizeof(obs_journal_options), by obs_journal_options_init(). */
    const obs_call *call;    /**< Its cancel token ends the run; its time limits the whole run: 0 and -1: no limit. Or NULL. */
    const char *destination; /**< Only this one; NULL: all of the client's tenant. */
    int32_t once;            /**< 1: what is due now, then it returns; 0: until it is cancelled. */
} obs_journal_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_journal_options_init(obs_journal_options *options, size_t size);

/**
 * Delivers events to the destinations of obs.yaml that are for the client's tenant. A destination is served by one run at a
 * time, in whatever process; another run stands by and takes over when that one ends.
 * @param delivered receives how many events were delivered; may be NULL
 * @param client    the client
 * @param options   NULL for the defaults
 * @param error     may be NULL
 * @return ::OBS_OK when all that was due was tried, whatever came of it (obs_journal_list() says it); ::OBS_CANCELLED;
 *         ::OBS_DEADLINE_EXCEEDED; ::OBS_NOT_FOUND when there is no such destination
 */
OBS_API obs_status obs_journal_run(uint64_t *delivered, obs_client *client, const obs_journal_options *options,
                                   obs_error *error);

/**
 * The destinations of the client's tenant. Each row: `{"destination":…,"consumer":…,"url":…,"state":…,"waiting":…,
 * "oldest":…,"tries":…,"dead":…,"last_error":…,"since":…,"next":…}`. The state is `ok`, `retrying` (the last try failed),
 * `suspended` (too many failed; it is tried again at `next`, or when somebody resumes it), `paused` (by somebody) or `idle`
 * (nobody has delivered there yet). `waiting` counts the events behind its position, whether it wants them or not; `tries` how
 * many failed in a row, `since` when.
 * @param out    receives the rows; free with obs_rows_free()
 * @param client the client
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_journal_list(obs_rows **out, obs_client *client, const obs_call *call, obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
