/*
 * cfitsio, loaded when it is first needed: linked, it would bring another libcurl with all its libraries into every program
 * (docs/decisions/sky.md). Only memory is ever given to it, never a name.
 */
#ifndef OBS_SKY_CFITSIO_H
#define OBS_SKY_CFITSIO_H

#include <fitsio.h>

#include <obs/error.h>

/* Its functions by their short names, which are what the library exports. */
typedef struct obs__cfitsio {
    __typeof__(ffomem) *open_memory;
    __typeof__(ffclos) *close;
    __typeof__(ffmahd) *move_to;
    __typeof__(ffgkey) *get_key;
    __typeof__(ffpmrk) *mark_messages;
    __typeof__(ffcmrk) *clear_messages;
} obs__cfitsio;

/* Begins to use it: other threads, and fork(), wait until obs__cfitsio_end(). OBS_UNIMPLEMENTED when it is not installed; then
 * there is nothing to end. */
obs_status obs__cfitsio_begin(const obs__cfitsio **out, obs_error *error);
void obs__cfitsio_end(void);

#endif
