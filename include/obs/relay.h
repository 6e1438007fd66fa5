/**
 * @file relay.h
 * The relay: what one workspace has goes to another one, as from an edge site to the observatory.
 *
 * Events go with the objects and records that they are about, in the order of their keys, and so does what changed in the
 * catalog without an event; refused lines of the ingestion log follow, and the newest checkpoint of the audit log is kept at
 * the target as an anchor. A relay can be stopped, killed or cut off at any point and goes on where it was; what is there
 * already is not sent again. What is different at the target is never overwritten.
 *
 * @code
 * obs_relay_counts counts = {.size = sizeof counts};
 * obs_relay_run(&counts, roof, observatory, NULL, &error);       // until all is there
 * @endcode
 *
 * @defgroup relay Relay
 * @{
 */
#ifndef OBS_RELAY_H
#define OBS_RELAY_H

#include <obs/unit.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What becomes of an object whose key has other bytes at the target. */
typedef enum obs_relay_conflict {
    OBS_RELAY_REFUSE = 0,   /**< It is not carried; its event becomes a dead letter at the source. */
    OBS_RELAY_KEEP_BOTH = 1 /**< It is put as `sites/<site>/<key>`; its event says so by the attribute `relayedas`. */
} obs_relay_conflict;

/** How a relay runs. */
typedef struct obs_relay_options {
    size_t size;          /**< sizeof(obs_relay_options), by obs_relay_options_init(). */
    const obs_call *call; /**< How each of its calls is made, or NULL; its time is that of one call, not of the whole run. */
    const char *site;     /**< What the source is called at the target; NULL: the `site:` of its obs.yaml. */
    int32_t conflict;     /**< An obs_relay_conflict. */
    int32_t reserved;     /**< 0. */
    uint64_t limit;       /**< At most so many bytes of objects a second; 0: no limit. */
    int64_t wait_ms;      /**< When all is there: waits so long for more; 0: returns; -1: waits until it is cancelled. */
    int64_t slice_ms;     /**< Returns after about so long although there is more; 0: does not. */
} obs_relay_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_relay_options_init(obs_relay_options *options, size_t size);

/** What a run did. Fields are only ever appended. */
typedef struct obs_relay_counts {
    size_t size;        /**< sizeof(obs_relay_counts) of the caller. */
    uint64_t events;    /**< Events that were carried; those that the target had are counted, too. */
    uint64_t objects;   /**< Objects that were sent. */
    uint64_t records;   /**< Records that were sent. */
    uint64_t entries;   /**< Catalog entries of which only labels or values were sent. */
    uint64_t bytes;     /**< Bytes of the objects and records that were sent. */
    uint64_t lines;     /**< Refused lines of the ingestion log that were sent. */
    uint64_t conflicts; /**< Objects that differ at the target, each told once. */
    uint64_t dead;      /**< Events that became dead letters at the source. */
    uint64_t more;      /**< 1: there is more; the slice was over. */
    uint64_t audit; /**< Records of the source's audit log that its checkpoint at the target vouches for; 0: none is there. */
} obs_relay_counts;

/**
 * Carries what the target does not have yet. One relay at a time runs between two tenants.
 * @param out     receives the counts, also on failure; its size must be set; may be NULL
 * @param from    the source: all of its tenant must be readable, and its events
 * @param to      the target: may write there; of the same tenant's name or not
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK, also when there were conflicts; ::OBS_FAILED_PRECONDITION when the source has no site;
 *         ::OBS_PERMISSION_DENIED; ::OBS_ABORTED while another relay runs; ::OBS_DATA_LOSS when the audit log of the source
 *         does not go on from the checkpoint that the target has; ::OBS_CANCELLED; what the target could not take now
 *         (::OBS_NO_SPACE …): run it again later
 */
OBS_API obs_status obs_relay_run(obs_relay_counts *out, obs_client *from, obs_client *to, const obs_relay_options *options,
                                 obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
