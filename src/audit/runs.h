/*
 * Where the records of each tenant stand in the one log: `audit/runs/<tenant>`, records of three 64-bit numbers, big-endian,
 * that are only appended to. They say how far a tenant was moved, and find a record by its number. Derived: every leaf names
 * its tenant, and a tenant's leaves stand in the log in the order of their numbers from 1 on without gaps, so that all of this
 * can be counted again from the bundles. It is not synced; what a crash took is counted again by obs__runs_mend().
 */
#ifndef OBS_AUDIT_RUNS_H
#define OBS_AUDIT_RUNS_H

#include "base/text.h"

/* `count` records of a tenant, the first of them with the number `seq` (from 1) at the place `index` (from 0) of the log. */
typedef struct obs__run {
    uint64_t seq;
    uint64_t index;
    uint64_t count;
} obs__run;

#define OBS__RUN_TENANT_SIZE 64

/* `folder` is a descriptor of `audit/runs`. */
/* The last run of a tenant; a tenant without any gives zeros. */
obs_status obs__runs_last(obs__run *out, int folder, const char *tenant, obs_error *error);
obs_status obs__runs_add(int folder, const char *tenant, const obs__run *run, obs_error *error);
/* The place of a record; OBS_NOT_FOUND when it is in no checkpoint yet. Check that the leaf there is the one that was meant. */
obs_status obs__runs_find(uint64_t *out_index, int folder, const char *tenant, uint64_t seq, obs_error *error);

/* The same for many records of one tenant, which stand in few runs: the file is opened once, and the run that the last record
 * stood in is asked first. Zero it before obs__runs_open(), which is fine when there is no file yet. */
typedef struct obs__runs {
    char tenant[OBS__RUN_TENANT_SIZE];
    int fd; /* -1: there are none */
    uint64_t count;
    obs__run last;
    uint64_t next; /* which run comes after it */
} obs__runs;
obs_status obs__runs_open(obs__runs *out, int folder, const char *tenant, obs_error *error);
void obs__runs_close(obs__runs *runs);
obs_status obs__runs_place(uint64_t *out_index, obs__runs *runs, uint64_t seq, obs_error *error);

/* How many records of a tenant stand before a place of the log, and in *out_index the place of the last of them. */
obs_status obs__runs_before(uint64_t *out_seq, uint64_t *out_index, int folder, const char *tenant, uint64_t index,
                            obs_error *error);
/* Brings the runs to a log of `size` records, from the bundles below `log` if need be. Only for the holder of the lease. */
obs_status obs__runs_mend(int folder, int log, uint64_t size, obs_error *error);

#endif
