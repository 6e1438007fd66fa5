/* What --json prints: one object a line. */
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"
#include "obsctl/input.h"

/* A character that must not reach a terminal, as JSON writes it. `shown` is how obs_text_escape() writes it: \x7f, \u{202e}. */
static void write_escape(const char *shown)
{
    const char *digits = shown + (shown[1] == 'u' ? 3 : 2);
    unsigned long character = strtoul(digits, NULL, 16);
    if (character < 0x10000)
        printf("\\u%04lx", character);
    else
        printf("\\u%04lx\\u%04lx", 0xD800 + ((character - 0x10000) >> 10), 0xDC00 + ((character - 0x10000) & 0x3FF));
}

static size_t length_of(unsigned char first)
{
    return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

void ctl_write_json(const char *text, size_t size)
{
    size_t begin = 0;
    size_t at = 0;
    while (at < size) {
        char shown[64];
        if ((unsigned char)text[at] < 0x7F) {
            at++;
            continue;
        }
        size_t length = length_of((unsigned char)text[at]);
        length = length < size - at ? length : size - at;
        obs_text_escape(shown, sizeof shown, text + at, length);
        if (*shown == '\\') {
            fwrite(text + begin, 1, at - begin, stdout);
            write_escape(shown);
            begin = at + length;
        }
        at += length;
    }
    fwrite(text + begin, 1, size - begin, stdout);
    putchar('\n');
}

void ctl_print_json(json_t *row)
{
    char *text = row ? json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    if (text)
        ctl_write_json(text, strlen(text));
    else
        puts("{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"there is not enough memory\"}}");
    free(text);
    json_decref(row);
}

json_t *ctl_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    size_t capacity = 8 * strlen(text) + 1; /* not UTF-8 */
    char *shown = malloc(capacity);
    if (!shown)
        return NULL;
    obs_text_escape(shown, capacity, text, OBS_TEXT);
    string = json_string(shown);
    free(shown);
    return string;
}

json_t *ctl_pairs_json(const obs_pair *pairs, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < count; i++)
        json_object_set_new(object, pairs[i].name, ctl_text(pairs[i].value));
    return object;
}

json_t *ctl_stat_json(const obs_stat *stat)
{
    char time[40];
    if (stat->is_prefix)
        return json_pack("{s:s%}", "prefix", stat->key, stat->key_size);
    ctl_format_time(time, sizeof time, "%Y-%m-%dT%H:%M:%S", stat->modified_ns);
    return json_pack("{s:s%,s:I,s:s,s:s,s:o,s:s,s:b,s:o,s:o}", "key", stat->key, stat->key_size, "size", (json_int_t)stat->size,
                     "modified", time, "etag", stat->etag, "type", ctl_text(stat->content_type), "sha256", stat->sha256,
                     "changed_outside", stat->changed_outside, "labels", ctl_pairs_json(stat->labels, stat->label_count),
                     "metadata", ctl_pairs_json(stat->metadata, stat->metadata_count));
}

obs_status ctl_capture_begin(ctl *ctl, ctl_capture *capture)
{
    *capture = (ctl_capture){.out = stdout};
    if (ctl->json)
        capture->out = open_memstream(&capture->text, &capture->size);
    return capture->out ? OBS_OK : ctl_fail_memory(ctl);
}

obs_status ctl_capture_end(ctl *ctl, ctl_capture *capture, const char *member)
{
    if (capture->out == stdout)
        return OBS_OK;
    int failed = fclose(capture->out) != 0;
    if (!failed)
        ctl_print_json(json_pack("{s:s%}", member, capture->text, capture->size));
    free(capture->text);
    return failed ? ctl_fail_memory(ctl) : OBS_OK;
}

char *ctl_json_string(const char *text)
{
    json_t *string = json_string(text);
    char *out = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    json_decref(string);
    return out;
}

int ctl_is_number(const char *text)
{
    text += *text == '-';
    size_t digits = strspn(text, "0123456789");
    if (!digits || (*text == '0' && digits > 1))
        return 0;
    text += digits;
    if (*text == '.') {
        digits = strspn(++text, "0123456789");
        text += digits;
    }
    if (digits && (*text == 'e' || *text == 'E')) {
        text += 1 + (text[1] == '+' || text[1] == '-');
        digits = strspn(text, "0123456789");
        text += digits;
    }
    return digits && !*text;
}

int ctl_is_scalar(const char *text)
{
    return ctl_is_number(text) || strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}
