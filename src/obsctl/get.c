/* get */
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"

#define PIECE ((size_t)1 << 20)

/* Digits only, as many as fit. Returns what follows, or NULL. */
static const char *parse_digits(unsigned long long *out, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 18)
        return NULL;
    *out = strtoull(text, NULL, 10);
    return text + digits;
}

/* `--range 100-199`, `--range 100-`: first byte and how many (0: to the end). */
static obs_status range_of(ctl *ctl, unsigned long long *first, unsigned long long *length)
{
    const char *text = ctl_get(ctl, "range");
    unsigned long long last = 0;
    *first = *length = 0;
    if (!text)
        return OBS_OK;
    const char *rest = parse_digits(first, text);
    if (rest && strcmp(rest, "-") == 0)
        return OBS_OK;
    if (rest && *rest == '-')
        rest = parse_digits(&last, rest + 1);
    if (!rest || *rest || last < *first)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'--range %s' is not of the form FIRST-LAST, as in 0-99 or 100-", text);
    *length = last - *first + 1;
    return OBS_OK;
}

static obs_status copy_pieces(ctl *ctl, obs_reader *reader, const ctl_target *target, char *piece, unsigned long long total)
{
    ctl_progress progress;
    unsigned long long done = 0;
    obs_status status = OBS_OK;
    ctl_progress_begin(&progress, ctl, ctl->arguments[0], total);
    while (status == OBS_OK && done < total) {
        size_t got = 0;
        status = obs_reader_read(&got, reader, piece, total - done < PIECE ? (size_t)(total - done) : PIECE, &ctl->error);
        if (status == OBS_OK && got == 0)
            status = ctl_fail(ctl, OBS_DATA_LOSS, "the object ended after %llu of %llu bytes", done, total);
        if (status == OBS_OK)
            status = ctl_target_write(ctl, target, piece, got);
        if (status == OBS_OK)
            status = ctl_check_cancel(ctl);
        ctl_progress_set(&progress, done += got);
    }
    ctl_progress_end(&progress);
    return status;
}

static obs_status copy_out(ctl *ctl, obs_reader *reader, const ctl_target *target, unsigned long long first,
                           unsigned long long length)
{
    unsigned long long size = obs_reader_stat(reader)->size;
    if (ctl_get(ctl, "range") && first >= size)
        return ctl_fail(ctl, OBS_OUT_OF_RANGE, "the object has only %llu bytes", size);
    char *piece = malloc(PIECE);
    obs_status status = piece ? OBS_OK : ctl_fail_memory(ctl);
    if (status == OBS_OK && first)
        status = obs_reader_seek(reader, first, &ctl->error);
    if (status == OBS_OK)
        status = copy_pieces(ctl, reader, target, piece, length && length < size - first ? length : size - first);
    free(piece);
    return status;
}

obs_status ctl_run_get(ctl *ctl)
{
    ctl_target target;
    obs_reader *reader = NULL;
    unsigned long long first, length;
    const char *path = ctl->argument_count > 1 ? ctl->arguments[1] : NULL;
    obs_status status = range_of(ctl, &first, &length);
    if (status == OBS_OK && ctl->json && (!path || strcmp(path, "-") == 0))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "with --json the bytes need a FILE: obsctl get KEY FILE --json");
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_reader_open(&reader, obs_client_store(ctl->client), ctl->arguments[0], OBS_TEXT, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return status;
    status = ctl_target_open(ctl, &target, path);
    if (status == OBS_OK)
        status = copy_out(ctl, reader, &target, first, length);
    status = ctl_target_close(ctl, &target, status);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(ctl_stat_json(obs_reader_stat(reader)));
    obs_reader_free(reader);
    return status;
}
