/*
 * What a workspace holds, for the power-cut and kill tests, one line each:
 *
 *     object KEY SHA256 | entry KIND KEY N | log RESULT KEY | event TYPE SUBJECT | audit ACTION OBJECT | problem TEXT
 *     verify WHEN STATUS RECORDS ANCHORED
 *
 * Every object is read whole, so that its checksums are verified; N is the member `n` of a record. The audit log is verified
 * as it was found, and once more after it was gone on with.
 */
#include <jansson.h>
#include <obs/obs.h>
#include <stdio.h>
#include <string.h>

static obs_client *client;
static obs_error error;

static int failed(const char *what)
{
    fprintf(stderr, "state: %s: %s (%s)\n", what, error.message, error.detail);
    return 1;
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "-";
}

static void print_entry(const json_t *row)
{
    const json_t *n = json_object_get(json_object_get(row, "values"), "n");
    printf("entry %s %s %lld\n", text_of(row, "kind"), text_of(row, "key"), n ? (long long)json_number_value(n) : -1LL);
}

static void print_log(const json_t *row)
{
    printf("log %s %s\n", text_of(row, "result"), text_of(row, "key"));
}

static void print_audit(const json_t *row)
{
    if (strcmp(text_of(row, "class"), "change") == 0)
        printf("audit %s %s\n", text_of(row, "action"), text_of(row, "object"));
}

static int each_row(const char *what, obs_status status, obs_rows *rows, void (*print)(const json_t *))
{
    const char *text = NULL;
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, NULL, &error)) == OBS_OK && text) {
        json_t *row = json_loads(text, 0, NULL);
        print(row);
        json_decref(row);
    }
    obs_rows_free(rows);
    return status == OBS_OK ? 0 : failed(what);
}

static int each_object(void)
{
    obs_list_options options;
    char after[OBS_KEY_MAX + 1] = "";
    obs_list_options_init(&options, sizeof options);
    do {
        obs_page *page = NULL;
        options.after = after;
        if (obs_store_list(&page, obs_client_store(client), "", &options, &error) != OBS_OK)
            return failed("list");
        for (size_t i = 0; i < obs_page_count(page); i++) {
            const char *key = obs_page_at(page, i)->key;
            obs_buffer *bytes = NULL;
            obs_stat *stat = NULL;
            if (obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error) != OBS_OK ||
                obs_store_head(&stat, obs_client_store(client), key, OBS_TEXT, NULL, &error) != OBS_OK)
                printf("problem %s: %s\n", key, error.message);
            else if (stat->changed_outside)
                printf("problem %s: changed outside\n", key);
            else
                printf("object %s %s\n", key, stat->sha256);
            obs_buffer_free(bytes);
            obs_stat_free(stat);
        }
        snprintf(after, sizeof after, "%s", obs_page_next(page));
        obs_page_free(page);
    } while (*after);
    return 0;
}

static int each_event(void)
{
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.attempts = -1; /* they are read again and again */
    obs_status status = obs_bus_subscribe(&subscription, obs_client_bus(client), "state", &options, &error);
    while (status == OBS_OK && (status = obs_subscription_next(&delivery, subscription, 0, NULL, &error)) == OBS_OK && delivery)
        printf("event %s %s\n", delivery->event->type, delivery->event->subject ? delivery->event->subject : "-");
    obs_subscription_free(subscription);
    return status == OBS_OK ? 0 : failed("events");
}

static long long number_of(const json_t *report, const char *name)
{
    return (long long)json_integer_value(json_object_get(report, name));
}

static void verify(const char *when)
{
    obs_buffer *text = NULL;
    obs_status status = obs_audit_verify(&text, obs_client_audit(client), NULL, &error);
    json_t *report = text ? json_loadb(obs_buffer_data(text), obs_buffer_size(text), 0, NULL) : NULL;
    printf("verify %s %s %lld %lld\n", when, obs_status_name(status), number_of(report, "records"),
           number_of(report, "anchored"));
    if (status == OBS_DATA_LOSS)
        printf("problem audit log, %s: %s\n", when, error.message);
    json_decref(report);
    obs_buffer_free(text);
}

/* A round may have been under way when the one before ended; nobody else is here now. */
static int go_on(void)
{
    return obs_audit_sequence(obs_client_audit(client), NULL, &error) == OBS_OK ? 0 : failed("the log does not go on");
}

int main(int count, char **words)
{
    obs_open_options options;
    obs_rows *rows = NULL;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.workspace = count == 2 ? words[1] : NULL;
    if (obs_client_open(&client, &options, &error) != OBS_OK)
        return failed("open");
    verify("found");
    int bad = each_object();
    obs_status status = obs_catalog_search(&rows, obs_client_catalog(client), "", NULL, &error);
    bad |= each_row("catalog", status, rows, print_entry);
    status = obs_ingest_log(&rows, client, NULL, &error);
    bad |= each_row("ingestion log", status, rows, print_log);
    bad |= each_event();
    status = obs_audit_query(&rows, obs_client_audit(client), NULL, &error);
    bad |= each_row("audit", status, rows, print_audit);
    bad |= go_on();
    verify("gone-on");
    obs_client_close(client);
    return bad;
}
