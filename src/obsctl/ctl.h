/* obsctl: what its parts share. One table (commands.c) makes the parser, help, man pages and shell completion. */
#ifndef OBSCTL_CTL_H
#define OBSCTL_CTL_H

#include <jansson.h>
#include <obs/obs.h>
#include <stdio.h>

#define CTL_VALUES_MAX 256

/* An option of a command. */
typedef struct ctl_option {
    const char *name;  /* without the dashes; NULL ends a list */
    char letter;       /* short form, or 0 */
    const char *value; /* how the value is called in the help, or NULL for a switch */
    const char *help;
} ctl_option;

typedef struct ctl ctl;

/* A command. Completion goes by the words of `arguments`: KEY, TENANT, COMMAND and others, see complete.c. */
typedef struct ctl_command {
    const char *name;      /* "put" or "audit query" */
    const char *arguments; /* as in the help: "FILE KEY" */
    const char *summary;   /* one line; NULL: not shown */
    const char *text;      /* what the man page adds, or NULL */
    const char *example;   /* one line that works, or NULL */
    int least, most;       /* how many arguments; most -1: any number */
    const ctl_option *options;
    obs_status (*run)(ctl *ctl);
} ctl_command;

/* One option that was given. */
typedef struct ctl_value {
    const char *name;
    const char *text; /* "" for a switch */
} ctl_value;

/* One run of obsctl. */
struct ctl {
    const ctl_command *command;
    const char **arguments;
    int argument_count;
    ctl_value values[CTL_VALUES_MAX];
    int value_count;
    int json;      /* --json */
    int quiet;     /* --quiet */
    int color;     /* escape sequences may be used on stdout */
    obs_call call; /* for every call: --timeout, and ended by a signal */
    obs_client *client;
    obs_error error; /* of the last call */
};

extern const ctl_command ctl_commands[]; /* ends with a NULL name */
extern const ctl_option ctl_common[];    /* options of every command */

/* parse.c: fills ctl from the command line; OBS_INVALID_ARGUMENT with a sentence in ctl->error. */
obs_status ctl_parse(ctl *ctl, int count, const char *const *words);
/* The command that the first words name, and how many they are; NULL when there is none. */
const ctl_command *ctl_find_command(int count, const char *const *words, int *used);
const ctl_option *ctl_find_option(const ctl_command *command, const char *name, size_t size, char letter);
const char *ctl_get(const ctl *ctl, const char *name);                 /* the last value, or NULL */
const char *ctl_next(const ctl *ctl, const char *name, int *position); /* one after the other; begin with 0 */
obs_status ctl_number(ctl *ctl, const char *name, long long least, long long most, long long *out); /* unchanged when absent */
/* `--label night=2026-11-20` given any number of times; free with ctl_pairs_free(). */
obs_status ctl_pairs(ctl *ctl, const char *name, obs_pair **out, size_t *count);
obs_status ctl_split_pair(ctl *ctl, const char *text, obs_pair *out);
void ctl_pairs_free(obs_pair *pairs, size_t count);

/* run.c */
obs_status ctl_fail(ctl *ctl, obs_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
obs_status ctl_fail_memory(ctl *ctl);
obs_status ctl_fail_system(ctl *ctl, const char *what, const char *path); /* by errno: cannot <what> '<path>' */
obs_status ctl_open(ctl *ctl);                                            /* the client, by --workspace and --tenant */
/* OBS_CANCELLED after a signal: asked where a call of the system was interrupted. */
obs_status ctl_check_cancel(ctl *ctl);
/* An error on its way out: JSON on stdout with --json, a sentence and what to do next on stderr otherwise. */
void ctl_report(const ctl *ctl, const char *what);

/* catalog.c: what --cone and --time say, as conditions of a query. */
void ctl_add_conditions(const ctl *ctl, FILE *query);

/* json.c: what --json prints */
void ctl_print_json(json_t *row);                   /* one line; steals the row */
void ctl_write_json(const char *text, size_t size); /* JSON text as one line; control and bidi characters as \u escapes */
json_t *ctl_text(const char *text);                 /* a JSON string, whatever the bytes are */
json_t *ctl_pairs_json(const obs_pair *pairs, size_t count);
json_t *ctl_stat_json(const obs_stat *stat);
/* Text that is no JSON by itself (a man page): FILE *out = begin, print, end. With --json it becomes {"<member>": …}. */
typedef struct ctl_capture {
    FILE *out;
    char *text;
    size_t size;
} ctl_capture;
obs_status ctl_capture_begin(ctl *ctl, ctl_capture *capture);
obs_status ctl_capture_end(ctl *ctl, ctl_capture *capture, const char *member);

/* print.c: what people read */
typedef struct ctl_column {
    const char *member; /* of the row; NULL ends a list */
    const char *title;
    int right; /* numbers */
} ctl_column;
/* Prints rows: as they are with --json, else as a table of the given columns. With --limit it also says where to go on.
 * Frees the rows. */
obs_status ctl_print_rows(ctl *ctl, obs_rows *rows, const ctl_column *columns);
void ctl_print_more(const ctl *ctl, const obs_rows *rows);     /* where to go on, when --limit was given */
void ctl_print_text(FILE *out, const char *text, size_t size); /* escaped for a terminal */
void ctl_print_stat(const ctl *ctl, const obs_stat *stat);
void ctl_format_time(char *out, size_t size, const char *format, int64_t ns);
int ctl_width(FILE *out); /* columns of the terminal, or COLUMNS, or 80 */

/* progress.c: a line on a terminal, nothing otherwise. total 0: not known. */
typedef struct ctl_progress {
    const char *what;
    unsigned long long total;
    long long started_ms;
    long long last_ms;
    int active;
    int shown;
} ctl_progress;
void ctl_progress_begin(ctl_progress *progress, const ctl *ctl, const char *what, unsigned long long total);
void ctl_progress_set(ctl_progress *progress, unsigned long long done);
void ctl_progress_end(ctl_progress *progress);

/* target.c: where `get` writes. A new FILE appears whole or not at all. */
typedef struct ctl_target {
    int fd;
    const char *path; /* NULL: standard output */
    char *part;       /* its name while it is written, where files without a name are not to be had */
    int is_new;       /* takes its name at the end */
    int replace;      /* --force */
} ctl_target;
obs_status ctl_target_open(ctl *ctl, ctl_target *target, const char *path);
obs_status ctl_target_write(ctl *ctl, const ctl_target *target, const char *data, size_t size);
obs_status ctl_target_close(ctl *ctl, ctl_target *target, obs_status status); /* status: of what was written */

/* errors.c */
/* `1h` and the like: the time so long ago; else the time as it was given. */
obs_status ctl_since(ctl *ctl, const char *text, char *out, size_t size);
/* What was refused or failed since then, by kind: a list of objects; NULL with ctl->error. */
json_t *ctl_errors(ctl *ctl, const char *since);

/* help.c, man.c, complete.c */
void ctl_help(FILE *out, const ctl_command *command); /* NULL: all */
json_t *ctl_help_json(const ctl_command *command);
obs_status ctl_show_help(const ctl *ctl, const ctl_command *command); /* as text or JSON, on stdout */
obs_status ctl_named_command(ctl *ctl, const ctl_command **out);      /* by the arguments of `help` and `man`; NULL: all */
void ctl_man(FILE *out, const ctl_command *command);
const char *ctl_completion_script(const char *shell); /* NULL: not known */
extern const char ctl_exit_codes[];

/* The commands. */
obs_status ctl_run_put(ctl *ctl);
obs_status ctl_run_get(ctl *ctl);
obs_status ctl_run_ls(ctl *ctl);
obs_status ctl_run_stat(ctl *ctl);
obs_status ctl_run_rm(ctl *ctl);
obs_status ctl_run_cp(ctl *ctl);
obs_status ctl_run_adopt(ctl *ctl);
obs_status ctl_run_labels(ctl *ctl);
obs_status ctl_run_search(ctl *ctl);
obs_status ctl_run_lineage(ctl *ctl);
obs_status ctl_run_why(ctl *ctl);
obs_status ctl_run_reproduce(ctl *ctl);
obs_status ctl_run_graph(ctl *ctl);
obs_status ctl_run_metrics(ctl *ctl);
obs_status ctl_run_errors(ctl *ctl);
obs_status ctl_run_top(ctl *ctl);
obs_status ctl_run_audit_query(ctl *ctl);
obs_status ctl_run_audit_verify(ctl *ctl);
obs_status ctl_run_audit_prove(ctl *ctl);
obs_status ctl_run_audit_check_proof(ctl *ctl);
obs_status ctl_run_audit_checkpoint(ctl *ctl);
obs_status ctl_run_audit_key(ctl *ctl);
obs_status ctl_run_audit_erase(ctl *ctl);
obs_status ctl_run_audit_policy(ctl *ctl);
obs_status ctl_run_audit_seal(ctl *ctl);
obs_status ctl_run_config_get(ctl *ctl);
obs_status ctl_run_config_set(ctl *ctl);
obs_status ctl_run_config_unset(ctl *ctl);
obs_status ctl_run_config_explain(ctl *ctl);
obs_status ctl_run_config_sources(ctl *ctl);
obs_status ctl_run_config_validate(ctl *ctl);
obs_status ctl_run_config_watch(ctl *ctl);
obs_status ctl_run_config_sign(ctl *ctl);
obs_status ctl_run_publish(ctl *ctl);
obs_status ctl_run_subscribe(ctl *ctl);
obs_status ctl_run_relay(ctl *ctl);
obs_status ctl_run_journal_ls(ctl *ctl);
obs_status ctl_run_journal_run(ctl *ctl);
obs_status ctl_run_journal_dead(ctl *ctl);
obs_status ctl_run_journal_replay(ctl *ctl);
obs_status ctl_run_journal_discard(ctl *ctl);
obs_status ctl_run_journal_pause(ctl *ctl);
obs_status ctl_run_journal_resume(ctl *ctl);
obs_status ctl_run_journal_rm(ctl *ctl);
obs_status ctl_run_function_new(ctl *ctl);
obs_status ctl_run_function_run(ctl *ctl);
obs_status ctl_run_function_list(ctl *ctl);
obs_status ctl_run_function_logs(ctl *ctl);
obs_status ctl_run_function_replay(ctl *ctl);
obs_status ctl_run_ingest(ctl *ctl);
obs_status ctl_run_ingest_log(ctl *ctl);
obs_status ctl_run_ingest_define(ctl *ctl);
obs_status ctl_run_ingest_definitions(ctl *ctl);
obs_status ctl_run_init(ctl *ctl);
obs_status ctl_run_whoami(ctl *ctl);
obs_status ctl_run_login(ctl *ctl);
obs_status ctl_run_logout(ctl *ctl);
obs_status ctl_run_token_issue(ctl *ctl);
obs_status ctl_run_token_verify(ctl *ctl);
obs_status ctl_run_token_keys(ctl *ctl);
obs_status ctl_run_token_rotate(ctl *ctl);
obs_status ctl_run_token_revoke(ctl *ctl);
obs_status ctl_run_doctor(ctl *ctl);
obs_status ctl_make_bundle(ctl *ctl, const char *path); /* doctor --bundle */
obs_status ctl_run_check(ctl *ctl);
obs_status ctl_run_tenant_create(ctl *ctl);
obs_status ctl_run_tenant_show(ctl *ctl);
obs_status ctl_run_tenant_modify(ctl *ctl);
obs_status ctl_run_tenant_suspend(ctl *ctl);
obs_status ctl_run_tenant_resume(ctl *ctl);
obs_status ctl_run_tenant_export(ctl *ctl);
obs_status ctl_run_tenant_delete(ctl *ctl);
obs_status ctl_run_ingest_stats(ctl *ctl);
obs_status ctl_run_du(ctl *ctl);
obs_status ctl_run_version(ctl *ctl);
obs_status ctl_run_help(ctl *ctl);
obs_status ctl_run_man(ctl *ctl);
obs_status ctl_run_completion(ctl *ctl);
obs_status ctl_run_complete(ctl *ctl); /* hidden: candidates for the shell */
obs_status ctl_run_files(ctl *ctl);    /* hidden: man pages and completion scripts into a folder, for the build */

#endif
