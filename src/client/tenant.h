/* Between the files that make, change and remove tenants. */
#ifndef OBS_CLIENT_TENANT_H
#define OBS_CLIENT_TENANT_H

#include "client/client.h"

/* The database of a tenant that there is, whoever's client asks; OBS_PERMISSION_DENIED where the system keeps it closed. */
obs_status obs__tenant_journal(obs__journal **out, obs_client *client, const char *name, obs__scope *scope, obs_error *error);
/* Commits a change of a tenant to its database, with the record of the call, which the caller's own trail receives next. Takes
 * the effects over. */
obs_status obs__tenant_commit(obs__scope *scope, const char *name, obs__journal *journal, obs__effects *effects,
                              obs_error *error);
/* OBS_INVALID_ARGUMENT for what cannot be the reason of a change. */
obs_status obs__tenant_reason(const char *reason, obs_error *error);
/* Removes all that is left of a tenant that was deleted, but its audit trail (tenant_delete.c). */
obs_status obs__tenant_clear(const obs__workspace *workspace, const char *name, obs__journal *journal, const obs__limit *limit,
                             obs_error *error);
/* The record for the caller's own trail, of what another tenant's has already. */
void obs__tenant_tell(obs__scope *scope);

#endif
