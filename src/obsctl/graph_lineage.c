/*
 * A lineage: what an entry was made from, and what was made from it. In the terminal it is two trees; as SVG, boxes and arrows
 * (graph_lineage_svg.c).
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/graph_lineage.h"

static obs_status add_node(lineage *lineage, json_t *row, int sign)
{
    const char *key = json_string_value(json_object_get(row, "key"));
    int depth = sign * (int)json_integer_value(json_object_get(row, "depth"));
    lineage->more |= json_is_true(json_object_get(row, "more"));
    if (!key || json_object_get(lineage->places, key)) { /* the entry itself, or a circle */
        json_decref(row);
        return OBS_OK;
    }
    lineage->nodes[lineage->count++] = (lineage_node){.row = row, .key = key, .depth = depth}; /* freed with the nodes */
    if (json_object_set_new(lineage->places, key, json_integer((json_int_t)lineage->count - 1)) != 0)
        return ctl_fail_memory(lineage->ctl);
    return OBS_OK;
}

static obs_status read_direction(lineage *lineage, const char *key, int32_t direction)
{
    const char *text;
    size_t size;
    obs_rows *rows = NULL;
    obs_lineage_options options;
    ctl *ctl = lineage->ctl;
    obs_lineage_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.direction = direction;
    options.nodes = LINEAGE_NODES;
    obs_status status = obs_catalog_lineage(&rows, obs_client_catalog(ctl->client), key, OBS_TEXT, &options, &ctl->error);
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        status = row ? add_node(lineage, row, direction == OBS_LINEAGE_UP ? -1 : 1) : ctl_fail_memory(ctl);
    }
    obs_rows_free(rows);
    return status;
}

/* Whether there is another version of it now than was used. */
static int has_changed(const lineage_node *made, const lineage_node *source)
{
    const json_t *used = json_object_get(json_object_get(made->row, "inputs"), source->key);
    return json_is_string(used) && !json_equal((json_t *)(uintptr_t)used, json_object_get(source->row, "sha256"));
}

static void add_arrow(lineage *lineage, const json_t *source, size_t made)
{
    const json_t *place = json_string_value(source) ? json_object_get(lineage->places, json_string_value(source)) : NULL;
    if (!place)
        return;
    if (lineage->arrow_count == LINEAGE_ARROWS) {
        lineage->arrows_left_out++;
        return;
    }
    size_t from = (size_t)json_integer_value(place);
    lineage->arrows[lineage->arrow_count++] =
        (lineage_arrow){.source = from, .made = made, .has_changed = has_changed(&lineage->nodes[made], &lineage->nodes[from])};
}

static void find_arrows(lineage *lineage)
{
    size_t index;
    json_t *key;
    for (size_t i = 0; i < lineage->count; i++)
        json_array_foreach(json_object_get(lineage->nodes[i].row, "made_from"), index, key) add_arrow(lineage, key, i);
}

/* Every arrow leads to the right. With a circle that cannot be: then columns are steps from the entry. Returns whether. */
static int move_right(lineage *lineage)
{
    int moved = 1;
    for (size_t pass = 0; moved && pass < lineage->count; pass++) {
        moved = 0;
        for (size_t i = 0; i < lineage->arrow_count; i++) {
            const lineage_node *source = &lineage->nodes[lineage->arrows[i].source];
            lineage_node *made = &lineage->nodes[lineage->arrows[i].made];
            if (made->column > source->column || made == source)
                continue;
            made->column = source->column + 1;
            moved = 1;
        }
    }
    for (size_t i = 0; moved && i < lineage->count; i++)
        lineage->nodes[i].column = lineage->nodes[i].depth;
    return !moved;
}

/* What was used stands as near as it can to what was made from it. */
static void move_near(lineage *lineage)
{
    for (int moved = 1; moved;) {
        moved = 0;
        for (size_t i = 0; i < lineage->count; i++)
            lineage->nodes[i].most = INT_MAX;
        for (size_t i = 0; i < lineage->arrow_count; i++) {
            lineage_node *source = &lineage->nodes[lineage->arrows[i].source];
            int before = lineage->nodes[lineage->arrows[i].made].column - 1;
            source->most = before < source->most ? before : source->most;
        }
        for (size_t i = 0; i < lineage->count; i++) {
            lineage_node *node = &lineage->nodes[i];
            if (node->depth >= 0 || node->most == INT_MAX || node->most <= node->column)
                continue;
            node->column = node->most;
            moved = 1;
        }
    }
}

static void place_nodes(lineage *lineage)
{
    int least = 0;
    for (size_t i = 0; i < lineage->count; i++)
        lineage->nodes[i].column = lineage->nodes[i].depth;
    if (move_right(lineage))
        move_near(lineage);
    for (size_t i = 0; i < lineage->count; i++)
        least = lineage->nodes[i].column < least ? lineage->nodes[i].column : least;
    for (size_t i = 0; i < lineage->count; i++) {
        lineage_node *node = &lineage->nodes[i];
        node->column -= least;
        for (size_t other = 0; other < i; other++)
            node->line += lineage->nodes[other].column == node->column;
        lineage->lines = node->line + 1 > lineage->lines ? node->line + 1 : lineage->lines;
        lineage->columns = node->column + 1 > lineage->columns ? node->column + 1 : lineage->columns;
    }
}

const char *lineage_kind_of(const lineage_node *node)
{
    const char *type = json_string_value(json_object_get(node->row, "type"));
    const char *kind = json_string_value(json_object_get(node->row, "kind"));
    if (json_is_false(json_object_get(node->row, "known")))
        return "not in the catalog";
    return type && *type ? type : kind ? kind : "";
}

void lineage_write_note(const lineage *lineage, FILE *out)
{
    fprintf(out, "%zu entr%s", lineage->count, lineage->count == 1 ? "y" : "ies");
    if (lineage->more)
        fprintf(out, "; there are more than %d in a direction, and the others are not shown: 'obsctl lineage' lists them",
                LINEAGE_NODES);
    if (lineage->arrows_left_out)
        fprintf(out, "; %zu arrows more than %d are not shown", lineage->arrows_left_out, LINEAGE_ARROWS);
}

static void put_line(FILE *out, const lineage_node *node, int depth, const char *arrow)
{
    const char *kind = lineage_kind_of(node);
    fprintf(out, "%*s%s ", 3 * depth, "", arrow);
    ctl_print_text(out, node->key, strlen(node->key));
    fputs("  ", out);
    ctl_print_text(out, kind, strlen(kind));
}

/* Each entry once with what is beyond it; as deep as there are entries, of which there are not many. */
static void put_tree(lineage *lineage, FILE *out, size_t place, int depth, int down)
{
    lineage->nodes[place].printed = 1;
    for (size_t i = 0; i < lineage->arrow_count; i++) {
        const lineage_arrow *arrow = &lineage->arrows[i];
        size_t next = down ? arrow->made : arrow->source;
        int is_known = lineage->nodes[next].printed;
        if ((down ? arrow->source : arrow->made) != place)
            continue;
        put_line(out, &lineage->nodes[next], depth, graph_is_unicode() ? down ? "→" : "←" : down ? "->" : "<-");
        fputs(arrow->has_changed ? "  (has changed since)" : "", out);
        fputs(is_known ? "  (see above)\n" : "\n", out);
        if (!is_known)
            put_tree(lineage, out, next, depth + 1, down);
    }
}

static void put_text(lineage *lineage, FILE *out)
{
    const char *title = ctl_get(lineage->ctl, "title");
    if (title) {
        ctl_print_text(out, title, strlen(title));
        fputc('\n', out);
    }
    put_line(out, &lineage->nodes[0], 0, graph_is_unicode() ? "●" : "*");
    fputc('\n', out);
    put_tree(lineage, out, 0, 1, 0);
    for (size_t i = 0; i < lineage->count; i++)
        lineage->nodes[i].printed = 0;
    put_tree(lineage, out, 0, 1, 1);
    lineage_write_note(lineage, out);
    fputc('\n', out);
}

static void print_json(const lineage *lineage)
{
    for (size_t i = 0; i < lineage->count; i++) {
        json_t *row = lineage->nodes[i].row;
        ctl_print_json(json_pack("{s:o,s:i,s:b,s:O*}", "key", ctl_text(lineage->nodes[i].key), "depth", lineage->nodes[i].depth,
                                 "more", json_is_true(json_object_get(row, "more")), "made_from",
                                 json_object_get(row, "made_from")));
    }
}

static obs_status draw(lineage *lineage, int svg)
{
    ctl_target target;
    char *text = NULL;
    size_t size = 0;
    ctl *ctl = lineage->ctl;
    FILE *out = open_memstream(&text, &size);
    if (out && svg)
        lineage_write_svg(lineage, out);
    else if (out)
        put_text(lineage, out);
    obs_status status = out && fclose(out) == 0 ? OBS_OK : ctl_fail_memory(ctl);
    if (status == OBS_OK) {
        status = ctl_target_open(ctl, &target, ctl_get(ctl, "output"));
        if (status == OBS_OK)
            status = ctl_target_write(ctl, &target, text, size);
        status = ctl_target_close(ctl, &target, status);
    }
    free(text);
    return status;
}

static obs_status read_and_draw(lineage *lineage, const char *key, int svg)
{
    obs_status status = read_direction(lineage, key, OBS_LINEAGE_UP);
    if (status == OBS_OK)
        status = read_direction(lineage, key, OBS_LINEAGE_DOWN);
    if (status != OBS_OK || !lineage->count)
        return status;
    if (lineage->ctl->json) {
        print_json(lineage);
        return OBS_OK;
    }
    find_arrows(lineage);
    place_nodes(lineage);
    return draw(lineage, svg);
}

obs_status graph_lineage(ctl *ctl, const char *key, int svg)
{
    lineage lineage = {.ctl = ctl, .places = json_object()};
    lineage.nodes = calloc(2 * LINEAGE_NODES + 2, sizeof *lineage.nodes);
    lineage.arrows = calloc(LINEAGE_ARROWS, sizeof *lineage.arrows);
    obs_status status = lineage.places && lineage.nodes && lineage.arrows ? OBS_OK : ctl_fail_memory(ctl);
    if (status == OBS_OK)
        status = read_and_draw(&lineage, key, svg);
    for (size_t i = 0; i < lineage.count; i++)
        json_decref(lineage.nodes[i].row);
    free(lineage.nodes);
    free(lineage.arrows);
    json_decref(lineage.places);
    return status;
}
