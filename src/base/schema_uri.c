/* References against a base URI: RFC 3986, section 5.2. */
#include <string.h>

#include "base/schema_tree.h"

typedef struct parts {
    obs__view scheme, authority, path, query, fragment; /* data NULL: not there */
} parts;

static int is_scheme(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        int letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return 0;
    }
    return size > 0;
}

static obs__view take(const char **at, const char *stops)
{
    obs__view view = {*at, strcspn(*at, stops)};
    *at += view.size;
    return view;
}

static parts split(const char *uri)
{
    parts p = {{0}, {0}, {0}, {0}, {0}};
    size_t size = strcspn(uri, ":/?#");
    if (uri[size] == ':' && is_scheme(uri, size)) {
        p.scheme = (obs__view){uri, size};
        uri += size + 1;
    }
    if (uri[0] == '/' && uri[1] == '/') {
        uri += 2;
        p.authority = take(&uri, "/?#");
    }
    p.path = take(&uri, "?#");
    if (*uri == '?') {
        uri++;
        p.query = take(&uri, "#");
    }
    if (*uri == '#')
        p.fragment = (obs__view){uri + 1, strlen(uri + 1)};
    return p;
}

static void add_without_dots(obs__builder *out, const char *path, size_t size)
{
    size_t start = out->size;
    const char *end = path + size;
    while (path < end) {
        const char *from = path + (*path == '/');
        const char *slash = memchr(from, '/', (size_t)(end - from));
        const char *stop = slash ? slash : end;
        size_t length = (size_t)(stop - from);
        int last = !slash;
        if (length == 1 && from[0] == '.') {
            if (last)
                obs__add_char(out, '/');
        } else if (length == 2 && from[0] == '.' && from[1] == '.') {
            while (out->size > start && out->data[--out->size] != '/')
                ;
            if (last)
                obs__add_char(out, '/');
        } else
            obs__add(out, path, (size_t)(stop - path));
        path = stop;
    }
}

static void merge(obs__builder *out, const parts *base, obs__view path)
{
    obs__builder merged;
    obs__builder_init(&merged, 16384);
    size_t keep = base->path.size;
    while (keep && base->path.data[keep - 1] != '/')
        keep--;
    if (base->authority.data && !base->path.size)
        obs__add_char(&merged, '/');
    obs__add(&merged, base->path.data, keep);
    obs__add(&merged, path.data, path.size);
    if (merged.failed)
        out->failed = merged.failed;
    else if (merged.size)
        add_without_dots(out, merged.data, merged.size);
    obs__builder_free(&merged);
}

static void add_path(obs__builder *out, const parts *base, const parts *reference)
{
    if (reference->scheme.data && !reference->authority.data && reference->path.data[0] != '/')
        obs__add(out, reference->path.data, reference->path.size); /* urn:… has no folders */
    else if (reference->scheme.data || reference->authority.data || reference->path.data[0] == '/')
        add_without_dots(out, reference->path.data, reference->path.size);
    else if (!reference->path.size)
        obs__add(out, base->path.data, base->path.size);
    else
        merge(out, base, reference->path);
}

static void add_part(obs__builder *out, const char *before, obs__view part, const char *after)
{
    if (!part.data)
        return;
    obs__add_text(out, before);
    obs__add(out, part.data, part.size);
    obs__add_text(out, after);
}

void obs__uri_resolve(obs__builder *out, const char *base, const char *reference)
{
    parts b = split(base);
    parts r = split(reference);
    int own_authority = r.scheme.data || r.authority.data;
    obs__view query = r.query;
    if (!own_authority && !r.path.size && !r.query.data)
        query = b.query;
    add_part(out, "", r.scheme.data ? r.scheme : b.scheme, ":");
    add_part(out, "//", own_authority ? r.authority : b.authority, "");
    add_path(out, &b, &r);
    add_part(out, "?", query, "");
    add_part(out, "#", r.fragment, "");
    obs__add(out, "", 0);
}
