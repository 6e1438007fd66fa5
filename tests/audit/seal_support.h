/* What the tests of sealing share: a log of which 700 records are old, sealing it, and what is to be seen then. */
#ifndef OBS_TESTS_AUDIT_SEAL_SUPPORT_H
#define OBS_TESTS_AUDIT_SEAL_SUPPORT_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/log_fixture.h"
#include "audit/seal.h"
#include "audit/sealed.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "support.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

static obs_error error;
static obs__sequenced done;
static obs__verified found;
static obs_cancel *cancel;

/* ---- A log, and sealing it. ---- */

static inline void open_all(log_fixture *fixture)
{
    log_tenant(fixture, "default");
    log_tenant(fixture, "past");
    log_tenant(fixture, "sky");
}

/* 1,000 records: those of `past` and the first ones of the others, 700 together, are 40 days old. */
static inline void make_log(log_fixture *fixture)
{
    log_open(fixture, test_folder());
    open_all(fixture);
    fixture->age_ns = 40 * DAY_NS;
    log_commit(fixture, "default", 200);
    log_commit(fixture, "past", 100);
    ck_assert_ok(log_sequence(fixture, &done, &error));
    log_commit(fixture, "sky", 400);
    ck_assert_ok(log_sequence(fixture, &done, &error));
    fixture->age_ns = 0;
    log_commit(fixture, "default", 150);
    log_commit(fixture, "sky", 150);
    ck_assert_ok(log_sequence(fixture, &done, &error));
    ck_assert_uint_eq(done.size, 1000);
}

static inline obs_status record(void *user, uint64_t first, uint64_t end, obs_error *failed)
{
    log_fixture *fixture = user;
    obs__effects effects = {0};
    obs__limit limit = obs__limit_in(20000, NULL);
    obs__audit_record seal = {.time_ns = obs__now_ns(), .kind = "change", .action = OBS__SEAL_ACTION, .count = end};
    ck_assert_uint_lt(first, end);
    obs_status status = obs__audit_effect(&effects, "default", &seal, failed);
    if (status == OBS_OK)
        status = obs__journal_commit(fixture->journals[0], &effects, &limit, failed);
    obs__effects_free(&effects);
    return status;
}

static inline obs_status seal_with(log_fixture *fixture, int days, uint64_t *count, void (*step)(const char *name))
{
    static obs__gate_ops nothing;
    obs__gate gate = {.ops = &nothing};
    obs__scope scope = {.gate = &gate, .limit = obs__limit_in(60000, cancel)};
    obs__seal_options options = {.place = &fixture->place,
                                 .tenants = &fixture->tenants,
                                 .scope = &scope,
                                 .before_ns = obs__now_ns() - days * DAY_NS,
                                 .record = record,
                                 .user = fixture,
                                 .step = step};
    return obs__audit_seal_log(count, &options, &error);
}

static inline void seal(log_fixture *fixture, int days, uint64_t wanted)
{
    uint64_t count;
    ck_assert_ok(seal_with(fixture, days, &count, NULL));
    ck_assert_uint_eq(count, wanted);
}

static inline void make_sealed(log_fixture *fixture)
{
    make_log(fixture);
    seal(fixture, 30, 512);
}

static inline obs_status verify(log_fixture *fixture, int with_rows)
{
    obs__verify_options options = {.place = &fixture->place, .tenants = with_rows ? &fixture->tenants : NULL};
    return obs__audit_verify(&found, &options, &error);
}

static inline void sound(log_fixture *fixture, uint64_t sealed)
{
    ck_assert_ok(verify(fixture, 0));
    ck_assert_ok(verify(fixture, 1));
    ck_assert_uint_eq(found.sealed, sealed);
    ck_assert_uint_eq(found.verified, found.size);
}

static inline const obs__finding *refused(log_fixture *fixture, int with_rows)
{
    obs_status status = verify(fixture, with_rows);
    ck_assert_msg(status == OBS_DATA_LOSS, "%s: %s", obs_status_name(status), error.message);
    ck_assert_uint_gt(found.count, 0);
    return &found.findings[0];
}

static inline void refused_as(log_fixture *fixture, int with_rows, obs__damage damage, uint64_t index)
{
    const obs__finding *first = refused(fixture, with_rows);
    ck_assert_msg(first->damage == damage && first->index == index, "%s", error.message);
}

/* ---- What is in the databases and files. ---- */

static inline int64_t number(const log_fixture *fixture, const char *tenant, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    char name[80];
    snprintf(name, sizeof name, "tenants/%s/tenant.db", tenant);
    ck_assert_int_eq(sqlite3_open(log_file(fixture, name), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

static inline int has(const log_fixture *fixture, const char *name)
{
    return access(log_file(fixture, name), F_OK) == 0;
}

static inline const char *entries(const log_fixture *fixture, const char *name)
{
    return test_path(log_file(fixture, "audit/log/tile/entries"), name);
}

/* The rows of the first 512 records are gone but for each tenant's last leaf. */
static inline void expect_sealed(const log_fixture *fixture)
{
    ck_assert(has(fixture, "audit/log/tile/entries/000.zst") && !has(fixture, "audit/log/tile/entries/000"));
    ck_assert(has(fixture, "audit/log/tile/entries/001.zst") && !has(fixture, "audit/log/tile/entries/001"));
    ck_assert(has(fixture, "audit/log/tile/entries/002") && !has(fixture, "audit/log/tile/entries/002.zst"));
    ck_assert(has(fixture, "audit/log/tile/0/000"));
    ck_assert_int_eq(number(fixture, "default", "SELECT min(seq) FROM audit_leaf"), 200);
    ck_assert_int_eq(number(fixture, "default", "SELECT min(seq) FROM audit_clear"), 201);
    ck_assert_int_eq(number(fixture, "past", "SELECT min(seq) FROM audit_leaf"), 100);
    ck_assert_int_eq(number(fixture, "past", "SELECT count(*) FROM audit_leaf"), 1);
    ck_assert_int_eq(number(fixture, "past", "SELECT count(*) FROM audit_clear"), 0);
    ck_assert_int_eq(number(fixture, "past", "SELECT count(*) FROM subject"), 0);
    ck_assert_int_eq(number(fixture, "sky", "SELECT min(seq) FROM audit_leaf"), 212);
    ck_assert_int_eq(number(fixture, "sky", "SELECT min(seq) FROM audit_clear"), 213);
    ck_assert_int_eq(number(fixture, "sky", "SELECT count(*) FROM subject"), 1);
}

static inline int has_bytes(const log_fixture *fixture, const char *tenant, const char *wanted)
{
    static const char *const names[] = {"tenant.db", "tenant.db-wal"};
    int count = 0;
    for (size_t i = 0; i < 2; i++) {
        char name[80];
        size_t size;
        snprintf(name, sizeof name, "tenants/%s/%s", tenant, names[i]);
        if (!has(fixture, name))
            continue;
        char *data = test_read(log_file(fixture, name), &size);
        count += memmem(data, size, wanted, strlen(wanted)) != NULL;
        free(data);
    }
    return count;
}

#endif
