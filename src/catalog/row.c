/* Entries as rows of results and as points for searches. */
#include "catalog/row.h"

#include <string.h>

#include "base/clock.h"
#include "base/number.h"

#define DISTANCE_DECIMALS 9 /* of a degree: microseconds of arc */

obs__view obs__column_view(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column);
    return (obs__view){data ? data : "", data ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

void obs__bind_blob(sqlite3_stmt *statement, int at, obs__view bytes)
{
    sqlite3_bind_blob64(statement, at, bytes.data ? bytes.data : "", bytes.size, SQLITE_STATIC);
}

void obs__bind_text(sqlite3_stmt *statement, int at, obs__view text)
{
    sqlite3_bind_text64(statement, at, text.data ? text.data : "", text.size, SQLITE_STATIC, SQLITE_UTF8);
}

void obs__row_read(obs__row *row, sqlite3_stmt *statement)
{
    row->id = sqlite3_column_int64(statement, 0);
    row->key = obs__column_view(statement, 1);
    row->kind = obs__column_view(statement, 2);
    row->type = obs__column_view(statement, 3);
    row->size = (uint64_t)sqlite3_column_int64(statement, 4);
    row->sha256 = obs__column_view(statement, 5);
    row->time_ns = sqlite3_column_int64(statement, 6);
    row->labels = obs__column_view(statement, 7);
    row->values = obs__column_view(statement, 8);
    row->made_from = obs__column_view(statement, 9);
}

void obs__row_labels(obs__builder *out, obs__view labels)
{
    const char *at = labels.data, *end = at + labels.size;
    obs__add_text(out, "\"labels\":{");
    for (int first = 1; at < end; first = 0) {
        size_t name = strlen(at), value = strlen(at + name + 1);
        if (!first)
            obs__add_char(out, ',');
        obs__add_json(out, at, name);
        obs__add_char(out, ':');
        obs__add_json(out, at + name + 1, value);
        at += name + value + 2;
    }
    obs__add_text(out, "},");
}

static void add_text_member(obs__builder *out, const char *name, obs__view text)
{
    obs__add_char(out, '"');
    obs__add_text(out, name);
    obs__add_text(out, "\":");
    obs__add_json(out, text.data, text.size);
    obs__add_char(out, ',');
}

static void add_row(obs__builder *out, const obs__row *row)
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, row->time_ns);
    obs__add_char(out, '{');
    add_text_member(out, "key", row->key);
    add_text_member(out, "kind", row->kind);
    add_text_member(out, "type", row->type);
    obs__add_json_integer(out, "size", (int64_t)row->size);
    add_text_member(out, "sha256", row->sha256);
    obs__add_json_member(out, "time", time);
    obs__row_labels(out, row->labels);
    obs__add_json_raw(out, "values", row->values.size ? row->values.data : "{}", row->values.size ? row->values.size : 2);
    obs__add_json_raw(out, "made_from", row->made_from.size ? row->made_from.data : "[]",
                      row->made_from.size ? row->made_from.size : 2);
}

void obs__row_json(obs__builder *out, const obs__row *row)
{
    add_row(out, row);
    obs__add_json_end(out);
}

void obs__row_json_at(obs__builder *out, const obs__row *row, double distance)
{
    add_row(out, row);
    obs__add_text(out, "\"distance\":");
    obs__add_number(out, distance, DISTANCE_DECIMALS);
    obs__add_char(out, ',');
    obs__add_json_end(out);
}

void obs__points_begin(obs__points *points, const obs__row *row)
{
    *points = (obs__points){.row = row, .at = row->labels.data, .end = row->labels.data + row->labels.size};
    obs__builder_init(&points->name, 1 << 20);
    obs__builder_init(&points->text, 1 << 20);
}

void obs__points_free(obs__points *points)
{
    obs__builder_free(&points->name);
    obs__builder_free(&points->text);
}

static void own_point(obs__point *point, const obs__row *row, int which)
{
    static const char *const names[] = {OBS__OWN "key", OBS__OWN "kind", OBS__OWN "type", OBS__OWN "size", OBS__OWN "time"};
    const obs__view texts[] = {row->key, row->kind, row->type};
    int64_t microseconds = row->time_ns / 1000 - (row->time_ns % 1000 < 0);
    *point = (obs__point){.name = obs__view_of(names[which], OBS_TEXT)};
    point->is_text = which < 3;
    point->is_number = !point->is_text;
    if (point->is_text)
        point->text = texts[which];
    else /* both are below 2^53 and so exact */
        point->number = which == 3 ? (double)row->size : (double)microseconds;
}

int obs__catalog_number(double *out, obs__view text, int most_digits)
{
    size_t digits;
    if (!obs__number_read(out, text, &digits) || digits > (size_t)most_digits)
        return 0;
    if (*out == 0)
        *out = 0; /* never -0: it equals 0 but would sort beside it */
    return 1;
}

/* Identifiers with many digits differ where doubles do not. */
#define MOST_TEXT_DIGITS 15

static void text_point(obs__point *point, obs__view text)
{
    point->text = text;
    point->is_text = 1;
    point->is_number = obs__catalog_number(&point->number, text, MOST_TEXT_DIGITS);
}

static int next_label(obs__points *points, obs__point *point)
{
    if (points->at >= points->end)
        return 0;
    size_t name = strlen(points->at), value = strlen(points->at + name + 1);
    *point = (obs__point){.name = {points->at, name}};
    text_point(point, (obs__view){points->at + name + 1, value});
    points->at += name + value + 2;
    return 1;
}

/* Whether the member can be asked for: neither null nor an object or array. */
static int value_point(obs__points *points, obs__point *point, obs__view name, obs__view value)
{
    *point = (obs__point){.name = obs__values_text(name, &points->name)};
    switch (*value.data) {
    case '"':
        text_point(point, obs__values_text(value, &points->text));
        return 1;
    case 't':
    case 'f':
        point->text = value;
        point->is_text = 1;
        return 1;
    default:
        point->is_number = obs__catalog_number(&point->number, value, 1 << 20);
        return point->is_number;
    }
}

static int next_value(obs__points *points, obs__point *point)
{
    obs__view name, value;
    while (obs__values_member(&points->at, points->end, &name, &value) == 1) {
        int usable = value_point(points, point, name, value);
        points->failed |= points->name.failed | points->text.failed;
        if (usable && point->name.size && *point->name.data != *OBS__OWN)
            return 1;
    }
    return 0;
}

int obs__points_next(obs__points *points, obs__point *point)
{
    if (points->own < 5) {
        own_point(point, points->row, points->own++);
        return 1;
    }
    if (!points->in_values) {
        if (next_label(points, point))
            return 1;
        points->in_values = 1;
        obs__view values = points->row->values;
        points->at = values.size ? values.data + 1 : values.data;
        points->end = values.data + values.size;
    }
    return next_value(points, point);
}
