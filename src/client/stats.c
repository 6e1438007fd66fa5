/* What was ingested, counted: of the own tenant, or of all for whoever administrates them. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/client.h"

#define ROWS_MAX ((size_t)64 << 20)
#define HOUR_NS INT64_C(3600000000000)

void obs_ingest_stats_options_init(obs_ingest_stats_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static int take_word(obs__stats_question *out, const char *word, size_t size)
{
    static const char *const words[] = {"tenant", "table", "reason", "hour", "day"};
    size_t at = 0;
    while (at < sizeof words / sizeof words[0] && (strlen(words[at]) != size || memcmp(words[at], word, size) != 0))
        at++;
    out->by_tenant |= at == 0;
    out->by_table |= at == 1;
    out->by_reason |= at == 2;
    if (at == 3 || at == 4)
        out->period_ns = at == 3 ? HOUR_NS : 24 * HOUR_NS;
    return at < sizeof words / sizeof words[0];
}

static obs_status take_question(obs__stats_question *out, const obs_ingest_stats_options *options, obs_error *error)
{
    out->until_ns = INT64_MAX;
    for (const char *word = options->by ? options->by : ""; *word;) {
        size_t size = strcspn(word, ",");
        if (!take_word(out, word, size))
            return obs__fail(error, OBS_INVALID_ARGUMENT, "counted by tenant, table, reason, hour or day, not by '%.*s'",
                             size < 40 ? (int)size : 40, word);
        word += size + (word[size] == ',');
    }
    if ((options->since && !obs__time_parse(&out->since_ns, options->since)) ||
        (options->until && !obs__time_parse(&out->until_ns, options->until)))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a time is a date or RFC 3339, as in 2026-11-20T21:00:00Z");
    return OBS_OK;
}

struct count {
    obs_client *client;
    obs__builder rows;
    obs__stats_question question;
};

static obs_status count_tenant(void *user, const char *name, obs_error *error)
{
    struct count *count = user;
    obs__journal *journal = NULL;
    const obs__workspace *workspace = count->client->gate->workspace;
    obs_status status = obs__limit_check(count->question.limit, error);
    if (status != OBS_OK)
        return status;
    char *folder = obs__tenant_folder(workspace->folder, name);
    if (!folder)
        return obs__fail_memory(error);
    status = obs__client_journal(&journal, workspace, folder, 0, count->question.limit, error);
    if (status == OBS_OK)
        status = obs__ingest_stats(&count->rows, journal, name, &count->question, error);
    obs__journal_free(journal);
    free(folder);
    return status;
}

/* Reasons hold what tenants sent: of others only the owner reads it. */
static int may_see_all(const obs__client_gate *gate, const obs__scope *scope)
{
    const obs__request request = {.subject = scope->subject};
    return obs__auth_is_owner(&gate->rights, &request);
}

obs_status obs_ingest_stats(obs_rows **out, obs_client *client, const obs_ingest_stats_options *options, obs_error *error)
{
    obs__scope scope;
    obs_ingest_stats_options wanted;
    obs_buffer *lines = NULL;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs__client_options(&wanted, sizeof wanted, options);
    const obs__client_gate *gate = client->gate;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "ingest.stats", NULL, 0, wanted.call, error);
    if (status != OBS_OK)
        return status;
    struct count count = {.client = client, .question = {.limit = &scope.limit}};
    obs__builder_init(&count.rows, ROWS_MAX);
    status = take_question(&count.question, &wanted, error);
    if (status == OBS_OK && count.question.by_tenant && may_see_all(gate, &scope))
        status = obs__tenant_each(gate->workspace, NULL, count_tenant, &count, error);
    else if (status == OBS_OK)
        status = obs__ingest_stats(&count.rows, gate->gate.journal, gate->tenant, &count.question, error);
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &count.rows, error);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    obs__builder_free(&count.rows);
    return obs__gate_leave(&scope, status, error);
}
