/* One verification, between its files: verify.c has checkpoint, anchors and verdict, verify_tree.c the walk over the log,
 * verify_rows.c the tenants' rows, row.c one row, verify_sealed.c what says that rows may be missing. */
#ifndef OBS_AUDIT_CHECK_H
#define OBS_AUDIT_CHECK_H

#include "audit/leaf.h"
#include "audit/sealed.h"
#include "audit/tiles.h"
#include "audit/verify.h"

/* A checkpoint that an anchor was told. Its signature matters only when the log says something else. */
typedef struct obs__told {
    uint64_t size;
    obs__tree_hash root;
    const char *anchor; /* its name */
    int disagrees;
    int is_signed;   /* known when it disagrees */
    uint64_t agreed; /* the size up to which the anchors agreed before */
} obs__told;

typedef struct obs__rows_check obs__rows_check;

typedef struct obs__check {
    const obs__verify_options *options;
    obs__verified *out;
    obs__verifier key;
    int log; /* descriptor, or -1 */
    obs__tree_hasher *hasher;
    obs_buffer *note;
    obs__checkpoint checkpoint;
    obs__anchor *own;
    obs__told *told; /* by size */
    size_t told_count;
    size_t told_next;
    obs__tree_range range; /* the records so far */
    uint64_t agreed;       /* the last size at which an anchor agreed */
    obs__rows_check *rows; /* or NULL */
    int row_differs;       /* the row of the last record says something else */
    obs__sealed sealed;    /* all zero: nothing is, or what says so is not believed */
    int seal_has_root;     /* the sealed records give the root that was signed */
    int seal_has_record;   /* the record that says so is there */
} obs__check;

/* A row that differs from a record: when the root tells that the record is the wrong one, it becomes OBS__DAMAGE_RECORD. */
#define OBS__ROW_DIFFERS "its row in the tenant's database is another"

/* Adds what was found. */
void obs__check_add(obs__check *check, obs__damage damage, uint64_t index, obs__view tenant, obs__view id, const char *text);
/* Compares with what the anchors were told of the size that the range has now. */
void obs__check_told(obs__check *check);
/* Whether an anchor was told a size below this one that was not compared yet. */
int obs__check_wants(const obs__check *check, uint64_t below);

/* What is sealed, by the note beside the log; later, as the walk comes to them, the root that it names and the record. */
obs_status obs__check_sealed_open(obs__check *check, obs_error *error);
void obs__check_sealed_root(obs__check *check);
obs_status obs__check_sealed_leaf(obs__check *check, uint64_t index, obs__view leaf, obs_error *error);
void obs__check_sealed_end(obs__check *check);

/* The walk: hashes all records, compares all tiles. The root is not compared. */
obs_status obs__check_tree(obs__check *check, obs_error *error);

/* The tenants' rows, in the order of the log. */
obs_status obs__rows_open(obs__check *check, obs_error *error);
void obs__rows_free(obs__rows_check *rows);
/* A record as the log has it (empty: it cannot be read) and as its tile says (NULL: there is none): takes the row that stands
 * for it, compares, and says whose record it is, as far as that can be told. `fits` says that record and tile agree. */
obs_status obs__rows_leaf(obs__check *check, uint64_t index, obs__view leaf, const obs__tree_hash *tile, int fits,
                          obs__view *out_tenant, obs__view *out_id, obs_error *error);
/* After the last one: what is left in the databases. */
obs_status obs__rows_end(obs__check *check, obs_error *error);

/* One row of ROW_COLUMNS. *what is NULL when it fits its leaf, else the name of what does not. */
#define OBS__ROW_COLUMNS                                                                                                       \
    "l.seq, l.time, l.leaf, c.action, c.trace, s.subject, c.subject_salt, a.subject, c.actor_salt, c.object, c.object_salt,"   \
    " c.client, c.client_salt, c.seq"
#define OBS__ROW_TABLES                                                                                                        \
    "audit_leaf l LEFT JOIN audit_clear c ON c.seq = l.seq LEFT JOIN subject s ON s.pseudonym = c.subject"                     \
    " LEFT JOIN subject a ON a.pseudonym = c.actor"
typedef struct obs__row_check {
    const char *what;
    int is_clear; /* a clear value, not a column that repeats the leaf */
    int is_bare;  /* there is a leaf and nothing beside it, as of the last record that was sealed */
    int erased;   /* a field was erased */
    uint64_t lost;
} obs__row_check;
obs_status obs__row_check_of(obs__row_check *out, sqlite3_stmt *row, obs_error *error);

#endif
