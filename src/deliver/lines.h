/* Between the files that read destinations. */
#ifndef OBS_DELIVER_LINES_H
#define OBS_DELIVER_LINES_H

#include "deliver/destination.h"

/* One entry of `destinations` or `administrators`. */
obs_status obs__destination_read(obs__destination *out, const json_t *value, int is_administrator, obs_error *error);
void obs__destination_free(obs__destination *to);
/* The name of a secret, from its reference. */
obs_status obs__secret_line(char **out, const char *name, const json_t *value, obs_error *error);
obs_status obs__mail_address_check(const char *address, obs_error *error);

#endif
