/* audit query verify prove check-proof checkpoint key erase seal policy */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/input.h"

#define FILE_MAX ((size_t)1 << 20)

static obs_status open_audit(ctl *ctl, obs_audit **out)
{
    obs_status status = ctl_open(ctl);
    *out = status == OBS_OK ? obs_client_audit(ctl->client) : NULL;
    return status;
}

/* Text that goes on to a file or another program, as it is. */
static void print_whole(const ctl *ctl, const char *member, obs_buffer *text)
{
    if (ctl->json)
        ctl_print_json(json_pack("{s:o}", member, ctl_text(obs_buffer_data(text))));
    else
        fwrite(obs_buffer_data(text), 1, obs_buffer_size(text), stdout);
    obs_buffer_free(text);
}

obs_status ctl_run_audit_query(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"time", "TIME", 0},     {"subject", "SUBJECT", 0}, {"action", "ACTION", 0}, {"status", "STATUS", 0},
        {"object", "OBJECT", 0}, {"count", "COUNT", 1},     {NULL, NULL, 0},
    };
    obs_audit *audit;
    obs_audit_options options;
    obs_rows *rows = NULL;
    long long limit = 0;
    obs_audit_options_init(&options, sizeof options);
    obs_status status = ctl_number(ctl, "limit", 1, 1000000000, &limit);
    options.call = &ctl->call;
    options.subject = ctl_get(ctl, "by");
    options.object = ctl_get(ctl, "object");
    options.action = ctl_get(ctl, "action");
    options.trace = ctl_get(ctl, "trace");
    options.since = ctl_get(ctl, "since");
    options.until = ctl_get(ctl, "until");
    options.after = ctl_get(ctl, "after");
    options.limit = (size_t)limit;
    if (status == OBS_OK)
        status = open_audit(ctl, &audit);
    if (status == OBS_OK)
        status = obs_audit_query(&rows, audit, &options, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

/* ---- verify ---- */

static long long number_of(const json_t *report, const char *name)
{
    return json_integer_value(json_object_get(report, name));
}

static void print_problem(const json_t *problem)
{
    const char *id = json_string_value(json_object_get(problem, "id"));
    const char *tenant = json_string_value(json_object_get(problem, "tenant"));
    const json_t *what = json_object_get(problem, "what");
    if (json_is_integer(json_object_get(problem, "index")))
        printf("record %lld", number_of(problem, "index"));
    else
        fputs("the log", stdout);
    for (int i = 0; i < 2; i++) {
        const char *more = i ? id : tenant;
        if (more) {
            putchar(' ');
            ctl_print_text(stdout, more, strlen(more));
        }
    }
    fputs(": ", stdout);
    ctl_print_text(stdout, json_string_value(what), json_string_length(what));
    putchar('\n');
}

static void print_report(const json_t *report)
{
    size_t i;
    json_t *problem;
    const json_t *anchor = json_object_get(report, "anchor");
    printf("%lld of %lld records verified", number_of(report, "verified"), number_of(report, "records"));
    if (json_is_string(anchor)) {
        printf(", %lld of them anchored by ", number_of(report, "anchored"));
        ctl_print_text(stdout, json_string_value(anchor), json_string_length(anchor));
    } else
        fputs(", none anchored", stdout);
    printf("\n%lld wait for the next checkpoint, %lld are sealed, %lld have erased fields, %lld calls were lost\n",
           number_of(report, "unsequenced"), number_of(report, "sealed"), number_of(report, "erased"),
           number_of(report, "gaps"));
    if (!json_is_true(json_object_get(report, "rows")))
        puts("the tenants' databases were not compared: they are for the account of the workspace to read");
    json_array_foreach(json_object_get(report, "problems"), i, problem) print_problem(problem);
}

static void show_report(const ctl *ctl, obs_buffer *text)
{
    json_t *report = ctl->json ? NULL : json_loadb(obs_buffer_data(text), obs_buffer_size(text), JSON_ALLOW_NUL, NULL);
    if (ctl->json)
        ctl_write_json(obs_buffer_data(text), obs_buffer_size(text));
    else if (report)
        print_report(report);
    json_decref(report);
    obs_buffer_free(text);
}

obs_status ctl_run_audit_verify(ctl *ctl)
{
    obs_audit *audit;
    obs_audit_verify_options options;
    obs_buffer *report = NULL;
    char *checkpoint = NULL;
    obs_audit_verify_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.key = ctl_get(ctl, "key");
    options.unanchored = ctl_get(ctl, "unanchored") != NULL;
    obs_status status = OBS_OK;
    if (ctl_get(ctl, "checkpoint"))
        status = ctl_read_file(ctl, ctl_get(ctl, "checkpoint"), FILE_MAX, &checkpoint, &options.checkpoint_size);
    options.checkpoint = checkpoint;
    if (status == OBS_OK)
        status = open_audit(ctl, &audit);
    if (status == OBS_OK)
        status = obs_audit_verify(&report, audit, &options, &ctl->error);
    free(checkpoint);
    if (!report)
        return status;
    show_report(ctl, report);
    /* Nobody outside vouches for it: to a script that is as if it was altered. */
    if (status == OBS_FAILED_PRECONDITION)
        ctl->error.status = status = OBS_DATA_LOSS;
    return status;
}

/* ---- Proofs. ---- */

obs_status ctl_run_audit_prove(ctl *ctl)
{
    obs_audit *audit;
    obs_buffer *proof = NULL;
    obs_status status = open_audit(ctl, &audit);
    if (status == OBS_OK)
        status = obs_audit_prove(&proof, audit, ctl->arguments[0], ctl_get(ctl, "clear") != NULL, &ctl->call, &ctl->error);
    if (status == OBS_OK)
        print_whole(ctl, "proof", proof);
    return status;
}

static void print_members(const char *text, size_t size, int width)
{
    const char *name;
    json_t *value, *record = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    json_object_foreach(record, name, value)
    {
        printf("%-*s ", width, name);
        if (json_is_string(value))
            ctl_print_text(stdout, json_string_value(value), json_string_length(value));
        else if (json_is_integer(value))
            printf("%lld", (long long)json_integer_value(value));
        else
            putchar('-'); /* not shown */
        putchar('\n');
    }
    json_decref(record);
}

obs_status ctl_run_audit_check_proof(ctl *ctl)
{
    char *proof = NULL;
    size_t size = 0;
    obs_buffer *record = NULL;
    const char *key = ctl_get(ctl, "key");
    if (!key)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--key is missing: 'obsctl audit key' prints it, where the log is");
    obs_status status = ctl_read_file(ctl, ctl->arguments[0], FILE_MAX, &proof, &size);
    if (status == OBS_OK)
        status = obs_audit_check_proof(&record, proof, size, key, &ctl->error);
    free(proof);
    if (status != OBS_OK)
        return status;
    if (ctl->json)
        ctl_write_json(obs_buffer_data(record), obs_buffer_size(record));
    else
        print_members(obs_buffer_data(record), obs_buffer_size(record), 8);
    obs_buffer_free(record);
    return status;
}

/* ---- The log. ---- */

obs_status ctl_run_audit_checkpoint(ctl *ctl)
{
    obs_audit *audit;
    char path[PATH_MAX];
    char *note = NULL;
    size_t size = 0;
    obs_status status = open_audit(ctl, &audit);
    if (status == OBS_OK)
        status = obs_audit_sequence(audit, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return status;
    snprintf(path, sizeof path, "%s/audit/log/checkpoint", obs_client_workspace(ctl->client));
    status = ctl_read_file(ctl, path, FILE_MAX, &note, &size);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:o}", "checkpoint", ctl_text(note)));
    else if (status == OBS_OK)
        fwrite(note, 1, size, stdout);
    free(note);
    return status;
}

obs_status ctl_run_audit_key(ctl *ctl)
{
    obs_audit *audit;
    obs_buffer *key = NULL;
    obs_status status = open_audit(ctl, &audit);
    if (status == OBS_OK)
        status = obs_audit_key(&key, audit, &ctl->error);
    if (status != OBS_OK)
        return status;
    print_whole(ctl, "key", key);
    if (!ctl->json)
        putchar('\n');
    return status;
}

obs_status ctl_run_audit_erase(ctl *ctl)
{
    obs_audit *audit;
    uint64_t count = 0;
    const char *subject = ctl_get(ctl, "subject");
    if (!subject)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--subject is missing: whom to erase, as in user:ada");
    obs_status status = open_audit(ctl, &audit);
    if (status == OBS_OK)
        status = obs_audit_erase(&count, audit, subject, &ctl->call, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:I}", "erased", (json_int_t)count));
    else if (status == OBS_OK)
        printf("%llu records changed; their proofs still hold\n", (unsigned long long)count);
    return status;
}

obs_status ctl_run_audit_seal(ctl *ctl)
{
    obs_audit *audit;
    uint64_t count = 0;
    obs_status status = open_audit(ctl, &audit);
    if (status == OBS_OK)
        status = obs_audit_seal(&count, audit, &ctl->call, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:I}", "sealed", (json_int_t)count));
    else if (status == OBS_OK)
        printf("%llu records sealed%s\n", (unsigned long long)count,
               count ? "; they are verified and proved as before" : ": no whole bundle of 256 is older than the policy keeps");
    return status;
}

/* ---- policy ---- */

/* NAME=VALUE...: a value that is all digits is a number. */
static obs_status read_changes(ctl *ctl, json_t *changes)
{
    for (int i = 0; i < ctl->argument_count; i++) {
        obs_pair pair;
        obs_status status = ctl_split_pair(ctl, ctl->arguments[i], &pair);
        if (status != OBS_OK)
            return status;
        size_t digits = strspn(pair.value, "0123456789");
        json_t *value = *pair.value && !pair.value[digits] && digits < 19 ? json_integer(strtoll(pair.value, NULL, 10))
                                                                          : ctl_text(pair.value);
        int failed = json_object_set_new(changes, pair.name, value);
        free((char *)pair.name);
        free((char *)pair.value);
        if (failed)
            return ctl_fail_memory(ctl);
    }
    return OBS_OK;
}

static obs_status change_policy(ctl *ctl, obs_audit *audit)
{
    json_t *changes = json_object();
    obs_status status = changes ? read_changes(ctl, changes) : ctl_fail_memory(ctl);
    char *text = status == OBS_OK ? json_dumps(changes, JSON_COMPACT) : NULL;
    if (status == OBS_OK)
        status = text ? obs_audit_policy_set(audit, text, OBS_TEXT, &ctl->call, &ctl->error) : ctl_fail_memory(ctl);
    free(text);
    json_decref(changes);
    return status;
}

obs_status ctl_run_audit_policy(ctl *ctl)
{
    obs_audit *audit;
    obs_buffer *policy = NULL;
    obs_status status = open_audit(ctl, &audit);
    if (status == OBS_OK && ctl->argument_count)
        status = change_policy(ctl, audit);
    if (status == OBS_OK)
        status = obs_audit_policy(&policy, audit, &ctl->error);
    if (status != OBS_OK)
        return status;
    if (ctl->json)
        ctl_write_json(obs_buffer_data(policy), obs_buffer_size(policy));
    else
        print_members(obs_buffer_data(policy), obs_buffer_size(policy), 15);
    obs_buffer_free(policy);
    return status;
}
