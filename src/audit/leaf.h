/*
 * The audit leaf: the canonical bytes of one record, as they go into the log for ever (docs/on-disk.md, "audit").
 *
 * What could name a person or what they work on is not in the leaf but a commitment to it: HMAC-SHA256 under a salt of its
 * own, over the name of the field, a zero byte and the value. Without the salt, which can be deleted, nobody can tell what it
 * was.
 */
#ifndef OBS_AUDIT_LEAF_H
#define OBS_AUDIT_LEAF_H

#include "audit/audit.h"
#include "base/hash.h"

/* The personal fields, in the order of the leaf. */
typedef enum obs__audit_field {
    OBS__AUDIT_SUBJECT,
    OBS__AUDIT_ACTOR,
    OBS__AUDIT_OBJECT,
    OBS__AUDIT_CLIENT,
    OBS__AUDIT_FIELDS
} obs__audit_field;

#define OBS__AUDIT_SALT_SIZE 32
#define OBS__AUDIT_COMMITMENT_SIZE 65 /* in hexadecimal, with NUL */
/* The largest value of a personal field in bytes: longer ones are cut between two characters. */
#define OBS__AUDIT_VALUE_MAX 1024
#define OBS__AUDIT_LEAF_MAX 4096

/* The name of a field, as it stands in the leaf and in its commitment. */
const char *obs__audit_field_name(obs__audit_field field);

/* The value as it is committed to and shown: valid UTF-8 of at most OBS__AUDIT_VALUE_MAX bytes. */
void obs__audit_value_add(obs__builder *builder, obs__view value);

obs_status obs__audit_commitment(char out[OBS__AUDIT_COMMITMENT_SIZE], obs__audit_field field,
                                 const unsigned char salt[OBS__AUDIT_SALT_SIZE], obs__view value, obs_error *error);

/* Writes the leaf; a field whose commitment is "" was empty and becomes null. */
void obs__audit_leaf_add(obs__builder *builder, const char *id, const char *tenant, const obs__audit_record *record,
                         const char commitments[OBS__AUDIT_FIELDS][OBS__AUDIT_COMMITMENT_SIZE]);

/* What a leaf says. The texts are borrowed from one of the first two. */
typedef struct obs__audit_leaf {
    void *document;
    void *copy; /* of a leaf in the form that obs__audit_leaf_add() writes */
    const char *id;
    const char *time;
    const char *tenant;
    const char *kind;
    const char *action;
    const char *status;
    const char *trace;
    int64_t bytes;
    int64_t count;
    const char *commitments[OBS__AUDIT_FIELDS]; /* NULL: the field was empty */
} obs__audit_leaf;

/* OBS_DATA_LOSS when these are no leaf, OBS_RESOURCE_EXHAUSTED without memory. */
obs_status obs__audit_leaf_read(obs__audit_leaf *out, obs__view leaf, obs_error *error);
void obs__audit_leaf_free(obs__audit_leaf *leaf);

/* The id and tenant of a leaf without reading all of it, as views; 1, or 0 when these are no leaf. */
int obs__audit_leaf_peek(obs__view *id, obs__view *tenant, obs__view leaf);
/* Its time, in nanoseconds since 1970; 1 or 0. */
int obs__audit_leaf_time(int64_t *out_ns, obs__view leaf);

/* RFC 6962, 2.1: SHA-256 of a zero byte and the leaf. */
obs_status obs__audit_leaf_hash(unsigned char out[OBS__SHA256_SIZE], obs__view leaf, obs_error *error);

#endif
