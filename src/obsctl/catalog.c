/* labels search */
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"

static const ctl_column entry_columns[] = {
    {"key", "KEY", 0}, {"type", "TYPE", 0}, {"size", "SIZE", 1}, {"time", "TIME", 0}, {"labels", "LABELS", 0}, {NULL, NULL, 0},
};

static obs_status show_labels(ctl *ctl, const char *key)
{
    obs_buffer *entry = NULL;
    obs_status status = obs_catalog_get(&entry, obs_client_catalog(ctl->client), key, OBS_TEXT, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return status;
    json_t *row = json_loadb(obs_buffer_data(entry), obs_buffer_size(entry), JSON_ALLOW_NUL, NULL);
    json_t *labels = json_object_get(row, "labels");
    const char *name;
    json_t *value;
    if (ctl->json)
        ctl_print_json(json_pack("{s:o,s:O}", "key", ctl_text(key), "labels", labels));
    else
        json_object_foreach(labels, name, value)
        {
            ctl_print_text(stdout, name, strlen(name));
            putchar('=');
            ctl_print_text(stdout, json_string_value(value), json_string_length(value));
            putchar('\n');
        }
    json_decref(row);
    obs_buffer_free(entry);
    return OBS_OK;
}

obs_status ctl_run_labels(ctl *ctl)
{
    size_t count = 0;
    obs_status status = OBS_OK;
    obs_pair *labels = calloc((size_t)ctl->argument_count, sizeof *labels);
    if (!labels)
        return ctl_fail_memory(ctl);
    for (int i = 1; status == OBS_OK && i < ctl->argument_count; i++)
        if ((status = ctl_split_pair(ctl, ctl->arguments[i], &labels[count])) == OBS_OK)
            count++;
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK && count)
        status = obs_catalog_label(obs_client_catalog(ctl->client), ctl->arguments[0], OBS_TEXT, labels, count, &ctl->call,
                                   &ctl->error);
    if (status == OBS_OK && (!count || ctl->json))
        status = show_labels(ctl, ctl->arguments[0]);
    ctl_pairs_free(labels, count);
    return status;
}

static const ctl_column place_columns[] = {
    {"key", "KEY", 0},   {"distance", "DISTANCE", 1}, {"type", "TYPE", 0},
    {"size", "SIZE", 1}, {"labels", "LABELS", 0},     {NULL, NULL, 0},
};

/* What an option says as a condition; in quotes, so that it may have blanks. */
static void add_condition(FILE *out, const char *name, const char *value)
{
    if (!value)
        return;
    fprintf(out, " %s=\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

void ctl_add_conditions(const ctl *ctl, FILE *query)
{
    add_condition(query, "cone", ctl_get(ctl, "cone"));
    add_condition(query, "during", ctl_get(ctl, "time"));
    add_condition(query, "site", ctl_get(ctl, "site"));
}

/* The arguments as one query: blanks between them. */
static char *query_of(const ctl *ctl)
{
    char *query = NULL;
    size_t size;
    FILE *out = open_memstream(&query, &size);
    for (int i = 0; out && i < ctl->argument_count; i++)
        fprintf(out, "%s%s", i ? " " : "", ctl->arguments[i]);
    if (out) {
        ctl_add_conditions(ctl, out);
        fclose(out);
    }
    return query;
}

static obs_status print_keys(ctl *ctl, obs_rows *rows)
{
    const char *text;
    size_t size;
    obs_status status;
    while ((status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text && !ferror(stdout)) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        const json_t *key = json_object_get(row, "key");
        ctl_print_text(stdout, json_string_value(key) ? json_string_value(key) : "", json_string_length(key));
        putchar('\n');
        json_decref(row);
    }
    if (status == OBS_OK)
        ctl_print_more(ctl, rows);
    obs_rows_free(rows);
    return status;
}

obs_status ctl_run_search(ctl *ctl)
{
    obs_search_options options;
    obs_rows *rows = NULL;
    long long limit = 0;
    char *query = query_of(ctl);
    obs_search_options_init(&options, sizeof options);
    obs_status status = query ? ctl_number(ctl, "limit", 1, 1000000000, &limit) : ctl_fail_memory(ctl);
    options.call = &ctl->call;
    options.after = ctl_get(ctl, "after");
    options.limit = (size_t)limit;
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_catalog_search(&rows, obs_client_catalog(ctl->client), query, &options, &ctl->error);
    if (status == OBS_OK && ctl_get(ctl, "keys") && !ctl->json)
        status = print_keys(ctl, rows);
    else if (status == OBS_OK)
        status = ctl_print_rows(ctl, rows, ctl_get(ctl, "cone") ? place_columns : entry_columns);
    free(query);
    return status;
}
