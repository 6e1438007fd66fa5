/* What the tests of verifying share: one log of two tenants, and what was found in it. */
#ifndef TESTS_AUDIT_VERIFYING_H
#define TESTS_AUDIT_VERIFYING_H

#include "audit/log_fixture.h"
#include "audit/verify.h"

extern obs_error error;
extern obs__sequenced done;
extern obs__verified found;

void open_all(log_fixture *fixture);
/* 1,100 records of two tenants in several rounds: full and partial tiles of two levels. */
void make_log(log_fixture *fixture);
obs_status verify(log_fixture *fixture, int with_rows);
const obs__finding *first(void);
/* Verifying fails, and its first finding is this. */
void found_as(log_fixture *fixture, obs__damage damage, uint64_t index);

#endif
