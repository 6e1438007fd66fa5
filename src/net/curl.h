/*
 * libcurl, loaded when it is first needed: linked, it would bring 29 libraries into every program at its start, also into those
 * that never ask the network (docs/decisions/libcurl-when-needed.md).
 */
#ifndef OBS_NET_CURL_H
#define OBS_NET_CURL_H

#include <curl/curl.h>

#include <obs/error.h>

/* Its functions by their names without `curl_`. */
typedef struct obs__curl {
    __typeof__(curl_global_init_mem) *global_init_mem;
    __typeof__(curl_version_info) *version_info;
    __typeof__(curl_getdate) *getdate;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    __typeof__(curl_multi_setopt) *multi_setopt;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_perform) *multi_perform;
    __typeof__(curl_multi_poll) *multi_poll;
    __typeof__(curl_multi_info_read) *multi_info_read;
} obs__curl;

/* Loads and sets up libcurl, once for a process and its forked children. OBS_UNIMPLEMENTED when it is not installed, or too
 * old. Cheap afterwards. */
obs_status obs__curl_get(const obs__curl **out, obs_error *error);

#endif
