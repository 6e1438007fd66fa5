/* What differs between two JSON documents, by name. */
#include "base/json_differ.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

static void expect(const char *before, const char *now, size_t most, const char *wanted)
{
    json_t *old = json_loads(before, JSON_DECODE_ANY, NULL), *new = json_loads(now, JSON_DECODE_ANY, NULL);
    json_t *found = obs__json_differences(old, new, most);
    char *text = json_dumps(found, JSON_COMPACT);
    ck_assert_msg(strcmp(text, wanted) == 0, "%s and %s: %s", before, now, text);
    free(text);
    json_decref(found);
    json_decref(old);
    json_decref(new);
}

START_TEST(names)
{
    expect("{\"a\":1}", "{\"a\":1}", 10, "[]");
    expect("3", "4", 10, "[{\"name\":\"\",\"before\":3,\"now\":4}]");
    expect("{\"a\":{\"b\":[1,2]}}", "{\"a\":{\"b\":[1,3]}}", 10, "[{\"name\":\"a.b.1\",\"before\":2,\"now\":3}]");
    expect("{\"a.b\":{\"c\\\\\":1}}", "{\"a.b\":{\"c\\\\\":2}}", 10,
           "[{\"name\":\"a\\\\.b.c\\\\\\\\\",\"before\":1,\"now\":2}]");
    expect("{\"\":1}", "{\"\":2}", 10, "[{\"name\":\"\",\"before\":1,\"now\":2}]");
}
END_TEST

START_TEST(what_one_of_them_lacks)
{
    expect("{\"a\":1,\"b\":2}", "{\"c\":3,\"b\":2}", 10,
           "[{\"name\":\"a\",\"before\":1,\"now\":null},{\"name\":\"c\",\"before\":null,\"now\":3}]");
    expect("[1]", "[1,{\"x\":2}]", 10, "[{\"name\":\"1\",\"before\":null,\"now\":{\"x\":2}}]");
    expect("{\"a\":[1]}", "{\"a\":{\"b\":1}}", 10, "[{\"name\":\"a\",\"before\":[1],\"now\":{\"b\":1}}]");
    expect("{}", "[]", 10, "[{\"name\":\"\",\"before\":{},\"now\":[]}]");
}
END_TEST

START_TEST(no_more_than_are_wanted)
{
    expect("[1,2,3]", "[4,5,6]", 2, "[{\"name\":\"0\",\"before\":1,\"now\":4},{\"name\":\"1\",\"before\":2,\"now\":5}]");
    expect("[1,2,3]", "[4,5,6]", 0, "[]");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {names, what_one_of_them_lacks, no_more_than_are_wanted};
    return test_main("json_differ", tests, sizeof tests / sizeof tests[0]);
}
