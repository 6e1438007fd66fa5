/* The table of the `file:` driver. */
#include "store/file.h"

const obs__store_driver obs__store_file = {
    .features = 1u << OBS_STORE_DURABLE | 1u << OBS_STORE_CONDITIONAL | 1u << OBS_STORE_LABELS | 1u << OBS_STORE_CHECKED_READ,
    .open = obs__file_open,
    .free = obs__file_free,
    .source = obs__file_source,
    .body_init = obs__file_body_init,
    .body_add = obs__file_body_add,
    .body_seal = obs__file_body_seal,
    .body_free = obs__file_body_free,
    .put = obs__file_put,
    .remove = obs__file_remove,
    .relabel = obs__file_relabel,
    .describe = obs__file_describe,
    .scan = obs__file_scan,
    .check = obs__file_check,
};
