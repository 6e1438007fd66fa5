/* The formats with a grammar of their own: URIs (RFC 3986, 3987), URI templates (RFC 6570), e-mail addresses (RFC 5321). */
#include <ctype.h>
#include <string.h>

#include "base/schema_format.h"

/* Whether all characters are letters, digits, of `others`, percent escapes, or (for IRIs) beyond ASCII. */
static int all_of(obs__view text, const char *others, int iri)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '%') {
            if (i + 2 >= text.size || !isxdigit((unsigned char)text.data[i + 1]) || !isxdigit((unsigned char)text.data[i + 2]))
                return 0;
            i += 2;
        } else if (c >= 0x80 ? !iri : !c || (!isalnum(c) && !strchr(others, c)))
            return 0;
    }
    return 1;
}

static int is_ip_literal(obs__view host)
{
    if (host.size < 3 || host.data[host.size - 1] != ']')
        return 0;
    const char *inner = host.data + 1;
    size_t size = host.size - 2;
    if (*inner != 'v' && *inner != 'V')
        return obs__format_is_ipv6(inner, size);
    const char *dot = memchr(inner, '.', size);
    if (!dot || dot == inner + 1 || dot + 1 == inner + size)
        return 0;
    for (const char *c = inner + 1; c < dot; c++)
        if (!isxdigit((unsigned char)*c))
            return 0;
    return all_of((obs__view){dot + 1, (size_t)(inner + size - dot - 1)}, "-._~!$&'()*+,;=:", 0);
}

static int is_authority(obs__view text, int iri)
{
    const char *end = text.data + text.size;
    const char *at = memchr(text.data, '@', text.size);
    if (at && !all_of((obs__view){text.data, (size_t)(at - text.data)}, "-._~!$&'()*+,;=:", iri))
        return 0;
    const char *host = at ? at + 1 : text.data;
    const char *close = host < end && *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *colon = memchr(close ? close : host, ':', (size_t)(end - (close ? close : host)));
    const char *stop = colon ? colon : end;
    for (const char *c = colon ? colon + 1 : end; c < end; c++)
        if (!isdigit((unsigned char)*c))
            return 0;
    obs__view name = {host, (size_t)(stop - host)};
    return name.size && *host == '[' ? is_ip_literal(name) : all_of(name, "-._~!$&'()*+,;=", iri);
}

static obs__view cut(obs__view *rest, const char *stops)
{
    size_t size = 0;
    while (size < rest->size && !(rest->data[size] && strchr(stops, rest->data[size])))
        size++;
    obs__view part = {rest->data, size};
    rest->data += size;
    rest->size -= size;
    return part;
}

static int is_scheme(obs__view text)
{
    if (!text.size || !isalpha((unsigned char)*text.data))
        return 0;
    for (size_t i = 0; i < text.size; i++)
        if (!isalnum((unsigned char)text.data[i]) && (!text.data[i] || !strchr("+-.", text.data[i])))
            return 0;
    return 1;
}

static int is_rest(obs__view rest, int iri)
{
    obs__view path = cut(&rest, "?#");
    if (!all_of(path, "-._~!$&'()*+,;=:@/", iri))
        return 0;
    if (rest.size && *rest.data == '?') {
        obs__view query = cut(&rest, "#");
        if (!all_of(query, "-._~!$&'()*+,;=:@/?", iri))
            return 0;
    }
    if (!rest.size)
        return 1;
    rest.data++;
    rest.size--;
    return all_of(rest, "-._~!$&'()*+,;=:@/?", iri);
}

static int is_identifier(const char *text, size_t size, int relative, int iri)
{
    obs__view rest = {text, size};
    obs__view scheme = cut(&rest, ":/?#");
    if (rest.size && *rest.data == ':') {
        if (!is_scheme(scheme))
            return 0;
        rest.data++;
        rest.size--;
    } else if (relative)
        rest = (obs__view){text, size};
    else
        return 0;
    if (rest.size >= 2 && rest.data[0] == '/' && rest.data[1] == '/') {
        rest.data += 2;
        rest.size -= 2;
        if (!is_authority(cut(&rest, "/?#"), iri))
            return 0;
    }
    return is_rest(rest, iri);
}

int obs__format_is_uri(const char *text, size_t size)
{
    return is_identifier(text, size, 0, 0);
}

int obs__format_is_uri_reference(const char *text, size_t size)
{
    return is_identifier(text, size, 1, 0);
}

int obs__format_is_iri(const char *text, size_t size)
{
    return is_identifier(text, size, 0, 1);
}

int obs__format_is_iri_reference(const char *text, size_t size)
{
    return is_identifier(text, size, 1, 1);
}

static int is_expression(obs__view text)
{
    if (text.size && *text.data && strchr("+#./;?&", *text.data)) {
        text.data++;
        text.size--;
    }
    if (!text.size)
        return 0;
    for (;;) {
        obs__view name = cut(&text, ",:*");
        if (!name.size || !all_of(name, "_.", 0))
            return 0;
        if (text.size && *text.data == ':') {
            size_t digits = 1;
            while (digits < text.size && isdigit((unsigned char)text.data[digits]))
                digits++;
            if (digits == 1 || digits > 5)
                return 0;
            text.data += digits;
            text.size -= digits;
        } else if (text.size && *text.data == '*') {
            text.data++;
            text.size--;
        }
        if (!text.size)
            return 1;
        if (*text.data != ',')
            return 0;
        text.data++;
        text.size--;
    }
}

int obs__format_is_uri_template(const char *text, size_t size)
{
    obs__view rest = {text, size};
    while (rest.size) {
        obs__view literal = cut(&rest, "{}");
        if (!all_of(literal, "-._~!$&()*+,;=:@/?#[]'", 1))
            return 0;
        if (!rest.size)
            return 1;
        const char *close = *rest.data == '{' ? memchr(rest.data, '}', rest.size) : NULL;
        if (!close || !is_expression((obs__view){rest.data + 1, (size_t)(close - rest.data - 1)}))
            return 0;
        rest.size -= (size_t)(close + 1 - rest.data);
        rest.data = close + 1;
    }
    return 1;
}

static int is_quoted(obs__view local)
{
    for (size_t i = 1; i + 1 < local.size; i++) {
        unsigned char c = (unsigned char)local.data[i];
        if (c == '\\')
            i++;
        else if (c == '"' || c < 0x20 || c == 0x7f)
            return 0;
        if (i + 1 >= local.size)
            return 0;
    }
    return local.size > 1 && local.data[local.size - 1] == '"';
}

static int is_local_part(obs__view local, int international)
{
    if (!local.size || local.size > 64)
        return 0;
    if (*local.data == '"')
        return is_quoted(local);
    if (local.data[0] == '.' || local.data[local.size - 1] == '.')
        return 0;
    for (size_t i = 0; i < local.size; i++) {
        unsigned char c = (unsigned char)local.data[i];
        if (c == '.' && local.data[i + 1] == '.')
            return 0;
        if (c >= 0x80 ? !international : !c || (!isalnum(c) && !strchr(".!#$%&'*+-/=?^_`{|}~", c)))
            return 0;
    }
    return 1;
}

static int is_domain(obs__view domain, int international)
{
    if (domain.size && *domain.data == '[') {
        if (domain.data[domain.size - 1] != ']')
            return 0;
        if (domain.size > 6 && strncasecmp(domain.data + 1, "IPv6:", 5) == 0)
            return obs__format_is_ipv6(domain.data + 6, domain.size - 7);
        return domain.size > 2 && obs__format_is_ipv4(domain.data + 1, domain.size - 2);
    }
    if (international)
        return domain.size && all_of(domain, "-.", 1);
    return obs__format_is_hostname(domain.data, domain.size);
}

static int is_address(const char *text, size_t size, int international)
{
    const char *at = memrchr(text, '@', size);
    if (!at)
        return 0;
    obs__view local = {text, (size_t)(at - text)};
    obs__view domain = {at + 1, size - local.size - 1};
    return is_local_part(local, international) && is_domain(domain, international);
}

int obs__format_is_email(const char *text, size_t size)
{
    return is_address(text, size, 0);
}

int obs__format_is_idn_email(const char *text, size_t size)
{
    return is_address(text, size, 1);
}
