/**
 * @file audit.h
 * The audit trail: who did what to what, when, and with what outcome.
 *
 * Every call leaves a record. Changes and refusals are recorded in the same commit as what they record; reads within a second.
 *
 * @code
 * obs_audit_options options;
 * obs_audit_options_init(&options, sizeof options);
 * options.subject = "user:ada";
 * obs_audit_query(&rows, obs_client_audit(client), &options, &error);
 * @endcode
 *
 * Each row: `{"id":…,"time":…,"tenant":…,"class":"change"|"read"|"refusal"|…,"action":"store.put","status":"OK","subject":…,
 * "object":…,"client":…,"trace":…,"bytes":…,"count":…,"leaf":…}`. A personal field that was erased is null. The oldest row may
 * have a member `"sealed":<n>`: the n first records of the tenant, it the last of them, can be proved only.
 *
 * @defgroup audit Audit trail
 * @{
 */
#ifndef OBS_AUDIT_H
#define OBS_AUDIT_H

#include <obs/buffer.h>
#include <obs/call.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The audit trail of a tenant. Safe from every thread. */
typedef struct obs_audit obs_audit;

/** Which records are wanted; all conditions must hold. */
typedef struct obs_audit_options {
    size_t size;          /**< sizeof(obs_audit_options), by obs_audit_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *subject;  /**< Only by this subject, as in `user:ada`; NULL: all. */
    const char *object;   /**< Only about this object; a final `*` means any ending; NULL: all. */
    const char *action;   /**< Only this action; a final `*` means any ending; NULL: all. */
    const char *trace;    /**< Only this trace id (32 hexadecimal digits); NULL: all. */
    const char *since;    /**< Only from this time on (RFC 3339 or a date); NULL: all. */
    const char *until;    /**< Only before this time; NULL: all. */
    const char *after;    /**< obs_rows_position() of the question before, or NULL. */
    size_t limit;         /**< At most so many rows; 0: no limit. */
} obs_audit_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_audit_options_init(obs_audit_options *options, size_t size);

/**
 * Asks for audit records, oldest first. The question is itself recorded. On a full disk the newest reads come once there is
 * space again.
 * @param out     receives the rows; free with obs_rows_free()
 * @param audit   the audit trail
 * @param options NULL for all
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT for a time that cannot be read
 */
OBS_API obs_status obs_audit_query(obs_rows **out, obs_audit *audit, const obs_audit_options *options, obs_error *error);

/**
 * Moves what all tenants committed into the one log of the workspace and signs a checkpoint (RFC 6962, C2SP tlog-checkpoint),
 * as the keeper thread does every 10 seconds or 1,000 records.
 * @param audit the audit trail
 * @param call  how the call is made, or NULL
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_DATA_LOSS when the log is older than its anchor: it must not go on and say two things;
 *         ::OBS_PERMISSION_DENIED where the key belongs to another account
 */
OBS_API obs_status obs_audit_sequence(obs_audit *audit, const obs_call *call, obs_error *error);

/** How the log is verified. */
typedef struct obs_audit_verify_options {
    size_t size;            /**< sizeof(obs_audit_verify_options), by obs_audit_verify_options_init(). */
    const obs_call *call;   /**< How the call is made, or NULL. */
    const char *checkpoint; /**< A checkpoint that was kept elsewhere, as an anchor; or NULL. */
    size_t checkpoint_size; /**< Its size in bytes, or ::OBS_TEXT. */
    const char *key;    /**< The verifier key `name+hash+base64`; NULL: the caller's own copy. An auditor who is not the account
                             gives it once; it is kept, and so is the checkpoint of each log that held, as an anchor. */
    int32_t unanchored; /**< 1: fine without an outside anchor: an end that was cut off is then not seen. */
} obs_audit_verify_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_audit_verify_options_init(obs_audit_verify_options *options, size_t size);

/**
 * Verifies every record, tile, checkpoint and index row, and that the log goes on from each outside anchor.
 * @param out     receives `{"records":…,"verified":…,"root":…,"anchor":…,"anchored":…,"unsequenced":…,"sealed":…,
 *                "erased":…,"gaps":…,"rows":…,"problems":[{"index":…,"tenant":…,"what":…}]}`, also when the answer is no;
 * `rows` is false where the caller may read the log but no tenant's database to compare with; free with obs_buffer_free()
 * @param audit   the audit trail
 * @param options NULL for the defaults
 * @param error   may be NULL; names the first bad record
 * @return ::OBS_OK; ::OBS_DATA_LOSS for any alteration; ::OBS_FAILED_PRECONDITION without an outside anchor
 */
OBS_API obs_status obs_audit_verify(obs_buffer **out, obs_audit *audit, const obs_audit_verify_options *options,
                                    obs_error *error);

/**
 * A proof that a record stands in the log, for anybody to check offline (C2SP tlog-proof).
 * @param out   receives the proof, a text; free with obs_buffer_free()
 * @param audit the audit trail
 * @param id    the record's id
 * @param clear 1: with the clear values and salts of its personal fields, unless it is sealed; 0: with the commitments only
 * @param call  how the call is made, or NULL
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_UNAVAILABLE while it is in no checkpoint yet
 */
OBS_API obs_status obs_audit_prove(obs_buffer **out, obs_audit *audit, const char *id, int32_t clear, const obs_call *call,
                                   obs_error *error);

/**
 * Checks a proof. Needs no workspace, no client and no network.
 * @param out   receives the record as JSON; free with obs_buffer_free()
 * @param proof the proof
 * @param size  its size in bytes, or ::OBS_TEXT
 * @param key   the log's verifier key `name+hash+base64`
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_DATA_LOSS when it does not hold; ::OBS_INVALID_ARGUMENT when it cannot be read
 */
OBS_API obs_status obs_audit_check_proof(obs_buffer **out, const char *proof, size_t size, const char *key, obs_error *error);

/** The log's verifier key. @param out receives the line; free with obs_buffer_free() @param audit the audit trail
 * @param error may be NULL @return ::OBS_OK; ::OBS_NOT_FOUND before the first checkpoint */
OBS_API obs_status obs_audit_key(obs_buffer **out, obs_audit *audit, obs_error *error);

/**
 * Removes what names a person: the clear values and salts of a subject, as subject, as actor, and in what was recorded about
 * it. Every leaf, and with it every proof, stays as it is. Is itself recorded.
 * @param count   receives how many records were changed; may be NULL
 * @param audit   the audit trail
 * @param subject whom, as in `user:ada`
 * @param call    how the call is made, or NULL
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_PERMISSION_DENIED
 */
OBS_API obs_status obs_audit_erase(uint64_t *count, obs_audit *audit, const char *subject, const obs_call *call,
                                   obs_error *error);

/**
 * What the policy is: `{"change":"fail-closed","refusal":"fail-closed","login":…,"grant":…,"read":"fail-open","config":…,
 * "retention_days":…,"reserve_bytes":…}`. So many bytes of the disk, at most a 16th of it, are set aside for the records of
 * what frees space or repairs when it is full; 0: none.
 * @param out   receives the JSON; free with obs_buffer_free() @param audit the audit trail @param error may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_audit_policy(obs_buffer **out, obs_audit *audit, obs_error *error);

/**
 * Changes the policy: for an auditor, never for an operator. Is itself recorded, with what was before.
 * @param audit  the audit trail
 * @param policy a JSON object with what is to change
 * @param size   its size in bytes, or ::OBS_TEXT
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_PERMISSION_DENIED; ::OBS_INVALID_ARGUMENT; ::OBS_NO_SPACE when a larger reserve would fill the disk
 */
OBS_API obs_status obs_audit_policy_set(obs_audit *audit, const char *policy, size_t size, const obs_call *call,
                                        obs_error *error);

/**
 * Seals what is older than the `retention_days` of the policy (0: nothing is), whole bundles of 256 records from the beginning
 * of the log on: they are compressed, query rows and clear values of all tenants removed. Hashes stay, so that everything is
 * still verified and provable, by commitments only. The whole log is verified first. Is itself recorded; called again, it goes
 * on where it was cut off. On a sealed record a query says no more than that, as the member `sealed` of the last one of them.
 * @param count receives how many records were sealed now; may be NULL
 * @param audit the audit trail
 * @param call  how the call is made, or NULL
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_PERMISSION_DENIED; ::OBS_DATA_LOSS when the log does not verify, ::OBS_FAILED_PRECONDITION without an
 *         outside anchor: then nothing was sealed
 */
OBS_API obs_status obs_audit_seal(uint64_t *count, obs_audit *audit, const obs_call *call, obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
