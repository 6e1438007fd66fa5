/* Which kind of file it is. */
#include "sky/sky.h"

#include <string.h>
#include <strings.h>

#include "sky/values.h"

#define LOOK_SIZE ((size_t)8192) /* where the kind shows, if at all */
#define VALUES_LIMIT ((size_t)64 << 10)

typedef struct kind {
    const char *name;
    const char *types[4]; /* media types that say so; ends with NULL */
    int is_text;
    int (*is)(obs__view head);
    void (*read)(obs__builder *out, const obs__arrival *arrival);
} kind;

static const kind kinds[] = {
    {"fits", {"image/fits", "application/fits", "image/x-fits"}, 0, obs__is_fits, obs__sky_fits},
    {"mseed", {"application/vnd.fdsn.mseed", "application/x-mseed"}, 0, obs__is_mseed, obs__sky_mseed},
    {"obs80", {"text/vnd.mpc.obs80", "text/x-obs80"}, 1, obs__is_obs80, obs__sky_obs80},
    {"metar", {"text/vnd.metar", "text/x-metar"}, 1, obs__is_metar, obs__sky_metar},
};

/* The media type without its parameters. */
static int type_is(const char *type, const char *wanted)
{
    size_t size = strcspn(type, "; \t");
    return size == strlen(wanted) && strncasecmp(type, wanted, size) == 0;
}

static int names_kind(const char *type, const kind *kind)
{
    for (int i = 0; i < 4 && kind->types[i]; i++)
        if (type_is(type, kind->types[i]))
            return 1;
    return 0;
}

/* Types that say nothing; any other type says that it is something else. */
static int leaves_open(const char *type, const kind *kind)
{
    return !*type || type_is(type, "application/octet-stream") || type_is(type, "binary/octet-stream") ||
           (kind->is_text && type_is(type, "text/plain"));
}

static const kind *kind_of(const obs__arrival *arrival)
{
    obs__view look = {arrival->head.data, arrival->head.size < LOOK_SIZE ? arrival->head.size : LOOK_SIZE};
    const char *type = arrival->type ? arrival->type : "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (names_kind(type, &kinds[i]))
            return &kinds[i];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && look.size; i++)
        if (leaves_open(type, &kinds[i]) && kinds[i].is(look))
            return &kinds[i];
    return NULL;
}

void obs__sky_values(obs__builder *out, const obs__arrival *arrival)
{
    const kind *kind = kind_of(arrival);
    obs__builder values;
    if (!kind)
        return;
    obs__builder_init(&values, VALUES_LIMIT);
    obs__add_char(&values, '{');
    obs__add_json_member(&values, "format", kind->name);
    if (!arrival->head.size || !kind->is(arrival->head))
        obs__sky_why_not(&values, "these bytes are no %s, although the media type says so", kind->name);
    else
        kind->read(&values, arrival);
    obs__add_json_end(&values);
    obs__add(out, values.data, values.failed ? 0 : values.size);
    if (values.failed)
        out->failed = values.failed;
    obs__builder_free(&values);
}
