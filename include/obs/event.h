/**
 * @file event.h
 * Events: CloudEvents 1.0, and the bus that carries them.
 *
 * A publish is on disk before it returns; the event is then delivered at least once, in the order of its partition key,
 * with its id unchanged. Source of the format: CloudEvents 1.0.2, its JSON event format, JSON batch format and
 * the binary modes of its protocol bindings.
 *
 * @code
 * obs_event event;
 * obs_event_init(&event, sizeof event);
 * event.type = "org.example.frame.stored";
 * event.subject = "raw/ccd-0421.fits";
 * event.data = "{\"mag\":17.3}";
 * event.data_size = OBS_TEXT;
 * obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, &error);
 * @endcode
 *
 * @defgroup event Events
 * @{
 */
#ifndef OBS_EVENT_H
#define OBS_EVENT_H

#include <obs/buffer.h>
#include <obs/call.h>
#include <obs/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A bus: a log of events. Safe from every thread. */
typedef struct obs_bus obs_bus;
/** A named consumer of a bus. One thread at a time asks for events (another one gets ::OBS_FAILED_PRECONDITION), and any thread
 * acknowledges and rejects meanwhile; free it when no call uses it any more. */
typedef struct obs_subscription obs_subscription;
/** The events of a JSON batch. Readable from every thread. */
typedef struct obs_event_batch obs_event_batch;
/** Events that were handed out together. Readable from every thread. */
typedef struct obs_deliveries obs_deliveries;

/** The largest event, in bytes of its JSON form. */
#define OBS_EVENT_MAX 1048576
/** The most events that are handed out together. */
#define OBS_DELIVERIES_MAX 4096

/**
 * One CloudEvent. Texts end with NUL; NULL or "" means that an optional attribute is absent.
 * Fields are only ever appended.
 */
typedef struct obs_event {
    size_t size;                 /**< sizeof(obs_event), by obs_event_init(). */
    const char *id;              /**< Identifies the event together with the source; NULL on publish: a new UUIDv7. */
    const char *source;          /**< URI-reference; NULL on publish: `/obs/<tenant>`. */
    const char *type;            /**< Required: reverse-DNS type, as in `org.example.frame.stored`. */
    const char *subject;         /**< What it is about, often an object key. */
    const char *time;            /**< RFC 3339; NULL on publish: now. */
    const char *datacontenttype; /**< Media type of the data; with data and NULL: `application/json`. */
    const char *dataschema;      /**< URI of the schema of the data. */
    const void *data;            /**< The data as it is in its media type; NULL: none. */
    size_t data_size;            /**< Its size in bytes, or ::OBS_TEXT. */
    const obs_pair *extensions;  /**< Extension attributes; names [a-z0-9]{1,64}, at best up to 20. */
    size_t extension_count;      /**< How many, up to 64. */
} obs_event;

/** Prepares an event without attributes. @param event the caller's struct @param size its sizeof */
OBS_API void obs_event_init(obs_event *event, size_t size);

/** How attributes are named outside of the JSON form. */
typedef enum obs_event_binding {
    OBS_EVENT_HTTP = 1,  /**< `ce-` headers, values percent-encoded (HTTP binding 3.1.3). */
    OBS_EVENT_KAFKA = 2, /**< `ce_` headers. */
    OBS_EVENT_MQTT = 3,  /**< User properties without a prefix. */
    OBS_EVENT_AMQP = 4,  /**< `cloudEvents:` application properties. */
    OBS_EVENT_NATS = 5   /**< `ce-` headers. */
} obs_event_binding;

/**
 * Writes an event in structured mode: one JSON object.
 * @param out   receives the JSON; free with obs_buffer_free()
 * @param event the event; id, source and type are required here
 * @param error may be NULL
 * @return ::OBS_OK or ::OBS_INVALID_ARGUMENT (the message names the attribute)
 */
OBS_API obs_status obs_event_encode(obs_buffer **out, const obs_event *event, obs_error *error);

/**
 * Reads an event in structured mode.
 * @param out   receives the event with all that it points to; free with obs_event_free()
 * @param json  the JSON
 * @param size  its size in bytes, or ::OBS_TEXT
 * @param error may be NULL; line and column are set
 * @return ::OBS_OK or ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_event_decode(obs_event **out, const char *json, size_t size, obs_error *error);

/**
 * Writes several events in the JSON batch format.
 * @param out    receives the JSON array; free with obs_buffer_free()
 * @param events the events
 * @param count  how many
 * @param error  may be NULL; the detail names the index of a bad one
 * @return ::OBS_OK or ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_event_encode_batch(obs_buffer **out, const obs_event *const *events, size_t count, obs_error *error);

/**
 * Reads a JSON batch. A bad element does not lose the others.
 * @param out   receives the batch; free with obs_event_batch_free()
 * @param json  the JSON array
 * @param size  its size in bytes, or ::OBS_TEXT
 * @param error may be NULL
 * @return ::OBS_OK when it is a JSON array, whatever its elements
 */
OBS_API obs_status obs_event_decode_batch(obs_event_batch **out, const char *json, size_t size, obs_error *error);

/** How many elements a batch has. @param batch the batch @return the number */
OBS_API size_t obs_event_batch_count(const obs_event_batch *batch);

/**
 * One element of a batch.
 * @param out   receives the event; valid until obs_event_batch_free()
 * @param batch the batch
 * @param index from 0
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT when that element is no event; ::OBS_OUT_OF_RANGE
 */
OBS_API obs_status obs_event_batch_at(const obs_event **out, const obs_event_batch *batch, size_t index, obs_error *error);

/** Frees a batch. @param batch the batch; NULL is accepted */
OBS_API void obs_event_batch_free(obs_event_batch *batch);

/** An event in binary mode: headers and a body. Made by the library; fields are only ever appended. */
typedef struct obs_event_message {
    const obs_pair *headers; /**< All headers, the content type among them. */
    size_t header_count;     /**< How many. */
    const void *body;        /**< The data; never NULL. */
    size_t body_size;        /**< Its size in bytes. */
} obs_event_message;

/**
 * Writes an event in binary mode.
 * @param out     receives the message, which borrows the event's data; free with obs_event_message_free()
 * @param event   the event
 * @param binding how attributes are named
 * @param error   may be NULL
 * @return ::OBS_OK or ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_event_to_message(obs_event_message **out, const obs_event *event, obs_event_binding binding,
                                        obs_error *error);

/**
 * Reads an event in binary mode. Header names are compared without case where the protocol does.
 * @param out     receives the event with all that it points to; free with obs_event_free()
 * @param message the headers and the body
 * @param binding how attributes are named
 * @param error   may be NULL
 * @return ::OBS_OK or ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_event_from_message(obs_event **out, const obs_event_message *message, obs_event_binding binding,
                                          obs_error *error);

/** Frees a message. @param message the message; NULL is accepted */
OBS_API void obs_event_message_free(obs_event_message *message);
/** Frees an event that a call returned. @param event the event; NULL is accepted */
OBS_API void obs_event_free(obs_event *event);

/** How an event is published. */
typedef struct obs_publish_options {
    size_t size;               /**< sizeof(obs_publish_options), by obs_publish_options_init(). */
    const obs_call *call;      /**< How the call is made, or NULL. */
    const char *partition_key; /**< Events with one key stay in order; NULL: the subject. */
    int32_t priority;          /**< 1: before ordinary events (0) that wait for the same consumer; -1: behind them. */
} obs_publish_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_publish_options_init(obs_publish_options *options, size_t size);

/**
 * Publishes an event. It is durable when this returns.
 * @param out_id  receives the event's id (free with obs_buffer_free()), or NULL
 * @param bus     the bus
 * @param event   the event
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; an event with the same source and id that is on the bus already is not added again
 */
OBS_API obs_status obs_bus_publish(obs_buffer **out_id, obs_bus *bus, const obs_event *event,
                                   const obs_publish_options *options, obs_error *error);

/** How a consumer is made. */
typedef struct obs_subscribe_options {
    size_t size;          /**< sizeof(obs_subscribe_options), by obs_subscribe_options_init(). */
    const obs_call *call; /**< How the call, and later each acknowledgement, is made, or NULL; copied. */
    const char *type;     /**< Only events of this type; a final `*` means any ending; NULL: all. */
    const char *subject;  /**< Only events whose subject begins so; NULL: all. */
    int32_t from_now;     /**< A new consumer begins with 1: what comes from now on; 0: all that is kept. */
    const char *filter;   /**< Only events for which this expression of CloudEvents SQL 1.0 is true, as in
                               `source LIKE '%/roof' AND EXISTS site`; NULL: all. Type, subject and filter must all
                               hold. An event on which it cannot be evaluated, such as one without an attribute that it
                               compares, does not pass, and is counted as `obs_event_filter_faults`. */
    int32_t exclusive; /**< 1: this subscription is the only one of its name, or ::OBS_ABORTED; 0: several share the events. */
    int32_t attempts;  /**< An event that was handed out so often becomes a dead letter; 0: 10; -1: it comes for ever. */
    int64_t retry_ms;  /**< How long a rejected event waits, in milliseconds, doubled each time; 0: 1,000. */
    int64_t retry_max_ms; /**< It never waits longer; 0: 300,000. */
} obs_subscribe_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_subscribe_options_init(obs_subscribe_options *options, size_t size);

/**
 * Opens a consumer. Its position is kept under its name and survives restarts.
 *
 * Subscriptions of one name, in any number of threads and processes, share its events: each goes to one of them. Events of one
 * partition key go to one subscription at a time, in their order; those without a key to whoever asks first. What a
 * subscription had and did not acknowledge comes to another one when it is freed or its process ends, with a higher attempt.
 * All of them must want the same events.
 * @param out      receives the subscription; free with obs_subscription_free()
 * @param bus      the bus
 * @param consumer its name: 1 to 128 of [A-Za-z0-9._-]
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT when the filter is wrong (line and column are set); ::OBS_ABORTED when another
 *         subscription is exclusive, or this one is to be and there are others; ::OBS_FAILED_PRECONDITION when the others want
 *         other events
 */
OBS_API obs_status obs_bus_subscribe(obs_subscription **out, obs_bus *bus, const char *consumer,
                                     const obs_subscribe_options *options, obs_error *error);

/** One delivered event. Made by the library; fields are only ever appended. */
typedef struct obs_delivery {
    const obs_event *event; /**< The event. */
    uint64_t sequence;      /**< Its place in the bus; acknowledge with it. */
    uint32_t attempt;       /**< 1 for the first delivery to this consumer. */
} obs_delivery;

/**
 * Waits for the next event: of the highest priority the oldest. Up to 16,384 events of a consumer may be handed out and not yet
 * acknowledged.
 * @param out          receives the delivery (valid until the next call), or NULL when the time ran out
 * @param subscription the subscription
 * @param timeout_ms   how long to wait; 0: not at all; -1: for ever
 * @param cancel       ends the wait with ::OBS_CANCELLED, or NULL
 * @param error        may be NULL
 * @return ::OBS_OK, also when the time ran out; ::OBS_ABORTED when the consumer was removed; ::OBS_RESOURCE_EXHAUSTED when too
 *         many are not acknowledged
 */
OBS_API obs_status obs_subscription_next(const obs_delivery **out, obs_subscription *subscription, int64_t timeout_ms,
                                         obs_cancel *cancel, obs_error *error);

/**
 * Waits for the next event, and takes those with it that are there at once: in the order in which obs_subscription_next() would
 * give them, each with an attempt of its own. It does not wait for the rest, and ends when it has 16 MiB. They are done one by
 * one, or in one commit with obs_subscription_acknowledge_many(). What goes wrong behind the first one is
 * told by the next call.
 * @param out          receives the events; free with obs_deliveries_free(). NULL when the time ran out
 * @param subscription the subscription
 * @param most         how many at most, 1 to ::OBS_DELIVERIES_MAX
 * @param timeout_ms   how long to wait for the first one; 0: not at all; -1: for ever
 * @param cancel       ends the wait with ::OBS_CANCELLED, or NULL
 * @param error        may be NULL
 * @return as obs_subscription_next()
 */
OBS_API obs_status obs_subscription_next_many(obs_deliveries **out, obs_subscription *subscription, size_t most,
                                              int64_t timeout_ms, obs_cancel *cancel, obs_error *error);

/**
 * Starts obs_subscription_next_many(); obs_operation_take_deliveries() gives the events. Operations of one
 * subscription take turns; whoever asks it otherwise meanwhile gets ::OBS_FAILED_PRECONDITION. What nobody took is given back
 * when the operation is freed, and does not count as an attempt; a subscription that is freed meanwhile lives until then.
 * @param out          receives the operation; free with obs_operation_free()
 * @param queue        receives the completion
 * @param tag          the caller's number for it
 * @param subscription the subscription
 * @param most         how many at most, 1 to ::OBS_DELIVERIES_MAX
 * @param timeout_ms   how long to wait for the first one; 0: not at all; -1: until the operation is cancelled
 * @param error        may be NULL
 * @return ::OBS_OK when it was started; ::OBS_RESOURCE_EXHAUSTED when 256 of the process wait already
 */
OBS_API obs_status obs_subscription_next_start(obs_operation **out, obs_queue *queue, uint64_t tag,
                                               obs_subscription *subscription, size_t most, int64_t timeout_ms,
                                               obs_error *error);

/**
 * Takes the events that an operation waited for.
 * @param out       receives them; free with obs_deliveries_free(). NULL when the time ran out
 * @param operation an operation that is done
 * @param error     may be NULL
 * @return the operation's status; ::OBS_FAILED_PRECONDITION while it runs, when it is of another kind, or they were taken
 */
OBS_API obs_status obs_operation_take_deliveries(obs_deliveries **out, obs_operation *operation, obs_error *error);

/** How many there are. @param deliveries the events; NULL: none @return the number */
OBS_API size_t obs_deliveries_count(const obs_deliveries *deliveries);
/** One of them. @param deliveries the events @param index from 0 @return it, until obs_deliveries_free(), or NULL */
OBS_API const obs_delivery *obs_deliveries_at(const obs_deliveries *deliveries, size_t index);
/** Frees the memory: no event is acknowledged or given back by it. @param deliveries the events; NULL is accepted */
OBS_API void obs_deliveries_free(obs_deliveries *deliveries);

/**
 * Says that an event is done. Durable when it returns; what is not acknowledged comes again. It may take as long as the
 * subscribe was given, and its cancel token ends it.
 * @param subscription the subscription
 * @param sequence     obs_delivery::sequence
 * @param error        may be NULL
 * @return ::OBS_OK, also when it was acknowledged before; ::OBS_ABORTED when it was taken back and comes again
 */
OBS_API obs_status obs_subscription_acknowledge(obs_subscription *subscription, uint64_t sequence, obs_error *error);

/**
 * Says that an event and all that this subscription holds of lower sequence are done, in one commit. Where priorities or
 * threads mix the order, name them with obs_subscription_acknowledge_many().
 * @param subscription the subscription
 * @param sequence     obs_delivery::sequence
 * @param error        may be NULL
 * @return as obs_subscription_acknowledge()
 */
OBS_API obs_status obs_subscription_acknowledge_all(obs_subscription *subscription, uint64_t sequence, obs_error *error);

/**
 * Says that several events are done, in one commit: all that still are with this subscription, or none when it fails. Those
 * that were taken back (as they stood behind a rejected one) come again, which is no failure here.
 * @param done         receives how many are done; may be NULL
 * @param subscription the subscription
 * @param sequences    obs_delivery::sequence of each, in any order
 * @param count        how many, up to 16,384
 * @param error        may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT when one was never handed out here; ::OBS_ABORTED when the consumer was removed
 */
OBS_API obs_status obs_subscription_acknowledge_many(size_t *done, obs_subscription *subscription, const uint64_t *sequences,
                                                     size_t count, obs_error *error);

/** How an event is given back. */
typedef struct obs_reject_options {
    size_t size;        /**< sizeof(obs_reject_options), by obs_reject_options_init(). */
    const char *reason; /**< Why, for the dead letter and for people; up to 4,096 bytes; NULL: none. */
    int64_t delay_ms;   /**< Milliseconds until it comes again, a year at most; 0: as the subscription says; -1: at once. */
    int32_t dead;       /**< 1: it does not come again: a dead letter at once. */
} obs_reject_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_reject_options_init(obs_reject_options *options, size_t size);

/**
 * Gives an event back that could not be done. It comes again later, or becomes a dead letter when it was handed out often
 * enough. What was handed out behind it with its partition key is taken back, too, so that their order stays. Durable when it
 * returns.
 * @param subscription the subscription
 * @param sequence     obs_delivery::sequence
 * @param options      NULL for the defaults
 * @param error        may be NULL
 * @return ::OBS_OK; ::OBS_ABORTED when it is not with this subscription any more
 */
OBS_API obs_status obs_subscription_reject(obs_subscription *subscription, uint64_t sequence, const obs_reject_options *options,
                                           obs_error *error);

/** A descriptor that is readable when events may have come. @param subscription the subscription @return the descriptor */
OBS_API int obs_subscription_fd(const obs_subscription *subscription);

/**
 * The consumers of a bus. Each row: `{"consumer":…,"state":"active"|"idle"|"paused","members":…,"position":…,"behind":…,
 * "retrying":…,"dead":…,"oldest":…,"until":…,"reason":…}`; `behind` counts the events above the position, whether it wants them
 * or not; `oldest` is the time of the first of them.
 * @param out   receives the rows; free with obs_rows_free()
 * @param bus   the bus
 * @param call  how the call is made, or NULL
 * @param error may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_bus_consumers(obs_rows **out, obs_bus *bus, const obs_call *call, obs_error *error);

/**
 * Stops handing out events of a consumer. What was handed out can still be acknowledged.
 * @param bus      the bus
 * @param consumer its name
 * @param until_ms Unix time in milliseconds at which it goes on by itself; 0: when it is resumed
 * @param reason   why, for people; up to 4,096 bytes; NULL: none
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK or ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_bus_pause(obs_bus *bus, const char *consumer, int64_t until_ms, const char *reason, const obs_call *call,
                                 obs_error *error);

/** Goes on with a paused consumer. @param bus the bus @param consumer its name @param call how the call is made, or NULL
 * @param error may be NULL @return ::OBS_OK or ::OBS_NOT_FOUND */
OBS_API obs_status obs_bus_resume(obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error);

/** Removes a consumer with its position and its dead letters. Its subscriptions end with ::OBS_ABORTED. @param bus the bus
 * @param consumer its name @param call how the call is made, or NULL @param error may be NULL @return ::OBS_OK or
 * ::OBS_NOT_FOUND */
OBS_API obs_status obs_bus_remove(obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error);

/**
 * Dead letters. Each row: `{"consumer":…,"sequence":…,"attempts":…,"time":…,"reason":…,"event":{…}}`.
 * @param out      receives the rows; free with obs_rows_free()
 * @param bus      the bus
 * @param consumer only those of this one; NULL: all
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_bus_dead_letters(obs_rows **out, obs_bus *bus, const char *consumer, const obs_call *call,
                                        obs_error *error);

/**
 * Lets dead letters come again, as if for the first time.
 * @param count    receives how many; may be NULL
 * @param bus      the bus
 * @param consumer whose
 * @param sequence which one; 0: all
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND when there is no such dead letter
 */
OBS_API obs_status obs_bus_replay(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call,
                                  obs_error *error);

/**
 * Gives dead letters up. The events themselves stay on the bus.
 * @param count    receives how many; may be NULL
 * @param bus      the bus
 * @param consumer whose
 * @param sequence which one; 0: all
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND when there is no such dead letter
 */
OBS_API obs_status obs_bus_discard(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call,
                                   obs_error *error);

/** Frees a subscription; its position stays, and what it did not acknowledge comes to others. An operation that has events of
 * it, or waits for some, keeps it until these are taken or the operation is freed. @param subscription the subscription; NULL
 * is accepted */
OBS_API void obs_subscription_free(obs_subscription *subscription);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
