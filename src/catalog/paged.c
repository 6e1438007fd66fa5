/* Rows that are read page by page. */
#include "catalog/paged.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"

#define PAGE_TIMEOUT_MS 30000

int obs__page_add(obs__page *page, int64_t id)
{
    obs__add_char(&page->text, '\0');
    page->ends[page->count] = page->text.size;
    page->ids[page->count++] = id;
    return page->count == page->wanted || page->text.size > OBS__PAGE_BYTES || page->text.failed;
}

static obs_status fill(obs__paged *paged, const obs__limit *limit, obs_error *error)
{
    obs__page *page = &paged->page;
    obs_status status = OBS_OK;
    while (status == OBS_OK && page->count < 2 && !page->ended) {
        status = paged->scan(paged, limit, error);
        if (status == OBS_OK)
            status = obs__builder_status(&page->text, error);
    }
    return status;
}

/* Afterwards there is a row to give, or nothing follows; and which of both is known for the last row of the page, too. */
static obs_status read_page(obs__paged *paged, const obs__limit *limit, obs_error *error)
{
    obs__page *page = &paged->page;
    int64_t start = page->next_id;
    page->count = paged->given = paged->givable = 0;
    page->wanted = (paged->left < OBS__PAGE_ROWS ? paged->left : OBS__PAGE_ROWS) + 1;
    obs__builder_clear(&page->text);
    obs_status status = fill(paged, limit, error);
    if (status != OBS_OK) { /* nothing of it was given: all of it is read again */
        page->next_id = start;
        page->ended = 0;
        return status;
    }
    paged->givable = page->ended ? page->count : page->count - 1;
    if (paged->givable > paged->left)
        paged->givable = paged->left;
    if (paged->givable < page->count) {
        page->next_id = page->ids[paged->givable];
        page->ended = 0;
    }
    return OBS_OK;
}

static obs_status next(obs_rows *rows, const char **text, size_t *size, obs_error *error)
{
    obs__paged *paged = (obs__paged *)rows;
    obs__page *page = &paged->page;
    if (paged->generation != obs__generation())
        return obs__fail(error, OBS_FAILED_PRECONDITION, "these rows belong to the parent process: ask again");
    if (paged->given == paged->givable && !page->ended && paged->left) {
        obs__limit limit = obs__limit_in(PAGE_TIMEOUT_MS, paged->cancel);
        obs_status status = read_page(paged, &limit, error);
        if (status != OBS_OK)
            return status;
    }
    if (paged->given == paged->givable)
        return OBS_OK;
    size_t at = paged->given++;
    size_t start = at ? page->ends[at - 1] : 0;
    *text = page->text.data + start;
    *size = page->ends[at] - start - 1;
    paged->left -= paged->left != SIZE_MAX;
    if (paged->given == paged->givable && page->ended)
        *paged->position = '\0';
    else
        snprintf(paged->position, sizeof paged->position, "%c%" PRId64, paged->kind, page->ids[at]);
    return OBS_OK;
}

static const char *position(const obs_rows *rows)
{
    return ((const obs__paged *)rows)->position;
}

static void free_rows(obs_rows *rows)
{
    obs__paged_free((obs__paged *)rows);
}

void obs__paged_free(obs__paged *paged)
{
    if (paged->done)
        paged->done(paged);
    obs__builder_free(&paged->page.text);
    obs_cancel_free(paged->cancel);
    if (paged->gate)
        paged->gate->ops->free(paged->gate);
    obs__free(paged);
}

static const obs__rows_ops paged_ops = {.next = next, .position = position, .free = free_rows};

static obs_status read_position(int64_t *out_next, char kind, const char *text, obs_error *error)
{
    int64_t id = 0;
    if (!text || !*text)
        return OBS_OK;
    const char *at = text + 1;
    while (*at >= '0' && *at <= '9' && at - text < 19)
        id = id * 10 + (*at++ - '0');
    if (*text != kind || at == text + 1 || *at)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.40s' is no position of such rows: give what obs_rows_position() said",
                         text);
    *out_next = id + 1;
    return OBS_OK;
}

obs_status obs__paged_begin(obs__paged *paged, obs__gate *gate, char kind, const char *after, size_t most, obs_error *error)
{
    paged->rows.ops = &paged_ops;
    paged->generation = obs__generation();
    paged->kind = kind;
    paged->left = most ? most : SIZE_MAX;
    obs__builder_init(&paged->page.text, (size_t)64 << 20);
    obs_status status = read_position(&paged->page.next_id, kind, after, error);
    if (status == OBS_OK)
        paged->gate = gate->ops->retain(gate);
    return status;
}

obs_status obs__paged_first(obs__paged *paged, const obs__limit *limit, obs_error *error)
{
    paged->cancel = limit->cancel ? obs__cancel_retain(limit->cancel) : NULL;
    return read_page(paged, limit, error);
}
