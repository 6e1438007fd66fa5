/* Data definitions and records: versions, compatibility, what becomes of a record, what is refused. */
#include "base/clock.h"
#include "catalog_support.h"

static obs_status put(const char *name, const char *schema)
{
    obs__effects effects = {0};
    obs_status status = obs__definition_put(&effects, catalog, name, obs__view_of(schema, OBS_TEXT), &error);
    return status == OBS_OK ? commit_effects(&effects) : status;
}

static int64_t rows(char *out, size_t size)
{
    obs_rows *all = NULL;
    const char *text = NULL;
    int64_t count = 0;
    out[0] = '\0';
    ck_assert_ok(obs__definition_rows(&all, &gate->base, &error));
    for (; obs_rows_next(all, &text, NULL, &error) == OBS_OK && text; count++)
        snprintf(out + strlen(out), size - strlen(out), "%s\n", text);
    obs_rows_free(all);
    return count;
}

static obs_status stage(obs__effects *effects, char *key, const char *name, const char *json)
{
    obs__definition *definition = NULL;
    obs_pair label = {"night", "2026-11-20"};
    obs_status status = obs__definition_get(&definition, catalog, name, &error);
    if (status == OBS_OK)
        status = obs__record_stage(effects, key, definition, obs__view_of(json, OBS_TEXT), &label, 1, &error);
    obs__definition_free(definition);
    return status;
}

static const char STAR[] = "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\"},"
                           "\"mag\":{\"type\":\"number\",\"maximum\":30},\"filter\":{\"enum\":[\"B\",\"V\"]}}}";

START_TEST(versions)
{
    char text[4096];
    open_catalog();
    ck_assert_int_eq(rows(text, sizeof text), 0);
    ck_assert_ok(put("star", STAR));
    ck_assert_ok(put("star", STAR));
    char spaced[512];
    snprintf(spaced, sizeof spaced, " %s\n", STAR);
    ck_assert_ok(put("star", spaced));
    ck_assert_ok(put("galaxy", "true"));
    ck_assert_int_eq(rows(text, sizeof text), 2);
    ck_assert_ptr_nonnull(strstr(text, "{\"name\":\"star\",\"version\":1,\"time\":\"20"));
    ck_assert_ptr_nonnull(strstr(text, STAR));
    ck_assert_ok(put("star", "{\"type\":\"object\",\"properties\":{\"mag\":{\"type\":\"number\",\n\"maximum\":40}}}"));
    ck_assert_int_eq(rows(text, sizeof text), 2);
    ck_assert_ptr_nonnull(strstr(text, "\"name\":\"star\",\"version\":2,"));
    ck_assert_ptr_nonnull(strstr(text, "\"maximum\":40"));
    close_catalog();
}
END_TEST

/* A definition that is held stays as it is; the next question sees the new version. */
START_TEST(new_versions_are_seen)
{
    obs__definition *held = NULL;
    obs__definition *again = NULL;
    obs__effects effects = {0};
    char key[256];
    open_catalog();
    ck_assert_ok(put("star", STAR));
    ck_assert_ok(obs__definition_get(&held, catalog, "star", &error));
    ck_assert_ok(obs__definition_get(&again, catalog, "star", &error));
    ck_assert_ptr_eq(held, again);
    obs__definition_free(again);
    ck_assert_int_eq(stage(&effects, key, "star", "{\"name\":\"a\",\"mag\":31}"), OBS_REFUSED);
    ck_assert_ok(put("star", "{\"properties\":{\"mag\":{\"maximum\":40}}}"));
    ck_assert_ok(stage(&effects, key, "star", "{\"name\":\"a\",\"mag\":31}"));
    obs__effects_free(&effects);
    effects = (obs__effects){0};
    ck_assert_int_eq(obs__record_stage(&effects, key, held, obs__view_of("{\"mag\":31}", OBS_TEXT), NULL, 0, &error),
                     OBS_REFUSED);
    obs__definition_free(held);
    int64_t start = obs__monotonic_ns();
    for (int i = 0; i < 2000; i++) {
        ck_assert_ok(obs__definition_get(&again, catalog, "star", &error));
        obs__definition_free(again);
    }
    printf("definition that is known: %.1f us\n", (double)(obs__monotonic_ns() - start) / 1000 / 2000);
    close_catalog();
}
END_TEST

/* More than the cache keeps. */
START_TEST(many_definitions)
{
    obs__definition *definition = NULL;
    char name[32];
    open_catalog();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "many.%d", i);
        ck_assert_ok(put(name, STAR));
    }
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "many.%d", i % 100);
        ck_assert_ok(obs__definition_get(&definition, catalog, name, &error));
        obs__definition_free(definition);
    }
    close_catalog();
}
END_TEST

static void narrower(const char *old, const char *now, const char *message)
{
    static int number;
    char name[32];
    snprintf(name, sizeof name, "pair.%d", ++number);
    ck_assert_ok(put(name, old));
    obs_status status = put(name, now);
    if (!message)
        ck_assert_msg(status == OBS_OK, "%s to %s: %s", old, now, error.message);
    else {
        ck_assert_msg(status == OBS_FAILED_PRECONDITION, "%s to %s: %s %s", old, now, obs_status_name(status), error.message);
        ck_assert_msg(strstr(error.message, message) != NULL, "%s, not %s", error.message, message);
    }
}

START_TEST(compatible)
{
    open_catalog();
    narrower("{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"properties\":{\"a\":{\"type\":\"number\"}}}", NULL);
    narrower("{\"required\":[\"a\",\"b\"]}", "{\"required\":[\"b\"]}", NULL);
    narrower("{\"enum\":[1,2]}", "{\"enum\":[2,3,1.0]}", NULL);
    narrower("{\"const\":1}", "{\"enum\":[2,1]}", NULL);
    narrower("{\"maximum\":10}", "{\"maximum\":10.5}", NULL);
    narrower("{\"multipleOf\":4}", "{\"multipleOf\":2}", NULL);
    narrower("{}", "{\"minLength\":0}", NULL);
    narrower("{\"properties\":{}}", "{\"properties\":{\"new\":{\"type\":\"string\"}}}", NULL);
    narrower("{\"additionalProperties\":false}", "{\"additionalProperties\":{\"type\":\"null\"}}", NULL);
    narrower("{\"pattern\":\"^a\"}", "{\"title\":\"without\"}", NULL);
    narrower("{\"anyOf\":[{\"type\":\"null\"}]}", "{\"anyOf\":[{\"minimum\":1},{\"type\":\"null\"}]}", NULL);
    narrower("{\"items\":{\"maximum\":1}}", "{\"items\":{\"$ref\":\"#/$defs/m\"},\"$defs\":{\"m\":{\"maximum\":2}}}", NULL);
    narrower("{\"properties\":{\"n\":{\"$ref\":\"#\"}}}", "{\"properties\":{\"n\":{\"$ref\":\"#\"}},\"title\":\"x\"}", NULL);
    close_catalog();
}
END_TEST

START_TEST(incompatible)
{
    open_catalog();
    narrower("{\"properties\":{\"a\":{\"type\":[\"number\",\"null\"]}}}", "{\"properties\":{\"a\":{\"type\":\"number\"}}}",
             ": /a: \"type\" may not be changed or narrowed");
    narrower("{}", "{\"required\":[\"mag\"]}", "/: member \"mag\" may not become required");
    narrower("{\"enum\":[\"B\",\"V\"]}", "{\"enum\":[\"V\"]}", "the value \"B\" may not be removed");
    narrower("{}", "{\"enum\":[1]}", "\"enum\" may not be added");
    narrower("{\"maximum\":10}", "{\"maximum\":9}", "\"maximum\" may not be tightened (from 10 to 9)");
    narrower("{}", "{\"minLength\":1}", "\"minLength\" may not be added");
    narrower("{\"exclusiveMinimum\":1}", "{\"exclusiveMinimum\":2}", "\"exclusiveMinimum\" may not be tightened");
    narrower("{\"multipleOf\":2}", "{\"multipleOf\":4}", "\"multipleOf\" may not be changed");
    narrower("{}", "{\"additionalProperties\":false}", "/: \"additionalProperties\" may not be added");
    narrower("{\"properties\":{\"a\":{},\"b\":{}},\"additionalProperties\":false}",
             "{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "/b: the member may not be taken away");
    narrower("{\"properties\":{\"a\":{\"items\":{\"maximum\":2}}}}", "{\"properties\":{\"a\":{\"items\":{\"maximum\":1}}}}",
             "/a/*: \"maximum\" may not be tightened");
    narrower("{\"pattern\":\"^a\"}", "{\"pattern\":\"^b\"}", "\"pattern\" may not be changed");
    narrower("{}", "{\"format\":\"date\"}", "\"format\" may not be added");
    narrower("{}", "{\"not\":{}}", "\"not\" may not be added");
    narrower("{\"allOf\":[{\"minimum\":1}]}", "{\"allOf\":[{\"minimum\":1},{\"maximum\":5}]}", "\"allOf\" may not be added to");
    narrower("{\"anyOf\":[{},{\"minimum\":1}]}", "{\"anyOf\":[{}]}", "\"anyOf\" may not lose an alternative");
    narrower("{\"prefixItems\":[{\"type\":\"string\"}]}", "{\"prefixItems\":[{\"type\":\"null\"}]}",
             "/0: \"type\" may not be changed");
    narrower("{\"items\":{\"$ref\":\"#/$defs/m\"},\"$defs\":{\"m\":{\"maximum\":2}}}",
             "{\"items\":{\"$ref\":\"#/$defs/m\"},\"$defs\":{\"m\":{\"maximum\":1}}}", "/*: \"maximum\" may not be tightened");
    narrower("{\"properties\":{\"n\":{\"$ref\":\"#\"}},\"maximum\":2}",
             "{\"properties\":{\"n\":{\"$ref\":\"#\"}},\"maximum\":1}", "/: \"maximum\" may not be tightened");
    narrower("true", "false", "what was allowed may not be forbidden");
    close_catalog();
}
END_TEST

START_TEST(wrong_definitions)
{
    open_catalog();
    ck_assert_int_eq(put("Star", STAR), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(put("", STAR), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(put("star", "{\n  \"type\": ,\n}"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(error.line, 2);
    ck_assert_int_eq(put("star", "{\"type\":\"object\",\"type\":\"array\"}"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(put("star", "{\"$ref\":\"https://example.org/x\"}"), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "data definition 'star': #: the reference \"https://example.org/x\""));
    ck_assert_int_eq(put("star", "{\"pattern\":\"(\"}"), OBS_INVALID_ARGUMENT);
    ck_assert_ok(put("galaxy", "true"));
    ck_assert_int_eq(stage(&(obs__effects){0}, (char[256]){0}, "star", "{}"), OBS_NOT_FOUND);
    ck_assert_str_eq(error.message, "no data definition 'star'; there are 'galaxy'");
    close_catalog();
}
END_TEST

/* Two that saw the same version: the second is told, and nothing is overwritten. */
START_TEST(races)
{
    char text[4096];
    obs__effects first = {0};
    obs__effects second = {0};
    open_catalog();
    ck_assert_ok(obs__definition_put(&first, catalog, "star", obs__view_of(STAR, OBS_TEXT), &error));
    ck_assert_ok(obs__definition_put(&second, catalog, "star", obs__view_of("true", OBS_TEXT), &error));
    ck_assert_ok(commit_effects(&first));
    ck_assert_int_eq(commit_effects(&second), OBS_ABORTED);
    ck_assert_int_eq(rows(text, sizeof text), 1);
    ck_assert_ptr_nonnull(strstr(text, STAR));
    close_catalog();
}
END_TEST

START_TEST(records)
{
    static const char json[] = "{ \"name\": \"M 13\", \"mag\": 5.8, \"seen\": true, \"more\": {\"x\": 1}, \"none\": null }";
    obs__effects effects = {0};
    obs_buffer *buffer = NULL;
    char key[256];
    open_catalog();
    ck_assert_ok(put("star", STAR));
    ck_assert_ok(stage(&effects, key, "star", json));
    ck_assert_ok(commit_effects(&effects));
    ck_assert_int_eq(strncmp(key, "records/star/", 13), 0);
    ck_assert_uint_eq(strlen(key), 13 + 36);
    ck_assert_ok(obs__record_get(&buffer, &gate->base, obs__view_of(key, OBS_TEXT), &error));
    ck_assert_uint_eq(obs_buffer_size(buffer), strlen(json));
    ck_assert_mem_eq(obs_buffer_data(buffer), json, strlen(json));
    obs_buffer_free(buffer);
    ck_assert_ok(obs_catalog_get(&buffer, catalog, key, OBS_TEXT, NULL, &error));
    const char *entry = obs_buffer_data(buffer);
    ck_assert_ptr_nonnull(strstr(entry, "\"kind\":\"record\",\"type\":\"star\""));
    ck_assert_ptr_nonnull(strstr(entry, "\"values\":{\"name\":\"M 13\",\"mag\":5.8,\"seen\":true,\"more.x\":1}"));
    ck_assert_ptr_nonnull(strstr(entry, "\"labels\":{\"night\":\"2026-11-20\"}"));
    obs_buffer_free(buffer);
    ck_assert_int_eq(obs__record_get(&buffer, &gate->base, obs__view_of("records/star/x", OBS_TEXT), &error), OBS_NOT_FOUND);
    ck_assert_ptr_null(buffer);
    close_catalog();
}
END_TEST

static void refused(const char *json, const char *message, int line)
{
    obs__effects effects = {0};
    char key[256] = "x";
    ck_assert_int_eq(stage(&effects, key, "star", json), OBS_REFUSED);
    ck_assert_ptr_null(effects.first);
    ck_assert_str_eq(key, "");
    ck_assert_msg(strstr(error.message, message) != NULL, "%s, not %s", error.message, message);
    ck_assert_int_eq(error.line, line);
}

START_TEST(refused_records)
{
    open_catalog();
    ck_assert_ok(put("star", STAR));
    refused("{\"mag\":1}", "/: required member \"name\" is missing", 0);
    refused("{\"name\":\"a\",\"mag\":31.4}", "/mag: 31.4 is greater than the maximum 30", 0);
    refused("{\"name\":\"a\",\n\"mag\":}", "line 2, column 7", 2);
    refused("{\"name\":\"a\",\"name\":\"b\"}", "duplicate", 1);
    refused("[]", "a record must be a JSON object", 0);
    refused("", "", 1);
    char *large = malloc((2 << 20) + 1);
    memset(large, ' ', 2 << 20);
    large[2 << 20] = '\0';
    refused(large, "the record has 2097152 bytes, more than 1048576", 0);
    memset(large, '[', 1000);
    large[1000] = '\0';
    refused(large, "", 1);
    free(large);
    ck_assert_ok(put("slow", "{\"properties\":{\"a\":{\"pattern\":\"^(a+)+$\"}}}"));
    obs__effects effects = {0};
    char key[256];
    ck_assert_int_eq(stage(&effects, key, "slow", "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}"), OBS_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "a regular expression takes too much time"));
    close_catalog();
}
END_TEST

static obs_status damage(obs__effect *effect, obs__txn *txn, obs_error *why)
{
    static const char sql[] = "UPDATE record SET data = CAST('{\"name\":\"M 14\"}' AS BLOB)";
    sqlite3_stmt *statement;
    (void)effect;
    obs_status status = obs__txn_statement(&statement, txn, sql, why);
    return status == OBS_OK ? obs__txn_run(txn, statement, why) : status;
}

static void no_free(obs__effect *effect)
{
    (void)effect;
}

START_TEST(damaged_records)
{
    static const obs__effect_ops ops = {.apply = damage, .free = no_free};
    obs__effect effect = {.ops = &ops};
    obs__effects effects = {0};
    obs__effects damaging = {0};
    obs_buffer *buffer = NULL;
    char key[256];
    open_catalog();
    ck_assert_ok(put("star", STAR));
    ck_assert_ok(stage(&effects, key, "star", "{\"name\":\"M 13\"}"));
    ck_assert_ok(commit_effects(&effects));
    obs__effects_add(&damaging, &effect);
    ck_assert_ok(commit_effects(&damaging));
    ck_assert_int_eq(obs__record_get(&buffer, &gate->base, obs__view_of(key, OBS_TEXT), &error), OBS_DATA_LOSS);
    ck_assert_ptr_null(buffer);
    close_catalog();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        versions, new_versions_are_seen, many_definitions, compatible, incompatible, wrong_definitions, races,
        records,  refused_records,       damaged_records};
    return test_main("data definitions", tests, sizeof tests / sizeof *tests);
}
