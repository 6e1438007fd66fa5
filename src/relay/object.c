/* One object from the source to a unit of the target: streamed, checked by its SHA-256, and no faster than it may. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "relay/relay.h"

#define PIECE ((size_t)1 << 18)

/* Waits until so many bytes more may go. What was not used before is not saved up. */
static obs_status pace(obs__relay *relay, size_t size, obs_error *error)
{
    int64_t now = obs__monotonic_ns();
    if (!relay->rate)
        return obs__limit_check(&relay->limit, error);
    if (relay->pace_ns < now)
        relay->pace_ns = now;
    relay->pace_ns += (int64_t)((double)size * 1e9 / (double)relay->rate);
    obs_status status = OBS_OK;
    while (status == OBS_OK && (now = obs__monotonic_ns()) < relay->pace_ns) {
        int ready;
        int64_t left_ms = (relay->pace_ns - now) / 1000000 + 1;
        status = obs__limit_wait(&relay->limit, -1, left_ms < 1000 ? (int)left_ms : 1000, &ready, error);
    }
    return status;
}

static size_t piece_of(const obs__relay *relay)
{
    return relay->rate && relay->rate < PIECE ? (size_t)relay->rate : PIECE;
}

static obs_status copy_bytes(obs__relay *relay, obs_writer *writer, obs_reader *reader, obs_error *error)
{
    size_t size = piece_of(relay), got = 0;
    char *piece = obs__alloc(size);
    if (!piece)
        return obs__fail_memory(error);
    obs_status status;
    do {
        status = obs_reader_read(&got, reader, piece, size, error);
        if (status == OBS_OK && got)
            status = pace(relay, got, error);
        if (status == OBS_OK && got)
            status = obs_writer_write(writer, piece, got, error);
    } while (status == OBS_OK && got);
    obs__free(piece);
    return status;
}

/* The bytes with the line about them: one part of the unit. */
static obs_status stage(obs__relay_unit *unit, obs_writer *writer, const obs__relay_entry *entry, const char *key,
                        obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    obs_status status = obs__unit_part_begin(&scope, unit->unit, "store.put", key, OBS_TEXT, error);
    if (status != OBS_OK)
        return status;
    status = obs__store_stage_writer(&part, writer, &scope, error);
    if (status == OBS_OK)
        status = obs__relay_line(&part, unit, &scope, "objects", entry, error);
    return obs__unit_part_end(&scope, unit->unit, &part, status, error);
}

static void describe(obs_put_options *out, const obs__relay_entry *entry, const obs_stat *stat, const obs_call *call)
{
    obs_put_options_init(out, sizeof *out);
    out->call = call;
    out->content_type = *stat->content_type ? stat->content_type : NULL;
    out->if_none_match = "*";
    out->metadata = stat->metadata;
    out->metadata_count = stat->metadata_count;
    out->labels = entry->labels;
    out->label_count = entry->label_count;
    out->values = entry->values;
    out->made_from = entry->made_from;
    out->made_from_count = entry->made_from_count;
    out->sha256 = stat->sha256;
    out->no_index = 1; /* the source looked into it */
}

obs_status obs__relay_object(obs__relay_unit *unit, obs__relay_entry *entry, const char *key, obs_error *error)
{
    obs__relay *relay = unit->relay;
    obs_put_options options;
    obs_reader *reader = NULL;
    obs_writer *writer = NULL;
    obs_status status = obs_reader_open(&reader, obs_client_store(relay->from), entry->key, OBS_TEXT, relay->call, error);
    if (status == OBS_OK && !*obs_reader_stat(reader)->sha256)
        status =
            obs__fail(error, OBS_DATA_LOSS, "'%.200s' was changed outside at the source: run 'obsctl adopt' there", entry->key);
    if (status == OBS_OK) {
        describe(&options, entry, obs_reader_stat(reader), relay->call);
        status = obs_writer_open(&writer, obs_client_store(relay->to), key, OBS_TEXT, &options, error);
    }
    if (status == OBS_OK)
        status = copy_bytes(relay, writer, reader, error);
    if (status == OBS_OK)
        status = stage(unit, writer, entry, key, error);
    if (status == OBS_OK) {
        unit->counts.objects++;
        unit->counts.bytes += obs_reader_stat(reader)->size;
    }
    obs_writer_free(writer);
    obs_reader_free(reader);
    return status;
}
