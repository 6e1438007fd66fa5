/* The public side of the log: bringing it up to date, verifying it, its key. */
#include <string.h>

#include "audit/seen.h"
#include "audit/trail.h"
#include "audit/verify.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/log.h"

#define REPORT_MAX 65536

void obs_audit_verify_options_init(obs_audit_verify_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

/* ---- Sequence. ---- */

static obs_status sequence(obs_audit *audit, const obs__limit *limit, obs_error *error)
{
    obs__schedule *log;
    obs__sequenced done;
    obs_status status = obs__audit_need_log(&log, audit, error);
    if (status == OBS_OK)
        status = obs__audit_flush(audit, limit, error);
    return status == OBS_OK ? obs__schedule_now(&done, log, limit, error) : status;
}

obs_status obs_audit_sequence(obs_audit *audit, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    if (!audit)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "audit is required");
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__READ, "audit.sequence", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    do
        status = sequence(audit, &scope.limit, error);
    while (obs__gate_spare(&scope, status));
    return obs__gate_leave(&scope, status, error);
}

/* ---- Verify. ---- */

static void add_problem(obs__builder *out, const obs__finding *finding)
{
    obs__add_char(out, '{');
    if (finding->index == OBS__NO_INDEX)
        obs__add_json_member(out, "index", NULL);
    else
        obs__add_json_integer(out, "index", (int64_t)finding->index);
    obs__add_json_member(out, "tenant", *finding->tenant ? finding->tenant : NULL);
    obs__add_json_member(out, "id", *finding->id ? finding->id : NULL);
    obs__add_json_member(out, "kind", obs__damage_name(finding->damage));
    obs__add_json_member(out, "what", finding->text);
    obs__add_json_end(out);
}

static void add_report(obs__builder *out, const obs__verified *verified, int with_rows)
{
    char root[64] = "";
    obs__base64_encode(root, verified->root.bytes, sizeof verified->root.bytes);
    obs__add_char(out, '{');
    obs__add_json_integer(out, "records", (int64_t)verified->size);
    obs__add_json_integer(out, "verified", (int64_t)verified->verified);
    obs__add_json_member(out, "root", root);
    obs__add_json_member(out, "anchor", *verified->anchor ? verified->anchor : NULL);
    obs__add_json_integer(out, "anchored", (int64_t)verified->anchored);
    obs__add_json_integer(out, "unsequenced", (int64_t)verified->waiting);
    obs__add_json_integer(out, "sealed", (int64_t)verified->sealed);
    obs__add_json_integer(out, "erased", (int64_t)verified->erased);
    obs__add_json_integer(out, "gaps", (int64_t)verified->lost);
    obs__add_format(out, "\"rows\":%s,", with_rows ? "true" : "false");
    obs__add_text(out, "\"problems\":[");
    for (size_t i = 0; i < verified->count; i++) {
        if (i)
            obs__add_char(out, ',');
        add_problem(out, &verified->findings[i]);
    }
    obs__add_text(out, "]}");
}

static int has_report(obs_status status)
{
    return status == OBS_OK || status == OBS_DATA_LOSS || status == OBS_FAILED_PRECONDITION;
}

static obs_status report(obs_buffer **out, const obs__verified *verified, int with_rows, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, REPORT_MAX);
    add_report(&text, verified, with_rows);
    obs_status status = obs__builder_finish(out, &text, error);
    obs__builder_free(&text);
    return status;
}

/* What could not be remembered is missing as an anchor the next time; that this log held is true all the same. */
static void remember(const obs__schedule *log, const obs__verifier *key, const obs__verified *verified)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (obs__seen_keep(log, key, verified, &why) != OBS_OK)
        obs__log(OBS_LOG_WARNING, "audit", NULL, "the checkpoint that was verified could not be kept: %s", why.message);
}

static obs_status verify_log(obs_buffer **out, const obs__schedule *log, const obs_audit_verify_options *wanted,
                             const obs__limit *limit, obs_error *error)
{
    obs__verifier key;
    obs__verified verified;
    obs_error why;
    obs__verify_options options = {.place = obs__schedule_place(log),
                                   .key = wanted->key ? &key : NULL,
                                   .tenants = obs__schedule_tenants(log),
                                   .limit = limit,
                                   .unanchored = wanted->unanchored};
    obs_error_init(&why, sizeof why);
    if (wanted->checkpoint)
        options.checkpoint = obs__view_of(wanted->checkpoint, wanted->checkpoint_size);
    obs_status status =
        wanted->key ? obs__verifier_read(&key, obs__view_of(wanted->key, OBS_TEXT), &why) : obs__seen_need(log, error);
    if (!wanted->key && status != OBS_OK)
        return status;
    if (status == OBS_OK)
        status = obs__audit_verify(&verified, &options, &why);
    if (status == OBS_OK)
        remember(log, options.key, &verified);
    if (has_report(status) && why.status != OBS_INVALID_ARGUMENT) {
        obs_status reported = report(out, &verified, options.tenants != NULL, error);
        if (reported != OBS_OK)
            return reported;
    }
    return status == OBS_OK ? status : obs__copy_error(error, &why);
}

static obs_status verify(obs_buffer **out, obs_audit *audit, const obs_audit_verify_options *wanted, const obs__limit *limit,
                         obs_error *error)
{
    obs__schedule *log;
    obs_status status = obs__audit_need_log(&log, audit, error);
    if (status == OBS_OK)
        status = obs__audit_flush(audit, limit, error);
    return status == OBS_OK || status == OBS_NO_SPACE ? verify_log(out, log, wanted, limit, error) : status;
}

obs_status obs_audit_verify(obs_buffer **out, obs_audit *audit, const obs_audit_verify_options *options, obs_error *error)
{
    obs_audit_verify_options wanted = {0};
    obs__scope scope;
    if (!out || !audit)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and audit are required");
    *out = NULL;
    if (options)
        memcpy(&wanted, options, options->size < sizeof wanted ? options->size : sizeof wanted);
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__READ, "audit.verify", NULL, 0, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = verify(out, audit, &wanted, &scope.limit, error);
    return obs__gate_leave(&scope, status, error);
}

/* ---- Key. ---- */

static obs_status read_key(obs_buffer **out, const obs_audit *audit, obs_error *error)
{
    obs__schedule *log;
    obs__verifier key;
    obs__builder line;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__audit_need_log(&log, audit, error);
    if (status == OBS_OK)
        status = obs__seen_need(log, error);
    if (status != OBS_OK)
        return status;
    status = obs__log_key(&key, obs__schedule_place(log), &why);
    if (status == OBS_NOT_FOUND)
        return obs__fail(error, status, "the audit log has no key yet: 'obsctl audit checkpoint' begins the log");
    if (status != OBS_OK)
        return obs__copy_error(error, &why);
    obs__builder_init(&line, OBS__KEY_LINE_MAX);
    obs__verifier_add(&line, &key);
    status = obs__builder_finish(out, &line, error);
    obs__builder_free(&line);
    return status;
}

obs_status obs_audit_key(obs_buffer **out, obs_audit *audit, obs_error *error)
{
    obs__scope scope;
    if (!out || !audit)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and audit are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__READ, "audit.key", NULL, 0, NULL, error);
    if (status != OBS_OK)
        return status;
    status = read_key(out, audit, error);
    return obs__gate_leave(&scope, status, error);
}
