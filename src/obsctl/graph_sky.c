/*
 * From the sky to the plane: gnomonic (tangent) around a place, Aitoff where that shows too little. Right ascension grows to
 * the left, as the sky is seen from below. The grid's lines carry the coordinates.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/angle.h"
#include "obsctl/graph.h"

#define RADIAN (180 / 3.14159265358979323846)
#define WIDE 40.0 /* degrees; beyond, the tangent plane is stretched too much */
#define LINE_POINTS 181
#define LEAST_RADIUS (1 / 3600.0)

struct projection {
    double ra, dec, radius; /* of the middle; degrees */
    int whole;              /* Aitoff */
};

/* The difference of two right ascensions, -180 to 180. */
static double turn_of(double degrees)
{
    return degrees - 360 * floor((degrees + 180) / 360);
}

static int to_tangent(const struct projection *projection, double ra, double dec, graph_point *out)
{
    double turn = (ra - projection->ra) / RADIAN, d = dec / RADIAN, d0 = projection->dec / RADIAN;
    double depth = sin(d0) * sin(d) + cos(d0) * cos(d) * cos(turn);
    if (depth < 0.01) /* behind, or nearly */
        return 0;
    out->x = RADIAN * cos(d) * sin(turn) / depth;
    out->y = RADIAN * (cos(d0) * sin(d) - sin(d0) * cos(d) * cos(turn)) / depth;
    return 1;
}

static void to_aitoff(double turn, double dec, graph_point *out)
{
    double half = turn / 2 / RADIAN, d = dec / RADIAN;
    double angle = acos(fmax(-1, fmin(1, cos(d) * cos(half))));
    double scale = angle > 1e-9 ? angle / sin(angle) : 1;
    out->x = RADIAN * 2 * cos(d) * sin(half) * scale;
    out->y = RADIAN * sin(d) * scale;
}

static int to_plane(const struct projection *projection, double ra, double dec, graph_point *out)
{
    if (!projection->whole)
        return to_tangent(projection, ra, dec, out);
    to_aitoff(turn_of(ra - projection->ra), dec, out);
    return 1;
}

/* `13h29m,+47d12m,0.5d` */
int graph_parse_cone(const char *text, double out[3])
{
    for (int i = 0; i < 3; i++) {
        size_t size = strcspn(text, ",");
        if (!obs__angle_read(&out[i], (obs__view){text, size}, i ? OBS__DECLINATION : OBS__RIGHT_ASCENSION))
            return 0;
        text += size + (text[size] == ',');
    }
    return !*text;
}

/* The middle of all points, and how far away the farthest is. */
static void find_middle(struct projection *out, const graph_panel *panel)
{
    obs__direction sum = {0, 0, 0};
    for (int s = 0; s < panel->series_count; s++)
        for (size_t i = 0; i < panel->series[s].count; i++) {
            obs__direction one = obs__direction_of(panel->series[s].points[i].x, panel->series[s].points[i].y);
            sum = (obs__direction){sum.x + one.x, sum.y + one.y, sum.z + one.z};
        }
    obs__direction_angles(&out->ra, &out->dec, &sum);
    obs__direction middle = obs__direction_of(out->ra, out->dec);
    for (int s = 0; s < panel->series_count; s++)
        for (size_t i = 0; i < panel->series[s].count; i++) {
            obs__direction one = obs__direction_of(panel->series[s].points[i].x, panel->series[s].points[i].y);
            out->radius = fmax(out->radius, obs__separation(&middle, &one));
        }
    out->radius = fmax(1.1 * out->radius, LEAST_RADIUS);
}

static void project_points(const struct projection *projection, graph *graph, graph_panel *panel)
{
    unsigned long long behind = 0;
    for (int s = 0; s < panel->series_count; s++) {
        graph_series *series = &panel->series[s];
        size_t kept = 0;
        for (size_t i = 0; i < series->count; i++)
            kept += to_plane(projection, series->points[i].x, series->points[i].y, &series->points[kept]);
        behind += series->count - kept;
        series->total -= series->count - kept;
        series->count = kept;
    }
    if (behind)
        snprintf(graph->note, sizeof graph->note, "%llu lie outside of the picture", behind);
}

static graph_line *add_line(graph_panel *panel)
{
    graph_line *line = panel->line_count < GRAPH_LINES ? &panel->lines[panel->line_count] : NULL;
    if (!line || !(line->points = malloc(LINE_POINTS * sizeof *line->points)))
        return NULL;
    panel->line_count++;
    return line;
}

/* A piece of a meridian (kind 0) or parallel (1) through `at`, from `from` to `to` along the other coordinate. */
static graph_line *draw_circle(const struct projection *projection, graph_panel *panel, int kind, double at, double from,
                               double to)
{
    graph_line *line = add_line(panel);
    double edge = projection->radius * (projection->whole ? 10 : 1);
    if (!line)
        return NULL;
    for (int i = 0; i < LINE_POINTS; i++) {
        double along = from + (to - from) * i / (LINE_POINTS - 1);
        graph_point point;
        if (projection->whole)
            to_aitoff(kind ? along : at, kind ? at : along, &point);
        else if (!to_tangent(projection, kind ? projection->ra + along : at, kind ? at : along, &point))
            continue;
        if (fabs(point.x) <= edge * 1.5 && fabs(point.y) <= edge * 1.5)
            line->points[line->count++] = point;
    }
    return line;
}

/* Where a line goes over the lower (kind 0) or left (1) edge: there stands what it is. */
static void add_crossing(graph_panel *panel, const graph_line *line, int kind, const char *label)
{
    graph_axis *axis = kind ? &panel->y : &panel->x;
    double edge = kind ? panel->x.most : panel->y.least;
    for (size_t i = 1; i < line->count && axis->tick_count < GRAPH_TICKS; i++) {
        graph_point a = line->points[i - 1], b = line->points[i];
        double from = (kind ? a.x : a.y) - edge, to = (kind ? b.x : b.y) - edge;
        double share = from == to ? 0 : from / (from - to);
        double at = kind ? a.y + share * (b.y - a.y) : a.x + share * (b.x - a.x);
        if (from * to > 0 || at < axis->least || at > axis->most)
            continue;
        graph_tick *tick = &axis->ticks[axis->tick_count++];
        tick->at = at;
        graph_copy_text(tick->label, sizeof tick->label, label);
        return;
    }
}

/* Where a pole is in the picture lines cross its edges anywhere: what they are stands beside them, inside. */
static void add_inner_label(const graph_panel *panel, graph_line *line, int from_end, const char *label)
{
    for (size_t i = 0; i < line->count; i++) {
        graph_point point = line->points[from_end ? line->count - 1 - i : i];
        if (fabs(point.x) > 0.9 * panel->x.most || fabs(point.y) > 0.9 * panel->y.most)
            continue;
        graph_copy_text(line->label, sizeof line->label, label);
        line->label_at = point;
        return;
    }
}

static int has_pole(const struct projection *projection)
{
    return fabs(projection->dec) + 1.5 * projection->radius >= 90; /* also in a corner */
}

static double step_for(double least, const double *steps, int count)
{
    for (int i = 0; i < count; i++)
        if (steps[i] >= least)
            return steps[i];
    return steps[count - 1];
}

/* Sexagesimal, as --cone reads it; `unit` seconds for what is smallest. */
static void format_angle(char *out, size_t size, double seconds, double step, const char *sign, char whole)
{
    long long all = llround(fabs(seconds));
    int written = snprintf(out, size, "%s%02lld%c", sign, all / 3600, whole);
    if (fmod(step, 3600) != 0)
        written += snprintf(out + written, size - (size_t)written, "%02lldm", all / 60 % 60);
    if (fmod(step, 60) != 0)
        snprintf(out + written, size - (size_t)written, "%02llds", all % 60);
}

static void draw_meridians(const struct projection *projection, graph_panel *panel, double from, double to)
{
    static const double steps[] = {1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400}; /* seconds of time */
    double flat = fmax(cos(projection->dec / RADIAN), 0.02);
    double span = has_pole(projection) || fabs(projection->dec) + projection->radius > 88
                      ? 180
                      : fmin(180, 1.6 * projection->radius / flat);
    double step = step_for(span * 240 / 4, steps, 13);
    for (double i = ceil((projection->ra - span) * 240 / step); i * step < (projection->ra + span) * 240; i++) {
        char label[32];
        double time = fmod(i * step + 2 * 86400, 86400);
        graph_line *line = draw_circle(projection, panel, 0, i * step / 240, from, to);
        format_angle(label, sizeof label, time, step, "", 'h');
        if (line && has_pole(projection))
            add_inner_label(panel, line, projection->dec < 0, label);
        else if (line)
            add_crossing(panel, line, 0, label);
    }
}

static void draw_parallels(const struct projection *projection, graph_panel *panel, double from, double to)
{
    static const double steps[] = {1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 36000}; /* of arc */
    double step = step_for(projection->radius * 3600 / 3, steps, 14);
    double flat = fmax(cos(projection->dec / RADIAN), 0.02), span = fmin(180, 2 * projection->radius / flat);
    span = has_pole(projection) ? 180 : span;
    for (double i = ceil(from * 3600 / step); i * step <= to * 3600; i++) {
        char label[32];
        graph_line *line = draw_circle(projection, panel, 1, i * step / 3600, -span, span);
        format_angle(label, sizeof label, i * step, step, i < 0 ? "-" : "+", 'd');
        if (line && has_pole(projection))
            add_inner_label(panel, line, 0, label);
        else if (line)
            add_crossing(panel, line, 1, label);
    }
}

/* The edge of what --cone asked for. */
static void draw_radius(graph_panel *panel, double radius)
{
    graph_line *line = add_line(panel);
    double size = RADIAN * tan(radius / RADIAN);
    for (int i = 0; line && i < LINE_POINTS; i++) {
        double angle = 2 * i * 180.0 / (LINE_POINTS - 1) / RADIAN;
        line->points[line->count++] = (graph_point){size * cos(angle), size * sin(angle)};
    }
}

static void draw_part(const struct projection *projection, graph_panel *panel, double cone)
{
    double edge = RADIAN * tan(projection->radius / RADIAN) * 1.05;
    panel->x.least = panel->y.least = -edge;
    panel->x.most = panel->y.most = edge;
    panel->x.is_hidden = panel->y.is_hidden = has_pole(projection);
    double from = fmax(-90, projection->dec - 1.6 * projection->radius);
    double to = fmin(90, projection->dec + 1.6 * projection->radius);
    draw_meridians(projection, panel, from, to);
    draw_parallels(projection, panel, from, to);
    if (cone > 0)
        draw_radius(panel, cone);
}

static void draw_whole(const struct projection *projection, graph_panel *panel)
{
    panel->x.least = -185;
    panel->x.most = 185;
    panel->y.least = -95;
    panel->y.most = 95;
    panel->x.is_hidden = panel->y.is_hidden = 1;
    snprintf(panel->x.label, sizeof panel->x.label, "right ascension (J2000), %02.0fh in the middle, a line every 2h",
             fmod(projection->ra, 360) / 15);
    for (int i = -6; i <= 6; i++) {
        graph_line *line = draw_circle(projection, panel, 0, 30 * i, -90, 90);
        if (line && abs(i) < 6) {
            format_angle(line->label, sizeof line->label, fmod(projection->ra * 240 + 7200.0 * i + 86400, 86400), 3600, "",
                         'h');
            to_aitoff(30 * i, 0, &line->label_at);
        }
    }
    for (int i = -2; i <= 2; i++) {
        graph_line *line = draw_circle(projection, panel, 1, 30 * i, -180, 180);
        if (line && i) {
            format_angle(line->label, sizeof line->label, i * 108000.0, 3600, i < 0 ? "-" : "+", 'd');
            to_aitoff(180, 30 * i, &line->label_at);
        }
    }
}

void graph_project(graph *graph, graph_panel *panel, const double centre[2], double radius)
{
    struct projection projection = {.ra = centre[0], .dec = centre[1], .radius = radius};
    if (radius <= 0)
        find_middle(&projection, panel);
    projection.whole = projection.radius > WIDE;
    if (projection.whole)
        projection.ra = radius > 0 ? 30 * round(centre[0] / 30) : 0; /* hours that are easy to read */
    panel->square = 1;
    panel->x.reversed = 1;
    project_points(&projection, graph, panel);
    if (projection.whole)
        draw_whole(&projection, panel);
    else
        draw_part(&projection, panel, radius);
}
