/* A workspace as it lies on disk: where it is, whether it can be trusted, what obs.yaml and `format` say. */
#ifndef OBS_CLIENT_WORKSPACE_H
#define OBS_CLIENT_WORKSPACE_H

#include <stdatomic.h>

#include <obs/workspace.h>

#include "auth/identity.h"
#include "base/clock.h"
#include "base/text.h"
#include "deliver/destination.h"

#define OBS__DEFAULT_TENANT "default"
#define OBS__TENANT_SIZE 64

/* A source of configuration, as obs.yaml has it. */
typedef struct obs__config_line {
    char *url;
    char *key;       /* the line of the key that must have signed its documents, or NULL */
    char *token;     /* the secret that opens the door of a web server: `env:NAME`, `file:/path`, or NULL */
    int64_t keep_ns; /* how old a last known good document may be; 0: the standard */
} obs__config_line;

/* What obs.yaml says. */
typedef struct obs__config {
    char *store;
    char *events;
    int64_t events_keep_ns; /* of the bus: its bounds */
    int64_t events_limit;
    int64_t events_remember_ns;
    char *catalog;
    char *audit;
    char *identity;
    char *site;       /* what this place is called at others, for the relay; NULL: it has no name */
    char **immutable; /* ends with NULL */
    int shared;       /* mode: shared */
    char **operators; /* subjects of a role, ends with NULL; NULL: nobody has it */
    char **auditors;
    obs__config_line *layers; /* of the configuration, lowest first */
    size_t layer_count;
    obs__config_line *anchors; /* of the audit log, besides the standard one */
    size_t anchor_count;
    obs__config_line schema; /* without a URL: none */
    char **secrets;          /* what documents may refer to; ends with NULL */
    obs__destinations destinations;
    char **locked; /* names that no environment variable may change; ends with NULL */
} obs__config;

/* Reads and checks `folder/obs.yaml`, which may also belong to `account`; errors carry file, line and column. */
obs_status obs__config_read(obs__config *out, const char *folder, uid_t account, obs_error *error);
void obs__config_free(obs__config *config);
/* Its lines about configuration: `config:`, `schema:`, `secrets:`, `locked:` (config_lines.c). */
struct obs__yaml;
/* Its line `events:`, besides the URL, which is a text in it (config_events.c). */
obs_status obs__config_events_read(obs__config *out, const struct obs__yaml *yaml, obs_error *error);
const char *obs__config_events_url(const struct obs__yaml *yaml);
obs_status obs__config_lines_read(obs__config *out, const struct obs__yaml *yaml, obs_error *error);
void obs__config_lines_free(obs__config *config);
/* The obs.yaml of a new workspace. */
const char *obs__config_text(void);

/* What `format` says. */
typedef struct obs__format {
    char id[OBS__UUID_SIZE]; /* random, for ever */
    int read_only;           /* a feature that this library may only read */
} obs__format;

obs_status obs__format_read(obs__format *out, const char *folder, uid_t account, obs_error *error);
obs_status obs__format_write(const char *folder, obs_error *error);

typedef struct obs__workspace {
    atomic_uint holders;
    const char *folder; /* absolute; kept for the life of the process, as journals refer to it */
    obs__config config;
    obs__format format;
    uid_t account;                      /* whose obs.yaml is */
    char owner[OBS__SUBJECT_SIZE];      /* the same as a subject */
    char identity[OBS__SUBJECT_SIZE];   /* of this process */
    int read_only;                      /* by its format, or because the disk is */
    struct obs__tokens *_Atomic tokens; /* tokens.c: whose tokens it takes; made when the first one comes */
} obs__workspace;

/* Finds, checks and reads. `wanted` NULL: OBS_WORKSPACE, upwards from here, the user's own. */
obs_status obs__workspace_open(obs__workspace **out, const char *wanted, obs_error *error);
/* Whether this process is the owner's, which in a shared workspace root's are, too. */
int obs__workspace_is_owner(const obs__workspace *workspace);
obs__workspace *obs__workspace_retain(obs__workspace *workspace);
void obs__workspace_free(obs__workspace *workspace);

/* The absolute folder of the workspace that is meant; free with obs__free(). */
obs_status obs__workspace_find(char **out, const char *wanted, obs_error *error);

/* 1 when a name can be a tenant's. */
int obs__tenant_valid(const char *name);
/* OBS_NOT_FOUND, for whoever may know which tenants there are. */
obs_status obs__tenant_missing(const char *name, obs_error *error);
/* The same unless there is one of this name. */
obs_status obs__tenant_check(const obs__workspace *workspace, const char *name, obs_error *error);
/* `<folder>/tenants/<name>`; free with obs__free(). NULL without memory. */
char *obs__tenant_folder(const char *folder, const char *name);
/* Whose folders are. */
typedef struct obs__ownership {
    int shared;    /* 0: only the caller's, and the rest says nothing */
    uid_t account; /* of the workspace */
    gid_t group;   /* of the tenant */
} obs__ownership;

/* Who may be believed besides the caller and root (trusted.c): the account that obs.yaml belongs to, when the caller or root
 * named it; OBS_UNTRUSTED, with what to do, when nobody did. */
obs_status obs__workspace_account(uid_t *out, const char *folder, obs_error *error);
/* The store of a tenant: the workspace's own for the default tenant, one of its own for each other. Free with obs__free(). */
char *obs__tenant_store(const obs__workspace *workspace, const char *tenant);

#endif
