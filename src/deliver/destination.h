/*
 * Destinations as obs.yaml has them, read and checked once:
 *
 *     destinations:
 *       - {name: alerts, url: 'https://example.org/hook', filter: "type LIKE 'org.example.%'",
 *          sign: '${secret:file:/run/secrets/hook}', suspend: {after: 5, for: 10m}, tries: 20}
 *     administrators: ['mailto:night@example.org', 'https://example.org/on-call']
 *     smtp: {url: 'smtps://mail.example.org', from: obs@example.org, user: obs, password: '${secret:env:SMTP_PASSWORD}'}
 *
 * An administrator is a destination, too: for what is told about the others.
 */
#ifndef OBS_DELIVER_DESTINATION_H
#define OBS_DELIVER_DESTINATION_H

#include "base/url.h"
#include "base/yaml.h"

#define OBS__INCIDENT_TYPE "org.libobs.destination." /* begins the types of what administrators are told */

/* The settings of a destination, in the order of their table. */
typedef enum obs__to {
    OBS__TO_NAME,
    OBS__TO_URL,
    OBS__TO_TENANT,
    OBS__TO_FILTER,
    OBS__TO_TYPE,
    OBS__TO_SUBJECT,
    OBS__TO_FROM,
    OBS__TO_MODE,
    OBS__TO_BATCH,
    OBS__TO_HANDSHAKE,
    OBS__TO_ORIGIN,
    OBS__TO_CA,
    OBS__TO_TIMEOUT,
    OBS__TO_RETRY,
    OBS__TO_RETRY_MOST,
    OBS__TO_TRIES,
    OBS__TO_SUSPEND_AFTER,
    OBS__TO_SUSPEND_FOR,
    OBS__TO_SUSPEND_MOST,
    OBS__TO_COUNT
} obs__to;

typedef enum obs__delivery_mode { OBS__MODE_BINARY, OBS__MODE_STRUCTURED, OBS__MODE_BATCH } obs__delivery_mode;

#define OBS__SIGN_MAX 2

typedef struct obs__destination {
    obs__value values[OBS__TO_COUNT]; /* with the texts below */
    char *texts[OBS__TO_COUNT];
    char *consumer;            /* on the bus: `to.<name>` */
    char *label;               /* the URL as it may be shown */
    char *sign[OBS__SIGN_MAX]; /* names of secrets, as obs__secret_find() takes them */
    char *token;
    int allow_private;
    int allow_plain;
    int is_mail;
    int is_administrator;
} obs__destination;

/* Where mail goes. */
typedef struct obs__smtp {
    char *url; /* smtp:// or smtps://; NULL: there is none */
    char *from;
    char *user;
    char *password; /* the name of a secret */
    char *ca;
} obs__smtp;

typedef struct obs__destinations {
    obs__destination *items; /* administrators behind the others */
    size_t count;
    obs__smtp smtp;
} obs__destinations;

/* Reads the lines `destinations`, `administrators` and `smtp`; errors carry file, line and column. Free what was read also
 * when it fails. */
obs_status obs__destinations_read(obs__destinations *out, const obs__yaml *yaml, obs_error *error);
void obs__destinations_free(obs__destinations *destinations);
/* The table of the settings, for the reference page. */
const obs__property *obs__destination_table(void);

static inline const char *obs__to_text(const obs__destination *to, obs__to which)
{
    return to->values[which].text;
}

static inline int64_t obs__to_number(const obs__destination *to, obs__to which)
{
    return to->values[which].number;
}

#endif
