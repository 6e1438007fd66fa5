/* lineage */
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"

#define TREE_DEPTH 20

/* All rows of a lineage, in the order in which they came. */
typedef struct graph {
    json_t *rows;   /* list */
    json_t *by_key; /* object: key to row */
    json_t *next;   /* object: key to the list of keys beyond it */
    json_t *shown;  /* object: keys that were shown with what is beyond them */
    int down;
} graph;

static void graph_free(graph *graph)
{
    json_decref(graph->rows);
    json_decref(graph->by_key);
    json_decref(graph->next);
    json_decref(graph->shown);
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}

static void add_edge(graph *graph, const char *from, const char *to)
{
    json_t *list = json_object_get(graph->next, from);
    if (!list) {
        list = json_array();
        json_object_set_new(graph->next, from, list);
    }
    json_array_append_new(list, ctl_text(to));
}

/* What lies beyond each row: what it was made from, or turned around. */
static void add_edges(graph *graph)
{
    size_t index, inner;
    json_t *row, *source;
    json_array_foreach(graph->rows, index, row) json_array_foreach(json_object_get(row, "made_from"), inner, source)
    {
        const char *key = text_of(row, "key"), *other = json_string_value(source);
        if (!other || !json_object_get(graph->by_key, other))
            continue;
        if (graph->down)
            add_edge(graph, other, key);
        else
            add_edge(graph, key, other);
    }
}

static obs_status read_graph(ctl *ctl, graph *graph, obs_rows *rows)
{
    const char *text;
    size_t size;
    obs_status status;
    graph->rows = json_array();
    graph->by_key = json_object();
    graph->next = json_object();
    graph->shown = json_object();
    while ((status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        if (!row || json_object_set(graph->by_key, text_of(row, "key"), row) != 0 ||
            json_array_append_new(graph->rows, row) != 0)
            return ctl_fail_memory(ctl);
    }
    if (status == OBS_OK)
        add_edges(graph);
    return status;
}

/* Whether the one was made from another version of the other than there is now. */
static int is_outdated(const json_t *made, const json_t *source)
{
    const json_t *used = json_object_get(json_object_get(made, "inputs"), text_of(source, "key"));
    return used && !json_equal((json_t *)(uintptr_t)used, json_object_get(source, "sha256"));
}

/* Which function made it, and with which configuration if it asked for one. */
static void print_maker(const json_t *labels)
{
    const char *function = text_of(labels, "function"), *digest = text_of(labels, "digest");
    const char *configuration = text_of(labels, "configuration"), *version = text_of(labels, "configuration_version");
    if (!*function || !*digest)
        return;
    fputs("  by ", stdout);
    ctl_print_text(stdout, function, strlen(function));
    putchar('@');
    ctl_print_text(stdout, digest, strnlen(digest, 16));
    if (*configuration) {
        fputs("  configuration ", stdout);
        ctl_print_text(stdout, configuration, strnlen(configuration, 12));
    }
    if (*version) {
        fputs(" version ", stdout);
        ctl_print_text(stdout, version, strlen(version));
    }
}

static void print_node(const graph *graph, const json_t *row, const json_t *above, int again)
{
    const char *key = text_of(row, "key"), *type = text_of(row, "type");
    ctl_print_text(stdout, key, strlen(key));
    if (!json_is_true(json_object_get(row, "known"))) {
        fputs("  (not in the catalog)", stdout);
    } else {
        printf("  %.12s", text_of(row, "sha256"));
        if (*type) {
            fputs("  ", stdout);
            ctl_print_text(stdout, type, strlen(type));
        }
    }
    print_maker(json_object_get(row, "labels"));
    if (above && is_outdated(graph->down ? row : above, graph->down ? above : row))
        fputs(graph->down ? "  (made from another version)" : "  (has changed since)", stdout);
    fputs(again ? "  (see above)\n" : json_is_true(json_object_get(row, "more")) ? "  ...\n" : "\n", stdout);
}

/* What stands before the line of each node; as long as the tree is deep. */
typedef struct indent {
    const struct indent *above;
    int last;
} indent;

static void print_indent(const indent *indent)
{
    if (!indent)
        return;
    print_indent(indent->above);
    fputs(indent->last ? "    " : "|   ", stdout);
}

/* As deep as --depth allows, which is bounded. Each key is shown once with what lies beyond it. */
static void print_tree(const graph *graph, const json_t *row, const json_t *above, const indent *before)
{
    const char *key = text_of(row, "key");
    const json_t *beyond = json_object_get(graph->next, key);
    int again = json_object_get(graph->shown, key) != NULL;
    size_t index, count = json_array_size(beyond);
    json_t *name;
    if (before) {
        print_indent(before->above);
        fputs(before->last ? "`-- " : "|-- ", stdout);
    }
    print_node(graph, row, above, again && count);
    if (again || ferror(stdout))
        return;
    json_object_set_new(graph->shown, key, json_true());
    json_array_foreach(beyond, index, name)
    {
        const indent inner = {before, index + 1 == count};
        print_tree(graph, json_object_get(graph->by_key, json_string_value(name)), row, &inner);
    }
}

/* A DOT string: what a terminal must not see is escaped first, then what DOT must not. */
static void print_dot_text(const char *text)
{
    size_t capacity = 8 * strlen(text) + 1;
    char *shown = malloc(capacity);
    if (shown)
        obs_text_escape(shown, capacity, text, OBS_TEXT);
    putchar('"');
    for (const char *at = shown ? shown : ""; *at; at++) {
        if (*at == '"' || *at == '\\')
            putchar('\\');
        putchar(*at);
    }
    putchar('"');
    free(shown);
}

static void print_dot(const graph *graph)
{
    size_t index, inner;
    json_t *row, *source;
    puts("digraph lineage {\n    rankdir=LR;\n    node [shape=box];");
    json_array_foreach(graph->rows, index, row)
    {
        fputs("    ", stdout);
        print_dot_text(text_of(row, "key"));
        puts(json_is_true(json_object_get(row, "known")) ? ";" : " [style=dashed];");
    }
    json_array_foreach(graph->rows, index, row) json_array_foreach(json_object_get(row, "made_from"), inner, source)
    {
        const json_t *from = json_object_get(graph->by_key, json_string_value(source));
        if (!from)
            continue;
        fputs("    ", stdout);
        print_dot_text(json_string_value(source));
        fputs(" -> ", stdout);
        print_dot_text(text_of(row, "key"));
        puts(is_outdated(row, from) ? " [style=dashed];" : ";");
    }
    puts("}");
}

static obs_status show_graph(ctl *ctl, obs_rows *rows, int down)
{
    graph graph = {.down = down};
    obs_status status = read_graph(ctl, &graph, rows);
    if (status == OBS_OK && ctl_get(ctl, "dot"))
        print_dot(&graph);
    else if (status == OBS_OK)
        print_tree(&graph, json_array_get(graph.rows, 0), NULL, NULL);
    graph_free(&graph);
    return status;
}

static obs_status print_lines(ctl *ctl, obs_rows *rows)
{
    const char *text;
    size_t size;
    obs_status status;
    while ((status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text && !ferror(stdout))
        ctl_write_json(text, size);
    return status;
}

obs_status ctl_run_lineage(ctl *ctl)
{
    obs_lineage_options options;
    obs_rows *rows = NULL;
    int is_tree = !ctl->json && !ctl_get(ctl, "dot");
    long long depth = is_tree ? TREE_DEPTH : 0, nodes = 0;
    obs_lineage_options_init(&options, sizeof options);
    if (ctl_get(ctl, "up") && ctl_get(ctl, "down"))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--up and --down: one at a time");
    obs_status status = ctl_number(ctl, "depth", 1, is_tree ? 1000 : 1000000, &depth);
    if (status == OBS_OK)
        status = ctl_number(ctl, "limit", 1, 1000000, &nodes);
    options.call = &ctl->call;
    options.direction = ctl_get(ctl, "down") ? OBS_LINEAGE_DOWN : OBS_LINEAGE_UP;
    options.depth = (uint32_t)depth;
    options.nodes = (size_t)nodes;
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status =
            obs_catalog_lineage(&rows, obs_client_catalog(ctl->client), ctl->arguments[0], OBS_TEXT, &options, &ctl->error);
    if (status == OBS_OK)
        status = ctl->json ? print_lines(ctl, rows) : show_graph(ctl, rows, options.direction == OBS_LINEAGE_DOWN);
    obs_rows_free(rows);
    return status;
}
