/*
 * The yardstick of many threads: a bare loop of group commit on SQLite that does the same syncs and rows as ingesting
 * records does, and nothing else: no checks, hashes, names or trails are made, no lock between processes, no deadlines.
 *
 * Tables and rows are not written down here a second time: they are taken from a workspace into which records were
 * ingested. Each table that gained a row with each record gets one for each commit, with the sample's values and a key, event
 * id and trace of its own; tables that gained rows with each full block of the index gain as many; full text the same words.
 */
#ifndef OBS_BENCH_BARE_H
#define OBS_BENCH_BARE_H

/* Makes a workspace below the folder, samples it, and opens an empty database beside it. */
void bare_open(const char *folder);
/* One record's rows, durable when this returns. */
void bare_commit(void);
/* How many tables get a row with each record. */
int bare_tables(void);
void bare_close(void);

#endif
