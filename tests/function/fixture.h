/* A workspace with functions, for tests of the public side. */
#ifndef OBS_TESTS_FUNCTION_FIXTURE_H
#define OBS_TESTS_FUNCTION_FIXTURE_H

#include <obs/obs.h>

typedef struct site {
    const char *folder; /* of the workspace */
    obs_client *client;
} site;

/* A new workspace, with the issuer's keys in the test's own folder. */
void site_open(site *out);
void site_close(site *site);
/* `functions/NAME/function.yaml`: the program of the tests, for events of `type`; more lines as they are. */
void site_function(const site *site, const char *name, const char *type, const char *more);
void site_publish(const site *site, const char *type, const char *id, const char *subject);
/* Runs until nothing waits. */
obs_status site_run(const site *site, obs_error *error);
/* The bytes of an object, or NULL; free with free(). */
char *site_get(const site *site, const char *key);
/* How many events of a type are on the bus. */
int site_events(const site *site, const char *type);
/* The reason of the newest dead letter, or "". Valid until the next call. */
const char *site_dead(const site *site);

#endif
