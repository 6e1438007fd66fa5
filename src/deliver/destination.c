/* Reading one destination. */
#include "deliver/destination.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/secret.h"
#include "deliver/lines.h"
#include "net/http.h"

#define LABEL_SIZE 512
#define NAME_MAX_SIZE 64

static const obs__property table[OBS__TO_COUNT] = {
    [OBS__TO_NAME] = {.name = "name", .help = "How it is called; its consumer on the bus is `to.NAME`."},
    [OBS__TO_URL] = {.name = "url", .help = "`https://…` or `mailto:…`."},
    [OBS__TO_TENANT] = {.name = "tenant", .standard = "default", .help = "Whose events are delivered."},
    [OBS__TO_FILTER] = {.name = "filter", .help = "CloudEvents SQL: which events."},
    [OBS__TO_TYPE] = {.name = "type", .help = "Only events of this type; a final `*` means any ending."},
    [OBS__TO_SUBJECT] = {.name = "subject", .help = "Only events whose subject begins so."},
    [OBS__TO_FROM] = {.name = "from",
                      .type = OBS__PROPERTY_CHOICE,
                      .standard = "all",
                      .choices = "all now",
                      .help = "A new destination begins with all events that are kept, or with those from now on."},
    [OBS__TO_MODE] = {.name = "mode",
                      .type = OBS__PROPERTY_CHOICE,
                      .standard = "binary",
                      .choices = "binary structured batch",
                      .help = "How CloudEvents are sent; signed ones are `structured` unless it is said."},
    [OBS__TO_BATCH] = {.name = "batch",
                       .type = OBS__PROPERTY_INTEGER,
                       .standard = "100",
                       .least = "1",
                       .most = "1000",
                       .help = "The most events of one batch."},
    [OBS__TO_HANDSHAKE] = {.name = "handshake",
                           .type = OBS__PROPERTY_CHOICE,
                           .standard = "ask",
                           .choices = "ask off",
                           .help = "Whether the server is asked first if it wants these events, by OPTIONS."},
    [OBS__TO_ORIGIN] = {.name = "origin", .help = "Who asks it: a DNS name; else the name of this host."},
    [OBS__TO_CA] = {.name = "ca", .help = "A file of the certificates that are believed, in place of the system's."},
    [OBS__TO_TIMEOUT] = {.name = "timeout",
                         .type = OBS__PROPERTY_DURATION,
                         .standard = "30s",
                         .least = "100ms",
                         .most = "10m",
                         .help = "How long one delivery may take."},
    [OBS__TO_RETRY] = {.name = "retry",
                       .type = OBS__PROPERTY_DURATION,
                       .standard = "1s",
                       .least = "1ms",
                       .most = "1d",
                       .help = "After this an event is tried again; doubled each time."},
    [OBS__TO_RETRY_MOST] = {.name = "retry_most",
                            .type = OBS__PROPERTY_DURATION,
                            .standard = "5m",
                            .least = "1ms",
                            .most = "1d",
                            .help = "It never waits longer."},
    [OBS__TO_TRIES] = {.name = "tries",
                       .type = OBS__PROPERTY_INTEGER,
                       .standard = "20",
                       .least = "1",
                       .most = "100000",
                       .help = "An event that failed so often becomes a dead letter."},
    [OBS__TO_SUSPEND_AFTER] = {.name = "suspend.after",
                               .type = OBS__PROPERTY_INTEGER,
                               .standard = "5",
                               .least = "1",
                               .most = "100000",
                               .help = "So many failures in a row suspend the destination."},
    [OBS__TO_SUSPEND_FOR] = {.name = "suspend.for",
                             .type = OBS__PROPERTY_DURATION,
                             .standard = "10m",
                             .least = "1ms",
                             .most = "7d",
                             .help = "After this one event is tried."},
    [OBS__TO_SUSPEND_MOST] = {.name = "suspend.most",
                              .type = OBS__PROPERTY_DURATION,
                              .standard = "7d",
                              .least = "0s",
                              .most = "3650d",
                              .help = "While a destination is suspended no event is given up, up to this long."},
};

const obs__property *obs__destination_table(void)
{
    return table;
}

static obs_status set(obs__destination *to, obs__to which, const char *text, obs_error *error)
{
    char *copy = obs__strdup(text);
    if (!copy)
        return obs__fail_memory(error);
    obs__free(to->texts[which]);
    to->texts[which] = copy;
    return obs__properties_set(to->values, table, OBS__TO_COUNT, table[which].name, copy, error);
}

/* A text, or a number as it would be written. */
static obs_status set_named(obs__destination *to, const char *name, const json_t *value, obs_error *error)
{
    char number[32];
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = number;
    }
    if (!text || !*text)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' needs a value", name);
    for (size_t i = 0; i < OBS__TO_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return set(to, (obs__to)i, text, error);
    obs__value ignored[OBS__TO_COUNT];
    return obs__properties_set(ignored, table, OBS__TO_COUNT, name, text, error); /* says what is known */
}

static obs_status read_suspend(obs__destination *to, const json_t *value, obs_error *error)
{
    const char *key;
    json_t *member;
    obs_status status = OBS_OK;
    if (!json_is_object(value))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'suspend' is a mapping, as in {after: 5, for: 10m}");
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        char name[64];
        snprintf(name, sizeof name, "suspend.%.48s", key);
        if (status == OBS_OK)
            status = set_named(to, name, member, error);
    }
    return status;
}

static obs_status read_allow(obs__destination *to, const json_t *value, obs_error *error)
{
    int is_list = json_is_array(value);
    size_t count = is_list ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(is_list ? json_array_get(value, i) : value);
        if (text && strcmp(text, "private") == 0)
            to->allow_private = 1;
        else if (text && strcmp(text, "plain") == 0)
            to->allow_plain = 1;
        else
            return obs__fail(error, OBS_INVALID_ARGUMENT, "'allow' is a list of 'private' and 'plain'");
    }
    return OBS_OK;
}

obs_status obs__secret_line(char **out, const char *name, const json_t *value, obs_error *error)
{
    const char *text = json_string_value(value);
    if (text && (*out = obs__secret_name(text)))
        return OBS_OK;
    return obs__fail(error, OBS_INVALID_ARGUMENT,
                     "'%s' names a secret, as in '${secret:env:HOOK_KEY}' or '${secret:file:/run/secrets/hook}'", name);
}

static obs_status read_sign(obs__destination *to, const json_t *value, obs_error *error)
{
    int is_list = json_is_array(value);
    size_t count = is_list ? json_array_size(value) : 1;
    obs_status status = OBS_OK;
    if (!count || count > OBS__SIGN_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'sign' is a secret, or two while it is rotated: the new one, the old one");
    for (size_t i = 0; i < count && status == OBS_OK; i++)
        status = obs__secret_line(&to->sign[i], "sign", is_list ? json_array_get(value, i) : value, error);
    return status;
}

static obs_status read_member(obs__destination *to, const char *key, const json_t *value, obs_error *error)
{
    if (strcmp(key, "suspend") == 0)
        return read_suspend(to, value, error);
    if (strcmp(key, "allow") == 0)
        return read_allow(to, value, error);
    if (strcmp(key, "sign") == 0)
        return read_sign(to, value, error);
    if (strcmp(key, "token") == 0)
        return obs__secret_line(&to->token, "token", value, error);
    return set_named(to, key, value, error);
}

static obs_status check_name(const obs__destination *to, obs_error *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *name = obs__to_text(to, OBS__TO_NAME);
    size_t size = name ? strlen(name) : 0;
    if (!size || size > NAME_MAX_SIZE || strspn(name, allowed) != size)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a destination needs a 'name': 1 to %d of A-Z a-z 0-9 . _ -",
                         NAME_MAX_SIZE);
    return OBS_OK;
}

obs_status obs__mail_address_check(const char *address, obs_error *error)
{
    const char *at = strchr(address, '@');
    if (!at || at == address || !at[1] || strlen(address) > 254 || strpbrk(address, " \t\r\n<>\"\\,;:") || strchr(at + 1, '@'))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.100s' is no mail address, as in night@example.org", address);
    return OBS_OK;
}

static obs_status check_url(obs__destination *to, obs_error *error)
{
    obs__url *url = NULL;
    char label[LABEL_SIZE];
    const char *text = obs__to_text(to, OBS__TO_URL);
    if (!text)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a destination needs a 'url', as in https://example.org/hook");
    to->is_mail = strncmp(text, "mailto:", 7) == 0;
    if (to->is_mail) {
        to->label = obs__strdup(text);
        return to->label ? obs__mail_address_check(text + 7, error) : obs__fail_memory(error);
    }
    obs_status status = obs__url_parse(&url, text, OBS_TEXT, error);
    if (status == OBS_OK && strcmp(url->scheme, "http") == 0 && !to->allow_plain)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "events go out encrypted: write https://, or add 'allow: [plain]'");
    if (status == OBS_OK)
        status = obs__http_check_plain(url, to->allow_plain, error);
    if (status == OBS_OK) {
        obs__url_print(label, sizeof label, url);
        to->label = obs__strdup(label);
    }
    obs__url_free(url);
    return status == OBS_OK && !to->label ? obs__fail_memory(error) : status;
}

/* A signature is over the body only: there the attributes must be. */
static obs_status choose_mode(obs__destination *to, obs_error *error)
{
    if (to->sign[0] && !to->values[OBS__TO_MODE].is_set)
        return set(to, OBS__TO_MODE, "structured", error);
    return OBS_OK;
}

static obs_status finish(obs__destination *to, obs_error *error)
{
    obs_status status = check_name(to, error);
    if (status == OBS_OK)
        status = check_url(to, error);
    if (status == OBS_OK)
        status = choose_mode(to, error);
    if (status != OBS_OK)
        return status;
    const char *name = obs__to_text(to, OBS__TO_NAME);
    if (!(to->consumer = obs__alloc(strlen(name) + 4)))
        return obs__fail_memory(error);
    sprintf(to->consumer, "to.%s", name);
    return OBS_OK;
}

/* An administrator has no name in obs.yaml: its consumer must be the same whatever the order of the lines. */
static obs_status name_administrator(obs__destination *to, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char name[32] = "administrator.", filter[160];
    const char *url = obs__to_text(to, OBS__TO_URL);
    if (!url)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an administrator needs a 'url', as in mailto:night@example.org");
    obs_status status = obs__sha256(hash, url, strlen(url), error);
    if (status != OBS_OK)
        return status;
    obs__hex(name + strlen(name), hash, 4);
    /* What is wrong with its own post box the others are told. */
    snprintf(filter, sizeof filter, "type LIKE '" OBS__INCIDENT_TYPE "%%' AND subject <> '%s'", name);
    status = set(to, OBS__TO_NAME, name, error);
    if (status == OBS_OK)
        status = set(to, OBS__TO_FILTER, filter, error);
    return status == OBS_OK ? set(to, OBS__TO_FROM, "now", error) : status;
}

obs_status obs__destination_read(obs__destination *out, const json_t *value, int is_administrator, obs_error *error)
{
    const char *key;
    json_t *member;
    obs_status status = obs__properties_init(out->values, table, OBS__TO_COUNT, error);
    out->is_administrator = is_administrator;
    if (status == OBS_OK && is_administrator && json_is_string(value))
        status = set_named(out, "url", value, error);
    else if (status == OBS_OK && !json_is_object(value))
        status = obs__fail(error, OBS_INVALID_ARGUMENT,
                           "a destination is expected here, as in {name: alerts, url: "
                           "'https://example.org/hook'}");
    else if (status == OBS_OK)
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
        {
            if (status == OBS_OK)
                status = read_member(out, key, member, error);
        }
    if (status == OBS_OK && is_administrator)
        status = name_administrator(out, error);
    return status == OBS_OK ? finish(out, error) : status;
}

void obs__destination_free(obs__destination *to)
{
    for (size_t i = 0; i < OBS__TO_COUNT; i++)
        obs__free(to->texts[i]);
    for (size_t i = 0; i < OBS__SIGN_MAX; i++)
        obs__free(to->sign[i]);
    obs__free(to->token);
    obs__free(to->consumer);
    obs__free(to->label);
}
