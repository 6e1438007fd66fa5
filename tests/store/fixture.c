#include "store/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

obs_error error = {.size = sizeof error};

static test_space *space_of(obs__gate *gate)
{
    return (test_space *)gate;
}

static obs_status enter(obs__scope *scope, const obs_call *call, obs_error *fault)
{
    (void)call, (void)fault;
    scope->subject = "tester";
    return OBS_OK;
}

static obs_status record(obs__scope *scope, obs__effects *effects, obs_error *fault)
{
    (void)effects, (void)fault;
    atomic_fetch_add(&space_of(scope->gate)->recorded, 1);
    return OBS_OK;
}

static obs_status entry(obs__scope *scope, const obs__entry *what, obs__effects *effects, obs_error *fault)
{
    (void)what, (void)effects, (void)fault;
    atomic_fetch_add(&space_of(scope->gate)->entries, 1);
    return OBS_OK;
}

static obs_status forget(obs__scope *scope, obs__view key, obs__effects *effects, obs_error *fault)
{
    (void)key, (void)effects, (void)fault;
    atomic_fetch_add(&space_of(scope->gate)->forgotten, 1);
    return OBS_OK;
}

static void leave(obs__scope *scope, obs_status status)
{
    (void)scope, (void)status;
}

static obs__gate *retain(obs__gate *gate)
{
    atomic_fetch_add(&space_of(gate)->holders, 1);
    return gate;
}

static void release(obs__gate *gate)
{
    if (atomic_fetch_sub(&space_of(gate)->holders, 1) != 1)
        return;
    obs__journal_free(gate->journal);
    free(gate);
}

static const obs__gate_ops ops = {enter, record, entry, forget, NULL, leave, retain, release, NULL, NULL, NULL, NULL, NULL};

static obs_status recover(void *user, obs__txn *txn, obs_error *fault)
{
    return obs__store_recover(user, txn, fault);
}

test_space *space_open(const char *folder, const char *tenant)
{
    static const char *const schemas[] = {obs__store_schema, NULL};
    obs__limit limit = obs__limit_in(30000, NULL);
    const char *tenants = test_path(folder, "tenants");
    const char *place = test_path(tenants, tenant);
    mkdir(tenants, 0777);
    mkdir(place, 0777);
    obs__journal_options options = {.folder = place, .schemas = schemas, .create = 1, .recover = recover};
    options.user = (void *)(uintptr_t)folder;
    test_space *space = calloc(1, sizeof *space);
    ck_assert_ptr_nonnull(space);
    space->gate = (obs__gate){.ops = &ops, .tenant = tenant, .workspace = folder};
    atomic_init(&space->holders, 1);
    ck_assert_ok(obs__journal_open(&space->gate.journal, &options, &limit, &error));
    return space;
}

void space_close(test_space *space)
{
    release(&space->gate);
}

obs_store *space_store_immutable(test_space *space, const char *url, const char *prefix)
{
    const char *const prefixes[] = {prefix, NULL};
    const obs__store_options options = {.url = url, .immutable = prefixes, .is_workspace = strcmp(url, "file:store") == 0};
    obs_store *store = NULL;
    ck_assert_ok(obs__store_open(&store, &space->gate, &options, &error));
    return store;
}

obs_store *space_store(test_space *space, const char *url)
{
    return space_store_immutable(space, url, NULL);
}

void put_text(obs_store *store, const char *key, const char *text)
{
    ck_assert_ok(obs_store_put(NULL, store, key, OBS_TEXT, text, strlen(text), NULL, &error));
}

char *get_text(obs_store *store, const char *key)
{
    obs_buffer *buffer = NULL;
    if (obs_store_get(&buffer, store, key, OBS_TEXT, NULL, &error) == OBS_NOT_FOUND)
        return NULL;
    ck_assert_msg(error.status == OBS_OK, "%s", error.message);
    char *text = strdup(obs_buffer_data(buffer));
    obs_buffer_free(buffer);
    return text;
}

char *list_text(obs_store *store, const char *prefix, const char *delimiter, size_t limit)
{
    obs_list_options options;
    char *after = strdup("");
    char *all = calloc(1, 1 << 20);
    obs_list_options_init(&options, sizeof options);
    options.delimiter = delimiter;
    options.limit = limit;
    do {
        obs_page *page = NULL;
        options.after = after;
        ck_assert_ok(obs_store_list(&page, store, prefix, &options, &error));
        for (size_t i = 0; i < obs_page_count(page); i++) {
            strcat(all, *all ? " " : "");
            strcat(all, obs_page_at(page, i)->key);
        }
        free(after);
        after = strdup(obs_page_next(page));
        obs_page_free(page);
    } while (*after);
    free(after);
    return all;
}

obs_status space_commit(test_space *space, obs__effects *effects)
{
    obs__limit limit = obs__limit_in(30000, NULL);
    obs_status status = obs__journal_commit(space->gate.journal, effects, &limit, &error);
    obs__effects_free(effects);
    return status;
}

char *make_bytes(size_t size, unsigned seed)
{
    char *bytes = malloc(size + 1);
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (char)(state >> 56);
    }
    return bytes;
}
