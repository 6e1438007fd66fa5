/* Full text: what of an entry is searched, and how it is split into words. */
#ifndef OBS_CATALOG_WORDS_H
#define OBS_CATALOG_WORDS_H

#include <sqlite3.h>

#include "base/text.h"
#include "catalog/row.h"

/* The tokenizer of table `entry_text`, for entries that are not in its index yet. For one thread at a time. */
typedef struct obs__words obs__words;
obs_status obs__words_open(obs__words **out, sqlite3 *database, obs_error *error);
void obs__words_free(obs__words *words);

/* Stands before, between and behind tokens; in no token. A phrase is in a text if its tokens are in the text's. */
#define OBS__TOKEN_END '\037'

/* Appends the tokens of a text, each with OBS__TOKEN_END behind it, the first also with one before it.
 * *count says how many there were. */
obs_status obs__words_split(obs__builder *out, size_t *count, obs__words *words, obs__view text, obs_error *error);

/* Key, labels and text values of an entry, one on each line. */
obs_status obs__words_of(obs__builder *out, const obs__row *row, obs_error *error);

/* Whether the tokens are in the text of the entry. */
obs_status obs__words_in(int *out, obs__words *words, obs__view tokens, const obs__row *row, obs_error *error);

#endif
