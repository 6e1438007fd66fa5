/*
 * A sealed segment: a bundle of records (src/audit/tiles.h), compressed, in a file with `.zst` behind the bundle's name.
 *
 *     one zstd frame, with the size of its content and a checksum
 *     a skippable frame with the SHA-256 of the one before
 *
 * Any zstd unpacks it to the bundle, byte for byte. The last frame is there because a frame has bits that no decoder looks at:
 * a change of any bit is found.
 */
#ifndef OBS_AUDIT_SEGMENT_H
#define OBS_AUDIT_SEGMENT_H

#include <obs/buffer.h>

#include "base/text.h"

#define OBS__SEGMENT_SUFFIX ".zst"

/* The largest file that a bundle of so many bytes becomes. */
size_t obs__segment_most(size_t bytes);

obs_status obs__segment_pack(obs_buffer **out, obs__view bytes, obs_error *error);
/* OBS_DATA_LOSS when it is not what was packed, or says that it holds more than `most` bytes: nothing is unpacked then. */
obs_status obs__segment_unpack(obs_buffer **out, obs__view packed, size_t most, obs_error *error);

#endif
