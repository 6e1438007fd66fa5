/* Runs a validation: first only whether the document fits, which is fast; when it does not, once more to find the first place.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/schema_run.h"

enum { MATCHING_MS_MAX = 1000 };

static int give_up(obs__schema_run *run, const char *why)
{
    if (!run->gave_up)
        run->gave_up = why;
    return 0;
}

int obs__schema_no_memory(obs__schema_run *run)
{
    run->no_memory = 1;
    return give_up(run, "there is not enough memory");
}

int obs__schema_steps(obs__schema_run *run, uint64_t steps)
{
    if (run->gave_up)
        return 0;
    run->steps += steps;
    return run->steps <= OBS__SCHEMA_STEPS_MAX ? 1 : give_up(run, "checking it takes too many steps");
}

/* The clock is asked once in 32 matches: one alone is bounded by its match limit. */
int obs__schema_matches(obs__schema_run *run, const obs__regex *regex, const char *text, size_t size)
{
    if (run->gave_up)
        return 0;
    if (run->matches++ % 32 == 31) {
        int64_t now = obs__monotonic_ns() / 1000000;
        if (!run->matching_since_ms)
            run->matching_since_ms = now;
        if (now - run->matching_since_ms > MATCHING_MS_MAX)
            return give_up(run, "its regular expressions take too much time");
    }
    int found = obs__regex_match(regex, &run->regex, text, size);
    if (found == OBS__REGEX_NO_MEMORY)
        return obs__schema_no_memory(run);
    return found < 0 ? give_up(run, "a regular expression takes too much time or memory") : found;
}

static void order_of(obs__schema_failure *failure, const obs__schema_path *path)
{
    failure->depth = path->depth;
    for (; path->up; path = path->up)
        if (path->depth <= OBS__ORDER_MAX)
            failure->order[path->depth - 1] = path->index;
}

/* Whether a comes before b in the document; an object comes before its members. */
static int is_before(const obs__schema_failure *a, const obs__schema_failure *b)
{
    for (unsigned i = 0; i < a->depth && i < b->depth && i < OBS__ORDER_MAX; i++)
        if (a->order[i] != b->order[i])
            return a->order[i] < b->order[i];
    return a->depth < b->depth;
}

static void add_pointer(obs__builder *out, const obs__schema_path *path)
{
    if (!path->up)
        return;
    add_pointer(out, path->up);
    obs__add_char(out, '/');
    if (!path->name)
        obs__add_integer(out, (int64_t)path->index);
    for (const char *c = path->name; c && *c; c++) {
        if (*c == '~' || *c == '/')
            obs__add_text(out, *c == '~' ? "~0" : "~1");
        else
            obs__add_char(out, *c);
    }
}

static void write_failure(obs__schema_failure *failure, const obs__schema_path *path, const char *format, va_list arguments)
{
    obs__builder pointer;
    obs__builder_init(&pointer, 64 * 1024);
    add_pointer(&pointer, path);
    const char *text = pointer.failed ? "…" : pointer.size ? pointer.data : "/";
    int size = snprintf(failure->text, sizeof failure->text, strlen(text) > 200 ? "%.200s…: " : "%s: ", text);
    vsnprintf(failure->text + size, sizeof failure->text - (size_t)size, format, arguments);
    obs__builder_free(&pointer);
}

int obs__schema_report(obs__schema_run *run, const obs__schema_path *path, const char *format, ...)
{
    obs__schema_failure now = {.found = 1};
    if (!run->failure)
        return 0;
    order_of(&now, path);
    if (run->failure->found && !is_before(&now, run->failure))
        return 0;
    va_list arguments;
    va_start(arguments, format);
    write_failure(&now, path, format, arguments);
    va_end(arguments);
    *run->failure = now;
    return 0;
}

int obs__schema_would_fit(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    obs__schema_failure *failure = run->failure;
    run->failure = NULL;
    int fits = obs__schema_fits(run, node, place);
    run->failure = failure;
    return fits;
}

static int check_all(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    if (!obs__schema_check_type(run, node, place))
        return 0;
    int fits = obs__schema_check_value(run, node, place);
    if ((fits || run->failure) && node->object && json_is_object(place->value))
        fits &= obs__schema_apply_object(run, node->object, place);
    if ((fits || run->failure) && node->array && json_is_array(place->value))
        fits &= obs__schema_apply_array(run, node->array, place);
    if ((fits || run->failure) && node->combine)
        fits &= obs__schema_apply_combine(run, node->combine, place);
    return fits;
}

/* With marks of its own, because unevaluated… asks what the other keywords did. */
static int check_others(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    obs__schema_marks marks;
    if (!obs__marks_init(&marks, place->value))
        return obs__schema_no_memory(run);
    const obs__schema_place own = {place->value, place->path, &marks};
    int fits = check_all(run, node, &own);
    if (fits)
        fits = obs__schema_apply_others(run, node, &own);
    if (fits)
        obs__marks_merge(place->marks, &marks);
    obs__marks_free(&marks);
    return fits;
}

int obs__schema_fits(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    if (node->kind == OBS__NODE_ALWAYS)
        return 1;
    if (node->kind == OBS__NODE_NEVER)
        return obs__schema_report(run, place->path, "nothing is allowed here");
    if (!obs__schema_steps(run, 1))
        return 0;
    if (run->calls >= OBS__SCHEMA_CALLS_MAX)
        return give_up(run, "schemas refer to each other too deeply");
    const obs__schema_scope *outer = run->scope;
    const obs__schema_scope inner = {outer, node->resource};
    if (run->schema->dynamic && (!outer || outer->resource != node->resource))
        run->scope = &inner;
    run->calls++;
    int others = (node->other_members && json_is_object(place->value)) || (node->other_items && json_is_array(place->value));
    int fits = others ? check_others(run, node, place) : check_all(run, node, place);
    run->calls--;
    run->scope = outer;
    return fits;
}

static obs_status explain(obs__schema_run *run, const obs__schema_place *place, obs_error *error)
{
    obs__schema_failure failure = {.found = 0};
    run->failure = &failure;
    run->steps = 0;
    if (!run->gave_up)
        obs__schema_fits(run, run->schema->root, place);
    if (run->no_memory)
        return obs__fail_memory(error);
    if (run->gave_up)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "the document cannot be checked against its schema: %s", run->gave_up);
    return obs__fail(error, OBS_REFUSED, "%s", failure.text);
}

obs_status obs__schema_validate(const obs__schema *schema, const json_t *instance, obs_error *error)
{
    const obs__schema_path root = {NULL, NULL, 0, 0};
    const obs__schema_place place = {instance, &root, NULL};
    obs__schema_run run = {.schema = schema};
    obs_status status = OBS_OK;
    int fits = obs__schema_fits(&run, schema->root, &place);
    if (!fits || run.gave_up)
        status = explain(&run, &place, error);
    obs__regex_work_free(run.regex);
    return status;
}
