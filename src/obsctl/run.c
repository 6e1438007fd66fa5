/* obsctl: parse, run, report. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "obsctl/ctl.h"

static obs_cancel *stop;                  /* ends every call */
static volatile sig_atomic_t stop_signal; /* the signal that did */

obs_status ctl_fail(ctl *ctl, obs_status status, const char *format, ...)
{
    va_list arguments;
    obs_error_init(&ctl->error, sizeof ctl->error);
    va_start(arguments, format);
    vsnprintf(ctl->error.message, sizeof ctl->error.message, format, arguments);
    va_end(arguments);
    ctl->error.status = status;
    ctl->error.retryable = obs_status_retryable(status);
    return status;
}

obs_status ctl_fail_memory(ctl *ctl)
{
    return ctl_fail(ctl, OBS_RESOURCE_EXHAUSTED, "there is not enough memory");
}

obs_status ctl_fail_system(ctl *ctl, const char *what, const char *path)
{
    int code = errno;
    obs_status status = code == ENOENT || code == ENOTDIR  ? OBS_NOT_FOUND
                        : code == EACCES || code == EPERM  ? OBS_PERMISSION_DENIED
                        : code == ENOSPC || code == EDQUOT ? OBS_NO_SPACE
                        : code == EEXIST                   ? OBS_ALREADY_EXISTS
                                                           : OBS_UNKNOWN;
    ctl_fail(ctl, status, "cannot %s '%s': %s", what, path, strerror(code));
    ctl->error.system = code;
    return status;
}

obs_status ctl_check_cancel(ctl *ctl)
{
    return obs_cancel_is_set(stop) ? ctl_fail(ctl, OBS_CANCELLED, "interrupted") : OBS_OK;
}

obs_status ctl_open(ctl *ctl)
{
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.workspace = ctl_get(ctl, "workspace");
    options.tenant = ctl_get(ctl, "tenant");
    options.program = "obsctl";
    return obs_client_open(&ctl->client, &options, &ctl->error);
}

static int says_all(const ctl_command *command)
{
    return command->run == ctl_run_check || command->run == ctl_run_audit_verify || command->run == ctl_run_audit_check_proof;
}

/* What a person can do about it, where the sentence itself cannot know. */
static const char *advice(const ctl *ctl)
{
    switch (ctl->error.status) {
    case OBS_DATA_LOSS:
        return ctl->command && says_all(ctl->command) ? NULL : "'obsctl workspace check' shows all that is damaged";
    case OBS_NO_SPACE:
        return "free some space and run the same command again: nothing was lost";
    case OBS_ABORTED:
        return "run the same command again";
    case OBS_UNAVAILABLE:
    case OBS_DEADLINE_EXCEEDED:
        return "try again, or give more time with --timeout; 'obsctl doctor' shows what is slow or down";
    default:
        return NULL;
    }
}

static void report_json(const obs_error *error, const char *what)
{
    json_t *body = json_pack("{s:s,s:o,s:o,s:b,s:i}", "status", obs_status_name(error->status), "message",
                             ctl_text(error->message), "detail", ctl_text(error->detail), "retryable", error->retryable,
                             "exit_code", obs_status_exit_code(error->status));
    if (body && error->line)
        json_object_set_new(body, "line", json_integer(error->line));
    if (body && error->column)
        json_object_set_new(body, "column", json_integer(error->column));
    if (body && what)
        json_object_set_new(body, "object", ctl_text(what));
    ctl_print_json(json_pack("{s:o}", "error", body));
}

static void print_line(const char *before, const char *text, const char *after)
{
    fputs(before, stderr);
    ctl_print_text(stderr, text, strlen(text));
    fputs(after, stderr);
}

void ctl_report(const ctl *ctl, const char *what)
{
    const obs_error *error = &ctl->error;
    const char *next = advice(ctl);
    if (ctl->json) {
        report_json(error, what);
        return;
    }
    fflush(stdout);
    fputs("obsctl: ", stderr);
    if (what && !strstr(error->message, what))
        print_line("", what, ": ");
    print_line("", *error->message ? error->message : obs_status_text(error->status), "\n");
    if (*error->detail)
        print_line("  (", error->detail, ")\n");
    if (next)
        print_line("  ", next, "\n");
}

static int may_color(void)
{
    const char *term = getenv("TERM");
    const char *forbidden = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(forbidden && *forbidden) && term && *term && strcmp(term, "dumb") != 0;
}

static obs_status run(ctl *ctl, int count, const char *const *words)
{
    long long seconds = 30;
    obs_status status = ctl_parse(ctl, count, words);
    if (status == OBS_OK)
        status = ctl_number(ctl, "timeout", 0, 1000000, &seconds);
    if (status != OBS_OK)
        return status;
    if (ctl_get(ctl, "help"))
        return ctl_show_help(ctl, ctl->command);
    if (!ctl->command) {
        if (!ctl->json)
            ctl_help(stderr, NULL);
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "a command is missing: 'obsctl help' lists them");
    }
    obs_call_init(&ctl->call, sizeof ctl->call);
    ctl->call.timeout_ms = seconds ? seconds * 1000 : -1;
    ctl->call.cancel = stop;
    return ctl->command->run(ctl);
}

/* With a closed descriptor the next file that is opened would take its place, and the output would go into it. Such a place is
 * filled with something that fails in the direction in which it is used. */
static void fill_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void on_signal(int number)
{
    stop_signal = number;
    obs_cancel_set(stop);
}

/* The first signal ends calls in an orderly way, a second one the process. `obsctl ls | head` ends quietly. */
static void watch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    struct sigaction before;
    signal(SIGPIPE, SIG_DFL);
    if (obs_cancel_new(&stop, NULL) != OBS_OK)
        return;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* nohup */
            sigaction(numbers[i], &action, NULL);
}

/* A process that was ended by a signal says so to its shell. */
static void end_by_signal(void)
{
    if (!stop_signal)
        return;
    signal(stop_signal, SIG_DFL);
    raise(stop_signal);
}

int main(int count, char **words)
{
    static ctl state;
    fill_descriptors();
    watch_signals();
    obs_error_init(&state.error, sizeof state.error);
    state.color = may_color();
    obs_status status = run(&state, count - 1, (const char *const *)words + 1);
    if (status != OBS_OK && *state.error.message)
        ctl_report(&state, NULL);
    obs_client_close(state.client);
    free(state.arguments);
    int failed = fflush(stdout) != 0 || ferror(stdout);
    if (failed && status == OBS_OK)
        fprintf(stderr, "obsctl: cannot write to standard output\n");
    if (status == OBS_CANCELLED)
        end_by_signal();
    return failed && status == OBS_OK ? 1 : obs_status_exit_code(status);
}
