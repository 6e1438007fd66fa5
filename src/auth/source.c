#include "auth/source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/jws.h"
#include "base/brief.h"
#include "base/call.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"

/* With the line ends and blanks that people leave around it. */
#define FILE_LIMIT (OBS__TOKEN_SIZE_LIMIT + 256)

typedef enum place { NOWHERE, PROGRAM, ENVIRONMENT, NAMED_FILE, RUNTIME_FILE, TEMPORARY_FILE, KEPT_FILE, PLACES } place;

/* What was found; immutable. */
typedef struct token {
    atomic_uint holders;
    unsigned generation; /* a forked child finds the secret wiped */
    place place;
    struct stat seen; /* of a file */
    obs_secret *secret;
} token;

struct obs__token_source {
    unsigned generation;
    obs_secret *given;
    obs_secret *inherited;
    char *kept;
    obs__brief lock;
    token *_Atomic token; /* under the lock */
};

static const char *_Atomic temporary_folder = "/tmp";

void obs__token_source_fake(const char *folder)
{
    atomic_store(&temporary_folder, folder ? folder : "/tmp");
}

static void release(token *token)
{
    if (!token || atomic_fetch_sub(&token->holders, 1) != 1)
        return;
    obs_secret_free(token->secret);
    obs__free(token);
}

static int is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* RFC 6750, section 2.1. */
static int is_token(const char *text, size_t size)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    size_t right = 0;
    while (right < size && text[right] && strchr(allowed, text[right]))
        right++;
    return size && right == size && size <= OBS__TOKEN_SIZE_LIMIT;
}

/* A secret without the blanks around it. */
static obs_status trimmed(obs_secret **out, const char *text, size_t size, const char *where, obs_error *error)
{
    for (; size && is_blank(*text); size--)
        text++;
    while (size && is_blank(text[size - 1]))
        size--;
    if (!is_token(text, size))
        return obs__fail(error, OBS_UNAUTHENTICATED, "%s holds no token of at most 16 KiB", where);
    return obs_secret_new(out, text, size, error);
}

static obs_status take_environment(obs__token_source *source, obs_error *error)
{
    obs_secret *raw = NULL;
    obs_status status = obs__secret_take_variable(&raw, "BEARER_TOKEN", error);
    if (status == OBS_NOT_FOUND)
        return OBS_OK;
    if (status == OBS_OK)
        status = trimmed(&source->inherited, obs_secret_bytes(raw), obs_secret_size(raw), "BEARER_TOKEN", error);
    obs_secret_free(raw);
    return status;
}

obs_status obs__token_source_open(obs__token_source **out, const char *token, size_t size, const char *kept, obs_error *error)
{
    *out = NULL;
    obs__token_source *source = obs__calloc(1, sizeof *source);
    if (source)
        source->kept = obs__strdup(kept);
    if (!source || (kept && !source->kept)) {
        obs__free(source);
        return obs__fail_memory(error);
    }
    source->generation = obs__generation();
    obs_status status = take_environment(source, error);
    if (status == OBS_OK && token)
        status = trimmed(&source->given, token, size == OBS_TEXT ? strlen(token) : size, "the program", error);
    if (status == OBS_OK)
        *out = source;
    else
        obs__token_source_free(source);
    return status;
}

void obs__token_source_free(obs__token_source *source)
{
    if (!source)
        return;
    release(atomic_load(&source->token));
    obs_secret_free(source->given);
    obs_secret_free(source->inherited);
    obs__free(source->kept);
    obs__free(source);
}

/* The path of a place, "" when it has none here. */
static void path_of(char out[PATH_MAX], const obs__token_source *source, place place)
{
    const char *named = getenv("BEARER_TOKEN_FILE"), *runtime = getenv("XDG_RUNTIME_DIR");
    unsigned user = (unsigned)geteuid();
    *out = '\0';
    if (place == NAMED_FILE && named)
        snprintf(out, PATH_MAX, "%s", named);
    else if (place == RUNTIME_FILE && runtime && *runtime == '/')
        snprintf(out, PATH_MAX, "%s/bt_u%u", runtime, user);
    else if (place == TEMPORARY_FILE)
        snprintf(out, PATH_MAX, "%s/bt_u%u", atomic_load(&temporary_folder), user);
    else if (place == KEPT_FILE && source->kept)
        snprintf(out, PATH_MAX, "%s", source->kept);
}

/* In a folder where everybody may make files: only the owner's own file counts, and somebody else's is as good as none, as
 * otherwise anybody could stop a user from working. */
static obs_status open_temporary(int *out, struct stat *found, const char *path, obs_error *error)
{
    obs_status status = obs__open_at(out, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, NULL);
    if (status != OBS_OK)
        return obs__fail(error, OBS_NOT_FOUND, "there is no '%s'", path);
    if (fstat(*out, found) != 0 || found->st_uid != geteuid() || !S_ISREG(found->st_mode))
        status = obs__fail(error, OBS_NOT_FOUND, "'%s' is not your own file", path);
    else if (found->st_mode & (S_IRWXG | S_IRWXO))
        status = obs__fail(error, OBS_UNTRUSTED, "the token in '%s' is open to others: run 'chmod 600 %s'", path, path);
    if (status != OBS_OK)
        close(*out);
    return status;
}

static obs_status read_file(obs_secret **out, struct stat *found, place place, const char *path, obs_error *error)
{
    int fd = -1;
    obs_secret *raw = NULL;
    obs_status status =
        place == TEMPORARY_FILE ? open_temporary(&fd, found, path, error) : obs__open_private(&fd, found, path, error);
    if (status != OBS_OK)
        return status;
    status = obs__secret_read_fd(&raw, fd, path, FILE_LIMIT, error);
    close(fd);
    if (status == OBS_OK)
        status = trimmed(out, obs_secret_bytes(raw), obs_secret_size(raw), path, error);
    obs_secret_free(raw);
    return status;
}

/* Takes the secret over. */
static obs_status make(token **out, place place, obs_secret *secret, const struct stat *seen, obs_error *error)
{
    token *made = obs__calloc(1, sizeof *made);
    if (!made) {
        obs_secret_free(secret);
        return obs__fail_memory(error);
    }
    atomic_init(&made->holders, 1);
    made->generation = obs__generation();
    made->place = place;
    made->secret = secret;
    if (seen)
        made->seen = *seen;
    *out = made;
    return OBS_OK;
}

/* One place; *out stays NULL when there is nothing. A file that the user named must be there. */
static obs_status look_at(token **out, const obs__token_source *source, place place, obs_error *error)
{
    char path[PATH_MAX];
    struct stat found = {0};
    obs_secret *secret = place == PROGRAM ? source->given : place == ENVIRONMENT ? source->inherited : NULL;
    if (place <= ENVIRONMENT)
        return secret ? make(out, place, obs_secret_retain(secret), NULL, error) : OBS_OK;
    path_of(path, source, place);
    if (!*path)
        return OBS_OK;
    obs_status status = read_file(&secret, &found, place, path, error);
    if (status == OBS_NOT_FOUND && place != NAMED_FILE)
        return OBS_OK;
    return status == OBS_OK ? make(out, place, secret, &found, error) : status;
}

static obs_status discover(token **out, const obs__token_source *source, obs_error *error)
{
    obs_status status = OBS_OK;
    for (place place = PROGRAM; status == OBS_OK && !*out && place < PLACES; place++)
        status = look_at(out, source, place, error);
    return status;
}

static int is_current(const token *token, const obs__token_source *source)
{
    char path[PATH_MAX];
    struct stat now;
    if (token->place == PROGRAM || token->place == ENVIRONMENT)
        return 1;
    path_of(path, source, token->place);
    return stat(path, &now) == 0 && now.st_dev == token->seen.st_dev && now.st_ino == token->seen.st_ino &&
           now.st_size == token->seen.st_size && now.st_mtim.tv_sec == token->seen.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == token->seen.st_mtim.tv_nsec;
}

static token *remembered(obs__token_source *source)
{
    obs__brief_take(&source->lock);
    token *token = atomic_load(&source->token);
    if (token)
        atomic_fetch_add(&token->holders, 1);
    obs__brief_release(&source->lock);
    return token;
}

static void remember(obs__token_source *source, token *token)
{
    if (token)
        atomic_fetch_add(&token->holders, 1);
    obs__brief_take(&source->lock);
    struct token *old = atomic_exchange(&source->token, token);
    obs__brief_release(&source->lock);
    release(old);
}

/* Whether a file is being exchanged, or cannot be read for the moment: then what it held before still counts. */
static int may_come_back(const token *old, obs_status status)
{
    return old && old->generation == obs__generation() && old->place > ENVIRONMENT && status != OBS_UNTRUSTED &&
           status != OBS_PERMISSION_DENIED && status != OBS_NOT_FOUND;
}

/* The token of the moment, held; NULL when there is none. */
static obs_status find(token **out, obs__token_source *source, obs_error *error)
{
    token *old = remembered(source), *found = NULL;
    *out = NULL;
    if (old && old->generation == obs__generation() && is_current(old, source)) {
        *out = old;
        return OBS_OK;
    }
    obs_status status = discover(&found, source, error);
    if (status == OBS_OK) {
        remember(source, found);
        *out = found;
    } else if (may_come_back(old, status)) {
        obs__log(OBS_LOG_WARNING, "auth", NULL, "the token cannot be read again, and the one from before is used");
        *out = old;
        return OBS_OK;
    }
    release(old);
    return status;
}

obs_status obs__token_source_get(obs_secret **out, obs__token_source *source, obs_error *error)
{
    token *found = NULL;
    *out = NULL;
    if ((source->given || source->inherited) && source->generation != obs__generation())
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "a forked child has not its parent's token: open a client of its own, and give it one");
    obs_status status = find(&found, source, error);
    if (found)
        *out = obs_secret_retain(found->secret);
    release(found);
    return status;
}

void obs__token_source_where(char *out, size_t capacity, obs__token_source *source)
{
    char path[PATH_MAX] = "";
    token *found = remembered(source);
    place place = found ? found->place : NOWHERE;
    release(found);
    path_of(path, source, place);
    snprintf(out, capacity, "%s", place == PROGRAM ? "the program" : place == ENVIRONMENT ? "BEARER_TOKEN" : path);
}
