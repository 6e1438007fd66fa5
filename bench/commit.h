/* What a durable commit costs on this disk when nothing of ours takes part: one row into a SQLite database of its own. */
#ifndef OBS_BENCH_COMMIT_H
#define OBS_BENCH_COMMIT_H

#include <sqlite3.h>

/* A new database with a log (WAL) that every commit syncs. */
sqlite3 *bench_commit_open(const char *path);
/* One row of 500 bytes, durable when this returns. */
void bench_commit(sqlite3 *handle);

#endif
