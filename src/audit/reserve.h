/*
 * The reserve: `audit/reserve`, a file of `reserve_bytes` of the audit policy that nobody reads and whose space is really
 * allocated. On a full disk some of it is given back to the file system, so that an operation that frees space or repairs can
 * be done and recorded; afterwards it is taken again, as far as there is space.
 *
 * Its size is all that is remembered: a crash in between leaves it short, and the next call or opening takes the rest. Whoever
 * gave something back holds a shared lock on the file until he is done, and only who finds no such lock takes: so nobody takes
 * what another one is about to use. Only the account of the workspace (and root) can do any of this.
 */
#ifndef OBS_AUDIT_RESERVE_H
#define OBS_AUDIT_RESERVE_H

#include <stdint.h>

#include <obs/error.h>

typedef struct obs__reserve {
    int64_t policy; /* what the policy asks for; 0: there is to be none */
    int64_t wanted; /* of that at most a 16th of the file system */
    int64_t held;   /* what is set aside now */
    int64_t size;   /* of the file, which may have holes */
    int there;      /* there is a file, be it empty */
} obs__reserve;

/* OBS_FAILED_PRECONDITION when something else stands in its place, OBS_PERMISSION_DENIED where it is another account's. */
obs_status obs__reserve_look(obs__reserve *out, const char *workspace, obs_error *error);

/* Sets aside what is missing, as much of it as there is space for; a new one is only made whole, where twice its size is free.
 * What has its name and is not a file of its own is removed. Does nothing while a call uses it. Not being whole is no failure.
 */
obs_status obs__reserve_fill(obs__reserve *out, const char *workspace, obs_error *error);
int obs__reserve_is_whole(const obs__reserve *reserve);
/* OBS_NO_SPACE when the disk has no room for a reserve of so many bytes: taking it would fill the disk. */
obs_status obs__reserve_check(const char *workspace, int64_t bytes, obs_error *error);

/* How much of it a call may use: looking around leaves half of it to those who repair. */
typedef enum obs__share { OBS__SHARE_NONE, OBS__SHARE_HALF, OBS__SHARE_ALL } obs__share;

/* What was given back for one call. */
typedef struct obs__spare obs__spare;

/* Gives a quarter of it back to the file system; *spare, NULL before, is made the first time. 0: there is nothing left. */
int obs__spare_release(obs__spare **spare, const char *workspace, obs__share share);
/* The call is done: takes again what is missing. 1 when the reserve is whole. NULL is fine. */
int obs__spare_end(obs__spare *spare);

#endif
