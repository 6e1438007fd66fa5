/* What the tests of the audit trail share: a gate with a journal and a trail, and questions. */
#ifndef OBS_TESTS_TRAIL_SUPPORT_H
#define OBS_TESTS_TRAIL_SUPPORT_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "audit/audit.h"
#include "base/span.h"
#include "support.h"

static obs_error error;
static const obs__limit patient = {INT64_MAX, NULL};

/* A gate that allows everything and notes reads. */
struct fixture {
    obs__gate gate;
    obs_audit *audit;
    atomic_int holders;
};

static inline obs_status enter(obs__scope *scope, const obs_call *call, obs_error *failed)
{
    (void)call, (void)failed;
    obs__trace_begin(scope->traceparent, scope->parent_id, NULL);
    scope->subject = "user:ada";
    return OBS_OK;
}

static inline void leave(obs__scope *scope, obs_status status)
{
    obs__audit_record record = {.kind = "read",
                                .action = scope->action,
                                .status = status,
                                .subject = scope->subject,
                                .object = scope->object,
                                .client = "test",
                                .count = 1};
    obs__audit_note(((struct fixture *)scope->gate)->audit, &record);
}

static inline obs__gate *retain(obs__gate *gate)
{
    atomic_fetch_add(&((struct fixture *)gate)->holders, 1);
    return gate;
}

static inline void release(obs__gate *gate)
{
    atomic_fetch_sub(&((struct fixture *)gate)->holders, 1);
}

static const obs__gate_ops ops = {.enter = enter, .leave = leave, .retain = retain, .free = release};

static inline void open_fixture_in(struct fixture *out, const char *folder)
{
    const char *schemas[] = {obs__audit_schema, NULL};
    obs__journal_options options = {.folder = folder, .schemas = schemas, .create = 1};
    obs__limit limit = obs__limit_in(120000, NULL);
    *out = (struct fixture){.gate = {.ops = &ops, .tenant = "sky", .workspace = folder}};
    ck_assert_ok(obs__journal_open(&out->gate.journal, &options, &limit, &error));
    ck_assert_ok(obs__audit_open(&out->audit, &out->gate, &error));
}

/* Returns the path of the database. */
static inline const char *open_fixture(struct fixture *out)
{
    const char *folder = test_folder();
    open_fixture_in(out, folder);
    return test_path(folder, "tenant.db");
}

static inline void close_fixture(struct fixture *fixture)
{
    obs__audit_free(fixture->audit);
    obs__journal_free(fixture->gate.journal);
    ck_assert_int_eq(atomic_load(&fixture->holders), 0);
}

static inline const char *text_of(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

/* Adds up what the rows say; returns how many there are. */
static inline size_t sum_of(struct fixture *fixture, const obs_audit_options *options, int64_t *count, int64_t *bytes)
{
    obs_rows *rows;
    const char *text;
    size_t found = 0;
    *count = *bytes = 0;
    ck_assert_ok(obs_audit_query(&rows, fixture->audit, options, &error));
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        json_t *row = json_loads(text, 0, NULL);
        if (!strcmp(text_of(row, "action"), "store.get") || !strcmp(text_of(row, "action"), "audit.lost")) {
            *count += json_integer_value(json_object_get(row, "count"));
            *bytes += json_integer_value(json_object_get(row, "bytes"));
            found++;
        }
        json_decref(row);
    }
    obs_rows_free(rows);
    return found;
}

#endif
