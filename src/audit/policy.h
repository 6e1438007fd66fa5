/*
 * What happens to a call whose audit record cannot be written: `audit/policy.json` of the workspace, for every process that can
 * read it. Without the file it is the standard; one that cannot be read is as strict as can be.
 */
#ifndef OBS_AUDIT_POLICY_H
#define OBS_AUDIT_POLICY_H

#include "base/call.h"
#include "base/text.h"

typedef struct obs__policy {
    unsigned closed;        /* a bit for each class that is fail-closed, by obs__policy_bit() */
    int64_t retention_days; /* 0: for ever */
    int64_t reserve_bytes;
} obs__policy;

/* The bit of a class (`change`, `refusal`, `login`, `grant`, `read`, `config`); 0: it has no policy. */
unsigned obs__policy_bit(const char *name);

/* `workspace` is an absolute folder. OBS_DATA_LOSS, with the strictest in *out, when it cannot be read. */
obs_status obs__policy_read(obs__policy *out, const char *workspace, obs_error *error);
obs_status obs__policy_write(const obs__policy *policy, const char *workspace, obs_error *error);
void obs__policy_add(obs__builder *out, const obs__policy *policy);
/* Takes over the members of a JSON object, and writes what was and what will be: `{"read":["fail-open","fail-closed"]}`.
 * OBS_INVALID_ARGUMENT when one is not known or wrong; then nothing is taken over. */
obs_status obs__policy_change(obs__policy *policy, obs__builder *difference, obs__view json, obs_error *error);

#endif
