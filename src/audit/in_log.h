/* Whether rows of a tenant's database are what the signed log has at their places: for answers, a page of rows at a time. */
#ifndef OBS_AUDIT_IN_LOG_H
#define OBS_AUDIT_IN_LOG_H

#include "audit/sequence.h"

typedef struct obs__in_log obs__in_log;

/* Before each page. *log is NULL at first, and stays NULL, which the others accept, as long as there is no log. What was proved
 * for the page before still counts while there is no new checkpoint. OBS_DATA_LOSS when the checkpoint is not signed. */
obs_status obs__in_log_renew(obs__in_log **log, const obs__log_place *place, const char *tenant, obs_error *error);
void obs__in_log_free(obs__in_log *log);
/* OBS_OK also for a record that no checkpoint covers yet; OBS_DATA_LOSS when the log has another one at its place. */
obs_status obs__in_log_check(obs__in_log *log, uint64_t seq, const obs__tree_hash *leaf, obs_error *error);
/* Whether a record is sealed: nothing but its leaf is left, if that. */
obs_status obs__in_log_is_sealed(int *out, obs__in_log *log, uint64_t seq, obs_error *error);

#endif
