/* The meaning of a query. What the index gives is only a guess that leaves nothing out; this decides. */
#include <string.h>

#include "base/error.h"

#include "catalog/query.h"

static int order_to(obs__comparison comparison, int order)
{
    switch (comparison) {
    case OBS__LT:
        return order < 0;
    case OBS__LE:
        return order <= 0;
    case OBS__GT:
        return order > 0;
    case OBS__GE:
        return order >= 0;
    default:
        return order == 0;
    }
}

static int compare_text(obs__view a, obs__view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int is_within(const obs__condition *condition, const obs__point *point)
{
    for (int i = 0; i < condition->within_count && point->is_number; i++)
        if (point->number >= condition->within[i].least && point->number <= condition->within[i].greatest)
            return 1;
    return 0;
}

int obs__condition_meets(const obs__condition *condition, const obs__point *point)
{
    if (condition->within_count)
        return is_within(condition, point);
    if (condition->is_number && point->is_number)
        return order_to(condition->comparison, (point->number > condition->number) - (point->number < condition->number));
    if (!point->is_text || !condition->is_text)
        return 0;
    if (condition->prefix)
        return obs__starts_with(point->text, condition->text);
    return order_to(condition->comparison, compare_text(point->text, condition->text));
}

static obs_status any_point(int *out, const obs__condition *condition, const obs__row *row, obs_error *error)
{
    obs__points points;
    obs__point point;
    *out = 0;
    obs__points_begin(&points, row);
    while (!*out && obs__points_next(&points, &point))
        *out = obs__view_equal(point.name, condition->name) && obs__condition_meets(condition, &point);
    int failed = points.failed;
    obs__points_free(&points);
    return failed ? obs__fail_memory(error) : OBS_OK;
}

static obs_status in_cone(int *out, const obs__query *query, const obs__row *row, obs_error *error)
{
    double distance;
    int failed;
    *out = obs__cone_distance(&distance, &query->cone, row, &failed) && distance <= query->cone.radius;
    return failed ? obs__fail_memory(error) : OBS_OK;
}

obs_status obs__query_holds(int *out, const obs__query *query, const obs__row *row, obs__words *words, obs_error *error)
{
    obs_status status = OBS_OK;
    *out = 1;
    for (size_t i = 0; i < query->count && *out && status == OBS_OK; i++) {
        const obs__condition *condition = &query->conditions[i];
        if (condition->within_count) /* for the index: the cone as a whole decides */
            continue;
        if (condition->is_words)
            status = obs__words_in(out, words, condition->tokens, row, error);
        else
            status = any_point(out, condition, row, error);
        if (condition->comparison == OBS__NE)
            *out = !*out;
    }
    if (status == OBS_OK && *out && query->has_cone)
        status = in_cone(out, query, row, error);
    return status;
}
