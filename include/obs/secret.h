/**
 * @file secret.h
 * Values that must not be seen: in locked memory that no core dump holds and that is wiped before it is given back.
 *
 * Nothing in libobs prints, logs or stores one: the only way to the bytes is to ask for them.
 *
 * @code
 * obs_secret *password = NULL;
 * if (obs_config_secret(&password, config, "mpc.password", &error) == OBS_OK)
 *     log_in(obs_secret_bytes(password), obs_secret_size(password));
 * obs_secret_free(password);
 * @endcode
 *
 * @defgroup secret Secrets
 * @{
 */
#ifndef OBS_SECRET_H
#define OBS_SECRET_H

#include <obs/call.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that must not be seen. Never change; readable from every thread. A forked child has no access to them. */
typedef struct obs_secret obs_secret;

/**
 * Copies bytes into locked memory. Wipe the original.
 * @param out   receives the secret; free with obs_secret_free()
 * @param bytes the bytes
 * @param size  how many, up to 65,536; or ::OBS_TEXT
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_RESOURCE_EXHAUSTED; ::OBS_INVALID_ARGUMENT when too large
 */
OBS_API obs_status obs_secret_new(obs_secret **out, const void *bytes, size_t size, obs_error *error);

/**
 * The bytes themselves. One NUL that is not counted follows them. Do not copy them where they can be seen.
 * @param secret the secret; NULL gives ""
 * @return never NULL; valid until obs_secret_free()
 */
OBS_API const void *obs_secret_bytes(const obs_secret *secret);

/** How many bytes there are. @param secret the secret; NULL has none @return the size in bytes */
OBS_API size_t obs_secret_size(const obs_secret *secret);

/**
 * Takes one more hold; each is given back with obs_secret_free().
 * @param secret the secret; NULL is accepted
 * @return the same secret
 */
OBS_API obs_secret *obs_secret_retain(obs_secret *secret);

/** Gives a secret back; the last one to do so wipes it. @param secret the secret; NULL is accepted */
OBS_API void obs_secret_free(obs_secret *secret);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
