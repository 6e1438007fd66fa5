/* Proof files: made for every kind of place, checked with nothing but the key, and refused with any byte changed. */
#include "audit/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/log_fixture.h"
#include "base/clock.h"
#include "support.h"

static obs_error error;
static obs__sequenced done;
static obs__verifier key;

static void make_log(log_fixture *fixture)
{
    log_open(fixture, test_folder());
    log_tenant(fixture, "default");
    log_tenant(fixture, "sky");
    log_commit(fixture, "default", 300);
    log_commit(fixture, "sky", 300);
    ck_assert_ok(log_sequence(fixture, &done, &error));
    log_commit(fixture, "sky", 11);
    ck_assert_ok(log_sequence(fixture, &done, &error));
    ck_assert_ok(obs__log_key(&key, &fixture->place, &error));
}

static obs_status check(const obs__builder *proof, obs__builder *out)
{
    obs__builder_init(out, OBS__PROOF_MAX);
    return obs__proof_check(out, (obs__view){proof->data, proof->size}, &key, &error);
}

START_TEST(every_record_is_proved)
{
    log_fixture fixture;
    obs__builder proof, record;
    make_log(&fixture);
    for (uint64_t i = 0; i < 611; i++) {
        char member[32];
        obs__builder_init(&proof, OBS__PROOF_MAX);
        ck_assert_ok(obs__proof_make(&proof, &fixture.place, i, (obs__view){"", 0}, &error));
        ck_assert_ok(check(&proof, &record));
        snprintf(member, sizeof member, "\"index\":%d,", (int)i);
        ck_assert_ptr_nonnull(strstr(record.data, member));
        ck_assert_ptr_nonnull(strstr(record.data, "\"subject\":null"));
        ck_assert_ptr_nonnull(strstr(record.data, i < 300 ? "\"tenant\":\"default\"" : "\"tenant\":\"sky\""));
        obs__builder_free(&proof);
        obs__builder_free(&record);
    }
    obs__builder_init(&proof, OBS__PROOF_MAX);
    ck_assert_int_eq(obs__proof_make(&proof, &fixture.place, 611, (obs__view){"", 0}, &error), OBS_NOT_FOUND);
    obs__builder_free(&proof);
    log_close(&fixture);
}
END_TEST

/* By tenant and number, with what it commits to. */
static void prove(log_fixture *fixture, obs__builder *proof, size_t tenant, uint64_t seq)
{
    uint64_t index;
    obs__builder opening;
    obs__builder_init(&opening, OBS__PROOF_MAX);
    obs__builder_init(proof, OBS__PROOF_MAX);
    ck_assert_ok(obs__proof_opening(&opening, fixture->journals[tenant], seq, &error));
    ck_assert_ok(obs__proof_place(&index, &fixture->place, fixture->names[tenant], seq, &error));
    ck_assert_ok(obs__proof_make(proof, &fixture->place, index, (obs__view){opening.data, opening.size}, &error));
    obs__builder_free(&opening);
}

START_TEST(clear_values_are_shown_and_checked)
{
    log_fixture fixture;
    obs__builder proof, record;
    make_log(&fixture);
    prove(&fixture, &proof, 1, 305);
    ck_assert_ok(check(&proof, &record));
    ck_assert_ptr_nonnull(
        strstr(record.data, "\"subject\":\"user:sky\",\"actor\":null,\"object\":\"raw/4\",\"client\":\"test\""));
    ck_assert_ptr_nonnull(strstr(record.data, "\"index\":604,\"size\":611,"));
    obs__builder_free(&record);
    obs__builder_free(&proof);
    log_close(&fixture);
}
END_TEST

/* An old proof holds after the log went on, and after its values were erased. */
START_TEST(a_proof_holds_for_ever)
{
    log_fixture fixture;
    obs__builder proof, record, opening;
    make_log(&fixture);
    prove(&fixture, &proof, 1, 17);
    log_commit(&fixture, "sky", 500);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_close(&fixture);
    log_sql(fixture.workspace, "sky",
            "UPDATE audit_clear SET subject_salt = NULL, object = NULL, object_salt = NULL, client = NULL, client_salt = NULL;"
            "DELETE FROM subject");
    ck_assert_ok(check(&proof, &record));
    obs__builder_free(&record);
    obs__builder_free(&proof);
    log_tenant(&fixture, "default");
    log_tenant(&fixture, "sky");
    obs__builder_init(&opening, OBS__PROOF_MAX);
    ck_assert_ok(obs__proof_opening(&opening, fixture.journals[1], 17, &error));
    ck_assert_str_eq(opening.data, "{}");
    obs__builder_free(&opening);
    log_close(&fixture);
    log_sql(fixture.workspace, "default", "UPDATE audit_clear SET object = 'other' WHERE seq = 3");
    log_tenant(&fixture, "default");
    obs__builder_init(&opening, OBS__PROOF_MAX);
    ck_assert_int_eq(obs__proof_opening(&opening, fixture.journals[0], 3, &error), OBS_DATA_LOSS);
    obs__builder_free(&opening);
    log_close(&fixture);
}
END_TEST

START_TEST(a_record_is_found_by_its_id)
{
    log_fixture fixture;
    obs__builder proof, record;
    uint64_t seq;
    char id[OBS__UUID_SIZE];
    make_log(&fixture);
    prove(&fixture, &proof, 1, 123);
    ck_assert_ok(check(&proof, &record));
    snprintf(id, sizeof id, "%.36s", strstr(record.data, "\"id\":\"") + 6);
    ck_assert_ok(obs__proof_find(&seq, fixture.journals[1], id, &error));
    ck_assert_uint_eq(seq, 123);
    ck_assert_int_eq(obs__proof_find(&seq, fixture.journals[0], id, &error), OBS_NOT_FOUND);
    ck_assert_int_eq(obs__proof_find(&seq, fixture.journals[0], "no id", &error), OBS_NOT_FOUND);
    obs__builder_free(&record);
    obs__builder_free(&proof);
    log_close(&fixture);
}
END_TEST

START_TEST(no_changed_byte_passes)
{
    log_fixture fixture;
    obs__builder proof, record, record_before;
    obs__verifier other = {0};
    make_log(&fixture);
    prove(&fixture, &proof, 0, 299);
    ck_assert_ok(check(&proof, &record_before));
    for (size_t i = 0; i < proof.size; i++) {
        char was = proof.data[i];
        proof.data[i] = (char)(was ^ 1 << i % 7);
        obs_status status = check(&proof, &record);
        ck_assert_msg(status == OBS_DATA_LOSS || status == OBS_INVALID_ARGUMENT, "byte %zu: %s", i, obs_status_name(status));
        obs__builder_free(&record);
        proof.data[i] = was;
    }
    for (size_t size = 0; size < proof.size; size += 7) {
        obs__builder_init(&record, OBS__PROOF_MAX);
        ck_assert_int_ne(obs__proof_check(&record, (obs__view){proof.data, size}, &key, &error), OBS_OK);
        obs__builder_free(&record);
    }
    obs__signer *stranger;
    ck_assert_ok(obs__signer_new(&stranger, key.name, OBS__KEY_LOG, &error));
    other = *obs__signer_verifier(stranger);
    obs__builder_init(&record, OBS__PROOF_MAX);
    ck_assert_int_eq(obs__proof_check(&record, (obs__view){proof.data, proof.size}, &other, &error), OBS_DATA_LOSS);
    obs__builder_free(&record);
    obs__signer_free(stranger);
    obs__builder_free(&record_before);
    obs__builder_free(&proof);
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_record_is_proved, clear_values_are_shown_and_checked, a_proof_holds_for_ever,
                                  a_record_is_found_by_its_id, no_changed_byte_passes};
    obs_error_init(&error, sizeof error);
    return test_main("proof", tests, sizeof tests / sizeof tests[0]);
}
