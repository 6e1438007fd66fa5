/* Filling the caller's obs_error. Every public function ends in one of these. */
#ifndef OBS_BASE_ERROR_H
#define OBS_BASE_ERROR_H

#include <obs/error.h>

/* Success: status OBS_OK and empty texts. Returns OBS_OK. */
obs_status obs__ok(obs_error *error);

/* Failure with a message that anybody may see. Returns status. Control characters in arguments are escaped. */
obs_status obs__fail(obs_error *error, obs_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: picks the status by errno (ENOSPC: OBS_NO_SPACE, EACCES: OBS_PERMISSION_DENIED …),
 * keeps errno in obs_error::system and appends its text to the detail. `what` reads like "cannot write 'x'". */
obs_status obs__fail_system(obs_error *error, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds the detail for the operator to an error that was just set. */
void obs__detail(obs_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says where in a text the fault lies. */
void obs__at(obs_error *error, int line, int column);

/* Adds what the other side answered to an error that was just set: its HTTP status (0: none) and its name for the request. */
void obs__remote(obs_error *error, int http_status, const char *request_id);

/* OBS_RESOURCE_EXHAUSTED, "not enough memory". */
obs_status obs__fail_memory(obs_error *error);
/* Whether an error is that one: what was asked for may be right, and succeed later. */
int obs__lacks_memory(const obs_error *error);

/* Copies one error to another of possibly different size. Returns its status. */
obs_status obs__copy_error(obs_error *to, const obs_error *from);

#endif
