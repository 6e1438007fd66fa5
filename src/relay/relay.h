/*
 * The relay, between its files. Everything at the target is idempotent: an event by id and source (the bus), an object or
 * record by its key and SHA-256, an entry by what it says. So whatever a kill leaves half done is simply done again: the
 * source's bus and the positions at the target only say where to begin.
 */
#ifndef OBS_RELAY_RELAY_H
#define OBS_RELAY_RELAY_H

#include <jansson.h>
#include <obs/relay.h>

#include "client/client.h"

#define OBS__RELAY_BATCH 64
#define OBS__RELAY_LABELS 64
#define OBS__RELAY_SOURCES 256
#define OBS__RELAY_NAME 192 /* of a consumer, or of a source at its target */

typedef struct obs__relay {
    obs_client *from;
    obs_client *to;
    const obs_call *call;
    obs__limit limit; /* of the whole run */
    char site[OBS__TENANT_SIZE];
    const char *here;             /* the site of the target, or "" */
    char name[OBS__RELAY_NAME];   /* `<workspace id>/<tenant>` of the source */
    char member[OBS__RELAY_NAME]; /* its consumer on the source's bus */
    int keep_both;
    int singly;      /* so many events go one by one: one of them failed */
    int renew;       /* what was handed out and not acknowledged must come again: subscribe anew */
    uint64_t rate;   /* bytes a second; 0: no limit */
    int64_t pace_ns; /* when the next byte may go, monotonic */
    int64_t stop_ns; /* the slice is over */
    int64_t entries; /* how far the entries were walked; -1: all of them */
    int64_t changes; /* how far the audit trail was read; -1: not yet */
    int64_t written; /* what of it the target has */
    int64_t lines;   /* how far the ingestion log was read */
    obs_relay_counts counts;
} obs__relay;

/* An entry of a catalog. */
typedef struct obs__relay_entry {
    json_t *json; /* NULL: there is none */
    const char *key;
    const char *kind;
    const char *type;
    const char *sha256;
    const char *site; /* its label or value, or "" */
    uint64_t size;
    obs_pair labels[OBS__RELAY_LABELS];
    size_t label_count;
    char *values; /* JSON, or NULL */
    const char *made_from[OBS__RELAY_SOURCES];
    size_t made_from_count;
} obs__relay_entry;

/* entry.c: *out has no JSON when the catalog knows no such key. Release it whatever happens. */
obs_status obs__relay_entry_get(obs__relay_entry *out, obs_client *client, const char *key, const obs_call *call,
                                obs_error *error);
/* Marks what comes from the source: its site is a label, or a value where all labels are taken. */
obs_status obs__relay_entry_mark(obs__relay_entry *entry, const char *site, obs_error *error);
/* The parts of `entry` that `there` does not have, as part of the unit. *done: 1 when there are any. */
obs_status obs__relay_entry_update(int *done, obs_unit *unit, const obs__relay_entry *entry, const obs__relay_entry *there,
                                   obs_error *error);
void obs__relay_entry_release(obs__relay_entry *entry);

/* What one commit at the target holds, and what it will have counted for. */
typedef struct obs__relay_unit {
    obs__relay *relay;
    obs_unit *unit;
    char *keys[OBS__RELAY_BATCH]; /* what was looked at already */
    char moved[OBS__RELAY_BATCH]; /* 1: it is below the prefix of the site */
    size_t key_count;
    obs_relay_counts counts;
    int is_conflict;             /* why the last item was refused */
    char other[OBS_KEY_MAX + 1]; /* where the last item was put besides its key, or "" */
} obs__relay_unit;

obs_status obs__relay_unit_begin(obs__relay_unit *out, obs__relay *relay, obs_error *error);
/* Commits, and adds up the counts. */
obs_status obs__relay_unit_commit(obs__relay_unit *unit, obs_error *error);
void obs__relay_unit_free(obs__relay_unit *unit);

/* item.c: what the source has under a key, if anything, joins the unit as far as the target does not have it. OBS_REFUSED when
 * it never will go: a conflict, or a record that does not fit there. */
obs_status obs__relay_item(obs__relay_unit *unit, const char *key, obs_error *error);
/* A line of the target's ingestion log: an item came, or was refused. */
obs_status obs__relay_line(obs__effects *effects, obs__relay_unit *unit, const obs__scope *scope, const char *table,
                           const obs__relay_entry *entry, obs_error *error);
/* Whether it is the item's own fault, and not that of the place, the time or the caller. */
int obs__relay_is_its_fault(obs_status status);
/* Records a refusal at the target, once; *is_new: for the first time. */
obs_status obs__relay_refuse(int *is_new, obs__relay *relay, const char *key, const char *reason, obs_error *error);
/* object.c, record.c: an item that the target does not have. */
obs_status obs__relay_object(obs__relay_unit *unit, obs__relay_entry *entry, const char *key, obs_error *error);
obs_status obs__relay_record(obs__relay_unit *unit, obs__relay_entry *entry, obs_error *error);

/* events.c: up to a batch of events. *more: 1 when there were any. */
obs_status obs__relay_events(int *more, obs__relay *relay, obs_subscription *subscription, obs_error *error);
/* changes.c: entries and log lines. */
obs_status obs__relay_begin_changes(obs__relay *relay, obs_error *error);
obs_status obs__relay_changes(int *more, obs__relay *relay, obs_error *error);
obs_status obs__relay_lines(int *more, obs__relay *relay, obs_error *error);
/* anchor.c: requires that the source's log goes on from what the target has, and keeps its checkpoint there. */
obs_status obs__relay_anchor(obs__relay *relay, obs_error *error);

/* source.c: what only the tables of the source say. */
obs_status obs__relay_ordering(char **key, int *priority, obs_client *from, uint64_t sequence, obs_error *error);
/* Up to a batch of keys behind *position, which moves; sql gives (number, key). Free each with obs__free(). */
obs_status obs__relay_keys(char **out, size_t *count, int64_t *position, obs_client *from, const char *sql, obs_error *error);
obs_status obs__relay_number(int64_t *out, obs_client *from, const char *sql, obs_error *error);

#endif
