/* The end of a tenant, its export, and what is counted of it. */
#include "client/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_refused(obs_status status, obs_status wanted, const char *part)
{
    ck_assert_msg(status == wanted, "%s: %s", obs_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

static obs_client *open_tenant(const char *path, const char *tenant)
{
    obs_client *client;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.tenant = tenant;
    ck_assert_ok(obs_client_open(&client, &options, &error));
    return client;
}

static obs_tenant_options wants(const char *confirm)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    options.confirm = confirm;
    return options;
}

static obs_status get(obs_client *client, const char *key)
{
    obs_buffer *bytes = NULL;
    obs_status status = obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    obs_buffer_free(bytes);
    return status;
}

/* `a` and `a/b`, a large one, one with a name that leads elsewhere, two records of which one is refused, an event. */
static void fill(obs_client *client)
{
    static const char *const keys[] = {"a", "a/b", "../../etc/x", "raw/n/large"};
    static char large[300000];
    static const char lines[] = "{\"n\":1}\n{\"n\":\"<script>\"}\n";
    obs_pair label = {"night", "2026-11-20"};
    obs_put_options put;
    obs_event event;
    obs_ingest_counts counts = {.size = sizeof counts};
    obs_put_options_init(&put, sizeof put);
    put.labels = &label;
    put.label_count = 1;
    for (int i = 0; i < 4; i++)
        ck_assert_ok(
            obs_store_put(NULL, obs_client_store(client), keys[i], OBS_TEXT, large, i == 3 ? sizeof large : 7, &put, &error));
    ck_assert_ok(obs_ingest_definition(client, "d", "{\"properties\":{\"n\":{\"type\":\"integer\"}}}", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_ingest_records(&counts, client, "d", lines, OBS_TEXT, NULL, &error));
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, &error));
}

static off_t size_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? found.st_size : -1;
}

static size_t count_tenants(obs_client *client, const char *name, const char *part)
{
    obs_rows *rows;
    ck_assert_ok(obs_tenant_show(&rows, client, name, NULL, &error));
    return count_rows(rows, part);
}

static size_t problems(obs_client *client, obs_check_mode mode)
{
    obs_rows *rows;
    ck_assert_ok(obs_workspace_check(&rows, client, mode, NULL, &error));
    return count_rows(rows, "\"problem\":");
}

START_TEST(deleted)
{
    const char *path = new_workspace();
    obs_buffer *report = NULL;
    obs_audit_verify_options how;
    obs_client *owner = open_at(path);
    obs_tenant_options options = wants("sky");
    obs_status status;
    options.most_entries = 100;
    ck_assert_ok(obs_tenant_create(owner, "sky", NULL, &error));
    ck_assert_ok(obs_tenant_modify(owner, "sky", &options, &error)); /* with triggers at work */
    obs_client *sky = open_tenant(path, "sky");
    fill(sky);
    size_t before = count_audit(sky, NULL, NULL);
    off_t large = size_of(test_path(path, "tenants/sky/tenant.db")) + size_of(test_path(path, "tenants/sky/tenant.db-wal"));
    options.reason = "moved away";
    ck_assert_ok(obs_tenant_delete(owner, "sky", &options, &error));
    ck_assert_int_ne(access(test_path(path, "tenants/sky/store/raw"), F_OK), 0);
    ck_assert_int_lt(size_of(test_path(path, "tenants/sky/tenant.db")) + size_of(test_path(path, "tenants/sky/tenant.db-wal")),
                     large);
    obs_client_close(sky);
    sky = open_tenant(path, "sky");
    assert_refused(obs_store_put(NULL, obs_client_store(sky), "b", OBS_TEXT, "x", 1, NULL, &error), OBS_FAILED_PRECONDITION,
                   "tenant 'sky' was deleted at 20");
    assert_refused(get(sky, "a"), OBS_FAILED_PRECONDITION, "only its audit trail is left");
    ck_assert_uint_ge(count_audit(sky, NULL, NULL), before + 1);
    ck_assert_uint_eq(count_audit(sky, "tenant.delete", "\"class\":\"change\""), 1);
    ck_assert_uint_eq(count_audit(owner, "tenant.delete", "\"object\":\"sky\""), 1);
    assert_refused(obs_tenant_create(owner, "sky", NULL, &error), OBS_ALREADY_EXISTS, "name is not used again");
    assert_refused(obs_tenant_resume(owner, "sky", NULL, &error), OBS_FAILED_PRECONDITION, "deleted");
    assert_refused(obs_tenant_modify(owner, "sky", &options, &error), OBS_FAILED_PRECONDITION, "deleted");
    assert_refused(obs_tenant_delete(owner, "sky", &options, &error), OBS_FAILED_PRECONDITION, "deleted already");
    ck_assert_uint_eq(count_tenants(owner, "sky", "\"state\":\"deleted\""), 1);
    ck_assert_uint_eq(count_tenants(owner, "sky", "\"objects\":0,\"records\":0,\"bytes\":0,\"events\":0"), 1);
    ck_assert_uint_eq(problems(owner, OBS_CHECK_ONLY), 0);
    ck_assert_ok(obs_audit_sequence(obs_client_audit(owner), NULL, &error));
    obs_audit_verify_options_init(&how, sizeof how);
    how.unanchored = 1;
    status = obs_audit_verify(&report, obs_client_audit(owner), &how, &error);
    ck_assert_msg(status == OBS_OK, "%s", error.message);
    obs_buffer_free(report);
    obs_client_close(sky);
    obs_client_close(owner);
}
END_TEST

START_TEST(not_deleted)
{
    const char *path = new_workspace();
    obs_client *owner = open_at(path), *ada;
    obs_as_options as;
    obs_tenant_options options = wants("skyy");
    ck_assert_ok(obs_tenant_create(owner, "sky", NULL, &error));
    assert_refused(obs_tenant_delete(owner, "sky", NULL, &error), OBS_INVALID_ARGUMENT, "--yes sky");
    assert_refused(obs_tenant_delete(owner, "sky", &options, &error), OBS_INVALID_ARGUMENT, "--yes sky");
    options.confirm = "default";
    assert_refused(obs_tenant_delete(owner, "default", &options, &error), OBS_FAILED_PRECONDITION, "goes with its workspace");
    options.confirm = "../sky";
    assert_refused(obs_tenant_delete(owner, "../sky", &options, &error), OBS_NOT_FOUND, "there is no tenant");
    options.confirm = "sky";
    obs_client *sky = open_tenant(path, "sky");
    assert_refused(obs_tenant_delete(sky, "sky", &options, &error), OBS_FAILED_PRECONDITION, "through one of another tenant");
    obs_as_options_init(&as, sizeof as);
    as.subject = "user:ada";
    ck_assert_ok(obs_client_as(&ada, owner, &as, &error));
    assert_refused(obs_tenant_delete(ada, "sky", &options, &error), OBS_PERMISSION_DENIED, "tenant.delete");
    assert_refused(obs_tenant_export(ada, "sky", test_path(path, "out"), NULL, &error), OBS_PERMISSION_DENIED, "'sky'");
    ck_assert_uint_eq(count_tenants(owner, "sky", "\"state\":\"active\""), 1);
    fill(sky);
    obs_client_close(ada);
    obs_client_close(sky);
    obs_client_close(owner);
}
END_TEST

/* Killed at some moment of the deletion: it is deleted or not, and what is left over is removed by the next call or a repair.
 */
START_TEST(killed_while_it_is_deleted)
{
    for (int round = 0; round < 12; round++) {
        char name[16];
        const char *path = new_workspace();
        snprintf(name, sizeof name, "sky%d", round);
        obs_client *owner = open_at(path), *sky;
        ck_assert_ok(obs_tenant_create(owner, name, NULL, &error));
        sky = open_tenant(path, name);
        fill(sky);
        obs_client_close(sky);
        obs_client_close(owner);
        pid_t child = fork();
        if (child == 0) {
            obs_tenant_options options = wants(name);
            owner = open_at(path);
            ck_assert_ok(obs_tenant_delete(owner, name, &options, &error));
            _exit(0);
        }
        usleep((useconds_t)(2000 + 2500 * round));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        owner = open_at(path);
        int deleted = count_tenants(owner, name, "\"state\":\"deleted\"") == 1;
        if (deleted) {
            problems(owner, OBS_CHECK_REPAIR);
            ck_assert_uint_eq(count_tenants(owner, name, "\"objects\":0,\"records\":0,\"bytes\":0,\"events\":0"), 1);
        } else {
            sky = open_tenant(path, name);
            ck_assert_ok(get(sky, "a/b"));
            ck_assert_uint_eq(count_entries(sky, ""), 5);
            obs_client_close(sky);
        }
        ck_assert_uint_eq(problems(owner, OBS_CHECK_ONLY), 0);
        obs_client_close(owner);
    }
}
END_TEST

static char *read_text(const char *folder, const char *name)
{
    obs_error_init(&error, sizeof error);
    FILE *file = fopen(test_path(folder, name), "r");
    char *text = calloc(1, 1 << 20);
    ck_assert_msg(file != NULL, "no %s", name);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, file), (1 << 20) - 1);
    fclose(file);
    return text;
}

static void assert_file(const char *folder, const char *name, size_t lines, const char *part)
{
    char *text = read_text(folder, name);
    size_t count = 0;
    for (const char *at = text; *at; at++)
        count += *at == '\n';
    ck_assert_msg(strstr(text, part) != NULL, "%s lacks %s: %s", name, part, text);
    if (lines)
        ck_assert_msg(count == lines, "%s has %zu lines: %s", name, count, text);
    free(text);
}

START_TEST(exported)
{
    const char *path = new_workspace(), *out = test_path(path, "../out");
    obs_client *owner = open_at(path);
    obs_tenant_options options = wants(NULL);
    ck_assert_ok(obs_tenant_create(owner, "sky", NULL, &error));
    obs_client *sky = open_tenant(path, "sky");
    fill(sky);
    options.refuse_reads = 1;
    ck_assert_ok(obs_tenant_suspend(owner, "sky", &options, &error));
    ck_assert_ok(obs_tenant_export(owner, "sky", out, NULL, &error));
    assert_file(out, "objects.jsonl", 4, "\"key\":\"a/b\",\"file\":\"objects/.obs/");
    assert_file(out, "objects.jsonl", 4, "\"labels\":{\"night\":\"2026-11-20\"}");
    assert_file(out, "entries.jsonl", 5, "raw/n/large");
    assert_file(out, "records.jsonl", 1, "\"record\":{\"n\":1}");
    assert_file(out, "definitions.jsonl", 1, "integer");
    assert_file(out, "ingest.jsonl", 2, "refused");
    assert_file(out, "events.jsonl", 2, "org.example.made");
    assert_file(out, "audit.jsonl", 0, "store.put");
    assert_file(out, "manifest.json", 0, "\"objects\":4,\"bytes\":300021");
    ck_assert_int_eq(size_of(test_path(out, "objects/raw/n/large")), 300000);
    ck_assert_int_eq(size_of(test_path(out, "objects/a")), 7);
    ck_assert_uint_eq(count_audit(sky, "tenant.export", "\"bytes\":300021"), 1);
    ck_assert_uint_eq(count_audit(owner, "tenant.export", "\"sky\""), 1);
    assert_refused(obs_tenant_export(owner, "sky", out, NULL, &error), OBS_ALREADY_EXISTS, "name a new folder");
    assert_refused(obs_tenant_export(owner, "mars", test_path(path, "../x"), NULL, &error), OBS_NOT_FOUND, "mars");
    ck_assert_int_ne(obs_tenant_export(owner, "sky", test_path(path, "none/x"), NULL, &error), OBS_OK);
    obs_client_close(sky);
    obs_client_close(owner);
}
END_TEST

/* Bytes that do not match end it, and leave nothing. */
START_TEST(damaged_bytes_are_not_exported)
{
    const char *path = new_workspace();
    obs_client *owner = open_at(path);
    fill(owner);
    int fd = open(test_path(path, "store/raw/n/large"), O_WRONLY);
    struct stat before;
    ck_assert_int_eq(fstat(fd, &before), 0);
    ck_assert_int_eq(pwrite(fd, "X", 1, 5), 1);
    const struct timespec times[] = {before.st_atim, before.st_mtim};
    ck_assert_int_eq(futimens(fd, times), 0);
    close(fd);
    ck_assert_int_eq(obs_tenant_export(owner, "default", test_path(path, "../bad"), NULL, &error), OBS_DATA_LOSS);
    DIR *folder = opendir(test_path(path, ".."));
    for (struct dirent *entry; (entry = readdir(folder));)
        ck_assert_ptr_null(strstr(entry->d_name, "bad"));
    closedir(folder);
    obs_client_close(owner);
}
END_TEST

static size_t count_stats(obs_client *client, const char *by, const char *part)
{
    obs_rows *rows;
    obs_ingest_stats_options options;
    obs_ingest_stats_options_init(&options, sizeof options);
    options.by = by;
    ck_assert_ok(obs_ingest_stats(&rows, client, &options, &error));
    return count_rows(rows, part);
}

START_TEST(counted)
{
    const char *path = new_workspace();
    obs_client *owner = open_at(path);
    obs_ingest_stats_options options;
    obs_usage_options usage;
    obs_rows *rows;
    ck_assert_ok(obs_tenant_create(owner, "sky", NULL, &error));
    obs_client *sky = open_tenant(path, "sky");
    fill(sky);
    ck_assert_uint_eq(count_stats(sky, NULL, "{\"accepted\":1,\"refused\":1,\"bytes\":7,\"rate\":2}"), 1);
    ck_assert_uint_eq(count_stats(owner, "tenant,reason,hour", "\"tenant\":\"sky\""), 2);
    ck_assert_uint_eq(count_stats(sky, "reason,table,day", "\"table\":\"d\",\"reason\":\"\",\"day\":"), 1);
    ck_assert_uint_eq(count_stats(owner, "table", NULL), 0);
    obs_ingest_stats_options_init(&options, sizeof options);
    options.by = "tenant,moon";
    assert_refused(obs_ingest_stats(&rows, sky, &options, &error), OBS_INVALID_ARGUMENT, "'moon'");
    options.by = NULL;
    options.since = "yesterday";
    assert_refused(obs_ingest_stats(&rows, sky, &options, &error), OBS_INVALID_ARGUMENT, "RFC 3339");
    options.since = "2100-01-01";
    ck_assert_ok(obs_ingest_stats(&rows, sky, &options, &error));
    ck_assert_uint_eq(count_rows(rows, NULL), 0);
    obs_usage_options_init(&usage, sizeof usage);
    ck_assert_ok(obs_catalog_usage(&rows, obs_client_catalog(sky), &usage, &error));
    ck_assert_uint_eq(count_rows(rows, "\"total\":true"), 1);
    ck_assert_ok(obs_catalog_usage(&rows, obs_client_catalog(sky), &usage, &error));
    ck_assert_uint_eq(count_rows(rows, "{\"prefix\":\"\",\"objects\":4,\"records\":1,\"bytes\":300028,\"total\":true}"), 1);
    ck_assert_ok(obs_catalog_usage(&rows, obs_client_catalog(sky), &usage, &error));
    ck_assert_uint_eq(count_rows(rows, NULL), 5); /* ../, a/, raw/, records/ and all */
    usage.depth = 2;
    usage.prefix = "raw/";
    ck_assert_ok(obs_catalog_usage(&rows, obs_client_catalog(sky), &usage, &error));
    ck_assert_uint_eq(count_rows(rows, "{\"prefix\":\"raw/n/\",\"objects\":1,\"records\":0,\"bytes\":300000}"), 1);
    usage.depth = 33;
    assert_refused(obs_catalog_usage(&rows, obs_client_catalog(sky), &usage, &error), OBS_INVALID_ARGUMENT, "depth");
    obs_client_close(sky);
    obs_client_close(owner);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {deleted, not_deleted, killed_while_it_is_deleted, exported, damaged_bytes_are_not_exported,
                            counted};
    obs_error_init(&error, sizeof error);
    return test_main("client/tenant", tests, sizeof tests / sizeof tests[0]);
}
