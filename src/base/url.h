/*
 * URLs, which say where everything is, and the tables of the settings that a URL or the workspace file may carry.
 *
 *     s3://ada@host:9000/bucket/prefix?endpoint=…&timeout=30s       file:store       mem:name       vault://secret/data/x#field
 */
#ifndef OBS_BASE_URL_H
#define OBS_BASE_URL_H

#include "base/text.h"

#define OBS__URL_LIMIT 4096
#define OBS__URL_SETTINGS 32

typedef struct obs__setting {
    const char *name;
    const char *value;
} obs__setting;

/* The parts of a URL, decoded, never NULL. A part that is not there is "" or 0. */
typedef struct obs__url {
    const char *scheme; /* in small letters */
    const char *user;
    const char *password; /* only ever a reference, `${secret:…}` */
    const char *host;     /* in small letters; an IPv6 address without its brackets */
    int port;
    const char *path; /* with its first slash when there is a host: `/bucket/prefix`; `store` of `file:store` */
    const char *fragment;
    obs__setting settings[OBS__URL_SETTINGS]; /* of the query */
    size_t setting_count;
} obs__url;

/* Reads one URL. A password in clear gives OBS_INVALID_ARGUMENT with what to write instead; what was wrong is told without
 * repeating secrets. Free with obs__url_free(). */
obs_status obs__url_parse(obs__url **out, const char *text, size_t size, obs_error *error);
void obs__url_free(obs__url *url);
/* The value of a setting, or NULL. */
const char *obs__url_setting(const obs__url *url, const char *name);
/* For logs and messages: without user, query and fragment, hidden characters escaped. */
void obs__url_print(char *out, size_t capacity, const obs__url *url);

/* A list of URLs, by blanks or commas: takes the next one off *rest; an empty view at the end. A comma counts only where a
 * scheme follows, as hosts can be lists too: `kafka://a:9093,b:9093/topic`. */
obs__view obs__url_next(obs__view *rest);

/* `30s`, `1.5h`, `1h30m`: ns, us, ms, s, m, h, d; 1 when it could be read. */
int obs__duration_parse(int64_t *out_ns, const char *text);
/* `64MiB`, `10GB`, `4096`: B, KiB to TiB, kB to TB; 1 when it could be read. */
int obs__size_parse(int64_t *out_bytes, const char *text);

typedef enum obs__property_type {
    OBS__PROPERTY_TEXT,
    OBS__PROPERTY_INTEGER,
    OBS__PROPERTY_BOOLEAN,
    OBS__PROPERTY_DURATION, /* the value in nanoseconds */
    OBS__PROPERTY_SIZE,     /* the value in bytes */
    OBS__PROPERTY_CHOICE    /* the value is its place in `choices` */
} obs__property_type;

/* One row of a table of settings: the only place that knows a setting, for the reader, the errors and the reference page. */
typedef struct obs__property {
    const char *name;
    obs__property_type type;
    const char *standard; /* the default, as it would be written; NULL: none */
    const char *least;    /* as it would be written; NULL: no bound */
    const char *most;
    const char *choices; /* of a choice, separated by blanks */
    const char *help;    /* a sentence */
} obs__property;

/* The value of a row: text as written (or the default, or NULL), and the number it means. */
typedef struct obs__value {
    const char *text;
    int64_t number;
    int is_set; /* not the default */
} obs__value;

/* Fills values with the defaults. */
obs_status obs__properties_init(obs__value *values, const obs__property *table, size_t count, obs_error *error);
/* Sets one value, which is borrowed. An unknown name gives OBS_INVALID_ARGUMENT with the nearest known one. */
obs_status obs__properties_set(obs__value *values, const obs__property *table, size_t count, const char *name, const char *text,
                               obs_error *error);
/* Defaults, then all settings of the URL. */
obs_status obs__properties_of_url(obs__value *values, const obs__property *table, size_t count, const obs__url *url,
                                  obs_error *error);
/* The table as Markdown, for the reference page. */
void obs__properties_markdown(obs__builder *out, const obs__property *table, size_t count);

/* The name nearest to a wrong one (at most two letters apart), or NULL. `names` ends with NULL. */
const char *obs__nearest(const char *name, const char *const *names);

#endif
