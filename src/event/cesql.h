/*
 * CloudEvents SQL 1.0: expressions on the attributes of an event, for filters.
 *
 * An expression is compiled once to a small program that any number of threads may run. Running it takes time and memory that
 * the limits below bound, and allocates only for texts that are made on the way (CONCAT, UPPER, escapes of JSON).
 *
 * Evaluation ends at the first error. Its value is then what the specification says for the operator or function at the root
 * that found the error, or else the zero of the type that the whole expression has.
 */
#ifndef OBS_EVENT_CESQL_H
#define OBS_EVENT_CESQL_H

#include <obs/event.h>

#include "base/text.h"

#define OBS__CESQL_TEXT_MAX 16384   /* bytes of an expression */
#define OBS__CESQL_DEPTH_MAX 64     /* parentheses, calls, NOT and - inside each other */
#define OBS__CESQL_OPS_MAX 4096     /* literals, attributes, operators and calls */
#define OBS__CESQL_NAMES_MAX 64     /* different attributes */
#define OBS__CESQL_STACK_MAX 128    /* values that wait for their operator: mostly arguments of one call */
#define OBS__CESQL_STRING_MAX 65536 /* bytes of a text that a function makes */

typedef struct obs__cesql obs__cesql;

typedef enum obs__cesql_type {
    OBS__CESQL_NONE, /* not there; as the type of an expression: known only when it runs */
    OBS__CESQL_BOOLEAN,
    OBS__CESQL_INTEGER,
    OBS__CESQL_STRING
} obs__cesql_type;

typedef struct obs__cesql_value {
    obs__cesql_type type;
    int32_t number; /* an integer, or 0 and 1 */
    obs__view text; /* UTF-8 */
} obs__cesql_value;

/* The kinds of error that the specification names; a ParseError is a failure of obs__cesql_compile(). */
typedef enum obs__cesql_fault {
    OBS__CESQL_FINE,
    OBS__CESQL_MATH,
    OBS__CESQL_CAST,
    OBS__CESQL_MISSING_ATTRIBUTE,
    OBS__CESQL_MISSING_FUNCTION,
    OBS__CESQL_FUNCTION_EVALUATION
} obs__cesql_fault;

/* What an expression gave. The value's text lives as long as this, the event and the program. */
typedef struct obs__cesql_result {
    obs__cesql_value value;
    obs__cesql_fault fault;
    int place;       /* of what found the fault: byte of the expression, from 1 */
    obs__view about; /* the name of what is missing */
    void *texts;     /* made on the way */
    size_t texts_size;
    size_t room_used;
    char room[512];
} obs__cesql_result;

/* Compiles an expression; free with obs__cesql_free(). OBS_INVALID_ARGUMENT says where and what was expected. */
obs_status obs__cesql_compile(obs__cesql **out, const char *text, size_t size, obs_error *error);
/* The same for an expression that is to choose events: refuses also what could never let one pass, such as a function that
 * does not exist, or a text as the result. */
obs_status obs__cesql_compile_filter(obs__cesql **out, const char *text, size_t size, obs_error *error);
void obs__cesql_free(obs__cesql *program);

/* Runs a program; extensions are texts. Fails for lack of memory only. Free the result with obs__cesql_result_free(), always.
 */
obs_status obs__cesql_evaluate(obs__cesql_result *out, const obs__cesql *program, const obs_event *event, obs_error *error);
/* The same on an event in its JSON form, as it stands: extensions have the types that they have there, and data is passed
 * over. Reads no further than it must; OBS_INVALID_ARGUMENT when that is no JSON object. */
obs_status obs__cesql_evaluate_json(obs__cesql_result *out, const obs__cesql *program, obs__view json, obs_error *error);
void obs__cesql_result_free(obs__cesql_result *result);
/* Whether an event passes a filter that gave this: the result is the boolean true, and without an error. */
int obs__cesql_passes(const obs__cesql_result *result);
/* Why an expression could not be evaluated, as a sentence. */
void obs__cesql_explain(char *out, size_t capacity, const obs__cesql_result *result);

/* Whether an event passes a filter: *out is 0 or 1. */
obs_status obs__cesql_matches(int *out, const obs__cesql *filter, const obs_event *event, obs_error *error);

#endif
