/* put */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obsctl/ctl.h"
#include "obsctl/input.h"

#define PIECE ((size_t)1 << 20)

/* A member of the JSON object of values: numbers stay as they were written, true and false are such, the rest is text. */
static obs_status write_value(ctl *ctl, FILE *out, const obs_pair *pair)
{
    char *name = ctl_json_string(pair->name);
    char *text = ctl_is_scalar(pair->value) ? strdup(pair->value) : ctl_json_string(pair->value);
    obs_status status = OBS_OK;
    if (name && text)
        fprintf(out, "%s:%s", name, text);
    else
        status = ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%s=%s' is not valid UTF-8", pair->name, pair->value);
    free(name);
    free(text);
    return status;
}

/* A JSON object of the --value options, or NULL when there are none. */
static obs_status values_of(ctl *ctl, char **out)
{
    obs_pair *pairs = NULL;
    size_t count = 0;
    size_t size = 0;
    *out = NULL;
    obs_status status = ctl_pairs(ctl, "value", &pairs, &count);
    FILE *text = status == OBS_OK && count ? open_memstream(out, &size) : NULL;
    if (status == OBS_OK && count && !text)
        status = ctl_fail_memory(ctl);
    for (size_t i = 0; text && status == OBS_OK && i < count; i++) {
        fputc(i ? ',' : '{', text);
        status = write_value(ctl, text, &pairs[i]);
    }
    if (text) {
        fputc('}', text);
        if (fclose(text) != 0 && status == OBS_OK)
            status = ctl_fail_memory(ctl);
    }
    ctl_pairs_free(pairs, count);
    return status;
}

/* Everything that --label, --meta, --value, --from … say. */
struct put_state {
    obs_put_options options;
    obs_call call;
    obs_pair *labels;
    obs_pair *metadata;
    const char *made_from[CTL_VALUES_MAX];
    char *values;
};

static void put_state_free(struct put_state *state)
{
    ctl_pairs_free(state->labels, state->options.label_count);
    ctl_pairs_free(state->metadata, state->options.metadata_count);
    free(state->values);
}

static obs_status put_state_init(ctl *ctl, struct put_state *state)
{
    int position = 0;
    const char *key;
    memset(state, 0, sizeof *state);
    obs_put_options_init(&state->options, sizeof state->options);
    state->call = ctl->call;
    if (!ctl_get(ctl, "timeout"))
        state->call.timeout_ms = -1; /* a pipe may be slow */
    state->options.call = &state->call;
    state->options.content_type = ctl_get(ctl, "type");
    state->options.if_match = ctl_get(ctl, "if-match");
    state->options.if_none_match = ctl_get(ctl, "if-none-match");
    state->options.no_index = ctl_get(ctl, "no-index") != NULL;
    obs_status status = ctl_pairs(ctl, "label", &state->labels, &state->options.label_count);
    if (status == OBS_OK)
        status = ctl_pairs(ctl, "meta", &state->metadata, &state->options.metadata_count);
    if (status == OBS_OK)
        status = values_of(ctl, &state->values);
    while ((key = ctl_next(ctl, "from", &position)) != NULL)
        state->made_from[state->options.made_from_count++] = key;
    state->options.labels = state->labels;
    state->options.metadata = state->metadata;
    state->options.values = state->values;
    state->options.made_from = state->made_from;
    return status;
}

static obs_status copy_pieces(ctl *ctl, int fd, const char *path, obs_writer *writer, char *piece)
{
    struct stat info;
    ctl_progress progress;
    unsigned long long done = 0;
    obs_status status = OBS_OK;
    ssize_t got = 1;
    ctl_progress_begin(&progress, ctl, path,
                       fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? (unsigned long long)info.st_size : 0);
    while (status == OBS_OK && got != 0) {
        got = read(fd, piece, PIECE);
        if (got > 0) {
            status = obs_writer_write(writer, piece, (size_t)got, &ctl->error);
            ctl_progress_set(&progress, done += (unsigned long long)got);
        } else if (got < 0 && errno != EINTR) {
            status = ctl_fail_system(ctl, "read", path);
        }
        if (status == OBS_OK)
            status = ctl_check_cancel(ctl);
    }
    ctl_progress_end(&progress);
    return status;
}

static obs_status write_object(ctl *ctl, int fd, const char *path, const struct put_state *state)
{
    obs_writer *writer = NULL;
    obs_stat *stat = NULL;
    char *piece = malloc(PIECE);
    obs_status status = piece ? ctl_open(ctl) : ctl_fail_memory(ctl);
    if (status == OBS_OK)
        status =
            obs_writer_open(&writer, obs_client_store(ctl->client), ctl->arguments[1], OBS_TEXT, &state->options, &ctl->error);
    if (status == OBS_OK)
        status = copy_pieces(ctl, fd, path, writer, piece);
    if (status == OBS_OK)
        status = obs_writer_commit(&stat, writer, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(ctl_stat_json(stat));
    obs_writer_free(writer);
    obs_stat_free(stat);
    free(piece);
    return status;
}

obs_status ctl_run_put(ctl *ctl)
{
    const char *path = ctl->arguments[0];
    struct put_state state;
    obs_status status = put_state_init(ctl, &state);
    int fd = -1;
    if (status == OBS_OK) {
        fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        status = fd < 0 ? ctl_fail_system(ctl, "open", path) : write_object(ctl, fd, path, &state);
    }
    put_state_free(&state);
    if (fd > STDIN_FILENO)
        close(fd);
    return status;
}
