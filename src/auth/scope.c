#include "auth/scope.h"

#include <string.h>

#include "base/error.h"
#include "base/url.h"

static const struct {
    const char *name;
    obs__permission permission;
    char separator;
    unsigned includes; /* further permissions */
} rows[] = {
    {"storage.read", OBS__MAY_READ, '/', 0},
    {"storage.create", OBS__MAY_CREATE, '/', 0},
    {"storage.modify", OBS__MAY_MODIFY, '/', OBS__MAY_CREATE},
    {"storage.stage", OBS__MAY_STAGE, '/', OBS__MAY_READ},
    {"event.publish", OBS__MAY_PUBLISH, '.', 0},
    {"event.subscribe", OBS__MAY_SUBSCRIBE, '\0', 0},
    {"ingest.read", OBS__MAY_READ_INGEST, '\0', 0},
    {"ingest.create", OBS__MAY_INGEST, '\0', 0},
    {"ingest.modify", OBS__MAY_DEFINE, '\0', 0},
    {"config.read", OBS__MAY_READ_CONFIG, '\0', 0},
    {"config.modify", OBS__MAY_SET_CONFIG, '\0', 0},
    {"config.secret", OBS__MAY_SEE_SECRETS, '\0', 0},
    {"audit.read", OBS__MAY_READ_AUDIT, '\0', 0},
    {"audit.modify", OBS__MAY_SET_AUDIT, '\0', 0},
    {"tenant.read", OBS__MAY_READ_TENANTS, '\0', 0},
    {"tenant.create", OBS__MAY_MAKE_TENANTS, '\0', 0},
};
#define ROWS (sizeof rows / sizeof *rows)
#define NAME_MOST 32

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What a scope cannot hold (RFC 6749, section 3.3), and the sign of the escape itself. */
static int needs_escape(unsigned char c)
{
    return c <= 0x20 || c == '"' || c == '\\' || c == '%' || c >= 0x7F;
}

/* The next byte that a path means; returns how many bytes it is written with, 0 when wrongly. */
static size_t next_byte(unsigned char *out, const char *at, const char *end)
{
    *out = (unsigned char)*at;
    if (*at != '%')
        return !needs_escape(*out);
    if (end - at < 3 || hex_value(at[1]) < 0 || hex_value(at[2]) < 0)
        return 0;
    *out = (unsigned char)(hex_value(at[1]) << 4 | hex_value(at[2]));
    return needs_escape(*out) && *out >= 0x20 && *out != 0x7F ? 3 : 0;
}

/* Whether a text has a segment that is empty, `.` or `..`; a last empty one may be allowed. */
static int has_odd_segment(obs__view text, char separator, int may_end_empty)
{
    const char *end = text.data + text.size;
    for (const char *at = text.data;;) {
        const char *stop = memchr(at, separator, (size_t)(end - at));
        obs__view segment = {at, (size_t)((stop ? stop : end) - at)};
        if (segment.size ? obs__view_is(segment, ".") || obs__view_is(segment, "..") : stop || !may_end_empty)
            return 1;
        if (!stop)
            return 0;
        at = stop + 1;
    }
}

static const char *check_path(obs__view path, char separator)
{
    char plain[OBS__SCOPE_PATH_LIMIT] = "";
    size_t size = 0;
    const char *end = path.data + path.size;
    if (path.size > sizeof plain)
        return "its path is too long";
    if (!path.size || *path.data != '/')
        return "its path must begin with a slash";
    for (const char *at = path.data + 1; at < end; size++) {
        unsigned char byte = 0;
        size_t length = next_byte(&byte, at, end);
        if (!length)
            return "its path has a wrong character or escape: write %XX in capital letters, and only where it is needed";
        plain[size] = (char)byte;
        at += length;
    }
    if (!obs__utf8_valid(plain, size))
        return "its path is not UTF-8";
    return size && has_odd_segment((obs__view){plain, size}, separator, 0) ? "its path has an empty segment, '.' or '..'"
                                                                           : NULL;
}

static obs_status wrong(obs_error *error, obs__view name, const char *why)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "the scope '%.*s' is refused: %s", (int)name.size, name.data, why);
}

static obs_status unknown(obs_error *error, obs__view name)
{
    const char *names[ROWS + 1] = {0};
    char text[NAME_MOST + 1] = "";
    for (size_t i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    memcpy(text, name.data, name.size < NAME_MOST ? name.size : NAME_MOST);
    const char *near = obs__nearest(text, names);
    return obs__fail(error, OBS_INVALID_ARGUMENT,
                     near ? "there is no scope '%s': did you mean '%s'?" : "there is no scope '%s'", text, near);
}

obs_status obs__scope_read(obs__token_scope *out, obs__view text, obs_error *error)
{
    const char *colon = text.size ? memchr(text.data, ':', text.size) : NULL;
    obs__view name = {text.data, colon ? (size_t)(colon - text.data) : text.size};
    size_t row = 0;
    while (row < ROWS && !obs__view_is(name, rows[row].name))
        row++;
    if (row == ROWS)
        return unknown(error, name);
    *out = (obs__token_scope){rows[row].permission | rows[row].includes, rows[row].separator, {NULL, 0}};
    if (!out->separator)
        return colon ? wrong(error, name, "it has no path") : OBS_OK;
    if (!colon)
        return wrong(error, name, "it needs a path, as in storage.read:/raw");
    out->path = (obs__view){colon + 1, text.size - name.size - 1};
    if (out->path.size > 2 && out->separator == '/' && out->path.data[out->path.size - 1] == '/')
        out->path.size--;
    const char *why = check_path(out->path, out->separator);
    return why ? wrong(error, name, why) : OBS_OK;
}

static obs_status read_all(obs__token_scopes *out, obs__view text, int strictly, obs_error *error)
{
    const char *at = text.data, *end = text.data + text.size;
    out->count = out->ignored = 0;
    while (at < end) {
        obs__token_scope scope;
        const char *stop = memchr(at, ' ', (size_t)(end - at));
        obs__view one = {at, (size_t)((stop ? stop : end) - at)};
        at = stop ? stop + 1 : end;
        if (!one.size)
            continue;
        obs_status status = obs__scope_read(&scope, one, strictly ? error : NULL);
        if (status != OBS_OK && strictly)
            return status;
        if (status != OBS_OK)
            out->ignored++;
        else if (out->count == OBS__SCOPES_MOST)
            return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a token may have at most %d scopes", OBS__SCOPES_MOST);
        else
            out->list[out->count++] = scope;
    }
    return OBS_OK;
}

obs_status obs__scopes_read(obs__token_scopes *out, obs__view text, obs_error *error)
{
    return read_all(out, text, 0, error);
}

obs_status obs__scopes_read_strictly(obs__token_scopes *out, obs__view text, obs_error *error)
{
    return read_all(out, text, 1, error);
}

obs__permission obs__permission_of(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].permission;
    return 0;
}

/* What is behind the path in an object, or NULL when the object does not begin with it. */
static const char *behind(obs__view path, obs__view object)
{
    const char *at = path.data + 1, *path_end = path.data + path.size;
    const char *to = object.data, *end = object.data + object.size;
    for (unsigned char byte; at < path_end; to++) {
        at += next_byte(&byte, at, path_end);
        if (to == end || (unsigned char)*to != byte)
            return NULL;
    }
    return to;
}

static int covers(const obs__token_scope *scope, obs__view object, int is_prefix)
{
    if (!scope->separator || scope->path.size == 1)
        return 1;
    if (!object.size || has_odd_segment(object, scope->separator, is_prefix))
        return 0;
    const char *rest = behind(scope->path, object);
    if (!rest)
        return 0;
    return rest == object.data + object.size ? !is_prefix : *rest == scope->separator;
}

static int allow(const obs__token_scopes *scopes, obs__permission permission, obs__view object, int is_prefix)
{
    for (size_t i = 0; i < scopes->count; i++)
        if (scopes->list[i].permissions & permission && covers(&scopes->list[i], object, is_prefix))
            return 1;
    return 0;
}

int obs__scopes_allow(const obs__token_scopes *scopes, obs__permission permission, obs__view object)
{
    return allow(scopes, permission, object, 0);
}

int obs__scopes_allow_prefix(const obs__token_scopes *scopes, obs__permission permission, obs__view prefix)
{
    return allow(scopes, permission, prefix, 1);
}

/* Each path has one form, so that paths can be compared as they are written. */
static int is_within(const obs__token_scope *inner, const obs__token_scope *outer)
{
    if (inner->permissions & ~outer->permissions)
        return 0;
    if (!outer->separator || outer->path.size == 1)
        return 1;
    return obs__starts_with(inner->path, outer->path) &&
           (inner->path.size == outer->path.size || inner->path.data[outer->path.size] == outer->separator);
}

int obs__scopes_within(const obs__token_scopes *inner, const obs__token_scopes *outer)
{
    for (size_t i = 0; i < inner->count; i++) {
        size_t j = 0;
        while (j < outer->count && !is_within(&inner->list[i], &outer->list[j]))
            j++;
        if (j == outer->count)
            return 0;
    }
    return 1;
}
