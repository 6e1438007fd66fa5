/* A picture in the terminal: dots of braille where characters can be Unicode, else and where several series cannot be told
 * apart by colour, a character for each point. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/graph.h"

#define MARGIN 11 /* for what stands at the marks of the vertical axis */

static const char marks[] = "o+x*#@%&";
static const int colors[] = {34, 31, 32, 35, 36, 33, 37, 90};
#define COLORS 8
#define GRID 255

struct cell {
    unsigned char dots;   /* of braille */
    unsigned char series; /* who drew last, counted from 1, or GRID */
};

struct canvas {
    int width, height; /* in characters */
    int braille, color;
    struct cell *cells;
};

/* The eight dots of a braille character, two across and four down. */
static void set_dot(struct canvas *canvas, int x, int y, int series)
{
    static const unsigned char bits[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    if (x < 0 || y < 0 || x >= 2 * canvas->width || y >= 4 * canvas->height)
        return;
    struct cell *cell = &canvas->cells[y / 4 * canvas->width + x / 2];
    cell->dots |= bits[y % 4][x % 2];
    if (series != GRID || !cell->series)
        cell->series = (unsigned char)series;
}

/* Where a point lies, in dots. */
static void place(const struct canvas *canvas, const graph_panel *panel, graph_point point, int out[2])
{
    double wide = 2.0 * canvas->width - 1, high = 4.0 * canvas->height - 1;
    out[0] = (int)lround(fmax(-9, fmin(1e6, graph_share(&panel->x, point.x) * wide)));
    out[1] = (int)lround(fmax(-9, fmin(1e6, 4.0 * canvas->height - 1 - graph_share(&panel->y, point.y) * high)));
}

static void draw_line(struct canvas *canvas, const int from[2], const int to[2], int series)
{
    int steps = abs(to[0] - from[0]) > abs(to[1] - from[1]) ? abs(to[0] - from[0]) : abs(to[1] - from[1]);
    for (int i = 0; i <= steps; i++)
        set_dot(canvas, from[0] + (to[0] - from[0]) * i / (steps ? steps : 1),
                from[1] + (to[1] - from[1]) * i / (steps ? steps : 1), series);
}

static void draw_path(struct canvas *canvas, const graph_panel *panel, const graph_point *points, size_t count, int series)
{
    int before[2], now[2];
    for (size_t i = 0; i < count; i++) {
        place(canvas, panel, points[i], now);
        draw_line(canvas, i && graph_is_joined(panel, points[i - 1], points[i]) ? before : now, now, series);
        memcpy(before, now, sizeof before);
    }
}

static void draw_points(struct canvas *canvas, const graph_panel *panel, const graph_series *series, int number)
{
    int top[2], bottom[2];
    for (size_t i = 0; i < series->count; i++) {
        graph_point point = series->points[i];
        place(canvas, panel, point, top);
        memcpy(bottom, top, sizeof bottom);
        if (panel->bars)
            place(canvas, panel, (graph_point){point.x, 0}, bottom);
        if (!panel->bars || point.y > 0)
            draw_line(canvas, bottom, top, number);
    }
}

static void draw_panel(struct canvas *canvas, const graph_panel *panel)
{
    for (int i = 0; i < panel->line_count; i++)
        for (size_t p = 0; p < panel->lines[i].count; p++) {
            int at[2];
            place(canvas, panel, panel->lines[i].points[p], at);
            if (p % 2 == 0)
                set_dot(canvas, at[0], at[1], GRID);
        }
    for (int i = 0; i < panel->series_count; i++) {
        const graph_series *series = &panel->series[i];
        if (panel->joined)
            draw_path(canvas, panel, series->points, series->count, i + 1);
        else
            draw_points(canvas, panel, series, i + 1);
    }
}

static void put_cell(FILE *out, const struct canvas *canvas, const struct cell *cell)
{
    int known = cell->series && cell->series != GRID;
    if (!cell->dots) {
        fputc(' ', out);
        return;
    }
    if (canvas->color)
        fprintf(out, "\033[%dm", known ? colors[(cell->series - 1) % COLORS] : 90);
    if (canvas->braille)
        fprintf(out, "\xe2%c%c", 0xA0 + (cell->dots >> 6), 0x80 + (cell->dots & 0x3F));
    else
        fputc(known ? marks[(cell->series - 1) % COLORS] : '.', out);
    if (canvas->color)
        fputs("\033[0m", out);
}

/* The mark of the vertical axis that belongs to a line of the picture, or NULL. */
static const graph_tick *tick_at(const struct canvas *canvas, const graph_axis *axis, int row)
{
    for (int i = 0; i < axis->tick_count; i++) {
        double y = 4.0 * canvas->height - 1 - graph_share(axis, axis->ticks[i].at) * (4.0 * canvas->height - 1);
        if ((int)lround(y) / 4 == row)
            return &axis->ticks[i];
    }
    return NULL;
}

static void put_rows(FILE *out, const struct canvas *canvas, const graph_panel *panel)
{
    for (int row = 0; row < canvas->height; row++) {
        const graph_tick *tick = tick_at(canvas, &panel->y, row);
        int last = canvas->width;
        const struct cell *cells = &canvas->cells[row * canvas->width];
        while (last && !cells[last - 1].dots)
            last--;
        fprintf(out, "%*s %s", MARGIN - 2, tick ? tick->label : "", canvas->braille ? tick ? "┤" : "│" : tick ? "+" : "|");
        for (int column = 0; column < last; column++)
            put_cell(out, canvas, &cells[column]);
        fputc('\n', out);
    }
}

/* The horizontal axis, and below its marks what they say, as far as there is room. */
static void put_axis(FILE *out, const struct canvas *canvas, const graph_axis *axis)
{
    char labels[1024];
    int end = 0;
    memset(labels, ' ', sizeof labels);
    fprintf(out, "%*s%s", MARGIN - 1, "", canvas->braille ? "└" : "+");
    for (int column = 0; column < canvas->width; column++) {
        int marked = 0;
        for (int i = 0; i < axis->tick_count; i++) {
            int at = (int)lround(graph_share(axis, axis->ticks[i].at) * (canvas->width - 1));
            int length = (int)strlen(axis->ticks[i].label), begin = at - length / 2 < 0 ? 0 : at - length / 2;
            begin = begin + length > canvas->width ? canvas->width - length : begin;
            if (at != column)
                continue;
            marked = 1;
            if (begin >= end && begin + length < (int)sizeof labels) {
                memcpy(labels + begin, axis->ticks[i].label, (size_t)length);
                end = begin + length + 1;
            }
        }
        fputs(canvas->braille ? marked ? "┬" : "─" : marked ? "+" : "-", out);
    }
    fprintf(out, "\n%*s%.*s\n", MARGIN, "", end ? end - 1 : 0, labels);
}

static void put_legend(FILE *out, const struct canvas *canvas, const graph_panel *panel)
{
    fprintf(out, "%*s", MARGIN, "");
    ctl_print_text(out, panel->x.label, strlen(panel->x.label));
    fputs(panel->x.label[0] && panel->y.label[0] ? ", up: " : "", out);
    ctl_print_text(out, panel->y.label, strlen(panel->y.label));
    fputs(panel->y.reversed ? " (reversed)" : "", out);
    for (int i = 0; i < panel->series_count; i++) {
        if (!panel->series[i].name[0])
            continue;
        fputs("   ", out);
        if (canvas->color)
            fprintf(out, "\033[%dm", colors[i % COLORS]);
        if (canvas->braille)
            fputs("●", out);
        else
            fputc(marks[i % COLORS], out);
        fputs(canvas->color ? "\033[0m " : " ", out);
        ctl_print_text(out, panel->series[i].name, strlen(panel->series[i].name));
    }
    fputc('\n', out);
}

/* Dots are as high as they are wide: a picture of the sky takes as much of the room as has its shape. */
static void shape(struct canvas *canvas, const graph_panel *panel)
{
    double ratio = (panel->x.most - panel->x.least) / (panel->y.most - panel->y.least);
    double width = 2 * canvas->height * ratio, height = canvas->width / ratio / 2;
    if (width < canvas->width)
        canvas->width = width < 10 ? 10 : (int)width;
    else if (height < canvas->height)
        canvas->height = height < 3 ? 3 : (int)height;
}

static void put_panel(FILE *out, struct canvas *canvas, const graph_panel *panel)
{
    if (panel->square)
        shape(canvas, panel);
    memset(canvas->cells, 0, (size_t)canvas->width * (size_t)canvas->height * sizeof *canvas->cells);
    canvas->braille = graph_is_unicode() && (canvas->color || panel->series_count < 2);
    draw_panel(canvas, panel);
    if (panel->title[0]) {
        ctl_print_text(out, panel->title, strlen(panel->title));
        fputc('\n', out);
    }
    put_rows(out, canvas, panel);
    put_axis(out, canvas, &panel->x);
    put_legend(out, canvas, panel);
}

void graph_write_text(const ctl *ctl, const graph *graph, FILE *out)
{
    struct canvas canvas = {.width = graph->width - MARGIN - 1, .color = ctl->color && !ctl_get(ctl, "output")};
    canvas.height = graph->height / graph->panel_count;
    canvas.height = canvas.height < 5 ? 5 : canvas.height;
    canvas.cells = malloc((size_t)canvas.width * (size_t)canvas.height * sizeof *canvas.cells);
    if (!canvas.cells) {
        fputs("there is not enough memory for the picture\n", out);
        return;
    }
    ctl_print_text(out, graph->title, strlen(graph->title));
    fputc('\n', out);
    for (int i = 0; i < graph->panel_count; i++)
        put_panel(out, &canvas, graph->panels[i]);
    ctl_print_text(out, graph->note, strlen(graph->note));
    fputc('\n', out);
    free(canvas.cells);
}
