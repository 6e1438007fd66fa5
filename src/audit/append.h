/*
 * Appending to the files of the log (src/audit/tiles.h): the right edge of the tree in memory, written tile by tile.
 *
 * Nothing that a signed checkpoint covers is ever touched: an appender writes files that nobody looks at until there is a
 * checkpoint of its size, and the caller writes that one after obs__appender_flush(). Only the holder of the sequencer's lease
 * may have an appender.
 */
#ifndef OBS_AUDIT_APPEND_H
#define OBS_AUDIT_APPEND_H

#include "audit/tiles.h"

typedef struct obs__appender obs__appender;

/* At the end of a log of so many records and that root, which is checked; OBS_DATA_LOSS when its last tiles say otherwise.
 * `folder` and `hasher` must outlive it. */
obs_status obs__appender_open(obs__appender **out, int folder, uint64_t size, const obs__tree_hash *root,
                              obs__tree_hasher *hasher, obs_error *error);
void obs__appender_free(obs__appender *appender);

/* Adds a record of 1 to OBS__ENTRY_MAX bytes; full tiles are written at once. After a failure only free it. */
obs_status obs__appender_add(obs__appender *appender, obs__view entry, obs_error *error);
uint64_t obs__appender_size(const obs__appender *appender);
/* Writes the partial tiles and makes all durable; gives the root to be signed. */
obs_status obs__appender_flush(obs__appender *appender, obs__tree_hash *out_root, obs_error *error);
/* After the new checkpoint is durable: removes partial tiles whose full ones are there. Best effort. */
void obs__appender_tidy(obs__appender *appender);

/* Removes what an interrupted appender left beyond a log of so many records; *out counts the files. */
obs_status obs__log_cut(uint64_t *out, int folder, uint64_t size, obs_error *error);

#endif
