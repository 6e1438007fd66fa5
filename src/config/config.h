/*
 * What the client wires from the config module; the public side is <obs/config.h>.
 *
 * The module does no I/O for documents itself: the client gives it a table of functions for each source.
 */
#ifndef OBS_CONFIG_CONFIG_H
#define OBS_CONFIG_CONFIG_H

#include <obs/config.h>

#include "journal/gate.h"

#define OBS__CONFIG_LAYERS_MAX 16
#define OBS__CONFIG_ETAG_SIZE 136 /* with its quotes and NUL */
#define OBS__CONFIG_DOCUMENT_MAX ((size_t)1 << 20)

typedef enum obs__config_found {
    OBS__CONFIG_DOCUMENT, /* here are its bytes */
    OBS__CONFIG_SAME,     /* it still has the entity tag that is known */
    OBS__CONFIG_ABSENT    /* there is none */
} obs__config_found;

/* What a source answered. */
typedef struct obs__config_answer {
    obs__config_found found;
    obs_buffer *bytes; /* the caller's */
    char etag[OBS__CONFIG_ETAG_SIZE];
    int64_t changed_ns; /* when it was changed, by the wall clock; 0: not told */
    int64_t retry_ns;   /* on failure: it does not want to be asked again for so long; 0: not told */
} obs__config_answer;

typedef struct obs__config_source_ops {
    /* Asks. `known` is the entity tag of what is here already, or "". A failure means: not reachable at the moment. Never two
     * at the same time for one source. */
    obs_status (*fetch)(void *user, const char *known, obs__config_answer *out, const obs__limit *limit, obs_error *error);
    /* Writes, if the document still has this entity tag ("": if there is none): else OBS_ABORTED. NULL: it cannot be
     * written. */
    obs_status (*put)(void *user, const char *if_match, obs__view bytes, char etag[OBS__CONFIG_ETAG_SIZE],
                      const obs__limit *limit, obs_error *error);
    void (*free)(void *user);
} obs__config_source_ops;

typedef enum obs__config_source_kind {
    OBS__CONFIG_LOCAL,      /* a file: asked about twice a second */
    OBS__CONFIG_REMOTE,     /* asked about every ten seconds */
    OBS__CONFIG_ENVIRONMENT /* `NAME`, NUL, `value`, NUL …: asked about once; may not change what is locked */
} obs__config_source_kind;

typedef struct obs__config_source {
    const obs__config_source_ops *ops; /* NULL: no such source */
    void *user;
    obs__config_source_kind kind;
    char *url;       /* as in obs.yaml */
    char *label;     /* for messages: `config.yaml` of `config.yaml:7:9` */
    char *key;       /* the line of the key that must have signed its documents, or NULL */
    int interval_ms; /* how often it is asked; 0: by its kind */
    int64_t keep_ns; /* how old a last known good document may be; 0: the standard, seven days */
} obs__config_source;

/* What the client says about a workspace, when the configuration is used for the first time. Freed by the module. */
typedef struct obs__config_setup {
    obs__config_source layers[OBS__CONFIG_LAYERS_MAX]; /* lowest first */
    size_t layer_count;
    obs__config_source schema; /* of the merged whole */
    char **secrets;            /* `env:NAME`, `file:/path`: what documents may refer to; ends with NULL */
    char **locked;             /* names that no environment variable may change; ends with NULL */
    char *state;               /* the private folder of what is known last; NULL: nothing is kept */
} obs__config_setup;

/* The client's side. All clients of one workspace in a process share what has the same key. */
typedef struct obs__config_host {
    const char *key; /* the folder of the workspace */
    obs_status (*setup)(obs__config_setup *out, void *user, obs__gate *gate, obs_error *error);
    void *user; /* lives as long as the gate */
} obs__config_host;

/* The configuration as one client sees it. Nothing is read before it is used. */
obs_status obs__config_new(obs_config **out, obs__gate *gate, const obs__config_host *host, obs_error *error);
void obs__config_close(obs_config *config);
/* How it is, for obs_client_health(): OBS_OK or why not, with a sentence in `text`. */
obs_status obs__config_health(obs_config *config, char *text, size_t capacity);
/* The same of each source as numbers, for metrics. Called under a lock: only notes them. */
typedef struct obs__config_numbers {
    const char *label;
    int is_well;
    int64_t lag_ns; /* from the last change to when it was taken over; -1: not known */
    int64_t age_ns; /* since it was asked; -1: never */
} obs__config_numbers;
typedef void obs__config_visit(void *user, const obs__config_numbers *numbers);
obs_status obs__config_measure(obs_config *config, obs__config_visit *visit, void *user, obs_error *error);
/* Gives back what a setup holds. */
void obs__config_setup_free(obs__config_setup *setup);

#endif
