/* Between the files of the audit module. */
#ifndef OBS_AUDIT_TRAIL_H
#define OBS_AUDIT_TRAIL_H

#include "audit/audit.h"

obs__gate *obs__audit_gate(const obs_audit *audit);
/* The policy was changed: look again at the next call. */
void obs__audit_policy_forget(obs_audit *audit);
/* The log, or why this process has none of it. */
obs_status obs__audit_need_log(struct obs__schedule **out, const obs_audit *audit, obs_error *error);

/* What the change deletes from now on is overwritten (1), or as usual (0). Inside apply() only, and always ended by 0. */
obs_status obs__audit_overwrite(obs__txn *txn, int on, obs_error *error);
/* Empties the write-ahead log, which still has what was deleted; waits for readers of what was before, as the limit of the call
 * says. Of the scope it needs the limit, and the gate if that may be asked for room on a full disk. */
obs_status obs__audit_empty_log(obs__journal *journal, obs__scope *scope, obs_error *error);

#endif
