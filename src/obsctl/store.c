/* ls stat rm cp adopt */
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"

static void print_listed(const ctl *ctl, const obs_stat *stat)
{
    char time[40];
    if (ctl->json) {
        ctl_print_json(ctl_stat_json(stat));
        return;
    }
    if (ctl_get(ctl, "long") && stat->is_prefix)
        printf("%12s  %19s  ", "-", "");
    else if (ctl_get(ctl, "long")) {
        ctl_format_time(time, sizeof time, "%Y-%m-%d %H:%M:%S", stat->modified_ns);
        printf("%12llu  %19s  ", (unsigned long long)stat->size, time);
    }
    ctl_print_text(stdout, stat->key, stat->key_size);
    putchar('\n');
}

/* With --site: only what has this label. */
static int is_wanted(const ctl *ctl, const obs_stat *stat)
{
    const char *site = ctl_get(ctl, "site");
    for (size_t i = 0; site && i < stat->label_count; i++)
        if (strcmp(stat->labels[i].name, "site") == 0)
            return strcmp(stat->labels[i].value, site) == 0;
    return !site;
}

obs_status ctl_run_ls(ctl *ctl)
{
    obs_list_options options;
    long long limit = 0;
    long long shown = 0;
    char *after = NULL;
    obs_status status = ctl_number(ctl, "limit", 1, 1000000000, &limit);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    obs_list_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.delimiter = ctl_get(ctl, "recursive") || ctl_get(ctl, "site") ? NULL : "/";
    while (status == OBS_OK && !ferror(stdout)) {
        obs_page *page = NULL;
        options.after = after;
        options.limit = limit && limit - shown < 1000 && !ctl_get(ctl, "site") ? (size_t)(limit - shown) : 1000;
        status = obs_store_list(&page, obs_client_store(ctl->client), ctl->argument_count ? ctl->arguments[0] : "", &options,
                                &ctl->error);
        for (size_t i = 0; status == OBS_OK && i < obs_page_count(page) && (!limit || shown < limit); i++) {
            if (!is_wanted(ctl, obs_page_at(page, i)))
                continue;
            print_listed(ctl, obs_page_at(page, i));
            shown++;
        }
        free(after);
        after = status == OBS_OK && *obs_page_next(page) ? strdup(obs_page_next(page)) : NULL;
        obs_page_free(page);
        if (!after || (limit && shown >= limit))
            break;
    }
    free(after);
    return status;
}

obs_status ctl_run_stat(ctl *ctl)
{
    obs_stat *stat = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_store_head(&stat, obs_client_store(ctl->client), ctl->arguments[0], OBS_TEXT, &ctl->call, &ctl->error);
    if (status == OBS_OK)
        ctl_print_stat(ctl, stat);
    obs_stat_free(stat);
    return status;
}

typedef obs_status key_call(ctl *ctl, const char *key);

/* Runs one call for each argument. A failure is reported and the others are still done; the first one is the outcome. */
static obs_status each_key(ctl *ctl, key_call *one)
{
    obs_status outcome = ctl_open(ctl);
    if (outcome != OBS_OK)
        return outcome;
    for (int i = 0; i < ctl->argument_count; i++) {
        obs_status status = one(ctl, ctl->arguments[i]);
        if (status != OBS_OK)
            ctl_report(ctl, ctl->arguments[i]);
        if (outcome == OBS_OK)
            outcome = status;
        if (status == OBS_CANCELLED)
            break;
    }
    ctl->error.message[0] = '\0'; /* all were reported */
    return outcome;
}

static obs_change_options change_of(const ctl *ctl)
{
    obs_change_options options;
    obs_change_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.if_match = ctl_get(ctl, "if-match");
    options.if_none_match = ctl_get(ctl, "if-none-match");
    return options;
}

static obs_status remove_one(ctl *ctl, const char *key)
{
    obs_change_options options = change_of(ctl);
    obs_status status = obs_store_delete(obs_client_store(ctl->client), key, OBS_TEXT, &options, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:o}", "deleted", ctl_text(key)));
    return status;
}

obs_status ctl_run_rm(ctl *ctl)
{
    return each_key(ctl, remove_one);
}

obs_status ctl_run_cp(ctl *ctl)
{
    obs_stat *stat = NULL;
    obs_change_options options = change_of(ctl);
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_store_copy(&stat, obs_client_store(ctl->client), ctl->arguments[0], OBS_TEXT, ctl->arguments[1], OBS_TEXT,
                                &options, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(ctl_stat_json(stat));
    obs_stat_free(stat);
    return status;
}

static obs_status adopt_one(ctl *ctl, const char *key)
{
    obs_stat *stat = NULL;
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.call = &ctl->call;
    obs_status status = obs_store_adopt(&stat, obs_client_store(ctl->client), key, OBS_TEXT, &options, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(ctl_stat_json(stat));
    obs_stat_free(stat);
    return status;
}

obs_status ctl_run_adopt(ctl *ctl)
{
    return each_key(ctl, adopt_one);
}
