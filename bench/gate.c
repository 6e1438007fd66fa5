#include "gate.h"

#include "base/error.h"
#include "bench.h"

static obs_status enter(obs__scope *scope, const obs_call *call, obs_error *error)
{
    (void)scope, (void)call, (void)error;
    return OBS_OK;
}

static obs_status record(obs__scope *scope, obs__effects *effects, obs_error *error)
{
    (void)scope, (void)effects, (void)error;
    return OBS_OK;
}

static void leave(obs__scope *scope, obs_status status)
{
    (void)scope, (void)status;
}

static obs__gate *retain(obs__gate *gate)
{
    return gate;
}

static void release(obs__gate *gate)
{
    (void)gate;
}

static const obs__gate_ops open_ops = {.enter = enter, .record = record, .leave = leave, .retain = retain, .free = release};

obs_catalog *bench_catalog(obs__gate *gate, const char *folder, int create)
{
    static const char *const schemas[] = {obs__catalog_schema, NULL};
    obs_catalog *catalog;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs__limit none = obs__limit_in(-1, NULL);
    obs__journal_options options = {.folder = folder, .schemas = schemas, .create = create};
    *gate = (obs__gate){.ops = &open_ops, .tenant = "bench", .workspace = folder};
    if (obs__journal_open(&gate->journal, &options, &none, &error) != OBS_OK ||
        obs__catalog_open(&catalog, gate, &error) != OBS_OK)
        bench_die("open", &error);
    return catalog;
}
