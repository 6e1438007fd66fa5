/* Taking URLs apart (RFC 3986). One copy of the text is cut up and decoded in place. */
#include "base/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"

struct parsed {
    obs__url url;
    char text[];
};

/* Decodes %XX in place; 0 for a broken escape or one that stands for NUL. */
static int decode(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (*at == '%') {
            if (!at[1] || !at[2] || !obs__unhex(&byte, 1, at + 1) || byte == 0)
                return 0;
            at += 2;
        }
        *out++ = (char)byte;
    }
    *out = '\0';
    return obs__utf8_valid(text, (size_t)(out - text));
}

static obs_status decode_part(char *text, const char *part, obs_error *error)
{
    return decode(text) ? OBS_OK
                        : obs__fail(error, OBS_INVALID_ARGUMENT, "the %s of a URL has a '%%' escape that cannot be read", part);
}

static int is_reference(const char *value)
{
    return strncmp(value, "${", 2) == 0 && value[strlen(value) - 1] == '}';
}

/* Names of settings whose values are nobody's business. */
static int is_secret_name(const char *name)
{
    static const char *const words[] = {"password", "passwd", "secret", "token", "signature", "credential", "apikey"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(name, words[i]))
            return 1;
    size_t size = strlen(name);
    const char *end = size >= 3 ? name + size - 3 : "";
    return strcasecmp(name, "sig") == 0 || (strcasecmp(end, "key") == 0 && (size == 3 || end[-1] == '_' || end[-1] == '-'));
}

/* Cuts the text at the first of `set`: what stood there, or 0. *rest is what follows. */
static char cut(char *text, const char *set, char **rest)
{
    char *at = strpbrk(text, set);
    char found = at ? *at : '\0';
    *rest = at ? at + 1 : text + strlen(text);
    if (at)
        *at = '\0';
    return found;
}

static obs_status read_scheme(obs__url *url, char **text, obs_error *error)
{
    char *rest;
    url->scheme = *text;
    if (cut(*text, ":", &rest) != ':' || !**text)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "a URL begins with its scheme, as in 'file:store' or 's3://bucket/prefix'");
    for (char *at = *text; *at; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
        int letter = *at >= 'a' && *at <= 'z';
        if (!letter && (at == *text || !strchr("0123456789+-.", *at)))
            return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' is not the scheme of a URL", *text);
    }
    *text = rest;
    return OBS_OK;
}

static obs_status read_user(obs__url *url, char **authority, obs_error *error)
{
    char *at = strrchr(*authority, '@');
    char *password;
    if (!at)
        return OBS_OK;
    *at = '\0';
    url->user = *authority;
    int has_password = cut(*authority, ":", &password) == ':';
    *authority = at + 1;
    if (has_password && !is_reference(password))
        return obs__fail(
            error, OBS_INVALID_ARGUMENT,
            "a password does not belong in a URL: write '%s://…:${secret:%s-password}@…' and keep it as that secret",
            url->scheme, url->scheme);
    if (has_password)
        url->password = password;
    return decode_part((char *)(uintptr_t)url->user, "user", error);
}

static obs_status read_port(obs__url *url, const char *text, obs_error *error)
{
    int port = 0;
    for (const char *at = text; *at; at++) {
        port = *at >= '0' && *at <= '9' ? port * 10 + (*at - '0') : 65536;
        if (port > 65535)
            return obs__fail(error, OBS_INVALID_ARGUMENT, "the port of a URL is a number from 1 to 65535");
    }
    if (*text && port == 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the port of a URL is a number from 1 to 65535");
    url->port = port;
    return OBS_OK;
}

static obs_status read_host(obs__url *url, char *text, obs_error *error)
{
    char *port;
    if (*text == '[') {
        if (cut(++text, "]", &port) != ']' || (*port && *port != ':') ||
            strspn(text, "0123456789abcdefABCDEF:.") != strlen(text))
            return obs__fail(error, OBS_INVALID_ARGUMENT, "the host of a URL begins with '[' and is not an IPv6 address");
        port += *port == ':';
    } else if (strchr(text, ','))
        port = text + strlen(text); /* a list of hosts with their ports is for its driver to take apart */
    else
        cut(text, ":", &port);
    url->host = text;
    for (char *at = text; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    obs_status status = read_port(url, port, error);
    return status == OBS_OK ? decode_part(text, "host", error) : status;
}

static obs_status add_setting(obs__url *url, char *name, obs_error *error)
{
    char *value;
    cut(name, "=", &value);
    obs_status status = decode_part(name, "query", error);
    if (status == OBS_OK)
        status = decode_part(value, "query", error);
    if (status != OBS_OK)
        return status;
    if (obs__url_setting(url, name))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the setting '%.64s' is there twice in a URL", name);
    if (*value && is_secret_name(name) && !is_reference(value))
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'%.64s' does not belong in a URL: write '%.64s=${secret:%s-%.64s}' and keep it as that secret", name,
                         name, url->scheme, name);
    if (url->setting_count == OBS__URL_SETTINGS)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a URL has at most %d settings", OBS__URL_SETTINGS);
    url->settings[url->setting_count++] = (obs__setting){name, value};
    return OBS_OK;
}

static obs_status read_query(obs__url *url, char *text, obs_error *error)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK && *text) {
        char *rest;
        cut(text, "&", &rest);
        if (*text)
            status = add_setting(url, text, error);
        text = rest;
    }
    return status;
}

/* Everything behind the scheme. The authority is moved one byte to the left, over the second slash, to make room for the NUL
 * between it and the path, whose first slash belongs to it. */
static obs_status read_rest(obs__url *url, char *text, obs_error *error)
{
    char *query;
    char *fragment;
    obs_status status = OBS_OK;
    cut(text, "#", &fragment);
    cut(text, "?", &query);
    url->fragment = fragment;
    if (text[0] == '/' && text[1] == '/') {
        char *authority = text + 1;
        size_t size = strcspn(text + 2, "/");
        memmove(authority, text + 2, size);
        authority[size] = '\0';
        text += 2 + size;
        status = read_user(url, &authority, error);
        if (status == OBS_OK)
            status = read_host(url, authority, error);
    }
    url->path = text;
    if (status == OBS_OK)
        status = decode_part(text, "path", error);
    if (status == OBS_OK)
        status = decode_part(fragment, "fragment", error);
    return status == OBS_OK ? read_query(url, query, error) : status;
}

static obs_status check_text(obs__view view, obs_error *error)
{
    if (view.size > OBS__URL_LIMIT)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a URL has at most %d bytes", OBS__URL_LIMIT);
    if (!obs__utf8_valid(view.data, view.size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a URL is not valid UTF-8");
    for (size_t i = 0; i < view.size; i++)
        if ((unsigned char)view.data[i] <= ' ' || view.data[i] == 0x7F)
            return obs__fail(error, OBS_INVALID_ARGUMENT, "a URL contains a blank or a control character: write it as %%%02X",
                             (unsigned char)view.data[i]);
    return OBS_OK;
}

obs_status obs__url_parse(obs__url **out, const char *text, size_t size, obs_error *error)
{
    obs__view view = obs__view_of(text, size);
    *out = NULL;
    obs_status status = check_text(view, error);
    if (status != OBS_OK)
        return status;
    struct parsed *parsed = obs__calloc(1, sizeof *parsed + view.size + 1);
    if (!parsed)
        return obs__fail_memory(error);
    memcpy(parsed->text, view.data, view.size);
    char *rest = parsed->text;
    parsed->url.user = parsed->url.password = parsed->url.host = parsed->url.path = parsed->url.fragment = "";
    status = read_scheme(&parsed->url, &rest, error);
    if (status == OBS_OK)
        status = read_rest(&parsed->url, rest, error);
    if (status == OBS_OK)
        *out = &parsed->url;
    else
        obs__free(parsed);
    return status;
}

void obs__url_free(obs__url *url)
{
    obs__free(url); /* the first member of struct parsed */
}

const char *obs__url_setting(const obs__url *url, const char *name)
{
    for (size_t i = 0; i < url->setting_count; i++)
        if (strcmp(url->settings[i].name, name) == 0)
            return url->settings[i].value;
    return NULL;
}

void obs__url_print(char *out, size_t capacity, const obs__url *url)
{
    char raw[OBS__URL_LIMIT + 64];
    int v6 = strchr(url->host, ':') != NULL && strchr(url->host, ',') == NULL;
    int size =
        snprintf(raw, sizeof raw, "%s:%s%s%s%s", url->scheme, *url->host ? "//" : "", v6 ? "[" : "", url->host, v6 ? "]" : "");
    if (url->port)
        size += snprintf(raw + size, sizeof raw - (size_t)size, ":%d", url->port);
    size += snprintf(raw + size, sizeof raw - (size_t)size, "%s", url->path);
    obs__escape_display(out, capacity, raw, (size_t)size);
}

static int is_separator(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Whether a URL begins here: a scheme, a colon, and not the port of a host in a list. */
static int begins_url(const char *at, const char *end)
{
    while (at < end && is_separator(*at))
        at++;
    const char *start = at;
    while (at < end && ((*at | 0x20) >= 'a' ? (*at | 0x20) <= 'z' : at > start && strchr("0123456789+-.", *at) && *at))
        at++;
    return at == end || (at > start && *at == ':' && (at + 1 == end || at[1] < '0' || at[1] > '9'));
}

obs__view obs__url_next(obs__view *rest)
{
    const char *at = rest->data;
    const char *end = rest->data + rest->size;
    while (at < end && (is_separator(*at) || *at == ','))
        at++;
    const char *start = at;
    while (at < end && !is_separator(*at) && !(*at == ',' && begins_url(at + 1, end)))
        at++;
    rest->data = at;
    rest->size = (size_t)(end - at);
    return (obs__view){start, (size_t)(at - start)};
}
