/* Names in a bundle: a number stands for each, in the order in which they are met, so that nobody can guess them back. */
#include <stdlib.h>
#include <string.h>

#include "obsctl/bundle.h"

#define PLAIN_MOST 64

const char *ctl_bundle_name(ctl_bundle *bundle, const char *text)
{
    char number[32];
    if (!*text)
        return text;
    const json_t *known = json_object_get(bundle->names, text);
    if (!known) {
        snprintf(number, sizeof number, "name-%zu", json_object_size(bundle->names) + 1);
        json_object_set_new_nocheck(bundle->names, text, json_string(number));
        known = json_object_get(bundle->names, text);
    }
    return known ? json_string_value(known) : "";
}

/* What is not part of a word at its end. */
static size_t trim(const char *word, size_t size)
{
    while (size && strchr("',;:.()%", word[size - 1]))
        size--;
    return size;
}

/* An ordinary word of a sentence of ours: lower-case letters, or a number. A name that is known already is none. */
static int is_word(const ctl_bundle *bundle, const char *word)
{
    size_t size = strlen(word);
    return (strspn(word, "abcdefghijklmnopqrstuvwxyz-") == size || strspn(word, "0123456789.") == size ||
            strcmp(word, "MiB") == 0 || strcmp(word, "SQLite") == 0) &&
           !json_object_get(bundle->names, word);
}

/* A piece of a sentence with `'` before and behind is a name, whatever is in it, but for commands. Its size, or 0. */
static size_t quoted(const char *text)
{
    if (*text != '\'' || strncmp(text, "'obsctl ", 8) == 0)
        return 0;
    for (const char *end = text + 1; *end; end++)
        if (*end == '\'' && (!end[1] || strchr(" ,;:.)", end[1])))
            return (size_t)(end + 1 - text);
    return strlen(text);
}

static int write_quoted(ctl_bundle *bundle, FILE *to, const char *text, size_t size)
{
    char *name = strndup(text + 1, size - 1);
    if (!name)
        return -1;
    name[trim(name, size - 1)] = '\0';
    fprintf(to, "'%s'", ctl_bundle_name(bundle, name));
    free(name);
    return 0;
}

static int write_piece(ctl_bundle *bundle, FILE *to, const char *text, size_t size)
{
    size_t first = strspn(text, "'(");
    first = first < size ? first : size;
    size_t core = trim(text + first, size - first);
    char *word = strndup(text + first, core);
    if (!word)
        return -1;
    fprintf(to, "%.*s%s%.*s", (int)first, text, is_word(bundle, word) ? word : ctl_bundle_name(bundle, word),
            (int)(size - first - core), text + first + core);
    free(word);
    return 0;
}

char *ctl_bundle_sentence(ctl_bundle *bundle, const char *text)
{
    char *out = NULL;
    size_t size;
    int failed = 0;
    FILE *to = open_memstream(&out, &size);
    while (to && *text && !failed) {
        size_t piece = quoted(text);
        if (piece)
            failed = write_quoted(bundle, to, text, piece);
        else if ((piece = strcspn(text, " ")))
            failed = write_piece(bundle, to, text, piece);
        text += piece;
        if (*text == ' ')
            fputc(*text++, to);
    }
    if (to)
        fclose(to);
    return out;
}

/* Members whose texts are ours, if they look like it. */
static int is_ours(const char *member, const char *text)
{
    static const char *const ours[] = {
        "status",  "state", "class",   "time",   "last",  "trace", "kind",     "mode", "oldest",  "until",  "checked",
        "changed", "since", "created", "action", "reads", "root",  "boundary", "part", "setting", "secret", "digest",
    };
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:+/=-";
    if (strlen(text) > PLAIN_MOST || text[strspn(text, plain)])
        return 0;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(ours[i], member) == 0)
            return 1;
    return 0;
}

static json_t *clean_text(ctl_bundle *bundle, const char *member, const char *text)
{
    if (strcmp(member, "next") == 0 || is_ours(member, text) || strcmp(member, "value") == 0) /* constants, see bundle.c */
        return json_string(text);
    if (strncmp(text, "ingest ", 7) == 0 && strcmp(member, "action") == 0) /* the definition is a name */
        return json_sprintf("ingest %s", ctl_bundle_name(bundle, text + 7));
    if (strcmp(member, "reason") == 0) /* may quote data */
        return json_string(*text ? "(left out)" : "");
    if (strcmp(member, "message") != 0 && strcmp(member, "detail") != 0)
        return json_string(ctl_bundle_name(bundle, text));
    char *sentence = ctl_bundle_sentence(bundle, text);
    json_t *out = json_string(sentence ? sentence : "");
    free(sentence);
    return out;
}

static json_t *clean(ctl_bundle *bundle, const char *member, json_t *json)
{
    if (json_is_string(json))
        return clean_text(bundle, member, json_string_value(json));
    ctl_bundle_clean(bundle, json);
    return json_incref(json);
}

void ctl_bundle_clean(ctl_bundle *bundle, json_t *json)
{
    const char *name;
    json_t *value;
    size_t index;
    void *next;
    for (index = 0; index < json_array_size(json); index++)
        json_array_set_new(json, index, clean(bundle, "", json_array_get(json, index)));
    json_object_foreach_safe(json, next, name, value) json_object_set_new(json, name, clean(bundle, name, value));
}

char *ctl_bundle_metrics(ctl_bundle *bundle, const char *text)
{
    char *out = NULL;
    size_t size;
    FILE *to = open_memstream(&out, &size);
    while (to && *text) {
        fputc(*text, to);
        if (*text++ != '"')
            continue;
        size_t length = 0;
        while (text[length] && text[length] != '"')
            length += text[length] == '\\' && text[length + 1] ? 2 : 1;
        char *value = strndup(text, length);
        fputs(value ? ctl_bundle_name(bundle, value) : "", to);
        free(value);
        text += length;
        if (*text)
            fputc(*text++, to); /* the quote behind it */
    }
    if (to)
        fclose(to);
    return out;
}
