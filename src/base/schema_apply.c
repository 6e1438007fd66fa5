/* Applies schemas to the members of an object and the items of an array. */
#include <string.h>

#include "base/schema_run.h"

static const obs__schema_slot *find_slot(const obs__schema_object *object, const char *name)
{
    uint32_t hash = obs__schema_hash(name);
    for (size_t at = hash & object->slot_mask;; at = (at + 1) & object->slot_mask) {
        const obs__schema_slot *slot = &object->slots[at];
        if (!slot->name)
            return NULL;
        if (slot->hash == hash && strcmp(slot->name, name) == 0)
            return slot;
    }
}

static int child_fits(obs__schema_run *run, const obs__schema_node *node, const json_t *value, const obs__schema_path *path)
{
    const obs__schema_place place = {value, path, NULL};
    if (node->kind == OBS__NODE_NEVER && path->name && run->failure)
        return obs__schema_report(run, path, "the member \"%.100s\" is not allowed", path->name);
    return obs__schema_fits(run, node, &place);
}

static int matches_fit(obs__schema_run *run, const obs__schema_object *object, const json_t *value,
                       const obs__schema_path *path, int *known)
{
    int fits = 1;
    for (size_t i = 0; i < object->match_count && (fits || run->failure); i++) {
        if (!obs__schema_matches(run, object->matches[i].pattern, path->name, strlen(path->name)))
            continue;
        *known = 1;
        fits &= child_fits(run, object->matches[i].node, value, path);
    }
    return fits;
}

static int name_fits(obs__schema_run *run, const obs__schema_node *names, const obs__schema_path *path)
{
    json_t *name = json_string(path->name);
    if (!name)
        return obs__schema_no_memory(run);
    const obs__schema_place place = {name, path, NULL};
    int fits = obs__schema_fits(run, names, &place);
    json_decref(name);
    return fits;
}

/* One member; counts it when it is a required one. */
static int member_fits(obs__schema_run *run, const obs__schema_object *object, const json_t *value,
                       const obs__schema_path *path, const obs__schema_place *place, size_t *required)
{
    const obs__schema_slot *slot = object->slots ? find_slot(object, path->name) : NULL;
    int known = slot && slot->node;
    int fits = 1;
    *required += slot && slot->required;
    if (known)
        fits = child_fits(run, slot->node, value, path);
    if (object->match_count && (fits || run->failure))
        fits &= matches_fit(run, object, value, path, &known);
    if (!known && object->additional) {
        known = 1;
        fits &= child_fits(run, object->additional, value, path);
    }
    if (object->names && (fits || run->failure))
        fits &= name_fits(run, object->names, path);
    if (known)
        obs__marks_set(place->marks, path->index);
    return fits;
}

static int report_missing(obs__schema_run *run, const obs__schema_object *object, const obs__schema_place *place)
{
    for (size_t i = 0; run->failure && i < json_array_size(object->required); i++) {
        const char *name = json_string_value(json_array_get(object->required, i));
        if (!json_object_get(place->value, name))
            return obs__schema_report(run, place->path, "required member \"%.100s\" is missing", name);
    }
    return 0;
}

static int members_fit(obs__schema_run *run, const obs__schema_object *object, const obs__schema_place *place)
{
    json_t *json = (json_t *)place->value; /* jansson's iterators only read */
    obs__schema_path path = {place->path, NULL, 0, place->path->depth + 1};
    size_t required = 0;
    int fits = 1;
    for (void *at = json_object_iter(json); at && (fits || run->failure); at = json_object_iter_next(json, at)) {
        path.name = json_object_iter_key(at);
        fits &= member_fits(run, object, json_object_iter_value(at), &path, place, &required);
        path.index++;
    }
    if (fits || run->failure)
        fits &= required == object->required_count || report_missing(run, object, place);
    return fits;
}

static int count_fits(obs__schema_run *run, const obs__schema_object *object, const obs__schema_place *place)
{
    unsigned long long count = json_object_size(place->value);
    if (count < object->least)
        return obs__schema_report(run, place->path, "%llu members are fewer than %llu", count,
                                  (unsigned long long)object->least);
    if (count > object->most)
        return obs__schema_report(run, place->path, "%llu members are more than %llu", count, (unsigned long long)object->most);
    return 1;
}

static int dependency_fits(obs__schema_run *run, const obs__schema_dependency *dependency, const obs__schema_place *place)
{
    if (!json_object_get(place->value, dependency->name))
        return 1;
    for (size_t i = 0; i < json_array_size(dependency->required); i++) {
        const char *name = json_string_value(json_array_get(dependency->required, i));
        if (!json_object_get(place->value, name))
            return obs__schema_report(run, place->path, "member \"%.80s\" is missing, which \"%.80s\" requires", name,
                                      dependency->name);
    }
    return !dependency->node || obs__schema_fits(run, dependency->node, place);
}

int obs__schema_apply_object(obs__schema_run *run, const obs__schema_object *object, const obs__schema_place *place)
{
    int fits = count_fits(run, object, place);
    if ((fits || run->failure) && (object->slots || object->match_count || object->additional || object->names))
        fits &= members_fit(run, object, place);
    for (size_t i = 0; i < object->dependency_count && (fits || run->failure); i++)
        fits &= dependency_fits(run, &object->dependencies[i], place);
    return fits;
}

static int items_fit(obs__schema_run *run, const obs__schema_array *array, const obs__schema_place *place)
{
    size_t count = json_array_size(place->value);
    int fits = 1;
    if (!array->items && count > array->prefix_count)
        count = array->prefix_count;
    for (size_t i = 0; i < count && (fits || run->failure); i++) {
        const obs__schema_path path = {place->path, NULL, i, place->path->depth + 1};
        const obs__schema_node *node = i < array->prefix_count ? array->prefix[i] : array->items;
        fits &= child_fits(run, node, json_array_get(place->value, i), &path);
        obs__marks_set(place->marks, i);
    }
    return fits;
}

static int contains_fits(obs__schema_run *run, const obs__schema_array *array, const obs__schema_place *place)
{
    unsigned long long found = 0;
    for (size_t i = 0; i < json_array_size(place->value); i++) {
        const obs__schema_path path = {place->path, NULL, i, place->path->depth + 1};
        const obs__schema_place item = {json_array_get(place->value, i), &path, NULL};
        if (!obs__schema_would_fit(run, array->contains, &item))
            continue;
        found++;
        obs__marks_set(place->marks, i);
    }
    if (found < array->contains_least)
        return obs__schema_report(run, place->path, "%llu of the items are as \"contains\" asks, fewer than %llu", found,
                                  (unsigned long long)array->contains_least);
    if (found > array->contains_most)
        return obs__schema_report(run, place->path, "%llu of the items are as \"contains\" asks, more than %llu", found,
                                  (unsigned long long)array->contains_most);
    return 1;
}

static int size_fits(obs__schema_run *run, const obs__schema_array *array, const obs__schema_place *place)
{
    unsigned long long count = json_array_size(place->value);
    if (count < array->least)
        return obs__schema_report(run, place->path, "%llu items are fewer than %llu", count, (unsigned long long)array->least);
    if (count > array->most)
        return obs__schema_report(run, place->path, "%llu items are more than %llu", count, (unsigned long long)array->most);
    return 1;
}

int obs__schema_apply_array(obs__schema_run *run, const obs__schema_array *array, const obs__schema_place *place)
{
    size_t first = 0;
    size_t second = 0;
    int fits = size_fits(run, array, place);
    if ((fits || run->failure) && (array->prefix_count || array->items))
        fits &= items_fit(run, array, place);
    if ((fits || run->failure) && array->contains)
        fits &= contains_fits(run, array, place);
    if ((fits || run->failure) && array->unique && !obs__schema_unique(run, place->value, &first, &second))
        fits = obs__schema_report(run, place->path, "items %zu and %zu are equal", first, second);
    return fits;
}

static int other_members_fit(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    json_t *json = (json_t *)place->value;
    obs__schema_path path = {place->path, NULL, 0, place->path->depth + 1};
    int fits = 1;
    for (void *at = json_object_iter(json); at && (fits || run->failure); at = json_object_iter_next(json, at)) {
        path.name = json_object_iter_key(at);
        if (!obs__marks_has(place->marks, path.index))
            fits &= child_fits(run, node, json_object_iter_value(at), &path);
        obs__marks_set(place->marks, path.index++);
    }
    return fits;
}

int obs__schema_apply_others(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    int fits = 1;
    if (node->other_members && json_is_object(place->value))
        return other_members_fit(run, node->other_members, place);
    for (size_t i = 0; i < json_array_size(place->value) && (fits || run->failure); i++) {
        const obs__schema_path path = {place->path, NULL, i, place->path->depth + 1};
        if (!obs__marks_has(place->marks, i))
            fits &= child_fits(run, node->other_items, json_array_get(place->value, i), &path);
        obs__marks_set(place->marks, i);
    }
    return fits;
}
