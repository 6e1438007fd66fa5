/* The audit trail: who did it, that nobody changed the answer, and a proof for somebody who has nothing but a key. */
#include <obs/obs.h>
#include <stdio.h>
#include <string.h>

/* The id of the first record about an object; every row is a line of JSON that begins with it. */
static obs_status find(char id[37], obs_audit *audit, const char *object, obs_error *error)
{
    obs_rows *rows = NULL;
    const char *row = NULL;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    options.object = object;
    options.action = "store.put";
    options.limit = 1;
    *id = '\0';
    if (obs_audit_query(&rows, audit, &options, error) == OBS_OK && obs_rows_next(rows, &row, NULL, error) == OBS_OK && row &&
        sscanf(row, "{\"id\":\"%36[^\"]", id) == 1)
        printf("found it\n");
    obs_rows_free(rows);
    return error->status;
}

/* Every record, hash and signature, and what was told outside. */
static obs_status verify(obs_audit *audit, obs_error *error)
{
    obs_buffer *report = NULL;
    if (obs_audit_verify(&report, audit, NULL, error) == OBS_OK)
        printf("verified: %s\n", strstr(obs_buffer_data(report), "\"problems\":[]") ? "no problems" : "see the report");
    obs_buffer_free(report);
    return error->status;
}

/* What a stranger does with the proof, without the workspace. */
static obs_status check(const obs_buffer *proof, const obs_buffer *key, obs_error *error)
{
    obs_buffer *record = NULL;
    if (obs_audit_check_proof(&record, obs_buffer_data(proof), obs_buffer_size(proof), obs_buffer_data(key), error) == OBS_OK)
        printf("proved: %s\n", strstr(obs_buffer_data(record), "\"object\":\"raw/a\"") ? "raw/a was put" : "something else");
    obs_buffer_free(record);
    return error->status;
}

int main(void)
{
    char id[37];
    obs_client *client = NULL;
    obs_buffer *proof = NULL, *key = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) != OBS_OK)
        goto out;
    obs_audit *audit = obs_client_audit(client);
    if (obs_store_put(NULL, obs_client_store(client), "raw/a", OBS_TEXT, "bytes", 5, NULL, &error) != OBS_OK ||
        find(id, audit, "raw/a", &error) != OBS_OK)
        goto out;
    /* The keeper thread does this within 10 seconds. */
    if (obs_audit_sequence(audit, NULL, &error) != OBS_OK || verify(audit, &error) != OBS_OK)
        goto out;
    if (obs_audit_prove(&proof, audit, id, 1, NULL, &error) == OBS_OK && obs_audit_key(&key, audit, &error) == OBS_OK)
        check(proof, key, &error);
out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_buffer_free(key);
    obs_buffer_free(proof);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
