/* The inside of the parser of CloudEvents SQL. */
#ifndef OBS_EVENT_CESQL_PARSE_H
#define OBS_EVENT_CESQL_PARSE_H

#include "event/cesql_program.h"
#include "event/cesql_token.h"

typedef struct obs__parser {
    obs__cesql *program;
    const char *text;
    const char *end;
    obs__token token; /* the one to come */
    int depth;
    size_t stack;         /* values that a run has here */
    obs__cesql_type type; /* of what was parsed last */
    int is_filter;
    obs_error *error;
} obs__parser;

/* OBS_INVALID_ARGUMENT with line and column of a place in the text. */
obs_status obs__parse_fail(const obs__parser *parser, const char *place, const char *message);
/* The same at the token to come, which is not what was expected. */
obs_status obs__parse_expected(const obs__parser *parser, const char *what);
void obs__parse_next(obs__parser *parser);
/* Goes past the token to come when it is of this kind. */
int obs__parse_take(obs__parser *parser, obs__token_kind kind);
/* One level deeper. */
obs_status obs__parse_enter(obs__parser *parser);

/* Adds an op that takes so many values from the stack and leaves one. `place` is where its faults are shown. */
obs_status obs__emit(obs__parser *parser, obs__cesql_op op, const char *place, size_t operands);
/* An op that goes on elsewhere; *jump is given to obs__emit_land(). It takes one value away when it does not. */
obs_status obs__emit_jump(obs__parser *parser, obs__cesql_code code, const char *place, size_t *jump);
void obs__emit_land(const obs__parser *parser, size_t jump);
/* Keeps a text with the program; `escaped` is the character before which a backslash goes away, '\0': none. */
obs__view obs__emit_keep(obs__parser *parser, obs__view text, char escaped);
int32_t obs__emit_place(const obs__parser *parser, obs__view kept);

#endif
