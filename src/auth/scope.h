/*
 * Scopes of tokens, in the form of the WLCG Common JWT Profiles: `storage.read:/raw storage.create:/products config.read`.
 *
 * A path is that of a key with a slash in front, an event type likewise (`event.publish:/org.example.product`), and covers what
 * lies below it by whole segments: `/raw` covers `raw` and `raw/x`, not `rawdata`. `/` covers everything. Bytes that a scope
 * cannot hold (blank, quotation mark, backslash, beyond ASCII) and the percent sign are written %XX in capital letters, all
 * others never, so that a path has one form; `.`, `..` and empty segments are refused, and keys that have such segments are
 * covered by `/` alone. Reading and matching allocate nothing.
 */
#ifndef OBS_AUTH_SCOPE_H
#define OBS_AUTH_SCOPE_H

#include "base/text.h"

#define OBS__SCOPES_MOST 64
#define OBS__SCOPE_PATH_LIMIT 2048

/* One bit each. */
typedef enum obs__permission {
    OBS__MAY_READ = 0x0001,
    OBS__MAY_CREATE = 0x0002, /* new keys; never replaces or removes */
    OBS__MAY_MODIFY = 0x0004,
    OBS__MAY_STAGE = 0x0008,
    OBS__MAY_PUBLISH = 0x0010,
    OBS__MAY_SUBSCRIBE = 0x0020,
    OBS__MAY_READ_INGEST = 0x0040,
    OBS__MAY_INGEST = 0x0080,
    OBS__MAY_DEFINE = 0x0100, /* data definitions */
    OBS__MAY_READ_CONFIG = 0x0200,
    OBS__MAY_SET_CONFIG = 0x0400,
    OBS__MAY_SEE_SECRETS = 0x0800,
    OBS__MAY_READ_AUDIT = 0x1000,
    OBS__MAY_SET_AUDIT = 0x2000, /* its policy, erasing, sealing */
    OBS__MAY_READ_TENANTS = 0x4000,
    OBS__MAY_MAKE_TENANTS = 0x8000
} obs__permission;

typedef struct obs__token_scope {
    unsigned permissions; /* of obs__permission: its own, and those that it includes */
    char separator;       /* of segments; '\0': it has no path */
    obs__view path;       /* without a final slash, except for `/` itself; borrowed */
} obs__token_scope;

typedef struct obs__token_scopes {
    size_t count;
    size_t ignored;
    obs__token_scope list[OBS__SCOPES_MOST];
} obs__token_scopes;

/* One scope. OBS_INVALID_ARGUMENT says what is wrong, with the nearest name. */
obs_status obs__scope_read(obs__token_scope *out, obs__view text, obs_error *error);
/* Scopes separated by blanks, of a token that was issued elsewhere: unknown and wrong ones grant nothing and are counted. */
obs_status obs__scopes_read(obs__token_scopes *out, obs__view text, obs_error *error);
/* The same for a token that is to be issued: each must be right. */
obs_status obs__scopes_read_strictly(obs__token_scopes *out, obs__view text, obs_error *error);

/* The permission that a scope is named for, as decide.h asks for it; 0 for an unknown name. */
obs__permission obs__permission_of(const char *name);

/* Whether one of the scopes has the permission for an object: a key, an event type; ignored where there is no path. */
int obs__scopes_allow(const obs__token_scopes *scopes, obs__permission permission, obs__view object);
/* The same for all that begins with a prefix, as in listing: `raw` needs `/`, as `rawdata` begins with it, too; `raw/` not. */
int obs__scopes_allow_prefix(const obs__token_scopes *scopes, obs__permission permission, obs__view prefix);
/* Whether everything that `inner` allows is allowed by `outer`: who hands on a right must have it. */
int obs__scopes_within(const obs__token_scopes *inner, const obs__token_scopes *outer);

#endif
