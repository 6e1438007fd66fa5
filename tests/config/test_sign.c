/* Signed documents: only by the key that obs.yaml names, and never an older version. */
#include "config/config_support.h"

static obs_buffer *sign(obs_config *config, const char *text, obs_buffer **key)
{
    obs_buffer *note;
    ck_assert_ok(obs_config_sign(&note, config, text, OBS_TEXT, key, NULL, &error));
    return note;
}

static void publish(const char *path, const obs_buffer *note)
{
    replace_text(path, "site.yaml", obs_buffer_data(note));
}

/* A workspace that takes site.yaml only when it is signed by its own key; `first` is signed there already. */
static const char *signed_workspace(obs_client **signer, const char *first)
{
    const char *path = config_workspace("", NULL);
    char lines[1024];
    obs_buffer *key, *note;
    *signer = open_at(path);
    note = sign(obs_client_config(*signer), first, &key);
    snprintf(lines, sizeof lines, "store: file:store\nconfig: {url: file:site.yaml, key: '%s'}\n",
             (const char *)obs_buffer_data(key));
    obs_client_close(*signer);
    write_text(path, "obs.yaml", lines);
    publish(path, note);
    obs_buffer_free(note);
    obs_buffer_free(key);
    *signer = open_at(path);
    return path;
}

START_TEST(signed_documents_are_taken_and_never_go_back)
{
    obs_client *client;
    const char *path = signed_workspace(&client, "version: 3\ngain: 3\n");
    obs_config *config = obs_client_config(client);
    obs_buffer *two = sign(config, "version: 2\ngain: 2", NULL), *four = sign(config, "version: 4\ngain: 4\n", NULL);
    obs_buffer *other = sign(config, "version: 4\ngain: 5\n", NULL);
    ck_assert_int_eq(int_of(config, "gain"), 3);
    assert_source(config, "\"version\":3");
    publish(path, two);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED,
                      "site.yaml has version 2, but version 3 was here before");
    ck_assert_int_eq(int_of(config, "gain"), 3);
    publish(path, four);
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "gain"), 4);
    publish(path, other);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED, "which was another document before");
    /* Nor after a start: a refused one leaves the last known good. */
    publish(path, two);
    obs_client_close(client);
    client = open_at(path);
    config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "gain"), 4);
    assert_source(config, "\"state\":\"refused\"");
    ck_assert_refused(obs_config_set(config, "gain", "5", NULL, &error), OBS_FAILED_PRECONDITION, "none of the layers");
    obs_config_set_options options;
    obs_config_set_options_init(&options, sizeof options);
    options.layer = "file:site.yaml";
    ck_assert_refused(obs_config_set(config, "gain", "5", &options, &error), OBS_FAILED_PRECONDITION, "is signed");
    ck_assert_uint_eq(count_audit(client, "config.sign", "\"status\":\"OK\""), 4);
    obs_buffer_free(two), obs_buffer_free(four), obs_buffer_free(other);
    obs_client_close(client);
}
END_TEST

START_TEST(what_the_key_did_not_sign_is_refused)
{
    static const char text[] = "version: 9\ngain: 9\n";
    obs_client *client, *stranger;
    const char *path = signed_workspace(&client, "version: 1\ngain: 1\n");
    obs_config *config = obs_client_config(client);
    obs_buffer *good = sign(config, text, NULL);
    size_t size = obs_buffer_size(good);
    char *altered = malloc(size + 1);
    ck_assert_ptr_nonnull(altered);
    ck_assert_int_eq(int_of(config, "gain"), 1);
    replace_text(path, "site.yaml", text);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED,
                      "site.yaml is not signed by the key that obs.yaml names: ");
    for (size_t at = 0; at < size; at += 3) {
        memcpy(altered, obs_buffer_data(good), size + 1);
        altered[at] ^= 1;
        replace_text(path, "site.yaml", altered);
        ck_assert_msg(obs_config_refresh(config, NULL, &error) != OBS_OK, "byte %zu", at);
        ck_assert_int_eq(int_of(config, "gain"), 1);
    }
    stranger = open_at(config_workspace("", NULL));
    obs_buffer *theirs = sign(obs_client_config(stranger), text, NULL);
    publish(path, theirs);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED, "is not signed by the key");
    publish(path, good);
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "gain"), 9);
    obs_buffer_free(good), obs_buffer_free(theirs);
    free(altered);
    obs_client_close(stranger);
    obs_client_close(client);
}
END_TEST

START_TEST(only_documents_with_a_version_are_signed)
{
    static const struct {
        const char *text, *part;
    } wrong[] = {{"gain: 1\n", "no member 'version'"},      {"version: '1'\n", "no member 'version'"},
                 {"version: 0\n", "no member 'version'"},   {"version: 1\nversion: 2\n", "is there twice"},
                 {"version: [1\n", "the document:"},        {"- 1\n", "lines like 'name: value'"},
                 {"version: 1\na: '\t'\n", "can be signed"}};
    obs_client *client = open_at(config_workspace("", NULL));
    obs_buffer *note, *key;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_refused(obs_config_sign(&note, obs_client_config(client), wrong[i].text, OBS_TEXT, &key, NULL, &error),
                          OBS_INVALID_ARGUMENT, wrong[i].part);
        ck_assert_ptr_null(note);
        ck_assert_ptr_null(key);
    }
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {signed_documents_are_taken_and_never_go_back, what_the_key_did_not_sign_is_refused,
                                  only_documents_with_a_version_are_signed};
    obs_error_init(&error, sizeof error);
    return test_main("sign", tests, sizeof tests / sizeof tests[0]);
}
