/*
 * One mail to one address, by SMTP (RFC 5321) on libcurl, on the caller's own thread.
 *
 * `smtps:` is encrypted from the first byte, `smtp:` by STARTTLS; without either only to this very machine, and never with a
 * password. Certificates are verified.
 */
#ifndef OBS_NET_MAIL_H
#define OBS_NET_MAIL_H

#include <obs/secret.h>

#include "base/call.h"
#include "base/text.h"

/* All is borrowed. Addresses, subject and id have no control characters. */
typedef struct obs__mail {
    const char *server;         /* smtps://host, smtp://host:587 */
    const char *user;           /* or NULL */
    const obs_secret *password; /* or NULL */
    const char *ca;             /* a file of the certificates that are believed, in place of the system's */
    const char *from;
    const char *to;
    const char *subject;
    const char *id; /* the left part of Message-ID: the same mail twice has the same */
    obs__view text; /* UTF-8, lines end with LF */
} obs__mail;

/* OBS_OK when the server has taken it. OBS_UNAVAILABLE: later, perhaps; OBS_INVALID_ARGUMENT: it will never take this one;
 * OBS_UNAUTHENTICATED, OBS_FAILED_PRECONDITION: what is wrong with the lines of obs.yaml. */
obs_status obs__mail_send(const obs__mail *mail, const obs__limit *limit, obs_error *error);

#endif
