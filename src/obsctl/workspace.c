/* init whoami doctor, workspace check, tenant create/show, version */
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "obsctl/ctl.h"

/* What its members do first: they name the account, unless it is root's. */
static void print_trust(const char *path)
{
    char folder[PATH_MAX];
    struct stat found;
    if (!realpath(path, folder) || stat(folder, &found) != 0 || found.st_uid == 0)
        return;
    const struct passwd *user = getpwuid(found.st_uid);
    char line[PATH_MAX + 64];
    int size = user ? snprintf(line, sizeof line, "%s %s", folder, user->pw_name)
                    : snprintf(line, sizeof line, "%s %u", folder, (unsigned)found.st_uid);
    fputs("its members trust it by this line in ~/.config/obs/trusted (or all, in /etc/obs/trusted):\n", stdout);
    ctl_print_text(stdout, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
    putchar('\n');
}

obs_status ctl_run_init(ctl *ctl)
{
    obs_workspace_options options;
    obs_workspace_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.mode = ctl_get(ctl, "shared") ? OBS_SHARED : OBS_PERSONAL;
    options.account = ctl_get(ctl, "account");
    options.group = ctl_get(ctl, "group");
    obs_status status = obs_workspace_init_with(ctl->arguments[0], &options, &ctl->error);
    if (status != OBS_OK)
        return status;
    if (ctl->json) {
        ctl_print_json(json_pack("{s:o}", "workspace", ctl_text(ctl->arguments[0])));
        return OBS_OK;
    }
    fputs("made ", stdout);
    ctl_print_text(stdout, ctl->arguments[0], strlen(ctl->arguments[0]));
    fputs(": work in it, or set OBS_WORKSPACE\n", stdout);
    if (options.mode == OBS_SHARED)
        print_trust(ctl->arguments[0]);
    return OBS_OK;
}

static void print_member(const char *group, const char *name, const json_t *value)
{
    char title[64];
    const char *member;
    json_t *inner;
    const char *text = json_string_value(value);
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, member, inner) print_member(name, member, inner);
        return;
    }
    snprintf(title, sizeof title, "%s%s%s", group, *group ? " " : "", name);
    printf("%-14s ", title);
    ctl_print_text(stdout, text ? text : "", text ? strlen(text) : 0);
    putchar('\n');
}

/* A JSON object as it is, or one member a line. */
static void print_members(ctl *ctl, const obs_buffer *buffer)
{
    json_t *object = json_loadb(obs_buffer_data(buffer), obs_buffer_size(buffer), 0, NULL);
    const char *name;
    json_t *value;
    if (ctl->json)
        ctl_print_json(json_incref(object));
    else
        json_object_foreach(object, name, value) print_member("", name, value);
    json_decref(object);
}

obs_status ctl_run_whoami(ctl *ctl)
{
    obs_buffer *buffer = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_client_whoami(&buffer, ctl->client, &ctl->error);
    if (status == OBS_OK)
        print_members(ctl, buffer);
    obs_buffer_free(buffer);
    return status;
}

static void print_part(const ctl *ctl, const json_t *part)
{
    const char *status = json_string_value(json_object_get(part, "status"));
    const char *name = json_string_value(json_object_get(part, "name"));
    const char *message = json_string_value(json_object_get(part, "message"));
    int good = status && strcmp(status, "ok") == 0;
    printf("%s%-4s%s %-12s ", ctl->color ? (good ? "\033[32m" : "\033[31m") : "", good ? "ok" : "BAD",
           ctl->color ? "\033[0m" : "", name ? name : "");
    ctl_print_text(stdout, message && *message ? message : "fine", message && *message ? strlen(message) : 4);
    putchar('\n');
}

obs_status ctl_run_doctor(ctl *ctl)
{
    obs_buffer *buffer = NULL;
    size_t index;
    json_t *part;
    if (ctl_get(ctl, "bundle"))
        return ctl_make_bundle(ctl, ctl_get(ctl, "bundle"));
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_client_health(&buffer, ctl->client, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return status;
    json_t *health = json_loadb(obs_buffer_data(buffer), obs_buffer_size(buffer), 0, NULL);
    const char *whole = json_string_value(json_object_get(health, "status"));
    int good = whole && strcmp(whole, "ok") == 0;
    if (ctl->json)
        ctl_print_json(json_incref(health));
    else
        json_array_foreach(json_object_get(health, "parts"), index, part) print_part(ctl, part);
    json_decref(health);
    obs_buffer_free(buffer);
    return good ? OBS_OK : ctl_fail(ctl, OBS_UNKNOWN, "some parts are not well: see the lines marked BAD");
}

static void print_finding(const json_t *row)
{
    static const char *const members[] = {"tenant", "key", "problem", "remedy"};
    const char *before = "";
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const json_t *value = json_object_get(row, members[i]);
        if (!json_string_length(value))
            continue;
        fputs(before, stdout);
        ctl_print_text(stdout, json_string_value(value), json_string_length(value));
        before = i < 2 ? ": " : "; ";
    }
    putchar('\n');
}

static void print_summary(const json_t *row)
{
    printf("%lld objects, %lld records, %lld bytes: %lld problems\n",
           (long long)json_integer_value(json_object_get(row, "objects")),
           (long long)json_integer_value(json_object_get(row, "records")),
           (long long)json_integer_value(json_object_get(row, "bytes")),
           (long long)json_integer_value(json_object_get(row, "problems")));
}

/* A finding, or the last row, which counts them. */
static json_int_t print_check_row(const ctl *ctl, const char *text, size_t size)
{
    json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    json_int_t problems = json_integer_value(json_object_get(row, "problems"));
    if (ctl->json)
        ctl_write_json(text, size);
    else if (json_object_get(row, "problem"))
        print_finding(row);
    else
        print_summary(row);
    json_decref(row);
    return problems;
}

obs_status ctl_run_check(ctl *ctl)
{
    obs_rows *rows = NULL;
    const char *text;
    size_t size;
    json_int_t problems = 0;
    int repair = ctl_get(ctl, "repair") != NULL;
    if (!ctl_get(ctl, "timeout"))
        ctl->call.timeout_ms = -1; /* all bytes are read */
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_workspace_check(&rows, ctl->client, repair ? OBS_CHECK_REPAIR : OBS_CHECK_ONLY, &ctl->call, &ctl->error);
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text)
        problems += print_check_row(ctl, text, size);
    obs_rows_free(rows);
    if (status == OBS_OK && problems)
        return ctl_fail(ctl, OBS_DATA_LOSS, "%lld problems were found: each line says what to do", (long long)problems);
    return status;
}

obs_status ctl_run_version(ctl *ctl)
{
    if (ctl->json)
        ctl_print_json(json_pack("{s:s}", "version", obs_sdk_version_text()));
    else
        printf("obsctl %s\n", obs_sdk_version_text());
    return OBS_OK;
}
