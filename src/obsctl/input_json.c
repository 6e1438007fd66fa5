/* A JSON document that holds an array: each element is a record, cut out as it was written, so that no digit changes. */
#include <string.h>

#include "obsctl/input.h"

/* The document was parsed before, so that brackets and quotes are known to match. */

static size_t skip_blanks(const ctl_records *records, size_t at)
{
    return at + strspn(records->content + at, " \t\r\n");
}

static size_t skip_string(const ctl_records *records, size_t at)
{
    for (at++; records->content[at] != '"'; at++)
        at += records->content[at] == '\\';
    return at + 1;
}

/* Where the value that begins at `at` ends. */
static size_t skip_value(const ctl_records *records, size_t at)
{
    int depth = 0;
    do {
        char c = records->content[at];
        if (c == '"') {
            at = skip_string(records, at);
            continue;
        }
        if (!depth && !strchr("[{", c)) /* a number or a word */
            return at + strcspn(records->content + at, ",]} \t\r\n");
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        at++;
    } while (depth);
    return at;
}

/* The element becomes one line: a line break can only stand between its parts. */
static void join_lines(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\n' || text[i] == '\r')
            text[i] = ' ';
}

static obs_status next_element(ctl_records *records, ctl_record *out)
{
    size_t at = skip_blanks(records, records->at);
    if (records->content[at] == ',')
        at = skip_blanks(records, at + 1);
    if (records->content[at] == ']')
        return OBS_OK;
    size_t end = skip_value(records, at);
    join_lines(records->content + at, end - at);
    records->at = end;
    *out = (ctl_record){records->content + at, end - at, ++records->line, NULL};
    return OBS_OK;
}

/* Where the value of a member of the outermost object begins, or 0. */
static size_t find_member(const ctl_records *records, const char *member)
{
    size_t at = skip_blanks(records, records->at);
    size_t size = strlen(member);
    if (records->content[at] != '{')
        return 0;
    for (at = skip_blanks(records, at + 1); records->content[at] == '"'; at = skip_blanks(records, at + 1)) {
        const char *name = records->content + at + 1;
        at = skip_string(records, at);
        int found = (size_t)(records->content + at - 1 - name) == size && memcmp(name, member, size) == 0;
        at = skip_blanks(records, skip_blanks(records, at) + 1); /* the colon */
        if (found)
            return at;
        at = skip_blanks(records, skip_value(records, at));
        if (records->content[at] != ',')
            break;
    }
    return 0;
}

static obs_status check_document(ctl_records *records)
{
    json_error_t where;
    ctl *ctl = records->ctl;
    json_t *document = json_loadb(records->content + records->at, records->size - records->at,
                                  JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where);
    if (document) {
        json_decref(document);
        return OBS_OK;
    }
    ctl_fail(ctl, OBS_INVALID_ARGUMENT, "%s:%d:%d: %s", records->path, where.line, where.column, where.text);
    ctl->error.line = where.line;
    ctl->error.column = where.column;
    return OBS_INVALID_ARGUMENT;
}

obs_status ctl_records_json(ctl_records *records, const char *member)
{
    obs_status status = check_document(records);
    if (status != OBS_OK)
        return status;
    records->next = next_element;
    size_t at = member ? find_member(records, member) : skip_blanks(records, records->at);
    if ((!member || at) && records->content[at] == '[') {
        records->at = at + 1;
        return OBS_OK;
    }
    if (member)
        return ctl_fail(records->ctl, OBS_INVALID_ARGUMENT, "'%s' has no array in a member '%s'", records->path, member);
    return ctl_fail(records->ctl, OBS_INVALID_ARGUMENT,
                    "'%s' is one object: name the member that holds the records with --member, or use --format ndjson",
                    records->path);
}
