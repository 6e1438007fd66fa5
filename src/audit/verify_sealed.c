/* What says that rows may be missing: believed only when the log's key signed it and a record of the log says the same. */
#include <stdio.h>
#include <string.h>

#include "audit/check.h"
#include "base/error.h"

static const obs__view none = {"", 0};

static void found(obs__check *check, const char *text)
{
    obs__check_add(check, OBS__DAMAGE_SEAL, OBS__NO_INDEX, none, none, text);
}

obs_status obs__check_sealed_open(obs__check *check, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__sealed_read(&check->sealed, check->options->place, &check->key, &why);
    if (status != OBS_OK && status != OBS_DATA_LOSS)
        return obs__copy_error(error, &why);
    if (status == OBS_DATA_LOSS)
        found(check, why.message);
    else if (check->sealed.end && check->sealed.record >= check->checkpoint.size) {
        found(check, "more is said to be sealed than the log holds");
        check->sealed = (obs__sealed){0};
    }
    check->out->sealed = check->sealed.end;
    return OBS_OK;
}

void obs__check_sealed_root(obs__check *check)
{
    obs__tree_hash root;
    if (!check->sealed.end || check->range.size != check->sealed.end)
        return;
    obs__tree_range_root(&check->range, check->hasher, &root);
    check->seal_has_root = obs__tree_equal(&root, &check->sealed.root);
}

obs_status obs__check_sealed_leaf(obs__check *check, uint64_t index, obs__view leaf, obs_error *error)
{
    if (!check->sealed.end || index != check->sealed.record)
        return OBS_OK;
    return obs__sealed_says(&check->seal_has_record, leaf, check->sealed.end, error);
}

void obs__check_sealed_end(obs__check *check)
{
    if (!check->sealed.end)
        return;
    if (!check->seal_has_root)
        found(check, "the sealed records are not those that were sealed");
    if (!check->seal_has_record)
        found(check, "records are said to be sealed, but no record of the log says so");
}
