/* Checks of `format` that more than one file needs. Each says whether a text fits. */
#ifndef OBS_BASE_SCHEMA_FORMAT_H
#define OBS_BASE_SCHEMA_FORMAT_H

#include "base/schema_tree.h"

int obs__format_is_hostname(const char *text, size_t size);
int obs__format_is_ipv4(const char *text, size_t size);
int obs__format_is_ipv6(const char *text, size_t size);

/* schema_format_uri.c */
int obs__format_is_email(const char *text, size_t size);
int obs__format_is_idn_email(const char *text, size_t size);
int obs__format_is_uri(const char *text, size_t size);
int obs__format_is_uri_reference(const char *text, size_t size);
int obs__format_is_iri(const char *text, size_t size);
int obs__format_is_iri_reference(const char *text, size_t size);
int obs__format_is_uri_template(const char *text, size_t size);

#endif
