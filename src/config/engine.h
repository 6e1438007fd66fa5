/*
 * The engine: one for each workspace and process. It asks the sources, takes over what changed, and keeps the whole.
 *
 * Two things are guarded apart: `turn` is the right to ask sources and to exchange the whole, held for as long as that takes;
 * `lock` guards the small state below it and is never held over I/O.
 */
#ifndef OBS_CONFIG_ENGINE_H
#define OBS_CONFIG_ENGINE_H

#include <pthread.h>

#include "config/live.h"

typedef enum obs__config_state {
    OBS__CONFIG_STATE_NONE, /* nothing is known yet */
    OBS__CONFIG_STATE_OK,
    OBS__CONFIG_STATE_STALE,   /* does not answer: the document before stays */
    OBS__CONFIG_STATE_KEPT,    /* does not answer since the start: the last known good one from the disk */
    OBS__CONFIG_STATE_REFUSED, /* the newest document does not fit: the one before stays */
    OBS__CONFIG_STATE_GONE     /* there is none (any more: the one before stays) */
} obs__config_state;

/* A source and what came from it. The schema has one, too. Written with the turn and `lock`, read with either. */
typedef struct obs__config_layer {
    obs__config_source source;
    obs__config_document *accepted; /* in use; NULL at first */
    obs__config_document *seen;     /* the newest that could be read */
    obs__config_document *kept;     /* the last known good one from the disk, of that time */
    int64_t kept_ns;
    char seen_etag[OBS__CONFIG_ETAG_SIZE];
    obs__config_state state;
    int64_t checked_ns;      /* monotonic: when it answered last */
    int64_t checked_wall_ns; /* the same, to be shown */
    int64_t taken_wall_ns;   /* when its document was taken over */
    int64_t before_ns;       /* monotonic: when its document before was still there */
    int64_t lag_ns;          /* how long after its change; -1: not told */
    int64_t due_ns;          /* monotonic: when to ask again */
    unsigned failures;       /* one after the other */
    int64_t retry_ns;        /* the source does not want to be asked again for so long */
    int alarmed;
    char message[OBS_ERROR_TEXT_SIZE];
    obs_error refusal; /* in the state REFUSED: why, with the place */
} obs__config_layer;

typedef struct obs__config_waiter {
    struct obs__config_waiter *next;
    int fd; /* an eventfd */
} obs__config_waiter;

typedef struct obs__config_secrets obs__config_secrets;

typedef struct obs__config_engine {
    struct obs__config_engine *next; /* of the registry */
    size_t holders;                  /* under the lock of the registry */
    unsigned generation;
    char *key;
    obs__gate *gate; /* of whoever was first: for what happens in the background */
    obs__config_setup setup;
    obs__config_layer layers[OBS__CONFIG_LAYERS_MAX + 1]; /* the schema behind the others */
    size_t layer_count;                                   /* without the schema */
    size_t source_count;                                  /* with it */
    obs__config_rules *rules;                             /* accepted */
    obs__config_live live;
    obs__config_secrets *secrets;

    pthread_mutex_t lock; /* guards all below, and the layers */
    int taken;            /* the turn */
    obs__config_waiter *waiters;
    struct obs_setting *settings;
    obs_error fault; /* why there is no whole */
    int started;
    struct obs__config_watch *watch;
    struct obs__config_errand *errand;
    obs_cancel *stop;     /* ends what the background waits for */
    char kept_digest[17]; /* what was kept last, and when; with the turn */
    int64_t kept_ns;
} obs__config_engine;

struct obs_config {
    obs__gate *gate;
    obs__config_host host;
    _Atomic(obs__config_engine *) engine; /* NULL before the first use */
    obs__config_whole *whole;             /* of a snapshot; else NULL */
    _Atomic uint64_t granted;             /* the version whose reading was allowed and recorded */
};

/* The engine of a configuration, started: all sources were asked once. */
obs_status obs__config_engine_of(obs__config_engine **out, obs_config *config, const obs__limit *limit, obs_error *error);
void obs__config_engine_retain(obs__config_engine *engine);
void obs__config_engine_release(obs__config_engine *engine);
/* OBS_FAILED_PRECONDITION in a forked child: what asks and changes belongs to the parent. */
obs_status obs__config_engine_ours(const obs__config_engine *engine, obs_error *error);

/* Waits for the turn. */
obs_status obs__config_turn_take(obs__config_engine *engine, const obs__limit *limit, obs_error *error);
void obs__config_turn_give(obs__config_engine *engine);
/* Waits until something happened: the turn was given, the whole exchanged. Called and returns with the lock. */
obs_status obs__config_wait_change(obs__config_engine *engine, const obs__limit *limit, obs_error *error);
void obs__config_wake(obs__config_engine *engine); /* with the lock */

/* Asks those sources that are due (or all), and takes over what changed. With the turn. The error is that of the worst. */
obs_status obs__config_update(obs__config_engine *engine, int all, const obs__limit *limit, obs_error *error);
/* Asks one source (ask.c). *changed: there is another document now, which could be read. */
obs_status obs__config_ask(obs__config_engine *engine, obs__config_layer *layer, int *changed, const obs__limit *limit,
                           obs_error *error);
/* A document does not fit: the one before stays, and everybody who may want to know is told. */
void obs__config_refuse(obs__config_engine *engine, obs__config_layer *layer, const obs_error *why);
void obs__config_layer_message(obs__config_layer *layer, const char *text);
/* Checks what would be the whole with these documents, one for each source, and takes it over unless `dry`. With the turn. */
obs_status obs__config_take_over(obs__config_engine *engine, obs__config_document *const *documents, int dry, obs_error *error);
/* Checks a text as if it were all there is. With the turn. */
obs_status obs__config_check_text(obs__config_engine *engine, obs__view text, const char *name, obs_error *error);
/* Exchanges the whole after asking all settings, and notes what it was made from; without documents it only asks. With the
 * turn. Whole and rules are taken over when it went well. */
obs_status obs__config_exchange(obs__config_engine *engine, obs__config_whole *whole, obs__config_document *const *documents,
                                obs__config_rules *rules, obs_error *error);

/* Settings (setting.c), with the lock: whether all fit the new whole, and giving them its values. */
obs_status obs__config_settings_check(obs__config_engine *engine, const obs__config_whole *whole, obs_error *error);
void obs__config_settings_update(obs__config_engine *engine, const obs__config_whole *whole);

/* The background (watch.c). */
void obs__config_watch_start(obs__config_engine *engine);
void obs__config_watch_stop(obs__config_engine *engine);
/* Asks what is due, and makes the next appointment. */
void obs__config_watch_round(obs__config_engine *engine);
/* The same on a thread of the pool (errand.c); 0 when that cannot be. */
int obs__config_errand_start(obs__config_engine *engine);
void obs__config_errand_stop(obs__config_engine *engine);
/* When a source is asked again, from now. */
void obs__config_schedule(obs__config_layer *layer);
/* How a source is, by the time it answered last: the watch itself is not asked. */
#define OBS__CONFIG_ALARM_NS INT64_C(60000000000)
int obs__config_is_overdue(const obs__config_layer *layer);

/* The last known good documents (kept.c), with the turn: writing what is in use, if it is new or an hour old … */
void obs__config_keep(obs__config_engine *engine);
/* … and reading it, into the layers. */
obs_status obs__config_kept_load(obs__config_engine *engine, obs_error *error);

/* Versions of signed documents (sign.c): OBS_REFUSED for one that goes back; remembering the one that is in use. */
obs_status obs__config_version_check(const obs__config_engine *engine, const obs__config_layer *layer,
                                     const obs__config_document *document, obs_error *error);
void obs__config_version_note(const obs__config_engine *engine, const obs__config_layer *layer);

/* References (secret.c). */
obs_status obs__config_secrets_new(obs__config_secrets **out, obs_error *error);
void obs__config_secrets_free(obs__config_secrets *secrets);
obs_status obs__config_secret_get(obs_secret **out, obs__config_engine *engine, obs__view reference, obs_error *error);

/* For a lookup: the whole, allowed to this client. Afterwards obs__config_reading_end(), also when it failed. */
typedef struct obs__config_reading {
    const obs__config_whole *whole;
    obs__config_slot *slot;
} obs__config_reading;
obs_status obs__config_reading_begin(obs__config_reading *out, obs_config *config, obs_error *error);
void obs__config_reading_end(obs__config_reading *reading);
/* The same, held: for what takes longer. Free with obs__config_whole_free(). */
obs_status obs__config_hold(obs__config_whole **out, obs_config *config, const obs_call *call, obs_error *error);

#endif
