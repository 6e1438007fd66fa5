/*
 * A picture as SVG. gnuplot draws it from numbers and marks; no text that users made is in its script. What a mark stands for
 * is put in its place afterwards, escaped for XML, so that a title can neither be a command nor markup nor anything but text.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/graph.h"

#define TEXTS 100 /* marks have two digits */
#define MARK "Qz"
#define MARK_SIZE 4
#define PLOT_ID "obs_plot_"
/* Around and between several panels, in pixels. */
#define LEFT 90.0
#define RIGHT 25.0
#define BOTTOM 75.0
#define TOP 60.0
#define BETWEEN 34.0

/* Colours that can be told apart by everybody (Okabe and Ito), with shapes that can, too. When colours come again it is with
 * other shapes. */
static const char *const colors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999933"};
static const int shapes[] = {7, 5, 9, 11, 13, 6, 4, 8};
#define COLORS (sizeof colors / sizeof colors[0])

struct drawing {
    const graph *graph;
    FILE *script;
    const char *texts[TEXTS];
    int text_count;
    const char *names[GRAPH_PANELS * (GRAPH_SERIES + GRAPH_LINES)]; /* of what is drawn, in its order */
    int name_count;
};

static int characters_of(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* A mark as long as the text, as gnuplot leaves room for what it sees. */
static void add_text(struct drawing *drawing, const char *text)
{
    if (!*text || drawing->text_count == TEXTS) {
        fputs("''", drawing->script);
        return;
    }
    fprintf(drawing->script, "'" MARK "%02d", drawing->text_count);
    for (int i = characters_of(text); i > MARK_SIZE; i--)
        fputc('z', drawing->script);
    fputc('\'', drawing->script);
    drawing->texts[drawing->text_count++] = text;
}

static void add_axis(struct drawing *drawing, char name, const graph_axis *axis, int is_labelled)
{
    FILE *out = drawing->script;
    fprintf(out, "set %crange [%.17g:%.17g]\nset %clabel ", name, axis->reversed ? axis->most : axis->least,
            axis->reversed ? axis->least : axis->most, name);
    add_text(drawing, axis->label);
    if (axis->is_hidden) {
        fprintf(out, "\nunset %ctics\n", name);
        return;
    }
    fprintf(out, "\nset %ctics (", name);
    for (int i = 0; i < axis->tick_count; i++)
        fprintf(out, "%s'%s' %.17g", i ? "," : "", is_labelled ? axis->ticks[i].label : "", axis->ticks[i].at);
    fputs(")\n", out);
}

/* An empty line ends what is joined. */
static void add_points(FILE *out, const graph_panel *panel, const char *name, int number, const graph_point *points,
                       size_t count)
{
    fprintf(out, "$%s%d << END\n", name, number);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%.17g %.17g\n",
                i && panel->join_within > 0 && !graph_is_joined(panel, points[i - 1], points[i]) ? "\n" : "", points[i].x,
                points[i].y);
    fputs("END\n", out);
}

static void add_style(FILE *out, const graph_panel *panel, int number, size_t count)
{
    const char *color = colors[(size_t)number % COLORS];
    if (panel->bars)
        fprintf(out, "with boxes fill solid 0.7 lc rgb '%s'", color);
    else if (panel->joined)
        fprintf(out, "with %s lw 1 pt 7 ps 0.3 lc rgb '%s'", count > 60 ? "lines" : "linespoints", color);
    else
        fprintf(out, "with points pt %d ps %s lc rgb '%s'", shapes[((size_t)number + (size_t)number / COLORS) % COLORS],
                count > 400 ? "0.3" : "0.5", color);
}

static void add_plot(struct drawing *drawing, const graph_panel *panel)
{
    FILE *out = drawing->script;
    for (int i = 0; i < panel->line_count; i++)
        add_points(out, panel, "line", i, panel->lines[i].points, panel->lines[i].count);
    for (int i = 0; i < panel->series_count; i++)
        add_points(out, panel, "data", i, panel->series[i].points, panel->series[i].count);
    fputs("plot ", out);
    for (int i = 0; i < panel->line_count; i++) {
        fprintf(out, "$line%d using 1:2 with lines lw 0.5 lc rgb '#aaaaaa' notitle, ", i);
        drawing->names[drawing->name_count++] = "grid";
    }
    for (int i = 0; i < panel->series_count; i++) {
        fprintf(out, "%s$data%d using 1:2%s ", i ? ", " : "", i, panel->bars ? i ? ":(1500)" : ":(3000)" : "");
        add_style(out, panel, i, panel->series[i].count);
        fputs(" title ", out);
        add_text(drawing, panel->series[i].name);
        drawing->names[drawing->name_count++] = panel->series[i].name;
    }
    if (!panel->series_count)
        fputs("1/0 notitle", out);
    fputc('\n', out);
}

static void add_line_labels(const struct drawing *drawing, const graph_panel *panel)
{
    for (int i = 0; i < panel->line_count; i++) {
        const graph_line *line = &panel->lines[i];
        if (line->label[0])
            fprintf(drawing->script, "set label '%s' at %.17g,%.17g font ',9' tc rgb '#666666' offset 0.3,0.3\n", line->label,
                    line->label_at.x, line->label_at.y);
    }
}

/* The time of all panels stands below the last one. */
static void add_panel(struct drawing *drawing, const graph_panel *panel)
{
    FILE *out = drawing->script;
    const graph *graph = drawing->graph;
    fputs("set title ", out);
    add_text(drawing, graph->panel_count == 1 ? graph->title : panel->title);
    fputs(graph->panel_count == 1 ? "\n" : " offset 0,-0.6\n", out); /* nearer to its own panel than to the one above */
    add_axis(drawing, 'x', &panel->x, panel == graph->panels[graph->panel_count - 1]);
    add_axis(drawing, 'y', &panel->y, 1);
    fputs(panel->square ? "set size ratio -1\nunset grid\n" : "", out);
    add_line_labels(drawing, panel);
    add_plot(drawing, panel);
    fputs("unset label\n", out);
}

static void write_script(struct drawing *drawing)
{
    const graph *graph = drawing->graph;
    FILE *out = drawing->script;
    fprintf(out,
            "set terminal svg noenhanced size %d,%d name 'obs' font 'sans-serif,12' background '#ffffff'\nset encoding utf8\n"
            "set grid xtics ytics lc rgb '#dddddd'\nset tics nomirror\nset key outside right top\n",
            graph->width, graph->height);
    if (graph->panel_count > 1) {
        fprintf(out, "set multiplot layout %d,1 title ", graph->panel_count);
        add_text(drawing, graph->title);
        fprintf(out, " margins %.4f,%.4f,%.4f,%.4f spacing 0,%.4f\n", LEFT / graph->width, 1 - RIGHT / graph->width,
                BOTTOM / graph->height, 1 - TOP / graph->height, BETWEEN / graph->height);
    } else
        fputs("set bmargin 5\n", out);
    fputs("set label ", out);
    add_text(drawing, graph->note);
    fputs(" at screen 0.99,0.02 right font ',9' tc rgb '#666666'\n", out);
    for (int i = 0; i < graph->panel_count; i++)
        add_panel(drawing, graph->panels[i]);
    if (graph->panel_count > 1)
        fputs("unset multiplot\n", out);
}

void graph_xml_text(FILE *out, const char *text)
{
    size_t size = strlen(text), capacity = 8 * size + 1;
    char *shown = malloc(capacity);
    if (!shown)
        return;
    obs_text_escape(shown, capacity, text, size);
    for (const char *at = shown; *at; at++) {
        if (strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0) { /* no characters of XML */
            fputs("\xef\xbf\xbd", out);
            at += 2;
        } else if (strchr("<>&\"'", *at))
            fprintf(out, "&#%d;", *at);
        else
            fputc(*at, out);
    }
    free(shown);
}

static void describe_axis(FILE *out, const char *name, const graph_axis *axis)
{
    char least[40], most[40];
    if (!(axis->least <= axis->most) || axis->is_hidden)
        return;
    snprintf(least, sizeof least, "%.10g", axis->least);
    snprintf(most, sizeof most, "%.10g", axis->most);
    if (axis->is_time) {
        graph_format_time(least, sizeof least, axis->least, 86400);
        graph_format_time(most, sizeof most, axis->most, 86400);
    }
    fprintf(out, " %s: ", name);
    graph_xml_text(out, axis->label);
    fprintf(out, ", %s to %s%s.", least, most, axis->reversed ? ", reversed" : "");
}

/* What a person hears who cannot see it. */
static void describe(FILE *out, const graph *graph)
{
    fputs("<title id=\"obs-title\">", out);
    graph_xml_text(out, graph->title);
    fputs("</title>\n<desc id=\"obs-desc\">", out);
    graph_xml_text(out, graph->note);
    fputc('.', out);
    for (int i = 0; i < graph->panel_count; i++) {
        const graph_panel *panel = graph->panels[i];
        if (graph->panel_count > 1) {
            fputc(' ', out);
            graph_xml_text(out, panel->title);
            fputc(':', out);
        }
        describe_axis(out, "across", &panel->x);
        describe_axis(out, "up", &panel->y);
        for (int s = 0; s < panel->series_count; s++) {
            fputc(' ', out);
            graph_xml_text(out, panel->series[s].name);
            fprintf(out, "%s%llu points.", panel->series[s].name[0] ? ": " : "", panel->series[s].total);
        }
    }
    fputs("</desc>\n", out);
}

/* A mark, or a name of what is drawn. Returns what follows it. */
static const char *put_text(FILE *out, const struct drawing *drawing, const char *at)
{
    int number = (at[2] - '0') * 10 + at[3] - '0';
    if (number < drawing->text_count)
        graph_xml_text(out, drawing->texts[number]);
    at += MARK_SIZE;
    return at + strspn(at, "z");
}

static const char *put_plot(FILE *out, const struct drawing *drawing, const char *at, int *plots)
{
    int is_title = *at == '<';
    at += (is_title ? strlen("<title>") : strlen("id=\"")) + strlen(PLOT_ID);
    at += strcspn(at, "\"<"); /* a number, with a letter behind it in pictures of several panels */
    *plots += !is_title;      /* panels begin again with 1, but a document has each id once */
    if (!is_title) {
        fprintf(out, "id=\"series-%d", *plots);
        return at;
    }
    fputs("<title>", out);
    if (*plots && *plots <= drawing->name_count)
        graph_xml_text(out, drawing->names[*plots - 1]);
    return at;
}

/* gnuplot's document with texts in the place of marks. */
static void write_document(FILE *out, const struct drawing *drawing, const char *text)
{
    static const char head[] = "<svg ", title[] = "<title>obs</title>", end[] = "</desc>";
    int plots = 0, headed = 0;
    for (const char *at = text; *at;) {
        const char *desc;
        if (!headed && strncmp(at, head, strlen(head)) == 0) {
            fputs("<svg role=\"img\" aria-labelledby=\"obs-title obs-desc\" ", out);
            at += strlen(head);
            headed = 1;
        } else if (strncmp(at, title, strlen(title)) == 0 && (desc = strstr(at, end))) {
            describe(out, drawing->graph);
            at = desc + strlen(end);
        } else if (strncmp(at, "<title>" PLOT_ID, 16) == 0 || strncmp(at, "id=\"" PLOT_ID, 13) == 0)
            at = put_plot(out, drawing, at, &plots);
        else if (strncmp(at, MARK, 2) == 0 && isdigit((unsigned char)at[2]) && isdigit((unsigned char)at[3]))
            at = put_text(out, drawing, at);
        else
            fputc(*at++, out);
    }
}

static obs_status draw(ctl *ctl, struct drawing *drawing, const ctl_target *target)
{
    char *script = NULL, *text = NULL, *document = NULL;
    size_t size = 0, text_size = 0, document_size = 0;
    drawing->script = open_memstream(&script, &size);
    if (!drawing->script)
        return ctl_fail_memory(ctl);
    write_script(drawing);
    obs_status status = fclose(drawing->script) == 0 ? OBS_OK : ctl_fail_memory(ctl);
    if (status == OBS_OK)
        status = graph_run_gnuplot(ctl, script, size, &text, &text_size);
    FILE *out = status == OBS_OK ? open_memstream(&document, &document_size) : NULL;
    if (out)
        write_document(out, drawing, text);
    if (status == OBS_OK && (!out || fclose(out) != 0))
        status = ctl_fail_memory(ctl);
    if (status == OBS_OK)
        status = ctl_target_write(ctl, target, document, document_size);
    free(script);
    free(text);
    free(document);
    return status;
}

obs_status graph_write_svg(ctl *ctl, const graph *graph, const ctl_target *target)
{
    struct drawing *drawing = calloc(1, sizeof *drawing);
    if (!drawing)
        return ctl_fail_memory(ctl);
    drawing->graph = graph;
    obs_status status = draw(ctl, drawing, target);
    free(drawing);
    return status;
}
