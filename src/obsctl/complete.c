/* Shell completion: the scripts, and the candidates, which come from the table of commands and from the workspace. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"

#define CANDIDATES 200
#define PATIENCE_MS 2000

/* ':' and '=' part words in bash: the words are joined again, and what stands before the last of them is taken off. */
static const char bash_script[] =
    "_obsctl() {\n"
    "    local words=(\"${COMP_LINE:0:COMP_POINT}\") word=${COMP_WORDS[COMP_CWORD]} whole before i\n"
    "    words=() whole=\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        if ((i > 1)) && [[ ${COMP_WORDS[i]} == [:=]* || ${COMP_WORDS[i-1]} == *[:=] ]]; then\n"
    "            words[${#words[@]}-1]+=${COMP_WORDS[i]}\n"
    "        else\n"
    "            words+=(\"${COMP_WORDS[i]}\")\n"
    "        fi\n"
    "    done\n"
    "    whole=${words[${#words[@]}-1]}\n"
    "    before=${whole%\"$word\"}\n"
    "    [[ $word == [:=] ]] && before=$whole\n"
    "    mapfile -t COMPREPLY < <(obsctl __complete -- \"${words[@]}\" 2>/dev/null)\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
    "    [[ ${COMPREPLY[0]} == */* ]] && compopt -o filenames\n"
    "    [[ ${COMPREPLY[0]} == */ ]] && compopt -o nospace\n"
    "    return 0\n"
    "}\n"
    "complete -o bashdefault -o default -F _obsctl obsctl\n";

static const char zsh_script[] = "#compdef obsctl\n"
                                 "_obsctl() {\n"
                                 "    local -a found\n"
                                 "    found=(\"${(@f)$(obsctl __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
                                 "    found=(${found:#})\n"
                                 "    if (($#found)); then\n"
                                 "        compadd -S '' -- $found\n"
                                 "    else\n"
                                 "        _files\n"
                                 "    fi\n"
                                 "}\n"
                                 "if [[ $funcstack[1] == _obsctl ]]; then _obsctl \"$@\"; else compdef _obsctl obsctl; fi\n";

static const char fish_script[] =
    "complete -c obsctl -a '(obsctl __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'\n";

const char *ctl_completion_script(const char *shell)
{
    static const char *const scripts[][2] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        if (strcmp(shell, scripts[i][0]) == 0)
            return scripts[i][1];
    return NULL;
}

obs_status ctl_run_completion(ctl *ctl)
{
    ctl_capture capture;
    const char *script = ctl_completion_script(ctl->arguments[0]);
    if (!script)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "no completion for '%s': bash, zsh and fish are known", ctl->arguments[0]);
    obs_status status = ctl_capture_begin(ctl, &capture);
    if (status != OBS_OK)
        return status;
    fputs(script, capture.out);
    return ctl_capture_end(ctl, &capture, "completion");
}

/* One candidate a line. What would not come back from the shell as it is, is not offered. */
static void offer(const char *text, const char *begin)
{
    char shown[8 * OBS_KEY_MAX + 1];
    obs_text_escape(shown, sizeof shown, text, OBS_TEXT);
    if (strncmp(text, begin, strlen(begin)) == 0 && strcmp(shown, text) == 0)
        puts(text);
}

static void offer_options(const ctl_option *options, const char *begin)
{
    for (; options->name; options++) {
        char text[64];
        snprintf(text, sizeof text, "--%s", options->name);
        offer(text, begin);
    }
}

static void offer_commands(const char *group, const char *begin)
{
    size_t size = group ? strlen(group) : 0;
    const char *last = "";
    for (const ctl_command *c = ctl_commands; c->name; c++) {
        char word[64];
        if (!c->summary || (group && (strncmp(c->name, group, size) != 0 || c->name[size] != ' ')))
            continue;
        const char *name = group ? c->name + size + 1 : c->name;
        size_t length = strcspn(name, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, name);
        if (strlen(last) < length || strncmp(last, name, length) != 0 || (last[length] && last[length] != ' '))
            offer(word, begin);
        last = name;
    }
}

/* Keys of the store that begin so, down to the next '/'. */
static void offer_keys(ctl *ctl, const char *begin)
{
    obs_page *page = NULL;
    obs_list_options options;
    obs_list_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.delimiter = "/";
    options.limit = CANDIDATES;
    if (obs_store_list(&page, obs_client_store(ctl->client), begin, &options, &ctl->error) == OBS_OK)
        for (size_t i = 0; i < obs_page_count(page); i++)
            offer(obs_page_at(page, i)->key, begin);
    obs_page_free(page);
}

/* The names in rows: of tenants, of data definitions. */
static void offer_names(ctl *ctl, obs_rows *rows, const char *begin)
{
    const char *text;
    size_t size;
    while (rows && obs_rows_next(rows, &text, &size, &ctl->error) == OBS_OK && text) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name)
            offer(name, begin);
        json_decref(row);
    }
    obs_rows_free(rows);
}

static int is_key(const char *kind)
{
    return strcmp(kind, "KEY") == 0 || strcmp(kind, "PREFIX") == 0 || strcmp(kind, "FROM") == 0 || strcmp(kind, "TO") == 0;
}

/* What a word of this kind may be, as `arguments` and the values of options call it. */
static void offer_kind(ctl *ctl, const char *kind, size_t size, const char *begin)
{
    obs_rows *rows = NULL;
    char words[64];
    snprintf(words, sizeof words, "%.*s", (int)size, kind);
    if (strchr(words, '|')) {
        for (char *save, *word = strtok_r(words, "|", &save); word; word = strtok_r(NULL, "|", &save))
            if (isupper((unsigned char)word[0]))
                offer_kind(ctl, word, strlen(word), begin);
            else
                offer(word, begin);
    } else if (strcmp(words, "COMMAND") == 0) {
        offer_commands(NULL, begin);
    } else if (is_key(words)) {
        if (ctl_open(ctl) == OBS_OK)
            offer_keys(ctl, begin);
    } else if (strcmp(words, "TENANT") == 0) {
        if (ctl_open(ctl) == OBS_OK && obs_tenant_show(&rows, ctl->client, NULL, &ctl->call, &ctl->error) == OBS_OK)
            offer_names(ctl, rows, begin);
    } else if (strcmp(words, "SETTING") == 0) {
        if (ctl_open(ctl) == OBS_OK &&
            obs_config_explain(&rows, obs_client_config(ctl->client), NULL, &ctl->call, &ctl->error) == OBS_OK)
            offer_names(ctl, rows, begin);
    } else if (strcmp(words, "DEFINITION") == 0) {
        if (ctl_open(ctl) == OBS_OK && obs_ingest_definitions(&rows, ctl->client, &ctl->call, &ctl->error) == OBS_OK)
            offer_names(ctl, rows, begin);
    }
}

/* The how many-th argument of a command: "FILE", "KEY"; the last one is repeated when it ends with "...". */
static const char *argument_kind(const ctl_command *command, int index, size_t *size)
{
    const char *at = command->arguments;
    for (;;) {
        at += strspn(at, " [");
        *size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=|-");
        if (index-- == 0 || strncmp(at + *size, "...", 3) == 0)
            return at;
        at += strcspn(at, " ");
        if (!*at)
            return NULL;
    }
}

/* What was typed before the word: the command, how many arguments, and the option that waits for its value. */
struct typed {
    const char *first;
    const ctl_option *waiting;
    int arguments;
    int verbatim;
};

static void take_word(ctl *ctl, struct typed *typed, const char *word)
{
    size_t size = strcspn(word, "=");
    if (typed->waiting) {
        if (ctl->value_count < CTL_VALUES_MAX)
            ctl->values[ctl->value_count++] = (ctl_value){typed->waiting->name, word};
        typed->waiting = NULL;
    } else if (!typed->verbatim && strcmp(word, "--") == 0) {
        typed->verbatim = 1;
    } else if (!typed->verbatim && word[0] == '-' && word[1]) {
        int is_long = word[1] == '-';
        const ctl_option *option =
            is_long ? ctl_find_option(ctl->command, word + 2, size - 2, 0) : ctl_find_option(ctl->command, "", 0, word[1]);
        typed->waiting = option && option->value && !(is_long ? word[size] : word[2]) ? option : NULL;
    } else if (!typed->first) {
        int used;
        typed->first = word;
        ctl->command = ctl_find_command(1, &word, &used);
    } else {
        int used;
        const char *both[] = {typed->first, word};
        const ctl_command *longer = typed->arguments ? NULL : ctl_find_command(2, both, &used);
        if (longer && used == 2)
            ctl->command = longer;
        else
            typed->arguments++;
    }
}

obs_status ctl_run_complete(ctl *ctl)
{
    struct typed typed = {0};
    int count = ctl->argument_count;
    const char *begin = count ? ctl->arguments[count - 1] : "";
    ctl->command = NULL;
    ctl->value_count = 0;
    ctl->call.timeout_ms = PATIENCE_MS;
    for (int i = 0; i + 1 < count; i++)
        take_word(ctl, &typed, ctl->arguments[i]);
    if (typed.waiting) {
        const char *kind = typed.waiting->value;
        offer_kind(ctl, kind, strlen(kind), begin);
    } else if (!typed.verbatim && begin[0] == '-') {
        if (ctl->command)
            offer_options(ctl->command->options, begin);
        offer_options(ctl_common, begin);
    } else if (!typed.first) {
        offer_commands(NULL, begin);
    } else {
        size_t size = 0;
        if (!typed.arguments && (!ctl->command || !strchr(ctl->command->name, ' ')))
            offer_commands(typed.first, begin);
        const char *kind = ctl->command ? argument_kind(ctl->command, typed.arguments, &size) : NULL;
        if (kind)
            offer_kind(ctl, kind, size, begin);
    }
    obs_error_init(&ctl->error, sizeof ctl->error);
    return OBS_OK;
}
