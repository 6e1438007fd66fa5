/* The public search. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "catalog/handle.h"
#include "catalog/paged.h"
#include "catalog/scan.h"

typedef struct found_rows {
    obs__paged paged;
    obs__query query;
} found_rows;

void obs_search_options_init(obs_search_options *options, size_t size)
{
    if (!options || size < sizeof options->size)
        return;
    memset(options, 0, size);
    options->size = size;
}

static obs_status scan(obs__paged *paged, const obs__limit *limit, obs_error *error)
{
    return obs__scan(&paged->page, &((found_rows *)paged)->query, paged->gate->journal, limit, error);
}

static void done(obs__paged *paged)
{
    obs__query_free(&((found_rows *)paged)->query);
}

static obs_status new_rows(found_rows **out, obs_catalog *catalog, const char *query, const obs_search_options *options,
                           obs_error *error)
{
    found_rows *found = obs__calloc(1, sizeof *found);
    if (!found)
        return obs__fail_memory(error);
    found->paged.scan = scan;
    found->paged.done = done;
    obs_status status = obs__paged_begin(&found->paged, catalog->gate, 'e', options->after, options->limit, error);
    if (status == OBS_OK)
        status = obs__query_parse(&found->query, query, error);
    if (status == OBS_OK)
        *out = found;
    else
        obs__paged_free(&found->paged);
    return status;
}

obs_status obs_catalog_search(obs_rows **out, obs_catalog *catalog, const char *query, const obs_search_options *options,
                              obs_error *error)
{
    obs_search_options wanted = {.size = sizeof wanted};
    found_rows *found = NULL;
    obs__scope scope;
    if (!out || !catalog)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and a catalog are required");
    *out = NULL;
    if (options)
        memcpy(&wanted, options, options->size < sizeof wanted ? options->size : sizeof wanted);
    obs_status status = new_rows(&found, catalog, query, &wanted, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, catalog->gate, OBS__READ, "catalog.search", "", 0, wanted.call, error);
    if (status == OBS_OK)
        status = obs__gate_leave(&scope, obs__paged_first(&found->paged, &scope.limit, error), error);
    if (status == OBS_OK)
        *out = &found->paged.rows;
    else
        obs__paged_free(&found->paged);
    return status;
}
