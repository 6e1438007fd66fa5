/*
 * Reads that were noted but are not written yet: a bounded table in memory in which equal ones are counted together.
 *
 * A note takes one short lock of the shard its hash falls into and never waits for the disk. Each shard has two tables: one
 * that notes go into, one that is being written. When both are full, what is lost is counted.
 */
#ifndef OBS_AUDIT_NOTES_H
#define OBS_AUDIT_NOTES_H

#include "audit/audit.h"

typedef struct obs__notes obs__notes;

obs_status obs__notes_new(obs__notes **out, obs_error *error);
void obs__notes_free(obs__notes *notes);
/* The obs__generation() that they were made in. */
unsigned obs__notes_generation(const obs__notes *notes);

/* What the caller of a note should see to. */
typedef enum obs__noted { OBS__NOTED, OBS__NOTED_HURRY } obs__noted;

/* Counts one more. The texts are copied; action and kind must be constants. */
obs__noted obs__notes_add(obs__notes *notes, const obs__audit_record *record);
/* Counts records that could not be noted at all. */
void obs__notes_lose(obs__notes *notes, uint64_t count);

/* Hands over what was noted until now: between take and given, for one thread at a time. */
obs_status obs__notes_take(obs__notes *notes, obs__effects *effects, const char *tenant, obs_error *error);
/* What was taken is written (done 1), given up and counted as lost (-1), or stays to be taken again (0). */
void obs__notes_given(obs__notes *notes, int done);
/* Whether there is something to take. */
int obs__notes_any(obs__notes *notes);

/* How many records wait to be written or are counted as lost. */
uint64_t obs__notes_count(obs__notes *notes);

#endif
