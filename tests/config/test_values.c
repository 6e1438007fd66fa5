/* Values: layers and their rules, types, names, where each comes from, and every text that cannot be taken. */
#include "config/config_support.h"

START_TEST(values_have_types_and_places)
{
    obs_client *client = open_at(config_workspace("", "ccd:\n"
                                                      "  gain: 1.5\n"
                                                      "  bin: 2\n"
                                                      "  cooled: true\n"
                                                      "  exposure: 1h30m\n"
                                                      "  memory: 64MiB\n"
                                                      "  filter: V\n"
                                                      "sites: [{name: La Silla}, {name: Paranal}]\n"));
    obs_config *config = obs_client_config(client);
    obs_buffer *text;
    int32_t flag = 0;
    int64_t number = 0;
    uint64_t bytes = 0;
    double real = 0;
    ck_assert_double_eq(float_of(config, "ccd.gain"), 1.5);
    ck_assert_double_eq(float_of(config, "ccd.bin"), 2);
    ck_assert_int_eq(int_of(config, "ccd.bin"), 2);
    ck_assert_ok(obs_config_bool(&flag, config, "ccd.cooled", &error));
    ck_assert_int_eq(flag, 1);
    ck_assert_ok(obs_config_duration(&number, config, "ccd.exposure", &error));
    ck_assert_int_eq(number, INT64_C(5400000000000));
    ck_assert_ok(obs_config_bytes(&bytes, config, "ccd.memory", &error));
    ck_assert_uint_eq(bytes, 67108864);
    ck_assert_ok(obs_config_text(&text, config, "sites.1.name", &error));
    ck_assert_str_eq(obs_buffer_data(text), "Paranal");
    obs_buffer_free(text);
    assert_json(config, "sites", "[{\"name\":\"La Silla\"},{\"name\":\"Paranal\"}]");
    ck_assert_refused(obs_config_float(&real, config, "ccd.filter", &error), OBS_INVALID_ARGUMENT,
                      "config.yaml:7:11: 'ccd.filter' is a text, not a number");
    ck_assert_int_eq(error.line, 7);
    ck_assert_int_eq(error.column, 11);
    ck_assert_refused(obs_config_int(&number, config, "ccd.gain", &error), OBS_INVALID_ARGUMENT, "is a number, not an integer");
    ck_assert_refused(obs_config_duration(&number, config, "ccd.bin", &error), OBS_INVALID_ARGUMENT,
                      "is an integer, not a time span as in 250ms");
    ck_assert_refused(obs_config_bytes(&bytes, config, "ccd.filter", &error), OBS_INVALID_ARGUMENT, "not a size as in 64MiB");
    ck_assert_refused(obs_config_text(&text, config, "ccd.gain", &error), OBS_INVALID_ARGUMENT, "is a number, not a text");
    ck_assert_refused(obs_config_bool(&flag, config, "ccd", &error), OBS_INVALID_ARGUMENT, "is a mapping, not true or false");
    ck_assert_refused(obs_config_float(&real, config, "ccd.gian", &error), OBS_NOT_FOUND, "did you mean 'ccd.gain'?");
    ck_assert_refused(obs_config_float(&real, config, "telescope", &error), OBS_NOT_FOUND, "there is no 'telescope'");
    ck_assert_int_eq(obs_config_float(NULL, config, "ccd.gain", &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_config_float(&real, NULL, "ccd.gain", &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_config_float(&real, config, NULL, &error), OBS_INVALID_ARGUMENT);
    obs_client_close(client);
}
END_TEST

START_TEST(yaml_is_the_core_schema)
{
    obs_client *client =
        open_at(config_workspace("", "country: no\nswitch: on\ndate: 2026-11-20\noctal: 0o17\nsexagesimal: 12:30\n"));
    obs_config *config = obs_client_config(client);
    assert_json(config, "",
                "{\"country\":\"no\",\"switch\":\"on\",\"date\":\"2026-11-20\",\"octal\":15,\"sexagesimal\":\"12:30\"}");
    obs_client_close(client);
}
END_TEST

START_TEST(layers_are_merged_by_the_rules)
{
    const char *path = config_workspace("config: [file:base.yaml, file:site.json, file:config.yaml]\n",
                                        "ccd: {gain: 2.5, old: null}\nlist: [9]\nmapping: 1\nscalar: {now: 1}\n");
    write_text(path, "base.yaml",
               "ccd: {gain: 1.5, old: 1, offset: 7}\nlist: [1, 2, 3]\nmapping: {a: 1}\nscalar: 5\nkeep: x\n");
    write_text(path, "site.json", "{\"ccd\": {\"offset\": null, \"name\": \"A\"},\n \"keep\": \"y\"}");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    assert_json(config, "",
                "{\"ccd\":{\"gain\":2.5,\"name\":\"A\"},\"list\":[9],\"mapping\":1,\"scalar\":{\"now\":1},\"keep\":\"y\"}");
    obs_rows *rows;
    ck_assert_ok(obs_config_explain(&rows, config, "ccd.gain", NULL, &error));
    char *text = text_of_rows(rows);
    ck_assert_ptr_nonnull(strstr(
        text,
        "{\"name\":\"ccd.gain\",\"value\":2.5,\"layer\":\"file:config.yaml\",\"place\":\"config.yaml:1:13\",\"etag\":\"\\\""));
    ck_assert_ptr_nonnull(
        strstr(text, "\"overrides\":[{\"layer\":\"file:base.yaml\",\"value\":1.5,\"place\":\"base.yaml:1:13\"}]}"));
    free(text);
    ck_assert_ok(obs_config_explain(&rows, config, "keep", NULL, &error));
    text = text_of_rows(rows);
    ck_assert_ptr_nonnull(strstr(text, "\"place\":\"site.json:2:10\""));
    free(text);
    ck_assert_ok(obs_config_explain(&rows, config, NULL, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, NULL), 6);
    ck_assert_int_eq(obs_config_explain(&rows, config, "nothing", NULL, &error), OBS_NOT_FOUND);
    obs_client_close(client);
}
END_TEST

START_TEST(a_point_in_a_key_is_written_with_a_backslash)
{
    obs_client *client = open_at(config_workspace("", "hosts: {db.example.org: 1, db: {example: {org: 2}}, 'a\\b': 3}\n"));
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "hosts.db\\.example\\.org"), 1);
    ck_assert_int_eq(int_of(config, "hosts.db.example.org"), 2);
    ck_assert_int_eq(int_of(config, "hosts.a\\\\b"), 3);
    obs_client_close(client);
}
END_TEST

START_TEST(the_environment_is_a_layer)
{
    setenv("OBSTEST_CCD__GAIN", "1.7", 1);
    setenv("OBSTEST_NAME", "no", 1);
    setenv("OBSTEST_EMPTY", "", 1);
    const char *path = config_workspace("config: [file:config.yaml, 'env:OBSTEST_']\n", "ccd: {gain: 1.5, bin: 2}\nempty: 3\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    obs_rows *rows;
    assert_json(config, "", "{\"ccd\":{\"gain\":1.7,\"bin\":2},\"empty\":3,\"name\":\"no\"}");
    ck_assert_ok(obs_config_explain(&rows, config, "ccd.gain", NULL, &error));
    ck_assert_uint_eq(count_rows(rows, "\"place\":\"env:OBSTEST_CCD__GAIN\",\"etag\":null"), 1);
    obs_client_close(client);
    setenv("OBSTEST_CCD", "1", 1);
    client = open_at(path);
    double real;
    ck_assert_refused(obs_config_float(&real, obs_client_config(client), "ccd.gain", &error), OBS_REFUSED,
                      "OBSTEST_CCD__GAIN contradicts another one");
    obs_client_close(client);
    unsetenv("OBSTEST_CCD");
    setenv("OBSTEST_BIG", "99999999999999999999", 1);
    client = open_at(path);
    ck_assert_refused(obs_config_float(&real, obs_client_config(client), "ccd.gain", &error), OBS_REFUSED,
                      "OBSTEST_BIG is an integer that does not fit into 64 bits");
    obs_client_close(client);
    unsetenv("OBSTEST_BIG"), unsetenv("OBSTEST_CCD__GAIN"), unsetenv("OBSTEST_NAME"), unsetenv("OBSTEST_EMPTY");
}
END_TEST

START_TEST(what_is_locked_no_variable_changes)
{
    double real;
    const char *path =
        config_workspace("config: [file:config.yaml, 'env:OBSTEST_']\nlocked: [safety]\n", "safety: {limit: 5}\nfree: 1\n");
    setenv("OBSTEST_FREE", "2", 1);
    obs_client *client = open_at(path);
    ck_assert_double_eq(float_of(obs_client_config(client), "free"), 2);
    obs_client_close(client);
    setenv("OBSTEST_SAFETY__LIMIT", "99", 1);
    client = open_at(path);
    ck_assert_refused(obs_config_float(&real, obs_client_config(client), "safety.limit", &error), OBS_REFUSED,
                      "the environment variable OBSTEST_SAFETY__LIMIT would change 'safety', which obs.yaml locks: unset it");
    ck_assert_int_eq(obs_config_float(&real, obs_client_config(client), "free", &error), OBS_REFUSED);
    obs_client_close(client);
    unsetenv("OBSTEST_SAFETY__LIMIT");
    setenv("OBSTEST_SAFETY", "99", 1);
    client = open_at(path);
    ck_assert_int_eq(obs_config_float(&real, obs_client_config(client), "free", &error), OBS_REFUSED);
    obs_client_close(client);
    unsetenv("OBSTEST_SAFETY"), unsetenv("OBSTEST_FREE");
}
END_TEST

/* Each of these is refused with its place, and the values before stay. */
START_TEST(texts_that_cannot_be_taken)
{
    static const struct {
        const char *text, *part;
    } wrong[] = {
        {"a: 1\na: 2\n", "config.yaml:2:1: the key 'a' is there twice"},
        {"a: &x [1]\nb: *x\n", "config.yaml:1:4: anchors"},
        {"a: {x: 1}\nb:\n  <<: {y: 1}\n", "config.yaml:3:3: merge keys"},
        {"a: 99999999999999999999\n", "config.yaml:1:4: an integer that does not fit into 64 bits"},
        {"a: 1e999\n", "config.yaml:1:4: a number that is too large"},
        {"a: .inf\n", "config.yaml:1:4: infinities"},
        {"a: !include other.yaml\n", "config.yaml:1:4: tags"},
        {"- 1\n- 2\n", "config.yaml:1:1: lines like 'name: value' are expected"},
        {"a: [1\n", "config.yaml:2:1"},
        {"? [a]\n: 1\n", "a key must be a text"},
        {"a: 1\n---\nb: 2\n", "a second document"},
        {"a: \"\xff\"\n", "config.yaml:1:1: this line is not valid UTF-8"},
        {"'': 1\n", "is empty"},
        {"a: ${secret:env:NOBODY}\n", "config.yaml:1:4: obs.yaml does not name the secret 'env:NOBODY'"},
        {"a: pre${secret:env:OBSTEST_P}post\n", "config.yaml:1:4: 'a' has a secret inside of a text"},
        {"a: ${secret:env:OBSTEST_P}${secret:env:OBSTEST_P}\n", "has a secret inside of a text"},
        {"a: ${secret:${secret:env:OBSTEST_P}}\n", "has a secret inside of a text"},
    };
    const char *path = config_workspace("secrets: ['env:OBSTEST_P']\n", "before: 1\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "before"), 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        replace_text(path, "config.yaml", wrong[i].text);
        obs_status status = obs_config_refresh(config, NULL, &error);
        ck_assert_msg(status != OBS_OK && strstr(error.message, wrong[i].part), "%s: %d %s", wrong[i].text, (int)status,
                      error.message);
        ck_assert_int_eq(int_of(config, "before"), 1);
        ck_assert_uint_eq(obs_config_version(config), 1);
        assert_source(config, "\"state\":\"refused\"");
    }
    replace_text(path, "config.yaml", "before: 2\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "before"), 2);
    assert_source(config, "\"state\":\"ok\"");
    ck_assert_uint_ge(count_audit(client, "config.apply", "\"class\":\"config\""), sizeof wrong / sizeof wrong[0]);
    obs_client_close(client);
}
END_TEST

START_TEST(json_is_strict)
{
    static const struct {
        const char *text, *part;
    } wrong[] = {{"{\"a\": 1, \"a\": 2}", "config.json:1:"}, {"{\"a\": 99999999999999999999}", "config.json:1:"},
                 {"{\"a\": 1e999}", "config.json:1:"},       {"{\"a\": NaN}", "config.json:1:"},
                 {"{\"a\": 1,}", "config.json:1:"},          {"a: 1", "config.json:1:"},
                 {"[1]", "lines like 'name: value'"},        {"{\"a\": \"${secret:env:HOME}\"}", "does not name the secret"}};
    const char *path = config_workspace("config: file:config.json\n", NULL);
    write_text(path, "config.json", "{\"before\": 1, \"text\": \"\\u010c\\/\\ud83d\\ude00\"}");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    assert_json(config, "text", "\"\xC4\x8C/\xF0\x9F\x98\x80\"");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        replace_text(path, "config.json", wrong[i].text);
        obs_status status = obs_config_refresh(config, NULL, &error);
        ck_assert_msg(status != OBS_OK && strstr(error.message, wrong[i].part), "%s: %s", wrong[i].text, error.message);
        ck_assert_int_eq(int_of(config, "before"), 1);
    }
    obs_client_close(client);
}
END_TEST

/* What a document says makes nobody open anything: neither files nor addresses. */
START_TEST(documents_lead_nowhere)
{
    const char *path = config_workspace("schema: file:schema.json\n", "include: /etc/passwd\nconfig: 'file:/etc/passwd'\n");
    double real;
    write_text(path, "schema.json", "{\"$ref\":\"https://example.org/schema.json\"}");
    obs_client *client = open_at(path);
    ck_assert_refused(obs_config_float(&real, obs_client_config(client), "a", &error), OBS_INVALID_ARGUMENT,
                      "the schema schema.json: ");
    obs_client_close(client);
    write_text(path, "schema.json", "{}");
    client = open_at(path);
    assert_json(obs_client_config(client), "", "{\"include\":\"/etc/passwd\",\"config\":\"file:/etc/passwd\"}");
    obs_client_close(client);
}
END_TEST

START_TEST(trees_have_limits)
{
    const char *path = config_workspace("", "before: 1\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    size_t size = 3 << 20;
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(int_of(config, "before"), 1);
    memset(text, '#', size), text[size] = '\0';
    replace_text(path, "config.yaml", text);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_RESOURCE_EXHAUSTED, "larger than the limit");
    memset(text, '[', 70), strcpy(text + 70, "\n"), memcpy(text, "a: ", 3);
    replace_text(path, "config.yaml", text);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_RESOURCE_EXHAUSTED, "nested too deeply");
    char *at = text + sprintf(text, "a: [");
    for (int i = 0; i < 100001; i++)
        *at++ = '1', *at++ = ',';
    strcpy(at, "1]\n");
    replace_text(path, "config.yaml", text);
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_RESOURCE_EXHAUSTED, "more values than");
    ck_assert_int_eq(int_of(config, "before"), 1);
    free(text);
    obs_client_close(client);
}
END_TEST

START_TEST(lines_of_obs_yaml_are_checked)
{
    static const struct {
        const char *lines, *part;
    } wrong[] = {
        {"config: 5\n", "obs.yaml:2:9: the URL of a document is expected here"},
        {"config: [file:a, {uri: x}]\n", "obs.yaml:2:18: the URL of a document"},
        {"config: {url: file:a, keep: -1}\n", "the URL of a document"},
        {"config: {url: file:a, keep: soon}\n", "'keep' is a time span"},
        {"config: 'https://ada:hunter2@example.org/a'\n", "a password does not belong in a URL"},
        {"secrets: env:A\n", "a list of secrets is expected"},
        {"secrets: ['vault:x']\n", "a list of secrets is expected"},
        {"secrets: ['file:relative']\n", "a list of secrets is expected"},
        {"locked: safety\n", "a list of names is expected"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        obs_client *client = NULL;
        obs_open_options options;
        obs_open_options_init(&options, sizeof options);
        options.workspace = config_workspace(wrong[i].lines, NULL);
        ck_assert_refused(obs_client_open(&client, &options, &error), OBS_INVALID_ARGUMENT, wrong[i].part);
        ck_assert_ptr_null(strstr(error.message, "hunter2"));
    }
    static const struct {
        const char *lines, *part;
    } late[] = {
        {"config: 'file:../../etc/passwd'\n", "leaves the workspace"},
        {"config: 'file:a/../../b'\n", "leaves the workspace"},
        {"config: 'env:'\n", "a prefix of variables is expected"},
        {"config: 'mem:conf'\n", "names no document"},
        {"config: 'gopher:conf#x'\n", "gopher"},
    };
    for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
        double real;
        obs_client *client = open_at(config_workspace(late[i].lines, NULL));
        obs_status status = obs_config_float(&real, obs_client_config(client), "a", &error);
        ck_assert_msg(status != OBS_OK && strstr(error.message, late[i].part), "%s: %s", late[i].lines, error.message);
        obs_client_close(client);
    }
}
END_TEST

START_TEST(without_documents_there_are_no_values)
{
    obs_client *client = open_at(config_workspace("", NULL));
    double real;
    ck_assert_refused(obs_config_float(&real, obs_client_config(client), "ccd.gain", &error), OBS_NOT_FOUND, "there is no");
    assert_json(obs_client_config(client), "", "{}");
    assert_source(obs_client_config(client), "\"layer\":\"file:config.yaml\",\"state\":\"absent\"");
    obs_client_close(client);
    obs_config_free(NULL);
    obs_setting_free(NULL);
}
END_TEST

START_TEST(a_document_is_checked_without_taking_it_over)
{
    const char *path = config_workspace("schema: file:schema.json\n", "gain: 1\n");
    write_text(path, "schema.json", "{\"properties\":{\"gain\":{\"type\":\"number\",\"maximum\":10}}}");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_ok(obs_config_validate(config, "gain: 2\n", OBS_TEXT, "new.yaml", &error));
    ck_assert_refused(obs_config_validate(config, "# too much\ngain: 20\n", OBS_TEXT, "new.yaml", &error), OBS_REFUSED,
                      "new.yaml:2:7: 'gain' does not fit the schema");
    ck_assert_int_eq(error.line, 2);
    ck_assert_refused(obs_config_validate(config, "gain: [", OBS_TEXT, NULL, &error), OBS_INVALID_ARGUMENT,
                      "the document:2:1: ");
    ck_assert_int_eq(int_of(config, "gain"), 1);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {values_have_types_and_places,
                                  yaml_is_the_core_schema,
                                  layers_are_merged_by_the_rules,
                                  a_point_in_a_key_is_written_with_a_backslash,
                                  the_environment_is_a_layer,
                                  what_is_locked_no_variable_changes,
                                  texts_that_cannot_be_taken,
                                  json_is_strict,
                                  documents_lead_nowhere,
                                  trees_have_limits,
                                  lines_of_obs_yaml_are_checked,
                                  without_documents_there_are_no_values,
                                  a_document_is_checked_without_taking_it_over};
    obs_error_init(&error, sizeof error);
    return test_main("values", tests, sizeof tests / sizeof tests[0]);
}
