/* What functions/NAME/function.yaml says, and the digest of the function: of this file and all others of its folder. */
#ifndef OBS_FUNCTION_MANIFEST_H
#define OBS_FUNCTION_MANIFEST_H

#include <stdint.h>
#include <sys/types.h>

#include <obs/error.h>

#include "auth/identity.h"

#define OBS__FUNCTION_NAME_SIZE 65
#define OBS__DIGEST_SIZE 65 /* in hexadecimal digits, with the NUL */
#define OBS__FUNCTIONS "functions"

/* What the kernel is to hold its programs back from (isolate.h). */
typedef enum obs__isolation_wish {
    OBS__ISOLATION_USUAL, /* where the kernel can */
    OBS__ISOLATION_REQUIRED,
    OBS__ISOLATION_NONE
} obs__isolation_wish;

typedef struct obs__manifest {
    char name[OBS__FUNCTION_NAME_SIZE];
    char digest[OBS__DIGEST_SIZE];
    char subject[OBS__SUBJECT_SIZE]; /* function:NAME@the first 16 digits */
    char *folder;                    /* absolute */
    char **command;                  /* ends with NULL, like all lists here */
    char **environment;              /* NAME=value */
    char **sees;                     /* absolute paths that it may read besides its own */
    obs__isolation_wish isolation;
    char *type;  /* which events; NULL: all */
    char *about; /* the beginning of their subject */
    char *filter;
    int from_now;
    char *read_scope;  /* of the token that the program has */
    char *write_scope; /* of the one that its outputs are made with */
    int64_t time_ms;
    int64_t start_ms; /* until it must be ready */
    int64_t memory;   /* bytes */
    int64_t file_size;
    int64_t files;
    int64_t workers;
    int64_t attempts;
    int64_t retry_ms;
} obs__manifest;

/* Reads and checks one. Everything in its folder must belong to the caller, root or `account`, as obs.yaml must. */
obs_status obs__manifest_read(obs__manifest **out, const char *workspace, const char *name, uid_t account, obs_error *error);
void obs__manifest_free(obs__manifest *manifest);
/* The names of all functions of a workspace in their order; free with obs__manifest_names_free(). */
obs_status obs__manifest_names(char ***out, const char *workspace, obs_error *error);
void obs__manifest_names_free(char **names);

/* digest.c. What the runner keeps in the folder (logs, work, failed), hidden files and Python's caches do not count. */
obs_status obs__function_digest(char out[OBS__DIGEST_SIZE], const char *folder, uid_t account, obs_error *error);
int obs__function_is_kept(const char *name);

#endif
