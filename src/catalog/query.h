/* A query as its conditions, and whether an entry fulfils them. */
#ifndef OBS_CATALOG_QUERY_H
#define OBS_CATALOG_QUERY_H

#include "base/text.h"
#include "catalog/cone.h"
#include "catalog/row.h"
#include "catalog/words.h"

typedef enum obs__comparison { OBS__EQ, OBS__NE, OBS__LT, OBS__LE, OBS__GT, OBS__GE } obs__comparison;

typedef struct obs__condition {
    int is_words; /* full text; else a comparison of `name` */
    obs__comparison comparison;
    int prefix;     /* ends with `*`: any ending */
    obs__view name; /* begins with OBS__OWN for a field of the entry itself */
    obs__view text;
    int is_number;
    int is_text; /* whether points that are texts can match: not for size and time */
    double number;
    int column;              /* in the query, for errors */
    obs__interval within[2]; /* of a part of a cone: instead of the comparison */
    int within_count;
    obs__view tokens; /* of words: see words.h; filled by obs__query_tokens() */
} obs__condition;

#define OBS__MOST_CONDITIONS 64

typedef struct obs__query {
    obs__condition conditions[OBS__MOST_CONDITIONS];
    size_t count;
    size_t words; /* how many are full text */
    obs__cone cone;
    int has_cone;
    char *storage;       /* of names and texts */
    obs__builder tokens; /* of words */
    int has_tokens;
} obs__query;

/* NULL is an empty query. An error says in which column. */
obs_status obs__query_parse(obs__query *query, const char *text, obs_error *error);
void obs__query_free(obs__query *query);

/* Splits words into tokens; once, before the query is used. */
obs_status obs__query_tokens(obs__query *query, obs__words *words, obs_error *error);

/* Whether a point fulfils a comparison, or lies within an interval. OBS__NE is taken for OBS__EQ: it holds for an entry when no
 * point is equal. */
int obs__condition_meets(const obs__condition *condition, const obs__point *point);

/* Whether the entry fulfils all conditions: the meaning of a query. *out is 1 or 0. */
obs_status obs__query_holds(int *out, const obs__query *query, const obs__row *row, obs__words *words, obs_error *error);

#endif
