/* What people read: tables and properties, escaped for a terminal. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "obsctl/ctl.h"

void ctl_print_text(FILE *out, const char *text, size_t size)
{
    char piece[4096];
    while (size) { /* in pieces that end between characters: an escape may be eight times as long */
        size_t part = size < sizeof piece / 8 ? size : sizeof piece / 8;
        while (part < size && part > 1 && ((unsigned char)text[part] & 0xC0) == 0x80)
            part--;
        obs_text_escape(piece, sizeof piece, text, part);
        fputs(piece, out);
        text += part;
        size -= part;
    }
}

/* A growing text; failure leaves NULL. */
static void append(char **text, const char *more)
{
    char *joined = NULL;
    if (*text && asprintf(&joined, "%s%s", *text, more) < 0)
        joined = NULL;
    free(*text);
    *text = joined;
}

static void append_escaped(char **text, const char *more)
{
    size_t capacity = 8 * strlen(more) + 1;
    char *shown = malloc(capacity);
    if (shown)
        obs_text_escape(shown, capacity, more, OBS_TEXT);
    append(text, shown ? shown : "");
    free(shown);
}

/* A member of a row as text for a cell; labels as `name=value name=value`. */
static char *cell_of(const json_t *value)
{
    char *text = strdup("");
    if (json_is_string(value)) {
        append_escaped(&text, json_string_value(value));
    } else if (json_is_object(value)) {
        const char *name;
        json_t *member;
        json_object_foreach((json_t *)value, name, member)
        {
            char *inner = cell_of(member);
            if (text && *text)
                append(&text, " ");
            append_escaped(&text, name);
            append(&text, "=");
            append(&text, inner ? inner : "");
            free(inner);
        }
    } else if (value && !json_is_null(value)) {
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
        append(&text, dumped ? dumped : "");
        free(dumped);
    }
    return text ? text : strdup("");
}

/* How many columns a text takes: one for each character. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

#define COLUMNS_MAX 12
#define TABLE_ROWS 200 /* widths are measured over so many rows, so that output begins soon and memory is bounded */

struct table {
    const ctl_column *columns;
    int count;
    int widths[COLUMNS_MAX];
    char *cells[TABLE_ROWS][COLUMNS_MAX];
    int rows;
    int begun;
};

static void print_line(const struct table *table, char *const cells[])
{
    for (int i = 0; i < table->count; i++) {
        int pad = table->widths[i] - width_of(cells[i]);
        int last = i == table->count - 1;
        if (table->columns[i].right)
            printf("%*s", pad > 0 ? pad : 0, "");
        fputs(cells[i], stdout);
        if (!table->columns[i].right && !last)
            printf("%*s", pad > 0 ? pad : 0, "");
        fputs(last ? "\n" : "  ", stdout);
    }
}

static void print_table(struct table *table)
{
    for (int i = 0; i < table->count && !table->begun; i++)
        if (width_of(table->columns[i].title) > table->widths[i])
            table->widths[i] = width_of(table->columns[i].title);
    for (int r = 0; r < table->rows; r++)
        for (int i = 0; i < table->count; i++)
            if (width_of(table->cells[r][i]) > table->widths[i])
                table->widths[i] = width_of(table->cells[r][i]);
    if (!table->begun && table->rows) {
        char *titles[COLUMNS_MAX];
        for (int i = 0; i < table->count; i++)
            titles[i] = (char *)table->columns[i].title;
        print_line(table, titles);
        table->begun = 1;
    }
    for (int r = 0; r < table->rows; r++) {
        print_line(table, table->cells[r]);
        for (int i = 0; i < table->count; i++)
            free(table->cells[r][i]);
    }
    table->rows = 0;
}

static void add_row(struct table *table, const char *text, size_t size)
{
    json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    for (int i = 0; i < table->count; i++)
        table->cells[table->rows][i] = cell_of(json_object_get(row, table->columns[i].member));
    json_decref(row);
    if (++table->rows == TABLE_ROWS)
        print_table(table);
}

void ctl_print_more(const ctl *ctl, const obs_rows *rows)
{
    const char *position = ctl_get(ctl, "limit") ? obs_rows_position(rows) : "";
    if (!*position)
        return;
    if (ctl->json) {
        ctl_print_json(json_pack("{s:o}", "next", ctl_text(position)));
        return;
    }
    fflush(stdout);
    fputs("there is more: --after '", stderr);
    ctl_print_text(stderr, position, strlen(position));
    fputs("'\n", stderr);
}

obs_status ctl_print_rows(ctl *ctl, obs_rows *rows, const ctl_column *columns)
{
    static struct table table;
    const char *text;
    size_t size;
    table = (struct table){.columns = columns};
    while (table.count < COLUMNS_MAX && columns[table.count].member)
        table.count++;
    obs_status status;
    while ((status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text && !ferror(stdout)) {
        if (ctl->json)
            ctl_write_json(text, size);
        else
            add_row(&table, text, size);
    }
    print_table(&table);
    if (status == OBS_OK)
        ctl_print_more(ctl, rows);
    obs_rows_free(rows);
    return status;
}

void ctl_format_time(char *out, size_t size, const char *format, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || !strftime(out, size, format, &parts))
        *out = '\0';
    size_t used = strlen(out);
    if (strstr(format, "T%H")) /* RFC 3339 */
        snprintf(out + used, size - used, ".%03dZ", (int)(ns / 1000000 % 1000));
}

int ctl_width(FILE *out)
{
    struct winsize window;
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    if (width <= 0 && ioctl(fileno(out), TIOCGWINSZ, &window) == 0)
        width = window.ws_col;
    return width > 0 ? width : 80;
}

static void print_pairs(const char *title, const obs_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("%-12s ", i ? "" : title);
        ctl_print_text(stdout, pairs[i].name, strlen(pairs[i].name));
        putchar('=');
        ctl_print_text(stdout, pairs[i].value, strlen(pairs[i].value));
        putchar('\n');
    }
}

void ctl_print_stat(const ctl *ctl, const obs_stat *stat)
{
    char time[40];
    if (ctl->json) {
        ctl_print_json(ctl_stat_json(stat));
        return;
    }
    ctl_format_time(time, sizeof time, "%Y-%m-%dT%H:%M:%S", stat->modified_ns);
    printf("%-12s ", "key");
    ctl_print_text(stdout, stat->key, stat->key_size);
    printf("\n%-12s %" PRIu64 "\n%-12s %s\n%-12s %s\n", "size", stat->size, "modified", time, "etag", stat->etag);
    if (*stat->content_type) {
        printf("%-12s ", "type");
        ctl_print_text(stdout, stat->content_type, strlen(stat->content_type));
        putchar('\n');
    }
    if (*stat->sha256)
        printf("%-12s %s\n", "sha256", stat->sha256);
    print_pairs("labels", stat->labels, stat->label_count);
    print_pairs("metadata", stat->metadata, stat->metadata_count);
    if (stat->changed_outside)
        puts("changed outside of libobs: no checksum; 'obsctl adopt' takes it as it is now");
}
