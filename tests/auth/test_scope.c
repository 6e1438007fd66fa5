#include "auth/scope.h"

#include <stdio.h>
#include <string.h>

#include "auth/decide.h"
#include "support.h"

static obs_error error;

static obs__view view(const char *text)
{
    return obs__view_of(text, OBS_TEXT);
}

START_TEST(what_is_covered)
{
    static const struct {
        const char *scopes;
        obs__permission permission;
        const char *object;
        int allowed;
    } rows[] = {
        {"storage.read:/", OBS__MAY_READ, "raw/x", 1},
        {"storage.read:/", OBS__MAY_READ, "a//b/../c", 1}, /* `/` is everything, however it is called */
        {"storage.read:/", OBS__MAY_CREATE, "raw/x", 0},
        {"storage.read:/raw", OBS__MAY_READ, "raw", 1},
        {"storage.read:/raw", OBS__MAY_READ, "raw/x/y", 1},
        {"storage.read:/raw/", OBS__MAY_READ, "raw/x", 1},
        {"storage.read:/raw", OBS__MAY_READ, "rawdata", 0},
        {"storage.read:/raw", OBS__MAY_READ, "rawdata/x", 0},
        {"storage.read:/raw", OBS__MAY_READ, "ra", 0},
        {"storage.read:/raw", OBS__MAY_READ, "", 0},
        {"storage.read:/raw", OBS__MAY_READ, "Raw/x", 0},
        {"storage.read:/raw", OBS__MAY_READ, "/raw/x", 0},
        {"storage.read:/raw", OBS__MAY_READ, "raw/../secret", 0},
        {"storage.read:/raw", OBS__MAY_READ, "raw/./x", 0},
        {"storage.read:/raw", OBS__MAY_READ, "raw//x", 0},
        {"storage.read:/raw", OBS__MAY_READ, "raw/..", 0},
        {"storage.read:/raw", OBS__MAY_READ, "raw/", 0},
        {"storage.read:/raw", OBS__MAY_READ, "raw/..x", 1},
        {"storage.read:/raw", OBS__MAY_READ, "raw%2Fx", 0},
        {"storage.read:/raw/2026-11-20", OBS__MAY_READ, "raw/2026-11-20/ccd.fits", 1},
        {"storage.read:/raw/2026-11-20", OBS__MAY_READ, "raw/2026-11-21/ccd.fits", 0},
        {"storage.read:/a%20b", OBS__MAY_READ, "a b/c", 1},
        {"storage.read:/a%20b", OBS__MAY_READ, "a%20b/c", 0},
        {"storage.read:/a%25b", OBS__MAY_READ, "a%b", 1},
        {"storage.read:/%C3%A9", OBS__MAY_READ, "\xC3\xA9/x", 1},
        {"storage.create:/p", OBS__MAY_CREATE, "p/x", 1},
        {"storage.create:/p", OBS__MAY_MODIFY, "p/x", 0},
        {"storage.create:/p", OBS__MAY_READ, "p/x", 0},
        {"storage.modify:/p", OBS__MAY_CREATE, "p/x", 1},
        {"storage.modify:/p", OBS__MAY_MODIFY, "p/x", 1},
        {"storage.modify:/p", OBS__MAY_READ, "p/x", 0},
        {"storage.stage:/p", OBS__MAY_READ, "p/x", 1},
        {"storage.read:/p", OBS__MAY_STAGE, "p/x", 0},
        {"storage.read:/a storage.read:/b", OBS__MAY_READ, "b/x", 1},
        {"storage.read:/a  storage.create:/b ", OBS__MAY_READ, "b/x", 0},
        {"event.publish:/org.example", OBS__MAY_PUBLISH, "org.example.product.created", 1},
        {"event.publish:/org.example", OBS__MAY_PUBLISH, "org.example", 1},
        {"event.publish:/org.example", OBS__MAY_PUBLISH, "org.examples", 0},
        {"event.publish:/org.example", OBS__MAY_PUBLISH, "org.example/x", 0},
        {"event.publish:/", OBS__MAY_PUBLISH, "anything", 1},
        {"event.subscribe", OBS__MAY_SUBSCRIBE, "x", 1},
        {"event.subscribe", OBS__MAY_PUBLISH, "x", 0},
        {"config.read", OBS__MAY_READ_CONFIG, "ccd.gain", 1},
        {"config.read", OBS__MAY_SET_CONFIG, "ccd.gain", 0},
        {"config.modify", OBS__MAY_READ_CONFIG, "ccd.gain", 0},
        {"config.read config.modify", OBS__MAY_SEE_SECRETS, "ccd.gain", 0},
        {"ingest.create", OBS__MAY_INGEST, "", 1},
        {"ingest.create", OBS__MAY_DEFINE, "", 0},
        {"audit.read", OBS__MAY_READ_AUDIT, "", 1},
        {"audit.read", OBS__MAY_SET_AUDIT, "", 0},
        {"audit.modify", OBS__MAY_READ_AUDIT, "", 0},
        {"tenant.read", OBS__MAY_MAKE_TENANTS, "", 0},
        {"tenant.create", OBS__MAY_READ, "x", 0},
        {"", OBS__MAY_READ, "x", 0},
        {"openid profile compute.read storage.read:/../x storage.read", OBS__MAY_READ, "x", 0},
    };
    obs__token_scopes scopes;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_ok(obs__scopes_read(&scopes, view(rows[i].scopes), &error));
        ck_assert_msg(obs__scopes_allow(&scopes, rows[i].permission, view(rows[i].object)) == rows[i].allowed, "%s: %s",
                      rows[i].scopes, rows[i].object);
    }
}
END_TEST

/* Whatever an action asks for can be granted. */
START_TEST(all_that_is_asked_for)
{
    static const obs__role roles[] = {OBS__ROLE_DATA, OBS__ROLE_OPERATOR, OBS__ROLE_AUDITOR};
    const obs__need *need;
    obs__token_scopes scopes;
    unsigned granted = 0;
    size_t count = 0;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        ck_assert_ok(obs__scopes_read_strictly(&scopes, view(obs__auth_role_scopes(roles[i])), &error));
        for (size_t at = 0; at < scopes.count; at++)
            granted |= scopes.list[at].permissions;
    }
    for (size_t i = 0; (need = obs__need_at(i)); i++)
        if (need->permission && need->permission != OBS__NO_SCOPE) {
            ck_assert_msg(((need->permission | need->instead) & ~granted) == 0, "%s", need->action);
            count++;
        }
    ck_assert_uint_gt(count, 20);
    ck_assert_int_eq(obs__permission_of("storage.write"), 0);
}
END_TEST

START_TEST(what_may_be_listed)
{
    static const struct {
        const char *scopes, *prefix;
        int allowed;
    } rows[] = {
        {"storage.read:/", "", 1},          {"storage.read:/raw", "", 0},          {"storage.read:/raw", "raw", 0},
        {"storage.read:/raw", "raw/", 1},   {"storage.read:/raw", "raw/2026-", 1}, {"storage.read:/raw", "rawdata/", 0},
        {"storage.read:/raw", "ra", 0},     {"storage.read:/raw", "raw//", 0},     {"storage.read:/raw", "raw/../", 0},
        {"storage.read:/raw/a", "raw/", 0}, {"storage.read:/raw/a", "raw/a/", 1},
    };
    obs__token_scopes scopes;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_ok(obs__scopes_read(&scopes, view(rows[i].scopes), &error));
        ck_assert_msg(obs__scopes_allow_prefix(&scopes, OBS__MAY_READ, view(rows[i].prefix)) == rows[i].allowed, "%s: %s",
                      rows[i].scopes, rows[i].prefix);
    }
}
END_TEST

START_TEST(scopes_that_are_refused)
{
    static const struct {
        const char *scope, *why;
    } rows[] = {
        {"storage.raed:/raw", "did you mean 'storage.read'"},
        {"storage.write:/raw", "there is no scope 'storage.write'"},
        {"Storage.read:/raw", "there is no scope"},
        {"storage.read", "needs a path"},
        {"storage.read:", "begin with a slash"},
        {"storage.read:raw", "begin with a slash"},
        {"storage.read://", "empty segment"},
        {"storage.read://raw", "empty segment"},
        {"storage.read:/raw//x", "empty segment"},
        {"storage.read:/raw//", "empty segment"},
        {"storage.read:/..", "empty segment"},
        {"storage.read:/raw/..", "empty segment"},
        {"storage.read:/raw/../x", "empty segment"},
        {"storage.read:/./raw", "empty segment"},
        {"storage.read:/raw%2Fx", "escape"},
        {"storage.read:/raw%2fx", "escape"},
        {"storage.read:/%2E%2E/x", "escape"},
        {"storage.read:/%2e%2e/x", "escape"},
        {"storage.read:/raw%00", "escape"},
        {"storage.read:/raw%0A", "escape"},
        {"storage.read:/raw%7F", "escape"},
        {"storage.read:/raw%", "escape"},
        {"storage.read:/raw%2", "escape"},
        {"storage.read:/raw%GG", "escape"},
        {"storage.read:/%c3%a9", "escape"},
        {"storage.read:/%61", "escape"},
        {"storage.read:/%C0%AF", "not UTF-8"},
        {"storage.read:/%FF", "not UTF-8"},
        {"storage.read:/r\xC3\xA9", "wrong character"},
        {"storage.read:/a\\b", "wrong character"},
        {"storage.read:/a\"b", "wrong character"},
        {"storage.read:/a\tb", "wrong character"},
        {"event.publish:/org..x", "empty segment"},
        {"event.publish:/org.", "empty segment"},
        {"event.subscribe:/x", "has no path"},
        {"config.read:/", "has no path"},
    };
    obs__token_scopes scopes;
    char longest[3000] = "storage.read:/";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(obs__scopes_read_strictly(&scopes, view(rows[i].scope), &error), OBS_INVALID_ARGUMENT);
        ck_assert_msg(strstr(error.message, rows[i].why) != NULL, "'%s' for %s", error.message, rows[i].scope);
        ck_assert_ok(obs__scopes_read(&scopes, view(rows[i].scope), &error));
        ck_assert_uint_eq(scopes.count, 0);
        ck_assert_uint_eq(scopes.ignored, 1);
    }
    memset(longest + 14, 'x', 2500);
    ck_assert_int_eq(obs__scopes_read_strictly(&scopes, view(longest), &error), OBS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(not_too_many)
{
    char text[2000] = "";
    obs__token_scopes scopes;
    for (int i = 0; i < OBS__SCOPES_MOST; i++)
        strcat(text, "config.read ");
    ck_assert_ok(obs__scopes_read(&scopes, view(text), &error));
    ck_assert_uint_eq(scopes.count, OBS__SCOPES_MOST);
    strcat(text, "storage.read:/");
    ck_assert_int_eq(obs__scopes_read(&scopes, view(text), &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(obs__scopes_read_strictly(&scopes, view(text), &error), OBS_RESOURCE_EXHAUSTED);
}
END_TEST

START_TEST(who_hands_on_must_have)
{
    static const struct {
        const char *inner, *outer;
        int within;
    } rows[] = {
        {"", "", 1},
        {"", "config.read", 1},
        {"config.read", "", 0},
        {"storage.read:/raw/x", "storage.read:/raw", 1},
        {"storage.read:/raw", "storage.read:/raw/x", 0},
        {"storage.read:/raw", "storage.read:/raw/", 1},
        {"storage.read:/rawdata", "storage.read:/raw", 0},
        {"storage.read:/", "storage.read:/raw", 0},
        {"storage.read:/raw", "storage.read:/", 1},
        {"storage.read:/a%20b/c", "storage.read:/a%20b", 1},
        {"storage.create:/p", "storage.modify:/p", 1},
        {"storage.modify:/p", "storage.create:/p", 0},
        {"storage.read:/p", "storage.stage:/p", 1},
        {"storage.stage:/p", "storage.read:/p", 0},
        {"storage.read:/p", "storage.modify:/p", 0},
        {"storage.read:/a storage.read:/b", "storage.read:/b storage.read:/a", 1},
        {"storage.read:/a storage.read:/c", "storage.read:/b storage.read:/a", 0},
        {"event.publish:/org.example.x", "event.publish:/org.example", 1},
        {"event.publish:/org.examples", "event.publish:/org.example", 0},
        {"audit.read audit.modify", "audit.read", 0},
        {"config.read", "storage.read:/ config.read", 1},
    };
    obs__token_scopes inner, outer;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_ok(obs__scopes_read_strictly(&inner, view(rows[i].inner), &error));
        ck_assert_ok(obs__scopes_read_strictly(&outer, view(rows[i].outer), &error));
        ck_assert_msg(obs__scopes_within(&inner, &outer) == rows[i].within, "%s within %s", rows[i].inner, rows[i].outer);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_covered,         all_that_is_asked_for, what_may_be_listed,
                                  scopes_that_are_refused, not_too_many,          who_hands_on_must_have};
    obs_error_init(&error, sizeof error);
    return test_main("scope", tests, sizeof tests / sizeof *tests);
}
