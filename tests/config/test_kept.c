/* The last known good documents: used when a source is down, never when they were tampered with or are too old. */
#include <dirent.h>

#include "config/config_support.h"

static const char lines[] = "config: [file:config.yaml, {url: file:site.yaml, keep: 2d}]\n";

/* `<state>/obs/<workspace id>/config` of the workspace that was made last. */
static const char *kept_folder(void)
{
    const char *obs = test_path(getenv("XDG_STATE_HOME"), "obs");
    const char *found = NULL;
    DIR *folder = opendir(obs);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (*entry->d_name != '.')
            found = test_path(obs, entry->d_name);
    closedir(folder);
    ck_assert_ptr_nonnull(found);
    return test_path(found, "config");
}

/* A file that cannot be read, also by root. */
static void break_source(const char *path, const char *name)
{
    unlink(test_path(path, name));
    ck_assert_int_eq(mkdir(test_path(path, name), 0755), 0);
}

static const char *used_workspace(void)
{
    const char *path = config_workspace(lines, "a: 1\n");
    write_text(path, "site.yaml", "b: 2\n");
    obs_client *client = open_at(path);
    ck_assert_int_eq(int_of(obs_client_config(client), "b"), 2);
    obs_client_close(client);
    return path;
}

START_TEST(a_start_without_a_source_uses_them)
{
    const char *path = used_workspace();
    struct stat found;
    obs_buffer *text;
    ck_assert_int_eq(stat(kept_folder(), &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0700);
    ck_assert_int_eq(stat(test_path(kept_folder(), "last-good"), &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(test_path(kept_folder(), "key"), &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0600);
    break_source(path, "site.yaml");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "b"), 2);
    ck_assert_int_eq(int_of(config, "a"), 1);
    assert_source(config, "\"layer\":\"file:site.yaml\",\"state\":\"last-known-good\"");
    ck_assert_ok(obs_client_health(&text, client, NULL, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(text), "site.yaml does not answer; the last known good document, "));
    obs_buffer_free(text);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_UNAVAILABLE, "is not a file");
    ck_assert_int_eq(int_of(config, "b"), 2);
    /* The source is back, with the same document, then with another one. */
    ck_assert_int_eq(rmdir(test_path(path, "site.yaml")), 0);
    write_text(path, "site.yaml", "b: 2\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    assert_source(config, "\"layer\":\"file:site.yaml\",\"state\":\"ok\"");
    replace_text(path, "site.yaml", "b: 3\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "b"), 3);
    obs_client_close(client);
}
END_TEST

START_TEST(a_start_with_a_refused_document_uses_them)
{
    const char *path = used_workspace();
    replace_text(path, "site.yaml", "b: 2\nb: 3\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "b"), 2);
    assert_source(config, "\"layer\":\"file:site.yaml\",\"state\":\"refused\"");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_INVALID_ARGUMENT, "the key 'b' is there twice");
    replace_text(path, "site.yaml", "b: 4\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "b"), 4);
    obs_client_close(client);
}
END_TEST

static void assert_not_used(const char *path, const char *part)
{
    int64_t number;
    obs_client *client = open_at(path);
    ck_assert_refused(obs_config_int(&number, obs_client_config(client), "b", &error), OBS_UNAVAILABLE, part);
    ck_assert_ptr_nonnull(strstr(error.message, "site.yaml does not answer"));
    obs_client_close(client);
}

START_TEST(what_was_tampered_with_is_not_used)
{
    const char *path = used_workspace(), *folder = kept_folder(), *file = test_path(folder, "last-good");
    size_t size;
    char *good = test_read(file, &size);
    break_source(path, "site.yaml");
    /* Each byte of the text, in turn (a step that is odd meets every part of it). */
    for (size_t at = 0; at < size; at += 7) {
        if (at >= 13 && at < 30)
            continue; /* the digest only says whether it must be written again */
        good[at] ^= 1;
        test_write(file, good, size);
        good[at] ^= 1;
        assert_not_used(path, "was changed: it is not used");
    }
    test_write(file, good, size / 2);
    assert_not_used(path, "was changed");
    test_write(file, "", 0);
    assert_not_used(path, "was changed");
    test_write(file, good, size);
    ck_assert_int_eq(chmod(file, 0644), 0);
    assert_not_used(path, "can be read by others");
    ck_assert_int_eq(chmod(file, 0600), 0);
    if (geteuid() == 0) { /* another user's, who put it there */
        ck_assert_int_eq(chown(file, 65534, (gid_t)-1), 0);
        assert_not_used(path, "65534");
        ck_assert_int_eq(chown(file, 0, (gid_t)-1), 0);
    }
    ck_assert_int_eq(chmod(folder, 0755), 0);
    assert_not_used(path, "must be a folder that only you can open");
    ck_assert_int_eq(chmod(folder, 0700), 0);
    ck_assert_int_eq(rename(test_path(folder, "key"), test_path(folder, "old")), 0);
    test_write(test_path(folder, "key"), "0123456789abcdef0123456789abcdef", 32);
    ck_assert_int_eq(chmod(test_path(folder, "key"), 0600), 0);
    assert_not_used(path, "was changed");
    ck_assert_int_eq(rename(test_path(folder, "old"), test_path(folder, "key")), 0);
    obs_client *client = open_at(path);
    ck_assert_int_eq(int_of(obs_client_config(client), "b"), 2);
    obs_client_close(client);
    free(good);
}
END_TEST

START_TEST(what_is_too_old_is_not_used)
{
    const char *path = used_workspace();
    break_source(path, "site.yaml");
    write_text(path, "obs.yaml", "store: file:store\nconfig: [file:config.yaml, {url: file:site.yaml, keep: 1ms}]\n");
    assert_not_used(path, "which is too old");
    /* Nor are those of another folder, as in a copy of the workspace with its id. */
    write_text(path, "obs.yaml", "store: file:store\nconfig: [file:config.yaml, file:site.yaml]\n");
    const char *copy = test_path(test_folder(), "copy");
    ck_assert_int_eq(rename(path, copy), 0);
    assert_not_used(copy, "is of another folder");
    ck_assert_int_eq(rename(copy, path), 0);
    obs_client *client = open_at(path);
    ck_assert_int_eq(int_of(obs_client_config(client), "b"), 2);
    obs_client_close(client);
}
END_TEST

START_TEST(without_documents_nothing_is_kept)
{
    obs_client *client = open_at(config_workspace("", NULL));
    assert_json(obs_client_config(client), "", "{}");
    ck_assert_int_ne(access(test_path(getenv("XDG_STATE_HOME"), "obs"), F_OK), 0);
    obs_client_close(client);
}
END_TEST

START_TEST(nothing_kept_says_so)
{
    const char *path = config_workspace(lines, "a: 1\n");
    break_source(path, "site.yaml");
    assert_not_used(path, "no last known good document is here");
    /* Then the source comes, and the watch finds it. */
    int64_t number;
    obs_client *client = open_at(path);
    ck_assert_int_eq(obs_config_int(&number, obs_client_config(client), "b", &error), OBS_UNAVAILABLE);
    ck_assert_int_eq(rmdir(test_path(path, "site.yaml")), 0);
    write_text(path, "site.yaml", "b: 5\n");
    wait_for_version(obs_client_config(client), 0);
    ck_assert_int_eq(int_of(obs_client_config(client), "b"), 5);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_start_without_a_source_uses_them, a_start_with_a_refused_document_uses_them,
                                  what_was_tampered_with_is_not_used, what_is_too_old_is_not_used,
                                  without_documents_nothing_is_kept,  nothing_kept_says_so};
    obs_error_init(&error, sizeof error);
    return test_main("kept", tests, sizeof tests / sizeof tests[0]);
}
