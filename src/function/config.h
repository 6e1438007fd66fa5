/* Configurations that products were made with, as the runner keeps them (config_kept.c). */
#ifndef OBS_FUNCTION_CONFIG_H
#define OBS_FUNCTION_CONFIG_H

#include <obs/buffer.h>

#include "base/text.h"

/* 64 hexadecimal digits, in small letters. */
int obs__is_sha256(const char *text);
/* Keeps what has this checksum, which was checked. */
obs_status obs__config_keep_seen(const char *workspace, const char *sha256, obs__view text, obs_error *error);
/* OBS_NOT_FOUND when it is not known (any more). */
obs_status obs__config_seen(obs_buffer **out, const char *workspace, const char *sha256, obs_error *error);

#endif
