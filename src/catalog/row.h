/* Entries as they are stored, and what can be asked of them: their points. */
#ifndef OBS_CATALOG_ROW_H
#define OBS_CATALOG_ROW_H

#include <sqlite3.h>

#include "base/text.h"

/* The columns that obs__row_read() expects, in this order. */
#define OBS__ROW_COLUMNS "id, key, kind, type, size, sha256, time_ns, labels, vals, made_from"

/* A row of table `entry`; its views belong to whoever gave them: a statement until its next step, or an effect. */
typedef struct obs__row {
    int64_t id;
    obs__view key;
    obs__view kind;
    obs__view type;
    uint64_t size;
    obs__view sha256;
    int64_t time_ns;
    obs__view labels;    /* name NUL value NUL …, sorted by name */
    obs__view values;    /* JSON object without blanks, or empty */
    obs__view made_from; /* JSON array without blanks, or empty */
} obs__row;

void obs__row_read(obs__row *row, sqlite3_stmt *statement);
/* The row as <obs/catalog.h> documents it. */
void obs__row_json(obs__builder *out, const obs__row *row);
/* The same with `"distance"` from the centre of a cone, in degrees. */
void obs__row_json_at(obs__builder *out, const obs__row *row, double distance);

/* `"labels":{…},` of the labels of a row. */
void obs__row_labels(obs__builder *out, obs__view labels);

/* The bytes of a column as a view. */
obs__view obs__column_view(sqlite3_stmt *statement, int column);
/* Binds without copying; the bytes must stay until the statement is reset. */
void obs__bind_blob(sqlite3_stmt *statement, int at, obs__view bytes);
void obs__bind_text(sqlite3_stmt *statement, int at, obs__view text);

/* Names of the entry's own fields among its points; no label can begin with this character. */
#define OBS__OWN "\001"

/* One thing that an entry says: an own field, a label, or a number, text or boolean of its values. */
typedef struct obs__point {
    obs__view name;
    obs__view text; /* when is_text */
    double number;  /* when is_number */
    int is_text;
    int is_number; /* also for a text that reads as a number */
} obs__point;

/* Goes through the points of a row: OBS__OWN "key", "kind", "type", "size", "time" (microseconds), labels, values. */
typedef struct obs__points {
    const obs__row *row;
    int own;
    const char *at; /* in labels, then in values */
    const char *end;
    int in_values;
    obs__builder name; /* names and texts whose JSON had escapes */
    obs__builder text;
    int failed; /* memory */
} obs__points;

void obs__points_begin(obs__points *points, const obs__row *row);
int obs__points_next(obs__points *points, obs__point *point);
void obs__points_free(obs__points *points);

/* One member of a JSON object at a time. `at` stands behind `{` or behind the member before. 1: there is one; 0: the object
 * ended; -1: this is not JSON. The views include the quotes of a string. */
int obs__values_member(const char **at, const char *end, obs__view *name, obs__view *value);
/* The characters of a JSON string (with its quotes): a view into it, or into the builder when there were escapes. */
obs__view obs__values_text(obs__view quoted, obs__builder *scratch);
/* A JSON object, array or scalar without the blanks between its parts. */
void obs__values_compact(obs__builder *out, obs__view json);

/* A decimal number, whatever the locale. Up to `most_digits` significant digits, so that long identifiers stay texts. */
int obs__catalog_number(double *out, obs__view text, int most_digits);

#endif
