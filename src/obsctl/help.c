/* Help, made from the table of commands. */
#include <string.h>

#include "obsctl/ctl.h"

const char ctl_exit_codes[] =
    "0 fine, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 try again later, 6 conflict, 7 integrity";

#define INDENT 30
#define NARROW 64

/* A text in lines that fit. The cursor stands in column `at`; lines after the first begin in column `indent`. */
static void print_wrapped(FILE *out, const char *text, int at, int indent, int width)
{
    while (*text) {
        int size = (int)strcspn(text, " ");
        if (at + size > width && at > indent) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        }
        fprintf(out, "%.*s", size, text);
        at += size;
        text += size;
        for (; *text == ' '; text++, at++)
            if (text[1] && at + 1 + (int)strcspn(text + 1, " ") <= width)
                fputc(' ', out);
    }
    fputc('\n', out);
}

/* A name on the left and what it means on the right, or below where there is little room. */
static void print_entry(FILE *out, const char *left, const char *right, int indent)
{
    int width = ctl_width(out);
    int size = (int)strlen(left);
    fputs(left, out);
    if (width < NARROW)
        indent = 8;
    if (size + 2 > indent) {
        fprintf(out, "\n%*s", indent, "");
        size = indent;
    }
    fprintf(out, "%*s", indent - size, "");
    print_wrapped(out, right, indent, indent, width);
}

static void print_options(FILE *out, const char *title, const ctl_option *options)
{
    if (!options->name)
        return;
    fprintf(out, "\n%s\n", title);
    for (; options->name; options++) {
        char left[64] = "      ";
        if (options->letter)
            snprintf(left, sizeof left, "  -%c, ", options->letter);
        snprintf(left + 6, sizeof left - 6, "--%s%s%s", options->name, options->value ? " " : "",
                 options->value ? options->value : "");
        print_entry(out, left, options->help, INDENT);
    }
}

static void print_command(FILE *out, const ctl_command *command)
{
    char left[64];
    snprintf(left, sizeof left, "  %s", command->name);
    print_entry(out, left, command->summary, 22);
}

static void help_all(FILE *out)
{
    fputs("obsctl - the command line of libobs\n\nusage: obsctl COMMAND [ARGUMENTS] [OPTIONS]\n\ncommands\n", out);
    for (const ctl_command *c = ctl_commands; c->name; c++)
        if (c->summary)
            print_command(out, c);
    print_options(out, "options of every command", ctl_common);
    fputs("\nexit codes\n  ", out);
    print_wrapped(out, ctl_exit_codes, 2, 2, ctl_width(out));
    fputs("\n'obsctl help COMMAND' tells more.\nTo begin: obsctl init night && cd night\n", out);
}

void ctl_help(FILE *out, const ctl_command *command)
{
    if (!command) {
        help_all(out);
        return;
    }
    int width = ctl_width(out);
    fprintf(out, "obsctl %s - %s\n\nusage: obsctl %s%s%s [OPTIONS]\n", command->name, command->summary, command->name,
            *command->arguments ? " " : "", command->arguments);
    if (command->text) {
        fputc('\n', out);
        print_wrapped(out, command->text, 0, 0, width);
    }
    if (command->example)
        fprintf(out, "\nexample\n  %s\n", command->example);
    print_options(out, "options", command->options);
    print_options(out, "options of every command", ctl_common);
}

static json_t *options_json(const ctl_option *options)
{
    json_t *list = json_array();
    for (; list && options->name; options++) {
        char letter[2] = {options->letter, '\0'};
        json_array_append_new(list, json_pack("{s:s,s:s,s:s?,s:s}", "name", options->name, "letter", letter, "value",
                                              options->value, "help", options->help));
    }
    return list;
}

json_t *ctl_help_json(const ctl_command *command)
{
    return json_pack("{s:s,s:s,s:s,s:s?,s:s?,s:o}", "command", command->name, "arguments", command->arguments, "summary",
                     command->summary, "text", command->text, "example", command->example, "options",
                     options_json(command->options));
}

obs_status ctl_show_help(const ctl *ctl, const ctl_command *command)
{
    if (!ctl->json)
        ctl_help(stdout, command);
    else if (command)
        ctl_print_json(ctl_help_json(command));
    for (const ctl_command *c = ctl_commands; ctl->json && !command && c->name; c++)
        if (c->summary)
            ctl_print_json(ctl_help_json(c));
    return OBS_OK;
}

obs_status ctl_named_command(ctl *ctl, const ctl_command **out)
{
    int used = 0;
    *out = ctl_find_command(ctl->argument_count, ctl->arguments, &used);
    if (ctl->argument_count == used && (!*out || (*out)->summary))
        return OBS_OK;
    return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "unknown command '%s%s%s': see 'obsctl help'", ctl->arguments[0],
                    ctl->argument_count > 1 ? " " : "", ctl->argument_count > 1 ? ctl->arguments[1] : "");
}

/* `help audit`: the commands of the group, also behind the help of a command of that name. Returns how many there are. */
static int show_group(const ctl *ctl, const char *group)
{
    int found = 0;
    size_t size = strlen(group);
    for (const ctl_command *c = ctl_commands; c->name; c++) {
        if (strncmp(c->name, group, size) != 0 || c->name[size] != ' ')
            continue;
        if (ctl->json)
            ctl_print_json(ctl_help_json(c));
        else
            print_command(stdout, c);
        found++;
    }
    return found;
}

obs_status ctl_run_help(ctl *ctl)
{
    const ctl_command *command;
    obs_status status = ctl_named_command(ctl, &command);
    if (status == OBS_OK)
        status = ctl_show_help(ctl, command);
    if (ctl->argument_count == 1 && show_group(ctl, ctl->arguments[0]))
        return OBS_OK;
    return status;
}
