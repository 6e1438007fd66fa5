/* Copies of options for calls that outlive their caller's texts. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/private.h"

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static char *keep_text(const char **out, char *room, const char *text)
{
    *out = text ? room : NULL;
    return text ? stpcpy(room, text) + 1 : room;
}

static size_t pairs_size(const obs_pair *pairs, size_t count)
{
    size_t size = count * sizeof *pairs;
    for (size_t i = 0; i < count; i++)
        size += text_size(pairs[i].name) + text_size(pairs[i].value);
    return size;
}

/* Pairs lie at `room`, which is aligned; their texts at `texts`. */
static char *keep_pairs(const obs_pair **out, obs_pair *room, char *texts, const obs_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        texts = keep_text(&room[i].name, texts, pairs[i].name);
        texts = keep_text(&room[i].value, texts, pairs[i].value);
    }
    *out = room;
    return texts;
}

static size_t kept_size(const obs_put_options *from, const obs_call *call)
{
    size_t size = pairs_size(from->metadata, from->metadata_count) + pairs_size(from->labels, from->label_count);
    size += text_size(from->content_type) + text_size(from->if_match) + text_size(from->if_none_match);
    size += text_size(from->values) + text_size(from->sha256) + from->made_from_count * sizeof(char *);
    for (size_t i = 0; i < from->made_from_count; i++)
        size += text_size(from->made_from[i]);
    return size + text_size(call->traceparent) + text_size(call->idempotency_key) + text_size(call->subject);
}

static char *keep_call(obs__put_kept *kept, char *room)
{
    obs_call *call = &kept->call;
    room = keep_text(&call->traceparent, room, call->traceparent);
    room = keep_text(&call->idempotency_key, room, call->idempotency_key);
    room = keep_text(&call->subject, room, call->subject);
    kept->cancel = obs__cancel_retain(call->cancel);
    kept->options.call = call;
    return room;
}

/* Fills the memory behind the struct: first what is aligned, then texts. */
static void fill(obs__put_kept *kept)
{
    obs_put_options *to = &kept->options;
    obs_pair *pairs = (obs_pair *)(kept + 1);
    const char **made_from = (const char **)(pairs + to->metadata_count + to->label_count);
    char *room = (char *)(made_from + to->made_from_count);
    room = keep_pairs(&to->metadata, pairs, room, to->metadata, to->metadata_count);
    room = keep_pairs(&to->labels, pairs + to->metadata_count, room, to->labels, to->label_count);
    for (size_t i = 0; i < to->made_from_count; i++)
        room = keep_text(&made_from[i], room, to->made_from[i]);
    to->made_from = made_from;
    room = keep_text(&to->content_type, room, to->content_type);
    room = keep_text(&to->if_match, room, to->if_match);
    room = keep_text(&to->if_none_match, room, to->if_none_match);
    room = keep_text(&to->values, room, to->values);
    room = keep_text(&to->sha256, room, to->sha256);
    if (to->call)
        keep_call(kept, room);
}

obs_status obs__put_keep(obs__put_kept **out, const obs_put_options *options, obs_error *error)
{
    obs_put_options given;
    obs_call call;
    obs__options_take(&given, sizeof given, options);
    obs__options_take(&call, sizeof call, given.call);
    obs__put_kept *kept = obs__calloc(1, sizeof *kept + kept_size(&given, &call));
    *out = kept;
    if (!kept)
        return obs__fail_memory(error);
    given.size = sizeof given;
    call.size = sizeof call;
    kept->options = given;
    kept->call = call;
    fill(kept);
    return OBS_OK;
}

void obs__put_kept_free(obs__put_kept *kept)
{
    if (!kept)
        return;
    obs_cancel_free(kept->cancel);
    obs__free(kept);
}
