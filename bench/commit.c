#include "commit.h"

#include "bench.h"

sqlite3 *bench_commit_open(const char *path)
{
    sqlite3 *handle = NULL;
    if (sqlite3_open(path, &handle) != SQLITE_OK)
        bench_die("cannot open the yardstick's database", NULL);
    if (sqlite3_exec(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS item(body)", NULL,
                     NULL, NULL) != SQLITE_OK)
        bench_die(sqlite3_errmsg(handle), NULL);
    return handle;
}

void bench_commit(sqlite3 *handle)
{
    if (sqlite3_exec(handle, "INSERT INTO item VALUES(randomblob(500))", NULL, NULL, NULL) != SQLITE_OK)
        bench_die(sqlite3_errmsg(handle), NULL);
}
