/* From a file of observations to those of one object. */
#include "curve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mpc.h"

/* Adds one line to the list of its object; a line that holds no observation is left out. */
static int add_line(json_t *objects, const char *line, size_t size)
{
    char text[512];
    if (size && line[size - 1] == '\r')
        size--;
    if (obs80_to_json(text, sizeof text, line, size))
        return 1;
    json_t *record = json_loads(text, 0, NULL);
    const char *name = json_string_value(json_object_get(record, "object"));
    json_t *list = name ? json_object_get(objects, name) : NULL;
    if (name && !list && json_object_set_new(objects, name, json_array()) == 0)
        list = json_object_get(objects, name);
    int is_added = list && json_array_append(list, record) == 0;
    json_decref(record);
    return is_added;
}

static int add_array(json_t *objects, const json_t *array, size_t *lines)
{
    size_t i;
    json_t *element;
    int good = 1;
    json_array_foreach(array, i, element)
    {
        const json_t *text = json_object_get(element, "original_record");
        if (good && json_is_string(text))
            good = add_line(objects, json_string_value(text), json_string_length(text));
    }
    *lines = json_array_size(array);
    return good;
}

static int add_lines(json_t *objects, const char *content, size_t size, size_t *lines)
{
    int good = 1;
    for (const char *at = content, *stop = content + size; good && at < stop; (*lines)++) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        end = end ? end : stop;
        good = add_line(objects, at, (size_t)(end - at));
        at = end + 1;
    }
    return good;
}

/* RFC 3339 in UTC: the order of the letters is that of time. Equal times keep the order of all else, so that it is always one.
 */
static int by_time(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    int order = strcmp(json_string_value(json_object_get(left, "date")), json_string_value(json_object_get(right, "date")));
    double difference = json_number_value(json_object_get(left, "ra")) - json_number_value(json_object_get(right, "ra"));
    return order ? order : (difference > 0) - (difference < 0);
}

static json_t *in_order(const json_t *list)
{
    size_t count = json_array_size(list);
    json_t **all = calloc(count + 1, sizeof *all), *sorted = json_array();
    for (size_t i = 0; all && i < count; i++)
        all[i] = json_array_get(list, i);
    if (all)
        qsort(all, count, sizeof(json_t *), by_time);
    for (size_t i = 0; all && i < count; i++)
        json_array_append(sorted, all[i]);
    free(all);
    if (json_array_size(sorted) == count)
        return sorted;
    json_decref(sorted);
    return NULL;
}

json_t *curve_read(const char *content, size_t size)
{
    json_t *objects = json_object(), *made = NULL, *list;
    const char *name, *most = NULL;
    size_t lines = 0;
    json_t *array = size && *content == '[' ? json_loadb(content, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int good = array ? add_array(objects, array, &lines) : add_lines(objects, content, size, &lines);
    json_object_foreach(objects, name, list)
    {
        if (!most || json_array_size(list) > json_array_size(json_object_get(objects, most)))
            most = name;
    }
    if (good)
        made = json_pack("{s:s?, s:I, s:o}", "object", most, "lines", (json_int_t)lines, "observations",
                         most ? in_order(json_object_get(objects, most)) : json_array());
    json_decref(array);
    json_decref(objects);
    return made;
}

double curve_year(const char *time)
{
    int year = 0, month = 1, day = 1;
    sscanf(time, "%d-%d-%d", &year, &month, &day);
    return year + ((month - 1) * 30.4375 + day - 1) / 365.25;
}
