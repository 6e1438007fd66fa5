/* Between the files of the check. */
#ifndef OBS_CLIENT_CHECK_H
#define OBS_CLIENT_CHECK_H

#include "base/buffer.h"
#include "client/client.h"

typedef struct obs__inspection {
    obs_client *client;
    obs__builder rows;
    obs_check_mode mode;
    const obs__limit *limit;
    uint64_t objects;
    uint64_t records;
    uint64_t bytes;
    uint64_t problems;
} obs__inspection;

void obs__check_problem(obs__inspection *check, const char *tenant, const char *key, const char *problem, const char *remedy);
/* What is left of the call. */
obs_call obs__check_call(const obs__inspection *check);

/* check_objects.c: what the catalog says of each object against what the store has. A repair tells each what the other knows.
 */
obs_status obs__check_objects(obs__inspection *check, obs_client *client, obs_error *error);
/* check_records.c: each record against its checksum, and what the catalog says of it. */
obs_status obs__check_records(obs__inspection *check, obs__gate *gate, obs_error *error);
/* check_quota.c: what the quotas are measured by. A repair counts again. */
obs_status obs__check_quota(obs__inspection *check, obs_client *client, obs_error *error);

#endif
