/* Listings: pages of stats in the order of keys, whatever the driver. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/private.h"
#include "store/select.h"

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX 10000
#define TOKEN_LIMIT 8192

struct obs_page {
    obs_stat **entries;
    size_t count;
    size_t capacity;
    obs__builder next;
};

/* A listing on its way into a page. */
typedef struct obs__listing {
    obs__scan scan;
    obs_page *page;
    size_t limit;
    obs__view delimiter; /* another one than `/` */
    obs__builder group;  /* the last common prefix of it */
    int more;
} obs__listing;

static obs_status add(obs__listing *listing, obs_stat *stat, obs_error *error)
{
    obs_page *page = listing->page;
    if (page->count == page->capacity) {
        size_t capacity = page->capacity ? page->capacity * 2 : 64;
        obs_stat **entries = obs__realloc(page->entries, capacity * sizeof(obs_stat *));
        if (!entries) {
            obs_stat_free(stat);
            return obs__fail_memory(error);
        }
        page->entries = entries;
        page->capacity = capacity;
    }
    page->entries[page->count++] = stat;
    return OBS_OK;
}

/* Whether there is no room left: then the listing goes on after the last entry. */
static int is_full(obs__listing *listing, int *done)
{
    if (listing->page->count < listing->limit)
        return 0;
    listing->more = 1;
    *done = 1;
    return 1;
}

static obs_status add_group(obs__scan *scan, obs__view prefix, int *done, obs_error *error)
{
    obs__listing *listing = scan->user;
    obs_stat *stat = NULL;
    if (is_full(listing, done))
        return OBS_OK;
    obs_status status = obs__stat_new_prefix(&stat, prefix, error);
    return status == OBS_OK ? add(listing, stat, error) : status;
}

/* The common prefix of a key by another delimiter than `/`; its own size when it has none. */
static size_t group_size(const obs__listing *listing, obs__view key)
{
    size_t from = listing->scan.prefix.size;
    if (!listing->delimiter.size || key.size < from)
        return 0;
    const char *at = memmem(key.data + from, key.size - from, listing->delimiter.data, listing->delimiter.size);
    return at ? (size_t)(at - key.data) + listing->delimiter.size : 0;
}

static obs_status add_object(obs__scan *scan, obs__view key, obs__source *source, int *done, obs_error *error)
{
    obs__listing *listing = scan->user;
    obs_stat *stat = NULL;
    obs__view group = {key.data, group_size(listing, key)};
    if (group.size) {
        int known = obs__view_equal(group, (obs__view){listing->group.data, listing->group.size});
        if (known || obs__compare(group, scan->after) <= 0)
            return OBS_OK;
        obs__builder_clear(&listing->group);
        obs__add(&listing->group, group.data, group.size);
        obs_status status = obs__builder_status(&listing->group, error);
        return status == OBS_OK ? add_group(scan, group, done, error) : status;
    }
    if (is_full(listing, done))
        return OBS_OK;
    obs_status status = obs__source_stat(&stat, key, source, error);
    return status == OBS_OK ? add(listing, stat, error) : status;
}

/* Where the next page goes on: a key as it is. One with a NUL inside could not be a text: it is escaped, and made longer
 * than any key, which tells the two apart. */
static obs_status set_next(obs_page *page, obs_error *error)
{
    const obs_stat *last = page->entries[page->count - 1];
    if (!memchr(last->key, '\0', last->key_size)) {
        obs__add(&page->next, last->key, last->key_size);
        return obs__builder_status(&page->next, error);
    }
    obs__add_percent(&page->next, last->key, last->key_size);
    while (!page->next.failed && page->next.size <= OBS_KEY_MAX)
        obs__add_char(&page->next, '%');
    return obs__builder_status(&page->next, error);
}

/* Undoes set_next(); `room` holds TOKEN_LIMIT bytes. */
static obs_status read_after(obs__view *out, char *room, const char *after, obs_error *error)
{
    *out = obs__view_of(after, OBS_TEXT);
    if (out->size <= OBS_KEY_MAX)
        return OBS_OK;
    if (out->size > TOKEN_LIMIT)
        out->size = TOKEN_LIMIT;
    while (out->size && out->data[out->size - 1] == '%')
        out->size--;
    out->size = obs__unpercent(room, out->data, out->size);
    out->data = room;
    if (out->size > OBS_KEY_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'after' is neither a key nor what obs_page_next() gave");
    return OBS_OK;
}

static obs_status run(obs_page *page, obs_store *store, const char *prefix, const obs_list_options *options,
                      const obs__limit *time, obs_error *error)
{
    char room[TOKEN_LIMIT];
    obs__listing listing = {.page = page, .limit = options->limit ? options->limit : LIMIT_DEFAULT};
    const char *delimiter = options->delimiter ? options->delimiter : "";
    listing.scan = (obs__scan){.prefix = obs__view_of(prefix, OBS_TEXT),
                               .limit = listing.limit,
                               .group = strcmp(delimiter, "/") == 0,
                               .time = time,
                               .user = &listing,
                               .object = add_object,
                               .group_found = add_group};
    if (!listing.scan.group)
        listing.delimiter = obs__view_of(delimiter, OBS_TEXT);
    if (listing.limit > LIMIT_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a page has up to %d entries", LIMIT_MAX);
    if (listing.scan.prefix.size > OBS_KEY_MAX || listing.delimiter.size > OBS_KEY_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a prefix or delimiter is longer than any key");
    obs_status status = read_after(&listing.scan.after, room, options->after, error);
    obs__builder_init(&listing.group, OBS_KEY_MAX);
    if (status == OBS_OK)
        status = store->driver->scan(store->volume, &listing.scan, error);
    obs__builder_free(&listing.group);
    return status == OBS_OK && listing.more ? set_next(page, error) : status;
}

obs_status obs_store_list(obs_page **out, obs_store *store, const char *prefix, const obs_list_options *options,
                          obs_error *error)
{
    obs_list_options given;
    obs__scope scope;
    if (!out || !store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and store are required");
    *out = NULL;
    prefix = prefix ? prefix : "";
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__gate_enter(&scope, store->gate, OBS__READ, "store.list", prefix, OBS_TEXT, given.call, error);
    if (status != OBS_OK)
        return status;
    obs_page *page = obs__calloc(1, sizeof *page);
    if (!page)
        return obs__gate_leave(&scope, obs__fail_memory(error), error);
    obs__builder_init(&page->next, TOKEN_LIMIT);
    status = run(page, store, prefix, &given, &scope.limit, error);
    if (status == OBS_OK)
        *out = page;
    else
        obs_page_free(page);
    return obs__gate_leave(&scope, status, error);
}

size_t obs_page_count(const obs_page *page)
{
    return page ? page->count : 0;
}

const obs_stat *obs_page_at(const obs_page *page, size_t index)
{
    return page && index < page->count ? page->entries[index] : NULL;
}

const char *obs_page_next(const obs_page *page)
{
    return page && page->next.data ? page->next.data : "";
}

void obs_page_free(obs_page *page)
{
    if (!page)
        return;
    for (size_t i = 0; i < page->count; i++)
        obs_stat_free(page->entries[i]);
    obs__free(page->entries);
    obs__builder_free(&page->next);
    obs__free(page);
}
