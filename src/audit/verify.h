/*
 * Verifying the log: every record, tile and checkpoint, what the anchors were told, and the rows that questions are answered
 * from.
 *
 * Nothing in the workspace is believed: the records are hashed again from the bundles, every tile is made again and compared,
 * the root must be the signed one, the signature must be by the key given (or kept in the state folder), the tree must go on
 * from every checkpoint that an anchor was told, and each row of a tenant's audit tables must be what the log has at its place.
 * Rows may be missing only where a signed note and a record of the log, which an anchor vouches for, both say that they were
 * sealed. Missing files are damage, and so is a log that has no outside anchor, unless the caller says that it may.
 */
#ifndef OBS_AUDIT_VERIFY_H
#define OBS_AUDIT_VERIFY_H

#include "audit/sequence.h"

typedef enum obs__damage {
    OBS__DAMAGE_CHECKPOINT = 1, /* cannot be read, or is not signed with the key */
    OBS__DAMAGE_MISSING,        /* a file is not there */
    OBS__DAMAGE_RECORD,         /* the bytes of a record are not those that were logged */
    OBS__DAMAGE_TILE,           /* a tile is not what the records give; they are sound */
    OBS__DAMAGE_ROOT,           /* the records do not give the signed root, and nothing tells which one is wrong */
    OBS__DAMAGE_ROLLBACK,       /* the log is shorter than an anchor says */
    OBS__DAMAGE_FORK,           /* the log does not go on from what an anchor was told */
    OBS__DAMAGE_ANCHOR,         /* what an anchor has is not signed with the key */
    OBS__DAMAGE_ROW,            /* a row of a tenant's database is not what the log has, or is missing */
    OBS__DAMAGE_CLEAR,          /* a clear value is not what the record committed to */
    OBS__DAMAGE_TENANT,         /* the database of a tenant is missing */
    OBS__DAMAGE_SEAL            /* what says which records are sealed is not signed, or not what the log says */
} obs__damage;

/* `record`, `tile`, … for people and JSON. */
const char *obs__damage_name(obs__damage damage);

#define OBS__NO_INDEX UINT64_MAX

typedef struct obs__finding {
    obs__damage damage;
    uint64_t index;  /* of the record in the log, from 0, or of the first one it concerns; OBS__NO_INDEX: unknown */
    char tenant[64]; /* or "" */
    char id[40];     /* of the record, or "" */
    char text[160];  /* a sentence without its record */
} obs__finding;

#define OBS__FINDINGS 16

typedef struct obs__verified {
    uint64_t size;     /* records, by the checkpoint */
    uint64_t verified; /* how many from the first on are sound */
    obs__tree_hash root;
    uint64_t anchored; /* the largest size that an anchor vouches for; 0: none */
    char anchor[160];  /* its name */
    uint64_t waiting;  /* records in the tenants' databases that no checkpoint covers yet */
    uint64_t erased;   /* records with a field that was erased */
    uint64_t sealed;   /* records from the first on whose rows may be gone */
    uint64_t lost;     /* calls that records of the class `loss` stand for */
    size_t count;      /* findings, the first OBS__FINDINGS of them in the order of the log; those without a place last */
    obs__finding findings[OBS__FINDINGS];
} obs__verified;

typedef struct obs__verify_options {
    const obs__log_place *place;
    const obs__verifier *key;    /* NULL: the one in the state folder */
    obs__view checkpoint;        /* a checkpoint that was kept elsewhere, as one more anchor; or empty */
    const obs__tenants *tenants; /* whose rows are checked as well; NULL: only the log */
    const obs__limit *limit;
    int unanchored; /* 1: fine without an outside anchor */
} obs__verify_options;

/* OBS_OK; OBS_DATA_LOSS with the first finding in the error; OBS_FAILED_PRECONDITION when all is sound but not anchored;
 * OBS_NOT_FOUND when there is no log yet; another status when it could not be verified. */
obs_status obs__audit_verify(obs__verified *out, const obs__verify_options *options, obs_error *error);

#endif
