/* The files of a bundle, in the form of POSIX tar (ustar), and the manifest that ends it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "obsctl/bundle.h"

#define BLOCK 512
#define FOLDER "obs-bundle/"

/* Digits with a NUL behind, in a field of `size` bytes. */
static void octal(char *out, size_t size, unsigned long long number)
{
    for (out[--size] = '\0'; size--; number /= 8)
        out[size] = (char)('0' + number % 8);
}

static void make_head(char head[BLOCK], const char *name, size_t size)
{
    unsigned sum = 0;
    memset(head, 0, BLOCK);
    snprintf(head, 100, FOLDER "%s", name);
    octal(head + 100, 8, 0600);
    octal(head + 108, 8, 0); /* owner and group are nobody's business */
    octal(head + 116, 8, 0);
    octal(head + 124, 12, size);
    octal(head + 136, 12, (unsigned long long)time(NULL));
    memset(head + 148, ' ', 8); /* as which the sum is made */
    head[156] = '0';
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)head[i];
    octal(head + 148, 7, sum);
}

obs_status ctl_bundle_add(ctl_bundle *bundle, const char *name, const char *data, size_t size)
{
    static const char zeros[BLOCK];
    char head[BLOCK];
    json_t *row =
        json_pack("{s:s,s:I,s:s}", "file", name, "bytes", (json_int_t)size, "status", obs_status_name(bundle->failed));
    bundle->failed = OBS_OK;
    if (json_array_append_new(bundle->parts, row) != 0)
        return ctl_fail_memory(bundle->ctl);
    make_head(head, name, size);
    obs_status status = ctl_check_cancel(bundle->ctl);
    if (status == OBS_OK)
        status = ctl_target_write(bundle->ctl, &bundle->target, head, BLOCK);
    if (status == OBS_OK)
        status = ctl_target_write(bundle->ctl, &bundle->target, data, size);
    if (status == OBS_OK && size % BLOCK)
        status = ctl_target_write(bundle->ctl, &bundle->target, zeros, BLOCK - size % BLOCK);
    return status;
}

obs_status ctl_bundle_add_json(ctl_bundle *bundle, const char *name, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    obs_status status = text ? ctl_bundle_add(bundle, name, text, strlen(text)) : ctl_fail_memory(bundle->ctl);
    free(text);
    json_decref(json);
    return status;
}

static json_t *left_out(void)
{
    static const char *const all[] = {
        "objects, their labels and metadata",
        "events and dead letters, and the reasons that may quote them",
        "ingested records, refused lines and data definitions",
        "tokens, keys of the issuer and of the audit log, and all other files outside the workspace's folder",
        "texts of the configuration; numbers, truths and the names of secrets are in config.json",
        "obs.yaml, URLs and the environment",
        "what functions printed, their programs, and what they left",
        "objects and callers of the records of the audit log",
        "names of tenants, users, consumers, functions, keys, layers and files: name-1, name-2 ... stand for them",
    };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        json_array_append_new(list, json_string(all[i]));
    return list;
}

obs_status ctl_bundle_end(ctl_bundle *bundle)
{
    static const char zeros[2 * BLOCK];
    char made[64];
    ctl_format_time(made, sizeof made, "%Y-%m-%dT%H:%M:%S", (int64_t)time(NULL) * 1000000000);
    json_t *json = json_pack("{s:i,s:s,s:s,s:O,s:o,s:I}", "bundle", 1, "made", made, "libobs", obs_sdk_version_text(), "files",
                             bundle->parts, "left_out", left_out(), "names", (json_int_t)json_object_size(bundle->names));
    obs_status status = ctl_bundle_add_json(bundle, "manifest.json", json);
    return status == OBS_OK ? ctl_target_write(bundle->ctl, &bundle->target, zeros, sizeof zeros) : status;
}
