/*
 * The definitions that a client used last, so that ingesting a record looks nothing up before its commit: the commit itself
 * makes sure, under the writer lock, that there is no newer version.
 */
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "catalog/definition.h"
#include "catalog/handle.h"

static _Atomic(obs__definition *) *place_of(obs_catalog *catalog, const char *name)
{
    return &catalog->known[obs__crc32c(0, name, strlen(name)) % OBS__KNOWN];
}

/* Whoever uses a place has taken out what was there, so that no lock is held over a fork; meanwhile others find it empty. */
static obs__definition *recall(obs_catalog *catalog, const char *name)
{
    _Atomic(obs__definition *) *place = place_of(catalog, name);
    obs__definition *answer = NULL;
    obs__definition *empty = NULL;
    obs__definition *found = atomic_exchange(place, NULL);
    if (!found)
        return NULL;
    if (strcmp(found->name, name) == 0)
        answer = obs__definition_retain(found);
    if (!atomic_compare_exchange_strong(place, &empty, found))
        obs__definition_free(found);
    return answer;
}

obs_status obs__definition_known(obs__definition **out, obs_catalog *catalog, const char *name, obs_error *error)
{
    *out = recall(catalog, name);
    return *out ? OBS_OK : obs__definition_newest(out, catalog, name, error);
}

obs_status obs__definition_newest(obs__definition **out, obs_catalog *catalog, const char *name, obs_error *error)
{
    obs_status status = obs__definition_get(out, catalog, name, error);
    if (status == OBS_OK)
        obs__definition_free(atomic_exchange(place_of(catalog, name), obs__definition_retain(*out)));
    return status;
}

void obs__definitions_forget(obs_catalog *catalog)
{
    for (size_t i = 0; i < OBS__KNOWN; i++)
        obs__definition_free(atomic_exchange(&catalog->known[i], NULL));
}

typedef struct newest_effect {
    obs__effect effect;
    obs__definition *definition; /* held */
} newest_effect;

static int is_newest(sqlite3_stmt *row, const obs__definition *definition)
{
    return sqlite3_column_int64(row, 0) == definition->version && sqlite3_column_bytes(row, 1) == OBS__SHA256_SIZE &&
           memcmp(sqlite3_column_blob(row, 1), definition->sha256, OBS__SHA256_SIZE) == 0;
}

static obs_status newest_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "SELECT version, sha256 FROM definition WHERE name = ?1 ORDER BY version DESC LIMIT 1";
    const obs__definition *definition = ((newest_effect *)effect)->definition;
    sqlite3_stmt *row;
    obs_status status = obs__txn_statement(&row, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(row, 1, definition->name, -1, SQLITE_STATIC);
    int code = sqlite3_step(row);
    int same = code == SQLITE_ROW && is_newest(row, definition);
    sqlite3_reset(row);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the data definitions");
    if (!same)
        return obs__fail(error, OBS__OUTDATED, "there is a newer version of the data definition '%s'", definition->name);
    return OBS_OK;
}

static void newest_free(obs__effect *effect)
{
    obs__definition_free(((newest_effect *)effect)->definition);
    obs__free(effect);
}

obs_status obs__definition_must_be_newest(obs__effects *effects, obs__definition *definition, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = newest_apply, .free = newest_free, .repeatable = 1};
    newest_effect *made = obs__calloc(1, sizeof *made);
    if (!made)
        return obs__fail_memory(error);
    made->effect.ops = &ops;
    made->definition = obs__definition_retain(definition);
    obs__effects_add(effects, &made->effect);
    return OBS_OK;
}
