#include "auth/members.h"

#include "base/error.h"

int obs__members_begin(obs__members *members, const char *text, size_t size)
{
    members->count = 0;
    members->name_size = 0;
    obs__json_begin(&members->json, text, size);
    return obs__json_enter(&members->json, '{');
}

/* FNV-1a. Whoever makes two names collide only makes the own token invalid. */
static uint64_t hash_of(const char *name, size_t size)
{
    uint64_t hash = 0xCBF29CE484222325;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001B3;
    return hash;
}

int obs__members_next(obs__members *members)
{
    obs__json_text name;
    if (!obs__json_member(&members->json, &name))
        return 0;
    if (name.raw.size > sizeof members->name || members->count == OBS__MEMBERS_MOST) {
        obs__json_fault(&members->json, name.raw.data, "too many members, or one with a long name");
        return 0;
    }
    members->name_size = obs__json_unescape(members->name, name);
    uint64_t hash = hash_of(members->name, members->name_size);
    for (size_t i = 0; i < members->count; i++)
        if (members->seen[i] == hash) {
            obs__json_fault(&members->json, name.raw.data, "a member stands there twice");
            return 0;
        }
    members->seen[members->count++] = hash;
    return 1;
}

int obs__members_is(const obs__members *members, const char *name)
{
    return obs__view_is((obs__view){members->name, members->name_size}, name);
}

int obs__members_text(obs__members *members, obs__json_text *out)
{
    return obs__json_string(&members->json, out);
}

obs_status obs__members_end(obs__members *members, const char *what, obs_error *error)
{
    int line, column;
    if (obs__json_end(&members->json))
        return OBS_OK;
    obs__json_place(&members->json, members->json.at, &line, &column);
    obs__fail(error, OBS_UNAUTHENTICATED, "%s is no strict JSON object: line %d, column %d: %s", what, line, column,
              members->json.fault);
    obs__at(error, line, column);
    return OBS_UNAUTHENTICATED;
}
