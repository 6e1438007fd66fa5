/* What the tests of the issuer share: one in a folder of its own. */
#ifndef OBS_TESTS_ISSUER_H
#define OBS_TESTS_ISSUER_H

#include "auth/issuer.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/issuer_inside.h"
#include "auth/jws.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/keyfile.h"
#include "support.h"

#define S OBS__NS_PER_S
#define NOW (1795000000 * S)
#define DAY (86400 * S)
#define ID "01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47"

static obs_error error;
static const char *folder;
static obs__issuer *issuer;

static inline obs__issuer *open_issuer(obs__algorithm algorithm, int is_known)
{
    obs__issuer *out = NULL;
    obs__issuer_options options = {.workspace = ID, .folder = folder, .algorithm = algorithm, .is_known = is_known};
    ck_assert_ok(obs__issuer_open(&out, &options, &error));
    return out;
}

static inline void set_up(void)
{
    static int count;
    char name[32];
    obs_error_init(&error, sizeof error);
    snprintf(name, sizeof name, "keys-%d", count++);
    folder = test_path(test_folder(), name);
    issuer = open_issuer(0, 0);
}

static inline void tear_down(void)
{
    obs__issuer_free(issuer);
}

static inline obs__limit limit(int ms)
{
    return obs__limit_in(ms, NULL);
}

static inline obs_status try_sign(obs__issuer *by, obs_secret **out, int64_t now)
{
    char id[OBS__ISSUED_ID_SIZE];
    obs__limit soon = limit(10000);
    obs__issue issue = {.subject = "user:ada", .tenant = "earth", .scope = "storage.read:/raw config.read", .client = "test"};
    return obs__issuer_sign(out, id, by, &issue, &soon, now, &error);
}

static inline obs_secret *sign(int64_t now)
{
    obs_secret *token = NULL;
    ck_assert_ok(try_sign(issuer, &token, now));
    return token;
}

/* Checks a token against the keys of the moment. */
static inline obs_status verify(const obs_secret *token, int64_t now)
{
    obs__keys *keys = NULL;
    obs__claims *claims = NULL;
    obs__token_verifier *verifier = NULL;
    obs__token_policy policy = {.issuer = "obs:" ID, .audience = "obs:" ID, .algorithms = OBS__EDDSA | OBS__ES256};
    ck_assert_ok(obs__issuer_keys(&keys, issuer, now, &error));
    ck_assert_ok(obs__token_verifier_new(&verifier, &policy, &error));
    ck_assert_ok(obs__token_verifier_set(verifier, keys, &error));
    obs_status status =
        obs__token_verifier_check(&claims, verifier, obs_secret_bytes(token), obs_secret_size(token), now, &error);
    obs__claims_release(claims);
    obs__token_verifier_free(verifier);
    obs__keys_free(keys);
    return status;
}

static inline size_t count_keys(int64_t now)
{
    obs__keys *keys = NULL;
    ck_assert_ok(obs__issuer_keys(&keys, issuer, now, &error));
    size_t count = obs__keys_count(keys);
    obs__keys_free(keys);
    return count;
}

/* How many files begin like this; the last one's path is in *path. */
static inline size_t count_files(const char *prefix, const char **path)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            count++;
            if (path)
                *path = test_path(folder, entry->d_name);
        }
    if (dir)
        closedir(dir);
    return count;
}

static inline void rotate(int at_once, int64_t now)
{
    obs__limit soon = limit(10000);
    ck_assert_ok(obs__issuer_rotate(issuer, at_once, &soon, now, &error));
}

static inline void expect_mode(const char *path, mode_t mode)
{
    struct stat found;
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 07777, mode);
}

/* Which key signed: its id, out of the header. */
static inline const char *signer_of(const obs_secret *token, int64_t now)
{
    static char id[OBS__KEY_ID_SIZE];
    obs__keys *keys = NULL;
    obs__jws *jws = NULL;
    ck_assert_ok(obs__issuer_keys(&keys, issuer, now, &error));
    ck_assert_ok(obs__jws_verify(&jws, keys, OBS__ALGORITHMS_PUBLIC, obs_secret_bytes(token), obs_secret_size(token), &error));
    snprintf(id, sizeof id, "%.*s", (int)jws->id.size, jws->id.data);
    obs__jws_free(jws);
    obs__keys_free(keys);
    return id;
}

#endif
