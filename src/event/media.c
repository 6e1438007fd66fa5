/* What a media type says about how data stands in JSON (CloudEvents JSON format, 3.1). */
#include <string.h>
#include <strings.h>

#include "event/event.h"

/* Whether a charset parameter says that the bytes are something else than UTF-8. */
static int is_other_charset(const char *parameters)
{
    const char *charset = strcasestr(parameters, "charset=");
    if (!charset)
        return 0;
    charset += strlen("charset=");
    charset += *charset == '"';
    size_t size = strcspn(charset, "\"; ");
    return !(size == 5 && strncasecmp(charset, "utf-8", 5) == 0) && !(size == 4 && strncasecmp(charset, "utf8", 4) == 0) &&
           !(size == 8 && strncasecmp(charset, "us-ascii", 8) == 0);
}

static int ends_with(const char *text, size_t size, const char *ending)
{
    size_t length = strlen(ending);
    return size >= length && strncasecmp(text + size - length, ending, length) == 0;
}

obs__data_form obs__data_form_of(const char *media_type)
{
    if (!media_type)
        return OBS__DATA_JSON;
    size_t size = strcspn(media_type, "; ");
    int is_json = ends_with(media_type, size, "/json") || ends_with(media_type, size, "+json");
    int is_text = strncasecmp(media_type, "text/", 5) == 0 || ends_with(media_type, size, "/xml") ||
                  ends_with(media_type, size, "+xml") || ends_with(media_type, size, "/yaml") ||
                  ends_with(media_type, size, "+yaml");
    if ((!is_json && !is_text) || is_other_charset(media_type + size))
        return OBS__DATA_BINARY;
    return is_json ? OBS__DATA_JSON : OBS__DATA_TEXT;
}
