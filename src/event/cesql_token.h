/* The words of CloudEvents SQL. */
#ifndef OBS_EVENT_CESQL_TOKEN_H
#define OBS_EVENT_CESQL_TOKEN_H

#include "base/text.h"

typedef enum obs__token_kind {
    OBS__TOKEN_END,
    OBS__TOKEN_WORD,     /* an attribute, or a function when `(` follows */
    OBS__TOKEN_INTEGER,  /* digits */
    OBS__TOKEN_TEXT,     /* with its quotes */
    OBS__TOKEN_UNCLOSED, /* a text without its last quote */
    OBS__TOKEN_STRANGE,  /* a character that has no meaning */
    OBS__TOKEN_OPEN,
    OBS__TOKEN_CLOSE,
    OBS__TOKEN_COMMA,
    OBS__TOKEN_TRUE,
    OBS__TOKEN_FALSE,
    OBS__TOKEN_NOT,
    OBS__TOKEN_EXISTS,
    OBS__TOKEN_LIKE,
    OBS__TOKEN_IN,
    /* binary operators */
    OBS__TOKEN_AND,
    OBS__TOKEN_OR,
    OBS__TOKEN_XOR,
    OBS__TOKEN_EQUAL,
    OBS__TOKEN_UNEQUAL,
    OBS__TOKEN_LESS,
    OBS__TOKEN_LESS_EQUAL,
    OBS__TOKEN_GREATER,
    OBS__TOKEN_GREATER_EQUAL,
    OBS__TOKEN_PLUS,
    OBS__TOKEN_MINUS,
    OBS__TOKEN_STAR,
    OBS__TOKEN_SLASH,
    OBS__TOKEN_PERCENT
} obs__token_kind;

typedef struct obs__token {
    obs__token_kind kind;
    obs__view text; /* as it stands */
} obs__token;

/* The token that begins at or behind `at`. */
obs__token obs__cesql_token(const char *at, const char *end);

#endif
