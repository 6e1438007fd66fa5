/* Manual pages, made from the table of commands. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "obsctl/ctl.h"

/* Text of a page: '-' and '\' keep their meaning in roff only when escaped; a line must not begin with '.' or '\''. */
static void roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputc('\\', out);
        if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

/* "audit query" as the name of its page. */
static void page_name(FILE *out, const char *name, const char *dash, int (*letter)(int))
{
    for (; *name; name++)
        if (*name == ' ' || *name == '-')
            fputs(dash, out);
        else
            fputc(letter((unsigned char)*name), out);
}

static void write_options(FILE *out, const ctl_option *options)
{
    for (; options->name; options++) {
        fputs(".TP\n", out);
        if (options->letter)
            fprintf(out, "\\fB\\-%c\\fR, ", options->letter);
        fputs("\\fB\\-\\-", out);
        roff(out, options->name);
        fputs("\\fR", out);
        if (options->value) {
            fputs(" \\fI", out);
            roff(out, options->value);
            fputs("\\fR", out);
        }
        fputc('\n', out);
        roff(out, options->help);
        fputc('\n', out);
    }
}

static void write_head(FILE *out, const char *name, const char *summary)
{
    fprintf(out, ".TH \"OBSCTL%s", *name ? "-" : "");
    page_name(out, name, "-", toupper);
    fprintf(out, "\" \"1\" \"\" \"libobs %s\" \"libobs\"\n.SH NAME\nobsctl%s", obs_sdk_version_text(), *name ? "\\-" : "");
    page_name(out, name, "\\-", tolower);
    fputs(" \\- ", out);
    roff(out, summary);
    fputc('\n', out);
}

static void write_command(FILE *out, const ctl_command *command)
{
    write_head(out, command->name, command->summary);
    fprintf(out, ".SH SYNOPSIS\n\\fBobsctl %s\\fR ", command->name);
    roff(out, command->arguments);
    fputs(" [OPTIONS]\n.SH DESCRIPTION\n", out);
    roff(out, command->text ? command->text : command->summary);
    fputc('\n', out);
    if (command->options->name) {
        fputs(".SH OPTIONS\n", out);
        write_options(out, command->options);
    }
    fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
    write_options(out, ctl_common);
    if (command->example) {
        fputs(".SH EXAMPLE\n.nf\n", out);
        roff(out, command->example);
        fputs("\n.fi\n", out);
    }
}

static void write_all(FILE *out)
{
    write_head(out, "", "the command line of libobs");
    fputs(".SH SYNOPSIS\n\\fBobsctl\\fR COMMAND [ARGUMENTS] [OPTIONS]\n.SH DESCRIPTION\n"
          "Works in the workspace around the current folder, in the one that OBS_WORKSPACE names, or in ~/.config/obs.\n"
          "Options may stand before or behind the arguments; behind \\-\\- nothing is an option.\n.SH COMMANDS\n",
          out);
    for (const ctl_command *c = ctl_commands; c->name; c++)
        if (c->summary) {
            fprintf(out, ".TP\n\\fB%s\\fR ", c->name);
            roff(out, c->arguments);
            fputc('\n', out);
            roff(out, c->summary);
            fputc('\n', out);
        }
    fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
    write_options(out, ctl_common);
    fputs(".SH ENVIRONMENT\n"
          ".TP\n\\fBOBS_WORKSPACE\\fR\nthe workspace\n"
          ".TP\n\\fBOBS_TENANT\\fR\nthe tenant\n"
          ".TP\n\\fBNO_COLOR\\fR\nno colours, whatever its value\n"
          ".TP\n\\fBCOLUMNS\\fR\nhow wide help and progress may be\n",
          out);
}

void ctl_man(FILE *out, const ctl_command *command)
{
    if (command)
        write_command(out, command);
    else
        write_all(out);
    fprintf(out, ".SH EXIT STATUS\n%s.\n", ctl_exit_codes);
    fputs("A run that a signal ended has 128 and the number of the signal.\n"
          "With several arguments the others are still done when one fails, and the first failure gives the status.\n",
          out);
    if (command)
        fputs(".SH SEE ALSO\n\\fBobsctl\\fR(1)\n", out);
}

obs_status ctl_run_man(ctl *ctl)
{
    const ctl_command *command;
    ctl_capture capture;
    obs_status status = ctl_named_command(ctl, &command);
    if (status == OBS_OK)
        status = ctl_capture_begin(ctl, &capture);
    if (status != OBS_OK)
        return status;
    ctl_man(capture.out, command);
    return ctl_capture_end(ctl, &capture, "man");
}

static obs_status open_file(ctl *ctl, FILE **out, const char *folder, const char *name)
{
    char path[4096];
    char part[128];
    size_t used = 0;
    for (const char *c = name; *c && used + 1 < sizeof part; c++) /* "obsctl-audit query.1" */
        part[used++] = *c == ' ' ? '-' : *c;
    part[used] = '\0';
    snprintf(path, sizeof path, "%s/%s", folder, part);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return ctl_fail_system(ctl, "make the folder", path);
        *slash = '/';
    }
    *out = fopen(path, "we");
    return *out ? OBS_OK : ctl_fail_system(ctl, "write", path);
}

static obs_status write_pages(ctl *ctl, const char *folder)
{
    FILE *out;
    obs_status status = open_file(ctl, &out, folder, "man/man1/obsctl.1");
    if (status == OBS_OK) {
        ctl_man(out, NULL);
        fclose(out);
    }
    for (const ctl_command *c = ctl_commands; c->name && status == OBS_OK; c++) {
        char name[128];
        if (!c->summary)
            continue;
        snprintf(name, sizeof name, "man/man1/obsctl-%s.1", c->name);
        if ((status = open_file(ctl, &out, folder, name)) == OBS_OK) {
            ctl_man(out, c);
            fclose(out);
        }
    }
    return status;
}

/* `__files DIR`: what a package puts below share/. */
obs_status ctl_run_files(ctl *ctl)
{
    static const char *const scripts[][2] = {{"bash", "bash-completion/completions/obsctl"},
                                             {"zsh", "zsh/site-functions/_obsctl"},
                                             {"fish", "fish/vendor_completions.d/obsctl.fish"}};
    const char *folder = ctl->arguments[0];
    obs_status status = write_pages(ctl, folder);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0] && status == OBS_OK; i++) {
        FILE *out;
        if ((status = open_file(ctl, &out, folder, scripts[i][1])) == OBS_OK) {
            fputs(ctl_completion_script(scripts[i][0]), out);
            fclose(out);
        }
    }
    return status;
}
