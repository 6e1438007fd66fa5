/* Anchors of the audit log besides the standard one, as obs.yaml names them under `anchors:`. */
#ifndef OBS_CLIENT_ANCHOR_H
#define OBS_CLIENT_ANCHOR_H

#include "audit/anchor.h"
#include "client/workspace.h"

/* A web server that keeps what is put there: each checkpoint by PUT, the last one by GET. It should keep the ones before (as
 * versions, or in its own log), and under a token that may not remove them. A server that does not answer is left alone for a
 * while, so that rounds do not wait for it each time. */
obs_status obs__anchor_site(obs__anchor **out, const obs__config_line *line, const char *folder, obs_error *error);

#endif
