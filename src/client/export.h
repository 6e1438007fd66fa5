/* Between the files of an export: a folder that is being filled. */
#ifndef OBS_CLIENT_EXPORT_H
#define OBS_CLIENT_EXPORT_H

#include "base/hash.h"
#include "client/client.h"

typedef struct obs__export {
    obs_client *client; /* of the tenant, the library's own */
    const obs__limit *limit;
    int folder; /* descriptor */
    obs__builder manifest;
    uint64_t objects;
    uint64_t bytes;
} obs__export;

/* A file that is being written, with its SHA-256. */
typedef struct obs__export_file {
    obs__export *export;
    const char *name;
    int fd;
    obs__sha256_stream *hash;
    obs__builder text; /* what waits to be written */
    uint64_t lines;
    uint64_t size;
} obs__export_file;

obs_status obs__export_open(obs__export_file *out, obs__export *export, const char *name, obs_error *error);
obs_status obs__export_write(obs__export_file *file, const void *data, size_t size, obs_error *error);
/* A line without its end; line breaks in it, which JSON has between its parts only, become blanks. */
obs_status obs__export_line(obs__export_file *file, const char *text, size_t size, obs_error *error);
/* Closes it and gives its SHA-256. `status` is what became of it. */
obs_status obs__export_close(char sha256[2 * OBS__SHA256_SIZE + 1], obs__export_file *file, obs_status status,
                             obs_error *error);
/* The same, and tells the manifest. */
obs_status obs__export_finish(obs__export_file *file, obs_status status, obs_error *error);

/* tenant_tables.c: all but the objects. */
obs_status obs__export_tables(obs__export *export, obs_error *error);

#endif
