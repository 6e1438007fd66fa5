/*
 * What a reader of the log remembers of it, in a state folder of his own: the key, once he has given it, and the checkpoint of
 * each log that held. So the log cannot be exchanged or set back behind his back, whoever has the workspace and its keys. A
 * reader is a process that is not the account's: its state folder is not where the log's writer keeps key and anchor.
 */
#ifndef OBS_AUDIT_SEEN_H
#define OBS_AUDIT_SEEN_H

#include "audit/schedule.h"
#include "audit/verify.h"

/* OBS_FAILED_PRECONDITION, with what to do, for a reader who has not given the key yet; OBS_OK for all others. */
obs_status obs__seen_need(const obs__schedule *log, obs_error *error);
/* The log held: a reader keeps key and checkpoint. Does nothing for others. */
obs_status obs__seen_keep(const obs__schedule *log, const obs__verifier *key, const obs__verified *verified, obs_error *error);

#endif
