/* Who may do what. */
#include <string.h>

#include <obs/obs.h>

#include "auth/decide.h"
#include "support.h"

static obs_error error;

static const char *const operators[] = {"user:olga", "user:both", NULL};
static const char *const auditors[] = {"user:axel", "user:both", NULL};

/* The owner's process in a personal workspace, whose client acts for somebody. */
static obs__rights for_subject(const char *subject)
{
    return (obs__rights){.owner = "user:owen",
                         .identity = "user:owen",
                         .subject = subject,
                         .is_owner = 1,
                         .operators = operators,
                         .auditors = auditors};
}

static int may(const obs__rights *rights, const char *subject, const char *action)
{
    int create_only;
    obs__request request = {.subject = subject, .tenant = "earth", .action = action, .object = obs__view_of("raw/a", OBS_TEXT)};
    obs_status status = obs__auth_decide(&create_only, rights, &request, &error);
    ck_assert_int_eq(create_only, 0);
    ck_assert(status == OBS_OK || status == OBS_PERMISSION_DENIED);
    if (status != OBS_OK)
        ck_assert_msg(!strstr(error.message, "raw/a"), "an object is named: %s", error.message);
    return status == OBS_OK;
}

START_TEST(actions_are_found)
{
    const obs__need *need, *before = NULL;
    size_t count = 0;
    for (; (need = obs__need_at(count)); count++, before = need) {
        ck_assert_msg(!before || strcmp(before->action, need->action) < 0, "%s stands in the wrong place", need->action);
        ck_assert_ptr_eq(obs__need_of(need->action), need);
        ck_assert_uint_ne(need->roles, 0);
        ck_assert_msg(!need->instead || (need->permission && need->permission != OBS__NO_SCOPE), "%s", need->action);
    }
    ck_assert_uint_gt(count, 40);
    ck_assert_ptr_null(obs__need_of("store.explode"));
    ck_assert_ptr_null(obs__need_of(""));
}
END_TEST

START_TEST(each_role_has_its_actions)
{
    static const struct {
        const char *subject;
        unsigned roles;
    } cases[] = {{"user:ada", OBS__ROLE_DATA},
                 {"user:olga", OBS__ROLE_OPERATOR},
                 {"user:axel", OBS__ROLE_AUDITOR},
                 {"user:both", OBS__ROLE_OPERATOR | OBS__ROLE_AUDITOR}};
    const obs__need *need;
    for (size_t at = 0; (need = obs__need_at(at)); at++) {
        obs__rights owner = for_subject("user:owen");
        ck_assert(may(&owner, "user:owen", need->action));
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            obs__rights rights = for_subject(cases[i].subject);
            int expected = (need->roles & (cases[i].roles | OBS__ROLE_ANYBODY)) != 0;
            ck_assert_msg(may(&rights, cases[i].subject, need->action) == expected, "%s and %s", cases[i].subject,
                          need->action);
            /* The same when only this one call is for them. */
            ck_assert_int_eq(may(&owner, cases[i].subject, need->action), expected);
        }
    }
}
END_TEST

/* What the table must say, whatever else changes in it. */
START_TEST(duties_are_kept_apart)
{
    static const char *const data[] = {"store.get",     "store.put",    "store.list",  "catalog.search",
                                       "event.receive", "ingest.log",   "catalog.get", "ingest.record",
                                       "unit.commit",   "store.delete", "store.adopt", "config.secret"};
    static const char *const trail[] = {"audit.policy_set", "audit.erase", "audit.seal"};
    static const char *const administration[] = {"tenant.create", "workspace.check", "workspace.repair", "config.set",
                                                 "token.rotate"};
    obs__rights operator= for_subject("user:olga"), auditor = for_subject("user:axel"), owner_of_data = for_subject("user:ada");
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        ck_assert_msg(!may(&operator, "user:olga", data[i]), "the operator may %s", data[i]);
        ck_assert_msg(!may(&auditor, "user:axel", data[i]), "the auditor may %s", data[i]);
        ck_assert_msg(may(&owner_of_data, "user:ada", data[i]), "who has the data may not %s", data[i]);
    }
    for (size_t i = 0; i < sizeof trail / sizeof trail[0]; i++) {
        ck_assert_msg(!may(&operator, "user:olga", trail[i]), "the operator may %s", trail[i]);
        ck_assert_msg(may(&auditor, "user:axel", trail[i]), "the auditor may not %s", trail[i]);
        ck_assert_msg(!may(&owner_of_data, "user:ada", trail[i]), "who has the data may %s", trail[i]);
    }
    for (size_t i = 0; i < sizeof administration / sizeof administration[0]; i++) {
        ck_assert_msg(may(&operator, "user:olga", administration[i]), "the operator may not %s", administration[i]);
        ck_assert_msg(!may(&auditor, "user:axel", administration[i]), "the auditor may %s", administration[i]);
        ck_assert_msg(!may(&owner_of_data, "user:ada", administration[i]), "who has the data may %s", administration[i]);
    }
    ck_assert(may(&operator, "user:olga", "client.health"));
    ck_assert(may(&auditor, "user:axel", "audit.query"));
    ck_assert(!may(&operator, "user:olga", "audit.query"));
}
END_TEST

START_TEST(what_nothing_allows_is_denied)
{
    obs__rights ada = for_subject("user:ada");
    ck_assert(!may(&ada, "user:ada", "store.explode"));
    /* A client that acts for one subject acts for no other one, not even for the owner. */
    ck_assert(!may(&ada, "user:bob", "store.get"));
    ck_assert(!may(&ada, "user:owen", "store.get"));
    /* Another user of the system, in a personal workspace. */
    obs__rights stranger = {.owner = "user:owen", .identity = "user:mallory", .subject = "user:mallory"};
    const obs__need *need;
    for (size_t at = 0; (need = obs__need_at(at)); at++) {
        ck_assert(!may(&stranger, "user:mallory", need->action));
        ck_assert(!may(&stranger, "user:owen", need->action));
    }
}
END_TEST

START_TEST(members_of_a_shared_workspace)
{
    obs__rights member = {
        .owner = "user:owen", .identity = "user:mia", .subject = "user:mia", .is_member = 1, .operators = operators};
    ck_assert(may(&member, "user:mia", "store.put"));
    ck_assert(!may(&member, "user:mia", "tenant.create"));
    ck_assert(!may(&member, "user:mia", "tenant.list"));
    ck_assert(!may(&member, "user:bob", "store.get"));
    ck_assert(!may(&member, "user:owen", "store.get"));
    /* The system gives an operator the data of his group, whatever a table says. */
    member.identity = member.subject = "user:olga";
    ck_assert(may(&member, "user:olga", "store.get"));
    ck_assert(may(&member, "user:olga", "workspace.check"));
    ck_assert(!may(&member, "user:olga", "audit.policy_set"));
}
END_TEST

/* The bearer of a token of this workspace: 0 refused, 1 allowed, 2 allowed where nothing is replaced. */
static int bearer_may(const char *subject, const char *scope, const char *action, const char *object)
{
    int create_only;
    obs__token_scopes scopes;
    obs__rights rights = for_subject(subject);
    rights.has_token = 1;
    ck_assert_ok(obs__scopes_read_strictly(&scopes, obs__view_of(scope, OBS_TEXT), &error));
    obs__request request = {
        .subject = subject, .tenant = "earth", .action = action, .object = obs__view_of(object, OBS_TEXT), .scopes = &scopes};
    obs_status status = obs__auth_decide(&create_only, &rights, &request, &error);
    ck_assert(status == OBS_OK || (status == OBS_PERMISSION_DENIED && !create_only));
    return status == OBS_OK ? 1 + create_only : 0;
}

START_TEST(a_token_allows_what_its_scopes_name)
{
    static const struct {
        const char *scope, *action, *object;
        int expected;
    } cases[] = {
        {"storage.read:/raw", "store.get", "raw/a", 1},
        {"storage.read:/raw", "store.get", "rawdata", 0},
        {"storage.read:/raw", "store.get", "products/a", 0},
        {"storage.read:/raw", "store.put", "raw/a", 0},
        {"storage.read:/raw", "store.list", "raw/", 1},
        {"storage.read:/raw", "store.list", "raw", 0},
        {"storage.read:/raw", "store.list", "", 0},
        {"storage.read:/", "store.list", "", 1},
        {"storage.read:/raw", "catalog.get", "raw/a", 1},
        {"storage.read:/raw", "catalog.search", "", 0},
        {"storage.read:/", "catalog.search", "", 1},
        {"storage.create:/products", "store.put", "products/a", 2},
        {"storage.create:/products", "ingest.file", "products/a", 2},
        {"storage.create:/products", "store.copy", "products/a", 2},
        {"storage.create:/products", "store.delete", "products/a", 0},
        {"storage.create:/products", "store.put", "raw/a", 0},
        {"storage.modify:/products", "store.put", "products/a", 1},
        {"storage.modify:/products", "store.delete", "products/a", 1},
        {"storage.modify:/products", "catalog.label", "products/a", 1},
        {"storage.read:/ storage.modify:/", "store.open", "file:/etc", 0},
        {"ingest.create", "ingest.record", "usgs", 1},
        {"event.publish:/org.example", "event.publish", "whatever it tells of", 1},
        {"storage.read:/", "event.publish", "org.example", 0},
        {"event.subscribe", "event.receive", "watcher", 1},
        {"event.subscribe", "event.publish", "org.example", 0},
        {"audit.read", "audit.query", "", 1},
        {"audit.read", "audit.policy_set", "", 0},
        {"audit.modify", "audit.erase", "user:ada", 1},
        {"tenant.create", "tenant.create", "sky", 1},
        {"tenant.create", "token.rotate", "", 0},
        {"", "client.open", "", 1},
        {"", "client.whoami", "", 1},
        {"", "store.get", "raw/a", 0},
        {"", "unit.commit", "", 1},
        {"storage.read:/", "store.explode", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int got = bearer_may("function:photometry", cases[i].scope, cases[i].action, cases[i].object);
        ck_assert_msg(got == cases[i].expected, "with '%s' %s of '%s': %d", cases[i].scope, cases[i].action, cases[i].object,
                      got);
    }
}
END_TEST

START_TEST(a_token_gives_nobody_a_role)
{
    ck_assert_int_eq(bearer_may("user:olga", "storage.read:/ tenant.create", "store.get", "raw/a"), 0);
    ck_assert_int_eq(bearer_may("user:olga", "storage.read:/ tenant.create", "tenant.create", "sky"), 1);
    ck_assert_int_eq(bearer_may("user:olga", "audit.modify tenant.create", "audit.policy_set", ""), 0);
    ck_assert_int_eq(bearer_may("user:axel", "audit.modify tenant.create", "audit.policy_set", ""), 1);
    ck_assert_int_eq(bearer_may("user:axel", "audit.modify tenant.create", "tenant.create", "sky"), 0);
    /* Not even the owner has more than the token that is used. */
    ck_assert_int_eq(bearer_may("user:owen", "storage.read:/raw", "store.put", "raw/a"), 0);
    ck_assert_int_eq(bearer_may("user:owen", "storage.read:/raw", "store.get", "raw/a"), 1);
}
END_TEST

START_TEST(a_token_is_of_one_subject)
{
    int create_only;
    obs__token_scopes scopes;
    obs__rights rights = for_subject("user:ada");
    rights.has_token = 1;
    ck_assert_ok(obs__scopes_read_strictly(&scopes, obs__view_of("storage.read:/", OBS_TEXT), &error));
    obs__request request = {.subject = "user:bob",
                            .tenant = "earth",
                            .action = "store.get",
                            .object = obs__view_of("a", OBS_TEXT),
                            .scopes = &scopes};
    ck_assert_int_eq(obs__auth_decide(&create_only, &rights, &request, &error), OBS_PERMISSION_DENIED);
    request.subject = "user:ada";
    ck_assert_ok(obs__auth_decide(&create_only, &rights, &request, &error));
    request.scopes = NULL;
    ck_assert_int_eq(obs__auth_decide(&create_only, &rights, &request, &error), OBS_PERMISSION_DENIED);
}
END_TEST

START_TEST(events_are_allowed_by_their_type)
{
    int create_only;
    obs__token_scopes scopes;
    obs__rights rights = for_subject("user:ada");
    rights.has_token = 1;
    ck_assert_ok(obs__scopes_read_strictly(&scopes, obs__view_of("event.publish:/org.example", OBS_TEXT), &error));
    obs__request request = {
        .subject = "user:ada", .tenant = "earth", .action = "event.publish", .is_rest = 1, .scopes = &scopes};
    request.object = obs__view_of("org.example.frame", OBS_TEXT);
    ck_assert_ok(obs__auth_decide(&create_only, &rights, &request, &error));
    request.object = obs__view_of("org.examples", OBS_TEXT);
    ck_assert_int_eq(obs__auth_decide(&create_only, &rights, &request, &error), OBS_PERMISSION_DENIED);
    request.object = obs__view_of("", 0);
    ck_assert_int_eq(obs__auth_decide(&create_only, &rights, &request, &error), OBS_PERMISSION_DENIED);
}
END_TEST

START_TEST(roles_can_be_written_as_scopes)
{
    static const obs__role roles[] = {OBS__ROLE_DATA, OBS__ROLE_OPERATOR, OBS__ROLE_AUDITOR};
    static const char *const subjects[] = {"user:ada", "user:olga", "user:axel"};
    const obs__need *need;
    for (size_t i = 0; i < 3; i++) {
        obs__rights rights = for_subject(subjects[i]);
        /* Whoever hands on all that his role is has handed on no more than he may do himself. */
        for (size_t at = 0; (need = obs__need_at(at)); at++)
            if (need->permission && bearer_may("user:guest", obs__auth_role_scopes(roles[i]), need->action, "raw/a"))
                ck_assert_msg(may(&rights, subjects[i], need->action) || !strcmp(need->action, "audit.policy"), "%s: %s",
                              subjects[i], need->action);
    }
    ck_assert_str_eq(obs__auth_role_scopes(OBS__ROLE_ANYBODY), "");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {actions_are_found,
                            each_role_has_its_actions,
                            duties_are_kept_apart,
                            what_nothing_allows_is_denied,
                            members_of_a_shared_workspace,
                            a_token_allows_what_its_scopes_name,
                            a_token_gives_nobody_a_role,
                            a_token_is_of_one_subject,
                            events_are_allowed_by_their_type,
                            roles_can_be_written_as_scopes};
    obs_error_init(&error, sizeof error);
    return test_main("auth/decide", tests, sizeof tests / sizeof tests[0]);
}
