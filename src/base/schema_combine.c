/* Applies other schemas to the same value: references, allOf, anyOf, oneOf, not, if. */
#include <string.h>

#include "base/schema_run.h"

/* The outermost schema on the way here that has the name decides. */
static const obs__schema_node *dynamic_target(const obs__schema_run *run, const obs__schema_combine *combine)
{
    const obs__schema_node *target = combine->dynamic_ref;
    for (const obs__schema_scope *scope = run->scope; combine->dynamic_name && scope; scope = scope->up)
        for (const obs__schema_anchor *a = run->schema->anchors; a; a = a->next)
            if (a->dynamic && a->resource == scope->resource && strcmp(a->name, combine->dynamic_name) == 0)
                target = a->node;
    return target;
}

/* A branch that may fail: what it evaluated counts only when it fits. */
static int branch_fits(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    obs__schema_marks marks;
    if (!place->marks)
        return obs__schema_would_fit(run, node, place);
    if (!obs__marks_init(&marks, place->value))
        return obs__schema_no_memory(run);
    const obs__schema_place own = {place->value, place->path, &marks};
    int fits = obs__schema_would_fit(run, node, &own);
    if (fits)
        obs__marks_merge(place->marks, &marks);
    obs__marks_free(&marks);
    return fits;
}

/* Of all branches the one that came furthest into the document tells best what is wrong. */
static int report_branches(obs__schema_run *run, const obs__schema_branches *branches, const obs__schema_place *place)
{
    obs__schema_failure *outer = run->failure;
    obs__schema_failure best = {.found = 0};
    if (!outer)
        return 0;
    for (size_t i = 0; i < branches->count && !run->gave_up; i++) {
        const obs__schema_place own = {place->value, place->path, NULL};
        obs__schema_failure one = {.found = 0};
        run->failure = &one;
        obs__schema_fits(run, branches->nodes[i], &own);
        if (one.found && (!best.found || one.depth > best.depth))
            best = one;
    }
    run->failure = outer;
    if (branches->count == 1)
        return obs__schema_report(run, place->path, "fits not the only alternative: %s", best.text);
    return obs__schema_report(run, place->path, "fits none of %zu alternatives; the nearest says %s", branches->count,
                              best.text);
}

static int any_fits(obs__schema_run *run, const obs__schema_branches *branches, const obs__schema_place *place)
{
    int fits = 0;
    for (size_t i = 0; i < branches->count && (!fits || place->marks); i++)
        fits |= branch_fits(run, branches->nodes[i], place);
    return fits ? 1 : report_branches(run, branches, place);
}

static int one_fits(obs__schema_run *run, const obs__schema_branches *branches, const obs__schema_place *place)
{
    size_t first = 0;
    size_t found = 0;
    for (size_t i = 0; i < branches->count; i++) {
        if (!branch_fits(run, branches->nodes[i], place))
            continue;
        if (found++)
            return obs__schema_report(run, place->path, "fits the alternatives %zu and %zu, but must fit only one", first + 1,
                                      i + 1);
        first = i;
    }
    return found ? 1 : report_branches(run, branches, place);
}

static int all_fit(obs__schema_run *run, const obs__schema_branches *branches, const obs__schema_place *place)
{
    int fits = 1;
    for (size_t i = 0; i < branches->count && (fits || run->failure); i++)
        fits &= obs__schema_fits(run, branches->nodes[i], place);
    return fits;
}

static int negation_fits(obs__schema_run *run, const obs__schema_node *negated, const obs__schema_place *place)
{
    const obs__schema_place own = {place->value, place->path, NULL};
    if (!obs__schema_would_fit(run, negated, &own))
        return 1;
    return obs__schema_report(run, place->path, "fits what \"not\" forbids");
}

static int condition_fits(obs__schema_run *run, const obs__schema_combine *combine, const obs__schema_place *place)
{
    int holds = branch_fits(run, combine->condition, place);
    const obs__schema_node *node = holds ? combine->positive : combine->negative;
    return !node || obs__schema_fits(run, node, place);
}

int obs__schema_apply_combine(obs__schema_run *run, const obs__schema_combine *combine, const obs__schema_place *place)
{
    int fits = !combine->ref || obs__schema_fits(run, combine->ref, place);
    if ((fits || run->failure) && combine->dynamic_ref)
        fits &= obs__schema_fits(run, dynamic_target(run, combine), place);
    if ((fits || run->failure) && combine->all.count)
        fits &= all_fit(run, &combine->all, place);
    if ((fits || run->failure) && combine->any.count)
        fits &= any_fits(run, &combine->any, place);
    if ((fits || run->failure) && combine->one.count)
        fits &= one_fits(run, &combine->one, place);
    if ((fits || run->failure) && combine->negated)
        fits &= negation_fits(run, combine->negated, place);
    if ((fits || run->failure) && combine->condition)
        fits &= condition_fits(run, combine, place);
    return fits;
}
