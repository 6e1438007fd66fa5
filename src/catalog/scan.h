/* Searches: the entries of a page. */
#ifndef OBS_CATALOG_SCAN_H
#define OBS_CATALOG_SCAN_H

#include "catalog/paged.h"
#include "catalog/query.h"

/* For obs__paged.scan. */
obs_status obs__scan(obs__page *page, obs__query *query, obs__journal *journal, const obs__limit *limit, obs_error *error);

#endif
