/* The picture in memory: panels, series, and what is left out when there are too many points. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/graph.h"

#define PLACES 160 /* of a picture across and down, where points are thinned by place */

void graph_copy_text(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size) {
        length = size - 1;
        while (length && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(out, text, length);
    out[length] = '\0';
}

graph *graph_new(void)
{
    return calloc(1, sizeof(graph));
}

void graph_free(graph *graph)
{
    for (int i = 0; graph && i < graph->panel_count; i++) {
        graph_panel *panel = graph->panels[i];
        for (int s = 0; s < panel->series_count; s++)
            free(panel->series[s].points);
        for (int l = 0; l < panel->line_count; l++)
            free(panel->lines[l].points);
        free(panel);
    }
    free(graph);
}

graph_panel *graph_add_panel(graph *graph, const char *title)
{
    graph_panel *panel = graph->panel_count < GRAPH_PANELS ? calloc(1, sizeof *panel) : NULL;
    if (!panel)
        return NULL;
    graph_copy_text(panel->title, sizeof panel->title, title);
    panel->x.least = panel->y.least = INFINITY;
    panel->x.most = panel->y.most = -INFINITY;
    graph->panels[graph->panel_count++] = panel;
    return panel;
}

graph_series *graph_find_series(graph_panel *panel, const char *name)
{
    char cut[GRAPH_NAME];
    graph_copy_text(cut, sizeof cut, name);
    for (int i = 0; i < panel->series_count; i++)
        if (strcmp(panel->series[i].name, cut) == 0)
            return &panel->series[i];
    if (panel->series_count == GRAPH_SERIES)
        return &panel->series[GRAPH_SERIES - 1];
    graph_series *series = &panel->series[panel->series_count];
    series->points = malloc(GRAPH_KEPT * sizeof *series->points);
    if (!series->points)
        return NULL;
    strcpy(series->name, panel->series_count == GRAPH_SERIES - 1 ? "others" : cut);
    panel->series_count++;
    return series;
}

static int by_x(const void *left, const void *right)
{
    const graph_point *a = left, *b = right;
    return (a->x > b->x) - (a->x < b->x);
}

/* Which of `parts` a value lies in. */
static long part_of(double value, double least, double most, long parts)
{
    double share = most > least ? (value - least) / (most - least) : 0;
    long part = (long)(share * (double)parts);
    return part < 0 ? 0 : part < parts ? part : parts - 1;
}

/* Of the points of a column the lowest and the highest, in the order in which they stand. */
static size_t keep_extremes(graph_point *out, const graph_point *points, size_t count)
{
    size_t low = 0, high = 0;
    for (size_t i = 1; i < count; i++) {
        low = points[i].y < points[low].y ? i : low;
        high = points[i].y > points[high].y ? i : high;
    }
    graph_point first = points[low < high ? low : high], second = points[low < high ? high : low];
    out[0] = first;
    if (low == high)
        return 1;
    out[1] = second;
    return 2;
}

static void thin_by_column(graph_series *series, long columns)
{
    graph_point *points = series->points;
    double least = points[0].x, most = points[series->count - 1].x;
    size_t kept = 0, begin = 0;
    while (begin < series->count) {
        long column = part_of(points[begin].x, least, most, columns);
        size_t end = begin + 1;
        while (end < series->count && part_of(points[end].x, least, most, columns) == column)
            end++;
        kept += keep_extremes(points + kept, points + begin, end - begin);
        begin = end;
    }
    series->count = kept;
}

static void thin_by_place(graph_series *series)
{
    static unsigned char taken[PLACES][PLACES];
    graph_point low = series->points[0], high = low;
    size_t kept = 0;
    for (size_t i = 1; i < series->count; i++) {
        low.x = fmin(low.x, series->points[i].x);
        low.y = fmin(low.y, series->points[i].y);
        high.x = fmax(high.x, series->points[i].x);
        high.y = fmax(high.y, series->points[i].y);
    }
    memset(taken, 0, sizeof taken);
    for (size_t i = 0; i < series->count; i++) {
        graph_point point = series->points[i];
        unsigned char *place = &taken[part_of(point.x, low.x, high.x, PLACES)][part_of(point.y, low.y, high.y, PLACES)];
        if (!*place)
            series->points[kept++] = point;
        *place = 1;
    }
    series->count = kept;
}

/* Whatever stands in a column or a place, no more than its width is drawn from it. */
void graph_thin(const graph_panel *panel, graph_series *series, int columns)
{
    if (panel->thinning == GRAPH_BY_PLACE) {
        thin_by_place(series);
        return;
    }
    qsort(series->points, series->count, sizeof *series->points, by_x);
    thin_by_column(series, columns);
}

/* While points come the columns are a quarter as wide as at the end, as the range may still become smaller or larger. */
int graph_add(const graph_panel *panel, graph_series *series, double x, double y, int columns)
{
    if (!isfinite(x) || !isfinite(y))
        return 0;
    if (series->count == GRAPH_KEPT)
        graph_thin(panel, series, columns < GRAPH_KEPT / 16 ? 4 * columns : GRAPH_KEPT / 4);
    series->points[series->count++] = (graph_point){x, y};
    series->total++;
    return 1;
}

static void widen(graph_axis *axis, double value)
{
    axis->least = fmin(axis->least, value);
    axis->most = fmax(axis->most, value);
}

/* A twentieth more on both sides, so that no point lies on the frame. */
static void pad(graph_axis *axis, int from_zero)
{
    double size = axis->most - axis->least;
    double more = size > 0 ? size / 20 : axis->is_time ? 3600 : fmax(fabs(axis->most) * 1e-3, 0.05);
    axis->most += more;
    if (!from_zero)
        axis->least -= more;
}

static void set_ranges(graph_panel *panel)
{
    int fixed = panel->x.least < panel->x.most;
    for (int s = 0; s < panel->series_count && !fixed; s++)
        for (size_t i = 0; i < panel->series[s].count; i++) {
            widen(&panel->x, panel->series[s].points[i].x);
            widen(&panel->y, panel->series[s].points[i].y);
        }
    if (panel->bars)
        widen(&panel->y, 0);
    if (fixed || !(panel->x.least <= panel->x.most))
        return;
    pad(&panel->x, 0);
    pad(&panel->y, panel->bars);
}

static unsigned long long points_of(const graph *graph, int drawn)
{
    unsigned long long count = 0;
    for (int i = 0; i < graph->panel_count; i++)
        for (int s = 0; s < graph->panels[i]->series_count; s++)
            count += drawn ? graph->panels[i]->series[s].count : graph->panels[i]->series[s].total;
    return count;
}

static void write_note(graph *graph)
{
    unsigned long long all = points_of(graph, 0), drawn = points_of(graph, 1);
    size_t used = strlen(graph->note);
    snprintf(graph->note + used, sizeof graph->note - used, "%s%llu point%s", used ? "; " : "", all, all == 1 ? "" : "s");
    used = strlen(graph->note);
    if (drawn < all)
        snprintf(graph->note + used, sizeof graph->note - used, ", thinned to %llu: %s", drawn,
                 graph->panels[0]->thinning == GRAPH_BY_PLACE ? "one for each place" : "the lowest and highest of each column");
    used = strlen(graph->note);
    if (graph->left_out)
        snprintf(graph->note + used, sizeof graph->note - used, "; %llu entr%s left out, without these values", graph->left_out,
                 graph->left_out == 1 ? "y was" : "ies were");
}

/* Channels are compared: all have the time of all. */
static void share_ranges(graph *graph)
{
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < graph->panel_count; i++) {
        least = fmin(least, graph->panels[i]->x.least);
        most = fmax(most, graph->panels[i]->x.most);
    }
    for (int i = 0; i < graph->panel_count; i++) {
        graph->panels[i]->x.least = least;
        graph->panels[i]->x.most = most;
    }
}

static void thin_panel(graph_panel *panel, int columns)
{
    for (int s = 0; s < panel->series_count; s++) {
        graph_series *series = &panel->series[s];
        qsort(series->points, panel->joined ? series->count : 0, sizeof *series->points, by_x);
        if (series->count > 4 * (size_t)columns)
            graph_thin(panel, series, columns);
    }
}

void graph_finish(graph *graph, int columns)
{
    for (int i = 0; i < graph->panel_count; i++) {
        thin_panel(graph->panels[i], columns);
        set_ranges(graph->panels[i]);
    }
    share_ranges(graph);
    for (int i = 0; i < graph->panel_count; i++) {
        graph_panel *panel = graph->panels[i];
        if (panel->join_within > 0) /* what was thinned is a column apart, or two */
            panel->join_within = fmax(panel->join_within, 3 * (panel->x.most - panel->x.least) / columns);
        if (!panel->x.tick_count && !panel->x.is_hidden)
            graph_set_ticks(&panel->x, 6);
        if (!panel->y.tick_count && !panel->y.is_hidden)
            graph_set_ticks(&panel->y, graph->panel_count > 1 ? 3 : 6);
        if (i + 1 < graph->panel_count)
            panel->x.label[0] = '\0'; /* it stands below all */
    }
    if (graph->panel_count)
        write_note(graph);
}

int graph_is_joined(const graph_panel *panel, graph_point from, graph_point to)
{
    return panel->joined && (panel->join_within <= 0 || to.x - from.x <= panel->join_within);
}

double graph_share(const graph_axis *axis, double value)
{
    double share = (value - axis->least) / (axis->most - axis->least);
    return axis->reversed ? 1 - share : share;
}
