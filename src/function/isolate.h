/*
 * What the program of a function can reach of the system, held by the kernel (Landlock): the system's folders, its own files,
 * its work folder, and of the workspace what its client needs. The issuer's keys, other tenants, other functions and the home
 * of the user are out of reach, and so are memory, environment and signals of every process that it did not start itself.
 */
#ifndef OBS_FUNCTION_ISOLATE_H
#define OBS_FUNCTION_ISOLATE_H

#include <stdint.h>
#include <sys/types.h>

#include <obs/client.h>

#include "function/manifest.h"

#define OBS__ISOLATE_WATCHED 64

/* A file that a worker may read until another one takes its place: the kernel's rule is about the file and not about its name.
 */
typedef struct obs__watched {
    char *path;
    dev_t device;
    ino_t number; /* 0: it was not there */
} obs__watched;

typedef struct obs__isolation {
    int ruleset; /* -1: the program is not isolated */
    char *home;  /* its HOME and TMPDIR; NULL: those of the runner */
    obs__watched watched[OBS__ISOLATE_WATCHED];
    size_t watched_count;
} obs__isolation;

/* The version of Landlock that the kernel has; 0: none. */
int obs__isolate_version(void);
/* Whether the programs of a function are isolated here. */
int obs__isolate_applies(const obs__manifest *manifest);

/* Makes the rules for the program, which was found at `program`. Where the kernel has none: OBS_UNAVAILABLE when the manifest
 * requires them; otherwise it is logged once, and nothing is isolated. Free with obs__isolation_free() in any case. */
obs_status obs__isolation_make(obs__isolation *out, const obs__manifest *manifest, obs_client *client, const char *program,
                               obs_error *error);
void obs__isolation_free(obs__isolation *isolation);
/* In the child, between fork and exec: takes effect, for ever. 0, or -1 with errno. */
int obs__isolation_enter(int ruleset);
/* Whether a file that it may read was replaced: a new program is needed to see the new one. */
int obs__isolation_is_stale(const obs__isolation *isolation);

/* isolate_rules.c's side of it. What may be done with a file, or with all below a folder. */
typedef enum obs__sight {
    OBS__SIGHT_LIST,  /* names in a folder */
    OBS__SIGHT_READ,  /* and what is in the files */
    OBS__SIGHT_RUN,   /* and run them */
    OBS__SIGHT_WRITE, /* and write into those that are there */
    OBS__SIGHT_CHANGE /* and make and remove them */
} obs__sight;
/* OBS_NOT_FOUND when there is nothing; other rules are not in its way. */
obs_status obs__isolation_allow(const obs__isolation *isolation, const char *path, obs__sight sight, obs_error *error);
obs_status obs__isolation_watch(obs__isolation *isolation, const char *path, obs_error *error);
/* All that a program needs. */
obs_status obs__isolation_rules(obs__isolation *out, const obs__manifest *manifest, obs_client *client, const char *program,
                                obs_error *error);

#endif
