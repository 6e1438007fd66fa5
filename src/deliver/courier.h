/* Between the files that deliver: one courier for each destination, on a thread of its own. */
#ifndef OBS_DELIVER_COURIER_H
#define OBS_DELIVER_COURIER_H

#include "deliver/deliver.h"
#include "net/http.h"

#define OBS__REASON_SIZE 512
#define OBS__ORIGIN_SIZE 256
#define OBS__FOR_EVER INT64_MAX

/* What is known about a destination over restarts: a row of table `destination`. Only who holds its consumer changes it. */
typedef struct obs__deliver_state {
    int64_t failures;               /* in a row */
    int64_t since_ns;               /* of the first of them */
    int64_t incident_ns;            /* it was suspended then, and administrators were told; 0: it was not */
    int64_t until_ms;               /* suspended until then; OBS__FOR_EVER: until somebody resumes it; 0: not */
    int64_t gave_up;                /* administrators were told of dead letters */
    int64_t granted_ns;             /* the server said then that it wants these events; 0: never */
    int64_t rate;                   /* so many a minute; 0: any number */
    char granted[OBS__ORIGIN_SIZE]; /* to whom */
    char last_error[OBS__REASON_SIZE];
} obs__deliver_state;

/* state.c */
obs_status obs__deliver_load(obs__deliver_state *out, obs__journal *journal, const char *name, obs_error *error);

typedef struct obs__courier {
    const obs__deliver_host *host;
    const obs__destination *to;
    int once;
    obs__limit limit;
    obs_subscription *subscription;
    obs__deliver_state state;
    int64_t last_ns; /* monotonic: the last delivery, for the rate */
    size_t single;   /* so many events are sent alone: together they were refused */
    uint64_t delivered;
    obs_status status;
    obs_error error;
} obs__courier;

/* Writes the state, and in the same commit publishes `event` (unless NULL) and acknowledges `sequence` (unless 0). */
obs_status obs__deliver_save(obs__courier *courier, const obs_event *event, uint64_t sequence, obs_error *error);

/* What came of one delivery. */
typedef enum obs__came {
    OBS__CAME_DONE,
    OBS__CAME_REFUSED, /* these events will never be taken: dead letters */
    OBS__CAME_GONE,    /* nobody wants any event there */
    OBS__CAME_FAILED,  /* later, perhaps */
    OBS__CAME_ENDED    /* the time of the run is over, or it was cancelled: nothing is known */
} obs__came;

typedef struct obs__answered {
    obs__came came;
    int64_t retry_ns; /* the server wants to be left alone so long; 0: it did not say */
    char reason[OBS__REASON_SIZE];
} obs__answered;

/* What is on its way in one delivery. */
typedef struct obs__parcel {
    obs_event **events;
    uint64_t *sequences;
    uint32_t *attempts;
    size_t count;
} obs__parcel;

/* webhook.c, mail.c: deliver. */
void obs__webhook_deliver(obs__answered *out, const obs__courier *courier, const obs__parcel *parcel);
void obs__mail_deliver(obs__answered *out, const obs__courier *courier, const obs__parcel *parcel);
/* A request to the destination: url, certificate, token and what is allowed are put in, as they are for each of them. */
obs_status obs__webhook_call(obs__http_response *response, const obs__courier *courier, obs__http_request *request,
                             obs_error *error);
/* handshake.c: whether the server wants these events from us; changes the state. OBS__CAME_DONE: it does. */
void obs__webhook_ask(obs__answered *out, obs__courier *courier);
/* What there is to say about a request that failed. */
void obs__answered_fail(obs__answered *out, const obs__courier *courier, obs_status status, const obs_error *why);

/* sign.c: the headers of Standard Webhooks for a body. `id` holds OBS__WEBHOOK_ID_SIZE bytes. */
#define OBS__WEBHOOK_ID_SIZE 40
obs_status obs__webhook_id(char *out, const obs__parcel *parcel, obs_error *error);
obs_status obs__webhook_sign(obs__builder *out, const obs__destination *to, const char *id, int64_t seconds, obs__view body,
                             obs_error *error);

/* outcome.c: what becomes of the events and of the destination. */
obs_status obs__outcome_of(obs__courier *courier, const obs__parcel *parcel, const obs__answered *answered, obs_error *error);

/* incident.c: what administrators are told. */
typedef enum obs__told { OBS__TOLD_SUSPENDED, OBS__TOLD_RECOVERED, OBS__TOLD_GAVE_UP } obs__told;
typedef struct obs__incident {
    obs_event event;
    char type[64];
    char id[160];
    obs__builder data;
} obs__incident;
obs_status obs__incident_make(obs__incident *out, const obs__courier *courier, obs__told told, obs_error *error);
void obs__incident_free(obs__incident *incident);

/* list.c: the row of a consumer, as obs_bus_consumers() gives it; NULL: there is none. Free with json_decref(). */
obs_status obs__deliver_consumer(json_t **out, const obs__deliver_host *host, const char *consumer, const obs_call *call,
                                 obs_error *error);

/* courier.c: takes the consumer of its destination; OBS_ABORTED when somebody else has it. */
obs_status obs__courier_subscribe(obs__courier *courier, obs_error *error);
void obs__courier_leave(obs__courier *courier);
/* Serves its destination until the limit ends it. */
obs_status obs__courier_run(obs__courier *courier, obs_error *error);

#endif
