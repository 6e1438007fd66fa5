/*
 * The history of an anchor's folder: a line for each checkpoint, in base64, and when it was told.
 *
 *     thinned 0000018392                                     how large it was when it was made shorter last; not from the start
 *     bmlnaHQuZXhhbXBsZS9hdWRpdAoyMD… 2026-11-20T21:15:03.123456Z
 *
 * It grows by a line every 10 seconds, so it is thinned: of what is older than an hour one checkpoint an hour stays, of what
 * is older than a day one a day, always the last one. The last one vouches for all that came before it.
 */
#ifndef OBS_AUDIT_HISTORY_H
#define OBS_AUDIT_HISTORY_H

#include "base/text.h"

/* Adds the line of a checkpoint. */
void obs__history_add(obs__builder *out, obs__view checkpoint, int64_t time_ns);
/* Takes the checkpoint out of a line (without its newline) into `room`, as large as the line, which may be the line itself.
 * 0 when the line was torn, or is no checkpoint's; *time_ns is 0 when its time cannot be read. */
int obs__history_read(obs__view *out, int64_t *time_ns, char *room, obs__view line);

/* Whether a history of so many bytes, which begins so, has grown enough to be thinned. */
int obs__history_is_long(uint64_t size, obs__view beginning);
/* Writes the thinned history. Torn lines go; what is no checkpoint stays for the verifier, and so does each that its successor
 * does not go beyond. */
obs_status obs__history_thin(obs__builder *out, obs__view history, int64_t now_ns, obs_error *error);

#endif
