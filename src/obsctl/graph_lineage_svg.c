/*
 * A lineage as SVG: what was used on the left, what was made from it on the right. gnuplot has nothing to give here, so the
 * document is written as it is.
 */
#include <string.h>

#include "obsctl/graph_lineage.h"

#define BOX_WIDTH 230
#define BOX_HEIGHT 44
#define COLUMN 300
#define ROW 64
#define EDGE 30
#define HEAD 50
#define FOOT 40
#define BEND 35
#define SHOWN 31 /* characters of a key in a box */
#define LEAST_WIDTH 560

static int left_of(const lineage_node *node)
{
    return EDGE + node->column * COLUMN;
}

static int middle_of(const lineage_node *node)
{
    return HEAD + node->line * ROW + BOX_HEIGHT / 2;
}

/* Straight to the next column; over several of them between two rows, so that it does not seem to come out of a box there. */
static void put_path(FILE *out, const lineage_node *source, const lineage_node *made)
{
    int x = left_of(source) + BOX_WIDTH, y = middle_of(source), to_x = left_of(made) - 6, to_y = middle_of(made);
    if (made->column == source->column + 1) {
        fprintf(out, "M%d,%d C%d,%d %d,%d %d,%d", x, y, x + BEND, y, to_x - BEND, to_y, to_x, to_y);
        return;
    }
    int between = (source->line > made->line ? middle_of(source) : middle_of(made)) + ROW / 2;
    int begin = x + 2 * BEND, end = to_x - 2 * BEND;
    fprintf(out, "M%d,%d C%d,%d %d,%d %d,%d L%d,%d C%d,%d %d,%d %d,%d", x, y, x + BEND, y, x + BEND, between, begin, between,
            end, between, to_x - BEND, between, to_x - BEND, to_y, to_x, to_y);
}

static void put_arrow(FILE *out, const lineage *lineage, const lineage_arrow *arrow)
{
    const lineage_node *source = &lineage->nodes[arrow->source], *made = &lineage->nodes[arrow->made];
    fputs("<path class=\"edge\" d=\"", out);
    put_path(out, source, made);
    fprintf(out, "\" fill=\"none\" stroke=\"%s\"%s marker-end=\"url(#arrow)\"><title>",
            arrow->has_changed ? "#d55e00" : "#666666", arrow->has_changed ? " stroke-dasharray=\"5,3\"" : "");
    graph_xml_text(out, made->key);
    fputs(" was made from ", out);
    graph_xml_text(out, source->key);
    fputs(arrow->has_changed ? ", which has changed since</title></path>\n" : "</title></path>\n", out);
}

/* The end of a key tells more than its beginning. */
static void put_short(FILE *out, const char *text)
{
    size_t count = 0;
    const char *from = text + strlen(text);
    while (from > text && count < SHOWN) {
        from--;
        count += ((unsigned char)*from & 0xC0) != 0x80;
    }
    fputs(from > text ? "\xe2\x80\xa6" : "", out);
    graph_xml_text(out, from);
}

/* The inner svg cuts off what is too wide. */
static void put_box(FILE *out, const lineage_node *node, int is_entry)
{
    fputs("<g class=\"node\"><title>", out);
    graph_xml_text(out, node->key);
    fprintf(out,
            "</title><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" fill=\"%s\" stroke=\"#0072b2\"/>"
            "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><text x=\"0\" y=\"18\" font-size=\"11\">",
            left_of(node), middle_of(node) - BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT, is_entry ? "#d6e9f5" : "#ffffff",
            left_of(node) + 8, middle_of(node) - BOX_HEIGHT / 2, BOX_WIDTH - 12, BOX_HEIGHT);
    put_short(out, node->key);
    fputs("</text><text x=\"0\" y=\"34\" font-size=\"10\" fill=\"#666666\">", out);
    put_short(out, lineage_kind_of(node));
    fputs("</text></svg></g>\n", out);
}

static void put_title(const lineage *lineage, FILE *out)
{
    const char *title = ctl_get(lineage->ctl, "title");
    graph_xml_text(out, title ? title : "Lineage: ");
    graph_xml_text(out, title ? "" : lineage->nodes[0].key);
}

static void put_head(const lineage *lineage, FILE *out, int width, int height)
{
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<svg role=\"img\" aria-labelledby=\"obs-title obs-desc\" width=\"%d\" "
            "height=\"%d\" viewBox=\"0 0 %d %d\" xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\">\n"
            "<title id=\"obs-title\">",
            width, height, width, height);
    put_title(lineage, out);
    fputs("</title>\n<desc id=\"obs-desc\">What was used stands on the left, what was made from it on the right. ", out);
    lineage_write_note(lineage, out);
    fprintf(out,
            ".</desc>\n<defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"8\" refY=\"5\" markerWidth=\"7\" "
            "markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0 L10,5 L0,10 z\" fill=\"#666666\"/></marker></defs>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n<text x=\"%d\" y=\"30\" font-size=\"14\">",
            EDGE);
    put_title(lineage, out);
    fputs("</text>\n", out);
}

void lineage_write_svg(const lineage *lineage, FILE *out)
{
    int width = 2 * EDGE + (lineage->columns - 1) * COLUMN + BOX_WIDTH, height = HEAD + lineage->lines * ROW + FOOT;
    int changed = 0;
    put_head(lineage, out, width > LEAST_WIDTH ? width : LEAST_WIDTH, height);
    for (size_t i = 0; i < lineage->arrow_count; i++) {
        put_arrow(out, lineage, &lineage->arrows[i]);
        changed |= lineage->arrows[i].has_changed;
    }
    for (size_t i = 0; i < lineage->count; i++)
        put_box(out, &lineage->nodes[i], i == 0);
    fprintf(out, "<text x=\"%d\" y=\"%d\" font-size=\"9\" fill=\"#666666\">", EDGE, height - 10);
    lineage_write_note(lineage, out);
    fputs(changed ? "; dashed: what was used has changed since</text>\n</svg>\n" : "</text>\n</svg>\n", out);
}
