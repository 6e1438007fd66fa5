/* The calls on records, the catalog, events, the trail and tenants, for test_public_memory.c. */
#include "faults/trial.h"

static const char schema[] = "{\"type\":\"object\",\"required\":[\"mag\"],\"properties\":{\"mag\":{\"type\":\"number\"},"
                             "\"name\":{\"type\":\"string\",\"pattern\":\"^[a-z]+[0-9]*$\"}}}";
static const char good[] = "{\"mag\":17.25,\"name\":\"vega7\"}";
static char origin[80];

static void define(void)
{
    ck_assert_ok(obs_ingest_definition(stage.client, "test.mag", schema, OBS_TEXT, NULL, &error));
}

static size_t count_origin(const char *result)
{
    obs_rows *rows;
    obs_ingest_log_options options;
    obs_ingest_log_options_init(&options, sizeof options);
    options.result = result;
    ck_assert_ok(obs_ingest_log(&rows, stage.client, &options, &error));
    return count_rows(rows, origin);
}

static obs_ingest_options from_here(void)
{
    obs_ingest_options options;
    obs_ingest_options_init(&options, sizeof options);
    snprintf(origin, sizeof origin, "<%s>", stage.key);
    options.origin = origin;
    return options;
}

static obs_status record(void)
{
    obs_ingest_options options = from_here();
    obs_buffer *key = NULL;
    obs_status status = obs_ingest_record(&key, stage.client, "test.mag", good, OBS_TEXT, &options, &error);
    fits((status == OBS_OK) == (key != NULL), "status and key");
    obs_buffer_free(key);
    return status;
}

static obs_status records(void)
{
    obs_ingest_options options = from_here();
    obs_ingest_counts counts = {.size = sizeof counts};
    char lines[512];
    snprintf(lines, sizeof lines, "%s\n%s\n{\"mag\":\"x\"}\n", good, good);
    obs_status status = obs_ingest_records(&counts, stage.client, "test.mag", lines, OBS_TEXT, &options, &error);
    fits(status != OBS_OK || (counts.accepted == 2 && counts.refused == 1), "counts");
    return status;
}

/* All or nothing, and one line too little or too much is neither. */
static int has_lines(size_t accepted, size_t refused)
{
    origin[strlen(stage.key) + 1] = '\0'; /* with lines it is `origin:line` */
    size_t taken = count_origin("accepted"), turned_away = count_origin("refused");
    if (taken == 0 && turned_away == 0)
        return 0;
    ck_assert_uint_eq(taken, accepted);
    ck_assert_uint_eq(turned_away, refused);
    return 1;
}

static int is_accepted(void)
{
    return has_lines(1, 0);
}

static int are_accepted(void)
{
    return has_lines(2, 1);
}

static int is_refused(void)
{
    return has_lines(0, 1);
}

static obs_status file(void)
{
    obs_ingest_options options = from_here();
    return obs_ingest_file(stage.client, stage.key, OBS_TEXT, "bytes", 5, &options, &error);
}

static int is_file(void)
{
    int there = has_object(stage.client, stage.key);
    ck_assert_int_eq(there, is_accepted());
    return there;
}

static obs_status refuse(void)
{
    obs_ingest_options options = from_here();
    options.reason = "not a line";
    return obs_ingest_refuse(stage.client, "test.mag", "???", OBS_TEXT, &options, &error);
}

static obs_status definition(void)
{
    return obs_ingest_definition(stage.client, stage.name, schema, OBS_TEXT, NULL, &error);
}

static int is_defined(void)
{
    char part[80];
    obs_rows *rows;
    snprintf(part, sizeof part, "\"%s\"", stage.name);
    ck_assert_ok(obs_ingest_definitions(&rows, stage.client, NULL, &error));
    return count_rows(rows, part) == 1;
}

static obs_status definitions(void)
{
    obs_rows *rows = NULL;
    size_t found = 0;
    obs_status status = obs_ingest_definitions(&rows, stage.client, NULL, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "definitions");
    return status;
}

static void make_record(void)
{
    define();
    ck_assert_ok(record());
}

/* One page of one row, and where the next one goes on. */
static obs_status log_page(void)
{
    obs_rows *rows = NULL;
    obs_ingest_log_options options;
    size_t found = 0;
    obs_ingest_log_options_init(&options, sizeof options);
    options.table = "test.mag";
    options.limit = 1;
    obs_status status = obs_ingest_log(&rows, stage.client, &options, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "lines of the log");
    return status;
}

static void make_labelled(void)
{
    const obs_pair label = {"attempt", stage.name};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = &label;
    options.label_count = 1;
    ck_assert_ok(obs_store_put(NULL, the_store(), stage.key, OBS_TEXT, "bytes", 5, &options, &error));
}

static obs_status search(void)
{
    obs_rows *rows = NULL;
    char query[80];
    size_t found = 0;
    snprintf(query, sizeof query, "attempt=%s", stage.name);
    obs_status status = obs_catalog_search(&rows, obs_client_catalog(stage.client), query, NULL, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "what is found");
    return status;
}

static obs_status entry(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_catalog_get(&text, obs_client_catalog(stage.client), stage.key, OBS_TEXT, NULL, &error);
    fits(status != OBS_OK || strstr(obs_buffer_data(text), stage.name), "entry");
    obs_buffer_free(text);
    return status;
}

static obs_status label(void)
{
    const obs_pair labels[] = {{"seen", stage.name}};
    return obs_catalog_label(obs_client_catalog(stage.client), stage.key, OBS_TEXT, labels, 1, NULL, &error);
}

static int is_labelled(void)
{
    char query[80];
    snprintf(query, sizeof query, "seen=%s", stage.name);
    return count_entries(stage.client, query) == 1;
}

static obs_event an_event(void)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    event.subject = stage.key;
    event.data = "{\"n\":1}";
    event.data_size = OBS_TEXT;
    return event;
}

static obs_status publish(void)
{
    obs_event event = an_event();
    obs_buffer *id = NULL;
    obs_status status = obs_bus_publish(&id, obs_client_bus(stage.client), &event, NULL, &error);
    fits((status == OBS_OK) == (id != NULL), "status and id");
    obs_buffer_free(id);
    return status;
}

static size_t events(const char *consumer)
{
    obs_subscription *subscription;
    const obs_delivery *delivery;
    obs_subscribe_options options;
    size_t found = 0;
    obs_subscribe_options_init(&options, sizeof options);
    options.subject = stage.key;
    ck_assert_ok(obs_bus_subscribe(&subscription, obs_client_bus(stage.client), consumer, &options, &error));
    for (;; found++) {
        ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
        if (!delivery)
            break;
    }
    obs_subscription_free(subscription);
    return found;
}

static int is_published(void)
{
    return events(stage.name) == 1;
}

static void make_event(void)
{
    ck_assert_ok(publish());
}

static obs_status receive(void)
{
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.subject = stage.key;
    obs_status status = obs_bus_subscribe(&subscription, obs_client_bus(stage.client), stage.name, &options, &error);
    if (status == OBS_OK)
        status = obs_subscription_next(&delivery, subscription, 0, NULL, &error);
    fits(status != OBS_OK || delivery, "no event");
    if (status == OBS_OK && delivery)
        status = obs_subscription_acknowledge(subscription, delivery->sequence, &error);
    obs_subscription_free(subscription);
    return status;
}

static int is_acknowledged(void)
{
    return events(stage.name) == 0;
}

static obs_status unit(void)
{
    obs_unit *unit = NULL;
    obs_event event = an_event();
    obs_ingest_options options = from_here();
    obs_status status = obs_unit_begin(&unit, stage.client, NULL, &error);
    if (status == OBS_OK)
        status = obs_unit_put(unit, stage.key, OBS_TEXT, "bytes", 5, NULL, &error);
    if (status == OBS_OK)
        status = obs_unit_publish(unit, &event, NULL, &error);
    if (status == OBS_OK)
        status = obs_unit_record(unit, "test.mag", good, OBS_TEXT, &options, &error);
    if (status == OBS_OK)
        status = obs_unit_commit(unit, &error);
    obs_unit_free(unit);
    return status;
}

static int is_whole(void)
{
    int there = has_object(stage.client, stage.key);
    ck_assert_int_eq(there, is_accepted());
    ck_assert_int_eq(there, is_published());
    return there;
}

static obs_status trail(void)
{
    obs_rows *rows = NULL;
    obs_audit_options options;
    size_t found = 0;
    obs_audit_options_init(&options, sizeof options);
    options.object = stage.key;
    options.action = "store.put";
    obs_status status = obs_audit_query(&rows, obs_client_audit(stage.client), &options, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "records of the trail");
    return status;
}

static obs_status whoami(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_client_whoami(&text, stage.client, &error);
    fits(status != OBS_OK || strstr(obs_buffer_data(text), "subject"), "whoami");
    obs_buffer_free(text);
    return status;
}

static obs_status health(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_client_health(&text, stage.client, NULL, &error);
    obs_buffer_free(text);
    return status;
}

obs_error *data_error(void)
{
    obs_error_init(&error, sizeof error);
    return &error;
}

const struct trial data_trials[] = {{"definition", NULL, definition, is_defined},
                                    {"record", define, record, is_accepted},
                                    {"records", define, records, are_accepted},
                                    {"file", define, file, is_file},
                                    {"refuse", define, refuse, is_refused},
                                    {"unit", define, unit, is_whole},
                                    {"definitions", define, definitions, NULL},
                                    {"log_page", make_record, log_page, NULL},
                                    {"search", make_labelled, search, NULL},
                                    {"entry", make_labelled, entry, NULL},
                                    {"label", make_labelled, label, is_labelled},
                                    {"publish", NULL, publish, is_published},
                                    {"receive", make_event, receive, is_acknowledged},
                                    {"trail", make_labelled, trail, NULL},
                                    {"whoami", NULL, whoami, NULL},
                                    {"health", NULL, health, NULL},
                                    {0}};
