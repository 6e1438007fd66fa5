/* From words to a command with options and arguments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "obsctl/ctl.h"

#define NAMES_MAX 64

const ctl_command *ctl_find_command(int count, const char *const *words, int *used)
{
    const ctl_command *best = NULL;
    *used = 0;
    for (const ctl_command *c = ctl_commands; c->name; c++) {
        const char *blank = strchr(c->name, ' ');
        size_t first = blank ? (size_t)(blank - c->name) : strlen(c->name);
        int words_of = blank ? 2 : 1;
        if (count < words_of || strlen(words[0]) != first || memcmp(words[0], c->name, first) != 0)
            continue;
        if ((blank && strcmp(words[1], blank + 1) != 0) || words_of <= *used)
            continue;
        best = c;
        *used = words_of;
    }
    return best;
}

static const ctl_option *find_in(const ctl_option *options, const char *name, size_t size, char letter)
{
    for (const ctl_option *o = options; o && o->name; o++)
        if (letter ? o->letter == letter : strlen(o->name) == size && memcmp(o->name, name, size) == 0)
            return o;
    return NULL;
}

const ctl_option *ctl_find_option(const ctl_command *command, const char *name, size_t size, char letter)
{
    const ctl_option *own = find_in(command ? command->options : NULL, name, size, letter);
    return own ? own : find_in(ctl_common, name, size, letter);
}

/* The names that begin with `group` and a blank, as in "query"; or all first words when group is NULL. Ends with NULL. */
static void collect_names(const char *names[NAMES_MAX + 1], const char *group)
{
    int count = 0;
    size_t size = group ? strlen(group) : 0;
    for (const ctl_command *c = ctl_commands; c->name && count < NAMES_MAX; c++)
        if (c->summary && (!group || (strncmp(c->name, group, size) == 0 && c->name[size] == ' ')))
            names[count++] = group ? c->name + size + 1 : c->name;
    names[count] = NULL;
}

/* `audit`, `audit qeury`: what there is in the group; another word: the nearest command. */
static obs_status unknown_command(ctl *ctl, int count, const char *const *words)
{
    const char *names[NAMES_MAX + 1];
    char list[256] = "";
    collect_names(names, words[0]);
    for (int i = 0; names[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s'obsctl %.60s %.60s'", i ? ", " : "", words[0], names[i]);
    }
    if (*list && (count < 2 || words[1][0] == '-'))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%s' is not complete: there is %s", words[0], list);
    if (*list)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "unknown command '%s %s': there is %s", words[0], words[1], list);
    collect_names(names, NULL);
    const char *nearest = obs__nearest(words[0], names);
    if (nearest)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "unknown command '%s': did you mean '%s'?", words[0], nearest);
    return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "unknown command '%s': see 'obsctl help'", words[0]);
}

static obs_status unknown_option(ctl *ctl, const char *word, const char *name, size_t size)
{
    const char *names[NAMES_MAX + 1];
    char wanted[64];
    int count = 0;
    const char *command = ctl->command ? ctl->command->name : NULL;
    for (const ctl_option *o = ctl->command ? ctl->command->options : ctl_common; o->name; o++)
        names[count++] = o->name;
    for (const ctl_option *o = ctl_common; ctl->command && o->name && count < NAMES_MAX; o++)
        names[count++] = o->name;
    names[count] = NULL;
    snprintf(wanted, sizeof wanted, "%.*s", (int)(size < 63 ? size : 63), name);
    const char *nearest = word[1] == '-' ? obs__nearest(wanted, names) : NULL;
    if (nearest)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "unknown option '%s': did you mean '--%s'?", word, nearest);
    if (!command)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "unknown option '%s': options of a command stand behind its name", word);
    return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "unknown option '%s': see 'obsctl help %s'", word, command);
}

static obs_status take_option(ctl *ctl, const ctl_option *option, const char *value)
{
    if (ctl->value_count == CTL_VALUES_MAX)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "too many options: %d are possible", CTL_VALUES_MAX);
    ctl->values[ctl->value_count++] = (ctl_value){option->name, value ? value : ""};
    return OBS_OK;
}

static obs_status take_value(ctl *ctl, const ctl_option *option, const char *value, int count, const char *const *words,
                             int *at)
{
    if (!value && *at + 1 >= count)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "option '--%s' needs a value: %s", option->name, option->value);
    return take_option(ctl, option, value ? value : words[++*at]);
}

static obs_status parse_long(ctl *ctl, int count, const char *const *words, int *at)
{
    const char *name = words[*at] + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] ? name + size + 1 : NULL;
    const ctl_option *option = ctl_find_option(ctl->command, name, size, 0);
    if (!option)
        return unknown_option(ctl, words[*at], name, size);
    if (option->value)
        return take_value(ctl, option, value, count, words, at);
    return value ? ctl_fail(ctl, OBS_INVALID_ARGUMENT, "option '--%s' takes no value", option->name)
                 : take_option(ctl, option, NULL);
}

/* `-rl`, `-n5`, `-n 5`: switches, and at last one with a value. */
static obs_status parse_short(ctl *ctl, int count, const char *const *words, int *at)
{
    obs_status status = OBS_OK;
    const char *word = words[*at];
    for (const char *letter = word + 1; status == OBS_OK && *letter; letter++) {
        const ctl_option *option = ctl_find_option(ctl->command, "", 0, *letter);
        if (!option)
            return unknown_option(ctl, word, word + 1, strlen(word + 1));
        if (option->value)
            return take_value(ctl, option, letter[1] ? letter + 1 : NULL, count, words, at);
        status = take_option(ctl, option, NULL);
    }
    return status;
}

static obs_status parse_option(ctl *ctl, int count, const char *const *words, int *at)
{
    return words[*at][1] == '-' ? parse_long(ctl, count, words, at) : parse_short(ctl, count, words, at);
}

static obs_status parse_rest(ctl *ctl, int at, int count, const char *const *words)
{
    obs_status status = OBS_OK;
    int verbatim = 0;
    for (; status == OBS_OK && at < count; at++) {
        if (!verbatim && strcmp(words[at], "--") == 0)
            verbatim = 1;
        else if (!verbatim && words[at][0] == '-' && words[at][1])
            status = parse_option(ctl, count, words, &at);
        else
            ctl->arguments[ctl->argument_count++] = words[at];
    }
    return status;
}

static obs_status check_count(ctl *ctl)
{
    const ctl_command *c = ctl->command;
    if (ctl_get(ctl, "help") || (ctl->argument_count >= c->least && (c->most < 0 || ctl->argument_count <= c->most)))
        return OBS_OK;
    if (c->most == 0)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'obsctl %s' takes no arguments, as '%s': see 'obsctl help %s'", c->name,
                        ctl->arguments[0], c->name);
    return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "too %s arguments: obsctl %s %s",
                    ctl->argument_count < c->least ? "few" : "many", c->name, c->arguments);
}

/* Before anything else, so that an error on the way is told in the form that was asked for. */
static int asks_json(int count, const char *const *words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--json") == 0)
            return 1;
    return 0;
}

obs_status ctl_parse(ctl *ctl, int count, const char *const *words)
{
    int at = 0;
    int used = 0;
    obs_status status = OBS_OK;
    ctl->json = asks_json(count, words);
    ctl->arguments = calloc((size_t)count + 1, sizeof *ctl->arguments);
    if (!ctl->arguments)
        return ctl_fail_memory(ctl);
    for (; status == OBS_OK && at < count && words[at][0] == '-' && words[at][1]; at++) /* before the command */
        status = parse_option(ctl, count, words, &at);
    if (status != OBS_OK || at >= count)
        return status;
    ctl->command = ctl_find_command(count - at, words + at, &used);
    if (!ctl->command)
        return unknown_command(ctl, count - at, words + at);
    status = parse_rest(ctl, at + used, count, words);
    ctl->json = ctl_get(ctl, "json") != NULL || (status != OBS_OK && ctl->json);
    ctl->quiet = ctl_get(ctl, "quiet") != NULL;
    return status == OBS_OK ? check_count(ctl) : status;
}

const char *ctl_get(const ctl *ctl, const char *name)
{
    for (int i = ctl->value_count; i-- > 0;)
        if (strcmp(ctl->values[i].name, name) == 0)
            return ctl->values[i].text;
    return NULL;
}

const char *ctl_next(const ctl *ctl, const char *name, int *position)
{
    while (*position < ctl->value_count) {
        const ctl_value *value = &ctl->values[(*position)++];
        if (strcmp(value->name, name) == 0)
            return value->text;
    }
    return NULL;
}

obs_status ctl_number(ctl *ctl, const char *name, long long least, long long most, long long *out)
{
    const char *text = ctl_get(ctl, name);
    char *end;
    if (!text)
        return OBS_OK;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < least || number > most)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'--%s %s' is not a whole number from %lld to %lld", name, text, least,
                        most);
    *out = number;
    return OBS_OK;
}

obs_status ctl_split_pair(ctl *ctl, const char *text, obs_pair *out)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%s' is not of the form NAME=VALUE", text);
    char *name = strndup(text, (size_t)(equals - text));
    char *value = strdup(equals + 1);
    *out = (obs_pair){name, value};
    if (name && value)
        return OBS_OK;
    free(name);
    free(value);
    return ctl_fail_memory(ctl);
}

obs_status ctl_pairs(ctl *ctl, const char *name, obs_pair **out, size_t *count)
{
    int position = 0;
    const char *text;
    obs_status status = OBS_OK;
    *count = 0;
    *out = calloc(CTL_VALUES_MAX, sizeof **out);
    if (!*out)
        return ctl_fail_memory(ctl);
    while (status == OBS_OK && (text = ctl_next(ctl, name, &position)) != NULL)
        if ((status = ctl_split_pair(ctl, text, &(*out)[*count])) == OBS_OK)
            ++*count;
    if (status != OBS_OK) {
        ctl_pairs_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return status;
}

void ctl_pairs_free(obs_pair *pairs, size_t count)
{
    for (size_t i = 0; pairs && i < count; i++) {
        free((char *)pairs[i].name);
        free((char *)pairs[i].value);
    }
    free(pairs);
}
