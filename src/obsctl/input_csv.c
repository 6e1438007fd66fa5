/* CSV as RFC 4180 has it: each row becomes one JSON object, with the names of the header row. */
#include <stdlib.h>
#include <string.h>

#include "obsctl/input.h"

#define COLUMNS_LIMIT 1024

enum { NOT_CLOSED = -1, TOO_MANY = -2 };

/* One cell from *at on, its quotes taken off in place. Returns 0 when a quote is not closed. */
static int split_cell(ctl_records *records, char **at, char *end)
{
    char *from = *at;
    char *to = from;
    int quoted = *from == '"';
    for (from += quoted; from < end; from++) {
        if (quoted && *from == '"' && from[1] != '"') {
            quoted = 0;
            continue;
        }
        if (!quoted && (*from == ',' || *from == '\n' || *from == '\r'))
            break;
        from += quoted && *from == '"';
        records->line += quoted && *from == '\n';
        *to++ = *from;
    }
    *at = from;
    if (to < from)
        *to = '\0';
    return !quoted;
}

/* Past "\n", "\r\n" or "\r". */
static char *past_line(char *at, const char *end)
{
    if (at < end && *at == '\r')
        at++;
    return at < end && *at == '\n' ? at + 1 : at;
}

/* One row, split in place. Returns how many cells, 0 at the end, or less for a row that cannot be read. */
static int split_row(ctl_records *records, char **cells)
{
    char *at = records->content + records->at;
    char *end = records->content + records->size;
    int count = 0;
    int more = at < end;
    records->line += more;
    while (more) {
        char *cell = at;
        int closed = split_cell(records, &at, end);
        more = closed && at < end && *at == ',';
        char *next = more ? at + 1 : past_line(at, end);
        *at = '\0'; /* the content ends with a byte for it */
        at = next;
        if (!closed)
            count = NOT_CLOSED;
        else if (count >= 0)
            count = count < COLUMNS_LIMIT ? count + 1 : TOO_MANY;
        if (count > 0)
            cells[count - 1] = cell;
    }
    records->at = (size_t)(at - records->content);
    return count;
}

static obs_status refuse_row(ctl_records *records, ctl_record *out, int count, const char *raw)
{
    out->reason = records->reason;
    out->text = raw;
    out->size = strlen(raw);
    if (count == NOT_CLOSED)
        snprintf(records->reason, sizeof records->reason, "a quote is not closed");
    else if (count == TOO_MANY)
        snprintf(records->reason, sizeof records->reason, "the row has more than %d cells", COLUMNS_LIMIT);
    else
        snprintf(records->reason, sizeof records->reason, "the row has %d cells, the header %d", count, records->column_count);
    return OBS_OK;
}

/* The row as a JSON object: a cell that is a number as JSON writes it is one, an empty cell is left out. 0: not UTF-8. */
static int write_row(ctl_records *records, FILE *out, char **cells)
{
    const char *before = "{";
    for (int i = 0; i < records->column_count; i++) {
        if (!*cells[i])
            continue;
        char *text = ctl_is_number(cells[i]) ? strdup(cells[i]) : ctl_json_string(cells[i]);
        if (!text) {
            snprintf(records->reason, sizeof records->reason, "cell %d is not valid UTF-8", i + 1);
            return 0;
        }
        fprintf(out, "%s%s:%s", before, records->columns[i], text);
        free(text);
        before = ",";
    }
    fputs(*before == '{' ? "{}" : "}", out);
    return 1;
}

static obs_status next_row(ctl_records *records, ctl_record *out)
{
    char *cells[COLUMNS_LIMIT] = {""};
    int count;
    do {
        out->line = records->line + 1;
        count = split_row(records, cells);
    } while (count == 1 && !*cells[0] && records->at < records->size);
    if (count == 0 || (count == 1 && !*cells[0]))
        return OBS_OK;
    if (count != records->column_count)
        return refuse_row(records, out, count, count < 0 ? "" : cells[0]);
    free(records->text);
    records->text = NULL;
    FILE *text = open_memstream(&records->text, &out->size);
    if (!text)
        return ctl_fail_memory(records->ctl);
    int written = write_row(records, text, cells);
    if (fclose(text) != 0)
        return ctl_fail_memory(records->ctl);
    out->text = records->text;
    out->reason = written ? NULL : records->reason;
    return OBS_OK;
}

/* The names of the columns, as JSON strings. */
obs_status ctl_records_csv(ctl_records *records)
{
    char *cells[COLUMNS_LIMIT];
    ctl *ctl = records->ctl;
    int count = split_row(records, cells);
    if (count <= 0 || !*cells[0])
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%s' has no header row that names its columns", records->path);
    records->next = next_row;
    records->columns = calloc((size_t)count, sizeof *records->columns);
    if (!records->columns)
        return ctl_fail_memory(ctl);
    for (; records->column_count < count; records->column_count++) {
        const char *name = cells[records->column_count];
        char *text = ctl_json_string(name);
        if (!text || !*name) {
            free(text);
            return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "%s:1: column %d has no name", records->path, records->column_count + 1);
        }
        for (int i = 0; i < records->column_count; i++)
            if (strcmp(records->columns[i], text) == 0) {
                free(text);
                return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "%s:1: two columns are called '%s'", records->path, name);
            }
        records->columns[records->column_count] = text;
    }
    return OBS_OK;
}
