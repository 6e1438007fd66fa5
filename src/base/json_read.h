/*
 * A strict pull reader for JSON (RFC 8259). It allocates nothing: strings and values are views on the text.
 * Strict means: UTF-8 only, no lone surrogates, no byte order mark, no trailing commas, at most OBS__JSON_DEPTH levels.
 *
 * The first fault sticks: every further call returns 0, so ask once at the end.
 *
 *     obs__json_begin(&json, text, size);
 *     if (obs__json_enter(&json, '{'))
 *         while (obs__json_member(&json, &name))
 *             obs__json_skip(&json, &value);
 *     obs__json_end(&json);
 *     status = obs__json_status(&json, error);
 */
#ifndef OBS_BASE_JSON_READ_H
#define OBS_BASE_JSON_READ_H

#include "base/text.h"

#define OBS__JSON_DEPTH 512

typedef struct obs__json {
    const char *start;
    const char *at;
    const char *end;
    const char *fault; /* a sentence, or NULL */
    int fresh;         /* just behind a `{` or `[`: no comma is due */
} obs__json;

/* What stands between the quotes. */
typedef struct obs__json_text {
    obs__view raw;
    int escaped; /* has a backslash: use obs__json_unescape() */
} obs__json_text;

void obs__json_begin(obs__json *json, const char *data, size_t size);
/* What comes next: one of `{ [ " 0 t f n` (0 stands for any number), or '\0' at the end and for anything else. */
char obs__json_peek(obs__json *json);
/* Goes into an object or array; 1, or 0 when the value is something else. */
int obs__json_enter(obs__json *json, char bracket);
/* The name of the next member; the value comes next. 0 behind the last one. */
int obs__json_member(obs__json *json, obs__json_text *name);
/* 1 when there is one more element, which comes next; 0 behind the last one. */
int obs__json_element(obs__json *json);
int obs__json_string(obs__json *json, obs__json_text *out);
/* Any value, checked throughout; *raw is its text. */
int obs__json_skip(obs__json *json, obs__view *raw);
/* 1 when nothing but white space follows. */
int obs__json_end(obs__json *json);

/* Writes the characters meant by a string that was read; returns the size, which is at most raw.size. `out` may be where the
 * string itself stands. */
size_t obs__json_unescape(char *out, obs__json_text text);

/* Marks a fault of meaning at a place. `fault` must be a constant. */
void obs__json_fault(obs__json *json, const char *at, const char *fault);
/* OBS_OK, or OBS_INVALID_ARGUMENT with line and column. */
obs_status obs__json_status(const obs__json *json, obs_error *error);
/* Line and column (in characters, from 1) of a place in the text. */
void obs__json_place(const obs__json *json, const char *at, int *line, int *column);

#endif
