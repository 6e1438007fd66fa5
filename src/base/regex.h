/*
 * Regular expressions as JSON Schema means them: ECMA-262 with Unicode, run by PCRE2, bounded in time and memory.
 *
 * A pattern is translated first, because the same text means other things to PCRE2 (`.`, `$`, `\s`, `[[:alpha:]]`), and what
 * only PCRE2 knows (recursion, verbs, possessive quantifiers) is refused.
 */
#ifndef OBS_BASE_REGEX_H
#define OBS_BASE_REGEX_H

#include <stddef.h>

#include "base/text.h"

/* Immutable: any number of threads may match at once. */
typedef struct obs__regex obs__regex;
/* What one thread needs while it matches; made at the first match, NULL before. */
typedef struct obs__regex_work obs__regex_work;

/* OBS_INVALID_ARGUMENT says what is wrong, with the column in the pattern. */
obs_status obs__regex_compile(obs__regex **out, const char *text, size_t size, obs_error *error);
void obs__regex_free(obs__regex *regex);
/* There was no memory for a match, whatever the pattern. */
#define OBS__REGEX_NO_MEMORY (-2)
/* Whether the pattern is found anywhere in valid UTF-8: 1 or 0; -1 when it needs too much time or memory. */
int obs__regex_match(const obs__regex *regex, obs__regex_work **work, const char *data, size_t size);
void obs__regex_work_free(obs__regex_work *work);

/* The pattern in the words of PCRE2; inside this topic and its tests. */
obs_status obs__regex_translate(obs__builder *out, const char *text, size_t size, obs_error *error);
/* The short name of a general category of Unicode (`Letter`: `L`), or NULL. */
const char *obs__regex_category(obs__view name);

#endif
