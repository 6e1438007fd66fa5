/* LIKE: a text against a compiled pattern. */
#include <string.h>

#include "event/cesql_program.h"

static size_t character_size(const char *at, const char *end)
{
    uint32_t character;
    size_t size = obs__utf8_decode(&character, at, (size_t)(end - at));
    return size ? size : 1;
}

/*
 * When it goes wrong behind a `%`, that `%` takes one more character and the rest is tried again. Only the last `%` needs to be
 * remembered, because whatever an earlier one could take more, the last one can take as well: so the time is bounded by the
 * product of both sizes. A text cannot be fooled into the middle of a character: no byte of a pattern but the first of a
 * character equals the first of one.
 */
int obs__cesql_like(obs__view text, obs__view pattern)
{
    const char *at = text.data, *end = at + text.size;
    const char *want = pattern.data, *want_end = want + pattern.size;
    const char *again = NULL, *again_want = NULL;
    while (at < end) {
        if (want < want_end && *want == OBS__CESQL_ANY) {
            again = at;
            again_want = ++want;
            if (want == want_end)
                return 1;
        } else if (want < want_end && *want == OBS__CESQL_ONE) {
            at += character_size(at, end);
            want++;
        } else if (want < want_end && *want == *at) {
            at++;
            want++;
        } else if (again) {
            again += character_size(again, end);
            at = again;
            want = again_want;
        } else
            return 0;
    }
    while (want < want_end && *want == OBS__CESQL_ANY)
        want++;
    return want == want_end;
}
